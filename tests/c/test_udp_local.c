/* The near end of UDP clients: ports that are shared or not, addresses that fit the family or not,
 * options that cannot be. */
#include "family.h"
#include "peer.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/time.h>
#include <unistd.h>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

static en_udp_options_t *options_new(const char *host, uint16_t port, int reuse_port)
{
    en_udp_options_t *options;

    REQUIRE_OK(en_udp_options_new(&options));
    CHECK_OK(en_udp_options_set_local_address(options, host, port));
    CHECK_OK(en_udp_options_set_reuse_port(options, reuse_port));
    return options;
}

/* Connects and ends the options. */
static int dial(en_udp_client_t **out, int peer, en_udp_options_t *options)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    int rc = en_udp_client_connect(out, "127.0.0.1", peer_port(peer), protocol, options);

    en_datagram_protocol_free(protocol);
    en_udp_options_free(options);
    return rc;
}

static uint16_t port_of(const en_udp_client_t *client)
{
    en_address_t *address = NULL;
    uint16_t port;

    REQUIRE_OK(en_udp_client_get_local_address(client, &address));
    port = (uint16_t)en_address_port(address);
    en_address_free(address);
    return port;
}

static void check_talks(en_udp_client_t *client, int peer, const char *text)
{
    en_client_t *view = en_udp_client_as_client(client);

    CHECK_OK(put_text(view, text));
    expect_datagram(peer, text, strlen(text));
    connect_to(peer, en_udp_client_fileno(client));
    peer_send_text(peer, text);
    CHECK_GET(view, text);
}

/* Two clients with one port and different peers: each hears its own. */
static void a_port_that_both_share(void)
{
    int peers[2] = {udp_bound("127.0.0.1"), udp_bound("127.0.0.1")};
    en_udp_client_t *clients[2] = {NULL, NULL};
    int64_t value = 0;

    REQUIRE_OK(dial(&clients[0], peers[0], options_new("127.0.0.1", 0, 1)));
    REQUIRE_OK(dial(&clients[1], peers[1], options_new("127.0.0.1", port_of(clients[0]), 1)));
    CHECK_INT(port_of(clients[1]), port_of(clients[0]));
    CHECK_OK(en_udp_client_get_option(clients[1], EN_OPTION_REUSE_PORT, &value));
    CHECK_INT(value, 1);
    check_talks(clients[0], peers[0], "one");
    check_talks(clients[1], peers[1], "two");
    CHECK_GET_FAILS(en_udp_client_as_client(clients[0]), 0, EN_ETIMEDOUT);
    for (int i = 0; i < 2; i++) {
        en_udp_client_free(clients[i]);
        close(peers[i]);
    }
}

/* Both must have asked for it. */
static void check_not_shared(int first, int second)
{
    int peer = udp_bound("127.0.0.1");
    en_udp_client_t *clients[2] = {NULL, (en_udp_client_t *)&peer};
    uint16_t port;

    REQUIRE_OK(dial(&clients[0], peer, options_new("127.0.0.1", 0, first)));
    port = port_of(clients[0]);
    CHECK_CODE(dial(&clients[1], peer, options_new("127.0.0.1", port, second)), EN_EADDRINUSE);
    CHECK(clients[1] == NULL);
    CHECK_MESSAGE("127.0.0.1");
    en_udp_client_free(clients[0]);
    REQUIRE_OK(dial(&clients[0], peer, options_new("127.0.0.1", port, second))); /* now free */
    en_udp_client_free(clients[0]);
    close(peer);
}

static void a_port_that_not_both_share(void)
{
    check_not_shared(0, 0);
    check_not_shared(1, 0);
    check_not_shared(0, 1);
}

/* Sharing is off by default, and says nothing without an address to share. */
static void without_a_local_address(void)
{
    int peer = udp_bound("127.0.0.1");
    en_udp_client_t *client = NULL;
    en_udp_options_t *options;
    int64_t value = 7;

    REQUIRE_OK(dial(&client, peer, NULL));
    CHECK_OK(en_udp_client_get_option(client, EN_OPTION_REUSE_PORT, &value));
    CHECK_INT(value, 0);
    en_udp_client_free(client);
    REQUIRE_OK(en_udp_options_new(&options));
    CHECK_OK(en_udp_options_set_reuse_port(options, 1));
    REQUIRE_OK(dial(&client, peer, options));
    check_talks(client, peer, "alone");
    en_udp_client_free(client);
    close(peer);
}

