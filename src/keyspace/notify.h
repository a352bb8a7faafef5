/* SPDX-License-Identifier: MIT */
/*
 * Who wants to know what happens to keys: keyspace notifications (events with names, by class) and
 * client-side caching (that a key is no longer what it was). One observer, the server. While nobody
 * wants to know, it costs one test for each change. Loop thread.
 */
#ifndef RL_KEYSPACE_NOTIFY_H
#define RL_KEYSPACE_NOTIFY_H

#include <stdint.h>

#include "base/bytes.h"
#include "store/batch.h"

/* Classes of events, with the letters of notify-keyspace-events. */
enum {
    RL_NOTIFY_KEYSPACE = 1 << 0, /* K: as __keyspace@0__:key */
    RL_NOTIFY_KEYEVENT = 1 << 1, /* E: as __keyevent@0__:event */
    RL_NOTIFY_GENERIC = 1 << 2,  /* g */
    RL_NOTIFY_STRING = 1 << 3,   /* $ */
    RL_NOTIFY_LIST = 1 << 4,     /* l */
    RL_NOTIFY_SET = 1 << 5,      /* s */
    RL_NOTIFY_HASH = 1 << 6,     /* h */
    RL_NOTIFY_ZSET = 1 << 7,     /* z */
    RL_NOTIFY_EXPIRED = 1 << 8,  /* x */
    RL_NOTIFY_EVICTED = 1 << 9,  /* e */
    RL_NOTIFY_STREAM = 1 << 10,  /* t */
    RL_NOTIFY_MISS = 1 << 11,    /* m */
    RL_NOTIFY_MODULE = 1 << 12,  /* d */
    RL_NOTIFY_NEW = 1 << 13,     /* n */
    /* A: all but misses and new keys */
    RL_NOTIFY_ALL = RL_NOTIFY_GENERIC | RL_NOTIFY_STRING | RL_NOTIFY_LIST | RL_NOTIFY_SET |
                    RL_NOTIFY_HASH | RL_NOTIFY_ZSET | RL_NOTIFY_EXPIRED | RL_NOTIFY_EVICTED |
                    RL_NOTIFY_STREAM | RL_NOTIFY_MODULE,
};

/* Neither may change the keyspace. Bytes are valid during the call. */
typedef struct rl_keyspace_observer {
    void (*event)(void *arg, unsigned class, const char *event, int db, rl_bytes key);
    /* The key was changed, made or removed; by a command, or because its time was over. key.ptr
     * NULL: every key of db (-1: of all). */
    void (*changed)(void *arg, int db, rl_bytes key, bool by_command);
    /* A collection is there that was not: made, renamed, moved or copied. key.ptr NULL: two
     * databases have changed places. */
    void (*ready)(void *arg, int db, rl_bytes key, rl_type type);
    void *arg;
    unsigned classes; /* of events that are wanted */
    bool changes;     /* `changed` is wanted */
    bool readiness;   /* `ready` is wanted */
} rl_keyspace_observer;

#endif
