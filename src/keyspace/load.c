/* SPDX-License-Identifier: MIT */
/*
 * Loading: keys and elements as the store hands them out. Keys go into the table a few behind the
 * one that came last, so that its cache lines are there by then.
 */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "keyspace/keyspace_private.h"
#include "keyspace/structure.h"

/* Positions of a list's items that leave room at both ends for any number of pushes; what a batch
 * can say (store/batch.c) goes a little further. */
#define POSITION_MAX ((int64_t)1 << 60)

void rl_keyspace_load_begin(rl_keyspace *ks, uint64_t next_id, size_t expected) {
    ks->next_id = next_id;
    if (expected && rl_table_count(ks->dbs[0].table) == 0) {
        rl_table_free(ks->dbs[0].table);
        ks->dbs[0].table = rl_table_create(expected);
    }
}

/* Inserts a key that waited, if there is one. */
static void load_insert(rl_keyspace *ks, keyspace_loaded *place) {
    if (place->entry)
        rl_table_insert(ks->dbs[place->number].table, place->hash, place->entry);
    place->entry = NULL;
}

static void load_ahead(rl_keyspace *ks, keyspace_loaded key) {
    keyspace_loaded *place = &ks->ahead[ks->loading++ % LOAD_AHEAD];
    load_insert(ks, place);
    *place = key;
    rl_table_prefetch_insert(ks->dbs[key.number].table, key.hash);
}

/* ---- collections ---- */

/* Writes all rows of a list anew, side by side. */
static void renumber_list(rl_keyspace *ks, rl_entry *e) {
    *rl_entry_position(e) = 0;
    if (ks->batch == NULL)
        return;
    rl_batch_bounds(ks->batch, e->id, 0, -1);
    keyspace_structure_write(RL_TYPE_LIST, *(void **)rl_entry_place(e), 0, e->id, ks->batch);
}

/* Members of a sorted set come in order of their names. They are put in by runs that are sorted
 * first: one that stands beside the one before finds its leaf in the cache. */
static int by_score(const void *a, const void *b) {
    const keyspace_scored *x = a, *y = b;
    return (x->score > y->score) - (x->score < y->score);
}

static void end_run(rl_keyspace *ks) {
    keyspace_run *run = ks->run;
    if (run == NULL || run->count == 0)
        return;
    const char *names = rl_buffer_cstr(&run->names); /* there even when all are empty */
    qsort(run->items, run->count, sizeof *run->items, by_score);
    for (size_t i = 0; i < run->count; i++) {
        const keyspace_scored *s = &run->items[i];
        rl_zset_set(rl_entry_place(ks->collection.entry), rl_bytes_of(names + s->at, s->len),
                    s->score, &ks->limits.zset);
    }
    run->count = 0;
    rl_buffer_clear(&run->names);
}

/* All its elements have come. */
static void end_collection(rl_keyspace *ks) {
    keyspace_loaded c = ks->collection;
    rl_field_scratch scratch;
    rl_field first;
    end_run(ks);
    ks->collection.entry = NULL;
    if (c.entry == NULL)
        return;
    if (rl_entry_count(c.entry) == 0) {
        if (ks->batch)
            rl_batch_delete(ks->batch, c.entry->id, c.entry->type);
        if (c.entry->flags & RL_ENTRY_EXPIRES)
            rl_expiry_remove(ks->dbs[c.number].expiry, c.entry);
        rl_entry_free(c.entry);
        return;
    }
    if (ks->has_gaps)
        renumber_list(ks, c.entry);
    if (c.entry->type == RL_TYPE_HASH &&
        rl_fields_next_expiry(*(rl_fields **)rl_entry_place(c.entry), &scratch, &first))
        keyspace_fields_expire(ks, c.number, c.entry, c.hash, first.expires_at);
    load_ahead(ks, c);
}

void rl_keyspace_load_field(rl_keyspace *ks, rl_bytes field, rl_bytes value, int64_t expires_at) {
    rl_fields **place = rl_entry_place(ks->collection.entry);
    rl_fields_set(place, field, value, expires_at == RL_NEVER ? 0 : expires_at, &ks->limits.hash);
}

void rl_keyspace_load_member(rl_keyspace *ks, rl_bytes member) {
    rl_members_add(rl_entry_place(ks->collection.entry), member, &ks->limits.set);
}

void rl_keyspace_load_score(rl_keyspace *ks, rl_bytes member, double score) {
    if (ks->run == NULL)
        ks->run = rl_calloc(1, sizeof *ks->run);
    keyspace_run *run = ks->run;
    run->items[run->count++] = (keyspace_scored){score, run->names.len, member.len};
    rl_buffer_add_bytes(&run->names, member);
    if (run->count == LOAD_RUN)
        end_run(ks);
}

void rl_keyspace_load_item(rl_keyspace *ks, int64_t position, rl_bytes value) {
    rl_entry *e = ks->collection.entry;
    rl_list **place = rl_entry_place(e);
    if (rl_list_count(*place) == 0)
        *rl_entry_position(e) = position;
    else
        ks->has_gaps |= position != ks->next_position;
    if (position < -POSITION_MAX || position > POSITION_MAX) { /* not ours; it could overflow */
        ks->has_gaps = true;
        position = POSITION_MAX;
    }
    ks->next_position = position + 1;
    rl_list_push(place, RL_LIST_RIGHT, value);
}

/* ---- keys ---- */

void rl_keyspace_load(rl_keyspace *ks, uint64_t id, int number, rl_type type, int64_t expires_at,
                      rl_bytes key, rl_bytes value) {
    bool collection = keyspace_is_collection(type);
    rl_entry *e = collection
                      ? rl_entry_create_collection(id, type, key, keyspace_structure_create(type))
                      : rl_entry_create(id, type, key, value);
    end_collection(ks);
    if (expires_at != RL_NEVER) {
        e = rl_entry_set_expiring(e, true);
        rl_expiry_add(ks->dbs[number].expiry, e, expires_at);
    }
    keyspace_loaded loaded = {e, rl_hash(key), number};
    if (collection) {
        ks->collection = loaded;
        ks->has_gaps = false;
    } else {
        load_ahead(ks, loaded);
    }
}

void rl_keyspace_load_end(rl_keyspace *ks) {
    end_collection(ks);
    for (unsigned i = 0; i < LOAD_AHEAD; i++)
        load_insert(ks, &ks->ahead[i]);
    if (ks->run)
        rl_buffer_release(&ks->run->names);
    rl_free(ks->run);
    ks->run = NULL;
}
