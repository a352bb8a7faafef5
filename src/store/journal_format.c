/* SPDX-License-Identifier: MIT */
/* Reading and writing the journal's bytes; the format is in the header. Any thread, no state. */
#include "store/journal_format.h"

#include <assert.h>
#include <endian.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"
#include "store/batch.h"

#define FRAME_MAGIC    UINT32_C(0x72664c52) /* "RLfr" */
#define CHECKED_BYTES  56                   /* of either header, in front of its checksum */
#define CHECKSUM_PLACE 56
#define EARLIER_PLACE                                                                              \
    96 /* of the checksum over what a segment's header says of the ones before                     \
        */
#define SUFFIX ".journal"

static const char segment_magic[8] = {'R', 'L', 'j', 'o', 'u', 'r', 'n', 'l'};

static_assert(RL_BATCH_HEADROOM >= RL_FRAME_HEADER_BYTES, "a frame's header fits before a batch");
static_assert(RL_BATCH_TAILROOM >= RL_FRAME_ALIGN - 1, "a frame's padding fits behind a batch");

static void put_u16(char *to, uint16_t u) {
    u = htole16(u);
    memcpy(to, &u, sizeof(u));
}

static void put_u32(char *to, uint32_t u) {
    u = htole32(u);
    memcpy(to, &u, sizeof(u));
}

static void put_u64(char *to, uint64_t u) {
    u = htole64(u);
    memcpy(to, &u, sizeof(u));
}

static uint16_t get_u16(const char *from) {
    uint16_t u;
    memcpy(&u, from, sizeof(u));
    return le16toh(u);
}

static uint32_t get_u32(const char *from) {
    uint32_t u;
    memcpy(&u, from, sizeof(u));
    return le32toh(u);
}

static uint64_t get_u64(const char *from) {
    uint64_t u;
    memcpy(&u, from, sizeof(u));
    return le64toh(u);
}

/* --- segments ------------------------------------------------------------------------------ */

void rl_segment_header_write(char block[RL_SEGMENT_HEADER_BYTES], const rl_segment_header *header) {
    memset(block, 0, RL_SEGMENT_HEADER_BYTES);
    memcpy(block, segment_magic, sizeof(segment_magic));
    put_u32(block + 8, RL_SEGMENT_VERSION);
    put_u32(block + 12, RL_SEGMENT_HEADER_BYTES);
    put_u64(block + 16, header->number);
    put_u64(block + 24, header->salt);
    put_u64(block + 32, header->size);
    put_u64(block + 40, header->made_ms);
    put_u64(block + 48, header->owner);
    put_u64(block + CHECKSUM_PLACE, XXH3_64bits(block, CHECKED_BYTES));
    put_u64(block + 64, header->sealed_number);
    put_u64(block + 72, header->sealed_seq);
    put_u64(block + 80, header->chain_from);
    put_u64(block + 88, header->chain_to);
    put_u64(block + EARLIER_PLACE, XXH3_64bits(block, EARLIER_PLACE));
}

static void read_earlier(const char *block, rl_segment_header *out) {
    if (get_u64(block + EARLIER_PLACE) != XXH3_64bits(block, EARLIER_PLACE))
        return; /* written before there was such a thing */
    out->sealed_number = get_u64(block + 64);
    out->sealed_seq = get_u64(block + 72);
    out->chain_from = get_u64(block + 80);
    out->chain_to = get_u64(block + 88);
}

rl_header_state rl_segment_header_read(const char block[RL_SEGMENT_HEADER_BYTES],
                                       rl_segment_header *out) {
    static const char zeros[RL_FRAME_HEADER_BYTES];
    if (memcmp(block, zeros, sizeof(zeros)) == 0)
        return RL_HEADER_BLANK;
    if (memcmp(block, segment_magic, sizeof(segment_magic)) != 0 ||
        get_u64(block + CHECKSUM_PLACE) != XXH3_64bits(block, CHECKED_BYTES))
        return RL_HEADER_BAD;
    if (get_u32(block + 8) > RL_SEGMENT_VERSION)
        return RL_HEADER_NEWER;
    if (get_u32(block + 12) != RL_SEGMENT_HEADER_BYTES)
        return RL_HEADER_BAD;
    *out = (rl_segment_header){
        .number = get_u64(block + 16),
        .salt = get_u64(block + 24),
        .size = get_u64(block + 32),
        .made_ms = get_u64(block + 40),
        .owner = get_u64(block + 48),
    };
    read_earlier(block, out);
    return RL_HEADER_GOOD;
}

