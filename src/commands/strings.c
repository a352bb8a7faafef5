/* SPDX-License-Identifier: MIT */
/* Strings: whole values. Counters are in counters.c, parts of values in ranges.c. */
#include "commands/handlers.h"
#include "commands/shared.h"

static void reply_value(rl_ctx *c, const rl_entry *e) {
    if (e)
        rl_reply_bulk(c->reply, rl_entry_value(e));
    else
        rl_reply_null(c->reply);
}

void rl_cmd_get(rl_ctx *c) {
    rl_entry *e;
    if (rl_ctx_find_string(c, 1, RL_LOOK_READ, &e))
        reply_value(c, e);
}

/* ---- SET ---- */

enum { SET_NX = 1, SET_XX = 2, SET_GET = 4, SET_KEEPTTL = 8, SET_EXPIRE = 16 };

typedef struct set_options {
    unsigned flags;
    rl_expire_option expire;
    int expire_arg; /* 0: not given */
} set_options;

/* EX and its kin: one kind at most, the same one again is fine and the last counts. */
static bool expire_option(rl_ctx *c, int *i, rl_expire_option *option, int *expire_arg) {
    rl_expire_option wanted;
    if (*i + 1 >= c->argc || !rl_cmd_expire_option(c->argv[*i], &wanted))
        return false;
    if (*expire_arg && (wanted.unit != option->unit || wanted.absolute != option->absolute))
        return false;
    *option = wanted;
    *expire_arg = ++*i;
    return true;
}

/* One option of SET at argument *i; false: not one, or not beside the others. */
static bool set_option(rl_ctx *c, int *i, set_options *o) {
    static const struct {
        const char *word;
        unsigned flag, not_with;
    } words[] = {{"NX", SET_NX, SET_XX},
                 {"XX", SET_XX, SET_NX},
                 {"GET", SET_GET, 0},
                 {"KEEPTTL", SET_KEEPTTL, SET_EXPIRE}};
    rl_bytes word = c->argv[*i];
    for (size_t k = 0; k < sizeof words / sizeof *words; k++) {
        if (rl_bytes_is(word, words[k].word)) {
            if (o->flags & words[k].not_with)
                return false;
            o->flags |= words[k].flag;
            return true;
        }
    }
    if (o->flags & SET_KEEPTTL || !expire_option(c, i, &o->expire, &o->expire_arg))
        return false;
    o->flags |= SET_EXPIRE;
    return true;
}

static inline void notify_set(rl_ctx *c, int key, bool expires) {
    rl_ctx_notify(c, RL_NOTIFY_STRING, "set", c->argv[key]);
    if (expires)
        rl_ctx_notify(c, RL_NOTIFY_GENERIC, "expire", c->argv[key]);
}

static void set_with_options(rl_ctx *c) {
    set_options o = {0};
    int64_t expires_at = RL_NEVER;
    rl_entry *e;
    for (int i = 3; i < c->argc; i++) {
        if (!set_option(c, &i, &o)) {
            rl_ctx_syntax_error(c);
            return;
        }
    }
    if (o.flags & SET_EXPIRE && !rl_cmd_expire_time(c, c->argv[o.expire_arg], o.expire.unit,
                                                    o.expire.absolute, true, &expires_at))
        return;
    if (o.flags & SET_GET) {
        if (!rl_ctx_find_string(c, 1, RL_LOOK_READ, &e))
            return;
        reply_value(c, e); /* before the value changes under it */
    } else {
        e = rl_ctx_find(c, 1, RL_LOOK_WRITE);
    }
    if ((o.flags & SET_NX && e) || (o.flags & SET_XX && !e)) {
        if (!(o.flags & SET_GET))
            rl_reply_null(c->reply);
        return;
    }
    if (o.flags & SET_KEEPTTL && e)
        expires_at = rl_entry_expires_at(e);
    rl_keyspace_set(c->keys, c->db, c->argv[1], c->hash, c->argv[2], expires_at);
    notify_set(c, 1, o.flags & SET_EXPIRE);
    if (!(o.flags & SET_GET))
        rl_reply_ok(c->reply);
}

void rl_cmd_set(rl_ctx *c) {
    if (c->argc > 3) {
        set_with_options(c);
        return;
    }
    rl_keyspace_set(c->keys, c->db, c->argv[1], c->hash, c->argv[2], RL_NEVER);
    notify_set(c, 1, false);
    rl_reply_ok(c->reply);
}

static void set_expiring(rl_ctx *c, rl_time_unit unit) {
    int64_t expires_at;
    if (!rl_cmd_expire_time(c, c->argv[2], unit, false, true, &expires_at))
        return;
    rl_keyspace_set(c->keys, c->db, c->argv[1], c->hash, c->argv[3], expires_at);
    notify_set(c, 1, true);
    rl_reply_ok(c->reply);
}

