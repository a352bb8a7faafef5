/* SPDX-License-Identifier: MIT */
/*
 * Exporting the keys of a server, ours or another, with the commands every client has: SCAN finds
 * the keys, TYPE and PEXPIRETIME describe them, and one command reads each. So a key is as of one
 * moment, and different keys are of different ones. Of a server that knows expiries of fields,
 * these are asked for behind each hash.
 *
 * Keys are described by the page of SCAN and read in windows, so that a round trip serves many.
 */
#include <inttypes.h>
#include <string.h>

#include "admin/client.h"
#include "admin/export.h"
#include "admin/output.h"
#include "base/alloc.h"
#include "base/clock.h"
#include "base/number.h"

#define PAGE_COUNT   "500" /* keys of a SCAN, about */
#define WINDOW       16    /* keys whose values are asked for at once */
#define FIELDS_ASKED 256   /* in one command */
#define ROUNDS       8     /* for a key whose type changes under our hands */

typedef struct key {
    rl_bytes name; /* ours */
    int type;      /* an rl_type, 0: is not to be read (any more) */
    int64_t expires_at;
} key;

typedef struct fields { /* of a hash, whose expiries are asked for */
    size_t key;         /* index */
    size_t from;        /* in source.names */
    size_t count;
} fields;

typedef struct source {
    admin_exporting *e;
    admin_client c;
    int db;
    bool knows_time;   /* PEXPIRETIME; else PTTL */
    bool knows_fields; /* HPEXPIRETIME */
    key *keys;         /* a page */
    size_t key_count, key_room;
    rl_buffer names; /* of fields: a size_t, then the bytes */
    fields *asked;
    size_t asked_count, asked_room;
} source;

static bool unexpected(source *s, const char *command, const admin_piece *piece) {
    if (!s->c.failed && piece->kind == '-')
        admin_error("%s: the server answered %.*s", command, (int)piece->text.len, piece->text.ptr);
    else if (!s->c.failed)
        admin_error("%s: the server answered something else than it should", command);
    s->c.failed = true;
    return false;
}

/* The next piece must be of that kind. */
static bool expect(source *s, const char *command, char kind, admin_piece *piece) {
    if (!admin_client_next(&s->c, piece))
        return false;
    return piece->kind == kind || unexpected(s, command, piece);
}

#define ASK(s, ...)                                                                                \
    admin_client_ask(&(s)->c, (int)(sizeof((rl_bytes[]){__VA_ARGS__}) / sizeof(rl_bytes)),         \
                     (rl_bytes[]){__VA_ARGS__})

/* --- what the server can ---------------------------------------------------------------------- */

/* Whether a command is known; *piece is the head of its answer, which has been read over. */
static bool is_known(source *s) {
    admin_piece piece;
    return admin_client_next(&s->c, &piece) && admin_client_skip(&s->c, &piece) &&
           piece.kind != '-';
}

static bool probe(source *s) {
    ASK(s, RL_BYTES("PEXPIRETIME"), RL_BYTES("rubellite:export"));
    ASK(s, RL_BYTES("HPEXPIRETIME"), RL_BYTES("rubellite:export"), RL_BYTES("FIELDS"),
        RL_BYTES("1"), RL_BYTES("f"));
    if (!admin_client_send(&s->c))
        return false;
    s->knows_time = is_known(s);
    s->knows_fields = is_known(s) && !s->e->args->no_expiry;
    return !s->c.failed;
}

/* --- the expiries of fields ------------------------------------------------------------------ */

