/* SPDX-License-Identifier: MIT */
/*
 * The syncer: one thread that syncs what the loop appended and has the next segment ready before
 * the loop needs it.
 *
 * It asks again and again which job is next and does a piece of it; when there is none it sleeps.
 * How nobody is left waiting: before sleeping it announces how deep (`sleeping`) and then asks once
 * more. Others first change what the answer depends on and then look at `sleeping`. Both are
 * sequentially consistent, so either the syncer sees the change or the other side sees that it has
 * to post.
 */
#include "store/journal_internal.h"

#include <errno.h>
#include <signal.h>

#include "base/clock.h"

#define SECOND_US 1000000
#define NEVER_US  INT64_MAX

typedef enum job {
    JOB_NONE,
    JOB_STOP,
    JOB_RETRY,   /* a step towards a fresh segment after a failure */
    JOB_SYNC,    /* what was appended */
    JOB_RETIRE,  /* put folded segments aside */
    JOB_PREPARE, /* a step towards the next segment */
} job;

static void progress(rl_journal *j) {
    if (j->on_progress)
        j->on_progress(j->arg);
}

/* --- which job is next --------------------------------------------------------------------- */

static void at_latest(int64_t *wake_at_us, int64_t at_us) {
    if (at_us < *wake_at_us)
        *wake_at_us = at_us;
}

static bool sync_due(const rl_journal *j, int64_t *wake_at_us) {
    uint64_t synced = atomic_load_explicit(&j->synced, memory_order_relaxed);
    if (atomic_load(&j->appended) <= synced)
        return false;
    if (atomic_load(&j->sync_wanted) > synced)
        return true;
    switch ((rl_journal_mode)atomic_load(&j->mode)) {
    case RL_JOURNAL_ALWAYS:
        return true;
    case RL_JOURNAL_EVERYSEC: {
        int64_t due_us = j->last_sync_at_us + SECOND_US;
        if (rl_clock_mono_us() >= due_us)
            return true;
        at_latest(wake_at_us, due_us);
        return false;
    }
    case RL_JOURNAL_NO:
        break;
    }
    return false;
}

static bool prepare_due(const rl_journal *j, int64_t *wake_at_us) {
    if (j->making)
        return true;
    if (atomic_load(&j->ready) != NULL)
        return false;
    if (j->make_again_at_us == 0 || atomic_load(&j->frame_wanted) != 0 ||
        rl_clock_mono_us() >= j->make_again_at_us)
        return true;
    at_latest(wake_at_us, j->make_again_at_us);
    return false;
}

/* Changes nothing; with JOB_NONE, *wake_at_us is when to ask again at the latest. */
static job next_job(const rl_journal *j, int64_t *wake_at_us) {
    *wake_at_us = NEVER_US;
    if (atomic_load(&j->stop))
        return JOB_STOP;
    if (atomic_load(&j->retry_asked) != atomic_load_explicit(&j->retry_done, memory_order_relaxed))
        return JOB_RETRY;
    /* On a full disk, say, there is no next segment; what is in the others can be synced all the
     * same, and was answered maybe. */
    bool sync = !j->sync_failed && sync_due(j, wake_at_us);
    if (sync && !j->synced_last)
        return JOB_SYNC;
    /* Under steady writes there is always something to sync; the others come after every sync. */
    if (atomic_load(&j->folded) != j->folded_seen ||
        atomic_load(&j->retire_asked) != j->retire_seen)
        return JOB_RETIRE;
    if (atomic_load(&j->fault) == 0 && prepare_due(j, wake_at_us))
        return JOB_PREPARE;
    return sync ? JOB_SYNC : JOB_NONE;
}

/* --- the jobs ------------------------------------------------------------------------------ */

/* Syncs every segment with frames that are not synced and still needed: not folded, or kept. */
static rl_journal_fault sync_segments(rl_journal *j) {
    uint64_t folded = atomic_load(&j->keep) ? 0 : atomic_load(&j->folded);
    rl_journal_fault fault = 0;
    for (rl_segment *s = j->live.head; s; s = s->next) {
        uint64_t last = atomic_load_explicit(&s->last_seq, memory_order_acquire);
        if (s->dead || s->given_up || last <= s->synced_seq || last <= folded)
            continue;
        if (j->files->datasync(s->fd) == 0) {
            s->synced_seq = last;
            continue;
        }
        fault = rl_journal_fault_of(RL_DOING_SYNC, errno, s->number);
        s->dead = true;
    }
    return fault;
}

/* Syncs what was appended, which is everything up to target. False when that failed. */
static bool sync_up_to(rl_journal *j, uint64_t target) {
    int64_t start_us = rl_clock_mono_us();
    rl_journal_fault fault = sync_segments(j);
    j->last_sync_at_us = start_us;
    atomic_store_explicit(&j->last_sync_us, (uint64_t)(rl_clock_mono_us() - start_us),
                          memory_order_relaxed);
    if (fault) {
        atomic_fetch_add_explicit(&j->failed_syncs, 1, memory_order_relaxed);
        rl_journal_fail(j, fault);
        return false;
    }
    atomic_fetch_add_explicit(&j->syncs, 1, memory_order_relaxed);
    /* A retry may have set `appended` back meanwhile; what was synced stays synced. */
    if (target > atomic_load_explicit(&j->synced, memory_order_relaxed))
        atomic_store(&j->synced, target);
    return true;
}

static void do_sync(rl_journal *j) {
    j->sync_failed = !sync_up_to(j, atomic_load(&j->appended));
    progress(j);
}

static void take_back_ready(rl_journal *j) {
    rl_segment *unused = atomic_exchange(&j->ready, NULL);
    if (unused)
        rl_segment_take_back(j, unused);
}

