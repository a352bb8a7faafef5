/* SPDX-License-Identifier: MIT */
/* LATENCY: spikes by event, and how long each command takes. */
#include "server/latency.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/alloc.h"
#include "commands/handlers.h"
#include "commands/shared.h"

/* The i-th sample, oldest first. */
static size_t ring_place(const rl_latency_event *e, size_t i) {
    return (e->next + RL_LATENCY_SAMPLES - e->count + i) % RL_LATENCY_SAMPLES;
}

void rl_cmd_latency_latest(rl_ctx *c) {
    const rl_latency *latency = rl_server_latency(c->server);
    rl_reply_array(c->reply, rl_latency_count(latency));
    for (size_t i = 0; i < rl_latency_count(latency); i++) {
        const rl_latency_event *e = rl_latency_at(latency, i);
        size_t last = ring_place(e, e->count - 1);
        rl_reply_array(c->reply, 4);
        rl_reply_text(c->reply, e->name);
        rl_reply_int(c->reply, e->samples[last].at_s);
        rl_reply_int(c->reply, e->samples[last].took_ms);
        rl_reply_int(c->reply, e->max_ms);
    }
}

void rl_cmd_latency_history(rl_ctx *c) {
    const rl_latency_event *e = rl_latency_find(rl_server_latency(c->server), c->argv[2]);
    size_t count = e ? e->count : 0;
    rl_reply_array(c->reply, count);
    for (size_t i = 0; i < count; i++) {
        size_t place = ring_place(e, i);
        rl_reply_array(c->reply, 2);
        rl_reply_int(c->reply, e->samples[place].at_s);
        rl_reply_int(c->reply, e->samples[place].took_ms);
    }
}

void rl_cmd_latency_reset(rl_ctx *c) {
    rl_latency *latency = rl_server_latency(c->server);
    size_t removed = 0;
    if (c->argc == 2)
        removed = rl_latency_reset(latency, rl_bytes_of(NULL, 0));
    for (int i = 2; i < c->argc; i++)
        removed += rl_latency_reset(latency, c->argv[i]);
    rl_reply_int(c->reply, (int64_t)removed);
}

/* ---- LATENCY GRAPH ---- */

#define GRAPH_COLUMNS 80
#define GRAPH_ROWS    4
#define AGE_MAX       4 /* characters of "59s", "12m", "300d" */

typedef struct range {
    uint32_t low, high;
} range;

static range range_of(const rl_latency_event *e) {
    range r = {UINT32_MAX, 0};
    for (size_t i = 0; i < e->count; i++) {
        uint32_t took = e->samples[ring_place(e, i)].took_ms;
        r.low = took < r.low ? took : r.low;
        r.high = took > r.high ? took : r.high;
    }
    return r;
}

static void age_text(int64_t age_s, char out[24]) {
    static const struct {
        int64_t seconds;
        char unit;
    } units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}, {1, 's'}};
    size_t i = 0;
    while (i < 3 && age_s < units[i].seconds)
        i++;
    snprintf(out, 24, "%" PRId64 "%c", age_s < 0 ? 0 : age_s / units[i].seconds, units[i].unit);
}

/* One line of bars: a sample's bar has GRAPH_ROWS cells, each full, topped or empty. */
static void draw_row(const rl_latency_event *e, range r, size_t from, int row, rl_buffer *out) {
    for (size_t i = from; i < e->count; i++) {
        uint32_t took = e->samples[ring_place(e, i)].took_ms;
        /* height in thirds of a cell, so that a bar's top can be drawn low, middle or high */
        int steps = GRAPH_ROWS * 3 - 1;
        int height = r.high > r.low
                         ? (int)((uint64_t)(took - r.low) * (uint64_t)steps / (r.high - r.low))
                         : 0;
        int cell = height / 3;
        if (cell > row)
            rl_buffer_add_char(out, '|');
        else if (cell == row)
            rl_buffer_add_char(out, "_o#"[height % 3]);
        else
            rl_buffer_add_char(out, ' ');
    }
    rl_buffer_add_char(out, '\n');
}

