/* SPDX-License-Identifier: MIT */
/* The table, CONFIG GET and CONFIG SET. Texts are what redis-server 7.0.15 answers. */
#include "unit/server/config_util.h"

#include <limits.h>

#include "server/config_table.h"

TestSuite(config, .init = config_setup, .fini = config_teardown);

#define FAILED(name) "CONFIG SET failed (possibly related to argument '" name "') - "

Test(config, every_default_is_canonical_and_parses)
{
    for (size_t i = 0; i < rl_config_row_count(); i++) {
        const rl_config_row *row = rl_config_row_at(i);
        rl_bytes word = rl_bytes_text(row->initial);
        rl_config_words words = {.at = &word, .count = 1, .current = row->initial};
        rl_bytes *split = rl_config_split_list(row, &words);
        rl_buffer value = {0};
        bool ok = rl_config_parse_row(row, &words, &value, &error) ||
                  row->parse == rl_config_parse_replicaof;
        cr_expect(ok, "%s: %s", row->name, last_error());
        cr_expect_str_eq(rl_buffer_cstr(&value), row->initial, "%s", row->name);
        const char *end = row->text + strlen(row->text);
        cr_expect(end[-1] == '.' || strcmp(end - 2, ".)") == 0, "%s: no sentence", row->name);
        cr_expect(!(row->kind == RL_CONFIG_ENUM) || row->choices, "%s: no choices", row->name);
        cr_expect(!(row->kind == RL_CONFIG_LIST) || row->parse, "%s: no parse", row->name);
        cr_expect((row->flags & RL_CONFIG_IGNORED) || row->field_type != RL_FIELD_NONE,
                  "%s: neither ignored nor with a field", row->name);
        rl_free(split);
        rl_buffer_release(&value);
    }
}

Test(config, no_name_appears_twice)
{
    for (size_t i = 0; i < rl_config_row_count(); i++) {
        const rl_config_row *row = rl_config_row_at(i);
        size_t at;
        const char *found;
        cr_expect(rl_config_find(rl_bytes_text(row->name), &at, &found));
        cr_expect_eq(at, i, "%s", row->name);
        if (row->alias) {
            cr_expect(rl_config_find(rl_bytes_text(row->alias), &at, &found));
            cr_expect_eq(at, i, "%s", row->alias);
        }
        cr_expect_null(rl_config_line_find(rl_bytes_text(row->name)));
    }
}

Test(config, defaults_are_in_the_settings)
{
    cr_expect_eq(settings->port, 6379);
    cr_expect_str_eq(settings->bind[0], "*");
    cr_expect_str_eq(settings->bind[1], "-::*");
    cr_expect_null(settings->bind[2]);
    cr_expect(settings->protected_mode);
    cr_expect(settings->appendonly);
    cr_expect_eq(settings->appendfsync, RL_APPENDFSYNC_EVERYSEC);
    cr_expect_str_eq(settings->dbfilename, "data.db");
    cr_expect_str_eq(settings->requirepass, "");
    cr_expect_eq(settings->journal_segment_bytes, 16u << 20);
    cr_expect_eq(settings->journal_backlog_bytes, 256u << 20);
    cr_expect_eq(settings->fold_interval_ms, 1000u);
    cr_expect_eq(settings->output_limit[RL_CLIENT_NORMAL].hard_bytes, 0u);
    cr_expect_eq(settings->output_limit[RL_CLIENT_PUBSUB].hard_bytes, 33554432u);
    cr_expect_eq(settings->output_limit[RL_CLIENT_PUBSUB].soft_bytes, 8388608u);
    cr_expect_eq(settings->output_limit[RL_CLIENT_PUBSUB].soft_seconds, 60u);
    cr_expect_eq(settings->slowlog_slower_than_us, 10000);
    cr_expect_eq(settings->loglevel, RL_LOG_NOTICE);
}

