/* SPDX-License-Identifier: MIT */
/*
 * The journal's bytes. Version 1. Integers are little-endian.
 *
 * DIR/journal holds segment files NNNNNNNN.journal, NNNNNNNN being the segment's number in decimal,
 * at least eight digits. Numbers only grow; they may have gaps. Any other name is left alone.
 *
 * A segment is a header block of 4096 bytes, then frames. It is written in full (zeros) before its
 * first use, and used again and again: a file whose batches are all folded is renamed to the next
 * number and gets a new header, while the old frames stay where they are.
 *
 *   header block: the first 104 bytes have a meaning, the rest is zero
 *        0   8  magic "RLjournl"
 *        8   4  version of the format
 *       12   4  size of the header block: where the first frame starts
 *       16   8  number; must be the one in the file's name
 *       24   8  salt, drawn anew for each use of the file
 *       32   8  size of the file
 *       40   8  when it was made ready, Unix milliseconds (for people)
 *       48   8  owner: which database the batches belong to; 0: not said
 *       56   8  XXH3-64 of bytes 0 to 55
 *       64  32  about the segments before it, as it was when this one was made ready; see below
 *       64   8    number of the last of a run of segments that will not be written any more …
 *       72   8    … and the highest seq of any frame in segments up to that number
 *       80   8    where the gapless run of seqs begins that the journal holds …
 *       88   8    … and how far it is safe from power loss; below the begin the run is empty, but
 *                   everything up to here is safe all the same, in data.db
 *       96   8  XXH3-64 of bytes 0 to 95; when it does not check, nothing is said about the others
 *   Magic, version and checksum keep their places in every later version, so that an older server
 *   can tell "newer" from "broken". A header that does not check, or that belongs to another
 *   number, means that the file holds nothing (it was being made ready, or is a spare one).
 *
 *   frame, starting at a multiple of 64 bytes:
 *        0   4  magic "RLfr"
 *        4   2  version of the batch format (RL_BATCH_VERSION)
 *        6   2  zero
 *        8   8  seq
 *       16   8  synced_seq: everything up to here was safe from power loss when this was written
 *       24   8  length of the changes
 *       32   8  XXH3-64 of the changes
 *       40  16  zero
 *       56   8  XXH3-64 of bytes 0 to 55, seeded with the segment's salt
 *       64      the changes
 *            …  zeros up to the next multiple of 64
 *
 * Why it holds:
 *   1. The salt seeds the header's checksum, and that covers the checksum of the changes: a frame
 * of an earlier life of the file never checks, and neither does a copy of a frame that a client
 *      stored as a value (it does not know the salt).
 *   2. A header is one sector: it is on disk or it is not. A frame can be torn anywhere.
 *   3. Frames start at multiples of 64, so behind a bad one the next good one can be found.
 *   4. A seq may be there twice, in two segments, after an I/O error made the server write batches
 *      again. Both have the same changes.
 *   5. Within a life of the server every frame of a later seq that was ever called synced comes
 * with all earlier ones that are not folded: each on disk, in some segment. So after reading: a
 * frame (or a header) that says "safe up to 80" while 75 is neither folded nor here means damage.
 *   6. A start folds what is here, up to seq L, and before the first new frame it makes sure that
 * no frame above L is left: it takes the validity from every file (header zeroed, or file removed)
 *      or, when folded batches are kept for a restore, overwrites with zeros what lies behind the
 *      last frame up to L in each file; and syncs that. New frames go into other files and have
 *      seqs above L. Frames beyond a gap, dropped by one recovery, can therefore never meet a later
 *      one, and a seq never stands for two different batches.
 *   7. What a header says of the segments before it stays true: no frame is added to those, and a
 *      write that failed, and may have left a frame all the same, counts. So a start that needs
 *      the frames above a seq leaves out segments of which it is said that they have none.
 */
#ifndef RL_STORE_JOURNAL_FORMAT_H
#define RL_STORE_JOURNAL_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

#define RL_SEGMENT_VERSION      1
#define RL_SEGMENT_HEADER_BYTES 4096
#define RL_SEGMENT_NAME_MAX     32 /* of a file name, terminator included */
#define RL_FRAME_HEADER_BYTES   64
#define RL_FRAME_ALIGN          64

typedef struct rl_segment_header {
    uint64_t number;
    uint64_t salt;
    uint64_t size;
    uint64_t made_ms;
    uint64_t owner;
    /* Segments up to number sealed_number have no frame above sealed_seq; 0: nothing is said. */
    uint64_t sealed_number, sealed_seq;
    uint64_t chain_from, chain_to; /* every seq between is in the journal; 0: nothing is said */
} rl_segment_header;

typedef enum rl_header_state {
    RL_HEADER_GOOD,
    RL_HEADER_BLANK, /* all zero: the file holds nothing, and says so */
    RL_HEADER_BAD,   /* it does not check: the file holds nothing that could be read */
    RL_HEADER_NEWER, /* written by a newer version */
} rl_header_state;

/* Fills a whole header block. */
void rl_segment_header_write(char block[RL_SEGMENT_HEADER_BYTES], const rl_segment_header *header);
/* Fills *out only when good. */
rl_header_state rl_segment_header_read(const char block[RL_SEGMENT_HEADER_BYTES],
                                       rl_segment_header *out);

void rl_segment_name(char out[RL_SEGMENT_NAME_MAX], uint64_t number);
bool rl_segment_name_read(const char *name, uint64_t *number);

/* Bytes that a frame with so many bytes of changes takes. */
static inline uint64_t rl_frame_size(uint64_t changes_len) {
    return (RL_FRAME_HEADER_BYTES + changes_len + RL_FRAME_ALIGN - 1) &
           ~(uint64_t)(RL_FRAME_ALIGN - 1);
}

typedef struct rl_frame {
    uint64_t seq;
    uint64_t synced_seq;
    size_t offset; /* in the bytes that were read */
    size_t size;   /* header, changes and padding */
    rl_bytes changes;
} rl_frame;

/* Frames changes that are in place: `frame` has the 64 bytes of the header in front of them and at
 * least 63 bytes behind. Returns the size of the frame. */
size_t rl_frame_write(char *frame, size_t changes_len, uint64_t salt, uint64_t seq,
                      uint64_t synced_seq);

typedef enum rl_frame_state {
    RL_FRAME_GOOD,
    RL_FRAME_NONE,  /* there is no frame here, or its header does not check */
    RL_FRAME_TORN,  /* a good header, but not all of the changes */
    RL_FRAME_NEWER, /* good, but its batch has a newer format */
} rl_frame_state;

/* Reads the frame at `offset` of a segment's bytes; any bytes will do. *out is filled when good
 * (its changes point into the segment); when torn, all but its changes and size. */
rl_frame_state rl_frame_read(rl_bytes segment, size_t offset, uint64_t salt, rl_frame *out);

/* A walk over a segment's frames that steps over what is bad. */
typedef struct rl_frame_walk {
    rl_bytes segment;
    uint64_t salt;
    size_t offset;        /* start with RL_SEGMENT_HEADER_BYTES */
    uint64_t claimed_seq; /* the highest synced_seq of all headers passed, torn frames' too */
    uint64_t torn;        /* frames passed whose header is good and whose changes are not */
} rl_frame_walk;

/* Moves behind the next good frame: RL_FRAME_GOOD, NONE at the end, NEWER. */
rl_frame_state rl_frame_walk_next(rl_frame_walk *w, rl_frame *out);

#endif
