/* SPDX-License-Identifier: MIT */
/* Changes of elements: in memory, and as row changes. See collection.h. */
#include "keyspace/keyspace_private.h"
#include "keyspace/structure.h"

/* Elements come after all were taken away: a row of its own for the new ones. */
static void renew(rl_collection *c) {
    rl_keyspace *ks = c->keys;
    rl_entry *e = c->entry;
    c->emptied = false;
    if (ks->batch)
        rl_batch_delete(ks->batch, e->id, e->type);
    e->id = ks->next_id++ & 0xffffffffffffu;
    if (ks->batch)
        rl_batch_key(ks->batch, e->id, c->db, e->type, rl_entry_expires_at(e), c->key,
                     RL_BYTES(""));
}

/* Where the structure's pointer stands; makes the key when there is none. */
static void *place_of(rl_collection *c) {
    if (c->entry == NULL)
        c->entry = keyspace_insert_collection(c->keys, c->db, c->key, c->hash, c->type,
                                              keyspace_structure_create(c->type), RL_NEVER, true);
    else if (c->emptied)
        renew(c);
    return rl_entry_place(c->entry);
}

static void touched(rl_collection *c) {
    if (c->changed)
        return;
    c->changed = true;
    keyspace_stamp(c->keys, c->entry);
}

/* The batch, where row changes are wanted; after every change in memory. */
static rl_batch_builder *batch_of(rl_collection *c) {
    touched(c);
    return c->keys->batch;
}

/* ---- hashes ---- */

/* The hash has a new expiry among its fields; the soonest one counts. */
static void note_field_expiry(rl_collection *c, int64_t expires_at) {
    rl_field_scratch scratch;
    rl_field first;
    if (rl_fields_next_expiry(rl_hash_of(c), &scratch, &first) && first.expires_at == expires_at)
        keyspace_fields_expire(c->keys, c->db, c->entry, c->hash, expires_at);
}

/* The expiry that a field has; 0: none. */
static int64_t field_expiry(const rl_fields *h, rl_bytes field) {
    rl_field_scratch scratch;
    rl_field found;
    return rl_fields_timed(h) && rl_fields_get(h, field, &scratch, &found) ? found.expires_at : 0;
}

bool rl_key_hash_set(rl_collection *c, rl_bytes field, rl_bytes value, int64_t expires_at) {
    rl_fields **place = place_of(c);
    if (expires_at == RL_FIELD_KEEP)
        expires_at = field_expiry(*place, field);
    bool is_new = rl_fields_set(place, field, value, expires_at, &c->keys->limits.hash);
    rl_batch_builder *batch = batch_of(c);
    if (batch)
        rl_batch_field(batch, c->entry->id, expires_at ? expires_at : RL_NEVER, field, value);
    if (expires_at)
        note_field_expiry(c, expires_at);
    return is_new;
}

bool rl_key_hash_remove(rl_collection *c, rl_bytes field) {
    if (c->entry == NULL || !rl_fields_remove(rl_entry_place(c->entry), field))
        return false;
    rl_batch_builder *batch = batch_of(c);
    if (batch)
        rl_batch_gone(batch, c->entry->id, RL_TYPE_HASH, field);
    return true;
}

bool rl_key_hash_expire(rl_collection *c, rl_bytes field, int64_t expires_at) {
    rl_field_scratch scratch;
    rl_field found;
    if (c->entry == NULL)
        return false;
    if (expires_at && expires_at <= c->keys->now_ms)
        return rl_key_hash_remove(c, field);
    rl_fields **place = rl_entry_place(c->entry);
    if (!rl_fields_expire(place, field, expires_at))
        return false;
    rl_batch_builder *batch = batch_of(c);
    if (batch && rl_fields_get(*place, field, &scratch, &found))
        rl_batch_field(batch, c->entry->id, expires_at ? expires_at : RL_NEVER, field, found.value);
    if (expires_at)
        note_field_expiry(c, expires_at);
    return true;
}

