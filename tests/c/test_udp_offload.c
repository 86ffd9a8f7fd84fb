/* UDP datagrams that the system hands over together when receiving (UDP_GRO): that it does so, and
 * what happens where it refuses. The program puts a recvmsg and a setsockopt of its own in place of
 * the system's. */

/* With 64-bit times on 32 bits they would be called __recvmsg64 and so on, and replace nothing. */
#undef _TIME_BITS

#include "async.h"
#include "family.h"
#include "peer.h"
#include "udp_pair.h"

#include <errno.h>
#include <linux/net_tstamp.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum { COUNT = 40, SIZE = 1000 };

/* What the system says to UDP_GRO; 0: what it says by itself. */
static int coalesce_errno;
/* What it says to who receives what may be joined. */
static int receive_errno;

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    if (receive_errno) {
        errno = receive_errno;
        return -1;
    }
    return syscall(SYS_recvmsg, fd, message, flags);
}

int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    if (coalesce_errno && level == IPPROTO_UDP && name == UDP_GRO) {
        errno = coalesce_errno;
        return -1;
    }
    return (int)syscall(SYS_setsockopt, fd, level, name, value, size);
}

/* The peer sends COUNT datagrams and half a one at once: they come one by one. How many calls it
 * took. */
static uint64_t receive_alike(udp_t *udp)
{
    uint64_t before = udp_stats(udp).recv_calls;

    udp_send_segments(udp->fd, COUNT * SIZE + SIZE / 2, SIZE);
    for (size_t i = 0; i < COUNT; i++)
        CHECK_GET_BYTES(udp->view, bytes + i * SIZE, SIZE);
    CHECK_GET_BYTES(udp->view, bytes + COUNT * SIZE, SIZE / 2);
    return udp_stats(udp).recv_calls - before;
}

static int is_coalesced(const udp_t *udp)
{
    int on = -1;
    size_t size = sizeof(on);

    CHECK_OK(en_udp_client_getsockopt(udp->client, IPPROTO_UDP, UDP_GRO, &on, &size));
    return on;
}

static void check_offload(const char *host)
{
    udp_t udp;

    udp_open(&udp, host, 1);
    CHECK_INT(is_coalesced(&udp), 1);
    CHECK_INT(receive_alike(&udp), 1);
    CHECK_INT(udp_stats(&udp).packets_received, COUNT + 1);
    CHECK_INT(udp_stats(&udp).bytes_received, COUNT * SIZE + SIZE / 2);
    CHECK_INT(en_udp_client_has_buffered(udp.client), 0);
    udp_close(&udp);
    udp_open(&udp, host, 0); /* off, each takes a call of its own */
    CHECK_INT(is_coalesced(&udp), 0);
    CHECK(receive_alike(&udp) >= COUNT + 1);
    udp_close(&udp);
}

static void receive_offload_takes_fewer_calls(void)
{
    check_offload("127.0.0.1");
}

static void receive_offload_takes_fewer_calls_on_ipv6(void)
{
    REQUIRE(peer_has_ipv6());
    check_offload("::1");
}

static void a_batch_takes_one_call(void)
{
    en_packet_t packets[COUNT + 1];
    size_t count = 0;
    uint64_t before;
    udp_t udp;

    udp_open(&udp, "127.0.0.1", 1);
    udp_send_segments(udp.fd, COUNT * SIZE, SIZE);
    before = udp_stats(&udp).recv_calls;
    CHECK_OK(en_udp_client_recv_packets(udp.client, packets, COUNT, 20000, &count));
    REQUIRE(count == COUNT);
    CHECK_INT(udp_stats(&udp).recv_calls - before, 1);
    for (size_t i = 0; i < count; i++) {
        CHECK_BYTES(packets[i].data, packets[i].size, bytes + i * SIZE, SIZE);
        en_packet_release(&packets[i]);
    }
    udp_close(&udp);
}

