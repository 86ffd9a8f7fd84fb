/* Ancillary data beside packets that fail: bytes that do not parse, packets that are not whole, too
 * large, or do not go at once. */
#include "family.h"
#include "peer.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SMALL_BUFFER = 4096 };

static char large[1 << 20];

typedef struct {
    int fd;
    en_unix_stream_client_t *client;
    en_client_t *view;
    en_ancillary_t *ancillary;
} wire_t;

/* The protocol is used up. */
static void wire_open(wire_t *wire, en_stream_protocol_t *protocol,
                      en_unix_stream_options_t *options)
{
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_unix_stream_client_from_fd(&wire->client, ends[0], protocol, options));
    en_stream_protocol_free(protocol);
    en_unix_stream_options_free(options);
    wire->view = en_unix_stream_client_as_client(wire->client);
    wire->fd = ends[1];
    REQUIRE_OK(en_ancillary_new(&wire->ancillary));
}

static void wire_close(wire_t *wire)
{
    en_ancillary_free(wire->ancillary);
    en_unix_stream_client_free(wire->client);
    if (wire->fd >= 0)
        close(wire->fd);
}

static en_stream_protocol_t *lines(size_t most)
{
    en_stream_protocol_t *protocol;

    REQUIRE_OK(en_stream_protocol_new_line(&protocol, EN_NEWLINE_LF, most));
    return protocol;
}

static en_stream_protocol_t *json(void)
{
    en_stream_protocol_t *protocol;

    REQUIRE_OK(en_stream_protocol_new_json(&protocol, 0));
    return protocol;
}

/* The peer sends these bytes with copies of descriptor 0. */
static void peer_passes(int fd, const void *data, size_t size, size_t count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(8 * sizeof(int))];
    } control = {0};
    struct iovec part = {(void *)(uintptr_t)data, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control};

    REQUIRE(count <= 8);
    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    control.align.cmsg_level = SOL_SOCKET;
    control.align.cmsg_type = SCM_RIGHTS;
    control.align.cmsg_len = CMSG_LEN(count * sizeof(int));
    memset(CMSG_DATA(&control.align), 0, count * sizeof(int));
    REQUIRE(sendmsg(fd, &message, 0) == (ssize_t)size);
}

static void peer_passes_text(int fd, const char *text, size_t count)
{
    peer_passes(fd, text, strlen(text), count);
}

/* A receive that must fail so and yet hand over this many descriptors. */
static void check_fails_with(wire_t *wire, int64_t timeout_ms, int code, int count)
{
    static const uint8_t mark = 0;
    en_packet_t packet = {&mark, 77, NULL};

    CHECK_CODE(en_unix_stream_client_recv_packet_with_ancillary(wire->client, 0, timeout_ms,
                                                                wire->ancillary, &packet),
               code);
    CHECK(packet.data == &mark && packet.size == 77);
    CHECK_INT(en_ancillary_fd_count(wire->ancillary), count);
}

static void check_gets_with(wire_t *wire, const char *text, int count)
{
    en_packet_t packet = {0};

    if (CHECK_OK(en_unix_stream_client_recv_packet_with_ancillary(wire->client, 0, 20000,
                                                                  wire->ancillary, &packet)))
        CHECK_BYTES(packet.data, packet.size, text, strlen(text));
    en_packet_release(&packet);
    CHECK_INT(en_ancillary_fd_count(wire->ancillary), count);
}

static void bytes_that_do_not_parse(void)
{
    int taken[3] = {-1, -1, -1};
    size_t count = 0;
    wire_t wire;

    wire_open(&wire, json(), NULL);
    peer_passes_text(wire.fd, "oops\n{}\n", 3);
    check_fails_with(&wire, 20000, EN_EBADMSG, 3);
    CHECK_OK(en_ancillary_take_fds(wire.ancillary, taken, 3, &count));
    CHECK_INT(count, 3);
    for (size_t i = 0; i < count; i++) {
        CHECK(is_open(taken[i]) && taken[i] != 0);
        close(taken[i]);
    }
    check_gets_with(&wire, "{}", 0); /* behind the bad bytes, and with nothing */
    peer_passes_text(wire.fd, "[1] oops\n", 1);
    check_gets_with(&wire, "[1]", 1);
    check_fails_with(&wire, 20000, EN_EBADMSG, 0); /* buffered: its data went with the first */
    wire_close(&wire);
}

