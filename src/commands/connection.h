/* SPDX-License-Identifier: MIT */
/* Shared by connection.c and client.c. */
#ifndef RL_COMMANDS_CONNECTION_H
#define RL_COMMANDS_CONNECTION_H

#include "server/server.h"

/* Names the client, or answers why not and returns false. */
bool rl_cmd_set_client_name(rl_ctx *c, rl_bytes name);

#endif
