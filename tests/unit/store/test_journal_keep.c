/* SPDX-License-Identifier: MIT */
/*
 * Retention: a journal that keeps batches until they are in a backup. What it promises is asked for
 * after stops, kills, power failures and disk errors: from the backup on, everything comes back.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include "base/random.h"
#include "lib/faulty_files.h"
#include "lib/journal_rig.h"

static rig *r;

static void setup(void) {
    faulty_files_start();
    r = rig_create();
    r->keep = true;
    r->batch_bytes = 10000; /* six to a segment */
}

static void teardown(void) {
    rig_free(r);
    faulty_files_stop();
}

TestSuite(journal_keep, .init = setup, .fini = teardown);

static rl_journal_stats stats(void) {
    rl_journal_stats out;
    rl_journal_stats_read(r->journal, &out);
    return out;
}

/* Folds and waits until the syncer has seen to it. */
static void fold_all(void) {
    rl_journal_sync_soon(r->journal);
    cr_assert(rig_await_synced(r, r->appended));
    rig_fold(r, r->appended);
}

static void replays(uint64_t after_seq, uint64_t wanted_end) {
    uint64_t end = 0;
    int rc = rig_look(r, after_seq, &end);
    cr_assert_eq(rc, RL_JOURNAL_OK, "%d %s%s", rc, r->error, r->report.detail);
    cr_assert_eq(end, wanted_end, "after %lu: up to %lu", (unsigned long)after_seq,
                 (unsigned long)end);
}

Test(journal_keep, what_is_folded_can_be_replayed)
{
    rig_begin(r);
    rig_append_up_to(r, 100);
    fold_all();
    rig_close(r, true);
    replays(0, 100);
    replays(57, 100);
    replays(100, 100);
}

Test(journal_keep, it_goes_on_over_stops_and_kills)
{
    for (int life = 1; life <= 12; life++) {
        rig_begin(r);
        rig_append_up_to(r, r->appended + 20);
        cr_assert_eq(stats().kept_from, 1);
        if (life % 2) {
            fold_all();
            rig_close(r, true);
        } else {
            faulty_disk_crash(FAULTY_KILLED, 1);
            rig_close(r, false);
            faulty_disk_restart();
        }
    }
    replays(0, 240);
    /* At each start what was sealed in an earlier life is left alone. */
    rig_begin(r);
    cr_assert_geq(r->report.skipped_segments, 30);
    cr_assert_eq(r->folded, 240);
    cr_assert_eq(stats().kept_from, 1);
    cr_assert_geq(stats().kept_segments, 40);
    cr_assert_eq(stats().kept_bytes, stats().kept_segments * r->segment_bytes);
}

Test(journal_keep, a_backup_releases)
{
    rig_begin(r);
    rig_append_up_to(r, 100);
    fold_all();
    rl_journal_release(r->journal, 50);
    while (stats().kept_from < 45)
        sched_yield();
    cr_assert_leq(stats().kept_from, 51);
    uint64_t segments = stats().segments;
    rl_journal_release(r->journal, 40); /* an older one says nothing new */
    rig_append_up_to(r, 101);
    rig_close(r, true);
    replays(50, 101);
    cr_assert_lt(segments, 14);
}

Test(journal_keep, released_is_not_enough)
{
    rig_begin(r);
    rig_append_up_to(r, 60);
    rl_journal_release(r->journal, 60);
    rig_append_up_to(r, 61);
    rig_close(r, false);
    replays(0, 61);
}

Test(journal_keep, it_can_be_switched)
{
    rig_begin(r);
    rig_append_up_to(r, 100);
    fold_all();
    rl_journal_set_keep(r->journal, false);
    while (stats().kept_segments > 0)
        sched_yield();
    rl_journal_set_keep(r->journal, true);
    rig_append_up_to(r, 200);
    fold_all();
    cr_assert_eq(stats().kept_from, 101, "%lu", (unsigned long)stats().kept_from);
    rig_close(r, true);
    replays(100, 200);
    /* Without it a stop empties the journal, and a start too. */
    r->keep = false;
    rig_begin(r);
    rig_close(r, false);
    replays(200, 200);
    uint64_t end;
    cr_assert_eq(rig_look(r, 100, &end), RL_JOURNAL_DAMAGED, "it was safe, and is not here");
}

/* What goes is not counted on any more, wherever the server ends. Files of it stay to be used
 * again, the oldest ones, and look as if nothing had gone. */
