/* SPDX-License-Identifier: MIT */
/*
 * Segment files: made ready ahead of need, put aside when folded, used again.
 *
 * A segment is made ready in steps, so that the syncer can sync frames in between: a new file is
 * filled with zeros piece by piece (a sync of blocks that were written before costs half of one
 * that also has to record them as written), a spare one only gets the next number as its name. Then
 * comes the header with a new salt, and both file and directory are synced. Only then may frames go
 * in.
 */
#include "store/journal_internal.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/random.h"

#define FILL_BYTES (1024 * 1024) /* of zeros, per step */
#define PAGE_BYTES 4096

static char zeros[FILL_BYTES]; /* never written */

/* --- lists --------------------------------------------------------------------------------- */

void rl_segment_list_init(rl_segment_list *list) {
    list->head = NULL;
    list->end = &list->head;
    list->count = 0;
}

void rl_segment_list_add(rl_segment_list *list, rl_segment *s) {
    s->next = NULL;
    *list->end = s;
    list->end = &s->next;
    list->count++;
}

rl_segment *rl_segment_list_unhook(rl_segment_list *list, rl_segment **link) {
    rl_segment *s = *link;
    *link = s->next;
    if (list->end == &s->next)
        list->end = link;
    s->next = NULL;
    list->count--;
    return s;
}

rl_segment *rl_segment_list_take(rl_segment_list *list) {
    return list->head ? rl_segment_list_unhook(list, &list->head) : NULL;
}

/* --- single segments ----------------------------------------------------------------------- */

rl_segment *rl_segment_create(uint64_t number, int fd, uint64_t size) {
    rl_segment *s = rl_memalign(_Alignof(rl_segment), sizeof(*s));
    memset(s, 0, sizeof(*s));
    s->number = number;
    s->fd = fd;
    s->size = size;
    s->header = RL_HEADER_BAD;
    atomic_init(&s->last_seq, 0);
    atomic_init(&s->sealed, false);
    return s;
}

char *rl_segment_path(const rl_journal *j, uint64_t number) {
    char name[RL_SEGMENT_NAME_MAX];
    rl_segment_name(name, number);
    size_t len = strlen(j->dir) + 1 + strlen(name) + 1;
    char *path = rl_malloc(len);
    snprintf(path, len, "%s/%s", j->dir, name);
    return path;
}

void rl_segment_close(rl_journal *j, rl_segment *s) {
    j->files->close(s->fd);
    rl_free(s);
}

rl_journal_fault rl_segment_remove(rl_journal *j, rl_segment *s) {
    rl_journal_fault fault = 0;
    char *path = rl_segment_path(j, s->number);
    if (j->files->unlink(path) != 0)
        fault = rl_journal_fault_of(RL_DOING_REMOVE, errno, s->number);
    rl_free(path);
    rl_segment_close(j, s);
    return fault;
}

rl_journal_fault rl_segment_blank(rl_journal *j, rl_segment *s) {
    if (s->header == RL_HEADER_BLANK)
        return 0;
    if (rl_file_write_all(s->fd, zeros, RL_SEGMENT_HEADER_BYTES, 0) != 0)
        return rl_journal_fault_of(RL_DOING_WRITE, errno, s->number);
    if (j->files->datasync(s->fd) != 0)
        return rl_journal_fault_of(RL_DOING_SYNC, errno, s->number);
    s->header = RL_HEADER_BLANK;
    return 0;
}

rl_journal_fault rl_segment_rewrite(rl_journal *j, rl_segment *s) {
    rl_journal_fault fault = 0;
    char *piece = rl_malloc(FILL_BYTES);
    for (uint64_t at = RL_SEGMENT_HEADER_BYTES; at < s->end && !fault;) {
        uint64_t len = s->end - at < FILL_BYTES ? s->end - at : FILL_BYTES;
        if (rl_file_read_all(s->fd, piece, (size_t)len, at) != 0)
            fault = rl_journal_fault_of(RL_DOING_READ, errno, s->number);
        else if (rl_file_write_all(s->fd, piece, (size_t)len, at) != 0)
            fault = rl_journal_fault_of(RL_DOING_WRITE, errno, s->number);
        at += len;
    }
    rl_free(piece);
    if (!fault && j->files->datasync(s->fd) != 0)
        fault = rl_journal_fault_of(RL_DOING_SYNC, errno, s->number);
    return fault;
}

