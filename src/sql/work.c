/* SPDX-License-Identifier: MIT */
/* Work for the store thread; see work.h. */
#include "sql/work.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/clock.h"

/* How often a step may break its transaction with an error of the disk or of memory before its
 * error is its answer, so that the rest of its unit is not held up for ever. */
#define ATTEMPTS 3

/* ---- the way back ---- */

void sql_work_land(void *service, void *work) {
    rl_sql_service *s = service;
    sql_work *w = work;
    sql_work *top = atomic_load_explicit(&s->landed, memory_order_relaxed);
    do
        w->landed_next = top;
    while (!atomic_compare_exchange_weak_explicit(&s->landed, &top, w, memory_order_release,
                                                  memory_order_relaxed));
    s->options.notify(s->options.arg);
}

/* ---- store thread ---- */

static bool work_claim(sql_work *w) {
    int free = SQL_CLAIM_FREE;
    return atomic_compare_exchange_strong(&w->claim, &free, SQL_CLAIM_RUN) || free == SQL_CLAIM_RUN;
}

static rl_sql_engine *writer_engine(rl_sql_service *s, sqlite3 *db) {
    if (s->writer_db != db) {
        rl_sql_engine_free(s->writer);
        s->writer = rl_sql_engine_create(db, RL_SQL_WRITER);
        s->writer_db = db;
    }
    return s->writer;
}

/* Whether running it again can end better. */
static bool may_pass(int rc) {
    int primary = rc & 0xff;
    return primary == SQLITE_IOERR || primary == SQLITE_FULL || primary == SQLITE_NOMEM ||
           primary == SQLITE_BUSY || primary == SQLITE_LOCKED || primary == SQLITE_CANTOPEN;
}

static int step_run(sql_work *w, sql_step *x, rl_sql_engine *engine) {
    int64_t *timeout_ms = &x->call->query.limits.timeout_ms;
    if (atomic_load(&w->service->stopping) && (*timeout_ms == 0 || *timeout_ms > SQL_STOP_MS))
        *timeout_ms = SQL_STOP_MS;
    switch (rl_sql_call_run(x->call, engine, &w->cancelled)) {
    case RL_SQL_ROLLED_BACK:
        x->settled = w->again = true;
        return SQLITE_ABORT_ROLLBACK;
    case RL_SQL_BROKEN:
        if (++x->attempts >= ATTEMPTS || !may_pass(rl_sql_engine_rc(engine)))
            x->settled = w->again = true;
        return rl_sql_engine_rc(engine) ? rl_sql_engine_rc(engine) : SQLITE_IOERR;
    default:
        return SQLITE_OK;
    }
}

static int work_run(rl_job *job, size_t step, sqlite3 *db) {
    sql_work *w = (sql_work *)job;
    if (!work_claim(w))
        return SQLITE_ABORT;
    if (atomic_load(&w->give_up))
        return SQLITE_INTERRUPT;
    if (w->steps[step].settled)
        return SQLITE_OK;
    int rc = step_run(w, &w->steps[step], writer_engine(w->service, db));
    rl_chain_pool_release(); /* what an earlier attempt had answered */
    return atomic_load(&w->give_up) ? SQLITE_INTERRUPT : rc;
}

static void work_done(rl_job *job, int rc, const char *why) {
    sql_work *w = (sql_work *)job;
    w->rc = rc;
    snprintf(w->why, sizeof w->why, "%s", why ? why : sqlite3_errstr(rc));
    atomic_store(&w->finished, true);
    sql_work_land(w->service, w);
}

/* ---- loop ---- */

void sql_work_init(sql_work *w, rl_sql_service *s, void *owner, void (*landed)(sql_work *w)) {
    *w = (sql_work){.service = s, .owner = owner, .landed = landed, .holds = 2};
    w->job.run = work_run;
    w->job.done = work_done;
    s->under_way++;
}

void sql_work_submit(sql_work *w, rl_batch *batch) {
    rl_sql_service *s = w->service;
    w->since_ms = rl_clock_mono_ms();
    w->prev = NULL;
    w->next = s->at_store;
    if (s->at_store)
        s->at_store->prev = w;
    s->at_store = w;
    if (batch)
        rl_store_append_unit(s->options.store, batch, &w->job);
    else
        rl_store_submit(s->options.store, &w->job);
}

bool sql_work_drop(sql_work *w) {
    int free = SQL_CLAIM_FREE;
    return !w->firm && atomic_compare_exchange_strong(&w->claim, &free, SQL_CLAIM_DROPPED);
}

/* Nothing of it was committed: no step may answer as if it were. */
static void work_undone(sql_work *w) {
    int primary = w->rc & 0xff;
    for (size_t i = 0; i < w->job.steps; i++) {
        rl_sql_call *call = w->steps[i].call;
        if (call->outcome != RL_SQL_ANSWERED && call->code[0])
            continue;
        if (w->service->ending)
            rl_sql_call_fail(call, "SQLCANCELED The server is shutting down; nothing was changed");
        else if (w->firm)
            rl_sql_call_fail(call, "SQLERR %s; no SQL of this transaction was kept", w->why);
        else if (primary == SQLITE_CONSTRAINT)
            rl_sql_call_fail(call, "SQLERR %s; nothing was changed", w->why);
        else
            rl_sql_call_fail(call, "MISCONF The database did not take the changes: %s", w->why);
    }
}

bool sql_work_back(sql_work *w) {
    rl_sql_service *s = w->service;
    *(w->prev ? &w->prev->next : &s->at_store) = w->next;
    if (w->next)
        w->next->prev = w->prev;
    if (w->rc == SQLITE_OK || atomic_load(&w->claim) == SQL_CLAIM_DROPPED)
        return true;
    if (w->again && w->job.steps > 1 && !s->ending && !w->firm) {
        w->again = false;
        sql_work_submit(w, NULL);
        return false;
    }
    work_undone(w);
    return true;
}

void sql_work_ended(sql_work *w, const rl_sql_call *call) {
    static const struct {
        const char *code;
        size_t offset;
    } kinds[] = {{"SQLDENIED", offsetof(rl_sql_stats, denied)},
                 {"SQLTIMEOUT", offsetof(rl_sql_stats, timeouts)},
                 {"SQLLIMIT", offsetof(rl_sql_stats, limited)},
                 {"SQLCANCELED", offsetof(rl_sql_stats, canceled)}};
    rl_sql_stats *stats = &w->service->stats;
    stats->errors += call->code[0] != '\0';
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(call->code, kinds[i].code) == 0)
            ++*(uint64_t *)((char *)stats + kinds[i].offset);
    stats->usec += call->took_us;
    stats->last_usec = call->took_us;
    w->service->options.ended(w->service->options.arg, w->owner, call);
}
