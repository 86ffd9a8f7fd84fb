/* Receiving: what is buffered, time-outs, the ways a stream ends, and the forms of the call. */
#include "wire.h"

#include <stdlib.h>

static void what_is_buffered_comes_without_a_system_call(void)
{
    wire_t wire;
    uint64_t calls;

    wire_open(&wire, protocol_line(), NULL);
    peer_send_text(wire.fd, "one\ntwo\n\nfour\n");
    CHECK_RECV(wire.client, "one");
    calls = wire_stats(&wire).recv_calls;
    CHECK_RECV(wire.client, "two");
    wire_close_peer(&wire);
    wire_wait_arrived(&wire);
    CHECK_RECV(wire.client, ""); /* also after the peer has gone */
    CHECK_RECV(wire.client, "four");
    CHECK_INT(wire_stats(&wire).recv_calls, calls);
    CHECK_INT(wire_stats(&wire).packets_received, 4);
    CHECK_INT(wire_stats(&wire).bytes_received, 14);
    CHECK_RECV_FAILS(wire.client, 1000, EN_ECONNABORTED);
    wire_close(&wire);
}

static void without_time(void)
{
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    CHECK_RECV_FAILS(wire.client, 0, EN_ETIMEDOUT);
    peer_send_text(wire.fd, "one\ntwo\n");
    wire_wait_arrived(&wire);
    for (int i = 0; i < 2; i++) {
        en_packet_t packet = {0};

        CHECK_OK(en_tcp_client_recv_packet(wire.client, 0, &packet));
        CHECK_BYTES(packet.data, packet.size, i ? "two" : "one", 3);
        en_packet_release(&packet);
    }
    CHECK_RECV_FAILS(wire.client, 0, EN_ETIMEDOUT);
    wire_close(&wire);
}

static void part_of_a_packet_survives_a_timeout(void)
{
    int64_t start;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    peer_send_text(wire.fd, "hal");
    wire_wait_arrived(&wire);
    start = now_ms();
    CHECK_RECV_FAILS(wire.client, 120, EN_ETIMEDOUT);
    CHECK_TOOK(start, 120);
    CHECK_MESSAGE("receive");
    peer_send_text(wire.fd, "f\n");
    CHECK_RECV(wire.client, "half");
    wire_close(&wire);
}

static void bytes_that_trickle_in(void)
{
    static const step_t steps[] = {
        {.what = STEP_SEND_SLOWLY, .data = "slow\nbut steady\n", .size = 16, .ms = 10}};
    script_t script;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    script_start(&script, wire.fd, steps, 1);
    CHECK_RECV(wire.client, "slow");
    CHECK_RECV(wire.client, "but steady");
    script_join(&script);
    wire_close(&wire);
}

static void a_peer_that_sends_for_ever_does_not_move_the_deadline(void)
{
    static char dots[200];
    step_t steps[] = {{.what = STEP_SEND_SLOWLY, .data = dots, .size = sizeof(dots), .ms = 5}};
    script_t script;
    int64_t start;
    wire_t wire;

    memset(dots, '.', sizeof(dots));
    wire_open(&wire, protocol_line(), NULL);
    script_start(&script, wire.fd, steps, 1);
    start = now_ms();
    CHECK_RECV_FAILS(wire.client, 300, EN_ETIMEDOUT);
    CHECK_TOOK(start, 300);
    script_join(&script);
    wire_close(&wire);
}

static void the_end_of_the_stream(void)
{
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    peer_send_text(wire.fd, "last\n");
    peer_end(wire.fd);
    CHECK_RECV(wire.client, "last");
    CHECK_RECV_FAILS(wire.client, EN_TIMEOUT_INFINITE, EN_ECONNABORTED);
    CHECK_MESSAGE("receive");
    CHECK_MESSAGE("127.0.0.1");
    CHECK_RECV_FAILS(wire.client, 0, EN_ECONNABORTED);
    CHECK_INT(en_tcp_client_is_closed(wire.client), 0);
    CHECK_OK(send_text(wire.client, "sending goes on"));
    peer_expect_text(wire.fd, "sending goes on\n");
    wire_close(&wire);
}

