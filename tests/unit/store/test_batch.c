/* SPDX-License-Identifier: MIT */
/* Batches: what is put in comes out, and no bytes can make the reader misbehave. */
#include "store/batch.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/random.h"

static rl_batch_builder *builder;

static void setup(void) {
    builder = rl_batch_builder_create();
}

static void teardown(void) {
    rl_batch_builder_free(builder);
}

TestSuite(batch, .init = setup, .fini = teardown);

static rl_change read_one(const rl_batch *batch, size_t *offset) {
    rl_change change;
    memset(&change, 0xee, sizeof(change));
    cr_assert_eq(rl_batch_read(rl_batch_bytes(batch), offset, &change), 1);
    return change;
}

static void expect_end(const rl_batch *batch, size_t offset) {
    rl_change change;
    cr_assert_eq(rl_batch_read(rl_batch_bytes(batch), &offset, &change), 0);
}

/* Seals what the builder has, which is one change, and reads it back. The batch is kept alive. */
static rl_batch *sealed;
static rl_change round_trip(void) {
    rl_batch_free(sealed);
    sealed = rl_batch_seal(builder, 7);
    size_t offset = 0;
    rl_change change = read_one(sealed, &offset);
    expect_end(sealed, offset);
    return change;
}

#define EXPECT_BYTES(got, literal)                                                                 \
    cr_assert(rl_bytes_equal((got), RL_BYTES(literal)), "got \"%.*s\"", (int)(got).len, (got).ptr)

Test(batch, a_new_builder_is_empty)
{
    cr_assert_eq(rl_batch_builder_bytes(builder), 0);
    rl_batch *batch = rl_batch_seal(builder, 3);
    cr_assert_eq(rl_batch_seq(batch), 3);
    cr_assert_eq(rl_batch_bytes(batch).len, 0);
    expect_end(batch, 0);
    rl_batch_free(batch);
    rl_batch_free(NULL);
    rl_batch_builder_free(NULL);
}

Test(batch, each_kind_comes_back)
{
    rl_batch_key(builder, 42, 15, RL_TYPE_HASH, 1234567890123, RL_BYTES("name"), RL_BYTES("v\0x"));
    rl_change c = round_trip();
    cr_assert(c.kind == RL_CHANGE_KEY && c.id == 42 && c.db == 15 && c.type == RL_TYPE_HASH);
    cr_assert_eq(c.expires_at, 1234567890123);
    EXPECT_BYTES(c.key, "name");
    EXPECT_BYTES(c.value, "v\0x");

    rl_batch_value(builder, 1, RL_NEVER, RL_BYTES("11"));
    c = round_trip();
    cr_assert(c.kind == RL_CHANGE_VALUE && c.id == 1 && c.expires_at == RL_NEVER);
    EXPECT_BYTES(c.value, "11");

    rl_batch_patch(builder, 2, 5, 1000, 996, RL_BYTES("tail"));
    c = round_trip();
    cr_assert(c.kind == RL_CHANGE_PATCH && c.id == 2 && c.expires_at == 5);
    cr_assert(c.total_len == 1000 && c.offset == 996);
    EXPECT_BYTES(c.value, "tail");

    rl_batch_expiry(builder, 3, 99);
    c = round_trip();
    cr_assert(c.kind == RL_CHANGE_EXPIRY && c.id == 3 && c.expires_at == 99);

    rl_batch_name(builder, 4, 9, RL_BYTES("new name"));
    c = round_trip();
    cr_assert(c.kind == RL_CHANGE_NAME && c.id == 4 && c.db == 9);
    EXPECT_BYTES(c.key, "new name");

    rl_batch_delete(builder, 5, RL_TYPE_STREAM);
    c = round_trip();
    cr_assert(c.kind == RL_CHANGE_DELETE && c.id == 5 && c.type == RL_TYPE_STREAM);

    rl_batch_clear(builder, 0);
    c = round_trip();
    cr_assert(c.kind == RL_CHANGE_CLEAR && c.db == 0);
    rl_batch_clear(builder, -1);
    c = round_trip();
    cr_assert(c.kind == RL_CHANGE_CLEAR && c.db == -1);

    rl_batch_swap(builder, 0, 15);
    c = round_trip();
    cr_assert(c.kind == RL_CHANGE_SWAP && c.db == 0 && c.other_db == 15);
    rl_batch_free(sealed);
}

