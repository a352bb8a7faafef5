/* SPDX-License-Identifier: MIT */
/* Entries: key, value, expiry and flags survive every change of the others. */
#include "keyspace/entry.h"

#include <criterion/criterion.h>

#include "base/alloc.h"
#include "base/buffer.h"
#include "base/random.h"

static void expect_bytes(rl_bytes got, rl_bytes want, const char *what) {
    cr_assert(rl_bytes_equal(got, want), "%s has %zu bytes, expected %zu", what, got.len, want.len);
}

static void fill(rl_buffer *b, rl_random *random, size_t len) {
    rl_buffer_clear(b);
    for (size_t i = 0; i < len; i++)
        rl_buffer_add_char(b, (char)rl_random_next(random));
}

Test(entry, holds_what_it_was_given)
{
    rl_entry *e =
        rl_entry_create(123456789012345, RL_TYPE_STRING, RL_BYTES("key"), RL_BYTES("v\0x"));
    cr_assert_eq(e->id, 123456789012345);
    cr_assert_eq(e->type, RL_TYPE_STRING);
    expect_bytes(rl_entry_key(e), RL_BYTES("key"), "the key");
    expect_bytes(rl_entry_value(e), RL_BYTES("v\0x"), "the value");
    cr_assert_eq(rl_entry_expires_at(e), RL_NEVER);
    rl_entry_free(e);
}

Test(entry, key_and_value_may_be_empty)
{
    rl_entry *e = rl_entry_create(1, RL_TYPE_STRING, RL_BYTES(""), RL_BYTES(""));
    cr_assert_eq(rl_entry_key(e).len, 0);
    cr_assert_eq(rl_entry_value(e).len, 0);
    e = rl_entry_set_value(e, RL_BYTES("x"));
    e = rl_entry_rename(e, RL_BYTES("name"));
    expect_bytes(rl_entry_key(e), RL_BYTES("name"), "the key");
    expect_bytes(rl_entry_value(e), RL_BYTES("x"), "the value");
    rl_entry_free(e);
}

Test(entry, short_values_are_inside_long_ones_outside)
{
    char value[RL_ENTRY_INSIDE_MAX + 1] = {0};
    rl_entry *e =
        rl_entry_create(1, RL_TYPE_STRING, RL_BYTES("k"), rl_bytes_of(value, RL_ENTRY_INSIDE_MAX));
    cr_assert_eq(e->flags & RL_ENTRY_OUTSIDE, 0);
    e = rl_entry_set_value(e, rl_bytes_of(value, RL_ENTRY_INSIDE_MAX + 1));
    cr_assert_neq(e->flags & RL_ENTRY_OUTSIDE, 0);
    e = rl_entry_set_value(e, rl_bytes_of(value, 1));
    cr_assert_eq(e->flags & RL_ENTRY_OUTSIDE, 0);
    rl_entry_free(e);
}

Test(entry, stays_in_place_within_its_size_class)
{
    rl_entry *e = rl_entry_create(1, RL_TYPE_STRING, RL_BYTES("k"), RL_BYTES("12345678"));
    rl_entry *same = rl_entry_set_value(e, RL_BYTES("87654321"));
    cr_assert_eq(same, e, "a value of the same length moves nothing");
    rl_entry_free(same);
}

Test(entry, a_value_may_come_from_the_entry_itself)
{
    static const size_t sizes[] = {20, 150, 192, 193, 300, 5000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        rl_buffer value = {0};
        rl_random random;
        rl_random_seed(&random, i);
        fill(&value, &random, sizes[i]);
        for (size_t from = 0; from < sizes[i]; from += sizes[i] / 4) {
            rl_entry *e =
                rl_entry_create(1, RL_TYPE_STRING, RL_BYTES("key"), rl_buffer_bytes(&value));
            size_t len = (sizes[i] - from) / 2;
            e = rl_entry_set_value(e, rl_bytes_of(rl_entry_value_ptr(e) + from, len));
            expect_bytes(rl_entry_value(e), rl_bytes_of(value.ptr + from, len), "the value");
            rl_entry_free(e);
        }
        rl_buffer_release(&value);
    }
}

