/* SPDX-License-Identifier: MIT */
/*
 * The settings in force: their life, CONFIG GET and CONFIG SET.
 *
 * A change goes through four steps: find the rows, parse all words, exchange all texts (which
 * writes the fields), tell the observer. Nothing is in force before all words are parsed, and the
 * old texts are kept until the observer has agreed, so any step can still put everything back.
 */
#include "server/config.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/number.h"
#include "base/text.h"
#include "server/config_table.h"

/* --- fields --- */

static void bind_free(char **bind) {
    for (char **p = bind; p && *p; p++)
        rl_free(*p);
    rl_free(bind);
}

static char **bind_split(const char *text) {
    size_t count = 0;
    char **list = rl_calloc(strlen(text) / 2 + 2, sizeof(*list));
    for (const char *p = text; *p;) {
        size_t len = strcspn(p, " ");
        if (len)
            list[count++] = rl_strndup(p, len);
        p += len + (p[len] == ' ');
    }
    return list;
}

/* An ENUM's number, or the number the canonical text is. */
static int64_t number_of(const rl_config_row *row, const char *text) {
    if (row->kind == RL_CONFIG_ENUM) {
        const rl_config_choice *c = row->choices;
        while (strcmp(c->name, text) != 0)
            c++;
        return c->value;
    }
    return strtoll(text, NULL, row->kind == RL_CONFIG_OCTAL ? 8 : 10);
}

static int to_int(int64_t number) {
    return number > INT_MAX ? INT_MAX : (int)number;
}

static void field_write(rl_settings *settings, const rl_config_row *row, char *text) {
    void *field = (char *)settings + row->field;
    switch (row->field_type) {
    case RL_FIELD_NONE:
        break;
    case RL_FIELD_BOOL:
        *(bool *)field = *text == 'y';
        break;
    case RL_FIELD_INT:
        *(int *)field = to_int(number_of(row, text));
        break;
    case RL_FIELD_UINT:
        *(unsigned *)field = (unsigned)number_of(row, text);
        break;
    case RL_FIELD_INT64:
        *(int64_t *)field = number_of(row, text);
        break;
    case RL_FIELD_UINT64:
        *(uint64_t *)field = strtoull(text, NULL, 10);
        break;
    case RL_FIELD_TEXT:
        *(char **)field = text;
        break;
    case RL_FIELD_BIND:
        bind_free(*(char ***)field);
        *(char ***)field = bind_split(text);
        break;
    case RL_FIELD_LIMITS:
        rl_config_limits_read(text, field);
        break;
    }
}

char *rl_config_exchange(rl_config *c, size_t row, char *text) {
    char *old = c->values[row].text;
    c->values[row].text = text;
    field_write(&c->settings, rl_config_row_at(row), text);
    return old;
}

/* --- life --- */

rl_config *rl_config_create(void) {
    rl_config *c = rl_calloc(1, sizeof(*c));
    size_t count = rl_config_row_count();
    c->values = rl_calloc(count, sizeof(*c->values));
    c->path = rl_strdup("");
    for (size_t i = 0; i < count; i++)
        rl_config_exchange(c, i, rl_strdup(rl_config_row_at(i)->initial));
    return c;
}

void rl_config_free(rl_config *c) {
    if (!c)
        return;
    for (size_t i = 0, n = rl_config_row_count(); i < n; i++) {
        rl_free(c->values[i].text);
        rl_free(c->values[i].origin);
    }
    for (size_t i = 0; i < c->rename_count; i++) {
        rl_free(c->renames[i].from);
        rl_free(c->renames[i].to);
    }
    bind_free(c->settings.bind);
    rl_free(c->values);
    rl_free(c->renames);
    rl_free(c->path);
    rl_free(c);
}

const rl_settings *rl_config_settings(const rl_config *c) {
    return &c->settings;
}

const char *rl_config_path(const rl_config *c) {
    return c->path;
}

size_t rl_config_renames(const rl_config *c) {
    return c->rename_count;
}

