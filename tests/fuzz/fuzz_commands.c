/* SPDX-License-Identifier: MIT */
/*
 * The whole server but its disk, in this process: the input is what two clients send, in pieces.
 * Whatever they send, the answers must be well-formed replies, and the server must end cleanly.
 * libFuzzer's runs share a server, emptied in between, which is four times as fast as one for each;
 * a single input, and each one that is replayed, has a server of its own.
 *
 * The first bytes of the data say how it is cut into pieces; a zero byte at the beginning of a line
 * makes the other client go on. CONFIG is taken away: it would let an input open ports, and has a
 * target of its own.
 *
 * When libFuzzer changes an input, it mostly puts another command line in (command_lines.h).
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "commands/table.h"
#include "fuzz/command_lines.h"
#include "server/config.h"
#include "server/server_private.h"
#include "server/slowlog.h"

#define CONTROL_BYTES 2
#define CLIENTS       2
#define QUIET_TURNS   4         /* turns without output after which nothing more is expected */
#define OUTPUT_MAX    (1 << 20) /* beyond that it is not looked at */
#define DEPTH_MAX     32
#define RUNS_MAX      500 /* of one server */

static char folder[64], path[80];

static void remove_folder(void) {
    unlink(path);
    rmdir(folder);
}

static void check(bool ok, const char *what) {
    if (!ok) {
        fprintf(stderr, "fuzz_commands: %s\n", what);
        abort();
    }
}

/* ---- replies ---- */

typedef struct reading {
    const char *at, *end;
} reading;

/* A line of what must be a number; false at the end of the output. */
static bool number_read(reading *r, long long *out) {
    const char *line_end = memchr(r->at, '\n', (size_t)(r->end - r->at));
    if (line_end == NULL)
        return false;
    check(line_end > r->at && line_end[-1] == '\r', "a length without its end");
    char *stop;
    *out = strtoll(r->at, &stop, 10);
    check(stop == line_end - 1 && *out >= -1, "a length that is no number");
    r->at = line_end + 1;
    return true;
}

static bool line_skip(reading *r) {
    const char *line_end = memchr(r->at, '\n', (size_t)(r->end - r->at));
    if (line_end == NULL)
        return false;
    check(line_end > r->at && line_end[-1] == '\r', "a line without its end");
    check(memchr(r->at, '\r', (size_t)(line_end - 1 - r->at)) == NULL, "a line within a line");
    r->at = line_end + 1;
    return true;
}

/* False when the output ends within this reply. */
static bool reply_skip(reading *r, int depth) {
    long long n;
    check(depth < DEPTH_MAX, "replies too deep");
    if (r->at == r->end)
        return false;
    char type = *r->at++;
    switch (type) {
    case '+':
    case '-':
    case ':':
    case ',':
    case '#':
    case '_':
    case '(':
        return line_skip(r);
    case '$':
    case '=':
        if (!number_read(r, &n))
            return false;
        if (n < 0)
            return true;
        if (r->end - r->at < n + 2)
            return false;
        r->at += n;
        check(r->at[0] == '\r' && r->at[1] == '\n', "a bulk longer than it says");
        r->at += 2;
        return true;
    case '*':
    case '~':
    case '>':
    case '%':
        if (!number_read(r, &n))
            return false;
        for (n *= type == '%' ? 2 : 1; n > 0; n--)
            if (!reply_skip(r, depth + 1))
                return false;
        return true;
    default:
        check(false, "a reply of no known type");
        return false;
    }
}

/* ---- clients ---- */

typedef struct client {
    int fd;
    rl_buffer output;
    size_t dropped; /* output that was not kept */
    bool closed;
} client;

static void client_connect(client *c) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    *c = (client){.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    check(c->fd >= 0 && connect(c->fd, (struct sockaddr *)&to, sizeof to) == 0, "cannot connect");
}

/* Takes what has come; true when something did. */
static bool client_read(client *c) {
    char bytes[65536];
    bool any = false;
    ssize_t n;
    while (!c->closed && (n = recv(c->fd, bytes, sizeof bytes, 0)) != 0) {
        if (n < 0)
            return any; /* nothing now */
        any = true;
        if (c->output.len < OUTPUT_MAX)
            rl_buffer_add(&c->output, bytes, (size_t)n);
        else
            c->dropped += (size_t)n;
    }
    c->closed = true;
    return any;
}

static bool turn(rl_server *s, client *clients) {
    bool any = false;
    if (!rl_server_stopping(s))
        uv_run(&s->loop, UV_RUN_NOWAIT);
    for (int i = 0; i < CLIENTS; i++)
        any |= client_read(&clients[i]);
    return any;
}

/* Gives up on what a client does not read any more, because it is paused. */
static void client_send(rl_server *s, client *clients, int which, const char *bytes, size_t len) {
    for (int quiet = 0; len && !clients[which].closed && quiet < QUIET_TURNS; quiet++) {
        ssize_t n = send(clients[which].fd, bytes, len, MSG_NOSIGNAL);
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
            quiet = 0;
        }
        if (turn(s, clients))
            quiet = 0;
    }
}

