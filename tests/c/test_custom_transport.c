/* Transports made of callbacks: what they are asked, and what becomes of strange answers. */
#include "low.h"
#include "peer.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

/* A transport of callbacks over one end of a pair, and the other end. */
typedef struct {
    own_t own;
    en_stream_transport_t *transport;
    int fd;
} wire_t;

static void wire_open(wire_t *wire, en_transport_options_t *options)
{
    int ends[2];

    pair_open(SOCK_STREAM | SOCK_NONBLOCK, ends);
    wire->own.in = wire->own.out = ends[0];
    wire->transport = own_stream(&wire->own, options);
    wire->fd = ends[1];
}

static void wire_close(wire_t *wire)
{
    en_stream_transport_free(wire->transport);
    CHECK_OWN_ENDED(&wire->own);
    close(wire->fd);
}

static void a_table_without_bytes_is_refused(void)
{
    en_transport_callbacks_t callbacks = own_callbacks();
    en_transport_options_t *options = transport_options();
    en_stream_transport_t *transport = (void *)&callbacks;
    en_datagram_transport_t *datagrams = (void *)&callbacks;
    own_t own = {0};

    callbacks.recv = NULL;
    callbacks.send = NULL;
    CHECK_CODE(en_stream_transport_new(&transport, &callbacks, NULL, own_destroy, &own), EN_EINVAL);
    CHECK_MESSAGE("recv");
    CHECK(transport == NULL);
    CHECK_CODE(en_datagram_transport_new(&datagrams, &callbacks, NULL, own_destroy, &own),
               EN_EINVAL);
    CHECK(datagrams == NULL);
    CHECK_CODE(en_stream_transport_new(&transport, NULL, NULL, own_destroy, &own), EN_EINVAL);
    callbacks = own_callbacks();
    CHECK_CODE(en_stream_transport_new(NULL, &callbacks, NULL, own_destroy, &own), EN_EINVAL);
    callbacks.struct_size = 0;
    CHECK_CODE(en_stream_transport_new(&transport, &callbacks, NULL, own_destroy, &own), EN_EINVAL);
    callbacks = own_callbacks();
    CHECK_OK(en_transport_options_set_standard_compatible(options, 1));
    CHECK_CODE(en_stream_transport_new(&transport, &callbacks, options, own_destroy, &own),
               EN_EINVAL); /* there is no TLS here */
    en_transport_options_free(options);
    CHECK_INT(atomic_load(&own.destroyed), 0);
    CHECK_INT(atomic_load(&own.closed), 0);
}

/* The struct of a later version: what this one does not know must not be there. */
static void a_later_table_is_taken_if_it_can_be(void)
{
    struct {
        en_transport_callbacks_t known;
        void *later[2];
    } table = {.known = own_callbacks()};
    en_stream_transport_t *transport = NULL;
    own_t own = {.in = -1, .out = -1};

    table.known.struct_size = sizeof(table);
    REQUIRE_OK(en_stream_transport_new(&transport, &table.known, NULL, own_destroy, &own));
    en_stream_transport_free(transport);
    CHECK_OWN_ENDED(&own);
    table.later[1] = &table;
    CHECK_CODE(en_stream_transport_new(&transport, &table.known, NULL, own_destroy, &own),
               EN_EINVAL);
    CHECK_INT(atomic_load(&own.destroyed), 1);
}

static int recv_nothing(void *buffer, size_t capacity, size_t *count, void *user_data)
{
    (void)buffer, (void)capacity, (void)count, (void)user_data;
    return EN_CALLBACK_DONE;
}

