/* SPDX-License-Identifier: MIT */
/*
 * A database with a few keys, a writing and a reading connection as the server has them, and an
 * engine on each. For tests/unit/sql.
 */
#ifndef TESTS_UNIT_SQL_RIG_H
#define TESTS_UNIT_SQL_RIG_H

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "lib/store_files.h"
#include "sql/engine.h"
#include "store/schema.h"
#include "store/store.h"

static struct rig {
    char *dir;
    char path[1024];
    sqlite3 *writing, *reading;
    rl_sql_engine *writer, *reader;
    rl_sql_query query; /* what `ask` sends besides text and parameters */
    rl_chain out;
    rl_sql_outcome outcome;
    char *text; /* the answer, zero-terminated */
    size_t len;
} rig;

static void rig_connect(void) {
    char error[512];
    rl_schema_meta meta;
    int code = rl_schema_open(rig.path, &rig.writing, &meta, error, sizeof error);
    cr_assert_eq(code, RL_STORE_OK, "%s", error);
    code = rl_schema_open_more(rig.path, true, &rig.reading, error, sizeof error);
    cr_assert_eq(code, RL_STORE_OK, "%s", error);
    sqlite3_db_config(rig.writing, SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, NULL);
    store_sql_run(rig.writing, "PRAGMA foreign_keys = ON");
    rig.writer = rl_sql_engine_create(rig.writing, RL_SQL_WRITER);
    rig.reader = rl_sql_engine_create(rig.reading, RL_SQL_READER);
}

static void rig_disconnect(void) {
    rl_sql_engine_free(rig.reader);
    cr_assert_eq(sqlite3_close(rig.reading), SQLITE_OK, "the reader left something open");
    cr_assert_eq(sqlite3_close(rig.writing), SQLITE_OK, "the writer left something open");
    rl_sql_engine_free(rig.writer);
}

static void rig_start(void) {
    rl_clock_init();
    rig = (struct rig){.dir = store_files_make()};
    snprintf(rig.path, sizeof rig.path, "%s", store_files_path(rig.dir, "data.db"));
    rig.query.resp = 3;
    rig.query.limits = (rl_sql_limits){.timeout_ms = 60000, .max_rows = 1000, .max_bytes = 1 << 20};
    rig_connect();
    store_sql_run(
        rig.writing,
        "INSERT INTO rl_key(id, db, type, expires_at, key, value) VALUES"
        "(1, 0, 1, NULL, 'user:1', '{\"name\":\"Ada\"}'), (2, 0, 1, NULL, 'counter', '11'),"
        "(3, 0, 1, %lld, 'session', 'live'), (4, 0, 1, 1000, 'gone', 'dead'),"
        "(5, 3, 1, NULL, 'user:1', 'in three'), (6, 0, 1, NULL, X'00ff', X'fe00'),"
        "(7, 0, 2, NULL, 'queue', NULL)",
        (long long)rl_clock_wall_ms() + 3600000);
}

static void rig_stop(void) {
    rig_disconnect();
    rl_chain_release(&rig.out);
    rl_free(rig.text);
    rl_chain_pool_release();
    store_files_remove(rig.dir);
}

/* The chain's bytes as text, which is emptied. */
static void take_text(void) {
    rl_free(rig.text);
    rig.len = rl_chain_pending(&rig.out);
    rig.text = rl_malloc(rig.len + 1);
    char *to = rig.text;
    while (rl_chain_pending(&rig.out)) {
        struct iovec iov;
        size_t total;
        rl_chain_peek(&rig.out, UINT64_MAX, &iov, 1, &total);
        memcpy(to, iov.iov_base, total);
        to += total;
        rl_chain_consume(&rig.out, total);
    }
    *to = '\0';
}

/* Nothing of the run may be left on a connection. */
static void expect_clean(void) {
    cr_assert_eq(sqlite3_txn_state(rig.reading, NULL), SQLITE_TXN_NONE, "a reader kept a snapshot");
    cr_assert(sqlite3_get_autocommit(rig.reading));
}

