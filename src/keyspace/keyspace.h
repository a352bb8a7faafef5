/* SPDX-License-Identifier: MIT */
/*
 * The keyspace: every key of every database in memory, and the row changes that a change of it
 * makes. What a command does to keys it does through these functions, which keep five things
 * together: the table, the expiry heap, the open batch, watched keys, and what an answer must wait
 * for in `always`. Loop thread only.
 *
 * Time and sequence. rl_keyspace_begin tells the time and the numbers of the turn; a key whose time
 * is over is gone for every function here, and removed (which is a change) when it is met.
 *
 * What was seen. In `always` nobody may be told of a state that a power loss can still take back.
 * Between rl_keyspace_seen_reset and rl_keyspace_seen_seq the keyspace collects the highest
 * unsynced seq that was looked at: of entries by their change_seq, of misses by the seq of the last
 * delete with a hash like theirs, of both by when their database was last cleared or swapped, and
 * of whole databases by the last change of all.
 *
 * Entries: a pointer is valid until the next call that changes the keyspace. hash is always
 * rl_hash(key).
 */
#ifndef RL_KEYSPACE_KEYSPACE_H
#define RL_KEYSPACE_KEYSPACE_H

#include "base/random.h"
#include "keyspace/entry.h"
#include "keyspace/notify.h"
#include "keyspace/watch.h"
#include "store/batch.h"

typedef struct rl_keyspace rl_keyspace;

/* batch: where row changes go; NULL: nowhere (a pure cache). next_id: the first row id that was
 * never used. */
rl_keyspace *rl_keyspace_create(int databases, rl_batch_builder *batch);
void rl_keyspace_free(rl_keyspace *ks);
int rl_keyspace_databases(const rl_keyspace *ks);

/* Loading: expected sizes the table of database 0; rows come from the store and make no row
 * changes. A key is not to be looked for before load_end. */
void rl_keyspace_load_begin(rl_keyspace *ks, uint64_t next_id, size_t expected);
void rl_keyspace_load(rl_keyspace *ks, uint64_t id, int db, rl_type type, int64_t expires_at,
                      rl_bytes key, rl_bytes value);
/* The elements of the collection that came last; of a list in order of position. */
void rl_keyspace_load_field(rl_keyspace *ks, rl_bytes field, rl_bytes value, int64_t expires_at);
void rl_keyspace_load_member(rl_keyspace *ks, rl_bytes member);
void rl_keyspace_load_score(rl_keyspace *ks, rl_bytes member, double score);
void rl_keyspace_load_item(rl_keyspace *ks, int64_t position, rl_bytes value);
/* What comes next, a key or an element, has a name that another program has stored: SQLite takes it
 * for another one than ours. It gets our form; ours stays where it has come before or comes behind.
 */
void rl_keyspace_load_strange(rl_keyspace *ks);
/* What another program has left and cannot be (a collection without elements, a list with gaps, two
 * rows of the same key: the first one stays) is put right, which makes row changes, and what goes
 * by that is logged. */
void rl_keyspace_load_end(rl_keyspace *ks);

/* ---- the turn ---- */

/* open_seq: the number the open batch will get; synced_seq: all up to it is safe. track: `always`.
 */
void rl_keyspace_begin(rl_keyspace *ks, int64_t now_ms, uint64_t open_seq, uint64_t synced_seq,
                       bool track);
int64_t rl_keyspace_now(const rl_keyspace *ks);
void rl_keyspace_seen_reset(rl_keyspace *ks);
uint64_t rl_keyspace_seen_seq(const rl_keyspace *ks); /* 0: nothing unsynced was seen */
uint64_t rl_keyspace_changes(
    const rl_keyspace *ks); /* counts every change: rdb_changes_since… and "did it write?" */

/* ---- looking ---- */

typedef enum rl_look {
    RL_LOOK_READ,         /* counts a hit or miss and is an access */
    RL_LOOK_WRITE,        /* an access */
    RL_LOOK_PEEK,         /* neither: TTL, TYPE, OBJECT, EXISTS … */
    RL_LOOK_READ_NOTOUCH, /* counts, but is no access: CLIENT NO-TOUCH */
} rl_look;

rl_entry *rl_keyspace_find(rl_keyspace *ks, int db, rl_bytes key, uint64_t hash, rl_look look);
void rl_keyspace_prefetch_bucket(const rl_keyspace *ks, int db, uint64_t hash);
void rl_keyspace_prefetch_entry(const rl_keyspace *ks, int db, uint64_t hash);

