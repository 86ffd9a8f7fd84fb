/* TLS over transports whose handshake nobody waits for: step by step, by a later call, or on a
 * loop. */
#include "async_low.h"
#include "low_tls.h"

#include <poll.h>
#include <unistd.h>

/* A side with a transport that has yet to shake hands. */
static void side_begin(side_t *side)
{
    side->rc = en_stream_transport_new_tls_noblock(&side->secure, side->inner, side->config,
                                                   side->name, side->options);
    REQUIRE_OK(side->rc);
}

/* Both, as a client and a server; configurations and options end with it. */
static void pair_begin(pair_t *pair)
{
    if (!pair->client.config)
        pair->client.config = tls_client_config(tls_trusting());
    pair->server.config = tls_server_config(tls_identity("good"));
    if (!pair->client.name)
        pair->client.name = "127.0.0.1";
    side_begin(&pair->client);
    side_begin(&pair->server);
    en_tls_config_free(pair->client.config);
    en_tls_config_free(pair->server.config);
    en_transport_options_free(pair->client.options);
    en_transport_options_free(pair->server.options);
}

static void pair_begin_over(pair_t *pair, bool pipes)
{
    if (pipes)
        pair_of_pipes(pair);
    else
        pair_of_sockets(pair);
    pair_begin(pair);
}

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

static void shake_hands(void *arg)
{
    side_t *side = arg;

    side->rc = en_stream_transport_handshake(side->secure, -1);
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
    thread_start(&thread, shake_hands, &pair.server);
    CHECK_OK(en_stream_transport_handshake(pair.client.secure, 20000));
    thread_join(&thread);
    CHECK_OK(pair.server.rc);
    check_both_ways(&pair);
    pair_close(&pair);
}

