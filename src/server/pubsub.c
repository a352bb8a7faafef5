/* SPDX-License-Identifier: MIT */
/*
 * Publish and subscribe. See pubsub.h.
 *
 * A topic is a name somebody listens to; a subscription joins a topic and a subscriber and is in
 * the list of each. Topics are found by kind and name, subscriptions by topic and subscriber, in
 * two tables of chains that double when they are full: at a million subscriptions that takes some
 * tens of milliseconds, once.
 */
#include "server/pubsub.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/text.h"

typedef struct node {
    struct node *next;
    uint64_t hash;
} node;

typedef struct map {
    node **slots;
    size_t slot_count; /* 0 or a power of two */
    size_t count;
} map;

typedef struct topic {
    node node;
    struct topic *next, *prev; /* of its kind, oldest first */
    rl_subscription *first, *last;
    size_t subscribers;
    rl_pubsub_kind kind;
    size_t len;
    char name[];
} topic;

struct rl_subscription {
    node node;
    topic *topic;
    rl_subscriber *subscriber;
    rl_subscription *next, *prev;         /* of the topic, oldest first */
    rl_subscription *next_own, *prev_own; /* of the subscriber and kind */
};

struct rl_pubsub {
    map topics, subscriptions;
    struct {
        topic *first, *last;
        size_t count;
    } kinds[RL_PUBSUB_KINDS];
};

/* ---- tables ---- */

static void map_grow(map *m) {
    size_t count = m->slot_count ? m->slot_count * 2 : 16;
    node **slots = rl_calloc(count, sizeof(node *));
    for (size_t i = 0; i < m->slot_count; i++)
        for (node *n = m->slots[i], *next; n != NULL; n = next) {
            next = n->next;
            n->next = slots[n->hash & (count - 1)];
            slots[n->hash & (count - 1)] = n;
        }
    rl_free(m->slots);
    m->slots = slots;
    m->slot_count = count;
}

static void map_add(map *m, node *n) {
    if (m->count >= m->slot_count)
        map_grow(m);
    node **slot = &m->slots[n->hash & (m->slot_count - 1)];
    n->next = *slot;
    *slot = n;
    m->count++;
}

static void map_remove(map *m, node *n) {
    node **at = &m->slots[n->hash & (m->slot_count - 1)];
    while (*at != n)
        at = &(*at)->next;
    *at = n->next;
    m->count--;
}

static node *map_first(const map *m, uint64_t hash) {
    return m->slot_count ? m->slots[hash & (m->slot_count - 1)] : NULL;
}

/* ---- finding ---- */

static topic *find_topic(const rl_pubsub *p, rl_pubsub_kind kind, rl_bytes name, uint64_t hash) {
    for (node *n = map_first(&p->topics, hash); n != NULL; n = n->next) {
        topic *t = (topic *)n;
        if (n->hash == hash && t->kind == kind &&
            rl_bytes_equal(rl_bytes_of(t->name, t->len), name))
            return t;
    }
    return NULL;
}

static uint64_t pair_hash(const topic *t, const rl_subscriber *s) {
    const void *pair[2] = {t, s};
    return rl_hash(rl_bytes_of((const char *)pair, sizeof pair));
}

static rl_subscription *find_subscription(const rl_pubsub *p, const topic *t,
                                          const rl_subscriber *s) {
    uint64_t hash = pair_hash(t, s);
    for (node *n = map_first(&p->subscriptions, hash); n != NULL; n = n->next) {
        rl_subscription *x = (rl_subscription *)n;
        if (x->topic == t && x->subscriber == s)
            return x;
    }
    return NULL;
}

/* ---- topics ---- */

static topic *add_topic(rl_pubsub *p, rl_pubsub_kind kind, rl_bytes name, uint64_t hash) {
    topic *t = rl_calloc(1, sizeof *t + name.len);
    t->node.hash = hash;
    t->kind = kind;
    t->len = name.len;
    if (name.len)
        memcpy(t->name, name.ptr, name.len);
    map_add(&p->topics, &t->node);
    t->prev = p->kinds[kind].last;
    *(t->prev ? &t->prev->next : &p->kinds[kind].first) = t;
    p->kinds[kind].last = t;
    p->kinds[kind].count++;
    return t;
}

static void remove_topic(rl_pubsub *p, topic *t) {
    map_remove(&p->topics, &t->node);
    *(t->prev ? &t->prev->next : &p->kinds[t->kind].first) = t->next;
    *(t->next ? &t->next->prev : &p->kinds[t->kind].last) = t->prev;
    p->kinds[t->kind].count--;
    rl_free(t);
}

/* ---- subscriptions ---- */

