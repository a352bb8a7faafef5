/* SPDX-License-Identifier: MIT */
/* The file system in memory; the rules are in the header. One lock guards all of it. */
#include "lib/faulty_files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "store/file_ops.h"

#define SECTOR     512
#define FILES_MAX  512
#define FDS_MAX    512
#define CHANGE_MAX 4096

typedef struct contents {
    unsigned char *bytes;
    size_t len;
} contents;

typedef struct inode {
    contents seen;
    contents disk;
    unsigned char *dirty; /* per sector of `seen`: written since the last sync */
    size_t dirty_cap;
    bool broken;    /* it cannot be synced */
    int references; /* names (seen, disk, pending) and descriptors; 0: the slot is free */
} inode;

typedef struct name {
    char *path;
    inode *file;
} name;

typedef struct directory { /* one flat table for all directories: paths are compared as text */
    name names[FILES_MAX];
    size_t count;
} directory;

/* A change of names that the directory's sync has not written yet. */
typedef struct change {
    char *from; /* NULL: made */
    char *to;   /* NULL: removed */
    inode *file;
} change;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t turned;
    directory seen;
    directory disk;
    change pending[CHANGE_MAX];
    size_t pending_count;
    struct {
        inode *file;
        unsigned life;
    } fds[FDS_MAX];
    unsigned life; /* counts crashes: descriptors of an earlier life are dead */
    bool crashed;

    const char *fail_kind;
    uint64_t fail_in; /* 0: not armed */
    int fail_errno;
    bool fail_lasting;
    bool failing;
    bool cut; /* the write that came short was there */
    bool failed;

    bool hold;
    unsigned held;
    uint64_t writes;
    uint64_t datasyncs;
} fs = {.lock = PTHREAD_MUTEX_INITIALIZER, .turned = PTHREAD_COND_INITIALIZER};

static void *must(void *ptr) {
    if (!ptr)
        abort();
    return ptr;
}

static void lock(void) {
    pthread_mutex_lock(&fs.lock);
}

static void unlock(void) {
    pthread_mutex_unlock(&fs.lock);
}

static int fail_with(int error_number) {
    errno = error_number;
    return -1;
}

/* --- inodes and names ---------------------------------------------------------------------- */

static void contents_resize(contents *c, size_t len) {
    if (len > c->len) {
        c->bytes = must(realloc(c->bytes, len));
        memset(c->bytes + c->len, 0, len - c->len);
    }
    c->len = len;
}

static void contents_copy(contents *to, const contents *from) {
    to->bytes = must(realloc(to->bytes, from->len ? from->len : 1));
    if (from->len)
        memcpy(to->bytes, from->bytes, from->len);
    to->len = from->len;
}

static size_t sectors(size_t len) {
    return (len + SECTOR - 1) / SECTOR;
}

static void inode_unref(inode *file) {
    if (--file->references > 0)
        return;
    free(file->seen.bytes);
    free(file->disk.bytes);
    free(file->dirty);
    free(file);
}

static inode *inode_ref(inode *file) {
    file->references++;
    return file;
}

static void inode_touch(inode *file, size_t from, size_t to) {
    size_t need = sectors(to);
    if (need > file->dirty_cap) {
        file->dirty = must(realloc(file->dirty, need));
        memset(file->dirty + file->dirty_cap, 0, need - file->dirty_cap);
        file->dirty_cap = need;
    }
    for (size_t i = from / SECTOR; i < need; i++)
        file->dirty[i] = 1;
}

/* Sectors [i] of what programs see reach the disk. */
static void inode_write_out(inode *file, size_t sector) {
    size_t from = sector * SECTOR;
    size_t to = from + SECTOR < file->seen.len ? from + SECTOR : file->seen.len;
    if (file->disk.len < to)
        contents_resize(&file->disk, to);
    memcpy(file->disk.bytes + from, file->seen.bytes + from, to - from);
}

static void inode_sync(inode *file, bool write) {
    for (size_t i = 0; i < sectors(file->seen.len) && i < file->dirty_cap; i++)
        if (file->dirty[i] && write)
            inode_write_out(file, i);
    if (file->dirty)
        memset(file->dirty, 0, file->dirty_cap);
}

static name *directory_find(directory *d, const char *path) {
    for (size_t i = 0; i < d->count; i++)
        if (strcmp(d->names[i].path, path) == 0)
            return &d->names[i];
    return NULL;
}

static void directory_remove(directory *d, const char *path) {
    name *n = directory_find(d, path);
    if (!n)
        return;
    free(n->path);
    inode_unref(n->file);
    size_t at = (size_t)(n - d->names);
    memmove(n, n + 1, (d->count - at - 1) * sizeof(*n));
    d->count--;
}

