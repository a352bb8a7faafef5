/* SPDX-License-Identifier: MIT */
/*
 * What the load programs share: a TCP connection that never blocks, encoding of requests, counting
 * of replies, a random generator and a latency histogram. Everything is static inline so that each
 * program is one source file. RESP2 and only the reply kinds our requests can get: status, error,
 * integer and bulk.
 */
#ifndef BENCH_WIRE_H
#define BENCH_WIRE_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static inline _Noreturn void wire_die(const char *what) {
    fprintf(stderr, "%s: %s\n", what, errno ? strerror(errno) : "failed");
    exit(1);
}

/* Ends the program when there is no memory; the caller owns the result. */
static inline void *wire_realloc(void *old, size_t size) {
    void *p = realloc(old, size);
    if (!p)
        wire_die("out of memory");
    return p;
}

static inline uint64_t wire_now_ns(void) {
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- command line: --name VALUE pairs from a table ---- */

struct wire_option {
    const char *name;
    uint64_t *number;  /* either this */
    const char **text; /* or this is set */
};

/* Reads the pairs into the table's targets; false when one is unknown or not a number. The table
 * ends with a null name. */
static inline bool wire_options_read(const struct wire_option *options, int argc, char **argv) {
    for (int i = 1; i < argc; i += 2) {
        const struct wire_option *o = options;
        while (o->name && (strncmp(argv[i], "--", 2) != 0 || strcmp(argv[i] + 2, o->name) != 0))
            o++;
        if (!o->name || i + 1 == argc)
            return false;
        if (o->text) {
            *o->text = argv[i + 1];
            continue;
        }
        char *end;
        errno = 0;
        *o->number = strtoull(argv[i + 1], &end, 10);
        if (errno || end == argv[i + 1] || *end)
            return false;
    }
    return true;
}

/* ---- random numbers: splitmix64, one state per program ---- */

static inline uint64_t wire_random(uint64_t *state) {
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline uint64_t wire_random_below(uint64_t *state, uint64_t limit) {
    return (uint64_t)(((unsigned __int128)wire_random(state) * limit) >> 64);
}

/* ---- a byte buffer: [start, end) is what is still to be used ---- */

struct wire_buffer {
    char *data;
    size_t start, end, size;
};

static inline void wire_reserve(struct wire_buffer *b, size_t extra) {
    if (b->start == b->end)
        b->start = b->end = 0;
    if (b->size - b->end >= extra)
        return;
    if (b->start) {
        memmove(b->data, b->data + b->start, b->end - b->start);
        b->end -= b->start;
        b->start = 0;
    }
    if (b->size - b->end < extra) {
        b->size = (b->end + extra) * 2;
        b->data = wire_realloc(b->data, b->size);
    }
}

static inline void wire_put(struct wire_buffer *b, const void *bytes, size_t len) {
    wire_reserve(b, len);
    memcpy(b->data + b->end, bytes, len);
    b->end += len;
}

static inline void wire_put_count(struct wire_buffer *b, char kind, size_t n) {
    char digits[32];
    wire_put(b, digits, (size_t)snprintf(digits, sizeof digits, "%c%zu\r\n", kind, n));
}

static inline void wire_put_bulk(struct wire_buffer *b, const void *bytes, size_t len) {
    wire_put_count(b, '$', len);
    wire_put(b, bytes, len);
    wire_put(b, "\r\n", 2);
}

static inline void wire_put_word(struct wire_buffer *b, const char *word) {
    wire_put_bulk(b, word, strlen(word));
}

enum { WIRE_KEY_DIGITS = 12, WIRE_KEY_MAX = 64 };

/* The key as redis-benchmark writes it: the prefix and the number in 12 digits. */
static inline void wire_put_key(struct wire_buffer *b, const char *prefix, uint64_t number) {
    char key[WIRE_KEY_MAX];
    size_t len = strlen(prefix);
    memcpy(key, prefix, len);
    for (size_t i = WIRE_KEY_DIGITS; i-- > 0; number /= 10)
        key[len + i] = (char)('0' + number % 10);
    wire_put_bulk(b, key, len + WIRE_KEY_DIGITS);
}

/* ---- values: slices of one block of random letters, so that no two pages are alike ---- */

enum { WIRE_LETTERS = 1 << 20 };

static inline char *wire_letters_create(uint64_t *random, size_t value_bytes) {
    char *letters = wire_realloc(NULL, WIRE_LETTERS + value_bytes);
    for (size_t i = 0; i < WIRE_LETTERS + value_bytes; i++)
        letters[i] = (char)('A' + wire_random_below(random, 26));
    return letters;
}

static inline void wire_put_value(struct wire_buffer *b, const char *letters, size_t value_bytes,
                                  uint64_t *random) {
    wire_put_bulk(b, letters + wire_random_below(random, WIRE_LETTERS), value_bytes);
}

/* ---- replies ---- */

/*
 * The bytes of the reply at `at`, of which `have` have come; 0 when it is not complete yet. An
 * error reply and anything unexpected end the program: a benchmark of errors means nothing.
 */
static inline size_t wire_reply_bytes(const char *at, size_t have) {
    const char *line_end = have ? memchr(at, '\n', have) : NULL;
    if (!line_end)
        return 0;
    size_t used = (size_t)(line_end - at) + 1;
    long count = at[0] == '$' || at[0] == '*' ? strtol(at + 1, NULL, 10) : 0;
    if (at[0] == '$') {
        used += count < 0 ? 0 : (size_t)count + 2;
        return used > have ? 0 : used;
    }
    if (at[0] != '+' && at[0] != ':' && at[0] != '*') {
        fprintf(stderr, "unexpected reply: %.*s\n", (int)used - 2, at);
        exit(1);
    }
    for (long i = 0; i < count; i++) {
        size_t part = wire_reply_bytes(at + used, have - used);
        if (!part)
            return 0;
        used += part;
    }
    return used;
}

/* Takes one reply off the buffer. Returns its kind ('+', ':', '$', '*', or '_' for a null bulk), or
 * 0 when it is not complete yet. */
static inline char wire_take_reply(struct wire_buffer *b) {
    const char *at = b->data + b->start;
    size_t used = wire_reply_bytes(at, b->end - b->start);
    if (!used)
        return 0;
    char kind = at[0] == '$' && at[1] == '-' ? '_' : at[0];
    b->start += used;
    return kind;
}

/* ---- connections ---- */

/* A connected socket that does not block and sends at once; ends the program when it cannot. */
static inline int wire_connect(const char *host, uint64_t port) {
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || inet_pton(AF_INET, host, &addr.sin_addr) != 1)
        wire_die(host);
    if (connect(fd, (struct sockaddr *)&addr, sizeof addr) < 0)
        wire_die("connect");
    int on = 1;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) < 0 ||
        fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
        wire_die("socket options");
    return fd;
}

