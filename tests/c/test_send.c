/* Sending: packets from one part and from many, failures, broken directions, the end. */
#include "wire.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static char large[8 << 20];

static en_slice_t slice(const char *text)
{
    return (en_slice_t){text, strlen(text)};
}

static void one_packet(void)
{
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    CHECK_OK(en_tcp_client_send_packet(wire.client, "hello", 5, EN_TIMEOUT_INFINITE));
    CHECK_OK(en_tcp_client_send_packet(wire.client, "now", 3, EN_TIMEOUT_NONE));
    CHECK_OK(en_tcp_client_send_packet(wire.client, NULL, 0, 1000));
    CHECK_OK(en_client_send_packet(en_tcp_client_as_client(wire.client), "view", 4, 1000));
    peer_expect_text(wire.fd, "hello\nnow\n\nview\n");
    CHECK_INT(wire_stats(&wire).send_calls, 4);
    CHECK_INT(wire_stats(&wire).packets_sent, 4);
    CHECK_INT(wire_stats(&wire).bytes_sent, 16);
    wire_close(&wire);
}

static void bad_arguments(void)
{
    wire_t wire;
    size_t sent = 77;

    wire_open(&wire, protocol_line(), NULL);
    CHECK_CODE(en_tcp_client_send_packet(wire.client, NULL, 5, 1000), EN_EINVAL);
    CHECK_CODE(en_tcp_client_send_packet(NULL, "x", 1, 1000), EN_EINVAL);
    CHECK_CODE(en_tcp_client_send_packet_slices(wire.client, NULL, 2, 1000), EN_EINVAL);
    CHECK_CODE(en_tcp_client_send_packets(wire.client, NULL, 2, 1000, &sent), EN_EINVAL);
    CHECK_INT(sent, 0);
    peer_expect_nothing(wire.fd);
    wire_close(&wire);
}

static void a_packet_of_no_bytes_sends_nothing(void)
{
    wire_t wire;

    wire_open(&wire, protocol_raw(), NULL);
    CHECK_OK(en_tcp_client_send_packet(wire.client, NULL, 0, EN_TIMEOUT_INFINITE));
    CHECK_OK(en_tcp_client_send_packet(wire.client, "", 0, 0));
    CHECK_INT(wire_stats(&wire).send_calls, 0);
    wire_close(&wire);
}

static void from_parts(void)
{
    en_slice_t parts[] = {slice("he"), {NULL, 0}, slice("ll"), slice("o")};
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    CHECK_OK(en_tcp_client_send_packet_slices(wire.client, parts, 4, 1000));
    CHECK_OK(en_tcp_client_send_packet_slices(wire.client, NULL, 0, 1000));
    peer_expect_text(wire.fd, "hello\n\n");
    CHECK_INT(wire_stats(&wire).send_calls, 2);
    wire_close(&wire);
}

static void from_more_parts_than_one_call_takes(void)
{
    enum { COUNT = 3000 };
    static en_slice_t parts[COUNT];
    static char bytes[COUNT];
    wire_t wire;

    for (size_t i = 0; i < COUNT; i++) {
        bytes[i] = (char)('a' + i % 26);
        parts[i] = (en_slice_t){&bytes[i], 1};
    }
    wire_open(&wire, protocol_raw(), NULL);
    CHECK_OK(en_tcp_client_send_packet_slices(wire.client, parts, COUNT, 1000));
    peer_expect(wire.fd, bytes, COUNT);
    wire_close(&wire);
}

