/* SPDX-License-Identifier: MIT */
/* DEBUG RELOAD. See reload.h. */
#include "server/reload.h"

#include <inttypes.h>

#include "base/hash.h"
#include "keyspace/collection.h"

typedef struct comparison {
    rl_keyspace *keys;
    rl_buffer *error;
    uint64_t rows; /* that are live and the same in memory */
    bool differs;
    int db; /* of the row that came last, for the sentence */
    rl_buffer name;
    rl_entry *entry; /* the collection whose elements come now, or NULL */
    bool missing;    /* it is not in memory: a difference only if it has elements */
    size_t elements; /* that came so far and are live */
    rl_list_walk list;
} comparison;

static void differs(comparison *c, const char *what) {
    if (!c->differs) {
        rl_buffer_printf(c->error, "data.db differs from memory in database %d at key ", c->db);
        rl_buffer_add_quoted(c->error, rl_buffer_bytes(&c->name));
        rl_buffer_printf(c->error, ": %s", what);
    }
    c->differs = true;
}

static bool is_over(const comparison *c, int64_t expires_at) {
    return expires_at != RL_NEVER && expires_at <= rl_keyspace_now(c->keys);
}

static void *structure_of(const rl_entry *e) {
    return *(void **)rl_entry_place(e);
}

/* ---- elements ---- */

static bool same_field(comparison *c, const rl_store_element *element) {
    rl_field_scratch scratch;
    rl_field field;
    return rl_fields_get(structure_of(c->entry), element->name, &scratch, &field) &&
           rl_bytes_equal(field.value, element->value) &&
           (field.expires_at ? field.expires_at : RL_NEVER) == element->expires_at;
}

static bool same_item(comparison *c, const rl_store_element *element) {
    rl_bytes value;
    int64_t position = *rl_entry_position(c->entry) + (int64_t)c->elements;
    return rl_list_next(&c->list, &value) && rl_bytes_equal(value, element->value) &&
           position == element->position;
}

static bool same_score(comparison *c, const rl_store_element *element) {
    double score;
    return rl_zset_score(structure_of(c->entry), element->name, &score) && score == element->score;
}

static bool same_element(comparison *c, const rl_store_element *element) {
    switch (c->entry->type) {
    case RL_TYPE_HASH:
        return same_field(c, element);
    case RL_TYPE_LIST:
        return same_item(c, element);
    case RL_TYPE_ZSET:
        return same_score(c, element);
    default:
        return rl_members_has(structure_of(c->entry), element->name);
    }
}

static void compare_element(void *arg, const rl_store_element *element) {
    comparison *c = arg;
    if (c->missing)
        differs(c, "it is not in memory");
    if (c->entry == NULL || (c->entry->type == RL_TYPE_HASH && is_over(c, element->expires_at)))
        return;
    if (!same_element(c, element))
        differs(c, "it has other elements");
    c->elements++;
}

/* Elements in memory without the fields whose time is over. */
static size_t live_elements(const comparison *c) {
    rl_fields_walk walk = {0};
    rl_field field;
    size_t count = rl_entry_count(c->entry);
    if (c->entry->type != RL_TYPE_HASH || !rl_fields_timed(structure_of(c->entry)))
        return count;
    while (rl_fields_next(structure_of(c->entry), &walk, &field))
        count -= field.expires_at && is_over(c, field.expires_at);
    return count;
}

/* All elements of the collection have come. */
static void end_elements(comparison *c) {
    if (c->entry && c->elements != live_elements(c))
        differs(c, "it has another number of elements");
    c->entry = NULL;
    c->missing = false;
}

/* ---- keys ---- */

static void begin_elements(comparison *c, rl_entry *e) {
    c->entry = e;
    c->elements = 0;
    if (e->type == RL_TYPE_LIST)
        rl_list_walk_init(&c->list, structure_of(e), 0, false);
}

static void compare_found(comparison *c, const rl_store_row *row, rl_entry *e) {
    if (e->id != row->id)
        differs(c, "it has another row id");
    else if (e->type != row->type)
        differs(c, "it has another type");
    else if (rl_entry_expires_at(e) != row->expires_at)
        differs(c, "it has another expiry");
    else if (e->type != RL_TYPE_STRING)
        begin_elements(c, e);
    else if (!rl_bytes_equal(rl_entry_value(e), row->value))
        differs(c, "it has another value");
    c->rows++;
}

static void compare_row(void *arg, const rl_store_row *row) {
    comparison *c = arg;
    end_elements(c);
    if (is_over(c, row->expires_at))
        return;
    c->db = row->db;
    rl_buffer_clear(&c->name);
    rl_buffer_add_bytes(&c->name, row->key);
    if (row->db < 0 || row->db >= rl_keyspace_databases(c->keys)) {
        differs(c, "there is no such database");
        return;
    }
    rl_entry *e = rl_keyspace_find(c->keys, row->db, row->key, rl_hash(row->key), RL_LOOK_PEEK);
    if (e)
        compare_found(c, row, e);
    else if (row->type == RL_TYPE_STRING)
        differs(c, "it is not in memory");
    else
        c->missing = true;
}

static void count_one(void *arg, rl_entry *e) {
    (void)e;
    ++*(uint64_t *)arg;
}

static uint64_t live_keys(rl_keyspace *keys) {
    uint64_t count = 0;
    for (int db = 0; db < rl_keyspace_databases(keys); db++) {
        uint64_t cursor = 0;
        do
            cursor = rl_keyspace_scan(keys, db, cursor, 1024, count_one, &count);
        while (cursor);
    }
    return count;
}

static int compare(rl_server *s, comparison *c) {
    char text[512] = "";
    rl_store_loading loading = {compare_row, compare_element, c};
    if (rl_store_load(rl_server_store(s), &loading, text, sizeof text)) {
        rl_buffer_add_text(c->error, text);
        return -1;
    }
    end_elements(c);
    if (c->differs)
        return -1;
    uint64_t live = live_keys(c->keys);
    if (live == c->rows)
        return 0;
    rl_buffer_printf(c->error, "data.db has %" PRIu64 " live keys, memory has %" PRIu64, c->rows,
                     live);
    return -1;
}

int rl_server_reload(rl_server *s, rl_buffer *error) {
    comparison c = {.keys = rl_server_keyspace(s), .error = error};
    int result = compare(s, &c);
    rl_buffer_release(&c.name);
    return result;
}

bool rl_server_reload_ready(rl_server *s) {
    uint64_t sealed = rl_server_seal(s);
    if (rl_server_progress(s)->folded_seq >= sealed)
        return true;
    rl_store_fold_soon(rl_server_store(s));
    return false;
}
