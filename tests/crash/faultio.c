/* SPDX-License-Identifier: MIT */
/*
 * Makes the disk fail on command, for a server that is started with this library in LD_PRELOAD.
 *
 * FAULTIO_CONTROL names a file that is mapped and holds a struct control; the test writes it while
 * the server runs. Writes, allocations and syncs of files below FAULTIO_DIR whose path contains
 * `match` then fail with the given errno, a given number of times, and are counted. Everything else
 * goes to the system.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* One for writing and one for syncing. The layout is known to fulldisk.py. */
typedef struct fault {
    _Atomic int32_t error;  /* an errno; 0: no fault */
    _Atomic int32_t times;  /* how often more; negative: always */
    _Atomic int32_t failed; /* how often it did */
} fault;

typedef struct control {
    fault write, sync;
    char match[64];
} control;

static control *shared;
static char dir[PATH_MAX];

__attribute__((constructor)) static void map_control(void) {
    const char *path = getenv("FAULTIO_CONTROL"), *below = getenv("FAULTIO_DIR");
    if (!path || !below || !realpath(below, dir))
        return;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    if (fd < 0)
        return;
    void *at = mmap(NULL, sizeof(control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (at != MAP_FAILED)
        shared = at;
}

static int is_meant(int fd) {
    char link[64], path[PATH_MAX];
    struct stat st;
    if (fstat(fd, &st) != 0 || !(S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)))
        return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    if (len < 0)
        return 0;
    path[len] = '\0';
    return strncmp(path, dir, strlen(dir)) == 0 && strstr(path, shared->match) != NULL;
}

/* True, with errno set, when this call has to fail. */
static int fails(fault *f, int fd) {
    int error = atomic_load(&f->error);
    if (error == 0 || !is_meant(fd))
        return 0;
    int32_t times = atomic_load(&f->times);
    while (times > 0 && !atomic_compare_exchange_weak(&f->times, &times, times - 1))
        continue;
    if (times == 0)
        return 0;
    atomic_fetch_add(&f->failed, 1);
    errno = error;
    return 1;
}

#define FAIL_WRITE(fd) (shared && fails(&shared->write, (fd)))
#define FAIL_SYNC(fd)  (shared && fails(&shared->sync, (fd)))

/* Defines `name` as the system's function of that name behind a question. */
#define BEHIND(result, name, question, parameters, arguments, failure)                             \
    result name parameters;                                                                        \
    result name parameters {                                                                       \
        static _Atomic(uintptr_t) next;                                                            \
        uintptr_t found = atomic_load(&next);                                                      \
        if (found == 0) {                                                                          \
            found = (uintptr_t)dlsym(RTLD_NEXT, #name);                                            \
            atomic_store(&next, found);                                                            \
        }                                                                                          \
        if (question)                                                                              \
            return failure;                                                                        \
        return ((result(*) parameters)found)arguments;                                             \
    }

BEHIND(ssize_t, write, FAIL_WRITE(fd), (int fd, const void *from, size_t len), (fd, from, len), -1)
BEHIND(ssize_t, writev, FAIL_WRITE(fd), (int fd, const struct iovec *iov, int count),
       (fd, iov, count), -1)
BEHIND(ssize_t, pwrite, FAIL_WRITE(fd), (int fd, const void *from, size_t len, off_t at),
       (fd, from, len, at), -1)
BEHIND(ssize_t, pwrite64, FAIL_WRITE(fd), (int fd, const void *from, size_t len, off64_t at),
       (fd, from, len, at), -1)
BEHIND(ssize_t, pwritev, FAIL_WRITE(fd), (int fd, const struct iovec *iov, int count, off_t at),
       (fd, iov, count, at), -1)
BEHIND(ssize_t, pwritev64, FAIL_WRITE(fd), (int fd, const struct iovec *iov, int count, off64_t at),
       (fd, iov, count, at), -1)
BEHIND(int, fallocate, FAIL_WRITE(fd), (int fd, int mode, off_t at, off_t len), (fd, mode, at, len),
       -1)
BEHIND(int, fallocate64, FAIL_WRITE(fd), (int fd, int mode, off64_t at, off64_t len),
       (fd, mode, at, len), -1)
BEHIND(int, posix_fallocate, FAIL_WRITE(fd), (int fd, off_t at, off_t len), (fd, at, len), errno)
BEHIND(int, posix_fallocate64, FAIL_WRITE(fd), (int fd, off64_t at, off64_t len), (fd, at, len),
       errno)
BEHIND(int, ftruncate, FAIL_WRITE(fd), (int fd, off_t len), (fd, len), -1)
BEHIND(int, ftruncate64, FAIL_WRITE(fd), (int fd, off64_t len), (fd, len), -1)
BEHIND(int, fsync, FAIL_SYNC(fd), (int fd), (fd), -1)
BEHIND(int, fdatasync, FAIL_SYNC(fd), (int fd), (fd), -1)
BEHIND(int, sync_file_range, FAIL_SYNC(fd), (int fd, off64_t at, off64_t len, unsigned flags),
       (fd, at, len, flags), -1)
