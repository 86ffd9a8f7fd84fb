/* Endpoints over datagrams. */
#include "low.h"

#include <unistd.h>

/* An endpoint, the transport's handle, and the peer. */
typedef struct {
    en_datagram_transport_t *transport;
    en_datagram_endpoint_t *endpoint;
    en_client_t *view;
    int fd;
} wire_t;

typedef int (*make_t)(en_datagram_endpoint_t **, const en_datagram_transport_t *,
                      const en_datagram_protocol_t *, const en_endpoint_options_t *);

/* The options end with it. */
static void open_with(wire_t *wire, make_t make, en_endpoint_options_t *options)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    int ends[2];

    pair_open(SOCK_DGRAM, ends);
    wire->transport = datagrams_over(ends[0]);
    REQUIRE_OK(make(&wire->endpoint, wire->transport, protocol, options));
    wire->view = en_datagram_endpoint_as_client(wire->endpoint);
    wire->fd = ends[1];
    en_datagram_protocol_free(protocol);
    en_endpoint_options_free(options);
}

static void wire_open(wire_t *wire)
{
    open_with(wire, en_datagram_endpoint_new, NULL);
}

static void wire_close(wire_t *wire)
{
    en_datagram_endpoint_free(wire->endpoint);
    en_datagram_transport_free(wire->transport);
    close(wire->fd);
}

static void peer_sends(wire_t *wire, const char *text)
{
    REQUIRE(send(wire->fd, text, strlen(text), 0) == (ssize_t)strlen(text));
}

static void packets_in_and_out(void)
{
    en_slice_t parts[] = {{"in ", 3}, {"parts", 5}};
    en_slice_t packets[] = {{"one", 3}, {"two", 3}, {NULL, 0}};
    en_packet_t got[4] = {{0}};
    en_packet_iter_t *iter = NULL;
    char buffer[8];
    size_t size = 0;
    wire_t wire;

    wire_open(&wire);
    CHECK_OK(en_datagram_endpoint_send_packet(wire.endpoint, "hello", 5, 20000));
    CHECK_OK(en_datagram_endpoint_send_packet_slices(wire.endpoint, parts, 2, 20000));
    CHECK_OK(en_datagram_endpoint_send_packets(wire.endpoint, packets, 3, 20000, &size));
    CHECK_INT(size, 3);
    expect_datagram(wire.fd, "hello", 5);
    expect_datagram(wire.fd, "in parts", 8);
    expect_datagram(wire.fd, "one", 3);
    expect_datagram(wire.fd, "two", 3);
    expect_datagram(wire.fd, "", 0);
    peer_sends(&wire, "a");
    peer_sends(&wire, "");
    peer_sends(&wire, "too long for it");
    peer_sends(&wire, "last");
    CHECK_GET(wire.view, "a");
    CHECK_GET(wire.view, "");
    CHECK_CODE(en_datagram_endpoint_recv_packet_into(wire.endpoint, buffer, 8, 20000, &size),
               EN_EMSGSIZE);
    CHECK_INT(size, 15);
    CHECK_INT(en_datagram_endpoint_has_buffered(wire.endpoint), 1);
    REQUIRE_OK(en_datagram_endpoint_iter_received_packets(&iter, wire.endpoint, 0));
    CHECK_OK(en_packet_iter_next(iter, got));
    CHECK_BYTES(got->data, got->size, "too long for it", 15);
    en_packet_release(got);
    en_packet_iter_free(iter);
    CHECK_OK(en_datagram_endpoint_recv_packets(wire.endpoint, got, 4, 20000, &size));
    CHECK_INT(size, 1);
    CHECK_BYTES(got->data, got->size, "last", 4);
    en_packet_release(got);
    CHECK_GET_FAILS(wire.view, 20, EN_ETIMEDOUT);
    wire_close(&wire);
}

static void each_direction_alone(void)
{
    en_slice_t slice = {"x", 1};
    en_packet_t packet = {0};
    char buffer[4];
    size_t size = 77;
    wire_t wire;

    open_with(&wire, en_datagram_endpoint_new_receiver, NULL);
    CHECK_CODE(put_text(wire.view, "x"), EN_EOPNOTSUPP);
    CHECK_CODE(en_datagram_endpoint_send_packet_slices(wire.endpoint, &slice, 1, -1),
               EN_EOPNOTSUPP);
    CHECK_CODE(en_datagram_endpoint_send_packets(wire.endpoint, &slice, 1, -1, &size),
               EN_EOPNOTSUPP);
    CHECK_INT(size, 0);
    expect_no_datagram(wire.fd);
    peer_sends(&wire, "in");
    CHECK_GET(wire.view, "in");
    wire_close(&wire);
    open_with(&wire, en_datagram_endpoint_new_sender, NULL);
    peer_sends(&wire, "left alone");
    CHECK_GET_FAILS(wire.view, -1, EN_EOPNOTSUPP);
    CHECK_CODE(en_datagram_endpoint_recv_packet_into(wire.endpoint, buffer, 4, -1, &size),
               EN_EOPNOTSUPP);
    CHECK_CODE(en_datagram_endpoint_recv_packets(wire.endpoint, &packet, 1, -1, &size),
               EN_EOPNOTSUPP);
    CHECK_OK(put_text(wire.view, "out"));
    expect_datagram(wire.fd, "out", 3);
    CHECK_GOT_DATAGRAM(wire.transport, "left alone");
    wire_close(&wire);
}

