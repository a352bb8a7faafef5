/* SPDX-License-Identifier: MIT */
/*
 * What a load needs of memcached's meta commands: "ms KEY BYTES [TTTL]" with a value, answered by
 * HD, and "mg KEY v", answered by "VA BYTES" with the value or by EN. Keys and values are those
 * that the other protocol carries.
 */
#ifndef BENCH_MEMCACHED_H
#define BENCH_MEMCACHED_H

#include "wire.h"

static inline void memcached_put_get(struct wire_buffer *out, const char *prefix, uint64_t key) {
    char text[WIRE_KEY_MAX * 2];
    wire_put(out, text,
             (size_t)snprintf(text, sizeof text, "mg %s%0*llu v\r\n", prefix, WIRE_KEY_DIGITS,
                              (unsigned long long)key));
}

/* The line of a set; its value is to follow. ttl_s 0: for good. */
static inline void memcached_put_set(struct wire_buffer *out, const char *prefix, uint64_t key,
                                     uint64_t value_bytes, uint64_t ttl_s) {
    char text[WIRE_KEY_MAX * 2];
    int len = snprintf(text, sizeof text, "ms %s%0*llu %llu", prefix, WIRE_KEY_DIGITS,
                       (unsigned long long)key, (unsigned long long)value_bytes);
    if (ttl_s)
        len += snprintf(text + len, sizeof text - (size_t)len, " T%llu", (unsigned long long)ttl_s);
    wire_put(out, text, (size_t)len);
    wire_put(out, "\r\n", 2);
}

static inline void memcached_put_value(struct wire_buffer *out, const char *letters,
                                       size_t value_bytes, uint64_t *random) {
    wire_put(out, letters + wire_random_below(random, WIRE_LETTERS), value_bytes);
    wire_put(out, "\r\n", 2);
}

/* As wire_take_reply: '+' stored, '$' a value, '_' no value, 0 not complete. Anything else ends the
 * program. */
static inline char memcached_take_reply(struct wire_buffer *in) {
    const char *at = in->data + in->start;
    size_t have = in->end - in->start;
    const char *line_end = have ? memchr(at, '\n', have) : NULL;
    if (!line_end)
        return 0;
    size_t used = (size_t)(line_end - at) + 1;
    char kind = !memcmp(at, "HD", 2) ? '+' : !memcmp(at, "EN", 2) ? '_' : '$';
    if (kind == '$') {
        if (memcmp(at, "VA ", 3) != 0) {
            fprintf(stderr, "unexpected reply: %.*s\n", (int)used - 2, at);
            exit(1);
        }
        used += strtoul(at + 3, NULL, 10) + 2;
        if (used > have)
            return 0;
    }
    in->start += used;
    return kind;
}

#endif