/* ---- sets ---- */

bool rl_key_set_add(rl_collection *c, rl_bytes member) {
    if (!rl_members_add(place_of(c), member, &c->keys->limits.set))
        return false;
    rl_batch_builder *batch = batch_of(c);
    if (batch)
        rl_batch_member(batch, c->entry->id, member);
    return true;
}

bool rl_key_set_remove(rl_collection *c, rl_bytes member) {
    if (c->entry == NULL || !rl_members_remove(rl_entry_place(c->entry), member))
        return false;
    rl_batch_builder *batch = batch_of(c);
    if (batch)
        rl_batch_gone(batch, c->entry->id, RL_TYPE_SET, member);
    return true;
}

void rl_key_set_pop(rl_collection *c, rl_buffer *out) {
    size_t from = out->len;
    rl_members_pop(rl_entry_place(c->entry), &c->keys->random, out);
    rl_batch_builder *batch = batch_of(c);
    if (batch)
        rl_batch_gone(batch, c->entry->id, RL_TYPE_SET,
                      rl_bytes_of(out->ptr + from, out->len - from));
}

/* ---- sorted sets ---- */

rl_zset_added rl_key_zset_set(rl_collection *c, rl_bytes member, double score) {
    rl_zset_added added = rl_zset_set(place_of(c), member, score, &c->keys->limits.zset);
    if (added == RL_ZSET_SAME)
        return added;
    rl_batch_builder *batch = batch_of(c);
    if (batch)
        rl_batch_score(batch, c->entry->id, score, member);
    return added;
}

bool rl_key_zset_remove(rl_collection *c, rl_bytes member) {
    if (c->entry == NULL || !rl_zset_remove(rl_entry_place(c->entry), member))
        return false;
    rl_batch_builder *batch = batch_of(c);
    if (batch)
        rl_batch_gone(batch, c->entry->id, RL_TYPE_ZSET, member);
    return true;
}

typedef struct removal {
    rl_collection *c;
    bool rows; /* they are written one by one: something is left of the set */
    void (*each)(void *arg, rl_bytes member, double score);
    void *arg;
} removal;

static void removed_member(void *arg, rl_bytes member, double score) {
    removal *r = arg;
    if (r->rows && r->c->keys->batch)
        rl_batch_gone(r->c->keys->batch, r->c->entry->id, RL_TYPE_ZSET, member);
    if (r->each)
        r->each(r->arg, member, score);
}

size_t rl_key_zset_remove_range(rl_collection *c, size_t from, size_t count,
                                void (*each)(void *, rl_bytes, double), void *arg) {
    size_t total = rl_collection_count(c);
    if (from >= total || count == 0)
        return 0;
    removal r = {c, from || count < total, each, arg};
    c->emptied = !r.rows;
    touched(c);
    return rl_zset_remove_range(rl_entry_place(c->entry), from, count, removed_member, &r);
}

/* ---- lists ---- */

void rl_key_list_push(rl_collection *c, rl_list_end end, rl_bytes value) {
    rl_list **place = place_of(c);
    int64_t *first = rl_entry_position(c->entry);
    int64_t position = end == RL_LIST_LEFT ? --*first : *first + (int64_t)rl_list_count(*place);
    rl_list_push(place, end, value);
    rl_batch_builder *batch = batch_of(c);
    if (batch)
        rl_batch_item(batch, c->entry->id, position, value);
}

void rl_key_list_insert(rl_collection *c, size_t index, rl_bytes value) {
    rl_list **place = place_of(c);
    int64_t *first = rl_entry_position(c->entry), before = (int64_t)index;
    int64_t after = (int64_t)rl_list_count(*place) - before;
    if (before == 0 || after == 0) {
        rl_key_list_push(c, after ? RL_LIST_LEFT : RL_LIST_RIGHT, value);
        return;
    }
    rl_list_insert(place, index, value);
    rl_batch_builder *batch = batch_of(c);
    int64_t from = *first;
    bool left = before < after; /* the shorter part makes room */
    *first -= left;
    if (batch == NULL)
        return;
    if (left)
        rl_batch_shift(batch, c->entry->id, from, from + before - 1, -1);
    else
        rl_batch_shift(batch, c->entry->id, from + before, from + before + after - 1, 1);
    rl_batch_item(batch, c->entry->id, *first + before, value);
}

