/* SPDX-License-Identifier: MIT */
/* Restoring; see restore.h. */
#include "store/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/backup.h"
#include "store/check.h"
#include "store/file_ops.h"
#include "store/schema.h"
#include "store/store.h"

#define COPY_BYTES (1u << 20)
#define DAMAGED    "damaged"   /* what is moved aside is called so */
#define MARK       "restoring" /* the name in rl_meta */

/* What SQLite may have beside a database. Renamed with it, they keep belonging to it. */
static const char *const endings[] = {"", "-wal", "-shm", "-journal"};

static int fail_system(char *error, size_t error_len, const char *doing, const char *path) {
    snprintf(error, error_len, "%s while %s %s", strerror(errno), doing, path);
    return RL_STORE_IO;
}

static char *joined(const char *path, const char *ending) {
    size_t len = strlen(path) + strlen(ending) + 1;
    char *out = rl_malloc(len);
    snprintf(out, len, "%s%s", path, ending);
    return out;
}

static int sync_dir_of(const char *path, char *error, size_t error_len) {
    const char *slash = strrchr(path, '/');
    char *dir = slash ? rl_strndup(path, (size_t)(slash - path)) : rl_strdup(".");
    int code = RL_STORE_OK;
    if (rl_file_ops_get()->sync_dir(dir[0] ? dir : "/") != 0)
        code = fail_system(error, error_len, "syncing the directory", dir);
    rl_free(dir);
    return code;
}

void rl_restore_time_text(int64_t wall_ms, char *out, size_t out_len) {
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc;
    if (gmtime_r(&seconds, &utc) == NULL || strftime(out, out_len, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        snprintf(out, out_len, "?");
}

/* --- aside ----------------------------------------------------------------------------------- */

static bool is_taken(const char *name) {
    struct stat st;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char *path = joined(name, endings[i]);
        bool taken = lstat(path, &st) == 0;
        rl_free(path);
        if (taken)
            return true;
    }
    return false;
}

/* PATH.damaged-20261121T154500Z, or with a number behind it. */
static void aside_name(const char *path, const char *word, char *out, size_t out_len) {
    time_t now = (time_t)(rl_clock_wall_ms() / 1000);
    struct tm utc;
    char stamp[32] = "";
    if (gmtime_r(&now, &utc))
        strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
    snprintf(out, out_len, "%s.%s-%s", path, word, stamp);
    for (int i = 2; is_taken(out); i++)
        snprintf(out, out_len, "%s.%s-%s-%d", path, word, stamp, i);
}

/* 1 when it was renamed, 0 when there is nothing of that name, -1 and errno. */
static int rename_if_there(const char *from, const char *to) {
    if (rl_file_ops_get()->rename(from, to) == 0)
        return 1;
    return errno == ENOENT ? 0 : -1;
}

/* Moves the database and what lies beside it to the name `aside`. */
static int move_files(const char *path, const char *aside, bool *moved, char *error,
                      size_t error_len) {
    *moved = false;
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char *from = joined(path, endings[i]);
        char *to = joined(aside, endings[i]);
        int rc = rename_if_there(from, to);
        int code = rc < 0 ? fail_system(error, error_len, "moving aside", from) : RL_STORE_OK;
        *moved |= rc > 0;
        rl_free(from);
        rl_free(to);
        if (code != RL_STORE_OK)
            return code;
    }
    return *moved ? sync_dir_of(path, error, error_len) : RL_STORE_OK;
}

int rl_restore_move_aside(const char *path, rl_restore_report *report, char *error,
                          size_t error_len) {
    char name[sizeof report->aside];
    aside_name(path, DAMAGED, name, sizeof name);
    int code = move_files(path, name, &report->moved_aside, error, error_len);
    if (report->moved_aside)
        memcpy(report->aside, name, sizeof name);
    return code;
}

static int rename_aside(const char *path, const char *word, char *aside, size_t aside_len,
                        char *error, size_t error_len) {
    aside_name(path, word, aside, aside_len);
    int rc = rename_if_there(path, aside);
    if (rc > 0)
        return sync_dir_of(path, error, error_len);
    aside[0] = '\0';
    return rc == 0 ? RL_STORE_OK : fail_system(error, error_len, "moving aside", path);
}

