/* UDP clients: making them, one datagram at a time, errors, closing. */
#include "family.h"
#include "peer.h"

#include <netinet/in.h>
#include <sys/syscall.h>
#include <unistd.h>

static unsigned char bytes[65600];

typedef struct {
    int fd; /* the peer, connected to the client */
    uint16_t port;
    en_udp_client_t *client;
    en_client_t *view;
} udp_t;

static en_udp_options_t *options_udp(void)
{
    en_udp_options_t *options;

    REQUIRE_OK(en_udp_options_new(&options));
    return options;
}

/* Connects and ends the options. */
static int dial(en_udp_client_t **out, const char *host, uint16_t port, en_udp_options_t *options)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    int rc = en_udp_client_connect(out, host, port, protocol, options);

    en_datagram_protocol_free(protocol);
    en_udp_options_free(options);
    return rc;
}

static void udp_open(udp_t *udp, const char *host, en_udp_options_t *options)
{
    udp->fd = udp_bound(host);
    udp->port = peer_port(udp->fd);
    udp->client = NULL;
    REQUIRE_OK(dial(&udp->client, host, udp->port, options));
    udp->view = en_udp_client_as_client(udp->client);
    connect_to(udp->fd, en_udp_client_fileno(udp->client));
}

static void udp_close(udp_t *udp)
{
    en_udp_client_free(udp->client);
    if (udp->fd >= 0)
        close(udp->fd);
}

static void datagrams_both_ways(void)
{
    en_stats_t stats = {.struct_size = sizeof(stats)};
    en_slice_t parts[] = {{"in ", 3}, {NULL, 0}, {"parts", 5}};
    udp_t udp;

    udp_open(&udp, "127.0.0.1", NULL);
    CHECK_OK(put_text(udp.view, "ping"));
    expect_datagram(udp.fd, "ping", 4);
    CHECK_OK(en_udp_client_send_packet_slices(udp.client, parts, 3, 20000));
    expect_datagram(udp.fd, "in parts", 8);
    peer_send_text(udp.fd, "one");
    peer_send_text(udp.fd, "two");
    CHECK_GET(udp.view, "one");
    CHECK_GET(udp.view, "two");
    CHECK_GET_FAILS(udp.view, 0, EN_ETIMEDOUT);
    CHECK_OK(en_udp_client_get_stats(udp.client, &stats));
    CHECK_INT(stats.packets_sent, 2);
    CHECK_INT(stats.bytes_sent, 12);
    CHECK_INT(stats.packets_received, 2);
    CHECK_INT(stats.bytes_received, 6);
    CHECK_INT(stats.send_calls, 2);
    udp_close(&udp);
}

static void empty_datagrams(void)
{
    char buffer[4];
    size_t size = 77;
    udp_t udp;

    udp_open(&udp, "127.0.0.1", NULL);
    CHECK_OK(en_udp_client_send_packet(udp.client, NULL, 0, 20000));
    expect_datagram(udp.fd, "", 0);
    CHECK(send(udp.fd, NULL, 0, 0) == 0);
    CHECK(send(udp.fd, NULL, 0, 0) == 0);
    peer_send_text(udp.fd, "after");
    CHECK_GET(udp.view, "");
    CHECK_OK(en_udp_client_recv_packet_into(udp.client, buffer, 0, 20000, &size));
    CHECK_INT(size, 0);
    CHECK_CODE(en_udp_client_recv_packet_into(udp.client, buffer, 4, 20000, &size), EN_EMSGSIZE);
    CHECK_INT(size, 5);
    CHECK_GET(udp.view, "after"); /* it waits for a larger buffer */
    udp_close(&udp);
}

static void a_timeout(void)
{
    int64_t start;
    udp_t udp;

    udp_open(&udp, "127.0.0.1", NULL);
    start = now_ms();
    CHECK_GET_FAILS(udp.view, 120, EN_ETIMEDOUT);
    CHECK_TOOK(start, 120);
    udp_close(&udp);
}

static void by_name_and_family(void)
{
    int fd = udp_bound("127.0.0.1");
    en_udp_options_t *options = options_udp();
    en_udp_client_t *client = NULL;
    en_address_t *address = NULL;

    CHECK_OK(en_udp_options_set_family(options, EN_FAMILY_IPV4));
    CHECK_CODE(en_udp_options_set_family(options, 5), EN_EINVAL);
    REQUIRE_OK(dial(&client, "localhost", peer_port(fd), options));
    CHECK_OK(put_text(en_udp_client_as_client(client), "by name"));
    expect_datagram(fd, "by name", 7);
    CHECK_OK(en_udp_client_get_remote_address(client, &address));
    CHECK_INT(en_address_family(address), EN_FAMILY_IPV4);
    en_address_free(address);
    en_udp_client_free(client);
    close(fd);
}

