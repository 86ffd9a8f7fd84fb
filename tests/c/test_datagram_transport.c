/* Datagram transports over sockets: from construction to the end. */
#include "low.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

/* A transport and its peer. */
typedef struct {
    en_datagram_transport_t *transport;
    int fd;
} wire_t;

/* The options end with it. */
static void open_with(wire_t *wire, bool udp, en_transport_options_t *options)
{
    int ends[2];

    if (udp) {
        for (int i = 0; i < 2; i++)
            ends[i] = udp_bound("127.0.0.1");
        connect_to(ends[0], ends[1]);
        connect_to(ends[1], ends[0]);
    } else {
        pair_open(SOCK_DGRAM, ends);
    }
    REQUIRE_OK(en_datagram_transport_from_fd(&wire->transport, ends[0], options));
    en_transport_options_free(options);
    CHECK_INT(en_datagram_transport_fileno(wire->transport), ends[0]);
    wire->fd = ends[1];
}

static void wire_close(wire_t *wire)
{
    en_datagram_transport_free(wire->transport);
    if (wire->fd >= 0)
        close(wire->fd);
}

#define FOR_BOTH_KINDS(check)                                                                      \
    static void unix_##check(void)                                                                 \
    {                                                                                              \
        wire_t wire;                                                                               \
                                                                                                   \
        open_with(&wire, false, NULL);                                                             \
        check(&wire);                                                                              \
        wire_close(&wire);                                                                         \
    }                                                                                              \
    static void udp_##check(void)                                                                  \
    {                                                                                              \
        wire_t wire;                                                                               \
                                                                                                   \
        open_with(&wire, true, NULL);                                                              \
        check(&wire);                                                                              \
        wire_close(&wire);                                                                         \
    }
#define CASE_OF_KINDS(check) CASE(unix_##check), CASE(udp_##check)

static void peer_sends(wire_t *wire, const char *text)
{
    REQUIRE(send(wire->fd, text, strlen(text), 0) == (ssize_t)strlen(text));
}

static int put(wire_t *wire, const char *text)
{
    return en_datagram_transport_send(wire->transport, text, strlen(text), 20000);
}

static void refuse(int fd, int code)
{
    en_datagram_transport_t *transport = (void *)&code;

    CHECK_CODE(en_datagram_transport_from_fd(&transport, fd, NULL), code);
    CHECK(transport == NULL);
    if (code != EN_EBADF) {
        CHECK(is_open(fd));
        close(fd);
    }
}

static void from_fd_refuses(void)
{
    en_transport_options_t *options = transport_options();
    en_datagram_transport_t *transport = NULL;
    int ends[2];

    refuse(-1, EN_EBADF);
    refuse(1000, EN_EBADF);
    pipe_open(ends);
    refuse(ends[0], EN_ENOTSOCK);
    refuse(ends[1], EN_ENOTSOCK);
    pair_open(SOCK_STREAM, ends);
    refuse(ends[0], EN_EPROTOTYPE);
    close(ends[1]);
    refuse(udp_bound("127.0.0.1"), EN_ENOTCONN);
    refuse(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), EN_ENOTCONN);
    CHECK_CODE(en_datagram_transport_from_fd(NULL, -1, NULL), EN_EINVAL);
    CHECK_OK(en_transport_options_set_handshake_timeout(options, 1000));
    CHECK_CODE(en_datagram_transport_from_fd(&transport, -1, options), EN_EINVAL);
    en_transport_options_free(options);
}

static void the_descriptor_is_left_as_it_is(void)
{
    for (int flag = 0; flag <= O_NONBLOCK; flag += O_NONBLOCK) {
        en_packet_t packet = {0};
        int64_t start;
        wire_t wire;
        int fd;

        open_with(&wire, true, NULL);
        fd = en_datagram_transport_fileno(wire.transport);
        REQUIRE(fcntl(fd, F_SETFL, flag) == 0);
        start = now_ms();
        CHECK_CODE(en_datagram_transport_recv(wire.transport, 60, &packet), EN_ETIMEDOUT);
        CHECK_TOOK(start, 60);
        CHECK_INT(fcntl(fd, F_GETFL) & O_NONBLOCK, flag);
        wire_close(&wire);
        CHECK(!is_open(fd));
    }
}

