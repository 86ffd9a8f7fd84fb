/* Ending a UDP or Unix client while other threads are inside: closed, aborted or freed, it wakes
 * whoever receives, iterates, sends, or has to do with ancillary data, in each way of waiting. */
#include "families.h"
#include "question.h"

#include <fcntl.h>
#include <unistd.h>

static char large[1 << 16];

static void end_by_close(member_t *member)
{
    CHECK_OK(en_client_close(member->view));
    CHECK_INT(en_client_is_closed(member->view), 1);
}

static void end_by_abort(member_t *member)
{
    CHECK_OK(member->family->abort(member->client));
    CHECK_INT(en_client_is_closed(member->view), 1);
}

static void end_by_free(member_t *member)
{
    member->family->free(member->client);
    member->client = NULL;
}

static void iterate(void *arg)
{
    waiter_t *waiter = arg;
    en_packet_iter_t *iter = NULL;
    en_packet_t packet = {0};

    REQUIRE_OK(en_client_iter_received_packets(&iter, waiter->client, EN_TIMEOUT_INFINITE));
    waiter->rc = en_packet_iter_next(iter, &packet);
    CHECK(packet.data == NULL);
    en_packet_iter_free(iter);
}

/* One receiver waits in the kernel, the others for their turn; the sender for room. */
static void check_ended(member_t *member, void (*end)(member_t *))
{
    waiter_t waiters[4];
    int count = 3;
    int64_t start;

    waiter_starts_receiving(&waiters[0], member->view);
    waiter_starts_receiving(&waiters[1], member->view);
    waiters[2].client = member->view;
    thread_start(&waiters[2].thread, iterate, &waiters[2]);
    if (member->family->fills)
        waiter_starts_sending(&waiters[count++], member->view, large, sizeof(large));
    for (int i = 0; i < count; i++)
        thread_wait_blocked(&waiters[i].thread);
    start = now_ms();
    end(member);
    for (int i = 0; i < count; i++)
        CHECK_CODE(waiter_end(&waiters[i]), EN_ECLOSED);
    CHECK_TOOK(start, 0);
    member_close(member);
}

static void check_end(const family_t *family, void (*end)(member_t *))
{
    en_cancel_t *cancel = NULL;
    wishes_t ways[4] = {{0}};
    member_t member;

    REQUIRE_OK(en_cancel_new(&cancel));
    ways[1].cancel = cancel;
    ways[2].retry_ms = 60000;
    ways[2].interrupted = never_interrupted;
    ways[3].busy_poll_us = 100;
    for (int i = 0; i < 4; i++) {
        member_open(&member, family, &ways[i]);
        check_ended(&member, end);
    }
    member_open(&member, family, NULL);
    REQUIRE(fcntl(en_client_fileno(member.view), F_SETFL, O_RDWR | O_NONBLOCK) == 0);
    check_ended(&member, end);
    en_cancel_free(cancel);
}

static void close_wakes_all(const family_t *family)
{
    check_end(family, end_by_close);
}

static void abort_wakes_all(const family_t *family)
{
    check_end(family, end_by_abort);
}

static void free_wakes_all(const family_t *family)
{
    check_end(family, end_by_free);
}

/* Data that is there, or a peer that has gone, changes nothing once a client is closed. */
static void closed_comes_first(const family_t *family)
{
    member_t member;

    member_open(&member, family, NULL);
    member_peer_sends(&member, "one");
    member_peer_sends(&member, "two");
    wait_readable(en_client_fileno(member.view));
    CHECK_OK(en_client_close(member.view));
    CHECK_GET_FAILS(member.view, EN_TIMEOUT_INFINITE, EN_ECLOSED);
    CHECK_CODE(put_text(member.view, "x"), EN_ECLOSED);
    CHECK_INT(en_client_fileno(member.view), -1);
    CHECK_OK(en_client_close(member.view));
    CHECK_OK(member.family->abort(member.client));
    member_close(&member);
}

typedef struct {
    thread_t thread;
    void *client;
    bool is_stream;
    en_ancillary_t *ancillary;
    int rc;
} beside_t;

static void receive_beside(void *arg)
{
    beside_t *beside = arg;
    en_packet_t packet = {0};

    beside->rc = beside->is_stream
                     ? en_unix_stream_client_recv_packet_with_ancillary(
                           beside->client, 0, EN_TIMEOUT_INFINITE, beside->ancillary, &packet)
                     : en_unix_datagram_client_recv_packet_with_ancillary(
                           beside->client, 0, EN_TIMEOUT_INFINITE, beside->ancillary, &packet);
}

static void send_beside(void *arg)
{
    beside_t *beside = arg;
    int fd = 0;

    CHECK_OK(en_ancillary_add_fds(beside->ancillary, &fd, 1));
    do
        beside->rc = beside->is_stream
                         ? en_unix_stream_client_send_packet_with_ancillary(
                               beside->client, large, 1000, beside->ancillary, EN_TIMEOUT_INFINITE)
                         : en_unix_datagram_client_send_packet_with_ancillary(
                               beside->client, large, 1000, beside->ancillary, EN_TIMEOUT_INFINITE);
    while (beside->rc == EN_OK);
}

