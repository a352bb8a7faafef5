/* SPDX-License-Identifier: MIT */
/* What people read about the directives, made from the table: --help, the example file, the manual.
 */
#include <stdlib.h>

#include "server/config_table.h"

enum { WIDTH = 79, HELP_INDENT = 6 };

static void add_spaces(rl_buffer *out, size_t count) {
    while (count--)
        rl_buffer_add_char(out, ' ');
}

/* Breaks text into lines, each beginning with `prefix`. */
static void add_wrapped(rl_buffer *out, const char *prefix, const char *text) {
    size_t room = WIDTH - strlen(prefix);
    while (*text) {
        size_t len = strlen(text);
        if (len > room) {
            len = room;
            while (len > 0 && text[len] != ' ')
                len--;
            if (len == 0)
                len = strcspn(text, " ");
        }
        rl_buffer_printf(out, "%s%.*s\n", prefix, (int)len, text);
        text += len;
        text += strspn(text, " ");
    }
}

/* Directives that do something come first in the table. */
static size_t working_rows(void) {
    size_t n = 0;
    while (n < rl_config_row_count() && !(rl_config_row_at(n)->flags & RL_CONFIG_IGNORED))
        n++;
    return n;
}

/* The default as it would be written behind the name, on one line. */
static void add_default(const rl_config_row *row, rl_buffer *out) {
    rl_buffer lines = {0};
    rl_config_render(row, row->initial, true, &lines);
    size_t name = strlen(row->name) + 1;
    const char *text = rl_buffer_cstr(&lines);
    bool several = strchr(text, '\n') != text + lines.len - 1;
    if (several)
        rl_buffer_add_text(out, row->initial);
    else
        rl_buffer_add(out, text + name, lines.len - name - 1);
    rl_buffer_release(&lines);
}

static void add_values(const rl_config_row *row, rl_buffer *out) {
    rl_config_expectation(row, out);
    if (row->unit && row->kind != RL_CONFIG_MEMORY)
        rl_buffer_printf(out, " (%s)", row->unit);
}

/* --- help --- */

void rl_config_print_help(rl_buffer *out) {
    rl_buffer line = {0};
    for (size_t i = 0, n = working_rows(); i < n; i++) {
        const rl_config_row *row = rl_config_row_at(i);
        if (row->section)
            rl_buffer_printf(out, "%s%s:\n", i ? "\n" : "", row->section);
        rl_buffer_clear(&line);
        add_default(row, &line);
        rl_buffer_printf(out, "  --%s %s\n", row->name, rl_buffer_cstr(&line));
        rl_buffer_clear(&line);
        add_spaces(&line, HELP_INDENT);
        add_wrapped(out, rl_buffer_cstr(&line), row->text);
    }
    rl_buffer_release(&line);
    rl_buffer_add_text(out, "\n");
    add_wrapped(out, "",
                "Values shown are the defaults. Redis's other directives are accepted too: those "
                "that have no meaning here are named in the log at start, those that would change "
                "what the server promises are refused.");
}

/* --- the example file --- */

static void example_row(const rl_config_row *row, rl_buffer *out) {
    rl_buffer lines = {0};
    add_wrapped(out, "# ", row->text);
    rl_buffer_add_text(&lines, "Takes ");
    add_values(row, &lines);
    rl_buffer_add_char(&lines, '.');
    if (row->flags & (RL_CONFIG_IMMUTABLE | RL_CONFIG_PROTECTED))
        rl_buffer_add_text(&lines, " Fixed while the server runs.");
    add_wrapped(out, "# ", rl_buffer_cstr(&lines));
    rl_buffer_clear(&lines);
    rl_config_render(row, row->initial, true, &lines);
    const char *line = rl_buffer_cstr(&lines);
    while (*line) {
        size_t len = strcspn(line, "\n") + 1;
        rl_buffer_printf(out, "#%.*s", (int)len, line);
        line += len;
    }
    rl_buffer_add_char(out, '\n');
    rl_buffer_release(&lines);
}

/* Ignored directives that share a reason stand together; a refusal is a reason of its own. */
static const char *reason_of(const rl_config_row *row) {
    return row->refusal ? row->refusal : row->text;
}

static bool reason_is_new(size_t first, size_t at) {
    const char *reason = reason_of(rl_config_row_at(at));
    for (size_t i = first; i < at; i++)
        if (strcmp(reason_of(rl_config_row_at(i)), reason) == 0)
            return false;
    return true;
}

