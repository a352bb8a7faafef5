/* SPDX-License-Identifier: MIT */
/* The store's upkeep: how the backup thread and the keeper are put together with the rest. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "store/store_internal.h"

/* Checkpoints, where the options say nothing. */
#define CHECKPOINT_INTERVAL_MS 5000
#define CHECKPOINT_WAL_BYTES   (64ull << 20)
/* Above this at once, whatever the size of the database; and above that under traffic too. */
#define CHECKPOINT_WAL_MOST  (512ull << 20)
#define CHECKPOINT_WAL_LARGE (1024ull << 20)

static uint32_t interval_of(const rl_store_upkeep *u) {
    return u->checkpoint_interval_ms ? u->checkpoint_interval_ms : CHECKPOINT_INTERVAL_MS;
}

static uint64_t wal_bytes_of(const rl_store_upkeep *u) {
    return u->checkpoint_wal_bytes ? u->checkpoint_wal_bytes : CHECKPOINT_WAL_BYTES;
}

int store_keeper_start(rl_store *s, char *error, size_t error_len) {
    rl_keeper_options options = {
        .path = s->path,
        .folded_seq = rl_writer_meta(s->writer)->folded_seq,
        .interval_ms = interval_of(&s->options.upkeep),
        .wal_bytes = wal_bytes_of(&s->options.upkeep),
        .wal_bytes_most = CHECKPOINT_WAL_MOST,
        .wal_large_bytes = CHECKPOINT_WAL_LARGE,
        .on_done = store_on_progress,
        .arg = s,
    };
    return rl_keeper_start(&options, &s->keeper, error, error_len);
}

/* ---- backups -------------------------------------------------------------------------------- */

char *store_backup_dir(const rl_store_options *options) {
    const char *name =
        options->backup_dir && *options->backup_dir ? options->backup_dir : "backups";
    if (*name == '/')
        return rl_strdup(name);
    size_t len = strlen(options->dir) + strlen(name) + 2;
    char *dir = rl_malloc(len);
    snprintf(dir, len, "%s/%s", options->dir, name);
    return dir;
}

/* From the backup thread. */
static void look(void *arg, rl_backup_view *out) {
    const rl_store *s = arg;
    rl_keeper_stats keeper;
    rl_journal_stats journal;
    rl_keeper_stats_read(s->keeper, &keeper);
    rl_journal_stats_read(s->journal, &journal);
    *out = (rl_backup_view){
        .folded_seq = rl_writer_folded_seq(s->writer),
        .wal_bytes = keeper.wal_bytes,
        .kept_bytes = journal.kept_bytes,
        .kept_from = journal.kept_from,
    };
}

static void on_backup(void *arg, uint64_t folded_seq) {
    rl_store *s = arg;
    rl_journal_release(s->journal, folded_seq);
}

void store_backups_create(rl_store *s) {
    const rl_restore_report *restored = rl_store_restored(s);
    rl_backup_thread_options options = {
        .path = s->path,
        .dir = s->backup_dir,
        .stem = s->stem,
        .run_id = rl_writer_meta(s->writer)->run_id,
        .folded_seq = rl_writer_meta(s->writer)->folded_seq,
        .restored_from = restored && restored->restored ? restored->backup : NULL,
        .upkeep = s->options.upkeep,
        .wal_large_bytes = CHECKPOINT_WAL_LARGE,
        .look = look,
        .on_backup = on_backup,
        .on_change = store_on_progress,
        .arg = s,
    };
    s->backups = rl_backup_thread_create(&options);
}

uint64_t rl_store_backup_soon(rl_store *s) {
    uint64_t number = rl_backup_thread_request(s->backups, s->taken_seq);
    rl_writer_want(s->writer, s->taken_seq);
    return number;
}

void rl_store_set_upkeep(rl_store *s, const rl_store_upkeep *upkeep) {
    bool keep = upkeep->journal_keep == RL_JOURNAL_KEEP_BACKUP;
    if (keep != (s->options.upkeep.journal_keep == RL_JOURNAL_KEEP_BACKUP))
        rl_journal_set_keep(s->journal, keep);
    s->options.upkeep = *upkeep;
    rl_keeper_set(s->keeper, interval_of(upkeep), wal_bytes_of(upkeep));
    rl_backup_thread_set(s->backups, upkeep);
}

/* ---- in numbers ----------------------------------------------------------------------------- */

static void keeper_stats(const rl_store *s, rl_store_stats *out) {
    rl_keeper_stats k;
    rl_keeper_stats_read(s->keeper, &k);
    out->checkpoints_wanted = k.wanted;
    out->checkpoints_done = k.done;
    out->checkpoint_failures = k.failures;
    out->last_checkpoint_us = k.last_us;
    out->last_checkpoint_wall_ms = k.last_wall_ms;
    out->wal_bytes = k.wal_bytes;
    out->db_bytes = k.db_bytes;
    out->wal_pinned_ms = k.pinned_ms;
    out->wal_pinned_bytes = k.pinned_bytes;
    out->wal_pinned_pid = k.pinned_pid;
    snprintf(out->wal_pinned_by, sizeof out->wal_pinned_by, "%s", k.pinned_by);
}

static void backup_stats(const rl_store *s, rl_store_stats *out) {
    rl_backup_stats b;
    rl_backup_thread_stats_read(s->backups, &b);
    out->backups_wanted = b.wanted;
    out->backups_done = b.done;
    out->backups_failed = b.failed;
    out->backups_failed_last = b.failed_last;
    out->backup_running = b.running;
    out->backup_running_us = b.running_us;
    out->backup_bytes_done = b.bytes_done;
    out->backup_bytes_total = b.bytes_total;
    out->last_backup_ms = b.newest_ms;
    out->next_backup_ms = b.next_ms;
    out->last_backup_us = b.last_us;
    out->last_backup_bytes = b.newest_bytes;
    out->last_backup_seq = b.newest_seq;
    out->backup_count = b.count;
    out->backups_made = b.made;
    snprintf(out->last_backup_error, sizeof out->last_backup_error, "%s", b.error);
}

void store_upkeep_stats(const rl_store *s, rl_store_stats *out) {
    if (s->keeper)
        keeper_stats(s, out);
    if (s->backups)
        backup_stats(s, out);
}
