/* SPDX-License-Identifier: MIT */
/*
 * The network: listeners and connections on one libuv loop. A connection moves bytes; what they
 * mean is its session's business, which it calls through rl_net_handler. Loop thread only, all of
 * it.
 *
 * A turn. libuv's poll delivers input to on_input for each readable connection; then, once per
 * turn, on_turn runs (a uv_check handle), in which the server seals the batch, journals it and
 * calls rl_net_flush: so replies of a turn go out together, one write per connection. on_turn also
 * runs in turns without input.
 *
 * Input. on_input gets everything that is not consumed yet, in one run, and returns how much it
 * consumed. Bytes are valid during the call only. While nothing is left over a connection holds no
 * input memory (all read into one buffer of the network); what is left is kept by the connection
 * and handed over again, in front of what follows.
 *
 * Output. Replies are appended to rl_conn_output and rl_conn_touch puts the connection on the
 * turn's flush list. Gates hold replies back: rl_conn_gate(c, seq, …) says that bytes from here on
 * may be sent once rl_net_flush was told a released seq >= seq. Bytes never pass other bytes.
 *
 * Closing. rl_conn_close is safe anywhere, in on_input too: the connection stops reading at once,
 * its session gets on_close (once, not from inside rl_conn_close but before the turn ends), its
 * memory goes in the close callback.
 */
#ifndef RL_NET_NET_H
#define RL_NET_NET_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/chain.h"

typedef struct rl_net rl_net;
typedef struct rl_conn rl_conn;

typedef struct rl_net_handler {
    /* A connection was accepted. Returns its session. NULL: turned away (what was appended to its
     * output is still written, then it closes; no further calls for it). */
    void *(*on_open)(void *arg, rl_conn *c);
    size_t (*on_input)(void *session, const char *bytes, size_t len);
    void (*on_close)(void *session);
    void (*on_turn)(void *arg);
    void *arg;
} rl_net_handler;

int rl_net_create(uv_loop_t *loop, const rl_net_handler *handler,
                  rl_net **out); /* 0 or a UV error */
/* Stops listening, closes every connection and handle; the loop must run on until done, which then
 * calls done. */
void rl_net_close(rl_net *n, void (*done)(void *arg), void *arg);

/* address: an IPv4 or IPv6 address, "*" (all IPv4) or "::*" (all IPv6); port 0 takes a free one,
 * told by rl_net_port. 0 or a UV error; UV_EINVAL when it is no address but, perhaps, a name. */
int rl_net_listen_tcp(rl_net *n, const char *address, int port, int backlog);
/* mode 0: as umask says. A socket file that nobody serves any more is replaced. UV_EADDRINUSE: a
 * running program serves it; UV_EEXIST: what is there is no socket. Neither is touched. */
int rl_net_listen_unix(rl_net *n, const char *path, unsigned mode, int backlog);
bool rl_net_is_address(const char *text); /* what rl_net_listen_tcp takes */
/* The first address of a host name, IPv4 if it has one (as Redis takes it), as text. May ask a name
 * server and wait for it, so it is for the start only. 0 or a UV error. */
int rl_net_resolve(uv_loop_t *loop, const char *name, char *address, size_t size);
void rl_net_listen_stop(
    rl_net *n); /* closes listeners (and removes unix socket files); connections stay */
int rl_net_port(const rl_net *n); /* of the first TCP listener, 0 when there is none */

void rl_net_set_keepalive(rl_net *n, int seconds); /* of connections accepted from now on; 0: off */
size_t rl_net_count(const rl_net *n); /* open connections, those being closed not counted */

typedef struct rl_net_stats {
    uint64_t accepted, refused, bytes_in, bytes_out, reads, writes;
} rl_net_stats;
void rl_net_stats_read(const rl_net *n, rl_net_stats *out);
void rl_net_stats_reset(rl_net *n);

/* Writes what may be sent of every touched connection. Called from on_turn after the journal has
 * the batch. */
void rl_net_flush(rl_net *n, uint64_t released_seq);

/* ---- a connection ---- */

rl_chain *rl_conn_output(rl_conn *c);
void rl_conn_touch(rl_conn *c);

/* Everything appended from `from` (an absolute position of the output) to now waits for seq,
 * `replies` answers in it. is_write: answers of writes, which rl_conn_fail_gates replaces. Call it
 * after the reply was appended. Gates of the same kind with the same seq run together. */
void rl_conn_gate(rl_conn *c, uint64_t from, uint64_t seq, unsigned replies, bool is_write);
/* Replaces each held answer of a write by the error line `text` (whole, with \r\n) and opens those
 * gates; returns how many answers were replaced. For when the journal cannot take the batch. */
unsigned rl_conn_fail_gates(rl_conn *c, rl_bytes text);
bool rl_conn_gated(const rl_conn *c);

/* Stops reading and calling on_input (the kernel's buffers then slow the client down); resume hands
 * over what is left in the same turn (not from inside resume) and reads on. Counted: as many
 * resumes as pauses. */
void rl_conn_pause(rl_conn *c);
void rl_conn_resume(rl_conn *c);
/* The session knows that a request of this many bytes in all is coming: sizes the input buffer
 * once. */
void rl_conn_expect(rl_conn *c, size_t total_bytes);

typedef enum rl_conn_closing {
    RL_CLOSE_NOW,         /* drop pending output */
    RL_CLOSE_AFTER_REPLY, /* read no more, write what is pending (gates included), then close */
} rl_conn_closing;
void rl_conn_close(rl_conn *c, rl_conn_closing how);
bool rl_conn_is_closing(const rl_conn *c);

bool rl_conn_is_unix(const rl_conn *c);
bool rl_conn_is_loopback(const rl_conn *c); /* 127.0.0.0/8, ::1 or a Unix socket */
const char *rl_conn_peer(
    const rl_conn *c); /* "127.0.0.1:51234", "[::1]:51234", "/path/sock:0"; valid while it lives */
const char *rl_conn_local(const rl_conn *c);
int rl_conn_fd(const rl_conn *c);
/* The peer has closed its side. For paused connections, where nobody reads up to the end; a system
 * call. */
bool rl_conn_peer_gone(const rl_conn *c);
size_t rl_conn_input_pending(const rl_conn *c); /* unconsumed input bytes kept */
size_t rl_conn_input_capacity(const rl_conn *c);
size_t rl_conn_output_pending(const rl_conn *c); /* output bytes not handed to the kernel */
size_t rl_conn_output_memory(const rl_conn *c);
uint64_t rl_conn_bytes_in(const rl_conn *c);
uint64_t rl_conn_bytes_out(const rl_conn *c);

#endif
