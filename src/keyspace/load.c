/* SPDX-License-Identifier: MIT */
/*
 * Loading: keys and elements as the store hands them out. Keys go into the table a few behind the
 * one that came last, so that its cache lines are there by then.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/log.h"
#include "keyspace/keyspace_private.h"
#include "keyspace/structure.h"

/* Positions of a list's items that leave room at both ends for any number of pushes; what a batch
 * can say (store/batch.c) goes a little further. */
#define POSITION_MAX ((int64_t)1 << 60)

#define TWINS_TOLD 10 /* in the log, one by one */
#define KEY_SHOWN  64

void rl_keyspace_load_begin(rl_keyspace *ks, uint64_t next_id, size_t expected) {
    ks->next_id = next_id;
    if (expected && rl_table_count(ks->dbs[0].table) == 0) {
        rl_table_free(ks->dbs[0].table);
        ks->dbs[0].table = rl_table_create(expected);
    }
}

/* ---- rows of other programs ---- */

/* At most KEY_SHOWN bytes of a key, for the log. */
static void printable(rl_bytes key, char *out) {
    size_t len = key.len < KEY_SHOWN ? key.len : KEY_SHOWN;
    for (size_t i = 0; i < len; i++)
        out[i] = key.ptr[i] >= ' ' && key.ptr[i] <= '~' ? key.ptr[i] : '?';
    out[len] = '\0';
}

/* Takes out a row whose key is there already. */
static void drop_twin(rl_keyspace *ks, const keyspace_loaded *twin, const rl_entry *stays) {
    rl_entry *e = twin->entry;
    char key[KEY_SHOWN + 1];
    printable(rl_entry_key(e), key);
    if (ks->twins++ < TWINS_TOLD)
        rl_log(RL_LOG_WARNING,
               "data.db: another program has made two rows of key '%s' in database %d; row %" PRIu64
               " stays, row %" PRIu64 " is removed",
               key, twin->number, (uint64_t)stays->id, (uint64_t)e->id);
    if (ks->batch && e->id != stays->id)
        rl_batch_delete(ks->batch, e->id, e->type);
    if (e->flags & RL_ENTRY_EXPIRES)
        rl_expiry_remove(ks->dbs[twin->number].expiry, e);
    rl_entry_free(e);
}

static void tell_of_strangers(rl_keyspace *ks) {
    if (ks->twins > TWINS_TOLD)
        rl_log(RL_LOG_WARNING, "data.db: %" PRIu64 " such rows were removed in all", ks->twins);
    if (ks->strangers)
        rl_log(
            RL_LOG_WARNING,
            "data.db: another program has stored %" PRIu64
            " names of keys or elements as text where bytes are due, or the other way round; put "
            "right",
            ks->strangers);
    ks->twins = ks->strangers = 0;
}

/* Whether what comes now is strange. */
static bool take_strange(rl_keyspace *ks) {
    bool strange = ks->strange;
    ks->strange = false;
    ks->strangers += strange;
    return strange;
}

void rl_keyspace_load_strange(rl_keyspace *ks) {
    ks->strange = true;
}

/* ---- the table ---- */

static void note_fields(rl_keyspace *ks, const keyspace_loaded *c) {
    rl_field_scratch scratch;
    rl_field first;
    if (c->entry->type == RL_TYPE_HASH &&
        rl_fields_next_expiry(*(rl_fields **)rl_entry_place(c->entry), &scratch, &first))
        keyspace_fields_expire(ks, c->number, c->entry, c->hash, first.expires_at);
}

/* Inserts a key that waited, if there is one. */
static void load_insert(rl_keyspace *ks, keyspace_loaded *place) {
    rl_entry *e = place->entry;
    if (e == NULL)
        return;
    rl_table *table = ks->dbs[place->number].table;
    rl_slot there = rl_table_find(table, rl_entry_key(e), place->hash);
    if (there) {
        drop_twin(ks, place, *there);
    } else {
        rl_table_insert(table, place->hash, e);
        note_fields(ks, place);
        if (place->strange && ks->batch)
            rl_batch_name(ks->batch, e->id, place->number, rl_entry_key(e));
    }
    place->entry = NULL;
}

