/* SPDX-License-Identifier: MIT */
/*
 * Collections of keys: whatever is done to them, the rows that the batches make are what memory
 * holds; loading those rows gives the same keyspace again; fields go when their time is over.
 */
#include "keyspace/collection.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "lib/random_keys.h"

enum { DBS = RANDOM_KEYS_DBS, ROWS_MAX = 40000 };

static rl_keyspace *ks;
static rl_batch_builder *batch;
static uint64_t open_seq;
static int64_t now_ms;
static rl_random dice;

/* ---- the tables, as the store would keep them ---- */

typedef struct key_row {
    uint64_t id;
    int db;
    rl_type type;
    int64_t expires_at;
    char key[16];
} key_row;

typedef struct element_row {
    uint64_t id;
    rl_type type;
    int64_t expires_at, position;
    double score;
    char name[16], value[16];
} element_row;

static key_row keys[1000];
static element_row *elements;
static size_t key_count, element_count;

static void text_of(char out[16], rl_bytes bytes) {
    cr_assert_lt(bytes.len, 16);
    snprintf(out, 16, "%.*s", (int)bytes.len, bytes.ptr);
}

static void drop_elements(uint64_t id) {
    size_t kept = 0;
    for (size_t i = 0; i < element_count; i++)
        if (elements[i].id != id)
            elements[kept++] = elements[i];
    element_count = kept;
}

static void drop_key(size_t at) {
    drop_elements(keys[at].id);
    keys[at] = keys[--key_count];
}

static size_t key_at(uint64_t id) {
    size_t i = 0;
    while (i < key_count && keys[i].id != id)
        i++;
    return i;
}

static void drop_element(size_t at) {
    elements[at] = elements[--element_count];
}

/* The row of an element that has a name, made when there is none. */
static element_row *named(uint64_t id, rl_type type, rl_bytes name, bool make) {
    char text[16];
    text_of(text, name);
    for (size_t i = 0; i < element_count; i++)
        if (elements[i].id == id && strcmp(elements[i].name, text) == 0)
            return &elements[i];
    if (!make)
        return NULL;
    cr_assert_lt(element_count, ROWS_MAX);
    cr_assert_eq(keys[key_at(id)].type, type);
    element_row *e = &elements[element_count++];
    *e = (element_row){.id = id, .type = type};
    text_of(e->name, name);
    return e;
}

static void drop_items(uint64_t id, int64_t from, int64_t to) {
    for (size_t i = element_count; i-- > 0;)
        if (elements[i].id == id && elements[i].position >= from && elements[i].position <= to)
            drop_element(i);
}

static void shift_items(const rl_change *c) {
    static element_row moved[ROWS_MAX];
    size_t count = 0;
    for (size_t i = element_count; i-- > 0;) {
        if (elements[i].id != c->id || elements[i].position < c->position ||
            elements[i].position > c->last)
            continue;
        moved[count] = elements[i];
        moved[count++].position += c->delta;
        drop_element(i);
    }
    drop_items(c->id, c->position + c->delta, c->last + c->delta);
    for (size_t i = 0; i < count; i++)
        elements[element_count++] = moved[i];
}

static void apply_list(const rl_change *c) {
    if (c->kind == RL_CHANGE_ITEM) {
        drop_items(c->id, c->position, c->position);
        element_row *e = &elements[element_count++];
        *e = (element_row){.id = c->id, .type = RL_TYPE_LIST, .position = c->position};
        text_of(e->value, c->value);
    } else if (c->kind == RL_CHANGE_BOUNDS) {
        drop_items(c->id, INT64_MIN, c->position - 1);
        drop_items(c->id, c->last + 1, INT64_MAX);
    } else {
        shift_items(c);
    }
}

