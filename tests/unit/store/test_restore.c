/* SPDX-License-Identifier: MIT */
/*
 * A start beside a database that is missing or damaged: what is restored, what the journal adds,
 * where things are moved, and when nothing is touched.
 */
#include "store/restore.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/random.h"
#include "lib/faulty_vfs.h"
#include "lib/store_files.h"
#include "store/backup.h"
#include "store/file_ops.h"
#include "store/schema.h"
#include "store/store.h"

static char *dir;
static rl_store *store;
static rl_store_options options;
static rl_batch_builder *builder;
static char error[2048];

static void setup(void) {
    dir = store_files_make();
    builder = rl_batch_builder_create();
    store = NULL;
    options = store_files_options(dir);
    options.upkeep = (rl_store_upkeep){
        .journal_keep = RL_JOURNAL_KEEP_BACKUP,
        .journal_keep_bytes = UINT64_MAX,
        .checkpoint_interval_ms = STORE_FILES_NEVER_MS,
        .checkpoint_wal_bytes = 1 << 30,
        .backup_retain = 10,
    };
    options.restore = RL_RESTORE_YES;
    options.check = RL_CHECK_QUICK;
}

static void teardown(void) {
    rl_store_close(store, false);
    rl_batch_builder_free(builder);
    store_files_remove(dir);
}

TestSuite(restore, .init = setup, .fini = teardown);

/* --- tools ----------------------------------------------------------------------------------- */

#define KEYS_MAX 20000
static uint64_t value_of[KEYS_MAX]; /* of key:i in the database that was loaded; 0: not there */
static uint64_t rows;

static void on_row(void *arg, const rl_store_row *row) {
    (void)arg;
    char key[32], value[32];
    snprintf(key, sizeof key, "%.*s", (int)row->key.len, row->key.ptr);
    snprintf(value, sizeof value, "%.*s", (int)row->value.len, row->value.ptr);
    if (strncmp(key, "key:", 4) != 0)
        return;
    uint64_t n = strtoull(key + 4, NULL, 10);
    if (n < KEYS_MAX)
        value_of[n] = strtoull(value, NULL, 10);
    rows++;
}

static int load(void) {
    memset(value_of, 0, sizeof value_of);
    rows = 0;
    return rl_store_load(store, &(rl_store_loading){.on_row = on_row, .arg = NULL}, error,
                         sizeof error);
}

/* As the server does it. */
static int open_store(void) {
    int code = rl_store_open(&options, &store, error, sizeof error);
    if (code != RL_STORE_OK)
        return code;
    while ((code = load()) == RL_STORE_DAMAGED) {
        char reason[sizeof error];
        memcpy(reason, error, sizeof reason);
        code = rl_store_restore(store, reason, error, sizeof error);
        if (code != RL_STORE_OK)
            break;
    }
    if (code != RL_STORE_OK) {
        rl_store_close(store, false);
        store = NULL;
    }
    return code;
}

static void opens(void) {
    int code = open_store();
    cr_assert_eq(code, RL_STORE_OK, "%d %s", code, error);
}

static void start(void) {
    opens();
    cr_assert_eq(rl_store_start(store, error, sizeof error), RL_STORE_OK, "%s", error);
}

static void refuses(int code, const char *words) {
    int found = open_store();
    cr_assert_eq(found, code, "%d %s", found, error);
    cr_assert(strstr(error, words), "%s", error);
}

static void stop(bool fold) {
    cr_assert_eq(rl_store_close(store, fold), RL_STORE_OK);
    store = NULL;
}

/* Each key a batch of its own; key:i = i + plus. */
static void write_keys(uint64_t from, uint64_t to, uint64_t plus) {
    static const char pad[] = "................................................................";
    uint64_t seq = rl_store_last_seq(store);
    for (uint64_t i = from; i < to; i++) {
        char key[32], value[128];
        snprintf(key, sizeof key, "key:%lu", (unsigned long)i);
        snprintf(value, sizeof value, "%lu %s", (unsigned long)(i + plus), pad);
        rl_batch_key(builder, i + 1, 0, RL_TYPE_STRING, RL_NEVER, rl_bytes_of(key, strlen(key)),
                     rl_bytes_of(value, strlen(value)));
        rl_store_append(store, rl_batch_seal(builder, ++seq));
        rl_store_collect(store);
    }
    for (;;) { /* until the journal has it all */
        rl_store_progress p;
        rl_store_collect(store);
        rl_store_progress_read(store, &p);
        if (p.appended_seq >= seq)
            return;
        usleep(1000);
    }
}

