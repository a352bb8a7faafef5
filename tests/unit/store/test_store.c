/* SPDX-License-Identifier: MIT */
/*
 * The store as a whole: what was handed over is there again after a clean stop, a kill (the
 * directory is copied while the store has it open) and a time of failing disks; and others can read
 * along.
 */
#include "store/store.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "lib/faulty_files.h"
#include "lib/faulty_vfs.h"
#include "lib/store_files.h"
#include "store/schema.h"

static char *dir;
static rl_store *store;
static rl_store_options options;
static rl_batch_builder *builder;
static sem_t notified;
static uint64_t seq, next_id;
static char error[1024];

static void on_notify(void *arg) {
    (void)arg;
    sem_post(&notified);
}

static void setup(void) {
    dir = store_files_make();
    builder = rl_batch_builder_create();
    sem_init(&notified, 0, 0);
    store = NULL;
    options = store_files_options(dir);
    options.notify = on_notify;
}

static void teardown(void) {
    rl_store_close(store, false);
    rl_batch_builder_free(builder);
    sem_destroy(&notified);
    store_files_remove(dir);
}

TestSuite(store, .init = setup, .fini = teardown);

/* --- tools ----------------------------------------------------------------------------------- */

typedef struct loaded {
    uint64_t rows;
    uint64_t last_id;
    char text[4096]; /* "key=value " of each row, while it fits */
} loaded;

static void on_row(void *arg, const rl_store_row *row) {
    loaded *l = arg;
    cr_assert_gt(row->id, l->last_id);
    l->last_id = row->id;
    l->rows++;
    size_t at = strlen(l->text);
    if (at + row->key.len + row->value.len + 3 < sizeof l->text)
        snprintf(l->text + at, sizeof l->text - at, "%.*s=%.*s ", (int)row->key.len, row->key.ptr,
                 (int)row->value.len, row->value.ptr);
}

static loaded rows; /* what the last open found */

static void open_store(void) {
    int code = rl_store_open(&options, &store, error, sizeof error);
    cr_assert_eq(code, RL_STORE_OK, "%s", error);
    memset(&rows, 0, sizeof rows);
    cr_assert_eq(rl_store_load(store, &(rl_store_loading){.on_row = on_row, .arg = &rows}, error,
                               sizeof error),
                 RL_STORE_OK, "%s", error);
    seq = rl_store_last_seq(store);
    next_id = rl_store_next_id(store);
    cr_assert_eq(rl_store_key_count(store), rows.rows);
}

static void start_store(void) {
    open_store();
    cr_assert_eq(rl_store_start(store, error, sizeof error), RL_STORE_OK, "%s", error);
}

static void close_store(bool fold) {
    cr_assert_eq(rl_store_close(store, fold), RL_STORE_OK);
    store = NULL;
}

static rl_store_progress progress(void) {
    rl_store_progress p;
    rl_store_progress_read(store, &p);
    cr_assert_leq(p.folded_seq, p.synced_seq);
    cr_assert_leq(p.synced_seq, p.appended_seq);
    cr_assert_leq(p.released_seq, seq);
    return p;
}

/* Turns the loop until `condition` (of p) holds. */
#define WAIT_UNTIL(condition)                                                                      \
    do {                                                                                           \
        rl_store_collect(store);                                                                   \
        rl_store_progress p = progress();                                                          \
        if (condition)                                                                             \
            break;                                                                                 \
        turn();                                                                                    \
    } while (1)

/* One turn: waits for a notification, and for a while only, as the server's timer does. */
static void turn(void) {
    store_files_await(&notified, 50);
}

static void append(void) {
    rl_store_append(store, rl_batch_seal(builder, ++seq));
}

static uint64_t put(const char *key, const char *value) {
    rl_batch_key(builder, next_id, 0, RL_TYPE_STRING, RL_NEVER, rl_bytes_text(key),
                 rl_bytes_text(value));
    return next_id++;
}

