/* Endpoints over streams: a transport and a protocol together. */
#include "low.h"
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* An endpoint over a socket, the transport's handle, and the peer. */
typedef struct {
    en_stream_transport_t *transport;
    en_stream_endpoint_t *endpoint;
    en_client_t *view;
    int fd;
} wire_t;

typedef int (*make_t)(en_stream_endpoint_t **, const en_stream_transport_t *,
                      const en_stream_protocol_t *, const en_endpoint_options_t *);

/* The options end with it. */
static void open_with(wire_t *wire, make_t make, en_endpoint_options_t *options)
{
    en_stream_protocol_t *protocol = lines();
    int ends[2];

    pair_open(SOCK_STREAM, ends);
    narrow(ends);
    wire->transport = stream_over(ends[0]);
    REQUIRE_OK(make(&wire->endpoint, wire->transport, protocol, options));
    wire->view = en_stream_endpoint_as_client(wire->endpoint);
    wire->fd = ends[1];
    en_stream_protocol_free(protocol);
    en_endpoint_options_free(options);
}

static void wire_open(wire_t *wire)
{
    open_with(wire, en_stream_endpoint_new, NULL);
}

static void wire_close(wire_t *wire)
{
    en_stream_endpoint_free(wire->endpoint);
    en_stream_transport_free(wire->transport);
    close(wire->fd);
}

static en_endpoint_options_t *endpoint_options(void)
{
    en_endpoint_options_t *options;

    REQUIRE_OK(en_endpoint_options_new(&options));
    return options;
}

static void packets_in_and_out(void)
{
    en_slice_t parts[] = {{"in ", 3}, {"parts", 5}};
    en_slice_t packets[] = {{"one", 3}, {"two", 3}, {NULL, 0}};
    en_stats_t stats = {.struct_size = sizeof(stats)};
    en_packet_t got[4] = {{0}};
    char buffer[8];
    size_t size = 0;
    wire_t wire;

    wire_open(&wire);
    CHECK_OK(en_stream_endpoint_send_packet(wire.endpoint, "hello", 5, 20000));
    CHECK_OK(en_stream_endpoint_send_packet_slices(wire.endpoint, parts, 2, 20000));
    CHECK_OK(en_stream_endpoint_send_packets(wire.endpoint, packets, 3, 20000, &size));
    CHECK_INT(size, 3);
    peer_expect_text(wire.fd, "hello\nin parts\none\ntwo\n\n");
    peer_send_text(wire.fd, "a\nb\nc\n12345678\ntoo long\nrest");
    CHECK_OK(en_stream_endpoint_recv_packets(wire.endpoint, got, 3, 20000, &size));
    CHECK_INT(size, 3);
    for (size_t i = 0; i < size; i++) {
        CHECK_BYTES(got[i].data, got[i].size, "abc" + i, 1);
        en_packet_release(&got[i]);
    }
    CHECK_OK(en_stream_endpoint_get_stats(wire.endpoint, &stats));
    CHECK_INT(stats.packets_sent, 5);
    CHECK_INT(stats.packets_received, 3);
    CHECK_INT(en_stream_endpoint_has_buffered(wire.endpoint), 1);
    CHECK_OK(en_stream_endpoint_recv_packet_into(wire.endpoint, buffer, 8, 0, &size));
    CHECK_BYTES(buffer, size, "12345678", 8);
    CHECK_CODE(en_stream_endpoint_recv_packet_into(wire.endpoint, buffer, 7, 0, &size),
               EN_EMSGSIZE);
    CHECK_INT(size, 8);
    CHECK_GET(wire.view, "too long");
    CHECK_GET_FAILS(wire.view, 30, EN_ETIMEDOUT);
    peer_end(wire.fd);
    CHECK_GET_FAILS(wire.view, 20000, EN_ETRUNCATED);
    CHECK_GET_FAILS(wire.view, 20000, EN_ETRUNCATED);
    CHECK_OK(put_text(wire.view, "still"));
    peer_expect_text(wire.fd, "still\n");
    wire_close(&wire);
}

