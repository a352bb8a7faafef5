/* SPDX-License-Identifier: MIT */
#include "types/table.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "types/must.h"
#include "types/varint.h"

#define INLINE_MAX 128
#define FLAG_FAR   1u
#define FLAG_TIMED 2u
#define FLAG_BITS  2

typedef struct far_element {
    uint32_t name_len, value_len;
    char bytes[];
} far_element;

/* An element taken apart. */
typedef struct parts {
    unsigned flags;
    const char *expiry; /* where it is */
    far_element *outside;
    types_element element;
    size_t size; /* in the page */
} parts;

static inline int64_t int64_read(const char *from) {
    int64_t value;
    memcpy(&value, from, sizeof value);
    return value;
}

static inline parts element_parts(const char *at, bool valued) {
    parts p = {0};
    uint64_t head, value_len = 0;
    const char *from = types_varint_read(at, &head);
    p.flags = head & (FLAG_FAR | FLAG_TIMED);
    if (p.flags & FLAG_TIMED) {
        p.expiry = from;
        p.element.expires_at = int64_read(from);
        from += sizeof(int64_t);
    }
    if (p.flags & FLAG_FAR) {
        memcpy(&p.outside, from, sizeof p.outside);
        from += sizeof p.outside;
        p.element.name = rl_bytes_of(p.outside->bytes, p.outside->name_len);
        p.element.value = rl_bytes_of(p.outside->bytes + p.outside->name_len, p.outside->value_len);
    } else {
        if (valued)
            from = types_varint_read(from, &value_len);
        p.element.name = rl_bytes_of(from, head >> FLAG_BITS);
        from += p.element.name.len;
        p.element.value = rl_bytes_of(from, value_len);
        from += value_len;
    }
    p.size = (size_t)(from - at);
    return p;
}

/* Only the name, which is all that a search asks for. */
static inline rl_bytes name_at(const char *at, bool valued) {
    uint64_t head;
    const char *from = types_varint_read(at, &head);
    if (head & FLAG_TIMED)
        from += sizeof(int64_t);
    if (head & FLAG_FAR) {
        const far_element *outside;
        memcpy(&outside, from, sizeof outside);
        return rl_bytes_of(outside->bytes, outside->name_len);
    }
    if (valued)
        from = types_varint_skip(from);
    return rl_bytes_of(from, head >> FLAG_BITS);
}

static parts parts_at(const types_table *t, const types_page *page, unsigned slot) {
    return element_parts(types_page_element(page, slot), t->valued);
}

/* ---- what pages.h asks about elements; twice, for it does not know which table it works for ----
 */

static size_t name_size(const types_page *page, unsigned slot) {
    return element_parts(types_page_element(page, slot), false).size;
}

static size_t pair_size(const types_page *page, unsigned slot) {
    return element_parts(types_page_element(page, slot), true).size;
}

static uint64_t name_hash(const types_page *page, unsigned slot) {
    return rl_hash(element_parts(types_page_element(page, slot), false).element.name);
}

static uint64_t pair_hash(const types_page *page, unsigned slot) {
    return rl_hash(element_parts(types_page_element(page, slot), true).element.name);
}

static size_t far_bytes(const far_element *outside) {
    return rl_alloc_good_size(sizeof *outside + outside->name_len + (size_t)outside->value_len);
}

static size_t release(types_page *page) {
    size_t bytes = 0;
    for (unsigned i = 0; i < page->count; i++) {
        /* Names and pairs differ only behind the pointer. */
        far_element *outside = element_parts(types_page_element(page, i), false).outside;
        if (outside) {
            bytes += far_bytes(outside);
            rl_free(outside);
        }
    }
    return bytes;
}

static const types_page_kind names = {
    .tagged = true, .size = name_size, .hash = name_hash, .release = release};
static const types_page_kind pairs = {
    .tagged = true, .size = pair_size, .hash = pair_hash, .release = release};

/* ---- the table ---- */

void types_table_init(types_table *t, bool valued, unsigned depth_max) {
    t->far_bytes = 0;
    t->valued = valued;
    types_pages_init(&t->pages, valued ? &pairs : &names, depth_max);
}

