/* The protocols of streams, over Unix sockets: packets out as they should be, packets in however
 * the bytes arrive, and bytes that are no packet. */
#include "family.h"
#include "peer.h"

#include <stdlib.h>
#include <unistd.h>

typedef struct {
    int fd;
    en_unix_stream_client_t *client;
    en_client_t *view;
} wire_t;

/* The protocol is used up. */
static void wire_open(wire_t *wire, en_stream_protocol_t *protocol)
{
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_unix_stream_client_from_fd(&wire->client, ends[0], protocol, NULL));
    en_stream_protocol_free(protocol);
    wire->view = en_unix_stream_client_as_client(wire->client);
    wire->fd = ends[1];
}

static void wire_close(wire_t *wire)
{
    en_unix_stream_client_free(wire->client);
    close(wire->fd);
}

/* All bytes but the last one by one, with a receive after each that finds no packet yet. */
static void feed(wire_t *wire, const char *data, size_t size)
{
    for (size_t i = 0; i + 1 < size; i++) {
        peer_send(wire->fd, data + i, 1);
        CHECK_GET_FAILS(wire->view, 0, EN_ETIMEDOUT);
    }
    peer_send(wire->fd, data + size - 1, 1);
}

static void json(void)
{
    en_stream_protocol_t *protocol = NULL;
    wire_t wire;

    REQUIRE_OK(en_stream_protocol_new_json(&protocol, 0));
    wire_open(&wire, protocol);
    CHECK_OK(put_text(wire.view, "{\"a\": [1, 2]}"));
    CHECK_OK(put_text(wire.view, "17"));
    peer_expect_text(wire.fd, "{\"a\": [1, 2]}\n17\n");
    feed(&wire, "{\"b\": \"}\\\"\"}", 12);
    CHECK_GET(wire.view, "{\"b\": \"}\\\"\"}");
    peer_send_text(wire.fd, "[1][2] \"x\" 3\n");
    CHECK_GET(wire.view, "[1]");
    CHECK_GET(wire.view, "[2]");
    CHECK_GET(wire.view, "\"x\"");
    CHECK_GET(wire.view, "3");
    peer_send_text(wire.fd, "oops\n{}\n");
    CHECK_GET_FAILS(wire.view, 20000, EN_EBADMSG);
    CHECK_GET(wire.view, "{}");
    peer_send_text(wire.fd, "42"); /* a number that only the end completes */
    CHECK_GET_FAILS(wire.view, 0, EN_ETIMEDOUT);
    peer_end(wire.fd);
    CHECK_GET(wire.view, "42");
    CHECK_GET_FAILS(wire.view, 20000, EN_ECONNABORTED);
    wire_close(&wire);
}

static void delimited(void)
{
    en_stream_protocol_t *protocol = NULL;
    wire_t wire;

    REQUIRE_OK(en_stream_protocol_new_delimited(&protocol, "<end>", 5, 20));
    wire_open(&wire, protocol);
    CHECK_OK(put_text(wire.view, "one"));
    CHECK_OK(put_text(wire.view, ""));
    peer_expect_text(wire.fd, "one<end><end>");
    CHECK(put_text(wire.view, "two<end>three") != EN_OK); /* would be two packets */
    peer_expect_nothing(wire.fd);
    feed(&wire, "<en<end>", 8);
    CHECK_GET(wire.view, "<en");
    peer_send_text(wire.fd, "a<end><end>b\nc<end>");
    CHECK_GET(wire.view, "a");
    CHECK_GET(wire.view, "");
    CHECK_GET(wire.view, "b\nc");
    peer_send_text(wire.fd, "this one is much too long<end>next<end>");
    CHECK_GET_FAILS(wire.view, 20000, EN_EMSGSIZE);
    CHECK_GET(wire.view, "next");
    peer_send_text(wire.fd, "half<en");
    peer_end(wire.fd);
    CHECK_GET_FAILS(wire.view, 20000, EN_ETRUNCATED);
    wire_close(&wire);
}