static void load_ahead(rl_keyspace *ks, keyspace_loaded key) {
    keyspace_loaded *place = &ks->ahead[ks->loading++ % LOAD_AHEAD];
    load_insert(ks, place);
    *place = key;
    rl_table_prefetch_insert(ks->dbs[key.number].table, key.hash);
}

/* ---- collections ---- */

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

/* Writes a collection anew, under another id: there are rows that no row change could name. */
static void write_anew(rl_keyspace *ks, const keyspace_loaded *c) {
    rl_entry *e = c->entry;
    if (e->type == RL_TYPE_LIST)
        *rl_entry_position(e) = 0;
    if (ks->batch == NULL)
        return;
    rl_batch_delete(ks->batch, e->id, e->type);
    e->id = ks->next_id++ & 0xffffffffffffu;
    rl_batch_key(ks->batch, e->id, c->number, e->type, rl_entry_expires_at(e), rl_entry_key(e),
                 RL_BYTES(""));
    keyspace_structure_write(e->type, *(void **)rl_entry_place(e), 0, e->id, ks->batch);
}

/* All its elements have come. */
static void end_collection(rl_keyspace *ks) {
    keyspace_loaded c = ks->collection;
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
    if (ks->anew)
        write_anew(ks, &c);
    load_ahead(ks, c);
}

void rl_keyspace_load_field(rl_keyspace *ks, rl_bytes field, rl_bytes value, int64_t expires_at) {
    rl_fields **place = rl_entry_place(ks->collection.entry);
    rl_field_scratch scratch;
    rl_field there;
    if (take_strange(ks)) {
        ks->anew = true;
        if (rl_fields_get(*place, field, &scratch, &there))
            return;
    }
    rl_fields_set(place, field, value, expires_at == RL_NEVER ? 0 : expires_at, &ks->limits.hash);
}

void rl_keyspace_load_member(rl_keyspace *ks, rl_bytes member) {
    ks->anew |= take_strange(ks);
    rl_members_add(rl_entry_place(ks->collection.entry), member, &ks->limits.set);
}

/* Puts in all that came, so that one of the same name is found, or found over. */
static bool has_member(rl_keyspace *ks, rl_bytes member) {
    double score;
    end_run(ks);
    return rl_zset_score(*(rl_zset **)rl_entry_place(ks->collection.entry), member, &score);
}

void rl_keyspace_load_score(rl_keyspace *ks, rl_bytes member, double score) {
    bool strange = take_strange(ks);
    ks->anew |= strange;
    if (strange && has_member(ks, member))
        return;
    if (ks->run == NULL)
        ks->run = rl_calloc(1, sizeof *ks->run);
    keyspace_run *run = ks->run;
    run->items[run->count++] = (keyspace_scored){score, run->names.len, member.len};
    rl_buffer_add_bytes(&run->names, member);
    if (run->count == LOAD_RUN || strange)
        end_run(ks);
}

void rl_keyspace_load_item(rl_keyspace *ks, int64_t position, rl_bytes value) {
    rl_entry *e = ks->collection.entry;
    rl_list **place = rl_entry_place(e);
    if (rl_list_count(*place) == 0)
        *rl_entry_position(e) = position;
    else
        ks->anew |= position != ks->next_position;
    if (position < -POSITION_MAX || position > POSITION_MAX) { /* not ours; it could overflow */
        ks->anew = true;
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
    keyspace_loaded loaded = {e, rl_hash(key), number, take_strange(ks)};
    if (collection) {
        ks->collection = loaded;
        ks->anew = false;
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
    tell_of_strangers(ks);
}
