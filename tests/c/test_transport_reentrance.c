/* What the callbacks of a transport may do to it, and to what is made over it. */
#include "low.h"
#include "peer.h"

#include <unistd.h>

/* Two transports of callbacks over pipes, one of both, and an endpoint over that. */
typedef struct {
    own_t receives;
    own_t sends;
    en_stream_transport_t *receiving;
    en_stream_transport_t *sending;
    en_stream_transport_t *both;
    en_stream_endpoint_t *endpoint;
    en_client_t *view;
    int in;  /* the peer writes there */
    int out; /* and reads here */
} world_t;

/* Who closes is seen soon. */
static en_transport_options_t *looking_often(void)
{
    en_transport_options_t *options = transport_options();

    CHECK_OK(en_transport_options_set_retry_interval(options, 10, NULL, NULL, NULL));
    return options;
}

static void world_open(world_t *world, void (*within)(own_t *, const char *), const char *where)
{
    en_endpoint_options_t *options = NULL;
    en_stream_protocol_t *protocol = lines();
    int in[2];
    int out[2];

    memset(world, 0, sizeof(*world));
    pipe_open(in);
    pipe_open(out);
    world->receives = (own_t){.in = in[0], .out = -1};
    world->sends = (own_t){.in = -1, .out = out[1]};
    world->in = in[1];
    world->out = out[0];
    world->receiving = own_stream(&world->receives, looking_often());
    world->sending = own_stream(&world->sends, looking_often());
    REQUIRE_OK(
        en_stream_transport_new_stapled(&world->both, world->receiving, world->sending, NULL));
    REQUIRE_OK(en_endpoint_options_new(&options));
    CHECK_OK(en_endpoint_options_set_retry_interval(options, 10, NULL, NULL, NULL));
    REQUIRE_OK(en_stream_endpoint_new(&world->endpoint, world->both, protocol, options));
    en_endpoint_options_free(options);
    world->view = en_stream_endpoint_as_client(world->endpoint);
    en_stream_protocol_free(protocol);
    world->receives.within = world->sends.within = within;
    world->receives.where = world->sends.where = where;
    world->receives.arg = world->sends.arg = world;
}

static void world_close(world_t *world)
{
    world->receives.within = world->sends.within = NULL;
    en_stream_endpoint_free(world->endpoint);
    en_stream_transport_free(world->both);
    en_stream_transport_free(world->receiving);
    en_stream_transport_free(world->sending);
    CHECK_OWN_ENDED(&world->receives);
    CHECK_OWN_ENDED(&world->sends);
    close(world->in);
    close(world->out);
}

static void peer_says(world_t *world, const char *text)
{
    REQUIRE(write(world->in, text, strlen(text)) == (ssize_t)strlen(text));
}

static void peer_gets(world_t *world, const char *text)
{
    char buffer[64];
    ssize_t got = read(world->out, buffer, sizeof(buffer));

    REQUIRE(got >= 0);
    CHECK_BYTES(buffer, (size_t)got, text, strlen(text));
}

/* All that the handles of one transport refuse when its own callback runs. */
static void refused(en_stream_transport_t *transport, bool receives, bool sends)
{
    char buffer[8];
    size_t size = sizeof(buffer);
    int fd;

    if (receives) {
        CHECK_CODE(en_stream_transport_recv_into(transport, buffer, 8, -1, &size), EN_EDEADLK);
        CHECK_CODE(en_stream_transport_recv_into_noblock(transport, buffer, 8, &size, &fd),
                   EN_EDEADLK);
    }
    if (sends) {
        CHECK_CODE(en_stream_transport_send(transport, "x", 1, -1, &size), EN_EDEADLK);
        CHECK_CODE(en_stream_transport_send_noblock(transport, "x", 1, &size, &fd), EN_EDEADLK);
    }
    CHECK_CODE(en_stream_transport_send_eof(transport, -1), EN_EDEADLK);
    size = sizeof(buffer);
    CHECK_CODE(en_stream_transport_get_attribute(transport, EN_ATTRIBUTE_USER_BASE, buffer, &size),
               EN_EDEADLK);
    CHECK_INT(en_stream_transport_is_closed(transport), 0); /* never waits */
    CHECK_INT(en_stream_transport_fileno(transport), -1);
}

