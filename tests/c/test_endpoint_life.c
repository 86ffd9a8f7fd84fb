/* Who holds a transport, who closes it, and what becomes of packets that are still to be sent. */
#include "low.h"
#include "peer.h"

#include <poll.h>
#include <unistd.h>

/* An endpoint over a transport of callbacks, and the peer's socket. */
typedef struct {
    own_t own;
    en_stream_transport_t *transport;
    en_stream_endpoint_t *endpoint;
    en_client_t *view;
    int fd;
} wire_t;

static en_stream_endpoint_t *endpoint_over(en_stream_transport_t *transport,
                                           en_endpoint_options_t *options)
{
    en_stream_protocol_t *protocol = lines();
    en_stream_endpoint_t *endpoint = NULL;

    REQUIRE_OK(en_stream_endpoint_new(&endpoint, transport, protocol, options));
    en_stream_protocol_free(protocol);
    en_endpoint_options_free(options);
    return endpoint;
}

static void wire_open(wire_t *wire, en_endpoint_options_t *options)
{
    int ends[2];

    pair_open(SOCK_STREAM | SOCK_NONBLOCK, ends);
    narrow(ends);
    wire->own.in = wire->own.out = ends[0];
    wire->transport = own_stream(&wire->own, NULL);
    wire->endpoint = endpoint_over(wire->transport, options);
    wire->view = en_stream_endpoint_as_client(wire->endpoint);
    wire->fd = ends[1];
}

static void wire_close(wire_t *wire)
{
    en_stream_endpoint_free(wire->endpoint);
    en_stream_transport_free(wire->transport);
    CHECK_OWN_ENDED(&wire->own);
    close(wire->fd);
}

static en_endpoint_options_t *buffering(int64_t shutdown_timeout)
{
    en_endpoint_options_t *options;

    REQUIRE_OK(en_endpoint_options_new(&options));
    CHECK_OK(en_endpoint_options_set_write_buffer(options, 4096));
    CHECK_OK(en_endpoint_options_set_shutdown_timeout(options, shutdown_timeout));
    return options;
}

static void it_outlives_the_handle(void)
{
    wire_t wire = {0};

    wire_open(&wire, NULL);
    en_stream_transport_free(wire.transport);
    wire.transport = NULL;
    CHECK_INT(atomic_load(&wire.own.closed), 0);
    CHECK_OK(put_text(wire.view, "out"));
    peer_expect_text(wire.fd, "out\n");
    peer_send_text(wire.fd, "in\n");
    CHECK_GET(wire.view, "in");
    en_stream_endpoint_free(wire.endpoint);
    wire.endpoint = NULL;
    CHECK_OWN_ENDED(&wire.own); /* the last holder */
    peer_expect_end(wire.fd);
    wire_close(&wire);
}

static void freeing_leaves_the_transport(void)
{
    wire_t wire = {0};

    wire_open(&wire, NULL);
    peer_send_text(wire.fd, "first\n");
    CHECK_GET(wire.view, "first");
    en_stream_endpoint_free(wire.endpoint);
    CHECK_INT(en_stream_transport_is_closed(wire.transport), 0);
    peer_expect_nothing(wire.fd);
    wire.endpoint = endpoint_over(wire.transport, NULL);
    wire.view = en_stream_endpoint_as_client(wire.endpoint);
    peer_send_text(wire.fd, "second\n");
    CHECK_GET(wire.view, "second");
    CHECK_OK(put_text(wire.view, "out"));
    peer_expect_text(wire.fd, "out\n");
    CHECK_OK(put_bytes(wire.transport, "bare"));
    peer_expect_text(wire.fd, "bare");
    wire_close(&wire);
}

