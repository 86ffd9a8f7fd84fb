/* Descriptors that go beside the bytes of transports and the packets of endpoints. */
#include "low.h"
#include "peer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Two transports over a pair of Unix sockets, and what goes between them. */
typedef struct {
    en_stream_transport_t *one;
    en_stream_transport_t *two;
    en_ancillary_t *ancillary;
    int passed[2];
} wire_t;

static void wire_open(wire_t *wire)
{
    int ends[2];

    pair_open(SOCK_STREAM, ends);
    narrow(ends);
    wire->one = stream_over(ends[0]);
    wire->two = stream_over(ends[1]);
    pipe_open(wire->passed);
    REQUIRE_OK(en_ancillary_new(&wire->ancillary));
}

static void wire_close(wire_t *wire)
{
    en_ancillary_free(wire->ancillary);
    en_stream_transport_free(wire->one);
    en_stream_transport_free(wire->two);
    close(wire->passed[0]);
    close(wire->passed[1]);
}

static en_ancillary_t *with_pipe(wire_t *wire)
{
    CHECK_OK(en_ancillary_clear(wire->ancillary));
    CHECK_OK(en_ancillary_add_fds(wire->ancillary, wire->passed, 2));
    return wire->ancillary;
}

/* The two descriptors that came are the ends of the same pipe. */
static void check_pipe(wire_t *wire, en_ancillary_t *ancillary)
{
    int fds[2] = {-1, -1};
    size_t count = 0;
    char byte = 0;

    CHECK_INT(en_ancillary_fd_count(ancillary), 2);
    REQUIRE_OK(en_ancillary_take_fds(ancillary, fds, 2, &count));
    CHECK_INT(count, 2);
    CHECK(fcntl(fds[0], F_GETFD) & FD_CLOEXEC);
    CHECK(write(fds[1], "!", 1) == 1);
    CHECK(read(wire->passed[0], &byte, 1) == 1 && byte == '!');
    close(fds[0]);
    close(fds[1]);
}

static void every_form_carries_descriptors(void)
{
    en_packet_t packet = {0};
    char buffer[16];
    size_t size = 77;
    int fd = 77;
    wire_t wire;

    wire_open(&wire);
    CHECK_OK(en_stream_transport_send_all_with_ancillary(wire.one, "one", 3, with_pipe(&wire),
                                                         20000, &size));
    CHECK_INT(size, 3);
    CHECK_OK(
        en_stream_transport_recv_with_ancillary(wire.two, 0, 0, 20000, wire.ancillary, &packet));
    CHECK_BYTES(packet.data, packet.size, "one", 3);
    en_packet_release(&packet);
    check_pipe(&wire, wire.ancillary);

    CHECK_OK(en_stream_transport_send_all_with_ancillary_noblock(wire.one, "two", 3,
                                                                 with_pipe(&wire), &size, &fd));
    CHECK_INT(size, 3);
    CHECK_INT(fd, -1);
    CHECK_OK(en_stream_transport_recv_with_ancillary_into(wire.two, buffer, 16, 0, 20000,
                                                          wire.ancillary, &size));
    CHECK_BYTES(buffer, size, "two", 3);
    check_pipe(&wire, wire.ancillary);

    CHECK_OK(en_stream_transport_send_all_with_ancillary(wire.one, "three", 5, with_pipe(&wire),
                                                         20000, &size));
    fd = 77;
    CHECK_OK(en_stream_transport_recv_with_ancillary_noblock(wire.two, 0, 0, wire.ancillary,
                                                             &packet, &fd));
    CHECK_BYTES(packet.data, packet.size, "three", 5);
    CHECK_INT(fd, -1);
    en_packet_release(&packet);
    check_pipe(&wire, wire.ancillary);

    CHECK_OK(en_stream_transport_send_all_with_ancillary(wire.one, "four", 4, with_pipe(&wire),
                                                         20000, &size));
    fd = 77;
    CHECK_OK(en_stream_transport_recv_with_ancillary_into_noblock(wire.two, buffer, 16, 0,
                                                                  wire.ancillary, &size, &fd));
    CHECK_BYTES(buffer, size, "four", 4);
    CHECK_INT(fd, -1);
    check_pipe(&wire, wire.ancillary);
    wire_close(&wire);
}

