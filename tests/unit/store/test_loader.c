/* SPDX-License-Identifier: MIT */
/* The loader: every row comes, in order, with the bytes it has. */
#include "store/loader.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "lib/store_files.h"
#include "store/schema.h"

static char *dir;
static char path[1024];
static sqlite3 *db;
static char error[512];

static void setup(void) {
    dir = store_files_make();
    snprintf(path, sizeof path, "%s/data.db", dir);
    rl_schema_meta meta;
    cr_assert_eq(rl_schema_open(path, &db, &meta, error, sizeof error), RL_STORE_OK, "%s", error);
}

static void teardown(void) {
    sqlite3_close(db);
    store_files_remove(dir);
}

TestSuite(loader, .init = setup, .fini = teardown);

typedef struct seen {
    uint64_t count, last_id;
    uint64_t key_bytes, value_bytes;
    rl_store_row last;
    char key[64], value[64];
} seen;

static void on_row(void *arg, const rl_store_row *row) {
    seen *s = arg;
    cr_assert_gt(row->id, s->last_id);
    s->count++;
    s->last_id = row->id;
    s->key_bytes += row->key.len;
    s->value_bytes += row->value.len;
    s->last = *row;
    snprintf(s->key, sizeof s->key, "%.*s", (int)row->key.len, row->key.ptr);
    snprintf(s->value, sizeof s->value, "%.*s", row->value.len < 60 ? (int)row->value.len : 60,
             row->value.ptr);
}

static int run(void (*row)(void *arg, const rl_store_row *row), void *arg) {
    rl_store_loading loading = {.on_row = row, .arg = arg};
    return rl_loader_run(path, &loading, error, sizeof error);
}

static void load(seen *s) {
    memset(s, 0, sizeof *s);
    cr_assert_eq(run(on_row, s), RL_STORE_OK, "%s", error);
}

Test(loader, an_empty_table_has_no_rows)
{
    seen s;
    load(&s);
    cr_assert_eq(s.count, 0);
}

Test(loader, a_row_has_its_fields)
{
    seen s;
    store_sql_run(db, "INSERT INTO rl_key VALUES(42, 7, 1, 123456789012, 'name', 'bytes')");
    load(&s);
    cr_assert_eq(s.count, 1);
    cr_assert_eq(s.last.id, 42);
    cr_assert_eq(s.last.db, 7);
    cr_assert_eq(s.last.type, RL_TYPE_STRING);
    cr_assert_eq(s.last.expires_at, 123456789012);
    cr_assert_str_eq(s.key, "name");
    cr_assert_str_eq(s.value, "bytes");
}

Test(loader, rows_without_expiry_or_value_and_expired_ones_come_too)
{
    seen s;
    store_sql_run(db, "INSERT INTO rl_key VALUES(1, 0, 5, NULL, x'ff00', NULL)");
    load(&s);
    cr_assert_eq(s.last.expires_at, RL_NEVER);
    cr_assert_eq(s.last.type, RL_TYPE_HASH);
    cr_assert_eq(s.value_bytes, 0);
    cr_assert_eq(s.key_bytes, 2);
    store_sql_run(db, "INSERT INTO rl_key VALUES(2, 0, 1, 1, '', '')");
    load(&s);
    cr_assert_eq(s.count, 2);
    cr_assert_eq(s.last.expires_at, 1);
    cr_assert_eq(s.last.key.len, 0);
}

Test(loader, rows_that_cannot_be_ours_are_left_out)
{
    seen s;
    store_sql_run(db,
                  "INSERT INTO rl_key VALUES(-5, 0, 1, NULL, 'a', 'x'), (0, 0, 1, NULL, 'b', 'x'),"
                  "(1, 0, 0, NULL, 'c', 'x'), (2, 0, 7, NULL, 'd', 'x'), (3, 0, 1, NULL, 'e', 5)");
    load(&s);
    cr_assert_eq(s.count, 1);
    cr_assert_str_eq(s.key, "e");
    cr_assert_str_eq(s.value, "5");
}

Test(loader, many_rows_come_in_order_of_id)
{
    seen s;
    store_sql_run(
        db,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)"
        "INSERT INTO rl_key SELECT 60001 - i, i %% 3, 1, NULL, 'key:' || i, 'value:' || i FROM n");
    load(&s);
    cr_assert_eq(s.count, 60000);
    cr_assert_eq((int64_t)s.key_bytes, store_sql_int(db, "SELECT sum(length(key)) FROM rl_key"));
    cr_assert_eq((int64_t)s.value_bytes,
                 store_sql_int(db, "SELECT sum(length(value)) FROM rl_key"));
    cr_assert_str_eq(s.key, "key:1");
}