rl_journal_fault rl_segment_cut(rl_journal *j, rl_segment *s) {
    for (uint64_t at = s->end; at < s->size;) {
        uint64_t len = s->size - at < FILL_BYTES ? s->size - at : FILL_BYTES;
        if (rl_file_write_all(s->fd, zeros, (size_t)len, at) != 0)
            return rl_journal_fault_of(RL_DOING_WRITE, errno, s->number);
        at += len;
    }
    if (j->files->datasync(s->fd) != 0)
        return rl_journal_fault_of(RL_DOING_SYNC, errno, s->number);
    s->has_beyond = false;
    return 0;
}

uint64_t rl_segment_top(const rl_segment *s) {
    uint64_t last = atomic_load_explicit(&s->last_seq, memory_order_acquire);
    uint64_t tried = atomic_load_explicit(&s->tried_seq, memory_order_acquire);
    return last > tried ? last : tried;
}

static bool is_sealed(const rl_segment *s) {
    return atomic_load_explicit(&s->sealed, memory_order_acquire);
}

/* How much is kept for a restore, and since which seq. */
static void count_kept(rl_journal *j) {
    uint64_t folded = atomic_load(&j->folded);
    uint64_t oldest = j->retired_seq + 1;
    uint64_t kept = 0, bytes = 0;
    for (const rl_segment *s = j->live.head; s; s = s->next) {
        uint64_t first = atomic_load_explicit(&s->first_seq, memory_order_acquire);
        if (first != 0 && first < oldest)
            oldest = first;
        if (first != 0 && is_sealed(s) && rl_segment_top(s) <= folded) {
            kept++;
            bytes += s->size;
        }
    }
    atomic_store_explicit(&j->kept_segments, kept, memory_order_relaxed);
    atomic_store_explicit(&j->kept_bytes, bytes, memory_order_relaxed);
    atomic_store_explicit(&j->oldest_seq, oldest, memory_order_relaxed);
}

void rl_segment_count(rl_journal *j) {
    count_kept(j);
    atomic_store_explicit(&j->segments, j->live.count, memory_order_relaxed);
    atomic_store_explicit(&j->spare_segments, j->spare.count, memory_order_relaxed);
}

/* --- making one ready ---------------------------------------------------------------------- */

static uint64_t size_for(const rl_journal *j, uint64_t frame_bytes) {
    uint64_t size = RL_SEGMENT_HEADER_BYTES + frame_bytes;
    if (size <= j->segment_bytes)
        return j->segment_bytes;
    return (size + PAGE_BYTES - 1) & ~(uint64_t)(PAGE_BYTES - 1);
}

/* Gives the first spare segment the next number. */
static rl_journal_fault make_from_spare(rl_journal *j) {
    rl_segment *s = rl_segment_list_take(&j->spare);
    uint64_t number = j->next_number++;
    char *from = rl_segment_path(j, s->number);
    char *to = rl_segment_path(j, number);
    rl_journal_fault fault = 0;
    if (j->files->rename(from, to) == 0)
        s->number = number;
    else
        fault = rl_journal_fault_of(RL_DOING_RENAME, errno, s->number);
    rl_free(from);
    rl_free(to);
    s->synced_seq = 0;
    s->given_up = false;
    s->scanned = s->has_beyond = false;
    atomic_store_explicit(&s->first_seq, 0, memory_order_relaxed);
    atomic_store_explicit(&s->tried_seq, 0, memory_order_relaxed);
    atomic_store_explicit(&s->last_seq, 0, memory_order_relaxed);
    atomic_store_explicit(&s->sealed, false, memory_order_relaxed);
    j->making = s;
    j->made_bytes = s->size;
    return fault;
}

