/* SPDX-License-Identifier: MIT */
/* The protocol over real sockets: slow, broken, huge and pipelined input, RESP2 and RESP3. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/random.h"
#include "server.h"

static test_server *s;

static void setup(void) {
    s = test_server_create();
}

static void teardown(void) {
    test_server_free(s);
}

TestSuite(protocol, .init = setup, .fini = teardown);

/* Sends a request on a fresh connection; this must come back, and then the end. */
static void expect_refused(const char *bytes, size_t len, const char *want) {
    char text[512];
    int fd = test_socket(s);
    test_send(fd, bytes, len);
    test_read_to_end(fd, text, sizeof text);
    cr_assert_str_eq(text, want);
    close(fd);
}

static void expect_alive(void) {
    int fd = test_socket(s);
    test_send_text(fd, "PING\r\n");
    test_expect(fd, "+PONG\r\n");
    close(fd);
}

Test(protocol, inline_and_array_requests_mix)
{
    test_server_start(s, NULL);
    int fd = test_socket(s);
    test_send_text(fd, "SET a 'x y'\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n\r\n*0\r\nSTRLEN a\n");
    test_expect(fd, "+OK\r\n$3\r\nx y\r\n:3\r\n");
    close(fd);
}

Test(protocol, errors_are_said_and_end_the_connection)
{
#define REFUSED(input, what)                                                                       \
    expect_refused(input, sizeof(input) - 1, "-ERR Protocol error: " what "\r\n")
    test_server_start(s, NULL);
    REFUSED("*x\r\n", "invalid multibulk length");
    REFUSED("*1\r\n:1\r\n", "expected '$', got ':'");
    REFUSED("*1\r\n$-5\r\n", "invalid bulk length");
    REFUSED("GET 'a\r\n", "unbalanced quotes in request");
    REFUSED("*99999999999\r\n", "invalid multibulk length");
    expect_alive();
#undef REFUSED
}

Test(protocol, what_came_before_an_error_is_answered)
{
    char text[256];
    test_server_start(s, NULL);
    int fd = test_socket(s);
    test_send_text(fd, "SET a 1\r\nINCR a\r\n*1\r\n!\r\nINCR a\r\n");
    test_read_to_end(fd, text, sizeof text);
    cr_assert_str_eq(text, "+OK\r\n:2\r\n-ERR Protocol error: expected '$', got '!'\r\n");
    close(fd);
    redisContext *c = test_connect(s);
    ASSERT_ASK(c, "2", "GET a");
    redisFree(c);
}

Test(protocol, strangers_may_say_little)
{
    test_server_start(s, "--requirepass secret");
    static const char many[] = "*11\r\n$4\r\nPING\r\n", large[] = "*2\r\n$4\r\nAUTH\r\n$16385\r\n";
    expect_refused(many, sizeof many - 1,
                   "-ERR Protocol error: unauthenticated multibulk length\r\n");
    expect_refused(large, sizeof large - 1, "-ERR Protocol error: unauthenticated bulk length\r\n");
    int fd = test_socket(s); /* who logs in may go on at once with a long request */
    test_send_text(fd, "AUTH secret\r\n*12\r\n$3\r\nDEL\r\n");
    for (int i = 0; i < 11; i++)
        test_send_text(fd, "$1\r\nk\r\n");
    test_expect(fd, "+OK\r\n:0\r\n");
    close(fd);
}

/* Many clients, each sending one byte in its turn. */
Test(protocol, slow_writers_are_understood)
{
    enum { CLIENTS = 40 };
    int fds[CLIENTS];
    char requests[CLIENTS][256];
    size_t longest = 0;
    test_server_start(s, NULL);
    for (int i = 0; i < CLIENTS; i++) {
        fds[i] = test_socket(s);
        int len = snprintf(requests[i], sizeof requests[i],
                           "*3\r\n$3\r\nSET\r\n$6\r\nslow%02d\r\n$2\r\n%02d\r\nGET slow%02d\r\n", i,
                           i, i);
        longest = (size_t)len > longest ? (size_t)len : longest;
    }
    for (size_t at = 0; at < longest; at++)
        for (int i = 0; i < CLIENTS; i++)
            if (at < strlen(requests[i]))
                test_send(fds[i], requests[i] + at, 1);
    for (int i = 0; i < CLIENTS; i++) {
        char want[64];
        snprintf(want, sizeof want, "+OK\r\n$2\r\n%02d\r\n", i);
        test_expect(fds[i], want);
        close(fds[i]);
    }
}

