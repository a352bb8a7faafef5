/* SPDX-License-Identifier: MIT */
/* Names and values of every kind that makes a difference to a collection, by number: integers of
 * all widths, short, long and very long strings, zero bytes, what only looks like an integer. */
#ifndef RL_TESTS_TYPES_NAMES_H
#define RL_TESTS_TYPES_NAMES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define NAME_MAX_LEN 700

/* A different name for each number from 0 on; name 0 is empty. `out`: NAME_MAX_LEN bytes. */
static inline rl_bytes name_of(unsigned number, char *out) {
    static const unsigned lengths[] = {20, 63, 64, 65, 125, 126, 127, 128, 129, 250, 383, 384, 600};
    unsigned n = number / 8;
    if (number == 0)
        return rl_bytes_of(out, 0);
    switch (number % 8) {
    case 0:
        return rl_bytes_of(out, (size_t)sprintf(out, "%u", n));
    case 1:
        return rl_bytes_of(out, (size_t)sprintf(out, "-%llu", 1000003ULL * (n + 1) * (n + 1)));
    case 2:
        return rl_bytes_of(out, (size_t)sprintf(out, "member:%06u", n));
    case 3:
        memset(out, 'x', NAME_MAX_LEN);
        sprintf(out, "%u", n);
        return rl_bytes_of(out, lengths[n % (sizeof lengths / sizeof *lengths)]);
    case 4:
        memcpy(out, "\0\xff\0", 3);
        return rl_bytes_of(out, 3 + (size_t)sprintf(out + 3, "%x", n));
    case 5:
        return rl_bytes_of(out, (size_t)sprintf(out, "0%u", n));
    case 6:
        return rl_bytes_of(out, (size_t)sprintf(out, "%llu", 4000000000000000000ULL + n));
    default:
        return rl_bytes_of(out, (size_t)sprintf(out, "%u.5", n));
    }
}

/* One that is short and no integer. */
static inline rl_bytes plain_name(unsigned number, char *out) {
    return rl_bytes_of(out, (size_t)sprintf(out, "m%u", number));
}

/* The number of a name among the first `count`; -1: none. Slow. */
static inline int number_of(rl_bytes name, unsigned count) {
    char text[NAME_MAX_LEN];
    for (unsigned i = 0; i < count; i++)
        if (rl_bytes_equal(name_of(i, text), name))
            return (int)i;
    return -1;
}

#endif
