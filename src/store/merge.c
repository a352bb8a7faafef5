/* SPDX-License-Identifier: MIT */
/*
 * The merge; see merge.h. Entries stand in one array in the order they came; an open-addressing
 * table of (id's low half, entry number) finds them. Both are kept from fold to fold.
 */
#include "store/merge.h"

#include <string.h>

#include "base/alloc.h"

typedef struct slot {
    uint32_t id_low;
    uint32_t number; /* 1 + entry number; 0: free */
} slot;

typedef struct sort_item {
    uint64_t id;
    uint32_t number;
} sort_item;

struct rl_merge {
    rl_merge_entry *entries;
    size_t count, cap;
    slot *slots;
    size_t slot_mask; /* slots - 1; a power of two, at most half full */
    rl_buffer *patched;
    size_t patched_count, patched_cap;
    sort_item *items, *spare_items;
    size_t items_cap;
    uint32_t *sorted;
};

#define FIRST_SLOTS 1024
/* Beyond this many entries, reset gives the memory back: a burst should not be held for ever. */
#define KEEP_ENTRIES (1u << 18)

rl_merge *rl_merge_create(void) {
    rl_merge *m = rl_calloc(1, sizeof *m);
    m->slots = rl_calloc(FIRST_SLOTS, sizeof *m->slots);
    m->slot_mask = FIRST_SLOTS - 1;
    return m;
}

void rl_merge_reset(rl_merge *m) {
    for (size_t i = 0; i < m->patched_count; i++)
        rl_buffer_release(&m->patched[i]);
    m->patched_count = 0;
    if (m->cap > KEEP_ENTRIES) {
        rl_free(m->entries);
        rl_free(m->slots);
        rl_free(m->items);
        rl_free(m->spare_items);
        rl_free(m->sorted);
        m->entries = NULL;
        m->items = m->spare_items = NULL;
        m->sorted = NULL;
        m->cap = m->items_cap = 0;
        m->slots = rl_calloc(FIRST_SLOTS, sizeof *m->slots);
        m->slot_mask = FIRST_SLOTS - 1;
    } else if (m->count) {
        memset(m->slots, 0, (m->slot_mask + 1) * sizeof *m->slots);
    }
    m->count = 0;
}

void rl_merge_free(rl_merge *m) {
    if (m == NULL)
        return;
    rl_merge_reset(m);
    rl_free(m->entries);
    rl_free(m->slots);
    rl_free(m->patched);
    rl_free(m->items);
    rl_free(m->spare_items);
    rl_free(m->sorted);
    rl_free(m);
}

size_t rl_merge_count(const rl_merge *m) {
    return m->count;
}

rl_merge_entry *rl_merge_entries(rl_merge *m) {
    return m->entries;
}

/* Ids are mostly consecutive; a multiplication spreads them. */
static size_t slot_of(const rl_merge *m, uint64_t id) {
    return (size_t)((id * 0x9e3779b97f4a7c15u) >> 32) & m->slot_mask;
}

void rl_merge_prefetch(const rl_merge *m, const rl_change *changes, size_t count) {
    for (size_t i = 0; i < count; i++)
        __builtin_prefetch(&m->slots[slot_of(m, changes[i].id)]);
    for (size_t i = 0; i < count; i++) {
        uint32_t number = m->slots[slot_of(m, changes[i].id)].number;
        if (number)
            __builtin_prefetch(&m->entries[number - 1], 1);
    }
    __asm__ volatile(""); /* else gcc takes the function for one without effect */
}

static void grow_slots(rl_merge *m) {
    size_t slots = (m->slot_mask + 1) * 2;
    rl_free(m->slots);
    m->slots = rl_calloc(slots, sizeof *m->slots);
    m->slot_mask = slots - 1;
    for (size_t i = 0; i < m->count; i++) {
        size_t at = slot_of(m, m->entries[i].id);
        while (m->slots[at].number)
            at = (at + 1) & m->slot_mask;
        m->slots[at] = (slot){(uint32_t)m->entries[i].id, (uint32_t)i + 1};
    }
}

/* The entry of a row, made when it has none. */
static rl_merge_entry *entry_of(rl_merge *m, uint64_t id, uint64_t stored_below) {
    size_t at = slot_of(m, id);
    for (; m->slots[at].number; at = (at + 1) & m->slot_mask) {
        if (m->slots[at].id_low == (uint32_t)id) {
            rl_merge_entry *e = &m->entries[m->slots[at].number - 1];
            if (e->id == id)
                return e;
        }
    }
    if (m->count == m->cap) {
        m->cap = m->cap ? m->cap * 2 : FIRST_SLOTS / 2;
        m->entries = rl_realloc(m->entries, m->cap * sizeof *m->entries);
    }
    m->slots[at] = (slot){(uint32_t)id, (uint32_t)m->count + 1};
    rl_merge_entry *e = &m->entries[m->count++];
    *e = (rl_merge_entry){.id = id, .has = id < stored_below ? RL_MERGE_STORED : 0};
    if (m->count * 2 > m->slot_mask)
        grow_slots(m); /* moves slots, not entries */
    return e;
}

static void drop_patched(rl_merge *m, rl_merge_entry *e) {
    if (e->patched) {
        rl_buffer_release(&m->patched[e->patched - 1]);
        e->patched = 0;
    }
}