static void example_ignored(rl_buffer *out) {
    rl_buffer names = {0};
    size_t first = working_rows(), count = rl_config_row_count();
    for (size_t i = first; i < count; i++) {
        const rl_config_row *row = rl_config_row_at(i);
        if ((row->flags & RL_CONFIG_HIDDEN) || row->refusal || !reason_is_new(first, i))
            continue;
        rl_buffer_clear(&names);
        for (size_t j = i; j < count; j++) {
            const rl_config_row *same = rl_config_row_at(j);
            if (!(same->flags & RL_CONFIG_HIDDEN) && strcmp(reason_of(same), row->text) == 0)
                rl_buffer_printf(&names, "%s%s", names.len ? ", " : "", same->name);
        }
        add_wrapped(out, "# ", row->text);
        add_wrapped(out, "#     ", rl_buffer_cstr(&names));
        rl_buffer_add_text(out, "#\n");
    }
    rl_buffer_release(&names);
}

void rl_config_print_example(rl_buffer *out) {
    rl_buffer_add_text(
        out, "# Rubellite: every directive with its default.\n"
             "#\n"
             "# Generated by make docs. A line is a directive and its values, separated by\n"
             "# blanks; \"...\" and '...' quote. Take the # off a line to change its value.\n"
             "# Amounts of memory take units: 1k is 1000 bytes, 1kb is 1024; m, mb, g, gb.\n"
             "# include FILE reads another file here; it takes patterns such as conf.d/*.conf.\n"
             "# rename-command NAME NEW-NAME renames a command, and removes it when NEW-NAME is\n"
             "# \"\". A redis.conf can be used as it is.\n");
    for (size_t i = 0, n = working_rows(); i < n; i++) {
        const rl_config_row *row = rl_config_row_at(i);
        if (row->section)
            rl_buffer_printf(out, "%s# --- %s ---\n\n", i ? "" : "\n", row->section);
        example_row(row, out);
    }
    rl_buffer_add_text(out, "# --- Accepted and ignored ---\n#\n"
                            "# These directives of Redis are read and answered by CONFIG GET, "
                            "without effect:\n#\n");
    example_ignored(out);
}

/* --- the manual --- */

/* Text in a table's cell. */
static void add_cell(const char *text, rl_buffer *out) {
    for (; *text; text++) {
        if (strchr("|<*_", *text))
            rl_buffer_add_char(out, '\\');
        rl_buffer_add_char(out, *text);
    }
}

static void add_code(const char *text, rl_buffer *out) {
    rl_buffer_add_char(out, '`');
    for (; *text; text++) {
        if (*text == '|')
            rl_buffer_add_char(out, '\\');
        rl_buffer_add_char(out, *text);
    }
    rl_buffer_add_char(out, '`');
}

static void markdown_row(const rl_config_row *row, rl_buffer *out) {
    rl_buffer part = {0};
    rl_buffer_add_text(out, "| ");
    add_code(row->name, out);
    rl_buffer_add_text(out, " | ");
    add_default(row, &part);
    add_code(rl_buffer_cstr(&part), out);
    rl_buffer_clear(&part);
    add_values(row, &part);
    rl_buffer_add_text(out, " | ");
    add_cell(rl_buffer_cstr(&part), out);
    rl_buffer_printf(out, " | %s | ",
                     row->flags & (RL_CONFIG_IMMUTABLE | RL_CONFIG_PROTECTED) ? "no" : "yes");
    add_cell(row->text, out);
    rl_buffer_printf(out, "%s |\n", row->flags & RL_CONFIG_OURS ? " (Not in Redis.)" : "");
    rl_buffer_release(&part);
}

