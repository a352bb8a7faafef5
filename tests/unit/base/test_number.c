/* SPDX-License-Identifier: MIT */
/*
 * Numbers. The tables of texts were checked against redis-server 7.0.15; formatting is compared
 * with the C library's printf, reading back with its strto… functions.
 */
#include "base/number.h"

#include <criterion/criterion.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- integers ---- */

static void expect_uint64(uint64_t value) {
    char wanted[32], got[RL_INT64_TEXT_MAX + 1];
    int len = snprintf(wanted, sizeof(wanted), "%" PRIu64, value);
    memset(got, '#', sizeof(got));
    cr_assert_eq(rl_uint64_format(got, value), (size_t)len, "%s", wanted);
    cr_assert_eq(memcmp(got, wanted, (size_t)len), 0, "%s", wanted);
    cr_assert_eq(got[len], '#', "nothing behind the last digit of %s", wanted);
    uint64_t back = 0;
    cr_assert(rl_uint64_parse(rl_bytes_of(got, (size_t)len), &back), "%s", wanted);
    cr_assert_eq(back, value);
}

static void expect_int64(int64_t value) {
    char wanted[32], got[RL_INT64_TEXT_MAX + 1];
    int len = snprintf(wanted, sizeof(wanted), "%" PRId64, value);
    memset(got, '#', sizeof(got));
    cr_assert_eq(rl_int64_format(got, value), (size_t)len, "%s", wanted);
    cr_assert_eq(memcmp(got, wanted, (size_t)len), 0, "%s", wanted);
    cr_assert_eq(got[len], '#', "nothing behind the last digit of %s", wanted);
    int64_t back = 0;
    cr_assert(rl_int64_parse(rl_bytes_of(got, (size_t)len), &back), "%s", wanted);
    cr_assert_eq(back, value);
}

Test(integer, every_small_one_and_every_border_there_and_back)
{
    for (int64_t i = -12000; i <= 12000; i++)
        expect_int64(i);
    for (uint64_t power = 1;; power *= 10) {
        for (uint64_t d = 0; d < 5; d++) {
            expect_uint64(power + d - 2);
            expect_int64((int64_t)(power + d - 2));
            expect_int64((int64_t) - (power + d - 2));
        }
        if (power > UINT64_MAX / 10)
            break;
    }
    for (int bit = 0; bit < 64; bit++)
        for (uint64_t d = 0; d < 5; d++) {
            expect_uint64(((uint64_t)1 << bit) + d - 2);
            expect_int64((int64_t)(((uint64_t)1 << bit) + d - 2));
        }
    expect_uint64(UINT64_MAX);
    expect_int64(INT64_MAX);
    expect_int64(INT64_MIN);
}

Test(integer, random_ones_of_every_size_there_and_back)
{
    rl_random r;
    rl_random_seed(&r, 1);
    for (int i = 0; i < 200000; i++) {
        uint64_t value = rl_random_next(&r) >> rl_random_below(&r, 64);
        expect_uint64(value);
        expect_int64((int64_t)value);
        expect_int64((int64_t)-value);
    }
}

static const rl_bytes not_integers[] = {
    RL_BYTES(""),
    RL_BYTES("-"),
    RL_BYTES("+"),
    RL_BYTES("+1"),
    RL_BYTES("01"),
    RL_BYTES("00"),
    RL_BYTES("-0"),
    RL_BYTES("-01"),
    RL_BYTES("--1"),
    RL_BYTES(" 1"),
    RL_BYTES("1 "),
    RL_BYTES("\t1"),
    RL_BYTES("1\n"),
    RL_BYTES("1\0"),
    RL_BYTES("\0"),
    RL_BYTES("1.0"),
    RL_BYTES("1e3"),
    RL_BYTES("0x1"),
    RL_BYTES("a"),
    RL_BYTES("1a"),
    RL_BYTES("a1"),
    RL_BYTES("1/"),
    RL_BYTES("1:"),
    RL_BYTES("1-"),
    RL_BYTES("/"),
    RL_BYTES(":"),
    RL_BYTES("\xb1"),
    RL_BYTES("1,000"),
    RL_BYTES("1_000"),
    RL_BYTES("18446744073709551616"),
    RL_BYTES("18446744073709551620"),
    RL_BYTES("20000000000000000000"),
    RL_BYTES("99999999999999999999"),
    RL_BYTES("100000000000000000000"),
    RL_BYTES("-9223372036854775809"),
    RL_BYTES("-18446744073709551615"),
    RL_BYTES("-99999999999999999999"),
    RL_BYTES("1844674407370955161a"),
    RL_BYTES("000000000000000000000000000001"),
};