static void length_prefixed(void)
{
    static const char large[3000];
    en_stream_protocol_t *protocol = NULL;
    wire_t wire;

    REQUIRE_OK(
        en_stream_protocol_new_length_prefixed(&protocol, EN_LENGTH_U16, EN_BIG_ENDIAN, 0, 4000));
    wire_open(&wire, protocol);
    CHECK_OK(put_text(wire.view, "hello"));
    peer_expect(wire.fd, "\0\5hello", 7);
    feed(&wire, "\0\3abc", 5);
    CHECK_GET(wire.view, "abc");
    peer_send(wire.fd, "\0\0\0\1x\x0b\xb8", 7);
    peer_send(wire.fd, large, sizeof(large));
    CHECK_GET(wire.view, "");
    CHECK_GET(wire.view, "x");
    CHECK_GET_BYTES(wire.view, large, sizeof(large));
    peer_send(wire.fd, "\xff\xff", 2);
    CHECK_GET_FAILS(wire.view, 20000, EN_EMSGSIZE);
    CHECK_GET_FAILS(wire.view, 20000, EN_EMSGSIZE); /* for good: where the next begins is unknown */
    CHECK_OK(put_text(wire.view, "sending goes on"));
    wire_close(&wire);
}

static void fixed_and_raw(void)
{
    en_stream_protocol_t *protocol = NULL;
    wire_t wire;

    REQUIRE_OK(en_stream_protocol_new_fixed(&protocol, 4));
    wire_open(&wire, protocol);
    CHECK_OK(put_text(wire.view, "1234"));
    CHECK(put_text(wire.view, "123") != EN_OK);
    peer_expect_text(wire.fd, "1234");
    peer_expect_nothing(wire.fd);
    peer_send_text(wire.fd, "abcdefghij");
    CHECK_GET(wire.view, "abcd");
    CHECK_GET(wire.view, "efgh");
    CHECK_GET_FAILS(wire.view, 0, EN_ETIMEDOUT);
    wire_close(&wire);

    REQUIRE_OK(en_stream_protocol_new_raw(&protocol, 0));
    wire_open(&wire, protocol);
    CHECK_OK(put_text(wire.view, "as it is"));
    CHECK_OK(put_text(wire.view, "")); /* sends nothing */
    peer_expect_text(wire.fd, "as it is");
    peer_send_text(wire.fd, "what is there");
    CHECK_GET(wire.view, "what is there");
    wire_close(&wire);
}

/* What the callbacks have seen. A packet is what lies between '<' and '>'. */
typedef struct {
    en_unix_stream_client_t *client;
    int states;
    int destroyed;
    int calls_inside;
} plan_t;

static int encode(const en_slice_t *parts, size_t count, en_frame_t *frame, void *user_data)
{
    (void)user_data;
    if (count > 0 && parts[0].size > 0 && *(const char *)parts[0].data == '!')
        return EN_EUSER_BASE - 7;
    CHECK_OK(en_frame_append(frame, "<", 1));
    for (size_t i = 0; i < count; i++)
        CHECK_OK(en_frame_append_borrowed(frame, parts[i].data, parts[i].size));
    CHECK_OK(en_frame_append(frame, ">", 1));
    return EN_CALLBACK_DONE;
}

static void call_inside(plan_t *plan)
{
    en_packet_t packet = {0};

    plan->calls_inside++;
    CHECK_CODE(en_unix_stream_client_recv_packet(plan->client, 0, &packet), EN_EDEADLK);
    CHECK_CODE(en_unix_stream_client_send_packet(plan->client, "x", 1, 0), EN_EDEADLK);
    CHECK_INT(en_unix_stream_client_is_closed(plan->client), 0);
    CHECK(en_unix_stream_client_fileno(plan->client) >= 0);
}

static int decode(const uint8_t *data, size_t size, int end, size_t *used, en_slice_t *packet,
                  void *state, void *user_data)
{
    const uint8_t *stop = memchr(data, '>', size);

    (void)end;
    CHECK(state != NULL);
    if (data[0] == '!') {
        *used = 1;
        return EN_EBADMSG;
    }
    if (!stop)
        return EN_DECODE_MORE;
    if (size > 1 && data[1] == '?')
        call_inside(user_data);
    *used = (size_t)(stop - data) + 1;
    *packet = (en_slice_t){data + 1, *used - 2};
    return EN_DECODE_PACKET;
}

static int new_state(void **state, void *user_data)
{
    *state = malloc(1);
    ((plan_t *)user_data)->states++;
    return EN_CALLBACK_DONE;
}

