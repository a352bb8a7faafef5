/* SPDX-License-Identifier: MIT */
/* data.db as a file: what a new one holds, what the views say, and which files are refused. */
#include "store/schema.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/store_files.h"
#include "store/store.h"

static char *dir;
static const char *path;
static sqlite3 *db;
static rl_schema_meta meta;
static char error[512];

static void setup(void) {
    dir = store_files_make();
    static char copy[1024];
    snprintf(copy, sizeof copy, "%s", store_files_path(dir, "data.db"));
    path = copy;
    db = NULL;
    error[0] = 0;
}

static void teardown(void) {
    sqlite3_close(db);
    store_files_remove(dir);
}

TestSuite(schema, .init = setup, .fini = teardown);

static void open_ours(void) {
    int code = rl_schema_open(path, &db, &meta, error, sizeof error);
    cr_assert_eq(code, RL_STORE_OK, "%s", error);
}

static void close_ours(void) {
    cr_assert_eq(sqlite3_close(db), SQLITE_OK);
    db = NULL;
}

/* Opening is refused with this code, and the sentence names the file and holds these words. */
static void expect_refused(int code, const char *words) {
    sqlite3 *none = NULL;
    cr_assert_eq(rl_schema_open(path, &none, &meta, error, sizeof error), code, "%s", error);
    cr_assert_null(none);
    cr_assert(strstr(error, path) != NULL, "%s", error);
    cr_assert(strstr(error, words) != NULL, "%s", error);
}

Test(schema, a_new_file_is_ours)
{
    open_ours();
    cr_assert(meta.created);
    cr_assert_eq(meta.folded_seq, 0);
    cr_assert_eq(meta.next_id, 1);
    cr_assert_eq(meta.rows, 0);
    cr_assert_eq(strlen(meta.run_id), 40);
    cr_assert_str_eq(store_sql_text(db, "PRAGMA journal_mode"), "wal");
    cr_assert_str_eq(store_sql_text(db, "PRAGMA encoding"), "UTF-8");
    cr_assert_eq(store_sql_int(db, "PRAGMA page_size"), 4096);
    cr_assert_eq(store_sql_int(db, "PRAGMA synchronous"), 2);
    cr_assert_eq(store_sql_int(db, "PRAGMA secure_delete"), 0);
    cr_assert_eq(store_sql_int(db, "PRAGMA wal_autocheckpoint"), 0);
    cr_assert_eq(store_sql_int(db, "PRAGMA user_version"), RL_SCHEMA_VERSION);
    cr_assert_eq(store_sql_int(db, "PRAGMA application_id"), RL_SCHEMA_APPLICATION_ID);
    cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM keys"), 0);
    cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM strings"), 0);
}

Test(schema, opened_again_it_is_the_same)
{
    open_ours();
    char run_id[41];
    strcpy(run_id, meta.run_id);
    store_sql_run(db, "UPDATE rl_meta SET value = 77 WHERE name = 'folded_seq';"
                      "UPDATE rl_meta SET value = 5 WHERE name = 'next_id'");
    close_ours();
    open_ours();
    cr_assert_not(meta.created);
    cr_assert_str_eq(meta.run_id, run_id);
    cr_assert_eq(meta.folded_seq, 77);
    cr_assert_eq(meta.next_id, 5);
}

Test(schema, what_others_wrote_is_taken_into_account)
{
    open_ours();
    store_sql_run(db, "INSERT INTO rl_key VALUES(500, 0, 1, NULL, 'by hand', 'x');"
                      "UPDATE rl_meta SET value = -1 WHERE name = 'rows'");
    close_ours();
    open_ours();
    cr_assert_eq(meta.next_id, 501);
    cr_assert_lt(meta.rows, 100000);
}

/* A key in memory has 48 bits for its id: what is cut off would be another row. */
Test(schema, a_key_with_an_id_beyond_ours_is_refused)
{
    open_ours();
    store_sql_run(db, "INSERT INTO rl_key VALUES(140737488355329, 0, 1, NULL, 'k', 'v')");
    close_ours();
    expect_refused(RL_STORE_REFUSED, "140737488355329");
}

Test(schema, ids_of_elements_beyond_ours_do_not_count)
{
    open_ours();
    store_sql_run(db, "INSERT INTO rl_set VALUES(7, 'm'), (1125899906842624, 'm')");
    close_ours();
    open_ours();
    cr_assert_eq(meta.next_id, 8);
}

Test(schema, two_files_have_two_run_ids)
{
    open_ours();
    char run_id[41];
    strcpy(run_id, meta.run_id);
    close_ours();
    static char other[1024];
    snprintf(other, sizeof other, "%s/other.db", dir);
    path = other;
    open_ours();
    cr_assert_str_neq(meta.run_id, run_id);
}

