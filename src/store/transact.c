/* SPDX-License-Identifier: MIT */
/* Transactions of jobs and units; see transact.h. */
#include "store/transact.h"

#include <stdio.h>
#include <string.h>

/* A plain job waits this many times for another program's lock, each as long as the connection's
 * busy timeout. */
#define BUSY_ATTEMPTS 3

/* Errors that pass when the disk, or another program, lets them. */
static bool may_pass(int rc) {
    switch (rc & 0xff) {
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_NOMEM:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_PROTOCOL:
        return true;
    default:
        return false;
    }
}

static void end_as(rl_job_end *end, sqlite3 *db, int rc) {
    end->rc = rc;
    const char *words = sqlite3_errstr(rc);
    if (rc == SQLITE_OK)
        words = "";
    else if (rc == SQLITE_CONSTRAINT_FOREIGNKEY)
        words = "FOREIGN KEY constraint failed"; /* SQLite says so at a commit only */
    else if (sqlite3_extended_errcode(db) == rc)
        words = sqlite3_errmsg(db);
    snprintf(end->why, sizeof end->why, "%s", words);
}

/* Not by PRAGMA foreign_keys, which does nothing inside a transaction. Each switch has the
 * connection's statements compiled anew when they run next: some 40 us a step. */
static void set_users_rules(sqlite3 *db, int on) {
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FKEY, on, NULL);
    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, on, NULL);
}

static int run_step(sqlite3 *db, rl_job *job, size_t step) {
    set_users_rules(db, 1);
    int rc = job->run(job, step, db);
    set_users_rules(db, 0);
    /* Some errors, and a user's ROLLBACK conflict clause, end the whole transaction. */
    if (rc == SQLITE_OK && sqlite3_get_autocommit(db))
        rc = SQLITE_ABORT_ROLLBACK;
    return rc;
}

/* Deferred foreign keys that nothing has satisfied: the commit would fail. */
static int check_deferred(sqlite3 *db) {
    int open = 0, highest;
    sqlite3_db_status(db, SQLITE_DBSTATUS_DEFERRED_FKS, &open, &highest, 0);
    return open ? SQLITE_CONSTRAINT_FOREIGNKEY : SQLITE_OK;
}

static void undo(sqlite3 *db) {
    if (!sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
}

/* --- jobs ------------------------------------------------------------------------------------ */

static int job_once(sqlite3 *db, rl_job *job, rl_job_end *end) {
    undo(db);
    int rc = sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
    for (size_t i = 0; i < job->steps && rc == SQLITE_OK; i++)
        rc = run_step(db, job, i);
    if (rc == SQLITE_OK && (rc = check_deferred(db)) == SQLITE_OK)
        rc = sqlite3_exec(db, "COMMIT", NULL, NULL, NULL);
    end_as(end, db, rc);
    undo(db);
    return rc;
}

void rl_transact_job(sqlite3 *db, rl_job *job, rl_job_end *end) {
    int attempts = BUSY_ATTEMPTS;
    while ((job_once(db, job, end) & 0xff) == SQLITE_BUSY && --attempts > 0) {}
}

/* --- units ----------------------------------------------------------------------------------- */

typedef struct unit {
    rl_fold *fold;
    sqlite3 *db;
    const rl_batch *batch;
    rl_job *job;
    bool rescue;
    bool bare;        /* without the steps */
    bool step_failed; /* it was a step that broke the transaction */
    rl_job_end *end;
} unit;

static int take_and_flush(unit *u, size_t from, size_t to) {
    int rc = rl_fold_take(u->fold, u->batch, from, to);
    return rc == SQLITE_OK ? rl_fold_flush(u->fold) : rc;
}

static int unit_parts(unit *u) {
    size_t from = 0, len = rl_batch_bytes(u->batch).len;
    size_t steps = u->bare ? 0 : u->job->steps;
    for (size_t i = 0; i < steps; i++) {
        int rc = take_and_flush(u, from, u->job->cuts[i]);
        if (rc != SQLITE_OK)
            return rc;
        from = u->job->cuts[i];
        rc = run_step(u->db, u->job, i);
        if (rc != SQLITE_OK) {
            u->step_failed = true;
            return rc;
        }
    }
    int rc = take_and_flush(u, from, len);
    if (rc == SQLITE_OK && steps && (rc = check_deferred(u->db)) != SQLITE_OK)
        u->step_failed = true;
    return rc;
}

static int unit_once(unit *u, rl_fold_result *result) {
    memset(result, 0, sizeof *result);
    u->step_failed = false;
    int rc = rl_fold_begin(u->fold, u->rescue);
    if (rc != SQLITE_OK)
        return rc;
    rc = unit_parts(u);
    if (rc == SQLITE_OK)
        return rl_fold_commit(u->fold, u->batch, result);
    if (u->step_failed)
        end_as(u->end, u->db, rc);
    rl_fold_rollback(u->fold);
    return rc;
}

int rl_transact_unit(rl_fold *f, sqlite3 *db, const rl_batch *batch, rl_fold_result *result,
                     rl_job_end *end) {
    unit u = {.fold = f, .db = db, .batch = batch, .job = rl_batch_job(batch), .end = end};
    size_t anew = u.job->steps + 1; /* each step may break it once */
    int rc;
    while ((rc = unit_once(&u, result)) != SQLITE_OK) {
        if (!u.step_failed && !u.rescue && rl_fold_needs_rescue(f, rc))
            u.rescue = true;
        else if (!u.step_failed || may_pass(rc))
            return rc;
        else if (anew > 0)
            anew--;
        else
            u.bare = true;
    }
    if (!u.bare)
        end_as(end, db, SQLITE_OK);
    result->batches = 1;
    result->bytes = rl_batch_footprint(batch);
    return SQLITE_OK;
}
