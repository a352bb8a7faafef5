/* SPDX-License-Identifier: MIT */
/*
 * What service.c (single commands) and unit.c share: work for the store thread, and the way back to
 * the loop. Nobody else includes it.
 *
 * Who touches what. The store thread has steps and their calls from submit until done; then the
 * loop. In between the loop may only set the atomics. `claim` decides whether work that waits in
 * the store's queue is run at all: the store thread claims it before the first step, the loop drops
 * it. A unit that changed keys is never dropped.
 */
#ifndef RL_SQL_WORK_H
#define RL_SQL_WORK_H

#include "sql/reader.h"
#include "sql/service.h"

typedef struct sql_work sql_work;

typedef struct sql_step {
    rl_sql_call *call;
    int attempts; /* that ended with an error of the disk or of memory */
    bool settled; /* has its final answer: not run again */
} sql_step;

/* What a stop grants a unit that changed keys, and each statement of those that come after it. */
#define SQL_STOP_MS 1000

enum { SQL_CLAIM_FREE, SQL_CLAIM_RUN, SQL_CLAIM_DROPPED };

struct sql_work {
    rl_job job; /* first: the store gives it back */
    rl_sql_service *service;
    void (*landed)(sql_work *w); /* loop, in step: a reader or the store is done with it */
    sql_step *steps;
    void *owner;
    int64_t since_ms; /* monotonic; of the last change of hands */
    _Atomic int claim;
    _Atomic bool cancelled; /* of the statement at work and those behind it */
    _Atomic bool give_up;   /* the process ends: undo everything */
    _Atomic bool finished;  /* done has been called */
    /* the store thread's until landed */
    int rc;
    bool again; /* something was settled; run the rest again */
    char why[256];
    /* the loop's */
    sql_work *landed_next; /* but on its way back */
    sql_work *next, *prev; /* of those at the store */
    bool orphan;
    bool firm; /* a unit that changed keys: it must be committed, and what is behind it waits */
    int holds; /* of the owner, and of whoever works on it */
};

struct rl_sql_service {
    rl_sql_service_options options;
    rl_sql_readers *readers;
    rl_sql_stats stats;
    rl_sql_request *first, *last; /* waiting for the tables or a reader, oldest first */
    sql_work *at_store;
    size_t under_way;      /* works that a reader or the store has, or that wait */
    bool ending;           /* no more calls are run */
    _Atomic bool stopping; /* units that are still to come must be quick */
    _Atomic(sql_work *) landed;
    uint64_t writers[1024]; /* hashes of texts that turned out to write */
    /* the store thread's */
    rl_sql_engine *writer;
    sqlite3 *writer_db;
};

void sql_work_init(sql_work *w, rl_sql_service *s, void *owner, void (*landed)(sql_work *w));
/* To the store; batch as in rl_sql_unit_submit. */
void sql_work_submit(sql_work *w, rl_batch *batch);
/* True when the store had not begun it, and now never will. Its landing is still to come. */
bool sql_work_drop(sql_work *w);
/* In landed, when the store had it: takes it back; then every step has its final answer. False: it
 * was submitted again. */
bool sql_work_back(sql_work *w);
/* A call has its final answer: statistics. */
void sql_work_ended(sql_work *w, const rl_sql_call *call);
/* Any thread: gives it back to the loop. */
void sql_work_land(void *service, void *work);

#endif
