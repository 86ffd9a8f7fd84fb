/* Stream transports over sockets: bytes in and out, from construction to the end. */
#include "low.h"
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Fills the way to the peer, without waiting: how many bytes. */
static size_t fill(en_stream_transport_t *transport)
{
    static const char zeros[4096];
    size_t total = 0;
    size_t sent;
    int fd;
    int full = 0;

    while (full < 3) {
        size_t before = total;

        while (en_stream_transport_send_noblock(transport, zeros, sizeof(zeros), &sent, &fd) ==
               EN_OK)
            total += sent;
        full = total == before ? full + 1 : 0;
        pause_ms(30);
    }
    return total;
}

static void refuse(int fd, int code)
{
    en_stream_transport_t *transport = (void *)&code;

    CHECK_CODE(en_stream_transport_from_fd(&transport, fd, NULL), code);
    CHECK(transport == NULL);
    if (code != EN_EBADF) {
        CHECK(is_open(fd));
        close(fd);
    }
}

static void from_fd_refuses(void)
{
    struct sockaddr_in any = {.sin_family = AF_INET};
    en_transport_options_t *options = transport_options();
    en_stream_transport_t *transport = NULL;
    int ends[2];

    refuse(-1, EN_EBADF);
    refuse(1000, EN_EBADF);
    pipe_open(ends);
    refuse(ends[0], EN_ENOTSOCK);
    CHECK_MESSAGE("socket");
    refuse(ends[1], EN_ENOTSOCK);
    refuse(open("/dev/null", O_RDWR | O_CLOEXEC), EN_ENOTSOCK);
    pair_open(SOCK_DGRAM, ends);
    refuse(ends[0], EN_EPROTOTYPE);
    close(ends[1]);
    pair_open(SOCK_SEQPACKET, ends);
    refuse(ends[0], EN_EPROTOTYPE);
    close(ends[1]);
    refuse(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), EN_ENOTCONN);
    refuse(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), EN_ENOTCONN);
    ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(bind(ends[0], (struct sockaddr *)&any, sizeof(any)) == 0 && listen(ends[0], 1) == 0);
    refuse(ends[0], EN_ENOTCONN);
    /* The arguments come first. */
    CHECK_CODE(en_stream_transport_from_fd(NULL, -1, NULL), EN_EINVAL);
    CHECK_OK(en_transport_options_set_handshake_timeout(options, 1000));
    CHECK_CODE(en_stream_transport_from_fd(&transport, -1, options), EN_EINVAL);
    CHECK(transport == NULL);
    en_transport_options_free(options);
    options = transport_options();
    CHECK_OK(en_transport_options_set_standard_compatible(options, 0));
    CHECK_CODE(en_stream_transport_from_fd(&transport, -1, options), EN_EINVAL);
    en_transport_options_free(options);
}

static void the_descriptor_is_left_as_it_is(void)
{
    for (int flag = 0; flag <= O_NONBLOCK; flag += O_NONBLOCK) {
        en_stream_transport_t *transport;
        char buffer[8];
        size_t size = 0;
        int64_t start;
        int ends[2];

        socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends);
        REQUIRE(fcntl(ends[0], F_SETFL, flag) == 0);
        transport = stream_over(ends[0]);
        start = now_ms();
        CHECK_CODE(en_stream_transport_recv_into(transport, buffer, 8, 60, &size), EN_ETIMEDOUT);
        CHECK_TOOK(start, 60);
        CHECK_OK(put_bytes(transport, "x"));
        CHECK_INT(fcntl(ends[0], F_GETFL) & O_NONBLOCK, flag);
        en_stream_transport_free(transport);
        CHECK(!is_open(ends[0]));
        peer_expect_text(ends[1], "x");
        close(ends[1]);
    }
}

