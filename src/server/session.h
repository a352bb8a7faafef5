/* SPDX-License-Identifier: MIT */
/*
 * A session: what the server knows of one client. Its connection moves the bytes (net/net.h); the
 * session reads requests out of them, keeps the database number, the transaction and the protocol
 * version, and is where replies are built. Created when a connection is accepted, gone in
 * rl_net_handler.on_close. Loop thread.
 *
 * The struct is open to server/ and to the CLIENT family of commands, which is about nothing else;
 * everybody else goes through rl_ctx.
 */
#ifndef RL_SERVER_SESSION_H
#define RL_SERVER_SESSION_H

#include "net/net.h"
#include "resp/reader.h"
#include "server/command.h"
#include "server/pubsub.h"
#include "server/tracking.h"

typedef struct rl_sql_unit rl_sql_unit;
typedef struct rl_queued rl_queued; /* a command of a MULTI, see transaction.h */

/* What a session can be parked for. Its connection is paused meanwhile, so nothing behind the
 * command runs. */
typedef enum rl_park {
    RL_PARK_NONE,
    RL_PARK_POSTPONED, /* the command has not run: CLIENT PAUSE, or the backlog is over its limit */
    RL_PARK_BLOCKED,   /* the command has run and waits: WAITAOF, SQL, BLPOP */
} rl_park;

/* A blocked command. ready: asked after each turn, true once it can be answered; NULL: nobody asks,
 * somebody else wakes it. answer: writes the reply. */
typedef enum rl_wake {
    RL_WAKE_READY,
    RL_WAKE_TIMEOUT,
    RL_WAKE_UNBLOCK_TIMEOUT,
    RL_WAKE_UNBLOCK_ERROR
} rl_wake;
typedef struct rl_block {
    bool (*ready)(rl_server *server, rl_session *s);
    void (*answer)(rl_server *server, rl_session *s, rl_reply *reply, rl_wake why);
    int64_t deadline_ms; /* wall time; 0: none */
    /* CLIENT UNBLOCK: says whether it has any effect, and may answer later. NULL: answer at once.
     */
    bool (*unblock)(rl_server *server, rl_session *s, rl_wake why);
    void (*abandon)(rl_server *server, rl_session *s); /* the session ends unanswered; or NULL */
    uint64_t seq;                                      /* the command's own: what it waits for */
    int64_t numbers[2];
    void *work;
    size_t memory_bytes; /* of work, for CLIENT LIST; 0: not its */
    bool silent; /* set by rl_session_block: CLIENT REPLY says that nobody wants the answer */
} rl_block;

struct rl_session {
    rl_server *server;
    rl_conn *conn;
    rl_session *next, *prev; /* all sessions, oldest first */
    rl_reader reader;
    rl_reply reply;
    uint64_t id;
    int db;
    /* who */
    char *name, *lib_name, *lib_ver; /* NULL: not set */
    bool authenticated;
    bool large_request; /* the one being run has more bytes than a key may have */
    /* switches */
    bool killed; /* CLIENT KILL */
    bool close_after_reply, no_evict, no_touch, monitor;
    enum { RL_REPLY_ON, RL_REPLY_OFF, RL_REPLY_SKIP_NEXT, RL_REPLY_SKIP } reply_mode;
    /* transaction */
    bool in_multi, multi_failed;
    rl_queued *queued_first, *queued_last;
    int queued_count;
    size_t queued_bytes;
    uint32_t queued_flags; /* of all queued commands */
    rl_sql_unit *unit;     /* while EXEC makes one */
    rl_watcher watcher;
    /* publish and subscribe */
    rl_subscriber subscriber;
    rl_tracker *tracker;  /* client-side caching; NULL: it does not track */
    rl_chain held_pushes; /* what was pushed while its command ran: see publish.h */
    /* parked */
    rl_park park;
    rl_session *park_next, *park_prev;
    size_t deadline_place; /* see deadlines.h */
    rl_block block;
    /* watching it */
    int64_t created_ms, last_active_ms;
    const rl_command *last_command;
    uint64_t last_write_seq; /* of the batch of its last write: WAIT, WAITAOF */
    uint64_t commands;
    int64_t over_soft_since_ms; /* output above the soft limit since then; 0: it is not */
};

rl_session *rl_session_create(rl_server *server, rl_conn *conn, uint64_t id);
void rl_session_free(rl_session *s);
/* rl_net_handler.on_input. */
size_t rl_session_input(void *session, const char *bytes, size_t len);
/* RESET, and the state of a fresh session. */
void rl_session_reset(rl_session *s);
bool rl_session_needs_auth(const rl_session *s);
void rl_session_set_text(char **field, rl_bytes text); /* empty: NULL */
/* Asks for a close once the reply of the running command is written (QUIT, CLIENT KILL of itself).
 */
void rl_session_close(rl_session *s, rl_conn_closing how);
/* Closes the session when its unsent output is over the hard limit; after anything that can add to
 * it. */
void rl_session_check_output(rl_session *s);
int rl_session_class(const rl_session *s); /* RL_CLIENT_NORMAL or RL_CLIENT_PUBSUB */
/* One line of CLIENT LIST, with a final \n. */
void rl_session_describe(const rl_session *s, rl_buffer *out);
size_t rl_session_memory(const rl_session *s);
/* Blocks the session on the running command, which has not replied. */
void rl_session_block(rl_session *s, const rl_block *block);

#endif
