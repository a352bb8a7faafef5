/* SPDX-License-Identifier: MIT */
/* The journal's bytes: names, headers, frames. */
#include "store/journal_format.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <xxhash.h>

#include "base/alloc.h"
#include "store/batch.h"

#define SALT UINT64_C(0x0123456789abcdef)

TestSuite(journal_format);

Test(journal_format, names_there_and_back)
{
    static const struct {
        uint64_t number;
        const char *name;
    } cases[] = {
        {0, "00000000.journal"},
        {1, "00000001.journal"},
        {99999999, "99999999.journal"},
        {100000000, "100000000.journal"},
        {UINT64_C(9999999999999999999), "9999999999999999999.journal"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char name[RL_SEGMENT_NAME_MAX];
        rl_segment_name(name, cases[i].number);
        cr_assert_str_eq(name, cases[i].name);
        uint64_t number = 7;
        cr_assert(rl_segment_name_read(cases[i].name, &number));
        cr_assert_eq(number, cases[i].number);
    }
}

Test(journal_format, other_names_are_not_ours)
{
    static const char *const names[] = {
        "",
        ".journal",
        "1.journal",
        "000000001.journal",
        "00000001",
        "00000001.journal~",
        "00000001.Journal",
        "0000000a.journal",
        "-0000001.journal",
        "+0000001.journal",
        " 0000001.journal",
        "99999999999999999999.journal",
        "00000001.journal.journal",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        uint64_t number = 7;
        cr_assert_not(rl_segment_name_read(names[i], &number), "%s", names[i]);
        cr_assert_eq(number, 7);
    }
}

Test(journal_format, segment_header)
{
    char block[RL_SEGMENT_HEADER_BYTES];
    rl_segment_header header = {.number = 12,
                                .salt = SALT,
                                .size = 65536,
                                .made_ms = 99,
                                .owner = 7,
                                .sealed_number = 11,
                                .sealed_seq = 500,
                                .chain_from = 3,
                                .chain_to = 501};
    rl_segment_header read;
    memset(block, 0xff, sizeof(block));
    rl_segment_header_write(block, &header);
    cr_assert_eq(rl_segment_header_read(block, &read), RL_HEADER_GOOD);
    cr_assert_eq(memcmp(&header, &read, sizeof(header)), 0);
    for (size_t i = 104; i < sizeof(block); i++)
        cr_assert_eq(block[i], 0);

    /* Each bit of what has a meaning matters. */
    for (size_t bit = 0; bit < 64 * 8; bit++) {
        block[bit / 8] ^= (char)(1 << bit % 8);
        cr_assert_eq(rl_segment_header_read(block, &read), RL_HEADER_BAD, "bit %zu", bit);
        block[bit / 8] ^= (char)(1 << bit % 8);
    }
    /* What it says of earlier segments is left out when it does not check. */
    rl_segment_header bare = {.number = 12, .salt = SALT, .size = 65536, .made_ms = 99, .owner = 7};
    for (size_t bit = 64 * 8; bit < 104 * 8; bit++) {
        block[bit / 8] ^= (char)(1 << bit % 8);
        cr_assert_eq(rl_segment_header_read(block, &read), RL_HEADER_GOOD, "bit %zu", bit);
        cr_assert_eq(memcmp(&bare, &read, sizeof(read)), 0, "bit %zu", bit);
        block[bit / 8] ^= (char)(1 << bit % 8);
    }
    memset(block + 64, 0, sizeof(block) - 64); /* as the first servers wrote it */
    cr_assert_eq(rl_segment_header_read(block, &read), RL_HEADER_GOOD);
    cr_assert_eq(memcmp(&bare, &read, sizeof(read)), 0);
    memset(block, 0, sizeof(block));
    cr_assert_eq(rl_segment_header_read(block, &read), RL_HEADER_BLANK);
}

/* A frame in place, in a buffer that ends with it. */
typedef struct framed {
    char *bytes;
    size_t size;
} framed;

static framed frame_of(const char *changes, size_t len, uint64_t seq, uint64_t synced) {
    framed f = {.bytes = malloc(RL_FRAME_HEADER_BYTES + len + RL_FRAME_ALIGN)};
    memset(f.bytes, 0xee, RL_FRAME_HEADER_BYTES + len + RL_FRAME_ALIGN);
    memcpy(f.bytes + RL_FRAME_HEADER_BYTES, changes, len);
    f.size = rl_frame_write(f.bytes, len, SALT, seq, synced);
    f.bytes = realloc(f.bytes, f.size);
    return f;
}

static rl_bytes framed_bytes(framed f) {
    return rl_bytes_of(f.bytes, f.size);
}

Test(journal_format, frames_of_every_length)
{
    char changes[300];
    memset(changes, 'c', sizeof(changes));
    for (size_t len = 0; len <= sizeof(changes); len++) {
        framed f = frame_of(changes, len, 10, 9);
        cr_assert_eq(f.size % RL_FRAME_ALIGN, 0);
        cr_assert_eq(f.size, rl_frame_size(len));
        cr_assert_lt(f.size - RL_FRAME_HEADER_BYTES - len, RL_FRAME_ALIGN);
        rl_frame frame;
        cr_assert_eq(rl_frame_read(framed_bytes(f), 0, SALT, &frame), RL_FRAME_GOOD);
        cr_assert(frame.seq == 10 && frame.synced_seq == 9 && frame.offset == 0);
        cr_assert_eq(frame.size, f.size);
        cr_assert(rl_bytes_equal(frame.changes, rl_bytes_of(changes, len)));
        for (size_t i = RL_FRAME_HEADER_BYTES + len; i < f.size; i++)
            cr_assert_eq(f.bytes[i], 0, "padding is zero");
        free(f.bytes);
    }
}

Test(journal_format, another_salt_another_life)
{
    framed f = frame_of("abc", 3, 1, 0);
    rl_frame frame;
    cr_assert_eq(rl_frame_read(framed_bytes(f), 0, SALT + 1, &frame), RL_FRAME_NONE);
    free(f.bytes);
}

Test(journal_format, every_changed_bit_is_seen)
{
    char changes[70];
    memset(changes, 'x', sizeof(changes));
    framed f = frame_of(changes, sizeof(changes), 5, 4);
    for (size_t bit = 0; bit < (RL_FRAME_HEADER_BYTES + sizeof(changes)) * 8; bit++) {
        f.bytes[bit / 8] ^= (char)(1 << bit % 8);
        rl_frame frame;
        rl_frame_state state = rl_frame_read(framed_bytes(f), 0, SALT, &frame);
        cr_assert_eq(state, bit < RL_FRAME_HEADER_BYTES * 8 ? RL_FRAME_NONE : RL_FRAME_TORN,
                     "bit %zu", bit);
        f.bytes[bit / 8] ^= (char)(1 << bit % 8);
    }
    free(f.bytes);
}

Test(journal_format, every_cut_is_seen)
{
    char changes[70];
    memset(changes, 'x', sizeof(changes));
    framed f = frame_of(changes, sizeof(changes), 5, 4);
    for (size_t len = 0; len < f.size; len++) {
        char *cut = malloc(len ? len : 1);
        memcpy(cut, f.bytes, len);
        rl_frame frame;
        rl_frame_state state = rl_frame_read(rl_bytes_of(cut, len), 0, SALT, &frame);
        cr_assert_eq(state, len < RL_FRAME_HEADER_BYTES ? RL_FRAME_NONE : RL_FRAME_TORN);
        free(cut);
    }
    rl_frame frame;
    cr_assert_eq(rl_frame_read(framed_bytes(f), f.size, SALT, &frame), RL_FRAME_NONE);
    cr_assert_eq(rl_frame_read(framed_bytes(f), SIZE_MAX, SALT, &frame), RL_FRAME_NONE);
    free(f.bytes);
}

Test(journal_format, the_walk_steps_over_what_is_bad)
{
    char segment[64 * 64] = {0};
    size_t at = 640;
    for (uint64_t seq = 1; seq <= 5; seq++) {
        framed f = frame_of("some changes of about seventy bytes, so that a frame has two blocks",
                            67, seq, seq - 1);
        memcpy(segment + at, f.bytes, f.size);
        at += f.size + (seq == 2 ? 192 : 0);
        free(f.bytes);
    }
    segment[640 + 3 * 192 + 192 + 80] ^= 1; /* the changes of batch 4 */
    rl_frame_walk walk = {.segment = rl_bytes_of(segment, sizeof(segment)), .salt = SALT};
    static const uint64_t wanted[] = {1, 2, 3, 5};
    rl_frame frame;
    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(rl_frame_walk_next(&walk, &frame), RL_FRAME_GOOD);
        cr_assert_eq(frame.seq, wanted[i]);
    }
    cr_assert_eq(rl_frame_walk_next(&walk, &frame), RL_FRAME_NONE);
    cr_assert_eq(walk.claimed_seq, 4);
    cr_assert_eq(walk.torn, 1);
}