/* One batch with one new key. */
static uint64_t put_batch(const char *key, const char *value) {
    uint64_t id = put(key, value);
    append();
    return id;
}

static void put_many(int count, size_t value_len) {
    char key[32];
    char *value = rl_malloc(value_len + 1);
    memset(value, 'v', value_len);
    value[value_len] = 0;
    for (int i = 0; i < count; i++) {
        snprintf(key, sizeof key, "key:%llu", (unsigned long long)next_id);
        put_batch(key, value);
        rl_store_collect(store);
    }
    rl_free(value);
}

static void fold_now(void) {
    rl_store_fold_soon(store);
    WAIT_UNTIL(p.folded_seq == seq);
}

/* Goes on with a copy of the directory as it is now: what a killed server leaves. */
static void kill_and_reopen(void) {
    WAIT_UNTIL(p.released_seq == seq); /* the journal may have wanted a segment first */
    char *copy = store_files_make();
    store_files_copy(dir, copy);
    rl_store_close(store, false);
    store = NULL;
    store_files_remove(dir);
    options.dir = dir = copy;
    uint64_t last = seq;
    start_store();
    cr_assert_leq(seq, last);
}

/* --- open and close -------------------------------------------------------------------------- */

Test(store, a_new_directory_is_empty)
{
    start_store();
    cr_assert_eq(rows.rows, 0);
    cr_assert_eq(seq, 0);
    cr_assert_eq(next_id, 1);
    cr_assert_eq(rl_store_replayed(store), 0);
    rl_store_progress p = progress();
    cr_assert_eq(p.backlog_bytes, 0);
    cr_assert_not(p.failed);
    cr_assert_not(p.over_limit);
    cr_assert_str_eq(rl_store_failure(store), "");
}

Test(store, a_clean_stop_leaves_all_in_the_database_and_nothing_in_the_journal)
{
    start_store();
    put_batch("a", "1");
    uint64_t id = put_batch("b", "2");
    rl_batch_value(builder, id, RL_NEVER, RL_BYTES("two"));
    append();
    close_store(true);
    struct stat st;
    cr_assert_neq(stat(store_files_path(dir, "data.db-wal"), &st), 0, "the WAL is gone");
    sqlite3 *db = store_sql_open(store_files_path(dir, "data.db"));
    cr_assert_str_eq(store_sql_text(db, "SELECT group_concat(key || value) FROM strings"),
                     "a1,btwo");
    sqlite3_close(db);
    start_store();
    cr_assert_eq(rl_store_replayed(store), 0);
    cr_assert_str_eq(rows.text, "a=1 b=two ");
    cr_assert_eq(seq, 3);
    cr_assert_eq(next_id, 3);
}

Test(store, a_stop_without_a_fold_leaves_it_to_the_journal)
{
    start_store();
    put_batch("a", "1");
    put_batch("b", "2");
    close_store(false);
    start_store();
    cr_assert_eq(rl_store_replayed(store), 2);
    cr_assert_str_eq(rows.text, "a=1 b=2 ");
    cr_assert_eq(seq, 2);
    cr_assert_eq(progress().folded_seq, 2);
}

Test(store, a_store_that_was_opened_and_not_started_can_be_closed)
{
    start_store();
    put_batch("a", "1");
    close_store(false);
    open_store();
    close_store(true);
    open_store();
    cr_assert_str_eq(rows.text, "a=1 ");
    close_store(false);
    rl_store_close(NULL, true);
}

Test(store, a_second_server_is_refused)
{
    start_store();
    rl_store *other = NULL;
    cr_assert_eq(rl_store_open(&options, &other, error, sizeof error), RL_STORE_LOCKED);
    cr_assert_null(other);
    cr_assert_gt(strlen(error), 0);
}

