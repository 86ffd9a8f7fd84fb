/* Closing while a call is inside a callback or has bytes put aside: who waits for whom. */
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Callbacks of a line protocol that stop at gates and do things to their client. */
typedef struct {
    en_tcp_client_t *client;
    gate_t inside_encode;
    gate_t leave_encode;
    bool stops;
    bool wants_more;
    void (*in_encode)(en_tcp_client_t *client);
    void (*in_decode)(en_tcp_client_t *client);
    void (*in_free_state)(en_tcp_client_t *client);
    en_packet_iter_t *iter;
    atomic_int states_freed;
    atomic_int destroyed;
} plan_t;

static int encode(const en_slice_t *parts, size_t count, en_frame_t *frame, void *user_data)
{
    plan_t *plan = user_data;

    for (size_t i = 0; i < count; i++)
        CHECK_OK(en_frame_append(frame, parts[i].data, parts[i].size));
    CHECK_OK(en_frame_append(frame, "\n", 1));
    if (plan->stops) {
        gate_open(&plan->inside_encode);
        gate_wait(&plan->leave_encode);
    }
    if (plan->in_encode)
        plan->in_encode(plan->client);
    return EN_CALLBACK_DONE;
}

static int decode(const uint8_t *data, size_t size, int end, size_t *used, en_slice_t *packet,
                  void *state, void *user_data)
{
    plan_t *plan = user_data;

    (void)end, (void)state;
    if (plan->in_decode)
        plan->in_decode(plan->client);
    if (plan->iter) {
        en_packet_t another = {0};

        CHECK_CODE(en_packet_iter_next(plan->iter, &another), EN_EDEADLK);
        en_packet_iter_free(plan->iter);
        plan->iter = NULL;
    }
    if (plan->wants_more) {
        plan->in_decode = NULL;
        return EN_DECODE_MORE;
    }
    *used = size;
    *packet = (en_slice_t){data, size};
    return EN_DECODE_PACKET;
}

static void free_state(void *state, void *user_data)
{
    plan_t *plan = user_data;

    (void)state;
    atomic_fetch_add(&plan->states_freed, 1);
    if (plan->in_free_state)
        plan->in_free_state(plan->client);
}

static void destroy(void *user_data)
{
    plan_t *plan = user_data;

    atomic_fetch_add(&plan->destroyed, 1);
}

static void open_with(wire_t *wire, plan_t *plan, size_t write_buffer, int64_t shutdown_timeout)
{
    en_stream_protocol_callbacks_t callbacks = {sizeof(callbacks), encode, decode, NULL,
                                                free_state};
    en_stream_protocol_t *protocol = NULL;
    en_tcp_options_t *options = options_new();

    CHECK_OK(en_tcp_options_set_write_buffer(options, write_buffer));
    CHECK_OK(en_tcp_options_set_shutdown_timeout(options, shutdown_timeout));
    REQUIRE_OK(en_stream_protocol_new(&protocol, &callbacks, 0, destroy, plan));
    wire_open(wire, protocol, options);
    plan->client = wire->client;
}

static void close_with(wire_t *wire, plan_t *plan)
{
    wire_close(wire);
    CHECK_INT(atomic_load(&plan->states_freed), 1);
    CHECK_INT(atomic_load(&plan->destroyed), 1);
}

static void send_closed(void *arg)
{
    CHECK_CODE(send_text(arg, "never"), EN_ECLOSED);
}

static void close_it(void *arg)
{
    CHECK_OK(en_tcp_client_close(arg));
}

static void close_in_vain(void *arg)
{
    CHECK_CODE(en_tcp_client_close(arg), EN_ETIMEDOUT);
    CHECK_MESSAGE("close");
}

/* One thread is inside `encode`, another waits for its turn, and then comes the close: the one that
 * waits leaves at once, the close waits for the one inside and brings out what was put aside. */
static void close_waits_for_a_sender_that_is_through_soon(void)
{
    plan_t plan = {0};
    thread_t threads[3];
    int64_t start;
    wire_t wire;

    open_with(&wire, &plan, 4096, 20000);
    CHECK_OK(send_text(wire.client, "put aside"));
    plan.stops = true;
    thread_start(&threads[0], send_closed, wire.client);
    gate_wait(&plan.inside_encode);
    thread_start(&threads[1], send_closed, wire.client);
    thread_wait_blocked(&threads[1]);
    start = now_ms();
    thread_start(&threads[2], close_it, wire.client);
    thread_join(&threads[1]);
    CHECK_TOOK(start, 0);
    gate_open(&plan.leave_encode);
    thread_join(&threads[0]);
    thread_join(&threads[2]);
    peer_expect_text(wire.fd, "put aside\n");
    peer_drain(wire.fd);
    close_with(&wire, &plan);
}

