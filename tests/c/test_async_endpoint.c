/* Endpoints on a loop: transports that others hold, and transports of the application's own. */
#include "async_low.h"
#include "peer.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A transport of callbacks over one end of a socket pair, with the manners that a case wants. */
typedef struct {
    int fd;
    int wants_first; /* how often it wants something although there is nothing to wait for */
    int wants_with;  /* what it wants then */
    size_t at_once;  /* how many bytes a receive brings at most; 0: all */
    int closes;      /* how often it was closed */
    int close_code;  /* what closing answers */
    int destroyed;   /* how often its user data was */
    int frees;       /* whether receiving frees `endpoint` */
    int called_code; /* what a send inside a callback answered */
    en_async_stream_endpoint_t *endpoint;
} own_t;

static int own_recv(void *buffer, size_t capacity, size_t *count, void *user_data)
{
    own_t *own = user_data;
    ssize_t size;

    if (own->endpoint != NULL) {
        own->called_code =
            en_async_stream_endpoint_send_packet(own->endpoint, "x", 1, 0, NULL, NULL, NULL);
        if (own->frees) {
            en_async_stream_endpoint_free(own->endpoint);
            own->endpoint = NULL;
        }
    }
    if (own->wants_first > 0) {
        own->wants_first--;
        return own->wants_with;
    }
    if (own->at_once > 0 && capacity > own->at_once)
        capacity = own->at_once;
    size = recv(own->fd, buffer, capacity, MSG_DONTWAIT);
    if (size < 0)
        return errno == EAGAIN ? EN_WANT_READ : EN_ECONNRESET;
    *count = (size_t)size;
    return EN_CALLBACK_DONE;
}

static int own_send(const en_slice_t *slices, size_t slice_count, size_t *count, void *user_data)
{
    own_t *own = user_data;
    ssize_t size;

    (void)slice_count;
    size = send(own->fd, slices[0].data, slices[0].size, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size < 0)
        return errno == EAGAIN ? EN_WANT_WRITE : EN_EPIPE;
    *count = (size_t)size;
    return EN_CALLBACK_DONE;
}

static int own_close(void *user_data)
{
    own_t *own = user_data;

    own->closes++;
    close(own->fd);
    return own->close_code;
}

static int own_fd(int interest, void *user_data)
{
    (void)interest;
    return ((own_t *)user_data)->fd;
}

static void own_destroy(void *user_data)
{
    ((own_t *)user_data)->destroyed++;
}

/* A transport of one's own; answers the other end. */
static int own_new(own_t *own, en_stream_transport_t **transport)
{
    en_transport_callbacks_t callbacks = {.struct_size = sizeof(callbacks),
                                          .recv = own_recv,
                                          .send = own_send,
                                          .close = own_close,
                                          .fd = own_fd};
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    own->fd = ends[0];
    REQUIRE_OK(en_stream_transport_new(transport, &callbacks, NULL, own_destroy, own));
    return ends[1];
}

static int socket_new(en_stream_transport_t **transport)
{
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_stream_transport_from_fd(transport, ends[0], NULL));
    return ends[1];
}

static void check_exchange(en_loop_t *loop, en_async_stream_endpoint_t *endpoint, int peer)
{
    op_t sent, got;

    CHECK_OK(endpoint_get(endpoint, 5000, &got));
    CHECK_OK(endpoint_put(endpoint, "there", &sent));
    op_wait(loop, &sent);
    CHECK_OP(&sent, EN_OK);
    peer_expect_text(peer, "there\n");
    peer_send_text(peer, "and back\n");
    op_wait(loop, &got);
    CHECK_OP(&got, EN_OK);
    CHECK_BYTES(got.data, got.size, "and back", 8);
}

static void packets_over_a_transport(void)
{
    en_loop_t *loop = loop_new();
    en_stream_transport_t *transport = NULL;
    int peer = socket_new(&transport);
    en_async_stream_endpoint_t *endpoint = endpoint_over(loop, transport);
    op_t eof = {0}, end;
    int family = 0;
    size_t size = sizeof(family);

    check_exchange(loop, endpoint, peer);
    CHECK_INT(en_async_stream_endpoint_fileno(endpoint), en_stream_transport_fileno(transport));
    CHECK_OK(en_async_stream_endpoint_get_attribute(endpoint, EN_ATTRIBUTE_FAMILY, &family, &size));
    CHECK_INT(family, AF_UNIX);
    CHECK_OK(en_async_stream_endpoint_send_eof(endpoint, 5000, op_done, &eof, NULL));
    op_wait(loop, &eof);
    CHECK_OP(&eof, EN_OK);
    peer_expect_end(peer);
    peer_end(peer);
    CHECK_OK(endpoint_get(endpoint, 5000, &end));
    op_wait(loop, &end);
    CHECK_OP(&end, EN_ECONNABORTED);
    en_stream_transport_free(transport);
    en_async_stream_endpoint_free(endpoint);
    en_loop_free(loop);
    close(peer);
}

