/* SPDX-License-Identifier: MIT */
/* Time, rows, bytes, and ending a run from outside. */
#include <pthread.h>
#include <time.h>

#include "rig.h"

TestSuite(limits, .init = rig_start, .fini = rig_stop);

#define ENDLESS "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n) "

Test(limits, an_endless_query_ends)
{
    rig.query.limits.timeout_ms = 30;
    EXPECT_REFUSED(ENDLESS "SELECT max(i) FROM n", "SQLTIMEOUT", "took longer than 30 ms");
    EXPECT_REFUSED("SELECT 1; " ENDLESS "SELECT max(i) FROM n; SELECT 2", "SQLTIMEOUT",
                   "SQLTIMEOUT in statement 2:");
    EXPECT_BOTH("SELECT 1 AS a", "*2\r\n*1\r\n$1\r\na\r\n*1\r\n:1\r\n");
    /* Cached by now, and ended all the same. */
    rig.query.limits.timeout_ms = 0;
    EXPECT("SELECT count(*) AS n FROM keys", "*2\r\n*1\r\n$1\r\nn\r\n*1\r\n:6\r\n");
}

static void take_a_while(sqlite3_context *context, int argc, sqlite3_value **argv) {
    (void)argc, (void)argv;
    int64_t until = rl_clock_mono_ms() + 300;
    while (rl_clock_mono_ms() < until)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    sqlite3_result_int(context, 1);
}

Test(limits, each_statement_has_the_time)
{
    sqlite3_create_function(rig.reading, "take_a_while", 0, SQLITE_UTF8, NULL, take_a_while, NULL,
                            NULL);
    rig.query.limits.timeout_ms = 2000; /* less than all of them take, far more than one does */
    const char *one = "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i <"
                      " 3000) SELECT max(i) + take_a_while() AS m FROM n;";
    char script[2000] = "";
    for (int i = 0; i < 8; i++)
        strcat(script, one);
    run_on(rig.reader, script, NULL);
    cr_assert_eq(rig.outcome, RL_SQL_ANSWERED, "%s", rig.text);
}

Test(limits, an_endless_write_takes_the_transaction_with_it)
{
    ask("CREATE TABLE t(a)", NULL);
    rig.query.limits.timeout_ms = 30;
    run_on(rig.writer, "INSERT INTO t VALUES(1); INSERT INTO t " ENDLESS "SELECT i FROM n", NULL);
    cr_assert_eq(rig.outcome, RL_SQL_ROLLED_BACK, "%s", rig.text);
    cr_assert_eq(strncmp(rig.text, "-SQLTIMEOUT in statement 2: ", 28), 0, "%s", rig.text);
    cr_assert_str_eq(rl_sql_engine_error_code(rig.writer), "SQLTIMEOUT");
    /* One that only reads does not. */
    run_on(rig.writer, "INSERT INTO t VALUES(1); " ENDLESS "SELECT max(i) FROM n", NULL);
    cr_assert_eq(rig.outcome, RL_SQL_ERROR, "%s", rig.text);
    EXPECT("SELECT count(*) AS n FROM t", "*2\r\n*1\r\n$1\r\nn\r\n*1\r\n:0\r\n");
}

Test(limits, rows)
{
    rig.query.limits.max_rows = 3;
    EXPECT_BOTH("VALUES(1), (2), (3)",
                "*4\r\n*1\r\n$7\r\ncolumn1\r\n*1\r\n:1\r\n*1\r\n:2\r\n*1\r\n:3\r\n");
    EXPECT_REFUSED("VALUES(1), (2), (3), (4)", "SQLLIMIT", "more than 3 rows (sql-max-rows)");
    EXPECT_REFUSED(ENDLESS "SELECT i FROM n", "SQLLIMIT", "more than 3 rows");
    /* Of each statement. */
    run_on(rig.reader, "VALUES(1), (2), (3); VALUES(1), (2), (3)", NULL);
    cr_assert_eq(rig.outcome, RL_SQL_ANSWERED);
    EXPECT("CREATE TABLE t(a)", ":0\r\n");
    EXPECT_ERROR("INSERT INTO t VALUES(1), (2), (3), (4) RETURNING a", "SQLLIMIT", "rows");
    EXPECT("SELECT count(*) AS n FROM t", "*2\r\n*1\r\n$1\r\nn\r\n*1\r\n:0\r\n");
}

