/* SPDX-License-Identifier: MIT */
/*
 * The keyspace: memory is what was asked for, the rows that its batches make are what memory is,
 * and the sequence numbers of what was seen are right. Random operations run against two models:
 * keys as a client thinks of them, and rows as the store would keep them.
 */
#include "keyspace/keyspace.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/hash.h"

enum { DBS = 3, KEYS = 40, NAMES = KEYS * DBS };

static rl_keyspace *ks;
static rl_batch_builder *batch;
static uint64_t open_seq, synced_seq;
static int64_t now_ms;

static void begin(void) {
    rl_keyspace_begin(ks, now_ms, open_seq, synced_seq, true);
}

static void setup(void) {
    batch = rl_batch_builder_create();
    ks = rl_keyspace_create(DBS, batch);
    open_seq = 1;
    synced_seq = 0;
    now_ms = 1000000;
    begin();
}

static void teardown(void) {
    rl_keyspace_free(ks);
    rl_batch_builder_free(batch);
}

TestSuite(keyspace, .init = setup, .fini = teardown);

static rl_bytes key_of(const char *text) {
    return rl_bytes_text(text);
}

static void set(int db, const char *key, const char *value, int64_t expires_at) {
    rl_bytes k = key_of(key);
    rl_keyspace_set(ks, db, k, rl_hash(k), rl_bytes_text(value), expires_at);
}

static rl_entry *find(int db, const char *key) {
    rl_bytes k = key_of(key);
    return rl_keyspace_find(ks, db, k, rl_hash(k), RL_LOOK_READ);
}

static bool del(int db, const char *key) {
    rl_bytes k = key_of(key);
    return rl_keyspace_delete(ks, db, k, rl_hash(k));
}

static void rename_key(int db, const char *from, int to_db, const char *to) {
    rl_bytes f = key_of(from), t = key_of(to);
    rl_keyspace_rename(ks, db, f, rl_hash(f), to_db, t, rl_hash(t));
}

static void expect_value(int db, const char *key, const char *value) {
    rl_entry *e = find(db, key);
    if (value == NULL) {
        cr_assert_null(e, "%s is there", key);
        return;
    }
    cr_assert_not_null(e, "%s is not there", key);
    cr_assert(rl_bytes_equal(rl_entry_value(e), rl_bytes_text(value)), "%s is %.*s", key,
              (int)e->value_len, rl_entry_value_ptr(e));
}

/* The next turn: what was changed is one batch. Returns its number. */
static uint64_t seal(void) {
    rl_batch_free(rl_batch_seal(batch, open_seq));
    open_seq++;
    begin();
    return open_seq - 1;
}

static uint64_t seen_by_find(int db, const char *key) {
    rl_keyspace_seen_reset(ks);
    find(db, key);
    return rl_keyspace_seen_seq(ks);
}

/* ---- the basics ---- */

Test(keyspace, set_find_delete)
{
    expect_value(0, "k", NULL);
    set(0, "k", "v", RL_NEVER);
    expect_value(0, "k", "v");
    expect_value(1, "k", NULL);
    set(0, "k", "other", RL_NEVER);
    expect_value(0, "k", "other");
    cr_assert(del(0, "k"));
    cr_assert_not(del(0, "k"));
    expect_value(0, "k", NULL);
}

Test(keyspace, a_key_is_gone_when_its_time_is_over)
{
    set(0, "k", "v", now_ms + 10);
    now_ms += 9;
    begin();
    expect_value(0, "k", "v");
    now_ms += 1;
    begin();
    expect_value(0, "k", NULL);
    cr_assert_eq(rl_keyspace_size(ks, 0), 0);
    rl_keyspace_stats stats;
    rl_keyspace_stats_read(ks, &stats);
    cr_assert_eq(stats.expired, 1);
}

Test(keyspace, due_keys_are_removed_up_to_a_limit)
{
    for (int i = 0; i < 10; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        set(i % DBS, key, "v", now_ms + 1 + i);
    }
    int64_t at_ms;
    cr_assert(rl_keyspace_next_expiry(ks, &at_ms));
    cr_assert_eq(at_ms, now_ms + 1);
    now_ms += 8;
    begin();
    cr_assert_eq(rl_keyspace_expire_due(ks, 3), 3);
    cr_assert_eq(rl_keyspace_expire_due(ks, 100), 5);
    cr_assert_eq(rl_keyspace_expire_due(ks, 100), 0);
    cr_assert(rl_keyspace_next_expiry(ks, &at_ms));
    cr_assert_eq(at_ms, now_ms + 1);
    rl_keyspace_set_active_expire(ks, false);
    now_ms += 100;
    begin();
    cr_assert_eq(rl_keyspace_expire_due(ks, 100), 0);
    cr_assert_not(rl_keyspace_next_expiry(ks, &at_ms));
}

