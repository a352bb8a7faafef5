/* SPDX-License-Identifier: MIT */
/*
 * Reading config files and the command line: lines to words, words to values. Both go through
 * load_words, so a directive means the same wherever it is written.
 *
 * Errors read "file:line: 'directive': what was expected". A value is shown unless its directive is
 * sensitive.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "server/config_table.h"

enum { INCLUDE_DEPTH_MAX = 16, FILE_BYTES_MAX = 16 * 1024 * 1024, SHOWN_MAX = 64 };

/* Where words come from. */
typedef struct source {
    const char *name;  /* file, or "command line" */
    size_t line;       /* 0: there are no lines */
    const char *place; /* a file whose directory relative includes start from, "" for the working
                          directory, NULL: no includes */
    int depth;
} source;

static void add_origin(const source *from, rl_buffer *out) {
    rl_buffer_add_text(out, from->name);
    if (from->line)
        rl_buffer_printf(out, ":%zu", from->line);
}

/* "where: 'directive': " */
static void add_where(const source *from, rl_bytes directive, rl_buffer *error) {
    add_origin(from, error);
    rl_buffer_add_text(error, ": '");
    size_t len = directive.len < SHOWN_MAX ? directive.len : SHOWN_MAX;
    for (size_t i = 0; i < len; i++) {
        char ch = directive.ptr[i];
        rl_buffer_add_char(error, (unsigned char)ch < ' ' || ch == 127 ? '?' : ch);
    }
    rl_buffer_add_text(error, len < directive.len ? "…': " : "': ");
}

/* --- directives of files only --- */

static const rl_config_line_directive line_directives[] = {
    {"include", NULL},
    {"rename-command", NULL},
    {"list-max-ziplist-entries", NULL}, /* Redis accepts and forgets these two as well */
    {"list-max-ziplist-value", NULL},
    {"loadmodule", "modules are not supported; remove the line"},
    {"user", "there are no users beside the default one yet; use requirepass for its password"},
    {"sentinel", "this server has no sentinel mode"},
};

const rl_config_line_directive *rl_config_line_find(rl_bytes name) {
    for (size_t i = 0; i < sizeof(line_directives) / sizeof(line_directives[0]); i++)
        if (rl_bytes_is(name, line_directives[i].name))
            return &line_directives[i];
    return NULL;
}

/* --- the closest name --- */

enum { NAME_MAX_BYTES = 48 };

/* Levenshtein's distance, by rows. Both are shorter than NAME_MAX_BYTES. */
static unsigned distance(rl_bytes a, rl_bytes b) {
    unsigned row[NAME_MAX_BYTES];
    for (size_t j = 0; j <= b.len; j++)
        row[j] = (unsigned)j;
    for (size_t i = 1; i <= a.len; i++) {
        unsigned diagonal = row[0];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b.len; j++) {
            bool same = (a.ptr[i - 1] | 0x20) == (b.ptr[j - 1] | 0x20);
            unsigned replace = diagonal + !same, drop = row[j] + 1, add = row[j - 1] + 1;
            diagonal = row[j];
            row[j] = replace < drop ? replace : drop;
            row[j] = row[j] < add ? row[j] : add;
        }
    }
    return row[b.len];
}

static void closer(rl_bytes name, const char *candidate, const char **best, unsigned *best_at) {
    if (!candidate || strlen(candidate) >= NAME_MAX_BYTES)
        return;
    unsigned at = distance(name, rl_bytes_text(candidate));
    if (at < *best_at) {
        *best_at = at;
        *best = candidate;
    }
}

const char *rl_config_closest(rl_bytes name) {
    if (name.len < 2 || name.len >= NAME_MAX_BYTES)
        return NULL;
    const char *best = NULL;
    unsigned best_at = (unsigned)name.len / 3 + 2; /* farther is no likeness */
    for (size_t i = 0, n = rl_config_row_count(); i < n; i++) {
        closer(name, rl_config_row_at(i)->name, &best, &best_at);
        closer(name, rl_config_row_at(i)->alias, &best, &best_at);
    }
    for (size_t i = 0; i < sizeof(line_directives) / sizeof(line_directives[0]); i++)
        closer(name, line_directives[i].name, &best, &best_at);
    return best;
}

/* --- one directive --- */

static bool load_source(rl_config *c, source *from, rl_bytes text, rl_buffer *error);
static bool load_path(rl_config *c, const char *path, int depth, rl_buffer *error);

