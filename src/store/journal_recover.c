/* SPDX-License-Identifier: MIT */
/*
 * Reading the journal back.
 *
 * First every segment is read whole and every good frame that is not folded goes into an index.
 * Then the index is sorted by seq and the frames are handed over from after_seq + 1 on, as long as
 * none is missing. Going by the index and not by the place in the files makes the order of
 * segments, frames that are there twice, and segments that are missing, harmless.
 *
 * Where the chain ends, the question is whether something is lost. Frames, and headers, carry the
 * seq that was known to be safe when they were written. If any names a seq beyond the end, then
 * what was promised is missing: damage. Otherwise frames beyond the end were never promised to
 * survive, and they are dropped.
 */
#include "store/journal_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/buffer.h"

/* --- finding the segments ------------------------------------------------------------------ */

typedef struct number_list {
    uint64_t *numbers;
    size_t count;
    size_t cap;
} number_list;

static void on_name(void *arg, const char *name) {
    number_list *list = arg;
    uint64_t number;
    if (!rl_segment_name_read(name, &number))
        return;
    if (list->count == list->cap) {
        list->cap = list->cap ? list->cap * 2 : 16;
        list->numbers = rl_realloc(list->numbers, list->cap * sizeof(*list->numbers));
    }
    list->numbers[list->count++] = number;
}