static void keeps_from_after_a_kill(uint64_t kept_from) {
    faulty_disk_crash(FAULTY_KILLED, 1);
    rig_close(r, false);
    faulty_disk_restart();
    rig_begin(r);
    cr_assert_eq(r->folded, 100);
    cr_assert_geq(stats().kept_from, kept_from, "%lu", (unsigned long)stats().kept_from);
    replays(stats().kept_from - 1, 100);
}

Test(journal_keep, what_went_while_nothing_was_kept_is_told_after_a_kill)
{
    rig_begin(r);
    rig_append_up_to(r, 100);
    fold_all();
    rl_journal_set_keep(r->journal, false);
    while (stats().kept_from < 85)
        sched_yield();
    keeps_from_after_a_kill(85);
}

Test(journal_keep, what_a_backup_released_is_told_after_a_kill)
{
    rig_begin(r);
    rig_append_up_to(r, 100);
    fold_all();
    rl_journal_release(r->journal, 90);
    while (stats().kept_from < 85)
        sched_yield();
    keeps_from_after_a_kill(85);
}

/* A segment that somebody deleted, of batches that nobody had called safe while they were written.
 * The end of the life did. */
Test(journal_keep, a_segment_that_is_missing_after_a_stop_is_noticed)
{
    r->mode = RL_JOURNAL_NO;
    rig_begin(r);
    rig_append_up_to(r, 60);
    rig_await_segments(r, 11); /* the one that was made ready and never used says it */
    rig_close(r, false);
    replays(0, 60);
    faulty_disk_remove(RIG_DIR "/00000010.journal");
    uint64_t end;
    cr_assert_eq(rig_look(r, 0, &end), RL_JOURNAL_DAMAGED, "%lu", (unsigned long)end);
    cr_assert_lt(end, 60);
    cr_assert(strstr(r->report.detail, "up to 60 were safely written"), "%s", r->report.detail);
}

Test(journal_keep, a_gap_is_told)
{
    rig_begin(r);
    rig_append_up_to(r, 50);
    fold_all();
    /* Ten batches that are folded without the journal. */
    r->folded = r->appended = 60;
    rl_journal_recycle(r->journal, 60);
    rig_append_up_to(r, 90);
    fold_all();
    cr_assert_eq(stats().kept_from, 61);
    rig_close(r, true);
    rig_begin(r);
    cr_assert_eq(stats().kept_from, 61);
    rig_append_up_to(r, 100);
    rig_close(r, false);
    replays(60, 100);
    /* From before the gap, what comes before it, and a word about what lies behind. */
    uint64_t end = 0;
    cr_assert_eq(rig_look(r, 30, &end), RL_JOURNAL_DAMAGED);
    cr_assert_eq(end, 50);
    cr_assert_eq(r->report.beyond, 40);
    cr_assert_eq(r->report.beyond_first, 61);
    cr_assert_eq(r->report.beyond_last, 100);
    cr_assert_gt(r->report.beyond_made_ms, 1600000000000);
}

Test(journal_keep, batches_folded_without_a_journal_in_a_life_of_their_own_are_a_gap)
{
    rig_begin(r);
    rig_append_up_to(r, 50);
    fold_all();
    rig_close(r, true);
    r->folded = r->appended = 70; /* a life with appendonly no */
    rig_begin(r);
    cr_assert_eq(stats().kept_from, 71);
    rig_append_up_to(r, 80);
    cr_assert_eq(stats().kept_from, 71);
}

/* What one recovery drops must never be met again, although the segments around it stay. */
Test(journal_keep, dropped_frames_never_come_back)
{
    r->mode = RL_JOURNAL_NO;
    r->batch_bytes = 1000;
    rig_begin(r);
    rig_append_up_to(r, 40);
    faulty_disk_crash(FAULTY_KILLED, 1); /* a stop would say that all forty are safe */
    rig_close(r, false);
    faulty_disk_restart();
    /* The twentieth is torn: what lies behind it is dropped. */
    rl_batch *batch = rig_batch(r, 1);
    uint64_t frame = rl_batch_bytes(batch).len;
    rl_batch_free(batch);
    frame = (64 + frame + 63) & ~UINT64_C(63);
    size_t len;
    unsigned char *bytes = faulty_disk_bytes(RIG_DIR "/00000001.journal", &len);
    bytes[4096 + 19 * frame + 70] ^= 1;
    faulty_disk_changed(RIG_DIR "/00000001.journal");
    rig_begin(r);
    cr_assert_eq(r->folded, 19);
    cr_assert_eq(r->report.dropped, 20);
    rig_append_up_to(r, 20);
    rig_close(r, false);
    replays(0, 20); /* not the old 21 */
    r->folded = 0;
    rig_begin(r);
    cr_assert_eq(r->report.dropped, 0);
}

