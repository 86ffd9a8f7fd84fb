/* TCP clients on a loop: sending and receiving. */
#include "async_wire.h"
#include "low.h"
#include "peer.h"
#include "tls.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void each_direction_is_served_in_order(void)
{
    op_t sends[3] = {{0}, {0}, {0}};
    op_t gets[3] = {{0}, {0}, {0}};
    const char *texts[] = {"one", "two", "three"};
    async_wire_t side;

    async_wire_new(&side, NULL);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(async_put(&side, texts[i], &sends[i]));
        CHECK_OK(async_get(&side, 5000, &gets[i]));
    }
    CHECK(sends[0].operation < sends[1].operation);
    op_wait(side.loop, &sends[2]);
    side.fd = peer_accept(side.listener);
    peer_expect_text(side.fd, "one\ntwo\nthree\n");
    peer_send_text(side.fd, "three\ntwo\none\n");
    op_wait(side.loop, &gets[2]);
    for (int i = 0; i < 3; i++) {
        CHECK_OP(&sends[i], EN_OK);
        CHECK_OP(&gets[i], EN_OK);
        CHECK_BYTES(gets[i].data, gets[i].size, texts[2 - i], strlen(texts[2 - i]));
    }
    async_wire_close(&side);
}

static void receives_that_end_early_lose_nothing(void)
{
    op_t timed = {0};
    op_t cancelled = {0};
    op_t whole = {0};
    int64_t start;
    async_wire_t side;

    async_wire_open(&side, NULL);
    peer_send_text(side.fd, "hal");
    start = now_ms();
    CHECK_OK(async_get(&side, 40, &timed));
    op_wait(side.loop, &timed);
    CHECK_OP(&timed, EN_ETIMEDOUT);
    CHECK_TOOK(start, 40);
    CHECK_OK(async_get(&side, EN_TIMEOUT_INFINITE, &cancelled));
    op_still_waits(side.loop, &cancelled);
    CHECK_OK(en_loop_cancel(side.loop, cancelled.operation));
    CHECK_INT(cancelled.calls, 0);
    op_wait(side.loop, &cancelled);
    CHECK_OP(&cancelled, EN_ECANCELED);
    peer_send_text(side.fd, "f\n");
    CHECK_OK(async_get(&side, 5000, &whole));
    op_wait(side.loop, &whole);
    CHECK_OP(&whole, EN_OK);
    CHECK_BYTES(whole.data, whole.size, "half", 4);
    CHECK_OK(en_loop_cancel(side.loop, whole.operation)); /* it keeps its result */
    CHECK_OK(en_loop_run(side.loop));
    CHECK_INT(whole.calls, 1);
    async_wire_close(&side);
}

static char large[8 << 20];

static void sends_that_end_early(void)
{
    op_t first = {0};
    op_t second = {0};
    op_t third = {0};
    op_t got = {0};
    async_wire_t side;

    memset(large, 'x', sizeof(large));
    async_wire_open(&side, NULL);
    CHECK_OK(en_async_tcp_client_send_packet(side.client, large, sizeof(large), -1, op_done, &first,
                                             &first.operation));
    CHECK_OK(async_put(&side, "never begun", &second));
    op_still_waits(side.loop, &first);
    CHECK_OK(en_loop_cancel(side.loop, second.operation));
    op_wait(side.loop, &second);
    CHECK_OP(&second, EN_ECANCELED);
    CHECK_OK(en_loop_cancel(side.loop, first.operation)); /* half of it has gone */
    op_wait(side.loop, &first);
    CHECK_OP(&first, EN_ECANCELED);
    CHECK_OK(async_put(&side, "after", &third));
    op_wait(side.loop, &third);
    CHECK_OP(&third, EN_EPIPE);
    peer_send_text(side.fd, "still heard\n");
    CHECK_OK(async_get(&side, 5000, &got));
    op_wait(side.loop, &got);
    CHECK_OP(&got, EN_OK);
    async_wire_close(&side);
}

/* Takes what has come, which must be this letter again and again: how much it was. */
static size_t take_letters(int fd, char letter)
{
    static char came[sizeof(large) + 1];
    ssize_t size = recv(fd, came, sizeof(came), MSG_DONTWAIT);
    size_t same = 0;

    if (size <= 0)
        return 0;
    while (same < (size_t)size && came[same] == letter)
        same++;
    CHECK(same == (size_t)size || (same == (size_t)size - 1 && came[same] == '\n'));
    return (size_t)size;
}

