/* SPDX-License-Identifier: MIT */
/* Lists: from one to another, and the first of several: LMOVE, RPOPLPUSH, LMPOP; with what their
 * waiting forms need. */
#include "commands/handlers.h"
#include "commands/lists.h"
#include "server/waiters.h"

bool rl_cmd_list_end(rl_bytes word, rl_list_end *out) {
    bool left = rl_bytes_is(word, "LEFT");
    *out = left ? RL_LIST_LEFT : RL_LIST_RIGHT;
    return left || rl_bytes_is(word, "RIGHT");
}

/* ---- moving ---- */

static void notify_moved(rl_ctx *c, rl_list_end from, rl_list_end to) {
    rl_ctx_notify(c, RL_NOTIFY_LIST, to == RL_LIST_LEFT ? "lpush" : "rpush", c->argv[2]);
    rl_ctx_notify(c, RL_NOTIFY_LIST, from == RL_LIST_LEFT ? "lpop" : "rpop", c->argv[1]);
}

/* Within one list; the value comes before the old one goes, so that the list is never empty. */
static void rotate(rl_ctx *c, rl_collection *list, rl_list_end from, rl_list_end to,
                   rl_bytes value) {
    size_t last = rl_collection_count(list) - 1;
    if (from == to) { /* it stays where it is, but the key counts as changed */
        rl_key_list_set(list, from == RL_LIST_LEFT ? 0 : last, value);
    } else {
        rl_key_list_push(list, to, value);
        rl_key_list_remove(list, from == RL_LIST_LEFT ? 0 : last + 1, 1);
    }
    notify_moved(c, from, to);
    rl_collection_done(list);
}

static void move_over(rl_ctx *c, rl_collection *source, rl_collection *target, rl_list_end from,
                      rl_list_end to, rl_bytes value) {
    rl_key_list_push(target, to, value);
    rl_key_list_remove(source, from == RL_LIST_LEFT ? 0 : rl_collection_count(source) - 1, 1);
    notify_moved(c, from, to);
    rl_collection_done(target);
    rl_collection_done(source);
}

bool rl_cmd_list_move(rl_ctx *c, rl_list_end from, rl_list_end to) {
    rl_collection source, target;
    rl_list_scratch scratch;
    bool same = rl_bytes_equal(c->argv[1], c->argv[2]);
    if (!rl_ctx_open(c, 1, RL_TYPE_LIST, RL_LOOK_WRITE, &source))
        return true;
    if (rl_list_of(&source) == NULL)
        return false;
    if (!same && !rl_ctx_open(c, 2, RL_TYPE_LIST, RL_LOOK_WRITE, &target))
        return true;
    size_t index = from == RL_LIST_LEFT ? 0 : rl_collection_count(&source) - 1;
    rl_buffer copy = {0}; /* what is given to a list must not lie in it */
    rl_buffer_add_bytes(&copy, rl_list_get(rl_list_of(&source), index, &scratch));
    if (same)
        rotate(c, &source, from, to, rl_buffer_bytes(&copy));
    else
        move_over(c, &source, &target, from, to, rl_buffer_bytes(&copy));
    rl_reply_bulk(c->reply, rl_buffer_bytes(&copy));
    rl_buffer_release(&copy);
    return true;
}

static void move(rl_ctx *c, rl_list_end from, rl_list_end to) {
    if (!rl_cmd_list_move(c, from, to))
        rl_reply_null(c->reply);
}

void rl_cmd_lmove(rl_ctx *c) {
    rl_list_end from, to;
    if (rl_cmd_list_end(c->argv[3], &from) && rl_cmd_list_end(c->argv[4], &to))
        move(c, from, to);
    else
        rl_ctx_syntax_error(c);
}

void rl_cmd_rpoplpush(rl_ctx *c) {
    move(c, RL_LIST_RIGHT, RL_LIST_LEFT);
}

/* ---- the first of several keys ---- */

bool rl_cmd_list_pop_first(rl_ctx *c, int first_key, int key_count, rl_list_end end,
                           uint64_t count) {
    for (int i = first_key; i < first_key + key_count; i++) {
        rl_collection list;
        if (!rl_wait_concerns(c, i))
            continue;
        if (!rl_ctx_open(c, i, RL_TYPE_LIST, RL_LOOK_WRITE, &list))
            return true;
        if (rl_list_of(&list) == NULL)
            continue;
        rl_reply_array(c->reply, 2);
        rl_reply_bulk(c->reply, c->argv[i]);
        if (count)
            rl_cmd_list_pop_values(c, &list, end, count);
        else
            rl_cmd_list_pop_value(c, &list, end);
        return true;
    }
    return false;
}

/* An integer above 0; answers the error otherwise. */
static bool positive(rl_ctx *c, int arg, int64_t *out, const char *error) {
    if (rl_int64_parse(c->argv[arg], out) && *out > 0)
        return true;
    rl_reply_error(c->reply, error);
    return false;
}

bool rl_cmd_lmpop_parse(rl_ctx *c, int arg, rl_lmpop *out) {
    int64_t keys, count = 0;
    if (!positive(c, arg, &keys, "ERR numkeys should be greater than 0"))
        return false;
    if (keys >= c->argc - arg - 1 || !rl_cmd_list_end(c->argv[arg + 1 + keys], &out->end)) {
        rl_ctx_syntax_error(c);
        return false;
    }
    for (int i = arg + 2 + (int)keys; i < c->argc; i += 2) {
        if (count || i + 1 == c->argc || !rl_bytes_is(c->argv[i], "COUNT")) {
            rl_ctx_syntax_error(c);
            return false;
        }
        if (!positive(c, i + 1, &count, "ERR count should be greater than 0"))
            return false;
    }
    out->first_key = arg + 1;
    out->key_count = (int)keys;
    out->count = count ? (uint64_t)count : 1;
    return true;
}

void rl_cmd_lmpop(rl_ctx *c) {
    rl_lmpop o;
    if (rl_cmd_lmpop_parse(c, 1, &o) &&
        !rl_cmd_list_pop_first(c, o.first_key, o.key_count, o.end, o.count))
        rl_reply_null_array(c->reply);
}
