/* SPDX-License-Identifier: MIT */
/*
 * Commits that are visible before they are synced. With synchronous = NORMAL a commit writes to the
 * WAL and does not sync it: readers see it at once, a power failure may take it back. The store
 * thread uses this when somebody waits to read, and syncs the WAL later.
 *
 * Why power may fail at any moment:
 *
 * - The WAL is a chain of frames with running checksums. What recovery finds is a prefix of the
 *   commits, at least up to the last sync; each has its folded_seq in it. The journal is told of
 *   nothing that is not synced, so it has what is missing behind that prefix.
 * - Frames that are not synced must not get into data.db: pages of a later state without the WAL
 *   that explains them would be damage. A checkpoint syncs the WAL before it copies, but on Linux
 *   only the first sync after a lost write fails; the next one would succeed over the hole. So from
 *   before such a commit until its sync no checkpoint runs, by no program: this module holds the
 *   WAL's checkpoint lock.
 * - The WAL begins anew only when a checkpoint has copied all of it, so never while that lock is
 *   held.
 * - After a failed sync the lock stays, and another sync alone would prove nothing. The frames are
 *   read back, checked against their checksums, written again, and then synced (mend). If they
 *   cannot be read as they were written, they are lost to the disk: data.db is left as it is and
 *   nothing is called folded any more. The journal and the next start's recovery make it good.
 *
 * One thread: the one of the connection.
 */
#ifndef RL_STORE_WAL_SYNC_H
#define RL_STORE_WAL_SYNC_H

#include <sqlite3.h>
#include <stdbool.h>

typedef struct rl_wal_sync {
    sqlite3 *db; /* in WAL mode, has run a transaction */
    bool held;   /* no checkpoint can run */
} rl_wal_sync;

/* Before a commit without a sync: keeps checkpoints away. False: one is at work. */
bool rl_wal_hold(rl_wal_sync *w);
/* All is synced, by a commit with synchronous = FULL. */
void rl_wal_release(rl_wal_sync *w);
/* Syncs the WAL and releases the hold. After an error the hold stays, and nothing may be committed
 * before rl_wal_mend has succeeded. Outside a transaction. */
int rl_wal_sync_now(rl_wal_sync *w);
/* Writes all frames of the WAL again and syncs them, then releases the hold. SQLITE_CORRUPT: they
 * are lost. */
int rl_wal_mend(rl_wal_sync *w);

/* After a checkpoint that failed with an I/O error, on its connection: has the next one copy the
 * whole WAL again. A checkpoint that could not copy all counts what it copied and leaves the sync
 * of data.db to a later one; when that sync fails, what both wrote may be lost, and SQLite would
 * only copy the rest again. SQLITE_BUSY: a checkpoint of another program is at work; try again
 * before the next one of ours. */
int rl_wal_copy_again(sqlite3 *db);

#endif
