/*
 * Parsing PENSTOCK_LISTEN and binding it, IPv4 or IPv6.
 */
#include "common/base/listen.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/parse.h"

enum {
    BACKLOG_COUNT = 128
};

struct host_port {
    char host[64];
    char port[8];
};

static enum status split(const char *text, struct host_port *ret_parts, struct err *err)
{
    const char *colon = strrchr(text, ':');
    int64_t port = 0;
    if (colon == NULL || parse_i64(colon + 1, 0, UINT16_MAX, &port) != ST_OK) {
        return err_set(err, ST_INVALID, "listen address '%s': not host:port", text);
    }
    const char *host = text;
    size_t host_len = (size_t)(colon - text);
    if (host_len >= 2 && host[0] == '[' && host[host_len - 1] == ']') {
        host++;
        host_len -= 2;
    } else if (memchr(host, ':', host_len) != NULL) {
        return err_set(err, ST_INVALID, "listen address '%s': write IPv6 as [host]:port", text);
    }
    if (host_len == 0 || host_len >= sizeof(ret_parts->host)) {
        return err_set(err, ST_INVALID, "listen address '%s': no host", text);
    }
    memcpy(ret_parts->host, host, host_len);
    ret_parts->host[host_len] = '\0';
    (void)snprintf(ret_parts->port, sizeof(ret_parts->port), "%hu", (unsigned short)port);
    return ST_OK;
}

static bool is_loopback(const struct sockaddr_storage *address)
{
    if (address->ss_family == AF_INET6) {
        struct sockaddr_in6 six;
        memcpy(&six, address, sizeof(six));
        return IN6_IS_ADDR_LOOPBACK(&six.sin6_addr);
    }
    struct sockaddr_in four;
    memcpy(&four, address, sizeof(four));
    return ntohl(four.sin_addr.s_addr) >> 24 == 127;
}

static void describe(const struct sockaddr_storage *address, char text[LISTEN_TEXT_BYTES])
{
    char host[INET6_ADDRSTRLEN] = "?";
    if (address->ss_family == AF_INET6) {
        struct sockaddr_in6 six;
        memcpy(&six, address, sizeof(six));
        (void)inet_ntop(AF_INET6, &six.sin6_addr, host, sizeof(host));
        (void)snprintf(text, LISTEN_TEXT_BYTES, "[%s]:%u", host, (unsigned)ntohs(six.sin6_port));
        return;
    }
    struct sockaddr_in four;
    memcpy(&four, address, sizeof(four));
    (void)inet_ntop(AF_INET, &four.sin_addr, host, sizeof(host));
    (void)snprintf(text, LISTEN_TEXT_BYTES, "%s:%u", host, (unsigned)ntohs(four.sin_port));
}

static enum status bind_one(const struct addrinfo *info, int *ret_fd)
{
    int fd = socket(
        info->ai_family, info->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, info->ai_protocol);
    if (fd < 0) {
        return ST_IO;
    }
    int one = 1;
    (void)setsockopt(
        fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)); /* restart on the same port */
    if (info->ai_family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one)); /* say what you bind */
    }
    if (bind(fd, info->ai_addr, info->ai_addrlen) != 0 || listen(fd, BACKLOG_COUNT) != 0) {
        int saved = errno;
        (void)close(fd); /* the bind's errno is the one to tell */
        errno = saved;
        return ST_IO;
    }
    *ret_fd = fd;
    return ST_OK;
}

/* ret_found: owned, freeaddrinfo. */
static enum status resolve(const char *text, struct addrinfo **ret_found, struct err *err)
{
    struct host_port parts;
    enum status status = split(text, &parts, err);
    if (status != ST_OK) {
        return status;
    }
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    int failed = getaddrinfo(parts.host, parts.port, &hints, ret_found);
    if (failed != 0) {
        return err_set(err, ST_INVALID, "listen address '%s': %s", text, gai_strerror(failed));
    }
    return ST_OK;
}

enum status listen_check(const char *text, bool *ret_is_loopback, struct err *err)
{
    struct addrinfo *found = NULL;
    enum status status = resolve(text, &found, err);
    if (status != ST_OK) {
        return status;
    }
    struct sockaddr_storage address = {0};
    memcpy(&address, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    *ret_is_loopback = is_loopback(&address);
    return ST_OK;
}

enum status listen_open(const char *text, struct listener *ret_listener, struct err *err)
{
    struct addrinfo *found = NULL;
    enum status status = resolve(text, &found, err);
    if (status != ST_OK) {
        return status;
    }
    int fd = -1;
    status = bind_one(found, &fd);
    freeaddrinfo(found);
    if (status != ST_OK) {
        return err_errno(err, status, errno, "listen on %s", text);
    }
    struct sockaddr_storage address = {0};
    socklen_t address_len = sizeof(address);
    if (getsockname(fd, (struct sockaddr *)&address, &address_len) != 0) {
        (void)close(fd); /* nothing was sent on it */
        return err_errno(err, ST_IO, errno, "listen on %s", text);
    }
    ret_listener->fd = fd;
    ret_listener->is_loopback = is_loopback(&address);
    describe(&address, ret_listener->address);
    return ST_OK;
}

void listen_close(struct listener *listener)
{
    if (listener->fd >= 0) {
        (void)close(listener->fd); /* a listening socket has nothing to flush */
    }
    listener->fd = -1;
}
