/* SPDX-License-Identifier: MIT */
/* Lengths in memory: seven bits a byte, lowest first, the top bit says that more follow. */
#ifndef RL_TYPES_VARINT_H
#define RL_TYPES_VARINT_H

#include <stddef.h>
#include <stdint.h>

#define TYPES_VARINT_MAX 10

static inline size_t types_varint_size(uint64_t value) {
    size_t size = 1;
    for (; value >= 0x80; value >>= 7)
        size++;
    return size;
}

static inline char *types_varint_write(char *to, uint64_t value) {
    for (; value >= 0x80; value >>= 7)
        *to++ = (char)(uint8_t)(value | 0x80);
    *to++ = (char)(uint8_t)value;
    return to;
}

/* Returns the place behind it. */
static inline const char *types_varint_read(const char *from, uint64_t *value) {
    uint8_t byte = (uint8_t)*from++;
    *value = byte & 0x7f;
    for (int shift = 7; byte & 0x80; shift += 7) {
        byte = (uint8_t)*from++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
    }
    return from;
}

static inline const char *types_varint_skip(const char *from) {
    while ((uint8_t)*from++ & 0x80)
        ;
    return from;
}

#endif
