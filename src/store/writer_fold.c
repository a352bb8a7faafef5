/* SPDX-License-Identifier: MIT */
/* When the writer folds and syncs, and what it tells of it; see writer.h. */
#include "store/writer_internal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/store.h"

/* After a failure: first wait, doubled up to the last. */
#define RETRY_FIRST_MS 100
/* Attempts to fold everything when the server stops. */
#define STOP_ATTEMPTS 5

/* Folding takes one part in so many of the time, unless the backlog asks for more; but a fold is
 * never put off for longer than this. */
#define PAUSE_FACTOR  4
#define PAUSE_MOST_MS 5000

/* Rounds without a fold after which the page cache is given back. */
#define IDLE_ROUNDS 5

void store_writer_describe(const rl_writer *w, int rc, int error_number, char *text,
                           size_t text_len) {
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
        int rc = rl_fold_run(w->fold, first, WRITER_TRANSACTION_BYTES, &result);
        if (rc != SQLITE_OK) {
            store_writer_describe(w, rc, system_error(w, rc), error, error_len);
            return rl_schema_error_of(rc);
        }
        first = rl_batch_next_load(result.last);
    }
    atomic_store(&w->told.folded_seq, w->meta.folded_seq);
    atomic_store(&w->told.visible_seq, w->meta.folded_seq);
    return RL_STORE_OK;
}

void store_writer_on_rows(void *arg, uint64_t bytes) {
    rl_writer *w = arg;
    atomic_store(&w->told.folding_bytes, bytes);
    w->on_progress(w->arg);
}

static void note_failure(rl_writer *w, int rc) {
    atomic_store(&w->told.folding_bytes, 0);
    int error_number = system_error(w, rc);
    uint64_t failure = (uint64_t)(uint32_t)rc << 32 | (uint32_t)error_number;
    if (atomic_exchange(&w->told.failure, failure) != failure) {
        char text[512];
        store_writer_describe(w, rc, error_number, text, sizeof text);
        rl_log(RL_LOG_WARNING, "%s; nothing is lost, trying again", text);
    }
    atomic_fetch_add(&w->counts.failures, 1);
    w->pace.retry_ms = w->pace.retry_ms ? w->pace.retry_ms * 2 : RETRY_FIRST_MS;
    if (w->pace.retry_ms > WRITER_RETRY_LAST_MS)
        w->pace.retry_ms = WRITER_RETRY_LAST_MS;
    w->pace.retry_at_ms = rl_clock_mono_ms() + w->pace.retry_ms;
    w->on_progress(w->arg);
}

static void note_writable(rl_writer *w) {
    if (atomic_exchange(&w->told.failure, 0))
        rl_log(RL_LOG_NOTICE, "%s takes writes again", w->path);
    w->pace.retry_ms = 0;
    w->pace.retry_at_ms = 0;
}

void store_writer_tell_keeper(rl_writer *w) {
    rl_keeper_folded(w->keeper, atomic_load(&w->told.folded_seq),
                     (uint64_t)w->wal_frames * w->frame_bytes);
}

void store_writer_note_synced(rl_writer *w) {
    rl_wal_release(&w->wal);
    w->sync_failed = false;
    uint64_t seq = w->meta.folded_seq;
    if (seq != atomic_load_explicit(&w->told.folded_seq, memory_order_relaxed)) {
        /* The journal first: the loop relies on it to know what the loop knows. */
        if (atomic_load(&w->told.journal_started))
            rl_journal_recycle(w->journal, seq);
        atomic_store(&w->told.folding_bytes, 0);
        atomic_fetch_add(&w->told.folded_bytes, w->committed_bytes);
        w->committed_bytes = 0;
        atomic_store(&w->told.folded_seq, seq);
        atomic_store(&w->told.standing, (rl_batch *)w->committed);
    }
    store_writer_tell_keeper(w);
    w->on_progress(w->arg);
}

/* A fold or a unit is committed: synced, or visible only. */
static void note_committed(rl_writer *w, const rl_fold_result *result, int64_t took_us) {
    note_writable(w);
    w->pace.idle_rounds = 0;
    atomic_fetch_add(&w->counts.folds, 1);
    atomic_fetch_add(&w->counts.batches, result->batches);
    atomic_fetch_add(&w->counts.changes, result->changes);
    atomic_fetch_add(&w->counts.rows, result->rows);
    atomic_store(&w->counts.last_us, (uint64_t)took_us);
    atomic_store(&w->counts.last_rows, result->rows);
    atomic_store(&w->counts.last_wall_ms, rl_clock_wall_ms());
    atomic_store(&w->counts.indexes_dropped, rl_fold_indexes_dropped(w->fold));
    atomic_store(&w->counts.dead, w->meta.dead);
    w->committed = result->last;
    w->committed_bytes += result->bytes;
    atomic_store(&w->told.visible_seq, result->seq);
    if (w->full) {
        store_writer_note_synced(w);
        return;
    }
    atomic_store(&w->told.folding_bytes, 0); /* they stay in memory until the sync */
    store_writer_tell_keeper(w);
    w->on_progress(w->arg);
}

