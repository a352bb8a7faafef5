/* SPDX-License-Identifier: MIT */
/*
 * LCS: the longest common subsequence of two strings, from the lengths for all pairs of prefixes
 * (Wagner, Fischer, "The string-to-string correction problem", JACM 21(1), 1974). Only two rows of
 * lengths are kept; of the whole table one bit per cell says which way the walk back goes. Where
 * several subsequences are longest it prefers to shorten the second string, which is the choice
 * that Redis's clients see.
 */
#include "base/alloc.h"
#include "base/number.h"
#include "commands/handlers.h"
#include "commands/shared.h"

/* No more cells than this, whatever the strings: that is 256 MiB, and seconds of work already. */
#define CELLS_MAX ((uint64_t)1 << 31)

typedef struct lcs {
    /* options */
    bool length_only, indexes, with_length;
    int64_t min_match;
    rl_bytes a, b;
    uint32_t *rows;    /* two rows of b.len + 1 lengths */
    unsigned char *up; /* a bit per pair of bytes: shortening a leaves more than shortening b */
    uint32_t length;
    /* the reply: ranges, last one first */
    rl_buffer ranges;
    size_t range_count;
} lcs;

static bool goes_up(const lcs *l, size_t i, size_t j) {
    uint64_t at = (uint64_t)i * l->b.len + j;
    return l->up[at / 8] >> (at % 8) & 1;
}

static bool parse(rl_ctx *c, lcs *l) {
    for (int i = 3; i < c->argc; i++) {
        rl_bytes word = c->argv[i];
        if (rl_bytes_is(word, "IDX")) {
            l->indexes = true;
        } else if (rl_bytes_is(word, "LEN")) {
            l->length_only = true;
        } else if (rl_bytes_is(word, "WITHMATCHLEN")) {
            l->with_length = true;
        } else if (rl_bytes_is(word, "MINMATCHLEN") && i + 1 < c->argc) {
            if (!rl_ctx_int(c, ++i, &l->min_match, NULL))
                return false;
            if (l->min_match < 0)
                l->min_match = 0;
        } else {
            rl_ctx_syntax_error(c);
            return false;
        }
    }
    if (!l->indexes || !l->length_only)
        return true;
    rl_reply_error(c->reply, "ERR If you want both the length and indexes, please just use IDX.");
    return false;
}

/* The value of a key, empty when there is none. */
static bool value_of(rl_ctx *c, int arg, rl_bytes *out) {
    const rl_entry *e = rl_ctx_find(c, arg, RL_LOOK_PEEK);
    *out = RL_BYTES("");
    if (e == NULL)
        return true;
    if (e->type != RL_TYPE_STRING) {
        rl_reply_error(c->reply, "ERR The specified keys must contain string values");
        return false;
    }
    *out = rl_entry_value(e);
    return true;
}

static void fill(lcs *l) {
    size_t width = l->b.len + 1;
    uint32_t *above = l->rows, *row = l->rows + width;
    uint64_t at = 0;
    for (size_t i = 0; i < l->a.len; i++) {
        for (size_t j = 0; j < l->b.len; j++, at++) {
            if (l->a.ptr[i] == l->b.ptr[j]) {
                row[j + 1] = above[j] + 1;
            } else if (above[j + 1] > row[j]) {
                row[j + 1] = above[j + 1];
                l->up[at / 8] |= (unsigned char)(1u << (at % 8));
            } else {
                row[j + 1] = row[j];
            }
        }
        uint32_t *spare = above;
        above = row;
        row = spare;
    }
    l->length = above[l->b.len];
}

/* A run of `length` equal bytes that ends before i in a and before j in b. */
static void add_range(lcs *l, size_t i, size_t j, size_t length) {
    if (length == 0 || (int64_t)length < l->min_match)
        return;
    size_t range[3] = {i, j, length};
    rl_buffer_add(&l->ranges, range, sizeof range);
    l->range_count++;
}

/* Walks back, collecting the ranges and (in text, unless NULL) the bytes. */
static void walk(lcs *l, char *text) {
    size_t i = l->a.len, j = l->b.len, left = l->length;
    size_t end_i = 0, end_j = 0, run = 0; /* of the run that is being collected */
    while (i && j && left) {
        if (l->a.ptr[i - 1] == l->b.ptr[j - 1]) {
            if (run == 0) {
                end_i = i;
                end_j = j;
            }
            run++;
            left--;
            i--;
            j--;
            if (text)
                text[left] = l->a.ptr[i];
        } else {
            add_range(l, end_i, end_j, run);
            run = 0;
            if (goes_up(l, i - 1, j - 1))
                i--;
            else
                j--;
        }
    }
    add_range(l, end_i, end_j, run);
}

static void reply_range(rl_reply *r, size_t end, size_t length) {
    rl_reply_array(r, 2);
    rl_reply_int(r, (int64_t)(end - length));
    rl_reply_int(r, (int64_t)end - 1);
}

static void reply_indexes(rl_ctx *c, const lcs *l) {
    rl_reply *r = c->reply;
    rl_reply_map(r, 2);
    rl_reply_text(r, "matches");
    rl_reply_array(r, l->range_count);
    for (size_t i = 0; i < l->range_count; i++) {
        size_t range[3];
        memcpy(range, l->ranges.ptr + i * sizeof range, sizeof range);
        rl_reply_array(r, l->with_length ? 3 : 2);
        reply_range(r, range[0], range[2]);
        reply_range(r, range[1], range[2]);
        if (l->with_length)
            rl_reply_int(r, (int64_t)range[2]);
    }
    rl_reply_text(r, "len");
    rl_reply_int(r, l->length);
}

static void answer(rl_ctx *c, lcs *l) {
    fill(l);
    if (l->length_only) {
        rl_reply_int(c->reply, l->length);
    } else if (l->indexes) {
        walk(l, NULL);
        reply_indexes(c, l);
    } else {
        char *text = rl_malloc(l->length ? l->length : 1);
        walk(l, text);
        rl_reply_bulk(c->reply, rl_bytes_of(text, l->length));
        rl_free(text);
    }
    rl_buffer_release(&l->ranges);
}

void rl_cmd_lcs(rl_ctx *c) {
    lcs l = {0};
    uint64_t cells;
    rl_ctx_find(c, 1, RL_LOOK_READ); /* counts; what it returns may move when the other is met */
    rl_ctx_find(c, 2, RL_LOOK_READ);
    if (!value_of(c, 1, &l.a) || !value_of(c, 2, &l.b) || !parse(c, &l))
        return;
    if (__builtin_mul_overflow((uint64_t)l.a.len, (uint64_t)l.b.len, &cells) || cells > CELLS_MAX) {
        rl_reply_error(c->reply,
                       "ERR Insufficient memory, failed allocating transient memory for LCS");
        return;
    }
    l.rows = rl_calloc(2 * (l.b.len + 1), sizeof *l.rows);
    l.up = rl_calloc(cells / 8 + 1, 1);
    answer(c, &l);
    rl_free(l.rows);
    rl_free(l.up);
}
