/* SPDX-License-Identifier: MIT */
/* Items and packed blocks: everything written is read back, in both directions. */
#include "types/packed.h"

#include <criterion/criterion.h>
#include <math.h>

#include "base/alloc.h"
#include "base/random.h"
#include "unit/types/names.h"

static types_packed *packed;

static void setup(void) {
    packed = types_packed_create(1);
}

static void teardown(void) {
    rl_free(packed);
}

TestSuite(packed, .init = setup, .fini = teardown);

static void append(types_item item) {
    types_packed_splice(&packed, types_packed_end(packed), 0, &item, 1);
}

Test(packed, integers_are_read_back)
{
    char scratch[TYPES_SCRATCH], text[TYPES_SCRATCH];
    for (int bit = 0; bit < 64; bit++)
        for (int64_t near = -100; near <= 5000; near += near < 120 ? 1 : 97) {
            int64_t value = (int64_t)(((uint64_t)1 << bit) + (uint64_t)near);
            for (int sign = 0; sign < 2; sign++, value = (int64_t)(0 - (uint64_t)value)) {
                types_item item = types_item_of_int(value);
                char bytes[32];
                const char *end = types_item_write(bytes, &item);
                cr_assert_eq((size_t)(end - bytes), item.size);
                cr_assert_eq(types_item_next(bytes), end);
                cr_assert_eq(types_item_back(end), bytes);
                cr_assert_eq(types_item_int(bytes), value, "%lld", (long long)value);
                rl_bytes expected = rl_bytes_of(text, rl_int64_format(text, value));
                cr_assert(rl_bytes_equal(types_item_text(bytes, scratch), expected));
                types_item same = types_item_of(expected);
                cr_assert(types_item_is(bytes, &same), "a text and its integer are one item");
            }
        }
}

Test(packed, strings_of_all_lengths_are_read_back)
{
    static const size_t lengths[] = {0,   1,   2,    125,  126,  127,   128,   129,    383,    384,
                                     385, 511, 7929, 7932, 7933, 65535, 65536, 100000, 1000000};
    char *text = rl_malloc(1000000), scratch[TYPES_SCRATCH];
    memset(text, 'a', 1000000);
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        types_item item = types_item_of(rl_bytes_of(text, lengths[i]));
        char *bytes = rl_malloc(item.size);
        const char *end = types_item_write(bytes, &item);
        cr_assert_eq((size_t)(end - bytes), item.size);
        cr_assert_eq(types_item_next(bytes), end);
        cr_assert_eq(types_item_back(end), bytes, "length %zu", lengths[i]);
        cr_assert(rl_bytes_equal(types_item_text(bytes, scratch), rl_bytes_of(text, lengths[i])));
        rl_free(bytes);
    }
    for (size_t len = 0; len < 9000; len++) {
        types_item item = types_item_of(rl_bytes_of(text, len));
        char *bytes = rl_malloc(item.size);
        const char *end = types_item_write(bytes, &item);
        cr_assert(types_item_next(bytes) == end && types_item_back(end) == bytes, "%zu", len);
        rl_free(bytes);
    }
    rl_free(text);
}

Test(packed, scores_are_read_back)
{
    static const double scores[] = {
        0,      -0.0,    1,        -1,      1.5,    0.1,       -0.25,     3.14, 1e300,
        -1e300, 5e-324,  INFINITY, 1.0 / 3, 3276.7, -3276.75,  3276.8,    1e15, 9007199254740993.0,
        9.3e18, -9.3e18, 0.0001,   0.00001, 1e22,   -INFINITY, 16777217.5};
    for (size_t i = 0; i < sizeof scores / sizeof *scores; i++) {
        types_item item = types_item_of_score(scores[i]);
        char bytes[32];
        const char *end = types_item_write(bytes, &item);
        double back = types_item_score(bytes);
        cr_assert(memcmp(&back, &scores[i], sizeof back) == 0, "%.17g is %.17g", scores[i], back);
        cr_assert(types_item_next(bytes) == end && types_item_back(end) == bytes);
    }
    rl_random random;
    rl_random_seed(&random, 3);
    for (int i = 0; i < 200000; i++) {
        double score = (double)(int64_t)rl_random_below(&random, 2000000) / 1000 - 1000;
        if (i % 3 == 0) {
            uint64_t bits = rl_random_next(&random);
            memcpy(&score, &bits, sizeof score);
        }
        if (isnan(score))
            continue;
        types_item item = types_item_of_score(score);
        char bytes[32];
        types_item_write(bytes, &item);
        double back = types_item_score(bytes);
        cr_assert(memcmp(&back, &score, sizeof back) == 0, "%.17g is %.17g", score, back);
    }
}

Test(packed, small_things_take_few_bytes)
{
    cr_assert_eq(types_item_of(RL_BYTES("7")).size, 1);
    cr_assert_eq(types_item_of(RL_BYTES("4000")).size, 3);
    cr_assert_eq(types_item_of(RL_BYTES("abc")).size, 5);
    cr_assert_eq(types_item_of_score(1.5).size, 5);
}

#define COUNT 60

Test(packed, random_splices_agree_with_a_model)
{
    static unsigned model[4000];
    size_t count = 0;
    rl_random random;
    rl_random_seed(&random, 5);
    for (int step = 0; step < 20000; step++) {
        size_t at = rl_random_below(&random, count + 1);
        unsigned removed = (unsigned)rl_random_below(&random, 4), added;
        removed = removed < count - at ? removed : (unsigned)(count - at);
        added = count < 100 ? (unsigned)rl_random_below(&random, 4) : 0;
        unsigned numbers[3];
        char text[3][NAME_MAX_LEN];
        types_item items[3];
        for (unsigned i = 0; i < added; i++) {
            numbers[i] = (unsigned)rl_random_below(&random, COUNT);
            items[i] = types_item_of(name_of(numbers[i], text[i]));
        }
        const char *place =
            at == count ? types_packed_end(packed) : types_packed_at(packed, (unsigned)at);
        types_packed_splice(&packed, place, removed, items, added);
        memmove(model + at + added, model + at + removed, (count - at - removed) * sizeof *model);
        memcpy(model + at, numbers, added * sizeof *model);
        count = count + added - removed;
        types_packed_check(packed);
        cr_assert_eq(packed->count, count);
        const char *item = packed->items;
        for (size_t i = 0; i < count; i++, item = types_item_next(item)) {
            char scratch[TYPES_SCRATCH];
            cr_assert(rl_bytes_equal(types_item_text(item, scratch), name_of(model[i], text[0])));
        }
    }
}

Test(packed, finds_by_stride)
{
    for (int i = 0; i < 20; i++)
        append(types_item_of_int(i / 2));
    types_item key = types_item_of_int(7), none = types_item_of_int(11);
    cr_assert_eq(types_packed_find(packed, &key, 1), types_packed_at(packed, 14));
    cr_assert_eq(types_packed_find(packed, &key, 2), types_packed_at(packed, 14));
    cr_assert_eq(types_packed_find(packed, &key, 3), types_packed_at(packed, 15));
    cr_assert_null(types_packed_find(packed, &none, 1));
}

Test(packed, says_when_it_is_full)
{
    types_item one = types_item_of(RL_BYTES("1"));
    while (types_packed_has_room(packed, &one, 1))
        append(one);
    cr_assert_eq(packed->count, TYPES_PACKED_MAX_ITEMS);
    types_packed_check(packed);
}
