/* SPDX-License-Identifier: MIT */
/*
 * INFO: sections of "field:value" lines, one function a section, in the names and order that
 * clients, GUIs and exporters read. Loop thread.
 */
#ifndef RL_SERVER_INFO_H
#define RL_SERVER_INFO_H

#include "base/buffer.h"
#include "server/server.h"

/* The version we claim to be compatible with; clients compare it. */
#define RL_REDIS_VERSION "7.2.4"

/* names: as INFO takes them (default, all, everything, or section names); none: default. */
void rl_info_write(rl_server *s, const rl_bytes *names, int count, rl_buffer *out);

#endif
