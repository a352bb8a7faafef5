/* SPDX-License-Identifier: MIT */
/* The engine: answers byte by byte, parameters, scripts, errors, and what it leaves behind. */
#include "rig.h"

TestSuite(engine, .init = rig_start, .fini = rig_stop);

Test(engine, answers_rows_with_their_names_first)
{
    EXPECT_BOTH(
        "SELECT 1 AS one, -7, 'a', NULL, 0.5, X'00ff'",
        "*2\r\n*6\r\n$3\r\none\r\n$2\r\n-7\r\n$3\r\n'a'\r\n$4\r\nNULL\r\n$3\r\n0.5\r\n$7\r\nX'"
        "00ff'\r\n*6\r\n:1\r\n:-7\r\n$1\r\na\r\n_\r\n,0.5\r\n$2\r\n");
    cr_assert_eq(memcmp(rig.text + rig.len - 8, "$2\r\n\0\xff\r\n", 8), 0);
    rig.query.resp = 2;
    EXPECT_BOTH(
        "SELECT 'a', NULL AS n, 0.5 AS x UNION ALL SELECT 'b', 9223372036854775807, 1e300",
        "*3\r\n*3\r\n$3\r\n'a'\r\n$1\r\nn\r\n$1\r\nx\r\n*3\r\n$1\r\na\r\n$-1\r\n$3\r\n0.5\r\n"
        "*3\r\n$1\r\nb\r\n:9223372036854775807\r\n$6\r\n1e+300\r\n");
    EXPECT_BOTH("SELECT key FROM keys WHERE false", "*1\r\n*1\r\n$3\r\nkey\r\n");
    EXPECT_BOTH("SELECT key, value FROM strings WHERE database = 3",
                "*2\r\n*2\r\n$3\r\nkey\r\n$5\r\nvalue\r\n*2\r\n$6\r\nuser:1\r\n$8\r\nin three\r\n");
}

Test(engine, answers_the_number_of_changed_rows)
{
    EXPECT("CREATE TABLE t(a INTEGER PRIMARY KEY, b)", ":0\r\n");
    EXPECT("INSERT INTO t(b) VALUES('x'), ('y'), ('z')", ":3\r\n");
    EXPECT("UPDATE t SET b = 'w' WHERE a > 1", ":2\r\n");
    EXPECT("UPDATE t SET b = 'w' WHERE a > 100", ":0\r\n");
    EXPECT("CREATE INDEX t_b ON t(b)", ":0\r\n");
    EXPECT("CREATE TABLE IF NOT EXISTS t(a)", ":0\r\n");
    EXPECT("DELETE FROM t", ":3\r\n");
    EXPECT("ANALYZE", ":0\r\n");
    EXPECT("REINDEX t_b", ":0\r\n");
    EXPECT("INSERT INTO t(b) VALUES('q') RETURNING a, b",
           "*2\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n*2\r\n:1\r\n$1\r\nq\r\n");
    EXPECT("INSERT INTO t(b) SELECT name FROM pragma_table_info('t')", ":2\r\n");
    EXPECT("DROP TABLE t", ":0\r\n");
}

Test(engine, counts_what_the_statement_changed_and_not_its_triggers)
{
    EXPECT("CREATE TABLE t(a); CREATE TABLE log(a);"
           "CREATE TRIGGER note AFTER INSERT ON t BEGIN"
           " INSERT INTO log VALUES(new.a); INSERT INTO log VALUES(new.a + 1); END",
           "*3\r\n:0\r\n:0\r\n:0\r\n");
    EXPECT("INSERT INTO t VALUES(1)", ":1\r\n");
    EXPECT("SELECT count(*) AS n FROM log", "*2\r\n*1\r\n$1\r\nn\r\n*1\r\n:2\r\n");
}

