/* SPDX-License-Identifier: MIT */
/*
 * Reads any bytes as a batch. What is accepted must lie inside the bytes, and written again it must
 * read the same.
 */
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "store/batch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void write_again(rl_batch_builder *b, const rl_change *c) {
    switch (c->kind) {
    case RL_CHANGE_KEY:
        rl_batch_key(b, c->id, c->db, c->type, c->expires_at, c->key, c->value);
        break;
    case RL_CHANGE_VALUE:
        rl_batch_value(b, c->id, c->expires_at, c->value);
        break;
    case RL_CHANGE_PATCH:
        rl_batch_patch(b, c->id, c->expires_at, c->total_len, c->offset, c->value);
        break;
    case RL_CHANGE_EXPIRY:
        rl_batch_expiry(b, c->id, c->expires_at);
        break;
    case RL_CHANGE_NAME:
        rl_batch_name(b, c->id, c->db, c->key);
        break;
    case RL_CHANGE_DELETE:
        rl_batch_delete(b, c->id, c->type);
        break;
    case RL_CHANGE_CLEAR:
        rl_batch_clear(b, c->db);
        break;
    case RL_CHANGE_SWAP:
        rl_batch_swap(b, c->db, c->other_db);
        break;
    case RL_CHANGE_FIELD:
        rl_batch_field(b, c->id, c->expires_at, c->key, c->value);
        break;
    case RL_CHANGE_MEMBER:
        rl_batch_member(b, c->id, c->key);
        break;
    case RL_CHANGE_SCORE:
        rl_batch_score(b, c->id, c->score, c->key);
        break;
    case RL_CHANGE_GONE:
        rl_batch_gone(b, c->id, c->type, c->key);
        break;
    case RL_CHANGE_ITEM:
        rl_batch_item(b, c->id, c->position, c->value);
        break;
    case RL_CHANGE_BOUNDS:
        rl_batch_bounds(b, c->id, c->position, c->last);
        break;
    case RL_CHANGE_SHIFT:
        rl_batch_shift(b, c->id, c->position, c->last, c->delta);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rl_batch_builder *b = rl_batch_builder_create();
    rl_bytes changes = rl_bytes_of((const char *)data, size);
    rl_change change;
    size_t offset = 0;
    size_t before = 0;
    size_t count = 0;
    while (rl_batch_read(changes, &offset, &change) == 1) {
        assert(offset > before && offset <= size);
        before = offset;
        count++;
        write_again(b, &change);
    }
    assert(offset == before);

    rl_batch *again = rl_batch_seal(b, 1);
    rl_bytes bytes = rl_batch_bytes(again);
    assert(bytes.len <= before); /* numbers may have been longer than they need */
    size_t again_offset = 0;
    for (size_t i = 0; i < count; i++) {
        int rc = rl_batch_read(bytes, &again_offset, &change);
        assert(rc == 1);
        (void)rc;
    }
    assert(again_offset == bytes.len);
    rl_batch_free(again);
    rl_batch_builder_free(b);
    return 0;
}
