/* SPDX-License-Identifier: MIT */
/* INFO memory and persistence: what the data takes, and where it is. */
#include <inttypes.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/number.h"
#include "server/info_sections.h"
#include "server/report.h"

/* ---- memory ---- */

static void bytes_line(rl_buffer *out, const char *name, uint64_t bytes) {
    char human[32];
    rl_memory_format_human(human, bytes);
    rl_buffer_printf(out, "%s:%" PRIu64 "\r\n%s_human:%s\r\n", name, bytes, name, human);
}

static void ratio_line(rl_buffer *out, const char *of, const char *name, size_t part, size_t base) {
    rl_buffer_printf(out, "%s%s:%.2f\r\n", of, name, base ? (double)part / (double)base : 0.0);
}

/* A ratio and the bytes behind it. */
static void overhead_lines(rl_buffer *out, const char *of, size_t part, size_t base) {
    ratio_line(out, of, "_ratio", part, base);
    rl_buffer_printf(out, "%s_bytes:%lld\r\n", of, (long long)part - (long long)base);
}

static double percent(size_t part, size_t whole) {
    return whole ? 100.0 * (double)part / (double)whole : 0.0;
}

void rl_report_data_use(rl_server *s, rl_data_use *out) {
    rl_keyspace *keys = rl_server_keyspace(s);
    const rl_memory_use *use = rl_server_memory(s, true);
    *out = (rl_data_use){0};
    for (rl_session *x = rl_server_first_session(s); x != NULL; x = x->next)
        out->clients += rl_session_memory(x);
    for (int db = 0; db < rl_keyspace_databases(keys); db++) {
        rl_db_stats of_db;
        rl_keyspace_db_stats(keys, db, &of_db);
        out->keys += of_db.keys;
        out->tables += of_db.keys ? of_db.table_memory + of_db.expiry_memory : 0;
    }
    out->backlog = rl_server_store(s) ? rl_server_progress(s)->backlog_bytes : 0;
    out->overhead = use->startup + out->clients + out->tables + out->backlog;
    if (out->overhead > use->used) /* what the start needed has been given back */
        out->overhead = use->used;
    out->dataset = use->used > out->overhead ? use->used - out->overhead : 0;
    size_t grown = use->used > use->startup ? use->used - use->startup : 0;
    out->dataset_percent = grown ? percent(out->dataset, grown) : 0;
    if (out->dataset_percent > 100)
        out->dataset_percent = 100;
}

static void memory_use(rl_server *s, const rl_memory_use *use, rl_buffer *out) {
    rl_data_use data;
    struct sysinfo system;
    rl_report_data_use(s, &data);
    bytes_line(out, "used_memory", use->used);
    bytes_line(out, "used_memory_rss", use->resident);
    bytes_line(out, "used_memory_peak", use->peak);
    rl_buffer_printf(out, "used_memory_peak_perc:%.2f%%\r\n", percent(use->used, use->peak));
    rl_info_count(out, "used_memory_overhead", data.overhead);
    rl_info_count(out, "used_memory_startup", use->startup);
    rl_info_count(out, "used_memory_dataset", data.dataset);
    rl_buffer_printf(out, "used_memory_dataset_perc:%.2f%%\r\n", data.dataset_percent);
    rl_info_count(out, "allocator_allocated", use->allocator_allocated);
    rl_info_count(out, "allocator_active", use->allocator_active);
    rl_info_count(out, "allocator_resident", use->allocator_resident);
    if (sysinfo(&system) == 0)
        bytes_line(out, "total_system_memory", (uint64_t)system.totalram * system.mem_unit);
    bytes_line(out, "used_memory_lua", 0);
    rl_info_count(out, "used_memory_vm_eval", 0);
    rl_info_count(out, "used_memory_scripts_eval", 0);
    rl_info_count(out, "number_of_cached_scripts", 0);
    rl_info_count(out, "number_of_functions", 0);
    rl_info_count(out, "number_of_libraries", 0);
    rl_info_count(out, "used_memory_vm_functions", 0);
    bytes_line(out, "used_memory_vm_total", 0);
    rl_info_count(out, "used_memory_functions", 0);
    bytes_line(out, "used_memory_scripts", 0);
    bytes_line(out, "maxmemory", rl_server_settings(s)->maxmemory);
    rl_buffer_printf(out, "maxmemory_policy:%s\r\n", rl_server_settings(s)->maxmemory_policy);
    overhead_lines(out, "allocator_frag", use->allocator_active, use->allocator_allocated);
    overhead_lines(out, "allocator_rss", use->allocator_resident, use->allocator_active);
    overhead_lines(out, "rss_overhead", use->resident, use->allocator_resident);
    overhead_lines(out, "mem_fragmentation", use->resident, use->used);
    rl_info_count(out, "mem_clients_normal", data.clients);
}