static void what_cannot_be_is_refused(void)
{
    en_stream_protocol_t *protocol = lines();
    en_stream_endpoint_t *out = (void *)&protocol;
    static const make_t makes[] = {en_stream_endpoint_new, en_stream_endpoint_new_receiver,
                                   en_stream_endpoint_new_sender};
    wire_t wire;

    wire_open(&wire);
    CHECK_OK(en_stream_transport_close(wire.transport));
    for (int i = 0; i < 3; i++) {
        CHECK_CODE(makes[i](NULL, wire.transport, protocol, NULL), EN_EINVAL);
        CHECK_CODE(makes[i](&out, NULL, protocol, NULL), EN_EINVAL);
        CHECK(out == NULL);
        CHECK_CODE(makes[i](&out, wire.transport, NULL, NULL), EN_EINVAL);
        CHECK_CODE(makes[i](&out, wire.transport, protocol, NULL), EN_ECLOSED);
        CHECK(out == NULL);
    }
    CHECK_CODE(en_stream_endpoint_close(NULL), EN_EINVAL);
    CHECK_CODE(en_stream_endpoint_abort(NULL), EN_EINVAL);
    CHECK_CODE(en_stream_endpoint_is_closed(NULL), EN_EINVAL);
    CHECK_INT(en_stream_endpoint_fileno(NULL), -1);
    CHECK(en_stream_endpoint_as_client(NULL) == NULL);
    en_stream_endpoint_free(NULL);
    en_stream_protocol_free(protocol);
    wire_close(&wire);
}

static void a_receiver_does_not_send(void)
{
    en_slice_t slice = {"x", 1};
    size_t size = 77;
    wire_t wire;

    open_with(&wire, en_stream_endpoint_new_receiver, NULL);
    CHECK_CODE(put_text(wire.view, "x"), EN_EOPNOTSUPP);
    CHECK_MESSAGE("only receives");
    CHECK_CODE(en_stream_endpoint_send_packet_slices(wire.endpoint, &slice, 1, -1), EN_EOPNOTSUPP);
    CHECK_CODE(en_stream_endpoint_send_packets(wire.endpoint, &slice, 1, -1, &size), EN_EOPNOTSUPP);
    CHECK_INT(size, 0);
    CHECK_CODE(en_stream_endpoint_flush(wire.endpoint, -1), EN_EOPNOTSUPP);
    CHECK_CODE(en_stream_endpoint_send_eof(wire.endpoint, -1), EN_EOPNOTSUPP);
    peer_expect_nothing(wire.fd);
    peer_send_text(wire.fd, "in\n");
    CHECK_GET(wire.view, "in");
    CHECK_OK(en_stream_endpoint_close(wire.endpoint));
    peer_expect_end(wire.fd);
    wire_close(&wire);
}

static void a_sender_does_not_receive(void)
{
    en_packet_iter_t *iter = NULL;
    en_packet_t packet = {0};
    char buffer[4];
    size_t size = 77;
    wire_t wire;

    open_with(&wire, en_stream_endpoint_new_sender, NULL);
    peer_send_text(wire.fd, "left alone\n");
    CHECK_GET_FAILS(wire.view, -1, EN_EOPNOTSUPP);
    CHECK_MESSAGE("only sends");
    CHECK_CODE(en_stream_endpoint_recv_packet_into(wire.endpoint, buffer, 4, -1, &size),
               EN_EOPNOTSUPP);
    CHECK_INT(size, 0);
    CHECK_CODE(en_stream_endpoint_recv_packets(wire.endpoint, &packet, 1, -1, &size),
               EN_EOPNOTSUPP);
    CHECK_INT(en_stream_endpoint_has_buffered(wire.endpoint), 0);
    REQUIRE_OK(en_stream_endpoint_iter_received_packets(&iter, wire.endpoint, -1));
    CHECK_CODE(en_packet_iter_next(iter, &packet), EN_EOPNOTSUPP);
    en_packet_iter_free(iter);
    CHECK_OK(put_text(wire.view, "out"));
    CHECK_OK(en_stream_endpoint_send_eof(wire.endpoint, 0));
    peer_expect_text(wire.fd, "out\n");
    peer_expect_end(wire.fd);
    CHECK_GOT(wire.transport, "left alone\n");
    wire_close(&wire);
}

/* A receiver and a sender over one transport share it. */
static void a_receiver_beside_a_sender(void)
{
    en_stream_protocol_t *protocol = lines();
    en_stream_endpoint_t *sender = NULL;
    waiter_t waiter;
    wire_t wire;

    open_with(&wire, en_stream_endpoint_new_receiver, NULL);
    REQUIRE_OK(en_stream_endpoint_new_sender(&sender, wire.transport, protocol, NULL));
    waiter_receives(&waiter, wire.view);
    CHECK_OK(en_stream_endpoint_send_packet(sender, "out", 3, 20000));
    peer_expect_text(wire.fd, "out\n");
    peer_send_text(wire.fd, "in\n");
    CHECK_OK(waiter_end(&waiter));
    en_stream_endpoint_free(sender);
    en_stream_protocol_free(protocol);
    wire_close(&wire);
}