static void freeing_leaves_the_transport_and_closing_does_not(void)
{
    en_loop_t *loop = loop_new();
    en_stream_transport_t *transport = NULL;
    int peer = socket_new(&transport);
    en_async_stream_endpoint_t *endpoint = endpoint_over(loop, transport);
    op_t closed = {0}, waits;

    check_exchange(loop, endpoint, peer);
    en_async_stream_endpoint_free(endpoint);
    CHECK_INT(en_stream_transport_is_closed(transport), 0);
    endpoint = endpoint_over(loop, transport);
    check_exchange(loop, endpoint, peer);
    CHECK_OK(endpoint_get(endpoint, -1, &waits));
    CHECK_OK(en_async_stream_endpoint_close(endpoint, 5000, op_done, &closed, NULL));
    op_wait(loop, &closed);
    CHECK_OP(&closed, EN_OK);
    CHECK_OP(&waits, EN_ECLOSED);
    CHECK_INT(en_stream_transport_is_closed(transport), 1);
    CHECK_INT(en_async_stream_endpoint_is_closing(endpoint), 1);
    peer_expect_end(peer);
    en_async_stream_endpoint_free(endpoint);
    en_stream_transport_free(transport);
    en_loop_free(loop);
    close(peer);
}

static void closing_the_transport_ends_what_waits(void)
{
    en_loop_t *loop = loop_new();
    en_stream_transport_t *transport = NULL;
    int peer = socket_new(&transport);
    en_async_stream_endpoint_t *endpoint = endpoint_over(loop, transport);
    op_t waits;

    CHECK_OK(endpoint_get(endpoint, -1, &waits));
    en_loop_run_once(loop, 0);
    CHECK_OK(en_stream_transport_close(transport));
    op_wait(loop, &waits);
    CHECK_OP(&waits, EN_ECLOSED);
    en_async_stream_endpoint_free(endpoint);
    en_stream_transport_free(transport);
    en_loop_free(loop);
    close(peer);
}

static void each_direction_may_have_its_endpoint(void)
{
    en_loop_t *loop = loop_new();
    en_stream_protocol_t *lines = protocol_line();
    en_async_stream_endpoint_t *receiver = NULL, *sender = NULL;
    en_stream_transport_t *transport = NULL;
    int peer = socket_new(&transport);
    op_t sent, got, refused = {0};

    REQUIRE_OK(en_async_stream_endpoint_new_receiver(&receiver, loop, transport, lines, NULL));
    REQUIRE_OK(en_async_stream_endpoint_new_sender(&sender, loop, transport, lines, NULL));
    en_stream_protocol_free(lines);
    CHECK_OK(endpoint_get(receiver, 5000, &got));
    en_loop_run_once(loop, 0);
    CHECK_OK(endpoint_put(sender, "out", &sent));
    op_wait(loop, &sent);
    CHECK_OP(&sent, EN_OK);
    peer_expect_text(peer, "out\n");
    peer_send_text(peer, "in\n");
    op_wait(loop, &got);
    CHECK_OP(&got, EN_OK);
    CHECK_OK(endpoint_put(receiver, "x", &refused));
    op_wait(loop, &refused);
    CHECK_OP(&refused, EN_EOPNOTSUPP);
    CHECK_HAS(refused.message, "only receives");
    CHECK_OK(endpoint_get(sender, 5000, &refused));
    op_wait(loop, &refused);
    CHECK_OP(&refused, EN_EOPNOTSUPP);
    /* Who ends takes nothing from the other one. */
    en_async_stream_endpoint_free(receiver);
    CHECK_OK(endpoint_put(sender, "more", &sent));
    op_wait(loop, &sent);
    CHECK_OP(&sent, EN_OK);
    peer_expect_text(peer, "more\n");
    en_async_stream_endpoint_free(sender);
    en_stream_transport_free(transport);
    en_loop_free(loop);
    close(peer);
}

/* Each endpoint is told of all that it waits for, whichever was there first: the end behind the
 * last packet, and room. */
