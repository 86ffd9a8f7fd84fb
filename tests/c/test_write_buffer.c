/* Write buffering: when packets gather, and when they go out. */
#include "wire.h"

#include <unistd.h>

static char large[1 << 20];

static void open_with(wire_t *wire, size_t size)
{
    en_tcp_options_t *options = options_new();

    CHECK_OK(en_tcp_options_set_write_buffer(options, size));
    CHECK_OK(en_tcp_options_set_shutdown_timeout(options, 300));
    wire_open(wire, protocol_line(), options);
}

static void it_is_off_by_default(void)
{
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    CHECK_OK(send_text(wire.client, "at once"));
    peer_expect_text(wire.fd, "at once\n");
    CHECK_OK(en_tcp_client_flush(wire.client, 0)); /* nothing to do */
    wire_close(&wire);
}

static void packets_gather_until_the_flush(void)
{
    en_slice_t packets[] = {{"two", 3}, {"three", 5}};
    size_t sent = 0;
    wire_t wire;

    open_with(&wire, 4096);
    CHECK_OK(send_text(wire.client, "one"));
    CHECK_OK(en_tcp_client_send_packets(wire.client, packets, 2, 1000, &sent));
    CHECK_INT(sent, 2);
    CHECK_INT(wire_stats(&wire).send_calls, 0);
    CHECK_INT(wire_stats(&wire).packets_sent, 3);
    peer_expect_nothing(wire.fd);
    CHECK_OK(en_tcp_client_flush(wire.client, 1000));
    peer_expect_text(wire.fd, "one\ntwo\nthree\n");
    CHECK_INT(wire_stats(&wire).send_calls, 1);
    CHECK_OK(en_tcp_client_flush(wire.client, 1000));
    CHECK_INT(wire_stats(&wire).send_calls, 1);
    wire_close(&wire);
}

static void a_full_buffer_goes_out(void)
{
    char expected[32 * 8 + 1] = "";
    wire_t wire;

    open_with(&wire, 64);
    for (int i = 0; i < 32; i++) {
        CHECK_OK(send_text(wire.client, "7 bytes"));
        strcat(expected, "7 bytes\n");
    }
    CHECK(wire_stats(&wire).send_calls >= 3);
    CHECK(wire_stats(&wire).send_calls <= 8);
    CHECK_OK(en_tcp_client_flush(wire.client, 1000));
    peer_expect_text(wire.fd, expected);
    wire_close(&wire);
}

static void a_packet_larger_than_the_buffer_keeps_its_place(void)
{
    char packet[500];
    wire_t wire;

    memset(packet, 'x', sizeof(packet));
    open_with(&wire, 64);
    CHECK_OK(send_text(wire.client, "before"));
    CHECK_OK(en_tcp_client_send_packet(wire.client, packet, sizeof(packet), 1000));
    CHECK_OK(send_text(wire.client, "after"));
    CHECK_OK(en_tcp_client_flush(wire.client, 1000));
    peer_expect_text(wire.fd, "before\n");
    peer_expect(wire.fd, packet, sizeof(packet));
    peer_expect_text(wire.fd, "\nafter\n");
    wire_close(&wire);
}

static void the_end_brings_it_out(void)
{
    wire_t wire;

    open_with(&wire, 4096);
    CHECK_OK(send_text(wire.client, "last"));
    CHECK_OK(en_tcp_client_send_eof(wire.client, 1000));
    peer_expect_text(wire.fd, "last\n");
    peer_expect_end(wire.fd);
    CHECK_CODE(send_text(wire.client, "more"), EN_ESHUTDOWN);
    wire_close(&wire);
}

static void closing_brings_it_out(void)
{
    wire_t wire;

    open_with(&wire, 4096);
    CHECK_OK(send_text(wire.client, "last"));
    CHECK_OK(en_tcp_client_close(wire.client));
    peer_expect_text(wire.fd, "last\n");
    peer_expect_end(wire.fd);
    wire_close(&wire);
}

static void freeing_tries_once(void)
{
    wire_t wire;

    open_with(&wire, 4096);
    CHECK_OK(send_text(wire.client, "last"));
    en_tcp_client_free(wire.client);
    wire.client = NULL;
    peer_expect_text(wire.fd, "last\n");
    peer_expect_end(wire.fd);
    wire_close(&wire);
}

static void freeing_does_not_wait(void)
{
    int64_t start;
    wire_t wire;

    open_with(&wire, 4096);
    wire_narrow(&wire);
    wire_fill(&wire);
    CHECK_OK(send_text(wire.client, "lost"));
    start = now_ms();
    en_tcp_client_free(wire.client);
    CHECK_TOOK(start, 0);
    wire.client = NULL;
    wire_close(&wire);
}

