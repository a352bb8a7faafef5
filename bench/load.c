/* SPDX-License-Identifier: MIT */
/*
 * A closed-loop load: every connection sends `pipeline` requests, waits for all their replies and
 * sends the next ones. It fills key spaces in order and runs the mixes that redis-benchmark cannot.
 * Prints one JSON object.
 *
 * Keys are drawn evenly, or with --zipf P so that the k-th most frequent one comes with a
 * probability proportional to k^-(P/100). --protocol memcached speaks that server's meta commands,
 * for those modes that need nothing but values set and got.
 *
 * --mode words sends the commands of --words (several: separated by ;) in turn. In a word {n} is
 * the number of the request below --keys, {r} a random one, both in 12 digits; {i} is a random one
 * as an integer, {+9} the last random one and 9; {v} is a value. With --subscribers connections
 * more, SUBSCRIBEd to "news", read all along.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "memcached.h"
#include "wire.h"
#include "zipf.h"

struct load;

struct mode {
    const char *name;
    const char *prefix; /* of the keys, unless --prefix says otherwise */
    void (*put_request)(struct load *, struct wire_buffer *, uint64_t number);
    bool values_only; /* nothing but values set and got: memcached knows these too */
    const char *summary;
};

enum { TEMPLATES = 4, TEMPLATE_WORDS = 128 };

struct template {
    const char *words[TEMPLATE_WORDS];
    size_t count;
};

struct client {
    int fd;
    bool wants_write;
    bool listens;     /* a subscriber: what comes is thrown away */
    uint64_t waiting; /* replies still to come */
    uint64_t sent_ns;
    struct wire_buffer out, in;
};

struct load {
    const struct mode *mode;
    const char *host, *prefix, *mode_name, *words, *protocol;
    bool memcached;
    int epoll_fd;
    uint64_t port, keys, requests, clients, pipeline, value_bytes, write_percent, ttl_s,
        subscribers, zipf_percent;
    struct zipf zipf;
    uint64_t random, issued, answered, nulls;
    uint64_t last_random;
    struct template templates[TEMPLATES];
    size_t template_count;
    char *letters;
    struct wire_hist hist;
};

static uint64_t random_key(struct load *l) {
    if (l->zipf_percent)
        return zipf_key(zipf_rank(&l->zipf, &l->random), l->keys);
    return wire_random_below(&l->random, l->keys);
}

static void put_set(struct load *l, struct wire_buffer *out, uint64_t key) {
    if (l->memcached) {
        memcached_put_set(out, l->prefix, key, l->value_bytes, l->ttl_s);
        memcached_put_value(out, l->letters, l->value_bytes, &l->random);
        return;
    }
    wire_put_count(out, '*', l->ttl_s ? 4 : 3);
    wire_put_word(out, l->ttl_s ? "SETEX" : "SET");
    wire_put_key(out, l->prefix, key);
    if (l->ttl_s) {
        char digits[32];
        snprintf(digits, sizeof digits, "%llu", (unsigned long long)l->ttl_s);
        wire_put_word(out, digits);
    }
    wire_put_value(out, l->letters, l->value_bytes, &l->random);
}

static void put_fill(struct load *l, struct wire_buffer *out, uint64_t number) {
    put_set(l, out, number % l->keys);
}

static void put_counters(struct load *l, struct wire_buffer *out, uint64_t number) {
    wire_put_count(out, '*', 3);
    wire_put_word(out, "SET");
    wire_put_key(out, l->prefix, number % l->keys);
    wire_put_word(out, "0");
}

static void put_random_set(struct load *l, struct wire_buffer *out, uint64_t number) {
    (void)number;
    put_set(l, out, random_key(l));
}

static void put_get(struct load *l, struct wire_buffer *out, uint64_t number) {
    (void)number;
    if (l->memcached) {
        memcached_put_get(out, l->prefix, random_key(l));
        return;
    }
    wire_put_count(out, '*', 2);
    wire_put_word(out, "GET");
    wire_put_key(out, l->prefix, random_key(l));
}

static void put_incr(struct load *l, struct wire_buffer *out, uint64_t number) {
    (void)number;
    wire_put_count(out, '*', 2);
    wire_put_word(out, "INCR");
    wire_put_key(out, l->prefix, random_key(l));
}

static void put_mset(struct load *l, struct wire_buffer *out, uint64_t number) {
    enum { PAIRS = 10 };
    (void)number;
    wire_put_count(out, '*', 1 + 2 * PAIRS);
    wire_put_word(out, "MSET");
    for (int i = 0; i < PAIRS; i++) {
        wire_put_key(out, l->prefix, random_key(l));
        wire_put_value(out, l->letters, l->value_bytes, &l->random);
    }
}

static void put_mix(struct load *l, struct wire_buffer *out, uint64_t number) {
    if (wire_random_below(&l->random, 100) < l->write_percent)
        put_random_set(l, out, number);
    else
        put_get(l, out, number);
}

/* ---- commands of one's own ---- */