static void every_form_keeps_the_bounds(wire_t *wire)
{
    en_packet_t packet = {0};
    char buffer[16];
    size_t size = 77;
    int fd = 77;

    peer_sends(wire, "one");
    peer_sends(wire, "second");
    peer_sends(wire, "");
    peer_sends(wire, "fourth");
    CHECK_GOT_DATAGRAM(wire->transport, "one");
    CHECK_OK(en_datagram_transport_recv_into(wire->transport, buffer, 16, 20000, &size));
    CHECK_BYTES(buffer, size, "second", 6);
    CHECK_OK(en_datagram_transport_recv_noblock(wire->transport, &packet, &fd));
    CHECK_INT(packet.size, 0);
    CHECK_INT(fd, -1);
    en_packet_release(&packet);
    fd = 77;
    CHECK_OK(en_datagram_transport_recv_into_noblock(wire->transport, buffer, 16, &size, &fd));
    CHECK_BYTES(buffer, size, "fourth", 6);
    CHECK_INT(fd, -1);
    CHECK_OK(put(wire, "there"));
    CHECK_OK(put(wire, ""));
    fd = 77;
    CHECK_OK(en_datagram_transport_send_noblock(wire->transport, "again", 5, &fd));
    CHECK_INT(fd, -1);
    expect_datagram(wire->fd, "there", 5);
    expect_datagram(wire->fd, "", 0);
    expect_datagram(wire->fd, "again", 5);
}
FOR_BOTH_KINDS(every_form_keeps_the_bounds)

static void an_empty_one_is_one(wire_t *wire)
{
    char buffer[1];
    size_t size = 77;

    peer_sends(wire, "");
    CHECK_OK(en_datagram_transport_recv_into(wire->transport, buffer, 1, 20000, &size));
    CHECK_INT(size, 0);
    /* It fits where nothing else does. */
    size = 77;
    peer_sends(wire, "");
    CHECK_OK(en_datagram_transport_recv_into(wire->transport, NULL, 0, 20000, &size));
    CHECK_INT(size, 0);
    peer_sends(wire, "x");
    CHECK_CODE(en_datagram_transport_recv_into(wire->transport, NULL, 0, 20000, &size),
               EN_EMSGSIZE);
    CHECK_INT(size, 1);
}
FOR_BOTH_KINDS(an_empty_one_is_one)

static void nothing_there_is_said(wire_t *wire)
{
    static const uint8_t mark = 0;
    en_packet_t packet = {&mark, 77, NULL};
    en_datagram_transport_t *transport = wire->transport;
    int own = en_datagram_transport_fileno(transport);
    char buffer[16];
    size_t size = 77;
    int fd = 77;

    CHECK_CODE(en_datagram_transport_recv(transport, 0, &packet), EN_ETIMEDOUT);
    CHECK_CODE(en_datagram_transport_recv_noblock(transport, &packet, &fd), EN_WANT_READ);
    CHECK_INT(fd, own);
    CHECK(packet.data == &mark && packet.size == 77);
    CHECK_CODE(en_datagram_transport_recv_into(transport, buffer, 16, 0, &size), EN_ETIMEDOUT);
    CHECK_INT(size, 0);
    size = fd = 77;
    CHECK_CODE(en_datagram_transport_recv_into_noblock(transport, buffer, 16, &size, &fd),
               EN_WANT_READ);
    CHECK_INT(size, 0);
    CHECK_INT(fd, own);
}
FOR_BOTH_KINDS(nothing_there_is_said)

/* A Unix peer that does not read makes senders wait. */
static void a_full_peer_is_waited_for(void)
{
    static const char text[100];
    int64_t start;
    wire_t wire;
    int count = 0;
    int fd = 77;
    int rc;

    open_with(&wire, false, NULL);
    while ((rc = en_datagram_transport_send_noblock(wire.transport, text, 100, &fd)) == EN_OK)
        count++;
    CHECK_CODE(rc, EN_WANT_WRITE);
    CHECK_INT(fd, en_datagram_transport_fileno(wire.transport));
    start = now_ms();
    CHECK_CODE(en_datagram_transport_send(wire.transport, text, 100, 60), EN_ETIMEDOUT);
    CHECK_TOOK(start, 60);
    for (; count > 0; count--)
        expect_datagram(wire.fd, text, 100);
    expect_no_datagram(wire.fd);
    CHECK_OK(put(&wire, "room again"));
    wire_close(&wire);
}

