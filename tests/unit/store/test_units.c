/* SPDX-License-Identifier: MIT */
/*
 * Jobs and units in the store as a whole: their order among folds, what the journal holds and what
 * is released while a unit is open, what can be read before it is synced, and what a kill, a power
 * failure and a stop leave.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/random.h"
#include "lib/faulty_files.h"
#include "lib/faulty_vfs.h"
#include "lib/store_files.h"
#include "store/store.h"

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
    options.upkeep.checkpoint_interval_ms = STORE_FILES_NEVER_MS;
    options.upkeep.checkpoint_wal_bytes = 64 << 20;
    options.notify = on_notify;
}

static void teardown(void) {
    rl_store_close(store, false);
    rl_batch_builder_free(builder);
    sem_destroy(&notified);
    store_files_remove(dir);
}

TestSuite(units, .init = setup, .fini = teardown, .timeout = 120);

/* --- tools ----------------------------------------------------------------------------------- */

static char rows[1 << 14]; /* "key=value " of each row, as the last open found them */

static void on_row(void *arg, const rl_store_row *row) {
    (void)arg;
    size_t at = strlen(rows);
    if (at + row->key.len + row->value.len + 3 < sizeof rows)
        snprintf(rows + at, sizeof rows - at, "%.*s=%.*s ", (int)row->key.len, row->key.ptr,
                 (int)row->value.len, row->value.ptr);
}

static void start_store(void) {
    int code = rl_store_open(&options, &store, error, sizeof error);
    cr_assert_eq(code, RL_STORE_OK, "%s", error);
    rows[0] = 0;
    cr_assert_eq(rl_store_load(store, &(rl_store_loading){.on_row = on_row, .arg = NULL}, error,
                               sizeof error),
                 RL_STORE_OK, "%s", error);
    seq = rl_store_last_seq(store);
    next_id = rl_store_next_id(store);
    cr_assert_eq(rl_store_start(store, error, sizeof error), RL_STORE_OK, "%s", error);
}

static rl_store_progress progress(void) {
    rl_store_progress p;
    rl_store_progress_read(store, &p);
    cr_assert_leq(p.folded_seq, p.synced_seq);
    cr_assert_leq(p.folded_seq, p.visible_seq);
    cr_assert_leq(p.synced_seq, p.appended_seq);
    cr_assert_leq(p.released_seq, seq);
    return p;
}

static void turn(void) {
    store_files_await(&notified, 20);
}

#define WAIT_UNTIL(condition)                                                                      \
    do {                                                                                           \
        rl_store_collect(store);                                                                   \
        rl_store_progress p = progress();                                                          \
        (void)p;                                                                                   \
        if (condition)                                                                             \
            break;                                                                                 \
        turn();                                                                                    \
    } while (1)

static void put(const char *key, const char *value) {
    rl_batch_key(builder, next_id++, 0, RL_TYPE_STRING, RL_NEVER, rl_bytes_text(key),
                 rl_bytes_text(value));
}

static void put_batch(const char *key) {
    put(key, "1");
    rl_store_append(store, rl_batch_seal(builder, ++seq));
}

static void fold_now(void) {
    rl_store_fold_soon(store);
    WAIT_UNTIL(p.folded_seq == seq);
}

typedef struct test_job {
    rl_job job;
    const char *sql;
    size_t cut;
    sem_t *begun, *go; /* waits in run, when there are such */
    int fail;          /* what run answers instead of running anything */
    _Atomic int done;  /* 1 + number of jobs done before it */
    int rc;
    char why[128];
} test_job;

static _Atomic int jobs_done;

static int run(rl_job *job, size_t step, sqlite3 *db) {
    test_job *t = (test_job *)job;
    cr_assert_eq(step, 0);
    if (t->begun)
        sem_post(t->begun);
    while (t->go && sem_wait(t->go) != 0) {}
    if (t->fail)
        return t->fail;
    return t->sql ? sqlite3_exec(db, t->sql, NULL, NULL, NULL) : SQLITE_OK;
}

static void done(rl_job *job, int rc, const char *why) {
    test_job *t = (test_job *)job;
    t->rc = rc;
    snprintf(t->why, sizeof t->why, "%s", why);
    cr_assert_eq(atomic_load(&t->done), 0);
    atomic_store(&t->done, 1 + atomic_fetch_add(&jobs_done, 1));
    sem_post(&notified);
}