static void apply_key(const rl_change *c) {
    size_t at = key_at(c->id);
    if (c->kind == RL_CHANGE_KEY) {
        cr_assert_eq(at, key_count, "ids are not used twice");
        keys[key_count] = (key_row){c->id, c->db, c->type, c->expires_at, ""};
        text_of(keys[key_count++].key, c->key);
        return;
    }
    cr_assert_lt(at, key_count, "kind %d of a row that is there", c->kind);
    if (c->kind == RL_CHANGE_DELETE) {
        cr_assert_eq(keys[at].type, c->type);
        drop_key(at);
    } else if (c->kind == RL_CHANGE_EXPIRY || c->kind == RL_CHANGE_VALUE ||
               c->kind == RL_CHANGE_PATCH) { /* values of strings: test_keyspace.c */
        keys[at].expires_at = c->expires_at;
    } else if (c->kind == RL_CHANGE_NAME) {
        keys[at].db = c->db;
        text_of(keys[at].key, c->key);
    }
}

static void apply_element(const rl_change *c) {
    element_row *e;
    cr_assert_lt(key_at(c->id), key_count, "an element of a key that is there");
    switch (c->kind) {
    case RL_CHANGE_FIELD:
        e = named(c->id, RL_TYPE_HASH, c->key, true);
        text_of(e->value, c->value);
        e->expires_at = c->expires_at;
        break;
    case RL_CHANGE_MEMBER:
        named(c->id, RL_TYPE_SET, c->key, true);
        break;
    case RL_CHANGE_SCORE:
        named(c->id, RL_TYPE_ZSET, c->key, true)->score = c->score;
        break;
    case RL_CHANGE_GONE:
        e = named(c->id, c->type, c->key, false);
        cr_assert_not_null(e);
        drop_element((size_t)(e - elements));
        break;
    default:
        apply_list(c);
    }
}

static void apply(const rl_change *c) {
    if (c->kind == RL_CHANGE_CLEAR) {
        for (size_t i = key_count; i-- > 0;)
            if (c->db < 0 || keys[i].db == c->db)
                drop_key(i);
    } else if (c->kind == RL_CHANGE_SWAP) {
        for (size_t i = 0; i < key_count; i++)
            keys[i].db = keys[i].db == c->db         ? c->other_db
                         : keys[i].db == c->other_db ? c->db
                                                     : keys[i].db;
    } else if (c->kind >= RL_CHANGE_FIELD) {
        apply_element(c);
    } else {
        apply_key(c);
    }
}

/* The next turn: the batch goes into the tables. */
static void turn(void) {
    if (rl_batch_builder_bytes(batch)) {
        rl_batch *sealed = rl_batch_seal(batch, open_seq++);
        rl_change c;
        size_t offset = 0;
        int got;
        while ((got = rl_batch_read(rl_batch_bytes(sealed), &offset, &c)) == 1)
            apply(&c);
        cr_assert_eq(got, 0);
        rl_batch_free(sealed);
    }
    rl_keyspace_begin(ks, now_ms, open_seq, 0, true);
}

static void setup(void) {
    batch = rl_batch_builder_create();
    ks = random_keys_create(batch);
    elements = rl_malloc(ROWS_MAX * sizeof *elements);
    key_count = element_count = 0;
    open_seq = 1;
    now_ms = 1000000;
    turn();
}

static void teardown(void) {
    rl_keyspace_free(ks);
    rl_batch_builder_free(batch);
    rl_free(elements);
}

TestSuite(collections, .init = setup, .fini = teardown);

/* ---- comparing ---- */

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Lines in an order that does not depend on where they came from. */
static char *sorted_lines(rl_buffer *text) {
    char *lines[2000];
    size_t count = 0;
    rl_buffer out = {0};
    for (char *line = strtok((char *)(uintptr_t)rl_buffer_cstr(text), "\n"); line;
         line = strtok(NULL, "\n"))
        lines[count++] = line;
    if (count)
        qsort(lines, count, sizeof *lines, by_text);
    for (size_t i = 0; i < count; i++)
        rl_buffer_printf(&out, "%s\n", lines[i]);
    char *result = rl_strndup(rl_buffer_cstr(&out), out.len);
    rl_buffer_release(&out);
    rl_buffer_release(text);
    return result;
}