static void large_packets_go_when_there_is_room(void)
{
    op_t op = {0};
    en_slice_t parts[] = {{large, sizeof(large) / 2}, {large, sizeof(large) / 2}};
    en_stats_t stats = {.struct_size = sizeof(stats)};
    size_t came = 0;
    async_wire_t side;

    memset(large, 'x', sizeof(large));
    async_wire_open(&side, NULL);
    CHECK_OK(
        en_async_tcp_client_send_packet_slices(side.client, parts, 2, 20000, op_done, &op, NULL));
    memset(large, 'y', sizeof(large)); /* it was copied */
    while (came < sizeof(large) + 1) {
        CHECK_OK(en_loop_run_once(side.loop, 0));
        came += take_letters(side.fd, 'x');
    }
    op_wait(side.loop, &op);
    CHECK_OP(&op, EN_OK);
    CHECK_OK(en_async_tcp_client_get_stats(side.client, &stats));
    CHECK_INT(stats.bytes_sent, sizeof(large) + 1);
    CHECK_INT(stats.packets_sent, 1);
    async_wire_close(&side);
}

static void many_at_once(void)
{
    en_slice_t packets[] = {{"one", 3}, {"two", 3}, {"with\n", 5}};
    op_t op = {0};
    async_wire_t side;

    async_wire_open(&side, NULL);
    CHECK_OK(en_async_tcp_client_send_packets(side.client, packets, 2, 5000, op_sent, &op, NULL));
    op_wait(side.loop, &op);
    CHECK_OP(&op, EN_OK);
    CHECK_INT(op.count, 2);
    peer_expect_text(side.fd, "one\ntwo\n");
    op.calls = 0;
    CHECK_CODE(en_async_tcp_client_send_packets(side.client, packets, 3, 5000, op_sent, &op, NULL),
               EN_EINVAL); /* and then it never calls back */
    CHECK_OK(en_loop_run(side.loop));
    CHECK_INT(op.calls, 0);
    peer_expect_nothing(side.fd);
    async_wire_close(&side);
}

typedef struct {
    async_wire_t *side;
    int stop_after;
    int calls;
    int last;
    char all[256];
} stream_t;

static int collect(int status, en_packet_t *packet, void *user_data)
{
    stream_t *stream = user_data;

    stream->calls++;
    stream->last = status;
    if (!packet)
        return EN_RECEIVE_STOP;
    strncat(stream->all, (const char *)packet->data, packet->size);
    en_packet_release(packet);
    return stream->calls == stream->stop_after ? EN_RECEIVE_STOP : EN_RECEIVE_MORE;
}

static void until_somebody_has_enough(void)
{
    stream_t stream = {.stop_after = 2};
    op_t op = {0};
    async_wire_t side;

    async_wire_open(&side, NULL);
    CHECK_OK(en_async_tcp_client_recv_start(side.client, collect, &stream, NULL));
    CHECK_CODE(async_get(&side, 0, &op), EN_EBUSY);
    CHECK_CODE(en_async_tcp_client_recv_start(side.client, collect, &stream, NULL), EN_EBUSY);
    peer_send_text(side.fd, "a\nb\nc\nd\n");
    CHECK_OK(en_loop_run(side.loop)); /* ends with the receive */
    CHECK_INT(stream.calls, 2);
    CHECK_TEXT(stream.all, "ab");
    stream.stop_after = 0;
    CHECK_OK(en_async_tcp_client_recv_start(side.client, collect, &stream, NULL));
    while (stream.calls < 4)
        CHECK_OK(en_loop_run_once(side.loop, 1000));
    CHECK_TEXT(stream.all, "abcd");
    CHECK_OK(en_async_tcp_client_recv_stop(side.client));
    CHECK_OK(en_async_tcp_client_recv_stop(side.client));
    CHECK_OK(en_loop_run(side.loop));
    CHECK_INT(stream.calls, 4);
    CHECK_OK(en_async_tcp_client_recv_start(side.client, collect, &stream, NULL));
    peer_send_text(side.fd, "last\n");
    peer_end(side.fd);
    CHECK_OK(en_loop_run(side.loop)); /* ends with the stream */
    CHECK_TEXT(stream.all, "abcdlast");
    CHECK_CODE(stream.last, EN_ECONNABORTED);
    CHECK_INT(stream.calls, 6);
    async_wire_close(&side);
}

typedef struct {
    en_async_tcp_client_t *client;
    int calls;
    op_t rest;
    en_packet_t kept;
} picky_t;

