/* Datagrams through easynet. */
#include "easynet_check.h"

#include <stdlib.h>

static en_udp_client_t *client;

uint64_t socket_calls(void)
{
    en_stats_t stats = {.struct_size = sizeof stats};
    check(en_udp_client_get_stats(client, &stats), "stats");
    return stats.recv_calls + stats.send_calls;
}

static void open_with(const char *port, int receive_offload)
{
    en_udp_options_t *options;
    en_datagram_protocol_t *protocol;
    check(en_udp_options_new(&options), "options");
    check(en_udp_options_set_receive_offload(options, receive_offload), "receive offload");
    check(en_datagram_protocol_new_raw(&protocol, 0), "protocol");
    check(en_udp_client_connect(&client, "127.0.0.1", (uint16_t)atoi(port), protocol, options),
          "connect");
    en_datagram_protocol_free(protocol);
    en_udp_options_free(options);
    check(en_udp_client_send_packet(client, NULL, 0, TIMEOUT_MS), "send_packet");
}

static void open_client(const char *address)
{
    open_with(address, 0);
}

static void open_coalesced(const char *address)
{
    open_with(address, 1);
}

static size_t receive(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++) {
        en_packet_t packet;
        check(en_udp_client_recv_packet(client, TIMEOUT_MS, &packet), "recv_packet");
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
        check(en_udp_client_recv_packets(client, packets, BATCH, TIMEOUT_MS, &count),
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
        check(en_udp_client_send_packet(client, payload, work->packet_size, TIMEOUT_MS),
              "send_packet");
    return work->packets;
}

static size_t send_batches(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i += BATCH) {
        en_slice_t packets[BATCH];
        size_t sent;
        for (size_t j = 0; j < BATCH; j++)
            packets[j] = (en_slice_t){payload, work->packet_size};
        check(en_udp_client_send_packets(client, packets, BATCH, TIMEOUT_MS, &sent),
              "send_packets");
    }
    return work->packets;
}

static size_t ping_pong(const struct work *work)
{
    send_each(work);
    return receive(work);
}

const struct work works[] = {
    {"ping-pong", open_client, SMALL, 1, ping_pong},
    {"receive", open_client, SMALL, SMALL_STEP, receive},
    {"receive-coalesced", open_coalesced, SMALL, SMALL_STEP, receive},
    {"receive-batches", open_coalesced, SMALL, SMALL_STEP, receive_batches},
    {"send", open_client, SMALL, SMALL_STEP, send_each},
    {"send-batches", open_client, SMALL, SMALL_STEP, send_batches},
    {0},
};
