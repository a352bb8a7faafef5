/* SPDX-License-Identifier: MIT */
/* UTF-8, glob patterns, splitting. The glob and split tables were checked against
 * redis-server 7.0.15. */
#include "base/text.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/random.h"

/* ---- UTF-8 ---- */

/* Straight from the definition: decode, then look at the number. */
static bool plainly_utf8(const unsigned char *p, size_t len) {
    static const uint32_t least[] = {0, 1, 0x80, 0x800, 0x10000};
    for (size_t i = 0; i < len;) {
        size_t n = p[i] < 0x80             ? 1
                   : (p[i] & 0xe0) == 0xc0 ? 2
                   : (p[i] & 0xf0) == 0xe0 ? 3
                   : (p[i] & 0xf8) == 0xf0 ? 4
                                           : 0;
        if (n == 0 || n > len - i)
            return false;
        uint32_t point = n == 1 ? p[i] : p[i] & (0x7fu >> n);
        for (size_t k = 1; k < n; k++) {
            if ((p[i + k] & 0xc0) != 0x80)
                return false;
            point = point << 6 | (p[i + k] & 0x3f);
        }
        if (point < least[n] || point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff))
            return false;
        i += n;
    }
    return true;
}

static bool is_utf8(const void *p, size_t len) {
    return rl_text_is_utf8(rl_bytes_of(p, len));
}

Test(utf8, nothing_and_plain_text)
{
    cr_assert(is_utf8(NULL, 0));
    cr_assert(is_utf8("", 0));
    cr_assert(is_utf8("hello", 5));
    cr_assert(is_utf8("\x01\x7f", 2));
    cr_assert(is_utf8("h\xc3\xa9llo \xe2\x82\xac \xf0\x9f\x92\x8e", 15));
    cr_assert_not(is_utf8("\0", 1));
    cr_assert_not(is_utf8("a\0b", 3));
}

Test(utf8, every_one_two_and_three_byte_run)
{
    unsigned char b[3];
    for (unsigned x = 0; x < 256; x++) {
        b[0] = (unsigned char)x;
        cr_assert_eq(is_utf8(b, 1), plainly_utf8(b, 1), "%02x", x);
        for (unsigned y = 0; y < 256; y++) {
            b[1] = (unsigned char)y;
            cr_assert_eq(is_utf8(b, 2), plainly_utf8(b, 2), "%02x %02x", x, y);
            for (unsigned z = 0; x >= 0xc0 && z < 256; z++) {
                b[2] = (unsigned char)z;
                if (is_utf8(b, 3) != plainly_utf8(b, 3))
                    cr_assert_fail("%02x %02x %02x", x, y, z);
            }
        }
    }
}

Test(utf8, four_byte_runs_at_every_border)
{
    static const unsigned char leads[] = {0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xff};
    static const unsigned char follows[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90,
                                            0x9f, 0xa0, 0xbf, 0xc0, 0xf0, 0xff};
    unsigned accepted = 0;
    for (size_t a = 0; a < sizeof(leads); a++)
        for (size_t x = 0; x < sizeof(follows); x++)
            for (size_t y = 0; y < sizeof(follows); y++)
                for (size_t z = 0; z < sizeof(follows); z++) {
                    unsigned char b[] = {leads[a], follows[x], follows[y], follows[z]};
                    bool ok = is_utf8(b, 4);
                    cr_assert_eq(ok, plainly_utf8(b, 4), "%02x %02x %02x %02x", b[0], b[1], b[2],
                                 b[3]);
                    accepted += ok;
                }
    cr_assert_gt(accepted, 0);
}

Test(utf8, one_odd_byte_is_found_at_any_place_and_alignment)
{
    static const unsigned char odd[] = {0x00, 0x80, 0xbf, 0xc0, 0xc1, 0xc3, 0xe2, 0xf0, 0xf5, 0xff};
    char *space = rl_memalign(64, 256);
    for (size_t offset = 0; offset < 17; offset++)
        for (size_t len = 1; len <= 70; len++) {
            char *text = space + offset;
            memset(text, 'x', len);
            cr_assert(is_utf8(text, len));
            for (size_t at = 0; at < len; at++) {
                for (size_t i = 0; i < sizeof(odd); i++) {
                    text[at] = (char)odd[i];
                    if (is_utf8(text, len))
                        cr_assert_fail("offset %zu length %zu byte %02x at %zu", offset, len,
                                       odd[i], at);
                }
                text[at] = 'x';
                if (at + 2 <= len) {
                    memcpy(text + at, "\xc3\xa9", 2);
                    cr_assert(is_utf8(text, len));
                    memcpy(text + at, "xx", 2);
                }
            }
        }
    rl_free(space);
}

