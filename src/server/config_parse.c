/* SPDX-License-Identifier: MIT */
/*
 * Words to canonical text, by kind. What is accepted and the sentences for what is not are Redis's,
 * because CONFIG SET answers them; the loader adds what was expected.
 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/number.h"
#include "server/config_table.h"

enum { HZ_MIN = 1, HZ_MAX = 500, BIND_MAX = 16, BACKLOG_MIN = 16 * 1024 };

static bool fail(rl_buffer *error, const char *text) {
    rl_buffer_add_text(error, text);
    return false;
}

static bool range_error(const rl_config_row *row, rl_buffer *error) {
    if (row->kind == RL_CONFIG_OCTAL)
        rl_buffer_printf(error, "argument must be between 0 and %" PRIo64 " inclusive", row->max);
    else
        rl_buffer_printf(error, "argument must be between %" PRId64 " and %" PRIu64 " inclusive",
                         row->min, row->max);
    return false;
}

static bool has_zero(rl_bytes word) {
    return word.len && memchr(word.ptr, '\0', word.len);
}

/* --- one word --- */

static bool parse_bool(rl_bytes word, rl_buffer *value, rl_buffer *error) {
    bool yes = rl_bytes_is(word, "yes");
    if (!yes && !rl_bytes_is(word, "no"))
        return fail(error, "argument must be 'yes' or 'no'");
    rl_buffer_add_text(value, yes ? "yes" : "no");
    return true;
}

static bool parse_int(const rl_config_row *row, rl_bytes word, int64_t *out, rl_buffer *error) {
    if (!rl_int64_parse(word, out))
        return fail(error, "argument couldn't be parsed into an integer");
    if (*out < row->min || (*out >= 0 && (uint64_t)*out > row->max))
        return range_error(row, error);
    return true;
}

/* Like Redis, takes nothing for 0 and the largest amount for digits beyond it. */
static bool memory_of(rl_bytes word, uint64_t *out) {
    if (rl_memory_parse(word, out))
        return true;
    for (size_t i = 0; i < word.len; i++)
        if (word.ptr[i] < '0' || word.ptr[i] > '9')
            return false;
    *out = word.len ? UINT64_MAX : 0;
    return true;
}

static bool parse_memory(const rl_config_row *row, rl_bytes word, uint64_t *out, rl_buffer *error) {
    if (!memory_of(word, out))
        return fail(error, "argument must be a memory value");
    if (*out < (uint64_t)row->min || *out > row->max)
        return range_error(row, error);
    return true;
}

static bool parse_percent(rl_bytes word, rl_buffer *value, rl_buffer *error) {
    uint64_t amount;
    bool percent = word.len > 1 && word.ptr[word.len - 1] == '%';
    bool ok = percent ? rl_uint64_parse(rl_bytes_of(word.ptr, word.len - 1), &amount)
                      : memory_of(word, &amount);
    if (!ok)
        return fail(error, "argument must be a memory or percent value");
    if (percent && amount > 100)
        return fail(error, "percentage argument must be less or equal to 100");
    rl_buffer_printf(value, "%" PRIu64 "%s", amount, percent && amount ? "%" : "");
    return true;
}

static bool parse_octal(const rl_config_row *row, rl_bytes word, rl_buffer *value,
                        rl_buffer *error) {
    uint64_t number = 0;
    bool digits = word.len > 0 && word.len <= 20; /* 60 bits: no overflow */
    for (size_t i = 0; digits && i < word.len; i++) {
        digits = word.ptr[i] >= '0' && word.ptr[i] <= '7';
        number = number * 8 + (uint64_t)(word.ptr[i] - '0');
    }
    if (!digits)
        return fail(error, "argument couldn't be parsed as an octal number");
    if (number > row->max)
        return range_error(row, error);
    rl_buffer_printf(value, "%" PRIo64, number);
    return true;
}

static bool choice_error(const rl_config_row *row, rl_buffer *error) {
    rl_buffer_add_text(error, "argument(s) must be one of the following: ");
    for (const rl_config_choice *c = row->choices; c->name; c++)
        rl_buffer_printf(error, "%s%s", c == row->choices ? "" : ", ", c->name);
    return false;
}

static const rl_config_choice *choice_of(const rl_config_row *row, rl_bytes word) {
    for (const rl_config_choice *c = row->choices; c->name; c++)
        if (rl_bytes_is(word, c->name))
            return c;
    return NULL;
}

