/* SPDX-License-Identifier: MIT */
/*
 * Text questions that any client may ask, each against a plain answer: glob patterns against a
 * table of what matches what, UTF-8 against a decoder, numbers against the C library, and lines
 * that are split, quoted and split again. The first byte says which.
 */
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/text.h"

#define GLOB_MAX  24 /* bytes of pattern and of text that are looked at */
#define SPLIT_MAX 512
#define SEPARATOR 0x1e

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_hold(bool holds, int line) {
    if (!holds) {
        fprintf(stderr, "%s:%d: does not hold\n", __FILE__, line);
        abort();
    }
}

#define must(holds) must_hold(holds, __LINE__)

/* ---- globs ---- */

/* What one place of a pattern takes: a star takes any run, all else one byte. */
typedef struct place {
    bool star;
    bool takes[256];
} place;

static int fold_case(int c, bool ignore_case) {
    return ignore_case && c >= 'A' && c <= 'Z' ? c + 32 : c;
}

static void take(place *to, int c, bool ignore_case) {
    for (int i = 0; i < 256; i++)
        to->takes[i] |= fold_case(i, ignore_case) == fold_case(c, ignore_case);
}

/* Redis's order of bytes: those from 0x80 on stand before the others. */
static void take_range(place *to, int from, int upto, bool ignore_case) {
    int low = (from ^ 0x80) < (upto ^ 0x80) ? from : upto;
    int high = low == from ? upto : from;
    low = fold_case(low, ignore_case) ^ 0x80;
    high = fold_case(high, ignore_case) ^ 0x80;
    for (int i = 0; i < 256; i++) {
        int x = fold_case(i, ignore_case) ^ 0x80;
        to->takes[i] |= x >= low && x <= high;
    }
}

/* What stands behind a '[' at p; returns what follows. */
static const uint8_t *read_class(const uint8_t *p, const uint8_t *end, bool fold, place *to) {
    bool negated = p < end && *p == '^';
    p += negated;
    while (p < end && *p != ']') {
        if (*p == '\\' && p + 1 < end) {
            to->takes[p[1]] = true;
            p += 2;
        } else if (p + 2 < end && p[1] == '-') {
            take_range(to, p[0], p[2], fold);
            p += 3;
        } else {
            take(to, *p++, fold);
        }
    }
    for (int i = 0; negated && i < 256; i++)
        to->takes[i] = !to->takes[i];
    return p < end ? p + 1 : p;
}

static size_t read_pattern(const uint8_t *p, const uint8_t *end, bool fold, place *places) {
    size_t count = 0;
    while (p < end) {
        place *to = &places[count++];
        *to = (place){.star = *p == '*'};
        if (*p == '[') {
            p = read_class(p + 1, end, fold, to);
            continue;
        }
        if (*p == '?') {
            memset(to->takes, true, sizeof to->takes);
        } else if (!to->star) {
            p += *p == '\\' && p + 1 < end;
            take(to, *p, fold);
        }
        p++;
    }
    return count;
}

/* row[i]: the places so far match the first i bytes of the text. */
static bool plain_glob(const place *places, size_t count, const uint8_t *text, size_t len) {
    bool row[GLOB_MAX + 1] = {true};
    for (size_t at = 0; at < count; at++) {
        bool next[GLOB_MAX + 1] = {places[at].star && row[0]};
        for (size_t i = 1; i <= len; i++)
            next[i] = places[at].star ? row[i] || next[i - 1]
                                      : row[i - 1] && places[at].takes[text[i - 1]];
        memcpy(row, next, sizeof row);
    }
    return row[len];
}

static void glob_check(const uint8_t *data, size_t size) {
    static place places[GLOB_MAX];
    const uint8_t *end = memchr(data, SEPARATOR, size);
    size_t pattern_len = end ? (size_t)(end - data) : size;
    const uint8_t *text = end ? end + 1 : data;
    size_t len = end ? size - pattern_len - 1 : size; /* without a text: against itself */
    if (pattern_len > GLOB_MAX || len > GLOB_MAX)
        return;
    for (int fold = 0; fold < 2; fold++) {
        size_t count = read_pattern(data, data + pattern_len, fold, places);
        bool expected = len == 0 ? pattern_len == 0 : plain_glob(places, count, text, len);
        must(rl_text_glob(rl_bytes_of((const char *)data, pattern_len),
                          rl_bytes_of((const char *)text, len), fold) == expected);
    }
}

/* ---- UTF-8 ---- */

/* The character at p by its bits, then the rules; 0: none. */
static uint32_t decode(const uint8_t *p, size_t left, size_t *len) {
    static const uint32_t lowest[] = {0, 1, 0x80, 0x800, 0x10000};
    *len = *p < 0x80 ? 1 : *p >> 5 == 6 ? 2 : *p >> 4 == 14 ? 3 : *p >> 3 == 30 ? 4 : 0;
    if (*len == 0 || *len > left)
        return 0;
    uint32_t c = *len == 1 ? *p : *p & (0x7fu >> *len);
    for (size_t i = 1; i < *len; i++) {
        if (p[i] >> 6 != 2)
            return 0;
        c = c << 6 | (p[i] & 0x3f);
    }
    bool good = c >= lowest[*len] && c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);
    return good ? c : 0;
}

static void utf8_check(const uint8_t *data, size_t size) {
    bool expected = true;
    size_t len;
    for (size_t at = 0; at < size && expected; at += len)
        expected = decode(data + at, size - at, &len) != 0;
    must(rl_text_is_utf8(rl_bytes_of((const char *)data, size)) == expected);
}

/* ---- numbers ---- */