static void what_cannot_be_is_refused(wire_t *wire)
{
    en_datagram_transport_t *transport = wire->transport;
    en_packet_t packet = {0};
    char buffer[4];
    size_t size;
    int fd;

    CHECK_CODE(en_datagram_transport_recv(NULL, 0, &packet), EN_EINVAL);
    CHECK_CODE(en_datagram_transport_recv(transport, 0, NULL), EN_EINVAL);
    CHECK_CODE(en_datagram_transport_recv_noblock(transport, &packet, NULL), EN_EINVAL);
    CHECK_CODE(en_datagram_transport_recv_into(transport, NULL, 4, 0, &size), EN_EINVAL);
    CHECK_CODE(en_datagram_transport_recv_into(transport, buffer, 4, 0, NULL), EN_EINVAL);
    CHECK_CODE(en_datagram_transport_recv_into_noblock(transport, buffer, 4, NULL, &fd), EN_EINVAL);
    CHECK_CODE(en_datagram_transport_send(transport, NULL, 1, 0), EN_EINVAL);
    CHECK_CODE(en_datagram_transport_send_noblock(transport, "x", 1, NULL), EN_EINVAL);
    CHECK_CODE(en_datagram_transport_max_datagram_size(transport, NULL), EN_EINVAL);
    CHECK_CODE(en_datagram_transport_max_datagram_size(NULL, &size), EN_EINVAL);
    CHECK_CODE(en_datagram_transport_close(NULL), EN_EINVAL);
    CHECK_CODE(en_datagram_transport_is_closed(NULL), EN_EINVAL);
    CHECK_INT(en_datagram_transport_fileno(NULL), -1);
    en_datagram_transport_free(NULL);
    expect_no_datagram(wire->fd);
}
FOR_BOTH_KINDS(what_cannot_be_is_refused)

static void one_that_does_not_fit_is_told(wire_t *wire)
{
    char buffer[4] = "....";
    size_t size = 77;
    int fd = 77;

    peer_sends(wire, "too long");
    peer_sends(wire, "next");
    CHECK_CODE(en_datagram_transport_recv_into(wire->transport, buffer, 4, 20000, &size),
               EN_EMSGSIZE);
    CHECK_INT(size, 8); /* its true size */
    CHECK_MESSAGE("8 bytes");
    CHECK_OK(en_datagram_transport_recv_into(wire->transport, buffer, 4, 20000, &size));
    CHECK_BYTES(buffer, size, "next", 4);
    peer_sends(wire, "too long");
    CHECK_CODE(en_datagram_transport_recv_into_noblock(wire->transport, buffer, 4, &size, &fd),
               EN_EMSGSIZE);
    CHECK_INT(size, 8);
    CHECK_INT(fd, -1);
}
FOR_BOTH_KINDS(one_that_does_not_fit_is_told)

static void check_maximum(bool udp)
{
    en_transport_options_t *options = transport_options();
    en_packet_t packet = {0};
    char buffer[16];
    wire_t wire;
    size_t size = 0;
    int fd;

    CHECK_OK(en_transport_options_set_max_datagram_size(options, 8));
    open_with(&wire, udp, options);
    CHECK_OK(en_datagram_transport_max_datagram_size(wire.transport, &size));
    CHECK_INT(size, 8);
    peer_sends(&wire, "exactly8");
    peer_sends(&wire, "more than 8");
    peer_sends(&wire, "more than 8");
    peer_sends(&wire, "more than 8");
    CHECK_GOT_DATAGRAM(wire.transport, "exactly8");
    CHECK_CODE(en_datagram_transport_recv(wire.transport, 20000, &packet), EN_EMSGSIZE);
    CHECK_MESSAGE("11 bytes");
    CHECK_CODE(en_datagram_transport_recv_noblock(wire.transport, &packet, &fd), EN_EMSGSIZE);
    /* It does not count for a buffer of the caller. */
    CHECK_OK(en_datagram_transport_recv_into(wire.transport, buffer, 16, 20000, &size));
    CHECK_BYTES(buffer, size, "more than 8", 11);
    wire_close(&wire);
    open_with(&wire, udp, NULL);
    CHECK_OK(en_datagram_transport_max_datagram_size(wire.transport, &size));
    CHECK_INT(size, 65536);
    wire_close(&wire);
}