/* One callback is enough; all else is refused or done without. */
static void one_callback_is_enough(void)
{
    en_transport_callbacks_t callbacks = {.struct_size = sizeof(callbacks), .recv = recv_nothing};
    en_stream_transport_t *transport = NULL;
    char buffer[8];
    size_t size = 77;

    REQUIRE_OK(en_stream_transport_new(&transport, &callbacks, NULL, NULL, NULL));
    CHECK_OK(en_stream_transport_recv_into(transport, buffer, 8, -1, &size));
    CHECK_INT(size, 0);
    CHECK_CODE(en_stream_transport_send(transport, "x", 1, -1, &size), EN_EOPNOTSUPP);
    CHECK_MESSAGE("send");
    CHECK_CODE(en_stream_transport_send_eof(transport, -1), EN_EOPNOTSUPP);
    size = sizeof(buffer);
    CHECK_CODE(en_stream_transport_get_attribute(transport, EN_ATTRIBUTE_FAMILY, buffer, &size),
               EN_ENODATA);
    CHECK_CODE(en_stream_transport_get_attribute(transport, EN_ATTRIBUTE_DESCRIPTOR, buffer, &size),
               EN_ENODATA);
    CHECK_INT(en_stream_transport_fileno(transport), -1);
    CHECK_OK(en_stream_transport_close(transport));
    CHECK_INT(en_stream_transport_is_closed(transport), 1);
    en_stream_transport_free(transport);
}

static void a_half_refuses_the_other_direction(void)
{
    en_stream_transport_t *transport;
    own_t own = {.out = -1};
    char buffer[8];
    size_t size;
    int ends[2];
    int fd = 77;

    pipe_open(ends);
    own.in = ends[0];
    transport = own_stream(&own, NULL);
    CHECK_CODE(put_bytes(transport, "x"), EN_EOPNOTSUPP);
    CHECK_CODE(en_stream_transport_send_noblock(transport, "x", 1, &size, &fd), EN_EOPNOTSUPP);
    CHECK_INT(fd, -1);
    CHECK(write(ends[1], "in", 2) == 2);
    CHECK_GOT(transport, "in");
    en_stream_transport_free(transport);
    CHECK_OWN_ENDED(&own);
    own = (own_t){.in = -1, .out = ends[1]};
    pipe_open(ends);
    close(own.out);
    own.out = ends[1];
    transport = own_stream(&own, NULL);
    CHECK_CODE(en_stream_transport_recv_into(transport, buffer, 8, -1, &size), EN_EOPNOTSUPP);
    CHECK_OK(put_bytes(transport, "out"));
    CHECK(read(ends[0], buffer, 8) == 3);
    CHECK_INT(en_stream_transport_fileno(transport), ends[1]);
    close(ends[0]);
    en_stream_transport_free(transport);
    CHECK_OWN_ENDED(&own);
}

/* A write to a broken pipe is the callback's to answer: nothing raises a signal but its own. */
static void a_broken_pipe_is_a_code(void)
{
    en_stream_transport_t *transport;
    own_t own = {.in = -1};
    void (*before)(int) = signal(SIGPIPE, SIG_IGN);
    int ends[2];

    pipe_open(ends);
    own.out = ends[1];
    transport = own_stream(&own, NULL);
    close(ends[0]);
    CHECK_CODE(put_bytes(transport, "x"), EN_EPIPE);
    en_stream_transport_free(transport);
    CHECK_OWN_ENDED(&own);
    signal(SIGPIPE, before);
}

static void byte_by_byte_comes_all(void)
{
    wire_t wire = {.own = {.most = 1}};
    en_stream_protocol_t *protocol = lines();
    en_stream_endpoint_t *endpoint = NULL;
    en_client_t *view;

    wire_open(&wire, NULL);
    REQUIRE_OK(en_stream_endpoint_new(&endpoint, wire.transport, protocol, NULL));
    view = en_stream_endpoint_as_client(endpoint);
    CHECK_OK(put_text(view, "hello"));
    CHECK_OK(put_text(view, "there"));
    peer_expect_text(wire.fd, "hello\nthere\n");
    peer_send_text(wire.fd, "one\ntwo\n\nthree\n");
    CHECK_GET(view, "one");
    CHECK_GET(view, "two");
    CHECK_GET(view, "");
    CHECK_GET(view, "three");
    CHECK_GET_FAILS(view, 0, EN_ETIMEDOUT);
    peer_send_text(wire.fd, "tr");
    peer_end(wire.fd);
    CHECK_GET_FAILS(view, 20000, EN_ETRUNCATED);
    en_stream_endpoint_free(endpoint);
    en_stream_protocol_free(protocol);
    wire_close(&wire);
}

