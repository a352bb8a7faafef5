/* SPDX-License-Identifier: MIT */
/* What SQL may do: each refusal with its reason on both roles, and what stays allowed. */
#include "rig.h"
#include "sql/authorizer.h"

TestSuite(authorizer, .init = rig_start, .fini = rig_stop);

Test(authorizer, tables_of_keys_are_read_and_not_written)
{
    EXPECT_BOTH(
        "SELECT count(*) AS n FROM rl_key; SELECT value FROM rl_meta WHERE name = 'next_id'",
        "*2\r\n*2\r\n*1\r\n$1\r\nn\r\n*1\r\n:7\r\n*2\r\n*1\r\n$5\r\nvalue\r\n*1\r\n:1\r\n");
    static const char *const writes[] = {
        "INSERT INTO rl_key(id, db, type, key) VALUES(9, 0, 1, 'x')",
        "INSERT OR REPLACE INTO main.RL_KEY(id, db, type, key) VALUES(9, 0, 1, 'x')",
        "UPDATE rl_key SET value = 'x'",
        "DELETE FROM rl_key",
        "DELETE FROM \"Rl_Key\" WHERE id = 1",
        "WITH a AS (SELECT 1) DELETE FROM rl_key WHERE id IN a",
        "EXPLAIN DELETE FROM rl_key",
    };
    for (size_t i = 0; i < sizeof writes / sizeof writes[0]; i++)
        EXPECT_REFUSED(writes[i], "SQLDENIED", "is written by key commands alone");
    EXPECT_REFUSED("UPDATE rl_meta SET value = 7", "SQLDENIED", "rl_meta is written by key");
    EXPECT_REFUSED("DROP TABLE rl_key", "SQLDENIED",
                   "rl_key is Rubellite's own and cannot be dropped");
    EXPECT_REFUSED("DROP TABLE IF EXISTS main.rl_meta", "SQLDENIED", "cannot be dropped");
    EXPECT_REFUSED("DROP INDEX rl_key_name", "SQLDENIED", "cannot be dropped");
    EXPECT_REFUSED("ALTER TABLE rl_key ADD COLUMN more", "SQLDENIED", "cannot be altered");
    EXPECT_REFUSED("ALTER TABLE rl_key RENAME TO mine", "SQLDENIED", "cannot be altered");
    EXPECT_REFUSED("ALTER TABLE rl_key RENAME COLUMN value TO v", "SQLDENIED", "cannot be altered");
    EXPECT_REFUSED("ALTER TABLE rl_key DROP COLUMN value", "SQLDENIED", "cannot be altered");
    cr_assert_eq(store_sql_int(rig.writing, "SELECT count(*) FROM rl_key"), 7);
}

Test(authorizer, views_of_keys_are_read_and_not_written)
{
    EXPECT_REFUSED("INSERT INTO keys(key) VALUES('x')", "SQLDENIED", "keys is a view of the keys");
    EXPECT_REFUSED("DELETE FROM strings", "SQLDENIED", "strings is a view of the keys");
    EXPECT_REFUSED("DROP VIEW keys", "SQLDENIED", "keys is Rubellite's own");
    EXPECT_REFUSED("CREATE TRIGGER t INSTEAD OF INSERT ON keys BEGIN SELECT 1; END", "SQLDENIED",
                   "would never fire");
}