Test(integer, anything_else_is_refused_and_leaves_the_result_alone)
{
    for (size_t i = 0; i < COUNT(not_integers); i++) {
        uint64_t u = 77;
        int64_t s = 77;
        cr_assert_not(rl_uint64_parse(not_integers[i], &u), "%s", not_integers[i].ptr);
        cr_assert_not(rl_int64_parse(not_integers[i], &s), "%s", not_integers[i].ptr);
        cr_assert_eq(u, 77);
        cr_assert_eq(s, 77);
    }
    uint64_t u = 77;
    int64_t s = 77;
    cr_assert_not(rl_uint64_parse(rl_bytes_of(NULL, 0), &u));
    cr_assert_not(rl_int64_parse(rl_bytes_of(NULL, 0), &s));
    cr_assert_not(rl_uint64_parse(RL_BYTES("-1"), &u));
    cr_assert_not(rl_int64_parse(RL_BYTES("9223372036854775808"), &s));
    cr_assert_not(rl_int64_parse(RL_BYTES("18446744073709551615"), &s));
    cr_assert_eq(u, 77);
    cr_assert_eq(s, 77);
}

Test(integer, one_wrong_byte_anywhere_is_seen)
{
    for (size_t len = 1; len <= 20; len++)
        for (size_t at = 0; at < len; at++)
            for (int c = 0; c < 256; c++) {
                char text[20];
                memset(text, '1', sizeof(text));
                text[at] = (char)c;
                bool digit = c >= '0' && c <= '9' && (at > 0 || c != '0' || len == 1);
                if (len == 20 && ((at == 0 && c > '1') || (at == 1 && c == '9')))
                    digit = false; /* beyond 2^64 */
                uint64_t value;
                cr_assert_eq(rl_uint64_parse(rl_bytes_of(text, len), &value), digit,
                             "byte %d at %zu of %zu", c, at, len);
            }
}

/* ---- reading floating point ---- */

Test(floating, reads_what_redis_reads)
{
    static const struct {
        const char *text;
        double value;
    } good[] = {
        {"0", 0},
        {"-0", -0.0},
        {"1", 1},
        {"+1", 1},
        {"-1.5", -1.5},
        {".5", 0.5},
        {"5.", 5},
        {"-.5", -0.5},
        {"00012", 12},
        {"1e3", 1000},
        {"1E+3", 1000},
        {"25e-2", 0.25},
        {"0x10", 16},
        {"-0x1.8p3", -12},
        {"inf", INFINITY},
        {"+inf", INFINITY},
        {"-inf", -INFINITY},
        {"INF", INFINITY},
        {"Infinity", INFINITY},
        {"-infinitY", -INFINITY},
        {"1.7976931348623157e308", DBL_MAX},
        {"2.2250738585072014e-308", DBL_MIN},
        {"4.9406564584124654e-324", 4.9406564584124654e-324}, /* a denormal is no error */
        {"3e-310", 3e-310},
        {"0e999999", 0},
        {"9007199254740993", 9007199254740992.0},
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        double value = 77;
        cr_assert(rl_double_parse(rl_bytes_text(good[i].text), &value), "%s", good[i].text);
        cr_assert_eq(value, good[i].value, "%s read as %.17g", good[i].text, value);
        cr_assert_eq(signbit(value) != 0, signbit(good[i].value) != 0, "%s", good[i].text);
        long double wide = 77;
        cr_assert(rl_long_double_parse(rl_bytes_text(good[i].text), &wide), "%s", good[i].text);
        cr_assert_eq((double)wide, good[i].value, "%s", good[i].text);
    }
}

