/* Protocols made of callbacks: what they are given, what they may answer, and when they end. */
#include "wire.h"

#include <stdlib.h>

/* What a protocol's callbacks do, and have done. Packets are lines unless a script says more. */
typedef struct {
    atomic_int destroyed;
    atomic_int states;
    atomic_int states_made;
    int encode_answer;
    int decode_answer;
    size_t lie_used;
    size_t lie_size;
    const char *message;
    int slow_ms;      /* what encoding takes */
    gate_t *encoding; /* opened by it, */
    gate_t *held;     /* which then waits for this one */
} plan_t;

typedef struct {
    size_t packets;
    char text[32];
} state_t;

static int encode(const en_slice_t *parts, size_t count, en_frame_t *frame, void *user_data)
{
    plan_t *plan = user_data;

    if (plan->slow_ms > 0)
        pause_ms(plan->slow_ms);
    if (plan->encoding)
        gate_open(plan->encoding);
    if (plan->held)
        gate_wait(plan->held);
    if (plan->encode_answer != EN_CALLBACK_DONE) {
        CHECK_OK(en_frame_append(frame, "never sent", 10));
        en_set_error_message(plan->message);
        return plan->encode_answer;
    }
    CHECK_OK(en_frame_append(frame, "<", 1));
    for (size_t i = 0; i < count; i++)
        CHECK_OK(en_frame_append_borrowed(frame, parts[i].data, parts[i].size));
    CHECK_OK(en_frame_append_borrowed(frame, ">", 1));
    CHECK_OK(en_frame_append(frame, NULL, 0));
    CHECK_CODE(en_frame_append(frame, NULL, 3), EN_EINVAL);
    CHECK_OK(en_frame_append(frame, "\n", 1));
    return EN_CALLBACK_DONE;
}

/* A line is a packet; a line that begins with '!' is an error, '=' asks for the plan's answer. */
static int decode(const uint8_t *data, size_t size, int end, size_t *used, en_slice_t *packet,
                  void *state, void *user_data)
{
    plan_t *plan = user_data;
    const uint8_t *stop = memchr(data, '\n', size);

    CHECK_INT(*used, 0);
    CHECK(size > 0);
    if (state)
        ((state_t *)state)->packets++;
    if (!stop && end) {
        *used = size;
        *packet = (en_slice_t){data, size};
        return EN_DECODE_PACKET;
    }
    if (!stop)
        return EN_DECODE_MORE;
    *used = (size_t)(stop - data) + 1;
    *packet = (en_slice_t){data, *used - 1};
    if (data[0] == '!')
        return EN_EBADMSG;
    if (data[0] == '=') {
        *used += plan->lie_used;
        packet->size += plan->lie_size;
        en_set_error_message(plan->message);
        return plan->decode_answer;
    }
    return EN_DECODE_PACKET;
}

static int new_state(void **state, void *user_data)
{
    plan_t *plan = user_data;

    *state = calloc(1, sizeof(state_t));
    atomic_fetch_add(&plan->states, 1);
    atomic_fetch_add(&plan->states_made, 1);
    return EN_CALLBACK_DONE;
}

static void free_state(void *state, void *user_data)
{
    plan_t *plan = user_data;

    CHECK(state != NULL);
    free(state);
    atomic_fetch_sub(&plan->states, 1);
}

static void destroy(void *user_data)
{
    plan_t *plan = user_data;

    atomic_fetch_add(&plan->destroyed, 1);
}

static plan_t good_plan(void)
{
    return (plan_t){.encode_answer = EN_CALLBACK_DONE, .decode_answer = EN_DECODE_PACKET};
}

static en_stream_protocol_t *protocol_with(plan_t *plan, en_decode_t decoder, size_t most)
{
    en_stream_protocol_callbacks_t callbacks = {sizeof(callbacks), encode, decoder, new_state,
                                                free_state};
    en_stream_protocol_t *protocol = NULL;

    REQUIRE_OK(en_stream_protocol_new(&protocol, &callbacks, most, destroy, plan));
    memset(&callbacks, 0, sizeof(callbacks)); /* it was copied */
    return protocol;
}

