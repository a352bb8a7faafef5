/* SPDX-License-Identifier: MIT */
/*
 * Encoding and decoding of row changes; see batch.h for the format.
 *
 * One allocation, the same for a builder's buffer and for a sealed batch:
 *
 *     | rl_batch | headroom: frame header | changes … | tailroom: padding |
 *
 * A builder fills such an allocation in place. Sealing a small one copies the changes into an
 * allocation of the right size and keeps the buffer for the next turn of the loop; sealing a large
 * one, where the copy would cost more than a fresh buffer, hands the buffer itself over.
 */
#include "store/batch.h"

#include <assert.h>
#include <stdatomic.h>

#include "base/alloc.h"

struct rl_batch {
    uint64_t seq;
    size_t len;       /* of the changes */
    size_t footprint; /* of the allocation */
    _Atomic(rl_batch *) next;
    rl_job *job; /* a unit's; NULL for others */
    char room[]; /* headroom, changes, tailroom */
};

struct rl_batch_builder {
    rl_batch *buffer;
    size_t len;
    size_t cap; /* of changes */
};

#define BUFFER_START (16 * 1024)
#define COPY_LIMIT   (64 * 1024) /* changes longer than this are handed over with their buffer */
#define VARINT_MAX   10
#define FIELDS_MAX   (1 + 6 * VARINT_MAX) /* what a change needs besides its bytes */

static size_t batch_size(size_t len) {
    return sizeof(rl_batch) + RL_BATCH_HEADROOM + len + RL_BATCH_TAILROOM;
}

static rl_batch *batch_init(rl_batch *batch, uint64_t seq, size_t len, size_t footprint) {
    batch->seq = seq;
    batch->len = len;
    batch->footprint = footprint;
    batch->job = NULL;
    atomic_init(&batch->next, NULL);
    return batch;
}

/* --- building ------------------------------------------------------------------------------ */

static void builder_new_buffer(rl_batch_builder *b) {
    b->buffer = rl_malloc(batch_size(BUFFER_START));
    b->len = 0;
    b->cap = BUFFER_START;
}

rl_batch_builder *rl_batch_builder_create(void) {
    rl_batch_builder *b = rl_malloc(sizeof(*b));
    builder_new_buffer(b);
    return b;
}

void rl_batch_builder_free(rl_batch_builder *b) {
    if (!b)
        return;
    rl_free(b->buffer);
    rl_free(b);
}

size_t rl_batch_builder_bytes(const rl_batch_builder *b) {
    return b->len;
}

static __attribute__((noinline)) void builder_grow(rl_batch_builder *b, size_t extra) {
    size_t cap = b->cap + b->cap / 2;
    if (cap < b->len + extra)
        cap = b->len + extra;
    b->buffer = rl_realloc(b->buffer, batch_size(cap));
    b->cap = cap;
}

/* Starts a change: makes room for all of it and writes its kind. Returns where its fields go. */
static inline char *change_begin(rl_batch_builder *b, rl_change_kind kind, size_t bytes) {
    size_t extra = FIELDS_MAX + bytes;
    if (b->cap - b->len < extra)
        builder_grow(b, extra);
    char *to = b->buffer->room + RL_BATCH_HEADROOM + b->len;
    *to = (char)kind;
    return to + 1;
}

static inline void change_end(rl_batch_builder *b, const char *to) {
    b->len = (size_t)(to - (b->buffer->room + RL_BATCH_HEADROOM));
}

static inline char *put_u(char *to, uint64_t u) {
    while (u >= 0x80) {
        *to++ = (char)(u | 0x80);
        u >>= 7;
    }
    *to++ = (char)u;
    return to;
}

static inline char *put_id(char *to, uint64_t id) {
    assert(id <= INT64_MAX); /* it is a row id of SQLite */
    return put_u(to, id);
}

static inline char *put_db(char *to, int db) {
    assert(db >= 0);
    return put_u(to, (uint64_t)db);
}

static inline char *put_when(char *to, int64_t at) {
    if (at == RL_NEVER)
        return put_u(to, 0);
    return put_u(to, at < 0 ? 1 : (uint64_t)at + 1);
}

static inline char *put_bytes(char *to, rl_bytes bytes) {
    to = put_u(to, bytes.len);
    if (bytes.len)
        memcpy(to, bytes.ptr, bytes.len);
    return to + bytes.len;
}

