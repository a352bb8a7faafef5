/* SPDX-License-Identifier: MIT */
/* The heap of deadlines, at random against a plain array. */
#include "server/deadlines.h"

#include <criterion/criterion.h>

#include "base/alloc.h"
#include "base/random.h"

#define SESSIONS 300

static rl_session *sessions[SESSIONS];
static bool in[SESSIONS];
static rl_deadlines heap;

static void setup(void) {
    for (int i = 0; i < SESSIONS; i++)
        sessions[i] = rl_calloc(1, sizeof **sessions);
}

static void teardown(void) {
    for (int i = 0; i < SESSIONS; i++)
        rl_free(sessions[i]);
    rl_deadlines_release(&heap);
}

TestSuite(deadlines, .init = setup, .fini = teardown);

/* No deadline stands above a sooner one, and each session knows its place. */
static void check_heap(void) {
    size_t count = 0;
    for (int i = 0; i < SESSIONS; i++) {
        count += in[i];
        cr_assert_eq(sessions[i]->deadline_place != 0, in[i]);
    }
    cr_assert_eq(heap.count, count);
    for (size_t i = 0; i < heap.count; i++) {
        cr_assert_eq(heap.at[i]->deadline_place, i + 1);
        cr_assert(i == 0 ||
                  heap.at[(i - 1) / 2]->block.deadline_ms <= heap.at[i]->block.deadline_ms);
    }
}

static void flip(int i, int64_t deadline_ms) {
    if (in[i]) {
        rl_deadlines_remove(&heap, sessions[i]);
    } else {
        sessions[i]->block.deadline_ms = deadline_ms;
        rl_deadlines_add(&heap, sessions[i]);
    }
    in[i] = !in[i];
}

Test(deadlines, at_random)
{
    rl_random random;
    rl_random_seed(&random, 1);
    for (int step = 0; step < 20000; step++) {
        int i = (int)rl_random_below(&random, SESSIONS);
        flip(i, 1 + (int64_t)rl_random_below(&random, step % 2 ? 50 : 1000000));
        if (step % 10 == 0)
            check_heap();
    }
    check_heap();
}

Test(deadlines, come_out_in_order)
{
    rl_random random;
    rl_random_seed(&random, 2);
    for (int i = 0; i < SESSIONS; i++)
        flip(i, 1 + (int64_t)rl_random_below(&random, 100));
    int64_t last_ms = 0;
    for (int left = SESSIONS; left > 0; left--) {
        rl_session *first = rl_deadlines_first(&heap);
        cr_assert_geq(first->block.deadline_ms, last_ms);
        last_ms = first->block.deadline_ms;
        rl_deadlines_remove(&heap, first);
        rl_deadlines_remove(&heap, first); /* it is not there any more: nothing happens */
    }
    cr_assert_null(rl_deadlines_first(&heap));
}