static void expect_keys(uint64_t from, uint64_t to, uint64_t plus) {
    for (uint64_t i = from; i < to; i++)
        cr_assert_eq(value_of[i], i + plus, "key:%lu is %lu", (unsigned long)i,
                     (unsigned long)value_of[i]);
}

/* A backup of what is folded, which gets this time of the year 2026. */
static void make_backup(const char *month_to_minute) {
    rl_backup_entry made = {0};
    char target[1024];
    mkdir(store_files_path(dir, "backups"), 0700);
    snprintf(target, sizeof target, "%s/backups/data-2026%s00Z.db", dir, month_to_minute);
    rl_backup_options o = {.source = store_files_path(dir, "data.db"), .target = target};
    cr_assert_eq(rl_backup_run(&o, &made, error, sizeof error), RL_STORE_OK, "%s", error);
    rl_backup_entry_release(&made);
}

/* Names in the directory that begin so; the last one found is kept. */
static char found_name[300];
static size_t count_names(const char *prefix) {
    DIR *d = opendir(dir);
    size_t count = 0;
    struct dirent *e;
    while ((e = readdir(d)) != NULL) {
        if (strncmp(e->d_name, prefix, strlen(prefix)) != 0)
            continue;
        snprintf(found_name, sizeof found_name, "%s", e->d_name);
        count++;
    }
    closedir(d);
    return count;
}

static void remove_name(const char *name) {
    unlink(store_files_path(dir, name));
}

static void garbage(const char *name) {
    char junk[9000];
    memset(junk, 0xa5, sizeof junk);
    store_files_write(store_files_path(dir, name), junk, sizeof junk);
}

/* The usual story: 100 keys, a backup, 100 changed and 100 more, all folded. */
static void tell_story(void) {
    start();
    write_keys(0, 100, 1);
    stop(true);
    make_backup("0301T1200");
    start();
    write_keys(50, 200, 1000);
    stop(true);
}

/* --- what is restored ------------------------------------------------------------------------ */

Test(restore, a_missing_database_comes_back_with_what_the_journal_has)
{
    tell_story();
    remove_name("data.db");
    start();
    expect_keys(0, 50, 1);
    expect_keys(50, 200, 1000);
    cr_assert_eq(rl_store_last_seq(store), 250);
    const rl_restore_report *r = rl_store_restored(store);
    cr_assert_not_null(r);
    cr_assert(r->restored);
    cr_assert_not(r->moved_aside);
    cr_assert_eq(r->folded_seq, 100);
    cr_assert_eq(r->journal_batches, 150);
    cr_assert_eq(r->journal_left, 0);
    cr_assert_eq(r->data_ms, 1772366400000); /* of the name */
    cr_assert(strstr(r->backup, "backups/data-20260301T120000Z.db"), "%s", r->backup);
    cr_assert(strstr(r->reason, "is missing"), "%s", r->reason);
    write_keys(200, 210, 1);
    stop(true);
    start(); /* the next start is one like any other */
    cr_assert_null(rl_store_restored(store));
    expect_keys(50, 200, 1000);
    expect_keys(200, 210, 1);
    cr_assert_eq(count_names("data.db."), 0);
}

Test(restore, a_damaged_database_is_moved_aside)
{
    tell_story();
    garbage("data.db");
    start();
    expect_keys(50, 200, 1000);
    const rl_restore_report *r = rl_store_restored(store);
    cr_assert(r->restored && r->moved_aside);
    cr_assert_eq(count_names("data.db.damaged-"), 1);
    cr_assert(strstr(r->aside, found_name), "%s", r->aside);
    cr_assert(strstr(r->reason, "not an SQLite database"), "%s", r->reason);
}

