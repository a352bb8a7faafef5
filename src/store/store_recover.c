/* SPDX-License-Identifier: MIT */
/*
 * From the files as they are to a database that can be loaded: what the journal holds is folded,
 * and a database that is missing or damaged is restored, as the policy says.
 *
 * Damage shows at different times: in the first bytes, while the journal is folded, while the keys
 * are loaded, or to the check that runs beside the loading. Nothing has been taken from the journal
 * by then (it is emptied when it is started), so in every case the way is the same: close all, put
 * a backup in place, and begin again.
 *
 * The journal after a restore. Its batches go on top of the backup as far as they follow without a
 * gap; what lies behind a gap cannot be applied and is moved aside with the whole directory. A
 * database that was not restored is different: a gap there is a loss that somebody has to look at,
 * so the start is refused, unless a backup has more than the database.
 *
 * A disk that cannot be read looks like damage too, so what seems damaged is read through first,
 * and opened once more: see look_again.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/log.h"
#include "store/backup.h"
#include "store/file_ops.h"
#include "store/loader.h"
#include "store/store_internal.h"
#include "store/thread.h"

/* Batches of a replay are folded this many bytes at a time. */
#define REPLAY_BYTES (64u << 20)
#define READ_BYTES   (1 << 20)

/* --- the journal ------------------------------------------------------------------------------ */

static char *journal_dir(const rl_store *s) {
    size_t len = strlen(s->options.dir) + sizeof "/journal";
    char *dir = rl_malloc(len);
    snprintf(dir, len, "%s/journal", s->options.dir);
    return dir;
}

/* The database the journal belongs to: sixteen digits of its run id. 0, should it have none. */
static uint64_t journal_owner(const rl_schema_meta *meta) {
    char digits[17];
    snprintf(digits, sizeof digits, "%.16s", meta->run_id);
    return strtoull(digits, NULL, 16);
}

static int open_journal(rl_store *s, char *error, size_t error_len) {
    char *dir = journal_dir(s);
    rl_journal_options options = {
        .dir = dir,
        .segment_bytes = s->options.segment_bytes,
        .mode = store_journal_mode(s->options.durability),
        .owner = journal_owner(rl_writer_meta(s->writer)),
        .keep = s->options.upkeep.journal_keep == RL_JOURNAL_KEEP_BACKUP,
        .on_progress = store_on_progress,
        .arg = s,
    };
    int rc = rl_journal_open(&options, &s->journal, error, error_len);
    rl_free(dir);
    if (rc == RL_JOURNAL_OK)
        return RL_STORE_OK;
    return rc == RL_JOURNAL_VERSION ? RL_STORE_NEWER : RL_STORE_IO;
}

typedef struct replay {
    rl_store *store;
    rl_batch *first, *last;
    uint64_t bytes;
    int code;
    char *error;
    size_t error_len;
} replay;

static int replay_fold(replay *r) {
    if (r->first)
        r->code = rl_writer_fold(r->store->writer, r->first, r->error, r->error_len);
    while (r->first) {
        rl_batch *next = rl_batch_next_load(r->first);
        rl_batch_free(r->first);
        r->first = next;
    }
    r->last = NULL;
    r->bytes = 0;
    return r->code;
}

static int on_replayed(void *arg, uint64_t seq, rl_bytes changes) {
    replay *r = arg;
    rl_batch *batch = rl_batch_from_bytes(seq, changes);
    if (r->last)
        rl_batch_next_store(r->last, batch);
    else
        r->first = batch;
    r->last = batch;
    r->bytes += rl_batch_footprint(batch);
    r->store->replayed++;
    return r->bytes >= REPLAY_BYTES ? replay_fold(r) : 0;
}