void rl_config_rename_at(const rl_config *c, size_t i, const char **from, const char **to) {
    *from = c->renames[i].from;
    *to = c->renames[i].to;
}

void rl_config_observe(rl_config *c, rl_config_apply apply, void *arg) {
    c->apply = apply;
    c->apply_arg = arg;
}

/* --- the whole --- */

bool rl_config_check_whole(const rl_config *c, const char **name, rl_buffer *error) {
    const rl_settings *s = &c->settings;
    if (s->maxmemory && strcmp(s->maxmemory_policy, "noeviction") != 0) {
        *name = "maxmemory-policy";
        rl_buffer_printf(error,
                         "with a maxmemory this version can only do noeviction, not %s; set "
                         "maxmemory 0 or maxmemory-policy noeviction",
                         s->maxmemory_policy);
        return false;
    }
    return true;
}

/* Puts an absolute path in the place of `dir`, so that a changed working directory (daemonize) does
 * not move the data. A directory that is not there is the store's to complain about. */
static bool finish_dir(rl_config *c, rl_buffer *error) {
    size_t row;
    const char *name;
    rl_config_find(RL_BYTES("dir"), &row, &name);
    const char *dir = c->settings.dir;
    char *full = realpath(*dir ? dir : ".", NULL);
    char *mine = NULL;
    if (full) {
        mine = rl_strdup(full);
        free(full);
    } else if (errno == ENOENT && *dir != '/') {
        char *cwd = getcwd(NULL, 0);
        if (cwd) {
            rl_buffer path = {0};
            rl_buffer_printf(&path, "%s/%s", cwd, dir);
            mine = rl_strdup(rl_buffer_cstr(&path));
            rl_buffer_release(&path);
            free(cwd);
        }
    } else if (errno == ENOENT) {
        return true;
    }
    if (!mine) {
        rl_buffer_printf(error, "%s: 'dir': cannot use '%s': %s",
                         c->values[row].origin ? c->values[row].origin : "default", dir,
                         strerror(errno));
        return false;
    }
    rl_free(rl_config_exchange(c, row, mine));
    return true;
}

/* Names go into lines of a length that is still read; how many there are depends on the file. */
static void log_names(rl_config *c) {
    enum { LINE = 600 };
    rl_buffer line = {0};
    for (size_t i = 0, n = rl_config_row_count(); i <= n; i++) {
        bool last = i == n;
        const rl_config_row *row = last ? NULL : rl_config_row_at(i);
        if (!last && (!(row->flags & RL_CONFIG_IGNORED) || !c->values[i].origin))
            continue;
        if (line.len && (last || line.len + strlen(row->name) > LINE)) {
            rl_log(RL_LOG_NOTICE, "Config: accepted and ignored, having no meaning here: %s",
                   rl_buffer_cstr(&line));
            rl_buffer_clear(&line);
        }
        if (!last) {
            rl_buffer_printf(&line, "%s%s", line.len ? ", " : "", row->name);
            c->values[i].noted = true;
        }
    }
    rl_buffer_release(&line);
}

static void log_save(rl_config *c) {
    size_t row;
    const char *name;
    rl_config_find(RL_BYTES("save"), &row, &name);
    if (!c->values[row].origin || !*c->settings.save)
        return;
    c->values[row].noted = true;
    rl_log(RL_LOG_NOTICE,
           "Config: save \"%s\" is ignored: the journal and the fold keep the data, there are "
           "no snapshots",
           c->settings.save);
}

bool rl_config_finish(rl_config *c, rl_buffer *error) {
    const char *name;
    rl_buffer why = {0};
    if (!rl_config_check_whole(c, &name, &why)) {
        size_t row;
        const char *found;
        rl_config_find(rl_bytes_text(name), &row, &found);
        const char *origin = c->values[row].origin;
        rl_buffer_printf(error, "%s: '%s': %s", origin ? origin : "default", name,
                         rl_buffer_cstr(&why));
        rl_buffer_release(&why);
        return false;
    }
    if ((c->settings.port == 0 || !*c->settings.bind) && !*c->settings.unixsocket) {
        rl_buffer_printf(error,
                         "%s and unixsocket is empty, so there is nothing to listen on; set one "
                         "of them",
                         c->settings.port == 0 ? "port is 0" : "bind is empty");
        return false;
    }
    return finish_dir(c, error);
}

