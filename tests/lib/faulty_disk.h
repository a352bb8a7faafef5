/* SPDX-License-Identifier: MIT */
/*
 * One simulated disk under the journal (faulty_files.h) and SQLite (faulty_vfs.h), for tests. It is
 * killed and loses power.
 *
 * It keeps two states: what programs see, and what is on disk. Writes and truncations reach the
 * disk when the file is synced; new, changed and removed names, directories' too, when the
 * directory they are in is. A failed sync forgets what it should have written, as Linux does: the
 * next sync of the file succeeds without it. A kill changes neither state: what was not synced may
 * still be lost when the power goes later.
 *
 * What a power failure leaves: of each write that was not synced any of its sectors of 512 bytes,
 * and of the changes of names the first so many, as the seed decides. So writes are dropped, torn
 * and reordered; names come and go in the order they were changed in, as a file system with a
 * journal has it.
 *
 * Every function may be called by any thread, if not said otherwise. One disk per process.
 */
#ifndef TESTS_LIB_FAULTY_DISK_H
#define TESTS_LIB_FAULTY_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* NULL: an empty disk in memory alone, with every path on it; SQLite has no file there. Else the
 * disk is this directory of the system's (no symbolic link in its path) and all that is below, with
 * what is there now on disk. What programs see is then in the system's files as well, so that
 * SQLite's locks and shared memory work; paths elsewhere are the system's. Nothing below is open.
 */
void faulty_disk_start(const char *root);
void faulty_disk_stop(void);

typedef enum faulty_crash {
    FAULTY_KILLED,      /* the process ends: what programs saw is what is there */
    FAULTY_POWER,       /* the power goes, as said above */
    FAULTY_POWER_NONE,  /* nothing survives that was not synced */
    FAULTY_POWER_HEADS, /* names survive, and of each file the first half of what was not synced */
} faulty_crash;

/* From here on every call of the running program that changes something fails, so that it can be
 * closed without changing what the crash left behind; restart then shows that. Only the first crash
 * counts. */
void faulty_disk_crash(faulty_crash kind, uint64_t seed);
/* The same in the midst of things: instead of the nth call from now on (1: the next) that would
 * change something. 0: not at all. */
void faulty_disk_crash_at(uint64_t nth, faulty_crash kind, uint64_t seed);
bool faulty_disk_crashed(void);
faulty_crash faulty_disk_crash_kind(void); /* of the last one */
void faulty_disk_restart(void); /* after a crash, with nothing open; heals what was to fail */

/* Writes what a power failure at this moment would leave into the directory `to`. The disk must be
 * a directory. */
void faulty_disk_leave(const char *to, faulty_crash kind, uint64_t seed);

/* From now on every sync of this file fails with EIO: the disk is bad where it lies. */
void faulty_disk_break(const char *path);

/* While held, syncs of files wait (with the contents as they are once released). */
void faulty_disk_hold_syncs(bool hold);
void faulty_disk_await_held_sync(void); /* returns when a sync waits */

/* For looking at files and damaging them (both states at once); tests alone, while no program
 * writes. */
size_t faulty_disk_count(void);
const char *faulty_disk_name(size_t i);                          /* in order of path */
unsigned char *faulty_disk_bytes(const char *path, size_t *len); /* NULL when there is none */
void faulty_disk_changed(const char *path); /* after changing its bytes: they are on disk too */
void faulty_disk_put(const char *path, const void *bytes, size_t len);
void faulty_disk_remove(const char *path);
void faulty_disk_truncate(const char *path, size_t len);

/* --- for the faces. All but the first four is called with the lock held. ------------------------
 */

typedef struct faulty_file faulty_file; /* what a name stands for; counted */

bool faulty_disk_is_real(void);         /* a directory of the system's */
bool faulty_disk_has(const char *path); /* whether the path is on the disk */
bool faulty_disk_is_root(const char *path);
void faulty_disk_lock(void);
void faulty_disk_unlock(void);
bool faulty_disk_stops(void); /* counts a call that changes something; true, and EIO: it must not */

/* The file of that name; made when there is none and `make` is set. NULL: there is none. */
faulty_file *faulty_disk_open(const char *path, bool make, bool directory);
void faulty_disk_close(faulty_file *file);
unsigned faulty_disk_life(void); /* how many crashes there were */

size_t faulty_disk_size(const faulty_file *file);
size_t faulty_disk_read(const faulty_file *file, void *to, size_t len, size_t at);
/* What a call has done. */
void faulty_disk_note_write(faulty_file *file, const void *from, size_t len, size_t at);
void faulty_disk_note_truncate(faulty_file *file, size_t len);
/* Waits while syncs are held. `fails`: what should have been written is forgotten. 0, or -1 and
 * EIO when the file is broken or the disk has crashed. */
int faulty_disk_note_sync(faulty_file *file, bool fails);
void faulty_disk_note_sync_dir(const char *path);
/* False: there is no such name. */
bool faulty_disk_note_rename(const char *from, const char *to);
bool faulty_disk_note_unlink(const char *path);
void faulty_disk_each(const char *dir, void (*each)(void *arg, const char *name), void *arg);

#endif