Test(authorizer, names_of_ours_are_kept)
{
    static const char *const takes[] = {
        "CREATE TABLE rl_mine(a)",
        "CREATE TABLE RL_mine AS SELECT 1",
        "CREATE VIEW rl_mine AS SELECT 1",
        "CREATE INDEX rl_mine ON rl_key(value)",
        "CREATE VIRTUAL TABLE rl_mine USING fts5(a)",
        "CREATE TABLE hashes(a)",
        "CREATE VIEW Streams AS SELECT 1",
        "CREATE INDEX streams ON rl_key(value)",
        "CREATE TABLE IF NOT EXISTS zsets(a)",
    };
    for (size_t i = 0; i < sizeof takes / sizeof takes[0]; i++)
        EXPECT_REFUSED(takes[i], "SQLDENIED", "choose another");
    EXPECT("CREATE TABLE t(a)", ":0\r\n");
    static const char *const renames[] = {
        "ALTER TABLE t RENAME TO rl_t",
        "ALTER TABLE t RENAME TO streams",
        "SELECT 1; ALTER TABLE t RENAME TO \"RL_LATER\"; SELECT 2",
    };
    for (size_t i = 0; i < sizeof renames / sizeof renames[0]; i++) {
        EXPECT_ERROR(renames[i], "SQLDENIED", "kept for Rubellite");
        cr_assert_eq(rig.outcome, RL_SQL_ERROR);
    }
    EXPECT("ALTER TABLE t RENAME TO relic", ":0\r\n");
    EXPECT("CREATE VIRTUAL TABLE f USING fts5(a)", ":0\r\n");
    EXPECT_ERROR("ALTER TABLE f RENAME TO rl", "SQLDENIED", "kept for Rubellite"); /* rl_data … */
    EXPECT_ERROR("CREATE VIRTUAL TABLE rl USING fts5(a)", "SQLDENIED", "kept for Rubellite");
    EXPECT("SELECT count(*) AS n FROM f", "*2\r\n*1\r\n$1\r\nn\r\n*1\r\n:0\r\n");
}

Test(authorizer, other_files_and_code_stay_out)
{
    EXPECT_REFUSED("ATTACH '/tmp/other.db' AS other", "SQLDENIED", "ATTACH: a client may use");
    EXPECT_REFUSED("DETACH main", "SQLDENIED", "DETACH");
    EXPECT_REFUSED("VACUUM", "SQLDENIED", "VACUUM would keep all clients waiting");
    EXPECT_REFUSED("vacuum INTO '/tmp/copy.db'", "SQLDENIED", "VACUUM");
    EXPECT_REFUSED("SELECT 1; /* x */ VACUUM", "SQLDENIED", "SQLDENIED in statement 2: VACUUM");
    EXPECT_REFUSED("SELECT load_extension('x')", "SQLDENIED",
                   "load_extension() is not for clients");
    EXPECT_REFUSED("SELECT fts3_tokenizer('simple')", "SQLDENIED", "fts3_tokenizer()");
    EXPECT_REFUSED("CREATE VIRTUAL TABLE d USING dbstat", "SQLDENIED", "virtual tables of dbstat");
    EXPECT_REFUSED("CREATE VIRTUAL TABLE d USING csv(x)", "SQLDENIED", "virtual tables of csv");
    ask("SELECT count(*) > 0 AS n FROM dbstat", NULL);
    cr_assert_eq(rig.outcome, RL_SQL_ANSWERED, "%s", rig.text);
}

Test(authorizer, transactions_are_scripts)
{
    static const char *const statements[] = {
        "BEGIN",
        "BEGIN IMMEDIATE",
        "COMMIT",
        "END",
        "ROLLBACK",
        "SAVEPOINT a",
        "RELEASE a",
        "ROLLBACK TO a",
        "ROLLBACK TO rl_sql",
        "RELEASE rl_sql",
    };
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++)
        EXPECT_REFUSED(statements[i], "SQLERR", "as one script");
    EXPECT_REFUSED("BEGIN", "SQLERR", "SQLERR BEGIN: a transaction does not last");
    EXPECT_REFUSED("COMMIT", "SQLERR", "SQLERR COMMIT: a transaction does not last");
}

Test(authorizer, temporary_objects_are_refused)
{
    static const char *const statements[] = {
        "CREATE TEMP TABLE t(a)",
        "CREATE TABLE temp.t(a)",
        "CREATE TEMP TABLE t AS SELECT 1",
        "CREATE TEMPORARY VIEW v AS SELECT 1",
        "CREATE TEMP TRIGGER g AFTER INSERT ON rl_key BEGIN SELECT 1; END",
        "CREATE VIRTUAL TABLE temp.f USING fts5(a)",
    };
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++)
        EXPECT_REFUSED(statements[i], "SQLDENIED", "connections are shared between clients");
}

