/* SPDX-License-Identifier: MIT */
/* Replies in RESP2 and RESP3. See reply.h. */
#include "resp/reply.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/number.h"

#define HEADER_MAX 32 /* a type byte, a 64-bit number and \r\n */

void rl_reply_raw(rl_reply *r, rl_bytes bytes) {
    rl_chain_add(r->chain, bytes.ptr, bytes.len);
}

/* Writes "<type><number>\r\n" at `to` and returns its length. */
static inline size_t header_format(char *to, char type, int64_t number) {
    to[0] = type;
    if (number >= 0 && number < 10) {
        to[1] = (char)('0' + number);
        to[2] = '\r';
        to[3] = '\n';
        return 4;
    }
    size_t len = 1 + rl_int64_format(to + 1, number);
    to[len++] = '\r';
    to[len++] = '\n';
    return len;
}

static void header_add(rl_reply *r, char type, int64_t number) {
    char *to = rl_chain_reserve(r->chain, HEADER_MAX);
    rl_chain_commit(r->chain, header_format(to, type, number));
}

void rl_reply_status(rl_reply *r, const char *text) {
    rl_reply_literal(r, "+");
    rl_chain_add(r->chain, text, strlen(text));
    rl_reply_literal(r, "\r\n");
}

#define BULK_AT_ONCE 512 /* up to here header, bytes and end go out with one reservation */

void rl_reply_bulk(rl_reply *r, rl_bytes bytes) {
    if (bytes.len <= BULK_AT_ONCE) {
        char *to = rl_chain_reserve(r->chain, HEADER_MAX + BULK_AT_ONCE + 2);
        size_t len = header_format(to, '$', (int64_t)bytes.len);
        if (bytes.len)
            memcpy(to + len, bytes.ptr, bytes.len);
        len += bytes.len;
        to[len] = '\r';
        to[len + 1] = '\n';
        rl_chain_commit(r->chain, len + 2);
        return;
    }
    header_add(r, '$', (int64_t)bytes.len);
    rl_chain_add(r->chain, bytes.ptr, bytes.len);
    rl_reply_literal(r, "\r\n");
}

void rl_reply_text(rl_reply *r, const char *text) {
    rl_reply_bulk(r, rl_bytes_text(text));
}

void rl_reply_int(rl_reply *r, int64_t value) {
    header_add(r, ':', value);
}

void rl_reply_null(rl_reply *r) {
    if (r->resp >= 3)
        rl_reply_literal(r, "_\r\n");
    else
        rl_reply_literal(r, "$-1\r\n");
}

void rl_reply_null_array(rl_reply *r) {
    if (r->resp >= 3)
        rl_reply_literal(r, "_\r\n");
    else
        rl_reply_literal(r, "*-1\r\n");
}

void rl_reply_bool(rl_reply *r, bool value) {
    if (r->resp >= 3)
        rl_chain_add(r->chain, value ? "#t\r\n" : "#f\r\n", 4);
    else
        rl_reply_int(r, value);
}

void rl_reply_double(rl_reply *r, double value) {
    char text[64];
    size_t len = rl_double_format(text, value);
    if (r->resp < 3) {
        rl_reply_bulk(r, rl_bytes_of(text, len));
        return;
    }
    rl_reply_literal(r, ",");
    rl_chain_add(r->chain, text, len);
    rl_reply_literal(r, "\r\n");
}

void rl_reply_verbatim(rl_reply *r, const char format[3], rl_bytes text) {
    if (r->resp < 3) {
        rl_reply_bulk(r, text);
        return;
    }
    header_add(r, '=', (int64_t)text.len + 4);
    rl_chain_add(r->chain, format, 3);
    rl_reply_literal(r, ":");
    rl_chain_add(r->chain, text.ptr, text.len);
    rl_reply_literal(r, "\r\n");
}

void rl_reply_array(rl_reply *r, size_t count) {
    header_add(r, '*', (int64_t)count);
}

void rl_reply_map(rl_reply *r, size_t pairs) {
    if (r->resp >= 3)
        header_add(r, '%', (int64_t)pairs);
    else
        header_add(r, '*', (int64_t)pairs * 2);
}

void rl_reply_set(rl_reply *r, size_t count) {
    header_add(r, r->resp >= 3 ? '~' : '*', (int64_t)count);
}

void rl_reply_push(rl_reply *r, size_t count) {
    header_add(r, r->resp >= 3 ? '>' : '*', (int64_t)count);
}

void rl_reply_attribute(rl_reply *r, size_t pairs) {
    if (r->resp >= 3)
        header_add(r, '|', (int64_t)pairs);
}

/* One line: whatever would end it early becomes a blank. */
static void error_add(rl_reply *r, const char *text, size_t len) {
    r->errors++;
    size_t code = 0;
    while (code < len && code < sizeof r->error_code - 1 && text[code] != ' ') {
        r->error_code[code] = text[code];
        code++;
    }
    r->error_code[code] = '\0';
    rl_reply_literal(r, "-");
    for (size_t i = 0; i < len; i++) {
        char c = text[i] == '\r' || text[i] == '\n' ? ' ' : text[i];
        rl_chain_add(r->chain, &c, 1);
    }
    rl_reply_literal(r, "\r\n");
}

void rl_reply_error(rl_reply *r, const char *text) {
    error_add(r, text, strlen(text));
}

void rl_reply_errorf(rl_reply *r, const char *format, ...) {
    char local[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(local, sizeof local, format, args);
    va_end(args);
    if (len < 0)
        return;
    if ((size_t)len < sizeof local) {
        error_add(r, local, (size_t)len);
        return;
    }
    char *text = rl_malloc((size_t)len + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)len + 1, format, args);
    va_end(args);
    error_add(r, text, (size_t)len);
    rl_free(text);
}
