/* SPDX-License-Identifier: MIT */
/* Plans of faults; see faulty_plan.h. */
#include "lib/faulty_plan.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const call_names[FAULTY_CALLS] = {"open",     "read",     "write",  "datasync",
                                                     "truncate", "sync_dir", "rename", "unlink",
                                                     "mkdir",    "list"};
static const char *const face_names[FAULTY_FACES] = {"journal and files", "SQLite"};
static const char *const effect_names[FAULTY_EFFECTS] = {"", "failed", "came short", "were slow"};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    faulty_plan plan;
    bool met, lasts;
} faces[FAULTY_FACES];
static uint64_t counts[FAULTY_FACES][FAULTY_EFFECTS][FAULTY_CALLS];

static int index_of(unsigned call) {
    int i = 0;
    while (call >>= 1)
        i++;
    return i;
}

void faulty_plan_set(faulty_face face, const faulty_plan *plan) {
    pthread_mutex_lock(&lock);
    faces[face].plan = *plan;
    if (plan->calls == 0)
        faces[face].plan.calls = FAULTY_ANY;
    faces[face].met = faces[face].lasts = false;
    pthread_mutex_unlock(&lock);
}

/* What was met is still told. */
void faulty_plan_heal(faulty_face face) {
    pthread_mutex_lock(&lock);
    faces[face].plan.nth = 0;
    faces[face].lasts = false;
    pthread_mutex_unlock(&lock);
}

bool faulty_plan_was_met(faulty_face face) {
    pthread_mutex_lock(&lock);
    bool met = faces[face].met;
    pthread_mutex_unlock(&lock);
    return met;
}

int faulty_plan_error(faulty_face face) {
    pthread_mutex_lock(&lock);
    int error_number = faces[face].plan.error_number;
    pthread_mutex_unlock(&lock);
    return error_number;
}

/* Nothing can come short but what has bytes. */
static bool applies(const faulty_plan *plan, unsigned call) {
    return (plan->calls & call) &&
           (plan->effect != FAULTY_SHORT || (call & (FAULTY_READ | FAULTY_WRITE)));
}

faulty_effect faulty_plan_next(faulty_face face, unsigned call) {
    pthread_mutex_lock(&lock);
    faulty_plan plan = faces[face].plan;
    bool now = false;
    if (applies(&plan, call)) {
        now = faces[face].lasts;
        if (!now && plan.nth > 0) {
            now = --faces[face].plan.nth == 0;
            faces[face].lasts = now && plan.lasting;
        }
    }
    if (now) {
        faces[face].met = true;
        counts[face][plan.effect][index_of(call)]++;
    }
    pthread_mutex_unlock(&lock);
    if (!now)
        return FAULTY_NONE;
    if (plan.effect == FAULTY_SLOW) {
        nanosleep(&(struct timespec){plan.slow_us / 1000000, plan.slow_us % 1000000 * 1000L}, NULL);
        return FAULTY_NONE;
    }
    errno = plan.error_number;
    return plan.effect;
}

uint64_t faulty_plan_count(faulty_face face, faulty_effect effect, unsigned call) {
    pthread_mutex_lock(&lock);
    uint64_t n = counts[face][effect][index_of(call)];
    pthread_mutex_unlock(&lock);
    return n;
}

const char *faulty_call_name(unsigned call) {
    return call_names[index_of(call)];
}

unsigned faulty_call_named(const char *name) {
    for (int i = 0; name && i < FAULTY_CALLS; i++)
        if (strcmp(call_names[i], name) == 0)
            return 1u << i;
    if (name)
        abort();
    return FAULTY_ANY;
}

void faulty_plan_print(void) {
    for (int face = 0; face < FAULTY_FACES; face++)
        for (int effect = FAULTY_ERROR; effect < FAULTY_EFFECTS; effect++) {
            printf("  %s, calls that %s:", face_names[face], effect_names[effect]);
            for (int i = 0; i < FAULTY_CALLS; i++) {
                uint64_t n = faulty_plan_count((faulty_face)face, (faulty_effect)effect, 1u << i);
                if (n)
                    printf(" %lu %s", (unsigned long)n, call_names[i]);
            }
            printf("\n");
        }
}
