/* Endpoints on a loop over transports of the application's own: what those may do, and when. */
#include "async_low.h"
#include "low.h"
#include "peer.h"

#include <fcntl.h>
#include <unistd.h>

typedef int maker_t(en_async_stream_endpoint_t **out, en_loop_t *loop,
                    const en_stream_transport_t *transport, const en_stream_protocol_t *protocol,
                    const en_endpoint_options_t *options);

/* A loop, a transport of one's own over a socket, and its peer. */
typedef struct {
    own_t own;
    en_loop_t *loop;
    en_stream_transport_t *transport;
    int peer;
} wire_t;

static void wire_open_by(wire_t *wire, const en_transport_callbacks_t *callbacks)
{
    int ends[2];

    pair_open(SOCK_STREAM | SOCK_NONBLOCK, ends);
    wire->own.in = ends[0];
    wire->own.out = wire->own.out < 0 ? -1 : ends[0];
    wire->peer = ends[1];
    wire->loop = loop_new();
    REQUIRE_OK(en_stream_transport_new(&wire->transport, callbacks, NULL, own_destroy, &wire->own));
}

static void wire_open(wire_t *wire)
{
    en_transport_callbacks_t callbacks = own_callbacks();

    wire_open_by(wire, &callbacks);
}

static void wire_close(wire_t *wire)
{
    en_stream_transport_free(wire->transport);
    CHECK_OWN_ENDED(&wire->own);
    en_loop_free(wire->loop);
    close(wire->peer);
}

static en_async_stream_endpoint_t *endpoint_by(maker_t *make, wire_t *wire)
{
    en_async_stream_endpoint_t *endpoint = NULL;
    en_stream_protocol_t *protocol = lines();

    REQUIRE_OK(make(&endpoint, wire->loop, wire->transport, protocol, NULL));
    en_stream_protocol_free(protocol);
    return endpoint;
}

/* The second endpoint at a descriptor must not keep open what the application closes. */
static void check_closing_by(bool first)
{
    wire_t wire = {.own = {.most = 1}};
    en_async_stream_endpoint_t *receiver, *sender;
    op_t got, sent, closed = {0};

    wire_open(&wire);
    receiver = endpoint_by(en_async_stream_endpoint_new_receiver, &wire);
    sender = endpoint_by(en_async_stream_endpoint_new_sender, &wire);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(endpoint_get(receiver, 20000, &got));
        op_still_waits(wire.loop, &got);
        CHECK_OK(endpoint_put(sender, "out", &sent));
        op_wait(wire.loop, &sent);
        CHECK_OP(&sent, EN_OK);
        peer_expect_text(wire.peer, "out\n");
        peer_send_text(wire.peer, "in\n");
        op_wait(wire.loop, &got);
        CHECK_OP(&got, EN_OK);
        CHECK_BYTES(got.data, got.size, "in", 2);
    }
    CHECK_OK(
        en_async_stream_endpoint_close(first ? receiver : sender, 20000, op_done, &closed, NULL));
    op_wait(wire.loop, &closed);
    CHECK_OP(&closed, EN_OK);
    peer_expect_end(wire.peer);
    en_async_stream_endpoint_free(receiver);
    en_async_stream_endpoint_free(sender);
    wire_close(&wire);
}

static void the_peer_sees_that_one_of_two_has_closed(void)
{
    check_closing_by(true);
    check_closing_by(false);
}

/* Room is told of where there is room, by the descriptor that reads only if it is that, too. */
static void who_has_no_descriptor_to_write_by_is_looked_at(void)
{
    wire_t wire = {.own = {.out = -1, .fails_at = 1, .code = EN_WANT_WRITE}};
    en_async_stream_endpoint_t *receiver;
    op_t got;

    wire_open(&wire);
    receiver = endpoint_by(en_async_stream_endpoint_new_receiver, &wire);
    CHECK_OK(endpoint_get(receiver, 20000, &got));
    op_still_waits(wire.loop, &got);
    CHECK_INT(atomic_load(&wire.own.calls), 1);
    peer_send_text(wire.peer, "seen\n");
    op_wait(wire.loop, &got);
    CHECK_OP(&got, EN_OK);
    en_async_stream_endpoint_free(receiver);
    wire_close(&wire);
}

