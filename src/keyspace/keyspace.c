/* SPDX-License-Identifier: MIT */
/*
 * The keyspace. See keyspace.h.
 *
 * Every change goes through three small steps: the table or entry, the row change, and note_change,
 * which stamps the entry, counts, and tells who watches. What must hold after each function:
 *   1. an entry has its expiry part exactly when it stands in its database's heap;
 *   2. memory is what the rows will be once the open batch and all before it are folded.
 */
#include "keyspace/keyspace.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "keyspace/keyspace_private.h"
#include "keyspace/structure.h"

/* From this size on a small edit of a value is written as a patch. */
#define PATCH_FROM 256

typedef keyspace_db db;
typedef keyspace_dying dying;

static const rl_collection_limits default_limits = {
    .hash = {512, 64}, .zset = {128, 64}, .set = {512, {128, 64}}};

rl_keyspace *rl_keyspace_create(int databases, rl_batch_builder *batch) {
    rl_keyspace *ks = rl_calloc(1, sizeof *ks);
    ks->databases = databases;
    ks->batch = batch;
    ks->watch = rl_watch_create();
    ks->next_id = 1;
    ks->active_expire = true;
    ks->limits = default_limits;
    ks->graveyard = rl_graveyard_create();
    ks->dbs = rl_calloc((size_t)databases, sizeof *ks->dbs);
    for (int i = 0; i < databases; i++)
        ks->dbs[i] = (db){.table = rl_table_create(0), .expiry = rl_expiry_create()};
    uint64_t seed;
    rl_random_bytes(&seed, sizeof seed);
    rl_random_seed(&ks->random, seed);
    return ks;
}

void rl_keyspace_free(rl_keyspace *ks) {
    if (!ks)
        return;
    for (int i = 0; i < ks->databases; i++) {
        rl_table_free(ks->dbs[i].table);
        rl_expiry_free(ks->dbs[i].expiry);
        rl_field_times_release(&ks->dbs[i].fields);
    }
    while (rl_keyspace_free_step(ks))
        ;
    rl_graveyard_free(ks->graveyard);
    rl_watch_free(ks->watch);
    rl_free(ks->dbs);
    rl_free(ks);
}

int rl_keyspace_databases(const rl_keyspace *ks) {
    return ks->databases;
}

/* ---- the turn ---- */

void rl_keyspace_begin(rl_keyspace *ks, int64_t now_ms, uint64_t open_seq, uint64_t synced_seq,
                       bool track) {
    ks->now_ms = now_ms;
    ks->open_seq = open_seq;
    ks->synced_seq = synced_seq;
    ks->track = track;
}

int64_t rl_keyspace_now(const rl_keyspace *ks) {
    return ks->now_ms;
}

void rl_keyspace_seen_reset(rl_keyspace *ks) {
    ks->seen_seq = 0;
}

uint64_t rl_keyspace_seen_seq(const rl_keyspace *ks) {
    return ks->seen_seq;
}

uint64_t rl_keyspace_changes(const rl_keyspace *ks) {
    return ks->changes;
}

static inline void saw(rl_keyspace *ks, uint64_t seq) {
    if (seq > ks->synced_seq && seq > ks->seen_seq)
        ks->seen_seq = seq;
}

static inline void saw_all(rl_keyspace *ks) {
    if (ks->track)
        saw(ks, ks->last_change_seq);
}

/* The low half of a seq says which of the unsynced ones it is; an old entry that happens to look
 * like one of them only makes its reader wait for a batch it need not have waited for. */
static inline void saw_entry(rl_keyspace *ks, int number, const rl_entry *e) {
    uint32_t age = (uint32_t)ks->open_seq - e->change_seq;
    if (age < ks->open_seq - ks->synced_seq)
        saw(ks, ks->open_seq - age);
    saw(ks, ks->dbs[number].structure_seq);
}

static inline void saw_miss(rl_keyspace *ks, int number, uint64_t hash) {
    saw(ks, ks->deleted_at[hash % DELETED_PLACES]);
    saw(ks, ks->dbs[number].structure_seq);
}

static inline void tell_changed(rl_keyspace *ks, int number, rl_bytes key, bool by_command) {
    if (ks->observer.changes)
        ks->observer.changed(ks->observer.arg, number, key, by_command);
}

