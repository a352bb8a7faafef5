/* SPDX-License-Identifier: MIT */
/*
 * A file system in memory for tests of the journal: it takes the place of the system's in
 * store/file_ops.h, fails when told to, and loses power.
 *
 * It keeps two states: what programs see, and what is on disk. Writes reach the disk when the file
 * is synced, new, changed and removed names when the directory is. A failed sync forgets what it
 * should have written, as Linux does: the next sync of the file succeeds without it.
 *
 * Every function may be called by any thread, if not said otherwise. One file system per process.
 */
#ifndef TESTS_LIB_FAULTY_FILES_H
#define TESTS_LIB_FAULTY_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void faulty_files_start(void); /* an empty one, put in place; no journal is open */
void faulty_files_stop(void);  /* frees it and puts the system's back */

/* The n-th call from now (1: the next one) fails with this errno; a write first writes half of its
 * bytes. With `lasting` all later calls fail too, until faulty_files_heal. Counted are open, read,
 * write, both syncs, rename, unlink, mkdir and list. */
void faulty_files_fail(uint64_t nth, int error_number, bool lasting);
void faulty_files_heal(void);
bool faulty_files_failed(void); /* since the last faulty_files_fail */
/* As above, but only calls of one kind count: "write", "datasync", "sync_dir", "rename", "open" …
 */
void faulty_files_fail_only(const char *kind, uint64_t nth, int error_number, bool lasting);

/* From now on every sync of this file fails with EIO: the disk is bad where it lies. */
void faulty_files_break(const char *path);

/* While held, syncs of files wait (with the contents as they are once released). */
void faulty_files_hold_syncs(bool hold);
void faulty_files_await_held_sync(void); /* returns when a sync waits */

typedef enum faulty_crash {
    FAULTY_KILLED, /* the process ends: what programs saw is what is there */
    FAULTY_POWER, /* the power goes: of what was not synced, any sectors and a prefix of the changes
                     of names survive, as the seed decides */
    FAULTY_POWER_NONE,  /* nothing survives that was not synced */
    FAULTY_POWER_HEADS, /* names survive, and the first half of each unsynced stretch */
} faulty_crash;

/* From here on every call of the running program fails, so that it can be closed without changing
 * what the crash left behind; faulty_files_restart then shows that. */
void faulty_files_crash(faulty_crash kind, uint64_t seed);
void faulty_files_restart(void);

/* For looking at files and damaging them (both states at once); tests alone, while no journal
 * writes. */
size_t faulty_files_count(void);
const char *faulty_files_name(size_t i);                          /* in order of path */
unsigned char *faulty_files_bytes(const char *path, size_t *len); /* NULL when there is none */
void faulty_files_changed(const char *path); /* after changing its bytes: they are on disk too */
void faulty_files_put(const char *path, const void *bytes, size_t len);
void faulty_files_remove(const char *path);
void faulty_files_truncate(const char *path, size_t len);

uint64_t faulty_files_writes(void);    /* calls so far */
uint64_t faulty_files_datasyncs(void); /* calls so far */

#endif
