/* SPDX-License-Identifier: MIT */
/* Prepared statements by their text. */
#include "sql/cache.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "base/alloc.h"

static sqlite3 *db;
static sql_cache *cache;

static void setup(void) {
    cr_assert_eq(sqlite3_open(":memory:", &db), SQLITE_OK);
    cache = sql_cache_create();
}

static void teardown(void) {
    sql_cache_free(cache);
    cr_assert_eq(sqlite3_close(db), SQLITE_OK, "a statement was not finalized");
}

TestSuite(cache, .init = setup, .fini = teardown);

static sqlite3_stmt *prepare(const char *sql) {
    sqlite3_stmt *stmt;
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    return stmt;
}

static int count_statements(void) {
    int n = 0;
    for (sqlite3_stmt *s = NULL; (s = sqlite3_next_stmt(db, s)) != NULL;)
        n++;
    return n;
}

Test(cache, gives_back_what_was_put)
{
    rl_bytes text = RL_BYTES("SELECT ?1");
    cr_assert_null(sql_cache_take(cache, text));
    sqlite3_stmt *stmt = prepare("SELECT ?1");
    sqlite3_bind_int(stmt, 1, 5);
    sqlite3_step(stmt);
    sql_cache_put(cache, text, stmt);
    cr_assert_null(sql_cache_take(cache, RL_BYTES("SELECT ?2")));
    cr_assert_eq(sql_cache_take(cache, text), stmt);
    cr_assert_not(sqlite3_stmt_busy(stmt));
    cr_assert_null(sql_cache_take(cache, text), "taken twice");
    sqlite3_step(stmt);
    cr_assert_eq(sqlite3_column_type(stmt, 0), SQLITE_NULL, "a binding was kept");
    sql_cache_put(cache, text, stmt);
    sql_cache_put(cache, text, NULL);
    cr_assert_eq(sql_cache_take(cache, text), stmt);
    sqlite3_finalize(stmt);
}

Test(cache, two_for_one_text_are_one)
{
    rl_bytes text = RL_BYTES("SELECT 1");
    sqlite3_stmt *a = prepare("SELECT 1"), *b = prepare("SELECT 1");
    sql_cache_put(cache, text, a);
    sql_cache_put(cache, text, b);
    cr_assert_eq(count_statements(), 1);
    cr_assert_eq(sql_cache_take(cache, text), b);
    sqlite3_finalize(b);
}

Test(cache, forgets_what_was_not_used_for_the_longest)
{
    char sql[32];
    rl_bytes first = RL_BYTES("SELECT 0");
    for (int i = 0; i < 200; i++) {
        snprintf(sql, sizeof sql, "SELECT %d", i);
        sql_cache_put(cache, rl_bytes_text(sql), prepare(sql));
        sqlite3_stmt *kept = sql_cache_take(cache, first); /* used all the time */
        cr_assert_not_null(kept);
        sql_cache_put(cache, first, kept);
    }
    cr_assert_eq(count_statements(), 64);
    for (int i = 1; i < 200; i++) {
        snprintf(sql, sizeof sql, "SELECT %d", i);
        sqlite3_stmt *stmt = sql_cache_take(cache, rl_bytes_text(sql));
        cr_assert_eq(stmt != NULL, i >= 200 - 63, "%d", i);
        sql_cache_put(cache, rl_bytes_text(sql), stmt);
    }
}

Test(cache, keeps_no_long_texts)
{
    char *sql = rl_malloc(20001);
    memset(sql, ' ', 20000);
    memcpy(sql, "SELECT 1", 8);
    sql[20000] = '\0';
    sql_cache_put(cache, rl_bytes_text(sql), prepare(sql));
    cr_assert_eq(count_statements(), 0);
    rl_free(sql);
}