static void impossible_counts_are_refused(void)
{
    wire_t wire = {0};
    char buffer[4];
    size_t size = 77;
    int fd;

    wire_open(&wire, NULL);
    wire.own.more = 1;
    peer_send_text(wire.fd, "abcd");
    CHECK_CODE(en_stream_transport_recv_into(wire.transport, buffer, 4, -1, &size), EN_EINVAL);
    CHECK_MESSAGE("5 bytes");
    CHECK_INT(size, 0);
    CHECK_CODE(put_bytes(wire.transport, "abc"), EN_EINVAL);
    CHECK_MESSAGE("4 bytes");
    CHECK_CODE(en_stream_transport_send(wire.transport, "abc", 3, -1, &size), EN_EINVAL);
    CHECK_CODE(en_stream_transport_send_noblock(wire.transport, "abc", 3, &size, &fd), EN_EINVAL);
    CHECK_INT(size, 0);
    wire.own.more = SIZE_MAX / 2;
    CHECK_CODE(put_bytes(wire.transport, "abc"), EN_EINVAL);
    /* Who sends nothing and does not want to wait would be asked for ever. */
    wire.own.more = 0;
    wire.own.reports_none = true;
    CHECK_CODE(put_bytes(wire.transport, "abc"), EN_EINVAL);
    CHECK_MESSAGE("nothing");
    wire.own.reports_none = false;
    peer_send_text(wire.fd, "more");
    CHECK_GOT(wire.transport, "more");
    wire_close(&wire);
}

/* An over-reported count does not reach an endpoint's packets. */
static void an_endpoint_survives_impossible_counts(void)
{
    wire_t wire = {0};
    en_stream_protocol_t *protocol = lines();
    en_stream_endpoint_t *endpoint = NULL;
    en_client_t *view;

    wire_open(&wire, NULL);
    REQUIRE_OK(en_stream_endpoint_new(&endpoint, wire.transport, protocol, NULL));
    view = en_stream_endpoint_as_client(endpoint);
    peer_send_text(wire.fd, "kept");
    CHECK_GET_FAILS(view, 0, EN_ETIMEDOUT);
    wire.own.more = 1 << 30;
    peer_send_text(wire.fd, " not");
    CHECK_GET_FAILS(view, 20000, EN_EINVAL);
    wire.own.more = 0;
    peer_send_text(wire.fd, " and goes on\n");
    CHECK_GET(view, "kept and goes on");
    en_stream_endpoint_free(endpoint);
    en_stream_protocol_free(protocol);
    wire_close(&wire);
}

