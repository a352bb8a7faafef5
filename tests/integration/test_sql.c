/* SPDX-License-Identifier: MIT */
/* The SQL command from end to end: who sees what when, what ends a long statement, and units. */
#include <criterion/criterion.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server.h"

static test_server *s;

static void setup(void) {
    s = test_server_create();
}

static void teardown(void) {
    test_server_free(s);
}

TestSuite(sql, .init = setup, .fini = teardown);

/* Runs until somebody ends it. */
#define ENDLESS                                                                                    \
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
#define ENDLESS_WRITE                                                                              \
    "INSERT INTO t(b) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT "     \
    "max(i) FROM n"

static bool begins_with(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

#define ASSERT_BEGINS(c, want, ...)                                                                \
    do {                                                                                           \
        const char *got_ = test_ask((c), __VA_ARGS__);                                             \
        cr_assert(begins_with(got_, (want)), "%s answered %.300s, expected %.300s", #__VA_ARGS__,  \
                  got_, (want));                                                                   \
    } while (0)

#define ASSERT_ANSWER(c, want)                                                                     \
    do {                                                                                           \
        const char *got_ = test_answer(c);                                                         \
        cr_assert(strcmp(got_, (want)) == 0, "answered %.300s, expected %.300s", got_, (want));    \
    } while (0)

/* Something has come that can be read. */
static bool readable(redisContext *c) {
    struct pollfd p = {.fd = c->fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1;
}

static void send_now(redisContext *c) {
    int done = 0;
    while (!done)
        cr_assert_eq(redisBufferWrite(c, &done), REDIS_OK);
}

static long long client_id(redisContext *c) {
    return strtoll(test_ask(c, "CLIENT ID"), NULL, 10);
}

/* ---- what a statement sees ---- */

Test(sql, a_pipeline_reads_its_own_writes)
{
    test_server_start(s, "--fold-interval 3600000");
    redisContext *c = test_connect(s);
    for (int i = 0; i < 20; i++) {
        redisAppendCommand(c, "SET k %d", i);
        redisAppendCommand(c, "SQL %s", "SELECT value FROM strings WHERE key = 'k'");
    }
    redisAppendCommand(c, "DEL k");
    redisAppendCommand(c, "SQL %s", "SELECT value FROM strings WHERE key = 'k'");
    for (int i = 0; i < 20; i++) {
        char want[32];
        snprintf(want, sizeof want, "[[value] [%d]]", i);
        ASSERT_ANSWER(c, "OK");
        ASSERT_ANSWER(c, want);
    }
    ASSERT_ANSWER(c, "1");
    ASSERT_ANSWER(c, "[[value]]");
    redisFree(c);
}

Test(sql, what_another_client_was_answered_is_seen)
{
    test_server_start(s, "--fold-interval 3600000");
    redisContext *a = test_connect(s), *b = test_connect(s);
    for (int i = 0; i < 50; i++) {
        char want[32];
        snprintf(want, sizeof want, "[[count(*)] [%d]]", i + 1);
        ASSERT_ASK(a, "OK", "SET key:%d v", i);
        ASSERT_ASK(b, want, "SQL %s", "SELECT count(*) FROM keys");
    }
    redisFree(a);
    redisFree(b);
}

Test(sql, an_expired_key_is_not_seen)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "OK", "SET gone v PX 1");
    ASSERT_ASK(c, "OK", "SET here v EX 1000");
    TEST_WAIT_UNTIL(strcmp(test_ask(c, "EXISTS gone"), "0") == 0);
    ASSERT_ASK(c, "[[key] [here]]", "SQL %s", "SELECT key FROM keys");
    redisFree(c);
}