size_t rl_keyspace_size(rl_keyspace *ks, int db); /* DBSIZE: counts as having seen all */
rl_entry *rl_keyspace_random(rl_keyspace *ks, int db);
/* As rl_table_scan, live keys only; each must not change the keyspace. */
uint64_t rl_keyspace_scan(rl_keyspace *ks, int db, uint64_t cursor, size_t count,
                          void (*each)(void *arg, rl_entry *e), void *arg);

/* ---- changing ---- */

/* Makes the key a string with this value and expiry (RL_NEVER: none), whatever it was; an expiry in
 * the past deletes it. */
void rl_keyspace_set(rl_keyspace *ks, int db, rl_bytes key, uint64_t hash, rl_bytes value,
                     int64_t expires_at);
/* The same for an entry that was just found, keeping its expiry. */
void rl_keyspace_set_entry(rl_keyspace *ks, int db, rl_entry *e, uint64_t hash, rl_bytes value);
/* Writes bytes into a string at an offset, lengthening it with zeros as needed (APPEND: offset =
 * its length). */
void rl_keyspace_patch(rl_keyspace *ks, int db, rl_entry *e, uint64_t hash, size_t offset,
                       rl_bytes bytes);
/* Says that the string is text even where it looks like an integer, for OBJECT ENCODING. */
void rl_keyspace_mark_text(rl_keyspace *ks, int db, rl_bytes key, uint64_t hash);
bool rl_keyspace_delete(rl_keyspace *ks, int db, rl_bytes key, uint64_t hash);
/* RL_NEVER: PERSIST. A time that is over deletes the key. */
void rl_keyspace_expire(rl_keyspace *ks, int db, rl_entry *e, uint64_t hash, int64_t expires_at);
/* Moves a key to another name and/or database, over what is there. The source must be there. */
void rl_keyspace_rename(rl_keyspace *ks, int db, rl_bytes from, uint64_t from_hash, int to_db,
                        rl_bytes to, uint64_t to_hash);
void rl_keyspace_copy(rl_keyspace *ks, rl_entry *e, int to_db, rl_bytes to, uint64_t to_hash);
void rl_keyspace_clear(rl_keyspace *ks, int db); /* -1: every database */
void rl_keyspace_swap(rl_keyspace *ks, int db, int other_db);

/* ---- expiry on time, lazy freeing ---- */

/* Removes keys whose time is over, at most `limit`; returns how many. */
size_t rl_keyspace_expire_due(rl_keyspace *ks, size_t limit);
bool rl_keyspace_next_expiry(const rl_keyspace *ks, int64_t *at_ms); /* false: no key expires */
void rl_keyspace_set_active_expire(rl_keyspace *ks, bool on);        /* DEBUG SET-ACTIVE-EXPIRE */
bool rl_keyspace_free_step(rl_keyspace *ks); /* true: more is left to free */

/* ---- watching ---- */

void rl_keyspace_watch(rl_keyspace *ks, rl_watcher *watcher, int db, rl_bytes key, uint64_t hash);
void rl_keyspace_unwatch(rl_keyspace *ks, rl_watcher *watcher);
bool rl_keyspace_watch_broken(rl_keyspace *ks,
                              const rl_watcher *watcher); /* EXEC must answer null */

/* ---- observing ---- */

void rl_keyspace_observe(rl_keyspace *ks, const rl_keyspace_observer *observer); /* copied */
/* Tells the observer, if it wants events of this class. Commands call it for what they did;
 * expired, new and missed keys the keyspace tells by itself. */
void rl_keyspace_notify(rl_keyspace *ks, unsigned class, const char *event, int db, rl_bytes key);

/* ---- numbers ---- */

typedef struct rl_keyspace_stats {
    uint64_t hits, misses, expired, keys_watched;
    uint64_t expired_fields;
    uint64_t lazy_tables; /* tables and collections that are still being freed */
} rl_keyspace_stats;
void rl_keyspace_stats_read(const rl_keyspace *ks, rl_keyspace_stats *out);
void rl_keyspace_stats_reset(rl_keyspace *ks);

typedef struct rl_db_stats {
    size_t keys, expires, table_memory, expiry_memory, segments;
    size_t overdue; /* about how many of `expires` are over and still in memory */
    int64_t avg_ttl_ms;
} rl_db_stats;
void rl_keyspace_db_stats(const rl_keyspace *ks, int db,
                          rl_db_stats *out); /* INFO: does not count as seen */
rl_random *rl_keyspace_randomness(rl_keyspace *ks);

#endif
