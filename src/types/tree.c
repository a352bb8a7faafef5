/* SPDX-License-Identifier: MIT */
/*
 * Invariants (asserted by types_tree_check):
 *   1. Pairs ascend along the leaves; the leaves are linked in order, no leaf is empty (but the
 *      root), all are at the same height.
 *   2. counts[i] is the number of pairs below children[i].
 *   3. Cut to score and prefix, every pair of the children before i is below or equal to key i,
 *      and every pair from child i on is above or equal to it. keys[0] is not looked at.
 */
#include "types/tree.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "types/must.h"
#include "types/varint.h"

#define CHILDREN    63
#define HEIGHT_MAX  16
#define NEAR_MAX    128 /* bytes of a member in the leaf */
#define FAR         1u
#define JOIN_BELOW  44 /* of 64 pairs or 63 children: two siblings that become one */
#define LOOK_BELOW  20 /* only then are siblings looked at */
#define PREFIX_SIZE 8

typedef struct inner {
    uint32_t count; /* children */
    uint32_t unused;
    double scores[CHILDREN];
    uint64_t prefixes[CHILDREN]; /* keys */
    uint64_t counts[CHILDREN];
    void *children[CHILDREN];
} inner;

typedef struct far_member {
    uint32_t len;
    char bytes[];
} far_member;

typedef struct step {
    inner *node;
    unsigned child;
} step;

/* The way from the root to a leaf. */
typedef struct path {
    step steps[HEIGHT_MAX];
    unsigned height;
    types_page *leaf;
    unsigned slot;
    size_t rank; /* pairs before the slot, if that was asked for */
} path;

/* ---- leaves ---- */

static inline double leaf_score(const types_page *leaf, unsigned slot) {
    return ((const double *)(const void *)types_page_column(leaf))[slot];
}

static inline void leaf_score_set(types_page *leaf, unsigned slot, double score) {
    ((double *)(void *)types_page_column(leaf))[slot] = score;
}

static far_member *leaf_outside(const types_page *leaf, unsigned slot) {
    const char *at = types_page_element(leaf, slot);
    far_member *outside = NULL;
    if (*at == FAR)
        memcpy(&outside, at + 1, sizeof outside);
    return outside;
}

static inline rl_bytes leaf_member(const types_page *leaf, unsigned slot) {
    uint64_t head;
    const char *from = types_varint_read(types_page_element(leaf, slot), &head);
    if (__builtin_expect(!(head & FAR), 1))
        return rl_bytes_of(from, head >> 1);
    const far_member *outside = leaf_outside(leaf, slot);
    return rl_bytes_of(outside->bytes, outside->len);
}

static size_t element_size(const types_page *leaf, unsigned slot) {
    uint64_t head;
    const char *at = types_page_element(leaf, slot), *from = types_varint_read(at, &head);
    return (size_t)(from - at) + (head & FAR ? sizeof(far_member *) : head >> 1);
}

static size_t outside_bytes(const far_member *outside) {
    return rl_alloc_good_size(sizeof *outside + outside->len);
}

static size_t leaf_release(types_page *leaf) {
    size_t bytes = 0;
    for (unsigned i = 0; i < leaf->count; i++) {
        far_member *outside = leaf_outside(leaf, i);
        if (outside) {
            bytes += outside_bytes(outside);
            rl_free(outside);
        }
    }
    return bytes;
}

static const types_page_kind leaves = {
    .width = sizeof(double), .tagged = true, .size = element_size, .release = leaf_release};

static inline uint8_t tag_of(uint64_t hash) {
    return (uint8_t)hash;
}

static size_t member_size(rl_bytes member) {
    if (member.len > NEAR_MAX)
        return 1 + sizeof(far_member *);
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
    far_member *outside = rl_malloc(sizeof *outside + member.len);
    outside->len = (uint32_t)member.len;
    memcpy(outside->bytes, member.ptr, member.len);
    t->bytes += outside_bytes(outside);
    *to = FAR;
    memcpy(to + 1, &outside, sizeof outside);
}

/* ---- order ---- */

/* The first bytes as a number in the same order; members it does not tell apart are equal in it. */
static uint64_t prefix_of(rl_bytes member) {
    uint64_t prefix = 0;
    memcpy(&prefix, member.ptr, member.len < PREFIX_SIZE ? member.len : PREFIX_SIZE);
    return __builtin_bswap64(prefix);
}