void rl_batch_key(rl_batch_builder *b, uint64_t id, int db, rl_type type, int64_t expires_at,
                  rl_bytes key, rl_bytes value) {
    char *to = change_begin(b, RL_CHANGE_KEY, key.len + value.len);
    to = put_id(to, id);
    to = put_db(to, db);
    to = put_u(to, type);
    to = put_when(to, expires_at);
    to = put_bytes(to, key);
    to = put_bytes(to, value);
    change_end(b, to);
}

void rl_batch_value(rl_batch_builder *b, uint64_t id, int64_t expires_at, rl_bytes value) {
    char *to = change_begin(b, RL_CHANGE_VALUE, value.len);
    to = put_id(to, id);
    to = put_when(to, expires_at);
    to = put_bytes(to, value);
    change_end(b, to);
}

void rl_batch_patch(rl_batch_builder *b, uint64_t id, int64_t expires_at, uint64_t total_len,
                    uint64_t offset, rl_bytes bytes) {
    assert(offset <= total_len && bytes.len <= total_len - offset);
    char *to = change_begin(b, RL_CHANGE_PATCH, bytes.len);
    to = put_id(to, id);
    to = put_when(to, expires_at);
    to = put_u(to, total_len);
    to = put_u(to, offset);
    to = put_bytes(to, bytes);
    change_end(b, to);
}

void rl_batch_expiry(rl_batch_builder *b, uint64_t id, int64_t expires_at) {
    char *to = change_begin(b, RL_CHANGE_EXPIRY, 0);
    to = put_id(to, id);
    to = put_when(to, expires_at);
    change_end(b, to);
}

void rl_batch_name(rl_batch_builder *b, uint64_t id, int db, rl_bytes key) {
    char *to = change_begin(b, RL_CHANGE_NAME, key.len);
    to = put_id(to, id);
    to = put_db(to, db);
    to = put_bytes(to, key);
    change_end(b, to);
}

void rl_batch_delete(rl_batch_builder *b, uint64_t id, rl_type type) {
    char *to = change_begin(b, RL_CHANGE_DELETE, 0);
    to = put_id(to, id);
    to = put_u(to, type);
    change_end(b, to);
}

void rl_batch_clear(rl_batch_builder *b, int db) {
    assert(db >= -1);
    char *to = change_begin(b, RL_CHANGE_CLEAR, 0);
    to = put_u(to, (uint64_t)((int64_t)db + 1));
    change_end(b, to);
}

void rl_batch_swap(rl_batch_builder *b, int db, int other_db) {
    char *to = change_begin(b, RL_CHANGE_SWAP, 0);
    to = put_db(to, db);
    to = put_db(to, other_db);
    change_end(b, to);
}

/* --- elements ----------------------------------------------------------------------------------
 */

static inline char *put_s(char *to, int64_t s) {
    return put_u(to, (uint64_t)s << 1 ^ (s < 0 ? UINT64_MAX : 0));
}

static inline char *put_f64(char *to, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    for (int i = 0; i < 8; i++)
        to[i] = (char)(bits >> (8 * i));
    return to + 8;
}

void rl_batch_field(rl_batch_builder *b, uint64_t id, int64_t expires_at, rl_bytes field,
                    rl_bytes value) {
    char *to = change_begin(b, RL_CHANGE_FIELD, field.len + value.len);
    to = put_id(to, id);
    to = put_when(to, expires_at);
    to = put_bytes(to, field);
    to = put_bytes(to, value);
    change_end(b, to);
}

void rl_batch_member(rl_batch_builder *b, uint64_t id, rl_bytes member) {
    char *to = change_begin(b, RL_CHANGE_MEMBER, member.len);
    to = put_id(to, id);
    to = put_bytes(to, member);
    change_end(b, to);
}

void rl_batch_score(rl_batch_builder *b, uint64_t id, double score, rl_bytes member) {
    char *to = change_begin(b, RL_CHANGE_SCORE, member.len);
    to = put_id(to, id);
    to = put_f64(to, score);
    to = put_bytes(to, member);
    change_end(b, to);
}

void rl_batch_gone(rl_batch_builder *b, uint64_t id, rl_type type, rl_bytes element) {
    char *to = change_begin(b, RL_CHANGE_GONE, element.len);
    to = put_id(to, id);
    to = put_u(to, type);
    to = put_bytes(to, element);
    change_end(b, to);
}

void rl_batch_item(rl_batch_builder *b, uint64_t id, int64_t position, rl_bytes value) {
    char *to = change_begin(b, RL_CHANGE_ITEM, value.len);
    to = put_id(to, id);
    to = put_s(to, position);
    to = put_bytes(to, value);
    change_end(b, to);
}

