/* SPDX-License-Identifier: MIT */
/*
 * Readers that pin the WAL: as long as somebody reads an old state of the database, no checkpoint
 * can copy what was written since, and the WAL cannot begin anew.
 *
 * Who that is, is found in /proc/locks: a reader in WAL mode holds a lock on one of five bytes of
 * the -shm file. That file must not be opened for it: closing it would drop all locks that this
 * process has on it.
 *
 * One thread at a time.
 */
#ifndef RL_STORE_WAL_PIN_H
#define RL_STORE_WAL_PIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WAL_READERS_MAX 32

typedef struct wal_reader {
    int pid;
    int mark;         /* which of the five */
    int64_t since_ms; /* when it was first seen there */
} wal_reader;

/* Fills list with who reads the database at `path` through its WAL, without a time; returns how
 * many. 0 as well when the system does not tell. */
size_t store_wal_readers_list(const char *path, wal_reader *list, size_t room);

typedef struct wal_pin {
    int64_t since_ms; /* monotonic; 0: the WAL is not pinned */
    uint64_t bytes;   /* written to the WAL since */
    int pid;          /* of who pins it; 0: not known */
    bool ours;        /* a reader of this process */
    char name[16];    /* of its program */

    int copied; /* frames; it does not move while the same reader holds it */
    wal_reader readers[WAL_READERS_MAX];
    size_t reader_count;
    bool warned;
    uint64_t warn_bytes; /* again at this size */
} wal_pin;

/* After a PASSIVE checkpoint that found in_wal frames and has copied so many of them: keeps *pin up
 * to date, and says in the log when a pin lasts too long or grows too large, and when it has
 * gone. */
void store_wal_pin_note(wal_pin *pin, const char *path, int in_wal, int copied,
                        uint64_t frame_bytes);

#endif
