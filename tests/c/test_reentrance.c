/* What a protocol's callbacks may do to their own client. */
#include "child.h"
#include "wire.h"

#include <fcntl.h>
#include <sys/socket.h>

typedef struct {
    en_tcp_client_t *client;
    void (*in_encode)(en_tcp_client_t *client);
    void (*in_decode)(en_tcp_client_t *client);
    int calls;
    atomic_int destroyed;
} plan_t;

static int encode(const en_slice_t *parts, size_t count, en_frame_t *frame, void *user_data)
{
    plan_t *plan = user_data;

    for (size_t i = 0; i < count; i++)
        CHECK_OK(en_frame_append(frame, parts[i].data, parts[i].size));
    if (plan->in_encode) {
        plan->calls++;
        plan->in_encode(plan->client);
    }
    return EN_CALLBACK_DONE;
}

static int decode(const uint8_t *data, size_t size, int end, size_t *used, en_slice_t *packet,
                  void *state, void *user_data)
{
    plan_t *plan = user_data;

    (void)end, (void)state;
    if (plan->in_decode) {
        plan->calls++;
        plan->in_decode(plan->client);
    }
    *used = size;
    *packet = (en_slice_t){data, size};
    return EN_DECODE_PACKET;
}

static void destroy(void *user_data)
{
    plan_t *plan = user_data;

    atomic_fetch_add(&plan->destroyed, 1);
}

static void open_with(wire_t *wire, plan_t *plan)
{
    en_stream_protocol_callbacks_t callbacks = {sizeof(callbacks), encode, decode, NULL, NULL};
    en_stream_protocol_t *protocol = NULL;

    REQUIRE_OK(en_stream_protocol_new(&protocol, &callbacks, 0, destroy, plan));
    wire_open(wire, protocol, NULL);
    plan->client = wire->client;
}

static void call_everything_forbidden(en_tcp_client_t *client)
{
    en_slice_t slice = {"x", 1};
    en_packet_t packets[2];
    char buffer[8];
    size_t size = sizeof(buffer);
    int64_t value = 0;
    en_packet_iter_t *iter = NULL;

    CHECK_CODE(en_tcp_client_send_packet(client, "x", 1, 0), EN_EDEADLK);
    CHECK_CODE(en_tcp_client_send_packet_slices(client, &slice, 1, -1), EN_EDEADLK);
    CHECK_CODE(en_tcp_client_send_packets(client, &slice, 1, -1, &size), EN_EDEADLK);
    CHECK_CODE(en_tcp_client_flush(client, -1), EN_EDEADLK);
    CHECK_CODE(en_tcp_client_send_eof(client, -1), EN_EDEADLK);
    CHECK_CODE(en_tcp_client_recv_packet(client, -1, packets), EN_EDEADLK);
    CHECK_CODE(en_tcp_client_recv_packet_into(client, buffer, 8, -1, &size), EN_EDEADLK);
    CHECK_CODE(en_tcp_client_recv_packets(client, packets, 2, -1, &size), EN_EDEADLK);
    CHECK_CODE(en_tcp_client_has_buffered(client), EN_EDEADLK);
    CHECK_CODE(en_client_send_packet(en_tcp_client_as_client(client), "x", 1, -1), EN_EDEADLK);
    CHECK_CODE(en_client_recv_packet(en_tcp_client_as_client(client), -1, packets), EN_EDEADLK);
    CHECK_CODE(en_tcp_client_get_option(client, EN_OPTION_NODELAY, &value), EN_EDEADLK);
    CHECK_CODE(en_tcp_client_set_option(client, EN_OPTION_NODELAY, 1), EN_EDEADLK);
    size = sizeof(buffer);
    CHECK_CODE(en_tcp_client_getsockopt(client, SOL_SOCKET, SO_TYPE, buffer, &size), EN_EDEADLK);
    if (en_tcp_client_iter_received_packets(&iter, client, -1) == EN_OK)
        CHECK_CODE(en_packet_iter_next(iter, packets), EN_EDEADLK);
    en_packet_iter_free(iter);
}

static void call_everything_allowed(en_tcp_client_t *client)
{
    en_stats_t stats = {.struct_size = sizeof(stats)};
    en_address_t *address = NULL;

    CHECK_OK(en_tcp_client_get_stats(client, &stats));
    CHECK_INT(en_tcp_client_is_closed(client), 0);
    CHECK(en_tcp_client_fileno(client) >= 0);
    CHECK_OK(en_tcp_client_get_local_address(client, &address));
    en_address_free(address);
    CHECK_OK(en_tcp_client_get_remote_address(client, &address));
    en_address_free(address);
}

/* Runs `work` in both callbacks; the calls around them go on. */
static void check_in_callbacks(void (*work)(en_tcp_client_t *))
{
    plan_t plan = {.in_encode = work, .in_decode = work};
    wire_t wire;

    open_with(&wire, &plan);
    CHECK_OK(send_text(wire.client, "out"));
    peer_expect_text(wire.fd, "out");
    peer_send_text(wire.fd, "in");
    CHECK_RECV(wire.client, "in");
    CHECK_INT(plan.calls, 2);
    plan.in_encode = plan.in_decode = NULL;
    CHECK_OK(send_text(wire.client, "after"));
    peer_expect_text(wire.fd, "after");
    wire_close(&wire);
    CHECK_INT(plan.destroyed, 1);
}

