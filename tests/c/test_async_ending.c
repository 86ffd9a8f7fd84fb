/* How clients on a loop end: freed, stopped, inside callbacks, and with their loop. */
#include "async_wire.h"
#include "child.h"
#include "family.h"
#include "peer.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char large[8 << 20];

/* It may still be due to be called by the loop, and then another one is there. */
static void freeing_leaves_the_next_one_alone(void)
{
    en_stream_protocol_t *lines = protocol_line();
    op_t closed = {0};
    op_t got = {0};
    async_wire_t side;
    int ends[2];

    async_wire_open(&side, NULL);
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    CHECK_OK(en_async_tcp_client_close(side.client, 5000, op_done, &closed, NULL));
    en_async_tcp_client_free(side.client);
    side.client = NULL;
    {
        en_async_unix_stream_client_t *next = NULL;

        REQUIRE_OK(en_async_unix_stream_client_from_fd(&next, side.loop, ends[0], lines, NULL));
        CHECK_OK(en_loop_run_once(side.loop, 0));
        CHECK_OK(en_async_unix_stream_client_recv_packet(next, 5000, op_received, &got, NULL));
        op_still_waits(side.loop, &got);
        peer_send_text(ends[1], "for the next\n");
        op_wait(side.loop, &got);
        CHECK_OP(&got, EN_OK);
        CHECK_BYTES(got.data, got.size, "for the next", 12);
        en_async_unix_stream_client_free(next);
    }
    CHECK_INT(closed.calls, 1);
    en_stream_protocol_free(lines);
    close(ends[1]);
    async_wire_close(&side);
}

typedef struct {
    async_wire_t *side;
    int calls;
    int after;
    bool is_stopped;
} stopper_t;

static int hear(int status, en_packet_t *packet, void *user_data)
{
    stopper_t *stopper = user_data;

    (void)status;
    en_packet_release(packet);
    stopper->calls++;
    stopper->after += stopper->is_stopped;
    return EN_RECEIVE_STOP;
}

static void stop_receiving(int status, void *user_data)
{
    stopper_t *stopper = user_data;

    CHECK_OK(status);
    CHECK_OK(en_async_tcp_client_recv_stop(stopper->side->client));
    stopper->is_stopped = true;
}

/* Whatever has ended the receive in the same turn. */
static void who_has_stopped_is_not_called(void)
{
    async_wire_t side;
    stopper_t stopper = {.side = &side};

    async_wire_open(&side, NULL);
    CHECK_OK(en_async_tcp_client_recv_start(side.client, hear, &stopper, NULL));
    CHECK_OK(en_loop_run_once(side.loop, 0));
    peer_end(side.fd);
    WAIT_FOR(recv(en_async_tcp_client_fileno(side.client), &stopper.after, 1,
                  MSG_PEEK | MSG_DONTWAIT) == 0);
    CHECK_OK(en_loop_start_timer(side.loop, 0, 0, stop_receiving, &stopper, NULL));
    CHECK_OK(en_loop_run(side.loop));
    CHECK(stopper.is_stopped);
    CHECK_INT(stopper.after, 0);
    async_wire_close(&side);
}

static void stop_hearing(int status, void *user_data)
{
    CHECK_OK(status);
    CHECK_OK(en_async_udp_client_recv_stop(user_data));
}