Test(keyspace, setting_keeps_or_drops_the_expiry)
{
    set(0, "k", "v", now_ms + 10);
    rl_bytes k = key_of("k");
    rl_keyspace_set_entry(ks, 0, find(0, "k"), rl_hash(k), RL_BYTES("w"));
    cr_assert_eq(rl_entry_expires_at(find(0, "k")), now_ms + 10);
    set(0, "k", "x", RL_NEVER);
    cr_assert_eq(rl_entry_expires_at(find(0, "k")), RL_NEVER);
}

Test(keyspace, hits_and_misses_are_counted_for_reads)
{
    set(0, "k", "v", RL_NEVER);
    rl_bytes k = key_of("k"), x = key_of("x");
    static const rl_look looks[] = {RL_LOOK_READ, RL_LOOK_WRITE, RL_LOOK_PEEK,
                                    RL_LOOK_READ_NOTOUCH};
    for (size_t i = 0; i < 4; i++) {
        rl_keyspace_find(ks, 0, k, rl_hash(k), looks[i]);
        rl_keyspace_find(ks, 0, x, rl_hash(x), looks[i]);
    }
    rl_keyspace_stats stats;
    rl_keyspace_stats_read(ks, &stats);
    cr_assert_eq(stats.hits, 2);
    cr_assert_eq(stats.misses, 2);
    rl_keyspace_stats_reset(ks);
    rl_keyspace_stats_read(ks, &stats);
    cr_assert_eq(stats.hits + stats.misses, 0);
}

Test(keyspace, an_access_is_noted_unless_peeked)
{
    rl_bytes k = key_of("k");
    set(0, "k", "v", RL_NEVER);
    now_ms += 50000;
    begin();
    uint32_t before = rl_keyspace_find(ks, 0, k, rl_hash(k), RL_LOOK_PEEK)->access;
    cr_assert_eq(rl_keyspace_find(ks, 0, k, rl_hash(k), RL_LOOK_READ_NOTOUCH)->access, before);
    cr_assert_eq(rl_keyspace_find(ks, 0, k, rl_hash(k), RL_LOOK_READ)->access, now_ms / 1000);
}

/* What changes no row must count as no change: its answer would wait for a batch that never comes.
 */
Test(keyspace, setting_a_missing_key_in_the_past_is_no_change)
{
    uint64_t changes = rl_keyspace_changes(ks);
    set(0, "k", "v", now_ms - 1);
    expect_value(0, "k", NULL);
    cr_assert_eq(rl_batch_builder_bytes(batch), 0);
    cr_assert_eq(rl_keyspace_changes(ks), changes);
    rl_keyspace_seen_reset(ks);
    rl_keyspace_size(ks, 0);
    cr_assert_eq(rl_keyspace_seen_seq(ks), 0);
}

Test(keyspace, numbers_of_a_database)
{
    rl_db_stats stats;
    set(1, "a", "v", RL_NEVER);
    set(1, "b", "v", now_ms + 5000);
    rl_keyspace_db_stats(ks, 1, &stats);
    cr_assert_eq(stats.keys, 2);
    cr_assert_eq(stats.expires, 1);
    cr_assert_eq(stats.avg_ttl_ms, 5000);
    rl_keyspace_db_stats(ks, 0, &stats);
    cr_assert_eq(stats.keys, 0);
    cr_assert_eq(stats.avg_ttl_ms, 0);
}

Test(keyspace, far_expiries_do_no_harm)
{
    set(0, "a", "v", INT64_MAX);
    set(0, "b", "v", INT64_MAX);
    rl_db_stats stats;
    rl_keyspace_db_stats(ks, 0, &stats);
    cr_assert_eq(stats.avg_ttl_ms, INT64_MAX - now_ms);
    cr_assert_eq(rl_keyspace_expire_due(ks, 100), 0);
    expect_value(0, "a", "v");
}

Test(keyspace, cleared_tables_are_freed_in_steps)
{
    for (int i = 0; i < 20000; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        set(0, key, "v", RL_NEVER);
    }
    rl_keyspace_clear(ks, 0);
    rl_keyspace_stats stats;
    rl_keyspace_stats_read(ks, &stats);
    cr_assert_eq(stats.lazy_tables, 1);
    cr_assert_eq(rl_keyspace_size(ks, 0), 0);
    int steps = 1;
    while (rl_keyspace_free_step(ks))
        steps++;
    cr_assert_gt(steps, 10);
    rl_keyspace_stats_read(ks, &stats);
    cr_assert_eq(stats.lazy_tables, 0);
}

/* ---- what was seen ---- */

Test(keyspace, a_read_waits_for_what_it_saw)
{
    set(0, "k", "v", RL_NEVER);
    cr_assert_eq(seen_by_find(0, "k"), 1);
    cr_assert_eq(seen_by_find(0, "other"), 0);
    seal();
    cr_assert_eq(seen_by_find(0, "k"), 1, "sealed, not synced");
    set(0, "later", "v", RL_NEVER);
    cr_assert_eq(seen_by_find(0, "k"), 1);
    cr_assert_eq(seen_by_find(0, "later"), 2);
    synced_seq = 1;
    seal();
    cr_assert_eq(seen_by_find(0, "k"), 0, "synced");
    cr_assert_eq(seen_by_find(0, "later"), 2);
}