static void directory_put(directory *d, const char *path, inode *file) {
    inode_ref(file);
    directory_remove(d, path);
    assert(d->count < FILES_MAX);
    size_t at = d->count;
    while (at > 0 && strcmp(d->names[at - 1].path, path) > 0)
        at--;
    memmove(&d->names[at + 1], &d->names[at], (d->count - at) * sizeof(d->names[0]));
    d->names[at] = (name){.path = must(strdup(path)), .file = file};
    d->count++;
}

static void directory_clear(directory *d) {
    while (d->count)
        directory_remove(d, d->names[d->count - 1].path);
}

static void apply(directory *d, const change *c) {
    if (c->from)
        directory_remove(d, c->from);
    if (c->to)
        directory_put(d, c->to, c->file);
}

static void pending_drop(void) {
    for (size_t i = 0; i < fs.pending_count; i++) {
        free(fs.pending[i].from);
        free(fs.pending[i].to);
        inode_unref(fs.pending[i].file);
    }
    fs.pending_count = 0;
}

/* Changes what programs see, and notes it for the sync of the directory. */
static void change_names(const char *from, const char *to, inode *file) {
    assert(fs.pending_count < CHANGE_MAX);
    change *c = &fs.pending[fs.pending_count++];
    *c = (change){
        .from = from ? must(strdup(from)) : NULL,
        .to = to ? must(strdup(to)) : NULL,
        .file = inode_ref(file),
    };
    apply(&fs.seen, c);
}

/* --- failing ------------------------------------------------------------------------------- */

/* True when this call shall fail; errno is set. */
static bool fails(const char *kind) {
    if (fs.crashed) {
        errno = EIO;
        return true;
    }
    if (fs.fail_kind && strcmp(fs.fail_kind, kind) != 0)
        return false;
    if (!fs.failing && fs.fail_in > 0 && --fs.fail_in == 0)
        fs.failing = true;
    if (!fs.failing)
        return false;
    fs.failing = fs.fail_lasting;
    fs.failed = true;
    errno = fs.fail_errno;
    return true;
}

static inode *of_fd(int fd) {
    assert(fd >= 0 && fd < FDS_MAX && fs.fds[fd].file);
    return fs.fds[fd].life == fs.life ? fs.fds[fd].file : NULL;
}

/* --- the operations ------------------------------------------------------------------------ */

static int faulty_open(const char *path, int flags, mode_t mode) {
    (void)mode;
    lock();
    int fd = -1;
    name *n = directory_find(&fs.seen, path);
    if (fails("open")) {
        /* errno is set */
    } else if (!n && !(flags & O_CREAT)) {
        errno = ENOENT;
    } else if (n && (flags & O_EXCL)) {
        errno = EEXIST;
    } else {
        for (fd = 0; fs.fds[fd].file; fd++)
            assert(fd + 1 < FDS_MAX);
        inode *file = n ? n->file : must(calloc(1, sizeof(inode)));
        fs.fds[fd].file = inode_ref(file);
        fs.fds[fd].life = fs.life;
        if (!n)
            change_names(NULL, path, file);
    }
    unlock();
    return fd;
}

static int faulty_close(int fd) {
    lock();
    assert(fd >= 0 && fd < FDS_MAX && fs.fds[fd].file);
    inode_unref(fs.fds[fd].file);
    fs.fds[fd].file = NULL;
    unlock();
    return 0;
}

static int64_t faulty_size(int fd) {
    lock();
    inode *file = of_fd(fd);
    int64_t size = file ? (int64_t)file->seen.len : fail_with(EIO);
    unlock();
    return size;
}

static ssize_t faulty_pread(int fd, void *to, size_t len, off_t offset) {
    lock();
    inode *file = of_fd(fd);
    ssize_t n = -1;
    if (!fails("read") && file) {
        size_t at = (size_t)offset < file->seen.len ? (size_t)offset : file->seen.len;
        size_t count = file->seen.len - at < len ? file->seen.len - at : len;
        if (count)
            memcpy(to, file->seen.bytes + at, count);
        n = (ssize_t)count;
    }
    unlock();
    return n;
}

static ssize_t faulty_pwrite(int fd, const void *from, size_t len, off_t offset) {
    lock();
    fs.writes++;
    inode *file = of_fd(fd);
    ssize_t n = (ssize_t)len;
    if (fs.crashed || !file) {
        n = fail_with(EIO);
    } else if (fails("write")) {
        if (len > 1 && fs.fail_errno == ENOSPC && !fs.cut) {
            n = (ssize_t)(len / 2); /* a short count first, the reason with the next call */
            fs.cut = fs.failing = true;
        } else {
            n = -1;
        }
    }
    if (n > 0) {
        size_t end = (size_t)offset + (size_t)n;
        if (end > file->seen.len)
            contents_resize(&file->seen, end);
        memcpy(file->seen.bytes + offset, from, (size_t)n);
        inode_touch(file, (size_t)offset, end);
    }
    unlock();
    return n;
}