/* Also in vain a receive empties the object, and descriptors in it are closed. */
static void nothing_replaces_what_was_there(void)
{
    en_packet_t packet = {0};
    char buffer[16];
    size_t size = 77;
    int fd = 77;
    wire_t wire;

    wire_open(&wire);
    with_pipe(&wire);
    CHECK_CODE(en_stream_transport_recv_with_ancillary(wire.two, 0, 0, 0, wire.ancillary, &packet),
               EN_ETIMEDOUT);
    CHECK_INT(en_ancillary_count(wire.ancillary), 0);
    with_pipe(&wire);
    CHECK_CODE(en_stream_transport_recv_with_ancillary_into_noblock(wire.two, buffer, 16, 0,
                                                                    wire.ancillary, &size, &fd),
               EN_WANT_READ);
    CHECK_INT(en_ancillary_count(wire.ancillary), 0);
    CHECK_INT(size, 0);
    CHECK_INT(fd, en_stream_transport_fileno(wire.two));
    CHECK(is_open(wire.passed[0]) && is_open(wire.passed[1])); /* to be sent: the caller's */
    CHECK_OK(put_bytes(wire.one, "bare"));
    with_pipe(&wire);
    CHECK_OK(
        en_stream_transport_recv_with_ancillary(wire.two, 0, 0, 20000, wire.ancillary, &packet));
    CHECK_BYTES(packet.data, packet.size, "bare", 4);
    CHECK_INT(en_ancillary_count(wire.ancillary), 0);
    en_packet_release(&packet);
    wire_close(&wire);
}

static void what_is_not_taken_is_closed(void)
{
    en_packet_t packet = {0};
    size_t size;
    wire_t wire;

    wire_open(&wire);
    for (int i = 0; i < 3; i++)
        CHECK_OK(en_stream_transport_send_all_with_ancillary(wire.one, "x", 1, with_pipe(&wire),
                                                             20000, &size));
    CHECK_OK(
        en_stream_transport_recv_with_ancillary(wire.two, 1, 0, 20000, wire.ancillary, &packet));
    en_packet_release(&packet);
    /* The harness counts descriptors: those of the first go with the second. */
    CHECK_OK(
        en_stream_transport_recv_with_ancillary(wire.two, 1, 0, 20000, wire.ancillary, &packet));
    en_packet_release(&packet);
    CHECK_INT(en_ancillary_fd_count(wire.ancillary), 2);
    CHECK_GOT(wire.two, "x"); /* a plain receive leaves them to the kernel */
    wire_close(&wire);
}

static void too_little_room_is_told(void)
{
    en_packet_t packet = {0};
    size_t size;
    wire_t wire;

    wire_open(&wire);
    CHECK_OK(en_stream_transport_send_all_with_ancillary(wire.one, "x", 1, with_pipe(&wire), 20000,
                                                         &size));
    CHECK_OK(
        en_stream_transport_recv_with_ancillary(wire.two, 0, 1, 20000, wire.ancillary, &packet));
    en_packet_release(&packet);
    CHECK_INT(en_ancillary_is_truncated(wire.ancillary), 1);
    CHECK_CODE(en_stream_transport_recv_with_ancillary(wire.two, 0, (1 << 20) + 1, 0,
                                                       wire.ancillary, &packet),
               EN_EINVAL);
    wire_close(&wire);
}

/* Connected to itself. */
static int udp_connected(void)
{
    int fd = udp_bound("127.0.0.1");

    connect_to(fd, fd);
    return fd;
}

static void sending_beside_is_refused_with_reason(void)
{
    static char large[1 << 20];
    size_t size = 77;
    int fd = 77;
    wire_t wire;
    en_datagram_transport_t *udp;
    en_stream_transport_t *tcp;
    int ends[2];

    wire_open(&wire);
    CHECK_CODE(
        en_stream_transport_send_all_with_ancillary(wire.one, "", 0, with_pipe(&wire), 0, &size),
        EN_EINVAL);
    CHECK_INT(size, 0);
    CHECK_CODE(en_stream_transport_send_all_with_ancillary(wire.one, "x", 1, NULL, 0, &size),
               EN_EINVAL);
    /* More than fits at once: what went is told. */
    CHECK_CODE(en_stream_transport_send_all_with_ancillary(wire.one, large, sizeof(large),
                                                           with_pipe(&wire), 0, &size),
               EN_EMSGSIZE);
    CHECK(size > 0 && size < sizeof(large));
    CHECK_CODE(en_stream_transport_send_all_with_ancillary_noblock(wire.one, "x", 1,
                                                                   with_pipe(&wire), &size, &fd),
               EN_WANT_WRITE);
    CHECK_INT(size, 0);
    CHECK_INT(fd, en_stream_transport_fileno(wire.one));
    size = 77;
    CHECK_CODE(
        en_stream_transport_send_all_with_ancillary(wire.one, "x", 1, with_pipe(&wire), 40, &size),
        EN_ETIMEDOUT);
    CHECK_INT(size, 0);
    tcp_pair(ends);
    tcp = stream_over(ends[0]);
    CHECK_CODE(en_stream_transport_send_all_with_ancillary(tcp, "x", 1, with_pipe(&wire), 0, &size),
               EN_EOPNOTSUPP); /* the kernel would lose them without a word */
    en_stream_transport_free(tcp);
    close(ends[1]);
    udp = datagrams_over(udp_connected());
    CHECK_CODE(en_datagram_transport_send_with_ancillary(udp, "x", 1, with_pipe(&wire), 0),
               EN_EOPNOTSUPP);
    en_datagram_transport_free(udp);
    wire_close(&wire);
}

