/* SPDX-License-Identifier: MIT */
/* Reading requests and writing replies. */
#include <string.h>

#include "base/buffer.h"
#include "micro.h"
#include "resp/reader.h"
#include "resp/reply.h"

enum { WINDOW = 32, SMALL = 64000, BULK_BYTES = 100000, PIECE = 64 * 1024 };

static const rl_reader_limits limits = {512u << 20, true};

typedef struct requests {
    const char *row;
    void (*put)(rl_buffer *out, size_t number);
    size_t count;
} requests;

static void put_inline(rl_buffer *out, size_t number) {
    rl_buffer_printf(out, "GET key:%012zu\r\n", number);
}

static void put_get(rl_buffer *out, size_t number) {
    rl_buffer_printf(out, "*2\r\n$3\r\nGET\r\n$16\r\nkey:%012zu\r\n", number);
}

static void put_set(rl_buffer *out, size_t number) {
    rl_buffer_printf(out, "*3\r\n$3\r\nSET\r\n$16\r\nkey:%012zu\r\n$16\r\nvalue:%010zu\r\n", number,
                     number);
}

static void put_bulk(rl_buffer *out, size_t number) {
    rl_buffer_printf(out, "*3\r\n$3\r\nSET\r\n$16\r\nkey:%012zu\r\n$%d\r\n", number, BULK_BYTES);
    memset(rl_buffer_reserve(out, BULK_BYTES), 'x', BULK_BYTES);
    out->len += BULK_BYTES;
    rl_buffer_add_text(out, "\r\n");
}

/* As a session reads: windows of requests out of what has arrived, which is a piece more each time
 * nothing is complete. */
static size_t read_all(rl_reader *r, rl_bytes input) {
    size_t arrived = 0, consumed = 0, seen = 0;
    while (consumed < input.len) {
        arrived = arrived + PIECE < input.len ? arrived + PIECE : input.len;
        rl_reader_result got = RL_READER_REQUEST;
        while (got == RL_READER_REQUEST) {
            size_t offset = 0;
            rl_request request;
            for (int i = 0; i < WINDOW && got == RL_READER_REQUEST; i++) {
                got = rl_reader_next(r, &limits, input.ptr + consumed, arrived - consumed, &offset,
                                     &request);
                if (got == RL_READER_REQUEST)
                    seen += rl_reader_args(r, &request)[1].len;
            }
            micro_must(got != RL_READER_ERROR, "reading a request");
            rl_reader_clear(r, offset);
            consumed += offset;
        }
    }
    return seen;
}

static void read_requests(micro *m, const void *arg) {
    const requests *q = arg;
    rl_buffer input = {0};
    rl_reader reader;
    for (size_t i = 0; i < q->count; i++)
        q->put(&input, i);
    rl_reader_init(&reader);
    micro_start(m);
    micro_sink(read_all(&reader, rl_buffer_bytes(&input)));
    micro_stop(m, q->row, q->count);
    micro_bytes(m, q->row, (double)input.len / (double)q->count);
    rl_reader_release(&reader);
    rl_buffer_release(&input);
}

/* Replies are consumed as a flush would, each 16 KiB. */
static void drain(rl_chain *chain) {
    if (rl_chain_pending(chain) > 16384)
        rl_chain_consume(chain, rl_chain_pending(chain));
}

typedef struct replies {
    const char *row;
    void (*put)(rl_reply *r, size_t number);
} replies;

static void reply_ok(rl_reply *r, size_t number) {
    (void)number;
    rl_reply_ok(r);
}

static void reply_int(rl_reply *r, size_t number) {
    rl_reply_int(r, (int64_t)number * 1000);
}

static void reply_bulk(rl_reply *r, size_t number) {
    rl_reply_bulk(r, micro_name(number));
}

static void reply_double(rl_reply *r, size_t number) {
    rl_reply_double(r, (double)number / 100);
}

static void reply_array(rl_reply *r, size_t number) {
    rl_reply_array(r, 10);
    for (size_t i = 0; i < 10; i++)
        rl_reply_bulk(r, micro_name(number + i));
}

static void write_replies(micro *m, const void *arg) {
    static const replies all[] = {{"ok", reply_ok},
                                  {"integer", reply_int},
                                  {"bulk of 13", reply_bulk},
                                  {"double", reply_double},
                                  {"array of 10 bulks", reply_array}};
    (void)arg;
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        rl_chain chain = {0};
        rl_reply reply = {.chain = &chain, .resp = 3};
        micro_start(m);
        for (size_t i = 0; i < 10 * SMALL; i++) {
            all[k].put(&reply, i);
            drain(&chain);
        }
        micro_stop(m, all[k].row, 10 * SMALL);
        micro_bytes(m, all[k].row, (double)rl_chain_position(&chain) / (10 * SMALL));
        rl_chain_release(&chain);
    }
    rl_chain_pool_release();
}

static const requests inlines = {"inline GET", put_inline, SMALL};
static const requests gets = {"GET, pipelined", put_get, SMALL};
static const requests sets = {"SET, pipelined", put_set, SMALL};
static const requests bulks = {"SET of 100,000 bytes", put_bulk, 300};

static const micro_case cases[] = {
    {"read", read_requests, &inlines, false}, {"read", read_requests, &gets, false},
    {"read", read_requests, &sets, false},    {"read", read_requests, &bulks, false},
    {"reply", write_replies, NULL, false},
};
const micro_group micro_resp = {cases, sizeof cases / sizeof *cases};