/* Takes two, keeps the second, and has the others come one by one. */
static int take_two(int status, en_packet_t *packet, void *user_data)
{
    picky_t *picky = user_data;

    CHECK_CODE(status, EN_OK);
    if (++picky->calls == 1) {
        en_packet_release(packet);
        return EN_RECEIVE_MORE;
    }
    picky->kept = *packet;
    CHECK_OK(en_async_tcp_client_recv_stop(picky->client));
    CHECK_OK(en_async_tcp_client_recv_packet(picky->client, -1, op_received, &picky->rest, NULL));
    return EN_RECEIVE_MORE;
}

/* Packets that have come together go one way or the other, each once, and are counted when they do.
 */
static void what_came_together_may_go_apart(void)
{
    async_wire_t side;
    picky_t picky = {0};
    stream_t stream = {.stop_after = 2};
    en_stats_t stats = {.struct_size = sizeof(stats)};

    async_wire_open(&side, NULL);
    picky.client = side.client;
    CHECK_OK(en_async_tcp_client_recv_start(side.client, take_two, &picky, NULL));
    peer_send_text(side.fd, "1\n2\n3\n4\n5\n");
    op_wait(side.loop, &picky.rest);
    CHECK_OP(&picky.rest, EN_OK);
    CHECK_INT(picky.calls, 2);
    CHECK_BYTES(picky.rest.data, picky.rest.size, "3", 1);
    CHECK_OK(en_async_tcp_client_get_stats(side.client, &stats));
    CHECK_INT(stats.packets_received, 3);
    CHECK_OK(en_async_tcp_client_recv_start(side.client, collect, &stream, NULL));
    while (stream.calls < 2)
        CHECK_OK(en_loop_run_once(side.loop, -1));
    CHECK_TEXT(stream.all, "45");
    CHECK_BYTES(picky.kept.data, picky.kept.size, "2", 1);
    en_packet_release(&picky.kept);
    async_wire_close(&side);
}

/* A packet that cannot be decoded ends one receive; what has come behind it is for the next. */
static void a_bad_packet_among_others(void)
{
    async_wire_t side;
    op_t ops[3] = {0};
    stream_t failing = {0};
    stream_t stream = {.stop_after = 1};
    en_tcp_options_t *options = NULL;

    REQUIRE_OK(en_tcp_options_new(&options));
    REQUIRE_OK(en_tcp_options_set_max_packet_size(options, 3));
    async_wire_open(&side, options);
    peer_send_text(side.fd, "1\nlong\n2\nlong\n3\n");
    for (int i = 0; i < 3; i++) {
        CHECK_OK(async_get(&side, 5000, &ops[i]));
        op_wait(side.loop, &ops[i]);
        CHECK_OP(&ops[i], i == 1 ? EN_EMSGSIZE : EN_OK);
    }
    CHECK_BYTES(ops[2].data, ops[2].size, "2", 1);
    CHECK_OK(en_async_tcp_client_recv_start(side.client, collect, &failing, NULL));
    CHECK_OK(en_loop_run(side.loop));
    CHECK_INT(failing.calls, 1);
    CHECK_CODE(failing.last, EN_EMSGSIZE);
    CHECK_OK(en_async_tcp_client_recv_start(side.client, collect, &stream, NULL));
    CHECK_OK(en_loop_run(side.loop));
    CHECK_TEXT(stream.all, "3");
    async_wire_close(&side);
}

static void who_has_enough_is_not_read_for(void)
{
    stream_t stream = {.stop_after = 1};
    size_t gone = 0;
    ssize_t count;
    async_wire_t side;

    async_wire_open(&side, NULL);
    CHECK_OK(en_async_tcp_client_recv_start(side.client, collect, &stream, NULL));
    peer_send_text(side.fd, "one\n");
    CHECK_OK(en_loop_run(side.loop));
    while ((count = send(side.fd, large, sizeof(large), MSG_DONTWAIT)) > 0) {
        gone += (size_t)count;
        CHECK_OK(en_loop_run_once(side.loop, 0));
    }
    CHECK(gone < ((size_t)64 << 20)); /* the peer has to wait at some time */
    async_wire_close(&side);
}