static void open_with(wire_t *wire, plan_t *plan)
{
    wire_open(wire, protocol_with(plan, decode, 0), NULL);
}

/* Ends the wire; then everything of the protocol must have ended, once. */
static void close_with(wire_t *wire, plan_t *plan)
{
    CHECK_INT(atomic_load(&plan->destroyed), 0);
    wire_close(wire);
    CHECK_INT(atomic_load(&plan->states), 0);
    CHECK_INT(atomic_load(&plan->destroyed), 1);
}

static void chunks_go_out_together(void)
{
    en_slice_t parts[] = {{"he", 2}, {NULL, 0}, {"llo", 3}};
    plan_t plan = good_plan();
    wire_t wire;

    open_with(&wire, &plan);
    CHECK_OK(en_tcp_client_send_packet_slices(wire.client, parts, 3, 1000));
    CHECK_OK(send_text(wire.client, ""));
    peer_expect_text(wire.fd, "<hello>\n<>\n");
    CHECK_INT(wire_stats(&wire).send_calls, 2);
    close_with(&wire, &plan);
}

static void packets_come_at_once_and_byte_by_byte(void)
{
    plan_t plan = good_plan();
    wire_t wire;

    open_with(&wire, &plan);
    peer_send_text(wire.fd, "one\ntwo\n\n");
    CHECK_RECV(wire.client, "one");
    CHECK_RECV(wire.client, "two");
    CHECK_RECV(wire.client, "");
    wire_feed_bytewise(&wire, "three\n", 6);
    CHECK_RECV(wire.client, "three");
    peer_send_text(wire.fd, "ended by the stream");
    peer_end(wire.fd);
    CHECK_RECV(wire.client, "ended by the stream");
    CHECK_RECV_FAILS(wire.client, 1000, EN_ECONNABORTED);
    close_with(&wire, &plan);
}

static void an_error_skips_what_it_says(void)
{
    plan_t plan = good_plan();
    wire_t wire;

    open_with(&wire, &plan);
    peer_send_text(wire.fd, "one\n!bad\ntwo\n");
    CHECK_RECV(wire.client, "one");
    CHECK_RECV_FAILS(wire.client, 1000, EN_EBADMSG);
    CHECK_RECV(wire.client, "two");
    close_with(&wire, &plan);
}

/* The answer of decode becomes this code; the line is skipped or, where the answer could not be
 * trusted, at least no packet is made of it. */
static void check_decode_answer(int answer, int code, const char *message)
{
    plan_t plan = good_plan();
    wire_t wire;

    plan.decode_answer = answer;
    plan.message = message;
    open_with(&wire, &plan);
    peer_send_text(wire.fd, "one\n=\ntwo\n");
    CHECK_RECV(wire.client, "one");
    if (!CHECK_RECV_FAILS(wire.client, 1000, code))
        fprintf(stderr, "  the answer was %d\n", answer);
    CHECK_MESSAGE("decode");
    if (message)
        CHECK_MESSAGE(message);
    CHECK_RECV(wire.client, "two");
    close_with(&wire, &plan);
}

static void codes_of_decode(void)
{
    check_decode_answer(EN_EINVAL, EN_EINVAL, NULL);
    check_decode_answer(EN_EBADMSG, EN_EBADMSG, "a reason of its own");
    check_decode_answer(EN_EMSGSIZE, EN_EMSGSIZE, "too much");
    check_decode_answer(EN_EUSER_BASE, EN_EUSER_BASE, "mine");
    check_decode_answer(EN_EUSER_BASE - 77, EN_EUSER_BASE - 77, NULL);
    check_decode_answer(0, EN_EINVAL, NULL);
    check_decode_answer(3, EN_EINVAL, NULL);
    check_decode_answer(EN_ETIMEDOUT, EN_EINVAL, NULL);
    check_decode_answer(EN_ECONNRESET, EN_EINVAL, NULL);
    check_decode_answer(EN_ECLOSED, EN_EINVAL, NULL);
    check_decode_answer(EN_EUSER_BASE + 1, EN_EINVAL, NULL);
}