Test(sql, parameters_have_types)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    static const char *const types = "SELECT typeof(?1), typeof(?2), typeof(?3), typeof(?4), "
                                     "typeof(?5), typeof(?6)";
    redisReply *reply = redisCommand(c, "SQL TYPES -tidbn %s 1 2 3 4 5 6", types);
    cr_assert(reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2);
    redisReply *row = reply->element[1];
    static const char *const want[] = {"text", "text", "integer", "real", "blob", "null"};
    for (int i = 0; i < 6; i++)
        cr_expect_str_eq(row->element[i]->str, want[i]);
    freeReplyObject(reply);
    ASSERT_ASK(c, "[[a b] [text blob]]", "SQL %s text %b", "SELECT typeof(?) a, typeof(?) b",
               "\xff\0", (size_t)2);
    ASSERT_BEGINS(c, "-ERR TYPES has 1 letters, but there are 2 parameters", "SQL TYPES i %s 1 2",
                  "SELECT ?, ?");
    ASSERT_BEGINS(c, "-ERR TYPES has one letter for each parameter", "SQL TYPES x %s 1",
                  "SELECT ?");
    ASSERT_BEGINS(c, "-ERR SQL needs a statement", "SQL TYPES i");
    ASSERT_BEGINS(c, "-ERR SQL needs a statement", "SQL TYPES i TIMEOUT 5");
    ASSERT_BEGINS(c, "-ERR TIMEOUT takes milliseconds", "SQL TIMEOUT soon %s", "SELECT 1");
    ASSERT_BEGINS(c, "-SQLERR", "SQL %s 1", "SELECT ?, ?");
    ASSERT_BEGINS(c, "-SQLERR", "SQL %s 1 2", "SELECT ?");
    ASSERT_BEGINS(c, "-ERR wrong number of arguments for 'sql'", "SQL");
    redisFree(c);
}

Test(sql, answers_have_the_types_of_the_protocol)
{
    static const char *const request =
        "SQL \"SELECT 1 AS i, 0.5 AS d, NULL AS n, 'x' AS t, x'00ff' b\"\r\n";
    test_server_start(s, NULL);
    int fd = test_socket(s);
    test_send_text(fd, request);
    test_expect(fd, "*2\r\n*5\r\n$1\r\ni\r\n$1\r\nd\r\n$1\r\nn\r\n$1\r\nt\r\n$1\r\nb\r\n"
                    "*5\r\n:1\r\n$3\r\n0.5\r\n$-1\r\n$1\r\nx\r\n$2\r\n");
    test_skip(fd, 4);
    test_send_text(fd, "CLIENT REPLY OFF\r\nHELLO 3\r\nCLIENT REPLY ON\r\n");
    test_expect(fd, "+OK\r\n");
    test_send_text(fd, request);
    test_expect(fd, "*2\r\n*5\r\n$1\r\ni\r\n$1\r\nd\r\n$1\r\nn\r\n$1\r\nt\r\n$1\r\nb\r\n"
                    "*5\r\n:1\r\n,0.5\r\n_\r\n$1\r\nx\r\n$2\r\n");
    test_skip(fd, 4);
    test_send_text(fd, "MULTI\r\nSQL \"SELECT 1.5 AS d\"\r\nEXEC\r\n");
    test_expect(fd, "+OK\r\n+QUEUED\r\n*1\r\n*2\r\n*1\r\n$1\r\nd\r\n*1\r\n,1.5\r\n");
    close(fd);
}

Test(sql, a_script_answers_each_statement_and_is_one_transaction)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "[0 2 [[a b] [1 x] [2 y]]]", "SQL %s x y",
               "CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t(b) VALUES (?), (?); "
               "SELECT * FROM t");
    ASSERT_BEGINS(c, "-SQLERR", "SQL %s", "INSERT INTO t(b) VALUES ('z'); SELECT nothing FROM t");
    ASSERT_ASK(c, "[[count(*)] [2]]", "SQL %s", "SELECT count(*) FROM t");
    ASSERT_BEGINS(c, "-SQL", "SQL %s", "BEGIN");
    ASSERT_BEGINS(c, "-SQL", "SQL %s", "COMMIT");
    redisFree(c);
}

/* ---- the file ---- */

static sqlite3 *open_tables(void) {
    char path[128];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/data.db", s->data);
    cr_assert_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, TEST_WAIT_MS);
    return db;
}

static int64_t number_of(sqlite3 *db, const char *sql) {
    sqlite3_stmt *stmt;
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK, "%s: %s", sql,
                 sqlite3_errmsg(db));
    cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW, "%s: %s", sql, sqlite3_errmsg(db));
    int64_t number = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return number;
}