static void a_family_the_host_does_not_have(void)
{
    en_udp_options_t *options = options_udp();
    en_udp_client_t *client = (en_udp_client_t *)&options;
    int rc;

    CHECK_OK(en_udp_options_set_family(options, EN_FAMILY_IPV6));
    rc = dial(&client, "127.0.0.1", 9, options);
    CHECK(rc != EN_OK);
    CHECK(client == NULL);
    CHECK_MESSAGE("127.0.0.1");
}

static void a_peer_without_a_port(void)
{
    en_udp_client_t *client;

    CHECK_CODE(dial(&client, "127.0.0.1", 0, NULL), EN_EINVAL);
    CHECK(strstr(en_last_error_message(), "port 0"));
}

static void an_interface_that_does_not_exist(void)
{
    en_datagram_protocol_t *protocol = NULL;
    en_udp_client_t *client = NULL;

    CHECK_OK(en_datagram_protocol_new_raw(&protocol, 0));
    CHECK_CODE(en_udp_client_connect(&client, "fe80::1%nowhere0", 9, protocol, NULL), EN_ENODEV);
    CHECK_MESSAGE("resolve [fe80::1%nowhere0]:9: ");
    en_datagram_protocol_free(protocol);
}

static void a_local_address(void)
{
    int taken = udp_bound("127.0.0.1");
    uint16_t port = peer_port(taken);
    int peer = udp_bound("127.0.0.1");
    en_udp_options_t *options = options_udp();
    en_udp_client_t *client = NULL;
    en_address_t *address = NULL;

    CHECK_OK(en_udp_options_set_local_address(options, "127.0.0.1", port));
    CHECK_CODE(dial(&client, "127.0.0.1", peer_port(peer), options), EN_EADDRINUSE);
    CHECK(client == NULL);
    close(taken);
    options = options_udp();
    CHECK_OK(en_udp_options_set_local_address(options, "127.0.0.1", port));
    REQUIRE_OK(dial(&client, "127.0.0.1", peer_port(peer), options));
    CHECK_OK(en_udp_client_get_local_address(client, &address));
    CHECK_INT(en_address_port(address), port);
    en_address_free(address);
    en_udp_client_free(client);
    close(peer);
}

static void a_local_address_of_another_family(void)
{
    en_udp_options_t *options = options_udp();
    en_udp_client_t *client = NULL;

    CHECK_OK(en_udp_options_set_local_address(options, "::1", 0));
    CHECK_CODE(dial(&client, "127.0.0.1", 9, options), EN_EAFNOSUPPORT);
}

static void a_shared_port(void)
{
    int peer = udp_bound("127.0.0.1");
    en_udp_client_t *clients[2] = {NULL, NULL};
    en_address_t *address = NULL;
    uint16_t port = 0;

    for (int i = 0; i < 2; i++) {
        en_udp_options_t *options = options_udp();

        CHECK_OK(en_udp_options_set_reuse_port(options, 1));
        CHECK_OK(en_udp_options_set_local_address(options, "127.0.0.1", port));
        REQUIRE_OK(dial(&clients[i], "127.0.0.1", peer_port(peer), options));
        CHECK_OK(en_udp_client_get_local_address(clients[i], &address));
        port = en_address_port(address);
        en_address_free(address);
    }
    en_udp_client_free(clients[0]);
    en_udp_client_free(clients[1]);
    close(peer);
}

static int stranger = -1;

/* In place of the system's: the stranger sends to the socket right before it is connected. */
int connect(int fd, name_arg_t name, socklen_t size)
{
    struct sockaddr_storage own;
    socklen_t own_size = sizeof(own);

    if (stranger >= 0) {
        REQUIRE(getsockname(fd, (struct sockaddr *)&own, &own_size) == 0);
        for (int i = 0; i < 3; i++)
            REQUIRE(sendto(stranger, "stranger", 8, 0, (struct sockaddr *)&own, own_size) == 8);
    }
    return (int)syscall(SYS_connect, fd, NAME_OF(name), size);
}

static void what_came_before_the_connect_is_not_seen(void)
{
    int peer = udp_bound("127.0.0.1");
    en_udp_options_t *options = options_udp();
    en_udp_client_t *client = NULL;
    en_client_t *view;

    CHECK_OK(en_udp_options_set_local_address(options, "127.0.0.1", 0));
    stranger = udp_bound("127.0.0.1");
    CHECK_OK(dial(&client, "127.0.0.1", peer_port(peer), options));
    close(stranger);
    stranger = -1;
    REQUIRE(client);
    view = en_udp_client_as_client(client);
    CHECK_GET_FAILS(view, 0, EN_ETIMEDOUT);
    connect_to(peer, en_udp_client_fileno(client));
    peer_send_text(peer, "mine");
    CHECK_GET(view, "mine");
    en_udp_client_free(client);
    close(peer);
}