static void run_query(rl_sql_engine *engine, const rl_sql_query *q) {
    bool writes = engine == rig.writer;
    if (writes)
        store_sql_run(rig.writing, "BEGIN IMMEDIATE");
    rig.outcome = rl_sql_engine_run(engine, q, NULL, &rig.out);
    if (writes) {
        bool open = !sqlite3_get_autocommit(rig.writing);
        cr_assert_eq(open, rig.outcome == RL_SQL_ANSWERED || rig.outcome == RL_SQL_ERROR,
                     "outcome %d with open %d", rig.outcome, open);
        if (open) /* an error has undone the script: what is left is committed */
            store_sql_run(rig.writing, "COMMIT");
        for (sqlite3_stmt *s = NULL; (s = sqlite3_next_stmt(rig.writing, s)) != NULL;)
            cr_assert_not(sqlite3_stmt_busy(s), "the writer kept %s", sqlite3_sql(s));
    }
    expect_clean();
    take_text();
    cr_assert_eq(rig.outcome == RL_SQL_ANSWERED || rig.outcome == RL_SQL_WRITES,
                 rl_sql_engine_error_code(engine)[0] == '\0');
    if (rig.outcome == RL_SQL_WRITES)
        cr_assert_eq(rig.len, 0);
}

#define PARAMS_MAX 8

static const char *run_list(rl_sql_engine *engine, const char *sql, va_list list) {
    rl_bytes params[PARAMS_MAX];
    rl_sql_query q = rig.query;
    q.text = rl_bytes_text(sql);
    q.params = params;
    for (const char *p; (p = va_arg(list, const char *)) != NULL; q.param_count++)
        params[q.param_count] = rl_bytes_text(p);
    run_query(engine, &q);
    return rig.text;
}

/* One engine. The parameters end with NULL. The answer is valid until the next question. */
static const char *run_on(rl_sql_engine *engine, const char *sql, ...)
    __attribute__((sentinel, unused));
static const char *run_on(rl_sql_engine *engine, const char *sql, ...) {
    va_list list;
    va_start(list, sql);
    run_list(engine, sql, list);
    va_end(list);
    return rig.text;
}

/* As the server: a reader, and the writer if that has to be. */
static const char *ask(const char *sql, ...) __attribute__((sentinel, unused));
static const char *ask(const char *sql, ...) {
    va_list list;
    va_start(list, sql);
    run_list(rig.reader, sql, list);
    va_end(list);
    if (rig.outcome != RL_SQL_WRITES)
        return rig.text;
    va_start(list, sql);
    run_list(rig.writer, sql, list);
    va_end(list);
    return rig.text;
}

/* The answer of both, which must be the same. */
#define EXPECT_BOTH(sql, answer)                                                                   \
    do {                                                                                           \
        cr_assert_str_eq(run_on(rig.reader, sql, NULL), answer, "reader, %s: %s", sql, rig.text);  \
        cr_assert_str_eq(run_on(rig.writer, sql, NULL), answer, "writer, %s: %s", sql, rig.text);  \
    } while (0)
#define EXPECT(sql, answer) cr_assert_str_eq(ask(sql, NULL), answer, "%s: %s", sql, rig.text)
/* Both refuse it, with an error that begins like this and has these words. */
#define EXPECT_REFUSED(sql, begin, words)                                                          \
    do {                                                                                           \
        rl_sql_engine *both[] = {rig.reader, rig.writer};                                          \
        for (int which = 0; which < 2; which++) {                                                  \
            run_on(both[which], sql, NULL);                                                        \
            cr_assert_eq(rig.outcome, RL_SQL_ERROR, "%s: outcome %d %s", sql, rig.outcome,         \
                         rig.text);                                                                \
            cr_assert_eq(strncmp(rig.text, "-" begin " ", sizeof begin + 1), 0, "%s: %s", sql,     \
                         rig.text);                                                                \
            cr_assert_not_null(strstr(rig.text, words), "%s: %s", sql, rig.text);                  \
            cr_assert_str_eq(rl_sql_engine_error_code(both[which]), begin);                        \
        }                                                                                          \
    } while (0)
/* The server's answer is an error with these words. */
#define EXPECT_ERROR(sql, begin, words)                                                            \
    do {                                                                                           \
        ask(sql, NULL);                                                                            \
        cr_assert_neq(rig.outcome, RL_SQL_ANSWERED, "%s: %s", sql, rig.text);                      \
        cr_assert_eq(strncmp(rig.text, "-" begin " ", sizeof begin + 1), 0, "%s: %s", sql,         \
                     rig.text);                                                                    \
        cr_assert_not_null(strstr(rig.text, words), "%s: %s", sql, rig.text);                      \
    } while (0)

#endif