Test(sql, an_answered_write_is_in_the_file)
{
    test_server_start(s, "--fold-interval 3600000");
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "0", "SQL %s", "CREATE TABLE t(a)");
    sqlite3 *db = open_tables();
    for (int i = 0; i < 10; i++) {
        ASSERT_ASK(c, "1", "SQL %s", "INSERT INTO t VALUES (1)");
        cr_assert_eq(number_of(db, "SELECT count(*) FROM t"), i + 1);
    }
    sqlite3_close(db);
    redisFree(c);
    test_server_kill(s);
    test_server_start(s, NULL);
    c = test_connect(s);
    ASSERT_ASK(c, "[[count(*)] [10]]", "SQL %s", "SELECT count(*) FROM t");
    redisFree(c);
}

Test(sql, what_could_break_the_file_is_denied)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "OK", "SET k v");
    static const char *const denied[] = {
        "UPDATE rl_key SET value = 'x'",
        "DELETE FROM rl_key",
        "DROP TABLE rl_key",
        "ATTACH 'other.db' AS other",
        "PRAGMA journal_mode = DELETE",
        "SELECT load_extension('x')",
        "INSERT INTO strings(key) VALUES(1)",
        "CREATE TABLE rl_mine(a)",
    };
    for (size_t i = 0; i < sizeof denied / sizeof *denied; i++)
        ASSERT_BEGINS(c, "-SQL", "SQL %s", denied[i]);
    cr_assert_geq(test_info(c, "sql_denied"), 5);
    ASSERT_ASK(c, "v", "GET k");
    ASSERT_ASK(c, "[[value] [v]]", "SQL %s", "SELECT value FROM strings");
    redisFree(c);
}

Test(sql, a_pure_cache_has_no_sql)
{
    test_server_start(s, "--dbfilename :memory:");
    redisContext *c = test_connect(s);
    ASSERT_BEGINS(c, "-ERR SQL needs a database file", "SQL %s", "SELECT 1");
    ASSERT_ASK(c, "OK", "MULTI");
    ASSERT_ASK(c, "QUEUED", "SET k v");
    ASSERT_ASK(c, "QUEUED", "SQL %s", "SELECT 1");
    ASSERT_BEGINS(c, "[OK -ERR SQL needs a database file", "EXEC");
    ASSERT_ASK(c, "v", "GET k");
    redisFree(c);
}

/* ---- what ends a statement ---- */

/* A second client goes on while the first waits. */
static void expect_others_go_on(redisContext *other) {
    for (int i = 0; i < 100; i++) {
        ASSERT_ASK(other, "OK", "SET other %d", i);
        cr_assert_eq(atoi(test_ask(other, "GET other")), i);
    }
}

Test(sql, client_kill_ends_an_endless_query)
{
    test_server_start(s, NULL);
    redisContext *a = test_connect(s), *b = test_connect(s);
    long long id = client_id(a);
    redisAppendCommand(a, "SQL TIMEOUT 0 %s", ENDLESS);
    send_now(a);
    TEST_WAIT_UNTIL(test_info(b, "sql_running") == 1);
    cr_assert_eq(test_info(b, "blocked_clients"), 1);
    expect_others_go_on(b);
    cr_assert_eq(test_info(b, "sql_running"), 1);
    ASSERT_ASK(b, "1", "CLIENT KILL ID %lld", id);
    TEST_WAIT_UNTIL(test_info(b, "sql_running") == 0);
    cr_assert_eq(test_info(b, "sql_canceled"), 1);
    ASSERT_ANSWER(a, "(closed)");
    redisFree(a);
    redisFree(b);
}

