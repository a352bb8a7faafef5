/* SPDX-License-Identifier: MIT */
/*
 * The journal when the disk says no, and when the power goes. The same story is told again and
 * again, with the first, the second, the third … call failing, until it goes through without a
 * failure.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"
#include "lib/faulty_files.h"
#include "lib/journal_rig.h"

static rig *r;

static void setup(void) {
    faulty_files_start();
    r = rig_create();
}

static void teardown(void) {
    rig_free(r);
    faulty_files_stop();
}

TestSuite(journal_faults, .init = setup, .fini = teardown);

static uint64_t later(uint64_t a, uint64_t b) {
    return a > b ? a : b;
}

/* Appends batch `seq`, and gets the journal going again when it breaks. Counts in *broken. */
static void append_whatever_happens(uint64_t seq, unsigned *broken) {
    while (rig_append(r, seq) != RL_JOURNAL_OK) {
        ++*broken;
        int error_number = 0;
        char text[256] = "";
        cr_assert_not(rl_journal_healthy(r->journal, &error_number, text, sizeof(text)));
        cr_assert(error_number == EIO || error_number == ENOSPC, "errno %d", error_number);
        cr_assert(strstr(text, RIG_DIR) && strstr(text, " while "), "%s", text);
        rl_batch *batch = rig_batch(r, seq);
        cr_assert_eq(rl_journal_append(r->journal, batch), RL_JOURNAL_BROKEN, "it stays broken");
        rl_batch_free(batch);
        faulty_files_heal();
        cr_assert(rig_retry(r, 2));
        cr_assert(rl_journal_healthy(r->journal, NULL, NULL, 0));
    }
}

static void await_synced_whatever_happens(uint64_t seq, unsigned *broken) {
    while (!rig_await_synced(r, seq)) {
        ++*broken;
        faulty_files_heal();
        cr_assert(rig_retry(r, 2));
    }
}

/* Two lives with segments switched, reused and made, syncs, folds, and one batch that needs a
 * segment of its own. Returns how often the journal broke. */
static unsigned story(void) {
    unsigned broken = 0;
    r->mode = RL_JOURNAL_ALWAYS;
    r->folded = r->appended = 0;
    for (int life = 1; life <= 2; life++) {
        while (rig_recover(r) != RL_JOURNAL_OK || rig_start(r) != RL_JOURNAL_OK) {
            broken++;
            cr_assert(r->error[0] || r->report.detail[0]);
            faulty_files_heal();
            if (r->journal)
                rig_close(r, false);
        }
        r->batch_bytes = 6000;
        for (int i = 0; i < 45; i++) {
            uint64_t seq = r->appended + 1;
            append_whatever_happens(seq, &broken);
            if (i % 5 == 0)
                await_synced_whatever_happens(seq, &broken);
            if (i % 15 == 0)
                rig_fold(r, r->appended - r->appended % 4);
        }
        await_synced_whatever_happens(r->appended, &broken);
        uint64_t last = r->appended;
        uint64_t folded = r->folded;
        rig_close(r, false);
        faulty_disk_crash(FAULTY_POWER, 7);
        faulty_disk_restart();
        /* A failure that was still to come shall not hit the check. */
        r->folded = folded;
        cr_assert_eq(rig_recover(r), RL_JOURNAL_OK, "%s", r->report.detail);
        cr_assert_eq(r->folded, last);
        rig_close(r, false);
    }
    return broken;
}

static void tell_with_failures(const char *kind, int error_number, bool lasting,
                               unsigned *broken_stories) {
    for (uint64_t nth = 1;; nth++) {
        teardown();
        setup();
        r->segment_bytes = 64 * 1024;
        faulty_files_fail_only(kind, nth, error_number, lasting);
        unsigned broken = story();
        if (!faulty_files_failed())
            return;
        *broken_stories += broken > 0;
    }
}

Test(journal_faults, any_call_may_fail_with_eio, .timeout = 120)
{
    unsigned broken = 0;
    tell_with_failures(NULL, EIO, false, &broken);
    cr_assert_gt(broken, 30, "%u stories broke", broken);
}

Test(journal_faults, any_write_may_find_the_disk_full, .timeout = 120)
{
    unsigned broken = 0;
    tell_with_failures("write", ENOSPC, true, &broken);
    cr_assert_gt(broken, 30, "%u stories broke", broken);
}