static void describe_elements(const rl_entry *e, rl_buffer *out) {
    const void *structure = *(void **)rl_entry_place(e);
    unsigned long long id = e->id;
    rl_bytes name;
    double score;
    if (e->type == RL_TYPE_HASH) {
        rl_fields_walk walk = {0};
        rl_field f;
        while (rl_fields_next(structure, &walk, &f))
            rl_buffer_printf(out, "%llu %.*s=%.*s until %lld\n", id, (int)f.name.len, f.name.ptr,
                             (int)f.value.len, f.value.ptr,
                             (long long)(f.expires_at ? f.expires_at : RL_NEVER));
    } else if (e->type == RL_TYPE_SET) {
        rl_members_walk walk = {0};
        while (rl_members_next(structure, &walk, &name))
            rl_buffer_printf(out, "%llu %.*s\n", id, (int)name.len, name.ptr);
    } else if (e->type == RL_TYPE_ZSET) {
        rl_zset_walk walk;
        rl_zset_walk_init(&walk, structure, 0, false);
        while (rl_zset_next(&walk, &name, &score))
            rl_buffer_printf(out, "%llu %.*s %.17g\n", id, (int)name.len, name.ptr, score);
    } else {
        rl_list_walk walk;
        rl_list_walk_init(&walk, structure, 0, false);
        for (long long at = *rl_entry_position(e); rl_list_next(&walk, &name); at++)
            rl_buffer_printf(out, "%llu %lld %.*s\n", id, at, (int)name.len, name.ptr);
    }
}

typedef struct describing {
    rl_buffer *out;
    int db;
} describing;

static void describe_key(void *arg, rl_entry *e) {
    describing *d = arg;
    rl_bytes key = rl_entry_key(e);
    rl_buffer_printf(d->out, "key %llu db %d type %d until %lld %.*s\n", (unsigned long long)e->id,
                     d->db, (int)e->type, (long long)rl_entry_expires_at(e), (int)key.len, key.ptr);
    if (e->type == RL_TYPE_STRING)
        return;
    cr_assert_gt(rl_entry_count(e), 0, "a collection without elements is no key");
    describe_elements(e, d->out);
}

static char *memory_text(rl_keyspace *of) {
    rl_buffer out = {0};
    for (int db = 0; db < DBS; db++) {
        describing d = {&out, db};
        uint64_t cursor = 0;
        do
            cursor = rl_keyspace_scan(of, db, cursor, 100, describe_key, &d);
        while (cursor);
    }
    return sorted_lines(&out);
}

static void element_text(const element_row *e, rl_buffer *out) {
    unsigned long long id = e->id;
    if (e->type == RL_TYPE_HASH)
        rl_buffer_printf(out, "%llu %s=%s until %lld\n", id, e->name, e->value,
                         (long long)e->expires_at);
    else if (e->type == RL_TYPE_SET)
        rl_buffer_printf(out, "%llu %s\n", id, e->name);
    else if (e->type == RL_TYPE_ZSET)
        rl_buffer_printf(out, "%llu %s %.17g\n", id, e->name, e->score);
    else
        rl_buffer_printf(out, "%llu %lld %s\n", id, (long long)e->position, e->value);
}

static char *rows_text(void) {
    rl_buffer out = {0};
    for (size_t i = 0; i < key_count; i++)
        rl_buffer_printf(&out, "key %llu db %d type %d until %lld %s\n",
                         (unsigned long long)keys[i].id, keys[i].db, (int)keys[i].type,
                         (long long)keys[i].expires_at, keys[i].key);
    for (size_t i = 0; i < element_count; i++)
        element_text(&elements[i], &out);
    return sorted_lines(&out);
}

static int by_place(const void *a, const void *b) {
    const element_row *x = a, *y = b;
    if (x->id != y->id)
        return x->id < y->id ? -1 : 1;
    return (x->position > y->position) - (x->position < y->position);
}