Test(floating, refuses_what_redis_refuses)
{
    static const rl_bytes bad[] = {
        RL_BYTES(""),        RL_BYTES(" 1"),       RL_BYTES("1 "),       RL_BYTES("\t1"),
        RL_BYTES("\n1"),     RL_BYTES("\v1"),      RL_BYTES("\f1"),      RL_BYTES("\r1"),
        RL_BYTES("a"),       RL_BYTES("1a"),       RL_BYTES("1..2"),     RL_BYTES("."),
        RL_BYTES("-"),       RL_BYTES("+"),        RL_BYTES("--1"),      RL_BYTES("1e"),
        RL_BYTES("1e+"),     RL_BYTES("e5"),       RL_BYTES("0x"),       RL_BYTES("1,5"),
        RL_BYTES("nan"),     RL_BYTES("-NaN"),     RL_BYTES("nan(1)"),   RL_BYTES("infin"),
        RL_BYTES("1\0"),     RL_BYTES("\0"),       RL_BYTES("1\0002"),   RL_BYTES("1_0"),
        RL_BYTES("1e99999"), RL_BYTES("-1e99999"), RL_BYTES("1e-99999"), RL_BYTES("-1e-99999"),
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        double value = 77;
        long double wide = 77;
        cr_assert_not(rl_double_parse(bad[i], &value), "row %zu", i);
        cr_assert_not(rl_long_double_parse(bad[i], &wide), "row %zu", i);
        cr_assert_eq(value, 77);
        cr_assert_eq(wide, 77);
    }
    double value = 77;
    cr_assert_not(rl_double_parse(rl_bytes_of(NULL, 0), &value));
    cr_assert_not(rl_double_parse(RL_BYTES("1.8e308"), &value));
    cr_assert_not(rl_double_parse(RL_BYTES("2e-324"), &value));
    cr_assert_eq(value, 77);
}

Test(floating, long_texts_are_read_whole)
{
    static char text[20000];
    double value;
    long double wide;
    memset(text, '0', sizeof(text));
    for (size_t len = 100; len < 160; len++) { /* around the size that needs no heap */
        text[len - 1] = '7';
        cr_assert(rl_double_parse(rl_bytes_of(text, len), &value));
        cr_assert_eq(value, 7);
        cr_assert(rl_long_double_parse(rl_bytes_of(text, len), &wide));
        cr_assert_eq(wide, 7);
        text[len - 1] = 'x';
        cr_assert_not(rl_double_parse(rl_bytes_of(text, len), &value));
        text[len - 1] = '0';
    }
    text[sizeof(text) - 1] = '3';
    cr_assert(rl_double_parse(rl_bytes_of(text, sizeof(text)), &value));
    cr_assert_eq(value, 3);
    /* Redis reads a long double from a buffer of 5 KiB with its terminator. */
    cr_assert(rl_long_double_parse(rl_bytes_of(text, RL_DOUBLE_TEXT_MAX - 1), &wide));
    cr_assert_not(rl_long_double_parse(rl_bytes_of(text, RL_DOUBLE_TEXT_MAX), &wide));
}

/* ---- writing doubles ---- */

Test(floating, writes_in_redis_form)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-0.0, "-0"},
        {3, "3"},
        {-42, "-42"},
        {0.1, "0.1"},
        {-0.5, "-0.5"},
        {1.5, "1.5"},
        {3.14159, "3.14159"},
        {0.1 + 0.2, "0.30000000000000004"},
        {100000000, "100000000"},
        {123456789.125, "123456789.125"},
        {9007199254740992.0, "9007199254740992"},
        {-9007199254740992.0, "-9007199254740992"},
        {9007199254740994.0, "9007199254740994"},
        {1e16, "10000000000000000"},
        {1e17, "100000000000000000"},
        {1e18 + 1e3, "1000000000000001024"},
        {4611686018427387904.0, "4611686018427387904"},
        {9223372036854775808.0, "9223372036854776000"},
        {12345678901234568e6, "12345678901234568000000"},
        {123e20, "1.23e+22"},
        {1e21, "1e+21"},
        {-1.5e300, "-1.5e+300"},
        {123456789012345678.0, "123456789012345680"},
        {0.0001, "0.0001"},
        {0.00012345, "1.2345e-4"},
        {0.00125, "0.00125"},
        {0.00001, "0.00001"},
        {0.000001, "0.000001"},
        {1e-7, "1e-7"},
        {0.0012345678901234567, "0.0012345678901234567"},
        {0.00012345678901234567, "1.2345678901234567e-4"},
        {-123.456, "-123.456"},
        {1.25e-7, "1.25e-7"},
        {1e-10, "1e-10"},
        {DBL_MAX, "1.7976931348623157e+308"},
        {DBL_MIN, "2.2250738585072014e-308"},
        {4.9406564584124654e-324, "5e-324"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
        {NAN, "nan"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char out[41];
        memset(out, '#', sizeof(out));
        size_t len = rl_double_format(out, cases[i].value);
        cr_assert(rl_bytes_equal(rl_bytes_of(out, len), rl_bytes_text(cases[i].text)),
                  "wanted %s, got %.*s", cases[i].text, (int)len, out);
        cr_assert_eq(out[40], '#');
    }
}

