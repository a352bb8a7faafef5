/* SPDX-License-Identifier: MIT */
/*
 * The fold of collections: the tables of elements are what the changes, applied one by one, make of
 * them. The random test keeps a naive model beside it.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/random.h"
#include "lib/store_files.h"
#include "store/fold.h"
#include "store/store.h"

static char *dir;
static char path[1024];
static sqlite3 *db;
static rl_schema_meta meta;
static rl_fold *fold;
static rl_batch_builder *builder;
static rl_batch *first, *last; /* sealed and not folded */
static uint64_t seq;

static void setup(void) {
    char error[512];
    dir = store_files_make();
    snprintf(path, sizeof path, "%s/data.db", dir);
    builder = rl_batch_builder_create();
    first = last = NULL;
    seq = 0;
    cr_assert_eq(rl_schema_open(path, &db, &meta, error, sizeof error), RL_STORE_OK, "%s", error);
    cr_assert_eq(rl_fold_create(db, &meta, &fold), SQLITE_OK);
}

static void free_batches(void) {
    while (first) {
        rl_batch *next = rl_batch_next_load(first);
        rl_batch_free(first);
        first = next;
    }
    last = NULL;
}

static void teardown(void) {
    free_batches();
    rl_fold_free(fold);
    cr_assert_eq(sqlite3_close(db), SQLITE_OK);
    rl_batch_builder_free(builder);
    store_files_remove(dir);
}

TestSuite(fold_elements, .init = setup, .fini = teardown, .timeout = 120);

static void seal(void) {
    rl_batch *batch = rl_batch_seal(builder, ++seq);
    if (last)
        rl_batch_next_store(last, batch);
    else
        first = batch;
    last = batch;
}

static rl_fold_result folded;

static void fold_all(void) {
    if (rl_batch_builder_bytes(builder))
        seal();
    int rc = rl_fold_run(fold, first, UINT64_MAX, &folded);
    cr_assert_eq(rc, SQLITE_OK, "%s", sqlite3_errmsg(db));
    cr_assert_eq(folded.last, last);
    free_batches();
}

static void make_key(uint64_t id, rl_type type) {
    char name[32];
    int len = snprintf(name, sizeof name, "key:%d", (int)id);
    rl_batch_key(builder, id, 0, type, RL_NEVER, rl_bytes_of(name, (size_t)len), RL_BYTES(""));
}

static void push(uint64_t id, int64_t from, const char *letters) {
    for (int64_t i = 0; letters[i]; i++)
        rl_batch_item(builder, id, from + i, rl_bytes_of(letters + i, 1));
}

/* The items of a list as "first:abc"; "-" for a gap. */
static const char *items(uint64_t id) {
    return store_sql_text(db,
                          "SELECT ifnull(min(pos) || ':' || group_concat(value, ''), '') FROM"
                          " (SELECT pos, value FROM rl_list WHERE key_id = %d ORDER BY pos)",
                          (int)id);
}

static int64_t gaps(uint64_t id) {
    return store_sql_int(
        db, "SELECT ifnull(max(pos) - min(pos) + 1 - count(*), 0) FROM rl_list WHERE key_id = %d",
        (int)id);
}

/* --- fields, members, scores ------------------------------------------------------------------ */

