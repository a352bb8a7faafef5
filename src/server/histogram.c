/* SPDX-License-Identifier: MIT */
/* Percentiles of a log-linear histogram. See histogram.h. */
#include "server/histogram.h"

uint64_t rl_histogram_place_top(unsigned place) {
    if (place < RL_HISTOGRAM_STEPS)
        return place;
    unsigned log = place / RL_HISTOGRAM_STEPS + 3, step = place % RL_HISTOGRAM_STEPS;
    uint64_t width = (uint64_t)1 << (log - 4);
    return (RL_HISTOGRAM_STEPS + step) * width + width - 1;
}

uint64_t rl_histogram_percentile(const rl_histogram *h, double percent) {
    uint64_t wanted = (uint64_t)((double)h->count * percent / 100.0 + 0.5), seen = 0;
    if (h->count == 0)
        return 0;
    if (wanted == 0)
        wanted = 1;
    for (unsigned i = 0; i < RL_HISTOGRAM_PLACES; i++) {
        seen += h->places[i];
        if (seen >= wanted) {
            uint64_t top = rl_histogram_place_top(i);
            return top < h->max_ns ? top : h->max_ns;
        }
    }
    return h->max_ns;
}
