/* SPDX-License-Identifier: MIT */
/* Parts of strings: APPEND, STRLEN, GETRANGE, SETRANGE. */
#include "commands/handlers.h"
#include "commands/shared.h"

void rl_cmd_strlen(rl_ctx *c) {
    rl_entry *e;
    if (rl_ctx_find_string(c, 1, RL_LOOK_READ, &e))
        rl_reply_int(c->reply, e ? e->value_len : 0);
}

void rl_cmd_append(rl_ctx *c) {
    rl_entry *e;
    rl_bytes bytes = c->argv[2];
    if (!rl_ctx_find_string(c, 1, RL_LOOK_WRITE, &e))
        return;
    uint64_t length = (e ? e->value_len : 0) + (uint64_t)bytes.len;
    if (e == NULL) {
        rl_keyspace_set(c->keys, c->db, c->argv[1], c->hash, bytes, RL_NEVER);
    } else {
        if (!rl_cmd_check_length(c, length))
            return;
        rl_keyspace_patch(c->keys, c->db, e, c->hash, e->value_len, bytes);
    }
    rl_ctx_notify(c, RL_NOTIFY_STRING, "append", c->argv[1]);
    rl_reply_int(c->reply, (int64_t)length);
}

void rl_cmd_setrange(rl_ctx *c) {
    rl_entry *e;
    int64_t offset;
    rl_bytes bytes = c->argv[3];
    if (!rl_ctx_int(c, 2, &offset, NULL))
        return;
    if (offset < 0) {
        rl_reply_error(c->reply, "ERR offset is out of range");
        return;
    }
    if (!rl_ctx_find_string(c, 1, RL_LOOK_WRITE, &e))
        return;
    if (bytes.len == 0) {
        rl_reply_int(c->reply, e ? e->value_len : 0);
        return;
    }
    if (!rl_cmd_check_length(c, (uint64_t)offset + bytes.len))
        return;
    if (e == NULL) {
        rl_keyspace_set(c->keys, c->db, c->argv[1], c->hash, RL_BYTES(""), RL_NEVER);
        e = rl_ctx_find(c, 1, RL_LOOK_WRITE);
    }
    uint64_t length = (uint64_t)offset + bytes.len;
    if (length < e->value_len)
        length = e->value_len;
    rl_keyspace_patch(c->keys, c->db, e, c->hash, (size_t)offset, bytes);
    rl_ctx_notify(c, RL_NOTIFY_STRING, "setrange", c->argv[1]);
    rl_reply_int(c->reply, (int64_t)length);
}

static void get_range(rl_ctx *c) {
    rl_entry *e;
    int64_t start, end;
    if (!rl_ctx_int(c, 2, &start, NULL) || !rl_ctx_int(c, 3, &end, NULL) ||
        !rl_ctx_find_string(c, 1, RL_LOOK_READ, &e))
        return;
    int64_t length = e ? e->value_len : 0;
    bool backwards = start < 0 && end < 0 && start > end;
    if (start < 0)
        start += length;
    if (end < 0)
        end += length;
    start = start < 0 ? 0 : start;
    end = end < 0 ? 0 : end >= length ? length - 1 : end;
    if (backwards || start > end || length == 0)
        rl_reply_bulk(c->reply, RL_BYTES(""));
    else
        rl_reply_bulk(c->reply,
                      rl_bytes_of(rl_entry_value_ptr(e) + start, (size_t)(end - start + 1)));
}

void rl_cmd_getrange(rl_ctx *c) {
    get_range(c);
}

void rl_cmd_substr(rl_ctx *c) {
    get_range(c);
}
