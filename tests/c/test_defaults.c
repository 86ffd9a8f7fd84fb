/* What clients do that are told nothing is what the header says: without options, and with options
 * in which nothing was set. */
#include "async_wire.h"
#include "family.h"
#include "tls.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

/* What the system says of a descriptor. */
static int option_of(int fd, int level, int name)
{
    int value = -77;
    socklen_t size = sizeof(value);

    REQUIRE(getsockopt(fd, level, name, &value, &size) == 0);
    return value;
}

static void check_tcp(en_tcp_options_t *options)
{
    int plain = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    static const int as_the_system_has_it[] = {TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT,
                                               TCP_USER_TIMEOUT};
    size_t size = 7;
    wire_t wire;
    int fd;

    wire_open(&wire, protocol_line(), options);
    fd = en_tcp_client_fileno(wire.client);
    CHECK_INT(option_of(fd, IPPROTO_TCP, TCP_NODELAY), 1);
    CHECK_INT(option_of(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
    CHECK_INT(option_of(fd, SOL_SOCKET, SO_REUSEPORT), 0);
    for (size_t i = 0; i < sizeof(as_the_system_has_it) / sizeof(as_the_system_has_it[0]); i++)
        CHECK_INT(option_of(fd, IPPROTO_TCP, as_the_system_has_it[i]),
                  option_of(plain, IPPROTO_TCP, as_the_system_has_it[i]));
    CHECK_OK(en_tcp_client_max_recv_size(wire.client, &size));
    CHECK_INT(size, 16384);
    /* Nothing gathers. */
    CHECK_OK(send_text(wire.client, "at once"));
    peer_expect_text(wire.fd, "at once\n");
    wire_close(&wire);
    close(plain);
}

static void of_tcp(void)
{
    check_tcp(NULL);
    check_tcp(options_new());
}

static void check_udp(const en_udp_options_t *options)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_udp_client_t *client = NULL;
    int peer = udp_bound("127.0.0.1");
    size_t size = 7;
    int fd;

    REQUIRE_OK(en_udp_client_connect(&client, "127.0.0.1", peer_port(peer), protocol, options));
    fd = en_udp_client_fileno(client);
    CHECK_INT(option_of(fd, SOL_SOCKET, SO_REUSEPORT), 0);
    CHECK_INT(option_of(fd, IPPROTO_UDP, UDP_GRO), 0);
    CHECK_OK(en_udp_client_max_recv_size(client, &size));
    CHECK_INT(size, 65536);
    en_udp_client_free(client);
    en_datagram_protocol_free(protocol);
    close(peer);
}

static void of_udp(void)
{
    en_udp_options_t *options;

    REQUIRE_OK(en_udp_options_new(&options));
    check_udp(NULL);
    check_udp(options);
    en_udp_options_free(options);
}

static void check_unix_stream(const en_unix_stream_options_t *options)
{
    en_stream_protocol_t *protocol = protocol_line();
    en_unix_stream_client_t *client = NULL;
    en_unix_address_t *name = NULL;
    size_t size = 7;
    folder_t folder;
    int listener;

    folder_open(&folder);
    listener = unix_bound(SOCK_STREAM, folder.socket);
    REQUIRE(listen(listener, 4) == 0);
    REQUIRE_OK(en_unix_stream_client_connect_path(&client, folder.socket, protocol, options));
    CHECK_INT(option_of(en_unix_stream_client_fileno(client), SOL_SOCKET, SO_PASSCRED), 0);
    CHECK_OK(en_unix_stream_client_max_recv_size(client, &size));
    CHECK_INT(size, 16384);
    CHECK_OK(en_unix_stream_client_get_local_name(client, &name));
    CHECK_INT(en_unix_address_kind(name), EN_UNIX_UNNAMED);
    en_unix_address_free(name);
    en_unix_stream_client_free(client);
    en_stream_protocol_free(protocol);
    close(listener);
    folder_close(&folder);
}

static void of_unix_streams(void)
{
    en_unix_stream_options_t *options;

    REQUIRE_OK(en_unix_stream_options_new(&options));
    check_unix_stream(NULL);
    check_unix_stream(options);
    en_unix_stream_options_free(options);
}

static void check_unix_datagram(const en_unix_datagram_options_t *options)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_unix_datagram_client_t *client = NULL;
    en_unix_address_t *name = NULL;
    size_t size = 7;
    folder_t folder;
    int peer;

    folder_open(&folder);
    peer = unix_bound(SOCK_DGRAM, folder.socket);
    REQUIRE_OK(en_unix_datagram_client_connect_path(&client, folder.socket, protocol, options));
    CHECK_INT(option_of(en_unix_datagram_client_fileno(client), SOL_SOCKET, SO_PASSCRED), 0);
    CHECK_OK(en_unix_datagram_client_max_recv_size(client, &size));
    CHECK_INT(size, 65536);
    CHECK_OK(en_unix_datagram_client_get_local_name(client, &name));
    CHECK_INT(en_unix_address_kind(name), EN_UNIX_ABSTRACT);
    en_unix_address_free(name);
    en_unix_datagram_client_free(client);
    en_datagram_protocol_free(protocol);
    close(peer);
    folder_close(&folder);
}

