/* SPDX-License-Identifier: MIT */
/*
 * A file system for SQLite, for tests: the system's, whose writes and syncs fail when told to.
 * Becomes the default of the process. Any thread.
 */
#ifndef TESTS_LIB_FAULTY_VFS_H
#define TESTS_LIB_FAULTY_VFS_H

#include <stdint.h>

void faulty_vfs_install(void);
/* Every write and sync fails until heal: ENOSPC as a full disk, others as I/O errors. */
void faulty_vfs_fail(int error_number);
/* The nth write or sync from now (1: the next) fails with an I/O error, once. */
void faulty_vfs_fail_once(uint64_t nth);
void faulty_vfs_heal(void);

#endif