Test(engine, an_answer_goes_behind_what_is_there)
{
    rl_chain_add(&rig.out, "+OK\r\n", 5);
    cr_assert_str_eq(run_on(rig.reader, "SELECT 1 AS a", NULL),
                     "+OK\r\n*2\r\n*1\r\n$1\r\na\r\n*1\r\n:1\r\n");
    rl_chain_add(&rig.out, "+OK\r\n", 5);
    cr_assert_eq(strncmp(run_on(rig.reader, "SELEC", NULL), "+OK\r\n-SQLERR ", 13), 0);
}

Test(engine, a_large_answer_is_whole)
{
    rig.query.limits = (rl_sql_limits){.max_rows = 100000, .max_bytes = 64 << 20};
    const char *sql =
        "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n WHERE i < 50000)"
        " SELECT i, printf('%0200d', i) AS t FROM n";
    ask(sql, NULL);
    cr_assert_eq(rig.outcome, RL_SQL_ANSWERED);
    const char *at = rig.text;
    const char *head = "*50001\r\n*2\r\n$1\r\ni\r\n$1\r\nt\r\n";
    cr_assert_eq(strncmp(at, head, strlen(head)), 0);
    at += strlen(head);
    for (int i = 1; i <= 50000; i++) {
        char row[300];
        int len = snprintf(row, sizeof row, "*2\r\n:%d\r\n$200\r\n%0200d\r\n", i, i);
        cr_assert_eq(memcmp(at, row, (size_t)len), 0, "row %d", i);
        at += len;
    }
    cr_assert_eq(at, rig.text + rig.len);
}

/* --- parameters ------------------------------------------------------------------------------ */

Test(engine, parameters_are_text_or_blob_as_in_rl_key)
{
    cr_assert_str_eq(ask("SELECT typeof(?1), typeof(?2), ?1", "5", "\xff", NULL),
                     "*2\r\n*3\r\n$10\r\ntypeof(?1)\r\n$10\r\ntypeof(?2)\r\n$2\r\n?1\r\n"
                     "*3\r\n$4\r\ntext\r\n$4\r\nblob\r\n$1\r\n5\r\n");
    cr_assert_str_eq(
        ask("SELECT value FROM rl_key WHERE key = ? AND db = :db", "user:1", "3", NULL),
        "*2\r\n*1\r\n$5\r\nvalue\r\n*1\r\n$8\r\nin three\r\n");
    rl_bytes odd = rl_bytes_of("\0\xff", 2);
    rl_sql_query q = rig.query;
    q.text = rl_bytes_text("SELECT id FROM rl_key WHERE key = ?");
    q.params = &odd;
    q.param_count = 1;
    run_query(rig.reader, &q);
    cr_assert_str_eq(rig.text, "*2\r\n*1\r\n$2\r\nid\r\n*1\r\n:6\r\n");
    cr_assert_str_eq(ask("SELECT count(*) AS n FROM keys LIMIT ?", "10", NULL),
                     "*2\r\n*1\r\n$1\r\nn\r\n*1\r\n:6\r\n");
}

