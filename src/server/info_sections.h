/* SPDX-License-Identifier: MIT */
/*
 * The sections of INFO, one function each: appends its heading and "field:value" lines. For info*.c
 * alone. They look at numbers in memory and at what the system tells without a disk. Loop thread.
 */
#ifndef RL_SERVER_INFO_SECTIONS_H
#define RL_SERVER_INFO_SECTIONS_H

#include "server/info.h"

void rl_info_memory(rl_server *s, rl_buffer *out);
void rl_info_persistence(rl_server *s, rl_buffer *out);
void rl_info_sql(rl_server *s, rl_buffer *out);
void rl_info_stats(rl_server *s, rl_buffer *out);
void rl_info_commandstats(rl_server *s, rl_buffer *out);
void rl_info_errorstats(rl_server *s, rl_buffer *out);
void rl_info_latencystats(rl_server *s, rl_buffer *out);

/* A line of a number. */
void rl_info_count(rl_buffer *out, const char *name, uint64_t value);

#endif
