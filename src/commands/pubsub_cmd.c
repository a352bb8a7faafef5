/* SPDX-License-Identifier: MIT */
/* SUBSCRIBE, PUBLISH, PUBSUB and their kin. Who listens to what is server/pubsub.c. */
#include "base/alloc.h"
#include "base/text.h"
#include "commands/handlers.h"
#include "commands/shared.h"
#include "server/publish.h"

/* ---- subscribing ---- */

static rl_pubsub *pubsub_of(const rl_ctx *c) {
    return rl_server_pubsub(c->server);
}

/* What the client is told: the verb, the name, and to how many it listens now. Patterns and
 * channels are counted together, shard channels by themselves. */
static void tell(rl_ctx *c, const char *verb, rl_pubsub_kind kind, const rl_bytes *name) {
    const rl_subscriber *s = &c->session->subscriber;
    rl_reply_push(c->reply, 3);
    rl_reply_text(c->reply, verb);
    if (name)
        rl_reply_bulk(c->reply, *name);
    else
        rl_reply_null(c->reply);
    rl_reply_int(c->reply, kind == RL_PUBSUB_SHARD
                               ? s->count[RL_PUBSUB_SHARD]
                               : s->count[RL_PUBSUB_CHANNEL] + s->count[RL_PUBSUB_PATTERN]);
}

static void subscribe(rl_ctx *c, rl_pubsub_kind kind, const char *verb) {
    for (int i = 1; i < c->argc; i++) {
        rl_pubsub_subscribe(pubsub_of(c), &c->session->subscriber, kind, c->argv[i]);
        tell(c, verb, kind, &c->argv[i]);
    }
}

static void unsubscribe_all(rl_ctx *c, rl_pubsub_kind kind, const char *verb) {
    rl_subscriber *s = &c->session->subscriber;
    rl_bytes name;
    if (s->count[kind] == 0)
        tell(c, verb, kind, NULL);
    while (rl_pubsub_any(s, kind, &name)) {
        char *copy = rl_strndup(name.ptr, name.len);
        rl_bytes kept = rl_bytes_of(copy, name.len);
        rl_pubsub_unsubscribe(pubsub_of(c), s, kind, name);
        tell(c, verb, kind, &kept);
        rl_free(copy);
    }
}

static void unsubscribe(rl_ctx *c, rl_pubsub_kind kind, const char *verb) {
    if (c->argc == 1)
        unsubscribe_all(c, kind, verb);
    for (int i = 1; i < c->argc; i++) {
        rl_pubsub_unsubscribe(pubsub_of(c), &c->session->subscriber, kind, c->argv[i]);
        tell(c, verb, kind, &c->argv[i]);
    }
}

void rl_cmd_subscribe(rl_ctx *c) {
    subscribe(c, RL_PUBSUB_CHANNEL, "subscribe");
}
void rl_cmd_psubscribe(rl_ctx *c) {
    subscribe(c, RL_PUBSUB_PATTERN, "psubscribe");
}
void rl_cmd_ssubscribe(rl_ctx *c) {
    subscribe(c, RL_PUBSUB_SHARD, "ssubscribe");
}
void rl_cmd_unsubscribe(rl_ctx *c) {
    unsubscribe(c, RL_PUBSUB_CHANNEL, "unsubscribe");
}
void rl_cmd_punsubscribe(rl_ctx *c) {
    unsubscribe(c, RL_PUBSUB_PATTERN, "punsubscribe");
}
void rl_cmd_sunsubscribe(rl_ctx *c) {
    unsubscribe(c, RL_PUBSUB_SHARD, "sunsubscribe");
}

/* ---- publishing ---- */

void rl_cmd_publish(rl_ctx *c) {
    rl_reply_int(c->reply,
                 (int64_t)rl_publish(c->server, RL_PUBSUB_CHANNEL, c->argv[1], c->argv[2]));
}

void rl_cmd_spublish(rl_ctx *c) {
    rl_reply_int(c->reply, (int64_t)rl_publish(c->server, RL_PUBSUB_SHARD, c->argv[1], c->argv[2]));
}

/* ---- PUBSUB ---- */

typedef struct listing {
    rl_reply *reply; /* NULL: only count */
    const rl_bytes *pattern;
    size_t count;
} listing;

static void list_one(void *arg, rl_bytes name) {
    listing *l = arg;
    if (l->pattern && !rl_text_glob(*l->pattern, name, false))
        return;
    l->count++;
    if (l->reply)
        rl_reply_bulk(l->reply, name);
}

static void channels(rl_ctx *c, rl_pubsub_kind kind) {
    if (c->argc > 3) {
        rl_ctx_subcommand_error(c);
        return;
    }
    listing l = {.pattern = c->argc == 3 ? &c->argv[2] : NULL};
    rl_pubsub_each(pubsub_of(c), kind, list_one, &l);
    rl_reply_array(c->reply, l.count);
    l.reply = c->reply;
    rl_pubsub_each(pubsub_of(c), kind, list_one, &l);
}

static void numsub(rl_ctx *c, rl_pubsub_kind kind) {
    rl_reply_array(c->reply, 2 * (size_t)(c->argc - 2));
    for (int i = 2; i < c->argc; i++) {
        rl_reply_bulk(c->reply, c->argv[i]);
        rl_reply_int(c->reply, (int64_t)rl_pubsub_subscribers(pubsub_of(c), kind, c->argv[i]));
    }
}

void rl_cmd_pubsub_channels(rl_ctx *c) {
    channels(c, RL_PUBSUB_CHANNEL);
}
void rl_cmd_pubsub_shardchannels(rl_ctx *c) {
    channels(c, RL_PUBSUB_SHARD);
}
void rl_cmd_pubsub_numsub(rl_ctx *c) {
    numsub(c, RL_PUBSUB_CHANNEL);
}
void rl_cmd_pubsub_shardnumsub(rl_ctx *c) {
    numsub(c, RL_PUBSUB_SHARD);
}
void rl_cmd_pubsub_numpat(rl_ctx *c) {
    rl_reply_int(c->reply, (int64_t)rl_pubsub_count(pubsub_of(c), RL_PUBSUB_PATTERN));
}

void rl_cmd_pubsub_help(rl_ctx *c) {
    static const char *const lines[] = {
        "CHANNELS [<pattern>]",
        "    Channels somebody listens to; with a pattern, those that match it.",
        "NUMPAT",
        "    How many different patterns somebody listens to.",
        "NUMSUB [<channel> ...]",
        "    How many listen to each of these channels (by patterns: not counted).",
        "SHARDCHANNELS [<pattern>]",
        "    Shard channels somebody listens to; with a pattern, those that match it.",
        "SHARDNUMSUB [<shardchannel> ...]",
        "    How many listen to each of these shard channels.",
        NULL};
    rl_ctx_help(c, lines);
}