static int by_number(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static rl_journal_fault read_header(rl_segment *s) {
    char block[RL_SEGMENT_HEADER_BYTES];
    if (s->size < sizeof(block))
        return 0; /* cut short while it was made */
    if (rl_file_read_all(s->fd, block, sizeof(block), 0) != 0)
        return rl_journal_fault_of(RL_DOING_READ, errno, s->number);
    rl_segment_header header;
    s->header = rl_segment_header_read(block, &header);
    if (s->header != RL_HEADER_GOOD)
        return 0;
    s->salt = header.salt;
    s->said = header;
    if (header.number != s->number)
        s->header = RL_HEADER_BAD; /* it got a new name, but no new header yet */
    return 0;
}

/* Opens one segment and hangs it into `live`. */
static rl_journal_fault open_segment(rl_journal *j, uint64_t number) {
    char *path = rl_segment_path(j, number);
    int fd = j->files->open(path, O_RDWR, 0);
    rl_free(path);
    if (fd < 0)
        return rl_journal_fault_of(RL_DOING_OPEN, errno, number);
    int64_t size = j->files->size(fd);
    if (size < 0) {
        rl_journal_fault fault = rl_journal_fault_of(RL_DOING_READ, errno, number);
        j->files->close(fd);
        return fault;
    }
    rl_segment *s = rl_segment_create(number, fd, (uint64_t)size);
    atomic_store(&s->sealed, true);
    rl_segment_list_add(&j->live, s);
    return read_header(s);
}

int rl_journal_find(rl_journal *j, char *error, size_t error_len) {
    number_list list = {0};
    rl_journal_fault fault = 0;
    if (j->files->list(j->dir, on_name, &list) != 0)
        fault = rl_journal_fault_of(RL_DOING_LIST, errno, 0);
    if (list.count)
        qsort(list.numbers, list.count, sizeof(*list.numbers), by_number);
    for (size_t i = 0; i < list.count && !fault; i++) {
        fault = open_segment(j, list.numbers[i]);
        j->next_number = list.numbers[i] + 1;
    }
    rl_free(list.numbers);
    if (fault) {
        rl_journal_fault_text(j, fault, error, error_len);
        return RL_JOURNAL_BROKEN;
    }
    for (const rl_segment *s = j->live.head; s; s = s->next) {
        if (s->header == RL_HEADER_NEWER) {
            char name[RL_SEGMENT_NAME_MAX];
            rl_segment_name(name, s->number);
            snprintf(error, error_len,
                     "%s/%s was written by a newer version of the server; start that one", j->dir,
                     name);
            return RL_JOURNAL_VERSION;
        }
    }
    return RL_JOURNAL_OK;
}

/* --- the index ----------------------------------------------------------------------------- */

typedef struct found_frame {
    uint64_t seq;
    rl_segment *segment;
    uint64_t offset;
    uint64_t size;
} found_frame;

typedef struct frame_index {
    found_frame *frames;
    size_t count;
    size_t cap;
    uint64_t claimed_seq;      /* safe, by the word of the frames */
    const rl_segment *foreign; /* holds batches of another database; NULL: none does */
} frame_index;

static void index_add(frame_index *index, rl_segment *s, const rl_frame *frame) {
    if (index->count == index->cap) {
        index->cap = index->cap ? index->cap * 2 : 1024;
        index->frames = rl_realloc(index->frames, index->cap * sizeof(*index->frames));
    }
    index->frames[index->count++] = (found_frame){
        .seq = frame->seq,
        .segment = s,
        .offset = frame->offset,
        .size = frame->size,
    };
}

/* A frame of this segment that is up to the end of the chain; they come in order of seq. */
static void note_frame(rl_segment *s, uint64_t seq, uint64_t end) {
    uint64_t last = atomic_load_explicit(&s->last_seq, memory_order_relaxed);
    if (last == 0)
        atomic_store_explicit(&s->first_seq, seq, memory_order_relaxed);
    if (last == 0 || seq > last + 1)
        s->run_from = seq;
    atomic_store_explicit(&s->last_seq, seq, memory_order_relaxed);
    s->end = end;
}

static void begin_scan(rl_segment *s) {
    s->scanned = true;
    s->has_beyond = false;
    s->end = RL_SEGMENT_HEADER_BYTES;
    s->run_from = 0;
    atomic_store_explicit(&s->first_seq, 0, memory_order_relaxed);
    atomic_store_explicit(&s->last_seq, 0, memory_order_relaxed);
}

/* Adds the frames of a segment that was read. */
static rl_frame_state index_frames(frame_index *index, rl_segment *s, rl_bytes bytes,
                                   uint64_t after_seq, bool foreign) {
    rl_frame_walk walk = {
        .segment = bytes,
        .salt = s->salt,
        .offset = RL_SEGMENT_HEADER_BYTES,
    };
    rl_frame frame;
    rl_frame_state state;
    begin_scan(s);
    while ((state = rl_frame_walk_next(&walk, &frame)) == RL_FRAME_GOOD) {
        if (foreign) {
            index->foreign = s;
            return RL_FRAME_NONE;
        }
        if (frame.seq > after_seq)
            index_add(index, s, &frame);
        else
            note_frame(s, frame.seq, frame.offset + frame.size);
    }
    s->has_beyond = walk.torn > 0;
    if (walk.claimed_seq > index->claimed_seq)
        index->claimed_seq = walk.claimed_seq;
    return state;
}

static int index_segment(frame_index *index, rl_segment *s, uint64_t after_seq, bool foreign,
                         rl_journal_fault *fault) {
    char *bytes = rl_malloc((size_t)s->size);
    int rc = RL_JOURNAL_OK;
    if (rl_file_read_all(s->fd, bytes, (size_t)s->size, 0) != 0) {
        *fault = rl_journal_fault_of(RL_DOING_READ, errno, s->number);
        rc = RL_JOURNAL_BROKEN;
    } else if (index_frames(index, s, rl_bytes_of(bytes, (size_t)s->size), after_seq, foreign) ==
               RL_FRAME_NEWER) {
        rc = RL_JOURNAL_VERSION;
    }
    rl_free(bytes);
    return rc;
}

static int by_seq(const void *a, const void *b) {
    const found_frame *x = a;
    const found_frame *y = b;
    if (x->seq != y->seq)
        return x->seq < y->seq ? -1 : 1;
    return (x->segment->number > y->segment->number) - (x->segment->number < y->segment->number);
}

/* The seq above which a later segment says that `s` has no frame; UINT64_MAX when none does. *from
 * is where to look for one; it moves on with s. */
static uint64_t said_top(const rl_segment *s, const rl_segment **from) {
    while (*from && ((*from)->header != RL_HEADER_GOOD || (*from)->number <= s->number ||
                     (*from)->said.sealed_number < s->number))
        *from = (*from)->next;
    return *from ? (*from)->said.sealed_seq : UINT64_MAX;
}

/* Takes a segment for read that has nothing newer than after_seq. False when it has to be read. */
static bool skip_segment(rl_segment *s, uint64_t top, uint64_t after_seq) {
    char header[RL_FRAME_HEADER_BYTES];
    rl_frame frame = {0};
    if (top > after_seq || s->size < RL_SEGMENT_HEADER_BYTES + sizeof(header) ||
        rl_file_read_all(s->fd, header, sizeof(header), RL_SEGMENT_HEADER_BYTES) != 0)
        return false;
    rl_frame_state state = rl_frame_read(rl_bytes_of(header, sizeof(header)), 0, s->salt, &frame);
    if ((state != RL_FRAME_TORN && state != RL_FRAME_GOOD) || frame.seq > top)
        return false; /* its first frame is damaged */
    begin_scan(s);
    s->skipped = true;
    s->end = s->size;
    atomic_store_explicit(&s->first_seq, frame.seq, memory_order_relaxed);
    atomic_store_explicit(&s->last_seq, top, memory_order_relaxed);
    return true;
}

static int index_fill(frame_index *index, rl_journal *j, uint64_t after_seq,
                      rl_journal_recovery *report, rl_journal_fault *fault) {
    const rl_segment *teller = j->live.head;
    for (rl_segment *s = j->live.head; s; s = s->next) {
        s->skipped = false;
        if (s->header != RL_HEADER_GOOD)
            continue;
        bool foreign = j->owner && s->said.owner && s->said.owner != j->owner;
        if (!foreign && s->said.chain_to > index->claimed_seq)
            index->claimed_seq = s->said.chain_to;
        if (!foreign && skip_segment(s, said_top(s, &teller), after_seq)) {
            report->skipped_segments++;
            continue;
        }
        int rc = index_segment(index, s, after_seq, foreign, fault);
        if (rc != RL_JOURNAL_OK)
            return rc;
        if (index->foreign)
            return RL_JOURNAL_FOREIGN;
    }
    if (index->count)
        qsort(index->frames, index->count, sizeof(*index->frames), by_seq);
    return RL_JOURNAL_OK;
}

/* --- handing over -------------------------------------------------------------------------- */

typedef struct delivery {
    int (*on_batch)(void *arg, uint64_t seq, rl_bytes changes);
    void *arg;
    rl_buffer buffer;
    rl_journal_recovery *report;
} delivery;

/* Reads a frame again and hands it over. */
static int deliver(delivery *d, const found_frame *found, rl_journal_fault *fault) {
    const rl_segment *s = found->segment;
    rl_buffer_clear(&d->buffer);
    char *bytes = rl_buffer_reserve(&d->buffer, (size_t)found->size);
    if (rl_file_read_all(s->fd, bytes, (size_t)found->size, found->offset) != 0) {
        *fault = rl_journal_fault_of(RL_DOING_READ, errno, s->number);
        return RL_JOURNAL_BROKEN;
    }
    rl_frame frame;
    if (rl_frame_read(rl_bytes_of(bytes, (size_t)found->size), 0, s->salt, &frame) !=
        RL_FRAME_GOOD) {
        *fault = rl_journal_fault_of(RL_DOING_READ, EIO, s->number);
        return RL_JOURNAL_BROKEN; /* it was good a moment ago: the disk cannot be trusted */
    }
    if (d->on_batch(d->arg, frame.seq, frame.changes) != 0)
        return RL_JOURNAL_STOPPED;
    d->report->batches++;
    d->report->bytes += frame.changes.len;
    d->report->last_seq = frame.seq;
    return RL_JOURNAL_OK;
}

/* Hands over what is consecutive. */
static int deliver_chain(delivery *d, const frame_index *index, uint64_t *end_seq,
                         rl_journal_fault *fault) {
    int rc = RL_JOURNAL_OK;
    for (size_t i = 0; i < index->count && rc == RL_JOURNAL_OK; i++) {
        uint64_t seq = index->frames[i].seq;
        if (seq == *end_seq)
            continue; /* written twice */
        if (seq != *end_seq + 1)
            break;
        rc = deliver(d, &index->frames[i], fault);
        if (rc == RL_JOURNAL_OK)
            *end_seq = seq;
    }
    return rc;
}

/* Counts what lies beyond the end, and tells each segment what of it counts. */
static void look_beyond(const frame_index *index, uint64_t end_seq, rl_journal_recovery *report) {
    uint64_t last = end_seq;
    for (size_t i = 0; i < index->count; i++) {
        const found_frame *f = &index->frames[i];
        if (f->seq <= end_seq) {
            note_frame(f->segment, f->seq, f->offset + f->size);
            continue;
        }
        f->segment->has_beyond = true;
        if (f->seq == last)
            continue;
        uint64_t made_ms = f->segment->said.made_ms;
        if (report->beyond++ == 0) {
            report->beyond_first = f->seq;
            report->beyond_made_ms = made_ms;
        }
        if (made_ms < report->beyond_made_ms)
            report->beyond_made_ms = made_ms;
        report->beyond_last = last = f->seq;
    }
}

/* What lies beyond the end. */
static int judge(const frame_index *index, uint64_t end_seq, rl_journal_recovery *report) {
    uint64_t beyond = report->beyond;
    if (index->claimed_seq > end_seq) {
        report->damaged = true;
        snprintf(report->detail, sizeof(report->detail),
                 "batch %" PRIu64 " is missing or damaged, but batches up to %" PRIu64
                 " were safely written once; %" PRIu64 " good ones lie beyond the gap",
                 end_seq + 1, index->claimed_seq, beyond);
        return RL_JOURNAL_DAMAGED;
    }
    report->dropped = beyond;
    if (beyond)
        snprintf(report->detail, sizeof(report->detail),
                 "%" PRIu64 " batches beyond batch %" PRIu64 " are dropped: batch %" PRIu64
                 " is not there, and none of them was synced yet",
                 beyond, end_seq, end_seq + 1);
    return RL_JOURNAL_OK;
}

/* Why nothing more could be handed over. */
static void explain(const rl_journal *j, int rc, const frame_index *index, rl_journal_fault fault,
                    rl_journal_recovery *report) {
    char *text = report->detail;
    size_t len = sizeof(report->detail);
    char name[RL_SEGMENT_NAME_MAX];
    switch (rc) {
    case RL_JOURNAL_BROKEN:
        rl_journal_fault_text(j, fault, text, len);
        break;
    case RL_JOURNAL_VERSION:
        snprintf(text, len, "%s holds batches of a newer version of the server; start that one",
                 j->dir);
        break;
    case RL_JOURNAL_FOREIGN:
        rl_segment_name(name, index->foreign->number);
        snprintf(text, len,
                 "%s/%s holds batches of another database than the one beside it. Put that "
                 "database back, or move %s aside to go on without them",
                 j->dir, name, j->dir);
        break;
    default: /* RL_JOURNAL_STOPPED: the caller knows why */
        break;
    }
}

int rl_journal_replay(rl_journal *j, uint64_t after_seq,
                      int (*on_batch)(void *arg, uint64_t seq, rl_bytes changes), void *arg,
                      rl_journal_recovery *report) {
    assert(!j->running);
    memset(report, 0, sizeof(*report));
    frame_index index = {0};
    delivery d = {.on_batch = on_batch, .arg = arg, .report = report};
    uint64_t end_seq = after_seq;
    rl_journal_fault fault = 0;

    int rc = index_fill(&index, j, after_seq, report, &fault);
    if (rc == RL_JOURNAL_OK)
        rc = deliver_chain(&d, &index, &end_seq, &fault);
    if (rc == RL_JOURNAL_OK) {
        look_beyond(&index, end_seq, report);
        rc = judge(&index, end_seq, report);
    } else {
        explain(j, rc, &index, fault, report);
    }
    rl_buffer_release(&d.buffer);
    rl_free(index.frames);
    return rc;
}

/* --- keeping what was read ----------------------------------------------------------------- */

/* How far back the seqs up to end_seq are there without a gap. Where segments were not read, the
 * newest header is believed. */
static uint64_t chain_begin(const rl_journal *j, uint64_t end_seq) {
    uint64_t from = end_seq + 1;
    uint64_t skipped_top = 0;
    rl_segment_header said = {0};
    for (bool moved = true; moved;) {
        moved = false;
        for (const rl_segment *s = j->live.head; s; s = s->next) {
            uint64_t last = atomic_load_explicit(&s->last_seq, memory_order_relaxed);
            if (s->header == RL_HEADER_GOOD && s->said.chain_from)
                said = s->said;
            if (s->skipped && last > skipped_top)
                skipped_top = last;
            if (!s->skipped && last && last + 1 >= from && s->run_from < from) {
                from = s->run_from;
                moved = true;
            }
        }
    }
    if (from <= skipped_top + 1 && from <= said.chain_to + 1 && said.chain_from &&
        said.chain_from < from)
        from = said.chain_from;
    return from;
}

rl_journal_fault rl_journal_adopt(rl_journal *j, uint64_t end_seq) {
    for (rl_segment *s = j->live.head; s; s = s->next) {
        uint64_t last = atomic_load_explicit(&s->last_seq, memory_order_relaxed);
        if (s->header != RL_HEADER_GOOD || !s->scanned || last > end_seq)
            atomic_store_explicit(&s->last_seq, last = 0, memory_order_relaxed);
        if (last == 0)
            continue;
        /* What an earlier server wrote may not be on disk yet; kept, it must be. A sync alone would
         * not do: one that has failed then leaves nothing for the next to write. A segment that was
         * skipped was told of as safe. */
        rl_journal_fault fault = s->skipped ? 0 : rl_segment_rewrite(j, s);
        if (!fault && s->has_beyond)
            fault = rl_segment_cut(j, s);
        if (fault)
            return fault;
        s->synced_seq = last;
    }
    atomic_store(&j->chain_from, chain_begin(j, end_seq));
    return 0;
}
