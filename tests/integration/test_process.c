/* SPDX-License-Identifier: MIT */
/* The process: how it starts, refuses to start, and ends. */
#include <criterion/criterion.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server.h"

static test_server *s;

static void setup(void) {
    s = test_server_create();
}

static void teardown(void) {
    test_server_free(s);
}

TestSuite(process, .init = setup, .fini = teardown);

static void expect_log(const char *text) {
    cr_assert_not_null(strstr(test_server_log(s), text), "\"%s\" is not in the log:\n%s", text,
                       test_server_log(s));
}

/* ---- start ---- */

Test(process, says_where_it_listens_and_what_it_loaded)
{
    char line[64];
    test_server_start(s, NULL);
    snprintf(line, sizeof line, "port %d", s->port);
    expect_log(line);
    expect_log("data.db: 0 keys loaded in");
    expect_log("Ready to accept connections");
}

Test(process, two_servers_on_one_directory_are_refused)
{
    char pid[32];
    test_server_start(s, NULL);
    test_server other = *s;
    snprintf(other.log_path, sizeof other.log_path, "%s/other-log", s->top);
    cr_assert_neq(test_server_refuse(&other, NULL), 0);
    snprintf(pid, sizeof pid, "%d", (int)s->pid);
    const char *log = test_server_log(&other);
    cr_assert(strstr(log, pid) && strstr(log, s->data), "it says who holds the directory:\n%s",
              log);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "PONG", "PING");
    redisFree(c);
    cr_assert_eq(test_server_stop(s), 0);
    test_server_start(s, NULL);
}

Test(process, a_missing_directory_is_refused)
{
    cr_assert_neq(test_server_refuse(s, "--dir /nowhere/at/all"), 0);
    expect_log("/nowhere/at/all");
}

static const char *config_file(const char *text) {
    static char path[128];
    snprintf(path, sizeof path, "%s/test.conf", s->top);
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    fputs(text, f);
    fclose(f);
    return path;
}

/* Runs the program to its end; `out` is what it printed. Returns 0 when it ended well. */
static int run_with(const char *arguments, char *out, size_t out_len) {
    char command[512];
    snprintf(command, sizeof command, "%s %s 2>&1", getenv("RUBELLITE_SERVER"), arguments);
    FILE *f = popen(command, "r");
    cr_assert_not_null(f);
    out[fread(out, 1, out_len - 1, f)] = '\0';
    return pclose(f);
}

Test(process, a_bad_line_stops_the_start_with_its_place)
{
    static const struct {
        const char *text, *place, *what;
    } cases[] = {
        {"port 0\n\nprot 6379\n", "test.conf:3", "prot"},
        {"# fine\nappendfsync sometimes\n", "test.conf:2", "everysec"},
        {"maxclients many\n", "test.conf:1", "maxclients"},
        {"dir 'x\n", "test.conf:1", "dir"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char out[4096];
        cr_assert_neq(run_with(config_file(cases[i].text), out, sizeof out), 0);
        cr_assert(strstr(out, cases[i].place) && strstr(out, cases[i].what), "case %zu printed %s",
                  i, out);
    }
}

Test(process, check_config_checks_and_ends)
{
    char out[4096], arguments[256];
    snprintf(arguments, sizeof arguments, "--check-config %s", config_file("port 7000\n"));
    cr_assert_eq(run_with(arguments, out, sizeof out), 0, "%s", out);
    snprintf(arguments, sizeof arguments, "--check-config %s", config_file("port 70000\n"));
    cr_assert_neq(run_with(arguments, out, sizeof out), 0);
    cr_assert_not_null(strstr(out, "test.conf:1"), "%s", out);
}

Test(process, answers_questions_about_itself)
{
    char out[1 << 16];
    cr_assert_eq(run_with("--version", out, sizeof out), 0);
    cr_assert_eq(strncmp(out, "Rubellite server v=", 19), 0);
    cr_assert_eq(run_with("--help", out, sizeof out), 0);
    cr_assert_not_null(strstr(out, "--appendfsync"));
    cr_assert_neq(run_with("--no-such-directive 1", out, sizeof out), 0);
    cr_assert_not_null(strstr(out, "no-such-directive"), "%s", out);
}

Test(process, directives_are_obeyed)
{
    char out[4096];
    test_server_start(s, "--requirepass secret --maxmemory 100mb --rename-command FLUSHALL gone");
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "-NOAUTH Authentication required.", "GET k");
    ASSERT_ASK(c, "OK", "AUTH secret");
    ASSERT_ASK(c, "[maxmemory 104857600]", "CONFIG GET maxmemory");
    const char *answer = test_ask(c, "FLUSHALL");
    cr_assert_eq(strncmp(answer, "-ERR unknown command 'FLUSHALL'", 31), 0, "%s", answer);
    ASSERT_ASK(c, "OK", "gone");
    snprintf(out, sizeof out, "%s", test_server_log(s));
    cr_assert_null(strstr(out, "secret"), "a password must not be logged");
    redisFree(c);
}

Test(process, config_rewrite_needs_a_file)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "-ERR The server is running without a config file", "CONFIG REWRITE");
    redisFree(c);
}

/* ---- Unix sockets ---- */

