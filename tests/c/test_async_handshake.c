/* Endpoints on a loop over TLS whose handshake has yet to be done: they do it themselves. */
#include "async_low.h"
#include "low_tls.h"

#include <poll.h>
#include <stdio.h>
#include <unistd.h>

static int ready(en_async_stream_endpoint_t *endpoint, int64_t timeout_ms, op_t *op)
{
    memset(op, 0, sizeof(*op));
    return en_async_stream_endpoint_wait_connected(endpoint, timeout_ms, op_done, op, NULL);
}

/* Both sides on one loop: if one waited for the other, neither would go on. */
static void check_both(pair_t *pair)
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

static void it_comes_before_all_else(void)
{
    pair_t pair;

    for (int pipes = 0; pipes < 2; pipes++) {
        pair_begin_over(&pair, pipes);
        check_both(&pair);
        pair_close(&pair);
    }
    pair_of_trickles(&pair);
    pair_begin(&pair);
    check_both(&pair);
    pair_close(&pair);
}

/* TLS over TLS, with nobody who waits for either. */
static void one_within_the_other(void)
{
    pair_t outer;
    pair_t inner = {0};

    secure_open(&outer, false);
    inner.client.inner = outer.client.secure;
    inner.server.inner = outer.server.secure;
    pair_begin(&inner);
    check_both(&inner);
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

static void all_learn_why_it_failed(void)
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

/* The one that shakes hands closes the transport of the other, which is to be told why; so is who
 * ends it. */
static void all_of_one_transport_learn_why_it_failed(void)
{
    en_loop_t *loops[] = {loop_new(), loop_new()};
    en_async_stream_endpoint_t *clients[2];
    char buffer[8];
    thread_t thread;
    size_t size;
    op_t got[2];
    pair_t pair;

    pair_of_sockets(&pair);
    pair.client.name = "another.example";
    pair_begin(&pair);
    for (int i = 0; i < 2; i++) {
        clients[i] = endpoint_over(loops[i], pair.client.secure);
        CHECK_OK(endpoint_get(clients[i], 20000, &got[i]));
        op_still_waits(loops[i], &got[i]);
    }
    thread_start(&thread, side_goes_on, &pair.server);
    for (int i = 0; i < 2; i++) {
        op_t ended = {0};

        op_wait(loops[i], &got[i]);
        op_checks(&got[i], EN_ETLS_NAME_MISMATCH, "another.example");
        CHECK_OK(en_async_stream_endpoint_send_eof(clients[i], 20000, op_done, &ended, NULL));
        op_wait(loops[i], &ended);
        op_checks(&ended, EN_ETLS_NAME_MISMATCH, "another.example");
    }
    CHECK_CODE(en_stream_transport_recv_into(pair.client.secure, buffer, 8, 0, &size),
               EN_ETLS_NAME_MISMATCH);
    CHECK_CODE(en_stream_transport_handshake(pair.client.secure, 0), EN_ETLS_NAME_MISMATCH);
    thread_join(&thread);
    for (int i = 0; i < 2; i++) {
        op_t ended = {0};

        CHECK_OK(en_async_stream_endpoint_close(clients[i], 20000, NULL, NULL, NULL));
        CHECK_OK(en_async_stream_endpoint_send_eof(clients[i], 20000, op_done, &ended, NULL));
        op_wait(loops[i], &ended);
        CHECK_OP(&ended, EN_OK);
        en_async_stream_endpoint_free(clients[i]);
        en_loop_free(loops[i]);
    }
    pair_close(&pair);
}

/* Also where closing leaves the descriptor open. */
static void what_failed_is_watched_no_more(void)
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

static void another_thread_may_do_it(void)
{
    en_loop_t *loop = loop_new();
    en_async_stream_endpoint_t *client;
    thread_t threads[2];
    op_t is_ready;
    pair_t pair;

    pair_begin_over(&pair, false);
    thread_start(&threads[0], side_goes_on, &pair.client);
    thread_wait_blocked(&threads[0]);
    client = endpoint_over(loop, pair.client.secure);
    CHECK_OK(ready(client, 20000, &is_ready));
    op_still_waits(loop, &is_ready);
    thread_start(&threads[1], side_goes_on, &pair.server);
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

static void it_has_its_time(void)
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

static void it_can_be_given_up(void)
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

/* What waits to be sent waits for the handshake, too; nothing else is told to go on. */
static void closing_sends_what_waits(void)
{
    en_loop_t *loop = loop_new();
    en_async_stream_endpoint_t *client;
    op_t sent, got, closed = {0};
    char rest[8];
    size_t size = 77;
    thread_t thread;
    pair_t pair;

    pair_begin_over(&pair, false);
    client = endpoint_over(loop, pair.client.secure);
    CHECK_OK(endpoint_put(client, "last", &sent));
    CHECK_OK(endpoint_get(client, 20000, &got));
    CHECK_OK(en_async_stream_endpoint_close(client, 20000, op_done, &closed, NULL));
    op_wait(loop, &got);
    CHECK_OP(&got, EN_ECLOSED);
    op_still_waits(loop, &closed);
    thread_start(&thread, side_goes_on, &pair.server);
    op_wait(loop, &sent);
    CHECK_OP(&sent, EN_OK);
    thread_join(&thread);
    CHECK_OK(pair.server.rc);
    CHECK_GOT(pair.server.secure, "last\n");
    /* The end, and no cut. */
    CHECK_OK(en_stream_transport_recv_into(pair.server.secure, rest, sizeof(rest), 20000, &size));
    CHECK_INT(size, 0);
    CHECK_OK(en_stream_transport_close(pair.server.inner));
    op_wait(loop, &closed);
    CHECK_OP(&closed, EN_OK);
    en_async_stream_endpoint_free(client);
    en_loop_free(loop);
    pair_close(&pair);
}

/* However it becomes abrupt. */
static void closing_has_its_time(void)
{
    for (int cancels = 0; cancels < 2; cancels++) {
        en_loop_t *loop = loop_new();
        en_async_stream_endpoint_t *client;
        op_t sent, closed = {0};
        pair_t pair;

        pair_begin_over(&pair, false);
        client = endpoint_over(loop, pair.client.secure);
        CHECK_OK(endpoint_put(client, "last", &sent));
        CHECK_OK(en_async_stream_endpoint_close(client, cancels ? 20000 : 30, op_done, &closed,
                                                &closed.operation));
        if (cancels) {
            op_still_waits(loop, &closed);
            en_loop_cancel(loop, closed.operation);
        }
        op_wait(loop, &closed);
        CHECK_OP(&closed, cancels ? EN_ECANCELED : EN_ETIMEDOUT);
        CHECK_HAS(closed.message, "handshake is not over");
        CHECK_OP(&sent, EN_ECLOSED);
        CHECK_INT(en_stream_transport_is_closed(pair.client.secure), 1);
        en_async_stream_endpoint_free(client);
        en_loop_free(loop);
        pair_close(&pair);
    }
}

/* An endpoint shakes hands in both directions, whichever its own is. */
static void check_one_direction(pair_t *pair)
{
    en_loop_t *loop = loop_new();
    en_stream_protocol_t *protocol = lines();
    en_async_stream_endpoint_t *receiver, *sender;
    op_t sent, got;

    REQUIRE_OK(en_async_stream_endpoint_new_receiver(&receiver, loop, pair->client.secure, protocol,
                                                     NULL));
    REQUIRE_OK(
        en_async_stream_endpoint_new_sender(&sender, loop, pair->server.secure, protocol, NULL));
    CHECK_OK(endpoint_get(receiver, 20000, &got));
    CHECK_OK(endpoint_put(sender, "one way", &sent));
    op_wait(loop, &got);
    CHECK_BYTES(got.data, got.size, "one way", 7);
    CHECK_OP(&sent, EN_OK);
    en_async_stream_endpoint_free(receiver);
    en_async_stream_endpoint_free(sender);
    en_stream_protocol_free(protocol);
    en_loop_free(loop);
    pair_close(pair);
}

static void one_direction_is_enough(void)
{
    pair_t pair;

    pair_begin_over(&pair, false);
    check_one_direction(&pair);
    pair_of_trickles(&pair);
    pair_begin(&pair);
    check_one_direction(&pair);
}

typedef struct {
    int calls;
    int status;
    char data[16];
} started_t;

static int on_packet(int status, en_packet_t *packet, void *user_data)
{
    started_t *started = user_data;

    started->calls++;
    started->status = status;
    if (packet) {
        snprintf(started->data, sizeof(started->data), "%.*s", (int)packet->size,
                 (const char *)packet->data);
        en_packet_release(packet);
    }
    return 1;
}

/* A receive that is started before goes on behind it, or is told why there is nothing. */
static void a_started_receive_waits_for_it(void)
{
    for (int fails = 0; fails < 2; fails++) {
        en_loop_t *loop = loop_new();
        en_async_stream_endpoint_t *client, *server;
        started_t started = {0};
        op_t sent;
        pair_t pair;

        pair_of_sockets(&pair);
        pair.client.name = fails ? "another.example" : NULL;
        pair_begin(&pair);
        client = endpoint_over(loop, pair.client.secure);
        server = endpoint_over(loop, pair.server.secure);
        CHECK_OK(en_async_stream_endpoint_recv_start(client, on_packet, &started, NULL));
        CHECK_OK(endpoint_put(server, "welcome", &sent));
        while (started.calls == 0)
            REQUIRE_OK(en_loop_run_once(loop, 1000));
        CHECK_CODE(started.status, fails ? EN_ETLS_NAME_MISMATCH : EN_OK);
        CHECK_TEXT(started.data, fails ? "" : "welcome");
        en_async_stream_endpoint_free(client);
        en_async_stream_endpoint_free(server);
        CHECK_INT(started.calls, fails ? 1 : 2);
        CHECK_CODE(started.status, fails ? EN_ETLS_NAME_MISMATCH : EN_ECANCELED);
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
    CASE(it_comes_before_all_else),
    CASE(one_within_the_other),
    CASE(all_learn_why_it_failed),
    CASE(all_of_one_transport_learn_why_it_failed),
    CASE(what_failed_is_watched_no_more),
    CASE(another_thread_may_do_it),
    CASE(it_has_its_time),
    CASE(it_can_be_given_up),
    CASE(closing_sends_what_waits),
    CASE(closing_has_its_time),
    CASE(one_direction_is_enough),
    CASE(a_started_receive_waits_for_it),
    CASE(after_a_plain_beginning),
};

TEST_MAIN("async_handshake")
