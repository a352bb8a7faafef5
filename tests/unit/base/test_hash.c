/* SPDX-License-Identifier: MIT */
/* Hashing. */
#include "base/hash.h"

#include <criterion/criterion.h>

Test(hash, is_xxh3_with_the_seed)
{
    /* Values published with xxHash for the empty input. */
    rl_hash_seed = 0;
    cr_assert_eq(rl_hash(RL_BYTES("")), 0x2d06800538d394c2u);
    rl_hash_seed = 0x9e3779b185ebca8du;
    cr_assert_eq(rl_hash(RL_BYTES("")), 0xa8a6b918b2f0364au);
}

Test(hash, init_draws_a_new_seed_each_time)
{
    rl_hash_init();
    uint64_t first = rl_hash_seed, hash = rl_hash(RL_BYTES("user:1"));
    rl_hash_init();
    cr_assert_neq(rl_hash_seed, first);
    cr_assert_neq(rl_hash(RL_BYTES("user:1")), hash);
}

Test(hash, depends_on_the_bytes_alone_not_on_where_they_are)
{
    rl_hash_init();
    char space[400 + 64];
    for (size_t len = 0; len <= 400; len += len < 40 ? 1 : 13) {
        uint64_t wanted = 0;
        for (size_t offset = 0; offset < 16; offset++) {
            for (size_t i = 0; i < len; i++)
                space[offset + i] = (char)(i * 7 + 1);
            uint64_t got = rl_hash(rl_bytes_of(space + offset, len));
            if (offset == 0)
                wanted = got;
            cr_assert_eq(got, wanted, "length %zu, offset %zu", len, offset);
        }
    }
}

Test(hash, every_bit_and_the_length_matter)
{
    rl_hash_init();
    char text[300] = {0};
    for (size_t len = 1; len <= sizeof(text); len += len < 40 ? 1 : 29) {
        uint64_t plain = rl_hash(rl_bytes_of(text, len));
        cr_assert_neq(plain, rl_hash(rl_bytes_of(text, len - 1)));
        for (size_t bit = 0; bit < len * 8; bit++) {
            text[bit / 8] ^= (char)(1 << bit % 8);
            cr_assert_neq(plain, rl_hash(rl_bytes_of(text, len)), "length %zu, bit %zu", len, bit);
            text[bit / 8] ^= (char)(1 << bit % 8);
        }
    }
}
