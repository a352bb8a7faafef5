/* SPDX-License-Identifier: MIT */
/*
 * Feeds the request reader pieces of an input, the way a connection does: what was not consumed is
 * handed over again, in front of what follows, from memory of exactly that size. What was read is
 * written down as text, so that two ways of cutting the same input can be compared. For the unit
 * test and the fuzz target, so plain C without a test library.
 */
#ifndef RL_TESTS_LIB_READER_PIECES_H
#define RL_TESTS_LIB_READER_PIECES_H

#include <stdlib.h>

#include "base/alloc.h"
#include "resp/reader.h"

#define PIECES_WINDOW_MAX 32

typedef struct pieces {
    rl_reader reader;
    rl_reader_limits limits;
    int window;       /* requests read ahead */
    int rewind_every; /* each so many windows, only half of one is run and the rest rewound; 0:
                         never */
    int windows;
    char *held;
    size_t held_len;
    rl_buffer text; /* what was read */
    bool failed;
} pieces;

static inline void pieces_init(pieces *p, rl_reader_limits limits, int window, int rewind_every) {
    *p = (pieces){.limits = limits, .window = window, .rewind_every = rewind_every};
    rl_reader_init(&p->reader);
}

static inline void pieces_release(pieces *p) {
    rl_reader_release(&p->reader);
    rl_buffer_release(&p->text);
    free(p->held);
}

static inline void pieces_note(pieces *p, const rl_request *request) {
    const rl_bytes *args = rl_reader_args(&p->reader, request);
    rl_buffer_printf(&p->text, "%d:", request->argc);
    for (int i = 0; i < request->argc; i++) {
        rl_buffer_add_char(&p->text, ' ');
        rl_buffer_add_quoted(&p->text, args[i]);
    }
    rl_buffer_add_char(&p->text, '\n');
}

/* Reads one window and runs it, or half of it. False when there is nothing more to read now. */
static inline bool pieces_window(pieces *p, size_t *consumed) {
    rl_request requests[PIECES_WINDOW_MAX];
    rl_reader_result result = RL_READER_REQUEST;
    size_t offset = 0;
    int count = 0;
    while (count < p->window) {
        result = rl_reader_next(&p->reader, &p->limits, p->held + *consumed,
                                p->held_len - *consumed, &offset, &requests[count]);
        if (result != RL_READER_REQUEST)
            break;
        count++;
    }
    bool half = p->rewind_every && ++p->windows % p->rewind_every == 0 && count > 1;
    int run = half ? count / 2 : count;
    for (int i = 0; i < run; i++)
        pieces_note(p, &requests[i]);
    size_t done = run ? requests[run - 1].end : 0;
    if (result == RL_READER_ERROR && !half) {
        p->failed = true;
        rl_buffer_printf(&p->text, "error: %s\n", rl_reader_error(&p->reader));
        return false;
    }
    if (half)
        rl_reader_rewind(&p->reader);
    else
        rl_reader_clear(&p->reader, done);
    *consumed += done;
    return half || result == RL_READER_REQUEST;
}

static inline void pieces_feed(pieces *p, const char *bytes, size_t len) {
    if (p->failed)
        return;
    char *all = malloc(p->held_len + len + (p->held_len + len == 0));
    if (!all)
        abort();
    if (p->held_len)
        memcpy(all, p->held, p->held_len);
    if (len)
        memcpy(all + p->held_len, bytes, len);
    free(p->held);
    p->held = all;
    p->held_len += len;
    size_t consumed = 0;
    while (pieces_window(p, &consumed))
        ;
    /* What is left starts an allocation of its own: reading in front of it is found out. */
    size_t left = p->held_len - consumed;
    char *rest = malloc(left + (left == 0));
    if (!rest)
        abort();
    memcpy(rest, p->held + consumed, left);
    free(p->held);
    p->held = rest;
    p->held_len = left;
}

#endif
