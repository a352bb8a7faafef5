/* SPDX-License-Identifier: MIT */
/*
 * What the files of net/ share: net.c (the turn and the flush), listener.c (accepting), conn.c (a
 * connection's life and input), output.c (writing), gate.c (holding back), address.c (texts).
 *
 * A connection's states, and who moves it on:
 *
 *   OPEN ──close after reply──▶ FINISHING ──all written──▶ CLOSING ──net_settle──▶ CLOSED ──▶ freed
 *     └──────── close now, an error ──────────────────────────▲     (on_close,      (its close
 *                                                                    uv_close)       callback)
 *
 * A connection that closes leaves NET_TOUCHED, NET_HELD and NET_RESUMED in net_settle, which never
 * runs inside a walk over one of them; so a walk may call anything that closes connections.
 */
#ifndef RL_NET_PRIVATE_H
#define RL_NET_PRIVATE_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "net/net.h"

enum {
    NET_READ_BYTES = 64 * 1024, /* most a connection gets to read in a turn, most of the time */
    NET_HEAD_BYTES =
        16 * 1024, /* left-over input up to this is put in front of what is read next */
    NET_DIRECT_BYTES = 256 * 1024, /* most that is read in a turn into a connection's own buffer */
    NET_IOVECS = 16,
};

typedef enum net_state { NET_OPEN, NET_FINISHING, NET_CLOSING, NET_CLOSED } net_state;

/* Sets of connections: an array each, every member knowing its place in it. */
typedef enum net_set_id {
    NET_ALL,       /* every connection that is not CLOSING or CLOSED */
    NET_TOUCHED,   /* has output that no flush has looked at */
    NET_HELD,      /* has gates; may stay here without for a while */
    NET_RESUMED,   /* has left-over input to be handed over again */
    NET_TO_SETTLE, /* CLOSING */
    NET_SETS,
} net_set_id;

typedef struct net_set {
    rl_conn **at;
    uint32_t count, cap;
} net_set;

/* Bytes [from, until) of the output wait for seq, and everything behind them too. */
typedef struct net_gate {
    uint64_t from, until, seq;
    uint32_t replies;
    bool is_write;
} net_gate;

/* Oldest first, at[head] … at[head + count - 1]. One is kept in place, more are on the heap. */
typedef struct net_gates {
    uint32_t head, count, cap;
    net_gate *at;
    net_gate one;
} net_gates;

typedef struct net_listener {
    uv_poll_t poll;
    rl_net *net;
    struct net_listener *next;
    int fd; /* -1 once closed */
    int port;
    char *path; /* of a Unix socket, else NULL */
    char *text; /* "path:0" */
    dev_t device;
    ino_t inode; /* of the socket file: only our own is removed */
} net_listener;

struct rl_conn {
    /* Used in every turn. */
    rl_net *net;
    void *session;
    rl_chain out;
    uint8_t state; /* net_state */
    bool reading;  /* the stream is started */
    bool is_unix;
    bool turned_away; /* has no session and never will */
    uint32_t pauses;
    char *in; /* left-over input, NULL when there is none */
    size_t in_len, in_cap;
    size_t expect;      /* size of the request that begins the input; 0: not known */
    uint64_t read_turn; /* the turn in which it has read its share */
    uint64_t bytes_in, bytes_out;
    size_t in_flight; /* bytes at the front of `out` that a uv_write has; 0: none is under way */
    uint32_t slot[NET_SETS]; /* place in a set, plus one; 0: not in it */
    net_gates gates;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    /* Used now and then. */
    net_listener *listener;
    union {
        struct sockaddr any;
        struct sockaddr_in in4;
        struct sockaddr_in6 in6;
    } peer_address;
    char *peer, *local; /* texts, made when first asked for */
};

struct rl_net {
    uv_loop_t *loop;
    rl_net_handler handler;
    uint64_t turn;
    uint64_t released; /* the newest seq a flush was told */
    uint64_t held_min; /* no connection in NET_HELD waits for less */
    net_set sets[NET_SETS];
    char *shared; /* NET_HEAD_BYTES, then NET_READ_BYTES: all connections read here */
    rl_net_stats stats;
    size_t turned_away; /* connections in NET_ALL without a session */
    uv_check_t check;
    uv_prepare_t prepare;
    uv_idle_t idle;         /* started to keep poll from blocking */
    uv_timer_t accept_wait; /* until accepting is tried again */
    net_listener *listeners, **listeners_end;
    int keepalive;
    bool accept_stopped, accept_logged;
    bool closing, handles_closing;
    size_t handles; /* libuv handles whose close callback has not run */
    void (*done)(void *arg);
    void *done_arg;
};

/* net.c */
void rl_net_set_add(rl_net *n, net_set_id id, rl_conn *c); /* no effect when it is in */
void rl_net_set_remove(rl_net *n, net_set_id id, rl_conn *c);
void rl_net_handle_closed(rl_net *n); /* from each handle's close callback, as the last thing */

/* listener.c */
void rl_net_listeners_release(rl_net *n); /* once their handles are closed */
void rl_net_accept_again(uv_timer_t *timer);

/* conn.c */
/* Takes over fd, an accepted socket; address may be NULL. Calls on_open. */
void rl_net_conn_accept(net_listener *l, int fd, const struct sockaddr *address, socklen_t len);
void rl_net_conn_deliver_left(rl_conn *c);
void rl_net_conn_settle(rl_conn *c); /* CLOSING to CLOSED */

/* address.c */
void rl_net_address_text(const struct sockaddr *address, char *text,
                         size_t size); /* "[::1]:6379" */
bool rl_net_address_is_loopback(const struct sockaddr *address);

/* output.c */
void rl_net_conn_flush(rl_conn *c); /* writes what may be sent; may close the connection */

/* gate.c */
void rl_net_gates_open(net_gates *g, uint64_t released); /* forgets those that are open */
void rl_net_gates_release(net_gates *g);

static inline net_gate *net_gates_first(net_gates *g) {
    return &g->at[g->head];
}

#endif
