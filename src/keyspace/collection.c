/* SPDX-License-Identifier: MIT */
/* Opening and closing collections, and fields whose time is over. See collection.h. */
#include "keyspace/collection.h"

#include <assert.h>

#include "base/buffer.h"
#include "base/hash.h"
#include "keyspace/keyspace_private.h"
#include "keyspace/structure.h"

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
    if (e->flags & RL_ENTRY_FIELDS) {
        size_t removed;
        c->entry = keyspace_expire_fields(keys, number, e, hash, SIZE_MAX, &removed);
    }
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
    if (e->flags & RL_ENTRY_FIELDS) {
        size_t removed;
        c->entry = keyspace_expire_fields(keys, number, e, hash, SIZE_MAX, &removed);
    }
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

rl_entry *keyspace_expire_fields(rl_keyspace *ks, int number, rl_entry *e, uint64_t hash,
                                 size_t limit, size_t *removed) {
    rl_fields **place = rl_entry_place(e);
    rl_field_scratch scratch;
    rl_field first;
    rl_buffer name = {0};
    size_t count = 0;
    while (count < limit && rl_fields_next_expiry(*place, &scratch, &first) &&
           first.expires_at <= ks->now_ms) {
        rl_buffer_clear(&name); /* what is given to the hash must not lie in it */
        rl_buffer_add_bytes(&name, first.name);
        rl_fields_remove(place, rl_buffer_bytes(&name));
        if (ks->batch)
            rl_batch_gone(ks->batch, e->id, RL_TYPE_HASH, rl_buffer_bytes(&name));
        count++;
    }
    rl_buffer_release(&name);
    *removed = count;
    if (count == 0)
        return e;
    keyspace_stamp(ks, e);
    ks->stats.expired_fields += count;
    rl_keyspace_notify(ks, RL_NOTIFY_HASH, "hexpired", number, rl_entry_key(e));
    keyspace_changed(ks, number, rl_entry_key(e), hash, false);
    if (rl_fields_count(*place))
        return e;
    drop_empty(ks, number, e, hash);
    return NULL;
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
