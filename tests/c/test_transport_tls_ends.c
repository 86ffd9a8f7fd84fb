/* The ends of TLS over transports of the application: said, heard, cut. */
#include "async.h"
#include "low_tls.h"

#include <sched.h>
#include <string.h>
#include <unistd.h>

static void one_direction_cannot_end_alone(void)
{
    pair_t pair;

    secure_open(&pair, false);
    CHECK_CODE(en_stream_transport_send_eof(pair.client.secure, -1), EN_EOPNOTSUPP);
    check_both_ways(&pair);
    pair_close(&pair);
}

static void close_secure(void *arg)
{
    CHECK_OK(en_stream_transport_close(arg));
}

/* Each side says its end, hears that of the other, and closes all that is below. */
static void both_say_their_end(void)
{
    for (int pipes = 0; pipes < 2; pipes++) {
        char buffer[8];
        size_t size = 77;
        thread_t thread;
        pair_t pair;

        secure_open(&pair, pipes);
        thread_start(&thread, close_secure, pair.client.secure);
        CHECK_OK(en_stream_transport_recv_into(pair.server.secure, buffer, 8, 20000, &size));
        CHECK_INT(size, 0);
        CHECK_OK(en_stream_transport_close(pair.server.secure));
        thread_join(&thread);
        CHECK_INT(en_stream_transport_is_closed(pair.client.inner), 1);
        CHECK_INT(en_stream_transport_is_closed(pair.server.inner), 1);
        pair_close(&pair);
    }
}

typedef struct {
    en_stream_transport_t *transport;
    atomic_size_t got;
    int rc;
} drain_t;

static void drain(void *arg)
{
    static char buffer[1 << 14];
    drain_t *drain = arg;
    size_t size = 0;

    do {
        drain->rc =
            en_stream_transport_recv_into(drain->transport, buffer, sizeof(buffer), 20000, &size);
        drain->got += drain->rc == EN_OK ? size : 0;
    } while (drain->rc == EN_OK && size > 0);
    en_stream_transport_close(drain->transport);
}

/* It may have as much on its way as there is room for. */
enum { LITTLE = 1 << 15 };

typedef struct {
    drain_t *drain;
    mover_t mover;
} sender_t;

static void send_little(void *arg)
{
    static const char bytes[16];
    sender_t *sender = arg;
    size_t all = 0;
    size_t sent = 0;

    do {
        while (all - sender->drain->got > LITTLE)
            sched_yield();
        sender->mover.rc = en_stream_transport_send_all(sender->mover.stream, bytes, sizeof(bytes),
                                                        EN_TIMEOUT_INFINITE, &sent);
        all += sent;
    } while (sender->mover.rc == EN_OK);
}

/* It does not wait for the peer, so it is soon out of the way. */
static void closing_beside_a_sender_says_the_end(void)
{
    for (int i = 0; i < 10; i++) {
        drain_t drained = {0};
        sender_t sender = {.drain = &drained};
        thread_t thread;
        pair_t pair;

        secure_open(&pair, false);
        drained.transport = pair.server.secure;
        thread_start(&thread, drain, &drained);
        sender.mover.stream = pair.client.secure;
        thread_start(&sender.mover.thread, send_little, &sender);
        WAIT_FOR(drained.got > 0);
        CHECK_OK(en_stream_transport_close(pair.client.secure));
        CHECK_CODE(mover_end(&sender.mover), EN_ECLOSED);
        thread_join(&thread);
        CHECK_CODE(drained.rc, EN_OK); /* and not cut */
        pair_close(&pair);
    }
}

