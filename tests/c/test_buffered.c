/* Protocols that lend the memory the socket reads into. */
#include "wire.h"

#include <stdlib.h>

enum { ROOM = 4096 };

typedef struct {
    size_t room;      /* of each buffer that is lent */
    size_t next_room; /* of all but the first, if not 0 */
    size_t start;     /* filled with bytes of its own at the first lend */
    int lend_answer;
    int decode_answer;
    size_t lie_used;
    size_t lie_size;
    bool lend_null;
    bool fresh; /* another buffer each time */
    bool saw_end;
    size_t shown; /* bytes, to all calls of decode */
    int lends;
    size_t hint; /* at the last lend */
    atomic_int states;
    atomic_int released;
    atomic_int destroyed;
} plan_t;

typedef struct {
    char memory[4][ROOM];
    char *buffer;
    size_t size;
} state_t;

static int encode(const en_slice_t *parts, size_t count, en_frame_t *frame, void *user_data)
{
    (void)user_data;
    for (size_t i = 0; i < count; i++)
        CHECK_OK(en_frame_append_borrowed(frame, parts[i].data, parts[i].size));
    return en_frame_append(frame, "\n", 1) == EN_OK ? EN_CALLBACK_DONE : EN_EUSER_BASE;
}

static int lend(size_t size_hint, void **buffer, size_t *size, size_t *start, void *state,
                void *user_data)
{
    plan_t *plan = user_data;
    state_t *mine = state;

    plan->hint = size_hint;
    mine->buffer = mine->memory[plan->fresh ? plan->lends % 4 : 0];
    mine->size = plan->lends > 0 && plan->next_room ? plan->next_room : plan->room;
    if (plan->lends++ == 0 && plan->start > 0) {
        memset(mine->buffer, '+', plan->start < ROOM ? plan->start : ROOM);
        *start = plan->start;
    }
    *buffer = plan->lend_null ? NULL : mine->buffer;
    *size = mine->size;
    return plan->lend_answer;
}

static int decode(size_t filled, int end, size_t *used, en_slice_t *packet, void *state,
                  void *user_data)
{
    plan_t *plan = user_data;
    state_t *mine = state;
    char *stop = memchr(mine->buffer, '\n', filled);

    CHECK(filled <= mine->size);
    plan->saw_end = plan->saw_end || end;
    plan->shown += filled;
    if (!stop)
        return EN_DECODE_MORE;
    *used = (size_t)(stop - mine->buffer) + 1;
    *packet = (en_slice_t){mine->buffer, *used - 1};
    if (mine->buffer[0] == '!')
        return EN_EBADMSG;
    if (mine->buffer[0] == '=') {
        *used += plan->lie_used;
        packet->size += plan->lie_size;
        return plan->decode_answer;
    }
    return EN_DECODE_PACKET;
}

static int new_state(void **state, void *user_data)
{
    plan_t *plan = user_data;

    atomic_fetch_add(&plan->states, 1);
    *state = calloc(1, sizeof(state_t));
    return EN_CALLBACK_DONE;
}

static void free_state(void *state, void *user_data)
{
    plan_t *plan = user_data;

    atomic_fetch_sub(&plan->states, 1);
    free(state);
}

static void release(const void *data, size_t size, void *user_data)
{
    plan_t *plan = user_data;

    (void)data, (void)size;
    CHECK_INT(atomic_load(&plan->destroyed), 0);
    atomic_fetch_add(&plan->released, 1);
}

static void destroy(void *user_data)
{
    plan_t *plan = user_data;

    atomic_fetch_add(&plan->destroyed, 1);
}

static plan_t good_plan(void)
{
    return (plan_t){
        .room = ROOM, .lend_answer = EN_CALLBACK_DONE, .decode_answer = EN_DECODE_PACKET};
}

static en_stream_protocol_t *protocol_of(plan_t *plan, en_release_t end)
{
    en_buffered_protocol_callbacks_t callbacks = {
        sizeof(callbacks), encode, lend, decode, new_state, free_state, end,
    };
    en_stream_protocol_t *protocol = NULL;

    REQUIRE_OK(en_stream_protocol_new_buffered(&protocol, &callbacks, destroy, plan));
    return protocol;
}

static void open_with(wire_t *wire, plan_t *plan, en_release_t end)
{
    wire_open(wire, protocol_of(plan, end), NULL);
}

static void close_with(wire_t *wire, plan_t *plan)
{
    wire_close(wire);
    CHECK_INT(atomic_load(&plan->states), 0);
    CHECK_INT(atomic_load(&plan->destroyed), 1);
}

