/* What callbacks of the application below TLS do with what is above it. */
#include "low_tls.h"

/* Inside a callback below TLS all that would wait for it is refused. */
static void call_above(own_t *own, const char *name)
{
    side_t *side = own->arg;
    en_tls_info_t *info = NULL;
    char buffer[8];
    size_t size = sizeof(buffer);

    (void)name;
    CHECK_CODE(en_stream_transport_recv_into(side->secure, buffer, 8, -1, &size), EN_EDEADLK);
    CHECK_CODE(put_bytes(side->secure, "x"), EN_EDEADLK);
    CHECK_CODE(en_stream_transport_get_tls_info(side->secure, &info), EN_EDEADLK);
    size = sizeof(buffer);
    CHECK_CODE(en_stream_transport_get_attribute(side->secure, 1, buffer, &size), EN_EDEADLK);
    CHECK_INT(en_stream_transport_is_closed(side->secure), 0);
}

static void close_above(own_t *own, const char *name)
{
    side_t *side = own->arg;

    (void)name;
    own->within = NULL;
    CHECK_OK(en_stream_transport_close(side->secure));
    CHECK_INT(en_stream_transport_is_closed(side->secure), 1);
}

static void close_below(own_t *own, const char *name)
{
    side_t *side = own->arg;

    (void)name;
    own->within = NULL;
    CHECK_OK(en_stream_transport_close(side->inner));
}

static void free_above(own_t *own, const char *name)
{
    side_t *side = own->arg;

    (void)name;
    own->within = NULL;
    en_stream_transport_free(side->secure);
    side->secure = NULL;
}

/* A call of the client in which a callback below it does something: its code. */
static int with_callback(void (*within)(own_t *, const char *), bool sends, bool by_endpoint)
{
    en_stream_protocol_t *protocol = lines();
    en_stream_endpoint_t *endpoint = NULL;
    en_transport_options_t *options = transport_options();
    char buffer[8];
    size_t size;
    pair_t pair;
    own_t *own = sends ? &pair.client.sends : &pair.client.receives;
    int rc;

    pair_of_pipes(&pair);
    CHECK_OK(en_transport_options_set_shutdown_timeout(options, 30));
    pair.client.options = options;
    pair_shake_hands(&pair);
    REQUIRE(pair.client.secure && pair.server.secure);
    REQUIRE_OK(en_stream_endpoint_new(&endpoint, pair.client.secure, protocol, NULL));
    CHECK_OK(put_bytes(pair.server.secure, "comes\n"));
    own->arg = &pair.client;
    own->where = sends ? "send" : "recv";
    own->within = within;
    if (by_endpoint) {
        en_packet_t packet = {0};

        rc = sends ? en_stream_endpoint_send_packet(endpoint, "x", 1, 20000)
                   : en_stream_endpoint_recv_packet(endpoint, 20000, &packet);
        en_packet_release(&packet);
    } else {
        rc = sends ? put_bytes(pair.client.secure, "x")
                   : en_stream_transport_recv_into(pair.client.secure, buffer, 8, 20000, &size);
    }
    CHECK(own->within_calls > 0);
    own->within = NULL;
    CHECK_OK(en_stream_endpoint_abort(endpoint));
    en_stream_endpoint_free(endpoint);
    en_stream_protocol_free(protocol);
    pair_close(&pair);
    return rc;
}

static void callbacks_below_may_call(void)
{
    for (int i = 0; i < 4; i++) {
        bool sends = i % 2;
        bool by_endpoint = i / 2;
        int rc;

        CHECK_OK(with_callback(call_above, sends, by_endpoint));
        rc = with_callback(close_below, sends, by_endpoint);
        /* What has gone out has gone. */
        CHECK(rc == EN_ECLOSED || (rc == EN_OK && sends));
        rc = with_callback(close_above, sends, by_endpoint);
        CHECK(rc == EN_ECLOSED || rc == EN_OK);
        rc = with_callback(free_above, sends, by_endpoint);
        CHECK(rc == EN_OK || (!by_endpoint && rc == EN_ECLOSED));
    }
}