/* What another callback has said, and did not fail, is no reason. */
static void a_reason_is_that_of_the_callback_that_fails(void)
{
    plan_t plan = good_plan();
    wire_t wire;

    open_with(&wire, &plan);
    en_set_error_message("stale");
    peer_send_text(wire.fd, "!one\n");
    CHECK_RECV_FAILS(wire.client, 1000, EN_EBADMSG);
    CHECK(strstr(en_last_error_message(), "stale") == NULL);
    close_with(&wire, &plan);
}

static void check_encode_answer(int answer, int code)
{
    plan_t plan = good_plan();
    wire_t wire;

    plan.encode_answer = answer;
    plan.message = "not today";
    open_with(&wire, &plan);
    CHECK_CODE(send_text(wire.client, "x"), code);
    CHECK_MESSAGE("encode");
    if (answer == code)
        CHECK_MESSAGE("not today");
    CHECK_INT(wire_stats(&wire).send_calls, 0);
    plan.encode_answer = EN_CALLBACK_DONE;
    CHECK_OK(send_text(wire.client, "good"));
    peer_expect_text(wire.fd, "<good>\n");
    close_with(&wire, &plan);
}

static void codes_of_encode(void)
{
    check_encode_answer(EN_EBADMSG, EN_EBADMSG);
    check_encode_answer(EN_EMSGSIZE, EN_EMSGSIZE);
    check_encode_answer(EN_EUSER_BASE - 5, EN_EUSER_BASE - 5);
    check_encode_answer(0, EN_EINVAL);
    check_encode_answer(EN_DECODE_MORE, EN_EINVAL);
    check_encode_answer(EN_EPIPE, EN_EINVAL);
}

static void check_lie(size_t used, size_t size, int answer)
{
    plan_t plan = good_plan();
    wire_t wire;

    plan.lie_used = used;
    plan.lie_size = size;
    plan.decode_answer = answer;
    open_with(&wire, &plan);
    peer_send_text(wire.fd, "=\n");
    CHECK_RECV_FAILS(wire.client, 1000, EN_EINVAL);
    CHECK_MESSAGE("decode");
    CHECK_OK(send_text(wire.client, "fine"));
    close_with(&wire, &plan);
}

static void lies_about_counts(void)
{
    check_lie(1, 0, EN_DECODE_PACKET);
    check_lie(SIZE_MAX - 2, 0, EN_DECODE_PACKET);
    check_lie(0, 1 << 20, EN_DECODE_PACKET);
    check_lie(0, SIZE_MAX - 1, EN_DECODE_PACKET);
    check_lie(100, 0, EN_EBADMSG);
    check_lie(100, 0, EN_DECODE_MORE);
}

static int decode_nothing(const uint8_t *data, size_t size, int end, size_t *used,
                          en_slice_t *packet, void *state, void *user_data)
{
    (void)size, (void)end, (void)used, (void)state, (void)user_data;
    *packet = (en_slice_t){data, 1};
    return EN_DECODE_PACKET; /* again and again the same bytes */
}

static void a_packet_that_uses_nothing(void)
{
    plan_t plan = good_plan();
    wire_t wire;

    wire_open(&wire, protocol_with(&plan, decode_nothing, 0), NULL);
    peer_send_text(wire.fd, "x");
    CHECK_RECV_FAILS(wire.client, 1000, EN_EINVAL);
    close_with(&wire, &plan);
}

static int decode_always_more(const uint8_t *data, size_t size, int end, size_t *used,
                              en_slice_t *packet, void *state, void *user_data)
{
    (void)data, (void)size, (void)end, (void)used, (void)packet, (void)state, (void)user_data;
    return EN_DECODE_MORE;
}

