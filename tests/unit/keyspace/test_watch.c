/* SPDX-License-Identifier: MIT */
/* Watched keys: who becomes dirty, and who does not. */
#include "keyspace/watch.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "base/hash.h"

static rl_watch *watch;

static void setup(void) {
    watch = rl_watch_create();
}

static void teardown(void) {
    rl_watch_free(watch);
}

TestSuite(watch, .init = setup, .fini = teardown);

static void add(rl_watcher *w, int db, const char *key) {
    rl_bytes bytes = rl_bytes_text(key);
    rl_watch_add(watch, w, db, bytes, rl_hash(bytes), false);
}

static void touch(int db, const char *key) {
    rl_bytes bytes = rl_bytes_text(key);
    rl_watch_touch(watch, db, bytes, rl_hash(bytes), false);
}

static void remove_expired(int db, const char *key) {
    rl_bytes bytes = rl_bytes_text(key);
    rl_watch_touch(watch, db, bytes, rl_hash(bytes), true);
}

Test(watch, nobody_watches_at_first)
{
    cr_assert_not(rl_watch_any(watch));
    touch(0, "k");
    rl_watcher w = {0};
    rl_watch_clear(watch, &w);
    cr_assert_not(w.dirty);
    rl_watch_free(NULL);
}

Test(watch, a_touch_makes_every_watcher_of_the_key_dirty)
{
    rl_watcher a = {0}, b = {0}, other = {0};
    add(&a, 0, "k");
    add(&b, 0, "k");
    add(&other, 0, "x");
    touch(0, "k");
    cr_assert(a.dirty && b.dirty);
    cr_assert_not(other.dirty);
    rl_watch_clear(watch, &a);
    rl_watch_clear(watch, &b);
    rl_watch_clear(watch, &other);
    cr_assert_not(a.dirty, "a cleared watcher is clean");
    cr_assert_not(rl_watch_any(watch));
}

Test(watch, the_same_name_in_another_database_is_another_key)
{
    rl_watcher w = {0};
    add(&w, 1, "k");
    touch(0, "k");
    cr_assert_not(w.dirty);
    touch(1, "k");
    cr_assert(w.dirty);
    rl_watch_clear(watch, &w);
}

Test(watch, a_key_watched_twice_counts_once)
{
    rl_watcher w = {0};
    add(&w, 0, "k");
    add(&w, 0, "k");
    add(&w, 1, "k");
    cr_assert_eq(w.count, 2);
    cr_assert_eq(rl_watch_keys(watch), 2);
    rl_watch_clear(watch, &w);
    cr_assert_eq(rl_watch_keys(watch), 0);
}

Test(watch, keys_may_hold_any_bytes)
{
    rl_watcher w = {0};
    rl_bytes key = RL_BYTES("a\0b"), near = RL_BYTES("a\0c"), empty = RL_BYTES("");
    rl_watch_add(watch, &w, 0, key, rl_hash(key), false);
    rl_watch_touch(watch, 0, near, rl_hash(near), false);
    rl_watch_touch(watch, 0, empty, rl_hash(empty), false);
    cr_assert_not(w.dirty);
    rl_watch_touch(watch, 0, key, rl_hash(key), false);
    cr_assert(w.dirty);
    rl_watch_clear(watch, &w);
}

Test(watch, removing_what_was_over_already_is_no_change)
{
    rl_watcher before = {0}, after = {0};
    rl_bytes key = RL_BYTES("k");
    add(&before, 0, "k");
    rl_watch_add(watch, &after, 0, key, rl_hash(key), true);
    remove_expired(0, "k");
    cr_assert(before.dirty, "it was there when it was watched");
    cr_assert_not(after.dirty, "it was over when it was watched");
    touch(0, "k");
    cr_assert(after.dirty, "a new key of that name is a change");
    rl_watch_clear(watch, &before);
    rl_watch_clear(watch, &after);
}

static bool starts_with_a(void *arg, int db, rl_bytes key, uint64_t hash) {
    (void)arg;
    (void)db;
    cr_assert_eq(hash, rl_hash(key));
    return key.len && key.ptr[0] == 'a';
}

Test(watch, touching_a_whole_database)
{
    rl_watcher a = {0}, b = {0}, elsewhere = {0};
    add(&a, 0, "apple");
    add(&b, 0, "banana");
    add(&elsewhere, 3, "avocado");
    rl_watch_touch_where(watch, 0, starts_with_a, NULL);
    cr_assert(a.dirty);
    cr_assert_not(b.dirty);
    cr_assert_not(elsewhere.dirty);
    rl_watch_touch_where(watch, -1, starts_with_a, NULL);
    cr_assert(elsewhere.dirty);
    cr_assert_not(b.dirty);
    rl_watch_clear(watch, &a);
    rl_watch_clear(watch, &b);
    rl_watch_clear(watch, &elsewhere);
}

Test(watch, any_expired_asks_only_for_keys_that_were_live)
{
    rl_watcher live = {0}, over = {0};
    rl_bytes key = RL_BYTES("a");
    add(&live, 0, "a");
    rl_watch_add(watch, &over, 0, key, rl_hash(key), true);
    cr_assert(rl_watch_any_expired(&live, starts_with_a, NULL));
    cr_assert_not(rl_watch_any_expired(&over, starts_with_a, NULL));
    rl_watch_clear(watch, &live);
    rl_watch_clear(watch, &over);
}

/* Enough of both to make the table of watched keys grow, with watchers leaving in any order. */
Test(watch, many_watchers_of_many_keys)
{
    enum { WATCHERS = 50, KEYS = 40 };
    rl_watcher all[WATCHERS] = {0};
    for (int i = 0; i < WATCHERS; i++) {
        for (int k = 0; k < KEYS; k++) {
            char key[32];
            snprintf(key, sizeof key, "key:%d", (i + k) % 60);
            add(&all[i], k % 2, key);
        }
    }
    cr_assert_eq(rl_watch_keys(watch), WATCHERS * KEYS);
    for (int i = 0; i < WATCHERS; i += 2)
        rl_watch_clear(watch, &all[i]);
    touch(0, "key:31");
    for (int i = 0; i < WATCHERS; i++) {
        bool watches = i % 2 == 1 && (31 - i + 60) % 60 < KEYS && (31 - i + 60) % 60 % 2 == 0;
        cr_assert_eq(all[i].dirty, watches, "watcher %d", i);
    }
    for (int i = 1; i < WATCHERS; i += 2)
        rl_watch_clear(watch, &all[i]);
    cr_assert_not(rl_watch_any(watch));
}
