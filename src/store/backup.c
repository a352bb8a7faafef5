/* SPDX-License-Identifier: MIT */
/*
 * Making a backup; see backup.h.
 *
 * SQLite's backup interface begins again when the source changes, unless its connection holds a
 * read transaction. This one does, from before the first page to behind the last: that is the
 * snapshot. The WAL cannot be reset for that long, so it ends before the copy is checked.
 *
 * The copy needs no journal and no syncs of SQLite's own: until it is renamed it does not count,
 * and one fsync at the end is all there is to wait for.
 */
#include "store/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "store/backup_files.h"
#include "store/check.h"
#include "store/file_ops.h"
#include "store/schema.h"
#include "store/store.h"

#define STEP_BYTES     (1u << 20)
#define WRITE_BYTES    (4u << 20)
#define STEPS_A_SECOND 20  /* with a rate: no step is larger than it allows in this time … */
#define PAUSE_SLICE_MS 100 /* … and no pause is longer without looking up */
/* What a backup leaves free for others: this much and a part of its own size. */
#define SPARE_BYTES (32ull << 20)
#define SPARE_PART  16

typedef struct run {
    const rl_backup_options *options;
    char *part, *path;
    int fd; /* of the part; -1: not made yet */
    sqlite3 *source, *copy;
    sqlite3_backup *backup;
    uint64_t page_bytes, total_bytes;
    int64_t from_us; /* when copying began */
    uint64_t copied; /* bytes since then */
    uint64_t handed; /* of these, when the system was last told to write them */
    rl_backup_entry entry;
    bool stopped; /* while it was checked */
    char *error;
    size_t error_len;
} run;

/* ---- errors --------------------------------------------------------------------------------- */

static int fail_system(run *r, const char *what, const char *path) {
    snprintf(r->error, r->error_len, "%s %s: %s", what, path, strerror(errno));
    return RL_STORE_IO;
}

static int fail_sqlite(run *r, const char *what, const char *path, sqlite3 *db, int rc) {
    int system = db ? sqlite3_system_errno(db) : 0;
    bool tell = rl_schema_error_of(rc) == RL_STORE_IO && system != 0;
    snprintf(r->error, r->error_len, "%s %s: %s%s%s%s", what, path, sqlite3_errstr(rc),
             tell ? " (" : "", tell ? strerror(system) : "", tell ? ")" : "");
    return rl_schema_error_of(rc);
}

static int cancelled(run *r) {
    snprintf(r->error, r->error_len, "the backup was stopped");
    return RL_STORE_REFUSED;
}

/* ---- waiting -------------------------------------------------------------------------------- */

static bool goes_on(run *r, uint64_t done) {
    return r->options->on_step == NULL ||
           r->options->on_step(r->options->arg, done, r->total_bytes);
}

static void nap_ms(int64_t ms) {
    struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&pause, NULL);
}

static uint64_t rate_of(const run *r) {
    return r->options->rate_now ? r->options->rate_now(r->options->arg) : r->options->rate;
}

/* Waits until what was copied so far is within the rate. */
static bool pause_for_rate(run *r) {
    for (;;) {
        uint64_t rate = rate_of(r);
        if (rate == 0)
            return goes_on(r, r->copied);
        double due_us = (double)r->copied * 1e6 / (double)rate;
        double left_ms = (due_us - (double)(rl_clock_mono_us() - r->from_us)) / 1000;
        if (!goes_on(r, r->copied))
            return false;
        if (left_ms < 1)
            return true;
        nap_ms(left_ms > PAUSE_SLICE_MS ? PAUSE_SLICE_MS : (int64_t)left_ms);
    }
}

/* ---- room ----------------------------------------------------------------------------------- */

static uint64_t spare_bytes(const run *r) {
    return SPARE_BYTES + r->total_bytes / SPARE_PART;
}

static char *directory_of(const char *path) {
    const char *slash = strrchr(path, '/');
    if (slash == NULL)
        return rl_strdup(".");
    return slash == path ? rl_strdup("/") : rl_strndup(path, (size_t)(slash - path));
}

/* Is there room for `bytes` more with `spare` left? */
static int check_room(run *r, uint64_t bytes, uint64_t spare) {
    struct statvfs st;
    if (fstatvfs(r->fd, &st) != 0)
        return fail_system(r, "cannot tell the free space at", r->part);
    uint64_t have = (uint64_t)st.f_bavail * st.f_frsize;
    if (have >= bytes + spare)
        return RL_STORE_OK;
    snprintf(r->error, r->error_len,
             "no room for the backup %s: it needs %" PRIu64 " MB more and %" PRIu64
             " MB to spare, %" PRIu64 " MB are free, %" PRIu64
             " MB are missing; make room, lower backup-retain or set another backup-dir",
             r->path, (bytes >> 20) + 1, spare >> 20, have >> 20,
             ((bytes + spare - have) >> 20) + 1);
    return RL_STORE_IO;
}

/* ---- the snapshot --------------------------------------------------------------------------- */

static uint64_t pragma_number(sqlite3 *db, const char *sql) {
    sqlite3_stmt *stmt;
    uint64_t number = 0;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK &&
        sqlite3_step(stmt) == SQLITE_ROW)
        number = (uint64_t)sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return number;
}

