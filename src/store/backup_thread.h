/* SPDX-License-Identifier: MIT */
/*
 * The backup thread: makes backups by schedule, for the journal's sake and when asked, and removes
 * those beyond the retention. It is a thread of its own so that checkpoints go on during a long
 * copy. A backup that fails is tried again after a while; nothing else depends on it.
 *
 *     create ──▶ (store thread and syncer start) ──▶ start ──▶ request, set, poke … ──▶ free
 */
#ifndef RL_STORE_BACKUP_THREAD_H
#define RL_STORE_BACKUP_THREAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

/* How things are at the moment. */
typedef struct rl_backup_view {
    uint64_t folded_seq;
    uint64_t wal_bytes;
    uint64_t kept_bytes, kept_from; /* of the journal; see rl_journal_stats */
} rl_backup_view;

typedef struct rl_backup_thread_options {
    const char *path, *dir, *stem; /* as in rl_backup_options; copied */
    const char *run_id;            /* of the database; copied */
    uint64_t folded_seq;           /* as of now */
    const char *restored_from;     /* the backup that was put in place at this start; NULL: none */
    rl_store_upkeep upkeep;
    uint64_t wal_large_bytes; /* a WAL above this: copy without a limit, so that it may shrink */
    void (*look)(void *arg, rl_backup_view *out);      /* from the thread */
    void (*on_backup)(void *arg, uint64_t folded_seq); /* a backup has all up to here */
    void (*on_change)(void *arg);                      /* from the thread: a run ended */
    void *arg;
} rl_backup_thread_options;

typedef struct rl_backup_stats {
    uint64_t wanted, done, failed, failed_last;
    uint64_t running, running_us, bytes_done, bytes_total;
    int64_t newest_ms, next_ms; /* next: when one is due by time; 0: not known, or never */
    uint64_t made;              /* since the start */
    uint64_t last_us, newest_bytes, newest_seq, count;
    const char *error; /* of the last run, "" when it went well; valid until free */
} rl_backup_stats;

typedef struct rl_backup_thread rl_backup_thread;

/* Looks at the backups there are and tells on_backup of the newest. */
rl_backup_thread *rl_backup_thread_create(const rl_backup_thread_options *options);
/* An rl_store_error. */
int rl_backup_thread_start(rl_backup_thread *b, char *error, size_t error_len);
/* Ends a run that is at work, which leaves nothing behind, and the thread. NULL is fine. */
void rl_backup_thread_stop(rl_backup_thread *b);
void rl_backup_thread_free(rl_backup_thread *b); /* stops first; NULL is fine */

/* Loop; takes no lock. Asks for a backup of everything up to seq and returns its number: it is in
 * place when stats.done has reached that, and came to nothing when stats.failed_last has. The store
 * thread must be told to fold that far. */
uint64_t rl_backup_thread_request(rl_backup_thread *b, uint64_t seq);
void rl_backup_thread_set(rl_backup_thread *b, const rl_store_upkeep *upkeep); /* loop */
/* Any thread, often: something was folded. Cheap. */
void rl_backup_thread_poke(rl_backup_thread *b);
void rl_backup_thread_stats_read(const rl_backup_thread *b, rl_backup_stats *out); /* any thread */

#endif