static void datagrams_of_others(void)
{
    int other = udp_bound("127.0.0.1");
    udp_t udp;

    udp_open(&udp, "127.0.0.1", NULL);
    connect_to(other, en_udp_client_fileno(udp.client));
    send(other, "other", 5, 0);
    peer_send_text(udp.fd, "mine");
    send(other, "other", 5, 0);
    CHECK_GET(udp.view, "mine");
    CHECK_GET_FAILS(udp.view, 0, EN_ETIMEDOUT);
    udp_close(&udp);
    close(other);
}

static void check_largest(const char *host, size_t most)
{
    en_slice_t parts[2] = {{bytes, 1000}, {bytes + 1000, most - 999}};
    size_t sent = 7;
    udp_t udp;

    udp_open(&udp, host, NULL);
    CHECK_OK(en_udp_client_send_packet(udp.client, bytes, most, 20000));
    expect_datagram(udp.fd, bytes, most);
    CHECK_CODE(en_udp_client_send_packet(udp.client, bytes, most + 1, 20000), EN_EMSGSIZE);
    CHECK_MESSAGE("not sent");
    CHECK_CODE(en_udp_client_send_packet_slices(udp.client, parts, 2, 20000), EN_EMSGSIZE);
    parts[1].size = most + 1;
    parts[1].data = bytes;
    CHECK_CODE(en_udp_client_send_packets(udp.client, parts, 2, 20000, &sent), EN_EMSGSIZE);
    CHECK_INT(sent, 1);
    expect_datagram(udp.fd, bytes, 1000);
    CHECK_OK(put_text(udp.view, "still usable"));
    expect_datagram(udp.fd, "still usable", 12);
    CHECK(send(udp.fd, bytes, most, 0) == (ssize_t)most);
    CHECK_GET_BYTES(udp.view, bytes, most);
    udp_close(&udp);
}

static void the_largest_of_ipv4(void)
{
    check_largest("127.0.0.1", 65507);
}

static void the_largest_of_ipv6(void)
{
    REQUIRE(peer_has_ipv6());
    check_largest("::1", 65527);
}

static void check_never_cut(int receive_offload)
{
    en_udp_options_t *options = options_udp();
    en_packet_t packets[4];
    size_t count = 7;
    size_t size = 0;
    udp_t udp;

    CHECK_OK(en_udp_options_set_max_datagram_size(options, 100));
    CHECK_OK(en_udp_options_set_receive_offload(options, receive_offload));
    udp_open(&udp, "127.0.0.1", options);
    CHECK_OK(en_udp_client_max_recv_size(udp.client, &size));
    CHECK_INT(size, 100);
    peer_send(udp.fd, bytes, 100);
    peer_send(udp.fd, bytes, 4321);
    peer_send(udp.fd, bytes, 101);
    peer_send_text(udp.fd, "next");
    CHECK_GET_BYTES(udp.view, bytes, 100);
    CHECK_GET_FAILS(udp.view, 20000, EN_EMSGSIZE);
    CHECK_MESSAGE("4321");
    CHECK_GET_FAILS(udp.view, 20000, EN_EMSGSIZE);
    CHECK_MESSAGE("101");
    CHECK_GET(udp.view, "next");
    peer_send_text(udp.fd, "before");
    peer_send(udp.fd, bytes, 555);
    peer_send_text(udp.fd, "behind");
    CHECK_OK(en_udp_client_recv_packets(udp.client, packets, 4, 20000, &count));
    CHECK_INT(count, 1);
    for (size_t i = 0; i < count; i++)
        en_packet_release(&packets[i]);
    CHECK_CODE(en_udp_client_recv_packets(udp.client, packets, 4, 20000, &count), EN_EMSGSIZE);
    CHECK_INT(count, 0);
    CHECK_MESSAGE("555");
    CHECK_GET(udp.view, "behind");
    udp_close(&udp);
}

static void a_datagram_is_never_cut(void)
{
    check_never_cut(0);
}

static void a_datagram_is_never_cut_with_offload(void)
{
    check_never_cut(1);
}

