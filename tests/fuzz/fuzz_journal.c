/* SPDX-License-Identifier: MIT */
/*
 * Recovers a journal of one segment that holds any bytes. The first byte of the input says which
 * checksums are put right before, so that inputs get past them; the second is the seq that is
 * folded.
 */
#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "store/file_ops.h"
#include "store/journal.h"
#include "store/journal_format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FIX_SEGMENT = 1, FIX_FRAMES = 2, FIX_CHANGES = 4, FIX_MAGIC = 8 };

/* --- a file system with one file, that cannot be written ----------------------------------- */

static struct {
    char *bytes;
    size_t len;
} file;

static int one_open(const char *path, int flags, mode_t mode) {
    (void)path, (void)flags, (void)mode;
    return 3;
}

static int one_close(int fd) {
    (void)fd;
    return 0;
}

static int64_t one_size(int fd) {
    (void)fd;
    return (int64_t)file.len;
}

static ssize_t one_pread(int fd, void *to, size_t len, off_t offset) {
    (void)fd;
    size_t at = (size_t)offset < file.len ? (size_t)offset : file.len;
    size_t n = file.len - at < len ? file.len - at : len;
    if (n)
        memcpy(to, file.bytes + at, n);
    return (ssize_t)n;
}

static int one_mkdir(const char *path, mode_t mode) {
    (void)path, (void)mode;
    errno = EEXIST;
    return -1;
}

static int one_list(const char *path, void (*each)(void *arg, const char *name), void *arg) {
    (void)path;
    each(arg, "00000001.journal");
    return 0;
}

static int one_sync_dir(const char *path) {
    (void)path;
    return 0;
}

static const rl_file_ops one_file = {
    .open = one_open,
    .close = one_close,
    .size = one_size,
    .pread = one_pread,
    .mkdir = one_mkdir,
    .sync_dir = one_sync_dir,
    .list = one_list,
};

/* --- putting checksums right --------------------------------------------------------------- */

static uint64_t load_u64(const char *from) {
    uint64_t u;
    memcpy(&u, from, sizeof(u));
    return u;
}

static void store_u64(char *to, uint64_t u) {
    memcpy(to, &u, sizeof(u));
}

static void fix_frames(unsigned fix, uint64_t salt) {
    for (size_t at = RL_SEGMENT_HEADER_BYTES; at + RL_FRAME_HEADER_BYTES <= file.len;
         at += RL_FRAME_ALIGN) {
        char *frame = file.bytes + at;
        if (fix & FIX_MAGIC && frame[0] == 'R')
            memcpy(frame, "RLfr\1\0\0", 8);
        if (memcmp(frame, "RLfr", 4) != 0)
            continue;
        uint64_t len = load_u64(frame + 24);
        if (fix & FIX_CHANGES && len <= file.len - at - RL_FRAME_HEADER_BYTES)
            store_u64(frame + 32, XXH3_64bits(frame + RL_FRAME_HEADER_BYTES, (size_t)len));
        store_u64(frame + 56, XXH3_64bits_withSeed(frame, 56, salt));
    }
}

static void build_file(const uint8_t *data, size_t size, unsigned fix) {
    bool fixed = fix & FIX_SEGMENT;
    file.len = size + (fixed ? RL_SEGMENT_HEADER_BYTES : 0);
    file.bytes = malloc(file.len ? file.len : 1);
    char *rest = file.bytes;
    if (fixed) {
        rl_segment_header header = {.number = 1, .salt = 42, .size = file.len};
        rl_segment_header_write(file.bytes, &header);
        rest += RL_SEGMENT_HEADER_BYTES;
    }
    if (size)
        memcpy(rest, data, size);
    if (fix & FIX_FRAMES)
        fix_frames(fix, 42);
}

/* --- the target ---------------------------------------------------------------------------- */

static int on_batch(void *arg, uint64_t seq, rl_bytes changes) {
    uint64_t *last = arg;
    assert(seq == *last + 1);
    *last = seq;
    rl_change change;
    size_t offset = 0;
    while (rl_batch_read(changes, &offset, &change) == 1)
        continue;
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    build_file(data + 2, size - 2, data[0]);
    rl_file_ops_set(&one_file);
    rl_journal *j = NULL;
    char error[128];
    rl_journal_options options = {.dir = "dir"};
    int rc = rl_journal_open(&options, &j, error, sizeof(error));
    assert(rc == RL_JOURNAL_OK || rc == RL_JOURNAL_VERSION);
    if (rc == RL_JOURNAL_OK) {
        uint64_t after = data[1];
        uint64_t last = after;
        rl_journal_recovery report;
        rc = rl_journal_replay(j, after, on_batch, &last, &report);
        assert(rc == RL_JOURNAL_OK || rc == RL_JOURNAL_DAMAGED || rc == RL_JOURNAL_VERSION);
        assert(report.batches == last - after);
        assert(report.damaged == (rc == RL_JOURNAL_DAMAGED));
        rl_journal_close(j, false);
    }
    rl_file_ops_set(NULL);
    free(file.bytes);
    return 0;
}
