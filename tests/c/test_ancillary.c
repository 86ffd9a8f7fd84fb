/* Descriptors and credentials that go beside packets of Unix sockets. */
#include "family.h"
#include "peer.h"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

enum { MOST_FDS = 253 };

typedef struct {
    int fd;
    en_unix_stream_client_t *client;
    en_client_t *view;
    en_ancillary_t *ancillary;
} wire_t;

static void wire_open(wire_t *wire, int receive_credentials)
{
    en_unix_stream_options_t *options;
    en_stream_protocol_t *protocol;
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_stream_protocol_new_line(&protocol, EN_NEWLINE_LF, 0));
    REQUIRE_OK(en_unix_stream_options_new(&options));
    CHECK_OK(en_unix_stream_options_set_receive_credentials(options, receive_credentials));
    REQUIRE_OK(en_unix_stream_client_from_fd(&wire->client, ends[0], protocol, options));
    en_unix_stream_options_free(options);
    en_stream_protocol_free(protocol);
    wire->view = en_unix_stream_client_as_client(wire->client);
    wire->fd = ends[1];
    REQUIRE_OK(en_ancillary_new(&wire->ancillary));
}

static void wire_close(wire_t *wire)
{
    en_ancillary_free(wire->ancillary);
    en_unix_stream_client_free(wire->client);
    close(wire->fd);
}

static int send_with(wire_t *wire, const char *text)
{
    return en_unix_stream_client_send_packet_with_ancillary(wire->client, text, strlen(text),
                                                            wire->ancillary, 20000);
}

/* One receive of the given room: its code; a packet must be `text`. */
static int recv_with(wire_t *wire, size_t room, int64_t timeout_ms, const char *text)
{
    en_packet_t packet = {0};
    int rc = en_unix_stream_client_recv_packet_with_ancillary(wire->client, room, timeout_ms,
                                                              wire->ancillary, &packet);

    if (rc == EN_OK)
        CHECK_BYTES(packet.data, packet.size, text, strlen(text));
    en_packet_release(&packet);
    return rc;
}

/* The peer sends text with `count` copies of a descriptor. */
static void peer_sends(int fd, const char *text, int passed, size_t count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(MOST_FDS * sizeof(int))];
    } control;
    struct iovec part = {(void *)(uintptr_t)text, strlen(text)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control};
    struct cmsghdr *header = &control.align;

    message.msg_controllen = CMSG_SPACE(count * sizeof(int));
    memset(&control, 0, sizeof(control));
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(count * sizeof(int));
    for (size_t i = 0; i < count; i++)
        memcpy(CMSG_DATA(header) + i * sizeof(int), &passed, sizeof(int));
    /* That of musl takes fewer. */
    REQUIRE(syscall(SYS_sendmsg, fd, &message, 0) == (ssize_t)strlen(text));
}

/* Receives with what the peer gets beside it: the number of descriptors, which are closed. */
static size_t peer_gets(int fd, const char *text, struct ucred *who)
{
    union {
        struct cmsghdr align;
        char bytes[8192];
    } control;
    char data[64];
    struct iovec part = {data, sizeof(data)};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control};
    size_t count = 0;
    ssize_t got;

    message.msg_controllen = sizeof(control);
    wait_readable(fd);
    got = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    REQUIRE(got >= 0);
    CHECK_BYTES(data, (size_t)got, text, strlen(text));
    for (struct cmsghdr *at = CMSG_FIRSTHDR(&message); at; at = CMSG_NXTHDR(&message, at)) {
        size_t size = at->cmsg_len - CMSG_LEN(0);

        if (at->cmsg_type == SCM_CREDENTIALS && who)
            memcpy(who, CMSG_DATA(at), sizeof(*who));
        for (size_t i = 0; at->cmsg_type == SCM_RIGHTS && i < size / sizeof(int); i++) {
            int passed;

            memcpy(&passed, CMSG_DATA(at) + i * sizeof(int), sizeof(int));
            CHECK(is_open(passed));
            close(passed);
            count++;
        }
    }
    return count;
}