static void submit(test_job *t, const char *sql) {
    t->sql = sql;
    t->job = (rl_job){.run = run, .done = done, .steps = 1};
    rl_store_submit(store, &t->job);
}

/* What the builder has becomes a unit, with the step at its end. */
static void append_unit(test_job *t, const char *sql) {
    t->sql = sql;
    t->cut = rl_batch_builder_bytes(builder);
    t->job = (rl_job){.run = run, .done = done, .steps = 1, .cuts = &t->cut};
    rl_store_append_unit(store, rl_batch_seal(builder, ++seq), &t->job);
}

static void run_ok(const char *sql) {
    test_job t = {0};
    submit(&t, sql);
    WAIT_UNTIL(atomic_load(&t.done));
    cr_assert_eq(t.rc, SQLITE_OK, "%s: %s", sql, t.why);
}

static int64_t ask(const char *sql) {
    sqlite3 *db = store_sql_open(store_files_path(dir, "data.db"));
    int64_t n = store_sql_int(db, "%s", sql);
    cr_assert_eq(sqlite3_close(db), SQLITE_OK);
    return n;
}

/* The rows that a next start would find if the server was killed now. */
static const char *rows_after_kill(void) {
    char *copy = store_files_make();
    store_files_copy(dir, copy);
    rl_store_options o = options;
    o.dir = copy;
    o.notify = NULL;
    rl_store *other;
    int code = rl_store_open(&o, &other, error, sizeof error);
    cr_assert_eq(code, RL_STORE_OK, "%s", error);
    rows[0] = 0;
    cr_assert_eq(rl_store_load(other, &(rl_store_loading){.on_row = on_row, .arg = NULL}, error,
                               sizeof error),
                 RL_STORE_OK);
    rl_store_close(other, false);
    store_files_remove(copy);
    return rows;
}

/* --- order ----------------------------------------------------------------------------------- */

Test(units, a_job_sees_what_was_appended_before_it)
{
    start_store();
    run_ok("CREATE TABLE t(n)");
    put_batch("a");
    put_batch("b");
    test_job t[3] = {0};
    submit(&t[0], "INSERT INTO t SELECT count(*) FROM rl_key");
    put_batch("c");
    submit(&t[1], "INSERT INTO t SELECT count(*) FROM rl_key WHERE key = 'c'");
    submit(&t[2], "INSERT INTO t VALUES(9)");
    WAIT_UNTIL(atomic_load(&t[2].done));
    cr_assert_lt(t[0].done, t[1].done);
    cr_assert_lt(t[1].done, t[2].done);
    cr_assert_geq(ask("SELECT n FROM t WHERE rowid = 1"), 2);
    cr_assert_eq(ask("SELECT n FROM t WHERE rowid = 2"), 1);
    cr_assert_eq(progress().folded_seq, 3);
    rl_store_stats stats;
    rl_store_stats_read(store, &stats);
    cr_assert_eq(stats.jobs, 4);
    cr_assert_eq(stats.units, 0);
    cr_assert_eq(stats.job_failures, 0);
}

Test(units, a_job_that_fails_is_told_and_the_disk_is_not_blamed)
{
    start_store();
    test_job t = {0};
    submit(&t, "INSERT INTO nowhere VALUES(1)");
    WAIT_UNTIL(atomic_load(&t.done));
    cr_assert_eq(t.rc, SQLITE_ERROR);
    cr_assert(strstr(t.why, "nowhere") != NULL, "%s", t.why);
    cr_assert_not(progress().failed);
    rl_store_stats stats;
    rl_store_stats_read(store, &stats);
    cr_assert_eq(stats.job_failures, 1);
    cr_assert_eq(stats.fold_failures, 0);
}

static const rl_durability durabilities[] = {RL_DURABILITY_ALWAYS, RL_DURABILITY_EVERYSEC,
                                             RL_DURABILITY_NO, RL_DURABILITY_NONE};

