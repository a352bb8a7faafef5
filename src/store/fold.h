/* SPDX-License-Identifier: MIT */
/*
 * The fold: applies a prefix of sealed batches to the tables, in one transaction together with
 * folded_seq. Only the newest state of each row is written. All of one thread: the one that owns
 * the writing connection.
 */
#ifndef RL_STORE_FOLD_H
#define RL_STORE_FOLD_H

#include <sqlite3.h>
#include <stdbool.h>

#include "store/batch.h"
#include "store/schema.h"

typedef struct rl_fold rl_fold;

typedef struct rl_fold_result {
    const rl_batch *last; /* the last batch that went in; NULL when there was none */
    uint64_t seq;         /* its number */
    uint64_t batches;
    uint64_t bytes;   /* footprints of those batches */
    uint64_t changes; /* came in */
    uint64_t rows;    /* went out: statements that wrote a row */
} rl_fold_result;

/* Prepares the statements. The connection and *meta stay the caller's and must outlive the fold;
 * *meta is moved on by each fold that is committed. An SQLite result; on failure *out is untouched.
 */
int rl_fold_create(sqlite3 *db, rl_schema_meta *meta, rl_fold **out);
void rl_fold_free(rl_fold *f); /* before the connection is closed; NULL is fine */

/* Has on_rows called every thousand rows or so of a fold, with how many bytes of its batches
 * (footprints) are worked off so far; for folds that take seconds. A part is held back for the
 * commit. */
void rl_fold_report(rl_fold *f, void (*on_rows)(void *arg, uint64_t bytes), void *arg);

/* Folds `first` and the batches linked behind it, until there is no next one, the next one is a
 * unit (it has a job), or max_bytes are reached (one batch at least; first is no unit). SQLITE_OK
 * with the result filled: committed and synced. Otherwise an extended result code: rolled back,
 * nothing happened, and the same call may be made again. Where an index of a user's is to blame for
 * an error it is dropped (user_indexes.h). */
int rl_fold_run(rl_fold *f, const rl_batch *first, uint64_t max_bytes, rl_fold_result *result);

/* --- the same in pieces, for a transaction that does more than fold ---------------------------
 *
 *     begin ──▶ (take … flush ──▶ statements of others, which see it all) … ──▶ commit
 *
 * Each answers an SQLite result. After any error, and from anywhere between, rollback. */

/* With rescue, users' indexes on our tables are away while rows are written. */
int rl_fold_begin(rl_fold *f, bool rescue);
/* Takes in the changes [from, to) of a batch, counted in bytes; both lie between two changes. */
int rl_fold_take(rl_fold *f, const rl_batch *batch, size_t from, size_t to);
/* Writes what was taken. */
int rl_fold_flush(rl_fold *f);
/* Everything up to `last` was taken and flushed. Rolls back by itself when it fails. */
int rl_fold_commit(rl_fold *f, const rl_batch *last, rl_fold_result *result);
void rl_fold_rollback(rl_fold *f);
/* Whether the transaction that failed with rc, and was rolled back, would succeed with rescue. */
bool rl_fold_needs_rescue(rl_fold *f, int rc);

uint64_t rl_fold_indexes_dropped(const rl_fold *f); /* users' indexes lost so far */

#endif
