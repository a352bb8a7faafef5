/* SPDX-License-Identifier: MIT */
/* Putting pairs into a tree and taking them out; see tree.h. */
#include "types/tree.h"

#include <assert.h>

#include "base/hash.h"
#include "types/tree_parts.h"

#define NEAR_MAX   128 /* bytes of a member in the leaf */
#define JOIN_BELOW 44  /* of 64 pairs or 63 children: two siblings that become one */
#define LOOK_BELOW 20  /* only then are siblings looked at */

/* ---- what changes with a leaf ---- */

static void tell_moved(const types_tree *t, const types_page *leaf, unsigned from, uint32_t old) {
    if (t->moved)
        t->moved(t->arg, leaf, from, old);
}

/* A leaf has another address or size: its neighbours and its parent are told. */
static void leaf_moved(types_tree *t, const types_path *p, types_page *leaf, size_t old_bytes) {
    t->bytes += leaf->bytes;
    t->bytes -= old_bytes;
    if (t->moved)
        t->leaves[leaf->id] = leaf;
    if (leaf->prev)
        leaf->prev->next = leaf;
    else
        t->first = leaf;
    if (leaf->next)
        leaf->next->prev = leaf;
    else
        t->last = leaf;
    if (p->height)
        p->steps[p->height - 1].node->children[p->steps[p->height - 1].child] = leaf;
    else
        t->root = leaf;
}

/* ---- children of inner nodes ---- */

/* A child and the key it begins with. */
typedef struct newcomer {
    void *child;
    uint64_t count;
    double score;
    uint64_t prefix;
} newcomer;

static newcomer leaf_newcomer(types_page *leaf) {
    rl_bytes member = types_leaf_member(leaf, 0);
    return (newcomer){leaf, leaf->count, types_leaf_score(leaf, 0),
                      member.len ? types_prefix_of(member) : 0};
}

static void inner_put(types_inner *node, unsigned at, const newcomer *n) {
    size_t behind = node->count - at;
    memmove(&node->scores[at + 1], &node->scores[at], behind * sizeof node->scores[0]);
    memmove(&node->prefixes[at + 1], &node->prefixes[at], behind * sizeof node->prefixes[0]);
    memmove(&node->counts[at + 1], &node->counts[at], behind * sizeof node->counts[0]);
    memmove(&node->children[at + 1], &node->children[at], behind * sizeof node->children[0]);
    node->scores[at] = n->score;
    node->prefixes[at] = n->prefix;
    node->counts[at] = n->count;
    node->children[at] = n->child;
    node->count++;
}

static void inner_take(types_inner *node, unsigned at) {
    size_t behind = node->count - at - 1;
    memmove(&node->scores[at], &node->scores[at + 1], behind * sizeof node->scores[0]);
    memmove(&node->prefixes[at], &node->prefixes[at + 1], behind * sizeof node->prefixes[0]);
    memmove(&node->counts[at], &node->counts[at + 1], behind * sizeof node->counts[0]);
    memmove(&node->children[at], &node->children[at + 1], behind * sizeof node->children[0]);
    node->count--;
}

/* Appends the children from `from` on of one node to another. */
static void inner_append(types_inner *to, const types_inner *node, unsigned from) {
    size_t n = node->count - from;
    memcpy(&to->scores[to->count], &node->scores[from], n * sizeof to->scores[0]);
    memcpy(&to->prefixes[to->count], &node->prefixes[from], n * sizeof to->prefixes[0]);
    memcpy(&to->counts[to->count], &node->counts[from], n * sizeof to->counts[0]);
    memcpy(&to->children[to->count], &node->children[from], n * sizeof to->children[0]);
    to->count += (uint32_t)n;
}

static uint64_t inner_sum(const types_inner *node) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < node->count; i++)
        sum += node->counts[i];
    return sum;
}

