/* SPDX-License-Identifier: MIT */
/* Limits: too many, too much, too long, and ten thousand clients that do nothing. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server.h"

static test_server *s;

static void setup(void) {
    s = test_server_create();
}

static void teardown(void) {
    test_server_free(s);
}

TestSuite(limits, .init = setup, .fini = teardown);

/* ---- clients ---- */

Test(limits, maxclients_turns_the_next_one_away)
{
    enum { MOST = 5 };
    int fds[MOST];
    char text[128];
    test_server_start(s, "--maxclients 5");
    for (int i = 0; i < MOST; i++) {
        fds[i] = test_socket(s);
        test_send_text(fds[i], "PING\r\n");
        test_expect(fds[i], "+PONG\r\n");
    }
    int late = test_socket(s);
    test_read_to_end(late, text, sizeof text);
    cr_assert_str_eq(text, "-ERR max number of clients reached\r\n");
    close(late);
    test_send_text(fds[0], "QUIT\r\n");
    test_expect(fds[0], "+OK\r\n");
    cr_assert_eq(test_read_to_end(fds[0], NULL, 0), 0);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "PONG", "PING");
    cr_assert_eq(test_info(c, "rejected_connections"), 1);
    redisFree(c);
    for (int i = 0; i < MOST; i++)
        close(fds[i]);
}

/* ---- keys whose time is over ---- */

/* What INFO says of them: with their removal switched off all are overdue; then they go in several
 * turns. */
Test(limits, info_tells_the_truth_about_expiry)
{
    enum { KEYS = 2000, PER_TURN = 256 };
    test_server_start(s, "--enable-debug-command yes --hz 100");
    redisContext *c = test_connect(s);
    cr_assert_eq(test_info(c, "expired_stale_perc"), 0);
    ASSERT_ASK(c, "OK", "DEBUG SET-ACTIVE-EXPIRE 0");
    for (int i = 0; i < KEYS; i++)
        redisAppendCommand(c, "SET k%d v PX 1", i);
    for (int i = 0; i < KEYS; i++)
        cr_assert_str_eq(test_answer(c), "OK");
    TEST_WAIT_UNTIL(test_info(c, "expired_stale_perc") == 100);
    cr_assert_eq(test_info(c, "expired_time_cap_reached_count"), 0);
    ASSERT_ASK(c, "OK", "DEBUG SET-ACTIVE-EXPIRE 1");
    TEST_WAIT_UNTIL(test_info(c, "expired_keys") == KEYS);
    cr_assert_eq(test_info(c, "expired_time_cap_reached_count"), KEYS / PER_TURN);
    cr_assert_eq(test_info(c, "expired_stale_perc"), 0);
    cr_assert_geq(test_info(c, "expire_cycle_cpu_milliseconds"), 0);
    cr_assert_eq(test_info(c, "hz"), 10);
    cr_assert_eq(test_info(c, "configured_hz"), 100);
    ASSERT_ASK(c, "OK", "CONFIG RESETSTAT");
    cr_assert_eq(test_info(c, "expired_time_cap_reached_count"), 0);
    redisFree(c);
}

/* Room for this many descriptors here and in the server, or the test is skipped. */
static void need_files(rlim_t count) {
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    if (limit.rlim_cur >= count)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (limit.rlim_max < count || setrlimit(RLIMIT_NOFILE, &limit) != 0)
        cr_skip_test("this test needs %llu open files", (unsigned long long)count);
}

/* They come, each asks for something, and they go. Returns the memory in use then. */
static long long crowd(redisContext *c) {
    enum { COUNT = 10000 };
    static int fds[COUNT];
    long long before = test_info(c, "used_memory");
    for (int i = 0; i < COUNT; i++)
        fds[i] = test_socket(s);
    TEST_WAIT_UNTIL(test_info(c, "connected_clients") == COUNT + 1);
    long long each = (test_info(c, "used_memory") - before) / COUNT;
    cr_assert_lt(each, 2048, "an idle client takes %lld bytes", each);
    for (int i = 0; i < COUNT; i++)
        test_send_text(fds[i], "INCR n\r\n");
    for (int i = 0; i < COUNT; i++)
        cr_assert_eq(test_read_line(fds[i])[0], ':');
    for (int i = 0; i < COUNT; i++)
        close(fds[i]);
    TEST_WAIT_UNTIL(test_info(c, "connected_clients") == 1);
    return test_info(c, "used_memory");
}

Test(limits, ten_thousand_idle_clients)
{
    need_files(10200);
    test_server_start(s, "--maxclients 10100");
    redisContext *c = test_connect(s);
    long long once = crowd(c);
    ASSERT_ASK(c, "10000", "GET n");
    crowd(c); /* leaves nothing behind that the first did not leave for it */
    TEST_WAIT_UNTIL(test_info(c, "used_memory") - once < 2 << 20);
    redisFree(c);
}