int rl_restore_rename_aside(const char *path, char *aside, size_t aside_len, char *error,
                            size_t error_len) {
    return rename_aside(path, DAMAGED, aside, aside_len, error, error_len);
}

static const char *word_of(const rl_restore_options *o) {
    return o->aside_word ? o->aside_word : DAMAGED;
}

/* --- the mark -------------------------------------------------------------------------------- */

/* Into the copy, which becomes one file without a journal beside it, whatever it was before. */
static int mark(const char *copy, const rl_restore_report *report, char *error, size_t error_len) {
    sqlite3 *db;
    int code = rl_schema_open_more(copy, false, &db, error, error_len);
    if (code != RL_STORE_OK)
        return code;
    sqlite3_stmt *stmt = NULL;
    int rc = sqlite3_exec(db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(db,
                                "INSERT OR REPLACE INTO rl_meta VALUES('" MARK "', json_object("
                                "'backup', ?1, 'aside', ?2, 'reason', ?3, 'data_ms', ?4))",
                                -1, &stmt, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_text(stmt, 1, report->backup, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 2, report->aside, -1, SQLITE_STATIC);
        sqlite3_bind_text(stmt, 3, report->reason, -1, SQLITE_STATIC);
        sqlite3_bind_int64(stmt, 4, report->data_ms);
        sqlite3_step(stmt);
    }
    int end = sqlite3_finalize(stmt);
    if (rc == SQLITE_OK)
        rc = end;
    if (rc != SQLITE_OK) {
        snprintf(error, error_len, "%s while writing to %s", sqlite3_errmsg(db), copy);
        code = rl_schema_error_of(rc);
    }
    sqlite3_close(db);
    return code;
}

static void take_text(sqlite3_stmt *stmt, int column, char *out, size_t out_len) {
    const char *text = (const char *)sqlite3_column_text(stmt, column);
    snprintf(out, out_len, "%s", text ? text : "");
}

bool rl_restore_marked(const char *path, rl_restore_report *report) {
    sqlite3 *db;
    char error[256];
    if (rl_schema_open_more(path, true, &db, error, sizeof error) != RL_STORE_OK)
        return false;
    sqlite3_stmt *stmt = NULL;
    bool marked = false;
    int rc = sqlite3_prepare_v2(
        db,
        "SELECT value->>'backup', value->>'aside', value->>'reason', value->>'data_ms',"
        " (SELECT value FROM rl_meta WHERE name = 'folded_seq')"
        " FROM rl_meta WHERE name = '" MARK "' AND json_valid(value)",
        -1, &stmt, NULL);
    if (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) {
        marked = report->restored = true;
        take_text(stmt, 0, report->backup, sizeof report->backup);
        take_text(stmt, 1, report->aside, sizeof report->aside);
        take_text(stmt, 2, report->reason, sizeof report->reason);
        report->moved_aside = report->aside[0] != '\0';
        report->data_ms = sqlite3_column_int64(stmt, 3);
        report->folded_seq = (uint64_t)sqlite3_column_int64(stmt, 4);
    }
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return marked;
}

int rl_restore_unmark(const char *path, bool new_history, char *error, size_t error_len) {
    sqlite3 *db;
    int code = rl_schema_open_more(path, false, &db, error, error_len);
    if (code != RL_STORE_OK)
        return code;
    char sql[256], run_id[41];
    rl_schema_draw_run_id(run_id);
    snprintf(sql, sizeof sql,
             "BEGIN IMMEDIATE; DELETE FROM rl_meta WHERE name = '" MARK "';"
             "UPDATE rl_meta SET value = '%s' WHERE name = 'run_id' AND %d; COMMIT",
             run_id, new_history);
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    if (rc != SQLITE_OK) {
        snprintf(error, error_len, "%s while writing to %s", sqlite3_errmsg(db), path);
        code = rl_schema_error_of(rc);
    }
    sqlite3_close(db);
    return code;
}

/* --- the copy -------------------------------------------------------------------------------- */

/* The backup's fault, or the system's? Another backup would help in the first case only. */
typedef enum verdict {
    GOOD,
    PASS_OVER,
    GIVE_UP,
} verdict;

static verdict copy_bytes(int from, int to, const char *backup, const char *copy, char *error,
                          size_t error_len) {
    char *buffer = rl_malloc(COPY_BYTES);
    verdict result = GOOD;
    for (uint64_t at = 0; result == GOOD;) {
        ssize_t n = pread(from, buffer, COPY_BYTES, (off_t)at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n == 0)
            break;
        if (n < 0) {
            fail_system(error, error_len, "reading", backup);
            result = PASS_OVER;
        } else if (rl_file_write_all(to, buffer, (size_t)n, at) != 0) {
            fail_system(error, error_len, "writing", copy);
            result = GIVE_UP;
        }
        at += n > 0 ? (uint64_t)n : 0;
    }
    rl_free(buffer);
    return result;
}

/* With the permissions of the file it takes the place of. */
static mode_t mode_for(const char *path, mode_t otherwise) {
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) ? st.st_mode & 0777 : otherwise;
}

