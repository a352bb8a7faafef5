/* SPDX-License-Identifier: MIT */
/* A unit; see unit.h. */
#include "sql/unit.h"

#include "base/alloc.h"
#include "sql/work.h"

struct rl_sql_unit {
    sql_work work; /* first */
    size_t *cuts;
    size_t cap;
    /* What key commands replied before each step, and behind the last one: steps + 1 of them. */
    rl_chain *replies;
    bool done;
};

static void unit_release(rl_sql_unit *u) {
    if (--u->work.holds)
        return;
    for (size_t i = 0; i <= u->work.job.steps; i++)
        rl_chain_release(&u->replies[i]);
    for (size_t i = 0; i < u->work.job.steps; i++)
        rl_sql_call_free(u->work.steps[i].call);
    rl_free(u->replies);
    rl_free(u->cuts);
    rl_free(u->work.steps);
    rl_free(u);
}

static void unit_landed(sql_work *w) {
    rl_sql_unit *u = (rl_sql_unit *)w;
    if (!sql_work_back(w))
        return;
    for (size_t i = 0; i < w->job.steps; i++)
        sql_work_ended(w, w->steps[i].call);
    w->service->under_way--;
    u->done = true;
    unit_release(u);
}

static void unit_grow(rl_sql_unit *u) {
    u->cap = u->cap ? 2 * u->cap : 4;
    u->work.steps = rl_realloc(u->work.steps, u->cap * sizeof *u->work.steps);
    u->cuts = rl_realloc(u->cuts, u->cap * sizeof *u->cuts);
    u->replies = rl_realloc(u->replies, (u->cap + 1) * sizeof *u->replies);
}

rl_sql_unit *rl_sql_unit_create(rl_sql_service *s, void *owner) {
    rl_sql_unit *u = rl_calloc(1, sizeof *u);
    sql_work_init(&u->work, s, owner, unit_landed);
    unit_grow(u);
    u->replies[0] = (rl_chain){0};
    return u;
}

rl_chain *rl_sql_unit_replies(rl_sql_unit *u) {
    return &u->replies[u->work.job.steps];
}

void rl_sql_unit_add(rl_sql_unit *u, rl_sql_call *call, size_t cut) {
    size_t n = u->work.job.steps;
    if (n == u->cap)
        unit_grow(u);
    u->work.steps[n] = (sql_step){.call = call};
    u->cuts[n] = cut;
    u->replies[n + 1] = (rl_chain){0};
    u->work.job.steps++;
    u->work.service->stats.queries++;
}

void rl_sql_unit_submit(rl_sql_unit *u, rl_batch *batch) {
    rl_sql_service *s = u->work.service;
    s->stats.units++;
    u->work.firm = batch != NULL;
    u->work.job.cuts = u->cuts;
    sql_work_submit(&u->work, batch);
}

bool rl_sql_unit_done(const rl_sql_unit *u) {
    return u->done;
}

bool rl_sql_unit_may_fail(rl_sql_unit *u) {
    return u->work.firm || sql_work_drop(&u->work);
}

void rl_sql_unit_take(rl_sql_unit *u, rl_chain *to) {
    for (size_t i = 0; i < u->work.job.steps; i++) {
        rl_chain_append(to, &u->replies[i]);
        rl_chain_append(to, &u->work.steps[i].call->answer);
    }
    rl_chain_append(to, &u->replies[u->work.job.steps]);
    u->work.owner = NULL;
    unit_release(u);
}

void rl_sql_unit_abandon(rl_sql_unit *u, bool now) {
    u->work.owner = NULL;
    u->work.orphan = true;
    if (now)
        atomic_store(&u->work.cancelled, true);
    unit_release(u);
}