/* Its bytes may be those of the first, which is under way. */
static void giving_up_the_second_of_two_alike_cuts_nothing(void)
{
    static char large[8 << 20];
    en_async_stream_endpoint_t *endpoint = NULL;
    en_stream_protocol_t *protocol = lines();
    en_loop_t *loop = loop_new();
    op_t ops[3] = {{0}};
    drain_t drained = {0};
    thread_t thread;
    pair_t pair;

    secure_open(&pair, false);
    REQUIRE_OK(en_async_stream_endpoint_new(&endpoint, loop, pair.client.secure, protocol, NULL));
    memset(large, 'x', sizeof(large));
    for (int i = 0; i < 2; i++)
        CHECK_OK(en_async_stream_endpoint_send_packet(endpoint, large, sizeof(large), 20000,
                                                      op_done, &ops[i], &ops[i].operation));
    op_still_waits(loop, &ops[0]);
    CHECK_OK(en_loop_cancel(loop, ops[1].operation));
    op_wait(loop, &ops[1]);
    CHECK_OP(&ops[1], EN_ECANCELED);
    drained.transport = pair.server.secure;
    thread_start(&thread, drain, &drained);
    op_wait(loop, &ops[0]);
    CHECK_OP(&ops[0], EN_OK);
    CHECK_OK(
        en_async_stream_endpoint_send_packet(endpoint, "after", 5, 20000, op_done, &ops[2], NULL));
    op_wait(loop, &ops[2]);
    CHECK_OP(&ops[2], EN_OK);
    en_async_stream_endpoint_free(endpoint);
    CHECK_OK(en_stream_transport_close(pair.client.secure));
    thread_join(&thread);
    CHECK_OK(drained.rc);
    en_loop_free(loop);
    en_stream_protocol_free(protocol);
    pair_close(&pair);
}

/* The last holder says the end, too, as far as that goes at once. */
static void freeing_says_the_end(void)
{
    char buffer[8];
    size_t size = 77;
    pair_t pair;

    secure_open(&pair, true);
    en_stream_transport_free(pair.client.inner);
    en_stream_transport_free(pair.client.secure);
    pair.client.inner = pair.client.secure = NULL;
    CHECK_OWN_ENDED(&pair.client.sends);
    CHECK_OK(en_stream_transport_recv_into(pair.server.secure, buffer, 8, 20000, &size));
    CHECK_INT(size, 0);
    pair_close(&pair);
}

static void a_cut_is_told(void)
{
    char buffer[8];
    size_t size;
    pair_t pair;

    secure_open(&pair, false);
    CHECK_OK(put_bytes(pair.client.secure, "last"));
    CHECK_OK(en_stream_transport_close(pair.client.inner)); /* no end of TLS */
    CHECK_GOT(pair.server.secure, "last");
    CHECK_CODE(en_stream_transport_recv_into(pair.server.secure, buffer, 8, 20000, &size),
               EN_ETLS_TRUNCATED);
    pair_close(&pair);
}

static void an_end_that_is_not_asked_for(void)
{
    char buffer[8];
    size_t size = 77;
    int64_t start;
    pair_t pair;

    pair_of_sockets(&pair);
    pair.client.options = transport_options();
    pair.server.options = transport_options();
    CHECK_OK(en_transport_options_set_standard_compatible(pair.client.options, 0));
    CHECK_OK(en_transport_options_set_standard_compatible(pair.server.options, 0));
    pair_shake_hands(&pair);
    REQUIRE(pair.client.secure && pair.server.secure);
    CHECK_INT(attribute_int(pair.client.secure, EN_ATTRIBUTE_STANDARD_COMPATIBLE), 0);
    start = now_ms();
    CHECK_OK(en_stream_transport_close(pair.client.secure));
    CHECK_TOOK(start, 0);
    CHECK_OK(en_stream_transport_recv_into(pair.server.secure, buffer, 8, 20000, &size));
    CHECK_INT(size, 0);
    pair_close(&pair);
}