static void a_client_refuses_its_own_callbacks(void)
{
    check_in_callbacks(call_everything_forbidden);
}

static void what_never_waits_is_allowed(void)
{
    check_in_callbacks(call_everything_allowed);
}

static en_tcp_client_t *second;

static void use_the_second(en_tcp_client_t *client)
{
    (void)client;
    CHECK_OK(send_text(second, "from within"));
}

static void other_clients_may_be_used(void)
{
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    second = wire.client;
    check_in_callbacks(use_the_second);
    peer_expect_text(wire.fd, "from within\nfrom within\n");
    wire_close(&wire);
}

static void close_it(en_tcp_client_t *client)
{
    CHECK_OK(en_tcp_client_close(client));
    CHECK_INT(en_tcp_client_is_closed(client), 1);
    CHECK_INT(en_tcp_client_fileno(client), -1);
}

static void abort_it(en_tcp_client_t *client)
{
    CHECK_OK(en_tcp_client_abort(client));
    CHECK_INT(en_tcp_client_is_closed(client), 1);
}

static void check_ending_in(void (**place)(en_tcp_client_t *), plan_t *plan,
                            void (*end)(en_tcp_client_t *), bool freed)
{
    en_packet_t packet = {0};
    wire_t wire;
    int rc;

    *place = end;
    open_with(&wire, plan);
    if (place == &plan->in_encode) {
        CHECK_CODE(send_text(wire.client, "never"), EN_ECLOSED);
    } else {
        peer_send_text(wire.fd, "in");
        rc = en_tcp_client_recv_packet(wire.client, 5000, &packet);
        CHECK_CODE(rc, EN_ECLOSED);
        if (rc == EN_OK)
            en_packet_release(&packet);
    }
    CHECK_INT(plan->calls, 1);
    *place = NULL;
    if (freed)
        wire.client = NULL;
    else
        CHECK_CODE(send_text(wire.client, "x"), EN_ECLOSED);
    wire_close(&wire);
    CHECK_INT(plan->destroyed, 1);
}

static void check_ending(void (*end)(en_tcp_client_t *), bool freed)
{
    plan_t sending = {0};
    plan_t receiving = {0};

    check_ending_in(&sending.in_encode, &sending, end, freed);
    check_ending_in(&receiving.in_decode, &receiving, end, freed);
}

static void closing_within(void)
{
    check_ending(close_it, false);
}

static void aborting_within(void)
{
    check_ending(abort_it, false);
}

static void freeing_within(void)
{
    check_ending(en_tcp_client_free, true);
}

static int look_at(en_tcp_client_t *client)
{
    int type = 0;
    size_t size = sizeof(type);

    return en_tcp_client_getsockopt(client, SOL_SOCKET, SO_TYPE, &type, &size);
}

/* What a child does first, inside the callback, and what that answered. */
static int (*first_in_child)(en_tcp_client_t *client);
static int answer_in_child;
static pid_t child;

static void fork_it(en_tcp_client_t *client)
{
    child = child_fork();
    if (child == 0)
        answer_in_child = first_in_child(client);
    else
        CHECK(child_succeeds(child));
}

static int go_on_in_child(plan_t *plan, int sent)
{
    plan->in_encode = NULL;
    if (first_in_child == look_at) {
        EXPECT(answer_in_child == EN_EDEADLK);
        EXPECT(sent == EN_OK);
        EXPECT(look_at(plan->client) == EN_OK);
        EXPECT(send_text(plan->client, "more") == EN_OK);
        EXPECT(en_tcp_client_close(plan->client) == EN_OK);
    } else {
        EXPECT(answer_in_child == EN_OK);
        EXPECT(sent == EN_ECLOSED);
    }
    EXPECT(en_tcp_client_is_closed(plan->client) == 1);
    en_tcp_client_free(plan->client);
    return 0;
}

/* The call that the callback is in is the child's, too: it is no other thread's. */
static void forking_within(void)
{
    static int (*const firsts[])(en_tcp_client_t *) = {look_at, en_tcp_client_close};

    for (size_t i = 0; i < 2; i++) {
        plan_t plan = {.in_encode = fork_it};
        wire_t wire;
        int sent;

        first_in_child = firsts[i];
        open_with(&wire, &plan);
        sent = send_text(wire.client, "out");
        if (child == 0)
            child_exit(__FILE__, go_on_in_child(&plan, sent));
        CHECK_OK(sent);
        peer_expect_text(wire.fd, i == 0 ? "outmoreout" : "out");
        wire_close(&wire);
    }
}

static const test_case_t cases[] = {
    CASE_BLOCKING(forking_within),     CASE_BLOCKING(a_client_refuses_its_own_callbacks),
    CASE(what_never_waits_is_allowed), CASE(other_clients_may_be_used),
    CASE_BLOCKING(closing_within),     CASE_BLOCKING(aborting_within),
    CASE_BLOCKING(freeing_within),
};

TEST_MAIN("reentrance")