static bool parse_enum(const rl_config_row *row, rl_bytes word, rl_buffer *value,
                       rl_buffer *error) {
    const rl_config_choice *chosen = choice_of(row, word);
    if (!chosen)
        return choice_error(row, error);
    /* Of two names for one value the first is shown. */
    const rl_config_choice *shown = row->choices;
    while (shown->value != chosen->value)
        shown++;
    rl_buffer_add_text(value, shown->name);
    return true;
}

static bool parse_kind(const rl_config_row *row, rl_bytes word, rl_buffer *value,
                       rl_buffer *error) {
    int64_t number;
    uint64_t amount;
    switch (row->kind) {
    case RL_CONFIG_BOOL:
        return parse_bool(word, value, error);
    case RL_CONFIG_INT:
        if (!parse_int(row, word, &number, error))
            return false;
        rl_buffer_printf(value, "%" PRId64, number);
        return true;
    case RL_CONFIG_MEMORY:
        if (!parse_memory(row, word, &amount, error))
            return false;
        rl_buffer_printf(value, "%" PRIu64, amount);
        return true;
    case RL_CONFIG_PERCENT:
        return parse_percent(word, value, error);
    case RL_CONFIG_OCTAL:
        return parse_octal(row, word, value, error);
    case RL_CONFIG_ENUM:
        return parse_enum(row, word, value, error);
    case RL_CONFIG_TEXT:
    case RL_CONFIG_LIST:
        break;
    }
    rl_buffer_add_bytes(value, word);
    return true;
}

bool rl_config_parse_row(const rl_config_row *row, const rl_config_words *words, rl_buffer *value,
                         rl_buffer *error) {
    size_t start = value->len;
    for (size_t i = 0; i < words->count; i++)
        if (has_zero(words->at[i]))
            return fail(error, "argument must not contain a zero byte");
    if (row->kind != RL_CONFIG_LIST && words->count != 1)
        return fail(error, "wrong number of arguments");
    if (row->parse ? !row->parse(row, words, value, error)
                   : !parse_kind(row, words->at[0], value, error))
        return false;
    rl_bytes parsed = {value->ptr ? value->ptr + start : "", value->len - start};
    if (row->refusal && !rl_bytes_equal(parsed, rl_bytes_text(row->initial)))
        return fail(error, row->refusal);
    return true;
}

rl_bytes *rl_config_split_list(const rl_config_row *row, rl_config_words *words) {
    if (row->kind != RL_CONFIG_LIST || (row->flags & RL_CONFIG_QUOTED))
        return NULL;
    rl_bytes text = words->at[0];
    rl_bytes *split = rl_malloc((text.len + 1) * sizeof(*split));
    size_t count = 0, start = 0;
    for (size_t i = 0; text.len && i <= text.len; i++)
        if (i == text.len || text.ptr[i] == ' ') {
            split[count++] = rl_bytes_of(text.ptr + start, i - start);
            start = i + 1;
        }
    words->at = split;
    words->count = count;
    return split;
}

/* --- directives with rules of their own --- */

bool rl_config_parse_hz(const rl_config_row *row, const rl_config_words *words, rl_buffer *value,
                        rl_buffer *error) {
    int64_t hz;
    if (!parse_int(row, words->at[0], &hz, error))
        return false;
    hz = hz < HZ_MIN ? HZ_MIN : hz > HZ_MAX ? HZ_MAX : hz;
    rl_buffer_printf(value, "%" PRId64, hz);
    return true;
}

bool rl_config_parse_backlog(const rl_config_row *row, const rl_config_words *words,
                             rl_buffer *value, rl_buffer *error) {
    uint64_t bytes;
    if (!parse_memory(row, words->at[0], &bytes, error))
        return false;
    rl_buffer_printf(value, "%" PRIu64, bytes < BACKLOG_MIN ? BACKLOG_MIN : bytes);
    return true;
}

bool rl_config_parse_filename(const rl_config_row *row, const rl_config_words *words,
                              rl_buffer *value, rl_buffer *error) {
    rl_bytes word = words->at[0];
    if (word.len == 0) {
        rl_buffer_printf(error, "%s can't be empty", row->name);
        return false;
    }
    if (memchr(word.ptr, '/', word.len)) {
        rl_buffer_printf(error, "%s can't be a path, just a %s", row->name,
                         strcmp(row->name, "appenddirname") == 0 ? "dirname" : "filename");
        return false;
    }
    if (rl_bytes_is(word, ".") || rl_bytes_is(word, "..")) {
        rl_buffer_printf(error, "%s can't be a directory", row->name);
        return false;
    }
    rl_buffer_add_bytes(value, word);
    return true;
}

