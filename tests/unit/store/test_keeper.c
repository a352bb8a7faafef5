/* SPDX-License-Identifier: MIT */
/* The keeper: the WAL goes into the database by time, by size and when asked, and readers may be in
 * the way. */
#include "store/keeper.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "lib/faulty_vfs.h"
#include "lib/store_files.h"
#include "store/schema.h"
#include "store/store.h"

static char *dir;
static char path[1024];
static sqlite3 *db; /* what the store thread has */
static rl_keeper *keeper;
static rl_keeper_options options;
static sem_t done;
static uint64_t folded;
static int wal_frames;

static void on_done(void *arg) {
    (void)arg;
    sem_post(&done);
}

static int on_wal(void *arg, sqlite3 *connection, const char *name, int frames) {
    (void)arg;
    (void)connection;
    (void)name;
    wal_frames = frames;
    return SQLITE_OK;
}

static void setup(void) {
    dir = store_files_make();
    snprintf(path, sizeof path, "%s/data.db", dir);
    char error[512];
    rl_schema_meta meta;
    cr_assert_eq(rl_schema_open(path, &db, &meta, error, sizeof error), RL_STORE_OK, "%s", error);
    sqlite3_wal_hook(db, on_wal, NULL);
    sem_init(&done, 0, 0);
    keeper = NULL;
    folded = 0;
    options = (rl_keeper_options){
        .path = path,
        .interval_ms = STORE_FILES_NEVER_MS,
        .wal_bytes = UINT64_MAX,
        .wal_bytes_most = UINT64_MAX,
        .wal_large_bytes = UINT64_MAX,
        .on_done = on_done,
    };
}

static void teardown(void) {
    rl_keeper_stop(keeper);
    sqlite3_close(db);
    sem_destroy(&done);
    store_files_remove(dir);
}

TestSuite(keeper, .init = setup, .fini = teardown);

static void start(void) {
    char error[512];
    cr_assert_eq(rl_keeper_start(&options, &keeper, error, sizeof error), RL_STORE_OK, "%s", error);
}

/* A fold as the store thread makes one. */
static void fold(void) {
    rl_keeper_gate_enter(keeper);
    store_sql_run(
        db, "INSERT INTO rl_key VALUES(NULL, 0, 1, NULL, hex(randomblob(16)), zeroblob(20000))");
    rl_keeper_gate_leave(keeper);
    rl_keeper_folded(keeper, ++folded, (uint64_t)wal_frames * 4120);
}

static rl_keeper_stats stats(void) {
    rl_keeper_stats s;
    rl_keeper_stats_read(keeper, &s);
    return s;
}

static void await_done(void) {
    while (sem_wait(&done) != 0) {}
}

static int64_t wal_size(void) {
    struct stat st;
    return stat(store_files_path(dir, "data.db-wal"), &st) == 0 ? (int64_t)st.st_size : 0;
}

/* Rows in the main file, the WAL left aside. */
static int64_t rows_in_main(void) {
    char *copy = store_files_make();
    store_files_copy(dir, copy);
    remove(store_files_path(copy, "data.db-wal"));
    sqlite3 *alone = store_sql_open(store_files_path(copy, "data.db"));
    bool made =
        store_sql_int(alone, "SELECT count(*) FROM sqlite_schema WHERE name = 'rl_key'") > 0;
    int64_t rows = made ? store_sql_int(alone, "SELECT count(*) FROM rl_key") : 0;
    sqlite3_close(alone);
    store_files_remove(copy);
    return rows;
}

Test(keeper, nothing_happens_unasked_before_its_time)
{
    start();
    fold();
    rl_keeper_poke(keeper);
    rl_keeper_stop(keeper);
    keeper = NULL;
    cr_assert_neq(sem_trywait(&done), 0);
    cr_assert_eq(rows_in_main(), 0);
}

Test(keeper, by_time_and_then_the_wal_is_emptied)
{
    options.interval_ms = 10;
    start();
    fold();
    do {
        await_done();
    } while (wal_size() > 0);
    cr_assert_eq(rows_in_main(), 1);
    cr_assert_eq(stats().wal_bytes, 0);
    cr_assert_eq(stats().failures, 0);
    cr_assert_gt(stats().last_wall_ms, 0);
    fold();
    do {
        await_done();
    } while (wal_size() > 0);
    cr_assert_eq(rows_in_main(), 2);
}

Test(keeper, by_size)
{
    options.wal_bytes = options.wal_bytes_most = 100000;
    start();
    uint64_t folds = 0;
    while (stats().wal_bytes <= options.wal_bytes) {
        cr_assert_eq(stats().done, 0);
        fold();
        folds++;
    }
    await_done();
    cr_assert_gt(folds, 1);
    cr_assert_eq(rows_in_main(), (int64_t)folds);
    cr_assert_gt(wal_size(), 0, "nobody was held up to empty it");
    cr_assert_eq(stats().db_bytes % 4096, 0);
    cr_assert_gt(stats().db_bytes, 20000 * folds);
}