/* Sends what the socket takes now. Returns true when everything is sent. */
static inline bool wire_send(int fd, struct wire_buffer *out) {
    while (out->start < out->end) {
        ssize_t n = send(fd, out->data + out->start, out->end - out->start, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return false;
        if (n < 0)
            wire_die("send");
        out->start += (size_t)n;
    }
    return true;
}

enum { WIRE_READ_SIZE = 64 * 1024 };

/* Reads once; nothing to read is fine, a closed connection ends the program. */
static inline void wire_receive(int fd, struct wire_buffer *in) {
    wire_reserve(in, WIRE_READ_SIZE);
    ssize_t n = recv(fd, in->data + in->end, WIRE_READ_SIZE, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n == 0)
        errno = ECONNRESET;
    if (n <= 0)
        wire_die("receive");
    in->end += (size_t)n;
}

/* ---- histogram: 64 linear steps per power of two, so an error of at most 1.6 % ---- */

enum { HIST_STEP_BITS = 6, HIST_STEPS = 1 << HIST_STEP_BITS, HIST_BUCKETS = 40 * HIST_STEPS };

struct wire_hist {
    uint64_t count, max_ns;
    uint32_t bucket[HIST_BUCKETS];
};

static inline void wire_hist_add(struct wire_hist *h, uint64_t ns) {
    size_t shift = 0;
    while ((ns >> shift) >= 2 * HIST_STEPS)
        shift++;
    size_t index = shift * HIST_STEPS + (size_t)(ns >> shift);
    h->bucket[index < HIST_BUCKETS ? index : HIST_BUCKETS - 1]++;
    h->count++;
    if (ns > h->max_ns)
        h->max_ns = ns;
}

/* The latency that `share` (0..1) of all samples stay at or below, in milliseconds. */
static inline double wire_hist_ms(const struct wire_hist *h, double share) {
    uint64_t wanted = (uint64_t)(share * (double)h->count + 0.999999), seen = 0;
    if (wanted == 0)
        wanted = 1;
    for (size_t i = 0; i < HIST_BUCKETS && h->count; i++) {
        seen += h->bucket[i];
        if (seen < wanted)
            continue;
        size_t shift = i < 2 * HIST_STEPS ? 0 : i / HIST_STEPS - 1;
        uint64_t upper = ((uint64_t)(i - shift * HIST_STEPS + 1) << shift) - 1;
        return (double)(upper < h->max_ns ? upper : h->max_ns) / 1e6;
    }
    return 0;
}

#endif