/* Cuts --words into commands and words; false when there are too many. The text is changed. */
static bool words_parse(struct load *l, char *text) {
    for (char *rest, *line = strtok_r(text, ";", &rest); line; line = strtok_r(NULL, ";", &rest)) {
        if (l->template_count == TEMPLATES)
            return false;
        struct template *t = &l->templates[l->template_count++];
        for (char *more, *word = strtok_r(line, " ", &more); word;
             word = strtok_r(NULL, " ", &more)) {
            if (t->count == TEMPLATE_WORDS)
                return false;
            t->words[t->count++] = word;
        }
    }
    return l->template_count > 0;
}

static uint64_t place_number(struct load *l, const char *place, uint64_t number) {
    if (place[1] == 'n')
        return number % l->keys;
    if (place[1] == 'r' || place[1] == 'i')
        return l->last_random = random_key(l);
    return l->last_random + strtoull(place + 2, NULL, 10);
}

/* The word up to its place, and the number. */
static void put_number(struct wire_buffer *out, const char *word, const char *place,
                       uint64_t number) {
    char text[WIRE_KEY_MAX * 2];
    int digits = place[1] == 'n' || place[1] == 'r' ? WIRE_KEY_DIGITS : 1;
    int len = snprintf(text, sizeof text, "%.*s%0*llu", (int)(place - word), word, digits,
                       (unsigned long long)number);
    wire_put_bulk(out, text, (size_t)len);
}

static void put_words(struct load *l, struct wire_buffer *out, uint64_t number) {
    const struct template *t = &l->templates[number % l->template_count];
    wire_put_count(out, '*', t->count);
    for (size_t i = 0; i < t->count; i++) {
        const char *word = t->words[i], *place = strchr(word, '{');
        if (!place)
            wire_put_word(out, word);
        else if (place[1] == 'v')
            wire_put_value(out, l->letters, l->value_bytes, &l->random);
        else
            put_number(out, word, place, place_number(l, place, number));
    }
}

static const struct mode modes[] = {
    {"fill", "key:", put_fill, true, "SET (SETEX with --ttl) of every key, in order"},
    {"counters", "counter:", put_counters, false, "SET of every counter to 0, in order"},
    {"get", "key:", put_get, true, "GET of random keys"},
    {"set", "key:", put_random_set, true, "SET (SETEX with --ttl) of random keys"},
    {"incr", "counter:", put_incr, false, "INCR of random counters"},
    {"mset", "key:", put_mset, false, "MSET of ten random keys"},
    {"mix", "key:", put_mix, true, "--write-percent SET (SETEX with --ttl), the rest GET"},
    {"words", "", put_words, false, "the commands of --words, in turn"},
    {"draw", "", NULL, true, "no requests: prints --requests keys as they would be drawn"},
};
enum { MODES = sizeof modes / sizeof *modes };

/* Registers for writability only while the socket is full. */
static void client_flush(struct load *l, struct client *c) {
    bool wants_write = !wire_send(c->fd, &c->out);
    if (wants_write == c->wants_write)
        return;
    struct epoll_event ev = {.events = EPOLLIN | (wants_write ? EPOLLOUT : 0u), .data.ptr = c};
    if (epoll_ctl(l->epoll_fd, EPOLL_CTL_MOD, c->fd, &ev) < 0)
        wire_die("epoll_ctl");
    c->wants_write = wants_write;
}

static void client_next_batch(struct load *l, struct client *c) {
    while (c->waiting < l->pipeline && l->issued < l->requests) {
        l->mode->put_request(l, &c->out, l->issued++);
        c->waiting++;
    }
    c->sent_ns = wire_now_ns();
    client_flush(l, c);
}

static char take_reply(struct load *l, struct wire_buffer *in) {
    return l->memcached ? memcached_take_reply(in) : wire_take_reply(in);
}

static void client_read(struct load *l, struct client *c) {
    wire_receive(c->fd, &c->in);
    if (c->listens) {
        c->in.start = c->in.end;
        return;
    }
    uint64_t now = wire_now_ns();
    for (char kind; c->waiting && (kind = take_reply(l, &c->in));) {
        wire_hist_add(&l->hist, now - c->sent_ns);
        l->nulls += kind == '_';
        l->answered++;
        c->waiting--;
    }
    if (!c->waiting)
        client_next_batch(l, c);
}

static struct client *clients_open(struct load *l) {
    uint64_t count = l->clients + l->subscribers;
    struct client *clients = wire_realloc(NULL, count * sizeof *clients);
    l->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll_fd < 0)
        wire_die("epoll_create1");
    for (uint64_t i = 0; i < count; i++) {
        clients[i] =
            (struct client){.fd = wire_connect(l->host, l->port), .listens = i >= l->clients};
        struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &clients[i]};
        if (epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, clients[i].fd, &ev) < 0)
            wire_die("epoll_ctl");
        if (clients[i].listens) {
            wire_put(&clients[i].out, "SUBSCRIBE news\r\n", 16);
            client_flush(l, &clients[i]);
        }
    }
    return clients;
}

