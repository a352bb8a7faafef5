/* SPDX-License-Identifier: MIT */
/* The keyspace's own: its struct, and the steps that every change is made of. For src/keyspace. */
#ifndef RL_KEYSPACE_PRIVATE_H
#define RL_KEYSPACE_PRIVATE_H

#include "keyspace/collection.h"
#include "keyspace/expiry.h"
#include "keyspace/field_times.h"
#include "keyspace/graveyard.h"
#include "keyspace/table.h"

/* A miss waits for the last delete among the keys whose hash falls on the same of these places. */
#define DELETED_PLACES 1024

typedef struct keyspace_db {
    rl_table *table;
    uint64_t structure_seq; /* when it was cleared or swapped last */
    rl_expiry *expiry;
    rl_field_times fields; /* hashes whose fields expire */
    uint64_t unused;       /* 64 bytes: a cache line each, and to find it takes a shift */
} keyspace_db;

/* A loaded key that waits for its cache lines before it goes into the table. */
typedef struct keyspace_loaded {
    rl_entry *entry;
    uint64_t hash;
    int number;
    bool strange; /* another program has stored its name */
} keyspace_loaded;

#define LOAD_AHEAD 16 /* a power of two */

/* Members of a sorted set that are being loaded. */
#define LOAD_RUN 32768

typedef struct keyspace_scored {
    double score;
    size_t at, len; /* of the member in names */
} keyspace_scored;

typedef struct keyspace_run {
    rl_buffer names;
    size_t count;
    keyspace_scored items[LOAD_RUN];
} keyspace_run;

/* A table whose entries are still to be freed. */
typedef struct keyspace_dying {
    struct keyspace_dying *next;
    rl_table *table;
} keyspace_dying;

struct rl_keyspace {
    keyspace_db *dbs;
    int databases;
    rl_batch_builder *batch;
    rl_watch *watch;
    rl_keyspace_observer observer;
    uint64_t next_id;
    rl_collection_limits limits;
    /* the turn */
    int64_t now_ms;
    uint64_t open_seq, synced_seq;
    bool track;
    /* what was changed and seen */
    uint64_t changes, last_change_seq, seen_seq;
    uint64_t deleted_at[DELETED_PLACES];
    rl_slot slot; /* of the entry found last, while no insert or remove came between */
    keyspace_dying *dying;
    rl_graveyard *graveyard;
    keyspace_loaded ahead[LOAD_AHEAD];
    unsigned loading;           /* keys that came; the last LOAD_AHEAD of them are still ahead */
    keyspace_loaded collection; /* the one whose elements are coming */
    int64_t next_position;      /* of its next item */
    bool anew;    /* its rows are not as ours would be (gaps, strange names) and are written anew */
    bool strange; /* what comes next is */
    uint64_t twins, strangers; /* rows that had the name of another; names that were put right */
    keyspace_run *run;         /* its members still to be put in; NULL: there was no sorted set */
    bool active_expire;
    rl_random random;
    rl_keyspace_stats stats;
};

static inline void keyspace_stamp(const rl_keyspace *ks, rl_entry *e) {
    e->change_seq = (uint32_t)ks->open_seq;
    e->access = (uint32_t)(ks->now_ms / 1000);
}

static inline void keyspace_tell_ready(rl_keyspace *ks, int number, rl_bytes key, rl_type type) {
    if (ks->observer.readiness && type != RL_TYPE_STRING)
        ks->observer.ready(ks->observer.arg, number, key, type);
}

/* Counts a change of the key and tells who watches it; by a command, or because of the clock. */
void keyspace_changed(rl_keyspace *ks, int number, rl_bytes key, uint64_t hash, bool by_command);
/* Takes the entry out of table and heap and frees it; the row goes too. */
void keyspace_drop(rl_keyspace *ks, int number, rl_slot slot, uint64_t hash);
/* The slot of an entry that was found just before. */
rl_slot keyspace_slot_of(rl_keyspace *ks, int number, const rl_entry *e, uint64_t hash);
/* A key with this empty or whole collection, and its row; the elements are the caller's. is_new: it
 * is told to be one. */
rl_entry *keyspace_insert_collection(rl_keyspace *ks, int number, rl_bytes key, uint64_t hash,
                                     rl_type type, void *structure, int64_t expires_at,
                                     bool is_new);
/* The hash has a field that expires then; call it when that is its soonest. */
void keyspace_fields_expire(rl_keyspace *ks, int number, rl_entry *e, uint64_t hash, int64_t at_ms);
/* Takes out fields whose time is over, at most `limit`, and the key when none is left: NULL then.
 */
rl_entry *keyspace_expire_fields(rl_keyspace *ks, int number, rl_entry *e, uint64_t hash,
                                 size_t limit, size_t *removed);
/* The same for whichever hashes of a database are due; returns how many fields went. */
size_t keyspace_expire_due_fields(rl_keyspace *ks, int number, size_t limit);

#endif