static void packets_that_are_too_large(void)
{
    wire_t wire;

    wire_open(&wire, lines(10), NULL);
    peer_passes_text(wire.fd, "this line is too long\nshort\n", 2);
    check_fails_with(&wire, 20000, EN_EMSGSIZE, 2);
    check_gets_with(&wire, "short", 0);
    wire_close(&wire);
}

static void packets_that_are_not_whole(void)
{
    en_stats_t stats = {.struct_size = sizeof(stats)};
    wire_t wire;

    wire_open(&wire, lines(0), NULL);
    peer_passes_text(wire.fd, "a", 1);
    check_fails_with(&wire, EN_TIMEOUT_INFINITE, EN_ENOMSG, 1); /* one receive, however long */
    CHECK_OK(en_unix_stream_client_get_stats(wire.client, &stats));
    CHECK_INT(stats.recv_calls, 1);
    peer_send_text(wire.fd, "b");
    check_fails_with(&wire, 20000, EN_ENOMSG, 0); /* what was held before is closed */
    check_fails_with(&wire, 0, EN_ETIMEDOUT, 0);
    peer_passes_text(wire.fd, "c", 2);
    check_fails_with(&wire, 0, EN_ENOMSG, 2);
    check_fails_with(&wire, 0, EN_ETIMEDOUT, 0);
    peer_send_text(wire.fd, "d\n");
    CHECK_GET(wire.view, "abcd"); /* a plain receive finds the bytes, too */
    peer_passes_text(wire.fd, "e", 1);
    check_fails_with(&wire, 20000, EN_ENOMSG, 1);
    close(wire.fd);
    wire.fd = -1;
    check_fails_with(&wire, 20000, EN_ETRUNCATED, 0);
    check_fails_with(&wire, 20000, EN_ETRUNCATED, 0);
    wire_close(&wire);
}

/* Nobody knows where the next packet begins: nothing more is received. */
static void a_stream_that_is_broken_stays_so(void)
{
    en_stream_protocol_t *protocol;
    wire_t wire;

    REQUIRE_OK(
        en_stream_protocol_new_length_prefixed(&protocol, EN_LENGTH_U8, EN_BIG_ENDIAN, 0, 3));
    wire_open(&wire, protocol, NULL);
    peer_passes(wire.fd, "\4four", 5, 1);
    check_fails_with(&wire, 20000, EN_EMSGSIZE, 1);
    peer_passes(wire.fd, "\3abc", 4, 1);
    check_fails_with(&wire, 20000, EN_EMSGSIZE, 0);
    CHECK_GET_FAILS(wire.view, 20000, EN_EMSGSIZE);
    wire_close(&wire);
}

static void the_end_replaces_as_well(void)
{
    wire_t wire;

    wire_open(&wire, lines(0), NULL);
    peer_passes_text(wire.fd, "x\n", 1);
    peer_end(wire.fd);
    check_gets_with(&wire, "x", 1);
    check_fails_with(&wire, 20000, EN_ECONNABORTED, 0);
    CHECK_OK(en_unix_stream_client_close(wire.client));
    check_fails_with(&wire, 20000, EN_ECLOSED, 0);
    wire_close(&wire);
}

static int build_packet(const uint8_t *data, size_t size, en_slice_t *packet, void *user_data)
{
    *packet = (en_slice_t){data, size};
    return size > 0 && data[0] == '!' ? *(int *)user_data : EN_CALLBACK_DONE;
}

static int make_datagram(const en_slice_t *parts, size_t count, en_frame_t *frame, void *user_data)
{
    (void)user_data;
    for (size_t i = 0; i < count; i++)
        CHECK_OK(en_frame_append_borrowed(frame, parts[i].data, parts[i].size));
    return EN_CALLBACK_DONE;
}

static void check_datagram(en_unix_datagram_client_t *client, en_ancillary_t *ancillary, int code,
                           int count)
{
    en_packet_t packet = {0};

    CHECK_CODE(
        en_unix_datagram_client_recv_packet_with_ancillary(client, 0, 20000, ancillary, &packet),
        code);
    CHECK_INT(en_ancillary_fd_count(ancillary), count);
    en_packet_release(&packet);
}