static void one_call_in_each_direction(void)
{
    static const char zeros[100000];
    waiter_t waiters[2];
    en_packet_t packet = {0};
    char buffer[4];
    size_t size;
    wire_t wire;

    wire_open(&wire);
    waiter_receives(&waiters[0], wire.view);
    CHECK_GET_FAILS(wire.view, -1, EN_EBUSY);
    CHECK_GET_FAILS(wire.view, 0, EN_EBUSY);
    CHECK_MESSAGE("another call");
    CHECK_CODE(en_stream_endpoint_recv_packet_into(wire.endpoint, buffer, 4, -1, &size), EN_EBUSY);
    CHECK_CODE(en_stream_endpoint_recv_packets(wire.endpoint, &packet, 1, -1, &size), EN_EBUSY);
    CHECK_INT(en_stream_endpoint_has_buffered(wire.endpoint), 0);
    CHECK_OK(put_text(wire.view, "beside"));
    peer_expect_text(wire.fd, "beside\n");
    waiter_sends(&waiters[1], wire.view, zeros, sizeof(zeros));
    CHECK_CODE(put_text(wire.view, "x"), EN_EBUSY);
    CHECK_CODE(en_stream_endpoint_flush(wire.endpoint, -1), EN_EBUSY);
    CHECK_CODE(en_stream_endpoint_send_eof(wire.endpoint, -1), EN_EBUSY);
    peer_send_text(wire.fd, "in\n");
    CHECK_OK(waiter_end(&waiters[0]));
    peer_send_text(wire.fd, "next\n");
    CHECK_GET(wire.view, "next");
    CHECK_OK(en_stream_endpoint_close(wire.endpoint));
    CHECK_CODE(waiter_end(&waiters[1]), EN_ECLOSED);
    wire_close(&wire);
}

static int eofs;

/* A transport of callbacks whose end is sent so; nobody has sent one yet. */
static en_stream_transport_t *own_with_eof(own_t *own, int *peer, int (*send_eof)(void *user_data))
{
    en_transport_callbacks_t callbacks = own_callbacks();
    en_stream_transport_t *transport = NULL;
    int ends[2];

    eofs = 0;
    pair_open(SOCK_STREAM | SOCK_NONBLOCK, ends);
    own->in = own->out = ends[0];
    *peer = ends[1];
    callbacks.send_eof = send_eof;
    REQUIRE_OK(en_stream_transport_new(&transport, &callbacks, NULL, own_destroy, own));
    return transport;
}

static int fail_first(void *user_data)
{
    own_t *own = user_data;

    if (++eofs == 1)
        return EN_EUSER_BASE;
    shutdown(own->out, SHUT_WR);
    return EN_CALLBACK_DONE;
}

/* An end that could not be sent is not remembered as sent. */
static void the_end_is_remembered_after_success(void)
{
    own_t own = {0};
    int peer = 0;
    en_stream_transport_t *transport = own_with_eof(&own, &peer, fail_first);
    en_stream_endpoint_t *endpoint = NULL;
    en_stream_protocol_t *protocol = lines();

    REQUIRE_OK(en_stream_endpoint_new(&endpoint, transport, protocol, NULL));
    CHECK_CODE(en_stream_endpoint_send_eof(endpoint, -1), EN_EUSER_BASE);
    CHECK_OK(en_stream_endpoint_send_packet(endpoint, "goes on", 7, 20000));
    CHECK_OK(en_stream_endpoint_send_eof(endpoint, -1));
    CHECK_CODE(en_stream_endpoint_send_packet(endpoint, "x", 1, 20000), EN_ESHUTDOWN);
    CHECK_OK(en_stream_endpoint_send_eof(endpoint, -1));
    CHECK_INT(eofs, 2);
    peer_expect_text(peer, "goes on\n");
    peer_expect_end(peer);
    en_stream_endpoint_free(endpoint);
    en_stream_transport_free(transport);
    en_stream_protocol_free(protocol);
    CHECK_OWN_ENDED(&own);
    close(peer);
}

static int say_down(void *user_data)
{
    (void)user_data;
    eofs++;
    return EN_EPIPE;
}

