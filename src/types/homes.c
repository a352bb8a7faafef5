/* SPDX-License-Identifier: MIT */
#include "types/homes.h"

#include <stdlib.h>
#include <string.h>

static inline uint32_t hash_at(const types_page *page, unsigned slot) {
    return ((const uint32_t *)(const void *)types_page_column(page))[slot];
}

static inline uint32_t leaf_at(const types_page *page, unsigned slot) {
    uint32_t leaf;
    memcpy(&leaf, types_page_element(page, slot), sizeof leaf);
    return leaf;
}

static uint64_t page_hash(const types_page *page, unsigned slot) {
    return (uint64_t)hash_at(page, slot) << 32;
}

static const types_page_kind kind = {
    .width = sizeof(uint32_t), .fixed = sizeof(uint32_t), .hash = page_hash};

void types_homes_init(types_pages *homes, unsigned depth_max) {
    types_pages_init(homes, &kind, depth_max);
}

void types_homes_add(types_pages *homes, uint64_t hash, uint32_t leaf) {
    types_page *page;
    unsigned slot;
    char *to = types_pages_add(homes, hash, sizeof leaf, &page, &slot);
    memcpy(to, &leaf, sizeof leaf);
    ((uint32_t *)(void *)types_page_column(page))[slot] = (uint32_t)(hash >> 32);
}

bool types_homes_next(const types_pages *homes, types_home *home) {
    uint32_t wanted = (uint32_t)(home->hash >> 32);
    if (home->page == NULL) {
        home->page = types_pages_find(homes, home->hash);
        types_page_prefetch(home->page);
        home->slot = 0;
    } else {
        home->slot++;
    }
    for (; home->page != NULL; home->page = home->page->next, home->slot = 0)
        for (; home->slot < home->page->count; home->slot++)
            if (hash_at(home->page, home->slot) == wanted) {
                home->leaf = leaf_at(home->page, home->slot);
                return true;
            }
    return false;
}

void types_homes_remove(types_pages *homes, const types_home *home) {
    types_pages_remove(homes, home->hash, home->page, home->slot);
}

static types_home home_in(const types_pages *homes, uint64_t hash, uint32_t leaf) {
    types_home home = {.hash = hash};
    while (types_homes_next(homes, &home))
        if (home.leaf == leaf)
            return home;
    abort(); /* a member without a home: memory is broken */
}

void types_homes_forget(types_pages *homes, uint64_t hash, uint32_t leaf) {
    types_home home = home_in(homes, hash, leaf);
    types_homes_remove(homes, &home);
}

void types_homes_move(const types_pages *homes, uint64_t hash, uint32_t from, uint32_t to) {
    types_home home = home_in(homes, hash, from);
    memcpy(types_page_element(home.page, home.slot), &to, sizeof to);
}

uint32_t types_homes_hash(const types_page *page, unsigned slot) {
    return hash_at(page, slot);
}

uint32_t types_homes_leaf(const types_page *page, unsigned slot) {
    return leaf_at(page, slot);
}
