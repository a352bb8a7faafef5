/* SPDX-License-Identifier: MIT */
/* Daemons, pid files, service managers. See supervise.h. */
#include "server/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"

#define DEFAULT_PIDFILE "/var/run/rubellite.pid"

enum {
    OWN_FILES = 64,   /* descriptors kept for files, listeners and the loop */
    READER_FILES = 4, /* and for each connection of a reader: database, WAL, temporary files */
};

static bool is_set(const char *text) {
    return text && *text;
}

/* Where a daemon tells the process that was started how its start went; -1: nobody waits. */
static int starter = -1;

/* A daemon's word that it is ready; any other text is why it is not. */
static const char ready_word[] = "ready";

static void tell_starter(const char *text) {
    if (starter < 0)
        return;
    size_t len = strlen(text);
    while (len) {
        ssize_t n = write(starter, text, len);
        if (n <= 0)
            break; /* gone: nobody is left to tell */
        text += n;
        len -= (size_t)n;
    }
    close(starter);
    starter = -1;
}

/* The process that was started waits for the daemon's word, so that a script sees in the exit code
 * whether there is a server now, and a person why there is none. */
static int await_daemon(int from) {
    char text[4096];
    size_t len = 0;
    ssize_t n;
    while (len < sizeof text - 1 && (n = read(from, text + len, sizeof text - 1 - len)) > 0)
        len += (size_t)n;
    text[len] = '\0';
    if (strcmp(text, ready_word) == 0)
        return 0;
    fprintf(stderr, "rubellite-server: cannot start: %s\n",
            len ? text : "the process in the background ended; see its log");
    return 1;
}

static bool go_to_background(rl_buffer *error) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC)) {
        rl_buffer_printf(error, "daemonize: cannot make a pipe: %s", strerror(errno));
        return false;
    }
    pid_t pid = fork();
    if (pid < 0) {
        rl_buffer_printf(error, "daemonize: cannot fork: %s", strerror(errno));
        close(ends[0]);
        close(ends[1]);
        return false;
    }
    if (pid > 0) {
        close(ends[1]);
        _exit(await_daemon(ends[0]));
    }
    close(ends[0]);
    starter = ends[1];
    setsid();
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        if (null > STDERR_FILENO)
            close(null);
    }
    rl_alloc_after_fork();
    return true;
}

static const char *pidfile_of(const rl_settings *set) {
    if (is_set(set->pidfile))
        return set->pidfile;
    return set->daemonize ? DEFAULT_PIDFILE : NULL;
}

static void write_pidfile(const char *path) {
    FILE *f = fopen(path, "we");
    if (f == NULL) { /* as Redis: worth a line, not worth a refusal */
        rl_log(RL_LOG_WARNING,
               "Cannot write the pid file '%s': %s. Going on without one; --pidfile chooses "
               "another path",
               path, strerror(errno));
        return;
    }
    fprintf(f, "%d\n", (int)getpid());
    fclose(f);
}

static bool by(const rl_settings *set, const char *manager, const char *variable) {
    if (!is_set(set->supervised))
        return false;
    return strcmp(set->supervised, manager) == 0 ||
           (strcmp(set->supervised, "auto") == 0 && getenv(variable));
}

bool rl_supervise_begin(const rl_settings *set, rl_buffer *error) {
    bool supervised = by(set, "systemd", "NOTIFY_SOCKET") || by(set, "upstart", "UPSTART_JOB");
    if (set->daemonize && !supervised && !go_to_background(error))
        return false;
    return true;
}

/* One datagram to the service manager; without a socket there is nobody to tell. */
static void notify_systemd(const char *message) {
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    if (!is_set(path) || strlen(path) >= sizeof to.sun_path)
        return;
    memcpy(to.sun_path, path, strlen(path));
    if (to.sun_path[0] == '@') /* the abstract namespace */
        to.sun_path[0] = '\0';
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    socklen_t len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
    if (sendto(fd, message, strlen(message), 0, (struct sockaddr *)&to, len) < 0)
        rl_log(RL_LOG_WARNING, "Cannot tell systemd '%s': %s", message, strerror(errno));
    close(fd);
}

void rl_supervise_ready(const rl_settings *set) {
    const char *pidfile = pidfile_of(set);
    if (pidfile)
        write_pidfile(pidfile);
    if (by(set, "systemd", "NOTIFY_SOCKET"))
        notify_systemd("STATUS=Ready to accept connections\nREADY=1\n");
    else if (by(set, "upstart", "UPSTART_JOB"))
        raise(SIGSTOP);
    tell_starter(ready_word);
}

void rl_supervise_failed(const char *why) {
    tell_starter(why);
}

void rl_supervise_stopping(const rl_settings *set) {
    if (by(set, "systemd", "NOTIFY_SOCKET"))
        notify_systemd("STOPPING=1\n");
}

void rl_supervise_end(const rl_settings *set) {
    const char *pidfile = pidfile_of(set);
    if (pidfile)
        unlink(pidfile);
}

int rl_supervise_file_limit(const rl_settings *set, int clients) {
    struct rlimit limit;
    rlim_t own = OWN_FILES + READER_FILES * (rlim_t)set->sql_readers;
    rlim_t wanted = (rlim_t)clients + own;
    if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur >= wanted)
        return clients;
    rlim_t had = limit.rlim_cur;
    limit.rlim_cur =
        limit.rlim_max != RLIM_INFINITY && limit.rlim_max < wanted ? limit.rlim_max : wanted;
    if (setrlimit(RLIMIT_NOFILE, &limit))
        limit.rlim_cur = had;
    if (limit.rlim_cur >= wanted)
        return clients;
    return limit.rlim_cur > own ? (int)(limit.rlim_cur - own) : 1;
}
