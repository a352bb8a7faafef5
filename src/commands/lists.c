/* SPDX-License-Identifier: MIT */
/* Lists: both ends, single values, ranges. What changes the inside is in list_edit.c, what has
 * several keys in list_move.c. */
#include "commands/lists.h"
#include "commands/handlers.h"

/* ---- pushing ---- */

static void push(rl_ctx *c, rl_list_end end, bool only_existing) {
    rl_collection list;
    if (!rl_ctx_open(c, 1, RL_TYPE_LIST, RL_LOOK_WRITE, &list))
        return;
    if (only_existing && rl_list_of(&list) == NULL) {
        rl_reply_int(c->reply, 0);
        return;
    }
    for (int i = 2; i < c->argc; i++)
        rl_key_list_push(&list, end, c->argv[i]);
    int64_t length = (int64_t)rl_collection_count(&list);
    rl_ctx_notify(c, RL_NOTIFY_LIST, end == RL_LIST_LEFT ? "lpush" : "rpush", c->argv[1]);
    rl_collection_done(&list);
    rl_reply_int(c->reply, length);
}

void rl_cmd_lpush(rl_ctx *c) {
    push(c, RL_LIST_LEFT, false);
}

void rl_cmd_rpush(rl_ctx *c) {
    push(c, RL_LIST_RIGHT, false);
}

void rl_cmd_lpushx(rl_ctx *c) {
    push(c, RL_LIST_LEFT, true);
}

void rl_cmd_rpushx(rl_ctx *c) {
    push(c, RL_LIST_RIGHT, true);
}

/* ---- popping ---- */

/* Takes `count` values out at an end, after they were written into the reply. */
static void take_out(rl_ctx *c, rl_collection *list, rl_list_end end, size_t count) {
    size_t from = end == RL_LIST_LEFT ? 0 : rl_collection_count(list) - count;
    rl_key_list_remove(list, from, count);
    rl_ctx_notify(c, RL_NOTIFY_LIST, end == RL_LIST_LEFT ? "lpop" : "rpop", list->key);
    rl_collection_done(list);
}

void rl_cmd_list_pop_value(rl_ctx *c, rl_collection *list, rl_list_end end) {
    rl_list_scratch scratch;
    size_t last = rl_collection_count(list) - 1;
    rl_reply_bulk(c->reply,
                  rl_list_get(rl_list_of(list), end == RL_LIST_LEFT ? 0 : last, &scratch));
    take_out(c, list, end, 1);
}

static void reply_walk(rl_ctx *c, const rl_list *l, size_t from, size_t count, bool left) {
    rl_list_walk walk;
    rl_bytes value;
    rl_reply_array(c->reply, count);
    rl_list_walk_init(&walk, l, from, left);
    while (count-- && rl_list_next(&walk, &value))
        rl_reply_bulk(c->reply, value);
}

void rl_cmd_list_pop_values(rl_ctx *c, rl_collection *list, rl_list_end end, uint64_t count) {
    size_t there = rl_collection_count(list);
    bool left = end == RL_LIST_LEFT;
    if (count > there)
        count = there;
    reply_walk(c, rl_list_of(list), left ? 0 : there - 1, (size_t)count, !left);
    if (count)
        take_out(c, list, end, (size_t)count);
}

static void pop(rl_ctx *c, rl_list_end end) {
    rl_collection list;
    int64_t count = 0;
    bool counted = c->argc == 3;
    if (c->argc > 3) {
        rl_reply_errorf(c->reply, "ERR wrong number of arguments for '%s' command",
                        c->command->name);
        return;
    }
    if (counted && (!rl_int64_parse(c->argv[2], &count) || count < 0)) {
        rl_reply_error(c->reply, "ERR value is out of range, must be positive");
        return;
    }
    if (!rl_ctx_open(c, 1, RL_TYPE_LIST, RL_LOOK_WRITE, &list))
        return;
    if (rl_list_of(&list) == NULL)
        (counted ? rl_reply_null_array : rl_reply_null)(c->reply);
    else if (counted)
        rl_cmd_list_pop_values(c, &list, end, (uint64_t)count);
    else
        rl_cmd_list_pop_value(c, &list, end);
}

void rl_cmd_lpop(rl_ctx *c) {
    pop(c, RL_LIST_LEFT);
}

void rl_cmd_rpop(rl_ctx *c) {
    pop(c, RL_LIST_RIGHT);
}

/* ---- reading ---- */

void rl_cmd_llen(rl_ctx *c) {
    rl_collection list;
    if (rl_ctx_open(c, 1, RL_TYPE_LIST, RL_LOOK_READ, &list))
        rl_reply_int(c->reply, (int64_t)rl_collection_count(&list));
}

/* The index that a number means, negative ones from the right; false when there is none. */
static bool index_of(const rl_collection *list, int64_t number, size_t *out) {
    int64_t there = (int64_t)rl_collection_count(list);
    if (number < 0)
        number += there;
    *out = (size_t)number;
    return number >= 0 && number < there;
}

void rl_cmd_lindex(rl_ctx *c) {
    rl_collection list;
    rl_list_scratch scratch;
    int64_t number;
    size_t index;
    if (!rl_ctx_open(c, 1, RL_TYPE_LIST, RL_LOOK_READ, &list))
        return;
    if (rl_list_of(&list) == NULL) {
        rl_reply_null(c->reply);
        return;
    }
    if (!rl_ctx_int(c, 2, &number, NULL))
        return;
    if (index_of(&list, number, &index))
        rl_reply_bulk(c->reply, rl_list_get(rl_list_of(&list), index, &scratch));
    else
        rl_reply_null(c->reply);
}

void rl_cmd_lrange(rl_ctx *c) {
    rl_collection list;
    int64_t start, end;
    if (!rl_ctx_int(c, 2, &start, NULL) || !rl_ctx_int(c, 3, &end, NULL) ||
        !rl_ctx_open(c, 1, RL_TYPE_LIST, RL_LOOK_READ, &list))
        return;
    rl_list_span span = rl_cmd_list_span(start, end, rl_collection_count(&list));
    if (span.count)
        reply_walk(c, rl_list_of(&list), span.from, span.count, false);
    else
        rl_reply_array(c->reply, 0);
}

/* ---- one value ---- */

void rl_cmd_lset(rl_ctx *c) {
    rl_collection list;
    int64_t number;
    size_t index;
    if (!rl_ctx_open(c, 1, RL_TYPE_LIST, RL_LOOK_WRITE, &list))
        return;
    if (rl_list_of(&list) == NULL) {
        rl_reply_error(c->reply, RL_ERR_NO_KEY);
        return;
    }
    if (!rl_ctx_int(c, 2, &number, NULL))
        return;
    if (!index_of(&list, number, &index)) {
        rl_reply_error(c->reply, RL_ERR_INDEX);
        return;
    }
    rl_key_list_set(&list, index, c->argv[3]);
    rl_ctx_notify(c, RL_NOTIFY_LIST, "lset", c->argv[1]);
    rl_collection_done(&list);
    rl_reply_ok(c->reply);
}
