#include "peer.h"

#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef union {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} name_t;

static socklen_t make_name(name_t *name, const char *host)
{
    memset(name, 0, sizeof(*name));
    if (strchr(host, ':')) {
        name->v6.sin6_family = AF_INET6;
        REQUIRE(inet_pton(AF_INET6, host, &name->v6.sin6_addr) == 1);
        return sizeof(name->v6);
    }
    name->v4.sin_family = AF_INET;
    REQUIRE(inet_pton(AF_INET, host, &name->v4.sin_addr) == 1);
    return sizeof(name->v4);
}

int peer_listen_at(const char *host, uint16_t port, int backlog)
{
    name_t name;
    socklen_t size = make_name(&name, host);
    int fd = socket(name.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    REQUIRE(fd >= 0);
    *(name.any.sa_family == AF_INET6 ? &name.v6.sin6_port : &name.v4.sin_port) = htons(port);
    if (bind(fd, &name.any, size) < 0) {
        REQUIRE(errno == EADDRINUSE);
        close(fd);
        return -1;
    }
    REQUIRE(listen(fd, backlog) == 0);
    return fd;
}

int peer_listen(const char *host, int backlog)
{
    int fd = peer_listen_at(host, 0, backlog);

    REQUIRE(fd >= 0);
    return fd;
}

uint16_t peer_port(int socket)
{
    name_t name;
    socklen_t size = sizeof(name);

    REQUIRE(getsockname(socket, &name.any, &size) == 0);
    return ntohs(name.any.sa_family == AF_INET6 ? name.v6.sin6_port : name.v4.sin_port);
}

bool peer_has_ipv6(void)
{
    name_t name;
    socklen_t size = make_name(&name, "::1");
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool works = fd >= 0 && bind(fd, &name.any, size) == 0;

    if (fd >= 0)
        close(fd);
    return works;
}

uint16_t peer_refusing_port(void)
{
    int fd = peer_listen("127.0.0.1", 1);
    uint16_t port = peer_port(fd);

    close(fd);
    return port;
}

/* A connection attempt that is answered soon, or not at all. */
static int try_connect(const name_t *name, socklen_t size, bool *answered)
{
    int fd = socket(name->any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct pollfd ready = {.fd = fd, .events = POLLOUT};

    REQUIRE(fd >= 0);
    *answered = connect(fd, &name->any, size) == 0 || poll(&ready, 1, 200) == 1;
    return fd;
}

void silent_peer_open(silent_peer_t *peer, const char *host)
{
    name_t name;
    socklen_t size = sizeof(name);
    bool answered = true;

    memset(peer->fillers, -1, sizeof(peer->fillers));
    peer->listener = peer_listen(host, 0);
    REQUIRE(getsockname(peer->listener, &name.any, &size) == 0);
    for (int i = 0; i < PEER_FILLERS && answered; i++)
        peer->fillers[i] = try_connect(&name, size, &answered);
    REQUIRE(!answered);
}

void silent_peer_wake(silent_peer_t *peer)
{
    struct pollfd ready = {.fd = peer->listener, .events = POLLIN};

    while (poll(&ready, 1, 0) == 1)
        close(accept(peer->listener, NULL, NULL));
    for (int i = 0; i < PEER_FILLERS; i++) {
        if (peer->fillers[i] >= 0)
            close(peer->fillers[i]);
        peer->fillers[i] = -1;
    }
    REQUIRE(listen(peer->listener, 16) == 0);
}

void silent_peer_close(silent_peer_t *peer)
{
    for (int i = 0; i < PEER_FILLERS; i++) {
        if (peer->fillers[i] >= 0)
            close(peer->fillers[i]);
    }
    close(peer->listener);
}

int peer_accept(int listener)
{
    int on = 1;
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    REQUIRE(fd >= 0);
    REQUIRE(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == 0);
    return fd;
}

/* False if the other end is gone. */
static bool send_all(int fd, const void *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0)
            return false;
        data = (const char *)data + sent;
        size -= (size_t)sent;
    }
    return true;
}

static ssize_t receive(int fd, void *data, size_t size)
{
    ssize_t got;

    do {
        got = recv(fd, data, size, 0);
    } while (got < 0 && errno == EINTR);
    return got;
}

void peer_send(int fd, const void *data, size_t size)
{
    REQUIRE(send_all(fd, data, size));
}

void peer_send_text(int fd, const char *text)
{
    peer_send(fd, text, strlen(text));
}

size_t peer_read(int fd, char *into, size_t size)
{
    size_t filled = 0;
    ssize_t some = 1;

    while (filled < size && some > 0) {
        some = receive(fd, into + filled, size - filled);
        filled += some > 0 ? (size_t)some : 0;
    }
    return filled;
}

void peer_expect(int fd, const void *data, size_t size)
{
    char *got = malloc(size + 1);

    CHECK_BYTES(got, peer_read(fd, got, size), data, size);
    free(got);
}

void peer_expect_text(int fd, const char *text)
{
    peer_expect(fd, text, strlen(text));
}

void peer_expect_end(int fd)
{
    char byte;

    CHECK_INT(receive(fd, &byte, 1), 0);
}

void peer_expect_nothing(int fd)
{
    char byte;

    CHECK(recv(fd, &byte, 1, MSG_DONTWAIT | MSG_PEEK) < 0 && errno == EAGAIN);
}

size_t peer_drain(int fd)
{
    static _Thread_local char buffer[65536];
    size_t total = 0;
    ssize_t got;

    while ((got = receive(fd, buffer, sizeof(buffer))) > 0)
        total += (size_t)got;
    return total;
}

void peer_end(int fd)
{
    REQUIRE(shutdown(fd, SHUT_WR) == 0);
}

void peer_reset(int fd)
{
    struct linger now = {1, 0};

    REQUIRE(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)) == 0);
    close(fd);
}

static void send_slowly(int fd, const char *data, size_t size, int ms)
{
    for (size_t i = 0; i < size && send_all(fd, data + i, 1); i++)
        pause_ms(ms);
}

static void echo(int fd)
{
    char buffer[4096];
    ssize_t got;

    while ((got = receive(fd, buffer, sizeof(buffer))) > 0 && send_all(fd, buffer, (size_t)got))
        ;
}

static void play(int fd, const step_t *step)
{
    switch (step->what) {
    case STEP_SEND:
        peer_send(fd, step->data, step->size);
        break;
    case STEP_SEND_SLOWLY:
        send_slowly(fd, step->data, step->size, step->ms);
        break;
    case STEP_EXPECT:
        peer_expect(fd, step->data, step->size);
        break;
    case STEP_EXPECT_END:
        peer_expect_end(fd);
        break;
    case STEP_ECHO:
        echo(fd);
        break;
    case STEP_DRAIN:
        peer_drain(fd);
        break;
    case STEP_WAIT:
        gate_wait(step->gate);
        break;
    case STEP_END:
        peer_end(fd);
        break;
    case STEP_RESET:
        peer_reset(fd);
        break;
    default:
        abort();
    }
}

static void play_all(void *arg)
{
    script_t *script = arg;

    for (size_t i = 0; i < script->count; i++)
        play(script->fd, &script->steps[i]);
}

void script_start(script_t *script, int fd, const step_t *steps, size_t count)
{
    script->fd = fd;
    script->steps = steps;
    script->count = count;
    thread_start(&script->thread, play_all, script);
}

void script_join(script_t *script)
{
    thread_join(&script->thread);
}
