/* SPDX-License-Identifier: MIT */
/*
 * The journal as its callers see it: open, start and close, the loop's append and retry, and the
 * state any thread may read. See journal_internal.h for how the parts and threads fit together.
 *
 * Between the loop and the syncer there are only atomics and one semaphore. The loop appends into
 * its current segment; once that is full it takes the one in the ready slot, and if that is empty
 * it says so (NOT_READY) instead of waiting.
 */
#include "store/journal_internal.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>

#include "base/alloc.h"

#define SEGMENT_BYTES_DEFAULT (16 * 1024 * 1024)
#define SEGMENT_BYTES_MIN     (64 * 1024)

/* --- faults -------------------------------------------------------------------------------- */

static const struct {
    const char *doing;
    bool directory; /* itself, not a segment in it */
} operations[] = {
    [RL_DOING_NOTHING] = {"doing nothing with", true},
    [RL_DOING_OPEN] = {"opening", false},
    [RL_DOING_READ] = {"reading", false},
    [RL_DOING_WRITE] = {"writing", false},
    [RL_DOING_SYNC] = {"syncing", false},
    [RL_DOING_CREATE] = {"creating", false},
    [RL_DOING_FILL] = {"filling", false},
    [RL_DOING_RENAME] = {"renaming", false},
    [RL_DOING_REMOVE] = {"removing", false},
    [RL_DOING_SYNC_DIR] = {"syncing the directory", true},
    [RL_DOING_MKDIR] = {"making the directory", true},
    [RL_DOING_LIST] = {"listing the directory", true},
};

rl_journal_fault rl_journal_fault_of(rl_journal_operation doing, int error, uint64_t number) {
    return (uint64_t)doing << 56 | (uint64_t)(error & 0xffff) << 40 |
           (number & UINT64_C(0xffffffffff));
}

static int fault_errno(rl_journal_fault fault) {
    return (int)(fault >> 40 & 0xffff);
}

void rl_journal_fault_text(const rl_journal *j, rl_journal_fault fault, char *text, size_t len) {
    char reason[128];
    const char *why = strerror_r(fault_errno(fault), reason, sizeof(reason));
    size_t doing = fault >> 56;
    char name[RL_SEGMENT_NAME_MAX];
    rl_segment_name(name, fault & UINT64_C(0xffffffffff));
    bool directory = operations[doing].directory;
    snprintf(text, len, "%s while %s %s%s%s", why, operations[doing].doing, j->dir,
             directory ? "" : "/", directory ? "" : name);
}

void rl_journal_fail(rl_journal *j, rl_journal_fault fault) {
    rl_journal_fault none = 0;
    atomic_compare_exchange_strong(&j->fault, &none, fault);
}

bool rl_journal_healthy(const rl_journal *j, int *error_number, char *text, size_t text_len) {
    rl_journal_fault fault = atomic_load(&j->fault);
    if (!fault)
        return true;
    if (error_number)
        *error_number = fault_errno(fault);
    if (text && text_len)
        rl_journal_fault_text(j, fault, text, text_len);
    return false;
}

/* --- waking the syncer --------------------------------------------------------------------- */

/* After a change the syncer should see: wakes it if it sleeps at least as deep as `from`. A post is
 * a system call; for most frames the syncer is awake or knows of work already, and there is none.
 */
void rl_journal_wake(rl_journal *j, rl_sleep from) {
    if (atomic_load(&j->sleeping) >= (int)from &&
        atomic_exchange(&j->sleeping, RL_AWAKE) != RL_AWAKE)
        sem_post(&j->wake);
}

/* --- open, start, close -------------------------------------------------------------------- */

/* Its name is synced each time: whoever made it may have been killed before that. */
static int make_dir(rl_journal *j, char *error, size_t error_len) {
    rl_journal_fault fault = 0;
    if (j->files->mkdir(j->dir, 0700) == 0 || errno == EEXIST) {
        const char *slash = strrchr(j->dir, '/');
        char *parent = slash ? rl_strndup(j->dir, (size_t)(slash - j->dir)) : rl_strdup(".");
        if (j->files->sync_dir(parent[0] ? parent : "/") != 0)
            fault = rl_journal_fault_of(RL_DOING_SYNC_DIR, errno, 0);
        rl_free(parent);
    } else {
        fault = rl_journal_fault_of(RL_DOING_MKDIR, errno, 0);
    }
    if (fault)
        rl_journal_fault_text(j, fault, error, error_len);
    return fault ? RL_JOURNAL_BROKEN : RL_JOURNAL_OK;
}

