/* SPDX-License-Identifier: MIT */
/* Looking for damage: what each level finds, what it does not take for damage, and how it tells. */
#include "store/check.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "lib/store_files.h"
#include "store/schema.h"
#include "store/store.h"

static char *dir;
static char path[1024];
static sqlite3 *db; /* a plain connection */
static char error[1024];

static void setup(void) {
    dir = store_files_make();
    snprintf(path, sizeof path, "%s/data.db", dir);
    sqlite3 *made;
    rl_schema_meta meta;
    cr_assert_eq(rl_schema_open(path, &made, &meta, error, sizeof error), RL_STORE_OK, "%s", error);
    sqlite3_close(made);
    db = store_sql_open(path);
    store_sql_run(db, "INSERT INTO rl_key SELECT value, 0, 1, NULL, 'key:' || value, 'v' || value "
                      "FROM (WITH RECURSIVE n(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM "
                      "n WHERE value < 3000) SELECT value FROM n)");
    store_sql_run(db, "UPDATE rl_meta SET value = 3001 WHERE name = 'next_id'");
}

static void teardown(void) {
    sqlite3_close(db);
    store_files_remove(dir);
}

TestSuite(check, .init = setup, .fini = teardown);

/* --- tools ----------------------------------------------------------------------------------- */

static unsigned damages, broken;
static char told[8192];

static void on_finding(void *arg, const rl_check_finding *f) {
    (void)arg;
    *(f->damage ? &damages : &broken) += 1;
    size_t at = strlen(told);
    snprintf(told + at, sizeof told - at, "%s(%lu): %s\n", f->rule, (unsigned long)f->count,
             f->text);
}

static int check(rl_check_level level) {
    rl_check_options options = {.path = path, .level = level, .on_finding = on_finding};
    damages = broken = 0;
    told[0] = error[0] = '\0';
    return rl_check_run(&options, error, sizeof error);
}

static void is_good(rl_check_level level) {
    int code = check(level);
    cr_assert_eq(code, RL_STORE_OK, "%d %s", code, error);
    cr_assert_eq(damages + broken, 0, "%s", told);
}

static void is_damaged(rl_check_level level, const char *words) {
    int code = check(level);
    cr_assert_eq(code, RL_STORE_DAMAGED, "%d %s %s", code, error, told);
    cr_assert(strstr(error, path) && strstr(error, words), "%s", error);
}

/* One rule is broken by so many rows, and nothing else. */
static void breaks(const char *rule, unsigned count) {
    char wanted[64];
    snprintf(wanted, sizeof wanted, "%s(%u): ", rule, count);
    cr_assert_eq(check(RL_CHECK_FULL), RL_STORE_OK, "%s", error);
    cr_assert_eq(broken, 1, "%s", told);
    cr_assert_eq(strncmp(told, wanted, strlen(wanted)), 0, "%s", told);
}