static int descriptors(void)
{
    int count = 0;

    for (int fd = 0; fd < 2048; fd++)
        count += is_open(fd);
    return count;
}

static void sending_descriptors(void)
{
    en_stats_t stats = {.struct_size = sizeof(stats)};
    int fds[2] = {0, 1};
    wire_t wire;

    wire_open(&wire, 0);
    CHECK_OK(en_ancillary_add_fds(wire.ancillary, fds, 2));
    CHECK_OK(en_ancillary_add_fds(wire.ancillary, fds, 1));
    CHECK_OK(send_with(&wire, "three"));
    CHECK_INT(peer_gets(wire.fd, "three\n", NULL), 3);
    CHECK(is_open(0) && is_open(1));
    CHECK_OK(send_with(&wire, "again")); /* they stay in the object until it is cleared */
    CHECK_INT(peer_gets(wire.fd, "again\n", NULL), 3);
    CHECK_OK(en_ancillary_clear(wire.ancillary));
    CHECK_OK(send_with(&wire, "none"));
    CHECK_INT(peer_gets(wire.fd, "none\n", NULL), 0);
    CHECK_OK(en_unix_stream_client_get_stats(wire.client, &stats));
    CHECK_INT(stats.packets_sent, 3);
    wire_close(&wire);
}

static void as_many_as_the_system_takes(void)
{
    int fds[MOST_FDS + 1] = {0};
    wire_t wire;

    wire_open(&wire, 0);
    CHECK_OK(en_ancillary_add_fds(wire.ancillary, fds, MOST_FDS));
    CHECK_OK(send_with(&wire, "many"));
    CHECK_INT(peer_gets(wire.fd, "many\n", NULL), MOST_FDS);
    CHECK_OK(en_ancillary_add_fds(wire.ancillary, fds, 1));
    CHECK_CODE(send_with(&wire, "too many"), EN_EINVAL);
    peer_expect_nothing(wire.fd);
    peer_sends(wire.fd, "back\n", 0, MOST_FDS);
    CHECK_OK(recv_with(&wire, 0, 20000, "back"));
    CHECK_INT(en_ancillary_fd_count(wire.ancillary), MOST_FDS);
    CHECK_INT(en_ancillary_is_truncated(wire.ancillary), 0);
    wire_close(&wire);
}

static void what_cannot_be_sent(void)
{
    en_datagram_protocol_t *datagrams = protocol_datagrams();
    en_unix_datagram_client_t *client = NULL;
    en_stream_protocol_t *raw = NULL;
    en_unix_stream_options_t *buffered = NULL;
    en_unix_stream_client_t *stream = NULL;
    int closed = dup(0);
    int ends[2];
    wire_t wire;

    wire_open(&wire, 0);
    close(closed);
    CHECK_OK(en_ancillary_add_fds(wire.ancillary, &closed, 1));
    CHECK_CODE(send_with(&wire, "bad"), EN_EBADF);
    CHECK_OK(put_text(wire.view, "usable"));
    peer_expect_text(wire.fd, "usable\n");
    CHECK_OK(en_ancillary_clear(wire.ancillary));
    CHECK_OK(en_ancillary_add_fds(wire.ancillary, &wire.fd, 1));
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_stream_protocol_new_raw(&raw, 0));
    CHECK_OK(en_unix_stream_options_new(&buffered));
    CHECK_OK(en_unix_stream_options_set_write_buffer(buffered, 100));
    REQUIRE_OK(en_unix_stream_client_from_fd(&stream, ends[0], raw, buffered));
    CHECK_OK(en_unix_stream_client_send_packet(stream, "put aside", 9, 20000));
    CHECK_CODE(
        en_unix_stream_client_send_packet_with_ancillary(stream, NULL, 0, wire.ancillary, 20000),
        EN_EINVAL);
    peer_expect_nothing(ends[1]);
    en_unix_stream_options_free(buffered);
    en_unix_stream_client_free(stream);
    en_stream_protocol_free(raw);
    close(ends[1]);
    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_unix_datagram_client_from_fd(&client, ends[0], datagrams, NULL));
    CHECK_CODE(
        en_unix_datagram_client_send_packet_with_ancillary(client, NULL, 0, wire.ancillary, 20000),
        EN_EINVAL);
    CHECK_OK(
        en_unix_datagram_client_send_packet_with_ancillary(client, "x", 1, wire.ancillary, 20000));
    CHECK_INT(peer_gets(ends[1], "x", NULL), 1);
    en_unix_datagram_client_free(client);
    en_datagram_protocol_free(datagrams);
    close(ends[1]);
    wire_close(&wire);
}

