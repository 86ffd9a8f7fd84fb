/* Closing, aborting and freeing while other threads are inside. */
#include "wire.h"

#include <fcntl.h>

enum { THREADS = 6 };

typedef struct {
    en_tcp_client_t *client;
    atomic_int codes[THREADS];
    atomic_int next;
} crowd_t;

static void wait_in_recv(void *arg)
{
    crowd_t *crowd = arg;
    en_packet_t packet = {0};
    int rc = en_tcp_client_recv_packet(crowd->client, EN_TIMEOUT_INFINITE, &packet);

    atomic_store(&crowd->codes[atomic_fetch_add(&crowd->next, 1)], rc);
}

static void wait_in_send(void *arg)
{
    static char large[4 << 20];
    crowd_t *crowd = arg;
    int rc = en_tcp_client_send_packet(crowd->client, large, sizeof(large), EN_TIMEOUT_INFINITE);

    atomic_store(&crowd->codes[atomic_fetch_add(&crowd->next, 1)], rc);
}

static void end_by_close(en_tcp_client_t *client)
{
    CHECK_OK(en_tcp_client_close(client));
}

static void end_by_abort(en_tcp_client_t *client)
{
    CHECK_OK(en_tcp_client_abort(client));
}

static void end_by_reset(en_tcp_client_t *client)
{
    CHECK_OK(en_tcp_client_set_option(client, EN_OPTION_LINGER, 0));
    CHECK_OK(en_tcp_client_close(client));
}

static void end_by_view(en_tcp_client_t *client)
{
    CHECK_OK(en_client_close(en_tcp_client_as_client(client)));
}

/* Half of the threads wait in one call, half in the other; the end wakes all at once. */
static void check_waking(void (*end)(en_tcp_client_t *), bool freed)
{
    thread_t threads[THREADS];
    crowd_t crowd = {0};
    int64_t start;
    wire_t wire;

    wire_open(&wire, protocol_raw(), NULL);
    wire_narrow(&wire);
    crowd.client = wire.client;
    for (int i = 0; i < THREADS; i++)
        thread_start(&threads[i], i % 2 ? wait_in_send : wait_in_recv, &crowd);
    for (int i = 0; i < THREADS; i++)
        thread_wait_blocked(&threads[i]);
    start = now_ms();
    end(wire.client);
    for (int i = 0; i < THREADS; i++)
        thread_join(&threads[i]);
    CHECK_TOOK(start, 0);
    for (int i = 0; i < THREADS; i++)
        CHECK_CODE(atomic_load(&crowd.codes[i]), EN_ECLOSED);
    if (freed)
        wire.client = NULL;
    wire_close(&wire);
}

static void close_wakes_all(void)
{
    check_waking(end_by_close, false);
}

static void a_reset_wakes_all(void)
{
    check_waking(end_by_reset, false);
}

static void closing_the_view_wakes_all(void)
{
    check_waking(end_by_view, false);
}

static void abort_wakes_all(void)
{
    check_waking(end_by_abort, false);
}

static void free_wakes_all_and_waits_for_them(void)
{
    check_waking(en_tcp_client_free, true);
}

static void everything_answers_closed(void)
{
    en_slice_t slice = {"x", 1};
    en_packet_t packets[2];
    char buffer[8];
    size_t size = 8;
    int64_t value;
    wire_t wire;
    int fd;

    wire_open(&wire, protocol_line(), NULL);
    peer_send_text(wire.fd, "one\ntwo\n");
    CHECK_RECV(wire.client, "one");
    fd = en_tcp_client_fileno(wire.client);
    CHECK_OK(en_tcp_client_close(wire.client));
    CHECK_OK(en_tcp_client_close(wire.client));
    CHECK_OK(en_tcp_client_abort(wire.client));
    CHECK(fcntl(fd, F_GETFD) < 0);
    CHECK_INT(en_tcp_client_is_closed(wire.client), 1);
    CHECK_INT(en_tcp_client_fileno(wire.client), -1);
    CHECK_CODE(send_text(wire.client, "x"), EN_ECLOSED);
    CHECK_MESSAGE("127.0.0.1");
    CHECK_CODE(en_tcp_client_send_packets(wire.client, &slice, 1, 0, &size), EN_ECLOSED);
    CHECK_INT(size, 0);
    CHECK_CODE(en_tcp_client_flush(wire.client, 0), EN_ECLOSED);
    CHECK_OK(en_tcp_client_send_eof(wire.client, 0));
    CHECK_RECV_FAILS(wire.client, EN_TIMEOUT_INFINITE, EN_ECLOSED);
    CHECK_CODE(en_tcp_client_recv_packet_into(wire.client, buffer, 8, -1, &size), EN_ECLOSED);
    CHECK_CODE(en_tcp_client_recv_packets(wire.client, packets, 2, -1, &size), EN_ECLOSED);
    CHECK_CODE(en_tcp_client_get_option(wire.client, EN_OPTION_NODELAY, &value), EN_ECLOSED);
    CHECK_CODE(en_tcp_client_set_option(wire.client, EN_OPTION_NODELAY, 1), EN_ECLOSED);
    CHECK_INT(wire_stats(&wire).packets_received, 1);
    wire_close(&wire);
}

