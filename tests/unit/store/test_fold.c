/* SPDX-License-Identifier: MIT */
/*
 * The fold: rows in the table are what the changes, applied one by one, make of them. The random
 * tests keep a naive model beside it, which applies each change at once and looks everything up by
 * walking.
 */
#include "store/fold.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/random.h"
#include "lib/store_files.h"
#include "store/store.h"

static char *dir;
static char path[1024];
static sqlite3 *db;
static rl_schema_meta meta;
static rl_fold *fold;
static rl_batch_builder *builder;
static rl_batch *first, *last; /* sealed and not folded */
static uint64_t seq;

static void open_fold(void) {
    char error[512];
    cr_assert_eq(rl_schema_open(path, &db, &meta, error, sizeof error), RL_STORE_OK, "%s", error);
    cr_assert_eq(rl_fold_create(db, &meta, &fold), SQLITE_OK);
}

static void setup(void) {
    dir = store_files_make();
    snprintf(path, sizeof path, "%s/data.db", dir);
    builder = rl_batch_builder_create();
    first = last = NULL;
    seq = 0;
    open_fold();
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

TestSuite(fold, .init = setup, .fini = teardown);

static void link_batch(rl_batch *batch) {
    if (last)
        rl_batch_next_store(last, batch);
    else
        first = batch;
    last = batch;
}

static void seal(void) {
    link_batch(rl_batch_seal(builder, ++seq));
}

static int run(rl_fold_result *result) {
    if (rl_batch_builder_bytes(builder))
        seal();
    return rl_fold_run(fold, first, UINT64_MAX, result);
}

/* Folds all that was put into the builder since the last time. */
static void fold_all(void) {
    rl_fold_result result;
    int rc = run(&result);
    cr_assert_eq(rc, SQLITE_OK, "%s", sqlite3_errmsg(db));
    cr_assert_eq(result.last, last);
    cr_assert_eq(meta.folded_seq, seq);
    free_batches();
}

static void put(uint64_t id, int number, const char *key, const char *value) {
    rl_batch_key(builder, id, number, RL_TYPE_STRING, RL_NEVER, rl_bytes_text(key),
                 rl_bytes_text(value));
}

/* All rows as "id:db:key=value@expiry", in order of id. */
static const char *dump(void) {
    return store_sql_text(
        db,
        "SELECT ifnull(group_concat(row, ' '), '') FROM (SELECT id || ':' || db || ':' || key ||"
        " '=' || ifnull(value, '-') || ifnull('@' || expires_at, '') AS row"
        " FROM rl_key ORDER BY id)");
}

#define EXPECT_ROWS(text) cr_assert_str_eq(dump(), (text))

/* --- one thing at a time --------------------------------------------------------------------- */

Test(fold, the_newest_state_is_written_once)
{
    put(1, 0, "a", "1");
    rl_batch_value(builder, 1, 5000, RL_BYTES("2"));
    seal();
    rl_batch_value(builder, 1, RL_NEVER, RL_BYTES("3"));
    rl_batch_expiry(builder, 1, 7000);
    rl_fold_result result;
    cr_assert_eq(run(&result), SQLITE_OK);
    EXPECT_ROWS("1:0:a=3@7000");
    cr_assert_eq(result.batches, 2);
    cr_assert_eq(result.changes, 4);
    cr_assert_eq(result.rows, 1);
    cr_assert_eq(result.seq, 2);
    cr_assert_eq(meta.folded_seq, 2);
    cr_assert_eq(meta.next_id, 2);
    cr_assert_eq(meta.rows, 1);
    cr_assert_eq(store_sql_int(db, "SELECT value FROM rl_meta WHERE name = 'folded_seq'"), 2);
    cr_assert_eq(store_sql_int(db, "SELECT value FROM rl_meta WHERE name = 'next_id'"), 2);
    cr_assert_eq(store_sql_int(db, "SELECT value FROM rl_meta WHERE name = 'rows'"), 1);
}

Test(fold, a_row_that_came_and_went_is_never_written)
{
    put(1, 0, "a", "1");
    rl_batch_delete(builder, 1, RL_TYPE_STRING);
    rl_fold_result result;
    cr_assert_eq(run(&result), SQLITE_OK);
    cr_assert_eq(result.rows, 0);
    EXPECT_ROWS("");
    cr_assert_eq(meta.next_id, 2, "its id must not be used again");
}

Test(fold, a_prefix_is_taken_when_bytes_are_limited)
{
    put(1, 0, "a", "1");
    seal();
    put(2, 0, "b", "2");
    seal();
    rl_fold_result result;
    cr_assert_eq(rl_fold_run(fold, first, 1, &result), SQLITE_OK);
    cr_assert_eq(result.last, first);
    cr_assert_eq(meta.folded_seq, 1);
    EXPECT_ROWS("1:0:a=1");
    cr_assert_eq(rl_fold_run(fold, rl_batch_next_load(first), 1, &result), SQLITE_OK);
    EXPECT_ROWS("1:0:a=1 2:0:b=2");
}

Test(fold, bytes_have_the_class_of_what_they_are)
{
    static const struct {
        rl_bytes bytes;
        const char *class;
    } cases[] = {
        {RL_BYTES("plain"), "text"},        {RL_BYTES(""), "text"},
        {RL_BYTES("caf\xc3\xa9"), "text"},  {RL_BYTES("\xf0\x9f\x92\x8e"), "text"},
        {RL_BYTES("a\0b"), "blob"},         {RL_BYTES("\xff"), "blob"},
        {RL_BYTES("\xed\xa0\x80"), "blob"}, {RL_BYTES("\xc0\x80"), "blob"},
        {RL_BYTES("\xe2\x82"), "blob"},     {RL_BYTES("12345"), "text"},
    };
    size_t count = sizeof cases / sizeof cases[0];
    for (size_t i = 0; i < count; i++)
        rl_batch_key(builder, i + 1, 0, RL_TYPE_STRING, RL_NEVER, cases[i].bytes, cases[i].bytes);
    fold_all();
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < count; i++) {
            cr_expect_str_eq(
                store_sql_text(db, "SELECT typeof(key) FROM rl_key WHERE id = %d", (int)i + 1),
                cases[i].class);
            cr_expect_str_eq(
                store_sql_text(db, "SELECT typeof(value) FROM rl_key WHERE id = %d", (int)i + 1),
                cases[i].class);
            cr_expect_eq(
                store_sql_int(db, "SELECT length(CAST(value AS BLOB)) FROM rl_key WHERE id = %d",
                              (int)i + 1),
                (int64_t)cases[i].bytes.len);
            rl_batch_value(builder, i + 1, RL_NEVER, cases[i].bytes);
            rl_batch_name(builder, i + 1, 1, cases[i].bytes);
        }
        fold_all(); /* and again by way of UPDATE */
    }
}