Test(schema, an_empty_file_is_made_ours)
{
    store_files_write(path, "", 0);
    open_ours();
    cr_assert(meta.created);
}

#define NOW "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"

static void write_file(const char *name, const void *bytes, size_t len) {
    FILE *out = fopen(name, "wb");
    cr_assert_not_null(out);
    cr_assert_eq(fwrite(bytes, 1, len, out), len);
    fclose(out);
}

/* What a kill leaves between the writing of the first page and the end of its rollback journal; of
 * the page there are so many bytes. */
static void make_half_begun(size_t page_bytes) {
    unsigned char page[4096], journal[512] = {0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7};
    char name[1100];
    open_ours();
    sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
    close_ours();
    FILE *in = fopen(path, "rb");
    cr_assert_eq(fread(page, 1, sizeof page, in), sizeof page);
    fclose(in);
    memset(page + 68, 0, 4); /* application_id */
    write_file(path, page, page_bytes);
    journal[22] = 0x02; /* sectors of 512 bytes, pages of 4096; the file was empty */
    journal[26] = 0x10;
    snprintf(name, sizeof name, "%s-journal", path);
    write_file(name, journal, sizeof journal);
}

Test(schema, a_first_start_that_was_killed_is_taken_back)
{
    static const size_t page_bytes[] = {30, 99, 2000, 4096};
    for (size_t i = 0; i < sizeof page_bytes / sizeof *page_bytes; i++) {
        int version = 9;
        make_half_begun(page_bytes[i]);
        cr_assert_eq(rl_schema_version(path, &version, error, sizeof error), RL_STORE_OK, "%s",
                     error);
        cr_assert_eq(version, 0);
        open_ours();
        cr_assert(meta.created);
        close_ours();
    }
}

Test(schema, a_journal_of_something_else_is_left_alone)
{
    char name[1100];
    struct stat st;
    int version;
    write_file(path, "hello", 5);
    snprintf(name, sizeof name, "%s-journal", path);
    write_file(name, "my diary", 8);
    cr_assert_eq(rl_schema_version(path, &version, error, sizeof error), RL_STORE_DAMAGED);
    cr_assert(stat(name, &st) == 0 && st.st_size == 8);
}

Test(schema, views_show_live_keys_with_plain_names)
{
    open_ours();
    store_sql_run(db, "INSERT INTO rl_key VALUES(1, 0, 1, NULL, 'a', 'x'),"
                      "(2, 3, 1, " NOW " + 60000, 'b', 'y'),"
                      "(3, 0, 1, " NOW " - 1, 'gone', 'z'),"
                      "(4, 0, 5, NULL, 'h', NULL),"
                      "(5, 0, 5, " NOW " - 60000, 'old', NULL)");
    cr_assert_str_eq(
        store_sql_text(db, "SELECT group_concat(key) FROM (SELECT key FROM keys ORDER BY key)"),
        "a,b,h");
    cr_assert_str_eq(
        store_sql_text(db, "SELECT group_concat(key) FROM (SELECT key FROM strings ORDER BY key)"),
        "a,b");
    cr_assert_str_eq(store_sql_text(db, "SELECT type FROM keys WHERE key = 'h'"), "hash");
    cr_assert_str_eq(store_sql_text(db, "SELECT type FROM keys WHERE key = 'a'"), "string");
    cr_assert_eq(store_sql_int(db, "SELECT database FROM strings WHERE key = 'b'"), 3);
    cr_assert_str_eq(store_sql_text(db, "SELECT value FROM strings WHERE key = 'b'"), "y");
    cr_assert_str_eq(store_sql_text(db, "SELECT ttl_ms FROM strings WHERE key = 'a'"), "NULL");
    int64_t ttl_ms = store_sql_int(db, "SELECT ttl_ms FROM strings WHERE key = 'b'");
    cr_assert(ttl_ms > 0 && ttl_ms <= 60000);
}

Test(schema, views_show_times_for_people)
{
    open_ours();
    store_sql_run(db, "INSERT INTO rl_key VALUES(1, 0, 1, 4102444800123, 'a', 'x')");
    cr_assert_eq(store_sql_int(db, "SELECT expires_at FROM strings"), 4102444800123);
    cr_assert_str_eq(store_sql_text(db, "SELECT expires_time FROM strings"),
                     "2100-01-01 00:00:00.123");
    cr_assert_str_eq(store_sql_text(db, "SELECT expires_time FROM keys"),
                     "2100-01-01 00:00:00.123");
}

