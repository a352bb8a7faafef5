/* SPDX-License-Identifier: MIT */
/* Sorted sets: ZRANDMEMBER and ZSCAN. */
#include "base/number.h"
#include "commands/element_scan.h"
#include "commands/handlers.h"
#include "commands/shared.h"
#include "commands/zsets.h"

/* ---- ZRANDMEMBER ---- */

/* A few of many: picks until there are enough different ones. */
static void reply_few(rl_ctx *c, const rl_zset *z, size_t count, bool scores) {
    const rl_members_limits *limits = &rl_keyspace_limits(c->keys)->set;
    rl_members *had = rl_members_create();
    rl_zset_scratch scratch;
    double score;
    while (count) {
        rl_bytes member = rl_zset_random(z, rl_keyspace_randomness(c->keys), &scratch, &score);
        if (!rl_members_add(&had, member, limits))
            continue;
        rl_cmd_zset_member(c->reply, member, score, scores);
        count--;
    }
    rl_members_free(had);
}

/* A good part of all, or all: each on the way is taken with the probability that leaves as many as
 * are wanted (Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S). */
static void reply_many(rl_ctx *c, const rl_zset *z, size_t count, bool scores) {
    rl_random *random = rl_keyspace_randomness(c->keys);
    rl_zset_walk walk;
    rl_bytes member;
    double score;
    rl_zset_walk_init(&walk, z, 0, false);
    for (size_t left = rl_zset_count(z); count && rl_zset_next(&walk, &member, &score); left--) {
        if (count < left && rl_random_below(random, left) >= count)
            continue;
        rl_cmd_zset_member(c->reply, member, score, scores);
        count--;
    }
}

static void reply_repeated(rl_ctx *c, const rl_zset *z, size_t count, bool scores) {
    rl_zset_scratch scratch;
    double score;
    rl_cmd_zset_members(c->reply, count, scores);
    for (size_t i = 0; i < count; i++) {
        rl_bytes member = rl_zset_random(z, rl_keyspace_randomness(c->keys), &scratch, &score);
        rl_cmd_zset_member(c->reply, member, score, scores);
    }
}

static void random_members(rl_ctx *c) {
    int64_t count;
    bool scores;
    rl_collection from;
    if (!rl_cmd_random_count(c, "WITHSCORES", &count, &scores) ||
        !rl_ctx_open(c, 1, RL_TYPE_ZSET, RL_LOOK_READ, &from))
        return;
    const rl_zset *z = rl_sorted_set_of(&from);
    size_t there = rl_collection_count(&from);
    if (z && count < 0) {
        if (rl_cmd_check_repeats(c, count))
            reply_repeated(c, z, (size_t)-count, scores);
        return;
    }
    size_t wanted = z == NULL ? 0 : (size_t)count < there ? (size_t)count : there;
    rl_cmd_zset_members(c->reply, wanted, scores);
    if (wanted < there / 4)
        reply_few(c, z, wanted, scores);
    else if (wanted)
        reply_many(c, z, wanted, scores);
}

void rl_cmd_zrandmember(rl_ctx *c) {
    rl_collection from;
    rl_zset_scratch scratch;
    double score;
    if (c->argc > 2) {
        random_members(c);
        return;
    }
    if (!rl_ctx_open(c, 1, RL_TYPE_ZSET, RL_LOOK_READ, &from))
        return;
    const rl_zset *z = rl_sorted_set_of(&from);
    if (z)
        rl_reply_bulk(c->reply,
                      rl_zset_random(z, rl_keyspace_randomness(c->keys), &scratch, &score));
    else
        rl_reply_null(c->reply);
}

/* ---- ZSCAN ---- */

static void scanned(void *arg, rl_bytes member, double score) {
    rl_element_scan *scan = arg;
    char text[64];
    if (!rl_element_scan_wants(scan, member))
        return;
    rl_element_scan_add(scan, member);
    rl_element_scan_add(scan, rl_bytes_of(text, rl_double_format(text, score)));
}

void rl_cmd_zscan(rl_ctx *c) {
    rl_element_scan scan;
    if (!rl_element_scan_open(c, RL_TYPE_ZSET, 0, &scan))
        return;
    uint64_t next = rl_zset_scan(rl_sorted_set_of(&scan.from), scan.options.cursor,
                                 scan.options.count, scanned, &scan);
    rl_element_scan_reply(c, &scan, next);
}