static void what_cannot_be_is_refused(void)
{
    static const make_t makes[] = {en_datagram_endpoint_new, en_datagram_endpoint_new_receiver,
                                   en_datagram_endpoint_new_sender};
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_datagram_endpoint_t *out = (void *)&protocol;
    wire_t wire;

    wire_open(&wire);
    CHECK_OK(en_datagram_transport_close(wire.transport));
    for (int i = 0; i < 3; i++) {
        CHECK_CODE(makes[i](NULL, wire.transport, protocol, NULL), EN_EINVAL);
        CHECK_CODE(makes[i](&out, NULL, protocol, NULL), EN_EINVAL);
        CHECK(out == NULL);
        CHECK_CODE(makes[i](&out, wire.transport, NULL, NULL), EN_EINVAL);
        CHECK_CODE(makes[i](&out, wire.transport, protocol, NULL), EN_ECLOSED);
    }
    CHECK_CODE(en_datagram_endpoint_close(NULL), EN_EINVAL);
    CHECK_INT(en_datagram_endpoint_fileno(NULL), -1);
    en_datagram_endpoint_free(NULL);
    en_datagram_protocol_free(protocol);
    wire_close(&wire);
}

static void one_call_in_each_direction(void)
{
    waiter_t waiters[2];
    wire_t wire;

    wire_open(&wire);
    waiter_receives(&waiters[0], wire.view);
    CHECK_GET_FAILS(wire.view, -1, EN_EBUSY);
    CHECK_OK(put_text(wire.view, "beside"));
    expect_datagram(wire.fd, "beside", 6);
    waiter_sends(&waiters[1], wire.view, "x", 1);
    CHECK_CODE(put_text(wire.view, "y"), EN_EBUSY);
    peer_sends(&wire, "in");
    CHECK_OK(waiter_end(&waiters[0]));
    CHECK_OK(en_datagram_endpoint_close(wire.endpoint));
    CHECK_CODE(waiter_end(&waiters[1]), EN_ECLOSED);
    CHECK_INT(en_datagram_transport_is_closed(wire.transport), 1);
    wire_close(&wire);
}

static void holders_share_the_transport(void)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    wire_t wire;

    wire_open(&wire);
    en_datagram_endpoint_free(wire.endpoint);
    CHECK_INT(en_datagram_transport_is_closed(wire.transport), 0);
    REQUIRE_OK(en_datagram_endpoint_new(&wire.endpoint, wire.transport, protocol, NULL));
    wire.view = en_datagram_endpoint_as_client(wire.endpoint);
    en_datagram_transport_free(wire.transport);
    wire.transport = NULL;
    peer_sends(&wire, "in");
    CHECK_GET(wire.view, "in");
    CHECK_OK(put_text(wire.view, "out"));
    expect_datagram(wire.fd, "out", 3);
    CHECK_OK(en_datagram_endpoint_abort(wire.endpoint));
    CHECK_INT(en_datagram_endpoint_is_closed(wire.endpoint), 1);
    CHECK_GET_FAILS(wire.view, -1, EN_ECLOSED);
    en_datagram_protocol_free(protocol);
    wire_close(&wire);
}

static void it_tells_about_itself(void)
{
    en_stats_t stats = {.struct_size = sizeof(stats)};
    int value = 0;
    size_t size = sizeof(value);
    wire_t wire;

    wire_open(&wire);
    CHECK_OK(en_datagram_endpoint_get_attribute(wire.endpoint, EN_ATTRIBUTE_FAMILY, &value, &size));
    CHECK_INT(value, AF_UNIX);
    CHECK_INT(en_datagram_endpoint_fileno(wire.endpoint),
              en_datagram_transport_fileno(wire.transport));
    CHECK_OK(en_datagram_endpoint_max_recv_size(wire.endpoint, &size));
    CHECK_INT(size, 65536);
    CHECK_OK(put_text(wire.view, "out"));
    peer_sends(&wire, "in");
    CHECK_GET(wire.view, "in");
    CHECK_OK(en_datagram_endpoint_get_stats(wire.endpoint, &stats));
    CHECK_INT(stats.packets_sent, 1);
    CHECK_INT(stats.packets_received, 1);
    CHECK_INT(stats.bytes_sent, 3);
    CHECK_INT(stats.bytes_received, 2);
    wire_close(&wire);
}

