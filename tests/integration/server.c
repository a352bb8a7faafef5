/* SPDX-License-Identifier: MIT */
/* Servers for integration tests. See server.h. */
#include "server.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ARGUMENTS_MAX 64
#define START_TRIES   3 /* another program may take the port first */

int64_t test_now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void test_pause(void) {
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

/* ---- the process ---- */

test_server *test_server_create(void) {
    test_server *s = calloc(1, sizeof *s);
    cr_assert_not_null(s);
    snprintf(s->top, sizeof s->top, "/tmp/rubellite-test-XXXXXX");
    cr_assert_not_null(mkdtemp(s->top), "mkdtemp: %s", strerror(errno));
    snprintf(s->data, sizeof s->data, "%s/data", s->top);
    snprintf(s->log_path, sizeof s->log_path, "%s/log", s->top);
    snprintf(s->sock_path, sizeof s->sock_path, "%s/sock", s->top);
    cr_assert_eq(mkdir(s->data, 0755), 0);
    return s;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *ftw) {
    (void)st;
    (void)kind;
    (void)ftw;
    return remove(path);
}

void test_server_free(test_server *s) {
    /* A clean end, so that sanitizers and coverage have their say on the whole server. */
    if (s->pid)
        cr_expect_eq(test_server_stop(s), 0, "the server did not end well:\n%s",
                     test_server_log(s));
    nftw(s->top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(s);
}

static int free_port(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0);
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, len), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &len), 0);
    close(fd);
    return ntohs(address.sin_port);
}

void test_server_run_as(test_server *s, int user) {
    cr_assert_eq(chown(s->top, (uid_t)user, (gid_t)-1), 0, "%s", strerror(errno));
    cr_assert_eq(chown(s->data, (uid_t)user, (gid_t)-1), 0, "%s", strerror(errno));
    s->run_as = user;
}

/* In the new process: why it could not become the server goes to the test's output and to the log,
 * if there is one. */
static void give_up(int code, const char *doing, const char *what) {
    int error = errno;
    fprintf(stderr, "the server was not started: %s %s: %s\n", doing, what, strerror(error));
    fflush(stderr);
    _exit(code);
}