typedef struct bound {
    bool by_score, by_member, upto;
    double score;
    rl_bytes member;
    uint64_t prefix;
} bound;

static bound bound_pair(double score, rl_bytes member, bool upto) {
    return (bound){true, true, upto, score, member, member.len ? prefix_of(member) : 0};
}

static bound bound_of(const types_bound *b) {
    bool by_pair = b->kind == TYPES_BEFORE_PAIR;
    bool by_score = b->kind == TYPES_BEFORE_SCORE || b->kind == TYPES_UPTO_SCORE || by_pair;
    bound out = {.by_score = by_score,
                 .by_member = !by_score || by_pair,
                 .upto = b->kind == TYPES_UPTO_SCORE || b->kind == TYPES_UPTO_MEMBER,
                 .score = b->score,
                 .member = b->member};
    if (out.by_member && out.member.len)
        out.prefix = prefix_of(out.member);
    return out;
}

static bool pair_before(const bound *b, const types_page *leaf, unsigned slot) {
    if (b->by_score) {
        double score = leaf_score(leaf, slot);
        if (score != b->score)
            return score < b->score;
    }
    if (!b->by_member)
        return b->upto;
    int order = rl_bytes_compare(leaf_member(leaf, slot), b->member);
    return order < 0 || (order == 0 && b->upto);
}

static const types_page *leaf_of(const void *node, unsigned height) {
    while (height--)
        node = ((const inner *)node)->children[0];
    return node;
}

/* Whether child i, of height `height`, begins before the bound. */
static bool child_before(const bound *b, const inner *node, unsigned i, unsigned height) {
    if (b->by_score && node->scores[i] != b->score)
        return node->scores[i] < b->score;
    if (!b->by_member)
        return b->upto;
    if (node->prefixes[i] != b->prefix)
        return node->prefixes[i] < b->prefix;
    return pair_before(b, leaf_of(node->children[i], height), 0);
}

