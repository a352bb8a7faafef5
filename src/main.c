/* SPDX-License-Identifier: MIT */
/*
 * rubellite-server: the command line. Reads the configuration, becomes a daemon when asked, and
 * runs the server; only here is decided about the process.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "commands/table.h"
#include "rubellite_version.h"
#include "server/config.h"
#include "server/server.h"
#include "server/supervise.h"

static void print(const rl_buffer *text) {
    fwrite(text->ptr, 1, text->len, stdout);
}

static int print_help(void) {
    rl_buffer out = {0};
    rl_buffer_add_text(
        &out, "Usage: rubellite-server [config file] [--directive value ...]\n"
              "       rubellite-server - (read the configuration from standard input)\n"
              "       rubellite-server [config file] [--directive value ...] --check-config\n"
              "           (reads all of it, says what is wrong with it, and ends)\n"
              "       rubellite-server --help | --version\n\n"
              "A server that speaks the Redis protocol and keeps its data in SQLite.\n\n"
              "Examples:\n"
              "  rubellite-server --dir ./data\n"
              "  rubellite-server /etc/rubellite/rubellite.conf --port 7777\n"
              "  rubellite-server --appendfsync always --save '' --requirepass secret\n"
              "  rubellite-server --dbfilename :memory:          (a pure cache: keeps nothing)\n\n"
              "Directives (defaults in brackets):\n");
    rl_config_print_help(&out);
    print(&out);
    rl_buffer_release(&out);
    return 0;
}

static int print_version(void) {
    printf("Rubellite server v=%s sha=%s malloc=%s bits=%d\n", RUBELLITE_VERSION, RUBELLITE_GIT_SHA,
           rl_alloc_name(), (int)(sizeof(void *) * 8));
    return 0;
}

static int print_generated(void (*write)(rl_buffer *out)) {
    rl_buffer out = {0};
    write(&out);
    print(&out);
    rl_buffer_release(&out);
    return 0;
}

static int fail(const char *what, rl_buffer *error) {
    fprintf(stderr, "rubellite-server: %s%s\n", what, rl_buffer_cstr(error));
    rl_buffer_release(error);
    return 1;
}

/* A client that finds no descriptor would wait in vain; one too many is told so. */
static void fit_maxclients(rl_config *config) {
    int wanted = rl_config_settings(config)->maxclients;
    int fits = rl_supervise_file_limit(rl_config_settings(config), wanted);
    if (fits >= wanted)
        return;
    rl_log(RL_LOG_WARNING,
           "maxclients is lowered from %d to %d, because the system allows no more open files: "
           "raise ulimit -n, or LimitNOFILE in a systemd unit",
           wanted, fits);
    rl_buffer text = {0}, error = {0};
    rl_buffer_printf(&text, "%d", fits);
    rl_bytes pair[] = {rl_bytes_of("maxclients", strlen("maxclients")), rl_buffer_bytes(&text)};
    rl_config_set(config, pair, 1, &error);
    rl_buffer_release(&text);
    rl_buffer_release(&error);
}

/* Who comes from redis-server with its directory would otherwise wonder where the data is. */
static void warn_of_redis_data(const char *dir) {
    static const char *const names[] = {"dump.rdb", "appendonlydir", "appendonly.aof"};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (snprintf(path, sizeof path, "%s/%s", dir, names[i]) < (int)sizeof path &&
            access(path, F_OK) == 0)
            rl_log(RL_LOG_WARNING,
                   "%s is redis-server's and is not read: there are no keys yet. "
                   "docs/operations.md, \"Coming from Redis\", says how to bring them over",
                   path);
}

static void announce(rl_server *server) {
    const rl_settings *set = rl_server_settings(server);
    char where[PATH_MAX];
    if (rl_server_store(server) == NULL) {
        rl_log(RL_LOG_NOTICE, "Nothing is kept on disk (dbfilename :memory:)");
    } else {
        const rl_load_report *report = rl_server_load_report(server);
        const char *dir = realpath(set->dir, where) ? where : set->dir;
        if (report->replayed_batches)
            rl_log(RL_LOG_NOTICE, "The journal held %" PRIu64 " %s not in the database yet: %s now",
                   report->replayed_batches,
                   report->replayed_batches == 1 ? "batch that was" : "batches that were",
                   report->replayed_batches == 1 ? "it is" : "they are");
        rl_log(RL_LOG_NOTICE, "Data is in %s/%s: %" PRIu64 " keys loaded in %.3f seconds", dir,
               set->dbfilename, report->keys, (double)report->took_us / 1e6);
        if (report->keys == 0 && strcmp(set->dbfilename, "dump.rdb") != 0)
            warn_of_redis_data(dir);
        rl_log(
            RL_LOG_NOTICE, "Durability: %s",
            !set->appendonly
                ? "appendonly no: writes are answered at once and kept by the next fold"
            : set->appendfsync == 1 ? "appendfsync always: a write is answered once it is on disk"
            : set->appendfsync == 2
                ? "appendfsync everysec: an answered write survives the process, and power loss "
                  "but for the last second"
                : "appendfsync no: an answered write survives the process; the system decides when "
                  "it is on disk");
    }
    rl_log(RL_LOG_NOTICE, "Ready to accept connections");
}