/* The buffer that holds an entry's value from now on; empty when it is new. */
static rl_buffer *patched_of(rl_merge *m, rl_merge_entry *e) {
    if (e->patched == 0) {
        if (m->patched_count == m->patched_cap) {
            m->patched_cap = m->patched_cap ? m->patched_cap * 2 : 16;
            m->patched = rl_realloc(m->patched, m->patched_cap * sizeof *m->patched);
        }
        m->patched[m->patched_count++] = (rl_buffer){0};
        e->patched = (uint32_t)m->patched_count;
    }
    return &m->patched[e->patched - 1];
}

static int add_patch(rl_merge *m, rl_merge_entry *e, const rl_change *c,
                     rl_merge_read_value read_value, void *arg) {
    rl_buffer *buffer = patched_of(m, e);
    if (e->has & (RL_MERGE_ROW | RL_MERGE_VALUE)) {
        if (e->value.ptr != buffer->ptr)
            rl_buffer_add_bytes(buffer, e->value);
    } else if (e->has & RL_MERGE_STORED) {
        bool found = false;
        int rc = read_value(arg, e->id, buffer, &found);
        if (rc != 0 || !found) {
            drop_patched(m, e);
            return rc; /* a row that is not there stays away */
        }
    } else {
        drop_patched(m, e);
        return 0;
    }
    size_t total = (size_t)c->total_len, offset = (size_t)c->offset;
    if (buffer->cap < total || buffer->ptr == NULL)
        rl_buffer_grow(buffer, total - buffer->len + 1); /* doubles: many appends copy little */
    if (total > buffer->len)
        memset(buffer->ptr + buffer->len, 0, total - buffer->len);
    buffer->len = total;
    if (c->value.len)
        memcpy(buffer->ptr + offset, c->value.ptr, c->value.len);
    e->value = rl_buffer_bytes(buffer);
    e->expires_at = c->expires_at;
    e->has |= RL_MERGE_VALUE | RL_MERGE_EXPIRY;
    return 0;
}

int rl_merge_add(rl_merge *m, const rl_change *c, int32_t db, uint64_t stored_below,
                 rl_merge_read_value read_value, void *arg) {
    rl_merge_entry *e = entry_of(m, c->id, stored_below);
    if (c->kind == RL_CHANGE_KEY) {
        drop_patched(m, e);
        e->db = db;
        e->type = (uint8_t)c->type;
        e->expires_at = c->expires_at;
        e->key = c->key;
        e->value = c->value;
        e->has = (uint8_t)((e->has & RL_MERGE_STORED) | RL_MERGE_ROW);
        return 0;
    }
    if (c->kind == RL_CHANGE_DELETE) {
        drop_patched(m, e);
        e->has = e->has & RL_MERGE_STORED ? RL_MERGE_STORED | RL_MERGE_DELETE : 0;
        return 0;
    }
    /* What is left speaks of a row that exists: stored, or whole in the merge. */
    if ((e->has & RL_MERGE_DELETE) || !(e->has & (RL_MERGE_STORED | RL_MERGE_ROW)))
        return 0;
    switch (c->kind) {
    case RL_CHANGE_VALUE:
        drop_patched(m, e);
        e->value = c->value;
        e->expires_at = c->expires_at;
        e->has |= RL_MERGE_VALUE | RL_MERGE_EXPIRY;
        break;
    case RL_CHANGE_PATCH:
        return add_patch(m, e, c, read_value, arg);
    case RL_CHANGE_EXPIRY:
        e->expires_at = c->expires_at;
        e->has |= RL_MERGE_EXPIRY;
        break;
    case RL_CHANGE_NAME:
        e->db = db;
        e->key = c->key;
        e->has |= RL_MERGE_NAME;
        break;
    default:
        break;
    }
    return 0;
}

#define DIGIT_BITS 11
#define DIGITS     (1u << DIGIT_BITS)

/* A radix sort by id, least digit first; as many passes as the ids have digits that differ. */
static sort_item *sort_items(sort_item *from, sort_item *to, size_t count, uint64_t differing) {
    uint32_t starts[DIGITS];
    for (unsigned shift = 0; shift < 64 && differing >> shift; shift += DIGIT_BITS) {
        if (((differing >> shift) & (DIGITS - 1)) == 0)
            continue;
        memset(starts, 0, sizeof starts);
        for (size_t i = 0; i < count; i++)
            starts[(from[i].id >> shift) & (DIGITS - 1)]++;
        uint32_t start = 0;
        for (size_t d = 0; d < DIGITS; d++) {
            uint32_t n = starts[d];
            starts[d] = start;
            start += n;
        }
        for (size_t i = 0; i < count; i++)
            to[starts[(from[i].id >> shift) & (DIGITS - 1)]++] = from[i];
        sort_item *t = from;
        from = to;
        to = t;
    }
    return from;
}

const uint32_t *rl_merge_sorted(rl_merge *m) {
    if (m->items_cap < m->cap) {
        m->items_cap = m->cap;
        m->items = rl_realloc(m->items, m->items_cap * sizeof *m->items);
        m->spare_items = rl_realloc(m->spare_items, m->items_cap * sizeof *m->spare_items);
        m->sorted = rl_realloc(m->sorted, m->items_cap * sizeof *m->sorted);
    }
    bool in_order = true;
    uint64_t differing = 0;
    for (size_t i = 0; i < m->count; i++) {
        uint64_t id = m->entries[i].id;
        m->items[i] = (sort_item){id, (uint32_t)i};
        if (i) {
            in_order &= m->items[i - 1].id < id;
            differing |= m->items[i - 1].id ^ id;
        }
    }
    sort_item *items = m->items;
    if (!in_order)
        items = sort_items(m->items, m->spare_items, m->count, differing);
    for (size_t i = 0; i < m->count; i++)
        m->sorted[i] = items[i].number;
    return m->sorted;
}