static void many_packets_in_few_calls(void)
{
    enum { COUNT = 64 };
    en_slice_t packets[COUNT];
    char expected[COUNT * 4 + 1] = "";
    wire_t wire;
    size_t sent = 0;

    for (size_t i = 0; i < COUNT; i++) {
        packets[i] = slice("abc");
        strcat(expected, "abc\n");
    }
    wire_open(&wire, protocol_line(), NULL);
    CHECK_OK(en_tcp_client_send_packets(wire.client, packets, COUNT, 1000, &sent));
    CHECK_INT(sent, COUNT);
    peer_expect_text(wire.fd, expected);
    CHECK_INT(wire_stats(&wire).send_calls, 1);
    CHECK_INT(wire_stats(&wire).packets_sent, COUNT);
    CHECK_OK(en_tcp_client_send_packets(wire.client, NULL, 0, 1000, &sent));
    CHECK_INT(sent, 0);
    wire_close(&wire);
}

static void many_packets_stop_at_a_bad_one(void)
{
    en_slice_t packets[] = {slice("one"), slice("two"), slice("th\nree"), slice("four")};
    wire_t wire;
    size_t sent = 77;

    wire_open(&wire, protocol_line(), NULL);
    CHECK_CODE(en_tcp_client_send_packets(wire.client, packets, 4, 1000, &sent), EN_EINVAL);
    CHECK_INT(sent, 2);
    CHECK_OK(send_text(wire.client, "end"));
    peer_expect_text(wire.fd, "one\ntwo\nend\n");
    wire_close(&wire);
}

static void many_packets_say_how_many_went(void)
{
    enum { COUNT = 64, SIZE = 65536 };
    en_slice_t packets[COUNT];
    size_t sent = 0;
    size_t arrived;
    wire_t wire;

    for (size_t i = 0; i < COUNT; i++)
        packets[i] = (en_slice_t){large, SIZE};
    wire_open(&wire, protocol_raw(), NULL);
    wire_narrow(&wire);
    CHECK_CODE(en_tcp_client_send_packets(wire.client, packets, COUNT, 200, &sent), EN_ETIMEDOUT);
    CHECK(sent < COUNT);
    CHECK_INT(wire_stats(&wire).packets_sent, sent);
    CHECK_OK(en_tcp_client_close(wire.client));
    arrived = peer_drain(wire.fd);
    CHECK_INT(arrived / SIZE, sent);
    wire_close(&wire);
}

static void what_cannot_be_encoded_sends_nothing(void)
{
    en_slice_t parts[] = {slice("ab"), slice("c\nd")};
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    CHECK_CODE(send_text(wire.client, "a\nb"), EN_EINVAL);
    CHECK_MESSAGE("encode");
    CHECK_CODE(en_tcp_client_send_packet_slices(wire.client, parts, 2, 1000), EN_EINVAL);
    CHECK_INT(wire_stats(&wire).send_calls, 0);
    CHECK_OK(send_text(wire.client, "good"));
    peer_expect_text(wire.fd, "good\n");
    wire_close(&wire);
}

static void timed_out_without_a_byte_is_as_before(void)
{
    wire_t wire;
    size_t filled;
    int64_t start;
    step_t steps[] = {{.what = STEP_DRAIN}};
    script_t script;

    wire_open(&wire, protocol_line(), NULL);
    wire_narrow(&wire);
    filled = wire_fill(&wire);
    start = now_ms();
    CHECK_CODE(en_tcp_client_send_packet(wire.client, "late", 4, 150), EN_ETIMEDOUT);
    CHECK_TOOK(start, 150);
    CHECK_MESSAGE("send");
    CHECK_CODE(en_tcp_client_send_packet(wire.client, "late", 4, 0), EN_ETIMEDOUT);
    CHECK_INT(wire_stats(&wire).bytes_sent, 0);
    CHECK(filled > 0);
    script_start(&script, wire.fd, steps, 1);
    CHECK_OK(send_text(wire.client, "in time"));
    CHECK_OK(en_tcp_client_close(wire.client));
    script_join(&script);
    wire_close(&wire);
}

