/* SPDX-License-Identifier: MIT */
/* Keys as commands: what is written, and in which order. */
#include "admin/writer.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static admin_sink sink;
static admin_writer w;
static char path[] = "/tmp/rubellite-writer-XXXXXX";

static void setup(void) {
    sink = (admin_sink){.fd = mkstemp(path)};
    cr_assert_geq(sink.fd, 0);
    unlink(path);
    admin_writer_init(&w, &sink, false, false);
}

static void teardown(void) {
    admin_writer_release(&w);
    close(sink.fd);
}

TestSuite(writer, .init = setup, .fini = teardown);

/* All that was written, a word for each argument and a line for each command. */
static const char *written(void) {
    static char raw[8 << 20], text[8 << 20];
    cr_assert(admin_writer_flush(&w));
    ssize_t len = pread(sink.fd, raw, sizeof raw, 0);
    cr_assert_geq(len, 0);
    char *to = text;
    for (const char *at = raw, *end = raw + len; at < end;) {
        cr_assert_eq(*at, '*');
        int argc = (int)strtol(at + 1, (char **)(uintptr_t)&at, 10);
        for (at += 2; argc > 0; argc--) {
            cr_assert_eq(*at, '$');
            size_t size = strtoul(at + 1, (char **)(uintptr_t)&at, 10);
            memcpy(to, at + 2, size);
            to += size;
            *to++ = argc > 1 ? ' ' : '\n';
            at += 2 + size + 2;
        }
    }
    *to = '\0';
    return text;
}

static void expect_written(const char *want) {
    const char *have = written();
    cr_assert_str_eq(have, want);
}

#define B(text) RL_BYTES(text)

Test(writer, strings_and_databases)
{
    admin_writer_begin(&w, 0, RL_TYPE_STRING, B("a"), RL_NEVER);
    cr_assert(admin_writer_string(&w, B("1")) && admin_writer_end(&w));
    admin_writer_begin(&w, 3, RL_TYPE_STRING, B("b"), 77);
    cr_assert(admin_writer_string(&w, B("2")) && admin_writer_end(&w));
    admin_writer_begin(&w, 0, RL_TYPE_STRING, B("c"), RL_NEVER);
    cr_assert(admin_writer_string(&w, B("3")) && admin_writer_end(&w));
    expect_written("SELECT 0\nSET a 1\nSET c 3\nSELECT 3\nSET b 2 PXAT 77\n");
    cr_assert_eq(w.keys, 3);
}

Test(writer, a_collection_begins_anew_and_expires_last)
{
    admin_writer_begin(&w, 0, RL_TYPE_LIST, B("l"), 99);
    cr_assert(admin_writer_element(&w, B("x")) && admin_writer_element(&w, B("y")));
    cr_assert(admin_writer_end(&w));
    admin_writer_begin(&w, 0, RL_TYPE_ZSET, B("z"), RL_NEVER);
    cr_assert(admin_writer_pair(&w, B("m"), B("1.5")) && admin_writer_end(&w));
    expect_written("SELECT 0\nDEL l\nRPUSH l x y\nPEXPIREAT l 99\nDEL z\nZADD z 1.5 m\n");
}

Test(writer, a_key_without_elements_is_none)
{
    admin_writer_begin(&w, 0, RL_TYPE_SET, B("s"), 99);
    cr_assert(admin_writer_end(&w));
    expect_written("");
    cr_assert_eq(w.keys, 0);
}

Test(writer, fields_that_expire_go_behind_their_hash)
{
    static const char *const names[] = {"a", "b", "c", "d"};
    static const int64_t times[] = {5, 5, RL_NEVER, 6};
    admin_writer_begin(&w, 0, RL_TYPE_HASH, B("h"), 99);
    for (int i = 0; i < 4; i++) {
        cr_assert(admin_writer_pair(&w, rl_bytes_text(names[i]), B("v")));
        if (times[i] != RL_NEVER)
            cr_assert(admin_writer_field_expiry(&w, rl_bytes_text(names[i]), times[i]));
    }
    cr_assert(admin_writer_end(&w));
    admin_writer_again(&w, 0, B("h"));
    cr_assert(admin_writer_field_expiry(&w, B("c"), 7) && admin_writer_end(&w));
    expect_written("SELECT 0\nDEL h\nHSET h a v b v c v d v\nHPEXPIREAT h 5 FIELDS 2 a b\n"
                   "HPEXPIREAT h 6 FIELDS 1 d\nPEXPIREAT h 99\nHPEXPIREAT h 7 FIELDS 1 c\n");
    cr_assert_eq(w.keys, 1);
}

/* A field never expires before the command that makes it: each expiry is of a field seen before. */
Test(writer, expiries_of_many_fields_never_come_first)
{
    char name[32], made[64], *next;
    admin_writer_begin(&w, 0, RL_TYPE_HASH, B("h"), RL_NEVER);
    for (int i = 0; i < 20000; i++) {
        snprintf(name, sizeof name, "field:%d", i);
        cr_assert(admin_writer_pair(&w, rl_bytes_text(name), B("v")));
        cr_assert(admin_writer_field_expiry(&w, rl_bytes_text(name), 1000 + i / 2));
    }
    cr_assert(admin_writer_end(&w));
    int seen = 0, expiries = 0;
    char *text = strdup(written());
    for (char *line = text; *line; line = next) {
        next = strchr(line, '\n');
        *next++ = '\0';
        if (strncmp(line, "HSET", 4) == 0) {
            snprintf(made, sizeof made, "%s", strrchr(line, 'f'));
            seen = atoi(made + 6);
        } else if (strncmp(line, "HPEXPIREAT", 10) == 0) {
            cr_assert_leq(atoi(strrchr(line, ':') + 1), seen, "%s", line);
            expiries++;
        }
    }
    free(text);
    cr_assert_eq(seen, 19999);
    cr_assert(expiries >= 10000 && expiries < 10200, "%d", expiries); /* two fields at a time */
}

Test(writer, without_expiries)
{
    w.no_expiry = true;
    admin_writer_begin(&w, 0, RL_TYPE_HASH, B("h"), 99);
    cr_assert(admin_writer_pair(&w, B("f"), B("v")) && admin_writer_field_expiry(&w, B("f"), 5) &&
              admin_writer_end(&w));
    w.no_expiry = false;
    w.compat = true;
    admin_writer_begin(&w, 0, RL_TYPE_STRING, B("s"), 99);
    cr_assert(admin_writer_string(&w, B("v")) && admin_writer_end(&w));
    expect_written("SELECT 0\nDEL h\nHSET h f v\nSET s v\nPEXPIREAT s 99\n");
}
