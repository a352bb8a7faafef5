/* SPDX-License-Identifier: MIT */
/* The sweeper: the elements of dead collections go, in short slices, and nothing else does. */
#include "store/sweep.h"

#include <criterion/criterion.h>
#include <semaphore.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "lib/store_files.h"
#include "store/store.h"

static char *dir;
static char path[1024];
static sqlite3 *db;
static rl_schema_meta meta;
static rl_sweep *sweep;
static char error[512];

static void open_file(void) {
    cr_assert_eq(rl_schema_open(path, &db, &meta, error, sizeof error), RL_STORE_OK, "%s", error);
    cr_assert_eq(rl_sweep_create(db, &meta, &sweep), SQLITE_OK);
}

static void close_file(void) {
    rl_sweep_free(sweep);
    cr_assert_eq(sqlite3_close(db), SQLITE_OK);
    sweep = NULL;
    db = NULL;
}

static void setup(void) {
    dir = store_files_make();
    snprintf(path, sizeof path, "%s/data.db", dir);
    open_file();
}

static void teardown(void) {
    if (db)
        close_file();
    store_files_remove(dir);
}

TestSuite(sweep, .init = setup, .fini = teardown, .timeout = 120);

/* So many elements for an id, in the table of its type. */
static void fill(int id, int type, int count) {
    static const struct {
        const char *table, *columns;
    } tables[] = {
        [RL_TYPE_LIST] = {"rl_list", "i, 'v'"},
        [RL_TYPE_SET] = {"rl_set", "'m' || i"},
        [RL_TYPE_ZSET] = {"rl_zset", "'m' || i, i"},
        [RL_TYPE_HASH] = {"rl_hash", "'f' || i, 'v', NULL"},
    };
    store_sql_run(db,
                  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
                  " INSERT INTO %s SELECT %d, %s FROM n",
                  count, tables[type].table, id, tables[type].columns);
}

static void bury(int id, int type) {
    store_sql_run(db, "INSERT INTO rl_dead VALUES(%d, %d)", id, type);
    meta.dead++;
}

static int64_t left(int id) {
    return store_sql_int(db,
                         "SELECT (SELECT count(*) FROM rl_list WHERE key_id = %d)"
                         " + (SELECT count(*) FROM rl_set WHERE key_id = %d)"
                         " + (SELECT count(*) FROM rl_zset WHERE key_id = %d)"
                         " + (SELECT count(*) FROM rl_hash WHERE key_id = %d)",
                         id, id, id, id);
}

/* Sweeps until nothing is left; returns how many rows went. */
static uint64_t sweep_all(int *slices) {
    uint64_t all = 0;
    for (*slices = 0; meta.dead; ++*slices) {
        uint64_t rows;
        cr_assert_lt(*slices, 10000);
        cr_assert_eq(rl_sweep_slice(sweep, &rows), SQLITE_OK, "%s", sqlite3_errmsg(db));
        cr_assert_lt(rows, 2000 + 128);
        all += rows;
    }
    return all;
}

Test(sweep, each_type_goes_in_slices_and_the_living_stay)
{
    for (int type = RL_TYPE_LIST; type <= RL_TYPE_HASH; type++) {
        store_sql_run(db, "INSERT INTO rl_key VALUES(%d, 0, %d, NULL, 'k%d', NULL)", 10 * type,
                      type, type);
        fill(10 * type, type, 300);
        fill(10 * type + 1, type, 5000 + type);
        bury(10 * type + 1, type);
    }
    int slices;
    cr_assert_eq(sweep_all(&slices), 4 * 5000 + 2 + 3 + 4 + 5);
    cr_assert_geq(slices, 10);
    for (int type = RL_TYPE_LIST; type <= RL_TYPE_HASH; type++) {
        cr_assert_eq(left(10 * type), 300);
        cr_assert_eq(left(10 * type + 1), 0);
    }
    cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM rl_dead"), 0);
}

Test(sweep, sizes_around_a_step)
{
    static const int counts[] = {0, 1, 127, 128, 129, 255, 256, 257};
    int slices;
    uint64_t all = 0;
    for (int i = 0; i < 8; i++) {
        fill(i + 1, RL_TYPE_SET, counts[i]);
        if (counts[i] == 0) /* the recursion gives one row at least */
            store_sql_run(db, "DELETE FROM rl_set WHERE key_id = %d", i + 1);
        bury(i + 1, RL_TYPE_SET);
        all += (uint64_t)counts[i];
    }
    int64_t from_us = rl_clock_mono_us();
    cr_assert_eq(sweep_all(&slices), all);
    int64_t took_us = rl_clock_mono_us() - from_us;
    cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM rl_set"), 0);
    /* Few rows: a slice ends before all is done only when its time is over. */
    cr_assert_geq(took_us, (slices - 1) * RL_SWEEP_SLICE_MS * 1000, "%d slices in %ld us", slices,
                  (long)took_us);
}

Test(sweep, what_a_stop_leaves_is_swept_after_the_next_start)
{
    fill(1, RL_TYPE_HASH, 9000);
    bury(1, RL_TYPE_HASH);
    uint64_t rows;
    cr_assert_eq(rl_sweep_slice(sweep, &rows), SQLITE_OK);
    cr_assert(rows > 0 && rows < 9000);
    close_file();
    open_file();
    cr_assert_eq(meta.dead, 1);
    cr_assert_eq(meta.next_id, 2);
    int slices;
    cr_assert_eq(sweep_all(&slices), 9000 - rows);
}

