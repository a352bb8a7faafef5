/* SPDX-License-Identifier: MIT */
/* A tree's leaves and nodes: making and freeing them; see tree.h and tree_parts.h. */
#include "types/tree.h"

#include "types/tree_parts.h"

/* ---- leaves ---- */

size_t types_leaf_size(const types_page *leaf, unsigned slot) {
    uint64_t head;
    const char *at = types_page_element(leaf, slot), *from = types_varint_read(at, &head);
    return (size_t)(from - at) + (head & TYPES_FAR ? sizeof(types_far *) : head >> 1);
}

static size_t leaf_release(types_page *leaf) {
    size_t bytes = 0;
    for (unsigned i = 0; i < leaf->count; i++) {
        types_far *outside = types_leaf_outside(leaf, i);
        if (outside) {
            bytes += types_far_bytes(outside);
            rl_free(outside);
        }
    }
    return bytes;
}

const types_page_kind types_leaves = {
    .width = sizeof(double), .tagged = true, .size = types_leaf_size, .release = leaf_release};

/* ---- the numbers of leaves ---- */

/* Unused numbers are a list: a place holds the next one, shifted, with the low bit set. */
#define NO_ID UINT32_MAX

void types_tree_id_take(types_tree *t, types_page *leaf) {
    if (t->moved == NULL)
        return;
    if (t->id_free != NO_ID) {
        leaf->id = t->id_free;
        t->id_free = (uint32_t)((uintptr_t)t->leaves[leaf->id] >> 1);
    } else {
        if (t->ids == t->ids_room) {
            t->bytes -= t->ids_room ? rl_alloc_good_size(t->ids_room * sizeof *t->leaves) : 0;
            t->ids_room += t->ids_room / 2 + 4;
            t->leaves = rl_realloc(t->leaves, t->ids_room * sizeof *t->leaves);
            t->bytes += rl_alloc_good_size(t->ids_room * sizeof *t->leaves);
        }
        leaf->id = t->ids++;
    }
    t->leaves[leaf->id] = leaf;
}

void types_tree_id_give_back(types_tree *t, const types_page *leaf) {
    if (t->moved == NULL)
        return;
    t->leaves[leaf->id] = (types_page *)((uintptr_t)t->id_free << 1 | 1); /* NOLINT */
    t->id_free = leaf->id;
}

/* ---- inner nodes ---- */

types_inner *types_inner_create(types_tree *t) {
    types_inner *node = rl_malloc(sizeof *node);
    node->count = 0;
    node->unused = 0;
    t->bytes += rl_alloc_good_size(sizeof *node);
    return node;
}

void types_inner_free(types_tree *t, types_inner *node) {
    t->bytes -= rl_alloc_good_size(sizeof *node);
    rl_free(node);
}

/* ---- life ---- */

static types_page *leaf_create(types_tree *t) {
    types_page *leaf = types_page_create(&types_leaves, 1, 0);
    t->bytes += leaf->bytes;
    types_tree_id_take(t, leaf);
    return leaf;
}

void types_tree_init(types_tree *t, types_tree_moved *moved, void *arg) {
    *t = (types_tree){.moved = moved, .arg = arg, .id_free = NO_ID};
    t->root = t->first = t->last = leaf_create(t);
}

/* Frees one inner node, the last of the lowest ones. */
static void free_one_inner(types_tree *t) {
    types_inner *parent = NULL, *node = t->root;
    for (unsigned height = t->height; height > 1 && node->count > 0; height--) {
        parent = node;
        node = node->children[node->count - 1];
    }
    if (parent)
        parent->count--;
    else
        t->height = 0;
    types_inner_free(t, node);
}

bool types_tree_free_step(types_tree *t, size_t budget) {
    size_t freed = 0;
    for (; t->first != NULL && freed < budget; freed++) {
        types_page *leaf = t->first;
        freed += leaf->count;
        t->count -= leaf->count;
        t->first = leaf->next;
        t->bytes -= leaf->bytes + leaf_release(leaf);
        types_page_free(leaf);
    }
    for (; t->first == NULL && t->height > 0 && freed < budget; freed++)
        free_one_inner(t);
    if (t->first != NULL || t->height > 0)
        return false;
    rl_free(t->leaves);
    t->leaves = NULL;
    return true;
}