Test(restore, an_emptied_database_counts_as_missing)
{
    tell_story();
    cr_assert_eq(truncate(store_files_path(dir, "data.db"), 0), 0);
    start();
    expect_keys(50, 200, 1000);
    cr_assert(strstr(rl_store_restored(store)->reason, "is empty"));
}

/* All of a young database was in its WAL, and that is gone. */
Test(restore, a_database_without_tables_counts_as_damaged)
{
    tell_story();
    remove_name("data.db");
    sqlite3 *db = store_sql_open(store_files_path(dir, "data.db"));
    store_sql_text(db, "PRAGMA journal_mode = WAL");
    sqlite3_close(db);
    start();
    expect_keys(50, 200, 1000);
    cr_assert(strstr(rl_store_restored(store)->reason, "without tables"));
}

/* Cut anywhere: found by opening, recovering, loading or checking. */
Test(restore, a_truncated_database_is_restored, .timeout = 120)
{
    tell_story();
    char *whole = store_files_make();
    store_files_copy(dir, whole);
    struct stat st;
    stat(store_files_path(dir, "data.db"), &st);
    for (off_t cut = 1; cut < st.st_size; cut += cut < 200 ? 37 : 1777) {
        store_files_remove(dir);
        dir = store_files_make();
        options.dir = dir;
        store_files_copy(whole, dir);
        cr_assert_eq(truncate(store_files_path(dir, "data.db"), cut), 0);
        opens();
        cr_assert(rl_store_restored(store) && rl_store_restored(store)->restored, "cut at %ld",
                  (long)cut);
        expect_keys(0, 50, 1);
        expect_keys(50, 200, 1000);
        stop(false);
    }
    store_files_remove(whole);
}

/* Noise in any page: restored, or the page was not one of use. */
Test(restore, noise_in_any_page_is_found, .timeout = 120)
{
    tell_story();
    char *whole = store_files_make();
    store_files_copy(dir, whole);
    struct stat st;
    stat(store_files_path(dir, "data.db"), &st);
    rl_random random;
    rl_random_seed(&random, 7);
    unsigned restored = 0;
    for (off_t page = 0; page < st.st_size / 4096; page++) {
        store_files_remove(dir);
        dir = store_files_make();
        options.dir = dir;
        store_files_copy(whole, dir);
        unsigned char noise[4096];
        for (size_t i = 0; i < sizeof noise; i++)
            noise[i] = (unsigned char)rl_random_next(&random);
        store_files_damage(store_files_path(dir, "data.db"), page * 4096, noise, sizeof noise);
        opens();
        expect_keys(0, 50, 1);
        expect_keys(50, 200, 1000);
        restored += rl_store_restored(store) != NULL;
        stop(false);
    }
    cr_assert_geq(restored, st.st_size / 4096 - 2, "%u", restored);
    store_files_remove(whole);
}

Test(restore, after_a_kill_the_wal_goes_aside_too)
{
    start();
    write_keys(0, 100, 1);
    stop(true);
    make_backup("0301T1200");
    start();
    write_keys(100, 150, 1);
    char *killed = store_files_make();
    store_files_copy(dir, killed);
    stop(false);
    store_files_remove(dir);
    dir = killed;
    options.dir = dir;
    garbage("data.db");
    garbage("data.db-wal");
    start();
    expect_keys(0, 150, 1);
    cr_assert_eq(count_names("data.db.damaged-"), 2);
}

Test(restore, a_wal_without_its_database_goes_aside)
{
    tell_story();
    remove_name("data.db");
    garbage("data.db-wal");
    start();
    expect_keys(50, 200, 1000);
    cr_assert_eq(count_names("data.db.damaged-"), 1);
    cr_assert(strstr(found_name, "-wal"), "%s", found_name);
    stop(true);
    opens();
    expect_keys(50, 200, 1000);
}

