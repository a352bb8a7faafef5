/* SPDX-License-Identifier: MIT */
/* The part of DEBUG that has a file of its own. */
#ifndef RL_COMMANDS_DEBUG_H
#define RL_COMMANDS_DEBUG_H

#include "server/command.h"

void rl_cmd_debug_protocol(rl_ctx *c);

#endif
