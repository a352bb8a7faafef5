/* SPDX-License-Identifier: MIT */
/*
 * The engine: runs a query of the SQL command on one connection and writes the answer as RESP. It
 * puts the rules of the SQL command on the connection: the authorizer, limits, helper functions, a
 * progress handler for timeouts and cancelling, a small cache of prepared statements. Knows no
 * threads and no clients; whoever owns the connection calls it, one call at a time.
 *
 * The answer of one statement: with columns, an array whose first element is the array of column
 * names and the others are rows; without, the number of rows it changed. Of a script of several: an
 * array with each statement's answer. Integers, doubles, NULL, TEXT and BLOB are integer, double (a
 * bulk in RESP2), null, bulk and bulk.
 *
 * Parameters are consumed in order: each statement takes as many as it has (the highest ?N, or as
 * many as there are ? and names), and all must be used.
 *
 * Atomicity: a script is one unit. On the writer it runs inside a savepoint of its own in the
 * caller's transaction, and an error undoes all of it; on a reader, inside one read transaction.
 *
 * Errors are one RESP error line in the place of the answer:
 *   SQLERR      SQLite's own words, with the statement's number in a script and, where known, the
 *               character; a wrong number of parameters; BEGIN, COMMIT and the like, with the
 *               advice to send a script or to use MULTI
 *   SQLDENIED   the authorizer's reasons: what, why, what to do instead
 *   SQLTIMEOUT  interrupted after sql-timeout
 *   SQLLIMIT    more than sql-max-rows or sql-max-memory
 *   SQLCANCELED by CLIENT KILL or the like (nobody may be left to read it)
 */
#ifndef RL_SQL_ENGINE_H
#define RL_SQL_ENGINE_H

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/chain.h"
#include "sql/query.h"

typedef struct rl_sql_engine rl_sql_engine;

typedef enum rl_sql_role {
    RL_SQL_READER, /* a read-only connection that is the engine's to configure */
    /* The store thread's connection, which folds too: everything the engine puts on it is taken off
     * again before run returns, but for functions. The caller holds a write transaction. */
    RL_SQL_WRITER,
} rl_sql_role;

/* The connection stays the caller's. A reader's must outlive the engine; on a writer's the engine
 * leaves nothing behind that refers to it, so they may end in any order. */
rl_sql_engine *rl_sql_engine_create(sqlite3 *db, rl_sql_role role);
void rl_sql_engine_free(rl_sql_engine *e); /* NULL is fine */

typedef enum rl_sql_outcome {
    RL_SQL_ANSWERED, /* the answer is in out */
    RL_SQL_ERROR,    /* an error line is in out, and nothing was changed */
    RL_SQL_WRITES,   /* a reader met a statement that writes: nothing is in out, nothing was done */
    /* Writer: the script itself made SQLite roll back the caller's whole transaction (OR ROLLBACK,
     * RAISE(ROLLBACK), a timeout or a cancel in the middle of a write: SQLite knows no other way).
     * An error line is in out. Running it again would end the same: the caller begins its
     * transaction again, does the rest of its work and gives this answer for the script. */
    RL_SQL_ROLLED_BACK,
    /* Writer: an error of the disk or of memory (SQLITE_FULL, IOERR, NOMEM …); an error line is in
     * out, and the caller has to give up its transaction (which SQLite may have rolled back
     * already). The same script may go well later. rl_sql_engine_rc says which. */
    RL_SQL_BROKEN,
} rl_sql_outcome;

/* Appends the answer, or the error line, to out, behind what is there.
 *
 * cancelled: set to true by another thread to end the run soon; NULL: never. */
rl_sql_outcome rl_sql_engine_run(rl_sql_engine *e, const rl_sql_query *q,
                                 const _Atomic bool *cancelled, rl_chain *out);
/* Any thread, while the engine lives; after setting cancelled (or past the deadline). Without it a
 * run ends at its next look at the flag, which single long steps delay: count(*) of a large table,
 * quick_check. */
void rl_sql_engine_interrupt(rl_sql_engine *e);
/* Any thread: a statement is at work whose time was over more than so long ago. */
bool rl_sql_engine_overdue(rl_sql_engine *e, int64_t by_ms);
int rl_sql_engine_rc(const rl_sql_engine *e);                 /* of the last run */
const char *rl_sql_engine_error_code(const rl_sql_engine *e); /* "SQLERR"; "" when it went well */

#endif
