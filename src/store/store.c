/* SPDX-License-Identifier: MIT */
/*
 * The store as the loop sees it; see store.h. The work is done by the journal (with the syncer),
 * the writer (the store thread) and the keeper; this file holds the queue between them and the
 * loop.
 *
 * The queue is one linked list of batches in order of seq:
 *
 *     head ─▶ … ─▶ standing ─▶ … ─▶ pending ─▶ … ─▶ tail
 *     │ folded, to be freed │ to be folded         │
 *                                       │ to be journaled
 *
 * Only the loop links, frees and keeps `pending`. The writer follows the links (acquire; the loop
 * links with release) and publishes the batch it stands on; the loop frees what lies before both
 * that and `pending`. The fold does not wait for the journal: a batch may be folded before it was
 * journaled, and then never is.
 *
 * Gaps in the journal. A batch that is folded needs no journal, so the journal may jump over it:
 * after an I/O error, or when durability was `none` for a while. Every append is of the first batch
 * that is neither journaled nor folded, so below a gap everything is in data.db, and recovery,
 * which reads on from folded_seq, never needs what is missing.
 *
 * Units. A batch with a job must never be in the journal before it is folded, for the journal has
 * its changes but not its SQL: a crash would keep one half. So `pending` waits at a unit, whatever
 * the state of the journal, and everything behind waits with it, as the journal's order is the
 * history's. Nothing of that is released before the unit is folded.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/store_internal.h"

/* Fold before the interval is over when the backlog is this part of its limit; a transaction takes
 * as much. */
#define BACKLOG_PART 2
/* Batches freed in one go: a fold of a second leaves thousands, and the loop has better to do than
 * to free them all at once. */
#define FREE_PER_COLLECT 256
#define FREE_PER_APPEND  4
/* A folded batch that the writer stands on is replaced when it is larger. */
#define STANDING_BYTES   (1u << 20)
#define JOURNAL_RETRY_MS 250

void store_on_progress(void *arg) {
    rl_store *s = arg;
    if (s->backups)
        rl_backup_thread_poke(s->backups); /* it may wait for a fold */
    if (!atomic_load(&s->closing) && s->options.notify && !atomic_exchange(&s->notified, true))
        s->options.notify(s->options.notify_arg);
}

rl_journal_mode store_journal_mode(rl_durability durability) {
    static const rl_journal_mode modes[] = {
        [RL_DURABILITY_ALWAYS] = RL_JOURNAL_ALWAYS,
        [RL_DURABILITY_EVERYSEC] = RL_JOURNAL_EVERYSEC,
        [RL_DURABILITY_NO] = RL_JOURNAL_NO,
        [RL_DURABILITY_NONE] = RL_JOURNAL_NO,
    };
    return modes[durability];
}

/* Larger transactions write fewer pages for the same rows; but what one has taken stays in memory
 * until its commit, on top of what the loop may add meanwhile. */
void store_apply_backlog_limit(rl_store *s) {
    uint64_t part = s->options.backlog_limit_bytes / BACKLOG_PART;
    rl_writer_set_transaction_limit(s->writer, part > (1u << 20) ? part : 1u << 20);
}

/* --- the queue ------------------------------------------------------------------------------- */

static uint64_t backlog_bytes(const rl_store *s) {
    return s->taken_bytes - rl_writer_folded_bytes(s->writer);
}

/* Before batches are freed: s->unit must not be one of them. */
static void pass_units(rl_store *s) {
    uint64_t folded = rl_writer_folded_seq(s->writer);
    while (s->unit && rl_batch_seq(s->unit) <= folded) {
        do
            s->unit = rl_batch_next_load(s->unit);
        while (s->unit && rl_batch_job(s->unit) == NULL);
    }
}

