/* SPDX-License-Identifier: MIT */
/*
 * Users' indexes on our tables, when they stop the fold. An index on an expression fails the rows
 * it cannot take: `CREATE INDEX i ON rl_key(value ->> '$.city')` makes every value an error that is
 * not JSON. Memory has such a value already, so it must get into the table. The way out: within the
 * fold's transaction all users' indexes on our tables go, the rows are written, and the indexes are
 * made again, one by one; those that cannot be made stay away, and the log says so.
 *
 * One thread: the one of the connection.
 */
#ifndef RL_STORE_USER_INDEXES_H
#define RL_STORE_USER_INDEXES_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct rl_user_indexes rl_user_indexes;

rl_user_indexes *rl_user_indexes_create(sqlite3 *db);
void rl_user_indexes_free(rl_user_indexes *u); /* NULL is fine */

/* Whether it may be an index that made a statement of ours fail with rc: an error of its own, not
 * of the disk, of memory or of a lock, and there are such indexes. */
bool rl_user_indexes_to_blame(rl_user_indexes *u, int rc);

/* Inside a write transaction. An SQLite result; after an error the caller rolls back. May be
 * called in turn several times in one transaction. */
int rl_user_indexes_drop(rl_user_indexes *u);
int rl_user_indexes_restore(rl_user_indexes *u);

/* The transaction is over: committed, what was lost is said in the log; else it is forgotten. */
void rl_user_indexes_ended(rl_user_indexes *u, bool committed);
uint64_t rl_user_indexes_lost(const rl_user_indexes *u); /* so far */

#endif
