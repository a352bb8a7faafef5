/* SPDX-License-Identifier: MIT */
/*
 * Config texts: whatever is loaded or set must, written by CONFIG REWRITE, load again to the same
 * values, and writing it twice must change nothing.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/text.h"
#include "server/config.h"

static void add(void *arg, const char *name, rl_bytes value) {
    rl_buffer *out = arg;
    rl_buffer_printf(out, "%s=", name);
    rl_buffer_add_bytes(out, value);
    rl_buffer_add_char(out, '\n');
}

static void check(bool ok) {
    if (!ok)
        abort();
}

static void all_values(const rl_config *c, rl_buffer *out) {
    rl_bytes every = RL_BYTES("*");
    rl_config_get(c, &every, 1, add, out);
}

/* Each line as the arguments of a CONFIG SET, and its first word as a pattern for CONFIG GET. */
static void set_lines(rl_config *c, rl_bytes text) {
    for (size_t at = 0; at < text.len;) {
        const char *end = memchr(text.ptr + at, '\n', text.len - at);
        size_t len = end ? (size_t)(end - text.ptr) - at : text.len - at;
        rl_buffer storage = {0}, out = {0};
        rl_bytes *words = NULL;
        size_t count = 0;
        if (rl_text_split(rl_bytes_of(text.ptr + at, len), &storage, &words, &count) && count) {
            bool ok = rl_config_set(c, words, (int)(count / 2), &out);
            check(ok == (out.len == 0)); /* there is a reason for every refusal */
            rl_config_get(c, words, 1, add, &out);
        }
        free(words);
        rl_buffer_release(&storage);
        rl_buffer_release(&out);
        at += len + 1;
    }
}

static void round_trip(const rl_config *c, rl_bytes old) {
    rl_buffer text = {0}, again = {0}, before = {0}, after = {0}, error = {0};
    rl_config_rewrite_text(c, old, &text);
    rl_config_rewrite_text(c, rl_buffer_bytes(&text), &again);
    check(rl_bytes_equal(rl_buffer_bytes(&text), rl_buffer_bytes(&again)));
    rl_config *other = rl_config_create();
    /* Includes stay in the file, and cannot be followed here. */
    if (rl_config_load_text(other, "again", rl_buffer_bytes(&text), &error)) {
        all_values(c, &before);
        all_values(other, &after);
        check(rl_bytes_equal(rl_buffer_bytes(&before), rl_buffer_bytes(&after)));
    }
    rl_config_free(other);
    rl_buffer_release(&text);
    rl_buffer_release(&again);
    rl_buffer_release(&before);
    rl_buffer_release(&after);
    rl_buffer_release(&error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rl_bytes text = rl_bytes_of((const char *)data, size);
    rl_buffer error = {0};
    rl_config *c = rl_config_create();
    bool ok = rl_config_load_text(c, "fuzz", text, &error);
    check(ok == (error.len == 0));
    round_trip(c, text);
    set_lines(c, text);
    round_trip(c, text);
    rl_config_free(c);
    rl_buffer_release(&error);
    return 0;
}