static void aborting_drops_it(void)
{
    wire_t wire;

    open_with(&wire, 4096);
    CHECK_OK(send_text(wire.client, "lost"));
    CHECK_OK(en_tcp_client_abort(wire.client));
    CHECK_INT(peer_drain(wire.fd), 0);
    wire_close(&wire);
}

static void closing_waits_at_most_the_shutdown_timeout(void)
{
    int64_t start;
    wire_t wire;

    open_with(&wire, 4096);
    wire_narrow(&wire);
    wire_fill(&wire);
    CHECK_OK(send_text(wire.client, "stuck"));
    start = now_ms();
    CHECK_CODE(en_tcp_client_close(wire.client), EN_ETIMEDOUT);
    CHECK_TOOK(start, 300);
    CHECK_INT(en_tcp_client_is_closed(wire.client), 1);
    wire_close(&wire);
}

static void close_for_a_while(void *arg)
{
    CHECK_CODE(en_tcp_client_close(arg), EN_ETIMEDOUT);
}

static void others_do_not_wait_for_one_that_closes(void)
{
    en_tcp_options_t *options = options_new();
    int64_t start;
    thread_t thread;
    wire_t wire;

    CHECK_OK(en_tcp_options_set_write_buffer(options, 4096));
    CHECK_OK(en_tcp_options_set_shutdown_timeout(options, 2500));
    wire_open(&wire, protocol_line(), options);
    wire_narrow(&wire);
    wire_fill(&wire);
    CHECK_OK(send_text(wire.client, "stuck"));
    thread_start(&thread, close_for_a_while, wire.client);
    thread_wait_blocked(&thread);
    start = now_ms();
    CHECK_INT(en_tcp_client_is_closed(wire.client), 1);
    CHECK_RECV_FAILS(wire.client, EN_TIMEOUT_INFINITE, EN_ECLOSED);
    CHECK_CODE(send_text(wire.client, "more"), EN_ECLOSED);
    CHECK_CODE(en_tcp_client_flush(wire.client, EN_TIMEOUT_INFINITE), EN_ECLOSED);
    CHECK_OK(en_tcp_client_send_eof(wire.client, EN_TIMEOUT_INFINITE));
    CHECK_OK(en_tcp_client_close(wire.client));
    CHECK_TOOK(start, 0);
    thread_join(&thread);
    wire_close(&wire);
}

static void wait_to_receive(void *arg)
{
    en_packet_t packet = {0};

    CHECK_CODE(en_tcp_client_recv_packet(arg, EN_TIMEOUT_INFINITE, &packet), EN_ECLOSED);
}

static void closing_wakes_receivers_first(void)
{
    int64_t start;
    thread_t closer;
    thread_t receiver;
    en_tcp_options_t *options = options_new();
    wire_t wire;

    CHECK_OK(en_tcp_options_set_write_buffer(options, 4096));
    CHECK_OK(en_tcp_options_set_shutdown_timeout(options, 2500));
    wire_open(&wire, protocol_line(), options);
    wire_narrow(&wire);
    wire_fill(&wire);
    thread_start(&receiver, wait_to_receive, wire.client);
    thread_wait_blocked(&receiver);
    CHECK_OK(send_text(wire.client, "stuck"));
    start = now_ms();
    thread_start(&closer, close_for_a_while, wire.client);
    thread_join(&receiver);
    CHECK_TOOK(start, 0);
    thread_join(&closer);
    wire_close(&wire);
}

static void what_a_flush_cannot_send_stays(void)
{
    static const step_t steps[] = {{.what = STEP_DRAIN}};
    int64_t start;
    script_t script;
    wire_t wire;

    open_with(&wire, 1 << 20);
    wire_narrow(&wire);
    wire_fill(&wire);
    CHECK_OK(send_text(wire.client, "patient"));
    start = now_ms();
    CHECK_CODE(en_tcp_client_flush(wire.client, 120), EN_ETIMEDOUT);
    CHECK_TOOK(start, 120);
    CHECK_INT(wire_stats(&wire).bytes_sent, 0);
    CHECK_CODE(en_tcp_client_send_eof(wire.client, 50), EN_ETIMEDOUT);
    script_start(&script, wire.fd, steps, 1);
    CHECK_OK(en_tcp_client_flush(wire.client, 20000));
    CHECK_INT(wire_stats(&wire).bytes_sent, 8);
    CHECK_OK(en_tcp_client_send_eof(wire.client, 20000));
    script_join(&script);
    wire_close(&wire);
}

