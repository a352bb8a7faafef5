/* SPDX-License-Identifier: MIT */
/*
 * rubellite import: sends a stream of commands to a server and counts what it answers.
 *
 * The stream is read by the server's own reader, so what is no request is found here, with its
 * place, and replies can be told apart by number. Whole requests are sent as they came. One poll
 * loop reads the file, writes the socket and reads the socket; it always reads replies, whatever
 * else has to wait, so neither side can block the other. Memory: the longest request, and 4 MiB.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "admin/admin.h"
#include "admin/datadir.h"
#include "admin/output.h"
#include "admin/peer.h"
#include "admin/replies.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "resp/reader.h"

#define READ_BYTES  (256u << 10) /* from the file at a time */
#define AHEAD_BYTES (1u << 20)   /* waiting for the socket: then the file waits */
#define REPLY_BYTES (64u << 10)

typedef struct import {
    const admin_args *args;
    int in, out;      /* the file, the socket (not blocking) */
    const char *name; /* of the file */
    bool ended, failed, closed;
    rl_reader reader;
    rl_buffer bytes; /* of the file: [0, checked) may be sent, the rest is an incomplete request */
    size_t sent, checked;
    uint64_t read_bytes, file_bytes; /* file_bytes 0: not known */
    uint64_t commands;               /* in the bytes that may be sent */
    admin_replies replies;
    uint64_t errors_shown;
    int64_t last_ms; /* when something moved */
} import;

/* --- the file -------------------------------------------------------------------------------- */

/* Commands after which replies could not be counted any more, or the connection would end. */
static const char *const refused[] = {"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR", "QUIT",
                                      "SYNC",      "PSYNC",      "SHUTDOWN",   "RESET"};

static bool is_refused(const rl_bytes *args, int argc) {
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (rl_bytes_is(args[0], refused[i]))
            return true;
    return argc > 1 && rl_bytes_is(args[0], "CLIENT") && rl_bytes_is(args[1], "REPLY");
}

static void stop_reading(import *im) {
    im->ended = true;
    im->failed = true;
}

/* Finds the whole requests among the bytes that are there. */
static void check_requests(import *im) {
    static const rl_reader_limits limits = {.max_bulk_bytes = INT64_MAX, .authenticated = true};
    rl_request q;
    size_t offset = 0;
    const char *from = im->bytes.ptr + im->checked;
    size_t len = im->bytes.len - im->checked, good = 0;
    rl_reader_result result;
    while ((result = rl_reader_next(&im->reader, &limits, from, len, &offset, &q)) ==
           RL_READER_REQUEST) {
        const rl_bytes *args = rl_reader_args(&im->reader, &q);
        if (q.argc > 0 && is_refused(args, q.argc)) {
            admin_error("%s: command %" PRIu64 " is %.*s, which cannot be imported; stopped there",
                        im->name, im->commands + 1, (int)args[0].len, args[0].ptr);
            stop_reading(im);
            break;
        }
        im->commands += q.argc > 0;
        good = q.end;
        rl_reader_clear(&im->reader, q.end);
        from += q.end;
        len -= q.end;
        im->checked += good;
        offset = 0;
    }
    if (result == RL_READER_ERROR) {
        admin_error("%s: no request behind command %" PRIu64 ": %s. Expected Redis commands, as "
                    "'rubellite export' writes them, or one on each line; stopped there",
                    im->name, im->commands, rl_reader_error(&im->reader));
        stop_reading(im);
    }
}

/* The end of the file: a last line may lack its end, a request must be whole. */
static void end_file(import *im) {
    size_t left = im->bytes.len - im->checked;
    if (left > 0 && im->bytes.ptr[im->checked] != '*') {
        rl_buffer_add_char(&im->bytes, '\n');
        check_requests(im);
        left = im->bytes.len - im->checked;
    }
    if (left > 0 && !im->failed) {
        admin_error("%s ends within a command, behind command %" PRIu64 ": it is not whole",
                    im->name, im->commands);
        im->failed = true;
    }
    im->ended = true;
}