Test(sql, a_client_that_goes_away_ends_its_query)
{
    test_server_start(s, "--sql-readers 4");
    redisContext *b = test_connect(s);
    for (int behind = 0; behind < 2; behind++) {
        redisContext *a = test_connect(s);
        redisAppendCommand(a, "SQL TIMEOUT 0 %s", ENDLESS);
        for (int i = 0; i < behind * 1000; i++)
            redisAppendCommand(a, "PING"); /* never read */
        send_now(a);
        TEST_WAIT_UNTIL(test_info(b, "sql_running") == 1);
        redisFree(a);
        TEST_WAIT_UNTIL(test_info(b, "sql_running") == 0);
        cr_assert_eq(test_info(b, "connected_clients"), 1);
    }
    redisFree(b);
}

Test(sql, more_queries_than_readers_wait_their_turn)
{
    enum { CLIENTS = 12, READERS = 2 };
    test_server_start(s, "--sql-readers 2");
    redisContext *b = test_connect(s), *a[CLIENTS];
    for (int i = 0; i < CLIENTS; i++) {
        a[i] = test_connect(s);
        if (i < READERS)
            redisAppendCommand(a[i], "SQL TIMEOUT 0 %s", ENDLESS);
        else
            redisAppendCommand(a[i], "SQL TYPES i %s %d", "SELECT ? AS i", i);
        redisAppendCommand(a[i], "PING");
        send_now(a[i]);
        TEST_WAIT_UNTIL(test_info(b, "sql_queries") == i + 1);
    }
    cr_assert_eq(test_info(b, "sql_running"), READERS);
    cr_assert_eq(test_info(b, "sql_waiting"), CLIENTS - READERS);
    cr_assert_eq(test_info(b, "blocked_clients"), CLIENTS);
    redisFree(a[CLIENTS - 1]); /* while it waits */
    TEST_WAIT_UNTIL(test_info(b, "sql_waiting") == CLIENTS - READERS - 1);
    for (int i = 0; i < READERS; i++)
        redisFree(a[i]);
    for (int i = READERS; i < CLIENTS - 1; i++) {
        char want[32];
        snprintf(want, sizeof want, "[[i] [%d]]", i);
        ASSERT_ANSWER(a[i], want);
        ASSERT_ANSWER(a[i], "PONG");
        redisFree(a[i]);
    }
    TEST_WAIT_UNTIL(test_info(b, "sql_running") == 0 && test_info(b, "sql_waiting") == 0);
    redisFree(b);
}

Test(sql, timeouts)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    ASSERT_BEGINS(c, "-SQLTIMEOUT", "SQL TIMEOUT 10 %s", ENDLESS);
    ASSERT_ASK(c, "OK", "CONFIG SET sql-timeout 10");
    ASSERT_BEGINS(c, "-SQLTIMEOUT", "SQL %s", ENDLESS);
    ASSERT_ASK(c, "0", "SQL %s", "CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
    ASSERT_BEGINS(c, "-SQLTIMEOUT", "SQL %s", ENDLESS_WRITE);
    ASSERT_BEGINS(c, "-SQLTIMEOUT", "SQL %s", ENDLESS_WRITE); /* known to write by now */
    cr_assert_eq(test_info(c, "sql_timeouts"), 4);
    ASSERT_ASK(c, "OK", "CONFIG SET sql-max-rows 3");
    ASSERT_BEGINS(c, "-SQLLIMIT", "SQL %s", "VALUES (1), (2), (3), (4)");
    ASSERT_ASK(c, "[[column1] [1] [2] [3]]", "SQL %s", "VALUES (1), (2), (3)");
    ASSERT_ASK(c, "OK", "CONFIG SET sql-max-memory 100000");
    ASSERT_BEGINS(c, "-SQLLIMIT", "SQL %s", "SELECT hex(zeroblob(60000))");
    ASSERT_ASK(c, "[[count(*)] [0]]", "SQL %s", "SELECT count(*) FROM t");
    redisFree(c);
}

