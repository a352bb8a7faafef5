/* SPDX-License-Identifier: MIT */
/*
 * Publish and subscribe: who listens to which channel. Knows names and subscribers, no sockets:
 * what a message looks like and how it is sent is the caller's business.
 *
 * (Client-side caching has a table of its own of these, with keys for channels: tracking.c.)
 *
 * Three kinds side by side that never meet: channels by name, patterns that channels are matched
 * with, and shard channels (SSUBSCRIBE), which without a cluster are channels of their own.
 *
 * Subscribing and unsubscribing cost one hash lookup; publishing costs the subscribers of the
 * channel and one match for each different pattern. Loop thread.
 */
#ifndef RL_SERVER_PUBSUB_H
#define RL_SERVER_PUBSUB_H

#include <stdint.h>

#include "base/bytes.h"

typedef enum rl_pubsub_kind {
    RL_PUBSUB_CHANNEL,
    RL_PUBSUB_PATTERN,
    RL_PUBSUB_SHARD,
    RL_PUBSUB_KINDS,
} rl_pubsub_kind;

typedef struct rl_pubsub rl_pubsub;
typedef struct rl_subscription rl_subscription;

/* One listener, part of a session. Zeroed: listens to nothing. */
typedef struct rl_subscriber {
    rl_subscription *first[RL_PUBSUB_KINDS];
    uint32_t count[RL_PUBSUB_KINDS];
} rl_subscriber;

static inline uint32_t rl_subscriber_count(const rl_subscriber *s) {
    return s->count[RL_PUBSUB_CHANNEL] + s->count[RL_PUBSUB_PATTERN] + s->count[RL_PUBSUB_SHARD];
}

rl_pubsub *rl_pubsub_create(void);
void rl_pubsub_free(rl_pubsub *p); /* every subscriber has left before; NULL is fine */

/* False when it already did. The name is copied. */
bool rl_pubsub_subscribe(rl_pubsub *p, rl_subscriber *s, rl_pubsub_kind kind, rl_bytes name);
/* False when it did not. */
bool rl_pubsub_unsubscribe(rl_pubsub *p, rl_subscriber *s, rl_pubsub_kind kind, rl_bytes name);
/* A name it listens to, while there is one; valid until it is unsubscribed. */
bool rl_pubsub_any(const rl_subscriber *s, rl_pubsub_kind kind, rl_bytes *name);
/* The end of a session, RESET. */
void rl_pubsub_leave(rl_pubsub *p, rl_subscriber *s);

/* Calls deliver for each subscriber of the channel, then for each whose pattern matches it (a
 * pattern as often as it has subscribers; pattern is NULL for the former). kind: CHANNEL or SHARD;
 * patterns hear of channels only. deliver must not subscribe or unsubscribe anybody. Returns how
 * many times it was called. */
typedef void (*rl_pubsub_deliver)(void *arg, rl_subscriber *s, const rl_bytes *pattern);
size_t rl_pubsub_publish(rl_pubsub *p, rl_pubsub_kind kind, rl_bytes channel,
                         rl_pubsub_deliver deliver, void *arg);

/* The same for one name and who listens to it, all of whom then listen to it no more. */
void rl_pubsub_end(rl_pubsub *p, rl_pubsub_kind kind, rl_bytes name, rl_pubsub_deliver deliver,
                   void *arg);
/* The name that has been listened to for the longest time; false when there is none. */
bool rl_pubsub_oldest(const rl_pubsub *p, rl_pubsub_kind kind, rl_bytes *name);

size_t rl_pubsub_count(const rl_pubsub *p, rl_pubsub_kind kind); /* different names */
size_t rl_pubsub_subscribers(const rl_pubsub *p, rl_pubsub_kind kind, rl_bytes name);
void rl_pubsub_each(const rl_pubsub *p, rl_pubsub_kind kind, void (*each)(void *arg, rl_bytes name),
                    void *arg);
size_t rl_subscriber_memory(const rl_subscriber *s);

#endif
