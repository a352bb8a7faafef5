/* SPDX-License-Identifier: MIT */
/*
 * Keys as Redis commands, for export: one stream for several databases. Each database number has a
 * buffer of its own, and a full one is written behind a SELECT; keys of several databases that
 * alternate so do not make a SELECT each.
 *
 * A collection is several commands of at most some hundred elements, so that neither side needs
 * memory for a whole one, behind a DEL: the stream can be sent again. Its expiry comes last,
 * because a key that ended in between would be made anew by what follows, and stay. One thread.
 */
#ifndef RL_ADMIN_WRITER_H
#define RL_ADMIN_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "admin/sink.h"
#include "base/buffer.h"
#include "store/batch.h"

typedef struct admin_chunk { /* arguments of a command that is still growing */
    rl_buffer args;
    size_t count;
} admin_chunk;

typedef struct admin_database {
    int number;
    rl_buffer commands;
} admin_database;

typedef struct admin_writer {
    admin_sink *sink;
    bool no_expiry; /* leave expiries out */
    bool compat;    /* no commands that came with Redis 6.2 or later */
    uint64_t keys;  /* written */
    uint64_t field_expiries_left_out;

    admin_database *databases;
    size_t database_count, last; /* last: index of the last one used */
    size_t buffered;             /* bytes in all buffers, about */
    int64_t selected;            /* the database the stream is in, -1: none yet */

    admin_database *database; /* of the key at hand, which the rest is about */
    rl_type type;
    rl_bytes key;
    int64_t expires_at;
    bool begun; /* something of it was written */
    admin_chunk elements;
    admin_chunk fields; /* that expire at fields_at */
    int64_t fields_at;
    rl_buffer behind; /* commands that go behind the elements */
} admin_writer;

void admin_writer_init(admin_writer *w, admin_sink *sink, bool no_expiry, bool compat);
void admin_writer_release(admin_writer *w);

/* A key, from begin to end; its name stays valid that long. A key that gets no value and no element
 * is not written. Each is false when the sink failed. */
void admin_writer_begin(admin_writer *w, int db, rl_type type, rl_bytes key, int64_t expires_at);
bool admin_writer_string(admin_writer *w, rl_bytes value);
/* Of a list, from left to right; of a set. Or member and score, field and value. */
bool admin_writer_element(admin_writer *w, rl_bytes element);
bool admin_writer_pair(admin_writer *w, rl_bytes element, rl_bytes value);
/* A field of this hash, written or given before, expires then. */
bool admin_writer_field_expiry(admin_writer *w, rl_bytes field, int64_t expires_at);
bool admin_writer_end(admin_writer *w);

/* More about a hash that was ended before: when fields of it expire. End it again. */
void admin_writer_again(admin_writer *w, int db, rl_bytes key);

/* Everything that is still in the buffers. */
bool admin_writer_flush(admin_writer *w);

#endif