bool rl_pubsub_subscribe(rl_pubsub *p, rl_subscriber *s, rl_pubsub_kind kind, rl_bytes name) {
    uint64_t hash = rl_hash(name);
    topic *t = find_topic(p, kind, name, hash);
    if (t && find_subscription(p, t, s))
        return false;
    if (t == NULL)
        t = add_topic(p, kind, name, hash);
    rl_subscription *x = rl_calloc(1, sizeof *x);
    x->node.hash = pair_hash(t, s);
    x->topic = t;
    x->subscriber = s;
    map_add(&p->subscriptions, &x->node);
    x->prev = t->last;
    *(t->last ? &t->last->next : &t->first) = x;
    t->last = x;
    t->subscribers++;
    x->next_own = s->first[kind];
    if (x->next_own)
        x->next_own->prev_own = x;
    s->first[kind] = x;
    s->count[kind]++;
    return true;
}

static void end(rl_pubsub *p, rl_subscription *x) {
    topic *t = x->topic;
    rl_subscriber *s = x->subscriber;
    map_remove(&p->subscriptions, &x->node);
    *(x->prev ? &x->prev->next : &t->first) = x->next;
    *(x->next ? &x->next->prev : &t->last) = x->prev;
    *(x->prev_own ? &x->prev_own->next_own : &s->first[t->kind]) = x->next_own;
    if (x->next_own)
        x->next_own->prev_own = x->prev_own;
    s->count[t->kind]--;
    if (--t->subscribers == 0)
        remove_topic(p, t);
    rl_free(x);
}

bool rl_pubsub_unsubscribe(rl_pubsub *p, rl_subscriber *s, rl_pubsub_kind kind, rl_bytes name) {
    topic *t = find_topic(p, kind, name, rl_hash(name));
    rl_subscription *x = t ? find_subscription(p, t, s) : NULL;
    if (x)
        end(p, x);
    return x != NULL;
}

bool rl_pubsub_any(const rl_subscriber *s, rl_pubsub_kind kind, rl_bytes *name) {
    const rl_subscription *x = s->first[kind];
    if (x)
        *name = rl_bytes_of(x->topic->name, x->topic->len);
    return x != NULL;
}

void rl_pubsub_leave(rl_pubsub *p, rl_subscriber *s) {
    for (int kind = 0; kind < RL_PUBSUB_KINDS; kind++)
        while (s->first[kind])
            end(p, s->first[kind]);
}

/* ---- publishing ---- */

static size_t deliver_all(const topic *t, const rl_bytes *pattern, rl_pubsub_deliver deliver,
                          void *arg) {
    for (rl_subscription *x = t->first; x != NULL; x = x->next)
        deliver(arg, x->subscriber, pattern);
    return t->subscribers;
}

size_t rl_pubsub_publish(rl_pubsub *p, rl_pubsub_kind kind, rl_bytes channel,
                         rl_pubsub_deliver deliver, void *arg) {
    size_t receivers = 0;
    const topic *t = p->kinds[kind].count ? find_topic(p, kind, channel, rl_hash(channel)) : NULL;
    if (t)
        receivers += deliver_all(t, NULL, deliver, arg);
    if (kind != RL_PUBSUB_CHANNEL)
        return receivers;
    for (t = p->kinds[RL_PUBSUB_PATTERN].first; t != NULL; t = t->next) {
        rl_bytes pattern = rl_bytes_of(t->name, t->len);
        if (rl_text_glob(pattern, channel, false))
            receivers += deliver_all(t, &pattern, deliver, arg);
    }
    return receivers;
}

void rl_pubsub_end(rl_pubsub *p, rl_pubsub_kind kind, rl_bytes name, rl_pubsub_deliver deliver,
                   void *arg) {
    topic *t = find_topic(p, kind, name, rl_hash(name));
    if (t == NULL)
        return;
    deliver_all(t, NULL, deliver, arg);
    for (size_t left = t->subscribers; left > 0; left--) /* the last takes the topic along */
        end(p, t->first);
}

bool rl_pubsub_oldest(const rl_pubsub *p, rl_pubsub_kind kind, rl_bytes *name) {
    const topic *t = p->kinds[kind].first;
    if (t)
        *name = rl_bytes_of(t->name, t->len);
    return t != NULL;
}

/* ---- looking ---- */

size_t rl_pubsub_count(const rl_pubsub *p, rl_pubsub_kind kind) {
    return p->kinds[kind].count;
}

size_t rl_pubsub_subscribers(const rl_pubsub *p, rl_pubsub_kind kind, rl_bytes name) {
    const topic *t = find_topic(p, kind, name, rl_hash(name));
    return t ? t->subscribers : 0;
}

void rl_pubsub_each(const rl_pubsub *p, rl_pubsub_kind kind, void (*each)(void *arg, rl_bytes name),
                    void *arg) {
    for (const topic *t = p->kinds[kind].first; t != NULL; t = t->next)
        each(arg, rl_bytes_of(t->name, t->len));
}

size_t rl_subscriber_memory(const rl_subscriber *s) {
    return rl_subscriber_count(s) * rl_alloc_good_size(sizeof(rl_subscription));
}

rl_pubsub *rl_pubsub_create(void) {
    return rl_calloc(1, sizeof(rl_pubsub));
}

void rl_pubsub_free(rl_pubsub *p) {
    if (p == NULL)
        return;
    rl_free(p->topics.slots);
    rl_free(p->subscriptions.slots);
    rl_free(p);
}
