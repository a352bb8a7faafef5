/* SPDX-License-Identifier: MIT */
/*
 * Random ranks with a Zipf distribution: rank k of 1..n comes with a probability proportional to
 * k^-exponent. By rejection-inversion (W. Hörmann, G. Derflinger, "Rejection-inversion to generate
 * variates from monotone discrete distributions", ACM TOMACS 6(3), 1996): no table, whatever n is,
 * and about one logarithm and one exponential for a number.
 */
#ifndef BENCH_ZIPF_H
#define BENCH_ZIPF_H

#include "wire.h"

#include <math.h>

struct zipf {
    double exponent, count;
    double area_low, area_high; /* between them the inverted numbers are drawn */
    double sure;                /* a rank nearer than this to its number is taken unseen */
};

static inline double zipf_height(const struct zipf *z, double x) {
    return exp(-z->exponent * log(x));
}

/* The area under the curve x^-exponent from 1 to x, and the x of an area. */
static inline double zipf_area(const struct zipf *z, double x) {
    double power = 1 - z->exponent;
    return power == 0 ? log(x) : expm1(power * log(x)) / power;
}

static inline double zipf_area_end(const struct zipf *z, double area) {
    double power = 1 - z->exponent;
    return power == 0 ? exp(area) : exp(log1p(power * area) / power);
}

/* `count` ranks, at least 1; an exponent above 0. */
static inline void zipf_init(struct zipf *z, uint64_t count, double exponent) {
    *z = (struct zipf){.exponent = exponent, .count = (double)count};
    z->area_low = zipf_area(z, 1.5) - 1;
    z->area_high = zipf_area(z, z->count + 0.5);
    z->sure = 2 - zipf_area_end(z, zipf_area(z, 2.5) - zipf_height(z, 2));
}

/* A rank from 1 (the most frequent) to `count`. */
static inline uint64_t zipf_rank(const struct zipf *z, uint64_t *random) {
    for (;;) {
        double share = (double)(wire_random(random) >> 11) * 0x1p-53;
        double area = z->area_high + share * (z->area_low - z->area_high);
        double x = zipf_area_end(z, area);
        double rank = floor(x + 0.5);
        rank = rank < 1 ? 1 : rank > z->count ? z->count : rank;
        if (rank - x <= z->sure || area >= zipf_area(z, rank + 0.5) - zipf_height(z, rank))
            return (uint64_t)rank;
    }
}

/* The key of a rank: each rank has its own, and frequent ones do not lie side by side. The factor
 * is a prime larger than any key space, so it has no divisor in common with `keys`. */
static inline uint64_t zipf_key(uint64_t rank, uint64_t keys) {
    return (uint64_t)(((unsigned __int128)rank * 11400714819323198549u) % keys);
}

#endif