static void packets_in_both_directions(void)
{
    plan_t plan = good_plan();
    wire_t wire;

    open_with(&wire, &plan, NULL);
    CHECK_OK(send_text(wire.client, "out"));
    peer_expect_text(wire.fd, "out\n");
    peer_send_text(wire.fd, "one\ntwo\n\n");
    CHECK_RECV(wire.client, "one");
    CHECK_INT(en_tcp_client_has_buffered(wire.client), 1);
    CHECK_RECV(wire.client, "two");
    CHECK_RECV(wire.client, "");
    wire_feed_bytewise(&wire, "three\n", 6);
    CHECK_RECV(wire.client, "three");
    peer_end(wire.fd);
    CHECK_RECV_FAILS(wire.client, 1000, EN_ECONNABORTED);
    close_with(&wire, &plan);
}

static void the_receive_size_is_the_hint(void)
{
    static const size_t sizes[] = {0, 1000};

    for (size_t i = 0; i < 2; i++) {
        en_tcp_options_t *options = options_new();
        plan_t plan = good_plan();
        wire_t wire;

        CHECK_OK(en_tcp_options_set_max_recv_size(options, sizes[i]));
        wire_open(&wire, protocol_of(&plan, NULL), options);
        peer_send_text(wire.fd, "one\n");
        CHECK_RECV(wire.client, "one");
        CHECK_INT(plan.hint, sizes[i] ? sizes[i] : 16384);
        close_with(&wire, &plan);
    }
}

static void what_is_left_over_goes_to_the_next_buffer(void)
{
    plan_t plan = good_plan();
    wire_t wire;

    plan.fresh = true;
    open_with(&wire, &plan, NULL);
    peer_send_text(wire.fd, "one\ntwo\nthr");
    CHECK_RECV(wire.client, "one");
    CHECK_RECV(wire.client, "two");
    CHECK_RECV_FAILS(wire.client, 30, EN_ETIMEDOUT);
    peer_send_text(wire.fd, "ee\nfour\n");
    CHECK_RECV(wire.client, "three");
    CHECK_RECV(wire.client, "four");
    close_with(&wire, &plan);
}

static void packets_are_copied_without_release(void)
{
    plan_t plan = good_plan();
    en_packet_t first = {0};
    wire_t wire;

    open_with(&wire, &plan, NULL);
    peer_send_text(wire.fd, "first\nother\n");
    CHECK_OK(en_tcp_client_recv_packet(wire.client, 1000, &first));
    CHECK_RECV(wire.client, "other");
    peer_send_text(wire.fd, "XXXXXXXXXXXX\n");
    CHECK_RECV(wire.client, "XXXXXXXXXXXX");
    close_with(&wire, &plan);
    CHECK_BYTES(first.data, first.size, "first", 5);
    en_packet_release(&first);
}

/* Each in memory of its own. */
static void receive_two(wire_t *wire, plan_t *plan, en_packet_t packets[2])
{
    plan->fresh = true;
    open_with(wire, plan, release);
    peer_send_text(wire->fd, "one\n");
    CHECK_OK(en_tcp_client_recv_packet(wire->client, 1000, &packets[0]));
    peer_send_text(wire->fd, "two\n");
    CHECK_OK(en_tcp_client_recv_packet(wire->client, 1000, &packets[1]));
}

static void packets_with_release_are_given_back(void)
{
    plan_t plan = good_plan();
    en_packet_t packets[2] = {0};
    en_packet_t again = {0};
    wire_t wire;

    receive_two(&wire, &plan, packets);
    CHECK_OK(en_packet_retain(&packets[1], &again));
    CHECK_BYTES(packets[0].data, packets[0].size, "one", 3);
    CHECK_BYTES(packets[1].data, packets[1].size, "two", 3);
    en_packet_release(&packets[0]);
    CHECK_INT(atomic_load(&plan.released), 1);
    en_packet_release(&packets[1]);
    CHECK_INT(atomic_load(&plan.released), 1);
    CHECK_BYTES(again.data, again.size, "two", 3);
    en_packet_release(&again);
    CHECK_INT(atomic_load(&plan.released), 2);
    close_with(&wire, &plan);
}

static void several_with_release_are_given_back_together(void)
{
    plan_t plan = good_plan();
    en_packet_t packets[3] = {0};
    en_packet_t again = {0};
    wire_t wire;

    receive_two(&wire, &plan, packets);
    CHECK_OK(en_packet_retain(&packets[0], &again));
    CHECK_OK(en_packet_retain(&packets[0], &packets[2]));
    en_packets_release(packets, 3);
    CHECK_INT(atomic_load(&plan.released), 1);
    CHECK_BYTES(again.data, again.size, "one", 3);
    en_packets_release(&again, 1);
    CHECK_INT(atomic_load(&plan.released), 2);
    close_with(&wire, &plan);
}

