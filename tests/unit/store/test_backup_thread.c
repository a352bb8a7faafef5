/* SPDX-License-Identifier: MIT */
/* The backup thread: by time, for the journal's sake and when asked; and it ends when told to. */
#include "store/backup_thread.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "lib/store_files.h"
#include "store/backup.h"
#include "store/schema.h"

static char *dir;
static char path[1024], backups[1024];
static sqlite3 *db;
static rl_schema_meta meta;
static rl_backup_thread *thread;
static rl_backup_thread_options options;
static sem_t changed;
static _Atomic uint64_t folded, wal_bytes, kept_bytes, kept_from, backed_up;
static char error[1024];

static void look(void *arg, rl_backup_view *out) {
    (void)arg;
    *out = (rl_backup_view){.folded_seq = atomic_load(&folded),
                            .wal_bytes = atomic_load(&wal_bytes),
                            .kept_bytes = atomic_load(&kept_bytes),
                            .kept_from = atomic_load(&kept_from)};
}

static void on_backup(void *arg, uint64_t seq) {
    (void)arg;
    atomic_store(&backed_up, seq);
    atomic_store(&kept_bytes, 0);
    atomic_store(&kept_from, 1);
}

static void on_change(void *arg) {
    (void)arg;
    sem_post(&changed);
}

static void setup(void) {
    dir = store_files_make();
    snprintf(path, sizeof path, "%s/data.db", dir);
    snprintf(backups, sizeof backups, "%s/backups", dir);
    cr_assert_eq(rl_schema_open(path, &db, &meta, error, sizeof error), RL_STORE_OK, "%s", error);
    sem_init(&changed, 0, 0);
    options = (rl_backup_thread_options){
        .path = path,
        .dir = backups,
        .stem = "data",
        .run_id = meta.run_id,
        .upkeep = {.backup_retain = 3},
        .wal_large_bytes = 1000,
        .look = look,
        .on_backup = on_backup,
        .on_change = on_change,
    };
    atomic_store(&kept_from, 1);
}

static void teardown(void) {
    rl_backup_thread_free(thread);
    sqlite3_close(db);
    sem_destroy(&changed);
    store_files_remove(dir);
}

TestSuite(backup_thread, .init = setup, .fini = teardown, .timeout = 120);

static void create(void) {
    options.folded_seq = atomic_load(&folded);
    thread = rl_backup_thread_create(&options);
}

static void start(void) {
    create();
    cr_assert_eq(rl_backup_thread_start(thread, error, sizeof error), RL_STORE_OK, "%s", error);
}

static void restart(void) {
    rl_backup_thread_free(thread);
    start();
}

/* Rows of 1,000 bytes. */
static void fold(int count) {
    uint64_t seq = atomic_load(&folded) + 1;
    store_sql_run(db, "BEGIN IMMEDIATE");
    for (int i = 0; i < count; i++)
        store_sql_run(db, "INSERT INTO rl_key VALUES(NULL, 0, 1, NULL, hex(randomblob(8)), "
                          "printf('%%01000d', 7))");
    store_sql_run(db, "UPDATE rl_meta SET value = %llu WHERE name = 'folded_seq'",
                  (unsigned long long)seq);
    store_sql_run(db, "COMMIT");
    atomic_store(&folded, seq);
}

static rl_backup_stats stats(void) {
    rl_backup_stats s;
    rl_backup_thread_stats_read(thread, &s);
    return s;
}

static void await_change(void) {
    while (sem_wait(&changed) != 0) {}
}

static void await_done(uint64_t number) {
    while (stats().done < number)
        await_change();
}

static size_t files_in(const char *of) {
    DIR *d = opendir(of);
    size_t count = 0;
    struct dirent *entry;
    while (d && (entry = readdir(d)) != NULL)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (d)
        closedir(d);
    return count;
}

static void nap(void) {
    struct timespec t = {.tv_nsec = 10 * 1000000};
    nanosleep(&t, NULL);
}

