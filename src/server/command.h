/* SPDX-License-Identifier: MIT */
/*
 * What a command is, and what its handler gets. The commands themselves stand in one table
 * (commands/table.c, made from facts); dispatch, COMMAND, key extraction, statistics and the
 * documentation read that table.
 *
 * The shape of a handler: parse all arguments, look up with a type check, change through the
 * keyspace, reply. Parsing ends before anything is changed, so a command that answers an error has
 * changed nothing. A handler writes exactly one reply (or none, when it has blocked the session).
 * Loop thread.
 */
#ifndef RL_SERVER_COMMAND_H
#define RL_SERVER_COMMAND_H

#include <stdint.h>

#include "base/hash.h"
#include "keyspace/collection.h"
#include "keyspace/keyspace.h"
#include "resp/reply.h"

typedef struct rl_server rl_server;
typedef struct rl_session rl_session;
typedef struct rl_command rl_command;

typedef struct rl_ctx {
    const rl_bytes *argv; /* argv[0] is the command's name as sent; valid during the call */
    int argc;
    int db; /* the session's database */
    rl_reply *reply;
    rl_keyspace *keys;
    int64_t now_ms;
    uint64_t hash;             /* of the first key, when the command has one */
    const rl_command *command; /* for a subcommand, the subcommand */
    rl_session *session;
    rl_server *server;
    bool in_exec;             /* runs inside EXEC: must not block */
    bool waits;               /* set by rl_wait_for_keys (waiters.h): it has not ended yet */
    const rl_bytes *woken_by; /* it waited and is run again for this key (waiters.h); else NULL */
} rl_ctx;

typedef void (*rl_handler)(rl_ctx *c);

/* Flags, each with the word COMMAND INFO uses. */
enum {
    RL_CMD_WRITE = 1 << 0, /* may change keys: refused while the disk does not take writes */
    RL_CMD_READONLY = 1 << 1,
    RL_CMD_DENYOOM = 1 << 2, /* refused over maxmemory */
    RL_CMD_ADMIN = 1 << 3,   /* not shown to MONITOR */
    RL_CMD_PUBSUB = 1 << 4,
    RL_CMD_NOSCRIPT = 1 << 5,
    RL_CMD_BLOCKING = 1 << 6,
    RL_CMD_LOADING = 1 << 7, /* allowed while loading */
    RL_CMD_STALE = 1 << 8,
    RL_CMD_SKIP_MONITOR = 1 << 9,
    RL_CMD_SKIP_SLOWLOG = 1 << 10,
    RL_CMD_FAST = 1 << 11,
    RL_CMD_NO_AUTH = 1 << 12, /* allowed before AUTH */
    RL_CMD_MAY_REPLICATE = 1 << 13,
    RL_CMD_NO_ASYNC_LOADING = 1 << 14,
    RL_CMD_NO_MULTI = 1 << 15, /* refused inside MULTI */
    RL_CMD_MOVABLE_KEYS = 1 << 16,
    RL_CMD_ALLOW_BUSY = 1 << 17,
    RL_CMD_NO_MANDATORY_KEYS = 1 << 18,
    RL_CMD_SENTINEL = 1 << 19,
    RL_CMD_ASKING = 1 << 20,
    RL_CMD_ONLY_SENTINEL = 1 << 21,
    RL_CMD_PROTECTED = 1 << 22, /* DEBUG: only with enable-debug-command */
    RL_CMD_IMMEDIATE = 1 << 23, /* runs at once inside MULTI: EXEC DISCARD MULTI WATCH QUIT RESET */
    RL_CMD_DEFERRED = 1 << 25,  /* SQL: other threads run it; counted when it is answered; makes a
                                   MULTI a unit (sql/unit.h) */
    RL_CMD_WHILE_SUBSCRIBED = 1 << 24, /* a RESP2 client that listens to channels may send it */
};

/* How a command names its keys: the terms are those of COMMAND INFO (key specifications). */
typedef struct rl_key_spec {
    const char *flags; /* "RW access update", space separated, as COMMAND INFO lists them */
    const char *notes; /* or NULL */
    enum { RL_BEGIN_INDEX, RL_BEGIN_KEYWORD, RL_BEGIN_UNKNOWN } begin;
    int begin_index; /* INDEX: the argument; KEYWORD: where to start looking (negative: from the
                        end) */
    const char *begin_keyword;
    enum { RL_FIND_RANGE, RL_FIND_KEYNUM, RL_FIND_UNKNOWN } find;
    int last, step, limit;       /* RANGE */
    int keynum_index, first_key; /* KEYNUM, with step */
} rl_key_spec;

struct rl_command {
    const char *name; /* lower case; a subcommand's is "client|list" */
    rl_handler handler;
    int arity; /* negative: at least; the name counts */
    uint32_t flags;
    const char *categories; /* ACL categories, space separated: "@read @string @fast" */
    int first_key, last_key, key_step;
    const rl_key_spec *key_specs;
    int key_spec_count;
    const rl_command *subcommands;
    int subcommand_count;
    const char *group, *since, *complexity, *summary;
    const char *const *tips; /* NULL-terminated, or NULL */
    uint16_t index;          /* its place in statistics; unique, from 0 */
};

static inline uint64_t rl_ctx_hash(const rl_ctx *c, int arg) {
    return arg == c->command->first_key ? c->hash : rl_hash(c->argv[arg]);
}
static inline rl_entry *rl_ctx_find(rl_ctx *c, int arg, rl_look look) {
    return rl_keyspace_find(c->keys, c->db, c->argv[arg], rl_ctx_hash(c, arg), look);
}
/* A keyspace notification: class of keyspace/notify.h. After the change, before the reply. */
static inline void rl_ctx_notify(rl_ctx *c, unsigned class, const char *event, rl_bytes key) {
    rl_keyspace_notify(c->keys, class, event, c->db, key);
}
/* Parses an integer argument, or answers "ERR value is not an integer or out of range" (or text)
 * and returns false. */
bool rl_ctx_int(rl_ctx *c, int arg, int64_t *out, const char *error_or_null);
/* Finds a string. *out is NULL when there is no such key; false after answering WRONGTYPE. */
bool rl_ctx_find_string(rl_ctx *c, int arg, rl_look look, rl_entry **out);
/* Opens the collection of the key that argument `arg` names; false after answering WRONGTYPE. */
bool rl_ctx_open(rl_ctx *c, int arg, rl_type type, rl_look look, rl_collection *out);
void rl_ctx_syntax_error(rl_ctx *c);
/* The answer of "XYZ HELP": Redis's frame around the lines, which end with NULL. */
void rl_ctx_help(rl_ctx *c, const char *const *lines);
/* "ERR unknown subcommand or wrong number of arguments for 'x'. Try XYZ HELP." */
void rl_ctx_subcommand_error(rl_ctx *c);

#endif
