/* SPDX-License-Identifier: MIT */
/*
 * The directives that do something, one row each, in the order of the documents. Names, defaults,
 * bounds and error texts are Redis's wherever Redis has the directive; those marked OURS are not
 * Redis's. config_ignored.c holds the rest of Redis's directives.
 */
#include "server/config_table.h"

#include <limits.h>
#include <syslog.h>

#include "store/check.h"
#include "store/restore.h"
#include "store/store.h"

#define MB (1024 * 1024)

/* The arguments are initializers, not expressions. NOLINTBEGIN(bugprone-macro-parentheses) */
#define BOOL(n, d, member) .name = n, .kind = RL_CONFIG_BOOL, .initial = d, RL_CONFIG_TO(member)
#define TEXT(n, d, member) .name = n, .kind = RL_CONFIG_TEXT, .initial = d, RL_CONFIG_TO(member)
#define ENUM(n, d, c, member)                                                                      \
    .name = n, .kind = RL_CONFIG_ENUM, .initial = d, .choices = c, RL_CONFIG_TO(member)
#define INT(n, d, lo, hi, member)                                                                  \
    .name = n, .kind = RL_CONFIG_INT, .initial = d, .min = lo, .max = hi, RL_CONFIG_TO(member)
#define MEMORY(n, d, lo, hi, member)                                                               \
    .name = n, .kind = RL_CONFIG_MEMORY, .initial = d, .min = lo, .max = hi, RL_CONFIG_TO(member)
/* NOLINTEND(bugprone-macro-parentheses) */
#define FIXED     .flags = RL_CONFIG_IMMUTABLE
#define OURS      .flags = RL_CONFIG_OURS
#define PROTECTED .flags = RL_CONFIG_PROTECTED

static const rl_config_choice log_levels[] = {{"debug", RL_LOG_DEBUG},
                                              {"verbose", RL_LOG_VERBOSE},
                                              {"notice", RL_LOG_NOTICE},
                                              {"warning", RL_LOG_WARNING},
                                              {NULL, 0}};
static const rl_config_choice supervisors[] = {
    {"upstart", 1}, {"systemd", 2}, {"auto", 3}, {"no", 0}, {NULL, 0}};
static const rl_config_choice facilities[] = {{"user", LOG_USER},     {"local0", LOG_LOCAL0},
                                              {"local1", LOG_LOCAL1}, {"local2", LOG_LOCAL2},
                                              {"local3", LOG_LOCAL3}, {"local4", LOG_LOCAL4},
                                              {"local5", LOG_LOCAL5}, {"local6", LOG_LOCAL6},
                                              {"local7", LOG_LOCAL7}, {NULL, 0}};
static const rl_config_choice syncs[] = {{"everysec", RL_APPENDFSYNC_EVERYSEC},
                                         {"always", RL_APPENDFSYNC_ALWAYS},
                                         {"no", RL_APPENDFSYNC_NO},
                                         {NULL, 0}};
static const rl_config_choice policies[] = {
    {"volatile-lru", 1},   {"volatile-lfu", 2}, {"volatile-random", 3},
    {"volatile-ttl", 4},   {"allkeys-lru", 5},  {"allkeys-lfu", 6},
    {"allkeys-random", 7}, {"noeviction", 0},   {NULL, 0}};
static const rl_config_choice debug_commands[] = {{"no", RL_DEBUG_COMMAND_NO},
                                                  {"yes", RL_DEBUG_COMMAND_YES},
                                                  {"local", RL_DEBUG_COMMAND_LOCAL},
                                                  {NULL, 0}};

static const rl_config_choice restores[] = {
    {"yes", RL_RESTORE_YES}, {"no", RL_RESTORE_NO}, {"empty", RL_RESTORE_EMPTY}, {NULL, 0}};
static const rl_config_choice checks[] = {
    {"quick", RL_CHECK_QUICK}, {"full", RL_CHECK_FULL}, {"none", RL_CHECK_NONE}, {NULL, 0}};
static const rl_config_choice keeps[] = {
    {"folded", RL_JOURNAL_KEEP_FOLDED}, {"backup", RL_JOURNAL_KEEP_BACKUP}, {NULL, 0}};