static void draw(const rl_latency_event *e, int64_t now_s, rl_buffer *out) {
    range r = range_of(e);
    size_t from = e->count > GRAPH_COLUMNS ? e->count - GRAPH_COLUMNS : 0;
    rl_buffer_printf(out, "%s - high %u ms, low %u ms (all time high %u ms)\n", e->name, r.high,
                     r.low, e->max_ms);
    for (int i = 0; i < GRAPH_COLUMNS; i++)
        rl_buffer_add_char(out, '-');
    rl_buffer_add_char(out, '\n');
    for (int row = GRAPH_ROWS - 1; row >= 0; row--)
        draw_row(e, r, from, row, out);
    rl_buffer_add_char(out, '\n');
    /* under each bar how long ago it was, from top to bottom */
    for (size_t line = 0; line < AGE_MAX; line++) {
        bool any = false;
        size_t start = out->len;
        for (size_t i = from; i < e->count; i++) {
            char age[24];
            age_text(now_s - e->samples[ring_place(e, i)].at_s, age);
            bool has = line < strlen(age);
            any |= has;
            rl_buffer_add_char(out, has ? age[line] : ' ');
        }
        if (!any) {
            out->len = start;
            break;
        }
        rl_buffer_add_char(out, '\n');
    }
}

void rl_cmd_latency_graph(rl_ctx *c) {
    const rl_latency_event *e = rl_latency_find(rl_server_latency(c->server), c->argv[2]);
    rl_buffer text = {0};
    if (e == NULL) {
        rl_reply_errorf(c->reply, "ERR No samples available for event '%.*s'", (int)c->argv[2].len,
                        c->argv[2].ptr);
        return;
    }
    draw(e, c->now_ms / 1000, &text);
    rl_reply_verbatim(c->reply, "txt", rl_buffer_bytes(&text));
    rl_buffer_release(&text);
}

/* ---- LATENCY DOCTOR ---- */

static void describe(const rl_latency_event *e, size_t number, rl_buffer *out) {
    uint64_t sum = 0;
    double deviation = 0;
    for (size_t i = 0; i < e->count; i++)
        sum += e->samples[ring_place(e, i)].took_ms;
    double mean = (double)sum / (double)e->count;
    for (size_t i = 0; i < e->count; i++) {
        double off = (double)e->samples[ring_place(e, i)].took_ms - mean;
        deviation += off < 0 ? -off : off;
    }
    int64_t span_s =
        e->samples[ring_place(e, e->count - 1)].at_s - e->samples[ring_place(e, 0)].at_s;
    rl_buffer_printf(out,
                     "%zu. %s: %zu spike%s, %.0f ms on average (mean deviation %.0f ms), the worst "
                     "ever %u ms",
                     number, e->name, e->count, e->count == 1 ? "" : "s", mean,
                     deviation / (double)e->count, e->max_ms);
    if (e->count > 1)
        rl_buffer_printf(out, ", one every %.1f s", (double)span_s / (double)(e->count - 1));
    rl_buffer_add_text(out, ".\n");
}

static void advise(rl_ctx *c, rl_buffer *out) {
    const rl_settings *set = rl_server_settings(c->server);
    int64_t threshold_us = (int64_t)set->latency_monitor_threshold_ms * 1000;
    rl_buffer_add_text(out, "\nWhat to do:\n\n");
    if (set->slowlog_slower_than_us < 0 || set->slowlog_slower_than_us > threshold_us)
        rl_buffer_printf(out,
                         "- The slow log does not see all of these. CONFIG SET "
                         "slowlog-log-slower-than %" PRId64 " makes it.\n",
                         threshold_us);
    rl_buffer_add_text(out, "- SLOWLOG GET shows which commands took long. Commands run one after "
                            "another, so a slow one holds up all.\n"
                            "- KEYS, FLUSHALL with values of many megabytes, LCS of long strings "
                            "and long MULTI blocks are the usual ones; SCAN does the work of KEYS "
                            "in small steps.\n"
                            "- If commands on small values are slow too, the machine is: look for "
                            "swapping and for a busy processor.\n");
}