/* A restored database: what lies behind a gap is moved aside, whatever the reason for the gap. */
static int leave_behind(rl_store *s, const rl_journal_recovery *report, char *error,
                        size_t error_len) {
    rl_restore_report *restored = &s->restored;
    char since[32];
    rl_restore_time_text((int64_t)report->beyond_made_ms, since, sizeof since);
    rl_journal_close(s->journal, false);
    s->journal = NULL;
    char *dir = journal_dir(s);
    int code = rl_restore_rename_aside(dir, restored->journal_aside, sizeof restored->journal_aside,
                                       error, error_len);
    rl_free(dir);
    if (code != RL_STORE_OK)
        return code;
    restored->journal_left = report->beyond;
    uint64_t missing = rl_writer_meta(s->writer)->folded_seq + 1;
    if (report->beyond)
        rl_log(RL_LOG_WARNING,
               "restore: the journal lacks batch %" PRIu64 ". It held %" PRIu64
               " later ones (%" PRIu64 " to %" PRIu64
               ", since %s), which cannot be applied without it; they are in %s",
               missing, report->beyond, report->beyond_first, report->beyond_last, since,
               restored->journal_aside);
    else
        rl_log(RL_LOG_WARNING,
               "restore: the journal lacks batch %" PRIu64
               " and what came after it; what is left of it is in %s",
               missing, restored->journal_aside);
    rl_writer_close(s->writer, false);
    s->writer = NULL;
    code = rl_restore_unmark(s->path, true, error, error_len);
    if (code == RL_STORE_OK)
        code = rl_writer_open(s->path, &s->writer, error, error_len);
    return code == RL_STORE_OK ? open_journal(s, error, error_len) : code;
}

/* What a replay that went wrong means for the start. */
static int refuse_journal(rl_store *s, int rc, const rl_journal_recovery *report, char *error,
                          size_t error_len) {
    if (rc != RL_JOURNAL_DAMAGED) {
        snprintf(error, error_len, "%s", report->detail);
        return rc == RL_JOURNAL_VERSION   ? RL_STORE_NEWER
               : rc == RL_JOURNAL_FOREIGN ? RL_STORE_REFUSED
                                          : RL_STORE_IO;
    }
    s->journal_at_fault = true;
    snprintf(
        error, error_len,
        "%s/journal is damaged: %s. What came before is in %s now. Restore a backup (rubellite "
        "restore %s --latest), or, to go on without what is missing, move %s/journal aside "
        "and start again",
        s->options.dir, report->detail, s->options.dbfilename, s->options.dir, s->options.dir);
    return RL_STORE_DAMAGED;
}

/* Folds what the journal holds. */
static int recover(rl_store *s, char *error, size_t error_len) {
    rl_journal_recovery report;
    replay r = {.store = s, .error = error, .error_len = error_len};
    s->replayed = 0;
    int rc = rl_journal_replay(s->journal, rl_writer_meta(s->writer)->folded_seq, on_replayed, &r,
                               &report);
    if (r.code == RL_STORE_OK)
        replay_fold(&r);
    if (r.code != RL_STORE_OK)
        return r.code;
    s->restored.journal_batches = s->replayed;
    bool gap = rc == RL_JOURNAL_DAMAGED || (rc == RL_JOURNAL_OK && report.beyond);
    if (s->restored.restored && gap)
        return leave_behind(s, &report, error, error_len);
    if (rc != RL_JOURNAL_OK)
        return refuse_journal(s, rc, &report, error, error_len);
    if (report.dropped)
        rl_log(RL_LOG_NOTICE, "journal: %s", report.detail);
    return RL_STORE_OK;
}

/* A killed server may have left commits that are not on disk. What they hold is to be taken from
 * the journal, so from now on the WAL has to be the safe place. Its name too: SQLite syncs the
 * directory once, with the WAL's first sync, and does not look whether that went well. */
static int make_wal_safe(rl_store *s, char *error, size_t error_len) {
    int code = rl_writer_rewrite_wal(s->writer, error, error_len);
    if (code == RL_STORE_OK && rl_file_ops_get()->sync_dir(s->options.dir) != 0) {
        snprintf(error, error_len, "%s while syncing %s", strerror(errno), s->options.dir);
        code = RL_STORE_IO;
    }
    return code;
}

/* --- opening ---------------------------------------------------------------------------------- */