static const rl_store_row *big_row;

static void on_big_row(void *arg, const rl_store_row *row) {
    const char *byte = arg;
    cr_assert_eq(row->value.len, 3000000);
    for (size_t i = 0; i < row->value.len; i++)
        cr_assert_eq(row->value.ptr[i], byte[row->id]);
    big_row = row;
}

Test(loader, values_longer_than_a_block_come_whole)
{
    char bytes[10] = "";
    for (int id = 1; id < 10; id++) {
        bytes[id] = (char)('a' + id);
        store_sql_run(db,
                      "INSERT INTO rl_key VALUES(%d, 0, 1, NULL, 'k%d', "
                      "replace(hex(zeroblob(1500000)), '0', '%c'))",
                      id, id, bytes[id]);
    }
    big_row = NULL;
    cr_assert_eq(run(on_big_row, bytes), RL_STORE_OK, "%s", error);
    cr_assert_not_null(big_row);
}

Test(loader, what_is_in_the_wal_alone_is_loaded)
{
    store_sql_run(db, "INSERT INTO rl_key VALUES(1, 0, 1, NULL, 'a', 'x')");
    struct stat st;
    cr_assert_eq(stat(store_files_path(dir, "data.db-wal"), &st), 0);
    cr_assert_gt(st.st_size, 0);
    seen s;
    load(&s);
    cr_assert_eq(s.count, 1);
}

Test(loader, a_damaged_page_is_reported)
{
    store_sql_run(db,
                  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
                  "INSERT INTO rl_key SELECT i, 0, 1, NULL, 'key:' || i, 'value:' || i FROM n");
    int64_t page = store_sql_int(db, "PRAGMA page_size");
    int64_t damaged = store_sql_int(
        db, "SELECT max(pageno) FROM dbstat WHERE name = 'rl_key' AND pagetype = 'leaf'");
    cr_assert_eq(sqlite3_close(db), SQLITE_OK);
    db = NULL;
    char junk[512];
    memset(junk, 0x5a, sizeof junk);
    store_files_damage(path, (damaged - 1) * page, junk, sizeof junk);
    seen s = {0};
    cr_assert_eq(run(on_row, &s), RL_STORE_DAMAGED);
    cr_assert(strstr(error, path) != NULL, "%s", error);
    cr_assert(strstr(error, "malformed") != NULL, "%s", error);
    cr_assert_lt(s.count, 20000);
}

Test(loader, a_missing_file_or_table_is_reported)
{
    seen s = {0};
    store_sql_run(db, "DROP TABLE rl_zset");
    cr_assert_neq(run(on_row, &s), RL_STORE_OK);
    cr_assert(strstr(error, "no such table") != NULL, "%s", error);
    snprintf(path, sizeof path, "/nonexistent-rubellite/x");
    cr_assert_neq(run(on_row, &s), RL_STORE_OK);
}

/* --- collections ------------------------------------------------------------------------------ */

static rl_buffer story; /* rows and elements as they came */
static uint64_t element_count;

static void tell_row(void *arg, const rl_store_row *row) {
    (void)arg;
    rl_buffer_printf(&story, "%d%s:", (int)row->id, row->strange ? "!" : "");
}

static void tell_element(void *arg, const rl_store_element *e) {
    element_count++;
    rl_buffer_printf(&story, "%.*s%s=%.*s", (int)e->name.len, e->name.ptr, e->strange ? "!" : "",
                     (int)e->value.len, e->value.ptr);
    const rl_type *type = arg;
    if (*type == RL_TYPE_HASH && e->expires_at != RL_NEVER)
        rl_buffer_printf(&story, "@%d", (int)e->expires_at);
    if (*type == RL_TYPE_ZSET)
        rl_buffer_printf(&story, "#%g", e->score);
    if (*type == RL_TYPE_LIST)
        rl_buffer_printf(&story, "[%d]", (int)e->position);
    rl_buffer_add_text(&story, " ");
}

static const char *tell(rl_type type) {
    rl_store_loading loading = {.on_row = tell_row, .on_element = tell_element, .arg = &type};
    rl_buffer_clear(&story);
    element_count = 0;
    cr_assert_eq(rl_loader_run(path, &loading, error, sizeof error), RL_STORE_OK, "%s", error);
    return rl_buffer_cstr(&story);
}

Test(loader, elements_come_behind_their_key)
{
    store_sql_run(db, "INSERT INTO rl_key VALUES(2, 0, 5, NULL, 'h', NULL), (5, 0, 1, NULL, 's',"
                      " 'x'), (9, 0, 5, NULL, 'g', NULL), (11, 0, 5, NULL, 'empty', NULL);"
                      "INSERT INTO rl_hash VALUES(9, 'c', 'last', NULL), (2, 'b', '2', 1000),"
                      "(2, 'a', '1', NULL), (2, '', '', NULL)");
    cr_assert_str_eq(tell(RL_TYPE_HASH), "2:= a=1 b=2@1000 5:9:c=last 11:");
}

