/* SPDX-License-Identifier: MIT */
/*
 * The journal: batches that were answered and are not folded yet, as a chain of frames in segment
 * files that are preallocated and written again and again. The format is at the top of
 * journal_format.h.
 *
 * Threads. The loop calls append and retry; the store thread calls recycle; the journal owns one
 * thread of its own, the syncer, which syncs and keeps the next segment ready. synced/state reads
 * are for any thread. open, replay, start and stop are called by the thread that owns the store
 * while no other runs.
 *
 * Contract. append is one write(2) into blocks that exist already: it never syncs, creates or
 * waits. It copies nothing and keeps no pointer to the batch. A frame counts from when append
 * returned 0; it is safe from power loss once synced() has reached its seq. A failed sync is never
 * retried on the same file: the journal is then broken (state) until rl_journal_retry has started a
 * fresh segment, after which the caller appends again every batch that is neither synced nor
 * folded.
 *
 * Retention. A segment is used again once its batches are folded. With `keep` they must be in a
 * backup as well (rl_journal_release), and starts and stops leave them too. Replaying from a
 * backup's folded_seq then brings back everything, as long as the seqs are in the journal without a
 * gap: rl_journal_stats.kept_from says since where they are. A gap comes about when batches are
 * folded that the journal did not take (an I/O error, a time without a journal), or when a sync of
 * folded ones fails.
 */
#ifndef RL_STORE_JOURNAL_H
#define RL_STORE_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "store/batch.h"

typedef enum rl_journal_mode {
    RL_JOURNAL_ALWAYS,   /* sync as soon as something was appended: group commit */
    RL_JOURNAL_EVERYSEC, /* sync once a second */
    RL_JOURNAL_NO,       /* leave it to the system */
} rl_journal_mode;

typedef enum rl_journal_error {
    RL_JOURNAL_OK = 0,
    /* The next segment is still being made; on_progress tells when to try again. */
    RL_JOURNAL_NOT_READY = -1,
    /* An I/O error; rl_journal_healthy has the errno and what was being done. */
    RL_JOURNAL_BROKEN = -2,
    RL_JOURNAL_DAMAGED = -3, /* recovery: frames that were synced are missing or bad */
    RL_JOURNAL_VERSION = -4, /* recovery: written by a newer version */
    RL_JOURNAL_STOPPED = -5, /* replay: the callback asked to stop */
    RL_JOURNAL_FOREIGN = -6, /* replay: it holds batches of another database */
} rl_journal_error;

typedef struct rl_journal_options {
    const char *dir;        /* DIR/journal; created when missing */
    uint64_t segment_bytes; /* 16 MiB by default; at least 64 KiB */
    rl_journal_mode mode;
    /* A number that names the database these batches belong to and never changes for it. Segments
     * of another owner are refused. 0: not said, and not checked. */
    uint64_t owner;
    bool keep; /* keep what is folded until it is released; see rl_journal_set_keep */
    /* From the syncer, until close has returned: synced moved, a segment is ready, or it broke. */
    void (*on_progress)(void *arg);
    void *arg;
} rl_journal_options;

typedef struct rl_journal_recovery {
    uint64_t batches; /* handed to the callback */
    uint64_t bytes;
    uint64_t last_seq; /* of the last one, 0 when there was none */
    uint64_t dropped;  /* valid frames beyond the end that were never synced */
    bool damaged;      /* a frame at or below a seq that was called synced is missing */
    /* Batches beyond the end, whether dropped or cut off by damage. */
    uint64_t beyond, beyond_first, beyond_last;
    uint64_t beyond_made_ms;   /* when the oldest segment with one of them was made ready */
    uint64_t skipped_segments; /* not read, since they have nothing newer than after_seq */
    char detail[512];          /* for the log: when dropped, and with every error but STOPPED */
} rl_journal_recovery;

typedef struct rl_journal rl_journal;

/* Opens or creates the directory and looks at its segments; writes nothing yet. On failure *out is
 * untouched and error says why, with the path. */
int rl_journal_open(const rl_journal_options *options, rl_journal **out, char *error,
                    size_t error_len);
/* Hands every frame with seq > after_seq to on_batch, in order, until the chain ends. on_batch
 * returns 0 to go on. Fills *report in every case. */
int rl_journal_replay(rl_journal *j, uint64_t after_seq,
                      int (*on_batch)(void *arg, uint64_t seq, rl_bytes changes), void *arg,
                      rl_journal_recovery *report);
/* Everything up to folded_seq is in data.db: old segments become spare ones (with `keep` only those
 * that hold nothing, and what lies beyond the end of the chain is made invalid), two segments are
 * made ready and the syncer starts. */
int rl_journal_start(rl_journal *j, uint64_t folded_seq, char *error, size_t error_len);
/* Loop. Appends one sealed batch. Seqs are consecutive, but may leave out what is folded. */
int rl_journal_append(rl_journal *j, rl_batch *batch);
/* Loop, once broken: has synced what can be, and asks the syncer for a fresh segment. The caller
 * then appends again, beginning with the first batch that is neither synced nor folded (an earlier
 * one does no harm). Appending answers NOT_READY until there is a segment, and BROKEN again if it
 * could not be made. */
void rl_journal_retry(rl_journal *j);
/* Any thread: every batch up to seq is synced (0 at start). */
uint64_t rl_journal_synced(const rl_journal *j);
/* Any thread: false and an errno with a sentence while broken. */
bool rl_journal_healthy(const rl_journal *j, int *error_number, char *text, size_t text_len);
/* Store thread: every batch up to seq is folded and synced in data.db; segments that hold nothing
 * newer go back to the spare ones. Also tells the journal that those need no sync of their own. */
void rl_journal_recycle(rl_journal *j, uint64_t folded_seq);
/* Loop: whether folded batches are kept until they are released. Turning it on begins a new run of
 * kept batches, so that a backup should follow. */
void rl_journal_set_keep(rl_journal *j, bool keep);
/* Any thread: a backup has every batch up to seq; with `keep` these may go once they are folded. */
void rl_journal_release(rl_journal *j, uint64_t backup_seq);
void rl_journal_set_mode(rl_journal *j, rl_journal_mode mode); /* loop */
void rl_journal_sync_soon(rl_journal *j);                      /* loop: WAITAOF, SAVE */

typedef struct rl_journal_stats {
    uint64_t segments, spare_segments, bytes_appended, frames, syncs, failed_syncs;
    uint64_t last_sync_us;              /* how long the last sync took */
    uint64_t kept_segments, kept_bytes; /* folded, and kept for a restore; part of `segments` */
    /* Replaying from any seq below this one misses batches; from kept_from - 1 on none. */
    uint64_t kept_from;
} rl_journal_stats;
void rl_journal_stats_read(const rl_journal *j, rl_journal_stats *out); /* any thread */

/* Syncs what was appended, stops the syncer and closes. With `empty`, everything was folded: the
 * files are kept but hold nothing (unless batches are kept for a restore). NULL is fine. */
void rl_journal_close(rl_journal *j, bool empty);

#endif