Test(limits, idle_clients_are_closed_after_timeout)
{
    test_server_start(s, "--timeout 1");
    int idle = test_socket(s), half = test_socket(s), monitor = test_socket(s);
    test_send_text(half, "*2\r\n$3\r\nGE");
    test_send_text(monitor, "MONITOR\r\n");
    test_expect(monitor, "+OK\r\n");
    cr_assert_eq(test_read_to_end(idle, NULL, 0), 0);
    cr_assert_eq(test_read_to_end(half, NULL, 0), 0);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "PONG", "PING");
    redisFree(c);
    cr_assert_not_null(strstr(test_read_line(monitor), "PING"), "a monitor is not idle");
    close(idle);
    close(half);
    close(monitor);
}

/* ---- protected mode ---- */

/* An address of this machine that is not loopback. */
static bool own_address(char *out, socklen_t len) {
    struct ifaddrs *all;
    bool found = false;
    cr_assert_eq(getifaddrs(&all), 0);
    for (struct ifaddrs *i = all; i && !found; i = i->ifa_next)
        if (i->ifa_addr && i->ifa_addr->sa_family == AF_INET && !(i->ifa_flags & IFF_LOOPBACK)) {
            const struct sockaddr_in *in = (const struct sockaddr_in *)i->ifa_addr;
            found = inet_ntop(AF_INET, &in->sin_addr, out, len) != NULL;
        }
    freeifaddrs(all);
    return found;
}

Test(limits, protected_mode_answers_only_this_machine)
{
    char address[64], text[2048];
    if (!own_address(address, sizeof address))
        cr_skip_test("this machine has no address but loopback");
    test_server_start(s, "--bind 0.0.0.0 --protected-mode yes");
    int fd = test_socket_to(address, s->port);
    test_read_to_end(fd, text, sizeof text);
    cr_assert_eq(strncmp(text, "-DENIED ", 8), 0, "%s", text);
    close(fd);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "PONG", "PING");
    ASSERT_ASK(c, "OK", "CONFIG SET requirepass secret");
    fd = test_socket_to(address, s->port);
    test_send_text(fd, "PING\r\n");
    test_expect(fd, "-NOAUTH Authentication required.\r\n");
    test_send_text(fd, "AUTH secret\r\nPING\r\n");
    test_expect(fd, "+OK\r\n+PONG\r\n");
    close(fd);
    redisFree(c);
}

Test(limits, without_protected_mode_everybody_is_answered)
{
    char address[64];
    if (!own_address(address, sizeof address))
        cr_skip_test("this machine has no address but loopback");
    test_server_start(s, "--bind 0.0.0.0 --protected-mode no");
    int fd = test_socket_to(address, s->port);
    test_send_text(fd, "PING\r\n");
    test_expect(fd, "+PONG\r\n");
    close(fd);
}

/* ---- output ---- */

#define BIG   1000000
#define TIMES 200

/* A client that asks for a lot and reads nothing until the server has given it up. */
static void expect_closed_by_output_limit(const char *arguments) {
    test_server_start(s, arguments);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "1000000", "SETRANGE big 999999 x");
    int fd = test_socket(s);
    for (int i = 0; i < TIMES; i++)
        test_send_text(fd, "GET big\r\n");
    TEST_WAIT_UNTIL(test_info(c, "client_output_buffer_limit_disconnections") == 1);
    TEST_WAIT_UNTIL(test_info(c, "connected_clients") == 1);
    cr_assert_lt(test_read_to_end(fd, NULL, 0), (size_t)BIG * TIMES);
    test_server_wait_for_log(s, "output");
    close(fd);
    redisFree(c);
}

Test(limits, output_over_the_hard_limit_closes)
{ expect_closed_by_output_limit("--client-output-buffer-limit normal 20mb 0 0"); }

Test(limits, output_over_the_soft_limit_closes_after_its_seconds)
{ expect_closed_by_output_limit("--client-output-buffer-limit normal 0 1mb 1"); }

Test(limits, output_that_is_read_has_no_limit)
{
    test_server_start(s, "--client-output-buffer-limit normal 20mb 10mb 1");
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "1000000", "SETRANGE big 999999 x");
    int fd = test_socket(s);
    for (int i = 0; i < TIMES; i++) {
        test_send_text(fd, "GET big\r\n");
        test_skip(fd, BIG + 12);
    }
    test_send_text(fd, "PING\r\n");
    test_expect(fd, "+PONG\r\n");
    close(fd);
    redisFree(c);
}

Test(limits, a_slow_reader_does_not_hold_up_others)
{
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "1000000", "SETRANGE big 999999 x");
    int fd = test_socket(s);
    for (int i = 0; i < TIMES; i++)
        test_send_text(fd, "GET big\r\n");
    for (int i = 0; i < 1000; i++)
        ASSERT_ASK(c, "PONG", "PING");
    test_skip(fd, (size_t)TIMES * (BIG + 12));
    test_send_text(fd, "PING\r\n");
    test_expect(fd, "+PONG\r\n");
    close(fd);
    redisFree(c);
}

/* ---- input ---- */

