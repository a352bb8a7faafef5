/* SPDX-License-Identifier: MIT */
/* When keys end: the EXPIRE family, TTL and its kin, PERSIST. */
#include "commands/handlers.h"
#include "commands/shared.h"

enum { EXPIRE_NX = 1, EXPIRE_XX = 2, EXPIRE_GT = 4, EXPIRE_LT = 8 };

static bool expire_flags(rl_ctx *c, unsigned *flags) {
    static const struct {
        const char *word;
        unsigned flag;
    } words[] = {{"NX", EXPIRE_NX}, {"XX", EXPIRE_XX}, {"GT", EXPIRE_GT}, {"LT", EXPIRE_LT}};
    *flags = 0;
    for (int i = 3; i < c->argc; i++) {
        unsigned flag = 0;
        for (size_t k = 0; k < sizeof words / sizeof *words; k++)
            if (rl_bytes_is(c->argv[i], words[k].word))
                flag = words[k].flag;
        if (!flag) {
            rl_reply_errorf(c->reply, "ERR Unsupported option %.*s", (int)c->argv[i].len,
                            c->argv[i].ptr);
            return false;
        }
        *flags |= flag;
    }
    if (*flags & EXPIRE_NX && *flags & (EXPIRE_XX | EXPIRE_GT | EXPIRE_LT)) {
        rl_reply_error(c->reply,
                       "ERR NX and XX, GT or LT options at the same time are not compatible");
        return false;
    }
    if (*flags & EXPIRE_GT && *flags & EXPIRE_LT) {
        rl_reply_error(c->reply, "ERR GT and LT options at the same time are not compatible");
        return false;
    }
    return true;
}

/* Whether the options allow this change; no expiry counts as the latest of all times. */
static bool allowed(unsigned flags, int64_t now, int64_t wanted) {
    bool has = now != RL_NEVER;
    if (flags & EXPIRE_NX && has)
        return false;
    if (flags & EXPIRE_XX && !has)
        return false;
    if (flags & EXPIRE_GT && (!has || wanted <= now))
        return false;
    if (flags & EXPIRE_LT && has && wanted >= now)
        return false;
    return true;
}

static void expire(rl_ctx *c, rl_time_unit unit, bool absolute) {
    unsigned flags;
    int64_t at_ms;
    if (!expire_flags(c, &flags) ||
        !rl_cmd_expire_time(c, c->argv[2], unit, absolute, false, &at_ms))
        return;
    rl_entry *e = rl_ctx_find(c, 1, RL_LOOK_WRITE);
    if (e == NULL || !allowed(flags, rl_entry_expires_at(e), at_ms)) {
        rl_reply_int(c->reply, 0);
        return;
    }
    rl_keyspace_expire(c->keys, c->db, e, c->hash, at_ms);
    rl_ctx_notify(c, RL_NOTIFY_GENERIC, at_ms > c->now_ms ? "expire" : "del", c->argv[1]);
    rl_reply_int(c->reply, 1);
}

void rl_cmd_expire(rl_ctx *c) {
    expire(c, RL_TIME_SECONDS, false);
}

void rl_cmd_pexpire(rl_ctx *c) {
    expire(c, RL_TIME_MILLISECONDS, false);
}

void rl_cmd_expireat(rl_ctx *c) {
    expire(c, RL_TIME_SECONDS, true);
}

void rl_cmd_pexpireat(rl_ctx *c) {
    expire(c, RL_TIME_MILLISECONDS, true);
}

void rl_cmd_persist(rl_ctx *c) {
    rl_entry *e = rl_ctx_find(c, 1, RL_LOOK_WRITE);
    bool had = e && rl_entry_expires_at(e) != RL_NEVER;
    if (had) {
        rl_keyspace_expire(c->keys, c->db, e, c->hash, RL_NEVER);
        rl_ctx_notify(c, RL_NOTIFY_GENERIC, "persist", c->argv[1]);
    }
    rl_reply_int(c->reply, had);
}

/* -2: no such key, -1: it does not expire. Seconds are rounded to the nearest for TTL, and down for
 * EXPIRETIME. */
static void reply_time(rl_ctx *c, bool absolute, bool seconds) {
    const rl_entry *e = rl_ctx_find(c, 1, RL_LOOK_READ_NOTOUCH);
    int64_t at_ms = e ? rl_entry_expires_at(e) : RL_NEVER;
    if (at_ms == RL_NEVER) {
        rl_reply_int(c->reply, e ? -1 : -2);
        return;
    }
    int64_t time = absolute ? at_ms : at_ms - c->now_ms;
    if (time < 0)
        time = 0;
    rl_reply_int(c->reply, seconds ? time / 1000 + (time % 1000 >= 500) : time);
}

void rl_cmd_ttl(rl_ctx *c) {
    reply_time(c, false, true);
}

void rl_cmd_pttl(rl_ctx *c) {
    reply_time(c, false, false);
}

void rl_cmd_expiretime(rl_ctx *c) {
    reply_time(c, true, true);
}

void rl_cmd_pexpiretime(rl_ctx *c) {
    reply_time(c, true, false);
}