Test(fold, other_types_have_no_value)
{
    rl_batch_key(builder, 1, 0, RL_TYPE_HASH, 9000, RL_BYTES("h"), RL_BYTES(""));
    fold_all();
    cr_assert_str_eq(store_sql_text(db, "SELECT typeof(value) FROM rl_key"), "null");
    cr_assert_eq(store_sql_int(db, "SELECT type FROM rl_key"), RL_TYPE_HASH);
    EXPECT_ROWS("1:0:h=-@9000");
}

Test(fold, times_before_1970_and_never_are_kept)
{
    rl_batch_key(builder, 1, 0, RL_TYPE_STRING, 0, RL_BYTES("a"), RL_BYTES(""));
    rl_batch_key(builder, 2, 0, RL_TYPE_STRING, RL_NEVER, RL_BYTES("b"), RL_BYTES(""));
    rl_batch_key(builder, 3, 0, RL_TYPE_STRING, INT64_MAX, RL_BYTES("c"), RL_BYTES(""));
    fold_all();
    EXPECT_ROWS("1:0:a=@0 2:0:b= 3:0:c=@9223372036854775807");
}

/* --- patches --------------------------------------------------------------------------------- */

Test(fold, a_patch_changes_a_value_of_the_same_fold)
{
    put(1, 0, "a", "hello");
    rl_batch_patch(builder, 1, RL_NEVER, 11, 5, RL_BYTES(" world"));
    rl_batch_patch(builder, 1, RL_NEVER, 11, 0, RL_BYTES("J"));
    fold_all();
    EXPECT_ROWS("1:0:a=Jello world");
}

Test(fold, a_patch_changes_a_stored_value)
{
    put(1, 0, "a", "hello");
    fold_all();
    rl_batch_patch(builder, 1, 4000, 6, 5, RL_BYTES("!"));
    rl_batch_expiry(builder, 1, 5000);
    fold_all();
    EXPECT_ROWS("1:0:a=hello!@5000");
}

