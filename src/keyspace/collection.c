/* SPDX-License-Identifier: MIT */
/* Opening and closing collections, and fields whose time is over. See collection.h. */
#include "keyspace/collection.h"

#include <assert.h>

#include "base/buffer.h"
#include "base/hash.h"
#include "keyspace/keyspace_private.h"
#include "keyspace/structure.h"

/* Of the due fields of a large hash, so many are taken out by who opens it; the others are hidden
 * until they are met by rl_keyspace_expire_due, or the next who opens it. */
#define DUE_AT_ONCE 256

/* For who opens a hash with such fields: from here on nobody meets a field whose time is over. */
static rl_entry *expire_or_hide(rl_keyspace *ks, int number, rl_entry *e, uint64_t hash) {
    bool large = rl_fields_form_of(*(rl_fields **)rl_entry_place(e)) == RL_FIELDS_TABLE;
    size_t removed;
    return keyspace_expire_fields(ks, number, e, hash, large ? DUE_AT_ONCE : SIZE_MAX, &removed);
}

bool rl_collection_open(rl_collection *c, rl_keyspace *keys, int number, rl_bytes key,
                        uint64_t hash, rl_type type, rl_look look) {
    rl_entry *e = rl_keyspace_find(keys, number, key, hash, look);
    *c = (rl_collection){
        .keys = keys, .entry = e, .key = key, .hash = hash, .db = number, .type = type};
    if (e == NULL)
        return true;
    if (e->type != type) {
        c->entry = NULL;
        return false;
    }
    if (e->flags & RL_ENTRY_FIELDS)
        c->entry = expire_or_hide(keys, number, e, hash);
    return true;
}

void rl_collection_open_entry(rl_collection *c, rl_keyspace *keys, int number, rl_entry *e,
                              uint64_t hash) {
    *c = (rl_collection){.keys = keys,
                         .entry = e,
                         .key = rl_entry_key(e),
                         .hash = hash,
                         .db = number,
                         .type = e->type};
    if (e->flags & RL_ENTRY_FIELDS)
        c->entry = expire_or_hide(keys, number, e, hash);
}

/* Takes an empty collection's key away. */
static void drop_empty(rl_keyspace *ks, int number, rl_entry *e, uint64_t hash) {
    rl_keyspace_notify(ks, RL_NOTIFY_GENERIC, "del", number, rl_entry_key(e));
    keyspace_drop(ks, number, keyspace_slot_of(ks, number, e, hash), hash);
}

bool rl_collection_done(rl_collection *c) {
    if (!c->changed)
        return false;
    c->changed = false;
    keyspace_changed(c->keys, c->db, c->key, c->hash, true);
    if (rl_entry_count(c->entry))
        return false;
    drop_empty(c->keys, c->db, c->entry, c->hash);
    c->entry = NULL;
    return true;
}

size_t rl_entry_count(const rl_entry *e) {
    return keyspace_structure_count(e->type, *(void **)rl_entry_place(e));
}

size_t rl_collection_count(const rl_collection *c) {
    return c->entry ? rl_entry_count(c->entry) : 0;
}

/* ---- fields that expire ---- */

#define FEW_LEFT 8 /* a hash has few fields left when so many times more are hidden */

typedef struct living {
    rl_keyspace *ks;
    int number;
} living;

static bool is_alive(void *arg, const rl_field_time *item) {
    const living *l = arg;
    return rl_table_find_row(l->ks->dbs[l->number].table, item->hash, item->id) != NULL;
}

void keyspace_fields_expire(rl_keyspace *ks, int number, rl_entry *e, uint64_t hash,
                            int64_t at_ms) {
    rl_field_times *times = &ks->dbs[number].fields;
    times->hashes += !(e->flags & RL_ENTRY_FIELDS);
    e->flags |= RL_ENTRY_FIELDS;
    rl_field_times_add(times, (rl_field_time){at_ms, hash, e->id}, is_alive, &(living){ks, number});
}