static rl_journal_fault make_from_nothing(rl_journal *j, uint64_t size) {
    uint64_t number = j->next_number++;
    char *path = rl_segment_path(j, number);
    int fd = j->files->open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
    rl_journal_fault fault = fd < 0 ? rl_journal_fault_of(RL_DOING_CREATE, errno, number) : 0;
    rl_free(path);
    if (fault)
        return fault;
    j->making = rl_segment_create(number, fd, size);
    j->made_bytes = 0;
    return 0;
}

static rl_journal_fault make_fill(rl_journal *j) {
    rl_segment *s = j->making;
    uint64_t len = s->size - j->made_bytes;
    if (len > FILL_BYTES)
        len = FILL_BYTES;
    if (rl_file_write_all(s->fd, zeros, (size_t)len, j->made_bytes) != 0)
        return rl_journal_fault_of(RL_DOING_FILL, errno, s->number);
    j->made_bytes += len;
    /* Left to the end, the sync of a whole file would hold up the syncs that clients wait for. */
    if (j->running && j->files->datasync(s->fd) != 0)
        return rl_journal_fault_of(RL_DOING_SYNC, errno, s->number);
    return 0;
}

/* Nothing will be written to it any more, and what was is on disk. */
static bool is_settled(const rl_segment *s) {
    return is_sealed(s) && !s->dead && !s->given_up &&
           s->synced_seq >= atomic_load_explicit(&s->last_seq, memory_order_acquire);
}

/* What the next start may rely on: see invariant 7 of the format. */
static void describe_earlier(const rl_journal *j, rl_segment_header *header) {
    header->sealed_number = 0;
    header->sealed_seq = j->retired_seq;
    uint64_t synced = atomic_load(&j->synced);
    uint64_t to = atomic_load(&j->appended);
    to = to < synced ? to : synced;
    for (const rl_segment *s = j->live.head; s && is_settled(s); s = s->next) {
        uint64_t top = rl_segment_top(s);
        uint64_t last = atomic_load_explicit(&s->last_seq, memory_order_relaxed);
        header->sealed_number = s->number;
        header->sealed_seq = top > header->sealed_seq ? top : header->sealed_seq;
        to = last > to ? last : to;
    }
    header->chain_to = to > j->start_seq ? to : j->start_seq;
    header->chain_from = header->chain_to + 1;
    if (!atomic_load(&j->keep))
        return; /* segments will go, and no header will tell */
    /* After chain_to: a run that begins meanwhile then ends before it begins. */
    uint64_t from = rl_journal_chain_from(j);
    header->chain_from = from > j->let_go_seq ? from : j->let_go_seq + 1;
}

static rl_journal_fault write_header(rl_journal *j, rl_segment *s) {
    char block[RL_SEGMENT_HEADER_BYTES];
    describe_earlier(j, &s->said);
    rl_segment_header_write(block, &s->said);
    if (rl_file_write_all(s->fd, block, sizeof(block), 0) != 0)
        return rl_journal_fault_of(RL_DOING_WRITE, errno, s->number);
    if (j->files->datasync(s->fd) != 0)
        return rl_journal_fault_of(RL_DOING_SYNC, errno, s->number);
    return 0;
}

/* Later syncs of frames would take the header along. Syncing it now keeps that from the first of
 * them, and shows a disk that fails before anything depends on it. The directory has to be synced
 * now: nobody does it later. */
static rl_journal_fault make_finish(rl_journal *j) {
    rl_segment *s = j->making;
    rl_random_bytes(&s->salt, sizeof(s->salt));
    s->said = (rl_segment_header){
        .number = s->number,
        .salt = s->salt,
        .size = s->size,
        .made_ms = (uint64_t)rl_clock_wall_ms(),
        .owner = j->owner,
    };
    rl_journal_fault fault = write_header(j, s);
    if (!fault && j->files->sync_dir(j->dir) != 0)
        fault = rl_journal_fault_of(RL_DOING_SYNC_DIR, errno, 0);
    if (!fault)
        s->header = RL_HEADER_GOOD;
    return fault;
}

void rl_segment_close_chain(rl_journal *j) {
    rl_segment *unused = atomic_load(&j->ready);
    if (unused)
        (void)write_header(j, unused); /* it holds nothing: no harm when it fails */
}

