/* SPDX-License-Identifier: MIT */
/*
 * Redis's directives that have no effect here. They are checked and answered as Redis does, so that
 * a redis.conf and the tools that read or set them work; `text` says why there is nothing to do.
 * Those with a refusal would change what the server promises: only their default is accepted.
 *
 * Names are Redis 7.0's; those of 7.2 that appear in its redis.conf are here as well.
 */
#include "server/config_table.h"

#include <limits.h>

/* The arguments are initializers, not expressions. NOLINTBEGIN(bugprone-macro-parentheses) */
#define ROW(n, k, d)      .name = n, .kind = RL_CONFIG_##k, .initial = d
#define BOOL(n, d)        ROW(n, BOOL, d), .flags = RL_CONFIG_IGNORED
#define TEXT(n, d)        ROW(n, TEXT, d), .flags = RL_CONFIG_IGNORED
#define SECRET(n, d)      ROW(n, TEXT, d), .flags = RL_CONFIG_IGNORED | RL_CONFIG_SENSITIVE
#define LIST(n, d)        ROW(n, LIST, d), .flags = RL_CONFIG_IGNORED
#define ENUM(n, d, c)     ROW(n, ENUM, d), .choices = c, .flags = RL_CONFIG_IGNORED
#define INT(n, d, lo, hi) ROW(n, INT, d), .min = lo, .max = hi, .flags = RL_CONFIG_IGNORED
#define COUNT(n, d)       INT(n, d, 0, INT_MAX)
#define LONG(n, d)        INT(n, d, 0, INT64_MAX)
#define PORT(n, d)        INT(n, d, 0, 65535)
#define MEMORY(n, d, lo)  ROW(n, MEMORY, d), .min = lo, .max = INT64_MAX, .flags = RL_CONFIG_IGNORED
#define FIXED(k, n, d)    ROW(n, k, d), .flags = RL_CONFIG_IGNORED | RL_CONFIG_IMMUTABLE
#define HIDDEN(n, d, hi)                                                                           \
    ROW(n, INT, d), .min = INT_MIN, .max = hi, .flags = RL_CONFIG_IGNORED | RL_CONFIG_HIDDEN
#define FIXED_ENUM(n, d, c) FIXED(ENUM, n, d), .choices = c
/* NOLINTEND(bugprone-macro-parentheses) */

#define WHY_SNAPSHOT  .text = "There are no RDB snapshots: the journal and data.db keep the data."
#define WHY_AOF       .text = "The journal needs no rewriting and no tuning."
#define WHY_REPLICA   .text = "Replication is not there yet."
#define WHY_CLUSTER   .text = "There is no cluster mode."
#define WHY_TLS       .text = "TLS is not there yet; a TLS proxy in front works."
#define WHY_ENCODING  .text = "Data structures choose their own form."
#define WHY_FREE      .text = "Big values are always freed in small steps."
#define WHY_ALLOCATOR .text = "The allocator looks after itself."
#define WHY_EVICTION  .text = "Nothing is evicted yet."
#define WHY_SCRIPT    .text = "There are no scripts and no modules yet."
#define WHY_ACL       .text = "There are no users beside the default one yet."
#define WHY_THREADS   .text = "Threads have fixed jobs here."
#define WHY_PROCESS   .text = "Left to the system and to the service manager."
#define WHY_CRASH     .text = "A crash is left to the system's own records, such as a core dump."
#define WHY_TITLE     .text = "The process keeps the name it was started with."
#define WHY_RHYTHM    .text = "The loop's rhythm needs no tuning."

static const rl_config_choice yes_no_optional[] = {
    {"no", 0}, {"yes", 1}, {"optional", 2}, {NULL, 0}};
static const rl_config_choice yes_no_local[] = {{"no", 0}, {"yes", 1}, {"local", 2}, {NULL, 0}};
static const rl_config_choice yes_no_clients[] = {{"no", 0}, {"yes", 1}, {"clients", 2}, {NULL, 0}};
static const rl_config_choice channels[] = {{"allchannels", 0}, {"resetchannels", 1}, {NULL, 0}};
static const rl_config_choice endpoints[] = {
    {"ip", 0}, {"hostname", 1}, {"unknown-endpoint", 2}, {NULL, 0}};