/* Also if there is something to receive, which stays there. */
static void receiving_beside_is_refused_with_reason(void)
{
    en_datagram_protocol_t *datagrams = protocol_datagrams();
    en_stream_protocol_t *protocol = lines();
    en_datagram_endpoint_t *datagram_endpoint = NULL;
    en_stream_endpoint_t *endpoint = NULL;
    en_datagram_transport_t *udp = datagrams_over(udp_connected());
    en_stream_transport_t *tcp;
    en_packet_t packet = {0};
    char buffer[16];
    size_t size = 77;
    int fd = 77;
    wire_t wire;
    int ends[2];

    wire_open(&wire);
    tcp_pair(ends);
    tcp = stream_over(ends[0]);
    peer_send_text(ends[1], "tcp");
    wait_readable(ends[0]);
    CHECK_CODE(en_stream_transport_recv_with_ancillary(tcp, 0, 0, 20000, with_pipe(&wire), &packet),
               EN_EOPNOTSUPP);
    CHECK_MESSAGE("ancillary");
    CHECK_INT(en_ancillary_count(wire.ancillary), 0);
    CHECK_CODE(en_stream_transport_recv_with_ancillary_into_noblock(tcp, buffer, 16, 0,
                                                                    wire.ancillary, &size, &fd),
               EN_EOPNOTSUPP);
    CHECK_INT(size, 0);
    REQUIRE_OK(en_stream_endpoint_new(&endpoint, tcp, protocol, NULL));
    CHECK_CODE(
        en_stream_endpoint_recv_packet_with_ancillary(endpoint, 0, 20000, wire.ancillary, &packet),
        EN_EOPNOTSUPP);
    CHECK_GOT(tcp, "tcp");
    CHECK_OK(en_datagram_transport_send(udp, "udp", 3, 20000));
    CHECK_CODE(en_datagram_transport_recv_with_ancillary(udp, 0, 20000, wire.ancillary, &packet),
               EN_EOPNOTSUPP);
    REQUIRE_OK(en_datagram_endpoint_new(&datagram_endpoint, udp, datagrams, NULL));
    CHECK_CODE(en_datagram_endpoint_recv_packet_with_ancillary(datagram_endpoint, 0, 20000,
                                                               wire.ancillary, &packet),
               EN_EOPNOTSUPP);
    CHECK_GOT_DATAGRAM(udp, "udp");
    en_stream_endpoint_free(endpoint);
    en_datagram_endpoint_free(datagram_endpoint);
    en_stream_protocol_free(protocol);
    en_datagram_protocol_free(datagrams);
    en_stream_transport_free(tcp);
    en_datagram_transport_free(udp);
    close(ends[1]);
    wire_close(&wire);
}

