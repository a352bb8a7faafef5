/* SPDX-License-Identifier: MIT */
/* INFO stats, commandstats, errorstats and latencystats: what the server did. */
#include <inttypes.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/number.h"
#include "base/text.h"
#include "server/info_sections.h"

/* ---- stats ---- */

static void traffic(rl_server *s, const rl_stats *stats, rl_buffer *out) {
    rl_net_stats net = {0};
    if (rl_server_net(s))
        rl_net_stats_read(rl_server_net(s), &net);
    rl_info_count(out, "total_connections_received", stats->connections);
    rl_info_count(out, "total_commands_processed", stats->commands);
    rl_info_count(out, "instantaneous_ops_per_sec", stats->instantaneous_ops);
    rl_info_count(out, "total_net_input_bytes", net.bytes_in);
    rl_info_count(out, "total_net_output_bytes", net.bytes_out);
    rl_info_count(out, "total_net_repl_input_bytes", 0);
    rl_info_count(out, "total_net_repl_output_bytes", 0);
    rl_buffer_printf(out,
                     "instantaneous_input_kbps:%.2f\r\ninstantaneous_output_kbps:%.2f\r\n"
                     "instantaneous_input_repl_kbps:0.00\r\ninstantaneous_output_repl_kbps:0.00"
                     "\r\n",
                     stats->instantaneous_in_kbps, stats->instantaneous_out_kbps);
    rl_info_count(out, "rejected_connections", stats->rejected_connections);
    rl_info_count(out, "total_reads_processed", net.reads);
    rl_info_count(out, "total_writes_processed", net.writes);
}

/* Fields of what this server does not have (yet); tools expect to find them. */
static void absent(const char *const *names, rl_buffer *out) {
    for (; *names; names++)
        rl_info_count(out, *names, 0);
}

/* Of the keys that expire, those that are over and still in memory. Redis guesses it too. */
static double overdue_percent(rl_server *s) {
    rl_keyspace *keys = rl_server_keyspace(s);
    size_t expires = 0, overdue = 0;
    for (int db = 0; db < rl_keyspace_databases(keys); db++) {
        rl_db_stats of_db;
        rl_keyspace_db_stats(keys, db, &of_db);
        expires += of_db.expires;
        overdue += of_db.overdue;
    }
    return expires ? 100.0 * (double)overdue / (double)expires : 0.0;
}

void rl_info_stats(rl_server *s, rl_buffer *out) {
    static const char *const replicas[] = {"sync_full", "sync_partial_ok", "sync_partial_err",
                                           NULL};
    static const char *const eviction[] = {"evicted_keys", "evicted_clients",
                                           "total_eviction_exceeded_time",
                                           "current_eviction_exceeded_time", NULL};
    static const char *const others[] = {"latest_fork_usec",
                                         "total_forks",
                                         "migrate_cached_sockets",
                                         "slave_expires_tracked_keys",
                                         "active_defrag_hits",
                                         "active_defrag_misses",
                                         "active_defrag_key_hits",
                                         "active_defrag_key_misses",
                                         "total_active_defrag_time",
                                         "current_active_defrag_time",
                                         "dump_payload_sanitizations",
                                         "io_threaded_reads_processed",
                                         "io_threaded_writes_processed",
                                         "reply_buffer_shrinks",
                                         "reply_buffer_expands",
                                         NULL};
    const rl_stats *stats = rl_server_stats(s);
    rl_keyspace_stats of_keys;
    rl_keyspace_stats_read(rl_server_keyspace(s), &of_keys);
    rl_buffer_add_text(out, "# Stats\r\n");
    traffic(s, stats, out);
    absent(replicas, out);
    rl_info_count(out, "expired_keys", of_keys.expired);
    rl_info_count(out, "expired_subkeys", of_keys.expired_fields); /* fields of hashes */
    rl_buffer_printf(out, "expired_stale_perc:%.2f\r\n", overdue_percent(s));
    rl_info_count(out, "expired_time_cap_reached_count", stats->expire_capped);
    rl_info_count(out, "expire_cycle_cpu_milliseconds",
                  rl_clock_ticks_to_ns(stats->expire_ticks) / 1000000);
    absent(eviction, out);
    rl_info_count(out, "keyspace_hits", of_keys.hits);
    rl_info_count(out, "keyspace_misses", of_keys.misses);
    rl_info_count(out, "pubsub_channels", rl_pubsub_count(rl_server_pubsub(s), RL_PUBSUB_CHANNEL));
    rl_info_count(out, "pubsub_patterns", rl_pubsub_count(rl_server_pubsub(s), RL_PUBSUB_PATTERN));
    rl_info_count(out, "pubsubshard_channels",
                  rl_pubsub_count(rl_server_pubsub(s), RL_PUBSUB_SHARD));
    rl_tracking_stats tracking;
    rl_tracking_stats_read(rl_server_tracking(s), &tracking);
    rl_info_count(out, "tracking_total_keys", tracking.keys);
    rl_info_count(out, "tracking_total_items", tracking.items);
    rl_info_count(out, "tracking_total_prefixes", tracking.prefixes);
    absent(others, out);
    /* Redis counts errors of commands that come from a master or from its append-only file. There
     * is no master here, and the journal holds rows, not commands: there can be none. */
    rl_info_count(out, "unexpected_error_replies", 0);
    rl_info_count(out, "total_error_replies", stats->error_replies);
    rl_info_count(out, "misconf_refused", stats->misconf_refused);
    rl_info_count(out, "client_query_buffer_limit_disconnections", stats->query_limit_closed);
    rl_info_count(out, "client_output_buffer_limit_disconnections", stats->output_limit_closed);
    rl_info_count(out, "acl_access_denied_auth", stats->acl_denied_auth);
    rl_info_count(out, "acl_access_denied_cmd", 0);
    rl_info_count(out, "acl_access_denied_key", 0);
    rl_info_count(out, "acl_access_denied_channel", 0);
    rl_info_count(out, "event_loop_cycles", stats->turns);
}