/* How many backups there are, and when the newest is from. */
static int count_backups(const rl_store *s, size_t *count, int64_t *newest_ms, char *error,
                         size_t error_len) {
    rl_backup_entry *list = NULL;
    *count = 0;
    int code = rl_backup_list(s->backup_dir, s->stem, &list, count, error, error_len);
    if (code != RL_STORE_OK)
        return code;
    if (*count)
        *newest_ms = list[0].made_ms;
    for (size_t i = 0; i < *count; i++)
        rl_backup_entry_release(&list[i]);
    rl_free(list);
    return RL_STORE_OK;
}

/* A database without a table, as one is whose WAL held all there was: beside backups an accident.
 */
static int look_for_bare(rl_store *s, char *error, size_t error_len) {
    size_t backups;
    int64_t newest_ms;
    if (!rl_writer_meta(s->writer)->created || s->created || s->repaired)
        return RL_STORE_OK;
    int code = count_backups(s, &backups, &newest_ms, error, error_len);
    if (code != RL_STORE_OK || backups == 0)
        return code;
    snprintf(error, error_len, "%s is a database without tables", s->path);
    s->looked_again = true; /* now it has some */
    return RL_STORE_DAMAGED;
}

static int open_files(rl_store *s, char *error, size_t error_len) {
    int code = store_migrate(s, error, error_len);
    if (code == RL_STORE_OK)
        code = rl_writer_open(s->path, &s->writer, error, error_len);
    if (code == RL_STORE_OK)
        code = look_for_bare(s, error, error_len);
    if (code != RL_STORE_OK)
        return code;
    bool marked = rl_restore_marked(s->path, &s->restored);
    code = open_journal(s, error, error_len);
    if (code == RL_STORE_OK)
        code = recover(s, error, error_len);
    if (code == RL_STORE_OK && marked)
        code = rl_restore_unmark(s->path, false, error, error_len);
    if (code == RL_STORE_OK)
        code = make_wal_safe(s, error, error_len);
    return code;
}

static void close_files(rl_store *s) {
    rl_writer_close(s->writer, false);
    rl_journal_close(s->journal, false);
    s->writer = NULL;
    s->journal = NULL;
    while (s->head) {
        rl_batch *next = rl_batch_next_load(s->head);
        rl_batch_free(s->head);
        s->head = next;
    }
    s->tail = NULL;
}

/* The queue begins with an empty batch for the writer to stand on. */
static void begin_queue(rl_store *s) {
    s->taken_seq = s->appended_seq = s->answered_seq = rl_writer_meta(s->writer)->folded_seq;
    s->head = s->tail = rl_batch_from_bytes(s->taken_seq, rl_bytes_of("", 0));
}

/* --- repair ----------------------------------------------------------------------------------- */

/* Refuses, and says all that can be done. */
static int refuse(const rl_store *s, const char *reason, size_t backups, int64_t newest_ms,
                  char *error, size_t error_len) {
    char time[32];
    rl_restore_time_text(newest_ms, time, sizeof time);
    if (backups)
        snprintf(error, error_len,
                 "%s. %s has %zu backup%s, the newest of %s. To restore it, run: rubellite restore "
                 "%s --latest (or start with --restore-on-start yes). To begin without data: "
                 "--restore-on-start empty. What is there now is only moved aside",
                 reason, s->backup_dir, backups, backups == 1 ? "" : "s", time, s->options.dir);
    else
        snprintf(
            error, error_len,
            "%s. There is no backup in %s. Put %s back from a copy (with its -wal, if the copy "
            "has one), rescue what can be read with: sqlite3 %s .recover, or begin without "
            "data: --restore-on-start empty moves what is there aside",
            reason, s->backup_dir, s->options.dbfilename, s->path);
    return RL_STORE_DAMAGED;
}

/* Policy EMPTY. The journal goes too: it belongs to the database that is gone. */
static int begin_empty(rl_store *s, const char *reason, char *error, size_t error_len) {
    rl_restore_report *report = &s->restored;
    snprintf(report->reason, sizeof report->reason, "%s", reason);
    int code = rl_restore_move_aside(s->path, report, error, error_len);
    char *dir = journal_dir(s);
    if (code == RL_STORE_OK)
        code = rl_restore_rename_aside(dir, report->journal_aside, sizeof report->journal_aside,
                                       error, error_len);
    rl_free(dir);
    if (code == RL_STORE_OK)
        rl_log(RL_LOG_WARNING,
               "%s; beginning without data, as restore-on-start empty says. Moved aside: %s%s%s",
               reason, report->moved_aside ? report->aside : "nothing",
               report->journal_aside[0] ? " and " : "", report->journal_aside);
    return code;
}

