/* SPDX-License-Identifier: MIT */
/* What is there after a restart: in every mode, after a clean stop and after SIGKILL. */
#include <criterion/criterion.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "server.h"

static test_server *s;

static void setup(void) {
    s = test_server_create();
}

static void teardown(void) {
    test_server_free(s);
}

TestSuite(durability, .init = setup, .fini = teardown);

static const char *const modes[] = {
    "--appendfsync always", "--appendfsync everysec", "--appendfsync no", "--appendonly no",
    "--appendfsync everysec --journal-segment-size 64kb --fold-interval 5"};
enum { MODES = sizeof modes / sizeof *modes, NO_JOURNAL = 3 };

#define COUNT 2000

static void write_many(redisContext *c, int round) {
    for (int i = 0; i < COUNT; i++)
        redisAppendCommand(c, "SET key:%d value:%d:%d", i, round, i);
    for (int i = 0; i < COUNT; i++)
        cr_assert_str_eq(test_answer(c), "OK");
}

static void expect_many(redisContext *c, int round) {
    for (int i = 0; i < COUNT; i++)
        redisAppendCommand(c, "GET key:%d", i);
    for (int i = 0; i < COUNT; i++) {
        char want[64];
        snprintf(want, sizeof want, "value:%d:%d", round, i);
        cr_assert_str_eq(test_answer(c), want);
    }
    ASSERT_ASK(c, "2000", "DBSIZE");
}

static void end(redisContext *c, bool cleanly) {
    redisFree(c);
    if (cleanly)
        cr_assert_eq(test_server_stop(s), 0);
    else
        test_server_kill(s);
}

/* Writes, ends and starts again, some times on the same directory. */
static void restart_rounds(const char *mode, bool cleanly) {
    test_server_start(s, mode);
    for (int round = 0; round < 3; round++) {
        redisContext *c = test_connect(s);
        write_many(c, round);
        end(c, cleanly);
        test_server_start(s, mode);
        c = test_connect(s);
        expect_many(c, round);
        redisFree(c);
    }
    test_server_kill(s);
}

Test(durability, a_clean_stop_keeps_everything_in_every_mode)
{
    for (int i = 0; i < MODES; i++) {
        restart_rounds(modes[i], true);
        test_server_free(s);
        s = test_server_create();
    }
}

Test(durability, a_kill_keeps_everything_with_a_journal)
{
    for (int i = 0; i < MODES; i++) {
        if (i == NO_JOURNAL)
            continue;
        restart_rounds(modes[i], false);
        test_server_free(s);
        s = test_server_create();
    }
}

Test(durability, the_mode_may_change_between_runs)
{
    for (int i = 0; i < MODES; i++) {
        test_server_start(s, modes[i]);
        redisContext *c = test_connect(s);
        ASSERT_ASK(c, i ? "(nil)" : "1", i ? "GET nothing" : "INCR runs");
        char want[8];
        snprintf(want, sizeof want, "%d", i + 2);
        ASSERT_ASK(c, want, "INCR runs");
        end(c, i == NO_JOURNAL);
    }
}

Test(durability, without_a_journal_a_save_keeps_what_was_written)
{
    test_server_start(s, "--appendonly no");
    redisContext *c = test_connect(s);
    write_many(c, 1);
    ASSERT_ASK(c, "OK", "SAVE");
    end(c, false);
    test_server_start(s, "--appendonly no");
    c = test_connect(s);
    expect_many(c, 1);
    redisFree(c);
}

/* One of each kind of change; after the kill all must be as the last answer said. */
static void change_everything(redisContext *c) {
    ASSERT_ASK(c, "OK", "MSET a 1 b 2 c 3 d 4 e 5 f 6");
    ASSERT_ASK(c, "2", "INCR a");
    ASSERT_ASK(c, "4", "APPEND b xyz");
    ASSERT_ASK(c, "1", "DEL c");
    ASSERT_ASK(c, "OK", "RENAME d renamed");
    ASSERT_ASK(c, "1", "COPY e copied");
    ASSERT_ASK(c, "1", "MOVE f 3");
    ASSERT_ASK(c, "10", "SETRANGE range 5 world");
    ASSERT_ASK(c, "OK", "SELECT 5");
    ASSERT_ASK(c, "OK", "SET swapped yes");
    ASSERT_ASK(c, "OK", "SWAPDB 5 6");
    ASSERT_ASK(c, "OK", "SELECT 7");
    ASSERT_ASK(c, "OK", "SET gone yes");
    ASSERT_ASK(c, "OK", "FLUSHDB");
    ASSERT_ASK(c, "OK", "SELECT 0");
    ASSERT_ASK(c, "OK", "SET bytes %b", "\0\xff\r\n", (size_t)4);
    ASSERT_ASK(c, "OK", "SET %b empty-name", "", (size_t)0);
    ASSERT_ASK(c, "OK", "SET empty %b", "", (size_t)0);
}