Test(fold, a_patch_fills_with_zeros_and_cuts)
{
    put(1, 0, "a", "ab");
    fold_all();
    rl_batch_patch(builder, 1, RL_NEVER, 6, 4, RL_BYTES("ef"));
    fold_all();
    cr_assert_str_eq(store_sql_text(db, "SELECT hex(value) FROM rl_key"), "616200006566");
    cr_assert_str_eq(store_sql_text(db, "SELECT typeof(value) FROM rl_key"), "blob");
    rl_batch_patch(builder, 1, RL_NEVER, 2, 0, RL_BYTES(""));
    fold_all();
    cr_assert_str_eq(store_sql_text(db, "SELECT typeof(value) FROM rl_key"), "text");
    EXPECT_ROWS("1:0:a=ab");
}

Test(fold, a_value_after_a_patch_wins_and_a_patch_after_a_value_too)
{
    put(1, 0, "a", "hello");
    rl_batch_patch(builder, 1, RL_NEVER, 6, 5, RL_BYTES("!"));
    rl_batch_value(builder, 1, RL_NEVER, RL_BYTES("new"));
    rl_batch_patch(builder, 1, RL_NEVER, 5, 3, RL_BYTES("er"));
    fold_all();
    EXPECT_ROWS("1:0:a=newer");
}

Test(fold, changes_of_rows_that_are_gone_do_nothing)
{
    put(1, 0, "a", "x");
    fold_all();
    rl_batch_delete(builder, 1, RL_TYPE_STRING);
    rl_batch_value(builder, 1, RL_NEVER, RL_BYTES("y"));
    rl_batch_patch(builder, 1, RL_NEVER, 2, 1, RL_BYTES("z"));
    rl_batch_expiry(builder, 1, 5);
    rl_batch_name(builder, 1, 0, RL_BYTES("b"));
    rl_batch_patch(builder, 9, RL_NEVER, 2, 1, RL_BYTES("z"));
    fold_all();
    EXPECT_ROWS("");
    rl_batch_patch(builder, 1, RL_NEVER, 2, 1, RL_BYTES("z"));
    fold_all();
    EXPECT_ROWS("");
}

/* --- names ----------------------------------------------------------------------------------- */

Test(fold, two_keys_swap_their_names)
{
    put(1, 0, "a", "1");
    put(2, 0, "b", "2");
    fold_all();
    rl_batch_name(builder, 1, 0, RL_BYTES("t"));
    rl_batch_name(builder, 2, 0, RL_BYTES("a"));
    rl_batch_name(builder, 1, 0, RL_BYTES("b"));
    rl_batch_value(builder, 1, RL_NEVER, RL_BYTES("one"));
    fold_all();
    EXPECT_ROWS("1:0:b=one 2:0:a=2");
}

Test(fold, names_go_round)
{
    put(1, 0, "a", "1");
    put(2, 0, "b", "2");
    put(3, 0, "c", "3");
    put(4, 0, "d", "4");
    fold_all();
    rl_batch_name(builder, 4, 0, RL_BYTES("t"));
    rl_batch_name(builder, 3, 0, RL_BYTES("d"));
    rl_batch_name(builder, 2, 0, RL_BYTES("c"));
    rl_batch_name(builder, 1, 0, RL_BYTES("b"));
    rl_batch_name(builder, 4, 0, RL_BYTES("a"));
    fold_all();
    EXPECT_ROWS("1:0:b=1 2:0:c=2 3:0:d=3 4:0:a=4");
}

Test(fold, a_name_is_free_once_its_key_is_deleted)
{
    put(1, 0, "a", "1");
    put(2, 0, "b", "2");
    fold_all();
    rl_batch_delete(builder, 2, RL_TYPE_STRING);
    rl_batch_name(builder, 1, 0, RL_BYTES("b"));
    put(3, 0, "a", "3");
    fold_all();
    EXPECT_ROWS("1:0:b=1 3:0:a=3");
    rl_batch_delete(builder, 3, RL_TYPE_STRING);
    put(4, 0, "a", "4");
    fold_all();
    EXPECT_ROWS("1:0:b=1 4:0:a=4");
}

Test(fold, a_key_moves_to_another_database)
{
    put(1, 0, "a", "1");
    put(2, 1, "b", "2");
    fold_all();
    rl_batch_name(builder, 1, 1, RL_BYTES("a"));
    put(3, 0, "a", "3");
    fold_all();
    EXPECT_ROWS("1:1:a=1 2:1:b=2 3:0:a=3");
}