/* What is kept must survive a power failure too. Nobody waits for these any more: they are folded.
 * So when that fails, nothing is appended again; but it is a gap for who needs all, and is told as
 * one. */
static void sync_kept(rl_journal *j) {
    for (rl_segment *s = j->live.head; s; s = s->next) {
        uint64_t last = atomic_load_explicit(&s->last_seq, memory_order_acquire);
        if (!atomic_load_explicit(&s->sealed, memory_order_acquire) || s->dead || s->given_up ||
            last <= s->synced_seq || last > j->folded_seen)
            continue;
        if (j->files->datasync(s->fd) == 0) {
            s->synced_seq = last;
            continue;
        }
        s->dead = true;
        atomic_fetch_add_explicit(&j->failed_syncs, 1, memory_order_relaxed);
        if (last > atomic_load(&j->lost_seq))
            atomic_store(&j->lost_seq, last);
    }
}

static void do_retire(rl_journal *j) {
    j->retire_seen = atomic_load(&j->retire_asked);
    j->folded_seen = atomic_load(&j->folded);
    rl_segment_retire_folded(j, j->folded_seen);
    if (j->claim_in_the_way)
        take_back_ready(j); /* its header is the newest; the next one says less */
    if (atomic_load(&j->keep))
        sync_kept(j);
}

static void do_prepare(rl_journal *j) {
    rl_segment *made;
    rl_journal_fault fault;
    int step = rl_segment_make(j, atomic_load(&j->frame_wanted), &made, &fault);
    if (step == 0)
        return;
    if (step > 0) {
        j->make_again_at_us = 0;
        atomic_store(&j->ready, made);
        progress(j);
    } else if (atomic_load(&j->frame_wanted) != 0) {
        rl_journal_fail(j, fault);
        progress(j);
    } else {
        /* The current segment still has room: no harm done yet, and it may get better. */
        j->make_again_at_us = rl_clock_mono_us() + SECOND_US;
    }
}

/* What is not synced will be appended again, but if only the next segment could not be made or a
 * write failed, what is there already need not wait for that. */
static void sync_before_giving_up(rl_journal *j) {
    uint64_t last_seq = 0;
    for (const rl_segment *s = j->live.head; s; s = s->next) {
        uint64_t seq = atomic_load_explicit(&s->last_seq, memory_order_acquire);
        if (!s->given_up && seq > last_seq)
            last_seq = seq;
    }
    if (!j->sync_failed && last_seq > atomic_load_explicit(&j->synced, memory_order_relaxed) &&
        sync_up_to(j, last_seq))
        progress(j);
}

/* No segment written so far is synced again: the caller appends anew what was not. */
static void give_up_segments(rl_journal *j) {
    sync_before_giving_up(j);
    rl_segment_make_cancel(j);
    take_back_ready(j);
    for (rl_segment *s = j->live.head; s; s = s->next)
        s->given_up = true;
    j->sync_failed = false;
}

static void do_retry(rl_journal *j) {
    if (!j->retrying) {
        give_up_segments(j);
        do_retire(j);
        j->retrying = true;
    }
    rl_segment *made;
    rl_journal_fault fault;
    int step = rl_segment_make(j, 0, &made, &fault);
    if (step == 0)
        return;
    if (step > 0) {
        atomic_store(&j->ready, made);
        atomic_store(&j->fault, 0);
        j->make_again_at_us = 0;
    } else {
        atomic_store(&j->fault, fault);
    }
    j->retrying = false;
    atomic_store(&j->retry_done, atomic_load(&j->retry_asked));
    progress(j);
}

static void do_stop(rl_journal *j) {
    uint64_t target = atomic_load(&j->appended);
    rl_journal_fault fault = sync_segments(j);
    if (fault)
        rl_journal_fail(j, fault);
    else if (!j->sync_failed && target > atomic_load(&j->synced))
        atomic_store(&j->synced, target);
    rl_segment_make_cancel(j);
}

/* --- the thread ---------------------------------------------------------------------------- */

static void sleep_until(rl_journal *j, int64_t wake_at_us) {
    if (wake_at_us == NEVER_US) {
        while (sem_wait(&j->wake) != 0 && errno == EINTR)
            continue;
        return;
    }
    struct timespec until = {
        .tv_sec = wake_at_us / SECOND_US,
        .tv_nsec = (wake_at_us % SECOND_US) * 1000,
    };
    while (sem_clockwait(&j->wake, CLOCK_MONOTONIC, &until) != 0 && errno == EINTR)
        continue;
}

static void rest(rl_journal *j) {
    bool unsynced = atomic_load(&j->appended) > atomic_load(&j->synced);
    atomic_store(&j->sleeping, unsynced ? RL_NAP : RL_ASLEEP);
    int64_t wake_at_us;
    if (next_job(j, &wake_at_us) == JOB_NONE)
        sleep_until(j, wake_at_us);
    atomic_store(&j->sleeping, RL_AWAKE);
}

void *rl_journal_syncer(void *journal) {
    rl_journal *j = journal;
    pthread_setname_np(pthread_self(), "rl-syncer");
    for (;;) {
        int64_t wake_at_us;
        job next = next_job(j, &wake_at_us);
        switch (next) {
        case JOB_NONE:
            rest(j);
            break;
        case JOB_STOP:
            do_stop(j);
            return NULL;
        case JOB_RETRY:
            do_retry(j);
            break;
        case JOB_SYNC:
            do_sync(j);
            break;
        case JOB_RETIRE:
            do_retire(j);
            break;
        case JOB_PREPARE:
            do_prepare(j);
            break;
        }
        j->synced_last = next == JOB_SYNC;
    }
}
