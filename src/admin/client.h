/* SPDX-License-Identifier: MIT */
/*
 * A client that asks and waits: requests are gathered and sent at once, answers are read piece by
 * piece as they come, so a long one needs no memory for the whole. RESP2 alone. One thread.
 */
#ifndef RL_ADMIN_CLIENT_H
#define RL_ADMIN_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"

typedef struct admin_client {
    int fd;        /* blocking */
    bool failed;   /* said on stderr; everything else is false from then on */
    rl_buffer out; /* requests that are not sent yet */
    rl_buffer in;
    size_t at; /* in `in`: what comes next */
} admin_client;

/* timeout_s: how long to wait for bytes; 0: forever. The socket stays the caller's. */
void admin_client_init(admin_client *c, int fd, int64_t timeout_s);
void admin_client_release(admin_client *c);

/* Adds a request. */
void admin_client_ask(admin_client *c, int argc, const rl_bytes *argv);
/* The same in parts: the number of arguments, then each. */
void admin_client_ask_begin(admin_client *c, size_t argc);
void admin_client_ask_more(admin_client *c, rl_bytes argument);
/* Sends what was added. */
bool admin_client_send(admin_client *c);

/* A piece of an answer. An array is its head, then `number` answers. */
typedef struct admin_piece {
    char kind;      /* '+', '-', ':', '$', '*'; '_' for a null */
    rl_bytes text;  /* of + - $; valid until the next call */
    int64_t number; /* of : and * */
} admin_piece;

/* The next piece; false, said, when there is none. */
bool admin_client_next(admin_client *c, admin_piece *piece);
/* Reads over the rest of an answer whose head this was. */
bool admin_client_skip(admin_client *c, const admin_piece *head);

#endif
