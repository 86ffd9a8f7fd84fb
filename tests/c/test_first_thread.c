/* A program whose second thread begins in the middle of a call: until then nothing was locked. */
#include "wire.h"

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define REQUIRE_SINGLE() REQUIRE(__libc_single_threaded)
#else
#define REQUIRE_SINGLE() (void)0
#endif

#define PACKETS 64

typedef struct {
    en_tcp_client_t *client;
    thread_t thread;
    bool begun;
    en_packet_t packets[PACKETS];
} plan_t;

/* Sends what waits until the first thread has sent, and releases packets that both have. */
static void second(void *arg)
{
    plan_t *plan = arg;

    CHECK_OK(en_tcp_client_send_packet(plan->client, "second", 6, 30000));
    for (int i = 0; i < PACKETS; i += 2)
        en_packet_release(&plan->packets[i]);
}

static int encode(const en_slice_t *parts, size_t count, en_frame_t *frame, void *user_data)
{
    plan_t *plan = user_data;

    for (size_t i = 0; i < count; i++)
        CHECK_OK(en_frame_append(frame, parts[i].data, parts[i].size));
    if (!plan->begun) {
        plan->begun = true;
        REQUIRE_SINGLE();
        thread_start(&plan->thread, second, plan);
        thread_wait_blocked(&plan->thread);
    }
    return EN_CALLBACK_DONE;
}

static int decode(const uint8_t *data, size_t size, int end, size_t *used, en_slice_t *packet,
                  void *state, void *user_data)
{
    (void)size, (void)end, (void)state, (void)user_data;
    *used = 1;
    *packet = (en_slice_t){data, 1};
    return EN_DECODE_PACKET;
}

static void a_thread_that_begins_within_a_call_waits_for_its_turn(void)
{
    en_stream_protocol_callbacks_t callbacks = {sizeof(callbacks), encode, decode, NULL, NULL};
    en_stream_protocol_t *protocol = NULL;
    plan_t plan = {0};
    char bytes[PACKETS];
    wire_t wire;

    REQUIRE_OK(en_stream_protocol_new(&protocol, &callbacks, 0, NULL, &plan));
    wire_open(&wire, protocol, NULL);
    plan.client = wire.client;
    memset(bytes, 'p', sizeof(bytes));
    peer_send(wire.fd, bytes, sizeof(bytes));
    for (int i = 0; i < PACKETS; i++)
        CHECK_OK(en_tcp_client_recv_packet(plan.client, 30000, &plan.packets[i]));

    CHECK_OK(en_tcp_client_send_packet(plan.client, "first", 5, 30000));
    for (int i = 1; i < PACKETS; i += 2)
        en_packet_release(&plan.packets[i]);
    thread_join(&plan.thread);
    peer_expect_text(wire.fd, "firstsecond");
    wire_close(&wire);
}

static const test_case_t cases[] = {
    CASE(a_thread_that_begins_within_a_call_waits_for_its_turn),
};

TEST_MAIN("first_thread")
