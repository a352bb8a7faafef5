/* SPDX-License-Identifier: MIT */
/* The connection family: greeting, logging in, choosing a database. CLIENT is in client.c. */
#include "commands/connection.h"

#include "base/number.h"
#include "commands/handlers.h"
#include "commands/shared.h"
#include "server/info.h"

/* A RESP2 client that listens to channels tells answers from messages by their shape. */
static void ping_subscribed(rl_ctx *c) {
    rl_reply_array(c->reply, 2);
    rl_reply_text(c->reply, "pong");
    rl_reply_bulk(c->reply, c->argc == 2 ? c->argv[1] : RL_BYTES(""));
}

void rl_cmd_ping(rl_ctx *c) {
    if (c->argc > 2)
        rl_reply_errorf(c->reply, "ERR wrong number of arguments for '%s' command",
                        c->command->name);
    else if (c->reply->resp == 2 && rl_subscriber_count(&c->session->subscriber))
        ping_subscribed(c);
    else if (c->argc == 2)
        rl_reply_bulk(c->reply, c->argv[1]);
    else
        rl_reply_literal(c->reply, "+PONG\r\n");
}

void rl_cmd_echo(rl_ctx *c) {
    rl_reply_bulk(c->reply, c->argv[1]);
}

void rl_cmd_select(rl_ctx *c) {
    int64_t number;
    if (!rl_ctx_int(c, 1, &number, NULL))
        return;
    if (number < INT32_MIN || number > INT32_MAX) {
        rl_reply_error(c->reply,
                       "ERR value is out of range, value must between -2147483648 and 2147483647");
        return;
    }
    if (number < 0 || number >= rl_keyspace_databases(c->keys)) {
        rl_reply_error(c->reply, "ERR DB index is out of range");
        return;
    }
    c->session->db = (int)number;
    rl_reply_ok(c->reply);
}

void rl_cmd_quit(rl_ctx *c) {
    rl_reply_ok(c->reply);
    rl_session_close(c->session, RL_CLOSE_AFTER_REPLY);
}

void rl_cmd_reset(rl_ctx *c) {
    rl_session_reset(c->session);
    rl_reply_status(c->reply, "RESET");
}

/* ---- logging in ---- */

static bool is_password(const char *password, rl_bytes given) {
    /* Takes the same time wherever they differ. */
    size_t len = strlen(password);
    unsigned char different = len != given.len;
    for (size_t i = 0; i < given.len; i++)
        different |= (unsigned char)(given.ptr[i] ^ password[len ? i % len : 0]);
    return !different;
}

static bool log_in(rl_ctx *c, rl_bytes user, rl_bytes password) {
    const char *required = rl_server_settings(c->server)->requirepass;
    bool open = required == NULL || *required == '\0';
    if (rl_bytes_equal(user, RL_BYTES("default")) && (open || is_password(required, password))) {
        c->session->authenticated = true;
        return true;
    }
    rl_server_stats(c->server)->acl_denied_auth++;
    rl_reply_error(c->reply, "WRONGPASS invalid username-password pair or user is disabled.");
    return false;
}

void rl_cmd_auth(rl_ctx *c) {
    const char *required = rl_server_settings(c->server)->requirepass;
    if (c->argc > 3) {
        rl_ctx_syntax_error(c);
        return;
    }
    if (c->argc == 2 && (required == NULL || *required == '\0')) {
        rl_reply_error(
            c->reply,
            "ERR AUTH <password> called without any password configured for the default user. "
            "Are you sure your configuration is correct?");
        return;
    }
    if (log_in(c, c->argc == 3 ? c->argv[1] : RL_BYTES("default"), c->argv[c->argc - 1]))
        rl_reply_ok(c->reply);
}

/* ---- HELLO ---- */

typedef struct hello {
    int64_t version;
    int name_arg; /* 0: not given */
} hello;

static bool parse_hello(rl_ctx *c, hello *h) {
    *h = (hello){.version = c->reply->resp};
    if (c->argc == 1)
        return true;
    if (!rl_ctx_int(c, 1, &h->version, "ERR Protocol version is not an integer or out of range"))
        return false;
    if (h->version < 2 || h->version > 3) {
        rl_reply_error(c->reply, "NOPROTO unsupported protocol version");
        return false;
    }
    for (int i = 2; i < c->argc; i++) {
        if (rl_bytes_is(c->argv[i], "AUTH") && i + 2 < c->argc) {
            /* at once: a bad option behind it does not undo the login */
            if (!log_in(c, c->argv[i + 1], c->argv[i + 2]))
                return false;
            i += 2;
        } else if (rl_bytes_is(c->argv[i], "SETNAME") && i + 1 < c->argc) {
            h->name_arg = ++i;
        } else {
            rl_reply_errorf(c->reply, "ERR Syntax error in HELLO option '%.*s'",
                            (int)c->argv[i].len, c->argv[i].ptr);
            return false;
        }
    }
    return true;
}

static void reply_hello(rl_ctx *c) {
    rl_reply *r = c->reply;
    rl_reply_map(r, 7);
    rl_reply_text(r, "server");
    rl_reply_text(r, "redis");
    rl_reply_text(r, "version");
    rl_reply_text(r, RL_REDIS_VERSION);
    rl_reply_text(r, "proto");
    rl_reply_int(r, r->resp);
    rl_reply_text(r, "id");
    rl_reply_int(r, (int64_t)c->session->id);
    rl_reply_text(r, "mode");
    rl_reply_text(r, "standalone");
    rl_reply_text(r, "role");
    rl_reply_text(r, "master");
    rl_reply_text(r, "modules");
    rl_reply_array(r, 0);
}

void rl_cmd_hello(rl_ctx *c) {
    hello h;
    if (!parse_hello(c, &h))
        return;
    if (rl_session_needs_auth(c->session)) {
        rl_reply_error(
            c->reply,
            "NOAUTH HELLO must be called with the client already authenticated, otherwise the "
            "HELLO "
            "AUTH <user> <pass> option can be used to authenticate the client and select the "
            "RESP protocol version at the same time");
        return;
    }
    if (h.name_arg && !rl_cmd_set_client_name(c, c->argv[h.name_arg]))
        return;
    c->reply->resp = (int)h.version;
    reply_hello(c);
}