Test(loader, each_type_has_its_number)
{
    store_sql_run(db, "INSERT INTO rl_key VALUES(1, 0, 4, NULL, 'z', NULL);"
                      "INSERT INTO rl_zset VALUES(1, 'a', -1.5), (1, 'b', 9e999), (1, 'c', 3),"
                      "(1, 'none', 'text')");
    cr_assert_str_eq(tell(RL_TYPE_ZSET), "1:a=#-1.5 b=#inf c=#3 ");
    store_sql_run(db, "DELETE FROM rl_key; INSERT INTO rl_key VALUES(1, 0, 2, NULL, 'l', NULL);"
                      "INSERT INTO rl_list VALUES(1, 5, 'z'), (1, -1000, 'a'), (1, 4, 'y')");
    cr_assert_str_eq(tell(RL_TYPE_LIST), "1:=a[-1000] =y[4] =z[5] ");
    store_sql_run(db, "DELETE FROM rl_key; INSERT INTO rl_key VALUES(1, 0, 3, NULL, 's', NULL);"
                      "INSERT INTO rl_set VALUES(1, 'b'), (1, x'ff'), (1, 'a')");
    cr_assert_str_eq(tell(RL_TYPE_SET), "1:a= b= \xff= ");
}

Test(loader, elements_without_a_key_of_their_type_are_passed_over)
{
    store_sql_run(db, "INSERT INTO rl_key VALUES(5, 0, 3, NULL, 's', NULL), (6, 0, 5, NULL, 'h',"
                      " NULL), (900000, 0, 3, NULL, 'far', NULL);"
                      "INSERT INTO rl_set VALUES(-1, 'x'), (0, 'x'), (4, 'dead'), (5, 'a'),"
                      "(6, 'wrong type'), (900000, 'z'), (900001, 'dead');"
                      "INSERT INTO rl_hash VALUES(5, 'wrong', 'type', NULL), (6, 'f', 'v', NULL);"
                      "WITH RECURSIVE n(i) AS (SELECT 7 UNION ALL SELECT i + 1 FROM n WHERE"
                      " i < 50000) INSERT INTO rl_set SELECT i / 100 * 100 + 7, 'm' || i FROM n;"
                      "INSERT INTO rl_dead SELECT DISTINCT key_id, 3 FROM rl_set WHERE key_id > 6"
                      " AND key_id < 900000");
    cr_assert_str_eq(tell(RL_TYPE_SET), "5:a= 6:f=v 900000:z= ");
}

Test(loader, names_that_another_program_has_stored_come_last)
{
    store_sql_run(db,
                  "INSERT INTO rl_key VALUES(1, 0, 1, NULL, x'6b', 'odd'), (2, 0, 5, NULL, x'68',"
                  " NULL), (3, 0, 1, NULL, 'k', 'ours'), (4, 0, 1, NULL, CAST(x'ff' AS TEXT), ''),"
                  "(5, 0, 5, NULL, 'h', NULL), (6, 0, 1, NULL, x'ff', '');"
                  "INSERT INTO rl_hash VALUES(2, 'f', 'of 2', NULL), (5, 'f', 'ours', NULL),"
                  "(5, x'66', 'odd', NULL), (5, x'ff', 'ours', NULL),"
                  "(5, CAST(x'ff' AS TEXT), 'odd', NULL)");
    cr_assert_str_eq(tell(RL_TYPE_HASH),
                     "3:5:f=ours \xff!=odd f!=odd \xff=ours 6:1!:2!:f=of 2 4!:");
}

Test(loader, a_collection_larger_than_the_ring_of_blocks)
{
    store_sql_run(db,
                  "INSERT INTO rl_key VALUES(1, 0, 5, NULL, 'h', NULL), (2, 0, 1, NULL, 's', 'v');"
                  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)"
                  " INSERT INTO rl_hash SELECT 1, 'field:' || i, 'value:' || i, NULL FROM n");
    const char *all = tell(RL_TYPE_HASH);
    cr_assert_eq(element_count, 60000);
    cr_assert_eq(strncmp(all, "1:field:1=value:1 field:10=value:10 ", 36), 0);
    cr_assert_str_eq(all + strlen(all) - 2, "2:");
    cr_assert_eq(
        (int64_t)strlen(all),
        store_sql_int(db, "SELECT sum(length(field) + length(value) + 2) + 4 FROM rl_hash"));
    rl_buffer_release(&story);
}