static int faulty_datasync(int fd) {
    lock();
    fs.datasyncs++;
    inode *file = of_fd(fd);
    fs.held++;
    pthread_cond_broadcast(&fs.turned);
    while (fs.hold && !fs.crashed)
        pthread_cond_wait(&fs.turned, &fs.lock);
    fs.held--;
    int rc = 0;
    if (fs.crashed || !file || of_fd(fd) != file) {
        rc = fail_with(EIO);
    } else if (fails("datasync")) {
        inode_sync(file, false);
        rc = -1;
    } else if (file->broken) {
        inode_sync(file, false);
        rc = fail_with(EIO);
    } else {
        inode_sync(file, true);
    }
    unlock();
    return rc;
}

static int faulty_sync_dir(const char *path) {
    (void)path;
    lock();
    int rc = -1;
    if (!fails("sync_dir")) {
        for (size_t i = 0; i < fs.pending_count; i++)
            apply(&fs.disk, &fs.pending[i]);
        pending_drop();
        rc = 0;
    }
    unlock();
    return rc;
}

static int faulty_rename(const char *from, const char *to) {
    lock();
    int rc = -1;
    if (!fails("rename")) {
        name *n = directory_find(&fs.seen, from);
        if (n) {
            change_names(from, to, n->file);
            rc = 0;
        } else {
            errno = ENOENT;
        }
    }
    unlock();
    return rc;
}

static int faulty_unlink(const char *path) {
    lock();
    int rc = -1;
    if (!fails("unlink")) {
        name *n = directory_find(&fs.seen, path);
        if (n) {
            change_names(path, NULL, n->file);
            rc = 0;
        } else {
            errno = ENOENT;
        }
    }
    unlock();
    return rc;
}

static int faulty_mkdir(const char *path, mode_t mode) {
    (void)path;
    (void)mode; /* directories are always there */
    lock();
    int rc = fails("mkdir") ? -1 : fail_with(EEXIST);
    unlock();
    return rc;
}

static int faulty_list(const char *path, void (*each)(void *arg, const char *name), void *arg) {
    lock();
    int rc = -1;
    if (!fails("list")) {
        size_t len = strlen(path);
        for (size_t i = 0; i < fs.seen.count; i++) {
            const char *p = fs.seen.names[i].path;
            if (strncmp(p, path, len) == 0 && p[len] == '/')
                each(arg, p + len + 1);
        }
        rc = 0;
    }
    unlock();
    return rc;
}

static const rl_file_ops faulty_ops = {
    .open = faulty_open,
    .close = faulty_close,
    .size = faulty_size,
    .pread = faulty_pread,
    .pwrite = faulty_pwrite,
    .datasync = faulty_datasync,
    .sync_dir = faulty_sync_dir,
    .rename = faulty_rename,
    .unlink = faulty_unlink,
    .mkdir = faulty_mkdir,
    .list = faulty_list,
};

/* --- for the tests ------------------------------------------------------------------------- */

static void wipe(void) {
    for (int fd = 0; fd < FDS_MAX; fd++) {
        if (fs.fds[fd].file)
            inode_unref(fs.fds[fd].file);
        fs.fds[fd].file = NULL;
    }
    pending_drop();
    directory_clear(&fs.seen);
    directory_clear(&fs.disk);
    fs.crashed = fs.hold = false;
    fs.writes = fs.datasyncs = 0;
    fs.fail_in = 0;
    fs.failing = fs.failed = false;
}

void faulty_files_start(void) {
    lock();
    wipe();
    unlock();
    rl_file_ops_set(&faulty_ops);
}

void faulty_files_stop(void) {
    lock();
    wipe();
    unlock();
    rl_file_ops_set(NULL);
}

void faulty_files_fail_only(const char *kind, uint64_t nth, int error_number, bool lasting) {
    lock();
    fs.fail_kind = kind;
    fs.fail_in = nth;
    fs.fail_errno = error_number;
    fs.fail_lasting = lasting;
    fs.failing = fs.failed = fs.cut = false;
    unlock();
}

void faulty_files_fail(uint64_t nth, int error_number, bool lasting) {
    faulty_files_fail_only(NULL, nth, error_number, lasting);
}

void faulty_files_heal(void) {
    lock();
    fs.fail_in = 0;
    fs.failing = false;
    unlock();
}

