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

/* Every refusal names what it is about and says what to do. */
Test(process, refusals_say_what_to_do)
{
    char file[128], log_dir[128], unix_file[160], none[128], long_path[256];
    snprintf(file, sizeof file, "--dir %s", s->log_path); /* a file */
    snprintf(log_dir, sizeof log_dir, "--logfile %s", s->data);
    snprintf(none, sizeof none, "--unixsocket %s/none/sock", s->top);
    snprintf(unix_file, sizeof unix_file, "--unixsocket %s", s->log_path);
    snprintf(long_path, sizeof long_path, "--unixsocket /tmp/%0150d", 0);
    const struct {
        const char *arguments, *what, *advice;
    } cases[] = {
        {"--dir /nowhere/at/all", "/nowhere/at/all: there is no such directory", "--dir"},
        {file, "log: is not a directory", "--dir"},
        {"--logfile /nowhere/at/all/log", "'/nowhere/at/all/log': No such file", "--logfile"},
        {log_dir, "data': Is a directory", "--logfile"},
        {none, "none/sock: its directory does not exist", "--unixsocket"},
        {unix_file, "log: there is something that is not a socket", "--unixsocket"},
        {long_path, "longer than the 107 bytes", "path"},
        {"--bind 203.0.113.77", "203.0.113.77 port", "no such address; correct --bind"},
        {"--bind -203.0.113.77", "none of the addresses in bind (-203.0.113.77)", "correct --bind"},
        {"--bind -203.0.113.77 -203.0.113.78", "bind (-203.0.113.77 …)", "correct --bind"},
        {"--bind no/host", "'no/host' is neither an address nor the name", "such as 127.0.0.1"},
        {"--unixsocketperm 999", "'unixsocketperm'", "expected an octal number up to 777"},
        {"--appendfsync", "'appendfsync': expected everysec, always or no", "there is no value"},
    };
    struct stat before, after;
    cr_assert_neq(test_server_refuse(s, "--port"), 0);
    cr_assert_eq(stat(s->log_path, &before), 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(truncate(s->log_path, 0), 0);
        cr_assert_neq(test_server_refuse(s, cases[i].arguments), 0, "%s", cases[i].arguments);
        expect_log(cases[i].what);
        expect_log(cases[i].advice);
    }
    cr_assert_eq(stat(s->log_path, &after), 0);
    cr_assert_eq(after.st_ino, before.st_ino, "the file in the socket's place was taken away");
}

Test(process, a_port_in_use_is_named)
{
    char port[32], place[64];
    test_server_start(s, NULL);
    test_server *other = test_server_create();
    snprintf(port, sizeof port, "--port %d", s->port);
    snprintf(place, sizeof place, "127.0.0.1 port %d: another program listens there", s->port);
    cr_assert_neq(test_server_refuse(other, port), 0);
    cr_assert_not_null(strstr(test_server_log(other), place), "%s", test_server_log(other));
    test_server_free(other);
}

/* Root may write anywhere, so it is another user that is refused. */
Test(process, files_of_another_user_are_refused_with_advice)
{
    char path[128];
    snprintf(path, sizeof path, "%s/rubellite.lock", s->data);
    FILE *f = fopen(path, "w");
    cr_assert_not_null(f);
    fclose(f);
    cr_assert_eq(chmod(path, 0400), 0);
    cr_assert_eq(chmod(s->top, 0755), 0);
    if (geteuid() == 0)
        test_server_run_as(s, 65534);
    cr_assert_neq(test_server_refuse(s, NULL), 0);
    expect_log("rubellite.lock: Permission denied");
    expect_log("chown");
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
    snprintf(arguments, sizeof arguments, "%s --check-config", config_file("port 7000\n"));
    cr_assert_eq(run_with(arguments, out, sizeof out), 0, "%s", out);
    cr_assert_not_null(strstr(out, "the configuration is good"), "%s", out);
    snprintf(arguments, sizeof arguments, "%s --check-config --port many", config_file(""));
    cr_assert_neq(run_with(arguments, out, sizeof out), 0);
    cr_assert_not_null(strstr(out, "not \"many\""), "%s", out);
    cr_assert_eq(run_with("--port 7000 --check-config --save ''", out, sizeof out), 0, "%s", out);
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

Test(process, a_unix_socket_in_use_is_not_taken_over)
{
    char arguments[256];
    snprintf(arguments, sizeof arguments, "--unixsocket %s", s->sock_path);
    test_server_start(s, arguments);
    test_server *other = test_server_create();
    cr_assert_neq(test_server_refuse(other, arguments), 0);
    const char *log = test_server_log(other);
    cr_assert(strstr(log, s->sock_path) && strstr(log, "in use by a running server"), "%s", log);
    test_server_free(other);
    redisContext *c = redisConnectUnix(s->sock_path);
    cr_assert(c && c->err == 0, "%s", c ? c->errstr : "");
    ASSERT_ASK(c, "PONG", "PING");
    redisFree(c);
}

/* ---- addresses ---- */

Test(process, listens_on_the_name_of_a_host)
{
    char line[64];
    test_server_start(s, "--bind LocalHost");
    snprintf(line, sizeof line, "Listening on LocalHost (127.0.0.1) port %d", s->port);
    expect_log(line);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "OK", "CONFIG SET bind %s", "localhost -203.0.113.77");
    expect_log("Not listening on 203.0.113.77");
    redisContext *again = test_connect(s);
    ASSERT_ASK(again, "PONG", "PING");
    redisFree(again);
    redisFree(c);
}