Test(sql, client_unblock)
{
    static const char *const want[] = {"-SQLCANCELED", "-UNBLOCKED client unblocked via CLIENT "
                                                       "UNBLOCK"};
    test_server_start(s, NULL);
    redisContext *a = test_connect(s), *b = test_connect(s);
    long long id = client_id(a);
    ASSERT_ASK(a, "0", "SQL %s", "CREATE TABLE t(a INTEGER PRIMARY KEY, b)");
    for (int i = 0; i < 4; i++) {
        redisAppendCommand(a, "SQL TIMEOUT 0 %s", i < 2 ? ENDLESS : ENDLESS_WRITE);
        send_now(a);
        TEST_WAIT_UNTIL(test_info(b, "sql_running") == 1);
        ASSERT_ASK(b, "1", "CLIENT UNBLOCK %lld %s", id, i % 2 ? "ERROR" : "TIMEOUT");
        cr_assert(begins_with(test_answer(a), want[i % 2]));
        TEST_WAIT_UNTIL(test_info(b, "sql_running") == 0);
    }
    ASSERT_ASK(a, "[[count(*)] [0]]", "SQL %s", "SELECT count(*) FROM t");
    redisFree(a);
    redisFree(b);
}

/* A query, a write, a transaction of SQL alone, one with keys. */
Test(sql, a_stop_ends_endless_statements)
{
    for (int i = 0; i < 4; i++) {
        test_server_start(s, "--shutdown-timeout 0");
        redisContext *a = test_connect(s), *b = test_connect(s);
        ASSERT_ASK(b, "0", "SQL %s", "CREATE TABLE IF NOT EXISTS t(a INTEGER PRIMARY KEY, b)");
        ASSERT_ASK(b, "OK", "SET run %d", i);
        if (i >= 2)
            redisAppendCommand(a, "MULTI");
        if (i == 3)
            redisAppendCommand(a, "SET k v");
        redisAppendCommand(a, "SQL TIMEOUT 0 %s", i % 2 ? ENDLESS_WRITE : ENDLESS);
        if (i >= 2)
            redisAppendCommand(a, "EXEC");
        send_now(a);
        TEST_WAIT_UNTIL(test_info(b, "sql_running") == 1);
        cr_assert_eq(test_server_stop(s), 0, "%d", i);
        redisFree(a);
        redisFree(b);
    }
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "3", "GET run");
    ASSERT_ASK(c, "[[count(*)] [0]]", "SQL %s", "SELECT count(*) FROM t");
    redisFree(c);
}

Test(sql, a_stop_answers_what_it_can)
{
    test_server_start(s, NULL);
    redisContext *a = test_connect(s), *b = test_connect(s);
    redisAppendCommand(a, "SQL TIMEOUT 0 %s", ENDLESS);
    send_now(a);
    TEST_WAIT_UNTIL(test_info(b, "sql_running") == 1);
    cr_assert_eq(test_server_stop(s), 0);
    cr_assert(begins_with(test_answer(a), "-SQLCANCELED"));
    redisFree(a);
    redisFree(b);
}

/* ---- being watched ---- */

Test(sql, the_slow_log_and_the_statistics_have_the_real_time)
{
    test_server_start(s, "--slowlog-log-slower-than 15000");
    redisContext *a = test_connect(s), *m = test_connect(s);
    ASSERT_ASK(m, "OK", "MONITOR");
    ASSERT_BEGINS(a, "-SQLTIMEOUT", "SQL TIMEOUT 20 %s", ENDLESS);
    const char *seen = test_answer(m);
    cr_assert_not_null(strstr(seen, "\"SQL\" \"TIMEOUT\" \"20\" \"WITH RECURSIVE"), "%s", seen);
    redisReply *reply = redisCommand(a, "SLOWLOG GET 10");
    cr_assert(reply && reply->elements == 1);
    redisReply **entry = reply->element[0]->element;
    cr_expect_geq(entry[2]->integer, 15000);
    cr_assert_eq(entry[3]->elements, 4);
    cr_expect_str_eq(entry[3]->element[3]->str, ENDLESS);
    cr_expect_neq(entry[4]->str[0], '\0');
    freeReplyObject(reply);
    const char *stats = strstr(test_ask(a, "INFO commandstats"), "cmdstat_sql:calls=1,usec=");
    cr_assert_not_null(stats);
    cr_expect_geq(atoi(strstr(stats, "usec=") + 5), 15000);
    cr_expect_not_null(strstr(stats, "failed_calls=1"));
    cr_expect_not_null(strstr(test_ask(a, "INFO errorstats"), "errorstat_SQLTIMEOUT:count=1"));
    cr_expect_not_null(strstr(test_ask(a, "LATENCY HISTOGRAM sql"), "calls 1 "));
    ASSERT_BEGINS(a, "-ERR TIMEOUT", "SQL TIMEOUT x y");
    cr_expect_not_null(strstr(test_ask(a, "INFO commandstats"), "cmdstat_sql:calls=2,"));
    cr_assert_eq(test_info(a, "sql_queries"), 1);
    ASSERT_ASK(a, "OK", "CONFIG RESETSTAT");
    cr_assert_eq(test_info(a, "sql_queries"), 0);
    redisFree(a);
    redisFree(m);
}

