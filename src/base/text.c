/* SPDX-License-Identifier: MIT */
/* UTF-8, glob patterns, argument splitting. */
#include "base/text.h"

#include <stdint.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/alloc.h"

/* ---- UTF-8 ---- */

/* The start of the first 8 bytes (16 with SSE2) that are not plain ASCII without zeros, or the last
 * few. */
static const unsigned char *skip_ascii(const unsigned char *p, const unsigned char *end) {
#if defined(__SSE2__)
    const __m128i zero = _mm_setzero_si128();
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        /* As signed bytes, exactly 0x01 to 0x7f are greater than zero. */
        if (_mm_movemask_epi8(_mm_cmpgt_epi8(v, zero)) != 0xffff)
            return p;
    }
#endif
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    for (; end - p >= 8; p += 8) {
        uint64_t v;
        memcpy(&v, p, 8);
        /* The subtraction borrows into a high bit when a byte is zero. */
        if (((v - ones) | v) & highs)
            return p;
    }
    return p;
}

/* The length of the well-formed sequence of two bytes or more at p, or 0. Unicode's table 3-7: the
 * second byte's range depends on the first, all further ones are 80..BF. */
static size_t sequence_len(const unsigned char *p, const unsigned char *end) {
    unsigned char lead = p[0], low = 0x80, high = 0xbf;
    size_t len;
    if (lead < 0xc2) {
        return 0;
    } else if (lead < 0xe0) {
        len = 2;
    } else if (lead < 0xf0) {
        len = 3;
        if (lead == 0xe0)
            low = 0xa0; /* below: overlong */
        else if (lead == 0xed)
            high = 0x9f; /* above: surrogates */
    } else if (lead < 0xf5) {
        len = 4;
        if (lead == 0xf0)
            low = 0x90; /* below: overlong */
        else if (lead == 0xf4)
            high = 0x8f; /* above: beyond U+10FFFF */
    } else {
        return 0;
    }
    if ((size_t)(end - p) < len || p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return len;
}

bool rl_text_is_utf8(rl_bytes bytes) {
    if (bytes.len == 0)
        return true;
    const unsigned char *p = (const unsigned char *)bytes.ptr, *end = p + bytes.len;
    while (p < end) {
        p = skip_ascii(p, end);
        /* Byte by byte up to the next run of ASCII: after eight such bytes the wide steps pay
         * again. */
        for (int run = 0; p < end && run < 8;) {
            if (*p >= 0x80) {
                size_t len = sequence_len(p, end);
                if (len == 0)
                    return false;
                p += len;
                run = 0;
            } else if (*p == 0) {
                return false;
            } else {
                p++;
                run++;
            }
        }
    }
    return true;
}

/* ---- glob ---- */

static unsigned char lower(unsigned char c) {
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

static bool same(char a, char b, bool ignore_case) {
    return a == b || (ignore_case && lower((unsigned char)a) == lower((unsigned char)b));
}

/* Redis compares the ends of a range as C's char, which is signed on the machines it mostly runs
 * on: bytes from 0x80 come before ASCII there, and a range with its ends the wrong way round is
 * turned. */
static bool in_range(char from, char to, char c, bool ignore_case) {
    signed char low = (signed char)from, high = (signed char)to, x = (signed char)c;
    if (low > high) {
        signed char swap = low;
        low = high;
        high = swap;
    }
    if (ignore_case) {
        low = (signed char)lower((unsigned char)low);
        high = (signed char)lower((unsigned char)high);
        x = (signed char)lower((unsigned char)x);
    }
    return x >= low && x <= high;
}

/* Matches c against the class that starts behind '[' at p; *next becomes what follows it. A class
 * without its ']' ends with the pattern. */
static bool match_class(const char *p, const char *end, char c, bool ignore_case,
                        const char **next) {
    bool negated = p < end && *p == '^', found = false;
    if (negated)
        p++;
    for (; p < end && *p != ']'; p++) {
        if (*p == '\\' && end - p >= 2) {
            p++;
            found |= *p == c; /* an escaped byte means itself, its case included */
        } else if (end - p >= 3 && p[1] == '-') {
            found |= in_range(p[0], p[2], c, ignore_case);
            p += 2;
        } else {
            found |= same(*p, c, ignore_case);
        }
    }
    *next = p < end ? p + 1 : p;
    return found != negated;
}

/* Matches one byte against the pattern element at p, which is not a star. */
static bool match_one(const char *p, const char *end, char c, bool ignore_case, const char **next) {
    switch (*p) {
    case '?':
        *next = p + 1;
        return true;
    case '[':
        return match_class(p + 1, end, c, ignore_case, next);
    case '\\':
        if (end - p >= 2)
            p++;
        break;
    default:
        break;
    }
    *next = p + 1;
    return same(*p, c, ignore_case);
}

/* Every element but the star eats exactly one byte. So when matching fails, only the latest star
 * needs to try again with one byte more: whatever an earlier one could reach, the latest can too.
 */
bool rl_text_glob(rl_bytes pattern, rl_bytes text, bool ignore_case) {
    if (text.len == 0)
        return pattern.len == 0; /* as Redis: not even a star matches nothing at all */
    if (pattern.len == 0)
        return false;
    const char *p = pattern.ptr, *p_end = p + pattern.len;
    const char *t = text.ptr, *t_end = t + text.len;
    const char *star = NULL,
               *star_text = NULL; /* behind the latest star, and where its rest began */
    while (t < t_end) {
        const char *next;
        if (p < p_end && *p == '*') {
            star = ++p;
            star_text = t;
            if (star == p_end)
                return true;
        } else if (p < p_end && match_one(p, p_end, *t, ignore_case, &next)) {
            p = next;
            t++;
        } else if (star) {
            p = star;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < p_end && *p == '*')
        p++;
    return p == p_end;
}

/* ---- splitting ---- */

/* What may stand between arguments. */
static bool is_blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* What ends an unquoted argument: fewer bytes than may stand between them, as in Redis, which keeps
 * a vertical tab or form feed inside a word. */
static bool ends_word(char c) {
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static int hex_digit(char c) {
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)lower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static char unescape(char c) {
    switch (c) {
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    case 'b':
        return '\b';
    case 'a':
        return '\a';
    default:
        return c;
    }
}

/* Copies the quoted run whose opening quote is at p to *out. Returns what follows its closing
 * quote, or NULL when there is none or a non-blank follows. */
static const char *copy_quoted(const char *p, const char *end, char **out) {
    const char quote = *p++;
    while (p < end && *p != quote) {
        if (quote == '"' && *p == '\\' && end - p >= 4 && p[1] == 'x' && hex_digit(p[2]) >= 0 &&
            hex_digit(p[3]) >= 0) {
            *(*out)++ = (char)(hex_digit(p[2]) * 16 + hex_digit(p[3]));
            p += 4;
        } else if (quote == '"' && *p == '\\' && end - p >= 2) {
            *(*out)++ = unescape(p[1]);
            p += 2;
        } else if (quote == '\'' && *p == '\\' && end - p >= 2 && p[1] == '\'') {
            *(*out)++ = '\'';
            p += 2;
        } else {
            *(*out)++ = *p++;
        }
    }
    if (p == end)
        return NULL;
    p++;
    return p == end || is_blank(*p) ? p : NULL;
}

/* Copies one argument to *out; a quoted run may start inside it and then ends it. */
static const char *copy_argument(const char *p, const char *end, char **out) {
    for (; p < end && !ends_word(*p); p++) {
        if (*p == '"' || *p == '\'')
            return copy_quoted(p, end, out);
        *(*out)++ = *p;
    }
    return p;
}

bool rl_text_split(rl_bytes line, rl_buffer *storage, rl_bytes **args, size_t *count) {
    *args = NULL;
    *count = 0;
    if (line.len == 0)
        return true;
    /* Redis takes the line for a C string here. */
    const char *zero = memchr(line.ptr, '\0', line.len);
    const char *p = line.ptr, *end = zero ? zero : p + line.len;

    /* No argument is longer than its text, so one reservation keeps all pointers still. */
    char *out = rl_buffer_reserve(storage, line.len);
    rl_bytes *list = NULL;
    size_t used = 0, cap = 0;
    for (;;) {
        while (p < end && is_blank(*p))
            p++;
        if (p == end)
            break;
        char *start = out;
        p = copy_argument(p, end, &out);
        if (!p) {
            rl_free(list);
            return false;
        }
        if (used == cap) {
            cap = cap ? cap * 2 : 8;
            list = rl_realloc(list, cap * sizeof(*list));
        }
        list[used++] = rl_bytes_of(start, (size_t)(out - start));
    }
    storage->len = (size_t)(out - storage->ptr);
    *args = list;
    *count = used;
    return true;
}