Test(sweep, what_others_wrote_into_rl_dead)
{
    store_sql_run(db, "INSERT INTO rl_key VALUES(7, 0, 5, NULL, 'alive', NULL)");
    fill(7, RL_TYPE_HASH, 10);
    bury(7, RL_TYPE_HASH); /* a living key */
    bury(8, RL_TYPE_STREAM);
    bury(9, 77);
    bury(-3, RL_TYPE_STRING);
    meta.dead = 1; /* what is counted need not be what is there */
    int slices;
    cr_assert_eq(sweep_all(&slices), 0);
    cr_assert_eq(left(7), 10);
    cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM rl_dead"), 0);
}

Test(sweep, another_program_that_writes_is_not_waited_for)
{
    fill(1, RL_TYPE_SET, 10);
    bury(1, RL_TYPE_SET);
    sqlite3 *other = store_sql_open(path);
    store_sql_run(other, "BEGIN IMMEDIATE");
    struct timespec a, b;
    uint64_t rows;
    clock_gettime(CLOCK_MONOTONIC, &a);
    cr_assert_eq(rl_sweep_slice(sweep, &rows), SQLITE_BUSY);
    clock_gettime(CLOCK_MONOTONIC, &b);
    cr_assert_lt(b.tv_sec - a.tv_sec, 2);
    cr_assert_eq(meta.dead, 1);
    store_sql_run(other, "COMMIT");
    sqlite3_close(other);
    int slices;
    cr_assert_eq(sweep_all(&slices), 10);
}

/* --- in the store ----------------------------------------------------------------------------- */

static sem_t notified;

static void on_notify(void *arg) {
    (void)arg;
    sem_post(&notified);
}

static rl_store *start_store(void) {
    rl_store *store;
    rl_store_options options = store_files_options(dir);
    options.notify = on_notify;
    rl_store_loading loading = {.on_row = NULL};
    sem_init(&notified, 0, 0);
    cr_assert_eq(rl_store_open(&options, &store, error, sizeof error), RL_STORE_OK, "%s", error);
    cr_assert_eq(rl_store_load(store, &loading, error, sizeof error), RL_STORE_OK, "%s", error);
    cr_assert_eq(rl_store_start(store, error, sizeof error), RL_STORE_OK, "%s", error);
    return store;
}

static void stop_store(rl_store *store) {
    cr_assert_eq(rl_store_close(store, true), RL_STORE_OK);
    sem_destroy(&notified);
    open_file();
}

static rl_store_stats wait_swept(rl_store *store, uint64_t rows) {
    for (;;) {
        rl_store_stats stats;
        rl_store_stats_read(store, &stats);
        if (stats.swept_rows >= rows)
            return stats;
        store_files_await(&notified, 2); /* slices are not announced */
        rl_store_collect(store);
    }
}

static void wait_folded(rl_store *store, uint64_t seq) {
    for (;;) {
        rl_store_progress progress;
        rl_store_collect(store);
        rl_store_progress_read(store, &progress);
        if (progress.folded_seq >= seq)
            return;
        store_files_await(&notified, 10);
    }
}

/* Appends a batch with one key and has it folded. */
static void fold_a_key(rl_store *store, rl_batch_builder *builder, uint64_t id) {
    char name[32];
    int len = snprintf(name, sizeof name, "k%lu", (unsigned long)id);
    uint64_t seq = rl_store_last_seq(store) + 1;
    rl_batch_key(builder, id, 0, RL_TYPE_STRING, RL_NEVER, rl_bytes_of(name, (size_t)len),
                 RL_BYTES("v"));
    rl_store_append(store, rl_batch_seal(builder, seq));
    rl_store_fold_soon(store);
    wait_folded(store, seq);
}

Test(sweep, the_store_thread_sweeps_by_itself_and_folds_in_between)
{
    enum { FOLDS = 50, HASH = 180000, ZSET = 120000 };
    fill(1, RL_TYPE_HASH, HASH);
    bury(1, RL_TYPE_HASH);
    fill(2, RL_TYPE_ZSET, ZSET);
    bury(2, RL_TYPE_ZSET);
    close_file();
    rl_store *store = start_store();
    rl_batch_builder *builder = rl_batch_builder_create();
    uint64_t id = rl_store_next_id(store);
    int in_between = 0; /* folds that were done with rows swept before them, and rows left behind */
    cr_assert_eq(id, 3);
    rl_store_stats stats = wait_swept(store, 1);
    for (int i = 0; i < FOLDS; i++) {
        fold_a_key(store, builder, id++);
        rl_store_stats_read(store, &stats);
        in_between += stats.dead_collections > 0;
    }
    cr_assert_gt(in_between, 0);
    stats = wait_swept(store, HASH + ZSET);
    cr_assert_eq(stats.swept_rows, HASH + ZSET);
    cr_assert_eq(stats.fold_failures, 0);
    rl_batch_builder_free(builder);
    stop_store(store);
    cr_assert_eq(left(1) + left(2), 0);
    cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM rl_key"), FOLDS);
    cr_assert_eq(meta.dead, 0);
    cr_assert_str_eq(store_sql_text(db, "PRAGMA integrity_check"), "ok");
}

Test(sweep, a_stop_does_not_wait_for_the_sweeper)
{
    fill(1, RL_TYPE_LIST, 300000);
    bury(1, RL_TYPE_LIST);
    close_file();
    rl_store *store = start_store();
    wait_swept(store, 1);
    stop_store(store);
    cr_assert_eq(meta.dead, 1);
    cr_assert_gt(left(1), 0);
    cr_assert_lt(left(1), 300000);
}
