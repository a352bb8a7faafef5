/* SPDX-License-Identifier: MIT */
/*
 * Recovery: what is torn or was never synced is dropped, what was promised and is missing is
 * damage. The journal is written once; then its files are changed by hand.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "lib/faulty_files.h"
#include "lib/journal_rig.h"
#include "store/journal_format.h"

static rig *r;

static void setup(void) {
    faulty_files_start();
    r = rig_create();
}

static void teardown(void) {
    rig_free(r);
    faulty_files_stop();
}

TestSuite(journal_recover, .init = setup, .fini = teardown);

/* Where a batch's frame is. */
typedef struct place {
    const char *path;
    unsigned char *bytes; /* of the file */
    size_t offset;
    size_t size;
} place;

static place find_frame(uint64_t seq) {
    for (size_t i = 0; i < faulty_disk_count(); i++) {
        size_t len;
        place p = {.path = faulty_disk_name(i)};
        p.bytes = faulty_disk_bytes(p.path, &len);
        rl_segment_header header;
        if (rl_segment_header_read((char *)p.bytes, &header) != RL_HEADER_GOOD)
            continue;
        rl_frame_walk walk = {
            .segment = rl_bytes_of((char *)p.bytes, len),
            .salt = header.salt,
            .offset = RL_SEGMENT_HEADER_BYTES,
        };
        rl_frame frame;
        while (rl_frame_walk_next(&walk, &frame) == RL_FRAME_GOOD) {
            if (frame.seq != seq)
                continue;
            p.offset = frame.offset;
            p.size = frame.size;
            return p;
        }
    }
    cr_assert_fail("batch %lu is in no segment", (unsigned long)seq);
    return (place){0};
}

static void flip(uint64_t seq, size_t byte) {
    place p = find_frame(seq);
    p.bytes[p.offset + byte] ^= 0x40;
    faulty_disk_changed(p.path);
}

/* Batches 1 to `last`, of which `synced` were synced before the rest was appended, then the end of
 * the process. */
static void write_journal(uint64_t synced, uint64_t last) {
    r->mode = RL_JOURNAL_NO;
    rig_begin(r);
    if (synced) {
        rig_append_up_to(r, synced);
        rl_journal_sync_soon(r->journal);
        cr_assert(rig_await_synced(r, synced));
    }
    rig_append_up_to(r, last);
    faulty_disk_crash(FAULTY_KILLED, 1);
    rig_close(r, false);
    faulty_disk_restart();
    r->folded = 0;
}

Test(journal_recover, the_last_frame_torn_at_every_byte)
{
    r->batch_bytes = 200;
    write_journal(0, 3);
    place p = find_frame(3);
    unsigned char *whole = rl_malloc(p.size);
    memcpy(whole, p.bytes + p.offset, p.size);
    /* Kind, id, expiry, length, value; the rest is padding. */
    size_t meaning = RL_FRAME_HEADER_BYTES + 1 + 1 + 1 + 2 + 200;
    cr_assert_lt(meaning, p.size);
    /* What is behind the tear is what the file held before: zeros, or something older. */
    static const unsigned char older[] = {0, 0xaa};
    for (size_t o = 0; o < 2; o++) {
        for (size_t kept = 0; kept < p.size; kept++) {
            memcpy(p.bytes + p.offset, whole, kept);
            memset(p.bytes + p.offset + kept, older[o], p.size - kept);
            faulty_disk_changed(p.path);
            r->folded = 0;
            cr_assert_eq(rig_recover(r), RL_JOURNAL_OK);
            bool complete = memcmp(p.bytes + p.offset, whole, meaning) == 0;
            cr_assert_eq(r->report.batches, complete ? 3 : 2, "%zu bytes kept", kept);
            cr_assert_eq(r->report.dropped, 0);
            rig_close(r, false);
        }
    }
    rl_free(whole);
}

Test(journal_recover, a_torn_tail_is_dropped_and_the_next_life_goes_on)
{
    write_journal(0, 50);
    flip(50, 70);
    cr_assert_eq(rig_recover(r), RL_JOURNAL_OK);
    cr_assert_eq(r->folded, 49);
    cr_assert_eq(r->report.dropped, 0);
    cr_assert_eq(rig_start(r), 0);
    rig_append_up_to(r, 60);
    rig_close(r, false);
    r->folded = 49;
    rig_begin(r);
    cr_assert_eq(r->folded, 60);
}

Test(journal_recover, unsynced_frames_beyond_a_gap_are_dropped)
{
    write_journal(20, 50);
    flip(40, 3);
    cr_assert_eq(rig_recover(r), RL_JOURNAL_OK);
    cr_assert_eq(r->folded, 39);
    cr_assert_eq(r->report.dropped, 10);
    cr_assert(strstr(r->report.detail, "10 batches") && strstr(r->report.detail, "40"), "%s",
              r->report.detail);
}

