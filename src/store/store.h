/* SPDX-License-Identifier: MIT */
/*
 * The store: DIR/data.db, its journal and the threads that keep them. "Memory answers, the journal
 * remembers, SQLite keeps": the loop hands over sealed batches and is told how far they are
 * journaled, synced and folded.
 *
 *     open ──▶ load (rows into the keyspace) ──▶ start ──▶ append … ──▶ close
 *               └──▶ (damaged) restore ──▶ load again
 *
 * open takes the lock on the directory, opens and checks the database and folds what the journal
 * still holds, so load sees everything that was answered. All functions are for the thread that
 * opened the store (the loop), except where said. None of those that run between start and close
 * waits, syncs or locks.
 *
 * Ownership: append takes the batch. The store frees it once it is folded, in rl_store_collect.
 */
#ifndef RL_STORE_STORE_H
#define RL_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "store/batch.h"
#include "store/check.h"
#include "store/job.h"
#include "store/restore.h"

typedef enum rl_durability {
    RL_DURABILITY_ALWAYS,   /* answered once synced */
    RL_DURABILITY_EVERYSEC, /* answered once appended, synced every second */
    RL_DURABILITY_NO,       /* answered once appended */
    RL_DURABILITY_NONE,     /* no journal: answered at once, kept by the fold alone */
} rl_durability;

typedef enum rl_journal_keep {
    RL_JOURNAL_KEEP_FOLDED, /* until a batch is in data.db */
    RL_JOURNAL_KEEP_BACKUP, /* until it is in a backup */
} rl_journal_keep;

/* What the keeper and the backups go by; all of it may change while the store runs. */
typedef struct rl_store_upkeep {
    uint32_t checkpoint_interval_ms; /* PASSIVE this often */
    uint64_t checkpoint_wal_bytes;   /* and at once above this */
    int64_t backup_interval_s;       /* after the newest backup, when something changed; 0: never */
    int backup_retain;
    uint64_t backup_rate; /* bytes a second, 0: no limit */
    rl_journal_keep journal_keep;
    uint64_t journal_keep_bytes; /* a kept journal above this asks for a backup */
} rl_store_upkeep;

typedef struct rl_store_options {
    const char *dir;
    const char *dbfilename; /* a plain name below dir */
    rl_durability durability;
    uint64_t segment_bytes; /* journal-segment-size */
    uint64_t
        backlog_limit_bytes;   /* batches not folded yet, in memory; above it over_limit is set */
    uint32_t fold_interval_ms; /* 1000 */
    bool allow_network_fs;
    const char *backup_dir; /* absolute, or relative to dir; NULL: "backups" */
    rl_store_upkeep upkeep;
    rl_restore_policy restore; /* when data.db is missing beside backups, or damaged */
    rl_check_level check;      /* of data.db, at open */
    void (*notify)(void *arg); /* from any thread, coalesced: call rl_store_collect soon */
    void *notify_arg;
} rl_store_options;

typedef enum rl_store_error {
    RL_STORE_OK = 0,
    RL_STORE_LOCKED = -1,     /* another server holds the directory */
    RL_STORE_IO = -2,         /* the system said no */
    RL_STORE_SQLITE = -3,     /* SQLite said no */
    RL_STORE_DAMAGED = -4,    /* data.db or the journal is damaged */
    RL_STORE_NEWER = -5,      /* written by a newer version */
    RL_STORE_NETWORK_FS = -6, /* network file system, and not allowed */
    RL_STORE_REFUSED = -7,    /* a bad option, such as a dbfilename with a slash */
} rl_store_error;

typedef struct rl_store rl_store;

/* On failure *out is untouched and error has a sentence for the user: what, where, what to do. */
int rl_store_open(const rl_store_options *options, rl_store **out, char *error, size_t error_len);

typedef struct rl_store_row {
    uint64_t id;
    int db;
    rl_type type;
    int64_t expires_at; /* RL_NEVER or Unix ms */
    rl_bytes key;
    rl_bytes value; /* strings */
    bool strange;   /* the key's class is not the one that its bytes get: another program's */
} rl_store_row;

