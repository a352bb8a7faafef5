/* SPDX-License-Identifier: MIT */
/* Collected items of a reply. See bulks.h. */
#include "commands/bulks.h"

#include "base/number.h"

void rl_bulks_add(rl_bulks *b, rl_bytes item) {
    char *start = rl_buffer_reserve(&b->encoded, 1 + RL_INT64_TEXT_MAX + 2 + item.len + 2);
    char *to = start;
    *to++ = '$';
    to += rl_uint64_format(to, item.len);
    *to++ = '\r';
    *to++ = '\n';
    if (item.len)
        memcpy(to, item.ptr, item.len);
    to += item.len;
    *to++ = '\r';
    *to++ = '\n';
    b->encoded.len += (size_t)(to - start);
    b->count++;
}

void rl_bulks_reply(rl_ctx *c, rl_bulks *b) {
    rl_reply_raw(c->reply, rl_buffer_bytes(&b->encoded));
    rl_buffer_release(&b->encoded);
    b->count = 0;
}
