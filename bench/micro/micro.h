/* SPDX-License-Identifier: MIT */
/*
 * Micro-benchmarks: single parts of the server, without sockets. The frame that they share.
 *
 * A case is a function that is called once per round. It measures any number of rows: what lies
 * between micro_start and micro_stop counts as one round of the row of that name. Reported are the
 * median and the extremes of the rounds, per operation. Time is the thread's CPU time, so what else
 * the machine does counts less; `wall` beside it has waiting for the disk too. Where the machine
 * lets us, instructions and cycles outside the kernel are counted as well. One thread.
 */
#ifndef BENCH_MICRO_H
#define BENCH_MICRO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/random.h"

typedef struct micro micro;

typedef struct micro_case {
    const char *name; /* what --only is compared with */
    void (*run)(micro *m, const void *arg);
    const void *arg;
    bool large; /* only with --large */
} micro_case;

typedef struct micro_group {
    const micro_case *cases;
    size_t count;
} micro_group;

extern const micro_group micro_resp, micro_keys, micro_batches, micro_folds, micro_types;

void micro_start(micro *m);
/* Ends what micro_start began: `operations` of the row "CASE NAME". */
void micro_stop(micro *m, const char *name, size_t operations);
/* The bytes per operation of a row that was stopped in this round: input, memory or disk, as the
 * name of the row suggests. */
void micro_bytes(micro *m, const char *name, double bytes);
/* The longest single step of a row that was stopped in this round. */
void micro_longest(micro *m, const char *name, uint64_t ns);

/* Names that any case may use, "name:" and eight digits, and an order to use them in: 0 to
 * count - 1, shuffled. What lies from MICRO_NAMES / 2 on is for misses. */
#define MICRO_NAMES 2000000
rl_bytes micro_name(size_t number);
const uint32_t *micro_shuffled(micro *m, size_t count);
rl_random *micro_random(micro *m);
const char *micro_dir(const micro *m); /* an empty directory on the disk to be measured */

uint64_t micro_cpu_ns(void);  /* of this thread */
void micro_sink(size_t used); /* so that nothing measured is optimized away */
/* Ends the program with a message when something measured did not work. */
void micro_must(bool ok, const char *what);

#endif