static void a_system_that_cannot_coalesce(void)
{
    udp_t udp;

    coalesce_errno = ENOPROTOOPT;
    udp_open(&udp, "127.0.0.1", 1);
    coalesce_errno = 0;
    CHECK_INT(is_coalesced(&udp), 0);
    CHECK(receive_alike(&udp) >= COUNT + 1);
    udp_close(&udp);
}

/* A connected socket for which the application has turned it on, and its peer. */
static int coalescing(int *peer)
{
    int fd = udp_bound("127.0.0.1");
    int on = 1;

    *peer = udp_bound("127.0.0.1");
    connect_to(fd, *peer);
    connect_to(*peer, fd);
    REQUIRE(setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)) == 0);
    return fd;
}

/* Of a given socket it is the application's: the option is of those that connect. */
static void a_given_socket_is_left_as_it_is(void)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_udp_options_t *options = NULL;
    udp_t udp = {.fd = udp_bound("127.0.0.1")};
    int fd = udp_bound("127.0.0.1");

    connect_to(fd, udp.fd);
    REQUIRE_OK(en_udp_options_new(&options));
    CHECK_OK(en_udp_options_set_receive_offload(options, 1));
    REQUIRE_OK(en_udp_client_from_fd(&udp.client, fd, protocol, options));
    CHECK_INT(is_coalesced(&udp), 0);
    en_udp_options_free(options);
    en_datagram_protocol_free(protocol);
    udp_close(&udp);
}

static void a_given_socket(void)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    int fd;
    udp_t udp;

    fd = coalescing(&udp.fd);
    REQUIRE_OK(en_udp_client_from_fd(&udp.client, fd, protocol, NULL));
    en_datagram_protocol_free(protocol);
    udp.view = en_udp_client_as_client(udp.client);
    CHECK_INT(receive_alike(&udp), 1);
    udp_close(&udp);
}

/* Receives those that begin so far within the bytes, each of this size but the last. */
static void check_endpoint_receives(en_datagram_endpoint_t *endpoint, size_t begin, size_t end)
{
    en_packet_t packet = {0};

    for (size_t place = begin; place < end; place += SIZE) {
        CHECK_OK(en_datagram_endpoint_recv_packet(endpoint, 20000, &packet));
        CHECK_BYTES(packet.data, packet.size, bytes + place,
                    end - place < SIZE ? end - place : SIZE);
        en_packet_release(&packet);
    }
}

static void an_endpoint_over_a_given_socket(void)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_datagram_transport_t *transport = NULL;
    en_datagram_endpoint_t *endpoint = NULL;
    int peer;

    REQUIRE_OK(en_datagram_transport_from_fd(&transport, coalescing(&peer), NULL));
    REQUIRE_OK(en_datagram_endpoint_new(&endpoint, transport, protocol, NULL));
    udp_send_segments(peer, 2 * SIZE + 1, SIZE);
    check_endpoint_receives(endpoint, 0, 2 * SIZE + 1);
    en_datagram_endpoint_free(endpoint);
    en_datagram_transport_free(transport);
    en_datagram_protocol_free(protocol);
    close(peer);
}