/* A keyspace loaded from the rows. */
static rl_keyspace *loaded_keyspace(rl_batch_builder *repairs) {
    rl_keyspace *of = random_keys_create(repairs);
    qsort(elements, element_count, sizeof *elements, by_place);
    rl_keyspace_begin(of, now_ms, 1, 0, false);
    rl_keyspace_load_begin(of, 1000000, 10);
    for (size_t i = 0; i < key_count; i++) {
        const key_row *k = &keys[i];
        rl_keyspace_load(of, k->id, k->db, k->type, k->expires_at, rl_bytes_text(k->key),
                         RL_BYTES(""));
        for (size_t j = 0; j < element_count; j++) {
            const element_row *e = &elements[j];
            rl_bytes name = rl_bytes_text(e->name), value = rl_bytes_text(e->value);
            if (e->id != k->id)
                continue;
            if (e->type == RL_TYPE_HASH)
                rl_keyspace_load_field(of, name, value, e->expires_at);
            else if (e->type == RL_TYPE_SET)
                rl_keyspace_load_member(of, name);
            else if (e->type == RL_TYPE_ZSET)
                rl_keyspace_load_score(of, name, e->score);
            else
                rl_keyspace_load_item(of, e->position, value);
        }
    }
    rl_keyspace_load_end(of);
    return of;
}

static void expect_rows_as_memory(const char *after) {
    turn();
    char *memory = memory_text(ks), *rows = rows_text();
    /* Keys whose time is over are not shown by a scan; take them out first. */
    cr_assert_str_eq(memory, rows, "after %s", after);
    rl_free(rows);
    rl_keyspace *again = loaded_keyspace(NULL);
    rows = memory_text(again);
    cr_assert_str_eq(memory, rows, "loaded after %s", after);
    rl_keyspace_free(again);
    rl_free(rows);
    rl_free(memory);
}

/* ---- random operations ---- */

static void pass_time(void) {
    now_ms += (int64_t)rl_random_below(&dice, 20);
    turn();
    while (rl_keyspace_expire_due(ks, 2) > 0)
        ;
    rl_keyspace_free_step(ks);
}

Test(collections, rows_are_what_memory_is)
{
    for (uint64_t seed = 1; seed <= 30; seed++) {
        rl_random_seed(&dice, seed);
        for (int i = 0; i < 400; i++) {
            const char *what = random_keys_step(ks, &dice, now_ms);
            if (i % 4 == 0) {
                pass_time(); /* so that nothing whose time is over is left */
                expect_rows_as_memory(what);
            }
        }
    }
}

/* ---- single things ---- */

static void open_key(rl_collection *c, const char *key, rl_type type) {
    rl_bytes k = rl_bytes_text(key);
    cr_assert(rl_collection_open(c, ks, 0, k, random_keys_hash(k), type, RL_LOOK_WRITE));
}

Test(collections, another_type_is_refused)
{
    rl_collection c;
    rl_bytes k = RL_BYTES("k");
    open_key(&c, "k", RL_TYPE_SET);
    cr_assert_null(rl_set_of(&c));
    cr_assert(rl_key_set_add(&c, RL_BYTES("m")));
    cr_assert_not(rl_collection_done(&c));
    cr_assert_not(
        rl_collection_open(&c, ks, 0, k, random_keys_hash(k), RL_TYPE_HASH, RL_LOOK_READ));
    cr_assert_null(c.entry);
    cr_assert_not(rl_collection_done(&c));
}

Test(collections, the_last_element_takes_the_key_along)
{
    rl_collection c;
    open_key(&c, "k", RL_TYPE_HASH);
    rl_key_hash_set(&c, RL_BYTES("f"), RL_BYTES("v"), 0);
    rl_collection_done(&c);
    cr_assert_eq(rl_keyspace_size(ks, 0), 1);
    open_key(&c, "k", RL_TYPE_HASH);
    cr_assert(rl_key_hash_remove(&c, RL_BYTES("f")));
    cr_assert(rl_collection_done(&c));
    cr_assert_eq(rl_keyspace_size(ks, 0), 0);
    expect_rows_as_memory("removal");
    cr_assert_eq(key_count, 0);
}

