/* SPDX-License-Identifier: MIT */
/* CLIENT: what clients ask about themselves and each other. */
#include "base/number.h"
#include "commands/connection.h"
#include "commands/handlers.h"
#include "commands/shared.h"

/* ---- about oneself ---- */

void rl_cmd_client_id(rl_ctx *c) {
    rl_reply_int(c->reply, (int64_t)c->session->id);
}

void rl_cmd_client_info(rl_ctx *c) {
    rl_buffer line = {0};
    rl_session_describe(c->session, &line);
    rl_reply_verbatim(c->reply, "txt", rl_buffer_bytes(&line));
    rl_buffer_release(&line);
}

/* Printable ASCII without blanks: what fits a line of CLIENT LIST. */
static bool fits_a_line(rl_bytes text) {
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] < '!' || text.ptr[i] > '~')
            return false;
    return true;
}

bool rl_cmd_set_client_name(rl_ctx *c, rl_bytes name) {
    if (!fits_a_line(name)) {
        rl_reply_error(c->reply,
                       "ERR Client names cannot contain spaces, newlines or special characters.");
        return false;
    }
    rl_session_set_text(&c->session->name, name);
    return true;
}

void rl_cmd_client_setname(rl_ctx *c) {
    if (rl_cmd_set_client_name(c, c->argv[2]))
        rl_reply_ok(c->reply);
}

void rl_cmd_client_getname(rl_ctx *c) {
    if (c->session->name)
        rl_reply_text(c->reply, c->session->name);
    else
        rl_reply_null(c->reply);
}

void rl_cmd_client_setinfo(rl_ctx *c) {
    char **field;
    if (rl_bytes_is(c->argv[2], "LIB-NAME")) {
        field = &c->session->lib_name;
    } else if (rl_bytes_is(c->argv[2], "LIB-VER")) {
        field = &c->session->lib_ver;
    } else {
        rl_reply_errorf(c->reply, "ERR Unrecognized option '%.*s'", (int)c->argv[2].len,
                        c->argv[2].ptr);
        return;
    }
    if (!fits_a_line(c->argv[3])) {
        rl_reply_errorf(c->reply, "ERR %.*s cannot contain spaces, newlines or special characters.",
                        (int)c->argv[2].len, c->argv[2].ptr);
        return;
    }
    rl_session_set_text(field, c->argv[3]);
    rl_reply_ok(c->reply);
}

/* An argument that says on or off, into *value. */
static void set_switch(rl_ctx *c, bool *value) {
    bool on = rl_bytes_is(c->argv[2], "ON");
    if (!on && !rl_bytes_is(c->argv[2], "OFF")) {
        rl_ctx_syntax_error(c);
        return;
    }
    *value = on;
    rl_reply_ok(c->reply);
}

void rl_cmd_client_no_evict(rl_ctx *c) {
    set_switch(c, &c->session->no_evict);
}

void rl_cmd_client_no_touch(rl_ctx *c) {
    set_switch(c, &c->session->no_touch);
}

void rl_cmd_client_reply(rl_ctx *c) {
    rl_session *s = c->session;
    if (rl_bytes_is(c->argv[2], "ON")) {
        s->reply_mode = RL_REPLY_ON;
        if (s->unit == NULL) /* its replies are put together later */
            s->reply.chain = rl_conn_output(s->conn);
        rl_reply_ok(c->reply);
    } else if (rl_bytes_is(c->argv[2], "OFF")) {
        s->reply_mode = RL_REPLY_OFF;
    } else if (rl_bytes_is(c->argv[2], "SKIP")) {
        if (s->reply_mode != RL_REPLY_OFF)
            s->reply_mode = RL_REPLY_SKIP_NEXT;
    } else {
        rl_ctx_syntax_error(c);
    }
}

/* ---- about others ---- */

/* There are no replicas and no master. -1: no such type. */
static int client_type(rl_bytes name) {
    if (rl_bytes_is(name, "normal"))
        return RL_CLIENT_NORMAL;
    if (rl_bytes_is(name, "slave") || rl_bytes_is(name, "replica"))
        return RL_CLIENT_REPLICA;
    if (rl_bytes_is(name, "pubsub"))
        return RL_CLIENT_PUBSUB;
    return rl_bytes_is(name, "master") ? RL_CLIENT_CLASSES : -1;
}

static void list_all(rl_ctx *c, rl_buffer *out) {
    for (rl_session *s = rl_server_first_session(c->server); s != NULL; s = s->next)
        rl_session_describe(s, out);
}

static bool list_ids(rl_ctx *c, rl_buffer *out) {
    for (int i = 3; i < c->argc; i++) {
        int64_t id;
        if (!rl_int64_parse(c->argv[i], &id)) {
            rl_reply_error(c->reply, "ERR Invalid client ID");
            return false;
        }
        rl_session *s = rl_server_find_session(c->server, (uint64_t)id);
        if (s)
            rl_session_describe(s, out);
    }
    return true;
}