static void what_gathers_without_a_packet_is_limited(void)
{
    static char zeros[5000];
    plan_t plan = good_plan();
    wire_t wire;

    wire_open(&wire, protocol_with(&plan, decode_always_more, 4000), NULL);
    peer_send(wire.fd, zeros, 3000);
    wire_wait_arrived(&wire);
    CHECK_RECV_FAILS(wire.client, 50, EN_ETIMEDOUT);
    peer_send(wire.fd, zeros, 2000);
    CHECK_RECV_FAILS(wire.client, 1000, EN_EMSGSIZE);
    CHECK_RECV_FAILS(wire.client, 1000, EN_EMSGSIZE);
    close_with(&wire, &plan);
}

static void packets_above_the_maximum_are_none(void)
{
    plan_t plan = good_plan();
    en_tcp_options_t *options = options_new();
    wire_t wire;

    CHECK_OK(en_tcp_options_set_max_packet_size(options, 8));
    wire_open(&wire, protocol_with(&plan, decode, 0), options);
    peer_send_text(wire.fd, "12345678\n123456789\nend\n"); /* all of it may come at once */
    CHECK_RECV(wire.client, "12345678");
    CHECK_RECV_FAILS(wire.client, 5000, EN_EMSGSIZE);
    CHECK_MESSAGE("larger than the maximum of 8 bytes");
    CHECK_RECV(wire.client, "end");
    close_with(&wire, &plan);
}

static void bytes_left_at_the_end_are_a_cut_packet(void)
{
    plan_t plan = good_plan();
    wire_t wire;

    wire_open(&wire, protocol_with(&plan, decode_always_more, 0), NULL);
    peer_send_text(wire.fd, "never a packet");
    peer_end(wire.fd);
    CHECK_RECV_FAILS(wire.client, 1000, EN_ETRUNCATED);
    CHECK_RECV_FAILS(wire.client, 1000, EN_ETRUNCATED);
    close_with(&wire, &plan);
}

/* Spends all bytes as they come and gathers them in its state; the packet lies there. */
static int decode_in_state(const uint8_t *data, size_t size, int end, size_t *used,
                           en_slice_t *packet, void *state, void *user_data)
{
    state_t *mine = state;

    (void)user_data;
    CHECK(size > 0 || end);
    if (size == 0) { /* what has gathered is the last packet, unless it is to be cut */
        *packet = (en_slice_t){mine->text, mine->packets};
        return mine->text[0] == '?' ? EN_DECODE_MORE : EN_DECODE_PACKET;
    }
    while (*used < size) {
        char byte = (char)data[(*used)++];

        if (byte != '\n' && mine->packets < sizeof(mine->text)) {
            mine->text[mine->packets++] = byte;
            continue;
        }
        *packet = (en_slice_t){mine->text, mine->packets};
        mine->packets = 0;
        return EN_DECODE_PACKET;
    }
    return EN_DECODE_MORE;
}

static void a_packet_from_the_state_is_copied(void)
{
    plan_t plan = good_plan();
    en_packet_t first = {0};
    wire_t wire;

    wire_open(&wire, protocol_with(&plan, decode_in_state, 0), NULL);
    peer_send_text(wire.fd, "first\nother\nhal");
    CHECK_OK(en_tcp_client_recv_packet(wire.client, 1000, &first));
    CHECK_RECV(wire.client, "other");
    CHECK_BYTES(first.data, first.size, "first", 5);
    en_packet_release(&first);
    CHECK_RECV_FAILS(wire.client, 30, EN_ETIMEDOUT);
    wire_feed_bytewise(&wire, "f\n", 2);
    CHECK_RECV(wire.client, "half");
    close_with(&wire, &plan);
}

