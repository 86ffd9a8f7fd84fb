/* What callbacks may do to the client on a loop that they are called for: those of a started
 * receive, of a protocol, and of a transport. */
#include "async.h"
#include "peer.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A client that receives every packet, and its peer. */
typedef struct side {
    en_loop_t *loop;
    en_async_unix_stream_client_t *client;
    int fd;
    uint64_t operation;
    int packets;
    op_t end;
    op_t receives[4];
    int answer; /* to the second packet and those behind it */
    void (*at_packet)(struct side *);
    void (*at_decode)(struct side *);
    int is_undecided; /* when it was asked for that */
    void (*at_encode)(struct side *);
    int decoded;
    int decoded_since; /* the handle ended */
    int packets_since;
    pid_t child;
} side_t;

static int take(int status, en_packet_t *packet, void *user_data)
{
    side_t *side = user_data;

    if (!packet) {
        op_done(status, &side->end);
        return EN_RECEIVE_STOP;
    }
    en_packet_release(packet);
    side->packets++;
    side->packets_since += side->client == NULL;
    if (side->packets == 2 && side->at_packet)
        side->at_packet(side);
    return side->packets < 2 ? EN_RECEIVE_MORE : side->answer;
}

static int encode(const en_slice_t *parts, size_t count, en_frame_t *frame, void *user_data)
{
    side_t *side = user_data;

    if (side->at_encode)
        side->at_encode(side);
    for (size_t i = 0; i < count; i++)
        CHECK_OK(en_frame_append(frame, parts[i].data, parts[i].size));
    return EN_CALLBACK_DONE;
}

/* Lines. */
static int decode(const uint8_t *data, size_t size, int at_end, size_t *used, en_slice_t *packet,
                  void *state, void *user_data)
{
    const uint8_t *end = memchr(data, '\n', size);
    side_t *side = user_data;

    (void)at_end, (void)state;
    side->decoded_since += side->client == NULL;
    if (!end)
        return EN_DECODE_MORE;
    if (++side->decoded == 2 && side->at_decode) {
        side->at_decode(side);
        if (side->is_undecided)
            return EN_DECODE_MORE;
    }
    *packet = (en_slice_t){data, (size_t)(end - data)};
    *used = packet->size + 1;
    return EN_DECODE_PACKET;
}

static void side_new(side_t *side, int answer)
{
    en_stream_protocol_callbacks_t callbacks = {sizeof(callbacks), encode, decode, NULL, NULL};
    en_stream_protocol_t *protocol = NULL;
    int ends[2];

    memset(side, 0, sizeof(*side));
    side->answer = answer;
    side->child = -1;
    side->loop = loop_new();
    REQUIRE_OK(en_stream_protocol_new(&protocol, &callbacks, 0, NULL, side));
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(
        en_async_unix_stream_client_from_fd(&side->client, side->loop, ends[0], protocol, NULL));
    en_stream_protocol_free(protocol);
    side->fd = ends[1];
}

static void side_open(side_t *side, int answer)
{
    side_new(side, answer);
    CHECK_OK(en_async_unix_stream_client_recv_start(side->client, take, side, &side->operation));
}

/* One that receives some packets, each by a call of its own. */
static void side_open_for_some(side_t *side)
{
    side_new(side, EN_RECEIVE_STOP);
    for (op_t *op = side->receives; op < side->receives + 4; op++)
        CHECK_OK(en_async_unix_stream_client_recv_packet(side->client, 5000, op_received, op,
                                                         &op->operation));
    side->operation = side->receives[2].operation;
}

static void side_run(side_t *side, const char *text)
{
    peer_send_text(side->fd, text);
    for (int i = 0; i < 5 && side->child != 0 && side->loop; i++)
        CHECK_OK(en_loop_run_once(side->loop, 1));
}

static void side_close(side_t *side)
{
    en_async_unix_stream_client_free(side->client);
    en_loop_free(side->loop);
    close(side->fd);
}

/* ---- A started receive ---- */

static void close_client(side_t *side)
{
    CHECK_OK(en_async_unix_stream_client_close(side->client, 1000, NULL, NULL, NULL));
}