static void a_packet_keeps_the_protocol_until_its_release(void)
{
    plan_t plan = good_plan();
    en_packet_t packet = {0};
    wire_t wire;

    open_with(&wire, &plan, release);
    peer_send_text(wire.fd, "one\n");
    CHECK_OK(en_tcp_client_recv_packet(wire.client, 1000, &packet));
    wire_close(&wire);
    CHECK_INT(atomic_load(&plan.released), 0);
    en_packet_release(&packet);
    CHECK_INT(atomic_load(&plan.released), 1);
    CHECK_INT(atomic_load(&plan.destroyed), 1);
}

static void a_start_within_the_buffer(void)
{
    plan_t plan = good_plan();
    wire_t wire;

    plan.start = 3;
    open_with(&wire, &plan, NULL);
    peer_send_text(wire.fd, "rest\nnext\n");
    CHECK_RECV(wire.client, "+++rest");
    CHECK_RECV(wire.client, "next");
    close_with(&wire, &plan);
}

static void check_bad_lend(plan_t plan, int code)
{
    wire_t wire;

    open_with(&wire, &plan, NULL);
    peer_send_text(wire.fd, "one\n");
    wire_wait_arrived(&wire);
    en_set_error_message("stale");
    CHECK_RECV_FAILS(wire.client, 1000, code);
    CHECK_MESSAGE("lend callback");
    CHECK(strstr(en_last_error_message(), "stale") == NULL);
    close_with(&wire, &plan);
}

static void buffers_that_cannot_be(void)
{
    plan_t plan = good_plan();

    plan.room = SIZE_MAX;
    check_bad_lend(plan, EN_EINVAL);
    plan = good_plan();

    plan.lend_null = true;
    check_bad_lend(plan, EN_EINVAL);
    plan = good_plan();
    plan.room = 0;
    check_bad_lend(plan, EN_EINVAL);
    plan = good_plan();
    plan.room = plan.start = 16;
    check_bad_lend(plan, EN_EINVAL);
    plan.start = 17;
    check_bad_lend(plan, EN_EINVAL);
    plan = good_plan();
    plan.lend_answer = EN_EUSER_BASE - 3;
    check_bad_lend(plan, EN_EUSER_BASE - 3);
    plan.lend_answer = 0;
    check_bad_lend(plan, EN_EINVAL);
    plan.lend_answer = EN_ETIMEDOUT;
    check_bad_lend(plan, EN_EINVAL);
}

static void check_answer(int answer, size_t used, size_t size, int code)
{
    plan_t plan = good_plan();
    wire_t wire;

    plan.decode_answer = answer;
    plan.lie_used = used;
    plan.lie_size = size;
    open_with(&wire, &plan, NULL);
    peer_send_text(wire.fd, "=\n");
    CHECK_RECV_FAILS(wire.client, 1000, code);
    close_with(&wire, &plan);
}

static void answers_that_cannot_be(void)
{
    check_answer(EN_DECODE_PACKET, 1, 0, EN_EINVAL);
    check_answer(EN_DECODE_PACKET, ROOM, 0, EN_EINVAL);
    check_answer(EN_DECODE_PACKET, SIZE_MAX - 2, 0, EN_EINVAL);
    check_answer(0, 0, 0, EN_EINVAL);
    check_answer(EN_ECLOSED, 0, 0, EN_EINVAL);
    check_answer(EN_EBADMSG, 100, 0, EN_EINVAL);
    check_answer(EN_EUSER_BASE - 9, 0, 0, EN_EUSER_BASE - 9);
}

static void an_error_skips_what_it_says(void)
{
    plan_t plan = good_plan();
    wire_t wire;

    open_with(&wire, &plan, NULL);
    peer_send_text(wire.fd, "!bad\nnext\n");
    CHECK_RECV_FAILS(wire.client, 1000, EN_EBADMSG);
    CHECK_RECV(wire.client, "next");
    close_with(&wire, &plan);
}

static void more_left_over_than_the_next_buffer_holds_loses_nothing(void)
{
    plan_t plan = good_plan();
    wire_t wire;

    plan.room = 64;
    plan.next_room = 4;
    plan.fresh = true;
    open_with(&wire, &plan, NULL);
    peer_send_text(wire.fd, "one\nlong enough to be a problem");
    CHECK_RECV(wire.client, "one");
    CHECK_RECV_FAILS(wire.client, 100, EN_EMSGSIZE);
    plan.next_room = 128;
    peer_send_text(wire.fd, "\n");
    CHECK_RECV(wire.client, "long enough to be a problem");
    close_with(&wire, &plan);
}

