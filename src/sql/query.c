/* SPDX-License-Identifier: MIT */
/* Copies of queries; see query.h. */
#include "sql/query.h"

#include "base/alloc.h"

/* Copies bytes to *at and moves *at behind them. */
static rl_bytes put(char **at, rl_bytes from) {
    rl_bytes to = rl_bytes_of(*at, from.len);
    if (from.len)
        memcpy(*at, from.ptr, from.len);
    *at += from.len;
    return to;
}

rl_sql_query *rl_sql_query_copy(const rl_sql_query *q) {
    size_t params = (size_t)q->param_count;
    size_t bytes = q->text.len + (q->types ? params : 0);
    for (size_t i = 0; i < params; i++)
        bytes += q->params[i].len;
    rl_sql_query *copy = rl_malloc(sizeof *copy + params * sizeof(rl_bytes) + bytes);
    rl_bytes *list = (rl_bytes *)(copy + 1);
    char *at = (char *)(list + params);
    *copy = *q;
    copy->text = put(&at, q->text);
    for (size_t i = 0; i < params; i++)
        list[i] = put(&at, q->params[i]);
    copy->params = list;
    if (q->types)
        copy->types = put(&at, rl_bytes_of(q->types, params)).ptr;
    return copy;
}
