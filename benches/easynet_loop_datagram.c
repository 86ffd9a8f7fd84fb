/* Datagrams on the loop of easynet. */
#include "easynet_check.h"
#include "plain.h"

static en_loop_t *loop;
static en_async_udp_client_t *client;
static size_t received;

uint64_t socket_calls(void)
{
    en_stats_t stats = {.struct_size = sizeof stats};
    check(en_async_udp_client_get_stats(client, &stats), "stats");
    return stats.recv_calls + stats.send_calls;
}

static int take(int status, en_packet_t *packet, void *user)
{
    (void)user;
    check(status, "receive");
    consume(packet->data, packet->size);
    received++;
    en_packet_release(packet);
    return EN_RECEIVE_MORE;
}

static void open_client(const char *address)
{
    en_datagram_protocol_t *protocol;
    open_udp(address);
    check(en_loop_new(&loop), "loop");
    check(en_datagram_protocol_new_raw(&protocol, 0), "protocol");
    check(en_async_udp_client_from_fd(&client, loop, fd, protocol, NULL), "client");
    check(en_async_udp_client_recv_start(client, take, NULL, NULL), "recv_start");
    en_datagram_protocol_free(protocol);
}

static size_t ping_pong(const struct work *work)
{
    size_t before = received;
    check(en_async_udp_client_send_packet(client, payload, work->packet_size, TIMEOUT_MS, NULL,
                                          NULL, NULL),
          "send_packet");
    while (received - before < work->packets)
        check(en_loop_run_once(loop, -1), "run_once");
    return received - before;
}

const struct work works[] = {
    {"ping-pong", open_client, SMALL, 1, ping_pong},
    {0},
};