Test(batch, each_kind_of_element_comes_back)
{
    rl_batch_field(builder, 6, 77, RL_BYTES("field"), RL_BYTES("v\0"));
    rl_change c = round_trip();
    cr_assert(c.kind == RL_CHANGE_FIELD && c.id == 6 && c.expires_at == 77);
    EXPECT_BYTES(c.key, "field");
    EXPECT_BYTES(c.value, "v\0");

    rl_batch_member(builder, 7, RL_BYTES(""));
    c = round_trip();
    cr_assert(c.kind == RL_CHANGE_MEMBER && c.id == 7 && c.key.len == 0);

    static const double scores[] = {0, -0.0, 1.5, -INFINITY, INFINITY, 5e-324, 1.7e308, 0.1};
    for (size_t i = 0; i < sizeof scores / sizeof scores[0]; i++) {
        rl_batch_score(builder, 8, scores[i], RL_BYTES("m"));
        c = round_trip();
        cr_assert(c.kind == RL_CHANGE_SCORE && c.id == 8);
        cr_assert_eq(memcmp(&c.score, &scores[i], sizeof c.score), 0);
        EXPECT_BYTES(c.key, "m");
    }

    static const rl_type types[] = {RL_TYPE_HASH, RL_TYPE_SET, RL_TYPE_ZSET};
    for (size_t i = 0; i < 3; i++) {
        rl_batch_gone(builder, 9, types[i], RL_BYTES("x"));
        c = round_trip();
        cr_assert(c.kind == RL_CHANGE_GONE && c.id == 9 && c.type == types[i]);
        EXPECT_BYTES(c.key, "x");
    }

    const int64_t far = (int64_t)1 << 61;
    static const int64_t places[] = {0, -1, 1, 63, -64, 64, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        rl_batch_item(builder, 10, places[i], RL_BYTES("v"));
        c = round_trip();
        cr_assert(c.kind == RL_CHANGE_ITEM && c.id == 10 && c.position == places[i]);
        EXPECT_BYTES(c.value, "v");
    }
    rl_batch_bounds(builder, 11, -far, far - 1);
    c = round_trip();
    cr_assert(c.kind == RL_CHANGE_BOUNDS && c.position == -far && c.last == far - 1);
    rl_batch_shift(builder, 12, -5, 9, -100000);
    c = round_trip();
    cr_assert(c.kind == RL_CHANGE_SHIFT && c.id == 12 && c.position == -5 && c.last == 9);
    cr_assert_eq(c.delta, -100000);
    rl_batch_free(sealed);
}

Test(batch, numbers_at_their_limits)
{
    static const uint64_t ids[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, INT64_MAX};
    static const int64_t times[] = {0, 1, 126, 127, 128, INT64_MAX - 1, INT64_MAX, RL_NEVER};
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        rl_batch_expiry(builder, ids[i], times[i]);
        rl_change c = round_trip();
        cr_assert_eq(c.id, ids[i]);
        cr_assert_eq(c.expires_at, times[i]);
    }
    /* A moment before 1970 is as gone as 1970 itself. */
    rl_batch_expiry(builder, 1, -1);
    cr_assert_eq(round_trip().expires_at, 0);
    rl_batch_expiry(builder, 1, INT64_MIN + 1);
    cr_assert_eq(round_trip().expires_at, 0);
    rl_batch_name(builder, 1, INT32_MAX, RL_BYTES(""));
    cr_assert_eq(round_trip().db, INT32_MAX);
    rl_batch_clear(builder, INT32_MAX);
    cr_assert_eq(round_trip().db, INT32_MAX);
    rl_batch_patch(builder, 1, 1, UINT64_MAX, UINT64_MAX, RL_BYTES(""));
    cr_assert_eq(round_trip().offset, UINT64_MAX);
    rl_batch_free(sealed);
}

Test(batch, the_encoding_is_the_documented_one)
{
    rl_batch_key(builder, 300, 2, RL_TYPE_STRING, 127, RL_BYTES("k"), RL_BYTES("value"));
    rl_batch_clear(builder, -1);
    rl_batch_swap(builder, 0, 1);
    rl_batch *batch = rl_batch_seal(builder, 1);
    EXPECT_BYTES(rl_batch_bytes(batch), "\x01\xac\x02\x02\x01\x80\x01\x01k\x05value"
                                        "\x07\0"
                                        "\x08\0\x01");
    rl_batch_free(batch);
    rl_batch_field(builder, 1, RL_NEVER, RL_BYTES("f"), RL_BYTES("v"));
    rl_batch_member(builder, 1, RL_BYTES("m"));
    rl_batch_score(builder, 1, 1.5, RL_BYTES("m"));
    rl_batch_gone(builder, 1, RL_TYPE_ZSET, RL_BYTES("m"));
    rl_batch_item(builder, 1, -2, RL_BYTES("i"));
    rl_batch_bounds(builder, 1, -64, 64);
    rl_batch_shift(builder, 1, 0, 2, -1);
    batch = rl_batch_seal(builder, 1);
    EXPECT_BYTES(rl_batch_bytes(batch), "\x09\x01\0\x01"
                                        "f\x01v"
                                        "\x0a\x01\x01m"
                                        "\x0b\x01\0\0\0\0\0\0\xf8\x3f\x01m"
                                        "\x0c\x01\x04\x01m"
                                        "\x0d\x01\x03\x01i"
                                        "\x0e\x01\x7f\x80\x01"
                                        "\x0f\x01\0\x04\x01");
    rl_batch_free(batch);
}