Test(sql, client_reply_silences_it)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    redisAppendCommand(c, "CLIENT REPLY SKIP");
    redisAppendCommand(c, "SQL %s", "SELECT 'skipped'");
    redisAppendCommand(c, "SQL %s", "SELECT 'told' AS x");
    ASSERT_ANSWER(c, "[[x] [told]]");
    redisAppendCommand(c, "CLIENT REPLY OFF");
    redisAppendCommand(c, "SQL %s", "SELECT 'off'");
    redisAppendCommand(c, "MULTI");
    redisAppendCommand(c, "SQL %s", "SELECT 'off'");
    redisAppendCommand(c, "EXEC");
    redisAppendCommand(c, "CLIENT REPLY ON");
    redisAppendCommand(c, "SQL %s", "SELECT 'on' AS x");
    ASSERT_ANSWER(c, "OK");
    ASSERT_ANSWER(c, "[[x] [on]]");
    redisFree(c);
}

/* ---- units ---- */

static void create_table(redisContext *c) {
    ASSERT_ASK(c, "0", "SQL %s", "CREATE TABLE t(a INTEGER PRIMARY KEY, b UNIQUE)");
}

Test(sql, a_transaction_with_sql_is_one)
{
    static const char *const insert = "INSERT INTO t(b) SELECT value FROM strings WHERE key = 'k'";
    test_server_start(s, "--fold-interval 3600000");
    redisContext *a = test_connect(s), *b = test_connect(s);
    create_table(a);
    ASSERT_ASK(a, "OK", "SET before 1");
    ASSERT_ASK(a, "OK", "MULTI");
    ASSERT_ASK(a, "QUEUED", "SET k 1");
    ASSERT_ASK(a, "QUEUED", "SQL %s", insert);
    ASSERT_ASK(a, "QUEUED", "INCR k");
    ASSERT_ASK(a, "QUEUED", "SQL %s", insert);
    ASSERT_ASK(a, "QUEUED", "SQL %s", "INSERT INTO t(b) VALUES ('1')");
    ASSERT_ASK(a, "QUEUED", "INCRBY k x");
    ASSERT_ASK(a, "QUEUED", "SQL TYPES i %s", "SELECT 1");
    ASSERT_ASK(a, "QUEUED", "DEL before");
    ASSERT_ASK(a, "QUEUED", "SQL %s", "SELECT key FROM keys");
    ASSERT_ASK(a, "QUEUED", "GET k");
    ASSERT_ASK(b, "(nil)", "GET k");
    const char *got = test_ask(a, "EXEC");
    const char *rest = got + strlen("[OK 1 2 1 -SQLERR");
    cr_assert(begins_with(got, "[OK 1 2 1 -SQLERR"), "%s", got);
    cr_assert_not_null(strstr(rest, "-ERR value is not an integer or out of range -ERR TYPES has"),
                       "%s", got);
    cr_assert_not_null(strstr(rest, " 1 [[key] [k]] 2]"), "%s", got);
    ASSERT_ASK(b, "2", "GET k");
    ASSERT_ASK(b, "[[b] [1] [2]]", "SQL %s", "SELECT b FROM t ORDER BY a");
    cr_assert_eq(test_info(b, "sql_units"), 1);
    redisFree(a);
    redisFree(b);
    test_server_kill(s);
    test_server_start(s, NULL);
    a = test_connect(s);
    ASSERT_ASK(a, "2", "GET k");
    ASSERT_ASK(a, "0", "EXISTS before");
    ASSERT_ASK(a, "[[b] [1] [2]]", "SQL %s", "SELECT b FROM t ORDER BY a");
    redisFree(a);
}

