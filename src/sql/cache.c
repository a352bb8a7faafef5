/* SPDX-License-Identifier: MIT */
/* The cache of prepared statements; see cache.h. 64 hashes are eight cache lines: no index. */
#include "sql/cache.h"

#include "base/alloc.h"
#include "base/hash.h"

enum {
    SLOTS = 64,
    TEXT_BYTES_MAX = 8 * 1024, /* programs that write such statements seldom write one twice */
};

struct sql_cache {
    uint64_t hashes[SLOTS];
    uint64_t used[SLOTS]; /* when, by clock */
    uint64_t clock;
    struct {
        sqlite3_stmt *stmt; /* NULL: free */
        char *text;
        size_t len;
    } slots[SLOTS];
};

sql_cache *sql_cache_create(void) {
    return rl_calloc(1, sizeof(sql_cache));
}

static void drop(sql_cache *c, int i) {
    sqlite3_finalize(c->slots[i].stmt);
    rl_free(c->slots[i].text);
    c->slots[i].stmt = NULL;
    c->slots[i].text = NULL;
    c->used[i] = 0;
}

void sql_cache_free(sql_cache *c) {
    if (c == NULL)
        return;
    for (int i = 0; i < SLOTS; i++)
        drop(c, i);
    rl_free(c);
}

static int find(const sql_cache *c, uint64_t hash, rl_bytes text) {
    for (int i = 0; i < SLOTS; i++) {
        if (c->hashes[i] == hash && c->slots[i].text &&
            rl_bytes_equal(rl_bytes_of(c->slots[i].text, c->slots[i].len), text))
            return i;
    }
    return -1;
}

sqlite3_stmt *sql_cache_take(sql_cache *c, rl_bytes text) {
    int i = find(c, rl_hash(text), text);
    if (i < 0)
        return NULL;
    sqlite3_stmt *stmt = c->slots[i].stmt;
    c->slots[i].stmt = NULL; /* the slot keeps its text for when it comes back */
    return stmt;
}

/* The slot that has this text, else a free one, else the one not used for the longest. */
static int choose(sql_cache *c, uint64_t hash, rl_bytes text) {
    int best = find(c, hash, text);
    if (best >= 0)
        return best;
    best = 0;
    for (int i = 1; i < SLOTS; i++) {
        if (c->used[i] < c->used[best])
            best = i;
    }
    drop(c, best);
    c->hashes[best] = hash;
    c->slots[best].text = rl_strndup(text.ptr, text.len);
    c->slots[best].len = text.len;
    return best;
}

void sql_cache_put(sql_cache *c, rl_bytes text, sqlite3_stmt *stmt) {
    if (stmt == NULL)
        return;
    if (text.len > TEXT_BYTES_MAX) {
        sqlite3_finalize(stmt);
        return;
    }
    sqlite3_reset(stmt);
    sqlite3_clear_bindings(stmt);
    int i = choose(c, rl_hash(text), text);
    sqlite3_finalize(c->slots[i].stmt); /* nearly always NULL */
    c->slots[i].stmt = stmt;
    c->used[i] = ++c->clock;
}