void rl_info_memory(rl_server *s, rl_buffer *out) {
    rl_keyspace_stats of_keys;
    rl_keyspace_stats_read(rl_server_keyspace(s), &of_keys);
    rl_buffer_add_text(out, "# Memory\r\n");
    memory_use(s, rl_server_memory(s, true), out);
    rl_info_count(out, "mem_not_counted_for_evict", 0);
    rl_info_count(out, "mem_replication_backlog", 0);
    rl_info_count(out, "mem_total_replication_buffers", 0);
    rl_info_count(out, "mem_clients_slaves", 0);
    rl_info_count(out, "mem_cluster_links", 0);
    rl_info_count(out, "mem_aof_buffer",
                  rl_server_store(s) ? rl_server_progress(s)->backlog_bytes : 0);
    rl_buffer_printf(out, "mem_allocator:%s\r\n", rl_alloc_name());
    rl_info_count(out, "active_defrag_running", 0);
    rl_info_count(out, "lazyfree_pending_objects", of_keys.lazy_tables);
    rl_info_count(out, "lazyfreed_objects", 0);
}

/* ---- persistence ---- */

int64_t rl_report_last_save_ms(rl_server *s) {
    rl_store_stats store = {0};
    if (rl_server_store(s))
        rl_store_stats_read(rl_server_store(s), &store);
    return store.last_backup_ms ? store.last_backup_ms : rl_server_started_ms(s);
}

bool rl_report_is_saving(const rl_store_stats *store) {
    return store->backup_running || (store->backups_wanted > store->backups_done &&
                                     store->backups_wanted > store->backups_failed_last);
}

/* Changes that are in no backup yet. Only batches are numbered, so this is what they hold by the
 * average so far; it is exact when it is 0. */
static uint64_t changes_waiting(rl_server *s, const rl_store_stats *store) {
    if (rl_server_store(s) == NULL)
        return rl_keyspace_changes(rl_server_keyspace(s));
    uint64_t sealed = rl_server_open_seq(s) - 1, saved = store->last_backup_seq;
    if (sealed <= saved)
        return 0;
    uint64_t mean = store->folded_batches ? store->folded_changes / store->folded_batches : 1;
    return (sealed - saved) * (mean ? mean : 1);
}

/* Keys of the backup at work, by how much of the file it has. */
static void saving_now(rl_server *s, const rl_store_stats *store, rl_buffer *out) {
    double part = store->backup_bytes_total
                      ? (double)store->backup_bytes_done / (double)store->backup_bytes_total
                      : 0;
    size_t keys = 0;
    for (int db = 0; db < rl_keyspace_databases(rl_server_keyspace(s)); db++) {
        rl_db_stats of_db;
        rl_keyspace_db_stats(rl_server_keyspace(s), db, &of_db);
        keys += of_db.keys;
    }
    bool running = store->backup_running != 0;
    rl_buffer_printf(out, "current_fork_perc:%.2f\r\n", running ? part * 100 : 0.0);
    rl_info_count(out, "current_save_keys_processed",
                  running ? (uint64_t)(part * (double)keys) : 0);
    rl_info_count(out, "current_save_keys_total", running ? keys : 0);
}

static void seconds_line(rl_buffer *out, const char *name, bool known, uint64_t us) {
    rl_buffer_printf(out, "%s:%" PRId64 "\r\n", name, known ? (int64_t)(us / 1000000) : -1);
}

