/* SPDX-License-Identifier: MIT */
/*
 * SORT and SORT_RO. The elements are copied first, since what BY and GET look up may remove keys
 * and fields whose time is over; then each gets what it is sorted by, a number or a text; then they
 * are sorted, and those that LIMIT wants are answered or stored.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "commands/handlers.h"
#include "commands/sort_pattern.h"
#include "server/session.h"

typedef struct sort_options {
    bool desc, alpha, unsorted;
    bool has_by;
    rl_sort_pattern by;
    int64_t offset, count; /* LIMIT; a count below 0: all */
    rl_sort_pattern *gets;
    size_t get_count;
    int store_arg; /* 0: not given */
} sort_options;

typedef struct sort_item {
    rl_bytes element;
    union {
        double number;
        rl_bytes text; /* ptr NULL: there is none, which comes first */
    } by;
} sort_item;

typedef struct sorter {
    const sort_options *o;
    rl_sort_lookup lookup;
    sort_item *items;
    size_t count;
    size_t from, wanted;       /* the items that LIMIT wants */
    rl_buffer elements, texts; /* what items point to, a zero behind each */
} sorter;

/* ---- arguments ---- */

static bool parse_limit(rl_ctx *c, int arg, sort_options *o) {
    return rl_ctx_int(c, arg, &o->offset, NULL) && rl_ctx_int(c, arg + 1, &o->count, NULL);
}

static void parse_by(rl_bytes text, sort_options *o) {
    o->by = rl_sort_pattern_of(text);
    o->has_by = true;
    o->unsorted |= !o->by.star;
}

/* The option at argument *i, which becomes its last one. False after answering. */
static bool parse_option(rl_ctx *c, int *i, bool may_store, sort_options *o) {
    rl_bytes word = c->argv[*i];
    int more = c->argc - *i - 1;
    if (rl_bytes_is(word, "ASC") || rl_bytes_is(word, "DESC")) {
        o->desc = word.len == 4;
    } else if (rl_bytes_is(word, "ALPHA")) {
        o->alpha = true;
    } else if (rl_bytes_is(word, "LIMIT") && more >= 2) {
        *i += 2;
        return parse_limit(c, *i - 1, o);
    } else if (rl_bytes_is(word, "STORE") && more >= 1 && may_store) {
        o->store_arg = ++*i;
    } else if (rl_bytes_is(word, "BY") && more >= 1) {
        parse_by(c->argv[++*i], o);
    } else if (rl_bytes_is(word, "GET") && more >= 1) {
        o->gets[o->get_count++] = rl_sort_pattern_of(c->argv[++*i]);
    } else {
        rl_ctx_syntax_error(c);
        return false;
    }
    return true;
}

static bool parse(rl_ctx *c, bool may_store, sort_options *o) {
    for (int i = 2; i < c->argc; i++)
        if (!parse_option(c, &i, may_store, o))
            return false;
    return true;
}

/* ---- the elements ---- */

static void add_element(sorter *s, rl_bytes element) {
    rl_buffer_add_bytes(&s->elements, element);
    rl_buffer_add_char(&s->elements, '\0');
    s->items[s->count++].element.len = element.len;
}

/* What has an order and is not sorted is read from its end for DESC. */
static bool from_behind(const sorter *s) {
    return s->o->unsorted && s->o->desc;
}

static void load_list(sorter *s, const rl_list *l, size_t from, size_t count) {
    rl_list_walk walk;
    rl_bytes value;
    bool left = from_behind(s);
    rl_list_walk_init(&walk, l, left ? rl_list_count(l) - 1 - from : from, left);
    while (s->count < count && rl_list_next(&walk, &value))
        add_element(s, value);
}

static void load_set(sorter *s, const rl_members *m, size_t from, size_t count) {
    rl_members_walk walk = {0};
    rl_bytes member;
    for (size_t i = 0; s->count < count && rl_members_next(m, &walk, &member); i++)
        if (i >= from)
            add_element(s, member);
}

static void load_sorted_set(sorter *s, const rl_zset *z, size_t from, size_t count) {
    rl_zset_walk walk;
    rl_bytes member;
    double score;
    bool down = from_behind(s);
    rl_zset_walk_init(&walk, z, down ? rl_zset_count(z) - 1 - from : from, down);
    while (s->count < count && rl_zset_next(&walk, &member, &score))
        add_element(s, member);
}

/* How many items LIMIT wants of `there`, and from which on. */
static void set_range(sorter *s, size_t there) {
    int64_t offset = s->o->offset < 0 ? 0 : s->o->offset;
    s->from = (uint64_t)offset < there ? (size_t)offset : there;
    s->wanted = there - s->from;
    if (s->o->count >= 0 && (uint64_t)s->o->count < s->wanted)
        s->wanted = (size_t)s->o->count;
}