/* Begins the snapshot. The first read fixes it, so the time is taken right there. */
static int begin_snapshot(run *r) {
    int rc = sqlite3_exec(r->source, "BEGIN", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = store_backup_read_meta(r->source, &r->entry);
    r->entry.made_ms = rl_clock_wall_ms();
    if (rc != SQLITE_OK)
        return fail_sqlite(r, "cannot back up", r->options->source, r->source, rc);
    r->page_bytes = pragma_number(r->source, "PRAGMA page_size");
    r->total_bytes = r->page_bytes * pragma_number(r->source, "PRAGMA page_count");
    return RL_STORE_OK;
}

static void end_snapshot(run *r) {
    if (r->source && !sqlite3_get_autocommit(r->source))
        sqlite3_exec(r->source, "COMMIT", NULL, NULL, NULL);
}

/* ---- the part ------------------------------------------------------------------------------- */

static bool exists(const char *path) {
    struct stat st;
    return lstat(path, &st) == 0;
}

static void give_up_part(run *r) {
    if (r->fd < 0)
        return;
    store_backup_part_remove(r->part);
    rl_file_ops_get()->close(r->fd);
    r->fd = -1;
}

/* Makes the part for the current path; EEXIST as for any name that is taken. Only who has the part
 * makes a backup of that name, so that another look then tells for good. */
static int create_part(run *r) {
    char *dir = directory_of(r->path);
    const char *slash = strrchr(r->path, '/');
    rl_free(r->part);
    r->part = store_backup_part_path(dir, slash ? slash + 1 : r->path);
    rl_free(dir);
    if (!exists(r->path)) {
        r->fd = store_backup_part_create(r->part);
        if (r->fd < 0)
            return -1;
        if (!exists(r->path))
            return 0;
        give_up_part(r);
    }
    errno = EEXIST;
    return -1;
}

static int make_target(run *r) {
    r->path = rl_strdup(r->options->target);
    int code = begin_snapshot(r);
    if (code != RL_STORE_OK || create_part(r) == 0)
        return code;
    if (errno != EEXIST)
        return fail_system(r, "cannot make", r->part);
    snprintf(r->error, r->error_len, "%s is there already; choose another name or remove it",
             r->path);
    return RL_STORE_REFUSED;
}

/* The directory's own name is synced each time: whoever made it may have been killed before that.
 */
static int make_dir(run *r) {
    const rl_file_ops *files = rl_file_ops_get();
    const char *path = r->options->dir;
    if (files->mkdir(path, 0700) != 0 && errno != EEXIST)
        return fail_system(r, "cannot make the directory of backups", path);
    char *parent = directory_of(path);
    int code = files->sync_dir(parent) == 0 ? RL_STORE_OK : fail_system(r, "cannot sync", parent);
    rl_free(parent);
    return code;
}

/* A name of this second, or, when that is taken, of the next one, with a snapshot of that time. */
static int make_in_dir(run *r) {
    const rl_backup_options *o = r->options;
    int code = make_dir(r);
    if (code != RL_STORE_OK)
        return code;
    store_backup_parts_clean(o->dir, o->stem);
    for (;;) {
        code = begin_snapshot(r);
        if (code != RL_STORE_OK)
            return code;
        int64_t into_ms = r->entry.made_ms % 1000;
        r->entry.made_ms -= into_ms;
        rl_free(r->path);
        r->path = store_backup_path(o->dir, o->stem, r->entry.made_ms);
        if (create_part(r) == 0)
            return RL_STORE_OK;
        if (errno != EEXIST)
            return fail_system(r, "cannot make", r->part);
        end_snapshot(r);
        if (!goes_on(r, 0))
            return cancelled(r);
        nap_ms(1000 - into_ms > PAUSE_SLICE_MS ? PAUSE_SLICE_MS : 1000 - into_ms);
    }
}

/* The copy may be read by whom the source may be read by. */
static int open_copy(run *r) {
    struct stat st;
    if (stat(r->options->source, &st) == 0 && fchmod(r->fd, st.st_mode & 0777) != 0)
        return fail_system(r, "cannot set the permissions of", r->part);
    int code = rl_schema_open_more(r->part, false, &r->copy, r->error, r->error_len);
    if (code != RL_STORE_OK)
        return code;
    /* Exclusive: no shared memory when it is found to be in WAL mode, as the source is. (A mode of
     * OFF is refused to a defensive connection; there is nothing to put into a journal anyway.) */
    int rc = sqlite3_exec(r->copy,
                          "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = MEMORY;"
                          "PRAGMA synchronous = OFF",
                          NULL, NULL, NULL);
    return rc == SQLITE_OK ? RL_STORE_OK : fail_sqlite(r, "cannot write", r->part, r->copy, rc);
}

/* ---- copying -------------------------------------------------------------------------------- */

static int step_pages(const run *r) {
    uint64_t bytes = STEP_BYTES, rate = rate_of(r);
    if (rate && rate / STEPS_A_SECOND < bytes)
        bytes = rate / STEPS_A_SECOND;
    return bytes > r->page_bytes ? (int)(bytes / r->page_bytes) : 1;
}

/* Has the system write what is copied bit by bit, so that the sync at the end is no long burst,
 * which the journal's syncs would have to wait for. */
static void begin_writing(run *r) {
    if (r->copied - r->handed < WRITE_BYTES)
        return;
    r->handed = r->copied;
    sync_file_range(r->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
}

static int copy_pages(run *r) {
    r->from_us = rl_clock_mono_us();
    for (;;) {
        int rc = sqlite3_backup_step(r->backup, step_pages(r));
        if (rc != SQLITE_OK && rc != SQLITE_DONE)
            return fail_sqlite(r, "cannot copy to", r->part, r->copy, rc);
        uint64_t left = (uint64_t)sqlite3_backup_remaining(r->backup) * r->page_bytes;
        r->copied = r->total_bytes > left ? r->total_bytes - left : 0;
        if (rc == SQLITE_DONE)
            return goes_on(r, r->total_bytes) ? RL_STORE_OK : cancelled(r);
        begin_writing(r);
        /* Others may need the room too, and a server that cannot write is worse than no backup. */
        int code = check_room(r, 0, spare_bytes(r) / 2);
        if (code != RL_STORE_OK)
            return code;
        if (!pause_for_rate(r))
            return cancelled(r);
    }
}

static int copy_all(run *r) {
    int code = check_room(r, r->total_bytes, spare_bytes(r));
    if (code == RL_STORE_OK)
        code = open_copy(r);
    if (code != RL_STORE_OK)
        return code;
    r->backup = sqlite3_backup_init(r->copy, "main", r->source, "main");
    if (r->backup == NULL)
        return fail_sqlite(r, "cannot copy to", r->part, r->copy, sqlite3_errcode(r->copy));
    code = copy_pages(r);
    int rc = sqlite3_backup_finish(r->backup);
    r->backup = NULL;
    end_snapshot(r);
    if (code == RL_STORE_OK && rc != SQLITE_OK)
        code = fail_sqlite(r, "cannot copy to", r->part, r->copy, rc);
    return code;
}

/* ---- the check ------------------------------------------------------------------------------ */

/* The copy is in WAL mode, as its source: makes it one file. */
static int close_copy(run *r) {
    int rc = sqlite3_exec(r->copy, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_close(r->copy);
    if (rc != SQLITE_OK)
        return fail_sqlite(r, "cannot finish", r->part, r->copy, rc);
    r->copy = NULL;
    return RL_STORE_OK;
}

static bool stop_check(void *arg) {
    run *r = arg;
    r->stopped = !goes_on(r, r->total_bytes);
    return r->stopped;
}

static int check_copy(run *r) {
    char found[512];
    int code = rl_check_file(r->part, RL_CHECK_QUICK, true, stop_check, r, found, sizeof found);
    if (r->stopped)
        return cancelled(r);
    if (code == RL_STORE_DAMAGED)
        snprintf(r->error, r->error_len, "the copy is damaged, and so %s itself may be: %s",
                 r->options->source, found);
    else if (code != RL_STORE_OK)
        snprintf(r->error, r->error_len, "%s", found);
    return code;
}

/* ---- into place ----------------------------------------------------------------------------- */

static int put_in_place(run *r) {
    const rl_file_ops *files = rl_file_ops_get();
    if (files->datasync(r->fd) != 0)
        return fail_system(r, "cannot sync", r->part);
    struct stat st;
    if (fstat(r->fd, &st) == 0)
        r->entry.bytes = (uint64_t)st.st_size;
    if (files->rename_new(r->part, r->path) != 0)
        return fail_system(r, "cannot rename the finished backup to", r->path);
    char *dir = directory_of(r->path);
    int code = files->sync_dir(dir) == 0 ? RL_STORE_OK : fail_system(r, "cannot sync", dir);
    if (code != RL_STORE_OK)
        files->unlink(r->path); /* a name that may be gone tomorrow is no backup */
    rl_free(dir);
    return code;
}

static int make_backup(run *r) {
    int code = rl_schema_open_more(r->options->source, true, &r->source, r->error, r->error_len);
    if (code == RL_STORE_OK)
        code = r->options->target ? make_target(r) : make_in_dir(r);
    if (code == RL_STORE_OK)
        code = copy_all(r);
    if (code == RL_STORE_OK)
        code = close_copy(r);
    if (code == RL_STORE_OK)
        code = check_copy(r);
    if (code == RL_STORE_OK)
        code = put_in_place(r);
    return code;
}

int rl_backup_run(const rl_backup_options *options, rl_backup_entry *out, char *error,
                  size_t error_len) {
    run r = {.options = options, .fd = -1, .error = error, .error_len = error_len};
    int code = make_backup(&r);
    sqlite3_close(r.copy);
    end_snapshot(&r);
    sqlite3_close(r.source);
    if (code == RL_STORE_OK) {
        rl_file_ops_get()->close(r.fd);
        r.entry.path = r.path;
        *out = r.entry;
    } else {
        give_up_part(&r);
        rl_free(r.path);
    }
    rl_free(r.part);
    return code;
}
