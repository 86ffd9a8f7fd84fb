/* The reference for datagrams. */
#include "plain.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>

static uint8_t received[LARGE];
static uint8_t to_send[BATCH * SMALL];

uint64_t socket_calls(void)
{
    return calls;
}

static void open_coalesced(const char *address)
{
    int on = 1;
    open_udp(address);
    set_option(SOL_UDP, UDP_GRO, &on, sizeof on);
}

static size_t receive(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++) {
        ssize_t size = recv(fd, received, sizeof received, 0);
        calls++;
        if (size < 0)
            fail_errno("recv");
        consume(received, (size_t)size);
    }
    return work->packets;
}

/* Datagrams of one size that come as one. */
static size_t receive_segments(void)
{
    struct message message;
    prepare_message(&message, received, sizeof received);
    ssize_t count = recvmsg(fd, &message.header, 0);
    calls++;
    if (count < 0)
        fail_errno("recvmsg");
    size_t end = (size_t)count, packets = 0;
    int control = control_of(&message);
    size_t segment = control > 0 ? (size_t)control : end;
    for (size_t start = 0; start < end; start += segment, packets++)
        consume(received + start, end - start < segment ? end - start : segment);
    return packets;
}

static size_t receive_coalesced(const struct work *work)
{
    size_t packets = 0;
    while (packets < work->packets)
        packets += receive_segments();
    return packets;
}

static size_t send_each(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++) {
        calls++;
        if (send(fd, payload, work->packet_size, 0) < 0)
            fail_errno("send");
    }
    return work->packets;
}

/* Datagrams that the kernel cuts from one buffer. */
static void send_segments(const struct work *work)
{
    struct message message;
    uint16_t size = (uint16_t)work->packet_size;
    for (size_t i = 0; i < BATCH; i++)
        memcpy(to_send + i * size, payload, size);
    prepare_message(&message, to_send, BATCH * size);
    set_control(&message, SOL_UDP, UDP_SEGMENT, &size, sizeof size);
    calls++;
    if (sendmsg(fd, &message.header, 0) < 0)
        fail_errno("sendmsg");
}

static size_t send_batches(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i += BATCH)
        send_segments(work);
    return work->packets;
}

static size_t ping_pong(const struct work *work)
{
    send_each(work);
    return receive(work);
}

const struct work works[] = {
    {"ping-pong", open_udp, SMALL, 1, ping_pong},
    {"receive", open_udp, SMALL, SMALL_STEP, receive},
    {"receive-coalesced", open_coalesced, SMALL, SMALL_STEP, receive_coalesced},
    {"send", open_udp, SMALL, SMALL_STEP, send_each},
    {"send-batches", open_udp, SMALL, SMALL_STEP, send_batches},
    {0},
};
