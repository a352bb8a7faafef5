/* SPDX-License-Identifier: MIT */
/* Addresses as text, made only when somebody asks. */
#include "net/net_private.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "base/alloc.h"

enum { ADDRESS_TEXT = INET6_ADDRSTRLEN + 16 };

void rl_net_address_text(const struct sockaddr *address, char *text, size_t size) {
    char ip[INET6_ADDRSTRLEN] = "?";
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in4 = (const struct sockaddr_in *)address;
        inet_ntop(AF_INET, &in4->sin_addr, ip, sizeof ip);
        snprintf(text, size, "%s:%d", ip, ntohs(in4->sin_port));
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
        inet_ntop(AF_INET6, &in6->sin6_addr, ip, sizeof ip);
        snprintf(text, size, "[%s]:%d", ip, ntohs(in6->sin6_port));
    } else {
        snprintf(text, size, "?:0");
    }
}

bool rl_net_address_is_loopback(const struct sockaddr *address) {
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in4 = (const struct sockaddr_in *)address;
        return ntohl(in4->sin_addr.s_addr) >> 24 == 127;
    }
    if (address->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)address)->sin6_addr);
    return address->sa_family == AF_UNIX;
}

static int resolve_as(uv_loop_t *loop, const char *name, int family, char *address, size_t size) {
    struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
    uv_getaddrinfo_t request;
    int code = uv_getaddrinfo(loop, &request, NULL, name, NULL, &hints); /* no callback: it waits */
    if (code)
        return code;
    code = uv_ip_name(request.addrinfo->ai_addr, address, size);
    uv_freeaddrinfo(request.addrinfo);
    return code;
}

int rl_net_resolve(uv_loop_t *loop, const char *name, char *address, size_t size) {
    int code = resolve_as(loop, name, AF_INET, address, size);
    if (code == 0)
        return 0;
    return resolve_as(loop, name, AF_INET6, address, size) == 0 ? 0 : code;
}

static char *address_new_text(const struct sockaddr *address) {
    char text[ADDRESS_TEXT];
    rl_net_address_text(address, text, sizeof text);
    return rl_strdup(text);
}

bool rl_conn_is_unix(const rl_conn *c) {
    return c->is_unix;
}

bool rl_conn_is_loopback(const rl_conn *c) {
    return c->is_unix || rl_net_address_is_loopback(&c->peer_address.any);
}

const char *rl_conn_peer(const rl_conn *c) {
    if (c->is_unix)
        return c->listener->text;
    if (c->peer == NULL)
        ((rl_conn *)c)->peer = address_new_text(&c->peer_address.any); /* remembered, not changed */
    return c->peer;
}

const char *rl_conn_local(const rl_conn *c) {
    if (c->is_unix)
        return c->listener->text;
    if (c->local == NULL) {
        struct sockaddr_storage address = {0};
        socklen_t len = sizeof address;
        getsockname(rl_conn_fd(c), (struct sockaddr *)&address, &len);
        ((rl_conn *)c)->local = address_new_text((struct sockaddr *)&address);
    }
    return c->local;
}
