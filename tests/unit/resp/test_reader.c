/* SPDX-License-Identifier: MIT */
/* The request reader: what it reads, what it refuses and in which words, in whatever pieces. */
#include "resp/reader.h"

#include <criterion/criterion.h>
#include <stdio.h>

#include "base/random.h"
#include "lib/reader_pieces.h"

#define MEGABYTE (1024 * 1024)

static const rl_reader_limits usual = {512 * MEGABYTE, true};
static const rl_reader_limits stranger = {512 * MEGABYTE, false};

/* What comes out when the input is handed over at once. The caller frees it. */
static char *read_all(rl_bytes input, rl_reader_limits limits) {
    pieces p;
    pieces_init(&p, limits, PIECES_WINDOW_MAX, 0);
    pieces_feed(&p, input.ptr, input.len);
    char *text = strdup(rl_buffer_cstr(&p.text));
    pieces_release(&p);
    return text;
}

static void expect_with(rl_bytes input, rl_reader_limits limits, const char *want) {
    char *got = read_all(input, limits);
    cr_expect_str_eq(got, want, "input \"%.*s\"", input.len < 80 ? (int)input.len : 80, input.ptr);
    free(got);
}

#define EXPECT(input, want) expect_with(RL_BYTES(input), usual, want)

Test(reader, reads_an_array_of_bulks)
{
    EXPECT("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", "2: \"GET\" \"k\"\n");
    EXPECT("*1\r\n$0\r\n\r\n", "1: \"\"\n");
    EXPECT("*1\r\n$4\r\na\r\nb\r\n", "1: \"a\\r\\nb\"\n");
    EXPECT("*1\r\n$3\r\na\0b\r\n", "1: \"a\\x00b\"\n");
}

Test(reader, reads_one_request_after_another)
{
    EXPECT("*1\r\n$4\r\nPING\r\n*2\r\n$4\r\nECHO\r\n$2\r\nhi\r\n",
           "1: \"PING\"\n2: \"ECHO\" \"hi\"\n");
    EXPECT("PING\r\n*1\r\n$4\r\nPING\r\nPING\r\n", "1: \"PING\"\n1: \"PING\"\n1: \"PING\"\n");
}

Test(reader, an_empty_request_has_no_arguments)
{
    EXPECT("*0\r\n", "0:\n");
    EXPECT("*-1\r\n*-100\r\n", "0:\n0:\n");
    EXPECT("\r\n", "0:\n");
    EXPECT("\n\n", "0:\n0:\n");
    EXPECT("   \r\nPING\r\n", "0:\n1: \"PING\"\n");
}

Test(reader, reads_inline_requests)
{
    EXPECT("SET  key\t'a b'\r\n", "3: \"SET\" \"key\" \"a b\"\n");
    EXPECT("ECHO \"\\x41\\n\"\n", "2: \"ECHO\" \"A\\n\"\n");
    EXPECT("$3\r\n", "1: \"$3\"\n");
}

Test(reader, an_incomplete_request_is_nothing_yet)
{
    EXPECT("", "");
    EXPECT("*", "");
    EXPECT("*2\r", "");
    EXPECT("*2\r\n", "");
    EXPECT("*2\r\n$3\r\nGET\r\n", "");
    EXPECT("*1\r\n$4\r\nPING\r", "");
    EXPECT("PIN", "");
}

Test(reader, refuses_in_the_known_words)
{
    EXPECT("*x\r\n", "error: Protocol error: invalid multibulk length\n");
    EXPECT("*1 \r\n", "error: Protocol error: invalid multibulk length\n");
    EXPECT("*\r\n", "error: Protocol error: invalid multibulk length\n");
    EXPECT("*01\r\n", "error: Protocol error: invalid multibulk length\n");
    EXPECT("*2147483648\r\n", "error: Protocol error: invalid multibulk length\n");
    EXPECT("*99999999999999999999\r\n", "error: Protocol error: invalid multibulk length\n");
    EXPECT("*1\r\nPING\r\n", "error: Protocol error: expected '$', got 'P'\n");
    EXPECT("*1\r\n$x\r\n", "error: Protocol error: invalid bulk length\n");
    EXPECT("*1\r\n$-1\r\n", "error: Protocol error: invalid bulk length\n");
    EXPECT("*1\r\n$536870913\r\n", "error: Protocol error: invalid bulk length\n");
    EXPECT("GET 'a\r\n", "error: Protocol error: unbalanced quotes in request\n");
    EXPECT("GET \"a\"b\r\n", "error: Protocol error: unbalanced quotes in request\n");
}

