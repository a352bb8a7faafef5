/* SPDX-License-Identifier: MIT */
/* Jobs without a batch, run by the writer between folds; see writer.h. */
#include "store/writer_internal.h"

#include <stdio.h>

void store_writer_count_job(rl_writer *w, _Atomic uint64_t *kind, const rl_job_end *end) {
    atomic_fetch_add(kind, 1);
    if (end->rc != SQLITE_OK)
        atomic_fetch_add(&w->counts.job_failures, 1);
}

/* Takes over what was submitted, in its order. */
static void take_jobs(rl_writer *w) {
    rl_job *job = atomic_exchange_explicit(&w->asked.submitted, NULL, memory_order_acquire);
    rl_job *first = NULL;
    rl_job *last = job;
    while (job) {
        rl_job *older = job->next;
        job->next = first;
        first = job;
        job = older;
    }
    if (first == NULL)
        return;
    if (w->waiting.last)
        w->waiting.last->next = first;
    else
        w->waiting.first = first;
    w->waiting.last = last;
}

static rl_job *pop_job(rl_writer *w) {
    rl_job *job = w->waiting.first;
    w->waiting.first = job->next;
    if (w->waiting.first == NULL)
        w->waiting.last = NULL;
    job->next = NULL;
    return job;
}

static void run_job(rl_writer *w, rl_job *job) {
    rl_job_end end = {0};
    w->wal_moved = false;
    rl_keeper_gate_enter(w->keeper);
    end.rc = store_writer_choose_sync(w, true);
    if (end.rc == SQLITE_OK)
        rl_transact_job(w->db, job, &end);
    else
        snprintf(end.why, sizeof end.why, "%s", sqlite3_errmsg(w->db));
    rl_keeper_gate_leave(w->keeper);
    if (end.rc != SQLITE_OK)
        store_writer_doubt_unsynced(w, end.rc);
    else if (w->wal_moved)
        store_writer_note_synced(w); /* itself, and all before it */
    store_writer_count_job(w, &w->counts.jobs, &end);
    job->done(job, end.rc, end.why);
}

void store_writer_run_jobs(rl_writer *w) {
    for (take_jobs(w);
         !w->sync_failed && w->waiting.first && w->waiting.first->after_seq <= w->meta.folded_seq;
         take_jobs(w))
        run_job(w, pop_job(w));
}

void store_writer_refuse_jobs(rl_writer *w) {
    static const char why[] = "the server is shutting down";
    take_jobs(w);
    while (w->waiting.first) {
        rl_job *job = pop_job(w);
        job->done(job, SQLITE_INTERRUPT, why);
    }
    const rl_batch *b = w->committed;
    while ((b = rl_batch_next_load(b)) != NULL) {
        if (rl_batch_job(b) && rl_batch_seq(b) > w->meta.folded_seq)
            rl_batch_job(b)->done(rl_batch_job(b), SQLITE_INTERRUPT, why);
    }
}