static void credentials_both_ways(void)
{
    en_credentials_t got = {0};
    struct ucred who = {0};
    int on = 1;
    wire_t wire;

    wire_open(&wire, 1);
    REQUIRE(setsockopt(wire.fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) == 0);
    CHECK_OK(en_ancillary_add_creds(wire.ancillary, 0, getuid(), getgid()));
    CHECK_OK(send_with(&wire, "me"));
    CHECK_INT(peer_gets(wire.fd, "me\n", &who), 0);
    CHECK_INT(who.pid, getpid()); /* 0 is this process */
    CHECK_INT(who.uid, getuid());
    peer_sends(wire.fd, "both\n", 0, 1);
    CHECK_OK(recv_with(&wire, 0, 20000, "both"));
    CHECK_OK(en_ancillary_get_creds(wire.ancillary, &got));
    CHECK_INT(got.pid, getpid());
    CHECK_INT(got.uid, getuid());
    CHECK_INT(got.gid, getgid());
    CHECK_INT(en_ancillary_count(wire.ancillary), 2);
    CHECK_INT(en_ancillary_fd_count(wire.ancillary), 1);
    wire_close(&wire);
}

static void receiving_and_taking(void)
{
    int fds[2] = {-1, -1};
    const void *data = NULL;
    size_t count = 0;
    int level = 0;
    int type = 0;
    wire_t wire;

    wire_open(&wire, 0);
    peer_sends(wire.fd, "two\n", 0, 2);
    CHECK_OK(recv_with(&wire, 0, 20000, "two"));
    CHECK_INT(en_ancillary_count(wire.ancillary), 1);
    CHECK_INT(en_ancillary_get_kind(wire.ancillary, 0), EN_ANCILLARY_FDS);
    CHECK_CODE(en_ancillary_get_kind(wire.ancillary, 1), EN_EINVAL);
    CHECK_OK(en_ancillary_get_message(wire.ancillary, 0, &level, &type, &data, &count));
    CHECK_INT(level, SOL_SOCKET);
    CHECK_INT(type, SCM_RIGHTS);
    CHECK_INT(count, 2 * sizeof(int));
    CHECK_CODE(en_ancillary_take_fds(wire.ancillary, fds, 1, &count), EN_EMSGSIZE);
    CHECK_CODE(en_ancillary_take_fds(wire.ancillary, NULL, 0, &count), EN_EMSGSIZE);
    CHECK_INT(count, 2);
    CHECK_OK(en_ancillary_take_fds(wire.ancillary, fds, 2, &count));
    CHECK_INT(count, 2);
    CHECK_INT(en_ancillary_fd_count(wire.ancillary), 0);
    CHECK_OK(en_ancillary_clear(wire.ancillary));
    for (int i = 0; i < 2; i++) {
        CHECK(fcntl(fds[i], F_GETFD) == FD_CLOEXEC);
        close(fds[i]);
    }
    wire_close(&wire);
}

static void what_is_not_taken_is_closed(void)
{
    int before;
    wire_t wire;

    wire_open(&wire, 0);
    before = descriptors();
    peer_sends(wire.fd, "one\n", 0, 3);
    CHECK_OK(recv_with(&wire, 0, 20000, "one"));
    CHECK_INT(descriptors(), before + 3);
    peer_sends(wire.fd, "two\n", 0, 1);
    CHECK_OK(recv_with(&wire, 0, 20000, "two")); /* replaces */
    CHECK_INT(descriptors(), before + 1);
    CHECK_CODE(recv_with(&wire, 0, 0, ""), EN_ETIMEDOUT);
    CHECK_INT(descriptors(), before);
    peer_sends(wire.fd, "three\n", 0, 1);
    CHECK_OK(recv_with(&wire, 0, 20000, "three"));
    CHECK_OK(en_ancillary_clear(wire.ancillary));
    CHECK_INT(descriptors(), before);
    peer_sends(wire.fd, "plain\n", 0, 5);
    CHECK_GET(wire.view, "plain");
    CHECK_INT(descriptors(), before);
    wire_close(&wire);
}