Test(fold_elements, the_newest_state_of_an_element_is_written_once)
{
    make_key(1, RL_TYPE_HASH);
    rl_batch_field(builder, 1, RL_NEVER, RL_BYTES("a"), RL_BYTES("1"));
    rl_batch_field(builder, 1, 5000, RL_BYTES("a"), RL_BYTES("2"));
    rl_batch_field(builder, 1, RL_NEVER, RL_BYTES("gone"), RL_BYTES("x"));
    seal();
    rl_batch_gone(builder, 1, RL_TYPE_HASH, RL_BYTES("gone"));
    rl_batch_field(builder, 1, 7000, RL_BYTES("\xff"), RL_BYTES("\0\1"));
    make_key(2, RL_TYPE_ZSET);
    rl_batch_score(builder, 2, 1.5, RL_BYTES("m"));
    rl_batch_score(builder, 2, -INFINITY, RL_BYTES("m"));
    make_key(3, RL_TYPE_SET);
    rl_batch_member(builder, 3, RL_BYTES(""));
    fold_all();
    cr_assert_eq(folded.rows, 3 + 4, "%d", (int)folded.rows);
    cr_assert_str_eq(store_sql_text(db, "SELECT group_concat(key_id || typeof(field) || hex(field)"
                                        " || typeof(value) || hex(value) || expires_at, ' ')"
                                        " FROM rl_hash"),
                     "1text61text325000 1blobFFblob00017000");
    cr_assert_eq(store_sql_int(db, "SELECT score = -9e999 AND typeof(score) = 'real' FROM rl_zset"),
                 1);
    cr_assert_str_eq(store_sql_text(db, "SELECT typeof(member) || length(member) FROM rl_set"),
                     "text0");
    /* and by way of UPDATE and DELETE */
    rl_batch_field(builder, 1, RL_NEVER, RL_BYTES("a"), RL_BYTES("\xfe"));
    rl_batch_gone(builder, 1, RL_TYPE_HASH, RL_BYTES("\xff"));
    rl_batch_gone(builder, 1, RL_TYPE_HASH, RL_BYTES("never there"));
    rl_batch_score(builder, 2, 0.1, RL_BYTES("m"));
    rl_batch_member(builder, 3, RL_BYTES(""));
    rl_batch_gone(builder, 3, RL_TYPE_SET, RL_BYTES(""));
    fold_all();
    cr_assert_str_eq(store_sql_text(db, "SELECT group_concat(hex(field) || typeof(value) ||"
                                        " typeof(expires_at)) FROM rl_hash"),
                     "61blobnull");
    cr_assert_eq(store_sql_int(db, "SELECT score = 0.1 FROM rl_zset"), 1);
    cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM rl_set"), 0);
}

Test(fold_elements, a_key_that_came_and_went_leaves_nothing)
{
    make_key(1, RL_TYPE_HASH);
    rl_batch_field(builder, 1, RL_NEVER, RL_BYTES("f"), RL_BYTES("v"));
    make_key(2, RL_TYPE_LIST);
    push(2, 0, "abc");
    rl_batch_delete(builder, 1, RL_TYPE_HASH);
    rl_batch_delete(builder, 2, RL_TYPE_LIST);
    fold_all();
    cr_assert_eq(folded.rows, 0);
    cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM rl_dead"), 0);
    cr_assert_eq(meta.dead, 0);
    cr_assert_eq(meta.next_id, 3);
}

Test(fold_elements, a_deleted_collection_is_noted_and_its_rows_are_left)
{
    for (uint64_t id = 1; id <= 3; id++) {
        make_key(id, RL_TYPE_SET);
        for (int i = 0; i < 100; i++) {
            char name[16];
            int len = snprintf(name, sizeof name, "m%d", i);
            rl_batch_member(builder, id, rl_bytes_of(name, (size_t)len));
        }
    }
    fold_all();
    rl_batch_member(builder, 2, RL_BYTES("late"));
    rl_batch_gone(builder, 2, RL_TYPE_SET, RL_BYTES("m1"));
    rl_batch_delete(builder, 2, RL_TYPE_SET);
    fold_all();
    cr_assert_eq(folded.rows, 2, "the key, and its note");
    cr_assert_str_eq(store_sql_text(db, "SELECT group_concat(key_id || '/' || type) FROM rl_dead"),
                     "2/3");
    cr_assert_eq(meta.dead, 1);
    cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM rl_set WHERE key_id = 2"), 100);
    cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM sets"), 200, "nobody sees them");
}

Test(fold_elements, an_id_that_is_dead_is_not_given_again)
{
    make_key(41, RL_TYPE_SET);
    rl_batch_member(builder, 41, RL_BYTES("m"));
    fold_all();
    rl_batch_delete(builder, 41, RL_TYPE_SET);
    fold_all();
    store_sql_run(db, "UPDATE rl_meta SET value = 1 WHERE name = 'next_id'");
    rl_schema_meta again;
    char error[512];
    cr_assert_eq(rl_schema_inspect(db, path, &again, error, sizeof error), RL_STORE_OK);
    cr_assert_eq(again.next_id, 42);
    cr_assert_eq(again.dead, 1);
}