static unsigned child_for(const bound *b, const inner *node, unsigned height) {
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

static unsigned slot_for(const bound *b, const types_page *leaf) {
    unsigned low = 0, high = leaf->count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (pair_before(b, leaf, middle))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The way to the first pair that is not before the bound, or to the end of the leaf before it. Its
 * rank is told only if asked for: it costs a look at more of the inner nodes. */
static void descend(const types_tree *t, const bound *b, bool ranked, path *p) {
    void *node = t->root;
    p->height = 0;
    p->rank = 0;
    for (unsigned height = t->height; height > 0; height--) {
        inner *in = node;
        unsigned child = child_for(b, in, height - 1);
        for (unsigned i = 0; ranked && i < child; i++)
            p->rank += in->counts[i];
        p->steps[p->height++] = (step){in, child};
        node = in->children[child];
    }
    p->leaf = node;
    p->slot = slot_for(b, p->leaf);
    p->rank += p->slot;
}

/* The way to a pair that is there. */
static bool descend_to(const types_tree *t, double score, rl_bytes member, path *p) {
    bound b = bound_pair(score, member, true);
    descend(t, &b, false, p);
    if (p->slot == 0)
        return false;
    p->slot--;
    return leaf_score(p->leaf, p->slot) == score &&
           rl_bytes_equal(leaf_member(p->leaf, p->slot), member);
}

/* ---- life ---- */

/* Unused numbers are a list: a place holds the next one, shifted, with the low bit set. */
#define NO_ID UINT32_MAX

static void id_take(types_tree *t, types_page *leaf) {
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

static void id_give_back(types_tree *t, const types_page *leaf) {
    if (t->moved == NULL)
        return;
    t->leaves[leaf->id] = (types_page *)((uintptr_t)t->id_free << 1 | 1); /* NOLINT */
    t->id_free = leaf->id;
}

static void tell_moved(const types_tree *t, const types_page *leaf, unsigned from, uint32_t old) {
    if (t->moved)
        t->moved(t->arg, leaf, from, old);
}

static types_page *leaf_create(types_tree *t) {
    types_page *leaf = types_page_create(&leaves, 1, 0);
    t->bytes += leaf->bytes;
    id_take(t, leaf);
    return leaf;
}

static inner *inner_create(types_tree *t) {
    inner *node = rl_malloc(sizeof *node);
    node->count = 0;
    node->unused = 0;
    t->bytes += rl_alloc_good_size(sizeof *node);
    return node;
}

static void inner_free(types_tree *t, inner *node) {
    t->bytes -= rl_alloc_good_size(sizeof *node);
    rl_free(node);
}

void types_tree_init(types_tree *t, types_tree_moved *moved, void *arg) {
    *t = (types_tree){.moved = moved, .arg = arg, .id_free = NO_ID};
    t->root = t->first = t->last = leaf_create(t);
}

/* Frees one inner node, the last of the lowest ones. */
static void free_one_inner(types_tree *t) {
    inner *parent = NULL, *node = t->root;
    for (unsigned height = t->height; height > 1 && node->count > 0; height--) {
        parent = node;
        node = node->children[node->count - 1];
    }
    if (parent)
        parent->count--;
    else
        t->height = 0;
    inner_free(t, node);
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

/* ---- changes ---- */

/* A leaf has another address or size: its neighbours and its parent are told. */
static void leaf_moved(types_tree *t, const path *p, types_page *leaf, size_t old_bytes) {
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

/* A child and the key it begins with. */
typedef struct newcomer {
    void *child;
    uint64_t count;
    double score;
    uint64_t prefix;
} newcomer;

static newcomer leaf_newcomer(types_page *leaf) {
    rl_bytes member = leaf_member(leaf, 0);
    return (newcomer){leaf, leaf->count, leaf_score(leaf, 0), member.len ? prefix_of(member) : 0};
}

static void inner_put(inner *node, unsigned at, const newcomer *n) {
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

static void inner_take(inner *node, unsigned at) {
    size_t behind = node->count - at - 1;
    memmove(&node->scores[at], &node->scores[at + 1], behind * sizeof node->scores[0]);
    memmove(&node->prefixes[at], &node->prefixes[at + 1], behind * sizeof node->prefixes[0]);
    memmove(&node->counts[at], &node->counts[at + 1], behind * sizeof node->counts[0]);
    memmove(&node->children[at], &node->children[at + 1], behind * sizeof node->children[0]);
    node->count--;
}

/* Appends the children from `from` on of one node to another. */
static void inner_append(inner *to, const inner *node, unsigned from) {
    size_t n = node->count - from;
    memcpy(&to->scores[to->count], &node->scores[from], n * sizeof to->scores[0]);
    memcpy(&to->prefixes[to->count], &node->prefixes[from], n * sizeof to->prefixes[0]);
    memcpy(&to->counts[to->count], &node->counts[from], n * sizeof to->counts[0]);
    memcpy(&to->children[to->count], &node->children[from], n * sizeof to->children[0]);
    to->count += (uint32_t)n;
}

static uint64_t inner_sum(const inner *node) {
    uint64_t sum = 0;
    for (unsigned i = 0; i < node->count; i++)
        sum += node->counts[i];
    return sum;
}

/* Moves the children from `at` on to a new node. */
static newcomer inner_split(types_tree *t, inner *node, unsigned at) {
    inner *right = inner_create(t);
    inner_append(right, node, at);
    node->count = at;
    return (newcomer){right, inner_sum(right), right->scores[0], right->prefixes[0]};
}

/* A new root over the old one and its new sibling. */
static void root_grow(types_tree *t, const newcomer *sibling) {
    assert(t->height + 1 < HEIGHT_MAX);
    inner *root = inner_create(t);
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
static void path_put(types_tree *t, const path *p, newcomer sibling) {
    for (unsigned level = p->height; level-- > 0;) {
        inner *node = p->steps[level].node;
        unsigned child = p->steps[level].child;
        node->counts[child] -= sibling.count;
        if (node->count < CHILDREN) {
            inner_put(node, child + 1, &sibling);
            return;
        }
        /* At the right edge nothing more will come to the left half. */
        unsigned at = child + 1 == CHILDREN ? CHILDREN - 1 : CHILDREN / 2;
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

/* Splits the full leaf of the path at slot `at`; both halves get pairs, the left one stays on the
 * path. */
static types_page *leaf_split(types_tree *t, path *p, unsigned at) {
    types_page *old = p->leaf;
    uint8_t side[TYPES_PAGE_SLOTS];
    for (unsigned i = 0; i < old->count; i++)
        side[i] = i >= at;
    types_page *left = types_page_part(&leaves, old, side, 0);
    types_page *right = types_page_part(&leaves, old, side, 1);
    /* The larger half keeps the number, the other one's pairs have moved. */
    types_page *kept = at * 2 < old->count ? right : left, *other = kept == left ? right : left;
    kept->id = old->id;
    id_take(t, other);
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
    leaf_score_set(leaf, slot, score);
    types_page_tags(leaf)[slot] = tag_of(rl_hash(member));
    return leaf;
}

/* A leaf with one pair, behind the last. */
static types_page *leaf_behind(types_tree *t, double score, rl_bytes member) {
    types_page *leaf = leaf_insert(t, types_page_create(&leaves, 1, 0), 0, score, member);
    t->bytes += leaf->bytes;
    id_take(t, leaf);
    leaf->prev = t->last;
    t->last->next = leaf;
    t->last = leaf;
    return leaf;
}

static uint32_t insert_into_full(types_tree *t, path *p, double score, rl_bytes member) {
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
    path p;
    bound b = bound_pair(score, member, true);
    descend(t, &b, false, &p);
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
    id_give_back(t, leaf);
    t->bytes -= leaf->bytes;
    types_page_free(leaf);
}

/* Joins leaves i and i + 1 of a node, if they are small. */
static bool leaves_join(types_tree *t, inner *node, unsigned i) {
    types_page *a = node->children[i], *b = node->children[i + 1];
    if (a->count + b->count >= JOIN_BELOW)
        return false;
    types_page *joined = types_page_join(&leaves, a, b);
    joined->id = a->id;
    id_give_back(t, b);
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

static bool inners_join(types_tree *t, inner *node, unsigned i) {
    inner *a = node->children[i], *b = node->children[i + 1];
    if (a->count + b->count >= JOIN_BELOW)
        return false;
    /* What b begins with, as its parent knows it. */
    b->scores[0] = node->scores[i + 1];
    b->prefixes[0] = node->prefixes[i + 1];
    inner_append(a, b, 0);
    inner_free(t, b);
    return true;
}

static bool children_join(types_tree *t, inner *node, unsigned i, unsigned height) {
    bool joined = height == 0 ? leaves_join(t, node, i) : inners_join(t, node, i);
    if (joined) {
        node->counts[i] += node->counts[i + 1];
        inner_take(node, i + 1);
    }
    return joined;
}

static unsigned child_size(const void *child, unsigned height) {
    return height == 0 ? ((const types_page *)child)->count : ((const inner *)child)->count;
}

static void child_drop(types_tree *t, void *child, unsigned height) {
    if (height == 0)
        leaf_unlink(t, child);
    else
        inner_free(t, child);
}

/* From the leaf's parent up: what has become empty goes, what has become small joins a sibling. */
static void path_trim(types_tree *t, const path *p) {
    for (unsigned level = p->height; level-- > 0;) {
        inner *node = p->steps[level].node;
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
    while (t->height > 0 && ((inner *)t->root)->count <= 1) {
        inner *root = t->root;
        assert(root->count == 1);
        t->root = root->children[0];
        t->height--;
        inner_free(t, root);
    }
}

/* Takes out the pair the path leads to. */
static void path_remove(types_tree *t, path *p) {
    for (unsigned i = 0; i < p->height; i++)
        p->steps[i].node->counts[p->steps[i].child]--;
    t->count--;
    far_member *outside = leaf_outside(p->leaf, p->slot);
    if (outside) {
        t->bytes -= outside_bytes(outside);
        rl_free(outside);
    }
    size_t old_bytes = p->leaf->bytes;
    types_page_remove(&p->leaf, p->slot, element_size(p->leaf, p->slot));
    leaf_moved(t, p, p->leaf, old_bytes);
    path_trim(t, p);
}

bool types_tree_remove(types_tree *t, double score, rl_bytes member) {
    path p;
    if (!descend_to(t, score, member, &p))
        return false;
    path_remove(t, &p);
    return true;
}

/* The way to the pair of that rank. rank < count. */
static void descend_by_rank(const types_tree *t, size_t rank, path *p) {
    void *node = t->root;
    p->height = 0;
    for (unsigned height = t->height; height > 0; height--) {
        inner *in = node;
        unsigned child = 0;
        while (rank >= in->counts[child])
            rank -= in->counts[child++];
        p->steps[p->height++] = (step){in, child};
        node = in->children[child];
    }
    p->leaf = node;
    p->slot = (unsigned)rank;
}

void types_tree_remove_at(types_tree *t, size_t rank) {
    path p;
    assert(rank < t->count);
    descend_by_rank(t, rank, &p);
    path_remove(t, &p);
}

bool types_tree_has(const types_tree *t, double score, rl_bytes member) {
    path p;
    return descend_to(t, score, member, &p);
}

bool types_spot_nudge(types_spot spot, double score) {
    bound b = bound_pair(score, types_spot_member(spot), false);
    const types_page *leaf = spot.leaf;
    /* Beside a neighbour leaf it might pass it, or the key its own leaf is known by. */
    if (spot.slot == 0 ? leaf->prev != NULL : !pair_before(&b, leaf, spot.slot - 1))
        return false;
    if (spot.slot + 1u == leaf->count ? leaf->next != NULL : pair_before(&b, leaf, spot.slot + 1))
        return false;
    leaf_score_set((types_page *)(uintptr_t)leaf, spot.slot, score);
    return true;
}

types_spot types_tree_in_leaf(const types_tree *t, uint32_t id, rl_bytes member, uint64_t hash) {
    const types_page *leaf = t->leaves[id];
    uint8_t tag = tag_of(hash);
    for (unsigned first = 0; first < leaf->count; first += 8)
        for (uint64_t hits = types_page_match(leaf, first, tag); hits; hits &= hits - 1) {
            unsigned slot = first + (unsigned)__builtin_ctzll(hits) / 8;
            if (slot >= leaf->count)
                break;
            if (rl_bytes_equal(leaf_member(leaf, slot), member))
                return (types_spot){leaf, slot};
        }
    return (types_spot){NULL, 0};
}

/* ---- questions ---- */

size_t types_tree_count_before(const types_tree *t, const types_bound *b) {
    path p;
    bound inner_bound = bound_of(b);
    descend(t, &inner_bound, true, &p);
    return p.rank;
}

types_spot types_tree_at(const types_tree *t, size_t rank) {
    if (rank >= t->count)
        return (types_spot){NULL, 0};
    path p;
    descend_by_rank(t, rank, &p);
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
    return leaf_score(spot.leaf, spot.slot);
}

rl_bytes types_spot_member(types_spot spot) {
    return leaf_member(spot.leaf, spot.slot);
}

/* ---- the check ---- */

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
        rl_bytes member = leaf_member(leaf, i);
        uint64_t own = member.len ? prefix_of(member) : 0;
        double s = leaf_score(leaf, i);
        if (above)
            types_must(s > score || (s == score && own >= prefix));
        else
            types_must(s < score || (s == score && own <= prefix));
    }
}

static void leaf_check(checking *c, const types_page *leaf) {
    types_page_check(&leaves, leaf);
    types_must(leaf->count > 0 || c->tree->height == 0);
    types_must(c->tree->moved == NULL || c->tree->leaves[leaf->id] == leaf);
    types_must(leaf->prev == c->last && (c->last ? c->last->next : c->tree->first) == leaf);
    for (unsigned i = 0; i < leaf->count; i++) {
        const types_page *before = i ? leaf : c->last;
        if (before) {
            bound b = bound_pair(leaf_score(leaf, i), leaf_member(leaf, i), false);
            types_must(pair_before(&b, before, (i ? i : before->count) - 1u));
        }
        if (leaf_outside(leaf, i))
            c->bytes += outside_bytes(leaf_outside(leaf, i));
    }
    c->bytes += leaf->bytes;
    c->last = leaf;
}

static size_t node_check(checking *c, const void *node, unsigned height) {
    if (height == 0) {
        leaf_check(c, node);
        return ((const types_page *)node)->count;
    }
    const inner *in = node;
    size_t sum = 0;
    types_must(in->count > 0 && in->count <= CHILDREN);
    c->bytes += rl_alloc_good_size(sizeof *in);
    for (unsigned i = 0; i < in->count; i++) {
        const types_page *before = c->last;
        size_t count = node_check(c, in->children[i], height - 1);
        types_must(count == in->counts[i]);
        if (i > 0) {
            key_check(before, in->scores[i], in->prefixes[i], false);
            key_check(leaf_of(in->children[i], height - 1), in->scores[i], in->prefixes[i], true);
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
    types_must(t->height == 0 || ((const inner *)t->root)->count > 1);
}