static void free_folded(rl_store *s, int most) {
    if (s->unit)
        pass_units(s);
    const rl_batch *standing = rl_writer_standing(s->writer);
    while (most-- > 0 && s->head != standing && s->head != s->pending) {
        rl_batch *next = rl_batch_next_load(s->head);
        rl_batch_free(s->head);
        s->head = next;
    }
}

/* The last batch stays after it is folded, because the writer stands on it. When it is large and
 * nothing follows, give the writer an empty one to stand on. */
static void replace_standing(rl_store *s) {
    if (s->head != s->tail || s->pending || s->head != rl_writer_standing(s->writer) ||
        rl_batch_footprint(s->head) < STANDING_BYTES)
        return;
    s->tail = rl_batch_from_bytes(rl_batch_seq(s->head), rl_bytes_of("", 0));
    rl_batch_next_store(s->head, s->tail);
    rl_writer_wake(s->writer);
}

/* The first batch with a number above seq, NULL when there is none. */
static rl_batch *first_above(const rl_store *s, uint64_t seq) {
    rl_batch *batch = s->head;
    while (batch && rl_batch_seq(batch) <= seq)
        batch = rl_batch_next_load(batch);
    return batch;
}

/* Appends one batch; true when the journal has it. */
static bool journal_take(rl_store *s, rl_batch *batch) {
    if (!s->journal_open)
        return false;
    int rc = rl_journal_append(s->journal, batch);
    if (rc == RL_JOURNAL_OK) {
        s->appended_seq = rl_batch_seq(batch);
        return true;
    }
    if (rc == RL_JOURNAL_BROKEN && !s->broken) {
        s->broken = true;
        store_on_progress(s); /* the next collect asks for a fresh segment */
    }
    return false;
}

/* After an I/O error: asks for a fresh segment, into which all goes that is neither synced nor
 * folded. */
static void retry_journal(rl_store *s) {
    s->broken = true;
    int64_t now_ms = rl_clock_mono_ms();
    if (now_ms < s->journal_retry_ms)
        return;
    s->journal_retry_ms = now_ms + JOURNAL_RETRY_MS;
    uint64_t synced = rl_journal_synced(s->journal);
    uint64_t folded = rl_writer_folded_seq(s->writer);
    rl_journal_retry(s->journal);
    s->pending = first_above(s, synced > folded ? synced : folded);
}

/* One batch that is pending: true when the next one's turn has come. */
static bool pass_pending(rl_store *s, rl_batch *batch) {
    bool keep = s->options.upkeep.journal_keep == RL_JOURNAL_KEEP_BACKUP;
    if (rl_batch_seq(batch) > rl_writer_folded_seq(s->writer)) {
        if (rl_batch_job(batch))
            return false; /* a unit: not before it is folded */
    } else if (!keep) {
        return true; /* what is folded needs no journal any more, but for a restore */
    }
    return journal_take(s, batch);
}

void store_drain_pending(rl_store *s) {
    if (!s->journal_open) {
        if (!rl_writer_journal_started(s->writer))
            return;
        s->journal_open = true;
        rl_journal_set_mode(s->journal, store_journal_mode(s->options.durability));
    }
    if (!rl_journal_healthy(s->journal, NULL, NULL, 0))
        retry_journal(s);
    while (s->pending && pass_pending(s, s->pending))
        s->pending = rl_batch_next_load(s->pending);
    if (s->sync_wanted && (s->pending == NULL || rl_batch_job(s->pending))) {
        s->sync_wanted = s->pending != NULL; /* again behind a unit */
        rl_journal_sync_soon(s->journal);
    }
    if (s->broken && rl_journal_healthy(s->journal, NULL, NULL, 0)) {
        s->broken = false;
        rl_log(RL_LOG_NOTICE, "journal: takes writes again");
    }
}

