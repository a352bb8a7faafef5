/* SPDX-License-Identifier: MIT */
/*
 * SQLite's face of the simulated disk; see faulty_vfs.h. A file is ours with the system's behind it
 * in the same allocation. What changes a file on the disk is done and noted under the disk's lock;
 * syncs are noted alone, since the simulated disk is what counts.
 */
#include "lib/faulty_vfs.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define JOURNALS (SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_WAL)
#define CHANGES  (FAULTY_WRITE | FAULTY_TRUNCATE | FAULTY_SYNC)

static sqlite3_vfs *below;
static sqlite3_vfs ours;

typedef struct open_file {
    sqlite3_file base;
    faulty_file *file;    /* NULL: not on the disk */
    unsigned life;        /* of the disk, when it was opened */
    const char *path;     /* SQLite keeps it as long as the file */
    bool syncs_dir;       /* with its first sync */
    sqlite3_file below[]; /* of the system's size */
} open_file;

static sqlite3_file *below_of(sqlite3_file *file) {
    return ((open_file *)file)->below;
}

static int error_code(int io_error) {
    return faulty_plan_error(FAULTY_SQLITE) == ENOSPC ? SQLITE_FULL : io_error;
}

static bool fails(unsigned call) {
    return faulty_plan_next(FAULTY_SQLITE, call) == FAULTY_ERROR;
}

/* With the lock held: may this call change the file? One that was opened before a crash may not. */
static bool may_change(const open_file *f) {
    return f->file == NULL || (f->life == faulty_disk_life() && !faulty_disk_stops());
}

static void directory_of(const char *path, char *dir, size_t len) {
    snprintf(dir, len, "%s", path);
    char *slash = strrchr(dir, '/');
    if (slash)
        *slash = '\0';
}

static void sync_directory_of(const char *path) {
    char dir[1024];
    directory_of(path, dir, sizeof dir);
    faulty_disk_note_sync_dir(dir);
}

/* --- files ----------------------------------------------------------------------------------- */

static int f_close(sqlite3_file *file) {
    open_file *f = (open_file *)file;
    if (f->file) {
        faulty_disk_lock();
        faulty_disk_close(f->file);
        faulty_disk_unlock();
        f->file = NULL;
    }
    return below_of(file)->pMethods->xClose(below_of(file));
}

/* Half of the bytes are there when it fails. (After a short count SQLite's own for Unix goes on by
 * itself, so one is not seen here.) */
static int f_read(sqlite3_file *file, void *to, int len, sqlite3_int64 offset) {
    bool bad = fails(FAULTY_READ);
    int rc = below_of(file)->pMethods->xRead(below_of(file), to, bad ? len / 2 : len, offset);
    if (!bad)
        return rc;
    /* As SQLite's own for Unix; a statement makes SQLITE_CORRUPT of it. */
    return faulty_plan_error(FAULTY_SQLITE) == EIO ? SQLITE_IOERR_CORRUPTFS : SQLITE_IOERR_READ;
}

static int write_part(sqlite3_file *file, const char *from, int len, sqlite3_int64 offset) {
    open_file *f = (open_file *)file;
    faulty_disk_lock();
    int rc = SQLITE_IOERR_WRITE;
    if (len == 0)
        rc = SQLITE_OK;
    else if (may_change(f))
        rc = below_of(file)->pMethods->xWrite(below_of(file), from, len, offset);
    if (rc == SQLITE_OK && f->file)
        faulty_disk_note_write(f->file, from, (size_t)len, (size_t)offset);
    faulty_disk_unlock();
    return rc;
}

/* One that comes short is gone on with, as the system's does it; a crash may come in between. */
static int f_write(sqlite3_file *file, const void *from, int len, sqlite3_int64 offset) {
    faulty_effect effect = faulty_plan_next(FAULTY_SQLITE, FAULTY_WRITE);
    int part = effect == FAULTY_NONE ? len : len / 2;
    int rc = write_part(file, from, part, offset);
    if (rc != SQLITE_OK || effect == FAULTY_NONE)
        return rc;
    if (effect == FAULTY_ERROR)
        return error_code(SQLITE_IOERR_WRITE);
    return write_part(file, (const char *)from + part, len - part, offset + part);
}

static int f_truncate(sqlite3_file *file, sqlite3_int64 size) {
    open_file *f = (open_file *)file;
    if (fails(FAULTY_TRUNCATE))
        return error_code(SQLITE_IOERR_TRUNCATE);
    faulty_disk_lock();
    int rc = may_change(f) ? below_of(file)->pMethods->xTruncate(below_of(file), size)
                           : SQLITE_IOERR_TRUNCATE;
    if (rc == SQLITE_OK && f->file)
        faulty_disk_note_truncate(f->file, (size_t)size);
    faulty_disk_unlock();
    return rc;
}

