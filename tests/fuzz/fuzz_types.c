/* SPDX-License-Identifier: MIT */
/*
 * Collections against plain models. The first byte says which type, the second how soon it becomes
 * large; then come operations of three bytes: which, on which element, with what. Some work on a
 * run of elements, so that short inputs reach the large forms.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/hash.h"
#include "types/fields.h"
#include "types/list.h"
#include "types/members.h"
#include "types/zset.h"
#include "unit/types/names.h"

#define NAMES       1024
#define LIST_MAX    3000
#define STEP        4 /* an element byte names every fourth */
#define CHECK_EVERY 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds) {
    if (!holds)
        abort();
}

typedef struct operation {
    unsigned what, element, with;
} operation;

static rl_small_limits limits;
static rl_bytes names[NAMES]; /* made once: an input works on thousands */

typedef struct model {
    bool there[NAMES];
    unsigned value[NAMES];
    int64_t expires_at[NAMES];
    double score[NAMES];
    size_t count;
} model;

static model m;

static rl_bytes name(unsigned number) {
    if (names[0].ptr == NULL) {
        static char texts[NAMES][NAME_MAX_LEN];
        for (unsigned i = 0; i < NAMES; i++)
            names[i] = name_of(i, texts[i]);
    }
    return names[number % NAMES];
}

static unsigned number_in_names(rl_bytes bytes) {
    for (unsigned i = 0; i < NAMES; i++)
        if (rl_bytes_equal(name(i), bytes))
            return i;
    abort();
}

static void count_change(unsigned number, bool there) {
    number %= NAMES;
    m.count += (size_t)there - (size_t)m.there[number];
    m.there[number] = there;
}

/* How many elements an operation is about. */
static unsigned run_length(const operation *op) {
    return op->what & 0x80 ? 1 + op->with : 1;
}

/* ---- hashes ---- */

static void hash_operation(rl_fields **h, const operation *op, unsigned number) {
    unsigned n = number % NAMES;
    int64_t at = op->with % 5 ? (int64_t)op->with * 1000 : 0;
    rl_field_scratch scratch;
    rl_field f;
    switch (op->what % 5) {
    case 0:
    case 1:
        if (op->what % 5 == 1)
            at = RL_FIELD_KEEP;
        must(rl_fields_set(h, name(n), name(op->with), at, &limits) != m.there[n]);
        if (at != RL_FIELD_KEEP || !m.there[n])
            m.expires_at[n] = at == RL_FIELD_KEEP ? 0 : at;
        m.value[n] = op->with;
        count_change(n, true);
        break;
    case 2:
        must(rl_fields_remove(h, name(n)) == m.there[n]);
        count_change(n, false);
        break;
    case 3:
        must(rl_fields_expire(h, name(n), at) == m.there[n]);
        m.expires_at[n] = at;
        break;
    default:
        must(rl_fields_get(*h, name(n), &scratch, &f) == m.there[n]);
        if (m.there[n]) {
            must(rl_bytes_equal(f.value, name(m.value[n])));
            must(f.expires_at == m.expires_at[n]);
        }
    }
}

static void hash_check(const rl_fields *h) {
    rl_fields_check(h);
    must(rl_fields_count(h) == m.count);
    int64_t earliest = INT64_MAX;
    for (unsigned i = 0; i < NAMES; i++)
        if (m.there[i] && m.expires_at[i] && m.expires_at[i] < earliest)
            earliest = m.expires_at[i];
    rl_field_scratch scratch;
    rl_field f;
    must(rl_fields_next_expiry(h, &scratch, &f) == (earliest != INT64_MAX));
    must(earliest == INT64_MAX || f.expires_at == earliest);
}

/* ---- sets ---- */

static void set_operation(rl_members **s, const operation *op, unsigned number) {
    unsigned n = number % NAMES;
    rl_members_limits all = {limits.entries * 2, limits};
    switch (op->what % 3) {
    case 0:
        must(rl_members_add(s, name(n), &all) != m.there[n]);
        count_change(n, true);
        break;
    case 1:
        must(rl_members_remove(s, name(n)) == m.there[n]);
        count_change(n, false);
        break;
    default:
        must(rl_members_has(*s, name(n)) == m.there[n]);
    }
}

static void set_check(const rl_members *s) {
    rl_members_check(s);
    must(rl_members_count(s) == m.count);
    rl_members_walk walk = {0};
    rl_bytes member;
    size_t walked = 0;
    while (rl_members_next(s, &walk, &member))
        walked++;
    must(walked == m.count);
}

/* ---- sorted sets ---- */

static size_t removed_count;

static void note_removed(void *arg, rl_bytes member, double score) {
    (void)arg;
    unsigned n = number_in_names(member);
    must(m.there[n] && m.score[n] == score);
    count_change(n, false);
    removed_count++;
}

