/* SPDX-License-Identifier: MIT */
/*
 * Files of schema version 1: a start backs them up and brings them to ours, whole or not at all,
 * and what their journal holds is folded on top.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "lib/store_files.h"
#include "store/backup.h"
#include "store/journal_format.h"
#include "store/schema.h"
#include "store/store.h"

static char *dir;
static char path[1024];
static rl_store *store;
static rl_store_options options;
static char error[2048];

static void setup(void) {
    dir = store_files_make();
    snprintf(path, sizeof path, "%s/data.db", dir);
    store = NULL;
    options = store_files_options(dir);
    options.restore = RL_RESTORE_YES;
    options.upkeep.backup_retain = 5;
    options.check = RL_CHECK_FULL;
    store_files_version_1(path);
}

static void teardown(void) {
    rl_store_close(store, false);
    store_files_remove(dir);
}

TestSuite(migrate, .init = setup, .fini = teardown, .timeout = 60);

static char rows[1000];

static void on_row(void *arg, const rl_store_row *row) {
    (void)arg;
    size_t at = strlen(rows);
    snprintf(rows + at, sizeof rows - at, "%d:%d/%d ", (int)row->id, (int)row->key.len,
             (int)row->value.len);
}

static int open_store(void) {
    int code = rl_store_open(&options, &store, error, sizeof error);
    if (code != RL_STORE_OK)
        return code;
    rows[0] = 0;
    rl_store_loading loading = {.on_row = on_row};
    return rl_store_load(store, &loading, error, sizeof error);
}

static int version_of(const char *file) {
    sqlite3 *db = store_sql_open(file);
    int version = (int)store_sql_int(db, "PRAGMA user_version");
    sqlite3_close(db);
    return version;
}

/* How many backups there are, all of version 1 and good. */
static size_t backups_of_version_1(void) {
    rl_backup_entry *list = NULL;
    size_t count = 0;
    cr_assert_eq(rl_backup_list(store_files_path(dir, "backups"), "data", &list, &count, error,
                                sizeof error),
                 RL_STORE_OK);
    for (size_t i = 0; i < count; i++) {
        cr_assert_eq(
            rl_check_file(list[i].path, RL_CHECK_FULL, true, NULL, NULL, error, sizeof error),
            RL_STORE_OK, "%s", error);
        cr_assert_eq(rl_backup_describe(&list[i], error, sizeof error), RL_STORE_OK);
        cr_assert_eq(list[i].folded_seq, 7);
        cr_assert_eq(list[i].keys, 2);
        cr_assert_eq(version_of(list[i].path), 1);
        rl_backup_entry_release(&list[i]);
    }
    rl_free(list);
    return count;
}

Test(migrate, a_start_brings_it_to_our_version_after_a_backup)
{
    cr_assert_eq(open_store(), RL_STORE_OK, "%s", error);
    cr_assert_str_eq(rows, "1:1/3 3:1/1 ");
    cr_assert_eq(rl_store_next_id(store), 4);
    cr_assert_eq(rl_store_last_seq(store), 7);
    cr_assert_eq(rl_store_close(store, true), RL_STORE_OK);
    store = NULL;
    cr_assert_eq(backups_of_version_1(), 1);
    sqlite3 *db = store_sql_open(path);
    cr_assert_eq(store_sql_int(db, "PRAGMA user_version"), 2);
    cr_assert_eq(store_sql_int(db, "SELECT value FROM rl_meta WHERE name = 'schema_version'"), 2);
    cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM orders"), 1);
    cr_assert_eq(store_sql_int(db, "SELECT (SELECT count(*) FROM hashes)"
                                   " + (SELECT count(*) FROM lists) + (SELECT count(*) FROM sets)"
                                   " + (SELECT count(*) FROM zsets)"),
                 0);
    sqlite3_close(db);
    /* A second start has nothing to do. */
    cr_assert_eq(open_store(), RL_STORE_OK, "%s", error);
    cr_assert_eq(backups_of_version_1(), 1);
}

Test(migrate, it_is_then_as_a_new_file_is)
{
    char other[1100];
    snprintf(other, sizeof other, "%s/new.db", dir);
    sqlite3 *db;
    rl_schema_meta meta;
    cr_assert_eq(rl_schema_open(other, &db, &meta, error, sizeof error), RL_STORE_OK);
    static char want[20000];
    static const char question[] =
        "SELECT group_concat(type || name || tbl_name || ifnull(sql, ''), char(10)) FROM"
        " (SELECT * FROM sqlite_schema WHERE tbl_name <> 'orders' ORDER BY type, name)";
    snprintf(want, sizeof want, "%s", store_sql_text(db, question));
    sqlite3_close(db);
    cr_assert_eq(open_store(), RL_STORE_OK, "%s", error);
    db = store_sql_open(path);
    cr_assert_str_eq(store_sql_text(db, question), want);
    sqlite3_close(db);
}

Test(migrate, without_a_backup_nothing_is_changed)
{
    /* The place of the directory is taken: also root cannot write there. */
    store_files_write(store_files_path(dir, "backups"), "x", 1);
    cr_assert_eq(open_store(), RL_STORE_IO, "%s", error);
    cr_assert(strstr(error, "schema version 1") && strstr(error, "backup") &&
                  strstr(error, "Nothing was changed") && strstr(error, "start again"),
              "%s", error);
    cr_assert_eq(version_of(path), 1);
    unlink(store_files_path(dir, "backups"));
    cr_assert_eq(open_store(), RL_STORE_OK, "%s", error);
    cr_assert_eq(backups_of_version_1(), 1);
}