static int sync_noted(open_file *f, bool bad) {
    bool dir_bad = f->syncs_dir && !bad && fails(FAULTY_SYNC_DIR); /* and nobody looks */
    faulty_disk_lock();
    int rc =
        may_change(f) && faulty_disk_note_sync(f->file, bad) == 0 ? SQLITE_OK : SQLITE_IOERR_FSYNC;
    if (rc == SQLITE_OK && f->syncs_dir) {
        f->syncs_dir = false;
        if (!dir_bad && !faulty_disk_stops())
            sync_directory_of(f->path);
    }
    faulty_disk_unlock();
    return rc;
}

static int f_sync(sqlite3_file *file, int flags) {
    open_file *f = (open_file *)file;
    bool bad = fails(FAULTY_SYNC);
    int rc = SQLITE_OK;
    if (f->file)
        rc = sync_noted(f, bad);
    else if (!bad)
        rc = below_of(file)->pMethods->xSync(below_of(file), flags);
    return bad ? error_code(SQLITE_IOERR_FSYNC) : rc;
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

/* --- names ----------------------------------------------------------------------------------- */

/* Does SQLite's file of this name go on the disk? With the lock held, when it is open below. */
static void note_open(open_file *f, const char *name, int flags, bool made) {
    f->file = faulty_disk_open(name, made, false);
    f->life = faulty_disk_life();
    f->path = name;
    f->syncs_dir = (flags & JOURNALS) && (flags & SQLITE_OPEN_CREATE);
}

static bool is_on_disk(const char *name, int flags) {
    return name && faulty_disk_is_real() && faulty_disk_has(name) &&
           (flags & (SQLITE_OPEN_MAIN_DB | JOURNALS));
}

static int open_on_disk(const char *name, open_file *f, int flags, int *out_flags) {
    faulty_disk_lock();
    int there = 0;
    below->xAccess(below, name, SQLITE_ACCESS_EXISTS, &there);
    int rc = SQLITE_CANTOPEN;
    if (there || !(flags & SQLITE_OPEN_CREATE) || !faulty_disk_stops())
        rc = below->xOpen(below, name, f->below, flags, out_flags);
    if (rc == SQLITE_OK)
        note_open(f, name, flags, !there);
    faulty_disk_unlock();
    return rc;
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                    int *out_flags) {
    (void)vfs;
    open_file *f = (open_file *)file;
    memset(f, 0, sizeof *f);
    f->below->pMethods = NULL;
    int rc = SQLITE_CANTOPEN;
    if (fails(FAULTY_OPEN))
        return rc;
    if (is_on_disk(name, flags))
        rc = open_on_disk(name, f, flags, out_flags);
    else
        rc = below->xOpen(below, name, f->below, flags, out_flags);
    f->base.pMethods = f->below->pMethods ? &methods : NULL;
    return rc;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_dir) {
    (void)vfs;
    if (fails(FAULTY_UNLINK))
        return SQLITE_IOERR_DELETE;
    if (!faulty_disk_is_real() || !faulty_disk_has(name))
        return below->xDelete(below, name, sync_dir);
    bool dir_bad = sync_dir && fails(FAULTY_SYNC_DIR);
    faulty_disk_lock();
    int rc = faulty_disk_stops() ? SQLITE_IOERR_DELETE : below->xDelete(below, name, 0);
    if (rc == SQLITE_OK) {
        faulty_disk_note_unlink(name);
        if (sync_dir && (dir_bad || faulty_disk_stops()))
            rc = SQLITE_IOERR_DIR_FSYNC;
        else if (sync_dir)
            sync_directory_of(name);
    }
    faulty_disk_unlock();
    return rc;
}

void faulty_vfs_install(void) {
    if (below)
        return;
    sqlite3_initialize();
    below = sqlite3_vfs_find(NULL);
    ours = *below;
    ours.zName = "faulty";
    ours.szOsFile = (int)sizeof(open_file) + below->szOsFile;
    ours.xOpen = vfs_open;
    ours.xDelete = vfs_delete;
    sqlite3_vfs_register(&ours, 1);
}

void faulty_vfs_fail(int error_number) {
    faulty_plan_set(FAULTY_SQLITE, &(faulty_plan){.calls = CHANGES,
                                                  .nth = 1,
                                                  .effect = FAULTY_ERROR,
                                                  .error_number = error_number,
                                                  .lasting = true});
}

void faulty_vfs_fail_once(uint64_t nth) {
    faulty_plan_set(
        FAULTY_SQLITE,
        &(faulty_plan){.calls = CHANGES, .nth = nth, .effect = FAULTY_ERROR, .error_number = EIO});
}

void faulty_vfs_fail_syncs(void) {
    faulty_plan_set(FAULTY_SQLITE, &(faulty_plan){.calls = FAULTY_SYNC,
                                                  .nth = 1,
                                                  .effect = FAULTY_ERROR,
                                                  .error_number = EIO,
                                                  .lasting = true});
}

void faulty_vfs_heal(void) {
    faulty_plan_heal(FAULTY_SQLITE);
}
