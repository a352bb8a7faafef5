/* SPDX-License-Identifier: MIT */
/* INFO: which sections, and those about the process itself. See info.h. */
#include <inttypes.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/clock.h"
#include "rubellite_version.h"
#include "server/info_sections.h"
#include "server/waiters.h"

void rl_info_count(rl_buffer *out, const char *name, uint64_t value) {
    rl_buffer_printf(out, "%s:%" PRIu64 "\r\n", name, value);
}

/* ---- server ---- */

static void listeners(const rl_settings *set, rl_net *net, rl_buffer *out) {
    int number = 0;
    if (set->port > 0 && net) {
        rl_buffer_printf(out, "listener%d:name=tcp", number++);
        for (char **address = set->bind; address && *address; address++)
            rl_buffer_printf(out, ",bind=%s", *address);
        rl_buffer_printf(out, ",port=%d\r\n", rl_net_port(net));
    }
    if (*set->unixsocket)
        rl_buffer_printf(out, "listener%d:name=unix,bind=%s\r\n", number, set->unixsocket);
}

static void section_server(rl_server *s, rl_buffer *out) {
    const rl_settings *set = rl_server_settings(s);
    struct utsname os;
    int64_t now_us = rl_clock_wall_us(), up_s = now_us / 1000000 - rl_server_started_ms(s) / 1000;
    if (uname(&os))
        memset(&os, 0, sizeof os);
    rl_buffer_add_text(out, "# Server\r\n"
                            "redis_version:" RL_REDIS_VERSION "\r\n"
                            "redis_git_sha1:00000000\r\nredis_git_dirty:0\r\n");
    rl_buffer_printf(out,
                     "redis_build_id:%s\r\nredis_mode:standalone\r\nrubellite_version:%s\r\n"
                     "rubellite_git_sha1:" RUBELLITE_GIT_SHA "\r\n"
                     "os:%s %s %s\r\narch_bits:%d\r\nmonotonic_clock:%s\r\n",
                     RUBELLITE_BUILD_ID, RUBELLITE_VERSION, os.sysname, os.release, os.machine,
                     (int)sizeof(void *) * 8,
                     rl_clock_ticks_are_tsc ? "X86 TSC" : "POSIX clock_gettime");
    rl_buffer_printf(out,
                     "multiplexing_api:epoll\r\natomicvar_api:c11-builtin\r\n"
                     "gcc_version:%d.%d.%d\r\nprocess_id:%d\r\nprocess_supervised:%s\r\n",
                     __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__, (int)getpid(), set->supervised);
    rl_buffer_printf(out, "run_id:%s\r\ntcp_port:%d\r\nserver_time_usec:%" PRId64 "\r\n",
                     rl_server_run_id(s), rl_server_net(s) ? rl_net_port(rl_server_net(s)) : 0,
                     now_us);
    rl_buffer_printf(out,
                     "uptime_in_seconds:%" PRId64 "\r\nuptime_in_days:%" PRId64 "\r\n"
                     "hz:%d\r\nconfigured_hz:%d\r\nlru_clock:%" PRId64 "\r\n",
                     up_s, up_s / 86400, RL_SERVER_CRON_HZ, set->hz, (now_us / 1000000) & 0xffffff);
    rl_buffer_printf(out, "executable:%s\r\nconfig_file:%s\r\nio_threads_active:0\r\n",
                     rl_server_executable(s), rl_config_path(rl_server_config(s)));
    listeners(set, rl_server_net(s), out);
}

/* ---- clients ---- */

static void section_clients(rl_server *s, rl_buffer *out) {
    size_t input = 0, output = 0, listening = 0;
    for (rl_session *x = rl_server_first_session(s); x != NULL; x = x->next) {
        size_t in = rl_conn_input_capacity(x->conn), pending = rl_conn_output_memory(x->conn);
        input = in > input ? in : input;
        output = pending > output ? pending : output;
        listening += rl_subscriber_count(&x->subscriber) > 0;
    }
    rl_tracking_stats tracking;
    rl_tracking_stats_read(rl_server_tracking(s), &tracking);
    rl_buffer_add_text(out, "# Clients\r\n");
    rl_info_count(out, "connected_clients", rl_server_session_count(s));
    rl_info_count(out, "cluster_connections", 0);
    rl_info_count(out, "maxclients", (uint64_t)rl_server_settings(s)->maxclients);
    rl_info_count(out, "client_recent_max_input_buffer", input);
    rl_info_count(out, "client_recent_max_output_buffer", output);
    rl_info_count(out, "blocked_clients", rl_server_blocked_count(s));
    rl_info_count(out, "tracking_clients", tracking.clients);
    rl_info_count(out, "pubsub_clients", listening);
    rl_info_count(out, "clients_in_timeout_table", rl_server_timed_count(s));
    rl_info_count(out, "total_blocking_keys", rl_waiters_keys(rl_server_waiters(s)));
    rl_info_count(out, "total_blocking_keys_on_nokey", 0);
}