Test(journal_faults, any_sync_may_fail, .timeout = 120)
{
    unsigned broken = 0;
    tell_with_failures("datasync", EIO, true, &broken);
    cr_assert_gt(broken, 10, "%u stories broke", broken);
}

Test(journal_faults, any_sync_of_the_directory_may_fail)
{
    unsigned broken = 0;
    tell_with_failures("sync_dir", EIO, true, &broken);
    cr_assert_gt(broken, 3, "%u stories broke", broken);
}

Test(journal_faults, a_failed_sync_is_not_tried_again_on_the_same_file)
{
    r->mode = RL_JOURNAL_NO;
    rig_begin(r);
    rig_await_segments(r, 2);
    rig_append_up_to(r, 10);
    rl_journal_sync_soon(r->journal);
    cr_assert(rig_await_synced(r, 10));
    rig_append_up_to(r, 20);
    faulty_files_fail_only("datasync", 1, EIO, false);
    rl_journal_sync_soon(r->journal);
    cr_assert_not(rig_await_synced(r, 20));
    /* The next sync of that file would succeed, without what the failed one has lost. */
    cr_assert_eq(rl_journal_synced(r->journal), 10);
    char text[256];
    int error_number;
    cr_assert_not(rl_journal_healthy(r->journal, &error_number, text, sizeof(text)));
    cr_assert_eq(error_number, EIO);
    cr_assert_str_eq(text, "Input/output error while syncing " RIG_DIR "/00000001.journal");
    rl_journal_stats stats;
    rl_journal_stats_read(r->journal, &stats);
    cr_assert_eq(stats.failed_syncs, 1);

    cr_assert(rig_retry(r, 1));
    rl_journal_sync_soon(r->journal);
    cr_assert(rig_await_synced(r, 20));
    rig_close(r, false);
    faulty_disk_crash(FAULTY_POWER_NONE, 1);
    faulty_disk_restart();
    cr_assert_eq(rig_recover(r), RL_JOURNAL_OK);
    cr_assert_eq(r->folded, 20);
}

Test(journal_faults, a_file_that_cannot_be_synced_is_left_behind)
{
    r->mode = RL_JOURNAL_ALWAYS;
    rig_begin(r);
    rig_append_up_to(r, 10);
    cr_assert(rig_await_synced(r, 10));
    faulty_disk_break(RIG_DIR "/00000001.journal");
    rig_append_up_to(r, 11);
    cr_assert_not(rig_await_synced(r, 11));
    cr_assert(rig_retry(r, 1));
    cr_assert(rig_await_synced(r, 11));
    rig_append_up_to(r, 20);
    cr_assert(rig_await_synced(r, 20));
    /* Folded, it goes; as a spare one it would break the journal again. */
    for (int i = 0; i < 20; i++) {
        rig_fold(r, r->appended);
        rig_append_up_to(r, r->appended + 100);
        cr_assert(rig_await_synced(r, r->appended));
    }
    rl_journal_stats stats;
    rl_journal_stats_read(r->journal, &stats);
    cr_assert_eq(stats.failed_syncs, 1);
}

Test(journal_faults, a_file_that_cannot_be_written_is_not_synced_either)
{
    r->mode = RL_JOURNAL_NO;
    rig_begin(r);
    rig_await_segments(r, 2);
    rig_append_up_to(r, 10);
    faulty_disk_break(RIG_DIR "/00000001.journal");
    faulty_files_fail_only("write", 1, EIO, false);
    cr_assert_eq(rig_append(r, 11), RL_JOURNAL_BROKEN);
    cr_assert(rig_retry(r, 1));
    rl_journal_sync_soon(r->journal);
    cr_assert(rig_await_synced(r, 10));
    cr_assert(rl_journal_healthy(r->journal, NULL, NULL, 0));
}

