/* SPDX-License-Identifier: MIT */
/*
 * Backups: copies of data.db, made while it is in use, each an ordinary SQLite database.
 *
 *     DIR/backups/data-20261121T154500Z.db        the time is when the copy's content is from, UTC
 *     DIR/backups/.data-20261121T154500Z.db.part  one in the making; removed by the next run
 *
 * A copy is taken from one read snapshot, in steps with pauses between them, so the writer goes on
 * and what it commits meanwhile is not in the copy. It is then checked (quick_check), synced and
 * renamed, and the directory is synced: a name without .part is a whole, good backup. The copy has
 * journal_mode DELETE, so it is one file. Used by the server's backup thread (backup_thread.h) and
 * by the administration program. Any thread; connections of its own.
 */
#ifndef RL_STORE_BACKUP_H
#define RL_STORE_BACKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rl_backup_options {
    const char *source; /* the database */
    const char *dir;    /* where backups are; made when missing */
    const char *stem;   /* "data" of data.db; rl_backup_stem */
    const char *target; /* a path to write to instead of a name in dir; NULL: in dir */
    uint64_t rate;      /* bytes a second, 0: no limit */
    /* Called after each step and several times a second while it pauses or checks; false ends the
     * run (RL_STORE_REFUSED). bytes_done is bytes_total while it checks. May be NULL. */
    bool (*on_step)(void *arg, uint64_t bytes_done, uint64_t bytes_total);
    /* Asked before each pause; takes the place of rate. May be NULL. */
    uint64_t (*rate_now)(void *arg);
    void *arg;
} rl_backup_options;

typedef struct rl_backup_entry {
    char *path;          /* absolute or relative as dir was */
    int64_t made_ms;     /* of the name: wall time of the content, in whole seconds; with a target
                            of one's own, of the snapshot */
    uint64_t bytes;      /* size of the file */
    uint64_t folded_seq; /* set by rl_backup_run and rl_backup_describe, else 0 */
    char run_id[41];     /* likewise: of the database it is of */
    uint64_t keys;       /* likewise; as rl_meta counts them, expired ones included */
} rl_backup_entry;
void rl_backup_entry_release(rl_backup_entry *e);

/* "data" for "data.db". The caller frees. */
char *rl_backup_stem(const char *dbfilename);

/* One backup. Checks first that the file system has room for it and some to spare, and ends when
 * that shrinks too much meanwhile. Removes what a run that was killed left in the directory. Waits
 * for the next second when there is a backup of this one; never writes over a file. An
 * rl_store_error, RL_STORE_DAMAGED when the copy does not check; on success *out is the caller's to
 * release, on failure untouched, and nothing is left behind. */
int rl_backup_run(const rl_backup_options *options, rl_backup_entry *out, char *error,
                  size_t error_len);

/* The backups in dir, newest first (but those more than a day in the future last). RL_STORE_OK with
 * count 0 when there is none or no directory. Release each and rl_free the list. */
int rl_backup_list(const char *dir, const char *stem, rl_backup_entry **out, size_t *count,
                   char *error, size_t error_len);
/* Opens a backup and fills folded_seq and keys. An rl_store_error. */
int rl_backup_describe(rl_backup_entry *e, char *error, size_t error_len);
/* Removes all but the newest `retain` (at least 1); returns how many went. What cannot be removed
 * is said in the log. */
size_t rl_backup_prune(const char *dir, const char *stem, size_t retain);

#endif