static void codes_and_texts_travel(void)
{
    static const int codes[] = {EN_EBADMSG,       EN_EMSGSIZE, EN_EUSER_BASE, EN_EUSER_BASE - 9,
                                EN_ECONNABORTED,  EN_EPIPE,    EN_ECONNRESET, EN_ETLS_TRUNCATED,
                                EN_ECONNTIMEDOUT, EN_ENOTCONN};
    wire_t wire = {0};
    char buffer[8];
    size_t size;
    int fd;

    wire_open(&wire, NULL);
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        for (int with_text = 0; with_text < 2; with_text++) {
            wire.own.code = codes[i];
            wire.own.says = with_text ? "the cable is cut" : NULL;
            wire.own.fails_at = atomic_load(&wire.own.calls) + 1;
            CHECK_CODE(en_stream_transport_recv_into(wire.transport, buffer, 8, -1, &size),
                       codes[i]);
            CHECK_MESSAGE(with_text ? "the cable is cut" : "the recv callback");
            wire.own.fails_at = atomic_load(&wire.own.calls) + 1;
            CHECK_CODE(put_bytes(wire.transport, "x"), codes[i]);
            CHECK_MESSAGE(with_text ? "the cable is cut" : "the send callback");
            wire.own.fails_at = atomic_load(&wire.own.calls) + 1;
            CHECK_CODE(en_stream_transport_recv_into_noblock(wire.transport, buffer, 8, &size, &fd),
                       codes[i]);
            CHECK_INT(fd, -1);
        }
    }
    wire.own.code = 12345;
    wire.own.fails_at = atomic_load(&wire.own.calls) + 1;
    CHECK_CODE(put_bytes(wire.transport, "x"), EN_EINVAL);
    CHECK_MESSAGE("12345");
    CHECK_OK(put_bytes(wire.transport, "well"));
    peer_expect_text(wire.fd, "well");
    wire_close(&wire);
}

/* Each direction may want to wait for either. */
static void what_it_waits_for_is_the_callbacks_to_say(void)
{
    en_stream_transport_t *transport;
    own_t own = {0};
    int64_t start;
    char buffer[8];
    size_t size;
    int in[2];
    int out[2];
    int fd = 77;

    pipe_open(in);
    pipe_open(out);
    own.in = in[0];
    own.out = out[1];
    transport = own_stream(&own, NULL);
    CHECK_CODE(en_stream_transport_recv_into_noblock(transport, buffer, 8, &size, &fd),
               EN_WANT_READ);
    CHECK_INT(fd, in[0]);
    own.code = EN_WANT_WRITE;
    own.fails_at = 2;
    CHECK_CODE(en_stream_transport_recv_into_noblock(transport, buffer, 8, &size, &fd),
               EN_WANT_WRITE);
    CHECK_INT(fd, out[1]);
    own.code = EN_WANT_READ;
    own.fails_at = 3;
    CHECK_CODE(en_stream_transport_send_noblock(transport, "x", 1, &size, &fd), EN_WANT_READ);
    CHECK_INT(fd, in[0]);
    CHECK_INT(size, 0);
    /* It waits for that, and is asked again at once when it is there. */
    own.code = EN_WANT_WRITE;
    own.fails_at = 4;
    CHECK(write(in[1], "there", 5) == 5);
    start = now_ms();
    CHECK_OK(en_stream_transport_recv_into(transport, buffer, 8, 20000, &size));
    CHECK_TOOK(start, 0);
    CHECK_INT(atomic_load(&own.calls), 5);
    CHECK_BYTES(buffer, size, "there", 5);
    en_stream_transport_free(transport);
    CHECK_OWN_ENDED(&own);
    close(in[1]);
    close(out[0]);
}

static void wants_for_ever_ends_in_time(void)
{
    wire_t wire = {.own = {.never_reads = true, .hides_fd = true}};
    char buffer[8];
    int64_t start;
    size_t size;

    wire_open(&wire, NULL);
    peer_send_text(wire.fd, "x");
    start = now_ms();
    CHECK_CODE(en_stream_transport_recv_into(wire.transport, buffer, 8, 80, &size), EN_ETIMEDOUT);
    CHECK_TOOK(start, 80);
    CHECK(atomic_load(&wire.own.calls) <= 3);
    wire_close(&wire);
}

static void take_a_while(own_t *own, const char *name)
{
    (void)own;
    (void)name;
    pause_ms(2);
}