Test(batch, many_changes_in_order_over_many_batches)
{
    /* Small batches are copied, large ones are handed over with the builder's buffer: both sides of
     * that border, one after the other. */
    static const size_t counts[] = {1, 500, 3000, 2, 20000, 1};
    rl_batch *batches[6];
    char value[40];
    for (size_t b = 0; b < 6; b++) {
        for (size_t i = 0; i < counts[b]; i++) {
            int len = snprintf(value, sizeof(value), "value %zu of batch %zu", i, b);
            rl_batch_value(builder, i, RL_NEVER, rl_bytes_of(value, (size_t)len));
        }
        cr_assert_gt(rl_batch_builder_bytes(builder), 0);
        batches[b] = rl_batch_seal(builder, b);
        cr_assert_eq(rl_batch_builder_bytes(builder), 0);
    }
    for (size_t b = 0; b < 6; b++) {
        size_t offset = 0;
        for (size_t i = 0; i < counts[b]; i++) {
            rl_change c = read_one(batches[b], &offset);
            int len = snprintf(value, sizeof(value), "value %zu of batch %zu", i, b);
            cr_assert_eq(c.id, i);
            cr_assert(rl_bytes_equal(c.value, rl_bytes_of(value, (size_t)len)));
        }
        expect_end(batches[b], offset);
        rl_batch_free(batches[b]);
    }
}

Test(batch, room_around_the_changes_may_be_written)
{
    static const size_t sizes[] = {0, 1, 60, 100, 64 * 1024, 1024 * 1024};
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        char *value = rl_calloc(1, sizes[i] + 1);
        memset(value, 'v', sizes[i]);
        rl_batch_value(builder, 1, RL_NEVER, rl_bytes_of(value, sizes[i]));
        rl_batch *batch = rl_batch_seal(builder, 1);
        rl_bytes bytes = rl_batch_bytes(batch);
        cr_assert_eq(rl_batch_frame(batch) + RL_BATCH_HEADROOM, bytes.ptr);
        memset(rl_batch_frame(batch), 0xff, RL_BATCH_HEADROOM);
        memset((char *)bytes.ptr + bytes.len, 0xff, RL_BATCH_TAILROOM);
        size_t offset = 0;
        rl_change c = read_one(batch, &offset);
        cr_assert(rl_bytes_equal(c.value, rl_bytes_of(value, sizes[i])));
        expect_end(batch, offset);
        size_t whole = bytes.len + RL_BATCH_HEADROOM + RL_BATCH_TAILROOM;
        cr_assert_geq(rl_batch_footprint(batch), whole);
        cr_assert_leq(rl_batch_footprint(batch), whole + whole / 4 + 128);
        rl_batch_free(batch);
        rl_free(value);
    }
}

Test(batch, a_copy_from_bytes_is_the_same)
{
    rl_batch_value(builder, 1, RL_NEVER, RL_BYTES("abc"));
    rl_batch *batch = rl_batch_seal(builder, 5);
    rl_batch *copy = rl_batch_from_bytes(5, rl_batch_bytes(batch));
    cr_assert(rl_bytes_equal(rl_batch_bytes(batch), rl_batch_bytes(copy)));
    cr_assert_neq(rl_batch_bytes(batch).ptr, rl_batch_bytes(copy).ptr);
    cr_assert_eq(rl_batch_seq(copy), 5);
    cr_assert_null(rl_batch_next_load(copy));
    rl_batch_next_store(copy, batch);
    cr_assert_eq(rl_batch_next_load(copy), batch);
    rl_batch_free(batch);
    rl_batch_free(copy);
    copy = rl_batch_from_bytes(6, rl_bytes_of(NULL, 0));
    cr_assert_eq(rl_batch_bytes(copy).len, 0);
    rl_batch_free(copy);
}

/* Bytes that end with the memory behind them, so that a sanitizer sees a read too far. */
static int read_exact(const void *bytes, size_t len, size_t *stopped_at) {
    char *copy = malloc(len ? len : 1);
    if (len)
        memcpy(copy, bytes, len);
    rl_change change;
    size_t offset = 0;
    int rc;
    do {
        *stopped_at = offset;
        rc = rl_batch_read(rl_bytes_of(copy, len), &offset, &change);
        cr_assert_leq(offset, len);
        if (rc == 1)
            cr_assert_gt(offset, *stopped_at);
        else
            cr_assert_eq(offset, *stopped_at);
    } while (rc == 1);
    free(copy);
    return rc;
}