/* An element of the collection whose row came last. */
typedef struct rl_store_element {
    rl_bytes name;      /* a field, a member */
    rl_bytes value;     /* of a field; of a list's item */
    int64_t expires_at; /* of a field: RL_NEVER or Unix ms */
    double score;       /* of a sorted set's member */
    int64_t position;   /* of a list's item; they come in this order */
    bool strange;       /* the name's class is not the one that its bytes get */
} rl_store_element;

typedef struct rl_store_loading {
    void (*on_row)(void *arg, const rl_store_row *row);
    /* The elements of a collection come right behind its row, in no order but a list's. */
    void (*on_element)(void *arg, const rl_store_element *element);
    void *arg;
} rl_store_loading;

/* Hands out every key, on the calling thread, in order of id, strange ones behind all others; bytes
 * are valid during the call. Keys and fields that expired are handed over too, and collections
 * without elements, which only another program can have made. Checks the file beside it, as
 * options.check says. RL_STORE_DAMAGED: forget the rows, call rl_store_restore and load again. */
int rl_store_load(rl_store *s, const rl_store_loading *loading, char *error, size_t error_len);
/* Between load and start, after RL_STORE_DAMAGED, with the sentence of load as the reason: opens
 * once more, for a read that failed looks like damage, then restores a backup as options.restore
 * says. RL_STORE_OK: load again; should that be RL_STORE_DAMAGED, call this again, which then
 * restores. Else error says what to do. */
int rl_store_restore(rl_store *s, const char *reason, char *error, size_t error_len);
uint64_t rl_store_key_count(
    rl_store *s); /* before load: how many rows are to come, for sizing (a guess is fine) */
uint64_t
rl_store_next_id(const rl_store *s); /* the first row id that was never used; valid after open */
uint64_t
rl_store_last_seq(const rl_store *s); /* the last seq ever used; the next batch is this plus one */
uint64_t rl_store_replayed(const rl_store *s); /* batches that open folded from the journal */
/* What open or restore restored or moved aside; NULL when there was no need. Valid until close. */
const rl_restore_report *rl_store_restored(const rl_store *s);
const char *rl_store_path(const rl_store *s); /* of data.db */

int rl_store_start(rl_store *s, char *error,
                   size_t error_len); /* starts syncer, store thread and keeper */

/* Takes a sealed batch; seqs are consecutive. Journals it at once where it can; otherwise (no
 * segment ready, I/O error) keeps it and tries again at each collect, in order. */
void rl_store_append(rl_store *s, rl_batch *batch);

typedef struct rl_store_progress {
    uint64_t appended_seq; /* in the journal (or, without one, taken) */
    uint64_t synced_seq;   /* safe from power loss: synced in the journal, or folded */
    uint64_t folded_seq;   /* in data.db, synced */
    uint64_t visible_seq;  /* in data.db for who opens it now; >= folded_seq, perhaps not synced */
    uint64_t released_seq; /* may be answered, by the durability in force */
    uint64_t backlog_bytes;
    bool over_limit; /* the backlog is over its limit: do not read from clients that write */
    bool failed;     /* the disk does not take writes (or a unit, and all waits for it): refuse them
                      * with -MISCONF */
} rl_store_progress;

/* A few loads; cheap enough for every turn. */
void rl_store_progress_read(const rl_store *s, rl_store_progress *out);
/* After notify and on a timer: tries again what could not be appended, frees what is folded. */
void rl_store_collect(rl_store *s);
/* The sentence behind `failed` ("No space left on device while …"). Valid until the next call. */
const char *rl_store_failure(rl_store *s);

void rl_store_set_durability(rl_store *s, rl_durability durability);
void rl_store_set_backlog_limit(rl_store *s, uint64_t bytes);
void rl_store_set_fold_interval(rl_store *s, uint32_t ms);
void rl_store_sync_soon(rl_store *s); /* makes synced_seq reach what was appended so far */
void rl_store_fold_soon(rl_store *s); /* makes folded_seq reach what was appended so far */
void rl_store_show_soon(rl_store *s); /* makes visible_seq reach it: as fold_soon, without a sync */

