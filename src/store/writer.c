/* SPDX-License-Identifier: MIT */
/* The writer's connection and its thread; see writer.h. */
#include "store/writer_internal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/store.h"
#include "store/thread.h"

#define REWRITE_TRIES    50
#define REWRITE_PAUSE_MS 100

enum { STOP_NOT, STOP_NOW, STOP_FOLDED };

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
    sem_init(&w->asked.wake, 0, 0);
    atomic_init(&w->told.folded_seq, w->meta.folded_seq);
    atomic_init(&w->told.visible_seq, w->meta.folded_seq);
    atomic_init(&w->asked.transaction_bytes, WRITER_TRANSACTION_BYTES);
    *out = w;
    return RL_STORE_OK;
}

const rl_schema_meta *rl_writer_meta(const rl_writer *w) {
    return &w->meta;
}

int rl_writer_rewrite_wal(rl_writer *w, char *error, size_t error_len) {
    int rc = rl_wal_mend(&w->wal);
    for (int i = 0; i < REWRITE_TRIES && rc == SQLITE_BUSY; i++) {
        nanosleep(&(struct timespec){.tv_nsec = REWRITE_PAUSE_MS * 1000000L}, NULL);
        rc = rl_wal_mend(&w->wal);
    }
    if (rc == SQLITE_OK)
        return RL_STORE_OK;
    rl_wal_release(&w->wal);
    snprintf(error, error_len, "%s while syncing %s-wal", sqlite3_errstr(rc), w->path);
    return rl_schema_error_of(rc);
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
    sem_destroy(&w->asked.wake);
    rl_free(w->path);
    rl_free(w);
}

/* Durability was switched on while the server runs. Making the first segment takes a moment, hence
 * here. */
static void start_journal(rl_writer *w) {
    char error[512];
    int rc = rl_journal_start(w->journal, atomic_load(&w->told.folded_seq), error, sizeof error);
    if (rc != RL_JOURNAL_OK) {
        if (!atomic_exchange(&w->told.journal_failed, true))
            rl_log(RL_LOG_WARNING, "journal: %s; trying again", error);
        w->on_progress(w->arg);
        return;
    }
    atomic_store(&w->told.journal_failed, false);
    atomic_store(&w->told.journal_started, true);
    w->on_progress(w->arg);
}

static void sleep_until(rl_writer *w, int64_t until_ms) {
    struct timespec t = {.tv_sec = until_ms / 1000, .tv_nsec = until_ms % 1000 * 1000000};
    if (sem_clockwait(&w->asked.wake, CLOCK_MONOTONIC, &t) == 0)
        atomic_store(&w->asked.awake, false); /* before the round looks at what is wanted */
}

static void writer_main(void *arg) {
    rl_writer *w = arg;
    w->pace.folded_ms = rl_clock_mono_ms();
    while (atomic_load(&w->asked.stop) == STOP_NOT) {
        if (atomic_load(&w->asked.journal_wanted) && !atomic_load(&w->told.journal_started))
            start_journal(w);
        store_writer_run_jobs(w);
        int64_t until_ms = store_writer_fold_due(w);
        store_writer_sweep_some(w);
        if (w->meta.dead && w->sweeping.at_ms < until_ms && !w->sync_failed && !w->pace.retry_at_ms)
            until_ms = w->sweeping.at_ms;
        rl_keeper_poke(w->keeper);
        sleep_until(w, until_ms);
    }
    if (atomic_load(&w->asked.stop) == STOP_FOLDED) {
        store_writer_fold_rest(w);
        store_writer_run_jobs(w);
    } else if (w->wal.held && !w->sync_failed) {
        store_writer_sync_committed(w);
    }
    store_writer_refuse_jobs(w);
}

int rl_writer_start(rl_writer *w, const rl_writer_options *options, char *error, size_t error_len) {
    w->journal = options->journal;
    w->keeper = options->keeper;
    w->on_progress = options->on_progress;
    w->arg = options->arg;
    w->committed = options->standing;
    atomic_store(&w->told.standing, options->standing);
    atomic_store(&w->counts.dead, w->meta.dead);
    atomic_store(&w->asked.interval_ms, options->fold_interval_ms);
    atomic_store(&w->told.journal_started, options->journal_started);
    rl_fold_report(w->fold, store_writer_on_rows, w);
    int failed = rl_thread_start(&w->thread, "rl-store", RL_STORE_NICE, writer_main, w);
    if (failed) {
        snprintf(error, error_len, "cannot start the store thread: %s", strerror(failed));
        return RL_STORE_IO;
    }
    return RL_STORE_OK;
}

int rl_writer_stop(rl_writer *w, bool fold) {
    atomic_store(&w->asked.stop, fold ? STOP_FOLDED : STOP_NOW);
    rl_writer_wake(w);
    pthread_join(w->thread, NULL);
    atomic_store(&w->asked.stop, STOP_NOT);
    if (fold && rl_batch_next_load(atomic_load(&w->told.standing)) != NULL)
        return (int)(atomic_load(&w->told.failure) >> 32);
    return SQLITE_OK;
}