Test(migrate, a_name_that_is_taken_stops_it_and_nothing_is_changed)
{
    sqlite3 *db = store_sql_open(path);
    store_sql_run(db, "CREATE TABLE zsets(a)");
    sqlite3_close(db);
    cr_assert_eq(open_store(), RL_STORE_SQLITE, "%s", error);
    cr_assert(strstr(error, "zsets") && strstr(error, "nothing was changed"), "%s", error);
    cr_assert_eq(version_of(path), 1);
    db = store_sql_open(path);
    cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM sqlite_schema WHERE name = 'rl_hash'"), 0);
    store_sql_run(db, "ALTER TABLE zsets RENAME TO mine");
    sqlite3_close(db);
    /* As after a kill between the backup and the migration. */
    cr_assert_eq(open_store(), RL_STORE_OK, "%s", error);
    cr_assert_eq(version_of(path), 2);
    cr_assert_eq(backups_of_version_1(), 2);
}

Test(migrate, a_backup_of_version_1_that_is_restored_is_migrated_too)
{
    rl_backup_options o = {.source = path, .dir = store_files_path(dir, "backups"), .stem = "data"};
    rl_backup_entry made = {0};
    cr_assert_eq(rl_backup_run(&o, &made, error, sizeof error), RL_STORE_OK, "%s", error);
    rl_backup_entry_release(&made);
    unlink(path);
    cr_assert_eq(open_store(), RL_STORE_OK, "%s", error);
    cr_assert_str_eq(rows, "1:1/3 3:1/1 ");
    cr_assert_eq(version_of(path), 2);
}

/* --- its journal ------------------------------------------------------------------------------ */

/* Gives every frame of a segment the batch version 1. */
static void age_segment(const char *file) {
    FILE *f = fopen(file, "r+b");
    static char bytes[1 << 20];
    size_t len = fread(bytes, 1, sizeof bytes, f);
    rl_segment_header header;
    if (rl_segment_header_read(bytes, &header) == RL_HEADER_GOOD) {
        rl_frame_walk walk = {.segment = rl_bytes_of(bytes, len),
                              .salt = header.salt,
                              .offset = RL_SEGMENT_HEADER_BYTES};
        rl_frame frame;
        while (rl_frame_walk_next(&walk, &frame) == RL_FRAME_GOOD) {
            char *at = bytes + frame.offset;
            cr_assert_eq(at[4], RL_BATCH_VERSION);
            at[4] = 1;
            uint64_t sum = XXH3_64bits_withSeed(at, 56, header.salt);
            for (int i = 0; i < 8; i++)
                at[56 + i] = (char)(sum >> (8 * i));
        }
        rewind(f);
        cr_assert_eq(fwrite(bytes, 1, len, f), len);
    }
    fclose(f);
}

static void age_journal(const char *of) {
    char name[2000];
    snprintf(name, sizeof name, "%s/journal", of);
    DIR *d = opendir(name);
    struct dirent *entry;
    while ((entry = readdir(d)) != NULL) {
        uint64_t number;
        snprintf(name, sizeof name, "%s/journal/%s", of, entry->d_name);
        if (rl_segment_name_read(entry->d_name, &number))
            age_segment(name);
    }
    closedir(d);
}

static void on_notify(void *arg) {
    (void)arg;
}

Test(migrate, the_journal_that_version_1_left_is_folded)
{
    options.notify = on_notify;
    cr_assert_eq(open_store(), RL_STORE_OK, "%s", error);
    cr_assert_eq(rl_store_start(store, error, sizeof error), RL_STORE_OK, "%s", error);
    rl_batch_builder *builder = rl_batch_builder_create();
    rl_batch_key(builder, 4, 0, RL_TYPE_STRING, RL_NEVER, RL_BYTES("late"), RL_BYTES("v"));
    rl_batch_delete(builder, 1, RL_TYPE_STRING);
    rl_store_append(store, rl_batch_seal(builder, 8));
    rl_store_progress progress = {0};
    while (progress.appended_seq < 8) {
        rl_store_collect(store);
        rl_store_progress_read(store, &progress);
    }
    rl_batch_builder_free(builder);
    char *copy = store_files_make();
    store_files_copy(dir, copy);
    cr_assert_eq(rl_store_close(store, false), RL_STORE_OK);
    store = NULL;
    /* The directory as version 1 would have left it. */
    char old[1100];
    snprintf(old, sizeof old, "%s/data.db", copy);
    sqlite3 *db = store_sql_open(old);
    store_sql_run(db, "DROP VIEW hashes; DROP VIEW lists; DROP VIEW sets; DROP VIEW zsets;"
                      "DROP TABLE rl_hash; DROP TABLE rl_list; DROP TABLE rl_set;"
                      "DROP TABLE rl_zset; DROP TABLE rl_dead;"
                      "UPDATE rl_meta SET value = 1 WHERE name = 'schema_version';"
                      "PRAGMA user_version = 1");
    cr_assert_eq(store_sql_int(db, "SELECT value FROM rl_meta WHERE name = 'folded_seq'"), 7);
    sqlite3_close(db);
    age_journal(copy);
    options.dir = copy;
    cr_assert_eq(open_store(), RL_STORE_OK, "%s", error);
    cr_assert_eq(rl_store_replayed(store), 1);
    cr_assert_str_eq(rows, "3:1/1 4:4/1 ");
    rl_store_close(store, false);
    store = NULL;
    store_files_remove(copy);
}