Test(store, odd_options_are_refused)
{
    static const char *const names[] = {
        "", "..", "a/b", "/tmp/x", "journal", "rubellite.lock", ":memory:"};
    rl_store *none = NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        options.dbfilename = names[i];
        cr_assert_eq(rl_store_open(&options, &none, error, sizeof error), RL_STORE_REFUSED, "%s",
                     names[i]);
        cr_assert(strstr(error, "dbfilename") != NULL);
    }
    options.dbfilename = "data.db";
    options.dir = "/nonexistent-rubellite";
    cr_assert_eq(rl_store_open(&options, &none, error, sizeof error), RL_STORE_IO);
    cr_assert(strstr(error, "/nonexistent-rubellite") != NULL);
    cr_assert_null(none);
}

Test(store, a_newer_or_damaged_database_is_refused_and_the_lock_given_back)
{
    start_store();
    close_store(true);
    const char *path = store_files_path(dir, "data.db");
    sqlite3 *db = store_sql_open(path);
    store_sql_run(db, "PRAGMA user_version = 99");
    sqlite3_close(db);
    cr_assert_eq(rl_store_open(&options, &store, error, sizeof error), RL_STORE_NEWER);
    store_files_damage(path, 0, "garbage", 7);
    cr_assert_eq(rl_store_open(&options, &store, error, sizeof error), RL_STORE_DAMAGED);
    cr_assert_eq(remove(path), 0);
    start_store();
}

/* --- after a kill ---------------------------------------------------------------------------- */

Test(store, what_was_journaled_survives_a_kill)
{
    start_store();
    put_many(100, 10);
    cr_assert_eq(progress().released_seq, 100);
    cr_assert_eq(progress().folded_seq, 0);
    kill_and_reopen();
    cr_assert_eq(rows.rows, 100);
    cr_assert_eq(seq, 100);
    cr_assert_eq(rl_store_replayed(store), 100);
    cr_assert_eq(next_id, 101);
}

Test(store, a_kill_after_some_folds_replays_the_rest)
{
    start_store();
    put_many(50, 10);
    fold_now();
    put_many(50, 2000); /* over several segments */
    kill_and_reopen();
    cr_assert_eq(rows.rows, 100);
    cr_assert_eq(rl_store_replayed(store), 50);
    put_many(20, 10);
    kill_and_reopen();
    cr_assert_eq(rows.rows, 120);
    cr_assert_eq(rl_store_replayed(store), 20);
}

Test(store, without_a_journal_a_kill_goes_back_to_the_last_fold)
{
    options.durability = RL_DURABILITY_NONE;
    start_store();
    put_many(10, 10);
    cr_assert_eq(progress().released_seq, 10);
    fold_now();
    put_many(10, 10);
    cr_assert_eq(progress().released_seq, 20);
    cr_assert_eq(progress().synced_seq, 10);
    kill_and_reopen();
    cr_assert_eq(rows.rows, 10);
    cr_assert_eq(seq, 10);
    put_many(5, 10);
    close_store(true);
    start_store();
    cr_assert_eq(rows.rows, 15);
}

Test(store, a_journal_of_another_database_is_refused)
{
    start_store();
    put_batch("a", "1");
    close_store(false);
    char *other = store_files_make();
    options.dir = other;
    start_store();
    put_batch("b", "2");
    close_store(true);
    /* their journal, our database */
    cr_assert_eq(rename(store_files_path(other, "data.db"), store_files_path(dir, "data.db")), 0);
    remove(store_files_path(dir, "data.db-wal"));
    remove(store_files_path(dir, "data.db-shm"));
    store_files_remove(other);
    options.dir = dir;
    cr_assert_eq(rl_store_open(&options, &store, error, sizeof error), RL_STORE_REFUSED);
    cr_assert(strstr(error, "another database") != NULL, "%s", error);
}

static void move_database(const char *from, const char *to) {
    char *source = rl_strdup(store_files_path(dir, from));
    cr_assert_eq(rename(source, store_files_path(dir, to)), 0);
    rl_free(source);
}

