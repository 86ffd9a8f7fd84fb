/* TLS over transports whose handshake nobody waits for: step by step, or by a later call. */
#include "low_tls.h"

#include <poll.h>

/* One step of a side, which waits for nothing but what it says itself; whether it is done. */
static bool step(side_t *side)
{
    struct pollfd ready = {.fd = 77};
    int rc = en_stream_transport_handshake_noblock(side->secure, &ready.fd);

    if (rc == EN_OK) {
        CHECK_INT(ready.fd, -1);
        return true;
    }
    REQUIRE(rc == EN_WANT_READ || rc == EN_WANT_WRITE);
    CHECK(ready.fd >= 0);
    ready.events = rc == EN_WANT_READ ? POLLIN : POLLOUT;
    poll(&ready, 1, 1);
    return false;
}

static void shake_by_steps(pair_t *pair)
{
    bool client = false;
    bool server = false;

    for (int64_t end = now_ms() + 20000; !(client && server);) {
        REQUIRE(now_ms() < end);
        client = step(&pair->client);
        server = step(&pair->server);
    }
}

static void check_steps(pair_t *pair)
{
    int fd;

    shake_by_steps(pair);
    check_both_ways(pair);
    /* There is nothing left to be done. */
    CHECK_OK(en_stream_transport_handshake(pair->client.secure, 0));
    CHECK_OK(en_stream_transport_handshake_noblock(pair->client.secure, &fd));
    CHECK_OK(en_stream_transport_handshake(pair->client.inner, 0));
    check_both_ways(pair);
    pair_close(pair);
}

static void step_by_step(void)
{
    pair_t pair;

    pair_begin_over(&pair, false);
    check_steps(&pair);
    pair_begin_over(&pair, true);
    check_steps(&pair);
    pair_of_trickles(&pair);
    pair_begin(&pair);
    check_steps(&pair);
}

static void before_it_nothing_goes(void)
{
    en_stream_protocol_t *protocol = lines();
    en_stream_transport_t *out = (void *)&protocol;
    en_stream_endpoint_t *endpoint = NULL;
    en_tls_info_t *info = NULL;
    en_packet_t packet;
    char buffer[8];
    size_t size;
    pair_t pair;

    pair_begin_over(&pair, false);
    CHECK_CODE(put_bytes(pair.client.secure, "x"), EN_ENOTCONN);
    CHECK_MESSAGE("handshake");
    CHECK_CODE(en_stream_transport_recv_into(pair.client.secure, buffer, 8, 1000, &size),
               EN_ENOTCONN);
    CHECK_CODE(en_stream_transport_get_tls_info(pair.client.secure, &info), EN_ENOTCONN);
    REQUIRE_OK(en_stream_endpoint_new(&endpoint, pair.client.secure, protocol, NULL));
    CHECK_CODE(en_stream_endpoint_send_packet(endpoint, "x", 1, 1000), EN_ENOTCONN);
    CHECK_CODE(en_stream_endpoint_recv_packet(endpoint, 1000, &packet), EN_ENOTCONN);
    CHECK_CODE(en_stream_transport_new_tls_noblock(&out, pair.client.inner, NULL, "", NULL),
               EN_EINVAL);
    CHECK(out == NULL);
    CHECK_CODE(en_stream_transport_handshake(NULL, 0), EN_EINVAL);
    CHECK_CODE(en_stream_transport_handshake_noblock(pair.client.secure, NULL), EN_EINVAL);
    /* The inner one is taken, and what was made before goes on once hands are shaken. */
    CHECK_CODE(put_bytes(pair.client.inner, "x"), EN_EBUSY);
    shake_by_steps(&pair);
    CHECK_OK(en_stream_endpoint_send_packet(endpoint, "late", 4, 1000));
    CHECK_GOT(pair.server.secure, "late\n");
    CHECK_OK(put_bytes(pair.server.secure, "answer\n"));
    CHECK_GET(en_stream_endpoint_as_client(endpoint), "answer");
    en_stream_endpoint_free(endpoint);
    en_stream_protocol_free(protocol);
    pair_close(&pair);
}

static void before_it_what_is_put_aside_stays(void)
{
    en_stream_protocol_t *protocol = lines();
    en_stream_endpoint_t *endpoint = NULL;
    en_endpoint_options_t *options;
    pair_t pair;

    pair_begin_over(&pair, false);
    REQUIRE_OK(en_endpoint_options_new(&options));
    CHECK_OK(en_endpoint_options_set_write_buffer(options, 100));
    REQUIRE_OK(en_stream_endpoint_new(&endpoint, pair.client.secure, protocol, options));
    CHECK_OK(en_stream_endpoint_send_packet(endpoint, "early", 5, 1000));
    CHECK_CODE(en_stream_endpoint_flush(endpoint, 1000), EN_ENOTCONN);
    CHECK_CODE(en_stream_endpoint_send_eof(endpoint, 1000), EN_ENOTCONN);
    shake_by_steps(&pair);
    CHECK_OK(en_stream_endpoint_flush(endpoint, 1000));
    CHECK_GOT(pair.server.secure, "early\n");
    en_stream_endpoint_free(endpoint);
    en_endpoint_options_free(options);
    en_stream_protocol_free(protocol);
    pair_close(&pair);
}

