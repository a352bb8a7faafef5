/* SPDX-License-Identifier: MIT */
/*
 * What the files of the journal share; nobody else includes it.
 *
 *   journal.c          open and close, the loop's side (append, retry), the state others may read
 *   journal_recover.c  reading the chain of frames at start
 *   journal_segment.c  segment files: making them ready, putting them aside, removing them
 *   journal_sync.c     the syncer: which job is next, and doing it
 *
 * A segment's life:
 *
 *              make                take               seal              folded
 *     (file) ────────▶ ready slot ──────▶ current ──────────▶ live only ────────▶ spare ──▶ (make)
 *                          │     syncer → loop       loop         syncer   │
 *                          └───────────────── retry ───────────────────────┴──▶ removed
 *
 * The syncer owns every segment object and all lists. A segment is lent to the loop by way of the
 * ready slot, and comes back when the loop sets `sealed`; in between the loop reads its constant
 * fields and writes last_seq. Invariants:
 *   1. `live` holds every segment with frames that may still be needed, the loop's current one and
 * the one in the ready slot, in order of number. A spare holds nothing that is needed.
 *   2. The loop sets last_seq of a segment before `appended`. So whoever has read `appended` sees
 * all segments that hold frames up to there as unsynced, however many there are.
 *   3. A dead segment, one whose sync failed, is never synced again and never reused. One that a
 * retry gave up is not synced again either: what was not synced is appended again. The frames of
 * both stay until they are folded.
 *   4. With `keep`, `live` also holds segments of earlier lives, whose last_seq may be an upper
 * bound: they were not read.
 *   5. Files are touched by the syncer alone, but for the loop's write into its current segment.
 * Before the syncer runs and after it ended, the thread that owns the journal plays both.
 */
#ifndef RL_STORE_JOURNAL_INTERNAL_H
#define RL_STORE_JOURNAL_INTERNAL_H

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "store/file_ops.h"
#include "store/journal.h"
#include "store/journal_format.h"

#define RL_SPARE_MIN 4 /* spare segments kept, and what a busy journal may keep instead */
#define RL_SPARE_MAX 16

typedef struct rl_segment rl_segment;
/* Padding keeps what different threads write on cache lines of their own.
 * NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct rl_segment {
    rl_segment *next; /* in its list */
    uint64_t number;
    uint64_t size;
    uint64_t salt;
    int fd;
    rl_header_state header; /* on disk */
    rl_segment_header said; /* of its header, when good */
    uint64_t synced_seq;
    /* What reading it at start has shown. */
    bool scanned;
    bool skipped;      /* without reading it: nothing in it was needed */
    bool has_beyond;   /* frames above the end of the chain, or torn ones */
    uint64_t end;      /* the place behind the last frame that is up to the end of the chain */
    uint64_t run_from; /* the last frames have the seqs from here to last_seq without a gap */
    bool dead;         /* its sync failed */
    bool given_up;     /* a retry came after it: its frames are safe or appended again */
    /* Written by the loop. */
    _Alignas(64) _Atomic uint64_t last_seq; /* 0: no frame */
    _Atomic uint64_t first_seq;             /* likewise */
    _Atomic uint64_t tried_seq;             /* of a write that failed: it may be there or not */
    _Atomic bool sealed;                    /* the loop will not touch it again */
};

typedef struct rl_segment_list {
    rl_segment *head;
    rl_segment **end; /* where the next one is hung */
    uint64_t count;
} rl_segment_list;

/* How deep the syncer sleeps, that is, who has to wake it. */
typedef enum rl_sleep {
    RL_AWAKE,
    RL_NAP,    /* it knows that frames are to be synced, and when */
    RL_ASLEEP, /* nothing to do: even the next frame wakes it */
} rl_sleep;

/* What was being done when the system said no. A failure is one word, so that any thread can read
 * it whole: operation, errno and the number of the segment. 0: none. */
typedef enum rl_journal_operation {
    RL_DOING_NOTHING,
    RL_DOING_OPEN,
    RL_DOING_READ,
    RL_DOING_WRITE,
    RL_DOING_SYNC,
    RL_DOING_CREATE,
    RL_DOING_FILL,
    RL_DOING_RENAME,
    RL_DOING_REMOVE,
    RL_DOING_SYNC_DIR, /* from here on it is about the directory, not a segment */
    RL_DOING_MKDIR,
    RL_DOING_LIST,
} rl_journal_operation;
typedef uint64_t rl_journal_fault;