static int restore_backup(rl_store *s, const char *reason, uint64_t above_seq, char *error,
                          size_t error_len) {
    rl_restore_options options = {
        .path = s->path, .backup_dir = s->backup_dir, .stem = s->stem, .above_seq = above_seq};
    rl_log(RL_LOG_WARNING, "%s; restoring a backup", reason);
    char why[900];
    int code = rl_restore_run(&options, reason, &s->restored, why, sizeof why);
    if (code == RL_STORE_OK)
        return code;
    snprintf(error, error_len, "%s. No backup was restored: %s", reason, why);
    return code;
}

/* The database is missing or damaged; all is closed. RL_STORE_OK: open again. */
static int repair(rl_store *s, const char *reason, char *error, size_t error_len) {
    if (s->repaired) { /* then the disk cannot be trusted, or there is a bug */
        snprintf(error, error_len, "%s, right after %s was put in place", reason,
                 s->restored.restored ? s->restored.backup : "a new file");
        return RL_STORE_DAMAGED;
    }
    s->repaired = true;
    s->created = false; /* nothing here is ours to remove */
    if (s->options.restore == RL_RESTORE_EMPTY)
        return begin_empty(s, reason, error, error_len);
    size_t backups;
    int64_t newest_ms = 0;
    int code = count_backups(s, &backups, &newest_ms, error, error_len);
    if (code != RL_STORE_OK)
        return code;
    if (s->options.restore == RL_RESTORE_NO || backups == 0)
        return refuse(s, reason, backups, newest_ms, error, error_len);
    return restore_backup(s, reason, 0, error, error_len);
}

/* In the log; INFO has it too. */
static void tell_restored(const rl_store *s) {
    const rl_restore_report *r = &s->restored;
    if (!r->restored)
        return;
    char time[32];
    rl_restore_time_text(r->data_ms, time, sizeof time);
    rl_log(
        RL_LOG_WARNING,
        "restored from %s: the data is from %s (batch %" PRIu64 "), and %" PRIu64
        " batches of the journal were applied on top%s%s. Tables written with SQL are as they were "
        "in the backup",
        r->backup, time, r->folded_seq, r->journal_batches,
        r->moved_aside ? "; the file that was there is now " : "", r->aside);
}

/* --- from the start --------------------------------------------------------------------------- */

static bool has_bytes(const char *path, const char *ending) {
    struct stat st;
    rl_buffer name = {0};
    rl_buffer_printf(&name, "%s%s", path, ending);
    bool has = stat(rl_buffer_cstr(&name), &st) == 0 && (!S_ISREG(st.st_mode) || st.st_size > 0);
    rl_buffer_release(&name);
    return has;
}

/* There is no database, or an empty file. Alone that is a first start; beside backups, or a WAL
 * that SQLite would delete, it is an accident. */
static int look_for_missing(rl_store *s, char *error, size_t error_len) {
    if (has_bytes(s->path, ""))
        return RL_STORE_OK;
    bool missing = access(s->path, F_OK) != 0;
    size_t backups;
    int64_t newest_ms;
    int code = count_backups(s, &backups, &newest_ms, error, error_len);
    if (code != RL_STORE_OK)
        return code;
    bool orphan = has_bytes(s->path, "-wal");
    if (!orphan && backups == 0) {
        s->created = missing;
        return RL_STORE_OK;
    }
    char reason[600];
    snprintf(reason, sizeof reason, "%s is %s%s%s%s", s->path, missing ? "missing" : "empty",
             orphan ? ", but its " : "", orphan ? s->options.dbfilename : "",
             orphan ? "-wal is there and may hold changes of it" : "");
    return repair(s, reason, error, error_len);
}