static void receives_in_every_form(ends_t *wire)
{
    en_packet_t packet = {0};
    char buffer[16];
    size_t size = 77;
    int fd = 77;

    peer_send_text(wire->fd, "one two three four");
    CHECK_OK(en_stream_transport_recv(wire->transport, 4, 20000, &packet));
    CHECK_BYTES(packet.data, packet.size, "one ", 4);
    en_packet_release(&packet);
    CHECK_OK(en_stream_transport_recv_noblock(wire->transport, 4, &packet, &fd));
    CHECK_BYTES(packet.data, packet.size, "two ", 4);
    CHECK_INT(fd, -1);
    en_packet_release(&packet);
    CHECK_OK(en_stream_transport_recv_into(wire->transport, buffer, 6, 0, &size));
    CHECK_BYTES(buffer, size, "three ", 6);
    fd = 77;
    CHECK_OK(en_stream_transport_recv_into_noblock(wire->transport, buffer, 16, &size, &fd));
    CHECK_BYTES(buffer, size, "four", 4);
    CHECK_INT(fd, -1);
}
FOR_BOTH(receives_in_every_form)

static void nothing_there_is_said(ends_t *wire)
{
    static const uint8_t mark = 0;
    en_packet_t packet = {&mark, 77, NULL};
    en_stream_transport_t *transport = wire->transport;
    int own = en_stream_transport_fileno(transport);
    char buffer[16];
    size_t size = 77;
    int fd = 77;

    CHECK_CODE(en_stream_transport_recv(transport, 0, 0, &packet), EN_ETIMEDOUT);
    CHECK_CODE(en_stream_transport_recv_noblock(transport, 0, &packet, &fd), EN_WANT_READ);
    CHECK_INT(fd, own);
    CHECK(packet.data == &mark && packet.size == 77);
    CHECK_CODE(en_stream_transport_recv_into(transport, buffer, 16, 0, &size), EN_ETIMEDOUT);
    CHECK_INT(size, 0);
    size = fd = 77;
    CHECK_CODE(en_stream_transport_recv_into_noblock(transport, buffer, 16, &size, &fd),
               EN_WANT_READ);
    CHECK_INT(size, 0);
    CHECK_INT(fd, own);
    fill(transport);
    size = fd = 77;
    CHECK_CODE(en_stream_transport_send_noblock(transport, "x", 1, &size, &fd), EN_WANT_WRITE);
    CHECK_INT(size, 0);
    CHECK_INT(fd, own);
    size = 77;
    CHECK_CODE(en_stream_transport_send(transport, "x", 1, 0, &size), EN_ETIMEDOUT);
    CHECK_INT(size, 77);
}
FOR_BOTH(nothing_there_is_said)

static void what_cannot_be_is_refused(ends_t *wire)
{
    en_stream_transport_t *transport = wire->transport;
    en_packet_t packet = {0};
    en_slice_t slice = {NULL, 3};
    char buffer[4];
    size_t size;
    int fd;

    CHECK_CODE(en_stream_transport_recv(NULL, 0, 0, &packet), EN_EINVAL);
    CHECK_CODE(en_stream_transport_recv(transport, 0, 0, NULL), EN_EINVAL);
    CHECK_CODE(en_stream_transport_recv(transport, (1U << 30) + 1, 0, &packet), EN_EINVAL);
    CHECK_CODE(en_stream_transport_recv_noblock(transport, 0, &packet, NULL), EN_EINVAL);
    CHECK_CODE(en_stream_transport_recv_into(transport, buffer, 0, 0, &size), EN_EINVAL);
    CHECK_MESSAGE("capacity");
    CHECK_CODE(en_stream_transport_recv_into(transport, NULL, 4, 0, &size), EN_EINVAL);
    CHECK_CODE(en_stream_transport_recv_into(transport, buffer, 4, 0, NULL), EN_EINVAL);
    CHECK_CODE(en_stream_transport_recv_into_noblock(transport, buffer, 4, NULL, &fd), EN_EINVAL);
    CHECK_CODE(en_stream_transport_recv_into_noblock(transport, buffer, 0, &size, &fd), EN_EINVAL);
    CHECK_CODE(en_stream_transport_send(transport, NULL, 1, 0, &size), EN_EINVAL);
    CHECK_CODE(en_stream_transport_send(transport, "x", 1, 0, NULL), EN_EINVAL);
    CHECK_CODE(en_stream_transport_send_all(transport, NULL, 1, 0, &size), EN_EINVAL);
    size = 77;
    CHECK_CODE(en_stream_transport_send_all_from_slices(transport, &slice, 1, 0, &size), EN_EINVAL);
    CHECK_INT(size, 0);
    CHECK_CODE(en_stream_transport_send_all_from_slices(transport, NULL, 1, 0, &size), EN_EINVAL);
    CHECK_CODE(en_stream_transport_send_from_slices_noblock(transport, &slice, 1, &size, &fd),
               EN_EINVAL);
    CHECK_CODE(en_stream_transport_send_eof(NULL, 0), EN_EINVAL);
    CHECK_CODE(en_stream_transport_close(NULL), EN_EINVAL);
    CHECK_CODE(en_stream_transport_is_closed(NULL), EN_EINVAL);
    CHECK_INT(en_stream_transport_fileno(NULL), -1);
    en_stream_transport_free(NULL);
    /* Nothing of it has gone out. */
    peer_expect_nothing(wire->fd);
}
FOR_BOTH(what_cannot_be_is_refused)

