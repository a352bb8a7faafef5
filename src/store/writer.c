/* SPDX-License-Identifier: MIT */
/* The writer; see writer.h. */
#include "store/writer.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/fold.h"
#include "store/store.h"
#include "store/sweep.h"
#include "store/thread.h"
#include "store/transact.h"
#include "store/wal_sync.h"

/* After a failure: first wait, doubled up to the last. */
#define RETRY_FIRST_MS 100
#define RETRY_LAST_MS  5000
/* Attempts to fold everything when the server stops. */
#define STOP_ATTEMPTS     5
#define TRANSACTION_BYTES (64u << 20)

/* Folding takes one part in so many of the time, unless the backlog asks for more; but a fold is
 * never put off for longer than this. */
#define PAUSE_FACTOR  4
#define PAUSE_MOST_MS 5000

/* Between two slices of sweeping, as long as the last one took, but within these: half of the time
 * at most, on a machine that others need. */
#define SWEEP_PAUSE_LEAST_MS 1
#define SWEEP_PAUSE_MOST_MS  100
/* When a checkpoint is at work or another program writes. */
#define SWEEP_WAIT_MS 50

/* Rounds without a fold after which the page cache is given back. */
#define IDLE_ROUNDS 5

enum { STOP_NOT, STOP_NOW, STOP_FOLDED };

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
    sem_t wake;

    /* loop to thread */
    _Atomic bool awake; /* a post is on its way: another one says nothing new */
    _Atomic int stop;
    _Atomic uint64_t wanted_seq, shown_seq;
    _Atomic uint32_t interval_ms;
    _Atomic uint64_t transaction_bytes;
    _Atomic bool journal_wanted;
    _Atomic(rl_job *) submitted; /* the newest first */

    /* thread to loop */
    _Atomic(rl_batch *) standing;
    _Atomic uint64_t folded_seq, folded_bytes, visible_seq;
    _Atomic uint64_t folding_bytes; /* of the transaction at work, worked off so far */
    _Atomic uint64_t failure;       /* extended result code << 32 | errno; 0: fine */
    _Atomic bool journal_started, journal_failed;
    _Atomic uint64_t folds, batches, changes, rows, failures, last_us, last_rows;
    _Atomic int64_t last_wall_ms;
    _Atomic uint64_t jobs, units, job_failures, indexes_dropped;
    _Atomic uint64_t dead, swept_rows;

    /* the thread's own */
    bool full;                    /* commits sync */
    rl_wal_sync wal;              /* held: there are commits that are not synced */
    bool sync_failed;             /* … and a sync has failed: mend before all else */
    uint64_t committed_bytes;     /* of batches committed, not yet counted in folded_bytes */
    const rl_batch *committed;    /* the last one */
    rl_job *first_job, *last_job; /* the oldest first */
    int64_t folded_ms;            /* when it last folded what was due */
    int64_t took_us;              /* how long that took */
    int64_t retry_at_ms;          /* after a failure: then, and not before; else 0 */
    int64_t retry_ms;
    int idle_rounds;     /* since something was folded or swept */
    int64_t sweep_at_ms; /* the next slice, not before */
    bool sweep_failed;   /* the last one, and it was said */
};

/* --- open and close -------------------------------------------------------------------------- */

/* SQLite calls it after each commit. Having it also turns SQLite's own checkpoints off. */
static int on_wal(void *arg, sqlite3 *db, const char *name, int frames) {
    (void)db;
    (void)name;
    rl_writer *w = arg;
    w->wal_frames = frames;
    w->wal_moved = true;
    return SQLITE_OK;
}

