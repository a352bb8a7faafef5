/* SPDX-License-Identifier: MIT */
/* Asking a server; see client.h. */
#include "admin/client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "admin/output.h"
#include "base/number.h"

#define READ_BYTES (256u << 10)
#define LINE_MAX   (64u << 10) /* a longer line is no answer */

static bool fail(admin_client *c, const char *why) {
    if (!c->failed)
        admin_error("reading from the server: %s", why);
    c->failed = true;
    return false;
}

static const char *reason(void) {
    return errno == EAGAIN ? "it has done nothing for too long (--timeout)" : strerror(errno);
}

void admin_client_init(admin_client *c, int fd, int64_t timeout_s) {
    *c = (admin_client){.fd = fd};
    struct timeval limit = {.tv_sec = timeout_s};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
}

void admin_client_release(admin_client *c) {
    rl_buffer_release(&c->out);
    rl_buffer_release(&c->in);
}

void admin_client_ask_begin(admin_client *c, size_t argc) {
    rl_buffer_printf(&c->out, "*%zu\r\n", argc);
}

void admin_client_ask_more(admin_client *c, rl_bytes argument) {
    rl_buffer_printf(&c->out, "$%zu\r\n", argument.len);
    rl_buffer_add_bytes(&c->out, argument);
    rl_buffer_add(&c->out, "\r\n", 2);
}

void admin_client_ask(admin_client *c, int argc, const rl_bytes *argv) {
    admin_client_ask_begin(c, (size_t)argc);
    for (int i = 0; i < argc; i++)
        admin_client_ask_more(c, argv[i]);
}

bool admin_client_send(admin_client *c) {
    rl_bytes left = rl_buffer_bytes(&c->out);
    while (left.len && !c->failed) {
        ssize_t done = send(c->fd, left.ptr, left.len, MSG_NOSIGNAL);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return fail(c, reason());
        left.ptr += done;
        left.len -= (size_t)done;
    }
    rl_buffer_clear(&c->out);
    return !c->failed;
}

/* What was read already is dropped, and more is received behind the rest. */
static bool receive(admin_client *c) {
    if (c->failed)
        return false;
    if (c->at > 0) {
        memmove(c->in.ptr, c->in.ptr + c->at, c->in.len - c->at);
        c->in.len -= c->at;
        c->at = 0;
    }
    for (;;) {
        char *to = rl_buffer_reserve(&c->in, READ_BYTES);
        ssize_t got = recv(c->fd, to, READ_BYTES, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return fail(c, got == 0 ? "it closed the connection" : reason());
        c->in.len += (size_t)got;
        return true;
    }
}

/* The line at c->at, without its end, and how long it is with it; false when it is not whole. */
static bool find_line(const admin_client *c, rl_bytes *line, size_t *len) {
    const char *from = c->in.ptr + c->at;
    size_t there = c->in.len - c->at;
    const char *end = there ? memchr(from, '\n', there) : NULL;
    if (!end)
        return false;
    *len = (size_t)(end - from) + 1;
    *line = rl_bytes_of(from, *len - 1 - (end > from && end[-1] == '\r'));
    return true;
}

/* A string of `len` bytes stands behind a head of `head` bytes. */
static bool take_string(admin_client *c, size_t head, size_t len, admin_piece *piece) {
    while (c->in.len - c->at < head + len + 2)
        if (!receive(c))
            return false;
    piece->text = rl_bytes_of(c->in.ptr + c->at + head, len);
    c->at += head + len + 2;
    return true;
}

bool admin_client_next(admin_client *c, admin_piece *piece) {
    rl_bytes line;
    size_t len;
    while (!find_line(c, &line, &len)) {
        if (c->in.len - c->at > LINE_MAX)
            return fail(c, "what it sent is not the Redis protocol");
        if (!receive(c))
            return false;
    }
    *piece = (admin_piece){.kind = line.len ? line.ptr[0] : '?'};
    rl_bytes rest = rl_bytes_of(line.ptr + 1, line.len ? line.len - 1 : 0);
    if (piece->kind == '+' || piece->kind == '-') {
        piece->text = rest;
        c->at += len;
        return true;
    }
    bool known = piece->kind == ':' || piece->kind == '$' || piece->kind == '*';
    if (!known || !rl_int64_parse(rest, &piece->number))
        return fail(c, "what it sent is not the Redis protocol");
    if (piece->kind != ':' && piece->number < 0)
        piece->kind = '_';
    if (piece->kind == '$')
        return take_string(c, len, (size_t)piece->number, piece);
    c->at += len;
    return true;
}

bool admin_client_skip(admin_client *c, const admin_piece *head) {
    int64_t left = head->kind == '*' ? head->number : 0;
    admin_piece piece;
    for (; left > 0; left--) {
        if (!admin_client_next(c, &piece))
            return false;
        if (piece.kind == '*')
            left += piece.number;
    }
    return true;
}