Test(collections, a_list_emptied_and_filled_again_begins_anew)
{
    rl_collection c;
    open_key(&c, "k", RL_TYPE_LIST);
    rl_key_list_push(&c, RL_LIST_RIGHT, RL_BYTES("a"));
    rl_collection_done(&c);
    rl_keyspace_expire(ks, 0, c.entry, c.hash, now_ms + 1000);
    turn();
    open_key(&c, "k", RL_TYPE_LIST);
    rl_key_list_remove(&c, 0, 1);
    rl_key_list_push(&c, RL_LIST_LEFT, RL_BYTES("a"));
    cr_assert_not(rl_collection_done(&c));
    expect_rows_as_memory("a rotation");
    cr_assert_eq(key_count, 1);
    cr_assert_eq(element_count, 1);
}

Test(collections, due_fields_are_gone_for_who_looks_and_by_themselves)
{
    rl_collection c;
    int64_t at_ms;
    open_key(&c, "k", RL_TYPE_HASH);
    rl_key_hash_set(&c, RL_BYTES("stays"), RL_BYTES("v"), 0);
    rl_key_hash_set(&c, RL_BYTES("a"), RL_BYTES("v"), now_ms + 10);
    rl_key_hash_set(&c, RL_BYTES("b"), RL_BYTES("v"), now_ms + 20);
    rl_collection_done(&c);
    cr_assert(rl_keyspace_next_expiry(ks, &at_ms));
    cr_assert_eq(at_ms, now_ms + 10);
    now_ms += 15;
    turn();
    open_key(&c, "k", RL_TYPE_HASH);
    cr_assert_eq(rl_collection_count(&c), 2);
    now_ms += 10;
    turn();
    cr_assert(rl_keyspace_expire_due(ks, 100));
    expect_rows_as_memory("expiry");
    cr_assert_eq(element_count, 1);
    cr_assert_not(rl_keyspace_next_expiry(ks, &at_ms));
    rl_keyspace_stats stats;
    rl_keyspace_stats_read(ks, &stats);
    cr_assert_eq(stats.expired_fields, 2);
}

/* A hash of `due` fields that expire in 10 ms, and others that stay. */
static void make_due(int due, int others) {
    rl_collection c;
    char name[16];
    open_key(&c, "k", RL_TYPE_HASH);
    for (int i = 0; i < due + others; i++) {
        snprintf(name, sizeof name, "f%d", i);
        rl_key_hash_set(&c, rl_bytes_text(name), RL_BYTES("v"), i < due ? now_ms + 10 : 0);
    }
    rl_collection_done(&c);
    now_ms += 10;
    turn();
}

static uint64_t expired_fields(void) {
    rl_keyspace_stats stats;
    rl_keyspace_stats_read(ks, &stats);
    return stats.expired_fields;
}

Test(collections, many_due_fields_are_hidden_and_go_in_steps)
{
    rl_collection c;
    int64_t at_ms;
    make_due(3000, 1000);
    open_key(&c, "k", RL_TYPE_HASH);
    cr_assert_eq(rl_collection_count(&c), 1000);
    cr_assert_leq(expired_fields(), 300, "not all at once");
    cr_assert(rl_key_hash_set(&c, RL_BYTES("f2999"), RL_BYTES("again"), RL_FIELD_KEEP));
    cr_assert_not(rl_key_hash_remove(&c, RL_BYTES("f2998")));
    rl_collection_done(&c);
    int steps = 0;
    while (rl_keyspace_next_expiry(ks, &at_ms) && at_ms <= now_ms) {
        cr_assert_leq(rl_keyspace_expire_due(ks, 100), 100);
        turn();
        open_key(&c, "k", RL_TYPE_HASH);
        cr_assert_eq(rl_collection_count(&c), 1001);
        steps++;
    }
    cr_assert_gt(steps, 5);
    cr_assert_eq(expired_fields(), 2999);
    expect_rows_as_memory("steps");
    cr_assert_eq(element_count, 1001);
}