Test(limits, bytes)
{
    rig.query.limits.max_bytes = 100000;
    rig.query.limits.max_rows = INT64_MAX;
    EXPECT_REFUSED(ENDLESS "SELECT i FROM n", "SQLLIMIT",
                   "more than 100000 bytes (sql-max-memory)");
    EXPECT_REFUSED("SELECT hex(zeroblob(60000))", "SQLLIMIT", "more than 100000 bytes");
    EXPECT_REFUSED("SELECT zeroblob(60000), zeroblob(60000)", "SQLLIMIT", "more than 100000 bytes");
    EXPECT_REFUSED("SELECT zeroblob(60000); SELECT zeroblob(60000)", "SQLLIMIT", "in statement 2:");
    run_on(rig.reader, "SELECT zeroblob(99000)", NULL);
    cr_assert_eq(rig.outcome, RL_SQL_ANSWERED);
    rig.query.limits.max_bytes = 4000000;
    EXPECT_REFUSED("SELECT zeroblob(4000001)", "SQLLIMIT", "longer than 4000000 bytes");
    EXPECT_REFUSED("SELECT length(zeroblob(1000000000))", "SQLLIMIT", "longer than 4000000 bytes");
    EXPECT_REFUSED("WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 50)"
                   " SELECT group_concat(hex(zeroblob(50000))) FROM n",
                   "SQLLIMIT", "longer than");
    EXPECT_REFUSED("SELECT replace(hex(zeroblob(1000000)), '0', 'aaaaaaaaaa')", "SQLLIMIT",
                   "longer than");
}

Test(limits, a_long_value_does_not_hide_its_key)
{
    store_sql_run(rig.writing,
                  "INSERT INTO rl_key VALUES(70, 0, 1, NULL, 'long', zeroblob(3000000))");
    EXPECT("SELECT key FROM strings WHERE key = 'long'",
           "*2\r\n*1\r\n$3\r\nkey\r\n*1\r\n$4\r\nlong\r\n");
    EXPECT_REFUSED("SELECT value FROM strings WHERE key = 'long'", "SQLLIMIT", "bytes");
    EXPECT("SELECT octet FROM (SELECT length(value) AS octet FROM rl_key WHERE id = 70)",
           "*2\r\n*1\r\n$5\r\noctet\r\n*1\r\n:3000000\r\n");
}

Test(limits, parameters_and_statements_have_one_too)
{
    size_t len = 3000000;
    char *big = rl_malloc(len + 1);
    memset(big, 'x', len);
    big[len] = '\0';
    ask("SELECT length(?)", big, NULL);
    cr_assert_eq(strncmp(rig.text,
                         "-SQLLIMIT parameter 1 has 3000000 bytes; a single value may "
                         "have 2000000",
                         71),
                 0, "%s", rig.text);
    memset(big, ' ', len);
    memcpy(big, "SELECT 1", 8);
    EXPECT_REFUSED(big, "SQLLIMIT", "the statement has more than 1000000 bytes");
    /* A script may be longer, since each of its statements is not. */
    memset(big, ' ', len);
    for (size_t i = 0; i < 5; i++)
        memcpy(big + i * 500000, "SELECT 1;", 9);
    run_on(rig.reader, big, NULL);
    cr_assert_eq(rig.outcome, RL_SQL_ANSWERED, "%s", rig.text);
    rl_free(big);
}

Test(limits, depth)
{
    char sql[20000] = "SELECT ";
    for (int i = 0; i < 3000; i++)
        strcat(sql, "-(");
    EXPECT_REFUSED(sql, "SQLERR", "");
    strcpy(sql, "SELECT 1");
    for (int i = 0; i < 1500; i++)
        strcat(sql, "+1");
    EXPECT_REFUSED(sql, "SQLERR", "Expression tree is too large");
    EXPECT("CREATE TABLE t(a); CREATE TRIGGER again AFTER INSERT ON t BEGIN"
           " INSERT INTO t VALUES(new.a + 1); END",
           "*2\r\n:0\r\n:0\r\n");
    run_on(rig.writer, "INSERT INTO t VALUES(1)", NULL);
    cr_assert_neq(rig.outcome, RL_SQL_BROKEN);
}

/* --- from another thread --------------------------------------------------------------------- */

typedef struct canceller {
    _Atomic bool started, cancelled;
    rl_sql_engine *interrupt; /* NULL: the flag alone */
} canceller;

static canceller who;

/* A step of the statement says that it runs. */
static void say_started(sqlite3_context *context, int argc, sqlite3_value **argv) {
    (void)argc, (void)argv;
    who.started = true;
    sqlite3_result_int(context, 1);
}

static void *cancel_soon(void *arg) {
    (void)arg;
    while (!who.started)
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    who.cancelled = true;
    if (who.interrupt)
        rl_sql_engine_interrupt(who.interrupt);
    return NULL;
}

static rl_sql_outcome run_cancelled(rl_sql_engine *engine, const char *sql, bool interrupt) {
    who.started = who.cancelled = false;
    who.interrupt = interrupt ? engine : NULL;
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, cancel_soon, NULL), 0);
    rl_sql_query q = rig.query;
    q.text = rl_bytes_text(sql);
    rl_sql_outcome outcome = rl_sql_engine_run(engine, &q, &who.cancelled, &rig.out);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    take_text();
    cr_assert_eq(strncmp(rig.text, "-SQLCANCELED ", 13), 0, "%s", rig.text);
    expect_clean();
    return outcome;
}

