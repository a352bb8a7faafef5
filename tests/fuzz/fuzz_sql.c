/* SPDX-License-Identifier: MIT */
/*
 * Runs any bytes as SQL, on a reader and on the writer, over a small database with keys, tables,
 * full-text search and triggers. Whatever the text does: the tables of keys stay as they are, the
 * transaction is where the outcome says, the reader holds no snapshot, and the answer is RESP.
 *
 * An input is a byte of options (1: RESP3, 2: types) and fields that end at a byte 0x1e: the text,
 * then parameters; with types, the letters come between.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "sql/engine.h"
#include "store/schema.h"
#include "store/store.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FIELDS_MAX 10

static char directory[] = "/tmp/fuzz-sql-XXXXXX";
static sqlite3 *writing, *reading;
static rl_sql_engine *writer, *reader;
static char *before; /* what may not change, as text */

static const char tables[] =
    "CREATE TABLE p(a INTEGER PRIMARY KEY, b UNIQUE, c);"
    "CREATE TABLE c(a REFERENCES p(a) DEFERRABLE INITIALLY DEFERRED, b CHECK(b <> 'no'));"
    "CREATE VIEW v AS SELECT p.a, k.key, k.value FROM p LEFT JOIN keys AS k ON k.key = p.b;"
    "CREATE TRIGGER v_in INSTEAD OF INSERT ON v BEGIN INSERT INTO p(b) VALUES(new.key); END;"
    "CREATE TRIGGER p_out AFTER DELETE ON p BEGIN DELETE FROM rl_key WHERE key = old.b; END;"
    "CREATE INDEX k_value ON rl_key(value) WHERE type = 1;"
    "CREATE INDEX k_name ON rl_key(json_extract(value, '$.name')) WHERE json_valid(value);"
    "CREATE VIRTUAL TABLE f USING fts5(b, content='p', content_rowid='a');"
    "CREATE VIRTUAL TABLE r USING rtree(id, x, y);"
    "INSERT INTO p(b) VALUES('user:1'), ('counter');"
    "INSERT INTO c VALUES(1, 'yes'); INSERT INTO f(f) VALUES('rebuild');"
    "INSERT INTO r VALUES(1, 0, 1);"
    "INSERT INTO rl_key(id, db, type, expires_at, key, value) VALUES"
    "(1, 0, 1, NULL, 'user:1', '{\"name\":\"Ada\"}'), (2, 0, 1, 1, 'gone', 'x'),"
    "(3, 1, 2, 99999999999999, X'00ff', NULL), (4, 0, 1, NULL, 'counter', '11')";

/* All that clients may not change: rows of keys, and the schema of ours. */
static char *protected_text(sqlite3 *db) {
    static const char sql[] =
        "SELECT coalesce(group_concat(t, ';'), '') FROM ("
        "SELECT printf('%d %d %d %s %s %s', id, db, type, expires_at, hex(key), hex(value)) AS t"
        " FROM rl_key UNION ALL SELECT name || '=' || value FROM rl_meta UNION ALL"
        " SELECT type || ' ' || name || ' ' || coalesce(sql, '') FROM sqlite_schema"
        " WHERE name LIKE 'rl\\_%' ESCAPE '\\' OR name IN ('keys', 'strings', 'hashes', 'lists',"
        " 'sets', 'zsets', 'streams'))";
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    assert(rc == SQLITE_OK);
    rc = sqlite3_step(stmt);
    assert(rc == SQLITE_ROW);
    char *text = rl_strdup((const char *)sqlite3_column_text(stmt, 0));
    sqlite3_finalize(stmt);
    return text;
}

static void clean_up(void) {
    rl_sql_engine_free(reader);
    rl_sql_engine_free(writer);
    sqlite3_close(reading);
    sqlite3_close(writing);
    rl_free(before);
    static const char *const names[] = {"data.db-shm", "data.db-wal", "data.db"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[64];
        snprintf(path, sizeof path, "%s/%s", directory, names[i]);
        unlink(path);
    }
    rmdir(directory);
}

static void make_database(void) {
    rl_clock_init();
    char path[64], error[256];
    if (!mkdtemp(directory))
        abort();
    snprintf(path, sizeof path, "%s/data.db", directory);
    rl_schema_meta meta;
    if (rl_schema_open(path, &writing, &meta, error, sizeof error) ||
        rl_schema_open_more(path, true, &reading, error, sizeof error))
        abort();
    atexit(clean_up);
    sqlite3_db_config(writing, SQLITE_DBCONFIG_ENABLE_TRIGGER, 1, NULL);
    int rc = sqlite3_exec(writing, "PRAGMA foreign_keys = ON", NULL, NULL, NULL);
    assert(rc == SQLITE_OK);
    rc = sqlite3_exec(writing, tables, NULL, NULL, NULL);
    assert(rc == SQLITE_OK);
    writer = rl_sql_engine_create(writing, RL_SQL_WRITER);
    reader = rl_sql_engine_create(reading, RL_SQL_READER);
    before = protected_text(writing);
}

/* --- RESP ------------------------------------------------------------------------------------ */

