/* SPDX-License-Identifier: MIT */
/*
 * The data directory a command works on: its paths, who holds it, and ways to look into it. All
 * errors are said on stderr here; functions that can fail return an exit code.
 */
#ifndef RL_ADMIN_DATADIR_H
#define RL_ADMIN_DATADIR_H

#include <sqlite3.h>

#include "admin/admin.h"
#include "store/dirlock.h"
#include "store/journal.h"
#include "store/schema.h"

typedef struct admin_datadir {
    const char *dir; /* of the arguments */
    const char *dbfilename;
    char *path;    /* of the database */
    char *wal;     /* its -wal */
    char *journal; /* the directory */
    char *backups; /* the directory */
    char *stem;    /* of the backups' names */
    rl_dirlock_holder holder;
} admin_datadir;

/* Finds the directory (words[0], or the current one). Run by root on a directory of another user's,
 * the process becomes that user for good: nothing it makes there may belong to root, for the server
 * could not open it. Also fails when there is no database and must_exist. */
int admin_datadir_open(admin_datadir *d, const char *dir, const admin_args *args, bool must_exist);
void admin_datadir_release(admin_datadir *d);
bool admin_datadir_has_database(const admin_datadir *d);
uint64_t admin_file_bytes(const char *path); /* 0 when there is none */
/* Whether the word names a directory that is there. */
bool admin_is_directory(const char *path);

/* What the database says of itself. False, with a sentence, when it cannot. */
typedef struct admin_meta {
    uint64_t folded_seq, next_id, rows;
    char run_id[41];
    int64_t schema_version;
} admin_meta;
bool admin_meta_read(sqlite3 *db, admin_meta *out, char *error, size_t error_len);

/* A connection for reading, in a transaction, so that all it reads is from one moment. Nothing is
 * made or changed in the directory where that can be avoided: a file that nobody has open and that
 * has no -wal is read as it is (`still`); admin_datadir_unchanged then says afterwards whether it
 * stayed so. Returns an rl_store_error, with a sentence. */
typedef struct admin_reading {
    sqlite3 *db;
    bool still;
    int64_t mtime_ns;
    uint64_t bytes;
} admin_reading;
int admin_reading_open(const admin_datadir *d, bool no_trace, admin_reading *out, char *error,
                       size_t error_len);
bool admin_reading_held_still(const admin_datadir *d, const admin_reading *r);
void admin_reading_close(admin_reading *r);

/* What the journal holds beyond a seq. Writes nothing. Beside a running server, which goes on
 * writing and folding, the answer is of some moment during the call. */
typedef enum admin_journal_state {
    ADMIN_JOURNAL_NONE,    /* there is no journal */
    ADMIN_JOURNAL_GOOD,    /* a chain without a gap (perhaps empty) */
    ADMIN_JOURNAL_DAMAGED, /* batches are missing or bad; or do not follow the seq */
    ADMIN_JOURNAL_FOREIGN, /* of another database */
    ADMIN_JOURNAL_NEWER,   /* of a newer version */
    ADMIN_JOURNAL_FAILED,  /* could not be read */
    ADMIN_JOURNAL_MOVING,  /* the server writes so fast that no look was consistent */
} admin_journal_state;
typedef struct admin_journal {
    admin_journal_state state;
    uint64_t segments, bytes;     /* files, and their size */
    uint64_t batches, last_seq;   /* beyond after_seq; 0: none */
    uint64_t batch_bytes;         /* of their changes */
    uint64_t changes;             /* row changes in them */
    uint64_t bad_changes;         /* batches whose changes cannot be read */
    uint64_t dropped;             /* frames beyond the end that were never promised */
    char detail[ADMIN_ERROR_LEN]; /* a sentence, unless NONE or GOOD (and when dropped) */
} admin_journal;
void admin_journal_look(const admin_datadir *d, const char *run_id, uint64_t after_seq,
                        admin_journal *out);

/* Brings what a killed server left in the journal into the database, as a start of the server does.
 * Nothing to do beside a running server, or when the journal holds nothing. *batches is how many
 * came in. ADMIN_FAILED when it could not be done. */
int admin_settle(admin_datadir *d, uint64_t *batches);
/* The usual preparation of backup and export, unless --no-settle: settles, and says so; beside a
 * running server, waits until what it has answered so far is folded, --wait seconds at most.
 * ADMIN_FAILED (said) when it is not by then. */
int admin_prepare_source(admin_datadir *d, const admin_args *args, uint64_t *batches);

#endif