static void endpoint_refused(world_t *world)
{
    en_packet_t packet = {0};
    int value;
    size_t size = sizeof(value);

    CHECK_CODE(en_client_recv_packet(world->view, -1, &packet), EN_EDEADLK);
    CHECK_CODE(en_client_send_packet(world->view, "x", 1, -1), EN_EDEADLK);
    CHECK_CODE(en_stream_endpoint_send_eof(world->endpoint, -1), EN_EDEADLK);
    CHECK_CODE(en_stream_endpoint_flush(world->endpoint, -1), EN_EDEADLK);
    CHECK_CODE(en_stream_endpoint_has_buffered(world->endpoint), EN_EDEADLK);
    CHECK_CODE(
        en_stream_endpoint_get_attribute(world->endpoint, EN_ATTRIBUTE_USER_BASE, &value, &size),
        EN_EDEADLK);
    CHECK_INT(en_stream_endpoint_is_closed(world->endpoint), 0);
}

static void call_all_while_receiving(own_t *own, const char *name)
{
    world_t *world = own->arg;

    (void)name;
    refused(world->receiving, true, false);
    refused(world->both, true, true);
    endpoint_refused(world);
    CHECK_INT(en_stream_transport_is_closed(world->sending), 0);
}

static void call_all_while_sending(own_t *own, const char *name)
{
    world_t *world = own->arg;

    (void)name;
    refused(world->sending, false, true);
    refused(world->both, true, true);
    endpoint_refused(world);
}

static void calls_within_are_refused(void)
{
    world_t world;

    world_open(&world, call_all_while_receiving, "recv");
    peer_says(&world, "packet\n");
    CHECK_GET(world.view, "packet");
    CHECK_INT(world.receives.within_calls, 1);
    world_close(&world);

    world_open(&world, call_all_while_receiving, "fd");
    CHECK_GET_FAILS(world.view, 30, EN_ETIMEDOUT);
    CHECK(world.receives.within_calls >= 1);
    world_close(&world);

    world_open(&world, call_all_while_sending, "send");
    CHECK_OK(put_text(world.view, "packet"));
    peer_gets(&world, "packet\n");
    CHECK_INT(world.sends.within_calls, 1);
    world_close(&world);
}

/* The same by the handles of the transports, without an endpoint. */
static void call_handles(own_t *own, const char *name)
{
    world_t *world = own->arg;

    (void)name;
    if (own == &world->receives)
        refused(world->receiving, true, false);
    else
        refused(world->sending, false, true);
}

static void calls_within_handles_are_refused(void)
{
    world_t world;

    world_open(&world, call_handles, "recv");
    peer_says(&world, "byt");
    CHECK_GOT(world.both, "byt");
    peer_says(&world, "es");
    CHECK_GOT(world.receiving, "es");
    CHECK_INT(world.receives.within_calls, 2);
    world_close(&world);
    world_open(&world, call_handles, "send");
    CHECK_OK(put_bytes(world.both, "byt"));
    CHECK_OK(put_bytes(world.sending, "es"));
    CHECK_INT(world.sends.within_calls, 2);
    peer_gets(&world, "bytes");
    world_close(&world);
}

static void attributes_within(own_t *own, const char *name)
{
    world_t *world = own->arg;

    (void)name;
    refused(world->receiving, true, false);
    refused(world->both, true, true);
}

static void an_attribute_may_not_ask_again(void)
{
    world_t world;

    world_open(&world, attributes_within, "attribute");
    CHECK_INT(attribute_int(world.both, EN_ATTRIBUTE_USER_BASE), world.receives.in);
    CHECK_INT(world.receives.within_calls, 1);
    CHECK_INT(attribute_int(world.both, EN_ATTRIBUTE_USER_BASE), world.receives.in);
    world_close(&world);
}

/* The other half is another transport: nobody waits for himself there. */
static void send_while_receiving(own_t *own, const char *name)
{
    world_t *world = own->arg;

    (void)name;
    CHECK_OK(put_bytes(world->sending, "beside"));
}

static void the_other_half_is_free(void)
{
    world_t world;

    world_open(&world, send_while_receiving, "recv");
    peer_says(&world, "packet\n");
    CHECK_GET(world.view, "packet");
    peer_gets(&world, "beside");
    world_close(&world);
}

static void close_endpoint(own_t *own, const char *name)
{
    world_t *world = own->arg;

    (void)name;
    CHECK_OK(en_stream_endpoint_close(world->endpoint));
    CHECK_INT(en_stream_endpoint_is_closed(world->endpoint), 1);
    CHECK_INT(atomic_load(&own->closed), 0);
}

static void free_endpoint(own_t *own, const char *name)
{
    world_t *world = own->arg;

    (void)name;
    en_stream_endpoint_free(world->endpoint);
    world->endpoint = NULL;
}

static void close_both(own_t *own, const char *name)
{
    world_t *world = own->arg;

    (void)name;
    CHECK_OK(en_stream_transport_close(world->both));
    CHECK_INT(en_stream_transport_is_closed(world->both), 1);
    CHECK_INT(atomic_load(&own->closed), 0); /* when this callback has left */
}

