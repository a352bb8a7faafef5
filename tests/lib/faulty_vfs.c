/* SPDX-License-Identifier: MIT */
/*
 * A file system that fails, for SQLite; see faulty_vfs.h. A file is ours with the system's behind
 * it in the same allocation; all but writes and syncs is passed on.
 */
#include "lib/faulty_vfs.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

static sqlite3_vfs *below;
static sqlite3_vfs ours;
static _Atomic int lasting;        /* errno, 0: none */
static _Atomic uint64_t countdown; /* to the one that fails; 0: none */

typedef struct faulty_file {
    sqlite3_file base;
    sqlite3_file below[]; /* of the system's size */
} faulty_file;

static sqlite3_file *below_of(sqlite3_file *file) {
    return ((faulty_file *)file)->below;
}

static bool fails_now(int *rc, int io_error) {
    int error_number = atomic_load(&lasting);
    if (error_number) {
        *rc = error_number == ENOSPC ? SQLITE_FULL : io_error;
        return true;
    }
    uint64_t left = atomic_load(&countdown);
    while (left && !atomic_compare_exchange_weak(&countdown, &left, left - 1)) {}
    *rc = io_error;
    return left == 1;
}

static int f_close(sqlite3_file *file) {
    return below_of(file)->pMethods->xClose(below_of(file));
}
static int f_read(sqlite3_file *file, void *to, int len, sqlite3_int64 offset) {
    return below_of(file)->pMethods->xRead(below_of(file), to, len, offset);
}
static int f_write(sqlite3_file *file, const void *from, int len, sqlite3_int64 offset) {
    int rc;
    if (!fails_now(&rc, SQLITE_IOERR_WRITE))
        return below_of(file)->pMethods->xWrite(below_of(file), from, len, offset);
    /* half of it gets there */
    if (len > 1)
        below_of(file)->pMethods->xWrite(below_of(file), from, len / 2, offset);
    return rc;
}
static int f_truncate(sqlite3_file *file, sqlite3_int64 size) {
    int rc;
    return fails_now(&rc, SQLITE_IOERR_TRUNCATE)
               ? rc
               : below_of(file)->pMethods->xTruncate(below_of(file), size);
}
static int f_sync(sqlite3_file *file, int flags) {
    int rc;
    return fails_now(&rc, SQLITE_IOERR_FSYNC)
               ? rc
               : below_of(file)->pMethods->xSync(below_of(file), flags);
}
static int f_size(sqlite3_file *file, sqlite3_int64 *size) {
    return below_of(file)->pMethods->xFileSize(below_of(file), size);
}
static int f_lock(sqlite3_file *file, int lock) {
    return below_of(file)->pMethods->xLock(below_of(file), lock);
}
static int f_unlock(sqlite3_file *file, int lock) {
    return below_of(file)->pMethods->xUnlock(below_of(file), lock);
}
static int f_check_lock(sqlite3_file *file, int *out) {
    return below_of(file)->pMethods->xCheckReservedLock(below_of(file), out);
}
static int f_control(sqlite3_file *file, int op, void *arg) {
    return below_of(file)->pMethods->xFileControl(below_of(file), op, arg);
}
static int f_sector_size(sqlite3_file *file) {
    return below_of(file)->pMethods->xSectorSize(below_of(file));
}
static int f_characteristics(sqlite3_file *file) {
    return below_of(file)->pMethods->xDeviceCharacteristics(below_of(file));
}
static int f_shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **out) {
    return below_of(file)->pMethods->xShmMap(below_of(file), region, size, extend, out);
}
static int f_shm_lock(sqlite3_file *file, int offset, int n, int flags) {
    return below_of(file)->pMethods->xShmLock(below_of(file), offset, n, flags);
}
static void f_shm_barrier(sqlite3_file *file) {
    below_of(file)->pMethods->xShmBarrier(below_of(file));
}
static int f_shm_unmap(sqlite3_file *file, int remove) {
    return below_of(file)->pMethods->xShmUnmap(below_of(file), remove);
}
static int f_fetch(sqlite3_file *file, sqlite3_int64 offset, int len, void **out) {
    return below_of(file)->pMethods->xFetch(below_of(file), offset, len, out);
}
static int f_unfetch(sqlite3_file *file, sqlite3_int64 offset, void *page) {
    return below_of(file)->pMethods->xUnfetch(below_of(file), offset, page);
}

static const sqlite3_io_methods methods = {
    .iVersion = 3,
    .xClose = f_close,
    .xRead = f_read,
    .xWrite = f_write,
    .xTruncate = f_truncate,
    .xSync = f_sync,
    .xFileSize = f_size,
    .xLock = f_lock,
    .xUnlock = f_unlock,
    .xCheckReservedLock = f_check_lock,
    .xFileControl = f_control,
    .xSectorSize = f_sector_size,
    .xDeviceCharacteristics = f_characteristics,
    .xShmMap = f_shm_map,
    .xShmLock = f_shm_lock,
    .xShmBarrier = f_shm_barrier,
    .xShmUnmap = f_shm_unmap,
    .xFetch = f_fetch,
    .xUnfetch = f_unfetch,
};

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                    int *out_flags) {
    (void)vfs;
    faulty_file *f = (faulty_file *)file;
    int rc = below->xOpen(below, name, f->below, flags, out_flags);
    f->base.pMethods = f->below->pMethods ? &methods : NULL;
    return rc;
}

void faulty_vfs_install(void) {
    if (below)
        return;
    sqlite3_initialize();
    below = sqlite3_vfs_find(NULL);
    ours = *below;
    ours.zName = "faulty";
    ours.szOsFile = (int)sizeof(faulty_file) + below->szOsFile;
    ours.xOpen = vfs_open;
    sqlite3_vfs_register(&ours, 1);
}

void faulty_vfs_fail(int error_number) {
    atomic_store(&lasting, error_number);
}

void faulty_vfs_fail_once(uint64_t nth) {
    atomic_store(&countdown, nth);
}

void faulty_vfs_heal(void) {
    atomic_store(&lasting, 0);
    atomic_store(&countdown, 0);
}
