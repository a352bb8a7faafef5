/* SPDX-License-Identifier: MIT */
/* A growable run of bytes: the parts that are not on the hot path. */
#include "base/buffer.h"

#include <stdio.h>

#include "base/alloc.h"

enum { FIRST_CAP = 64 };

void rl_buffer_release(rl_buffer *b) {
    rl_free(b->ptr);
    *b = (rl_buffer){0};
}

/* Doubles, so that n appends copy O(n) bytes; asks for what the allocator would round up to anyway.
 */
void rl_buffer_grow(rl_buffer *b, size_t extra) {
    size_t need;
    if (__builtin_add_overflow(b->len, extra, &need))
        need = SIZE_MAX; /* nobody has that: rl_realloc says so and stops */
    if (need <= b->cap)
        return;
    size_t cap = b->cap <= SIZE_MAX / 4 ? b->cap * 2 : need;
    if (cap < need)
        cap = need;
    if (cap < FIRST_CAP)
        cap = FIRST_CAP;
    cap = rl_alloc_good_size(cap);
    b->ptr = rl_realloc(b->ptr, cap);
    b->cap = cap;
}

void rl_buffer_add_text(rl_buffer *b, const char *text) {
    rl_buffer_add(b, text, strlen(text));
}

void rl_buffer_vprintf(rl_buffer *b, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    char *to = rl_buffer_reserve(b, FIRST_CAP);
    size_t room = b->cap - b->len;
    int len = vsnprintf(to, room, format, args);
    if (len >= 0 && (size_t)len >= room) {
        /* One byte more than is counted: vsnprintf always terminates. */
        to = rl_buffer_reserve(b, (size_t)len + 1);
        len = vsnprintf(to, (size_t)len + 1, format, again);
    }
    va_end(again);
    if (len > 0)
        b->len += (size_t)len;
}

void rl_buffer_printf(rl_buffer *b, const char *format, ...) {
    va_list args;
    va_start(args, format);
    rl_buffer_vprintf(b, format, args);
    va_end(args);
}

/* The letter that stands for a byte after a backslash, or 0. */
static char escape_letter(unsigned char c) {
    switch (c) {
    case '\\':
    case '"':
        return (char)c;
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    case '\a':
        return 'a';
    case '\b':
        return 'b';
    default:
        return 0;
    }
}

void rl_buffer_add_quoted(rl_buffer *b, rl_bytes bytes) {
    static const char hex[] = "0123456789abcdef";
    rl_buffer_add_char(b, '"');
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        char letter = escape_letter(c);
        if (letter) {
            rl_buffer_add(b, (char[]){'\\', letter}, 2);
        } else if (c >= 0x20 && c < 0x7f) {
            rl_buffer_add_char(b, (char)c);
        } else {
            rl_buffer_add(b, (char[]){'\\', 'x', hex[c >> 4], hex[c & 15]}, 4);
        }
    }
    rl_buffer_add_char(b, '"');
}

const char *rl_buffer_cstr(rl_buffer *b) {
    *rl_buffer_reserve(b, 1) = '\0';
    return b->ptr;
}
