/* SPDX-License-Identifier: MIT */
/*
 * A growable run of bytes. A zeroed rl_buffer is a valid empty one. Growing moves it: pointers into
 * it are dead after any call that appends. Not for sharing between threads.
 */
#ifndef RL_BASE_BUFFER_H
#define RL_BASE_BUFFER_H

#include <stdarg.h>
#include <stdint.h>

#include "base/bytes.h"

typedef struct rl_buffer {
    char *ptr;
    size_t len;
    size_t cap;
} rl_buffer;

void rl_buffer_release(rl_buffer *b);              /* frees the memory; empty and usable again */
static inline void rl_buffer_clear(rl_buffer *b) { /* keeps the memory */
    b->len = 0;
}
void rl_buffer_grow(rl_buffer *b, size_t extra); /* the slow half of reserve */

/* Makes room for `extra` more bytes and returns where they start. */
static inline char *rl_buffer_reserve(rl_buffer *b, size_t extra) {
    if (b->cap - b->len < extra)
        rl_buffer_grow(b, extra);
    return b->ptr + b->len;
}

static inline void rl_buffer_add(rl_buffer *b, const void *bytes, size_t len) {
    if (len == 0)
        return;
    memcpy(rl_buffer_reserve(b, len), bytes, len);
    b->len += len;
}

static inline void rl_buffer_add_bytes(rl_buffer *b, rl_bytes bytes) {
    rl_buffer_add(b, bytes.ptr, bytes.len);
}

static inline void rl_buffer_add_char(rl_buffer *b, char c) {
    *rl_buffer_reserve(b, 1) = c;
    b->len++;
}

void rl_buffer_add_text(rl_buffer *b, const char *text);
void rl_buffer_printf(rl_buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void rl_buffer_vprintf(rl_buffer *b, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
/* Appends a quoted, escaped form: "a\r\n\x01". As Redis shows arguments in MONITOR and CLIENT. */
void rl_buffer_add_quoted(rl_buffer *b, rl_bytes bytes);
/* Terminates with a zero that is not counted, and returns the start. */
const char *rl_buffer_cstr(rl_buffer *b);

static inline rl_bytes rl_buffer_bytes(const rl_buffer *b) {
    return rl_bytes_of(b->ptr, b->len);
}

#endif
