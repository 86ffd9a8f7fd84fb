/* Datagram endpoints on a loop: each way to send and to receive, in one direction or both. */
#include "async.h"
#include "family.h"

#include <fcntl.h>
#include <unistd.h>

/* An endpoint over one end of a socket pair, and the other end. */
typedef struct {
    en_loop_t *loop;
    en_async_datagram_endpoint_t *endpoint;
    int peer;
} side_t;

typedef int maker_t(en_async_datagram_endpoint_t **out, en_loop_t *loop,
                    const en_datagram_transport_t *transport,
                    const en_datagram_protocol_t *protocol, const en_endpoint_options_t *options);

static void side_open(side_t *side, maker_t *make)
{
    en_datagram_protocol_t *datagrams = protocol_datagrams();
    en_datagram_transport_t *transport = NULL;
    int ends[2];

    *side = (side_t){.loop = loop_new()};
    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0);
    side->peer = ends[1];
    REQUIRE_OK(en_datagram_transport_from_fd(&transport, ends[0], NULL));
    REQUIRE_OK(make(&side->endpoint, side->loop, transport, datagrams, NULL));
    en_datagram_transport_free(transport);
    en_datagram_protocol_free(datagrams);
}

static void side_close(side_t *side)
{
    en_async_datagram_endpoint_free(side->endpoint);
    en_loop_free(side->loop);
    close(side->peer);
}

static void peer_says(const side_t *side, const char *text)
{
    REQUIRE(send(side->peer, text, strlen(text), 0) == (ssize_t)strlen(text));
}

static en_stats_t stats_of(const side_t *side)
{
    en_stats_t stats = {.struct_size = sizeof(stats)};

    CHECK_OK(en_async_datagram_endpoint_get_stats(side->endpoint, &stats));
    return stats;
}

static void every_way_to_send(void)
{
    en_slice_t parts[] = {{"with", 4}, {"out", 3}};
    en_ancillary_t *beside = NULL;
    op_t ops[4] = {{0}};
    side_t side;
    size_t size = 7;
    int fd;

    side_open(&side, en_async_datagram_endpoint_new);
    CHECK(en_async_datagram_endpoint_loop(side.endpoint) == side.loop);
    CHECK_OK(en_async_client_send_packet(en_async_datagram_endpoint_as_async_client(side.endpoint),
                                         "one", 3, -1, op_done, &ops[0], NULL));
    CHECK_OK(en_async_datagram_endpoint_send_packet_slices(side.endpoint, parts, 2, -1, op_done,
                                                           &ops[1], NULL));
    CHECK_OK(en_async_datagram_endpoint_send_packets(side.endpoint, parts, 2, -1, op_sent, &ops[2],
                                                     NULL));
    fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    REQUIRE_OK(en_ancillary_new(&beside));
    REQUIRE_OK(en_ancillary_add_fds(beside, &fd, 1));
    CHECK_OK(en_async_datagram_endpoint_send_packet_with_ancillary(
        side.endpoint, "beside", 6, beside, -1, op_done, &ops[3], NULL));
    close(fd); /* it was duplicated */
    en_ancillary_free(beside);
    op_wait(side.loop, &ops[3]);
    for (int i = 0; i < 4; i++)
        CHECK_OP(&ops[i], EN_OK);
    CHECK_INT(ops[2].count, 2);
    expect_datagram(side.peer, "one", 3);
    expect_datagram(side.peer, "without", 7);
    expect_datagram(side.peer, "with", 4);
    expect_datagram(side.peer, "out", 3);
    expect_datagram(side.peer, "beside", 6);
    CHECK_INT(stats_of(&side).packets_sent, 5);
    CHECK_INT(stats_of(&side).bytes_sent, 3 + 7 + 7 + 6);
    CHECK_OK(en_async_datagram_endpoint_send_queue_size(side.endpoint, &size));
    CHECK_INT(size, 0);
    side_close(&side);
}

/* What has come, one text behind the other. */
typedef struct {
    char text[64];
    int enough; /* after so many it is */
    int calls;
} heard_t;

static void hear(heard_t *heard, en_packet_t *packet)
{
    strncat(heard->text, (const char *)packet->data, packet->size);
    strcat(heard->text, " ");
    en_packet_release(packet);
}

static void hear_several(int status, en_packet_t *packets, size_t count, void *user_data)
{
    heard_t *heard = user_data;

    CHECK_OK(status);
    heard->calls++;
    for (size_t i = 0; i < count; i++)
        hear(heard, &packets[i]);
}

static int hear_each(int status, en_packet_t *packet, void *user_data)
{
    heard_t *heard = user_data;

    CHECK_OK(status);
    hear(heard, packet);
    return ++heard->calls < heard->enough ? EN_RECEIVE_MORE : EN_RECEIVE_STOP;
}

