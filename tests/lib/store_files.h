/* SPDX-License-Identifier: MIT */
/*
 * What tests of the store share: directories of their own, copies of a data directory as a kill
 * would leave it, options to open it with, waiting for its threads, and one-line questions to a
 * database.
 */
#ifndef TESTS_LIB_STORE_FILES_H
#define TESTS_LIB_STORE_FILES_H

#include <semaphore.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/store.h"

#define STORE_FILES_NEVER_MS (3600u * 1000) /* an interval that no test lives to see the end of */

/* A new empty directory; the caller frees the name after store_files_remove. */
char *store_files_make(void);
/* Removes it with all that is in it, and frees the name. NULL is fine. */
void store_files_remove(char *dir);
/* DIR/NAME in a buffer that the fourth call after this one uses again. */
const char *store_files_path(const char *dir, const char *name);

/* Copies what a killed server would leave: all files but the lock and the shared memory. */
void store_files_copy(const char *from, const char *to);

void store_files_write(const char *path, const void *bytes, size_t len);
/* Overwrites a part of a file. */
void store_files_damage(const char *path, long offset, const void *bytes, size_t len);

/* A store in `dir` (borrowed): `everysec`, segments of 64 KiB, a large backlog, and no fold by
 * time. The rest is zero. */
rl_store_options store_files_options(const char *dir);

/* Waits until somebody posts, for so long at most; whether somebody did. For conditions that a post
 * announces and that may hold without one: ask, wait, ask again. */
bool store_files_await(sem_t *posted, unsigned at_most_ms);

/* The first column of the first row; the statement is formatted as by sqlite3_mprintf. Any error,
 * or no row, fails the test. The text is valid until the next call. */
int64_t store_sql_int(sqlite3 *db, const char *format, ...);
const char *store_sql_text(sqlite3 *db, const char *format, ...);
void store_sql_run(sqlite3 *db, const char *format, ...);
/* A plain connection, as any program would open one. */
sqlite3 *store_sql_open(const char *path);

/* A data.db of schema version 1, closed: strings 'a' = 'one' in database 0 and X'ff' = X'00' in 1,
 * with the ids 1 and 3, and a table orders(id, what). */
#define STORE_FILES_VERSION_1_SEQ 7
void store_files_version_1(const char *path);

#endif