static void whoever_comes_second_misses_nothing(void)
{
    static char large[4 << 20];

    for (int receiver_first = 0; receiver_first < 2; receiver_first++) {
        en_loop_t *loop = loop_new();
        en_stream_protocol_t *lines = protocol_line();
        en_async_stream_endpoint_t *receiver = NULL, *sender = NULL;
        en_stream_transport_t *transport = NULL;
        int peer = socket_new(&transport);
        op_t sent, got, end;

        memset(large, 'x', sizeof(large));
        large[sizeof(large) - 1] = '\0';
        if (receiver_first)
            REQUIRE_OK(
                en_async_stream_endpoint_new_receiver(&receiver, loop, transport, lines, NULL));
        REQUIRE_OK(en_async_stream_endpoint_new_sender(&sender, loop, transport, lines, NULL));
        if (!receiver_first)
            REQUIRE_OK(
                en_async_stream_endpoint_new_receiver(&receiver, loop, transport, lines, NULL));
        en_stream_protocol_free(lines);
        CHECK_OK(endpoint_put(sender, large, &sent));
        op_still_waits(loop, &sent);
        for (size_t read = 0; read < sizeof(large);) {
            static char some[64 << 10];
            ssize_t size = recv(peer, some, sizeof(some), MSG_DONTWAIT);

            read += size > 0 ? (size_t)size : 0;
            CHECK_OK(en_loop_run_once(loop, 1));
        }
        op_wait(loop, &sent);
        CHECK_OP(&sent, EN_OK);
        CHECK_OK(endpoint_get(receiver, 5000, &got));
        CHECK_OK(endpoint_get(receiver, 5000, &end));
        en_loop_run_once(loop, 0);
        peer_send_text(peer, "in\n");
        peer_end(peer);
        op_wait(loop, &end);
        CHECK_OP(&got, EN_OK);
        CHECK_OP(&end, EN_ECONNABORTED);
        en_async_stream_endpoint_free(receiver);
        en_async_stream_endpoint_free(sender);
        en_stream_transport_free(transport);
        en_loop_free(loop);
        close(peer);
    }
}

static void halves_may_share_a_descriptor(void)
{
    en_loop_t *loop = loop_new();
    en_stream_transport_t *transport = NULL, *other = NULL, *both = NULL;
    own_t first = {0}, second = {0};
    en_async_stream_endpoint_t *endpoint;
    int peer = own_new(&first, &transport), unused = own_new(&second, &other);

    close(second.fd);
    second.fd = first.fd;
    REQUIRE_OK(en_stream_transport_new_stapled(&both, transport, other, NULL));
    endpoint = endpoint_over(loop, both);
    check_exchange(loop, endpoint, peer);
    check_exchange(loop, endpoint, peer);
    second.fd = dup(first.fd); /* each closes its own */
    en_async_stream_endpoint_free(endpoint);
    en_stream_transport_free(both);
    en_stream_transport_free(transport);
    en_stream_transport_free(other);
    CHECK_INT(first.closes + second.closes, 2);
    CHECK_INT(first.destroyed + second.destroyed, 2);
    en_loop_free(loop);
    close(unused);
    close(peer);
}

static void who_wants_to_wait_with_something_left_is_asked_again(void)
{
    en_loop_t *loop = loop_new();
    en_stream_transport_t *transport = NULL;
    own_t own = {.at_once = 1, .wants_first = 3, .wants_with = EN_WANT_READ};
    int peer = own_new(&own, &transport);
    en_async_stream_endpoint_t *endpoint = endpoint_over(loop, transport);
    op_t got;

    peer_send_text(peer, "one\ntwo\n");
    CHECK_OK(endpoint_get(endpoint, 5000, &got));
    op_wait(loop, &got);
    CHECK_OP(&got, EN_OK);
    own.wants_first = 1;
    CHECK_OK(endpoint_get(endpoint, 5000, &got));
    op_wait(loop, &got);
    CHECK_OP(&got, EN_OK);
    CHECK_BYTES(got.data, got.size, "two", 3);
    en_async_stream_endpoint_free(endpoint);
    en_stream_transport_free(transport);
    CHECK_INT(own.destroyed, 1);
    en_loop_free(loop);
    close(peer);
}

static void a_receive_may_have_to_write_first(void)
{
    en_loop_t *loop = loop_new();
    en_stream_transport_t *transport = NULL;
    own_t own = {.wants_first = 2, .wants_with = EN_WANT_WRITE};
    int peer = own_new(&own, &transport);
    en_async_stream_endpoint_t *endpoint = endpoint_over(loop, transport);

    check_exchange(loop, endpoint, peer);
    en_async_stream_endpoint_free(endpoint);
    en_stream_transport_free(transport);
    en_loop_free(loop);
    close(peer);
}

static void what_cannot_be_waited_for_is_refused(void)
{
    en_transport_callbacks_t callbacks = {
        .struct_size = sizeof(callbacks), .recv = own_recv, .send = own_send, .fd = own_fd};
    en_loop_t *loop = loop_new();
    en_stream_protocol_t *lines = protocol_line();
    en_async_stream_endpoint_t *endpoint = NULL;
    en_stream_transport_t *transport = NULL;
    own_t own = {.fd = -1};

    REQUIRE_OK(en_stream_transport_new(&transport, &callbacks, NULL, NULL, &own));
    CHECK_CODE(en_async_stream_endpoint_new(&endpoint, loop, transport, lines, NULL),
               EN_EOPNOTSUPP);
    CHECK_MESSAGE("no descriptor");
    own.fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    CHECK_CODE(en_async_stream_endpoint_new(&endpoint, loop, transport, lines, NULL), EN_EPERM);
    CHECK_MESSAGE("regular files");
    CHECK(endpoint == NULL);
    close(own.fd);
    en_stream_transport_close(transport);
    CHECK_CODE(en_async_stream_endpoint_new(&endpoint, loop, transport, lines, NULL), EN_ECLOSED);
    en_stream_transport_free(transport);
    en_stream_protocol_free(lines);
    en_loop_free(loop);
}