Test(store, a_refused_open_leaves_no_database_behind)
{
    start_store();
    put_batch("a", "1");
    close_store(false); /* the journal still holds it */
    move_database("data.db", "aside.db");
    if (access(store_files_path(dir, "data.db-wal"), F_OK) == 0) {
        /* Its WAL alone is not to be lost either. */
        cr_assert_eq(rl_store_open(&options, &store, error, sizeof error), RL_STORE_DAMAGED);
        cr_assert_eq(access(store_files_path(dir, "data.db-wal"), F_OK), 0);
        move_database("data.db-wal", "aside.db-wal");
    }
    cr_assert_eq(rl_store_open(&options, &store, error, sizeof error), RL_STORE_REFUSED);
    cr_assert_neq(access(store_files_path(dir, "data.db"), F_OK), 0);
    cr_assert_neq(access(store_files_path(dir, "data.db-wal"), F_OK), 0);
    /* The right one is put back, and nothing is lost. */
    move_database("aside.db", "data.db");
    if (access(store_files_path(dir, "aside.db-wal"), F_OK) == 0)
        move_database("aside.db-wal", "data.db-wal");
    start_store();
    cr_assert_eq(rows.rows, 1);
}

Test(store, a_journal_with_a_hole_is_refused)
{
    options.durability = RL_DURABILITY_ALWAYS;
    start_store();
    put_many(20, 20000); /* several segments of 64 KiB */
    WAIT_UNTIL(p.released_seq == seq);
    close_store(false);
    cr_assert_eq(remove(store_files_path(dir, "journal/00000002.journal")), 0);
    cr_assert_eq(rl_store_open(&options, &store, error, sizeof error), RL_STORE_DAMAGED);
    cr_assert(strstr(error, "damaged") != NULL, "%s", error);
}

/* Frames beyond a hole that were never synced are dropped. Their numbers are given again, so they
 * must not come back, not even when the server goes on without a journal. */
Test(store, what_recovery_dropped_never_comes_back)
{
    options.durability = RL_DURABILITY_NO;
    start_store();
    put_many(20, 20000); /* three in a segment of 64 KiB */
    WAIT_UNTIL(p.released_seq == seq);
    char *copy = store_files_make();
    store_files_copy(dir, copy);
    rl_store_close(store, false);
    store = NULL;
    store_files_remove(dir);
    options.dir = dir = copy;
    cr_assert_eq(remove(store_files_path(dir, "journal/00000002.journal")), 0);
    options.durability = RL_DURABILITY_NONE;
    start_store();
    cr_assert_eq(seq, 3);
    put_many(3, 10); /* up to the first of those that were dropped */
    fold_now();
    kill_and_reopen();
    cr_assert_eq(seq, 6);
    cr_assert_eq(rows.rows, 6);
}

/* --- progress -------------------------------------------------------------------------------- */

Test(store, always_releases_what_is_synced)
{
    options.durability = RL_DURABILITY_ALWAYS;
    start_store();
    put_many(30, 10);
    WAIT_UNTIL(p.released_seq == seq);
    cr_assert_eq(progress().synced_seq, seq);
    kill_and_reopen();
    cr_assert_eq(rows.rows, 30);
}

Test(store, everysec_and_no_release_what_is_appended_and_sync_on_request)
{
    options.durability = RL_DURABILITY_NO;
    start_store();
    put_many(3, 10);
    cr_assert_eq(progress().released_seq, 3);
    rl_store_sync_soon(store);
    WAIT_UNTIL(p.synced_seq == 3);
    cr_assert_eq(progress().folded_seq, 0);
}

Test(store, sync_soon_without_a_journal_folds)
{
    options.durability = RL_DURABILITY_NONE;
    start_store();
    put_many(3, 10);
    rl_store_sync_soon(store);
    WAIT_UNTIL(p.synced_seq == 3);
    cr_assert_eq(progress().folded_seq, 3);
}

