/* SPDX-License-Identifier: MIT */
/* Config files and the command line. */
#include "unit/server/config_util.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNT(array) (int)(sizeof(array) / sizeof((array)[0]))

static char dir[64];

static void setup(void) {
    config_setup();
    snprintf(dir, sizeof(dir), "/tmp/rubellite-test-XXXXXX");
    cr_assert(mkdtemp(dir));
}

/* Every test's files are plain files in its directory. */
static void teardown(void) {
    DIR *d = opendir(dir);
    for (struct dirent *e; d && (e = readdir(d));)
        unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        closedir(d);
    rmdir(dir);
    config_teardown();
}

TestSuite(config_file, .init = setup, .fini = teardown);

static const char *path_of(const char *name) {
    static char path[128];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    return path;
}

static void put(const char *name, const char *text) {
    FILE *f = fopen(path_of(name), "w");
    cr_assert(f);
    fputs(text, f);
    cr_assert_eq(fclose(f), 0);
}

static bool load_file(const char *name) {
    rl_buffer_clear(&error);
    return rl_config_load_file(config, path_of(name), &error);
}

static bool load_args(int argc, const char *const *argv) {
    rl_buffer_clear(&error);
    return rl_config_load_args(config, argc, (char **)argv, &error);
}
#define args(...)                                                                                  \
    load_args(COUNT(((const char *const[]){__VA_ARGS__})), (const char *const[]){__VA_ARGS__})

Test(config_file, lines_comments_quotes_and_line_ends)
{
    cr_expect(load("\xef\xbb\xbf# comment\r\n\r\n  PORT 7000\r\n\t# another\n"
                   "requirepass \"a \\\"b\\\"\\x21\"\nlogfile 'x y'\nmaxclients\t50"),
              "%s", last_error());
    cr_expect_eq(settings->port, 7000);
    cr_expect_str_eq(settings->requirepass, "a \"b\"!");
    cr_expect_str_eq(settings->logfile, "x y");
    cr_expect_eq(settings->maxclients, 50);
}

Test(config_file, errors_name_file_line_directive_and_what_was_expected)
{
    expect_fails(load("\n\nport abc\n"),
                 "t.conf:3: 'port': expected a number from 0 to 65535, not \"abc\"");
    expect_fails(load("port 70000"),
                 "t.conf:1: 'port': expected a number from 0 to 65535, not \"70000\"");
    expect_fails(load("port"),
                 "t.conf:1: 'port': expected a number from 0 to 65535, but there is no value");
    expect_fails(load("port 1 # listen"), "t.conf:1: 'port': expected a number from 0 to 65535, "
                                          "not 3 values (a comment needs a line of its own)");
    expect_fails(load("loglevel loud"), "t.conf:1: 'loglevel': expected debug, verbose, notice or "
                                        "warning, not \"loud\"");
    expect_fails(load("protected-mode 1"),
                 "t.conf:1: 'protected-mode': expected yes or no, not \"1\"");
    expect_fails(load("journal-segment-size 1kb"),
                 "t.conf:1: 'journal-segment-size': expected an amount of memory such as 100mb, "
                 "from 64kb to 1gb, not \"1kb\"");
    expect_fails(load("unixsocketperm 888"),
                 "t.conf:1: 'unixsocketperm': expected an octal number up to 777, not \"888\"");
    expect_fails(load("save 1"), "t.conf:1: 'save': Invalid save parameters; expected pairs of "
                                 "seconds and changes such as 3600 1 300 100, or \"\", not \"1\"");
    expect_fails(load("dbfilename a/b"),
                 "t.conf:1: 'dbfilename': dbfilename can't be a path, just a filename; expected "
                 "the name of a file in dir, or :memory:, not \"a/b\"");
    expect_fails(load("port \"7"),
                 "t.conf:1: 'port': unbalanced quotes, or a closing quote that no blank follows");
}

Test(config_file, unknown_names_get_a_hint)
{
    expect_fails(load("prot 1"), "t.conf:1: 'prot': no such directive; did you mean 'port'?");
    expect_fails(load("maxclient 1"),
                 "t.conf:1: 'maxclient': no such directive; did you mean 'maxclients'?");
    expect_fails(load("slave-priorty 1"),
                 "t.conf:1: 'slave-priorty': no such directive; did you mean 'slave-priority'?");
    expect_fails(load("something-else-altogether 1"),
                 "t.conf:1: 'something-else-altogether': no such directive");
    expect_fails(load("port=7000"), "t.conf:1: 'port': a blank separates a directive from its "
                                    "value: port value");
}

