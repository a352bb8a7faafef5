/* SPDX-License-Identifier: MIT */
/* DEBUG DIGEST and DIGEST-VALUE: 160 bits over data, whatever its order. The same data has the same
 * digest in every process. Expiries count as there or not there: clocks differ. */
#include <inttypes.h>
#include <stdio.h>

#include "base/hash.h"
#include "commands/debug.h"

typedef struct digest {
    uint64_t words[3]; /* of the last, half is used */
} digest;

static digest digest_of(rl_bytes bytes) {
    /* fixed seeds, unlike those of the tables */
    XXH128_hash_t h = XXH3_128bits_withSeed(bytes.ptr, bytes.len, 0);
    return (digest){
        {h.low64, h.high64, XXH3_64bits_withSeed(bytes.ptr, bytes.len, 1) & 0xffffffffu}};
}

/* A sum that order does not matter to; what is summed up is all different. */
static void digest_add(digest *sum, const digest *one) {
    for (int i = 0; i < 3; i++)
        sum->words[i] ^= one->words[i];
}

static void digest_text(const digest *d, char out[41]) {
    snprintf(out, 41, "%016" PRIx64 "%016" PRIx64 "%08" PRIx64, d->words[0], d->words[1],
             d->words[2]);
}

/* ---- values ---- */

typedef struct element_digesting {
    digest sum;
    rl_buffer item;
    int64_t now_ms;
} element_digesting;

/* Lengths first, so that no two elements read the same. A list's item has its position. */
static void add_element(void *arg, const rl_store_element *element) {
    element_digesting *d = arg;
    double score = element->score + 0.0; /* -0 is 0 */
    if (element->expires_at != RL_NEVER && element->expires_at <= d->now_ms)
        return;
    uint64_t head[] = {element->name.len, element->value.len, (uint64_t)element->position,
                       element->expires_at != RL_NEVER};
    rl_buffer_clear(&d->item);
    rl_buffer_add(&d->item, head, sizeof head);
    rl_buffer_add(&d->item, &score, sizeof score);
    rl_buffer_add_bytes(&d->item, element->name);
    rl_buffer_add_bytes(&d->item, element->value);
    digest one = digest_of(rl_buffer_bytes(&d->item));
    digest_add(&d->sum, &one);
}

/* Of a value: its type, whether it expires, and its bytes or the sum of its elements. */
static void value_item(const rl_entry *e, int64_t now_ms, rl_buffer *out) {
    rl_buffer_add_char(out, (char)e->type);
    rl_buffer_add_char(out, e->flags & RL_ENTRY_EXPIRES ? 'e' : '-');
    if (e->type == RL_TYPE_STRING) {
        rl_buffer_add_bytes(out, rl_entry_value(e));
        return;
    }
    element_digesting elements = {.now_ms = now_ms};
    rl_cmd_each_element(e, add_element, &elements);
    rl_buffer_add(out, &elements.sum, sizeof elements.sum);
    rl_buffer_release(&elements.item);
}

void rl_cmd_debug_digest_value(rl_ctx *c) {
    rl_buffer item = {0};
    rl_reply_array(c->reply, (size_t)c->argc - 2);
    for (int i = 2; i < c->argc; i++) {
        const rl_entry *e = rl_ctx_find(c, i, RL_LOOK_PEEK);
        digest d = {0};
        char text[41];
        if (e) {
            rl_buffer_clear(&item);
            value_item(e, c->now_ms, &item);
            d = digest_of(rl_buffer_bytes(&item));
        }
        digest_text(&d, text);
        rl_reply_status(c->reply, text);
    }
    rl_buffer_release(&item);
}

/* ---- everything ---- */

typedef struct key_digesting {
    digest sum;
    rl_buffer item;
    int64_t now_ms;
    int db;
} key_digesting;

static void add_entry(void *arg, rl_entry *e) {
    key_digesting *d = arg;
    rl_buffer_clear(&d->item);
    rl_buffer_printf(&d->item, "%d %" PRIu32 " ", d->db, e->key_len);
    rl_buffer_add_bytes(&d->item, rl_entry_key(e));
    value_item(e, d->now_ms, &d->item);
    digest one = digest_of(rl_buffer_bytes(&d->item));
    digest_add(&d->sum, &one);
}

void rl_cmd_debug_digest(rl_ctx *c) {
    key_digesting d = {.now_ms = c->now_ms};
    char text[41];
    for (d.db = 0; d.db < rl_keyspace_databases(c->keys); d.db++) {
        uint64_t cursor = 0;
        do
            cursor = rl_keyspace_scan(c->keys, d.db, cursor, 1024, add_entry, &d);
        while (cursor);
    }
    digest_text(&d.sum, text);
    rl_reply_status(c->reply, text);
    rl_buffer_release(&d.item);
}
