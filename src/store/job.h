/* SPDX-License-Identifier: MIT */
/*
 * A job: something that is to run on the one writing connection of data.db and is no fold: the
 * writes of the SQL command. The store thread runs it in a transaction of its own, or, as part of a
 * unit, in the transaction that folds a batch.
 *
 * A unit is a batch with a job: a MULTI that has both key commands and SQL. Its changes and its
 * steps become one transaction, together with folded_seq; it is never in the journal before that
 * has been committed. cuts[i] says how many bytes of the batch's changes come before step i.
 *
 *     changes [0, cuts[0])  step 0  changes [cuts[0], cuts[1])  step 1  …  the rest
 *
 * Whoever submits a job owns it again once done has been called.
 */
#ifndef RL_STORE_JOB_H
#define RL_STORE_JOB_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rl_job rl_job;
struct rl_job {
    /* Store thread, inside the transaction. Foreign keys and triggers are on for its time. A
     * statement that fails must leave what it had done undone (a savepoint of its own), and is no
     * error here. SQLITE_OK; anything else undoes the whole transaction:
     * - A job then ends with that code.
     * - A unit's changes are in memory already, so the unit is not given up. After an error that
     *   may pass (SQLITE_IOERR, FULL, BUSY, LOCKED, NOMEM, CANTOPEN, READONLY, PERM, PROTOCOL) it
     *   is tried again as a failed fold is. After any other (SQLITE_INTERRUPT, ABORT, CORRUPT …, or
     *   a statement that rolled the transaction back) it is begun anew at once, from step 0; the
     *   step must then know its answer and return SQLITE_OK without touching the database. When
     *   `steps` + 2 attempts have failed so, or a deferred foreign key is left open at the end, the
     *   changes are committed without any step, and done is told that code.
     * So run may be called again for a step it has run before, always from a clean state: the
     * answer of an earlier call of the same step is void then. SQLITE_BUSY also makes a plain job
     * be tried again, a few times. */
    int (*run)(rl_job *job, size_t step, sqlite3 *db);
    /* Store thread, once: SQLITE_OK after the commit is synced (and folded_seq has reached a unit's
     * seq), else why nothing of the steps was
     * committed, with SQLite's words (valid during the call). SQLITE_INTERRUPT: the store stopped
     * first; of a unit nothing is kept then. Hands the result on and returns at once. */
    void (*done)(rl_job *job, int rc, const char *why);
    size_t steps;
    const size_t *cuts; /* units only: `steps` of them, ascending */

    rl_job *next;       /* the store's, from submit to done */
    uint64_t after_seq; /* the store's: everything up to here is folded before it runs */
};

#endif