static void expect_everything(redisContext *c) {
    ASSERT_ASK(c, "[2 2xyz (nil) (nil) 4 5 5 (nil)]", "MGET a b c d renamed e copied f");
    ASSERT_ASK(c, "10", "STRLEN range");
    ASSERT_ASK(c, "world", "GETRANGE range 5 -1");
    redisReply *reply = redisCommand(c, "GET bytes");
    cr_assert(reply && reply->len == 4 && memcmp(reply->str, "\0\xff\r\n", 4) == 0);
    freeReplyObject(reply);
    ASSERT_ASK(c, "empty-name", "GET %b", "", (size_t)0);
    ASSERT_ASK(c, "", "GET empty");
    ASSERT_ASK(c, "OK", "SELECT 3");
    ASSERT_ASK(c, "6", "GET f");
    ASSERT_ASK(c, "OK", "SELECT 5");
    ASSERT_ASK(c, "0", "DBSIZE");
    ASSERT_ASK(c, "OK", "SELECT 6");
    ASSERT_ASK(c, "yes", "GET swapped");
    ASSERT_ASK(c, "OK", "SELECT 7");
    ASSERT_ASK(c, "0", "DBSIZE");
    ASSERT_ASK(c, "OK", "SELECT 0");
}

Test(durability, every_kind_of_change_survives)
{
    for (int cleanly = 0; cleanly < 2; cleanly++) {
        test_server_start(s, NULL);
        redisContext *c = test_connect(s);
        ASSERT_ASK(c, "OK", "FLUSHALL");
        change_everything(c);
        expect_everything(c);
        end(c, cleanly);
        test_server_start(s, NULL);
        c = test_connect(s);
        expect_everything(c);
        end(c, true);
    }
}

Test(durability, expiries_survive)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "OK", "SET exact v PXAT 33000000000000");
    ASSERT_ASK(c, "OK", "SET long v EX 100000");
    ASSERT_ASK(c, "OK", "SET persisted v EX 100000");
    ASSERT_ASK(c, "1", "PERSIST persisted");
    ASSERT_ASK(c, "OK", "SET short v PX 1");
    ASSERT_ASK(c, "OK", "SET plain v");
    ASSERT_ASK(c, "1", "EXPIRE plain 50000");
    end(c, false);
    test_server_start(s, NULL);
    c = test_connect(s);
    ASSERT_ASK(c, "33000000000000", "PEXPIRETIME exact");
    cr_assert_leq(strtoll(test_ask(c, "TTL long"), NULL, 10), 100000);
    cr_assert_gt(strtoll(test_ask(c, "TTL long"), NULL, 10), 99000);
    ASSERT_ASK(c, "-1", "TTL persisted");
    cr_assert_gt(strtoll(test_ask(c, "TTL plain"), NULL, 10), 49000);
    ASSERT_ASK(c, "(nil)", "GET short");
    redisFree(c);
}

Test(durability, a_database_number_beyond_databases_is_refused)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "OK", "SELECT 9");
    ASSERT_ASK(c, "OK", "SET k v");
    end(c, true);
    cr_assert_neq(test_server_refuse(s, "--databases 4"), 0);
    cr_assert_not_null(strstr(test_server_log(s), "--databases 10"));
}

Test(durability, a_pure_cache_keeps_nothing_on_disk)
{
    char path[128];
    struct stat st;
    test_server_start(s, "--dbfilename :memory:");
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "OK", "SET k v");
    ASSERT_ASK(c, "v", "GET k");
    end(c, true);
    snprintf(path, sizeof path, "%s/data.db", s->data);
    cr_assert_neq(stat(path, &st), 0);
    snprintf(path, sizeof path, "%s/journal", s->data);
    cr_assert_neq(stat(path, &st), 0);
}

