/* SPDX-License-Identifier: MIT */
/* Who listens to what: subscribing, leaving, publishing; at random against a plain table. */
#include "server/pubsub.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "base/random.h"
#include "base/text.h"

#define LISTENERS 5
#define NAMES     12

static rl_pubsub *pubsub;
static rl_subscriber listeners[LISTENERS];

static void setup(void) {
    pubsub = rl_pubsub_create();
    memset(listeners, 0, sizeof listeners);
}

static void teardown(void) {
    for (int i = 0; i < LISTENERS; i++)
        rl_pubsub_leave(pubsub, &listeners[i]);
    rl_pubsub_free(pubsub);
}

TestSuite(pubsub, .init = setup, .fini = teardown);

typedef struct heard {
    unsigned plain[LISTENERS], by_pattern[LISTENERS];
    rl_bytes last_pattern;
} heard;

static void hear(void *arg, rl_subscriber *s, const rl_bytes *pattern) {
    heard *h = arg;
    (pattern ? h->by_pattern : h->plain)[s - listeners]++;
    if (pattern)
        h->last_pattern = *pattern;
}

static heard publish(rl_pubsub_kind kind, const char *channel, size_t receivers) {
    heard h = {0};
    cr_assert_eq(rl_pubsub_publish(pubsub, kind, rl_bytes_text(channel), hear, &h), receivers);
    return h;
}

Test(pubsub, nobody_listens_at_first)
{
    rl_bytes name;
    publish(RL_PUBSUB_CHANNEL, "a", 0);
    publish(RL_PUBSUB_SHARD, "a", 0);
    cr_assert_not(rl_pubsub_any(&listeners[0], RL_PUBSUB_CHANNEL, &name));
    cr_assert_not(rl_pubsub_unsubscribe(pubsub, &listeners[0], RL_PUBSUB_CHANNEL, RL_BYTES("a")));
    cr_assert_eq(rl_pubsub_count(pubsub, RL_PUBSUB_CHANNEL), 0);
}

Test(pubsub, a_name_is_listened_to_once)
{
    cr_assert(rl_pubsub_subscribe(pubsub, &listeners[0], RL_PUBSUB_CHANNEL, RL_BYTES("a")));
    cr_assert_not(rl_pubsub_subscribe(pubsub, &listeners[0], RL_PUBSUB_CHANNEL, RL_BYTES("a")));
    cr_assert_eq(listeners[0].count[RL_PUBSUB_CHANNEL], 1);
    cr_assert_eq(publish(RL_PUBSUB_CHANNEL, "a", 1).plain[0], 1);
}

Test(pubsub, kinds_do_not_meet)
{
    rl_pubsub_subscribe(pubsub, &listeners[0], RL_PUBSUB_CHANNEL, RL_BYTES("a"));
    rl_pubsub_subscribe(pubsub, &listeners[1], RL_PUBSUB_SHARD, RL_BYTES("a"));
    rl_pubsub_subscribe(pubsub, &listeners[2], RL_PUBSUB_PATTERN, RL_BYTES("?"));
    heard h = publish(RL_PUBSUB_CHANNEL, "a", 2);
    cr_assert(h.plain[0] == 1 && h.plain[1] == 0 && h.by_pattern[2] == 1);
    cr_assert(rl_bytes_equal(h.last_pattern, RL_BYTES("?")));
    h = publish(RL_PUBSUB_SHARD, "a", 1);
    cr_assert(h.plain[0] == 0 && h.plain[1] == 1 && h.by_pattern[2] == 0);
}

Test(pubsub, leaving_ends_everything)
{
    for (int i = 0; i < 100; i++) {
        char name[16];
        snprintf(name, sizeof name, "c%d", i);
        for (int kind = 0; kind < RL_PUBSUB_KINDS; kind++)
            rl_pubsub_subscribe(pubsub, &listeners[0], (rl_pubsub_kind)kind, rl_bytes_text(name));
    }
    cr_assert_eq(rl_subscriber_count(&listeners[0]), 300);
    rl_pubsub_leave(pubsub, &listeners[0]);
    cr_assert_eq(rl_subscriber_count(&listeners[0]), 0);
    for (int kind = 0; kind < RL_PUBSUB_KINDS; kind++)
        cr_assert_eq(rl_pubsub_count(pubsub, (rl_pubsub_kind)kind), 0);
    publish(RL_PUBSUB_CHANNEL, "c1", 0);
}