/* In the new process. */
static void run(const test_server *s, const char *program, char **argv) {
    struct rlimit files = {(rlim_t)s->most_files, (rlim_t)s->most_files};
    int out = open(s->log_path, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (out < 0)
        give_up(126, "cannot open", s->log_path);
    if (dup2(out, STDERR_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0)
        give_up(126, "cannot write to", s->log_path);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* it ends with its test, however that ends */
    if (s->most_files && setrlimit(RLIMIT_NOFILE, &files) < 0)
        give_up(126, "cannot limit", "open files");
    if (s->run_as && setuid((uid_t)s->run_as) < 0)
        give_up(126, "cannot become", "another user");
    execv(program, argv);
    give_up(127, "cannot run", program);
}

static void spawn(test_server *s, const char *arguments) {
    const char *program = getenv("RUBELLITE_SERVER");
    char port[16], copy[2048], *argv[ARGUMENTS_MAX], *rest = NULL;
    int count = 0;
    cr_assert_not_null(program, "RUBELLITE_SERVER does not name the server");
    s->port = free_port();
    snprintf(port, sizeof port, "%d", s->port);
    snprintf(copy, sizeof copy, "%s", arguments ? arguments : "");
    const char *first[] = {program, "--port", port, "--bind", "127.0.0.1", "--dir", s->data};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++)
        argv[count++] = (char *)first[i];
    for (char *word = strtok_r(copy, " ", &rest); word && count < ARGUMENTS_MAX - 1;
         word = strtok_r(NULL, " ", &rest))
        argv[count++] = word;
    argv[count] = NULL;
    s->pid = fork();
    cr_assert_geq(s->pid, 0);
    if (s->pid == 0)
        run(s, program, argv);
}

static int exit_code(int status) {
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static bool has_ended(test_server *s, int *code) {
    int status;
    if (waitpid(s->pid, &status, WNOHANG) != s->pid)
        return false;
    s->pid = 0;
    *code = exit_code(status);
    return true;
}

static bool answers(const test_server *s) {
    redisContext *c = redisConnect("127.0.0.1", s->port);
    bool ready = false;
    if (c && c->err == 0) {
        redisReply *reply = redisCommand(c, "PING");
        ready = reply && (reply->type == REDIS_REPLY_STATUS || reply->type == REDIS_REPLY_ERROR);
        if (reply)
            freeReplyObject(reply);
    }
    if (c)
        redisFree(c);
    return ready;
}

void test_server_start(test_server *s, const char *arguments) {
    int code = 0;
    cr_assert_eq(s->pid, 0, "it runs already");
    for (int i = 0; i < START_TRIES; i++) {
        spawn(s, arguments);
        int64_t deadline_ms = test_now_ms() + TEST_WAIT_MS;
        while (!has_ended(s, &code)) {
            if (answers(s))
                return;
            cr_assert(test_now_ms() < deadline_ms, "the server does not answer");
            test_pause();
        }
    }
    cr_assert_fail("the server ended with code %d:\n%s", code, test_server_log(s));
}

int test_server_refuse(test_server *s, const char *arguments) {
    spawn(s, arguments);
    return test_server_wait(s);
}

int test_server_wait(test_server *s) {
    int code = 0;
    TEST_WAIT_UNTIL(has_ended(s, &code));
    return code;
}

void test_server_signal(test_server *s, int number) {
    cr_assert_eq(kill(s->pid, number), 0);
}

int test_server_stop(test_server *s) {
    test_server_signal(s, SIGTERM);
    return test_server_wait(s);
}

void test_server_kill(test_server *s) {
    kill(s->pid, SIGKILL);
    waitpid(s->pid, NULL, 0);
    s->pid = 0;
}

const char *test_server_log(test_server *s) {
    static char text[1 << 16];
    FILE *f = fopen(s->log_path, "r");
    if (!f)
        return "";
    fseek(f, 0, SEEK_END);
    long size = ftell(f), most = (long)sizeof text - 1;
    fseek(f, size > most ? size - most : 0, SEEK_SET);
    text[fread(text, 1, (size_t)most, f)] = '\0';
    fclose(f);
    return text;
}

void test_server_wait_for_log(test_server *s, const char *text) {
    TEST_WAIT_UNTIL(strstr(test_server_log(s), text) != NULL);
}

/* ---- hiredis ---- */

redisContext *test_connect(const test_server *s) {
    redisContext *c = redisConnect("127.0.0.1", s->port);
    cr_assert(c && c->err == 0, "connect: %s", c ? c->errstr : "out of memory");
    cr_assert_eq(redisSetTimeout(c, (struct timeval){TEST_WAIT_MS / 1000, 0}), REDIS_OK);
    return c;
}

static void render(FILE *out, const redisReply *r) {
    switch (r->type) {
    case REDIS_REPLY_NIL:
        fputs("(nil)", out);
        break;
    case REDIS_REPLY_INTEGER:
        fprintf(out, "%lld", r->integer);
        break;
    case REDIS_REPLY_ERROR:
        fputc('-', out);
        fwrite(r->str, 1, (size_t)r->len, out);
        break;
    case REDIS_REPLY_ARRAY:
        fputc('[', out);
        for (size_t i = 0; i < r->elements; i++) {
            if (i)
                fputc(' ', out);
            render(out, r->element[i]);
        }
        fputc(']', out);
        break;
    default:
        fwrite(r->str, 1, (size_t)r->len, out);
    }
}

static const char *as_text(redisReply *reply) {
    static char *texts[16];
    static size_t next;
    char **text = &texts[next++ % 16];
    size_t len;
    free(*text);
    *text = NULL;
    FILE *out = open_memstream(text, &len);
    cr_assert_not_null(out);
    if (reply)
        render(out, reply);
    else
        fputs("(closed)", out);
    fclose(out);
    if (reply)
        freeReplyObject(reply);
    return *text;
}

const char *test_ask(redisContext *c, const char *format, ...) {
    va_list args;
    va_start(args, format);
    redisReply *reply = redisvCommand(c, format, args);
    va_end(args);
    return as_text(reply);
}

const char *test_answer(redisContext *c) {
    void *reply = NULL;
    if (redisGetReply(c, &reply) != REDIS_OK)
        reply = NULL;
    return as_text(reply);
}

long long test_info(redisContext *c, const char *field) {
    char line[64];
    const char *info = test_ask(c, "INFO everything");
    snprintf(line, sizeof line, "\n%s:", field);
    const char *at = strstr(info, line);
    cr_assert_not_null(at, "INFO has no %s", field);
    return strtoll(at + strlen(line), NULL, 10);
}

/* ---- plain sockets ---- */

int test_socket_to(const char *address, int port) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    struct timeval wait = {TEST_WAIT_MS / 1000, 0};
    int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0, "socket: %s", strerror(errno));
    cr_assert_eq(inet_pton(AF_INET, address, &to.sin_addr), 1);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    cr_assert_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0, "connect: %s", strerror(errno));
    return fd;
}

