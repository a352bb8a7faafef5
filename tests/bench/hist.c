/* SPDX-License-Identifier: MIT */
/* Reads nanoseconds, one a line; prints what the load programs' histogram says of them: how many,
 * and p50, p99, p99.9 and the maximum in milliseconds. */
#define _GNU_SOURCE
#include "../../bench/wire.h"

int main(void) {
    static struct wire_hist hist;
    unsigned long long ns;
    while (scanf("%llu", &ns) == 1)
        wire_hist_add(&hist, ns);
    printf("%llu %.6f %.6f %.6f %.6f\n", (unsigned long long)hist.count, wire_hist_ms(&hist, 0.5),
           wire_hist_ms(&hist, 0.99), wire_hist_ms(&hist, 0.999), (double)hist.max_ns / 1e6);
    return 0;
}