static void calls_with_ancillary_data_wake(const family_t *family)
{
    static void (*const ends[])(member_t *) = {end_by_close, end_by_abort, end_by_free};
    static void (*const calls[])(void *) = {receive_beside, send_beside};
    beside_t besides[2];
    member_t member;
    int64_t start;

    for (int i = 0; i < 3; i++) {
        member_open(&member, family, NULL);
        for (int k = 0; k < 2; k++) {
            besides[k].client = member.client;
            besides[k].is_stream = family->is_stream;
            REQUIRE_OK(en_ancillary_new(&besides[k].ancillary));
            thread_start(&besides[k].thread, calls[k], &besides[k]);
            thread_wait_blocked(&besides[k].thread);
        }
        start = now_ms();
        ends[i](&member);
        for (int k = 0; k < 2; k++) {
            thread_join(&besides[k].thread);
            CHECK_CODE(besides[k].rc, EN_ECLOSED);
            en_ancillary_free(besides[k].ancillary);
        }
        CHECK_TOOK(start, 0);
        member_close(&member);
    }
}

typedef struct {
    thread_t thread;
    en_unix_datagram_client_t *client;
    size_t sent;
    int rc;
} batch_t;

static void send_a_batch(void *arg)
{
    static en_slice_t packets[5000];
    batch_t *batch = arg;

    for (size_t i = 0; i < 5000; i++)
        packets[i] = (en_slice_t){large, 100};
    batch->rc = en_unix_datagram_client_send_packets(batch->client, packets, 5000,
                                                     EN_TIMEOUT_INFINITE, &batch->sent);
}

/* A batch that a close ends says how many went, and the peer has exactly those. */
static void a_batch_that_is_ended(void)
{
    member_t member;
    batch_t batch = {0};

    member_open(&member, &family_unix_datagram, NULL);
    batch.client = member.client;
    thread_start(&batch.thread, send_a_batch, &batch);
    thread_wait_blocked(&batch.thread);
    CHECK_OK(en_client_close(member.view));
    thread_join(&batch.thread);
    CHECK_CODE(batch.rc, EN_ECLOSED);
    CHECK(batch.sent > 0 && batch.sent < 5000);
    for (size_t i = 0; i < batch.sent; i++)
        expect_datagram(member.fd, large, 100);
    expect_no_datagram(member.fd);
    member_close(&member);
}

static void send_on(void *arg)
{
    beside_t *beside = arg;

    do
        beside->rc =
            en_unix_datagram_client_send_packet(beside->client, large, 100, EN_TIMEOUT_INFINITE);
    while (beside->rc == EN_OK);
}

/* A server's queue is full long before our own buffer is, and no shutdown of ours wakes who waits
 * for room in it. */
static void check_full_server(void (*call)(void *), void (*end)(member_t *))
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_unix_datagram_client_t *client = NULL;
    member_t member = {.family = &family_unix_datagram};
    beside_t beside = {0};
    folder_t folder;
    int64_t start;

    folder_open(&folder);
    member.fd = unix_bound(SOCK_DGRAM, folder.socket);
    REQUIRE_OK(en_unix_datagram_client_connect_path(&client, folder.socket, protocol, NULL));
    REQUIRE_OK(en_ancillary_new(&beside.ancillary));
    en_datagram_protocol_free(protocol);
    member.client = beside.client = client;
    member.view = en_unix_datagram_client_as_client(client);
    thread_start(&beside.thread, call, &beside);
    thread_wait_blocked(&beside.thread);
    start = now_ms();
    end(&member);
    thread_join(&beside.thread);
    CHECK_CODE(beside.rc, EN_ECLOSED);
    CHECK_TOOK(start, 0);
    en_ancillary_free(beside.ancillary);
    member_close(&member);
    folder_close(&folder);
}

static void sends_to_a_full_server_wake(void)
{
    static void (*const ends[])(member_t *) = {end_by_close, end_by_abort, end_by_free};

    for (int i = 0; i < 3; i++) {
        check_full_server(send_on, ends[i]);
        check_full_server(send_beside, ends[i]);
    }
}

FOR_EACH_FAMILY(close_wakes_all)
FOR_EACH_FAMILY(abort_wakes_all)
FOR_EACH_FAMILY(free_wakes_all)
FOR_EACH_FAMILY(closed_comes_first)
FOR_UNIX_FAMILIES(calls_with_ancillary_data_wake)

static const test_case_t cases[] = {
    CASE_OF_EACH(close_wakes_all),
    CASE_OF_EACH(abort_wakes_all),
    CASE_OF_EACH(free_wakes_all),
    CASE_OF_EACH(closed_comes_first),
    CASE(a_batch_that_is_ended),
    CASE_BLOCKING(sends_to_a_full_server_wake),
    BLOCKING_OF_UNIX(calls_with_ancillary_data_wake),
};

TEST_MAIN("waking")