Test(reader, requests_before_an_error_count)
{
    EXPECT("PING\r\n*1\r\n$4\r\nPING\r\n*1\r\n:1\r\n",
           "1: \"PING\"\n1: \"PING\"\nerror: Protocol error: expected '$', got ':'\n");
}

Test(reader, the_longest_bulk_is_a_limit)
{
    rl_reader_limits limits = {4, true};
    expect_with(RL_BYTES("*1\r\n$4\r\nPING\r\n"), limits, "1: \"PING\"\n");
    expect_with(RL_BYTES("*1\r\n$5\r\n"), limits, "error: Protocol error: invalid bulk length\n");
}

Test(reader, strangers_may_say_little)
{
    expect_with(RL_BYTES("*10\r\n"), stranger, "");
    expect_with(RL_BYTES("*11\r\n"), stranger,
                "error: Protocol error: unauthenticated multibulk length\n");
    expect_with(RL_BYTES("*1\r\n$16384\r\n"), stranger, "");
    expect_with(RL_BYTES("*1\r\n$16385\r\n"), stranger,
                "error: Protocol error: unauthenticated bulk length\n");
}

/* `fill` so often, then `end`. */
static void expect_long_line(const char *start, char fill, size_t count, const char *end,
                             const char *want) {
    rl_buffer input = {0};
    rl_buffer_add_text(&input, start);
    for (size_t i = 0; i < count; i++)
        rl_buffer_add_char(&input, fill);
    rl_buffer_add_text(&input, end);
    expect_with(rl_buffer_bytes(&input), usual, want);
    rl_buffer_release(&input);
}

Test(reader, a_line_has_a_limit_whether_or_not_it_ends)
{
    const char *too_big = "error: Protocol error: too big inline request\n";
    expect_long_line("", 'a', RL_READER_INLINE_MAX, "", "");
    expect_long_line("", 'a', RL_READER_INLINE_MAX + 1, "", too_big);
    expect_long_line("", 'a', RL_READER_INLINE_MAX + 1, "\r\nPING\r\n", too_big);
    const char *big_count = "error: Protocol error: too big mbulk count string\n";
    expect_long_line("*", '1', RL_READER_INLINE_MAX, "", big_count);
    expect_long_line("*", '1', RL_READER_INLINE_MAX, "\r\n", big_count);
    const char *big_bulk = "error: Protocol error: too big bulk count string\n";
    expect_long_line("*1\r\n$", '1', RL_READER_INLINE_MAX, "", big_bulk);
    expect_long_line("*1\r\n$", '1', RL_READER_INLINE_MAX, "\r\n", big_bulk);
    expect_long_line("*1\r\nx", 'x', RL_READER_INLINE_MAX, "", big_bulk);
    expect_long_line("*1\r\nx", 'x', RL_READER_INLINE_MAX, "\r\n", big_bulk);
}

Test(reader, an_error_stays)
{
    rl_reader r;
    rl_request request;
    size_t offset = 0;
    rl_reader_init(&r);
    cr_assert_eq(rl_reader_next(&r, &usual, "*x\r\n", 4, &offset, &request), RL_READER_ERROR);
    const char *good = "PING\r\n";
    offset = 0;
    cr_assert_eq(rl_reader_next(&r, &usual, good, 6, &offset, &request), RL_READER_ERROR);
    cr_assert_str_eq(rl_reader_error(&r), "Protocol error: invalid multibulk length");
    rl_reader_release(&r);
}

Test(reader, tells_how_much_it_expects)
{
    const char *input = "*2\r\n$3\r\nSET\r\n$1000\r\n";
    size_t len = strlen(input), offset = 0;
    rl_reader r;
    rl_request request;
    rl_reader_init(&r);
    cr_assert_eq(rl_reader_expected(&r), 0);
    cr_assert_eq(rl_reader_next(&r, &usual, input, 4, &offset, &request), RL_READER_MORE);
    cr_assert_eq(rl_reader_expected(&r), 0);
    cr_assert_eq(rl_reader_next(&r, &usual, input, len, &offset, &request), RL_READER_MORE);
    cr_assert_eq(rl_reader_expected(&r), len + 1000 + 2);
    cr_assert_eq(offset, 0, "an incomplete request is not consumed");
    rl_reader_release(&r);
}

