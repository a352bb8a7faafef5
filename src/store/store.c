/* SPDX-License-Identifier: MIT */
/*
 * The store as the loop sees it; see store.h. The work is done by the journal (with the syncer),
 * the writer (the store thread) and the keeper; this file holds the queue between them and the
 * loop.
 *
 * The queue is one linked list of batches in order of seq:
 *
 *     head ─▶ … ─▶ standing ─▶ … ─▶ pending ─▶ … ─▶ tail
 *     │ folded, to be freed │ to be folded         │
 *                                       │ to be journaled
 *
 * Only the loop links, frees and keeps `pending`. The writer follows the links (acquire; the loop
 * links with release) and publishes the batch it stands on; the loop frees what lies before both
 * that and `pending`. The fold does not wait for the journal: a batch may be folded before it was
 * journaled, and then never is.
 *
 * Gaps in the journal. A batch that is folded needs no journal, so the journal may jump over it:
 * after an I/O error, or when durability was `none` for a while. Every append is of the first batch
 * that is neither journaled nor folded, so below a gap everything is in data.db, and recovery,
 * which reads on from folded_seq, never needs what is missing.
 */
#include "store/store.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/dirlock.h"
#include "store/fsinfo.h"
#include "store/journal.h"
#include "store/keeper.h"
#include "store/loader.h"
#include "store/writer.h"

/* Checkpoints: this often, and at these sizes of the WAL. */
#define CHECKPOINT_INTERVAL_MS 5000
#define CHECKPOINT_WAL_BYTES   (64ull << 20)
#define CHECKPOINT_WAL_MOST    (512ull << 20)
#define CHECKPOINT_WAL_LARGE   (1024ull << 20)
/* Fold before the interval is over when the backlog is this part of its limit; a transaction takes
 * as much. */
#define BACKLOG_PART 2
/* Batches freed in one go: a fold of a second leaves thousands, and the loop has better to do than
 * to free them all at once. */
#define FREE_PER_COLLECT 256
#define FREE_PER_APPEND  4
/* A folded batch that the writer stands on is replaced when it is larger. */
#define STANDING_BYTES   (1u << 20)
#define JOURNAL_RETRY_MS 250

struct rl_store {
    rl_store_options options;
    char *path; /* of the database */
    rl_dirlock *lock;
    rl_journal *journal;
    rl_writer *writer;
    rl_keeper *keeper;
    uint64_t replayed;
    bool created; /* the database was not there before … */
    bool refused; /* … and opening the store failed */
    bool started;

    rl_batch *head, *tail;
    rl_batch *pending; /* the first batch the journal still has to take; NULL: none */
    uint64_t taken_seq, taken_bytes;
    uint64_t appended_seq;    /* the last one the journal took */
    uint64_t answered_seq;    /* released under an earlier durability: cannot be taken back */
    bool sync_wanted;         /* of what is pending */
    bool journal_open;        /* it has been started */
    bool broken;              /* it refused with an I/O error, and has not taken anything since */
    int64_t journal_retry_ms; /* not before */
    char failure[1024];

    _Atomic bool notified; /* a notification is on its way */
    _Atomic bool closing;
};

/* From any thread: progress was made. */
static void on_progress(void *arg) {
    rl_store *s = arg;
    if (!atomic_load(&s->closing) && s->options.notify && !atomic_exchange(&s->notified, true))
        s->options.notify(s->options.notify_arg);
}

static bool is_journaled(const rl_store *s) {
    return s->options.durability != RL_DURABILITY_NONE;
}

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
        return say(error, error_len, RL_STORE_IO, o->dir, strerror(errno));
    if (!S_ISDIR(st.st_mode))
        return say(error, error_len, RL_STORE_REFUSED, o->dir, "is not a directory");
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

