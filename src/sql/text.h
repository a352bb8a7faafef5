/* SPDX-License-Identifier: MIT */
/* What the engine has to know of SQL text without SQLite: where a statement begins, and where in
 * the text an error is. Any thread. */
#ifndef RL_SQL_TEXT_H
#define RL_SQL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/bytes.h"

/* Behind blanks, comments and semicolons; at the terminating zero when there is nothing else. */
const char *sql_text_skip(const char *text);
/* True when the statement that begins there has this first word, in any case. */
bool sql_text_begins(const char *statement, const char *word);
/* How many characters (not bytes) stand before this byte; text is UTF-8. */
size_t sql_text_characters(const char *text, size_t bytes);
/* The longest prefix of at most max bytes that cuts no character in two. */
size_t sql_text_cut(const char *text, size_t len, size_t max);

#endif