static void who_closes_gets_no_more_of_what_has_come(void)
{
    side_t side;

    side_open(&side, EN_RECEIVE_MORE);
    side.at_packet = close_client;
    side_run(&side, "1\n2\n3\n4\n");
    CHECK_INT(side.packets, 2);
    CHECK_OP(&side.end, EN_ECLOSED);
    side_close(&side);
}

static void cancel(side_t *side)
{
    CHECK_OK(en_loop_cancel(side->loop, side->operation));
}

static void who_cancels_and_has_enough_is_not_called_again(void)
{
    side_t side;

    for (int more = 0; more < 2; more++) {
        side_open(&side, more ? EN_RECEIVE_MORE : EN_RECEIVE_STOP);
        side.at_packet = cancel;
        side_run(&side, "one\ntwo\nthree\nfour\n");
        CHECK_INT(side.packets, 2);
        CHECK_INT(side.end.calls, more);
        CHECK_CODE(side.end.status, more ? EN_ECANCELED : EN_OK);
        side.at_packet = NULL;
        side.answer = EN_RECEIVE_MORE;
        side.end = (op_t){0};
        CHECK_OK(en_async_unix_stream_client_recv_start(side.client, take, &side, NULL));
        side_run(&side, "five\n");
        CHECK_INT(side.packets, 5); /* a cancelled receive loses nothing */
        CHECK_INT(side.end.calls, 0);
        side_close(&side);
    }
}

static void free_client(side_t *side)
{
    en_async_unix_stream_client_free(side->client);
    side->client = NULL;
}

static void fork_and_free(side_t *side)
{
    side->child = fork();
    REQUIRE(side->child >= 0);
    if (side->child == 0)
        free_client(side);
}

static void who_is_freed_in_a_forked_child_is_not_called_again_there(void)
{
    side_t side;
    int status = 0;

    side_open(&side, EN_RECEIVE_MORE);
    side.at_packet = fork_and_free;
    side_run(&side, "one\ntwo\nthree\n");
    if (side.child == 0) {
        en_loop_free(side.loop);
        _exit(side.packets_since + side.end.calls);
    }
    REQUIRE(waitpid(side.child, &status, 0) == side.child);
    CHECK_INT(status, 0);
    CHECK_INT(side.packets, 3);
    CHECK_INT(side.end.calls, 0);
    side_close(&side);
}

/* ---- A protocol ---- */

static void who_is_freed_while_decoding_is_done_with_decoding(void)
{
    side_t side;

    side_open(&side, EN_RECEIVE_MORE);
    side.at_decode = free_client;
    side_run(&side, "one\ntwo\nthree\nfour\n");
    CHECK_INT(side.decoded_since, 0);
    CHECK_INT(side.packets_since, 0);
    CHECK_OP(&side.end, EN_ECANCELED);
    side_close(&side);
}

static void take_several(int status, en_packet_t *packets, size_t count, void *user_data)
{
    op_done(status, user_data);
    ((op_t *)user_data)->count = count;
    en_packets_release(packets, count);
}

/* Also if the receive would take more. */
static void several_are_decoded_one_by_one(void)
{
    side_t side;

    side_new(&side, EN_RECEIVE_STOP);
    side.at_decode = free_client;
    for (op_t *op = side.receives; op < side.receives + 2; op++)
        CHECK_OK(
            en_async_unix_stream_client_recv_packets(side.client, 4, 5000, take_several, op, NULL));
    side_run(&side, "one\ntwo\nthree\nfour\n");
    CHECK_INT(side.decoded_since, 0);
    CHECK_OP(&side.receives[0], EN_OK);
    CHECK_INT(side.receives[0].count, 1);
    CHECK_OP(&side.receives[1], EN_ECANCELED);
    side_close(&side);
}

static void a_receive_that_is_cancelled_while_decoding_has_what_is_decoded(void)
{
    side_t side;

    side_open(&side, EN_RECEIVE_MORE);
    side.at_decode = cancel;
    side_run(&side, "1\n2\n3\n4\n");
    CHECK_INT(side.packets, 2);
    CHECK_OP(&side.end, EN_ECANCELED);
    CHECK_OK(en_async_unix_stream_client_recv_start(side.client, take, &side, NULL));
    side_run(&side, "5\n");
    CHECK_INT(side.packets, 5);
    side_close(&side);
}