Test(fold, a_whole_row_may_be_told_again)
{
    put(1, 0, "a", "1");
    put(2, 0, "b", "2");
    fold_all();
    rl_batch_name(builder, 2, 0, RL_BYTES("t"));
    rl_batch_key(builder, 1, 0, RL_TYPE_STRING, 50, RL_BYTES("b"), RL_BYTES("again"));
    rl_batch_name(builder, 2, 0, RL_BYTES("a"));
    fold_all();
    EXPECT_ROWS("1:0:b=again@50 2:0:a=2");
    cr_assert_eq(meta.rows, 2);
    /* an id from before that the table does not have */
    rl_batch_delete(builder, 1, RL_TYPE_STRING);
    fold_all();
    put(1, 0, "b", "back");
    fold_all();
    EXPECT_ROWS("1:0:b=back 2:0:a=2");
    cr_assert_eq(meta.rows, 2);
}

Test(fold, folding_the_same_batches_again_changes_nothing)
{
    put(1, 0, "a", "1");
    put(2, 0, "b", "2");
    rl_batch_name(builder, 1, 2, RL_BYTES("c"));
    rl_batch_delete(builder, 2, RL_TYPE_STRING);
    put(3, 0, "a", "3");
    seal();
    rl_fold_result result;
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(run(&result), SQLITE_OK);
        EXPECT_ROWS("1:2:c=1 3:0:a=3");
        cr_assert_eq(meta.rows, 2);
    }
}

Test(fold, a_row_of_a_stranger_gives_way)
{
    put(1, 0, "a", "1");
    put(2, 0, "b", "2");
    fold_all();
    store_sql_run(db, "INSERT INTO rl_key VALUES(1000, 0, 1, NULL, 'c', 'theirs'), (1001, 0, 1, "
                      "NULL, 'd', 'theirs')");
    put(3, 0, "c", "3");
    rl_batch_name(builder, 2, 0, RL_BYTES("d"));
    fold_all();
    EXPECT_ROWS("1:0:a=1 2:0:d=2 3:0:c=3");
}

Test(fold, a_row_of_a_stranger_with_the_next_id_gives_way)
{
    put(1, 0, "a", "1");
    fold_all();
    store_sql_run(db, "INSERT INTO rl_key(db, type, key, value) VALUES(0, 1, 'x', 'theirs'), (0, "
                      "1, 'b', 'theirs')");
    put(2, 0, "b", "2");
    put(3, 0, "c", "3");
    fold_all();
    EXPECT_ROWS("1:0:a=1 2:0:b=2 3:0:c=3");
}

Test(fold, the_number_of_rows_never_falls_below_none)
{
    store_sql_run(db, "INSERT INTO rl_key VALUES(100, 0, 1, NULL, 'a', 'theirs'), (101, 1, 1, "
                      "NULL, 'b', 'theirs')");
    put(1, 0, "a", "1");
    rl_batch_clear(builder, 1);
    fold_all();
    EXPECT_ROWS("1:0:a=1");
    cr_assert_leq(meta.rows, 1);
}

/* --- barriers -------------------------------------------------------------------------------- */

Test(fold, clear_everything)
{
    put(1, 0, "a", "1");
    put(2, 3, "b", "2");
    fold_all();
    put(3, 0, "c", "3");
    rl_batch_value(builder, 1, RL_NEVER, RL_BYTES("x"));
    rl_batch_clear(builder, -1);
    put(4, 0, "a", "4");
    fold_all();
    EXPECT_ROWS("4:0:a=4");
    cr_assert_eq(meta.rows, 1);
}

Test(fold, clear_one_of_two_databases)
{
    put(1, 0, "a", "1");
    put(2, 1, "a", "2");
    fold_all();
    put(3, 0, "c", "3");
    put(4, 1, "c", "4");
    rl_batch_value(builder, 1, RL_NEVER, RL_BYTES("x"));
    rl_batch_value(builder, 2, RL_NEVER, RL_BYTES("y"));
    rl_batch_clear(builder, 0);
    put(5, 0, "a", "5");
    fold_all();
    EXPECT_ROWS("2:1:a=y 4:1:c=4 5:0:a=5");
    cr_assert_eq(meta.rows, 3);
}