static void read_file(import *im) {
    if (im->sent > 0) { /* make room: what was sent is not needed any more */
        memmove(im->bytes.ptr, im->bytes.ptr + im->sent, im->bytes.len - im->sent);
        im->bytes.len -= im->sent;
        im->checked -= im->sent;
        im->sent = 0;
    }
    char *to = rl_buffer_reserve(&im->bytes, READ_BYTES);
    ssize_t got = read(im->in, to, READ_BYTES);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (got < 0) {
        admin_error("reading %s: %s", im->name, strerror(errno));
        stop_reading(im);
    } else if (got == 0) {
        end_file(im);
    } else {
        im->bytes.len += (size_t)got;
        im->read_bytes += (uint64_t)got;
        check_requests(im);
    }
}

/* --- the socket ------------------------------------------------------------------------------ */

static void lose_connection(import *im, const char *why) {
    if (!im->closed)
        admin_error("the connection was lost after %" PRIu64 " of %" PRIu64
                    " commands were answered: %s",
                    im->replies.count, im->commands, why);
    im->closed = true;
    im->failed = true;
}

static void send_some(import *im) {
    ssize_t done = send(im->out, im->bytes.ptr + im->sent, im->checked - im->sent, MSG_NOSIGNAL);
    if (done > 0) {
        im->sent += (size_t)done;
        im->last_ms = rl_clock_mono_ms();
    } else if (done < 0 && errno != EAGAIN && errno != EINTR) {
        /* It may have said why: read that first. */
        im->checked = im->sent;
        im->bytes.len = im->sent;
        im->ended = true;
        im->failed = true;
    }
}

static void receive_some(import *im) {
    static char bytes[REPLY_BYTES];
    ssize_t got = recv(im->out, bytes, sizeof bytes, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        lose_connection(im, got < 0 ? strerror(errno) : "the server closed it");
    } else if (!admin_replies_feed(&im->replies, bytes, (size_t)got)) {
        lose_connection(im, "what it sent is not the Redis protocol");
    } else {
        im->last_ms = rl_clock_mono_ms();
    }
}

static void show_error(void *arg, uint64_t number, rl_bytes text) {
    import *im = arg;
    if (im->args->quiet || im->errors_shown++ >= (uint64_t)im->args->show)
        return;
    admin_error("command %" PRIu64 ": %.*s", number, (int)text.len, text.ptr);
}

static bool is_done(const import *im) {
    return im->closed ||
           (im->ended && im->sent == im->checked && im->replies.count >= im->commands);
}

static bool is_too_late(import *im) {
    if (im->args->timeout_s == 0 || rl_clock_mono_ms() - im->last_ms < im->args->timeout_s * 1000)
        return false;
    admin_error("the server has done nothing for %" PRId64 " seconds; %" PRIu64 " of %" PRIu64
                " commands were answered",
                im->args->timeout_s, im->replies.count, im->commands);
    im->failed = true;
    return true;
}

static void pump(import *im) {
    bool wait_for_file =
        false; /* a pipe that nobody has written to yet is no fault of the server */
    im->last_ms = rl_clock_mono_ms();
    while (!is_done(im)) {
        bool room = !im->ended && im->checked - im->sent < AHEAD_BYTES;
        struct pollfd fds[] = {
            {.fd = im->out, .events = (short)(POLLIN | (im->sent < im->checked ? POLLOUT : 0))},
            {.fd = room ? im->in : -1, .events = POLLIN},
        };
        wait_for_file = room && im->sent == im->checked && im->replies.count >= im->commands;
        if (wait_for_file)
            im->last_ms = rl_clock_mono_ms();
        if (poll(fds, 2, 1000) < 0 && errno != EINTR)
            break;
        if (fds[0].revents & (POLLIN | POLLERR | POLLHUP))
            receive_some(im);
        if (fds[0].revents & POLLOUT && !im->closed)
            send_some(im);
        if (fds[1].revents)
            read_file(im);
        admin_progress(im->file_bytes ? im->read_bytes - (im->bytes.len - im->sent)
                                      : im->replies.count,
                       im->file_bytes);
        if (!wait_for_file && is_too_late(im))
            break;
    }
}

/* --- the command ----------------------------------------------------------------------------- */