Test(journal_recover, dropped_frames_never_come_back)
{
    write_journal(0, 50);
    flip(40, 3);
    cr_assert_eq(rig_recover(r), RL_JOURNAL_OK);
    cr_assert_eq(r->folded, 39);
    cr_assert_eq(rig_start(r), 0);
    /* Number 40 is used again, and what followed it once must not follow now. */
    rig_append_up_to(r, 40);
    faulty_disk_crash(FAULTY_KILLED, 1);
    rig_close(r, false);
    faulty_disk_restart();
    r->folded = 39;
    cr_assert_eq(rig_recover(r), RL_JOURNAL_OK);
    cr_assert_eq(r->folded, 40);
    cr_assert_eq(r->report.dropped, 0);
}

Test(journal_recover, a_synced_frame_that_is_bad_is_damage)
{
    for (size_t byte = 0; byte < 70; byte += 23) {
        write_journal(20, 50);
        flip(13, byte);
        cr_assert_eq(rig_recover(r), RL_JOURNAL_DAMAGED);
        cr_assert_eq(r->folded, 12);
        cr_assert(r->report.damaged);
        cr_assert_eq(r->report.dropped, 0);
        cr_assert(strstr(r->report.detail, "13") && strstr(r->report.detail, "20"), "%s",
                  r->report.detail);
        teardown();
        setup();
    }
}

Test(journal_recover, damage_below_what_is_folded_does_not_matter)
{
    write_journal(20, 50);
    flip(13, 0);
    r->folded = 13;
    cr_assert_eq(rig_recover(r), RL_JOURNAL_OK);
    cr_assert_eq(r->folded, 50);
}

Test(journal_recover, the_last_synced_frame_needs_no_good_one_behind_it)
{
    /* 21 is torn, yet its header checks and says that 20 was synced. */
    write_journal(20, 21);
    flip(20, 70);
    flip(21, 70);
    cr_assert_eq(rig_recover(r), RL_JOURNAL_DAMAGED);
    cr_assert_eq(r->folded, 19);
}

static const char *path_of(uint64_t seq) {
    return find_frame(seq).path;
}

Test(journal_recover, a_missing_segment_is_damage_when_it_was_synced)
{
    r->batch_bytes = 5000;
    write_journal(50, 60);
    char *path = rl_strdup(path_of(20));
    cr_assert_str_neq(path, path_of(60));
    faulty_disk_remove(path);
    rl_free(path);
    cr_assert_eq(rig_recover(r), RL_JOURNAL_DAMAGED);
    cr_assert_lt(r->folded, 20);
}

Test(journal_recover, a_missing_segment_ends_the_chain_when_it_was_not)
{
    r->batch_bytes = 5000;
    write_journal(0, 60);
    char *path = rl_strdup(path_of(20));
    faulty_disk_remove(path);
    rl_free(path);
    cr_assert_eq(rig_recover(r), RL_JOURNAL_OK);
    cr_assert_lt(r->folded, 20);
    cr_assert_gt(r->report.dropped, 20);
}

Test(journal_recover, an_older_database_is_noticed)
{
    /* The journal begins at 31; who comes with 20 misses what was folded and recycled meanwhile. */
    r->batch_bytes = 2000;
    rig_begin(r);
    rig_append_up_to(r, 100);
    rig_fold(r, 90);
    rig_append_up_to(r, 120);
    rig_close(r, false);
    rig_begin(r); /* starts: only what comes after 120 is left */
    rig_append_up_to(r, 130);
    rig_close(r, false);
    r->folded = 60;
    cr_assert_eq(rig_recover(r), RL_JOURNAL_DAMAGED);
    cr_assert_eq(r->folded, 60, "nothing is handed over");
}

Test(journal_recover, a_segment_cut_short)
{
    r->batch_bytes = 1000;
    write_journal(0, 30);
    place p = find_frame(20);
    faulty_disk_truncate(p.path, p.offset + 100);
    cr_assert_eq(rig_recover(r), RL_JOURNAL_OK);
    cr_assert_eq(r->folded, 19);
    cr_assert_eq(rig_start(r), 0);
    rig_append_up_to(r, 40);
}

Test(journal_recover, headers_that_do_not_check_mean_empty_files)
{
    write_journal(0, 10);
    char garbage[RL_SEGMENT_HEADER_BYTES];
    memset(garbage, 0x5a, sizeof(garbage));
    faulty_disk_put(RIG_DIR "/00000100.journal", garbage, sizeof(garbage));
    faulty_disk_put(RIG_DIR "/00000101.journal", garbage, 10);
    faulty_disk_put(RIG_DIR "/00000102.journal", "", 0);
    cr_assert_eq(rig_recover(r), RL_JOURNAL_OK);
    cr_assert_eq(r->folded, 10);
    cr_assert_eq(rig_start(r), 0);
    rig_append_up_to(r, 20);
    rig_close(r, false);
    size_t len;
    cr_assert_null(faulty_disk_bytes(RIG_DIR "/00000101.journal", &len), "it is cleared away");
    cr_assert(faulty_disk_bytes(RIG_DIR "/00000103.journal", &len), "numbers only grow");
}