void rl_key_list_set(rl_collection *c, size_t index, rl_bytes value) {
    rl_list_set(rl_entry_place(c->entry), index, value);
    rl_batch_builder *batch = batch_of(c);
    if (batch)
        rl_batch_item(batch, c->entry->id, *rl_entry_position(c->entry) + (int64_t)index, value);
}

void rl_key_list_remove(rl_collection *c, size_t from, size_t count) {
    size_t total = rl_collection_count(c);
    if (from >= total || count == 0)
        return;
    if (count > total - from)
        count = total - from;
    rl_list_remove(rl_entry_place(c->entry), from, count);
    int64_t *first = rl_entry_position(c->entry), start = *first;
    int64_t before = (int64_t)from, gone = (int64_t)count, after = (int64_t)total - before - gone;
    bool left = before < after; /* the shorter part closes the gap */
    if (left)
        *first += gone;
    rl_batch_builder *batch = batch_of(c);
    c->emptied = before + after == 0;
    if (batch == NULL || c->emptied)
        return;
    if (left && before)
        rl_batch_shift(batch, c->entry->id, start, start + before - 1, gone);
    else if (!left && after)
        rl_batch_shift(batch, c->entry->id, start + before + gone, start + (int64_t)total - 1,
                       -gone);
    rl_batch_bounds(batch, c->entry->id, *first, *first + before + after - 1);
}

/* What stays between two values that go (or an end): the run before the one numbered `i`. */
typedef struct list_run {
    int64_t from, count;
} list_run;

static list_run run_before(const size_t *indexes, size_t count, size_t i, size_t total) {
    int64_t from = i ? (int64_t)indexes[i - 1] + 1 : 0;
    return (list_run){from, (int64_t)(i < count ? indexes[i] : total) - from};
}

/* One shift for every run but the longest, beginning next to that, so that each row moves at most
 * once and onto places that are free. Returns how many go before the longest. */
static size_t close_gaps(rl_collection *c, const size_t *indexes, size_t count, size_t total) {
    rl_batch_builder *batch = c->keys->batch;
    int64_t first = *rl_entry_position(c->entry);
    size_t longest = 0;
    for (size_t i = 1; i <= count; i++)
        if (run_before(indexes, count, i, total).count >
            run_before(indexes, count, longest, total).count)
            longest = i;
    for (size_t i = longest; batch && i-- > 0;) {
        list_run run = run_before(indexes, count, i, total);
        if (run.count)
            rl_batch_shift(batch, c->entry->id, first + run.from, first + run.from + run.count - 1,
                           (int64_t)(longest - i));
    }
    for (size_t i = longest + 1; batch && i <= count; i++) {
        list_run run = run_before(indexes, count, i, total);
        if (run.count)
            rl_batch_shift(batch, c->entry->id, first + run.from, first + run.from + run.count - 1,
                           -(int64_t)(i - longest));
    }
    return longest;
}

void rl_key_list_remove_many(rl_collection *c, const size_t *indexes, size_t count) {
    size_t total = rl_collection_count(c);
    if (count == total || count == 1) {
        rl_key_list_remove(c, indexes[0], count);
        return;
    }
    rl_list_remove_many(rl_entry_place(c->entry), indexes, count);
    int64_t *first = rl_entry_position(c->entry);
    rl_batch_builder *batch = batch_of(c);
    *first += (int64_t)close_gaps(c, indexes, count, total);
    if (batch)
        rl_batch_bounds(batch, c->entry->id, *first, *first + (int64_t)(total - count) - 1);
}
