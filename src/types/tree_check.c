/* SPDX-License-Identifier: MIT */
/* The invariants of a tree; see tree_parts.h. */
#include "types/must.h"
#include "types/tree.h"
#include "types/tree_parts.h"

typedef struct checking {
    const types_tree *tree;
    const types_page *last; /* leaf seen */
    size_t bytes;
} checking;

/* Whether pairs are on the right side of a key. */
static void key_check(const types_page *leaf, double score, uint64_t prefix, bool above) {
    if (leaf == NULL) /* an inner node has a leaf before its first key */
        abort();
    for (unsigned i = 0; i < leaf->count; i++) {
        rl_bytes member = types_leaf_member(leaf, i);
        uint64_t own = member.len ? types_prefix_of(member) : 0;
        double s = types_leaf_score(leaf, i);
        if (above)
            types_must(s > score || (s == score && own >= prefix));
        else
            types_must(s < score || (s == score && own <= prefix));
    }
}

static void leaf_check(checking *c, const types_page *leaf) {
    types_page_check(&types_leaves, leaf);
    types_must(leaf->count > 0 || c->tree->height == 0);
    types_must(c->tree->moved == NULL || c->tree->leaves[leaf->id] == leaf);
    types_must(leaf->prev == c->last && (c->last ? c->last->next : c->tree->first) == leaf);
    for (unsigned i = 0; i < leaf->count; i++) {
        const types_page *before = i ? leaf : c->last;
        if (before) {
            types_cut b =
                types_cut_pair(types_leaf_score(leaf, i), types_leaf_member(leaf, i), false);
            types_must(types_pair_before(&b, before, (i ? i : before->count) - 1u));
        }
        if (types_leaf_outside(leaf, i))
            c->bytes += types_far_bytes(types_leaf_outside(leaf, i));
    }
    c->bytes += leaf->bytes;
    c->last = leaf;
}

static size_t node_check(checking *c, const void *node, unsigned height) {
    if (height == 0) {
        leaf_check(c, node);
        return ((const types_page *)node)->count;
    }
    const types_inner *in = node;
    size_t sum = 0;
    types_must(in->count > 0 && in->count <= TYPES_CHILDREN);
    c->bytes += rl_alloc_good_size(sizeof *in);
    for (unsigned i = 0; i < in->count; i++) {
        const types_page *before = c->last;
        size_t count = node_check(c, in->children[i], height - 1);
        types_must(count == in->counts[i]);
        if (i > 0) {
            key_check(before, in->scores[i], in->prefixes[i], false);
            key_check(types_leaf_of(in->children[i], height - 1), in->scores[i], in->prefixes[i],
                      true);
        }
        sum += count;
    }
    return sum;
}

void types_tree_check(const types_tree *t) {
    checking c = {.tree = t};
    types_must(node_check(&c, t->root, t->height) == t->count);
    types_must(c.last == t->last && t->last->next == NULL);
    types_must(c.bytes + (t->ids_room ? rl_alloc_good_size(t->ids_room * sizeof *t->leaves) : 0) ==
               t->bytes);
    types_must(t->height == 0 || ((const types_inner *)t->root)->count > 1);
}