/* The same over a socket: freeing must not shut it down. */
static void freeing_leaves_the_socket(void)
{
    en_stream_transport_t *transport;
    en_stream_endpoint_t *endpoint;
    int ends[2];

    pair_open(SOCK_STREAM, ends);
    transport = stream_over(ends[0]);
    for (int i = 0; i < 3; i++) {
        endpoint = endpoint_over(transport, NULL);
        CHECK_OK(en_stream_endpoint_send_packet(endpoint, "x", 1, 20000));
        peer_expect_text(ends[1], "x\n");
        peer_send_text(ends[1], "y\n");
        CHECK_GET(en_stream_endpoint_as_client(endpoint), "y");
        en_stream_endpoint_free(endpoint);
        peer_expect_nothing(ends[1]);
    }
    en_stream_transport_free(transport);
    peer_expect_end(ends[1]);
    close(ends[1]);
}

static void closing_closes_for_all(void)
{
    for (int aborts = 0; aborts < 2; aborts++) {
        en_stream_endpoint_t *other;
        en_packet_t packet = {0};
        wire_t wire = {0};

        wire_open(&wire, NULL);
        other = endpoint_over(wire.transport, NULL);
        CHECK_OK(aborts ? en_stream_endpoint_abort(wire.endpoint)
                        : en_stream_endpoint_close(wire.endpoint));
        CHECK_INT(atomic_load(&wire.own.closed), 1);
        CHECK_INT(en_stream_transport_is_closed(wire.transport), 1);
        CHECK_INT(en_stream_endpoint_is_closed(wire.endpoint), 1);
        CHECK_INT(en_stream_endpoint_is_closed(other), 1);
        CHECK_CODE(put_bytes(wire.transport, "x"), EN_ECLOSED);
        CHECK_CODE(en_stream_endpoint_recv_packet(other, -1, &packet), EN_ECLOSED);
        CHECK_CODE(en_stream_endpoint_send_packet(other, "x", 1, -1), EN_ECLOSED);
        CHECK_GET_FAILS(wire.view, -1, EN_ECLOSED);
        CHECK_CODE(put_text(wire.view, "x"), EN_ECLOSED);
        CHECK_OK(
            en_stream_endpoint_send_eof(wire.endpoint, -1)); /* on a closed one it is nothing */
        CHECK_OK(en_stream_endpoint_close(wire.endpoint));
        CHECK_OK(en_stream_endpoint_close(other));
        en_stream_endpoint_free(other);
        wire_close(&wire);
    }
}

/* A thread that waits in an endpoint over a socket. */
static void check_woken(bool frees)
{
    static const char zeros[200000];
    en_stream_transport_t *transport;
    en_stream_endpoint_t *endpoint;
    en_client_t *view;
    waiter_t waiters[2];
    int64_t start;
    int ends[2];

    pair_open(SOCK_STREAM, ends);
    transport = stream_over(ends[0]);
    endpoint = endpoint_over(transport, NULL);
    view = en_stream_endpoint_as_client(endpoint);
    waiter_receives(&waiters[0], view);
    waiter_sends(&waiters[1], view, zeros, sizeof(zeros));
    start = now_ms();
    if (frees)
        en_stream_endpoint_free(endpoint);
    else
        CHECK_OK(en_stream_endpoint_close(endpoint));
    CHECK_CODE(waiter_end(&waiters[0]), EN_ECLOSED);
    CHECK_CODE(waiter_end(&waiters[1]), EN_ECLOSED);
    CHECK_TOOK(start, 0);
    CHECK_INT(en_stream_transport_is_closed(transport), 1);
    CHECK_INT(en_stream_transport_fileno(transport), -1);
    if (!frees)
        en_stream_endpoint_free(endpoint);
    en_stream_transport_free(transport);
    close(ends[1]);
}

static void closing_wakes(void)
{
    check_woken(false);
}

static void freeing_wakes_who_is_inside(void)
{
    check_woken(true);
}

