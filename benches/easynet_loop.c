/* The loop of easynet. */
#include "easynet_check.h"
#include "loop.h"

#include <stdlib.h>

static en_loop_t *loop;
static en_async_tcp_client_t **all;
static en_async_unix_stream_client_t *unix_client;
static size_t received;
static int echoes;

uint64_t socket_calls(void)
{
    uint64_t calls = 0;
    en_stats_t stats = {.struct_size = sizeof stats};
    if (unix_client) {
        check(en_async_unix_stream_client_get_stats(unix_client, &stats), "stats");
        return stats.recv_calls + stats.send_calls;
    }
    for (size_t i = 0; i < connections; i++) {
        check(en_async_tcp_client_get_stats(all[i], &stats), "stats");
        calls += stats.recv_calls + stats.send_calls;
    }
    return calls;
}

static void send_packet(en_async_tcp_client_t *to, const void *data, size_t size)
{
    check(en_async_tcp_client_send_packet(to, data, size, TIMEOUT_MS, NULL, NULL, NULL),
          "send_packet");
}

static int take(int status, en_packet_t *packet, void *client)
{
    check(status, "receive");
    consume(packet->data, packet->size);
    received++;
    if (echoes)
        send_packet(client, packet->data, packet->size);
    en_packet_release(packet);
    return EN_RECEIVE_MORE;
}

static void ask_for_batch(en_async_tcp_client_t *from);

static void take_batch(int status, en_packet_t *packets, size_t count, void *client)
{
    check(status, "receive");
    for (size_t i = 0; i < count; i++)
        consume(packets[i].data, packets[i].size);
    en_packets_release(packets, count);
    received += count;
    ask_for_batch(client);
}

static void ask_for_batch(en_async_tcp_client_t *from)
{
    check(en_async_tcp_client_recv_packets(from, BATCH, TIMEOUT_MS, take_batch, from, NULL),
          "recv_packets");
}

static void ask_for_all(en_async_tcp_client_t *from)
{
    check(en_async_tcp_client_recv_start(from, take, from, NULL), "recv_start");
}

static void open_each(const char *address, void (*ask)(en_async_tcp_client_t *))
{
    en_stream_protocol_t *protocol = new_protocol();
    check(en_loop_new(&loop), "loop");
    all = calloc(connections, sizeof *all);
    if (!all)
        fail_errno("calloc");
    for (size_t i = 0; i < connections; i++) {
        check(en_async_tcp_client_from_fd(&all[i], loop, tcp_socket(address), protocol, NULL),
              "client");
        ask(all[i]);
    }
    en_stream_protocol_free(protocol);
}

static void open_all(const char *address)
{
    open_each(address, ask_for_all);
}

static void open_batches(const char *address)
{
    open_each(address, ask_for_batch);
}

static void open_unix(const char *address)
{
    en_stream_protocol_t *protocol = new_protocol();
    check(en_loop_new(&loop), "loop");
    check(en_async_unix_stream_client_from_fd(&unix_client, loop, unix_socket(address), protocol,
                                              NULL),
          "client");
    check(en_async_unix_stream_client_recv_start(unix_client, take, NULL, NULL), "recv_start");
    en_stream_protocol_free(protocol);
}

static void open_echo(const char *address)
{
    open_all(address);
    echoes = 1;
    for (size_t i = 0; i < connections; i++)
        send_packet(all[i], payload, SMALL);
}

static size_t run(const struct work *work)
{
    size_t before = received;
    while (received - before < work->packets)
        check(en_loop_run_once(loop, -1), "run_once");
    return received - before;
}

static size_t ping_pong(const struct work *work)
{
    send_packet(all[0], payload, SMALL);
    return run(work);
}

static size_t unix_ping_pong(const struct work *work)
{
    check(en_async_unix_stream_client_send_packet(unix_client, payload, SMALL, TIMEOUT_MS, NULL,
                                                  NULL, NULL),
          "send_packet");
    return run(work);
}

const struct work works[] = {
    {"echo", open_echo, SMALL, SMALL_STEP, run},
    {"ping-pong", open_all, SMALL, 1, ping_pong},
    {"unix-ping-pong", open_unix, SMALL, 1, unix_ping_pong},
    {"receive", open_all, SMALL, SMALL_STEP, run},
    {"receive-batches", open_batches, SMALL, SMALL_STEP, run},
    {0},
};