static void the_maximum_is_kept(void)
{
    check_maximum(false);
    check_maximum(true);
}

static void too_large_to_send_is_told(void)
{
    static char large[65508];
    wire_t wire;

    open_with(&wire, true, NULL);
    CHECK_CODE(en_datagram_transport_send(wire.transport, large, sizeof(large), 20000),
               EN_EMSGSIZE);
    CHECK_OK(en_datagram_transport_send(wire.transport, large, sizeof(large) - 1, 20000));
    expect_datagram(wire.fd, large, sizeof(large) - 1);
    wire_close(&wire);
}

/* What an earlier datagram found is told once, and nothing is broken by it. */
static void a_refusal_is_told_once(void)
{
    en_packet_t packet = {0};
    wire_t wire;

    open_with(&wire, true, NULL);
    close(wire.fd);
    wire.fd = -1;
    CHECK_OK(put(&wire, "to nobody"));
    CHECK_CODE(en_datagram_transport_recv(wire.transport, 20000, &packet), EN_ECONNREFUSED);
    CHECK_CODE(en_datagram_transport_recv(wire.transport, 0, &packet), EN_ETIMEDOUT);
    CHECK_OK(put(&wire, "to nobody"));
    wait_readable(en_datagram_transport_fileno(wire.transport));
    CHECK_CODE(put(&wire, "not sent"), EN_ECONNREFUSED);
    CHECK_MESSAGE("this one was not sent");
    CHECK_INT(en_datagram_transport_is_closed(wire.transport), 0);
    wire_close(&wire);
}

static void closing_wakes(wire_t *wire)
{
    en_packet_t packet = {0};
    mover_t mover;
    size_t size;
    int own = en_datagram_transport_fileno(wire->transport);
    int64_t start;
    int fd;

    mover_receives_datagram(&mover, wire->transport);
    start = now_ms();
    CHECK_OK(en_datagram_transport_close(wire->transport));
    CHECK_CODE(mover_end(&mover), EN_ECLOSED);
    CHECK_TOOK(start, 0);
    CHECK(!is_open(own));
    CHECK_INT(en_datagram_transport_is_closed(wire->transport), 1);
    CHECK_INT(en_datagram_transport_fileno(wire->transport), -1);
    CHECK_CODE(en_datagram_transport_recv(wire->transport, -1, &packet), EN_ECLOSED);
    CHECK_CODE(en_datagram_transport_recv_noblock(wire->transport, &packet, &fd), EN_ECLOSED);
    CHECK_CODE(put(wire, "x"), EN_ECLOSED);
    size = 4;
    CHECK_CODE(en_datagram_transport_get_attribute(wire->transport, 1, &fd, &size), EN_ECLOSED);
    CHECK_OK(en_datagram_transport_close(wire->transport));
}
FOR_BOTH_KINDS(closing_wakes)

static void freeing_wakes(wire_t *wire)
{
    mover_t mover;

    mover_receives_datagram(&mover, wire->transport);
    en_datagram_transport_free(wire->transport);
    wire->transport = NULL;
    CHECK_CODE(mover_end(&mover), EN_ECLOSED);
}
FOR_BOTH_KINDS(freeing_wakes)

static void send_until_closed(void *arg)
{
    wire_t *wire = arg;
    int rc;

    while ((rc = en_datagram_transport_send(wire->transport, "x", 1, -1)) == EN_OK)
        ;
    CHECK_CODE(rc, EN_ECLOSED);
}

static void closing_wakes_a_stuck_sender(void)
{
    thread_t thread;
    int64_t start;
    wire_t wire;

    open_with(&wire, false, NULL);
    thread_start(&thread, send_until_closed, &wire);
    thread_wait_blocked(&thread);
    CHECK_CODE(put(&wire, "y"), EN_EBUSY);
    start = now_ms();
    CHECK_OK(en_datagram_transport_close(wire.transport));
    thread_join(&thread);
    CHECK_TOOK(start, 0);
    wire_close(&wire);
}