static void timed_out_within_a_packet_breaks_the_sending_half(void)
{
    wire_t wire;
    int64_t start;

    wire_open(&wire, protocol_raw(), NULL);
    wire_narrow(&wire);
    start = now_ms();
    CHECK_CODE(en_tcp_client_send_packet(wire.client, large, sizeof(large), 200), EN_ETIMEDOUT);
    CHECK_TOOK(start, 200);
    CHECK_CODE(send_text(wire.client, "more"), EN_EPIPE);
    CHECK_MESSAGE("stopped after");
    CHECK_MESSAGE("time-out of the"); /* why */
    CHECK_CODE(send_text(wire.client, "more"), EN_EPIPE);
    peer_send_text(wire.fd, "still here");
    CHECK_RECV(wire.client, "still here");
    CHECK_INT(en_tcp_client_is_closed(wire.client), 0);
    wire_close(&wire);
}

static void a_large_packet_to_a_slow_reader(void)
{
    static const step_t steps[] = {{.what = STEP_DRAIN}};
    en_tcp_client_t *client;
    script_t script;
    wire_t wire;

    wire_open(&wire, protocol_raw(), NULL);
    client = wire.client;
    script_start(&script, wire.fd, steps, 1);
    CHECK_OK(en_tcp_client_send_packet(client, large, sizeof(large), EN_TIMEOUT_INFINITE));
    CHECK_INT(wire_stats(&wire).bytes_sent, sizeof(large));
    CHECK_OK(en_tcp_client_close(client));
    script_join(&script);
    wire_close(&wire);
}

static void after_the_end_there_is_no_sending(void)
{
    en_slice_t parts[] = {slice("mo"), slice("re")};
    en_slice_t bad[] = {slice("a\nb"), slice("c")};
    size_t sent = 77;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    CHECK_OK(send_text(wire.client, "last"));
    CHECK_OK(en_tcp_client_send_eof(wire.client, 1000));
    peer_expect_text(wire.fd, "last\n");
    peer_expect_end(wire.fd);
    CHECK_CODE(send_text(wire.client, "more"), EN_ESHUTDOWN);
    CHECK_CODE(en_tcp_client_send_packet_slices(wire.client, parts, 2, 1000), EN_ESHUTDOWN);
    CHECK_CODE(en_tcp_client_send_packets(wire.client, parts, 2, 1000, &sent), EN_ESHUTDOWN);
    CHECK_INT(sent, 0);
    /* Nor would a better packet go. */
    CHECK_CODE(send_text(wire.client, "a\nb"), EN_ESHUTDOWN);
    CHECK_CODE(en_tcp_client_send_packet_slices(wire.client, bad, 2, 1000), EN_ESHUTDOWN);
    CHECK_CODE(en_tcp_client_send_packets(wire.client, bad, 2, 1000, &sent), EN_ESHUTDOWN);
    CHECK_INT(sent, 0);
    CHECK_OK(en_tcp_client_send_eof(wire.client, 1000));
    peer_send_text(wire.fd, "answer\n");
    CHECK_RECV(wire.client, "answer");
    CHECK_OK(en_tcp_client_close(wire.client));
    CHECK_CODE(send_text(wire.client, "more"), EN_ECLOSED);
    CHECK_OK(en_tcp_client_send_eof(wire.client, 1000));
    wire_close(&wire);
}

static void the_end_on_a_connection_that_is_down(void)
{
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    wire_reset_peer(&wire);
    wire_wait_arrived(&wire);
    CHECK_OK(en_tcp_client_send_eof(wire.client, 1000));
    wire_close(&wire);
}

/* What was told to be sent, and cannot be any more, is told of. On a loop it has gone at the end of
 * a turn. */
static void the_end_behind_what_is_lost(void)
{
    en_tcp_options_t *options = options_new();
    wire_t wire;
    int rc;

    CHECK_OK(en_tcp_options_set_write_buffer(options, 4096));
    wire_open(&wire, protocol_line(), options);
    CHECK_OK(send_text(wire.client, "put aside"));
    wire_reset_peer(&wire);
    wire_wait_arrived(&wire);
    rc = en_tcp_client_send_eof(wire.client, 1000);
    CHECK(rc == EN_EPIPE || rc == EN_ECONNRESET);
    wire_close(&wire);
}