/* Asks for what was gathered since `from`. */
static void ask_fields(source *s, size_t index, size_t from, size_t count) {
    static const char command[] = "HPEXPIRETIME";
    char text[RL_INT64_TEXT_MAX];
    if (count == 0)
        return;
    admin_client_ask_begin(&s->c, 4 + count);
    admin_client_ask_more(&s->c, rl_bytes_text(command));
    admin_client_ask_more(&s->c, s->keys[index].name);
    admin_client_ask_more(&s->c, RL_BYTES("FIELDS"));
    admin_client_ask_more(&s->c, rl_bytes_of(text, rl_uint64_format(text, count)));
    size_t at = from;
    for (size_t i = 0; i < count; i++) {
        size_t len;
        memcpy(&len, s->names.ptr + at, sizeof len);
        admin_client_ask_more(&s->c, rl_bytes_of(s->names.ptr + at + sizeof len, len));
        at += sizeof len + len;
    }
    if (s->asked_count == s->asked_room) {
        s->asked_room = s->asked_room * 2 + 16;
        s->asked = rl_realloc(s->asked, s->asked_room * sizeof *s->asked);
    }
    s->asked[s->asked_count++] = (fields){index, from, count};
}

static bool take_fields(source *s, const fields *f) {
    admin_piece piece;
    size_t at = f->from;
    if (!admin_client_next(&s->c, &piece))
        return false;
    if (piece.kind == '-' || piece.kind == '_') /* it is a hash no more */
        return true;
    if (piece.kind != '*' || piece.number != (int64_t)f->count)
        return unexpected(s, "HPEXPIRETIME", &piece);
    admin_writer_again(&s->e->writer, s->db, s->keys[f->key].name);
    for (size_t i = 0; i < f->count; i++) {
        size_t len;
        memcpy(&len, s->names.ptr + at, sizeof len);
        rl_bytes name = rl_bytes_of(s->names.ptr + at + sizeof len, len);
        at += sizeof len + len;
        if (!expect(s, "HPEXPIRETIME", ':', &piece))
            return false;
        if (piece.number > 0 && !admin_writer_field_expiry(&s->e->writer, name, piece.number))
            return false;
    }
    return admin_writer_end(&s->e->writer);
}

static bool take_all_fields(source *s) {
    if (s->asked_count && !admin_client_send(&s->c))
        return false;
    bool good = true;
    for (size_t i = 0; i < s->asked_count && good; i++)
        good = take_fields(s, &s->asked[i]);
    s->asked_count = 0;
    rl_buffer_clear(&s->names);
    return good;
}

/* --- values ---------------------------------------------------------------------------------- */

static void ask_value(source *s, const key *k) {
    switch (k->type) {
    case RL_TYPE_STRING:
        ASK(s, RL_BYTES("GET"), k->name);
        break;
    case RL_TYPE_LIST:
        ASK(s, RL_BYTES("LRANGE"), k->name, RL_BYTES("0"), RL_BYTES("-1"));
        break;
    case RL_TYPE_SET:
        ASK(s, RL_BYTES("SMEMBERS"), k->name);
        break;
    case RL_TYPE_ZSET:
        ASK(s, RL_BYTES("ZRANGE"), k->name, RL_BYTES("0"), RL_BYTES("-1"), RL_BYTES("WITHSCORES"));
        break;
    case RL_TYPE_HASH:
        ASK(s, RL_BYTES("HGETALL"), k->name);
        break;
    default:
        break;
    }
}

static bool take_single(source *s, int64_t count) {
    admin_piece piece;
    while (count-- > 0)
        if (!expect(s, "reading a collection", '$', &piece) ||
            !admin_writer_element(&s->e->writer, piece.text))
            return false;
    return true;
}

/* Member and score, or field and value. */
static bool take_pairs(source *s, size_t index, int64_t count) {
    bool ask = s->knows_fields && s->keys[index].type == RL_TYPE_HASH;
    size_t from = s->names.len, gathered = 0;
    rl_buffer first = {0};
    admin_piece piece;
    bool good = true;
    for (; good && count > 1; count -= 2) {
        good = expect(s, "reading a collection", '$', &piece);
        if (!good)
            break;
        rl_buffer_clear(&first);
        rl_buffer_add_bytes(&first, piece.text);
        if (ask) {
            rl_buffer_add(&s->names, &piece.text.len, sizeof piece.text.len);
            rl_buffer_add_bytes(&s->names, piece.text);
            gathered++;
        }
        good = expect(s, "reading a collection", '$', &piece) &&
               admin_writer_pair(&s->e->writer, rl_buffer_bytes(&first), piece.text);
        if (gathered == FIELDS_ASKED) {
            ask_fields(s, index, from, gathered);
            from = s->names.len;
            gathered = 0;
        }
    }
    if (good)
        ask_fields(s, index, from, gathered);
    rl_buffer_release(&first);
    return good;
}

