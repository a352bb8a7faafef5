/* SPDX-License-Identifier: MIT */
/*
 * When the next backup is due: the rules alone, so that they can be tested without waiting.
 *
 * - By time: backup-interval after the content of the newest backup; without any, once the server
 *   has been up for a minute (or the interval, when that is shorter). Only when something changed.
 * - By the journal, when it is kept for restores: when it has grown too large, or does not go on
 *   from a backup (any more). After a backup there is a rest as long as it took, so that a limit
 *   which is too low for what is written does not make one endless backup.
 * - After a failure neither, until some time has passed.
 */
#ifndef RL_STORE_BACKUP_PLAN_H
#define RL_STORE_BACKUP_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#define BACKUP_NEVER INT64_MAX

typedef struct backup_plan {
    int64_t now_ms, now_wall_ms;
    int64_t started_ms;
    int64_t interval_s;     /* 0: never by time */
    int64_t newest_wall_ms; /* of the newest backup; 0: none */
    uint64_t newest_seq;    /* of its content; 0: none, or not of this database */
    bool keep;              /* the journal is kept until there is a backup … */
    uint64_t keep_bytes;    /* … and is not to be larger than this */
    uint64_t kept_bytes, kept_from;
    int64_t not_before_ms; /* after a failure, or as a rest; 0: at any time */
} backup_plan;

/* Milliseconds until a backup is due by time, 0: now; BACKUP_NEVER. */
int64_t store_backup_due_by_time_ms(const backup_plan *p);
/* The same for the journal: 0, how long the rest still is, or BACKUP_NEVER while all is well. */
int64_t store_backup_due_by_journal_ms(const backup_plan *p);

/* How long to wait after so many failures in a row. */
int64_t store_backup_retry_ms(unsigned failures);
/* And after a backup that took so long, before the journal may ask for the next. */
int64_t store_backup_rest_ms(int64_t took_ms);

#endif