static void the_end_within_a_packet(void)
{
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    peer_send_text(wire.fd, "whole\nhal");
    peer_end(wire.fd);
    CHECK_RECV(wire.client, "whole");
    for (int i = 0; i < 3; i++)
        CHECK_RECV_FAILS(wire.client, i * 100 - 1, EN_ETRUNCATED);
    CHECK_OK(send_text(wire.client, "sending goes on"));
    peer_expect_text(wire.fd, "sending goes on\n");
    wire_close(&wire);
}

static void data_comes_before_the_reset(void)
{
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    peer_send_text(wire.fd, "one\ntwo\nthr");
    wire_wait_arrived(&wire);
    wire_reset_peer(&wire);
    CHECK_RECV(wire.client, "one");
    CHECK_RECV(wire.client, "two");
    CHECK_RECV_FAILS(wire.client, 1000, EN_ECONNRESET);
    CHECK_RECV_FAILS(wire.client, 1000, EN_ECONNRESET);
    CHECK_CODE(send_text(wire.client, "late"), EN_EPIPE);
    CHECK_MESSAGE("the sending direction is broken: connection reset by the peer");
    wire_close(&wire);
}

static void data_comes_before_the_reset_with_small_receives(void)
{
    en_tcp_options_t *options = options_new();
    wire_t wire;

    CHECK_OK(en_tcp_options_set_max_recv_size(options, 4));
    wire_open(&wire, protocol_line(), options);
    peer_send_text(wire.fd, "one\ntwo\n");
    wire_wait_arrived(&wire);
    wire_reset_peer(&wire);
    CHECK_RECV(wire.client, "one");
    CHECK_RECV(wire.client, "two");
    CHECK_RECV_FAILS(wire.client, 1000, EN_ECONNRESET);
    wire_close(&wire);
}

static void into_a_buffer(void)
{
    char buffer[8] = "";
    size_t size = 77;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    CHECK_CODE(en_tcp_client_recv_packet_into(wire.client, buffer, 8, 0, &size), EN_ETIMEDOUT);
    CHECK_INT(size, 0);
    peer_send_text(wire.fd, "exactly8\nmore than 8\n\n");
    CHECK_OK(en_tcp_client_recv_packet_into(wire.client, buffer, 8, 1000, &size));
    CHECK_BYTES(buffer, size, "exactly8", 8);
    for (size_t room = 0; room <= 8; room += 4) {
        CHECK_CODE(
            en_tcp_client_recv_packet_into(wire.client, room ? buffer : NULL, room, 1000, &size),
            EN_EMSGSIZE);
        CHECK_INT(size, 11);
    }
    CHECK_BYTES(buffer, 8, "exactly8", 8);
    CHECK_INT(en_tcp_client_has_buffered(wire.client), 1);
    CHECK_RECV(wire.client, "more than 8");
    CHECK_OK(en_tcp_client_recv_packet_into(wire.client, NULL, 0, 1000, &size));
    CHECK_INT(size, 0);
    CHECK_CODE(en_tcp_client_recv_packet_into(wire.client, NULL, 5, 1000, &size), EN_EINVAL);
    CHECK_CODE(en_tcp_client_recv_packet_into(wire.client, buffer, 5, 1000, NULL), EN_EINVAL);
    wire_close(&wire);
}

static void a_packet_that_waits_is_counted_once(void)
{
    char buffer[4];
    size_t size = 0;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    peer_send_text(wire.fd, "long enough\n");
    CHECK_CODE(en_tcp_client_recv_packet_into(wire.client, buffer, 4, 1000, &size), EN_EMSGSIZE);
    CHECK_RECV(wire.client, "long enough");
    CHECK_INT(wire_stats(&wire).packets_received, 1);
    wire_close(&wire);
}

static void several_at_once(void)
{
    static const char *texts[] = {"one", "two", "three"};
    en_packet_t packets[8] = {0};
    size_t count = 77;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    CHECK_CODE(en_tcp_client_recv_packets(wire.client, packets, 8, 0, &count), EN_ETIMEDOUT);
    CHECK_INT(count, 0);
    peer_send_text(wire.fd, "one\ntwo\nthree\nfou");
    CHECK_OK(en_tcp_client_recv_packets(wire.client, packets, 2, 1000, &count));
    REQUIRE(count == 2);
    CHECK_OK(en_tcp_client_recv_packets(wire.client, packets + 2, 6, 1000, &count));
    REQUIRE(count == 1);
    for (int i = 0; i < 3; i++) {
        CHECK_BYTES(packets[i].data, packets[i].size, texts[i], strlen(texts[i]));
        en_packet_release(&packets[i]);
    }
    CHECK_CODE(en_tcp_client_recv_packets(wire.client, packets, 8, 50, &count), EN_ETIMEDOUT);
    CHECK_CODE(en_tcp_client_recv_packets(wire.client, NULL, 8, 50, &count), EN_EINVAL);
    CHECK_CODE(en_tcp_client_recv_packets(wire.client, packets, 8, 50, NULL), EN_EINVAL);
    wire_close(&wire);
}

