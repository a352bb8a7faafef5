/* SPDX-License-Identifier: MIT */
/*
 * The keeper: a thread that copies the WAL back into data.db (checkpoints), on a connection of its
 * own, so that the store thread's commits never do.
 *
 * PASSIVE checkpoints, by time and by size of the WAL, hold up nobody. Once one has copied
 * everything, the next fold starts the WAL from its beginning, so under steady traffic the file
 * does not grow. TRUNCATE makes the WAL empty; it needs the writer to stand still for a moment, so
 * it runs right behind a PASSIVE one that left little to do, when folding paused or when the WAL is
 * very large, and the gate keeps the store thread from meeting a locked database.
 */
#ifndef RL_STORE_KEEPER_H
#define RL_STORE_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct rl_keeper_options {
    const char *path;        /* of data.db; copied */
    uint64_t folded_seq;     /* as of now */
    uint32_t interval_ms;    /* PASSIVE this often, when there is something in the WAL */
    uint64_t wal_bytes;      /* PASSIVE at once above the size of data.db, but not below this … */
    uint64_t wal_bytes_most; /* … and above this in any case */
    uint64_t wal_large_bytes;   /* TRUNCATE above this, even under traffic */
    void (*on_done)(void *arg); /* from the keeper, after each checkpoint */
    void *arg;
} rl_keeper_options;

typedef struct rl_keeper_stats {
    uint64_t wanted, done, failures, last_us;
    int64_t last_wall_ms;
    uint64_t wal_bytes; /* written since the WAL last began anew; 0 once it was truncated */
    uint64_t db_bytes;  /* the size of data.db */
    /* A reader of an old state, which keeps the WAL from beginning anew; see wal_pin.h. */
    int64_t pinned_ms;     /* for how long so far; 0: nobody */
    uint64_t pinned_bytes; /* written to the WAL since */
    int pinned_pid;        /* 0: not known */
    char pinned_by[64];    /* the program's name */
} rl_keeper_stats;

typedef struct rl_keeper rl_keeper;

/* Opens the connection and starts the thread. An rl_store_error; on failure *out is untouched. */
int rl_keeper_start(const rl_keeper_options *options, rl_keeper **out, char *error,
                    size_t error_len);
/* Stops the thread after what it is at and closes its connection. NULL is fine. By who started it,
 * with the store thread at rest. */
void rl_keeper_stop(rl_keeper *k);

/* Store thread, around every write transaction: while it is held, no TRUNCATE runs. */
void rl_keeper_gate_enter(rl_keeper *k);
void rl_keeper_gate_leave(rl_keeper *k);
/* Store thread, after a commit: what is folded now and how large the WAL has become. */
void rl_keeper_folded(rl_keeper *k, uint64_t folded_seq, uint64_t wal_bytes);
/* Any thread: somebody else holds the checkpoint lock, so that the last checkpoint could not begin.
 * The store thread then gives it back soon (wal_sync.h). */
bool rl_keeper_held_up(const rl_keeper *k);
/* Loop: other numbers for the same options. */
void rl_keeper_set(rl_keeper *k, uint32_t interval_ms, uint64_t wal_bytes);
/* Store thread: looks at what rl_keeper_request asked for. */
void rl_keeper_poke(rl_keeper *k);

/* Loop; takes no lock. Asks for a checkpoint of everything up to seq and returns the number that
 * stats.done will have reached after it. The store thread must be told to fold that far and to
 * poke. */
uint64_t rl_keeper_request(rl_keeper *k, uint64_t seq);
void rl_keeper_stats_read(const rl_keeper *k, rl_keeper_stats *out); /* any thread */

#endif