Test(fold_elements, clearing_one_database_notes_its_collections)
{
    make_key(1, RL_TYPE_SET);
    rl_batch_member(builder, 1, RL_BYTES("a"));
    rl_batch_key(builder, 2, 5, RL_TYPE_HASH, RL_NEVER, RL_BYTES("h"), RL_BYTES(""));
    rl_batch_field(builder, 2, RL_NEVER, RL_BYTES("f"), RL_BYTES("v"));
    rl_batch_key(builder, 3, 5, RL_TYPE_STRING, RL_NEVER, RL_BYTES("s"), RL_BYTES("v"));
    fold_all();
    rl_batch_name(builder, 1, 5, RL_BYTES("moved"));
    rl_batch_clear(builder, 5);
    rl_batch_key(builder, 4, 5, RL_TYPE_SET, RL_NEVER, RL_BYTES("new"), RL_BYTES(""));
    rl_batch_member(builder, 4, RL_BYTES("x"));
    rl_batch_key(builder, 5, 0, RL_TYPE_SET, RL_NEVER, RL_BYTES("new"), RL_BYTES(""));
    rl_batch_member(builder, 5, RL_BYTES("y"));
    fold_all();
    cr_assert_str_eq(store_sql_text(db, "SELECT group_concat(key_id || '/' || type) FROM rl_dead"),
                     "1/3,2/5");
    cr_assert_eq(meta.dead, 2);
    cr_assert_str_eq(store_sql_text(db, "SELECT group_concat(database || key || member) FROM"
                                        " (SELECT * FROM sets ORDER BY database)"),
                     "0newy,5newx");
}

Test(fold_elements, clearing_everything_empties_all_tables)
{
    for (uint64_t id = 1; id <= 5; id++)
        make_key(id, (rl_type)id);
    rl_batch_member(builder, 3, RL_BYTES("a"));
    rl_batch_score(builder, 4, 1, RL_BYTES("a"));
    rl_batch_field(builder, 5, RL_NEVER, RL_BYTES("a"), RL_BYTES("a"));
    push(2, 0, "a");
    fold_all();
    rl_batch_delete(builder, 5, RL_TYPE_HASH);
    fold_all();
    cr_assert_eq(meta.dead, 1);
    rl_batch_member(builder, 3, RL_BYTES("b"));
    rl_batch_clear(builder, -1);
    make_key(6, RL_TYPE_SET);
    rl_batch_member(builder, 6, RL_BYTES("after"));
    fold_all();
    cr_assert_eq(meta.dead, 0);
    cr_assert_str_eq(
        store_sql_text(db, "SELECT (SELECT count(*) FROM rl_hash) || (SELECT count(*) FROM rl_list)"
                           " || (SELECT count(*) FROM rl_zset) || (SELECT count(*) FROM rl_dead)"
                           " || (SELECT group_concat(key_id || member) FROM rl_set)"),
        "00006after");
}

Test(fold_elements, an_index_that_would_stop_a_fold_goes_and_others_stay)
{
    make_key(1, RL_TYPE_HASH);
    rl_batch_field(builder, 1, RL_NEVER, RL_BYTES("doc"), RL_BYTES("{\"a\":1}"));
    fold_all();
    store_sql_run(db, "CREATE INDEX bad ON rl_hash(value ->> '$.a');"
                      "CREATE INDEX good ON rl_hash(value) WHERE field = 'email';"
                      "CREATE INDEX bad_too ON rl_list(json_extract(value, '$.a'));"
                      "CREATE INDEX fine ON rl_set(lower(member))");
    make_key(2, RL_TYPE_LIST);
    push(2, 0, "{");
    rl_batch_field(builder, 1, RL_NEVER, RL_BYTES("doc"), RL_BYTES("{"));
    rl_batch_field(builder, 1, RL_NEVER, RL_BYTES("email"), RL_BYTES("a@x"));
    make_key(3, RL_TYPE_SET);
    rl_batch_member(builder, 3, RL_BYTES("M"));
    fold_all();
    cr_assert_eq(rl_fold_indexes_dropped(fold), 2);
    cr_assert_str_eq(store_sql_text(db, "SELECT group_concat(name) FROM (SELECT name FROM"
                                        " sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
                                        " AND name NOT LIKE 'rl%%' ORDER BY name)"),
                     "fine,good");
    cr_assert_eq(store_sql_int(db, "SELECT key_id FROM rl_hash INDEXED BY good WHERE"
                                   " field = 'email' AND value = 'a@x'"),
                 1);
    cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM rl_hash"), 2);
    cr_assert_str_eq(items(2), "0:{");
}

