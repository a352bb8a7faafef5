/* SPDX-License-Identifier: MIT */
/*
 * Reads requests (RESP arrays of bulk strings, and inline commands) out of a connection's input,
 * without copying their arguments. Format: https://redis.io/docs/reference/protocol-spec/
 *
 * The reader is handed the same unconsumed bytes again, in front of what arrived since; it
 * remembers how far it got in an incomplete request, so a request that comes in a thousand pieces
 * is scanned once. Several requests can be read before the first runs (a window): their arguments
 * all stay valid until rl_reader_clear, as long as the bytes do.
 *
 * Errors poison the reader: the text is kept, and every later call returns it. Not for sharing
 * between threads.
 */
#ifndef RL_RESP_READER_H
#define RL_RESP_READER_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/bytes.h"

#define RL_READER_INLINE_MAX (64 * 1024) /* an inline request, or the line of a count */

typedef struct rl_reader_limits {
    uint64_t max_bulk_bytes; /* proto-max-bulk-len */
    bool authenticated;      /* before: at most 10 arguments of at most 16 KiB */
} rl_reader_limits;

typedef enum rl_reader_result {
    RL_READER_REQUEST, /* *out is a request (argc 0: an empty one, to be skipped) */
    RL_READER_MORE,    /* incomplete; rl_reader_expected tells how many bytes it needs at least */
    RL_READER_ERROR,   /* rl_reader_error */
} rl_reader_result;

typedef struct rl_request {
    uint32_t first; /* of its arguments, in rl_reader_args */
    int argc;
    size_t end; /* offset behind it in the bytes handed in */
} rl_request;

typedef struct rl_reader {
    rl_bytes *args; /* of all requests of the window, then of the incomplete one */
    uint32_t count, capacity, window;
    const char *base;   /* where the bytes were that `args` of the incomplete request point into */
    size_t start, pos;  /* of the incomplete request: where it starts, how far it is read */
    int64_t bulks_left; /* -1: its first byte was not read yet */
    int64_t bulk_len;   /* -1: the next is a bulk's header */
    rl_buffer *inlined; /* decoded inline requests of the window */
    size_t inlined_count;
    char error[96];
} rl_reader;

void rl_reader_init(rl_reader *r);
void rl_reader_release(rl_reader *r);

/* Reads the next request of bytes[*offset, len) and moves *offset behind it. */
rl_reader_result rl_reader_next(rl_reader *r, const rl_reader_limits *limits, const char *bytes,
                                size_t len, size_t *offset, rl_request *out);
/* Ends the window: forgets the arguments of all complete requests. `consumed` bytes will not be
 * handed in again. */
void rl_reader_clear(rl_reader *r, size_t consumed);
/* Forgets what was read ahead but is not going to run (parsing starts over at the bytes not
 * consumed). */
void rl_reader_rewind(rl_reader *r);

static inline const rl_bytes *rl_reader_args(const rl_reader *r, const rl_request *q) {
    return q->argc ? r->args + q->first : NULL;
}
/* The size of the unconsumed input at which the incomplete request can be complete; 0 when not
 * known. */
size_t rl_reader_expected(const rl_reader *r);
/* "Protocol error: …", without prefix. */
const char *rl_reader_error(const rl_reader *r);
size_t rl_reader_memory(const rl_reader *r);

#endif