static void a_budget_for_all(void)
{
    stream_t stream = {0};
    op_t op = {0};
    int64_t start;
    async_wire_t side;

    async_wire_open(&side, NULL);
    peer_send_text(side.fd, "a\nb\n");
    start = now_ms();
    CHECK_OK(en_async_tcp_client_iter_received_packets(side.client, 80, collect, &stream,
                                                       &op.operation));
    CHECK_OK(en_loop_run(side.loop));
    CHECK_TOOK(start, 80);
    CHECK_TEXT(stream.all, "ab");
    CHECK_CODE(stream.last, EN_ETIMEDOUT);
    async_wire_close(&side);
}

static int take_slowly(int status, en_packet_t *packet, void *user_data)
{
    op_received(status, packet, user_data);
    if (packet)
        pause_ms(150);
    return EN_RECEIVE_MORE;
}

/* Only waiting counts, and not what the application does with a packet. */
static void a_budget_of_waiting(void)
{
    op_t op = {0};
    int64_t start;
    async_wire_t side;

    async_wire_open(&side, NULL);
    CHECK_OK(en_async_tcp_client_iter_received_packets(side.client, 100, take_slowly, &op, NULL));
    peer_send_text(side.fd, "a\n");
    start = now_ms();
    CHECK_OK(en_loop_run(side.loop));
    CHECK(now_ms() - start >= 150 + 50);
    CHECK_INT(op.calls, 2);
    CHECK_CODE(op.status, EN_ETIMEDOUT);
    async_wire_close(&side);
}

static int count_them(int status, en_packet_t *packet, void *user_data)
{
    stream_t *stream = user_data;

    stream->last = status;
    stream->calls += packet != NULL;
    en_packet_release(packet);
    if (stream->calls <= 30)
        pause_ms(1);
    return EN_RECEIVE_MORE;
}

/* The others' turn comes before all of it is handed on; two receives at once there are not. */
static void one_turn_is_not_for_all(void)
{
    enum { LINES = 4000 };
    static char lines[2 * LINES];
    stream_t stream = {.calls = 30};
    op_t op = {0};
    async_wire_t side;

    for (int i = 0; i < LINES; i++)
        memcpy(lines + 2 * i, "x\n", 2);
    async_wire_open(&side, NULL);
    CHECK_OK(async_get(&side, 5000, &op));
    CHECK_CODE(en_async_tcp_client_recv_start(side.client, count_them, &stream, NULL), EN_EBUSY);
    peer_send(side.fd, lines, sizeof(lines));
    op_wait(side.loop, &op);
    CHECK_OK(en_async_tcp_client_recv_start(side.client, count_them, &stream, NULL));
    CHECK_OK(en_loop_run_once(side.loop, 0));
    CHECK(stream.calls > 30 && stream.calls < 1000);
    async_wire_close(&side);
}

/* Who does not wait is given all that is there, over however many turns, and however long they
 * take. */
static void a_budget_of_nothing(void)
{
    enum { LINES = 1000 };
    static char lines[2 * LINES];
    op_t op = {0};
    stream_t stream = {0};
    async_wire_t side;

    for (int i = 0; i < LINES; i++)
        memcpy(lines + 2 * i, "x\n", 2);
    async_wire_open(&side, NULL);
    peer_send(side.fd, lines, sizeof(lines));
    CHECK_OK(en_loop_run_once(side.loop, 5000)); /* it is told of them */
    CHECK_OK(en_async_tcp_client_iter_received_packets(side.client, 0, count_them, &stream,
                                                       &op.operation));
    CHECK_OK(en_loop_run(side.loop));
    CHECK_INT(stream.calls, LINES);
    CHECK_CODE(stream.last, EN_ETIMEDOUT);
    async_wire_close(&side);
}

static int take_until_it_ends(int status, en_packet_t *packet, void *user_data)
{
    op_received(status, packet, user_data);
    return EN_RECEIVE_MORE;
}

/* Sends what nobody receives, so that the next call is told of it. */
static void send_into_the_void(en_loop_t *loop, en_async_udp_client_t *client)
{
    op_t op = {0};

    CHECK_OK(en_async_udp_client_send_packet(client, "x", 1, 5000, op_done, &op, NULL));
    op_wait(loop, &op);
    CHECK_OP(&op, EN_OK);
    wait_readable(en_async_udp_client_fileno(client));
}