static void free_beside(own_t *own, const char *name)
{
    (void)name;
    own->within = NULL;
    en_stream_endpoint_free(own->arg);
}

/* Who has put something aside gives it up while another one's bytes are on their way. */
static void a_callback_below_may_free_another_endpoint(void)
{
    for (int receives = 0; receives < 2; receives++) {
        en_endpoint_options_t *options = NULL;
        en_stream_protocol_t *protocol = lines();
        en_stream_endpoint_t *beside = NULL;
        pair_t pair;
        own_t *own;

        secure_open(&pair, true);
        REQUIRE_OK(en_endpoint_options_new(&options));
        CHECK_OK(en_endpoint_options_set_write_buffer(options, 4096));
        REQUIRE_OK(en_stream_endpoint_new(&beside, pair.client.secure, protocol, options));
        CHECK_OK(en_stream_endpoint_send_packet(beside, "put aside", 9, 20000));
        own = receives ? &pair.client.receives : &pair.client.sends;
        own->arg = beside;
        own->where = receives ? "recv" : "send";
        own->within = free_beside;
        check_both_ways(&pair);
        CHECK_INT(own->within_calls, 1);
        en_endpoint_options_free(options);
        en_stream_protocol_free(protocol);
        pair_close(&pair);
    }
}

static void no_room(own_t *own, const char *name)
{
    (void)name;
    atomic_store(&own->calls, 0); /* the next one is the first again */
}

/* What one endpoint has half sent is not taken for the other's, and ends with it. */
static void what_is_half_sent_belongs_to_its_endpoint(void)
{
    for (int ends = 0; ends < 2; ends++) {
        en_endpoint_options_t *options = NULL;
        en_stream_protocol_t *protocol = lines();
        en_stream_endpoint_t *one = NULL, *other = NULL;
        char text[16];
        size_t size;
        pair_t pair;

        secure_open(&pair, true);
        REQUIRE_OK(en_endpoint_options_new(&options));
        CHECK_OK(en_endpoint_options_set_write_buffer(options, 4096));
        REQUIRE_OK(en_stream_endpoint_new(&one, pair.client.secure, protocol, options));
        REQUIRE_OK(en_stream_endpoint_new(&other, pair.client.secure, protocol, NULL));
        CHECK_OK(en_stream_endpoint_send_packet(one, "BBBB", 4, 20000));
        pair.client.sends.where = "send";
        pair.client.sends.within = no_room;
        pair.client.sends.fails_at = 1;
        pair.client.sends.code = EN_WANT_WRITE;
        CHECK_CODE(en_stream_endpoint_flush(one, 0), EN_ETIMEDOUT);
        CHECK_CODE(en_stream_endpoint_send_packet(other, "aaaaaaaaaa", 10, 1000), EN_EBUSY);
        if (ends)
            en_stream_endpoint_free(one);
        pair.client.sends.within = NULL;
        pair.client.sends.fails_at = 0;
        if (ends) {
            CHECK_CODE(en_stream_endpoint_send_packet(other, "aaaaaaaaaa", 10, 1000), EN_EPIPE);
        } else {
            CHECK_OK(en_stream_endpoint_flush(one, 20000));
            CHECK_OK(en_stream_endpoint_send_packet(other, "aa", 2, 20000));
            en_stream_endpoint_free(one);
            CHECK_OK(en_stream_transport_recv_into(pair.server.secure, text, 5, 20000, &size));
            CHECK_BYTES(text, size, "BBBB\n", 5);
            CHECK_OK(en_stream_transport_recv_into(pair.server.secure, text, 9, 20000, &size));
            CHECK_BYTES(text, size, "aa\n", 3);
        }
        en_stream_endpoint_free(other);
        en_endpoint_options_free(options);
        en_stream_protocol_free(protocol);
        pair_close(&pair);
    }
}

static const test_case_t cases[] = {
    CASE(callbacks_below_may_call),
    CASE(a_callback_below_may_free_another_endpoint),
    CASE(what_is_half_sent_belongs_to_its_endpoint),
};

TEST_MAIN("transport_tls_within")