static void one_call_in_each_direction(wire_t *wire)
{
    en_packet_t packet = {0};
    mover_t mover;
    char buffer[8];
    size_t size = 77;
    int fd = 77;

    mover_receives_datagram(&mover, wire->transport);
    CHECK_CODE(en_datagram_transport_recv(wire->transport, -1, &packet), EN_EBUSY);
    CHECK_CODE(en_datagram_transport_recv_into(wire->transport, buffer, 8, -1, &size), EN_EBUSY);
    CHECK_INT(size, 0);
    CHECK_CODE(en_datagram_transport_recv_noblock(wire->transport, &packet, &fd), EN_EBUSY);
    CHECK_OK(put(wire, "beside"));
    peer_sends(wire, "answer");
    CHECK_OK(mover_end(&mover));
}
FOR_BOTH_KINDS(one_call_in_each_direction)

typedef struct {
    wire_t *wire;
    int calls;
    char got[16];
} attempt_t;

static int take_two(int *fd, void *user_data)
{
    attempt_t *attempt = user_data;
    size_t size = 0;
    int rc = EN_OK;

    for (; attempt->calls < 2; attempt->calls++) {
        rc = en_datagram_transport_recv_into_noblock(attempt->wire->transport, attempt->got, 16,
                                                     &size, fd);
        if (rc != EN_OK)
            return rc;
    }
    return EN_CALLBACK_DONE;
}

static void retry_keeps_its_time(wire_t *wire)
{
    attempt_t attempt = {.wire = wire};
    int64_t left = 77;
    int64_t start = now_ms();

    peer_sends(wire, "first");
    CHECK_CODE(en_datagram_transport_retry(wire->transport, take_two, &attempt, 80, &left),
               EN_ETIMEDOUT);
    CHECK_TOOK(start, 80);
    CHECK_INT(left, 0);
    peer_sends(wire, "second");
    CHECK_OK(en_datagram_transport_retry(wire->transport, take_two, &attempt, -1, &left));
    CHECK(left < 0);
    CHECK_BYTES(attempt.got, 6, "second", 6);
}
FOR_BOTH_KINDS(retry_keeps_its_time)

static void tells_its_attributes(wire_t *wire)
{
    en_datagram_transport_t *transport = wire->transport;
    int own = en_datagram_transport_fileno(transport);
    struct sockaddr_storage want = {0};
    struct sockaddr_storage got;
    socklen_t room = sizeof(want);
    size_t size = sizeof(int);
    int value = 0;

    CHECK_OK(
        en_datagram_transport_get_attribute(transport, EN_ATTRIBUTE_DESCRIPTOR, &value, &size));
    CHECK_INT(value, own);
    CHECK_OK(en_datagram_transport_get_attribute(transport, EN_ATTRIBUTE_FAMILY, &value, &size));
    REQUIRE(getpeername(own, (struct sockaddr *)&want, &room) == 0);
    CHECK_INT(value, want.ss_family);
    size = sizeof(got);
    CHECK_OK(en_datagram_transport_get_attribute(transport, EN_ATTRIBUTE_PEER_NAME, &got, &size));
    CHECK_BYTES(&got, size, &want, room);
    CHECK_CODE(en_datagram_transport_get_attribute(transport, EN_ATTRIBUTE_STANDARD_COMPATIBLE,
                                                   &got, &size),
               EN_ENODATA);
    CHECK_CODE(en_datagram_transport_get_attribute(transport, -1, &got, &size), EN_EINVAL);
}
FOR_BOTH_KINDS(tells_its_attributes)

static const test_case_t cases[] = {
    CASE(from_fd_refuses),
    CASE(the_descriptor_is_left_as_it_is),
    CASE_OF_KINDS(every_form_keeps_the_bounds),
    CASE_OF_KINDS(an_empty_one_is_one),
    CASE_OF_KINDS(nothing_there_is_said),
    CASE(a_full_peer_is_waited_for),
    CASE_OF_KINDS(what_cannot_be_is_refused),
    CASE_OF_KINDS(one_that_does_not_fit_is_told),
    CASE(the_maximum_is_kept),
    CASE(too_large_to_send_is_told),
    CASE(a_refusal_is_told_once),
    CASE_OF_KINDS(closing_wakes),
    CASE_OF_KINDS(freeing_wakes),
    CASE(closing_wakes_a_stuck_sender),
    CASE_OF_KINDS(one_call_in_each_direction),
    CASE_OF_KINDS(retry_keeps_its_time),
    CASE_OF_KINDS(tells_its_attributes),
};

TEST_MAIN("datagram_transport")
