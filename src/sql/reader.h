/* SPDX-License-Identifier: MIT */
/*
 * Readers: threads that run queries, each with a read-only connection to data.db of its own, opened
 * at its first query. A thread is started when no other is idle, up to their number, so a server
 * that is never asked for SQL has none.
 *
 * One hand-over at a time for each reader: the loop gives a query to an idle one, which says when
 * it is done and is idle again. No lock; a semaphore wakes the thread.
 */
#ifndef RL_SQL_READER_H
#define RL_SQL_READER_H

#include "sql/call.h"

typedef struct rl_sql_readers rl_sql_readers;

/* done: on the reader's thread, with what was given; from then on the call is the loop's again. */
rl_sql_readers *rl_sql_readers_create(const char *path, int count,
                                      void (*done)(void *arg, void *what), void *arg);
/* Ends the threads; waits for what they run (cancel it first). NULL is fine. */
void rl_sql_readers_free(rl_sql_readers *r);

/* Loop, from here on. False when all are at work: then nothing was done. */
bool rl_sql_readers_give(rl_sql_readers *r, rl_sql_call *call, _Atomic bool *cancelled, void *what);
bool rl_sql_readers_none(const rl_sql_readers *r); /* not one thread could be started */
/* Ends the query that was given with `what` soon, or every one; `cancelled` is set here. */
void rl_sql_readers_cancel(rl_sql_readers *r, const void *what);
void rl_sql_readers_cancel_all(rl_sql_readers *r);
/* Now and then: ends what is so much over its time. Queries look at their time themselves, but for
 * long single steps (count(*) of a large table). */
void rl_sql_readers_watch(rl_sql_readers *r, int64_t over_ms);

#endif