Test(keyspace, what_was_seen_is_the_highest)
{
    set(0, "a", "v", RL_NEVER);
    seal();
    set(0, "b", "v", RL_NEVER);
    rl_keyspace_seen_reset(ks);
    find(0, "b");
    find(0, "a");
    cr_assert_eq(rl_keyspace_seen_seq(ks), 2);
    rl_keyspace_seen_reset(ks);
    cr_assert_eq(rl_keyspace_seen_seq(ks), 0);
}

Test(keyspace, a_miss_waits_for_the_delete_it_saw)
{
    set(0, "k", "v", RL_NEVER);
    seal();
    synced_seq = 1;
    begin();
    del(0, "k");
    cr_assert_eq(seen_by_find(0, "k"), 2);
    rl_keyspace_seen_reset(ks);
    cr_assert_not(del(0, "k"));
    cr_assert_eq(rl_keyspace_seen_seq(ks), 2, "a delete that finds nothing has seen it too");
    seal();
    synced_seq = 2;
    begin();
    cr_assert_eq(seen_by_find(0, "k"), 0);
}

Test(keyspace, every_change_of_an_entry_stamps_it)
{
    rl_bytes k = key_of("k");
    set(0, "k", "v", RL_NEVER);
    synced_seq = seal();
    begin();
    rl_keyspace_patch(ks, 0, find(0, "k"), rl_hash(k), 1, RL_BYTES("x"));
    cr_assert_eq(seen_by_find(0, "k"), open_seq);
    synced_seq = seal();
    begin();
    rl_keyspace_expire(ks, 0, find(0, "k"), rl_hash(k), now_ms + 1000);
    cr_assert_eq(seen_by_find(0, "k"), open_seq);
    synced_seq = seal();
    begin();
    rl_keyspace_set_entry(ks, 0, find(0, "k"), rl_hash(k), RL_BYTES("y"));
    cr_assert_eq(seen_by_find(0, "k"), open_seq);
    synced_seq = seal();
    begin();
    rename_key(0, "k", 1, "new");
    cr_assert_eq(seen_by_find(0, "k"), open_seq);
    cr_assert_eq(seen_by_find(1, "new"), open_seq);
    synced_seq = seal();
    begin();
    rl_bytes copy = key_of("copy");
    rl_keyspace_copy(ks, find(1, "new"), 0, copy, rl_hash(copy));
    cr_assert_eq(seen_by_find(0, "copy"), open_seq);
    cr_assert_eq(seen_by_find(1, "new"), 0, "a copy leaves its source alone");
}

static void count_entry(void *arg, rl_entry *e) {
    (void)e;
    ++*(int *)arg;
}

Test(keyspace, a_look_at_all_waits_for_the_last_change)
{
    int count = 0;
    set(0, "k", "v", RL_NEVER);
    seal();
    set(1, "k", "v", RL_NEVER);
    seal();
    rl_keyspace_seen_reset(ks);
    rl_keyspace_size(ks, 0);
    cr_assert_eq(rl_keyspace_seen_seq(ks), 2);
    rl_keyspace_seen_reset(ks);
    rl_keyspace_scan(ks, 0, 0, 100, count_entry, &count);
    cr_assert_eq(rl_keyspace_seen_seq(ks), 2);
    cr_assert_eq(count, 1);
    rl_keyspace_seen_reset(ks);
    cr_assert_not_null(rl_keyspace_random(ks, 0));
    cr_assert_eq(rl_keyspace_seen_seq(ks), 2);
    synced_seq = 2;
    begin();
    rl_keyspace_seen_reset(ks);
    rl_keyspace_size(ks, 0);
    cr_assert_eq(rl_keyspace_seen_seq(ks), 0);
}

Test(keyspace, clearing_and_swapping_are_seen_where_they_were)
{
    set(0, "k", "v", RL_NEVER);
    set(1, "x", "v", RL_NEVER);
    set(2, "y", "v", RL_NEVER);
    synced_seq = seal();
    begin();
    rl_keyspace_swap(ks, 0, 1);
    cr_assert_eq(seen_by_find(1, "k"), 2);
    cr_assert_eq(seen_by_find(0, "k"), 2);
    cr_assert_eq(seen_by_find(0, "x"), 2);
    cr_assert_eq(seen_by_find(1, "x"), 2);
    cr_assert_eq(seen_by_find(2, "y"), 0, "this one is as it was");
    cr_assert_eq(seen_by_find(2, "nothing"), 0);
    seal();
    rl_keyspace_clear(ks, 1);
    cr_assert_eq(seen_by_find(1, "k"), 3);
    cr_assert_eq(seen_by_find(0, "x"), 2, "that of the swap is not forgotten");
    cr_assert_eq(seen_by_find(2, "y"), 0);
    synced_seq = 2;
    begin();
    cr_assert_eq(seen_by_find(1, "k"), 3);
    cr_assert_eq(seen_by_find(0, "x"), 0);
    synced_seq = seal();
    begin();
    cr_assert_eq(seen_by_find(1, "k"), 0);
}

