/* SPDX-License-Identifier: MIT */
/* Text questions that have no better home: UTF-8, glob patterns, argument splitting. Any thread. */
#ifndef RL_BASE_TEXT_H
#define RL_BASE_TEXT_H

#include "base/buffer.h"
#include "base/bytes.h"

/* True for well-formed UTF-8 without a zero byte (no overlong forms, no surrogates, nothing beyond
 * U+10FFFF). Such bytes are stored as TEXT, all others as BLOB. Fast on ASCII (eight bytes a step).
 */
bool rl_text_is_utf8(rl_bytes bytes);

/* Redis's glob: * ? [abc] [^a] [a-z] \x. Linear in pattern times text at worst, no recursion
 * without bound (a hostile pattern must not hang the loop). */
bool rl_text_glob(rl_bytes pattern, rl_bytes text, bool ignore_case);

/* Splits a line into arguments as redis-cli, inline commands and redis.conf do: blanks separate,
 * "…" knows \n \r \t \b \a \xHH \" \\, '…' knows \'. On success appends the arguments' bytes to
 * `storage` and fills *args (rl_malloc'd array that the caller frees, pointing into storage) and
 * *count; the result is valid until storage changes. Returns false for unbalanced quotes or a quote
 * followed by a non-blank. An empty line gives count 0 and *args NULL. */
bool rl_text_split(rl_bytes line, rl_buffer *storage, rl_bytes **args, size_t *count);

#endif
