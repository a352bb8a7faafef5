/* SPDX-License-Identifier: MIT */
/* SQL text; see text.h. Blanks and comments are those of SQLite's tokenizer. */
#include "sql/text.h"

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

/* Behind the comment that begins there; the same place when none does. An open one ends with the
 * text, as in SQLite. */
static const char *skip_comment(const char *at) {
    if (at[0] == '-' && at[1] == '-') {
        while (*at && *at != '\n')
            at++;
    } else if (at[0] == '/' && at[1] == '*') {
        const char *end = strstr(at + 2, "*/");
        at = end ? end + 2 : at + strlen(at);
    }
    return at;
}

const char *sql_text_skip(const char *text) {
    for (;;) {
        const char *start = text;
        while (is_blank(*text) || *text == ';')
            text++;
        if (strncmp(text, "\xef\xbb\xbf", 3) == 0) /* a byte order mark is a blank too */
            text += 3;
        text = skip_comment(text);
        if (text == start)
            return text;
    }
}

bool sql_text_begins(const char *statement, const char *word) {
    size_t len = strlen(word);
    if (strncasecmp(statement, word, len) != 0)
        return false;
    char c = statement[len];
    return !(c == '_' || c == '$' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
             (c >= 'A' && c <= 'Z') || (c & 0x80));
}

static bool is_continuation(char c) {
    return ((unsigned char)c & 0xc0) == 0x80;
}

size_t sql_text_characters(const char *text, size_t bytes) {
    size_t count = 0;
    for (size_t i = 0; i < bytes; i++)
        count += !is_continuation(text[i]);
    return count;
}

size_t sql_text_cut(const char *text, size_t len, size_t max) {
    if (len <= max)
        return len;
    while (max > 0 && is_continuation(text[max]))
        max--;
    return max;
}