void keyspace_changed(rl_keyspace *ks, int number, rl_bytes key, uint64_t hash, bool by_command) {
    ks->changes++;
    ks->last_change_seq = ks->open_seq;
    tell_changed(ks, number, key, by_command);
    if (rl_watch_any(ks->watch))
        rl_watch_touch(ks->watch, number, key, hash, false);
}

static inline void note_change(rl_keyspace *ks, int number, rl_bytes key, uint64_t hash) {
    keyspace_changed(ks, number, key, hash, true);
}

/* ---- removing ---- */

static inline bool is_over(const rl_keyspace *ks, const rl_entry *e) {
    return e->flags & RL_ENTRY_EXPIRES && rl_entry_expiry_part(e)->at_ms <= ks->now_ms;
}

void keyspace_drop(rl_keyspace *ks, int number, rl_slot slot, uint64_t hash) {
    db *d = &ks->dbs[number];
    rl_entry *e = *slot;
    if (e->flags & RL_ENTRY_EXPIRES)
        rl_expiry_remove(d->expiry, e);
    d->fields.hashes -= (e->flags & RL_ENTRY_FIELDS) != 0;
    if (ks->batch)
        rl_batch_delete(ks->batch, e->id, e->type);
    rl_table_remove(d->table, slot, hash);
    ks->slot = NULL;
    ks->deleted_at[hash % DELETED_PLACES] = ks->open_seq;
    if (e->type == RL_TYPE_STRING)
        rl_entry_free(e);
    else
        rl_graveyard_take(ks->graveyard, e);
}

static void drop_expired(rl_keyspace *ks, int number, rl_slot slot, uint64_t hash) {
    if (rl_watch_any(ks->watch))
        rl_watch_touch(ks->watch, number, rl_entry_key(*slot), hash, true);
    tell_changed(ks, number, rl_entry_key(*slot), false);
    rl_keyspace_notify(ks, RL_NOTIFY_EXPIRED, "expired", number, rl_entry_key(*slot));
    keyspace_drop(ks, number, slot, hash);
    ks->changes++;
    ks->last_change_seq = ks->open_seq;
    ks->stats.expired++;
}

/* The slot of a live key. One whose time is over is removed on the way. */
static inline rl_slot live_slot(rl_keyspace *ks, int number, rl_bytes key, uint64_t hash) {
    rl_slot slot = rl_table_find(ks->dbs[number].table, key, hash);
    if (slot && is_over(ks, *slot)) {
        drop_expired(ks, number, slot, hash);
        return NULL;
    }
    return slot;
}

rl_slot keyspace_slot_of(rl_keyspace *ks, int number, const rl_entry *e, uint64_t hash) {
    if (ks->slot && *ks->slot == e)
        return ks->slot;
    rl_slot slot = rl_table_find(ks->dbs[number].table, rl_entry_key(e), hash);
    assert(slot && *slot == e);
    return slot;
}

/* ---- looking ---- */

static void count_miss(rl_keyspace *ks, int number, rl_bytes key) {
    ks->stats.misses++;
    rl_keyspace_notify(ks, RL_NOTIFY_MISS, "keymiss", number, key);
}

rl_entry *rl_keyspace_find(rl_keyspace *ks, int number, rl_bytes key, uint64_t hash, rl_look look) {
    rl_slot slot = live_slot(ks, number, key, hash);
    ks->slot = slot;
    if (slot == NULL) {
        if (look == RL_LOOK_READ || look == RL_LOOK_READ_NOTOUCH)
            count_miss(ks, number, key);
        if (ks->track)
            saw_miss(ks, number, hash);
        return NULL;
    }
    rl_entry *e = *slot;
    if (look == RL_LOOK_READ || look == RL_LOOK_READ_NOTOUCH)
        ks->stats.hits++;
    if (look == RL_LOOK_READ || look == RL_LOOK_WRITE)
        e->access = (uint32_t)(ks->now_ms / 1000);
    if (ks->track)
        saw_entry(ks, number, e);
    return e;
}

void rl_keyspace_prefetch_bucket(const rl_keyspace *ks, int number, uint64_t hash) {
    rl_table_prefetch_bucket(ks->dbs[number].table, hash);
}

void rl_keyspace_prefetch_entry(const rl_keyspace *ks, int number, uint64_t hash) {
    rl_table_prefetch_entry(ks->dbs[number].table, hash);
}

size_t rl_keyspace_size(rl_keyspace *ks, int number) {
    saw_all(ks);
    return rl_table_count(ks->dbs[number].table);
}