/* What Redis tells of its RDB file is told of the backups. */
static void saves(rl_server *s, const rl_store_stats *store, bool failing, rl_buffer *out) {
    rl_info_count(out, "current_cow_peak", 0);
    rl_info_count(out, "current_cow_size", 0);
    rl_info_count(out, "current_cow_size_age", 0);
    saving_now(s, store, out);
    rl_info_count(out, "rdb_changes_since_last_save", changes_waiting(s, store));
    rl_info_count(out, "rdb_bgsave_in_progress", rl_report_is_saving(store));
    failing |= *store->last_backup_error != '\0';
    rl_buffer_printf(out, "rdb_last_save_time:%" PRId64 "\r\nrdb_last_bgsave_status:%s\r\n",
                     rl_report_last_save_ms(s) / 1000, failing ? "err" : "ok");
    seconds_line(out, "rdb_last_bgsave_time_sec", store->backups_made > 0, store->last_backup_us);
    seconds_line(out, "rdb_current_bgsave_time_sec", store->backup_running != 0,
                 store->backup_running_us);
    rl_info_count(out, "rdb_saves", store->backups_made);
    rl_info_count(out, "rdb_last_cow_size", 0);
    rl_info_count(out, "rdb_last_load_keys_expired", 0);
    rl_info_count(out, "rdb_last_load_keys_loaded", rl_server_load_report(s)->keys);
}

/* And of its AOF, of the journal. */
static void journal(rl_server *s, const rl_store_stats *store, rl_buffer *out) {
    const rl_store_progress *progress = rl_server_progress(s);
    const rl_settings *set = rl_server_settings(s);
    bool on = rl_server_store(s) && set->appendonly;
    rl_info_count(out, "aof_enabled", on);
    rl_info_count(out, "aof_rewrite_in_progress", 0);
    rl_info_count(out, "aof_rewrite_scheduled", 0);
    if (store->folds)
        rl_info_count(out, "aof_last_rewrite_time_sec", store->last_fold_us / 1000000);
    else
        rl_buffer_add_text(out, "aof_last_rewrite_time_sec:-1\r\n");
    rl_buffer_add_text(out, "aof_current_rewrite_time_sec:-1\r\n");
    rl_buffer_printf(out,
                     "aof_last_bgrewrite_status:%s\r\naof_rewrites:%" PRIu64
                     "\r\naof_rewrites_consecutive_failures:0\r\naof_last_write_status:%s\r\n"
                     "aof_last_cow_size:0\r\n",
                     progress->failed ? "err" : "ok", store->folds,
                     progress->failed ? "err" : "ok");
    rl_info_count(out, "module_fork_in_progress", 0);
    rl_info_count(out, "module_fork_last_cow_size", 0);
    if (!on)
        return;
    bool unappended = rl_server_open_seq(s) - 1 > progress->appended_seq;
    rl_info_count(out, "aof_current_size",
                  store->db_bytes + store->wal_bytes +
                      store->journal_segments * set->journal_segment_bytes);
    rl_info_count(out, "aof_base_size", store->db_bytes);
    rl_info_count(out, "aof_pending_rewrite", 0);
    rl_info_count(out, "aof_buffer_length", unappended ? progress->backlog_bytes : 0);
    rl_info_count(out, "aof_pending_bio_fsync", progress->synced_seq < progress->appended_seq);
    rl_info_count(out, "aof_delayed_fsync", 0);
}

/* What the start put in the place of a data.db that was missing or damaged. */
static void restore_fields(rl_server *s, rl_buffer *out) {
    const rl_restore_report *r = rl_store_restored(rl_server_store(s));
    rl_info_count(out, "restored", r && r->restored);
    if (r == NULL)
        return;
    rl_buffer_printf(out, "restored_from:%s\r\nrestored_reason:%s\r\nrestored_aside:%s\r\n",
                     r->backup, r->reason, r->aside);
    rl_info_count(out, "restored_time", (uint64_t)r->data_ms / 1000);
    rl_info_count(out, "restored_journal_batches", r->journal_batches);
    rl_info_count(out, "restored_journal_left", r->journal_left);
}