Test(fold_elements, rows_of_another_program_are_written_over)
{
    store_sql_run(db,
                  "INSERT INTO rl_hash VALUES(1, 'f', 'theirs', 5);"
                  "INSERT INTO rl_set VALUES(2, 'm');"
                  "INSERT INTO rl_zset VALUES(3, 'm', 9); INSERT INTO rl_list VALUES(4, 0, 'x')");
    make_key(1, RL_TYPE_HASH);
    rl_batch_field(builder, 1, RL_NEVER, RL_BYTES("f"), RL_BYTES("ours"));
    make_key(2, RL_TYPE_SET);
    rl_batch_member(builder, 2, RL_BYTES("m"));
    make_key(3, RL_TYPE_ZSET);
    rl_batch_score(builder, 3, 1, RL_BYTES("m"));
    make_key(4, RL_TYPE_LIST);
    push(4, 0, "y");
    fold_all();
    cr_assert_str_eq(store_sql_text(db, "SELECT value || typeof(expires_at) FROM rl_hash"),
                     "oursnull");
    cr_assert_eq(store_sql_int(db, "SELECT score FROM rl_zset"), 1);
    cr_assert_str_eq(items(4), "0:y");
    /* A list in which a row is missing is moved all the same. */
    push(4, 1, "abcdefgh");
    fold_all();
    store_sql_run(db, "DELETE FROM rl_list WHERE pos IN (2, 5)");
    rl_batch_shift(builder, 4, 1, 8, 3);
    fold_all();
    cr_assert_str_eq(store_sql_text(db, "SELECT group_concat(pos || value, ' ') FROM rl_list"),
                     "0y 4a 6c 7d 9f 10g 11h");
    rl_batch_shift(builder, 4, 4, 11, -4);
    fold_all();
    cr_assert_str_eq(store_sql_text(db, "SELECT group_concat(pos || value, ' ') FROM rl_list"),
                     "0a 2c 3d 5f 6g 7h");
}

/* --- lists ------------------------------------------------------------------------------------ */

Test(fold_elements, a_list_is_pushed_and_popped_at_both_ends)
{
    make_key(1, RL_TYPE_LIST);
    push(1, 0, "abc");
    push(1, -2, "xy");
    fold_all();
    cr_assert_str_eq(items(1), "-2:xyabc");
    push(1, 3, "d");
    rl_batch_bounds(builder, 1, -1, 3);
    rl_batch_bounds(builder, 1, 0, 3);
    fold_all();
    cr_assert_str_eq(items(1), "0:abcd");
    rl_batch_item(builder, 1, 2, RL_BYTES("C"));
    fold_all();
    cr_assert_str_eq(items(1), "0:abCd");
    cr_assert_eq(folded.rows, 1, "%d", (int)folded.rows);
    cr_assert_str_eq(store_sql_text(db, "SELECT group_concat(idx || value) FROM lists"),
                     "0a,1b,2C,3d");
}

Test(fold_elements, a_list_is_edited_in_the_middle)
{
    make_key(1, RL_TYPE_LIST);
    push(1, 0, "abcdef");
    fold_all();
    rl_batch_shift(builder, 1, 3, 5, 1); /* insert before d, to the right */
    push(1, 3, "X");
    rl_batch_shift(builder, 1, 0, 0, -1); /* insert before b, to the left */
    push(1, 0, "Y");
    fold_all();
    cr_assert_str_eq(items(1), "-1:aYbcXdef");
    rl_batch_shift(builder, 1, 4, 6, -2); /* remove c and X */
    rl_batch_bounds(builder, 1, -1, 4);
    fold_all();
    cr_assert_str_eq(items(1), "-1:aYbdef");
    cr_assert_eq(gaps(1), 0);
}

Test(fold_elements, parts_of_a_list_change_places)
{
    make_key(1, RL_TYPE_LIST);
    push(1, 0, "abcdef");
    fold_all();
    rl_batch_shift(builder, 1, 0, 2, 10); /* out of the way, and back on the other side */
    rl_batch_shift(builder, 1, 3, 5, -3);
    rl_batch_shift(builder, 1, 10, 12, -7);
    fold_all();
    cr_assert_str_eq(items(1), "0:defabc");
}

