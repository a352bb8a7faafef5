/* SPDX-License-Identifier: MIT */
/* The journal at work: appending, syncing, switching and reusing segments, coming back. */
#include "store/journal.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/alloc.h"
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

TestSuite(journal, .init = setup, .fini = teardown);

static rl_journal_stats stats(void) {
    rl_journal_stats s;
    rl_journal_stats_read(r->journal, &s);
    return s;
}

Test(journal, an_empty_one_replays_nothing)
{
    cr_assert_eq(rig_recover(r), RL_JOURNAL_OK);
    cr_assert_eq(r->report.batches, 0);
    cr_assert_eq(faulty_disk_count(), 0, "open and replay write nothing");
    rig_close(r, false);
    rl_journal_close(NULL, true);
}

Test(journal, what_was_appended_comes_back)
{
    rig_begin(r);
    rig_append_up_to(r, 20);
    cr_assert_eq(stats().frames, 20);
    rig_close(r, false);
    cr_assert_eq(rig_recover(r), RL_JOURNAL_OK);
    cr_assert_eq(r->report.batches, 20);
    cr_assert_eq(r->report.dropped, 0);
}

Test(journal, many_lives_over_many_segments)
{
    for (unsigned life = 1; life <= 5; life++) {
        rig_begin(r);
        cr_assert_eq(r->appended, (life - 1) * 700u);
        rig_append_up_to(r, life * 700u);
        rig_close(r, false);
    }
    rig_begin(r);
    cr_assert_eq(r->folded, 3500);
}

Test(journal, replay_begins_after_what_is_folded)
{
    rig_begin(r);
    rig_append_up_to(r, 400);
    rig_close(r, false);
    r->folded = 250;
    cr_assert_eq(rig_recover(r), RL_JOURNAL_OK);
    cr_assert_eq(r->report.batches, 150);
    rig_close(r, false);
    r->folded = 400;
    cr_assert_eq(rig_recover(r), RL_JOURNAL_OK);
    cr_assert_eq(r->report.batches, 0);
}

static int stop_at_five(void *arg, uint64_t seq, rl_bytes changes) {
    (void)arg;
    (void)changes;
    return seq == 5;
}

Test(journal, replay_stops_when_asked)
{
    rig_begin(r);
    rig_append_up_to(r, 20);
    rig_close(r, false);
    rl_journal_options options = {.dir = r->dir, .segment_bytes = r->segment_bytes};
    cr_assert_eq(rl_journal_open(&options, &r->journal, r->error, sizeof(r->error)), 0);
    rl_journal_recovery report;
    cr_assert_eq(rl_journal_replay(r->journal, 0, stop_at_five, NULL, &report), RL_JOURNAL_STOPPED);
    cr_assert_eq(report.batches, 4);
    cr_assert_eq(report.last_seq, 4);
}

Test(journal, always_syncs_without_being_asked)
{
    r->mode = RL_JOURNAL_ALWAYS;
    rig_begin(r);
    for (uint64_t seq = 1; seq <= 100; seq++) {
        cr_assert_eq(rig_append(r, seq), 0);
        if (seq % 7 == 0)
            cr_assert(rig_await_synced(r, seq));
    }
    cr_assert(rig_await_synced(r, 100));
    cr_assert_eq(rl_journal_synced(r->journal), 100);
    cr_assert_geq(stats().syncs, 15);
    cr_assert_leq(stats().syncs, 100);
}

Test(journal, one_sync_takes_all_that_gathered)
{
    r->mode = RL_JOURNAL_ALWAYS;
    r->batch_bytes = 100;
    rig_begin(r);
    cr_assert_eq(rig_append(r, 1), 0);
    cr_assert(rig_await_synced(r, 1));
    faulty_disk_hold_syncs(true);
    cr_assert_eq(rig_append(r, 2), 0);
    faulty_disk_await_held_sync();
    rig_append_up_to(r, 50);
    cr_assert_eq(rl_journal_synced(r->journal), 1, "nothing is synced while the sync runs");
    uint64_t before = stats().syncs;
    faulty_disk_hold_syncs(false);
    cr_assert(rig_await_synced(r, 50));
    cr_assert_leq(stats().syncs - before, 2);
}

