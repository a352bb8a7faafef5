/* SPDX-License-Identifier: MIT */
/* Backups of a server at work: SAVE, BGSAVE, LASTSAVE, the schedule, INFO, and who pins the WAL. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server.h"

static test_server *s;
static redisContext *c;

static void setup(void) {
    s = test_server_create();
    c = NULL;
}

static void teardown(void) {
    if (c)
        redisFree(c);
    test_server_free(s);
}

TestSuite(backup, .init = setup, .fini = teardown);

static void start(const char *arguments) {
    test_server_start(s, arguments);
    c = test_connect(s);
}

/* ---- files ---- */

static const char *in_data(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", s->data, name);
    return path;
}

/* Files in DIR/backups; `last` is the greatest name, which is the newest. */
static size_t backups(char *last, size_t last_len) {
    DIR *dir = opendir(in_data("backups"));
    struct dirent *entry;
    size_t count = 0;
    *last = '\0';
    while (dir && (entry = readdir(dir)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        count++;
        if (strcmp(entry->d_name, last) > 0)
            snprintf(last, last_len, "%s", entry->d_name);
    }
    if (dir)
        closedir(dir);
    return count;
}

static size_t backup_count(void) {
    char last[256];
    return backups(last, sizeof last);
}

static sqlite3 *open_file(const char *name) {
    sqlite3 *db;
    cr_assert_eq(sqlite3_open_v2(in_data(name), &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, TEST_WAIT_MS);
    return db;
}

static sqlite3 *open_newest(void) {
    char last[200], name[256];
    cr_assert_gt(backups(last, sizeof last), 0);
    snprintf(name, sizeof name, "backups/%s", last);
    return open_file(name);
}

static long long number(sqlite3 *db, const char *sql, const char *parameter) {
    sqlite3_stmt *stmt;
    long long result = -1;
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK, "%s", sqlite3_errmsg(db));
    if (parameter)
        sqlite3_bind_text(stmt, 1, parameter, -1, SQLITE_TRANSIENT);
    if (sqlite3_step(stmt) == SQLITE_ROW)
        result = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return result;
}

static void expect_whole(sqlite3 *db) {
    cr_assert_eq(number(db, "SELECT quick_check = 'ok' FROM pragma_quick_check", NULL), 1);
    cr_assert_eq(number(db, "SELECT journal_mode = 'delete' FROM pragma_journal_mode", NULL), 1);
}

/* A field of INFO as text. */
static const char *info_text(const char *field) {
    static char value[512];
    redisReply *reply = redisCommand(c, "INFO persistence");
    cr_assert_not_null(reply);
    char mark[80];
    snprintf(mark, sizeof mark, "\n%s:", field);
    const char *at = strstr(reply->str, mark);
    cr_assert_not_null(at, "INFO has no %s", field);
    at += strlen(mark);
    snprintf(value, sizeof value, "%.*s", (int)strcspn(at, "\r"), at);
    freeReplyObject(reply);
    return value;
}

static void write_rows(int count) {
    for (int i = 0; i < count; i++)
        redisAppendCommand(c, "SET filler:%d %0512d", i, i);
    for (int i = 0; i < count; i++)
        cr_assert_str_eq(test_answer(c), "OK");
}

/* ---- SAVE, BGSAVE, LASTSAVE ---- */

Test(backup, a_clean_stop_after_one_leaves_a_single_file)
{
    start(NULL);
    ASSERT_ASK(c, "OK", "SET k one");
    ASSERT_ASK(c, "OK", "SAVE");
    cr_assert_eq(test_server_stop(s), 0);
    cr_assert_eq(access(in_data("data.db"), F_OK), 0);
    cr_assert_neq(access(in_data("data.db-wal"), F_OK), 0);
    cr_assert_neq(access(in_data("data.db-shm"), F_OK), 0);
}

Test(backup, save_answers_once_it_is_in_place)
{
    start(NULL);
    long long before = atoll(test_ask(c, "LASTSAVE"));
    cr_assert_eq(test_info(c, "rdb_last_bgsave_time_sec"), -1);
    ASSERT_ASK(c, "OK", "SET k one");
    cr_assert_eq(test_info(c, "rdb_changes_since_last_save"), 1);
    ASSERT_ASK(c, "OK", "SAVE");
    cr_assert_eq(backup_count(), 1);
    sqlite3 *db = open_newest();
    expect_whole(db);
    cr_assert_eq(number(db, "SELECT value = 'one' FROM strings WHERE key = 'k'", NULL), 1);
    sqlite3_close(db);
    cr_assert_geq(atoll(test_ask(c, "LASTSAVE")), before);
    cr_assert_eq(test_info(c, "rdb_changes_since_last_save"), 0);
    cr_assert_eq(test_info(c, "rdb_saves"), 1);
    cr_assert_eq(test_info(c, "rdb_last_bgsave_time_sec"), 0);
    cr_assert_eq(test_info(c, "backup_count"), 1);
    cr_assert_eq(test_info(c, "backup_last_time"), atoll(test_ask(c, "LASTSAVE")));
    cr_assert_eq(test_info(c, "backup_last_seq"), test_info(c, "fold_seq"));
    cr_assert_str_eq(info_text("rdb_last_bgsave_status"), "ok");

    long long last = atoll(test_ask(c, "LASTSAVE"));
    redisFree(c);
    cr_assert_eq(test_server_stop(s), 0);
    start(NULL);
    cr_assert_eq(atoll(test_ask(c, "LASTSAVE")), last, "it is known after a restart");
    cr_assert_eq(test_info(c, "rdb_saves"), 0);
}

Test(backup, only_so_many_are_kept)
{
    start("--backup-retain 2");
    for (int i = 0; i < 3; i++) {
        ASSERT_ASK(c, "OK", "SET k %d", i);
        ASSERT_ASK(c, "OK", "SAVE");
    }
    cr_assert_eq(backup_count(), 2);
    cr_assert_eq(test_info(c, "backup_count"), 2);
    ASSERT_ASK(c, "OK", "CONFIG SET backup-retain 1");
    ASSERT_ASK(c, "OK", "SAVE");
    cr_assert_eq(backup_count(), 1);
    sqlite3 *db = open_newest();
    cr_assert_eq(number(db, "SELECT value FROM strings WHERE key = 'k'", NULL), 2);
    sqlite3_close(db);
}

Test(backup, bgsave_says_what_redis_says)
{
    start("--backup-rate 1");
    write_rows(100);
    ASSERT_ASK(c, "Background saving started", "BGSAVE");
    cr_assert_eq(test_info(c, "rdb_bgsave_in_progress"), 1);
    ASSERT_ASK(c, "-ERR Background save already in progress", "BGSAVE");
    ASSERT_ASK(c, "-ERR Background save already in progress", "BGSAVE SCHEDULE");
    TEST_WAIT_UNTIL(test_info(c, "backup_bytes_done") > 0);
    cr_assert_eq(test_info(c, "backup_running"), 1);
    cr_assert_eq(test_info(c, "current_save_keys_total"), 100);
    cr_assert_geq(test_info(c, "rdb_current_bgsave_time_sec"), 0);
    cr_assert_lt(test_info(c, "backup_bytes_done"), test_info(c, "backup_bytes_total"));
    ASSERT_ASK(c, "OK", "CONFIG SET backup-rate 0");
    TEST_WAIT_UNTIL(test_info(c, "rdb_bgsave_in_progress") == 0);
    cr_assert_eq(test_info(c, "rdb_current_bgsave_time_sec"), -1);
    cr_assert_eq(backup_count(), 1);
    ASSERT_ASK(c, "Background saving started", "BGSAVE SCHEDULE");
    TEST_WAIT_UNTIL(test_info(c, "rdb_bgsave_in_progress") == 0);
    cr_assert_eq(backup_count(), 2);
}

Test(backup, bgsave_in_a_transaction_has_what_the_transaction_did)
{
    start(NULL);
    ASSERT_ASK(c, "OK", "MULTI");
    ASSERT_ASK(c, "QUEUED", "BGSAVE");
    ASSERT_ASK(c, "QUEUED", "SET k v");
    ASSERT_ASK(c, "[Background saving scheduled OK]", "EXEC");
    TEST_WAIT_UNTIL(test_info(c, "rdb_saves") == 1);
    sqlite3 *db = open_newest();
    cr_assert_eq(number(db, "SELECT value = 'v' FROM strings WHERE key = 'k'", NULL), 1);
    sqlite3_close(db);
    ASSERT_ASK(c, "OK", "MULTI");
    ASSERT_ASK(c, "-ERR Command not allowed inside a transaction", "SAVE");
}

Test(backup, save_holds_up_its_client_alone)
{
    start("--backup-rate 1");
    write_rows(100);
    redisContext *other = test_connect(s);
    redisAppendCommand(other, "SAVE");
    int done = 0;
    while (!done)
        redisBufferWrite(other, &done);
    TEST_WAIT_UNTIL(test_info(c, "backup_running") == 1);
    ASSERT_ASK(c, "OK", "SET more 1");
    ASSERT_ASK(c, "1", "GET more");
    ASSERT_ASK(c, "OK", "CONFIG SET backup-rate 0");
    cr_assert_str_eq(test_answer(other), "OK");
    redisFree(other);
}

/* ---- under load ---- */

enum { WRITERS = 3, KEYS = 40, BURST = 200 };

static long long written[WRITERS];

/* Each writer sets its keys in turn, to 1, 2, 3 … */
static void write_burst(redisContext *const *writers) {
    for (int w = 0; w < WRITERS; w++)
        for (int i = 0; i < BURST; i++) {
            long long n = ++written[w];
            redisAppendCommand(writers[w], "SET w%d:%d %lld", w, (int)(n % KEYS), n);
        }
    for (int w = 0; w < WRITERS; w++)
        for (int i = 0; i < BURST; i++)
            cr_assert_str_eq(test_answer(writers[w]), "OK");
}

/* What a writer had written at the moment of the backup: all up to a number, and nothing more. */
static long long expect_prefix(sqlite3 *db, int w) {
    char like[16], key[32];
    snprintf(like, sizeof like, "w%d:*", w);
    long long last =
        number(db, "SELECT max(CAST(value AS INTEGER)) FROM strings WHERE key GLOB ?", like);
    for (long long n = last; n > 0 && n > last - KEYS; n--) {
        snprintf(key, sizeof key, "w%d:%d", w, (int)(n % KEYS));
        cr_assert_eq(number(db, "SELECT value FROM strings WHERE key = ?", key), n, "%s of %lld",
                     key, last);
    }
    return last;
}

Test(backup, under_load_it_is_what_there_was_at_one_moment)
{
    start("--fold-interval 5 --backup-rate 4mb");
    write_rows(5000);
    redisContext *writers[WRITERS];
    for (int w = 0; w < WRITERS; w++)
        writers[w] = test_connect(s);
    for (int round = 0; round < 3; round++) {
        write_burst(writers);
        long long before[WRITERS];
        memcpy(before, written, sizeof before);
        ASSERT_ASK(c, "Background saving started", "BGSAVE");
        do {
            write_burst(writers);
        } while (test_info(c, "rdb_bgsave_in_progress"));
        sqlite3 *db = open_newest();
        expect_whole(db);
        for (int w = 0; w < WRITERS; w++) {
            long long last = expect_prefix(db, w);
            cr_assert_geq(last, before[w], "what was answered before BGSAVE is in it");
            cr_assert_leq(last, written[w]);
        }
        sqlite3_close(db);
    }
    for (int w = 0; w < WRITERS; w++)
        redisFree(writers[w]);
}

/* ---- by themselves ---- */

Test(backup, by_schedule_while_something_changes)
{
    start("--backup-interval 1 --backup-retain 2");
    for (int i = 0; test_info(c, "rdb_saves") < 3; i++) {
        ASSERT_ASK(c, "OK", "SET k %d", i);
        test_pause();
    }
    cr_assert_eq(backup_count(), 2);
    ASSERT_ASK(c, "OK", "CONFIG SET backup-interval 0");
    ASSERT_ASK(c, "OK", "SAVE");
    cr_assert_eq(test_info(c, "backup_next_time"), 0);
}

Test(backup, a_server_that_stops_does_not_wait_for_it)
{
    start("--backup-rate 1");
    write_rows(100);
    ASSERT_ASK(c, "Background saving started", "BGSAVE");
    TEST_WAIT_UNTIL(test_info(c, "backup_bytes_done") > 0);
    cr_assert_eq(backup_count(), 1, "the part");
    int64_t from_ms = test_now_ms();
    cr_assert_eq(test_server_stop(s), 0);
    cr_assert_lt(test_now_ms() - from_ms, 30000, "at its rate it takes hours");
    cr_assert_eq(backup_count(), 0);
}

Test(backup, what_a_kill_left_is_removed_by_the_next)
{
    start("--backup-rate 1");
    write_rows(100);
    ASSERT_ASK(c, "Background saving started", "BGSAVE");
    TEST_WAIT_UNTIL(test_info(c, "backup_bytes_done") > 0);
    redisFree(c);
    test_server_kill(s);
    cr_assert_eq(backup_count(), 1);
    start(NULL);
    ASSERT_ASK(c, "OK", "SAVE");
    cr_assert_eq(backup_count(), 1);
    sqlite3 *db = open_newest();
    cr_assert_eq(number(db, "SELECT count(*) FROM strings", NULL), 100);
    sqlite3_close(db);
}

/* ---- failures ---- */

Test(backup, a_failure_is_told_and_over_once_one_succeeds)
{
    start(NULL);
    FILE *file = fopen(in_data("backups"), "w");
    cr_assert_not_null(file);
    fclose(file);
    ASSERT_ASK(c, "OK", "SET k v");
    const char *answer = test_ask(c, "SAVE");
    cr_assert(strncmp(answer, "-ERR Saving failed: ", 20) == 0, "%s", answer);
    cr_assert(strstr(answer, "Not a directory"), "%s", answer);
    cr_assert_str_eq(info_text("rdb_last_bgsave_status"), "err");
    cr_assert(strstr(info_text("backup_last_error"), "Not a directory"));
    cr_assert_eq(test_info(c, "backup_failures"), 1);
    test_server_wait_for_log(s, "There is no new backup");
    ASSERT_ASK(c, "OK", "SET k w"); /* nothing else minds */
    ASSERT_ASK(c, "Background saving started", "BGSAVE");
    TEST_WAIT_UNTIL(test_info(c, "backup_failures") == 2);
    cr_assert_eq(test_info(c, "rdb_bgsave_in_progress"), 0);
    cr_assert_eq(unlink(in_data("backups")), 0);
    ASSERT_ASK(c, "OK", "SAVE");
    cr_assert_str_eq(info_text("rdb_last_bgsave_status"), "ok");
    cr_assert_str_eq(info_text("backup_last_error"), "");
    cr_assert_eq(backup_count(), 1);
}

Test(backup, a_server_in_memory_has_none)
{
    start("--dbfilename :memory:");
    const char *answer = test_ask(c, "SAVE");
    cr_assert(strncmp(answer, "-ERR Nothing can be saved", 25) == 0, "%s", answer);
    answer = test_ask(c, "BGSAVE");
    cr_assert(strncmp(answer, "-ERR Nothing can be saved", 25) == 0, "%s", answer);
    cr_assert_gt(atoll(test_ask(c, "LASTSAVE")), 1500000000);
    cr_assert_eq(access(in_data("backups"), F_OK), -1);
}

Test(backup, another_directory)
{
    start("--backup-dir ../elsewhere");
    ASSERT_ASK(c, "OK", "SET k v");
    ASSERT_ASK(c, "OK", "SAVE");
    cr_assert_eq(access(in_data("backups"), F_OK), -1);
    cr_assert_eq(access(in_data("../elsewhere"), F_OK), 0);
}

/* ---- who pins the WAL ---- */

Test(backup, an_outside_reader_that_pins_the_wal_is_named)
{
    start("--fold-interval 5 --checkpoint-interval 20");
    ASSERT_ASK(c, "OK", "SET k 1");
    sqlite3 *db = open_file("data.db");
    cr_assert_eq(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
    cr_assert_geq(number(db, "SELECT count(*) FROM strings", NULL), 0);
    cr_assert_str_eq(info_text("wal_pinned_by"), "");
    for (int i = 0; test_info(c, "wal_pinned_seconds") == 0; i++) {
        ASSERT_ASK(c, "OK", "SET k %d", i);
        test_pause();
    }
    char want[32];
    snprintf(want, sizeof want, "(pid %d)", (int)getpid());
    cr_assert(strstr(info_text("wal_pinned_by"), want), "%s", info_text("wal_pinned_by"));
    long long bytes = test_info(c, "wal_pinned_bytes");
    cr_assert_gt(bytes, 0);
    write_rows(1000);
    TEST_WAIT_UNTIL(test_info(c, "wal_pinned_bytes") > bytes + 400000);
    cr_assert_gt(test_info(c, "checkpoint_wal_bytes"), 400000);

    cr_assert_eq(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    TEST_WAIT_UNTIL(test_info(c, "wal_pinned_seconds") == 0);
    cr_assert_str_eq(info_text("wal_pinned_by"), "");
    TEST_WAIT_UNTIL(test_info(c, "checkpoint_wal_bytes") == 0);
    sqlite3_close(db);
}

/* SQLite deletes the WAL when the last connection closes. A program that opens and closes the file
 * beside the server must see that it is not the last: whatever the server did before, such as a
 * check at its start, it must still have its locks. */
Test(backup, an_outside_program_that_closes_the_file_leaves_the_wal)
{
    static const char *const starts[] = {"--start-check none", "--start-check quick",
                                         "--start-check full"};
    for (int i = 0; i < 3; i++) {
        struct stat before, after;
        start(starts[i]);
        ASSERT_ASK(c, "OK", "SET k %d", i);
        ASSERT_ASK(c, "OK", "SAVE");
        cr_assert_eq(stat(in_data("data.db-wal"), &before), 0);
        sqlite3 *db = open_file("data.db");
        cr_assert_eq(number(db, "SELECT value FROM strings WHERE key = 'k'", NULL), i);
        sqlite3_close(db);
        cr_assert_eq(stat(in_data("data.db-wal"), &after), 0, "%s", starts[i]);
        cr_assert_eq(before.st_ino, after.st_ino);
        redisFree(c);
        c = NULL;
        cr_assert_eq(test_server_stop(s), 0);
    }
}