static void close_halves(own_t *own, const char *name)
{
    world_t *world = own->arg;

    (void)name;
    CHECK_OK(en_stream_transport_close(world->receiving));
    CHECK_OK(en_stream_transport_close(world->sending));
    CHECK_INT(en_stream_transport_is_closed(world->both), 1);
    CHECK_INT(atomic_load(&own->closed), 0);
}

static void free_all_handles(own_t *own, const char *name)
{
    world_t *world = own->arg;

    (void)name;
    en_stream_transport_free(world->both);
    en_stream_transport_free(world->receiving);
    en_stream_transport_free(world->sending);
    world->both = world->receiving = world->sending = NULL;
    own->within = NULL;
}

static void free_everything(own_t *own, const char *name)
{
    free_all_handles(own, name);
    free_endpoint(own, name);
}

/* Ends something inside a callback of a call of the endpoint. */
static void check_ended(void (*end)(own_t *, const char *), const char *where, int code,
                        bool closes)
{
    world_t world;
    int rc;

    world_open(&world, end, where);
    if (strcmp(where, "send") == 0) {
        rc = put_text(world.view, "packet");
    } else {
        en_packet_t packet = {0};

        if (strcmp(where, "recv") == 0)
            peer_says(&world, "packet\n");
        rc = en_client_recv_packet(world.view, 20000, &packet);
        en_packet_release(&packet);
    }
    /* What has gone out has gone. */
    CHECK(rc == code || (rc == EN_OK && strcmp(where, "send") == 0));
    CHECK_INT(atomic_load(&world.receives.closed), closes ? 1 : 0);
    CHECK_INT(atomic_load(&world.sends.closed), closes ? 1 : 0);
    world_close(&world);
}

static void ending_within_takes_effect_behind(void)
{
    static const char *const where[] = {"recv", "send", "fd"};

    for (size_t i = 0; i < sizeof(where) / sizeof(where[0]); i++) {
        check_ended(close_endpoint, where[i], EN_ECLOSED, true);
        check_ended(close_both, where[i], EN_ECLOSED, true);
        check_ended(close_halves, where[i], EN_ECLOSED, true);
        check_ended(free_everything, where[i], EN_ECLOSED, true);
    }
}

/* Whose end leaves the transport to others. */
static void freeing_within_leaves_it_to_others(void)
{
    world_t world;

    check_ended(free_endpoint, "recv", EN_ECLOSED, false);
    check_ended(free_endpoint, "send", EN_ECLOSED, false);
    check_ended(free_all_handles, "recv", EN_OK, false);
    check_ended(free_all_handles, "send", EN_OK, false);
    world_open(&world, free_endpoint, "recv");
    peer_says(&world, "packet\n");
    CHECK_GET_FAILS(world.view, 20000, EN_ECLOSED);
    world.receives.within = NULL;
    CHECK_OK(put_bytes(world.both, "still open"));
    peer_gets(&world, "still open");
    world_close(&world);
}

/* Half a packet would be in the way of others at the transport. */
static void what_has_begun_goes_on_though_its_endpoint_ends(void)
{
    en_stream_protocol_t *protocol = NULL;
    world_t world;

    world_open(&world, free_endpoint, "send");
    en_stream_endpoint_free(world.endpoint);
    REQUIRE_OK(en_stream_protocol_new_raw(&protocol, 0));
    REQUIRE_OK(en_stream_endpoint_new(&world.endpoint, world.both, protocol, NULL));
    en_stream_protocol_free(protocol);
    world.view = en_stream_endpoint_as_client(world.endpoint);
    world.sends.most = 3;
    CHECK_OK(put_text(world.view, "packet"));
    CHECK_INT(world.sends.within_calls, 2);
    peer_gets(&world, "packet");
    world_close(&world);
}

/* Whoever closes the transport meanwhile. */
static void what_has_gone_is_counted(void)
{
    en_slice_t packets[] = {{"one", 3}, {"two", 3}, {"three", 5}};
    en_stats_t stats = {.struct_size = sizeof(stats)};
    size_t sent = 9;
    world_t world;

    world_open(&world, close_both, "send");
    world.sends.most = 10;
    CHECK_CODE(en_stream_endpoint_send_packets(world.endpoint, packets, 3, 20000, &sent),
               EN_ECLOSED);
    CHECK_INT(sent, 2);
    CHECK_OK(en_stream_endpoint_get_stats(world.endpoint, &stats));
    CHECK_INT(stats.packets_sent, 2);
    CHECK_INT(stats.bytes_sent, 10);
    peer_gets(&world, "one\ntwo\nth");
    world_close(&world);

    world_open(&world, close_both, "send");
    world.sends.most = 10;
    CHECK_CODE(en_stream_transport_send_all(world.both, "more than ten", 13, 20000, &sent),
               EN_ECLOSED);
    CHECK_INT(sent, 10);
    peer_gets(&world, "more than ");
    world_close(&world);
}

