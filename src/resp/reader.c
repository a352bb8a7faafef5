/* SPDX-License-Identifier: MIT */
/*
 * The request reader. A request is scanned once, left to right; the state between two calls is
 * (start, pos, bulks_left, bulk_len) and the arguments found so far. Invariants:
 *   1. start <= pos <= the length handed in;
 *   2. args[0, window) belong to complete requests, args[window, count) to the incomplete one;
 *   3. bulks_left = -1 exactly when nothing of the incomplete request was read;
 *   4. pointers in args[window, count) are relative to `base`, and are moved when the bytes were.
 */
#include "resp/reader.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/text.h"

#define ARGS_KEPT            1024 /* an argument vector larger than this is not kept between windows */
#define UNAUTHENTICATED_ARGS 10
#define UNAUTHENTICATED_BULK (16 * 1024)

void rl_reader_init(rl_reader *r) {
    *r = (rl_reader){.bulks_left = -1, .bulk_len = -1};
}

static void inlined_release(rl_reader *r) {
    for (size_t i = 0; i < r->inlined_count; i++)
        rl_buffer_release(&r->inlined[i]);
    rl_free(r->inlined);
    r->inlined = NULL;
    r->inlined_count = 0;
}

void rl_reader_release(rl_reader *r) {
    inlined_release(r);
    rl_free(r->args);
    rl_reader_init(r);
}

static rl_reader_result fail(rl_reader *r, const char *text) {
    snprintf(r->error, sizeof r->error, "Protocol error: %s", text);
    return RL_READER_ERROR;
}

static void args_grow(rl_reader *r) {
    r->capacity = r->capacity ? r->capacity * 2 : 16;
    r->args = rl_realloc(r->args, r->capacity * sizeof *r->args);
}

static inline void arg_add(rl_reader *r, const char *ptr, size_t len) {
    if (r->count == r->capacity)
        args_grow(r);
    r->args[r->count++] = rl_bytes_of(ptr, len);
}

/* The bytes moved: so do the arguments of the incomplete request. */
static void rebase(rl_reader *r, const char *bytes) {
    if (r->base != bytes) {
        for (uint32_t i = r->window; i < r->count; i++)
            r->args[i].ptr = bytes + (r->args[i].ptr - r->base);
        r->base = bytes;
    }
}

static rl_reader_result complete(rl_reader *r, size_t *offset, rl_request *out) {
    *out = (rl_request){r->window, (int)(r->count - r->window), r->pos};
    r->window = r->count;
    r->start = *offset = r->pos;
    r->bulks_left = -1;
    r->bulk_len = -1;
    return RL_READER_REQUEST;
}

/* Asked of a line whether or not its end is there yet, so that it does not matter in which pieces
 * it came. */
static inline bool line_too_long(size_t len) {
    return len > RL_READER_INLINE_MAX;
}

/*
 * Reads "<digits>\r\n" at pos (the type byte is behind us). 1: *value, pos behind it; 0:
 * incomplete; -1: not a number; -2: the line is too long. Redis looks for \r only, and skips two
 * bytes; so do we.
 */
static int count_read(rl_reader *r, const char *bytes, size_t len, int64_t *value) {
    size_t i = r->pos + 1;
    uint64_t n = 0;
    /* The usual count: one to nine digits and \r\n, all there. */
    while (i < len && i < r->pos + 10 && bytes[i] >= '0' && bytes[i] <= '9')
        n = n * 10 + (uint64_t)(bytes[i++] - '0');
    if (i + 1 < len && bytes[i] == '\r' && i > r->pos + 1 &&
        (bytes[r->pos + 1] != '0' || i == r->pos + 2)) {
        *value = (int64_t)n;
        r->pos = i + 2;
        return 1;
    }
    const char *text = bytes + r->pos + 1;
    const char *end = memchr(text, '\r', len - r->pos - 1);
    if (line_too_long(end ? (size_t)(end + 1 - bytes) - r->pos : len - r->pos))
        return -2;
    if (end == NULL || end + 1 >= bytes + len)
        return 0;
    if (!rl_int64_parse(rl_bytes_of(text, (size_t)(end - text)), value))
        return -1;
    r->pos = (size_t)(end - bytes) + 2;
    return 1;
}

static rl_reader_result inline_read(rl_reader *r, const char *bytes, size_t len, size_t *offset,
                                    rl_request *out) {
    const char *line = bytes + r->start;
    const char *end = memchr(line, '\n', len - r->start);
    if (line_too_long(end ? (size_t)(end - line) : len - r->start))
        return fail(r, "too big inline request");
    if (end == NULL)
        return RL_READER_MORE;
    r->pos = (size_t)(end - bytes) + 1;
    size_t line_len = (size_t)(end - line);
    if (line_len && line[line_len - 1] == '\r')
        line_len--;
    rl_buffer storage = {0};
    rl_bytes *args = NULL;
    size_t count = 0;
    if (!rl_text_split(rl_bytes_of(line, line_len), &storage, &args, &count)) {
        rl_buffer_release(&storage);
        return fail(r, "unbalanced quotes in request");
    }
    for (size_t i = 0; i < count; i++)
        arg_add(r, args[i].ptr, args[i].len);
    rl_free(args);
    if (count) { /* the arguments live in storage until the window ends */
        r->inlined = rl_realloc(r->inlined, (r->inlined_count + 1) * sizeof *r->inlined);
        r->inlined[r->inlined_count++] = storage;
    } else {
        rl_buffer_release(&storage);
    }
    return complete(r, offset, out);
}

