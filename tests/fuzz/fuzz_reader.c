/* SPDX-License-Identifier: MIT */
/*
 * The request reader: an input cut into any pieces, read ahead in windows of any size, gives the
 * same requests or the same error as the whole at once. The first bytes of the data say how to cut.
 */
#include <stddef.h>
#include <stdint.h>

#include "lib/reader_pieces.h"

#define CONTROL_BYTES   4
#define BYTEWISE_MAX    32
#define BYTEWISE_ALWAYS 240 /* in the last control byte */

static void same(const rl_buffer *a, const rl_buffer *b) {
    if (!rl_bytes_equal(rl_buffer_bytes(a), rl_buffer_bytes(b)))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < CONTROL_BYTES)
        return 0;
    const char *input = (const char *)data + CONTROL_BYTES;
    size_t len = size - CONTROL_BYTES;
    rl_reader_limits limits = {data[0] & 1 ? 512 * 1024 * 1024 : 40, data[0] & 2};
    pieces whole, bytes, parts;
    pieces_init(&whole, limits, PIECES_WINDOW_MAX, 0);
    pieces_feed(&whole, input, len);

    pieces_init(&parts, limits, 1 + data[1] % PIECES_WINDOW_MAX, data[1] / PIECES_WINDOW_MAX);
    size_t step = 1 + data[2], grow = data[3] % 7;
    for (size_t at = 0; at < len; step += grow) {
        size_t part = step < len - at ? step : len - at;
        pieces_feed(&parts, input + at, part);
        at += part;
    }
    same(&whole.text, &parts.text);

    pieces_init(&bytes, limits, 1, 0);
    /* Every piece is copied with all that is held, so long inputs mostly do without. */
    if (len <= BYTEWISE_MAX || data[3] >= BYTEWISE_ALWAYS) {
        for (size_t at = 0; at < len; at++)
            pieces_feed(&bytes, input + at, 1);
        same(&whole.text, &bytes.text);
    }
    pieces_release(&whole);
    pieces_release(&bytes);
    pieces_release(&parts);
    return 0;
}