/* The journal misses batches. Does the newest backup have them? Then the database is an old one. */
static int look_for_stale(rl_store *s, char *error, size_t error_len) {
    uint64_t folded_seq = rl_writer_meta(s->writer)->folded_seq;
    if (s->options.restore != RL_RESTORE_YES || s->repaired)
        return RL_STORE_DAMAGED;
    rl_backup_entry *list = NULL;
    size_t count = 0;
    char why[512];
    if (rl_backup_list(s->backup_dir, s->stem, &list, &count, why, sizeof why) != RL_STORE_OK)
        return RL_STORE_DAMAGED;
    bool has_more = count > 0 && rl_backup_describe(&list[0], why, sizeof why) == RL_STORE_OK &&
                    list[0].folded_seq > folded_seq &&
                    strcmp(list[0].run_id, rl_writer_meta(s->writer)->run_id) == 0;
    for (size_t i = 0; i < count; i++)
        rl_backup_entry_release(&list[i]);
    rl_free(list);
    if (!has_more)
        return RL_STORE_DAMAGED;
    char reason[600];
    snprintf(reason, sizeof reason,
             "%s has batches up to %" PRIu64
             " only, which neither the journal nor its -wal continues, and a backup has more",
             s->path, folded_seq);
    close_files(s);
    s->repaired = true;
    s->journal_at_fault = false;
    return restore_backup(s, reason, folded_seq, error, error_len);
}

static int open_unless_stale(rl_store *s, char *error, size_t error_len) {
    int code = open_files(s, error, error_len);
    if (code != RL_STORE_DAMAGED || !s->journal_at_fault)
        return code;
    code = look_for_stale(s, error, error_len);
    return code == RL_STORE_OK ? open_files(s, error, error_len) : code;
}

static bool is_damaged(const rl_store *s, int code) {
    return code == RL_STORE_DAMAGED && !s->journal_at_fault;
}

int store_recover(rl_store *s, char *error, size_t error_len) {
    int code = look_for_missing(s, error, error_len);
    if (code == RL_STORE_OK)
        code = open_unless_stale(s, error, error_len);
    if (is_damaged(s, code) && !s->repaired) {
        char reason[700];
        snprintf(reason, sizeof reason, "%s", error);
        return rl_store_restore(s, reason, error, error_len);
    }
    if (code != RL_STORE_OK)
        return code;
    begin_queue(s);
    tell_restored(s);
    return RL_STORE_OK;
}

static int read_all(sqlite3_file *file) {
    sqlite3_int64 size;
    int rc = file->pMethods->xFileSize(file, &size);
    char *bytes = rl_malloc(READ_BYTES);
    for (sqlite3_int64 at = 0; rc == SQLITE_OK && at < size; at += READ_BYTES) {
        sqlite3_int64 left = size - at;
        rc = file->pMethods->xRead(file, bytes, left < READ_BYTES ? (int)left : READ_BYTES, at);
    }
    rl_free(bytes);
    return rc;
}

/* Reads a file of the database to its end, if it is there, as SQLite does. No connection is open.
 */
static int read_through(const rl_store *s, const char *ending, int kind, char *error,
                        size_t error_len) {
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
    sqlite3_file *file = rl_calloc(1, (size_t)vfs->szOsFile);
    rl_buffer name = {0};
    int there = 0, rc = SQLITE_OK;
    rl_buffer_printf(&name, "%s%s", s->path, ending);
    rl_buffer_add(&name, "\0", 2); /* no parameters of a URI follow */
    const char *path = rl_buffer_cstr(&name);
    if (vfs->xAccess(vfs, path, SQLITE_ACCESS_EXISTS, &there) == SQLITE_OK && there)
        rc = vfs->xOpen(vfs, path, file, SQLITE_OPEN_READONLY | kind, NULL);
    if (rc == SQLITE_OK && there)
        rc = read_all(file);
    if (file->pMethods)
        file->pMethods->xClose(file);
    if (rc != SQLITE_OK)
        snprintf(
            error, error_len,
            "%s: %s while reading it: the disk fails. Nothing was changed. Start again when it "
            "reads well, or go back to a backup: rubellite restore %s --latest",
            path, sqlite3_errstr(rc), s->options.dir);
    rl_free(file);
    rl_buffer_release(&name);
    return rc == SQLITE_OK ? RL_STORE_OK : RL_STORE_IO;
}

