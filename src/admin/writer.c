/* SPDX-License-Identifier: MIT */
/* Keys as commands; see writer.h. */
#include "admin/writer.h"

#include "base/alloc.h"
#include "base/number.h"

#define BUFFER_BYTES   (256u << 10) /* of one database's commands, before they are written */
#define BUFFERS_BYTES  (64u << 20)  /* of all of them together */
#define CHUNK_ELEMENTS 256          /* of one command */
#define CHUNK_BYTES    (64u << 10)

/* --- requests -------------------------------------------------------------------------------- */

static void add_head(rl_buffer *b, char mark, uint64_t number) {
    char *at = rl_buffer_reserve(b, RL_INT64_TEXT_MAX + 3), *end = at;
    *end++ = mark;
    end += rl_uint64_format(end, number);
    *end++ = '\r';
    *end++ = '\n';
    b->len += (size_t)(end - at);
}

static void add_bulk(rl_buffer *b, rl_bytes bytes) {
    add_head(b, '$', bytes.len);
    rl_buffer_add_bytes(b, bytes);
    rl_buffer_add(b, "\r\n", 2);
}

static void add_number(rl_buffer *b, int64_t number) {
    char text[RL_INT64_TEXT_MAX];
    add_bulk(b, rl_bytes_of(text, rl_int64_format(text, number)));
}

static void add_command(rl_buffer *b, size_t argc, const char *name, rl_bytes key) {
    add_head(b, '*', argc);
    add_bulk(b, rl_bytes_text(name));
    add_bulk(b, key);
}

/* --- buffers --------------------------------------------------------------------------------- */

static bool flush(admin_writer *w, admin_database *d) {
    if (d->commands.len == 0)
        return w->sink->error == 0;
    if (w->selected != d->number) {
        rl_buffer select = {0};
        add_head(&select, '*', 2);
        add_bulk(&select, RL_BYTES("SELECT"));
        add_number(&select, d->number);
        admin_sink_write(w->sink, rl_buffer_bytes(&select));
        rl_buffer_release(&select);
        w->selected = d->number;
    }
    bool written = admin_sink_write(w->sink, rl_buffer_bytes(&d->commands));
    w->buffered -= d->commands.len;
    if (d->commands.cap > 2 * (size_t)BUFFER_BYTES)
        rl_buffer_release(&d->commands); /* one very long value */
    rl_buffer_clear(&d->commands);
    return written;
}

bool admin_writer_flush(admin_writer *w) {
    bool written = true;
    for (size_t i = 0; i < w->database_count; i++)
        written = flush(w, &w->databases[i]) && written;
    return written;
}

static admin_database *find_database(admin_writer *w, int number) {
    if (w->last < w->database_count && w->databases[w->last].number == number)
        return &w->databases[w->last];
    for (size_t i = 0; i < w->database_count; i++) {
        if (w->databases[i].number == number) {
            w->last = i;
            return &w->databases[i];
        }
    }
    w->databases = rl_realloc(w->databases, (w->database_count + 1) * sizeof *w->databases);
    w->last = w->database_count++;
    w->databases[w->last] = (admin_database){.number = number};
    return &w->databases[w->last];
}

/* After something was added to the buffer of the key at hand, which was that long before. */
static bool added(admin_writer *w, size_t before) {
    w->buffered += w->database->commands.len - before;
    if (w->buffered >= BUFFERS_BYTES)
        return admin_writer_flush(w);
    return w->database->commands.len < BUFFER_BYTES || flush(w, w->database);
}

/* --- chunks ---------------------------------------------------------------------------------- */

static bool is_full(const admin_chunk *c) {
    return c->count >= CHUNK_ELEMENTS || c->args.len >= CHUNK_BYTES;
}

static void empty(admin_chunk *c) {
    if (c->args.cap > 4 * (size_t)CHUNK_BYTES)
        rl_buffer_release(&c->args); /* a very long element */
    rl_buffer_clear(&c->args);
    c->count = 0;
}

/* The command that takes more of a type's elements, and how many arguments each is. */
static const struct {
    const char *name;
    unsigned width;
} adders[] = {
    [RL_TYPE_LIST] = {"RPUSH", 1},
    [RL_TYPE_SET] = {"SADD", 1},
    [RL_TYPE_ZSET] = {"ZADD", 2},
    [RL_TYPE_HASH] = {"HSET", 2},
};

