/* SPDX-License-Identifier: MIT */
/* DEBUG: what tools and tests use. Off unless enable-debug-command says otherwise. */
#include "commands/debug.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/hash.h"
#include "base/log.h"
#include "base/number.h"
#include "base/text.h"
#include "commands/handlers.h"
#include "commands/object.h"
#include "commands/shared.h"
#include "server/reload.h"

/* ---- the loop and the log ---- */

/* A number as C's own functions read it: what is none is 0. */
static double lenient_number(rl_bytes text) {
    char copy[64];
    size_t len = text.len < sizeof copy ? text.len : sizeof copy - 1;
    memcpy(copy, text.ptr, len);
    copy[len] = '\0';
    return strtod(copy, NULL);
}

static void debug_sleep(rl_ctx *c) {
    double seconds = lenient_number(c->argv[2]);
    if (seconds > 0 && seconds < 1e9) {
        struct timespec t = {.tv_sec = (time_t)seconds};
        t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
        while (nanosleep(&t, &t))
            ;
    }
    rl_reply_ok(c->reply);
}

static void debug_set_active_expire(rl_ctx *c) {
    rl_keyspace_set_active_expire(c->keys, lenient_number(c->argv[2]) != 0);
    rl_reply_ok(c->reply);
}

static void debug_log(rl_ctx *c) {
    int len = c->argv[2].len < 1024 ? (int)c->argv[2].len : 1024;
    rl_log(RL_LOG_WARNING, "DEBUG LOG: %.*s", len, c->argv[2].ptr);
    rl_reply_ok(c->reply);
}

/* Not counted among the errors of this server, which it is none of. */
static void debug_error(rl_ctx *c) {
    rl_buffer line = {0};
    rl_buffer_add_char(&line, '-');
    rl_buffer_add_bytes(&line, c->argv[2]);
    for (size_t i = 0; i < line.len; i++)
        if (line.ptr[i] == '\r' || line.ptr[i] == '\n')
            line.ptr[i] = ' ';
    rl_buffer_add_text(&line, "\r\n");
    rl_reply_raw(c->reply, rl_buffer_bytes(&line));
    rl_buffer_release(&line);
}

static void debug_stringmatch(rl_ctx *c) {
    rl_reply_int(c->reply, rl_text_glob(c->argv[2], c->argv[3], false));
}

/* ---- keys ---- */

static void debug_object(rl_ctx *c) {
    const rl_entry *e = rl_ctx_find(c, 2, RL_LOOK_PEEK);
    char line[256];
    if (e == NULL) {
        rl_reply_error(c->reply, RL_ERR_NO_KEY);
        return;
    }
    int64_t idle_s = c->now_ms / 1000 - (int64_t)e->access;
    const void *value =
        e->type == RL_TYPE_STRING ? rl_entry_value_ptr(e) : *(void **)rl_entry_place(e);
    snprintf(line, sizeof line,
             "Value at:%p refcount:%" PRId64 " encoding:%s serializedlength:%zu lru:%" PRIu32
             " lru_seconds_idle:%" PRId64,
             value, rl_cmd_refcount(e), rl_cmd_encoding(e), rl_cmd_serialized_length(e),
             e->access & 0xffffff, idle_s > 0 ? idle_s : 0);
    rl_reply_status(c->reply, line);
}

/* Keys made between two batches: a batch of a million keys would hold everybody up. */
#define POPULATE_BATCH 1024

/* A value of `size` bytes (0: as long as it is), filled up with zeros. */
static void populate_value(rl_buffer *value, int64_t number, size_t size) {
    rl_buffer_clear(value);
    rl_buffer_printf(value, "value:%" PRId64, number);
    if (size == 0)
        return;
    if (size > value->len)
        memset(rl_buffer_reserve(value, size - value->len), 0, size - value->len);
    value->len = size;
}

static void debug_populate(rl_ctx *c) {
    int64_t count, size = 0;
    rl_buffer key = {0}, value = {0};
    if (!rl_cmd_count(c, 2, &count, NULL) || (c->argc == 5 && !rl_cmd_count(c, 4, &size, NULL)) ||
        !rl_cmd_check_length(c, (uint64_t)size))
        return;
    for (int64_t i = 0; i < count; i++) {
        rl_buffer_clear(&key);
        rl_buffer_add_bytes(&key, c->argc > 3 ? c->argv[3] : RL_BYTES("key"));
        rl_buffer_printf(&key, ":%" PRId64, i);
        uint64_t hash = rl_hash(rl_buffer_bytes(&key));
        if (rl_keyspace_find(c->keys, c->db, rl_buffer_bytes(&key), hash, RL_LOOK_PEEK))
            continue;
        populate_value(&value, i, (size_t)size);
        rl_keyspace_set(c->keys, c->db, rl_buffer_bytes(&key), hash, rl_buffer_bytes(&value),
                        RL_NEVER);
        if (i % POPULATE_BATCH == POPULATE_BATCH - 1 && !c->in_exec)
            rl_server_seal(c->server);
    }
    rl_buffer_release(&key);
    rl_buffer_release(&value);
    rl_reply_ok(c->reply);
}