static void end_its_loop(side_t *side)
{
    en_loop_free(side->loop);
    side->loop = NULL;
}

/* While the packet of the second receive is decoded, which is that receive's unless all of them
 * end. */
static void what_decoding_asks_for_comes_before_the_next_packet(void)
{
    static const struct {
        void (*asks)(side_t *);
        int second, third, fourth;
    } ways[] = {
        {cancel, EN_OK, EN_ECANCELED, EN_OK},
        {close_client, EN_ECLOSED, EN_ECLOSED, EN_ECLOSED},
        {free_client, EN_ECANCELED, EN_ECANCELED, EN_ECANCELED},
        {end_its_loop, EN_OK, EN_ECANCELED, EN_ECANCELED},
    };

    for (size_t way = 0; way < sizeof(ways) / sizeof(ways[0]); way++) {
        side_t side;

        side_open_for_some(&side);
        side.at_decode = ways[way].asks;
        side_run(&side, "1\n2\n3\n4\n");
        CHECK_OP(&side.receives[0], EN_OK);
        CHECK_OP(&side.receives[1], ways[way].second);
        CHECK_OP(&side.receives[2], ways[way].third);
        CHECK_OP(&side.receives[3], ways[way].fourth);
        CHECK_TEXT(side.receives[1].data, ways[way].second == EN_OK ? "2" : "");
        CHECK_TEXT(side.receives[3].data, ways[way].fourth == EN_OK ? "3" : "");
        CHECK_INT(side.decoded_since, 0);
        side_close(&side);
    }
}

static void run_its_loop(side_t *side)
{
    CHECK_CODE(en_loop_run_once(side->loop, 0), EN_EBUSY);
    CHECK_MESSAGE("a callback of one of its clients");
    CHECK_CODE(en_loop_run(side->loop), EN_EBUSY);
}

/* It could not tell the client that its time is over, nor that something has come. */
static void callbacks_do_not_run_the_loop_also_while_it_does_not_run(void)
{
    op_t *late, *in_time;
    side_t side;

    side_open_for_some(&side);
    late = &side.receives[3], in_time = &side.receives[0];
    side.at_encode = run_its_loop;
    CHECK_OK(en_async_unix_stream_client_send_packet(side.client, "x", 1, 0, NULL, NULL, NULL));
    side.at_encode = NULL;
    side_run(&side, "1\n");
    CHECK_OP(in_time, EN_OK);
    CHECK_INT(late->calls, 0);
    side_close(&side);
    CHECK_OP(late, EN_ECANCELED);
}

static void who_ends_while_decoding_is_not_asked_for_the_end_of_the_stream(void)
{
    void (*const ways[])(side_t *) = {close_client, free_client, end_its_loop};

    for (size_t way = 0; way < 2 * sizeof(ways) / sizeof(ways[0]); way++) {
        side_t side;

        if (way % 2 == 0)
            side_open_for_some(&side);
        else
            side_open(&side, EN_RECEIVE_MORE);
        side.is_undecided = 1;
        side.at_decode = ways[way / 2];
        peer_send_text(side.fd, "1\n2\n");
        CHECK(shutdown(side.fd, SHUT_WR) == 0);
        side_run(&side, "");
        CHECK_INT(side.decoded, 2);
        CHECK_OP(way % 2 == 0 ? &side.receives[1] : &side.end,
                 ways[way / 2] == close_client ? EN_ECLOSED : EN_ECANCELED);
        side_close(&side);
    }
}

/* ---- A transport ---- */

typedef struct {
    en_loop_t *loop;
    en_async_stream_endpoint_t *endpoint;
    int fd;
    int closed;
    bool frees; /* the endpoint, too */
} own_t;

static void end_loop(own_t *own)
{
    if (own->frees) {
        en_async_stream_endpoint_free(own->endpoint);
        own->endpoint = NULL;
    }
    en_loop_free(own->loop);
    own->loop = NULL;
}