Test(store, folds_by_time)
{
    options.fold_interval_ms = 20;
    start_store();
    put_batch("a", "1");
    WAIT_UNTIL(p.folded_seq == 1);
    put_batch("b", "1");
    WAIT_UNTIL(p.folded_seq == 2);
    rl_store_set_fold_interval(store, STORE_FILES_NEVER_MS);
    put_batch("c", "1");
    rl_store_set_fold_interval(store, 10);
    WAIT_UNTIL(p.folded_seq == 3);
    rl_store_stats stats;
    rl_store_stats_read(store, &stats);
    cr_assert_geq(stats.folds, 3);
    cr_assert_eq(stats.folded_batches, 3);
    cr_assert_eq(stats.folded_rows, 3);
    cr_assert_eq(stats.fold_failures, 0);
    cr_assert_gt(stats.last_fold_wall_ms, 0);
}

Test(store, a_large_backlog_folds_before_its_time_and_over_the_limit_is_said)
{
    options.backlog_limit_bytes = 1 << 20;
    options.segment_bytes = 4 << 20;
    start_store();
    bool over = false;
    for (int i = 0; i < 400; i++) { /* 40 MB of values through a backlog of 1 MB */
        put_many(1, 100000);
        rl_store_progress p = progress();
        over |= p.over_limit;
        cr_assert_eq(p.over_limit, p.backlog_bytes > options.backlog_limit_bytes);
        if (p.over_limit)
            WAIT_UNTIL(!p.over_limit);
    }
    cr_assert(over);
    fold_now();
    cr_assert_eq(progress().backlog_bytes, 0);
    close_store(true);
    open_store();
    cr_assert_eq(rows.rows, 400);
}

Test(store, a_checkpoint_that_was_asked_for_brings_all_into_the_database)
{
    start_store();
    for (int round = 0; round < 5; round++) {
        put_many(20, 100);
        uint64_t number = rl_store_checkpoint_soon(store);
        rl_store_stats stats;
        for (;;) {
            rl_store_stats_read(store, &stats);
            cr_assert_eq(stats.checkpoints_wanted, number);
            if (stats.checkpoints_done >= number)
                break;
            turn();
            rl_store_collect(store);
        }
        cr_assert_eq(progress().folded_seq, seq);
        cr_assert_eq(stats.checkpoint_failures, 0);
        cr_assert_gt(stats.db_bytes, 0);
        /* the main file alone, without the WAL, has every row */
        char *copy = store_files_make();
        store_files_copy(dir, copy);
        remove(store_files_path(copy, "data.db-wal"));
        sqlite3 *db = store_sql_open(store_files_path(copy, "data.db"));
        cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM keys"), (round + 1) * 20);
        sqlite3_close(db);
        store_files_remove(copy);
    }
}

/* The writer then stands on an empty batch that the loop put in its place. */
Test(store, the_queue_stays_whole_when_a_large_last_batch_is_let_go)
{
    start_store();
    for (int i = 0; i < 3; i++) {
        put_many(1, 8 << 20);
        fold_now();
        for (int turns = 0; turns < 3; turns++) {
            rl_store_collect(store);
            turn();
        }
    }
    cr_assert_eq(progress().backlog_bytes, 0);
    put_batch("b", "2");
    kill_and_reopen();
    cr_assert_eq(rows.rows, 4);
    cr_assert_eq(rl_store_replayed(store), 1);
}

/* --- durability while running ---------------------------------------------------------------- */

Test(store, durability_can_be_switched_at_any_time)
{
    static const rl_durability steps[] = {
        RL_DURABILITY_NONE,     RL_DURABILITY_ALWAYS,   RL_DURABILITY_NONE,
        RL_DURABILITY_NO,       RL_DURABILITY_EVERYSEC, RL_DURABILITY_ALWAYS,
        RL_DURABILITY_EVERYSEC, RL_DURABILITY_NONE,     RL_DURABILITY_ALWAYS,
    };
    options.durability = steps[0];
    start_store();
    uint64_t released = 0;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        rl_store_set_durability(store, steps[i]);
        cr_assert_geq(progress().released_seq, released, "what was answered stays answered");
        put_many(40, 500);
        if (i % 3 == 1)
            fold_now();
        put_many(40, 500);
        if (steps[i] == RL_DURABILITY_ALWAYS)
            WAIT_UNTIL(p.released_seq == seq);
        released = progress().released_seq;
    }
    kill_and_reopen();
    cr_assert_eq(rows.rows, 80 * sizeof steps / sizeof steps[0]);
}