static void a_flush_that_stops_midway_goes_on_later(void)
{
    enum { LINES = 60, SIZE = 8000 };
    size_t total = 0;
    wire_t wire;

    open_with(&wire, sizeof(large));
    wire_narrow(&wire);
    memset(large, 'x', SIZE);
    for (int i = 0; i < LINES; i++)
        CHECK_OK(en_tcp_client_send_packet(wire.client, large, SIZE, 0));
    CHECK_CODE(en_tcp_client_flush(wire.client, 100), EN_ETIMEDOUT);
    while (total < (size_t)LINES * (SIZE + 1)) {
        char line[SIZE + 1];

        (void)en_tcp_client_flush(wire.client, 0);
        for (size_t filled = 0; filled < sizeof(line);) {
            ssize_t got = read(wire.fd, line + filled, sizeof(line) - filled);

            REQUIRE(got > 0);
            filled += (size_t)got;
            (void)en_tcp_client_flush(wire.client, 0);
        }
        REQUIRE(line[0] == 'x' && line[SIZE - 1] == 'x' && line[SIZE] == '\n');
        total += sizeof(line);
    }
    CHECK_OK(en_tcp_client_flush(wire.client, 1000));
    peer_expect_nothing(wire.fd);
    wire_close(&wire);
}

static void a_receive_that_waits_brings_it_out(void)
{
    static const step_t steps[] = {
        {.what = STEP_EXPECT, .data = "question\n", .size = 9},
        {.what = STEP_SEND, .data = "answer\nanother\n", .size = 15},
    };
    script_t script;
    wire_t wire;

    open_with(&wire, 4096);
    script_start(&script, wire.fd, steps, 2);
    CHECK_OK(send_text(wire.client, "question"));
    CHECK_RECV(wire.client, "answer");
    script_join(&script);
    CHECK_OK(send_text(wire.client, "more"));
    CHECK_RECV(wire.client, "another"); /* buffered: no wait, so nothing goes out */
    peer_expect_nothing(wire.fd);
    CHECK_RECV_FAILS(wire.client, 30, EN_ETIMEDOUT);
    peer_expect_text(wire.fd, "more\n");
    wire_close(&wire);
}

/* Also where it takes the peer several reads. */
static void a_receive_that_waits_brings_out_all_of_it(void)
{
    enum { LINES = 60, LINE = 8001 };
    step_t steps[] = {
        {.what = STEP_EXPECT, .data = large, .size = (size_t)LINES * LINE},
        {.what = STEP_SEND, .data = "answer\n", .size = 7},
    };
    script_t script;
    wire_t wire;

    open_with(&wire, sizeof(large));
    wire_narrow(&wire);
    memset(large, 'x', steps[0].size);
    for (int i = 0; i < LINES; i++) {
        large[(i + 1) * LINE - 1] = '\n';
        CHECK_OK(en_tcp_client_send_packet(wire.client, large + (size_t)i * LINE, LINE - 1, 0));
    }
    script_start(&script, wire.fd, steps, 2);
    CHECK_RECV(wire.client, "answer");
    script_join(&script);
    wire_close(&wire);
}

static void sizes_that_cannot_be(void)
{
    en_tcp_options_t *options = options_new();

    CHECK_OK(en_tcp_options_set_write_buffer(options, (size_t)1 << 30));
    CHECK_CODE(en_tcp_options_set_write_buffer(options, ((size_t)1 << 30) + 1), EN_EINVAL);
    CHECK_OK(en_tcp_options_set_write_buffer(options, 0));
    en_tcp_options_free(options);
}

static const test_case_t cases[] = {
    CASE(it_is_off_by_default),
    CASE(packets_gather_until_the_flush),
    CASE(a_full_buffer_goes_out),
    CASE(a_packet_larger_than_the_buffer_keeps_its_place),
    CASE(the_end_brings_it_out),
    CASE(closing_brings_it_out),
    CASE(freeing_tries_once),
    CASE(freeing_does_not_wait),
    CASE(aborting_drops_it),
    CASE(closing_waits_at_most_the_shutdown_timeout),
    CASE(others_do_not_wait_for_one_that_closes),
    CASE(closing_wakes_receivers_first),
    CASE(what_a_flush_cannot_send_stays),
    CASE(a_flush_that_stops_midway_goes_on_later),
    CASE(a_receive_that_waits_brings_it_out),
    CASE(a_receive_that_waits_brings_out_all_of_it),
    CASE(sizes_that_cannot_be),
};

TEST_MAIN("write_buffer")