/* Moves the children from `at` on to a new node. */
static newcomer inner_split(types_tree *t, types_inner *node, unsigned at) {
    types_inner *right = types_inner_create(t);
    inner_append(right, node, at);
    node->count = at;
    return (newcomer){right, inner_sum(right), right->scores[0], right->prefixes[0]};
}

/* A new root over the old one and its new sibling. */
static void root_grow(types_tree *t, const newcomer *sibling) {
    assert(t->height + 1 < TYPES_HEIGHT_MAX);
    types_inner *root = types_inner_create(t);
    newcomer old = {t->root, t->count - sibling->count, 0, 0};
    inner_put(root, 0, &old);
    inner_put(root, 1, sibling);
    t->root = root;
    t->height++;
}

/*
 * A leaf was split, `sibling` is the right half: it is put into the parent, behind the child on the
 * path, which splits in turn when it is full. Counts on the path are already those of both halves.
 */
static void path_put(types_tree *t, const types_path *p, newcomer sibling) {
    for (unsigned level = p->height; level-- > 0;) {
        types_inner *node = p->steps[level].node;
        unsigned child = p->steps[level].child;
        node->counts[child] -= sibling.count;
        if (node->count < TYPES_CHILDREN) {
            inner_put(node, child + 1, &sibling);
            return;
        }
        /* At the right edge nothing more will come to the left half. */
        unsigned at = child + 1 == TYPES_CHILDREN ? TYPES_CHILDREN - 1 : TYPES_CHILDREN / 2;
        newcomer right = inner_split(t, node, at);
        if (child + 1 <= at) {
            inner_put(node, child + 1, &sibling);
        } else {
            inner_put(right.child, child + 1 - at, &sibling);
            right.count += sibling.count;
        }
        sibling = right;
    }
    root_grow(t, &sibling);
}

/* ---- inserting ---- */

static size_t member_size(rl_bytes member) {
    if (member.len > NEAR_MAX)
        return 1 + sizeof(types_far *);
    return types_varint_size((uint64_t)member.len << 1) + member.len;
}

static void member_write(types_tree *t, char *to, rl_bytes member) {
    if (member.len <= NEAR_MAX) {
        to = types_varint_write(to, (uint64_t)member.len << 1);
        if (member.len)
            memcpy(to, member.ptr, member.len);
        return;
    }
    assert(member.len <= UINT32_MAX);
    types_far *outside = rl_malloc(sizeof *outside + member.len);
    outside->len = (uint32_t)member.len;
    memcpy(outside->bytes, member.ptr, member.len);
    t->bytes += types_far_bytes(outside);
    *to = TYPES_FAR;
    memcpy(to + 1, &outside, sizeof outside);
}

/* Splits the full leaf of the path at slot `at`; both halves get pairs, the left one stays on the
 * path. */
static types_page *leaf_split(types_tree *t, types_path *p, unsigned at) {
    types_page *old = p->leaf;
    uint8_t side[TYPES_PAGE_SLOTS];
    for (unsigned i = 0; i < old->count; i++)
        side[i] = i >= at;
    types_page *left = types_page_part(&types_leaves, old, side, 0);
    types_page *right = types_page_part(&types_leaves, old, side, 1);
    /* The larger half keeps the number, the other one's pairs have moved. */
    types_page *kept = at * 2 < old->count ? right : left, *other = kept == left ? right : left;
    kept->id = old->id;
    types_tree_id_take(t, other);
    left->prev = old->prev;
    left->next = right;
    right->prev = left;
    right->next = old->next;
    size_t old_bytes = old->bytes;
    types_page_free(old);
    if (right->next)
        right->next->prev = right;
    else
        t->last = right;
    t->bytes += right->bytes;
    leaf_moved(t, p, left, old_bytes);
    if (t->moved)
        t->leaves[right->id] = right;
    p->leaf = left;
    tell_moved(t, other, 0, kept->id);
    return right;
}