/* Somebody else closes the transport below: who waits over it is woken, too. */
static void closing_the_transport_wakes(void)
{
    en_stream_transport_t *transport;
    en_stream_endpoint_t *endpoint;
    waiter_t waiter;
    int64_t start;
    int ends[2];

    pair_open(SOCK_STREAM, ends);
    transport = stream_over(ends[0]);
    endpoint = endpoint_over(transport, NULL);
    waiter_receives(&waiter, en_stream_endpoint_as_client(endpoint));
    start = now_ms();
    CHECK_OK(en_stream_transport_close(transport));
    CHECK_CODE(waiter_end(&waiter), EN_ECLOSED);
    CHECK_TOOK(start, 0);
    en_stream_endpoint_free(endpoint);
    en_stream_transport_free(transport);
    close(ends[1]);
}

static void what_is_put_aside_goes_out(void)
{
    wire_t wire = {0};

    wire_open(&wire, buffering(20000));
    CHECK_OK(put_text(wire.view, "one"));
    CHECK_OK(put_text(wire.view, "two"));
    CHECK_INT(atomic_load(&wire.own.calls), 0);
    CHECK_OK(en_stream_endpoint_flush(wire.endpoint, 20000));
    peer_expect_text(wire.fd, "one\ntwo\n");
    /* Before a receive waits. */
    CHECK_OK(put_text(wire.view, "question"));
    CHECK_GET_FAILS(wire.view, 0, EN_ETIMEDOUT);
    peer_expect_text(wire.fd, "question\n");
    CHECK_OK(put_text(wire.view, "by closing"));
    CHECK_OK(en_stream_endpoint_close(wire.endpoint));
    peer_expect_text(wire.fd, "by closing\n");
    peer_expect_end(wire.fd);
    wire_close(&wire);
}

static void freeing_sends_what_goes(void)
{
    wire_t wire = {0};

    wire_open(&wire, buffering(20000));
    CHECK_OK(put_text(wire.view, "by freeing"));
    en_stream_endpoint_free(wire.endpoint);
    wire.endpoint = NULL;
    peer_expect_text(wire.fd, "by freeing\n");
    peer_expect_nothing(wire.fd);
    CHECK_INT(en_stream_transport_is_closed(wire.transport), 0);
    wire_close(&wire);
}

static void aborting_loses_what_is_put_aside(void)
{
    wire_t wire = {0};

    wire_open(&wire, buffering(20000));
    CHECK_OK(put_text(wire.view, "lost"));
    CHECK_OK(en_stream_endpoint_abort(wire.endpoint));
    peer_expect_end(wire.fd);
    wire_close(&wire);
}

static void closing_says_what_was_lost(void)
{
    static const char zeros[4000];
    wire_t wire = {0};
    int64_t start;

    wire_open(&wire, buffering(60));
    while (en_stream_endpoint_send_packet(wire.endpoint, zeros, sizeof(zeros), 0) == EN_OK)
        ;
    start = now_ms();
    CHECK_CODE(en_stream_endpoint_close(wire.endpoint), EN_ETIMEDOUT);
    CHECK_TOOK(start, 60);
    CHECK_INT(en_stream_endpoint_is_closed(wire.endpoint), 1);
    CHECK_INT(atomic_load(&wire.own.closed), 1);
    wire_close(&wire);
}

static void closing_says_how_the_transport_closed(void)
{
    wire_t wire = {.own = {.close_code = EN_EUSER_BASE - 3, .says = "stuck"}};

    wire_open(&wire, NULL);
    CHECK_CODE(en_stream_endpoint_close(wire.endpoint), EN_EUSER_BASE - 3);
    CHECK_MESSAGE("stuck");
    CHECK_OK(en_stream_transport_close(wire.transport)); /* it is closed already */
    wire_close(&wire);
}

/* Two endpoints over one transport that receive in turn: each gets whole reads. */
static void two_may_take_turns(void)
{
    wire_t wire = {0};
    en_stream_endpoint_t *other;

    wire_open(&wire, NULL);
    other = endpoint_over(wire.transport, NULL);
    for (int i = 0; i < 3; i++) {
        peer_send_text(wire.fd, "one\n");
        CHECK_GET(wire.view, "one");
        peer_send_text(wire.fd, "two\n");
        CHECK_GET(en_stream_endpoint_as_client(other), "two");
    }
    CHECK_OK(put_text(wire.view, "a"));
    CHECK_OK(en_stream_endpoint_send_packet(other, "b", 1, 20000));
    peer_expect_text(wire.fd, "a\nb\n");
    en_stream_endpoint_free(other);
    wire_close(&wire);
}

