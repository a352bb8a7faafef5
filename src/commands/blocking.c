/* SPDX-License-Identifier: MIT */
/*
 * Commands that wait until there is something to take: BLPOP and its kind. Each does what the one
 * that does not wait does (lists.h, zsets.h), and when there is nothing, waits for its keys. Then
 * its handler runs again, from the beginning: what it parses is the same, and only the key that
 * woke it is looked at (rl_wait_concerns).
 */
#include "commands/handlers.h"
#include "commands/lists.h"
#include "commands/zsets.h"
#include "server/waiters.h"

/* Redis answers a null array whenever one of these commands ends without anything. */
static void wait_for(rl_ctx *c, rl_type type, int first_key, int key_count, int64_t deadline_ms) {
    rl_wait_for_keys(c, &(rl_waiting_for){.type = type,
                                          .first_key = first_key,
                                          .key_count = key_count,
                                          .deadline_ms = deadline_ms,
                                          .nothing = rl_reply_null_array});
}

/* ---- lists ---- */

/* BLPOP key [key …] timeout */
static void pop_value(rl_ctx *c, rl_list_end end) {
    int64_t deadline_ms;
    int keys = c->argc - 2;
    if (rl_wait_timeout(c, c->argc - 1, &deadline_ms) && !rl_cmd_list_pop_first(c, 1, keys, end, 0))
        wait_for(c, RL_TYPE_LIST, 1, keys, deadline_ms);
}

void rl_cmd_blpop(rl_ctx *c) {
    pop_value(c, RL_LIST_LEFT);
}

void rl_cmd_brpop(rl_ctx *c) {
    pop_value(c, RL_LIST_RIGHT);
}

void rl_cmd_blmpop(rl_ctx *c) {
    rl_lmpop pop;
    int64_t deadline_ms;
    if (rl_cmd_lmpop_parse(c, 2, &pop) && rl_wait_timeout(c, 1, &deadline_ms) &&
        !rl_cmd_list_pop_first(c, pop.first_key, pop.key_count, pop.end, pop.count))
        wait_for(c, RL_TYPE_LIST, pop.first_key, pop.key_count, deadline_ms);
}

/* In a transaction a value that is not there is a null, for there these are LMOVE and RPOPLPUSH. */
static void move(rl_ctx *c, rl_list_end from, rl_list_end to, int timeout_arg) {
    int64_t deadline_ms;
    if (!rl_wait_timeout(c, timeout_arg, &deadline_ms) || rl_cmd_list_move(c, from, to))
        return;
    if (c->in_exec)
        rl_reply_null(c->reply);
    else
        wait_for(c, RL_TYPE_LIST, 1, 1, deadline_ms);
}

void rl_cmd_blmove(rl_ctx *c) {
    rl_list_end from, to;
    if (rl_cmd_list_end(c->argv[3], &from) && rl_cmd_list_end(c->argv[4], &to))
        move(c, from, to, 5);
    else
        rl_ctx_syntax_error(c);
}

void rl_cmd_brpoplpush(rl_ctx *c) {
    move(c, RL_LIST_RIGHT, RL_LIST_LEFT, 3);
}

/* ---- sorted sets ---- */

/* BZPOPMIN key [key …] timeout */
static void pop_member(rl_ctx *c, bool max) {
    const rl_zpop pop = {.form = RL_ZPOP_TRIPLE, .max = max, .count = 1};
    int64_t deadline_ms;
    int keys = c->argc - 2;
    if (rl_wait_timeout(c, c->argc - 1, &deadline_ms) && !rl_cmd_zpop_first(c, 1, keys, &pop))
        wait_for(c, RL_TYPE_ZSET, 1, keys, deadline_ms);
}

void rl_cmd_bzpopmin(rl_ctx *c) {
    pop_member(c, false);
}

void rl_cmd_bzpopmax(rl_ctx *c) {
    pop_member(c, true);
}

void rl_cmd_bzmpop(rl_ctx *c) {
    int keys;
    rl_zpop pop;
    int64_t deadline_ms;
    if (rl_cmd_zmpop_parse(c, 2, &keys, &pop) && rl_wait_timeout(c, 1, &deadline_ms) &&
        !rl_cmd_zpop_first(c, 3, keys, &pop))
        wait_for(c, RL_TYPE_ZSET, 3, keys, deadline_ms);
}