static void of_unix_datagrams(void)
{
    en_unix_datagram_options_t *options;

    REQUIRE_OK(en_unix_datagram_options_new(&options));
    check_unix_datagram(NULL);
    check_unix_datagram(options);
    en_unix_datagram_options_free(options);
}

/* A length of the largest packet is waited for, one more is refused before a byte of it has come.
 */
static void of_packets_that_come(void)
{
    static const unsigned char largest[] = {1, 0, 0, 0};
    static const unsigned char larger[] = {1, 0, 0, 1};
    en_stream_protocol_t *protocol;
    wire_t wire;

    CHECK_INT(EN_MAX_PACKET_SIZE_DEFAULT, 16 << 20);
    for (int i = 0; i < 2; i++) {
        REQUIRE_OK(
            en_stream_protocol_new_length_prefixed(&protocol, EN_LENGTH_U32, EN_BIG_ENDIAN, 0, 0));
        wire_open(&wire, protocol, NULL);
        peer_send(wire.fd, i == 0 ? largest : larger, 4);
        wire_wait_arrived(&wire);
        CHECK_RECV_FAILS(wire.client, 0, i == 0 ? EN_ETIMEDOUT : EN_EMSGSIZE);
        wire_close(&wire);
    }
}

/* Nothing of a packet above the maximum goes out. */
static void of_packets_that_go(void)
{
    char *bytes = calloc(1, EN_MAX_PACKET_SIZE_DEFAULT + 1);
    en_stream_protocol_t *protocols[3];

    REQUIRE(bytes != NULL);
    protocols[0] = protocol_line();
    REQUIRE_OK(en_stream_protocol_new_delimited(&protocols[1], "end", 3, 0));
    REQUIRE_OK(en_stream_protocol_new_length_prefixed(&protocols[2], EN_LENGTH_VARINT, 0, 0, 0));
    for (size_t i = 0; i < 3; i++) {
        wire_t wire;

        wire_open(&wire, protocols[i], NULL);
        CHECK_CODE(en_tcp_client_send_packet(wire.client, bytes, EN_MAX_PACKET_SIZE_DEFAULT + 1, 0),
                   EN_EMSGSIZE);
        CHECK_INT(wire_stats(&wire).bytes_sent, 0);
        /* One byte less is sent, until the peer who does not read is to be waited for. */
        CHECK_CODE(en_tcp_client_send_packet(wire.client, bytes, EN_MAX_PACKET_SIZE_DEFAULT, 0),
                   EN_ETIMEDOUT);
        CHECK(wire_stats(&wire).bytes_sent > 0);
        wire_close(&wire);
    }
    free(bytes);
}

