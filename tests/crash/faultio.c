/* SPDX-License-Identifier: MIT */
/*
 * Makes the disk fail on command, for a server that is started with this library in LD_PRELOAD.
 *
 * FAULTIO_CONTROL names a file that is mapped and holds a struct control; the test writes it while
 * the server runs. Calls that concern files below FAULTIO_DIR whose path contains `match` then fail
 * with the given errno: each kind on its own, from the n-th such call on, a given number of times.
 * They are counted. Everything else goes to the system.
 */
#include "preload.h"

#include <sys/uio.h>

/* The layout is known to fulldisk.py. */
typedef struct fault {
    _Atomic int32_t error;  /* an errno; 0: no fault */
    _Atomic int32_t times;  /* how often more; negative: always */
    _Atomic int32_t failed; /* how often it did */
    _Atomic int32_t after;  /* so many calls before it go well */
} fault;

typedef struct control {
    fault write;   /* and allocate, and change the size */
    fault sync;    /* of files and directories */
    fault open;    /* and make directories */
    fault rename;  /* from or to the path */
    fault unlink;  /* a name */
    fault read;    /* file contents */
    fault shorten; /* writes: half is written, and that is no error */
    char match[64];
} control;

static control *shared;

__attribute__((constructor)) static void map_control(void) {
    if (preload_take_dir("FAULTIO_DIR"))
        shared = preload_map("FAULTIO_CONTROL", sizeof(control), NULL);
}

static int is_path_meant(const char *path) {
    return preload_rest(path) && strstr(path, shared->match) != NULL;
}

static int is_meant(int fd) {
    struct stat st;
    char path[PATH_MAX];
    return preload_file(fd, &st, path) && is_path_meant(path);
}

/* True, with errno set, when a call that is meant has to fail. */
static int strikes(fault *f, int error) {
    int32_t after = atomic_load(&f->after);
    while (after > 0 && !atomic_compare_exchange_weak(&f->after, &after, after - 1))
        continue;
    if (after > 0)
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

static int fails(fault *f, int fd) {
    int error = atomic_load(&f->error);
    return error != 0 && is_meant(fd) && strikes(f, error);
}

static int fails_at(fault *f, const char *path) {
    int error = atomic_load(&f->error);
    return error != 0 && is_path_meant(path) && strikes(f, error);
}

#define FAIL_WRITE(fd) (shared && fails(&shared->write, (fd)))
#define FAIL_SYNC(fd)  (shared && fails(&shared->sync, (fd)))
#define FAIL_READ(fd)  (shared && fails(&shared->read, (fd)))
/* How much of a write is to be done. */
#define SHORT_OF(fd, len) ((len) > 1 && shared && fails(&shared->shorten, (fd)) ? (len) / 2 : (len))

/* Defines `name` as the system's function of that name behind a question. */
#define BEHIND(result, name, question, parameters, arguments, failure)                             \
    result name parameters;                                                                        \
    result name parameters {                                                                       \
        if (question)                                                                              \
            return failure;                                                                        \
        return PRELOAD_NEXT(name) arguments;                                                       \
    }

BEHIND(ssize_t, write, FAIL_WRITE(fd), (int fd, const void *from, size_t len),
       (fd, from, SHORT_OF(fd, len)), -1)
BEHIND(ssize_t, writev, FAIL_WRITE(fd), (int fd, const struct iovec *iov, int count),
       (fd, iov, count), -1)
BEHIND(ssize_t, pwrite, FAIL_WRITE(fd), (int fd, const void *from, size_t len, off_t at),
       (fd, from, SHORT_OF(fd, len), at), -1)
BEHIND(ssize_t, pwrite64, FAIL_WRITE(fd), (int fd, const void *from, size_t len, off64_t at),
       (fd, from, SHORT_OF(fd, len), at), -1)
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
BEHIND(ssize_t, read, FAIL_READ(fd), (int fd, void *to, size_t len), (fd, to, len), -1)
BEHIND(ssize_t, pread, FAIL_READ(fd), (int fd, void *to, size_t len, off_t at), (fd, to, len, at),
       -1)
BEHIND(ssize_t, pread64, FAIL_READ(fd), (int fd, void *to, size_t len, off64_t at),
       (fd, to, len, at), -1)

/* ---- names ---- */

#define FAIL_AT(kind, path) (shared && fails_at(&shared->kind, (path)))

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...);                                                    \
    int name(const char *path, int flags, ...) {                                                   \
        PRELOAD_MODE(flags, mode)                                                                  \
        return FAIL_AT(open, path) ? -1 : PRELOAD_NEXT(name)(path, flags, mode);                   \
    }
OPEN(open)
OPEN(open64)

BEHIND(int, mkdir, FAIL_AT(open, path), (const char *path, mode_t mode), (path, mode), -1)
BEHIND(int, rename, FAIL_AT(rename, from) || FAIL_AT(rename, to),
       (const char *from, const char *to), (from, to), -1)
BEHIND(int, renameat2, FAIL_AT(rename, from) || FAIL_AT(rename, to),
       (int from_at, const char *from, int to_at, const char *to, unsigned flags),
       (from_at, from, to_at, to, flags), -1)
BEHIND(int, unlink, FAIL_AT(unlink, path), (const char *path), (path), -1)
