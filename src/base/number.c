/* SPDX-License-Identifier: MIT */
/*
 * Numbers to text and back. Integers are on the path of nearly every command and written by hand;
 * floating point leans on the C library's correctly rounded conversions. The server never calls
 * setlocale, so the decimal point is a point.
 */
#include "base/number.h"

#include <errno.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* ---- integers to text ---- */

static const char digit_pairs[] = "0001020304050607080910111213141516171819"
                                  "2021222324252627282930313233343536373839"
                                  "4041424344454647484950515253545556575859"
                                  "6061626364656667686970717273747576777879"
                                  "8081828384858687888990919293949596979899";

static const uint64_t powers_of_ten[] = {
    1u,
    10u,
    100u,
    1000u,
    10000u,
    100000u,
    1000000u,
    10000000u,
    100000000u,
    1000000000u,
    10000000000u,
    100000000000u,
    1000000000000u,
    10000000000000u,
    100000000000000u,
    1000000000000000u,
    10000000000000000u,
    100000000000000000u,
    1000000000000000000u,
    10000000000000000000u,
};

/* The number of bits times log10(2) (about 1233/4096) is the number of digits or one less. */
static unsigned digit_count(uint64_t value) {
    unsigned bits = 64u - (unsigned)__builtin_clzll(value | 1);
    unsigned guess = bits * 1233u >> 12;
    return guess + (value >= powers_of_ten[guess]);
}

size_t rl_uint64_format(char *out, uint64_t value) {
    if (value < 10) {
        out[0] = (char)('0' + value);
        return 1;
    }
    unsigned len = digit_count(value);
    char *p = out + len;
    while (value >= 100) {
        uint64_t rest = value / 100;
        p -= 2;
        memcpy(p, digit_pairs + (value - rest * 100) * 2, 2);
        value = rest;
    }
    if (value >= 10)
        memcpy(p - 2, digit_pairs + value * 2, 2);
    else
        p[-1] = (char)('0' + value);
    return len;
}

size_t rl_int64_format(char *out, int64_t value) {
    if (value >= 0)
        return rl_uint64_format(out, (uint64_t)value);
    out[0] = '-';
    return 1 + rl_uint64_format(out + 1, -(uint64_t)value);
}

/* ---- text to integers ---- */

/* Nineteen digits always fit in 64 bits; the twentieth must be checked. */
enum { SAFE_DIGITS = 19 };

bool rl_uint64_parse(rl_bytes text, uint64_t *out) {
    const char *p = text.ptr;
    size_t len = text.len;
    if (len == 0 || len > SAFE_DIGITS + 1)
        return false;
    if (p[0] == '0') {
        if (len != 1)
            return false;
        *out = 0;
        return true;
    }
    size_t safe = len > SAFE_DIGITS ? SAFE_DIGITS : len;
    uint64_t value = 0;
    for (size_t i = 0; i < safe; i++) {
        unsigned digit = (unsigned char)p[i] - (unsigned)'0';
        if (digit > 9)
            return false;
        value = value * 10 + digit;
    }
    if (len > safe) {
        unsigned digit = (unsigned char)p[safe] - (unsigned)'0';
        if (digit > 9 || __builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value))
            return false;
    }
    *out = value;
    return true;
}

bool rl_int64_parse(rl_bytes text, int64_t *out) {
    bool negative = text.len > 0 && text.ptr[0] == '-';
    if (negative)
        text = rl_bytes_of(text.ptr + 1, text.len - 1);
    uint64_t size;
    if (!rl_uint64_parse(text, &size))
        return false;
    if (negative) {
        if (size == 0 || size > (uint64_t)INT64_MAX + 1)
            return false;
        *out = (int64_t)-size;
    } else {
        if (size > INT64_MAX)
            return false;
        *out = (int64_t)size;
    }
    return true;
}

/* ---- text to floating point ---- */

static bool starts_with_space(const char *text) {
    return *text == ' ' || (*text >= '\t' && *text <= '\r');
}

/* strtod wants a terminator. Nearly all numbers fit here; a longer one is copied to the heap. */
typedef struct terminated {
    char *text;
    char small[128];
} terminated;

static const char *terminate(terminated *t, rl_bytes bytes) {
    if (bytes.len < sizeof(t->small)) {
        memcpy(t->small, bytes.ptr, bytes.len);
        t->small[bytes.len] = '\0';
        t->text = NULL;
        return t->small;
    }
    t->text = rl_strndup(bytes.ptr, bytes.len);
    return t->text;
}

bool rl_double_parse(rl_bytes text, double *out) {
    int64_t integer;
    if (rl_int64_parse(text, &integer)) {
        *out = (double)integer;
        return true;
    }
    if (text.len == 0 || starts_with_space(text.ptr))
        return false;
    terminated copy;
    const char *start = terminate(&copy, text);
    char *end;
    errno = 0;
    double value = strtod(start, &end);
    /* A tiny number that is kept as a denormal is fine; one that became 0 or infinity is not. */
    bool out_of_range = errno == ERANGE && (isinf(value) || value == 0);
    bool ok = (size_t)(end - start) == text.len && !isnan(value) && !out_of_range;
    rl_free(copy.text);
    if (ok)
        *out = value;
    return ok;
}