Test(entry, growing_fills_with_zeros)
{
    rl_entry *e = rl_entry_create(1, RL_TYPE_STRING, RL_BYTES("k"), RL_BYTES("ab"));
    static const size_t sizes[] = {3, 20, 192, 193, 1000, 100000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        e = rl_entry_resize_value(e, sizes[i]);
        cr_assert_eq(e->value_len, sizes[i]);
        cr_assert_eq(memcmp(rl_entry_value_ptr(e), "ab", 2), 0);
        for (size_t k = 2; k < sizes[i]; k++)
            cr_assert_eq(rl_entry_value_ptr(e)[k], 0, "byte %zu of %zu", k, sizes[i]);
    }
    e = rl_entry_resize_value(e, 1);
    expect_bytes(rl_entry_value(e), RL_BYTES("a"), "the value cut short");
    e = rl_entry_resize_value(e, 4);
    expect_bytes(rl_entry_value(e), RL_BYTES("a\0\0\0"), "the value grown again");
    rl_entry_free(e);
}

Test(entry, memory_is_what_the_allocator_gives)
{
    rl_random random;
    rl_random_seed(&random, 5);
    rl_buffer value = {0};
    for (size_t len = 0; len < 3000; len += 1 + len / 16) {
        fill(&value, &random, len);
        rl_entry *e =
            rl_entry_create(1, RL_TYPE_STRING, RL_BYTES("some:key"), rl_buffer_bytes(&value));
        size_t least = sizeof(rl_entry) + strlen("some:key") + len;
        cr_assert_geq(rl_entry_memory(e), least);
        cr_assert_leq(rl_entry_memory(e), least * 5 / 4 + 48, "%zu bytes", len);
        rl_entry_free(e);
    }
    rl_buffer_release(&value);
}

/* What an entry should hold, kept beside it. */
typedef struct model {
    rl_buffer key, value;
    bool expires;
    int64_t at_ms;
} model;

static void expect_same(const rl_entry *e, const model *m) {
    expect_bytes(rl_entry_key(e), rl_buffer_bytes(&m->key), "the key");
    expect_bytes(rl_entry_value(e), rl_buffer_bytes(&m->value), "the value");
    cr_assert_eq(e->id, 77);
    cr_assert_eq(e->access, 12345);
    cr_assert_eq(e->change_seq, 54321);
    cr_assert_eq(!!(e->flags & RL_ENTRY_EXPIRES), m->expires);
    cr_assert_eq(!!(e->flags & RL_ENTRY_OUTSIDE), e->value_len > RL_ENTRY_INSIDE_MAX);
    cr_assert_eq(rl_entry_expires_at(e), m->expires ? m->at_ms : RL_NEVER);
}

static void resize(model *m, size_t len) {
    size_t old = m->value.len;
    if (len > old)
        memset(rl_buffer_reserve(&m->value, len - old), 0, len - old);
    m->value.len = len;
}

static rl_entry *random_change(rl_entry *e, model *m, rl_random *random) {
    size_t len = rl_random_below(random, rl_random_below(random, 4) ? 260 : 2000);
    switch (rl_random_below(random, 4)) {
    case 0:
        fill(&m->value, random, len);
        return rl_entry_set_value(e, rl_buffer_bytes(&m->value));
    case 1:
        resize(m, len);
        return rl_entry_resize_value(e, len);
    case 2:
        fill(&m->key, random, rl_random_below(random, 100));
        return rl_entry_rename(e, rl_buffer_bytes(&m->key));
    default:
        m->expires = !m->expires;
        e = rl_entry_set_expiring(e, m->expires);
        if (m->expires) {
            cr_assert_eq(rl_entry_expiry_part(e)->at_ms, 0, "a new expiry part is zeroed");
            rl_entry_expiry_part(e)->at_ms = m->at_ms = (int64_t)rl_random_next(random) | 1;
        }
        return e;
    }
}

Test(entry, random_changes_keep_the_rest)
{
    for (uint64_t seed = 0; seed < 20; seed++) {
        model m = {0};
        rl_random random;
        rl_random_seed(&random, seed);
        fill(&m.key, &random, 10);
        rl_entry *e =
            rl_entry_create(77, RL_TYPE_STRING, rl_buffer_bytes(&m.key), rl_buffer_bytes(&m.value));
        e->access = 12345;
        e->change_seq = 54321;
        for (int i = 0; i < 2000; i++) {
            e = random_change(e, &m, &random);
            expect_same(e, &m);
        }
        rl_entry_free(e);
        rl_buffer_release(&m.key);
        rl_buffer_release(&m.value);
    }
}
