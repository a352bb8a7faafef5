/* SPDX-License-Identifier: MIT */
/* The store's file operations, done by the system. */
#include "store/file_ops.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int system_open(const char *path, int flags, mode_t mode) {
    int fd;
    do
        fd = open(path, flags | O_CLOEXEC, mode);
    while (fd < 0 && errno == EINTR);
    return fd;
}

static int64_t system_size(int fd) {
    struct stat st;
    return fstat(fd, &st) == 0 ? (int64_t)st.st_size : -1;
}

static ssize_t system_pread(int fd, void *to, size_t len, off_t offset) {
    ssize_t n;
    do
        n = pread(fd, to, len, offset);
    while (n < 0 && errno == EINTR);
    return n;
}

static ssize_t system_pwrite(int fd, const void *from, size_t len, off_t offset) {
    ssize_t n;
    do
        n = pwrite(fd, from, len, offset);
    while (n < 0 && errno == EINTR);
    return n;
}

static int system_sync_dir(const char *path) {
    int fd = system_open(path, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return -1;
    int failed = fsync(fd) == 0 ? 0 : errno;
    close(fd);
    errno = failed;
    return failed ? -1 : 0;
}

/* rename that leaves what is there alone, even what came in this moment. */
static int system_rename_new(const char *from, const char *to) {
    struct stat st;
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS) /* a file system that cannot */
        return -1;
    if (lstat(to, &st) == 0) {
        errno = EEXIST;
        return -1;
    }
    return rename(from, to);
}

static int system_list(const char *path, void (*each)(void *arg, const char *name), void *arg) {
    DIR *dir = opendir(path);
    if (!dir)
        return -1;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry)
            break;
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            each(arg, entry->d_name);
    }
    int failed = errno;
    closedir(dir);
    errno = failed;
    return failed ? -1 : 0;
}

static const rl_file_ops system_ops = {
    .open = system_open,
    .close = close,
    .size = system_size,
    .pread = system_pread,
    .pwrite = system_pwrite,
    .datasync = fdatasync,
    .sync_dir = system_sync_dir,
    .rename = rename,
    .rename_new = system_rename_new,
    .unlink = unlink,
    .mkdir = mkdir,
    .list = system_list,
};

static const rl_file_ops *chosen = &system_ops;

const rl_file_ops *rl_file_ops_get(void) {
    return chosen;
}

void rl_file_ops_set(const rl_file_ops *ops) {
    chosen = ops ? ops : &system_ops;
}

int rl_file_read_all(int fd, void *to, size_t len, uint64_t offset) {
    char *at = to;
    while (len > 0) {
        ssize_t n = chosen->pread(fd, at, len, (off_t)offset);
        if (n < 0)
            return -1;
        if (n == 0) {
            errno = EIO;
            return -1;
        }
        at += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}

int rl_file_write_all(int fd, const void *from, size_t len, uint64_t offset) {
    const char *at = from;
    while (len > 0) {
        ssize_t n = chosen->pwrite(fd, at, len, (off_t)offset);
        if (n < 0)
            return -1;
        if (n == 0) {
            errno = EIO;
            return -1;
        }
        at += n;
        len -= (size_t)n;
        offset += (uint64_t)n;
    }
    return 0;
}
