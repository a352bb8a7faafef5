/* SPDX-License-Identifier: MIT */
/*
 * What the libraries of this directory share. Each is put under a server with LD_PRELOAD, defines
 * some of the system's functions itself, and is told by two variables of the environment which
 * directory is meant and which file it shares with the test.
 *
 * Include it first: it asks for the declarations of the GNU C library, those with 64 in their names
 * too. Everything may be called by any thread once the constructor has run, and leaves errno alone.
 */
#ifndef TESTS_CRASH_PRELOAD_H
#define TESTS_CRASH_PRELOAD_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- the system's functions ------------------------------------------------------------------- */

static inline uintptr_t preload_find(_Atomic(uintptr_t) *slot, const char *name) {
    uintptr_t found = atomic_load(slot);
    if (found == 0) {
        found = (uintptr_t)dlsym(RTLD_NEXT, name);
        atomic_store(slot, found);
    }
    return found;
}

/* The function that `name` would be without this library; a pointer of its type. */
#define PRELOAD_NEXT(name)                                                                         \
    ({                                                                                             \
        static _Atomic(uintptr_t) preload_slot;                                                    \
        (__typeof__(&(name)))preload_find(&preload_slot, #name);                                   \
    })

/* In an open with `...` behind `flags`: declares `mode`, which is 0 where none was passed. */
#define PRELOAD_MODE(flags, mode)                                                                  \
    mode_t mode = 0;                                                                               \
    if ((flags)&O_CREAT || ((flags)&O_TMPFILE) == O_TMPFILE) {                                     \
        va_list preload_more;                                                                      \
        va_start(preload_more, flags);                                                             \
        mode = va_arg(preload_more, mode_t);                                                       \
        va_end(preload_more);                                                                      \
    }

/* --- the directory ---------------------------------------------------------------------------- */

static char preload_dir[PATH_MAX]; /* its real path; empty: none is meant */
static size_t preload_dir_len;

/* Takes the directory from the environment; false: the variable is not set, or it is not there. */
static inline int preload_take_dir(const char *variable) {
    const char *path = getenv(variable);
    if (!path || !realpath(path, preload_dir))
        return 0;
    preload_dir_len = strlen(preload_dir);
    return 1;
}

/* What stands behind the directory in an absolute path: empty for itself, else it begins with a
 * slash; NULL: the path is not below it. */
static inline const char *preload_rest(const char *path) {
    if (strncmp(path, preload_dir, preload_dir_len) != 0)
        return NULL;
    const char *rest = path + preload_dir_len;
    return *rest == '/' || *rest == '\0' ? rest : NULL;
}

/* True for a descriptor of a regular file or a directory; fills *st, and path with where it is (of
 * one that has no name any more, with what the system says then). */
static inline int preload_file(int fd, struct stat *st, char path[PATH_MAX]) {
    char link[64];
    int saved = errno;
    ssize_t len = -1;
    if (fstat(fd, st) == 0 && (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode))) {
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        len = readlink(link, path, PATH_MAX - 1);
    }
    errno = saved;
    if (len < 0)
        return 0;
    path[len] = '\0';
    return 1;
}

/* --- the file that is shared with the test ---------------------------------------------------- */

/* Maps the file that the environment names, all of it. NULL: the variable is not set. A file that
 * is not there or has less than `least` bytes ends the process: a run without it would prove
 * nothing. `bytes`, unless NULL: how many it has. */
static inline void *preload_map(const char *variable, size_t least, size_t *bytes) {
    const char *path = getenv(variable);
    if (!path)
        return NULL;
    struct stat st = {0};
    int fd = open(path, O_RDWR | O_CLOEXEC);
    void *at = MAP_FAILED;
    if (fd >= 0 && fstat(fd, &st) == 0 && (size_t)st.st_size >= least)
        at = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED) {
        fprintf(stderr, "%s: %s cannot be mapped, or is too short\n", variable, path);
        abort();
    }
    close(fd);
    if (bytes)
        *bytes = (size_t)st.st_size;
    return at;
}

#endif