rl_entry *rl_keyspace_random(rl_keyspace *ks, int number) {
    saw_all(ks);
    for (;;) {
        rl_entry *e = rl_table_random(ks->dbs[number].table, &ks->random);
        if (e == NULL || !is_over(ks, e))
            return e;
        uint64_t hash = rl_hash(rl_entry_key(e));
        drop_expired(ks, number, rl_table_find(ks->dbs[number].table, rl_entry_key(e), hash), hash);
    }
}

typedef struct live_scan {
    const rl_keyspace *ks;
    void (*each)(void *arg, rl_entry *e);
    void *arg;
} live_scan;

static void scan_live(void *arg, rl_entry *e) {
    live_scan *scan = arg;
    if (!is_over(scan->ks, e))
        scan->each(scan->arg, e);
}

uint64_t rl_keyspace_scan(rl_keyspace *ks, int number, uint64_t cursor, size_t count,
                          void (*each)(void *, rl_entry *), void *arg) {
    saw_all(ks);
    live_scan scan = {ks, each, arg};
    return rl_table_scan(ks->dbs[number].table, cursor, count, scan_live, &scan);
}

/* ---- changing ---- */

/* Gives an entry an expiry, or takes it away; moves the entry when it has no room. Returns where it
 * is. */
static rl_entry *put_expiry(rl_keyspace *ks, db *d, rl_slot slot, int64_t expires_at) {
    (void)ks;
    rl_entry *e = *slot;
    bool had = e->flags & RL_ENTRY_EXPIRES;
    if (expires_at == RL_NEVER) {
        if (had) {
            rl_expiry_remove(d->expiry, e);
            e = *slot = rl_entry_set_expiring(e, false);
        }
    } else if (had) {
        rl_expiry_change(d->expiry, e, expires_at);
    } else {
        e = *slot = rl_entry_set_expiring(e, true);
        rl_expiry_add(d->expiry, e, expires_at);
    }
    return e;
}

static inline rl_entry *put_value(db *d, rl_slot slot, rl_bytes value) {
    rl_entry *e = *slot, *now = rl_entry_set_value(e, value);
    if (now != e) {
        *slot = now;
        if (now->flags & RL_ENTRY_EXPIRES)
            rl_expiry_moved(d->expiry, now);
    }
    now->flags &= ~(unsigned)(RL_ENTRY_EDITED | RL_ENTRY_TEXT);
    return now;
}

/* A key is there that was not. One that is overwritten is not new, whatever its type was. */
static void tell_new(rl_keyspace *ks, int number, rl_bytes key) {
    rl_keyspace_notify(ks, RL_NOTIFY_NEW, "new", number, key);
}

static rl_entry *insert_new(rl_keyspace *ks, int number, rl_bytes key, uint64_t hash,
                            rl_bytes value, int64_t expires_at) {
    db *d = &ks->dbs[number];
    rl_entry *e = rl_entry_create(ks->next_id++, RL_TYPE_STRING, key, value);
    if (expires_at != RL_NEVER) {
        e = rl_entry_set_expiring(e, true);
        rl_expiry_add(d->expiry, e, expires_at);
    }
    keyspace_stamp(ks, e);
    rl_table_insert(d->table, hash, e);
    ks->slot = NULL;
    if (ks->batch)
        rl_batch_key(ks->batch, e->id, number, RL_TYPE_STRING, expires_at, key, value);
    return e;
}

/* The times of a hash's fields are found by its name. */
static void rename_fields(rl_keyspace *ks, int number, rl_entry *e, uint64_t hash) {
    rl_field_scratch scratch;
    rl_field first;
    e->flags &= ~(unsigned)RL_ENTRY_FIELDS;
    if (rl_fields_next_expiry(*(rl_fields **)rl_entry_place(e), &scratch, &first))
        keyspace_fields_expire(ks, number, e, hash, first.expires_at);
}

rl_entry *keyspace_insert_collection(rl_keyspace *ks, int number, rl_bytes key, uint64_t hash,
                                     rl_type type, void *structure, int64_t expires_at,
                                     bool is_new) {
    rl_entry *e = rl_entry_create_collection(ks->next_id++, type, key, structure);
    keyspace_stamp(ks, e);
    rl_table_insert(ks->dbs[number].table, hash, e);
    ks->slot = NULL;
    if (ks->batch)
        rl_batch_key(ks->batch, e->id, number, type, expires_at, key, RL_BYTES(""));
    if (is_new)
        tell_new(ks, number, key);
    keyspace_tell_ready(ks, number, key, type);
    return e;
}