/* Whose connection is down has nobody to tell. */
static void the_end_of_what_is_down_is_nothing(void)
{
    own_t own = {0};
    int peer = 0;
    en_stream_transport_t *transport = own_with_eof(&own, &peer, say_down);
    en_stream_endpoint_t *endpoint = NULL;
    en_stream_protocol_t *protocol = lines();

    CHECK_CODE(en_stream_transport_send_eof(transport, -1), EN_EPIPE);
    REQUIRE_OK(en_stream_endpoint_new(&endpoint, transport, protocol, NULL));
    CHECK_OK(en_stream_endpoint_send_eof(endpoint, -1));
    CHECK_OK(en_stream_endpoint_send_eof(endpoint, -1));
    CHECK_INT(eofs, 2);
    CHECK_CODE(en_stream_endpoint_send_packet(endpoint, "x", 1, 20000), EN_ESHUTDOWN);
    en_stream_endpoint_free(endpoint);
    en_stream_transport_free(transport);
    en_stream_protocol_free(protocol);
    CHECK_OWN_ENDED(&own);
    close(peer);
}

static void who_cannot_end_says_so(void)
{
    en_stream_transport_t *transport;
    en_stream_endpoint_t *endpoint = NULL;
    en_stream_protocol_t *protocol = lines();
    own_t own = {0};
    int ends[2];

    pair_open(SOCK_STREAM | SOCK_NONBLOCK, ends);
    own.in = own.out = ends[0];
    transport = own_stream(&own, NULL);
    REQUIRE_OK(en_stream_endpoint_new(&endpoint, transport, protocol, NULL));
    CHECK_CODE(en_stream_endpoint_send_eof(endpoint, -1), EN_EOPNOTSUPP);
    CHECK_OK(en_stream_endpoint_send_packet(endpoint, "goes on", 7, 20000));
    peer_expect_text(ends[1], "goes on\n");
    en_stream_endpoint_free(endpoint);
    en_stream_transport_free(transport);
    en_stream_protocol_free(protocol);
    CHECK_OWN_ENDED(&own);
    close(ends[1]);
}

static void it_tells_about_itself(void)
{
    en_stats_t stats = {.struct_size = sizeof(stats)};
    en_endpoint_options_t *options = endpoint_options();
    en_tls_info_t *info = NULL;
    int value = 0;
    size_t size = sizeof(value);
    wire_t wire;
    int own;

    CHECK_OK(en_endpoint_options_set_max_recv_size(options, 1234));
    open_with(&wire, en_stream_endpoint_new, options);
    own = en_stream_transport_fileno(wire.transport);
    CHECK_INT(en_stream_endpoint_fileno(wire.endpoint), own);
    CHECK_OK(
        en_stream_endpoint_get_attribute(wire.endpoint, EN_ATTRIBUTE_DESCRIPTOR, &value, &size));
    CHECK_INT(value, own);
    CHECK_CODE(
        en_stream_endpoint_get_attribute(wire.endpoint, EN_ATTRIBUTE_USER_BASE, &value, &size),
        EN_ENODATA);
    CHECK_CODE(en_stream_endpoint_get_attribute(wire.endpoint, 0, &value, &size), EN_EINVAL);
    CHECK_CODE(en_stream_endpoint_get_tls_info(wire.endpoint, &info), EN_ENODATA);
    CHECK_OK(en_stream_endpoint_max_recv_size(wire.endpoint, &size));
    CHECK_INT(size, 1234);
    CHECK_OK(put_text(wire.view, "out"));
    peer_send_text(wire.fd, "one\ntwo\n");
    CHECK_GET(wire.view, "one");
    CHECK_GET(wire.view, "two");
    CHECK_OK(en_stream_endpoint_close(wire.endpoint));
    CHECK_OK(en_stream_endpoint_get_stats(wire.endpoint, &stats));
    CHECK_INT(stats.packets_sent, 1);
    CHECK_INT(stats.packets_received, 2);
    CHECK_INT(stats.bytes_sent, 4);
    CHECK_INT(stats.bytes_received, 8);
    CHECK_INT(en_stream_endpoint_fileno(wire.endpoint), -1);
    CHECK_CODE(
        en_stream_endpoint_get_attribute(wire.endpoint, EN_ATTRIBUTE_DESCRIPTOR, &value, &size),
        EN_ECLOSED);
    CHECK_CODE(en_stream_endpoint_get_tls_info(wire.endpoint, &info), EN_ECLOSED);
    wire_close(&wire);
}