/* A name is looked up at the start, which may take its time; from then on it is known. "127.1" is
 * no address as such, and the resolver takes it without asking anybody. */
Test(process, a_name_of_the_start_may_be_used_again_and_no_other)
{
    static const char refusal[] = "-ERR CONFIG SET failed (possibly related to argument 'bind') - "
                                  "'127.3' is not an address, and names of hosts are looked up";
    test_server_start(s, "--bind 127.1 127.0.0.2");
    expect_log("Listening on 127.1 (127.0.0.1) port");
    redisContext *c = test_connect(s);
    const char *answer = test_ask(c, "CONFIG SET bind %s", "127.0.0.1 127.3");
    cr_assert_eq(strncmp(answer, refusal, sizeof refusal - 1), 0, "%s", answer);
    ASSERT_ASK(c, "[bind 127.1 127.0.0.2]", "CONFIG GET bind");
    ASSERT_ASK(c, "OK", "CONFIG SET bind 127.1");
    redisContext *again = test_connect(s);
    ASSERT_ASK(again, "[bind 127.1]", "CONFIG GET bind");
    redisFree(again);
    redisFree(c);
}

Test(process, config_set_of_addresses_is_all_or_nothing)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    static const char *const bad[] = {"203.0.113.77", "127.0.0.1 203.0.113.77", "-203.0.113.77"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ASSERT_ASK(c,
                   "-ERR CONFIG SET failed (possibly related to argument 'bind') - Failed to bind "
                   "to specified addresses.",
                   "CONFIG SET bind %s", bad[i]);
        ASSERT_ASK(c, "[bind 127.0.0.1]", "CONFIG GET bind");
        redisContext *again = test_connect(s);
        ASSERT_ASK(again, "PONG", "PING");
        redisFree(again);
    }
    expect_log("CONFIG SET bind: cannot listen on 203.0.113.77 port");
    expect_log("CONFIG SET bind: this machine has none of the addresses");
    ASSERT_ASK(c, "OK", "CONFIG SET port 0");
    expect_log("listening on no TCP port now: only clients that are connected can change that");
    redisFree(c);
}

/* ---- settings that the system or the server has no use for ---- */

Test(process, maxclients_cannot_exceed_the_open_files)
{
    static const char refusal[] = "-ERR CONFIG SET failed (possibly related to argument "
                                  "'maxclients') - The operating system is not able to handle the "
                                  "specified number of clients, try with ";
    char want[64];
    s->most_files = 300;
    test_server_start(s, NULL);
    expect_log("maxclients is lowered from 10000 to ");
    redisContext *c = test_connect(s);
    long long most = test_info(c, "maxclients");
    cr_assert(most > 100 && most < 300, "%lld", most);
    const char *answer = test_ask(c, "CONFIG SET maxclients 5000 timeout 77");
    cr_assert_eq(strncmp(answer, refusal, sizeof refusal - 1), 0, "%s", answer);
    cr_assert_eq(strtoll(answer + sizeof refusal - 1, NULL, 10), most);
    cr_assert_eq(test_info(c, "maxclients"), most);
    ASSERT_ASK(c, "[timeout 0]", "CONFIG GET timeout");
    ASSERT_ASK(c, "OK", "CONFIG SET maxclients 50");
    snprintf(want, sizeof want, "CONFIG SET maxclients %lld", most);
    ASSERT_ASK(c, "OK", want);
    redisFree(c);
}

static int count_in_log(const char *text) {
    int count = 0;
    for (const char *at = test_server_log(s); (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

Test(process, setting_what_has_no_effect_is_said_once)
{
    test_server_start(s, "--activedefrag no");
    redisContext *c = test_connect(s);
    for (int i = 0; i < 3; i++) {
        ASSERT_ASK(c, "OK", "CONFIG SET lazyfree-lazy-expire yes repl-timeout %d", 60 + i);
        ASSERT_ASK(c, "OK", "CONFIG SET save %s timeout 5", "60 1");
        ASSERT_ASK(c, "OK", "CONFIG SET activedefrag yes");
    }
    cr_assert_eq(count_in_log("CONFIG SET lazyfree-lazy-expire: accepted, and without effect"), 1);
    cr_assert_eq(count_in_log("CONFIG SET repl-timeout: accepted, and without effect here. Repl"),
                 1);
    cr_assert_eq(count_in_log("CONFIG SET save: "), 1);
    cr_assert_eq(count_in_log("CONFIG SET timeout"), 0);
    cr_assert_eq(count_in_log("activedefrag"), 1); /* the start said it */
    redisFree(c);
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