/* Bytes that look a little like requests. */
static void garbage(rl_buffer *out, rl_random *random) {
    static const char *const parts[] = {
        "*",         "$",        "\r\n",        "3",         "GET",      "SET k v\r\n",
        "\"",        "'",        "-1",          "\n",        "*1\r\n",   "$4\r\nPING\r\n",
        "MULTI\r\n", "EXEC\r\n", "HELLO 3\r\n", "999999999", "\xff\xfe", " "};
    rl_buffer_clear(out);
    for (uint64_t i = 1 + rl_random_below(random, 60); i; i--) {
        if (rl_random_below(random, 4)) {
            rl_buffer_add_text(out, parts[rl_random_below(random, sizeof parts / sizeof *parts)]);
        } else {
            for (uint64_t k = rl_random_below(random, 40); k; k--)
                rl_buffer_add_char(out, (char)rl_random_next(random));
        }
    }
}

Test(protocol, garbage_does_no_harm)
{
    rl_random random;
    rl_buffer input = {0};
    rl_random_seed(&random, 7);
    test_server_start(s, NULL);
    for (int i = 0; i < 2000; i++) {
        int fd = test_socket(s);
        garbage(&input, &random);
        for (size_t at = 0; at < input.len;) { /* it may be closed at any moment */
            ssize_t n = send(fd, input.ptr + at, input.len - at, MSG_NOSIGNAL);
            if (n <= 0)
                break;
            at += (size_t)n;
        }
        if (i % 2) { /* half of them read what comes, the others leave */
            shutdown(fd, SHUT_WR);
            test_read_to_end(fd, NULL, 0);
        }
        close(fd);
    }
    rl_buffer_release(&input);
    expect_alive();
    redisContext *c = test_connect(s);
    TEST_WAIT_UNTIL(test_info(c, "connected_clients") == 1);
    redisFree(c);
}

/* ---- much ---- */

Test(protocol, a_hundred_megabytes_come_back)
{
    enum { SIZE = 100 << 20 };
    char *value = malloc(SIZE);
    rl_random random;
    rl_random_seed(&random, 5);
    cr_assert_not_null(value);
    for (size_t i = 0; i < SIZE; i += 8) {
        uint64_t bits = rl_random_next(&random);
        memcpy(value + i, &bits, 8);
    }
    test_server_start(s, NULL);
    for (int run = 0; run < 2; run++) {
        redisContext *c = test_connect(s);
        if (run == 0)
            ASSERT_ASK(c, "OK", "SET big %b", value, (size_t)SIZE);
        redisReply *reply = redisCommand(c, "GET big");
        cr_assert(reply && reply->type == REDIS_REPLY_STRING);
        cr_assert(reply->len == SIZE && memcmp(reply->str, value, SIZE) == 0);
        freeReplyObject(reply);
        redisFree(c);
        test_server_kill(s);
        if (run == 0)
            test_server_start(s, NULL);
    }
    free(value);
}

Test(protocol, a_huge_pipeline_is_answered_in_order)
{
    enum { COUNT = 300000 };
    rl_buffer input = {0}, want = {0};
    test_server_start(s, NULL);
    for (int i = 1; i <= COUNT; i++) {
        rl_buffer_add_text(&input, "*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n");
        rl_buffer_printf(&want, ":%d\r\n", i);
    }
    int fd = test_socket(s);
    char *got = test_exchange(fd, input.ptr, input.len, want.len);
    cr_assert_eq(memcmp(got, want.ptr, want.len), 0);
    free(got);
    rl_buffer_release(&input);
    rl_buffer_release(&want);
    close(fd);
}

Test(protocol, a_command_may_have_very_many_arguments)
{
    enum { COUNT = 200000 };
    rl_buffer input = {0};
    test_server_start(s, NULL);
    rl_buffer_printf(&input, "*%d\r\n$4\r\nMSET\r\n", 2 * COUNT + 1);
    for (int i = 0; i < COUNT; i++)
        rl_buffer_printf(&input, "$7\r\nk%06d\r\n$1\r\nv\r\n", i);
    rl_buffer_add_text(&input, "DBSIZE\r\n");
    int fd = test_socket(s);
    char *got = test_exchange(fd, input.ptr, input.len, 5 + 9);
    cr_assert_str_eq(got, "+OK\r\n:200000\r\n");
    free(got);
    rl_buffer_release(&input);
    close(fd);
}

/* Reads and writes of several clients, mixed; with `always` some answers wait and others need not.
 */