Test(keyspace, clearing_all_is_seen_everywhere)
{
    for (int db = 0; db < DBS; db++)
        set(db, "k", "v", RL_NEVER);
    synced_seq = seal();
    begin();
    rl_keyspace_clear(ks, -1);
    for (int db = 0; db < DBS; db++)
        cr_assert_eq(seen_by_find(db, "k"), 2);
    seal();
    set(0, "k", "v", RL_NEVER);
    rl_keyspace_swap(ks, 0, 1);
    cr_assert_eq(seen_by_find(2, "k"), 2, "the other two were swapped later");
}

/* COPY and MOVE look into two; DBSIZE, SCAN and RANDOMKEY count for all. */
Test(keyspace, who_looks_into_several_databases_waits_for_each)
{
    int count = 0;
    for (int db = 0; db < DBS; db++)
        set(db, "k", "v", RL_NEVER);
    synced_seq = seal();
    begin();
    rl_keyspace_clear(ks, 1);
    for (int first = 0; first < 2; first++) {
        rl_keyspace_seen_reset(ks);
        find(first, "k");
        find(1 - first, "k");
        cr_assert_eq(rl_keyspace_seen_seq(ks), 2);
    }
    rl_keyspace_seen_reset(ks);
    rl_keyspace_size(ks, 0);
    cr_assert_eq(rl_keyspace_seen_seq(ks), 2);
    rl_keyspace_seen_reset(ks);
    rl_keyspace_scan(ks, 0, 0, 100, count_entry, &count);
    cr_assert_eq(rl_keyspace_seen_seq(ks), 2);
    rl_keyspace_seen_reset(ks);
    cr_assert_not_null(rl_keyspace_random(ks, 0));
    cr_assert_eq(rl_keyspace_seen_seq(ks), 2);
}

/* "Nothing is left" is as true as what took it away. */
Test(keyspace, a_clear_that_finds_nothing_waits_for_who_emptied_it)
{
    set(0, "k", "v", RL_NEVER);
    synced_seq = seal();
    begin();
    del(0, "k");
    seal();
    for (int db = -1; db < 1; db++) {
        rl_keyspace_seen_reset(ks);
        uint64_t changes = rl_keyspace_changes(ks);
        rl_keyspace_clear(ks, db);
        cr_assert_eq(rl_keyspace_changes(ks), changes);
        cr_assert_eq(rl_keyspace_seen_seq(ks), 2);
    }
}

Test(keyspace, nothing_is_seen_when_not_tracking)
{
    rl_keyspace_begin(ks, now_ms, open_seq, synced_seq, false);
    set(0, "k", "v", RL_NEVER);
    del(0, "gone");
    cr_assert_eq(seen_by_find(0, "k"), 0);
    cr_assert_eq(seen_by_find(0, "gone"), 0);
    rl_keyspace_size(ks, 0);
    cr_assert_eq(rl_keyspace_seen_seq(ks), 0);
}

/* An entry keeps the low half of a seq only. */
Test(keyspace, sequence_numbers_may_be_large)
{
    open_seq = ((uint64_t)7 << 32) - 2;
    synced_seq = open_seq - 1;
    begin();
    set(0, "a", "v", RL_NEVER);
    uint64_t a = seal();
    seal();
    seal();
    set(0, "b", "v", RL_NEVER);
    uint64_t b = seal();
    cr_assert_eq(b, ((uint64_t)7 << 32) + 1);
    cr_assert_eq(seen_by_find(0, "a"), a);
    cr_assert_eq(seen_by_find(0, "b"), b);
    synced_seq = a;
    begin();
    cr_assert_eq(seen_by_find(0, "a"), 0);
    cr_assert_eq(seen_by_find(0, "b"), b);
}

/* Whatever is done in whatever order: an answer about a key says no earlier number than that of the
 * last batch that made it what it is. */
enum { SEEN_KEYS = 6 };

typedef struct seen_model {
    int value[DBS][SEEN_KEYS]; /* 0: not there */
    uint64_t changed_at[DBS][SEEN_KEYS];
} seen_model;

static const char *const seen_names[SEEN_KEYS] = {"a", "b", "c", "d", "e", "f"};