/* With a unit held open in its step. */
static void nothing_passes_an_open_unit(rl_durability durability) {
    options.durability = durability;
    bool journaled = durability != RL_DURABILITY_NONE;
    start_store();
    run_ok("CREATE TABLE t(n)");
    sem_t begun, go;
    sem_init(&begun, 0, 0);
    sem_init(&go, 0, 0);
    put_batch("a");
    test_job t = {.begun = &begun, .go = &go};
    put("u", "2");
    append_unit(&t, "INSERT INTO t VALUES(1)");
    test_job second = {0};
    put_batch("b");
    put("v", "2");
    append_unit(&second, "INSERT INTO t VALUES(2)");
    put_batch("c");
    cr_assert_eq(sem_wait(&begun), 0);
    rl_store_sync_soon(store);
    WAIT_UNTIL(p.released_seq == 1);
    for (int i = 0; i < 20; i++) {
        rl_store_collect(store);
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        put_batch(key);
        rl_store_progress p = progress();
        cr_assert_eq(p.released_seq, 1);
        cr_assert_eq(p.folded_seq, 1);
        cr_assert_leq(p.appended_seq, 1);
        cr_assert_eq(p.synced_seq, 1);
    }
    cr_assert_str_eq(rows_after_kill(), "a=1 ");
    sem_post(&go);
    WAIT_UNTIL(p.released_seq == seq && atomic_load(&t.done) && atomic_load(&second.done));
    cr_assert_lt(t.done, second.done);
    cr_assert_eq(t.rc, SQLITE_OK);
    cr_assert_eq(ask("SELECT sum(n) FROM t"), 3);
    if (journaled) {
        const char *found = rows_after_kill();
        const char *expected = "a=1 u=2 b=1 v=2 c=1 0=1 1=1 2=1 ";
        cr_assert_eq(strncmp(found, expected, strlen(expected)), 0, "%s", found);
        rl_store_stats stats;
        rl_store_stats_read(store, &stats);
        cr_assert_leq(stats.journal_frames, seq - 2, "the units are not in it");
    }
    rl_store_progress p = progress();
    cr_assert_not(p.failed);
    cr_assert_eq(rl_store_close(store, true), RL_STORE_OK);
    store = NULL;
    sem_destroy(&begun);
    sem_destroy(&go);
}

Test(units, nothing_passes_an_open_unit_in_any_durability)
{
    for (size_t i = 0; i < sizeof durabilities / sizeof *durabilities; i++) {
        nothing_passes_an_open_unit(durabilities[i]);
        store_files_remove(dir);
        options.dir = dir = store_files_make();
    }
}

Test(units, durability_may_change_while_a_unit_is_open)
{
    for (size_t from = 0; from < 4; from++) {
        for (size_t to = 0; to < 4; to++) {
            options.durability = durabilities[from];
            start_store();
            sem_t begun, go;
            sem_init(&begun, 0, 0);
            sem_init(&go, 0, 0);
            put_batch("a");
            test_job t = {.begun = &begun, .go = &go};
            put("u", "2");
            append_unit(&t, NULL);
            put_batch("b");
            cr_assert_eq(sem_wait(&begun), 0);
            WAIT_UNTIL(p.released_seq == 1);
            rl_store_set_durability(store, durabilities[to]);
            put_batch("c");
            rl_store_set_durability(store, durabilities[from]);
            put_batch("d");
            rl_store_set_durability(store, durabilities[to]);
            rl_store_collect(store);
            cr_assert_eq(progress().released_seq, 1);
            cr_assert_str_eq(rows_after_kill(), "a=1 ");
            sem_post(&go);
            WAIT_UNTIL(p.released_seq == seq && atomic_load(&t.done));
            if (durabilities[to] != RL_DURABILITY_NONE)
                cr_assert_str_eq(rows_after_kill(), "a=1 u=2 b=1 c=1 d=1 ");
            cr_assert_eq(rl_store_close(store, true), RL_STORE_OK);
            store = NULL;
            store_files_remove(dir);
            options.dir = dir = store_files_make();
            sem_destroy(&begun);
            sem_destroy(&go);
        }
    }
}