Test(fold, clear_the_only_database)
{
    put(1, 0, "a", "1");
    fold_all();
    rl_batch_value(builder, 1, RL_NEVER, RL_BYTES("x"));
    put(2, 0, "b", "2");
    rl_batch_clear(builder, 0);
    rl_batch_clear(builder, 0);
    rl_batch_clear(builder, 7);
    put(3, 0, "b", "3");
    rl_batch_clear(builder, 1);
    fold_all();
    EXPECT_ROWS("3:0:b=3");
    cr_assert_eq(meta.rows, 1);
}

Test(fold, clear_respects_moves_in_the_same_fold)
{
    put(1, 0, "a", "1");
    put(2, 1, "b", "2");
    put(3, 0, "c", "3");
    fold_all();
    rl_batch_name(builder, 1, 1, RL_BYTES("a")); /* out of 0 before it is cleared */
    rl_batch_name(builder, 2, 0, RL_BYTES("b")); /* into 0 */
    rl_batch_clear(builder, 0);
    fold_all();
    EXPECT_ROWS("1:1:a=1");
    /* the only row moves away from the database that is cleared */
    rl_batch_name(builder, 1, 0, RL_BYTES("a"));
    rl_batch_clear(builder, 1);
    fold_all();
    EXPECT_ROWS("1:0:a=1");
}

Test(fold, swap_exchanges_two_databases)
{
    put(1, 0, "a", "1");
    put(2, 1, "a", "2");
    put(3, 1, "b", "3");
    fold_all();
    put(4, 0, "c", "4");
    rl_batch_swap(builder, 0, 1);
    put(5, 0, "d", "5");
    rl_batch_value(builder, 1, RL_NEVER, RL_BYTES("one"));
    fold_all();
    EXPECT_ROWS("1:1:a=one 2:0:a=2 3:0:b=3 4:1:c=4 5:0:d=5");
}

Test(fold, swaps_in_a_ring_and_with_an_empty_database)
{
    put(1, 0, "a", "1");
    put(2, 1, "a", "2");
    put(3, 2, "a", "3");
    fold_all();
    rl_batch_swap(builder, 0, 1); /* 0: row 2, 1: row 1, 2: row 3 */
    rl_batch_swap(builder, 1, 2); /* 0: row 2, 1: row 3, 2: row 1 */
    rl_batch_swap(builder, 2, 9); /* 9: row 1 */
    rl_batch_swap(builder, 5, 5);
    fold_all();
    EXPECT_ROWS("1:9:a=1 2:0:a=2 3:1:a=3");
}

Test(fold, two_swaps_of_the_same_cost_nothing)
{
    put(1, 0, "a", "1");
    put(2, 1, "a", "2");
    fold_all();
    rl_batch_swap(builder, 0, 1);
    rl_batch_swap(builder, 1, 0);
    rl_fold_result result;
    cr_assert_eq(run(&result), SQLITE_OK);
    cr_assert_eq(result.rows, 0);
    EXPECT_ROWS("1:0:a=1 2:1:a=2");
}

Test(fold, clear_after_a_swap_clears_what_is_there_now)
{
    put(1, 0, "a", "1");
    put(2, 1, "b", "2");
    fold_all();
    rl_batch_swap(builder, 0, 1);
    put(3, 0, "c", "3");
    rl_batch_clear(builder, 0);
    fold_all();
    EXPECT_ROWS("1:1:a=1");
}

/* --- failures -------------------------------------------------------------------------------- */

Test(fold, a_full_disk_rolls_back_and_the_next_attempt_works)
{
    put(1, 0, "a", "1");
    fold_all();
    store_sql_run(db, "PRAGMA max_page_count = 12");
    static char big[1 << 20];
    memset(big, 'x', sizeof big);
    rl_batch_value(builder, 1, RL_NEVER, RL_BYTES("2"));
    rl_batch_key(builder, 2, 0, RL_TYPE_STRING, RL_NEVER, RL_BYTES("b"),
                 rl_bytes_of(big, sizeof big));
    rl_schema_meta before = meta;
    rl_fold_result result;
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(run(&result), SQLITE_FULL);
        cr_assert_null(result.last);
        cr_assert(sqlite3_get_autocommit(db));
        cr_assert_eq(memcmp(&before, &meta, sizeof meta), 0);
        EXPECT_ROWS("1:0:a=1");
    }
    store_sql_run(db, "PRAGMA max_page_count = 100000");
    fold_all();
    cr_assert_str_eq(store_sql_text(db, "SELECT value FROM rl_key WHERE id = 1"), "2");
    cr_assert_eq(store_sql_int(db, "SELECT length(value) FROM rl_key WHERE id = 2"),
                 (int64_t)sizeof big);
    cr_assert_eq(meta.next_id, 3);
}