Test(journal_format, a_frame_inside_a_value_is_not_a_frame)
{
    /* A client stored the bytes of a frame of another segment, and its own frame was torn. */
    framed inner = frame_of("inner", 5, 99, 98);
    char bytes[RL_FRAME_HEADER_BYTES + 256 + RL_FRAME_ALIGN] = {0};
    memcpy(bytes + RL_FRAME_HEADER_BYTES, inner.bytes, inner.size);
    size_t size = rl_frame_write(bytes, 256, SALT + 1, 1, 0);
    bytes[RL_FRAME_HEADER_BYTES + 200] ^= 1;
    rl_frame_walk walk = {.segment = rl_bytes_of(bytes, size), .salt = SALT + 1};
    rl_frame frame;
    cr_assert_eq(rl_frame_walk_next(&walk, &frame), RL_FRAME_NONE);
    cr_assert_eq(walk.claimed_seq, 0);
    free(inner.bytes);
}

/* The version of a frame's batch, and the checksum that goes with it. */
static void set_batch_version(char *frame, unsigned version, uint64_t salt) {
    frame[4] = (char)version;
    frame[5] = (char)(version >> 8);
    uint64_t sum = XXH3_64bits_withSeed(frame, 56, salt);
    for (int i = 0; i < 8; i++)
        frame[56 + i] = (char)(sum >> (8 * i));
}

Test(journal_format, older_batches_are_read_and_newer_ones_are_not)
{
    char frame[256] = {0};
    memcpy(frame + RL_FRAME_HEADER_BYTES, "changes", 7);
    size_t size = rl_frame_write(frame, 7, 99, 5, 4);
    rl_frame out;
    for (unsigned version = 1; version <= RL_BATCH_VERSION; version++) {
        set_batch_version(frame, version, 99);
        cr_assert_eq(rl_frame_read(rl_bytes_of(frame, size), 0, 99, &out), RL_FRAME_GOOD);
        cr_assert(rl_bytes_equal(out.changes, RL_BYTES("changes")));
    }
    set_batch_version(frame, RL_BATCH_VERSION + 1, 99);
    cr_assert_eq(rl_frame_read(rl_bytes_of(frame, size), 0, 99, &out), RL_FRAME_NEWER);
}