static bool unknown(const source *from, rl_bytes name, rl_buffer *error) {
    size_t row, cut = 0;
    const char *found;
    while (cut < name.len && name.ptr[cut] != '=' && name.ptr[cut] != ':')
        cut++;
    if (cut < name.len && rl_config_find(rl_bytes_of(name.ptr, cut), &row, &found)) {
        /* What stands behind may be a password. */
        add_where(from, rl_bytes_text(found), error);
        rl_buffer_printf(error, "a blank separates a directive from its value: %s%s value",
                         from->line ? "" : "--", found);
        return false;
    }
    add_where(from, name, error);
    rl_buffer_add_text(error, "no such directive");
    const char *hint = rl_config_closest(name);
    if (hint)
        rl_buffer_printf(error, "; did you mean '%s'?", hint);
    return false;
}

static void add_shown(const rl_config_row *row, const rl_bytes *words, size_t count,
                      rl_buffer *error) {
    if (count != 1) {
        if (count == 0) {
            rl_buffer_add_text(error, ", but there is no value");
            return;
        }
        rl_buffer_printf(error, ", not %zu values", count);
        if (count > 1 && words[1].len && words[1].ptr[0] == '#')
            rl_buffer_add_text(error, " (a comment needs a line of its own)");
        return;
    }
    if (row->flags & RL_CONFIG_SENSITIVE)
        return;
    rl_buffer_add_text(error, ", not ");
    size_t len = words[0].len < SHOWN_MAX ? words[0].len : SHOWN_MAX;
    rl_buffer_add_quoted(error, rl_bytes_of(words[0].ptr, len));
    if (len < words[0].len)
        rl_buffer_add_text(error, "…");
}

/* True when the kind's expectation says all there is to say about a bad value. */
static bool expectation_suffices(const rl_config_row *row, size_t count) {
    return !row->refusal && (!row->parse || count != 1) && row->kind != RL_CONFIG_LIST;
}

static bool load_value(rl_config *c, const source *from, size_t at, rl_bytes name,
                       const rl_bytes *given, size_t count, rl_buffer *error) {
    const rl_config_row *row = rl_config_row_at(at);
    rl_config_value *value = &c->values[at];
    rl_config_words words = {given, count, value->text, value->origin != NULL};
    rl_bytes *split = NULL;
    if (count == 1 && given[0].len) /* all in one argument, as CONFIG SET takes it, is fine too */
        split = rl_config_split_list(row, &words);
    rl_buffer text = {0}, why = {0};
    bool ok = rl_config_parse_row(row, &words, &text, &why);
    if (ok) {
        rl_buffer origin = {0};
        add_origin(from, &origin);
        rl_free(rl_config_exchange(c, at, rl_strdup(rl_buffer_cstr(&text))));
        rl_free(value->origin);
        value->origin = rl_strdup(rl_buffer_cstr(&origin));
        rl_buffer_release(&origin);
    } else {
        add_where(from, name, error);
        if (!expectation_suffices(row, count)) {
            bool sentence = why.len && why.ptr[why.len - 1] == '.'; /* some of Redis's are */
            rl_buffer_add(error, why.ptr, why.len - sentence);
            rl_buffer_add_text(error, "; ");
        }
        rl_buffer_add_text(error, "expected ");
        if (row->refusal && !row->expects)
            rl_buffer_add_text(error, *row->initial ? row->initial : "\"\"");
        else
            rl_config_expectation(row, error);
        if (!row->refusal)
            add_shown(row, given, count, error);
    }
    rl_free(split);
    rl_buffer_release(&text);
    rl_buffer_release(&why);
    return ok;
}

static bool load_rename(rl_config *c, const source *from, const rl_bytes *words, size_t count,
                        rl_buffer *error) {
    if (count != 3 || words[1].len == 0) {
        add_where(from, words[0], error);
        rl_buffer_add_text(error, "expected a command and its new name (\"\" removes it)");
        return false;
    }
    c->renames = rl_realloc(c->renames, (c->rename_count + 1) * sizeof(*c->renames));
    c->renames[c->rename_count++] = (rl_config_rename){rl_strndup(words[1].ptr, words[1].len),
                                                       rl_strndup(words[2].ptr, words[2].len)};
    return true;
}

/* --- include --- */

