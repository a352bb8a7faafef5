/* SPDX-License-Identifier: MIT */
/* DEBUG PROTOCOL: one reply of each type, with the values that the tests of client libraries
 * expect of Redis. */
#include "commands/debug.h"

static void reply_string(rl_reply *r) {
    rl_reply_text(r, "Hello World");
}

static void reply_integer(rl_reply *r) {
    rl_reply_int(r, 12345);
}

static void reply_double(rl_reply *r) {
    rl_reply_double(r, 3.141);
}

static void reply_bignum(rl_reply *r) {
    if (r->resp >= 3)
        rl_reply_literal(r, "(1234567999999999999999999999999999999\r\n");
    else
        rl_reply_text(r, "1234567999999999999999999999999999999");
}

static void three(rl_reply *r) {
    for (int i = 0; i < 3; i++)
        rl_reply_int(r, i);
}

static void reply_array(rl_reply *r) {
    rl_reply_array(r, 3);
    three(r);
}

static void reply_set(rl_reply *r) {
    rl_reply_set(r, 3);
    three(r);
}

static void reply_map(rl_reply *r) {
    rl_reply_map(r, 3);
    for (int i = 0; i < 3; i++) {
        rl_reply_int(r, i);
        rl_reply_bool(r, i == 1);
    }
}

/* RESP2 has no attributes: only what they belong to is sent. */
static void reply_attribute(rl_reply *r) {
    if (r->resp >= 3) {
        rl_reply_attribute(r, 1);
        rl_reply_text(r, "key-popularity");
        rl_reply_array(r, 2);
        rl_reply_text(r, "key:123");
        rl_reply_int(r, 90);
    }
    rl_reply_text(r, "Some real reply following the attribute");
}

static void reply_push(rl_reply *r) {
    if (r->resp < 3) {
        rl_reply_error(r, "ERR RESP2 is not supported by this command");
        return;
    }
    rl_reply_push(r, 2);
    rl_reply_text(r, "server-cpu-usage");
    rl_reply_int(r, 42);
    rl_reply_text(r, "Some real reply following the push reply");
}

static void reply_verbatim(rl_reply *r) {
    rl_reply_verbatim(r, "txt", RL_BYTES("This is a verbatim\nstring"));
}

static void reply_true(rl_reply *r) {
    rl_reply_bool(r, true);
}

static void reply_false(rl_reply *r) {
    rl_reply_bool(r, false);
}

void rl_cmd_debug_protocol(rl_ctx *c) {
    static const struct {
        const char *type;
        void (*reply)(rl_reply *r);
    } types[] = {
        {"string", reply_string}, {"integer", reply_integer},   {"double", reply_double},
        {"bignum", reply_bignum}, {"null", rl_reply_null},      {"array", reply_array},
        {"set", reply_set},       {"map", reply_map},           {"attrib", reply_attribute},
        {"push", reply_push},     {"verbatim", reply_verbatim}, {"true", reply_true},
        {"false", reply_false}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (rl_bytes_is(c->argv[2], types[i].type)) {
            types[i].reply(c->reply);
            return;
        }
    }
    rl_reply_error(c->reply, "ERR Wrong protocol type name. Please use one of the following: "
                             "string|integer|double|bignum|null|array|set|map|attrib|push|"
                             "verbatim|true|false");
}