/* The "*<count>\r\n" line. */
static rl_reader_result array_start(rl_reader *r, const rl_reader_limits *limits, const char *bytes,
                                    size_t len) {
    int64_t count;
    switch (count_read(r, bytes, len, &count)) {
    case 0:
        return RL_READER_MORE;
    case -2:
        return fail(r, "too big mbulk count string");
    case -1:
        return fail(r, "invalid multibulk length");
    }
    if (count > INT32_MAX)
        return fail(r, "invalid multibulk length");
    if (count > UNAUTHENTICATED_ARGS && !limits->authenticated)
        return fail(r, "unauthenticated multibulk length");
    r->bulks_left = count > 0 ? count : 0;
    return RL_READER_REQUEST;
}

/* The "$<length>\r\n" line. */
static rl_reader_result bulk_start(rl_reader *r, const rl_reader_limits *limits, const char *bytes,
                                   size_t len) {
    int64_t bulk;
    if (r->pos >= len)
        return RL_READER_MORE;
    if (bytes[r->pos] != '$') {
        /* Redis looks for the end of the line before it looks at the type. */
        const char *end = memchr(bytes + r->pos, '\r', len - r->pos);
        if (line_too_long(end ? (size_t)(end - bytes) - r->pos : len - r->pos))
            return fail(r, "too big bulk count string");
        if (end == NULL)
            return RL_READER_MORE;
        char text[32];
        snprintf(text, sizeof text, "expected '$', got '%c'", bytes[r->pos]);
        return fail(r, text);
    }
    switch (count_read(r, bytes, len, &bulk)) {
    case 0:
        return RL_READER_MORE;
    case -2:
        return fail(r, "too big bulk count string");
    case -1:
        return fail(r, "invalid bulk length");
    }
    if (bulk < 0 || (uint64_t)bulk > limits->max_bulk_bytes)
        return fail(r, "invalid bulk length");
    if (bulk > UNAUTHENTICATED_BULK && !limits->authenticated)
        return fail(r, "unauthenticated bulk length");
    r->bulk_len = bulk;
    return RL_READER_REQUEST;
}

rl_reader_result rl_reader_next(rl_reader *r, const rl_reader_limits *limits, const char *bytes,
                                size_t len, size_t *offset, rl_request *out) {
    if (r->error[0])
        return RL_READER_ERROR;
    rebase(r, bytes);
    if (r->bulks_left < 0) {
        r->start = r->pos = *offset;
        if (r->pos >= len)
            return RL_READER_MORE;
        if (bytes[r->pos] != '*')
            return inline_read(r, bytes, len, offset, out);
        rl_reader_result got = array_start(r, limits, bytes, len);
        if (got != RL_READER_REQUEST)
            return got;
    }
    while (r->bulks_left > 0) {
        if (r->bulk_len < 0) {
            rl_reader_result got = bulk_start(r, limits, bytes, len);
            if (got != RL_READER_REQUEST)
                return got;
        }
        if (len - r->pos < (size_t)r->bulk_len + 2)
            return RL_READER_MORE;
        arg_add(r, bytes + r->pos, (size_t)r->bulk_len);
        r->pos += (size_t)r->bulk_len + 2;
        r->bulk_len = -1;
        r->bulks_left--;
    }
    return complete(r, offset, out);
}

void rl_reader_clear(rl_reader *r, size_t consumed) {
    uint32_t left = r->count - r->window;
    if (left) /* an incomplete request follows the window: its arguments move to the front */
        memmove(r->args, r->args + r->window, left * sizeof *r->args);
    r->count = left;
    r->window = 0;
    if (r->bulks_left >= 0) {
        r->start -= consumed;
        r->pos -= consumed;
        r->base += consumed;
    } else {
        r->start = r->pos = 0;
    }
    if (r->inlined)
        inlined_release(r);
    if (r->capacity > ARGS_KEPT && left == 0) {
        rl_free(r->args);
        r->args = NULL;
        r->capacity = 0;
    }
}

void rl_reader_rewind(rl_reader *r) {
    r->count = r->window = 0;
    r->start = r->pos = 0;
    r->bulks_left = r->bulk_len = -1;
    r->error[0] = '\0'; /* found while reading ahead: it will be found again in its turn */
    inlined_release(r);
}

size_t rl_reader_expected(const rl_reader *r) {
    if (r->bulks_left <= 0 || r->bulk_len < 0)
        return 0;
    return r->pos + (size_t)r->bulk_len + 2;
}

const char *rl_reader_error(const rl_reader *r) {
    return r->error;
}

size_t rl_reader_memory(const rl_reader *r) {
    return r->capacity * sizeof *r->args;
}