/* `pattern` beside the file that names it. */
static char *beside(const char *place, const char *pattern) {
    const char *slash = strrchr(place, '/');
    if (*pattern == '/' || !slash)
        return rl_strdup(pattern);
    rl_buffer path = {0};
    rl_buffer_add(&path, place, (size_t)(slash - place) + 1);
    rl_buffer_add_text(&path, pattern);
    char *out = rl_strdup(rl_buffer_cstr(&path));
    rl_buffer_release(&path);
    return out;
}

static bool load_include(rl_config *c, const source *from, const rl_bytes *words, size_t count,
                         rl_buffer *error) {
    add_where(from, words[0], error); /* taken back when all is well */
    if (count != 2 || words[1].len == 0) {
        rl_buffer_add_text(error, "expected the path of a config file, or a pattern");
        return false;
    }
    if (!from->place) {
        rl_buffer_add_text(error, "not possible here");
        return false;
    }
    if (from->depth >= INCLUDE_DEPTH_MAX) {
        rl_buffer_printf(error, "more than %d files deep; do they include each other?",
                         INCLUDE_DEPTH_MAX);
        return false;
    }
    char *given = rl_strndup(words[1].ptr, words[1].len);
    char *near = beside(from->place, given);
    bool pattern = strpbrk(given, "*?[") != NULL;
    glob_t found = {0};
    int failed = glob(near, 0, NULL, &found);
    if (failed == GLOB_NOMATCH && strcmp(near, given) != 0) {
        globfree(&found);
        memset(&found, 0, sizeof(found));
        failed = glob(given, 0, NULL, &found);
    }
    bool ok = failed == 0 || (failed == GLOB_NOMATCH && pattern);
    if (!ok)
        rl_buffer_printf(error, "cannot open '%s': %s", given,
                         failed == GLOB_NOMATCH ? "no such file" : "cannot read its directory");
    if (ok)
        rl_buffer_clear(error);
    for (size_t i = 0; ok && i < found.gl_pathc; i++)
        ok = load_path(c, found.gl_pathv[i], from->depth + 1, error);
    globfree(&found);
    rl_free(near);
    rl_free(given);
    return ok;
}

/* --- words, lines, files --- */

/* A directive and its values; there is at least the directive. */
static bool load_words(rl_config *c, const source *from, const rl_bytes *words, size_t count,
                       rl_buffer *error) {
    size_t row;
    const char *found;
    if (rl_config_find(words[0], &row, &found))
        return load_value(c, from, row, rl_bytes_text(found), words + 1, count - 1, error);
    const rl_config_line_directive *line = rl_config_line_find(words[0]);
    if (!line)
        return unknown(from, words[0], error);
    if (line->refusal) {
        add_where(from, words[0], error);
        rl_buffer_add_text(error, line->refusal);
        return false;
    }
    if (rl_bytes_is(words[0], "include"))
        return load_include(c, from, words, count, error);
    if (rl_bytes_is(words[0], "rename-command"))
        return load_rename(c, from, words, count, error);
    return true;
}

static bool load_line(rl_config *c, const source *from, rl_bytes line, rl_buffer *error) {
    size_t skip = 0;
    while (skip < line.len && (line.ptr[skip] == ' ' || line.ptr[skip] == '\t'))
        skip++;
    line = rl_bytes_of(line.ptr + skip, line.len - skip);
    if (line.len == 0 || line.ptr[0] == '#')
        return true;
    rl_buffer storage = {0};
    rl_bytes *words = NULL;
    size_t count = 0;
    bool ok = false;
    size_t name = 0;
    while (name < line.len && line.ptr[name] > ' ')
        name++;
    if (memchr(line.ptr, '\0', line.len)) {
        add_where(from, rl_bytes_of(line.ptr, name), error);
        rl_buffer_add_text(error, "the line has a zero byte in it: is this a config file?");
    } else if (!rl_text_split(line, &storage, &words, &count)) {
        add_where(from, rl_bytes_of(line.ptr, name), error);
        rl_buffer_add_text(error, "unbalanced quotes, or a closing quote that no blank follows");
    } else {
        ok = count == 0 || load_words(c, from, words, count, error);
    }
    rl_free(words);
    rl_buffer_release(&storage);
    return ok;
}