static void datagrams_carry_descriptors(void)
{
    en_packet_t packet = {0};
    en_datagram_transport_t *one;
    en_datagram_transport_t *two;
    char buffer[16];
    size_t size = 77;
    int fd = 77;
    wire_t wire;
    int ends[2];

    wire_open(&wire);
    pair_open(SOCK_DGRAM, ends);
    one = datagrams_over(ends[0]);
    two = datagrams_over(ends[1]);
    CHECK_OK(en_datagram_transport_send_with_ancillary(one, "one", 3, with_pipe(&wire), 20000));
    CHECK_OK(en_datagram_transport_recv_with_ancillary(two, 0, 20000, wire.ancillary, &packet));
    CHECK_BYTES(packet.data, packet.size, "one", 3);
    en_packet_release(&packet);
    check_pipe(&wire, wire.ancillary);

    CHECK_OK(
        en_datagram_transport_send_with_ancillary_noblock(one, "two", 3, with_pipe(&wire), &fd));
    CHECK_INT(fd, -1);
    CHECK_OK(en_datagram_transport_recv_with_ancillary_into(two, buffer, 16, 0, 20000,
                                                            wire.ancillary, &size));
    CHECK_BYTES(buffer, size, "two", 3);
    check_pipe(&wire, wire.ancillary);

    CHECK_OK(en_datagram_transport_send_with_ancillary(one, "three", 5, with_pipe(&wire), 20000));
    CHECK_OK(
        en_datagram_transport_recv_with_ancillary_noblock(two, 0, wire.ancillary, &packet, &fd));
    CHECK_BYTES(packet.data, packet.size, "three", 5);
    en_packet_release(&packet);
    check_pipe(&wire, wire.ancillary);

    /* Too small a buffer: the datagram is lost, its descriptors are there. */
    CHECK_OK(en_datagram_transport_send_with_ancillary(one, "fourth", 6, with_pipe(&wire), 20000));
    CHECK_CODE(en_datagram_transport_recv_with_ancillary_into_noblock(two, buffer, 2, 0,
                                                                      wire.ancillary, &size, &fd),
               EN_EMSGSIZE);
    CHECK_INT(size, 6);
    check_pipe(&wire, wire.ancillary);
    with_pipe(&wire);
    CHECK_CODE(
        en_datagram_transport_recv_with_ancillary_noblock(two, 0, wire.ancillary, &packet, &fd),
        EN_WANT_READ);
    CHECK_INT(fd, en_datagram_transport_fileno(two));
    CHECK_INT(en_ancillary_count(wire.ancillary), 0);
    CHECK_CODE(en_datagram_transport_send_with_ancillary(one, "", 0, with_pipe(&wire), 0),
               EN_EINVAL);
    en_datagram_transport_free(one);
    en_datagram_transport_free(two);
    wire_close(&wire);
}

static void endpoints_carry_descriptors(void)
{
    en_stream_protocol_t *protocol = lines();
    en_stream_endpoint_t *sender = NULL;
    en_stream_endpoint_t *receiver = NULL;
    en_packet_t packet = {0};
    wire_t wire;

    wire_open(&wire);
    REQUIRE_OK(en_stream_endpoint_new_sender(&sender, wire.one, protocol, NULL));
    REQUIRE_OK(en_stream_endpoint_new_receiver(&receiver, wire.two, protocol, NULL));
    CHECK_OK(
        en_stream_endpoint_send_packet_with_ancillary(sender, "with", 4, with_pipe(&wire), 20000));
    CHECK_OK(
        en_stream_endpoint_recv_packet_with_ancillary(receiver, 0, 20000, wire.ancillary, &packet));
    CHECK_BYTES(packet.data, packet.size, "with", 4);
    en_packet_release(&packet);
    check_pipe(&wire, wire.ancillary);
    /* Each refuses the other direction. */
    CHECK_CODE(en_stream_endpoint_recv_packet_with_ancillary(sender, 0, 0, wire.ancillary, &packet),
               EN_EOPNOTSUPP);
    CHECK_CODE(en_stream_endpoint_send_packet_with_ancillary(receiver, "x", 1, wire.ancillary, 0),
               EN_EOPNOTSUPP);
    /* Half a packet: its bytes wait, its descriptors are there. */
    CHECK_OK(en_stream_transport_send_all_with_ancillary(wire.one, "ha", 2, with_pipe(&wire), 20000,
                                                         &(size_t){0}));
    CHECK_CODE(
        en_stream_endpoint_recv_packet_with_ancillary(receiver, 0, 20000, wire.ancillary, &packet),
        EN_ENOMSG);
    check_pipe(&wire, wire.ancillary);
    CHECK_OK(put_bytes(wire.one, "lf\n"));
    CHECK_OK(en_stream_endpoint_recv_packet(receiver, 20000, &packet));
    CHECK_BYTES(packet.data, packet.size, "half", 4);
    en_packet_release(&packet);
    en_stream_endpoint_free(sender);
    en_stream_endpoint_free(receiver);
    en_stream_protocol_free(protocol);
    wire_close(&wire);
}

