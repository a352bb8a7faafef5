/* SPDX-License-Identifier: MIT */
/* Hashes: reading fields. */
#include "commands/element_scan.h"
#include "commands/handlers.h"
#include "commands/hashes.h"

bool rl_cmd_reply_field(rl_ctx *c, const rl_fields *fields, rl_bytes name) {
    rl_field_scratch scratch;
    rl_field field;
    if (fields == NULL || !rl_fields_get(fields, name, &scratch, &field)) {
        rl_reply_null(c->reply);
        return false;
    }
    rl_reply_bulk(c->reply, field.value);
    return true;
}

void rl_cmd_hget(rl_ctx *c) {
    rl_collection h;
    if (rl_ctx_open(c, 1, RL_TYPE_HASH, RL_LOOK_READ, &h))
        rl_cmd_reply_field(c, rl_hash_of(&h), c->argv[2]);
}

void rl_cmd_hmget(rl_ctx *c) {
    rl_collection h;
    if (!rl_ctx_open(c, 1, RL_TYPE_HASH, RL_LOOK_READ, &h))
        return;
    const rl_fields *fields = rl_hash_of(&h);
    rl_reply_array(c->reply, (size_t)c->argc - 2);
    for (int i = 2; i < c->argc; i++)
        rl_cmd_reply_field(c, fields, c->argv[i]);
}

void rl_cmd_hlen(rl_ctx *c) {
    rl_collection h;
    if (rl_ctx_open(c, 1, RL_TYPE_HASH, RL_LOOK_READ, &h))
        rl_reply_int(c->reply, (int64_t)rl_collection_count(&h));
}

void rl_cmd_hexists(rl_ctx *c) {
    rl_collection h;
    if (!rl_ctx_open(c, 1, RL_TYPE_HASH, RL_LOOK_READ, &h))
        return;
    const rl_fields *fields = rl_hash_of(&h);
    rl_reply_int(c->reply, fields && rl_fields_has(fields, c->argv[2]));
}

void rl_cmd_hstrlen(rl_ctx *c) {
    rl_collection h;
    rl_field_scratch scratch;
    rl_field field;
    if (!rl_ctx_open(c, 1, RL_TYPE_HASH, RL_LOOK_READ, &h))
        return;
    const rl_fields *fields = rl_hash_of(&h);
    bool found = fields && rl_fields_get(fields, c->argv[2], &scratch, &field);
    rl_reply_int(c->reply, found ? (int64_t)field.value.len : 0);
}

/* ---- whole hashes ---- */

enum { NAMES = 1, VALUES = 2 };

static void reply_all(rl_ctx *c, unsigned parts) {
    rl_collection h;
    if (!rl_ctx_open(c, 1, RL_TYPE_HASH, RL_LOOK_READ, &h))
        return;
    size_t count = rl_collection_count(&h);
    if (parts == (NAMES | VALUES))
        rl_reply_map(c->reply, count);
    else
        rl_reply_array(c->reply, count);
    if (count == 0)
        return;
    const rl_fields *fields = rl_hash_of(&h);
    rl_fields_walk walk = {0};
    rl_field field;
    while (rl_fields_next(fields, &walk, &field)) {
        if (parts & NAMES)
            rl_reply_bulk(c->reply, field.name);
        if (parts & VALUES)
            rl_reply_bulk(c->reply, field.value);
    }
}

void rl_cmd_hgetall(rl_ctx *c) {
    reply_all(c, NAMES | VALUES);
}

void rl_cmd_hkeys(rl_ctx *c) {
    reply_all(c, NAMES);
}

void rl_cmd_hvals(rl_ctx *c) {
    reply_all(c, VALUES);
}

/* ---- HSCAN ---- */

static void scanned(void *arg, const rl_field *field) {
    rl_element_scan *scan = arg;
    if (!rl_element_scan_wants(scan, field->name))
        return;
    rl_element_scan_add(scan, field->name);
    if (!scan->options.no_values)
        rl_element_scan_add(scan, field->value);
}

void rl_cmd_hscan(rl_ctx *c) {
    rl_element_scan scan;
    if (!rl_element_scan_open(c, RL_TYPE_HASH, RL_SCAN_NOVALUES, &scan))
        return;
    uint64_t next = rl_fields_scan(rl_hash_of(&scan.from), scan.options.cursor, scan.options.count,
                                   scanned, &scan);
    rl_element_scan_reply(c, &scan, next);
}
