/* SPDX-License-Identifier: MIT */
/* The SQL service: single commands, and what is under way. See service.h. */
#include "sql/service.h"

#include <uv.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "sql/unit.h"
#include "sql/work.h"

/* A query waits this long for tables that a failing disk keeps from being brought up to date. */
#define STALE_AFTER_MS 1000
/* A write whose client is gone is left alone this long. */
#define ORPHAN_MS 1000
/* A reader that is so much over its query's time is interrupted from outside. */
#define OVERTIME_MS 100

#define SHUTTING_DOWN "SQLCANCELED The server is shutting down"
#define NOT_RUN       "SQLCANCELED The statement was not run"

enum { REQUEST_WAITS, REQUEST_READ, REQUEST_AT_STORE, REQUEST_DONE };

struct rl_sql_request {
    sql_work work; /* first */
    sql_step step;
    rl_sql_request *next, *prev; /* of those that wait */
    uint64_t seq;                /* what must be visible */
    int state;
    bool was_read;
};

/* ---- a request's end ---- */

static void request_release(rl_sql_request *r) {
    if (--r->work.holds)
        return;
    rl_sql_call_free(r->step.call);
    rl_free(r);
}

/* Its answer is final. */
static void request_done(rl_sql_request *r) {
    r->state = REQUEST_DONE;
    sql_work_ended(&r->work, r->step.call);
}

/* Nobody works on it any more. */
static void request_at_rest(rl_sql_request *r) {
    r->work.service->under_way--;
    request_release(r);
}

static void request_end(rl_sql_request *r) {
    request_done(r);
    request_at_rest(r);
}

/* ---- waiting ---- */

static void queue_push(rl_sql_service *s, rl_sql_request *r) {
    r->state = REQUEST_WAITS;
    r->prev = s->last;
    *(s->last ? &s->last->next : &s->first) = r;
    s->last = r;
}

static void queue_remove(rl_sql_service *s, rl_sql_request *r) {
    *(r->prev ? &r->prev->next : &s->first) = r->next;
    *(r->next ? &r->next->prev : &s->last) = r->prev;
    r->next = r->prev = NULL;
}

/* What a query may have to see and runs all the same: normally all that was sealed before it. While
 * the disk does not take writes some of that may never come; then what anybody was answered. */
static uint64_t shown(const rl_store_progress *progress) {
    bool all_answered = progress->visible_seq >= progress->released_seq;
    return progress->failed && all_answered ? UINT64_MAX : progress->visible_seq;
}

static void queue_fail(rl_sql_service *s, rl_sql_request *r, const char *what, const char *why) {
    queue_remove(s, r);
    rl_sql_call_fail(r->step.call, "%s%s", what, why);
    request_end(r);
}

/* Gives what may run to idle readers. Those that wait stand in order of seq. */
static void queue_advance(rl_sql_service *s, uint64_t shown_seq) {
    while (s->first && s->first->seq <= shown_seq) {
        rl_sql_request *r = s->first;
        r->work.since_ms = rl_clock_mono_ms();
        if (rl_sql_readers_give(s->readers, r->step.call, &r->work.cancelled, r)) {
            queue_remove(s, r);
            r->state = REQUEST_READ;
        } else if (rl_sql_readers_none(s->readers)) {
            queue_fail(s, r, "SQLERR No thread could be started to run it", "");
        } else {
            break;
        }
    }
}

/* ---- writing ---- */

static uint64_t *writer_place(rl_sql_service *s, const rl_sql_call *call, uint64_t *hash) {
    *hash = rl_hash(call->query.text);
    return &s->writers[*hash % (sizeof s->writers / sizeof *s->writers)];
}

static void request_submit(rl_sql_request *r) {
    rl_sql_service *s = r->work.service;
    rl_store_progress progress;
    rl_store_progress_read(s->options.store, &progress);
    if (progress.failed) {
        rl_sql_call_fail(r->step.call, "MISCONF Errors writing to the journal: %s",
                         rl_store_failure(s->options.store));
        request_end(r);
        return;
    }
    s->stats.writes++;
    r->state = REQUEST_AT_STORE;
    r->was_read = false;
    sql_work_submit(&r->work, NULL);
}