Test(sql, a_transaction_that_changes_no_key)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    create_table(c);
    ASSERT_ASK(c, "OK", "SET k v");
    ASSERT_ASK(c, "OK", "MULTI");
    ASSERT_ASK(c, "QUEUED", "SQL %s", "INSERT INTO t(b) VALUES (1)");
    ASSERT_ASK(c, "QUEUED", "GET k");
    ASSERT_ASK(c, "QUEUED", "SQL %s", "SELECT b, value FROM t, strings");
    ASSERT_ASK(c, "[1 v [[b value] [1 v]]]", "EXEC");
    redisFree(c);
}

/* A timeout in the middle of a write makes SQLite roll back everything: the rest is run again. */
Test(sql, a_write_that_times_out_undoes_itself_alone)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    create_table(c);
    for (int keys = 0; keys < 2; keys++) {
        ASSERT_ASK(c, "OK", "MULTI");
        if (keys)
            ASSERT_ASK(c, "QUEUED", "SET k v");
        ASSERT_ASK(c, "QUEUED", "SQL %s", "INSERT INTO t(b) VALUES (1)");
        ASSERT_ASK(c, "QUEUED", "SQL TIMEOUT 10 %s", ENDLESS_WRITE);
        ASSERT_ASK(c, "QUEUED", "SQL %s", "INSERT INTO t(b) VALUES (2)");
        const char *got = test_ask(c, "EXEC");
        cr_assert(begins_with(got, keys ? "[OK 1 -SQLTIMEOUT" : "[1 -SQLTIMEOUT"), "%s", got);
        cr_assert_str_eq(got + strlen(got) - 3, " 1]");
        ASSERT_ASK(c, "[[b] [1] [2]]", "SQL %s", "SELECT b FROM t ORDER BY a");
        ASSERT_ASK(c, "2", "SQL %s", "DELETE FROM t");
    }
    ASSERT_ASK(c, "v", "GET k");
    redisFree(c);
}

Test(sql, watch_and_discard_are_as_ever)
{
    test_server_start(s, NULL);
    redisContext *a = test_connect(s), *b = test_connect(s);
    create_table(a);
    ASSERT_ASK(a, "OK", "WATCH k");
    ASSERT_ASK(b, "OK", "SET k 1");
    ASSERT_ASK(a, "OK", "MULTI");
    ASSERT_ASK(a, "QUEUED", "SQL %s", "INSERT INTO t(b) VALUES (1)");
    ASSERT_ASK(a, "(nil)", "EXEC");
    ASSERT_ASK(a, "OK", "MULTI");
    ASSERT_ASK(a, "QUEUED", "SQL %s", "INSERT INTO t(b) VALUES (1)");
    ASSERT_ASK(a, "OK", "DISCARD");
    ASSERT_ASK(a, "OK", "MULTI");
    ASSERT_ASK(a, "QUEUED", "SQL %s", "INSERT INTO t(b) VALUES (1)");
    ASSERT_BEGINS(a, "-ERR wrong number of arguments", "SQL");
    ASSERT_ASK(a, "-EXECABORT Transaction discarded because of previous errors.", "EXEC");
    ASSERT_ASK(a, "[[count(*)] [0]]", "SQL %s", "SELECT count(*) FROM t");
    /* What a unit changes breaks others' watches. */
    ASSERT_ASK(b, "OK", "WATCH k");
    ASSERT_ASK(a, "OK", "MULTI");
    ASSERT_ASK(a, "QUEUED", "INCR k");
    ASSERT_ASK(a, "QUEUED", "SQL %s", "SELECT 1 AS x");
    ASSERT_ASK(a, "[2 [[x] [1]]]", "EXEC");
    ASSERT_ASK(b, "OK", "MULTI");
    ASSERT_ASK(b, "QUEUED", "PING");
    ASSERT_ASK(b, "(nil)", "EXEC");
    redisFree(a);
    redisFree(b);
}