void rl_store_append(rl_store *s, rl_batch *batch) {
    s->taken_seq = rl_batch_seq(batch);
    s->taken_bytes += rl_batch_footprint(batch);
    if (store_is_journaled(s) && (s->pending || !journal_take(s, batch)) && s->pending == NULL)
        s->pending = batch;
    rl_batch_next_store(s->tail, batch); /* from here on the writer may fold it */
    s->tail = batch;
    if (backlog_bytes(s) > s->options.backlog_limit_bytes / BACKLOG_PART)
        rl_writer_want(s->writer, rl_writer_folded_seq(s->writer) + 1);
    free_folded(s, FREE_PER_APPEND);
}

void rl_store_append_unit(rl_store *s, rl_batch *batch, rl_job *job) {
    rl_batch_job_set(batch, job);
    job->after_seq = s->taken_seq;
    s->taken_seq = rl_batch_seq(batch);
    s->taken_bytes += rl_batch_footprint(batch);
    if (store_is_journaled(s) && s->pending == NULL)
        s->pending = batch;
    if (s->unit == NULL)
        s->unit = batch;
    rl_batch_next_store(s->tail, batch);
    s->tail = batch;
    rl_writer_want(s->writer, s->taken_seq);
}

void rl_store_submit(rl_store *s, rl_job *job) {
    job->after_seq = s->taken_seq;
    rl_writer_submit(s->writer, job);
    rl_writer_want(s->writer, s->taken_seq);
}

void rl_store_collect(rl_store *s) {
    atomic_store(&s->notified, false); /* before looking: what comes from now on notifies anew */
    if (!s->started)
        return;
    if (store_is_journaled(s))
        store_drain_pending(s);
    free_folded(s, FREE_PER_COLLECT);
    replace_standing(s);
}

/* --- progress -------------------------------------------------------------------------------- */

/* With a journal that is kept for a restore, being folded is not enough for an answer: data.db
 * alone has it then. Not while the journal is broken: that would hold up what the fold has saved.
 */
static bool waits_to_be_kept(const rl_store *s) {
    return store_is_journaled(s) && s->pending && !s->broken &&
           s->options.upkeep.journal_keep == RL_JOURNAL_KEEP_BACKUP;
}

void rl_store_progress_read(const rl_store *s, rl_store_progress *out) {
    uint64_t folded = rl_writer_folded_seq(s->writer);
    uint64_t synced = rl_journal_synced(s->journal);
    bool journaled = store_is_journaled(s);
    out->folded_seq = folded;
    out->visible_seq = rl_writer_visible_seq(s->writer);
    out->synced_seq = synced > folded ? synced : folded;
    out->appended_seq = journaled ? s->appended_seq : s->taken_seq;
    if (!journaled && s->unit && out->appended_seq >= rl_batch_seq(s->unit))
        out->appended_seq = rl_batch_seq(s->unit) - 1; /* or folded, below */
    if (out->appended_seq < out->synced_seq)
        out->appended_seq = out->synced_seq; /* folded without a journal */
    out->released_seq =
        s->options.durability == RL_DURABILITY_ALWAYS ? out->synced_seq : out->appended_seq;
    if (waits_to_be_kept(s) && out->released_seq >= rl_batch_seq(s->pending))
        out->released_seq = rl_batch_seq(s->pending) - 1;
    if (out->released_seq < s->answered_seq)
        out->released_seq = s->answered_seq;
    out->backlog_bytes = backlog_bytes(s);
    out->over_limit = out->backlog_bytes > s->options.backlog_limit_bytes;
    out->failed = (journaled && (s->broken || rl_writer_journal_failed(s->writer))) ||
                  ((out->over_limit || s->unit) && rl_writer_failed(s->writer, NULL, 0));
}

const char *rl_store_failure(rl_store *s) {
    if (store_is_journaled(s) && s->journal_open &&
        !rl_journal_healthy(s->journal, NULL, s->failure, sizeof s->failure))
        return s->failure;
    if (rl_writer_failed(s->writer, s->failure, sizeof s->failure))
        return s->failure;
    if (store_is_journaled(s) && (s->broken || rl_writer_journal_failed(s->writer)))
        return "the journal is being made anew after an error";
    return "";
}

