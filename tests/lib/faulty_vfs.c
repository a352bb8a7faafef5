/* SPDX-License-Identifier: MIT */
/*
 * A file system that fails, for SQLite; see faulty_vfs.h. A file is ours with the system's behind
 * it in the same allocation; all but writes and syncs is passed on.
 */
#include "lib/faulty_vfs.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"

static sqlite3_vfs *below;
static sqlite3_vfs ours;
static _Atomic int lasting;        /* errno, 0: none */
static _Atomic bool syncs_fail;    /* and no writes */
static _Atomic uint64_t countdown; /* to the one that fails; 0: none */

/* --- what is on disk ------------------------------------------------------------------------- */

#define SECTOR 512

typedef struct change {
    bool truncates;
    size_t at, len; /* truncates: to `at` */
    unsigned char *bytes;
} change;

typedef struct recorded {
    char *path;
    unsigned char *bytes; /* on disk */
    size_t len;
    change *changes; /* since the last sync */
    size_t count, cap;
    struct recorded *next;
} recorded;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of all that is recorded */
static bool recording;
static recorded *files;

typedef struct faulty_file {
    sqlite3_file base;
    recorded *record;     /* NULL: not recorded */
    sqlite3_file below[]; /* of the system's size */
} faulty_file;

static sqlite3_file *below_of(sqlite3_file *file) {
    return ((faulty_file *)file)->below;
}

static recorded *record_of(sqlite3_file *file) {
    return ((faulty_file *)file)->record;
}

static void set_size(recorded *r, size_t len) {
    r->bytes = realloc(r->bytes, len ? len : 1);
    if (len > r->len)
        memset(r->bytes + r->len, 0, len - r->len);
    r->len = len;
}

static void apply(recorded *r, const change *c, size_t from, size_t len) {
    if (c->truncates) {
        if (c->at < r->len)
            set_size(r, c->at);
        return;
    }
    if (c->at + from + len > r->len)
        set_size(r, c->at + from + len);
    memcpy(r->bytes + c->at + from, c->bytes + from, len);
}

static void forget_changes(recorded *r) {
    for (size_t i = 0; i < r->count; i++)
        free(r->changes[i].bytes);
    r->count = 0;
}

static void note_change(recorded *r, bool truncates, sqlite3_int64 at, const void *bytes,
                        size_t len) {
    if (r == NULL)
        return;
    if (r->count == r->cap) {
        r->cap = r->cap ? r->cap * 2 : 64;
        r->changes = realloc(r->changes, r->cap * sizeof *r->changes);
    }
    change *c = &r->changes[r->count++];
    *c = (change){truncates, (size_t)at, len, truncates ? NULL : malloc(len)};
    if (!truncates)
        memcpy(c->bytes, bytes, len);
}

static void note_sync(recorded *r, bool succeeded) {
    if (r == NULL)
        return;
    for (size_t i = 0; i < r->count && succeeded; i++)
        apply(r, &r->changes[i], 0, r->changes[i].len);
    forget_changes(r);
}

/* A file's record, made with what it has now. */
static recorded *record_open(const char *path) {
    for (recorded *r = files; r; r = r->next) {
        if (strcmp(r->path, path) == 0)
            return r;
    }
    recorded *r = calloc(1, sizeof *r);
    r->path = strdup(path);
    r->next = files;
    files = r;
    FILE *f = fopen(path, "rb");
    unsigned char some[4096];
    size_t got;
    while (f && (got = fread(some, 1, sizeof some, f)) > 0) {
        set_size(r, r->len + got);
        memcpy(r->bytes + r->len - got, some, got);
    }
    if (f)
        fclose(f);
    return r;
}

static void record_free(recorded *r) {
    forget_changes(r);
    free(r->changes);
    free(r->bytes);
    free(r->path);
    free(r);
}

static void record_remove(const char *path) {
    for (recorded **at = &files; *at; at = &(*at)->next) {
        if (strcmp((*at)->path, path) == 0) {
            recorded *r = *at;
            *at = r->next;
            record_free(r);
            return;
        }
    }
}

