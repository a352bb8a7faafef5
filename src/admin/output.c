/* SPDX-License-Identifier: MIT */
/* What the program says; see output.h. */
#include "admin/output.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "store/batch.h"

#define DRAW_EVERY_MS 100
#define RATE_AFTER_MS 1000 /* before that a rate says little */

static struct {
    const char *what; /* NULL: none */
    admin_unit unit;
    bool shown, drawn;
    int64_t begin_ms, last_ms;
} progress;

void admin_output_init(void) {
    /* A log of the server's is for a server's log; people are told in sentences of our own. */
    rl_log_set_level(rl_log_open("/dev/stderr") ? RL_LOG_WARNING : RL_LOG_NOTHING);
}

static void take_away(void) {
    if (progress.drawn)
        fputs("\r\033[K", stderr);
    progress.drawn = false;
}

__attribute__((format(printf, 2, 0))) static void complain(const char *kind, const char *format,
                                                           va_list args) {
    take_away();
    fprintf(stderr, "rubellite: %s", kind);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
}

void admin_error(const char *format, ...) {
    va_list args;
    va_start(args, format);
    complain("", format, args);
    va_end(args);
}

void admin_warn(const char *format, ...) {
    va_list args;
    va_start(args, format);
    complain("warning: ", format, args);
    va_end(args);
}

/* --- progress -------------------------------------------------------------------------------- */

void admin_progress_begin(const char *what, admin_unit unit, bool quiet) {
    const char *term = getenv("TERM");
    bool able = isatty(STDERR_FILENO) && (!term || strcmp(term, "dumb") != 0);
    int64_t now_ms = rl_clock_mono_ms();
    take_away();
    progress.what = what;
    progress.unit = unit;
    progress.shown = able && !quiet;
    progress.begin_ms = now_ms;
    progress.last_ms = now_ms - DRAW_EVERY_MS;
}

static const char *amount(char *out, uint64_t value) {
    return progress.unit == ADMIN_BYTES ? admin_bytes_text(out, value)
                                        : admin_count_text(out, value);
}

static void add_rate(rl_buffer *line, uint64_t done, uint64_t total, int64_t spent_ms) {
    char text[32];
    if (spent_ms < RATE_AFTER_MS || done == 0)
        return;
    double per_ms = (double)done / (double)spent_ms;
    rl_buffer_printf(line, ", %s/s", amount(text, (uint64_t)(per_ms * 1000)));
    if (total > done)
        rl_buffer_printf(line, ", %s to go",
                         admin_age_text(text, (int64_t)((double)(total - done) / per_ms)));
}

static void add_amounts(rl_buffer *line, uint64_t done, uint64_t total, int64_t spent_ms) {
    char text[32];
    rl_buffer_printf(line, "%s: %s", progress.what, amount(text, done));
    if (total) {
        uint64_t most = done > total ? done : total;
        rl_buffer_printf(line, " of %s (%d%%)", amount(text, most),
                         (int)((double)done / (double)most * 100));
    }
    add_rate(line, done, total, spent_ms);
}

static void draw(uint64_t done, uint64_t total, int64_t now_ms) {
    char text[32];
    rl_buffer line = {0};
    int64_t spent_ms = now_ms - progress.begin_ms;
    if (progress.unit == ADMIN_TIME)
        rl_buffer_printf(&line, "%s: %s", progress.what, admin_age_text(text, spent_ms));
    else
        add_amounts(&line, done, total, spent_ms);
    struct winsize window;
    size_t columns = 80;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 1)
        columns = window.ws_col;
    size_t len = line.len < columns - 1 ? line.len : columns - 1; /* a line that wraps stays */
    fprintf(stderr, "\r%.*s\033[K", (int)len, line.ptr);
    fflush(stderr);
    rl_buffer_release(&line);
    progress.drawn = true;
}

void admin_progress(uint64_t done, uint64_t total) {
    if (!progress.what || !progress.shown)
        return;
    int64_t now_ms = rl_clock_mono_ms();
    if (now_ms - progress.last_ms < DRAW_EVERY_MS)
        return;
    progress.last_ms = now_ms;
    draw(done, total, now_ms);
}

void admin_progress_end(void) {
    take_away();
    progress.what = NULL;
}

/* --- for people ------------------------------------------------------------------------------ */

const char *admin_bytes_text(char *out, uint64_t bytes) {
    static const char *const units[] = {"KB", "MB", "GB", "TB", "PB"};
    if (bytes < 1024) {
        snprintf(out, 32, "%" PRIu64 " bytes", bytes);
        return out;
    }
    double value = (double)bytes / 1024;
    size_t i = 0;
    for (; value >= 1024 && i + 1 < sizeof units / sizeof *units; i++)
        value /= 1024;
    snprintf(out, 32, "%.*f %s", value < 10 ? 1 : 0, value, units[i]);
    return out;
}

