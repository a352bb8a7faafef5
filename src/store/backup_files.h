/* SPDX-License-Identifier: MIT */
/*
 * The names of backups and of what is being made into one; shared by backup.c and backup_files.c.
 */
#ifndef RL_STORE_BACKUP_FILES_H
#define RL_STORE_BACKUP_FILES_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "store/backup.h"

/* Paths; the caller frees. `of_ms` is cut to whole seconds. */
char *store_backup_path(const char *dir, const char *stem, int64_t of_ms);
char *store_backup_part_path(const char *dir, const char *name); /* DIR/.NAME.part */

/* Creates a part, 0600, that nobody else can have; its descriptor, or -1 and errno (EEXIST: it is
 * there). Close it after SQLite has closed the file: closing drops SQLite's locks. */
int store_backup_part_create(const char *path);
/* Removes a part with what SQLite makes beside it. */
void store_backup_part_remove(const char *path);
/* Removes the parts in dir that no process is at work on. */
void store_backup_parts_clean(const char *dir, const char *stem);

/* Fills folded_seq, keys and run_id. SQLITE_CORRUPT when rl_meta lacks them. */
int store_backup_read_meta(sqlite3 *db, rl_backup_entry *e);

#endif
