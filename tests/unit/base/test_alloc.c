/* SPDX-License-Identifier: MIT */
/* Memory: what is handed out, what it really occupies, and the end of it. */
#include "base/alloc.h"

#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The sanitizers have allocators of their own, which end the process in their own way. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

Test(alloc, every_size_can_be_written_whole_and_is_known)
{
    for (size_t size = 1; size < 5000; size += size < 300 ? 1 : 97) {
        unsigned char *p = rl_malloc(size);
        memset(p, 0xa5, size);
        cr_assert_geq(rl_alloc_size(p), size);
        cr_assert_eq((uintptr_t)p % sizeof(void *), 0);
        rl_free(p);
    }
}

Test(alloc, nothing_asked_still_has_an_address_of_its_own)
{
    void *a = rl_malloc(0), *b = rl_malloc(0), *c = rl_calloc(0, 8), *d = rl_realloc(NULL, 0);
    cr_assert(a && b && c && d);
    cr_assert(a != b && b != c && c != d && a != c && a != d && b != d);
    d = rl_realloc(d, 0);
    cr_assert_not_null(d);
    rl_free(a);
    rl_free(b);
    rl_free(c);
    rl_free(d);
}

Test(alloc, null_is_free_and_has_no_size)
{
    rl_free(NULL);
    cr_assert_eq(rl_alloc_size(NULL), 0);
}

Test(alloc, calloc_zeroes_memory_that_was_used_before)
{
    for (int round = 0; round < 50; round++) {
        unsigned char *p = rl_calloc(37, 11);
        for (size_t i = 0; i < 37 * 11; i++)
            cr_assert_eq(p[i], 0);
        memset(p, 0xff, 37 * 11);
        rl_free(p);
    }
}

Test(alloc, realloc_keeps_what_fits)
{
    char *p = rl_realloc(NULL, 10);
    memcpy(p, "0123456789", 10);
    p = rl_realloc(p, 1000000);
    cr_assert_eq(memcmp(p, "0123456789", 10), 0);
    memset(p + 10, 'x', 1000000 - 10);
    p = rl_realloc(p, 4);
    cr_assert_eq(memcmp(p, "0123", 4), 0);
    rl_free(p);
}

Test(alloc, memalign_aligns_from_one_byte_to_huge_pages)
{
    for (size_t alignment = 1; alignment <= (size_t)2 << 20; alignment *= 2) {
        char *p = rl_memalign(alignment, 100);
        cr_assert_eq((uintptr_t)p % alignment, 0, "alignment %zu", alignment);
        memset(p, 1, 100);
        cr_assert_geq(rl_alloc_size(p), 100);
        rl_free(p);
    }
    rl_free(rl_memalign(64, 0));
}

Test(alloc, strings_are_copied_and_terminated)
{
    char *whole = rl_strdup("hello"), *empty = rl_strdup("");
    char *part = rl_strndup("hello", 2), *zeros = rl_strndup("a\0b", 3),
         *none = rl_strndup(NULL, 0);
    cr_assert_str_eq(whole, "hello");
    cr_assert_str_eq(empty, "");
    cr_assert_str_eq(part, "he");
    cr_assert_eq(memcmp(zeros, "a\0b\0", 4), 0);
    cr_assert_str_eq(none, "");
    rl_free(whole);
    rl_free(empty);
    rl_free(part);
    rl_free(zeros);
    rl_free(none);
}

Test(alloc, good_size_is_what_an_allocation_gets)
{
    size_t last = 0;
    for (size_t size = 0; size <= 20000; size += size < 300 ? 1 : 131) {
        size_t good = rl_alloc_good_size(size);
        cr_assert_geq(good, size);
        cr_assert_geq(good, last, "never less for more (%zu)", size);
        cr_assert_eq(rl_alloc_good_size(good), good, "a good size is its own good size");
        last = good;
        if (!SANITIZED) {
            void *p = rl_malloc(size);
            cr_assert_eq(rl_alloc_size(p), good, "%zu: %zu, not %zu", size, rl_alloc_size(p), good);
            rl_free(p);
        }
    }
    cr_assert_geq(rl_alloc_good_size(SIZE_MAX), SIZE_MAX - 4096);
}

Test(alloc, statistics_see_an_allocation)
{
    if (SANITIZED)
        cr_skip_test("the sanitizer's allocator keeps none");
    const size_t size = (size_t)32 << 20;
    rl_alloc_stats before, during, after;
    rl_alloc_stats_read(&before);
    char *p = rl_malloc(size);
    memset(p, 1, size);
    rl_alloc_stats_read(&during);
    cr_assert_geq(during.allocated, before.allocated + size);
    cr_assert_geq(during.active, during.allocated);
    cr_assert_geq(during.resident, during.allocated);
    rl_free(p);
    rl_alloc_stats_read(&after);
    cr_assert_leq(after.allocated, during.allocated - size);
}

Test(alloc, unused_memory_goes_back_on_request)
{
    if (SANITIZED)
        cr_skip_test("the sanitizer's allocator keeps freed memory on purpose");
    enum { COUNT = 200000 };
    void **all = rl_malloc(COUNT * sizeof(*all));
    for (size_t i = 0; i < COUNT; i++) {
        all[i] = rl_malloc(100);
        memset(all[i], 1, 100);
    }
    rl_alloc_stats full, purged;
    rl_alloc_stats_read(&full);
    for (size_t i = 0; i < COUNT; i++)
        rl_free(all[i]);
    rl_alloc_release_unused();
    rl_alloc_stats_read(&purged);
    cr_assert_lt(purged.resident, full.resident - 10 * 1000 * 1000, "%zu before, %zu after",
                 full.resident, purged.resident);
    rl_free(all);
}

Test(alloc, has_a_name)
{
    const char *name = rl_alloc_name();
    int major = -1, minor = -1, fix = -1;
    if (strcmp(name, "libc") != 0)
        cr_assert_eq(sscanf(name, "jemalloc-%d.%d.%d", &major, &minor, &fix), 3, "%s", name);
}

Test(alloc, goes_on_in_a_forked_child)
{
    pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        rl_alloc_after_fork();
        char *p = rl_malloc(1 << 20);
        memset(p, 7, 1 << 20);
        rl_free(p);
        _exit(42);
    }
    int status = 0;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 42, "status %x", (unsigned)status);
}

#if !SANITIZED
static volatile size_t too_much =
    SIZE_MAX / 2 + 1; /* volatile: the compiler knows better otherwise */

Test(alloc, malloc_of_too_much_aborts, .signal = SIGABRT)
{ rl_malloc(too_much); }

Test(alloc, realloc_to_too_much_aborts, .signal = SIGABRT)
{ rl_realloc(rl_malloc(8), too_much); }

Test(alloc, memalign_of_too_much_aborts, .signal = SIGABRT)
{ rl_memalign(64, too_much); }

Test(alloc, calloc_of_too_much_aborts, .signal = SIGABRT)
{ rl_calloc(1, too_much); }
#endif

Test(alloc, calloc_whose_product_overflows_aborts, .signal = SIGABRT)
{ rl_calloc(SIZE_MAX / 2, 3); }

Test(alloc, strndup_of_everything_aborts, .signal = SIGABRT)
{ rl_strndup("", SIZE_MAX); }