static void packets_above_the_maximum_are_refused(void)
{
    en_endpoint_options_t *options = endpoint_options();
    wire_t wire;

    CHECK_OK(en_endpoint_options_set_max_packet_size(options, 5));
    open_with(&wire, en_stream_endpoint_new, options);
    peer_send_text(wire.fd, "12345\n123456\nok\n");
    CHECK_GET(wire.view, "12345");
    CHECK_GET_FAILS(wire.view, 20000, EN_EMSGSIZE);
    CHECK_GET(wire.view, "ok");
    wire_close(&wire);
}

static int interrupt_at_ten(void *user_data)
{
    return ++*(int *)user_data < 10 ? EN_CALLBACK_DONE : EN_EUSER_BASE - 7;
}

static void add_one(void *user_data)
{
    ++*(int *)user_data;
}

/* The endpoint waits as its own options say, not as those of the transport. */
static void it_waits_by_its_own_options(void)
{
    en_endpoint_options_t *options = endpoint_options();
    en_cancel_t *cancel = NULL;
    waiter_t waiter;
    wire_t wire;
    int asked = 0;

    CHECK_OK(en_endpoint_options_set_retry_interval(options, 5, interrupt_at_ten, add_one, &asked));
    open_with(&wire, en_stream_endpoint_new, options);
    CHECK_GET_FAILS(wire.view, -1, EN_EUSER_BASE - 7);
    CHECK_INT(asked, 10);
    asked = 0;
    peer_send_text(wire.fd, "in\n");
    CHECK_GET(wire.view, "in");
    wire_close(&wire);
    options = endpoint_options();
    REQUIRE_OK(en_cancel_new(&cancel));
    CHECK_OK(en_endpoint_options_set_cancel(options, cancel));
    open_with(&wire, en_stream_endpoint_new, options);
    waiter_receives(&waiter, wire.view);
    CHECK_OK(en_cancel_trigger(cancel));
    CHECK_CODE(waiter_end(&waiter), EN_ECANCELED);
    CHECK_OK(put_bytes(wire.transport, "not cancelled"));
    en_cancel_free(cancel);
    wire_close(&wire);
}

static void bad_options_are_refused(void)
{
    en_endpoint_options_t *options = endpoint_options();
    int destroyed = 0;

    CHECK_CODE(en_endpoint_options_new(NULL), EN_EINVAL);
    CHECK_CODE(en_endpoint_options_set_max_recv_size(options, (1U << 30) + 1), EN_EINVAL);
    CHECK_CODE(en_endpoint_options_set_max_datagram_size(options, (1U << 30) + 1), EN_EINVAL);
    CHECK_CODE(en_endpoint_options_set_write_buffer(options, (1U << 30) + 1), EN_EINVAL);
    CHECK_CODE(en_endpoint_options_set_busy_poll(options, 1000001), EN_EINVAL);
    CHECK_CODE(en_endpoint_options_set_retry_interval(options, 0, NULL, NULL, NULL), EN_EINVAL);
    CHECK_CODE(en_endpoint_options_set_wait(options, NULL, add_one, &destroyed), EN_EINVAL);
    CHECK_CODE(en_endpoint_options_set_max_packet_size(NULL, 1), EN_EINVAL);
    CHECK_CODE(en_endpoint_options_set_shutdown_timeout(NULL, 1), EN_EINVAL);
    CHECK_CODE(en_endpoint_options_set_cancel(NULL, NULL), EN_EINVAL);
    CHECK_OK(en_endpoint_options_set_busy_poll(options, 100));
    CHECK_INT(destroyed, 0);
    en_endpoint_options_free(options);
    en_endpoint_options_free(NULL);
}

/* An iterator has one budget, and ends with the endpoint. */
static void iterators_go_over_packets(void)
{
    en_packet_iter_t *iter = NULL;
    en_packet_t packet = {0};
    int64_t start;
    wire_t wire;

    wire_open(&wire);
    peer_send_text(wire.fd, "one\ntwo\n");
    start = now_ms();
    REQUIRE_OK(en_stream_endpoint_iter_received_packets(&iter, wire.endpoint, 70));
    for (int i = 0; i < 2; i++) {
        CHECK_OK(en_packet_iter_next(iter, &packet));
        CHECK_BYTES(packet.data, packet.size, i ? "two" : "one", 3);
        en_packet_release(&packet);
    }
    CHECK_CODE(en_packet_iter_next(iter, &packet), EN_ETIMEDOUT);
    CHECK_TOOK(start, 70);
    CHECK_CODE(en_packet_iter_next(iter, &packet), EN_ETIMEDOUT);
    en_stream_endpoint_free(wire.endpoint);
    wire.endpoint = NULL;
    CHECK_CODE(en_packet_iter_next(iter, &packet), EN_ECLOSED);
    en_packet_iter_free(iter);
    wire_close(&wire);
}

