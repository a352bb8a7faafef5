/* SPDX-License-Identifier: MIT */
/*
 * What the writer's files share. writer.c has the connection and the thread, writer_fold.c decides
 * when to fold and sync, writer_jobs.c and writer_sweep.c do what runs between folds, and
 * writer_loop.c is the loop's side. Functions are the thread's own if not said otherwise.
 */
#ifndef RL_STORE_WRITER_INTERNAL_H
#define RL_STORE_WRITER_INTERNAL_H

#include "store/writer.h"

#include <pthread.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdatomic.h>

#include "store/fold.h"
#include "store/sweep.h"
#include "store/transact.h"
#include "store/wal_sync.h"

#define WRITER_RETRY_LAST_MS     5000 /* the longest wait after a failure */
#define WRITER_TRANSACTION_BYTES (64u << 20)

/* What the loop asks of the thread. */
typedef struct writer_asked {
    sem_t wake;
    _Atomic bool awake; /* a post is on its way: another one says nothing new */
    _Atomic int stop;
    _Atomic uint64_t wanted_seq, shown_seq;
    _Atomic uint32_t interval_ms;
    _Atomic uint64_t transaction_bytes;
    _Atomic bool journal_wanted;
    _Atomic(rl_job *) submitted; /* the newest first */
} writer_asked;

/* What the thread tells the loop. */
typedef struct writer_told {
    _Atomic(rl_batch *) standing;
    _Atomic uint64_t folded_seq, folded_bytes, visible_seq;
    _Atomic uint64_t folding_bytes; /* of the transaction at work, worked off so far */
    _Atomic uint64_t failure;       /* extended result code << 32 | errno; 0: fine */
    _Atomic bool journal_started, journal_failed;
} writer_told;

/* What it counts; any thread reads (rl_writer_stats). */
typedef struct writer_counts {
    _Atomic uint64_t folds, batches, changes, rows, failures, last_us, last_rows;
    _Atomic int64_t last_wall_ms;
    _Atomic uint64_t jobs, units, job_failures, indexes_dropped;
    _Atomic uint64_t dead, swept_rows;
} writer_counts;

/* When the thread folds next. */
typedef struct writer_pace {
    int64_t folded_ms;   /* when it last folded what was due */
    int64_t took_us;     /* how long that took */
    int64_t retry_at_ms; /* after a failure: then, and not before; else 0 */
    int64_t retry_ms;
    int idle_rounds; /* since something was folded or swept */
} writer_pace;

struct rl_writer {
    char *path;
    sqlite3 *db;
    rl_schema_meta meta;
    rl_fold *fold;
    rl_sweep *sweep;
    uint64_t frame_bytes; /* a page in the WAL */
    int wal_frames;       /* after the last commit … */
    bool wal_moved;       /* … which was since this was last set to false */

    /* set by start */
    rl_journal *journal;
    rl_keeper *keeper;
    void (*on_progress)(void *arg);
    void *arg;
    pthread_t thread;

    writer_asked asked;
    writer_told told;
    writer_counts counts;

    /* the thread's own */
    bool full;                 /* commits sync */
    rl_wal_sync wal;           /* held: there are commits that are not synced */
    bool sync_failed;          /* … and a sync has failed: mend before all else */
    uint64_t committed_bytes;  /* of batches committed, not yet counted in folded_bytes */
    const rl_batch *committed; /* the last one */
    writer_pace pace;
    struct {
        rl_job *first, *last; /* the oldest first */
    } waiting;
    struct {
        int64_t at_ms; /* the next slice, not before */
        bool failed;   /* the last one, and it was said */
    } sweeping;
};

/* --- writer_fold.c --- */

/* A sentence on a failure; any thread. */
void store_writer_describe(const rl_writer *w, int rc, int error_number, char *text,
                           size_t text_len);
/* Lets the loop see the backlog shrink while a large transaction is under way; otherwise writers
 * would stand still until its commit and then fill the backlog in one rush. For rl_fold_report. */
void store_writer_on_rows(void *arg, uint64_t bytes);
void store_writer_tell_keeper(rl_writer *w); /* it must see the WAL grow */
void store_writer_note_synced(rl_writer *w); /* everything committed is on disk */
/* Something failed while commits were not synced: if it was a sync, of them too. */
void store_writer_doubt_unsynced(rl_writer *w, int rc);
/* Brings what is committed to the disk. A SQLite result code. */
int store_writer_sync_committed(rl_writer *w);
/* Decides whether the next commit syncs. Without, no checkpoint may run until the sync. */
int store_writer_choose_sync(rl_writer *w, bool full);
/* Folds what is due. Returns when to look again. */
int64_t store_writer_fold_due(rl_writer *w);
void store_writer_fold_rest(rl_writer *w); /* all that is there; gives up after some failures */

/* --- writer_jobs.c --- */

void store_writer_count_job(rl_writer *w, _Atomic uint64_t *kind, const rl_job_end *end);
/* Runs the jobs whose turn it is. New ones that may run at once are taken too: they end with the
 * first that waits for a fold. */
void store_writer_run_jobs(rl_writer *w);
/* The store stops: those that were not run are told so. */
void store_writer_refuse_jobs(rl_writer *w);

/* --- writer_sweep.c --- */

/* A slice, when there is something to sweep and nothing more urgent. It is synced with the next
 * fold: nobody waits for it. */
void store_writer_sweep_some(rl_writer *w);

#endif