const char *admin_count_text(char *out, uint64_t count) {
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, count);
    size_t at = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

const char *admin_time_text(char *out, int64_t wall_ms) {
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc;
    if (!gmtime_r(&seconds, &utc) || strftime(out, 32, "%Y-%m-%d %H:%M:%SZ", &utc) == 0)
        snprintf(out, 32, "%" PRId64 " ms", wall_ms);
    return out;
}

const char *admin_age_text(char *out, int64_t age_ms) {
    static const struct {
        int64_t from_s, each_s;
        const char *one, *many;
    } steps[] = {{2 * 86400, 86400, "day", "days"},
                 {2 * 3600, 3600, "hour", "hours"},
                 {120, 60, "minute", "minutes"},
                 {0, 1, "second", "seconds"}};
    int64_t age_s = age_ms > 0 ? age_ms / 1000 : 0;
    size_t i = 0;
    while (age_s < steps[i].from_s)
        i++;
    int64_t count = age_s / steps[i].each_s;
    snprintf(out, 32, "%" PRId64 " %s", count,
             admin_plural((uint64_t)count, steps[i].one, steps[i].many));
    return out;
}

const char *admin_plural(uint64_t count, const char *one, const char *many) {
    return count == 1 ? one : many;
}

const char *admin_type_name(int type) {
    static const char *const names[] = {
        [RL_TYPE_STRING] = "string", [RL_TYPE_LIST] = "list", [RL_TYPE_SET] = "set",
        [RL_TYPE_ZSET] = "zset",     [RL_TYPE_HASH] = "hash", [RL_TYPE_STREAM] = "stream",
    };
    return type > 0 && (size_t)type < sizeof names / sizeof *names ? names[type] : NULL;
}

/* --- JSON ------------------------------------------------------------------------------------ */

/* The length of the valid UTF-8 sequence at the start, 0 when there is none. */
static size_t sequence(const char *at, size_t left) {
    for (size_t len = 2; len <= 4 && len <= left; len++)
        if (rl_text_is_utf8(rl_bytes_of(at, len)))
            return len;
    return 0;
}

/* JSON is UTF-8: a byte that is not becomes U+FFFD. */
static void add_string(rl_buffer *b, const char *value) {
    size_t left = strlen(value);
    rl_buffer_add_char(b, '"');
    while (left) {
        unsigned char c = (unsigned char)*value;
        size_t len = 1;
        if (c == '"' || c == '\\') {
            rl_buffer_add_char(b, '\\');
            rl_buffer_add_char(b, *value);
        } else if (c < 0x20 || c == 0x7f) {
            rl_buffer_printf(b, "\\u%04x", c);
        } else if (c < 0x80) {
            rl_buffer_add_char(b, *value);
        } else if ((len = sequence(value, left)) > 0) {
            rl_buffer_add(b, value, len);
        } else {
            rl_buffer_add_text(b, "\\ufffd");
            len = 1;
        }
        value += len;
        left -= len;
    }
    rl_buffer_add_char(b, '"');
}

static void begin(admin_json *j, const char *name) {
    if (j->comma)
        rl_buffer_add_char(&j->text, ',');
    j->comma = true;
    if (name) {
        add_string(&j->text, name);
        rl_buffer_add_char(&j->text, ':');
    }
}

void admin_json_open(admin_json *j, const char *name, char bracket) {
    begin(j, name);
    rl_buffer_add_char(&j->text, bracket);
    j->comma = false;
}

void admin_json_close(admin_json *j, char bracket) {
    rl_buffer_add_char(&j->text, bracket);
    j->comma = true;
}

void admin_json_text(admin_json *j, const char *name, const char *value) {
    begin(j, name);
    if (value)
        add_string(&j->text, value);
    else
        rl_buffer_add_text(&j->text, "null");
}

void admin_json_uint(admin_json *j, const char *name, uint64_t value) {
    begin(j, name);
    rl_buffer_printf(&j->text, "%" PRIu64, value);
}

void admin_json_int(admin_json *j, const char *name, int64_t value) {
    begin(j, name);
    rl_buffer_printf(&j->text, "%" PRId64, value);
}

void admin_json_bool(admin_json *j, const char *name, bool value) {
    begin(j, name);
    rl_buffer_add_text(&j->text, value ? "true" : "false");
}

void admin_json_null(admin_json *j, const char *name) {
    begin(j, name);
    rl_buffer_add_text(&j->text, "null");
}

void admin_json_print(admin_json *j) {
    rl_buffer_add_char(&j->text, '\n');
    fwrite(j->text.ptr, 1, j->text.len, stdout);
    rl_buffer_release(&j->text);
}