static void check_state_at_the_end(const char *text, int code)
{
    plan_t plan = good_plan();
    en_packet_t packet = {0};
    wire_t wire;

    wire_open(&wire, protocol_with(&plan, decode_in_state, 0), NULL);
    peer_send_text(wire.fd, text);
    wire_wait_arrived(&wire);
    CHECK_RECV_FAILS(wire.client, 50, EN_ETIMEDOUT);
    peer_end(wire.fd);
    CHECK_CODE(en_tcp_client_recv_packet(wire.client, 5000, &packet), code);
    if (code == EN_OK) {
        CHECK_BYTES(packet.data, packet.size, text, strlen(text));
        en_packet_release(&packet);
    }
    CHECK_RECV_FAILS(wire.client, 5000, code == EN_OK ? EN_ECONNABORTED : EN_ETRUNCATED);
    close_with(&wire, &plan);
}

static void what_the_state_holds_hears_of_the_end(void)
{
    check_state_at_the_end("complete", EN_OK);
    check_state_at_the_end("?cut", EN_ETRUNCATED);
}

static void each_client_has_a_state(void)
{
    enum { CLIENTS = 3 };
    plan_t plan = good_plan();
    en_stream_protocol_t *protocol = protocol_with(&plan, decode, 0);
    int listener = peer_listen("127.0.0.1", 8);
    en_tcp_client_t *clients[CLIENTS] = {0};

    for (int i = 0; i < CLIENTS; i++)
        CHECK_OK(
            en_tcp_client_connect(&clients[i], "127.0.0.1", peer_port(listener), protocol, NULL));
    CHECK_INT(atomic_load(&plan.states_made), CLIENTS);
    en_stream_protocol_free(protocol);
    for (int i = 0; i < CLIENTS; i++) {
        CHECK_INT(atomic_load(&plan.destroyed), 0);
        en_tcp_client_free(clients[i]);
        CHECK_INT(atomic_load(&plan.states), CLIENTS - 1 - i);
    }
    CHECK_INT(atomic_load(&plan.destroyed), 1);
    peer_reset(listener);
}

static void a_failed_connect_leaves_no_state(void)
{
    plan_t plan = good_plan();
    en_stream_protocol_t *protocol = protocol_with(&plan, decode, 0);
    en_tcp_client_t *client = NULL;

    CHECK_CODE(en_tcp_client_connect(&client, "127.0.0.1", peer_refusing_port(), protocol, NULL),
               EN_ECONNREFUSED);
    CHECK_INT(atomic_load(&plan.states), 0);
    en_stream_protocol_free(protocol);
    CHECK_INT(atomic_load(&plan.destroyed), 1);
}

static void what_encoding_takes_is_counted(void)
{
    plan_t plan = good_plan();
    int64_t start;
    wire_t wire;

    open_with(&wire, &plan);
    wire_narrow(&wire);
    wire_fill(&wire);
    plan.slow_ms = 300 + SLACK_MS;
    start = now_ms();
    CHECK_CODE(en_tcp_client_send_packet(wire.client, "x", 1, plan.slow_ms + 50), EN_ETIMEDOUT);
    CHECK_TOOK(start, plan.slow_ms + 50);
    close_with(&wire, &plan);
}

static int decode_slowly(const uint8_t *data, size_t size, int end, size_t *used,
                         en_slice_t *packet, void *state, void *user_data)
{
    (void)data, (void)size, (void)end, (void)used, (void)packet, (void)state;
    pause_ms(((plan_t *)user_data)->slow_ms);
    return EN_DECODE_MORE;
}

static void what_decoding_takes_is_counted(void)
{
    plan_t plan = good_plan();
    int64_t start;
    wire_t wire;

    wire_open(&wire, protocol_with(&plan, decode_slowly, 0), NULL);
    peer_send_text(wire.fd, "x");
    wire_wait_arrived(&wire);
    plan.slow_ms = 300 + SLACK_MS;
    start = now_ms();
    CHECK_RECV_FAILS(wire.client, plan.slow_ms + 50, EN_ETIMEDOUT);
    CHECK_TOOK(start, plan.slow_ms + 50);
    close_with(&wire, &plan);
}

typedef struct {
    en_tcp_client_t *client;
    int rc;
} call_t;

static void send_one(void *arg)
{
    call_t *call = arg;

    call->rc = en_tcp_client_send_packet(call->client, "x", 1, 5000);
}