static bool list_type(rl_ctx *c, rl_buffer *out) {
    int type = client_type(c->argv[3]);
    if (type < 0) {
        rl_reply_errorf(c->reply, "ERR Unknown client type '%.*s'", (int)c->argv[3].len,
                        c->argv[3].ptr);
        return false;
    }
    for (rl_session *s = rl_server_first_session(c->server); s != NULL; s = s->next)
        if (rl_session_class(s) == type)
            rl_session_describe(s, out);
    return true;
}

void rl_cmd_client_list(rl_ctx *c) {
    rl_buffer out = {0};
    bool good = true;
    if (c->argc == 2) {
        list_all(c, &out);
    } else if (c->argc == 4 && rl_bytes_is(c->argv[2], "TYPE")) {
        good = list_type(c, &out);
    } else if (c->argc > 3 && rl_bytes_is(c->argv[2], "ID")) {
        good = list_ids(c, &out);
    } else {
        rl_ctx_syntax_error(c);
        good = false;
    }
    if (good)
        rl_reply_verbatim(c->reply, "txt", rl_buffer_bytes(&out));
    rl_buffer_release(&out);
}

void rl_cmd_client_pause(rl_ctx *c) {
    int64_t ms, until_ms;
    bool writes_only = false, pausing_writes;
    int64_t left_ms;
    if (c->argc > 4) {
        rl_ctx_subcommand_error(c);
        return;
    }
    if (c->argc == 4) {
        writes_only = rl_bytes_is(c->argv[3], "WRITE");
        if (!writes_only && !rl_bytes_is(c->argv[3], "ALL")) {
            rl_reply_error(c->reply, "ERR CLIENT PAUSE mode must be WRITE or ALL");
            return;
        }
    }
    if (!rl_ctx_int(c, 2, &ms, "ERR timeout is not an integer or out of range"))
        return;
    if (ms < 0) {
        rl_reply_error(c->reply, "ERR timeout is negative");
        return;
    }
    if (__builtin_add_overflow(ms, c->now_ms, &until_ms)) {
        rl_reply_error(c->reply, "ERR timeout is out of range");
        return;
    }
    /* A pause that is on is never made weaker or shorter by another. */
    if (rl_server_paused(c->server, &pausing_writes, &left_ms)) {
        writes_only = writes_only && pausing_writes;
        if (c->now_ms + left_ms > until_ms)
            until_ms = c->now_ms + left_ms;
    }
    rl_server_pause(c->server, until_ms, writes_only);
    rl_reply_ok(c->reply);
}

void rl_cmd_client_unpause(rl_ctx *c) {
    rl_server_pause(c->server, 0, false);
    rl_reply_ok(c->reply);
}