bool rl_keyspace_store(rl_keyspace *ks, int number, rl_bytes key, uint64_t hash, rl_type type,
                       void *structure) {
    rl_slot over = live_slot(ks, number, key, hash);
    bool was_there = over != NULL;
    if (over)
        keyspace_drop(ks, number, over, hash);
    if (structure && keyspace_structure_count(type, structure) == 0) {
        keyspace_structure_free(type, structure);
        structure = NULL;
    }
    if (structure) {
        rl_entry *e = keyspace_insert_collection(ks, number, key, hash, type, structure, RL_NEVER,
                                                 !was_there);
        if (ks->batch)
            keyspace_structure_write(type, structure, 0, e->id, ks->batch);
        if (type == RL_TYPE_HASH)
            rename_fields(ks, number, e, hash);
    }
    if (structure || was_there)
        note_change(ks, number, key, hash);
    else if (ks->track)
        saw_miss(ks, number, hash);
    return structure || was_there;
}

void rl_keyspace_set(rl_keyspace *ks, int number, rl_bytes key, uint64_t hash, rl_bytes value,
                     int64_t expires_at) {
    db *d = &ks->dbs[number];
    rl_slot slot = rl_table_find(d->table, key, hash);
    if (expires_at != RL_NEVER && expires_at <= ks->now_ms) {
        if (slot ==
            NULL) { /* no row changes; counted as a change, its answer would wait for ever */
            rl_watch_touch(ks->watch, number, key, hash, false);
            if (ks->track)
                saw_miss(ks, number, hash);
            return;
        }
        keyspace_drop(ks, number, slot, hash);
    } else if (slot && (*slot)->type == RL_TYPE_STRING && !is_over(ks, *slot)) {
        rl_entry *e = put_value(d, slot, value);
        if (e->flags & RL_ENTRY_EXPIRES || expires_at != RL_NEVER)
            e = put_expiry(ks, d, slot, expires_at);
        keyspace_stamp(ks, e);
        if (ks->batch)
            rl_batch_value(ks->batch, e->id, expires_at, value);
    } else {
        bool is_new = slot == NULL || is_over(ks, *slot);
        if (slot) /* another type, or its time is over: a new row, so that the old one's elements go
                     with it */
            keyspace_drop(ks, number, slot, hash);
        insert_new(ks, number, key, hash, value, expires_at);
        if (is_new)
            tell_new(ks, number, key);
    }
    note_change(ks, number, key, hash);
}

void rl_keyspace_set_entry(rl_keyspace *ks, int number, rl_entry *e, uint64_t hash,
                           rl_bytes value) {
    db *d = &ks->dbs[number];
    rl_slot slot = keyspace_slot_of(ks, number, e, hash);
    e = put_value(d, slot, value);
    keyspace_stamp(ks, e);
    if (ks->batch)
        rl_batch_value(ks->batch, e->id, rl_entry_expires_at(e), rl_entry_value(e));
    note_change(ks, number, rl_entry_key(e), hash);
}

void rl_keyspace_patch(rl_keyspace *ks, int number, rl_entry *e, uint64_t hash, size_t offset,
                       rl_bytes bytes) {
    db *d = &ks->dbs[number];
    rl_slot slot = keyspace_slot_of(ks, number, e, hash);
    size_t total = offset + bytes.len > e->value_len ? offset + bytes.len : e->value_len;
    rl_entry *now = rl_entry_resize_value(e, total);
    if (now != e) {
        *slot = now;
        if (now->flags & RL_ENTRY_EXPIRES)
            rl_expiry_moved(d->expiry, now);
    }
    if (bytes.len)
        memcpy(rl_entry_value_ptr(now) + offset, bytes.ptr, bytes.len);
    now->flags |= RL_ENTRY_EDITED;
    keyspace_stamp(ks, now);
    if (ks->batch) {
        if (total >= PATCH_FROM && bytes.len < total / 2)
            rl_batch_patch(ks->batch, now->id, rl_entry_expires_at(now), total, offset, bytes);
        else
            rl_batch_value(ks->batch, now->id, rl_entry_expires_at(now), rl_entry_value(now));
    }
    note_change(ks, number, rl_entry_key(now), hash);
}