/* What is left of one file when the power fails now. */
static void write_leftovers(const recorded *r, const char *to, rl_random *random) {
    recorded disk = {.len = 0};
    set_size(&disk, r->len);
    memcpy(disk.bytes, r->bytes, r->len);
    uint64_t mostly = rl_random_below(random, 5); /* 0: nothing survives; 4: all of it */
    for (size_t i = 0; i < r->count; i++) {
        const change *c = &r->changes[i];
        for (size_t from = 0; from < c->len || (c->truncates && from == 0); from += SECTOR) {
            size_t len = c->len - from < SECTOR ? c->len - from : SECTOR;
            if (rl_random_below(random, 4) < mostly)
                apply(&disk, c, from, len);
        }
    }
    char path[1024];
    const char *name = strrchr(r->path, '/');
    snprintf(path, sizeof path, "%s%s", to, name ? name : r->path);
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(disk.bytes, 1, disk.len, f) != disk.len || fclose(f) != 0)
        abort();
    free(disk.bytes);
}

void faulty_vfs_power_off(const char *to, uint64_t seed, void (*also)(void *arg), void *arg) {
    rl_random random;
    rl_random_seed(&random, seed);
    pthread_mutex_lock(&lock);
    for (const recorded *r = files; r; r = r->next)
        write_leftovers(r, to, &random);
    if (also)
        also(arg);
    pthread_mutex_unlock(&lock);
}

void faulty_vfs_record(void) {
    pthread_mutex_lock(&lock);
    recording = true;
    while (files) {
        recorded *next = files->next;
        record_free(files);
        files = next;
    }
    pthread_mutex_unlock(&lock);
}

/* --- calls ----------------------------------------------------------------------------------- */

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
    int rc = SQLITE_OK;
    pthread_mutex_lock(&lock);
    bool fails = fails_now(&rc, SQLITE_IOERR_WRITE);
    int part = fails ? len / 2 : len; /* half of it gets there */
    if (part > 0) {
        int wrote = below_of(file)->pMethods->xWrite(below_of(file), from, part, offset);
        rc = fails ? rc : wrote;
        note_change(record_of(file), false, offset, from, (size_t)part);
    }
    pthread_mutex_unlock(&lock);
    return rc;
}
static int f_truncate(sqlite3_file *file, sqlite3_int64 size) {
    int rc;
    pthread_mutex_lock(&lock);
    if (!fails_now(&rc, SQLITE_IOERR_TRUNCATE)) {
        rc = below_of(file)->pMethods->xTruncate(below_of(file), size);
        note_change(record_of(file), true, size, NULL, 0);
    }
    pthread_mutex_unlock(&lock);
    return rc;
}
static int f_sync(sqlite3_file *file, int flags) {
    int rc = SQLITE_IOERR_FSYNC;
    pthread_mutex_lock(&lock);
    bool fails = atomic_load(&syncs_fail) || fails_now(&rc, SQLITE_IOERR_FSYNC);
    if (!fails) {
        rc = below_of(file)->pMethods->xSync(below_of(file), flags);
    }
    note_sync(record_of(file), !fails);
    pthread_mutex_unlock(&lock);
    return rc;
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
    f->record = NULL;
    pthread_mutex_lock(&lock);
    if (recording && rc == SQLITE_OK && (flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)))
        f->record = record_open(name);
    pthread_mutex_unlock(&lock);
    return rc;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_dir) {
    (void)vfs;
    pthread_mutex_lock(&lock);
    int rc = below->xDelete(below, name, sync_dir);
    if (rc == SQLITE_OK)
        record_remove(name);
    pthread_mutex_unlock(&lock);
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
    ours.xDelete = vfs_delete;
    sqlite3_vfs_register(&ours, 1);
}

void faulty_vfs_fail(int error_number) {
    atomic_store(&lasting, error_number);
}

void faulty_vfs_fail_once(uint64_t nth) {
    atomic_store(&countdown, nth);
}

void faulty_vfs_fail_syncs(void) {
    atomic_store(&syncs_fail, true);
}

void faulty_vfs_heal(void) {
    atomic_store(&lasting, 0);
    atomic_store(&syncs_fail, false);
    atomic_store(&countdown, 0);
}