/* What it was not told of is for the next one. */
static void who_has_stopped_leaves_the_error_to_the_next(void)
{
    en_datagram_protocol_t *datagrams = protocol_datagrams();
    en_loop_t *loop = loop_new();
    en_async_udp_client_t *client = NULL;
    int fd = udp_bound("127.0.0.1");
    stopper_t stopper = {0};
    op_t ops[3] = {{0}};

    REQUIRE_OK(en_async_udp_client_new(&client, loop, "127.0.0.1", peer_port(fd), datagrams, NULL));
    close(fd);
    CHECK_OK(en_async_udp_client_recv_start(client, hear, &stopper, NULL));
    CHECK_OK(en_loop_run_once(loop, 0));
    CHECK_OK(en_async_udp_client_send_packet(client, "x", 1, 5000, NULL, NULL, NULL));
    wait_readable(en_async_udp_client_fileno(client));
    CHECK_OK(en_loop_start_timer(loop, 0, 0, stop_hearing, client, NULL));
    CHECK_OK(en_loop_run(loop));
    CHECK_INT(stopper.calls, 0);
    for (int i = 0; i < 2; i++) { /* once */
        CHECK_OK(en_async_udp_client_recv_packet(client, 100, op_received, &ops[i], NULL));
        op_wait(loop, &ops[i]);
        CHECK_OP(&ops[i], i == 0 ? EN_ECONNREFUSED : EN_ETIMEDOUT);
    }
    /* That its time is over, or that it was cancelled, was for the one that was stopped. */
    CHECK_OK(en_async_udp_client_recv_start(client, hear, &stopper, &ops[2].operation));
    CHECK_OK(en_loop_cancel(loop, ops[2].operation));
    CHECK_OK(en_async_udp_client_recv_stop(client));
    CHECK_OK(en_async_udp_client_recv_packet(client, 50, op_received, &ops[2], NULL));
    op_wait(loop, &ops[2]);
    CHECK_OP(&ops[2], EN_ETIMEDOUT);
    en_async_udp_client_free(client);
    en_datagram_protocol_free(datagrams);
    en_loop_free(loop);
}

/* One that had ended before is told of its own end. */
static void who_stops_the_second_receive(void)
{
    async_wire_t side;
    op_t ops[2] = {{0}, {0}};
    stopper_t first = {.side = &side};
    stopper_t second = {.side = &side};

    async_wire_open(&side, NULL);
    CHECK_OK(en_async_tcp_client_recv_start(side.client, hear, &first, &ops[0].operation));
    CHECK_OK(en_loop_cancel(side.loop, ops[0].operation));
    CHECK_OK(en_async_tcp_client_recv_start(side.client, hear, &second, &ops[1].operation));
    CHECK_OK(en_loop_cancel(side.loop, ops[1].operation));
    CHECK_OK(en_async_tcp_client_recv_stop(side.client));
    CHECK_OK(en_loop_run(side.loop));
    CHECK_INT(first.calls, 1);
    CHECK_INT(second.calls, 0);
    async_wire_close(&side);
}

static void freeing_completes_everything(void)
{
    op_t ops[4] = {{0}, {0}, {0}, {0}};
    async_wire_t side;

    async_wire_open(&side, NULL);
    CHECK_OK(en_async_tcp_client_send_packet(side.client, large, sizeof(large), -1, op_done,
                                             &ops[0], NULL));
    CHECK_OK(async_put(&side, "behind", &ops[1]));
    CHECK_OK(async_get(&side, -1, &ops[2]));
    CHECK_OK(async_get(&side, 5000, &ops[3]));
    en_async_tcp_client_free(side.client);
    side.client = NULL;
    for (int i = 0; i < 4; i++)
        CHECK_OP(&ops[i], EN_ECANCELED);
    CHECK_OK(en_loop_run(side.loop));
    for (int i = 0; i < 4; i++)
        CHECK_INT(ops[i].calls, 1);
    async_wire_close(&side);
}

static void the_end_of_the_loop_completes_everything(void)
{
    op_t ops[2] = {{0}, {0}};
    op_t late = {0};
    async_wire_t side;

    async_wire_open(&side, NULL);
    CHECK_OK(async_get(&side, -1, &ops[0]));
    CHECK_OK(async_get(&side, -1, &ops[1]));
    en_loop_free(side.loop);
    for (int i = 0; i < 2; i++)
        CHECK_OP(&ops[i], EN_ECANCELED);
    CHECK_CODE(async_put(&side, "late", &late), EN_ECLOSED);
    CHECK(en_async_tcp_client_loop(side.client) == NULL);
    side.loop = NULL;
    async_wire_close(&side);
}

static void check_no_timer(en_loop_t *loop)
{
    int64_t timeout = 0;

    CHECK_OK(en_loop_run(loop));
    CHECK_OK(en_loop_next_timeout(loop, &timeout));
    CHECK_INT(timeout, -1);
}

