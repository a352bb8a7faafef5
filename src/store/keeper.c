/* SPDX-License-Identifier: MIT */
/*
 * The keeper; see keeper.h.
 *
 * Numbers. A run raises `started`, then reads `required_seq`, and counts as done only if that much
 * is folded; a request stores `required_seq`, then reads `started` and is answered by a run after
 * it. Both sides sequentially consistent: a request that still saw the old `started` is seen by the
 * run that raised it. While a fold is missing, as on a full disk, runs by time and size go on: they
 * may be what makes room.
 */
#include "store/keeper.h"

#include <inttypes.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/schema.h"
#include "store/store.h"
#include "store/thread.h"
#include "store/wal_pin.h"
#include "store/wal_sync.h"

#define RETRY_MS 1000
/* While a reader pins the WAL, its size gives a reason at every commit, and nothing can be done. */
#define PINNED_MS 1000

struct rl_keeper {
    char *path;
    rl_keeper_options options;
    sqlite3 *db; /* the thread's own, once it runs */
    pthread_t thread;
    pthread_mutex_t gate;

    pthread_mutex_t lock; /* of what follows; never held during I/O */
    pthread_cond_t changed;
    bool stopping;
    uint64_t folded_seq;
    uint64_t commits; /* seen so far */

    _Atomic bool held_up;
    _Atomic uint32_t interval_ms;
    _Atomic uint64_t wal_limit; /* options.wal_bytes */
    _Atomic uint64_t wal_bytes, db_bytes;
    _Atomic uint64_t started, required_seq, wanted;
    _Atomic uint64_t done, failures, last_us;
    _Atomic int64_t last_wall_ms;
    _Atomic int64_t pinned_since_ms;
    _Atomic uint64_t pinned_bytes;
    _Atomic int pinned_pid;
    _Atomic uint64_t pinned_name[2]; /* 16 characters */

    /* the thread's own */
    wal_pin pin;
    uint64_t frame_bytes;
    bool doubtful;    /* a checkpoint failed: what was copied may be lost */
    uint64_t copied;  /* commits when a checkpoint last found everything copied */
    uint64_t emptied; /* commits when the WAL was last truncated */
};

void rl_keeper_gate_enter(rl_keeper *k) {
    pthread_mutex_lock(&k->gate);
}

void rl_keeper_gate_leave(rl_keeper *k) {
    pthread_mutex_unlock(&k->gate);
}

void rl_keeper_folded(rl_keeper *k, uint64_t folded_seq, uint64_t wal_bytes) {
    atomic_store(&k->wal_bytes, wal_bytes);
    pthread_mutex_lock(&k->lock);
    k->folded_seq = folded_seq;
    k->commits++;
    pthread_cond_signal(&k->changed);
    pthread_mutex_unlock(&k->lock);
}

bool rl_keeper_held_up(const rl_keeper *k) {
    return atomic_load(&k->held_up);
}

void rl_keeper_poke(rl_keeper *k) {
    pthread_mutex_lock(&k->lock);
    pthread_cond_signal(&k->changed);
    pthread_mutex_unlock(&k->lock);
}

uint64_t rl_keeper_request(rl_keeper *k, uint64_t seq) {
    atomic_store(&k->required_seq, seq);
    uint64_t number = atomic_load(&k->started) + 1;
    atomic_store(&k->wanted, number);
    return number;
}

void rl_keeper_set(rl_keeper *k, uint32_t interval_ms, uint64_t wal_bytes) {
    atomic_store(&k->interval_ms, interval_ms);
    atomic_store(&k->wal_limit, wal_bytes);
}

/* Who is in the way, if anybody, for all to see. */
static void note_pin(rl_keeper *k, int in_wal, int copied) {
    uint64_t name[2];
    store_wal_pin_note(&k->pin, k->path, in_wal, copied, k->frame_bytes);
    memcpy(name, k->pin.name, sizeof name);
    atomic_store(&k->pinned_bytes, k->pin.bytes);
    atomic_store(&k->pinned_pid, k->pin.pid);
    atomic_store(&k->pinned_name[0], name[0]);
    atomic_store(&k->pinned_name[1], name[1]);
    atomic_store(&k->pinned_since_ms, k->pin.since_ms);
}

static void read_pin(const rl_keeper *k, rl_keeper_stats *out) {
    int64_t since_ms = atomic_load(&k->pinned_since_ms);
    out->pinned_ms = since_ms ? rl_clock_mono_ms() - since_ms + 1 : 0; /* 0 would say: nobody */
    out->pinned_bytes = atomic_load(&k->pinned_bytes);
    out->pinned_pid = atomic_load(&k->pinned_pid);
    uint64_t name[2] = {atomic_load(&k->pinned_name[0]), atomic_load(&k->pinned_name[1])};
    memcpy(out->pinned_by, name, sizeof name);
    out->pinned_by[sizeof name] = '\0';
}