Test(fold, a_transaction_left_open_is_rolled_back_first)
{
    put(1, 0, "a", "1");
    fold_all();
    store_sql_run(db, "BEGIN; DELETE FROM rl_key");
    put(2, 0, "b", "2");
    fold_all();
    EXPECT_ROWS("1:0:a=1 2:0:b=2");
}

Test(fold, damaged_bytes_change_nothing)
{
    put(1, 0, "a", "1");
    seal();
    link_batch(rl_batch_from_bytes(++seq, RL_BYTES("\xfe\x01\x02")));
    rl_fold_result result;
    cr_assert_eq(run(&result), SQLITE_CORRUPT);
    EXPECT_ROWS("");
    cr_assert_eq(meta.folded_seq, 0);
}

Test(fold, triggers_of_the_user_do_not_run_and_indexes_are_kept)
{
    store_sql_run(db,
                  "CREATE TABLE log(x); CREATE INDEX by_value ON rl_key(value) WHERE type = 1;"
                  "CREATE TRIGGER t AFTER INSERT ON rl_key BEGIN INSERT INTO log VALUES(new.id);"
                  " SELECT raise(ABORT, 'no'); END");
    put(1, 0, "a", "find me");
    fold_all();
    cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM log"), 0);
    cr_assert_eq(
        store_sql_int(
            db, "SELECT id FROM rl_key INDEXED BY by_value WHERE type = 1 AND value = 'find me'"),
        1);
}

/* --- against the model ----------------------------------------------------------------------- */

typedef struct model_row {
    bool alive;
    int db;
    rl_type type;
    int64_t expires_at;
    char key[16];
    rl_buffer value;
} model_row;

#define MODEL_IDS 4096
#define MODEL_DBS 4
static model_row model[MODEL_IDS];
static uint64_t model_next;
static rl_random rng;

static uint64_t below(uint64_t limit) {
    return rl_random_below(&rng, limit);
}

static uint64_t model_find(int number, const char *key) {
    for (uint64_t id = 1; id < model_next; id++) {
        if (model[id].alive && model[id].db == number && strcmp(model[id].key, key) == 0)
            return id;
    }
    return 0;
}

static uint64_t model_any(void) {
    uint64_t alive[MODEL_IDS], count = 0;
    for (uint64_t id = 1; id < model_next; id++) {
        if (model[id].alive)
            alive[count++] = id;
    }
    return count ? alive[below(count)] : 0;
}

static int64_t any_when(void) {
    return below(2) ? RL_NEVER : (int64_t)below(1000000);
}

/* Bytes of either class, sometimes long enough for overflow pages. */
static rl_bytes any_value(void) {
    static char bytes[30000];
    size_t len = below(20) == 0 ? below(sizeof bytes) : below(12);
    unsigned range = below(2) ? 26 : 256;
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)(range == 26 ? 'a' + (int)below(26) : (int)below(256));
    return rl_bytes_of(bytes, len);
}

static void set_value(model_row *row, rl_bytes value) {
    rl_buffer_clear(&row->value);
    rl_buffer_add_bytes(&row->value, value);
}

static void model_delete(uint64_t id) {
    rl_batch_delete(builder, id, model[id].type);
    model[id].alive = false;
}

static void change_put(void) {
    char key[16];
    snprintf(key, sizeof key, "k%d", (int)below(60));
    int number = (int)below(MODEL_DBS);
    uint64_t id = model_find(number, key);
    if (id)
        model_delete(id);
    if (model_next == MODEL_IDS)
        return;
    model_row *row = &model[model_next];
    row->alive = true;
    row->db = number;
    row->type = below(8) ? RL_TYPE_STRING : RL_TYPE_SET;
    row->expires_at = any_when();
    strcpy(row->key, key);
    set_value(row, row->type == RL_TYPE_STRING ? any_value() : RL_BYTES(""));
    rl_batch_key(builder, model_next++, number, row->type, row->expires_at, rl_bytes_text(key),
                 rl_buffer_bytes(&row->value));
}

static void change_value(void) {
    uint64_t id = model_any();
    if (!id || model[id].type != RL_TYPE_STRING)
        return;
    model[id].expires_at = any_when();
    set_value(&model[id], any_value());
    rl_batch_value(builder, id, model[id].expires_at, rl_buffer_bytes(&model[id].value));
}