Test(store, a_journal_switched_on_goes_on_where_the_folds_are)
{
    options.durability = RL_DURABILITY_NONE;
    start_store();
    put_many(10, 10);
    fold_now();
    put_many(10, 10); /* neither folded nor journaled when the switch comes */
    rl_store_set_durability(store, RL_DURABILITY_EVERYSEC);
    put_many(10, 10);
    WAIT_UNTIL(p.appended_seq == seq);
    cr_assert_eq(progress().folded_seq, 10);
    kill_and_reopen();
    cr_assert_eq(rows.rows, 30);
    cr_assert_eq(rl_store_replayed(store), 20);
}

Test(store, a_journal_switched_off_and_on_jumps_over_what_was_folded)
{
    start_store();
    put_many(10, 10);
    rl_store_set_durability(store, RL_DURABILITY_NONE);
    put_many(10, 10);
    fold_now();
    rl_store_set_durability(store, RL_DURABILITY_EVERYSEC);
    put_many(10, 10);
    WAIT_UNTIL(p.appended_seq == seq);
    kill_and_reopen();
    cr_assert_eq(rows.rows, 30);
    cr_assert_eq(rl_store_replayed(store), 10);
}

Test(store, going_without_a_journal_folds_what_it_held)
{
    start_store();
    put_many(10, 10);
    rl_store_set_durability(store, RL_DURABILITY_NONE);
    WAIT_UNTIL(p.folded_seq == 10);
}

/* --- failing disks --------------------------------------------------------------------------- */

TestSuite(store_faults, .init = setup, .fini = teardown);

/* SQLite writes through a file system that fails; the journal is on the real one. */
Test(store_faults, folds_go_on_once_the_database_takes_writes_again)
{
    faulty_vfs_install();
    start_store();
    put_many(10, 100);
    fold_now();
    faulty_vfs_fail(ENOSPC);
    put_many(10, 100);
    rl_store_fold_soon(store);
    rl_store_stats stats;
    do {
        turn();
        rl_store_collect(store);
        rl_store_stats_read(store, &stats);
    } while (stats.fold_failures < 3);
    rl_store_progress p = progress();
    cr_assert_eq(p.folded_seq, 10);
    cr_assert_eq(p.released_seq, 20, "the journal has them");
    cr_assert_not(p.failed, "there is room in the backlog");
    cr_assert(strstr(rl_store_failure(store), "folding") != NULL, "%s", rl_store_failure(store));
    rl_store_set_backlog_limit(store, 100);
    p = progress();
    cr_assert(p.over_limit);
    cr_assert(p.failed);
    faulty_vfs_heal();
    WAIT_UNTIL(p.folded_seq == seq);
    cr_assert_not(progress().failed);
    cr_assert_str_eq(rl_store_failure(store), "");
    close_store(true);
    open_store();
    cr_assert_eq(rows.rows, 20);
}

Test(store_faults, a_stop_that_cannot_fold_leaves_it_to_the_journal)
{
    faulty_vfs_install();
    start_store();
    put_many(10, 100);
    faulty_vfs_fail(EIO);
    cr_assert_neq(rl_store_close(store, true), RL_STORE_OK);
    store = NULL;
    faulty_vfs_heal();
    start_store();
    cr_assert_eq(rows.rows, 10);
    cr_assert_eq(rl_store_replayed(store), 10);
}

