/* SPDX-License-Identifier: MIT */
/* Counters behind INFO stats, commandstats, errorstats and latencystats. Loop thread. */
#ifndef RL_SERVER_STATS_H
#define RL_SERVER_STATS_H

#include <stdint.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "server/histogram.h"

typedef struct rl_command_stats {
    uint64_t calls, ticks, rejected, failed;
    rl_histogram
        *latency; /* nanoseconds; NULL until the first call, or with latency-tracking off */
} rl_command_stats;

typedef struct rl_error_stat {
    char code[32];
    uint64_t count;
} rl_error_stat;

#define RL_ERROR_STATS_MAX 128

typedef struct rl_stats {
    uint64_t commands, connections, rejected_connections;
    uint64_t expire_capped; /* turns that left keys that are over to the next one */
    uint64_t expire_ticks;  /* time spent on removing keys that are over */
    uint64_t output_limit_closed, query_limit_closed, error_replies;
    uint64_t acl_denied_auth, misconf_refused, turns;
    bool track_latency;
    uint64_t instantaneous_ops; /* a second, a moving mean of 16 samples 100 ms apart */
    double instantaneous_in_kbps, instantaneous_out_kbps;
    rl_command_stats *by_command; /* rl_command.index */
    size_t command_count;
    rl_error_stat errors[RL_ERROR_STATS_MAX];
    size_t error_count;
    struct {
        uint64_t last, samples[16];
        int64_t last_ms;
    } rate[3]; /* commands, bytes in, bytes out */
    unsigned rate_next;
} rl_stats;

/* Adds a call's time to the command's histogram, when latency-tracking is on. */
static inline void rl_stats_time(const rl_stats *s, rl_command_stats *c, uint64_t ticks) {
    if (!s->track_latency)
        return;
    if (c->latency == NULL)
        c->latency = rl_calloc(1, sizeof *c->latency);
    rl_histogram_add(c->latency, rl_clock_ticks_to_ns(ticks));
}

rl_stats *rl_stats_create(size_t command_count);
void rl_stats_free(rl_stats *s);
void rl_stats_reset(rl_stats *s); /* CONFIG RESETSTAT */
void rl_stats_count_error(rl_stats *s, rl_bytes code);
/* Every 100 ms, with the totals so far. */
void rl_stats_sample(rl_stats *s, int64_t now_ms, uint64_t bytes_in, uint64_t bytes_out);

#endif