Test(utf8, random_mixtures_agree_with_the_definition)
{
    static const rl_bytes pieces[] = {
        RL_BYTES("a"),
        RL_BYTES("hello, world, hello"),
        RL_BYTES("\xc3\xa9"),
        RL_BYTES("\xe2\x82\xac"),
        RL_BYTES("\xf0\x9f\x92\x8e"),
        RL_BYTES("\xe2\x82"),
        RL_BYTES("\xed\xa0\x80"),
        RL_BYTES("\xf4\x90\x80\x80"),
        RL_BYTES("\x80"),
        RL_BYTES("\0"),
    };
    rl_random r;
    rl_random_seed(&r, 5);
    unsigned good = 0, bad = 0;
    for (int round = 0; round < 50000; round++) {
        rl_buffer b = {0};
        /* Mostly well-formed pieces, else nearly everything would be refused. */
        for (uint64_t n = rl_random_below(&r, 12); n > 0; n--)
            rl_buffer_add_bytes(&b, pieces[rl_random_below(&r, rl_random_below(&r, 16) ? 5 : 10)]);
        bool wanted = plainly_utf8((unsigned char *)b.ptr, b.len);
        cr_assert_eq(rl_text_is_utf8(rl_buffer_bytes(&b)), wanted);
        *(wanted ? &good : &bad) += 1;
        rl_buffer_release(&b);
    }
    cr_assert(good > 1000 && bad > 1000, "%u good, %u bad", good, bad);
}

/* ---- glob ---- */

static const struct glob_case {
    rl_bytes pattern, text;
    bool match, ignore_case;
} glob_cases[] = {
#define YES(p, t)                                                                                  \
    { RL_BYTES(p), RL_BYTES(t), true, false }
#define NO(p, t)                                                                                   \
    { RL_BYTES(p), RL_BYTES(t), false, false }
    YES("", ""), NO("", "a"), NO("a", ""), YES("a", "a"), NO("a", "b"), NO("a", "A"), NO("ab", "a"),
    NO("a", "ab"), YES("*", "a"), YES("**", "abc"),
    NO("*", ""), /* Redis: nothing is matched by no star; its callers treat "*" apart */
    NO("**", ""), YES("a*", "a"), YES("a**", "a"), YES("*a", "a"), YES("a*c", "ac"),
    YES("a*c", "abbc"), NO("a*c", "abbcd"), YES("*b*", "abc"), YES("*a*b*c*", "xxaxxbxxc"),
    NO("*a*b*c*", "xxaxxcxxb"), YES("*ab", "aab"), YES("*aab", "aaab"), YES("?", "a"), NO("?", ""),
    NO("?", "ab"), YES("h?llo", "hello"), YES("*?", "a"), YES("?*", "a"), NO("?*?", "a"),
    YES("a?*", "ab"), NO("a?*", "a"), YES("[abc]", "b"), NO("[abc]", "d"), YES("[^abc]", "d"),
    NO("[^abc]", "a"), NO("[^a]", ""), YES("[a-c]", "b"), YES("[c-a]", "b"), NO("[a-c]", "d"),
    YES("[a-cx-z]", "y"), NO("[^a-c]", "b"), YES("[a^]", "^"), YES("[!a]", "!"), NO("[!a]", "b"),
    /* classes that are not closed, or hardly */
    NO("[", "["), NO("[", "a"), YES("[a", "a"), YES("[ab", "b"), NO("[]", "]"), NO("[]a]", "a]"),
    YES("[^]", "a"), YES("[^", "a"), YES("[^a", "b"), YES("[a-", "a"), YES("[a-", "-"),
    NO("[a-", "b"), YES("[a-]", "_"), /* a range from 'a' to ']', not closed */
    YES("[-a]", "-"), YES("[\\]]", "]"), YES("[\\", "\\"), YES("[\\]", "]"), YES("[a\\-z]", "-"),
    NO("[a\\-z]", "b"), YES("[\\a-c]", "a"), YES("[\\a-c]", "-"), NO("[\\a-c]", "b"), NO("*[", "x"),
    /* escapes */
    YES("\\*", "*"), NO("\\*", "a"), YES("\\?", "?"), YES("\\[a]", "[a]"), YES("\\\\", "\\"),
    YES("\\a", "a"), YES("a\\", "a\\"), NO("a\\", "a"), YES("*\\", "a\\"),
    /* bytes beyond ASCII: ranges compare them as signed */
    YES("\xc3?", "\xc3\xa9"), YES("[\x80-\xff]", "\xa9"), NO("[a-\xff]", "b"), YES("[a-\xff]", "A"),
    YES("a\0*", "a\0b"), NO("a\0b", "a\0c"),
#undef YES
#undef NO
#define YES(p, t)                                                                                  \
    { RL_BYTES(p), RL_BYTES(t), true, true }
#define NO(p, t)                                                                                   \
    { RL_BYTES(p), RL_BYTES(t), false, true }
    YES("MaxMemory*", "maxmemory-policy"), YES("a", "A"), YES("[A-C]", "b"), YES("[a-c]", "B"),
    YES("[xY]", "y"), NO("[^xY]", "y"), YES("\\A", "a"),
    NO("[\\A]", "a"),                               /* escaped in a class: itself only */
    NO("@", "`"), NO("[", "{"), NO("\xc9", "\xe9"), /* ASCII letters only */
#undef YES
#undef NO
};

