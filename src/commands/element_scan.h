/* SPDX-License-Identifier: MIT */
/*
 * What SCAN, HSCAN, SSCAN and ZSCAN share: cursors and options as Redis reads them, and, for the
 * three that scan a collection, opening it, collecting elements and the reply. A handler:
 *
 *     rl_element_scan scan;
 *     if (!rl_element_scan_open(c, RL_TYPE_HASH, RL_SCAN_NOVALUES, &scan))
 *         return;
 *     next = rl_fields_scan(rl_hash_of(&scan.from), scan.options.cursor, scan.options.count, …);
 *         each: if (rl_element_scan_wants(scan, name)) … rl_element_scan_add(scan, name) …
 *     rl_element_scan_reply(c, &scan, next);
 *
 * Loop thread.
 */
#ifndef RL_COMMANDS_ELEMENT_SCAN_H
#define RL_COMMANDS_ELEMENT_SCAN_H

#include "commands/bulks.h"

/* Options that only some have; COUNT and MATCH all have. */
enum {
    RL_SCAN_TYPE = 1,     /* SCAN */
    RL_SCAN_NOVALUES = 2, /* HSCAN */
};

typedef struct rl_scan_options {
    uint64_t cursor;
    size_t count;     /* 10 unless told */
    rl_bytes pattern; /* ptr NULL: all */
    rl_bytes type;    /* ptr NULL: all */
    bool no_values;
} rl_scan_options;

/* Both answer and return false when there is an error. Redis looks at the cursor first, then at the
 * key, then at the options. */
bool rl_scan_parse_cursor(rl_ctx *c, int arg, rl_scan_options *out);
/* The options from argument `from` to the end. more: RL_SCAN_…, the options beyond COUNT, MATCH. */
bool rl_scan_parse_options(rl_ctx *c, int from, unsigned more, rl_scan_options *out);
/* A pattern, with ptr NULL when it matches everything. */
rl_bytes rl_scan_pattern(rl_bytes pattern);
/* The first half of the reply; the array of what was found follows. */
void rl_scan_reply_cursor(rl_ctx *c, uint64_t next);

typedef struct rl_element_scan {
    rl_scan_options options;
    rl_collection from; /* there is such a key */
    rl_bulks items;
} rl_element_scan;

/* XSCAN key cursor [option …]. False after answering: an error, or that there is no such key. */
bool rl_element_scan_open(rl_ctx *c, rl_type type, unsigned more, rl_element_scan *out);
bool rl_element_scan_wants(const rl_element_scan *scan, rl_bytes name); /* MATCH */
/* One item of the array; copied. */
static inline void rl_element_scan_add(rl_element_scan *scan, rl_bytes item) {
    rl_bulks_add(&scan->items, item);
}
/* Answers and releases. */
void rl_element_scan_reply(rl_ctx *c, rl_element_scan *scan, uint64_t next);

#endif