static void close_list(rl_journal *j, rl_segment_list *list) {
    rl_segment *s;
    while ((s = rl_segment_list_take(list)) != NULL)
        rl_segment_close(j, s);
}

static void release(rl_journal *j) {
    close_list(j, &j->live);
    close_list(j, &j->spare);
    sem_destroy(&j->wake);
    rl_free(j->dir);
    rl_free(j);
}

int rl_journal_open(const rl_journal_options *options, rl_journal **out, char *error,
                    size_t error_len) {
    rl_journal *j = rl_memalign(_Alignof(rl_journal), sizeof(*j));
    memset(j, 0, sizeof(*j));
    j->dir = rl_strdup(options->dir);
    j->segment_bytes = options->segment_bytes ? options->segment_bytes : SEGMENT_BYTES_DEFAULT;
    if (j->segment_bytes < SEGMENT_BYTES_MIN)
        j->segment_bytes = SEGMENT_BYTES_MIN;
    j->segment_bytes &= ~(uint64_t)(RL_SEGMENT_HEADER_BYTES - 1);
    j->owner = options->owner;
    atomic_init(&j->keep, options->keep);
    j->on_progress = options->on_progress;
    j->arg = options->arg;
    j->files = rl_file_ops_get();
    sem_init(&j->wake, 0, 0);
    atomic_init(&j->mode, options->mode);
    rl_segment_list_init(&j->live);
    rl_segment_list_init(&j->spare);
    j->spare_limit = RL_SPARE_MIN;
    j->next_number = 1;

    int rc = make_dir(j, error, error_len);
    if (rc == RL_JOURNAL_OK)
        rc = rl_journal_find(j, error, error_len);
    if (rc != RL_JOURNAL_OK) {
        release(j);
        return rc;
    }
    rl_segment_count(j);
    *out = j;
    return RL_JOURNAL_OK;
}

/* Takes the validity from every file in `live` (or from those without a frame of use) and keeps
 * some as spare ones; see invariant 6 of the format. The oldest go first, so that what a crash in
 * between leaves is the end of the chain. */
static rl_journal_fault empty_segments(rl_journal *j, bool all) {
    rl_journal_fault fault = 0;
    bool removed = false;
    rl_segment **link = &j->live.head;
    rl_segment *s;
    while (!fault && (s = *link) != NULL) {
        if (!all && atomic_load_explicit(&s->last_seq, memory_order_relaxed) != 0) {
            link = &s->next;
            continue;
        }
        bool keep = s->size == j->segment_bytes && !s->dead && j->spare.count < RL_SPARE_MIN;
        if (keep && (fault = rl_segment_blank(j, s)) != 0)
            break;
        rl_segment_list_unhook(&j->live, link);
        if (keep) {
            rl_segment_list_add(&j->spare, s);
        } else {
            removed = true;
            fault = rl_segment_remove(j, s);
        }
    }
    if (!fault && removed && j->files->sync_dir(j->dir) != 0)
        fault = rl_journal_fault_of(RL_DOING_SYNC_DIR, errno, 0);
    rl_segment_count(j);
    return fault;
}

/* Signals are for the loop's thread. */
static int start_syncer(rl_journal *j) {
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&j->syncer, NULL, rl_journal_syncer, j);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

static void take_segment(rl_journal *j, rl_segment *s) {
    if (j->current)
        atomic_store_explicit(&j->current->sealed, true, memory_order_release);
    j->current = s;
    j->offset = RL_SEGMENT_HEADER_BYTES;
}

/* No frame of earlier lives shall meet one of this life. */
static rl_journal_fault settle_segments(rl_journal *j, uint64_t folded_seq) {
    bool keep = atomic_load(&j->keep);
    j->start_seq = j->retired_seq = folded_seq;
    atomic_store(&j->chain_from, folded_seq + 1);
    rl_journal_fault fault = keep ? rl_journal_adopt(j, folded_seq) : 0;
    return fault ? fault : empty_segments(j, !keep);
}