void rl_store_stats_read(const rl_store *s, rl_store_stats *out) {
    memset(out, 0, sizeof *out);
    rl_writer_stats w;
    rl_writer_stats_read(s->writer, &w);
    out->folds = w.folds;
    out->folded_batches = w.batches;
    out->folded_changes = w.changes;
    out->folded_rows = w.rows;
    out->fold_failures = w.failures;
    out->last_fold_us = w.last_us;
    out->last_fold_rows = w.last_rows;
    out->last_fold_wall_ms = w.last_wall_ms;
    out->jobs = w.jobs;
    out->units = w.units;
    out->job_failures = w.job_failures;
    out->indexes_dropped = w.indexes_dropped;
    out->dead_collections = w.dead;
    out->swept_rows = w.swept_rows;
    store_upkeep_stats(s, out);
    rl_journal_stats j;
    rl_journal_stats_read(s->journal, &j);
    out->journal_segments = j.segments;
    out->journal_spare_segments = j.spare_segments;
    out->journal_bytes_appended = j.bytes_appended;
    out->journal_frames = j.frames;
    out->journal_syncs = j.syncs;
    out->journal_failed_syncs = j.failed_syncs;
    out->journal_last_sync_us = j.last_sync_us;
    out->journal_kept_segments = j.kept_segments;
    out->journal_kept_bytes = j.kept_bytes;
    out->journal_kept_from = j.kept_from;
}

/* --- settings and wishes --------------------------------------------------------------------- */

void rl_store_set_durability(rl_store *s, rl_durability durability) {
    if (durability == s->options.durability)
        return;
    rl_store_progress progress;
    rl_store_progress_read(s, &progress);
    bool was_journaled = store_is_journaled(s);
    s->answered_seq = progress.released_seq;
    s->options.durability = durability;
    if (!store_is_journaled(s)) {
        /* The journal rests. Fold what it has, so that it soon holds nothing that counts. */
        s->pending = NULL;
        s->broken = false;
        rl_writer_want(s->writer, s->taken_seq);
        return;
    }
    if (!was_journaled) {
        /* The journal goes on with the first batch that is neither folded nor in it. */
        uint64_t folded = rl_writer_folded_seq(s->writer);
        s->pending = first_above(s, folded > s->appended_seq ? folded : s->appended_seq);
        if (!s->journal_open)
            rl_writer_start_journal(s->writer);
    }
    if (s->journal_open) {
        rl_journal_set_mode(s->journal, store_journal_mode(durability));
        store_drain_pending(s);
    }
}

void rl_store_set_backlog_limit(rl_store *s, uint64_t bytes) {
    s->options.backlog_limit_bytes = bytes;
    store_apply_backlog_limit(s);
}

void rl_store_set_fold_interval(rl_store *s, uint32_t ms) {
    s->options.fold_interval_ms = ms;
    rl_writer_set_interval(s->writer, ms);
}

void rl_store_sync_soon(rl_store *s) {
    if (store_is_journaled(s) && s->journal_open && !s->broken) {
        rl_journal_sync_soon(s->journal);
        s->sync_wanted = s->pending != NULL; /* and once more when that is in */
    } else {
        rl_writer_want(s->writer, s->taken_seq); /* a fold syncs too */
    }
}

void rl_store_fold_soon(rl_store *s) {
    rl_writer_want(s->writer, s->taken_seq);
}

void rl_store_show_soon(rl_store *s) {
    rl_writer_show(s->writer, s->taken_seq);
}

uint64_t rl_store_checkpoint_soon(rl_store *s) {
    uint64_t number = rl_keeper_request(s->keeper, s->taken_seq);
    rl_writer_want(s->writer, s->taken_seq);
    rl_writer_wake(s->writer); /* even with nothing to fold: the thread pokes the keeper */
    return number;
}
