/* SPDX-License-Identifier: MIT */
/*
 * Memory: a thin layer over jemalloc (RL_JEMALLOC=1) or the C library, with one answer to running
 * out. Sizes are asked of the allocator, never stored beside an allocation: that would cost eight
 * bytes a key.
 */
#include "base/alloc.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

#if RL_JEMALLOC
#include <jemalloc/jemalloc.h>

/*
 * Read by jemalloc before main.
 * narenas: only the loop allocates much, so a few arenas suffice and fragment less than one per
 * core pair. background_thread: pages go back to the system on a thread of the allocator, not
 * inside a free() on the loop; one such thread is enough. oversize_threshold:0: by default a freed
 * run of 8 MB or more is given back at once by whoever frees it, which for a hash table is a pause
 * of milliseconds; like this it decays with the rest. dirty_decay_ms: freed pages are kept for
 * about this long for reuse.
 */
const char *malloc_conf = "narenas:4,background_thread:true,max_background_threads:1,"
                          "oversize_threshold:0,dirty_decay_ms:5000,muzzy_decay_ms:0";
#else
#include <malloc.h>
#endif

/* Under AddressSanitizer its own allocator serves, and only that knows what is in use. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define RL_ALLOC_SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define RL_ALLOC_SANITIZED 1
#endif
#ifdef RL_ALLOC_SANITIZED
/* sanitizer/allocator_interface.h, which Debian's gcc comes without */
size_t __sanitizer_get_current_allocated_bytes(void);
size_t __sanitizer_get_heap_size(void);
#endif

static _Noreturn void out_of_memory(size_t size) {
    /* rl_log builds its line on the stack, so it works now too. */
    rl_log(RL_LOG_WARNING, "Out of memory: the system refused %zu bytes. Stopping.", size);
    abort();
}

static void *checked(void *ptr, size_t size) {
    if (__builtin_expect(ptr == NULL, 0))
        out_of_memory(size);
    return ptr;
}

/* A request for nothing still gets an address of its own, whatever the library's idea of malloc(0).
 */
static size_t at_least_one(size_t size) {
    return size ? size : 1;
}

void *rl_malloc(size_t size) {
    return checked(malloc(at_least_one(size)), size);
}

void *rl_calloc(size_t count, size_t size) {
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        out_of_memory(SIZE_MAX);
    return checked(calloc(1, at_least_one(total)), total);
}

void *rl_realloc(void *ptr, size_t size) {
    return checked(realloc(ptr, at_least_one(size)), size);
}

void *rl_memalign(size_t alignment, size_t size) {
    void *ptr = NULL;
    if (alignment < sizeof(void *))
        alignment = sizeof(void *); /* the least that posix_memalign takes */
    if (posix_memalign(&ptr, alignment, at_least_one(size)) != 0)
        ptr = NULL;
    return checked(ptr, size);
}

char *rl_strdup(const char *text) {
    return rl_strndup(text, strlen(text));
}

char *rl_strndup(const char *ptr, size_t len) {
    if (len == SIZE_MAX)
        out_of_memory(len);
    char *copy = rl_malloc(len + 1);
    if (len)
        memcpy(copy, ptr, len);
    copy[len] = '\0';
    return copy;
}

void rl_free(void *ptr) {
    free(ptr);
}

size_t rl_alloc_size(const void *ptr) {
    return ptr ? malloc_usable_size((void *)(uintptr_t)ptr) : 0;
}

#if RL_JEMALLOC

size_t rl_alloc_good_size(size_t size) {
    size_t rounded = nallocx(at_least_one(size), 0);
    return rounded ? rounded : size; /* 0: beyond the largest class; malloc will say so */
}

static size_t read_size(const char *name) {
    size_t value = 0, len = sizeof(value);
    return mallctl(name, &value, &len, NULL, 0) == 0 ? value : 0;
}

void rl_alloc_stats_read(rl_alloc_stats *out) {
    uint64_t epoch = 1;
    size_t len = sizeof(epoch);
    mallctl("epoch", &epoch, &len, &epoch, len); /* statistics are a snapshot; take a new one */
    out->allocated = read_size("stats.allocated");
    out->active = read_size("stats.active");
    out->resident = read_size("stats.resident");
}

#define RL_TEXT_OF_(x) #x
#define RL_TEXT_OF(x)  RL_TEXT_OF_(x)

const char *rl_alloc_name(void) {
    return "jemalloc-" RL_TEXT_OF(JEMALLOC_VERSION_MAJOR) "." RL_TEXT_OF(
        JEMALLOC_VERSION_MINOR) "." RL_TEXT_OF(JEMALLOC_VERSION_BUGFIX);
}

void rl_alloc_release_unused(void) {
    char name[64];
    mallctl("thread.tcache.flush", NULL, NULL, NULL, 0);
    snprintf(name, sizeof(name), "arena.%u.purge", (unsigned)MALLCTL_ARENAS_ALL);
    mallctl(name, NULL, NULL, NULL, 0);
}

void rl_alloc_after_fork(void) {
    bool on = true;
    mallctl("background_thread", NULL, NULL, &on, sizeof(on));
}

#else

/* What glibc makes of a request: a multiple of 16, less the 8 bytes of its own header, and 24 at
 * least. (Very large ones are rounded to pages; next to their size that is nothing.) */
size_t rl_alloc_good_size(size_t size) {
    const size_t header = sizeof(size_t), unit = 2 * sizeof(size_t);
    if (size <= unit + header)
        return unit + header;
    if (size > SIZE_MAX / 2)
        return size;
    return (size + header + unit - 1) / unit * unit - header;
}

void rl_alloc_stats_read(rl_alloc_stats *out) {
#ifdef RL_ALLOC_SANITIZED
    out->allocated = __sanitizer_get_current_allocated_bytes();
    out->active = out->resident = __sanitizer_get_heap_size();
    return;
#endif
    struct mallinfo2 info = mallinfo2();
    out->allocated = info.uordblks + info.hblkhd;
    /* glibc knows neither number; what it took from the system is the nearest it can say. */
    out->active = info.arena + info.hblkhd;
    out->resident = out->active;
}

const char *rl_alloc_name(void) {
    return "libc";
}

void rl_alloc_release_unused(void) {
    malloc_trim(0);
}

void rl_alloc_after_fork(void) {
}

#endif