static void the_peer_sees_the_end(void)
{
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    CHECK_OK(send_text(wire.client, "last words"));
    CHECK_OK(en_tcp_client_close(wire.client));
    peer_expect_text(wire.fd, "last words\n");
    peer_expect_end(wire.fd);
    wire_close(&wire);
}

static void close_waits_for_nobody_stuck(void)
{
    thread_t threads[2];
    crowd_t crowd = {0};
    int64_t start;
    wire_t wire;

    wire_open(&wire, protocol_raw(), NULL);
    wire_narrow(&wire);
    crowd.client = wire.client;
    thread_start(&threads[0], wait_in_send, &crowd);
    thread_start(&threads[1], wait_in_recv, &crowd);
    thread_wait_blocked(&threads[0]);
    thread_wait_blocked(&threads[1]);
    start = now_ms();
    CHECK_OK(en_tcp_client_close(wire.client));
    CHECK_TOOK(start, 0);
    thread_join(&threads[0]);
    thread_join(&threads[1]);
    wire_close(&wire);
}

typedef struct {
    en_tcp_client_t *client;
} traffic_t;

static void send_until_closed(void *arg)
{
    traffic_t *traffic = arg;
    int rc;

    while ((rc = en_tcp_client_send_packet(traffic->client, "traffic", 7, EN_TIMEOUT_INFINITE)) ==
           EN_OK)
        ;
    CHECK_CODE(rc, EN_ECLOSED);
}

static void receive_until_closed(void *arg)
{
    traffic_t *traffic = arg;
    en_packet_t packet;
    int rc;

    while ((rc = en_tcp_client_recv_packet(traffic->client, EN_TIMEOUT_INFINITE, &packet)) ==
           EN_OK) {
        CHECK_BYTES(packet.data, packet.size, "traffic", 7);
        en_packet_release(&packet);
    }
    CHECK_CODE(rc, EN_ECLOSED);
}

/* Many times over: traffic in both directions, and a close in the midst of it. */
static void close_in_the_midst_of_traffic(void)
{
    static const step_t steps[] = {{.what = STEP_ECHO}};

    for (int round = 0; round < 40; round++) {
        thread_t threads[4];
        traffic_t traffic = {0};
        script_t script;
        wire_t wire;

        wire_open(&wire, protocol_line(), NULL);
        traffic.client = wire.client;
        script_start(&script, wire.fd, steps, 1);
        for (int i = 0; i < 4; i++)
            thread_start(&threads[i], i % 2 ? send_until_closed : receive_until_closed, &traffic);
        WAIT_FOR(wire_stats(&wire).packets_received > (uint64_t)round);
        if (round % 2)
            CHECK_OK(en_tcp_client_close(wire.client));
        else
            CHECK_OK(en_tcp_client_abort(wire.client));
        for (int i = 0; i < 4; i++)
            thread_join(&threads[i]);
        script_join(&script);
        wire_close(&wire);
    }
}

static void close_it(void *arg)
{
    CHECK_OK(en_tcp_client_close(arg));
}

static void closed_by_many_threads(void)
{
    thread_t threads[THREADS];
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    for (int i = 0; i < THREADS; i++)
        thread_start(&threads[i], close_it, wire.client);
    for (int i = 0; i < THREADS; i++)
        thread_join(&threads[i]);
    CHECK_INT(en_tcp_client_is_closed(wire.client), 1);
    wire_close(&wire);
}

static void free_accepts_null(void)
{
    en_tcp_client_free(NULL);
    en_tcp_options_free(NULL);
    en_stream_protocol_free(NULL);
    en_address_free(NULL);
    en_cancel_free(NULL);
    en_packet_iter_free(NULL);
    en_packet_release(NULL);
}

static const test_case_t cases[] = {
    CASE(close_wakes_all),
    CASE(a_reset_wakes_all),
    CASE(closing_the_view_wakes_all),
    CASE(abort_wakes_all),
    CASE(free_wakes_all_and_waits_for_them),
    CASE_BLOCKING(everything_answers_closed),
    CASE(the_peer_sees_the_end),
    CASE(close_waits_for_nobody_stuck),
    CASE(close_in_the_midst_of_traffic),
    CASE(closed_by_many_threads),
    CASE(free_accepts_null),
};

TEST_MAIN("close_threads")
