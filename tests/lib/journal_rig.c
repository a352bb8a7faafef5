/* SPDX-License-Identifier: MIT */
#include "lib/journal_rig.h"

#include <criterion/criterion.h>

#include "base/alloc.h"
#include "base/random.h"

static void on_progress(void *arg) {
    rig *r = arg;
    sem_post(&r->progress);
}

rig *rig_create(void) {
    rig *r = rl_calloc(1, sizeof(*r));
    r->dir = RIG_DIR;
    r->segment_bytes = 64 * 1024;
    r->mode = RL_JOURNAL_EVERYSEC;
    sem_init(&r->progress, 0, 0);
    return r;
}

void rig_free(rig *r) {
    rl_journal_close(r->journal, false);
    sem_destroy(&r->progress);
    rl_free(r);
}

/* The contents of a batch: one value whose bytes follow from life and seq. */
static void batch_fill(const rig *r, unsigned life, uint64_t seq, rl_batch_builder *b) {
    rl_random random;
    rl_random_seed(&random, seq * 1000 + life);
    size_t len = r->batch_bytes ? r->batch_bytes : (size_t)rl_random_below(&random, 700);
    if (!r->batch_bytes && rl_random_below(&random, 16) == 0)
        len *= 10;
    char *value = rl_malloc(len);
    for (size_t i = 0; i < len; i++)
        value[i] = (char)rl_random_next(&random);
    rl_batch_value(b, seq, RL_NEVER, rl_bytes_of(value, len));
    rl_free(value);
}

static rl_batch *batch_of_life(const rig *r, unsigned life, uint64_t seq) {
    rl_batch_builder *b = rl_batch_builder_create();
    batch_fill(r, life, seq, b);
    rl_batch *batch = rl_batch_seal(b, seq);
    rl_batch_builder_free(b);
    return batch;
}

rl_batch *rig_batch(const rig *r, uint64_t seq) {
    return batch_of_life(r, r->life, seq);
}

/* A replay checks what comes, and *last moves on with it. */
typedef struct replayed {
    const rig *rig;
    uint64_t *last;
} replayed;

static int on_batch(void *arg, uint64_t seq, rl_bytes changes) {
    replayed *replay = arg;
    const rig *r = replay->rig;
    cr_assert_eq(seq, *replay->last + 1, "batch %lu comes after %lu", (unsigned long)seq,
                 (unsigned long)*replay->last);
    rl_batch *wanted = batch_of_life(r, r->life_of[seq], seq);
    cr_assert(rl_bytes_equal(rl_batch_bytes(wanted), changes),
              "batch %lu is not the one of life %u", (unsigned long)seq, r->life_of[seq]);
    rl_batch_free(wanted);
    *replay->last = seq;
    return 0;
}

static int open_journal(rig *r) {
    rl_journal_options options = {
        .dir = r->dir,
        .segment_bytes = r->segment_bytes,
        .mode = r->mode,
        .owner = r->owner,
        .keep = r->keep,
        .on_progress = on_progress,
        .arg = r,
    };
    return rl_journal_open(&options, &r->journal, r->error, sizeof(r->error));
}

int rig_look(rig *r, uint64_t after_seq, uint64_t *end) {
    int rc = open_journal(r);
    if (rc != RL_JOURNAL_OK)
        return rc;
    *end = after_seq;
    replayed replay = {r, end};
    rc = rl_journal_replay(r->journal, after_seq, on_batch, &replay, &r->report);
    rig_close(r, false);
    return rc;
}

int rig_recover(rig *r) {
    uint64_t after = r->folded;
    int rc = open_journal(r);
    if (rc != RL_JOURNAL_OK)
        return rc;
    replayed replay = {r, &r->folded};
    rc = rl_journal_replay(r->journal, after, on_batch, &replay, &r->report);
    cr_assert_eq(r->report.batches, r->folded - after);
    cr_assert_eq(r->report.last_seq, r->folded == after ? 0 : r->folded);
    cr_assert_eq(r->report.damaged, rc == RL_JOURNAL_DAMAGED);
    cr_assert_eq(r->report.detail[0] != '\0', rc != RL_JOURNAL_OK || r->report.dropped > 0);
    r->appended = r->folded;
    return rc;
}

int rig_start(rig *r) {
    r->life++;
    return rl_journal_start(r->journal, r->folded, r->error, sizeof(r->error));
}

void rig_begin(rig *r) {
    int rc = rig_recover(r);
    cr_assert_eq(rc, RL_JOURNAL_OK, "recover: %d %s %s", rc, r->error, r->report.detail);
    rc = rig_start(r);
    cr_assert_eq(rc, RL_JOURNAL_OK, "start: %d %s", rc, r->error);
}

void rig_close(rig *r, bool empty) {
    rl_journal_close(r->journal, empty);
    r->journal = NULL;
}

static void await_progress(rig *r) {
    while (sem_wait(&r->progress) != 0)
        continue;
}

int rig_append(rig *r, uint64_t seq) {
    cr_assert_lt(seq, RIG_SEQ_MAX);
    if (seq > r->appended)
        r->life_of[seq] = (unsigned char)r->life;
    rl_batch *batch = rig_batch(r, seq);
    int rc;
    while ((rc = rl_journal_append(r->journal, batch)) == RL_JOURNAL_NOT_READY)
        await_progress(r);
    rl_batch_free(batch);
    if (rc == RL_JOURNAL_OK && seq > r->appended)
        r->appended = seq;
    return rc;
}

void rig_append_up_to(rig *r, uint64_t seq) {
    while (r->appended < seq)
        cr_assert_eq(rig_append(r, r->appended + 1), RL_JOURNAL_OK);
}

bool rig_await_synced(rig *r, uint64_t seq) {
    for (;;) {
        if (r->folded >= seq || rl_journal_synced(r->journal) >= seq)
            return true;
        if (!rl_journal_healthy(r->journal, NULL, NULL, 0))
            return false;
        await_progress(r);
    }
}

void rig_await_segments(rig *r, uint64_t count) {
    for (;;) {
        rl_journal_stats stats;
        rl_journal_stats_read(r->journal, &stats);
        if (stats.segments >= count)
            return;
        await_progress(r);
    }
}

void rig_fold(rig *r, uint64_t seq) {
    cr_assert_leq(seq, r->appended);
    r->folded = seq;
    rl_journal_recycle(r->journal, seq);
}

bool rig_retry(rig *r, unsigned times) {
    uint64_t last = r->appended;
    for (unsigned i = 0; i < times; i++) {
        rl_journal_retry(r->journal);
        uint64_t synced = rl_journal_synced(r->journal);
        uint64_t safe = synced > r->folded ? synced : r->folded;
        int rc = RL_JOURNAL_OK;
        for (uint64_t seq = safe + 1; seq <= last && rc == RL_JOURNAL_OK; seq++)
            rc = rig_append(r, seq);
        if (rc == RL_JOURNAL_OK && safe >= last) {
            /* Nothing to append again: the journal still has to get well. */
            while (!rl_journal_healthy(r->journal, NULL, NULL, 0) && rc == RL_JOURNAL_OK) {
                rc = rig_append(r, last + 1);
            }
        }
        if (rc == RL_JOURNAL_OK)
            return true;
    }
    return false;
}