/* Fields that expire at one time become a command behind the elements. */
static void close_fields(admin_writer *w) {
    if (w->fields.count == 0)
        return;
    add_command(&w->behind, 5 + w->fields.count, "HPEXPIREAT", w->key);
    add_number(&w->behind, w->fields_at);
    add_bulk(&w->behind, RL_BYTES("FIELDS"));
    add_number(&w->behind, (int64_t)w->fields.count);
    rl_buffer_add_bytes(&w->behind, rl_buffer_bytes(&w->fields.args));
    empty(&w->fields);
}

static bool close_elements(admin_writer *w) {
    rl_buffer *b = &w->database->commands;
    size_t before = b->len;
    if (w->elements.count) {
        if (!w->begun)
            add_command(b, 2, "DEL", w->key);
        w->begun = true;
        add_command(b, 2 + w->elements.count * adders[w->type].width, adders[w->type].name, w->key);
        rl_buffer_add_bytes(b, rl_buffer_bytes(&w->elements.args));
        empty(&w->elements);
    }
    close_fields(w);
    rl_buffer_add_bytes(b, rl_buffer_bytes(&w->behind));
    rl_buffer_clear(&w->behind);
    return added(w, before);
}

/* --- a key ----------------------------------------------------------------------------------- */

void admin_writer_init(admin_writer *w, admin_sink *sink, bool no_expiry, bool compat) {
    *w = (admin_writer){.sink = sink, .no_expiry = no_expiry, .compat = compat, .selected = -1};
}

void admin_writer_release(admin_writer *w) {
    for (size_t i = 0; i < w->database_count; i++)
        rl_buffer_release(&w->databases[i].commands);
    rl_free(w->databases);
    rl_buffer_release(&w->elements.args);
    rl_buffer_release(&w->fields.args);
    rl_buffer_release(&w->behind);
    *w = (admin_writer){0};
}

void admin_writer_begin(admin_writer *w, int db, rl_type type, rl_bytes key, int64_t expires_at) {
    w->database = find_database(w, db);
    w->type = type;
    w->key = key;
    w->expires_at = w->no_expiry ? RL_NEVER : expires_at;
    w->begun = false;
}

void admin_writer_again(admin_writer *w, int db, rl_bytes key) {
    admin_writer_begin(w, db, RL_TYPE_HASH, key, RL_NEVER);
}

/* Both in one command where the server knows it: nobody ever sees the key without its expiry. */
bool admin_writer_string(admin_writer *w, rl_bytes value) {
    rl_buffer *b = &w->database->commands;
    size_t before = b->len;
    bool together = w->expires_at != RL_NEVER && !w->compat;
    add_command(b, together ? 5 : 3, "SET", w->key);
    add_bulk(b, value);
    if (together) {
        add_bulk(b, RL_BYTES("PXAT"));
        add_number(b, w->expires_at);
        w->expires_at = RL_NEVER;
    }
    w->begun = true;
    return added(w, before);
}

bool admin_writer_element(admin_writer *w, rl_bytes element) {
    add_bulk(&w->elements.args, element);
    w->elements.count++;
    return !is_full(&w->elements) || close_elements(w);
}

bool admin_writer_pair(admin_writer *w, rl_bytes element, rl_bytes value) {
    bool value_first = w->type == RL_TYPE_ZSET;
    add_bulk(&w->elements.args, value_first ? value : element);
    add_bulk(&w->elements.args, value_first ? element : value);
    w->elements.count++;
    return !is_full(&w->elements) || close_elements(w);
}

bool admin_writer_field_expiry(admin_writer *w, rl_bytes field, int64_t expires_at) {
    if (w->no_expiry)
        return true;
    if (w->compat) {
        w->field_expiries_left_out++;
        return true;
    }
    if (w->fields.count && (w->fields_at != expires_at || is_full(&w->fields)))
        close_fields(w);
    w->fields_at = expires_at;
    add_bulk(&w->fields.args, field);
    w->fields.count++;
    return w->behind.len < CHUNK_BYTES || close_elements(w);
}

bool admin_writer_end(admin_writer *w) {
    if (!close_elements(w))
        return false;
    if (!w->begun)
        return true;
    w->keys++;
    if (w->expires_at == RL_NEVER)
        return true;
    rl_buffer *b = &w->database->commands;
    size_t before = b->len;
    add_command(b, 3, "PEXPIREAT", w->key);
    add_number(b, w->expires_at);
    return added(w, before);
}