Test(restore, the_newest_good_backup_is_taken)
{
    tell_story();
    make_backup("0302T1200");
    make_backup("0303T1200");
    garbage("backups/data-20260303T120000Z.db");
    garbage("data.db");
    opens();
    const rl_restore_report *r = rl_store_restored(store);
    cr_assert(strstr(r->backup, "data-20260302"), "%s", r->backup);
    cr_assert_eq(r->tried, 2);
    cr_assert_eq(r->folded_seq, 250);
    expect_keys(50, 200, 1000);
    cr_assert_eq(access(store_files_path(dir, "backups/data-20260303T120000Z.db"), F_OK), 0);
}

/* --- the journal ------------------------------------------------------------------------------ */

Test(restore, without_retention_the_data_is_the_backups)
{
    options.upkeep.journal_keep = RL_JOURNAL_KEEP_FOLDED;
    tell_story();
    remove_name("data.db");
    start();
    cr_assert_eq(rows, 100);
    expect_keys(0, 100, 1);
    cr_assert_eq(rl_store_restored(store)->journal_batches, 0);
    write_keys(100, 120, 7);
    stop(true);
    opens();
    expect_keys(100, 120, 7);
}

/* Kills a store that has folded some and has more in its journal, and removes a segment. */
static void leave_a_gap(void) {
    start();
    write_keys(0, 100, 1);
    stop(true);
    make_backup("0301T1200");
    start();
    write_keys(100, 1500, 1);
    stop(true);
    size_t segments = 0;
    for (int i = 2; segments < 1 && i < 40; i++) {
        char name[64];
        snprintf(name, sizeof name, "journal/%08d.journal", i);
        if (access(store_files_path(dir, name), F_OK) == 0 && i > 3) {
            remove_name(name);
            segments++;
        }
    }
    cr_assert_eq(segments, 1);
}

Test(restore, what_lies_behind_a_gap_is_moved_aside)
{
    leave_a_gap();
    remove_name("data.db");
    start();
    const rl_restore_report *r = rl_store_restored(store);
    cr_assert_gt(r->journal_left, 10);
    cr_assert_gt(r->journal_batches, 10);
    cr_assert_eq(count_names("journal.damaged-"), 1);
    cr_assert(strstr(r->journal_aside, found_name), "%s", r->journal_aside);
    uint64_t last = rl_store_last_seq(store);
    cr_assert_eq(last, 100 + r->journal_batches);
    cr_assert_eq(rows, last);
    expect_keys(0, last, 1);
    /* New batches get the numbers of those that are aside, and meet none of them, even when
     * somebody puts them back. */
    write_keys(0, 50, 500);
    stop(true);
    char aside[1024], journal[1024], other[1024];
    snprintf(aside, sizeof aside, "%s/%s", dir, found_name);
    snprintf(journal, sizeof journal, "%s/journal", dir);
    snprintf(other, sizeof other, "%s/other", dir);
    cr_assert_eq(rename(journal, other) | rename(aside, journal), 0);
    refuses(RL_STORE_REFUSED, "another database");
    cr_assert_eq(rename(journal, aside) | rename(other, journal), 0);
    make_backup("0302T1200"); /* the server makes one by itself: the journal begins anew */
    start();
    write_keys(20, 50, 700);
    stop(true);
    remove_name("data.db");
    opens();
    expect_keys(0, 20, 500);
    expect_keys(20, 50, 700);
    expect_keys(50, last, 1);
    cr_assert_eq(count_names("journal.damaged-"), 1);
}

Test(restore, a_gap_beside_a_good_database_is_still_refused)
{
    leave_a_gap();
    /* The database of an earlier time, and no newer backup. */
    char from[1024], to[1024];
    snprintf(from, sizeof from, "%s/backups/data-20260301T120000Z.db", dir);
    snprintf(to, sizeof to, "%s/data.db", dir);
    cr_assert_eq(rename(from, to), 0);
    refuses(RL_STORE_DAMAGED, "/journal is damaged");
    cr_assert(strstr(error, "rubellite restore"), "%s", error);
    cr_assert_eq(count_names("journal.damaged-"), 0);
}