static void datagrams_that_fail(void)
{
    en_datagram_protocol_callbacks_t callbacks = {sizeof(callbacks), make_datagram, build_packet};
    en_unix_datagram_options_t *options = NULL;
    en_unix_datagram_client_t *client = NULL;
    en_datagram_protocol_t *protocol = NULL;
    en_ancillary_t *ancillary = NULL;
    int answer = EN_EBADMSG;
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_ancillary_new(&ancillary));
    REQUIRE_OK(en_datagram_protocol_new(&protocol, &callbacks, 0, NULL, &answer));
    REQUIRE_OK(en_unix_datagram_options_new(&options));
    CHECK_OK(en_unix_datagram_options_set_max_datagram_size(options, 100));
    REQUIRE_OK(en_unix_datagram_client_from_fd(&client, ends[0], protocol, options));
    en_unix_datagram_options_free(options);
    en_datagram_protocol_free(protocol);
    peer_passes_text(ends[1], "!", 2);
    check_datagram(client, ancillary, EN_EBADMSG, 2);
    peer_passes(ends[1], large, 4321, 3);
    check_datagram(client, ancillary, EN_EMSGSIZE, 3);
    CHECK_MESSAGE("4321");
    answer = EN_EUSER_BASE - 3;
    peer_passes_text(ends[1], "!", 1);
    check_datagram(client, ancillary, EN_EUSER_BASE - 3, 1);
    peer_passes_text(ends[1], "good", 4);
    check_datagram(client, ancillary, EN_OK, 4);
    en_ancillary_free(ancillary);
    en_unix_datagram_client_free(client);
    close(ends[1]);
}

/* Descriptors may come with a datagram of no bytes. */
static void an_empty_datagram(void)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_unix_datagram_client_t *client = NULL;
    en_ancillary_t *ancillary = NULL;
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_ancillary_new(&ancillary));
    REQUIRE_OK(en_unix_datagram_client_from_fd(&client, ends[0], protocol, NULL));
    en_datagram_protocol_free(protocol);
    peer_passes_text(ends[1], "", 2);
    peer_passes_text(ends[1], "next", 1);
    check_datagram(client, ancillary, EN_OK, 2);
    check_datagram(client, ancillary, EN_OK, 1);
    en_ancillary_free(ancillary);
    en_unix_datagram_client_free(client);
    close(ends[1]);
}

/* Makes the way to the peer narrow. */
static void narrow(int fd)
{
    int size = SMALL_BUFFER;

    REQUIRE(setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == 0);
}

static void add_one(wire_t *wire)
{
    int fd = 0;

    CHECK_OK(en_ancillary_add_fds(wire->ancillary, &fd, 1));
}

static int send_with(wire_t *wire, const void *data, size_t size, int64_t timeout_ms)
{
    return en_unix_stream_client_send_packet_with_ancillary(wire->client, data, size,
                                                            wire->ancillary, timeout_ms);
}

/* Part of it went out, and no more goes with the descriptors: nothing may follow. */
static void check_does_not_fit(int64_t timeout_ms, en_cancel_t *cancel)
{
    en_unix_stream_options_t *options;
    int64_t start;
    wire_t wire;

    REQUIRE_OK(en_unix_stream_options_new(&options));
    CHECK_OK(en_unix_stream_options_set_cancel(options, cancel));
    wire_open(&wire, lines(0), options);
    narrow(en_unix_stream_client_fileno(wire.client));
    add_one(&wire);
    start = now_ms();
    CHECK_CODE(send_with(&wire, large, sizeof(large), timeout_ms), EN_EMSGSIZE);
    CHECK_TOOK(start, 0);
    CHECK_CODE(put_text(wire.view, "x"), EN_EPIPE);
    CHECK_CODE(send_with(&wire, "x", 1, 20000), EN_EPIPE);
    peer_send_text(wire.fd, "receiving goes on\n");
    CHECK_GET(wire.view, "receiving goes on");
    wire_close(&wire);
}

/* Whatever the time, and however it would be waited. */
static void what_does_not_fit_at_once(void)
{
    en_cancel_t *cancel = NULL;

    check_does_not_fit(0, NULL);
    check_does_not_fit(20000, NULL);
    check_does_not_fit(EN_TIMEOUT_INFINITE, NULL);
    REQUIRE_OK(en_cancel_new(&cancel));
    check_does_not_fit(EN_TIMEOUT_INFINITE, cancel);
    en_cancel_free(cancel);
}