static void the_end_of_each_side(ends_t *wire)
{
    char buffer[8];
    size_t size = 77;
    size_t sent;

    CHECK_OK(put_bytes(wire->transport, "last"));
    CHECK_OK(en_stream_transport_send_eof(wire->transport, 0));
    peer_expect_text(wire->fd, "last");
    peer_expect_end(wire->fd);
    CHECK_CODE(en_stream_transport_send(wire->transport, "x", 1, 0, &sent), EN_EPIPE);
    peer_send_text(wire->fd, "too");
    CHECK_GOT(wire->transport, "too");
    peer_end(wire->fd);
    for (int i = 0; i < 2; i++) {
        CHECK_OK(en_stream_transport_recv_into(wire->transport, buffer, 8, 20000, &size));
        CHECK_INT(size, 0);
    }
    CHECK_OK(
        en_stream_transport_send_eof(wire->transport, 0)); /* of a socket it can be said twice */
    CHECK_INT(en_stream_transport_is_closed(wire->transport), 0);
}
FOR_BOTH(the_end_of_each_side)

static void the_end_is_an_empty_packet(ends_t *wire)
{
    en_packet_t packet = {0};

    peer_end(wire->fd);
    CHECK_OK(en_stream_transport_recv(wire->transport, 0, 20000, &packet));
    CHECK_INT(packet.size, 0);
    en_packet_release(&packet);
}
FOR_BOTH(the_end_is_an_empty_packet)

static void closing_wakes(ends_t *wire)
{
    mover_t movers[2];
    char buffer[8];
    size_t size;
    int fd = en_stream_transport_fileno(wire->transport);
    int64_t start;

    mover_receives(&movers[0], wire->transport);
    mover_sends(&movers[1], wire->transport);
    start = now_ms();
    CHECK_INT(en_stream_transport_is_closed(wire->transport), 0);
    CHECK_OK(en_stream_transport_close(wire->transport));
    CHECK_CODE(mover_end(&movers[0]), EN_ECLOSED);
    CHECK_CODE(mover_end(&movers[1]), EN_ECLOSED);
    CHECK_TOOK(start, 0);
    CHECK(!is_open(fd));
    CHECK_INT(en_stream_transport_is_closed(wire->transport), 1);
    CHECK_INT(en_stream_transport_fileno(wire->transport), -1);
    CHECK_CODE(en_stream_transport_recv_into(wire->transport, buffer, 8, -1, &size), EN_ECLOSED);
    CHECK_CODE(en_stream_transport_recv_into_noblock(wire->transport, buffer, 8, &size, &fd),
               EN_ECLOSED);
    CHECK_CODE(put_bytes(wire->transport, "x"), EN_ECLOSED);
    CHECK_CODE(en_stream_transport_send_eof(wire->transport, 0), EN_ECLOSED);
    CHECK_OK(en_stream_transport_close(wire->transport));
}
FOR_BOTH(closing_wakes)

