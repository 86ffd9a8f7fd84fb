/* The reference for a loop with datagrams: epoll by hand. */
#include "plain.h"

#include <sys/epoll.h>

#define EVENTS 1024

static uint8_t received[LARGE];
static int poller;

uint64_t socket_calls(void)
{
    return calls;
}

static void open_polled(const char *address)
{
    open_udp(address);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    poller = epoll_create1(EPOLL_CLOEXEC);
    if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event))
        fail_errno("epoll");
}

static void receive(int from)
{
    ssize_t size = recv(from, received, sizeof received, MSG_DONTWAIT);
    calls++;
    if (size < 0)
        fail_errno("recv");
    consume(received, (size_t)size);
}

static size_t wait_and_receive(void)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(poller, events, EVENTS, -1);
    if (count < 0)
        fail_errno("epoll_wait");
    for (int i = 0; i < count; i++)
        receive(events[i].data.fd);
    return (size_t)count;
}

static size_t ping_pong(const struct work *work)
{
    size_t packets = 0;
    calls++;
    if (send(fd, payload, work->packet_size, MSG_DONTWAIT) < 0)
        fail_errno("send");
    while (packets < work->packets)
        packets += wait_and_receive();
    return packets;
}

const struct work works[] = {
    {"ping-pong", open_polled, SMALL, 1, ping_pong},
    {0},
};
