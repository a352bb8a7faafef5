/* SPDX-License-Identifier: MIT */
/* Counters: strings that are numbers. */
#include "base/number.h"
#include "commands/handlers.h"
#include "commands/shared.h"

static void put(rl_ctx *c, rl_entry *e, rl_bytes value, const char *event) {
    if (e)
        rl_keyspace_set_entry(c->keys, c->db, e, c->hash, value);
    else
        rl_keyspace_set(c->keys, c->db, c->argv[1], c->hash, value, RL_NEVER);
    rl_ctx_notify(c, RL_NOTIFY_STRING, event, c->argv[1]);
}

static void add(rl_ctx *c, int64_t by) {
    rl_entry *e;
    int64_t value = 0;
    char text[RL_INT64_TEXT_MAX];
    if (!rl_ctx_find_string(c, 1, RL_LOOK_WRITE, &e))
        return;
    if (e && !rl_int64_parse(rl_entry_value(e), &value)) {
        rl_reply_error(c->reply, RL_ERR_NOT_INTEGER);
        return;
    }
    if (__builtin_add_overflow(value, by, &value)) {
        rl_reply_error(c->reply, "ERR increment or decrement would overflow");
        return;
    }
    put(c, e, rl_bytes_of(text, rl_int64_format(text, value)), "incrby");
    rl_reply_int(c->reply, value);
}

void rl_cmd_incr(rl_ctx *c) {
    add(c, 1);
}

void rl_cmd_decr(rl_ctx *c) {
    add(c, -1);
}

void rl_cmd_incrby(rl_ctx *c) {
    int64_t by;
    if (rl_ctx_int(c, 2, &by, NULL))
        add(c, by);
}

void rl_cmd_decrby(rl_ctx *c) {
    int64_t by;
    if (!rl_ctx_int(c, 2, &by, NULL))
        return;
    if (by == INT64_MIN) {
        rl_reply_error(c->reply, "ERR decrement would overflow");
        return;
    }
    add(c, -by);
}

void rl_cmd_incrbyfloat(rl_ctx *c) {
    rl_entry *e;
    long double value = 0, by;
    rl_bytes bytes;
    char text[RL_DOUBLE_TEXT_MAX];
    if (!rl_ctx_find_string(c, 1, RL_LOOK_WRITE, &e))
        return;
    if ((e && !rl_long_double_parse(rl_entry_value(e), &value)) ||
        !rl_long_double_parse(c->argv[2], &by)) {
        rl_reply_error(c->reply, RL_ERR_NOT_FLOAT);
        return;
    }
    if (!rl_cmd_float_sum(c, value, by, text, &bytes))
        return;
    put(c, e, bytes, "incrbyfloat");
    rl_keyspace_mark_text(c->keys, c->db, c->argv[1], c->hash);
    rl_reply_bulk(c->reply, bytes);
}
