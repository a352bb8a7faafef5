/* SPDX-License-Identifier: MIT */
/*
 * The writer: the store thread, with the one connection that writes data.db and the fold on it.
 *
 * It walks the queue of batches that the loop builds: a singly linked list through rl_batch_next.
 * The writer stands on the last batch it has folded (at first on one that the loop made for the
 * purpose) and goes on to the ones linked behind it. The loop may free what lies before that batch
 * (rl_writer_standing), never the batch itself, since its link is still to be read. No lock, and a
 * semaphore only to wake the thread before its time.
 *
 * Between folds it sweeps away the elements of deleted collections (sweep.h).
 *
 * A batch with a job (a unit) is a transaction of its own. Jobs without a batch come through a list
 * beside the queue and run between folds.
 */
#ifndef RL_STORE_WRITER_H
#define RL_STORE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/batch.h"
#include "store/job.h"
#include "store/journal.h"
#include "store/keeper.h"
#include "store/schema.h"

typedef struct rl_writer rl_writer;

/* Opens the database, creating it when missing. An rl_store_error; on failure *out is untouched. */
int rl_writer_open(const char *path, rl_writer **out, char *error, size_t error_len);
/* While the thread does not run: what is folded, and the next row id. */
const rl_schema_meta *rl_writer_meta(const rl_writer *w);
/* While the thread does not run, for recovery: folds `first` and all behind. An rl_store_error. */
int rl_writer_fold(rl_writer *w, const rl_batch *first, char *error, size_t error_len);
/* While the thread does not run, for recovery: writes the whole WAL again and syncs it. A sync
 * alone would not do: one that failed before a kill has left pages which Linux takes for written.
 * Waits for a checkpoint of another program, some seconds. An rl_store_error. */
int rl_writer_rewrite_wal(rl_writer *w, char *error, size_t error_len);
/* While the thread does not run. With `checkpoint`, first copies the WAL into data.db, which SQLite
 * then removes. NULL is fine. */
void rl_writer_close(rl_writer *w, bool checkpoint);

typedef struct rl_writer_options {
    rl_batch *standing; /* the start of the queue; its seq is folded */
    rl_journal *journal;
    bool journal_started; /* else rl_writer_start_journal has the thread start it */
    rl_keeper *keeper;
    uint32_t fold_interval_ms;
    void (*on_progress)(
        void *arg); /* from the thread: folded, failed, or the journal has started */
    void *arg;
} rl_writer_options;

int rl_writer_start(rl_writer *w, const rl_writer_options *options, char *error, size_t error_len);
/* Stops the thread; with `fold`, everything linked so far is folded and every job is run first.
 * Jobs and units that were not run are done with SQLITE_INTERRUPT. SQLITE_OK, or why folding
 * failed. */
int rl_writer_stop(rl_writer *w, bool fold);

/* --- loop, while the thread runs; none of these waits
 * --------------------------------------------- */

void rl_writer_want(rl_writer *w, uint64_t seq); /* fold up to seq now, not at the next interval */
void rl_writer_show(rl_writer *w, uint64_t seq); /* make everything up to seq visible now */
void rl_writer_wake(rl_writer *w);
/* Runs a job after everything up to its after_seq is folded; after_seq never goes down from job to
 * job. Somebody has to want that fold. */
void rl_writer_submit(rl_writer *w, rl_job *job);
void rl_writer_set_interval(rl_writer *w, uint32_t ms);
void rl_writer_set_transaction_limit(rl_writer *w,
                                     uint64_t bytes); /* of batches in one transaction */
void rl_writer_start_journal(rl_writer *w);
bool rl_writer_journal_started(const rl_writer *w);
bool rl_writer_journal_failed(
    const rl_writer *w); /* could not be started so far; it keeps trying */

const rl_batch *rl_writer_standing(const rl_writer *w);
uint64_t rl_writer_folded_seq(const rl_writer *w);
uint64_t rl_writer_visible_seq(const rl_writer *w); /* in the tables, perhaps not synced */
/* Footprints of all batches folded since start, and of the transaction at work the part that is
 * done. */
uint64_t rl_writer_folded_bytes(const rl_writer *w);
/* True when the last attempt failed. The sentence has what SQLite and the system said. */
bool rl_writer_failed(const rl_writer *w, char *text, size_t text_len);

typedef struct rl_writer_stats {
    uint64_t folds, batches, changes, rows, failures, last_us, last_rows;
    uint64_t jobs, units, job_failures, indexes_dropped;
    int64_t last_wall_ms;
    uint64_t dead, swept_rows; /* collections that are to be swept; rows swept so far */
} rl_writer_stats;
void rl_writer_stats_read(const rl_writer *w, rl_writer_stats *out); /* any thread */

#endif