static int open_input(import *im, const char *name) {
    struct stat st;
    im->name = name && strcmp(name, "-") != 0 ? name : "standard input";
    im->in = name && strcmp(name, "-") != 0 ? open(name, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    if (im->in < 0 || fstat(im->in, &st) != 0) {
        admin_error("%s: %s", im->name, strerror(errno));
        return ADMIN_FAILED;
    }
    if (S_ISDIR(st.st_mode)) {
        admin_error("%s is a directory; expected a file with commands", im->name);
        return ADMIN_FAILED;
    }
    im->file_bytes = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
    return ADMIN_OK;
}

static void run(import *im, int fd) {
    im->out = fd;
    im->replies = (admin_replies){.on_error = show_error, .arg = im};
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    rl_reader_init(&im->reader);
    admin_progress_begin("Importing", im->file_bytes ? ADMIN_BYTES : ADMIN_COUNT, im->args->quiet);
    pump(im);
    admin_progress_end();
    rl_reader_release(&im->reader);
    rl_buffer_release(&im->bytes);
}

static void report(const import *im) {
    char count[32], bytes[32];
    const admin_replies *r = &im->replies;
    if (im->args->json) {
        admin_json j = {0};
        admin_json_open(&j, NULL, '{');
        admin_json_uint(&j, "commands", im->commands);
        admin_json_uint(&j, "replies", r->count);
        admin_json_uint(&j, "errors", r->failed);
        admin_json_uint(&j, "bytes", im->read_bytes);
        admin_json_bool(&j, "complete", !im->failed);
        admin_json_close(&j, '}');
        admin_json_print(&j);
    } else if (!im->args->quiet) {
        if (r->failed && im->errors_shown > (uint64_t)im->args->show)
            admin_error("%" PRIu64 " more errors are not shown (--show N)",
                        im->errors_shown - (uint64_t)im->args->show);
        printf("Imported %s %s, %s: ", admin_count_text(count, r->count),
               admin_plural(r->count, "command", "commands"),
               admin_bytes_text(bytes, im->read_bytes));
        printf(r->failed ? "%s failed\n" : "no errors\n", admin_count_text(count, r->failed));
    }
}

static int import_into_server(import *im, const admin_args *args) {
    int fd = admin_connect(args);
    if (fd < 0)
        return ADMIN_FAILED;
    int code = admin_log_in(fd, args);
    if (code == ADMIN_OK)
        run(im, fd);
    close(fd);
    return code;
}

static int import_into_directory(import *im, const char *dir, const admin_args *args) {
    admin_datadir d;
    admin_own_server server;
    int fd = -1;
    int code = admin_datadir_open(&d, dir, args, false);
    if (code != ADMIN_OK)
        return code;
    if (d.holder.held) {
        admin_error("%s is used by a running server (pid %s): import into that one, with -h HOST "
                    "-p PORT or -s SOCKET",
                    dir, *d.holder.pid ? d.holder.pid : "unknown");
        code = ADMIN_FAILED;
    } else {
        code = admin_own_server_start(&server, &d, args, &fd);
    }
    if (code == ADMIN_OK) {
        run(im, fd);
        close(fd);
        code = admin_own_server_stop(&server, args->quiet);
    }
    admin_datadir_release(&d);
    return code;
}

static int wrong(const char *text) {
    admin_error("%s", text);
    return ADMIN_USAGE;
}

int admin_import(admin_args *args) {
    bool to_server = args->socket || args->host_given || args->port_given;
    const char *dir = NULL, *file = NULL;
    for (int i = 0; i < args->word_count; i++) {
        if (i == 0 && admin_is_directory(args->words[0]))
            dir = args->words[0];
        else if (!file)
            file = args->words[i];
        else
            return wrong("import: two files; expected at most a data directory and one file");
    }
    if (dir && to_server)
        return wrong("import: both a data directory and a server; expected one of them");
    if (args->socket && (args->host_given || args->port_given))
        return wrong("import: both a Unix socket and a host or port; expected one of them");
    if (!file && isatty(STDIN_FILENO) && !args->quiet)
        fputs("Reading commands from the terminal; end with Ctrl-D\n", stderr);
import im = {.args = args };
    int code = open_input(&im, file);
    if (code == ADMIN_OK)
        code = dir ? import_into_directory(&im, dir, args) : import_into_server(&im, args);
    if (im.out > 0)
        report(&im);
    if (im.in > STDIN_FILENO)
        close(im.in);
    return code == ADMIN_OK && (im.failed || im.replies.failed) ? ADMIN_FAILED : code;
}
