/* SPDX-License-Identifier: MIT */
/* The slow log: the last commands that took longer than slowlog-log-slower-than. Loop thread. */
#ifndef RL_SERVER_SLOWLOG_H
#define RL_SERVER_SLOWLOG_H

#include <stdint.h>

#include "base/bytes.h"

typedef struct rl_slowlog rl_slowlog;

typedef struct rl_slow_entry {
    int64_t id, at_s, took_us;
    int argc;
    rl_bytes *argv; /* as Redis shortens them: at most 32, of at most 128 bytes each */
    char *peer, *name;
} rl_slow_entry;

rl_slowlog *rl_slowlog_create(void);
void rl_slowlog_free(rl_slowlog *l);
void rl_slowlog_add(rl_slowlog *l, uint64_t max_len, int64_t at_s, int64_t took_us,
                    const rl_bytes *argv, int argc, const char *peer, const char *name);
size_t rl_slowlog_count(const rl_slowlog *l);
const rl_slow_entry *rl_slowlog_at(const rl_slowlog *l,
                                   size_t i); /* 0: the newest; NULL beyond the end */
void rl_slowlog_reset(rl_slowlog *l);

#endif