static bool load_source(rl_config *c, source *from, rl_bytes text, rl_buffer *error) {
    if (text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0)
        text = rl_bytes_of(text.ptr + 3, text.len - 3); /* an editor's byte order mark */
    for (size_t at = 0; at < text.len;) {
        const char *end = memchr(text.ptr + at, '\n', text.len - at);
        size_t len = end ? (size_t)(end - text.ptr) - at : text.len - at;
        from->line++;
        if (!load_line(c, from, rl_bytes_of(text.ptr + at, len), error))
            return false;
        at += len + 1;
    }
    return true;
}

/* Appends everything the descriptor gives; 0 or an errno. */
static int read_all(int fd, rl_buffer *out) {
    for (;;) {
        char *to = rl_buffer_reserve(out, 16 * 1024);
        ssize_t got = read(fd, to, 16 * 1024);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return errno;
        if (got == 0)
            return 0;
        out->len += (size_t)got;
        if (out->len > FILE_BYTES_MAX)
            return EFBIG;
    }
}

static bool load_path(rl_config *c, const char *path, int depth, rl_buffer *error) {
    rl_buffer text = {0};
    bool from_stdin = strcmp(path, "-") == 0 && depth == 0;
    int fd = from_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    int failed = fd < 0 ? errno : read_all(fd, &text);
    if (fd >= 0 && !from_stdin)
        close(fd);
    bool ok = failed == 0;
    if (ok) {
        source from = {from_stdin ? "stdin" : path, 0, from_stdin ? "" : path, depth};
        ok = load_source(c, &from, rl_buffer_bytes(&text), error);
    } else {
        rl_buffer_printf(error, "cannot read config file '%s': %s", path, strerror(failed));
    }
    rl_buffer_release(&text);
    return ok;
}

bool rl_config_load_file(rl_config *c, const char *path, rl_buffer *error) {
    if (!load_path(c, path, 0, error))
        return false;
    char *full = strcmp(path, "-") == 0 ? NULL : realpath(path, NULL);
    if (full) {
        rl_free(c->path);
        c->path = rl_strdup(full);
        free(full);
    }
    return true;
}

bool rl_config_load_text(rl_config *c, const char *name, rl_bytes text, rl_buffer *error) {
    source from = {name, 0, NULL, 0};
    return load_source(c, &from, text, error);
}

/* --- the command line --- */

static bool is_option(const char *arg) {
    return arg[0] == '-' && arg[1] == '-';
}

/* One "--directive value …"; *at moves behind it. Only its first value may begin with "--". */
static bool load_option(rl_config *c, int argc, char **argv, int *at, rl_buffer *error) {
    source from = {"command line", 0, "", 0};
    rl_bytes option = rl_bytes_text(argv[*at] + 2);
    rl_buffer storage = {0};
    rl_bytes *words = NULL;
    size_t count = 0;
    if (!rl_text_split(option, &storage, &words, &count) || count == 0) {
        add_where(&from, rl_bytes_text(argv[*at]), error);
        rl_buffer_add_text(error, count || option.len
                                      ? "unbalanced quotes"
                                      : "expected the name of a directive behind --");
        rl_buffer_release(&storage);
        return false;
    }
    /* "--port 6380" in one argument is complete, so the next "--" is the next directive. */
    bool complete = count > 1;
    words = rl_realloc(words, (count + (size_t)argc + 1) * sizeof(*words));
    int next = *at + 1;
    if (!complete && rl_bytes_is(words[0], "save") && (next == argc || is_option(argv[next]))) {
        words[count++] = RL_BYTES("");
        complete = true;
    }
    for (; next < argc && (!complete || !is_option(argv[next])); next++) {
        words[count++] = rl_bytes_text(argv[next]);
        complete = true;
    }
    *at = next;
    bool ok = load_words(c, &from, words, count, error);
    rl_free(words);
    rl_buffer_release(&storage);
    return ok;
}

bool rl_config_load_args(rl_config *c, int argc, char **argv, rl_buffer *error) {
    int at = 0;
    if (argc > 0 && !is_option(argv[0])) {
        if (!rl_config_load_file(c, argv[at++], error))
            return false;
    }
    /* Redis reads stdin before it looks at the directives, so that these win. */
    bool piped = argc > at && strcmp(argv[argc - 1], "-") == 0;
    if (piped && !rl_config_load_file(c, "-", error))
        return false;
    int count = piped ? argc - 1 : argc;
    while (at < count) {
        if (!is_option(argv[at])) {
            rl_buffer_printf(error, "command line: '%s': expected --directive value", argv[at]);
            return false;
        }
        if (!load_option(c, count, argv, &at, error))
            return false;
    }
    return true;
}