/* A packet without end: it comes further with each attempt, and would never wait. */
static void bytes_for_ever_end_in_time(void)
{
    own_t own = {.in = open("/dev/zero", O_RDONLY | O_CLOEXEC), .out = -1, .most = 1};
    en_stream_transport_t *transport = own_stream(&own, NULL);
    en_stream_endpoint_t *endpoint = NULL;
    en_stream_protocol_t *protocol = lines();
    en_client_t *view;
    int64_t start;

    REQUIRE_OK(en_stream_endpoint_new(&endpoint, transport, protocol, NULL));
    view = en_stream_endpoint_as_client(endpoint);
    CHECK_GET_FAILS(view, 0, EN_ETIMEDOUT);
    CHECK(atomic_load(&own.calls) > 1 && atomic_load(&own.calls) <= 5000);
    own.where = "recv";
    own.within = take_a_while;
    start = now_ms();
    CHECK_GET_FAILS(view, 0, EN_ETIMEDOUT);
    CHECK_TOOK(start, 0);
    CHECK_GET_FAILS(view, 50, EN_ETIMEDOUT);
    en_stream_endpoint_free(endpoint);
    en_stream_protocol_free(protocol);
    en_stream_transport_free(transport);
    CHECK_OWN_ENDED(&own);
}

static void its_attributes_are_its_own(void)
{
    wire_t wire = {0};
    char value[8];
    size_t size = sizeof(value);

    wire_open(&wire, NULL);
    CHECK_INT(attribute_int(wire.transport, EN_ATTRIBUTE_USER_BASE), wire.own.in);
    CHECK_INT(attribute_int(wire.transport, EN_ATTRIBUTE_DESCRIPTOR), wire.own.in); /* by `fd` */
    CHECK_OK(en_stream_transport_get_attribute(wire.transport, EN_ATTRIBUTE_USER_BASE + 2, value,
                                               &size));
    CHECK_BYTES(value, size, "sends", 5);
    size = 4;
    CHECK_CODE(
        en_stream_transport_get_attribute(wire.transport, EN_ATTRIBUTE_USER_BASE + 2, value, &size),
        EN_EMSGSIZE);
    CHECK_INT(size, 5);
    size = sizeof(value);
    CHECK_CODE(
        en_stream_transport_get_attribute(wire.transport, EN_ATTRIBUTE_USER_BASE + 3, value, &size),
        EN_EINVAL); /* says that it is larger than the room */
    CHECK_CODE(
        en_stream_transport_get_attribute(wire.transport, EN_ATTRIBUTE_USER_BASE + 4, value, &size),
        EN_EUSER_BASE - 4);
    CHECK_MESSAGE("out of order");
    CHECK_CODE(en_stream_transport_get_attribute(wire.transport, EN_ATTRIBUTE_USER_BASE + 99, value,
                                                 &size),
               EN_ENODATA);
    CHECK_CODE(
        en_stream_transport_get_attribute(wire.transport, EN_ATTRIBUTE_USER_BASE - 1, value, &size),
        EN_EINVAL);
    wire_close(&wire);
}

static void a_close_that_fails_is_told(void)
{
    wire_t wire = {.own = {.close_code = EN_EUSER_BASE - 2, .says = "it would not close"}};

    wire_open(&wire, NULL);
    CHECK_CODE(en_stream_transport_close(wire.transport), EN_EUSER_BASE - 2);
    CHECK_MESSAGE("it would not close");
    CHECK_INT(en_stream_transport_is_closed(wire.transport), 1);
    CHECK_OK(en_stream_transport_close(wire.transport));
    wire_close(&wire);
}

static int eof_calls;

static int say_eof(void *user_data)
{
    own_t *own = user_data;

    eof_calls++;
    shutdown(own->out, SHUT_WR);
    return eof_calls == 1 ? EN_EUSER_BASE : EN_CALLBACK_DONE;
}

static void the_end_is_said_by_its_callback(void)
{
    en_transport_callbacks_t callbacks = own_callbacks();
    en_stream_transport_t *transport = NULL;
    own_t own = {0};
    int ends[2];

    pair_open(SOCK_STREAM, ends);
    own.in = own.out = ends[0];
    callbacks.send_eof = say_eof;
    REQUIRE_OK(en_stream_transport_new(&transport, &callbacks, NULL, own_destroy, &own));
    eof_calls = 0;
    CHECK_CODE(en_stream_transport_send_eof(transport, -1), EN_EUSER_BASE);
    CHECK_OK(en_stream_transport_send_eof(transport, -1));
    CHECK_INT(eof_calls, 2);
    peer_expect_end(ends[1]);
    en_stream_transport_free(transport);
    CHECK_OWN_ENDED(&own);
    close(ends[1]);
}