void rl_config_log_ignored(rl_config *c) {
    log_names(c);
    log_save(c);
}

/* --- CONFIG GET --- */

typedef struct get_job {
    const rl_config *c;
    void (*each)(void *arg, const char *name, rl_bytes value);
    void *arg;
    unsigned char *seen; /* per row: 1 its name, 2 its alias */
} get_job;

/* Answers row `i` under its name or alias, spelled as `shown`, unless it was. */
static void get_one(get_job *job, size_t i, bool alias, const char *shown) {
    unsigned char bit = alias ? 2 : 1;
    if (job->seen[i] & bit)
        return;
    job->seen[i] |= bit;
    job->each(job->arg, shown, rl_bytes_text(job->c->values[i].text));
}

static void get_named(get_job *job, rl_bytes name) {
    size_t i;
    const char *found;
    if (!rl_config_find(name, &i, &found))
        return;
    char *shown = rl_strndup(name.ptr, name.len);
    get_one(job, i, found != rl_config_row_at(i)->name, shown);
    rl_free(shown);
}

static void get_matching(get_job *job, rl_bytes pattern) {
    for (size_t i = 0, n = rl_config_row_count(); i < n; i++) {
        const rl_config_row *row = rl_config_row_at(i);
        if (row->flags & RL_CONFIG_HIDDEN)
            continue;
        if (rl_text_glob(pattern, rl_bytes_text(row->name), true))
            get_one(job, i, false, row->name);
        if (row->alias && rl_text_glob(pattern, rl_bytes_text(row->alias), true))
            get_one(job, i, true, row->alias);
    }
}

static bool is_pattern(rl_bytes text) {
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '*' || text.ptr[i] == '?' || text.ptr[i] == '[')
            return true;
    return false;
}

void rl_config_get(const rl_config *c, const rl_bytes *patterns, int count,
                   void (*each)(void *arg, const char *name, rl_bytes value), void *arg) {
    get_job job = {c, each, arg, rl_calloc(rl_config_row_count(), 1)};
    for (int i = 0; i < count; i++) {
        if (is_pattern(patterns[i]))
            get_matching(&job, patterns[i]);
        else
            get_named(&job, patterns[i]);
    }
    rl_free(job.seen);
}

/* --- CONFIG SET --- */

typedef struct set_item {
    size_t row;
    const char *name; /* as the table spells what was asked for: the row's name or its alias */
    char *text;       /* the new text; once exchanged, the old one */
    bool changed;
} set_item;

static bool set_failed(const char *name, size_t len, const char *why, rl_buffer *error) {
    rl_buffer_printf(error, "CONFIG SET failed (possibly related to argument '%.*s') - %s",
                     (int)len, name, why);
    return false;
}

/* Redis's order: each pair is looked up, then refused if immutable, then if named twice. */
static bool set_find(set_item *items, const rl_bytes *pairs, int count, rl_buffer *error) {
    for (int i = 0; i < count; i++) {
        rl_bytes name = pairs[(size_t)i * 2];
        set_item *item = &items[i];
        if (!rl_config_find(name, &item->row, &item->name)) {
            rl_buffer_add_text(error, "Unknown option or number of arguments for CONFIG SET - '");
            rl_buffer_add_bytes(error, name);
            rl_buffer_add_char(error, '\'');
            return false;
        }
        unsigned flags = rl_config_row_at(item->row)->flags;
        if (flags & (RL_CONFIG_IMMUTABLE | RL_CONFIG_PROTECTED))
            return set_failed(name.ptr, name.len,
                              flags & RL_CONFIG_PROTECTED ? "can't set protected config"
                                                          : "can't set immutable config",
                              error);
        for (int j = 0; j < i; j++)
            if (items[j].name == item->name)
                return set_failed(name.ptr, name.len, "duplicate parameter", error);
    }
    return true;
}