void rl_keyspace_mark_text(rl_keyspace *ks, int number, rl_bytes key, uint64_t hash) {
    rl_slot slot = rl_table_find(ks->dbs[number].table, key, hash);
    if (slot)
        (*slot)->flags |= RL_ENTRY_TEXT;
}

bool rl_keyspace_delete(rl_keyspace *ks, int number, rl_bytes key, uint64_t hash) {
    rl_slot slot = live_slot(ks, number, key, hash);
    if (slot == NULL) {
        if (ks->track)
            saw_miss(ks, number, hash);
        return false;
    }
    keyspace_drop(ks, number, slot, hash);
    note_change(ks, number, key, hash);
    return true;
}

void rl_keyspace_expire(rl_keyspace *ks, int number, rl_entry *e, uint64_t hash,
                        int64_t expires_at) {
    db *d = &ks->dbs[number];
    rl_slot slot = keyspace_slot_of(ks, number, e, hash);
    if (expires_at != RL_NEVER && expires_at <= ks->now_ms) {
        note_change(ks, number, rl_entry_key(e), hash);
        keyspace_drop(ks, number, slot, hash);
        return;
    }
    if (expires_at == RL_NEVER && !(e->flags & RL_ENTRY_EXPIRES))
        return;
    e = put_expiry(ks, d, slot, expires_at);
    keyspace_stamp(ks, e);
    if (ks->batch)
        rl_batch_expiry(ks->batch, e->id, expires_at);
    note_change(ks, number, rl_entry_key(e), hash);
}

void rl_keyspace_rename(rl_keyspace *ks, int number, rl_bytes from, uint64_t from_hash,
                        int to_number, rl_bytes to, uint64_t to_hash) {
    db *source = &ks->dbs[number], *target = &ks->dbs[to_number];
    if (number == to_number && rl_bytes_equal(from, to))
        return;
    rl_slot over = rl_table_find(target->table, to, to_hash);
    if (over)
        keyspace_drop(ks, to_number, over, to_hash);
    rl_slot slot = rl_table_find(source->table, from, from_hash);
    assert(slot);
    rl_entry *e = *slot;
    rl_table_remove(source->table, slot, from_hash);
    ks->slot = NULL;
    int64_t expires_at = rl_entry_expires_at(e);
    if (expires_at != RL_NEVER)
        rl_expiry_remove(source->expiry, e);
    ks->deleted_at[from_hash % DELETED_PLACES] = ks->open_seq;
    note_change(ks, number, from, from_hash);
    source->fields.hashes -= (e->flags & RL_ENTRY_FIELDS) != 0;
    e = rl_entry_rename(e, to);
    if (expires_at != RL_NEVER)
        rl_expiry_add(target->expiry, e, expires_at);
    keyspace_stamp(ks, e);
    rl_table_insert(target->table, to_hash, e);
    if (ks->batch)
        rl_batch_name(ks->batch, e->id, to_number, to);
    if (e->flags & RL_ENTRY_FIELDS)
        rename_fields(ks, to_number, e, to_hash);
    note_change(ks, to_number, to, to_hash);
    tell_new(ks, to_number, to);
    keyspace_tell_ready(ks, to_number, to, e->type);
}

static void copy_collection(rl_keyspace *ks, const rl_entry *e, int to_number, rl_bytes to,
                            uint64_t to_hash) {
    void *copy = keyspace_structure_copy(e->type, *(void **)rl_entry_place(e), &ks->limits);
    int64_t expires_at = rl_entry_expires_at(e);
    rl_slot over = live_slot(ks, to_number, to, to_hash);
    if (over) /* so that what comes is a new key */
        keyspace_drop(ks, to_number, over, to_hash);
    rl_keyspace_store(ks, to_number, to, to_hash, e->type, copy);
    if (expires_at == RL_NEVER)
        return;
    rl_slot slot = rl_table_find(ks->dbs[to_number].table, to, to_hash);
    rl_entry *fresh = put_expiry(ks, &ks->dbs[to_number], slot, expires_at);
    if (ks->batch)
        rl_batch_expiry(ks->batch, fresh->id, expires_at);
}

