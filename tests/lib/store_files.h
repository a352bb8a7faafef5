/* SPDX-License-Identifier: MIT */
/*
 * Files for tests of the store: directories of their own, copies of a data directory as a kill
 * would leave it, and one-line questions to a database.
 */
#ifndef TESTS_LIB_STORE_FILES_H
#define TESTS_LIB_STORE_FILES_H

#include <sqlite3.h>
#include <stddef.h>
#include <stdint.h>

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

/* The first column of the first row; the statement is formatted as by sqlite3_mprintf. Any error,
 * or no row, fails the test. The text is valid until the next call. */
int64_t store_sql_int(sqlite3 *db, const char *format, ...);
const char *store_sql_text(sqlite3 *db, const char *format, ...);
void store_sql_run(sqlite3 *db, const char *format, ...);
/* A plain connection, as any program would open one. */
sqlite3 *store_sql_open(const char *path);

#endif