Test(process, listens_on_a_unix_socket_and_removes_it)
{
    char arguments[256];
    struct stat st;
    snprintf(arguments, sizeof arguments, "--unixsocket %s --unixsocketperm 700", s->sock_path);
    test_server_start(s, arguments);
    cr_assert_eq(stat(s->sock_path, &st), 0);
    cr_assert_eq(st.st_mode & 0777, 0700);
    redisContext *c = redisConnectUnix(s->sock_path);
    cr_assert(c && c->err == 0, "%s", c ? c->errstr : "");
    ASSERT_ASK(c, "OK", "SET k v");
    const char *list = test_ask(c, "CLIENT LIST");
    cr_assert_not_null(strstr(list, s->sock_path), "%s", list);
    redisFree(c);
    test_server_kill(s);
    test_server_start(s, arguments); /* over the socket file that the kill left behind */
    c = redisConnectUnix(s->sock_path);
    ASSERT_ASK(c, "v", "GET k");
    redisFree(c);
    cr_assert_eq(test_server_stop(s), 0);
    cr_assert_neq(stat(s->sock_path, &st), 0);
}

/* ---- end ---- */

Test(process, sigterm_and_sigint_end_it_cleanly)
{
    static const int signals[] = {SIGTERM, SIGINT};
    for (int i = 0; i < 2; i++) {
        test_server_start(s, NULL);
        redisContext *c = test_connect(s);
        ASSERT_ASK(c, "OK", "SET k%d v", i);
        test_server_signal(s, signals[i]);
        cr_assert_eq(test_server_wait(s), 0);
        expect_log(i ? "Received SIGINT" : "Received SIGTERM");
        expect_log("Bye");
        ASSERT_ASK(c, "(closed)", "PING");
        redisFree(c);
    }
}

/* Whatever is answered before the end is kept, and every answer that was owed is sent. */
Test(process, a_stop_drains_what_was_answered)
{
    static const char *const modes[] = {"--appendfsync always", "--appendfsync everysec"};
    enum { COUNT = 50000 };
    for (int i = 0; i < 2; i++) {
        long long answered = 0, last = 0, value;
        test_server_start(s, modes[i]);
        redisContext *c = test_connect(s);
        ASSERT_ASK(c, "OK", "SET n 0");
        for (int k = 0; k < COUNT; k++)
            redisAppendCommand(c, "INCR n");
        cr_assert_str_eq(test_answer(c), "1");
        test_server_signal(s, SIGTERM);
        for (answered = 1;; answered++) {
            const char *text = test_answer(c);
            if (strcmp(text, "(closed)") == 0)
                break;
            last = strtoll(text, NULL, 10);
            cr_assert_eq(last, answered + 1);
        }
        redisFree(c);
        cr_assert_eq(test_server_wait(s), 0);
        test_server_start(s, modes[i]);
        c = test_connect(s);
        value = strtoll(test_ask(c, "GET n"), NULL, 10);
        cr_assert_geq(value, answered);
        cr_assert_leq(value, COUNT);
        redisFree(c);
        test_server_kill(s);
    }
}

/* A client that does not read what it asked for holds up a stop, for shutdown-timeout. */
Test(process, a_second_signal_ends_at_once)
{
    test_server_start(s, "--shutdown-timeout 3600");
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "20000001", "SETRANGE big 20000000 x");
    redisFree(c);
    int fd = test_socket(s);
    for (int i = 0; i < 8; i++)
        test_send_text(fd, "GET big\r\n");
    test_skip(fd, 1); /* it has begun to answer */
    test_server_signal(s, SIGTERM);
    test_server_wait_for_log(s, "Received SIGTERM");
    test_server_signal(s, SIGTERM);
    cr_assert_eq(test_server_wait(s), 128 + SIGTERM);
    close(fd);
    test_server_start(s, NULL);
    c = test_connect(s);
    ASSERT_ASK(c, "20000001", "STRLEN big");
    redisFree(c);
}

/* One that reads late gets everything. */
Test(process, a_stop_waits_for_clients_that_read_late)
{
    enum { SIZE = 20000001, COUNT = 8 };
    test_server_start(s, "--shutdown-timeout 3600");
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "20000001", "SETRANGE big 20000000 x");
    redisFree(c);
    int fd = test_socket(s);
    for (int i = 0; i < COUNT; i++)
        test_send_text(fd, "GET big\r\n");
    test_skip(fd, 1);
    test_server_signal(s, SIGTERM);
    test_server_wait_for_log(s, "Received SIGTERM");
    cr_assert_eq(test_read_to_end(fd, NULL, 0) + 1, (size_t)COUNT * (SIZE + 13));
    cr_assert_eq(test_server_wait(s), 0);
    close(fd);
}

Test(process, shutdown_ends_it)
{
    static const char *const ways[] = {"SHUTDOWN", "SHUTDOWN SAVE", "SHUTDOWN NOSAVE",
                                       "SHUTDOWN NOW", "SHUTDOWN NOW FORCE"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        test_server_start(s, NULL);
        redisContext *c = test_connect(s);
        ASSERT_ASK(c, "OK", "SET k %d", (int)i);
        ASSERT_ASK(c, "(closed)", ways[i]);
        redisFree(c);
        cr_assert_eq(test_server_wait(s), 0, "%s", ways[i]);
        char want[8];
        snprintf(want, sizeof want, "%zu", i);
        test_server_start(s, NULL);
        c = test_connect(s);
        ASSERT_ASK(c, want, "GET k");
        redisFree(c);
        test_server_kill(s);
    }
}

Test(process, shutdown_refuses_odd_arguments)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "-ERR syntax error", "SHUTDOWN SOON");
    ASSERT_ASK(c, "-ERR syntax error", "SHUTDOWN SAVE NOSAVE");
    ASSERT_ASK(c, "-ERR No shutdown in progress.", "SHUTDOWN ABORT");
    redisFree(c);
}