static void closing_wakes_it(void)
{
    thread_t thread;
    char buffer[8];
    size_t size;
    pair_t pair;

    pair_begin_over(&pair, false);
    thread_start(&thread, shake_hands, &pair.client);
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
    thread_start(&thread, shake_hands, &pair.server);
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

static int ready(en_async_stream_endpoint_t *endpoint, int64_t timeout_ms, op_t *op)
{
    memset(op, 0, sizeof(*op));
    return en_async_stream_endpoint_wait_connected(endpoint, timeout_ms, op_done, op, NULL);
}

/* Both sides on one loop: if one waited for the other, neither would go on. */
static void check_on_a_loop(pair_t *pair)
{
    en_loop_t *loop = loop_new();
    en_async_stream_endpoint_t *client = endpoint_over(loop, pair->client.secure);
    en_async_stream_endpoint_t *server = endpoint_over(loop, pair->server.secure);
    en_tls_info_t *info = NULL;
    op_t asked, answered, got, sent, is_ready;

    /* Who asks before does not wait for the handshake himself. */
    CHECK_CODE(en_async_stream_endpoint_get_tls_info(client, &info), EN_ENOTCONN);
    CHECK_OK(endpoint_put(client, "early", &sent));
    CHECK_OK(endpoint_get(client, 20000, &answered));
    CHECK_OK(endpoint_get(server, 20000, &asked));
    CHECK_OK(ready(client, 20000, &is_ready));
    op_wait(loop, &is_ready);
    CHECK_OP(&is_ready, EN_OK);
    op_wait(loop, &sent);
    CHECK_OP(&sent, EN_OK);
    op_wait(loop, &asked);
    CHECK_OP(&asked, EN_OK);
    CHECK_BYTES(asked.data, asked.size, "early", 5);
    CHECK_OK(endpoint_put(server, "answer", &sent));
    op_wait(loop, &answered);
    CHECK_BYTES(answered.data, answered.size, "answer", 6);
    for (int i = 0; i < 20; i++) {
        CHECK_OK(endpoint_get(server, 20000, &got));
        CHECK_OK(endpoint_put(client, "more", &sent));
        op_wait(loop, &got);
        CHECK_BYTES(got.data, got.size, "more", 4);
    }
    CHECK_OK(ready(server, 0, &is_ready));
    op_wait(loop, &is_ready);
    CHECK_OP(&is_ready, EN_OK);
    CHECK_OK(en_async_stream_endpoint_get_tls_info(client, &info));
    CHECK_TEXT(en_tls_info_verified_name(info), "127.0.0.1");
    en_tls_info_free(info);
    en_async_stream_endpoint_free(client);
    en_async_stream_endpoint_free(server);
    en_loop_free(loop);
}

static void on_a_loop(void)
{
    pair_t pair;

    for (int pipes = 0; pipes < 2; pipes++) {
        pair_begin_over(&pair, pipes);
        check_on_a_loop(&pair);
        pair_close(&pair);
    }
    pair_of_trickles(&pair);
    pair_begin(&pair);
    check_on_a_loop(&pair);
    pair_close(&pair);
}

/* TLS over TLS, with nobody who waits for either. */
static void one_within_the_other_on_a_loop(void)
{
    pair_t outer;
    pair_t inner = {0};

    secure_open(&outer, false);
    inner.client.inner = outer.client.secure;
    inner.server.inner = outer.server.secure;
    pair_begin(&inner);
    check_on_a_loop(&inner);
    /* Without grace: nobody would answer. */
    CHECK_OK(en_stream_transport_close(outer.client.inner));
    CHECK_OK(en_stream_transport_close(outer.server.inner));
    pair_close(&inner);
    en_stream_transport_free(outer.client.inner);
    en_stream_transport_free(outer.server.inner);
}

static void op_checks(op_t *op, int code, const char *text)
{
    CHECK_OP(op, code);
    CHECK_HAS(op->message, text);
}

static void on_a_loop_all_learn_why_it_failed(void)
{
    en_loop_t *loop = loop_new();
    en_async_stream_endpoint_t *client, *server;
    op_t sent, got, later, answered;
    pair_t pair;

    pair_of_sockets(&pair);
    pair.client.name = "another.example";
    pair_begin(&pair);
    client = endpoint_over(loop, pair.client.secure);
    server = endpoint_over(loop, pair.server.secure);
    CHECK_OK(endpoint_put(client, "x", &sent));
    CHECK_OK(endpoint_get(client, 20000, &got));
    CHECK_OK(endpoint_get(server, 20000, &answered));
    op_wait(loop, &got);
    op_checks(&got, EN_ETLS_NAME_MISMATCH, "another.example");
    op_wait(loop, &sent);
    op_checks(&sent, EN_ETLS_NAME_MISMATCH, "handshake");
    CHECK_OK(endpoint_get(client, 20000, &later));
    op_wait(loop, &later);
    op_checks(&later, EN_ETLS_NAME_MISMATCH, "another.example");
    CHECK_INT(en_stream_transport_is_closed(pair.client.secure), 1);
    CHECK_INT(en_async_stream_endpoint_fileno(client), -1);
    CHECK_INT(en_async_stream_endpoint_is_closing(client), 1);
    op_wait(loop, &answered);
    CHECK(answered.status < 0);
    en_async_stream_endpoint_free(client);
    en_async_stream_endpoint_free(server);
    en_loop_free(loop);
    pair_close(&pair);
}

/* Also where closing leaves the descriptor open. */
static void on_a_loop_what_failed_is_watched_no_more(void)
{
    en_loop_t *loop = loop_new();
    struct pollfd turn = {.fd = en_loop_fd(loop), .events = POLLIN};
    en_async_stream_endpoint_t *client;
    op_t got;
    pair_t pair;

    pair_of_pipes(&pair);
    pair.client.receives.keeps = true;
    pair_begin(&pair);
    en_stream_transport_free(pair.server.secure);
    pair.server.secure = NULL;
    CHECK_OK(put_bytes(pair.server.inner, "not TLS"));
    client = endpoint_over(loop, pair.client.secure);
    CHECK_OK(endpoint_get(client, 20000, &got));
    op_wait(loop, &got);
    CHECK_OP(&got, EN_ETLS_PROTOCOL);
    en_async_stream_endpoint_free(client);
    REQUIRE_OK(en_loop_run_once(loop, 0));
    CHECK_OK(put_bytes(pair.server.inner, "more"));
    CHECK_INT(poll(&turn, 1, 0), 0);
    en_loop_free(loop);
    pair_close(&pair);
    close(pair.client.receives.in);
}

static void on_a_loop_while_another_thread_does_it(void)
{
    en_loop_t *loop = loop_new();
    en_async_stream_endpoint_t *client;
    thread_t threads[2];
    op_t is_ready;
    pair_t pair;

    pair_begin_over(&pair, false);
    thread_start(&threads[0], shake_hands, &pair.client);
    thread_wait_blocked(&threads[0]);
    client = endpoint_over(loop, pair.client.secure);
    CHECK_OK(ready(client, 20000, &is_ready));
    op_still_waits(loop, &is_ready);
    thread_start(&threads[1], shake_hands, &pair.server);
    op_wait(loop, &is_ready);
    CHECK_OP(&is_ready, EN_OK);
    thread_join(&threads[0]);
    CHECK_OK(pair.client.rc);
    en_async_stream_endpoint_free(client);
    en_loop_free(loop);
    CHECK_OK(en_stream_transport_close(pair.client.inner));
    thread_join(&threads[1]);
    pair_close(&pair);
}

static void on_a_loop_it_has_its_time(void)
{
    en_loop_t *loop = loop_new();
    en_async_stream_endpoint_t *client;
    op_t got, is_ready;
    int64_t start;
    pair_t pair;

    pair_of_sockets(&pair);
    pair.client.options = transport_options();
    CHECK_OK(en_transport_options_set_handshake_timeout(pair.client.options, 150));
    pair_begin(&pair);
    start = now_ms();
    client = endpoint_over(loop, pair.client.secure);
    CHECK_OK(ready(client, 20, &is_ready));
    CHECK_OK(endpoint_get(client, 20000, &got));
    op_wait(loop, &is_ready);
    op_checks(&is_ready, EN_ETIMEDOUT, "handshake is not over");
    op_wait(loop, &got);
    CHECK_TOOK(start, 150);
    op_checks(&got, EN_ETIMEDOUT, "in the midst of the TLS handshake");
    en_async_stream_endpoint_free(client);
    en_loop_free(loop);
    pair_close(&pair);
}

static void on_a_loop_it_can_be_given_up(void)
{
    for (int closes = 0; closes < 2; closes++) {
        en_loop_t *loop = loop_new();
        en_async_stream_endpoint_t *client;
        op_t got, closed = {0};
        pair_t pair;

        pair_begin_over(&pair, false);
        client = endpoint_over(loop, pair.client.secure);
        CHECK_OK(endpoint_get(client, 20000, &got));
        op_still_waits(loop, &got);
        if (closes) {
            CHECK_OK(en_async_stream_endpoint_close(client, 20000, op_done, &closed, NULL));
            op_wait(loop, &closed);
            CHECK_OP(&closed, EN_OK);
            CHECK_OP(&got, EN_ECLOSED);
        }
        en_async_stream_endpoint_free(client);
        CHECK_OP(&got, closes ? EN_ECLOSED : EN_ECANCELED);
        CHECK_INT(en_stream_transport_is_closed(pair.client.secure), closes);
        en_loop_free(loop);
        pair_close(&pair);
    }
}

/* What begins plain and goes on with TLS, over one transport and on one loop. */
typedef struct {
    en_loop_t *loop;
    pair_t pair;
    en_async_stream_endpoint_t *plain;
    en_async_stream_endpoint_t *secure;
    op_t got;
} upgrade_t;

static void upgrade(int status, en_packet_t *packet, void *user_data)
{
    upgrade_t *work = user_data;

    REQUIRE_OK(status);
    CHECK_BYTES(packet->data, packet->size, "go ahead", 8);
    en_packet_release(packet);
    en_async_stream_endpoint_free(work->plain);
    side_begin(&work->pair.client);
    work->secure = endpoint_over(work->loop, work->pair.client.secure);
    CHECK_OK(endpoint_get(work->secure, 20000, &work->got));
}

static void after_a_plain_beginning(void)
{
    upgrade_t work = {.loop = loop_new()};
    pair_t *pair = &work.pair;
    thread_t thread;

    pair_of_sockets(pair);
    pair->client.config = tls_client_config(tls_trusting());
    pair->client.name = "127.0.0.1";
    pair->server.config = tls_server_config(tls_identity("good"));
    work.plain = endpoint_over(work.loop, pair->client.inner);
    CHECK_OK(en_async_stream_endpoint_recv_packet(work.plain, 20000, upgrade, &work, NULL));
    CHECK_OK(put_bytes(pair->server.inner, "go ahead\n"));
    thread_start(&thread, side_shake_hands, &pair->server);
    while (!atomic_load(&thread.done))
        REQUIRE_OK(en_loop_run_once(work.loop, 5));
    thread_join(&thread);
    CHECK_TEXT(pair->server.message, "");
    CHECK_OK(put_bytes(pair->server.secure, "welcome\n"));
    op_wait(work.loop, &work.got);
    CHECK_OP(&work.got, EN_OK);
    CHECK_BYTES(work.got.data, work.got.size, "welcome", 7);
    en_async_stream_endpoint_free(work.secure);
    en_loop_free(work.loop);
    en_tls_config_free(pair->client.config);
    en_tls_config_free(pair->server.config);
    pair_close(pair);
}

static const test_case_t cases[] = {
    CASE(step_by_step),
    CASE(before_it_nothing_goes),
    CASE(before_it_what_is_put_aside_stays),
    CASE(a_call_that_gave_up_goes_on),
    CASE(closing_wakes_it),
    CASE(a_handshake_that_fails_says_why),
    CASE(on_a_loop),
    CASE(one_within_the_other_on_a_loop),
    CASE(on_a_loop_all_learn_why_it_failed),
    CASE(on_a_loop_what_failed_is_watched_no_more),
    CASE(on_a_loop_while_another_thread_does_it),
    CASE(on_a_loop_it_has_its_time),
    CASE(on_a_loop_it_can_be_given_up),
    CASE(after_a_plain_beginning),
};

TEST_MAIN("transport_handshake")