static verdict copy_backup(const char *backup, const char *copy, const char *path, char *error,
                           size_t error_len) {
    const rl_file_ops *files = rl_file_ops_get();
    int from = open(backup, O_RDONLY | O_CLOEXEC);
    if (from < 0) {
        fail_system(error, error_len, "opening", backup);
        return errno == ENOENT ? PASS_OVER : GIVE_UP;
    }
    verdict result = GIVE_UP;
    int to = files->open(copy, O_RDWR | O_CREAT | O_EXCL, mode_for(path, 0644));
    if (to < 0) {
        fail_system(error, error_len, "creating", copy);
    } else {
        result = copy_bytes(from, to, backup, copy, error, error_len);
        files->close(to);
    }
    close(from);
    return result;
}

static void remove_copy(const char *copy) {
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char *name = joined(copy, endings[i]);
        rl_file_ops_get()->unlink(name);
        rl_free(name);
    }
}

/* What a code of ours says about the backup. */
static verdict verdict_of(int code) {
    switch (code) {
    case RL_STORE_OK:
        return GOOD;
    case RL_STORE_NEWER: /* an older one would take back what the newer version wrote */
    case RL_STORE_IO:
        return GIVE_UP;
    default:
        return PASS_OVER;
    }
}

static int sync_file(const char *path, char *error, size_t error_len) {
    const rl_file_ops *files = rl_file_ops_get();
    int fd = files->open(path, O_RDWR, 0);
    int code = RL_STORE_OK;
    if (fd < 0 || files->datasync(fd) != 0)
        code = fail_system(error, error_len, "syncing", path);
    if (fd >= 0)
        files->close(fd);
    return code;
}

/* Makes the copy, checks it and marks it. The copy is what is checked, for it is what counts. */
static verdict make_copy(const rl_restore_options *o, const rl_backup_entry *backup,
                         const char *copy, rl_restore_report *report, int *code, char *error,
                         size_t error_len) {
    remove_copy(copy);
    *code = RL_STORE_IO;
    verdict result = copy_backup(backup->path, copy, o->path, error, error_len);
    if (result != GOOD)
        return result;
    *code = rl_check_file(copy, RL_CHECK_QUICK, false, NULL, NULL, error, error_len);
    if (*code != RL_STORE_OK)
        return verdict_of(*code);
    rl_backup_entry found = {.path = rl_strdup(copy)};
    *code = rl_backup_describe(&found, error, error_len);
    report->folded_seq = found.folded_seq;
    rl_backup_entry_release(&found);
    if (*code == RL_STORE_OK && o->above_seq && report->folded_seq <= o->above_seq) {
        snprintf(error, error_len, "it has batches up to %" PRIu64 " only", report->folded_seq);
        *code = RL_STORE_DAMAGED;
    }
    if (*code == RL_STORE_OK) {
        snprintf(report->backup, sizeof report->backup, "%s", backup->path);
        report->data_ms = backup->made_ms;
        *code = mark(copy, report, error, error_len);
    }
    if (*code == RL_STORE_OK)
        *code = sync_file(copy, error, error_len);
    return verdict_of(*code);
}

/* --- the whole ------------------------------------------------------------------------------- */