static void close_says_that_bytes_are_lost(void)
{
    plan_t plan = {0};
    thread_t threads[2];
    int64_t start;
    wire_t wire;

    open_with(&wire, &plan, 4096, 120);
    CHECK_OK(send_text(wire.client, "put aside"));
    plan.stops = true;
    thread_start(&threads[0], send_closed, wire.client);
    gate_wait(&plan.inside_encode);
    start = now_ms();
    thread_start(&threads[1], close_in_vain, wire.client);
    thread_join(&threads[1]);
    CHECK_TOOK(start, 120);
    gate_open(&plan.leave_encode);
    thread_join(&threads[0]);
    CHECK_INT(peer_drain(wire.fd), 0);
    close_with(&wire, &plan);
}

static void flush_until_closed(void *arg)
{
    CHECK_CODE(en_tcp_client_flush(arg, EN_TIMEOUT_INFINITE), EN_ECLOSED);
}

static void close_does_not_wait_for_a_stuck_flush(void)
{
    plan_t plan = {0};
    thread_t thread;
    int64_t start;
    wire_t wire;

    open_with(&wire, &plan, 4096, 20000);
    wire_narrow(&wire);
    wire_fill(&wire);
    CHECK_OK(send_text(wire.client, "put aside"));
    thread_start(&thread, flush_until_closed, wire.client);
    thread_wait_blocked(&thread);
    start = now_ms();
    close_in_vain(wire.client);
    thread_join(&thread);
    CHECK_TOOK(start, 0);
    close_with(&wire, &plan);
}

static void close_cut_short(void *arg)
{
    CHECK(en_error_is_connection(en_tcp_client_close(arg)));
}

static void abort_cuts_a_close_short(void)
{
    plan_t plan = {0};
    thread_t thread;
    int64_t start;
    wire_t wire;

    open_with(&wire, &plan, 4096, 60000);
    wire_narrow(&wire);
    wire_fill(&wire);
    CHECK_OK(send_text(wire.client, "put aside"));
    thread_start(&thread, close_cut_short, wire.client);
    thread_wait_blocked(&thread);
    start = now_ms();
    CHECK_OK(en_tcp_client_abort(wire.client));
    thread_join(&thread);
    CHECK_TOOK(start, 0);
    close_with(&wire, &plan);
}

static void free_cuts_a_close_short(void)
{
    plan_t plan = {0};
    thread_t thread;
    int64_t start;
    wire_t wire;

    open_with(&wire, &plan, 4096, 60000);
    wire_narrow(&wire);
    wire_fill(&wire);
    CHECK_OK(send_text(wire.client, "put aside"));
    thread_start(&thread, close_cut_short, wire.client);
    thread_wait_blocked(&thread);
    start = now_ms();
    en_tcp_client_free(wire.client);
    CHECK_TOOK(start, 0);
    wire.client = NULL;
    thread_join(&thread);
    close_with(&wire, &plan);
}

static void close_within(en_tcp_client_t *client)
{
    CHECK_OK(en_tcp_client_close(client));
    CHECK_INT(en_tcp_client_is_closed(client), 1);
}

/* Closes or frees in a callback, with bytes put aside before: they still go out. */
static void check_brought_out(bool sending, void (*end)(en_tcp_client_t *))
{
    plan_t plan = {0};
    en_packet_t packet = {0};
    wire_t wire;

    open_with(&wire, &plan, 4096, 20000);
    CHECK_OK(send_text(wire.client, "put aside"));
    if (sending) {
        plan.in_encode = end;
        CHECK_CODE(send_text(wire.client, "with the end"), EN_ECLOSED);
    } else {
        plan.in_decode = end;
        peer_send_text(wire.fd, "in");
        wire_wait_arrived(&wire);
        CHECK_CODE(en_tcp_client_recv_packet(wire.client, 5000, &packet), EN_ECLOSED);
    }
    if (end == en_tcp_client_free)
        wire.client = NULL;
    peer_expect_text(wire.fd, "put aside\n");
    peer_drain(wire.fd);
    plan.in_encode = plan.in_decode = NULL;
    close_with(&wire, &plan);
}