static void debug_htstats(rl_ctx *c) {
    int64_t db;
    rl_db_stats s;
    rl_buffer text = {0};
    if (!rl_ctx_int(c, 2, &db, NULL))
        return;
    if (db < 0 || db >= rl_keyspace_databases(c->keys)) {
        rl_reply_error(c->reply, "ERR Out of range database");
        return;
    }
    rl_keyspace_db_stats(c->keys, (int)db, &s);
    rl_buffer_printf(&text,
                     "[Key table]\n keys: %zu\n segments: %zu\n bytes: %zu\n"
                     " bytes per key: %.1f\n",
                     s.keys, s.segments, s.table_memory,
                     s.keys ? (double)s.table_memory / (double)s.keys : 0.0);
    rl_buffer_printf(&text, "[Expiry heap]\n keys: %zu\n bytes: %zu\n", s.expires, s.expiry_memory);
    rl_reply_verbatim(c->reply, "txt", rl_buffer_bytes(&text));
    rl_buffer_release(&text);
}

/* ---- RELOAD, LOADAOF ---- */

static bool reload_ready(rl_server *server, rl_session *s) {
    (void)s;
    return rl_server_reload_ready(server);
}

static void reload_answer(rl_server *server, rl_session *s, rl_reply *reply, rl_wake why) {
    rl_buffer error = {0};
    (void)s;
    if (why != RL_WAKE_READY)
        rl_reply_error(reply, "UNBLOCKED client unblocked via CLIENT UNBLOCK");
    else if (rl_server_reload(server, &error) == 0)
        rl_reply_ok(reply);
    else
        rl_reply_errorf(reply, "ERR Error trying to load the data: %s", rl_buffer_cstr(&error));
    rl_buffer_release(&error);
}

static void reload(rl_ctx *c) {
    rl_block block = {.ready = reload_ready, .answer = reload_answer};
    if (rl_server_store(c->server) == NULL)
        rl_reply_error(c->reply, "ERR There is nothing to reload: this server keeps its data in "
                                 "memory only (dbfilename :memory:)");
    else if (c->in_exec)
        rl_reply_error(c->reply, "ERR DEBUG RELOAD waits for the disk, and a transaction cannot");
    else
        rl_session_block(c->session, &block);
}

/* Redis's options say what becomes of the data in memory; data.db always follows it. */
static void debug_reload(rl_ctx *c) {
    for (int i = 2; i < c->argc; i++) {
        if (!rl_bytes_is(c->argv[i], "MERGE") && !rl_bytes_is(c->argv[i], "NOFLUSH") &&
            !rl_bytes_is(c->argv[i], "NOSAVE")) {
            rl_reply_error(c->reply,
                           "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.");
            return;
        }
    }
    reload(c);
}

/* ---- the table ---- */

static void debug_help(rl_ctx *c);

static const struct {
    const char *name;
    int min_argc, max_argc; /* 0: any number */
    void (*run)(rl_ctx *c);
    const char *usage, *text; /* NULL: HELP, which rl_ctx_help adds */
} subcommands[] = {
    {"DIGEST", 2, 2, rl_cmd_debug_digest, "DIGEST",
     "    A digest of all data, whatever its order."},
    {"DIGEST-VALUE", 2, 0, rl_cmd_debug_digest_value, "DIGEST-VALUE <key> [<key> ...]",
     "    Digests of values."},
    {"ERROR", 3, 3, debug_error, "ERROR <text>", "    Answer this error."},
    {"HTSTATS", 3, 3, debug_htstats, "HTSTATS <db>", "    How a database's key table is filled."},
    {"LOADAOF", 2, 2, reload, "LOADAOF", "    The same as RELOAD."},
    {"LOG", 3, 3, debug_log, "LOG <text>", "    Write this into the log."},
    {"OBJECT", 3, 3, debug_object, "OBJECT <key>", "    How a key's value is kept."},
    {"POPULATE", 3, 5, debug_populate, "POPULATE <count> [<prefix>] [<size>]",
     "    Make keys <prefix>:0, <prefix>:1 and so on that are not there yet (default prefix: "
     "key)."},
    {"PROTOCOL", 3, 3, rl_cmd_debug_protocol, "PROTOCOL <type>",
     "    Answer a value of this type (an unknown one shows them all)."},
    {"RELOAD", 2, 0, debug_reload, "RELOAD [<option> ...]",
     "    Write everything to data.db, read it back and compare it with memory."},
    {"SET-ACTIVE-EXPIRE", 3, 3, debug_set_active_expire, "SET-ACTIVE-EXPIRE <0|1>",
     "    Whether expired keys go by themselves, or only when they are met."},
    {"SLEEP", 3, 3, debug_sleep, "SLEEP <seconds>", "    Hold up the whole server."},
    {"STRINGMATCH-LEN", 4, 4, debug_stringmatch, "STRINGMATCH-LEN <pattern> <text>",
     "    Whether a glob pattern matches."},
    {"HELP", 2, 2, debug_help, NULL, NULL},
};
#define SUBCOMMANDS (sizeof subcommands / sizeof *subcommands)

static void debug_help(rl_ctx *c) {
    const char *lines[2 * SUBCOMMANDS + 1] = {NULL};
    size_t count = 0;
    for (size_t i = 0; i < SUBCOMMANDS && subcommands[i].usage; i++) {
        lines[count++] = subcommands[i].usage;
        lines[count++] = subcommands[i].text;
    }
    rl_ctx_help(c, lines);
}

void rl_cmd_debug(rl_ctx *c) {
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        if (rl_bytes_is(c->argv[1], subcommands[i].name) && c->argc >= subcommands[i].min_argc &&
            (subcommands[i].max_argc == 0 || c->argc <= subcommands[i].max_argc)) {
            subcommands[i].run(c);
            return;
        }
    }
    rl_ctx_subcommand_error(c);
}