int rl_journal_start(rl_journal *j, uint64_t folded_seq, char *error, size_t error_len) {
    assert(!j->running);
    /* First, for the segments that are made ready here tell of it. */
    atomic_store(&j->folded, folded_seq);
    j->folded_seen = folded_seq;
    rl_journal_fault fault = settle_segments(j, folded_seq);
    rl_segment *first = NULL;
    int step = 0;
    while (!fault && step == 0)
        step = rl_segment_make(j, 0, &first, &fault);
    if (fault) {
        rl_journal_fault_text(j, fault, error, error_len);
        return RL_JOURNAL_BROKEN;
    }
    take_segment(j, first);
    j->last_seq = j->chain_end = folded_seq;
    j->running = true;
    int failed = start_syncer(j); /* its first job is the second segment */
    if (failed) {
        j->running = false;
        snprintf(error, error_len, "%s while starting the journal's thread", strerror(failed));
        return RL_JOURNAL_BROKEN;
    }
    return RL_JOURNAL_OK;
}

void rl_journal_close(rl_journal *j, bool empty) {
    if (!j)
        return;
    if (j->running) {
        atomic_store(&j->stop, true);
        rl_journal_wake(j, RL_NAP);
        pthread_join(j->syncer, NULL);
        j->running = false;
        if (j->current)
            take_segment(j, NULL);
        if (atomic_load(&j->keep) && atomic_load(&j->fault) == 0)
            rl_segment_close_chain(j);
    }
    if (empty && !atomic_load(&j->keep)) {
        rl_segment *s;
        while ((s = rl_segment_list_take(&j->spare)) != NULL)
            rl_segment_list_add(&j->live, s);
        /* A file that cannot be emptied keeps batches that are folded; the next start passes over
         * them. */
        (void)empty_segments(j, true);
    }
    release(j);
}

/* --- the loop's side ----------------------------------------------------------------------- */

/* The slow way to room for a frame: another segment, or the reason why there is none. */
static __attribute__((noinline)) int find_room(rl_journal *j, uint64_t frame_bytes) {
    if (atomic_load(&j->retry_done) != j->retries_asked)
        return RL_JOURNAL_NOT_READY;
    if (atomic_load(&j->fault) != 0)
        return RL_JOURNAL_BROKEN;
    rl_segment *s = atomic_exchange(&j->ready, NULL);
    if (s)
        take_segment(j, s);
    bool fits = s && j->offset + frame_bytes <= s->size;
    atomic_store(&j->frame_wanted, fits ? 0 : frame_bytes);
    rl_journal_wake(j, RL_NAP); /* either way the slot is empty */
    return fits ? RL_JOURNAL_OK : RL_JOURNAL_NOT_READY;
}

static uint64_t safe_seq(const rl_journal *j) {
    uint64_t synced = atomic_load_explicit(&j->synced, memory_order_acquire);
    uint64_t folded = atomic_load_explicit(&j->folded, memory_order_acquire);
    return synced > folded ? synced : folded;
}

/* Whether the syncer has to hear of a frame: not in mode no, unless it was asked for a sync that a
 * retry has put off. */
static bool sync_matters(const rl_journal *j) {
    return atomic_load_explicit(&j->mode, memory_order_relaxed) != RL_JOURNAL_NO ||
           atomic_load_explicit(&j->sync_wanted, memory_order_relaxed) >
               atomic_load_explicit(&j->synced, memory_order_relaxed);
}

int rl_journal_append(rl_journal *j, rl_batch *batch) {
    uint64_t seq = rl_batch_seq(batch);
    size_t len = rl_batch_bytes(batch).len;
    uint64_t size = rl_frame_size(len);
    rl_segment *s = j->current;
    if (atomic_load_explicit(&j->fault, memory_order_acquire) != 0 || !s ||
        j->offset + size > s->size) {
        int rc = find_room(j, size);
        if (rc != RL_JOURNAL_OK)
            return rc;
        s = j->current;
    }
    uint64_t safe = safe_seq(j);
    /* No gap, but for batches that are safe; after a retry that goes for those appended before,
     * too. */
    assert(seq <= safe + 1 || (seq == j->last_seq + 1 && atomic_load(&j->appended) != 0));

    char *frame = rl_batch_frame(batch);
    rl_frame_write(frame, len, s->salt, seq, safe);
    if (rl_file_write_all(s->fd, frame, (size_t)size, j->offset) != 0) {
        atomic_store_explicit(&s->tried_seq, seq, memory_order_release);
        rl_journal_fail(j, rl_journal_fault_of(RL_DOING_WRITE, errno, s->number));
        return RL_JOURNAL_BROKEN;
    }
    j->offset += size;
    j->last_seq = seq;
    if (seq > j->chain_end + 1)
        atomic_store(&j->chain_from, seq);
    if (seq > j->chain_end)
        j->chain_end = seq;
    if (atomic_load_explicit(&s->first_seq, memory_order_relaxed) == 0)
        atomic_store_explicit(&s->first_seq, seq, memory_order_release);
    atomic_store_explicit(&j->bytes_appended, j->bytes_appended + size, memory_order_relaxed);
    atomic_store_explicit(&j->frames, j->frames + 1, memory_order_relaxed);
    atomic_store_explicit(&s->last_seq, seq, memory_order_release);
    atomic_store(&j->appended, seq);
    if (sync_matters(j))
        rl_journal_wake(j, RL_ASLEEP);
    return RL_JOURNAL_OK;
}

