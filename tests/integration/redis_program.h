/* SPDX-License-Identifier: MIT */
/* A redis-server beside ours, on a Unix socket alone. Every function fails the test when it cannot
 * do its work. */
#ifndef RL_TESTS_INTEGRATION_REDIS_PROGRAM_H
#define RL_TESTS_INTEGRATION_REDIS_PROGRAM_H

#include <hiredis/hiredis.h>
#include <sys/types.h>

/* Starts one that keeps nothing; it ends with the test. */
pid_t redis_begin(const char *sock, const char *dir);
/* Waits until it listens. */
redisContext *redis_connect(const char *sock, pid_t pid);
void redis_end(pid_t pid);

#endif