Test(collections, a_hash_whose_fields_are_all_due_goes_as_a_whole)
{
    rl_collection c;
    rl_keyspace_stats stats;
    make_due(3000, 0);
    size_t before = rl_batch_builder_bytes(batch);
    open_key(&c, "k", RL_TYPE_HASH);
    cr_assert_null(rl_hash_of(&c));
    cr_assert_eq(expired_fields(), 3000);
    cr_assert_lt(rl_batch_builder_bytes(batch) - before, 20, "one row says it");
    rl_keyspace_stats_read(ks, &stats);
    cr_assert_eq(stats.lazy_tables, 1, "it is freed in steps");
    expect_rows_as_memory("all at once");
    cr_assert_eq(key_count, 0);
}

Test(collections, hidden_fields_are_taken_out_when_few_others_are_left)
{
    rl_collection c;
    make_due(3000, 2);
    open_key(&c, "k", RL_TYPE_HASH);
    cr_assert_leq(expired_fields(), 300);
    rl_key_hash_settle(&c);
    cr_assert_eq(expired_fields(), 3000);
    cr_assert_eq(rl_collection_count(&c), 2);
    expect_rows_as_memory("few left");
}

Test(collections, a_hash_with_hidden_fields_is_freed_in_steps)
{
    rl_collection c;
    rl_keyspace_stats stats;
    make_due(3000, 2);
    open_key(&c, "k", RL_TYPE_HASH);
    rl_keyspace_delete(ks, 0, RL_BYTES("k"), random_keys_hash(RL_BYTES("k")));
    rl_keyspace_stats_read(ks, &stats);
    cr_assert_eq(stats.lazy_tables, 1);
    expect_rows_as_memory("deleted");
}

Test(collections, a_hash_goes_with_its_last_field)
{
    rl_collection c;
    open_key(&c, "k", RL_TYPE_HASH);
    rl_key_hash_set(&c, RL_BYTES("a"), RL_BYTES("v"), now_ms + 10);
    rl_collection_done(&c);
    now_ms += 10;
    turn();
    open_key(&c, "k", RL_TYPE_HASH);
    cr_assert_null(rl_hash_of(&c));
    expect_rows_as_memory("expiry of all");
    cr_assert_eq(key_count, 0);
}

Test(collections, expiries_that_move_do_not_pile_up)
{
    rl_collection c;
    for (int i = 0; i < 100000; i++) { /* each sooner than the one before */
        open_key(&c, "k", RL_TYPE_HASH);
        rl_key_hash_set(&c, RL_BYTES("a"), RL_BYTES("v"), now_ms + 1000000 - i);
        rl_collection_done(&c);
    }
    rl_db_stats stats;
    rl_keyspace_db_stats(ks, 0, &stats);
    cr_assert_lt(stats.expiry_memory, 100000);
}

Test(collections, a_large_one_is_freed_in_steps)
{
    rl_collection c;
    char member[16];
    open_key(&c, "k", RL_TYPE_SET);
    for (int i = 0; i < 100000; i++) {
        snprintf(member, sizeof member, "member-%d", i);
        rl_key_set_add(&c, rl_bytes_text(member));
    }
    rl_collection_done(&c);
    rl_keyspace_delete(ks, 0, RL_BYTES("k"), random_keys_hash(RL_BYTES("k")));
    rl_keyspace_stats stats;
    rl_keyspace_stats_read(ks, &stats);
    cr_assert_eq(stats.lazy_tables, 1);
    int steps = 0;
    while (rl_keyspace_free_step(ks))
        steps++;
    cr_assert_gt(steps, 100);
    rl_keyspace_stats_read(ks, &stats);
    cr_assert_eq(stats.lazy_tables, 0);
}