void rl_cmd_setex(rl_ctx *c) {
    set_expiring(c, RL_TIME_SECONDS);
}

void rl_cmd_psetex(rl_ctx *c) {
    set_expiring(c, RL_TIME_MILLISECONDS);
}

void rl_cmd_setnx(rl_ctx *c) {
    if (rl_ctx_find(c, 1, RL_LOOK_WRITE)) {
        rl_reply_int(c->reply, 0);
        return;
    }
    rl_keyspace_set(c->keys, c->db, c->argv[1], c->hash, c->argv[2], RL_NEVER);
    notify_set(c, 1, false);
    rl_reply_int(c->reply, 1);
}

void rl_cmd_getset(rl_ctx *c) {
    rl_entry *e;
    if (!rl_ctx_find_string(c, 1, RL_LOOK_READ, &e))
        return;
    reply_value(c, e);
    rl_keyspace_set(c->keys, c->db, c->argv[1], c->hash, c->argv[2], RL_NEVER);
    notify_set(c, 1, false);
}

void rl_cmd_getdel(rl_ctx *c) {
    rl_entry *e;
    if (!rl_ctx_find_string(c, 1, RL_LOOK_READ, &e))
        return;
    reply_value(c, e);
    if (e && rl_keyspace_delete(c->keys, c->db, c->argv[1], c->hash))
        rl_ctx_notify(c, RL_NOTIFY_GENERIC, "del", c->argv[1]);
}

/* ---- GETEX ---- */

void rl_cmd_getex(rl_ctx *c) {
    rl_expire_option option = {0};
    int expire_arg = 0;
    bool persist = false;
    int64_t expires_at = RL_NEVER;
    rl_entry *e;
    for (int i = 2; i < c->argc; i++) {
        bool is_persist = rl_bytes_is(c->argv[i], "PERSIST");
        if (is_persist ? expire_arg != 0 : persist || !expire_option(c, &i, &option, &expire_arg)) {
            rl_ctx_syntax_error(c);
            return;
        }
        persist |= is_persist;
    }
    if (!rl_ctx_find_string(c, 1, RL_LOOK_READ, &e))
        return;
    if (e == NULL) {
        rl_reply_null(c->reply);
        return;
    }
    if (expire_arg && !rl_cmd_expire_time(c, c->argv[expire_arg], option.unit, option.absolute,
                                          true, &expires_at))
        return;
    reply_value(c, e);
    bool had = rl_entry_expires_at(e) != RL_NEVER;
    if (persist || expire_arg)
        rl_keyspace_expire(c->keys, c->db, e, c->hash, expires_at);
    if (expire_arg)
        rl_ctx_notify(c, RL_NOTIFY_GENERIC, expires_at > c->now_ms ? "expire" : "del", c->argv[1]);
    else if (persist && had)
        rl_ctx_notify(c, RL_NOTIFY_GENERIC, "persist", c->argv[1]);
}

/* ---- several keys ---- */

void rl_cmd_mget(rl_ctx *c) {
    rl_look look = c->session->no_touch ? RL_LOOK_READ_NOTOUCH : RL_LOOK_READ;
    rl_reply_array(c->reply, (size_t)c->argc - 1);
    for (int i = 1; i < c->argc; i++) {
        rl_entry *e = rl_ctx_find(c, i, look);
        reply_value(c, e && e->type == RL_TYPE_STRING ? e : NULL);
    }
}

static bool pairs_fit(rl_ctx *c) {
    if (c->argc % 2 == 1)
        return true;
    rl_reply_errorf(c->reply, "ERR wrong number of arguments for '%s' command", c->command->name);
    return false;
}

static void set_pairs(rl_ctx *c) {
    for (int i = 1; i < c->argc; i += 2) {
        rl_keyspace_set(c->keys, c->db, c->argv[i], rl_ctx_hash(c, i), c->argv[i + 1], RL_NEVER);
        notify_set(c, i, false);
    }
}

void rl_cmd_mset(rl_ctx *c) {
    if (!pairs_fit(c))
        return;
    set_pairs(c);
    rl_reply_ok(c->reply);
}

void rl_cmd_msetnx(rl_ctx *c) {
    if (!pairs_fit(c))
        return;
    for (int i = 1; i < c->argc; i += 2) {
        if (rl_ctx_find(c, i, RL_LOOK_WRITE)) {
            rl_reply_int(c->reply, 0);
            return;
        }
    }
    set_pairs(c);
    rl_reply_int(c->reply, 1);
}