Test(units, a_kept_journal_has_units_once_they_are_committed)
{
    options.upkeep.journal_keep = RL_JOURNAL_KEEP_BACKUP;
    start_store();
    test_job t = {0};
    put_batch("a");
    put("u", "2");
    append_unit(&t, NULL);
    put_batch("b");
    WAIT_UNTIL(p.released_seq == seq && atomic_load(&t.done));
    fold_now();
    rl_store_stats stats;
    do {
        rl_store_collect(store);
        rl_store_stats_read(store, &stats);
    } while (stats.journal_frames < 3);
    cr_assert_eq(stats.journal_frames, 3);
}

/* --- stops -------------------------------------------------------------------------------------
 */

Test(units, a_stop_with_a_fold_runs_what_is_left)
{
    start_store();
    run_ok("CREATE TABLE t(n)");
    test_job t[3] = {0};
    put_batch("a");
    submit(&t[0], "INSERT INTO t VALUES(1)");
    put("u", "2");
    append_unit(&t[1], "INSERT INTO t VALUES(2)");
    put_batch("b");
    submit(&t[2], "INSERT INTO t VALUES(4)");
    cr_assert_eq(rl_store_close(store, true), RL_STORE_OK);
    store = NULL;
    for (int i = 0; i < 3; i++)
        cr_assert(t[i].done && t[i].rc == SQLITE_OK);
    start_store();
    cr_assert_str_eq(rows, "a=1 u=2 b=1 ");
    cr_assert_eq(ask("SELECT sum(n) FROM t"), 7);
}

Test(units, a_stop_without_a_fold_tells_those_that_were_not_run)
{
    faulty_vfs_install();
    start_store();
    run_ok("CREATE TABLE t(n)");
    fold_now();
    faulty_vfs_fail(EIO);
    test_job t[3] = {0};
    put_batch("a");
    submit(&t[0], "INSERT INTO t VALUES(1)"); /* waits for a, which cannot be folded */
    put("u", "2");
    append_unit(&t[1], "INSERT INTO t VALUES(2)");
    put_batch("b");
    submit(&t[2], "INSERT INTO t VALUES(4)");
    WAIT_UNTIL(p.failed);
    cr_assert(strstr(rl_store_failure(store), "data.db") != NULL);
    cr_assert_eq(progress().released_seq, 1);
    rl_store_close(store, false);
    store = NULL;
    faulty_vfs_heal();
    for (int i = 0; i < 3; i++) {
        cr_assert(t[i].done);
        cr_assert_eq(t[i].rc, SQLITE_INTERRUPT);
        cr_assert_gt(strlen(t[i].why), 0);
    }
    start_store();
    cr_assert_str_eq(rows, "a=1 ");
    cr_assert_eq(ask("SELECT count(*) FROM t"), 0);
}

/* --- disks that fail ----------------------------------------------------------------------------
 */

Test(units, a_unit_waits_until_the_database_takes_writes_and_says_that_it_does)
{
    faulty_vfs_install();
    start_store();
    run_ok("CREATE TABLE t(n)");
    put_batch("a");
    fold_now();
    faulty_vfs_fail(ENOSPC);
    test_job t = {0}, job = {0};
    submit(&job, "INSERT INTO t VALUES(7)");
    WAIT_UNTIL(atomic_load(&job.done));
    cr_assert_eq(job.rc & 0xff, SQLITE_FULL);
    put("u", "2");
    append_unit(&t, "INSERT INTO t VALUES(1)");
    put_batch("b");
    WAIT_UNTIL(p.failed);
    cr_assert_eq(progress().released_seq, 1);
    cr_assert_not(atomic_load(&t.done));
    faulty_vfs_heal();
    WAIT_UNTIL(p.released_seq == seq && atomic_load(&t.done));
    cr_assert_eq(t.rc, SQLITE_OK);
    WAIT_UNTIL(!p.failed);
    cr_assert_eq(ask("SELECT sum(n) FROM t"), 1);
}