/* Digits of the mantissa, leading and trailing zeros left out. */
static size_t significant(const char *text, size_t len) {
    size_t digits = 0, zeros = 0;
    for (size_t i = 0; i < len && text[i] != 'e'; i++) {
        if (text[i] < '0' || text[i] > '9' || (text[i] == '0' && digits == 0))
            continue;
        zeros = text[i] == '0' ? zeros + 1 : 0;
        digits++;
    }
    return digits - zeros;
}

static void expect_shortest(double value) {
    char out[40], shorter[64];
    size_t len = rl_double_format(out, value);
    cr_assert_leq(len, 25);
    double back;
    cr_assert(rl_double_parse(rl_bytes_of(out, len), &back), "%.17g", value);
    cr_assert_eq(memcmp(&back, &value, sizeof(value)), 0, "%.17g written as %.*s", value, (int)len,
                 out);
    size_t digits = significant(out, len);
    bool all_digits = fabs(value) <= 0x1p62 && value == trunc(value);
    if (digits > 1 && !all_digits) {
        snprintf(shorter, sizeof(shorter), "%.*e", (int)digits - 2, value);
        cr_assert_neq(strtod(shorter, NULL), value, "%.*s could be %s", (int)len, out, shorter);
    }
}

Test(floating, random_doubles_read_back_and_none_could_be_shorter)
{
    rl_random r;
    rl_random_seed(&r, 9);
    for (int i = 0; i < 60000; i++) {
        uint64_t bits = rl_random_next(&r);
        if (i % 8 == 0)
            bits &= 0x800fffffffffffff >> rl_random_below(&r, 52); /* denormals */
        double value;
        memcpy(&value, &bits, sizeof(value));
        if (isfinite(value) && value != 0)
            expect_shortest(value);
        expect_shortest((double)(1 + rl_random_below(&r, 1000000)) / 1000);
        expect_shortest(
            -ldexp((double)(1 + rl_random_below(&r, 1u << 30)), (int)(bits % 100) - 50));
    }
}

/* ---- INCRBYFLOAT's form ---- */

static void expect_human(long double value, const char *wanted) {
    static char out[RL_DOUBLE_TEXT_MAX];
    size_t len = rl_long_double_format_human(out, value);
    cr_assert(rl_bytes_equal(rl_bytes_of(out, len), rl_bytes_text(wanted)), "wanted %s, got %.*s",
              wanted, (int)len, out);
}

Test(human, writes_what_incrbyfloat_answers)
{
    expect_human(0, "0");
    expect_human(-0.0L, "0");
    expect_human(1e-18L, "0");
    expect_human(-1e-18L, "0"); /* no "-0" */
    expect_human(3, "3");
    expect_human(-3, "-3");
    expect_human(10, "10");
    expect_human(100, "100"); /* zeros before the point stay */
    expect_human(10.5L, "10.5");
    expect_human(10.5L + 0.1L, "10.6");
    expect_human(5.0e3L + 2.0e2L, "5200");
    expect_human(0.1L + 0.2L, "0.3");
    expect_human(1e-17L, "0.00000000000000001");
    expect_human(-1e-17L, "-0.00000000000000001");
    expect_human(3.14159265358979323846L, "3.14159265358979324");
    expect_human(1e21L, "1000000000000000000000");
    expect_human(INFINITY, "inf");
    expect_human(-INFINITY, "-inf");
    expect_human(NAN, "nan");
}