static void read_landed(rl_sql_request *r) {
    rl_sql_service *s = r->work.service;
    if (r->step.call->outcome != RL_SQL_WRITES) {
        s->stats.reads++;
        r->was_read = true;
        request_end(r);
        return;
    }
    uint64_t hash, *place = writer_place(s, r->step.call, &hash);
    *place = hash;
    if (atomic_load(&r->work.cancelled) || s->ending) {
        rl_sql_call_fail(r->step.call, s->ending ? SHUTTING_DOWN : NOT_RUN);
        request_end(r);
        return;
    }
    request_submit(r);
}

static void request_landed(sql_work *w) {
    rl_sql_request *r = (rl_sql_request *)w;
    if (r->state == REQUEST_READ) {
        read_landed(r);
        return;
    }
    if (!sql_work_back(w))
        return;
    if (r->state != REQUEST_DONE) /* else dropped, and answered then */
        request_done(r);
    request_at_rest(r);
}

/* ---- the owner's side ---- */

rl_sql_request *rl_sql_service_begin(rl_sql_service *s, rl_sql_call *call, uint64_t sealed_seq,
                                     void *owner) {
    uint64_t hash;
    rl_store_progress progress;
    rl_sql_request *r = rl_calloc(1, sizeof *r);
    sql_work_init(&r->work, s, owner, request_landed);
    r->step.call = call;
    r->work.steps = &r->step;
    r->work.job.steps = 1;
    r->work.since_ms = rl_clock_mono_ms();
    r->seq = sealed_seq;
    s->stats.queries++;
    if (s->ending) {
        rl_sql_call_fail(call, SHUTTING_DOWN);
        request_end(r);
    } else if (*writer_place(s, call, &hash) == hash) {
        request_submit(r);
    } else {
        rl_store_progress_read(s->options.store, &progress);
        queue_push(s, r);
        if (progress.visible_seq < sealed_seq)
            rl_store_show_soon(s->options.store);
        queue_advance(s, shown(&progress));
    }
    return r;
}

bool rl_sql_request_done(const rl_sql_request *r) {
    return r->state == REQUEST_DONE;
}

const rl_sql_call *rl_sql_request_call(const rl_sql_request *r) {
    return r->step.call;
}

bool rl_sql_request_was_read(const rl_sql_request *r) {
    return r->was_read;
}

void rl_sql_request_take(rl_sql_request *r, rl_chain *to) {
    rl_chain_append(to, &r->step.call->answer);
    r->work.owner = NULL;
    request_release(r);
}

void rl_sql_request_cancel(rl_sql_request *r) {
    rl_sql_service *s = r->work.service;
    atomic_store(&r->work.cancelled, true);
    if (r->state == REQUEST_WAITS) {
        queue_fail(s, r, NOT_RUN, "");
    } else if (r->state == REQUEST_READ) {
        rl_sql_readers_cancel(s->readers, r);
    } else if (r->state == REQUEST_AT_STORE && sql_work_drop(&r->work)) {
        rl_sql_call_fail(r->step.call, NOT_RUN);
        request_done(r);
    }
}

void rl_sql_request_abandon(rl_sql_request *r, bool now) {
    r->work.owner = NULL;
    r->work.orphan = true;
    r->work.since_ms = rl_clock_mono_ms();
    if (now || r->state != REQUEST_AT_STORE)
        rl_sql_request_cancel(r);
    request_release(r);
}

/* ---- the turn ---- */

bool rl_sql_service_busy(const rl_sql_service *s) {
    return s->under_way > 0;
}

static void drain_landed(rl_sql_service *s) {
    sql_work *newest = atomic_exchange_explicit(&s->landed, NULL, memory_order_acquire);
    sql_work *oldest = NULL;
    while (newest) {
        sql_work *w = newest;
        newest = w->landed_next;
        w->landed_next = oldest;
        oldest = w;
    }
    while (oldest) {
        sql_work *w = oldest;
        oldest = w->landed_next;
        w->landed(w);
    }
}

