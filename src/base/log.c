/* SPDX-License-Identifier: MIT */
/*
 * The log. A line is built on the stack and written with one write(2) to a descriptor opened with
 * O_APPEND, so threads need no lock and nothing is allocated (the log must work when memory is
 * out).
 *
 * Another thread may be about to write while the file changes, so the descriptor's number, once
 * taken, is kept for the life of the process: the new file is put under the same number, and no
 * write can ever go to a descriptor that was closed and given to a socket.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 1024, IDENT_MAX_BYTES = 64 };

static atomic_int log_fd = STDOUT_FILENO;
static atomic_int log_level = RL_LOG_NOTICE;
static atomic_bool log_to_syslog = false;

static const struct {
    char mark;
    int priority;
} levels[] = {
    [RL_LOG_DEBUG] = {'.', LOG_DEBUG},
    [RL_LOG_VERBOSE] = {'-', LOG_INFO},
    [RL_LOG_NOTICE] = {'*', LOG_NOTICE},
    [RL_LOG_WARNING] = {'#', LOG_WARNING},
};

/* Puts `fd` under the log's number; closes `fd`. */
static bool log_take(int fd) {
    int current = atomic_load(&log_fd);
    if (current == STDOUT_FILENO) { /* never replaced: stdout is not ours */
        atomic_store(&log_fd, fd);
        return true;
    }
    bool ok = dup3(fd, current, O_CLOEXEC) >= 0;
    int error = errno;
    close(fd);
    errno = error;
    return ok;
}

bool rl_log_open(const char *path) {
    int fd;
    if (path && *path) {
        fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    } else {
        if (atomic_load(&log_fd) == STDOUT_FILENO)
            return true;
        fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    }
    return fd >= 0 && log_take(fd);
}

void rl_log_syslog_start(const char *ident, int facility) {
    static char kept[IDENT_MAX_BYTES]; /* openlog keeps the pointer */
    snprintf(kept, sizeof(kept), "%s", ident);
    openlog(kept, LOG_PID | LOG_NDELAY | LOG_NOWAIT, facility);
    atomic_store(&log_to_syslog, true);
}

void rl_log_set_level(rl_log_level level) {
    atomic_store(&log_level, (int)level);
}

rl_log_level rl_log_get_level(void) {
    return (rl_log_level)atomic_load(&log_level);
}

/* One event stays one line whatever is in the text. */
static void flatten(char *text) {
    for (; *text; text++)
        if (*text == '\n' || *text == '\r')
            *text = ' ';
}

static void write_all(int fd, const char *bytes, size_t len) {
    while (len > 0) {
        ssize_t done = write(fd, bytes, len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return; /* a log that cannot be written has nobody left to tell */
        bytes += done;
        len -= (size_t)done;
    }
}

void rl_log(rl_log_level level, const char *format, ...) {
    if ((int)level < atomic_load(&log_level) || level >= RL_LOG_NOTHING)
        return;
    int error = errno; /* callers log between a failed call and its errno */

    char text[LINE_MAX_BYTES];
    va_list args;
    va_start(args, format);
    if (vsnprintf(text, sizeof(text), format, args) < 0)
        text[0] = '\0';
    va_end(args);
    flatten(text);

    struct timespec now;
    struct tm local;
    char date[64];
    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &local);
    strftime(date, sizeof(date), "%d %b %Y %H:%M:%S", &local);

    char line[LINE_MAX_BYTES + 128];
    int len = snprintf(line, sizeof(line), "%d:M %s.%03d %c %s\n", (int)getpid(), date,
                       (int)(now.tv_nsec / 1000000), levels[level].mark, text);
    write_all(atomic_load(&log_fd), line, (size_t)len);
    if (atomic_load(&log_to_syslog))
        syslog(levels[level].priority, "%s", text);
    errno = error;
}