Test(human, the_largest_long_double_fits)
{
    static char out[RL_DOUBLE_TEXT_MAX];
    size_t len = rl_long_double_format_human(out, -LDBL_MAX);
    cr_assert_eq(out[0], '-');
    long double back;
    cr_assert(rl_long_double_parse(rl_bytes_of(out, len), &back));
    cr_assert(back == -LDBL_MAX);
    cr_assert_eq(memchr(out, '.', len), NULL);
}

Test(human, random_ones_match_the_definition)
{
    /* By the definition: printf's 17 places, then zeros off the end. */
    rl_random r;
    rl_random_seed(&r, 21);
    for (int i = 0; i < 50000; i++) {
        long double value = (long double)(int64_t)rl_random_next(&r);
        value /= (long double)(1 + (rl_random_next(&r) >> rl_random_below(&r, 64)));
        char wanted[128];
        snprintf(wanted, sizeof(wanted), "%.17Lf", value);
        char *end = wanted + strlen(wanted);
        while (end[-1] == '0')
            *--end = '\0';
        if (end[-1] == '.')
            *--end = '\0';
        expect_human(value, strcmp(wanted, "-0") == 0 ? "0" : wanted);
    }
}

/* ---- memory ---- */

Test(memory, reads_redis_units)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {
        {"0", 0},
        {"100", 100},
        {"00012", 12},
        {"100b", 100},
        {"1B", 1},
        {"1k", 1000},
        {"1K", 1000},
        {"1kb", 1024},
        {"1Kb", 1024},
        {"1KB", 1024},
        {"2m", 2000000},
        {"64mb", (uint64_t)64 << 20},
        {"1g", 1000000000},
        {"1GB", (uint64_t)1 << 30},
        {"0gb", 0},
        {"17179869183gb", (uint64_t)17179869183 << 30},
        {"18446744073709551615", UINT64_MAX},
    };
    for (size_t i = 0; i < COUNT(good); i++) {
        uint64_t bytes = 77;
        cr_assert(rl_memory_parse(rl_bytes_text(good[i].text), &bytes), "%s", good[i].text);
        cr_assert_eq(bytes, good[i].bytes, "%s", good[i].text);
    }
    static const rl_bytes bad[] = {
        RL_BYTES(""),
        RL_BYTES("kb"),
        RL_BYTES("-1"),
        RL_BYTES("+1"),
        RL_BYTES("1.5g"),
        RL_BYTES("1t"),
        RL_BYTES("1 mb"),
        RL_BYTES("1mb "),
        RL_BYTES(" 1"),
        RL_BYTES("1kbb"),
        RL_BYTES("1bk"),
        RL_BYTES("1\0"),
        RL_BYTES("0x10"),
        RL_BYTES("1k\0"),
        RL_BYTES("1e3"),
        RL_BYTES("17179869184gb"),
        RL_BYTES("18446744073709551616"),
        RL_BYTES("18446744073709551616b"),
        RL_BYTES("99999999999999999999999"),
    };
    for (size_t i = 0; i < COUNT(bad); i++) {
        uint64_t bytes = 77;
        cr_assert_not(rl_memory_parse(bad[i], &bytes), "%s", bad[i].ptr);
        cr_assert_eq(bytes, 77);
    }
    uint64_t bytes;
    cr_assert_not(rl_memory_parse(rl_bytes_of(NULL, 0), &bytes));
}

Test(memory, shows_amounts_as_info_does)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0B"},
        {512, "512B"},
        {1023, "1023B"},
        {1024, "1.00K"},
        {12288, "12.00K"},
        {1048575, "1024.00K"},
        {1048576, "1.00M"},
        {1572864, "1.50M"},
        {(uint64_t)1 << 30, "1.00G"},
        {(uint64_t)5 << 39, "2.50T"},
        {(uint64_t)3 << 50, "3.00P"},
        {((uint64_t)1 << 60) - 1, "1024.00P"},
        {(uint64_t)1 << 60, "1152921504606846976B"},
        {UINT64_MAX, "18446744073709551615B"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char out[32];
        rl_memory_format_human(out, cases[i].bytes);
        cr_assert_str_eq(out, cases[i].text);
    }
}