static rl_journal_mode journal_mode(rl_durability durability) {
    static const rl_journal_mode modes[] = {
        [RL_DURABILITY_ALWAYS] = RL_JOURNAL_ALWAYS,
        [RL_DURABILITY_EVERYSEC] = RL_JOURNAL_EVERYSEC,
        [RL_DURABILITY_NO] = RL_JOURNAL_NO,
        [RL_DURABILITY_NONE] = RL_JOURNAL_NO,
    };
    return modes[durability];
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
        .mode = journal_mode(s->options.durability),
        .owner = journal_owner(rl_writer_meta(s->writer)),
        .on_progress = on_progress,
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

/* Larger transactions write fewer pages for the same rows; but what one has taken stays in memory
 * until its commit, on top of what the loop may add meanwhile. */
static void apply_backlog_limit(rl_store *s) {
    uint64_t part = s->options.backlog_limit_bytes / BACKLOG_PART;
    rl_writer_set_transaction_limit(s->writer, part > (1u << 20) ? part : 1u << 20);
}

int rl_store_start(rl_store *s, char *error, size_t error_len) {
    uint64_t folded_seq = rl_writer_meta(s->writer)->folded_seq;
    rl_journal_stats journal;
    rl_journal_stats_read(s->journal, &journal);
    /* Starting takes the validity from what is in the segments. That must not wait until a journal
     * is wanted: frames that recovery dropped carry numbers that will be given again. */
    if (is_journaled(s) || journal.segments + journal.spare_segments > 0) {
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
        .on_done = on_progress,
        .arg = s,
    };
    int code = rl_keeper_start(&keeper, &s->keeper, error, error_len);
    if (code != RL_STORE_OK)
        return code;
    apply_backlog_limit(s);
    rl_writer_options writer = {
        .standing = s->head,
        .journal = s->journal,
        .journal_started = s->journal_open,
        .keeper = s->keeper,
        .fold_interval_ms = s->options.fold_interval_ms,
        .on_progress = on_progress,
        .arg = s,
    };
    code = rl_writer_start(s->writer, &writer, error, error_len);
    s->started = code == RL_STORE_OK;
    return code;
}

/* --- the queue ------------------------------------------------------------------------------- */

static uint64_t backlog_bytes(const rl_store *s) {
    return s->taken_bytes - rl_writer_folded_bytes(s->writer);
}

static void free_folded(rl_store *s, int most) {
    const rl_batch *standing = rl_writer_standing(s->writer);
    while (most-- > 0 && s->head != standing && s->head != s->pending) {
        rl_batch *next = rl_batch_next_load(s->head);
        rl_batch_free(s->head);
        s->head = next;
    }
}

/* The last batch stays after it is folded, because the writer stands on it. When it is large and
 * nothing follows, give the writer an empty one to stand on. */
static void replace_standing(rl_store *s) {
    if (s->head != s->tail || s->pending || s->head != rl_writer_standing(s->writer) ||
        rl_batch_footprint(s->head) < STANDING_BYTES)
        return;
    s->tail = rl_batch_from_bytes(rl_batch_seq(s->head), rl_bytes_of("", 0));
    rl_batch_next_store(s->head, s->tail);
    rl_writer_wake(s->writer);
}

/* The first batch with a number above seq, NULL when there is none. */
static rl_batch *first_above(const rl_store *s, uint64_t seq) {
    rl_batch *batch = s->head;
    while (batch && rl_batch_seq(batch) <= seq)
        batch = rl_batch_next_load(batch);
    return batch;
}

/* Appends one batch; true when the journal has it. */
static bool journal_take(rl_store *s, rl_batch *batch) {
    if (!s->journal_open)
        return false;
    int rc = rl_journal_append(s->journal, batch);
    if (rc == RL_JOURNAL_OK) {
        s->appended_seq = rl_batch_seq(batch);
        return true;
    }
    if (rc == RL_JOURNAL_BROKEN && !s->broken) {
        s->broken = true;
        on_progress(s); /* the next collect asks for a fresh segment */
    }
    return false;
}

/* After an I/O error: asks for a fresh segment, into which all goes that is neither synced nor
 * folded. */
static void retry_journal(rl_store *s) {
    s->broken = true;
    int64_t now_ms = rl_clock_mono_ms();
    if (now_ms < s->journal_retry_ms)
        return;
    s->journal_retry_ms = now_ms + JOURNAL_RETRY_MS;
    uint64_t synced = rl_journal_synced(s->journal);
    uint64_t folded = rl_writer_folded_seq(s->writer);
    rl_journal_retry(s->journal);
    s->pending = first_above(s, synced > folded ? synced : folded);
}

/* Appends what waits for the journal. */
static void drain_pending(rl_store *s) {
    if (!s->journal_open) {
        if (!rl_writer_journal_started(s->writer))
            return;
        s->journal_open = true;
        rl_journal_set_mode(s->journal, journal_mode(s->options.durability));
    }
    if (!rl_journal_healthy(s->journal, NULL, NULL, 0))
        retry_journal(s);
    while (s->pending) {
        /* What is folded needs no journal any more. */
        if (rl_batch_seq(s->pending) > rl_writer_folded_seq(s->writer) &&
            !journal_take(s, s->pending))
            return;
        s->pending = rl_batch_next_load(s->pending);
    }
    if (s->sync_wanted) {
        s->sync_wanted = false;
        rl_journal_sync_soon(s->journal);
    }
    if (s->broken && rl_journal_healthy(s->journal, NULL, NULL, 0)) {
        s->broken = false;
        rl_log(RL_LOG_NOTICE, "journal: takes writes again");
    }
}

void rl_store_append(rl_store *s, rl_batch *batch) {
    s->taken_seq = rl_batch_seq(batch);
    s->taken_bytes += rl_batch_footprint(batch);
    if (is_journaled(s) && (s->pending || !journal_take(s, batch)) && s->pending == NULL)
        s->pending = batch;
    rl_batch_next_store(s->tail, batch); /* from here on the writer may fold it */
    s->tail = batch;
    if (backlog_bytes(s) > s->options.backlog_limit_bytes / BACKLOG_PART)
        rl_writer_want(s->writer, rl_writer_folded_seq(s->writer) + 1);
    free_folded(s, FREE_PER_APPEND);
}

void rl_store_collect(rl_store *s) {
    atomic_store(&s->notified, false); /* before looking: what comes from now on notifies anew */
    if (!s->started)
        return;
    if (is_journaled(s))
        drain_pending(s);
    free_folded(s, FREE_PER_COLLECT);
    replace_standing(s);
}

/* --- progress -------------------------------------------------------------------------------- */

void rl_store_progress_read(const rl_store *s, rl_store_progress *out) {
    uint64_t folded = rl_writer_folded_seq(s->writer);
    uint64_t synced = rl_journal_synced(s->journal);
    bool journaled = is_journaled(s);
    out->folded_seq = folded;
    out->synced_seq = synced > folded ? synced : folded;
    out->appended_seq = journaled ? s->appended_seq : s->taken_seq;
    if (out->appended_seq < out->synced_seq)
        out->appended_seq = out->synced_seq; /* folded without a journal */
    out->released_seq =
        s->options.durability == RL_DURABILITY_ALWAYS ? out->synced_seq : out->appended_seq;
    if (out->released_seq < s->answered_seq)
        out->released_seq = s->answered_seq;
    out->backlog_bytes = backlog_bytes(s);
    out->over_limit = out->backlog_bytes > s->options.backlog_limit_bytes;
    out->failed = (journaled && (s->broken || rl_writer_journal_failed(s->writer))) ||
                  (out->over_limit && rl_writer_failed(s->writer, NULL, 0));
}

const char *rl_store_failure(rl_store *s) {
    if (is_journaled(s) && s->journal_open &&
        !rl_journal_healthy(s->journal, NULL, s->failure, sizeof s->failure))
        return s->failure;
    if (rl_writer_failed(s->writer, s->failure, sizeof s->failure))
        return s->failure;
    if (is_journaled(s) && (s->broken || rl_writer_journal_failed(s->writer)))
        return "the journal is being made anew after an error";
    return "";
}

void rl_store_stats_read(const rl_store *s, rl_store_stats *out) {
    memset(out, 0, sizeof *out);
    rl_writer_stats w;
    rl_writer_stats_read(s->writer, &w);
    out->folds = w.folds;
    out->folded_batches = w.batches;
    out->folded_changes = w.changes;
    out->folded_rows = w.rows;
    out->fold_failures = w.failures;
    out->last_fold_us = w.last_us;
    out->last_fold_rows = w.last_rows;
    out->last_fold_wall_ms = w.last_wall_ms;
    if (s->keeper) {
        rl_keeper_stats k;
        rl_keeper_stats_read(s->keeper, &k);
        out->checkpoints_wanted = k.wanted;
        out->checkpoints_done = k.done;
        out->checkpoint_failures = k.failures;
        out->last_checkpoint_us = k.last_us;
        out->last_checkpoint_wall_ms = k.last_wall_ms;
        out->wal_bytes = k.wal_bytes;
        out->db_bytes = k.db_bytes;
    }
    rl_journal_stats j;
    rl_journal_stats_read(s->journal, &j);
    out->journal_segments = j.segments;
    out->journal_spare_segments = j.spare_segments;
    out->journal_bytes_appended = j.bytes_appended;
    out->journal_frames = j.frames;
    out->journal_syncs = j.syncs;
    out->journal_failed_syncs = j.failed_syncs;
    out->journal_last_sync_us = j.last_sync_us;
}

/* --- settings and wishes --------------------------------------------------------------------- */

void rl_store_set_durability(rl_store *s, rl_durability durability) {
    if (durability == s->options.durability)
        return;
    rl_store_progress progress;
    rl_store_progress_read(s, &progress);
    bool was_journaled = is_journaled(s);
    s->answered_seq = progress.released_seq;
    s->options.durability = durability;
    if (!is_journaled(s)) {
        /* The journal rests. Fold what it has, so that it soon holds nothing that counts. */
        s->pending = NULL;
        s->broken = false;
        rl_writer_want(s->writer, s->taken_seq);
        return;
    }
    if (!was_journaled) {
        /* The journal goes on with the first batch that is neither folded nor in it. */
        uint64_t folded = rl_writer_folded_seq(s->writer);
        s->pending = first_above(s, folded > s->appended_seq ? folded : s->appended_seq);
        if (!s->journal_open)
            rl_writer_start_journal(s->writer);
    }
    if (s->journal_open) {
        rl_journal_set_mode(s->journal, journal_mode(durability));
        drain_pending(s);
    }
}

void rl_store_set_backlog_limit(rl_store *s, uint64_t bytes) {
    s->options.backlog_limit_bytes = bytes;
    apply_backlog_limit(s);
}

void rl_store_set_fold_interval(rl_store *s, uint32_t ms) {
    s->options.fold_interval_ms = ms;
    rl_writer_set_interval(s->writer, ms);
}

void rl_store_sync_soon(rl_store *s) {
    if (is_journaled(s) && s->journal_open && !s->broken) {
        rl_journal_sync_soon(s->journal);
        s->sync_wanted = s->pending != NULL; /* and once more when that is in */
    } else {
        rl_writer_want(s->writer, s->taken_seq); /* a fold syncs too */
    }
}

void rl_store_fold_soon(rl_store *s) {
    rl_writer_want(s->writer, s->taken_seq);
}

uint64_t rl_store_checkpoint_soon(rl_store *s) {
    uint64_t number = rl_keeper_request(s->keeper, s->taken_seq);
    rl_writer_want(s->writer, s->taken_seq);
    rl_writer_wake(s->writer); /* even with nothing to fold: the thread pokes the keeper */
    return number;
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
        if (is_journaled(s))
            drain_pending(s);
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