Test(fold_elements, a_long_list_is_moved_once_however_many_shifts)
{
    make_key(1, RL_TYPE_LIST);
    char letter[8];
    for (int i = 0; i < 20000; i++) {
        int len = snprintf(letter, sizeof letter, "%d", i);
        rl_batch_item(builder, 1, i, rl_bytes_of(letter, (size_t)len));
    }
    fold_all();
    int64_t end = 19999;
    for (int i = 0; i < 500; i++) { /* insert at index 10,000 */
        rl_batch_shift(builder, 1, 10000, end++, 1);
        rl_batch_item(builder, 1, 10000, RL_BYTES("new"));
    }
    fold_all();
    cr_assert_lt(folded.rows, 10000 + 500 + 200, "%d", (int)folded.rows);
    cr_assert_eq(gaps(1), 0);
    cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM rl_list"), 20500);
    cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM rl_list WHERE"
                                   " value = CASE WHEN pos < 10000 THEN '' || pos WHEN pos < 10500"
                                   " THEN 'new' ELSE '' || (pos - 500) END"),
                 20500);
    /* Remove 300 single ones, the part before them moves. */
    for (int i = 0; i < 300; i++)
        rl_batch_shift(builder, 1, i, 100 + 2 * i - i, 1); /* arbitrary, as far as it goes */
    rl_batch_bounds(builder, 1, 300, end);
    fold_all();
    cr_assert_eq(gaps(1), 0);
    cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM rl_list"), end - 300 + 1);
}

/* --- against the model ------------------------------------------------------------------------ */

#define IDS      2000
#define NAMES    24
#define LIST_MAX 400

typedef struct model_key {
    bool alive;
    int db;
    rl_type type;
    bool has[NAMES];
    int value[NAMES]; /* number of the value's bytes */
    int64_t when[NAMES];
    double score[NAMES];
    int items[LIST_MAX];
    int64_t from; /* the position of the first item */
    int count;
} model_key;

static model_key model[IDS];
static uint64_t next_id;
static rl_random dice;

static uint64_t below(uint64_t limit) {
    return rl_random_below(&dice, limit);
}

/* Values and names by number: text, bytes that are none, long ones. */
static rl_bytes bytes_of(int number) {
    static char texts[5000][24];
    static char filler[9000];
    char *text = texts[number % 5000];
    int len = snprintf(text, sizeof texts[0], "%d", number);
    if (number % 7 == 3)
        text[0] = (char)0xff;
    if (number % 97 == 11) { /* overflow pages; the number decides the length */
        memset(filler, 'f', sizeof filler);
        return rl_bytes_of(filler, 5000 + (size_t)number % 4000);
    }
    if (number % 11 == 5)
        text[len++] = 0;
    return number == 0 ? RL_BYTES("") : rl_bytes_of(text, (size_t)len);
}

static uint64_t any_key(rl_type type) {
    uint64_t found[IDS], count = 0;
    for (uint64_t id = 1; id < next_id; id++) {
        if (model[id].alive && (type == 0 || model[id].type == type))
            found[count++] = id;
    }
    return count ? found[below(count)] : 0;
}

static void make(void) {
    static const rl_type types[] = {RL_TYPE_HASH, RL_TYPE_SET, RL_TYPE_ZSET, RL_TYPE_LIST};
    if (next_id == IDS)
        return;
    model_key *k = &model[next_id];
    *k = (model_key){.alive = true, .db = (int)below(3), .type = types[below(4)]};
    char name[32];
    int len = snprintf(name, sizeof name, "key:%d", (int)next_id);
    rl_batch_key(builder, next_id++, k->db, k->type, RL_NEVER, rl_bytes_of(name, (size_t)len),
                 RL_BYTES(""));
}

static void drop(void) {
    uint64_t id = any_key(0);
    if (id == 0)
        return;
    rl_batch_delete(builder, id, model[id].type);
    model[id].alive = false;
}

static void change_name(void) {
    uint64_t id = any_key(0);
    if (id == 0 || model[id].type == RL_TYPE_LIST)
        return;
    model_key *k = &model[id];
    int n = (int)below(NAMES);
    rl_bytes name = bytes_of(n);
    if (below(3) == 0) {
        rl_batch_gone(builder, id, k->type, name);
        k->has[n] = false;
        return;
    }
    k->has[n] = true;
    if (k->type == RL_TYPE_SET) {
        rl_batch_member(builder, id, name);
    } else if (k->type == RL_TYPE_ZSET) {
        k->score[n] = (double)below(1000) / 8;
        rl_batch_score(builder, id, k->score[n], name);
    } else {
        k->value[n] = (int)below(5000);
        k->when[n] = below(2) ? RL_NEVER : (int64_t)below(100000);
        rl_batch_field(builder, id, k->when[n], name, bytes_of(k->value[n]));
    }
}