void rl_segment_name(char out[RL_SEGMENT_NAME_MAX], uint64_t number) {
    snprintf(out, RL_SEGMENT_NAME_MAX, "%08" PRIu64 SUFFIX, number);
}

bool rl_segment_name_read(const char *name, uint64_t *number) {
    uint64_t n = 0;
    size_t digits = 0;
    for (; name[digits] >= '0' && name[digits] <= '9'; digits++) {
        if (digits == 19)
            return false; /* beyond what a number can reach, and below what would overflow */
        n = n * 10 + (uint64_t)(name[digits] - '0');
    }
    char canonical[RL_SEGMENT_NAME_MAX];
    rl_segment_name(canonical, n);
    if (strcmp(name, canonical) != 0)
        return false;
    *number = n;
    return true;
}

/* --- frames -------------------------------------------------------------------------------- */

size_t rl_frame_write(char *frame, size_t changes_len, uint64_t salt, uint64_t seq,
                      uint64_t synced_seq) {
    size_t size = (size_t)rl_frame_size(changes_len);
    char *changes = frame + RL_FRAME_HEADER_BYTES;
    put_u32(frame, FRAME_MAGIC);
    put_u16(frame + 4, RL_BATCH_VERSION);
    put_u16(frame + 6, 0);
    put_u64(frame + 8, seq);
    put_u64(frame + 16, synced_seq);
    put_u64(frame + 24, changes_len);
    put_u64(frame + 32, XXH3_64bits(changes, changes_len));
    memset(frame + 40, 0, 16);
    put_u64(frame + CHECKSUM_PLACE, XXH3_64bits_withSeed(frame, CHECKED_BYTES, salt));
    memset(changes + changes_len, 0, size - RL_FRAME_HEADER_BYTES - changes_len);
    return size;
}

rl_frame_state rl_frame_read(rl_bytes segment, size_t offset, uint64_t salt, rl_frame *out) {
    if (offset > segment.len || segment.len - offset < RL_FRAME_HEADER_BYTES)
        return RL_FRAME_NONE;
    const char *frame = segment.ptr + offset;
    if (get_u32(frame) != FRAME_MAGIC ||
        get_u64(frame + CHECKSUM_PLACE) != XXH3_64bits_withSeed(frame, CHECKED_BYTES, salt))
        return RL_FRAME_NONE;
    uint64_t len = get_u64(frame + 24);
    size_t room = segment.len - offset - RL_FRAME_HEADER_BYTES;
    const char *changes = frame + RL_FRAME_HEADER_BYTES;
    out->seq = get_u64(frame + 8);
    out->synced_seq = get_u64(frame + 16);
    out->offset = offset;
    if (len > room || rl_frame_size(len) > room + RL_FRAME_HEADER_BYTES ||
        get_u64(frame + 32) != XXH3_64bits(changes, (size_t)len))
        return RL_FRAME_TORN;
    if (get_u16(frame + 4) > RL_BATCH_VERSION)
        return RL_FRAME_NEWER;
    out->size = (size_t)rl_frame_size(len);
    out->changes = rl_bytes_of(changes, (size_t)len);
    return RL_FRAME_GOOD;
}

rl_frame_state rl_frame_walk_next(rl_frame_walk *w, rl_frame *out) {
    assert(w->offset % RL_FRAME_ALIGN == 0);
    while (w->offset < w->segment.len) {
        rl_frame_state state = rl_frame_read(w->segment, w->offset, w->salt, out);
        if (state == RL_FRAME_NEWER)
            return state;
        if (state != RL_FRAME_NONE && out->synced_seq > w->claimed_seq)
            w->claimed_seq = out->synced_seq;
        if (state == RL_FRAME_GOOD) {
            w->offset += out->size;
            return state;
        }
        w->torn += state == RL_FRAME_TORN;
        w->offset += RL_FRAME_ALIGN;
    }
    return RL_FRAME_NONE;
}
