/* SPDX-License-Identifier: MIT */
/*
 * Writes down every change that a program makes to the files below a directory, so that
 * power_cut.py can tell what a disk may hold had the plug been pulled at any moment. For programs
 * that are started with this library in LD_PRELOAD; several may share a log.
 *
 * RECORDER_DIR is the directory, RECORDER_LOG a file outside it that exists, is filled with zeros
 * and as long as the log may become. It is mapped, so what is in it survives SIGKILL.
 *
 * The order. A call has two records: one before the system is asked, with everything the call may
 * change, and one after it answered. Records are appended under one lock, so their places in the
 * log are a total order over all threads and programs, and two things follow that need no look at
 * the calls themselves: a call whose second record stands before the first one of a sync had
 * happened when the sync began, and whatever a client was told after a call stands behind the
 * second record of it. Calls that change names hold a second lock from the one record to the other,
 * so they happen in the order of the log too; writes and syncs run beside each other.
 *
 * A kill within a call would leave open whether it happened, and what the next program does depends
 * on that. So recorded.py has the process begin no more calls, waits for those that are under way,
 * and kills it then.
 *
 * What it does not know (another way to write than those below) shows when the log is replayed:
 * power_cut.py compares the outcome with the files that the killed program really left. A mapping
 * of a file that could be written through is refused, but for SQLite's -shm, which no start trusts.
 */
#include "preload.h"

#include <pthread.h>
#include <sys/uio.h>
#include <time.h>

/* Known to disk_image.py, as is the layout of both structs. */
enum {
    DO_OPEN = 1,  /* names: path; at: flags; number: of the file, in the second record */
    DO_WRITE,     /* at: offset; data; result: how much was written */
    DO_TRUNCATE,  /* at: new size */
    DO_ALLOCATE,  /* at: the least size afterwards */
    DO_SYNC,      /* fsync or fdatasync of a file or directory */
    DO_RENAME,    /* names: from, to */
    DO_LINK,      /* names: from, to */
    DO_UNLINK,    /* names: path */
    DO_MKDIR,     /* names: path */
    DO_RMDIR,     /* names: path */
    DO_NOT_KNOWN, /* names: what; the log is worth nothing */
};

typedef struct head {
    _Atomic uint64_t end;  /* of the last whole record */
    _Atomic uint64_t full; /* there was no room */
    uint64_t calls;
    _Atomic uint32_t ready; /* the locks are made */
    /* Set by who is about to kill this process: none of its calls begins any more. */
    _Atomic uint32_t ending_pid;
    _Atomic uint32_t under_way; /* calls, of all programs */
    pthread_mutex_t append, names;
} head;

typedef struct record {
    uint32_t bytes; /* with what follows; a multiple of 8 */
    uint16_t what;
    uint16_t is_end;
    uint64_t call;
    uint64_t time_ns; /* CLOCK_MONOTONIC */
    uint64_t number;  /* of the file (st_ino) */
    int64_t at;
    int64_t result; /* of the second record; negative: an errno */
    uint32_t data_bytes;
    uint32_t pad;
} record;

#define HEAD_BYTES 4096

static head *log_head;
static uint64_t log_bytes;

static void lock(pthread_mutex_t *m) {
    if (pthread_mutex_lock(m) ==
        EOWNERDEAD) /* a program was killed with it: its record is no part */
        pthread_mutex_consistent(m);
}