Test(glob, table)
{
    for (size_t i = 0; i < sizeof(glob_cases) / sizeof(glob_cases[0]); i++) {
        const struct glob_case *c = &glob_cases[i];
        cr_assert_eq(rl_text_glob(c->pattern, c->text, c->ignore_case), c->match,
                     "pattern '%s' text '%s'", c->pattern.ptr, c->text.ptr);
    }
}

/* Whether one byte matches the element at p, and where the element ends; written without looking at
 * the code under test, on positions instead of pointers. */
static bool element(const char *p, size_t len, size_t *at, char c) {
    size_t i = *at;
    if (p[i] == '?') {
        *at = i + 1;
        return true;
    }
    if (p[i] != '[') {
        if (p[i] == '\\' && i + 1 < len)
            i++;
        *at = i + 1;
        return p[i] == c;
    }
    bool not = i + 1 < len && p[i + 1] == '^', found = false;
    i += not ? 2 : 1;
    while (i < len && p[i] != ']') {
        if (p[i] == '\\' && i + 1 < len) {
            found = found || p[i + 1] == c;
            i += 2;
        } else if (i + 2 < len && p[i + 1] == '-') {
            int low = (signed char)p[i], high = (signed char)p[i + 2], x = (signed char)c;
            found = found || (low <= high ? low <= x && x <= high : high <= x && x <= low);
            i += 3;
        } else {
            found = found || p[i] == c;
            i++;
        }
    }
    *at = i < len ? i + 1 : i;
    return found != not ;
}

static bool plain_glob(const char *p, size_t len, const char *t, size_t left) {
    if (len == 0)
        return left == 0;
    if (p[0] == '*')
        return plain_glob(p + 1, len - 1, t, left) || (left && plain_glob(p, len, t + 1, left - 1));
    size_t at = 0;
    if (left == 0)
        return false;
    bool match = element(p, len, &at, t[0]);
    return match && plain_glob(p + at, len - at, t + 1, left - 1);
}

