/* The reference for streams: what somebody who knows the system writes on plain sockets. */
#include "plain.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>

/* Room for large packets; of small ones a read takes no more than BUFFER bytes. */
static uint8_t received[8 * LARGE];
static size_t start, end, read_size;
static uint8_t to_send[BUFFER];
static size_t unsent;
static int busy;

uint64_t socket_calls(void)
{
    return calls;
}

static void open_small(const char *address)
{
    open_tcp(address);
    read_size = BUFFER;
}

static void open_large(const char *address)
{
    open_tcp(address);
    read_size = sizeof received;
}

static void open_busy(const char *address)
{
    open_small(address);
    busy = 1;
}

static void open_unix_small(const char *address)
{
    open_unix(address);
    read_size = BUFFER;
}

/* Sends what is left of a message after `sent` bytes; a full socket rarely takes all of a large
 * one. */
static void send_rest(struct iovec *parts, size_t count, size_t sent)
{
    while (count) {
        if (sent >= parts->iov_len) {
            sent -= parts->iov_len;
            parts++;
            count--;
            continue;
        }
        parts->iov_base = (uint8_t *)parts->iov_base + sent;
        parts->iov_len -= sent;
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
        ssize_t more = sendmsg(fd, &message, MSG_NOSIGNAL);
        calls++;
        if (more < 0)
            fail_errno("sendmsg");
        sent = (size_t)more;
    }
}

static void send_bytes(const uint8_t *data, size_t size)
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

static size_t put_packet(uint8_t *to, const uint8_t *data, size_t size)
{
    uint32_t header = htonl((uint32_t)size);
    memcpy(to, &header, HEADER);
    memcpy(to + HEADER, data, size);
    return HEADER + size;
}

static ssize_t receive_some(int flags)
{
    calls++;
    return recv(fd, received + end, read_size - end, flags);
}

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Looks for a while before it sleeps. */
static ssize_t receive_busily(void)
{
    int64_t until = now_ns() + BUSY_US * 1000;
    do {
        ssize_t count = receive_some(MSG_DONTWAIT);
        if (count >= 0 || errno != EAGAIN)
            return count;
    } while (now_ns() < until);
    return receive_some(0);
}

static void receive_more(void)
{
    memmove(received, received + start, end - start);
    end -= start;
    start = 0;
    ssize_t count = busy ? receive_busily() : receive_some(0);
    if (count <= 0)
        fail_errno("recv");
    end += (size_t)count;
}

static const uint8_t *receive_packet(size_t *size)
{
    for (;;) {
        uint32_t header;
        if (end - start >= HEADER) {
            memcpy(&header, received + start, HEADER);
            *size = ntohl(header);
            if (*size > sizeof received - HEADER)
                fail("recv", "a packet is too long");
            if (end - start - HEADER >= *size) {
                const uint8_t *packet = received + start + HEADER;
                start += HEADER + *size;
                return packet;
            }
        }
        receive_more();
    }
}

static size_t receive(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++) {
        size_t size;
        const uint8_t *packet = receive_packet(&size);
        consume(work, packet, size);
    }
    return work->packets;
}

static size_t send_each(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++)
        send_bytes(to_send, put_packet(to_send, payload, work->packet_size));
    return work->packets;
}

static size_t send_buffered(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++) {
        if (unsent + HEADER + work->packet_size > sizeof to_send) {
            send_bytes(to_send, unsent);
            unsent = 0;
        }
        unsent += put_packet(to_send + unsent, payload, work->packet_size);
    }
    return work->packets;
}

/* `count` packets in one system call, none of them copied. */
static void send_together(const struct work *work, size_t count)
{
    uint32_t headers[BATCH];
    struct iovec parts[2 * BATCH];
    for (size_t i = 0; i < count; i++) {
        headers[i] = htonl((uint32_t)work->packet_size);
        parts[2 * i] = (struct iovec){&headers[i], HEADER};
        parts[2 * i + 1] = (struct iovec){(void *)(uintptr_t)payload, work->packet_size};
    }
    send_rest(parts, 2 * count, 0);
}

static size_t send_batches(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i += BATCH)
        send_together(work, BATCH);
    return work->packets;
}

static size_t send_large(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++)
        send_together(work, 1);
    return work->packets;
}

static size_t send_large_batches(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i += LARGE_BATCH)
        send_together(work, LARGE_BATCH);
    return work->packets;
}

static size_t ping_pong(const struct work *work)
{
    send_each(work);
    return receive(work);
}

const struct work works[] = {
    {"ping-pong", open_small, SMALL, 1, ping_pong},
    {"ping-pong-busy", open_busy, SMALL, 1, ping_pong},
    {"unix-ping-pong", open_unix_small, SMALL, 1, ping_pong},
    {"receive", open_small, SMALL, SMALL_STEP, receive},
    {"send", open_small, SMALL, SMALL_STEP, send_each},
    {"send-buffered", open_small, SMALL, SMALL_STEP, send_buffered},
    {"send-batches", open_small, SMALL, SMALL_STEP, send_batches},
    {"receive-large", open_large, LARGE, LARGE_STEP, receive},
    {"send-large", open_large, LARGE, LARGE_STEP, send_large},
    {"send-large-batches", open_large, LARGE, LARGE_STEP, send_large_batches},
    {0},
};