/* Whoever sends: the peer would take it for the rest of the packet. */
static void nothing_follows_half_a_packet(void)
{
    static char large[1 << 20];
    en_stream_transport_t *transport;
    en_stream_endpoint_t *endpoint;
    int ends[2];

    pair_open(SOCK_STREAM, ends);
    narrow(ends);
    transport = stream_over(ends[0]);
    endpoint = endpoint_over(transport, NULL);
    CHECK_CODE(en_stream_endpoint_send_packet(endpoint, large, sizeof(large), 50), EN_ETIMEDOUT);
    CHECK_CODE(en_stream_endpoint_send_packet(endpoint, "x", 1, 50), EN_EPIPE);
    en_stream_endpoint_free(endpoint);
    while (recv(ends[1], large, sizeof(large), MSG_DONTWAIT) > 0)
        ;
    endpoint = endpoint_over(transport, NULL);
    CHECK_CODE(en_stream_endpoint_send_packet(endpoint, "x", 1, 5000), EN_EPIPE);
    CHECK_MESSAGE("half a packet");
    peer_expect_nothing(ends[1]);
    en_stream_endpoint_free(endpoint);
    en_stream_transport_free(transport);
    close(ends[1]);
}

static void receive_one(void *arg)
{
    wire_t *wire = arg;

    CHECK_GET(wire->view, "held");
}

/* Inside a callback of one, the other is told so at once. */
static void two_at_one_moment_are_refused(void)
{
    gate_t inside = {0};
    gate_t leave = {0};
    wire_t wire = {.own = {.inside = &inside, .leave = &leave}};
    en_stream_endpoint_t *other;
    en_packet_t packet = {0};
    thread_t thread;

    wire_open(&wire, NULL);
    other = endpoint_over(wire.transport, NULL);
    peer_send_text(wire.fd, "held\n");
    thread_start(&thread, receive_one, &wire);
    gate_wait(&inside);
    CHECK_CODE(en_stream_endpoint_recv_packet(other, -1, &packet), EN_EBUSY);
    CHECK_CODE(en_stream_transport_recv(wire.transport, 0, -1, &packet), EN_EBUSY);
    CHECK_OK(en_stream_endpoint_send_packet(other, "beside", 6, 20000));
    peer_expect_text(wire.fd, "beside\n");
    gate_open(&leave);
    thread_join(&thread);
    en_stream_endpoint_free(other);
    wire_close(&wire);
}

static void stay(own_t *own, const char *name)
{
    gate_t **gates = own->arg;

    (void)name;
    gate_open(gates[0]);
    gate_wait(gates[1]);
}

static void send_behind(void *arg)
{
    wire_t *wire = arg;

    CHECK_OK(en_stream_endpoint_send_packet(wire->endpoint, "behind", 6, 20000));
}

/* A receive sends what was put aside, which is soon done: who sends waits for that, who receives is
 * refused. */
static void a_flush_by_a_receive_is_waited_for(void)
{
    gate_t inside = {0};
    gate_t leave = {0};
    gate_t *gates[] = {&inside, &leave};
    wire_t wire = {.own = {.within = stay, .where = "send"}};
    en_packet_t packet = {0};
    thread_t receiver;
    thread_t sender;

    wire_open(&wire, buffering(1000));
    wire.own.arg = gates;
    CHECK_OK(put_text(wire.view, "aside"));
    thread_start(&receiver, receive_one, &wire);
    gate_wait(&inside);
    CHECK_CODE(en_stream_endpoint_recv_packet(wire.endpoint, 1000, &packet), EN_EBUSY);
    thread_start(&sender, send_behind, &wire);
    thread_wait_blocked(&sender);
    gate_open(&leave);
    thread_join(&sender);
    CHECK_OK(en_stream_endpoint_flush(wire.endpoint, 20000));
    peer_expect_text(wire.fd, "aside\nbehind\n");
    peer_send_text(wire.fd, "held\n");
    thread_join(&receiver);
    wire_close(&wire);
}