/* ---- by command ---- */

typedef void (*command_line)(const rl_command *command, const rl_command_stats *c, void *arg,
                             rl_buffer *out);

/* Every command and subcommand of the registry. */
static void each_command(rl_server *s, command_line line, void *arg, rl_buffer *out) {
    const rl_registry *registry = rl_server_registry(s);
    const rl_command_stats *stats = rl_server_stats(s)->by_command;
    const rl_command *command;
    for (size_t i = 0; (command = rl_registry_at(registry, i)) != NULL; i++) {
        line(command, &stats[command->index], arg, out);
        for (int k = 0; k < command->subcommand_count; k++)
            line(&command->subcommands[k], &stats[command->subcommands[k].index], arg, out);
    }
}

static void command_stats(const rl_command *command, const rl_command_stats *c, void *arg,
                          rl_buffer *out) {
    (void)arg;
    if (c->calls == 0 && c->rejected == 0 && c->failed == 0)
        return;
    uint64_t us = rl_clock_ticks_to_ns(c->ticks) / 1000;
    rl_buffer_printf(out,
                     "cmdstat_%s:calls=%" PRIu64 ",usec=%" PRIu64 ",usec_per_call=%.2f"
                     ",rejected_calls=%" PRIu64 ",failed_calls=%" PRIu64 "\r\n",
                     command->name, c->calls, us, c->calls ? (double)us / (double)c->calls : 0.0,
                     c->rejected, c->failed);
}

void rl_info_commandstats(rl_server *s, rl_buffer *out) {
    rl_buffer_add_text(out, "# Commandstats\r\n");
    each_command(s, command_stats, NULL, out);
}

void rl_info_errorstats(rl_server *s, rl_buffer *out) {
    const rl_stats *stats = rl_server_stats(s);
    rl_buffer_add_text(out, "# Errorstats\r\n");
    for (size_t i = 0; i < stats->error_count; i++)
        rl_buffer_printf(out, "errorstat_%s:count=%" PRIu64 "\r\n", stats->errors[i].code,
                         stats->errors[i].count);
}

/* ---- latencies ---- */

/* Which percentiles to show: "50 99 99.9", each as it was written. */
typedef struct percentiles {
    rl_bytes *list;
    size_t count;
} percentiles;

static void latency_stats(const rl_command *command, const rl_command_stats *c, void *arg,
                          rl_buffer *out) {
    const percentiles *shown = arg;
    if (c->latency == NULL || c->latency->count == 0)
        return;
    rl_buffer_printf(out, "latency_percentiles_usec_%s:", command->name);
    for (size_t i = 0; i < shown->count; i++) {
        double percentile;
        if (rl_double_parse(shown->list[i], &percentile))
            rl_buffer_printf(out, "%sp%.*s=%.3f", i ? "," : "", (int)shown->list[i].len,
                             shown->list[i].ptr,
                             (double)rl_histogram_percentile(c->latency, percentile) / 1000);
    }
    rl_buffer_add_text(out, "\r\n");
}

void rl_info_latencystats(rl_server *s, rl_buffer *out) {
    rl_buffer storage = {0};
    percentiles shown = {0};
    rl_buffer_add_text(out, "# Latencystats\r\n");
    if (!rl_server_stats(s)->track_latency)
        return;
    if (rl_text_split(rl_bytes_text(rl_server_settings(s)->latency_percentiles), &storage,
                      &shown.list, &shown.count)) {
        each_command(s, latency_stats, &shown, out);
        rl_free(shown.list);
    }
    rl_buffer_release(&storage);
}