static void make_lock(pthread_mutex_t *m) {
    pthread_mutexattr_t shared;
    pthread_mutexattr_init(&shared);
    pthread_mutexattr_setpshared(&shared, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&shared, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(m, &shared);
    pthread_mutexattr_destroy(&shared);
}

/* The first program makes the locks, before any other is started. */
__attribute__((constructor)) static void map_log(void) {
    size_t bytes = 0;
    head *h = NULL;
    if (preload_take_dir("RECORDER_DIR"))
        h = preload_map("RECORDER_LOG", HEAD_BYTES, &bytes);
    if (!h)
        return;
    if (!atomic_load(&h->ready)) {
        make_lock(&h->append);
        make_lock(&h->names);
        atomic_store(&h->end, HEAD_BYTES);
        atomic_store(&h->ready, 1);
    }
    log_bytes = bytes;
    log_head = h;
}

/* ---- the log ---- */

/* The parts follow each other as the record's data. Returns the call's number. */
static uint64_t append(record r, const struct iovec *parts, int count) {
    size_t len = 0;
    for (int i = 0; i < count; i++)
        len += parts[i].iov_len;
    r.data_bytes = (uint32_t)len;
    r.bytes = (uint32_t)((sizeof r + len + 7) & ~(size_t)7);
    lock(&log_head->append);
    uint64_t end = atomic_load(&log_head->end);
    if (end + r.bytes > log_bytes) {
        atomic_store(&log_head->full, 1);
        abort(); /* a log that ends early would prove something else */
    }
    if (!r.is_end)
        r.call = ++log_head->calls;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    r.time_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
    char *to = (char *)log_head + end;
    memcpy(to, &r, sizeof r);
    to += sizeof r;
    for (int i = 0; i < count; i++) {
        if (parts[i].iov_len)
            memcpy(to, parts[i].iov_base, parts[i].iov_len);
        to += parts[i].iov_len;
    }
    atomic_store(&log_head->end, end + r.bytes);
    pthread_mutex_unlock(&log_head->append);
    return r.call;
}

/* Counts a call as under way, or stays here to be killed. */
static void enter(void) {
    atomic_fetch_add(&log_head->under_way, 1);
    if (atomic_load(&log_head->ending_pid) != (uint32_t)getpid())
        return;
    atomic_fetch_sub(&log_head->under_way, 1);
    for (;;)
        pause();
}

static uint64_t first_record(int what, uint64_t number, int64_t at, const struct iovec *parts,
                             int count) {
    int saved = errno;
    uint64_t call =
        append((record){.what = (uint16_t)what, .number = number, .at = at}, parts, count);
    errno = saved;
    return call;
}

static uint64_t begin(int what, uint64_t number, int64_t at, const struct iovec *parts, int count) {
    enter();
    return first_record(what, number, at, parts, count);
}

/* result: what the call returned; errno is left as it is. */
static void end(int what, uint64_t call, uint64_t number, int64_t result) {
    int saved = errno;
    append((record){.what = (uint16_t)what,
                    .is_end = 1,
                    .call = call,
                    .number = number,
                    .result = result < 0 ? -saved : result},
           NULL, 0);
    atomic_fetch_sub(&log_head->under_way, 1);
    errno = saved;
}

static uint64_t begin_names(int what, int64_t at, const char *from, const char *to) {
    struct iovec parts[2] = {{(void *)(uintptr_t)from, strlen(from) + 1},
                             {(void *)(uintptr_t)to, to ? strlen(to) + 1 : 0}};
    enter();
    lock(&log_head->names);
    return first_record(what, 0, at, parts, to ? 2 : 1);
}

static void end_names(int what, uint64_t call, uint64_t number, int64_t result) {
    end(what, call, number, result);
    pthread_mutex_unlock(&log_head->names);
}

static void not_known(const char *what) {
    struct iovec part = {(void *)(uintptr_t)what, strlen(what) + 1};
    first_record(DO_NOT_KNOWN, 0, 0, &part, 1);
    abort();
}

/* ---- which files ---- */

/* The absolute path, with everything but its last name resolved. */
static int locate(int at, const char *path, char out[PATH_MAX]) {
    char part[PATH_MAX], link[64];
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    size_t len = slash ? (size_t)(slash - path) : 0;
    if (path[0] != '/' && at != AT_FDCWD) {
        snprintf(link, sizeof link, "/proc/self/fd/%d/", at);
        snprintf(part, sizeof part, "%s%.*s", link, (int)len, path);
    } else if (slash == path) {
        snprintf(part, sizeof part, "/");
    } else {
        snprintf(part, sizeof part, "%.*s", slash ? (int)len : 1, slash ? path : ".");
    }
    char parent[PATH_MAX];
    if (!realpath(part, parent))
        return 0;
    return (size_t)snprintf(out, PATH_MAX, "%s/%s", parent, name) < PATH_MAX && preload_rest(out);
}

static int is_shared_memory(const char *path) {
    size_t len = strlen(path);
    return len > 4 && strcmp(path + len - 4, "-shm") == 0;
}

/* True when changes of the file are to be recorded; *st and path are filled then. */
static int is_recorded(int fd, struct stat *st, char path[PATH_MAX]) {
    return log_head && preload_file(fd, st, path) && preload_rest(path) && !is_shared_memory(path);
}

/* ---- calls ---- */

/* Defines `name` as a call that changes the file `fd`; the last argument makes its first record. */
#define CHANGE(type, name, what, parameters, arguments, ...)                                       \
    type name parameters;                                                                          \
    type name parameters {                                                                         \
        struct stat st;                                                                            \
        char path[PATH_MAX];                                                                       \
        if (!is_recorded(fd, &st, path))                                                           \
            return PRELOAD_NEXT(name) arguments;                                                   \
        uint64_t call = __VA_ARGS__;                                                               \
        type result = PRELOAD_NEXT(name) arguments;                                                \
        end(what, call, (uint64_t)st.st_ino, (int64_t)result);                                     \
        return result;                                                                             \
    }

static uint64_t begin_write(int fd, const struct stat *st, const struct iovec *iov, int count,
                            int64_t at) {
    if (at < 0)
        at = fcntl(fd, F_GETFL) & O_APPEND ? (int64_t)st->st_size : lseek(fd, 0, SEEK_CUR);
    return begin(DO_WRITE, (uint64_t)st->st_ino, at, iov, count);
}

#define ONE(from, len) (&(struct iovec){(void *)(uintptr_t)(from), (len)})

CHANGE(ssize_t, write, DO_WRITE, (int fd, const void *from, size_t len), (fd, from, len),
       begin_write(fd, &st, ONE(from, len), 1, -1))
CHANGE(ssize_t, writev, DO_WRITE, (int fd, const struct iovec *iov, int count), (fd, iov, count),
       begin_write(fd, &st, iov, count, -1))
CHANGE(ssize_t, pwrite, DO_WRITE, (int fd, const void *from, size_t len, off_t at),
       (fd, from, len, at), begin_write(fd, &st, ONE(from, len), 1, at))
CHANGE(ssize_t, pwrite64, DO_WRITE, (int fd, const void *from, size_t len, off64_t at),
       (fd, from, len, at), begin_write(fd, &st, ONE(from, len), 1, at))
CHANGE(ssize_t, pwritev, DO_WRITE, (int fd, const struct iovec *iov, int count, off_t at),
       (fd, iov, count, at), begin_write(fd, &st, iov, count, at))
CHANGE(ssize_t, pwritev64, DO_WRITE, (int fd, const struct iovec *iov, int count, off64_t at),
       (fd, iov, count, at), begin_write(fd, &st, iov, count, at))

#define SIZE(what, size) begin(what, (uint64_t)st.st_ino, (int64_t)(size), NULL, 0)

/* Other modes punch holes and the like: nobody does. */
static uint64_t begin_allocate(const struct stat *st, int mode, int64_t end_at) {
    if (mode != 0)
        not_known("fallocate with a mode");
    return begin(DO_ALLOCATE, (uint64_t)st->st_ino, end_at, NULL, 0);
}

CHANGE(int, ftruncate, DO_TRUNCATE, (int fd, off_t len), (fd, len), SIZE(DO_TRUNCATE, len))
CHANGE(int, ftruncate64, DO_TRUNCATE, (int fd, off64_t len), (fd, len), SIZE(DO_TRUNCATE, len))
CHANGE(int, fallocate, DO_ALLOCATE, (int fd, int mode, off_t at, off_t len), (fd, mode, at, len),
       begin_allocate(&st, mode, at + len))
CHANGE(int, fallocate64, DO_ALLOCATE, (int fd, int mode, off64_t at, off64_t len),
       (fd, mode, at, len), begin_allocate(&st, mode, at + len))
CHANGE(int, fsync, DO_SYNC, (int fd), (fd), SIZE(DO_SYNC, 0))
CHANGE(int, fdatasync, DO_SYNC, (int fd), (fd), SIZE(DO_SYNC, 0))

/* ---- names ---- */

static uint64_t number_of(int fd) {
    struct stat st;
    return fstat(fd, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

/* All ways to open are openat to the system. */
static int recorded_open(int at, const char *path, int flags, mode_t mode) {
    char full[PATH_MAX];
    int saved = errno, changes = flags & (O_CREAT | O_TRUNC);
    int meant = log_head && changes && locate(at, path, full) && !is_shared_memory(full);
    errno = saved;
    if (!meant)
        return PRELOAD_NEXT(openat)(at, path, flags, mode);
    if ((flags & O_TMPFILE) == O_TMPFILE)
        not_known("O_TMPFILE");
    uint64_t call = begin_names(DO_OPEN, flags, full, NULL);
    int fd = PRELOAD_NEXT(openat)(at, path, flags, mode);
    end_names(DO_OPEN, call, fd < 0 ? 0 : number_of(fd), fd);
    return fd;
}

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...);                                                    \
    int name(const char *path, int flags, ...) {                                                   \
        PRELOAD_MODE(flags, mode)                                                                  \
        return recorded_open(AT_FDCWD, path, flags, mode);                                         \
    }
#define OPENAT(name)                                                                               \
    int name(int at, const char *path, int flags, ...);                                            \
    int name(int at, const char *path, int flags, ...) {                                           \
        PRELOAD_MODE(flags, mode)                                                                  \
        return recorded_open(at, path, flags, mode);                                               \
    }
OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)

/* Defines `name` as a call that changes names, of which `meant` says whether they are recorded. */
#define NAMES(name, what, parameters, arguments, meant, number, from, to)                          \
    int name parameters;                                                                           \
    int name parameters {                                                                          \
        char one[PATH_MAX], two[PATH_MAX];                                                         \
        int saved = errno, recorded = log_head && (meant);                                         \
        (void)two;                                                                                 \
        errno = saved;                                                                             \
        if (!recorded || is_shared_memory(one))                                                    \
            return PRELOAD_NEXT(name) arguments;                                                   \
        uint64_t call = begin_names(what, 0, from, to);                                            \
        int result = PRELOAD_NEXT(name) arguments;                                                 \
        end_names(what, call, result == 0 ? (number) : 0, result);                                 \
        return result;                                                                             \
    }

static uint64_t number_at(const char *path) {
    struct stat st;
    return lstat(path, &st) == 0 ? (uint64_t)st.st_ino : 0;
}

/* Into the directory or out of it, nothing is renamed. */
static int located(int from_at, const char *from, char one[PATH_MAX], int to_at, const char *to,
                   char two[PATH_MAX]) {
    int first = locate(from_at, from, one), second = locate(to_at, to, two);
    if (first != second)
        not_known("a name that crosses the directory's border");
    return first;
}

NAMES(unlink, DO_UNLINK, (const char *path), (path), locate(AT_FDCWD, path, one), 0, one, NULL)
NAMES(rmdir, DO_RMDIR, (const char *path), (path), locate(AT_FDCWD, path, one), 0, one, NULL)
NAMES(mkdir, DO_MKDIR, (const char *path, mode_t mode), (path, mode), locate(AT_FDCWD, path, one),
      number_at(one), one, NULL)
NAMES(rename, DO_RENAME, (const char *from, const char *to), (from, to),
      located(AT_FDCWD, from, one, AT_FDCWD, to, two), 0, one, two)
NAMES(renameat2, DO_RENAME,
      (int from_at, const char *from, int to_at, const char *to, unsigned flags),
      (from_at, from, to_at, to, flags), located(from_at, from, one, to_at, to, two), 0, one, two)
NAMES(link, DO_LINK, (const char *from, const char *to), (from, to),
      located(AT_FDCWD, from, one, AT_FDCWD, to, two), 0, one, two)
NAMES(unlinkat, DO_UNLINK, (int at, const char *path, int flags), (at, path, flags),
      locate(at, path, one), 0, one, NULL)

/* ---- ways past this ---- */

#define MAPPING(name, offset_type)                                                                 \
    void *name(void *at, size_t len, int protection, int flags, int fd, offset_type offset);       \
    void *name(void *at, size_t len, int protection, int flags, int fd, offset_type offset) {      \
        struct stat st;                                                                            \
        char path[PATH_MAX];                                                                       \
        if (fd >= 0 && protection & PROT_WRITE && flags & MAP_SHARED &&                            \
            is_recorded(fd, &st, path))                                                            \
            not_known("a file mapped for writing");                                                \
        return PRELOAD_NEXT(name)(at, len, protection, flags, fd, offset);                         \
    }
MAPPING(mmap, off_t)
MAPPING(mmap64, off64_t)