static void errors_say_whether_they_are_of_sending_or_receiving(void)
{
    en_datagram_protocol_t *datagrams = protocol_datagrams();
    en_loop_t *loop = loop_new();
    en_async_udp_client_t *client = NULL;
    int fd = udp_bound("127.0.0.1");
    op_t ops[3] = {{0}};

    REQUIRE_OK(en_async_udp_client_new(&client, loop, "127.0.0.1", peer_port(fd), datagrams, NULL));
    close(fd);
    en_datagram_protocol_free(datagrams);
    for (int i = 0; i < 3; i++) {
        send_into_the_void(loop, client);
        if (i == 0)
            CHECK_OK(en_async_udp_client_send_packet(client, "x", 1, 5000, op_done, &ops[i], NULL));
        else if (i == 1)
            CHECK_OK(en_async_udp_client_recv_packet(client, 5000, op_received, &ops[i], NULL));
        else
            CHECK_OK(en_async_udp_client_recv_start(client, take_until_it_ends, &ops[i], NULL));
        op_wait(loop, &ops[i]);
        CHECK_OP(&ops[i], EN_ECONNREFUSED);
        CHECK_HAS(ops[i].message, i == 0 ? "send 127.0.0.1:" : "receive 127.0.0.1:");
    }
    en_async_udp_client_free(client);
    en_loop_free(loop);
}

static void errors_of_closing_say_so(void)
{
    en_unix_stream_options_t *options = NULL;
    en_async_unix_stream_client_t *client = NULL;
    en_stream_protocol_t *lines = protocol_line();
    en_loop_t *loop = loop_new();
    op_t closed = {0};
    int ends[2];

    pair_open(SOCK_STREAM, ends);
    close(ends[1]);
    REQUIRE_OK(en_unix_stream_options_new(&options));
    REQUIRE_OK(en_unix_stream_options_set_write_buffer(options, 4096));
    REQUIRE_OK(en_async_unix_stream_client_from_fd(&client, loop, ends[0], lines, options));
    en_unix_stream_options_free(options);
    en_stream_protocol_free(lines);
    CHECK_OK(en_async_unix_stream_client_send_packet(client, "x", 1, 5000, NULL, NULL, NULL));
    CHECK_OK(en_async_unix_stream_client_close(client, 5000, op_done, &closed, NULL));
    op_wait(loop, &closed);
    CHECK_OP(&closed, EN_EPIPE);
    CHECK_HAS(closed.message, "close ");
    en_async_unix_stream_client_free(client);
    en_loop_free(loop);
}

enum { MANY = 500 };

static void many_clients(void)
{
    static en_async_tcp_client_t *clients[MANY];
    static op_t ops[MANY];
    static int fds[MANY];
    en_stream_protocol_t *protocol = protocol_line();
    en_loop_t *loop = loop_new();
    int listener = peer_listen("127.0.0.1", MANY);

    memset(ops, 0, sizeof(ops));
    for (int i = 0; i < MANY; i++) {
        REQUIRE_OK(en_async_tcp_client_new(&clients[i], loop, "127.0.0.1", peer_port(listener),
                                           protocol, NULL));
        CHECK_OK(en_async_tcp_client_send_packet(clients[i], "hello", 5, -1, NULL, NULL, NULL));
        CHECK_OK(en_async_tcp_client_recv_packet(clients[i], -1, op_received, &ops[i], NULL));
        CHECK_OK(en_loop_run_once(loop, 0));
    }
    for (int i = 0; i < MANY; i++) {
        fds[i] = peer_accept(listener);
        CHECK_OK(en_loop_run_once(loop, 0));
        peer_expect_text(fds[i], "hello\n");
        peer_send_text(fds[i], "there\n");
    }
    CHECK_OK(en_loop_run(loop));
    for (int i = 0; i < MANY; i++) {
        CHECK_OP(&ops[i], EN_OK);
        en_async_tcp_client_free(clients[i]);
        close(fds[i]);
    }
    en_stream_protocol_free(protocol);
    en_loop_free(loop);
    close(listener);
}

static const test_case_t cases[] = {
    CASE(each_direction_is_served_in_order),
    CASE(receives_that_end_early_lose_nothing),
    CASE(sends_that_end_early),
    CASE(large_packets_go_when_there_is_room),
    CASE(many_at_once),
    CASE(until_somebody_has_enough),
    CASE(what_came_together_may_go_apart),
    CASE(a_bad_packet_among_others),
    CASE(who_has_enough_is_not_read_for),
    CASE(a_budget_for_all),
    CASE(a_budget_of_waiting),
    CASE(a_budget_of_nothing),
    CASE(one_turn_is_not_for_all),
    CASE(errors_say_whether_they_are_of_sending_or_receiving),
    CASE(errors_of_closing_say_so),
    CASE(many_clients),
};

TEST_MAIN("async")