void rl_cmd_latency_doctor(rl_ctx *c) {
    const rl_latency *latency = rl_server_latency(c->server);
    rl_buffer text = {0};
    size_t count = rl_latency_count(latency);
    if (count == 0 && rl_server_settings(c->server)->latency_monitor_threshold_ms == 0) {
        rl_buffer_add_text(&text, "Latency is not watched. CONFIG SET latency-monitor-threshold "
                                  "<milliseconds> starts it.\n");
    } else if (count == 0) {
        rl_buffer_add_text(&text, "No spike was seen: nothing took longer than "
                                  "latency-monitor-threshold.\n");
    } else {
        rl_buffer_add_text(&text, "These took longer than latency-monitor-threshold:\n\n");
        for (size_t i = 0; i < count; i++)
            describe(rl_latency_at(latency, i), i + 1, &text);
        advise(c, &text);
    }
    rl_reply_verbatim(c->reply, "txt", rl_buffer_bytes(&text));
    rl_buffer_release(&text);
}

/* ---- LATENCY HISTOGRAM ---- */

typedef struct timed {
    const rl_command **list;
    size_t count, capacity;
    const rl_stats *stats;
} timed;

static void add_timed(timed *t, const rl_command *command) {
    const rl_command_stats *c = &t->stats->by_command[command->index];
    if (c->latency == NULL || c->latency->count == 0)
        return;
    if (t->count == t->capacity) {
        t->capacity = t->capacity ? 2 * t->capacity : 32;
        t->list = rl_realloc(t->list, t->capacity * sizeof *t->list);
    }
    t->list[t->count++] = command;
}

/* A command with its subcommands. */
static void add_family(timed *t, const rl_command *command) {
    add_timed(t, command);
    for (int i = 0; i < command->subcommand_count; i++)
        add_timed(t, &command->subcommands[i]);
}

/* Redis counts up to limits that double from 1,024 ns on, and shows them in microseconds as its
 * histogram rounds them; limits that add nothing are left out. */
#define FIRST_LIMIT_NS 1024

static size_t limits(const rl_histogram *h, rl_reply *r) {
    uint64_t seen = 0, shown = 0;
    size_t pairs = 0;
    unsigned place = 0;
    for (uint64_t limit = FIRST_LIMIT_NS; shown < h->count; limit *= 2) {
        while (place < RL_HISTOGRAM_PLACES && rl_histogram_place_top(place) < limit)
            seen += h->places[place++];
        if (place == RL_HISTOGRAM_PLACES)
            seen = h->count;
        if (seen == shown)
            continue;
        shown = seen;
        pairs++;
        if (r) {
            rl_reply_int(r, (int64_t)((limit + limit / 128 - 1) / 1000));
            rl_reply_int(r, (int64_t)seen);
        }
    }
    return pairs;
}

static void reply_histogram(rl_reply *r, const rl_command_stats *c) {
    rl_reply_map(r, 2);
    rl_reply_text(r, "calls");
    rl_reply_int(r, (int64_t)c->latency->count);
    rl_reply_text(r, "histogram_usec");
    rl_reply_map(r, limits(c->latency, NULL));
    limits(c->latency, r);
}

void rl_cmd_latency_histogram(rl_ctx *c) {
    const rl_registry *registry = rl_server_registry(c->server);
    const rl_command *command;
    timed t = {.stats = rl_server_stats(c->server)};
    for (size_t i = 0; c->argc == 2 && (command = rl_registry_at(registry, i)) != NULL; i++)
        add_family(&t, command);
    for (int i = 2; i < c->argc; i++) {
        command = rl_registry_find_full(registry, c->argv[i]);
        if (command)
            add_family(&t, command);
    }
    rl_reply_map(c->reply, t.count);
    for (size_t i = 0; i < t.count; i++) {
        rl_reply_text(c->reply, t.list[i]->name);
        reply_histogram(c->reply, &t.stats->by_command[t.list[i]->index]);
    }
    rl_free(t.list);
}

void rl_cmd_latency_help(rl_ctx *c) {
    static const char *const lines[] = {
        "DOCTOR",
        "    Say what was slow, and what to do.",
        "GRAPH <event>",
        "    Draw the spikes of an event.",
        "HISTORY <event>",
        "    Show the spikes of an event: when, and how many milliseconds.",
        "LATEST",
        "    Show the last spike of every event.",
        "RESET [<event> ...]",
        "    Forget the spikes of these events (default: of all).",
        "HISTOGRAM [<command> ...]",
        "    Show how many calls of these commands (default: of all) took at most so many",
        "    microseconds.",
        NULL,
    };
    rl_ctx_help(c, lines);
}