int test_socket(const test_server *s) {
    return test_socket_to("127.0.0.1", s->port);
}

void test_send(int fd, const void *bytes, size_t len) {
    for (size_t at = 0; at < len;) {
        ssize_t n = send(fd, (const char *)bytes + at, len - at, MSG_NOSIGNAL);
        cr_assert_gt(n, 0, "send: %s", strerror(errno));
        at += (size_t)n;
    }
}

void test_send_text(int fd, const char *text) {
    test_send(fd, text, strlen(text));
}

void test_expect(int fd, const char *text) {
    size_t len = strlen(text), at = 0;
    char *got = malloc(len + 1);
    cr_assert_not_null(got);
    while (at < len) {
        ssize_t n = recv(fd, got + at, len - at, 0);
        got[at + (n > 0 ? (size_t)n : 0)] = '\0';
        cr_assert_gt(n, 0, "expected %s, got %s and then %s", text, got,
                     n ? strerror(errno) : "the end");
        at += (size_t)n;
    }
    cr_assert_str_eq(got, text);
    free(got);
}

const char *test_read_line(int fd) {
    static char line[4096];
    size_t at = 0;
    do {
        cr_assert_lt(at, sizeof line - 1);
        cr_assert_eq(recv(fd, line + at, 1, 0), 1, "no whole line");
    } while (line[at++] != '\n');
    line[at] = '\0';
    return line;
}

void test_skip(int fd, size_t len) {
    char bytes[65536];
    while (len) {
        ssize_t n = recv(fd, bytes, len < sizeof bytes ? len : sizeof bytes, 0);
        cr_assert_gt(n, 0, "%zu bytes are missing", len);
        len -= (size_t)n;
    }
}

size_t test_read_to_end(int fd, char *first, size_t first_len) {
    char bytes[65536];
    size_t total = 0;
    ssize_t n;
    while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0) {
        for (ssize_t i = 0; i < n && total + (size_t)i + 1 < first_len; i++)
            first[total + (size_t)i] = bytes[i];
        total += (size_t)n;
    }
    cr_assert(n == 0 || errno == ECONNRESET, "recv: %s", strerror(errno));
    if (first_len)
        first[total < first_len - 1 ? total : first_len - 1] = '\0';
    return total;
}

char *test_exchange(int fd, const char *bytes, size_t len, size_t reply_len) {
    char *reply = malloc(reply_len + 1);
    size_t sent = 0, got = 0;
    cr_assert_not_null(reply);
    while (got < reply_len) {
        struct pollfd p = {fd, (short)(POLLIN | (sent < len ? POLLOUT : 0)), 0};
        cr_assert_eq(poll(&p, 1, TEST_WAIT_MS), 1, "%zu of %zu bytes came", got, reply_len);
        if (p.revents & POLLOUT) {
            ssize_t n = send(fd, bytes + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
            cr_assert(n > 0 || errno == EAGAIN, "send: %s", strerror(errno));
            sent += n > 0 ? (size_t)n : 0;
        }
        if (p.revents & (POLLIN | POLLHUP | POLLERR)) {
            ssize_t n = recv(fd, reply + got, reply_len - got, MSG_DONTWAIT);
            cr_assert(n > 0 || (n < 0 && errno == EAGAIN), "%zu of %zu bytes, then %s", got,
                      reply_len, n ? strerror(errno) : "the end");
            got += n > 0 ? (size_t)n : 0;
        }
    }
    reply[reply_len] = '\0';
    return reply;
}
