/* SPDX-License-Identifier: MIT */
/*
 * Running `rubellite`, the administration program, named by the environment variable RUBELLITE.
 * Every function fails the test when it cannot do its work.
 */
#ifndef RL_TESTS_INTEGRATION_ADMIN_PROGRAM_H
#define RL_TESTS_INTEGRATION_ADMIN_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef struct admin_result {
    int code;   /* 128 + signal */
    char *out;  /* terminated; of a terminal: everything it showed */
    size_t len; /* of out */
    char *err;  /* "" for a terminal */
} admin_result;

/* Runs it with these arguments (a format; separated by blanks) and standard input from a file
 * (NULL: empty). Valid until the next call. */
const admin_result *admin_run_from(const char *input, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
#define admin_run(...) admin_run_from(NULL, __VA_ARGS__)

/* It ended with this code; it said this, on either output. */
void admin_expect_code(const admin_result *r, int code);
void admin_expect_says(const admin_result *r, const char *text);

/* Runs it on a terminal of its own. When the terminal shows `prompt`, `answer` is typed (NULL:
 * nothing). */
const admin_result *admin_run_on_terminal(const char *prompt, const char *answer,
                                          const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Starts it and goes on; admin_wait waits for its end and returns the exit code. */
pid_t admin_begin(int input_fd, const char *format, ...) __attribute__((format(printf, 2, 3)));
int admin_wait(pid_t pid);

#endif