static void change_patch(void) {
    uint64_t id = model_any();
    if (!id || model[id].type != RL_TYPE_STRING)
        return;
    rl_buffer *value = &model[id].value;
    char bytes[8];
    size_t len = below(sizeof bytes), offset = below(value->len + 10);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (char)('A' + (int)below(26));
    size_t total = value->len > offset + len ? value->len : offset + len;
    while (value->len < total)
        rl_buffer_add_char(value, 0);
    if (len)
        memcpy(value->ptr + offset, bytes, len);
    model[id].expires_at = any_when();
    rl_batch_patch(builder, id, model[id].expires_at, total, offset, rl_bytes_of(bytes, len));
}

static void change_expiry(void) {
    uint64_t id = model_any();
    if (!id)
        return;
    model[id].expires_at = any_when();
    rl_batch_expiry(builder, id, model[id].expires_at);
}

static void change_name(void) {
    uint64_t id = model_any();
    if (!id)
        return;
    char key[16];
    snprintf(key, sizeof key, "k%d", (int)below(60));
    int number = (int)below(MODEL_DBS);
    uint64_t other = model_find(number, key);
    if (other == id)
        return;
    if (other)
        model_delete(other);
    strcpy(model[id].key, key);
    model[id].db = number;
    rl_batch_name(builder, id, number, rl_bytes_text(key));
}

/* Two keys trade names by way of a third name. */
static void change_trade(void) {
    uint64_t a = model_any(), b = model_any();
    if (!a || a == b)
        return;
    model_row old_a = model[a];
    rl_batch_name(builder, a, 99, RL_BYTES("between"));
    rl_batch_name(builder, b, old_a.db, rl_bytes_text(old_a.key));
    rl_batch_name(builder, a, model[b].db, rl_bytes_text(model[b].key));
    model[a].db = model[b].db;
    strcpy(model[a].key, model[b].key);
    model[b].db = old_a.db;
    strcpy(model[b].key, old_a.key);
}

static void change_delete(void) {
    uint64_t id = model_any();
    if (id)
        model_delete(id);
}

static void change_again(void) {
    uint64_t id = model_any();
    if (id)
        rl_batch_key(builder, id, model[id].db, model[id].type, model[id].expires_at,
                     rl_bytes_text(model[id].key), rl_buffer_bytes(&model[id].value));
}

static void change_clear(void) {
    int number = (int)below(MODEL_DBS + 1) - 1;
    rl_batch_clear(builder, number);
    for (uint64_t id = 1; id < model_next; id++) {
        if (number < 0 || model[id].db == number)
            model[id].alive = false;
    }
}

static void change_swap(void) {
    int a = (int)below(MODEL_DBS), b = (int)below(MODEL_DBS);
    rl_batch_swap(builder, a, b);
    for (uint64_t id = 1; id < model_next; id++) {
        if (model[id].db == a)
            model[id].db = b;
        else if (model[id].db == b)
            model[id].db = a;
    }
}

static const struct {
    void (*change)(void);
    unsigned weight;
} kinds[] = {
    {change_put, 30},  {change_value, 20}, {change_patch, 15}, {change_expiry, 8},
    {change_name, 10}, {change_trade, 6},  {change_delete, 8}, {change_again, 3},
    {change_clear, 1}, {change_swap, 2},
};

static void any_change(void) {
    unsigned total = 0;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        total += kinds[i].weight;
    uint64_t pick = below(total);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (pick < kinds[i].weight) {
            kinds[i].change();
            return;
        }
        pick -= kinds[i].weight;
    }
}

/* True for what is text for sure; other bytes may be text by chance, and are not judged. */
static bool is_ascii(rl_bytes bytes) {
    for (size_t i = 0; i < bytes.len; i++) {
        if ((unsigned char)bytes.ptr[i] >= 0x80 || bytes.ptr[i] == 0)
            return false;
    }
    return true;
}