Test(collections, what_another_program_left_is_put_right)
{
    rl_batch_builder *repairs = rl_batch_builder_create();
    keys[0] = (key_row){1, 0, RL_TYPE_LIST, RL_NEVER, "gaps"};
    keys[1] = (key_row){2, 0, RL_TYPE_SET, RL_NEVER, "empty"};
    key_count = 2;
    elements[0] = (element_row){.id = 1, .type = RL_TYPE_LIST, .position = -3, .value = "a"};
    elements[1] = (element_row){.id = 1, .type = RL_TYPE_LIST, .position = 7, .value = "b"};
    element_count = 2;
    rl_keyspace *of = loaded_keyspace(repairs);
    cr_assert_eq(rl_keyspace_size(of, 0), 1);
    rl_batch *sealed = rl_batch_seal(repairs, 1);
    rl_change change;
    size_t offset = 0;
    while (rl_batch_read(rl_batch_bytes(sealed), &offset, &change) == 1)
        apply(&change);
    char *memory = memory_text(of), *rows = rows_text();
    cr_assert_str_eq(memory, rows);
    rl_free(memory);
    rl_free(rows);
    rl_batch_free(sealed);
    rl_keyspace_free(of);
    rl_batch_builder_free(repairs);
}

/* A key, or an element of the one before; strange: another program's name. */
typedef struct loaded_row {
    uint64_t id; /* 0: an element */
    rl_type type;
    bool strange;
    const char *name, *value;
    double score;
    int64_t expires_at;
} loaded_row;

static void load_rows(rl_keyspace *to, const loaded_row *rows, size_t count) {
    rl_type type = RL_TYPE_STRING;
    rl_keyspace_load_begin(to, 1000, 10);
    for (size_t i = 0; i < count; i++) {
        const loaded_row *r = &rows[i];
        rl_bytes name = rl_bytes_text(r->name), value = rl_bytes_text(r->value ? r->value : "");
        int64_t expires_at = r->expires_at ? r->expires_at : RL_NEVER;
        type = r->id ? r->type : type;
        if (r->strange)
            rl_keyspace_load_strange(to);
        if (r->id)
            rl_keyspace_load(to, r->id, 0, type, expires_at, name, value);
        else if (type == RL_TYPE_HASH)
            rl_keyspace_load_field(to, name, value, expires_at);
        else if (type == RL_TYPE_SET)
            rl_keyspace_load_member(to, name);
        else
            rl_keyspace_load_score(to, name, r->score);
    }
    rl_keyspace_load_end(to);
    rl_keyspace_begin(to, now_ms, 1, 0, false);
}

static rl_entry *found(rl_keyspace *in, const char *key) {
    rl_bytes k = rl_bytes_text(key);
    return rl_keyspace_find(in, 0, k, random_keys_hash(k), RL_LOOK_PEEK);
}

static void expect_change(rl_batch *sealed, size_t *offset, rl_change_kind kind, uint64_t id) {
    rl_change change;
    cr_assert_eq(rl_batch_read(rl_batch_bytes(sealed), offset, &change), 1);
    cr_assert_eq(change.kind, kind, "%d", (int)change.kind);
    cr_assert_eq(change.id, id);
}

Test(collections, of_two_rows_of_a_key_the_first_stays)
{
    static const loaded_row rows[] = {
        {1, RL_TYPE_STRING, false, "a", "first", 0, 0},
        {2, RL_TYPE_STRING, false, "b", "first", 0, 50000000},
        {3, RL_TYPE_STRING, false, "b", "a twin without an end", 0, 0},
        {4, RL_TYPE_HASH, true, "a", NULL, 0, 70000000},
        {0, 0, false, "field", "value", 0, 60000000},
        {5, RL_TYPE_STRING, true, "c", "strange, and alone", 0, 0},
    };
    rl_batch_builder *repairs = rl_batch_builder_create();
    rl_keyspace *of = random_keys_create(repairs);
    load_rows(of, rows, sizeof rows / sizeof *rows);
    cr_assert_eq(rl_keyspace_size(of, 0), 3);
    cr_assert(rl_bytes_equal(rl_entry_value(found(of, "a")), RL_BYTES("first")));
    cr_assert(rl_bytes_equal(rl_entry_value(found(of, "b")), RL_BYTES("first")));
    cr_assert_eq(found(of, "c")->id, 5);
    rl_db_stats stats;
    rl_keyspace_db_stats(of, 0, &stats);
    cr_assert_eq(stats.expires, 1);
    rl_batch *sealed = rl_batch_seal(repairs, 1);
    size_t offset = 0;
    expect_change(sealed, &offset, RL_CHANGE_DELETE, 3);
    expect_change(sealed, &offset, RL_CHANGE_DELETE, 4);
    expect_change(sealed, &offset, RL_CHANGE_NAME, 5);
    cr_assert_eq(offset, rl_batch_bytes(sealed).len);
    rl_keyspace_begin(of, 100000000, 1, 0,
                      false); /* b is over, and no twin comes up in its place */
    while (rl_keyspace_expire_due(of, 10) > 0)
        continue;
    cr_assert_eq(rl_keyspace_size(of, 0), 2);
    cr_assert_null(found(of, "b"));
    rl_batch_free(sealed);
    rl_keyspace_free(of);
    rl_batch_builder_free(repairs);
}

