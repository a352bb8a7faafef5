/* SPDX-License-Identifier: MIT */
/*
 * Runs the tests of a Criterion program without Criterion's sandbox, each in a forked process, one
 * after the other. For builds with the thread sanitizer, which does not let the sandbox map memory
 * where it wants to. The tests are what the macros left in the program's sections; assertions
 * report here instead of to the library. Of Criterion's options this knows names as arguments: run
 * only tests whose "suite/name" contains one of them. Time limits are ctest's.
 */
#include <criterion/criterion.h>
#include <criterion/event.h>
#include <criterion/stats.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_FAILED = 97, EXIT_SKIPPED = 98 }; /* what a test's process says of itself */

extern struct criterion_test *__start_cr_tst[] __attribute__((weak));
extern struct criterion_test *__stop_cr_tst[] __attribute__((weak));
extern struct criterion_suite *__start_cr_sts[] __attribute__((weak));
extern struct criterion_suite *__stop_cr_sts[] __attribute__((weak));

/* Of the process that runs one test. */
static struct criterion_test *current;
static struct criterion_test_extra_data *current_suite;
static jmp_buf out_of_test;
static int failures;

static struct criterion_test_extra_data *suite_of(const struct criterion_test *test) {
    for (struct criterion_suite **at = __start_cr_sts; at < __stop_cr_sts; at++) {
        if (*at && strcmp((*at)->name, test->category) == 0)
            return (*at)->data;
    }
    return NULL;
}

/* --- what the macros call, in place of the library's -------------------------------------- */

void criterion_internal_test_setup(void) {
    if (current_suite && current_suite->init)
        current_suite->init();
    if (current->data && current->data->init)
        current->data->init();
}

void criterion_internal_test_main(void (*body)(void)) {
    if (setjmp(out_of_test) == 0)
        body();
}

void criterion_internal_test_teardown(void) {
    if (current->data && current->data->fini)
        current->data->fini();
    if (current_suite && current_suite->fini)
        current_suite->fini();
}

void criterion_send_assert(struct criterion_assert_stats *stats) {
    if (stats->passed)
        return;
    __atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
    fprintf(stderr, "%s:%u: assertion failed in %s/%s\n  %s\n", stats->file, stats->line,
            current->category, current->name, stats->message ? stats->message : "");
}

void cri_asserts_passed_incr(void) {
}

void criterion_abort_test(void) {
    longjmp(out_of_test, 1);
}

void criterion_continue_test(void) {
}

void criterion_skip_test(const char *format, ...) {
    va_list args;
    va_start(args, format);
    printf("  skipped: ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
    exit(EXIT_SKIPPED);
}

/* --- running ------------------------------------------------------------------------------ */

static int expected_signal(const struct criterion_test *test) {
    struct criterion_test_extra_data *suite = suite_of(test);
    if (test->data && test->data->signal)
        return test->data->signal;
    return suite ? suite->signal : 0;
}

static int expected_exit(const struct criterion_test *test) {
    struct criterion_test_extra_data *suite = suite_of(test);
    if (test->data && test->data->exit_code)
        return test->data->exit_code;
    return suite ? suite->exit_code : 0;
}

/* "passed", "skipped", or what went wrong. */
static const char *run(struct criterion_test *test) {
    static char what[128];
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        return strerror(errno);
    if (child == 0) {
        current = test;
        current_suite = suite_of(test);
        test->test();
        exit(failures ? EXIT_FAILED : 0);
    }
    int status;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return strerror(errno);
    }
    int signal = expected_signal(test);
    if (WIFSIGNALED(status) && WTERMSIG(status) == signal)
        return "passed";
    if (WIFSIGNALED(status)) {
        snprintf(what, sizeof what, "ended by signal %d", WTERMSIG(status));
        return what;
    }
    if (WEXITSTATUS(status) == EXIT_SKIPPED)
        return "skipped";
    if (signal == 0 && WEXITSTATUS(status) == expected_exit(test))
        return "passed";
    snprintf(what, sizeof what, "exit status %d", WEXITSTATUS(status));
    return what;
}

static bool chosen(const struct criterion_test *test, int argc, char **argv) {
    char name[512];
    snprintf(name, sizeof name, "%s/%s", test->category, test->name);
    for (int i = 1; i < argc; i++) {
        if (strstr(name, argv[i]))
            return true;
    }
    return argc < 2;
}

int main(int argc, char **argv) {
    int ran = 0, failed = 0;
    for (struct criterion_test **at = __start_cr_tst; at < __stop_cr_tst; at++) {
        struct criterion_test *test = *at;
        if (!test || (test->data && test->data->disabled) || !chosen(test, argc, argv))
            continue;
        const char *result = test->data && test->data->kind_ == CR_TEST_PARAMETERIZED
                                 ? "parameterized tests are not known to tests/tools/plain_runner.c"
                                 : run(test);
        bool good = strcmp(result, "passed") == 0 || strcmp(result, "skipped") == 0;
        ran++;
        failed += !good;
        if (!good)
            printf("FAILED %s/%s: %s\n", test->category, test->name, result);
    }
    printf("plain runner: %d tests, %d failed\n", ran, failed);
    return failed || ran == 0;
}
