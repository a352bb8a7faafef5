/* SPDX-License-Identifier: MIT */
/*
 * The SQL service: what the loop hands SQL commands to. It decides who runs one, and when.
 *
 *     begin ─▶ waits until what was sealed before it is visible in data.db
 *                │
 *                ▼
 *              a reader ─▶ answered
 *                │ it writes
 *                ▼
 *              the store thread, as a job ─▶ committed, synced ─▶ answered
 *
 * A statement that is known to write goes to the store thread at once, which folds what was sealed
 * before it and runs it. Answers come back through a list without locks; `notify` wakes the loop,
 * whose next rl_sql_service_step finds them.
 *
 * The disk. While the store does not take writes, SQL writes answer MISCONF and are not run, those
 * that wait included. A query whose tables cannot be brought up to date answers MISCONF too; the
 * others go on.
 *
 * All functions are for the loop. Owners are whatever waits for an answer; the service only hands
 * them back.
 */
#ifndef RL_SQL_SERVICE_H
#define RL_SQL_SERVICE_H

#include "sql/call.h"
#include "store/store.h"

typedef struct rl_sql_service rl_sql_service;
typedef struct rl_sql_request rl_sql_request;

typedef struct rl_sql_service_options {
    rl_store *store; /* outlives stop, not free */
    int readers;
    void (*notify)(void *arg); /* any thread: call step soon */
    /* For each call that has ended, before its answer is taken: for statistics and the slow log. In
     * step for the most part, but begin, cancel and the end of the service may end calls, too.
     * owner: NULL when it was abandoned. */
    void (*ended)(void *arg, void *owner, const rl_sql_call *call);
    void *arg;
} rl_sql_service_options;

rl_sql_service *rl_sql_service_create(const rl_sql_service_options *options);
/* What waits is answered SQLCANCELED, what readers run is cancelled; what the store has goes on.
 * From now on every call is answered that way. */
void rl_sql_service_cancel_all(rl_sql_service *s);
/* Ends the readers (waits for them) and tells jobs to give up; before the store is closed. NULL is
 * fine. */
void rl_sql_service_stop(rl_sql_service *s);
/* After the store is closed: it has told of all its jobs. NULL is fine. */
void rl_sql_service_free(rl_sql_service *s);

/* Something is under way: step wants to be called once per turn. */
bool rl_sql_service_busy(const rl_sql_service *s);
void rl_sql_service_step(rl_sql_service *s, const rl_store_progress *progress);
/* About ten times a second while busy: what goes by the clock. */
void rl_sql_service_tick(rl_sql_service *s);

/* Takes the call. sealed_seq: the last batch that it must see. */
rl_sql_request *rl_sql_service_begin(rl_sql_service *s, rl_sql_call *call, uint64_t sealed_seq,
                                     void *owner);
bool rl_sql_request_done(const rl_sql_request *r);
/* Once it is done: its call, until taken. */
const rl_sql_call *rl_sql_request_call(const rl_sql_request *r);
/* It has been run by a reader, which may have seen what is not synced yet. */
bool rl_sql_request_was_read(const rl_sql_request *r);
/* Moves the answer behind `to` and ends the request. */
void rl_sql_request_take(rl_sql_request *r, rl_chain *to);
/* Asks for an early end; done soon, perhaps at once, and perhaps it had come to its end already. */
void rl_sql_request_cancel(rl_sql_request *r);
/* The owner is gone. A query is cancelled. A write that the store already has is run all the same,
 * unless it takes long or `now`. */
void rl_sql_request_abandon(rl_sql_request *r, bool now);

typedef struct rl_sql_stats {
    uint64_t queries; /* SQL commands, those of units included */
    uint64_t reads, writes, units;
    uint64_t errors; /* answers that were errors, of which: */
    uint64_t denied, timeouts, limited, canceled;
    uint64_t running, waiting; /* now */
    uint64_t usec, last_usec;  /* in the engine */
} rl_sql_stats;
void rl_sql_service_stats(const rl_sql_service *s, rl_sql_stats *out);
void rl_sql_service_stats_reset(rl_sql_service *s);

#endif