Test(config, get_spells_a_name_as_asked_and_a_match_as_it_is)
{
    expect_text(get("PORT"), "PORT=6379");
    expect_text(get("Por?"), "port=6379");
    expect_text(get("[p]ort", "port", "po*"), "port=6379");
    expect_text(get("nosuch"), "");
    expect_text(get("\\port"), "");
    expect_text(get("slave-prio*"), "slave-priority=100");
    expect_text(get("*-priority"), "replica-priority=100|slave-priority=100");
    expect_text(get("save"), "save=3600 1 300 100 60 10000");
    expect_text(get("client-output*"), "client-output-buffer-limit=normal 0 0 0 slave 268435456 "
                                       "67108864 60 pubsub 33554432 8388608 60");
    expect_text(get("watchdog-period"), "watchdog-period=0");
    expect_text(get("watchdog-perio?"), "");
}

Test(config, set_writes_the_field_in_canonical_form)
{
    cr_expect(set("MAXMEMORY", "1kb", "appendfsync", "ALWAYS", "protected-mode", "No"));
    cr_expect_eq(settings->maxmemory, 1024u);
    cr_expect_eq(settings->appendfsync, RL_APPENDFSYNC_ALWAYS);
    cr_expect_not(settings->protected_mode);
    expect_text(get("maxmemory", "appendfsync"), "maxmemory=1024|appendfsync=always");
    cr_expect(set("hz", "1000", "slowlog-log-slower-than", "-1"));
    cr_expect_eq(settings->hz, 500);
    cr_expect_eq(settings->slowlog_slower_than_us, -1);
    expect_text(get("hz"), "hz=500");
    cr_expect(set("maxclients", "4294967295", "maxmemory", "18446744073709551615"));
    cr_expect_eq(settings->maxclients, INT_MAX);
    cr_expect_eq(settings->maxmemory, UINT64_MAX);
    cr_expect(set("maxmemory", ""));
    expect_text(get("maxmemory"), "maxmemory=0");
    cr_expect(set("bind", "10.0.0.1 -::1"));
    cr_expect_str_eq(settings->bind[1], "-::1");
    cr_expect(set("bind", ""));
    cr_expect_null(settings->bind[0]);
    cr_expect(set("requirepass", "x y"));
    cr_expect_str_eq(settings->requirepass, "x y");
}

Test(config, set_refuses_in_redis_words)
{
    expect_fails(set("nosuch", "1"),
                 "Unknown option or number of arguments for CONFIG SET - 'nosuch'");
    expect_fails(set("Port", "abc"), FAILED("port") "argument couldn't be parsed into an integer");
    expect_fails(set("Slave-Priority", "abc"),
                 FAILED("slave-priority") "argument couldn't be parsed into an integer");
    expect_fails(set("maxclients", "0"),
                 FAILED("maxclients") "argument must be between 1 and 4294967295 inclusive");
    expect_fails(set("slowlog-log-slower-than", "-2"),
                 FAILED("slowlog-log-slower-than") "argument must be between -1 and "
                                                   "9223372036854775807 inclusive");
    expect_fails(set("maxmemory", "1t"), FAILED("maxmemory") "argument must be a memory value");
    expect_fails(set("protected-mode", "true"),
                 FAILED("protected-mode") "argument must be 'yes' or 'no'");
    expect_fails(set("appendfsync", "x"),
                 FAILED("appendfsync") "argument(s) must be one of the following: everysec, "
                                       "always, no");
    expect_fails(set("daemonize", "yes"), FAILED("daemonize") "can't set immutable config");
    expect_fails(set("dir", "/"), FAILED("dir") "can't set protected config");
    expect_fails(set("timeout", "1", "TIMEOUT", "2"), FAILED("TIMEOUT") "duplicate parameter");
    expect_fails(set("maxmemory-clients", "101%"),
                 FAILED("maxmemory-clients") "percentage argument must be less or equal to 100");
    expect_fails(set("save", "900"), FAILED("save") "Invalid save parameters");
    expect_fails(set("save", "900  1"), FAILED("save") "Invalid save parameters");
    expect_fails(set("client-output-buffer-limit", "normal 1 2"),
                 FAILED("client-output-buffer-limit") "Wrong number of arguments in buffer limit "
                                                      "configuration.");
    expect_fails(set("client-output-buffer-limit", "master 1 2 3"),
                 FAILED("client-output-buffer-limit") "Invalid client class specified in buffer "
                                                      "limit configuration.");
    expect_fails(set("proc-title-template", "{x}"),
                 FAILED("proc-title-template") "template format is invalid or contains unknown "
                                               "variables");
}

