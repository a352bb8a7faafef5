/* SPDX-License-Identifier: MIT */
/* The fold's part that writes fields, members and scores; see fold.c. */
#include "store/fold_internal.h"

/* The statements that put and delete an element, by type. */
static const struct {
    int put, delete;
} statements[] = {
    [RL_TYPE_SET] = {FOLD_PUT_MEMBER, FOLD_DELETE_MEMBER},
    [RL_TYPE_ZSET] = {FOLD_PUT_SCORE, FOLD_DELETE_SCORE},
    [RL_TYPE_HASH] = {FOLD_PUT_FIELD, FOLD_DELETE_FIELD},
};

static int put(rl_fold *f, const rl_element_group *g, const rl_element *e) {
    int number = statements[g->type].put;
    sqlite3_stmt *stmt = f->statements[number];
    sqlite3_bind_int64(stmt, 1, (sqlite3_int64)g->id);
    store_fold_bind_bytes(stmt, 2, e->name);
    if (g->type == RL_TYPE_HASH) {
        store_fold_bind_bytes(stmt, 3, e->value);
        store_fold_bind_when(stmt, 4, e->expires_at);
    } else if (g->type == RL_TYPE_ZSET) {
        sqlite3_bind_double(stmt, 3, e->score);
    }
    return store_fold_run_write(f, number);
}

static int take_away(rl_fold *f, const rl_element_group *g, const rl_element *e) {
    int number = statements[g->type].delete;
    sqlite3_bind_int64(f->statements[number], 1, (sqlite3_int64)g->id);
    store_fold_bind_bytes(f->statements[number], 2, e->name);
    return store_fold_run_write(f, number);
}

static int flush_group(rl_fold *f, const rl_element_group *g, const rl_element *const *elements) {
    int rc = SQLITE_OK;
    for (uint32_t i = 0; i < g->count && rc == SQLITE_OK; i++) {
        const rl_element *e = elements[g->from + i];
        store_fold_report(f);
        if (!e->gone)
            rc = put(f, g, e);
        else if (g->stored)
            rc = take_away(f, g, e);
    }
    return rc;
}

int store_fold_flush_elements(rl_fold *f) {
    const rl_element_group *const *groups;
    const rl_element *const *elements;
    size_t count = rl_elements_sorted(f->elements, &groups, &elements);
    int rc = SQLITE_OK;
    for (size_t i = 0; i < count && rc == SQLITE_OK; i++) {
        const rl_element_group *g = groups[i];
        if (g->dropped)
            continue;
        rc = g->type == RL_TYPE_LIST ? store_fold_flush_list(f, g) : flush_group(f, g, elements);
    }
    return rc;
}
