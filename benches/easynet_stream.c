/* Streams through easynet. */
#include "easynet_check.h"

#include <stdlib.h>

static en_tcp_client_t *client;
static en_unix_stream_client_t *unix_client;

uint64_t socket_calls(void)
{
    en_stats_t stats = {.struct_size = sizeof stats};
    check(unix_client ? en_unix_stream_client_get_stats(unix_client, &stats)
                      : en_tcp_client_get_stats(client, &stats),
          "stats");
    return stats.recv_calls + stats.send_calls;
}

static void open_with(const char *port, size_t write_buffer, uint32_t busy_poll_us)
{
    en_tcp_options_t *options;
    en_stream_protocol_t *protocol = new_protocol();
    check(en_tcp_options_new(&options), "options");
    check(en_tcp_options_set_write_buffer(options, write_buffer), "write buffer");
    check(en_tcp_options_set_busy_poll(options, busy_poll_us), "busy poll");
    check(en_tcp_client_connect(&client, "127.0.0.1", (uint16_t)atoi(port), protocol, options),
          "connect");
    en_stream_protocol_free(protocol);
    en_tcp_options_free(options);
}

static void open_client(const char *address)
{
    open_with(address, 0, 0);
}

static void open_buffered(const char *address)
{
    open_with(address, BUFFER, 0);
}

static void open_busy(const char *address)
{
    open_with(address, 0, BUSY_US);
}

static void open_unix(const char *address)
{
    unix_client = connect_unix(address);
}

static size_t receive(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++) {
        en_packet_t packet;
        check(en_tcp_client_recv_packet(client, TIMEOUT_MS, &packet), "recv_packet");
        consume(packet.data, packet.size);
        en_packet_release(&packet);
    }
    return work->packets;
}

static size_t receive_batches(const struct work *work)
{
    size_t received = 0;
    while (received < work->packets) {
        en_packet_t packets[BATCH];
        size_t count;
        check(en_tcp_client_recv_packets(client, packets, BATCH, TIMEOUT_MS, &count),
              "recv_packets");
        for (size_t i = 0; i < count; i++)
            consume(packets[i].data, packets[i].size);
        en_packets_release(packets, count);
        received += count;
    }
    return received;
}

static size_t send_each(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++)
        check(en_tcp_client_send_packet(client, payload, work->packet_size, TIMEOUT_MS),
              "send_packet");
    return work->packets;
}

static void send_together(const struct work *work, size_t count)
{
    en_slice_t packets[BATCH];
    size_t sent;
    for (size_t i = 0; i < count; i++)
        packets[i] = (en_slice_t){payload, work->packet_size};
    check(en_tcp_client_send_packets(client, packets, count, TIMEOUT_MS, &sent), "send_packets");
}

static size_t send_batches(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i += BATCH)
        send_together(work, BATCH);
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

static size_t unix_ping_pong(const struct work *work)
{
    en_packet_t packet;
    check(en_unix_stream_client_send_packet(unix_client, payload, work->packet_size, TIMEOUT_MS),
          "send_packet");
    check(en_unix_stream_client_recv_packet(unix_client, TIMEOUT_MS, &packet), "recv_packet");
    consume(packet.data, packet.size);
    en_packet_release(&packet);
    return 1;
}

const struct work works[] = {
    {"ping-pong", open_client, SMALL, 1, ping_pong},
    {"ping-pong-busy", open_busy, SMALL, 1, ping_pong},
    {"unix-ping-pong", open_unix, SMALL, 1, unix_ping_pong},
    {"receive", open_client, SMALL, SMALL_STEP, receive},
    {"receive-batches", open_client, SMALL, SMALL_STEP, receive_batches},
    {"send", open_client, SMALL, SMALL_STEP, send_each},
    {"send-buffered", open_buffered, SMALL, SMALL_STEP, send_each},
    {"send-batches", open_client, SMALL, SMALL_STEP, send_batches},
    {"receive-large", open_client, LARGE, LARGE_STEP, receive},
    {"send-large", open_client, LARGE, LARGE_STEP, send_each},
    {"send-large-batches", open_client, LARGE, LARGE_STEP, send_large_batches},
    {0},
};