/* A write that was said to have failed, but has reached the file. */
Test(journal_keep, a_frame_of_a_failed_write_is_not_overlooked)
{
    r->mode = RL_JOURNAL_NO;
    r->batch_bytes = 100;
    rig_begin(r);
    rig_append_up_to(r, 20);
    rig_await_segments(r, 2);
    faulty_files_fail_only("write", 1, ENOSPC, false);
    cr_assert_eq(rig_append(r, 21), RL_JOURNAL_BROKEN);
    /* The second half as well, as if only the answer had been lost. */
    rl_batch *batch = rig_batch(r, 21);
    rl_bytes changes = rl_batch_bytes(batch);
    size_t len;
    char *file = (char *)faulty_disk_bytes(RIG_DIR "/00000001.journal", &len);
    uint64_t frame = (64 + changes.len + 63) & ~UINT64_C(63);
    memcpy(file + 4096 + 20 * frame + 64, changes.ptr, changes.len);
    faulty_disk_changed(RIG_DIR "/00000001.journal");
    rl_batch_free(batch);
    faulty_files_heal();
    rl_journal_retry(r->journal);
    rig_fold(r, 20);
    rig_append_up_to(r, 20);
    while (!rl_journal_healthy(r->journal, NULL, NULL, 0))
        sched_yield();
    rig_await_segments(r, 2);
    rig_close(r, false); /* 21 was never appended again */
    uint64_t end = 0;
    cr_assert_eq(rig_look(r, 20, &end), RL_JOURNAL_OK);
    cr_assert_eq(end, 21, "it is read though the segments behind say they have more");
}

/* Batches that are folded already, so that nobody appends them again when their sync fails. */
Test(journal_keep, a_sync_of_folded_batches_that_fails_is_a_gap)
{
    r->mode = RL_JOURNAL_NO;
    rig_begin(r);
    rig_append_up_to(r, 13); /* two full segments, and one begun */
    faulty_disk_break(RIG_DIR "/00000001.journal");
    rig_fold(r, 12);
    while (stats().failed_syncs == 0)
        sched_yield();
    cr_assert(rl_journal_healthy(r->journal, NULL, NULL, 0), "nothing was lost that is needed");
    rig_append_up_to(r, 20);
    rl_journal_sync_soon(r->journal);
    cr_assert(rig_await_synced(r, 20));
    uint64_t from = stats().kept_from;
    cr_assert(from > 1 && from <= 13, "%lu", (unsigned long)from);
    faulty_disk_crash(FAULTY_POWER_NONE, 1);
    rig_close(r, false);
    faulty_disk_restart();
    replays(from - 1, 20);
    uint64_t end = 0;
    cr_assert_eq(rig_look(r, 0, &end), RL_JOURNAL_DAMAGED);
    cr_assert_lt(end, 6);
}

/* What such a sync should have written is still there to be read after a kill, and no later sync
 * would write it. */
Test(journal_keep, a_sync_that_failed_before_a_kill_is_made_good)
{
    r->mode = RL_JOURNAL_NO;
    rig_begin(r);
    rig_append_up_to(r, 13); /* two full segments, and one begun */
    rig_await_segments(r, 4);
    faulty_files_fail_only("datasync", 1, EIO, false);
    rig_fold(r, 12);
    while (stats().failed_syncs == 0)
        sched_yield();
    faulty_disk_crash(FAULTY_KILLED, 1);
    rig_close(r, false);
    faulty_disk_restart();
    rig_begin(r);
    cr_assert_eq(stats().kept_from, 1, "all could be read");
    faulty_disk_crash(FAULTY_POWER_NONE, 1);
    rig_close(r, false);
    faulty_disk_restart();
    replays(0, 13);
}

/* --- lives ----------------------------------------------------------------------------------- */

typedef struct counts {
    unsigned asked, far, skipped;
} counts;

static void retry_if_broken(void) {
    while (!rl_journal_healthy(r->journal, NULL, NULL, 0)) {
        faulty_files_heal();
        cr_assert(rig_retry(r, 3));
    }
}

static void append_one(void) {
    while (rig_append(r, r->appended + 1) != RL_JOURNAL_OK)
        retry_if_broken();
}

