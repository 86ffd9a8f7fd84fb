/* The reference for streams: what somebody who knows the system writes on plain sockets. */
#include "plain.h"
#include "stream.h"

#include <errno.h>
#include <time.h>

static int busy;

uint64_t socket_calls(void)
{
    return calls;
}

static void open_busy(const char *address)
{
    open_tcp(address);
    busy = 1;
}

/* A full socket rarely takes all of a large message. */
void send_parts(struct iovec *parts, size_t count)
{
    while (count) {
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
        ssize_t sent = sendmsg(fd, &message, MSG_NOSIGNAL);
        calls++;
        if (sent < 0)
            fail_errno("sendmsg");
        count = skip_sent(&parts, count, (size_t)sent);
    }
}

void send_bytes(const uint8_t *data, size_t size)
{
    while (size) {
        ssize_t sent = send(fd, data, size, MSG_NOSIGNAL);
        calls++;
        if (sent < 0)
            fail_errno("send");
        data += sent;
        size -= (size_t)sent;
    }
}

static ssize_t receive_some(uint8_t *to, size_t room, int flags)
{
    calls++;
    return recv(fd, to, room, flags);
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Looks for a while before it sleeps. */
static ssize_t receive_busily(uint8_t *to, size_t room)
{
    int64_t until = now_ns() + BUSY_US * 1000;
    do {
        ssize_t count = receive_some(to, room, MSG_DONTWAIT);
        if (count >= 0 || errno != EAGAIN)
            return count;
    } while (now_ns() < until);
    return receive_some(to, room, 0);
}

size_t receive_bytes(uint8_t *to, size_t room)
{
    ssize_t count = busy ? receive_busily(to, room) : receive_some(to, room, 0);
    if (count <= 0)
        fail_errno("recv");
    return (size_t)count;
}

const struct work works[] = {
    {"ping-pong", open_tcp, SMALL, 1, ping_pong},
    {"ping-pong-busy", open_busy, SMALL, 1, ping_pong},
    {"unix-ping-pong", open_unix, SMALL, 1, ping_pong},
    {"receive", open_tcp, SMALL, SMALL_STEP, receive},
    {"send", open_tcp, SMALL, SMALL_STEP, send_each},
    {"send-buffered", open_tcp, SMALL, SMALL_STEP, send_buffered},
    {"send-batches", open_tcp, SMALL, SMALL_STEP, send_batches},
    {"receive-large", open_tcp, LARGE, LARGE_STEP, receive},
    {"send-large", open_tcp, LARGE, LARGE_STEP, send_large},
    {"send-large-batches", open_tcp, LARGE, LARGE_STEP, send_large_batches},
    {0},
};
