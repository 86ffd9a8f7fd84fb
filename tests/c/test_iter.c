/* Iterators: one budget of time for many packets. */
#include "wire.h"

static en_packet_iter_t *iterate(wire_t *wire, int64_t timeout_ms)
{
    en_packet_iter_t *iter = NULL;

    REQUIRE_OK(en_tcp_client_iter_received_packets(&iter, wire->client, timeout_ms));
    return iter;
}

static bool next_is(en_packet_iter_t *iter, const char *text)
{
    en_packet_t packet = {0};
    bool good = CHECK_OK(en_packet_iter_next(iter, &packet)) &&
                CHECK_BYTES(packet.data, packet.size, text, strlen(text));

    en_packet_release(&packet);
    return good;
}

static bool next_fails(en_packet_iter_t *iter, int code)
{
    en_packet_t packet = {0};
    bool good = CHECK_CODE(en_packet_iter_next(iter, &packet), code);

    CHECK(packet.data == NULL);
    return good;
}

static void what_is_there(void)
{
    en_packet_iter_t *iter;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    peer_send_text(wire.fd, "one\ntwo\nthr");
    wire_wait_arrived(&wire);
    iter = iterate(&wire, EN_TIMEOUT_NONE);
    next_is(iter, "one");
    next_is(iter, "two");
    next_fails(iter, EN_ETIMEDOUT);
    peer_send_text(wire.fd, "ee\n");
    wire_wait_arrived(&wire);
    next_is(iter, "three");
    en_packet_iter_free(iter);
    wire_close(&wire);
}

static void the_budget_is_for_the_whole(void)
{
    static char newlines[600]; /* each comes soon */
    step_t steps[] = {
        {.what = STEP_SEND_SLOWLY, .data = newlines, .size = sizeof(newlines), .ms = 5}};
    en_packet_iter_t *iter;
    en_packet_t packet = {0};
    script_t script;
    int64_t start;
    int rc;
    wire_t wire;

    memset(newlines, '\n', sizeof(newlines));
    wire_open(&wire, protocol_line(), NULL);
    iter = iterate(&wire, 1000);
    start = now_ms();
    script_start(&script, wire.fd, steps, 1);
    while ((rc = en_packet_iter_next(iter, &packet)) == EN_OK)
        en_packet_release(&packet);
    CHECK_CODE(rc, EN_ETIMEDOUT);
    CHECK_TOOK(start, 1000);
    en_packet_iter_free(iter);
    CHECK_OK(en_tcp_client_close(wire.client));
    script_join(&script);
    wire_close(&wire);
}

static void time_outside_is_not_counted(void)
{
    en_packet_iter_t *iter;
    int64_t start;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    peer_send_text(wire.fd, "one\n");
    iter = iterate(&wire, 400);
    next_is(iter, "one");
    pause_ms(450);
    start = now_ms();
    next_fails(iter, EN_ETIMEDOUT);
    CHECK(now_ms() - start > 50); /* something of the budget was left */
    en_packet_iter_free(iter);
    wire_close(&wire);
}

static void bad_bytes_do_not_end_it(void)
{
    en_packet_iter_t *iter;
    wire_t wire;

    wire_open(&wire, protocol_json(), NULL);
    peer_send_text(wire.fd, "1 oops\n2\n");
    iter = iterate(&wire, 2000);
    next_is(iter, "1");
    next_fails(iter, EN_EBADMSG);
    next_is(iter, "2");
    peer_end(wire.fd);
    next_fails(iter, EN_ECONNABORTED);
    next_fails(iter, EN_ECONNABORTED);
    en_packet_iter_free(iter);
    wire_close(&wire);
}

static void it_ends_when_the_client_is_closed(void)
{
    en_packet_iter_t *iter;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    peer_send_text(wire.fd, "one\ntwo\n");
    iter = iterate(&wire, EN_TIMEOUT_INFINITE);
    next_is(iter, "one");
    CHECK_OK(en_tcp_client_close(wire.client));
    next_fails(iter, EN_ECLOSED);
    en_packet_iter_free(iter);
    wire_close(&wire);
}

static void it_outlives_the_client(void)
{
    en_packet_iter_t *iter;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    iter = iterate(&wire, EN_TIMEOUT_INFINITE);
    wire_close(&wire);
    next_fails(iter, EN_ECLOSED);
    en_packet_iter_free(iter);
}

static void wait_for_next(void *arg)
{
    en_packet_t packet = {0};

    CHECK_CODE(en_packet_iter_next(arg, &packet), EN_ECLOSED);
}

static void freeing_the_client_wakes_it(void)
{
    en_packet_iter_t *iter;
    thread_t thread;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    iter = iterate(&wire, EN_TIMEOUT_INFINITE);
    thread_start(&thread, wait_for_next, iter);
    thread_wait_blocked(&thread);
    en_tcp_client_free(wire.client);
    wire.client = NULL;
    thread_join(&thread);
    en_packet_iter_free(iter);
    wire_close(&wire);
}

static void over_the_common_view(void)
{
    en_packet_iter_t *iter = NULL;
    en_packet_t packet = {0};
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    peer_send_text(wire.fd, "one\ntwo\n");
    CHECK_OK(en_client_recv_packet(en_tcp_client_as_client(wire.client), 2000, &packet));
    CHECK_BYTES(packet.data, packet.size, "one", 3);
    en_packet_release(&packet);
    CHECK_OK(en_client_iter_received_packets(&iter, en_tcp_client_as_client(wire.client), 2000));
    next_is(iter, "two");
    en_packet_iter_free(iter);
    CHECK_CODE(en_client_iter_received_packets(&iter, NULL, 0), EN_EINVAL);
    CHECK_CODE(en_tcp_client_iter_received_packets(NULL, wire.client, 0), EN_EINVAL);
    CHECK_CODE(en_packet_iter_next(NULL, &packet), EN_EINVAL);
    wire_close(&wire);
}

static const test_case_t cases[] = {
    CASE(what_is_there),
    CASE(the_budget_is_for_the_whole),
    CASE(time_outside_is_not_counted),
    CASE(bad_bytes_do_not_end_it),
    CASE(it_ends_when_the_client_is_closed),
    CASE(it_outlives_the_client),
    CASE(freeing_the_client_wakes_it),
    CASE(over_the_common_view),
};

TEST_MAIN("iter")