Test(store_faults, writes_that_fail_at_every_place_lose_nothing)
{
    faulty_vfs_install();
    options.fold_interval_ms = 5;
    start_store();
    uint64_t total = 0;
    for (uint64_t nth = 1; nth <= 60; nth++) {
        faulty_vfs_fail_once(nth);
        put_many(5, 3000);
        total += 5;
        if (nth % 4 == 0)
            rl_store_checkpoint_soon(store);
        fold_now();
    }
    faulty_vfs_heal();
    close_store(true);
    open_store();
    cr_assert_eq(rows.rows, total);
    sqlite3 *db = store_sql_open(store_files_path(dir, "data.db"));
    cr_assert_str_eq(store_sql_text(db, "PRAGMA integrity_check"), "ok");
    sqlite3_close(db);
}

/* The journal is on a file system in memory that fails; the database on the real one. */
static void setup_journal(void) {
    setup();
    faulty_files_start();
}

static void teardown_journal(void) {
    teardown();
    faulty_files_stop();
}

TestSuite(store_journal, .init = setup_journal, .fini = teardown_journal);

/* The journal as a kill leaves it, and the database as it is. */
static void kill_both(void) {
    WAIT_UNTIL(p.released_seq == seq);
    char *copy = store_files_make();
    store_files_copy(dir, copy);
    faulty_disk_crash(FAULTY_KILLED, 1);
    rl_store_close(store, false);
    store = NULL;
    faulty_disk_restart();
    /* the same path, since the files in memory go by it */
    remove(store_files_path(dir, "data.db-shm"));
    store_files_copy(copy, dir);
    store_files_remove(copy);
    start_store();
}

Test(store_journal, a_journal_that_fails_is_said_and_made_anew)
{
    options.durability = RL_DURABILITY_ALWAYS;
    start_store();
    put_many(5, 100);
    WAIT_UNTIL(p.released_seq == seq);
    faulty_files_fail_only("write", 1, ENOSPC, true);
    put_many(5, 100);
    WAIT_UNTIL(p.failed);
    cr_assert_lt(progress().released_seq, 6);
    cr_assert(strstr(rl_store_failure(store), "No space left") != NULL, "%s",
              rl_store_failure(store));
    put_many(5, 100);
    faulty_files_heal();
    WAIT_UNTIL(!p.failed && p.released_seq == seq);
    put_many(5, 100);
    WAIT_UNTIL(p.released_seq == seq);
    kill_both();
    cr_assert_eq(rows.rows, 20);
}

Test(store_journal, a_sync_that_fails_is_not_believed_the_second_time)
{
    options.durability = RL_DURABILITY_ALWAYS;
    start_store();
    put_many(5, 100);
    WAIT_UNTIL(p.released_seq == seq);
    rl_store_stats stats;
    uint64_t total = 5;
    do { /* it may also hit a segment that is being made, which is another story */
        faulty_files_fail_only("datasync", 1, EIO, false);
        put_many(5, 100);
        total += 5;
        WAIT_UNTIL(p.released_seq == seq); /* from a fresh segment */
        rl_store_stats_read(store, &stats);
    } while (stats.journal_failed_syncs == 0);
    kill_both();
    cr_assert_eq(rows.rows, total);
}

/* No new segment gets ready, and the last batch waits for one. */
static void start_and_outrun_the_journal(void) {
    options.durability = RL_DURABILITY_NO;
    start_store();
    faulty_disk_hold_syncs(true);
    while (progress().appended_seq == seq)
        put_many(1, 20000);
}

Test(store_journal, a_sync_asked_for_covers_what_the_journal_had_not_taken_yet)
{
    start_and_outrun_the_journal();
    rl_store_sync_soon(store);
    faulty_disk_hold_syncs(false);
    WAIT_UNTIL(p.synced_seq == seq);
    cr_assert_eq(progress().folded_seq, 0);
}

