/* SPDX-License-Identifier: MIT */
/* SQLite's limits; see limits.h. */
#include "sql/limits.h"

#include <limits.h>

/* Below this a schema that somebody made elsewhere could no longer be read. */
#define LENGTH_MIN (2 * SQL_STATEMENT_BYTES_MAX)

/* Not here: columns, depth of expressions, terms of a compound SELECT. SQLite's own are sensible
 * (2000, 1000, 500), and with smaller ones a view made elsewhere would make the file unreadable. */
static const struct {
    int id, value;
} table[SQL_LIMIT_COUNT] = {
    {SQLITE_LIMIT_LENGTH, 0}, /* zeroblob, printf, group_concat …: as large as an answer may be */
    {SQLITE_LIMIT_SQL_LENGTH, SQL_STATEMENT_BYTES_MAX},
    {SQLITE_LIMIT_VDBE_OP, 10000000}, /* 24 bytes each */
    {SQLITE_LIMIT_ATTACHED, 0},
    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000}, /* matching costs pattern times text in one step */
    {SQLITE_LIMIT_TRIGGER_DEPTH, 100},
    {SQLITE_LIMIT_WORKER_THREADS, 0},
};

void sql_limits_set(sqlite3 *db, uint64_t max_bytes, sql_limits *saved) {
    for (int i = 0; i < SQL_LIMIT_COUNT; i++) {
        int value = table[i].value;
        if (table[i].id == SQLITE_LIMIT_LENGTH)
            value = max_bytes > INT_MAX      ? INT_MAX
                    : max_bytes < LENGTH_MIN ? LENGTH_MIN
                                             : (int)max_bytes;
        saved->old[i] = sqlite3_limit(db, table[i].id, value);
    }
}

void sql_limits_restore(sqlite3 *db, const sql_limits *saved) {
    for (int i = 0; i < SQL_LIMIT_COUNT; i++)
        sqlite3_limit(db, table[i].id, saved->old[i]);
}
