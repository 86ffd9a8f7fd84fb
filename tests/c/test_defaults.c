/* What clients do that are told nothing is what the header says: without options, and with options
 * in which nothing was set. */
#include "family.h"
#include "wire.h"

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

static const test_case_t cases[] = {
    CASE(of_tcp),
    CASE(of_udp),
    CASE(of_unix_streams),
    CASE(of_unix_datagrams),
    CASE(of_packets_that_come),
    CASE(of_packets_that_go),
};

TEST_MAIN("defaults")
