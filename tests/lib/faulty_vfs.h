/* SPDX-License-Identifier: MIT */
/*
 * A file system for SQLite, for tests: the system's, whose writes and syncs fail when told to, and
 * which knows what a power failure would leave. Becomes the default of the process. Any thread.
 */
#ifndef TESTS_LIB_FAULTY_VFS_H
#define TESTS_LIB_FAULTY_VFS_H

#include <stdint.h>

void faulty_vfs_install(void);
/* Every write and sync fails until heal: ENOSPC as a full disk, others as I/O errors. */
void faulty_vfs_fail(int error_number);
/* The nth write or sync from now (1: the next) fails with an I/O error, once. */
void faulty_vfs_fail_once(uint64_t nth);
/* Every sync fails until heal, writes do not. */
void faulty_vfs_fail_syncs(void);
void faulty_vfs_heal(void);

/* From now on (while no file is open) remembers for each file what is on disk and what was written
 * since its last sync. A sync that fails forgets the latter, as Linux does: the next one succeeds
 * without it. Truncations wait for a sync too; new and removed names are on disk at once. */
void faulty_vfs_record(void);
/* Writes into the directory `to` what a power failure at this moment leaves of the recorded files:
 * of what was not synced, any sectors of 512 bytes survive, as the seed decides. Meanwhile, no
 * write or sync of SQLite's ends; `also` is called then (NULL: nothing). */
void faulty_vfs_power_off(const char *to, uint64_t seed, void (*also)(void *arg), void *arg);

#endif
