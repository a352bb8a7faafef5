/* SPDX-License-Identifier: MIT */
/* SQL over collections: the views, how they are searched, indexes on elements, and what is refused.
 */
#include "rig.h"

#define LATER "4000000000000"

static void setup(void) {
    rig_start();
    store_sql_run(
        rig.writing,
        "INSERT INTO rl_key(id, db, type, expires_at, key) VALUES"
        "(21, 0, 5, NULL, 'user:1:h'), (22, 4, 5, " LATER ", 'user:2:h'), (23, 0, 5, 1000, 'old'),"
        "(24, 0, 3, NULL, 'tags'), (25, 0, 4, NULL, 'board'), (26, 0, 2, NULL, 'jobs'),"
        "(27, 0, 3, NULL, 'user:1:h2');"
        "INSERT INTO rl_hash VALUES(21, 'email', 'ada@x', NULL), (21, 'name', 'Ada', " LATER "),"
        "(21, 'token', 'over', 1000), (22, 'email', 'bob@x', NULL), (23, 'email', 'old@x', NULL),"
        "(99, 'email', 'dead@x', NULL), (24, 'email', 'wrong type', NULL);"
        "INSERT INTO rl_set VALUES(24, 'red'), (24, X'ff'), (99, 'dead');"
        "INSERT INTO rl_zset VALUES(25, 'ann', 2.5), (25, 'bob', -1), (99, 'dead', 1);"
        "INSERT INTO rl_list VALUES(26, -7, 'first'), (26, -6, 'second'), (26, -5, 'third'),"
        "(99, 0, 'dead');"
        "INSERT INTO rl_dead VALUES(99, 5)");
}

TestSuite(collections, .init = setup, .fini = rig_stop);

static const char *text(const char *sql) {
    return store_sql_text(rig.reading, "%s", sql);
}

static void expect_plan(const char *sql, const char *words, const char *more) {
    sqlite3_stmt *stmt;
    char plan[2000] = "", question[1000];
    snprintf(question, sizeof question, "EXPLAIN QUERY PLAN %s", sql);
    text("SELECT count(*) FROM rl_key"); /* EXPLAIN alone does not notice a new schema */
    cr_assert_eq(sqlite3_prepare_v2(rig.reading, question, -1, &stmt, NULL), SQLITE_OK, "%s",
                 sqlite3_errmsg(rig.reading));
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        size_t at = strlen(plan);
        snprintf(plan + at, sizeof plan - at, "%s; ", (const char *)sqlite3_column_text(stmt, 3));
    }
    sqlite3_finalize(stmt);
    cr_assert(strstr(plan, words) && strstr(plan, more) && !strstr(plan, "SCAN"), "%s\n%s", sql,
              plan);
}

Test(collections, views_have_what_is_alive)
{
    cr_assert_str_eq(text("SELECT group_concat(database || key || field || value || "
                          "ifnull(field_expires_at, '-') || ifnull(expires_at, '-'), ' ')"
                          " FROM (SELECT * FROM hashes ORDER BY key, field)"),
                     "0user:1:hemailada@x-- 0user:1:hnameAda" LATER "- 4user:2:hemailbob@x-" LATER);
    cr_assert_str_eq(text("SELECT group_concat(key || hex(member), ' ') FROM sets"),
                     "tags726564 tagsFF");
    cr_assert_str_eq(text("SELECT group_concat(key || member || score, ' ') FROM"
                          " (SELECT * FROM zsets ORDER BY score)"),
                     "boardbob-1.0 boardann2.5");
    cr_assert_str_eq(text("SELECT group_concat(idx || value, ' ') FROM lists WHERE key = 'jobs'"),
                     "0first 1second 2third");
    cr_assert_str_eq(text("SELECT typeof(ttl_ms) || typeof(field_ttl_ms) || expires_time"
                          " FROM hashes WHERE key = 'user:2:h'"),
                     "integernull2096-10-02 07:06:40.000");
    cr_assert_str_eq(text("SELECT value FROM lists WHERE key = 'jobs' AND idx = 1"), "second");
}

Test(collections, a_key_is_found_by_its_name_and_its_elements_by_the_primary_key)
{
    static const char *const questions[] = {
        "SELECT field, value FROM hashes WHERE key = 'user:1'",
        "SELECT value FROM hashes WHERE key = 'user:1' AND field = 'email'",
        "SELECT member FROM sets WHERE key = 'user:1' AND database = 0",
        "SELECT score FROM zsets WHERE key = 'user:1' AND member = 'm'",
        "SELECT idx, value FROM lists WHERE key = 'user:1'",
    };
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
        expect_plan(questions[i], "SEARCH k USING INDEX rl_key_name (key=?", "USING PRIMARY KEY");
    expect_plan(questions[1], "(key_id=? AND field=?)", "");
    expect_plan(questions[3], "(key_id=? AND member=?)", "");
}

