/* SPDX-License-Identifier: MIT */
/* Looking into a journal without changing it; see datadir.h. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "admin/datadir.h"
#include "base/alloc.h"
#include "base/buffer.h"
#include "store/journal_format.h"

#define TRIES    20 /* beside a running server */
#define PAUSE_MS 50

static int on_batch(void *arg, uint64_t seq, rl_bytes changes) {
    admin_journal *out = arg;
    size_t offset = 0;
    rl_change change;
    int rc;
    (void)seq;
    while ((rc = rl_batch_read(changes, &offset, &change)) == 1)
        out->changes++;
    out->bad_changes += rc != 0;
    return 0;
}

/* The files; false when there is no directory. */
static bool measure(const admin_datadir *d, admin_journal *out) {
    DIR *dir = opendir(d->journal);
    if (!dir)
        return false;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        uint64_t number;
        if (!rl_segment_name_read(e->d_name, &number))
            continue;
        rl_buffer path = {0};
        rl_buffer_printf(&path, "%s/%s", d->journal, e->d_name);
        out->segments++;
        out->bytes += admin_file_bytes(rl_buffer_cstr(&path));
        rl_buffer_release(&path);
    }
    closedir(dir);
    return true;
}

/* As the store names the owner of a journal: sixteen digits of the run id. */
static uint64_t owner_of(const char *run_id) {
    char digits[17];
    snprintf(digits, sizeof digits, "%.16s", run_id);
    return strtoull(digits, NULL, 16);
}

static admin_journal_state state_of(int rc) {
    switch (rc) {
    case RL_JOURNAL_OK:
        return ADMIN_JOURNAL_GOOD;
    case RL_JOURNAL_DAMAGED:
        return ADMIN_JOURNAL_DAMAGED;
    case RL_JOURNAL_FOREIGN:
        return ADMIN_JOURNAL_FOREIGN;
    case RL_JOURNAL_VERSION:
        return ADMIN_JOURNAL_NEWER;
    default:
        return ADMIN_JOURNAL_FAILED;
    }
}

static void look_once(const admin_datadir *d, uint64_t owner, uint64_t after_seq,
                      admin_journal *out) {
    *out = (admin_journal){0};
    if (!measure(d, out) || out->segments == 0)
        return;
    rl_journal_options options = {.dir = d->journal, .owner = owner, .mode = RL_JOURNAL_NO};
    rl_journal *journal = NULL;
    int rc = rl_journal_open(&options, &journal, out->detail, sizeof out->detail);
    if (rc == RL_JOURNAL_OK) {
        rl_journal_recovery report;
        rc = rl_journal_replay(journal, after_seq, on_batch, out, &report);
        out->batches = report.batches;
        out->batch_bytes = report.bytes;
        out->last_seq = report.last_seq;
        out->dropped = report.dropped;
        snprintf(out->detail, sizeof out->detail, "%s", report.detail);
        rl_journal_close(journal, false);
    }
    out->state = state_of(rc);
}

/* Folded since: the seq to look beyond, as the database says now. */
static uint64_t folded_now(const admin_datadir *d, uint64_t after_seq) {
    char error[ADMIN_ERROR_LEN];
    admin_reading r;
    admin_meta meta;
    if (admin_reading_open(d, true, &r, error, sizeof error) != 0)
        return after_seq;
    if (!admin_meta_read(r.db, &meta, error, sizeof error))
        meta.folded_seq = after_seq;
    admin_reading_close(&r);
    return meta.folded_seq > after_seq ? meta.folded_seq : after_seq;
}

void admin_journal_look(const admin_datadir *d, const char *run_id, uint64_t after_seq,
                        admin_journal *out) {
    uint64_t owner = owner_of(run_id);
    look_once(d, owner, after_seq, out);
    for (int i = 0; i < TRIES && d->holder.held; i++) {
        if (out->state != ADMIN_JOURNAL_DAMAGED && out->state != ADMIN_JOURNAL_FAILED)
            return;
        /* A segment that was emptied, or filled, while the others were read looks like damage. */
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
        after_seq = folded_now(d, after_seq);
        look_once(d, owner, after_seq, out);
        if (i + 1 == TRIES && folded_now(d, after_seq) != after_seq)
            out->state = ADMIN_JOURNAL_MOVING;
    }
}