static void every_way_to_receive(void)
{
    heard_t several = {0}, each = {.enough = 2}, iterated = {.enough = 1};
    en_ancillary_t *beside = NULL;
    op_t beside_it = {0};
    side_t side;

    side_open(&side, en_async_datagram_endpoint_new);
    peer_says(&side, "one");
    peer_says(&side, "two");
    CHECK_OK(en_async_datagram_endpoint_recv_packets(side.endpoint, 2, -1, hear_several, &several,
                                                     NULL));
    CHECK_OK(en_loop_run(side.loop));
    CHECK_INT(several.calls, 1);
    CHECK_TEXT(several.text, "one two ");
    peer_says(&side, "three");
    peer_says(&side, "four");
    CHECK_OK(en_async_datagram_endpoint_recv_start(side.endpoint, hear_each, &each, NULL));
    CHECK_OK(en_loop_run(side.loop));
    CHECK_TEXT(each.text, "three four ");
    peer_says(&side, "five");
    CHECK_OK(en_async_datagram_endpoint_recv_start(side.endpoint, hear_each, &each, NULL));
    CHECK_OK(en_async_datagram_endpoint_recv_stop(side.endpoint));
    CHECK_OK(en_async_datagram_endpoint_iter_received_packets(side.endpoint, -1, hear_each,
                                                              &iterated, NULL));
    CHECK_OK(en_loop_run(side.loop));
    CHECK_INT(each.calls, 2);
    CHECK_TEXT(iterated.text, "five ");
    peer_says(&side, "six");
    REQUIRE_OK(en_ancillary_new(&beside));
    CHECK_OK(en_async_datagram_endpoint_recv_packet_with_ancillary(side.endpoint, 0, -1, beside,
                                                                   op_received, &beside_it, NULL));
    op_wait(side.loop, &beside_it);
    CHECK_OP(&beside_it, EN_OK);
    CHECK_BYTES(beside_it.data, beside_it.size, "six", 3);
    CHECK_INT(en_ancillary_count(beside), 0);
    en_ancillary_free(beside);
    CHECK_INT(stats_of(&side).packets_received, 6);
    CHECK_INT(stats_of(&side).bytes_received, 3 + 3 + 5 + 4 + 4 + 3);
    side_close(&side);
}

static void one_direction_only(void)
{
    op_t ops[4] = {{0}};
    side_t receives, sends;

    side_open(&receives, en_async_datagram_endpoint_new_receiver);
    side_open(&sends, en_async_datagram_endpoint_new_sender);
    CHECK_OK(en_async_datagram_endpoint_send_packet(receives.endpoint, "x", 1, -1, op_done, &ops[0],
                                                    NULL));
    op_wait(receives.loop, &ops[0]);
    CHECK_OP(&ops[0], EN_EOPNOTSUPP);
    CHECK_OK(
        en_async_datagram_endpoint_recv_packet(sends.endpoint, -1, op_received, &ops[1], NULL));
    op_wait(sends.loop, &ops[1]);
    CHECK_OP(&ops[1], EN_EOPNOTSUPP);
    peer_says(&receives, "in");
    CHECK_OK(
        en_async_datagram_endpoint_recv_packet(receives.endpoint, -1, op_received, &ops[2], NULL));
    op_wait(receives.loop, &ops[2]);
    CHECK_OP(&ops[2], EN_OK);
    CHECK_OK(en_async_datagram_endpoint_send_packet(sends.endpoint, "out", 3, -1, op_done, &ops[3],
                                                    NULL));
    op_wait(sends.loop, &ops[3]);
    expect_datagram(sends.peer, "out", 3);
    side_close(&receives);
    side_close(&sends);
}

static void facts_and_the_end(void)
{
    int family = 0, type = 0;
    size_t size = sizeof(family), largest = 0;
    socklen_t room = sizeof(type);
    op_t closed = {0};
    side_t side;

    side_open(&side, en_async_datagram_endpoint_new);
    CHECK_OK(en_async_datagram_endpoint_get_attribute(side.endpoint, EN_ATTRIBUTE_FAMILY, &family,
                                                      &size));
    CHECK_INT(family, AF_UNIX);
    CHECK_OK(en_loop_run_once(side.loop, 0));
    CHECK_OK(en_async_datagram_endpoint_max_recv_size(side.endpoint, &largest));
    CHECK_INT(largest, 65536);
    REQUIRE(getsockopt(en_async_datagram_endpoint_fileno(side.endpoint), SOL_SOCKET, SO_TYPE, &type,
                       &room) == 0);
    CHECK_INT(type, SOCK_DGRAM);
    CHECK_INT(en_async_datagram_endpoint_is_closing(side.endpoint), 0);
    CHECK_OK(en_async_datagram_endpoint_close(side.endpoint, -1, op_done, &closed, NULL));
    CHECK_INT(en_async_datagram_endpoint_is_closing(side.endpoint), 1);
    op_wait(side.loop, &closed);
    CHECK_OP(&closed, EN_OK);
    CHECK_INT(en_async_datagram_endpoint_fileno(side.endpoint), -1);
    side_close(&side);
}

static const test_case_t cases[] = {
    CASE(every_way_to_send),
    CASE(every_way_to_receive),
    CASE(one_direction_only),
    CASE(facts_and_the_end),
};

TEST_MAIN("async_datagram_endpoint")
