/* SPDX-License-Identifier: MIT */
/*
 * Drives a journal the way the store does, for tests: makes batches whose contents follow from
 * their number, waits for what the journal reports instead of for time, and appends again after a
 * retry.
 *
 * A life is the time between two starts. A batch's contents depend on the life it was made in, so a
 * frame that comes back from an earlier life is noticed.
 */
#ifndef TESTS_LIB_JOURNAL_RIG_H
#define TESTS_LIB_JOURNAL_RIG_H

#include <semaphore.h>

#include "store/journal.h"

#define RIG_DIR     "/data/journal"
#define RIG_SEQ_MAX 100000

typedef struct rig {
    rl_journal *journal;
    const char *dir;
    uint64_t segment_bytes;
    rl_journal_mode mode;
    uint64_t owner;
    bool keep;
    size_t batch_bytes; /* 0: it varies */
    sem_t progress;
    unsigned life;
    uint64_t folded;
    uint64_t appended;          /* highest seq whose append returned 0, in this life or recovered */
    rl_journal_recovery report; /* of the last rig_recover */
    char error[512];
    unsigned char life_of[RIG_SEQ_MAX]; /* in which each batch was made */
} rig;

rig *rig_create(void); /* 64 KiB segments in RIG_DIR, everysec */
void rig_free(rig *r); /* closes the journal as well */

rl_batch *rig_batch(const rig *r, uint64_t seq);

/* Opens, replays after r->folded and checks contents and order of what comes; then takes all of it
 * for folded. Returns what open or replay returned. */
int rig_recover(rig *r);
/* A new life. */
int rig_start(rig *r);
/* Opens the journal and replays after any seq, checking contents and order; changes nothing and
 * closes it again. Returns what open or replay returned; *end is the last seq that came. */
int rig_look(rig *r, uint64_t after_seq, uint64_t *end);
/* Both; they must succeed. */
void rig_begin(rig *r);
void rig_close(rig *r, bool empty);

/* Appends batch `seq`; waits while the journal is not ready. 0 or RL_JOURNAL_BROKEN. */
int rig_append(rig *r, uint64_t seq);
/* Appends until `seq` is in. Must succeed. */
void rig_append_up_to(rig *r, uint64_t seq);
/* Returns true once seq is synced or folded, false when the journal broke. */
bool rig_await_synced(rig *r, uint64_t seq);
/* Returns once there are `count` segments in use or ready, so that the syncer has nothing left to
 * make. */
void rig_await_segments(rig *r, uint64_t count);
/* Folds: what the store thread does. */
void rig_fold(rig *r, uint64_t seq);
/* After BROKEN: retries until the journal works, at most `times`, and appends again what is neither
 * synced nor folded. False if it is still broken. */
bool rig_retry(rig *r, unsigned times);

#endif
