/* Transports and endpoints in forked children. */
#include "child.h"
#include "low_tls.h"
#include "peer.h"

#include <fcntl.h>
#include <unistd.h>

/* A socket's transport, an endpoint over it, and the peer. */
typedef struct {
    en_stream_transport_t *transport;
    en_stream_endpoint_t *endpoint;
    int fd;
} held_t;

static void held_open(held_t *held)
{
    en_stream_protocol_t *protocol = lines();
    int ends[2];

    pair_open(SOCK_STREAM, ends);
    held->transport = stream_over(ends[0]);
    held->fd = ends[1];
    REQUIRE_OK(en_stream_endpoint_new(&held->endpoint, held->transport, protocol, NULL));
    en_stream_protocol_free(protocol);
}

/* The parent goes on, whatever the child did. */
static void check_parent(held_t *held)
{
    peer_send_text(held->fd, "for the parent\nbytes");
    CHECK_GET(en_stream_endpoint_as_client(held->endpoint), "for the parent");
    CHECK_OK(put_bytes(held->transport, "from the parent"));
    peer_expect_text(held->fd, "from the parent");
    en_stream_endpoint_free(held->endpoint);
    CHECK_INT(en_stream_transport_is_closed(held->transport), 0);
    en_stream_transport_free(held->transport);
    close(held->fd);
}

static int use_it(void *arg)
{
    held_t *held = arg;
    char buffer[16];
    size_t size = 0;

    EXPECT(en_stream_transport_is_closed(held->transport) == 0);
    EXPECT(en_stream_endpoint_send_packet(held->endpoint, "packet", 6, 20000) == EN_OK);
    EXPECT(en_stream_transport_send_all(held->transport, "bytes", 5, 20000, &size) == EN_OK);
    EXPECT(en_stream_transport_recv_into(held->transport, buffer, 3, 20000, &size) == EN_OK);
    EXPECT(size == 3 && memcmp(buffer, "one", 3) == 0);
    return 0;
}

static void they_work_in_the_child(void)
{
    held_t held;

    held_open(&held);
    peer_send_text(held.fd, "one");
    CHECK_IN_CHILD(use_it(&held));
    peer_expect_text(held.fd, "packet\nbytes");
    check_parent(&held);
}

static int close_them(void *arg)
{
    held_t *held = arg;

    EXPECT(en_stream_endpoint_close(held->endpoint) == EN_OK);
    EXPECT(en_stream_endpoint_is_closed(held->endpoint) == 1);
    EXPECT(en_stream_transport_close(held->transport) == EN_OK);
    EXPECT(en_stream_transport_is_closed(held->transport) == 1);
    return 0;
}

static int free_them(void *arg)
{
    held_t *held = arg;

    en_stream_endpoint_free(held->endpoint);
    en_stream_transport_free(held->transport);
    return 0;
}

static void ending_them_in_the_child_leaves_the_connection(void)
{
    held_t held;

    held_open(&held);
    CHECK_IN_CHILD(close_them(&held));
    check_parent(&held);
    held_open(&held);
    CHECK_IN_CHILD(free_them(&held));
    check_parent(&held);
}

static char much[1 << 20];

static int send_beside(void *arg)
{
    held_t *held = arg;
    size_t sent = 0;

    EXPECT(en_stream_endpoint_flush(held->endpoint, 1000) == EN_OK);
    EXPECT(en_stream_transport_send(held->transport, "x", 1, 50, &sent) == EN_ETIMEDOUT);
    return 0;
}

/* What is in a write buffer is the parent's to send, and so is what has not gone of it yet. */
static void a_child_waits_for_no_turn_of_its_parents(void)
{
    en_endpoint_options_t *options = NULL;
    en_stream_protocol_t *protocol = lines();
    held_t held = {0};
    int ends[2];

    pair_open(SOCK_STREAM, ends);
    narrow(ends);
    held.transport = stream_over(ends[0]);
    REQUIRE_OK(en_endpoint_options_new(&options));
    CHECK_OK(en_endpoint_options_set_write_buffer(options, 2 * sizeof(much)));
    REQUIRE_OK(en_stream_endpoint_new(&held.endpoint, held.transport, protocol, options));
    en_endpoint_options_free(options);
    en_stream_protocol_free(protocol);
    CHECK_OK(en_stream_endpoint_send_packet(held.endpoint, much, sizeof(much), 1000));
    CHECK_CODE(en_stream_endpoint_flush(held.endpoint, 50), EN_ETIMEDOUT);
    CHECK_IN_CHILD(send_beside(&held));
    en_stream_endpoint_free(held.endpoint);
    en_stream_transport_free(held.transport);
    close(ends[1]);
}