/* Gives the items their addresses, when nothing is added to the buffer any more. */
static void place_elements(sorter *s) {
    const char *at = s->elements.ptr;
    for (size_t i = 0; i < s->count; i++) {
        s->items[i].element.ptr = at;
        at += s->items[i].element.len + 1;
    }
}

/* Copies the elements; only those that are wanted when they are not sorted. */
static void load(sorter *s, const rl_collection *source) {
    size_t there = rl_collection_count(source), from = 0, count = there;
    set_range(s, there);
    if (s->o->unsorted) {
        from = s->from;
        count = s->wanted;
        s->from = 0;
    }
    if (count == 0)
        return;
    s->items = rl_malloc(count * sizeof *s->items);
    if (source->type == RL_TYPE_LIST)
        load_list(s, rl_list_of(source), from, count);
    else if (source->type == RL_TYPE_SET)
        load_set(s, rl_set_of(source), from, count);
    else
        load_sorted_set(s, rl_sorted_set_of(source), from, count);
    place_elements(s);
}

/* ---- what they are sorted by ---- */

/* As strtod reads it, up to a zero byte; the text has one at its end. */
static bool number_of(rl_bytes text, double *out) {
    int64_t integer;
    char *end;
    if (rl_int64_parse(text, &integer)) {
        *out = (double)integer;
        return true;
    }
    errno = 0;
    *out = strtod(text.ptr, &end);
    return *end == '\0' && errno != ERANGE && !isnan(*out);
}

static bool weigh_by_number(sorter *s, sort_item *item) {
    rl_bytes value = item->element;
    item->by.number = 0;
    if (s->o->has_by) {
        if (!rl_sort_lookup_value(&s->lookup, &s->o->by, item->element, &value))
            return true;
        rl_buffer_clear(&s->texts);
        rl_buffer_add_bytes(&s->texts, value);
        rl_buffer_add_char(&s->texts, '\0');
        value.ptr = s->texts.ptr;
    }
    return number_of(value, &item->by.number);
}

#define NO_TEXT SIZE_MAX

static void weigh_by_texts(sorter *s) {
    rl_bytes value;
    for (size_t i = 0; i < s->count; i++) {
        sort_item *item = &s->items[i];
        bool found = rl_sort_lookup_value(&s->lookup, &s->o->by, item->element, &value);
        item->by.text.len = found ? value.len : NO_TEXT;
        if (found)
            rl_buffer_add_bytes(&s->texts, value);
    }
    rl_buffer_add_char(&s->texts, '\0'); /* so that empty texts have an address, too */
    const char *at = s->texts.ptr;
    for (size_t i = 0; i < s->count; i++) {
        rl_bytes *text = &s->items[i].by.text;
        text->ptr = text->len == NO_TEXT ? NULL : at;
        at += text->len == NO_TEXT ? 0 : text->len;
    }
}

/* False when something is no number. */
static bool weigh(sorter *s) {
    if (s->o->alpha && s->o->has_by) {
        weigh_by_texts(s);
        return true;
    }
    for (size_t i = 0; i < s->count; i++) {
        if (s->o->alpha)
            s->items[i].by.text = s->items[i].element;
        else if (!weigh_by_number(s, &s->items[i]))
            return false;
    }
    return true;
}

/* ---- sorting ---- */

/* Equal numbers are ordered by the elements' bytes, so that the result does not depend on chance.
 */
static int compare_numbers(const void *a, const void *b) {
    const sort_item *x = a, *y = b;
    if (x->by.number != y->by.number)
        return x->by.number < y->by.number ? -1 : 1;
    return rl_bytes_compare(x->element, y->element);
}

static int compare_numbers_down(const void *a, const void *b) {
    return compare_numbers(b, a);
}

static int compare_texts(const sort_item *x, const sort_item *y) {
    if (x->by.text.ptr == NULL || y->by.text.ptr == NULL)
        return (x->by.text.ptr != NULL) - (y->by.text.ptr != NULL);
    return rl_bytes_compare(x->by.text, y->by.text);
}

/* As they came; their addresses ascend. */
static int compare_places(const sort_item *x, const sort_item *y) {
    return x->element.ptr < y->element.ptr ? -1 : x->element.ptr > y->element.ptr;
}

static int compare_texts_up(const void *a, const void *b) {
    int order = compare_texts(a, b);
    return order ? order : compare_places(a, b);
}

