/* SPDX-License-Identifier: MIT */
/*
 * The key table of one database: extendible hashing (Fagin, Nievergelt, Pippenger, Strong,
 * "Extendible hashing: a fast access method for dynamic files", ACM TODS 4(3), 1979) over buckets
 * of one cache line.
 *
 *   - A directory, indexed by the top bits of the hash, points to segments of 4 KiB: one header
 * line and 63 buckets of 64 bytes (seven tag bytes, seven entry pointers). A bucket that overflows
 * grows a child bucket.
 *   - Growth: a segment that is full splits in two, by its next hash bit; the rest of the table
 * stays. So the longest step moves some 350 entries, and the table never holds two copies of
 * itself.
 *   - Buckets are ranges of the hash, in order, whatever the depth. A SCAN cursor is a position in
 * hash order (its top 48 bits, so it fits a double exactly), which no split or merge can
 * invalidate: a key that is there from the beginning to the end of an iteration is returned.
 *
 * Loop thread. The table owns its entries.
 */
#ifndef RL_KEYSPACE_TABLE_H
#define RL_KEYSPACE_TABLE_H

#include "base/random.h"
#include "keyspace/entry.h"
#include "keyspace/graveyard.h"

typedef struct rl_table rl_table;
typedef rl_entry *
    *rl_slot; /* where the table keeps the pointer to an entry; dead after an insert or remove */

rl_table *rl_table_create(size_t expected_keys); /* 0: grows from one segment */
void rl_table_free(rl_table *t);                 /* with all entries; takes its time */
/* Frees some segments with their entries; true when all are gone and t is freed. For FLUSHALL
 * without a pause. Large collections go to the graveyard; without one (NULL) they are freed at
 * once. */
bool rl_table_free_step(rl_table *t, rl_graveyard *graveyard);

size_t rl_table_count(const rl_table *t);
size_t rl_table_memory(const rl_table *t); /* without the entries */
size_t rl_table_segments(const rl_table *t);

/* The two steps of getting a key's cache lines under way before it is looked up. */
void rl_table_prefetch_bucket(const rl_table *t, uint64_t hash);
void rl_table_prefetch_insert(const rl_table *t, uint64_t hash); /* what an insert will write */
void rl_table_prefetch_entry(const rl_table *t, uint64_t hash);

rl_slot rl_table_find(const rl_table *t, rl_bytes key, uint64_t hash); /* NULL: not there */
/* The entry of a row, given the hash of its key; NULL: not there. */
rl_entry *rl_table_find_row(const rl_table *t, uint64_t hash, uint64_t id);
/* The key must not be there. */
void rl_table_insert(rl_table *t, uint64_t hash, rl_entry *e);
/* Takes the entry out without freeing it. */
void rl_table_remove(rl_table *t, rl_slot slot, uint64_t hash);

/* Calls each for the entries of one bucket after another from the cursor on, until at least `count`
 * were seen; returns the next cursor, 0 at the end. each must not change the table. */
uint64_t rl_table_scan(const rl_table *t, uint64_t cursor, size_t count,
                       void (*each)(void *arg, rl_entry *e), void *arg);
/* Any entry, by chance; NULL when there is none. */
rl_entry *rl_table_random(const rl_table *t, rl_random *random);
/* Debug: asserts every invariant; returns the number of entries found. */
size_t rl_table_check(const rl_table *t);

#endif
