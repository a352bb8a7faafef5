/* SPDX-License-Identifier: MIT */
/* Binding what a client gave to a statement's parameters. */
#ifndef RL_SQL_PARAMS_H
#define RL_SQL_PARAMS_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>

#include "sql/query.h"

/* Binds the query's parameters first, first + 1 … to 1 … count. The bytes are not copied. False
 * with an error line ("SQLERR …") when one does not fit its type, or is too long. */
bool sql_params_bind(sqlite3_stmt *stmt, const rl_sql_query *q, int first, int count, char *error,
                     size_t error_len);

#endif