/* A key that is read is marked so; one whose type has changed is not. */
static bool take_value(source *s, size_t index) {
    key *k = &s->keys[index];
    admin_piece piece;
    bool good = true;
    if (!admin_client_next(&s->c, &piece))
        return false;
    if (piece.kind == '-' && piece.text.len >= 9 && memcmp(piece.text.ptr, "WRONGTYPE", 9) == 0)
        return true;
    admin_writer_begin(&s->e->writer, s->db, (rl_type)k->type, k->name, k->expires_at);
    if (k->type == RL_TYPE_STRING && piece.kind == '$')
        good = admin_writer_string(&s->e->writer, piece.text);
    else if (k->type != RL_TYPE_STRING && piece.kind == '*')
        good = k->type == RL_TYPE_HASH || k->type == RL_TYPE_ZSET
                   ? take_pairs(s, index, piece.number)
                   : take_single(s, piece.number);
    else if (piece.kind != '_') /* a string that has gone */
        return unexpected(s, "reading a key", &piece);
    k->type = 0;
    return good && admin_writer_end(&s->e->writer);
}

/* --- a page of keys -------------------------------------------------------------------------- */

static void ask_description(source *s, const key *k) {
    ASK(s, RL_BYTES("TYPE"), k->name);
    ASK(s, s->knows_time ? RL_BYTES("PEXPIRETIME") : RL_BYTES("PTTL"), k->name);
}

static void note_type(source *s, key *k, rl_bytes name) {
    for (int type = RL_TYPE_STRING; type <= RL_TYPE_STREAM; type++)
        if (rl_bytes_is(name, admin_type_name(type)))
            k->type = type;
    if (k->type == RL_TYPE_STREAM || (k->type == 0 && !rl_bytes_is(name, "none"))) {
        s->e->unknown[k->type]++;
        k->type = 0;
    }
}

static bool take_description(source *s, key *k, int64_t now_ms) {
    admin_piece piece;
    if (!expect(s, "TYPE", '+', &piece))
        return false;
    k->type = 0;
    note_type(s, k, piece.text);
    if (!expect(s, s->knows_time ? "PEXPIRETIME" : "PTTL", ':', &piece))
        return false;
    k->expires_at = RL_NEVER;
    if (piece.number >= 0)
        k->expires_at = s->knows_time ? piece.number : now_ms + piece.number;
    return true;
}

static bool describe(source *s) {
    for (size_t i = 0; i < s->key_count; i++)
        ask_description(s, &s->keys[i]);
    bool good = admin_client_send(&s->c);
    int64_t now_ms = rl_clock_wall_ms();
    for (size_t i = 0; i < s->key_count && good; i++)
        good = take_description(s, &s->keys[i], now_ms);
    return good;
}

static bool read_window(source *s, size_t from, size_t to) {
    for (size_t i = from; i < to; i++)
        ask_value(s, &s->keys[i]);
    if (!admin_client_send(&s->c))
        return false;
    for (size_t i = from; i < to; i++)
        if (s->keys[i].type != 0 && !take_value(s, i))
            return false;
    admin_progress(s->e->writer.keys, 0);
    return take_all_fields(s);
}

/* Those that were read, or are not to be, leave the page. */
static void drop_read(source *s) {
    size_t kept = 0;
    for (size_t i = 0; i < s->key_count; i++) {
        if (s->keys[i].type != 0)
            s->keys[kept++] = s->keys[i];
        else
            rl_free((char *)(uintptr_t)s->keys[i].name.ptr);
    }
    s->key_count = kept;
}