Test(glob, random_patterns_agree_with_a_plain_recursive_matcher)
{
    static const char letters[] = "abAB]^-\\*?[z\x80\xff**??[[";
    rl_random r;
    rl_random_seed(&r, 11);
    unsigned matched = 0;
    for (int round = 0; round < 400000; round++) {
        char pattern[10], text[6];
        size_t plen = 1 + rl_random_below(&r, sizeof(pattern)), tlen = 1 + rl_random_below(&r, 6);
        for (size_t i = 0; i < plen; i++)
            pattern[i] = letters[rl_random_below(&r, sizeof(letters) - 1)];
        for (size_t i = 0; i < tlen; i++)
            text[i] = letters[rl_random_below(&r, 14)];
        bool wanted = plain_glob(pattern, plen, text, tlen);
        matched += wanted;
        if (rl_text_glob(rl_bytes_of(pattern, plen), rl_bytes_of(text, tlen), false) != wanted)
            cr_assert_fail("pattern '%.*s' text '%.*s': wanted %d", (int)plen, pattern, (int)tlen,
                           text, wanted);
    }
    cr_assert_gt(matched, 10000);
}

Test(glob, many_stars_do_not_explode, .timeout = 60)
{
    /* Tried naively these take longer than the universe has. */
    rl_buffer pattern = {0}, text = {0};
    for (int i = 0; i < 1000; i++)
        rl_buffer_add_text(&pattern, i % 2 ? "*a" : "*?");
    rl_buffer_add_text(&pattern, "*b");
    for (int i = 0; i < 5000; i++)
        rl_buffer_add_char(&text, 'a');
    cr_assert_not(rl_text_glob(rl_buffer_bytes(&pattern), rl_buffer_bytes(&text), false));
    rl_buffer_add_char(&text, 'b');
    cr_assert(rl_text_glob(rl_buffer_bytes(&pattern), rl_buffer_bytes(&text), false));
    rl_buffer_release(&pattern);
    rl_buffer_release(&text);
}

/* ---- splitting ---- */

/* The arguments as one text "[a][b]", or "refused". */
static void expect_split(rl_bytes line, const char *wanted) {
    rl_buffer storage = {0}, shown = {0};
    rl_bytes *args = NULL;
    size_t count = 99;
    /* A copy of exact size: the sanitizer sees a read past the end. */
    char *copy = rl_malloc(line.len);
    if (line.len)
        memcpy(copy, line.ptr, line.len);
    rl_buffer_add_text(&storage, "kept");
    if (rl_text_split(rl_bytes_of(copy, line.len), &storage, &args, &count)) {
        for (size_t i = 0; i < count; i++) {
            cr_assert(args[i].ptr >= storage.ptr + 4 &&
                      args[i].ptr + args[i].len <= storage.ptr + storage.len);
            rl_buffer_add_char(&shown, '[');
            rl_buffer_add_bytes(&shown, args[i]);
            rl_buffer_add_char(&shown, ']');
        }
        cr_assert_eq(args == NULL, count == 0);
    } else {
        rl_buffer_add_text(&shown, "refused");
        cr_assert_null(args);
        cr_assert_eq(storage.len, 4, "a refused line leaves nothing behind");
    }
    cr_assert_eq(memcmp(storage.ptr, "kept", 4), 0);
    cr_assert_str_eq(rl_buffer_cstr(&shown), wanted);
    rl_free(args);
    rl_free(copy);
    rl_buffer_release(&storage);
    rl_buffer_release(&shown);
}