static void freeing_wakes(ends_t *wire)
{
    mover_t movers[2];
    int64_t start;

    mover_receives(&movers[0], wire->transport);
    mover_sends(&movers[1], wire->transport);
    start = now_ms();
    en_stream_transport_free(wire->transport);
    wire->transport = NULL;
    CHECK_CODE(mover_end(&movers[0]), EN_ECLOSED);
    CHECK_CODE(mover_end(&movers[1]), EN_ECLOSED);
    CHECK_TOOK(start, 0);
}
FOR_BOTH(freeing_wakes)

static void one_call_in_each_direction(ends_t *wire)
{
    mover_t movers[2];
    en_packet_t packet = {0};
    char buffer[8];
    size_t size = 77;
    int fd = 77;

    mover_receives(&movers[0], wire->transport);
    CHECK_CODE(en_stream_transport_recv(wire->transport, 0, 0, &packet), EN_EBUSY);
    CHECK_CODE(en_stream_transport_recv_into(wire->transport, buffer, 8, -1, &size), EN_EBUSY);
    CHECK_MESSAGE("another call");
    CHECK_INT(size, 0);
    CHECK_CODE(en_stream_transport_recv_into_noblock(wire->transport, buffer, 8, &size, &fd),
               EN_EBUSY);
    CHECK_INT(fd, -1);
    CHECK_OK(put_bytes(wire->transport, "beside")); /* the other direction is free */
    mover_sends(&movers[1], wire->transport);
    CHECK_CODE(put_bytes(wire->transport, "x"), EN_EBUSY);
    CHECK_CODE(en_stream_transport_send_noblock(wire->transport, "x", 1, &size, &fd), EN_EBUSY);
    CHECK_CODE(en_stream_transport_send_eof(wire->transport, -1), EN_EBUSY);
    peer_send_text(wire->fd, "y");
    CHECK_OK(mover_end(&movers[0]));
    CHECK_OK(en_stream_transport_close(wire->transport));
    CHECK_CODE(mover_end(&movers[1]), EN_ECLOSED);
}
FOR_BOTH(one_call_in_each_direction)

static void a_reset_is_told_after_the_data(void)
{
    char buffer[8];
    size_t size;
    ends_t wire;

    ends_open(&wire, true);
    peer_send_text(wire.fd, "data");
    CHECK_GOT(wire.transport, "data");
    peer_reset(wire.fd);
    CHECK_CODE(en_stream_transport_recv_into(wire.transport, buffer, 8, 20000, &size),
               EN_ECONNRESET);
    wire.fd = -1;
    ends_close(&wire);
}

