/* SPDX-License-Identifier: MIT */
/*
 * SQL functions of ours. All are SQLITE_DIRECTONLY: a statement may call them, a view, a trigger or
 * an index may not, so that the file stays readable by any sqlite3.
 */
#ifndef RL_SQL_FUNCTIONS_H
#define RL_SQL_FUNCTIONS_H

#include <sqlite3.h>
#include <stddef.h>

typedef struct sql_functions sql_functions;

/* Makes them known to the connection. What they need lives until both the connection and
 * sql_functions_release have let go of it (not at the same time). */
sql_functions *sql_functions_add(sqlite3 *db);
/* A new statement begins: rl_now() is the same through all of it. */
void sql_functions_begin(sql_functions *f);
/* Finalizes the statements they have prepared, which would keep a connection from being closed.
 * They are prepared again when needed. */
void sql_functions_rest(sql_functions *f);
void sql_functions_release(sql_functions *f); /* NULL is fine; the connection must not be touched */

#endif