static void integer_check(rl_bytes text, const char *copy) {
    char again[RL_DOUBLE_TEXT_MAX];
    char *end;
    errno = 0;
    long long number = strtoll(copy, &end, 10);
    snprintf(again, sizeof again, "%lld", number);
    bool expected = errno == 0 && text.len == strlen(again) && memcmp(copy, again, text.len) == 0;
    int64_t got;
    must(rl_int64_parse(text, &got) == expected);
    must(!expected || got == number);
    errno = 0;
    unsigned long long large = strtoull(copy, &end, 10);
    snprintf(again, sizeof again, "%llu", large);
    expected = errno == 0 && text.len == strlen(again) && memcmp(copy, again, text.len) == 0;
    uint64_t got_large;
    must(rl_uint64_parse(text, &got_large) == expected);
    must(!expected || got_large == large);
}

static void double_texts_check(rl_bytes text, const char *copy) {
    char *end;
    double got;
    long double got_long;
    bool ok = rl_double_parse(text, &got), ok_long = rl_long_double_parse(text, &got_long);
    double value = strtod(copy, &end);
    bool whole = text.len > 0 && (size_t)(end - copy) == text.len && !isnan(value);
    must(!ok || (whole && got == value));
    must(ok || !whole || isinf(value) || value == 0 || strchr(" \t\n\v\f\r", copy[0]));
    long double value_long = strtold(copy, &end);
    must(!ok_long || ((size_t)(end - copy) == text.len && got_long == value_long));
}

static void number_texts_check(const uint8_t *data, size_t size) {
    rl_bytes text = rl_bytes_of((const char *)data, size);
    char *copy = rl_strndup((const char *)data, size);
    integer_check(text, copy);
    double_texts_check(text, copy);
    uint64_t amount;
    must(!rl_memory_parse(text, &amount) || (size > 0 && data[0] >= '0' && data[0] <= '9'));
    rl_free(copy);
}

/* How many digits a text of a number has before its exponent, without zeros at the ends. */
static int significant_digits(const char *text) {
    int digits = 0, zeros = 0;
    for (const char *p = text; *p && *p != 'e'; p++) {
        if (*p < '0' || *p > '9' || (*p == '0' && digits == 0))
            continue;
        digits++;
        zeros = *p == '0' ? zeros + 1 : 0;
    }
    return digits - zeros;
}

/* It reads back the same, no shorter text does, and no other of its length is nearer. */
static void double_check(double value) {
    char text[64], plain[64];
    size_t len = rl_double_format(text, value);
    must(len < 40);
    text[len] = '\0';
    if (isnan(value))
        return;
    must(strtod(text, NULL) == value && signbit(strtod(text, NULL)) == signbit(value));
    if (isinf(value) || (fabs(value) <= 0x1p62 && value == floor(value)))
        return;
    int count = significant_digits(text);
    if (count > 1) {
        snprintf(plain, sizeof plain, "%.*e", count - 2, value);
        must(strtod(plain, NULL) != value);
    }
    snprintf(plain, sizeof plain, "%.*e", count - 1, value);
    must(strtod(plain, NULL) != value || strtold(plain, NULL) == strtold(text, NULL));
}

static void long_double_check(long double value) {
    static char text[RL_DOUBLE_TEXT_MAX + 1];
    size_t len = rl_long_double_format_human(text, value);
    text[len] = '\0';
    must(len > 0 && strlen(text) == len && (strchr(text, '.') == NULL || text[len - 1] != '0'));
    if (isfinite(value))
        must(fabsl(strtold(text, NULL) - value) <= fmaxl(1e-17L, fabsl(value) * 0x1p-62L));
}

static void numbers_check(const uint8_t *data, size_t size) {
    char text[64], plain[64];
    for (size_t at = 0; at + 8 <= size; at += 8) {
        uint64_t bits;
        double value;
        memcpy(&bits, data + at, sizeof bits);
        memcpy(&value, data + at, sizeof value);
        double_check(value);
        if (at == 0) /* much text */
            long_double_check(value);
        int len = snprintf(plain, sizeof plain, "%lld", (long long)bits);
        must(rl_int64_format(text, (int64_t)bits) == (size_t)len && !memcmp(text, plain, len));
        len = snprintf(plain, sizeof plain, "%llu", (unsigned long long)bits);
        must(rl_uint64_format(text, bits) == (size_t)len && !memcmp(text, plain, len));
        rl_memory_format_human(text, bits);
        must(strlen(text) < 32);
    }
}

/* ---- lines ---- */

static void split_check(const uint8_t *data, size_t size) {
    rl_buffer words = {0}, line = {0}, again = {0};
    rl_bytes *args, *args_again;
    size_t count, count_again;
    if (size <= SPLIT_MAX &&
        rl_text_split(rl_bytes_of((const char *)data, size), &words, &args, &count)) {
        for (size_t i = 0; i < count; i++) {
            rl_buffer_add_quoted(&line, args[i]);
            rl_buffer_add_char(&line, ' ');
        }
        must(rl_text_split(rl_buffer_bytes(&line), &again, &args_again, &count_again));
        must(count == count_again);
        for (size_t i = 0; i < count; i++)
            must(rl_bytes_equal(args[i], args_again[i]));
        rl_free(args);
        rl_free(args_again);
    }
    rl_buffer_release(&words);
    rl_buffer_release(&line);
    rl_buffer_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static void (*const checks[])(const uint8_t *data, size_t size) = {
        glob_check, utf8_check, number_texts_check, numbers_check, split_check};
    if (size > 0)
        checks[data[0] % (sizeof checks / sizeof *checks)](data + 1, size - 1);
    return 0;
}