static const char intro[] =
    "# Configuration\n"
    "\n"
    "<!-- Generated by `make docs` from the table of directives. Do not edit. -->\n"
    "\n"
    "```\n"
    "rubellite-server [FILE] [--DIRECTIVE VALUE ...] ...\n"
    "```\n"
    "\n"
    "The file has redis.conf's syntax, and a redis.conf can be used as it is. A line is a\n"
    "directive and its values, separated by blanks; `\"...\"` knows `\\n`, `\\xHH` and the like,\n"
    "`'...'` takes everything as it is. A `#` at the start of a line makes it a comment. Amounts "
    "of\n"
    "memory take units: `1k` is 1000 bytes and `1kb` 1024, and so on with `m`, `mb`, `g`, `gb`.\n"
    "\n"
    "On the command line a directive is written with two dashes and takes the values up to the "
    "next\n"
    "two dashes: `--port 7000 --bind 127.0.0.1 -::1 --save ''`. What stands there wins over the\n"
    "file. `-` as file, or as the last argument, reads standard input. `--check-config`,\n"
    "anywhere among the arguments, reads everything and says whether it is right, without\n"
    "starting.\n"
    "\n"
    "A line that is not right stops the start with file, line, directive and what was expected.\n"
    "\n"
    "While the server runs, `CONFIG GET`, `CONFIG SET` and `CONFIG REWRITE` work as in Redis.\n"
    "`CONFIG REWRITE` keeps comments, order and includes, and replaces the file at once or not at\n"
    "all.\n"
    "\n"
    "Three directives stand in files and on the command line only:\n"
    "\n"
    "| directive | what it does |\n"
    "|---|---|\n"
    "| `include FILE` | Reads another file at this place. Takes patterns such as `conf.d/*.conf`. "
    "A "
    "relative name is looked for beside the file, then in the working directory. |\n"
    "| `rename-command NAME NEW-NAME` | Renames a command; `\"\"` as the new name removes it. |\n"
    "| `list-max-ziplist-entries`, `list-max-ziplist-value` | Accepted and forgotten, as in Redis. "
    "|\n"
    "\n"
    "## Defaults that are not Redis's\n"
    "\n"
    "| directive | here | Redis |\n"
    "|---|---|---|\n"
    "| `appendonly` | `yes` | `no` |\n"
    "| `dbfilename` | `data.db` | `dump.rdb` |\n"
    "\n"
    "`appendfsync` is `everysec` in both, but with Redis's `appendonly no` it has no effect "
    "there:\n"
    "without any configuration, Rubellite keeps what it answered and Redis does not.\n";

static void markdown_refused(rl_buffer *out) {
    rl_buffer_add_text(out, "\n## Refused\n\n"
                            "These would change what the server promises. Only the value shown is "
                            "accepted, so that nothing is promised silently.\n\n"
                            "| directive | accepted | why not another |\n|---|---|---|\n");
    for (size_t i = working_rows(), n = rl_config_row_count(); i < n; i++) {
        const rl_config_row *row = rl_config_row_at(i);
        if (!row->refusal)
            continue;
        rl_buffer_printf(out, "| `%s` | `%s` | ", row->name,
                         row->expects    ? row->expects
                         : *row->initial ? row->initial
                                         : "\"\"");
        add_cell(row->refusal, out);
        rl_buffer_add_text(out, " |\n");
    }
    static const char *const never[] = {"loadmodule", "user", "sentinel"};
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        rl_buffer_printf(out, "| `%s` | | ", never[i]);
        add_cell(rl_config_line_find(rl_bytes_text(never[i]))->refusal, out);
        rl_buffer_add_text(out, " |\n");
    }
    rl_buffer_add_text(out,
                       "\nA `maxmemory` together with a `maxmemory-policy` other than `noeviction` "
                       "is refused as well: nothing is evicted yet.\n");
}

static void markdown_ignored(rl_buffer *out) {
    rl_buffer part = {0};
    rl_buffer_add_text(out, "\n## Accepted and ignored\n\n"
                            "These directives of Redis are checked and answered by `CONFIG GET`, "
                            "without effect. Those that a file or the command line sets are named "
                            "in the log at start.\n\n"
                            "| directive | older name | default | why |\n|---|---|---|---|\n");
    for (size_t i = working_rows(), n = rl_config_row_count(); i < n; i++) {
        const rl_config_row *row = rl_config_row_at(i);
        if (row->refusal || (row->flags & RL_CONFIG_HIDDEN))
            continue;
        rl_buffer_clear(&part);
        add_default(row, &part);
        rl_buffer_printf(out, "| `%s` | ", row->name);
        if (row->alias)
            rl_buffer_printf(out, "`%s`", row->alias);
        rl_buffer_printf(out, " | `%s` | ", rl_buffer_cstr(&part));
        add_cell(row->text, out);
        rl_buffer_add_text(out, " |\n");
    }
    rl_buffer_release(&part);
}

void rl_config_print_markdown(rl_buffer *out) {
    rl_buffer_add_text(out, intro);
    for (size_t i = 0, n = working_rows(); i < n; i++) {
        const rl_config_row *row = rl_config_row_at(i);
        if (row->section)
            rl_buffer_printf(out,
                             "\n## %s\n\n| directive | default | values | CONFIG SET | what it "
                             "does |\n|---|---|---|---|---|\n",
                             row->section);
        markdown_row(row, out);
    }
    markdown_refused(out);
    markdown_ignored(out);
}