void store_writer_doubt_unsynced(rl_writer *w, int rc) {
    if (w->wal.held && (rc & 0xff) == SQLITE_IOERR)
        w->sync_failed = true;
}

int store_writer_sync_committed(rl_writer *w) {
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
    store_writer_note_synced(w);
    return SQLITE_OK;
}

int store_writer_choose_sync(rl_writer *w, bool full) {
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
            atomic_store(&w->told.standing, (rl_batch *)next);
            w->on_progress(w->arg);
        }
    }
}

/* One transaction: a prefix of what is there, or one unit. With `full` it is synced, else perhaps
 * not. */
static int fold_once(rl_writer *w, const rl_batch *first, bool full) {
    int64_t from_us = rl_clock_mono_us();
    rl_job *job = rl_batch_job(first);
    rl_fold_result result;
    rl_job_end end;
    rl_keeper_gate_enter(w->keeper);
    int rc = store_writer_choose_sync(w, full || job);
    if (rc == SQLITE_OK)
        rc = job ? rl_transact_unit(w->fold, w->db, first, &result, &end)
                 : rl_fold_run(w->fold, first, atomic_load(&w->asked.transaction_bytes), &result);
    rl_keeper_gate_leave(w->keeper);
    int64_t took_us = rl_clock_mono_us() - from_us;
    w->pace.took_us += took_us;
    if (rc != SQLITE_OK) {
        store_writer_doubt_unsynced(w, rc);
        note_failure(w, rc);
        return rc;
    }
    note_committed(w, &result, took_us);
    if (job) {
        store_writer_count_job(w, &w->counts.units, &end);
        job->done(job, end.rc, end.why);
    }
    return SQLITE_OK;
}

/* From the start of one fold by time to the next. After a fold that took long, longer: rows that
 * change often and pages with many changed rows are then written less often, and the next fold
 * costs little more. */
static int64_t fold_pause_ms(const rl_writer *w) {
    int64_t pause_ms = w->pace.took_us / 1000 * PAUSE_FACTOR;
    if (pause_ms > PAUSE_MOST_MS)
        pause_ms = PAUSE_MOST_MS;
    int64_t interval_ms = atomic_load(&w->asked.interval_ms);
    return pause_ms > interval_ms ? pause_ms : interval_ms;
}

/* Folds until nothing more is wanted. With `full`, what was committed is synced then. */
static void fold_wanted(rl_writer *w, bool full) {
    const rl_batch *next;
    if (w->sync_failed && store_writer_sync_committed(w) != SQLITE_OK)
        return;
    while ((next = next_batch(w)) != NULL) {
        if (fold_once(w, next, full) != SQLITE_OK)
            return;
        store_writer_run_jobs(w);
        if (w->sync_failed)
            break;
        /* What came meanwhile waits for its turn, unless somebody wants it. */
        full = atomic_load(&w->asked.wanted_seq) > w->meta.folded_seq;
        if (!full && atomic_load(&w->asked.shown_seq) <= w->meta.folded_seq)
            break;
    }
}

int64_t store_writer_fold_due(rl_writer *w) {
    int64_t now_ms = rl_clock_mono_ms();
    uint64_t folded = atomic_load_explicit(&w->told.folded_seq, memory_order_relaxed);
    bool full = now_ms >= w->pace.folded_ms + fold_pause_ms(w) || w->pace.retry_at_ms != 0 ||
                w->sync_failed || atomic_load(&w->asked.wanted_seq) > folded ||
                rl_keeper_held_up(w->keeper);
    bool due = full || atomic_load(&w->asked.shown_seq) > w->meta.folded_seq;
    if (due && now_ms >= w->pace.retry_at_ms) {
        if (full) {
            w->pace.folded_ms = now_ms;
            w->pace.took_us = 0;
            /* The cache is of use from fold to fold; when nobody writes, the memory is better
             * given back. */
            if (++w->pace.idle_rounds == IDLE_ROUNDS)
                sqlite3_db_release_memory(w->db);
        }
        fold_wanted(w, full);
        if (full && w->wal.held && w->pace.retry_at_ms == 0)
            store_writer_sync_committed(w);
    }
    return w->pace.retry_at_ms ? w->pace.retry_at_ms : w->pace.folded_ms + fold_pause_ms(w);
}

void store_writer_fold_rest(rl_writer *w) {
    int attempts = STOP_ATTEMPTS;
    for (;;) {
        const rl_batch *next = next_batch(w);
        bool failed = false;
        if (w->sync_failed || (next == NULL && w->wal.held))
            failed = store_writer_sync_committed(w) != SQLITE_OK;
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