/* Padding keeps what different threads write on cache lines of their own.
 * NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
struct rl_journal {
    /* Constant while threads run. */
    char *dir;
    uint64_t segment_bytes;
    uint64_t owner;
    void (*on_progress)(void *arg);
    void *arg;
    const rl_file_ops *files;
    pthread_t syncer;
    bool running;
    sem_t wake;

    /* The loop's. */
    _Alignas(64) rl_segment *current;
    uint64_t offset;    /* of the next frame in it */
    uint64_t last_seq;  /* appended last, in this life */
    uint64_t chain_end; /* as far as the gapless run goes that begins with chain_from */
    uint64_t retries_asked;
    _Atomic uint64_t frames, bytes_appended;

    /* From the loop (and `folded` from the store thread) to the syncer. */
    _Alignas(
        64) _Atomic uint64_t appended; /* 0 after a retry: nothing is, in segments that count */
    _Atomic uint64_t sync_wanted;      /* sync up to here without regard to the mode */
    _Atomic uint64_t frame_wanted;     /* the loop waits for a segment with room for this; or 0 */
    _Atomic uint64_t retry_asked;
    _Atomic uint64_t folded;
    _Atomic uint64_t released;     /* in a backup */
    _Atomic uint64_t retire_asked; /* counts what `folded` does not show */
    _Atomic uint64_t chain_from;   /* the loop's: the begin of the gapless run up to `appended` */
    _Atomic bool keep;
    _Atomic int mode;
    _Atomic bool stop;

    /* From the syncer to everybody. */
    _Alignas(64) _Atomic uint64_t synced;
    _Atomic int sleeping; /* rl_sleep; whoever else sets it to RL_AWAKE posts `wake` */
    _Atomic(rl_segment *) ready;
    _Atomic rl_journal_fault fault; /* the loop sets it as well, when it was 0 */
    _Atomic uint64_t retry_done;
    _Atomic uint64_t segments, spare_segments, syncs, failed_syncs, last_sync_us;
    _Atomic uint64_t kept_segments, kept_bytes, oldest_seq;
    _Atomic uint64_t lost_seq; /* kept ones up to here may be lost: a sync of them has failed */

    /* The syncer's. */
    _Alignas(64) rl_segment_list live;
    rl_segment_list spare;
    uint64_t spare_limit;
    uint64_t next_number;
    rl_segment *making; /* half made */
    uint64_t made_bytes;
    int64_t make_again_at_us; /* making one failed while nobody waited for it */
    int64_t last_sync_at_us;
    uint64_t folded_seen, retire_seen;
    uint64_t start_seq;   /* folded when it started, and the end of every earlier life */
    uint64_t retired_seq; /* no segment that was put aside has a frame above this */
    uint64_t let_go_seq;  /* no frame up to here is kept for a restore */
    /* The newest header on disk says that the journal holds everything since here; UINT64_MAX: it
     * says nothing. Until a newer one says less, no segment with such a frame may go. */
    uint64_t claimed_from;
    bool claim_in_the_way; /* of a segment that could go otherwise */
    bool sync_failed;      /* since the last retry: what `appended` says may be lost */
    bool retrying;
    bool synced_last; /* the last job was a sync: another one has its turn */
};

/* journal.c */
rl_journal_fault rl_journal_fault_of(rl_journal_operation doing, int error, uint64_t number);
void rl_journal_fault_text(const rl_journal *j, rl_journal_fault fault, char *text, size_t len);
void rl_journal_fail(rl_journal *j, rl_journal_fault fault); /* keeps the first one */
void rl_journal_wake(rl_journal *j, rl_sleep from);

/* journal_segment.c; the syncer's thread */
void rl_segment_list_init(rl_segment_list *list);
void rl_segment_list_add(rl_segment_list *list, rl_segment *s);
rl_segment *rl_segment_list_take(rl_segment_list *list); /* the first; NULL when empty */
/* Unhooks *link, which is a link of this list. */
rl_segment *rl_segment_list_unhook(rl_segment_list *list, rl_segment **link);
rl_segment *rl_segment_create(uint64_t number, int fd, uint64_t size);
char *rl_segment_path(const rl_journal *j, uint64_t number); /* the caller frees it */
void rl_segment_close(rl_journal *j, rl_segment *s);         /* and frees; the file stays */
rl_journal_fault rl_segment_remove(rl_journal *j, rl_segment *s);
/* Zeroes the header, synced: whatever the file holds is nothing from then on. */
rl_journal_fault rl_segment_blank(rl_journal *j, rl_segment *s);
/* Writes the frames up to s->end again as they are read, synced. */
rl_journal_fault rl_segment_rewrite(rl_journal *j, rl_segment *s);
/* Zeroes what lies behind s->end, synced. */
rl_journal_fault rl_segment_cut(rl_journal *j, rl_segment *s);
/* One step towards the next segment, with room for a frame of `frame_bytes`. 1: *out is ready, on
 * disk and in `live`; 0: call again; -1: failed, *fault says how, and nothing half made is left. */
int rl_segment_make(rl_journal *j, uint64_t frame_bytes, rl_segment **out, rl_journal_fault *fault);
void rl_segment_make_cancel(rl_journal *j);
/* At the end of a life, in the header of the segment that was never used: what was written before
 * it, and that it is safe. */
void rl_segment_close_chain(rl_journal *j);
/* The highest seq of any frame that may be in it. */
uint64_t rl_segment_top(const rl_segment *s);
/* Puts aside what is folded (and released), and what the newest header does not count on. */
void rl_segment_retire_folded(rl_journal *j, uint64_t folded_seq);
/* Takes one that was never used out of `live`. */
void rl_segment_take_back(rl_journal *j, rl_segment *s);
void rl_segment_count(rl_journal *j); /* publishes how many there are */

/* journal_sync.c */
void *rl_journal_syncer(void *journal);

/* journal_recover.c */
/* Fills `live` with what the directory holds. */
int rl_journal_find(rl_journal *j, char *error, size_t error_len);
/* Before the first new frame, with `keep`: makes what lies beyond end_seq invalid and what stays
 * safe from power loss; segments that hold nothing are left in `live` with last_seq 0. */
rl_journal_fault rl_journal_adopt(rl_journal *j, uint64_t end_seq);

/* Where the gapless run begins that can be replayed, as far as is known by now. */
static inline uint64_t rl_journal_chain_from(const rl_journal *j) {
    uint64_t from = atomic_load(&j->chain_from);
    uint64_t lost = atomic_load(&j->lost_seq);
    return from > lost ? from : lost + 1;
}

#endif