/* A database that went back in time, as when its -wal was deleted, and a backup that has more. */
Test(restore, a_stale_database_gives_way_to_a_newer_backup)
{
    options.upkeep.journal_keep = RL_JOURNAL_KEEP_FOLDED;
    start();
    write_keys(0, 100, 1);
    stop(true);
    make_backup("0301T1200");
    start();
    write_keys(100, 200, 1);
    stop(true);
    make_backup("0302T1200");
    options.upkeep.journal_keep = RL_JOURNAL_KEEP_BACKUP;
    start();
    write_keys(200, 250, 1);
    stop(false);
    char from[1024], to[1024];
    snprintf(from, sizeof from, "%s/backups/data-20260301T120000Z.db", dir);
    snprintf(to, sizeof to, "%s/data.db", dir);
    remove_name("data.db-wal");
    remove_name("data.db-shm");
    cr_assert_eq(rename(from, to), 0);
    opens();
    expect_keys(0, 250, 1);
    cr_assert(strstr(rl_store_restored(store)->reason, "batches up to 100 only"), "%s",
              rl_store_restored(store)->reason);
}

/* --- refusals, and the other policies --------------------------------------------------------- */

Test(restore, no_refuses_and_says_what_to_do)
{
    tell_story();
    remove_name("data.db");
    options.restore = RL_RESTORE_NO;
    refuses(RL_STORE_DAMAGED, "is missing");
    cr_assert(strstr(error, "rubellite restore"), "%s", error);
    cr_assert(strstr(error, "1 backup, the newest of 2026-03-01T12:00:00Z"), "%s", error);
    cr_assert(access(store_files_path(dir, "data.db"), F_OK) != 0, "nothing was made");
    garbage("data.db");
    refuses(RL_STORE_DAMAGED, "--restore-on-start");
    cr_assert_eq(count_names("data.db.damaged-"), 0);
}

Test(restore, empty_begins_without_data)
{
    tell_story();
    garbage("data.db");
    options.restore = RL_RESTORE_EMPTY;
    start();
    cr_assert_eq(rows, 0);
    cr_assert_eq(rl_store_last_seq(store), 0);
    const rl_restore_report *r = rl_store_restored(store);
    cr_assert(!r->restored && r->moved_aside);
    cr_assert_eq(count_names("data.db.damaged-"), 1);
    cr_assert_eq(count_names("journal.damaged-"), 1);
    write_keys(0, 5, 3);
    stop(true);
    opens();
    expect_keys(0, 5, 3);
    cr_assert_null(rl_store_restored(store));
}

Test(restore, without_backups_it_is_refused)
{
    start();
    write_keys(0, 10, 1);
    stop(true);
    garbage("data.db");
    refuses(RL_STORE_DAMAGED, "There is no backup in");
    cr_assert(strstr(error, ".recover"), "%s", error);
    cr_assert_eq(count_names("data.db.damaged-"), 0);
}

Test(restore, an_empty_directory_is_a_first_start)
{
    start();
    cr_assert_null(rl_store_restored(store));
    write_keys(0, 10, 1);
    stop(true);
    opens();
    expect_keys(0, 10, 1);
}

Test(restore, a_file_of_redis_is_left_alone)
{
    tell_story();
    remove_name("data.db");
    store_files_write(store_files_path(dir, "data.db"), "REDIS0010\xfa\tredis-ver", 20);
    refuses(RL_STORE_REFUSED, "of a Redis server");
    cr_assert_eq(count_names("data.db.damaged-"), 0);
}

Test(restore, a_newer_or_foreign_database_is_left_alone)
{
    tell_story();
    sqlite3 *db = store_sql_open(store_files_path(dir, "data.db"));
    store_sql_run(db, "PRAGMA user_version = 99");
    sqlite3_close(db);
    refuses(RL_STORE_NEWER, "newer Rubellite");
    db = store_sql_open(store_files_path(dir, "data.db"));
    store_sql_run(db, "PRAGMA application_id = 1234");
    sqlite3_close(db);
    refuses(RL_STORE_REFUSED, "another program");
    cr_assert_eq(count_names("data.db.damaged-"), 0);
}