/* Memory that a protocol lends, line by line, and what it may do wrong. */
typedef struct {
    char memory[2][64];
    int turn;
    size_t size;
    size_t start;
    bool lends_none;
} lender_t;

static int encode_none(const en_slice_t *parts, size_t count, en_frame_t *frame, void *user_data)
{
    (void)user_data;
    return count ? en_frame_append(frame, parts[0].data, parts[0].size) + EN_CALLBACK_DONE
                 : EN_CALLBACK_DONE;
}

static int lend(size_t hint, void **buffer, size_t *size, size_t *start, void *state,
                void *user_data)
{
    lender_t *lender = user_data;

    (void)hint, (void)state;
    lender->turn = !lender->turn;
    *buffer = lender->lends_none ? NULL : lender->memory[lender->turn];
    *size = lender->size;
    *start = lender->start;
    return EN_CALLBACK_DONE;
}

static int find_line(size_t filled, int end, size_t *used, en_slice_t *packet, void *state,
                     void *user_data)
{
    lender_t *lender = user_data;
    const char *bytes = lender->memory[lender->turn];
    const char *newline = memchr(bytes, '\n', filled);

    (void)end, (void)state;
    if (!newline)
        return EN_DECODE_MORE;
    *packet = (en_slice_t){bytes, (size_t)(newline - bytes)};
    *used = packet->size + 1;
    return EN_DECODE_PACKET;
}

static void lent_memory_is_checked(void)
{
    en_buffered_protocol_callbacks_t callbacks = {
        .struct_size = sizeof(callbacks), .encode = encode_none, .lend = lend, .decode = find_line};
    lender_t lender = {.size = 16};
    en_stream_protocol_t *protocol = NULL;
    en_stream_endpoint_t *endpoint = NULL;
    en_stream_transport_t *transport;
    en_client_t *view;
    int ends[2];

    pair_open(SOCK_STREAM, ends);
    transport = stream_over(ends[0]);
    REQUIRE_OK(en_stream_protocol_new_buffered(&protocol, &callbacks, NULL, &lender));
    REQUIRE_OK(en_stream_endpoint_new(&endpoint, transport, protocol, NULL));
    view = en_stream_endpoint_as_client(endpoint);
    peer_send_text(ends[1], "one\n");
    lender.lends_none = true;
    CHECK_GET_FAILS(view, 20000, EN_EINVAL);
    lender.lends_none = false;
    lender.size = 0;
    CHECK_GET_FAILS(view, 20000, EN_EINVAL);
    lender.size = 16;
    lender.start = 16;
    CHECK_GET_FAILS(view, 20000, EN_EINVAL);
    lender.start = 0;
    CHECK_GET(view, "one");
    /* What is left over behind a packet begins the next buffer. */
    peer_send_text(ends[1], "two\nthree\nfou");
    CHECK_GET(view, "two");
    CHECK_GET(view, "three");
    CHECK_GET_FAILS(view, 0, EN_ETIMEDOUT);
    CHECK_MESSAGE("(unnamed)"); /* the peer is known as a client's is */
    peer_send_text(ends[1], "r\nfive5\n6");
    CHECK_GET(view, "four");
    lender.size = 4; /* less than what is left over: an error that loses nothing */
    CHECK_GET_FAILS(view, 20000, EN_EMSGSIZE);
    lender.size = 16;
    CHECK_GET(view, "five5");
    peer_send_text(ends[1], "\n");
    CHECK_GET(view, "6");
    en_stream_endpoint_free(endpoint);
    en_stream_transport_free(transport);
    en_stream_protocol_free(protocol);
    close(ends[1]);
}

static const test_case_t cases[] = {
    CASE(packets_in_and_out),
    CASE(what_cannot_be_is_refused),
    CASE(a_receiver_does_not_send),
    CASE(a_sender_does_not_receive),
    CASE(a_receiver_beside_a_sender),
    CASE(one_call_in_each_direction),
    CASE(the_end_is_remembered_after_success),
    CASE(the_end_of_what_is_down_is_nothing),
    CASE(who_cannot_end_says_so),
    CASE(it_tells_about_itself),
    CASE(packets_above_the_maximum_are_refused),
    CASE(it_waits_by_its_own_options),
    CASE(bad_options_are_refused),
    CASE(iterators_go_over_packets),
    CASE(lent_memory_is_checked),
};

TEST_MAIN("endpoint")