static void clients_close(struct load *l, struct client *clients) {
    for (uint64_t i = 0; i < l->clients + l->subscribers; i++) {
        close(clients[i].fd);
        free(clients[i].in.data);
        free(clients[i].out.data);
    }
    free(clients);
    close(l->epoll_fd);
}

/* Returns the seconds from the first request to the last reply. */
static double load_run(struct load *l) {
    struct client *clients = clients_open(l);
    uint64_t start_ns = wire_now_ns();
    for (uint64_t i = 0; i < l->clients; i++)
        client_next_batch(l, &clients[i]);
    while (l->answered < l->requests) {
        struct epoll_event events[128];
        int n = epoll_wait(l->epoll_fd, events, 128, -1);
        if (n < 0 && errno != EINTR)
            wire_die("epoll_wait");
        for (int i = 0; i < n; i++) {
            struct client *c = events[i].data.ptr;
            if (events[i].events & EPOLLOUT)
                client_flush(l, c);
            if (events[i].events & ~(uint32_t)EPOLLOUT)
                client_read(l, c);
        }
    }
    double seconds = (double)(wire_now_ns() - start_ns) / 1e9;
    clients_close(l, clients);
    return seconds;
}

static int usage(void) {
    fprintf(stderr, "usage: load --port N --mode MODE [--host A] [--keys N] [--requests N]\n"
                    "            [--clients N] [--pipeline N] [--value-bytes N] [--prefix P]\n"
                    "            [--write-percent N] [--ttl SECONDS] [--seed N]\n"
                    "            [--words 'COMMAND ...; ...'] [--subscribers N]\n"
                    "            [--zipf PERCENT] [--protocol redis|memcached]\n"
                    "modes:\n");
    for (int i = 0; i < MODES; i++)
        fprintf(stderr, "  %-9s %s\n", modes[i].name, modes[i].summary);
    return 2;
}

static bool options_read(struct load *l, int argc, char **argv) {
    const struct wire_option options[] = {{"host", NULL, &l->host},
                                          {"port", &l->port, NULL},
                                          {"mode", NULL, &l->mode_name},
                                          {"prefix", NULL, &l->prefix},
                                          {"keys", &l->keys, NULL},
                                          {"requests", &l->requests, NULL},
                                          {"clients", &l->clients, NULL},
                                          {"pipeline", &l->pipeline, NULL},
                                          {"value-bytes", &l->value_bytes, NULL},
                                          {"write-percent", &l->write_percent, NULL},
                                          {"ttl", &l->ttl_s, NULL},
                                          {"seed", &l->random, NULL},
                                          {"words", NULL, &l->words},
                                          {"subscribers", &l->subscribers, NULL},
                                          {"zipf", &l->zipf_percent, NULL},
                                          {"protocol", NULL, &l->protocol},
                                          {NULL, NULL, NULL}};
    if (!wire_options_read(options, argc, argv))
        return false;
    for (int i = 0; i < MODES; i++)
        if (!strcmp(modes[i].name, l->mode_name))
            l->mode = &modes[i];
    l->memcached = !strcmp(l->protocol, "memcached");
    if (!l->mode || !l->keys || !l->clients || !l->pipeline || (l->mode->put_request && !l->port) ||
        (l->memcached && !l->mode->values_only) ||
        (!l->memcached && strcmp(l->protocol, "redis") != 0))
        return false;
    if (l->zipf_percent)
        zipf_init(&l->zipf, l->keys, (double)l->zipf_percent / 100);
    if (!l->prefix)
        l->prefix = l->mode->prefix;
    if (!l->requests)
        l->requests = l->keys;
    return strlen(l->prefix) <= WIRE_KEY_MAX - WIRE_KEY_DIGITS;
}

static int draw(struct load *l) {
    for (uint64_t i = 0; i < l->requests; i++)
        printf("%llu\n", (unsigned long long)random_key(l));
    return 0;
}

int main(int argc, char **argv) {
    static struct load l = {.host = "127.0.0.1",
                            .mode_name = "",
                            .words = "",
                            .protocol = "redis",
                            .keys = 100000,
                            .clients = 50,
                            .pipeline = 1,
                            .value_bytes = 16,
                            .write_percent = 20,
                            .random = 1};
    if (!options_read(&l, argc, argv))
        return usage();
    if (!l.mode->put_request)
        return draw(&l);
    char *words = strdup(l.words);
    if (l.mode->put_request == put_words && !words_parse(&l, words))
        return usage();
    l.letters = wire_letters_create(&l.random, l.value_bytes);
    double seconds = load_run(&l);
    free(l.letters);
    free(words);
    printf("{\"requests\": %llu, \"seconds\": %.6f, \"rps\": %.1f, \"p50_ms\": %.4f, "
           "\"p99_ms\": %.4f, \"p999_ms\": %.4f, \"max_ms\": %.4f, \"nulls\": %llu}\n",
           (unsigned long long)l.answered, seconds, (double)l.answered / seconds,
           wire_hist_ms(&l.hist, 0.5), wire_hist_ms(&l.hist, 0.99), wire_hist_ms(&l.hist, 0.999),
           (double)l.hist.max_ns / 1e6, (unsigned long long)l.nulls);
    return 0;
}
