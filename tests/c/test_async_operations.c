/* What operations are to their loop: numbers of their own, and what a run of it waits for. */
#include "async_wire.h"
#include "peer.h"
#include "threads.h"

/* The next client or timer is where the last one was: its number is another all the same, and who
 * cancels the last one leaves it alone. */
static void numbers_are_never_used_twice(void)
{
    enum { TURNS = 300 };
    uint64_t last = 0;
    en_loop_t *loop = loop_new();
    en_stream_protocol_t *lines = protocol_line();

    for (int i = 0; i < TURNS; i++) {
        en_async_tcp_client_t *client = NULL;
        op_t ops[2] = {{0}};

        REQUIRE_OK(en_async_tcp_client_new(&client, loop, "127.0.0.1", 1, lines, NULL));
        CHECK_OK(en_loop_start_timer(loop, 60000, 0, op_done, &ops[0], &ops[0].operation));
        CHECK(ops[0].operation > last);
        CHECK_OK(
            en_async_tcp_client_recv_packet(client, -1, op_received, &ops[1], &ops[1].operation));
        CHECK(ops[1].operation > ops[0].operation);
        CHECK_OK(en_loop_cancel(loop, last)); /* 0 is none */
        CHECK_INT(ops[0].calls + ops[1].calls, 0);
        en_async_tcp_client_free(client);
        CHECK_OP(&ops[1], EN_ECANCELED);
        CHECK_OK(en_loop_cancel(loop, ops[0].operation));
        op_wait(loop, &ops[0]);
        CHECK_OP(&ops[0], EN_ECANCELED);
        last = ops[1].operation;
    }
    en_stream_protocol_free(lines);
    en_loop_free(loop);
}

static int take_one(int status, en_packet_t *packet, void *user_data)
{
    CHECK_OK(status);
    en_packet_release(packet);
    ++*(int *)user_data;
    return EN_RECEIVE_STOP;
}

static void run(void *loop)
{
    CHECK_OK(en_loop_run(loop));
}

/* The loop runs, and nothing happens before the peer sends. */
static void check_held(async_wire_t *side, const int *calls)
{
    thread_t thread;

    thread_start(&thread, run, side->loop);
    thread_wait_blocked(&thread);
    CHECK_INT(*calls, 0);
    peer_send_text(side->fd, "in\n");
    thread_join(&thread);
    CHECK_INT(*calls, 1);
}

static void clients_with_nothing_to_do_hold_no_run(void)
{
    op_t got = {0};
    int taken = 0;
    async_wire_t side;

    async_wire_open(&side, NULL);
    CHECK_OK(en_loop_run(side.loop));
    CHECK_OK(async_get(&side, -1, &got));
    check_held(&side, &got.calls);
    CHECK_OK(en_async_tcp_client_recv_start(side.client, take_one, &taken, NULL));
    check_held(&side, &taken);
    CHECK_OK(en_loop_run(side.loop));
    CHECK_OK(en_async_tcp_client_recv_start(side.client, take_one, &taken, NULL));
    CHECK_OK(en_async_tcp_client_recv_stop(side.client));
    CHECK_OK(en_loop_run(side.loop));
    CHECK_INT(taken, 1);
    async_wire_close(&side);
}

static const test_case_t cases[] = {
    CASE(numbers_are_never_used_twice),
    CASE(clients_with_nothing_to_do_hold_no_run),
};

TEST_MAIN("async_operations")