static void zset_operation(rl_zset **z, const operation *op, unsigned number) {
    unsigned n = number % NAMES;
    double score = (double)(op->with % 64) / 4;
    size_t rank, below = 0;
    switch (op->what % 5) {
    case 0:
        score += n % 3;
        must((rl_zset_set(z, name(n), score, &limits) == RL_ZSET_NEW) != m.there[n]);
        m.score[n] = score;
        count_change(n, true);
        break;
    case 1:
        must(rl_zset_remove(z, name(n)) == m.there[n]);
        count_change(n, false);
        break;
    case 2:
        must(rl_zset_rank(*z, name(n), &rank, &score) == m.there[n]);
        must(!m.there[n] || (score == m.score[n] && rl_zset_count_below(*z, score) <= rank &&
                             rank < rl_zset_count_upto(*z, score)));
        break;
    case 3:
        for (unsigned i = 0; i < NAMES; i++)
            below += m.there[i] && m.score[i] < score;
        must(rl_zset_count_below(*z, score) == below);
        break;
    default:
        removed_count = 0;
        must(rl_zset_remove_range(z, number, op->with % 8, note_removed, NULL) == removed_count);
    }
}

static void zset_check(const rl_zset *z) {
    rl_zset_check(z);
    must(rl_zset_count(z) == m.count);
    rl_zset_walk walk;
    rl_bytes member;
    double score, last = -1;
    size_t walked = 0;
    rl_zset_walk_init(&walk, z, 0, false);
    for (; rl_zset_next(&walk, &member, &score); walked++) {
        must(score >= last);
        last = score;
    }
    must(walked == m.count);
}

/* ---- lists ---- */

static unsigned values[LIST_MAX + 1];

static void values_remove(size_t from, size_t n) {
    if (from >= m.count)
        return;
    n = n < m.count - from ? n : m.count - from;
    memmove(values + from, values + from + n, (m.count - from - n) * sizeof *values);
    m.count -= n;
}

static void list_operation(rl_list **l, const operation *op, unsigned number) {
    size_t at = m.count ? number * 7 % (m.count + 1) : 0;
    unsigned value = (op->with + number) % NAMES;
    rl_list_scratch scratch;
    switch (op->what % 6) {
    case 0:
    case 1:
    case 2:
        at = op->what % 6 == 0 ? 0 : op->what % 6 == 1 ? m.count : at;
        if (m.count == LIST_MAX)
            return;
        rl_list_insert(l, at, name(value));
        memmove(values + at + 1, values + at, (m.count - at) * sizeof *values);
        values[at] = value;
        m.count++;
        break;
    case 3:
        rl_list_remove(l, at, 1 + op->with % 3);
        values_remove(at, 1 + op->with % 3);
        break;
    case 4:
        if (at == m.count)
            return;
        rl_list_set(l, at, name(value));
        values[at] = value;
        break;
    default:
        if (at < m.count)
            must(rl_bytes_equal(rl_list_get(*l, at, &scratch), name(values[at])));
    }
}

static void list_check(const rl_list *l) {
    rl_list_check(l);
    must(rl_list_count(l) == m.count);
    rl_list_walk walk;
    rl_bytes value;
    rl_list_walk_init(&walk, l, 0, false);
    for (size_t i = 0; i < m.count; i++)
        must(rl_list_next(&walk, &value) && rl_bytes_equal(value, name(values[i])));
    rl_list_walk_init(&walk, l, m.count ? m.count - 1 : 0, true);
    for (size_t i = m.count; i-- > 0;)
        must(rl_list_next(&walk, &value) && rl_bytes_equal(value, name(values[i])));
}

/* ---- any of them ---- */

typedef union collection {
    rl_fields *hash;
    rl_members *set;
    rl_zset *zset;
    rl_list *list;
} collection;

static void apply(unsigned type, collection *c, const operation *op, unsigned number) {
    switch (type) {
    case 0:
        hash_operation(&c->hash, op, number);
        break;
    case 1:
        set_operation(&c->set, op, number);
        break;
    case 2:
        zset_operation(&c->zset, op, number);
        break;
    default:
        list_operation(&c->list, op, number);
    }
}

static void check(unsigned type, const collection *c) {
    switch (type) {
    case 0:
        hash_check(c->hash);
        break;
    case 1:
        set_check(c->set);
        break;
    case 2:
        zset_check(c->zset);
        break;
    default:
        list_check(c->list);
    }
}

static void create(unsigned type, collection *c) {
    switch (type) {
    case 0:
        c->hash = rl_fields_create();
        break;
    case 1:
        c->set = rl_members_create();
        break;
    case 2:
        c->zset = rl_zset_create();
        break;
    default:
        c->list = rl_list_create();
    }
}

static bool free_step(unsigned type, const collection *c, size_t budget) {
    switch (type) {
    case 0:
        return rl_fields_free_step(c->hash, budget);
    case 1:
        return rl_members_free_step(c->set, budget);
    case 2:
        return rl_zset_free_step(c->zset, budget);
    default:
        return rl_list_free_step(c->list, budget);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2)
        return 0;
    unsigned type = data[0] % 4;
    limits = (rl_small_limits){data[1] % 64 * 4, data[1] & 0x80 ? 64 : 1000};
    rl_hash_seed = 1; /* what is found is found again */
    m = (model){0};
    collection c;
    create(type, &c);
    size_t done = 0;
    for (size_t at = 2; at + 3 <= size; at += 3, done++) {
        operation op = {data[at], data[at + 1], data[at + 2]};
        for (unsigned i = 0; i < run_length(&op); i++)
            apply(type, &c, &op, op.element * STEP + i);
        if (done % CHECK_EVERY == 0)
            check(type, &c);
    }
    check(type, &c);
    while (!free_step(type, &c, 1 + data[1] % 100))
        ;
    return 0;
}