static void an_error_behind_packets_is_for_the_next_call(void)
{
    en_packet_t packets[8] = {0};
    size_t count = 0;
    wire_t wire;

    wire_open(&wire, protocol_json(), NULL);
    peer_send_text(wire.fd, "1 2 nonsense\n3\n");
    CHECK_OK(en_tcp_client_recv_packets(wire.client, packets, 8, 1000, &count));
    CHECK_INT(count, 2);
    for (size_t i = 0; i < count; i++)
        en_packet_release(&packets[i]);
    CHECK_CODE(en_tcp_client_recv_packets(wire.client, packets, 8, 1000, &count), EN_EBADMSG);
    CHECK_INT(count, 0);
    CHECK_OK(en_tcp_client_recv_packets(wire.client, packets, 8, 1000, &count));
    CHECK_INT(count, 1);
    CHECK_BYTES(packets[0].data, packets[0].size, "3", 1);
    en_packet_release(&packets[0]);
    wire_close(&wire);
}

static void has_buffered(void)
{
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    CHECK_INT(en_tcp_client_has_buffered(wire.client), 0);
    peer_send_text(wire.fd, "one\ntwo\nthr");
    CHECK_RECV(wire.client, "one");
    CHECK_INT(en_tcp_client_has_buffered(wire.client), 1);
    CHECK_RECV(wire.client, "two");
    CHECK_INT(en_tcp_client_has_buffered(wire.client), 0); /* half a packet needs the system */
    peer_end(wire.fd);
    CHECK_RECV_FAILS(wire.client, 1000, EN_ETRUNCATED);
    CHECK_INT(en_tcp_client_has_buffered(wire.client), 1); /* the end is known */
    CHECK_OK(en_tcp_client_close(wire.client));
    CHECK_CODE(en_tcp_client_has_buffered(wire.client), EN_ECLOSED);
    wire_close(&wire);
}

static void a_large_packet(void)
{
    size_t size = 3 << 20;
    char *data = malloc(size);
    step_t steps[] = {{.what = STEP_SEND, .data = data, .size = size}};
    script_t script;
    wire_t wire;

    memset(data, 'x', size);
    data[size - 1] = '\n';
    wire_open(&wire, protocol_line(), NULL);
    script_start(&script, wire.fd, steps, 1);
    CHECK_RECV_BYTES(wire.client, data, size - 1);
    script_join(&script);
    wire_close(&wire);
    free(data);
}

static void the_receive_size_is_what_is_asked_for(void)
{
    en_tcp_options_t *options = options_new();
    size_t size = 0;
    wire_t wire;

    CHECK_CODE(en_tcp_options_set_max_recv_size(options, ((size_t)1 << 30) + 1), EN_EINVAL);
    CHECK_OK(en_tcp_options_set_max_recv_size(options, (size_t)1 << 30));
    CHECK_OK(en_tcp_options_set_max_recv_size(options, 1));
    wire_open(&wire, protocol_line(), options);
    CHECK_OK(en_tcp_client_max_recv_size(wire.client, &size));
    CHECK_INT(size, 1);
    peer_send_text(wire.fd, "byte by byte\n");
    CHECK_RECV(wire.client, "byte by byte");
    CHECK(wire_stats(&wire).recv_calls >= 13);
    CHECK_OK(en_tcp_client_max_recv_size(wire.client, &size));
    CHECK_INT(size, 1);
    wire_close(&wire);
}

static void the_receive_size_may_grow_if_unset(void)
{
    size_t size = 0;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    CHECK_OK(en_tcp_client_max_recv_size(wire.client, &size));
    CHECK_INT(size, 16384);
    wire_close(&wire);
}