bool rl_long_double_parse(rl_bytes text, long double *out) {
    /* Redis has a buffer of this size for these. */
    if (text.len == 0 || text.len >= RL_DOUBLE_TEXT_MAX || starts_with_space(text.ptr))
        return false;
    terminated copy;
    const char *start = terminate(&copy, text);
    char *end;
    errno = 0;
    long double value = strtold(start, &end);
    bool out_of_range = errno == ERANGE && (isinf(value) || value == 0);
    bool ok = (size_t)(end - start) == text.len && !isnan(value) && !out_of_range;
    rl_free(copy.text);
    if (ok)
        *out = value;
    return ok;
}

/* ---- floating point to text ---- */

static size_t put_text(char *out, const char *text) {
    size_t len = strlen(text);
    memcpy(out, text, len);
    return len;
}

/* The shortest run of decimal digits that reads back as `value` (positive, finite, not zero),
 * trailing zeros removed. *exponent is that of the first digit. Returns the number of digits, at
 * most 17. */
static size_t shortest_digits(double value, char digits[17], int *exponent) {
    char text[40];
    /* Fifteen digits survive any normal double, so fewer are found by removing zeros; denormals
     * have less precision, there every length can be the shortest. */
    int count = value < DBL_MIN ? 1 : 15;
    for (;; count++) {
        snprintf(text, sizeof(text), "%.*e", count - 1, value);
        if (count == 17 || strtod(text, NULL) == value)
            break;
    }
    digits[0] = text[0];
    if (count > 1)
        memcpy(digits + 1, text + 2, (size_t)count - 1);
    *exponent = atoi(strchr(text, 'e') + 1);
    while (count > 1 && digits[count - 1] == '0')
        count--;
    return (size_t)count;
}

/* The same for a number of few decimals, which most are: n / 10^k is the double nearest to it, and
 * with up to 15 digits no other is as short. 0: it is not such a number. */
static size_t few_decimals(double value, char digits[17], int *exponent) {
    static const double tens[] = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                  1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    for (int k = 1; k < 16; k++) {
        double scaled = value * tens[k];
        if (scaled >= 1e15)
            break;
        double whole = (double)(int64_t)(scaled + 0.5);
        if (fabs(scaled - whole) > scaled * 1e-15 || whole / tens[k] != value)
            continue;
        char text[RL_INT64_TEXT_MAX];
        size_t count = rl_int64_format(text, (int64_t)whole);
        memcpy(digits, text, count);
        *exponent = (int)count - 1 - k;
        return count;
    }
    return 0;
}

/* The same by arithmetic, where a long double has the bits for it: value scaled to seventeen digits
 * is off by less than 0.02, so which digits lie between its neighbours is known but for cases too
 * close to tell. 0: one of those, or no such number. */
static size_t quick_digits(double value, char digits[17], int *exponent) {
#if LDBL_MANT_DIG < 64
    (void)value, (void)digits, (void)exponent;
    return 0;
#else
    static const long double tens[] = {1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,
                                       1e7L,  1e8L,  1e9L,  1e10L, 1e11L, 1e12L, 1e13L,
                                       1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L, 1e20L,
                                       1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L}; /* exact */
    const long double unsure = 0.03L;
    if (value < 1e-10 || value > 1e42)
        return 0;
    int binary;
    double mantissa = frexp(value, &binary);
    int first = (int)floor((binary - 1) * 0.30102999566398120); /* its exponent, or one too low */
    if (first < -11 || first > 42)
        return 0; /* cannot be */
    long double scaled = first > 16 ? value / tens[first - 16] : value * tens[16 - first];
    if (scaled >= 1e17L) {
        first++;
        scaled = first > 16 ? value / tens[first - 16] : value * tens[16 - first];
    }
    if (mantissa == 0.5) /* the neighbours are not equally far */
        return 0;
    long double half_step = scaled / (mantissa * 0x1p54L); /* half the way to the next double */
    for (int count = 15; count <= 17; count++) {
        long double unit = tens[17 - count], whole = floorl(scaled / unit + 0.5L);
        long double off = fabsl(whole * unit - scaled);
        if (off > half_step + unsure)
            continue;
        if (off > half_step - unsure || off > unit / 2 - unsure)
            return 0;
        char text[RL_INT64_TEXT_MAX];
        int len = (int)rl_int64_format(text, (int64_t)whole), kept = len;
        while (kept > 1 && text[kept - 1] == '0')
            kept--;
        memcpy(digits, text, (size_t)kept);
        *exponent = first + len - count;
        return (size_t)kept;
    }
    return 0;
#endif
}

