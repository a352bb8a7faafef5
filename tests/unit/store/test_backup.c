/* SPDX-License-Identifier: MIT */
/* Backups: whole, of one moment, never half there, and never in anybody's way. */
#include "store/backup.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "lib/faulty_vfs.h"
#include "lib/store_files.h"
#include "store/backup_files.h"
#include "store/file_ops.h"
#include "store/schema.h"
#include "store/store.h"

static char *dir;
static char path[1024], backups[1024];
static sqlite3 *db; /* what the store thread has */
static rl_backup_options options;
static rl_backup_entry made;
static char error[1024];
static atomic_bool stop; /* of a second thread */

static void setup(void) {
    dir = store_files_make();
    snprintf(path, sizeof path, "%s/data.db", dir);
    snprintf(backups, sizeof backups, "%s/backups", dir);
    rl_schema_meta meta;
    cr_assert_eq(rl_schema_open(path, &db, &meta, error, sizeof error), RL_STORE_OK, "%s", error);
    options = (rl_backup_options){.source = path, .dir = backups, .stem = "data"};
    made = (rl_backup_entry){0};
}

static void teardown(void) {
    rl_backup_entry_release(&made);
    sqlite3_close(db);
    store_files_remove(dir);
}

TestSuite(backup, .init = setup, .fini = teardown);

/* A fold: `count` new rows of 1,000 bytes, whose values are the number of the fold. */
static void fold(uint64_t seq, int count) {
    store_sql_run(db, "BEGIN IMMEDIATE");
    for (int i = 0; i < count; i++)
        store_sql_run(db,
                      "INSERT INTO rl_key VALUES(NULL, 0, 1, NULL, hex(randomblob(8)), "
                      "printf('%%01000d', %llu))",
                      (unsigned long long)seq);
    store_sql_run(db, "UPDATE rl_meta SET value = %llu WHERE name = 'folded_seq'",
                  (unsigned long long)seq);
    store_sql_run(db, "UPDATE rl_meta SET value = value + %d WHERE name = 'rows'", count);
    store_sql_run(db, "COMMIT");
}

static void make(void) {
    rl_backup_entry_release(&made);
    cr_assert_eq(rl_backup_run(&options, &made, error, sizeof error), RL_STORE_OK, "%s", error);
}

static size_t files_in(const char *of) {
    DIR *d = opendir(of);
    size_t count = 0;
    struct dirent *entry;
    if (d == NULL)
        return 0;
    while ((entry = readdir(d)) != NULL)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(d);
    return count;
}

static const char *in_backups(const char *name) {
    return store_files_path(backups, name);
}

static void make_empty(const char *name) {
    mkdir(backups, 0700);
    store_files_write(in_backups(name), "", 0);
}

static const char *base_of(const char *of) {
    return strrchr(of, '/') + 1;
}

Test(backup, is_one_file_that_holds_it_all)
{
    fold(7, 50);
    store_sql_run(db, "CREATE TABLE mine(x); INSERT INTO mine VALUES (42)");
    int64_t from_ms = rl_clock_wall_ms();
    make();
    cr_assert_geq(made.made_ms, from_ms / 1000 * 1000);
    cr_assert_leq(made.made_ms, rl_clock_wall_ms());
    cr_assert_eq(made.made_ms % 1000, 0);
    cr_assert_eq(made.folded_seq, 7);
    cr_assert_eq(made.keys, 50);
    cr_assert_eq(files_in(backups), 1);
    struct stat st;
    cr_assert_eq(stat(made.path, &st), 0);
    cr_assert_eq(made.bytes, (uint64_t)st.st_size);

    sqlite3 *copy = store_sql_open(made.path);
    cr_assert_str_eq(store_sql_text(copy, "PRAGMA journal_mode"), "delete");
    cr_assert_str_eq(store_sql_text(copy, "PRAGMA integrity_check"), "ok");
    cr_assert_eq(store_sql_int(copy, "PRAGMA application_id"), RL_SCHEMA_APPLICATION_ID);
    cr_assert_eq(store_sql_int(copy, "PRAGMA user_version"), RL_SCHEMA_VERSION);
    cr_assert_eq(store_sql_int(copy, "SELECT count(*) FROM rl_key"), 50);
    cr_assert_eq(store_sql_int(copy, "SELECT x FROM mine"), 42);
    sqlite3_close(copy);
    cr_assert_eq(files_in(backups), 1, "looking at it makes nothing beside it");
    cr_assert_str_eq(store_sql_text(db, "PRAGMA journal_mode"), "wal", "the source stays as it is");
}