static void the_maximum_is_the_endpoints(void)
{
    en_endpoint_options_t *options = NULL;
    wire_t wire;

    REQUIRE_OK(en_endpoint_options_new(&options));
    CHECK_OK(en_endpoint_options_set_max_datagram_size(options, 8));
    open_with(&wire, en_datagram_endpoint_new, options);
    peer_sends(&wire, "exactly8");
    peer_sends(&wire, "more than 8");
    peer_sends(&wire, "next");
    CHECK_GET(wire.view, "exactly8");
    CHECK_GET_FAILS(wire.view, 20000, EN_EMSGSIZE);
    CHECK_GET(wire.view, "next");
    wire_close(&wire);
}

/* What callbacks of a datagram transport do to the endpoint over it. */
typedef struct {
    own_t own;
    en_datagram_transport_t *transport;
    en_datagram_endpoint_t *endpoint;
    int fd;
} world_t;

static void world_open(world_t *world, void (*within)(own_t *, const char *), const char *where)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    int ends[2];

    memset(world, 0, sizeof(*world));
    pair_open(SOCK_DGRAM | SOCK_NONBLOCK, ends);
    world->own.in = world->own.out = ends[0];
    world->fd = ends[1];
    world->transport = own_datagrams(&world->own, NULL);
    REQUIRE_OK(en_datagram_endpoint_new(&world->endpoint, world->transport, protocol, NULL));
    en_datagram_protocol_free(protocol);
    world->own.within = within;
    world->own.where = where;
    world->own.arg = world;
}

static void world_close(world_t *world)
{
    en_datagram_endpoint_free(world->endpoint);
    en_datagram_transport_free(world->transport);
    CHECK_OWN_ENDED(&world->own);
    close(world->fd);
}

static void call_all(own_t *own, const char *name)
{
    world_t *world = own->arg;
    en_packet_t packet = {0};

    (void)name;
    CHECK_CODE(en_datagram_endpoint_recv_packet(world->endpoint, -1, &packet), EN_EDEADLK);
    CHECK_CODE(en_datagram_endpoint_send_packet(world->endpoint, "x", 1, -1), EN_EDEADLK);
    CHECK_CODE(en_datagram_transport_recv(world->transport, -1, &packet), EN_EDEADLK);
    CHECK_CODE(en_datagram_transport_send(world->transport, "x", 1, -1), EN_EDEADLK);
}

static void close_it(own_t *own, const char *name)
{
    world_t *world = own->arg;

    (void)name;
    CHECK_OK(en_datagram_endpoint_close(world->endpoint));
    CHECK_INT(atomic_load(&own->closed), 0);
}

static void free_it(own_t *own, const char *name)
{
    world_t *world = own->arg;

    (void)name;
    en_datagram_endpoint_free(world->endpoint);
    en_datagram_transport_free(world->transport);
    world->endpoint = NULL;
    world->transport = NULL;
}

static void callbacks_may_end_it(void)
{
    en_packet_t packet = {0};
    world_t world;

    world_open(&world, call_all, "recv");
    REQUIRE(send(world.fd, "in", 2, 0) == 2);
    CHECK_OK(en_datagram_endpoint_recv_packet(world.endpoint, 20000, &packet));
    CHECK_BYTES(packet.data, packet.size, "in", 2);
    en_packet_release(&packet);
    world.own.where = "send";
    CHECK_OK(en_datagram_endpoint_send_packet(world.endpoint, "out", 3, 20000));
    expect_datagram(world.fd, "out", 3);
    CHECK_INT(world.own.within_calls, 2);
    world.own.within = NULL;
    world_close(&world);
    for (int frees = 0; frees < 2; frees++) {
        world_open(&world, frees ? free_it : close_it, "recv");
        REQUIRE(send(world.fd, "in", 2, 0) == 2);
        CHECK_CODE(en_datagram_endpoint_recv_packet(world.endpoint, -1, &packet), EN_ECLOSED);
        CHECK_INT(atomic_load(&world.own.closed), 1);
        world_close(&world);
    }
}

static const test_case_t cases[] = {
    CASE(packets_in_and_out),           CASE(each_direction_alone),
    CASE(what_cannot_be_is_refused),    CASE(one_call_in_each_direction),
    CASE(holders_share_the_transport),  CASE(it_tells_about_itself),
    CASE(the_maximum_is_the_endpoints), CASE(callbacks_may_end_it),
};

TEST_MAIN("datagram_endpoint")