static void no_signal_when_the_peer_is_gone(void)
{
    struct sigaction action;
    wire_t wire;
    int rc;

    REQUIRE(sigaction(SIGPIPE, NULL, &action) == 0);
    CHECK(action.sa_handler == SIG_DFL);
    wire_open(&wire, protocol_line(), NULL);
    wire_reset_peer(&wire);
    wire_wait_arrived(&wire);
    for (int i = 0; i < 3; i++) {
        rc = send_text(wire.client, "anybody?");
        CHECK(rc == EN_EPIPE || rc == EN_ECONNRESET);
        CHECK_INT(en_error_is_connection(rc), 1);
    }
    wire_close(&wire);
}

static void an_error_that_sending_met_is_not_lost_for_receiving(void)
{
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    peer_send_text(wire.fd, "data\n");
    wire_wait_arrived(&wire);
    wire_reset_peer(&wire);
    WAIT_FOR(send_text(wire.client, "anybody?") < 0);
    CHECK_RECV(wire.client, "data");
    CHECK_RECV_FAILS(wire.client, 1000, EN_ECONNRESET);
    CHECK_RECV_FAILS(wire.client, 1000, EN_ECONNRESET);
    wire_close(&wire);
}

typedef struct {
    en_tcp_client_t *client;
    char letter;
    size_t count;
} sender_t;

static void send_many(void *arg)
{
    sender_t *sender = arg;
    char packet[1000];

    memset(packet, sender->letter, sizeof(packet));
    for (size_t i = 0; i < sender->count; i++)
        CHECK_OK(
            en_tcp_client_send_packet(sender->client, packet, sizeof(packet), EN_TIMEOUT_INFINITE));
}

static void packets_of_many_threads_stay_whole(void)
{
    enum { THREADS = 4, COUNT = 200, SIZE = 1001 };
    size_t total = (size_t)THREADS * COUNT * SIZE;
    char *got = malloc(total);
    sender_t senders[THREADS];
    thread_t threads[THREADS];
    size_t filled = 0;
    wire_t wire;
    bool whole = true;

    wire_open(&wire, protocol_line(), NULL);
    wire_narrow(&wire);
    for (int i = 0; i < THREADS; i++) {
        senders[i] = (sender_t){wire.client, (char)('a' + i), COUNT};
        thread_start(&threads[i], send_many, &senders[i]);
    }
    while (filled < total) {
        ssize_t some = read(wire.fd, got + filled, total - filled);

        REQUIRE(some > 0);
        filled += (size_t)some;
    }
    for (int i = 0; i < THREADS; i++)
        thread_join(&threads[i]);
    for (size_t i = 0; i < total; i++)
        whole = whole && got[i] == (i % SIZE == SIZE - 1 ? '\n' : got[i - i % SIZE]);
    CHECK(whole);
    free(got);
    wire_close(&wire);
}

static const test_case_t cases[] = {
    CASE(one_packet),
    CASE(bad_arguments),
    CASE(a_packet_of_no_bytes_sends_nothing),
    CASE(from_parts),
    CASE(from_more_parts_than_one_call_takes),
    CASE(many_packets_in_few_calls),
    CASE_BLOCKING(many_packets_stop_at_a_bad_one),
    CASE(many_packets_say_how_many_went),
    CASE(what_cannot_be_encoded_sends_nothing),
    CASE(timed_out_without_a_byte_is_as_before),
    CASE(timed_out_within_a_packet_breaks_the_sending_half),
    CASE(a_large_packet_to_a_slow_reader),
    CASE(after_the_end_there_is_no_sending),
    CASE(the_end_on_a_connection_that_is_down),
    CASE_BLOCKING(the_end_behind_what_is_lost),
    CASE(no_signal_when_the_peer_is_gone),
    CASE(an_error_that_sending_met_is_not_lost_for_receiving),
    CASE(packets_of_many_threads_stay_whole),
};

TEST_MAIN("send")