/* How long the loop may sleep by what it waits for; -1: until something comes. */
static int64_t longest_sleep(en_loop_t *loop)
{
    int64_t timeout = -77;

    CHECK_OK(en_loop_next_timeout(loop, &timeout));
    return timeout;
}

/* A time-out of so many milliseconds has just begun. */
static void check_begun(en_loop_t *loop, int64_t ms)
{
    int64_t left = longest_sleep(loop);

    CHECK(left <= ms && left > ms - SLACK_MS);
}

/* A client that has begun to connect to these ports of this machine. */
static en_async_tcp_client_t *connecting(en_loop_t *loop, const uint16_t *ports, size_t count,
                                         const en_tcp_options_t *options)
{
    en_stream_protocol_t *lines = protocol_line();
    en_async_tcp_client_t *client = NULL;
    en_address_t *addresses[2];

    for (size_t i = 0; i < count; i++)
        REQUIRE_OK(en_address_new(&addresses[i], "127.0.0.1", ports[i]));
    REQUIRE_OK(en_async_tcp_client_new_addresses(
        &client, loop, (const en_address_t *const *)addresses, count, lines, options));
    for (size_t i = 0; i < count; i++)
        en_address_free(addresses[i]);
    en_stream_protocol_free(lines);
    CHECK_OK(en_async_tcp_client_wait_connected(client, EN_TIMEOUT_INFINITE, NULL, NULL, NULL));
    CHECK_OK(en_loop_run_once(loop, 0));
    return client;
}

/* What is too long to be waited for can be seen on a loop. */
static void of_connecting(void)
{
    en_tls_config_t *config = tls_client_config(tls_trusting());
    en_tcp_options_t *secure = options_new();
    en_loop_t *loop = loop_new();
    en_async_tcp_client_t *client;
    silent_peer_t silent[2];
    uint16_t ports[2];
    int listener = peer_listen("127.0.0.1", 4); /* the system accepts, nobody answers */

    for (int i = 0; i < 2; i++) {
        silent_peer_open(&silent[i], "127.0.0.1");
        ports[i] = peer_port(silent[i].listener);
    }
    client = connecting(loop, ports, 1, NULL);
    CHECK_INT(longest_sleep(loop), -1);
    en_async_tcp_client_free(client);
    client = connecting(loop, ports, 2, NULL);
    check_begun(loop, 250);
    en_async_tcp_client_free(client);
    CHECK_OK(en_tcp_options_set_tls(secure, config, ""));
    ports[0] = peer_port(listener);
    client = connecting(loop, ports, 1, secure);
    while (longest_sleep(loop) < 0)
        CHECK_OK(en_loop_run_once(loop, 1000));
    check_begun(loop, 60000);
    en_async_tcp_client_free(client);
    en_loop_free(loop);
    en_tcp_options_free(secure);
    en_tls_config_free(config);
    for (int i = 0; i < 2; i++)
        silent_peer_close(&silent[i]);
    close(listener);
}

static void of_closing(void)
{
    static char large[8 << 20];
    async_wire_t side;

    async_wire_open(&side, NULL);
    CHECK_OK(en_async_tcp_client_send_packet(side.client, large, sizeof(large), EN_TIMEOUT_INFINITE,
                                             NULL, NULL, NULL));
    CHECK_INT(longest_sleep(side.loop), 0);
    CHECK_OK(en_loop_run_once(side.loop, 0));
    CHECK_INT(longest_sleep(side.loop), -1);
    CHECK_OK(en_async_tcp_client_close(side.client, EN_TIMEOUT_INFINITE, NULL, NULL, NULL));
    CHECK_OK(en_loop_run_once(side.loop, 0));
    check_begun(side.loop, 30000);
    async_wire_close(&side);
}

static const test_case_t cases[] = {
    CASE(of_tcp),
    CASE(of_udp),
    CASE(of_unix_streams),
    CASE(of_unix_datagrams),
    CASE(of_packets_that_come),
    CASE(of_packets_that_go),
    CASE(of_connecting),
    CASE(of_closing),
};

TEST_MAIN("defaults")