Test(authorizer, pragmas_that_read)
{
    EXPECT("CREATE TABLE p(a INTEGER PRIMARY KEY); CREATE TABLE t(a REFERENCES p, b); CREATE INDEX "
           "i ON t(b)",
           "*3\r\n:0\r\n:0\r\n:0\r\n");
    static const struct {
        const char *sql, *words; /* that must be in the answer */
    } cases[] = {
        {"PRAGMA table_info(t)", "\r\na\r\n"},
        {"PRAGMA table_info('rl_key')", "expires_at"},
        {"PRAGMA table_xinfo(keys)", "ttl_ms"},
        {"PRAGMA table_list", "rl_meta"},
        {"PRAGMA index_list(t)", "\r\ni\r\n"},
        {"PRAGMA index_info(i)", "\r\nb\r\n"},
        {"PRAGMA index_xinfo(i)", "BINARY"},
        {"PRAGMA foreign_key_list(t)", "NO ACTION"},
        {"PRAGMA foreign_key_check", "parent"},
        {"PRAGMA database_list", "data.db"},
        {"PRAGMA function_list", "rl_ttl"},
        {"PRAGMA collation_list", "NOCASE"},
        {"PRAGMA compile_options", "THREADSAFE=1"},
        {"PRAGMA pragma_list", "table_info"},
        {"PRAGMA module_list", "fts5"},
        {"PRAGMA encoding", "UTF-8"},
        {"PRAGMA page_size", ":4096"},
        {"PRAGMA page_count", "page_count"},
        {"PRAGMA freelist_count", "freelist_count"},
        {"PRAGMA user_version", "*1\r\n:2\r\n"},
        {"PRAGMA application_id", ":1380076628"},
        {"PRAGMA journal_mode", "wal"},
        {"PRAGMA foreign_keys", ":1"},
        {"PRAGMA main.quick_check", "\r\nok\r\n"},
        {"PRAGMA integrity_check(10)", "\r\nok\r\n"},
        {"PRAGMA data_version", "data_version"},
        {"PRAGMA schema_version", "schema_version"},
        {"PRAGMA auto_vacuum", ":0"},
        {"SELECT name FROM pragma_table_info('t')", "\r\nb\r\n"},
        {"SELECT * FROM pragma_database_list", "main"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        run_on(rig.reader, cases[i].sql, NULL);
        cr_assert_eq(rig.outcome, RL_SQL_ANSWERED, "%s: %s", cases[i].sql, rig.text);
        cr_assert_not_null(strstr(rig.text, cases[i].words), "%s: %s", cases[i].sql, rig.text);
        run_on(rig.writer, cases[i].sql, NULL);
        cr_assert_eq(rig.outcome, RL_SQL_ANSWERED, "%s: %s", cases[i].sql, rig.text);
        cr_assert_not_null(strstr(rig.text, cases[i].words), "%s: %s", cases[i].sql, rig.text);
    }
    EXPECT("PRAGMA optimize", "*1\r\n*1\r\n$8\r\noptimize\r\n");
    run_on(rig.reader, "PRAGMA optimize", NULL);
    cr_assert_eq(rig.outcome, RL_SQL_WRITES);
}

Test(authorizer, pragmas_that_would_change_something)
{
    static const char *const statements[] = {
        "PRAGMA journal_mode = DELETE",
        "PRAGMA foreign_keys = OFF",
        "PRAGMA user_version = 7",
        "PRAGMA application_id = 1",
        "PRAGMA writable_schema = ON",
        "PRAGMA synchronous = OFF",
        "PRAGMA synchronous",
        "PRAGMA cache_size = 1000000",
        "PRAGMA query_only = OFF",
        "PRAGMA wal_checkpoint(TRUNCATE)",
        "PRAGMA locking_mode = EXCLUSIVE",
        "PRAGMA mmap_size = 1",
        "PRAGMA temp_store_directory = '/tmp'",
        "PRAGMA trusted_schema = ON",
        "PRAGMA recursive_triggers = ON",
        "PRAGMA ignore_check_constraints = ON",
        "PRAGMA case_sensitive_like = ON",
        "PRAGMA page_size = 8192",
        "PRAGMA encoding = 'UTF-16'",
        "PRAGMA secure_delete = ON",
        "PRAGMA incremental_vacuum",
        "PRAGMA schema_version = 99",
        "PRAGMA busy_timeout = 1",
        "PRAGMA hard_heap_limit = 1",
        "PRAGMA threads = 8",
        "PRAGMA made_up = 1",
        "EXPLAIN PRAGMA foreign_keys = OFF",
    };
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++)
        EXPECT_REFUSED(statements[i], "SQLDENIED", "SQLDENIED PRAGMA ");
    EXPECT_REFUSED("PRAGMA foreign_keys = OFF", "SQLDENIED",
                   "PRAGMA foreign_keys with a value: foreign keys are always enforced");
    EXPECT_REFUSED("SELECT * FROM pragma_cache_size", "SQLDENIED", "PRAGMA cache_size");
    cr_assert_eq(store_sql_int(rig.writing, "PRAGMA user_version"), 2);
    cr_assert_eq(store_sql_int(rig.writing, "PRAGMA foreign_keys"), 1);
}