/* Also alone, and whether there is room for all of them or not. */
static void a_transport_over_a_given_socket(void)
{
    en_datagram_transport_t *transport = NULL;
    en_packet_t packet = {0};
    char small[10];
    size_t size = 7;
    int fd = -1;
    int peer;

    REQUIRE_OK(en_datagram_transport_from_fd(&transport, coalescing(&peer), NULL));
    udp_send_segments(peer, 2 * SIZE + 1, SIZE);
    CHECK_OK(en_datagram_transport_recv(transport, 20000, &packet));
    CHECK_BYTES(packet.data, packet.size, bytes, SIZE);
    en_packet_release(&packet);
    CHECK_CODE(en_datagram_transport_recv_into(transport, small, sizeof(small), 20000, &size),
               EN_EMSGSIZE);
    CHECK_INT(size, SIZE);
    CHECK_BYTES(small, sizeof(small), bytes + SIZE, sizeof(small));
    CHECK_OK(en_datagram_transport_recv_into_noblock(transport, small, sizeof(small), &size, &fd));
    CHECK_BYTES(small, size, bytes + 2 * SIZE, 1);
    CHECK_CODE(en_datagram_transport_recv_noblock(transport, &packet, &fd), EN_WANT_READ);
    CHECK(send(peer, "alone", 5, 0) == 5);
    CHECK(send(peer, "", 0, 0) == 0);
    CHECK_OK(en_datagram_transport_recv_into(transport, small, sizeof(small), 20000, &size));
    CHECK_BYTES(small, size, "alone", 5);
    CHECK_OK(en_datagram_transport_recv_into(transport, small, sizeof(small), 20000, &size));
    CHECK_INT(size, 0);
    CHECK_CODE(en_datagram_transport_recv_noblock(transport, &packet, &fd), EN_WANT_READ);
    en_datagram_transport_free(transport);
    close(peer);
}

/* What one who receives alone has left, an endpoint over the same transport goes on with. */
static void what_came_together_waits_for_all(void)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_datagram_transport_t *transport = NULL;
    en_datagram_endpoint_t *endpoint = NULL;
    en_packet_t packet = {0};
    int peer;

    REQUIRE_OK(en_datagram_transport_from_fd(&transport, coalescing(&peer), NULL));
    REQUIRE_OK(en_datagram_endpoint_new(&endpoint, transport, protocol, NULL));
    udp_send_segments(peer, 3 * SIZE, SIZE);
    CHECK_OK(en_datagram_transport_recv(transport, 20000, &packet));
    en_packet_release(&packet);
    check_endpoint_receives(endpoint, SIZE, 3 * SIZE);
    CHECK_CODE(en_datagram_endpoint_recv_packet(endpoint, 0, &packet), EN_ETIMEDOUT);
    en_datagram_endpoint_free(endpoint);
    en_datagram_transport_free(transport);
    en_datagram_protocol_free(protocol);
    close(peer);
}

/* A client that was made without it would take many datagrams for one. */
static void it_is_not_switched_on_later(void)
{
    int on = 1;
    udp_t udp;

    udp_open(&udp, "127.0.0.1", 0);
    CHECK_CODE(en_udp_client_setsockopt(udp.client, IPPROTO_UDP, UDP_GRO, &on, sizeof(on)),
               EN_EINVAL);
    CHECK_MESSAGE("en_udp_options_set_receive_offload");
    CHECK_INT(is_coalesced(&udp), 0);
    CHECK(receive_alike(&udp) >= COUNT + 1);
    udp_close(&udp);
}

/* Other control messages that the application asked for leave room for the one that counts. */
static void beside_other_control_messages(void)
{
    int stamps = SOF_TIMESTAMPING_SOFTWARE | SOF_TIMESTAMPING_RX_SOFTWARE;
    int on = 1;
    udp_t udp;

    udp_open(&udp, "127.0.0.1", 1);
    CHECK_OK(
        en_udp_client_setsockopt(udp.client, SOL_SOCKET, SO_TIMESTAMPING, &stamps, sizeof(stamps)));
    CHECK_OK(en_udp_client_setsockopt(udp.client, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on)));
    CHECK_INT(receive_alike(&udp), 1);
    CHECK_INT(receive_alike(&udp), 1);
    udp_close(&udp);
}

/* Datagrams that came together and are larger than the maximum: each is refused with its size, and
 * a shorter last one is not. */
