/* SPDX-License-Identifier: MIT */
/* The parts of DEBUG that have files of their own. */
#ifndef RL_COMMANDS_DEBUG_H
#define RL_COMMANDS_DEBUG_H

#include "server/command.h"
#include "store/store.h"

void rl_cmd_debug_protocol(rl_ctx *c);
void rl_cmd_debug_digest(rl_ctx *c);
void rl_cmd_debug_digest_value(rl_ctx *c);

/* Bytes that the value would take in a dump. O(elements). */
size_t rl_cmd_serialized_length(const rl_entry *e);
/* Every element of a collection; a list's in order, with positions from 0. Bytes are valid during
 * the call. */
void rl_cmd_each_element(const rl_entry *e,
                         void (*each)(void *arg, const rl_store_element *element), void *arg);

#endif
