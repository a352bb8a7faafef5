/* SPDX-License-Identifier: MIT */
/*
 * The lock on the data directory. flock(2), because it belongs to the open file and not, as POSIX
 * record locks do, to the process: closing another descriptor of the file does not drop it.
 */
#include "store/dirlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"

#define CONTENT_MAX 512

struct rl_dirlock {
    int fd;
};

/* Copies the text behind "name " at the start of a line; false when there is no such line. */
static bool find_line(const char *content, const char *name, char *out, size_t out_len) {
    size_t name_len = strlen(name);
    for (const char *line = content; line && *line;) {
        if (strncmp(line, name, name_len) == 0 && line[name_len] == ' ') {
            const char *value = line + name_len + 1;
            snprintf(out, out_len, "%.*s", (int)strcspn(value, "\n"), value);
            return *out != '\0';
        }
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return false;
}

/* False when the file does not say all. */
static bool read_holder(int fd, rl_dirlock_holder *out) {
    char content[CONTENT_MAX + 1];
    ssize_t n = pread(fd, content, CONTENT_MAX, 0);
    content[n > 0 ? n : 0] = '\0';
    return find_line(content, "pid", out->pid, sizeof(out->pid)) &&
           find_line(content, "started", out->started, sizeof(out->started)) &&
           find_line(content, "host", out->host, sizeof(out->host));
}

static void describe_holder(int fd, const char *path, char *error, size_t error_len) {
    rl_dirlock_holder holder;
    if (read_holder(fd, &holder))
        snprintf(error, error_len,
                 "%s is held by process %s on host %s, started %s: another server uses this "
                 "directory; stop it or choose another directory",
                 path, holder.pid, holder.host, holder.started);
    else
        snprintf(error, error_len,
                 "%s is held by another process: another server uses this directory; stop it or "
                 "choose another directory",
                 path);
}

/* Only people read it; on a full disk there is a lock without it. */
static void write_holder(int fd, const char *path) {
    char host[128] = "?";
    if (gethostname(host, sizeof(host) - 1) != 0)
        snprintf(host, sizeof(host), "?");
    char started[64] = "?";
    time_t now = time(NULL);
    struct tm utc;
    if (gmtime_r(&now, &utc))
        strftime(started, sizeof(started), "%Y-%m-%dT%H:%M:%SZ", &utc);
    char content[CONTENT_MAX];
    int len = snprintf(content, sizeof(content), "pid %ld\nstarted %s\nhost %s\n", (long)getpid(),
                       started, host);
    ssize_t n = ftruncate(fd, 0) == 0 ? pwrite(fd, content, (size_t)len, 0) : -1;
    if (n == len)
        return;
    rl_log(RL_LOG_WARNING, "%s while writing %s: nobody can see there who holds the directory",
           strerror(n < 0 ? errno : ENOSPC), path);
    if (n > 0 && ftruncate(fd, 0) != 0)
        errno = 0; /* then half of it stays */
}

static char *lock_path(const char *dir) {
    size_t len = strlen(dir) + sizeof("/" RL_DIRLOCK_NAME);
    char *path = rl_malloc(len);
    snprintf(path, len, "%s/%s", dir, RL_DIRLOCK_NAME);
    return path;
}

int rl_dirlock_acquire(const char *dir, rl_dirlock **out, char *error, size_t error_len) {
    char *path = lock_path(dir);
    int rc = RL_DIRLOCK_IO;
    const char *doing = "opening";
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        goto failed;
    doing = "locking";
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            goto failed;
        describe_holder(fd, path, error, error_len);
        rc = RL_DIRLOCK_HELD;
        goto done;
    }
    write_holder(fd, path);
    *out = rl_malloc(sizeof(**out));
    (*out)->fd = fd;
    fd = -1;
    rc = RL_DIRLOCK_OK;
    goto done;
failed:
    if (errno == EACCES || errno == EPERM || errno == EROFS)
        snprintf(error, error_len,
                 "%s: %s; the data directory and its files must be writable by the user that the "
                 "server runs as (uid %u): give them to it (chown -R), or choose another directory "
                 "with --dir",
                 path, strerror(errno), (unsigned)geteuid());
    else
        snprintf(error, error_len, "%s while %s %s", strerror(errno), doing, path);
done:
    if (fd >= 0)
        close(fd);
    rl_free(path);
    return rc;
}

void rl_dirlock_release(rl_dirlock *lock) {
    if (!lock)
        return;
    /* Nobody holds it from here on, so nobody shall be named. Failing to say so does no harm. */
    if (ftruncate(lock->fd, 0) != 0)
        errno = 0;
    close(lock->fd);
    rl_free(lock);
}

void rl_dirlock_look(const char *dir, rl_dirlock_holder *out) {
    memset(out, 0, sizeof(*out));
    char *path = lock_path(dir);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    rl_free(path);
    if (fd < 0)
        return;
    out->held = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (out->held && !read_holder(fd, out))
        *out = (rl_dirlock_holder){.held = true};
    close(fd);
}
