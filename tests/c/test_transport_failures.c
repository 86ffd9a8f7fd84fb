/* Every call of a transport's callbacks may fail: whichever it is, nothing is lost but what the
 * failure says, and nothing leaks. */
#include "low.h"
#include "peer.h"

#include <stdio.h>
#include <unistd.h>

#define MOST_CALLS 400

/* An endpoint over a transport of callbacks, with a plain socket at the other end. */
typedef struct {
    own_t own;
    en_stream_endpoint_t *endpoint;
    en_client_t *view;
    int fd;
} wire_t;

static void wire_open(wire_t *wire)
{
    en_stream_protocol_t *protocol = lines();
    en_stream_transport_t *transport;
    int ends[2];

    pair_open(SOCK_STREAM | SOCK_NONBLOCK, ends);
    wire->own.in = wire->own.out = ends[0];
    transport = own_stream(&wire->own, NULL);
    REQUIRE_OK(en_stream_endpoint_new(&wire->endpoint, transport, protocol, NULL));
    wire->view = en_stream_endpoint_as_client(wire->endpoint);
    wire->fd = ends[1];
    en_stream_transport_free(transport);
    en_stream_protocol_free(protocol);
}

static void wire_close(wire_t *wire)
{
    CHECK_INT(atomic_load(&wire->own.closed), 0);
    en_stream_endpoint_free(wire->endpoint);
    CHECK_OWN_ENDED(&wire->own);
    close(wire->fd);
}

static const char *const texts[] = {"first", "", "the third one", "4"};
enum { TEXTS = sizeof(texts) / sizeof(texts[0]) };

/* Each receive that the failure hits is tried again: all packets come, in order, once. */
static bool receive_with_a_failure(int n, int code)
{
    wire_t wire = {.own = {.most = 3, .fails_at = n, .code = code}};
    int failed = 0;

    wire_open(&wire);
    for (int i = 0; i < TEXTS; i++) {
        peer_send_text(wire.fd, texts[i]);
        peer_send_text(wire.fd, "\n");
    }
    for (int i = 0; i < TEXTS; i++) {
        en_packet_t packet = {0};
        int rc = en_client_recv_packet(wire.view, 20000, &packet);

        if (rc != EN_OK) {
            CHECK_CODE(rc, code);
            failed++;
            rc = en_client_recv_packet(wire.view, 20000, &packet);
        }
        if (!CHECK_OK(rc))
            break;
        CHECK_BYTES(packet.data, packet.size, texts[i], strlen(texts[i]));
        en_packet_release(&packet);
    }
    CHECK_GET_FAILS(wire.view, 0,
                    failed || atomic_load(&wire.own.calls) + 1 != n ? EN_ETIMEDOUT : code);
    wire_close(&wire);
    return failed > 0;
}

static void a_receive_that_fails_loses_nothing(void)
{
    static const int codes[] = {EN_EUSER_BASE, EN_EBADMSG, EN_EMSGSIZE};

    for (size_t i = 0; i < 3; i++) {
        int n = 1;

        while (receive_with_a_failure(n, codes[i]))
            REQUIRE(n++ < MOST_CALLS);
        CHECK(n > TEXTS);
    }
}

/* A call that would wait is only a call more. */
static void wanting_in_between_changes_nothing(void)
{
    for (int n = 1; n < 20; n++) {
        wire_t wire = {.own = {.most = 3, .fails_at = n, .code = EN_WANT_WRITE}};

        wire_open(&wire);
        for (int i = 0; i < TEXTS; i++) {
            CHECK_OK(put_text(wire.view, texts[i]));
            peer_expect_text(wire.fd, texts[i]);
            peer_expect_text(wire.fd, "\n");
            peer_send_text(wire.fd, texts[i]);
            peer_send_text(wire.fd, "\n");
            CHECK_GET(wire.view, texts[i]);
        }
        wire_close(&wire);
    }
}

/* The connection breaks at the n-th call: what came before is delivered, and then it is told. */
static bool break_at(int n)
{
    wire_t wire = {.own = {.most = 3, .fails_at = n, .code = EN_ECONNRESET}};
    int received = 0;
    int rc;

    wire_open(&wire);
    for (int i = 0; i < TEXTS; i++) {
        peer_send_text(wire.fd, texts[i]);
        peer_send_text(wire.fd, "\n");
    }
    do {
        en_packet_t packet = {0};

        rc = en_client_recv_packet(wire.view, 0, &packet);
        if (rc == EN_OK && CHECK(received < TEXTS))
            CHECK_BYTES(packet.data, packet.size, texts[received], strlen(texts[received]));
        received += rc == EN_OK;
        en_packet_release(&packet);
    } while (rc == EN_OK);
    if (rc == EN_ETIMEDOUT)
        CHECK_INT(received, TEXTS);
    else
        CHECK_GET_FAILS(wire.view, 20000, EN_ECONNRESET); /* the same at every later call */
    wire_close(&wire);
    return rc != EN_ETIMEDOUT;
}