static void seen_change(seen_model *m, rl_random *dice) {
    static const char *const values[] = {NULL, "1", "2", "3"};
    int db = (int)rl_random_below(dice, DBS), other = (int)rl_random_below(dice, DBS);
    size_t k = rl_random_below(dice, SEEN_KEYS), l = rl_random_below(dice, SEEN_KEYS);
    int value = 1 + (int)rl_random_below(dice, 3), row[SEEN_KEYS];
    switch (rl_random_below(dice, 12)) {
    case 0:
        rl_keyspace_clear(ks, -1);
        memset(m->value, 0, sizeof m->value);
        break;
    case 1:
        rl_keyspace_clear(ks, db);
        memset(m->value[db], 0, sizeof m->value[db]);
        break;
    case 2:
    case 3:
        rl_keyspace_swap(ks, db, other);
        memcpy(row, m->value[db], sizeof row);
        memmove(m->value[db], m->value[other], sizeof row);
        memcpy(m->value[other], row, sizeof row);
        break;
    case 4:
    case 5:
        if (m->value[db][k] == 0)
            return;
        rename_key(db, seen_names[k], other, seen_names[l]);
        value = m->value[db][k];
        m->value[db][k] = 0;
        m->value[other][l] = value;
        break;
    case 6:
    case 7:
        del(db, seen_names[k]);
        m->value[db][k] = 0;
        break;
    default:
        set(db, seen_names[k], values[value], RL_NEVER);
        m->value[db][k] = value;
    }
}

static uint64_t seen_needed(const seen_model *m, int db, int key) {
    uint64_t at = m->changed_at[db][key];
    return at > synced_seq ? at : 0;
}

static void seen_check(const seen_model *m) {
    for (int db = 0; db < DBS; db++) {
        for (int k = 0; k < SEEN_KEYS; k++) {
            const rl_entry *e = find(db, seen_names[k]);
            cr_assert_eq(e ? *rl_entry_value_ptr(e) - '0' : 0, m->value[db][k]);
            cr_assert_geq(seen_by_find(db, seen_names[k]), seen_needed(m, db, k),
                          "batch %d, %s of %d", (int)open_seq, seen_names[k], db);
            if (e)
                continue;
            rl_keyspace_seen_reset(ks);
            set(db, seen_names[k], "late", now_ms - 1);
            cr_assert_geq(rl_keyspace_seen_seq(ks), seen_needed(m, db, k));
        }
    }
}

Test(keyspace, an_answer_never_says_too_little)
{
    rl_random dice;
    seen_model m = {0};
    rl_random_seed(&dice, 7);
    for (int i = 0; i < 20000; i++) {
        seen_model before = m;
        seen_change(&m, &dice);
        for (int db = 0; db < DBS; db++)
            for (int k = 0; k < SEEN_KEYS; k++)
                if (m.value[db][k] != before.value[db][k])
                    m.changed_at[db][k] = open_seq;
        seen_check(&m);
        if (rl_random_below(&dice, 3) == 0)
            seal();
        if (rl_random_below(&dice, 9) == 0)
            synced_seq += rl_random_below(&dice, open_seq - synced_seq);
        begin();
    }
}

/* ---- watching ---- */

static bool broken_by(void (*change)(void)) {
    rl_watcher w = {0};
    rl_bytes k = key_of("k");
    rl_keyspace_watch(ks, &w, 0, k, rl_hash(k));
    change();
    bool broken = rl_keyspace_watch_broken(ks, &w);
    rl_keyspace_unwatch(ks, &w);
    return broken;
}

static void set_same(void) {
    set(0, "k", "v", RL_NEVER);
}
static void set_elsewhere(void) {
    set(1, "k", "v", RL_NEVER);
    set(0, "x", "v", RL_NEVER);
}
static void set_in_the_past(void) {
    set(0, "k", "v", 1);
}
static void pass_time(void) {
    now_ms += 100;
    begin();
}
static void pass_time_and_find(void) {
    pass_time();
    find(0, "k");
}
static void clear_all(void) {
    rl_keyspace_clear(ks, -1);
}
static void clear_other(void) {
    rl_keyspace_clear(ks, 1);
}
static void swap_dbs(void) {
    rl_keyspace_swap(ks, 1, 0);
}
static void look_at_it(void) {
    find(0, "k");
    rl_keyspace_size(ks, 0);
}

Test(keyspace, watched_keys_are_broken_by_what_changes_them)
{
    cr_assert(broken_by(set_same));
    cr_assert(broken_by(set_same), "even by the same value");
    cr_assert_not(broken_by(set_elsewhere));
    cr_assert_not(broken_by(look_at_it));
    cr_assert_not(broken_by(clear_other));
    cr_assert(broken_by(swap_dbs));
    cr_assert(broken_by(swap_dbs));
    cr_assert(broken_by(clear_all));
    cr_assert_not(broken_by(clear_all), "nothing was there");
    cr_assert(broken_by(set_in_the_past), "as in Redis, though nothing was there");
}

Test(keyspace, watched_keys_are_broken_by_time)
{
    set(0, "k", "v", now_ms + 50);
    cr_assert(broken_by(pass_time), "it was live when it was watched");
    cr_assert_not(broken_by(pass_time_and_find), "it was over when it was watched");
    set(0, "k", "v", now_ms + 50);
    cr_assert(broken_by(pass_time_and_find));
}

