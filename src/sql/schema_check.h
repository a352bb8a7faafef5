/* SPDX-License-Identifier: MIT */
/*
 * Rules about the schema that the authorizer cannot see beforehand. They are checked after a
 * statement has changed it, before the client is answered; a script that breaks one is undone.
 */
#ifndef RL_SQL_SCHEMA_CHECK_H
#define RL_SQL_SCHEMA_CHECK_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

/* All run statements of the engine's own: the guard is to be lifted, and the connection stands in a
 * write transaction. SQLITE_OK; SQLITE_AUTH with an error line ("SQLDENIED …") when a rule is
 * broken; or SQLite's own error. */

/* How many objects have names of ours. Only we make such, so a client's statement that changes the
 * number has taken one. */
int sql_schema_reserved(sqlite3 *db, int64_t *count);
/* No name of ours was taken, no foreign key refers to our tables, no index on them is UNIQUE.
 * reserved: what sql_schema_reserved said before the statement. */
int sql_schema_check(sqlite3 *db, int64_t reserved, char *error, size_t error_len);
/* Whether the indexes of one of our tables take every row that a fold may write. Tries rows with
 * awkward values, and takes them back. SQLITE_AUTH too for a table it has no rows for. */
int sql_schema_probe(sqlite3 *db, const char *table, char *error, size_t error_len);

#endif