Test(collections, an_index_of_the_users_finds_a_field_by_its_value)
{
    EXPECT("CREATE INDEX by_email ON rl_hash(value) WHERE field = 'email'", ":0\r\n");
    expect_plan("SELECT key FROM hashes WHERE field = 'email' AND value = 'ada@x'",
                "SEARCH h USING", "INDEX by_email (value=?)");
    expect_plan("SELECT key FROM hashes WHERE field = 'email' AND value = 'ada@x'",
                "SEARCH k USING INTEGER PRIMARY KEY", "");
    EXPECT("SELECT key FROM hashes WHERE field = 'email' AND value = 'ada@x'",
           "*2\r\n*1\r\n$3\r\nkey\r\n*1\r\n$8\r\nuser:1:h\r\n");
    /* With ANALYZE too, once there is something to gain. */
    store_sql_run(rig.writing,
                  "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < 900)"
                  " INSERT INTO rl_hash SELECT i, f, i || f, NULL FROM n,"
                  " (SELECT 'email' AS f UNION SELECT 'name' UNION SELECT 'city');"
                  "INSERT INTO rl_key SELECT DISTINCT key_id, 0, 5, NULL, 'k' || key_id, NULL"
                  " FROM rl_hash WHERE key_id > 99");
    EXPECT("ANALYZE", ":0\r\n");
    expect_plan("SELECT key FROM hashes WHERE field = 'email' AND value = 'ada@x'",
                "SEARCH h USING", "INDEX by_email (value=?)");
}

Test(collections, an_index_that_could_refuse_an_element_is_refused)
{
    static const struct {
        const char *sql, *words;
    } cases[] = {
        {"CREATE INDEX i ON rl_hash(value ->> '$.a')",
         "rl_hash (malformed JSON); leave them out with WHERE json_valid(value)"},
        {"CREATE INDEX i ON rl_set(member ->> '$.a')", "WHERE json_valid(member)"},
        {"CREATE INDEX i ON rl_zset(json_extract(member, '$.a'))", "WHERE json_valid(member)"},
        {"CREATE INDEX i ON rl_list(json_extract(value, '$.a'))", "WHERE json_valid(value)"},
        {"CREATE INDEX i ON rl_hash(abs(CAST(value AS INTEGER)))", "integer overflow"},
        {"CREATE INDEX i ON rl_zset(abs(CAST(member AS INTEGER)))", "integer overflow"},
        {"CREATE UNIQUE INDEX i ON rl_hash(value)", "cannot be UNIQUE"},
        {"CREATE INDEX i ON rl_dead(type)", "rl_dead has no indexes of clients"},
    };
    /* Only good JSON is there. */
    store_sql_run(rig.writing, "DELETE FROM rl_hash; DELETE FROM rl_set; DELETE FROM rl_zset;"
                               "DELETE FROM rl_list; INSERT INTO rl_hash VALUES(21, 'j', '{}', 5)");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        EXPECT_ERROR(cases[i].sql, "SQLDENIED", cases[i].words);
    EXPECT("CREATE INDEX i1 ON rl_hash(value ->> '$.a') WHERE json_valid(value)", ":0\r\n");
    EXPECT("CREATE INDEX i2 ON rl_hash(expires_at) WHERE expires_at IS NOT NULL", ":0\r\n");
    EXPECT("CREATE INDEX i3 ON rl_set(lower(member))", ":0\r\n");
    EXPECT("CREATE INDEX i4 ON rl_zset(round(score))", ":0\r\n");
    EXPECT("CREATE INDEX i5 ON rl_list(length(value))", ":0\r\n");
    cr_assert_str_eq(text("SELECT (SELECT count(*) FROM rl_hash) || (SELECT count(*) FROM rl_set)"
                          " || (SELECT count(*) FROM rl_zset) || (SELECT count(*) FROM rl_list)"),
                     "1000", "no row of a probe is left");
}

Test(collections, tables_are_read_and_not_written)
{
    static const char *const tables[] = {"rl_hash", "rl_set", "rl_zset", "rl_list", "rl_dead"};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        char sql[100];
        snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", tables[i]);
        cr_assert_eq(run_on(rig.reader, sql, NULL)[0], '*', "%s", rig.text);
        snprintf(sql, sizeof sql, "DELETE FROM %s", tables[i]);
        EXPECT_ERROR(sql, "SQLDENIED", "is written by key commands alone");
        snprintf(sql, sizeof sql, "DROP TABLE %s", tables[i]);
        EXPECT_ERROR(sql, "SQLDENIED", "cannot be dropped");
        snprintf(sql, sizeof sql, "CREATE TABLE t(k REFERENCES %s(key_id))", tables[i]);
        EXPECT_ERROR(sql, "SQLDENIED", "a foreign key of t refers to");
    }
    static const char *const views[] = {"hashes", "sets", "zsets", "lists"};
    for (size_t i = 0; i < sizeof views / sizeof *views; i++) {
        char sql[100];
        snprintf(sql, sizeof sql, "DELETE FROM %s", views[i]);
        EXPECT_ERROR(sql, "SQLDENIED", "is a view of the keys");
    }
}