Test(limits, a_run_is_ended_from_another_thread)
{
    rig.query.limits.timeout_ms = 0;
    sqlite3 *both[] = {rig.reading, rig.writing};
    for (int i = 0; i < 2; i++)
        sqlite3_create_function(both[i], "say_started", 0, SQLITE_UTF8, NULL, say_started, NULL,
                                NULL);
    ask("CREATE TABLE t(a)", NULL);
    const char *query = ENDLESS "SELECT max(i) FROM n WHERE say_started()";
    for (int interrupt = 0; interrupt < 2; interrupt++) {
        cr_assert_eq(run_cancelled(rig.reader, query, interrupt), RL_SQL_ERROR);
        store_sql_run(rig.writing, "BEGIN IMMEDIATE");
        cr_assert_eq(run_cancelled(rig.writer, query, interrupt), RL_SQL_ERROR);
        cr_assert_eq(run_cancelled(rig.writer,
                                   "INSERT INTO t " ENDLESS "SELECT i FROM n WHERE say_started()",
                                   interrupt),
                     RL_SQL_ROLLED_BACK);
        cr_assert(sqlite3_get_autocommit(rig.writing));
    }
    EXPECT_BOTH("SELECT count(*) AS n FROM t", "*2\r\n*1\r\n$1\r\nn\r\n*1\r\n:0\r\n");
}

/* A watchdog's interrupt may come before the progress handler has seen the deadline. */
static void interrupt_late(sqlite3_context *context, int argc, sqlite3_value **argv) {
    (void)argc, (void)argv;
    int64_t until = rl_clock_mono_ms() + 60;
    while (rl_clock_mono_ms() < until)
        ;
    rl_sql_engine_interrupt(rig.reader);
    sqlite3_result_int(context, 1);
}

Test(limits, an_interrupt_past_the_deadline_is_a_timeout)
{
    sqlite3_create_function(rig.reading, "interrupt_late", 0, SQLITE_UTF8, NULL, interrupt_late,
                            NULL, NULL);
    rig.query.limits.timeout_ms = 50;
    run_on(rig.reader, "SELECT interrupt_late() FROM keys ORDER BY 1", NULL);
    cr_assert_eq(strncmp(rig.text, "-SQLTIMEOUT ", 12), 0, "%s", rig.text);
    rig.query.limits.timeout_ms = 60000;
    run_on(rig.reader, "SELECT interrupt_late() FROM keys ORDER BY 1", NULL);
    cr_assert_eq(strncmp(rig.text, "-SQLCANCELED ", 13), 0, "%s", rig.text);
}

Test(limits, what_is_cancelled_beforehand_does_not_begin)
{
    _Atomic bool cancelled = true;
    rl_sql_query q = rig.query;
    q.text = RL_BYTES("CREATE TABLE t(a)");
    store_sql_run(rig.writing, "BEGIN IMMEDIATE");
    cr_assert_eq(rl_sql_engine_run(rig.writer, &q, &cancelled, &rig.out), RL_SQL_ERROR);
    store_sql_run(rig.writing, "COMMIT");
    q.text = RL_BYTES("SELECT 1");
    cr_assert_eq(rl_sql_engine_run(rig.reader, &q, &cancelled, &rig.out), RL_SQL_ERROR);
    cancelled = false;
    cr_assert_eq(rl_sql_engine_run(rig.reader, &q, &cancelled, &rig.out), RL_SQL_ANSWERED);
    cr_assert_eq(store_sql_int(rig.writing, "SELECT count(*) FROM sqlite_schema WHERE name = 't'"),
                 0);
}

Test(limits, readers_hold_no_snapshot_after_any_end)
{
    rig.query.limits = (rl_sql_limits){.timeout_ms = 10, .max_rows = 2, .max_bytes = 65536};
    static const char *const ends[] = {
        "SELECT 1 FROM keys", /* more rows than allowed */
        "SELECT 1 FROM keys; SELECT 1 FROM keys",
        "SELECT count(*) FROM keys; " ENDLESS "SELECT max(i) FROM n",
        "SELECT count(*) FROM keys; CREATE TABLE t(a)",
        "SELECT count(*) FROM keys; SELECT missing",
        "SELECT count(*) FROM keys; BEGIN",
        "SELECT count(*) FROM keys; SELECT ?",
        "SELECT count(*) FROM keys; SELECT zeroblob(65536)",
        "SELECT key, abs(-9223372036854775808) FROM keys",
        "SELECT count(*), rl_get('k') FROM keys; SELECT rl_get('k'), abs(-9223372036854775808)",
    };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        run_on(rig.reader, ends[i], NULL); /* looks at the connection */
        cr_assert_neq(rig.outcome, RL_SQL_ANSWERED, "%s", ends[i]);
        store_sql_run(rig.writing, "CREATE TABLE IF NOT EXISTS w(a); INSERT INTO w VALUES(1)");
        cr_assert_eq(store_sql_int(rig.writing, "PRAGMA wal_checkpoint(TRUNCATE)"), 0, "%s",
                     ends[i]);
    }
}