/* A read that fails looks like damage: SQLite turns EIO into SQLITE_CORRUPT. But the data is there,
 * and what no backup has would be lost by going back to one. */
static int look_again(rl_store *s, const char *reason, char *error, size_t error_len) {
    s->looked_again = true;
    int code = read_through(s, "", SQLITE_OPEN_MAIN_DB, error, error_len);
    if (code == RL_STORE_OK)
        code = read_through(s, "-wal", SQLITE_OPEN_WAL, error, error_len);
    if (code == RL_STORE_OK)
        code = open_unless_stale(s, error, error_len);
    if (code == RL_STORE_OK)
        rl_log(RL_LOG_WARNING, "%s; it opens at a second look", reason);
    return code;
}

int rl_store_restore(rl_store *s, const char *reason, char *error, size_t error_len) {
    close_files(s);
    int code = s->looked_again ? RL_STORE_DAMAGED : look_again(s, reason, error, error_len);
    if (is_damaged(s, code)) {
        close_files(s);
        code = repair(s, reason, error, error_len);
        if (code == RL_STORE_OK)
            code = open_files(s, error, error_len);
    }
    if (code != RL_STORE_OK)
        return code;
    begin_queue(s);
    tell_restored(s);
    return RL_STORE_OK;
}

/* --- loading and checking --------------------------------------------------------------------- */

typedef struct side_check {
    const char *path;
    pthread_t thread;
    bool started;
    _Atomic bool stop;
    int code;
    char error[700];
} side_check;

static bool should_stop(void *arg) {
    side_check *c = arg;
    return atomic_load(&c->stop);
}

static void check_main(void *arg) {
    side_check *c = arg;
    c->code =
        rl_check_file(c->path, RL_CHECK_QUICK, false, should_stop, c, c->error, sizeof c->error);
}

static void tell_finding(void *arg, const rl_check_finding *finding) {
    const rl_store *s = arg;
    if (!finding->damage)
        rl_log(RL_LOG_WARNING, "%s: %s", s->path, finding->text);
}

/* A check that could not be made says nothing about the file. */
static int take_check(const rl_store *s, int code, const char *why, char *error, size_t error_len) {
    if (code == RL_STORE_DAMAGED) {
        snprintf(error, error_len, "%s", why);
        return code;
    }
    if (code != RL_STORE_OK)
        rl_log(RL_LOG_WARNING, "the check of %s came to nothing: %s", s->path, why);
    return RL_STORE_OK;
}

static int check_fully(rl_store *s, char *error, size_t error_len) {
    char why[700] = "";
    rl_check_options options = {
        .path = s->path, .level = RL_CHECK_FULL, .on_finding = tell_finding, .arg = s};
    int code = rl_check_run(&options, why, sizeof why);
    return take_check(s, code, why, error, error_len);
}

int rl_store_load(rl_store *s, const rl_store_loading *loading, char *error, size_t error_len) {
    rl_check_level level = s->started ? RL_CHECK_NONE : s->options.check;
    int code = level == RL_CHECK_FULL ? check_fully(s, error, error_len) : RL_STORE_OK;
    if (code != RL_STORE_OK)
        return code;
    side_check check = {.path = s->path};
    if (level == RL_CHECK_QUICK)
        check.started =
            rl_thread_start(&check.thread, "rl-check", RL_STORE_NICE, check_main, &check) == 0;
    code = rl_loader_run(s->path, loading, error, error_len);
    if (code != RL_STORE_OK)
        atomic_store(&check.stop, true);
    if (check.started) {
        pthread_join(check.thread, NULL);
        if (code == RL_STORE_OK)
            code = take_check(s, check.code, check.error, error, error_len);
    }
    return code;
}

const char *rl_store_path(const rl_store *s) {
    return s->path;
}

const rl_restore_report *rl_store_restored(const rl_store *s) {
    return s->restored.restored || s->restored.moved_aside ? &s->restored : NULL;
}
