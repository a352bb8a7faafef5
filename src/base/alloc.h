/* SPDX-License-Identifier: MIT */
/*
 * The only way to memory. Running out is decided once, here: the process says so and aborts, so no
 * caller has a branch for NULL. Any thread.
 */
#ifndef RL_BASE_ALLOC_H
#define RL_BASE_ALLOC_H

#include <stddef.h>

void *rl_malloc(size_t size);
void *rl_calloc(size_t count, size_t size);
void *rl_realloc(void *ptr, size_t size); /* ptr may be NULL; the old pointer is dead afterwards */
void *rl_memalign(size_t alignment, size_t size); /* alignment: a power of two; rl_free frees it */
char *rl_strdup(const char *text);
char *rl_strndup(const char *ptr, size_t len); /* copies len bytes and terminates them */
void rl_free(void *ptr);                       /* NULL is fine */

/* Bytes the allocator really set aside for an allocation (0 for NULL). */
size_t rl_alloc_size(const void *ptr);
/* What a request of `size` bytes will occupy; what the allocator rounds up to. */
size_t rl_alloc_good_size(size_t size);

typedef struct rl_alloc_stats {
    size_t allocated; /* bytes in live allocations, rounding included */
    size_t active;    /* bytes in pages that hold live allocations */
    size_t resident;  /* bytes of the allocator's memory that are resident */
} rl_alloc_stats;

/* Asks the allocator (jemalloc when linked, mallinfo2 otherwise). Costs microseconds: not for the
 * hot path. */
void rl_alloc_stats_read(rl_alloc_stats *out);
const char *rl_alloc_name(void);    /* "jemalloc-5.3.0", "libc" */
void rl_alloc_release_unused(void); /* gives dirty pages back to the system (MEMORY PURGE) */
/* A forked child that goes on as the server (daemonize) calls this once: the allocator's own
 * thread, which gives pages back so that the loop need not, does not survive a fork. */
void rl_alloc_after_fork(void);

#endif