static int put_in_place(const rl_restore_options *o, const char *copy, rl_restore_report *report,
                        char *error, size_t error_len) {
    int code = RL_STORE_OK;
    if (report->aside[0])
        code = move_files(o->path, report->aside, &report->moved_aside, error, error_len);
    if (code == RL_STORE_OK && o->drop_journal)
        code = rename_aside(o->drop_journal, word_of(o), report->journal_aside,
                            sizeof report->journal_aside, error, error_len);
    if (code == RL_STORE_OK && rl_file_ops_get()->rename(copy, o->path) != 0)
        code = fail_system(error, error_len, "renaming", copy);
    if (code == RL_STORE_OK)
        code = sync_dir_of(o->path, error, error_len);
    if (code != RL_STORE_OK && report->moved_aside) {
        size_t len = strlen(error);
        snprintf(error + len, error_len - len, "; the file that was there is %s now",
                 report->aside);
    }
    return code;
}

/* The time in "NAME-20261121T154500Z.db"; false for other names. */
static bool time_of_name(const char *path, int64_t *of_ms) {
    const char *at = strrchr(path, '-');
    struct tm utc = {0};
    const char *end = at ? strptime(at + 1, "%Y%m%dT%H%M%SZ", &utc) : NULL;
    if (end == NULL || strcmp(end, ".db") != 0)
        return false;
    *of_ms = (int64_t)timegm(&utc) * 1000;
    return true;
}

/* One entry for a backup that was named. */
static int list_one(const char *path, rl_backup_entry **list, size_t *count, char *error,
                    size_t error_len) {
    struct stat st;
    if (stat(path, &st) != 0)
        return fail_system(error, error_len, "looking at", path);
    rl_backup_entry *e = *list = rl_calloc(1, sizeof **list);
    e->path = rl_strdup(path);
    e->bytes = (uint64_t)st.st_size;
    if (!time_of_name(path, &e->made_ms))
        e->made_ms = (int64_t)st.st_mtime * 1000;
    *count = 1;
    return RL_STORE_OK;
}

/* Tries one after the other, the newest first. */
static int try_all(const rl_restore_options *o, const rl_backup_entry *list, size_t count,
                   const char *copy, rl_restore_report *report, char *error, size_t error_len) {
    int code = RL_STORE_DAMAGED;
    for (size_t i = 0; i < count; i++) {
        char why[700] = "";
        report->tried++;
        verdict result = make_copy(o, &list[i], copy, report, &code, why, sizeof why);
        if (result == GOOD)
            return put_in_place(o, copy, report, error, error_len);
        remove_copy(copy);
        if (result == GIVE_UP) {
            snprintf(error, error_len, "%s could not be restored: %s", list[i].path, why);
            return code;
        }
        rl_log(RL_LOG_WARNING, "restore: %s is passed over: %s", list[i].path, why);
        snprintf(error, error_len, "none of the %zu backups in %s is good; the last one tried: %s",
                 count, o->backup_dir, why);
        if (o->backup)
            snprintf(error, error_len, "the backup %s is not good: %s", o->backup, why);
    }
    if (count == 0)
        snprintf(error, error_len, "there is no backup in %s", o->backup_dir);
    return RL_STORE_DAMAGED;
}

int rl_restore_run(const rl_restore_options *options, const char *reason, rl_restore_report *report,
                   char *error, size_t error_len) {
    memset(report, 0, sizeof *report);
    snprintf(report->reason, sizeof report->reason, "%s", reason);
    if (is_taken(options->path))
        aside_name(options->path, word_of(options), report->aside, sizeof report->aside);
    rl_backup_entry *list = NULL;
    size_t count = 0;
    int code = options->backup ? list_one(options->backup, &list, &count, error, error_len)
                               : rl_backup_list(options->backup_dir, options->stem, &list, &count,
                                                error, error_len);
    if (code == RL_STORE_OK) {
        char *copy = joined(options->path, ".restoring");
        code = try_all(options, list, count, copy, report, error, error_len);
        rl_free(copy);
    }
    report->restored = code == RL_STORE_OK;
    if (!report->moved_aside)
        report->aside[0] = '\0';
    for (size_t i = 0; i < count; i++)
        rl_backup_entry_release(&list[i]);
    rl_free(list);
    return code;
}
