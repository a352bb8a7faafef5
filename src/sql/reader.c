/* SPDX-License-Identifier: MIT */
/* Readers; see reader.h. */
#include "sql/reader.h"

#include <pthread.h>
#include <stdio.h>
#include <uv.h>

#include "base/alloc.h"
#include "base/log.h"
#include "store/schema.h"
#include "store/thread.h"

typedef struct reader {
    rl_sql_readers *pool;
    pthread_t thread;
    uv_sem_t wake;
    /* What it runs. The loop's while idle, the thread's else. */
    rl_sql_call *call;
    _Atomic bool *cancelled;
    void *what;
    _Atomic bool idle, end;
    /* The thread's alone. */
    sqlite3 *db, *peek_db;
    sqlite3_stmt *peek;
    _Atomic(rl_sql_engine *) engine; /* the loop may interrupt it */
} reader;

struct rl_sql_readers {
    char *path;
    void (*done)(void *arg, void *what);
    void *arg;
    int started, count;
    reader at[];
};

/* What is committed is asked after a query, on a connection without a client's rules: the query has
 * seen that at most. Nothing that another thread says could tell it without a race. */
static bool peek_open(reader *x, char *error, size_t error_len) {
    static const char *const sql = "SELECT value FROM rl_meta WHERE name = 'folded_seq'";
    if (x->peek)
        return true;
    if (x->peek_db == NULL &&
        rl_schema_open_more(x->pool->path, true, &x->peek_db, error, error_len))
        return false;
    if (sqlite3_prepare_v3(x->peek_db, sql, -1, SQLITE_PREPARE_PERSISTENT, &x->peek, NULL) ==
        SQLITE_OK)
        return true;
    snprintf(error, error_len, "%s", sqlite3_errmsg(x->peek_db));
    return false;
}

static uint64_t peek_folded(reader *x) {
    uint64_t seq = UINT64_MAX;
    if (sqlite3_step(x->peek) == SQLITE_ROW)
        seq = (uint64_t)sqlite3_column_int64(x->peek, 0);
    sqlite3_reset(x->peek);
    return seq;
}

/* A connection that could not be opened is tried again with the next query. */
static bool reader_open(reader *x, char *error, size_t error_len) {
    if (atomic_load(&x->engine))
        return true;
    if (rl_schema_open_more(x->pool->path, true, &x->db, error, error_len))
        return false;
    atomic_store(&x->engine, rl_sql_engine_create(x->db, RL_SQL_READER));
    return true;
}

static void reader_run(reader *x) {
    char error[512] = "";
    if (reader_open(x, error, sizeof error) && peek_open(x, error, sizeof error)) {
        rl_sql_call_run(x->call, atomic_load(&x->engine), x->cancelled);
        x->call->seen_seq = peek_folded(x);
    } else {
        rl_sql_call_fail(x->call, "SQLERR %s", error);
    }
    void *what = x->what;
    atomic_store_explicit(&x->idle, true, memory_order_release);
    x->pool->done(x->pool->arg, what);
}

static void reader_main(void *arg) {
    reader *x = arg;
    for (;;) {
        uv_sem_wait(&x->wake);
        if (!atomic_load_explicit(&x->idle, memory_order_acquire))
            reader_run(x);
        if (atomic_load(&x->end))
            break;
    }
    rl_sql_engine_free(atomic_load(&x->engine));
    sqlite3_close(x->db);
    sqlite3_finalize(x->peek);
    sqlite3_close(x->peek_db);
    rl_chain_pool_release();
}

rl_sql_readers *rl_sql_readers_create(const char *path, int count,
                                      void (*done)(void *arg, void *what), void *arg) {
    rl_sql_readers *r = rl_calloc(1, sizeof *r + (size_t)count * sizeof *r->at);
    r->path = rl_strdup(path);
    r->count = count;
    r->done = done;
    r->arg = arg;
    return r;
}

void rl_sql_readers_free(rl_sql_readers *r) {
    if (r == NULL)
        return;
    for (int i = 0; i < r->started; i++) {
        atomic_store(&r->at[i].end, true);
        uv_sem_post(&r->at[i].wake);
    }
    for (int i = 0; i < r->started; i++) {
        pthread_join(r->at[i].thread, NULL);
        uv_sem_destroy(&r->at[i].wake);
    }
    rl_free(r->path);
    rl_free(r);
}

static bool reader_start(rl_sql_readers *r) {
    reader *x = &r->at[r->started];
    char name[24];
    *x = (reader){.pool = r};
    atomic_store(&x->idle, true);
    if (uv_sem_init(&x->wake, 0))
        return false;
    snprintf(name, sizeof name, "rl-sql-%d", r->started + 1);
    int code = rl_thread_start(&x->thread, name, RL_STORE_NICE, reader_main, x);
    if (code) {
        if (r->started == 0)
            rl_log(RL_LOG_WARNING, "sql: cannot start a reader thread: %s", strerror(code));
        uv_sem_destroy(&x->wake);
        return false;
    }
    r->started++;
    return true;
}

static reader *reader_idle(rl_sql_readers *r) {
    for (int i = 0; i < r->started; i++)
        if (atomic_load_explicit(&r->at[i].idle, memory_order_acquire))
            return &r->at[i];
    return r->started < r->count && reader_start(r) ? &r->at[r->started - 1] : NULL;
}

bool rl_sql_readers_give(rl_sql_readers *r, rl_sql_call *call, _Atomic bool *cancelled,
                         void *what) {
    reader *x = reader_idle(r);
    if (x == NULL)
        return false;
    x->call = call;
    x->cancelled = cancelled;
    x->what = what;
    atomic_store_explicit(&x->idle, false, memory_order_release);
    uv_sem_post(&x->wake);
    return true;
}

bool rl_sql_readers_none(const rl_sql_readers *r) {
    return r->started == 0;
}

static bool reader_at_work(const reader *x) {
    return !atomic_load_explicit(&x->idle, memory_order_acquire);
}

/* When it has come to its end meanwhile, this does nothing: SQLite forgets an interrupt that meets
 * no statement. */
static void reader_interrupt(reader *x) {
    rl_sql_engine *engine = atomic_load(&x->engine);
    if (engine)
        rl_sql_engine_interrupt(engine);
}

static void reader_cancel(reader *x) {
    if (!reader_at_work(x))
        return;
    atomic_store(x->cancelled, true);
    reader_interrupt(x);
}

void rl_sql_readers_cancel(rl_sql_readers *r, const void *what) {
    for (int i = 0; i < r->started; i++)
        if (r->at[i].what == what)
            reader_cancel(&r->at[i]);
}

void rl_sql_readers_cancel_all(rl_sql_readers *r) {
    for (int i = 0; i < r->started; i++)
        reader_cancel(&r->at[i]);
}

void rl_sql_readers_watch(rl_sql_readers *r, int64_t over_ms) {
    for (int i = 0; i < r->started; i++) {
        reader *x = &r->at[i];
        rl_sql_engine *engine = reader_at_work(x) ? atomic_load(&x->engine) : NULL;
        if (engine && rl_sql_engine_overdue(engine, over_ms))
            rl_sql_engine_interrupt(engine);
    }
}