static bool has_due_field(const rl_keyspace *ks, const rl_entry *e, rl_field_scratch *scratch,
                          rl_field *first) {
    return rl_fields_next_expiry(*(rl_fields **)rl_entry_place(e), scratch, first) &&
           first->expires_at <= ks->now_ms;
}

/* Takes out fields whose time is over and are not hidden, at most `limit`; returns how many. */
static size_t take_due_fields(rl_keyspace *ks, rl_entry *e, size_t limit) {
    rl_fields **place = rl_entry_place(e);
    rl_field_scratch scratch;
    rl_field first;
    rl_buffer name = {0};
    size_t count = 0;
    for (; count < limit && has_due_field(ks, e, &scratch, &first); count++) {
        rl_buffer_clear(&name); /* what is given to the hash must not lie in it */
        rl_buffer_add_bytes(&name, first.name);
        rl_fields_remove(place, rl_buffer_bytes(&name));
        if (ks->batch)
            rl_batch_gone(ks->batch, e->id, RL_TYPE_HASH, rl_buffer_bytes(&name));
    }
    rl_buffer_release(&name);
    return count;
}

rl_entry *keyspace_expire_fields(rl_keyspace *ks, int number, rl_entry *e, uint64_t hash,
                                 size_t limit, size_t *removed) {
    rl_fields *fields = *(rl_fields **)rl_entry_place(e);
    rl_field_scratch scratch;
    rl_field first;
    *removed = 0;
    if (!has_due_field(ks, e, &scratch, &first)) {
        rl_fields_hide(fields, 0);
        return e;
    }
    size_t due = rl_fields_hide(fields, ks->now_ms), left = rl_fields_count(fields);
    if (left != 0) { /* else the key goes as a whole, however large it is */
        rl_fields_hide(fields, 0);
        due = take_due_fields(ks, e, limit);
        fields = *(rl_fields **)rl_entry_place(e);
        rl_fields_hide(fields, ks->now_ms);
        left = rl_fields_count(fields);
    }
    *removed = due;
    keyspace_stamp(ks, e);
    ks->stats.expired_fields += due;
    rl_keyspace_notify(ks, RL_NOTIFY_HASH, "hexpired", number, rl_entry_key(e));
    keyspace_changed(ks, number, rl_entry_key(e), hash, false);
    if (left)
        return e;
    drop_empty(ks, number, e, hash);
    return NULL;
}

void rl_key_hash_settle(rl_collection *c) {
    size_t removed;
    if (c->entry == NULL || !(c->entry->flags & RL_ENTRY_FIELDS))
        return;
    rl_fields *h = rl_hash_of(c);
    if (rl_fields_hide(h, c->keys->now_ms) / FEW_LEFT > rl_fields_count(h))
        c->entry = keyspace_expire_fields(c->keys, c->db, c->entry, c->hash, SIZE_MAX, &removed);
}

size_t keyspace_expire_due_fields(rl_keyspace *ks, int number, size_t limit) {
    keyspace_db *d = &ks->dbs[number];
    rl_field_time item;
    rl_field_scratch scratch;
    rl_field first;
    size_t total = 0;
    while (total < limit && rl_field_times_first(&d->fields, &item) && item.at_ms <= ks->now_ms) {
        size_t removed;
        rl_field_times_drop_first(&d->fields);
        rl_entry *e = rl_table_find_row(d->table, item.hash, item.id);
        if (e == NULL || !(e->flags & RL_ENTRY_FIELDS))
            continue;
        e = keyspace_expire_fields(ks, number, e, item.hash, limit - total, &removed);
        total += removed ? removed : 1;
        if (e == NULL)
            continue;
        e->flags &= ~(unsigned)RL_ENTRY_FIELDS;
        d->fields.hashes--;
        if (rl_fields_next_expiry(*(rl_fields **)rl_entry_place(e), &scratch, &first))
            keyspace_fields_expire(ks, number, e, item.hash, first.expires_at);
    }
    return total;
}