Test(restore, a_newer_backup_is_not_passed_over)
{
    tell_story();
    make_backup("0302T1200");
    sqlite3 *db = store_sql_open(store_files_path(dir, "backups/data-20260302T120000Z.db"));
    store_sql_run(db, "PRAGMA user_version = 99");
    sqlite3_close(db);
    garbage("data.db");
    refuses(RL_STORE_NEWER, "newer Rubellite");
    cr_assert_eq(count_names("data.db.damaged-"), 0);
    cr_assert_eq(count_names("data.db.restoring"), 0);
}

Test(restore, when_no_backup_is_good_nothing_is_touched)
{
    tell_story();
    garbage("backups/data-20260301T120000Z.db");
    garbage("data.db");
    refuses(RL_STORE_DAMAGED, "none of the 1 backups");
    cr_assert_eq(count_names("data.db"), 1);
}

Test(restore, the_journal_of_another_database_is_not_applied)
{
    tell_story();
    store_files_remove(rl_strdup(store_files_path(dir, "journal")));
    char *other = dir;
    dir = store_files_make();
    options.dir = dir;
    start();
    write_keys(0, 10, 77);
    stop(false);
    rename(store_files_path(dir, "journal"), store_files_path(other, "journal"));
    store_files_remove(dir);
    dir = other;
    options.dir = dir;
    remove_name("data.db");
    refuses(RL_STORE_REFUSED, "another database");
}

/* --- the system fails ------------------------------------------------------------------------- */

/* The n-th operation on files fails, or is the last thing the process does. */
static int calls_left;
static bool calls_end_the_process;
static rl_file_ops system_ops;

static bool fails(void) {
    if (calls_left == 0 || --calls_left > 0)
        return false;
    if (calls_end_the_process)
        _exit(9);
    errno = ENOSPC;
    return true;
}

static int failing_open(const char *path, int flags, mode_t mode) {
    return fails() ? -1 : system_ops.open(path, flags, mode);
}
static ssize_t failing_pwrite(int fd, const void *from, size_t len, off_t offset) {
    return fails() ? -1 : system_ops.pwrite(fd, from, len, offset);
}
static int failing_datasync(int fd) {
    return fails() ? -1 : system_ops.datasync(fd);
}
static int failing_sync_dir(const char *path) {
    return fails() ? -1 : system_ops.sync_dir(path);
}
static int failing_rename(const char *from, const char *to) {
    return fails() ? -1 : system_ops.rename(from, to);
}
static int failing_unlink(const char *path) {
    return fails() ? -1 : system_ops.unlink(path);
}

static rl_file_ops failing_ops;

static void fail_call(int nth, bool end_the_process) {
    system_ops = *rl_file_ops_get();
    failing_ops = system_ops;
    failing_ops.open = failing_open;
    failing_ops.pwrite = failing_pwrite;
    failing_ops.datasync = failing_datasync;
    failing_ops.sync_dir = failing_sync_dir;
    failing_ops.rename = failing_rename;
    failing_ops.unlink = failing_unlink;
    calls_left = nth;
    calls_end_the_process = end_the_process;
    rl_file_ops_set(&failing_ops);
}

static void begin_with(const char *whole) {
    store_files_remove(dir);
    dir = store_files_make();
    options.dir = dir;
    store_files_copy(whole, dir);
}

static void begin_damaged(const char *whole) {
    begin_with(whole);
    garbage("data.db");
    garbage("data.db-wal");
}

Test(restore, it_may_be_killed_at_any_moment, .timeout = 120)
{
    tell_story();
    char *whole = store_files_make();
    store_files_copy(dir, whole);
    int kills = 0;
    for (int nth = 1;; nth++) {
        begin_damaged(whole);
        pid_t child = fork();
        if (child == 0) {
            fail_call(nth, true);
            _exit(open_store() == RL_STORE_OK ? 0 : 1);
        }
        int status;
        waitpid(child, &status, 0);
        cr_assert(WIFEXITED(status));
        if (WEXITSTATUS(status) == 0)
            break;
        cr_assert_eq(WEXITSTATUS(status), 9, "call %d", nth);
        kills++;
        start();
        expect_keys(0, 50, 1);
        expect_keys(50, 200, 1000);
        cr_assert_eq(rl_store_last_seq(store), 250);
        cr_assert_geq(count_names("data.db.damaged-"), 1);
        stop(true);
        opens();
        cr_assert_null(rl_store_restored(store));
        stop(false);
    }
    cr_assert_gt(kills, 8, "%d", kills);
    store_files_remove(whole);
}