/* ---- the models ---- */

typedef struct model_key {
    bool there;
    rl_buffer value;
    int64_t expires_at;
} model_key;

typedef struct row {
    bool there;
    int db;
    rl_buffer key, value;
    int64_t expires_at;
} row;

static model_key model[DBS][KEYS];
static row *rows;
static size_t row_capacity;
static rl_random random_state;

static uint64_t below(uint64_t limit) {
    return rl_random_below(&random_state, limit);
}

/* Names of different lengths, so that renaming moves entries. */
static rl_bytes name_of(int k) {
    static char names[KEYS][80];
    int len = snprintf(names[k], sizeof names[k], "%d:%.*s", k, k * 3 % 50,
                       "a name that may be rather long and goes on and on and on");
    return rl_bytes_of(names[k], (size_t)len);
}

static bool live(const model_key *m) {
    return m->there && (m->expires_at == RL_NEVER || m->expires_at > now_ms);
}

static void put(rl_buffer *to, rl_bytes bytes) {
    rl_buffer_clear(to);
    rl_buffer_add_bytes(to, bytes);
}

static void patch(rl_buffer *value, size_t total, size_t offset, rl_bytes bytes) {
    if (total > value->len) {
        memset(rl_buffer_reserve(value, total - value->len), 0, total - value->len);
        value->len = total;
    }
    if (bytes.len)
        memcpy(value->ptr + offset, bytes.ptr, bytes.len);
}

static row *row_of(uint64_t id) {
    if (id >= row_capacity) {
        size_t capacity = (id + 1) * 2;
        rows = rl_realloc(rows, capacity * sizeof *rows);
        memset(rows + row_capacity, 0, (capacity - row_capacity) * sizeof *rows);
        row_capacity = capacity;
    }
    return &rows[id];
}

static void clear_rows(int db) {
    for (size_t i = 0; i < row_capacity; i++)
        if (db < 0 || rows[i].db == db)
            rows[i].there = false;
}

static void swap_rows(int a, int b) {
    for (size_t i = 0; i < row_capacity; i++)
        rows[i].db = rows[i].db == a ? b : rows[i].db == b ? a : rows[i].db;
}

static void apply_change(const rl_change *c) {
    row *r = c->kind < RL_CHANGE_CLEAR ? row_of(c->id) : NULL;
    cr_assert(r == NULL || r->there == (c->kind != RL_CHANGE_KEY), "kind %d of row %llu", c->kind,
              (unsigned long long)c->id);
    switch (c->kind) {
    case RL_CHANGE_KEY:
        r->there = true;
        r->db = c->db;
        put(&r->key, c->key);
        put(&r->value, c->value);
        r->expires_at = c->expires_at;
        break;
    case RL_CHANGE_VALUE:
        put(&r->value, c->value);
        r->expires_at = c->expires_at;
        break;
    case RL_CHANGE_PATCH:
        patch(&r->value, c->total_len, c->offset, c->value);
        r->expires_at = c->expires_at;
        break;
    case RL_CHANGE_EXPIRY:
        r->expires_at = c->expires_at;
        break;
    case RL_CHANGE_NAME:
        r->db = c->db;
        put(&r->key, c->key);
        break;
    case RL_CHANGE_DELETE:
        r->there = false;
        break;
    case RL_CHANGE_CLEAR:
        clear_rows(c->db);
        break;
    case RL_CHANGE_SWAP:
        swap_rows(c->db, c->other_db);
        break;
    default:
        cr_assert_fail("there are strings only"); /* collections: test_collections.c */
    }
}

/* Seals what was changed and applies it to the rows. */
static void apply_batch(void) {
    rl_batch *sealed = rl_batch_seal(batch, open_seq++);
    rl_change change;
    size_t offset = 0;
    while (rl_batch_read(rl_batch_bytes(sealed), &offset, &change) == 1)
        apply_change(&change);
    cr_assert_eq(offset, rl_batch_bytes(sealed).len);
    rl_batch_free(sealed);
    begin();
}

typedef struct comparing {
    int db;
    size_t count;
} comparing;

static void expect_row(void *arg, rl_entry *e) {
    comparing *c = arg;
    const row *r = row_of(e->id);
    c->count++;
    cr_assert(r->there, "the row of %.*s is missing", (int)e->key_len, rl_entry_key(e).ptr);
    cr_assert_eq(r->db, c->db);
    cr_assert(rl_bytes_equal(rl_buffer_bytes(&r->key), rl_entry_key(e)));
    cr_assert(rl_bytes_equal(rl_buffer_bytes(&r->value), rl_entry_value(e)));
    cr_assert_eq(r->expires_at, rl_entry_expires_at(e));
}