static const rl_config_choice diskless_loads[] = {
    {"disabled", 0}, {"on-empty-db", 1}, {"swapdb", 2}, {NULL, 0}};
static const rl_config_choice propagation[] = {
    {"ignore", 0}, {"panic", 1}, {"panic-on-replicas", 2}, {NULL, 0}};
static const rl_config_choice oom_modes[] = {
    {"no", 0}, {"yes", 1}, {"relative", 1}, {"absolute", 2}, {NULL, 0}};
static const rl_config_choice shutdown_ways[] = {{"default", 0}, {"save", 1},  {"nosave", 2},
                                                 {"now", 4},     {"force", 8}, {NULL, 0}};

static const rl_config_row rows[] = {
    /* --- snapshots and the append-only file --- */
    {BOOL("stop-writes-on-bgsave-error", "yes"), WHY_SNAPSHOT},
    {BOOL("rdbcompression", "yes"), WHY_SNAPSHOT},
    {FIXED(BOOL, "rdbchecksum", "yes"), WHY_SNAPSHOT},
    {BOOL("rdb-save-incremental-fsync", "yes"), WHY_SNAPSHOT},
    {BOOL("rdb-del-sync-files", "no"), WHY_SNAPSHOT},
    {ENUM("sanitize-dump-payload", "no", yes_no_clients), WHY_SNAPSHOT},
    {FIXED(TEXT, "appendfilename", "appendonly.aof"), .parse = rl_config_parse_filename, WHY_AOF},
    {FIXED(TEXT, "appenddirname", "appendonlydir"), .parse = rl_config_parse_filename, WHY_AOF},
    {BOOL("no-appendfsync-on-rewrite", "no"), WHY_AOF},
    {COUNT("auto-aof-rewrite-percentage", "100"), WHY_AOF},
    {MEMORY("auto-aof-rewrite-min-size", "67108864", 0), WHY_AOF},
    {BOOL("aof-load-truncated", "yes"), WHY_AOF},
    {BOOL("aof-use-rdb-preamble", "yes"), WHY_AOF},
    {BOOL("aof-timestamp-enabled", "no"), WHY_AOF},
    {BOOL("aof-rewrite-incremental-fsync", "yes"), WHY_AOF},
    {BOOL("aof-disable-auto-gc", "no"), WHY_AOF},

    /* --- replication --- */
    {FIXED(LIST, "replicaof", ""), .alias = "slaveof", .parse = rl_config_parse_replicaof,
     .expects = "no one", .refusal = "replication is not there yet: this server is always a master",
     WHY_REPLICA},
    {SECRET("masterauth", ""), WHY_REPLICA},
    {TEXT("masteruser", ""), WHY_REPLICA},
    {BOOL("replica-serve-stale-data", "yes"), .alias = "slave-serve-stale-data", WHY_REPLICA},
    {BOOL("replica-read-only", "yes"), .alias = "slave-read-only", WHY_REPLICA},
    {BOOL("replica-ignore-maxmemory", "yes"), .alias = "slave-ignore-maxmemory", WHY_REPLICA},
    {BOOL("replica-lazy-flush", "no"), .alias = "slave-lazy-flush", WHY_REPLICA},
    {BOOL("replica-announced", "yes"), WHY_REPLICA},
    {TEXT("replica-announce-ip", ""), .alias = "slave-announce-ip", WHY_REPLICA},
    {PORT("replica-announce-port", "0"), .alias = "slave-announce-port", WHY_REPLICA},
    {COUNT("replica-priority", "100"), .alias = "slave-priority", WHY_REPLICA},
    {BOOL("replica-ignore-disk-write-errors", "no"), WHY_REPLICA},
    {INT("repl-ping-replica-period", "10", 1, INT_MAX), .alias = "repl-ping-slave-period",
     WHY_REPLICA},
    {INT("repl-timeout", "60", 1, INT_MAX), WHY_REPLICA},
    {BOOL("repl-disable-tcp-nodelay", "no"), WHY_REPLICA},
    {MEMORY("repl-backlog-size", "1048576", 1), .parse = rl_config_parse_backlog, WHY_REPLICA},
    {LONG("repl-backlog-ttl", "3600"), WHY_REPLICA},
    {BOOL("repl-diskless-sync", "yes"), WHY_REPLICA},
    {COUNT("repl-diskless-sync-delay", "5"), WHY_REPLICA},
    {COUNT("repl-diskless-sync-max-replicas", "0"), WHY_REPLICA},
    {ENUM("repl-diskless-load", "disabled", diskless_loads), WHY_REPLICA},
    {COUNT("min-replicas-to-write", "0"), .alias = "min-slaves-to-write",
     .refusal = "replication is not there yet, so no write would ever be accepted", WHY_REPLICA},
    {COUNT("min-replicas-max-lag", "10"), .alias = "min-slaves-max-lag", WHY_REPLICA},
    {ENUM("propagation-error-behavior", "ignore", propagation), WHY_REPLICA},

    /* --- cluster --- */
    {FIXED(BOOL, "cluster-enabled", "no"), .refusal = "there is no cluster mode", WHY_CLUSTER},
    {FIXED(TEXT, "cluster-config-file", "nodes.conf"), WHY_CLUSTER},
    {FIXED(INT, "cluster-port", "0"), .max = 65535, WHY_CLUSTER},
    {LONG("cluster-node-timeout", "15000"), WHY_CLUSTER},
    {COUNT("cluster-replica-validity-factor", "10"), .alias = "cluster-slave-validity-factor",
     WHY_CLUSTER},
    {COUNT("cluster-migration-barrier", "1"), WHY_CLUSTER},
    {BOOL("cluster-allow-replica-migration", "yes"), WHY_CLUSTER},
    {BOOL("cluster-require-full-coverage", "yes"), WHY_CLUSTER},
    {BOOL("cluster-replica-no-failover", "no"), .alias = "cluster-slave-no-failover", WHY_CLUSTER},
    {BOOL("cluster-allow-reads-when-down", "no"), WHY_CLUSTER},
    {BOOL("cluster-allow-pubsubshard-when-down", "yes"), WHY_CLUSTER},
    {ROW("cluster-link-sendbuf-limit", MEMORY, "0"), .max = UINT64_MAX, .flags = RL_CONFIG_IGNORED,
     WHY_CLUSTER},
    {TEXT("cluster-announce-ip", ""), WHY_CLUSTER},
    {TEXT("cluster-announce-hostname", ""), .parse = rl_config_parse_hostname, WHY_CLUSTER},
    {TEXT("cluster-announce-human-nodename", ""), WHY_CLUSTER},
    {PORT("cluster-announce-port", "0"), WHY_CLUSTER},
    {PORT("cluster-announce-tls-port", "0"), WHY_CLUSTER},
    {PORT("cluster-announce-bus-port", "0"), WHY_CLUSTER},
    {ENUM("cluster-preferred-endpoint-type", "ip", endpoints), WHY_CLUSTER},

    /* --- TLS --- */
    {PORT("tls-port", "0"), .refusal = "TLS is not there yet; put a TLS proxy in front", WHY_TLS},
    {BOOL("tls-replication", "no"), .refusal = "TLS is not there yet", WHY_TLS},
    {BOOL("tls-cluster", "no"), .refusal = "TLS is not there yet", WHY_TLS},
    {TEXT("tls-cert-file", ""), WHY_TLS},
    {TEXT("tls-key-file", ""), WHY_TLS},
    {SECRET("tls-key-file-pass", ""), WHY_TLS},
    {TEXT("tls-client-cert-file", ""), WHY_TLS},
    {TEXT("tls-client-key-file", ""), WHY_TLS},
    {SECRET("tls-client-key-file-pass", ""), WHY_TLS},
    {TEXT("tls-dh-params-file", ""), WHY_TLS},
    {TEXT("tls-ca-cert-file", ""), WHY_TLS},
    {TEXT("tls-ca-cert-dir", ""), WHY_TLS},
    {ENUM("tls-auth-clients", "yes", yes_no_optional), WHY_TLS},
    {TEXT("tls-protocols", ""), WHY_TLS},
    {TEXT("tls-ciphers", ""), WHY_TLS},
    {TEXT("tls-ciphersuites", ""), WHY_TLS},
    {BOOL("tls-prefer-server-ciphers", "no"), WHY_TLS},
    {BOOL("tls-session-caching", "yes"), WHY_TLS},
    {COUNT("tls-session-cache-size", "20480"), WHY_TLS},
    {COUNT("tls-session-cache-timeout", "300"), WHY_TLS},

    /* --- users, scripts, messages --- */
    {FIXED(TEXT, "aclfile", ""), .refusal = "there are no users beside the default one yet",
     WHY_ACL},
    {ENUM("acl-pubsub-default", "resetchannels", channels), WHY_ACL},
    {LONG("acllog-max-len", "128"), WHY_ACL},
    {FIXED_ENUM("enable-protected-configs", "no", yes_no_local),
     .text = "dir and dbfilename cannot be changed while the server runs."},
    {FIXED_ENUM("enable-module-command", "no", yes_no_local), WHY_SCRIPT},
    {LONG("busy-reply-threshold", "5000"), .alias = "lua-time-limit", WHY_SCRIPT},

    /* --- data structures --- */
    {INT("list-max-listpack-size", "-2", INT_MIN, INT_MAX), .alias = "list-max-ziplist-size",
     WHY_ENCODING},
    {COUNT("list-compress-depth", "0"), WHY_ENCODING},
    {MEMORY("hll-sparse-max-bytes", "3000", 0), WHY_ENCODING},
    {MEMORY("stream-node-max-bytes", "4096", 0), WHY_ENCODING},
    {LONG("stream-node-max-entries", "100"), WHY_ENCODING},

    /* --- memory --- */
    {INT("maxmemory-samples", "5", 1, INT_MAX), WHY_EVICTION},
    {INT("maxmemory-eviction-tenacity", "10", 0, 100), WHY_EVICTION},
    {ROW("maxmemory-clients", PERCENT, "0"), .flags = RL_CONFIG_IGNORED,
     .text = "Clients are bounded one by one, by client-query-buffer-limit and "
             "client-output-buffer-limit."},
    {COUNT("lfu-log-factor", "10"), RL_CONFIG_TO(lfu_log_factor), WHY_EVICTION},
    {COUNT("lfu-decay-time", "1"), RL_CONFIG_TO(lfu_decay_time), WHY_EVICTION},
    {INT("active-expire-effort", "1", 1, 10), RL_CONFIG_TO(active_expire_effort),
     .text = "Expired keys are deleted when they are due, in a bounded share of the time."},
    {BOOL("lazyfree-lazy-eviction", "no"), WHY_FREE},
    {BOOL("lazyfree-lazy-expire", "no"), WHY_FREE},
    {BOOL("lazyfree-lazy-server-del", "no"), WHY_FREE},
    {BOOL("lazyfree-lazy-user-del", "no"), WHY_FREE},
    {BOOL("lazyfree-lazy-user-flush", "no"), WHY_FREE},
    {BOOL("activedefrag", "no"), WHY_ALLOCATOR},
    {MEMORY("active-defrag-ignore-bytes", "104857600", 1), WHY_ALLOCATOR},
    {INT("active-defrag-threshold-lower", "10", 0, 1000), WHY_ALLOCATOR},
    {INT("active-defrag-threshold-upper", "100", 0, 1000), WHY_ALLOCATOR},
    {INT("active-defrag-cycle-min", "1", 1, 99), WHY_ALLOCATOR},
    {INT("active-defrag-cycle-max", "25", 1, 99), WHY_ALLOCATOR},
    {INT("active-defrag-max-scan-fields", "1000", 1, INT64_MAX), WHY_ALLOCATOR},
    {BOOL("jemalloc-bg-thread", "yes"), WHY_ALLOCATOR},

    /* --- process --- */
    {FIXED(INT, "io-threads", "1"), .min = 1, .max = 128, WHY_THREADS},
    {FIXED(BOOL, "io-threads-do-reads", "no"), WHY_THREADS},
    {FIXED(TEXT, "server_cpulist", ""), WHY_PROCESS},
    {FIXED(TEXT, "bio_cpulist", ""), WHY_PROCESS},
    {FIXED(TEXT, "aof_rewrite_cpulist", ""), WHY_PROCESS},
    {FIXED(TEXT, "bgsave_cpulist", ""), WHY_PROCESS},
    {FIXED(BOOL, "disable-thp", "yes"), WHY_PROCESS},
    {ENUM("oom-score-adj", "no", oom_modes), WHY_PROCESS},
    {LIST("oom-score-adj-values", "0 200 800"), .parse = rl_config_parse_oom,
     .expects = "three numbers from -2000 to 2000", WHY_PROCESS},
    {TEXT("ignore-warnings", ""), WHY_PROCESS},
    {TEXT("bind-source-addr", ""), .text = "The server connects to nobody."},
    {FIXED(INT, "socket-mark-id", "0"), .max = UINT_MAX, WHY_PROCESS},
    {TEXT("locale-collate", ""), .text = "Order is the order of bytes."},
    {LIST("shutdown-on-sigint", "default"), .parse = rl_config_parse_shutdown,
     .choices = shutdown_ways, .expects = "default, or some of save, nosave, now, force",
     .text = "A stop always answers, folds and closes; a second signal ends at once."},
    {LIST("shutdown-on-sigterm", "default"), .parse = rl_config_parse_shutdown,
     .choices = shutdown_ways, .expects = "default, or some of save, nosave, now, force",
     .text = "A stop always answers, folds and closes; a second signal ends at once."},
    {BOOL("crash-log-enabled", "yes"), RL_CONFIG_TO(crash_log_enabled), WHY_CRASH},
    {BOOL("crash-memcheck-enabled", "yes"), WHY_CRASH},
    {FIXED(BOOL, "set-proc-title", "yes"), RL_CONFIG_TO(set_proc_title), WHY_TITLE},
    {TEXT("proc-title-template", "{title} {listen-addr} {server-mode}"),
     .parse = rl_config_parse_title, RL_CONFIG_TO(proc_title_template), WHY_TITLE,
     .expects = "a text with {title}, {listen-addr}, {server-mode}, {port}, {tls-port}, "
                "{unixsocket} or {config-file} in it"},
    {FIXED(BOOL, "always-show-logo", "no"), RL_CONFIG_TO(always_show_logo),
     .text = "There is no banner."},
    {COUNT("hz", "10"), .parse = rl_config_parse_hz, RL_CONFIG_TO(hz), WHY_RHYTHM},
    {BOOL("dynamic-hz", "yes"), WHY_RHYTHM},
    {BOOL("activerehashing", "yes"), WHY_RHYTHM},

    /* --- Redis's own test switches --- */
    {HIDDEN("key-load-delay", "0", INT_MAX), WHY_PROCESS},
    {HIDDEN("rdb-key-save-delay", "0", INT_MAX), WHY_PROCESS},
    {HIDDEN("watchdog-period", "0", INT_MAX), WHY_PROCESS},
    {ROW("loading-process-events-interval-bytes", INT, "2097152"), .min = 1024, .max = INT_MAX,
     .flags = RL_CONFIG_IGNORED | RL_CONFIG_HIDDEN, WHY_PROCESS},
    {ROW("use-exit-on-panic", BOOL, "no"), .flags = RL_CONFIG_IGNORED | RL_CONFIG_HIDDEN,
     WHY_PROCESS},
};

const rl_config_row *rl_config_ignored_rows(size_t *count) {
    *count = sizeof(rows) / sizeof(rows[0]);
    return rows;
}
