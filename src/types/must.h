/* SPDX-License-Identifier: MIT */
/* What the …_check functions assert with. Not assert: a test asks for the check in every build. */
#ifndef RL_TYPES_MUST_H
#define RL_TYPES_MUST_H

#include <stdbool.h>
#include <stdlib.h>

static inline void types_must(bool holds) {
    if (!holds)
        abort();
}

#endif