bool types_table_free_step(types_table *t, size_t budget) {
    return types_pages_free_step(&t->pages, budget);
}

static inline uint8_t tag_of(uint64_t hash) {
    return (uint8_t)hash;
}

static types_page *find(const types_table *t, uint64_t hash, rl_bytes name, unsigned *slot) {
    uint8_t tag = tag_of(hash);
    types_page *page = types_pages_find(&t->pages, hash);
    types_page_prefetch(page);
    for (; page != NULL; page = page->next) {
        for (unsigned first = 0; first < page->count; first += 8) {
            uint64_t hits = types_page_match(page, first, tag);
            for (; hits; hits &= hits - 1) {
                unsigned i = first + (unsigned)__builtin_ctzll(hits) / 8;
                if (i >= page->count)
                    break;
                if (rl_bytes_equal(name_at(types_page_element(page, i), t->valued), name)) {
                    *slot = i;
                    return page;
                }
            }
        }
    }
    return NULL;
}

bool types_table_has(const types_table *t, uint64_t hash, rl_bytes name) {
    unsigned slot;
    return find(t, hash, name, &slot) != NULL;
}

bool types_table_get(const types_table *t, uint64_t hash, rl_bytes name, types_element *out) {
    unsigned slot;
    const types_page *page = find(t, hash, name, &slot);
    if (page == NULL)
        return false;
    *out = parts_at(t, page, slot).element;
    return true;
}

static size_t element_size(const types_table *t, const types_element *e, bool *far) {
    size_t expiry = e->expires_at ? sizeof e->expires_at : 0;
    size_t size = types_varint_size((uint64_t)e->name.len << FLAG_BITS) + expiry + e->name.len;
    if (t->valued)
        size += types_varint_size(e->value.len) + e->value.len;
    *far = size > INLINE_MAX;
    return *far ? 1 + expiry + sizeof(far_element *) : size;
}

static char *expiry_write(char *to, int64_t expires_at) {
    if (expires_at == 0)
        return to;
    memcpy(to, &expires_at, sizeof expires_at);
    return to + sizeof expires_at;
}

static char *bytes_write(char *to, rl_bytes bytes) {
    if (bytes.len)
        memcpy(to, bytes.ptr, bytes.len);
    return to + bytes.len;
}

static void near_write(const types_table *t, char *to, const types_element *e) {
    unsigned flags = e->expires_at ? FLAG_TIMED : 0;
    to = types_varint_write(to, (uint64_t)e->name.len << FLAG_BITS | flags);
    to = expiry_write(to, e->expires_at);
    if (t->valued)
        to = types_varint_write(to, e->value.len);
    to = bytes_write(to, e->name);
    if (t->valued)
        bytes_write(to, e->value);
}

static void far_write(char *to, int64_t expires_at, far_element *outside) {
    *to++ = (char)(FLAG_FAR | (expires_at ? FLAG_TIMED : 0));
    to = expiry_write(to, expires_at);
    memcpy(to, &outside, sizeof outside);
}

/* Fills `into` (NULL: a new one) with name and value; keeps count of its bytes. */
static far_element *outside_write(types_table *t, far_element *into, const types_element *e) {
    rl_bytes value = t->valued ? e->value : RL_BYTES("");
    assert(e->name.len <= UINT32_MAX && value.len <= UINT32_MAX);
    if (into)
        t->far_bytes -= far_bytes(into);
    into = rl_realloc(into, sizeof *into + e->name.len + value.len);
    into->name_len = (uint32_t)e->name.len;
    into->value_len = (uint32_t)value.len;
    bytes_write(bytes_write(into->bytes, e->name), value);
    t->far_bytes += far_bytes(into);
    return into;
}

static void outside_free(types_table *t, far_element *outside) {
    if (outside) {
        t->far_bytes -= far_bytes(outside);
        rl_free(outside);
    }
}

static void element_write(types_table *t, char *to, const types_element *e, bool far,
                          far_element *outside) {
    if (far) {
        far_write(to, e->expires_at, outside_write(t, outside, e));
    } else {
        outside_free(t, outside);
        near_write(t, to, e);
    }
}

