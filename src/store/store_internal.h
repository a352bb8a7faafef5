/* SPDX-License-Identifier: MIT */
/* What store.c (the queue) and store_open.c (the beginning and the end) share. Nobody else includes
 * it. */
#ifndef RL_STORE_STORE_INTERNAL_H
#define RL_STORE_STORE_INTERNAL_H

#include <stdatomic.h>

#include "store/backup_thread.h"
#include "store/dirlock.h"
#include "store/journal.h"
#include "store/keeper.h"
#include "store/store.h"
#include "store/writer.h"

struct rl_store {
    rl_store_options options;
    char *path; /* of the database */
    char *backup_dir;
    char *stem; /* of the backups' names */
    rl_dirlock *lock;
    rl_journal *journal;
    rl_writer *writer;
    rl_keeper *keeper;
    rl_backup_thread *backups;
    uint64_t replayed;
    bool created; /* the database was not there before … */
    bool refused; /* … and opening the store failed */
    bool started;
    bool repaired;              /* a backup was put in place, or was to be; once is enough */
    bool looked_again;          /* at what seemed damaged */
    bool journal_at_fault;      /* of RL_STORE_DAMAGED: the database is good */
    rl_restore_report restored; /* all zero when there was no need */

    rl_batch *head, *tail;
    rl_batch *pending; /* the first batch the journal still has to take; NULL: none */
    rl_batch *unit;    /* the first unit that is not folded, as far as was looked; NULL: none */
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

static inline bool store_is_journaled(const rl_store *s) {
    return s->options.durability != RL_DURABILITY_NONE;
}

/* From any thread: progress was made. */
void store_on_progress(void *arg);
rl_journal_mode store_journal_mode(rl_durability durability);
void store_apply_backlog_limit(rl_store *s);
/* Appends what waits for the journal. */
void store_drain_pending(rl_store *s);

/* store_recover.c: from the lock to a database that can be loaded. An rl_store_error. */
int store_recover(rl_store *s, char *error, size_t error_len);
/* store_migrate.c: brings an older database to our schema, after a backup. An rl_store_error. */
int store_migrate(rl_store *s, char *error, size_t error_len);

/* store_upkeep.c */
int store_keeper_start(rl_store *s, char *error, size_t error_len);
char *store_backup_dir(const rl_store_options *options); /* the caller frees */
/* Before any thread runs. Looks at the backups there are. */
void store_backups_create(rl_store *s);
void store_upkeep_stats(const rl_store *s, rl_store_stats *out);

#endif