static void a_break_comes_behind_the_packets(void)
{
    int n = 1;

    while (break_at(n))
        REQUIRE(n++ < MOST_CALLS);
    CHECK(n > TEXTS);
}

/* What of a packet went before the failure decides: nothing, and the endpoint is as before; a part,
 * and nothing may follow. */
static bool send_with_a_failure(int n)
{
    wire_t wire = {.own = {.most = 3, .fails_at = n, .code = EN_EUSER_BASE - 1}};
    char want[64] = "";
    size_t size = 0;
    bool failed = false;
    bool broken = false;
    int fd;

    wire_open(&wire);
    for (int i = 0; i < TEXTS && !broken; i++) {
        int before = atomic_load(&wire.own.calls);
        size_t start = size;
        int rc = put_text(wire.view, texts[i]);

        size += (size_t)snprintf(want + size, sizeof(want) - size, "%s\n", texts[i]);
        if (rc == EN_OK)
            continue;
        failed = true;
        CHECK_CODE(rc, EN_EUSER_BASE - 1);
        broken = n - before > 1;
        if (broken) {
            CHECK_CODE(put_text(wire.view, "never"), EN_EPIPE);
            size = start + (size_t)(n - before - 1) * wire.own.most;
        } else {
            CHECK_OK(put_text(wire.view, texts[i]));
        }
    }
    wire.own.fails_at = 0;
    peer_send_text(wire.fd, "back\n");
    CHECK_GET(wire.view, "back"); /* receiving still works */
    fd = dup(wire.fd);
    wire_close(&wire);
    peer_expect(fd, want, size);
    peer_expect_end(fd);
    close(fd);
    return failed;
}

static void a_send_that_fails_is_none_or_breaks(void)
{
    int n = 1;

    while (send_with_a_failure(n))
        REQUIRE(n++ < MOST_CALLS);
    CHECK(n > TEXTS);
}

/* The write buffer: what did not go stays in it, and goes with the next flush. */
static bool flush_with_a_failure(int n)
{
    wire_t wire = {.own = {.most = 3, .fails_at = n, .code = EN_EUSER_BASE - 1}};
    en_endpoint_options_t *options = NULL;
    en_stream_endpoint_t *endpoint = NULL;
    en_stream_protocol_t *protocol = lines();
    en_stream_transport_t *transport;
    int ends[2];
    int rc;

    pair_open(SOCK_STREAM | SOCK_NONBLOCK, ends);
    wire.own.in = wire.own.out = ends[0];
    transport = own_stream(&wire.own, NULL);
    REQUIRE_OK(en_endpoint_options_new(&options));
    CHECK_OK(en_endpoint_options_set_write_buffer(options, 4096));
    REQUIRE_OK(en_stream_endpoint_new(&endpoint, transport, protocol, options));
    for (int i = 0; i < TEXTS; i++)
        CHECK_OK(en_stream_endpoint_send_packet(endpoint, texts[i], strlen(texts[i]), 20000));
    CHECK_INT(atomic_load(&wire.own.calls), 0);
    rc = en_stream_endpoint_flush(endpoint, 20000);
    if (rc != EN_OK) {
        CHECK_CODE(rc, EN_EUSER_BASE - 1);
        CHECK_OK(en_stream_endpoint_flush(endpoint, 20000));
    }
    peer_expect_text(ends[1], "first\n\nthe third one\n4\n");
    peer_expect_nothing(ends[1]);
    en_stream_endpoint_free(endpoint);
    en_stream_transport_free(transport);
    en_endpoint_options_free(options);
    en_stream_protocol_free(protocol);
    CHECK_OWN_ENDED(&wire.own);
    close(ends[1]);
    return rc != EN_OK;
}

static void a_flush_that_fails_loses_nothing(void)
{
    int n = 1;

    while (flush_with_a_failure(n))
        REQUIRE(n++ < MOST_CALLS);
    CHECK(n > 5);
}

/* Bytes: what went is told exactly, whichever call fails. */
static void a_transport_tells_what_went(void)
{
    static const char text[] = "0123456789abcdef";
    int failed = 1;

    for (int n = 1; failed; n++) {
        own_t own = {.most = 3, .fails_at = n, .code = EN_EUSER_BASE};
        en_stream_transport_t *transport;
        size_t sent = 77;
        int ends[2];
        int rc;

        pair_open(SOCK_STREAM | SOCK_NONBLOCK, ends);
        own.in = own.out = ends[0];
        transport = own_stream(&own, NULL);
        rc = en_stream_transport_send_all(transport, text, 16, 20000, &sent);
        failed = rc != EN_OK;
        if (failed) {
            CHECK_CODE(rc, EN_EUSER_BASE);
            CHECK_INT(sent, 3 * (n - 1));
            CHECK_OK(put_bytes(transport, text + sent)); /* goes on behind it */
        }
        en_stream_transport_free(transport);
        CHECK_OWN_ENDED(&own);
        peer_expect(ends[1], text, 16);
        peer_expect_end(ends[1]);
        close(ends[1]);
        REQUIRE(n < MOST_CALLS);
    }
}