/* A run is at work, and has copied something. */
static void await_copying(void) {
    rl_backup_stats s;
    do {
        nap();
        s = stats();
    } while (s.running == 0 || s.bytes_done == 0);
}

Test(backup_thread, when_asked_and_with_all_that_was_meant)
{
    start();
    fold(10);
    uint64_t number = rl_backup_thread_request(thread, 2);
    cr_assert_eq(stats().wanted, number);
    for (int i = 0; i < 20; i++)
        rl_backup_thread_poke(thread);
    cr_assert_eq(stats().done, 0, "batch 2 is not folded");
    fold(10);
    while (stats().done < number) {
        rl_backup_thread_poke(thread); /* as the store does at each fold */
        nap();
    }
    rl_backup_stats s = stats();
    cr_assert_eq(s.newest_seq, 2);
    cr_assert_eq(s.count, 1);
    cr_assert_eq(s.made, 1);
    cr_assert_eq(s.failed, 0);
    cr_assert_gt(s.newest_bytes, 20000);
    cr_assert_leq(s.newest_ms, rl_clock_wall_ms());
    cr_assert_str_eq(s.error, "");
    cr_assert_eq(atomic_load(&backed_up), 2);
}

Test(backup_thread, keeps_so_many)
{
    options.upkeep.backup_retain = 2;
    start();
    for (int i = 0; i < 4; i++) {
        fold(1);
        await_done(rl_backup_thread_request(thread, atomic_load(&folded)));
    }
    cr_assert_eq(files_in(backups), 2);
    cr_assert_eq(stats().count, 2);
    cr_assert_eq(stats().made, 4);
}

Test(backup_thread, makes_room_first_when_fewer_are_to_be_kept)
{
    start();
    for (int i = 0; i < 3; i++) {
        fold(1);
        await_done(rl_backup_thread_request(thread, atomic_load(&folded)));
    }
    cr_assert_eq(files_in(backups), 3);
    options.upkeep.backup_retain = 1;
    options.upkeep.backup_rate = 1;
    rl_backup_thread_set(thread, &options.upkeep);
    rl_backup_thread_request(thread, 3);
    await_copying();
    cr_assert_eq(files_in(backups), 2, "the newest and the part");
}

Test(backup_thread, by_time_when_something_changed)
{
    options.upkeep.backup_interval_s = 1;
    start();
    while (stats().made == 0 && stats().next_ms == 0)
        nap();
    cr_assert_eq(stats().made, 0, "nothing is in the file");
    fold(1);
    await_change();
    cr_assert_eq(stats().made, 1);
    while (stats().next_ms != 0) /* the interval is over, and nothing has changed */
        nap();
    cr_assert_eq(stats().made, 1);
    store_sql_run(db, "CREATE TABLE mine(x)"); /* no fold: folded_seq stays */
    await_change();
    cr_assert_eq(stats().made, 2);
}

Test(backup_thread, the_time_of_the_newest_counts_over_restarts)
{
    start();
    fold(1);
    await_done(rl_backup_thread_request(thread, 1));
    int64_t made_ms = stats().newest_ms;
    rl_backup_thread_free(thread);

    options.upkeep.backup_interval_s = 1000;
    fold(1);
    atomic_store(&backed_up, 0);
    start();
    cr_assert_eq(stats().newest_ms, made_ms);
    cr_assert_eq(stats().newest_seq, 1);
    cr_assert_eq(stats().count, 1);
    cr_assert_eq(atomic_load(&backed_up), 1, "the journal may let go of it");
    while (stats().next_ms == 0)
        nap();
    cr_assert_leq(stats().next_ms - made_ms, 1000000);
    cr_assert_geq(stats().next_ms - made_ms, 999000);
    cr_assert_eq(stats().made, 0);

    options.upkeep.backup_interval_s = 1;
    rl_backup_thread_set(thread, &options.upkeep);
    await_change();
    cr_assert_eq(stats().made, 1);
}

