/* TLS through easynet. */
#include "easynet_check.h"

#include <stdlib.h>

static uint16_t port;
static en_stream_protocol_t *protocol;
static en_tcp_options_t *options;
static en_tcp_client_t *client;
/* Of the clients that are no more. */
static uint64_t past_calls;

static uint64_t calls_of(const en_tcp_client_t *one)
{
    en_stats_t stats = {.struct_size = sizeof stats};
    check(en_tcp_client_get_stats(one, &stats), "stats");
    return stats.recv_calls + stats.send_calls;
}

uint64_t socket_calls(void)
{
    return past_calls + (client ? calls_of(client) : 0);
}

static void configure(const char *address, size_t sessions)
{
    en_tls_options_t *tls_options;
    en_tls_config_t *config;
    port = (uint16_t)atoi(address);
    protocol = new_protocol();
    check(en_tls_options_new(&tls_options), "TLS options");
    check(en_tls_options_add_ca_file(tls_options, certificate("authority")), "authority");
    check(en_tls_options_set_session_cache(tls_options, sessions), "session cache");
    check(en_tls_config_new_client(&config, tls_options), "TLS configuration");
    check(en_tcp_options_new(&options), "options");
    check(en_tcp_options_set_tls(options, config, "localhost"), "TLS");
    en_tls_config_free(config);
    en_tls_options_free(tls_options);
}

static en_tcp_client_t *connect_client(void)
{
    en_tcp_client_t *new_one;
    check(en_tcp_client_connect(&new_one, "127.0.0.1", port, protocol, options), "connect");
    return new_one;
}

static void open_none(const char *address)
{
    configure(address, 0);
}

static void open_one(const char *address)
{
    open_none(address);
    client = connect_client();
}

static void receive_packet(en_tcp_client_t *from)
{
    en_packet_t packet;
    check(en_tcp_client_recv_packet(from, TIMEOUT_MS, &packet), "recv_packet");
    consume(packet.data, packet.size);
    en_packet_release(&packet);
}

static void send_packet(const struct work *work, en_tcp_client_t *to)
{
    check(en_tcp_client_send_packet(to, payload, work->packet_size, TIMEOUT_MS), "send_packet");
}

static size_t receive(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++)
        receive_packet(client);
    return work->packets;
}

static size_t send_each(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++)
        send_packet(work, client);
    return work->packets;
}

static size_t ping_pong(const struct work *work)
{
    send_each(work);
    return receive(work);
}

static en_tcp_client_t *connect_and_ask(const struct work *work)
{
    en_tcp_client_t *new_one = connect_client();
    send_packet(work, new_one);
    receive_packet(new_one);
    return new_one;
}

static void close_client(en_tcp_client_t *one)
{
    check(en_tcp_client_close(one), "close");
    past_calls += calls_of(one);
    en_tcp_client_free(one);
}

static size_t connect_each(const struct work *work)
{
    close_client(connect_and_ask(work));
    return 1;
}

static size_t keep_each(const struct work *work)
{
    past_calls += calls_of(connect_and_ask(work));
    return 1;
}

static void open_many(const char *address, size_t sessions)
{
    const struct work first = {.packet_size = SMALL};
    en_tls_info_t *info;
    configure(address, sessions);
    connect_each(&first);
    en_tcp_client_t *second = connect_and_ask(&first);
    check(en_tcp_client_get_tls_info(second, &info), "TLS info");
    if (en_tls_info_is_resumed(info) != (sessions > 0))
        fail("handshake", sessions ? "it was not resumed" : "it was resumed");
    en_tls_info_free(info);
    close_client(second);
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
