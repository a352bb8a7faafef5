/* SPDX-License-Identifier: MIT */
/* SQLite's own limits, as they are while a client's SQL runs. */
#ifndef RL_SQL_LIMITS_H
#define RL_SQL_LIMITS_H

#include <sqlite3.h>
#include <stdint.h>

/* Of SQL text; a parsed one takes about 50 times as much. */
#define SQL_STATEMENT_BYTES_MAX 1000000

#define SQL_LIMIT_COUNT 7
typedef struct sql_limits {
    int old[SQL_LIMIT_COUNT];
} sql_limits;

/* max_bytes: of a single value (but 2 MB at least, since the schema is read under it too). */
void sql_limits_set(sqlite3 *db, uint64_t max_bytes, sql_limits *saved);
void sql_limits_restore(sqlite3 *db, const sql_limits *saved);

#endif
