/* SPDX-License-Identifier: MIT */
/* The loop's side of the writer: what it asks and what it reads, none of which waits. */
#include "store/writer_internal.h"

void rl_writer_wake(rl_writer *w) {
    if (!atomic_exchange(&w->asked.awake, true))
        sem_post(&w->asked.wake);
}

void rl_writer_want(rl_writer *w, uint64_t seq) {
    if (seq <= atomic_load(&w->asked.wanted_seq))
        return;
    atomic_store(&w->asked.wanted_seq, seq);
    rl_writer_wake(w);
}

void rl_writer_show(rl_writer *w, uint64_t seq) {
    if (seq <= atomic_load(&w->asked.shown_seq))
        return;
    atomic_store(&w->asked.shown_seq, seq);
    rl_writer_wake(w);
}

void rl_writer_submit(rl_writer *w, rl_job *job) {
    job->next = atomic_load_explicit(&w->asked.submitted, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&w->asked.submitted, &job->next, job,
                                                  memory_order_release, memory_order_relaxed)) {}
    rl_writer_wake(w);
}

void rl_writer_set_interval(rl_writer *w, uint32_t ms) {
    atomic_store(&w->asked.interval_ms, ms);
    rl_writer_wake(w);
}

void rl_writer_set_transaction_limit(rl_writer *w, uint64_t bytes) {
    atomic_store(&w->asked.transaction_bytes, bytes);
}

void rl_writer_start_journal(rl_writer *w) {
    atomic_store(&w->asked.journal_wanted, true);
    rl_writer_wake(w);
}

bool rl_writer_journal_started(const rl_writer *w) {
    return atomic_load(&w->told.journal_started);
}

bool rl_writer_journal_failed(const rl_writer *w) {
    return atomic_load(&w->told.journal_failed);
}

const rl_batch *rl_writer_standing(const rl_writer *w) {
    return atomic_load(&w->told.standing);
}

uint64_t rl_writer_folded_seq(const rl_writer *w) {
    return atomic_load(&w->told.folded_seq);
}

uint64_t rl_writer_visible_seq(const rl_writer *w) {
    return atomic_load(&w->told.visible_seq);
}

uint64_t rl_writer_folded_bytes(const rl_writer *w) {
    /* In this order a commit in between makes the sum too small, never too large. */
    uint64_t folded = atomic_load(&w->told.folded_bytes);
    return folded + atomic_load(&w->told.folding_bytes);
}

bool rl_writer_failed(const rl_writer *w, char *text, size_t text_len) {
    uint64_t failure = atomic_load(&w->told.failure);
    if (failure == 0)
        return false;
    if (text_len > 0)
        store_writer_describe(w, (int)(failure >> 32), (int)(uint32_t)failure, text, text_len);
    return true;
}

void rl_writer_stats_read(const rl_writer *w, rl_writer_stats *out) {
    out->folds = atomic_load(&w->counts.folds);
    out->batches = atomic_load(&w->counts.batches);
    out->changes = atomic_load(&w->counts.changes);
    out->rows = atomic_load(&w->counts.rows);
    out->failures = atomic_load(&w->counts.failures);
    out->last_us = atomic_load(&w->counts.last_us);
    out->last_rows = atomic_load(&w->counts.last_rows);
    out->last_wall_ms = atomic_load(&w->counts.last_wall_ms);
    out->jobs = atomic_load(&w->counts.jobs);
    out->units = atomic_load(&w->counts.units);
    out->job_failures = atomic_load(&w->counts.job_failures);
    out->indexes_dropped = atomic_load(&w->counts.indexes_dropped);
    out->dead = atomic_load(&w->counts.dead);
    out->swept_rows = atomic_load(&w->counts.swept_rows);
}
