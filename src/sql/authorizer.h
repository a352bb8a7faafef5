/* SPDX-License-Identifier: MIT */
/*
 * What a client's SQL may do. SQLite calls sql_authorize for each thing a statement does while it
 * is prepared; that lets it pass or stores the reason why not, which the engine answers in place of
 * SQLite's "not authorized". It also notes facts about the statement that the engine needs.
 *
 * In short: everything may be read; the rl_ tables and our views are written by key commands alone,
 * and nothing may depend on them but indexes and views; what would reach other files, load code, or
 * change the connection is refused.
 *
 * Some rules cannot be seen here: RENAME TO does not name its goal, and CREATE INDEX does not say
 * whether it is UNIQUE. schema_check.h looks at the schema afterwards.
 */
#ifndef RL_SQL_AUTHORIZER_H
#define RL_SQL_AUTHORIZER_H

#include <stdbool.h>

/* What a statement is, known once it is prepared. */
typedef struct sql_facts {
    bool schema;       /* it changes the schema or looks after it: it changes no rows */
    bool makes;        /* it may bring new names into the schema */
    bool pragma_reads; /* if it is a PRAGMA: it changes nothing (FTS5 asks one on its way, too) */
    char index_of[32]; /* it makes an index on this rl_ table; "" otherwise */
} sql_facts;

typedef struct sql_guard {
    bool lifted; /* the engine's own statements are at work: all pass */
    sql_facts facts;
    char reason[512]; /* why something was refused: "SQLDENIED …", "SQLERR …"; "": nothing was */
} sql_guard;

/* Before each prepare; `lifted` stays. */
void sql_guard_begin(sql_guard *g);

/* For sqlite3_set_authorizer, with a sql_guard. */
int sql_authorize(void *guard, int action, const char *first, const char *second,
                  const char *database, const char *inner);

/* For what SQLite refuses by itself before it asks: stores the reason. */
int sql_deny_view(sql_guard *g, const char *name);

bool sql_is_internal(const char *name); /* begins with rl_, in any case */
bool sql_is_our_view(const char *name); /* or is the name of one to come */

#endif