static void datagram_endpoints_carry_descriptors(void)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_datagram_transport_t *transports[2];
    en_datagram_endpoint_t *endpoints[2];
    en_packet_t packet = {0};
    wire_t wire;
    int ends[2];

    wire_open(&wire);
    pair_open(SOCK_DGRAM, ends);
    for (int i = 0; i < 2; i++) {
        transports[i] = datagrams_over(ends[i]);
        REQUIRE_OK(en_datagram_endpoint_new(&endpoints[i], transports[i], protocol, NULL));
        en_datagram_transport_free(transports[i]);
    }
    CHECK_OK(en_datagram_endpoint_send_packet_with_ancillary(endpoints[0], "with", 4,
                                                             with_pipe(&wire), 20000));
    CHECK_OK(en_datagram_endpoint_recv_packet_with_ancillary(endpoints[1], 0, 20000, wire.ancillary,
                                                             &packet));
    CHECK_BYTES(packet.data, packet.size, "with", 4);
    en_packet_release(&packet);
    check_pipe(&wire, wire.ancillary);
    en_datagram_endpoint_free(endpoints[0]);
    en_datagram_endpoint_free(endpoints[1]);
    en_datagram_protocol_free(protocol);
    wire_close(&wire);
}

/* Callbacks that pass what sendmsg and recvmsg take, unless they misbehave. */
typedef struct {
    int fd;
    size_t more_control;
    size_t more_bytes;
    size_t room; /* for control messages, at the last receive */
    int destroyed;
} beside_t;

static int recv_plain(void *buffer, size_t capacity, size_t *count, void *user_data)
{
    beside_t *beside = user_data;

    *count = (size_t)recv(beside->fd, buffer, capacity, 0);
    return EN_CALLBACK_DONE;
}

static int send_beside(const en_slice_t *slices, size_t slice_count, const void *control,
                       size_t control_size, size_t *count, void *user_data)
{
    beside_t *beside = user_data;
    struct iovec part = {(void *)(uintptr_t)slices[0].data, slices[0].size};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = (void *)(uintptr_t)control,
                             .msg_controllen = control_size};

    CHECK_INT(slice_count, 1);
    *count = (size_t)sendmsg(beside->fd, &message, MSG_NOSIGNAL) + beside->more_bytes;
    return EN_CALLBACK_DONE;
}

static int recv_beside(void *buffer, size_t capacity, void *control, size_t *control_size,
                       int *is_truncated, size_t *count, void *user_data)
{
    beside_t *beside = user_data;
    struct iovec part = {buffer, capacity};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = *control_size};

    beside->room = *control_size;
    *count = (size_t)recvmsg(beside->fd, &message, MSG_CMSG_CLOEXEC) + beside->more_bytes;
    *control_size = message.msg_controllen + beside->more_control;
    *is_truncated = message.msg_flags & MSG_CTRUNC ? 1 : 0;
    return message.msg_flags & MSG_TRUNC ? EN_EMSGSIZE : EN_CALLBACK_DONE;
}

static void beside_end(void *user_data)
{
    beside_t *beside = user_data;

    close(beside->fd);
    beside->destroyed++;
}