Test(split, table)
{
    static const struct {
        rl_bytes line;
        const char *wanted;
    } cases[] = {
        {RL_BYTES(""), ""},
        {RL_BYTES("  \t\r\n\v\f "), ""},
        {RL_BYTES("a"), "[a]"},
        {RL_BYTES("  set  key\tvalue \r\n"), "[set][key][value]"},
        {RL_BYTES("a\vb \fc"),
         "[a\vb][c]"}, /* these two separate nothing, and are skipped in front */
        {RL_BYTES("\"\""), "[]"},
        {RL_BYTES("'' \"\" x"), "[][][x]"},
        {RL_BYTES("\"a b\" 'c d'"), "[a b][c d]"},
        {RL_BYTES("ab\"c d\""), "[abc d]"},
        {RL_BYTES("ab'c d'"), "[abc d]"},
        {RL_BYTES("\"a\"\v\"b\""), "[a][b]"},
        {RL_BYTES("\"\\n\\r\\t\\b\\a\""), "[\n\r\t\b\a]"},
        {RL_BYTES("\"\\\"\\\\\\q\""), "[\"\\q]"},
        {RL_BYTES("\"\\x41\\xe9\\xFf\""), "[A\xe9\xff]"},
        {RL_BYTES("\"\\x4\""), "[x4]"},
        {RL_BYTES("\"\\xg1\\x1g\""), "[xg1x1g]"},
        {RL_BYTES("\"'\" '\"'"), "['][\"]"},
        {RL_BYTES("'a\\'b' '\\n' '\\\\x'"), "[a'b][\\n][\\\\x]"},
        {RL_BYTES("'a\\\\'"), "refused"}, /* a backslash before the quote, escaped or not */
        {RL_BYTES("a\\nb \\\"x\""), "[a\\nb][\\x]"}, /* no escapes outside quotes */
        {RL_BYTES("a\\nb\\x41"), "[a\\nb\\x41]"},
        {RL_BYTES("\"a"), "refused"},
        {RL_BYTES("'a"), "refused"},
        {RL_BYTES("\""), "refused"},
        {RL_BYTES("\"a\\\""), "refused"},
        {RL_BYTES("\"a\\"), "refused"},
        {RL_BYTES("'a\\'"), "refused"},
        {RL_BYTES("\"\\x4"), "refused"},
        {RL_BYTES("\"a\"b"), "refused"},
        {RL_BYTES("'a''b'"), "refused"},
        {RL_BYTES("ok ok 'a'b"), "refused"},
        {RL_BYTES("a b\0c d"), "[a][b]"},
        {RL_BYTES("\0a"), ""},
        {RL_BYTES("\"a\0\""), "refused"},
        {RL_BYTES("\xc3\xa9 \xff"), "[\xc3\xa9][\xff]"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        expect_split(cases[i].line, cases[i].wanted);
}

Test(split, a_zero_can_be_written_as_an_escape)
{
    rl_buffer storage = {0};
    rl_bytes *args;
    size_t count;
    cr_assert(rl_text_split(RL_BYTES("\"a\\x00b\""), &storage, &args, &count));
    cr_assert_eq(count, 1);
    cr_assert(rl_bytes_equal(args[0], RL_BYTES("a\0b")));
    rl_free(args);
    rl_buffer_release(&storage);
}

Test(split, thousands_of_arguments_and_a_long_one)
{
    rl_buffer line = {0}, storage = {0};
    rl_bytes *args;
    size_t count;
    for (int i = 0; i < 5000; i++)
        rl_buffer_printf(&line, "%d ", i);
    for (int i = 0; i < 100000; i++)
        rl_buffer_add_char(&line, 'x');
    cr_assert(rl_text_split(rl_buffer_bytes(&line), &storage, &args, &count));
    cr_assert_eq(count, 5001);
    for (int i = 0; i < 5000; i++) {
        char wanted[16];
        snprintf(wanted, sizeof(wanted), "%d", i);
        cr_assert(rl_bytes_equal(args[i], rl_bytes_text(wanted)));
    }
    cr_assert_eq(args[5000].len, 100000);
    rl_free(args);
    rl_buffer_release(&line);
    rl_buffer_release(&storage);
}

Test(split, undoes_quoting_for_any_bytes)
{
    rl_random r;
    rl_random_seed(&r, 3);
    for (int round = 0; round < 5000; round++) {
        rl_bytes wanted[5];
        char raw[5][40];
        size_t n = 1 + rl_random_below(&r, 5), count;
        rl_buffer line = {0}, storage = {0};
        for (size_t i = 0; i < n; i++) {
            size_t len = rl_random_below(&r, sizeof(raw[0]));
            for (size_t k = 0; k < len; k++)
                raw[i][k] = (char)rl_random_next(&r);
            wanted[i] = rl_bytes_of(raw[i], len);
            rl_buffer_add_text(&line, " ");
            rl_buffer_add_quoted(&line, wanted[i]);
        }
        rl_bytes *args;
        cr_assert(rl_text_split(rl_buffer_bytes(&line), &storage, &args, &count));
        cr_assert_eq(count, n);
        for (size_t i = 0; i < n; i++)
            cr_assert(rl_bytes_equal(args[i], wanted[i]));
        rl_free(args);
        rl_buffer_release(&line);
        rl_buffer_release(&storage);
    }
}