Test(backup, may_be_read_by_whom_the_data_may_be_read_by)
{
    struct stat st;
    fold(1, 1);
    cr_assert_eq(chmod(path, 0640), 0);
    make();
    cr_assert_eq(stat(made.path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0640);
}

Test(backup, goes_to_a_name_of_ones_own_but_over_no_file)
{
    fold(1, 10);
    char target[1100];
    snprintf(target, sizeof target, "%s/copy.db", dir);
    options.target = target;
    make();
    cr_assert_str_eq(made.path, target);
    sqlite3 *copy = store_sql_open(target);
    cr_assert_eq(store_sql_int(copy, "SELECT count(*) FROM rl_key"), 10);
    sqlite3_close(copy);
    cr_assert_eq(access(backups, F_OK), -1, "the directory was not asked for");

    rl_backup_entry again;
    fold(2, 10);
    cr_assert_eq(rl_backup_run(&options, &again, error, sizeof error), RL_STORE_REFUSED);
    cr_assert(strstr(error, target) && strstr(error, "there already"), "%s", error);
    copy = store_sql_open(target);
    cr_assert_eq(store_sql_int(copy, "SELECT count(*) FROM rl_key"), 10);
    sqlite3_close(copy);
}

Test(backup, each_has_a_second_of_its_own)
{
    rl_backup_entry *list;
    size_t count;
    fold(1, 1);
    for (int i = 0; i < 3; i++)
        make();
    cr_assert_eq(rl_backup_list(backups, "data", &list, &count, error, sizeof error), RL_STORE_OK);
    cr_assert_eq(count, 3);
    cr_assert_eq(list[0].made_ms, made.made_ms);
    cr_assert_lt(list[1].made_ms, list[0].made_ms);
    cr_assert_lt(list[2].made_ms, list[1].made_ms);
    for (size_t i = 0; i < count; i++)
        rl_backup_entry_release(&list[i]);
    rl_free(list);
}

static const rl_file_ops *system_files;
static char others[1024]; /* a backup of another process */

/* Just before the first part is made, another process finishes its backup of that name. */
static int open_behind_another(const char *name, int flags, mode_t mode) {
    const char *file = strrchr(name, '/') + 2; /* .NAME.part */
    if (flags & O_EXCL && others[0] == '\0') {
        snprintf(others, sizeof others, "%s", in_backups(file));
        others[strlen(others) - strlen(".part")] = '\0';
        store_files_write(others, "of another", 10);
    }
    return system_files->open(name, flags, mode);
}

Test(backup, of_the_same_second_another_process_has_its_own)
{
    system_files = rl_file_ops_get();
    rl_file_ops ops = *system_files;
    ops.open = open_behind_another;
    rl_file_ops_set(&ops);
    others[0] = '\0';
    make();
    rl_file_ops_set(NULL);
    struct stat st;
    cr_assert_eq(stat(others, &st), 0);
    cr_assert_eq(st.st_size, 10, "it is replaced");
    cr_assert_str_neq(made.path, others);
    cr_assert_eq(files_in(backups), 2, "a part is left");
}

Test(backup, the_list_has_backups_only_newest_first)
{
    static const char *const names[] = {
        "data-20250101T000000Z.db",       "data-20251231T235959Z.db", "data-20250601T120000Z.db",
        "other-20260601T120000Z.db",      "data-20260601T12000Z.db",  "data-20260601T120000Z.db.gz",
        ".data-20260601T120001Z.db.part", "data-20260601X120000Z.db", "data.db",
        "data-20260601T120000Z.db-wal",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        make_empty(names[i]);
    cr_assert_eq(mkdir(in_backups("data-20270101T000000Z.db"), 0700), 0);
    rl_backup_entry *list;
    size_t count;
    cr_assert_eq(rl_backup_list(backups, "data", &list, &count, error, sizeof error), RL_STORE_OK);
    cr_assert_eq(count, 3);
    cr_assert_str_eq(base_of(list[0].path), names[1]);
    cr_assert_str_eq(base_of(list[1].path), names[2]);
    cr_assert_str_eq(base_of(list[2].path), names[0]);
    cr_assert_eq(list[0].made_ms, INT64_C(1767225599000));
    for (size_t i = 0; i < count; i++)
        rl_backup_entry_release(&list[i]);
    rl_free(list);

    cr_assert_eq(rl_backup_list("/nowhere/at/all", "data", &list, &count, error, sizeof error),
                 RL_STORE_OK);
    cr_assert_eq(count, 0);
    cr_assert_eq(rl_backup_list(path, "data", &list, &count, error, sizeof error), RL_STORE_IO);
    cr_assert(strstr(error, path), "%s", error);
}

Test(backup, one_of_the_future_is_not_the_newest)
{
    make_empty("data-29990101T000000Z.db");
    make_empty("data-29990102T000000Z.db");
    fold(1, 1);
    make();
    rl_backup_entry *list;
    size_t count;
    cr_assert_eq(rl_backup_list(backups, "data", &list, &count, error, sizeof error), RL_STORE_OK);
    cr_assert_eq(count, 3);
    cr_assert_str_eq(list[0].path, made.path);
    cr_assert_str_eq(base_of(list[1].path), "data-29990102T000000Z.db");
    for (size_t i = 0; i < count; i++)
        rl_backup_entry_release(&list[i]);
    rl_free(list);
    cr_assert_eq(rl_backup_prune(backups, "data", 1), 2);
    cr_assert_eq(access(made.path, F_OK), 0);
}

Test(backup, only_the_newest_are_kept)
{
    make_empty("data-20250101T000000Z.db");
    make_empty("data-20250102T000000Z.db");
    make_empty("data-20250103T000000Z.db");
    make_empty("notes.txt");
    cr_assert_eq(rl_backup_prune(backups, "data", 5), 0);
    cr_assert_eq(rl_backup_prune(backups, "data", 2), 1);
    cr_assert_eq(access(in_backups("data-20250101T000000Z.db"), F_OK), -1);
    cr_assert_eq(rl_backup_prune(backups, "data", 0), 1);
    cr_assert_eq(access(in_backups("data-20250103T000000Z.db"), F_OK), 0, "the last one stays");
    cr_assert_eq(access(in_backups("notes.txt"), F_OK), 0);
}

Test(backup, tells_what_is_in_it)
{
    fold(33, 4);
    make();
    rl_backup_entry e = {.path = made.path};
    cr_assert_eq(rl_backup_describe(&e, error, sizeof error), RL_STORE_OK, "%s", error);
    cr_assert_eq(e.folded_seq, 33);
    cr_assert_eq(e.keys, 4);
    cr_assert_eq(files_in(backups), 1);

    make_empty("data-20250101T000000Z.db");
    e.path = (char *)in_backups("data-20250101T000000Z.db");
    cr_assert_eq(rl_backup_describe(&e, error, sizeof error), RL_STORE_DAMAGED);
    cr_assert(strstr(error, "data-20250101T000000Z.db"), "%s", error);
    store_files_write(e.path, "not a database, but long enough to look at: ............ ", 57);
    cr_assert_eq(rl_backup_describe(&e, error, sizeof error), RL_STORE_DAMAGED);
}

Test(backup, stems)
{
    static const char *const pairs[][2] = {
        {"data.db", "data"}, {"data", "data"}, {"a.b.db", "a.b"}, {".db", ".db"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char *stem = rl_backup_stem(pairs[i][0]);
        cr_assert_str_eq(stem, pairs[i][1]);
        rl_free(stem);
    }
}

Test(backup, what_a_killed_run_left_is_removed_and_what_another_is_at_is_not)
{
    static const char *const left[] = {".data-20250101T000000Z.db.part",
                                       ".data-20250101T000000Z.db.part-wal",
                                       ".data-20250102T000000Z.db.part-journal"};
    static const char *const foreign[] = {".other-20250101T000000Z.db.part", ".data-x.db.part"};
    for (size_t i = 0; i < 3; i++)
        make_empty(left[i]);
    for (size_t i = 0; i < 2; i++)
        make_empty(foreign[i]);
    make_empty(".data-20250103T000000Z.db.part");
    int fd = open(in_backups(".data-20250103T000000Z.db.part"), O_RDWR);
    cr_assert_eq(flock(fd, LOCK_EX), 0);
    make();
    for (size_t i = 0; i < 3; i++)
        cr_assert_eq(access(in_backups(left[i]), F_OK), -1, "%s", left[i]);
    for (size_t i = 0; i < 2; i++)
        cr_assert_eq(access(in_backups(foreign[i]), F_OK), 0, "%s", foreign[i]);
    cr_assert_eq(access(in_backups(".data-20250103T000000Z.db.part"), F_OK), 0);
    close(fd);
}

static void *keep_cleaning(void *arg) {
    while (!atomic_load(&stop))
        store_backup_parts_clean(arg, "data");
    return NULL;
}

static bool is_at(int fd, const char *name) {
    struct stat of_fd, of_name;
    return fstat(fd, &of_fd) == 0 && stat(name, &of_name) == 0 && of_fd.st_ino == of_name.st_ino;
}

Test(backup, a_part_just_made_is_not_cleared_away)
{
    make(); /* the directory */
    const char *part = in_backups(".data-20250101T000000Z.db.part");
    atomic_store(&stop, false);
    pthread_t cleaner;
    cr_assert_eq(pthread_create(&cleaner, NULL, keep_cleaning, backups), 0);
    size_t had = 0;
    for (int i = 0; i < 5000; i++) {
        int fd = store_backup_part_create(part);
        if (fd < 0) { /* the cleaner was faster, each time */
            cr_assert_eq(errno, EEXIST, "%s", strerror(errno));
            continue;
        }
        had++;
        for (int look = 0; look < 10; look++)
            cr_assert(is_at(fd, part), "the part of run %d is gone while it is in use", i);
        store_backup_part_remove(part);
        close(fd);
    }
    atomic_store(&stop, true);
    pthread_join(cleaner, NULL);
    cr_assert_gt(had, 0);
}

/* ---- one moment ---- */

static _Atomic uint64_t commits;

/* Each commit changes two rows far from each other, so half a commit would show. */
static void *keep_writing(void *arg) {
    sqlite3 *writer = arg;
    for (uint64_t n = 1; !atomic_load(&stop); n++) {
        store_sql_run(writer, "BEGIN IMMEDIATE");
        store_sql_run(writer, "UPDATE rl_key SET value = %llu WHERE id IN (1, 2000)",
                      (unsigned long long)n);
        store_sql_run(writer, "UPDATE rl_meta SET value = %llu WHERE name = 'folded_seq'",
                      (unsigned long long)n);
        store_sql_run(writer, "COMMIT");
        atomic_store(&commits, n);
        if (n % 500 == 0)
            sqlite3_wal_checkpoint_v2(writer, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    }
    return NULL;
}

static uint64_t steps, commits_at_first;

static bool wait_for_commits(void *arg, uint64_t done, uint64_t total) {
    (void)arg;
    cr_assert_leq(done, total);
    if (steps++ == 0)
        commits_at_first = atomic_load(&commits);
    uint64_t before = atomic_load(&commits);
    while (done < total && atomic_load(&commits) < before + 20) {}
    return true;
}

Test(backup, is_of_one_moment_while_others_write)
{
    fold(0, 2000);
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, keep_writing, db), 0);
    while (atomic_load(&commits) < 10) {}
    options.on_step = wait_for_commits;
    uint64_t before = atomic_load(&commits);
    make();
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    cr_assert_gt(steps, 1);
    cr_assert_lt(steps, 100, "it did not begin again and again");
    cr_assert_geq(made.folded_seq, before);
    cr_assert_leq(made.folded_seq, commits_at_first + 1);
    sqlite3 *copy = store_sql_open(made.path);
    cr_assert_eq(store_sql_int(copy, "SELECT value FROM rl_key WHERE id = 1"),
                 (int64_t)made.folded_seq);
    cr_assert_eq(store_sql_int(copy, "SELECT value FROM rl_key WHERE id = 2000"),
                 (int64_t)made.folded_seq);
    cr_assert_eq(store_sql_int(copy, "SELECT value FROM rl_meta WHERE name = 'folded_seq'"),
                 (int64_t)made.folded_seq);
    cr_assert_str_eq(store_sql_text(copy, "PRAGMA integrity_check"), "ok");
    sqlite3_close(copy);
}

/* ---- speed ---- */

static int64_t first_step_us, last_step_us;

static bool note_step(void *arg, uint64_t done, uint64_t total) {
    (void)arg;
    (void)done;
    (void)total;
    last_step_us = rl_clock_mono_us();
    if (steps++ == 0)
        first_step_us = last_step_us;
    return true;
}

Test(backup, keeps_to_its_rate)
{
    fold(1, 1000);
    store_sql_run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    options.rate = (uint64_t)st.st_size * 4; /* a quarter of a second */
    options.on_step = note_step;
    int64_t from_us = rl_clock_mono_us();
    make();
    cr_assert_gt(rl_clock_mono_us() - from_us, 150000);
    cr_assert_gt(steps, 4, "in small steps");
}

static uint64_t full_speed(void *arg) {
    (void)arg;
    return steps < 3 ? 4096 : 0;
}

Test(backup, its_rate_may_change_on_the_way)
{
    fold(1, 1000);
    options.rate = 1; /* a day and more */
    options.rate_now = full_speed;
    options.on_step = note_step;
    make();
    cr_assert_geq(steps, 3);
}

/* ---- failures leave nothing ---- */

static void expect_failure(int code) {
    size_t before = files_in(backups);
    rl_backup_entry out = {.made_ms = -1};
    cr_assert_eq(rl_backup_run(&options, &out, error, sizeof error), code, "%s", error);
    cr_assert_eq(out.made_ms, -1);
    cr_assert_eq(files_in(backups), before, "nothing is left behind");
}

static bool refuse(void *arg, uint64_t done, uint64_t total) {
    return arg == NULL ? false : done < total; /* at once, or once all is copied */
}

Test(backup, ends_when_told_to)
{
    fold(1, 3000);
    options.on_step = refuse;
    options.rate = 100;
    expect_failure(RL_STORE_REFUSED);
    options.rate = 0;
    options.arg = &options;
    expect_failure(RL_STORE_REFUSED);
    options.on_step = NULL;
    make();
}

Test(backup, says_why_there_is_none)
{
    fold(1, 10);
    options.source = "/nowhere/data.db";
    expect_failure(RL_STORE_IO);
    cr_assert(strstr(error, "/nowhere/data.db"), "%s", error);
    options.source = path;

    store_files_write(backups, "a file", 6);
    rl_backup_entry out;
    cr_assert_eq(rl_backup_run(&options, &out, error, sizeof error), RL_STORE_IO);
    cr_assert(strstr(error, "Not a directory"), "%s", error);
    cr_assert_eq(unlink(backups), 0);
    make();

    char other[1100];
    snprintf(other, sizeof other, "%s/other.db", dir);
    sqlite3 *foreign = store_sql_open(other);
    store_sql_run(foreign, "CREATE TABLE t(x)");
    sqlite3_close(foreign);
    options.source = other;
    expect_failure(RL_STORE_DAMAGED);
    cr_assert(strstr(error, "other.db"), "%s", error);
}

Test(backup, a_damaged_file_makes_no_backup)
{
    fold(1, 2000);
    store_sql_run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    int64_t page = store_sql_int(db, "SELECT rootpage FROM sqlite_schema WHERE name = 'rl_key'");
    sqlite3_close(db);
    db = NULL;
    store_files_damage(path, (page - 1) * 4096 + 3, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    expect_failure(RL_STORE_DAMAGED);
    cr_assert(strstr(error, path) && strstr(error, "damaged"), "%s", error);
}

Test(backup, a_failing_disk_makes_none_and_a_good_one_does)
{
    sqlite3_close(db);
    faulty_vfs_install();
    rl_schema_meta meta;
    cr_assert_eq(rl_schema_open(path, &db, &meta, error, sizeof error), RL_STORE_OK, "%s", error);
    fold(1, 3000);
    make();
    faulty_vfs_fail(ENOSPC);
    expect_failure(RL_STORE_IO);
    cr_assert(strstr(error, "full"), "%s", error);
    faulty_vfs_heal();
    for (uint64_t nth = 1; nth < 400; nth += 57) {
        faulty_vfs_fail_once(nth);
        expect_failure(RL_STORE_IO);
    }
    faulty_vfs_heal();
    make();
}

/* A file of 8 TiB that takes no room: SQLite goes by what its header says. */
Test(backup, needs_room_and_says_how_much)
{
    fold(1, 10);
    store_sql_run(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    sqlite3_close(db);
    db = NULL;
    static const char pages[] = {(char)0x7f, (char)0xff, (char)0xff, (char)0xff};
    store_files_damage(path, 28, pages, sizeof pages);
    cr_assert_eq(truncate(path, (off_t)0x7fffffff * 4096), 0);
    mkdir(backups, 0700);
    expect_failure(RL_STORE_IO);
    cr_assert(strstr(error, "8388608 MB more") && strstr(error, "missing"), "%s", error);
}
