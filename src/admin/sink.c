/* SPDX-License-Identifier: MIT */
/* Where a result goes; see sink.h. */
#include "admin/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/admin.h"
#include "admin/output.h"
#include "base/alloc.h"
#include "base/buffer.h"

static int refuse(const char *path) {
    admin_error("%s exists already: choose another name, or remove it", path);
    return ADMIN_FAILED;
}

int admin_sink_open(admin_sink *s, const char *path) {
    *s = (admin_sink){.path = path, .fd = STDOUT_FILENO};
    if (!path)
        return ADMIN_OK;
    struct stat st;
    if (lstat(path, &st) == 0)
        return refuse(path);
    rl_buffer part = {0};
    rl_buffer_printf(&part, "%s.part", path);
    rl_buffer_cstr(&part);
    /* What is left of a run that was killed is begun anew. */
    s->fd = open(part.ptr, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    s->part = part.ptr;
    if (s->fd >= 0)
        return ADMIN_OK;
    admin_error("cannot write %s: %s", s->part, strerror(errno));
    rl_free(s->part);
    s->part = NULL;
    return ADMIN_FAILED;
}

bool admin_sink_write(admin_sink *s, rl_bytes bytes) {
    while (bytes.len && s->error == 0) {
        ssize_t done = write(s->fd, bytes.ptr, bytes.len);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0) {
            s->error = errno;
            break;
        }
        bytes.ptr += done;
        bytes.len -= (size_t)done;
        s->written += (uint64_t)done;
    }
    return s->error == 0;
}

bool admin_sync_parent(const char *path) {
    const char *slash = strrchr(path, '/');
    char *parent =
        slash ? rl_strndup(path, slash == path ? 1 : (size_t)(slash - path)) : rl_strdup(".");
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    int error = errno;
    if (fd >= 0)
        close(fd);
    errno = error;
    rl_free(parent);
    return synced;
}

/* link and not rename: a file that was made meanwhile is not replaced. */
static bool give_name(const admin_sink *s) {
    if (link(s->part, s->path) == 0)
        return unlink(s->part) == 0;
    if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
        return false;
    return rename(s->part, s->path) == 0; /* a file system without links */
}

int admin_sink_close(admin_sink *s, bool keep) {
    if (!s->part) {
        if (s->error)
            admin_error("cannot write to standard output: %s", strerror(s->error));
        return s->error ? ADMIN_FAILED : ADMIN_OK;
    }
    keep &= s->error == 0;
    if (keep && fsync(s->fd) != 0)
        s->error = errno;
    if (close(s->fd) != 0 && !s->error)
        s->error = errno;
    if (keep && !s->error && (!give_name(s) || !admin_sync_parent(s->path)))
        s->error = errno;
    if (!keep || s->error)
        unlink(s->part);
    if (s->error)
        admin_error("cannot write %s: %s", s->path, strerror(s->error));
    rl_free(s->part);
    return s->error ? ADMIN_FAILED : ADMIN_OK;
}
