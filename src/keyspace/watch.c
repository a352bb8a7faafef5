/* SPDX-License-Identifier: MIT */
/* Watched keys: a small chained hash table of (database, key, watcher). See watch.h. */
#include "keyspace/watch.h"

#include "base/alloc.h"

struct rl_watched {
    rl_watched *next;         /* in the bucket */
    rl_watched *next_of_mine; /* of the same watcher */
    rl_watcher *watcher;
    uint64_t hash;
    int db;
    bool expired;
    uint32_t len;
    char key[];
};

struct rl_watch {
    rl_watched **buckets; /* a power of two of them, NULL while nothing is watched */
    size_t mask;
    size_t count;
};

#define FIRST_BUCKETS 64

rl_watch *rl_watch_create(void) {
    return rl_calloc(1, sizeof(rl_watch));
}

void rl_watch_free(rl_watch *w) {
    if (w)
        rl_free(w->buckets);
    rl_free(w);
}

bool rl_watch_any(const rl_watch *w) {
    return w->count != 0;
}

size_t rl_watch_keys(const rl_watch *w) {
    return w->count;
}

static void rehash(rl_watch *w, size_t buckets) {
    rl_watched **old = w->buckets;
    size_t old_count = old ? w->mask + 1 : 0;
    w->buckets = rl_calloc(buckets, sizeof *w->buckets);
    w->mask = buckets - 1;
    for (size_t i = 0; i < old_count; i++) {
        for (rl_watched *k = old[i], *next; k != NULL; k = next) {
            next = k->next;
            k->next = w->buckets[k->hash & w->mask];
            w->buckets[k->hash & w->mask] = k;
        }
    }
    rl_free(old);
}

static bool is_key(const rl_watched *k, int db, rl_bytes key, uint64_t hash) {
    return k->hash == hash && k->db == db && rl_bytes_equal(rl_bytes_of(k->key, k->len), key);
}

void rl_watch_add(rl_watch *w, rl_watcher *watcher, int db, rl_bytes key, uint64_t hash,
                  bool expired) {
    for (rl_watched *k = watcher->keys; k != NULL; k = k->next_of_mine)
        if (is_key(k, db, key, hash))
            return;
    if (w->buckets == NULL || w->count > w->mask)
        rehash(w, w->buckets ? (w->mask + 1) * 2 : FIRST_BUCKETS);
    rl_watched *k = rl_malloc(sizeof *k + key.len);
    rl_watched **bucket = &w->buckets[hash & w->mask];
    *k = (rl_watched){*bucket, watcher->keys, watcher, hash, db, expired, (uint32_t)key.len};
    memcpy(k->key, key.ptr, key.len);
    *bucket = watcher->keys = k;
    watcher->count++;
    w->count++;
}

void rl_watch_clear(rl_watch *w, rl_watcher *watcher) {
    for (rl_watched *k = watcher->keys, *next; k != NULL; k = next) {
        next = k->next_of_mine;
        rl_watched **link = &w->buckets[k->hash & w->mask];
        while (*link != k)
            link = &(*link)->next;
        *link = k->next;
        rl_free(k);
        w->count--;
    }
    *watcher = (rl_watcher){0};
    if (w->count == 0 && w->buckets) {
        rl_free(w->buckets);
        w->buckets = NULL;
        w->mask = 0;
    }
}

void rl_watch_touch(rl_watch *w, int db, rl_bytes key, uint64_t hash, bool removed_expired) {
    if (w->count == 0)
        return;
    for (rl_watched *k = w->buckets[hash & w->mask]; k != NULL; k = k->next) {
        if (!is_key(k, db, key, hash))
            continue;
        if (removed_expired && k->expired)
            k->expired = false; /* it was as good as gone when it was watched */
        else
            k->watcher->dirty = true;
    }
}

void rl_watch_touch_where(rl_watch *w, int db, bool (*changed)(void *, int, rl_bytes, uint64_t),
                          void *arg) {
    if (w->count == 0)
        return;
    for (size_t i = 0; i <= w->mask; i++)
        for (rl_watched *k = w->buckets[i]; k != NULL; k = k->next)
            if ((db < 0 || k->db == db) &&
                changed(arg, k->db, rl_bytes_of(k->key, k->len), k->hash)) {
                k->watcher->dirty = true;
            }
}

bool rl_watch_any_expired(const rl_watcher *watcher,
                          bool (*expired)(void *, int, rl_bytes, uint64_t), void *arg) {
    for (const rl_watched *k = watcher->keys; k != NULL; k = k->next_of_mine)
        if (!k->expired && expired(arg, k->db, rl_bytes_of(k->key, k->len), k->hash))
            return true;
    return false;
}
