/* SPDX-License-Identifier: MIT */
/*
 * An open-loop load at a fixed rate. Request i is due at start + i / rate whatever the server does,
 * and its latency runs from that moment, not from when it could be sent: a stall of the server is
 * seen by every request that was due in it (no coordinated omission). Requests go round the
 * connections and are pipelined behind unanswered ones. Prints CSV, one line per time slot:
 *
 *   ms,requests,p50_ms,p99_ms,p999_ms,max_ms,late_p999_ms
 *
 * late is how far behind its due time this program handed a request to the kernel: where that is as
 * large as the latency, the machine was short of CPU, not the server slow. The last line has "all"
 * as its ms.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "wire.h"

#include <sys/prctl.h>

enum { MAX_WAITING = 1 << 16, MAX_STALL_S = 30 };

struct client {
    int fd;
    bool wants_write, dirty;
    uint64_t first, last; /* requests waiting for their reply: due[first % MAX .. last % MAX) */
    uint64_t *due_ns;     /* ring of MAX_WAITING */
    struct wire_buffer out, in;
};

struct slot {
    struct wire_hist latency, late;
};

struct pace {
    const char *host;
    int epoll_fd;
    uint64_t port, rate, seconds, slot_ms, clients, keys, value_bytes, write_percent, new_percent;
    uint64_t random, grown, requests, slots, start_ns, issued, answered, nulls;
    char *letters;
    struct client *client;
    struct slot *slot;
    struct slot all;
};

static uint64_t due_at(const struct pace *p, uint64_t i) {
    return p->start_ns + (uint64_t)((unsigned __int128)i * 1000000000u / p->rate);
}

static struct slot *slot_of(struct pace *p, uint64_t due_ns) {
    uint64_t index = (due_ns - p->start_ns) / (p->slot_ms * 1000000u);
    return &p->slot[index < p->slots ? index : p->slots - 1];
}

/* Most writes go to existing keys; new_percent of all requests add a key, so the table grows. */
static void put_request(struct pace *p, struct wire_buffer *out) {
    uint64_t dice = wire_random_below(&p->random, 100);
    bool grow = dice < p->new_percent;
    bool write = dice < p->write_percent;
    uint64_t key = grow ? p->keys + p->grown++ : wire_random_below(&p->random, p->keys);
    wire_put_count(out, '*', write || grow ? 3 : 2);
    wire_put_word(out, write || grow ? "SET" : "GET");
    wire_put_key(out, "key:", key);
    if (write || grow)
        wire_put_value(out, p->letters, p->value_bytes, &p->random);
}

static void client_flush(struct pace *p, struct client *c) {
    bool wants_write = !wire_send(c->fd, &c->out);
    c->dirty = false;
    if (wants_write == c->wants_write)
        return;
    struct epoll_event ev = {.events = EPOLLIN | (wants_write ? EPOLLOUT : 0u), .data.ptr = c};
    if (epoll_ctl(p->epoll_fd, EPOLL_CTL_MOD, c->fd, &ev) < 0)
        wire_die("epoll_ctl");
    c->wants_write = wants_write;
}

/* Queues every request that is due by now, then sends them connection by connection. */
static void send_due(struct pace *p) {
    uint64_t now = wire_now_ns();
    uint64_t from = p->issued;
    for (; p->issued < p->requests; p->issued++) {
        uint64_t due = due_at(p, p->issued);
        if (due > now)
            break;
        struct client *c = &p->client[p->issued % p->clients];
        if (c->last - c->first == MAX_WAITING) {
            errno = 0;
            wire_die("the server is too far behind; lower --rate");
        }
        put_request(p, &c->out);
        c->due_ns[c->last++ % MAX_WAITING] = due;
        c->dirty = true;
        wire_hist_add(&slot_of(p, due)->late, now - due);
        wire_hist_add(&p->all.late, now - due);
    }
    for (uint64_t i = from; i < p->issued && i < from + p->clients; i++)
        if (p->client[i % p->clients].dirty)
            client_flush(p, &p->client[i % p->clients]);
}

static void client_read(struct pace *p, struct client *c) {
    wire_receive(c->fd, &c->in);
    uint64_t now = wire_now_ns();
    for (char kind; c->first < c->last && (kind = wire_take_reply(&c->in));) {
        uint64_t due = c->due_ns[c->first++ % MAX_WAITING];
        wire_hist_add(&slot_of(p, due)->latency, now - due);
        wire_hist_add(&p->all.latency, now - due);
        p->nulls += kind == '_';
        p->answered++;
    }
}

static void clients_open(struct pace *p) {
    p->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    p->client = wire_realloc(NULL, p->clients * sizeof *p->client);
    if (p->epoll_fd < 0)
        wire_die("epoll_create1");
    for (uint64_t i = 0; i < p->clients; i++) {
        struct client *c = &p->client[i];
        *c = (struct client){.fd = wire_connect(p->host, p->port),
                             .due_ns = wire_realloc(NULL, MAX_WAITING * sizeof(uint64_t))};
        struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};
        if (epoll_ctl(p->epoll_fd, EPOLL_CTL_ADD, c->fd, &ev) < 0)
            wire_die("epoll_ctl");
    }
}

