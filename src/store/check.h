/* SPDX-License-Identifier: MIT */
/*
 * Looking for damage in a database file. Any thread; opens connections of its own and writes
 * nothing into the file.
 */
#ifndef RL_STORE_CHECK_H
#define RL_STORE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum rl_check_level {
    RL_CHECK_NONE,  /* opens, has our tables, and rl_meta reads */
    RL_CHECK_QUICK, /* and SQLite's quick_check: the structure of every page */
    RL_CHECK_FULL,  /* and integrity_check: indexes agree with their tables; and rules of ours */
} rl_check_level;

/* Checks the database at `path` (with its -wal, if there is one). settled: nobody else has it open
 * and it has no -wal, as a finished backup: it is then opened so that nothing is made beside it.
 * stop, when not NULL, is asked now and then and ends the check (RL_STORE_OK, *stopped true).
 * An rl_store_error: RL_STORE_OK, RL_STORE_DAMAGED and others, with a sentence in error. */
int rl_check_file(const char *path, rl_check_level level, bool settled, bool (*stop)(void *arg),
                  void *arg, char *error, size_t error_len);

#endif