void rl_batch_bounds(rl_batch_builder *b, uint64_t id, int64_t first, int64_t last) {
    char *to = change_begin(b, RL_CHANGE_BOUNDS, 0);
    to = put_id(to, id);
    to = put_s(to, first);
    to = put_s(to, last);
    change_end(b, to);
}

void rl_batch_shift(rl_batch_builder *b, uint64_t id, int64_t from, int64_t to_position,
                    int64_t delta) {
    char *to = change_begin(b, RL_CHANGE_SHIFT, 0);
    to = put_id(to, id);
    to = put_s(to, from);
    to = put_s(to, to_position);
    to = put_s(to, delta);
    change_end(b, to);
}

/* --- sealed batches ------------------------------------------------------------------------ */

/* A buffer too large to copy becomes the batch; what growing it overshot goes back. */
static rl_batch *builder_hand_over(rl_batch_builder *b, uint64_t seq) {
    rl_batch *batch = b->buffer;
    size_t len = b->len;
    size_t room = b->cap;
    if (room - len > len / 8) {
        batch = rl_realloc(batch, batch_size(len));
        room = len;
    }
    builder_new_buffer(b);
    return batch_init(batch, seq, len, batch_size(room));
}

rl_batch *rl_batch_seal(rl_batch_builder *b, uint64_t seq) {
    if (b->len > COPY_LIMIT)
        return builder_hand_over(b, seq);
    size_t size = batch_size(b->len);
    rl_batch *batch = batch_init(rl_malloc(size), seq, b->len, size);
    memcpy(batch->room + RL_BATCH_HEADROOM, b->buffer->room + RL_BATCH_HEADROOM, b->len);
    b->len = 0;
    return batch;
}

rl_batch *rl_batch_from_bytes(uint64_t seq, rl_bytes changes) {
    size_t size = batch_size(changes.len);
    rl_batch *batch = batch_init(rl_malloc(size), seq, changes.len, size);
    if (changes.len)
        memcpy(batch->room + RL_BATCH_HEADROOM, changes.ptr, changes.len);
    return batch;
}

void rl_batch_free(rl_batch *batch) {
    rl_free(batch);
}

uint64_t rl_batch_seq(const rl_batch *batch) {
    return batch->seq;
}

rl_bytes rl_batch_bytes(const rl_batch *batch) {
    return rl_bytes_of(batch->room + RL_BATCH_HEADROOM, batch->len);
}

char *rl_batch_frame(rl_batch *batch) {
    return batch->room;
}

size_t rl_batch_footprint(const rl_batch *batch) {
    return batch->footprint;
}

rl_batch *rl_batch_next_load(const rl_batch *batch) {
    return atomic_load_explicit(&batch->next, memory_order_acquire);
}

void rl_batch_next_store(rl_batch *batch, rl_batch *next) {
    atomic_store_explicit(&batch->next, next, memory_order_release);
}

void rl_batch_job_set(rl_batch *batch, rl_job *job) {
    batch->job = job;
}

rl_job *rl_batch_job(const rl_batch *batch) {
    return batch->job;
}

/* --- reading ------------------------------------------------------------------------------- */

typedef struct cursor {
    const unsigned char *at;
    const unsigned char *end;
    bool bad; /* sticky: what is read after it has no meaning */
} cursor;

static inline uint64_t get_u(cursor *c) {
    uint64_t u = 0;
    for (unsigned shift = 0; shift < 64 && c->at < c->end; shift += 7) {
        unsigned char byte = *c->at++;
        if (shift == 63 && byte > 1)
            break; /* more than 64 bits */
        u |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return u;
    }
    c->bad = true;
    return 0;
}

static uint64_t get_u_up_to(cursor *c, uint64_t max) {
    uint64_t u = get_u(c);
    if (u > max)
        c->bad = true;
    return u;
}

static uint64_t get_id(cursor *c) {
    return get_u_up_to(c, INT64_MAX);
}

static int32_t get_db(cursor *c) {
    return (int32_t)get_u_up_to(c, INT32_MAX);
}

static rl_type get_type(cursor *c) {
    uint64_t u = get_u(c);
    if (u < RL_TYPE_STRING || u > RL_TYPE_STREAM)
        c->bad = true;
    return (rl_type)u;
}

static int64_t get_when(cursor *c) {
    uint64_t u = get_u_up_to(c, (uint64_t)INT64_MAX + 1);
    return u == 0 ? RL_NEVER : (int64_t)(u - 1);
}