Test(backup_thread, a_backup_of_another_history_says_nothing_about_this_one)
{
    start();
    fold(1);
    fold(1);
    await_done(rl_backup_thread_request(thread, 2));
    atomic_store(&backed_up, 77);
    options.run_id = "another";
    restart();
    cr_assert_eq(stats().newest_seq, 0);
    cr_assert_neq(stats().newest_ms, 0);
    options.run_id = meta.run_id;
    atomic_store(&folded, 1); /* as after an older backup was put in place */
    restart();
    cr_assert_eq(stats().newest_seq, 0);
    cr_assert_eq(atomic_load(&backed_up), 77);
}

Test(backup_thread, for_the_journal)
{
    options.upkeep.journal_keep = RL_JOURNAL_KEEP_BACKUP;
    options.upkeep.journal_keep_bytes = 1000;
    start();
    fold(1);
    await_done(rl_backup_thread_request(thread, 1));
    uint64_t made = stats().made; /* perhaps for the journal's sake too: there was none */
    fold(1);
    atomic_store(&kept_bytes, 1001);
    while (stats().made == made)
        await_change();
    cr_assert_eq(stats().made, made + 1);
    cr_assert_eq(atomic_load(&backed_up), 2);
    cr_assert_eq(atomic_load(&kept_bytes), 0);
}

Test(backup_thread, for_a_journal_that_does_not_go_on_from_the_newest)
{
    options.upkeep.journal_keep = RL_JOURNAL_KEEP_BACKUP;
    options.upkeep.journal_keep_bytes = 1 << 30;
    fold(1);
    atomic_store(&kept_from, 2); /* and there is no backup */
    start();
    await_change();
    cr_assert_eq(stats().made, 1);
}

Test(backup_thread, a_failure_is_told_and_the_next_may_do)
{
    start();
    fold(1);
    store_files_write(backups, "in the way", 10);
    uint64_t number = rl_backup_thread_request(thread, 1);
    while (stats().failed_last < number)
        await_change();
    cr_assert_eq(stats().done, 0);
    cr_assert_eq(stats().failed, 1);
    cr_assert(strstr(stats().error, backups), "%s", stats().error);
    cr_assert_eq(unlink(backups), 0);
    number = rl_backup_thread_request(thread, 1); /* at once, whatever the schedule thinks */
    await_done(number);
    cr_assert_str_eq(stats().error, "");
    cr_assert_eq(stats().failed, 1);
}

Test(backup_thread, ends_in_the_middle_and_leaves_nothing)
{
    options.upkeep.backup_rate = 1000;
    start();
    fold(1000);
    rl_backup_thread_request(thread, 1);
    await_copying();
    rl_backup_stats s = stats();
    cr_assert_neq(s.running, 0);
    cr_assert_gt(s.bytes_total, 1000000);
    rl_backup_thread_stop(thread);
    cr_assert_eq(files_in(backups), 0);
    cr_assert_eq(stats().failed, 0, "that was no failure");
}

Test(backup_thread, its_rate_may_be_lifted_by_the_user_or_by_a_large_wal)
{
    options.upkeep.backup_rate = 1;
    start();
    fold(100);
    uint64_t number = rl_backup_thread_request(thread, 1);
    await_copying();
    options.upkeep.backup_rate = 0;
    rl_backup_thread_set(thread, &options.upkeep);
    await_done(number);

    options.upkeep.backup_rate = 1;
    rl_backup_thread_set(thread, &options.upkeep);
    number = rl_backup_thread_request(thread, 1);
    await_copying();
    atomic_store(&wal_bytes, 1001);
    await_done(number);
}

Test(backup_thread, stops_while_it_waits_for_a_fold)
{
    start();
    rl_backup_thread_request(thread, 1000);
    rl_backup_thread_stop(thread);
    cr_assert_eq(stats().made, 0);
}
