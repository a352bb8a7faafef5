/* SPDX-License-Identifier: MIT */
/*
 * The store's beginning and end: opening (with restore and recovery), loading, starting the
 * threads, closing. The queue between them and the loop is in store.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/fsinfo.h"
#include "store/loader.h"
#include "store/store_internal.h"

/* Checkpoints: this often, and at these sizes of the WAL. */
#define CHECKPOINT_INTERVAL_MS 5000
#define CHECKPOINT_WAL_BYTES   (64ull << 20)
#define CHECKPOINT_WAL_MOST    (512ull << 20)
#define CHECKPOINT_WAL_LARGE   (1024ull << 20)
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

typedef struct replay {
    rl_store *store;
    rl_batch *first, *last;
    uint64_t bytes;
    int code;
    char *error;
    size_t error_len;
} replay;

/* Batches of a replay are folded this many bytes at a time. */
#define REPLAY_BYTES (64u << 20)

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

/* Folds what the journal holds. */
static int recover(rl_store *s, char *error, size_t error_len) {
    rl_journal_recovery report;
    replay r = {.store = s, .error = error, .error_len = error_len};
    int rc = rl_journal_replay(s->journal, rl_writer_meta(s->writer)->folded_seq, on_replayed, &r,
                               &report);
    if (r.code == RL_STORE_OK && replay_fold(&r) == RL_STORE_OK && rc == RL_JOURNAL_OK) {
        if (report.dropped)
            rl_log(RL_LOG_NOTICE, "journal: %s", report.detail);
        return RL_STORE_OK;
    }
    if (r.code != RL_STORE_OK)
        return r.code;
    if (rc == RL_JOURNAL_DAMAGED) {
        snprintf(error, error_len,
                 "%s/journal is damaged: %s. What came before is in %s now. Put a backup in place, "
                 "or, to go on "
                 "without what is missing, move %s/journal aside and start again",
                 s->options.dir, report.detail, s->options.dbfilename, s->options.dir);
        return RL_STORE_DAMAGED;
    }
    snprintf(error, error_len, "%s", report.detail);
    return rc == RL_JOURNAL_VERSION   ? RL_STORE_NEWER
           : rc == RL_JOURNAL_FOREIGN ? RL_STORE_REFUSED
                                      : RL_STORE_IO;
}

/* The database the journal belongs to: sixteen digits of its run id. 0, should it have none. */
static uint64_t journal_owner(const rl_schema_meta *meta) {
    char digits[17];
    snprintf(digits, sizeof digits, "%.16s", meta->run_id);
    return strtoull(digits, NULL, 16);
}

static int open_journal(rl_store *s, char *error, size_t error_len) {
    size_t len = strlen(s->options.dir) + sizeof "/journal";
    char *dir = rl_malloc(len);
    snprintf(dir, len, "%s/journal", s->options.dir);
    rl_journal_options options = {
        .dir = dir,
        .segment_bytes = s->options.segment_bytes,
        .mode = store_journal_mode(s->options.durability),
        .owner = journal_owner(rl_writer_meta(s->writer)),
        .on_progress = store_on_progress,
        .arg = s,
    };
    int rc = rl_journal_open(&options, &s->journal, error, error_len);
    rl_free(dir);
    if (rc == RL_JOURNAL_OK)
        return RL_STORE_OK;
    return rc == RL_JOURNAL_VERSION   ? RL_STORE_NEWER
           : rc == RL_JOURNAL_DAMAGED ? RL_STORE_DAMAGED
                                      : RL_STORE_IO;
}

/* A WAL without its database: SQLite would delete it beside a new one. */
static int check_orphan(rl_store *s, char *error, size_t error_len) {
    struct stat st;
    rl_buffer name = {0};
    rl_buffer_printf(&name, "%s-wal", s->path);
    bool orphan = stat(rl_buffer_cstr(&name), &st) == 0 && st.st_size > 0;
    rl_buffer_release(&name);
    if (!orphan)
        return RL_STORE_OK;
    s->created = false; /* nothing here is ours to remove */
    snprintf(error, error_len,
             "%s is missing, but its %s-wal is there and may hold changes of it: put the database "
             "back beside it, or move %s-wal aside to begin without",
             s->path, s->options.dbfilename, s->options.dbfilename);
    return RL_STORE_DAMAGED;
}

/* The queue begins with an empty batch for the writer to stand on. */
static void begin_queue(rl_store *s) {
    s->taken_seq = s->appended_seq = s->answered_seq = rl_writer_meta(s->writer)->folded_seq;
    s->head = s->tail = rl_batch_from_bytes(s->taken_seq, rl_bytes_of("", 0));
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

    code = check_file_system(&s->options, error, error_len);
    if (code == RL_STORE_OK)
        code = take_lock(s, error, error_len);
    s->created = code == RL_STORE_OK && access(s->path, F_OK) != 0;
    if (s->created)
        code = check_orphan(s, error, error_len);
    if (code == RL_STORE_OK)
        code = rl_writer_open(s->path, &s->writer, error, error_len);
    if (code == RL_STORE_OK)
        code = open_journal(s, error, error_len);
    if (code == RL_STORE_OK)
        code = recover(s, error, error_len);
    if (code != RL_STORE_OK) {
        s->refused = true;
        rl_store_close(s, false);
        return code;
    }
    begin_queue(s);
    *out = s;
    return RL_STORE_OK;
}

int rl_store_load(rl_store *s, void (*on_row)(void *arg, const rl_store_row *row), void *arg,
                  char *error, size_t error_len) {
    return rl_loader_run(s->path, on_row, arg, error, error_len);
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
    rl_keeper_options keeper = {
        .path = s->path,
        .folded_seq = folded_seq,
        .interval_ms = CHECKPOINT_INTERVAL_MS,
        .wal_bytes = CHECKPOINT_WAL_BYTES,
        .wal_bytes_most = CHECKPOINT_WAL_MOST,
        .wal_large_bytes = CHECKPOINT_WAL_LARGE,
        .on_done = store_on_progress,
        .arg = s,
    };
    int code = rl_keeper_start(&keeper, &s->keeper, error, error_len);
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
        unlink(rl_buffer_cstr(&name));
        rl_buffer_release(&name);
    }
}

int rl_store_close(rl_store *s, bool fold) {
    if (s == NULL)
        return RL_STORE_OK;
    int code = RL_STORE_OK;
    if (s->started) {
        if (store_is_journaled(s))
            store_drain_pending(s);
        atomic_store(&s->closing, true);
        int rc = rl_writer_stop(s->writer, fold);
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
    rl_dirlock_release(s->lock);
    rl_free((char *)s->options.dir);
    rl_free((char *)s->options.dbfilename);
    rl_free(s->path);
    rl_free(s);
    return code;
}
