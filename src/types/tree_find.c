/* SPDX-License-Identifier: MIT */
/* Finding pairs in a tree; see tree.h. */
#include "types/tree.h"

#include "types/tree_parts.h"

/* ---- ways ---- */

/* Whether child i, of height `height`, begins before the bound. */
static bool child_before(const types_cut *b, const types_inner *node, unsigned i, unsigned height) {
    if (b->by_score && node->scores[i] != b->score)
        return node->scores[i] < b->score;
    if (!b->by_member)
        return b->upto;
    if (node->prefixes[i] != b->prefix)
        return node->prefixes[i] < b->prefix;
    return types_pair_before(b, types_leaf_of(node->children[i], height), 0);
}

static unsigned child_for(const types_cut *b, const types_inner *node, unsigned height) {
    unsigned low = 0, high = node->count; /* child low begins before, child high does not */
    while (high - low > 1) {
        unsigned middle = (low + high) / 2;
        if (child_before(b, node, middle, height))
            low = middle;
        else
            high = middle;
    }
    return low;
}

static unsigned slot_for(const types_cut *b, const types_page *leaf) {
    unsigned low = 0, high = leaf->count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (types_pair_before(b, leaf, middle))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The rank is told only if asked for: it costs a look at more of the inner nodes. */
static inline void descend(const types_tree *t, const types_cut *b, bool ranked, types_path *p) {
    void *node = t->root;
    p->height = 0;
    p->rank = 0;
    for (unsigned height = t->height; height > 0; height--) {
        types_inner *in = node;
        unsigned child = child_for(b, in, height - 1);
        for (unsigned i = 0; ranked && i < child; i++)
            p->rank += in->counts[i];
        p->steps[p->height++] = (types_step){in, child};
        node = in->children[child];
    }
    p->leaf = node;
    p->slot = slot_for(b, p->leaf);
    p->rank += p->slot;
}

void types_tree_descend(const types_tree *t, const types_cut *c, types_path *p) {
    descend(t, c, false, p);
}

bool types_tree_descend_to(const types_tree *t, double score, rl_bytes member, types_path *p) {
    types_cut b = types_cut_pair(score, member, true);
    descend(t, &b, false, p);
    if (p->slot == 0)
        return false;
    p->slot--;
    return types_leaf_score(p->leaf, p->slot) == score &&
           rl_bytes_equal(types_leaf_member(p->leaf, p->slot), member);
}

void types_tree_descend_by_rank(const types_tree *t, size_t rank, types_path *p) {
    void *node = t->root;
    p->height = 0;
    for (unsigned height = t->height; height > 0; height--) {
        types_inner *in = node;
        unsigned child = 0;
        while (rank >= in->counts[child])
            rank -= in->counts[child++];
        p->steps[p->height++] = (types_step){in, child};
        node = in->children[child];
    }
    p->leaf = node;
    p->slot = (unsigned)rank;
}

/* ---- questions ---- */

bool types_tree_has(const types_tree *t, double score, rl_bytes member) {
    types_path p;
    return types_tree_descend_to(t, score, member, &p);
}

types_spot types_tree_in_leaf(const types_tree *t, uint32_t id, rl_bytes member, uint64_t hash) {
    const types_page *leaf = t->leaves[id];
    uint8_t tag = types_tag_of(hash);
    for (unsigned first = 0; first < leaf->count; first += 8)
        for (uint64_t hits = types_page_match(leaf, first, tag); hits; hits &= hits - 1) {
            unsigned slot = first + (unsigned)__builtin_ctzll(hits) / 8;
            if (slot >= leaf->count)
                break;
            if (rl_bytes_equal(types_leaf_member(leaf, slot), member))
                return (types_spot){leaf, slot};
        }
    return (types_spot){NULL, 0};
}

static types_cut cut_of(const types_bound *b) {
    bool by_pair = b->kind == TYPES_BEFORE_PAIR;
    bool by_score = b->kind == TYPES_BEFORE_SCORE || b->kind == TYPES_UPTO_SCORE || by_pair;
    types_cut out = {.by_score = by_score,
                     .by_member = !by_score || by_pair,
                     .upto = b->kind == TYPES_UPTO_SCORE || b->kind == TYPES_UPTO_MEMBER,
                     .score = b->score,
                     .member = b->member};
    if (out.by_member && out.member.len)
        out.prefix = types_prefix_of(out.member);
    return out;
}

size_t types_tree_count_before(const types_tree *t, const types_bound *b) {
    types_path p;
    types_cut cut = cut_of(b);
    descend(t, &cut, true, &p);
    return p.rank;
}

types_spot types_tree_at(const types_tree *t, size_t rank) {
    if (rank >= t->count)
        return (types_spot){NULL, 0};
    types_path p;
    types_tree_descend_by_rank(t, rank, &p);
    return (types_spot){p.leaf, p.slot};
}

void types_spot_next(types_spot *spot) {
    if (++spot->slot < spot->leaf->count)
        return;
    spot->leaf = spot->leaf->next;
    spot->slot = 0;
}

void types_spot_previous(types_spot *spot) {
    if (spot->slot-- > 0)
        return;
    spot->leaf = spot->leaf->prev;
    spot->slot = spot->leaf ? spot->leaf->count - 1u : 0;
}

double types_spot_score(types_spot spot) {
    return types_leaf_score(spot.leaf, spot.slot);
}

rl_bytes types_spot_member(types_spot spot) {
    return types_leaf_member(spot.leaf, spot.slot);
}
