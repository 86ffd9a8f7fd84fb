/* ICMP errors on UDP clients: nobody receives at the peer's port. Each is reported once, by the
 * next call, whichever that is, and the client goes on. */
#include "family.h"
#include "peer.h"

#include <netinet/in.h>
#include <unistd.h>

typedef struct {
    const char *host;
    struct sockaddr_storage name; /* where nobody receives */
    socklen_t name_size;
    en_udp_client_t *client;
    en_client_t *view;
} refused_t;

static void refused_open(refused_t *refused, const char *host)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    int fd = udp_bound(host);

    refused->host = host;
    refused->name_size = sizeof(refused->name);
    REQUIRE(getsockname(fd, (struct sockaddr *)&refused->name, &refused->name_size) == 0);
    REQUIRE_OK(en_udp_client_connect(&refused->client, host, peer_port(fd), protocol, NULL));
    refused->view = en_udp_client_as_client(refused->client);
    en_datagram_protocol_free(protocol);
    close(fd);
}

/* Sends a datagram into the void, and waits until the answer is there. */
static void provoke(refused_t *refused)
{
    CHECK_OK(put_text(refused->view, "nobody there"));
    wait_readable(en_udp_client_fileno(refused->client));
}

/* Now somebody receives. */
static int appear(refused_t *refused)
{
    int fd = socket(refused->name.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    REQUIRE(fd >= 0);
    REQUIRE(bind(fd, (struct sockaddr *)&refused->name, refused->name_size) == 0);
    return fd;
}

/* Ends it, after looking whether all is well. */
static void refused_close(refused_t *refused)
{
    int fd = appear(refused);

    CHECK_GET_FAILS(refused->view, 0, EN_ETIMEDOUT);
    CHECK_OK(put_text(refused->view, "usable"));
    expect_datagram(fd, "usable", 6);
    expect_no_datagram(fd);
    connect_to(fd, en_udp_client_fileno(refused->client));
    peer_send_text(fd, "answer");
    CHECK_GET(refused->view, "answer");
    CHECK_INT(en_udp_client_is_closed(refused->client), 0);
    en_udp_client_free(refused->client);
    close(fd);
}

static void check_receives(const char *host)
{
    en_packet_t packets[2];
    en_packet_iter_t *iter = NULL;
    char buffer[10];
    size_t count = 7;
    refused_t refused;

    refused_open(&refused, host);
    provoke(&refused);
    CHECK_GET_FAILS(refused.view, 20000, EN_ECONNREFUSED);
    CHECK_GET_FAILS(refused.view, 0, EN_ETIMEDOUT);
    provoke(&refused);
    CHECK_GET_FAILS(refused.view, 0, EN_ECONNREFUSED); /* also without waiting */
    provoke(&refused);
    CHECK_CODE(en_udp_client_recv_packets(refused.client, packets, 2, 20000, &count),
               EN_ECONNREFUSED);
    CHECK_INT(count, 0);
    provoke(&refused);
    CHECK_CODE(en_udp_client_recv_packet_into(refused.client, buffer, 10, 20000, &count),
               EN_ECONNREFUSED);
    REQUIRE_OK(en_udp_client_iter_received_packets(&iter, refused.client, 100));
    provoke(&refused);
    CHECK_CODE(en_packet_iter_next(iter, &packets[0]), EN_ECONNREFUSED);
    CHECK_CODE(en_packet_iter_next(iter, &packets[0]), EN_ETIMEDOUT);
    en_packet_iter_free(iter);
    refused_close(&refused);
}

static void receives_report_it_once(void)
{
    check_receives("127.0.0.1");
}

static void receives_report_it_once_on_ipv6(void)
{
    REQUIRE(peer_has_ipv6());
    check_receives("::1");
}

static void a_receive_that_waits_is_told(void)
{
    refused_t refused;
    waiter_t waiter;
    int64_t start;

    refused_open(&refused, "127.0.0.1");
    waiter_receives(&waiter, refused.view);
    start = now_ms();
    CHECK_OK(put_text(refused.view, "nobody there"));
    CHECK_CODE(waiter_end(&waiter), EN_ECONNREFUSED);
    CHECK_TOOK(start, 0);
    refused_close(&refused);
}

/* A send that reports it has sent nothing, and says so. */
static void check_sends(const char *host)
{
    en_slice_t parts[] = {{"not ", 4}, {"sent", 4}};
    en_slice_t alike[] = {{"1", 1}, {"2", 1}, {"3", 1}};
    en_slice_t different[] = {{"a", 1}, {"bb", 2}, {"ccc", 3}};
    size_t sent = 7;
    refused_t refused;

    refused_open(&refused, host);
    provoke(&refused);
    CHECK_CODE(put_text(refused.view, "not sent"), EN_ECONNREFUSED);
    CHECK_MESSAGE("send ");
    CHECK_MESSAGE("not sent");
    provoke(&refused); /* which is sent: it was reported once */
    CHECK_CODE(en_udp_client_send_packet_slices(refused.client, parts, 2, 20000), EN_ECONNREFUSED);
    provoke(&refused);
    CHECK_CODE(en_udp_client_send_packets(refused.client, alike, 3, 20000, &sent), EN_ECONNREFUSED);
    CHECK_INT(sent, 0);
    provoke(&refused);
    sent = 7;
    CHECK_CODE(en_udp_client_send_packets(refused.client, different, 3, 20000, &sent),
               EN_ECONNREFUSED);
    CHECK_INT(sent, 0);
    refused_close(&refused);
}

static void sends_report_it_once(void)
{
    check_sends("127.0.0.1");
}

static void sends_report_it_once_on_ipv6(void)
{
    REQUIRE(peer_has_ipv6());
    check_sends("::1");
}

/* A batch may be stopped by the answer to its own first datagrams: what went is counted. */
static void a_batch_into_the_void(void)
{
    en_stats_t stats = {.struct_size = sizeof(stats)};
    en_slice_t packets[200];
    size_t sent = 999;
    refused_t refused;
    int rc;

    for (size_t i = 0; i < 200; i++)
        packets[i] = (en_slice_t){"0123456789", 1 + i % 10};
    refused_open(&refused, "127.0.0.1");
    rc = en_udp_client_send_packets(refused.client, packets, 200, 20000, &sent);
    CHECK_CODE(rc, EN_ECONNREFUSED);
    CHECK(sent > 0 && sent < 200);
    CHECK_OK(en_udp_client_get_stats(refused.client, &stats));
    CHECK_INT(stats.packets_sent, sent);
    while (en_udp_client_send_packet(refused.client, "x", 1, 0) != EN_ECONNREFUSED)
        ;
    refused_close(&refused);
}

/* Data that came before the error is not lost by it. */
static void data_beside_the_error(void)
{
    refused_t refused;
    int fd;

    refused_open(&refused, "127.0.0.1");
    fd = appear(&refused);
    connect_to(fd, en_udp_client_fileno(refused.client));
    peer_send_text(fd, "last words");
    close(fd);
    provoke(&refused);
    CHECK_GET_FAILS(refused.view, 20000, EN_ECONNREFUSED);
    CHECK_GET(refused.view, "last words");
    refused_close(&refused);
}

static void addresses_stay(void)
{
    en_address_t *local = NULL;
    en_address_t *remote = NULL;
    en_address_t *want = NULL;
    refused_t refused;

    refused_open(&refused, "127.0.0.1");
    REQUIRE_OK(en_address_from_sockaddr(&want, &refused.name, refused.name_size));
    provoke(&refused);
    CHECK_GET_FAILS(refused.view, 20000, EN_ECONNREFUSED);
    CHECK_OK(en_udp_client_close(refused.client));
    CHECK_OK(en_udp_client_get_remote_address(refused.client, &remote));
    CHECK_INT(en_address_equal(remote, want), 1);
    CHECK_OK(en_udp_client_get_local_address(refused.client, &local));
    CHECK(en_address_port(local) > 0);
    en_address_free(local);
    en_address_free(remote);
    en_address_free(want);
    en_udp_client_free(refused.client);
}

static const test_case_t cases[] = {
    CASE_BLOCKING(receives_report_it_once),
    CASE_BLOCKING(receives_report_it_once_on_ipv6),
    CASE(a_receive_that_waits_is_told),
    CASE(sends_report_it_once),
    CASE(sends_report_it_once_on_ipv6),
    CASE(a_batch_into_the_void),
    CASE(data_beside_the_error),
    CASE(addresses_stay),
};

TEST_MAIN("udp_refused")