Test(journal_faults, a_short_write_counts_for_nothing)
{
    r->mode = RL_JOURNAL_NO;
    r->batch_bytes = 3000;
    rig_begin(r);
    rig_await_segments(r, 2);
    rig_append_up_to(r, 3);
    faulty_files_fail_only("write", 1, ENOSPC, true);
    cr_assert_eq(rig_append(r, 4), RL_JOURNAL_BROKEN);
    char text[256];
    int error_number;
    cr_assert_not(rl_journal_healthy(r->journal, &error_number, text, sizeof(text)));
    cr_assert_eq(error_number, ENOSPC);
    cr_assert_str_eq(text, "No space left on device while writing " RIG_DIR "/00000001.journal");
    faulty_disk_crash(FAULTY_KILLED, 1);
    rig_close(r, false);
    faulty_disk_restart();
    r->folded = 0;
    cr_assert_eq(rig_recover(r), RL_JOURNAL_OK);
    cr_assert_eq(r->folded, 3);
}

Test(journal_faults, retry_says_when_it_is_still_broken)
{
    rig_begin(r);
    rig_append_up_to(r, 5);
    faulty_files_fail_only(NULL, 1, EIO, true);
    cr_assert_eq(rig_append(r, 6), RL_JOURNAL_BROKEN);
    cr_assert_not(rig_retry(r, 3));
    cr_assert_not(rl_journal_healthy(r->journal, NULL, NULL, 0));
    faulty_files_heal();
    cr_assert(rig_retry(r, 1));
    cr_assert_eq(rig_append(r, 6), RL_JOURNAL_OK);
    rl_journal_sync_soon(r->journal);
    cr_assert(rig_await_synced(r, 6));
}

Test(journal_faults, retry_of_a_healthy_journal_does_nothing)
{
    rig_begin(r);
    rig_append_up_to(r, 5);
    rl_journal_retry(r->journal);
    rig_append_up_to(r, 10);
    rl_journal_sync_soon(r->journal);
    cr_assert(rig_await_synced(r, 10));
    rig_close(r, false);
    r->folded = 0;
    cr_assert_eq(rig_recover(r), RL_JOURNAL_OK);
    cr_assert_eq(r->folded, 10);
}

Test(journal_faults, a_full_disk_does_no_harm_before_room_is_needed)
{
    r->mode = RL_JOURNAL_NO;
    r->batch_bytes = 10000; /* six to a segment */
    rig_begin(r);
    rig_append_up_to(r, 7); /* in the second segment */
    faulty_files_fail_only("open", 1, ENOSPC, true);
    unsigned taken = 0;
    while (rig_append(r, r->appended + 1) == RL_JOURNAL_OK)
        taken++;
    cr_assert_geq(taken, 4, "the rest of the segment can be used");
    int error_number = 0;
    cr_assert_not(rl_journal_healthy(r->journal, &error_number, NULL, 0));
    cr_assert_eq(error_number, ENOSPC);
    /* Folding gives segments back, so it goes on although the disk is still full. */
    rig_fold(r, r->appended);
    cr_assert(rig_retry(r, 1));
    rig_append_up_to(r, r->appended + 5);
}

/* Fills the journal until there is no room left and none can be made. */
static void fill_up(void) {
    r->mode = RL_JOURNAL_NO;
    r->batch_bytes = 10000;
    rig_begin(r);
    rig_append_up_to(r, 7);
    faulty_files_fail_only("open", 1, ENOSPC, true);
    while (rig_append(r, r->appended + 1) == RL_JOURNAL_OK)
        continue;
    cr_assert_not(rl_journal_healthy(r->journal, NULL, NULL, 0));
    cr_assert_eq(rl_journal_synced(r->journal), 0);
}

Test(journal_faults, what_was_appended_is_synced_although_the_disk_is_full)
{
    fill_up();
    rl_journal_set_mode(r->journal, RL_JOURNAL_EVERYSEC);
    while (rl_journal_synced(r->journal) < r->appended)
        sem_wait(&r->progress);
    cr_assert_not(rl_journal_healthy(r->journal, NULL, NULL, 0));
}

Test(journal_faults, a_retry_syncs_before_it_gives_up_segments)
{
    fill_up();
    cr_assert_not(rig_retry(r, 2));
    cr_assert_eq(rl_journal_synced(r->journal), r->appended);
    faulty_files_heal();
    cr_assert(rig_retry(r, 1));
    rig_append_up_to(r, r->appended + 10);
    rl_journal_sync_soon(r->journal);
    cr_assert(rig_await_synced(r, r->appended));
    uint64_t appended = r->appended;
    faulty_disk_crash(FAULTY_POWER_NONE, 1);
    rig_close(r, false);
    faulty_disk_restart();
    r->folded = 0;
    cr_assert_eq(rig_recover(r), RL_JOURNAL_OK);
    cr_assert_eq(r->folded, appended);
}

