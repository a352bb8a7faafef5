/* SPDX-License-Identifier: MIT */
/*
 * The face of the simulated disk (faulty_disk.h) that SQLite sees: the system's file system, whose
 * calls fail when told to, and of databases that lie on the disk what is synced is noted. Becomes
 * the default of the process. Any thread.
 *
 * It syncs directories where SQLite's own for Unix does: with the first sync of a journal or WAL
 * that may have been created, without looking at the result, and after a removal when asked.
 */
#ifndef TESTS_LIB_FAULTY_VFS_H
#define TESTS_LIB_FAULTY_VFS_H

#include "lib/faulty_disk.h"
#include "lib/faulty_plan.h"

void faulty_vfs_install(void);
/* Every write and sync fails until heal: ENOSPC as a full disk, others as I/O errors. More:
 * faulty_plan_set. */
void faulty_vfs_fail(int error_number);
/* The nth write or sync from now (1: the next) fails with an I/O error, once. */
void faulty_vfs_fail_once(uint64_t nth);
/* Every sync fails until heal, writes do not. */
void faulty_vfs_fail_syncs(void);
void faulty_vfs_heal(void);

#endif