bool rl_config_parse_hostname(const rl_config_row *row, const rl_config_words *words,
                              rl_buffer *value, rl_buffer *error) {
    (void)row;
    rl_bytes word = words->at[0];
    if (word.len >= 256)
        return fail(error, "Hostnames must be less than 256 characters");
    for (size_t i = 0; i < word.len; i++) {
        char c = word.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '-' && c != '.')
            return fail(error,
                        "Hostnames may only contain alphanumeric characters, hyphens or dots");
    }
    rl_buffer_add_bytes(value, word);
    return true;
}

/* A title has to show something: variables that may stand for nothing do not count. */
bool rl_config_parse_title(const rl_config_row *row, const rl_config_words *words, rl_buffer *value,
                           rl_buffer *error) {
    static const struct {
        const char *name;
        bool shows;
    } variables[] = {{"{title}", false},      {"{listen-addr}", true}, {"{server-mode}", false},
                     {"{port}", true},        {"{tls-port}", true},    {"{unixsocket}", false},
                     {"{config-file}", false}};
    (void)row;
    rl_bytes word = words->at[0];
    bool shows = false, known = true;
    for (size_t i = 0; known && i < word.len;) {
        if (word.ptr[i] != '{') {
            shows |= word.ptr[i++] != ' ';
            continue;
        }
        known = false;
        for (size_t v = 0; !known && v < sizeof(variables) / sizeof(variables[0]); v++) {
            size_t len = strlen(variables[v].name);
            if (word.len - i < len || strncasecmp(word.ptr + i, variables[v].name, len) != 0)
                continue;
            known = true;
            shows |= variables[v].shows;
            i += len;
        }
    }
    if (!known || !shows)
        return fail(error, "template format is invalid or contains unknown variables");
    rl_buffer_add_bytes(value, word);
    return true;
}

bool rl_config_parse_replicaof(const rl_config_row *row, const rl_config_words *words,
                               rl_buffer *value, rl_buffer *error) {
    (void)row;
    if (words->count != 2)
        return fail(error, "wrong number of arguments");
    if (rl_bytes_is(words->at[0], "no") && rl_bytes_is(words->at[1], "one"))
        return true; /* nobody: the empty text */
    int64_t port;
    if (!rl_int64_parse(words->at[1], &port) || port < 0 || port > 65535)
        return fail(error, "Invalid master port");
    rl_buffer_add_bytes(value, words->at[0]);
    rl_buffer_printf(value, " %" PRId64, port);
    return true;
}

/* --- lists --- */

static bool is_empty_word(const rl_config_words *words) {
    return words->count == 1 && words->at[0].len == 0;
}

static void add_word(rl_buffer *value, size_t start, rl_bytes word) {
    if (value->len > start)
        rl_buffer_add_char(value, ' ');
    rl_buffer_add_bytes(value, word);
}

bool rl_config_parse_bind(const rl_config_row *row, const rl_config_words *words, rl_buffer *value,
                          rl_buffer *error) {
    (void)row;
    if (words->count > BIND_MAX)
        return fail(error, "Too many bind addresses specified.");
    size_t start = value->len;
    for (size_t i = 0; i < words->count; i++)
        if (words->at[i].len)
            add_word(value, start, words->at[i]);
    return true;
}

bool rl_config_parse_save(const rl_config_row *row, const rl_config_words *words, rl_buffer *value,
                          rl_buffer *error) {
    (void)row;
    if (words->count == 0 || is_empty_word(words))
        return true; /* forgets all of them */
    if (words->count % 2)
        return fail(error, "Invalid save parameters");
    size_t start = value->len;
    if (words->adds)
        rl_buffer_add_text(value, words->current);
    for (size_t i = 0; i < words->count; i += 2) {
        int64_t seconds, changes;
        if (!rl_int64_parse(words->at[i], &seconds) || seconds < 1 || seconds > INT_MAX ||
            !rl_int64_parse(words->at[i + 1], &changes) || changes < 0 || changes > INT_MAX)
            return fail(error, "Invalid save parameters");
        add_word(value, start, words->at[i]);
        add_word(value, start, words->at[i + 1]);
    }
    return true;
}

