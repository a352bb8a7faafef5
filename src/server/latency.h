/* SPDX-License-Identifier: MIT */
/* LATENCY: spikes by event, the last 160 of each, one a second at most. Off while the threshold is
 * 0. Loop thread. */
#ifndef RL_SERVER_LATENCY_H
#define RL_SERVER_LATENCY_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define RL_LATENCY_SAMPLES 160

typedef struct rl_latency rl_latency;
typedef struct rl_latency_event {
    char name[32];
    uint32_t max_ms;
    size_t count, next; /* ring */
    struct {
        int64_t at_s;
        uint32_t took_ms;
    } samples[RL_LATENCY_SAMPLES];
} rl_latency_event;

rl_latency *rl_latency_create(void);
void rl_latency_free(rl_latency *l);
/* Adds a sample when took_ms >= threshold_ms > 0. */
void rl_latency_add(rl_latency *l, uint64_t threshold_ms, const char *event, int64_t at_s,
                    uint64_t took_ms);
size_t rl_latency_count(const rl_latency *l);
const rl_latency_event *rl_latency_at(const rl_latency *l, size_t i); /* in order of name */
const rl_latency_event *rl_latency_find(const rl_latency *l, rl_bytes name);
/* Forgets one event or (name.ptr NULL) all; returns how many. */
size_t rl_latency_reset(rl_latency *l, rl_bytes name);

#endif