Test(journal, all_segments_written_since_the_last_sync_are_synced)
{
    r->mode = RL_JOURNAL_NO;
    r->batch_bytes = 20000; /* three to a segment */
    rig_begin(r);
    rig_append_up_to(r, 20);
    rl_journal_sync_soon(r->journal);
    cr_assert(rig_await_synced(r, 20));
    rig_append_up_to(r, 21);
    faulty_disk_crash(FAULTY_POWER_NONE, 1);
    rig_close(r, false);
    faulty_disk_restart();
    cr_assert_eq(rig_recover(r), 0);
    cr_assert_eq(r->folded, 20, "what was synced, and that only: got %lu",
                 (unsigned long)r->folded);
}

Test(journal, everysec_syncs_by_itself)
{
    rig_begin(r);
    cr_assert_eq(rig_append(r, 1), 0);
    cr_assert(rig_await_synced(r, 1));
    uint64_t before = stats().syncs;
    rig_append_up_to(r, 30);
    cr_assert(rig_await_synced(r, 30));
    cr_assert_lt(stats().syncs - before, 30);
}

Test(journal, mode_no_syncs_when_asked_and_at_close)
{
    r->mode = RL_JOURNAL_NO;
    r->batch_bytes = 100;
    rig_begin(r);
    rig_append_up_to(r, 100);
    cr_assert_eq(stats().syncs, 0);
    rl_journal_sync_soon(r->journal);
    cr_assert(rig_await_synced(r, 100));
    rig_append_up_to(r, 200);
    cr_assert_eq(rl_journal_synced(r->journal), 100);
    rig_close(r, false);
    faulty_disk_crash(FAULTY_POWER_NONE, 1);
    faulty_disk_restart();
    cr_assert_eq(rig_recover(r), 0);
    cr_assert_eq(r->folded, 200);
}

Test(journal, a_changed_mode_takes_effect_at_once)
{
    r->mode = RL_JOURNAL_NO;
    rig_begin(r);
    rig_append_up_to(r, 10);
    rl_journal_set_mode(r->journal, RL_JOURNAL_ALWAYS);
    cr_assert(rig_await_synced(r, 10));
    rig_append_up_to(r, 20);
    cr_assert(rig_await_synced(r, 20));
    rl_journal_set_mode(r->journal, RL_JOURNAL_EVERYSEC);
    rig_append_up_to(r, 30);
    cr_assert(rig_await_synced(r, 30));
    rl_journal_set_mode(r->journal, RL_JOURNAL_NO);
    rig_append_up_to(r, 40);
    rl_journal_set_mode(r->journal, RL_JOURNAL_EVERYSEC);
    cr_assert(rig_await_synced(r, 40));
}

Test(journal, a_clean_close_leaves_nothing)
{
    rig_begin(r);
    rig_append_up_to(r, 500);
    rig_fold(r, 500);
    rig_close(r, true);
    cr_assert_leq(faulty_disk_count(), 4);
    r->folded = 0; /* another database: nothing may come back */
    cr_assert_eq(rig_recover(r), 0);
    cr_assert_eq(r->report.batches, 0);
    rig_close(r, true);
    r->folded = 500;
    rig_begin(r);
    rig_append_up_to(r, 510);
}

Test(journal, segments_are_used_again)
{
    r->batch_bytes = 1000;
    rig_begin(r);
    for (int i = 0; i < 300; i++) {
        rig_append_up_to(r, r->appended + 50);
        rig_fold(r, r->appended - 3);
    }
    rig_append_up_to(r, r->appended + 1);
    cr_assert_geq(stats().bytes_appended, 200 * r->segment_bytes);
    uint64_t appended = r->appended;
    rig_close(r, false);
    cr_assert_leq(faulty_disk_count(), 20, "%zu files", faulty_disk_count());
    cr_assert_eq(rig_recover(r), 0);
    cr_assert_eq(r->folded, appended);
    cr_assert_eq(r->report.batches, 4);
}

Test(journal, old_frames_in_a_reused_segment_are_not_read)
{
    /* Equal batches make equal frames in equal places: only the salt tells lives apart. */
    r->batch_bytes = 1000;
    rig_begin(r);
    rig_append_up_to(r, 600);
    rig_fold(r, 600);
    rig_append_up_to(r, 620);
    rig_close(r, false);
    r->folded = 600;
    cr_assert_eq(rig_recover(r), 0);
    cr_assert_eq(r->report.batches, 20);
    cr_assert_eq(r->report.dropped, 0);
    rig_close(r, false);
    /* The next life starts over at a lower number, as after going back to a backup. */
    memset(r->life_of, 0, sizeof(r->life_of));
    r->folded = 620;
    cr_assert_eq(rig_recover(r), 0);
    r->folded = r->appended = 100;
    cr_assert_eq(rig_start(r), 0);
    rig_append_up_to(r, 103);
    rig_close(r, false);
    r->folded = 100;
    cr_assert_eq(rig_recover(r), 0);
    cr_assert_eq(r->folded, 103);
    cr_assert_eq(r->report.dropped, 0);
}