Test(units, an_open_unit_is_not_stepped_over_when_the_journal_is_made_anew)
{
    faulty_files_start();
    start_store();
    sem_t begun, go;
    sem_init(&begun, 0, 0);
    sem_init(&go, 0, 0);
    put_batch("a");
    put_batch("b");
    test_job t = {.begun = &begun, .go = &go};
    put("u", "2");
    append_unit(&t, NULL);
    put_batch("c");
    cr_assert_eq(sem_wait(&begun), 0);
    WAIT_UNTIL(p.released_seq == 2);
    faulty_files_fail_only("datasync", 1, EIO, true);
    rl_store_sync_soon(store);
    rl_store_stats stats;
    do { /* a unit is open: its batches before it are folded; the journal itself syncs nothing new
          */
        rl_store_collect(store);
        rl_store_stats_read(store, &stats);
        turn();
    } while (stats.journal_failed_syncs == 0 && progress().folded_seq < 2);
    faulty_files_heal();
    put_batch("d");
    for (int i = 0; i < 30; i++) {
        rl_store_collect(store);
        cr_assert_eq(progress().released_seq, 2);
        turn();
    }
    sem_post(&go);
    WAIT_UNTIL(p.released_seq == seq && !p.failed && atomic_load(&t.done));
    rl_store_sync_soon(store);
    WAIT_UNTIL(p.synced_seq == seq);
    cr_assert_eq(rl_store_close(store, true), RL_STORE_OK);
    store = NULL;
    faulty_files_stop();
    sem_destroy(&begun);
    sem_destroy(&go);
}

/* --- visible before synced -------------------------------------------------------------------- */

Test(units, what_is_shown_can_be_read_before_it_is_synced)
{
    faulty_vfs_install();
    start_store();
    put_batch("a");
    fold_now();
    sqlite3 *db = store_sql_open(store_files_path(dir, "data.db"));
    int ahead = 0; /* a checkpoint may be at work, which makes commits wait for their sync */
    for (int i = 0; i < 200 && ahead < 20; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        put_batch(key);
        rl_store_show_soon(store);
        WAIT_UNTIL(p.visible_seq == seq);
        cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM rl_key"), 2 + i);
        ahead += progress().folded_seq < seq;
    }
    cr_assert_eq(ahead, 20);
    cr_assert_eq(sqlite3_close(db), SQLITE_OK);
    cr_assert_gt(progress().backlog_bytes, 0, "they are kept until they are synced");
    fold_now();
    cr_assert_eq(progress().backlog_bytes, 0);
}

/* Appends, until something is visible and not synced; a checkpoint that is at work makes commits
 * wait for their sync. The answer is what is synced. */
static uint64_t show_unsynced(void) {
    do {
        char key[24];
        snprintf(key, sizeof key, "s%d", (int)seq);
        put_batch(key);
        rl_store_show_soon(store);
        WAIT_UNTIL(p.visible_seq == seq);
    } while (progress().folded_seq == seq);
    return progress().folded_seq;
}

/* Something is visible, and its sync fails twice. The store syncs soon after it has shown: where
 * that came before syncs failed, once more. The answer is what is synced. */
static uint64_t fail_the_sync_of_what_is_shown(void) {
    for (;;) {
        rl_store_stats stats;
        faulty_vfs_heal();
        uint64_t synced = show_unsynced();
        rl_store_stats_read(store, &stats);
        uint64_t enough = stats.fold_failures + 2;
        faulty_vfs_fail_syncs();
        rl_store_fold_soon(store);
        do {
            rl_store_stats_read(store, &stats);
            turn();
        } while (stats.fold_failures < enough && progress().folded_seq == synced);
        if (stats.fold_failures >= enough)
            return synced;
    }
}

Test(units, no_checkpoint_copies_what_is_not_synced)
{
    start_store();
    put_batch("a");
    fold_now();
    uint64_t number = rl_store_checkpoint_soon(store);
    rl_store_stats stats;
    do {
        rl_store_stats_read(store, &stats);
        turn();
    } while (stats.checkpoints_done < number);
    show_unsynced();
    sqlite3 *db = store_sql_open(store_files_path(dir, "data.db"));
    sqlite3_busy_timeout(db, 0);
    cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM rl_key"), (int64_t)seq);
    cr_assert_eq(sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL),
                 SQLITE_BUSY);
    number = rl_store_checkpoint_soon(store); /* asks for a fold too */
    do {
        rl_store_collect(store);
        rl_store_stats_read(store, &stats);
        turn();
    } while (stats.checkpoints_done < number);
    cr_assert_eq(progress().folded_seq, seq);
    cr_assert_eq(sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL),
                 SQLITE_OK);
    cr_assert_eq(sqlite3_close(db), SQLITE_OK);
}