/* What cannot be polled is in nobody's way who does not use it. */
static void a_file_in_the_other_direction_does_not_matter(void)
{
    for (int sends = 0; sends < 2; sends++) {
        int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
        en_async_stream_endpoint_t *endpoint = NULL;
        en_stream_protocol_t *protocol = lines();
        en_stream_transport_t *transport;
        en_loop_t *loop = loop_new();
        own_t own = {0};
        int ends[2];
        op_t op;

        pair_open(SOCK_STREAM | SOCK_NONBLOCK, ends);
        own.in = sends ? file : ends[0];
        own.out = sends ? ends[0] : file;
        transport = own_stream(&own, NULL);
        CHECK_CODE(en_async_stream_endpoint_new(&endpoint, loop, transport, protocol, NULL),
                   EN_EPERM);
        CHECK_CODE((sends ? en_async_stream_endpoint_new_receiver
                          : en_async_stream_endpoint_new_sender)(&endpoint, loop, transport,
                                                                 protocol, NULL),
                   EN_EPERM);
        REQUIRE_OK((sends ? en_async_stream_endpoint_new_sender
                          : en_async_stream_endpoint_new_receiver)(&endpoint, loop, transport,
                                                                   protocol, NULL));
        CHECK_OK(sends ? endpoint_put(endpoint, "text", &op) : endpoint_get(endpoint, 20000, &op));
        if (sends)
            peer_expect_text(ends[1], "text\n");
        else
            peer_send_text(ends[1], "text\n");
        op_wait(loop, &op);
        CHECK_OP(&op, EN_OK);
        en_async_stream_endpoint_free(endpoint);
        en_stream_transport_free(transport);
        en_stream_protocol_free(protocol);
        CHECK_OWN_ENDED(&own);
        en_loop_free(loop);
        close(ends[1]);
    }
}

static void close_transport(own_t *own, const char *name)
{
    (void)name;
    own->within = NULL;
    CHECK_OK(en_stream_transport_close(own->arg));
}

/* What is closed while it is asked for its descriptor is closed, and no bad descriptor. */
static void a_transport_may_close_when_asked_what_to_watch(void)
{
    wire_t wire = {.own = {.where = "fd"}};
    en_async_stream_endpoint_t *endpoint;
    op_t got;

    wire_open(&wire);
    endpoint = endpoint_by(en_async_stream_endpoint_new, &wire);
    wire.own.arg = wire.transport;
    wire.own.within = close_transport;
    CHECK_OK(endpoint_get(endpoint, 20000, &got));
    op_wait(wire.loop, &got);
    CHECK_OP(&got, EN_ECLOSED);
    en_async_stream_endpoint_free(endpoint);
    wire_close(&wire);
}

static void an_endpoint_is_closed_by_who_closes_its_transport(void)
{
    en_async_stream_endpoint_t *endpoint;
    op_t ended = {0};
    wire_t wire = {0};

    wire_open(&wire);
    endpoint = endpoint_by(en_async_stream_endpoint_new, &wire);
    CHECK_INT(en_async_stream_endpoint_is_closing(endpoint), 0);
    CHECK_INT(en_async_stream_endpoint_fileno(endpoint), wire.own.in);
    CHECK_OK(en_stream_transport_close(wire.transport));
    CHECK_INT(en_async_stream_endpoint_is_closing(endpoint), 1);
    CHECK_INT(en_async_stream_endpoint_fileno(endpoint), -1);
    CHECK_OK(en_async_stream_endpoint_send_eof(endpoint, 20000, op_done, &ended, NULL));
    op_wait(wire.loop, &ended);
    CHECK_OP(&ended, EN_OK);
    en_async_stream_endpoint_free(endpoint);
    wire_close(&wire);
}

static void close_endpoint(own_t *own, const char *name)
{
    (void)name;
    own->within = NULL;
    CHECK_OK(en_async_stream_endpoint_close(own->arg, 20000, NULL, NULL, NULL));
}

static void free_endpoint(own_t *own, const char *name)
{
    (void)name;
    own->within = NULL;
    en_async_stream_endpoint_free(own->arg);
    own->arg = NULL;
}

static void check_ended_within(void (*end)(own_t *own, const char *name), int code)
{
    wire_t wire = {.own = {.where = "recv", .within = end}};
    op_t got[3];

    wire_open(&wire);
    wire.own.arg = endpoint_by(en_async_stream_endpoint_new, &wire);
    peer_send_text(wire.peer, "a\nb\nc\n");
    for (int i = 0; i < 3; i++)
        CHECK_OK(endpoint_get(wire.own.arg, 20000, &got[i]));
    for (int i = 0; i < 3; i++) {
        op_wait(wire.loop, &got[i]);
        CHECK_OP(&got[i], code);
    }
    CHECK_INT(atomic_load(&wire.own.calls), 1);
    en_async_stream_endpoint_free(wire.own.arg);
    wire_close(&wire);
}

