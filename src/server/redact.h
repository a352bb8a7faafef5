/* SPDX-License-Identifier: MIT */
/* Keeps secrets out of MONITOR and the slow log. Any thread. */
#ifndef RL_SERVER_REDACT_H
#define RL_SERVER_REDACT_H

#include "server/command.h"

#define RL_REDACT_MAX 64 /* a request with more arguments than this holds no secret we know of */

/* The arguments as they may be shown: argv itself, or `copy` with passwords replaced by
 * "(redacted)". */
const rl_bytes *rl_redact(const rl_command *command, const rl_bytes *argv, int argc,
                          rl_bytes copy[RL_REDACT_MAX]);

#endif
