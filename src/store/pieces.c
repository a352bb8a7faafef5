/* SPDX-License-Identifier: MIT */
/* Pieces of lists; see pieces.h. */
#include "store/pieces.h"

#include "base/alloc.h"

typedef struct node {
    rl_piece piece;       /* its positions lack the moves that stand above it */
    int64_t moved;        /* of all below it, not of itself */
    uint32_t left, right; /* node numbers; 0: none */
    uint32_t priority;
} node;

struct rl_pieces {
    node *nodes; /* [0] is nobody */
    uint32_t node_count, node_cap;
    uint32_t free; /* nodes given back, linked by left */
    rl_bytes *values;
    size_t value_count, value_cap;
    rl_piece *listed;
    size_t listed_count, listed_cap;
    uint32_t random;
};

/* Beyond these, reset gives memory back. */
#define KEEP_NODES  (1u << 16)
#define KEEP_VALUES (1u << 18)

rl_pieces *rl_pieces_create(void) {
    rl_pieces *p = rl_calloc(1, sizeof *p);
    p->node_count = 1;
    p->random = 0x9e3779b9;
    return p;
}

void rl_pieces_reset(rl_pieces *p) {
    if (p->node_cap > KEEP_NODES || p->listed_cap > KEEP_NODES) {
        rl_free(p->nodes);
        rl_free(p->listed);
        p->nodes = NULL;
        p->listed = NULL;
        p->node_cap = 0;
        p->listed_cap = 0;
    }
    if (p->value_cap > KEEP_VALUES) {
        rl_free(p->values);
        p->values = NULL;
        p->value_cap = 0;
    }
    p->node_count = 1;
    p->free = 0;
    p->value_count = 0;
}

void rl_pieces_free(rl_pieces *p) {
    if (p == NULL)
        return;
    rl_free(p->nodes);
    rl_free(p->values);
    rl_free(p->listed);
    rl_free(p);
}

size_t rl_pieces_values(const rl_pieces *p) {
    return p->value_count;
}

/* --- nodes ------------------------------------------------------------------------------------ */

/* Priorities only have to be spread, not secret: who could choose them slows down one fold. */
static uint32_t draw(rl_pieces *p) {
    p->random ^= p->random << 13;
    p->random ^= p->random >> 17;
    p->random ^= p->random << 5;
    return p->random;
}

static uint32_t node_create(rl_pieces *p, rl_piece piece) {
    uint32_t n = p->free;
    if (n) {
        p->free = p->nodes[n].left;
    } else {
        if (p->node_count >= p->node_cap) {
            p->node_cap = p->node_cap ? p->node_cap * 2 : 64;
            p->nodes = rl_realloc(p->nodes, p->node_cap * sizeof *p->nodes);
        }
        n = p->node_count++;
    }
    p->nodes[n] = (node){.piece = piece, .priority = draw(p)};
    return n;
}

static void drop_tree(rl_pieces *p, uint32_t n) {
    while (n) {
        node *x = &p->nodes[n];
        uint32_t right = x->right;
        drop_tree(p, x->left);
        x->left = p->free;
        p->free = n;
        n = right;
    }
}

static void move_tree(rl_pieces *p, uint32_t n, int64_t by) {
    if (n == 0)
        return;
    node *x = &p->nodes[n];
    x->piece.first += by;
    x->piece.last += by;
    x->moved += by;
}

static void push_move(rl_pieces *p, uint32_t n) {
    node *x = &p->nodes[n];
    if (x->moved == 0)
        return;
    move_tree(p, x->left, x->moved);
    move_tree(p, x->right, x->moved);
    x->moved = 0;
}

/* All of `a` lies before all of `b`. */
static uint32_t join(rl_pieces *p, uint32_t a, uint32_t b) {
    if (a == 0 || b == 0)
        return a ? a : b;
    if (p->nodes[a].priority > p->nodes[b].priority) {
        push_move(p, a);
        uint32_t right = join(p, p->nodes[a].right, b);
        p->nodes[a].right = right;
        return a;
    }
    push_move(p, b);
    uint32_t left = join(p, a, p->nodes[b].left);
    p->nodes[b].left = left;
    return b;
}

/* The part of a piece from `at` on. */
static rl_piece piece_from(rl_piece piece, int64_t at) {
    int64_t skipped = at - piece.first;
    piece.source += piece.step < 0 ? -skipped : skipped;
    piece.first = at;
    return piece;
}

/* Shortens the piece that lies across `at` and returns a node with the rest of it; 0: none does. */
static uint32_t halve(rl_pieces *p, uint32_t n, int64_t at) {
    while (n) {
        push_move(p, n);
        rl_piece piece = p->nodes[n].piece;
        if (piece.first < at && at <= piece.last) {
            p->nodes[n].piece.last = at - 1;
            return node_create(p, piece_from(piece, at));
        }
        n = piece.first >= at ? p->nodes[n].left : p->nodes[n].right;
    }
    return 0;
}

/* Cuts a tree between its pieces: *a gets what lies before `at`, *b the rest. */
static void split(rl_pieces *p, uint32_t n, int64_t at, uint32_t *a, uint32_t *b) {
    if (n == 0) {
        *a = *b = 0;
        return;
    }
    push_move(p, n);
    uint32_t below;
    if (p->nodes[n].piece.first >= at) {
        split(p, p->nodes[n].left, at, a, &below);
        p->nodes[n].left = below;
        *b = n;
    } else {
        split(p, p->nodes[n].right, at, &below, b);
        p->nodes[n].right = below;
        *a = n;
    }
}

