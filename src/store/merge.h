/* SPDX-License-Identifier: MIT */
/*
 * The merge: of all changes a fold takes in, the newest state of each row. Knows rows and ids, no
 * SQL; the fold (fold.h) asks it for the rows in order of id and writes them. One thread at a time.
 *
 * Keys and values point into the batches, which must outlive the merge; only a value that was
 * patched is copied.
 */
#ifndef RL_STORE_MERGE_H
#define RL_STORE_MERGE_H

#include "base/buffer.h"
#include "store/batch.h"

/* What is known of a row. None of these: nothing is to be done for it. */
enum {
    RL_MERGE_ROW = 1,     /* every field */
    RL_MERGE_NAME = 2,    /* db and key */
    RL_MERGE_VALUE = 4,   /* value */
    RL_MERGE_EXPIRY = 8,  /* expires_at; VALUE comes with it */
    RL_MERGE_DELETE = 16, /* the row goes; alone */
    RL_MERGE_STORED =
        32, /* the table may have a row of this id; without it, it has none for sure */
    RL_MERGE_PARKED = 64, /* the fold's: its name waits until another row has given it up */
};
#define RL_MERGE_WORK                                                                              \
    (RL_MERGE_ROW | RL_MERGE_NAME | RL_MERGE_VALUE | RL_MERGE_EXPIRY | RL_MERGE_DELETE)

typedef struct rl_merge_entry {
    uint64_t id;
    int64_t expires_at;
    rl_bytes key;
    rl_bytes value;
    int32_t db;
    uint32_t patched; /* 1 + the number of the buffer that holds its value; 0: it is in a batch */
    uint8_t type;
    uint8_t has;
} rl_merge_entry;

typedef struct rl_merge rl_merge;

/* Appends the value of a stored row to out. 0, or an error that rl_merge_add hands on. No row:
 * *found false. */
typedef int (*rl_merge_read_value)(void *arg, uint64_t id, rl_buffer *out, bool *found);

rl_merge *rl_merge_create(void);
void rl_merge_free(rl_merge *m); /* NULL is fine */
void rl_merge_reset(rl_merge *m);
size_t rl_merge_count(const rl_merge *m);

/* Takes in one change of a row (not clear, not swap). Rows with id < stored_below may be in the
 * table. db stands for change->db. 0, or what read_value answered. */
int rl_merge_add(rl_merge *m, const rl_change *change, int32_t db, uint64_t stored_below,
                 rl_merge_read_value read_value, void *arg);

/* Loads what rl_merge_add will look at for these changes: rows are met in no order, and waiting for
 * memory at each is a fifth of a large fold. */
void rl_merge_prefetch(const rl_merge *m, const rl_change *changes, size_t count);

/* Every entry, in no order; entries may be changed in place, ids not. */
rl_merge_entry *rl_merge_entries(rl_merge *m);
/* The entry numbers in order of id; valid until the next add or reset. */
const uint32_t *rl_merge_sorted(rl_merge *m);

#endif
