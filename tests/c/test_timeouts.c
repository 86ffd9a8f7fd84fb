/* Time-outs: exact, over the whole call, and deaf to signals. */
#include "wire.h"

#include <fcntl.h>
#include <unistd.h>

static char large[4 << 20];

static void check_recv_takes(en_tcp_client_t *client, int64_t ms)
{
    int64_t start = now_ms();

    CHECK_RECV_FAILS(client, ms, EN_ETIMEDOUT);
    CHECK_TOOK(start, ms);
}

static void receiving_is_exact(void)
{
    static const int64_t times[] = {0, 1, 5, 12, 50, 333, 1000};
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
        check_recv_takes(wire.client, times[i]);
    wire_close(&wire);
}

/* The kernel's own time-outs are coarse at this length. The best of some tries counts, so that a
 * busy machine does not matter. */
static void check_exact(en_tcp_client_t *client, int64_t ms)
{
    enum { FEW = 12 };
    int64_t best = INT64_MAX;

    for (int i = 0; i < 4 && best > ms + FEW; i++) {
        int64_t start = now_ms();
        int64_t took;

        CHECK_RECV_FAILS(client, ms, EN_ETIMEDOUT);
        took = now_ms() - start;
        CHECK(took >= ms - 2);
        best = took < best ? took : best;
    }
    CHECK(best <= ms + FEW);
}

static void exact_to_a_few_milliseconds(void)
{
    en_stream_protocol_t *protocol = protocol_line();
    en_tcp_client_t *given = NULL;
    wire_t wire;
    int fd;

    wire_open(&wire, protocol_line(), NULL);
    check_exact(wire.client, 2200);
    fd = dup(en_tcp_client_fileno(wire.client));
    REQUIRE_OK(en_tcp_client_from_fd(&given, fd, protocol, NULL));
    check_exact(given, 1000);
    CHECK(fcntl(fd, F_SETFL, O_NONBLOCK) == 0); /* it is one open file */
    check_exact(wire.client, 1000);
    en_stream_protocol_free(protocol);
    en_tcp_client_free(given);
    wire_close(&wire);
}

static void sending_is_exact(void)
{
    static const int64_t times[] = {0, 1, 50, 333};
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    wire_narrow(&wire);
    wire_fill(&wire);
    for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
        int64_t start = now_ms();

        CHECK_CODE(en_tcp_client_send_packet(wire.client, "x", 1, times[i]), EN_ETIMEDOUT);
        CHECK_TOOK(start, times[i]);
    }
    wire_close(&wire);
}

static void another_timeout_each_time(void)
{
    static const step_t steps[] = {
        {.what = STEP_SEND_SLOWLY, .data = "a\nb\n", .size = 4, .ms = 40}};
    script_t script;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    check_recv_takes(wire.client, 100);
    check_recv_takes(wire.client, 20);
    script_start(&script, wire.fd, steps, 1);
    CHECK_RECV(wire.client, "a"); /* none of the former ones is left behind */
    CHECK_RECV(wire.client, "b");
    script_join(&script);
    check_recv_takes(wire.client, 200);
    wire_close(&wire);
}

static void wait_in_recv(void *arg)
{
    en_packet_t packet = {0};

    CHECK_CODE(en_tcp_client_recv_packet(arg, EN_TIMEOUT_INFINITE, &packet), EN_ECLOSED);
}

static void wait_in_send(void *arg)
{
    CHECK_CODE(en_tcp_client_send_packet(arg, large, sizeof(large), EN_TIMEOUT_INFINITE),
               EN_ECLOSED);
}

static void waiting_for_the_other_receiver_counts(void)
{
    thread_t thread;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    thread_start(&thread, wait_in_recv, wire.client);
    thread_wait_blocked(&thread);
    check_recv_takes(wire.client, 0);
    check_recv_takes(wire.client, 200);
    CHECK_OK(en_tcp_client_close(wire.client));
    thread_join(&thread);
    wire_close(&wire);
}

static void waiting_for_the_other_sender_counts(void)
{
    int64_t start;
    thread_t thread;
    wire_t wire;

    wire_open(&wire, protocol_raw(), NULL);
    wire_narrow(&wire);
    thread_start(&thread, wait_in_send, wire.client);
    thread_wait_blocked(&thread);
    start = now_ms();
    CHECK_CODE(en_tcp_client_send_packet(wire.client, "x", 1, 0), EN_ETIMEDOUT);
    CHECK_TOOK(start, 0);
    start = now_ms();
    CHECK_CODE(en_tcp_client_send_packet(wire.client, "x", 1, 200), EN_ETIMEDOUT);
    CHECK_TOOK(start, 200);
    start = now_ms();
    CHECK_CODE(en_tcp_client_send_eof(wire.client, 150), EN_ETIMEDOUT);
    CHECK_TOOK(start, 150);
    CHECK_OK(en_tcp_client_close(wire.client));
    thread_join(&thread);
    wire_close(&wire);
}

static void signals_do_not_end_a_receive(void)
{
    static const step_t steps[] = {
        {.what = STEP_SEND_SLOWLY, .data = "late\n", .size = 5, .ms = 60}};
    script_t script;
    storm_t storm;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    storm_start(&storm, pthread_self());
    check_recv_takes(wire.client, 300);
    check_recv_takes(wire.client, 30);
    script_start(&script, wire.fd, steps, 1);
    CHECK_RECV(wire.client, "late");
    script_join(&script);
    script_start(&script, wire.fd, steps, 1);
    {
        en_packet_t packet = {0};

        CHECK_OK(en_tcp_client_recv_packet(wire.client, EN_TIMEOUT_INFINITE, &packet));
        en_packet_release(&packet);
    }
    CHECK(storm_stop(&storm) > 3);
    script_join(&script);
    wire_close(&wire);
}