/* ---- replication, cpu, modules, cluster, keyspace ---- */

static void keep_value(void *arg, const char *name, rl_bytes value) {
    (void)name;
    rl_buffer_add_bytes(arg, value);
}

static void section_replication(rl_server *s, rl_buffer *out) {
    rl_buffer backlog = {0};
    rl_bytes name = RL_BYTES("repl-backlog-size");
    rl_config_get(rl_server_config(s), &name, 1, keep_value, &backlog);
    rl_buffer_printf(out,
                     "# Replication\r\nrole:master\r\nconnected_slaves:0\r\n"
                     "master_failover_state:no-failover\r\nmaster_replid:%s\r\nmaster_replid2:%040d"
                     "\r\nmaster_repl_offset:%" PRIu64 "\r\nsecond_repl_offset:-1\r\n",
                     rl_server_run_id(s), 0, rl_server_open_seq(s) - 1);
    rl_buffer_printf(out,
                     "repl_backlog_active:0\r\nrepl_backlog_size:%s\r\n"
                     "repl_backlog_first_byte_offset:0\r\nrepl_backlog_histlen:0\r\n",
                     backlog.len ? rl_buffer_cstr(&backlog) : "0");
    rl_buffer_release(&backlog);
}

static void cpu_times(rl_buffer *out, const char *suffix, int who) {
    struct rusage use;
    if (getrusage(who, &use))
        return;
    rl_buffer_printf(out, "used_cpu_sys%s:%ld.%06ld\r\nused_cpu_user%s:%ld.%06ld\r\n", suffix,
                     (long)use.ru_stime.tv_sec, (long)use.ru_stime.tv_usec, suffix,
                     (long)use.ru_utime.tv_sec, (long)use.ru_utime.tv_usec);
}

static void section_cpu(rl_server *s, rl_buffer *out) {
    (void)s;
    rl_buffer_add_text(out, "# CPU\r\n");
    cpu_times(out, "", RUSAGE_SELF);
    cpu_times(out, "_children", RUSAGE_CHILDREN);
    cpu_times(out, "_main_thread", RUSAGE_THREAD);
}

static void section_modules(rl_server *s, rl_buffer *out) {
    (void)s;
    rl_buffer_add_text(out, "# Modules\r\n");
}

static void section_cluster(rl_server *s, rl_buffer *out) {
    (void)s;
    rl_buffer_add_text(out, "# Cluster\r\ncluster_enabled:0\r\n");
}

static void section_keyspace(rl_server *s, rl_buffer *out) {
    rl_keyspace *keys = rl_server_keyspace(s);
    rl_buffer_add_text(out, "# Keyspace\r\n");
    for (int db = 0; db < rl_keyspace_databases(keys); db++) {
        rl_db_stats of_db;
        rl_keyspace_db_stats(keys, db, &of_db);
        if (of_db.keys)
            rl_buffer_printf(out, "db%d:keys=%zu,expires=%zu,avg_ttl=%" PRId64 "\r\n", db,
                             of_db.keys, of_db.expires, of_db.avg_ttl_ms);
    }
}

/* ---- choosing ---- */

static const struct {
    const char *name;
    void (*write)(rl_server *s, rl_buffer *out);
    bool by_default; /* in "default"; "all" and "everything" mean every section */
} sections[] = {
    {"server", section_server, true},
    {"clients", section_clients, true},
    {"memory", rl_info_memory, true},
    {"persistence", rl_info_persistence, true},
    {"stats", rl_info_stats, true},
    {"sql", rl_info_sql, true},
    {"replication", section_replication, true},
    {"cpu", section_cpu, true},
    {"modules", section_modules, true},
    {"commandstats", rl_info_commandstats, false},
    {"errorstats", rl_info_errorstats, true},
    {"latencystats", rl_info_latencystats, false},
    {"cluster", section_cluster, true},
    {"keyspace", section_keyspace, true},
};
#define SECTIONS (sizeof sections / sizeof *sections)

static void choose(rl_bytes name, bool *chosen) {
    bool all = rl_bytes_is(name, "all") || rl_bytes_is(name, "everything");
    bool defaults = rl_bytes_is(name, "default");
    for (size_t i = 0; i < SECTIONS; i++)
        if (all || (defaults && sections[i].by_default) || rl_bytes_is(name, sections[i].name))
            chosen[i] = true;
}

void rl_info_write(rl_server *s, const rl_bytes *names, int count, rl_buffer *out) {
    bool chosen[SECTIONS] = {false}, first = true;
    if (count == 0)
        choose(RL_BYTES("default"), chosen);
    for (int i = 0; i < count; i++)
        choose(names[i], chosen);
    for (size_t i = 0; i < SECTIONS; i++) {
        if (!chosen[i])
            continue;
        if (!first)
            rl_buffer_add_text(out, "\r\n");
        first = false;
        sections[i].write(s, out);
    }
}
