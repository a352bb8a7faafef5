/* SPDX-License-Identifier: MIT */
/* OBJECT: how a key is kept. */
#include "commands/object.h"

#include <limits.h>
#include <string.h>

#include "base/number.h"
#include "commands/handlers.h"
#include "commands/shared.h"

#define EMBEDDED_MAX   44    /* bytes of a string that Redis keeps in its object */
#define SHARED_NUMBERS 10000 /* the integers from 0 on that Redis has one object for */

static bool is_integer(const rl_entry *e, int64_t *number) {
    return e->type == RL_TYPE_STRING && !(e->flags & (RL_ENTRY_EDITED | RL_ENTRY_TEXT)) &&
           rl_int64_parse(rl_entry_value(e), number);
}

static const char *string_encoding(const rl_entry *e) {
    int64_t number;
    if (is_integer(e, &number))
        return "int";
    return e->flags & RL_ENTRY_EDITED || e->value_len > EMBEDDED_MAX ? "raw" : "embstr";
}

static const char *hash_encoding(const rl_fields *h) {
    static const char *const names[] = {[RL_FIELDS_PACKED] = "listpack",
                                        [RL_FIELDS_TIMED] = "listpackex",
                                        [RL_FIELDS_TABLE] = "hashtable"};
    return names[rl_fields_form_of(h)];
}

static const char *set_encoding(const rl_members *s) {
    static const char *const names[] = {[RL_MEMBERS_INTS] = "intset",
                                        [RL_MEMBERS_PACKED] = "listpack",
                                        [RL_MEMBERS_TABLE] = "hashtable"};
    return names[rl_members_form_of(s)];
}

const char *rl_cmd_encoding(const rl_entry *e) {
    const void *structure =
        e->type == RL_TYPE_STRING ? NULL : *(const void *const *)rl_entry_place(e);
    switch (e->type) {
    case RL_TYPE_HASH:
        return hash_encoding(structure);
    case RL_TYPE_SET:
        return set_encoding(structure);
    case RL_TYPE_LIST:
        return rl_list_form_of(structure) == RL_LIST_PACKED ? "listpack" : "quicklist";
    case RL_TYPE_ZSET:
        return rl_zset_form_of(structure) == RL_ZSET_PACKED ? "listpack" : "skiplist";
    default:
        return string_encoding(e);
    }
}

int64_t rl_cmd_refcount(const rl_entry *e) {
    int64_t number;
    return is_integer(e, &number) && number >= 0 && number < SHARED_NUMBERS ? INT_MAX : 1;
}

/* The entry, or NULL after answering null. */
static const rl_entry *find_or_null(rl_ctx *c) {
    const rl_entry *e = rl_ctx_find(c, 2, RL_LOOK_READ_NOTOUCH);
    if (e == NULL)
        rl_reply_null(c->reply);
    return e;
}

void rl_cmd_object_encoding(rl_ctx *c) {
    const rl_entry *e = find_or_null(c);
    if (e)
        rl_reply_text(c->reply, rl_cmd_encoding(e));
}

void rl_cmd_object_refcount(rl_ctx *c) {
    const rl_entry *e = find_or_null(c);
    if (e)
        rl_reply_int(c->reply, rl_cmd_refcount(e));
}

static bool is_lfu(const rl_ctx *c) {
    return strstr(rl_server_settings(c->server)->maxmemory_policy, "lfu") != NULL;
}

void rl_cmd_object_idletime(rl_ctx *c) {
    const rl_entry *e = find_or_null(c);
    if (e == NULL)
        return;
    if (is_lfu(c)) {
        rl_reply_error(c->reply,
                       "ERR An LFU maxmemory policy is selected, idle time not tracked. Please "
                       "note that when switching between policies at runtime LRU and LFU data will "
                       "take some time to adjust.");
        return;
    }
    int64_t idle_s = c->now_ms / 1000 - (int64_t)e->access;
    rl_reply_int(c->reply, idle_s > 0 ? idle_s : 0);
}

void rl_cmd_object_freq(rl_ctx *c) {
    if (!find_or_null(c))
        return;
    if (is_lfu(c))
        rl_reply_error(c->reply, "ERR Access frequency is not counted: this version evicts no "
                                 "keys. OBJECT IDLETIME works with maxmemory-policy noeviction.");
    else
        rl_reply_error(c->reply,
                       "ERR An LFU maxmemory policy is not selected, access frequency not tracked. "
                       "Please note that when switching between policies at runtime LRU and LFU "
                       "data will take some time to adjust.");
}

void rl_cmd_object_help(rl_ctx *c) {
    static const char *const lines[] = {
        "ENCODING <key>",
        "    How the value is kept.",
        "FREQ <key>",
        "    How often the key is used, where that is counted.",
        "IDLETIME <key>",
        "    How many seconds ago the key was last used.",
        "REFCOUNT <key>",
        "    How many keys share the value.",
        NULL,
    };
    rl_ctx_help(c, lines);
}
