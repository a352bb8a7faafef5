/* SPDX-License-Identifier: MIT */
/*
 * Backups as files: names, lists, retention, and what a run that was killed left behind.
 *
 * A part is locked with flock by who makes it, for as long as its process lives, so whoever comes
 * later can tell a leftover from a backup that another program is making at the moment.
 */
#include "store/backup_files.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/backup.h"
#include "store/file_ops.h"
#include "store/schema.h"
#include "store/store.h"

#define TIME_SHAPE   "ddddddddTddddddZ" /* d: a digit */
#define PART_END     ".part"
#define CREATE_TRIES 10

void rl_backup_entry_release(rl_backup_entry *e) {
    rl_free(e->path);
    *e = (rl_backup_entry){0};
}

char *rl_backup_stem(const char *dbfilename) {
    size_t len = strlen(dbfilename);
    if (len > 3 && strcmp(dbfilename + len - 3, ".db") == 0)
        len -= 3;
    return rl_strndup(dbfilename, len);
}

/* ---- names ---------------------------------------------------------------------------------- */

char *store_backup_path(const char *dir, const char *stem, int64_t of_ms) {
    time_t seconds = (time_t)(of_ms / 1000);
    struct tm utc;
    char text[32];
    gmtime_r(&seconds, &utc);
    strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &utc);
    rl_buffer path = {0};
    rl_buffer_printf(&path, "%s/%s-%s.db", dir, stem, text);
    rl_buffer_cstr(&path);
    return path.ptr;
}

char *store_backup_part_path(const char *dir, const char *name) {
    rl_buffer path = {0};
    rl_buffer_printf(&path, "%s/.%s" PART_END, dir, name);
    rl_buffer_cstr(&path);
    return path.ptr;
}

static bool has_time_shape(const char *text) {
    for (size_t i = 0; i < sizeof TIME_SHAPE - 1; i++)
        if (TIME_SHAPE[i] == 'd' ? !isdigit((unsigned char)text[i]) : text[i] != TIME_SHAPE[i])
            return false;
    return true;
}

static int number_at(const char *text, int digits) {
    int number = 0;
    for (int i = 0; i < digits; i++)
        number = number * 10 + (text[i] - '0');
    return number;
}

/* The time in "STEM-20261121T154500Z.db", in *of_ms; false for any other name. */
static bool parse_name(const char *name, const char *stem, int64_t *of_ms) {
    size_t stem_len = strlen(stem);
    if (strncmp(name, stem, stem_len) != 0 || name[stem_len] != '-')
        return false;
    const char *at = name + stem_len + 1;
    if (!has_time_shape(at) || strcmp(at + sizeof TIME_SHAPE - 1, ".db") != 0)
        return false;
    struct tm utc = {
        .tm_year = number_at(at, 4) - 1900,
        .tm_mon = number_at(at + 4, 2) - 1,
        .tm_mday = number_at(at + 6, 2),
        .tm_hour = number_at(at + 9, 2),
        .tm_min = number_at(at + 11, 2),
        .tm_sec = number_at(at + 13, 2),
    };
    *of_ms = (int64_t)timegm(&utc) * 1000;
    return true;
}

/* ---- the list ------------------------------------------------------------------------------- */

/* A backup with a time so far ahead was made while the clock was wrong. */
#define FUTURE_MS (24 * 3600 * INT64_C(1000))

typedef struct listing {
    const char *dir, *stem;
    rl_backup_entry *entries;
    size_t count, room;
} listing;

static void add_name(void *arg, const char *name) {
    listing *l = arg;
    int64_t of_ms;
    if (!parse_name(name, l->stem, &of_ms))
        return;
    rl_buffer path = {0};
    struct stat st;
    rl_buffer_printf(&path, "%s/%s", l->dir, name);
    if (stat(rl_buffer_cstr(&path), &st) != 0 || !S_ISREG(st.st_mode)) {
        rl_buffer_release(&path);
        return;
    }
    if (l->count == l->room) {
        l->room = l->room ? l->room * 2 : 16;
        l->entries = rl_realloc(l->entries, l->room * sizeof *l->entries);
    }
    l->entries[l->count++] =
        (rl_backup_entry){.path = path.ptr, .made_ms = of_ms, .bytes = (uint64_t)st.st_size};
}

/* Those of the future last: otherwise they would be restored, and all newer ones removed, until
 * that future has come. */
static int newest_first(const void *a, const void *b) {
    const rl_backup_entry *x = a, *y = b;
    int64_t future_ms = rl_clock_wall_ms() + FUTURE_MS;
    if ((x->made_ms > future_ms) != (y->made_ms > future_ms))
        return x->made_ms > future_ms ? 1 : -1;
    return x->made_ms != y->made_ms ? (x->made_ms < y->made_ms ? 1 : -1) : strcmp(y->path, x->path);
}

int rl_backup_list(const char *dir, const char *stem, rl_backup_entry **out, size_t *count,
                   char *error, size_t error_len) {
    listing l = {.dir = dir, .stem = stem};
    if (rl_file_ops_get()->list(dir, add_name, &l) != 0 && errno != ENOENT) {
        snprintf(error, error_len, "cannot read the directory of backups %s: %s", dir,
                 strerror(errno));
        while (l.count > 0)
            rl_backup_entry_release(&l.entries[--l.count]);
        rl_free(l.entries);
        return RL_STORE_IO;
    }
    if (l.count)
        qsort(l.entries, l.count, sizeof *l.entries, newest_first);
    *out = l.entries;
    *count = l.count;
    return RL_STORE_OK;
}