Test(store_journal, what_waits_for_the_journal_is_kept_though_it_is_folded)
{
    start_and_outrun_the_journal();
    put_many(5, 100);
    rl_store_fold_soon(store);
    while (progress().folded_seq < seq)
        turn(); /* without a collect, which would look at what waits */
    char key[16];
    for (int i = 0; i < 10; i++) {
        snprintf(key, sizeof key, "k%d", i);
        put_batch(key, "v");
    }
    faulty_disk_hold_syncs(false);
    WAIT_UNTIL(p.appended_seq == seq);
}

/* Not before the close looks at what is pending, most likely. */
static void *let_syncs_go_on(void *arg) {
    usleep(100000);
    faulty_disk_hold_syncs(false);
    return arg;
}

Test(store_journal, a_stop_without_a_fold_waits_for_the_next_segment)
{
    start_and_outrun_the_journal();
    put_many(5, 100);
    uint64_t last = seq;
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, let_syncs_go_on, NULL), 0);
    close_store(false);
    pthread_join(thread, NULL);
    start_store();
    cr_assert_eq(seq, last);
    cr_assert_eq(rl_store_replayed(store), last);
}

Test(store_journal, a_stop_does_not_wait_for_a_journal_that_cannot_begin, .timeout = 60)
{
    options.durability = RL_DURABILITY_NONE;
    start_store();
    put_many(5, 100);
    faulty_files_fail(1, EIO, true);
    rl_store_set_durability(store, RL_DURABILITY_NO);
    put_many(5, 100);
    cr_assert_eq(rl_store_close(store, false), RL_STORE_IO);
    store = NULL;
    faulty_files_heal();
}

Test(store_journal, folds_go_on_while_the_journal_is_broken)
{
    options.durability = RL_DURABILITY_ALWAYS;
    start_store();
    put_many(5, 100);
    faulty_files_fail(1, EIO, true);
    put_many(10, 100);
    fold_now();
    cr_assert_eq(progress().released_seq, seq, "in the database is safe");
    faulty_files_heal();
    put_many(5, 100);
    WAIT_UNTIL(!p.failed && p.released_seq == seq);
    kill_both();
    cr_assert_eq(rows.rows, 20);
}

/* --- readers from outside -------------------------------------------------------------------- */

/* Each batch sets two keys to the same value: whoever reads sees both or neither. */
Test(store, others_read_whole_batches_while_folds_go_on)
{
    options.fold_interval_ms = 1;
    start_store();
    uint64_t a = put("a", "0"), b = put("b", "0");
    append();
    fold_now();
    sqlite3 *db = store_sql_open(store_files_path(dir, "data.db"));
    int64_t last = 0;
    char value[32];
    for (int i = 1; i <= 300; i++) {
        rl_bytes bytes = rl_bytes_of(value, (size_t)snprintf(value, sizeof value, "%d", i));
        rl_batch_value(builder, a, RL_NEVER, bytes);
        rl_batch_value(builder, b, RL_NEVER, bytes);
        append();
        rl_store_collect(store);
        cr_assert_eq(store_sql_int(db, "SELECT count(DISTINCT value) FROM strings"), 1);
        int64_t now = store_sql_int(db, "SELECT value FROM strings WHERE key = 'a'");
        cr_assert_geq(now, last);
        last = now;
    }
    fold_now();
    cr_assert_eq(store_sql_int(db, "SELECT value FROM strings WHERE key = 'b'"), 300);
    sqlite3_close(db);
}

Test(store, a_long_reader_holds_up_neither_folds_nor_the_close)
{
    start_store();
    put_many(10, 100);
    fold_now();
    sqlite3 *db = store_sql_open(store_files_path(dir, "data.db"));
    store_sql_run(db, "BEGIN");
    cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM keys"), 10);
    put_many(10, 100);
    fold_now();
    rl_store_checkpoint_soon(store);
    cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM keys"), 10);
    close_store(true);
    store_sql_run(db, "COMMIT");
    cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM keys"), 20);
    sqlite3_close(db);
}