Test(units, a_failed_sync_of_the_wal_is_mended_before_anything_is_called_folded)
{
    faulty_vfs_install();
    faulty_files_start_in(dir);
    start_store();
    run_ok("CREATE TABLE t(n)");
    put_batch("a");
    fold_now();
    uint64_t synced = fail_the_sync_of_what_is_shown();
    cr_assert_eq(progress().folded_seq, synced);
    /* What would be left of data.db, if the power failed. */
    char *left = store_files_make();
    faulty_disk_leave(left, FAULTY_POWER, 1);
    sqlite3 *db = store_sql_open(store_files_path(left, "data.db"));
    cr_assert_eq(store_sql_int(db, "SELECT value FROM rl_meta WHERE name = 'folded_seq'"),
                 (int64_t)synced);
    cr_assert_eq(sqlite3_close(db), SQLITE_OK);
    test_job t = {0};
    put("u", "2");
    append_unit(&t, "INSERT INTO t VALUES(1)");
    faulty_vfs_heal();
    WAIT_UNTIL(p.folded_seq == seq && atomic_load(&t.done));
    cr_assert_eq(t.rc, SQLITE_OK);
    store_files_remove(left);
    left = store_files_make();
    faulty_disk_leave(left, FAULTY_POWER, 2);
    db = store_sql_open(store_files_path(left, "data.db"));
    cr_assert_eq(store_sql_int(db, "SELECT value FROM rl_meta WHERE name = 'folded_seq'"),
                 (int64_t)seq);
    cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM rl_key"), (int64_t)seq);
    cr_assert_eq(sqlite3_close(db), SQLITE_OK);
    store_files_remove(left);
}

/* A failed sync before a kill has left pages that the system takes for written: the next start must
 * not rely on its own sync of the WAL, since it lets the journal forget what is in it. */
Test(units, a_failed_sync_before_a_kill_is_made_good_by_the_next_start)
{
    faulty_vfs_install();
    faulty_files_start_in(dir);
    start_store();
    put_batch("a");
    fold_now();
    fail_the_sync_of_what_is_shown();
    faulty_disk_crash(FAULTY_KILLED, 1);
    rl_store_close(store, false);
    store = NULL;
    faulty_disk_restart();
    start_store();
    char *left = store_files_make();
    faulty_disk_leave(left, FAULTY_POWER_NONE, 1);
    sqlite3 *db = store_sql_open(store_files_path(left, "data.db"));
    cr_assert_eq(store_sql_int(db, "SELECT value FROM rl_meta WHERE name = 'folded_seq'"),
                 (int64_t)seq);
    cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM rl_key"), (int64_t)seq);
    cr_assert_eq(sqlite3_close(db), SQLITE_OK);
    store_files_remove(left);
}

/* --- random mixes, and the power fails ----------------------------------------------------------
 */

/* The history: batch n sets the one key's value to n; a unit also puts n into the table u. */
#define MOST_SEQS 4096

static bool is_unit[MOST_SEQS];
static test_job mix_jobs[MOST_SEQS], mix_units[MOST_SEQS];
static char mix_sql[MOST_SEQS][64];
static size_t mix_count;
static char *leftovers;

/* Opens what a power failure left and holds it against the history up to now. */
static void check_leftovers(uint64_t promised, size_t jobs_before, const bool *job_ok) {
    rl_store_options o = options;
    o.dir = leftovers;
    o.notify = NULL;
    rl_store *other;
    int code = rl_store_open(&o, &other, error, sizeof error);
    cr_assert_eq(code, RL_STORE_OK, "%s", error);
    uint64_t last = rl_store_last_seq(other);
    rl_store_close(other, false);
    cr_assert_geq(last, promised);
    cr_assert_leq(last, seq);
    sqlite3 *db = store_sql_open(store_files_path(leftovers, "data.db"));
    cr_assert_str_eq(store_sql_text(db, "PRAGMA integrity_check"), "ok");
    if (last > 0)
        cr_assert_eq(store_sql_int(db, "SELECT value FROM rl_key"), (int64_t)last);
    for (uint64_t n = 1; n <= seq; n++) {
        int64_t there = store_sql_int(db, "SELECT count(*) FROM u WHERE n = %d", (int)n);
        cr_assert_eq(there, is_unit[n] && n <= last, "unit %d of %d: %d, %s", (int)n, (int)last,
                     mix_units[n].rc, mix_units[n].why);
    }
    for (size_t i = 0; i < jobs_before; i++) {
        if (job_ok[i])
            cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM j WHERE n = %d", (int)i), 1);
    }
    cr_assert_eq(sqlite3_close(db), SQLITE_OK);
}