static void datagrams_that_do_not_fit(void)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_unix_datagram_client_t *client = NULL;
    en_ancillary_t *ancillary = NULL;
    int fd = 0;
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_ancillary_new(&ancillary));
    REQUIRE_OK(en_unix_datagram_client_from_fd(&client, ends[0], protocol, NULL));
    en_datagram_protocol_free(protocol);
    narrow(ends[0]);
    CHECK_OK(en_ancillary_add_fds(ancillary, &fd, 1));
    CHECK_CODE(en_unix_datagram_client_send_packet_with_ancillary(client, large, sizeof(large),
                                                                  ancillary, 20000),
               EN_EMSGSIZE);
    expect_no_datagram(ends[1]);
    CHECK_OK(
        en_unix_datagram_client_send_packet_with_ancillary(client, "fits", 4, ancillary, 20000));
    expect_datagram(ends[1], "fits", 4);
    en_ancillary_free(ancillary);
    en_unix_datagram_client_free(client);
    close(ends[1]);
}

/* No room for a single byte: not sent, and the client is as before. */
static void no_room_at_all(void)
{
    int64_t start;
    wire_t wire;

    wire_open(&wire, lines(0), NULL);
    while (send(en_unix_stream_client_fileno(wire.client), large, 1000, MSG_DONTWAIT) > 0)
        ;
    add_one(&wire);
    CHECK_CODE(send_with(&wire, "x", 1, 0), EN_ETIMEDOUT);
    start = now_ms();
    CHECK_CODE(send_with(&wire, "x", 1, 150), EN_ETIMEDOUT);
    CHECK_TOOK(start, 150);
    while (recv(wire.fd, large, sizeof(large), MSG_DONTWAIT) > 0)
        ;
    memset(large, 0, sizeof(large));
    CHECK_OK(send_with(&wire, "room", 4, 20000));
    peer_expect_text(wire.fd, "room\n");
    wire_close(&wire);
}

/* How many control messages come with the next `size` bytes, which must be these. */
static size_t control_with(int fd, const char *want, size_t size)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    char data[64];
    struct iovec part = {data, size};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control};
    int passed;

    message.msg_controllen = sizeof(control.bytes);
    REQUIRE(recvmsg(fd, &message, MSG_CMSG_CLOEXEC) == (ssize_t)size);
    CHECK_BYTES(data, size, want, size);
    if (!CMSG_FIRSTHDR(&message))
        return 0;
    memcpy(&passed, CMSG_DATA(&control.align), sizeof(passed));
    close(passed);
    return 1;
}

/* What is in the write buffer goes first, and not with the descriptors. */
static void behind_a_write_buffer(void)
{
    en_unix_stream_options_t *options;
    wire_t wire;

    REQUIRE_OK(en_unix_stream_options_new(&options));
    CHECK_OK(en_unix_stream_options_set_write_buffer(options, 4096));
    wire_open(&wire, lines(0), options);
    CHECK_OK(put_text(wire.view, "first"));
    peer_expect_nothing(wire.fd);
    add_one(&wire);
    CHECK_OK(send_with(&wire, "second", 6, 20000));
    CHECK_INT(control_with(wire.fd, "first\n", 6), 0);
    CHECK_INT(control_with(wire.fd, "second\n", 7), 1);
    wire_close(&wire);
}

/* Who has asked for it takes it from the socket, and receiving still says it. */
static void an_error_that_was_asked_for_is_not_lost(void)
{
    en_packet_t packet = {0};
    int value = 0;
    size_t size = sizeof(value);
    wire_t wire;

    wire_open(&wire, lines(0), NULL);
    CHECK_OK(en_unix_stream_client_send_packet(wire.client, "unread", 6, 5000));
    close(wire.fd);
    wire.fd = -1;
    CHECK_OK(en_unix_stream_client_getsockopt(wire.client, SOL_SOCKET, SO_ERROR, &value, &size));
    CHECK_INT(value, ECONNRESET);
    CHECK_CODE(en_unix_stream_client_recv_packet_with_ancillary(wire.client, 0, 5000,
                                                                wire.ancillary, &packet),
               EN_ECONNRESET);
    wire_close(&wire);
}

static const test_case_t cases[] = {
    CASE(an_error_that_was_asked_for_is_not_lost),
    CASE(bytes_that_do_not_parse),
    CASE(packets_that_are_too_large),
    CASE(packets_that_are_not_whole),
    CASE(a_stream_that_is_broken_stays_so),
    CASE(the_end_replaces_as_well),
    CASE(datagrams_that_fail),
    CASE(what_does_not_fit_at_once),
    CASE(an_empty_datagram),
    CASE(datagrams_that_do_not_fit),
    CASE(no_room_at_all),
    CASE(behind_a_write_buffer),
};

TEST_MAIN("ancillary_errors")