static int own_recv(void *buffer, size_t capacity, size_t *count, void *user_data)
{
    (void)buffer, (void)capacity, (void)count, (void)user_data;
    return EN_WANT_READ;
}

static int own_send(const en_slice_t *slices, size_t slice_count, size_t *count, void *user_data)
{
    own_t *own = user_data;
    size_t size;

    CHECK_INT(slice_count, 1);
    CHECK_CODE(en_async_stream_endpoint_send_queue_size(own->endpoint, &size), EN_EDEADLK);
    CHECK_CODE(en_async_stream_endpoint_send_packet(own->endpoint, "x", 1, 0, NULL, NULL, NULL),
               EN_EDEADLK);
    end_loop(own);
    *count = slices[0].size;
    return EN_CALLBACK_DONE;
}

static int own_attribute(int attribute, void *value, size_t *size, void *user_data)
{
    own_t *own = user_data;

    (void)value, (void)size;
    if (attribute == EN_ATTRIBUTE_USER_BASE)
        end_loop(own);
    return EN_ENODATA;
}

static int own_close(void *user_data)
{
    own_t *own = user_data;

    own->closed++;
    return close(own->fd) == 0 ? EN_CALLBACK_DONE : EN_EUSER_BASE;
}

static int own_fd(int interest, void *user_data)
{
    (void)interest;
    return ((own_t *)user_data)->fd;
}

/* A loop that does not run ends within the call whose callback frees it. */
static void transports_may_end_the_loop(void)
{
    for (int way = 0; way < 4; way++) {
        en_transport_callbacks_t callbacks = {.struct_size = sizeof(callbacks),
                                              .recv = own_recv,
                                              .send = own_send,
                                              .close = own_close,
                                              .fd = own_fd,
                                              .attribute = own_attribute};
        en_stream_protocol_t *lines = NULL;
        en_stream_transport_t *transport = NULL;
        own_t own = {.frees = way % 2 == 1};
        op_t waits = {0}, sent = {0};
        size_t size = 0;
        int ends[2], value;

        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        own.fd = ends[0];
        own.loop = loop_new();
        REQUIRE_OK(en_stream_protocol_new_line(&lines, 0, 0));
        REQUIRE_OK(en_stream_transport_new(&transport, &callbacks, NULL, NULL, &own));
        REQUIRE_OK(en_async_stream_endpoint_new(&own.endpoint, own.loop, transport, lines, NULL));
        en_stream_protocol_free(lines);
        CHECK_OK(en_async_stream_endpoint_recv_packet(own.endpoint, -1, op_received, &waits, NULL));
        if (way < 2) {
            CHECK_OK(en_async_stream_endpoint_send_packet(own.endpoint, "hello", 5, -1, op_done,
                                                          &sent, NULL));
            CHECK_OP(&sent, EN_OK);
        } else {
            size = sizeof(value);
            CHECK_CODE(en_async_stream_endpoint_get_attribute(own.endpoint, EN_ATTRIBUTE_USER_BASE,
                                                              &value, &size),
                       EN_ENODATA);
        }
        CHECK_OP(&waits, EN_ECANCELED);
        en_async_stream_endpoint_free(own.endpoint);
        CHECK_INT(waits.calls, 1);
        en_stream_transport_free(transport);
        CHECK_INT(own.closed, 1);
        close(ends[1]);
    }
}

static const test_case_t cases[] = {
    CASE(who_closes_gets_no_more_of_what_has_come),
    CASE(who_cancels_and_has_enough_is_not_called_again),
    CASE(who_is_freed_in_a_forked_child_is_not_called_again_there),
    CASE(who_is_freed_while_decoding_is_done_with_decoding),
    CASE(several_are_decoded_one_by_one),
    CASE(a_receive_that_is_cancelled_while_decoding_has_what_is_decoded),
    CASE(what_decoding_asks_for_comes_before_the_next_packet),
    CASE(callbacks_do_not_run_the_loop_also_while_it_does_not_run),
    CASE(who_ends_while_decoding_is_not_asked_for_the_end_of_the_stream),
    CASE(transports_may_end_the_loop),
};

TEST_MAIN("async_within")