static void a_call_that_gave_up_goes_on(void)
{
    thread_t thread;
    int64_t start;
    pair_t pair;

    pair_begin_over(&pair, false);
    start = now_ms();
    CHECK_CODE(en_stream_transport_handshake(pair.client.secure, 90), EN_ETIMEDOUT);
    CHECK_TOOK(start, 90);
    CHECK_MESSAGE("handshake");
    CHECK_CODE(en_stream_transport_handshake(pair.client.secure, 0), EN_ETIMEDOUT);
    thread_start(&thread, side_goes_on, &pair.server);
    CHECK_OK(en_stream_transport_handshake(pair.client.secure, 20000));
    thread_join(&thread);
    CHECK_OK(pair.server.rc);
    check_both_ways(&pair);
    pair_close(&pair);
}

static void the_switch_ends_only_the_call(void)
{
    en_cancel_t *cancel = NULL;
    thread_t thread;
    pair_t pair;
    int fd;

    REQUIRE_OK(en_cancel_new(&cancel));
    pair_of_sockets(&pair);
    pair.client.options = transport_options();
    CHECK_OK(en_transport_options_set_cancel(pair.client.options, cancel));
    pair_begin(&pair);
    thread_start(&thread, side_goes_on, &pair.client);
    thread_wait_blocked(&thread);
    CHECK_OK(en_cancel_trigger(cancel));
    thread_join(&thread);
    CHECK_CODE(pair.client.rc, EN_ECANCELED);
    CHECK_CODE(en_stream_transport_handshake_noblock(pair.client.secure, &fd), EN_ECANCELED);
    CHECK_OK(en_cancel_reset(cancel));
    shake_by_steps(&pair);
    check_both_ways(&pair);
    pair_close(&pair);
    en_cancel_free(cancel);
}

static void closing_wakes_it(void)
{
    thread_t thread;
    char buffer[8];
    size_t size;
    pair_t pair;

    pair_begin_over(&pair, false);
    thread_start(&thread, side_goes_on, &pair.client);
    thread_wait_blocked(&thread);
    CHECK_CODE(en_stream_transport_handshake(pair.client.secure, 0), EN_EBUSY);
    CHECK_CODE(en_stream_transport_recv_into(pair.client.secure, buffer, 8, 0, &size), EN_EBUSY);
    CHECK_CODE(put_bytes(pair.client.secure, "x"), EN_EBUSY);
    CHECK_OK(en_stream_transport_close(pair.client.secure));
    thread_join(&thread);
    CHECK_CODE(pair.client.rc, EN_ECLOSED);
    CHECK_CODE(en_stream_transport_handshake(pair.client.secure, 0), EN_ECLOSED);
    pair_close(&pair);
}

static void a_handshake_that_fails_says_why(void)
{
    thread_t thread;
    pair_t pair;

    pair_of_sockets(&pair);
    pair.client.name = "another.example";
    pair_begin(&pair);
    thread_start(&thread, side_goes_on, &pair.server);
    CHECK_CODE(en_stream_transport_handshake(pair.client.secure, 20000), EN_ETLS_NAME_MISMATCH);
    CHECK_MESSAGE("another.example");
    CHECK_MESSAGE("handshake 127.0.0.1:");
    CHECK_CODE(put_bytes(pair.client.secure, "x"), EN_ENOTCONN);
    /* Who asks again is told again. */
    CHECK_CODE(en_stream_transport_handshake(pair.client.secure, 0), EN_ETLS_NAME_MISMATCH);
    thread_join(&thread);
    CHECK_CODE(pair.server.rc, EN_ETLS_ALERT);
    CHECK_CODE(en_stream_transport_handshake(pair.server.secure, 0), EN_ETLS_ALERT);
    pair_close(&pair);
}

static const test_case_t cases[] = {
    CASE(step_by_step),
    CASE(before_it_nothing_goes),
    CASE(before_it_what_is_put_aside_stays),
    CASE(a_call_that_gave_up_goes_on),
    CASE(the_switch_ends_only_the_call),
    CASE(closing_wakes_it),
    CASE(a_handshake_that_fails_says_why),
};

TEST_MAIN("transport_handshake")