static size_t put_exponent(char *out, int exponent) {
    out[0] = 'e';
    out[1] = exponent < 0 ? '-' : '+';
    return 2 + rl_uint64_format(out + 2, (uint64_t)abs(exponent));
}

/* Lays the digits out as Redis 7.2 does: plain unless that takes many zeros, else "d.ddde+X". */
static size_t lay_out(char *out, const char *digits, size_t count, int exponent) {
    int last = exponent - (int)count + 1; /* the power of ten of the last digit */
    size_t whole = (size_t)exponent + 1;  /* digits before the point, where there are any */
    if (last >= 0 && abs(exponent) < (int)count + 7) {
        memcpy(out, digits, count);
        memset(out + count, '0', whole - count);
        return whole;
    }
    if (last < 0 && exponent < 0 && (last > -7 || exponent > -4)) {
        size_t zeros = (size_t)-exponent - 1;
        memcpy(out, "0.00000", 7);
        memcpy(out + 2 + zeros, digits, count);
        return 2 + zeros + count;
    }
    bool plain = last < 0 && exponent >= 0 && (last > -7 || exponent < 4);
    if (!plain)
        whole = 1;
    memcpy(out, digits, whole);
    if (count == whole)
        return whole + put_exponent(out + whole, exponent);
    out[whole] = '.';
    memcpy(out + whole + 1, digits + whole, count - whole);
    return count + 1 + (plain ? 0 : put_exponent(out + count + 1, exponent));
}

size_t rl_double_format(char *out, double value) {
    const double large_integer = 4611686018427387904.0; /* 2^62 */
    if (isnan(value))
        return put_text(out, "nan");
    if (isinf(value))
        return put_text(out, value > 0 ? "inf" : "-inf");
    if (value == 0)
        return put_text(out, signbit(value) ? "-0" : "0");
    if (fabs(value) <= large_integer && (double)(int64_t)value == value)
        return rl_int64_format(out, (int64_t)value);
    size_t sign = value < 0;
    if (sign)
        out[0] = '-';
    char digits[17];
    int exponent;
    size_t count = few_decimals(fabs(value), digits, &exponent);
    if (count == 0)
        count = quick_digits(fabs(value), digits, &exponent);
    if (count == 0)
        count = shortest_digits(fabs(value), digits, &exponent);
    return sign + lay_out(out + sign, digits, count, exponent);
}

size_t rl_long_double_format_human(char *out, long double value) {
    if (isnan(value))
        return put_text(out, "nan");
    if (isinf(value))
        return put_text(out, value > 0 ? "inf" : "-inf");
    int written = snprintf(out, RL_DOUBLE_TEXT_MAX, "%.17Lf", value);
    size_t len = (size_t)written; /* LDBL_MAX has 4,933 digits before the point: it fits */
    while (out[len - 1] == '0')
        len--;
    if (out[len - 1] == '.')
        len--;
    if (len == 2 && out[0] == '-' && out[1] == '0')
        return put_text(out, "0");
    return len;
}

/* ---- amounts of memory ---- */

bool rl_memory_parse(rl_bytes text, uint64_t *out) {
    static const struct {
        const char *name;
        uint64_t factor;
    } units[] = {
        {"", 1},
        {"b", 1},
        {"k", 1000},
        {"kb", 1024},
        {"m", 1000 * 1000},
        {"mb", 1024 * 1024},
        {"g", 1000 * 1000 * 1000},
        {"gb", 1024 * 1024 * 1024},
    };
    size_t digits = 0;
    uint64_t amount = 0;
    for (; digits < text.len; digits++) {
        unsigned digit = (unsigned char)text.ptr[digits] - (unsigned)'0';
        if (digit > 9)
            break;
        if (__builtin_mul_overflow(amount, (uint64_t)10, &amount) ||
            __builtin_add_overflow(amount, (uint64_t)digit, &amount))
            return false;
    }
    if (digits == 0)
        return false;
    rl_bytes unit = rl_bytes_of(text.ptr + digits, text.len - digits);
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        uint64_t bytes;
        if (!rl_bytes_is(unit, units[i].name))
            continue;
        if (__builtin_mul_overflow(amount, units[i].factor, &bytes))
            return false;
        *out = bytes;
        return true;
    }
    return false;
}

void rl_memory_format_human(char *out, uint64_t bytes) {
    static const char units[] = "KMGTP";
    const uint64_t beyond_units = (uint64_t)1
                                  << 60; /* from here on Redis prints plain bytes again */
    if (bytes < 1024 || bytes >= beyond_units) {
        snprintf(out, 32, "%lluB", (unsigned long long)bytes);
        return;
    }
    double amount = (double)bytes / 1024;
    size_t unit = 0;
    for (; bytes >> 20; bytes >>= 10) {
        amount /= 1024;
        unit++;
    }
    snprintf(out, 32, "%.2f%c", amount, units[unit]);
}