/* A write buffer would be brought out first. */
static void closing_waits_for_no_code_of_the_application(void)
{
    plan_t plan = good_plan();
    en_tcp_options_t *options = options_new();
    gate_t encoding = {0};
    gate_t held = {0};
    thread_t thread;
    call_t call;
    int64_t start;
    wire_t wire;

    CHECK_OK(en_tcp_options_set_write_buffer(options, 4096));
    wire_open(&wire, protocol_with(&plan, decode, 0), options);
    plan.encoding = &encoding;
    plan.held = &held;
    call.client = wire.client;
    thread_start(&thread, send_one, &call);
    gate_wait(&encoding);
    start = now_ms();
    CHECK_OK(en_tcp_client_close(wire.client));
    CHECK_TOOK(start, 0);
    gate_open(&held);
    thread_join(&thread);
    CHECK_CODE(call.rc, EN_ECLOSED);
    close_with(&wire, &plan);
}

static void registration(void)
{
    plan_t plan = good_plan();
    en_stream_protocol_callbacks_t table = {sizeof(table), encode, decode, NULL, NULL};
    struct {
        en_stream_protocol_callbacks_t table;
        void *more;
    } newer = {{sizeof(newer), encode, decode, NULL, NULL}, NULL};
    en_stream_protocol_t *protocol = NULL;

    CHECK_CODE(en_stream_protocol_new(&protocol, NULL, 0, destroy, &plan), EN_EINVAL);
    CHECK_CODE(en_stream_protocol_new(NULL, &table, 0, destroy, &plan), EN_EINVAL);
    table.struct_size = 0;
    CHECK_CODE(en_stream_protocol_new(&protocol, &table, 0, destroy, &plan), EN_EINVAL);
    table.struct_size = sizeof(table);
    table.encode = NULL;
    CHECK_CODE(en_stream_protocol_new(&protocol, &table, 0, destroy, &plan), EN_EINVAL);
    table.encode = encode;
    table.decode = NULL;
    CHECK_CODE(en_stream_protocol_new(&protocol, &table, 0, destroy, &plan), EN_EINVAL);
    CHECK(protocol == NULL);
    newer.more = &plan; /* a member that this library knows nothing of */
    CHECK_CODE(en_stream_protocol_new(&protocol, &newer.table, 0, destroy, &plan), EN_EINVAL);
    CHECK_INT(atomic_load(&plan.destroyed), 0); /* only what was registered ends */
    newer.more = NULL;
    CHECK_OK(en_stream_protocol_new(&protocol, &newer.table, 0, destroy, &plan));
    en_stream_protocol_free(protocol);
    CHECK_INT(atomic_load(&plan.destroyed), 1);
    table.decode = decode;
    CHECK_OK(en_stream_protocol_new(&protocol, &table, 0, NULL, NULL));
    en_stream_protocol_free(protocol);
    en_stream_protocol_free(NULL);
}

static const test_case_t cases[] = {
    CASE(chunks_go_out_together),
    CASE(packets_come_at_once_and_byte_by_byte),
    CASE(an_error_skips_what_it_says),
    CASE(codes_of_decode),
    CASE(a_reason_is_that_of_the_callback_that_fails),
    CASE(codes_of_encode),
    CASE(lies_about_counts),
    CASE(a_packet_that_uses_nothing),
    CASE(what_gathers_without_a_packet_is_limited),
    CASE(packets_above_the_maximum_are_none),
    CASE(bytes_left_at_the_end_are_a_cut_packet),
    CASE(a_packet_from_the_state_is_copied),
    CASE(what_the_state_holds_hears_of_the_end),
    CASE(each_client_has_a_state),
    CASE(a_failed_connect_leaves_no_state),
    CASE_BLOCKING(what_encoding_takes_is_counted),
    CASE_BLOCKING(what_decoding_takes_is_counted),
    CASE_BLOCKING(closing_waits_for_no_code_of_the_application),
    CASE(registration),
};

TEST_MAIN("callbacks")