Test(config, set_is_all_or_nothing)
{
    expect_fails(set("timeout", "5", "hz", "abc"),
                 FAILED("hz") "argument couldn't be parsed into an integer");
    cr_expect_eq(settings->timeout_s, 0);
    expect_fails(set("timeout", "5", "nosuch", "1"),
                 "Unknown option or number of arguments for CONFIG SET - 'nosuch'");
    cr_expect_eq(settings->timeout_s, 0);
    /* Immutable is looked at before any value is. */
    expect_fails(set("hz", "abc", "daemonize", "yes"),
                 FAILED("daemonize") "can't set immutable config");
}

Test(config, set_of_lists)
{
    cr_expect(set("client-output-buffer-limit", "REPLICA 1mb 2 3"));
    expect_text(get("client-output-buffer-limit"),
                "client-output-buffer-limit=normal 0 0 0 slave 1048576 2 3 pubsub 33554432 "
                "8388608 60");
    cr_expect_eq(settings->output_limit[RL_CLIENT_REPLICA].hard_bytes, 1u << 20);
    cr_expect(set("save", "900 1 300 10"));
    cr_expect(set("save", "60 5"));
    cr_expect_str_eq(settings->save, "60 5");
    cr_expect(set("save", ""));
    cr_expect_str_eq(settings->save, "");
    cr_expect(set("notify-keyspace-events", "g$lshzxeKEtmdn"));
    expect_text(get("notify-keyspace-events"), "notify-keyspace-events=AnKEm");
    cr_expect(set("shutdown-on-sigterm", "default force"));
    expect_text(get("shutdown-on-sigterm"), "shutdown-on-sigterm=force");
    cr_expect(set("latency-tracking-info-percentiles", "50.5 99.123456789"));
    expect_text(get("latency-tracking-info-percentiles"),
                "latency-tracking-info-percentiles=50.5 99.123457");
    cr_expect(set("oom-score-adj", "relative"));
    expect_text(get("oom-score-adj"), "oom-score-adj=yes");
}

Test(config, what_would_change_a_promise_is_refused)
{
    cr_expect_not(set("tls-port", "6380"));
    cr_expect(set("tls-port", "0"));
    cr_expect_not(set("min-slaves-to-write", "1"));
    cr_expect_not(set("maxmemory", "100mb", "maxmemory-policy", "allkeys-lru"));
    cr_expect_eq(settings->maxmemory, 0u);
    cr_expect_str_eq(settings->maxmemory_policy, "noeviction");
    cr_expect(set("maxmemory-policy", "allkeys-lfu"));
    cr_expect_not(set("maxmemory", "100mb"));
    cr_expect(set("maxmemory", "100mb", "maxmemory-policy", "noeviction"));
}

/* Writes down what it is told; refuses one name. */
typedef struct watcher {
    rl_buffer seen;
    const char *refuse;
} watcher;

static bool watch(void *arg, const char *name, rl_buffer *why) {
    watcher *w = arg;
    rl_buffer_printf(&w->seen, "%s:%d:%d ", name, settings->timeout_s, settings->tcp_keepalive_s);
    if (!w->refuse || strcmp(name, w->refuse) != 0)
        return true;
    rl_buffer_add_text(why, "not today");
    return false;
}

