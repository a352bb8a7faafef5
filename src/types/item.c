/* SPDX-License-Identifier: MIT */
#include "types/item.h"

#include <assert.h>
#include <math.h>

#define SHORT_STRING  0x80 /* below: a string's length */
#define SMALL_INT     0x80
#define SMALL_INTS    96
#define SIZED_INT     0xe0
#define STRING_8      0xe8
#define STRING_16     0xe9
#define STRING_32     0xea
#define SCORE_DOUBLE  0xeb
#define SCORE_FLOAT   0xec
#define SCORE_DECIMAL 0xed
#define MIDDLE_INT    0xf0
#define MIDDLE_INTS   4096
#define STRING_8_FROM 128

#define TAIL_1_MAX 0x7f
#define TAIL_2_MAX 0x1eff
#define TAIL_2     0xe0
#define TAIL_4     0xff

#define DECIMAL_PLACES 4

static const double powers[DECIMAL_PLACES + 1] = {1, 10, 100, 1000, 10000};

static inline uint8_t byte_at(const char *at, size_t i) {
    return (uint8_t)at[i];
}

static inline uint32_t number_at(const char *at, int bytes) {
    uint32_t value = 0;
    for (int i = 0; i < bytes; i++)
        value |= (uint32_t)byte_at(at, (size_t)i) << 8 * i;
    return value;
}

static void number_put(char *to, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++)
        to[i] = (char)(uint8_t)(value >> 8 * i);
}

/* The item is complete but for its tail. */
static types_item finish(types_item item) {
    size_t len = item.head_len + item.body.len;
    if (len <= TAIL_1_MAX) {
        item.tail[0] = (char)len;
        item.tail_len = 1;
    } else if (len <= TAIL_2_MAX) {
        item.tail[0] = (char)(uint8_t)len;
        item.tail[1] = (char)(uint8_t)(TAIL_2 | len >> 8);
        item.tail_len = 2;
    } else {
        number_put(item.tail, len, 4);
        item.tail[4] = (char)(uint8_t)TAIL_4;
        item.tail_len = 5;
    }
    item.size = len + item.tail_len;
    return item;
}

static int bytes_of_int(int64_t value) {
    int bytes = 1;
    while (bytes < 8 &&
           (value < -((int64_t)1 << (8 * bytes - 1)) || value >= (int64_t)1 << (8 * bytes - 1)))
        bytes++;
    return bytes;
}

types_item types_item_of_int(int64_t value) {
    types_item item = {0};
    if (value >= 0 && value < SMALL_INTS) {
        item.head[0] = (char)(uint8_t)(SMALL_INT + value);
        item.head_len = 1;
        item.size = 1;
        return item;
    }
    if (value >= SMALL_INTS && value < SMALL_INTS + MIDDLE_INTS) {
        uint64_t rest = (uint64_t)value - SMALL_INTS;
        item.head[0] = (char)(uint8_t)(MIDDLE_INT | rest >> 8);
        item.head[1] = (char)(uint8_t)rest;
        item.head_len = 2;
        return finish(item);
    }
    int bytes = bytes_of_int(value);
    item.head[0] = (char)(uint8_t)(SIZED_INT + bytes - 1);
    number_put(item.head + 1, (uint64_t)value, bytes);
    item.head_len = (uint8_t)(1 + bytes);
    return finish(item);
}

types_item types_item_of(rl_bytes value) {
    int64_t number;
    if (value.len < RL_INT64_TEXT_MAX && rl_int64_parse(value, &number))
        return types_item_of_int(number);
    assert(value.len <= TYPES_STRING_MAX);
    types_item item = {.body = value, .head_len = 1};
    if (value.len < SHORT_STRING) {
        item.head[0] = (char)value.len;
    } else if (value.len < STRING_8_FROM + 256) {
        item.head[0] = (char)(uint8_t)STRING_8;
        number_put(item.head + 1, value.len - STRING_8_FROM, 1);
        item.head_len = 2;
    } else if (value.len <= UINT16_MAX) {
        item.head[0] = (char)(uint8_t)STRING_16;
        number_put(item.head + 1, value.len, 2);
        item.head_len = 3;
    } else {
        item.head[0] = (char)(uint8_t)STRING_32;
        number_put(item.head + 1, value.len, 4);
        item.head_len = 5;
    }
    return finish(item);
}

/* A few decimal places and digits that fit two bytes, if they give the same double back. */
static bool decimal_of(double score, types_item *item) {
    for (int places = 1; places <= DECIMAL_PLACES; places++) {
        double digits = nearbyint(score * powers[places]);
        if (!(fabs(digits) <= INT16_MAX))
            return false;
        if (digits / powers[places] == score) {
            item->head[0] = (char)(uint8_t)SCORE_DECIMAL;
            item->head[1] = (char)places;
            number_put(item->head + 2, (uint16_t)(int16_t)digits, 2);
            item->head_len = 4;
            return true;
        }
    }
    return false;
}

