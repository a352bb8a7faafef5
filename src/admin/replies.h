/* SPDX-License-Identifier: MIT */
/*
 * Counts replies in a stream of them (RESP2 and RESP3), and finds the errors; keeps no values. The
 * stream may come in pieces of any size; memory is bounded by the longest line kept. One thread.
 */
#ifndef RL_ADMIN_REPLIES_H
#define RL_ADMIN_REPLIES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

#define ADMIN_REPLY_LINE  512 /* of a line, this much is kept; enough for errors and all lengths */
#define ADMIN_REPLY_DEPTH 32

typedef struct admin_replies {
    /* Of each error, also of those inside an array (EXEC): `number` is the reply's, from 1. May be
     * NULL. */
    void (*on_error)(void *arg, uint64_t number, rl_bytes text);
    void *arg;
    uint64_t count;  /* whole replies so far; pushed messages (">") are no replies */
    uint64_t failed; /* of these: with an error, or errors, in them */

    uint64_t left[ADMIN_REPLY_DEPTH]; /* elements that are to come, by depth */
    int depth;
    bool pushed, has_error;
    uint64_t skip; /* bytes of a bulk and its line end */
    char line[ADMIN_REPLY_LINE];
    size_t line_len;
    bool broken;
} admin_replies;

/* Reads the next bytes; false when they are no replies (and ever after). */
bool admin_replies_feed(admin_replies *r, const char *bytes, size_t len);

#endif