static void power_failure(uint64_t seed) {
    static bool job_ok[MOST_SEQS];
    rl_store_collect(store);
    bool always = options.durability == RL_DURABILITY_ALWAYS;
    uint64_t promised = always ? progress().released_seq : progress().synced_seq;
    for (size_t i = 0; i < mix_count; i++)
        job_ok[i] = atomic_load(&mix_jobs[i].done) && mix_jobs[i].rc == SQLITE_OK;
    leftovers = store_files_make();
    faulty_disk_leave(leftovers, FAULTY_POWER, seed);
    faulty_vfs_heal(); /* for what looks at them */
    check_leftovers(promised, mix_count, job_ok);
    store_files_remove(leftovers);
}

static void mix_batch(bool unit) {
    char value[32];
    snprintf(value, sizeof value, "%d", (int)seq + 1);
    if (seq == 0)
        put("k", value);
    else
        rl_batch_value(builder, 1, RL_NEVER, rl_bytes_text(value));
    is_unit[seq + 1] = unit;
    if (!unit) {
        rl_store_append(store, rl_batch_seal(builder, ++seq));
        return;
    }
    static char sql[MOST_SEQS][64];
    snprintf(sql[seq + 1], sizeof sql[0], "INSERT INTO u VALUES(%d)", (int)seq + 1);
    append_unit(&mix_units[seq + 1], sql[seq + 1]); /* raises seq */
}

static void mix_step(rl_random *random) {
    switch (rl_random_below(random, 16)) {
    case 0:
        mix_batch(true);
        break;
    case 1:
        snprintf(mix_sql[mix_count], sizeof mix_sql[0], "INSERT INTO j VALUES(%d)", (int)mix_count);
        submit(&mix_jobs[mix_count], mix_sql[mix_count]);
        mix_count++;
        break;
    case 2:
        rl_store_fold_soon(store);
        break;
    case 3:
    case 4:
        rl_store_show_soon(store);
        WAIT_UNTIL(p.visible_seq == seq || p.failed || rl_store_failure(store)[0]);
        break;
    case 5:
        rl_store_checkpoint_soon(store);
        break;
    case 6:
        rl_store_collect(store);
        break;
    case 7:
        turn();
        break;
    default:
        mix_batch(false);
    }
}

static void random_mix(uint64_t seed, bool faults) {
    faulty_vfs_install();
    faulty_files_start_in(dir);
    options.durability = seed % 2 ? RL_DURABILITY_ALWAYS : RL_DURABILITY_NO;
    options.fold_interval_ms = 30;
    options.upkeep.checkpoint_interval_ms = 1 + (uint32_t)seed % 40;
    start_store();
    run_ok("CREATE TABLE u(n INTEGER PRIMARY KEY); CREATE TABLE j(n INTEGER PRIMARY KEY)");
    rl_random random;
    rl_random_seed(&random, seed);
    while (seq < 300) {
        mix_step(&random);
        if (faults && rl_random_below(&random, 8) == 0)
            faulty_vfs_fail_once(1 + rl_random_below(&random, 12));
        if (rl_random_below(&random, 25) == 0)
            power_failure(rl_random_next(&random));
    }
    faulty_vfs_heal();
    WAIT_UNTIL(p.released_seq == seq);
    fold_now();
    power_failure(rl_random_next(&random));
    cr_assert_eq(rl_store_close(store, true), RL_STORE_OK);
    store = NULL;
}

Test(units, power_may_fail_at_any_moment)
{ random_mix(1, false); }
Test(units, power_may_fail_at_any_moment_2)
{ random_mix(2, false); }
Test(units, power_may_fail_while_the_disk_fails)
{ random_mix(3, true); }
Test(units, power_may_fail_while_the_disk_fails_2)
{ random_mix(4, true); }
Test(units, power_may_fail_while_the_disk_fails_3)
{ random_mix(5, true); }