void rl_journal_retry(rl_journal *j) {
    if (atomic_load(&j->fault) == 0 || atomic_load(&j->retry_done) != j->retries_asked)
        return;
    if (j->current)
        take_segment(j, NULL);
    /* What was not synced comes again, but for what is folded by now: a gap, for who needs all. */
    uint64_t synced = atomic_load(&j->synced);
    if (synced < j->start_seq)
        synced = j->start_seq;
    if (j->chain_end > synced)
        j->chain_end = synced;
    atomic_store(&j->appended, 0);
    atomic_store(&j->frame_wanted, 0);
    atomic_store(&j->retry_asked, ++j->retries_asked);
    rl_journal_wake(j, RL_NAP);
}

void rl_journal_set_keep(rl_journal *j, bool keep) {
    if (atomic_load(&j->keep) == keep)
        return;
    /* What was folded so far may be gone, or was never synced. */
    if (keep)
        atomic_store(&j->chain_from, j->last_seq + 1);
    atomic_store(&j->keep, keep);
    atomic_fetch_add(&j->retire_asked, 1);
    rl_journal_wake(j, RL_NAP);
}

void rl_journal_set_mode(rl_journal *j, rl_journal_mode mode) {
    atomic_store(&j->mode, mode);
    rl_journal_wake(j, RL_NAP);
}

void rl_journal_sync_soon(rl_journal *j) {
    atomic_store(&j->sync_wanted, atomic_load(&j->appended));
    rl_journal_wake(j, RL_NAP);
}

/* --- for other threads --------------------------------------------------------------------- */

uint64_t rl_journal_synced(const rl_journal *j) {
    return atomic_load_explicit(&j->synced, memory_order_acquire);
}

void rl_journal_recycle(rl_journal *j, uint64_t folded_seq) {
    if (folded_seq <= atomic_load(&j->folded))
        return;
    atomic_store(&j->folded, folded_seq);
    rl_journal_wake(j, RL_NAP);
}

void rl_journal_release(rl_journal *j, uint64_t backup_seq) {
    if (backup_seq <= atomic_load(&j->released))
        return;
    atomic_store(&j->released, backup_seq);
    atomic_fetch_add(&j->retire_asked, 1);
    rl_journal_wake(j, RL_NAP);
}

void rl_journal_stats_read(const rl_journal *j, rl_journal_stats *out) {
    uint64_t chain_from = rl_journal_chain_from(j);
    uint64_t oldest_seq = atomic_load_explicit(&j->oldest_seq, memory_order_relaxed);
    *out = (rl_journal_stats){
        .segments = atomic_load_explicit(&j->segments, memory_order_relaxed),
        .spare_segments = atomic_load_explicit(&j->spare_segments, memory_order_relaxed),
        .bytes_appended = atomic_load_explicit(&j->bytes_appended, memory_order_relaxed),
        .frames = atomic_load_explicit(&j->frames, memory_order_relaxed),
        .syncs = atomic_load_explicit(&j->syncs, memory_order_relaxed),
        .failed_syncs = atomic_load_explicit(&j->failed_syncs, memory_order_relaxed),
        .last_sync_us = atomic_load_explicit(&j->last_sync_us, memory_order_relaxed),
        .kept_segments = atomic_load_explicit(&j->kept_segments, memory_order_relaxed),
        .kept_bytes = atomic_load_explicit(&j->kept_bytes, memory_order_relaxed),
        .kept_from = chain_from > oldest_seq ? chain_from : oldest_seq,
    };
}
