/* The reference for loops: epoll by hand, one receive and one send a message. */
#include "loop.h"
#include "plain.h"

#include <stdlib.h>
#include <sys/epoll.h>

#define EVENTS 1024

struct connection {
    int fd;
    struct rest rest;
};

static struct connection *all;
static int poller;
static size_t received;
static int echoes;

uint64_t socket_calls(void)
{
    return calls;
}

/* So little fits always: each connection has one message under way. */
static void send_packet(int to, const void *data, size_t size)
{
    uint8_t frame[FRAME];
    size = put_frame(frame, data, size);
    calls++;
    if (send(to, frame, size, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)size)
        fail_errno("send");
}

static void take(void *to, const uint8_t *data, size_t size)
{
    const struct connection *connection = to;
    consume(data, size);
    received++;
    if (echoes)
        send_packet(connection->fd, data, size);
}

static void receive(struct connection *connection, int flags)
{
    ssize_t count = recv(connection->fd, reading, BUFFER, flags);
    calls++;
    if (count <= 0)
        fail_errno("recv");
    take_packets(&connection->rest, reading, (size_t)count, take, connection);
}

static void open_with(const char *address, int (*next)(const char *address))
{
    poller = epoll_create1(EPOLL_CLOEXEC);
    all = calloc(connections, sizeof *all);
    if (poller < 0 || !all)
        fail_errno("open");
    for (size_t i = 0; i < connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = &all[i]};
        all[i].fd = next(address);
        if (epoll_ctl(poller, EPOLL_CTL_ADD, all[i].fd, &event))
            fail_errno("epoll_ctl");
    }
}

static void open_all(const char *address)
{
    open_with(address, tcp_socket);
}

static void open_unix_all(const char *address)
{
    open_with(address, unix_socket);
}

static void open_echo(const char *address)
{
    open_all(address);
    echoes = 1;
    for (size_t i = 0; i < connections; i++)
        send_packet(all[i].fd, payload, SMALL);
}

static void take_fd(void)
{
    all = calloc(1, sizeof *all);
    if (!all)
        fail_errno("open");
    all->fd = fd;
}

static void open_blocking(const char *address)
{
    open_tcp(address);
    take_fd();
}

static void open_unix_blocking(const char *address)
{
    open_unix(address);
    take_fd();
}

static size_t run(const struct work *work)
{
    struct epoll_event events[EVENTS];
    size_t before = received;
    while (received - before < work->packets) {
        int count = epoll_wait(poller, events, EVENTS, -1);
        if (count < 0)
            fail_errno("epoll_wait");
        for (int i = 0; i < count; i++)
            receive(events[i].data.ptr, MSG_DONTWAIT);
    }
    return received - before;
}

static size_t ping_pong(const struct work *work)
{
    send_packet(all->fd, payload, SMALL);
    return run(work);
}

static size_t ping_pong_blocking(const struct work *work)
{
    size_t before = received;
    send_packet(all->fd, payload, SMALL);
    while (received - before < work->packets)
        receive(all, 0);
    return work->packets;
}

const struct work works[] = {
    {"echo", open_echo, SMALL, SMALL_STEP, run},
    {"ping-pong", open_all, SMALL, 1, ping_pong},
    {"ping-pong-blocking", open_blocking, SMALL, 1, ping_pong_blocking},
    {"unix-ping-pong", open_unix_all, SMALL, 1, ping_pong},
    {"unix-ping-pong-blocking", open_unix_blocking, SMALL, 1, ping_pong_blocking},
    {"receive", open_all, SMALL, SMALL_STEP, run},
    {0},
};
