/* SPDX-License-Identifier: MIT */
/* Random numbers. */
#include "base/random.h"

#include <criterion/criterion.h>
#include <string.h>

Test(random, the_seed_is_spread_with_splitmix64)
{
    /* The generator's published values for this seed. */
    static const uint64_t wanted[] = {6457827717110365317u, 3203168211198807973u,
                                      9817491932198370423u, 4593380528125082431u};
    rl_random r;
    rl_random_seed(&r, 1234567);
    for (int i = 0; i < 4; i++)
        cr_assert_eq(r.s[i], wanted[i], "word %d is %llu", i, (unsigned long long)r.s[i]);
}

Test(random, is_xoshiro256_starstar)
{
    /* The values of the reference implementation from the state 1, 2, 3, 4. */
    static const uint64_t wanted[] = {
        11520u,
        0u,
        1509978240u,
        1215971899390074240u,
        1216172134540287360u,
        607988272756665600u,
        16172922978634559625u,
        8476171486693032832u,
        10595114339597558777u,
        2904607092377533576u,
    };
    rl_random r = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
        cr_assert_eq(rl_random_next(&r), wanted[i], "value %zu", i);
}

Test(random, same_seed_same_numbers_other_seed_others)
{
    rl_random a, b, c;
    rl_random_seed(&a, 7);
    rl_random_seed(&b, 7);
    rl_random_seed(&c, 8);
    unsigned differ = 0;
    for (int i = 0; i < 100; i++) {
        uint64_t x = rl_random_next(&a);
        cr_assert_eq(x, rl_random_next(&b));
        differ += x != rl_random_next(&c);
    }
    cr_assert_eq(differ, 100);
}

Test(random, seed_zero_works)
{
    rl_random r;
    rl_random_seed(&r, 0);
    cr_assert(r.s[0] | r.s[1] | r.s[2] | r.s[3]);
    cr_assert_neq(rl_random_next(&r), rl_random_next(&r));
}

Test(random, below_stays_below)
{
    static const uint64_t limits[] = {
        1, 2, 3, 7, 1000, (1ull << 32) - 1, 1ull << 32, (1ull << 63) + 1, UINT64_MAX};
    rl_random r;
    rl_random_seed(&r, 1);
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++)
        for (int n = 0; n < 20000; n++)
            cr_assert_lt(rl_random_below(&r, limits[i]), limits[i]);
}

Test(random, below_is_uniform_also_where_most_draws_are_rejected)
{
    /* With a fixed seed this is a fact, not a chance. A limit of 3/4 of the range shows a modulo's
     * bias. */
    enum { DRAWS = 300000 };
    const uint64_t limit = 3ull << 62;
    unsigned third[3] = {0}, die[6] = {0};
    rl_random r;
    rl_random_seed(&r, 2024);
    for (int i = 0; i < DRAWS; i++) {
        third[rl_random_below(&r, limit) >> 62]++;
        die[rl_random_below(&r, 6)]++;
    }
    for (int i = 0; i < 3; i++)
        cr_assert(third[i] > DRAWS / 3 - 1500 && third[i] < DRAWS / 3 + 1500, "%u", third[i]);
    for (int i = 0; i < 6; i++)
        cr_assert(die[i] > DRAWS / 6 - 1200 && die[i] < DRAWS / 6 + 1200, "%u", die[i]);
}

Test(random, bytes_fills_exactly_what_is_asked)
{
    unsigned char seen[1000] = {0}, space[1000 + 16];
    rl_random_bytes(space, 0);
    for (int round = 0; round < 16; round++) {
        memset(space, 0xee, sizeof(space));
        rl_random_bytes(space + 8, 1000);
        for (int i = 0; i < 8; i++) {
            cr_assert_eq(space[i], 0xee);
            cr_assert_eq(space[8 + 1000 + i], 0xee);
        }
        for (int i = 0; i < 1000; i++)
            seen[i] |= space[8 + i];
    }
    for (int i = 0; i < 1000; i++)
        cr_assert_neq(seen[i], 0, "byte %d was zero sixteen times", i); /* 1 in 10^35 */
}

Test(random, bytes_fills_more_than_one_system_call_gives)
{
    /* getrandom may stop at 32 MiB less a byte; the last bytes must be filled too. */
    const size_t len = ((size_t)32 << 20) + 64;
    unsigned char *space = calloc(1, len);
    cr_assert_not_null(space);
    rl_random_bytes(space, len);
    unsigned char any = 0;
    for (size_t i = len - 32; i < len; i++)
        any |= space[i];
    cr_assert_neq(any, 0);
    free(space);
}