bool faulty_files_failed(void) {
    lock();
    bool failed = fs.failed;
    unlock();
    return failed;
}

void faulty_files_break(const char *path) {
    lock();
    name *n = directory_find(&fs.seen, path);
    assert(n);
    n->file->broken = true;
    unlock();
}

void faulty_files_hold_syncs(bool hold) {
    lock();
    fs.hold = hold;
    pthread_cond_broadcast(&fs.turned);
    unlock();
}

void faulty_files_await_held_sync(void) {
    lock();
    while (fs.held == 0)
        pthread_cond_wait(&fs.turned, &fs.lock);
    unlock();
}

/* Decides for every unsynced sector of a file whether it survives. */
static void lose_power(inode *file, faulty_crash kind, rl_random *random) {
    size_t count = sectors(file->seen.len);
    for (size_t i = 0; i < count && i < file->dirty_cap;) {
        size_t stretch = i;
        while (stretch < count && stretch < file->dirty_cap && file->dirty[stretch])
            stretch++;
        for (size_t k = i; k < stretch; k++) {
            bool lives = kind == FAULTY_POWER_HEADS
                             ? (k - i) < (stretch - i + 1) / 2
                             : kind == FAULTY_POWER && rl_random_below(random, 2);
            if (lives)
                inode_write_out(file, k);
        }
        i = stretch + 1;
    }
}

void faulty_files_crash(faulty_crash kind, uint64_t seed) {
    rl_random random;
    rl_random_seed(&random, seed);
    lock();
    fs.crashed = true;
    pthread_cond_broadcast(&fs.turned);
    if (kind != FAULTY_KILLED) {
        uint64_t survive = 0;
        if (kind == FAULTY_POWER)
            survive = rl_random_below(&random, fs.pending_count + 1);
        else if (kind == FAULTY_POWER_HEADS)
            survive = fs.pending_count;
        for (size_t i = 0; i < survive; i++)
            apply(&fs.disk, &fs.pending[i]);
        /* A file may have two names on disk for a moment of this loop, never twice the same. */
        for (size_t i = 0; i < fs.disk.count; i++)
            lose_power(fs.disk.names[i].file, kind, &random);
    }
    if (kind == FAULTY_KILLED) {
        directory_clear(&fs.disk);
        for (size_t i = 0; i < fs.seen.count; i++) {
            inode *file = fs.seen.names[i].file;
            contents_copy(&file->disk, &file->seen);
            directory_put(&fs.disk, fs.seen.names[i].path, file);
        }
    }
    unlock();
}

void faulty_files_restart(void) {
    lock();
    assert(fs.crashed);
    fs.life++;
    pending_drop();
    directory_clear(&fs.seen);
    for (size_t i = 0; i < fs.disk.count; i++) {
        inode *file = fs.disk.names[i].file;
        contents_copy(&file->seen, &file->disk);
        if (file->dirty)
            memset(file->dirty, 0, file->dirty_cap);
        directory_put(&fs.seen, fs.disk.names[i].path, file);
    }
    fs.crashed = fs.hold = false;
    fs.fail_in = 0;
    fs.failing = false;
    unlock();
}

size_t faulty_files_count(void) {
    return fs.seen.count;
}

const char *faulty_files_name(size_t i) {
    return fs.seen.names[i].path;
}

unsigned char *faulty_files_bytes(const char *path, size_t *len) {
    name *n = directory_find(&fs.seen, path);
    if (!n)
        return NULL;
    *len = n->file->seen.len;
    return n->file->seen.bytes;
}

void faulty_files_changed(const char *path) {
    name *n = directory_find(&fs.seen, path);
    assert(n);
    contents_copy(&n->file->disk, &n->file->seen);
}

void faulty_files_put(const char *path, const void *bytes, size_t len) {
    inode *file = must(calloc(1, sizeof(inode)));
    contents_resize(&file->seen, len);
    if (len)
        memcpy(file->seen.bytes, bytes, len);
    contents_copy(&file->disk, &file->seen);
    directory_put(&fs.seen, path, file);
    directory_put(&fs.disk, path, file);
}

void faulty_files_remove(const char *path) {
    directory_remove(&fs.seen, path);
    directory_remove(&fs.disk, path);
}

void faulty_files_truncate(const char *path, size_t len) {
    name *n = directory_find(&fs.seen, path);
    assert(n && len <= n->file->seen.len);
    n->file->seen.len = len;
    contents_copy(&n->file->disk, &n->file->seen);
}

uint64_t faulty_files_writes(void) {
    lock();
    uint64_t n = fs.writes;
    unlock();
    return n;
}

uint64_t faulty_files_datasyncs(void) {
    lock();
    uint64_t n = fs.datasyncs;
    unlock();
    return n;
}