static void receive_held(void *arg)
{
    wire_t *wire = arg;
    char buffer[8];
    size_t size = 0;

    CHECK_CODE(en_stream_transport_recv_into(wire->transport, buffer, 8, -1, &size), EN_ECLOSED);
}

/* One thread is inside `recv`: sending goes on, another receive is refused, and whoever closes does
 * not wait, but `close` is called only when `recv` has left. */
static void close_comes_behind_the_last_callback(void)
{
    for (int frees = 0; frees < 2; frees++) {
        gate_t inside = {0};
        gate_t leave = {0};
        wire_t wire = {.own = {.inside = &inside, .leave = &leave}};
        char buffer[8];
        thread_t thread;
        size_t size;

        wire_open(&wire, NULL);
        thread_start(&thread, receive_held, &wire);
        gate_wait(&inside);
        CHECK_OK(put_bytes(wire.transport, "beside"));
        CHECK_CODE(en_stream_transport_recv_into(wire.transport, buffer, 8, -1, &size), EN_EBUSY);
        peer_send_text(wire.fd, "too late");
        CHECK_OK(en_stream_transport_close(wire.transport));
        CHECK_INT(en_stream_transport_is_closed(wire.transport), 1);
        CHECK_INT(atomic_load(&wire.own.closed), 0);
        gate_open(&leave);
        if (frees) {
            en_stream_transport_free(wire.transport);
            wire.transport = NULL;
            CHECK_OWN_ENDED(&wire.own);
        }
        thread_join(&thread);
        CHECK_INT(atomic_load(&wire.own.closed), 1);
        wire_close(&wire);
    }
}

/* A hundred times at once: two threads at it, and one that closes. */
static void closing_at_any_moment(void)
{
    for (int round = 0; round < 100; round++) {
        wire_t wire = {.own = {.most = 1}};
        en_transport_options_t *options = transport_options();
        mover_t movers[2];

        CHECK_OK(en_transport_options_set_retry_interval(options, 1, NULL, NULL, NULL));
        wire_open(&wire, options);
        mover_starts_receiving(&movers[0], wire.transport);
        mover_starts_sending(&movers[1], wire.transport);
        if (round % 2)
            WAIT_FOR(atomic_load(&wire.own.calls) > round);
        CHECK_OK(en_stream_transport_close(wire.transport));
        CHECK_CODE(mover_end(&movers[0]), EN_ECLOSED);
        CHECK_CODE(mover_end(&movers[1]), EN_ECLOSED);
        wire_close(&wire);
    }
}

static const test_case_t cases[] = {
    CASE(a_table_without_bytes_is_refused),
    CASE(a_later_table_is_taken_if_it_can_be),
    CASE(one_callback_is_enough),
    CASE(a_half_refuses_the_other_direction),
    CASE(a_broken_pipe_is_a_code),
    CASE(byte_by_byte_comes_all),
    CASE(impossible_counts_are_refused),
    CASE(an_endpoint_survives_impossible_counts),
    CASE(codes_and_texts_travel),
    CASE(what_it_waits_for_is_the_callbacks_to_say),
    CASE(wants_for_ever_ends_in_time),
    CASE(bytes_for_ever_end_in_time),
    CASE(its_attributes_are_its_own),
    CASE(a_close_that_fails_is_told),
    CASE(the_end_is_said_by_its_callback),
    CASE(close_comes_behind_the_last_callback),
    CASE(closing_at_any_moment),
};

TEST_MAIN("custom_transport")
