/* SPDX-License-Identifier: MIT */
/*
 * Numbers to text and back, by the protocol's rules: no locale, no blanks, no leading zeros or plus
 * signs where Redis refuses them. Any thread.
 */
#ifndef RL_BASE_NUMBER_H
#define RL_BASE_NUMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

#define RL_INT64_TEXT_MAX  21 /* "-9223372036854775808" and a zero */
#define RL_DOUBLE_TEXT_MAX (5 * 1024)

/* Writes a decimal without terminator and returns its length (at most 20). */
size_t rl_int64_format(char *out, int64_t value);
size_t rl_uint64_format(char *out, uint64_t value);

/* The canonical decimal form only ("12", "-3", "0"; not "+1", "01", "-0", " 1", ""): that is what
 * Redis calls an integer. False otherwise or out of range; *out is then untouched. */
bool rl_int64_parse(rl_bytes text, int64_t *out);
bool rl_uint64_parse(rl_bytes text, uint64_t *out);

/* A double as Redis reads one: the whole text, "inf"/"-inf"/"infinity" in any case, hex and
 * exponents as strtod does, no blanks in front, not NaN, not out of range. */
bool rl_double_parse(rl_bytes text, double *out);
bool rl_long_double_parse(rl_bytes text, long double *out);

/* The shortest text that reads back as the same double, in the form of Redis 7.2 ("3", "0.1",
 * "1e+21", "1e-7", "inf"); whole numbers up to 2^62 with all their digits. Returns its length; out
 * holds at least 40 bytes. */
size_t rl_double_format(char *out, double value);

/* INCRBYFLOAT's form: 17 digits after the point, trailing zeros and a bare point removed, never an
 * exponent. Returns the length; out holds at least RL_DOUBLE_TEXT_MAX bytes. */
size_t rl_long_double_format_human(char *out, long double value);

/* "64mb", "1gb", "1k" (1000), "1kb" (1024), "100": redis.conf's memory units, any case. */
bool rl_memory_parse(rl_bytes text, uint64_t *out);
/* "1.50M", "12.00K", "512B": INFO's *_human form. out holds at least 32 bytes; terminated. */
void rl_memory_format_human(char *out, uint64_t bytes);

#endif