static void too_large_ones_that_came_together(void)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_udp_options_t *options;
    udp_t udp;

    udp.fd = udp_bound("127.0.0.1");
    REQUIRE_OK(en_udp_options_new(&options));
    CHECK_OK(en_udp_options_set_receive_offload(options, 1));
    CHECK_OK(en_udp_options_set_max_datagram_size(options, 700));
    REQUIRE_OK(
        en_udp_client_connect(&udp.client, "127.0.0.1", peer_port(udp.fd), protocol, options));
    en_udp_options_free(options);
    en_datagram_protocol_free(protocol);
    udp.view = en_udp_client_as_client(udp.client);
    connect_to(udp.fd, en_udp_client_fileno(udp.client));
    udp_send_segments(udp.fd, 3 * 901 + 600, 901);
    for (int i = 0; i < 3; i++) {
        CHECK_GET_FAILS(udp.view, 20000, EN_EMSGSIZE);
        CHECK_MESSAGE("901");
    }
    CHECK_INT(en_udp_client_has_buffered(udp.client), 1);
    CHECK_GET_BYTES(udp.view, bytes + 3 * 901, 600);
    CHECK_INT(en_udp_client_has_buffered(udp.client), 0);
    CHECK_INT(udp_stats(&udp).recv_calls, 1);
    udp_close(&udp);
}

static void count_them(int status, en_packet_t *packets, size_t count, void *user_data)
{
    ((op_t *)user_data)->count = count;
    for (size_t i = 0; i < count; i++)
        en_packet_release(&packets[i]);
    op_done(status, user_data);
}

/* The same on a loop, where several are taken at once. */
static void too_large_ones_on_a_loop(void)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_async_udp_client_t *client = NULL;
    en_loop_t *loop = loop_new();
    en_udp_options_t *options;
    int peer;
    int fd = coalescing(&peer);

    REQUIRE_OK(en_udp_options_new(&options));
    CHECK_OK(en_udp_options_set_max_datagram_size(options, 700));
    REQUIRE_OK(en_async_udp_client_from_fd(&client, loop, fd, protocol, options));
    en_udp_options_free(options);
    en_datagram_protocol_free(protocol);
    udp_send_segments(peer, 2 * 901 + 600, 901);
    for (int i = 0; i < 3; i++) {
        op_t op = {0};

        CHECK_OK(en_async_udp_client_recv_packets(client, 4, 20000, count_them, &op, NULL));
        op_wait(loop, &op);
        CHECK_OP(&op, i < 2 ? EN_EMSGSIZE : EN_OK);
        CHECK_INT(op.count, i < 2 ? 0 : 1);
    }
    en_async_udp_client_free(client);
    en_loop_free(loop);
    close(peer);
}

/* That a datagram was too large for the path, a receive tells: nothing too large has come. */
static void what_was_lost_on_the_way_is_told(void)
{
    udp_t udp;

    udp_open(&udp, "127.0.0.1", 1);
    receive_errno = EMSGSIZE;
    CHECK_GET_FAILS(udp.view, 1000, EN_EMSGSIZE);
    CHECK_MESSAGE("a datagram that was sent");
    receive_errno = 0;
    peer_send_text(udp.fd, "usable");
    CHECK_GET(udp.view, "usable");
    udp_close(&udp);
}

static const test_case_t cases[] = {
    CASE(receive_offload_takes_fewer_calls),
    CASE(receive_offload_takes_fewer_calls_on_ipv6),
    CASE(a_batch_takes_one_call),
    CASE(a_system_that_cannot_coalesce),
    CASE(a_given_socket),
    CASE(a_given_socket_is_left_as_it_is),
    CASE(an_endpoint_over_a_given_socket),
    CASE(a_transport_over_a_given_socket),
    CASE(what_came_together_waits_for_all),
    CASE(it_is_not_switched_on_later),
    CASE(beside_other_control_messages),
    CASE(too_large_ones_that_came_together),
    CASE(too_large_ones_on_a_loop),
    CASE(what_was_lost_on_the_way_is_told),
};

int main(int argc, char **argv)
{
    udp_fill_bytes();
    return harness_run("udp_offload", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