void rl_cmd_client_unblock(rl_ctx *c) {
    int64_t id;
    rl_wake why = RL_WAKE_UNBLOCK_TIMEOUT;
    if (c->argc > 4) {
        rl_ctx_subcommand_error(c);
        return;
    }
    if (c->argc == 4) {
        if (rl_bytes_is(c->argv[3], "ERROR")) {
            why = RL_WAKE_UNBLOCK_ERROR;
        } else if (!rl_bytes_is(c->argv[3], "TIMEOUT")) {
            rl_reply_error(c->reply, "ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
            return;
        }
    }
    if (!rl_ctx_int(c, 2, &id, NULL))
        return;
    rl_session *s = rl_server_find_session(c->server, (uint64_t)id);
    rl_reply_int(c->reply, s && rl_server_unblock(c->server, s, why));
}

/* ---- CLIENT KILL ---- */

typedef struct kill_filter {
    int64_t id, max_age_s; /* 0: any */
    rl_bytes addr, laddr;
    int type; /* -1: any */
    bool skip_me;
} kill_filter;

static bool kill_option(rl_ctx *c, int i, kill_filter *f) {
    rl_bytes name = c->argv[i], value = c->argv[i + 1];
    if (rl_bytes_is(name, "ID")) {
        if (!rl_int64_parse(value, &f->id) || f->id < 1) {
            rl_reply_error(c->reply, "ERR client-id should be greater than 0");
            return false;
        }
    } else if (rl_bytes_is(name, "MAXAGE")) {
        if (!rl_int64_parse(value, &f->max_age_s) || f->max_age_s < 1) {
            rl_reply_error(c->reply, "ERR maxage is not an integer or out of range");
            return false;
        }
    } else if (rl_bytes_is(name, "TYPE")) {
        f->type = client_type(value);
        if (f->type < 0) {
            rl_reply_errorf(c->reply, "ERR Unknown client type '%.*s'", (int)value.len, value.ptr);
            return false;
        }
    } else if (rl_bytes_is(name, "ADDR")) {
        f->addr = value;
    } else if (rl_bytes_is(name, "LADDR")) {
        f->laddr = value;
    } else if (rl_bytes_is(name, "USER")) {
        if (!rl_bytes_equal(value, RL_BYTES("default"))) {
            rl_reply_errorf(c->reply, "ERR No such user '%.*s'", (int)value.len, value.ptr);
            return false;
        }
    } else if (rl_bytes_is(name, "SKIPME") &&
               (rl_bytes_is(value, "yes") || rl_bytes_is(value, "no"))) {
        f->skip_me = rl_bytes_is(value, "yes");
    } else {
        rl_ctx_syntax_error(c);
        return false;
    }
    return true;
}

static bool kill_matches(const rl_ctx *c, const kill_filter *f, const rl_session *s) {
    if (f->id && s->id != (uint64_t)f->id)
        return false;
    if (f->max_age_s && (c->now_ms - s->created_ms) / 1000 < f->max_age_s)
        return false;
    if (f->addr.ptr && !rl_bytes_equal(rl_bytes_text(rl_conn_peer(s->conn)), f->addr))
        return false;
    if (f->laddr.ptr && !rl_bytes_equal(rl_bytes_text(rl_conn_local(s->conn)), f->laddr))
        return false;
    if (f->type >= 0 && f->type != rl_session_class(s))
        return false;
    return !(f->skip_me && s == c->session);
}

static int64_t kill_all(rl_ctx *c, const kill_filter *f) {
    int64_t killed = 0;
    for (rl_session *s = rl_server_first_session(c->server); s != NULL; s = s->next) {
        if (s->close_after_reply || !kill_matches(c, f, s))
            continue;
        killed++;
        s->killed = true;
        if (s != c->session)
            rl_session_close(s, RL_CLOSE_NOW);
        else
            c->session->close_after_reply = true; /* it still gets its answer; see below */
    }
    return killed;
}

void rl_cmd_client_kill(rl_ctx *c) {
    kill_filter f = {.type = -1, .skip_me = true};
    bool old_form = c->argc == 3;
    if (old_form) {
        f.addr = c->argv[2];
        f.skip_me = false;
    } else if (c->argc % 2) {
        rl_ctx_syntax_error(c);
        return;
    }
    for (int i = 2; !old_form && i < c->argc; i += 2)
        if (!kill_option(c, i, &f))
            return;
    int64_t killed = kill_all(c, &f);
    if (!old_form)
        rl_reply_int(c->reply, killed);
    else if (killed)
        rl_reply_ok(c->reply);
    else
        rl_reply_error(c->reply, "ERR No such client");
    if (c->session->close_after_reply)
        rl_session_close(c->session, RL_CLOSE_AFTER_REPLY);
}

void rl_cmd_client_help(rl_ctx *c) {
    static const char *const lines[] = {
        "CACHING (YES|NO)",
        "    Remember the keys of the next command for client-side caching, or do not.",
        "GETREDIR",
        "    Return the ID that client-side caching redirects its messages to.",
        "GETNAME",
        "    Return the name of this connection.",
        "ID",
        "    Return the ID of this connection.",
        "INFO",
        "    Describe this connection.",
        "KILL <ip:port>",
        "    Close the connection from this address.",
        "KILL <option> <value> [<option> <value> [...]]",
        "    Close connections. Options are:",
        "    * ADDR (<ip:port>|<unixsocket>:0)",
        "      From this address.",
        "    * LADDR (<ip:port>|<unixsocket>:0)",
        "      To this local address.",
        "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
        "      Of this type.",
        "    * USER <username>",
        "      Logged in as this user.",
        "    * ID <client-id>",
        "      With this ID.",
        "    * MAXAGE <seconds>",
        "      Connected for at least this long.",
        "    * SKIPME (YES|NO)",
        "      Leave out this connection (default: yes).",
        "LIST [options ...]",
        "    Describe the connections. Options are:",
        "    * TYPE (NORMAL|MASTER|REPLICA|PUBSUB)",
        "      Of this type.",
        "    * ID <client-id> [...]",
        "      With these IDs.",
        "NO-EVICT (ON|OFF)",
        "    Protect this connection from being closed for memory.",
        "NO-TOUCH (ON|OFF)",
        "    Let this connection read without counting as an access.",
        "PAUSE <timeout> [WRITE|ALL]",
        "    Make all clients, or those that write, wait for this many milliseconds.",
        "REPLY (ON|OFF|SKIP)",
        "    Send replies to this connection, or not, or not the next one.",
        "SETINFO (LIB-NAME|LIB-VER) <value>",
        "    Tell the name or version of the client library.",
        "SETNAME <name>",
        "    Give this connection a name.",
        "TRACKING (ON|OFF) [REDIRECT <id>] [BCAST] [PREFIX <prefix> [...]]",
        "         [OPTIN] [OPTOUT] [NOLOOP]",
        "    Client-side caching: tell this connection when what it has read changes.",
        "TRACKINGINFO",
        "    Return how client-side caching is set up for this connection.",
        "UNBLOCK <clientid> [TIMEOUT|ERROR]",
        "    Wake a blocked client.",
        "UNPAUSE",
        "    End a CLIENT PAUSE.",
        NULL};
    rl_ctx_help(c, lines);
}
