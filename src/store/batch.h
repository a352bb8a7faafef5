/* SPDX-License-Identifier: MIT */
/*
 * A batch: the row changes of one turn of the loop, in one flat buffer. The same bytes are what the
 * journal stores, what the fold applies and, later, what replicas and archives get.
 *
 * A row change says what a row IS after it, never how it changed. Rows are named by id; ids are
 * never reused while a journal may still name them.
 *
 * Format, version 2. A batch is a run of changes without padding. Each is one byte of kind, then
 * its fields in order. u = unsigned LEB128; s = signed, as u of its zigzag (0, -1, 1, -2 … are 0,
 * 1, 2, 3 …); f64 = 8 bytes, little endian; bytes = u length, then the bytes; when = u, 0 for
 * "never", else Unix milliseconds + 1 (a moment before 1970 is stored as 1).
 *
 *    1 key     u id, u db, u type, when expires_at, bytes key, bytes value   the whole row
 *    2 value   u id, when expires_at, bytes value      a string's value and expiry
 *    3 patch   u id, when expires_at, u total_len, u offset, bytes
 *                                                      the value is total_len long and has these
 *                                                      bytes there
 *    4 expiry  u id, when expires_at
 *    5 name    u id, u db, bytes key                   RENAME, MOVE
 *    6 delete  u id, u type                            the row is gone, and all its elements
 *    7 clear   u db + 1, 0 for every database          no rows left there
 *    8 swap    u db, u db                              the two change numbers
 *
 * Elements of collections; id is the key's, whose row is there, of the type that fits:
 *
 *    9 field   u id, when expires_at, bytes field, bytes value   a hash has this field
 *   10 member  u id, bytes member                      a set has it
 *   11 score   u id, f64 score, bytes member           a sorted set has it
 *   12 gone    u id, u type, bytes element             a hash, set or sorted set has it no more
 *   13 item    u id, s position, bytes value           a list has this value there
 *   14 bounds  u id, s first, s last                   a list has nothing outside of first..last
 *   15 shift   u id, s from, s to, s delta             what stood at from..to of a list stands at
 *                                                      from + delta..to + delta; what stood there
 * is gone, the places left are empty
 *
 * After all changes of a batch a list's positions are contiguous. All but shift say what is; a
 * shift is right only once, which it is: a batch is folded in one transaction with its number.
 *
 * clear and swap speak of many rows: they are a barrier that changes may not be moved across.
 * In a patch, bytes between the old end and offset are zero. Version 1 had 1 to 8 alone.
 *
 * Life: a builder collects changes (loop thread); sealing numbers them and makes an immutable
 * rl_batch, which any thread may read until its owner frees it.
 */
#ifndef RL_STORE_BATCH_H
#define RL_STORE_BATCH_H

#include <stdint.h>

#include "base/bytes.h"

#define RL_BATCH_VERSION 2
#define RL_NEVER         INT64_MIN /* no expiry */

/* The types of a key, as stored in rl_key.type. Values are part of the file format. */
typedef enum rl_type {
    RL_TYPE_STRING = 1,
    RL_TYPE_LIST = 2,
    RL_TYPE_SET = 3,
    RL_TYPE_ZSET = 4,
    RL_TYPE_HASH = 5,
    RL_TYPE_STREAM = 6,
} rl_type;

typedef enum rl_change_kind {
    RL_CHANGE_KEY = 1,
    RL_CHANGE_VALUE,
    RL_CHANGE_PATCH,
    RL_CHANGE_EXPIRY,
    RL_CHANGE_NAME,
    RL_CHANGE_DELETE,
    RL_CHANGE_CLEAR,
    RL_CHANGE_SWAP,
    RL_CHANGE_FIELD,
    RL_CHANGE_MEMBER,
    RL_CHANGE_SCORE,
    RL_CHANGE_GONE,
    RL_CHANGE_ITEM,
    RL_CHANGE_BOUNDS,
    RL_CHANGE_SHIFT,
} rl_change_kind;

