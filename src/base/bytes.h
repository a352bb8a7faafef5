/* SPDX-License-Identifier: MIT */
/*
 * rl_bytes: a run of bytes somebody else owns. It may hold any byte, zero included, and is not
 * terminated. Whoever hands one out says how long it stays valid.
 */
#ifndef RL_BASE_BYTES_H
#define RL_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

typedef struct rl_bytes {
    const char *ptr;
    size_t len;
} rl_bytes;

/* A string literal as bytes, without its terminator. */
#define RL_BYTES(literal) ((rl_bytes){(literal), sizeof(literal) - 1})

static inline rl_bytes rl_bytes_of(const char *ptr, size_t len) {
    return (rl_bytes){ptr, len};
}

static inline rl_bytes rl_bytes_text(const char *text) {
    return (rl_bytes){text, strlen(text)};
}

static inline bool rl_bytes_equal(rl_bytes a, rl_bytes b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* True when `a` is the C string `text`, upper and lower case being the same. */
static inline bool rl_bytes_is(rl_bytes a, const char *text) {
    return strlen(text) == a.len && (a.len == 0 || strncasecmp(a.ptr, text, a.len) == 0);
}

/* Like memcmp, a shorter prefix comes first. */
static inline int rl_bytes_compare(rl_bytes a, rl_bytes b) {
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.ptr, b.ptr, n) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

#endif