Test(journal_recover, a_file_under_another_number_holds_nothing)
{
    /* As after a crash between renaming a spare segment and writing its new header. */
    write_journal(0, 10);
    size_t len;
    place p = find_frame(1);
    unsigned char *bytes = faulty_disk_bytes(p.path, &len);
    unsigned char *copy = rl_malloc(len);
    memcpy(copy, bytes, len);
    faulty_disk_put(RIG_DIR "/00000500.journal", copy, len);
    rl_free(copy);
    char *path = rl_strdup(path_of(1));
    faulty_disk_remove(path);
    rl_free(path);
    cr_assert_eq(rig_recover(r), RL_JOURNAL_OK);
    cr_assert_eq(r->folded, 0);
}

Test(journal_recover, a_newer_version_is_refused)
{
    write_journal(0, 10);
    place p = find_frame(1);
    rl_segment_header header;
    char block[RL_SEGMENT_HEADER_BYTES];
    memcpy(block, p.bytes, sizeof(block));
    cr_assert_eq(rl_segment_header_read(block, &header), RL_HEADER_GOOD);
    block[8]++; /* and the checksum that goes with it */
    char as_newer[RL_SEGMENT_HEADER_BYTES];
    memcpy(as_newer, block, sizeof(block));
    uint64_t checksum = XXH3_64bits(as_newer, 56);
    memcpy(as_newer + 56, &checksum, sizeof(checksum));
    memcpy(p.bytes, as_newer, sizeof(as_newer));
    faulty_disk_changed(p.path);
    r->journal = NULL;
    cr_assert_eq(rig_recover(r), RL_JOURNAL_VERSION);
    cr_assert(strstr(r->error, "newer") && strstr(r->error, p.path), "%s", r->error);
    cr_assert_null(r->journal, "*out is untouched");
}

Test(journal_recover, the_journal_of_another_database_is_refused)
{
    r->owner = 1111;
    write_journal(0, 10);
    r->owner = 2222;
    cr_assert_eq(rig_recover(r), RL_JOURNAL_FOREIGN);
    cr_assert_eq(r->folded, 0, "nothing is handed over");
    cr_assert(strstr(r->report.detail, RIG_DIR "/00000001.journal") &&
                  strstr(r->report.detail, "another database"),
              "%s", r->report.detail);
    rig_close(r, false);
    r->owner = 1111;
    cr_assert_eq(rig_recover(r), RL_JOURNAL_OK);
    cr_assert_eq(r->folded, 10);
    cr_assert_eq(rig_start(r), 0);
    rig_close(r, true);
    /* Empty, it may be anybody's. */
    r->owner = 2222;
    r->folded = 0;
    rig_begin(r);
    rig_append_up_to(r, 5);
    rig_close(r, false);
    r->owner = 0; /* not asked for */
    r->folded = 0;
    cr_assert_eq(rig_recover(r), RL_JOURNAL_OK);
    cr_assert_eq(r->folded, 5);
}

Test(journal_recover, an_unused_segment_of_another_database_does_no_harm)
{
    r->owner = 1111;
    rig_begin(r);
    rig_await_segments(r, 2);
    rig_close(r, false);
    r->owner = 2222;
    rig_begin(r);
    rig_append_up_to(r, 5);
}

Test(journal_recover, errors_of_open_name_the_file)
{
    write_journal(0, 10);
    faulty_files_fail_only("list", 1, EACCES, false);
    cr_assert_eq(rig_recover(r), RL_JOURNAL_BROKEN);
    cr_assert_str_eq(r->error, "Permission denied while listing the directory " RIG_DIR);
    faulty_files_fail_only("open", 1, EACCES, false);
    cr_assert_eq(rig_recover(r), RL_JOURNAL_BROKEN);
    cr_assert_str_eq(r->error, "Permission denied while opening " RIG_DIR "/00000001.journal");
    faulty_files_fail_only("read", 1, EIO, false);
    cr_assert_eq(rig_recover(r), RL_JOURNAL_BROKEN);
    cr_assert_str_eq(r->error, "Input/output error while reading " RIG_DIR "/00000001.journal");
    cr_assert_eq(rig_recover(r), RL_JOURNAL_OK);
}

Test(journal_recover, a_read_error_in_replay_is_an_error_and_not_an_end)
{
    write_journal(0, 300);
    int failures = 0;
    for (uint64_t nth = 1;; nth++) {
        r->folded = 0;
        faulty_files_fail_only("read", nth, EIO, false);
        int rc = rig_recover(r);
        bool failed = faulty_files_failed();
        if (r->journal)
            rig_close(r, false);
        faulty_files_heal();
        if (!failed)
            break;
        failures++;
        cr_assert_eq(rc, RL_JOURNAL_BROKEN, "read %lu", (unsigned long)nth);
    }
    cr_assert_gt(failures, 300);
    cr_assert_eq(r->folded, 300);
}
