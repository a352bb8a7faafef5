/* SPDX-License-Identifier: MIT */
/*
 * The sweeper: takes the elements of deleted collections out of their tables. Deleting a collection
 * writes one row, to rl_dead; the rest is done here, in slices, each a short transaction between
 * two folds. A collection's id is never given again, so nothing depends on when that happens. It
 * survives a stop: what is still in rl_dead is swept after the next start.
 *
 * One thread: the one of the connection.
 */
#ifndef RL_STORE_SWEEP_H
#define RL_STORE_SWEEP_H

#include <sqlite3.h>
#include <stdint.h>

#include "store/schema.h"

#define RL_SWEEP_SLICE_MS 10

typedef struct rl_sweep rl_sweep;

/* Prepares the statements. The connection and *meta stay the caller's and must outlive it;
 * meta->dead goes down as collections are done. An SQLite result; on failure *out is untouched. */
int rl_sweep_create(sqlite3 *db, rl_schema_meta *meta, rl_sweep **out);
void rl_sweep_free(rl_sweep *s); /* before the connection is closed; NULL is fine */

/* One slice: some 2,000 rows, or what can be done in RL_SWEEP_SLICE_MS, but one step at least.
 * Outside a transaction. SQLITE_OK: committed, as the connection's `synchronous` says; *rows is how
 * many went. There is more to do while meta->dead is above 0. Otherwise rolled back, nothing
 * happened. Does not wait for another program's lock: SQLITE_BUSY. */
int rl_sweep_slice(rl_sweep *s, uint64_t *rows);

#endif