/* The loop is not woken for what is over. */
static void no_point_in_time_outlives_its_operation(void)
{
    silent_peer_t silent;
    stopper_t stopper = {0};
    async_wire_t side;
    en_async_tcp_client_t *client = NULL;
    en_stream_protocol_t *lines = protocol_line();
    en_tcp_options_t *options = NULL;
    op_t op = {0};
    op_t connected = {0};

    async_wire_open(&side, NULL);
    CHECK_OK(async_get(&side, 60000, &op));
    peer_send_text(side.fd, "x\n");
    check_no_timer(side.loop);
    CHECK_OP(&op, EN_OK);
    CHECK_OK(en_async_tcp_client_iter_received_packets(side.client, 60000, hear, &stopper, NULL));
    CHECK_OK(en_loop_run_once(side.loop, 0));
    peer_send_text(side.fd, "x\n");
    check_no_timer(side.loop);
    CHECK_INT(stopper.calls, 1);
    CHECK_OK(en_async_tcp_client_close(side.client, 60000, op_done, &op, NULL));
    check_no_timer(side.loop);
    silent_peer_open(&silent, "127.0.0.1");
    REQUIRE_OK(en_tcp_options_new(&options));
    CHECK_OK(en_tcp_options_set_connect_timeout(options, 60000));
    REQUIRE_OK(en_async_tcp_client_new(&client, side.loop, "127.0.0.1", peer_port(silent.listener),
                                       lines, options));
    en_stream_protocol_free(lines);
    en_tcp_options_free(options);
    CHECK_OK(en_async_tcp_client_wait_connected(client, 60000, op_done, &connected, NULL));
    op_still_waits(side.loop, &connected);
    CHECK_OK(en_async_tcp_client_close(client, 60000, NULL, NULL, NULL));
    check_no_timer(side.loop);
    CHECK_OP(&connected, EN_ECLOSED);
    en_async_tcp_client_free(client);
    silent_peer_close(&silent);
    async_wire_close(&side);
}

/* Also if the loop would have called it. */
static void freed_in_a_child_it_is_closed_there(void)
{
    op_t got = {0};
    async_wire_t side;
    pid_t child;

    async_wire_open(&side, NULL);
    CHECK_OK(async_get(&side, 5000, &got));
    child = child_fork();
    if (child == 0) {
        int fd = en_async_tcp_client_fileno(side.client);

        en_async_tcp_client_free(side.client);
        _exit(fd >= 0 && fcntl(fd, F_GETFD) < 0 && got.calls == 0 ? 0 : 1);
    }
    CHECK(child_succeeds(child));
    peer_send_text(side.fd, "still here\n");
    op_wait(side.loop, &got);
    CHECK_OP(&got, EN_OK);
    async_wire_close(&side);
}

static async_wire_t *mine;

static void send_again(int status, void *user_data)
{
    op_t *op = user_data;

    op_done(status, op);
    if (mine && op->calls < 1000)
        CHECK_OK(en_async_tcp_client_send_packet(mine->client, "x", 1, 5000, send_again, op, NULL));
}

/* A callback that begins anew is called again at once, but lets others have their turn. */
static void what_is_over_again_and_again_leaves_others_their_turn(void)
{
    op_t op = {0};
    async_wire_t side;

    mine = &side;
    async_wire_open(&side, NULL);
    CHECK_OK(en_async_tcp_client_send_packet(side.client, "x", 1, 5000, send_again, &op, NULL));
    CHECK_OK(en_loop_run_once(side.loop, 0));
    CHECK(op.calls > 1 && op.calls < 100);
    for (int before = op.calls; op.calls == before;)
        CHECK_OK(en_loop_run_once(side.loop, 0));
    CHECK(op.calls < 200);
    mine = NULL;
    async_wire_close(&side);
}

/* Whether it was told of the connection or not, it says what it was to do. */
static void waiting_to_connect_says_so(void)
{
    op_t op = {0};
    async_wire_t side;

    async_wire_new(&side, NULL);
    CHECK_OK(en_async_tcp_client_wait_connected(side.client, 5000, op_done, &op, &op.operation));
    CHECK_OK(en_loop_cancel(side.loop, op.operation));
    op_wait(side.loop, &op);
    CHECK_OP(&op, EN_ECANCELED);
    CHECK_HAS(op.message, "connect");
    async_wire_close(&side);
}

static void free_client(int status, void *user_data)
{
    op_done(status, user_data);
    en_async_tcp_client_free(mine->client);
    mine->client = NULL;
}

static void free_all(int status, void *user_data)
{
    free_client(status, user_data);
    en_loop_free(mine->loop);
    mine->loop = NULL;
}