Test(config_file, a_password_is_never_shown)
{
    static const char *const lines[] = {
        "requirepass hunter2 hunter2", "requirepass \"hunter2", "requirepass=hunter2",
        "requirepass: hunter2",        "masterauth hunter2 x",  "requirepas hunter2",
    };
    for (int i = 0; i < COUNT(lines); i++) {
        cr_expect_not(load(lines[i]));
        cr_expect_null(strstr(last_error(), "hunter2"), "%s", last_error());
    }
}

Test(config_file, reading_stops_at_the_first_bad_line)
{
    cr_expect_not(load("timeout 5\nport x\nhz 20\n"));
    cr_expect_eq(settings->timeout_s, 5);
    cr_expect_eq(settings->hz, 10);
}

Test(config_file, lists_add_up_within_a_load)
{
    cr_expect(load("save 900 1\nsave 300 10 60 100\n"));
    cr_expect_str_eq(settings->save, "900 1 300 10 60 100");
    cr_expect(load("save \"\"\n"));
    cr_expect_str_eq(settings->save, "");
    cr_expect(load("save \"5 5 6 6\"\n"));
    cr_expect_str_eq(settings->save, "5 5 6 6");
    cr_expect(load("client-output-buffer-limit normal 1mb 0 0\n"
                   "client-output-buffer-limit replica 2mb 1mb 5\n"));
    cr_expect_eq(settings->output_limit[RL_CLIENT_NORMAL].hard_bytes, 1u << 20);
    cr_expect_eq(settings->output_limit[RL_CLIENT_REPLICA].soft_bytes, 1u << 20);
    cr_expect(load("bind 127.0.0.1 -::1\nbind ::1\n"));
    cr_expect_str_eq(settings->bind[0], "::1");
    cr_expect_null(settings->bind[1]);
}

Test(config_file, promises_cannot_be_switched_silently)
{
    expect_fails(load("cluster-enabled yes"),
                 "t.conf:1: 'cluster-enabled': there is no cluster mode; expected no");
    cr_expect(load("cluster-enabled no\ntls-port 0\nmin-replicas-to-write 0\naclfile \"\"\n"
                   "replicaof no one\n"),
              "%s", last_error());
    static const char *const refused[] = {
        "replicaof 10.0.0.1 6379", "slaveof 10.0.0.1 6379",   "tls-port 6380",
        "tls-cluster yes",         "min-replicas-to-write 1", "aclfile /etc/users.acl",
        "loadmodule /x.so",        "user bob on nopass",      "sentinel monitor m h 1 2"};
    for (int i = 0; i < COUNT(refused); i++)
        cr_expect_not(load(refused[i]), "%s", refused[i]);
}

Test(config_file, renames_keep_their_order)
{
    cr_expect(load("rename-command FLUSHALL \"\"\nrename-command get fetch\n"));
    const char *from, *to;
    cr_assert_eq(rl_config_renames(config), 2u);
    rl_config_rename_at(config, 0, &from, &to);
    expect_text(from, "FLUSHALL");
    expect_text(to, "");
    rl_config_rename_at(config, 1, &from, &to);
    expect_text(from, "get");
    expect_text(to, "fetch");
    expect_fails(load("rename-command get"), "t.conf:1: 'rename-command': expected a command and "
                                             "its new name (\"\" removes it)");
}

Test(config_file, includes_are_read_in_place)
{
    put("main.conf", "port 1\ninclude part-*.conf\ninclude none-*.conf\nhz 33\n");
    put("part-a.conf", "port 2\nhz 22\n");
    put("part-b.conf", "port 3\n");
    cr_expect(load_file("main.conf"), "%s", last_error());
    cr_expect_eq(settings->port, 3);
    cr_expect_eq(settings->hz, 33);
    cr_expect_str_eq(rl_config_path(config), path_of("main.conf"));
}

Test(config_file, include_errors)
{
    put("main.conf", "include missing.conf\n");
    cr_expect_not(load_file("main.conf"));
    cr_expect(strstr(last_error(), "main.conf:1: 'include': cannot open 'missing.conf'"), "%s",
              last_error());
    put("main.conf", "include main.conf\n");
    cr_expect_not(load_file("main.conf"));
    cr_expect(strstr(last_error(), "do they include each other?"), "%s", last_error());
    put("main.conf", "include part.conf\n");
    put("part.conf", "\nport x\n");
    cr_expect_not(load_file("main.conf"));
    cr_expect(strstr(last_error(), "part.conf:2: 'port': expected"), "%s", last_error());
    expect_fails(load("include x"), "t.conf:1: 'include': not possible here");
}

