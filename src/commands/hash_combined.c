/* SPDX-License-Identifier: MIT */
/* Two steps on fields of a hash in one: HGETDEL, HGETEX, HSETEX. */
#include "base/number.h"
#include "commands/handlers.h"
#include "commands/hashes.h"

void rl_cmd_hgetdel(rl_ctx *c) {
    rl_collection h;
    rl_field_list list;
    bool removed = false;
    if (!rl_ctx_open(c, 1, RL_TYPE_HASH, RL_LOOK_WRITE, &h) ||
        !rl_cmd_field_list(c, 2, RL_ERR_FIELD_COUNT, &list))
        return;
    rl_reply_array(c->reply, (size_t)list.count);
    for (int i = list.first; i < c->argc; i++)
        if (rl_cmd_reply_field(c, rl_hash_of(&h), c->argv[i]))
            removed |= rl_key_hash_remove(&h, c->argv[i]);
    if (removed) {
        rl_ctx_notify(c, RL_NOTIFY_HASH, "hdel", c->argv[1]);
        rl_collection_done(&h);
    }
}

/* ---- HGETEX ---- */

typedef struct getex_options {
    bool persist;
    bool expire;
    int64_t expires_at;
    rl_field_list list;
} getex_options;

static bool getex_parse(rl_ctx *c, getex_options *o) {
    rl_expire_option how;
    int at = 2;
    *o = (getex_options){0};
    if (rl_bytes_is(c->argv[at], "PERSIST")) {
        o->persist = true;
        at++;
    } else if (rl_cmd_expire_option(c->argv[at], &how)) {
        if (!rl_cmd_field_time(c, c->argv[at + 1], how, &o->expires_at))
            return false;
        o->expire = true;
        at += 2;
    }
    return rl_cmd_field_list(c, at, RL_ERR_FIELD_COUNT, &o->list);
}

/* True when it was changed. */
static bool getex_change(rl_ctx *c, rl_collection *h, rl_bytes name, const getex_options *o) {
    rl_field_scratch scratch;
    rl_field field;
    if (o->expire) {
        rl_cmd_field_expire(c, h, name, o->expires_at);
        return true;
    }
    if (!o->persist || !rl_fields_get(rl_hash_of(h), name, &scratch, &field) ||
        field.expires_at == 0)
        return false;
    return rl_key_hash_expire(h, name, 0);
}

void rl_cmd_hgetex(rl_ctx *c) {
    rl_collection h;
    getex_options o;
    bool changed = false;
    if (!rl_ctx_open(c, 1, RL_TYPE_HASH, RL_LOOK_READ, &h) || !getex_parse(c, &o))
        return;
    rl_reply_array(c->reply, (size_t)o.list.count);
    for (int i = o.list.first; i < c->argc; i++)
        if (rl_cmd_reply_field(c, rl_hash_of(&h), c->argv[i]))
            changed |= getex_change(c, &h, c->argv[i], &o);
    if (!changed)
        return;
    if (o.expire)
        rl_cmd_notify_fields_expire(c, o.expires_at);
    else
        rl_ctx_notify(c, RL_NOTIFY_HASH, "hpersist", c->argv[1]);
    rl_collection_done(&h);
}

/* ---- HSETEX ---- */

typedef enum presence { ANY, NONE_THERE, ALL_THERE } presence;

typedef struct setex_options {
    presence wanted;
    bool keep, expire;
    int64_t expires_at;
    int first; /* argument of the first field; 0: not seen yet */
} setex_options;

static bool setex_error(rl_ctx *c, const char *text) {
    rl_reply_error(c->reply, text);
    return false;
}

/* "FIELDS numfields field value …", which must end the command. */
static bool setex_pairs(rl_ctx *c, int at, setex_options *o) {
    int64_t count = 0;
    if (at + 2 < c->argc && (!rl_int64_parse(c->argv[at + 1], &count) || count < 1))
        return setex_error(c, "ERR invalid number of fields");
    int rest = c->argc - at - 2;
    if (rest < 2 || rest % 2 || count != rest / 2) {
        rl_reply_errorf(c->reply, "ERR wrong number of arguments for '%s' command",
                        c->command->name);
        return false;
    }
    o->first = at + 2;
    for (int i = o->first; i < c->argc; i += 2)
        if (!rl_cmd_check_pair(c, c->argv[i], c->argv[i + 1]))
            return false;
    return true;
}

/* EX and its kin, and KEEPTTL. */
static bool setex_time(rl_ctx *c, int *i, setex_options *o, const rl_expire_option *how) {
    if (o->keep || o->expire)
        return setex_error(
            c, "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified");
    o->keep = how == NULL;
    o->expire = how != NULL;
    if (how == NULL)
        return true;
    if (*i + 1 >= c->argc)
        return setex_error(c, "ERR missing expire time");
    return rl_cmd_field_time(c, c->argv[++*i], *how, &o->expires_at);
}

static bool setex_option(rl_ctx *c, int *i, setex_options *o) {
    rl_bytes word = c->argv[*i];
    rl_expire_option how;
    bool none = rl_bytes_is(word, "FNX");
    if (none || rl_bytes_is(word, "FXX")) {
        if (o->wanted != ANY)
            return setex_error(c, "ERR Only one of FXX or FNX arguments can be specified");
        o->wanted = none ? NONE_THERE : ALL_THERE;
        return true;
    }
    if (rl_bytes_is(word, "KEEPTTL"))
        return setex_time(c, i, o, NULL);
    if (rl_cmd_expire_option(word, &how))
        return setex_time(c, i, o, &how);
    rl_reply_errorf(c->reply, "ERR unknown argument: %.*s", (int)word.len, word.ptr);
    return false;
}

static bool setex_parse(rl_ctx *c, setex_options *o) {
    *o = (setex_options){0};
    for (int i = 2; i < c->argc; i++) {
        if (rl_bytes_is(c->argv[i], "FIELDS"))
            return setex_pairs(c, i, o);
        if (!setex_option(c, &i, o))
            return false;
    }
    return setex_error(c, "ERR missing FIELDS argument");
}

static bool setex_allowed(rl_ctx *c, const rl_fields *fields, const setex_options *o) {
    if (o->wanted == ANY)
        return true;
    for (int i = o->first; i < c->argc; i += 2)
        if ((fields && rl_fields_has(fields, c->argv[i])) != (o->wanted == ALL_THERE))
            return false;
    return true;
}

void rl_cmd_hsetex(rl_ctx *c) {
    rl_collection h;
    setex_options o;
    if (!setex_parse(c, &o) || !rl_ctx_open(c, 1, RL_TYPE_HASH, RL_LOOK_WRITE, &h))
        return;
    if (!setex_allowed(c, rl_hash_of(&h), &o)) {
        rl_reply_int(c->reply, 0);
        return;
    }
    bool over = o.expire && o.expires_at <= c->now_ms;
    int64_t expires_at = o.keep ? RL_FIELD_KEEP : over ? 0 : o.expires_at;
    for (int i = o.first; i < c->argc; i += 2) {
        rl_key_hash_set(&h, c->argv[i], c->argv[i + 1], expires_at);
        if (over)
            rl_key_hash_remove(&h, c->argv[i]);
    }
    rl_ctx_notify(c, RL_NOTIFY_HASH, "hset", c->argv[1]);
    if (o.expire)
        rl_cmd_notify_fields_expire(c, o.expires_at);
    rl_collection_done(&h);
    rl_reply_int(c->reply, 1);
}
