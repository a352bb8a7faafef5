/* SPDX-License-Identifier: MIT */
/*
 * The transactions of jobs and units (job.h), on the store thread's connection and its fold.
 * Foreign keys and triggers are on while a job's steps run, and off before and after.
 */
#ifndef RL_STORE_TRANSACT_H
#define RL_STORE_TRANSACT_H

#include <sqlite3.h>

#include "store/fold.h"
#include "store/job.h"

/* How a job ended: what job->done is to be told. */
typedef struct rl_job_end {
    int rc;
    char why[512];
} rl_job_end;

/* Runs a job that is no unit, in a transaction of its own: committed and synced, or undone. Tries a
 * few times when another program holds the lock. */
void rl_transact_job(sqlite3 *db, rl_job *job, rl_job_end *end);

/* Folds a unit and runs its steps between, in one transaction. SQLITE_OK, committed and synced:
 * *result as of rl_fold_run, and *end says how the job went. Otherwise nothing happened, an error
 * of the disk or the like: the same call is to be made again.
 *
 * The batch of a unit is in memory already, so it is never given up for its steps' sake: a step
 * that breaks the transaction by an error that trying again does not mend has it begun anew at
 * once, and after some attempts the changes are committed without the steps (end->rc then says
 * why). */
int rl_transact_unit(rl_fold *f, sqlite3 *db, const rl_batch *unit, rl_fold_result *result,
                     rl_job_end *end);

#endif