static void clients_close(struct pace *p) {
    for (uint64_t i = 0; i < p->clients; i++) {
        close(p->client[i].fd);
        free(p->client[i].due_ns);
        free(p->client[i].in.data);
        free(p->client[i].out.data);
    }
    free(p->client);
    close(p->epoll_fd);
}

/* Waits for replies until the next request is due. */
static void wait_and_read(struct pace *p) {
    uint64_t now = wire_now_ns();
    uint64_t next = p->issued < p->requests ? due_at(p, p->issued)
                                            : due_at(p, p->requests) + MAX_STALL_S * 1000000000ull;
    if (p->issued == p->requests && now > next) {
        errno = ETIMEDOUT;
        wire_die("waiting for the last replies");
    }
    uint64_t left = next > now ? next - now : 0;
    struct timespec wait = {(time_t)(left / 1000000000u), (long)(left % 1000000000u)};
    struct epoll_event events[128];
    int n = epoll_pwait2(p->epoll_fd, events, 128, &wait, NULL);
    if (n < 0 && errno != EINTR)
        wire_die("epoll_pwait2");
    for (int i = 0; i < n; i++) {
        struct client *c = events[i].data.ptr;
        if (events[i].events & EPOLLOUT)
            client_flush(p, c);
        if (events[i].events & ~(uint32_t)EPOLLOUT)
            client_read(p, c);
    }
}

static void pace_run(struct pace *p) {
    p->requests = p->rate * p->seconds;
    p->slots = (p->seconds * 1000 + p->slot_ms - 1) / p->slot_ms;
    p->slot = wire_realloc(NULL, p->slots * sizeof *p->slot);
    memset(p->slot, 0, p->slots * sizeof *p->slot); /* touched now, not while measuring */
    clients_open(p);
    p->start_ns = wire_now_ns();
    while (p->answered < p->requests) {
        send_due(p);
        wait_and_read(p);
    }
    clients_close(p);
}

static void print_slot(const struct slot *s) {
    printf(",%llu,%.4f,%.4f,%.4f,%.4f,%.4f\n", (unsigned long long)s->latency.count,
           wire_hist_ms(&s->latency, 0.5), wire_hist_ms(&s->latency, 0.99),
           wire_hist_ms(&s->latency, 0.999), (double)s->latency.max_ns / 1e6,
           wire_hist_ms(&s->late, 0.999));
}

static int usage(void) {
    fprintf(stderr,
            "usage: latency --port N [--host A] [--rate PER_SECOND] [--seconds N] [--slot-ms N]\n"
            "               [--clients N] [--keys N] [--value-bytes N] [--write-percent N]\n"
            "               [--new-percent N] [--seed N]\n");
    return 2;
}

static bool options_read(struct pace *p, int argc, char **argv) {
    const struct wire_option options[] = {{"host", NULL, &p->host},
                                          {"port", &p->port, NULL},
                                          {"rate", &p->rate, NULL},
                                          {"seconds", &p->seconds, NULL},
                                          {"slot-ms", &p->slot_ms, NULL},
                                          {"clients", &p->clients, NULL},
                                          {"keys", &p->keys, NULL},
                                          {"value-bytes", &p->value_bytes, NULL},
                                          {"write-percent", &p->write_percent, NULL},
                                          {"new-percent", &p->new_percent, NULL},
                                          {"seed", &p->random, NULL},
                                          {NULL, NULL, NULL}};
    return wire_options_read(options, argc, argv) && p->port && p->rate && p->seconds &&
           p->slot_ms && p->clients && p->keys;
}

int main(int argc, char **argv) {
    static struct pace p = {.host = "127.0.0.1",
                            .rate = 20000,
                            .seconds = 30,
                            .slot_ms = 250,
                            .clients = 50,
                            .keys = 1000000,
                            .value_bytes = 16,
                            .write_percent = 50,
                            .random = 1};
    if (!options_read(&p, argc, argv))
        return usage();
    prctl(PR_SET_TIMERSLACK, 1ul); /* wake when asked, not up to 50 microseconds later */
    p.letters = wire_letters_create(&p.random, p.value_bytes);
    pace_run(&p);
    printf("ms,requests,p50_ms,p99_ms,p999_ms,max_ms,late_p999_ms\n");
    for (uint64_t i = 0; i < p.slots; i++) {
        printf("%llu", (unsigned long long)(i * p.slot_ms));
        print_slot(&p.slot[i]);
    }
    printf("all");
    print_slot(&p.all);
    if (p.nulls)
        fprintf(stderr, "%llu GETs found no key\n", (unsigned long long)p.nulls);
    free(p.slot);
    free(p.letters);
    return 0;
}
