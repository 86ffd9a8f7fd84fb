/* How clients on a loop are closed, gracefully and abruptly, and how they end one direction. */
#include "async_wire.h"
#include "peer.h"

#include <poll.h>
#include <unistd.h>

static char large[8 << 20];

static void closing_gracefully(void)
{
    op_t sent = {0};
    op_t got = {0};
    op_t closed = {0};
    op_t late = {0};
    step_t steps[] = {{.what = STEP_DRAIN}};
    script_t script;
    async_wire_t side;

    async_wire_open(&side, NULL);
    CHECK_OK(en_async_tcp_client_send_packet(side.client, large, sizeof(large), -1, op_done, &sent,
                                             NULL));
    CHECK_OK(async_get(&side, -1, &got));
    CHECK_OK(en_async_tcp_client_close(side.client, 20000, op_done, &closed, NULL));
    CHECK_INT(en_async_tcp_client_is_closing(side.client), 1);
    CHECK_CODE(async_put(&side, "late", &late), EN_ECLOSED);
    script_start(&script, side.fd, steps, 1);
    op_wait(side.loop, &closed);
    CHECK_OP(&closed, EN_OK);
    CHECK_OP(&sent, EN_OK);
    CHECK_OP(&got, EN_ECLOSED);
    CHECK_INT(late.calls, 0);
    CHECK_INT(en_async_tcp_client_fileno(side.client), -1);
    script_join(&script);
    closed.calls = 0;
    CHECK_OK(en_async_tcp_client_close(side.client, 0, op_done, &closed, NULL));
    op_wait(side.loop, &closed);
    CHECK_OP(&closed, EN_OK);
    async_wire_close(&side);
}

static void closing_abruptly(void)
{
    op_t sent = {0};
    op_t closed = {0};
    int64_t start;
    async_wire_t side;

    for (int way = 0; way < 2; way++) {
        sent = closed = (op_t){0};
        async_wire_open(&side, NULL);
        CHECK_OK(en_async_tcp_client_send_packet(side.client, large, sizeof(large), -1, op_done,
                                                 &sent, NULL));
        start = now_ms();
        CHECK_OK(en_async_tcp_client_close(side.client, way ? -1 : 80, op_done, &closed,
                                           &closed.operation));
        if (way) {
            op_still_waits(side.loop, &closed);
            CHECK_OK(en_loop_cancel(side.loop, closed.operation));
        }
        op_wait(side.loop, &closed);
        if (way == 0)
            CHECK_TOOK(start, 80);
        CHECK_OP(&closed, way ? EN_ECANCELED : EN_ETIMEDOUT);
        CHECK_OP(&sent, EN_ECLOSED);
        CHECK_INT(en_async_tcp_client_fileno(side.client), -1);
        async_wire_close(&side);
    }
}

/* Its room is not waited for. */
static void the_end_behind_a_send_that_was_given_up(void)
{
    op_t sent = {0};
    op_t ended = {0};
    async_wire_t side;

    async_wire_open(&side, NULL);
    CHECK_OK(en_async_tcp_client_send_packet(side.client, large, sizeof(large), 100, op_done, &sent,
                                             NULL));
    op_wait(side.loop, &sent);
    CHECK_OP(&sent, EN_ETIMEDOUT);
    CHECK_OK(en_async_tcp_client_send_eof(side.client, 5000, op_done, &ended, NULL));
    op_wait(side.loop, &ended);
    CHECK_OP(&ended, EN_OK);
    async_wire_close(&side);
}

/* The end of the stream is sent in its turn: what was asked for later comes too late. */
static void nothing_overtakes_the_end(void)
{
    op_t end = {0};
    op_t late = {0};
    async_wire_t side;

    async_wire_open(&side, NULL);
    CHECK_OK(en_async_tcp_client_send_eof(side.client, 5000, op_done, &end, NULL));
    CHECK_OK(async_put(&side, "late", &late));
    op_wait(side.loop, &late);
    CHECK_OP(&end, EN_OK);
    CHECK_OP(&late, EN_ESHUTDOWN);
    peer_expect_end(side.fd);
    async_wire_close(&side);
}

static void the_end_of_the_stream(void)
{
    op_t end = {0};
    op_t got = {0};
    op_t after = {0};
    async_wire_t side;

    async_wire_open(&side, NULL);
    CHECK_OK(async_put(&side, "last", NULL));
    CHECK_OK(en_async_tcp_client_send_eof(side.client, 1000, op_done, &end, NULL));
    op_wait(side.loop, &end);
    CHECK_OP(&end, EN_OK);
    peer_expect_text(side.fd, "last\n");
    peer_expect_end(side.fd);
    CHECK_OK(async_put(&side, "more", &after));
    op_wait(side.loop, &after);
    CHECK_OP(&after, EN_ESHUTDOWN);
    peer_send_text(side.fd, "answer\nhalf");
    peer_end(side.fd);
    CHECK_OK(async_get(&side, 5000, &got));
    op_wait(side.loop, &got);
    CHECK_BYTES(got.data, got.size, "answer", 6);
    for (int i = 0; i < 2; i++) {
        got = (op_t){0};
        CHECK_OK(async_get(&side, 5000, &got));
        op_wait(side.loop, &got);
        CHECK_OP(&got, EN_ETRUNCATED);
    }
    async_wire_close(&side);
}

static void closing_connects_nobody(void)
{
    op_t got = {0};
    op_t closed = {0};
    async_wire_t side;
    struct pollfd entry = {.events = POLLIN};

    async_wire_new(&side, NULL);
    CHECK_OK(async_get(&side, 5000, &got));
    CHECK_OK(en_async_tcp_client_close(side.client, 5000, op_done, &closed, NULL));
    op_wait(side.loop, &closed);
    CHECK_OP(&closed, EN_OK);
    CHECK_OP(&got, EN_ECLOSED);
    entry.fd = side.listener;
    CHECK_INT(poll(&entry, 1, 0), 0);
    async_wire_close(&side);
}

/* Who kept a duplicate goes on with it: that is no business of the loop any more. */
static void a_closed_descriptor_is_not_watched(void)
{
    en_stream_protocol_t *lines = protocol_line();
    async_wire_t side;
    int kept;
    struct pollfd entry = {.events = POLLIN};
    op_t op = {0};

    async_wire_open(&side, NULL);
    kept = dup(en_async_tcp_client_fileno(side.client));
    REQUIRE(kept >= 0);
    en_async_tcp_client_free(side.client);
    REQUIRE_OK(en_async_tcp_client_from_fd(&side.client, side.loop, dup(kept), lines, NULL));
    en_stream_protocol_free(lines);
    CHECK_OK(en_async_tcp_client_close(side.client, 1000, op_done, &op, NULL));
    op_wait(side.loop, &op);
    entry.fd = en_loop_fd(side.loop);
    CHECK_OK(en_loop_run_once(side.loop, 0));
    CHECK_INT(poll(&entry, 1, 0), 0);
    peer_end(side.fd);
    CHECK_INT(poll(&entry, 1, 10), 0);
    close(kept);
    async_wire_close(&side);
}

static const test_case_t cases[] = {
    CASE(closing_gracefully),
    CASE(closing_abruptly),
    CASE(the_end_behind_a_send_that_was_given_up),
    CASE(nothing_overtakes_the_end),
    CASE(the_end_of_the_stream),
    CASE(closing_connects_nobody),
    CASE(a_closed_descriptor_is_not_watched),
};

TEST_MAIN("async_closing")
