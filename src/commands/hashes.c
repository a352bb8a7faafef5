/* SPDX-License-Identifier: MIT */
/* Hashes: setting, counting and removing fields. Reading them is in hashes_read.c. */
#include <math.h>

#include "base/number.h"
#include "commands/handlers.h"
#include "commands/hashes.h"

bool rl_cmd_check_pair(rl_ctx *c, rl_bytes field, rl_bytes value) {
    if (field.len + value.len <= RL_ENTRY_VALUE_MAX)
        return true;
    rl_reply_error(c->reply, RL_ERR_TOO_LONG);
    return false;
}

static void notify(rl_ctx *c, const char *event) {
    rl_ctx_notify(c, RL_NOTIFY_HASH, event, c->argv[1]);
}

/* ---- HSET ---- */

static bool check_pairs(rl_ctx *c) {
    if (c->argc % 2 == 1) {
        rl_reply_errorf(c->reply, "ERR wrong number of arguments for '%s' command",
                        c->command->name);
        return false;
    }
    for (int i = 2; i < c->argc; i += 2)
        if (!rl_cmd_check_pair(c, c->argv[i], c->argv[i + 1]))
            return false;
    return true;
}

/* False after answering an error. */
static bool set_pairs(rl_ctx *c, int64_t *added) {
    rl_collection h;
    *added = 0;
    if (!check_pairs(c) || !rl_ctx_open(c, 1, RL_TYPE_HASH, RL_LOOK_WRITE, &h))
        return false;
    for (int i = 2; i < c->argc; i += 2)
        *added += rl_key_hash_set(&h, c->argv[i], c->argv[i + 1], 0);
    notify(c, "hset");
    rl_collection_done(&h);
    return true;
}

void rl_cmd_hset(rl_ctx *c) {
    int64_t added;
    if (set_pairs(c, &added))
        rl_reply_int(c->reply, added);
}

void rl_cmd_hmset(rl_ctx *c) {
    int64_t added;
    if (set_pairs(c, &added))
        rl_reply_ok(c->reply);
}

void rl_cmd_hsetnx(rl_ctx *c) {
    rl_collection h;
    if (!rl_cmd_check_pair(c, c->argv[2], c->argv[3]) ||
        !rl_ctx_open(c, 1, RL_TYPE_HASH, RL_LOOK_WRITE, &h))
        return;
    const rl_fields *fields = rl_hash_of(&h);
    if (fields && rl_fields_has(fields, c->argv[2])) {
        rl_reply_int(c->reply, 0);
        return;
    }
    rl_key_hash_set(&h, c->argv[2], c->argv[3], 0);
    notify(c, "hset");
    rl_collection_done(&h);
    rl_reply_int(c->reply, 1);
}

void rl_cmd_hdel(rl_ctx *c) {
    rl_collection h;
    int64_t removed = 0;
    if (!rl_ctx_open(c, 1, RL_TYPE_HASH, RL_LOOK_WRITE, &h))
        return;
    if (rl_hash_of(&h))
        for (int i = 2; i < c->argc; i++)
            removed += rl_key_hash_remove(&h, c->argv[i]);
    if (removed) {
        notify(c, "hdel");
        rl_collection_done(&h);
    }
    rl_reply_int(c->reply, removed);
}

/* ---- counters ---- */

/* The field's new value; its expiry stays. */
static void put(rl_ctx *c, rl_collection *h, rl_bytes value, const char *event) {
    rl_key_hash_set(h, c->argv[2], value, RL_FIELD_KEEP);
    notify(c, event);
    rl_collection_done(h);
}

void rl_cmd_hincrby(rl_ctx *c) {
    rl_collection h;
    rl_field_scratch scratch;
    rl_field field;
    int64_t by, value = 0;
    char text[RL_INT64_TEXT_MAX];
    if (!rl_ctx_int(c, 3, &by, NULL) || !rl_ctx_open(c, 1, RL_TYPE_HASH, RL_LOOK_WRITE, &h))
        return;
    const rl_fields *fields = rl_hash_of(&h);
    if (fields && rl_fields_get(fields, c->argv[2], &scratch, &field) &&
        !rl_int64_parse(field.value, &value)) {
        rl_reply_error(c->reply, "ERR hash value is not an integer");
        return;
    }
    if (__builtin_add_overflow(value, by, &value)) {
        rl_reply_error(c->reply, "ERR increment or decrement would overflow");
        return;
    }
    put(c, &h, rl_bytes_of(text, rl_int64_format(text, value)), "hincrby");
    rl_reply_int(c->reply, value);
}

static bool parse_increment(rl_ctx *c, long double *by) {
    if (!rl_long_double_parse(c->argv[3], by)) {
        rl_reply_error(c->reply, RL_ERR_NOT_FLOAT);
        return false;
    }
    if (isinf(*by)) {
        rl_reply_error(c->reply, "ERR value is NaN or Infinity");
        return false;
    }
    return true;
}

void rl_cmd_hincrbyfloat(rl_ctx *c) {
    rl_collection h;
    rl_field_scratch scratch;
    rl_field field;
    long double value = 0, by;
    rl_bytes bytes;
    char text[RL_DOUBLE_TEXT_MAX];
    if (!parse_increment(c, &by) || !rl_ctx_open(c, 1, RL_TYPE_HASH, RL_LOOK_WRITE, &h))
        return;
    const rl_fields *fields = rl_hash_of(&h);
    if (fields && rl_fields_get(fields, c->argv[2], &scratch, &field) &&
        !rl_long_double_parse(field.value, &value)) {
        rl_reply_error(c->reply, "ERR hash value is not a float");
        return;
    }
    if (!rl_cmd_float_sum(c, value, by, text, &bytes))
        return;
    put(c, &h, bytes, "hincrbyfloat");
    rl_reply_bulk(c->reply, bytes);
}