/* Our own words for all that. */
static void store_fields(rl_server *s, const rl_store_stats *store, rl_buffer *out) {
    const rl_store_progress *progress = rl_server_progress(s);
    const struct {
        const char *name;
        uint64_t value;
    } fields[] = {
        {"journal_seq", rl_server_open_seq(s) - 1},
        {"journal_appended_seq", progress->appended_seq},
        {"journal_synced_seq", progress->synced_seq},
        {"journal_segments", store->journal_segments},
        {"journal_spare_segments", store->journal_spare_segments},
        {"journal_bytes_appended", store->journal_bytes_appended},
        {"journal_frames", store->journal_frames},
        {"journal_syncs", store->journal_syncs},
        {"journal_failed_syncs", store->journal_failed_syncs},
        {"journal_last_sync_usec", store->journal_last_sync_us},
        {"journal_kept_segments", store->journal_kept_segments},
        {"journal_kept_bytes", store->journal_kept_bytes},
        {"journal_kept_from", store->journal_kept_from},
        {"journal_replayed_batches", rl_server_load_report(s)->replayed_batches},
        {"fold_seq", progress->folded_seq},
        {"fold_backlog_bytes", progress->backlog_bytes},
        {"fold_backlog_over_limit", progress->over_limit},
        {"fold_count", store->folds},
        {"fold_failures", store->fold_failures},
        {"fold_batches", store->folded_batches},
        {"fold_changes", store->folded_changes},
        {"fold_rows", store->folded_rows},
        {"fold_last_rows", store->last_fold_rows},
        {"fold_last_usec", store->last_fold_us},
        {"fold_last_time", (uint64_t)store->last_fold_wall_ms / 1000},
        {"sweep_waiting_keys", store->dead_collections},
        {"sweep_rows", store->swept_rows},
        {"checkpoint_count", store->checkpoints_done},
        {"checkpoint_failures", store->checkpoint_failures},
        {"checkpoint_last_usec", store->last_checkpoint_us},
        {"checkpoint_last_time", (uint64_t)store->last_checkpoint_wall_ms / 1000},
        {"checkpoint_wal_bytes", store->wal_bytes},
        {"wal_pinned_seconds", (uint64_t)(store->wal_pinned_ms + 999) / 1000},
        {"wal_pinned_bytes", store->wal_pinned_bytes},
        {"backup_count", store->backup_count},
        {"backup_running", store->backup_running != 0},
        {"backup_bytes_done", store->backup_running ? store->backup_bytes_done : 0},
        {"backup_bytes_total", store->backup_running ? store->backup_bytes_total : 0},
        {"backup_failures", store->backups_failed},
        {"backup_last_time", (uint64_t)store->last_backup_ms / 1000},
        {"backup_last_bytes", store->last_backup_bytes},
        {"backup_last_seq", store->last_backup_seq},
        {"backup_last_usec", store->last_backup_us},
        {"backup_next_time", (uint64_t)store->next_backup_ms / 1000},
        {"data_file_bytes", store->db_bytes},
        {"load_usec", (uint64_t)rl_server_load_report(s)->took_us},
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        rl_info_count(out, fields[i].name, fields[i].value);
    rl_buffer_printf(out, "backup_last_error:%s\r\n", store->last_backup_error);
    rl_buffer_add_text(out, "wal_pinned_by:");
    if (store->wal_pinned_ms && store->wal_pinned_pid == (int)getpid())
        rl_buffer_add_text(out, "this server");
    else if (store->wal_pinned_ms && store->wal_pinned_pid)
        rl_buffer_printf(out, "%s (pid %d)", store->wal_pinned_by, store->wal_pinned_pid);
    else if (store->wal_pinned_ms)
        rl_buffer_add_text(out, "unknown");
    rl_buffer_printf(out, "\r\nstore_failure:%s\r\n", rl_store_failure(rl_server_store(s)));
}

void rl_info_persistence(rl_server *s, rl_buffer *out) {
    rl_store *store = rl_server_store(s);
    rl_store_stats stats = {0};
    bool failing = false;
    if (store) {
        rl_store_stats_read(store, &stats);
        failing = *rl_store_failure(store) != '\0';
    }
    rl_buffer_add_text(out, "# Persistence\r\nloading:0\r\nasync_loading:0\r\n");
    saves(s, &stats, failing, out);
    journal(s, &stats, out);
    if (store) {
        store_fields(s, &stats, out);
        restore_fields(s, out);
    }
}
