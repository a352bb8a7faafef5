/* SPDX-License-Identifier: MIT */
/*
 * Items of a reply that are collected before it is written, because it begins with their number.
 * Zeroed is empty. Loop thread.
 */
#ifndef RL_COMMANDS_BULKS_H
#define RL_COMMANDS_BULKS_H

#include "base/buffer.h"
#include "server/command.h"

typedef struct rl_bulks {
    size_t count;
    rl_buffer encoded;
} rl_bulks;

void rl_bulks_add(rl_bulks *b, rl_bytes item); /* copied */
/* Writes them behind the head that the caller has written, and releases. */
void rl_bulks_reply(rl_ctx *c, rl_bulks *b);

#endif