/* Writes as only a broken disk can. */
static void settle(void) {
    store_sql_text(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    sqlite3_close(db);
    db = NULL;
}

/* --- what is good ---------------------------------------------------------------------------- */

Test(check, a_good_file)
{
    is_good(RL_CHECK_NONE);
    is_good(RL_CHECK_QUICK);
    is_good(RL_CHECK_FULL);
}

Test(check, what_is_in_the_wal_counts)
{
    settle();
    db = store_sql_open(path);
    store_sql_run(db, "INSERT INTO rl_key VALUES(4000, 0, 1, NULL, x'6162', 'v')");
    store_sql_run(db, "UPDATE rl_meta SET value = 5000 WHERE name = 'next_id'");
    breaks("key-class", 1); /* a blob that is text: only the WAL has it */
}

Test(check, a_settled_file_gets_nothing_beside_it)
{
    store_sql_text(db, "PRAGMA journal_mode = DELETE");
    settle();
    char spaced[1100];
    snprintf(spaced, sizeof spaced, "%s/a b%%20?c#.db", dir);
    cr_assert_eq(rename(path, spaced), 0);
    cr_assert_eq(chmod(dir, 0500), 0);
    int code = rl_check_file(spaced, RL_CHECK_FULL, true, NULL, NULL, error, sizeof error);
    chmod(dir, 0700);
    cr_assert_eq(code, RL_STORE_OK, "%s", error);
}

static unsigned asked;

static bool stop_soon(void *arg) {
    (void)arg;
    return ++asked > 0;
}

Test(check, it_can_be_stopped)
{
    store_sql_run(db, "INSERT INTO rl_key SELECT value, 0, 1, NULL, 'key:' || value, NULL "
                      "FROM (WITH RECURSIVE n(value) AS (SELECT 3001 UNION ALL SELECT value + 1 "
                      "FROM n WHERE value < 100000) SELECT value FROM n)");
    rl_check_options options = {
        .path = path, .level = RL_CHECK_FULL, .stop = stop_soon, .on_finding = on_finding};
    cr_assert_eq(rl_check_run(&options, error, sizeof error), RL_STORE_OK, "%s", error);
    /* A fast machine may be done before it is asked for the first time. */
    cr_assert_eq(broken, asked == 0, "%s", told);
    cr_assert_eq(damages, 0, "%s", told);
}

/* --- damage ---------------------------------------------------------------------------------- */

Test(check, no_file)
{
    settle();
    unlink(path);
    cr_assert_eq(check(RL_CHECK_QUICK), RL_STORE_IO);
    cr_assert(strstr(error, path), "%s", error);
}

Test(check, an_empty_file_and_garbage)
{
    settle();
    store_files_write(path, "", 0);
    is_damaged(RL_CHECK_NONE, "empty");
    store_files_write(path, "not a database at all", 21);
    is_damaged(RL_CHECK_NONE, "not an SQLite database");
}

Test(check, noise_in_a_page)
{
    settle();
    char noise[4096];
    memset(noise, 0xa5, sizeof noise);
    store_files_damage(path, 12 * 4096, noise, sizeof noise);
    cr_assert_eq(check(RL_CHECK_NONE), RL_STORE_OK, "%s", error);
    is_damaged(RL_CHECK_QUICK, "age 13");
    cr_assert_geq(damages, 1);
    is_damaged(RL_CHECK_FULL, "age 13");
}

/* Overwrites the page that begins the list of free ones. */
static void damage_free_list(void) {
    unsigned char head[4];
    char noise[4096];
    FILE *f = fopen(path, "r");
    cr_assert(f && fseek(f, 32, SEEK_SET) == 0 && fread(head, 1, 4, f) == 4);
    fclose(f);
    long trunk = (long)head[0] << 24 | (long)head[1] << 16 | (long)head[2] << 8 | head[3];
    memset(noise, 0xa5, sizeof noise);
    store_files_damage(path, (trunk - 1) * 4096, noise, sizeof noise);
}

/* SQLite's own check passes over them when there are views. */
Test(check, noise_in_a_free_page)
{
    store_sql_run(db, "DELETE FROM rl_key WHERE id > 500");
    int64_t free_pages = store_sql_int(db, "PRAGMA freelist_count");
    cr_assert_gt(free_pages, 10);
    settle();
    is_good(RL_CHECK_QUICK);
    damage_free_list();
    is_damaged(RL_CHECK_QUICK, "freelist");
}

Test(check, views_and_virtual_tables_of_users_hide_nothing)
{
    for (int i = 0; i < 60; i++) {
        store_sql_run(db, "CREATE VIEW mine%d AS SELECT key FROM keys", i);
        if (i % 10 == 0)
            store_sql_run(db, "CREATE VIRTUAL TABLE words%d USING fts5(t)", i);
        else if (i % 3 == 0)
            store_sql_run(db, "CREATE TABLE own%d(a)", i);
        if (i % 5)
            continue;
        is_good(RL_CHECK_QUICK);
        is_good(RL_CHECK_FULL);
    }
    cr_assert_eq(
        store_sql_int(db, "SELECT count(*) FROM sqlite_schema WHERE name GLOB 'rl_check*'"), 0);
    store_sql_run(db, "DELETE FROM rl_key WHERE id > 500");
    settle();
    damage_free_list();
    is_damaged(RL_CHECK_QUICK, "freelist");
}

Test(check, many_findings_are_one_sentence)
{
    settle();
    char noise[4096];
    memset(noise, 0xa5, sizeof noise);
    for (int page = 20; page < 32; page += 2)
        store_files_damage(path, page * 4096L, noise, sizeof noise);
    is_damaged(RL_CHECK_QUICK, "more findings)");
    cr_assert_gt(damages, 3);
    cr_assert_leq(damages, 100);
}

/* Which quick_check does not look for. */
Test(check, an_index_that_lacks_entries)
{
    store_sql_run(db, "PRAGMA writable_schema = ON");
    /* For a moment the index does not cover all rows, so a new one is not entered. */
    store_sql_run(db, "UPDATE sqlite_schema SET sql = sql || ' WHERE id < 0' "
                      "WHERE name = 'rl_key_name'");
    sqlite3_close(db);
    db = store_sql_open(path);
    store_sql_run(db, "INSERT INTO rl_key VALUES(3001, 0, 1, NULL, 'hidden', 'v')");
    store_sql_run(db, "UPDATE rl_meta SET value = 4000 WHERE name = 'next_id'");
    store_sql_run(db, "PRAGMA writable_schema = ON");
    store_sql_run(db, "UPDATE sqlite_schema SET sql = replace(sql, ' WHERE id < 0', '') "
                      "WHERE name = 'rl_key_name'");
    is_damaged(RL_CHECK_QUICK, "3001 rows, but its index rl_key_name has 3000 entries");
    is_damaged(RL_CHECK_FULL, "rl_key_name");
}

Test(check, tables_that_are_missing)
{
    store_sql_run(db, "DROP VIEW strings");
    is_good(RL_CHECK_NONE); /* not a table */
    store_sql_run(db, "DROP TABLE rl_key");
    is_damaged(RL_CHECK_NONE, "rl_key");
}

Test(check, a_row_of_rl_meta_that_is_missing)
{
    store_sql_run(db, "DELETE FROM rl_meta WHERE name = 'folded_seq'");
    is_damaged(RL_CHECK_NONE, "damaged");
}

Test(check, newer_and_foreign_are_no_damage)
{
    store_sql_run(db, "PRAGMA user_version = 99");
    cr_assert_eq(check(RL_CHECK_QUICK), RL_STORE_NEWER);
    store_sql_run(db, "PRAGMA application_id = 99");
    store_sql_text(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    cr_assert_eq(check(RL_CHECK_QUICK), RL_STORE_REFUSED);
}

/* --- what users do to their own tables -------------------------------------------------------- */

Test(check, rows_against_a_users_own_rules_are_no_damage)
{
    store_sql_run(db, "CREATE TABLE mine(a INTEGER CHECK(a > 0), b NOT NULL)");
    store_sql_run(db, "PRAGMA ignore_check_constraints = ON");
    store_sql_run(db, "INSERT INTO mine VALUES(-1, 2)");
    is_good(RL_CHECK_QUICK);
    is_good(RL_CHECK_FULL);
    store_sql_run(db, "PRAGMA writable_schema = ON");
    store_sql_run(db, "UPDATE sqlite_schema SET sql = 'CREATE TABLE mine(a INTEGER, b)' "
                      "WHERE name = 'mine'");
    sqlite3_close(db);
    db = store_sql_open(path);
    store_sql_run(db, "INSERT INTO mine VALUES(1, NULL)");
    store_sql_run(db, "PRAGMA writable_schema = ON");
    store_sql_run(db, "UPDATE sqlite_schema SET sql = 'CREATE TABLE mine(a INTEGER, b NOT NULL)' "
                      "WHERE name = 'mine'");
    sqlite3_close(db);
    db = store_sql_open(path);
    is_good(RL_CHECK_QUICK);
}

static void plus_one(sqlite3_context *c, int argc, sqlite3_value **argv) {
    (void)argc;
    sqlite3_result_int(c, sqlite3_value_int(argv[0]) + 1);
}

Test(check, a_function_that_is_not_there_is_no_damage)
{
    sqlite3_create_function(db, "plus_one", 1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, plus_one,
                            NULL, NULL);
    store_sql_run(db, "CREATE TABLE mine(a)");
    store_sql_run(db, "INSERT INTO mine VALUES(1)");
    store_sql_run(db, "CREATE INDEX mine_a ON mine(plus_one(a))");
    int code = check(RL_CHECK_FULL);
    cr_assert_eq(code, RL_STORE_SQLITE, "%d %s", code, error);
    cr_assert(strstr(error, "plus_one"), "%s", error);
}

/* --- rules ----------------------------------------------------------------------------------- */

static void add_collections(void) {
    store_sql_run(db, "INSERT INTO rl_key VALUES(4002, 0, 2, NULL, 'l', NULL),"
                      "(4003, 0, 3, NULL, 's', NULL), (4004, 0, 4, NULL, 'z', NULL),"
                      "(4005, 0, 5, NULL, 'h', NULL);"
                      "INSERT INTO rl_list VALUES(4002, -1, 'a'), (4002, 0, x'ff'), (4002, 1, '');"
                      "INSERT INTO rl_set VALUES(4003, 'm'), (4003, x'00');"
                      "INSERT INTO rl_zset VALUES(4004, 'm', -9e999);"
                      "INSERT INTO rl_hash VALUES(4005, 'f', 'v', 5), (4001, 'f', 'v', NULL);"
                      "INSERT INTO rl_dead VALUES(4001, 5);"
                      "UPDATE rl_meta SET value = 5000 WHERE name = 'next_id'");
}

/* Beside the rule that names the class. */
Test(check, the_same_bytes_twice_are_found)
{
    static const struct {
        const char *rule, *sql;
    } cases[] = {
        {"key-twice", "INSERT INTO rl_key VALUES(4901, 0, 1, NULL, 'k', 'x');"
                      "INSERT INTO rl_key VALUES(4902, 0, 1, NULL, x'6b', 'x')"},
        {"key-twice", "INSERT INTO rl_key VALUES(4901, 0, 1, NULL, x'ff00', 'x');"
                      "INSERT INTO rl_key VALUES(4902, 0, 1, NULL, CAST(x'ff00' AS TEXT), 'x')"},
        {"key-twice", "DROP INDEX rl_key_name; CREATE INDEX rl_key_name ON rl_key(key, db);"
                      "INSERT INTO rl_key VALUES(4901, 0, 1, NULL, 'k', 'x');"
                      "INSERT INTO rl_key VALUES(4902, 0, 1, NULL, 'k', 'x')"},
        {"element-twice", "INSERT INTO rl_set VALUES(4003, 'k'), (4003, x'6b')"},
        {"element-twice", "INSERT INTO rl_zset VALUES(4004, 'k', 1), (4004, x'6b', 2)"},
        {"element-twice", "INSERT INTO rl_hash VALUES(4005, x'ff', '', NULL),"
                          "(4005, CAST(x'ff' AS TEXT), '', NULL)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char wanted[64];
        snprintf(wanted, sizeof wanted, "%s(1): ", cases[i].rule);
        add_collections();
        is_good(RL_CHECK_FULL);
        store_sql_run(db, "BEGIN");
        store_sql_run(db, cases[i].sql);
        store_sql_run(db, "COMMIT");
        cr_assert_eq(check(RL_CHECK_FULL), RL_STORE_OK, "%s", error);
        cr_assert_not_null(strstr(told, wanted), "%s: %s", cases[i].sql, told);
        sqlite3_close(db);
        store_files_remove(dir);
        setup();
    }
}

Test(check, the_same_key_in_two_databases_is_no_twin)
{
    store_sql_run(db, "INSERT INTO rl_key VALUES(4901, 0, 1, NULL, 'k', 'x'),"
                      "(4902, 1, 1, NULL, x'6b', 'x')");
    store_sql_run(db, "UPDATE rl_meta SET value = 5000 WHERE name = 'next_id'");
    breaks("key-class", 1);
}

Test(check, every_rule)
{
    static const struct {
        const char *rule, *sql;
    } cases[] = {
        {"row-id", "UPDATE rl_key SET id = 5000000 WHERE id = 7"},
        {"row-type", "UPDATE rl_key SET type = 9 WHERE id = 7"},
        {"row-db", "UPDATE rl_key SET db = -1 WHERE id = 7"},
        {"row-db", "UPDATE rl_key SET db = 'x' WHERE id = 7"},
        {"row-expiry", "UPDATE rl_key SET expires_at = 'soon' WHERE id = 7"},
        {"key-class", "UPDATE rl_key SET key = CAST(key AS BLOB) WHERE id = 7"},
        {"key-class", "UPDATE rl_key SET key = CAST(x'ff' AS TEXT) WHERE id = 7"},
        {"value-class", "UPDATE rl_key SET value = x'31' WHERE id = 7"},
        {"value-class", "UPDATE rl_key SET value = CAST(x'c0af' AS TEXT) WHERE id = 7"},
        {"value-missing", "UPDATE rl_key SET value = NULL WHERE id = 7"},
        {"value-extra", "UPDATE rl_key SET type = 6 WHERE id = 7"},
        {"meta", "DELETE FROM rl_meta WHERE name = 'run_id'"},
        {"meta-value", "UPDATE rl_meta SET value = 'x' WHERE name = 'folded_seq'"},
        {"meta-value", "UPDATE rl_meta SET value = 'x' WHERE name = 'run_id'"},
        {"collection-empty", "DELETE FROM rl_hash WHERE key_id = 4005"},
        {"collection-empty", "DELETE FROM rl_list"},
        {"collection-empty", "DELETE FROM rl_set"},
        {"collection-empty", "DELETE FROM rl_zset"},
        {"element-orphan", "INSERT INTO rl_hash VALUES(5, 'f', 'v', NULL), (4009, 'f', 'v', NULL),"
                           "(4009, 'g', 'v', NULL); DELETE FROM rl_hash WHERE key_id = 5"},
        {"element-orphan", "INSERT INTO rl_list VALUES(4009, 0, 'v')"},
        {"element-orphan", "DELETE FROM rl_dead"},
        {"element-type", "INSERT INTO rl_set VALUES(4005, 'm')"},
        {"element-type", "INSERT INTO rl_list VALUES(4, 0, 'v')"},
        {"element-class", "INSERT INTO rl_set VALUES(4003, x'31')"},
        {"element-class", "UPDATE rl_hash SET value = CAST(x'ff' AS TEXT) WHERE key_id = 4005"},
        {"element-class", "UPDATE rl_list SET value = x'31' WHERE pos = -1"},
        {"element-class", "INSERT INTO rl_zset VALUES(4004, x'31', 5)"},
        {"field-expiry", "UPDATE rl_hash SET expires_at = 'soon' WHERE key_id = 4005"},
        {"score", "UPDATE rl_zset SET score = 'high'"},
        {"list-gap", "UPDATE rl_list SET pos = 2 WHERE pos = 1"},
        {"dead-id", "INSERT INTO rl_dead VALUES(4005, 5)"},
        {"dead-type", "INSERT INTO rl_dead VALUES(4010, 1)"},
        {"dead-type", "UPDATE rl_dead SET type = 'x'"},
    };
    store_sql_run(db, "PRAGMA ignore_check_constraints = ON");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        add_collections();
        is_good(RL_CHECK_FULL);
        store_sql_run(db, "BEGIN");
        store_sql_run(db, cases[i].sql);
        store_sql_run(db, "COMMIT");
        breaks(cases[i].rule, 1);
        cr_assert_eq(check(RL_CHECK_QUICK), RL_STORE_OK, "%s: %s", cases[i].sql, error);
        sqlite3_close(db);
        store_files_remove(dir);
        setup();
    }
}

Test(check, broken_rules_are_counted)
{
    store_sql_run(db, "UPDATE rl_key SET value = NULL WHERE id > 2900");
    breaks("value-missing", 100);
    cr_assert(strstr(told, "100 of them, such as id 2901"), "%s", told);
    /* Without a listener they are not looked for. */
    cr_assert_eq(rl_check_file(path, RL_CHECK_FULL, false, NULL, NULL, error, sizeof error),
                 RL_STORE_OK);
}