static void ending_within_brings_out_what_was_put_aside(void)
{
    check_brought_out(false, close_within);
    check_brought_out(true, close_within);
    check_brought_out(false, en_tcp_client_free);
    check_brought_out(true, en_tcp_client_free);
}

static void receive_closed(void *arg)
{
    en_packet_t packet = {0};

    CHECK_CODE(en_tcp_client_recv_packet(arg, EN_TIMEOUT_INFINITE, &packet), EN_ECLOSED);
}

static void check_free_state(void (*end)(en_tcp_client_t *), bool receiving, bool freed)
{
    plan_t plan = {.in_free_state = end};
    thread_t thread;
    wire_t wire;

    open_with(&wire, &plan, 0, 20000);
    if (receiving) {
        thread_start(&thread, receive_closed, wire.client);
        thread_wait_blocked(&thread);
    }
    CHECK_OK(en_tcp_client_close(wire.client));
    if (receiving)
        thread_join(&thread);
    if (freed)
        wire.client = NULL;
    close_with(&wire, &plan);
}

static void the_end_of_the_state_may_close_and_free(void)
{
    check_free_state(close_within, false, false);
    check_free_state(close_within, true, false);
    check_free_state(en_tcp_client_free, false, true);
    check_free_state(en_tcp_client_free, true, true);
}

static void an_iterator_ends_inside_itself(void)
{
    plan_t plan = {0};
    en_packet_t packet = {0};
    wire_t wire;

    open_with(&wire, &plan, 0, 20000);
    REQUIRE_OK(en_tcp_client_iter_received_packets(&plan.iter, wire.client, 5000));
    peer_send_text(wire.fd, "in");
    CHECK_OK(en_packet_iter_next(plan.iter, &packet));
    CHECK_BYTES(packet.data, packet.size, "in", 2);
    en_packet_release(&packet);
    CHECK(plan.iter == NULL);
    close_with(&wire, &plan);
}

static void receive_within_time(void *arg)
{
    en_packet_t packet = {0};

    for (int i = 0; i < 20; i++)
        CHECK(en_tcp_client_recv_packet(arg, 1, &packet) != EN_OK);
}

/* Calls that give up while another has the half, and a free at the same time. */
static void free_waits_for_those_who_time_out(void)
{
    for (int round = 0; round < 100; round++) {
        thread_t threads[3];
        plan_t plan = {0};
        wire_t wire;

        open_with(&wire, &plan, 0, 0);
        thread_start(&threads[0], receive_closed, wire.client);
        thread_wait_blocked(&threads[0]);
        for (int i = 1; i < 3; i++)
            thread_start(&threads[i], receive_within_time, wire.client);
        CHECK_OK(en_tcp_client_close(wire.client));
        for (int i = 0; i < 3; i++)
            thread_join(&threads[i]);
        close_with(&wire, &plan);
    }
}

typedef struct {
    en_tcp_client_t *client;
    int sent;
} putter_t;

static void put_until_closed(void *arg)
{
    putter_t *putter = arg;

    while (send_text(putter->client, "counted") == EN_OK)
        putter->sent++;
}

/* Each send that answered EN_OK has arrived if the close answered EN_OK. */
static void what_was_taken_goes_out(void)
{
    for (int round = 0; round < 200; round++) {
        plan_t plan = {0};
        putter_t putter;
        thread_t thread;
        wire_t wire;

        open_with(&wire, &plan, 1 << 20, 20000);
        putter = (putter_t){wire.client, 0};
        thread_start(&thread, put_until_closed, &putter);
        if (round % 2)
            pause_ms(0);
        CHECK_OK(en_tcp_client_close(wire.client));
        thread_join(&thread);
        CHECK_INT(peer_drain(wire.fd), putter.sent * strlen("counted\n"));
        close_with(&wire, &plan);
    }
}

static void flush_it(void *arg)
{
    int rc = en_tcp_client_flush(arg, 20000);

    CHECK(rc == EN_OK || rc == EN_ECLOSED);
}

static void a_flush_that_has_room_is_not_stuck(void)
{
    for (int round = 0; round < 200; round++) {
        plan_t plan = {0};
        thread_t thread;
        wire_t wire;

        open_with(&wire, &plan, 4096, 20000);
        CHECK_OK(send_text(wire.client, "flushed"));
        thread_start(&thread, flush_it, wire.client);
        CHECK_OK(en_tcp_client_close(wire.client));
        thread_join(&thread);
        peer_expect_text(wire.fd, "flushed\n");
        close_with(&wire, &plan);
    }
}