static bool take_page(source *s) {
    bool good = true;
    for (int round = 0; good && s->key_count && round < ROUNDS; round++) {
        good = describe(s);
        for (size_t i = 0; i < s->key_count && good; i += WINDOW)
            good = read_window(s, i, i + WINDOW < s->key_count ? i + WINDOW : s->key_count);
        drop_read(s);
    }
    s->e->changed += good ? s->key_count : 0;
    for (size_t i = 0; i < s->key_count; i++)
        s->keys[i].type = 0;
    drop_read(s);
    return good;
}

/* --- a database ------------------------------------------------------------------------------ */

static void add_key(source *s, rl_bytes name) {
    if (s->key_count == s->key_room) {
        s->key_room = s->key_room * 2 + 64;
        s->keys = rl_realloc(s->keys, s->key_room * sizeof *s->keys);
    }
    char *copy = rl_malloc(name.len + 1);
    memcpy(copy, name.ptr, name.len);
    s->keys[s->key_count++] = (key){.name = rl_bytes_of(copy, name.len)};
}

/* One page of names; *cursor becomes the next. */
static bool scan(source *s, char cursor[32]) {
    admin_piece piece;
    const char *match = s->e->args->match;
    if (match)
        ASK(s, RL_BYTES("SCAN"), rl_bytes_text(cursor), RL_BYTES("COUNT"), RL_BYTES(PAGE_COUNT),
            RL_BYTES("MATCH"), rl_bytes_text(match));
    else
        ASK(s, RL_BYTES("SCAN"), rl_bytes_text(cursor), RL_BYTES("COUNT"), RL_BYTES(PAGE_COUNT));
    if (!admin_client_send(&s->c) || !expect(s, "SCAN", '*', &piece) ||
        !expect(s, "SCAN", '$', &piece))
        return false;
    if (piece.text.len >= 32)
        return unexpected(s, "SCAN", &piece);
    memcpy(cursor, piece.text.ptr, piece.text.len);
    cursor[piece.text.len] = '\0';
    if (!expect(s, "SCAN", '*', &piece))
        return false;
    for (int64_t left = piece.number; left > 0; left--) {
        if (!expect(s, "SCAN", '$', &piece))
            return false;
        add_key(s, piece.text);
    }
    return true;
}

static bool take_database(source *s, int db) {
    char text[RL_INT64_TEXT_MAX], cursor[32] = "0";
    admin_piece piece;
    s->db = db;
    ASK(s, RL_BYTES("SELECT"), rl_bytes_of(text, rl_int64_format(text, db)));
    bool good = admin_client_send(&s->c) && expect(s, "SELECT", '+', &piece);
    do
        good = good && scan(s, cursor) && take_page(s);
    while (good && strcmp(cursor, "0") != 0);
    return good;
}

/* The databases that have keys, from "db0:keys=…" at the beginnings of lines. */
static bool take_databases(source *s) {
    admin_piece piece;
    ASK(s, RL_BYTES("INFO"), RL_BYTES("keyspace"));
    if (!admin_client_send(&s->c) || !expect(s, "INFO keyspace", '$', &piece))
        return false;
    rl_buffer copy = {0};
    rl_buffer_add_bytes(&copy, piece.text);
    bool good = true;
    for (const char *at = rl_buffer_cstr(&copy); at && good; at = strchr(at, '\n')) {
        int db;
        at += *at == '\n';
        if (sscanf(at, "db%d:keys=", &db) == 1)
            good = take_database(s, db);
    }
    rl_buffer_release(&copy);
    return good;
}

bool admin_export_server(admin_exporting *e, int fd) {
    source s = {.e = e};
    admin_client_init(&s.c, fd, e->args->timeout_s);
    bool good = probe(&s);
    if (good && e->args->db >= 0)
        good = take_database(&s, (int)e->args->db);
    else if (good)
        good = take_databases(&s);
    good = good && admin_writer_flush(&e->writer);
    for (size_t i = 0; i < s.key_count; i++)
        rl_free((char *)(uintptr_t)s.keys[i].name.ptr);
    rl_free(s.keys);
    rl_free(s.asked);
    rl_buffer_release(&s.names);
    admin_client_release(&s.c);
    return good;
}