Test(limits, input_over_the_query_buffer_limit_closes)
{
    static const char *const starts[] = {
        "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5000000\r\n", /* says so at once */
        "*1000000\r\n",                               /* many arguments */
    };
    test_server_start(s, "--client-query-buffer-limit 1mb");
    redisContext *c = test_connect(s);
    int fd = test_socket(s);
    test_send_text(fd, starts[0]);
    test_read_to_end(fd, NULL, 0);
    close(fd);
    fd = test_socket(s);
    test_send_text(fd, starts[1]);
    ssize_t sent = 0;
    while (sent >= 0)
        sent = send(fd, "$1\r\nx\r\n", 7, MSG_NOSIGNAL);
    close(fd);
    TEST_WAIT_UNTIL(test_info(c, "client_query_buffer_limit_disconnections") == 2);
    TEST_WAIT_UNTIL(test_info(c, "connected_clients") == 1);
    ASSERT_ASK(c, "(nil)", "GET k");
    redisFree(c);
}

Test(limits, a_bulk_over_its_limit_is_refused)
{
    char text[128];
    test_server_start(s, "--proto-max-bulk-len 1mb");
    int fd = test_socket(s);
    test_send_text(fd, "*2\r\n$3\r\nGET\r\n$1048577\r\n");
    test_read_to_end(fd, text, sizeof text);
    cr_assert_str_eq(text, "-ERR Protocol error: invalid bulk length\r\n");
    close(fd);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "1048576", "SETRANGE k 1048575 x");
    ASSERT_ASK(c, "-ERR string exceeds maximum allowed size (proto-max-bulk-len)", "APPEND k x");
    ASSERT_ASK(c, "-ERR string exceeds maximum allowed size (proto-max-bulk-len)",
               "SETRANGE k 1048576 x");
    redisFree(c);
}

/* Nobody gets memory for what is only announced. */
/* Sends SET or RENAME with a key (the last but `tail` of the arguments) of this many bytes. */
static void send_long_key(int fd, const char *head, size_t len, const char *tail) {
    char text[128];
    char *key = malloc(len);
    cr_assert_not_null(key);
    memset(key, 'k', len);
    snprintf(text, sizeof text, "%s$%zu\r\n", head, len);
    test_send_text(fd, text);
    test_send(fd, key, len);
    test_send_text(fd, tail);
    free(key);
}

Test(limits, a_key_that_no_row_can_hold_is_refused)
{
    const char *refusal =
        "-ERR key is longer than 256 MB, which no row of the database can hold\r\n";
    size_t len = 257u << 20;
    test_server_start(s, NULL);
    int fd = test_socket(s);
    send_long_key(fd, "*3\r\n$3\r\nSET\r\n", len, "\r\n$1\r\nv\r\n");
    test_expect(fd, refusal);
    test_send_text(fd, "SET a v\r\n");
    test_expect(fd, "+OK\r\n");
    send_long_key(fd, "*3\r\n$6\r\nRENAME\r\n$1\r\na\r\n", len, "\r\n");
    test_expect(fd, refusal);
    test_send_text(fd, "GET a\r\n");
    test_expect(fd, "$1\r\nv\r\n");
    close(fd);
}

Test(limits, announced_sizes_take_no_memory)
{
    enum { COUNT = 100 };
    int fds[COUNT];
    test_server_start(s, NULL);
    redisContext *c = test_connect(s);
    long long before = test_info(c, "used_memory");
    for (int i = 0; i < COUNT; i++) {
        fds[i] = test_socket(s);
        test_send_text(fds[i], i % 2 ? "*2147483647\r\n$1\r\n" : "*2\r\n$536870912\r\nx");
    }
    TEST_WAIT_UNTIL(test_info(c, "connected_clients") == COUNT + 1);
    ASSERT_ASK(c, "PONG", "PING");
    long long taken = test_info(c, "used_memory") - before;
    cr_assert_lt(taken, 64 << 20, "%d announcements take %lld bytes", COUNT, taken);
    for (int i = 0; i < COUNT; i++)
        close(fds[i]);
    redisFree(c);
}

Test(limits, maxmemory_refuses_what_needs_more)
{
    test_server_start(s, "--maxmemory 100kb"); /* less than a server without keys takes */
    redisContext *c = test_connect(s);
    if (test_info(c, "used_memory") == 0)
        cr_skip_test("the sanitizer's allocator does not tell what it uses");
    TEST_WAIT_UNTIL(strncmp(test_ask(c, "SET k v"), "-OOM ", 5) == 0);
    ASSERT_ASK(c, "-OOM command not allowed when used memory > 'maxmemory'.", "SET k v");
    ASSERT_ASK(c, "PONG", "PING");
    ASSERT_ASK(c, "0", "DEL missing");
    ASSERT_ASK(c, "OK", "CONFIG SET maxmemory 0");
    TEST_WAIT_UNTIL(strcmp(test_ask(c, "SET k v"), "OK") == 0);
    redisFree(c);
}