const char *rl_config_limits_class(int client_class) {
    static const char *const names[RL_CLIENT_CLASSES] = {"normal", "slave", "pubsub"};
    return names[client_class];
}

void rl_config_limits_read(const char *text, rl_output_limit *limits) {
    for (int i = 0; i < RL_CLIENT_CLASSES; i++) {
        char *end;
        text += strlen(rl_config_limits_class(i));
        limits[i].hard_bytes = strtoull(text, &end, 10);
        limits[i].soft_bytes = strtoull(end, &end, 10);
        limits[i].soft_seconds = (uint32_t)strtoull(end, &end, 10);
        text = *end ? end + 1 : end;
    }
}

static int limits_class_of(rl_bytes word) {
    for (int i = 0; i < RL_CLIENT_CLASSES; i++)
        if (rl_bytes_is(word, rl_config_limits_class(i)))
            return i;
    return rl_bytes_is(word, "replica") ? RL_CLIENT_REPLICA : -1;
}

bool rl_config_parse_limits(const rl_config_row *row, const rl_config_words *words,
                            rl_buffer *value, rl_buffer *error) {
    (void)row;
    rl_output_limit limits[RL_CLIENT_CLASSES];
    rl_config_limits_read(words->current, limits);
    if (words->count % 4)
        return fail(error, "Wrong number of arguments in buffer limit configuration.");
    for (size_t i = 0; i < words->count; i += 4) {
        const rl_bytes *at = words->at + i;
        int client_class = limits_class_of(at[0]);
        if (client_class < 0)
            return fail(error, "Invalid client class specified in buffer limit configuration.");
        uint64_t hard, soft;
        int64_t seconds;
        if (!memory_of(at[1], &hard) || !memory_of(at[2], &soft) ||
            !rl_int64_parse(at[3], &seconds) || seconds < 0)
            return fail(error, "Error in hard, soft or soft_seconds setting in buffer limit "
                               "configuration.");
        limits[client_class] = (rl_output_limit){
            hard, soft, seconds > INT_MAX ? (uint32_t)INT_MAX : (uint32_t)seconds};
    }
    for (int i = 0; i < RL_CLIENT_CLASSES; i++)
        rl_buffer_printf(value, "%s%s %" PRIu64 " %" PRIu64 " %" PRIu32, i ? " " : "",
                         rl_config_limits_class(i), limits[i].hard_bytes, limits[i].soft_bytes,
                         limits[i].soft_seconds);
    return true;
}

/* A stands for all classes of events but K, E, m and n; n is shown only when A is not, as Redis
 * does. */
bool rl_config_parse_events(const rl_config_row *row, const rl_config_words *words,
                            rl_buffer *value, rl_buffer *error) {
    static const char all[] = "g$lshzxetd", known[] = "Ag$lshzxeKEtmdn";
    (void)row;
    if (words->count != 1)
        return fail(error, "wrong number of arguments");
    bool on[sizeof(known)] = {false};
    for (size_t i = 0; i < words->at[0].len; i++) {
        const char *at = strchr(known, words->at[0].ptr[i]);
        if (!at || !*at)
            return fail(error, "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.");
        on[at - known] = true;
    }
    bool every = true;
    for (const char *p = all; *p; p++)
        every = every && on[strchr(known, *p) - known];
    if (on[0] || every)
        rl_buffer_add_char(value, 'A');
    for (const char *p = "g$lshzxetdnKEm"; *p; p++) {
        bool covered = (on[0] || every) && strchr(all, *p);
        if (on[strchr(known, *p) - known] && !covered)
            rl_buffer_add_char(value, *p);
    }
    return true;
}

bool rl_config_parse_shutdown(const rl_config_row *row, const rl_config_words *words,
                              rl_buffer *value, rl_buffer *error) {
    int flags = 0;
    enum { SAVE = 1, NOSAVE = 2 };
    for (size_t i = 0; i < words->count; i++) {
        const rl_config_choice *c = choice_of(row, words->at[i]);
        if (!c)
            return choice_error(row, error);
        flags |= c->value;
    }
    if (words->count == 0)
        return choice_error(row, error);
    if ((flags & SAVE) && (flags & NOSAVE))
        return fail(error, "shutdown options SAVE and NOSAVE can't be used simultaneously");
    size_t start = value->len;
    for (const rl_config_choice *c = row->choices; c->name; c++)
        if (flags ? (flags & c->value) != 0 : c->value == 0)
            add_word(value, start, rl_bytes_text(c->name));
    return true;
}