/* Every entry, also those whose time is over, is a row, and there are no other rows. */
static void expect_rows_as_memory(void) {
    size_t there = 0, in_memory = 0;
    rl_keyspace_begin(ks, 0, open_seq, synced_seq, true); /* a time at which nothing is over */
    for (int db = 0; db < DBS; db++) {
        comparing c = {db, 0};
        uint64_t cursor = 0;
        do
            cursor = rl_keyspace_scan(ks, db, cursor, 10, expect_row, &c);
        while (cursor);
        in_memory += c.count;
    }
    for (size_t i = 0; i < row_capacity; i++)
        there += rows[i].there;
    cr_assert_eq(there, in_memory);
    begin();
}

static void expect_memory_as_model(rl_keyspace *of) {
    for (int db = 0; db < DBS; db++) {
        for (int k = 0; k < KEYS; k++) {
            const model_key *m = &model[db][k];
            rl_entry *e = rl_keyspace_find(of, db, name_of(k), rl_hash(name_of(k)), RL_LOOK_PEEK);
            cr_assert_eq(e != NULL, live(m), "key %d of db %d", k, db);
            if (e == NULL)
                continue;
            cr_assert(rl_bytes_equal(rl_entry_value(e), rl_buffer_bytes(&m->value)));
            cr_assert_eq(rl_entry_expires_at(e), m->expires_at);
        }
    }
}

/* ---- random operations ---- */

typedef struct target { /* a random key, and what the keyspace has under it */
    int db, k;
    rl_bytes name;
    uint64_t hash;
    model_key *m;
} target;

static target any_key(void) {
    target t = {.db = (int)below(DBS), .k = (int)below(KEYS)};
    t.name = name_of(t.k);
    t.hash = rl_hash(t.name);
    t.m = &model[t.db][t.k];
    return t;
}

static rl_entry *look(const target *t) {
    rl_entry *e = rl_keyspace_find(ks, t->db, t->name, t->hash, RL_LOOK_WRITE);
    cr_assert_eq(e != NULL, live(t->m));
    return e;
}

static int64_t any_time(void) {
    switch (below(4)) {
    case 0:
        return now_ms + 1 + (int64_t)below(300);
    case 1:
        return below(4) ? now_ms + 100000 : now_ms - (int64_t)below(10);
    default:
        return RL_NEVER;
    }
}

static rl_bytes any_value(void) {
    static char bytes[3000];
    size_t len = below(below(5) ? 200 : sizeof bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)rl_random_next(&random_state);
    return rl_bytes_of(bytes, len);
}

static void model_set(model_key *m, rl_bytes value, int64_t expires_at) {
    m->there = true;
    put(&m->value, value);
    m->expires_at = expires_at;
}

static void do_set(void) {
    target t = any_key();
    rl_bytes value = any_value();
    int64_t at = any_time();
    rl_keyspace_set(ks, t.db, t.name, t.hash, value, at);
    model_set(t.m, value, at);
}

static void do_set_entry(void) {
    target t = any_key();
    rl_entry *e = look(&t);
    if (e == NULL)
        return;
    rl_bytes value = any_value();
    rl_keyspace_set_entry(ks, t.db, e, t.hash, value);
    put(&t.m->value, value);
}

static void do_patch(void) {
    target t = any_key();
    rl_entry *e = look(&t);
    if (e == NULL)
        return;
    size_t offset = below(2) ? e->value_len : below(e->value_len + 20u), old = e->value_len;
    rl_bytes bytes = any_value();
    bytes.len = bytes.len > 60 ? 60 : bytes.len;
    rl_keyspace_patch(ks, t.db, e, t.hash, offset, bytes);
    patch(&t.m->value, offset + bytes.len > old ? offset + bytes.len : old, offset, bytes);
}

static void do_delete(void) {
    target t = any_key();
    cr_assert_eq(rl_keyspace_delete(ks, t.db, t.name, t.hash), live(t.m));
    t.m->there = false;
}

static void do_expire(void) {
    target t = any_key();
    rl_entry *e = look(&t);
    if (e == NULL)
        return;
    t.m->expires_at = any_time();
    rl_keyspace_expire(ks, t.db, e, t.hash, t.m->expires_at);
}

static void do_rename(void) {
    target from = any_key(), to = any_key();
    if (look(&from) == NULL)
        return;
    rl_keyspace_rename(ks, from.db, from.name, from.hash, to.db, to.name, to.hash);
    if (from.m == to.m)
        return;
    model_set(to.m, rl_buffer_bytes(&from.m->value), from.m->expires_at);
    from.m->there = false;
}

static void do_copy(void) {
    target from = any_key(), to = any_key();
    rl_entry *e = look(&from);
    if (e == NULL || from.m == to.m)
        return;
    rl_keyspace_copy(ks, e, to.db, to.name, to.hash);
    model_set(to.m, rl_buffer_bytes(&from.m->value), from.m->expires_at);
}

static void do_clear(void) {
    int db = below(4) ? (int)below(DBS) : -1;
    if (below(20))
        return;
    rl_keyspace_clear(ks, db);
    for (int i = 0; i < DBS; i++)
        for (int k = 0; k < KEYS && (db < 0 || i == db); k++)
            model[i][k].there = false;
}