/* SQL writes; see job.h. Runs after everything appended so far is folded. The journal goes on
 * meanwhile. Both may be called from start to close; close does what is left: with its fold the
 * jobs are run, without they are done with SQLITE_INTERRUPT. */
void rl_store_submit(rl_store *s, rl_job *job);
/* A unit: takes the batch as rl_store_append does, and the job with it. Until the unit is committed
 * the journal takes nothing behind it, so nothing behind it is released. */
void rl_store_append_unit(rl_store *s, rl_batch *batch, rl_job *job);
/* Folds, then checkpoints the WAL into data.db; done when stats.checkpoints_done has reached the
 * returned number. */
uint64_t rl_store_checkpoint_soon(rl_store *s);
/* Folds, then makes a backup; done when stats.backups_done has reached the returned number, failed
 * when stats.backups_failed_last has. Runs asked for while one waits are one. */
uint64_t rl_store_backup_soon(rl_store *s);
void rl_store_set_upkeep(rl_store *s, const rl_store_upkeep *upkeep);

typedef struct rl_store_stats {
    uint64_t folds, folded_batches, folded_changes,
        folded_rows; /* changes came in, rows went out */
    uint64_t fold_failures, last_fold_us, last_fold_rows;
    int64_t last_fold_wall_ms;
    uint64_t
        checkpoints_wanted; /* the number of the last one asked for; above _done: it is to come */
    uint64_t checkpoints_done, checkpoint_failures, last_checkpoint_us;
    int64_t last_checkpoint_wall_ms;
    uint64_t wal_bytes, db_bytes;
    /* A reader that keeps the WAL from being reset. */
    int64_t wal_pinned_ms;     /* how long so far; 0: nobody */
    uint64_t wal_pinned_bytes; /* of WAL written since that cannot be reused */
    int wal_pinned_pid;        /* of the process that holds it; 0: not known */
    char wal_pinned_by[64];    /* its name */
    /* Backups. Numbers as of rl_store_backup_soon. */
    uint64_t backups_wanted, backups_done, backups_failed, backups_failed_last;
    uint64_t backups_made;                          /* since the start, by whatever reason */
    uint64_t backup_running;                        /* the number of the one at work, 0: none */
    uint64_t backup_running_us;                     /* for how long so far */
    uint64_t backup_bytes_done, backup_bytes_total; /* of the one at work */
    int64_t last_backup_ms; /* wall time of the newest backup's content; 0: there is none */
    int64_t next_backup_ms; /* when one is due by time; 0: never, or nothing has changed */
    uint64_t last_backup_us, last_backup_bytes, last_backup_seq, backup_count;
    char last_backup_error[256];        /* of the last run, "" when it went well */
    uint64_t jobs, units, job_failures; /* SQL writes that were run */
    uint64_t indexes_dropped;           /* users' indexes that stood in the way of a fold */
    uint64_t dead_collections;          /* deleted, and elements of them are still to be swept */
    uint64_t swept_rows;                /* elements that were, since the start */
    uint64_t journal_segments, journal_spare_segments, journal_bytes_appended, journal_frames;
    uint64_t journal_syncs, journal_failed_syncs, journal_last_sync_us;
    uint64_t journal_kept_segments, journal_kept_bytes, journal_kept_from; /* for a restore */
} rl_store_stats;
void rl_store_stats_read(const rl_store *s, rl_store_stats *out);

/* Stops the threads. With `fold`, first syncs and folds everything and checkpoints, so that data.db
 * holds all and the journal nothing; without it, only syncs the journal. Waits: for the end of the
 * process. 0, or an error when something could not be kept (the journal then still has it). NULL is
 * fine. */
int rl_store_close(rl_store *s, bool fold);

#endif