static void tells_its_attributes(ends_t *wire)
{
    en_stream_transport_t *transport = wire->transport;
    int own = en_stream_transport_fileno(transport);
    struct sockaddr_storage want[2] = {0};
    struct sockaddr_storage got;
    en_tls_info_t *info = NULL;
    int family = 0;
    socklen_t room = sizeof(family);
    size_t size = 2;
    int rc;

    CHECK_INT(attribute_int(transport, EN_ATTRIBUTE_DESCRIPTOR), own);
    REQUIRE(getsockopt(own, SOL_SOCKET, SO_DOMAIN, &family, &room) == 0);
    CHECK_INT(attribute_int(transport, EN_ATTRIBUTE_FAMILY), family);
    for (int peer = 0; peer < 2; peer++) {
        int which = peer ? EN_ATTRIBUTE_PEER_NAME : EN_ATTRIBUTE_OWN_NAME;

        room = sizeof(want[0]);
        rc = peer ? getpeername(own, (struct sockaddr *)&want[peer], &room)
                  : getsockname(own, (struct sockaddr *)&want[peer], &room);
        REQUIRE(rc == 0);
        size = sizeof(got);
        CHECK_OK(en_stream_transport_get_attribute(transport, which, &got, &size));
        CHECK_BYTES(&got, size, &want[peer], room);
        size = 1;
        CHECK_CODE(en_stream_transport_get_attribute(transport, which, &got, &size), EN_EMSGSIZE);
        CHECK_INT(size, room);
    }
    CHECK_CODE(
        en_stream_transport_get_attribute(transport, EN_ATTRIBUTE_STANDARD_COMPATIBLE, &got, &size),
        EN_ENODATA);
    CHECK_CODE(en_stream_transport_get_attribute(transport, EN_ATTRIBUTE_USER_BASE, &got, &size),
               EN_ENODATA);
    CHECK_CODE(en_stream_transport_get_attribute(transport, 0, &got, &size), EN_EINVAL);
    CHECK_CODE(en_stream_transport_get_attribute(transport, 999, &got, &size), EN_EINVAL);
    CHECK_CODE(en_stream_transport_get_attribute(transport, 1, NULL, &size), EN_EINVAL);
    CHECK_CODE(en_stream_transport_get_attribute(transport, 1, &got, NULL), EN_EINVAL);
    CHECK_CODE(en_stream_transport_get_tls_info(transport, &info), EN_ENODATA);
    CHECK_OK(en_stream_transport_close(transport));
    size = sizeof(got);
    CHECK_CODE(en_stream_transport_get_attribute(transport, 1, &got, &size), EN_ECLOSED);
}
FOR_BOTH(tells_its_attributes)

/* The descriptor goes when the last holder goes, in whatever order. */
static void a_closed_handle_lets_go(void)
{
    en_stream_transport_t *transport;
    en_stream_endpoint_t *endpoint = NULL;
    en_stream_protocol_t *protocol = lines();
    int ends[2];

    pair_open(SOCK_STREAM, ends);
    transport = stream_over(ends[0]);
    REQUIRE_OK(en_stream_endpoint_new(&endpoint, transport, protocol, NULL));
    CHECK_OK(en_stream_transport_close(transport));
    peer_expect_end(ends[1]); /* closed for all, at once */
    CHECK(is_open(ends[0]));
    CHECK_INT(en_stream_endpoint_is_closed(endpoint), 1);
    en_stream_endpoint_free(endpoint);
    CHECK(!is_open(ends[0]));
    en_stream_transport_free(transport);
    en_stream_protocol_free(protocol);
    close(ends[1]);
}

/* Who serves many must know which of them it was. */
static void errors_name_the_peer(void)
{
    char peer[32];
    size_t size;
    ends_t wire;

    ends_open(&wire, true);
    snprintf(peer, sizeof(peer), " 127.0.0.1:%d:", peer_port(wire.fd));
    CHECK_CODE(en_stream_transport_recv_into(wire.transport, &size, 1, 0, &size), EN_ETIMEDOUT);
    CHECK_MESSAGE(peer);
    CHECK_OK(en_stream_transport_send_eof(wire.transport, 20000));
    CHECK_CODE(put_bytes(wire.transport, "text"), EN_EPIPE);
    CHECK_MESSAGE(peer);
    ends_close(&wire);
}

static const test_case_t cases[] = {
    CASE(from_fd_refuses),
    CASE(the_descriptor_is_left_as_it_is),
    CASE_OF_BOTH(receives_in_every_form),
    CASE_OF_BOTH(nothing_there_is_said),
    CASE_OF_BOTH(what_cannot_be_is_refused),
    CASE_OF_BOTH(the_end_of_each_side),
    CASE_OF_BOTH(the_end_is_an_empty_packet),
    CASE_OF_BOTH(closing_wakes),
    CASE_OF_BOTH(freeing_wakes),
    CASE_OF_BOTH(one_call_in_each_direction),
    CASE(a_reset_is_told_after_the_data),
    CASE(errors_name_the_peer),
    CASE_OF_BOTH(tells_its_attributes),
    CASE(a_closed_handle_lets_go),
};

TEST_MAIN("stream_transport")
