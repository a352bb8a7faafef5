/* SPDX-License-Identifier: MIT */
/*
 * Servers for integration tests: each has a temporary directory of its own and listens on a free
 * port of 127.0.0.1, and ends with the test that started it. The program is named by the
 * environment variable RUBELLITE_SERVER. Every function fails the test when it cannot do its work.
 */
#ifndef RL_TESTS_INTEGRATION_SERVER_H
#define RL_TESTS_INTEGRATION_SERVER_H

#include <hiredis/hiredis.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TEST_WAIT_MS 60000 /* how long anything that must happen may take */

typedef struct test_server {
    char top[64];       /* the directory of this test */
    char data[80];      /* --dir; stays over restarts */
    char log_path[80];  /* what the server printed, of all its runs */
    char sock_path[80]; /* for --unixsocket */
    pid_t pid;          /* 0: not running */
    int most_files;     /* the program's limit of open files, hard and soft; 0: the test's own */
    int run_as;         /* a user id, for a test that is root; 0: the test's own */
    int port;
} test_server;

/* A directory, no process yet. */
test_server *test_server_create(void);
/* Ends the process and removes the directory. */
void test_server_free(test_server *s);
/* From the next start on as another user, who owns the directory. For a test that is root. */
void test_server_run_as(test_server *s, int user);

/* Starts the program with "--port … --bind 127.0.0.1 --dir …" and these arguments (separated by
 * blanks; NULL is fine) and waits until it answers. */
void test_server_start(test_server *s, const char *arguments);
/* Starts it when it is expected to refuse: waits for its end and returns its exit code. */
int test_server_refuse(test_server *s, const char *arguments);
int test_server_stop(test_server *s);  /* SIGTERM; the exit code */
void test_server_kill(test_server *s); /* SIGKILL */
void test_server_signal(test_server *s, int number);
int test_server_wait(test_server *s); /* for its end; the exit code, 128 + signal */
/* What it printed. Valid until the next call. */
const char *test_server_log(test_server *s);
void test_server_wait_for_log(test_server *s, const char *text);

/* ---- clients ---- */

redisContext *test_connect(const test_server *s);
/* Sends a command (hiredis's format) and returns the reply as text: "OK", "12", "value", "(nil)",
 * "[a b [c]]", "-ERR …", or "(closed)". Valid for the next 16 calls. */
const char *test_ask(redisContext *c, const char *format, ...);
/* The same for a reply that was asked for with redisAppendCommand. */
const char *test_answer(redisContext *c);
/* One number of INFO. */
long long test_info(redisContext *c, const char *field);

/* ---- plain sockets ---- */

int test_socket(const test_server *s);
int test_socket_to(const char *address, int port); /* an IPv4 address */
void test_send(int fd, const void *bytes, size_t len);
void test_send_text(int fd, const char *text);
/* Reads exactly this. */
void test_expect(int fd, const char *text);
/* Reads up to and with the next "\n"; valid until the next call. */
const char *test_read_line(int fd);
void test_skip(int fd, size_t len);
/* Reads to the end of the stream and returns how many bytes came; keeps the first of them. */
size_t test_read_to_end(int fd, char *first, size_t first_len);
/* Sends and receives at the same time; returns the reply bytes, exactly reply_len of them, which
 * the caller frees. */
char *test_exchange(int fd, const char *bytes, size_t len, size_t reply_len);

int64_t test_now_ms(void); /* monotonic */
void test_pause(void);     /* between two looks at something that is to happen */

/* Waits until the condition holds; fails the test when it does not in TEST_WAIT_MS. */
#define TEST_WAIT_UNTIL(condition)                                                                 \
    do {                                                                                           \
        int64_t deadline_ms = test_now_ms() + TEST_WAIT_MS;                                        \
        while (!(condition)) {                                                                     \
            cr_assert(test_now_ms() < deadline_ms, "in vain: %s", #condition);                     \
            test_pause();                                                                          \
        }                                                                                          \
    } while (0)

#define ASSERT_ASK(c, want, ...)                                                                   \
    do {                                                                                           \
        const char *got_ = test_ask((c), __VA_ARGS__);                                             \
        cr_assert(strcmp(got_, (want)) == 0, "%s answered %.300s, expected %.300s", #__VA_ARGS__,  \
                  got_, (want));                                                                   \
    } while (0)

#endif