static types_page *leaf_insert(types_tree *t, types_page *leaf, unsigned slot, double score,
                               rl_bytes member) {
    char *to = types_page_insert(&leaf, slot, member_size(member));
    member_write(t, to, member);
    types_leaf_score_set(leaf, slot, score);
    types_page_tags(leaf)[slot] = types_tag_of(rl_hash(member));
    return leaf;
}

/* A leaf with one pair, behind the last. */
static types_page *leaf_behind(types_tree *t, double score, rl_bytes member) {
    types_page *leaf = leaf_insert(t, types_page_create(&types_leaves, 1, 0), 0, score, member);
    t->bytes += leaf->bytes;
    types_tree_id_take(t, leaf);
    leaf->prev = t->last;
    t->last->next = leaf;
    t->last = leaf;
    return leaf;
}

static uint32_t insert_into_full(types_tree *t, types_path *p, double score, rl_bytes member) {
    if (p->leaf == t->last && p->slot == p->leaf->count) {
        types_page *leaf = leaf_behind(t, score, member);
        path_put(t, p, leaf_newcomer(leaf));
        return leaf->id;
    }
    unsigned at = p->leaf == t->first && p->slot == 0 ? 1 : TYPES_PAGE_SLOTS / 2;
    types_page *right = leaf_split(t, p, at);
    uint32_t id = p->leaf->id;
    if (p->slot <= at) {
        size_t old_bytes = p->leaf->bytes;
        leaf_moved(t, p, leaf_insert(t, p->leaf, p->slot, score, member), old_bytes);
    } else {
        types_page *behind = right->next;
        t->bytes -= right->bytes;
        right = leaf_insert(t, right, p->slot - at, score, member);
        t->bytes += right->bytes;
        p->leaf->next = right;
        if (behind)
            behind->prev = right;
        else
            t->last = right;
        id = right->id;
        if (t->moved)
            t->leaves[id] = right;
    }
    path_put(t, p, leaf_newcomer(right));
    return id;
}

uint32_t types_tree_insert(types_tree *t, double score, rl_bytes member) {
    types_path p;
    types_cut b = types_cut_pair(score, member, true);
    types_tree_descend(t, &b, &p);
    for (unsigned i = 0; i < p.height; i++)
        p.steps[i].node->counts[p.steps[i].child]++;
    t->count++;
    if (p.leaf->count == TYPES_PAGE_SLOTS)
        return insert_into_full(t, &p, score, member);
    size_t old_bytes = p.leaf->bytes;
    uint32_t id = p.leaf->id;
    leaf_moved(t, &p, leaf_insert(t, p.leaf, p.slot, score, member), old_bytes);
    return id;
}

/* ---- removing ---- */

/* Takes a leaf out of the list. */
static void leaf_unlink(types_tree *t, types_page *leaf) {
    if (leaf->prev)
        leaf->prev->next = leaf->next;
    else
        t->first = leaf->next;
    if (leaf->next)
        leaf->next->prev = leaf->prev;
    else
        t->last = leaf->prev;
    types_tree_id_give_back(t, leaf);
    t->bytes -= leaf->bytes;
    types_page_free(leaf);
}

/* Joins leaves i and i + 1 of a node, if they are small. */
static bool leaves_join(types_tree *t, types_inner *node, unsigned i) {
    types_page *a = node->children[i], *b = node->children[i + 1];
    if (a->count + b->count >= JOIN_BELOW)
        return false;
    types_page *joined = types_page_join(&types_leaves, a, b);
    joined->id = a->id;
    types_tree_id_give_back(t, b);
    if (t->moved)
        t->leaves[joined->id] = joined;
    tell_moved(t, joined, a->count, b->id);
    joined->prev = a->prev;
    joined->next = b->next;
    if (joined->prev)
        joined->prev->next = joined;
    else
        t->first = joined;
    if (joined->next)
        joined->next->prev = joined;
    else
        t->last = joined;
    t->bytes += joined->bytes;
    t->bytes -= (size_t)a->bytes + b->bytes;
    types_page_free(a);
    types_page_free(b);
    node->children[i] = joined;
    return true;
}