Test(authorizer, the_schema_is_not_written_directly)
{
    ask("CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT)", NULL);
    EXPECT_REFUSED("UPDATE sqlite_schema SET sql = 'x'", "SQLERR", "may not be modified");
    EXPECT_REFUSED("DELETE FROM sqlite_master", "SQLERR", "may not be modified");
    EXPECT_REFUSED("DROP TABLE sqlite_sequence", "SQLERR", "may not be dropped");
    EXPECT("ANALYZE; SELECT count(*) > 0 AS n FROM sqlite_stat1",
           "*2\r\n:0\r\n*2\r\n*1\r\n$1\r\nn\r\n*1\r\n:1\r\n");
    EXPECT("ANALYZE rl_key", ":0\r\n");
    EXPECT("REINDEX; REINDEX rl_key", "*2\r\n:0\r\n:0\r\n");
}

Test(authorizer, triggers_and_views_on_user_tables)
{
    EXPECT("CREATE TABLE t(a, b); CREATE TABLE log(a);"
           "CREATE VIEW v AS SELECT t.a, k.value FROM t JOIN keys AS k ON k.key = t.b;"
           "CREATE TRIGGER v_in INSTEAD OF INSERT ON v BEGIN"
           " INSERT INTO t VALUES(new.a, new.value); END;"
           "CREATE TRIGGER t_in AFTER INSERT ON t BEGIN"
           " INSERT INTO log SELECT value FROM rl_key WHERE key = new.b; END;",
           "*5\r\n:0\r\n:0\r\n:0\r\n:0\r\n:0\r\n");
    EXPECT("INSERT INTO v VALUES(1, 'counter')", ":0\r\n");
    EXPECT("SELECT a, value FROM v; SELECT a FROM log",
           "*2\r\n*2\r\n*2\r\n$1\r\na\r\n$5\r\nvalue\r\n*2\r\n:1\r\n$2\r\n11\r\n"
           "*2\r\n*1\r\n$1\r\na\r\n*1\r\n$2\r\n11\r\n");
    EXPECT_REFUSED("CREATE TRIGGER g AFTER INSERT ON rl_key BEGIN SELECT 1; END", "SQLDENIED",
                   "a trigger on rl_key would never fire");
    /* A trigger that writes keys is refused when it fires. */
    EXPECT("CREATE TABLE u(a); CREATE TRIGGER u_in AFTER INSERT ON u BEGIN"
           " DELETE FROM rl_key WHERE key = new.a; END",
           "*2\r\n:0\r\n:0\r\n");
    EXPECT_ERROR("INSERT INTO u VALUES('counter')", "SQLDENIED",
                 "rl_key is written by key commands");
    cr_assert_eq(store_sql_int(rig.writing, "SELECT count(*) FROM rl_key"), 7);
    EXPECT("DROP TRIGGER u_in; DROP VIEW v; DROP TABLE t", "*3\r\n:0\r\n:0\r\n:0\r\n");
}