/* The disk stopped taking writes: those that are not being run are told so. */
static void fail_submitted(rl_sql_service *s) {
    for (sql_work *w = s->at_store; w; w = w->next) {
        rl_sql_request *r = (rl_sql_request *)w;
        if (w->landed != request_landed || r->state != REQUEST_AT_STORE || !sql_work_drop(w))
            continue;
        rl_sql_call_fail(r->step.call,
                         "MISCONF Errors writing to the journal: %s; the statement was not run",
                         rl_store_failure(s->options.store));
        request_done(r);
    }
}

void rl_sql_service_step(rl_sql_service *s, const rl_store_progress *progress) {
    drain_landed(s);
    queue_advance(s, shown(progress));
    if (progress->failed && s->at_store)
        fail_submitted(s);
}

static void tick_waiting(rl_sql_service *s, int64_t now_ms) {
    rl_store_progress progress;
    const char *why = "";
    rl_store_progress_read(s->options.store, &progress);
    for (rl_sql_request *r = s->first, *next; r; r = next) {
        next = r->next;
        if (r->seq <= shown(&progress) || now_ms - r->work.since_ms < STALE_AFTER_MS)
            continue;
        if (*why == '\0' && *(why = rl_store_failure(s->options.store)) == '\0')
            return;
        queue_fail(s, r, "MISCONF The tables cannot be brought up to date: ", why);
    }
}

void rl_sql_service_tick(rl_sql_service *s) {
    int64_t now_ms = rl_clock_mono_ms();
    tick_waiting(s, now_ms);
    rl_sql_readers_watch(s->readers, OVERTIME_MS);
    for (sql_work *w = s->at_store; w; w = w->next)
        if (w->orphan && w->landed == request_landed && now_ms - w->since_ms > ORPHAN_MS &&
            atomic_load(&w->claim) == SQL_CLAIM_RUN)
            atomic_store(&w->cancelled, true);
}

/* ---- life ---- */

rl_sql_service *rl_sql_service_create(const rl_sql_service_options *options) {
    rl_sql_service *s = rl_calloc(1, sizeof *s);
    s->options = *options;
    s->readers =
        rl_sql_readers_create(rl_store_path(options->store), options->readers, sql_work_land, s);
    return s;
}

void rl_sql_service_cancel_all(rl_sql_service *s) {
    s->ending = true;
    for (rl_sql_request *r = s->first, *next; r; r = next) {
        next = r->next;
        queue_fail(s, r, SHUTTING_DOWN, "");
    }
    rl_sql_readers_cancel_all(s->readers);
}

/* A unit that changed keys is kept whole by the store, or not at all, so its statements should come
 * to their end; but not take for ever. */
static void stop_units(rl_sql_service *s) {
    int64_t until_ms = rl_clock_mono_ms() + SQL_STOP_MS;
    atomic_store(&s->stopping, true); /* before the claims are looked at */
    for (sql_work *w = s->at_store; w; w = w->next) {
        if (!w->firm || atomic_load(&w->claim) == SQL_CLAIM_FREE)
            continue;
        while (!atomic_load(&w->finished) && rl_clock_mono_ms() < until_ms)
            uv_sleep(1);
        atomic_store(&w->cancelled, true);
    }
}

void rl_sql_service_stop(rl_sql_service *s) {
    if (s == NULL || s->readers == NULL)
        return;
    rl_sql_service_cancel_all(s);
    rl_sql_readers_free(s->readers);
    s->readers = NULL;
    for (sql_work *w = s->at_store; w; w = w->next)
        if (!w->firm) {
            atomic_store(&w->give_up, true);
            atomic_store(&w->cancelled, true);
        }
    stop_units(s);
}

void rl_sql_service_free(rl_sql_service *s) {
    if (s == NULL)
        return;
    rl_sql_service_stop(s);
    drain_landed(s);
    rl_sql_engine_free(s->writer);
    rl_free(s);
}

/* ---- numbers ---- */

void rl_sql_service_stats(const rl_sql_service *s, rl_sql_stats *out) {
    *out = s->stats;
    for (const rl_sql_request *r = s->first; r; r = r->next)
        out->waiting++;
    out->running = s->under_way - out->waiting;
}

void rl_sql_service_stats_reset(rl_sql_service *s) {
    s->stats = (rl_sql_stats){0};
}