/* The same for any position. The half of a piece comes in by join, which puts it where its priority
 * belongs; below the nodes on the way it would unbalance the tree. */
static void split_at(rl_pieces *p, uint32_t n, int64_t at, uint32_t *a, uint32_t *b) {
    uint32_t half = halve(p, n, at);
    split(p, n, at, a, b);
    *b = join(p, half, *b);
}

/* Takes from..to out of a list, which becomes what lies before, and returns it; *after gets the
 * rest. */
static uint32_t cut(rl_pieces *p, uint32_t *list, int64_t from, int64_t to, uint32_t *after) {
    uint32_t rest, middle;
    split_at(p, *list, from, list, &rest);
    split_at(p, rest, to + 1, &middle, after);
    return middle;
}

/* --- changes ---------------------------------------------------------------------------------- */

uint32_t rl_pieces_stored(rl_pieces *p) {
    return node_create(
        p, (rl_piece){.first = RL_PIECES_FIRST, .last = RL_PIECES_LAST, .source = RL_PIECES_FIRST});
}

/* The last node of a tree, with its positions as they are; 0: the tree is empty. */
static uint32_t last_node(rl_pieces *p, uint32_t n) {
    while (n) {
        push_move(p, n);
        if (p->nodes[n].right == 0)
            break;
        n = p->nodes[n].right;
    }
    return n;
}

static uint32_t first_node(rl_pieces *p, uint32_t n) {
    while (n) {
        push_move(p, n);
        if (p->nodes[n].left == 0)
            break;
        n = p->nodes[n].left;
    }
    return n;
}

static bool is_single(const rl_piece *piece) {
    return piece->first == piece->last;
}

/* A value behind the piece before it, or in front of the one behind it, whose last value came just
 * before: the piece takes it in. */
static bool extend(rl_pieces *p, uint32_t before, uint32_t after, int64_t position,
                   int64_t number) {
    uint32_t n = last_node(p, before);
    rl_piece *piece = n ? &p->nodes[n].piece : NULL;
    if (piece && piece->step && piece->last == position - 1 &&
        (piece->step > 0 || is_single(piece)) &&
        piece->source + (piece->last - piece->first) == number - 1) {
        piece->step = 1;
        piece->last = position;
        return true;
    }
    n = first_node(p, after);
    piece = n ? &p->nodes[n].piece : NULL;
    if (piece && piece->step && piece->first == position + 1 &&
        (piece->step < 0 || is_single(piece)) && piece->source == number - 1) {
        piece->step = -1;
        piece->first = position;
        piece->source = number;
        return true;
    }
    return false;
}

void rl_pieces_item(rl_pieces *p, uint32_t *list, int64_t position, rl_bytes value) {
    if (p->value_count == p->value_cap) {
        p->value_cap = p->value_cap ? p->value_cap * 2 : 64;
        p->values = rl_realloc(p->values, p->value_cap * sizeof *p->values);
    }
    int64_t number = (int64_t)p->value_count++;
    p->values[number] = value;
    uint32_t after;
    drop_tree(p, cut(p, list, position, position, &after));
    if (!extend(p, *list, after, position, number)) {
        rl_piece piece = {.first = position, .last = position, .source = number, .step = 1};
        *list = join(p, *list, node_create(p, piece));
    }
    *list = join(p, *list, after);
}

void rl_pieces_bounds(rl_pieces *p, uint32_t *list, int64_t first, int64_t last) {
    uint32_t after;
    uint32_t kept = first <= last ? cut(p, list, first, last, &after) : 0;
    drop_tree(p, *list);
    if (first <= last)
        drop_tree(p, after);
    *list = kept;
}

void rl_pieces_shift(rl_pieces *p, uint32_t *list, int64_t from, int64_t to, int64_t delta) {
    if (from > to || delta == 0)
        return;
    uint32_t after;
    uint32_t moving = cut(p, list, from, to, &after);
    *list = join(p, *list, after);
    move_tree(p, moving, delta);
    drop_tree(p, cut(p, list, from + delta, to + delta, &after));
    *list = join(p, join(p, *list, moving), after);
}

/* --- reading ---------------------------------------------------------------------------------- */

static void list_tree(rl_pieces *p, uint32_t n) {
    while (n) {
        push_move(p, n);
        list_tree(p, p->nodes[n].left);
        if (p->listed_count == p->listed_cap) {
            p->listed_cap = p->listed_cap ? p->listed_cap * 2 : 16;
            p->listed = rl_realloc(p->listed, p->listed_cap * sizeof *p->listed);
        }
        p->listed[p->listed_count++] = p->nodes[n].piece;
        n = p->nodes[n].right;
    }
}

size_t rl_pieces_list(rl_pieces *p, uint32_t list, const rl_piece **out) {
    p->listed_count = 0;
    list_tree(p, list);
    *out = p->listed;
    return p->listed_count;
}

rl_bytes rl_pieces_value(const rl_pieces *p, const rl_piece *piece, int64_t position) {
    return p->values[piece->source + (position - piece->first) * piece->step];
}
