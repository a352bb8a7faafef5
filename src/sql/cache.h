/* SPDX-License-Identifier: MIT */
/*
 * Prepared statements by their SQL text, the ones used last. A statement that is taken is out of
 * the cache until it is put back, so one that is at work is never found twice.
 */
#ifndef RL_SQL_CACHE_H
#define RL_SQL_CACHE_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

typedef struct sql_cache sql_cache;

sql_cache *sql_cache_create(void);
void sql_cache_free(sql_cache *c); /* finalizes what is in it; NULL is fine */

/* NULL when there is none for this text. */
sqlite3_stmt *sql_cache_take(sql_cache *c, rl_bytes text);
/* Resets the statement and keeps it, or finalizes it when its text is long. Another may have to go.
 * NULL is fine. */
void sql_cache_put(sql_cache *c, rl_bytes text, sqlite3_stmt *stmt);

#endif