static void a_port_alone(void)
{
    int peer = udp_bound("127.0.0.1");
    int taken = udp_bound("127.0.0.1");
    uint16_t port = peer_port(taken);
    en_udp_client_t *client = NULL;

    CHECK_CODE(dial(&client, peer, options_new(NULL, port, 0)), EN_EADDRINUSE);
    close(taken);
    REQUIRE_OK(dial(&client, peer, options_new(NULL, port, 0)));
    CHECK_INT(port_of(client), port);
    check_talks(client, peer, "any host");
    en_udp_client_free(client);
    close(peer);
}

/* Any host is one of the peer's family. */
static void a_port_alone_on_ipv6(void)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_udp_options_t *options = options_new(NULL, 0, 0);
    int peer = udp_bound("::1");
    en_udp_client_t *client = NULL;

    REQUIRE_OK(en_udp_client_connect(&client, "::1", peer_port(peer), protocol, options));
    check_talks(client, peer, "any host");
    en_udp_client_free(client);
    en_udp_options_free(options);
    en_datagram_protocol_free(protocol);
    close(peer);
}

static void addresses_that_are_not_ours(void)
{
    int peer = udp_bound("127.0.0.1");
    en_udp_client_t *client = (en_udp_client_t *)&peer;

    CHECK_CODE(dial(&client, peer, options_new("192.0.2.1", 0, 0)), EN_EADDRNOTAVAIL);
    CHECK(client == NULL);
    CHECK_MESSAGE("127.0.0.1");
    CHECK_CODE(dial(&client, peer, options_new("::1", 0, 1)), EN_EAFNOSUPPORT);
    close(peer);
}

static void values_that_cannot_be(void)
{
    en_udp_options_t *options = options_new("127.0.0.1", 0, 0);
    static const int not_switches[] = {2, -1, 1 << 30};

    for (size_t i = 0; i < sizeof(not_switches) / sizeof(not_switches[0]); i++) {
        CHECK_CODE(en_udp_options_set_reuse_port(options, not_switches[i]), EN_EINVAL);
        CHECK_CODE(en_udp_options_set_receive_offload(options, not_switches[i]), EN_EINVAL);
    }
    CHECK_CODE(en_udp_options_set_local_address(options, "", 0), EN_EINVAL);
    CHECK_CODE(en_udp_options_set_max_datagram_size(options, (1 << 30) + 1), EN_EINVAL);
    CHECK_OK(en_udp_options_set_max_datagram_size(options, 1 << 30));
    CHECK_CODE(en_udp_options_set_busy_poll(options, 1000001), EN_EINVAL);
    CHECK_CODE(en_udp_options_set_retry_interval(options, 10, NULL, NULL, NULL), EN_EINVAL);
    en_udp_options_free(options);
}

/* What the library has to know of is an option of its own. */
static void what_is_not_set_behind_its_back(void)
{
    int peer = udp_bound("127.0.0.1");
    en_udp_client_t *client = NULL;
    struct timeval time = {1, 0};
    int on = 1;

    REQUIRE_OK(dial(&client, peer, options_new("127.0.0.1", 0, 0)));
    CHECK_CODE(en_udp_client_setsockopt(client, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)), EN_EINVAL);
    CHECK_MESSAGE("en_udp_options_set_receive_offload");
    CHECK_CODE(en_udp_client_setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)),
               EN_EINVAL);
    CHECK_OK(en_udp_client_setsockopt(client, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on)));
    en_udp_client_free(client);
    close(peer);
}

static const test_case_t cases[] = {
    CASE(a_port_that_both_share),  CASE(a_port_that_not_both_share),
    CASE(without_a_local_address), CASE(a_port_alone),
    CASE(a_port_alone_on_ipv6),    CASE(addresses_that_are_not_ours),
    CASE(values_that_cannot_be),   CASE(what_is_not_set_behind_its_back),
};

TEST_MAIN("udp_local")