static void what_closing_answers_is_told(void)
{
    en_loop_t *loop = loop_new();
    en_stream_transport_t *transport = NULL;
    own_t own = {.close_code = EN_EUSER_BASE - 7};
    int peer = own_new(&own, &transport);
    en_async_stream_endpoint_t *endpoint = endpoint_over(loop, transport);
    op_t closed = {0};

    CHECK_OK(en_async_stream_endpoint_close(endpoint, 5000, op_done, &closed, NULL));
    op_wait(loop, &closed);
    CHECK_OP(&closed, EN_EUSER_BASE - 7);
    CHECK_INT(own.closes, 1);
    en_async_stream_endpoint_free(endpoint);
    en_stream_transport_free(transport);
    CHECK_INT(own.closes, 1);
    CHECK_INT(own.destroyed, 1);
    en_loop_free(loop);
    close(peer);
}

static void callbacks_may_free_but_not_call(void)
{
    en_loop_t *loop = loop_new();
    en_stream_transport_t *transport = NULL;
    own_t own = {0};
    int peer = own_new(&own, &transport);
    op_t got;

    own.endpoint = endpoint_over(loop, transport);
    peer_send_text(peer, "a\nb\n");
    CHECK_OK(endpoint_get(own.endpoint, 5000, &got));
    op_wait(loop, &got);
    CHECK_OP(&got, EN_OK);
    CHECK_CODE(own.called_code, EN_EDEADLK);
    own.frees = 1;
    peer_send_text(peer, "c");
    CHECK_OK(endpoint_get(own.endpoint, 5000, &got)); /* "b" */
    op_wait(loop, &got);
    CHECK_OP(&got, EN_OK);
    CHECK_OK(endpoint_get(own.endpoint, 5000, &got));
    op_wait(loop, &got);
    CHECK_OP(&got, EN_ECANCELED);
    CHECK(own.endpoint == NULL);
    en_loop_run_once(loop, 0);
    en_stream_transport_free(transport);
    CHECK_INT(own.destroyed, 1);
    en_loop_free(loop);
    close(peer);
}

static void datagrams(void)
{
    en_loop_t *loop = loop_new();
    en_datagram_protocol_t *raw = NULL;
    en_datagram_transport_t *transport = NULL;
    en_async_datagram_endpoint_t *endpoint = NULL;
    op_t sent = {0}, got = {0};
    char buffer[8];
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_datagram_transport_from_fd(&transport, ends[0], NULL));
    REQUIRE_OK(en_datagram_protocol_new_raw(&raw, 0));
    REQUIRE_OK(en_async_datagram_endpoint_new(&endpoint, loop, transport, raw, NULL));
    en_datagram_protocol_free(raw);
    en_datagram_transport_free(transport);
    CHECK_OK(en_async_datagram_endpoint_recv_packet(endpoint, 5000, op_received, &got, NULL));
    CHECK_OK(
        en_async_datagram_endpoint_send_packet(endpoint, "ping", 4, 5000, op_done, &sent, NULL));
    op_wait(loop, &sent);
    CHECK_OP(&sent, EN_OK);
    CHECK_INT(recv(ends[1], buffer, sizeof(buffer), 0), 4);
    peer_send_text(ends[1], "pong");
    op_wait(loop, &got);
    CHECK_OP(&got, EN_OK);
    CHECK_BYTES(got.data, got.size, "pong", 4);
    en_async_datagram_endpoint_free(endpoint);
    en_loop_free(loop);
    close(ends[1]);
}

static const test_case_t cases[] = {
    CASE(packets_over_a_transport),
    CASE(freeing_leaves_the_transport_and_closing_does_not),
    CASE(closing_the_transport_ends_what_waits),
    CASE(each_direction_may_have_its_endpoint),
    CASE(whoever_comes_second_misses_nothing),
    CASE(halves_may_share_a_descriptor),
    CASE(who_wants_to_wait_with_something_left_is_asked_again),
    CASE(a_receive_may_have_to_write_first),
    CASE(what_cannot_be_waited_for_is_refused),
    CASE(what_closing_answers_is_told),
    CASE(callbacks_may_free_but_not_call),
    CASE(datagrams),
};

TEST_MAIN("async_endpoint")