/* Datagrams: one that was refused was not sent, or is still to come. */
static bool exchange_datagrams(int n)
{
    own_t own = {.fails_at = n, .code = EN_EUSER_BASE};
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_datagram_endpoint_t *endpoint = NULL;
    en_datagram_transport_t *transport;
    en_client_t *view;
    bool failed = false;
    int ends[2];

    pair_open(SOCK_DGRAM | SOCK_NONBLOCK, ends);
    own.in = own.out = ends[0];
    transport = own_datagrams(&own, NULL);
    REQUIRE_OK(en_datagram_endpoint_new(&endpoint, transport, protocol, NULL));
    en_datagram_transport_free(transport);
    en_datagram_protocol_free(protocol);
    view = en_datagram_endpoint_as_client(endpoint);
    for (int i = 0; i < TEXTS; i++) {
        en_packet_t packet = {0};
        size_t size = strlen(texts[i]);

        REQUIRE(send(ends[1], texts[i], size, 0) == (ssize_t)size);
        if (en_client_recv_packet(view, 20000, &packet) != EN_OK) {
            failed = true;
            REQUIRE_OK(en_client_recv_packet(view, 20000, &packet));
        }
        CHECK_BYTES(packet.data, packet.size, texts[i], size);
        if (en_client_send_packet(view, packet.data, packet.size, 20000) != EN_OK) {
            failed = true;
            CHECK_OK(en_client_send_packet(view, packet.data, packet.size, 20000));
        }
        en_packet_release(&packet);
        expect_datagram(ends[1], texts[i], size);
    }
    expect_no_datagram(ends[1]);
    en_datagram_endpoint_free(endpoint);
    CHECK_OWN_ENDED(&own);
    close(ends[1]);
    return failed;
}

static void datagrams_are_kept_by_a_failure(void)
{
    int n = 1;

    while (exchange_datagrams(n))
        REQUIRE(n++ < MOST_CALLS);
    CHECK(n > 2 * TEXTS);
}

static void impossible_datagrams_are_refused(void)
{
    own_t own = {0};
    en_datagram_transport_t *transport;
    en_packet_t packet = {0};
    char buffer[4];
    size_t size;
    int ends[2];

    pair_open(SOCK_DGRAM | SOCK_NONBLOCK, ends);
    own.in = own.out = ends[0];
    transport = own_datagrams(&own, NULL);
    own.more = 5;
    CHECK_CODE(en_datagram_transport_send(transport, "abc", 3, 20000), EN_EINVAL);
    expect_datagram(ends[1], "abc", 3);
    REQUIRE(send(ends[1], "abc", 3, 0) == 3);
    CHECK_CODE(en_datagram_transport_recv_into(transport, buffer, 4, 20000, &size), EN_EINVAL);
    CHECK_INT(size, 0);
    own.more = 0;
    own.reports_none = true;
    CHECK_CODE(en_datagram_transport_send(transport, "abc", 3, 20000), EN_EINVAL);
    expect_datagram(ends[1], "abc", 3);
    own.reports_none = false;
    REQUIRE(send(ends[1], "too long", 8, 0) == 8);
    CHECK_CODE(en_datagram_transport_recv_into(transport, buffer, 4, 20000, &size), EN_EMSGSIZE);
    CHECK_OK(en_datagram_transport_send(transport, "", 0, 20000));
    expect_datagram(ends[1], "", 0);
    REQUIRE(send(ends[1], "", 0, 0) == 0);
    CHECK_OK(en_datagram_transport_recv(transport, 20000, &packet));
    CHECK_INT(packet.size, 0);
    en_packet_release(&packet);
    en_datagram_transport_free(transport);
    CHECK_OWN_ENDED(&own);
    close(ends[1]);
}

static const test_case_t cases[] = {
    CASE(a_receive_that_fails_loses_nothing), CASE(wanting_in_between_changes_nothing),
    CASE(a_break_comes_behind_the_packets),   CASE(a_send_that_fails_is_none_or_breaks),
    CASE(a_flush_that_fails_loses_nothing),   CASE(a_transport_tells_what_went),
    CASE(datagrams_are_kept_by_a_failure),    CASE(impossible_datagrams_are_refused),
};

TEST_MAIN("transport_failures")