static bool set_parse(rl_config *c, set_item *item, rl_bytes given, rl_buffer *error) {
    const rl_config_row *row = rl_config_row_at(item->row);
    rl_buffer value = {0}, why = {0};
    rl_config_words words = {.at = &given, .count = 1, .current = c->values[item->row].text};
    rl_bytes *split = rl_config_split_list(row, &words);
    bool ok = rl_config_parse_row(row, &words, &value, &why);
    if (ok)
        item->text = rl_strdup(rl_buffer_cstr(&value));
    else
        set_failed(item->name, strlen(item->name), rl_buffer_cstr(&why), error);
    rl_free(split);
    rl_buffer_release(&value);
    rl_buffer_release(&why);
    return ok;
}

static void set_exchange(rl_config *c, set_item *item) {
    item->text = rl_config_exchange(c, item->row, item->text);
}

/* Tells the observer of each change. When it refuses one, puts all old values back and tells it
 * again, of that one too: it may have gone half the way. */
static bool set_apply(rl_config *c, set_item *items, int count, rl_buffer *error) {
    rl_buffer why = {0};
    int i = 0;
    while (i < count && (!items[i].changed || !c->apply ||
                         c->apply(c->apply_arg, rl_config_row_at(items[i].row)->name, &why)))
        i++;
    bool ok = i == count;
    if (!ok) {
        set_failed(items[i].name, strlen(items[i].name),
                   why.len ? rl_buffer_cstr(&why) : "the server refused it", error);
        for (int j = count; j-- > 0;)
            set_exchange(c, &items[j]);
        for (int j = 0; j <= i; j++) {
            rl_buffer_clear(&why);
            if (items[j].changed)
                c->apply(c->apply_arg, rl_config_row_at(items[j].row)->name, &why);
        }
    }
    rl_buffer_release(&why);
    return ok;
}

static bool set_enforce(rl_config *c, set_item *items, int count, rl_buffer *error) {
    for (int i = 0; i < count; i++) {
        items[i].changed = strcmp(items[i].text, c->values[items[i].row].text) != 0;
        set_exchange(c, &items[i]);
    }
    const char *name;
    rl_buffer why = {0};
    bool ok = rl_config_check_whole(c, &name, &why);
    if (!ok) {
        set_failed(name, strlen(name), rl_buffer_cstr(&why), error);
        for (int i = count; i-- > 0;)
            set_exchange(c, &items[i]);
    }
    rl_buffer_release(&why);
    return ok && set_apply(c, items, count, error);
}

/* Who sets something that does nothing here should not have to find that out. */
static void set_note(rl_config *c, const set_item *item) {
    const rl_config_row *row = rl_config_row_at(item->row);
    rl_config_value *value = &c->values[item->row];
    bool is_save = row->field == offsetof(rl_settings, save) && row->field_type == RL_FIELD_TEXT;
    if (value->noted || !(is_save || row->flags & RL_CONFIG_IGNORED))
        return;
    value->noted = true;
    rl_log(RL_LOG_NOTICE, "CONFIG SET %s: accepted, and without effect here. %s", row->name,
           row->text);
}

bool rl_config_set(rl_config *c, const rl_bytes *pairs, int count, rl_buffer *error) {
    set_item *items = rl_calloc((size_t)count + 1, sizeof(*items));
    bool ok = set_find(items, pairs, count, error);
    for (int i = 0; ok && i < count; i++)
        ok = set_parse(c, &items[i], pairs[(size_t)i * 2 + 1], error);
    ok = ok && set_enforce(c, items, count, error);
    for (int i = 0; ok && i < count; i++)
        set_note(c, &items[i]);
    for (int i = 0; i < count; i++)
        rl_free(items[i].text);
    rl_free(items);
    return ok;
}