static void closing_waits_no_longer_than_it_may(void)
{
    int64_t start;
    pair_t pair;

    pair_of_sockets(&pair);
    pair.client.options = transport_options();
    CHECK_OK(en_transport_options_set_shutdown_timeout(pair.client.options, 80));
    pair_shake_hands(&pair);
    REQUIRE(pair.client.secure && pair.server.secure);
    CHECK_OK(put_bytes(pair.server.secure, "what comes is not the end"));
    start = now_ms();
    CHECK_OK(en_stream_transport_close(pair.client.secure));
    CHECK_TOOK(start, 80);
    pair_close(&pair);
}

/* It says the end all the same. */
static void closing_may_wait_for_nothing(void)
{
    char buffer[8];
    size_t size = 77;
    int64_t start;
    pair_t pair;

    pair_of_sockets(&pair);
    pair.client.options = transport_options();
    CHECK_OK(en_transport_options_set_shutdown_timeout(pair.client.options, 0));
    pair_shake_hands(&pair);
    REQUIRE(pair.client.secure && pair.server.secure);
    start = now_ms();
    CHECK_OK(en_stream_transport_close(pair.client.secure));
    CHECK_TOOK(start, 0);
    CHECK_OK(en_stream_transport_recv_into(pair.server.secure, buffer, 8, 20000, &size));
    CHECK_INT(size, 0);
    pair_close(&pair);
}

/* Who is cancelled says what goes at once. */
static void a_cancelled_end_is_no_cut(void)
{
    en_cancel_t *cancel = NULL;
    char buffer[8];
    size_t size = 77;
    pair_t pair;

    pair_of_sockets(&pair);
    REQUIRE_OK(en_cancel_new(&cancel));
    pair.client.options = transport_options();
    CHECK_OK(en_transport_options_set_cancel(pair.client.options, cancel));
    pair_shake_hands(&pair);
    REQUIRE(pair.client.secure && pair.server.secure);
    CHECK_OK(en_cancel_trigger(cancel));
    CHECK_OK(en_stream_transport_close(pair.client.secure));
    CHECK_OK(en_stream_transport_recv_into(pair.server.secure, buffer, 8, 20000, &size));
    CHECK_INT(size, 0);
    en_cancel_free(cancel);
    pair_close(&pair);
}

static void closing_wakes(void)
{
    mover_t mover;
    int64_t start;
    pair_t pair;

    secure_open(&pair, false);
    mover_receives(&mover, pair.client.secure);
    CHECK_OK(put_bytes(pair.client.secure, "beside"));
    start = now_ms();
    CHECK_OK(en_stream_transport_close(pair.client.secure));
    CHECK_CODE(mover_end(&mover), EN_ECLOSED);
    CHECK_TOOK(start, 0);
    pair_close(&pair);
}

/* A sending half that speaks TLS cannot send the end: closed instead, it still says its own. */
static void a_stapled_end_over_tls_is_no_cut(void)
{
    en_stream_transport_t *both = NULL;
    en_stream_transport_t *other;
    en_tls_info_t *info = NULL;
    char buffer[8];
    size_t size = 77;
    int ends[2];
    pair_t pair;

    secure_open(&pair, false);
    pair_open(SOCK_STREAM, ends);
    other = stream_over(ends[0]);
    REQUIRE_OK(en_stream_transport_new_stapled(&both, other, pair.client.secure, NULL));
    CHECK_OK(en_stream_transport_get_tls_info(both, &info));
    en_tls_info_free(info);
    CHECK_OK(put_bytes(both, "last"));
    CHECK_OK(en_stream_transport_send_eof(both, 20000));
    CHECK_INT(en_stream_transport_is_closed(pair.client.secure), 1);
    CHECK_GOT(pair.server.secure, "last");
    CHECK_OK(en_stream_transport_recv_into(pair.server.secure, buffer, 8, 20000, &size));
    CHECK_INT(size, 0);
    en_stream_transport_free(both);
    en_stream_transport_free(other);
    close(ends[1]);
    pair_close(&pair);
}