static void busy_polling_finds_the_same(void)
{
    static const step_t steps[] = {
        {.what = STEP_SEND_SLOWLY, .data = "one\ntwo\n", .size = 8, .ms = 15}};
    en_tcp_options_t *options = options_new();
    script_t script;
    int64_t start;
    wire_t wire;

    CHECK_CODE(en_tcp_options_set_busy_poll(options, 1000001), EN_EINVAL);
    CHECK_OK(en_tcp_options_set_busy_poll(options, 5000));
    wire_open(&wire, protocol_line(), options);
    script_start(&script, wire.fd, steps, 1);
    CHECK_RECV(wire.client, "one");
    CHECK_RECV(wire.client, "two");
    script_join(&script);
    start = now_ms();
    CHECK_RECV_FAILS(wire.client, 100, EN_ETIMEDOUT);
    CHECK_TOOK(start, 100);
    wire_close(&wire);
}

typedef struct {
    en_tcp_client_t *client;
    atomic_int *seen;
} receiver_t;

static void receive_many(void *arg)
{
    receiver_t *receiver = arg;
    en_packet_t packet = {0};
    int rc;

    while ((rc = en_tcp_client_recv_packet(receiver->client, EN_TIMEOUT_INFINITE, &packet)) ==
           EN_OK) {
        char text[16] = "";

        memcpy(text, packet.data, packet.size < 15 ? packet.size : 15);
        atomic_fetch_add(&receiver->seen[atoi(text)], 1);
        en_packet_release(&packet);
    }
    CHECK_CODE(rc, EN_ECONNABORTED);
}

static void each_packet_goes_to_one_of_many_threads(void)
{
    enum { THREADS = 4, COUNT = 500 };
    static atomic_int seen[COUNT];
    thread_t threads[THREADS];
    receiver_t receiver;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    receiver = (receiver_t){wire.client, seen};
    for (int i = 0; i < THREADS; i++)
        thread_start(&threads[i], receive_many, &receiver);
    for (int i = 0; i < COUNT; i++) {
        char text[16];

        snprintf(text, sizeof(text), "%d\n", i);
        peer_send_text(wire.fd, text);
    }
    peer_end(wire.fd);
    for (int i = 0; i < THREADS; i++)
        thread_join(&threads[i]);
    for (int i = 0; i < COUNT; i++)
        CHECK_INT(atomic_load(&seen[i]), 1);
    wire_close(&wire);
}

static void receiving_does_not_hold_up_sending(void)
{
    thread_t thread;
    receiver_t receiver;
    atomic_int seen[1] = {0};
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    receiver = (receiver_t){wire.client, seen};
    thread_start(&thread, receive_many, &receiver);
    thread_wait_blocked(&thread);
    CHECK_OK(en_tcp_client_send_packet(wire.client, "out", 3, 0));
    peer_expect_text(wire.fd, "out\n");
    CHECK_INT(en_tcp_client_has_buffered(wire.client), 0); /* never waits */
    CHECK_INT(en_tcp_client_is_closed(wire.client), 0);
    CHECK(en_tcp_client_fileno(wire.client) >= 0);
    CHECK_INT(wire_stats(&wire).packets_sent, 1);
    CHECK_OK(en_tcp_client_set_option(wire.client, EN_OPTION_NODELAY, 0));
    peer_end(wire.fd);
    thread_join(&thread);
    wire_close(&wire);
}

static const test_case_t cases[] = {
    CASE(what_is_buffered_comes_without_a_system_call),
    CASE(without_time),
    CASE(part_of_a_packet_survives_a_timeout),
    CASE(bytes_that_trickle_in),
    CASE(a_peer_that_sends_for_ever_does_not_move_the_deadline),
    CASE(the_end_of_the_stream),
    CASE(the_end_within_a_packet),
    CASE(data_comes_before_the_reset),
    CASE(data_comes_before_the_reset_with_small_receives),
    CASE_BLOCKING(into_a_buffer),
    CASE_BLOCKING(a_packet_that_waits_is_counted_once),
    CASE_BLOCKING(several_at_once),
    CASE_BLOCKING(an_error_behind_packets_is_for_the_next_call),
    CASE_BLOCKING(has_buffered),
    CASE(a_large_packet),
    CASE_BLOCKING(the_receive_size_is_what_is_asked_for),
    CASE_BLOCKING(the_receive_size_may_grow_if_unset),
    CASE(busy_polling_finds_the_same),
    CASE(each_packet_goes_to_one_of_many_threads),
    CASE_BLOCKING(receiving_does_not_hold_up_sending),
};

TEST_MAIN("recv")