static void expect_ordered_pipelines(const char *mode) {
    enum { CLIENTS = 8, ROUNDS = 300 };
    redisContext *clients[CLIENTS];
    test_server_start(s, mode);
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = test_connect(s);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < CLIENTS; i++) {
            redisAppendCommand(clients[i], "PING first");
            redisAppendCommand(clients[i], "SET own:%d %d", i, round);
            redisAppendCommand(clients[i], "GET own:%d", i);
            redisAppendCommand(clients[i], "ECHO middle");
            redisAppendCommand(clients[i], "DEL own:%d", i);
            redisAppendCommand(clients[i], "EXISTS own:%d", i);
            redisAppendCommand(clients[i], "INCR shared");
            redisAppendCommand(clients[i], "GET missing");
            redisAppendCommand(clients[i], "PING last");
        }
        for (int i = 0; i < CLIENTS; i++) {
            char number[16];
            snprintf(number, sizeof number, "%d", round);
            const char *const wants[] = {"first", "OK", number,  "middle", "1",
                                         "0",     NULL, "(nil)", "last"};
            for (size_t k = 0; k < sizeof wants / sizeof *wants; k++) {
                const char *got = test_answer(clients[i]);
                cr_assert(wants[k] == NULL || strcmp(got, wants[k]) == 0, "answer %zu is %s", k,
                          got);
            }
        }
    }
    ASSERT_ASK(clients[0], "2400", "GET shared");
    for (int i = 0; i < CLIENTS; i++)
        redisFree(clients[i]);
    test_server_kill(s);
}

Test(protocol, pipelines_keep_their_order_in_always)
{ expect_ordered_pipelines("--appendfsync always"); }

Test(protocol, pipelines_keep_their_order_in_everysec)
{ expect_ordered_pipelines("--appendfsync everysec"); }

/* ---- RESP3 ---- */

Test(protocol, hello_chooses_the_protocol)
{
    test_server_start(s, NULL);
    int fd = test_socket(s);
    test_send_text(fd, "GET missing\r\nHELLO 3\r\n");
    test_expect(fd, "$-1\r\n%7\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n");
    test_read_line(fd);
    test_read_line(fd);
    test_expect(fd, "$5\r\nproto\r\n:3\r\n$2\r\nid\r\n");
    test_read_line(fd);
    test_expect(fd, "$4\r\nmode\r\n$10\r\nstandalone\r\n$4\r\nrole\r\n$6\r\nmaster\r\n"
                    "$7\r\nmodules\r\n*0\r\n");
    test_send_text(fd, "GET missing\r\nCONFIG GET maxclients\r\nRESET\r\nGET missing\r\n");
    test_expect(fd, "_\r\n%1\r\n$10\r\nmaxclients\r\n$5\r\n10000\r\n+RESET\r\n$-1\r\n");
    test_send_text(fd, "HELLO 4\r\nHELLO x\r\n");
    test_expect(fd, "-NOPROTO unsupported protocol version\r\n"
                    "-ERR Protocol version is not an integer or out of range\r\n");
    close(fd);
}

Test(protocol, resp3_has_its_own_types)
{
    test_server_start(s, NULL);
    int fd = test_socket(s);
    test_send_text(fd, "INFO server\r\nMEMORY DOCTOR\r\nCOMMAND INFO get\r\n");
    cr_assert_eq(test_read_line(fd)[0], '$');
    while (strstr(test_read_line(fd), "get\r\n") == NULL)
        ;
    test_expect(fd, ":2\r\n*2\r\n+readonly\r\n+fast\r\n");
    close(fd);
    fd = test_socket(s);
    test_send_text(fd, "HELLO 3\r\n");
    while (strcmp(test_read_line(fd), "*0\r\n") != 0)
        ;
    test_send_text(fd, "INFO server\r\n");
    cr_assert_eq(test_read_line(fd)[0], '=');
    cr_assert_eq(strncmp(test_read_line(fd), "txt:# Server", 12), 0);
    test_send_text(fd, "RANDOMKEY\r\nMGET a b\r\nCOMMAND INFO get\r\n");
    while (strcmp(test_read_line(fd), "_\r\n") != 0)
        ;
    test_expect(fd, "*2\r\n_\r\n_\r\n*1\r\n*10\r\n$3\r\nget\r\n:2\r\n~2\r\n+readonly\r\n+fast\r\n");
    test_send_text(fd, "MULTI\r\nGET a\r\nCONFIG GET maxclients\r\nEXEC\r\n");
    while (strcmp(test_read_line(fd), "*2\r\n") != 0)
        ;
    test_expect(fd, "_\r\n%1\r\n");
    close(fd);
}

Test(protocol, a_client_s_first_words_are_understood)
{
    test_server_start(s, "--requirepass secret");
    int fd = test_socket(s);
    test_send_text(fd, "HELLO 3 AUTH default wrong\r\n");
    test_expect(fd, "-WRONGPASS invalid username-password pair or user is disabled.\r\n");
    test_send_text(fd, "HELLO 3 AUTH default secret SETNAME me\r\nCLIENT GETNAME\r\n");
    test_expect(fd, "%7\r\n");
    while (strcmp(test_read_line(fd), "$7\r\n") != 0 ||
           strcmp(test_read_line(fd), "modules\r\n") != 0)
        ;
    test_expect(fd, "*0\r\n$2\r\nme\r\n");
    test_send_text(fd, "CLIENT SETINFO LIB-NAME test\r\nCLIENT SETINFO LIB-VER 1.0\r\n");
    test_expect(fd, "+OK\r\n+OK\r\n");
    close(fd);
}