/* ---- the tables ---- */

static sqlite3 *open_tables(void) {
    char path[128];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/data.db", s->data);
    cr_assert_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, TEST_WAIT_MS);
    return db;
}

/* The first column of the first row as text, "(none)" without one. Valid until the next call. */
static const char *query(sqlite3 *db, const char *sql) {
    static char text[256];
    sqlite3_stmt *stmt;
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK, "%s: %s", sql,
                 sqlite3_errmsg(db));
    int rc = sqlite3_step(stmt);
    cr_assert(rc == SQLITE_ROW || rc == SQLITE_DONE, "%s: %s", sql, sqlite3_errmsg(db));
    const unsigned char *found = rc == SQLITE_ROW ? sqlite3_column_text(stmt, 0) : NULL;
    snprintf(text, sizeof text, "%s", found ? (const char *)found : "(none)");
    sqlite3_finalize(stmt);
    return text;
}

Test(durability, sqlite_reads_the_tables_while_the_server_runs)
{
    test_server_start(s, "--fold-interval 10");
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "OK", "SET user:1 ann");
    ASSERT_ASK(c, "OK", "SET bytes %b", "\xff\x00", (size_t)2);
    ASSERT_ASK(c, "OK", "SET until v PXAT 33000000000000");
    ASSERT_ASK(c, "OK", "SELECT 2");
    ASSERT_ASK(c, "OK", "SET other v");
    sqlite3 *db = open_tables();
    TEST_WAIT_UNTIL(strcmp(query(db, "SELECT count(*) FROM strings"), "4") == 0);
    cr_assert_str_eq(query(db, "SELECT value FROM strings WHERE key = 'user:1'"), "ann");
    cr_assert_str_eq(query(db, "SELECT typeof(value) FROM strings WHERE key = 'bytes'"), "blob");
    cr_assert_str_eq(query(db, "SELECT hex(value) FROM strings WHERE key = 'bytes'"), "FF00");
    cr_assert_str_eq(query(db, "SELECT expires_at FROM strings WHERE key = 'until'"),
                     "33000000000000");
    cr_assert_str_eq(query(db, "SELECT database FROM strings WHERE key = 'other'"), "2");
    /* A reader with an open transaction does not stop the server. */
    cr_assert_eq(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM strings", NULL, NULL, NULL),
                 SQLITE_OK);
    ASSERT_ASK(c, "OK", "SET another v");
    ASSERT_ASK(c, "v", "GET another");
    cr_assert_str_eq(query(db, "SELECT count(*) FROM strings"), "4");
    cr_assert_eq(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    TEST_WAIT_UNTIL(strcmp(query(db, "SELECT count(*) FROM strings"), "5") == 0);
    sqlite3_close(db);
    redisFree(c);
}

Test(durability, after_a_clean_stop_the_tables_are_all)
{
    test_server_start(s, "--fold-interval 3600000");
    redisContext *c = test_connect(s);
    write_many(c, 7);
    end(c, true);
    sqlite3 *db = open_tables();
    cr_assert_str_eq(query(db, "SELECT count(*) FROM strings"), "2000");
    cr_assert_str_eq(query(db, "SELECT value FROM strings WHERE key = 'key:1999'"), "value:7:1999");
    cr_assert_str_eq(query(db, "PRAGMA integrity_check"), "ok");
    sqlite3_close(db);
}

Test(durability, a_reader_may_hold_the_tables_over_a_stop)
{
    test_server_start(s, "--fold-interval 10");
    redisContext *c = test_connect(s);
    write_many(c, 1);
    sqlite3 *db = open_tables();
    TEST_WAIT_UNTIL(strcmp(query(db, "SELECT count(*) FROM strings"), "2000") == 0);
    cr_assert_eq(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM strings", NULL, NULL, NULL),
                 SQLITE_OK);
    write_many(c, 2);
    end(c, true);
    test_server_start(s, NULL);
    c = test_connect(s);
    expect_many(c, 2);
    sqlite3_close(db);
    redisFree(c);
}
