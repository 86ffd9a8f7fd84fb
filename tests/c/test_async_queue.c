/* How much waits to be sent on a loop. */
#include "async_wire.h"
#include "low.h"
#include "peer.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static size_t queued(const async_wire_t *side)
{
    size_t size = SIZE_MAX;

    CHECK_OK(en_async_tcp_client_send_queue_size(side->client, &size));
    return size;
}

static uint64_t bytes_sent(const async_wire_t *side)
{
    en_stats_t stats = {.struct_size = sizeof(stats)};

    CHECK_OK(en_async_tcp_client_get_stats(side->client, &stats));
    return stats.bytes_sent;
}

static void what_waits_for_the_connection_is_counted_as_it_will_go(void)
{
    op_t ops[2] = {{0}, {0}};
    async_wire_t side;

    async_wire_new(&side, NULL);
    CHECK_INT(queued(&side), 0);
    CHECK_OK(async_put(&side, "one", &ops[0]));
    CHECK_INT(queued(&side), 4);
    CHECK_OK(async_put(&side, "seven", &ops[1]));
    CHECK_INT(queued(&side), 10);
    op_wait(side.loop, &ops[1]);
    CHECK_INT(queued(&side), 0);
    side.fd = peer_accept(side.listener);
    peer_expect_text(side.fd, "one\nseven\n");
    async_wire_close(&side);
}

static void what_the_system_has_taken_no_longer_is(void)
{
    static char large[8 << 20];
    const size_t total = sizeof(large) + 1 + 6 + 7;
    op_t first = {0}, second = {0}, third = {0};
    script_t script;
    step_t steps[] = {{.what = STEP_DRAIN}};
    async_wire_t side;

    memset(large, 'x', sizeof(large));
    async_wire_open(&side, NULL);
    CHECK_OK(en_async_tcp_client_send_packet(side.client, large, sizeof(large), 20000, op_done,
                                             &first, NULL));
    CHECK_OK(async_put(&side, "first", &second));
    CHECK_OK(async_put(&side, "second", &third));
    op_still_waits(side.loop, &first);
    CHECK(bytes_sent(&side) > 0);
    CHECK_INT(queued(&side) + bytes_sent(&side), total);
    CHECK_OK(en_loop_cancel(side.loop, second.operation));
    op_wait(side.loop, &second);
    CHECK_OP(&second, EN_ECANCELED);
    CHECK_INT(queued(&side) + bytes_sent(&side), total - 6);
    script_start(&script, side.fd, steps, 1);
    op_wait(side.loop, &third);
    CHECK_OP(&first, EN_OK);
    CHECK_INT(queued(&side), 0);
    CHECK_OK(en_async_tcp_client_send_eof(side.client, 5000, NULL, NULL, NULL));
    CHECK_OK(en_loop_run(side.loop));
    script_join(&script);
    async_wire_close(&side);
}

static void what_is_closed_has_nothing_to_send(void)
{
    op_t sent = {0};
    async_wire_t side;

    async_wire_new(&side, NULL);
    CHECK_OK(async_put(&side, "last", &sent));
    CHECK_INT(queued(&side), 5);
    CHECK_OK(en_async_tcp_client_close(side.client, 5000, NULL, NULL, NULL));
    CHECK_INT(queued(&side), 5);
    op_wait(side.loop, &sent);
    CHECK_OP(&sent, EN_OK);
    CHECK_OK(en_loop_run(side.loop));
    CHECK_INT(queued(&side), 0);
    async_wire_close(&side);
}

static void the_write_buffer_counts(void)
{
    en_tcp_options_t *options = options_new();
    op_t sent = {0};
    async_wire_t side;

    CHECK_OK(en_tcp_options_set_write_buffer(options, 4096));
    async_wire_open(&side, options);
    CHECK_OK(async_put(&side, "aside", &sent));
    CHECK_INT(queued(&side), 6);
    op_wait(side.loop, &sent);
    CHECK_OK(en_loop_run_once(side.loop, 0));
    CHECK_INT(queued(&side), 0);
    async_wire_close(&side);
}

static void datagrams_that_find_no_room_are_counted(void)
{
    static const char datagram[1000];
    en_datagram_protocol_t *raw = NULL;
    en_async_unix_datagram_client_t *client = NULL;
    en_loop_t *loop = loop_new();
    op_t first = {0}, last = {0};
    size_t size = SIZE_MAX, waiting = 0;
    char taken[sizeof(datagram)];
    int ends[2];

    pair_open(SOCK_DGRAM, ends);
    while (send(ends[0], datagram, sizeof(datagram), MSG_DONTWAIT) > 0)
        waiting++;
    REQUIRE_OK(en_datagram_protocol_new_raw(&raw, 0));
    REQUIRE_OK(en_async_unix_datagram_client_from_fd(&client, loop, ends[0], raw, NULL));
    en_datagram_protocol_free(raw);
    CHECK_OK(en_async_unix_datagram_client_send_packet(client, "first", 5, 20000, op_done, &first,
                                                       &first.operation));
    CHECK_OK(en_async_unix_datagram_client_send_packet(client, "abc", 3, 20000, NULL, NULL, NULL));
    CHECK_OK(
        en_async_unix_datagram_client_send_packet(client, "de", 2, 20000, op_done, &last, NULL));
    CHECK_OK(en_async_unix_datagram_client_send_queue_size(client, &size));
    CHECK_INT(size, 10);
    CHECK_OK(en_loop_cancel(loop, first.operation));
    op_wait(loop, &first);
    CHECK_OP(&first, EN_ECANCELED);
    CHECK_OK(en_async_unix_datagram_client_send_queue_size(client, &size));
    CHECK_INT(size, 5);
    for (; waiting > 0; waiting--)
        CHECK_INT(peer_read(ends[1], taken, 1), 1);
    op_wait(loop, &last);
    CHECK_OP(&last, EN_OK);
    CHECK_OK(en_async_unix_datagram_client_send_queue_size(client, &size));
    CHECK_INT(size, 0);
    en_async_unix_datagram_client_free(client);
    en_loop_free(loop);
    close(ends[1]);
}

static const test_case_t cases[] = {
    CASE(what_waits_for_the_connection_is_counted_as_it_will_go),
    CASE(what_the_system_has_taken_no_longer_is),
    CASE(what_is_closed_has_nothing_to_send),
    CASE(the_write_buffer_counts),
    CASE(datagrams_that_find_no_room_are_counted),
};

TEST_MAIN("async_queue")