static void signals_do_not_end_a_send(void)
{
    gate_t gate = {0};
    step_t steps[] = {{.what = STEP_WAIT, .gate = &gate}, {.what = STEP_DRAIN}};
    int64_t start;
    script_t script;
    storm_t storm;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    wire_narrow(&wire);
    wire_fill(&wire);
    storm_start(&storm, pthread_self());
    start = now_ms();
    CHECK_CODE(en_tcp_client_send_packet(wire.client, "x", 1, 300), EN_ETIMEDOUT);
    CHECK_TOOK(start, 300);
    script_start(&script, wire.fd, steps, 2);
    gate_open(&gate);
    CHECK_OK(en_tcp_client_send_packet(wire.client, large, 200000, EN_TIMEOUT_INFINITE));
    CHECK_OK(en_tcp_client_close(wire.client));
    script_join(&script);
    CHECK(storm_stop(&storm) > 3);
    wire_close(&wire);
}

static void signals_do_not_end_a_connect(void)
{
    en_stream_protocol_t *protocol = protocol_line();
    en_tcp_options_t *options = options_new();
    en_tcp_client_t *client = NULL;
    silent_peer_t silent;
    int64_t start;
    storm_t storm;

    silent_peer_open(&silent, "127.0.0.1");
    CHECK_OK(en_tcp_options_set_connect_timeout(options, 400));
    storm_start(&storm, pthread_self());
    start = now_ms();
    CHECK_CODE(
        en_tcp_client_connect(&client, "127.0.0.1", peer_port(silent.listener), protocol, options),
        EN_ETIMEDOUT);
    CHECK_TOOK(start, 400);
    CHECK(storm_stop(&storm) > 3);
    silent_peer_close(&silent);
    en_stream_protocol_free(protocol);
    en_tcp_options_free(options);
}

static void signals_do_not_end_waiting_for_a_lock(void)
{
    thread_t thread;
    storm_t storm;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    thread_start(&thread, wait_in_recv, wire.client);
    thread_wait_blocked(&thread);
    storm_start(&storm, pthread_self());
    check_recv_takes(wire.client, 250);
    CHECK(storm_stop(&storm) > 3);
    CHECK_OK(en_tcp_client_close(wire.client));
    thread_join(&thread);
    wire_close(&wire);
}

static void times_beyond_all_bounds(void)
{
    static const step_t steps[] = {{.what = STEP_SEND_SLOWLY, .data = "x\n", .size = 2, .ms = 30}};
    static const int64_t times[] = {INT64_MAX, INT64_MAX / 1000, INT64_MIN, -7};
    script_t script;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    for (size_t i = 0; i < 4; i++) {
        en_packet_t packet = {0};

        script_start(&script, wire.fd, steps, 1);
        CHECK_OK(en_tcp_client_recv_packet(wire.client, times[i], &packet));
        en_packet_release(&packet);
        CHECK_OK(en_tcp_client_send_packet(wire.client, "x", 1, times[i]));
        script_join(&script);
    }
    wire_close(&wire);
}

#define DECODE_MS 150

/* Each byte is a packet, but 's', which takes longer than the time-out of the call, and is none. */
static int decode_slowly(const uint8_t *data, size_t size, int end, size_t *used,
                         en_slice_t *packet, void *state, void *user_data)
{
    (void)size, (void)end, (void)state, (void)user_data;
    if (data[0] == 's') {
        pause_ms(DECODE_MS);
        return EN_DECODE_MORE;
    }
    *used = 1;
    *packet = (en_slice_t){data, 1};
    return EN_DECODE_PACKET;
}

static int encode_nothing(const en_slice_t *parts, size_t count, en_frame_t *frame, void *user_data)
{
    (void)parts, (void)count, (void)frame, (void)user_data;
    return EN_CALLBACK_DONE;
}

/* Also of a receive that follows others at once. */
static void what_a_callback_takes_counts(void)
{
    en_stream_protocol_callbacks_t callbacks = {sizeof(callbacks), encode_nothing, decode_slowly,
                                                NULL, NULL};
    en_tcp_options_t *options = options_new();
    en_stream_protocol_t *protocol;
    uint64_t calls;
    wire_t wire;
    char bytes[2000];

    REQUIRE_OK(en_stream_protocol_new(&protocol, &callbacks, 0, NULL, NULL));
    REQUIRE_OK(en_tcp_options_set_max_recv_size(options, 1));
    wire_open(&wire, protocol, options);
    memset(bytes, 'p', sizeof(bytes));
    bytes[sizeof(bytes) - 1] = 's';
    peer_send(wire.fd, bytes, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes) - 1; i++)
        CHECK_RECV(wire.client, "p");

    calls = wire_stats(&wire).recv_calls;
    CHECK_RECV_FAILS(wire.client, DECODE_MS - 50, EN_ETIMEDOUT);
    /* One has brought the byte, the other one takes what is there: nothing is waited for. */
    CHECK(wire_stats(&wire).recv_calls <= calls + 2);
    wire_close(&wire);
}

static const test_case_t cases[] = {
    CASE(receiving_is_exact),
    CASE(exact_to_a_few_milliseconds),
    CASE(sending_is_exact),
    CASE(another_timeout_each_time),
    CASE(waiting_for_the_other_receiver_counts),
    CASE(waiting_for_the_other_sender_counts),
    CASE(signals_do_not_end_a_receive),
    CASE(signals_do_not_end_a_send),
    CASE(signals_do_not_end_a_connect),
    CASE(signals_do_not_end_waiting_for_a_lock),
    CASE(times_beyond_all_bounds),
    CASE_BLOCKING(what_a_callback_takes_counts),
};

TEST_MAIN("timeouts")