bool rl_config_parse_oom(const rl_config_row *row, const rl_config_words *words, rl_buffer *value,
                         rl_buffer *error) {
    (void)row;
    if (words->count != 3)
        return fail(error, "wrong number of arguments");
    size_t start = value->len;
    for (size_t i = 0; i < words->count; i++) {
        int64_t number;
        if (!rl_int64_parse(words->at[i], &number) || number < -2000 || number > 2000)
            return fail(error,
                        "Invalid oom-score-adj-values, elements must be between -2000 and 2000.");
        add_word(value, start, words->at[i]);
    }
    return true;
}

bool rl_config_parse_percentiles(const rl_config_row *row, const rl_config_words *words,
                                 rl_buffer *value, rl_buffer *error) {
    size_t start = value->len;
    if (is_empty_word(words))
        return true;
    for (size_t i = 0; i < words->count; i++) {
        double number;
        char text[64];
        if (!rl_double_parse(words->at[i], &number)) {
            rl_buffer_printf(error, "Invalid %s parameters", row->name);
            return false;
        }
        if (!(number >= 0 && number <= 100)) {
            rl_buffer_printf(error, "%s parameters should sit between [0.0,100.0]", row->name);
            return false;
        }
        size_t len = (size_t)snprintf(text, sizeof(text), "%f", number);
        while (text[len - 1] == '0')
            len--;
        if (text[len - 1] == '.')
            len--;
        add_word(value, start, rl_bytes_of(text, len));
    }
    return true;
}

/* --- what is expected --- */

void rl_config_memory_text(uint64_t bytes, rl_buffer *out) {
    static const struct {
        uint64_t bytes;
        const char *unit;
    } units[] = {{1 << 30, "gb"}, {1 << 20, "mb"}, {1 << 10, "kb"}};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (bytes && bytes % units[i].bytes == 0) {
            rl_buffer_printf(out, "%" PRIu64 "%s", bytes / units[i].bytes, units[i].unit);
            return;
        }
    rl_buffer_printf(out, "%" PRIu64, bytes);
}

static void int_expectation(const rl_config_row *row, rl_buffer *out) {
    bool open = row->max >= INT_MAX;
    if (open && row->min <= INT_MIN)
        rl_buffer_add_text(out, "a number");
    else if (open)
        rl_buffer_printf(out, "a number from %" PRId64 " on", row->min);
    else
        rl_buffer_printf(out, "a number from %" PRId64 " to %" PRIu64, row->min, row->max);
}

static void memory_expectation(const rl_config_row *row, rl_buffer *out) {
    rl_buffer_add_text(out, "an amount of memory such as 100mb");
    if (row->min) {
        rl_buffer_add_text(out, ", from ");
        rl_config_memory_text((uint64_t)row->min, out);
    }
    if (row->max < INT64_MAX) {
        rl_buffer_add_text(out, row->min ? " to " : ", up to ");
        rl_config_memory_text(row->max, out);
    }
}

void rl_config_expectation(const rl_config_row *row, rl_buffer *out) {
    if (row->expects) {
        rl_buffer_add_text(out, row->expects);
        return;
    }
    switch (row->kind) {
    case RL_CONFIG_BOOL:
        rl_buffer_add_text(out, "yes or no");
        return;
    case RL_CONFIG_INT:
        int_expectation(row, out);
        return;
    case RL_CONFIG_MEMORY:
        memory_expectation(row, out);
        return;
    case RL_CONFIG_PERCENT:
        rl_buffer_add_text(out, "an amount of memory such as 100mb, or a percentage such as 5%");
        return;
    case RL_CONFIG_OCTAL:
        rl_buffer_printf(out, "an octal number up to %" PRIo64, row->max);
        return;
    case RL_CONFIG_ENUM:
        for (const rl_config_choice *c = row->choices; c->name; c++)
            rl_buffer_printf(out, "%s%s",
                             c == row->choices ? ""
                             : c[1].name       ? ", "
                                               : " or ",
                             c->name);
        return;
    case RL_CONFIG_TEXT:
    case RL_CONFIG_LIST:
        break;
    }
    rl_buffer_add_text(out, "a text");
}
