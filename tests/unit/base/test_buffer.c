/* SPDX-License-Identifier: MIT */
/* The growable buffer. */
#include "base/buffer.h"

#include <criterion/criterion.h>

static void expect(const rl_buffer *b, rl_bytes wanted) {
    cr_assert(rl_bytes_equal(rl_buffer_bytes(b), wanted), "got %zu bytes: \"%.*s\"", b->len,
              (int)b->len, b->ptr ? b->ptr : "");
}

Test(buffer, a_zeroed_one_is_empty_and_usable)
{
    rl_buffer b = {0};
    expect(&b, RL_BYTES(""));
    rl_buffer_add(&b, NULL, 0);
    rl_buffer_add_bytes(&b, rl_bytes_of(NULL, 0));
    rl_buffer_add_text(&b, "");
    expect(&b, RL_BYTES(""));
    rl_buffer_release(&b);
}

Test(buffer, released_twice_is_released_and_usable_again)
{
    rl_buffer b = {0};
    rl_buffer_add_text(&b, "x");
    rl_buffer_release(&b);
    cr_assert_null(b.ptr);
    cr_assert_eq(b.cap, 0);
    rl_buffer_release(&b);
    rl_buffer_add_text(&b, "y");
    expect(&b, RL_BYTES("y"));
    rl_buffer_release(&b);
}

Test(buffer, appends_in_order_every_way)
{
    rl_buffer b = {0};
    rl_buffer_add(&b, "a\0b", 3);
    rl_buffer_add_bytes(&b, RL_BYTES("\xff\0"));
    rl_buffer_add_char(&b, 'c');
    rl_buffer_add_text(&b, "de");
    rl_buffer_printf(&b, "%d-%s", 42, "f");
    char *to = rl_buffer_reserve(&b, 2);
    memcpy(to, "gh", 2);
    b.len += 2;
    expect(&b, RL_BYTES("a\0b\xff\0cde42-fgh"));
    rl_buffer_release(&b);
}

Test(buffer, clear_keeps_the_memory)
{
    rl_buffer b = {0};
    rl_buffer_add_text(&b, "hello");
    const char *ptr = b.ptr;
    size_t cap = b.cap;
    rl_buffer_clear(&b);
    expect(&b, RL_BYTES(""));
    cr_assert_eq(b.ptr, ptr);
    cr_assert_eq(b.cap, cap);
    rl_buffer_release(&b);
}

Test(buffer, grows_through_many_small_appends_with_few_moves)
{
    rl_buffer b = {0};
    size_t moves = 0, cap = 0;
    for (unsigned i = 0; i < 1000000; i++) {
        rl_buffer_add_char(&b, (char)(i * 31 % 251));
        moves += b.cap != cap;
        cap = b.cap;
    }
    cr_assert_eq(b.len, 1000000);
    for (unsigned i = 0; i < 1000000; i++)
        cr_assert_eq((unsigned char)b.ptr[i], i * 31 % 251);
    cr_assert_leq(moves, 20, "%zu moves", moves);
    rl_buffer_release(&b);
}

Test(buffer, reserve_keeps_what_is_there_and_gives_all_it_promises)
{
    for (size_t have = 0; have < 200; have += 7) {
        for (size_t extra = 1; extra < 5000; extra = extra * 3 + 1) {
            rl_buffer b = {0};
            for (size_t i = 0; i < have; i++)
                rl_buffer_add_char(&b, 'h');
            char *to = rl_buffer_reserve(&b, extra);
            cr_assert_eq(to, b.ptr + have);
            cr_assert_eq(b.len, have);
            cr_assert_geq(b.cap - b.len, extra);
            memset(to, 'e', extra); /* the sanitizer watches */
            for (size_t i = 0; i < have; i++)
                cr_assert_eq(b.ptr[i], 'h');
            rl_buffer_release(&b);
        }
    }
}

Test(buffer, grow_with_enough_room_changes_nothing)
{
    rl_buffer b = {0};
    rl_buffer_add_text(&b, "x");
    const char *ptr = b.ptr;
    size_t cap = b.cap;
    rl_buffer_grow(&b, cap - 1);
    cr_assert_eq(b.ptr, ptr);
    cr_assert_eq(b.cap, cap);
    rl_buffer_grow(&b, cap);
    cr_assert_gt(b.cap, cap);
    rl_buffer_release(&b);
}

Test(buffer, printf_fits_any_length_around_the_free_room)
{
    for (int len = 0; len < 300; len++) {
        rl_buffer b = {0};
        rl_buffer_printf(&b, "%*s", len, "");
        cr_assert_eq(b.len, (size_t)len);
        for (int i = 0; i < len; i++)
            cr_assert_eq(b.ptr[i], ' ');
        rl_buffer_printf(&b, "<%d>", len);
        cr_assert_eq(atoi(rl_buffer_cstr(&b) + len + 1), len);
        rl_buffer_release(&b);
    }
}

Test(buffer, cstr_terminates_without_counting)
{
    rl_buffer b = {0};
    cr_assert_str_eq(rl_buffer_cstr(&b), "");
    cr_assert_eq(b.len, 0);
    while (b.len < b.cap)
        rl_buffer_add_char(&b, 'x'); /* exactly full: the zero needs more room */
    size_t len = b.len;
    cr_assert_eq(strlen(rl_buffer_cstr(&b)), len);
    cr_assert_eq(b.len, len);
    rl_buffer_add_char(&b, 'y');
    cr_assert_eq(rl_buffer_cstr(&b)[len], 'y');
    rl_buffer_release(&b);
}

Test(buffer, quotes_as_redis_does)
{
    static const struct {
        rl_bytes raw, quoted;
    } cases[] = {
        {RL_BYTES(""), RL_BYTES("\"\"")},
        {RL_BYTES("plain ~'`"), RL_BYTES("\"plain ~'`\"")},
        {RL_BYTES("a\"b\\c"), RL_BYTES("\"a\\\"b\\\\c\"")},
        {RL_BYTES("\n\r\t\a\b"), RL_BYTES("\"\\n\\r\\t\\a\\b\"")},
        {RL_BYTES("\0\x01\x1f\x7f\x80\xff"), RL_BYTES("\"\\x00\\x01\\x1f\\x7f\\x80\\xff\"")},
        {RL_BYTES("\v\f\x1b"), RL_BYTES("\"\\x0b\\x0c\\x1b\"")},
        {RL_BYTES("\xc3\xa9"), RL_BYTES("\"\\xc3\\xa9\"")},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        rl_buffer b = {0};
        rl_buffer_add_quoted(&b, cases[i].raw);
        expect(&b, cases[i].quoted);
        rl_buffer_release(&b);
    }
}
