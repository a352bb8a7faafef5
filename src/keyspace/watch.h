/* SPDX-License-Identifier: MIT */
/*
 * WATCH: who wants to know that a key was touched. A watcher belongs to a session and becomes dirty
 * when one of its keys changes; it stays so until it is cleared. Costs nothing while nobody
 * watches. Loop thread.
 */
#ifndef RL_KEYSPACE_WATCH_H
#define RL_KEYSPACE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

typedef struct rl_watch rl_watch;     /* all watched keys of a keyspace */
typedef struct rl_watched rl_watched; /* one key of one watcher */

typedef struct rl_watcher { /* zeroed: watches nothing */
    rl_watched *keys;
    size_t count;
    bool dirty;
} rl_watcher;

rl_watch *rl_watch_create(void);
void rl_watch_free(rl_watch *w);
bool rl_watch_any(const rl_watch *w);    /* one load */
size_t rl_watch_keys(const rl_watch *w); /* (watcher, key) pairs */

/* `expired`: the key was there but past its time, so its removal is not a change. */
void rl_watch_add(rl_watch *w, rl_watcher *watcher, int db, rl_bytes key, uint64_t hash,
                  bool expired);
void rl_watch_clear(rl_watch *w,
                    rl_watcher *watcher); /* UNWATCH, EXEC, DISCARD, the end of the session */

/* A key changed. removed_expired: it was taken away because its time was over. */
void rl_watch_touch(rl_watch *w, int db, rl_bytes key, uint64_t hash, bool removed_expired);
/* Every watched key of a database (-1: of all) for which changed says so. */
void rl_watch_touch_where(rl_watch *w, int db,
                          bool (*changed)(void *arg, int db, rl_bytes key, uint64_t hash),
                          void *arg);
/* True when a key of this watcher is there but past its time now, and was not when it was watched.
 */
bool rl_watch_any_expired(const rl_watcher *watcher,
                          bool (*expired)(void *arg, int db, rl_bytes key, uint64_t hash),
                          void *arg);

#endif
