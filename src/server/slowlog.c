/* SPDX-License-Identifier: MIT */
/* The slow log: a ring, newest first. See slowlog.h. */
#include "server/slowlog.h"

#include <stdio.h>

#include "base/alloc.h"

#define ARGS_SHOWN  32
#define BYTES_SHOWN 128

struct rl_slowlog {
    rl_slow_entry *entries; /* newest at the end of the array */
    size_t count, capacity;
    int64_t next_id;
};

rl_slowlog *rl_slowlog_create(void) {
    return rl_calloc(1, sizeof(rl_slowlog));
}

static void entry_release(rl_slow_entry *e) {
    for (int i = 0; i < e->argc; i++)
        rl_free((void *)e->argv[i].ptr);
    rl_free(e->argv);
    rl_free(e->peer);
    rl_free(e->name);
}

void rl_slowlog_reset(rl_slowlog *l) {
    for (size_t i = 0; i < l->count; i++)
        entry_release(&l->entries[i]);
    l->count = 0;
}

void rl_slowlog_free(rl_slowlog *l) {
    if (!l)
        return;
    rl_slowlog_reset(l);
    rl_free(l->entries);
    rl_free(l);
}

static rl_bytes copy_text(const char *text) {
    return rl_bytes_of(rl_strdup(text), strlen(text));
}

/* An argument, or what stands for the part of it that is left out. */
static rl_bytes shorten(rl_bytes argument) {
    if (argument.len <= BYTES_SHOWN)
        return rl_bytes_of(rl_strndup(argument.ptr, argument.len), argument.len);
    char text[BYTES_SHOWN + 64];
    memcpy(text, argument.ptr, BYTES_SHOWN);
    snprintf(text + BYTES_SHOWN, sizeof text - BYTES_SHOWN, "... (%zu more bytes)",
             argument.len - BYTES_SHOWN);
    return rl_bytes_of(rl_strndup(text, BYTES_SHOWN + strlen(text + BYTES_SHOWN)),
                       BYTES_SHOWN + strlen(text + BYTES_SHOWN));
}

static void drop_oldest(rl_slowlog *l, size_t keep) {
    size_t drop = l->count > keep ? l->count - keep : 0;
    for (size_t i = 0; i < drop; i++)
        entry_release(&l->entries[i]);
    memmove(l->entries, l->entries + drop, (l->count - drop) * sizeof *l->entries);
    l->count -= drop;
}

void rl_slowlog_add(rl_slowlog *l, uint64_t max_len, int64_t at_s, int64_t took_us,
                    const rl_bytes *argv, int argc, const char *peer, const char *name) {
    if (max_len == 0) {
        rl_slowlog_reset(l);
        return;
    }
    if (l->count == l->capacity) {
        l->capacity = l->capacity ? l->capacity * 2 : 16;
        l->entries = rl_realloc(l->entries, l->capacity * sizeof *l->entries);
    }
    int shown = argc > ARGS_SHOWN ? ARGS_SHOWN : argc;
    rl_slow_entry e = {.id = l->next_id++, .at_s = at_s, .took_us = took_us, .argc = shown};
    e.argv = rl_malloc((size_t)shown * sizeof *e.argv);
    for (int i = 0; i < shown; i++)
        e.argv[i] = shorten(argv[i]);
    if (argc > ARGS_SHOWN) {
        char text[64];
        snprintf(text, sizeof text, "... (%d more arguments)", argc - ARGS_SHOWN + 1);
        rl_free((void *)e.argv[shown - 1].ptr);
        e.argv[shown - 1] = copy_text(text);
    }
    e.peer = rl_strdup(peer);
    e.name = rl_strdup(name);
    l->entries[l->count++] = e;
    if (l->count > max_len)
        drop_oldest(l, (size_t)max_len);
}

size_t rl_slowlog_count(const rl_slowlog *l) {
    return l->count;
}

const rl_slow_entry *rl_slowlog_at(const rl_slowlog *l, size_t i) {
    return i < l->count ? &l->entries[l->count - 1 - i] : NULL;
}