/* A line protocol that frees its endpoint. */
typedef struct {
    en_stream_endpoint_t *endpoint;
    bool in_encode;
    bool wants_more;
} freer_t;

static void free_now(freer_t *freer)
{
    en_stream_endpoint_free(freer->endpoint);
    freer->endpoint = NULL;
}

static int encode_freeing(const en_slice_t *parts, size_t count, en_frame_t *frame, void *user_data)
{
    freer_t *freer = user_data;

    (void)count;
    CHECK_OK(en_frame_append(frame, parts[0].data, parts[0].size));
    if (freer->in_encode)
        free_now(freer);
    return EN_CALLBACK_DONE;
}

static int decode_freeing(const uint8_t *data, size_t size, int end, size_t *used,
                          en_slice_t *packet, void *state, void *user_data)
{
    freer_t *freer = user_data;

    (void)end, (void)state;
    free_now(freer);
    if (freer->wants_more)
        return EN_DECODE_MORE;
    *used = size;
    *packet = (en_slice_t){data, size};
    return EN_DECODE_PACKET;
}

/* A callback that frees the endpoint leaves the socket to its other holders as it was. */
static void freeing_within_leaves_the_socket(void)
{
    en_stream_protocol_callbacks_t callbacks = {
        .struct_size = sizeof(callbacks), .encode = encode_freeing, .decode = decode_freeing};
    en_stream_protocol_t *protocol = NULL;
    en_stream_transport_t *transport;
    en_packet_t packet = {0};
    freer_t freer = {0};
    int ends[2];

    pair_open(SOCK_STREAM, ends);
    transport = stream_over(ends[0]);
    REQUIRE_OK(en_stream_protocol_new(&protocol, &callbacks, 0, NULL, &freer));
    for (int i = 0; i < 3; i++) {
        int64_t start = now_ms();

        freer.in_encode = i == 1;
        freer.wants_more = i == 2;
        REQUIRE_OK(en_stream_endpoint_new(&freer.endpoint, transport, protocol, NULL));
        if (freer.in_encode) {
            CHECK_CODE(en_stream_endpoint_send_packet(freer.endpoint, "never", 5, 20000),
                       EN_ECLOSED);
        } else {
            peer_send_text(ends[1], "in");
            CHECK_CODE(en_stream_endpoint_recv_packet(freer.endpoint, 20000, &packet), EN_ECLOSED);
        }
        CHECK_TOOK(start, 0);
        CHECK(freer.endpoint == NULL);
        CHECK_INT(en_stream_transport_is_closed(transport), 0);
        peer_expect_nothing(ends[1]);
        peer_send_text(ends[1], "goes on");
        CHECK_GOT(transport, "goes on");
        CHECK_OK(put_bytes(transport, "both ways"));
        peer_expect_text(ends[1], "both ways");
    }
    en_stream_transport_free(transport);
    en_stream_protocol_free(protocol);
    close(ends[1]);
}

static const test_case_t cases[] = {
    CASE(it_outlives_the_handle),
    CASE(freeing_leaves_the_transport),
    CASE(freeing_leaves_the_socket),
    CASE(closing_closes_for_all),
    CASE(closing_wakes),
    CASE(freeing_wakes_who_is_inside),
    CASE(closing_the_transport_wakes),
    CASE(what_is_put_aside_goes_out),
    CASE(freeing_sends_what_goes),
    CASE(aborting_loses_what_is_put_aside),
    CASE(closing_says_what_was_lost),
    CASE(closing_says_how_the_transport_closed),
    CASE(two_may_take_turns),
    CASE(nothing_follows_half_a_packet),
    CASE(two_at_one_moment_are_refused),
    CASE(a_flush_by_a_receive_is_waited_for),
    CASE(freeing_within_leaves_the_socket),
};

TEST_MAIN("endpoint_life")