Test(config_file, files_that_cannot_be_read)
{
    cr_expect_not(load_file("missing.conf"));
    cr_expect(strstr(last_error(), "No such file"), "%s", last_error());
    rl_buffer_clear(&error);
    cr_expect_not(rl_config_load_file(config, dir, &error));
    cr_expect(strstr(last_error(), "Is a directory"), "%s", last_error());
    cr_expect_str_eq(rl_config_path(config), "");
}

Test(config_file, arguments)
{
    cr_expect(args("--port", "7000", "--bind", "127.0.0.1", "-::1", "--save", "", "--HZ", "20"),
              "%s", last_error());
    cr_expect_eq(settings->port, 7000);
    cr_expect_str_eq(settings->bind[1], "-::1");
    cr_expect_str_eq(settings->save, "");
    cr_expect_eq(settings->hz, 20);
    cr_expect(args("--save", "60", "1", "--port 6", "--timeout", "5"), "%s", last_error());
    cr_expect_str_eq(settings->save, "60 1");
    cr_expect_eq(settings->port, 6);
    cr_expect_eq(settings->timeout_s, 5);
    cr_expect(args("--save", "--port", "8"));
    cr_expect_str_eq(settings->save, "");
    cr_expect_eq(settings->port, 8);
    cr_expect(args("--requirepass", "--secret", "--port", "9"));
    cr_expect_str_eq(settings->requirepass, "--secret");
    cr_expect(args("--logfile", "a \"b"), "%s", last_error());
    cr_expect_str_eq(settings->logfile, "a \"b"); /* a value is taken as it is */
}

Test(config_file, bad_arguments)
{
    expect_fails(args("--port"), "command line: 'port': expected a number from 0 to 65535, but "
                                 "there is no value");
    expect_fails(args("--port=7000"), "command line: 'port': a blank separates a directive from "
                                      "its value: --port value");
    expect_fails(args("--port", "1", "2"), "command line: 'port': expected a number from 0 to "
                                           "65535, not 2 values");
    expect_fails(args("--"), "command line: '--': expected the name of a directive behind --");
    expect_fails(args("--prot", "1"),
                 "command line: 'prot': no such directive; did you mean 'port'?");
}

Test(config_file, a_file_comes_first_and_arguments_win)
{
    put("main.conf", "port 1\nhz 20\n");
    cr_expect(args(path_of("main.conf"), "--port", "2"), "%s", last_error());
    cr_expect_eq(settings->port, 2);
    cr_expect_eq(settings->hz, 20);
}

Test(config_file, finish_makes_dir_absolute)
{
    rl_bytes text;
    rl_buffer line = {0};
    rl_buffer_printf(&line, "dir %s/./\n", dir);
    text = rl_buffer_bytes(&line);
    cr_expect(rl_config_load_text(config, "t.conf", text, &error));
    cr_expect(rl_config_finish(config, &error), "%s", last_error());
    cr_expect_str_eq(settings->dir, dir);
    rl_buffer_release(&line);
}

Test(config_file, finish_checks_the_whole)
{
    cr_expect(load("port 0\n"));
    rl_buffer_clear(&error);
    cr_expect_not(rl_config_finish(config, &error));
    cr_expect(strstr(last_error(), "nothing to listen on"), "%s", last_error());
    cr_expect(load("unixsocket /tmp/s\n"));
    cr_expect(rl_config_finish(config, &error));
    cr_expect(load("maxmemory 1mb\n\nmaxmemory-policy allkeys-lru\n"));
    rl_buffer_clear(&error);
    cr_expect_not(rl_config_finish(config, &error));
    cr_expect(strstr(last_error(), "t.conf:3: 'maxmemory-policy': "), "%s", last_error());
}

/* What the log says of a text, by way of a file. */
static const char *logged(const char *text) {
    static char out[2048];
    cr_assert(load(text), "%s", last_error());
    cr_assert(rl_log_open(path_of("log")));
    rl_log_set_level(RL_LOG_NOTICE);
    rl_config_log_ignored(config);
    cr_assert(rl_log_open(NULL));
    FILE *f = fopen(path_of("log"), "r");
    cr_assert(f);
    out[fread(out, 1, sizeof(out) - 1, f)] = '\0';
    fclose(f);
    unlink(path_of("log"));
    return out;
}

Test(config_file, ignored_directives_are_named_once)
{
    expect_text(logged("port 1\nrequirepass x\nsave \"\"\n"), "");
    const char *log = logged("rdbcompression yes\nmasterauth hunter2\nio-threads 4\nsave 9 1\n");
    cr_expect(strstr(log, "having no meaning here: rdbcompression, masterauth, io-threads\n"), "%s",
              log);
    cr_expect(strstr(log, "save \"9 1\" is ignored"), "%s", log);
    cr_expect_null(strstr(log, "hunter2"));
}