Test(authorizer, foreign_keys_may_not_refer_to_keys)
{
    static const char *const statements[] = {
        "CREATE TABLE t(k REFERENCES rl_key(id))",
        "CREATE TABLE t(k, FOREIGN KEY(k) REFERENCES \"RL_KEY\"(id) ON DELETE CASCADE)",
        "CREATE TABLE t(k REFERENCES keys(key))",
        "CREATE TABLE t(a); ALTER TABLE t ADD COLUMN k REFERENCES rl_key(id)",
        "CREATE TABLE t(k REFERENCES rl_hash(key_id))",
    };
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        EXPECT_ERROR(statements[i], "SQLDENIED", "a foreign key of t refers to ");
        cr_assert_eq(rig.outcome, RL_SQL_ERROR);
    }
    EXPECT("SELECT count(*) AS n FROM sqlite_schema WHERE name = 't'",
           "*2\r\n*1\r\n$1\r\nn\r\n*1\r\n:0\r\n");
}

/* --- indexes --------------------------------------------------------------------------------- */

Test(authorizer, indexes_on_keys)
{
    EXPECT("CREATE INDEX by_value ON rl_key(value) WHERE type = 1", ":0\r\n");
    EXPECT("CREATE INDEX by_name ON rl_key(json_extract(value, '$.name')) WHERE json_valid(value)",
           ":0\r\n");
    EXPECT("CREATE INDEX by_end ON rl_key(expires_at) WHERE expires_at IS NOT NULL", ":0\r\n");
    ask("EXPLAIN QUERY PLAN SELECT key FROM rl_key WHERE json_valid(value)"
        " AND json_extract(value, '$.name') = 'Ada'",
        NULL);
    cr_assert_not_null(strstr(rig.text, "USING INDEX by_name"), "%s", rig.text);
    /* What the fold does goes well with them. */
    store_sql_run(rig.writing, "INSERT INTO rl_key VALUES(99, 0, 1, NULL, 'plain', 'no json')");
    EXPECT("PRAGMA integrity_check", "*2\r\n*1\r\n$15\r\nintegrity_check\r\n*1\r\n$2\r\nok\r\n");
    EXPECT("SELECT count(*) AS n FROM rl_key", "*2\r\n*1\r\n$1\r\nn\r\n*1\r\n:8\r\n");
    EXPECT("DROP INDEX by_name; DROP INDEX by_value; DROP INDEX by_end",
           "*3\r\n:0\r\n:0\r\n:0\r\n");
}

