/* UDP and Unix clients over descriptors of the application: they are left as they are found, stay
 * the application's after a failure, and are the library's after success. */
#include "families.h"
#include "peer.h"

#include <fcntl.h>
#include <sys/time.h>
#include <unistd.h>

/* A connected pair of a kind, and a client over its first end. */
typedef struct {
    int (*from_fd)(en_client_t **view, void **client, int fd, bool with_protocol);
    void (*pair)(int *ends);
    const family_t *family;
} given_t;

static void udp_pair(int *ends)
{
    ends[0] = udp_bound("127.0.0.1");
    ends[1] = udp_bound("127.0.0.1");
    connect_to(ends[0], ends[1]);
    connect_to(ends[1], ends[0]);
}

static void stream_pair(int *ends)
{
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
}

static void datagram_pair(int *ends)
{
    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0);
}

static int udp_from_fd(en_client_t **view, void **client, int fd, bool with_protocol)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_udp_client_t *own = NULL;
    int rc = en_udp_client_from_fd(&own, fd, with_protocol ? protocol : NULL, NULL);

    en_datagram_protocol_free(protocol);
    *client = own;
    *view = en_udp_client_as_client(own);
    return rc;
}

static int stream_from_fd(en_client_t **view, void **client, int fd, bool with_protocol)
{
    en_unix_stream_client_t *own = NULL;
    en_stream_protocol_t *protocol;
    int rc;

    REQUIRE_OK(en_stream_protocol_new_line(&protocol, EN_NEWLINE_LF, 0));
    rc = en_unix_stream_client_from_fd(&own, fd, with_protocol ? protocol : NULL, NULL);
    en_stream_protocol_free(protocol);
    *client = own;
    *view = en_unix_stream_client_as_client(own);
    return rc;
}

static int datagram_from_fd(en_client_t **view, void **client, int fd, bool with_protocol)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_unix_datagram_client_t *own = NULL;
    int rc = en_unix_datagram_client_from_fd(&own, fd, with_protocol ? protocol : NULL, NULL);

    en_datagram_protocol_free(protocol);
    *client = own;
    *view = en_unix_datagram_client_as_client(own);
    return rc;
}

static const given_t udp = {udp_from_fd, udp_pair, &family_udp};
static const given_t unix_stream = {stream_from_fd, stream_pair, &family_unix_stream};
static const given_t unix_datagram = {datagram_from_fd, datagram_pair, &family_unix_datagram};

static void check_flags(const given_t *given, int flag)
{
    member_t member = {.family = given->family};
    en_packet_t packet = {0};
    int64_t start;
    int flags;
    int ends[2];

    given->pair(ends);
    flags = fcntl(ends[0], F_GETFL);
    REQUIRE(fcntl(ends[0], F_SETFL, (flags & ~O_NONBLOCK) | flag) == 0);
    flags = fcntl(ends[0], F_GETFL);
    REQUIRE_OK(given->from_fd(&member.view, &member.client, ends[0], true));
    member.fd = ends[1];
    CHECK_INT(en_client_fileno(member.view), ends[0]);
    start = now_ms();
    CHECK_GET_FAILS(member.view, 120, EN_ETIMEDOUT); /* it waits, whatever the flag says */
    CHECK_TOOK(start, 120);
    CHECK_GET_FAILS(member.view, 0, EN_ETIMEDOUT);
    CHECK_OK(put_text(member.view, "out"));
    member_peer_expects(&member, "out");
    member_peer_sends(&member, "in");
    CHECK_OK(en_client_recv_packet(member.view, EN_TIMEOUT_INFINITE, &packet));
    en_packet_release(&packet);
    CHECK_INT(fcntl(ends[0], F_GETFL), flags);
    CHECK_OK(en_client_close(member.view));
    CHECK(!is_open(ends[0]));
    member_close(&member);
}

static void flags_are_left(const given_t *given)
{
    check_flags(given, 0);
    check_flags(given, O_NONBLOCK);
}