static void replace(types_table *t, uint64_t hash, types_page *page, unsigned slot,
                    const parts *old, const types_element *e) {
    bool far;
    size_t size = element_size(t, e, &far);
    far_element *outside = old->outside;
    char *to = types_page_element(page, slot);
    if (size != old->size)
        to = types_pages_resize(&t->pages, hash, &page, slot, old->size, size);
    element_write(t, to, e, far, outside);
}

bool types_table_set(types_table *t, uint64_t hash, rl_bytes name, rl_bytes value,
                     int64_t expires_at) {
    unsigned slot;
    types_element e = {name, value, expires_at == TYPES_KEEP_EXPIRY ? 0 : expires_at};
    types_page *page = find(t, hash, name, &slot);
    if (page != NULL && !t->valued)
        return false;
    if (page != NULL) {
        parts old = parts_at(t, page, slot);
        if (expires_at == TYPES_KEEP_EXPIRY)
            e.expires_at = old.element.expires_at;
        replace(t, hash, page, slot, &old, &e);
        return false;
    }
    bool far;
    size_t size = element_size(t, &e, &far);
    char *to = types_pages_add(&t->pages, hash, size, &page, &slot);
    types_page_tags(page)[slot] = tag_of(hash);
    element_write(t, to, &e, far, NULL);
    return true;
}

bool types_table_expire(types_table *t, uint64_t hash, rl_bytes name, int64_t expires_at) {
    unsigned slot;
    types_page *page = find(t, hash, name, &slot);
    if (page == NULL)
        return false;
    parts old = parts_at(t, page, slot);
    types_element e = old.element;
    e.expires_at = expires_at;
    if (!old.outside) { /* writing would overwrite what is read */
        char copy[INLINE_MAX];
        memcpy(copy, e.name.ptr, e.name.len + e.value.len);
        e.name.ptr = copy;
        e.value.ptr = copy + e.name.len;
        replace(t, hash, page, slot, &old, &e);
        return true;
    }
    size_t size = 1 + (expires_at ? sizeof expires_at : 0) + sizeof old.outside;
    char *to = types_page_element(page, slot);
    if (size != old.size)
        to = types_pages_resize(&t->pages, hash, &page, slot, old.size, size);
    far_write(to, expires_at, old.outside);
    return true;
}

bool types_table_remove(types_table *t, uint64_t hash, rl_bytes name) {
    unsigned slot;
    types_page *page = find(t, hash, name, &slot);
    if (page == NULL)
        return false;
    far_element *outside = parts_at(t, page, slot).outside;
    types_pages_remove(&t->pages, hash, page, slot);
    outside_free(t, outside); /* only now: until then the element is read */
    return true;
}

types_element types_table_element(const types_table *t, const types_page *page, unsigned slot) {
    return parts_at(t, page, slot).element;
}

typedef struct scanning {
    const types_table *table;
    void (*each)(void *, const types_element *);
    void *arg;
} scanning;

static void scan_page(void *arg, const types_page *page) {
    const scanning *scan = arg;
    for (unsigned i = 0; i < page->count; i++) {
        types_element e = types_table_element(scan->table, page, i);
        scan->each(scan->arg, &e);
    }
}

uint64_t types_table_scan(const types_table *t, uint64_t cursor, size_t count,
                          void (*each)(void *, const types_element *), void *arg) {
    scanning scan = {t, each, arg};
    return types_pages_scan(&t->pages, cursor, count, scan_page, &scan);
}

void types_table_check(const types_table *t) {
    types_pages_check(&t->pages);
    types_pages_walk walk = {0};
    size_t far = 0;
    while (types_pages_next(&t->pages, &walk)) {
        parts p = parts_at(t, walk.page, walk.slot);
        uint64_t hash = rl_hash(p.element.name);
        types_must(types_page_tags(walk.page)[walk.slot] == tag_of(hash));
        if (p.outside)
            far += far_bytes(p.outside);
    }
    types_must(far == t->far_bytes);
}
