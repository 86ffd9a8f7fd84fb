/* The write buffer of a client on a loop. */
#include "async_wire.h"
#include "low.h"
#include "peer.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void what_is_buffered_goes_with_the_next_turn(void)
{
    en_tcp_options_t *options = options_new();
    op_t ops[2] = {{0}, {0}};
    en_stats_t stats = {.struct_size = sizeof(stats)};
    async_wire_t side;

    CHECK_OK(en_tcp_options_set_write_buffer(options, 4096));
    async_wire_open(&side, options);
    CHECK_OK(async_put(&side, "one", &ops[0]));
    CHECK_OK(async_put(&side, "two", &ops[1]));
    peer_expect_nothing(side.fd);
    op_wait(side.loop, &ops[1]);
    peer_expect_text(side.fd, "one\ntwo\n");
    CHECK_OK(en_async_tcp_client_get_stats(side.client, &stats));
    CHECK_INT(stats.send_calls, 1);
    async_wire_close(&side);
}

/* Also if nobody wants to know. */
static void what_is_put_aside_goes_unasked(void)
{
    en_tcp_options_t *options = options_new();
    async_wire_t side;

    CHECK_OK(en_tcp_options_set_write_buffer(options, 4096));
    async_wire_open(&side, options);
    CHECK_OK(en_loop_run_once(side.loop, 0));
    CHECK_OK(async_put(&side, "one", NULL));
    CHECK_OK(en_loop_run_once(side.loop, 0));
    peer_expect_text(side.fd, "one\n");
    async_wire_close(&side);
}

/* Without a write buffer, too. */
static void a_flush_waits_for_what_waits(void)
{
    static char large[8 << 20];
    op_t sent = {0}, flushed = {0};
    script_t script;
    step_t steps[] = {{.what = STEP_DRAIN}};
    async_wire_t side;

    memset(large, 'x', sizeof(large));
    async_wire_open(&side, NULL);
    CHECK_OK(en_async_tcp_client_send_packet(side.client, large, sizeof(large), 20000, op_done,
                                             &sent, NULL));
    CHECK_OK(en_async_tcp_client_flush(side.client, 20000, op_done, &flushed, NULL));
    op_still_waits(side.loop, &flushed);
    script_start(&script, side.fd, steps, 1);
    op_wait(side.loop, &flushed);
    CHECK_OP(&sent, EN_OK);
    CHECK_OP(&flushed, EN_OK);
    en_async_tcp_client_free(side.client);
    side.client = NULL;
    script_join(&script);
    async_wire_close(&side);
}

static void a_flush_sends_what_was_put_aside(void)
{
    en_tcp_options_t *options = options_new();
    op_t sent = {0}, flushed = {0}, nothing = {0};
    async_wire_t side;

    CHECK_OK(en_tcp_options_set_write_buffer(options, 4096));
    async_wire_open(&side, options);
    CHECK_OK(en_async_tcp_client_flush(side.client, 5000, op_done, &nothing, NULL));
    CHECK_INT(nothing.calls, 0);
    op_wait(side.loop, &nothing);
    CHECK_OP(&nothing, EN_OK);
    CHECK_OK(en_async_tcp_client_send_packet(side.client, "aside", 5, 5000, op_done, &sent, NULL));
    CHECK_OK(en_async_tcp_client_flush(side.client, 5000, op_done, &flushed, NULL));
    op_wait(side.loop, &flushed);
    CHECK_OP(&sent, EN_OK);
    CHECK_OP(&flushed, EN_OK);
    peer_expect_text(side.fd, "aside\n");
    async_wire_close(&side);
}