Test(keeper, by_size_relative_to_the_database)
{
    options.wal_bytes = 1000;
    options.wal_bytes_most = 1000000;
    start();
    for (int i = 0; i < 20; i++)
        fold();
    uint64_t number = rl_keeper_request(keeper, folded);
    rl_keeper_poke(keeper);
    while (stats().done < number)
        await_done();
    fold(); /* the WAL begins anew; it may grow to the size of the database now */
    uint64_t db_bytes = stats().db_bytes;
    cr_assert_gt(db_bytes, 20 * 20000);
    cr_assert_lt(stats().wal_bytes, db_bytes);
    while (stats().wal_bytes <= db_bytes) {
        cr_assert_eq(stats().done, number);
        fold();
    }
    while (stats().done == number)
        await_done();
    cr_assert_eq(rows_in_main(), (int64_t)folded);
}

Test(keeper, a_very_large_wal_is_emptied_under_traffic)
{
    options.wal_bytes = options.wal_bytes_most = 100000;
    options.wal_large_bytes = 150000;
    start();
    for (int i = 0; i < 200 && (i < 20 || wal_size() > 0); i++) {
        fold();
        if (stats().wal_bytes > options.wal_large_bytes)
            store_files_await(&done, 20); /* a run that is done already may have done it */
    }
    cr_assert_eq(wal_size(), 0);
}

Test(keeper, when_asked_and_not_before_all_of_it_is_folded)
{
    start();
    fold();
    for (int round = 0; round < 20; round++) {
        uint64_t number = rl_keeper_request(keeper, folded + 2);
        cr_assert_eq(stats().wanted, number);
        rl_keeper_poke(keeper);
        fold();
        cr_assert_lt(stats().done, number);
        fold(); /* that was what it waits for */
        while (stats().done < number)
            await_done();
        cr_assert_eq(rows_in_main(), (int64_t)folded);
    }
}

Test(keeper, goes_on_by_time_while_what_was_asked_for_cannot_be_folded)
{
    options.interval_ms = 5;
    start();
    fold();
    uint64_t number = rl_keeper_request(keeper, folded + 2);
    rl_keeper_poke(keeper);
    fold();
    while (rows_in_main() < 2)
        await_done();
    cr_assert_lt(stats().done, number);
    fold();
    while (stats().done < number)
        await_done();
    cr_assert_eq(rows_in_main(), 3);
}

Test(keeper, stops_while_it_waits_for_a_fold)
{
    start();
    fold();
    rl_keeper_request(keeper, 1000);
    rl_keeper_poke(keeper);
    rl_keeper_stop(keeper);
    keeper = NULL;
}

Test(keeper, a_reader_keeps_the_wal_but_not_the_keeper)
{
    options.interval_ms = 5;
    start();
    fold();
    sqlite3 *reader = store_sql_open(path);
    store_sql_run(reader, "BEGIN");
    int64_t before = store_sql_int(reader, "SELECT count(*) FROM rl_key");
    fold();
    for (int i = 0; i < 5; i++)
        await_done();
    cr_assert_gt(wal_size(), 0);
    cr_assert_eq(stats().failures, 0);
    cr_assert_eq(store_sql_int(reader, "SELECT count(*) FROM rl_key"), before);
    store_sql_run(reader, "COMMIT");
    do {
        await_done();
    } while (wal_size() > 0);
    cr_assert_eq(rows_in_main(), 2);
    sqlite3_close(reader);
}

static void reopen_on_faulty_files(void) {
    sqlite3_close(db);
    faulty_vfs_install();
    char error[512];
    rl_schema_meta meta;
    cr_assert_eq(rl_schema_open(path, &db, &meta, error, sizeof error), RL_STORE_OK, "%s", error);
    sqlite3_wal_hook(db, on_wal, NULL);
}

Test(keeper, an_error_is_counted_and_what_was_asked_for_comes_later)
{
    reopen_on_faulty_files();
    start();
    fold();
    faulty_vfs_fail(EIO);
    uint64_t number = rl_keeper_request(keeper, folded);
    do {
        rl_keeper_poke(keeper); /* it would try again in a second; a poke makes it try now */
    } while (stats().failures < 2);
    cr_assert_lt(stats().done, number);
    faulty_vfs_heal();
    rl_keeper_poke(keeper);
    while (stats().done < number)
        await_done();
    cr_assert_eq(rows_in_main(), 1);
}