Test(restore, a_failing_system_is_told_and_the_next_start_goes_well, .timeout = 120)
{
    tell_story();
    char *whole = store_files_make();
    store_files_copy(dir, whole);
    int failures = 0;
    for (int nth = 1;; nth++) {
        begin_damaged(whole);
        fail_call(nth, false);
        int code = open_store();
        bool failed = calls_left == 0;
        rl_file_ops_set(NULL);
        if (code == RL_STORE_OK)
            stop(false); /* a failure that does not matter, as of removing what is not there */
        else
            cr_assert_eq(code, RL_STORE_IO, "call %d: %s", nth, error);
        failures += code != RL_STORE_OK;
        opens();
        expect_keys(0, 50, 1);
        expect_keys(50, 200, 1000);
        stop(false);
        if (!failed)
            break;
    }
    cr_assert_gt(failures, 6, "%d", failures);
    store_files_remove(whole);
}

/* What was damaged would go aside, and a backup be put in its place. */
static int open_while_reads_fail(const char *whole, uint64_t nth, bool lasting, bool *met) {
    begin_with(whole);
    faulty_plan plan = {FAULTY_READ, nth, FAULTY_ERROR, EIO, lasting, 0};
    faulty_plan_set(FAULTY_SQLITE, &plan);
    int code = open_store();
    *met = faulty_plan_was_met(FAULTY_SQLITE);
    faulty_plan_heal(FAULTY_SQLITE);
    if (code == RL_STORE_OK)
        stop(false);
    cr_assert_eq(count_names("data.db.damaged-"), 0, "read %d", (int)nth);
    opens();
    expect_keys(0, 50, 1);
    expect_keys(50, 200, 1000);
    stop(false);
    return code;
}

Test(restore, a_read_that_fails_is_no_damage, .timeout = 120)
{
    tell_story();
    char *whole = store_files_make();
    store_files_copy(dir, whole);
    faulty_vfs_install();
    bool met = true;
    int nth, refused = 0;
    for (nth = 1; met; nth++) {
        open_while_reads_fail(whole, (uint64_t)nth, false, &met);
        int code = open_while_reads_fail(whole, (uint64_t)nth, true, &met);
        /* The reads of the check beside the loading say nothing about the data. */
        cr_assert(code == RL_STORE_IO || code == RL_STORE_OK, "read %d: %d %s", nth, code, error);
        refused += met && strstr(error, "Nothing was changed") != NULL;
    }
    cr_assert_gt(nth, 10);
    cr_assert_gt(refused, 0);
    store_files_remove(whole);
}

/* Whoever restores by hand an older backup of a good database does not want the journal. */
Test(restore, the_journal_can_be_dropped)
{
    tell_story();
    rl_restore_report report;
    char backup[1024], journal[1024], path[1024];
    snprintf(backup, sizeof backup, "%s/backups/data-20260301T120000Z.db", dir);
    snprintf(journal, sizeof journal, "%s/journal", dir);
    snprintf(path, sizeof path, "%s/data.db", dir);
    rl_restore_options o = {.path = path, .backup = backup, .drop_journal = journal};
    cr_assert_eq(rl_restore_run(&o, "was asked for", &report, error, sizeof error), RL_STORE_OK,
                 "%s", error);
    cr_assert(report.restored && report.moved_aside && report.journal_aside[0]);
    cr_assert_eq(report.data_ms, 1772366400000);
    opens();
    cr_assert_eq(rows, 100);
    expect_keys(0, 100, 1);
    cr_assert(strstr(rl_store_restored(store)->reason, "was asked for"));
}
