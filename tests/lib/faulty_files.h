/* SPDX-License-Identifier: MIT */
/*
 * The face of the simulated disk (faulty_disk.h) that the journal, backups and restores see: it
 * takes the place of the system's in store/file_ops.h. Any thread.
 */
#ifndef TESTS_LIB_FAULTY_FILES_H
#define TESTS_LIB_FAULTY_FILES_H

#include "lib/faulty_disk.h"
#include "lib/faulty_plan.h"

void faulty_files_start(void);                /* an empty disk in memory; no journal is open */
void faulty_files_start_in(const char *root); /* or this directory; see faulty_disk_start */
void faulty_files_stop(void);                 /* frees the disk and puts the system's files back */

/* The n-th call from now (1: the next one) fails with this errno; a write first writes half of its
 * bytes. With `lasting` all later calls fail too, until faulty_files_heal. Counted are open, read,
 * write, both syncs, rename, unlink, mkdir and list. */
void faulty_files_fail(uint64_t nth, int error_number, bool lasting);
/* As above, but only calls of one kind count: "write", "datasync", "sync_dir", "rename", "open" …
 */
void faulty_files_fail_only(const char *kind, uint64_t nth, int error_number, bool lasting);
void faulty_files_heal(void);
bool faulty_files_failed(void); /* since the last faulty_files_fail */

#endif