static void close_client(int status, void *user_data)
{
    op_done(status, user_data);
    CHECK_OK(en_async_tcp_client_close(mine->client, 1000, NULL, NULL, NULL));
}

static int free_while_receiving(int status, en_packet_t *packet, void *user_data)
{
    en_packet_release(packet);
    free_client(status, user_data);
    return EN_RECEIVE_MORE;
}

static int close_while_receiving(int status, en_packet_t *packet, void *user_data)
{
    op_received(status, packet, user_data);
    if (packet)
        CHECK_OK(en_async_tcp_client_close(mine->client, 1000, NULL, NULL, NULL));
    return EN_RECEIVE_MORE;
}

static void who_closes_gets_no_further_packet(void)
{
    op_t op = {0};
    async_wire_t side;

    mine = &side;
    async_wire_open(&side, NULL);
    peer_send_text(side.fd, "one\ntwo\n");
    CHECK_OK(en_async_tcp_client_recv_start(side.client, close_while_receiving, &op, NULL));
    CHECK_OK(en_loop_run(side.loop));
    CHECK_INT(op.calls, 2); /* the packet, and the end */
    CHECK_CODE(op.status, EN_ECLOSED);
    async_wire_close(&side);
}

static void ending_inside_callbacks(void)
{
    void (*const ends[])(int, void *) = {free_client, free_all, close_client};
    op_t op = {0};
    async_wire_t side;

    mine = &side;
    for (int i = 0; i < 3; i++) {
        op_t other = {0};
        en_loop_t *loop;

        op = (op_t){0};
        async_wire_open(&side, NULL);
        loop = side.loop;
        CHECK_OK(async_get(&side, -1, &other));
        CHECK_OK(en_async_tcp_client_send_packet(side.client, "x", 1, 1000, ends[i], &op, NULL));
        CHECK_OK(en_loop_run(loop));
        CHECK_OP(&op, EN_OK);
        CHECK_OP(&other, i == 2 ? EN_ECLOSED : EN_ECANCELED);
        async_wire_close(&side);
    }
    op = (op_t){0};
    async_wire_open(&side, NULL);
    CHECK_OK(en_async_tcp_client_recv_start(side.client, free_while_receiving, &op, NULL));
    peer_send_text(side.fd, "one\ntwo\n");
    CHECK_OK(en_loop_run(side.loop));
    CHECK_OP(&op, EN_OK);
    async_wire_close(&side);
}

static en_async_tcp_client_t *called;
static int refused;

static int meddle(const uint8_t *data, size_t size, int end, size_t *used, en_slice_t *packet,
                  void *state, void *user_data)
{
    (void)end, (void)state, (void)user_data;
    refused = en_async_tcp_client_send_packet(called, "x", 1, 0, NULL, NULL, NULL);
    *used = size;
    *packet = (en_slice_t){data, size};
    return EN_DECODE_PACKET;
}

static int encode(const en_slice_t *parts, size_t count, en_frame_t *frame, void *user_data)
{
    (void)user_data;
    for (size_t i = 0; i < count; i++)
        CHECK_OK(en_frame_append(frame, parts[i].data, parts[i].size));
    return EN_CALLBACK_DONE;
}

static void protocol_callbacks_may_not_call_back(void)
{
    en_stream_protocol_callbacks_t callbacks = {sizeof(callbacks), encode, meddle, NULL, NULL};
    en_stream_protocol_t *protocol = NULL;
    op_t op = {0};
    async_wire_t side;
    wire_t wire;

    side.loop = loop_new();
    wire_open(&wire, protocol_raw(), NULL);
    REQUIRE_OK(en_stream_protocol_new(&protocol, &callbacks, 0, NULL, NULL));
    REQUIRE_OK(en_async_tcp_client_from_fd(&side.client, side.loop, wire.fd, protocol, NULL));
    wire.fd = -1; /* the client's now */
    en_stream_protocol_free(protocol);
    CHECK_INT(en_async_tcp_client_is_connected(side.client), 1);
    called = side.client;
    CHECK_OK(async_get(&side, 5000, &op));
    CHECK_OK(send_text(wire.client, "in"));
    op_wait(side.loop, &op);
    CHECK_OP(&op, EN_OK);
    CHECK_CODE(refused, EN_EDEADLK);
    en_async_tcp_client_free(side.client);
    en_loop_free(side.loop);
    wire_close(&wire);
}