/* What one receive has brought is not moved again as a whole for each packet in it. */
static void many_left_over_are_shown_in_portions(void)
{
    enum { LINES = 400, LINE = 8 };
    char text[LINES * LINE + 1];
    plan_t plan = good_plan();
    wire_t wire;

    for (int i = 0; i < LINES; i++)
        snprintf(text + i * LINE, LINE + 1, "%07d\n", i);
    plan.next_room = LINE + 1; /* each buffer only has to hold a packet */
    open_with(&wire, &plan, NULL);
    peer_send_text(wire.fd, text);
    wire_wait_arrived(&wire);
    for (int i = 0; i < LINES; i++) {
        text[i * LINE + LINE - 1] = '\0';
        CHECK_RECV(wire.client, text + i * LINE);
        plan.next_room = 0;
    }
    CHECK(plan.shown < (size_t)10 * sizeof(text));
    close_with(&wire, &plan);
}

/* A large packet behind small ones. */
static void what_is_left_over_may_be_a_large_packet(void)
{
    char text[3000 + 1] = {0};
    plan_t plan = good_plan();
    wire_t wire;

    memset(text, 'x', sizeof(text) - 1);
    plan.fresh = true;
    open_with(&wire, &plan, NULL);
    memcpy(text, "one\n", 4);
    memcpy(text + 2000, "\nend\n", 5);
    peer_send_text(wire.fd, text);
    wire_wait_arrived(&wire);
    plan.next_room = 2100;
    CHECK_RECV(wire.client, "one");
    text[2000] = '\0';
    CHECK_RECV(wire.client, text + 4);
    CHECK_RECV(wire.client, "end");
    CHECK(plan.shown < (size_t)4 * sizeof(text));
    plan.next_room = 64;
    peer_end(wire.fd);
    CHECK_RECV_FAILS(wire.client, 1000, EN_EMSGSIZE);
    CHECK_MESSAGE("lent room for 64 bytes");
    plan.next_room = ROOM;
    CHECK_RECV_FAILS(wire.client, 1000, EN_ETRUNCATED);
    CHECK(plan.saw_end);
    close_with(&wire, &plan);
}

/* The protocol lends more until the packet has room, and has what has come in it. */
static void a_packet_may_outgrow_its_buffer(void)
{
    plan_t plan = good_plan();
    wire_t wire;

    plan.room = 8;
    plan.next_room = 64;
    plan.fresh = true;
    open_with(&wire, &plan, NULL);
    peer_send_text(wire.fd, "outgrows it\n");
    CHECK_RECV(wire.client, "outgrows it");
    plan.next_room = 8;
    peer_send_text(wire.fd, "and again");
    CHECK_RECV_FAILS(wire.client, 1000, EN_EMSGSIZE); /* the next one is no larger */
    plan.next_room = 64;
    peer_send_text(wire.fd, "\nnext\n7 more\n");
    CHECK_RECV(wire.client, "and again");
    plan.next_room = 12; /* as much as is left over */
    CHECK_RECV(wire.client, "next");
    CHECK_RECV(wire.client, "7 more");
    close_with(&wire, &plan);
}

static void the_end_of_the_stream(void)
{
    plan_t plan = good_plan();
    wire_t wire;

    open_with(&wire, &plan, NULL);
    peer_send_text(wire.fd, "one\nhal");
    peer_end(wire.fd);
    CHECK_RECV(wire.client, "one");
    CHECK_RECV_FAILS(wire.client, 1000, EN_ETRUNCATED);
    CHECK_RECV_FAILS(wire.client, 1000, EN_ETRUNCATED);
    CHECK(plan.saw_end);
    close_with(&wire, &plan);
}

static const test_case_t cases[] = {
    CASE_BLOCKING(packets_in_both_directions),
    CASE(the_receive_size_is_the_hint),
    CASE(what_is_left_over_goes_to_the_next_buffer),
    CASE(packets_are_copied_without_release),
    CASE(packets_with_release_are_given_back),
    CASE(several_with_release_are_given_back_together),
    CASE(a_packet_keeps_the_protocol_until_its_release),
    CASE(a_start_within_the_buffer),
    CASE(buffers_that_cannot_be),
    CASE(answers_that_cannot_be),
    CASE(an_error_skips_what_it_says),
    CASE(more_left_over_than_the_next_buffer_holds_loses_nothing),
    CASE(many_left_over_are_shown_in_portions),
    CASE(what_is_left_over_may_be_a_large_packet),
    CASE(a_packet_may_outgrow_its_buffer),
    CASE(the_end_of_the_stream),
};

TEST_MAIN("buffered")
