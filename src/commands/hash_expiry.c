/* SPDX-License-Identifier: MIT */
/* When fields of hashes end: the HEXPIRE family, HTTL and its kin, HPERSIST. */
#include "base/number.h"
#include "commands/handlers.h"
#include "commands/hashes.h"

/* What these commands answer for a field. */
enum { NO_FIELD = -2, NO_EXPIRY = -1, NOT_ALLOWED = 0, DONE = 1, FIELD_REMOVED = 2 };

/* ---- arguments ---- */

bool rl_cmd_field_list(rl_ctx *c, int at, const char *wrong_count, rl_field_list *out) {
    int64_t count;
    if (at + 1 >= c->argc || !rl_bytes_is(c->argv[at], "FIELDS")) {
        rl_reply_error(c->reply,
                       "ERR Mandatory argument FIELDS is missing or not at the right position");
        return false;
    }
    if (!rl_int64_parse(c->argv[at + 1], &count) || count < 1) {
        rl_reply_error(c->reply, wrong_count);
        return false;
    }
    if (count != c->argc - at - 2) {
        rl_reply_error(c->reply,
                       "ERR The `numfields` parameter must match the number of arguments");
        return false;
    }
    *out = (rl_field_list){at + 2, (int)count};
    return true;
}

bool rl_cmd_field_time(rl_ctx *c, rl_bytes argument, rl_expire_option how, int64_t *out) {
    int64_t time, factor = how.unit == RL_TIME_SECONDS ? 1000 : 1;
    int64_t start = how.absolute ? 0 : c->now_ms;
    if (!rl_int64_parse(argument, &time)) {
        rl_reply_error(c->reply, RL_ERR_NOT_INTEGER);
        return false;
    }
    if (time < 0) {
        rl_reply_error(c->reply, "ERR invalid expire time, must be >= 0");
        return false;
    }
    if (time > RL_FIELD_TIME_MAX / factor || time * factor > RL_FIELD_TIME_MAX - start) {
        rl_reply_errorf(c->reply, "ERR invalid expire time in '%s' command", c->command->name);
        return false;
    }
    *out = start + time * factor;
    return true;
}

void rl_cmd_field_expire(rl_ctx *c, rl_collection *h, rl_bytes field, int64_t expires_at) {
    if (expires_at > c->now_ms)
        rl_key_hash_expire(h, field, expires_at);
    else
        rl_key_hash_remove(h, field);
}

void rl_cmd_notify_fields_expire(rl_ctx *c, int64_t expires_at) {
    rl_ctx_notify(c, RL_NOTIFY_HASH, expires_at > c->now_ms ? "hexpire" : "hdel", c->argv[1]);
}

/* ---- HEXPIRE ---- */

typedef enum condition { ALWAYS, WHEN_NONE, WHEN_ANY, WHEN_LATER, WHEN_EARLIER } condition;

static condition parse_condition(rl_bytes word) {
    static const char *const words[] = {"NX", "XX", "GT", "LT"};
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (rl_bytes_is(word, words[i]))
            return (condition)(WHEN_NONE + i);
    return ALWAYS;
}

/* now: 0 for a field without expiry, which counts as the latest of all times. */
static bool allowed(condition when, int64_t now, int64_t wanted) {
    switch (when) {
    case WHEN_NONE:
        return now == 0;
    case WHEN_ANY:
        return now != 0;
    case WHEN_LATER:
        return now != 0 && wanted > now;
    case WHEN_EARLIER:
        return now == 0 || wanted < now;
    default:
        return true;
    }
}

/* The answer for one field, which is changed if it may be. */
static int expire_field(rl_ctx *c, rl_collection *h, rl_bytes name, condition when,
                        int64_t expires_at) {
    rl_field_scratch scratch;
    rl_field field;
    if (rl_hash_of(h) == NULL || !rl_fields_get(rl_hash_of(h), name, &scratch, &field))
        return NO_FIELD;
    if (!allowed(when, field.expires_at, expires_at))
        return NOT_ALLOWED;
    rl_cmd_field_expire(c, h, name, expires_at);
    return expires_at > c->now_ms ? DONE : FIELD_REMOVED;
}

