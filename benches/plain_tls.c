/* Works over a TLS library. */
#include "plain.h"
#include "tls.h"

#include <arpa/inet.h>
#include <string.h>

static const char *server;
static struct session *session;
static uint8_t received[BUFFER];
static size_t start, end;

uint64_t socket_calls(void)
{
    return tls_calls();
}

static struct session *connect_session(void)
{
    open_tcp(server);
    return tls_connect(fd);
}

static void open_none(const char *address)
{
    server = address;
    tls_configure(certificate("authority"), 0);
}

static void open_one(const char *address)
{
    open_none(address);
    session = connect_session();
}

static void receive_more(struct session *from)
{
    memmove(received, received + start, end - start);
    end -= start;
    start = 0;
    end += tls_receive(from, received + end, sizeof received - end);
}

static void receive_packet(struct session *from)
{
    while (end - start < HEADER)
        receive_more(from);
    uint32_t header;
    memcpy(&header, received + start, HEADER);
    size_t size = ntohl(header);
    if (size > sizeof received - HEADER)
        fail("receive", "a packet is too long");
    while (end - start - HEADER < size)
        receive_more(from);
    consume(received + start + HEADER, size);
    start += HEADER + size;
}

static void send_packet(const struct work *work, struct session *to)
{
    uint32_t header = htonl((uint32_t)work->packet_size);
    tls_send(to, (const uint8_t *)&header, payload, work->packet_size);
}

static size_t receive(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++)
        receive_packet(session);
    return work->packets;
}

static size_t send_each(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++)
        send_packet(work, session);
    return work->packets;
}

static size_t ping_pong(const struct work *work)
{
    send_each(work);
    return receive(work);
}

static struct session *connect_and_ask(const struct work *work)
{
    struct session *new_one = connect_session();
    send_packet(work, new_one);
    receive_packet(new_one);
    return new_one;
}

static size_t connect_each(const struct work *work)
{
    tls_close(connect_and_ask(work));
    return 1;
}

static size_t keep_each(const struct work *work)
{
    connect_and_ask(work);
    return 1;
}

static void open_many(const char *address, int resumes)
{
    const struct work first = {.packet_size = SMALL};
    server = address;
    tls_configure(certificate("authority"), resumes);
    connect_each(&first);
    struct session *second = connect_and_ask(&first);
    if (tls_is_resumed(second) != resumes)
        fail("handshake", resumes ? "it was not resumed" : "it was resumed");
    tls_close(second);
}

static void open_full(const char *address)
{
    open_many(address, 0);
}

static void open_resumed(const char *address)
{
    open_many(address, 1);
}

const struct work works[] = {
    {"ping-pong", open_one, SMALL, 1, ping_pong},
    {"receive", open_one, RECORD, RECORD_STEP, receive},
    {"send", open_one, RECORD, RECORD_STEP, send_each},
    {"connect", open_full, SMALL, 1, connect_each},
    {"resume", open_resumed, SMALL, 1, connect_each},
    {"keep", open_none, SMALL, 1, keep_each},
    {0},
};