static void close_itself(own_t *own, const char *name)
{
    world_t *world = own->arg;

    (void)name;
    CHECK_OK(en_stream_transport_close(world->receiving));
    CHECK_INT(atomic_load(&own->closed), 0);
}

static void free_itself(own_t *own, const char *name)
{
    world_t *world = own->arg;

    (void)name;
    en_stream_transport_free(world->receiving);
    world->receiving = NULL;
    own->within = NULL;
}

/* Ends a handle inside a callback of its own call. */
static void a_handle_may_end_in_its_own_call(void)
{
    static const char *const where[] = {"recv", "fd", "attribute"};

    for (size_t i = 0; i < sizeof(where) / sizeof(where[0]); i++) {
        for (int frees = 0; frees < 2; frees++) {
            bool asks = strcmp(where[i], "attribute") == 0;
            char buffer[16];
            size_t size = sizeof(buffer);
            world_t world;
            int rc;

            world_open(&world, frees ? free_itself : close_itself, where[i]);
            en_stream_endpoint_free(world.endpoint);
            en_stream_transport_free(world.both);
            world.endpoint = NULL;
            world.both = NULL;
            if (strcmp(where[i], "recv") == 0)
                peer_says(&world, "bytes");
            if (asks)
                rc = en_stream_transport_get_attribute(world.receiving, EN_ATTRIBUTE_USER_BASE,
                                                       buffer, &size);
            else
                rc = en_stream_transport_recv_into(world.receiving, buffer, 16, 20000, &size);
            /* What was there already is handed over. */
            CHECK(rc == EN_ECLOSED || (rc == EN_OK && strcmp(where[i], "fd") != 0));
            CHECK_OWN_ENDED(&world.receives);
            CHECK_INT(world.receives.within_calls, 1);
            world_close(&world);
        }
    }
}

/* In `close` all is closed already. */
static void call_all_while_closing(own_t *own, const char *name)
{
    world_t *world = own->arg;
    en_packet_t packet = {0};
    char buffer[8];
    size_t size = sizeof(buffer);
    int rc;

    (void)name;
    if (own == &world->receives)
        rc = en_stream_transport_recv_into(world->receiving, buffer, 8, -1, &size);
    else
        rc = put_bytes(world->sending, "x");
    CHECK(rc == EN_ECLOSED || rc == EN_EDEADLK);
    rc = en_stream_transport_send(world->both, "x", 1, -1, &size);
    CHECK(rc == EN_ECLOSED || rc == EN_EDEADLK);
    rc = en_client_recv_packet(world->view, -1, &packet);
    CHECK(rc == EN_ECLOSED || rc == EN_EDEADLK);
    CHECK_OK(en_stream_transport_close(world->both));
    CHECK_OK(en_stream_endpoint_close(world->endpoint));
    CHECK_INT(en_stream_transport_is_closed(world->both), 1);
}

static void free_while_closing(own_t *own, const char *name)
{
    world_t *world = own->arg;

    if (own == &world->receives)
        free_everything(own, name);
}

static void closing_may_call_back(void)
{
    world_t world;

    world_open(&world, call_all_while_closing, "close");
    CHECK_OK(en_stream_endpoint_close(world.endpoint));
    CHECK_INT(world.receives.within_calls, 1);
    CHECK_INT(world.sends.within_calls, 1);
    world_close(&world);
    world_open(&world, call_all_while_closing, "close");
    CHECK_OK(en_stream_transport_close(world.both));
    CHECK_INT(world.receives.within_calls, 1);
    world_close(&world);
    world_open(&world, free_while_closing, "close");
    CHECK_OK(en_stream_transport_close(world.both));
    CHECK_OWN_ENDED(&world.receives);
    world_close(&world);
    world_open(&world, free_while_closing, "close");
    CHECK_OK(en_stream_endpoint_close(world.endpoint));
    CHECK_OWN_ENDED(&world.receives);
    world_close(&world);
}

static const test_case_t cases[] = {
    CASE(calls_within_are_refused),
    CASE(calls_within_handles_are_refused),
    CASE(an_attribute_may_not_ask_again),
    CASE(the_other_half_is_free),
    CASE(ending_within_takes_effect_behind),
    CASE(freeing_within_leaves_it_to_others),
    CASE(what_has_begun_goes_on_though_its_endpoint_ends),
    CASE(what_has_gone_is_counted),
    CASE(a_handle_may_end_in_its_own_call),
    CASE(closing_may_call_back),
};

TEST_MAIN("transport_reentrance")