static void an_end_within_a_receive_is_that_of_all_receives(void)
{
    check_ended_within(close_endpoint, EN_ECLOSED);
    check_ended_within(free_endpoint, EN_ECANCELED);
}

/* One packet goes, and for those behind it there is no room. */
static int send_one(const en_slice_t *slices, size_t slice_count, size_t *count, void *user_data)
{
    own_t *own = user_data;

    (void)slices;
    (void)slice_count;
    if (atomic_fetch_add(&own->calls, 1) > 0)
        return EN_WANT_WRITE;
    *count = strlen("a\n");
    return EN_CALLBACK_DONE;
}

static void what_went_before_an_abrupt_end_is_counted(void)
{
    for (int frees = 0; frees < 2; frees++) {
        en_transport_callbacks_t callbacks = own_callbacks();
        en_stats_t stats = {.struct_size = sizeof(stats)};
        en_slice_t packets[] = {{"a", 1}, {"b", 1}, {"c", 1}};
        en_async_stream_endpoint_t *endpoint;
        wire_t wire = {0};
        op_t sent = {0};

        callbacks.send = send_one;
        wire_open_by(&wire, &callbacks);
        endpoint = endpoint_by(en_async_stream_endpoint_new, &wire);
        CHECK_OK(
            en_async_stream_endpoint_send_packets(endpoint, packets, 3, -1, op_sent, &sent, NULL));
        if (frees) {
            en_loop_free(wire.loop);
            wire.loop = NULL;
        } else {
            CHECK_OK(en_async_stream_endpoint_close(endpoint, 0, NULL, NULL, NULL));
            op_wait(wire.loop, &sent);
        }
        CHECK_OP(&sent, frees ? EN_ECANCELED : EN_ECLOSED);
        CHECK_INT(sent.count, 1);
        CHECK_OK(en_async_stream_endpoint_get_stats(endpoint, &stats));
        CHECK_INT(stats.packets_sent, 1);
        en_async_stream_endpoint_free(endpoint);
        wire_close(&wire);
    }
}

/* What was put aside is brought out turn by turn. */
static void who_sends_what_was_put_aside_lets_others_have_their_turn(void)
{
    enum { BYTES = 200, A_TURN = 64 };
    wire_t wire = {.own = {.most = 1}};
    en_async_stream_endpoint_t *endpoint = NULL;
    en_endpoint_options_t *options = NULL;
    en_stream_protocol_t *protocol = lines();
    char bytes[BYTES];
    int turns = 0;

    wire_open(&wire);
    REQUIRE_OK(en_endpoint_options_new(&options));
    CHECK_OK(en_endpoint_options_set_write_buffer(options, 4096));
    REQUIRE_OK(
        en_async_stream_endpoint_new(&endpoint, wire.loop, wire.transport, protocol, options));
    memset(bytes, 'x', BYTES);
    bytes[BYTES - 1] = '\n';
    CHECK_OK(en_async_stream_endpoint_send_packet(endpoint, bytes, BYTES - 1, 0, NULL, NULL, NULL));
    CHECK_INT(atomic_load(&wire.own.calls), 0);
    while (atomic_load(&wire.own.calls) < BYTES && turns++ < BYTES) {
        int before = atomic_load(&wire.own.calls);

        CHECK_OK(en_loop_run_once(wire.loop, 5000));
        CHECK(atomic_load(&wire.own.calls) - before <= A_TURN);
    }
    peer_expect(wire.peer, bytes, BYTES);
    en_async_stream_endpoint_free(endpoint);
    en_endpoint_options_free(options);
    en_stream_protocol_free(protocol);
    wire_close(&wire);
}

static const test_case_t cases[] = {
    CASE(the_peer_sees_that_one_of_two_has_closed),
    CASE(who_has_no_descriptor_to_write_by_is_looked_at),
    CASE(a_file_in_the_other_direction_does_not_matter),
    CASE(a_transport_may_close_when_asked_what_to_watch),
    CASE(an_endpoint_is_closed_by_who_closes_its_transport),
    CASE(an_end_within_a_receive_is_that_of_all_receives),
    CASE(what_went_before_an_abrupt_end_is_counted),
    CASE(who_sends_what_was_put_aside_lets_others_have_their_turn),
};

TEST_MAIN("async_transport")