void rl_keyspace_copy(rl_keyspace *ks, rl_entry *e, int to_number, rl_bytes to, uint64_t to_hash) {
    if (e->type != RL_TYPE_STRING) {
        copy_collection(ks, e, to_number, to, to_hash);
        return;
    }
    rl_bytes value = rl_entry_value(e);
    rl_slot over = rl_table_find(ks->dbs[to_number].table, to, to_hash);
    if (over) /* e itself is another key, so its value stays where it is */
        keyspace_drop(ks, to_number, over, to_hash);
    rl_entry *copy = insert_new(ks, to_number, to, to_hash, value, rl_entry_expires_at(e));
    copy->flags |= e->flags & (RL_ENTRY_EDITED | RL_ENTRY_TEXT);
    tell_new(ks, to_number, to);
    note_change(ks, to_number, to, to_hash);
}

/* ---- whole databases ---- */

static bool key_is_there(void *arg, int number, rl_bytes key, uint64_t hash) {
    rl_keyspace *ks = arg;
    return rl_table_find(ks->dbs[number].table, key, hash) != NULL;
}

/* Puts an empty database in place; the old table is freed step by step. */
static size_t empty_db(rl_keyspace *ks, db *d) {
    size_t count = rl_table_count(d->table);
    if (count == 0)
        return 0;
    dying *old = rl_malloc(sizeof *old);
    *old = (dying){ks->dying, d->table};
    ks->dying = old;
    ks->stats.lazy_tables++;
    rl_expiry_free(d->expiry);
    rl_field_times_release(&d->fields);
    *d = (db){
        .table = rl_table_create(0), .structure_seq = ks->open_seq, .expiry = rl_expiry_create()};
    return count;
}

void rl_keyspace_clear(rl_keyspace *ks, int number) {
    size_t removed = 0, kept = 0;
    rl_watch_touch_where(ks->watch, number, key_is_there, ks);
    for (int i = 0; i < ks->databases; i++) {
        if (number < 0 || i == number)
            removed += empty_db(ks, &ks->dbs[i]);
        else
            kept += rl_table_count(ks->dbs[i].table);
    }
    ks->slot = NULL;
    tell_changed(ks, number, (rl_bytes){NULL, 0}, true);
    if (removed == 0) { /* what emptied it before may still be taken back */
        saw_all(ks);
        return;
    }
    if (ks->batch) /* nothing elsewhere: clearing all is the same, and much cheaper for the tables
                    */
        rl_batch_clear(ks->batch, kept ? number : -1);
    ks->changes += removed;
    ks->last_change_seq = ks->open_seq;
}

typedef struct swapping {
    rl_keyspace *ks;
    int other;
} swapping;

static bool key_is_there_or_there(void *arg, int number, rl_bytes key, uint64_t hash) {
    swapping *s = arg;
    return key_is_there(s->ks, number, key, hash) || key_is_there(s->ks, s->other, key, hash);
}

void rl_keyspace_swap(rl_keyspace *ks, int number, int other) {
    if (number == other)
        return;
    rl_watch_touch_where(ks->watch, number, key_is_there_or_there, &(swapping){ks, other});
    rl_watch_touch_where(ks->watch, other, key_is_there_or_there, &(swapping){ks, number});
    db kept = ks->dbs[number];
    ks->dbs[number] = ks->dbs[other];
    ks->dbs[other] = kept;
    ks->dbs[number].structure_seq = ks->dbs[other].structure_seq = ks->open_seq;
    ks->slot = NULL;
    tell_changed(ks, number, (rl_bytes){NULL, 0}, true);
    tell_changed(ks, other, (rl_bytes){NULL, 0}, true);
    if (ks->batch)
        rl_batch_swap(ks->batch, number, other);
    ks->changes++;
    ks->last_change_seq = ks->open_seq;
    if (ks->observer.readiness)
        ks->observer.ready(ks->observer.arg, -1, (rl_bytes){NULL, 0}, RL_TYPE_STRING);
}

bool rl_keyspace_free_step(rl_keyspace *ks) {
    dying *old = ks->dying;
    if (old == NULL)
        return rl_graveyard_step(ks->graveyard);
    if (rl_table_free_step(old->table, ks->graveyard)) {
        ks->dying = old->next;
        ks->stats.lazy_tables--;
        rl_free(old);
    }
    return ks->dying != NULL || rl_graveyard_count(ks->graveyard);
}

/* ---- expiry on time ---- */

