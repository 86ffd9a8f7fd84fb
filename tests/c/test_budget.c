/* Iterators over the packets of UDP and Unix clients: one budget of time for all of them. */
#include "families.h"

#include <unistd.h>

static en_packet_iter_t *iterate(member_t *member, int64_t timeout_ms)
{
    en_packet_iter_t *iter = NULL;

    REQUIRE_OK(en_client_iter_received_packets(&iter, member->view, timeout_ms));
    return iter;
}

static void next_is(en_packet_iter_t *iter, const char *text)
{
    en_packet_t packet = {0};

    if (CHECK_OK(en_packet_iter_next(iter, &packet)))
        CHECK_BYTES(packet.data, packet.size, text, strlen(text));
    en_packet_release(&packet);
}

static void next_fails(en_packet_iter_t *iter, int code)
{
    en_packet_t packet = {0};

    CHECK_CODE(en_packet_iter_next(iter, &packet), code);
    CHECK(packet.data == NULL);
}

static void what_is_there(const family_t *family)
{
    en_packet_iter_t *iter;
    member_t member;

    member_open(&member, family, NULL);
    member_peer_sends(&member, "one");
    member_peer_sends(&member, "two");
    iter = iterate(&member, EN_TIMEOUT_NONE);
    next_is(iter, "one");
    next_is(iter, "two");
    next_fails(iter, EN_ETIMEDOUT);
    member_peer_sends(&member, "three");
    next_is(iter, "three");
    en_packet_iter_free(iter);
    member_close(&member);
}

typedef struct {
    member_t *member;
    atomic_int stop;
} dripping_t;

static void drip(void *arg)
{
    dripping_t *dripping = arg;

    while (!atomic_load(&dripping->stop)) {
        member_peer_sends(dripping->member, "drop");
        pause_ms(40);
    }
}

/* Each packet comes long before the time is over; all of them together take longer. */
static void the_budget_is_for_the_whole(const family_t *family)
{
    dripping_t dripping = {0};
    en_packet_iter_t *iter;
    en_packet_t packet = {0};
    thread_t thread;
    member_t member;
    int64_t start;
    int count = 0;
    int rc;

    member_open(&member, family, NULL);
    iter = iterate(&member, 300);
    dripping.member = &member;
    start = now_ms();
    thread_start(&thread, drip, &dripping);
    while ((rc = en_packet_iter_next(iter, &packet)) == EN_OK) {
        CHECK_BYTES(packet.data, packet.size, "drop", 4);
        en_packet_release(&packet);
        count++;
    }
    CHECK_CODE(rc, EN_ETIMEDOUT);
    CHECK_TOOK(start, 300);
    CHECK(count >= 1);
    atomic_store(&dripping.stop, 1);
    thread_join(&thread);
    en_packet_iter_free(iter);
    member_close(&member);
}

static void time_outside_is_not_counted(const family_t *family)
{
    en_packet_iter_t *iter;
    member_t member;
    int64_t start;

    member_open(&member, family, NULL);
    iter = iterate(&member, 400);
    member_peer_sends(&member, "one");
    next_is(iter, "one");
    pause_ms(450);
    start = now_ms();
    next_fails(iter, EN_ETIMEDOUT);
    CHECK(now_ms() - start > 50); /* something of the budget was left */
    start = now_ms();
    next_fails(iter, EN_ETIMEDOUT);
    CHECK(now_ms() - start < 200); /* and nothing is left now */
    member_peer_sends(&member, "late");
    next_is(iter, "late");
    en_packet_iter_free(iter);
    member_close(&member);
}

static void wait_for_next(void *arg)
{
    next_fails(arg, EN_ECLOSED);
}

static void it_ends_with_the_client(const family_t *family)
{
    en_packet_iter_t *iter;
    thread_t thread;
    member_t member;

    member_open(&member, family, NULL);
    iter = iterate(&member, EN_TIMEOUT_INFINITE);
    member_peer_sends(&member, "one");
    next_is(iter, "one");
    thread_start(&thread, wait_for_next, iter);
    thread_wait_blocked(&thread);
    member.family->free(member.client);
    member.client = NULL;
    thread_join(&thread);
    next_fails(iter, EN_ECLOSED); /* it outlives the client */
    en_packet_iter_free(iter);
    member_close(&member);
}

static int build_packet(const uint8_t *data, size_t size, en_slice_t *packet, void *user_data)
{
    (void)user_data;
    *packet = (en_slice_t){data, size};
    return size > 0 && data[0] == '!' ? EN_EBADMSG : EN_CALLBACK_DONE;
}

static int make_datagram(const en_slice_t *parts, size_t count, en_frame_t *frame, void *user_data)
{
    (void)user_data;
    for (size_t i = 0; i < count; i++)
        CHECK_OK(en_frame_append_borrowed(frame, parts[i].data, parts[i].size));
    return EN_CALLBACK_DONE;
}

static void bad_datagrams_do_not_end_it(void)
{
    en_datagram_protocol_callbacks_t callbacks = {sizeof(callbacks), make_datagram, build_packet};
    en_unix_datagram_client_t *client = NULL;
    en_datagram_protocol_t *protocol = NULL;
    en_packet_iter_t *iter = NULL;
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_datagram_protocol_new(&protocol, &callbacks, 0, NULL, NULL));
    REQUIRE_OK(en_unix_datagram_client_from_fd(&client, ends[0], protocol, NULL));
    en_datagram_protocol_free(protocol);
    REQUIRE(send(ends[1], "one", 3, 0) == 3);
    REQUIRE(send(ends[1], "!", 1, 0) == 1);
    REQUIRE(send(ends[1], "two", 3, 0) == 3);
    REQUIRE_OK(en_unix_datagram_client_iter_received_packets(&iter, client, 1000));
    next_is(iter, "one");
    next_fails(iter, EN_EBADMSG);
    next_is(iter, "two");
    en_packet_iter_free(iter);
    en_unix_datagram_client_free(client);
    close(ends[1]);
}

static void the_end_of_a_stream_ends_it(void)
{
    en_packet_iter_t *iter;
    member_t member;

    member_open(&member, &family_unix_stream, NULL);
    member_peer_sends(&member, "one");
    REQUIRE(shutdown(member.fd, SHUT_WR) == 0);
    iter = iterate(&member, EN_TIMEOUT_INFINITE);
    next_is(iter, "one");
    next_fails(iter, EN_ECONNABORTED);
    next_fails(iter, EN_ECONNABORTED);
    en_packet_iter_free(iter);
    member_close(&member);
}

FOR_EACH_FAMILY(what_is_there)
FOR_EACH_FAMILY(the_budget_is_for_the_whole)
FOR_EACH_FAMILY(time_outside_is_not_counted)
FOR_EACH_FAMILY(it_ends_with_the_client)

static const test_case_t cases[] = {
    CASE_OF_EACH(what_is_there),
    CASE_OF_EACH(the_budget_is_for_the_whole),
    CASE_OF_EACH(time_outside_is_not_counted),
    CASE_OF_EACH(it_ends_with_the_client),
    CASE(bad_datagrams_do_not_end_it),
    CASE(the_end_of_a_stream_ends_it),
};

TEST_MAIN("budget")