static rl_bytes get_bytes(cursor *c) {
    uint64_t len = get_u(c);
    if (c->bad || len > (uint64_t)(c->end - c->at)) {
        c->bad = true;
        return rl_bytes_of("", 0);
    }
    rl_bytes bytes = rl_bytes_of((const char *)c->at, (size_t)len);
    c->at += len;
    return bytes;
}

static void get_patch(cursor *c, rl_change *out) {
    out->id = get_id(c);
    out->expires_at = get_when(c);
    out->total_len = get_u(c);
    out->offset = get_u(c);
    out->value = get_bytes(c);
    if (out->offset > out->total_len || out->value.len > out->total_len - out->offset)
        c->bad = true;
}

static int64_t get_s(cursor *c) {
    uint64_t u = get_u(c);
    return (int64_t)(u >> 1) ^ -(int64_t)(u & 1);
}

static double get_f64(cursor *c) {
    uint64_t bits = 0;
    double value = 0;
    if (c->end - c->at < 8) {
        c->bad = true;
        return 0;
    }
    for (int i = 0; i < 8; i++)
        bits |= (uint64_t)*c->at++ << (8 * i);
    memcpy(&value, &bits, sizeof value);
    if (value != value) /* no score is NaN */
        c->bad = true;
    return value;
}

static void get_gone(cursor *c, rl_change *out) {
    out->id = get_id(c);
    out->type = get_type(c);
    out->key = get_bytes(c);
    if (out->type != RL_TYPE_HASH && out->type != RL_TYPE_SET && out->type != RL_TYPE_ZSET)
        c->bad = true;
}

/* Positions stay far from the ends of their type, so that sums of them fit. */
static int64_t get_position(cursor *c) {
    int64_t position = get_s(c);
    if (position > INT64_MAX / 4 || position < INT64_MIN / 4)
        c->bad = true;
    return position;
}

/* The kinds that speak of elements. */
static void get_element(cursor *c, rl_change *out) {
    if (out->kind == RL_CHANGE_GONE) {
        get_gone(c, out);
        return;
    }
    out->id = get_id(c);
    switch (out->kind) {
    case RL_CHANGE_FIELD:
        out->expires_at = get_when(c);
        out->key = get_bytes(c);
        out->value = get_bytes(c);
        break;
    case RL_CHANGE_MEMBER:
        out->key = get_bytes(c);
        break;
    case RL_CHANGE_SCORE:
        out->score = get_f64(c);
        out->key = get_bytes(c);
        break;
    case RL_CHANGE_ITEM:
        out->position = get_position(c);
        out->value = get_bytes(c);
        break;
    case RL_CHANGE_BOUNDS:
        out->position = get_position(c);
        out->last = get_position(c);
        break;
    case RL_CHANGE_SHIFT:
        out->position = get_position(c);
        out->last = get_position(c);
        out->delta = get_position(c);
        break;
    default:
        c->bad = true;
    }
}

static void get_fields(cursor *c, rl_change *out) {
    switch (out->kind) {
    case RL_CHANGE_KEY:
        out->id = get_id(c);
        out->db = get_db(c);
        out->type = get_type(c);
        out->expires_at = get_when(c);
        out->key = get_bytes(c);
        out->value = get_bytes(c);
        break;
    case RL_CHANGE_VALUE:
        out->id = get_id(c);
        out->expires_at = get_when(c);
        out->value = get_bytes(c);
        break;
    case RL_CHANGE_PATCH:
        get_patch(c, out);
        break;
    case RL_CHANGE_EXPIRY:
        out->id = get_id(c);
        out->expires_at = get_when(c);
        break;
    case RL_CHANGE_NAME:
        out->id = get_id(c);
        out->db = get_db(c);
        out->key = get_bytes(c);
        break;
    case RL_CHANGE_DELETE:
        out->id = get_id(c);
        out->type = get_type(c);
        break;
    case RL_CHANGE_CLEAR:
        out->db = (int32_t)((int64_t)get_u_up_to(c, (uint64_t)INT32_MAX + 1) - 1);
        break;
    case RL_CHANGE_SWAP:
        out->db = get_db(c);
        out->other_db = get_db(c);
        break;
    default:
        get_element(c, out);
    }
}

int rl_batch_read(rl_bytes changes, size_t *offset, rl_change *out) {
    assert(*offset <= changes.len);
    if (*offset == changes.len)
        return 0;
    const unsigned char *start = (const unsigned char *)changes.ptr;
    cursor c = {.at = start + *offset, .end = start + changes.len};
    out->kind = (rl_change_kind)*c.at++;
    get_fields(&c, out);
    if (c.bad)
        return -1;
    *offset = (size_t)(c.at - start);
    return 1;
}