static int serve(rl_config *config, const char *executable) {
    const rl_settings *set = rl_config_settings(config);
    rl_buffer error = {0};
    if (!rl_log_open(set->logfile)) {
        rl_buffer_printf(&error, "cannot open the log file '%s': %s; %s", set->logfile,
                         strerror(errno),
                         errno == ENOENT   ? "make its directory, or choose another with --logfile"
                         : errno == EISDIR ? "--logfile takes the path of a file"
                                           : "the user that the server runs as must be able to "
                                             "write it, or --logfile name another");
        return fail("", &error);
    }
    rl_log_set_level(set->loglevel);
    if (set->syslog_enabled)
        rl_log_syslog_start(set->syslog_ident, set->syslog_facility);
    if (!rl_supervise_begin(set, &error))
        return fail("", &error);
    rl_log(RL_LOG_NOTICE, "Rubellite %s (%s) starting, pid %d", RUBELLITE_VERSION,
           RUBELLITE_GIT_SHA, (int)getpid());
    rl_config_log_ignored(config);
    fit_maxclients(config);
    rl_server_options options = {config, rl_commands, rl_commands_count, executable};
    rl_server *server = rl_server_create(&options, &error);
    if (server == NULL) {
        rl_log(RL_LOG_WARNING, "Cannot start: %s", rl_buffer_cstr(&error));
        rl_supervise_failed(rl_buffer_cstr(&error));
        return set->logfile && *set->logfile ? fail("cannot start: ", &error)
                                             : (rl_buffer_release(&error), 1);
    }
    announce(server);
    rl_supervise_ready(set);
    rl_server_run(server);
    rl_supervise_stopping(set);
    int code = rl_server_free(server);
    rl_supervise_end(set);
    rl_log(RL_LOG_NOTICE, "Bye");
    return code;
}

/* The options that are not directives; each ends the program. */
static const struct {
    const char *name, *short_name;
    int (*run)(void);
} questions[] = {{"--help", "-h", print_help}, {"--version", "-v", print_version}};

static const struct {
    const char *name;
    void (*write)(rl_buffer *out);
} generated[] = {{"--print-example-config", rl_config_print_example},
                 {"--print-config-docs", rl_config_print_markdown}};

static int check_config(rl_config *config) {
    const char *path = rl_config_path(config);
    printf("%s: the configuration is good\n", *path ? path : "command line");
    return 0;
}

/* Takes an option that is no directive out of the arguments, wherever it stands. */
static bool take_option(int *argc, char **argv, const char *name) {
    int kept = 1;
    for (int i = 1; i < *argc; i++)
        if (strcmp(argv[i], name) != 0)
            argv[kept++] = argv[i];
    bool taken = kept < *argc;
    *argc = kept;
    argv[kept] = NULL;
    return taken;
}

int main(int argc, char **argv) {
    rl_clock_init();
    rl_hash_init();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    bool check_only = take_option(&argc, argv, "--check-config");
    for (size_t i = 0; argc > 1 && i < sizeof questions / sizeof *questions; i++)
        if (strcmp(argv[1], questions[i].name) == 0 ||
            strcmp(argv[1], questions[i].short_name) == 0)
            return questions[i].run();
    for (size_t i = 0; argc == 2 && i < sizeof generated / sizeof *generated; i++)
        if (strcmp(argv[1], generated[i].name) == 0)
            return print_generated(generated[i].write);
    if (argc > 1 && argv[1][0] == '-' && argv[1][1] != '-' && argv[1][1] != '\0') {
        fprintf(stderr,
                "rubellite-server: unknown option '%s': directives begin with two dashes, "
                "such as --port 7777; rubellite-server --help lists them\n",
                argv[1]);
        return 1;
    }
    rl_config *config = rl_config_create();
    rl_buffer error = {0};
    int code;
    if (!rl_config_load_args(config, argc - 1, argv + 1, &error) ||
        !rl_config_finish(config, &error))
        code = fail("", &error);
    else if (check_only)
        code = check_config(config);
    else
        code = serve(config, argv[0]);
    rl_config_free(config);
    return code;
}