Test(authorizer, an_index_that_could_refuse_a_key_is_refused)
{
    static const struct {
        const char *sql, *words;
    } cases[] = {
        {"CREATE UNIQUE INDEX u ON rl_key(value)", "cannot be UNIQUE"},
        {"CREATE UNIQUE INDEX u ON rl_key(id)", "cannot be UNIQUE"},
        {"CREATE INDEX u ON rl_meta(value)", "rl_meta"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        EXPECT_ERROR(cases[i].sql, "SQLDENIED", cases[i].words);
    store_sql_run(rig.writing, "DELETE FROM rl_key WHERE id <> 1"); /* only good JSON is there */
    static const struct {
        const char *sql, *words;
    } probes[] = {
        {"CREATE INDEX u ON rl_key(json_extract(value, '$.name'))",
         "would refuse rows that keys may bring to rl_key (malformed JSON); leave them out with "
         "WHERE json_valid(value)"},
        {"CREATE INDEX u ON rl_key(value -> 'name')", "malformed JSON"},
        {"CREATE INDEX u ON rl_key(abs(value))", ""}, /* of text is a double: fine */
        {"CREATE INDEX v ON rl_key(abs(CAST(value AS INTEGER)))", "integer overflow"},
        {"CREATE INDEX v ON rl_key(abs(expires_at))", ""},
        {"CREATE INDEX w ON rl_key('x' LIKE value)", "LIKE or GLOB pattern too complex"},
        {"CREATE INDEX w ON rl_key(id) WHERE json_extract(value, '$.a') > 1", "malformed JSON"},
    };
    for (size_t i = 0; i < sizeof probes / sizeof probes[0]; i++) {
        ask(probes[i].sql, NULL);
        if (probes[i].words[0] == '\0') {
            cr_assert_eq(rig.outcome, RL_SQL_ANSWERED, "%s: %s", probes[i].sql, rig.text);
            continue;
        }
        cr_assert_eq(rig.outcome, RL_SQL_ERROR, "%s", probes[i].sql);
        cr_assert_eq(strncmp(rig.text, "-SQLDENIED the index would refuse", 33), 0, "%s", rig.text);
        cr_assert_not_null(strstr(rig.text, probes[i].words), "%s", rig.text);
    }
    cr_assert_eq(store_sql_int(rig.writing, "SELECT count(*) FROM rl_key"), 1);
    cr_assert_eq(store_sql_int(rig.writing, "SELECT count(*) FROM sqlite_schema WHERE name = 'w'"),
                 0);
}

Test(authorizer, an_index_that_fails_on_what_is_there_says_how_to_go_on)
{
    EXPECT_ERROR("CREATE INDEX u ON rl_key(json_extract(value, '$.name'))", "SQLERR",
                 "malformed JSON; leave such rows out of the index with WHERE json_valid(value)");
}

Test(authorizer, an_index_may_not_use_functions_that_change)
{
    EXPECT_ERROR("CREATE INDEX u ON rl_key(rl_now())", "SQLERR", "");
    EXPECT_ERROR("CREATE INDEX u ON rl_key(rl_glob('a*', key))", "SQLERR",
                 "unsafe use of rl_glob()");
    EXPECT_ERROR("CREATE INDEX u ON rl_key(random())", "SQLERR", "non-deterministic");
    /* A view that names one can be made, as in SQLite, and never read. */
    ask("CREATE VIEW v AS SELECT rl_now() AS n", NULL);
    EXPECT_ERROR("SELECT * FROM v", "SQLERR", "unsafe use of rl_now()");
}

/* --- modules --------------------------------------------------------------------------------- */

static void reconnect(void) {
    rig_disconnect();
    rig_connect();
}

Test(authorizer, full_text_search)
{
    EXPECT(
        "CREATE TABLE doc(id INTEGER PRIMARY KEY, title, body);"
        "CREATE VIRTUAL TABLE doc_text USING fts5(title, body, content='doc', content_rowid='id');"
        "CREATE TRIGGER doc_in AFTER INSERT ON doc BEGIN"
        " INSERT INTO doc_text(rowid, title, body) VALUES(new.id, new.title, new.body); END;"
        "CREATE TRIGGER doc_out AFTER DELETE ON doc BEGIN"
        " INSERT INTO doc_text(doc_text, rowid, title, body)"
        " VALUES('delete', old.id, old.title, old.body); END",
        "*4\r\n:0\r\n:0\r\n:0\r\n:0\r\n");
    for (int round = 0; round < 2; round++) {
        EXPECT(
            "INSERT INTO doc(title, body) VALUES('one', 'a red gemstone'), ('two', 'a blue one')",
            ":2\r\n");
        EXPECT(
            "SELECT id, snippet(doc_text, 1, '<', '>', '…', 5) AS s FROM doc_text JOIN doc"
            " ON doc.id = doc_text.rowid WHERE doc_text MATCH 'gemstone' ORDER BY bm25(doc_text)",
            round == 0
                ? "*2\r\n*2\r\n$2\r\nid\r\n$1\r\ns\r\n*2\r\n:1\r\n$16\r\na red <gemstone>\r\n"
                : "*2\r\n*2\r\n$2\r\nid\r\n$1\r\ns\r\n*2\r\n:3\r\n$16\r\na red <gemstone>\r\n");
        EXPECT("DELETE FROM doc WHERE body LIKE '%red%'", ":1\r\n");
        EXPECT("SELECT count(*) AS n FROM doc_text('gemstone')",
               "*2\r\n*1\r\n$1\r\nn\r\n*1\r\n:0\r\n");
        ask("INSERT INTO doc_text(doc_text) VALUES('rebuild');"
            "INSERT INTO doc_text(doc_text) VALUES('optimize');"
            "INSERT INTO doc_text(doc_text) VALUES('integrity-check')",
            NULL);
        cr_assert_eq(rig.outcome, RL_SQL_ANSWERED, "%s", rig.text);
        reconnect();
    }
    EXPECT_REFUSED("DELETE FROM doc_text_data", "SQLERR", "may not be modified");
    EXPECT_REFUSED("DROP TABLE doc_text_data", "SQLERR", "may not be dropped");
    EXPECT("DROP TABLE doc_text", ":0\r\n");
    cr_assert_eq(store_sql_int(rig.writing,
                               "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'doc_text%%'"),
                 0);
}

Test(authorizer, a_module_met_first_by_a_write)
{
    /* FTS5 asks a pragma while the statement is prepared, which is not the statement. */
    ask("CREATE VIRTUAL TABLE f USING fts5(a); CREATE VIRTUAL TABLE r USING rtree(id, x, y)", NULL);
    reconnect();
    run_on(rig.reader, "INSERT INTO f VALUES('x')", NULL);
    cr_assert_eq(rig.outcome, RL_SQL_WRITES, "%s", rig.text);
    run_on(rig.reader, "INSERT INTO r VALUES(1, 2, 3)", NULL);
    cr_assert_eq(rig.outcome, RL_SQL_WRITES, "%s", rig.text);
    cr_assert_str_eq(run_on(rig.writer, "INSERT INTO f VALUES('x')", NULL), ":1\r\n");
    EXPECT("SELECT a FROM f", "*2\r\n*1\r\n$1\r\na\r\n*1\r\n$1\r\nx\r\n");
}

Test(authorizer, full_text_search_over_values)
{
    EXPECT("CREATE VIRTUAL TABLE words USING fts5(value, content='rl_key', content_rowid='id')",
           ":0\r\n");
    ask("INSERT INTO words(words) VALUES('rebuild')", NULL);
    cr_assert_eq(rig.outcome, RL_SQL_ANSWERED, "%s", rig.text);
    EXPECT("SELECT k.key FROM words JOIN rl_key AS k ON k.id = words.rowid"
           " WHERE words MATCH 'ada OR three' ORDER BY k.id",
           "*3\r\n*1\r\n$3\r\nkey\r\n*1\r\n$6\r\nuser:1\r\n*1\r\n$6\r\nuser:1\r\n");
    EXPECT("SELECT rowid AS id FROM words('ada')", "*2\r\n*1\r\n$2\r\nid\r\n*1\r\n:1\r\n");
    EXPECT("CREATE VIRTUAL TABLE vocabulary USING fts5vocab(words, row)", ":0\r\n");
    EXPECT("SELECT term FROM vocabulary WHERE term = 'ada'",
           "*2\r\n*1\r\n$4\r\nterm\r\n*1\r\n$3\r\nada\r\n");
    /* An index that was not kept up says so, and that is not a damaged disk. */
    store_sql_run(rig.writing, "UPDATE rl_key SET value = 'other' WHERE id = 1");
    run_on(rig.writer, "INSERT INTO words(words, rank) VALUES('integrity-check', 1)", NULL);
    cr_assert_eq(rig.outcome, RL_SQL_ERROR, "%s", rig.text);
}

Test(authorizer, places_in_space)
{
    EXPECT("CREATE VIRTUAL TABLE place USING rtree(id, x0, x1, y0, y1, +name)", ":0\r\n");
    EXPECT("INSERT INTO place VALUES(1, 0, 1, 0, 1, 'a'), (2, 5, 6, 5, 6, 'b')", ":2\r\n");
    EXPECT("SELECT name FROM place WHERE x0 >= 4 AND y1 <= 7",
           "*2\r\n*1\r\n$4\r\nname\r\n*1\r\n$1\r\nb\r\n");
    reconnect();
    EXPECT("UPDATE place SET x1 = 9 WHERE id = 2", ":1\r\n");
    EXPECT("DROP TABLE place", ":0\r\n");
    EXPECT("CREATE VIRTUAL TABLE old USING fts4(a); INSERT INTO old VALUES('red stone');"
           "SELECT a FROM old WHERE old MATCH 'stone'",
           "*3\r\n:0\r\n:1\r\n*2\r\n*1\r\n$1\r\na\r\n*1\r\n$9\r\nred stone\r\n");
}
