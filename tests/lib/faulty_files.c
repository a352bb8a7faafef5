/* SPDX-License-Identifier: MIT */
/*
 * The journal's face of the simulated disk; see faulty_files.h. A descriptor is one of the
 * system's: of the file itself, or of /dev/null when the disk is in memory alone.
 */
#include "lib/faulty_files.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/file_ops.h"

#define FDS_MAX 8192

static struct {
    faulty_file *file; /* NULL: not on the disk */
    unsigned life;     /* descriptors of an earlier life are dead */
} fds[FDS_MAX];
static bool cut, owed;     /* a write came short; and why, the next one tells */
static unsigned owed_life; /* in this life */
static const rl_file_ops *system_ops;

static int fail_with(int error_number) {
    errno = error_number;
    return -1;
}

/* True, and errno: this call must fail. */
static bool fails(unsigned call) {
    return faulty_plan_next(FAULTY_FILES, call) == FAULTY_ERROR;
}

/* The next functions with the lock held. */

static faulty_file *of_fd(int fd) {
    assert(fd >= 0 && fd < FDS_MAX);
    return fds[fd].life == faulty_disk_life() ? fds[fd].file : NULL;
}

static bool is_ours(int fd) {
    faulty_disk_lock();
    bool ours = fd >= 0 && fd < FDS_MAX && fds[fd].file;
    faulty_disk_unlock();
    return ours;
}

static int open_below(const char *path, int flags, mode_t mode) {
    faulty_file *file = faulty_disk_open(path, false, false);
    bool is_new = file == NULL;
    int fd = -1;
    if (is_new && !(flags & O_CREAT))
        return fail_with(ENOENT);
    if (!is_new && (flags & O_EXCL))
        errno = EEXIST;
    else if (!is_new || !faulty_disk_stops())
        fd = faulty_disk_is_real() ? open(path, flags | O_CLOEXEC, mode)
                                   : open("/dev/null", O_RDWR | O_CLOEXEC);
    if (fd >= 0 && is_new)
        file = faulty_disk_open(path, true, false);
    if (fd >= 0) {
        assert(fd < FDS_MAX && fds[fd].file == NULL);
        fds[fd].file = file;
        fds[fd].life = faulty_disk_life();
    } else if (file) {
        faulty_disk_close(file);
    }
    return fd;
}

static int write_part(int fd, const void *from, size_t len, off_t offset) {
    if (faulty_disk_is_real() && pwrite(fd, from, len, offset) != (ssize_t)len)
        return -1;
    faulty_disk_note_write(fds[fd].file, from, len, (size_t)offset);
    return 0;
}

/* How many of the bytes are written, and what the call says: a full disk comes short first and
 * gives its reason at the next call. */
static ssize_t write_some(int fd, const void *from, size_t len, off_t offset, faulty_effect effect,
                          int error_number) {
    if (owed) {
        owed = false;
        if (owed_life == faulty_disk_life())
            return fail_with(ENOSPC);
    }
    bool full = effect == FAULTY_ERROR && error_number == ENOSPC;
    if (full && (cut || len < 2))
        return fail_with(ENOSPC);
    size_t part = effect != FAULTY_NONE && len > 1 ? len / 2 : len;
    if (effect == FAULTY_ERROR && len < 2)
        return fail_with(error_number);
    if (write_part(fd, from, part, offset) != 0)
        return -1;
    if (full)
        cut = owed = true, owed_life = faulty_disk_life();
    return effect == FAULTY_ERROR && !full ? fail_with(error_number) : (ssize_t)part;
}

/* --- the operations ------------------------------------------------------------------------ */

static bool is_dead(void) {
    return faulty_disk_crashed();
}

static int faulty_open(const char *path, int flags, mode_t mode) {
    if (!faulty_disk_has(path))
        return system_ops->open(path, flags, mode);
    if (is_dead())
        return fail_with(EIO);
    if (fails(FAULTY_OPEN))
        return -1;
    faulty_disk_lock();
    int fd = open_below(path, flags, mode);
    faulty_disk_unlock();
    return fd;
}

static int faulty_close(int fd) {
    faulty_disk_lock();
    if (fds[fd].file)
        faulty_disk_close(fds[fd].file);
    fds[fd].file = NULL;
    close(fd);
    faulty_disk_unlock();
    return 0;
}

static int64_t faulty_size(int fd) {
    if (!is_ours(fd))
        return system_ops->size(fd);
    faulty_disk_lock();
    const faulty_file *file = of_fd(fd);
    int64_t size = file ? (int64_t)faulty_disk_size(file) : fail_with(EIO);
    faulty_disk_unlock();
    return size;
}

static ssize_t faulty_pread(int fd, void *to, size_t len, off_t offset) {
    if (!is_ours(fd))
        return system_ops->pread(fd, to, len, offset);
    faulty_effect effect = faulty_plan_next(FAULTY_FILES, FAULTY_READ);
    if (effect == FAULTY_ERROR)
        return -1;
    if (is_dead())
        return fail_with(EIO);
    faulty_disk_lock();
    const faulty_file *file = of_fd(fd);
    if (effect == FAULTY_SHORT && len > 1)
        len /= 2;
    ssize_t n = file ? (ssize_t)faulty_disk_read(file, to, len, (size_t)offset) : fail_with(EIO);
    faulty_disk_unlock();
    return n;
}