static double score_of(rl_keyspace *in, const char *key, const char *member) {
    double score = -1;
    rl_zset_score(*(rl_zset **)rl_entry_place(found(in, key)), rl_bytes_text(member), &score);
    return score;
}

/* SQLite hands a text out before a blob, so ours comes before or behind. */
Test(collections, strange_elements_give_way_to_ours)
{
    static const loaded_row rows[] = {
        {1, RL_TYPE_HASH, false, "h", NULL, 0, 0},
        {0, 0, false, "f", "ours", 0, 0},
        {0, 0, true, "\xff", "strange", 0, 0},
        {0, 0, true, "f", "strange", 0, 0},
        {0, 0, true, "g", "alone", 0, 0},
        {0, 0, false, "\xff", "ours", 0, 0},
        {2, RL_TYPE_SET, false, "s", NULL, 0, 0},
        {0, 0, false, "m", NULL, 0, 0},
        {0, 0, true, "m", NULL, 0, 0},
        {3, RL_TYPE_ZSET, true, "z", NULL, 0, 0},
        {0, 0, false, "m", NULL, 1, 0},
        {0, 0, true, "\xff", NULL, 9, 0},
        {0, 0, true, "m", NULL, 8, 0},
        {0, 0, false, "\xff", NULL, 2, 0},
        {4, RL_TYPE_SET, false, "whole", NULL, 0, 0},
        {0, 0, false, "m", NULL, 0, 0},
    };
    rl_batch_builder *repairs = rl_batch_builder_create();
    rl_keyspace *of = random_keys_create(repairs);
    load_rows(of, rows, sizeof rows / sizeof *rows);
    cr_assert_eq(score_of(of, "z", "m"), 1);
    cr_assert_eq(score_of(of, "z", "\xff"), 2);
    cr_assert_eq(found(of, "whole")->id, 4);
    /* The rows as they were: those that are strange cannot be named. */
    const char *names[] = {"h", "s", "z", "whole"};
    for (size_t i = 0; i < 4; i++) {
        keys[i] = (key_row){i + 1, 0, found(of, names[i])->type, RL_NEVER, ""};
        snprintf(keys[i].key, sizeof keys[i].key, "%s", names[i]);
    }
    key_count = 4;
    elements[0] = (element_row){.id = 4, .type = RL_TYPE_SET, .name = "m"};
    elements[1] = (element_row){.id = 1, .type = RL_TYPE_HASH, .name = "f", .value = "ours"};
    element_count = 2;
    rl_batch *sealed = rl_batch_seal(repairs, 1);
    rl_change change;
    size_t offset = 0;
    while (rl_batch_read(rl_batch_bytes(sealed), &offset, &change) == 1)
        apply(&change);
    char *memory = memory_text(of), *rows_now = rows_text();
    cr_assert_str_eq(memory, rows_now);
    cr_assert_not_null(strstr(memory, "alone"));
    cr_assert_null(strstr(memory, "strange"));
    rl_free(memory);
    rl_free(rows_now);
    rl_batch_free(sealed);
    rl_keyspace_free(of);
    rl_batch_builder_free(repairs);
}