static void random_step(rl_random *random, uint64_t *backup, bool with_faults) {
    static const rl_journal_mode modes[] = {RL_JOURNAL_ALWAYS, RL_JOURNAL_EVERYSEC, RL_JOURNAL_NO};
    uint64_t dice = rl_random_below(random, 100);
    if (dice < 78) {
        append_one();
    } else if (dice < 84) {
        rl_journal_sync_soon(r->journal);
        while (!rig_await_synced(r, r->appended))
            retry_if_broken();
    } else if (dice < 91) {
        rig_fold(r, r->folded + rl_random_below(random, r->appended - r->folded + 1));
    } else if (dice < 94) {
        *backup += rl_random_below(random, r->folded - *backup + 1);
        rl_journal_release(r->journal, *backup);
    } else if (dice < 95) {
        r->keep = !r->keep;
        rl_journal_set_keep(r->journal, r->keep);
    } else if (dice < 97) {
        rl_journal_set_mode(r->journal, modes[rl_random_below(random, 3)]);
    } else if (with_faults) {
        faulty_files_fail(1 + rl_random_below(random, 20),
                          rl_random_below(random, 2) ? EIO : ENOSPC, rl_random_below(random, 2));
    }
}

static uint64_t most(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* One life, its end, and what must then be there. */
static void keeping_life(rl_random *random, uint64_t *backup, bool with_faults, counts *count) {
    static const faulty_crash kinds[] = {FAULTY_KILLED, FAULTY_POWER, FAULTY_POWER_NONE,
                                         FAULTY_POWER_HEADS};
    rig_begin(r);
    count->skipped += (unsigned)r->report.skipped_segments;
    uint64_t start = r->folded;
    rl_journal_release(r->journal, *backup);
    uint64_t steps = rl_random_below(random, 150);
    for (uint64_t i = 0; i < steps; i++)
        random_step(random, backup, with_faults);

    uint64_t safe = most(rl_journal_synced(r->journal), start);
    uint64_t kept_from = stats().kept_from;
    uint64_t end = rl_random_below(random, 6);
    if (end < 4) {
        faulty_disk_crash(kinds[end], rl_random_next(random));
        rig_close(r, false);
        faulty_disk_restart();
        if (kinds[end] == FAULTY_KILLED)
            safe = r->appended;
    } else {
        faulty_files_heal();
        retry_if_broken();
        rl_journal_sync_soon(r->journal);
        while (!rig_await_synced(r, r->appended))
            retry_if_broken();
        kept_from = stats().kept_from;
        if (end == 4)
            rig_fold(r, r->appended);
        safe = r->appended;
        rig_close(r, end == 4);
    }
    uint64_t from = most(*backup, kept_from - 1);
    if (r->keep && from < safe) {
        uint64_t got = 0;
        int rc = rig_look(r, from, &got);
        cr_assert(rc == RL_JOURNAL_OK || rc == RL_JOURNAL_DAMAGED, "%d %s%s", rc, r->error,
                  r->report.detail);
        cr_assert_geq(got, safe, "life %u, end %lu: from %lu up to %lu instead of %lu: %s", r->life,
                      (unsigned long)end, (unsigned long)from, (unsigned long)got,
                      (unsigned long)safe, r->report.detail);
        count->asked++;
        count->far += safe - from > 50;
    }
    int rc = rig_recover(r);
    cr_assert_eq(rc, RL_JOURNAL_OK, "life %u: %d %s", r->life, rc, r->report.detail);
    cr_assert_geq(r->folded, safe);
    rig_close(r, false);
}

static void keeping_lives(uint64_t first_seed, bool with_faults) {
    counts count = {0};
    for (uint64_t seed = first_seed; seed < first_seed + 50; seed++) {
        rl_random random;
        rl_random_seed(&random, seed);
        teardown();
        setup();
        r->batch_bytes = rl_random_below(&random, 3) ? 0 : 1 + rl_random_below(&random, 9000);
        uint64_t backup = 0;
        for (unsigned life = 0; life < 12; life++)
            keeping_life(&random, &backup, with_faults, &count);
    }
    cr_assert_gt(count.asked, 200, "%u", count.asked);
    cr_assert_gt(count.far, 30, "%u", count.far);
    cr_assert_gt(count.skipped, 100, "%u", count.skipped);
}

Test(journal_keep, lives_that_end_in_any_way, .timeout = 120)
{ keeping_lives(1, false); }

Test(journal_keep, lives_with_a_failing_disk, .timeout = 120)
{ keeping_lives(2001, true); }
