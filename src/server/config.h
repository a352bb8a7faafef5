/* SPDX-License-Identifier: MIT */
/*
 * Configuration: every directive is one row of a table (config_table.c for those that do something,
 * config_ignored.c for the others) with its name, kind, default, bounds, unit, whether CONFIG SET
 * may change it, and a description. The command line, the config file, CONFIG GET / SET / REWRITE,
 * --help, the example file and docs/configuration.md all come from that table.
 *
 * A Redis directive that means nothing here is in the table too, as "accepted and ignored": it is
 * checked, kept as text, answered by CONFIG GET as Redis would, and mentioned in the log once, at
 * start or when CONFIG SET sets it. One that would change what the server promises
 * (cluster-enabled, tls-port, replicaof, …) is accepted with its "off" value only and refused, with
 * the reason, otherwise.
 *
 * Loop thread (and main before it).
 */
#ifndef RL_SERVER_CONFIG_H
#define RL_SERVER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/bytes.h"
#include "base/log.h"

typedef struct rl_output_limit {
    uint64_t hard_bytes, soft_bytes;
    uint32_t soft_seconds;
} rl_output_limit;

enum { RL_CLIENT_NORMAL, RL_CLIENT_REPLICA, RL_CLIENT_PUBSUB, RL_CLIENT_CLASSES };
enum { RL_APPENDFSYNC_NO, RL_APPENDFSYNC_ALWAYS, RL_APPENDFSYNC_EVERYSEC };
enum { RL_DEBUG_COMMAND_NO, RL_DEBUG_COMMAND_YES, RL_DEBUG_COMMAND_LOCAL };

/* The values in force, read directly by the server (plain loads on the hot path). Written by
 * config.c alone. Texts are never NULL and stay valid until the next rl_config_set. */
/* Grouped by subject, whatever the padding.
 * NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding) */
typedef struct rl_settings {
    /* network */
    int port;
    char **bind; /* NULL-terminated; a leading '-' means: no failure when the address is missing */
    char *unixsocket;
    unsigned unixsocketperm; /* 0: as the umask says */
    int tcp_backlog, tcp_keepalive_s, timeout_s, maxclients;
    bool protected_mode;
    /* process */
    bool daemonize;
    char *pidfile, *logfile, *supervised, *proc_title_template;
    bool set_proc_title;
    rl_log_level loglevel;
    bool syslog_enabled;
    char *syslog_ident;
    int syslog_facility; /* LOG_LOCAL0, …: for rl_log_syslog_start */
    int hz;              /* 1 to 500 */
    bool always_show_logo, crash_log_enabled;
    uint32_t shutdown_timeout_s;
    /* data */
    char *dir; /* absolute after rl_config_finish */
    char *dbfilename;
    int databases;
    bool appendonly;
    int appendfsync; /* RL_APPENDFSYNC_… */
    char *save;      /* accepted and ignored, as Redis prints it: "3600 1 300 100" */
    uint64_t journal_segment_bytes, journal_backlog_bytes;
    uint32_t fold_interval_ms;
    bool allow_network_fs;
    /* the file's health */
    uint32_t checkpoint_interval_ms;
    uint64_t checkpoint_wal_bytes;
    char *backup_dir;          /* relative to dir */
    int64_t backup_interval_s; /* 0: none by themselves */
    int backup_retain;
    uint64_t backup_rate; /* bytes a second; 0: as fast as the disk */
    int restore_on_start; /* RL_RESTORE_… of store/restore.h */
    int start_check;      /* RL_CHECK_… of store/check.h */
    int journal_keep;     /* RL_JOURNAL_KEEP_… of store/store.h */
    uint64_t journal_keep_bytes;
    /* SQL */
    int64_t sql_timeout_ms; /* 0: none */
    int64_t sql_max_rows;
    uint64_t sql_max_memory;
    int sql_readers;
    uint64_t maxmemory;
    char *maxmemory_policy;
    int lfu_log_factor, lfu_decay_time, active_expire_effort;
    /* small collections: entries, and bytes of one of them */
    uint64_t hash_max_listpack_entries, hash_max_listpack_value;
    uint64_t set_max_intset_entries, set_max_listpack_entries, set_max_listpack_value;
    uint64_t zset_max_listpack_entries, zset_max_listpack_value;
    /* access */
    char *requirepass;        /* "": none */
    int enable_debug_command; /* RL_DEBUG_COMMAND_… */
    /* limits */
    uint64_t proto_max_bulk_bytes, client_query_buffer_bytes;
    rl_output_limit output_limit[RL_CLIENT_CLASSES];
    /* watching */
    int64_t slowlog_slower_than_us; /* -1: off */
    uint64_t slowlog_max_len, latency_monitor_threshold_ms;
    bool latency_tracking;
    uint64_t tracking_table_max_keys; /* 0: no limit */
    char *notify_keyspace_events;     /* letters; rl_notify_classes reads them */
    char *latency_percentiles;        /* "50 99 99.9" */
} rl_settings;

