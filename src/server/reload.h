/* SPDX-License-Identifier: MIT */
/* DEBUG RELOAD: is what is on disk what is in memory? Loop thread. */
#ifndef RL_SERVER_RELOAD_H
#define RL_SERVER_RELOAD_H

#include "server/server.h"

/* Reads data.db as a start would and compares every key and every element with memory. Everything
 * must have been folded (rl_server_reload_ready). Returns 0, or -1 with a sentence in error that
 * names the first difference. It reads a disk on the loop: for DEBUG alone. */
int rl_server_reload(rl_server *s, rl_buffer *error);

/* True when data.db has everything; otherwise asks for what is missing. */
bool rl_server_reload_ready(rl_server *s);

#endif
