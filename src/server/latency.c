/* SPDX-License-Identifier: MIT */
/* Latency spikes. See latency.h. */
#include "server/latency.h"

#include "base/alloc.h"

#define EVENTS_MAX 32

struct rl_latency {
    rl_latency_event *events[EVENTS_MAX]; /* in order of name */
    size_t count;
};

rl_latency *rl_latency_create(void) {
    return rl_calloc(1, sizeof(rl_latency));
}

void rl_latency_free(rl_latency *l) {
    if (l)
        rl_latency_reset(l, rl_bytes_of(NULL, 0));
    rl_free(l);
}

static rl_latency_event *event_of(rl_latency *l, const char *name) {
    size_t i = 0;
    while (i < l->count && strcmp(l->events[i]->name, name) < 0)
        i++;
    if (i < l->count && strcmp(l->events[i]->name, name) == 0)
        return l->events[i];
    if (l->count == EVENTS_MAX || strlen(name) >= sizeof l->events[0]->name)
        return NULL;
    rl_latency_event *e = rl_calloc(1, sizeof *e);
    memcpy(e->name, name, strlen(name));
    memmove(&l->events[i + 1], &l->events[i], (l->count - i) * sizeof *l->events);
    l->events[i] = e;
    l->count++;
    return e;
}

void rl_latency_add(rl_latency *l, uint64_t threshold_ms, const char *event, int64_t at_s,
                    uint64_t took_ms) {
    if (threshold_ms == 0 || took_ms < threshold_ms)
        return;
    rl_latency_event *e = event_of(l, event);
    if (e == NULL)
        return;
    uint32_t took = took_ms < UINT32_MAX ? (uint32_t)took_ms : UINT32_MAX;
    if (took > e->max_ms)
        e->max_ms = took;
    size_t last = (e->next + RL_LATENCY_SAMPLES - 1) % RL_LATENCY_SAMPLES;
    if (e->count && e->samples[last].at_s == at_s) { /* one a second: the worst of it */
        if (took > e->samples[last].took_ms)
            e->samples[last].took_ms = took;
        return;
    }
    e->samples[e->next].at_s = at_s;
    e->samples[e->next].took_ms = took;
    e->next = (e->next + 1) % RL_LATENCY_SAMPLES;
    if (e->count < RL_LATENCY_SAMPLES)
        e->count++;
}

size_t rl_latency_count(const rl_latency *l) {
    return l->count;
}

const rl_latency_event *rl_latency_at(const rl_latency *l, size_t i) {
    return i < l->count ? l->events[i] : NULL;
}

const rl_latency_event *rl_latency_find(const rl_latency *l, rl_bytes name) {
    for (size_t i = 0; i < l->count; i++)
        if (rl_bytes_equal(rl_bytes_text(l->events[i]->name), name))
            return l->events[i];
    return NULL;
}

size_t rl_latency_reset(rl_latency *l, rl_bytes name) {
    size_t removed = 0, kept = 0;
    for (size_t i = 0; i < l->count; i++) {
        if (name.ptr == NULL || rl_bytes_equal(rl_bytes_text(l->events[i]->name), name)) {
            rl_free(l->events[i]);
            removed++;
        } else {
            l->events[kept++] = l->events[i];
        }
    }
    l->count = kept;
    return removed;
}