Test(config, observer_hears_of_changes_only)
{
    watcher w = {0};
    rl_config_observe(config, watch, &w);
    cr_expect(set("timeout", "0", "tcp-keepalive", "7", "slave-priority", "5"));
    expect_text(rl_buffer_cstr(&w.seen), "tcp-keepalive:0:7 replica-priority:0:7 ");
    rl_buffer_release(&w.seen);
}

Test(config, observer_can_refuse_and_all_comes_back)
{
    watcher w = {.refuse = "hz"};
    rl_config_observe(config, watch, &w);
    expect_fails(set("timeout", "9", "hz", "20", "tcp-keepalive", "7"), FAILED("hz") "not today");
    expect_text(rl_buffer_cstr(&w.seen), "timeout:9:7 hz:9:7 timeout:0:300 hz:0:300 ");
    cr_expect_eq(settings->timeout_s, 0);
    cr_expect_eq(settings->hz, 10);
    cr_expect_eq(settings->tcp_keepalive_s, 300);
    expect_text(get("hz", "timeout"), "hz=10|timeout=0");
    rl_buffer_release(&w.seen);
}

Test(config, a_directive_under_two_names_comes_back_too)
{
    watcher w = {.refuse = "hz"};
    rl_config_observe(config, watch, &w);
    cr_expect_not(set("slave-priority", "1", "replica-priority", "2", "hz", "20"));
    expect_text(get("replica-priority"), "replica-priority=100");
    rl_buffer_release(&w.seen);
}

Test(config, a_zero_byte_is_refused)
{
    rl_bytes pair[] = {RL_BYTES("requirepass"), RL_BYTES("a\0b")};
    cr_expect_not(rl_config_set(config, pair, 1, &error));
    cr_expect_str_eq(settings->requirepass, "");
}

/* --- generated texts --- */

Test(config, every_documented_directive_is_in_the_texts)
{
    rl_buffer help = {0}, example = {0}, manual = {0};
    rl_config_print_help(&help);
    rl_config_print_example(&example);
    rl_config_print_markdown(&manual);
    for (size_t i = 0; i < rl_config_row_count(); i++) {
        const rl_config_row *row = rl_config_row_at(i);
        if (row->flags & RL_CONFIG_HIDDEN)
            continue;
        rl_buffer cell = {0};
        rl_buffer_printf(&cell, "| `%s` |", row->name);
        cr_expect(strstr(rl_buffer_cstr(&manual), rl_buffer_cstr(&cell)), "%s", row->name);
        if (!(row->flags & RL_CONFIG_IGNORED)) {
            cr_expect(strstr(rl_buffer_cstr(&help), row->name), "%s", row->name);
            cr_expect(strstr(rl_buffer_cstr(&example), row->name), "%s", row->name);
        }
        rl_buffer_release(&cell);
    }
    rl_buffer_release(&help);
    rl_buffer_release(&example);
    rl_buffer_release(&manual);
}

Test(config, the_example_loads_and_changes_nothing_when_uncommented)
{
    rl_buffer example = {0}, plain = {0};
    rl_config_print_example(&example);
    cr_expect(rl_config_load_text(config, "example", rl_buffer_bytes(&example), &error), "%s",
              last_error());
    /* "#name value" is a directive, "# text" a comment. */
    const char *text = rl_buffer_cstr(&example);
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1)
        if (line[0] == '#' && line[1] >= 'a' && line[1] <= 'z')
            rl_buffer_printf(&plain, "%.*s\n", (int)strcspn(line + 1, "\n"), line + 1);
    cr_expect_gt(plain.len, 500u);
    cr_expect(rl_config_load_text(config, "example", rl_buffer_bytes(&plain), &error), "%s",
              last_error());
    for (size_t i = 0; i < rl_config_row_count(); i++) {
        const rl_config_row *row = rl_config_row_at(i);
        rl_buffer expected = {0};
        rl_buffer_printf(&expected, "%s=%s", row->name, row->initial);
        expect_text(get(row->name), rl_buffer_cstr(&expected));
        rl_buffer_release(&expected);
    }
    rl_buffer_release(&example);
    rl_buffer_release(&plain);
}