/* A finite time on a full peer, with a descriptor that does not wait by itself. */
static void sending_waits_all_the_same(const given_t *given)
{
    static char bytes[1000];
    member_t member = {.family = given->family};
    int64_t start;
    int ends[2];
    int rc;

    given->pair(ends);
    REQUIRE(fcntl(ends[0], F_SETFL, O_RDWR | O_NONBLOCK) == 0);
    REQUIRE_OK(given->from_fd(&member.view, &member.client, ends[0], true));
    member.fd = ends[1];
    do {
        start = now_ms();
        rc = en_client_send_packet(member.view, bytes, sizeof(bytes), 120);
    } while (rc == EN_OK);
    CHECK_CODE(rc, EN_ETIMEDOUT);
    CHECK_TOOK(start, 120);
    member_close(&member);
}

/* They belong to the open socket, which others may have, too. */
static void time_outs_are_left(const given_t *given)
{
    static const int names[] = {SO_RCVTIMEO, SO_SNDTIMEO};
    member_t member = {.family = given->family};
    en_packet_t packet = {0};
    int64_t start;
    int ends[2];
    int other;

    given->pair(ends);
    other = dup(ends[0]);
    REQUIRE_OK(given->from_fd(&member.view, &member.client, ends[0], true));
    member.fd = ends[1];
    CHECK_CODE(en_client_recv_packet(member.view, 300, &packet), EN_ETIMEDOUT);
    CHECK_OK(en_client_send_packet(member.view, "x", 1, 5000));
    for (size_t i = 0; i < 2; i++) {
        struct timeval time = {1, 1};
        socklen_t size = sizeof(time);

        CHECK(getsockopt(other, SOL_SOCKET, names[i], &time, &size) == 0);
        CHECK(time.tv_sec == 0 && time.tv_usec == 0);
    }
    start = now_ms();
    CHECK(setsockopt(other, SOL_SOCKET, SO_RCVTIMEO, &(struct timeval){10, 0},
                     sizeof(struct timeval)) == 0);
    CHECK_CODE(en_client_recv_packet(member.view, 200, &packet), EN_ETIMEDOUT);
    CHECK_TOOK(start, 200);
    close(other);
    member_close(&member);
}

static void arguments_come_first(const given_t *given)
{
    en_client_t *view = NULL;
    void *client = NULL;
    int ends[2];

    given->pair(ends);
    CHECK_CODE(given->from_fd(&view, &client, ends[0], false), EN_EINVAL);
    CHECK(client == NULL);
    CHECK(is_open(ends[0]));
    CHECK_CODE(given->from_fd(&view, &client, -1, false), EN_EINVAL); /* before the descriptor */
    CHECK_CODE(given->from_fd(&view, &client, -1, true), EN_EBADF);
    close(ends[0]);
    CHECK_CODE(given->from_fd(&view, &client, ends[0], true), EN_EBADF);
    close(ends[1]);
}

#define OVER_EACH(check)                                                                           \
    static void udp_##check(void)                                                                  \
    {                                                                                              \
        check(&udp);                                                                               \
    }                                                                                              \
    OVER_UNIX(check)
#define OVER_UNIX(check)                                                                           \
    static void unix_stream_##check(void)                                                          \
    {                                                                                              \
        check(&unix_stream);                                                                       \
    }                                                                                              \
    static void unix_datagram_##check(void)                                                        \
    {                                                                                              \
        check(&unix_datagram);                                                                     \
    }

OVER_EACH(flags_are_left)
OVER_EACH(time_outs_are_left)
OVER_EACH(arguments_come_first)
OVER_UNIX(sending_waits_all_the_same)

static const test_case_t cases[] = {
    CASE_OF_EACH(flags_are_left),
    CASE_OF_EACH(time_outs_are_left),
    BLOCKING_OF_EACH(arguments_come_first),
    CASE_OF_UNIX(sending_waits_all_the_same),
};

TEST_MAIN("given_fd")