static const rl_config_row rows[] = {
    /* --- network --- */
    {.section = "Network",
     INT("port", "6379", 0, 65535, port),
     .text = "TCP port to listen on; 0 listens on no TCP port."},
    {.name = "bind",
     .kind = RL_CONFIG_LIST,
     .initial = "* -::*",
     .parse = rl_config_parse_bind,
     .field_type = RL_FIELD_BIND,
     .field = offsetof(rl_settings, bind),
     .expects = "addresses to listen on, such as 127.0.0.1 -::1",
     .text = "Addresses to listen on, separated by blanks. * is every IPv4 address and ::* every "
             "IPv6 one; a leading - means that a missing address is no failure. The name of a host "
             "is looked up at the start only; CONFIG SET takes addresses and localhost. See "
             "protected-mode before you open the server to a network."},
    {BOOL("protected-mode", "yes", protected_mode),
     .text = "While no password is set, answer clients from other machines with an explanation "
             "only."},
    {TEXT("unixsocket", "", unixsocket), FIXED, .expects = "the path of a Unix socket",
     .text = "Path of a Unix socket to listen on as well; empty for none."},
    {.name = "unixsocketperm",
     .kind = RL_CONFIG_OCTAL,
     .initial = "0",
     .max = 0777,
     RL_CONFIG_TO(unixsocketperm),
     FIXED,
     .text = "Permissions of the Unix socket, in octal; 0 leaves what the umask says."},
    {INT("tcp-backlog", "511", 0, INT_MAX, tcp_backlog), FIXED,
     .text = "Connections that may wait to be accepted. The kernel caps it at "
             "net.core.somaxconn."},
    {INT("tcp-keepalive", "300", 0, INT_MAX, tcp_keepalive_s), .unit = "seconds",
     .text = "Probe idle TCP connections this often, to notice clients that are gone; 0 does "
             "not."},
    {INT("timeout", "0", 0, INT_MAX, timeout_s), .unit = "seconds",
     .text = "Close a connection that has been idle this long; 0 never does."},
    {INT("maxclients", "10000", 1, UINT_MAX, maxclients),
     .text = "Connections at the same time. The limit on open files is raised for them at "
             "start; the log says when the system does not allow that."},

    /* --- process --- */
    {.section = "Process",
     BOOL("daemonize", "no", daemonize),
     FIXED,
     .text = "Run in the background."},
    {ENUM("supervised", "no", supervisors, supervised), FIXED,
     .text = "Tell a supervisor when the server is ready: systemd by NOTIFY_SOCKET, upstart by "
             "stopping itself once; auto finds out which."},
    {TEXT("pidfile", "", pidfile), FIXED, .expects = "the path of a file",
     .text = "File to write the process id to; removed at the end. Empty for none, but "
             "/var/run/rubellite.pid when daemonize is on, as in Redis."},
    {TEXT("logfile", "", logfile), FIXED, .expects = "the path of a file",
     .text = "File to append the log to; empty for standard output (or nowhere when daemonize is "
             "on)."},
    {ENUM("loglevel", "notice", log_levels, loglevel), .text = "How much to log."},
    {BOOL("syslog-enabled", "no", syslog_enabled), FIXED, .text = "Log to the system's log too."},
    {TEXT("syslog-ident", "redis", syslog_ident), FIXED,
     .text = "The name the lines in the system's log carry."},
    {ENUM("syslog-facility", "local0", facilities, syslog_facility), FIXED,
     .text = "The facility of the lines in the system's log."},
    {INT("shutdown-timeout", "10", 0, INT_MAX, shutdown_timeout_s), .unit = "seconds",
     .text = "How long a stop may wait for clients to take their answers."},

    /* --- data --- */
    {.section = "Data",
     TEXT("dir", ".", dir),
     PROTECTED,
     .expects = "the path of a directory",
     .text = "Directory of the data: data.db, its journal and its lock. One server per directory."},
    {TEXT("dbfilename", "data.db", dbfilename), PROTECTED, .parse = rl_config_parse_filename,
     .expects = "the name of a file in dir, or :memory:",
     .text = "Name of the SQLite database in dir. :memory: keeps nothing on disk: a pure cache. "
             "(Redis: dump.rdb.)"},
    {INT("databases", "16", 1, INT_MAX, databases), FIXED,
     .text = "How many databases SELECT can choose from."},
    {BOOL("appendonly", "yes", appendonly),
     .text = "Keep a journal, so that an answered write survives the process being killed. no: a "
             "write is kept with the next fold only. (Redis: no.)"},
    {ENUM("appendfsync", "everysec", syncs, appendfsync),
     .text = "When the journal is synced to disk. always: before a write is answered, so that even "
             "a power loss takes nothing answered. everysec: every second; a power loss takes at "
             "most the last one. no: when the system likes. In each of them what was answered "
             "survives the process being killed."},
    {.name = "save",
     .kind = RL_CONFIG_LIST,
     .initial = "3600 1 300 100 60 10000",
     .parse = rl_config_parse_save,
     RL_CONFIG_TO(save),
     .expects = "pairs of seconds and changes such as 3600 1 300 100, or \"\"",
     .text = "Accepted and kept for CONFIG GET, without effect: data is kept by the journal and "
             "the fold, not by snapshots."},
    {MEMORY("journal-segment-size", "16777216", 64 * 1024, 1024 * MB, journal_segment_bytes),
     .flags = RL_CONFIG_OURS | RL_CONFIG_IMMUTABLE, .unit = "bytes",
     .text = "Size of a journal file. Files are made in advance and used again; a few exist at a "
             "time."},
    {MEMORY("journal-backlog-limit", "268435456", MB, INT64_MAX, journal_backlog_bytes), OURS,
     .unit = "bytes",
     .text = "Memory for writes that are answered but not folded into the tables yet. Above it the "
             "server stops reading from clients that write, until it has drained."},
    {INT("fold-interval", "1000", 1, 3600 * 1000, fold_interval_ms), OURS, .unit = "milliseconds",
     .text = "How often answered writes are folded from the journal into the tables, where sqlite3 "
             "and other programs see them."},
    {BOOL("allow-network-fs", "no", allow_network_fs),
     .flags = RL_CONFIG_OURS | RL_CONFIG_IMMUTABLE,
     .text = "Start although dir is on a network file system. Their locks and shared memory do not "
             "keep what SQLite needs: data can be damaged."},

    /* --- the file's health --- */
    {.section = "Checkpoints, backups, restore",
     INT("checkpoint-interval", "5000", 10, 3600 * 1000, checkpoint_interval_ms),
     OURS,
     .unit = "milliseconds",
     .text = "How often data.db-wal is copied into data.db while there is something in it."},
    {MEMORY("checkpoint-wal-size", "67108864", MB, INT64_MAX, checkpoint_wal_bytes), OURS,
     .unit = "bytes",
     .text = "Copy data.db-wal into data.db at once when it has grown above this size, or above "
             "the size of data.db if that is more (but never more than eight times this size)."},
    {TEXT("backup-dir", "backups", backup_dir), .flags = RL_CONFIG_OURS | RL_CONFIG_IMMUTABLE,
     .expects = "the path of a directory, relative to dir",
     .text = "Directory of the backups: data-YYYYMMDDTHHMMSSZ.db, ordinary SQLite databases. On "
             "another disk they also survive the loss of this one."},
    {INT("backup-interval", "86400", 0, INT32_MAX, backup_interval_s), OURS, .unit = "seconds",
     .text = "Make a backup this long after the newest one, if anything has changed; 0 makes them "
             "only when BGSAVE or SAVE asks."},
    {INT("backup-retain", "3", 1, 10000, backup_retain), OURS,
     .text = "Backups to keep. Older ones are removed once a new one is verified and in place."},
    {MEMORY("backup-rate", "67108864", 0, INT64_MAX, backup_rate), OURS, .unit = "bytes a second",
     .text = "How fast a backup is copied, so that it leaves the disk to others; 0 sets no limit."},
    {ENUM("restore-on-start", "yes", restores, restore_on_start),
     .flags = RL_CONFIG_OURS | RL_CONFIG_IMMUTABLE,
     .text = "When data.db is missing or damaged at start and there are backups: yes restores the "
             "newest good one and moves the damaged file aside; no refuses to start; empty starts "
             "without data (and moves the damaged file aside)."},
    {ENUM("start-check", "quick", checks, start_check),
     .flags = RL_CONFIG_OURS | RL_CONFIG_IMMUTABLE,
     .text = "How data.db is checked at start. quick: the structure of every page, while the keys "
             "are loaded. full: also that indexes agree with their tables. none: only what loading "
             "meets."},
    {ENUM("journal-keep", "folded", keeps, journal_keep), OURS,
     .text = "How far back the journal is kept. folded: until a write is in data.db. backup: until "
             "it is in a backup, so that a lost data.db can be restored without losing a key."},
    {MEMORY("journal-keep-size", "1073741824", 16 * MB, INT64_MAX, journal_keep_bytes), OURS,
     .unit = "bytes",
     .text = "With journal-keep backup: make a backup early when the journal has grown above this "
             "size."},

    /* --- SQL --- */
    {.section = "SQL",
     INT("sql-timeout", "5000", 0, INT32_MAX, sql_timeout_ms),
     OURS,
     .unit = "milliseconds",
     .text = "Interrupt a statement of the SQL command that runs longer; 0 sets no limit."},
    {INT("sql-max-rows", "100000", 1, INT64_MAX, sql_max_rows), OURS,
     .text = "The most rows one statement may answer; with more it answers an error instead."},
    {MEMORY("sql-max-memory", "67108864", 64 * 1024, 1024 * MB, sql_max_memory), OURS,
     .unit = "bytes",
     .text =
         "The most memory one answer of the SQL command, and any single value in it, may take."},
    {INT("sql-readers", "2", 1, 64, sql_readers), .flags = RL_CONFIG_OURS | RL_CONFIG_IMMUTABLE,
     .text = "Threads that run queries of the SQL command, each with a connection of its own."},

    /* --- memory --- */
    {.section = "Memory",
     MEMORY("maxmemory", "0", 0, UINT64_MAX, maxmemory),
     .unit = "bytes",
     .text = "Memory for data; 0 sets no limit. What happens at the limit: maxmemory-policy."},
    {ENUM("maxmemory-policy", "noeviction", policies, maxmemory_policy),
     .text =
         "What to do when maxmemory is reached. noeviction refuses writes that need memory. The "
         "others delete keys: they are not there yet, so they cannot be combined with a "
         "maxmemory."},

    /* --- small collections --- */
    {.section = "Small collections",
     INT("hash-max-listpack-entries", "512", 0, INT64_MAX, hash_max_listpack_entries),
     .alias = "hash-max-ziplist-entries",
     .text = "A hash of up to so many fields, all of them short, is kept in one block, which takes "
             "less memory; finding a field there looks at each."},
    {MEMORY("hash-max-listpack-value", "64", 0, INT64_MAX, hash_max_listpack_value),
     .alias = "hash-max-ziplist-value", .unit = "bytes",
     .text = "The longest field or value of a hash in one block."},
    {INT("set-max-intset-entries", "512", 0, INT64_MAX, set_max_intset_entries),
     .text = "A set of up to so many members, all of them integers, is a sorted array."},
    {INT("set-max-listpack-entries", "128", 0, INT64_MAX, set_max_listpack_entries),
     .text = "Other sets of up to so many members, all of them short, are kept in one block."},
    {MEMORY("set-max-listpack-value", "64", 0, INT64_MAX, set_max_listpack_value), .unit = "bytes",
     .text = "The longest member of a set in one block."},
    {INT("zset-max-listpack-entries", "128", 0, INT64_MAX, zset_max_listpack_entries),
     .alias = "zset-max-ziplist-entries",
     .text = "A sorted set of up to so many members, all of them short, is kept in one block."},
    {MEMORY("zset-max-listpack-value", "64", 0, INT64_MAX, zset_max_listpack_value),
     .alias = "zset-max-ziplist-value", .unit = "bytes",
     .text = "The longest member of a sorted set in one block."},

    /* --- access --- */
    {.section = "Access",
     TEXT("requirepass", "", requirepass),
     .flags = RL_CONFIG_SENSITIVE,
     .expects = "a password",
     .text = "Password that clients give with AUTH or HELLO; empty asks for none."},
    {ENUM("enable-debug-command", "no", debug_commands, enable_debug_command), FIXED,
     .text = "Who may use DEBUG: nobody, everybody, or clients on this machine."},

    /* --- limits --- */
    {.section = "Limits",
     MEMORY("proto-max-bulk-len", "536870912", MB, INT64_MAX, proto_max_bulk_bytes),
     .unit = "bytes",
     .text =
         "The longest single argument, and the longest string value. More than 700,000,000 bytes "
         "has no effect: a row of the database takes no more."},
    {MEMORY("client-query-buffer-limit", "1073741824", MB, INT64_MAX, client_query_buffer_bytes),
     .unit = "bytes", .text = "What a client may send of a command before it is complete."},
    {.name = "client-output-buffer-limit",
     .kind = RL_CONFIG_LIST,
     .initial = "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
     .parse = rl_config_parse_limits,
     .field_type = RL_FIELD_LIMITS,
     .field = offsetof(rl_settings, output_limit),
     .expects = "class, hard limit, soft limit, seconds, such as normal 256mb 64mb 60 (classes: "
                "normal, replica, pubsub)",
     .text = "Close a client that does not read its answers: at once when more than the hard limit "
             "waits, or when more than the soft limit has waited for that many seconds. Classes "
             "are normal, replica and pubsub; 0 sets no limit."},

    /* --- watching --- */
    {.section = "Watching",
     INT("slowlog-log-slower-than", "10000", -1, INT64_MAX, slowlog_slower_than_us),
     .unit = "microseconds",
     .text = "Commands that run longer go to SLOWLOG; 0 takes all, -1 none."},
    {INT("slowlog-max-len", "128", 0, INT64_MAX, slowlog_max_len),
     .text = "Entries SLOWLOG keeps."},
    {INT("latency-monitor-threshold", "0", 0, INT64_MAX, latency_monitor_threshold_ms),
     .unit = "milliseconds", .text = "Events that take longer go to LATENCY; 0 takes none."},
    {INT("tracking-table-max-keys", "1000000", 0, INT64_MAX, tracking_table_max_keys),
     .text = "Keys remembered for client-side caching (CLIENT TRACKING); beyond it the oldest are "
             "given up and their readers told so. 0 sets no limit."},
    {.name = "notify-keyspace-events",
     .kind = RL_CONFIG_LIST,
     .initial = "",
     .flags = RL_CONFIG_QUOTED,
     .parse = rl_config_parse_events,
     RL_CONFIG_TO(notify_keyspace_events),
     .expects = "letters out of Ag$lshzxeKEtmdn",
     .text = "Which changes of keys are published: K on __keyspace@DB__:KEY, E on "
             "__keyevent@DB__:EVENT; g for commands of every type, $ strings, l lists, s sets, h "
             "hashes, z sorted sets, t streams, x expired, e evicted, m missed, n new keys; A is "
             "all but m and n. Empty publishes none."},
    {BOOL("latency-tracking", "yes", latency_tracking),
     .text = "Keep a histogram of the time each command takes (LATENCY HISTOGRAM, INFO "
             "latencystats)."},
    {.name = "latency-tracking-info-percentiles",
     .kind = RL_CONFIG_LIST,
     .initial = "50 99 99.9",
     .parse = rl_config_parse_percentiles,
     RL_CONFIG_TO(latency_percentiles),
     .expects = "numbers from 0 to 100",
     .text = "The percentiles INFO latencystats shows."},
};

static const size_t own_count = sizeof(rows) / sizeof(rows[0]);

size_t rl_config_row_count(void) {
    size_t ignored;
    rl_config_ignored_rows(&ignored);
    return own_count + ignored;
}

const rl_config_row *rl_config_row_at(size_t i) {
    size_t ignored;
    return i < own_count ? &rows[i] : rl_config_ignored_rows(&ignored) + (i - own_count);
}

bool rl_config_find(rl_bytes name, size_t *row, const char **found) {
    for (size_t i = 0, n = rl_config_row_count(); i < n; i++) {
        const rl_config_row *r = rl_config_row_at(i);
        bool by_name = rl_bytes_is(name, r->name);
        if (!by_name && !(r->alias && rl_bytes_is(name, r->alias)))
            continue;
        *row = i;
        *found = by_name ? r->name : r->alias;
        return true;
    }
    return false;
}