Test(pubsub, ending_a_name_tells_everybody_once)
{
    rl_bytes name;
    cr_assert_not(rl_pubsub_oldest(pubsub, RL_PUBSUB_CHANNEL, &name));
    rl_pubsub_subscribe(pubsub, &listeners[0], RL_PUBSUB_CHANNEL, RL_BYTES("old"));
    for (int i = 0; i < LISTENERS; i++)
        rl_pubsub_subscribe(pubsub, &listeners[i], RL_PUBSUB_CHANNEL, RL_BYTES("new"));
    cr_assert(rl_pubsub_oldest(pubsub, RL_PUBSUB_CHANNEL, &name));
    cr_assert(rl_bytes_equal(name, RL_BYTES("old")));
    heard h = {0};
    rl_pubsub_end(pubsub, RL_PUBSUB_CHANNEL, RL_BYTES("new"), hear, &h);
    for (int i = 0; i < LISTENERS; i++)
        cr_assert_eq(h.plain[i], 1);
    cr_assert_eq(rl_subscriber_count(&listeners[0]), 1);
    cr_assert_eq(rl_pubsub_count(pubsub, RL_PUBSUB_CHANNEL), 1);
    rl_pubsub_end(pubsub, RL_PUBSUB_CHANNEL, RL_BYTES("new"), hear, &h);
    cr_assert_eq(h.plain[0], 1);
}

/* ---- at random ---- */

static const char *const names[NAMES] = {"a",  "b", "ab", "abc",  "x",   "",
                                         "a*", "?", "*",  "[ab]", "\\*", "abd"};

static bool listens[LISTENERS][RL_PUBSUB_KINDS][NAMES];

static void check_publish(int channel) {
    size_t wanted = 0, shard = 0;
    rl_bytes name = rl_bytes_text(names[channel]);
    for (int i = 0; i < LISTENERS; i++) {
        wanted += listens[i][RL_PUBSUB_CHANNEL][channel];
        shard += listens[i][RL_PUBSUB_SHARD][channel];
        for (int p = 0; p < NAMES; p++)
            wanted += listens[i][RL_PUBSUB_PATTERN][p] &&
                      rl_text_glob(rl_bytes_text(names[p]), name, false);
    }
    publish(RL_PUBSUB_CHANNEL, names[channel], wanted);
    publish(RL_PUBSUB_SHARD, names[channel], shard);
}

static void check_counts(void) {
    for (int kind = 0; kind < RL_PUBSUB_KINDS; kind++) {
        size_t topics = 0;
        for (int n = 0; n < NAMES; n++) {
            size_t subscribers = 0;
            for (int i = 0; i < LISTENERS; i++)
                subscribers += listens[i][kind][n];
            topics += subscribers > 0;
            cr_assert_eq(
                rl_pubsub_subscribers(pubsub, (rl_pubsub_kind)kind, rl_bytes_text(names[n])),
                subscribers);
        }
        cr_assert_eq(rl_pubsub_count(pubsub, (rl_pubsub_kind)kind), topics);
    }
}

Test(pubsub, agrees_with_a_plain_table)
{
    rl_random random;
    rl_random_seed(&random, 7);
    memset(listens, 0, sizeof listens);
    for (int step = 0; step < 20000; step++) {
        int i = (int)rl_random_below(&random, LISTENERS), n = (int)rl_random_below(&random, NAMES);
        rl_pubsub_kind kind = (rl_pubsub_kind)rl_random_below(&random, RL_PUBSUB_KINDS);
        bool *is = &listens[i][kind][n];
        rl_bytes name = rl_bytes_text(names[n]);
        switch (rl_random_below(&random, 5)) {
        case 0:
        case 1:
            cr_assert_eq(rl_pubsub_subscribe(pubsub, &listeners[i], kind, name), !*is);
            *is = true;
            break;
        case 2:
            cr_assert_eq(rl_pubsub_unsubscribe(pubsub, &listeners[i], kind, name), *is);
            *is = false;
            break;
        case 3:
            check_publish(n);
            break;
        default:
            if (rl_random_below(&random, 50) == 0) {
                rl_pubsub_leave(pubsub, &listeners[i]);
                memset(listens[i], 0, sizeof listens[i]);
            }
            check_counts();
        }
    }
}