void rl_keeper_stats_read(const rl_keeper *k, rl_keeper_stats *out) {
    out->wanted = atomic_load(&k->wanted);
    out->done = atomic_load(&k->done);
    out->failures = atomic_load(&k->failures);
    out->last_us = atomic_load(&k->last_us);
    out->last_wall_ms = atomic_load(&k->last_wall_ms);
    out->wal_bytes = atomic_load(&k->wal_bytes);
    out->db_bytes = atomic_load(&k->db_bytes);
    read_pin(k, out);
}

/* With `wait`, behind a fold that is on; otherwise there is none, or SQLITE_BUSY. Cutting a large
 * file takes the system long when the disk is busy, and the next fold would wait for it. */
static int truncate_wal(rl_keeper *k, uint64_t *commits, bool wait) {
    if (wait)
        rl_keeper_gate_enter(k);
    else if (pthread_mutex_trylock(&k->gate) != 0)
        return SQLITE_BUSY;
    int rc = sqlite3_wal_checkpoint_v2(k->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    if (rc == SQLITE_OK) {
        atomic_store(&k->wal_bytes, 0);
        pthread_mutex_lock(&k->lock); /* commits cannot move: the gate is ours */
        *commits = k->commits;
        pthread_mutex_unlock(&k->lock);
        k->emptied = k->copied = *commits;
    }
    rl_keeper_gate_leave(k);
    return rc;
}

/* data.db grows by checkpoints only. */
static void note_size(rl_keeper *k) {
    struct stat st;
    if (stat(k->path, &st) == 0)
        atomic_store(&k->db_bytes, (uint64_t)st.st_size);
}

/* One checkpoint. `commits` is what had been committed before it, `idle` that nothing came for a
 * while. */
static int checkpoint(rl_keeper *k, uint64_t commits, bool idle) {
    int in_wal = 0, copied = 0;
    int rc = k->doubtful ? rl_wal_copy_again(k->db) : SQLITE_OK;
    if (rc != SQLITE_OK)
        return rc;
    k->doubtful = false;
    rc = sqlite3_wal_checkpoint_v2(k->db, NULL, SQLITE_CHECKPOINT_PASSIVE, &in_wal, &copied);
    if (rc != SQLITE_OK)
        return rc;
    if (copied >= in_wal)
        k->copied = commits;
    note_pin(k, in_wal, copied);
    bool large = atomic_load(&k->wal_bytes) > k->options.wal_large_bytes;
    if ((idle && copied >= in_wal) || (large && copied > in_wal / 2)) {
        /* A reader in the way is no failure: everything is copied, and the next time may do. */
        int truncated = truncate_wal(k, &commits, large);
        if (truncated != SQLITE_OK && (truncated & 0xff) != SQLITE_BUSY)
            return truncated;
    }
    return SQLITE_OK;
}

/* Waits for a signal, at most wait_ms (< 0: for ever). The lock is held. */
static void wait_changed(rl_keeper *k, int64_t wait_ms) {
    if (wait_ms < 0) {
        pthread_cond_wait(&k->changed, &k->lock);
        return;
    }
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += wait_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_cond_timedwait(&k->changed, &k->lock, &until);
}

/* Folds of scattered rows write the same pages again and again, and a checkpoint copies each only
 * once: a database that is large and busy gains by letting the WAL grow with it. */
static uint64_t size_limit(const rl_keeper *k) {
    uint64_t limit = atomic_load(&k->db_bytes);
    if (limit > k->options.wal_bytes_most)
        limit = k->options.wal_bytes_most;
    uint64_t least = atomic_load(&k->wal_limit);
    return limit > least ? limit : least;
}

/* Waits until there is a reason to run: asked for, time, or size. Returns with the lock held; *idle
 * says that nothing was committed since the last run. */
static void wait_reason(rl_keeper *k, int64_t last_ms, uint64_t last_commits, bool *idle) {
    pthread_mutex_lock(&k->lock);
    while (!k->stopping) {
        *idle = k->commits == last_commits;
        if (atomic_load(&k->wanted) > atomic_load(&k->done) &&
            k->folded_seq >= atomic_load(&k->required_seq))
            return;
        bool large = k->commits != k->copied && atomic_load(&k->wal_bytes) > size_limit(k);
        int64_t since_ms = rl_clock_mono_ms() - last_ms;
        if (large && (k->pin.since_ms == 0 || since_ms >= PINNED_MS))
            return;
        int64_t left_ms = -1; /* the WAL is empty: nothing to do until the next commit */
        if (k->commits != k->emptied) {
            left_ms = atomic_load(&k->interval_ms) - since_ms;
            if (left_ms <= 0)
                return;
        }
        wait_changed(k, left_ms);
    }
}

/* With the lock held: tries run number `number` until it succeeds or the keeper stops. */
static void run_checkpoint(rl_keeper *k, bool idle) {
    uint64_t number = atomic_fetch_add(&k->started, 1) + 1;
    bool counts = k->folded_seq >= atomic_load(&k->required_seq);
    while (!k->stopping) {
        uint64_t commits = k->commits;
        pthread_mutex_unlock(&k->lock);
        int64_t from_us = rl_clock_mono_us();
        int rc = checkpoint(k, commits, idle);
        atomic_store(&k->held_up, (rc & 0xff) == SQLITE_BUSY);
        if (rc == SQLITE_OK) {
            atomic_store(&k->last_us, (uint64_t)(rl_clock_mono_us() - from_us));
            atomic_store(&k->last_wall_ms, rl_clock_wall_ms());
            note_size(k);
            if (counts)
                atomic_store(&k->done, number);
            k->options.on_done(k->options.arg);
            pthread_mutex_lock(&k->lock);
            return;
        }
        k->doubtful |= (rc & 0xff) == SQLITE_IOERR;
        if ((rc & 0xff) != SQLITE_BUSY) {
            atomic_fetch_add(&k->failures, 1);
            rl_log(RL_LOG_WARNING, "%s: checkpoint: %s; trying again", k->path, sqlite3_errstr(rc));
        }
        pthread_mutex_lock(&k->lock);
        if (!k->stopping)
            wait_changed(k, RETRY_MS);
    }
}

static void keeper_main(void *arg) {
    rl_keeper *k = arg;
    int64_t last_ms = rl_clock_mono_ms();
    uint64_t last_commits = 0;
    for (;;) {
        bool idle = false;
        wait_reason(k, last_ms, last_commits, &idle);
        if (k->stopping)
            break;
        last_commits = k->commits;
        run_checkpoint(k, idle);
        pthread_mutex_unlock(&k->lock);
        last_ms = rl_clock_mono_ms();
    }
    pthread_mutex_unlock(&k->lock);
}

static uint64_t page_bytes(sqlite3 *db) {
    sqlite3_stmt *stmt;
    uint64_t bytes = 4096;
    if (sqlite3_prepare_v2(db, "PRAGMA page_size", -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        bytes = (uint64_t)sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return bytes;
}

static void keeper_free(rl_keeper *k) {
    if (k->doubtful)
        rl_wal_copy_again(k->db); /* for the one at the store's end */
    sqlite3_close(k->db);
    pthread_mutex_destroy(&k->gate);
    pthread_mutex_destroy(&k->lock);
    pthread_cond_destroy(&k->changed);
    rl_free(k->path);
    rl_free(k);
}

int rl_keeper_start(const rl_keeper_options *options, rl_keeper **out, char *error,
                    size_t error_len) {
    sqlite3 *db;
    int code = rl_schema_open_more(options->path, false, &db, error, error_len);
    if (code != RL_STORE_OK)
        return code;
    /* Whoever is in the way may stay: the next checkpoint comes. The store waits at the gate
     * meanwhile. */
    sqlite3_busy_timeout(db, 0);
    rl_keeper *k = rl_calloc(1, sizeof *k);
    k->options = *options;
    k->path = rl_strdup(options->path);
    k->db = db;
    k->folded_seq = options->folded_seq;
    k->frame_bytes = page_bytes(db) + 24;
    rl_keeper_set(k, options->interval_ms, options->wal_bytes);
    note_size(k);
    k->commits = 1; /* what an earlier process left in the WAL */
    pthread_mutex_init(&k->gate, NULL);
    pthread_mutex_init(&k->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&k->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    int failed = rl_thread_start(&k->thread, "rl-keeper", RL_STORE_NICE, keeper_main, k);
    if (failed) {
        snprintf(error, error_len, "cannot start the keeper thread: %s", strerror(failed));
        keeper_free(k);
        return RL_STORE_IO;
    }
    *out = k;
    return RL_STORE_OK;
}

void rl_keeper_stop(rl_keeper *k) {
    if (k == NULL)
        return;
    pthread_mutex_lock(&k->lock);
    k->stopping = true;
    pthread_cond_signal(&k->changed);
    pthread_mutex_unlock(&k->lock);
    pthread_join(k->thread, NULL);
    keeper_free(k);
}
