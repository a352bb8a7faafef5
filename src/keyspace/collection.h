/* SPDX-License-Identifier: MIT */
/*
 * Hashes, lists, sets and sorted sets as values of keys. A command opens the collection of a key,
 * reads its structure (types/…), changes it through the functions here, and says that it is done:
 *
 *     rl_collection c;
 *     if (!rl_collection_open(&c, keys, db, key, hash, RL_TYPE_SET, RL_LOOK_WRITE))
 *         … WRONGTYPE …
 *     if (rl_set_of(&c) == NULL) … there is no such key …
 *     added = rl_key_set_add(&c, member);        makes the key when there is none
 *     … notifications of the command …
 *     rl_collection_done(&c);                    a collection that is empty now goes, with "del"
 *
 * Each change of an element is made in memory and added to the open batch; the key is stamped,
 * watchers and trackers are told once, by done, which must follow every open after which anything
 * was changed, before the command replies or opens the same key again. Several collections may be
 * open at once, but one key only once: a command whose two keys are the same one uses one handle.
 *
 * Structures are read with the functions of types/…; only the functions here may change them. Bytes
 * given must not lie in the collection itself (argv never does). A structure read from a handle is
 * valid until the next change through it. Loop thread.
 *
 * Fields whose time is over are taken out by rl_collection_open ("hexpired"), so that nobody meets
 * one; a hash that had no others is then no more. Where there are many of them, most are hidden
 * instead (rl_fields_hide) and taken out later, in steps.
 */
#ifndef RL_KEYSPACE_COLLECTION_H
#define RL_KEYSPACE_COLLECTION_H

#include "base/buffer.h"
#include "keyspace/keyspace.h"
#include "types/fields.h"
#include "types/list.h"
#include "types/members.h"
#include "types/zset.h"

typedef struct rl_collection {
    rl_keyspace *keys;
    rl_entry *entry; /* NULL: there is no such key */
    rl_bytes key;    /* as the caller gave it; must stay until done */
    uint64_t hash;
    int db;
    rl_type type;
    bool changed;
    bool emptied; /* its rows are not taken away one by one: they go with the key's */
} rl_collection;

/* False when the key holds another type. type: hash, list, set or sorted set. */
bool rl_collection_open(rl_collection *c, rl_keyspace *keys, int db, rl_bytes key, uint64_t hash,
                        rl_type type, rl_look look);
/* The same for an entry that was found just before, of its own type. */
void rl_collection_open_entry(rl_collection *c, rl_keyspace *keys, int db, rl_entry *e,
                              uint64_t hash);
/* True when the key went with its last element. Fine after an open that changed nothing. */
bool rl_collection_done(rl_collection *c);

/* The structure; NULL when there is no such key. */
static inline rl_fields *rl_hash_of(const rl_collection *c) {
    return c->entry ? *(rl_fields **)rl_entry_place(c->entry) : NULL;
}
static inline rl_members *rl_set_of(const rl_collection *c) {
    return c->entry ? *(rl_members **)rl_entry_place(c->entry) : NULL;
}
static inline rl_zset *rl_sorted_set_of(const rl_collection *c) {
    return c->entry ? *(rl_zset **)rl_entry_place(c->entry) : NULL;
}
static inline rl_list *rl_list_of(const rl_collection *c) {
    return c->entry ? *(rl_list **)rl_entry_place(c->entry) : NULL;
}
size_t rl_collection_count(const rl_collection *c); /* elements; 0 without a key */
/* The same of an entry of any collection type; for OBJECT, DEBUG, MEMORY. */
size_t rl_entry_count(const rl_entry *e);

/* True when the field is new. expires_at: 0 for none, RL_FIELD_KEEP for what it has, else later
 * than now. */
bool rl_key_hash_set(rl_collection *c, rl_bytes field, rl_bytes value, int64_t expires_at);
bool rl_key_hash_remove(rl_collection *c, rl_bytes field);
/* False when there is no such field. 0 takes the expiry away; a time that is over removes it. */
bool rl_key_hash_expire(rl_collection *c, rl_bytes field, int64_t expires_at);

/* Before a field is chosen by chance: takes out those that are hidden, if few others are left. */
void rl_key_hash_settle(rl_collection *c);

bool rl_key_set_add(rl_collection *c, rl_bytes member); /* true: it is new */
bool rl_key_set_remove(rl_collection *c, rl_bytes member);
/* Takes any member out and appends it to out. The set is not empty. */
void rl_key_set_pop(rl_collection *c, rl_buffer *out);

/* The score is not NaN. */
rl_zset_added rl_key_zset_set(rl_collection *c, rl_bytes member, double score);
bool rl_key_zset_remove(rl_collection *c, rl_bytes member);
/* As rl_zset_remove_range. */
size_t rl_key_zset_remove_range(rl_collection *c, size_t from, size_t count,
                                void (*each)(void *arg, rl_bytes member, double score), void *arg);

void rl_key_list_push(rl_collection *c, rl_list_end end, rl_bytes value);
/* As the functions of types/list.h. */
void rl_key_list_insert(rl_collection *c, size_t index, rl_bytes value);
void rl_key_list_set(rl_collection *c, size_t index, rl_bytes value);
void rl_key_list_remove(rl_collection *c, size_t from, size_t count);
void rl_key_list_remove_many(rl_collection *c, const size_t *indexes, size_t count);

/* The key becomes this collection, whatever it was, without an expiry: for COPY and the …STORE
 * commands. Takes over the structure (rl_fields, rl_list, rl_members or rl_zset); NULL or an empty
 * one: the key goes. True when there was or is a key, so that something changed. No collection of
 * this key may be open. The commands notify. */
bool rl_keyspace_store(rl_keyspace *ks, int db, rl_bytes key, uint64_t hash, rl_type type,
                       void *structure);

/* When collections leave their small forms: the …-max-listpack-… settings. */
typedef struct rl_collection_limits {
    rl_small_limits hash, zset;
    rl_members_limits set;
} rl_collection_limits;
void rl_keyspace_set_limits(rl_keyspace *ks, const rl_collection_limits *limits);
/* For structures built outside of a key. */
const rl_collection_limits *rl_keyspace_limits(const rl_keyspace *ks);

#endif