static void list_insert(uint64_t id, int at, bool to_the_right) {
    model_key *k = &model[id];
    int value = (int)below(5000);
    if (k->count == LIST_MAX)
        return;
    memmove(&k->items[at + 1], &k->items[at], (size_t)(k->count - at) * sizeof *k->items);
    k->items[at] = value;
    if (to_the_right) {
        if (at < k->count)
            rl_batch_shift(builder, id, k->from + at, k->from + k->count - 1, 1);
    } else {
        if (at > 0)
            rl_batch_shift(builder, id, k->from, k->from + at - 1, -1);
        k->from--;
    }
    k->count++;
    rl_batch_item(builder, id, k->from + at, bytes_of(value));
}

static void list_remove(uint64_t id, int at, int count, bool from_the_right) {
    model_key *k = &model[id];
    int64_t end = k->from + k->count - 1;
    if (from_the_right) {
        if (at + count < k->count)
            rl_batch_shift(builder, id, k->from + at + count, end, -count);
    } else {
        if (at > 0)
            rl_batch_shift(builder, id, k->from, k->from + at - 1, count);
        k->from += count;
    }
    memmove(&k->items[at], &k->items[at + count],
            (size_t)(k->count - at - count) * sizeof *k->items);
    k->count -= count;
    rl_batch_bounds(builder, id, k->from, k->from + k->count - 1);
}

static void change_list(void) {
    uint64_t id = any_key(RL_TYPE_LIST);
    if (id == 0)
        return;
    model_key *k = &model[id];
    int at = (int)below((uint64_t)k->count + 1);
    switch (below(6)) {
    case 0:
    case 1:
        for (int i = 0, n = 1 + (int)below(12); i < n; i++)
            list_insert(id, at == 0 ? 0 : k->count, at != 0);
        break;
    case 2:
        list_insert(id, at, below(2));
        break;
    case 3:
        if (k->count > at) {
            k->items[at] = (int)below(5000);
            rl_batch_item(builder, id, k->from + at, bytes_of(k->items[at]));
        }
        break;
    default:
        if (k->count > at)
            list_remove(id, at, 1 + (int)below((uint64_t)(k->count - at < 5 ? k->count - at : 5)),
                        below(2));
    }
}

/* Two parts of a list change places, which no command does. */
static void rotate_list(void) {
    uint64_t id = any_key(RL_TYPE_LIST);
    if (id == 0 || model[id].count < 2)
        return;
    model_key *k = &model[id];
    int at = 1 + (int)below((uint64_t)k->count - 1);
    int rotated[LIST_MAX];
    for (int i = 0; i < k->count; i++)
        rotated[i] = k->items[(i + at) % k->count];
    memcpy(k->items, rotated, (size_t)k->count * sizeof *rotated);
    rl_batch_shift(builder, id, k->from, k->from + at - 1, k->count);
    k->from += at;
}

static void clear(void) {
    int which = (int)below(4) - 1;
    if (below(4))
        return;
    rl_batch_clear(builder, which);
    for (uint64_t id = 1; id < next_id; id++) {
        if (which < 0 || model[id].db == which)
            model[id].alive = false;
    }
}

static void swap(void) {
    int a = (int)below(3), b = (int)below(3);
    rl_batch_swap(builder, a, b);
    for (uint64_t id = 1; id < next_id; id++)
        model[id].db = model[id].db == a ? b : model[id].db == b ? a : model[id].db;
}

static void any_change(void) {
    static void (*const kinds[])(void) = {
        make,        make,        make,        drop,        change_name, change_name,
        change_name, change_name, change_name, change_name, change_name, change_name,
        change_list, change_list, change_list, change_list, change_list, change_list,
        change_list, rotate_list, swap,        clear,
    };
    kinds[below(sizeof kinds / sizeof *kinds)]();
}

static bool is_bytes(sqlite3_stmt *stmt, int column, rl_bytes want) {
    const void *bytes = sqlite3_column_blob(stmt, column);
    return (size_t)sqlite3_column_bytes(stmt, column) == want.len &&
           (want.len == 0 || memcmp(bytes, want.ptr, want.len) == 0);
}

