/* SPDX-License-Identifier: MIT */
/*
 * Sending messages. See publish.h. A message is encoded once, and for patterns once for each
 * pattern; what a subscriber costs is the copy into its output.
 */
#include "server/publish.h"

#include <stddef.h>

#include "server/server_private.h"

void rl_session_push(rl_session *s, rl_bytes text) {
    rl_chain *to = s->server->running == s ? &s->held_pushes : rl_conn_output(s->conn);
    if (s->close_after_reply)
        return;
    rl_chain_add(to, s->reply.resp == 3 ? ">" : "*", 1);
    rl_chain_add(to, text.ptr + 1, text.len - 1);
    rl_conn_touch(s->conn);
    rl_session_check_output(s);
}

void rl_session_push_held(rl_session *s) {
    rl_chain_append(rl_conn_output(s->conn), &s->held_pushes);
    rl_conn_touch(s->conn);
}

/* ---- messages ---- */

static void add_bulk(rl_buffer *out, rl_bytes bytes) {
    rl_buffer_printf(out, "$%zu\r\n", bytes.len);
    rl_buffer_add_bytes(out, bytes);
    rl_buffer_add_text(out, "\r\n");
}

typedef struct sending {
    rl_pubsub_kind kind;
    rl_bytes channel, message;
    rl_buffer plain;      /* for those who subscribed to the channel */
    rl_buffer by_pattern; /* for those of the pattern below */
    rl_bytes of;
} sending;

static rl_bytes encode_plain(sending *m) {
    if (m->plain.len == 0) {
        rl_buffer_add_text(&m->plain, "*3\r\n");
        add_bulk(&m->plain,
                 m->kind == RL_PUBSUB_SHARD ? RL_BYTES("smessage") : RL_BYTES("message"));
        add_bulk(&m->plain, m->channel);
        add_bulk(&m->plain, m->message);
    }
    return rl_buffer_bytes(&m->plain);
}

/* Subscribers of one pattern come one after the other. */
static rl_bytes encode_for_pattern(sending *m, rl_bytes pattern) {
    if (m->by_pattern.len == 0 || m->of.ptr != pattern.ptr) {
        rl_buffer_clear(&m->by_pattern);
        rl_buffer_add_text(&m->by_pattern, "*4\r\n");
        add_bulk(&m->by_pattern, RL_BYTES("pmessage"));
        add_bulk(&m->by_pattern, pattern);
        add_bulk(&m->by_pattern, m->channel);
        add_bulk(&m->by_pattern, m->message);
        m->of = pattern;
    }
    return rl_buffer_bytes(&m->by_pattern);
}

static void send_message(void *arg, rl_subscriber *subscriber, const rl_bytes *pattern) {
    sending *m = arg;
    rl_session *s = (rl_session *)(void *)((char *)subscriber - offsetof(rl_session, subscriber));
    rl_session_push(s, pattern ? encode_for_pattern(m, *pattern) : encode_plain(m));
}

size_t rl_publish(rl_server *server, rl_pubsub_kind kind, rl_bytes channel, rl_bytes message) {
    sending m = {.kind = kind, .channel = channel, .message = message};
    size_t receivers = rl_pubsub_publish(server->pubsub, kind, channel, send_message, &m);
    rl_buffer_release(&m.plain);
    rl_buffer_release(&m.by_pattern);
    return receivers;
}