/* What the newest header on disk says is kept. */
static uint64_t claimed_by(const rl_segment_header *header) {
    return header->chain_from > header->chain_to ? UINT64_MAX : header->chain_from;
}

static void set_claim(rl_journal *j, uint64_t from) {
    j->claimed_from = from;
    if (j->claim_in_the_way)
        atomic_fetch_add(&j->retire_asked, 1);
    j->claim_in_the_way = false;
}

int rl_segment_make(rl_journal *j, uint64_t frame_bytes, rl_segment **out,
                    rl_journal_fault *fault) {
    rl_journal_fault failed;
    bool done = false;
    if (!j->making) {
        uint64_t size = size_for(j, frame_bytes);
        if (size == j->segment_bytes && j->spare.head)
            failed = make_from_spare(j);
        else
            failed = make_from_nothing(j, size);
    } else if (j->made_bytes < j->making->size) {
        failed = make_fill(j);
    } else {
        failed = make_finish(j);
        done = true;
    }
    if (failed) {
        rl_segment_make_cancel(j);
        rl_segment_count(j);
        if (j->claim_in_the_way)
            set_claim(j, UINT64_MAX); /* on a full disk, what can go has to go */
        *fault = failed;
        return -1;
    }
    if (!done)
        return 0;
    set_claim(j, claimed_by(&j->making->said));
    *out = j->making;
    j->making = NULL;
    rl_segment_list_add(&j->live, *out);
    rl_segment_count(j);
    return 1;
}

void rl_segment_make_cancel(rl_journal *j) {
    if (!j->making)
        return;
    (void)rl_segment_remove(j, j->making); /* a file that stays is cleared away by the next start */
    j->making = NULL;
}

/* --- putting aside ------------------------------------------------------------------------- */

static void put_aside(rl_journal *j, rl_segment *s) {
    uint64_t top = rl_segment_top(s);
    if (top > j->retired_seq)
        j->retired_seq = top;
    if (s->size == j->segment_bytes && !s->dead && j->spare.count < j->spare_limit)
        rl_segment_list_add(&j->spare, s);
    else
        (void)rl_segment_remove(j, s); /* should it stay: its frames are folded and do no harm */
}

void rl_segment_retire_folded(rl_journal *j, uint64_t folded_seq) {
    /* A journal that is written fast needs more segments between two folds: keep as many as it used
     * lately, instead of removing and making them again at every fold. */
    uint64_t limit = j->spare_limit > RL_SPARE_MIN ? j->spare_limit - 1 : RL_SPARE_MIN;
    uint64_t in_use = j->live.count - atomic_load_explicit(&j->kept_segments, memory_order_relaxed);
    if (limit < in_use)
        limit = in_use;
    j->spare_limit = limit < RL_SPARE_MAX ? limit : RL_SPARE_MAX;
    uint64_t released = atomic_load(&j->keep) ? atomic_load(&j->released) : folded_seq;
    uint64_t up_to = released < folded_seq ? released : folded_seq;
    if (up_to > j->let_go_seq)
        j->let_go_seq = up_to;

    j->claim_in_the_way = false;
    rl_segment **link = &j->live.head;
    while (*link) {
        rl_segment *s = *link;
        bool can_go = is_sealed(s) && rl_segment_top(s) <= up_to;
        bool claimed = can_go && rl_segment_top(s) >= j->claimed_from;
        j->claim_in_the_way |= claimed;
        if (can_go && !claimed)
            put_aside(j, rl_segment_list_unhook(&j->live, link));
        else
            link = &s->next;
    }
    while (j->spare.count > j->spare_limit)
        (void)rl_segment_remove(j, rl_segment_list_take(&j->spare));
    rl_segment_count(j);
}

void rl_segment_take_back(rl_journal *j, rl_segment *s) {
    rl_segment **link = &j->live.head;
    while (*link != s)
        link = &(*link)->next;
    put_aside(j, rl_segment_list_unhook(&j->live, link));
    rl_segment_count(j);
}