Test(journal_faults, a_broken_journal_still_gives_back_what_is_folded)
{
    r->batch_bytes = 10000;
    rig_begin(r);
    rig_append_up_to(r, 30);
    faulty_files_fail_only("write", 1, EIO, true);
    cr_assert_eq(rig_append(r, 31), RL_JOURNAL_BROKEN);
    rig_fold(r, 30);
    faulty_files_heal();
    rig_close(r, true);
    r->folded = 0;
    cr_assert_eq(rig_recover(r), RL_JOURNAL_OK);
    cr_assert_eq(r->folded, 0);
}

/* --- power ----------------------------------------------------------------------------------- */

/* One life of random writes, syncs, folds, failures and retries, ended by a crash. Checks the one
 * after it: nothing that was called safe is lost, and what is there is a prefix. */
static void crashing_life(rl_random *random, bool with_faults) {
    static const faulty_crash kinds[] = {FAULTY_KILLED, FAULTY_POWER, FAULTY_POWER,
                                         FAULTY_POWER_NONE, FAULTY_POWER_HEADS};
    static const rl_journal_mode modes[] = {RL_JOURNAL_ALWAYS, RL_JOURNAL_EVERYSEC, RL_JOURNAL_NO};
    r->mode = modes[rl_random_below(random, 3)];
    rig_begin(r);
    uint64_t steps = rl_random_below(random, 120);
    for (uint64_t i = 0; i < steps; i++) {
        unsigned broken = 0;
        uint64_t dice = rl_random_below(random, 100);
        if (dice < 80) {
            append_whatever_happens(r->appended + 1, &broken);
        } else if (dice < 88) {
            rl_journal_sync_soon(r->journal);
            await_synced_whatever_happens(r->appended, &broken);
        } else if (dice < 92) {
            rig_fold(r, r->folded + rl_random_below(random, r->appended - r->folded + 1));
        } else if (dice < 96) {
            rl_journal_set_mode(r->journal, modes[rl_random_below(random, 3)]);
        } else if (with_faults) {
            faulty_files_fail(1 + rl_random_below(random, 20),
                              rl_random_below(random, 2) ? EIO : ENOSPC,
                              rl_random_below(random, 2));
        }
    }
    uint64_t safe = later(rl_journal_synced(r->journal), r->folded);
    faulty_crash kind = kinds[rl_random_below(random, 5)];
    uint64_t written = r->appended;
    faulty_disk_crash(kind, rl_random_next(random));
    rig_close(r, false);
    faulty_disk_restart();
    int rc = rig_recover(r);
    cr_assert_eq(rc, RL_JOURNAL_OK, "life %u: %d %s", r->life, rc, r->report.detail);
    cr_assert_geq(r->folded, safe, "life %u, crash %d: %lu recovered, %lu were safe", r->life,
                  (int)kind, (unsigned long)r->folded, (unsigned long)safe);
    cr_assert_leq(r->folded, written + 1); /* one more: a write that failed late */
    if (kind == FAULTY_KILLED)
        cr_assert_geq(r->folded, written, "what was answered survives kill -9");
    rig_close(r, false);
}

static void crashing_lives(uint64_t seed, unsigned lives, bool with_faults) {
    rl_random random;
    rl_random_seed(&random, seed);
    teardown();
    setup();
    r->batch_bytes = rl_random_below(&random, 3) ? 0 : 1 + rl_random_below(&random, 9000);
    for (unsigned i = 0; i < lives; i++)
        crashing_life(&random, with_faults);
}

Test(journal_faults, power_lost_at_any_moment, .timeout = 120)
{
    for (uint64_t seed = 1; seed <= 60; seed++)
        crashing_lives(seed, 8, false);
}

Test(journal_faults, power_lost_with_a_failing_disk, .timeout = 120)
{
    for (uint64_t seed = 1001; seed <= 1060; seed++)
        crashing_lives(seed, 8, true);
}
