/* SPDX-License-Identifier: MIT */
/* Sorted sets: ZPOPMIN, ZPOPMAX, ZMPOP, and what the blocking ones do. See zsets.h. */
#include "base/number.h"
#include "commands/handlers.h"
#include "commands/shared.h"
#include "commands/zsets.h"
#include "server/waiters.h"

static void reply_head(rl_ctx *c, int key, const rl_zpop *pop, size_t count) {
    switch (pop->form) {
    case RL_ZPOP_MEMBERS:
        if (pop->many)
            rl_cmd_zset_members(c->reply, count, true);
        else
            rl_reply_array(c->reply, 2);
        break;
    case RL_ZPOP_TRIPLE:
        rl_reply_array(c->reply, 3);
        rl_reply_bulk(c->reply, c->argv[key]);
        break;
    case RL_ZPOP_NESTED:
        rl_reply_array(c->reply, 2);
        rl_reply_bulk(c->reply, c->argv[key]);
        rl_reply_array(c->reply, count);
        break;
    }
}

static void reply_member(rl_ctx *c, const rl_zpop *pop, rl_bytes member, double score) {
    if (pop->form == RL_ZPOP_MEMBERS && pop->many) {
        rl_cmd_zset_member(c->reply, member, score, true);
        return;
    }
    if (pop->form == RL_ZPOP_NESTED)
        rl_reply_array(c->reply, 2);
    rl_reply_bulk(c->reply, member);
    rl_reply_double(c->reply, score);
}

/* At least one member is taken from a key that is there. */
static void pop_from(rl_ctx *c, rl_collection *source, int key, const rl_zpop *pop) {
    const rl_zset *z = rl_sorted_set_of(source);
    size_t there = rl_zset_count(z), count = pop->count < there ? pop->count : there;
    rl_zset_walk walk;
    rl_bytes member;
    double score;
    rl_ctx_notify(c, RL_NOTIFY_ZSET, pop->max ? "zpopmax" : "zpopmin", c->argv[key]);
    reply_head(c, key, pop, count);
    rl_zset_walk_init(&walk, z, pop->max ? there - 1 : 0, pop->max);
    for (size_t i = 0; i < count && rl_zset_next(&walk, &member, &score); i++)
        reply_member(c, pop, member, score);
    rl_key_zset_remove_range(source, pop->max ? there - count : 0, count, NULL, NULL);
    rl_collection_done(source);
}

bool rl_cmd_zpop_first(rl_ctx *c, int first_key, int key_count, const rl_zpop *pop) {
    for (int key = first_key; key < first_key + key_count; key++) {
        rl_collection source;
        if (!rl_wait_concerns(c, key))
            continue;
        if (!rl_ctx_open(c, key, RL_TYPE_ZSET, RL_LOOK_WRITE, &source))
            return true;
        if (rl_sorted_set_of(&source) == NULL)
            continue;
        pop_from(c, &source, key, pop);
        return true;
    }
    return false;
}

/* ---- ZPOPMIN, ZPOPMAX ---- */

static void pop_members(rl_ctx *c, bool max) {
    rl_zpop pop = {.form = RL_ZPOP_MEMBERS, .max = max, .many = c->argc == 3, .count = 1};
    rl_collection source;
    int64_t count = 1;
    if (c->argc > 3) {
        rl_ctx_syntax_error(c);
        return;
    }
    if (pop.many && !rl_cmd_count(c, 2, &count, NULL))
        return;
    if (!rl_ctx_open(c, 1, RL_TYPE_ZSET, RL_LOOK_WRITE, &source))
        return;
    if (rl_sorted_set_of(&source) == NULL || count == 0) {
        rl_reply_array(c->reply, 0);
        return;
    }
    pop.count = (size_t)count;
    pop_from(c, &source, 1, &pop);
}

void rl_cmd_zpopmin(rl_ctx *c) {
    pop_members(c, false);
}

void rl_cmd_zpopmax(rl_ctx *c) {
    pop_members(c, true);
}

/* ---- ZMPOP ---- */

/* A number of at least 1, or the error. */
static bool parse_positive(rl_ctx *c, int arg, int64_t *out, const char *error) {
    if (rl_int64_parse(c->argv[arg], out) && *out > 0)
        return true;
    rl_reply_error(c->reply, error);
    return false;
}

static bool syntax_error(rl_ctx *c) {
    rl_ctx_syntax_error(c);
    return false;
}

bool rl_cmd_zmpop_parse(rl_ctx *c, int numkeys_arg, int *key_count, rl_zpop *pop) {
    int64_t keys, count = 1;
    bool counted = false;
    if (!parse_positive(c, numkeys_arg, &keys, "ERR numkeys should be greater than 0"))
        return false;
    if (keys >= c->argc - numkeys_arg - 1)
        return syntax_error(c);
    int arg = numkeys_arg + 1 + (int)keys;
    bool max = rl_bytes_is(c->argv[arg], "MAX");
    if (!max && !rl_bytes_is(c->argv[arg], "MIN"))
        return syntax_error(c);
    for (arg++; arg < c->argc; arg += 2, counted = true) {
        if (counted || arg + 1 >= c->argc || !rl_bytes_is(c->argv[arg], "COUNT"))
            return syntax_error(c);
        if (!parse_positive(c, arg + 1, &count, "ERR count should be greater than 0"))
            return false;
    }
    *key_count = (int)keys;
    *pop = (rl_zpop){RL_ZPOP_NESTED, max, counted, (size_t)count};
    return true;
}

void rl_cmd_zmpop(rl_ctx *c) {
    int key_count;
    rl_zpop pop;
    if (!rl_cmd_zmpop_parse(c, 1, &key_count, &pop))
        return;
    if (!rl_cmd_zpop_first(c, 2, key_count, &pop))
        rl_reply_null_array(c->reply);
}
