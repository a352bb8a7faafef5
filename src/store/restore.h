/* SPDX-License-Identifier: MIT */
/*
 * Restoring: puts the newest backup that is good in the place of a data.db that is missing or
 * damaged. What was there is moved aside, never deleted. The journal stays where it is: if it goes
 * on from the backup's folded_seq without a gap, replaying it brings everything back; the store
 * does that when it is opened next, and moves aside what it cannot apply.
 *
 * By the thread that opens the store (or the administration program), with the directory's lock
 * held and nobody having the file open.
 *
 * A crash leaves the old state or the new one. The order: the copy is made under a temporary name,
 * checked, marked and synced; then what is there is moved aside (the database first, so that it is
 * never seen without what belongs to it), and that synced; then the copy gets its name, and that is
 * synced. The mark, a row of rl_meta, stays until the journal has been seen to, so a start after a
 * crash in between still knows that this is a restored database.
 */
#ifndef RL_STORE_RESTORE_H
#define RL_STORE_RESTORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum rl_restore_policy {
    RL_RESTORE_NO,    /* refuse to start, and say what could be done */
    RL_RESTORE_YES,   /* restore the newest good backup */
    RL_RESTORE_EMPTY, /* begin without data */
} rl_restore_policy;

typedef struct rl_restore_report {
    bool restored;       /* a backup was put in place */
    bool moved_aside;    /* the file that was there */
    char backup[512];    /* path of the backup */
    char aside[512];     /* where the damaged file is now; "" when there was none */
    char reason[512];    /* why: "is missing", or what the check said */
    int64_t data_ms;     /* wall time the backup's content is from */
    uint64_t folded_seq; /* of the backup */
    size_t tried;        /* backups looked at, the good one included */
    /* Set by the store, once it has seen to the journal. */
    uint64_t journal_batches; /* of the journal, applied on top */
    uint64_t journal_left;    /* batches that could not be, since some before them are missing */
    char journal_aside[512];  /* where those are now; "" when there was no need */
} rl_restore_report;

typedef struct rl_restore_options {
    const char *path; /* of the database */
    const char *backup_dir;
    const char *stem;
    const char *backup; /* this one, instead of the newest good one; NULL */
    uint64_t above_seq; /* only one with batches above this; 0: any */
    /* Moved aside as well, so that nothing is applied on top; NULL: the journal stays. */
    const char *drop_journal;
    const char *aside_word; /* NAME.WORD-TIME is what is moved aside; NULL: "damaged" */
} rl_restore_options;

/* Restores. `reason` is why the file there is not good. Backups that do not check are passed over,
 * with a line in the log. RL_STORE_OK; RL_STORE_DAMAGED when no backup is good; RL_STORE_NEWER when
 * the newest one was written by a newer version; RL_STORE_IO (no room, no permission …). On failure
 * what is there has not been touched, but for a system that failed between two renames: then the
 * error says where things are. */
int rl_restore_run(const rl_restore_options *options, const char *reason, rl_restore_report *report,
                   char *error, size_t error_len);
/* Moves the file, and what SQLite had beside it, aside only (policy EMPTY). */
int rl_restore_move_aside(const char *path, rl_restore_report *report, char *error,
                          size_t error_len);
/* Renames PATH to PATH.damaged-TIME, synced. aside gets the new name; "" when there is no PATH. */
int rl_restore_rename_aside(const char *path, char *aside, size_t aside_len, char *error,
                            size_t error_len);

/* Whether the database at path is marked as restored, its journal not seen to yet. Fills what the
 * mark says, if so. */
bool rl_restore_marked(const char *path, rl_restore_report *report);
/* The journal has been seen to. new_history: some of it was left behind, so the numbers of its
 * batches will be given again; a new run_id keeps the two apart. An rl_store_error. */
int rl_restore_unmark(const char *path, bool new_history, char *error, size_t error_len);

/* "2026-11-21T15:45:00Z" */
void rl_restore_time_text(int64_t wall_ms, char *out, size_t out_len);

#endif