static void a_small_room(void)
{
    size_t room = 0;
    wire_t wire;

    wire_open(&wire, 0);
    CHECK_OK(en_ancillary_space(1, 0, &room));
    CHECK_INT(room, CMSG_SPACE(sizeof(int)));
    peer_sends(wire.fd, "cut\n", 0, 9);
    CHECK_OK(recv_with(&wire, room, 20000, "cut"));
    CHECK_INT(en_ancillary_is_truncated(wire.ancillary), 1);
    CHECK(en_ancillary_fd_count(wire.ancillary) < 9);
    peer_sends(wire.fd, "whole\n", 0, 1);
    CHECK_OK(recv_with(&wire, room, 20000, "whole"));
    CHECK_INT(en_ancillary_is_truncated(wire.ancillary), 0);
    CHECK_INT(en_ancillary_fd_count(wire.ancillary), 1);
    CHECK_CODE(recv_with(&wire, (1 << 20) + 1, 0, ""), EN_EINVAL);
    wire_close(&wire);
}

static void an_incomplete_packet(void)
{
    wire_t wire;

    wire_open(&wire, 0);
    peer_sends(wire.fd, "hal", 0, 1);
    CHECK_CODE(recv_with(&wire, 0, 20000, ""), EN_ENOMSG);
    CHECK_INT(en_ancillary_fd_count(wire.ancillary), 1);
    peer_sends(wire.fd, "f\nnext\n", 0, 2);
    CHECK_OK(recv_with(&wire, 0, 20000, "half"));
    CHECK_INT(en_ancillary_fd_count(wire.ancillary), 2);
    CHECK_OK(recv_with(&wire, 0, 0, "next")); /* buffered: comes first and with nothing */
    CHECK_INT(en_ancillary_count(wire.ancillary), 0);
    wire_close(&wire);
}

static void other_messages_are_kept_raw(void)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_unix_datagram_client_t *client = NULL;
    en_ancillary_t *ancillary = NULL;
    en_packet_t packet = {0};
    const void *data = NULL;
    size_t size = 0;
    int level = 0;
    int type = 0;
    int on = 1;
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_unix_datagram_client_from_fd(&client, ends[0], protocol, NULL));
    REQUIRE_OK(en_ancillary_new(&ancillary));
    en_datagram_protocol_free(protocol);
    CHECK_OK(en_unix_datagram_client_setsockopt(client, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof(on)));
    peer_send_text(ends[1], "x");
    CHECK_OK(
        en_unix_datagram_client_recv_packet_with_ancillary(client, 0, 20000, ancillary, &packet));
    CHECK_BYTES(packet.data, packet.size, "x", 1);
    en_packet_release(&packet);
    CHECK_INT(en_ancillary_count(ancillary), 1);
    CHECK_INT(en_ancillary_get_kind(ancillary, 0), EN_ANCILLARY_OTHER);
    CHECK_OK(en_ancillary_get_message(ancillary, 0, &level, &type, &data, &size));
    CHECK_INT(level, SOL_SOCKET);
    CHECK_INT(type, SO_TIMESTAMP);
    CHECK_INT(size, sizeof(struct timeval));
    en_ancillary_free(ancillary);
    en_unix_datagram_client_free(client);
    close(ends[1]);
}

static const test_case_t cases[] = {
    CASE(sending_descriptors),
    CASE(as_many_as_the_system_takes),
    CASE(what_cannot_be_sent),
    CASE(credentials_both_ways),
    CASE(receiving_and_taking),
    CASE(what_is_not_taken_is_closed),
    CASE(a_small_room),
    CASE(an_incomplete_packet),
    CASE(other_messages_are_kept_raw),
};

TEST_MAIN("ancillary")
