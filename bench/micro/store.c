/* SPDX-License-Identifier: MIT */
/* Batches, the journal's frames, and the fold into data.db, in memory and on the disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "micro.h"
#include "store/fold.h"
#include "store/journal_format.h"
#include "store/store.h"

enum { TMPFS = 0x01021994 };

/* ---- batches ---- */

enum { CHANGES = 1000, BATCHES = 200 };

static void put_key(rl_batch_builder *b, size_t i) {
    rl_batch_key(b, i + 1, 0, RL_TYPE_STRING, RL_NEVER, micro_name(i), micro_name(i + 1));
}

static void put_value(rl_batch_builder *b, size_t i) {
    rl_batch_value(b, i + 1, RL_NEVER, micro_name(i + 1));
}

static void put_field(rl_batch_builder *b, size_t i) {
    rl_batch_field(b, 1 + i / 100, RL_NEVER, micro_name(i), micro_name(i + 1));
}

/* Another value than before: what stays the same SQLite does not write. */
static void put_other(rl_batch_builder *b, size_t i) {
    rl_batch_value(b, i + 1, RL_NEVER, micro_name(i + 2));
}

static void put_other_field(rl_batch_builder *b, size_t i) {
    rl_batch_field(b, 1 + i / 100, RL_NEVER, micro_name(i), micro_name(i + 2));
}

static void put_score(rl_batch_builder *b, size_t i) {
    rl_batch_score(b, 1, (double)i, micro_name(i));
}

typedef void (*put_change)(rl_batch_builder *, size_t);

static void code(micro *m, const char *encode, const char *decode, put_change put) {
    rl_batch_builder *b = rl_batch_builder_create();
    rl_batch *sealed[BATCHES];
    size_t bytes = 0, sum = 0;
    micro_start(m);
    for (size_t i = 0; i < BATCHES; i++) {
        for (size_t k = 0; k < CHANGES; k++)
            put(b, i * CHANGES + k);
        sealed[i] = rl_batch_seal(b, i + 1);
    }
    micro_stop(m, encode, (size_t)BATCHES * CHANGES);
    micro_start(m);
    for (size_t i = 0; i < BATCHES; i++) {
        size_t offset = 0;
        rl_change change;
        while (rl_batch_read(rl_batch_bytes(sealed[i]), &offset, &change) == 1)
            sum += change.key.len + change.value.len;
        bytes += offset;
    }
    micro_stop(m, decode, (size_t)BATCHES * CHANGES);
    micro_bytes(m, encode, (double)bytes / (BATCHES * CHANGES));
    micro_sink(sum);
    for (size_t i = 0; i < BATCHES; i++)
        rl_batch_free(sealed[i]);
    rl_batch_builder_free(b);
}

static void batches(micro *m, const void *arg) {
    (void)arg;
    code(m, "encode key", "decode key", put_key);
    code(m, "encode value", "decode value", put_value);
    code(m, "encode field", "decode field", put_field);
    code(m, "encode score", "decode score", put_score);
}

/* ---- frames ---- */

static void frames(micro *m, size_t changes_len, const char *write, const char *read) {
    enum { TIMES = 20000 };
    size_t room = RL_FRAME_HEADER_BYTES + changes_len + RL_FRAME_ALIGN, sum = 0;
    char *bytes = rl_calloc(1, room);
    rl_frame frame;
    for (size_t i = 0; i < changes_len; i++)
        bytes[RL_FRAME_HEADER_BYTES + i] = (char)rl_random_next(micro_random(m));
    micro_start(m);
    for (size_t i = 0; i < TIMES; i++)
        sum += rl_frame_write(bytes, changes_len, 1, i, i);
    micro_stop(m, write, TIMES);
    micro_bytes(m, write, (double)rl_frame_size(changes_len));
    micro_start(m);
    for (size_t i = 0; i < TIMES; i++) {
        micro_must(rl_frame_read(rl_bytes_of(bytes, room), 0, 1, &frame) == RL_FRAME_GOOD,
                   "reading a frame");
        sum += frame.size;
    }
    micro_stop(m, read, TIMES);
    micro_sink(sum);
    rl_free(bytes);
}

static void journal(micro *m, const void *arg) {
    (void)arg;
    frames(m, 40, "write frame of 40", "read frame of 40");
    frames(m, 2000, "write frame of 2,000", "read frame of 2,000");
    frames(m, 60000, "write frame of 60,000", "read frame of 60,000");
}

/* ---- the fold ---- */

enum { ROWS = 100000, PER_BATCH = 50 };

typedef struct folding {
    char dir[600], path[640];
    sqlite3 *db;
    rl_schema_meta meta;
    rl_fold *fold;
    rl_batch_builder *builder;
    rl_batch *first, *last;
    uint64_t seq;
} folding;

static void fold_open(folding *f, const char *below) {
    char error[512];
    memset(f, 0, sizeof *f);
    snprintf(f->dir, sizeof f->dir, "%s/fold-XXXXXX", below);
    micro_must(mkdtemp(f->dir) != NULL, "making a directory");
    snprintf(f->path, sizeof f->path, "%s/data.db", f->dir);
    micro_must(rl_schema_open(f->path, &f->db, &f->meta, error, sizeof error) == RL_STORE_OK,
               error);
    micro_must(rl_fold_create(f->db, &f->meta, &f->fold) == SQLITE_OK, "preparing the fold");
    f->builder = rl_batch_builder_create();
}