/* One decoded change; only the fields of its kind are set. Bytes point into the batch. */
typedef struct rl_change {
    rl_change_kind kind;
    uint64_t id;
    int32_t db; /* clear: -1 for all */
    int32_t other_db;
    rl_type type;
    int64_t expires_at; /* RL_NEVER or Unix milliseconds */
    rl_bytes key;       /* or the element: field, member */
    rl_bytes value;
    uint64_t total_len;
    uint64_t offset;
    double score;
    int64_t position; /* of an item; or the first of bounds, shift */
    int64_t last;     /* of bounds, shift */
    int64_t delta;
} rl_change;

typedef struct rl_batch_builder rl_batch_builder;
typedef struct rl_batch rl_batch;

rl_batch_builder *rl_batch_builder_create(void);
void rl_batch_builder_free(rl_batch_builder *b);
size_t rl_batch_builder_bytes(const rl_batch_builder *b); /* 0: nothing to seal */

void rl_batch_key(rl_batch_builder *b, uint64_t id, int db, rl_type type, int64_t expires_at,
                  rl_bytes key, rl_bytes value);
void rl_batch_value(rl_batch_builder *b, uint64_t id, int64_t expires_at, rl_bytes value);
void rl_batch_patch(rl_batch_builder *b, uint64_t id, int64_t expires_at, uint64_t total_len,
                    uint64_t offset, rl_bytes bytes);
void rl_batch_expiry(rl_batch_builder *b, uint64_t id, int64_t expires_at);
void rl_batch_name(rl_batch_builder *b, uint64_t id, int db, rl_bytes key);
void rl_batch_delete(rl_batch_builder *b, uint64_t id, rl_type type);
void rl_batch_clear(rl_batch_builder *b, int db); /* -1: every database */
void rl_batch_swap(rl_batch_builder *b, int db, int other_db);

void rl_batch_field(rl_batch_builder *b, uint64_t id, int64_t expires_at, rl_bytes field,
                    rl_bytes value);
void rl_batch_member(rl_batch_builder *b, uint64_t id, rl_bytes member);
void rl_batch_score(rl_batch_builder *b, uint64_t id, double score, rl_bytes member);
void rl_batch_gone(rl_batch_builder *b, uint64_t id, rl_type type, rl_bytes element);
void rl_batch_item(rl_batch_builder *b, uint64_t id, int64_t position, rl_bytes value);
void rl_batch_bounds(rl_batch_builder *b, uint64_t id, int64_t first, int64_t last);
void rl_batch_shift(rl_batch_builder *b, uint64_t id, int64_t from, int64_t to, int64_t delta);

/* Takes what was collected as one batch numbered seq and leaves the builder empty. One allocation
 * of the right size, with RL_BATCH_HEADROOM bytes in front of the changes and RL_BATCH_TAILROOM
 * behind them, so that the journal frames it in place. */
#define RL_BATCH_HEADROOM 64
#define RL_BATCH_TAILROOM 64
rl_batch *rl_batch_seal(rl_batch_builder *b, uint64_t seq);
/* A sealed batch from bytes read back from a journal (copies them). */
rl_batch *rl_batch_from_bytes(uint64_t seq, rl_bytes changes);
void rl_batch_free(rl_batch *batch);

uint64_t rl_batch_seq(const rl_batch *batch);
rl_bytes rl_batch_bytes(const rl_batch *batch);
char *
rl_batch_frame(rl_batch *batch); /* start of the headroom; the journal writes there, nobody else */
size_t rl_batch_footprint(const rl_batch *batch); /* bytes of memory it holds */
/* The link of the queue from the loop to the store thread; see store/store.c for its rules. */
rl_batch *rl_batch_next_load(const rl_batch *batch);       /* acquire */
void rl_batch_next_store(rl_batch *batch, rl_batch *next); /* release */

/* A unit's job (store/job.h), NULL for other batches. Set before the batch is handed on. */
typedef struct rl_job rl_job;
void rl_batch_job_set(rl_batch *batch, rl_job *job);
rl_job *rl_batch_job(const rl_batch *batch);

/* Reads the change at *offset of a batch's bytes and moves *offset behind it. 1: read; 0: the end;
 * -1: damaged bytes (the offset then stands at the damaged change). */
int rl_batch_read(rl_bytes changes, size_t *offset, rl_change *out);

#endif