static void free_state(void *state, void *user_data)
{
    free(state);
    ((plan_t *)user_data)->states--;
}

static void destroy(void *user_data)
{
    ((plan_t *)user_data)->destroyed++;
}

static void callbacks(void)
{
    en_stream_protocol_callbacks_t table = {sizeof(table), encode, decode, new_state, free_state};
    en_stream_protocol_t *protocol = NULL;
    plan_t plan = {0};
    wire_t wire;

    REQUIRE_OK(en_stream_protocol_new(&protocol, &table, 0, destroy, &plan));
    wire_open(&wire, protocol);
    plan.client = wire.client;
    CHECK_INT(plan.states, 1);
    CHECK_OK(put_text(wire.view, "one"));
    CHECK_CODE(put_text(wire.view, "!"), EN_EUSER_BASE - 7);
    peer_expect_text(wire.fd, "<one>");
    peer_expect_nothing(wire.fd);
    feed(&wire, "<two>", 5);
    CHECK_GET(wire.view, "two");
    peer_send_text(wire.fd, "!<three><?four>");
    CHECK_GET_FAILS(wire.view, 20000, EN_EBADMSG);
    CHECK_GET(wire.view, "three");
    CHECK_GET(wire.view, "?four");
    CHECK_INT(plan.calls_inside, 1);
    CHECK_INT(plan.destroyed, 0);
    wire_close(&wire);
    CHECK_INT(plan.states, 0);
    CHECK_INT(plan.destroyed, 1);
}

/* A protocol that makes no state for it makes no client, and the descriptor stays the caller's. */
static int no_state(void **state, void *user_data)
{
    (void)state;
    (void)user_data;
    return EN_EUSER_BASE - 8;
}

static void callbacks_that_refuse(void)
{
    en_stream_protocol_callbacks_t table = {sizeof(table), encode, decode, no_state, free_state};
    en_unix_stream_client_t *client = NULL;
    en_stream_protocol_t *protocol = NULL;
    plan_t plan = {0};
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_stream_protocol_new(&protocol, &table, 0, destroy, &plan));
    CHECK_CODE(en_unix_stream_client_from_fd(&client, ends[0], protocol, NULL), EN_EUSER_BASE - 8);
    CHECK(client == NULL);
    CHECK(is_open(ends[0]));
    en_stream_protocol_free(protocol);
    CHECK_INT(plan.destroyed, 1);
    close(ends[0]);
    close(ends[1]);
}

/* The receive buffer is the application's; what was left over is at its start the next time. */
static char lent[64];

static int lend(size_t size_hint, void **buffer, size_t *size, size_t *start, void *state,
                void *user_data)
{
    (void)size_hint;
    (void)start;
    (void)state;
    (void)user_data;
    *buffer = lent;
    *size = sizeof(lent);
    return EN_CALLBACK_DONE;
}

static int decode_lent(size_t filled, int end, size_t *used, en_slice_t *packet, void *state,
                       void *user_data)
{
    return decode((uint8_t *)lent, filled, end, used, packet, state, user_data);
}

static void a_lent_buffer(void)
{
    en_buffered_protocol_callbacks_t table = {sizeof(table), encode,     lend, decode_lent,
                                              new_state,     free_state, NULL};
    en_stream_protocol_t *protocol = NULL;
    plan_t plan = {0};
    wire_t wire;

    REQUIRE_OK(en_stream_protocol_new_buffered(&protocol, &table, destroy, &plan));
    wire_open(&wire, protocol);
    peer_send_text(wire.fd, "<one><two><th");
    CHECK_GET(wire.view, "one");
    CHECK_GET(wire.view, "two");
    CHECK_GET_FAILS(wire.view, 0, EN_ETIMEDOUT);
    peer_send_text(wire.fd, "ree>");
    CHECK_GET(wire.view, "three");
    wire_close(&wire);
    CHECK_INT(plan.states, 0);
    CHECK_INT(plan.destroyed, 1);
}

static const test_case_t cases[] = {
    CASE(json),          CASE(delimited), CASE(length_prefixed),
    CASE(fixed_and_raw), CASE(callbacks), CASE(callbacks_that_refuse),
    CASE(a_lent_buffer),
};

TEST_MAIN("unix_protocols")