static void what_fits_is_put_aside_also_while_there_is_no_room_to_send(void)
{
    static const char filling[4096], large[8000];
    en_stream_protocol_t *raw = protocol_raw();
    en_unix_stream_options_t *options = NULL;
    en_async_unix_stream_client_t *client = NULL;
    op_t sent[3] = {{0}}, flushed = {0};
    en_loop_t *loop = loop_new();
    size_t filled = 0;
    ssize_t count;
    char taken[4096], got[9];
    int ends[2];

    pair_open(SOCK_STREAM, ends);
    while ((count = send(ends[0], filling, sizeof(filling), MSG_DONTWAIT)) > 0)
        filled += (size_t)count;
    REQUIRE_OK(en_unix_stream_options_new(&options));
    REQUIRE_OK(en_unix_stream_options_set_write_buffer(options, sizeof(large) + 4));
    REQUIRE_OK(en_async_unix_stream_client_from_fd(&client, loop, ends[0], raw, options));
    en_unix_stream_options_free(options);
    en_stream_protocol_free(raw);
    CHECK_OK(en_async_unix_stream_client_send_packet(client, large, sizeof(large), 0, op_done,
                                                     &sent[0], NULL));
    CHECK_OK(en_async_unix_stream_client_flush(client, 0, op_done, &flushed, NULL));
    op_wait(loop, &flushed);
    CHECK_OP(&flushed, EN_ETIMEDOUT);
    CHECK_OP(&sent[0], EN_OK);
    /* This fits, and the next one does not. */
    CHECK_OK(
        en_async_unix_stream_client_send_packet(client, "abcd", 4, 0, op_done, &sent[1], NULL));
    CHECK_OK(
        en_async_unix_stream_client_send_packet(client, "efgh", 4, 0, op_done, &sent[2], NULL));
    op_wait(loop, &sent[2]);
    CHECK_OP(&sent[1], EN_OK);
    CHECK_OP(&sent[2], EN_ETIMEDOUT);
    CHECK_OK(en_async_unix_stream_client_close(client, 5000, NULL, NULL, NULL));
    for (filled += sizeof(large); filled > 0; CHECK_OK(en_loop_run_once(loop, 0)))
        filled -= peer_read(ends[1], taken, filled < sizeof(taken) ? filled : sizeof(taken));
    CHECK_OK(en_loop_run(loop));
    CHECK_BYTES(got, peer_read(ends[1], got, sizeof(got)), "abcd", 4);
    en_async_unix_stream_client_free(client);
    en_loop_free(loop);
    close(ends[1]);
}

static void what_was_put_aside_gets_an_attempt_at_the_end(void)
{
    for (int of_the_loop = 0; of_the_loop < 2; of_the_loop++) {
        en_tcp_options_t *options = options_new();
        op_t sent = {0};
        async_wire_t side;

        CHECK_OK(en_tcp_options_set_write_buffer(options, 4096));
        async_wire_open(&side, options);
        CHECK_OK(async_put(&side, "aside", &sent));
        if (of_the_loop) {
            en_loop_free(side.loop);
            side.loop = NULL;
        } else {
            en_async_tcp_client_free(side.client);
            side.client = NULL;
        }
        CHECK_OP(&sent, EN_OK);
        peer_expect_text(side.fd, "aside\n");
        async_wire_close(&side);
    }
}

static void a_flush_after_what_was_lost_says_so(void)
{
    en_tcp_options_t *options = options_new();
    op_t reset = {0}, sent = {0}, ended = {0}, flushed = {0};
    async_wire_t side;

    CHECK_OK(en_tcp_options_set_write_buffer(options, 4096));
    async_wire_open(&side, options);
    peer_reset(side.fd);
    side.fd = -1;
    CHECK_OK(async_get(&side, 20000, &reset));
    op_wait(side.loop, &reset);
    CHECK_OP(&reset, EN_ECONNRESET);
    CHECK_OK(async_put(&side, "lost", &sent));
    CHECK_OK(en_async_tcp_client_send_eof(side.client, 5000, op_done, &ended, NULL));
    op_wait(side.loop, &ended);
    CHECK_OP(&sent, EN_OK);
    CHECK_OP(&ended, EN_EPIPE);
    CHECK_OK(en_async_tcp_client_flush(side.client, 5000, op_done, &flushed, NULL));
    op_wait(side.loop, &flushed);
    CHECK_OP(&flushed, EN_EPIPE);
    async_wire_close(&side);
}

static const test_case_t cases[] = {
    CASE(what_is_buffered_goes_with_the_next_turn),
    CASE(what_is_put_aside_goes_unasked),
    CASE(a_flush_waits_for_what_waits),
    CASE(a_flush_sends_what_was_put_aside),
    CASE(what_fits_is_put_aside_also_while_there_is_no_room_to_send),
    CASE(what_was_put_aside_gets_an_attempt_at_the_end),
    CASE(a_flush_after_what_was_lost_says_so),
};

TEST_MAIN("async_buffer")