static int free_the_loop(void **state, void *user_data)
{
    en_loop_t **loop = user_data;

    (void)state;
    en_loop_free(*loop);
    *loop = NULL;
    return EN_CALLBACK_DONE;
}

static void the_loop_may_end_while_a_client_is_made(void)
{
    en_stream_protocol_callbacks_t callbacks = {sizeof(callbacks), encode, meddle, free_the_loop,
                                                NULL};
    en_stream_protocol_t *protocol = NULL;
    en_async_unix_stream_client_t *client;
    en_loop_t *loop = loop_new();
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_stream_protocol_new(&protocol, &callbacks, 0, NULL, &loop));
    CHECK_CODE(en_async_unix_stream_client_from_fd(&client, loop, ends[0], protocol, NULL),
               EN_ECLOSED);
    CHECK(client == NULL && loop == NULL);
    en_stream_protocol_free(protocol);
    close(ends[0]); /* still ours */
    close(ends[1]);
}

static void freeing_leaves_the_connection_to_duplicates(void)
{
    async_wire_t side;
    int duplicate;

    async_wire_open(&side, NULL);
    duplicate = dup(en_async_tcp_client_fileno(side.client));
    REQUIRE(duplicate >= 0);
    en_async_tcp_client_free(side.client);
    side.client = NULL;
    peer_send_text(duplicate, "behind it\n");
    peer_expect_text(side.fd, "behind it\n");
    close(duplicate);
    async_wire_close(&side);
}

/* A callback of its own, whose failing call is one like any other. */
static void fail_within(int status, void *user_data)
{
    en_address_t *none = NULL;

    op_done(status, user_data);
    CHECK_CODE(en_address_new(&none, "the callback's own", 0), EN_EINVAL);
}

/* What callbacks are told of is not what this thread's calls have failed with. */
static void only_failing_calls_touch_the_message(void)
{
    en_address_t *none = NULL;
    const char *message;
    async_wire_t side;
    op_t ops[4] = {{0}};

    async_wire_open(&side, NULL);
    CHECK_CODE(en_address_new(&none, "the reason", 0), EN_EINVAL);
    message = en_last_error_message();
    CHECK_OK(async_get(&side, 0, &ops[0]));
    op_wait(side.loop, &ops[0]);
    CHECK_OP(&ops[0], EN_ETIMEDOUT);
    CHECK_HAS(ops[0].message, "EN_ETIMEDOUT");
    CHECK(en_last_error_message() == message); /* still valid, that is */
    CHECK_OK(async_get(&side, -1, &ops[1]));
    en_async_tcp_client_free(side.client);
    CHECK_OP(&ops[1], EN_ECANCELED);
    CHECK_HAS(ops[1].message, "EN_ECANCELED");
    CHECK(en_last_error_message() == message);
    CHECK_OK(en_loop_start_timer(side.loop, 60000, 0, op_done, &ops[2], NULL));
    CHECK_OK(en_loop_start_timer(side.loop, 60000, 0, fail_within, &ops[3], NULL));
    en_loop_free(side.loop);
    CHECK_OP(&ops[2], EN_ECANCELED);
    CHECK_OP(&ops[3], EN_ECANCELED);
    CHECK_MESSAGE("the callback's own");
    side.client = NULL;
    side.loop = NULL;
    async_wire_close(&side);
}

static const test_case_t cases[] = {
    CASE(only_failing_calls_touch_the_message),
    CASE(freeing_leaves_the_next_one_alone),
    CASE(who_has_stopped_is_not_called),
    CASE(who_has_stopped_leaves_the_error_to_the_next),
    CASE(who_stops_the_second_receive),
    CASE(freeing_completes_everything),
    CASE(freeing_leaves_the_connection_to_duplicates),
    CASE(the_end_of_the_loop_completes_everything),
    CASE(no_point_in_time_outlives_its_operation),
    CASE(freed_in_a_child_it_is_closed_there),
    CASE(what_is_over_again_and_again_leaves_others_their_turn),
    CASE(waiting_to_connect_says_so),
    CASE(who_closes_gets_no_further_packet),
    CASE(ending_inside_callbacks),
    CASE(protocol_callbacks_may_not_call_back),
    CASE(the_loop_may_end_while_a_client_is_made),
};

TEST_MAIN("async_ending")