/* A receiving half takes leave of its peer, too. */
static void a_stapled_receiver_takes_leave(void)
{
    en_stream_transport_t *both = NULL;
    en_stream_transport_t *other;
    char buffer[8];
    size_t size = 77;
    int ends[2];
    pair_t pair;

    secure_open(&pair, false);
    pair_open(SOCK_STREAM, ends);
    other = stream_over(ends[0]);
    REQUIRE_OK(en_stream_transport_new_stapled(&both, pair.client.secure, other, NULL));
    CHECK_OK(en_stream_transport_close(both));
    CHECK_OK(en_stream_transport_recv_into(pair.server.secure, buffer, 8, 20000, &size));
    CHECK_INT(size, 0);
    en_stream_transport_free(both);
    en_stream_transport_free(other);
    close(ends[1]);
    pair_close(&pair);
}

static void close_endpoint(void *arg)
{
    CHECK_OK(en_stream_endpoint_close(arg));
}

/* Also an endpoint that only receives takes leave. */
static void a_receiver_takes_leave(void)
{
    static int (*const makes[])(en_stream_endpoint_t **, const en_stream_transport_t *,
                                const en_stream_protocol_t *, const en_endpoint_options_t *) = {
        en_stream_endpoint_new_receiver, en_stream_endpoint_new_sender, en_stream_endpoint_new};

    for (int i = 0; i < 3; i++) {
        en_stream_protocol_t *protocol = lines();
        en_stream_endpoint_t *endpoint = NULL;
        char buffer[8];
        size_t size = 77;
        thread_t thread;
        pair_t pair;

        secure_open(&pair, true);
        REQUIRE_OK(makes[i](&endpoint, pair.client.secure, protocol, NULL));
        thread_start(&thread, close_endpoint, endpoint);
        CHECK_OK(en_stream_transport_recv_into(pair.server.secure, buffer, 8, 20000, &size));
        CHECK_INT(size, 0);
        CHECK_OK(en_stream_transport_close(pair.server.secure));
        thread_join(&thread);
        en_stream_endpoint_free(endpoint);
        en_stream_protocol_free(protocol);
        pair_close(&pair);
    }
}

/* Others may go on with the transport. */
static void an_endpoint_that_is_freed_takes_no_leave(void)
{
    for (int on_loop = 0; on_loop < 2; on_loop++) {
        en_stream_protocol_t *protocol = lines();
        en_async_stream_endpoint_t *async = NULL;
        en_stream_endpoint_t *endpoint = NULL;
        en_loop_t *loop = NULL;
        pair_t pair;

        secure_open(&pair, false);
        REQUIRE_OK(en_loop_new(&loop));
        if (on_loop)
            REQUIRE_OK(
                en_async_stream_endpoint_new(&async, loop, pair.client.secure, protocol, NULL));
        else
            REQUIRE_OK(en_stream_endpoint_new(&endpoint, pair.client.secure, protocol, NULL));
        en_async_stream_endpoint_free(async);
        en_stream_endpoint_free(endpoint);
        en_loop_free(loop);
        check_both_ways(&pair);
        en_stream_protocol_free(protocol);
        pair_close(&pair);
    }
}

static const test_case_t cases[] = {
    CASE(one_direction_cannot_end_alone),
    CASE(both_say_their_end),
    CASE(closing_beside_a_sender_says_the_end),
    CASE(giving_up_the_second_of_two_alike_cuts_nothing),
    CASE(freeing_says_the_end),
    CASE(a_cut_is_told),
    CASE(an_end_that_is_not_asked_for),
    CASE(closing_waits_no_longer_than_it_may),
    CASE(closing_may_wait_for_nothing),
    CASE(a_cancelled_end_is_no_cut),
    CASE(closing_wakes),
    CASE(a_stapled_end_over_tls_is_no_cut),
    CASE(a_stapled_receiver_takes_leave),
    CASE(a_receiver_takes_leave),
    CASE(an_endpoint_that_is_freed_takes_no_leave),
};

TEST_MAIN("transport_tls_ends")