static ssize_t faulty_pwrite(int fd, const void *from, size_t len, off_t offset) {
    if (!is_ours(fd))
        return system_ops->pwrite(fd, from, len, offset);
    faulty_effect effect = faulty_plan_next(FAULTY_FILES, FAULTY_WRITE);
    int error_number = errno;
    faulty_disk_lock();
    ssize_t n = faulty_disk_stops() || !of_fd(fd)
                    ? fail_with(EIO)
                    : write_some(fd, from, len, offset, effect, error_number);
    faulty_disk_unlock();
    return n;
}

static int faulty_datasync(int fd) {
    if (!is_ours(fd))
        return system_ops->datasync(fd);
    bool bad = fails(FAULTY_SYNC);
    int error_number = errno;
    faulty_disk_lock();
    faulty_file *file = of_fd(fd);
    int rc = faulty_disk_stops() || !file ? fail_with(EIO) : faulty_disk_note_sync(file, bad);
    faulty_disk_unlock();
    return rc == 0 ? 0 : fail_with(bad ? error_number : EIO);
}

static int faulty_sync_dir(const char *path) {
    if (!faulty_disk_has(path) && !faulty_disk_is_root(path))
        return system_ops->sync_dir(path);
    if (fails(FAULTY_SYNC_DIR))
        return -1;
    faulty_disk_lock();
    bool stops = faulty_disk_stops();
    if (!stops)
        faulty_disk_note_sync_dir(path);
    faulty_disk_unlock();
    return stops ? fail_with(EIO) : 0;
}

static int rename_as(const char *from, const char *to, bool anew) {
    if (!faulty_disk_has(from))
        return anew ? system_ops->rename_new(from, to) : system_ops->rename(from, to);
    if (fails(FAULTY_RENAME))
        return -1;
    int rc = -1;
    faulty_disk_lock();
    faulty_file *there = anew ? faulty_disk_open(to, false, false) : NULL;
    if (there) {
        faulty_disk_close(there);
        errno = EEXIST;
    } else if (!faulty_disk_stops() && (!faulty_disk_is_real() || rename(from, to) == 0)) {
        rc = faulty_disk_note_rename(from, to) ? 0 : fail_with(ENOENT);
    }
    faulty_disk_unlock();
    return rc;
}

static int faulty_rename(const char *from, const char *to) {
    return rename_as(from, to, false);
}

static int faulty_rename_new(const char *from, const char *to) {
    return rename_as(from, to, true);
}

static int faulty_unlink(const char *path) {
    if (!faulty_disk_has(path))
        return system_ops->unlink(path);
    if (fails(FAULTY_UNLINK))
        return -1;
    int rc = -1;
    faulty_disk_lock();
    if (!faulty_disk_stops() && (!faulty_disk_is_real() || unlink(path) == 0))
        rc = faulty_disk_note_unlink(path) || faulty_disk_is_real() ? 0 : fail_with(ENOENT);
    faulty_disk_unlock();
    return rc;
}

/* In memory alone, directories are always there. */
static int faulty_mkdir(const char *path, mode_t mode) {
    if (!faulty_disk_has(path))
        return system_ops->mkdir(path, mode);
    if (fails(FAULTY_MKDIR))
        return -1;
    int rc = -1;
    faulty_disk_lock();
    if (faulty_disk_stops())
        rc = fail_with(EIO);
    else if (!faulty_disk_is_real())
        rc = fail_with(EEXIST);
    else if ((rc = mkdir(path, mode)) == 0)
        faulty_disk_close(faulty_disk_open(path, true, true));
    faulty_disk_unlock();
    return rc;
}

static int faulty_list(const char *path, void (*each)(void *arg, const char *name), void *arg) {
    if (!faulty_disk_has(path))
        return system_ops->list(path, each, arg);
    if (is_dead())
        return fail_with(EIO);
    if (fails(FAULTY_LIST))
        return -1;
    if (faulty_disk_is_real())
        return system_ops->list(path, each, arg);
    faulty_disk_lock();
    faulty_disk_each(path, each, arg);
    faulty_disk_unlock();
    return 0;
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
    .rename_new = faulty_rename_new,
    .unlink = faulty_unlink,
    .mkdir = faulty_mkdir,
    .list = faulty_list,
};

/* --- for the tests ------------------------------------------------------------------------- */

static void close_all(void) {
    for (int fd = 0; fd < FDS_MAX; fd++)
        if (fds[fd].file)
            faulty_close(fd);
}

void faulty_files_start_in(const char *root) {
    rl_file_ops_set(NULL);
    system_ops = rl_file_ops_get();
    close_all();
    faulty_disk_start(root);
    faulty_files_heal();
    rl_file_ops_set(&faulty_ops);
}

void faulty_files_start(void) {
    faulty_files_start_in(NULL);
}

void faulty_files_stop(void) {
    close_all();
    faulty_files_heal();
    faulty_disk_stop();
    rl_file_ops_set(NULL);
}

void faulty_files_fail_only(const char *kind, uint64_t nth, int error_number, bool lasting) {
    faulty_disk_lock();
    cut = owed = false;
    faulty_disk_unlock();
    faulty_plan_set(FAULTY_FILES, &(faulty_plan){.calls = faulty_call_named(kind),
                                                 .nth = nth,
                                                 .effect = FAULTY_ERROR,
                                                 .error_number = error_number,
                                                 .lasting = lasting});
}

void faulty_files_fail(uint64_t nth, int error_number, bool lasting) {
    faulty_files_fail_only(NULL, nth, error_number, lasting);
}

void faulty_files_heal(void) {
    faulty_disk_lock();
    cut = owed = false;
    faulty_disk_unlock();
    faulty_plan_heal(FAULTY_FILES);
}

bool faulty_files_failed(void) {
    return faulty_plan_was_met(FAULTY_FILES);
}