types_item types_item_of_score(double score) {
    const double exact = 9007199254740992.0; /* 2^53 */
    types_item item = {0};
    if (score >= -exact && score <= exact && score == (double)(int64_t)score &&
        !(score == 0 && signbit(score)))
        return types_item_of_int((int64_t)score);
    float narrow = (float)score;
    if (score != 0 && decimal_of(score, &item))
        return finish(item);
    if ((double)narrow == score) {
        item.head[0] = (char)(uint8_t)SCORE_FLOAT;
        memcpy(item.head + 1, &narrow, sizeof narrow);
        item.head_len = 1 + sizeof narrow;
    } else {
        item.head[0] = (char)(uint8_t)SCORE_DOUBLE;
        memcpy(item.head + 1, &score, sizeof score);
        item.head_len = 1 + sizeof score;
    }
    return finish(item);
}

char *types_item_write(char *to, const types_item *item) {
    memcpy(to, item->head, item->head_len);
    to += item->head_len;
    if (item->body.len)
        memcpy(to, item->body.ptr, item->body.len);
    to += item->body.len;
    memcpy(to, item->tail, item->tail_len);
    return to + item->tail_len;
}

/* Head and body of anything but a small integer; *head gets the length of the head. */
static inline size_t item_len(const char *item, size_t *head) {
    uint8_t kind = byte_at(item, 0);
    if (kind < SHORT_STRING) {
        *head = 1;
        return 1 + (size_t)kind;
    }
    if (kind >= MIDDLE_INT)
        return *head = 2;
    switch (kind) {
    case STRING_8:
        *head = 2;
        return 2 + STRING_8_FROM + (size_t)byte_at(item, 1);
    case STRING_16:
        *head = 3;
        return 3 + (size_t)number_at(item + 1, 2);
    case STRING_32:
        *head = 5;
        return 5 + (size_t)number_at(item + 1, 4);
    case SCORE_DOUBLE:
        return *head = 9;
    case SCORE_FLOAT:
        return *head = 5;
    case SCORE_DECIMAL:
        return *head = 4;
    default: /* SIZED_INT + bytes - 1 */
        return *head = (size_t)(kind - SIZED_INT) + 2;
    }
}

static inline size_t tail_len(size_t len) {
    return len <= TAIL_1_MAX ? 1 : len <= TAIL_2_MAX ? 2 : 5;
}

static inline bool is_small_int(uint8_t byte) {
    return byte >= SMALL_INT && byte < SMALL_INT + SMALL_INTS;
}

const char *types_item_next_slow(const char *item) {
    if (is_small_int(byte_at(item, 0)))
        return item + 1;
    size_t head, len = item_len(item, &head);
    return item + len + tail_len(len);
}

const char *types_item_back_slow(const char *end) {
    uint8_t last = (uint8_t)end[-1];
    if (last == TAIL_4)
        return end - 5 - number_at(end - 5, 4);
    return end - 2 - ((size_t)(last & 0x1f) << 8 | (uint8_t)end[-2]);
}

int64_t types_item_int(const char *item) {
    uint8_t kind = byte_at(item, 0);
    if (is_small_int(kind))
        return kind - SMALL_INT;
    if (kind >= MIDDLE_INT)
        return ((kind & 0x0f) << 8 | byte_at(item, 1)) + SMALL_INTS;
    int bits = ((kind - SIZED_INT) & 7) * 8 + 8; /* one byte to eight */
    uint64_t value = 0;
    for (int i = 0; i < bits / 8; i++)
        value |= (uint64_t)byte_at(item, (size_t)i + 1) << 8 * i;
    return (int64_t)(value << (64 - bits)) >> (64 - bits);
}

static inline bool is_string(uint8_t kind) {
    return kind < SHORT_STRING || (kind >= STRING_8 && kind <= STRING_32);
}

rl_bytes types_item_text(const char *item, char *scratch) {
    if (!is_string(byte_at(item, 0)))
        return rl_bytes_of(scratch, rl_int64_format(scratch, types_item_int(item)));
    size_t head, len = item_len(item, &head);
    return rl_bytes_of(item + head, len - head);
}

double types_item_score(const char *item) {
    double score;
    float narrow;
    switch (byte_at(item, 0)) {
    case SCORE_DOUBLE:
        memcpy(&score, item + 1, sizeof score);
        return score;
    case SCORE_FLOAT:
        memcpy(&narrow, item + 1, sizeof narrow);
        return (double)narrow;
    case SCORE_DECIMAL:
        return (int16_t)number_at(item + 2, 2) / powers[byte_at(item, 1) % (DECIMAL_PLACES + 1)];
    default:
        return (double)types_item_int(item);
    }
}

char *types_items_remove(char *at, const char *end, size_t base, types_removal *r) {
    char *to = at;
    const char *kept = at, *item = at; /* what was not moved yet, and where `base` is */
    while (r->count && item < end) {
        for (; base < *r->next && item < end; base++)
            item = types_item_next(item);
        if (item == end)
            break;
        memmove(to, kept, (size_t)(item - kept));
        to += item - kept;
        kept = item = types_item_next(item);
        base++;
        r->next++;
        r->count--;
    }
    memmove(to, kept, (size_t)(end - kept));
    return to + (end - kept);
}