static void expire(rl_ctx *c, rl_time_unit unit, bool absolute) {
    rl_collection h;
    rl_field_list list;
    int64_t expires_at;
    bool changed = false;
    if (!rl_ctx_open(c, 1, RL_TYPE_HASH, RL_LOOK_WRITE, &h) ||
        !rl_cmd_field_time(c, c->argv[2], (rl_expire_option){unit, absolute}, &expires_at))
        return;
    condition when = parse_condition(c->argv[3]);
    if (!rl_cmd_field_list(c, when == ALWAYS ? 3 : 4,
                           "ERR Parameter `numFields` should be greater than 0", &list))
        return;
    rl_reply_array(c->reply, (size_t)list.count);
    for (int i = list.first; i < c->argc; i++) {
        int result = expire_field(c, &h, c->argv[i], when, expires_at);
        changed |= result > 0;
        rl_reply_int(c->reply, result);
    }
    if (changed) {
        rl_cmd_notify_fields_expire(c, expires_at);
        rl_collection_done(&h);
    }
}

void rl_cmd_hexpire(rl_ctx *c) {
    expire(c, RL_TIME_SECONDS, false);
}

void rl_cmd_hpexpire(rl_ctx *c) {
    expire(c, RL_TIME_MILLISECONDS, false);
}

void rl_cmd_hexpireat(rl_ctx *c) {
    expire(c, RL_TIME_SECONDS, true);
}

void rl_cmd_hpexpireat(rl_ctx *c) {
    expire(c, RL_TIME_MILLISECONDS, true);
}

void rl_cmd_hpersist(rl_ctx *c) {
    rl_collection h;
    rl_field_list list;
    rl_field_scratch scratch;
    rl_field field;
    bool changed = false;
    if (!rl_ctx_open(c, 1, RL_TYPE_HASH, RL_LOOK_WRITE, &h) ||
        !rl_cmd_field_list(c, 2, RL_ERR_FIELD_COUNT, &list))
        return;
    rl_reply_array(c->reply, (size_t)list.count);
    for (int i = list.first; i < c->argc; i++) {
        const rl_fields *fields = rl_hash_of(&h);
        if (fields == NULL || !rl_fields_get(fields, c->argv[i], &scratch, &field)) {
            rl_reply_int(c->reply, NO_FIELD);
        } else if (field.expires_at == 0) {
            rl_reply_int(c->reply, NO_EXPIRY);
        } else {
            rl_key_hash_expire(&h, c->argv[i], 0);
            changed = true;
            rl_reply_int(c->reply, DONE);
        }
    }
    if (changed) {
        rl_ctx_notify(c, RL_NOTIFY_HASH, "hpersist", c->argv[1]);
        rl_collection_done(&h);
    }
}

/* ---- HTTL ---- */

/* Seconds are rounded up. */
static void reply_times(rl_ctx *c, bool absolute, bool seconds) {
    rl_collection h;
    rl_field_list list;
    rl_field_scratch scratch;
    rl_field field;
    if (!rl_ctx_open(c, 1, RL_TYPE_HASH, RL_LOOK_READ, &h) ||
        !rl_cmd_field_list(c, 2, RL_ERR_FIELD_COUNT, &list))
        return;
    const rl_fields *fields = rl_hash_of(&h);
    rl_reply_array(c->reply, (size_t)list.count);
    for (int i = list.first; i < c->argc; i++) {
        if (fields == NULL || !rl_fields_get(fields, c->argv[i], &scratch, &field)) {
            rl_reply_int(c->reply, NO_FIELD);
        } else if (field.expires_at == 0) {
            rl_reply_int(c->reply, NO_EXPIRY);
        } else {
            int64_t time = field.expires_at - (absolute ? 0 : c->now_ms);
            rl_reply_int(c->reply, seconds ? (time + 999) / 1000 : time);
        }
    }
}

void rl_cmd_httl(rl_ctx *c) {
    reply_times(c, false, true);
}

void rl_cmd_hpttl(rl_ctx *c) {
    reply_times(c, false, false);
}

void rl_cmd_hexpiretime(rl_ctx *c) {
    reply_times(c, true, true);
}

void rl_cmd_hpexpiretime(rl_ctx *c) {
    reply_times(c, true, false);
}