static size_t seen_sizes[64];
static size_t seen_count;

static int note_size(void *arg, uint64_t seq, rl_bytes changes) {
    (void)arg;
    size_t offset = 0;
    rl_change change;
    cr_assert_eq(rl_batch_read(changes, &offset, &change), 1);
    cr_assert_eq(offset, changes.len);
    cr_assert_eq(seq, seen_count + 1);
    for (size_t i = 0; i < change.value.len; i++)
        cr_assert_eq(change.value.ptr[i], 'a' + (char)change.id);
    seen_sizes[seen_count++] = change.value.len;
    return 0;
}

Test(journal, a_batch_larger_than_a_segment)
{
    rig_begin(r);
    static const size_t sizes[] = {100, 70000, 100, 300000, 1500000, 100, 65472 - 4096, 61441};
    uint64_t seq = 0;
    rl_batch *batch;
    /* Batches of chosen sizes, so not the rig's contents. */
    rl_batch_builder *b = rl_batch_builder_create();
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            char *value = rl_malloc(sizes[i]);
            memset(value, 'a' + (int)i, sizes[i]);
            rl_batch_value(b, i, RL_NEVER, rl_bytes_of(value, sizes[i]));
            rl_free(value);
            batch = rl_batch_seal(b, ++seq);
            int rc;
            while ((rc = rl_journal_append(r->journal, batch)) == RL_JOURNAL_NOT_READY)
                sem_wait(&r->progress);
            cr_assert_eq(rc, 0);
            rl_batch_free(batch);
        }
    }
    rl_batch_builder_free(b);
    rl_journal_sync_soon(r->journal);
    cr_assert(rig_await_synced(r, seq));
    r->appended = seq;
    rig_close(r, false);

    rl_journal_options options = {.dir = r->dir, .segment_bytes = r->segment_bytes};
    cr_assert_eq(rl_journal_open(&options, &r->journal, r->error, sizeof(r->error)), 0);
    rl_journal_recovery report;
    cr_assert_eq(rl_journal_replay(r->journal, 0, note_size, NULL, &report), 0);
    cr_assert_eq(seen_count, seq);
    for (size_t i = 0; i < seen_count; i++)
        cr_assert_eq(seen_sizes[i], sizes[i % (sizeof(sizes) / sizeof(sizes[0]))]);
}

Test(journal, an_unknown_file_is_left_alone)
{
    faulty_disk_put(RIG_DIR "/notes.txt", "mine", 4);
    faulty_disk_put(RIG_DIR "/1.journal", "mine", 4);
    faulty_disk_put(RIG_DIR "/00000001.journal.bak", "mine", 4);
    rig_begin(r);
    rig_append_up_to(r, 300);
    rig_fold(r, 300);
    rig_close(r, true);
    size_t len;
    cr_assert(faulty_disk_bytes(RIG_DIR "/notes.txt", &len) && len == 4);
    cr_assert(faulty_disk_bytes(RIG_DIR "/1.journal", &len) && len == 4);
    cr_assert(faulty_disk_bytes(RIG_DIR "/00000001.journal.bak", &len) && len == 4);
}

Test(journal, another_segment_size_is_taken_up)
{
    rig_begin(r);
    rig_append_up_to(r, 300);
    rig_close(r, false);
    r->segment_bytes = 128 * 1024;
    rig_begin(r);
    cr_assert_eq(r->folded, 300);
    rig_append_up_to(r, 900);
    rig_fold(r, 900);
    rig_close(r, true);
    for (size_t i = 0; i < faulty_disk_count(); i++) {
        size_t len;
        faulty_disk_bytes(faulty_disk_name(i), &len);
        cr_assert_eq(len, 128 * 1024);
    }
    r->segment_bytes = 64 * 1024;
    rig_begin(r);
    rig_append_up_to(r, 910);
}