static void refused_once_and_usable(void)
{
    en_udp_client_t *client = NULL;
    en_client_t *view;
    int fd = udp_bound("127.0.0.1");
    uint16_t port = peer_port(fd);
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(port)};

    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    close(fd);
    REQUIRE_OK(dial(&client, "127.0.0.1", port, NULL));
    view = en_udp_client_as_client(client);
    CHECK_OK(put_text(view, "nobody there"));
    CHECK_GET_FAILS(view, 20000, EN_ECONNREFUSED);
    CHECK_GET_FAILS(view, 0, EN_ETIMEDOUT);
    CHECK_OK(put_text(view, "nobody there"));
    wait_readable(en_udp_client_fileno(client));
    fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    REQUIRE(bind(fd, (struct sockaddr *)&name, sizeof(name)) == 0);
    CHECK_CODE(put_text(view, "not sent"), EN_ECONNREFUSED);
    CHECK_OK(put_text(view, "sent"));
    expect_datagram(fd, "sent", 4);
    expect_no_datagram(fd);
    connect_to(fd, en_udp_client_fileno(client));
    peer_send_text(fd, "answer");
    CHECK_GET(view, "answer");
    en_udp_client_free(client);
    close(fd);
}

static void check_waking(int (*end)(en_udp_client_t *))
{
    waiter_t waiters[3];
    int64_t start;
    udp_t udp;

    udp_open(&udp, "127.0.0.1", NULL);
    for (int i = 0; i < 3; i++)
        waiter_receives(&waiters[i], udp.view);
    start = now_ms();
    CHECK_OK(end(udp.client));
    for (int i = 0; i < 3; i++)
        CHECK_CODE(waiter_end(&waiters[i]), EN_ECLOSED);
    CHECK_TOOK(start, 0);
    CHECK_INT(en_udp_client_is_closed(udp.client), 1);
    CHECK_INT(en_udp_client_fileno(udp.client), -1);
    CHECK_CODE(put_text(udp.view, "x"), EN_ECLOSED);
    CHECK_GET_FAILS(udp.view, EN_TIMEOUT_INFINITE, EN_ECLOSED);
    CHECK_OK(end(udp.client));
    udp_close(&udp);
}

static void close_wakes_a_receive(void)
{
    check_waking(en_udp_client_close);
}

static void abort_wakes_a_receive(void)
{
    check_waking(en_udp_client_abort);
}

static void check_refused(int fd, int code)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_udp_client_t *client = (en_udp_client_t *)&fd;

    CHECK_CODE(en_udp_client_from_fd(&client, fd, protocol, NULL), code);
    CHECK(client == NULL);
    if (fd >= 0) {
        CHECK(is_open(fd));
        close(fd);
    }
    en_datagram_protocol_free(protocol);
}

static void descriptors_that_are_refused(void)
{
    int ends[2];

    check_refused(-1, EN_EBADF);
    REQUIRE(pipe(ends) == 0);
    check_refused(ends[0], EN_ENOTSOCK);
    check_refused(ends[1], EN_ENOTSOCK);
    check_refused(peer_listen("127.0.0.1", 1), EN_EPROTOTYPE);
    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
    check_refused(ends[0], EN_EAFNOSUPPORT);
    check_refused(ends[1], EN_EAFNOSUPPORT);
    check_refused(udp_bound("127.0.0.1"), EN_ENOTCONN);
}

static void a_given_descriptor(void)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_udp_client_t *client = NULL;
    int ours = udp_bound("127.0.0.1");
    int peer = udp_bound("127.0.0.1");

    connect_to(ours, peer);
    connect_to(peer, ours);
    CHECK_CODE(en_udp_client_from_fd(&client, ours, NULL, NULL), EN_EINVAL);
    REQUIRE_OK(en_udp_client_from_fd(&client, ours, protocol, NULL));
    en_datagram_protocol_free(protocol);
    CHECK_INT(en_udp_client_fileno(client), ours);
    peer_send_text(peer, "hello");
    CHECK_GET(en_udp_client_as_client(client), "hello");
    CHECK_OK(en_udp_client_close(client));
    CHECK(!is_open(ours));
    en_udp_client_free(client);
    close(peer);
}

static const test_case_t cases[] = {
    CASE(datagrams_both_ways),
    CASE(empty_datagrams),
    CASE(a_timeout),
    CASE(by_name_and_family),
    CASE(a_family_the_host_does_not_have),
    CASE(a_peer_without_a_port),
    CASE(an_interface_that_does_not_exist),
    CASE(a_local_address),
    CASE(a_local_address_of_another_family),
    CASE(a_shared_port),
    CASE(what_came_before_the_connect_is_not_seen),
    CASE(datagrams_of_others),
    CASE(the_largest_of_ipv4),
    CASE(the_largest_of_ipv6),
    CASE(a_datagram_is_never_cut),
    CASE(a_datagram_is_never_cut_with_offload),
    CASE(refused_once_and_usable),
    CASE(close_wakes_a_receive),
    CASE(abort_wakes_a_receive),
    CASE(descriptors_that_are_refused),
    CASE(a_given_descriptor),
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * 7 + i / 251);
    return harness_run("udp", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