static int name_of(sqlite3_stmt *stmt, int column) {
    for (int n = 0; n < NAMES; n++) {
        if (is_bytes(stmt, column, bytes_of(n)))
            return n;
    }
    cr_assert_fail("a name that was never given");
    return 0;
}

/* Each row of a table belongs to a living key that has it, or to a dead one. Returns how many
 * belong to living ones. */
static int64_t compare_table(const char *sql, rl_type type) {
    sqlite3_stmt *stmt;
    int64_t rows = 0;
    cr_assert_eq(sqlite3_prepare_v2(db, sql, -1, &stmt, NULL), SQLITE_OK);
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        const model_key *k = &model[sqlite3_column_int64(stmt, 0)];
        if (!k->alive) {
            cr_assert(sqlite3_column_int(stmt, 4), "a dead key that is not noted");
            continue;
        }
        cr_assert_not(sqlite3_column_int(stmt, 4), "a living key is noted as dead");
        cr_assert_eq(k->type, type);
        rows++;
        if (type == RL_TYPE_LIST) {
            int64_t at = sqlite3_column_int64(stmt, 1) - k->from;
            cr_assert(at >= 0 && at < k->count);
            cr_assert(is_bytes(stmt, 2, bytes_of(k->items[at])));
            continue;
        }
        int n = name_of(stmt, 1);
        cr_assert(k->has[n]);
        if (type == RL_TYPE_ZSET)
            cr_assert_eq(sqlite3_column_double(stmt, 2), k->score[n]);
        if (type == RL_TYPE_HASH) {
            cr_assert(is_bytes(stmt, 2, bytes_of(k->value[n])));
            cr_assert_eq(sqlite3_column_type(stmt, 3) == SQLITE_NULL
                             ? RL_NEVER
                             : sqlite3_column_int64(stmt, 3),
                         k->when[n]);
        }
    }
    sqlite3_finalize(stmt);
    return rows;
}

static void compare_model(void) {
    static const struct {
        rl_type type;
        const char *sql;
    } tables[] = {
        {RL_TYPE_HASH,
         "SELECT key_id, field, value, expires_at, key_id IN rl_dead_ids FROM rl_hash"},
        {RL_TYPE_SET, "SELECT key_id, member, 0, 0, key_id IN rl_dead_ids FROM rl_set"},
        {RL_TYPE_ZSET, "SELECT key_id, member, score, 0, key_id IN rl_dead_ids FROM rl_zset"},
        {RL_TYPE_LIST, "SELECT key_id, pos, value, 0, key_id IN rl_dead_ids FROM rl_list"},
    };
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        int64_t want = 0;
        for (uint64_t id = 1; id < next_id; id++) {
            if (!model[id].alive || model[id].type != tables[t].type)
                continue;
            want += model[id].count;
            for (int n = 0; n < NAMES; n++)
                want += model[id].has[n];
        }
        cr_assert_eq(compare_table(tables[t].sql, tables[t].type), want, "type %d",
                     (int)tables[t].type);
    }
    cr_assert_eq((int64_t)meta.dead, store_sql_int(db, "SELECT count(*) FROM rl_dead"));
    cr_assert_eq(meta.next_id, next_id);
}

static void random_history(uint64_t seed) {
    rl_random_seed(&dice, seed);
    rl_batch_clear(builder, -1);
    seal();
    fold_all();
    memset(model, 0, sizeof model);
    next_id = meta.next_id = 1;
    for (int round = 0; round < 25; round++) {
        for (uint64_t b = 0, batches = 1 + below(5); b < batches; b++) {
            for (uint64_t c = 0, changes = 1 + below(60); c < changes; c++)
                any_change();
            if (rl_batch_builder_bytes(builder))
                seal();
        }
        if (first == NULL)
            continue;
        fold_all();
        compare_model();
    }
    cr_assert_str_eq(store_sql_text(db, "PRAGMA integrity_check"), "ok");
}

Test(fold_elements, any_history_ends_as_in_the_model)
{
    store_sql_run(db, "CREATE TEMP VIEW rl_dead_ids AS SELECT key_id FROM rl_dead");
    for (uint64_t seed = 1; seed <= 40; seed++)
        random_history(seed);
}