int store_backup_read_meta(sqlite3 *db, rl_backup_entry *e) {
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v2(db,
                                "SELECT (SELECT value FROM rl_meta WHERE name = 'folded_seq'),"
                                " (SELECT value FROM rl_meta WHERE name = 'rows'),"
                                " (SELECT value FROM rl_meta WHERE name = 'run_id')",
                                -1, &stmt, NULL);
    if (rc == SQLITE_ERROR)
        return SQLITE_CORRUPT; /* no such table */
    if (rc != SQLITE_OK)
        return rc;
    bool found = false;
    if (sqlite3_step(stmt) == SQLITE_ROW) {
        const char *run_id = (const char *)sqlite3_column_text(stmt, 2);
        found = sqlite3_column_type(stmt, 0) != SQLITE_NULL &&
                sqlite3_column_type(stmt, 1) != SQLITE_NULL;
        e->folded_seq = (uint64_t)sqlite3_column_int64(stmt, 0);
        e->keys = (uint64_t)sqlite3_column_int64(stmt, 1);
        snprintf(e->run_id, sizeof e->run_id, "%s", run_id ? run_id : "");
    }
    rc = sqlite3_finalize(stmt);
    return rc == SQLITE_OK && !found ? SQLITE_CORRUPT : rc;
}

int rl_backup_describe(rl_backup_entry *e, char *error, size_t error_len) {
    sqlite3 *db;
    int code = rl_schema_open_more(e->path, true, &db, error, error_len);
    if (code != RL_STORE_OK)
        return code;
    int rc = store_backup_read_meta(db, e);
    if (rc != SQLITE_OK) {
        code = rl_schema_error_of(rc);
        snprintf(error, error_len, "%s: cannot be read as a backup: %s", e->path,
                 sqlite3_errstr(rc));
    }
    sqlite3_close(db);
    return code;
}

size_t rl_backup_prune(const char *dir, const char *stem, size_t retain) {
    rl_backup_entry *entries;
    size_t count, gone = 0;
    char error[512];
    if (rl_backup_list(dir, stem, &entries, &count, error, sizeof error) != RL_STORE_OK) {
        rl_log(RL_LOG_VERBOSE, "backup: %s", error);
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (i >= retain && i >= 1) {
            if (rl_file_ops_get()->unlink(entries[i].path) == 0)
                gone++;
            else if (errno != ENOENT)
                rl_log(RL_LOG_WARNING, "backup: cannot remove the old %s: %s", entries[i].path,
                       strerror(errno));
        }
        rl_backup_entry_release(&entries[i]);
    }
    rl_free(entries);
    return gone;
}

/* ---- parts ---------------------------------------------------------------------------------- */

static void remove_beside(const char *path) {
    static const char *const beside[] = {"-journal", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        rl_buffer name = {0};
        rl_buffer_printf(&name, "%s%s", path, beside[i]);
        rl_file_ops_get()->unlink(rl_buffer_cstr(&name));
        rl_buffer_release(&name);
    }
}

/* The part last: as long as it is there, nobody can make another of its name. */
void store_backup_part_remove(const char *path) {
    remove_beside(path);
    rl_file_ops_get()->unlink(path);
}

/* True on a file system without such locks, too. */
static bool take_lock(int fd) {
    return flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
}

static bool is_named(int fd, const char *path) {
    struct stat of_fd, of_path;
    return fstat(fd, &of_fd) == 0 && stat(path, &of_path) == 0 && of_fd.st_ino == of_path.st_ino &&
           of_fd.st_dev == of_path.st_dev;
}

/* Removes a part that no process is at work on, or what one that is gone has left beside it; false:
 * a process is. The part is locked until it is gone (and made, to be locked), so that who has just
 * made it, and has not locked it yet, notices. */
static bool remove_unused(const char *path) {
    int fd = open(path, O_RDONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool unused = take_lock(fd) && is_named(fd, path);
    if (unused)
        store_backup_part_remove(path);
    close(fd);
    return unused;
}

int store_backup_part_create(const char *path) {
    const rl_file_ops *files = rl_file_ops_get();
    for (int tries = 0; tries < CREATE_TRIES; tries++) {
        int fd = files->open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
        if (fd >= 0) {
            if (take_lock(fd) && is_named(fd, path))
                return fd;
            files->close(fd); /* somebody is clearing it away */
        } else if (errno != EEXIST) {
            return -1;
        } else if (!remove_unused(path)) {
            break;
        }
    }
    errno = EEXIST;
    return -1;
}

static void clean_name(void *arg, const char *name) {
    const listing *l = arg;
    size_t len = strlen(name), end = sizeof PART_END - 1;
    int64_t of_ms;
    if (*name != '.' || len < end + 1)
        return;
    /* Also what lay beside a part that is gone: find the part's own name first. */
    const char *part = strstr(name, ".db" PART_END);
    if (part == NULL)
        return;
    char *backup = rl_strndup(name + 1, (size_t)(part + 3 - (name + 1)));
    if (parse_name(backup, l->stem, &of_ms)) {
        char *path = store_backup_part_path(l->dir, backup);
        remove_unused(path);
        rl_free(path);
    }
    rl_free(backup);
}

void store_backup_parts_clean(const char *dir, const char *stem) {
    listing l = {.dir = dir, .stem = stem};
    rl_file_ops_get()->list(dir, clean_name, &l);
}