Test(schema, a_key_is_found_through_the_index_without_its_database)
{
    open_ours();
    sqlite3_stmt *stmt;
    cr_assert_eq(
        sqlite3_prepare_v2(db, "EXPLAIN QUERY PLAN SELECT value FROM strings WHERE key = 'user:1'",
                           -1, &stmt, NULL),
        SQLITE_OK);
    cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW);
    const char *plan = (const char *)sqlite3_column_text(stmt, 3);
    cr_assert(strstr(plan, "USING INDEX rl_key_name (key=?)") != NULL, "%s", plan);
    sqlite3_finalize(stmt);
}

Test(schema, a_counter_is_found_by_number)
{
    open_ours();
    store_sql_run(db, "INSERT INTO rl_key VALUES(1, 0, 1, NULL, '77', '11')");
    cr_assert_str_eq(store_sql_text(db, "SELECT key FROM strings WHERE value = 11"), "77");
    cr_assert_str_eq(store_sql_text(db, "SELECT value FROM strings WHERE key = 77"), "11");
}

Test(schema, a_newer_file_is_refused)
{
    open_ours();
    store_sql_run(db, "PRAGMA user_version = 3");
    close_ours();
    expect_refused(RL_STORE_NEWER, "newer Rubellite");
    cr_assert(strstr(error, "version is 3") != NULL, "%s", error);
}

Test(schema, a_file_of_ours_without_a_version_is_damaged)
{
    open_ours();
    store_sql_run(db, "PRAGMA user_version = 0");
    close_ours();
    expect_refused(RL_STORE_DAMAGED, "schema version");
}

Test(schema, a_file_without_its_meta_is_damaged)
{
    open_ours();
    store_sql_run(db, "DELETE FROM rl_meta WHERE name = 'folded_seq'");
    close_ours();
    expect_refused(RL_STORE_DAMAGED, "damaged");
}

Test(schema, anything_else_is_refused_and_left_alone)
{
    static const char text[] =
        "Dear diary, this is not a database. It goes on for more than one hundred bytes, "
        "because a header has as many.\n";
    store_files_write(path, text, sizeof text - 1);
    expect_refused(RL_STORE_DAMAGED, "not an SQLite database");
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    cr_assert_eq(st.st_size, (off_t)sizeof text - 1);
    store_files_write(path, "SQLite format 3", 16);
    expect_refused(RL_STORE_DAMAGED, "damaged");
}

Test(schema, a_damaged_header_is_refused)
{
    open_ours();
    close_ours();
    store_files_damage(path, 16, "\x12\x34", 2);
    expect_refused(RL_STORE_DAMAGED, "page size");
}

Test(schema, a_damaged_first_page_is_refused)
{
    open_ours();
    close_ours();
    char junk[4096];
    memset(junk, 0xa5, sizeof junk);
    store_files_damage(path, 100, junk, sizeof junk);
    expect_refused(RL_STORE_DAMAGED, "the file is damaged");
}

Test(schema, a_database_of_somebody_else_is_refused_and_left_alone)
{
    sqlite3 *theirs = store_sql_open(path);
    store_sql_run(theirs, "CREATE TABLE t(a); INSERT INTO t VALUES(1)");
    sqlite3_close(theirs);
    expect_refused(RL_STORE_REFUSED, "not one of Rubellite's");
    theirs = store_sql_open(path);
    cr_assert_str_eq(store_sql_text(theirs, "PRAGMA journal_mode"), "delete");
    store_sql_run(theirs, "PRAGMA application_id = 123");
    sqlite3_close(theirs);
    expect_refused(RL_STORE_REFUSED, "another program");
}

Test(schema, a_directory_is_refused)
{
    cr_assert_eq(mkdir(path, 0700), 0);
    expect_refused(RL_STORE_REFUSED, "not a file");
}

Test(schema, a_directory_that_is_not_there_is_an_io_error)
{
    path = "/nonexistent-rubellite/data.db";
    expect_refused(RL_STORE_IO, "unable to open");
}

Test(schema, more_connections_read_and_do_not_checkpoint)
{
    open_ours();
    sqlite3 *more;
    cr_assert_eq(rl_schema_open_more(path, false, &more, error, sizeof error), RL_STORE_OK);
    cr_assert_eq(store_sql_int(more, "PRAGMA wal_autocheckpoint"), 0);
    sqlite3_close(more);
    cr_assert_eq(rl_schema_open_more(path, true, &more, error, sizeof error), RL_STORE_OK);
    cr_assert_eq(store_sql_int(more, "SELECT count(*) FROM keys"), 0);
    cr_assert_neq(sqlite3_exec(more, "DELETE FROM rl_key", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(more);
}