Test(batch, every_cut_is_seen)
{
    for (int kind = 0; kind < 4; kind++) {
        if (kind == 0)
            rl_batch_key(builder, 300, 2, RL_TYPE_STRING, 127, RL_BYTES("key"), RL_BYTES("value"));
        else if (kind == 1)
            rl_batch_field(builder, 300, 127, RL_BYTES("field"), RL_BYTES("value"));
        else if (kind == 2)
            rl_batch_score(builder, 300, 0.1, RL_BYTES("member"));
        else
            rl_batch_shift(builder, 300, -1000, 1000000, 77777);
        rl_batch *batch = rl_batch_seal(builder, 1);
        rl_bytes bytes = rl_batch_bytes(batch);
        size_t at;
        cr_assert_eq(read_exact(bytes.ptr, bytes.len, &at), 0);
        for (size_t len = 1; len < bytes.len; len++)
            cr_assert_eq(read_exact(bytes.ptr, len, &at), -1, "cut at %zu", len);
        rl_batch_free(batch);
    }
}

#define EXPECT_DAMAGED(literal)                                                                    \
    do {                                                                                           \
        size_t at_;                                                                                \
        cr_assert_eq(read_exact((literal), sizeof(literal) - 1, &at_), -1, "%s", #literal);        \
        cr_assert_eq(at_, 0);                                                                      \
    } while (0)

Test(batch, values_out_of_range_are_damage)
{
    EXPECT_DAMAGED("\x00");                                             /* no such kind */
    EXPECT_DAMAGED("\x10\x01\x01");                                     /* no such kind */
    EXPECT_DAMAGED("\xff");                                             /* no such kind */
    EXPECT_DAMAGED("\x06\x01\x00");                                     /* type 0 */
    EXPECT_DAMAGED("\x06\x01\x07");                                     /* type 7 */
    EXPECT_DAMAGED("\x04\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01\x00"); /* id 2^63 */
    EXPECT_DAMAGED("\x04\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\x00"); /* id of 65 bits */
    EXPECT_DAMAGED("\x04\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00"); /* a number without end */
    EXPECT_DAMAGED(
        "\x04\x01\x81\x80\x80\x80\x80\x80\x80\x80\x80\x01"); /* expiry beyond its range */
    EXPECT_DAMAGED("\x08\x80\x80\x80\x80\x08\x00");          /* database 2^31 */
    EXPECT_DAMAGED("\x07\x81\x80\x80\x80\x08");              /* database 2^31 */
    EXPECT_DAMAGED("\x02\x01\x00\x05xxxx");                  /* 5 bytes, 4 there */
    EXPECT_DAMAGED("\x02\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01x"); /* 2^64 - 1 bytes */
    EXPECT_DAMAGED("\x03\x01\x00\x04\x01\x04xxxx");      /* a patch beyond the value's end */
    EXPECT_DAMAGED("\x03\x01\x00\x04\x05\x00");          /* an offset beyond it */
    EXPECT_DAMAGED("\x0b\x01\0\0\0\0\0\0\xf8\x7f\x01m"); /* a score that is no number */
    EXPECT_DAMAGED("\x0b\x01\0\0\0\0\0\0\xf8");          /* seven bytes of a score */
    EXPECT_DAMAGED("\x0c\x01\x02\x01m");                 /* a list's element has no name */
    EXPECT_DAMAGED("\x0c\x01\x01\x01m");                 /* nor has a string's */
    EXPECT_DAMAGED("\x0d\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x01v"); /* far off */
    EXPECT_DAMAGED("\x0e\x01\x00\x82\x80\x80\x80\x80\x80\x80\x80\x80\x01");
}

Test(batch, damage_behind_good_changes_is_found_where_it_is)
{
    rl_batch_expiry(builder, 1, 2);
    rl_batch *batch = rl_batch_seal(builder, 1);
    size_t good = rl_batch_bytes(batch).len;
    char bytes[64];
    memcpy(bytes, rl_batch_bytes(batch).ptr, good);
    bytes[good] = 0x55;
    size_t at;
    cr_assert_eq(read_exact(bytes, good + 1, &at), -1);
    cr_assert_eq(at, good);
    rl_batch_free(batch);
}

Test(batch, random_bytes_never_lead_out_of_bounds)
{
    rl_random random;
    rl_random_seed(&random, 20261121);
    for (int round = 0; round < 20000; round++) {
        unsigned char bytes[80];
        size_t len = (size_t)rl_random_below(&random, sizeof(bytes) + 1);
        for (size_t i = 0; i < len; i++)
            bytes[i] = (unsigned char)rl_random_below(&random, i % 3 ? 16 : 256);
        size_t at;
        int rc = read_exact(bytes, len, &at);
        cr_assert(rc == 0 || rc == -1);
    }
}