/* Sends the input, each piece to the client whose turn it is. */
static void send_pieces(rl_server *s, client *clients, const char *bytes, size_t len, size_t step) {
    int which = 0;
    while (len) {
        size_t piece = step < len ? step : len;
        const char *mark = memchr(bytes, '\0', piece);
        if (mark == bytes) {
            which = (which + 1) % CLIENTS;
            bytes++;
            len--;
            continue;
        }
        if (mark)
            piece = (size_t)(mark - bytes);
        client_send(s, clients, which, bytes, piece);
        bytes += piece;
        len -= piece;
    }
}

static void client_check(client *c) {
    const char *output = rl_buffer_cstr(&c->output); /* never NULL */
    reading r = {output, output + c->output.len};
    while (r.at != r.end && reply_skip(&r, 0))
        ;
    /* The last one may be cut: by our limit, or because a connection was ended at once. */
    rl_buffer_release(&c->output);
    close(c->fd);
}

/* ---- the server ---- */

static rl_server *server_create(rl_config *config) {
    char *args[] = {"--port",
                    "0",
                    "--unixsocket",
                    path,
                    "--dbfilename",
                    ":memory:",
                    "--databases",
                    "3",
                    "--proto-max-bulk-len",
                    "1mb",
                    "--rename-command",
                    "CONFIG",
                    "",
                    "--loglevel",
                    "warning"};
    rl_buffer error = {0};
    check(rl_config_load_args(config, sizeof args / sizeof *args, args, &error) &&
              rl_config_finish(config, &error),
          "the configuration is refused");
    rl_server_options options = {config, rl_commands, rl_commands_count, "fuzz"};
    rl_server *s = rl_server_create(&options, &error);
    check(s != NULL, rl_buffer_cstr(&error));
    rl_buffer_release(&error);
    return s;
}

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv) {
    (void)argc;
    (void)argv;
    rl_clock_init();
    rl_log_open("/dev/null");
    snprintf(folder, sizeof folder, "/tmp/rubellite-fuzz-XXXXXX");
    check(mkdtemp(folder) != NULL, "mkdtemp");
    snprintf(path, sizeof path, "%s/sock", folder);
    atexit(remove_folder);
    return 0;
}

/* libFuzzer's own changes; not there where kept inputs are replayed without it. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    line l;
    line_make(&l, seed);
    if (seed % 4 == 0 || size < CONTROL_BYTES || size + l.len > max_size)
        return LLVMFuzzerMutate(data, size, max_size);
    size_t at = CONTROL_BYTES + line_random(&l, size - CONTROL_BYTES + 1);
    while (at < size && at > CONTROL_BYTES && data[at - 1] != '\n')
        at++;
    memmove(data + at + l.len, data + at, size - at);
    memcpy(data + at, l.text, l.len);
    return size + l.len;
}

static rl_config *config;
static rl_server *server;
static int runs;

static void server_end(void) {
    rl_server_free(server);
    rl_config_free(config);
    server = NULL;
    runs = 0;
}

static void server_begin(void) {
    if (server == NULL) {
        config = rl_config_create();
        server = server_create(config);
    }
}

/* Leaves nothing of a run; counters too, for INFO takes long when every command has a histogram. */
static void server_empty(void) {
    rl_server_pause(server, 0, false);
    for (rl_session *x = server->first_session; x != NULL; x = x->next)
        rl_conn_close(x->conn, RL_CLOSE_NOW);
    while (server->session_count > 0 && !rl_server_stopping(server))
        uv_run(&server->loop, UV_RUN_NOWAIT);
    if (rl_server_stopping(server)) { /* by what it had still to read */
        server_end();
        return;
    }
    rl_server_turn_begin(server);
    rl_keyspace_clear(server->keys, -1);
    while (rl_keyspace_free_step(server->keys))
        continue;
    rl_keyspace_set_active_expire(server->keys, true);
    rl_slowlog_reset(server->slowlog);
    rl_stats_reset(server->stats);
    rl_keyspace_stats_reset(server->keys);
    uv_run(&server->loop, UV_RUN_NOWAIT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (folder[0] == '\0') /* not run by libFuzzer */
        LLVMFuzzerInitialize(NULL, NULL);
    if (size < CONTROL_BYTES)
        return 0;
    client clients[CLIENTS];
    server_begin();
    for (int i = 0; i < CLIENTS; i++)
        client_connect(&clients[i]);
    size_t step = data[0] ? data[0] : 65536;
    send_pieces(server, clients, (const char *)data + CONTROL_BYTES, size - CONTROL_BYTES, step);
    for (int quiet = 0; quiet < QUIET_TURNS; quiet++)
        if (turn(server, clients))
            quiet = 0;
    bool last = LLVMFuzzerMutate == NULL || rl_server_stopping(server) || ++runs == RUNS_MAX;
    if (last)
        server_end();
    for (int i = 0; i < CLIENTS; i++)
        client_check(&clients[i]);
    if (!last)
        server_empty();
    return 0;
}