static bool inners_join(types_tree *t, types_inner *node, unsigned i) {
    types_inner *a = node->children[i], *b = node->children[i + 1];
    if (a->count + b->count >= JOIN_BELOW)
        return false;
    /* What b begins with, as its parent knows it. */
    b->scores[0] = node->scores[i + 1];
    b->prefixes[0] = node->prefixes[i + 1];
    inner_append(a, b, 0);
    types_inner_free(t, b);
    return true;
}

static bool children_join(types_tree *t, types_inner *node, unsigned i, unsigned height) {
    bool joined = height == 0 ? leaves_join(t, node, i) : inners_join(t, node, i);
    if (joined) {
        node->counts[i] += node->counts[i + 1];
        inner_take(node, i + 1);
    }
    return joined;
}

static unsigned child_size(const void *child, unsigned height) {
    return height == 0 ? ((const types_page *)child)->count : ((const types_inner *)child)->count;
}

static void child_drop(types_tree *t, void *child, unsigned height) {
    if (height == 0)
        leaf_unlink(t, child);
    else
        types_inner_free(t, child);
}

/* From the leaf's parent up: what has become empty goes, what has become small joins a sibling. */
static void path_trim(types_tree *t, const types_path *p) {
    for (unsigned level = p->height; level-- > 0;) {
        types_inner *node = p->steps[level].node;
        unsigned child = p->steps[level].child, height = p->height - 1 - level;
        unsigned size = child_size(node->children[child], height);
        if (size > LOOK_BELOW)
            return;
        if (size == 0) {
            child_drop(t, node->children[child], height);
            inner_take(node, child);
        } else if (!(child > 0 && children_join(t, node, child - 1, height)) &&
                   !(child + 1 < node->count && children_join(t, node, child, height))) {
            return;
        }
    }
    while (t->height > 0 && ((types_inner *)t->root)->count <= 1) {
        types_inner *root = t->root;
        assert(root->count == 1);
        t->root = root->children[0];
        t->height--;
        types_inner_free(t, root);
    }
}

/* Takes out the pair the path leads to. */
static void path_remove(types_tree *t, types_path *p) {
    for (unsigned i = 0; i < p->height; i++)
        p->steps[i].node->counts[p->steps[i].child]--;
    t->count--;
    types_far *outside = types_leaf_outside(p->leaf, p->slot);
    if (outside) {
        t->bytes -= types_far_bytes(outside);
        rl_free(outside);
    }
    size_t old_bytes = p->leaf->bytes;
    types_page_remove(&p->leaf, p->slot, types_leaf_size(p->leaf, p->slot));
    leaf_moved(t, p, p->leaf, old_bytes);
    path_trim(t, p);
}

bool types_tree_remove(types_tree *t, double score, rl_bytes member) {
    types_path p;
    if (!types_tree_descend_to(t, score, member, &p))
        return false;
    path_remove(t, &p);
    return true;
}

void types_tree_remove_at(types_tree *t, size_t rank) {
    types_path p;
    assert(rank < t->count);
    types_tree_descend_by_rank(t, rank, &p);
    path_remove(t, &p);
}

bool types_spot_nudge(types_spot spot, double score) {
    types_cut b = types_cut_pair(score, types_spot_member(spot), false);
    const types_page *leaf = spot.leaf;
    /* Beside a neighbour leaf it might pass it, or the key its own leaf is known by. */
    if (spot.slot == 0 ? leaf->prev != NULL : !types_pair_before(&b, leaf, spot.slot - 1))
        return false;
    if (spot.slot + 1u == leaf->count ? leaf->next != NULL
                                      : types_pair_before(&b, leaf, spot.slot + 1))
        return false;
    types_leaf_score_set((types_page *)(uintptr_t)leaf, spot.slot, score);
    return true;
}
