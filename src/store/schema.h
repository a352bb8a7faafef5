/* SPDX-License-Identifier: MIT */
/*
 * data.db as a file: its tables and views, how a connection to it is set up, and the check that it
 * is ours, whole and not newer than we are. Connections are opened without SQLite's own mutexes:
 * each is used by one thread at a time.
 */
#ifndef RL_STORE_SCHEMA_H
#define RL_STORE_SCHEMA_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define RL_SCHEMA_VERSION        2
#define RL_SCHEMA_APPLICATION_ID 0x52424c54 /* "RBLT", in the header of the file: see file(1) */

/* What rl_meta says of the history in the file. Written with every fold, in its transaction. */
typedef struct rl_schema_meta {
    uint64_t folded_seq; /* the last batch that is in the tables */
    uint64_t next_id;    /* the first row id that was never used */
    uint64_t rows;       /* rows of rl_key; others may write to the file, so good for sizing only */
    uint64_t dead;       /* rows of rl_dead: collections that are still to be swept */
    int version;         /* of the schema; below RL_SCHEMA_VERSION only by rl_schema_inspect */
    char run_id[41];     /* drawn when the file is created */
    bool created;        /* by this call */
} rl_schema_meta;

/* Opens the file for writing, creating it with its tables when it is missing or empty, and checks
 * it. Returns an rl_store_error; on failure *out is untouched and error has a sentence for the
 * user. An older file is refused: rl_schema_migrate is to come first. */
int rl_schema_open(const char *path, sqlite3 **out, rl_schema_meta *meta, char *error,
                   size_t error_len);

/* The version of the file at path; 0: it is missing or empty. An rl_store_error, with the sentences
 * of rl_schema_open for files that are not ours, damaged or newer. */
int rl_schema_version(const char *path, int *version, char *error, size_t error_len);
/* Makes an older file one of our version, in one transaction, synced. After an error it is as it
 * was. The caller has a backup of it. An rl_store_error. */
int rl_schema_migrate(const char *path, char *error, size_t error_len);

/* One more connection to a file that rl_schema_open has checked. */
int rl_schema_open_more(const char *path, bool read_only, sqlite3 **out, char *error,
                        size_t error_len);

/* A file that nobody writes to and that has no -wal: no lock is taken, nothing is made beside it.
 */
int rl_schema_open_settled(const char *path, sqlite3 **out, char *error, size_t error_len);

/* The first bytes of the file, before SQLite sees it: its own words for these cases help nobody. OK
 * for a file that is missing or empty. An rl_store_error. */
int rl_schema_check_header(const char *path, char *error, size_t error_len);

/* Whether a connection's file is ours, has all tables of its version and is not newer than we are;
 * fills *meta. An older one is fine: see meta->version. */
int rl_schema_inspect(sqlite3 *db, const char *path, rl_schema_meta *meta, char *error,
                      size_t error_len);

/* Whether a value of this class (SQLITE_TEXT …) is how these bytes are stored: TEXT for UTF-8, else
 * BLOB. */
bool rl_schema_class_fits(int class, rl_bytes bytes);

void rl_schema_draw_run_id(char out[41]);

/* The rl_store_error for a result of SQLite: damage, the rest. */
int rl_schema_error_of(int sqlite_rc);

#endif