Test(reader, arguments_of_a_window_are_not_copied)
{
    const char *input = "*2\r\n$3\r\nGET\r\n$1\r\na\r\n*2\r\n$3\r\nGET\r\n$1\r\nb\r\n";
    size_t len = strlen(input), offset = 0;
    rl_reader r;
    rl_request first, second;
    rl_reader_init(&r);
    cr_assert_eq(rl_reader_next(&r, &usual, input, len, &offset, &first), RL_READER_REQUEST);
    cr_assert_eq(rl_reader_next(&r, &usual, input, len, &offset, &second), RL_READER_REQUEST);
    cr_assert_eq(first.end, len / 2);
    cr_assert_eq(second.end, len);
    cr_assert_eq(rl_reader_args(&r, &first)[1].ptr, input + len / 2 - 3);
    cr_assert_eq(rl_reader_args(&r, &second)[1].ptr, input + len - 3);
    rl_reader_release(&r);
}

Test(reader, large_argument_vectors_are_given_back)
{
    rl_buffer input = {0};
    rl_buffer_printf(&input, "*%d\r\n", 100000);
    for (int i = 0; i < 100000; i++)
        rl_buffer_add_text(&input, "$1\r\nx\r\n");
    rl_reader r;
    rl_request request;
    size_t offset = 0;
    rl_reader_init(&r);
    cr_assert_eq(rl_reader_next(&r, &usual, input.ptr, input.len, &offset, &request),
                 RL_READER_REQUEST);
    cr_assert_eq(request.argc, 100000);
    cr_assert_geq(rl_reader_memory(&r), 100000 * sizeof(rl_bytes));
    rl_reader_clear(&r, offset);
    cr_assert_leq(rl_reader_memory(&r), 64 * 1024);
    rl_buffer_release(&input);
    rl_reader_release(&r);
}

/* An unfinished request costs what was sent of it, whatever it promises. */
Test(reader, promises_take_no_memory)
{
    rl_reader r;
    rl_request request;
    size_t offset = 0;
    rl_reader_init(&r);
    const char *input = "*2147483647\r\n$536870912\r\n";
    cr_assert_eq(rl_reader_next(&r, &usual, input, strlen(input), &offset, &request),
                 RL_READER_MORE);
    cr_assert_leq(rl_reader_memory(&r), 4096);
    rl_reader_release(&r);
}

/* ---- in pieces ---- */

static void add_random_request(rl_buffer *out, rl_random *random) {
    if (rl_random_below(random, 5) == 0) {
        static const char *const lines[] = {
            "PING\r\n", "\r\n", "SET a 'b c'\n", "*0\r\n", "GET \"x\\x00\"\r\n", "*-1\r\n"};
        rl_buffer_add_text(out, lines[rl_random_below(random, 6)]);
        return;
    }
    int count = 1 + (int)rl_random_below(random, 6);
    rl_buffer_printf(out, "*%d\r\n", count);
    for (int i = 0; i < count; i++) {
        size_t len = rl_random_below(random, rl_random_below(random, 10) ? 12 : 3000);
        rl_buffer_printf(out, "$%zu\r\n", len);
        for (size_t k = 0; k < len; k++)
            rl_buffer_add_char(out, "\r\n*$a'\"0"[rl_random_below(random, 8)]);
        rl_buffer_add_text(out, "\r\n");
    }
}

/* Sometimes bytes are changed, so that errors are met as well. */
static void make_input(rl_buffer *out, rl_random *random) {
    rl_buffer_clear(out);
    for (uint64_t i = 1 + rl_random_below(random, 40); i > 0; i--)
        add_random_request(out, random);
    for (uint64_t i = rl_random_below(random, 3); i > 0; i--)
        out->ptr[rl_random_below(random, out->len)] = "*$\r\n0-'x"[rl_random_below(random, 8)];
}

Test(reader, pieces_read_as_the_whole)
{
    rl_random random;
    rl_random_seed(&random, 1);
    rl_buffer input = {0};
    for (int round = 0; round < 400; round++) {
        make_input(&input, &random);
        char *whole = read_all(rl_buffer_bytes(&input), usual);
        pieces p;
        pieces_init(&p, usual, 1 + (int)rl_random_below(&random, PIECES_WINDOW_MAX),
                    (int)rl_random_below(&random, 4));
        size_t most = 1 + rl_random_below(&random, round % 2 ? 4 : 700);
        for (size_t at = 0; at < input.len;) {
            size_t len = 1 + rl_random_below(&random, most);
            len = len < input.len - at ? len : input.len - at;
            pieces_feed(&p, input.ptr + at, len);
            at += len;
        }
        cr_assert_str_eq(rl_buffer_cstr(&p.text), whole, "round %d", round);
        pieces_release(&p);
        free(whole);
    }
    rl_buffer_release(&input);
}