static const char *line_end(const char *at, const char *end) {
    const char *stop = memchr(at, '\r', (size_t)(end - at));
    assert(stop && stop + 1 < end && stop[1] == '\n');
    return stop + 2;
}

/* Behind the one value that begins there. Three levels: a script, its statements, their rows. */
static const char *skip_value(const char *at, const char *end, int depth) {
    assert(at < end && depth < 4);
    const char *next = line_end(at, end);
    long long count = *at == '*' || *at == '$' ? atoll(at + 1) : 0;
    switch (*at) {
    case '*':
        for (long long i = 0; i < count; i++)
            next = skip_value(next, end, depth + 1);
        return next;
    case '$':
        if (count < 0)
            return next;
        assert(end - next >= count + 2 && memcmp(next + count, "\r\n", 2) == 0);
        return next + count + 2;
    case '-':
        assert(depth == 0);
        return next;
    default:
        assert(*at == ':' || *at == ',' || *at == '_');
        return next;
    }
}

static void check_answer(rl_chain *out, rl_sql_outcome outcome) {
    size_t len = rl_chain_pending(out);
    char *bytes = rl_malloc(len + 1);
    size_t at = 0;
    while (at < len) {
        struct iovec iov;
        size_t total;
        rl_chain_peek(out, UINT64_MAX, &iov, 1, &total);
        memcpy(bytes + at, iov.iov_base, total);
        at += total;
        rl_chain_consume(out, total);
    }
    bytes[len] = '\0'; /* for atoll */
    if (outcome == RL_SQL_WRITES) {
        assert(len == 0);
    } else {
        assert((bytes[0] == '-') == (outcome != RL_SQL_ANSWERED));
        const char *end = skip_value(bytes, bytes + len, 0);
        assert(end == bytes + len);
        assert(bytes[0] != '-' || memcmp(bytes, "-SQL", 4) == 0);
        (void)end;
    }
    rl_free(bytes);
}

/* --- runs ------------------------------------------------------------------------------------ */

static void run_reader(const rl_sql_query *q) {
    rl_chain out = {0};
    for (int i = 0; i < 2; i++) { /* the second may come from the cache */
        rl_sql_outcome outcome = rl_sql_engine_run(reader, q, NULL, &out);
        assert(outcome == RL_SQL_ANSWERED || outcome == RL_SQL_ERROR || outcome == RL_SQL_WRITES);
        assert(sqlite3_get_autocommit(reading));
        assert(sqlite3_txn_state(reading, NULL) == SQLITE_TXN_NONE);
        check_answer(&out, outcome);
    }
}

static void run_writer(const rl_sql_query *q) {
    rl_chain out = {0};
    int rc = sqlite3_exec(writing, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    assert(rc == SQLITE_OK);
    rl_sql_outcome outcome = rl_sql_engine_run(writer, q, NULL, &out);
    bool open = !sqlite3_get_autocommit(writing);
    assert(open == (outcome == RL_SQL_ANSWERED || outcome == RL_SQL_ERROR));
    assert(outcome != RL_SQL_BROKEN && outcome != RL_SQL_WRITES);
    check_answer(&out, outcome);
    char *after = protected_text(writing);
    assert(strcmp(before, after) == 0);
    rl_free(after);
    /* What a fold would do now goes well. */
    if (open) {
        rc = sqlite3_exec(writing,
                          "INSERT INTO rl_key VALUES(9, 0, 1, NULL, 'new', 'no json');"
                          "UPDATE rl_key SET value = '{' WHERE id = 9;"
                          "DELETE FROM rl_key WHERE id = 9",
                          NULL, NULL, NULL);
        assert(rc == SQLITE_OK);
        rc = sqlite3_exec(writing, "ROLLBACK", NULL, NULL, NULL);
        assert(rc == SQLITE_OK);
    }
    (void)rc;
}

static size_t split(rl_bytes input, rl_bytes *fields) {
    size_t count = 0;
    while (count < FIELDS_MAX) {
        const char *end = input.len ? memchr(input.ptr, 0x1e, input.len) : NULL;
        size_t len = end ? (size_t)(end - input.ptr) : input.len;
        fields[count++] = rl_bytes_of(input.ptr, len);
        if (!end)
            break;
        input = rl_bytes_of(end + 1, input.len - len - 1);
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return 0;
    if (!writing)
        make_database();
    rl_bytes fields[FIELDS_MAX];
    size_t count = split(rl_bytes_of((const char *)data + 1, size - 1), fields);
    size_t first = (data[0] & 2) && count > 1 ? 2 : 1;
    rl_sql_query q = {
        .text = fields[0],
        .params = fields + first,
        .param_count = (int)(count - first),
        .resp = data[0] & 1 ? 3 : 2,
        .limits = {.timeout_ms = 200, .max_rows = 100, .max_bytes = 200000},
    };
    char types[FIELDS_MAX];
    if (first == 2) {
        memset(types, '-', sizeof types);
        memcpy(types, fields[1].ptr, fields[1].len < sizeof types ? fields[1].len : sizeof types);
        q.types = types;
    }
    run_reader(&q);
    run_writer(&q);
    return 0;
}
