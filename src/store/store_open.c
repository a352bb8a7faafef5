/* SPDX-License-Identifier: MIT */
/*
 * The store's beginning and end: options, locks, starting the threads, closing. What comes between
 * the lock and the threads, recovery and loading, is in store_recover.c; the queue between the
 * threads and the loop in store.c.
 */
#include <errno.h>
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
#include "store/file_ops.h"
#include "store/fsinfo.h"
#include "store/store_internal.h"

/* --- open ------------------------------------------------------------------------------------ */

static int say(char *error, size_t error_len, int code, const char *subject, const char *what) {
    snprintf(error, error_len, "%s: %s", subject, what);
    return code;
}

static int check_options(const rl_store_options *o, char *error, size_t error_len) {
    static const char *const taken[] = {"", ".", "..", "journal", "backups", "rubellite.lock"};
    const char *name = o->dbfilename;
    bool refused = strchr(name, '/') != NULL || name[0] == ':' || strlen(name) > 200;
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        refused |= strcmp(name, taken[i]) == 0;
    if (refused) {
        snprintf(error, error_len, "dbfilename '%s': expected a plain file name, such as data.db",
                 name);
        return RL_STORE_REFUSED;
    }
    return RL_STORE_OK;
}

static int check_dir(const rl_store_options *o, char *error, size_t error_len) {
    struct stat st;
    if (stat(o->dir, &st) != 0)
        return say(error, error_len, RL_STORE_IO, o->dir,
                   errno == ENOENT ? "there is no such directory; make it (mkdir -p), or choose "
                                     "another with --dir"
                                   : strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return say(error, error_len, RL_STORE_REFUSED, o->dir,
                   "is not a directory; choose one with --dir");
    return RL_STORE_OK;
}

static int check_file_system(const rl_store_options *o, char *error, size_t error_len) {
    rl_fsinfo info;
    if (rl_fsinfo_read(o->dir, &info) != 0)
        return say(error, error_len, RL_STORE_IO, o->dir, strerror(errno));
    if (info.kind == RL_FS_NETWORK && !o->allow_network_fs) {
        snprintf(error, error_len,
                 "%s is on a network file system (%s), where locks and shared memory do not keep a "
                 "database whole; "
                 "use a local disk, or --allow-network-fs yes at your own risk",
                 o->dir, info.name);
        return RL_STORE_NETWORK_FS;
    }
    if (info.kind != RL_FS_LOCAL)
        rl_log(RL_LOG_WARNING,
               "%s is on a file system (%s) that may be a network's: it must keep locks and shared "
               "memory as a local disk does",
               o->dir, info.name);
    return RL_STORE_OK;
}

static int take_lock(rl_store *s, char *error, size_t error_len) {
    int rc = rl_dirlock_acquire(s->options.dir, &s->lock, error, error_len);
    return rc == RL_DIRLOCK_OK     ? RL_STORE_OK
           : rc == RL_DIRLOCK_HELD ? RL_STORE_LOCKED
                                   : RL_STORE_IO;
}

int rl_store_open(const rl_store_options *options, rl_store **out, char *error, size_t error_len) {
    int code = check_options(options, error, error_len);
    if (code == RL_STORE_OK)
        code = check_dir(options, error, error_len);
    if (code != RL_STORE_OK)
        return code;
    rl_store *s = rl_calloc(1, sizeof *s);
    s->options = *options;
    s->options.dir = rl_strdup(options->dir);
    s->options.dbfilename = rl_strdup(options->dbfilename);
    size_t len = strlen(options->dir) + strlen(options->dbfilename) + 2;
    s->path = rl_malloc(len);
    snprintf(s->path, len, "%s/%s", options->dir, options->dbfilename);
    s->backup_dir = store_backup_dir(options);
    s->stem = rl_backup_stem(options->dbfilename);

    code = check_file_system(&s->options, error, error_len);
    if (code == RL_STORE_OK)
        code = take_lock(s, error, error_len);
    if (code == RL_STORE_OK)
        code = store_recover(s, error, error_len);
    if (code != RL_STORE_OK) {
        s->refused = true;
        rl_store_close(s, false);
        return code;
    }
    *out = s;
    return RL_STORE_OK;
}

uint64_t rl_store_key_count(rl_store *s) {
    return rl_writer_meta(s->writer)->rows;
}

uint64_t rl_store_next_id(const rl_store *s) {
    return rl_writer_meta(s->writer)->next_id;
}

uint64_t rl_store_last_seq(const rl_store *s) {
    return s->taken_seq;
}

uint64_t rl_store_replayed(const rl_store *s) {
    return s->replayed;
}

int rl_store_start(rl_store *s, char *error, size_t error_len) {
    store_backups_create(s);
    uint64_t folded_seq = rl_writer_meta(s->writer)->folded_seq;
    rl_journal_stats journal;
    rl_journal_stats_read(s->journal, &journal);
    /* Starting takes the validity from what is in the segments. That must not wait until a journal
     * is wanted: frames that recovery dropped carry numbers that will be given again. */
    if (store_is_journaled(s) || journal.segments + journal.spare_segments > 0) {
        if (rl_journal_start(s->journal, folded_seq, error, error_len) != RL_JOURNAL_OK)
            return RL_STORE_IO;
        s->journal_open = true;
    }
    int code = store_keeper_start(s, error, error_len);
    if (code != RL_STORE_OK)
        return code;
    store_apply_backlog_limit(s);
    rl_writer_options writer = {
        .standing = s->head,
        .journal = s->journal,
        .journal_started = s->journal_open,
        .keeper = s->keeper,
        .fold_interval_ms = s->options.fold_interval_ms,
        .on_progress = store_on_progress,
        .arg = s,
    };
    code = rl_writer_start(s->writer, &writer, error, error_len);
    s->started = code == RL_STORE_OK;
    if (s->started)
        code = rl_backup_thread_start(s->backups, error, error_len);
    return code;
}

/* --- close ----------------------------------------------------------------------------------- */

/* An open that was refused leaves no database it has made: whoever puts the right one back must not
 * find the WAL of another beside it. */
static void remove_database(const rl_store *s) {
    static const char *const endings[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        rl_buffer name = {0};
        rl_buffer_printf(&name, "%s%s", s->path, endings[i]);
        rl_file_ops_get()->unlink(rl_buffer_cstr(&name));
        rl_buffer_release(&name);
    }
}

/* The journal takes what waits for it; the next segment may still be in the making. What is behind
 * a unit has to wait for that, and a journal that is broken, or was only just switched on, takes
 * nothing. */
static void drain_to_the_end(rl_store *s) {
    static const struct timespec pause = {.tv_nsec = 1000000};
    for (store_drain_pending(s); s->journal_open && s->pending && !rl_batch_job(s->pending) &&
                                 rl_journal_healthy(s->journal, NULL, NULL, 0);
         store_drain_pending(s))
        nanosleep(&pause, NULL);
}

int rl_store_close(rl_store *s, bool fold) {
    if (s == NULL)
        return RL_STORE_OK;
    int code = RL_STORE_OK;
    rl_backup_thread_stop(s->backups); /* nobody waits for a backup */
    if (s->started) {
        if (store_is_journaled(s))
            drain_to_the_end(s);
        atomic_store(&s->closing, true);
        int rc = rl_writer_stop(s->writer, fold);
        /* Units that were committed on the way: a journal that is kept for a restore has them, and
         * what came behind them goes there when it is not folded. */
        bool keep = s->options.upkeep.journal_keep == RL_JOURNAL_KEEP_BACKUP;
        if (store_is_journaled(s) && (keep || !fold))
            drain_to_the_end(s);
        bool unjournaled = s->pending && rl_batch_seq(s->tail) > rl_writer_folded_seq(s->writer);
        if (rc != SQLITE_OK || (!fold && unjournaled))
            code = RL_STORE_IO;
    }
    atomic_store(&s->closing, true);
    rl_keeper_stop(s->keeper);
    bool empty = fold && code == RL_STORE_OK &&
                 s->head != NULL; /* no head: open failed before it had read it all */
    rl_writer_close(s->writer, fold);
    rl_journal_close(s->journal, empty);
    while (s->head) {
        rl_batch *next = rl_batch_next_load(s->head);
        rl_batch_free(s->head);
        s->head = next;
    }
    if (s->created && s->refused)
        remove_database(s);
    rl_backup_thread_free(s->backups);
    rl_dirlock_release(s->lock);
    rl_free(s->backup_dir);
    rl_free(s->stem);
    rl_free((char *)s->options.dir);
    rl_free((char *)s->options.dbfilename);
    rl_free(s->path);
    rl_free(s);
    return code;
}