/* Nobody may be told of a unit before it is committed, and of nothing behind it. */
Test(sql, what_a_unit_changed_is_told_once_it_is_committed)
{
    static const char *const modes[] = {NULL, "--appendfsync always", "--appendonly no"};
    for (int i = 0; i < 3; i++) {
        test_server_start(s, modes[i]);
        redisContext *a = test_connect(s), *reader = test_connect(s), *sql = test_connect(s),
                     *writer = test_connect(s), *b = test_connect(s);
        long long id = client_id(a);
        ASSERT_ASK(b, "OK", "SET old 1");
        redisAppendCommand(a, "MULTI");
        redisAppendCommand(a, "SET k %d", i);
        redisAppendCommand(a, "SQL TIMEOUT 0 %s", ENDLESS);
        redisAppendCommand(a, "EXEC");
        send_now(a);
        TEST_WAIT_UNTIL(test_info(b, "sql_running") == 1);
        redisAppendCommand(reader, "GET k");
        redisAppendCommand(sql, "SQL %s", "SELECT value FROM strings WHERE key = 'k'");
        redisAppendCommand(writer, "SET behind %d", i);
        send_now(reader);
        send_now(sql);
        send_now(writer);
        for (int k = 0; k < 100; k++)
            ASSERT_ASK(b, "1", "GET old");
        cr_assert_eq(test_info(b, "sql_waiting"), 1);
        cr_assert(!readable(reader) && !readable(sql) && !readable(writer));
        ASSERT_ASK(b, "0", "CLIENT UNBLOCK %lld", id);
        ASSERT_ASK(b, "1", "CLIENT KILL ID %lld", id);
        char want[32];
        snprintf(want, sizeof want, "%d", i);
        ASSERT_ANSWER(reader, want);
        snprintf(want, sizeof want, "[[value] [%d]]", i);
        ASSERT_ANSWER(sql, want);
        ASSERT_ANSWER(writer, "OK");
        redisFree(a);
        redisFree(reader);
        redisFree(sql);
        redisFree(writer);
        redisFree(b);
        test_server_kill(s);
    }
}

Test(sql, always_holds_until_synced)
{
    test_server_start(s, "--appendfsync always");
    redisContext *a = test_connect(s), *b = test_connect(s);
    create_table(a);
    for (int i = 0; i < 50; i++) {
        char want[64];
        redisAppendCommand(a, "SET k %d", i);
        redisAppendCommand(a, "SQL TYPES i %s %d", "INSERT INTO t(b) VALUES (?)", i);
        redisAppendCommand(a, "SQL %s", "SELECT value, max(b) FROM strings, t");
        ASSERT_ANSWER(a, "OK");
        ASSERT_ANSWER(a, "1");
        snprintf(want, sizeof want, "[[value max(b)] [%d %d]]", i, i);
        ASSERT_ANSWER(a, want);
        ASSERT_ASK(b, want, "SQL %s", "SELECT value, max(b) FROM strings, t");
    }
    redisFree(a);
    redisFree(b);
}

Test(sql, large_answers_and_requests)
{
    test_server_start(s, "--sql-timeout 0"); /* it is slow under a sanitizer */
    redisContext *c = test_connect(s);
    redisReply *reply = redisCommand(c, "SQL %s",
                                     "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL "
                                     "SELECT i + 1 FROM n WHERE i < 100000) "
                                     "SELECT i, 'row ' || i FROM n LIMIT 99999");
    cr_assert(reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 100000);
    cr_expect_str_eq(reply->element[99999]->element[1]->str, "row 99999");
    freeReplyObject(reply);
    size_t len = 20000000;
    char *value = malloc(len);
    memset(value, 'v', len);
    reply = redisCommand(c, "SQL %s %b", "SELECT ?", value, len);
    cr_assert(reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2);
    cr_expect_eq(reply->element[1]->element[0]->len, len);
    freeReplyObject(reply);
    ASSERT_ASK(c, "PONG", "PING");
    free(value);
    redisFree(c);
}