static int compare_texts_down(const void *a, const void *b) {
    int order = compare_texts(b, a);
    return order ? order : compare_places(a, b);
}

static void sort(sorter *s) {
    static int (*const compare[2][2])(const void *, const void *) = {
        {compare_numbers, compare_numbers_down}, {compare_texts_up, compare_texts_down}};
    if (s->count > 1)
        qsort(s->items, s->count, sizeof *s->items, compare[s->o->alpha][s->o->desc]);
}

/* ---- the result ---- */

static void reply_item(rl_ctx *c, sorter *s, const sort_item *item) {
    rl_bytes value;
    if (s->o->get_count == 0)
        rl_reply_bulk(c->reply, item->element);
    for (size_t i = 0; i < s->o->get_count; i++) {
        if (rl_sort_lookup_value(&s->lookup, &s->o->gets[i], item->element, &value))
            rl_reply_bulk(c->reply, value);
        else
            rl_reply_null(c->reply);
    }
}

static void store_item(rl_list **list, sorter *s, const sort_item *item) {
    rl_bytes value;
    if (s->o->get_count == 0)
        rl_list_push(list, RL_LIST_RIGHT, item->element);
    for (size_t i = 0; i < s->o->get_count; i++) {
        if (!rl_sort_lookup_value(&s->lookup, &s->o->gets[i], item->element, &value))
            value = RL_BYTES("");
        rl_list_push(list, RL_LIST_RIGHT, value);
    }
}

static void store(rl_ctx *c, sorter *s) {
    rl_list *list = rl_list_create();
    int arg = s->o->store_arg;
    for (size_t i = 0; i < s->wanted; i++)
        store_item(&list, s, &s->items[s->from + i]);
    size_t length = rl_list_count(list);
    bool changed =
        rl_keyspace_store(c->keys, c->db, c->argv[arg], rl_ctx_hash(c, arg), RL_TYPE_LIST, list);
    if (length)
        rl_ctx_notify(c, RL_NOTIFY_LIST, "sortstore", c->argv[arg]);
    else if (changed)
        rl_ctx_notify(c, RL_NOTIFY_GENERIC, "del", c->argv[arg]);
    rl_reply_int(c->reply, (int64_t)length);
}

static void finish(rl_ctx *c, sorter *s) {
    if (s->o->store_arg) {
        store(c, s);
        return;
    }
    rl_reply_array(c->reply, s->wanted * (s->o->get_count ? s->o->get_count : 1));
    for (size_t i = 0; i < s->wanted; i++)
        reply_item(c, s, &s->items[s->from + i]);
}

/* ---- the commands ---- */

/* A list, set or sorted set, or nothing; false after answering WRONGTYPE. */
static bool open_source(rl_ctx *c, rl_collection *source) {
    rl_look look = c->session->no_touch ? RL_LOOK_READ_NOTOUCH : RL_LOOK_READ;
    rl_entry *e = rl_ctx_find(c, 1, look);
    *source = (rl_collection){.type = RL_TYPE_LIST};
    if (e == NULL)
        return true;
    if (e->type != RL_TYPE_LIST && e->type != RL_TYPE_SET && e->type != RL_TYPE_ZSET) {
        rl_reply_error(c->reply, RL_ERR_WRONGTYPE);
        return false;
    }
    rl_collection_open_entry(source, c->keys, c->db, e, c->hash);
    return true;
}

static void run(rl_ctx *c, sort_options *o) {
    rl_collection source;
    sorter s = {.o = o, .lookup = {.c = c}};
    if (!open_source(c, &source))
        return;
    if (o->unsorted && o->store_arg && source.type == RL_TYPE_SET) {
        /* What is stored shall not depend on the order in which a set happens to be. */
        o->unsorted = o->has_by = false;
        o->alpha = true;
    }
    load(&s, &source);
    if (o->unsorted || weigh(&s)) {
        if (!o->unsorted)
            sort(&s);
        finish(c, &s);
    } else {
        rl_reply_error(c->reply, "ERR One or more scores can't be converted into double");
    }
    rl_sort_lookup_release(&s.lookup);
    rl_buffer_release(&s.elements);
    rl_buffer_release(&s.texts);
    rl_free(s.items);
}

static void sort_command(rl_ctx *c, bool may_store) {
    sort_options o = {.count = -1};
    o.gets = rl_malloc((size_t)c->argc * sizeof *o.gets);
    if (parse(c, may_store, &o))
        run(c, &o);
    rl_free(o.gets);
}

void rl_cmd_sort(rl_ctx *c) {
    sort_command(c, true);
}

void rl_cmd_sort_ro(rl_ctx *c) {
    sort_command(c, false);
}