typedef struct rl_config rl_config;

/* The table's defaults. */
rl_config *rl_config_create(void);
void rl_config_free(rl_config *c); /* NULL is fine */
/* Valid, at the same address, until rl_config_free. */
const rl_settings *rl_config_settings(const rl_config *c);

/* Reads a config file (path, or "-" for stdin). `include` takes glob patterns; a relative one is
 * looked for beside the file that names it, then in the working directory (where Redis looks).
 * On the first bad line returns false with "file:line: 'directive': what was expected" in error;
 * nothing that follows it has been read. */
bool rl_config_load_file(rl_config *c, const char *path, rl_buffer *error);
/* The same from memory; `name` stands for the file in errors. `include` is refused: there is no
 * place it could be relative to. */
bool rl_config_load_text(rl_config *c, const char *name, rl_bytes text, rl_buffer *error);
/* What follows the program's name, as redis-server takes it: a config file first (when the first
 * does not begin with "--"), then "--directive value …" (--save "" --port 7000 --bind a b). A
 * value may begin with "--" right behind its directive; "-" as the last one reads stdin;
 * "--port=7000" is refused with a hint. */
bool rl_config_load_args(rl_config *c, int argc, char **argv, rl_buffer *error);
/* Checks what only the whole can tell (tcp port and unix socket both off, …) and makes `dir`
 * absolute. Call once, after loading. */
bool rl_config_finish(rl_config *c, rl_buffer *error);
/* Logs which directives that the user set have no effect here. Call once the log is open. */
void rl_config_log_ignored(rl_config *c);

const char *rl_config_path(const rl_config *c); /* absolute path of the file in use, "" when none */

/* CONFIG GET: calls each for every directive whose name matches one of the patterns, once. As in
 * Redis a pattern without * ? [ is a name, and comes back spelled as it was asked; Redis's older
 * names (slave-…, …-ziplist-…) are answered beside the newer ones. */
void rl_config_get(const rl_config *c, const rl_bytes *patterns, int count,
                   void (*each)(void *arg, const char *name, rl_bytes value), void *arg);

/* CONFIG SET name value …: all or none. `pairs` holds 2 × count entries. On failure error holds the
 * text after "ERR " in Redis's words, such as "CONFIG SET failed (possibly related to argument
 * 'maxclients') - argument must be …" or "Unknown option or number of arguments for CONFIG SET -
 * 'x'", and nothing has changed. A directive that has no effect here is logged, once each. */
bool rl_config_set(rl_config *c, const rl_bytes *pairs, int count, rl_buffer *error);

/* Called for each directive that a CONFIG SET really changed, once all settings have their new
 * values: the server hands the new value to who needs it. Returns false with a reason to refuse:
 * then all settings get their old values back, and it is called again for every directive it had
 * been told of, the refused one too, so that it can go back (the answer to that is ignored). `name`
 * is the table's name, never an older one. One observer. */
typedef bool (*rl_config_apply)(void *arg, const char *name, rl_buffer *error);
void rl_config_observe(rl_config *c, rl_config_apply apply, void *arg);

/* CONFIG REWRITE: writes the file anew, keeping comments, order and includes; what is new goes
 * under a comment at the end. Through a temporary file, fsync and rename, so that a crash leaves
 * the old file or the new one. This is disk I/O on the calling (loop) thread, a few milliseconds:
 * bearable because it is a rare administrative command. The text on failure goes after "ERR ". */
bool rl_config_rewrite(rl_config *c, rl_buffer *error);
/* The same on texts alone: what `old` becomes with the settings in force. */
void rl_config_rewrite_text(const rl_config *c, rl_bytes old, rl_buffer *out);

/* rename-command pairs, in the order given; `to` "" removes the command. */
size_t rl_config_renames(const rl_config *c);
void rl_config_rename_at(const rl_config *c, size_t i, const char **from, const char **to);

/* Generated texts, from the same table. */
void rl_config_print_help(rl_buffer *out);     /* the directives part of --help */
void rl_config_print_example(rl_buffer *out);  /* rubellite.conf: every directive, described */
void rl_config_print_markdown(rl_buffer *out); /* docs/configuration.md */

#endif