static uint64_t page_size(sqlite3 *db) {
    sqlite3_stmt *stmt;
    uint64_t size = 4096;
    if (sqlite3_prepare_v2(db, "PRAGMA page_size", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        size = (uint64_t)sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return size;
}

int rl_writer_open(const char *path, rl_writer **out, char *error, size_t error_len) {
    rl_writer *w = rl_calloc(1, sizeof *w);
    int code = rl_schema_open(path, &w->db, &w->meta, error, error_len);
    if (code != RL_STORE_OK) {
        rl_free(w);
        return code;
    }
    int rc = rl_fold_create(w->db, &w->meta, &w->fold);
    if (rc == SQLITE_OK)
        rc = rl_sweep_create(w->db, &w->meta, &w->sweep);
    if (rc != SQLITE_OK) {
        code = rl_schema_error_of(rc);
        snprintf(error, error_len,
                 "%s: its tables are not as they should be: %s; put a backup in its place", path,
                 sqlite3_errmsg(w->db));
        rl_fold_free(w->fold);
        sqlite3_close(w->db);
        rl_free(w);
        return code;
    }
    w->path = rl_strdup(path);
    w->frame_bytes = page_size(w->db) + 24;
    w->full = true;
    w->wal.db = w->db;
    sqlite3_wal_hook(w->db, on_wal, w);
    sem_init(&w->wake, 0, 0);
    atomic_init(&w->folded_seq, w->meta.folded_seq);
    atomic_init(&w->visible_seq, w->meta.folded_seq);
    atomic_init(&w->transaction_bytes, TRANSACTION_BYTES);
    *out = w;
    return RL_STORE_OK;
}

const rl_schema_meta *rl_writer_meta(const rl_writer *w) {
    return &w->meta;
}

void rl_writer_close(rl_writer *w, bool checkpoint) {
    if (w == NULL)
        return;
    rl_sweep_free(w->sweep);
    rl_fold_free(w->fold);
    checkpoint = checkpoint && !w->wal.held; /* it would copy what is perhaps lost */
    if (checkpoint) {
        /* A foreign reader may keep it from finishing. Nothing is lost: the WAL is synced and
         * stays. */
        int rc = sqlite3_wal_checkpoint_v2(w->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        if (rc != SQLITE_OK)
            rl_log(RL_LOG_NOTICE, "%s: checkpoint at close: %s; the rest stays in %s-wal", w->path,
                   sqlite3_errstr(rc), w->path);
        /* After an I/O error SQLite's own at close must not believe what this one has copied: the
         * next start begins again with the whole WAL. */
        checkpoint = rc == SQLITE_OK || (rc & 0xff) == SQLITE_BUSY;
    }
    /* Without one, leave the WAL as it is: the next start reads it, and this end is to be quick. */
    sqlite3_db_config(w->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !checkpoint, NULL);
    sqlite3_close(w->db);
    sem_destroy(&w->wake);
    rl_free(w->path);
    rl_free(w);
}

/* --- folding --------------------------------------------------------------------------------- */

static void describe(const rl_writer *w, int rc, int error_number, char *text, size_t text_len) {
    if (error_number)
        snprintf(text, text_len, "%s (%s) while folding into %s", sqlite3_errstr(rc),
                 strerror(error_number), w->path);
    else
        snprintf(text, text_len, "%s while folding into %s", sqlite3_errstr(rc), w->path);
}

static int system_error(const rl_writer *w, int rc) {
    int primary = rc & 0xff;
    return primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN ? sqlite3_system_errno(w->db) : 0;
}

int rl_writer_fold(rl_writer *w, const rl_batch *first, char *error, size_t error_len) {
    while (first) {
        rl_fold_result result;
        int rc = rl_fold_run(w->fold, first, TRANSACTION_BYTES, &result);
        if (rc != SQLITE_OK) {
            describe(w, rc, system_error(w, rc), error, error_len);
            return rl_schema_error_of(rc);
        }
        first = rl_batch_next_load(result.last);
    }
    atomic_store(&w->folded_seq, w->meta.folded_seq);
    atomic_store(&w->visible_seq, w->meta.folded_seq);
    return RL_STORE_OK;
}

/* From the fold: lets the loop see the backlog shrink while a large transaction is under way.
 * Otherwise writers would stand still until its commit and then fill the backlog in one rush. */
static void on_rows(void *arg, uint64_t bytes) {
    rl_writer *w = arg;
    atomic_store(&w->folding_bytes, bytes);
    w->on_progress(w->arg);
}

static void note_failure(rl_writer *w, int rc) {
    atomic_store(&w->folding_bytes, 0);
    int error_number = system_error(w, rc);
    uint64_t failure = (uint64_t)(uint32_t)rc << 32 | (uint32_t)error_number;
    if (atomic_exchange(&w->failure, failure) != failure) {
        char text[512];
        describe(w, rc, error_number, text, sizeof text);
        rl_log(RL_LOG_WARNING, "%s; nothing is lost, trying again", text);
    }
    atomic_fetch_add(&w->failures, 1);
    w->retry_ms = w->retry_ms ? w->retry_ms * 2 : RETRY_FIRST_MS;
    if (w->retry_ms > RETRY_LAST_MS)
        w->retry_ms = RETRY_LAST_MS;
    w->retry_at_ms = rl_clock_mono_ms() + w->retry_ms;
    w->on_progress(w->arg);
}

static void note_writable(rl_writer *w) {
    if (atomic_exchange(&w->failure, 0))
        rl_log(RL_LOG_NOTICE, "%s takes writes again", w->path);
    w->retry_ms = 0;
    w->retry_at_ms = 0;
}

/* The keeper must see the WAL grow. */
static void tell_keeper(rl_writer *w) {
    rl_keeper_folded(w->keeper, atomic_load(&w->folded_seq),
                     (uint64_t)w->wal_frames * w->frame_bytes);
}

/* Everything committed is on disk. */
static void note_synced(rl_writer *w) {
    rl_wal_release(&w->wal);
    w->sync_failed = false;
    uint64_t seq = w->meta.folded_seq;
    if (seq != atomic_load_explicit(&w->folded_seq, memory_order_relaxed)) {
        /* The journal first: the loop relies on it to know what the loop knows. */
        if (atomic_load(&w->journal_started))
            rl_journal_recycle(w->journal, seq);
        atomic_store(&w->folding_bytes, 0);
        atomic_fetch_add(&w->folded_bytes, w->committed_bytes);
        w->committed_bytes = 0;
        atomic_store(&w->folded_seq, seq);
        atomic_store(&w->standing, (rl_batch *)w->committed);
    }
    tell_keeper(w);
    w->on_progress(w->arg);
}

/* A fold or a unit is committed: synced, or visible only. */
static void note_committed(rl_writer *w, const rl_fold_result *result, int64_t took_us) {
    note_writable(w);
    w->idle_rounds = 0;
    atomic_fetch_add(&w->folds, 1);
    atomic_fetch_add(&w->batches, result->batches);
    atomic_fetch_add(&w->changes, result->changes);
    atomic_fetch_add(&w->rows, result->rows);
    atomic_store(&w->last_us, (uint64_t)took_us);
    atomic_store(&w->last_rows, result->rows);
    atomic_store(&w->last_wall_ms, rl_clock_wall_ms());
    atomic_store(&w->indexes_dropped, rl_fold_indexes_dropped(w->fold));
    atomic_store(&w->dead, w->meta.dead);
    w->committed = result->last;
    w->committed_bytes += result->bytes;
    atomic_store(&w->visible_seq, result->seq);
    if (w->full) {
        note_synced(w);
        return;
    }
    atomic_store(&w->folding_bytes, 0); /* they stay in memory until the sync */
    tell_keeper(w);
    w->on_progress(w->arg);
}

/* Something failed while commits were not synced: if it was a sync, of them too. */
static void doubt_unsynced(rl_writer *w, int rc) {
    if (w->wal.held && (rc & 0xff) == SQLITE_IOERR)
        w->sync_failed = true;
}

/* Brings what is committed to the disk. */
static int sync_committed(rl_writer *w) {
    int rc = w->sync_failed ? rl_wal_mend(&w->wal) : rl_wal_sync_now(&w->wal);
    if (rc != SQLITE_OK) {
        if (rc == SQLITE_CORRUPT)
            rl_log(RL_LOG_WARNING,
                   "%s-wal: what was written cannot be read back as it was: the disk has lost it. "
                   "Nothing answered is lost while the journal is whole: restart the server, which "
                   "folds it again",
                   w->path);
        w->sync_failed = true;
        note_failure(w, rc);
        return rc;
    }
    note_writable(w);
    note_synced(w);
    return SQLITE_OK;
}

/* Decides whether the next commit syncs. Without, no checkpoint may run until the sync. */
static int choose_sync(rl_writer *w, bool full) {
    full = full || rl_keeper_held_up(w->keeper) || !rl_wal_hold(&w->wal);
    if (full == w->full)
        return SQLITE_OK;
    int rc = sqlite3_exec(w->db, full ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL",
                          NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        w->full = full;
    return rc;
}

/* The first batch that is to be folded, or NULL. */
static const rl_batch *next_batch(rl_writer *w) {
    for (;;) {
        const rl_batch *next = rl_batch_next_load(w->committed);
        if (next == NULL || rl_batch_seq(next) > w->meta.folded_seq)
            return next;
        w->committed = next; /* a place to stand on, so that the one before can be freed */
        if (!w->wal.held) {
            atomic_store(&w->standing, (rl_batch *)next);
            w->on_progress(w->arg);
        }
    }
}

static void count_job(rl_writer *w, _Atomic uint64_t *kind, const rl_job_end *end) {
    atomic_fetch_add(kind, 1);
    if (end->rc != SQLITE_OK)
        atomic_fetch_add(&w->job_failures, 1);
}

/* One transaction: a prefix of what is there, or one unit. With `full` it is synced, else perhaps
 * not. */
static int fold_once(rl_writer *w, const rl_batch *first, bool full) {
    int64_t from_us = rl_clock_mono_us();
    rl_job *job = rl_batch_job(first);
    rl_fold_result result;
    rl_job_end end;
    rl_keeper_gate_enter(w->keeper);
    int rc = choose_sync(w, full || job);
    if (rc == SQLITE_OK)
        rc = job ? rl_transact_unit(w->fold, w->db, first, &result, &end)
                 : rl_fold_run(w->fold, first, atomic_load(&w->transaction_bytes), &result);
    rl_keeper_gate_leave(w->keeper);
    int64_t took_us = rl_clock_mono_us() - from_us;
    w->took_us += took_us;
    if (rc != SQLITE_OK) {
        doubt_unsynced(w, rc);
        note_failure(w, rc);
        return rc;
    }
    note_committed(w, &result, took_us);
    if (job) {
        count_job(w, &w->units, &end);
        job->done(job, end.rc, end.why);
    }
    return SQLITE_OK;
}

/* --- jobs ------------------------------------------------------------------------------------ */

/* Takes over what was submitted, in its order. */
static void take_jobs(rl_writer *w) {
    rl_job *job = atomic_exchange_explicit(&w->submitted, NULL, memory_order_acquire);
    rl_job *first = NULL;
    rl_job *last = job;
    while (job) {
        rl_job *older = job->next;
        job->next = first;
        first = job;
        job = older;
    }
    if (first == NULL)
        return;
    if (w->last_job)
        w->last_job->next = first;
    else
        w->first_job = first;
    w->last_job = last;
}

static rl_job *pop_job(rl_writer *w) {
    rl_job *job = w->first_job;
    w->first_job = job->next;
    if (w->first_job == NULL)
        w->last_job = NULL;
    job->next = NULL;
    return job;
}

static void run_job(rl_writer *w, rl_job *job) {
    rl_job_end end = {0};
    w->wal_moved = false;
    rl_keeper_gate_enter(w->keeper);
    end.rc = choose_sync(w, true);
    if (end.rc == SQLITE_OK)
        rl_transact_job(w->db, job, &end);
    else
        snprintf(end.why, sizeof end.why, "%s", sqlite3_errmsg(w->db));
    rl_keeper_gate_leave(w->keeper);
    if (end.rc != SQLITE_OK)
        doubt_unsynced(w, end.rc);
    else if (w->wal_moved)
        note_synced(w); /* itself, and all before it */
    count_job(w, &w->jobs, &end);
    job->done(job, end.rc, end.why);
}

/* Runs the jobs whose turn it is. New ones that may run at once are taken too: they end with the
 * first that waits for a fold. */
static void run_jobs(rl_writer *w) {
    for (take_jobs(w);
         !w->sync_failed && w->first_job && w->first_job->after_seq <= w->meta.folded_seq;
         take_jobs(w))
        run_job(w, pop_job(w));
}

/* The store stops: those that were not run are told so. */
static void refuse_jobs(rl_writer *w) {
    static const char why[] = "the server is shutting down";
    take_jobs(w);
    while (w->first_job) {
        rl_job *job = pop_job(w);
        job->done(job, SQLITE_INTERRUPT, why);
    }
    const rl_batch *b = w->committed;
    while ((b = rl_batch_next_load(b)) != NULL) {
        if (rl_batch_job(b) && rl_batch_seq(b) > w->meta.folded_seq)
            rl_batch_job(b)->done(rl_batch_job(b), SQLITE_INTERRUPT, why);
    }
}

/* --- sweeping -------------------------------------------------------------------------------- */

static void note_swept(rl_writer *w, uint64_t rows, int64_t took_us) {
    int64_t pause_ms = took_us / 1000;
    pause_ms = pause_ms < SWEEP_PAUSE_LEAST_MS  ? SWEEP_PAUSE_LEAST_MS
               : pause_ms > SWEEP_PAUSE_MOST_MS ? SWEEP_PAUSE_MOST_MS
                                                : pause_ms;
    w->sweep_at_ms = rl_clock_mono_ms() + pause_ms;
    w->sweep_failed = false;
    w->idle_rounds = 0;
    atomic_fetch_add(&w->swept_rows, rows);
    atomic_store(&w->dead, w->meta.dead);
    if (w->full)
        note_synced(w); /* all before it, too */
    else
        tell_keeper(w);
}

static void note_not_swept(rl_writer *w, int rc) {
    bool busy = (rc & 0xff) == SQLITE_BUSY;
    w->sweep_at_ms = rl_clock_mono_ms() + (busy ? SWEEP_WAIT_MS : RETRY_LAST_MS);
    if (!busy && !w->sweep_failed)
        rl_log(RL_LOG_WARNING,
               "%s: the elements of deleted collections cannot be removed: %s. They take room and "
               "do no other harm; trying again",
               w->path, sqlite3_errmsg(w->db));
    w->sweep_failed = w->sweep_failed || !busy;
    doubt_unsynced(w, rc);
}

/* A slice, when there is something to sweep and nothing more urgent. It is synced with the next
 * fold: nobody waits for it. */
static void sweep_some(rl_writer *w) {
    if (w->meta.dead == 0 || w->sync_failed || w->retry_at_ms ||
        rl_clock_mono_ms() < w->sweep_at_ms)
        return;
    if (rl_keeper_held_up(w->keeper) || !rl_wal_hold(&w->wal)) {
        w->sweep_at_ms = rl_clock_mono_ms() + SWEEP_WAIT_MS;
        return;
    }
    int64_t from_us = rl_clock_mono_us();
    uint64_t rows = 0;
    rl_keeper_gate_enter(w->keeper);
    int rc = choose_sync(w, false);
    if (rc == SQLITE_OK)
        rc = rl_sweep_slice(w->sweep, &rows);
    rl_keeper_gate_leave(w->keeper);
    if (rc == SQLITE_OK)
        note_swept(w, rows, rl_clock_mono_us() - from_us);
    else
        note_not_swept(w, rc);
}

/* --- the thread ------------------------------------------------------------------------------ */

/* Durability was switched on while the server runs. Making the first segment takes a moment, hence
 * here. */
static void start_journal(rl_writer *w) {
    char error[512];
    int rc = rl_journal_start(w->journal, atomic_load(&w->folded_seq), error, sizeof error);
    if (rc != RL_JOURNAL_OK) {
        if (!atomic_exchange(&w->journal_failed, true))
            rl_log(RL_LOG_WARNING, "journal: %s; trying again", error);
        w->on_progress(w->arg);
        return;
    }
    atomic_store(&w->journal_failed, false);
    atomic_store(&w->journal_started, true);
    w->on_progress(w->arg);
}

static void sleep_until(rl_writer *w, int64_t until_ms) {
    struct timespec t = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    if (sem_clockwait(&w->wake, CLOCK_MONOTONIC, &t) == 0)
        atomic_store(&w->awake, false); /* before the round looks at what is wanted */
}

/* From the start of one fold by time to the next. After a fold that took long, longer: rows that
 * change often and pages with many changed rows are then written less often, and the next fold
 * costs little more. */
static int64_t fold_pause_ms(const rl_writer *w) {
    int64_t pause_ms = w->took_us / 1000 * PAUSE_FACTOR;
    if (pause_ms > PAUSE_MOST_MS)
        pause_ms = PAUSE_MOST_MS;
    int64_t interval_ms = atomic_load(&w->interval_ms);
    return pause_ms > interval_ms ? pause_ms : interval_ms;
}

/* Folds until nothing more is wanted. With `full`, what was committed is synced then. */
static void fold_wanted(rl_writer *w, bool full) {
    const rl_batch *next;
    if (w->sync_failed && sync_committed(w) != SQLITE_OK)
        return;
    while ((next = next_batch(w)) != NULL) {
        if (fold_once(w, next, full) != SQLITE_OK)
            return;
        run_jobs(w);
        if (w->sync_failed)
            break;
        /* What came meanwhile waits for its turn, unless somebody wants it. */
        full = atomic_load(&w->wanted_seq) > w->meta.folded_seq;
        if (!full && atomic_load(&w->shown_seq) <= w->meta.folded_seq)
            break;
    }
}

/* Folds what is due. Returns when to look again. */
static int64_t fold_due(rl_writer *w) {
    int64_t now_ms = rl_clock_mono_ms();
    uint64_t folded = atomic_load_explicit(&w->folded_seq, memory_order_relaxed);
    bool full = now_ms >= w->folded_ms + fold_pause_ms(w) || w->retry_at_ms != 0 ||
                w->sync_failed || atomic_load(&w->wanted_seq) > folded ||
                rl_keeper_held_up(w->keeper);
    bool due = full || atomic_load(&w->shown_seq) > w->meta.folded_seq;
    if (due && now_ms >= w->retry_at_ms) {
        if (full) {
            w->folded_ms = now_ms;
            w->took_us = 0;
            /* The cache is of use from fold to fold; when nobody writes, the memory is better
             * given back. */
            if (++w->idle_rounds == IDLE_ROUNDS)
                sqlite3_db_release_memory(w->db);
        }
        fold_wanted(w, full);
        if (full && w->wal.held && w->retry_at_ms == 0)
            sync_committed(w);
    }
    return w->retry_at_ms ? w->retry_at_ms : w->folded_ms + fold_pause_ms(w);
}

static void fold_rest(rl_writer *w) {
    int attempts = STOP_ATTEMPTS;
    for (;;) {
        const rl_batch *next = next_batch(w);
        bool failed = false;
        if (w->sync_failed || (next == NULL && w->wal.held))
            failed = sync_committed(w) != SQLITE_OK;
        else if (next)
            failed = fold_once(w, next, true) != SQLITE_OK;
        else
            return;
        if (failed && --attempts == 0)
            return;
        if (failed) {
            struct timespec pause = {.tv_nsec = RETRY_FIRST_MS * 1000000};
            nanosleep(&pause, NULL);
        }
    }
}

static void writer_main(void *arg) {
    rl_writer *w = arg;
    w->folded_ms = rl_clock_mono_ms();
    while (atomic_load(&w->stop) == STOP_NOT) {
        if (atomic_load(&w->journal_wanted) && !atomic_load(&w->journal_started))
            start_journal(w);
        run_jobs(w);
        int64_t until_ms = fold_due(w);
        sweep_some(w);
        if (w->meta.dead && w->sweep_at_ms < until_ms && !w->sync_failed && !w->retry_at_ms)
            until_ms = w->sweep_at_ms;
        rl_keeper_poke(w->keeper);
        sleep_until(w, until_ms);
    }
    if (atomic_load(&w->stop) == STOP_FOLDED) {
        fold_rest(w);
        run_jobs(w);
    } else if (w->wal.held && !w->sync_failed) {
        sync_committed(w);
    }
    refuse_jobs(w);
}

int rl_writer_start(rl_writer *w, const rl_writer_options *options, char *error, size_t error_len) {
    w->journal = options->journal;
    w->keeper = options->keeper;
    w->on_progress = options->on_progress;
    w->arg = options->arg;
    w->committed = options->standing;
    atomic_store(&w->standing, options->standing);
    atomic_store(&w->dead, w->meta.dead);
    atomic_store(&w->interval_ms, options->fold_interval_ms);
    atomic_store(&w->journal_started, options->journal_started);
    rl_fold_report(w->fold, on_rows, w);
    int failed = rl_thread_start(&w->thread, "rl-store", RL_STORE_NICE, writer_main, w);
    if (failed) {
        snprintf(error, error_len, "cannot start the store thread: %s", strerror(failed));
        return RL_STORE_IO;
    }
    return RL_STORE_OK;
}

int rl_writer_stop(rl_writer *w, bool fold) {
    atomic_store(&w->stop, fold ? STOP_FOLDED : STOP_NOW);
    rl_writer_wake(w);
    pthread_join(w->thread, NULL);
    atomic_store(&w->stop, STOP_NOT);
    if (fold && rl_batch_next_load(atomic_load(&w->standing)) != NULL)
        return (int)(atomic_load(&w->failure) >> 32);
    return SQLITE_OK;
}

/* --- the loop's side ------------------------------------------------------------------------- */

void rl_writer_wake(rl_writer *w) {
    if (!atomic_exchange(&w->awake, true))
        sem_post(&w->wake);
}

void rl_writer_want(rl_writer *w, uint64_t seq) {
    if (seq <= atomic_load(&w->wanted_seq))
        return;
    atomic_store(&w->wanted_seq, seq);
    rl_writer_wake(w);
}

void rl_writer_show(rl_writer *w, uint64_t seq) {
    if (seq <= atomic_load(&w->shown_seq))
        return;
    atomic_store(&w->shown_seq, seq);
    rl_writer_wake(w);
}

void rl_writer_submit(rl_writer *w, rl_job *job) {
    job->next = atomic_load_explicit(&w->submitted, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&w->submitted, &job->next, job,
                                                  memory_order_release, memory_order_relaxed)) {}
    rl_writer_wake(w);
}

void rl_writer_set_interval(rl_writer *w, uint32_t ms) {
    atomic_store(&w->interval_ms, ms);
    rl_writer_wake(w);
}

void rl_writer_set_transaction_limit(rl_writer *w, uint64_t bytes) {
    atomic_store(&w->transaction_bytes, bytes);
}

void rl_writer_start_journal(rl_writer *w) {
    atomic_store(&w->journal_wanted, true);
    rl_writer_wake(w);
}

bool rl_writer_journal_started(const rl_writer *w) {
    return atomic_load(&w->journal_started);
}

bool rl_writer_journal_failed(const rl_writer *w) {
    return atomic_load(&w->journal_failed);
}

const rl_batch *rl_writer_standing(const rl_writer *w) {
    return atomic_load(&w->standing);
}

uint64_t rl_writer_folded_seq(const rl_writer *w) {
    return atomic_load(&w->folded_seq);
}

uint64_t rl_writer_visible_seq(const rl_writer *w) {
    return atomic_load(&w->visible_seq);
}

uint64_t rl_writer_folded_bytes(const rl_writer *w) {
    /* In this order a commit in between makes the sum too small, never too large. */
    uint64_t folded = atomic_load(&w->folded_bytes);
    return folded + atomic_load(&w->folding_bytes);
}

bool rl_writer_failed(const rl_writer *w, char *text, size_t text_len) {
    uint64_t failure = atomic_load(&w->failure);
    if (failure == 0)
        return false;
    if (text_len > 0)
        describe(w, (int)(failure >> 32), (int)(uint32_t)failure, text, text_len);
    return true;
}

void rl_writer_stats_read(const rl_writer *w, rl_writer_stats *out) {
    out->folds = atomic_load(&w->folds);
    out->batches = atomic_load(&w->batches);
    out->changes = atomic_load(&w->changes);
    out->rows = atomic_load(&w->rows);
    out->failures = atomic_load(&w->failures);
    out->last_us = atomic_load(&w->last_us);
    out->last_rows = atomic_load(&w->last_rows);
    out->last_wall_ms = atomic_load(&w->last_wall_ms);
    out->jobs = atomic_load(&w->jobs);
    out->units = atomic_load(&w->units);
    out->job_failures = atomic_load(&w->job_failures);
    out->indexes_dropped = atomic_load(&w->indexes_dropped);
    out->dead = atomic_load(&w->dead);
    out->swept_rows = atomic_load(&w->swept_rows);
}
