/* SPDX-License-Identifier: MIT */
/*
 * Items: strings, integers and scores one behind the other in a run of bytes, read in both
 * directions. Small collections and the chunks of a list are made of them.
 *
 * An item is a head, a body and a tail. Heads:
 *
 *   00..7f   a string of 0 to 127 bytes
 *   80..df   the integer 0 to 95; this byte is the whole item, without a tail
 *   e0..e7   an integer of 1 to 8 bytes, two's complement, lowest byte first
 *   e8       a string: one byte, its length - 128
 *   e9       a string: two bytes of length, lowest first
 *   ea       a string: four bytes of length
 *   eb       a score: the 8 bytes of a double, as the machine has them
 *   ec       a score: the 4 bytes of a float, where that is exact
 *   ed       a score: a byte of decimal places, two bytes of digits (15 at 1 place is 1.5)
 *   f0..ff   an integer 96 to 4191: low four bits and the next byte (highest first), plus 96
 *
 * The tail says how long head and body are: one byte up to 127; two bytes up to 7935, the low byte
 * first, then e0 + the rest; else four bytes, lowest first, then ff. So the last byte of an item
 * tells what it is: below 80 and from e0 on a tail, else a small integer.
 *
 * A text that is an integer in canonical form is always kept as an integer in its shortest form,
 * so equal values have equal items, and comparing is comparing bytes. Lives in memory only: no file
 * has it. Loop thread.
 */
#ifndef RL_TYPES_ITEM_H
#define RL_TYPES_ITEM_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/number.h"

#define TYPES_SCRATCH    RL_INT64_TEXT_MAX /* room for the text of an integer */
#define TYPES_STRING_MAX 0xfffffff0u       /* far beyond the longest value */

/* An item about to be written or looked for. `body` is borrowed from the caller. */
typedef struct types_item {
    uint8_t head_len;
    uint8_t tail_len;
    char head[9];
    char tail[5];
    rl_bytes body; /* of a string; of all others the head holds everything */
    size_t size;   /* head, body and tail */
} types_item;

types_item types_item_of(rl_bytes value);
types_item types_item_of_int(int64_t value);
types_item types_item_of_score(double score);             /* not NaN */
char *types_item_write(char *to, const types_item *item); /* returns the place behind it */

const char *types_item_next_slow(const char *item);
const char *types_item_back_slow(const char *end);

/* The place behind an item. */
static inline const char *types_item_next(const char *item) {
    uint8_t kind = (uint8_t)item[0];
    if (__builtin_expect(kind < 0x7f, 1)) /* a string of 126 bytes at most: its tail is one byte */
        return item + kind + 2;
    return kind >= 0x80 && kind < 0xe0 ? item + 1 : types_item_next_slow(item);
}

/* Where the item that ends here begins. */
static inline const char *types_item_back(const char *end) {
    uint8_t last = (uint8_t)end[-1];
    if (__builtin_expect(last <= 0x7f, 1))
        return end - 1 - last;
    return last < 0xe0 ? end - 1 : types_item_back_slow(end);
}

/* The value as a text: in place, or in `scratch` (TYPES_SCRATCH bytes) if it is an integer. Not for
 * scores. */
rl_bytes types_item_text(const char *item, char *scratch);
int64_t types_item_int(const char *item);  /* of an integer */
double types_item_score(const char *item); /* of a score */

/* Indexes of items to take out, in ascending order. */
typedef struct types_removal {
    const size_t *next;
    size_t count;
} types_removal;
/* The items at..end have the indexes from `base` on. Takes out those that are among the wanted
 * ones, which leave `r`, closes the gaps, and returns where the items end now. */
char *types_items_remove(char *at, const char *end, size_t base, types_removal *r);

/* Equal runs of bytes; what differs mostly differs at the end, so that is compared first. */
static inline bool types_same_bytes(const char *a, const char *b, size_t len) {
    uint64_t x, y;
    if (len < sizeof x)
        return len == 0 || memcmp(a, b, len) == 0;
    memcpy(&x, a + len - sizeof x, sizeof x);
    memcpy(&y, b + len - sizeof y, sizeof y);
    return x == y && memcmp(a, b, len - sizeof x) == 0;
}

/* Whether the item at `at` is the one looked for. */
static inline bool types_item_is(const char *at, const types_item *item) {
    if (at[0] != item->head[0])
        return false;
    if (item->head_len > 1 && memcmp(at, item->head, item->head_len) != 0)
        return false;
    return types_same_bytes(at + item->head_len, item->body.ptr, item->body.len);
}

#endif