static void callbacks_carry_descriptors(void)
{
    en_transport_callbacks_t callbacks = {.struct_size = sizeof(callbacks),
                                          .recv = recv_plain,
                                          .recv_with_ancillary = recv_beside,
                                          .send_with_ancillary = send_beside};
    en_stream_transport_t *transport = NULL;
    en_packet_t packet = {0};
    beside_t beside = {0};
    wire_t wire;
    size_t size = 77;
    int ends[2];

    wire_open(&wire);
    pair_open(SOCK_STREAM, ends);
    beside.fd = ends[0];
    REQUIRE_OK(en_stream_transport_new(&transport, &callbacks, NULL, beside_end, &beside));
    en_stream_transport_free(wire.two);
    wire.two = stream_over(ends[1]);
    CHECK_OK(en_stream_transport_send_all_with_ancillary(transport, "out", 3, with_pipe(&wire),
                                                         20000, &size));
    CHECK_OK(
        en_stream_transport_recv_with_ancillary(wire.two, 0, 0, 20000, wire.ancillary, &packet));
    CHECK_BYTES(packet.data, packet.size, "out", 3);
    en_packet_release(&packet);
    check_pipe(&wire, wire.ancillary);
    CHECK_OK(en_stream_transport_send_all_with_ancillary(wire.two, "in", 2, with_pipe(&wire), 20000,
                                                         &size));
    CHECK_OK(
        en_stream_transport_recv_with_ancillary(transport, 0, 0, 20000, wire.ancillary, &packet));
    CHECK_BYTES(packet.data, packet.size, "in", 2);
    CHECK_INT(beside.room, 8192); /* the default */
    en_packet_release(&packet);
    check_pipe(&wire, wire.ancillary);
    /* Counts that cannot be. */
    beside.more_bytes = 1000;
    CHECK_CODE(en_stream_transport_send_all_with_ancillary(transport, "x", 1, with_pipe(&wire),
                                                           20000, &size),
               EN_EINVAL);
    CHECK_INT(size, 0);
    CHECK_OK(
        en_stream_transport_recv_with_ancillary(wire.two, 0, 0, 20000, wire.ancillary, &packet));
    en_packet_release(&packet);
    /* The descriptors that came with it are closed all the same. */
    CHECK_OK(en_stream_transport_send_all_with_ancillary(wire.two, "in", 2, with_pipe(&wire), 20000,
                                                         &size));
    CHECK_CODE(
        en_stream_transport_recv_with_ancillary(transport, 4, 0, 20000, wire.ancillary, &packet),
        EN_EINVAL);
    CHECK_INT(en_ancillary_fd_count(wire.ancillary), 2);
    beside.more_bytes = 0;
    beside.more_control = 1 << 20;
    CHECK_OK(put_bytes(wire.two, "in"));
    CHECK_CODE(
        en_stream_transport_recv_with_ancillary(transport, 4, 0, 20000, wire.ancillary, &packet),
        EN_EINVAL);
    CHECK_INT(en_ancillary_count(wire.ancillary), 0);
    en_stream_transport_free(transport);
    CHECK_INT(beside.destroyed, 1);
    wire_close(&wire);
}

static void datagrams_of_callbacks_that_do_not_fit(void)
{
    en_transport_callbacks_t callbacks = {
        .struct_size = sizeof(callbacks), .recv = recv_plain, .recv_with_ancillary = recv_beside};
    en_datagram_transport_t *transport;
    en_datagram_transport_t *sender;
    beside_t beside = {0};
    char buffer[2];
    size_t size;
    wire_t wire;
    int ends[2];

    wire_open(&wire);
    pair_open(SOCK_DGRAM, ends);
    beside.fd = ends[0];
    REQUIRE_OK(en_datagram_transport_new(&transport, &callbacks, NULL, beside_end, &beside));
    sender = datagrams_over(ends[1]);
    CHECK_OK(en_datagram_transport_send_with_ancillary(sender, "long", 4, with_pipe(&wire), 20000));
    CHECK_CODE(en_datagram_transport_recv_with_ancillary_into(transport, buffer, 2, 0, 20000,
                                                              wire.ancillary, &size),
               EN_EMSGSIZE);
    check_pipe(&wire, wire.ancillary);
    en_datagram_transport_free(sender);
    en_datagram_transport_free(transport);
    wire_close(&wire);
}

static void callbacks_without_it_refuse(void)
{
    en_stream_transport_t *transport;
    en_packet_t packet = {0};
    own_t own = {0};
    wire_t wire;
    size_t size;
    int ends[2];

    wire_open(&wire);
    pair_open(SOCK_STREAM, ends);
    own.in = own.out = ends[0];
    transport = own_stream(&own, NULL);
    CHECK_CODE(
        en_stream_transport_send_all_with_ancillary(transport, "x", 1, with_pipe(&wire), -1, &size),
        EN_EOPNOTSUPP);
    CHECK_CODE(
        en_stream_transport_recv_with_ancillary(transport, 0, 0, -1, wire.ancillary, &packet),
        EN_EOPNOTSUPP);
    en_stream_transport_free(transport);
    CHECK_OWN_ENDED(&own);
    close(ends[1]);
    wire_close(&wire);
}

static const test_case_t cases[] = {
    CASE(every_form_carries_descriptors),
    CASE(nothing_replaces_what_was_there),
    CASE(what_is_not_taken_is_closed),
    CASE(too_little_room_is_told),
    CASE(sending_beside_is_refused_with_reason),
    CASE(datagrams_carry_descriptors),
    CASE(receiving_beside_is_refused_with_reason),
    CASE(endpoints_carry_descriptors),
    CASE(datagram_endpoints_carry_descriptors),
    CASE(callbacks_carry_descriptors),
    CASE(datagrams_of_callbacks_that_do_not_fit),
    CASE(callbacks_without_it_refuse),
};

TEST_MAIN("transport_ancillary")
