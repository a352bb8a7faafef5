/* SPDX-License-Identifier: MIT */
/* Counters. See stats.h. */
#include "server/stats.h"

rl_stats *rl_stats_create(size_t command_count) {
    rl_stats *s = rl_calloc(1, sizeof *s);
    s->by_command = rl_calloc(command_count, sizeof *s->by_command);
    s->command_count = command_count;
    return s;
}

static void commands_clear(rl_stats *s) {
    for (size_t i = 0; i < s->command_count; i++)
        rl_free(s->by_command[i].latency);
}

void rl_stats_free(rl_stats *s) {
    if (!s)
        return;
    commands_clear(s);
    rl_free(s->by_command);
    rl_free(s);
}

void rl_stats_reset(rl_stats *s) {
    commands_clear(s);
    memset(s->by_command, 0, s->command_count * sizeof *s->by_command);
    rl_stats fresh = {.by_command = s->by_command,
                      .command_count = s->command_count,
                      .track_latency = s->track_latency,
                      .turns = s->turns};
    *s = fresh;
}

void rl_stats_count_error(rl_stats *s, rl_bytes code) {
    s->error_replies++;
    for (size_t i = 0; i < s->error_count; i++) {
        if (rl_bytes_equal(rl_bytes_text(s->errors[i].code), code)) {
            s->errors[i].count++;
            return;
        }
    }
    if (s->error_count == RL_ERROR_STATS_MAX || code.len >= sizeof s->errors[0].code)
        return;
    rl_error_stat *e = &s->errors[s->error_count++];
    memcpy(e->code, code.ptr, code.len);
    e->code[code.len] = '\0';
    e->count = 1;
}

static double rate_of(rl_stats *s, int which, uint64_t total, int64_t now_ms) {
    int64_t took_ms = now_ms - s->rate[which].last_ms;
    uint64_t delta = total >= s->rate[which].last ? total - s->rate[which].last : 0, sum = 0;
    if (s->rate[which].last_ms == 0)
        delta = 0; /* the first sample has nothing to compare with */
    s->rate[which].samples[s->rate_next] = took_ms > 0 ? delta * 1000 / (uint64_t)took_ms : 0;
    s->rate[which].last = total;
    s->rate[which].last_ms = now_ms;
    for (int i = 0; i < 16; i++)
        sum += s->rate[which].samples[i];
    return (double)sum / 16;
}

void rl_stats_sample(rl_stats *s, int64_t now_ms, uint64_t bytes_in, uint64_t bytes_out) {
    s->instantaneous_ops = (uint64_t)rate_of(s, 0, s->commands, now_ms);
    s->instantaneous_in_kbps = rate_of(s, 1, bytes_in, now_ms) / 1024;
    s->instantaneous_out_kbps = rate_of(s, 2, bytes_out, now_ms) / 1024;
    s->rate_next = (s->rate_next + 1) % 16;
}