size_t rl_keyspace_expire_due(rl_keyspace *ks, size_t limit) {
    size_t removed = 0;
    if (!ks->active_expire)
        return 0;
    for (int i = 0; i < ks->databases && removed < limit; i++) {
        int64_t at_ms;
        rl_entry *e;
        while (removed < limit && (e = rl_expiry_next(ks->dbs[i].expiry, &at_ms)) &&
               at_ms <= ks->now_ms) {
            uint64_t hash = rl_hash(rl_entry_key(e));
            drop_expired(ks, i, rl_table_find(ks->dbs[i].table, rl_entry_key(e), hash), hash);
            removed++;
        }
        if (removed < limit && ks->dbs[i].fields.count)
            removed += keyspace_expire_due_fields(ks, i, limit - removed);
    }
    return removed;
}

bool rl_keyspace_next_expiry(const rl_keyspace *ks, int64_t *at_ms) {
    int64_t first = INT64_MAX, at;
    if (!ks->active_expire)
        return false;
    for (int i = 0; i < ks->databases; i++) {
        rl_field_time fields;
        if (rl_expiry_next(ks->dbs[i].expiry, &at) && at < first)
            first = at;
        if (rl_field_times_first(&ks->dbs[i].fields, &fields) && fields.at_ms < first)
            first = fields.at_ms;
    }
    *at_ms = first;
    return first != INT64_MAX;
}

void rl_keyspace_set_active_expire(rl_keyspace *ks, bool on) {
    ks->active_expire = on;
}

/* ---- watching ---- */

static bool key_is_over(void *arg, int number, rl_bytes key, uint64_t hash) {
    rl_keyspace *ks = arg;
    rl_slot slot = rl_table_find(ks->dbs[number].table, key, hash);
    return slot && is_over(ks, *slot);
}

void rl_keyspace_watch(rl_keyspace *ks, rl_watcher *watcher, int number, rl_bytes key,
                       uint64_t hash) {
    rl_watch_add(ks->watch, watcher, number, key, hash, key_is_over(ks, number, key, hash));
}

void rl_keyspace_unwatch(rl_keyspace *ks, rl_watcher *watcher) {
    rl_watch_clear(ks->watch, watcher);
}

bool rl_keyspace_watch_broken(rl_keyspace *ks, const rl_watcher *watcher) {
    return watcher->dirty || rl_watch_any_expired(watcher, key_is_over, ks);
}

/* ---- observing ---- */

void rl_keyspace_observe(rl_keyspace *ks, const rl_keyspace_observer *observer) {
    ks->observer = *observer;
}

void rl_keyspace_notify(rl_keyspace *ks, unsigned class, const char *event, int number,
                        rl_bytes key) {
    if (ks->observer.classes & class)
        ks->observer.event(ks->observer.arg, class, event, number, key);
}

/* ---- numbers ---- */

void rl_keyspace_stats_read(const rl_keyspace *ks, rl_keyspace_stats *out) {
    *out = ks->stats;
    out->keys_watched = rl_watch_keys(ks->watch);
    out->lazy_tables += rl_graveyard_count(ks->graveyard);
}

void rl_keyspace_stats_reset(rl_keyspace *ks) {
    uint64_t lazy = ks->stats.lazy_tables;
    ks->stats = (rl_keyspace_stats){.lazy_tables = lazy};
}

void rl_keyspace_db_stats(const rl_keyspace *ks, int number, rl_db_stats *out) {
    const db *d = &ks->dbs[number];
    int64_t mean = rl_expiry_sample_mean(d->expiry, ks->now_ms);
    *out = (rl_db_stats){
        .keys = rl_table_count(d->table),
        .expires = rl_expiry_count(d->expiry),
        .table_memory = rl_table_memory(d->table),
        .expiry_memory = rl_expiry_memory(d->expiry) + d->fields.cap * sizeof *d->fields.items,
        .segments = rl_table_segments(d->table),
        .overdue = rl_expiry_sample_due(d->expiry, ks->now_ms),
        .avg_ttl_ms = mean > ks->now_ms ? mean - ks->now_ms : 0,
    };
}

void rl_keyspace_set_limits(rl_keyspace *ks, const rl_collection_limits *limits) {
    ks->limits = *limits;
}

const rl_collection_limits *rl_keyspace_limits(const rl_keyspace *ks) {
    return &ks->limits;
}

rl_random *rl_keyspace_randomness(rl_keyspace *ks) {
    return &ks->random;
}