/* To free it there sends nothing: what was put aside goes out once. */
static void a_child_frees_what_its_parent_put_aside(void)
{
    en_endpoint_options_t *options = NULL;
    en_stream_protocol_t *protocol = lines();
    held_t held = {0};
    int ends[2];

    pair_open(SOCK_STREAM, ends);
    held.fd = ends[1];
    held.transport = stream_over(ends[0]);
    REQUIRE_OK(en_endpoint_options_new(&options));
    CHECK_OK(en_endpoint_options_set_write_buffer(options, 100));
    REQUIRE_OK(en_stream_endpoint_new(&held.endpoint, held.transport, protocol, options));
    en_endpoint_options_free(options);
    en_stream_protocol_free(protocol);
    CHECK_OK(en_stream_endpoint_send_packet(held.endpoint, "put aside", 9, 1000));
    CHECK_IN_CHILD(free_them(&held));
    peer_expect_nothing(held.fd);
    CHECK_OK(en_stream_endpoint_flush(held.endpoint, 1000));
    peer_expect_text(held.fd, "put aside\n");
    check_parent(&held);
}

/* Two processes that go on with the same keys would give them away. */
static en_stream_endpoint_t *secure_endpoint;

/* Nor can they be had through what is made in the child. */
static int makes_nothing_over(en_stream_transport_t *secure, en_stream_transport_t *other)
{
    en_stream_protocol_t *protocol = lines();
    en_async_stream_endpoint_t *looped = NULL;
    en_stream_endpoint_t *endpoint = NULL;
    en_stream_transport_t *made = NULL;
    en_loop_t *loop = NULL;

    EXPECT(en_loop_new(&loop) == EN_OK);
    EXPECT(en_stream_endpoint_new(&endpoint, secure, protocol, NULL) == EN_EFORKED);
    EXPECT(en_async_stream_endpoint_new(&looped, loop, secure, protocol, NULL) == EN_EFORKED);
    EXPECT(en_stream_transport_new_stapled(&made, other, secure, NULL) == EN_EFORKED);
    en_loop_free(loop);
    en_stream_protocol_free(protocol);
    return 0;
}

static int use_tls(void *arg)
{
    pair_t *pair = arg;
    int fd = en_stream_transport_fileno(pair->client.inner);
    char buffer[8];
    size_t size = 0;

    EXPECT(put_bytes(pair->client.secure, "x") == EN_EFORKED);
    EXPECT(strstr(en_last_error_message(), "TLS") != NULL);
    EXPECT(en_stream_transport_recv_into(pair->client.secure, buffer, 8, -1, &size) == EN_EFORKED);
    EXPECT(makes_nothing_over(pair->client.secure, pair->client.inner) == 0);
    EXPECT(en_stream_endpoint_close(secure_endpoint) == EN_EFORKED);
    EXPECT(en_stream_transport_close(pair->client.secure) == EN_EFORKED);
    en_stream_endpoint_free(secure_endpoint);
    en_stream_transport_free(pair->client.secure);
    en_stream_transport_free(pair->client.inner);
    EXPECT(fcntl(fd, F_GETFD) < 0);
    return 0;
}

static void tls_is_the_parents(void)
{
    en_stream_protocol_t *protocol = lines();
    pair_t pair;

    secure_open(&pair, false);
    REQUIRE_OK(en_stream_endpoint_new(&secure_endpoint, pair.client.secure, protocol, NULL));
    en_stream_protocol_free(protocol);
    CHECK_IN_CHILD(use_tls(&pair));
    check_both_ways(&pair);
    en_stream_endpoint_free(secure_endpoint);
    pair_close(&pair);
}

/* A call that waits in the parent's thread is the parent's. */
static int use_with_a_call_inside(void *arg)
{
    held_t *held = arg;
    size_t size = 0;

    EXPECT(en_stream_transport_send_all(held->transport, "x", 1, 20000, &size) == EN_EFORKED);
    en_stream_transport_free(held->transport);
    return 0;
}

static void a_call_inside_is_the_parents(void)
{
    mover_t mover;
    held_t held;

    held_open(&held);
    mover_receives(&mover, held.transport);
    CHECK_IN_CHILD(use_with_a_call_inside(&held));
    peer_expect_nothing(held.fd);
    peer_send_text(held.fd, "x");
    CHECK_OK(mover_end(&mover));
    check_parent(&held);
}

static const test_case_t cases[] = {
    CASE(they_work_in_the_child),
    CASE(ending_them_in_the_child_leaves_the_connection),
    CASE(a_child_waits_for_no_turn_of_its_parents),
    CASE(a_child_frees_what_its_parent_put_aside),
    CASE(tls_is_the_parents),
    CASE(a_call_inside_is_the_parents),
};

TEST_MAIN("transport_fork")
