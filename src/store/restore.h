/* SPDX-License-Identifier: MIT */
/*
 * Restoring: puts the newest backup that is good in the place of a data.db that is missing or
 * damaged. What was there is moved aside, never deleted. The journal is the caller's: if it goes on
 * from the backup's folded_seq without a gap, replaying it brings everything back.
 *
 * By the thread that opens the store, with the directory's lock held and nobody having the file
 * open.
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
} rl_restore_report;

typedef struct rl_restore_options {
    const char *path; /* of the database */
    const char *backup_dir;
    const char *stem;
    const char *backup; /* this one, instead of the newest good one; NULL */
} rl_restore_options;

/* Restores. `reason` is why the file there is not good. Copies the backup to a temporary name,
 * syncs it, moves the old file (with its -wal and -shm) to NAME.damaged-TIME, renames, syncs the
 * directory: a crash leaves the old state or the new one. Backups that do not check are passed
 * over, with a line in the log. RL_STORE_OK, or RL_STORE_DAMAGED when no backup is good. */
int rl_restore_run(const rl_restore_options *options, const char *reason, rl_restore_report *report,
                   char *error, size_t error_len);
/* Moves the file and its -wal aside only (policy EMPTY). */
int rl_restore_move_aside(const char *path, rl_restore_report *report, char *error,
                          size_t error_len);

#endif