static void compare_row(sqlite3_stmt *stmt, uint64_t id) {
    model_row *row = &model[id];
    cr_assert(row->alive, "row %d should be gone", (int)id);
    cr_assert_eq(sqlite3_column_int(stmt, 1), row->db);
    cr_assert_eq(sqlite3_column_int(stmt, 2), (int)row->type);
    int64_t when =
        sqlite3_column_type(stmt, 3) == SQLITE_NULL ? RL_NEVER : sqlite3_column_int64(stmt, 3);
    cr_assert_eq(when, row->expires_at);
    cr_assert_str_eq((const char *)sqlite3_column_text(stmt, 4), row->key);
    if (row->type != RL_TYPE_STRING) {
        cr_assert_eq(sqlite3_column_type(stmt, 5), SQLITE_NULL);
        return;
    }
    if (is_ascii(rl_buffer_bytes(&row->value)))
        cr_assert_eq(sqlite3_column_type(stmt, 5), SQLITE_TEXT);
    const void *bytes = sqlite3_column_blob(stmt, 5);
    cr_assert_eq((size_t)sqlite3_column_bytes(stmt, 5), row->value.len);
    cr_assert(row->value.len == 0 || memcmp(bytes, row->value.ptr, row->value.len) == 0);
}

static void compare_model(void) {
    sqlite3_stmt *stmt;
    cr_assert_eq(sqlite3_prepare_v2(db, "SELECT id, db, type, expires_at, key, value FROM rl_key",
                                    -1, &stmt, NULL),
                 SQLITE_OK);
    uint64_t rows = 0, alive = 0;
    while (sqlite3_step(stmt) == SQLITE_ROW) {
        compare_row(stmt, (uint64_t)sqlite3_column_int64(stmt, 0));
        rows++;
    }
    cr_assert_eq(sqlite3_finalize(stmt), SQLITE_OK);
    for (uint64_t id = 1; id < model_next; id++)
        alive += model[id].alive;
    cr_assert_eq(rows, alive);
    cr_assert_eq(meta.rows, alive);
    cr_assert_eq(meta.next_id, model_next);
}

static void random_history(uint64_t seed) {
    rl_random_seed(&rng, seed);
    store_sql_run(db, "DELETE FROM rl_key; UPDATE rl_meta SET value = 0 WHERE name = 'rows'");
    meta.rows = 0;
    meta.next_id = model_next = 1;
    for (int round = 0; round < 40; round++) {
        size_t batches = 1 + below(6);
        for (size_t b = 0; b < batches; b++) {
            size_t changes = 1 + below(40);
            for (size_t c = 0; c < changes; c++)
                any_change();
            if (rl_batch_builder_bytes(builder))
                seal();
        }
        if (first == NULL)
            continue;
        if (below(5) == 0) { /* a failed attempt in between must leave no trace */
            int pages = (int)store_sql_int(db, "PRAGMA page_count");
            store_sql_run(db, "PRAGMA max_page_count = %d", pages);
            rl_fold_result result;
            int rc = run(&result);
            store_sql_run(db, "PRAGMA max_page_count = 1000000");
            if (rc == SQLITE_OK) {
                compare_model();
                free_batches();
                continue;
            }
            cr_assert_eq(rc, SQLITE_FULL);
        }
        fold_all();
        compare_model();
    }
    cr_assert_str_eq(store_sql_text(db, "PRAGMA integrity_check"), "ok");
}

Test(fold, any_history_ends_as_in_the_model)
{
    for (uint64_t seed = 1; seed <= 25; seed++)
        random_history(seed);
    for (uint64_t id = 0; id < MODEL_IDS; id++)
        rl_buffer_release(&model[id].value);
}

Test(fold, one_fold_of_many_rows_in_any_order)
{
    rl_random_seed(&rng, 7);
    char key[32];
    for (uint64_t i = 0; i < 20000; i++) {
        uint64_t id = (i * 7919) % 20000 + 1; /* each once */
        snprintf(key, sizeof key, "key:%llu", (unsigned long long)id);
        put(id, 0, key, "v");
        if (i % 100 == 0)
            seal();
    }
    fold_all();
    for (uint64_t i = 0; i < 50000; i++) {
        rl_bytes value =
            rl_bytes_of(key, (size_t)snprintf(key, sizeof key, "%llu", (unsigned long long)i));
        rl_batch_value(builder, (i * 104729) % 20000 + 1, RL_NEVER, value);
    }
    fold_all();
    cr_assert_eq(store_sql_int(db, "SELECT count(*) FROM rl_key"), 20000);
    /* the last of the changes of each row: i is in the last 20,000, all residues once */
    cr_assert_eq(
        store_sql_int(
            db,
            "SELECT count(*) FROM rl_key WHERE CAST(value AS INTEGER) * 104729 %% 20000 + 1 = id"
            " AND CAST(value AS INTEGER) >= 30000"),
        20000);
}
