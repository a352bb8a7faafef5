/* SPDX-License-Identifier: MIT */
/*
 * The log: one line an event, "pid:M 21 Nov 2026 02:28:00.123 * text", as people who read Redis's
 * log know it. Goes to stdout until rl_log_open names a file, to syslog as well when asked. Any
 * thread may log; lines never mix. A line is one write(2), so the loop thread logs rarely: never
 * per command.
 */
#ifndef RL_BASE_LOG_H
#define RL_BASE_LOG_H

#include <stdbool.h>

typedef enum rl_log_level {
    RL_LOG_DEBUG,
    RL_LOG_VERBOSE,
    RL_LOG_NOTICE,
    RL_LOG_WARNING,
    RL_LOG_NOTHING,
} rl_log_level;

/* NULL or "" means stdout. False when the file cannot be opened (errno says why); the log then
 * stays where it was. */
bool rl_log_open(const char *path);
/* From now on lines go to the system's log too. `ident` is copied; facility is LOG_USER,
 * LOG_LOCAL0, … */
void rl_log_syslog_start(const char *ident, int facility);
void rl_log_set_level(rl_log_level level);
rl_log_level rl_log_get_level(void);
void rl_log(rl_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