/* Cancelled calls end; what they have left behind still gets its one attempt. */
static void the_last_words_of_who_is_cancelled(void)
{
    for (int frees = 0; frees < 2; frees++) {
        en_cancel_t *cancel = NULL;
        en_tcp_options_t *options = options_new();
        wire_t wire;

        REQUIRE_OK(en_cancel_new(&cancel));
        CHECK_OK(en_tcp_options_set_cancel(options, cancel));
        CHECK_OK(en_tcp_options_set_write_buffer(options, 4096));
        wire_open(&wire, protocol_line(), options);
        CHECK_OK(send_text(wire.client, "last"));
        CHECK_OK(en_cancel_trigger(cancel));
        if (frees) {
            en_tcp_client_free(wire.client);
            wire.client = NULL;
        } else {
            CHECK_OK(en_tcp_client_close(wire.client));
        }
        peer_expect_text(wire.fd, "last\n");
        wire_close(&wire);
        en_cancel_free(cancel);
    }
}

static int duplicate_of(en_tcp_client_t *client)
{
    int duplicate = fcntl(en_tcp_client_fileno(client), F_DUPFD_CLOEXEC, 0);

    REQUIRE(duplicate >= 0);
    return duplicate;
}

static void closing_ends_the_connection_for_duplicates_too(void)
{
    int duplicate;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    duplicate = duplicate_of(wire.client);
    CHECK_OK(en_tcp_client_close(wire.client));
    peer_expect_end(wire.fd);
    close(duplicate);
    wire_close(&wire);
}

static void closing_resets_who_lingers_for_no_time(void)
{
    int duplicate;
    char byte;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    duplicate = duplicate_of(wire.client);
    CHECK_OK(en_tcp_client_set_option(wire.client, EN_OPTION_LINGER, 0));
    CHECK_OK(en_tcp_client_close(wire.client));
    CHECK(recv(wire.fd, &byte, 1, 0) < 0 && errno == ECONNRESET);
    close(duplicate);
    wire_close(&wire);
}

static void freeing_leaves_the_connection_to_duplicates(void)
{
    en_stream_protocol_t *lines = protocol_line();
    int duplicate;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    duplicate = duplicate_of(wire.client);
    en_tcp_client_free(wire.client);
    REQUIRE_OK(en_tcp_client_from_fd(&wire.client, duplicate, lines, NULL));
    CHECK_OK(send_text(wire.client, "behind it"));
    peer_expect_text(wire.fd, "behind it\n");
    wire_close(&wire);
    en_stream_protocol_free(lines);
}

/* It must wake nobody for that, not even the call that it is inside of. */
static void freeing_within_leaves_the_connection_to_duplicates(void)
{
    plan_t plan = {.in_decode = en_tcp_client_free, .wants_more = true};
    en_packet_t packet = {0};
    int64_t start;
    int duplicate;
    wire_t wire;

    open_with(&wire, &plan, 0, 20000);
    duplicate = duplicate_of(wire.client);
    peer_send_text(wire.fd, "in");
    start = now_ms();
    CHECK_CODE(en_tcp_client_recv_packet(wire.client, 20000, &packet), EN_ECLOSED);
    CHECK_TOOK(start, 0);
    wire.client = NULL;
    peer_expect_nothing(duplicate);
    close(duplicate);
    close_with(&wire, &plan);
}

static const test_case_t cases[] = {
    CASE_BLOCKING(close_waits_for_a_sender_that_is_through_soon),
    CASE_BLOCKING(close_says_that_bytes_are_lost),
    CASE_BLOCKING(close_does_not_wait_for_a_stuck_flush),
    CASE_BLOCKING(abort_cuts_a_close_short),
    CASE_BLOCKING(free_cuts_a_close_short),
    CASE_BLOCKING(ending_within_brings_out_what_was_put_aside),
    CASE_BLOCKING(the_end_of_the_state_may_close_and_free),
    CASE_BLOCKING(an_iterator_ends_inside_itself),
    CASE(free_waits_for_those_who_time_out),
    CASE(what_was_taken_goes_out),
    CASE_BLOCKING(a_flush_that_has_room_is_not_stuck),
    CASE(the_last_words_of_who_is_cancelled),
    CASE(closing_ends_the_connection_for_duplicates_too),
    CASE(closing_resets_who_lingers_for_no_time),
    CASE_BLOCKING(freeing_leaves_the_connection_to_duplicates),
    CASE_BLOCKING(freeing_within_leaves_the_connection_to_duplicates),
};

TEST_MAIN("closing")
