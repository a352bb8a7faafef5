/* SPDX-License-Identifier: MIT */
/* When the writer sweeps (sweep.h): in the pauses between folds, a slice at a time. */
#include "store/writer_internal.h"

#include "base/clock.h"
#include "base/log.h"

/* Between two slices, as long as the last one took, but within these: half of the time at most, on
 * a machine that others need. */
#define PAUSE_LEAST_MS 1
#define PAUSE_MOST_MS  100
/* When a checkpoint is at work or another program writes. */
#define WAIT_MS 50

static void note_swept(rl_writer *w, uint64_t rows, int64_t took_us) {
    int64_t pause_ms = took_us / 1000;
    pause_ms = pause_ms < PAUSE_LEAST_MS  ? PAUSE_LEAST_MS
               : pause_ms > PAUSE_MOST_MS ? PAUSE_MOST_MS
                                          : pause_ms;
    w->sweeping.at_ms = rl_clock_mono_ms() + pause_ms;
    w->sweeping.failed = false;
    w->pace.idle_rounds = 0;
    atomic_fetch_add(&w->counts.swept_rows, rows);
    atomic_store(&w->counts.dead, w->meta.dead);
    if (w->full)
        store_writer_note_synced(w); /* all before it, too */
    else
        store_writer_tell_keeper(w);
}

static void note_not_swept(rl_writer *w, int rc) {
    bool busy = (rc & 0xff) == SQLITE_BUSY;
    w->sweeping.at_ms = rl_clock_mono_ms() + (busy ? WAIT_MS : WRITER_RETRY_LAST_MS);
    if (!busy && !w->sweeping.failed)
        rl_log(RL_LOG_WARNING,
               "%s: the elements of deleted collections cannot be removed: %s. They take room and "
               "do no other harm; trying again",
               w->path, sqlite3_errmsg(w->db));
    w->sweeping.failed = w->sweeping.failed || !busy;
    store_writer_doubt_unsynced(w, rc);
}

void store_writer_sweep_some(rl_writer *w) {
    if (w->meta.dead == 0 || w->sync_failed || w->pace.retry_at_ms ||
        rl_clock_mono_ms() < w->sweeping.at_ms)
        return;
    if (rl_keeper_held_up(w->keeper) || !rl_wal_hold(&w->wal)) {
        w->sweeping.at_ms = rl_clock_mono_ms() + WAIT_MS;
        return;
    }
    int64_t from_us = rl_clock_mono_us();
    uint64_t rows = 0;
    rl_keeper_gate_enter(w->keeper);
    int rc = store_writer_choose_sync(w, false);
    if (rc == SQLITE_OK)
        rc = rl_sweep_slice(w->sweep, &rows);
    rl_keeper_gate_leave(w->keeper);
    if (rc == SQLITE_OK)
        note_swept(w, rows, rl_clock_mono_us() - from_us);
    else
        note_not_swept(w, rc);
}