Test(engine, parameters_have_the_types_asked_for)
{
    rig.query.types = "tidbn-";
    ask("SELECT typeof(?), typeof(?), typeof(?), typeof(?), typeof(?), typeof(?)", "1",
        "-9223372036854775808", "1e3", "text", "ignored", "1", NULL);
    cr_assert_not_null(strstr(rig.text, "*6\r\n$4\r\ntext\r\n$7\r\ninteger\r\n$4\r\nreal\r\n$4\r\n"
                                        "blob\r\n$4\r\nnull\r\n$4\r\ntext\r\n"));
    static const struct {
        const char *types, *value, *words;
    } wrong[] = {
        {"i", "12x", "-SQLERR parameter 1 is not an integer (i): 64 bits, decimal\r\n"},
        {"i", "9223372036854775808", "-SQLERR parameter 1 is not an integer"},
        {"i", "", "-SQLERR parameter 1 is not an integer"},
        {"d", "one", "-SQLERR parameter 1 is not a number (d)\r\n"},
        {"d", "nan", "-SQLERR parameter 1 is not a number (d)\r\n"},
        {"t", "\xff", "-SQLERR parameter 1 is not text (t)"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        rig.query.types = wrong[i].types;
        ask("SELECT ?", wrong[i].value, NULL);
        cr_assert_eq(rig.outcome, RL_SQL_ERROR);
        cr_assert_eq(strncmp(rig.text, wrong[i].words, strlen(wrong[i].words)), 0, "%s", rig.text);
    }
    rig.query.types = "b";
    cr_assert_str_eq(ask("SELECT length(?) AS n", "", NULL),
                     "*2\r\n*1\r\n$1\r\nn\r\n*1\r\n:0\r\n"); /* empty, not NULL */
}

Test(engine, the_number_of_parameters_has_to_be_right)
{
    static const struct {
        const char *sql;
        int given;
        const char *answer;
    } cases[] = {
        {"SELECT ?, ?", 1,
         "-SQLERR wrong number of parameters: the statement has 2, 1 was given\r\n"},
        {"SELECT ?, ?", 3,
         "-SQLERR wrong number of parameters: the statement has 2, 3 were given\r\n"},
        {"SELECT 1", 1, "-SQLERR wrong number of parameters: the statement has 0, 1 was given\r\n"},
        {"SELECT ?3", 2,
         "-SQLERR wrong number of parameters: the statement has 3, 2 were given\r\n"},
        {"SELECT ?; SELECT ?, ?", 2,
         "-SQLERR in statement 2: wrong number of parameters: it has 2, and 1 is left of 2\r\n"},
        {"SELECT ?; SELECT ?", 4,
         "-SQLERR wrong number of parameters: the statements have 2 together, 4 were given\r\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        rl_bytes params[4] = {RL_BYTES("1"), RL_BYTES("2"), RL_BYTES("3"), RL_BYTES("4")};
        rl_sql_query q = rig.query;
        q.text = rl_bytes_text(cases[i].sql);
        q.params = params;
        q.param_count = cases[i].given;
        for (int which = 0; which < 2; which++) {
            run_query(which ? rig.writer : rig.reader, &q);
            cr_assert_str_eq(rig.text, cases[i].answer);
        }
    }
    cr_assert_str_eq(
        ask("SELECT ?1 AS a, ?1 AS b; SELECT :x AS c, :x AS d; SELECT ? AS e", "p", "q", "r", NULL),
        "*3\r\n*2\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n*2\r\n$1\r\np\r\n$1\r\np\r\n"
        "*2\r\n*2\r\n$1\r\nc\r\n$1\r\nd\r\n*2\r\n$1\r\nq\r\n$1\r\nq\r\n"
        "*2\r\n*1\r\n$1\r\ne\r\n*1\r\n$1\r\nr\r\n");
}

Test(engine, too_many_parameters_are_found_before_anything_is_written)
{
    ask("CREATE TABLE t(a)", NULL);
    ask("INSERT INTO t VALUES(?)", "1", "2", NULL);
    cr_assert_eq(rig.outcome, RL_SQL_ERROR);
    ask("INSERT INTO t VALUES(?); INSERT INTO t VALUES(2)", "1", "2", NULL);
    cr_assert_eq(rig.outcome, RL_SQL_ERROR);
    EXPECT("SELECT count(*) AS n FROM t", "*2\r\n*1\r\n$1\r\nn\r\n*1\r\n:0\r\n");
}

/* --- scripts --------------------------------------------------------------------------------- */

Test(engine, a_script_answers_each_statement)
{
    EXPECT_BOTH(" ; SELECT 1 AS a; -- one\n SELECT 2 AS b /* two */ ;; ",
                "*2\r\n*2\r\n*1\r\n$1\r\na\r\n*1\r\n:1\r\n*2\r\n*1\r\n$1\r\nb\r\n*1\r\n:2\r\n");
    EXPECT_BOTH("SELECT 1 AS a; -- the only one", "*2\r\n*1\r\n$1\r\na\r\n*1\r\n:1\r\n");
    EXPECT_BOTH("/* first */ SELECT 1 AS a;;;", "*2\r\n*1\r\n$1\r\na\r\n*1\r\n:1\r\n");
    EXPECT_BOTH("\xef\xbb\xbfSELECT 1 AS a;\xef\xbb\xbf ", "*2\r\n*1\r\n$1\r\na\r\n*1\r\n:1\r\n");
    EXPECT("CREATE TABLE t(a); INSERT INTO t VALUES(1), (2); SELECT sum(a) AS s FROM t",
           "*3\r\n:0\r\n:2\r\n*2\r\n*1\r\n$1\r\ns\r\n*1\r\n:3\r\n");
}

Test(engine, a_reader_says_that_a_script_writes_whatever_came_before)
{
    run_on(rig.reader, "SELECT * FROM keys; DELETE FROM nothing", NULL);
    cr_assert_eq(rig.outcome, RL_SQL_ERROR); /* no such table: nobody could run it */
    static const char *const writes[] = {
        "CREATE TABLE t(a)", "SELECT 1; CREATE TABLE t(a); INSERT INTO t VALUES(1)",
        "PRAGMA optimize",   "ANALYZE",
        "SELECT 1; REINDEX",
    };
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++) {
        run_on(rig.reader, writes[i], NULL);
        cr_assert_eq(rig.outcome, RL_SQL_WRITES, "%s: %s", writes[i], rig.text);
    }
    run_on(rig.reader, "EXPLAIN CREATE TABLE t(a)", NULL);
    cr_assert_eq(rig.outcome, RL_SQL_ANSWERED);
    run_on(rig.reader, "EXPLAIN QUERY PLAN SELECT * FROM rl_key WHERE key = 'a'", NULL);
    cr_assert_not_null(strstr(rig.text, "SEARCH rl_key USING INDEX rl_key_name (key=?)"), "%s",
                       rig.text);
    ask("CREATE TABLE t(a)", NULL);
    run_on(rig.reader, "EXPLAIN QUERY PLAN DELETE FROM t WHERE a = 1", NULL);
    cr_assert_eq(rig.outcome, RL_SQL_ANSWERED, "%s", rig.text);
}

Test(engine, a_script_that_fails_leaves_nothing)
{
    ask("CREATE TABLE t(a INTEGER PRIMARY KEY)", NULL);
    EXPECT_ERROR("INSERT INTO t VALUES(1); CREATE TABLE u(b); CREATE INDEX v ON rl_key(value);"
                 "INSERT INTO t VALUES(1)",
                 "SQLERR", "in statement 4: UNIQUE constraint failed: t.a");
    cr_assert_eq(rig.outcome, RL_SQL_ERROR);
    cr_assert_eq(rl_sql_engine_rc(rig.writer) & 0xff, SQLITE_CONSTRAINT);
    EXPECT("SELECT (SELECT count(*) FROM t) AS n,"
           " (SELECT count(*) FROM sqlite_schema WHERE name IN ('u', 'v')) AS m",
           "*2\r\n*2\r\n$1\r\nn\r\n$1\r\nm\r\n*2\r\n:0\r\n:0\r\n");
    EXPECT("INSERT INTO t VALUES(1)", ":1\r\n");
    EXPECT_ERROR("INSERT INTO t VALUES(2); SELECT * FROM missing", "SQLERR",
                 "in statement 2: no such table: missing");
    EXPECT_ERROR(
        "DELETE FROM t; INSERT INTO t VALUES(3); DROP TABLE t; SELECT abs(-9223372036854775808)",
        "SQLERR", "in statement 4: integer overflow");
    EXPECT("SELECT a FROM t", "*2\r\n*1\r\n$1\r\na\r\n*1\r\n:1\r\n");
}

Test(engine, earlier_work_of_the_transaction_stays)
{
    store_sql_run(rig.writing,
                  "BEGIN IMMEDIATE; INSERT INTO rl_key VALUES(50, 0, 1, NULL, 'k', 'v')");
    rl_sql_query q = rig.query;
    q.text = RL_BYTES("CREATE TABLE t(a UNIQUE); INSERT INTO t VALUES(1); INSERT INTO t VALUES(1)");
    cr_assert_eq(rl_sql_engine_run(rig.writer, &q, NULL, &rig.out), RL_SQL_ERROR);
    q.text = RL_BYTES("CREATE TABLE t(a); INSERT INTO t SELECT value FROM strings WHERE key = 'k'");
    cr_assert_eq(rl_sql_engine_run(rig.writer, &q, NULL, &rig.out), RL_SQL_ANSWERED);
    store_sql_run(rig.writing, "COMMIT");
    cr_assert_str_eq(store_sql_text(rig.writing, "SELECT a FROM t"), "v");
}

/* Stands in for a client whose write is committed in this very moment. */
static void commit_elsewhere(sqlite3_context *context, int argc, sqlite3_value **argv) {
    (void)argc, (void)argv;
    store_sql_run(rig.writing, "INSERT INTO t VALUES(1)");
    sqlite3_result_int64(context, store_sql_int(rig.writing, "SELECT count(*) FROM t"));
}

Test(engine, one_snapshot_for_a_script_of_reads)
{
    ask("CREATE TABLE t(a)", NULL);
    sqlite3_create_function(rig.reading, "commit_elsewhere", 0, SQLITE_UTF8, NULL, commit_elsewhere,
                            NULL, NULL);
    const char *sql = "SELECT count(*) AS n FROM t; SELECT commit_elsewhere() AS n;"
                      "SELECT count(*) AS n FROM t";
    cr_assert_str_eq(run_on(rig.reader, sql, NULL),
                     "*3\r\n*2\r\n*1\r\n$1\r\nn\r\n*1\r\n:0\r\n*2\r\n*1\r\n$1\r\nn\r\n*1\r\n:1"
                     "\r\n*2\r\n*1\r\n$1\r\nn\r\n*1\r\n:0\r\n");
    EXPECT("SELECT count(*) AS n FROM t", "*2\r\n*1\r\n$1\r\nn\r\n*1\r\n:1\r\n");
}

/* --- errors ---------------------------------------------------------------------------------- */

Test(engine, errors_say_what_and_where)
{
    EXPECT_REFUSED("SELEC 1", "SQLERR", "near \"SELEC\": syntax error (at character 1)");
    EXPECT_REFUSED("SELECT 'Grüße' FROM\n nowhere", "SQLERR", "no such table: nowhere");
    EXPECT_REFUSED("SELECT 'Grüße', missing FROM keys", "SQLERR",
                   "no such column: missing (at character 17)");
    EXPECT_REFUSED("SELECT 1; SELECT missing FROM keys", "SQLERR",
                   "SQLERR in statement 2: no such column: missing (at character 18)");
    EXPECT_REFUSED("SELECT (1", "SQLERR", "incomplete input");
    EXPECT_REFUSED("SELECT 'open", "SQLERR", "unrecognized token");
    EXPECT_REFUSED("", "SQLERR", "there is no statement");
    EXPECT_REFUSED("  -- nothing\n /* at all */ ;; ", "SQLERR", "there is no statement");
    EXPECT_REFUSED("/* open", "SQLERR", "there is no statement");
    EXPECT_REFUSED("SELECT 1 \xff", "SQLERR", "the statement is not UTF-8");
    EXPECT_REFUSED("SELECT abs(-9223372036854775808)", "SQLERR", "integer overflow");
    rl_sql_query q = rig.query;
    q.text = rl_bytes_of("SELECT 'a\0b'", 12);
    run_query(rig.reader, &q);
    cr_assert_eq(strncmp(rig.text, "-SQLERR the statement has a zero byte (at byte 10)", 50), 0);
}

Test(engine, an_error_is_one_line_and_not_endless)
{
    EXPECT("CREATE TABLE t(a); CREATE TRIGGER no BEFORE INSERT ON t BEGIN"
           " SELECT raise(ABORT, 'first\r\n+second'); END",
           "*2\r\n:0\r\n:0\r\n");
    EXPECT_ERROR("INSERT INTO t VALUES(1)", "SQLERR", "first  +second\r\n");
    cr_assert_eq(strchr(rig.text, '\n'), rig.text + rig.len - 1);
    char sql[6000] = "SELECT ";
    for (size_t i = 7; i < sizeof sql - 3; i += 2)
        memcpy(sql + i, "\xc3\xbc", 3);
    EXPECT_REFUSED(sql, "SQLERR", "no such column: \xc3\xbc");
    cr_assert_lt(rig.len, 1100);
}

Test(engine, a_failed_statement_does_not_spoil_the_next)
{
    for (int i = 0; i < 3; i++) {
        EXPECT_REFUSED("SELECT missing", "SQLERR", "missing");
        EXPECT_REFUSED("DROP TABLE rl_key", "SQLDENIED", "rl_key");
        EXPECT_BOTH("SELECT 1 AS a", "*2\r\n*1\r\n$1\r\na\r\n*1\r\n:1\r\n");
    }
}

/* --- the whole transaction ------------------------------------------------------------------- */

Test(engine, a_statement_that_rolls_everything_back_says_so)
{
    ask("CREATE TABLE t(a PRIMARY KEY); INSERT INTO t VALUES(1);"
        "CREATE TABLE u(a PRIMARY KEY ON CONFLICT ROLLBACK); INSERT INTO u VALUES(1);"
        "CREATE TABLE w(a); CREATE TRIGGER w_no BEFORE INSERT ON w BEGIN"
        " SELECT raise(ROLLBACK, 'not here'); END",
        NULL);
    cr_assert_eq(rig.outcome, RL_SQL_ANSWERED, "%s", rig.text);
    static const struct {
        const char *sql, *words;
    } cases[] = {
        {"INSERT OR ROLLBACK INTO t VALUES(1)", "-SQLERR UNIQUE constraint failed: t.a"},
        {"UPDATE OR ROLLBACK t SET a = 1; SELECT 1", ""},
        {"SELECT 1; INSERT INTO u VALUES(1); SELECT 2", "-SQLERR in statement 2: UNIQUE"},
        {"INSERT INTO w VALUES(1)", "-SQLERR not here"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run_on(rig.writer, cases[i].sql, NULL);
        if (cases[i].words[0] == '\0') {
            cr_assert_eq(rig.outcome, RL_SQL_ANSWERED);
            continue;
        }
        cr_assert_eq(rig.outcome, RL_SQL_ROLLED_BACK, "%s: %s", cases[i].sql, rig.text);
        cr_assert_eq(strncmp(rig.text, cases[i].words, strlen(cases[i].words)), 0, "%s", rig.text);
    }
    EXPECT("INSERT INTO t VALUES(2)", ":1\r\n");
}

Test(engine, running_out_of_ids_is_not_a_full_disk)
{
    ask("CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT, b)", NULL);
    run_on(rig.writer, "INSERT INTO t VALUES(9223372036854775807, 1); INSERT INTO t(b) VALUES(2)",
           NULL);
    cr_assert(rig.outcome == RL_SQL_ERROR || rig.outcome == RL_SQL_ROLLED_BACK, "%d", rig.outcome);
    EXPECT("INSERT INTO t VALUES(9223372036854775807, 1)", ":1\r\n");
    EXPECT("CREATE TABLE u(c); INSERT INTO u VALUES(3)", "*2\r\n:0\r\n:1\r\n");
    run_on(rig.writer, "INSERT INTO t(b) SELECT c FROM u", NULL);
    cr_assert(rig.outcome == RL_SQL_ERROR || rig.outcome == RL_SQL_ROLLED_BACK, "%d", rig.outcome);
    cr_assert_eq(rl_sql_engine_rc(rig.writer) & 0xff, SQLITE_FULL);
}

Test(engine, foreign_keys_hold_at_the_end_of_a_script)
{
    ask("CREATE TABLE p(a INTEGER PRIMARY KEY); CREATE TABLE c(a REFERENCES p(a)"
        " DEFERRABLE INITIALLY DEFERRED); CREATE TABLE d(a REFERENCES p(a) ON DELETE CASCADE)",
        NULL);
    EXPECT_ERROR("INSERT INTO d VALUES(1)", "SQLERR", "FOREIGN KEY constraint failed");
    EXPECT("INSERT INTO c VALUES(1); INSERT INTO p VALUES(1)", "*2\r\n:1\r\n:1\r\n");
    EXPECT_ERROR("INSERT INTO c VALUES(2)", "SQLERR", "FOREIGN KEY constraint failed: at the end");
    EXPECT_ERROR("INSERT INTO p VALUES(7); INSERT INTO c VALUES(3)", "SQLERR",
                 "SQLERR FOREIGN KEY constraint failed: at the end");
    EXPECT("PRAGMA defer_foreign_keys = ON; INSERT INTO d VALUES(4); INSERT INTO p VALUES(4)",
           "*3\r\n:0\r\n:1\r\n:1\r\n");
    EXPECT_ERROR("INSERT INTO d VALUES(5); INSERT INTO p VALUES(5)", "SQLERR",
                 "in statement 1: FOREIGN KEY constraint failed");
    EXPECT("DELETE FROM p WHERE a = 4", ":1\r\n");
    EXPECT("SELECT count(*) AS n FROM d", "*2\r\n*1\r\n$1\r\nn\r\n*1\r\n:0\r\n");
    EXPECT_BOTH("PRAGMA foreign_keys", "*2\r\n*1\r\n$12\r\nforeign_keys\r\n*1\r\n:1\r\n");
}

/* --- what stays on the connection ------------------------------------------------------------ */

Test(engine, the_writer_is_as_it_was)
{
    int before[SQLITE_LIMIT_WORKER_THREADS + 1];
    for (int i = 0; i <= SQLITE_LIMIT_WORKER_THREADS; i++)
        before[i] = sqlite3_limit(rig.writing, i, -1);
    ask("CREATE TABLE t(a)", NULL);
    run_on(rig.writer, "INSERT INTO rl_key VALUES(1)", NULL);
    for (int i = 0; i <= SQLITE_LIMIT_WORKER_THREADS; i++)
        cr_assert_eq(sqlite3_limit(rig.writing, i, -1), before[i]);
    /* No authorizer, no deadline. */
    store_sql_run(rig.writing, "INSERT INTO rl_key VALUES(60, 0, 1, NULL, 'mine', 'v')");
    store_sql_run(rig.writing, "BEGIN; SAVEPOINT x; RELEASE x; COMMIT");
}

Test(engine, a_statement_prepared_again_has_the_new_columns)
{
    ask("CREATE TABLE t(a); INSERT INTO t VALUES(1)", NULL);
    EXPECT("SELECT * FROM t", "*2\r\n*1\r\n$1\r\na\r\n*1\r\n:1\r\n");
    EXPECT("ALTER TABLE t ADD COLUMN b DEFAULT 2", ":0\r\n");
    EXPECT("SELECT * FROM t", "*2\r\n*2\r\n$1\r\na\r\n$1\r\nb\r\n*2\r\n:1\r\n:2\r\n");
    EXPECT("DROP TABLE t", ":0\r\n");
    EXPECT_REFUSED("SELECT * FROM t", "SQLERR", "no such table: t");
    EXPECT("CREATE TABLE t(c, d, e)", ":0\r\n");
    EXPECT("SELECT * FROM t", "*1\r\n*3\r\n$1\r\nc\r\n$1\r\nd\r\n$1\r\ne\r\n");
}

Test(engine, many_statements_and_parameters_of_one)
{
    for (int i = 0; i < 300; i++) {
        char sql[64], answer[64];
        snprintf(sql, sizeof sql, "SELECT ? AS p, %d AS n", i % 100);
        snprintf(answer, sizeof answer,
                 "*2\r\n*2\r\n$1\r\np\r\n$1\r\nn\r\n*2\r\n$1\r\nx\r\n:%d\r\n", i % 100);
        cr_assert_str_eq(ask(sql, "x", NULL), answer);
        /* Nothing of the last run is bound any more. */
        cr_assert_eq(strncmp(ask(sql, NULL), "-SQLERR wrong number", 20), 0);
    }
}