static void do_swap(void) {
    int a = (int)below(DBS), b = (int)below(DBS);
    if (below(5))
        return;
    rl_keyspace_swap(ks, a, b);
    for (int k = 0; k < KEYS; k++) {
        model_key kept = model[a][k];
        model[a][k] = model[b][k];
        model[b][k] = kept;
    }
}

static void do_time(void) {
    now_ms += (int64_t)below(30);
    begin();
}

static void do_expire_due(void) {
    rl_keyspace_expire_due(ks, below(10));
}

static void do_random(void) {
    rl_entry *e = rl_keyspace_random(ks, (int)below(DBS));
    cr_assert(e == NULL || rl_entry_expires_at(e) == RL_NEVER || rl_entry_expires_at(e) > now_ms);
}

static void do_free_step(void) {
    rl_keyspace_free_step(ks);
}

static void (*const operations[])(void) = {
    do_set,   do_set,    do_set,    do_set,        do_set_entry, do_patch,
    do_patch, do_delete, do_expire, do_expire,     do_rename,    do_copy,
    do_clear, do_swap,   do_time,   do_expire_due, do_random,    do_free_step};

/* What a client sees of a key; equal texts mean that nothing has changed. */
static void describe(const model_key *m, rl_buffer *out) {
    rl_buffer_clear(out);
    if (live(m)) {
        rl_buffer_printf(out, "%lld ", (long long)m->expires_at);
        rl_buffer_add_bytes(out, rl_buffer_bytes(&m->value));
    }
}

/* One operation, while a random key is watched. */
static void step(rl_buffer *before, rl_buffer *after) {
    target watched = any_key();
    rl_watcher w = {0};
    describe(watched.m, before);
    rl_keyspace_watch(ks, &w, watched.db, watched.name, watched.hash);
    uint64_t changes = rl_keyspace_changes(ks);
    size_t bytes = rl_batch_builder_bytes(batch);
    operations[below(sizeof operations / sizeof *operations)]();
    cr_assert_eq(rl_keyspace_changes(ks) != changes, rl_batch_builder_bytes(batch) != bytes,
                 "a change is a row change and the other way round");
    describe(watched.m, after);
    if (!rl_bytes_equal(rl_buffer_bytes(before), rl_buffer_bytes(after)))
        cr_assert(rl_keyspace_watch_broken(ks, &w), "a watched key changed unnoticed");
    rl_keyspace_unwatch(ks, &w);
}

/* A keyspace loaded from the rows is the same again. */
static void expect_loadable(void) {
    rl_keyspace *loaded = rl_keyspace_create(DBS, NULL);
    rl_keyspace_load_begin(loaded, row_capacity, row_capacity);
    for (size_t i = 0; i < row_capacity; i++)
        if (rows[i].there)
            rl_keyspace_load(loaded, i, rows[i].db, RL_TYPE_STRING, rows[i].expires_at,
                             rl_buffer_bytes(&rows[i].key), rl_buffer_bytes(&rows[i].value));
    rl_keyspace_load_end(loaded);
    rl_keyspace_begin(loaded, now_ms, 1, 0, false);
    expect_memory_as_model(loaded);
    rl_keyspace_free(loaded);
}

static void forget_models(void) {
    for (int db = 0; db < DBS; db++)
        for (int k = 0; k < KEYS; k++)
            rl_buffer_release(&model[db][k].value);
    memset(model, 0, sizeof model);
    for (size_t i = 0; i < row_capacity; i++) {
        rl_buffer_release(&rows[i].key);
        rl_buffer_release(&rows[i].value);
    }
    rl_free(rows);
    rows = NULL;
    row_capacity = 0;
}

Test(keyspace, random_operations_agree_with_keys_and_rows)
{
    rl_buffer before = {0}, after = {0};
    for (uint64_t seed = 0; seed < 6; seed++) {
        rl_random_seed(&random_state, seed);
        for (int i = 0; i < 20000; i++) {
            step(&before, &after);
            if (below(10) == 0)
                apply_batch();
            if (i % 250 == 0) {
                expect_memory_as_model(ks);
                apply_batch();
                expect_rows_as_memory();
            }
        }
        apply_batch();
        expect_loadable();
        forget_models();
        teardown();
        setup();
    }
    rl_buffer_release(&before);
    rl_buffer_release(&after);
}

Test(keyspace, a_pure_cache_needs_no_batch)
{
    rl_keyspace_free(ks);
    ks = rl_keyspace_create(DBS, NULL);
    begin();
    rl_random_seed(&random_state, 99);
    for (int i = 0; i < 50000; i++)
        operations[below(sizeof operations / sizeof *operations)]();
    expect_memory_as_model(ks);
    cr_assert_eq(rl_batch_builder_bytes(batch), 0);
    forget_models();
}