static void fold_close(folding *f) {
    rl_fold_free(f->fold);
    sqlite3_close(f->db);
    rl_batch_builder_free(f->builder);
    unlink(f->path);
    micro_must(rmdir(f->dir) == 0, "removing the directory of a fold");
}

static void seal(folding *f) {
    rl_batch *batch = rl_batch_seal(f->builder, ++f->seq);
    if (f->last)
        rl_batch_next_store(f->last, batch);
    else
        f->first = batch;
    f->last = batch;
}

/* What this process has caused to be written to disks; 0 where the system does not tell. */
static uint64_t disk_bytes(void) {
    unsigned long long bytes = 0;
    char line[128];
    FILE *io = fopen("/proc/self/io", "r");
    while (io && fgets(line, sizeof line, io))
        if (sscanf(line, "write_bytes: %llu", &bytes) == 1)
            break;
    if (io)
        fclose(io);
    return bytes;
}

/* Folds what was sealed, then copies it out of the WAL, and measures both. */
static void fold_all(micro *m, folding *f, const char *row, const char *checkpoint, size_t rows) {
    rl_fold_result result;
    uint64_t before = disk_bytes();
    micro_start(m);
    int rc = rl_fold_run(f->fold, f->first, UINT64_MAX, &result);
    micro_stop(m, row, rows);
    micro_must(rc == SQLITE_OK && result.last == f->last, "folding");
    uint64_t folded = disk_bytes();
    micro_start(m);
    rc = sqlite3_wal_checkpoint_v2(f->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    micro_stop(m, checkpoint, rows);
    micro_must(rc == SQLITE_OK, "the checkpoint");
    micro_bytes(m, row, (double)(folded - before) / (double)rows);
    micro_bytes(m, checkpoint, (double)(disk_bytes() - folded) / (double)rows);
    while (f->first) {
        rl_batch *next = rl_batch_next_load(f->first);
        rl_batch_free(f->first);
        f->first = next;
    }
    f->last = NULL;
}

static void put_all(folding *f, put_change put, const uint32_t *order, size_t count) {
    for (size_t i = 0; i < count; i++) {
        put(f->builder, order ? order[i] : i);
        if ((i + 1) % PER_BATCH == 0 || i + 1 == count)
            seal(f);
    }
}

static void fold_keys(micro *m, const char *below) {
    folding f;
    fold_open(&f, below);
    put_all(&f, put_key, NULL, ROWS);
    fold_all(m, &f, "new keys", "new keys, checkpoint", ROWS);
    put_all(&f, put_other, micro_shuffled(m, ROWS), ROWS / 10);
    fold_all(m, &f, "a tenth of the keys", "a tenth, checkpoint", ROWS / 10);
    for (size_t i = 0; i < ROWS; i++) {
        put_value(f.builder, i % 100);
        if (i % PER_BATCH == 0)
            seal(&f);
    }
    seal(&f);
    fold_all(m, &f, "100 keys over and over", "100 keys, checkpoint", ROWS);
    fold_close(&f);
}

static void fold_elements(micro *m, const char *below) {
    folding f;
    fold_open(&f, below);
    for (size_t i = 0; i < ROWS / 100; i++)
        rl_batch_key(f.builder, i + 1, 0, RL_TYPE_HASH, RL_NEVER, micro_name(i), RL_BYTES(""));
    seal(&f);
    put_all(&f, put_field, micro_shuffled(m, ROWS), ROWS);
    fold_all(m, &f, "hash: new fields", "hash: checkpoint", ROWS);
    put_all(&f, put_other_field, micro_shuffled(m, ROWS), ROWS / 10);
    fold_all(m, &f, "hash: a tenth", "hash: a tenth, checkpoint", ROWS / 10);
    fold_close(&f);
    fold_open(&f, below);
    rl_batch_key(f.builder, 1, 0, RL_TYPE_ZSET, RL_NEVER, RL_BYTES("board"), RL_BYTES(""));
    put_all(&f, put_score, micro_shuffled(m, ROWS), ROWS);
    fold_all(m, &f, "zset: new scores", "zset: checkpoint", ROWS);
    fold_close(&f);
}

static void folds(micro *m, const void *arg) {
    const char *below = arg ? arg : micro_dir(m);
    struct statfs fs;
    if (arg && (statfs(below, &fs) != 0 || fs.f_type != TMPFS))
        return; /* no memory file system here: no rows */
    fold_keys(m, below);
    fold_elements(m, below);
}

static const micro_case batch_cases[] = {
    {"batch", batches, NULL, false},
    {"journal", journal, NULL, false},
};
const micro_group micro_batches = {batch_cases, sizeof batch_cases / sizeof *batch_cases};

static const micro_case fold_cases[] = {
    {"fold.tmpfs", folds, "/dev/shm", false},
    {"fold.disk", folds, NULL, false},
};
const micro_group micro_folds = {fold_cases, sizeof fold_cases / sizeof *fold_cases};
