/* Many datagrams at once: batches, segmenting senders, receive offload, iterators. */
#include "family.h"
#include "peer.h"
#include "udp_pair.h"

#include <unistd.h>

enum { MANY = 200 };

static void expect_segments_singly(udp_t *udp, size_t size, size_t segment)
{
    for (size_t at = 0; at < size; at += segment)
        CHECK_GET_BYTES(udp->view, bytes + at, size - at < segment ? size - at : segment);
}

static void check_singly(int receive_offload)
{
    static const struct {
        size_t size;
        int segment;
    } table[] = {{1000, 100}, {1050, 100}, {60000, 1400}, {64, 1}, {7, 100}, {500, 499}};
    udp_t udp;

    udp_open(&udp, "127.0.0.1", receive_offload);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        udp_send_segments(udp.fd, table[i].size, table[i].segment);
        peer_send_text(udp.fd, "alone");
        CHECK(send(udp.fd, NULL, 0, 0) == 0);
        expect_segments_singly(&udp, table[i].size, (size_t)table[i].segment);
        CHECK_GET(udp.view, "alone");
        CHECK_GET(udp.view, "");
    }
    CHECK_INT(en_udp_client_has_buffered(udp.client), 0);
    CHECK_GET_FAILS(udp.view, 0, EN_ETIMEDOUT);
    udp_close(&udp);
}

static void a_segmenting_sender(void)
{
    check_singly(0);
}

static void a_segmenting_sender_with_offload(void)
{
    check_singly(1);
}

/* Receives `capacity` at a time until all have come, whose boundaries must be those of segments. */
static void expect_segments_in_batches(udp_t *udp, size_t size, size_t segment, size_t capacity)
{
    en_packet_t packets[64];
    size_t at = 0;

    while (at < size) {
        size_t count = 0;

        REQUIRE_OK(en_udp_client_recv_packets(udp->client, packets, capacity, 20000, &count));
        CHECK(count > 0 && count <= capacity);
        for (size_t i = 0; i < count; i++) {
            size_t want = size - at < segment ? size - at : segment;

            CHECK_BYTES(packets[i].data, packets[i].size, bytes + at, want);
            at += want;
            en_packet_release(&packets[i]);
        }
    }
    CHECK_INT(at, size);
}

static void check_in_batches(int receive_offload)
{
    static const size_t capacities[] = {1, 3, 64};
    udp_t udp;

    udp_open(&udp, "127.0.0.1", receive_offload);
    for (size_t i = 0; i < sizeof(capacities) / sizeof(capacities[0]); i++) {
        udp_send_segments(udp.fd, 30000, 1000);
        expect_segments_in_batches(&udp, 30000, 1000, capacities[i]);
        udp_send_segments(udp.fd, 30100, 1000);
        expect_segments_in_batches(&udp, 30100, 1000, capacities[i]);
    }
    CHECK_GET_FAILS(udp.view, 0, EN_ETIMEDOUT);
    udp_close(&udp);
}

static void a_segmenting_sender_in_batches(void)
{
    check_in_batches(0);
}

static void a_segmenting_sender_in_batches_with_offload(void)
{
    check_in_batches(1);
}

/* What a single receive leaves of a coalesced datagram, a batch and an iterator go on with. */
static void one_coalesced_datagram_through_all_calls(void)
{
    en_packet_t packets[3];
    en_packet_iter_t *iter = NULL;
    en_packet_t packet = {0};
    char buffer[100];
    size_t count = 0;
    udp_t udp;

    udp_open(&udp, "127.0.0.1", 1);
    udp_send_segments(udp.fd, 700, 100);
    wait_readable(en_udp_client_fileno(udp.client));
    CHECK_GET_BYTES(udp.view, bytes, 100);
    CHECK_OK(en_udp_client_recv_packets(udp.client, packets, 3, 20000, &count));
    REQUIRE(count == 3);
    for (size_t i = 0; i < count; i++)
        CHECK_BYTES(packets[i].data, packets[i].size, bytes + 100 * (i + 1), 100);
    CHECK_CODE(en_udp_client_recv_packet_into(udp.client, buffer, 99, 20000, &count), EN_EMSGSIZE);
    CHECK_INT(count, 100);
    CHECK_OK(en_udp_client_recv_packet_into(udp.client, buffer, 100, 20000, &count));
    CHECK_BYTES(buffer, count, bytes + 400, 100);
    REQUIRE_OK(en_udp_client_iter_received_packets(&iter, udp.client, EN_TIMEOUT_NONE));
    for (size_t i = 5; i < 7; i++) {
        CHECK_OK(en_packet_iter_next(iter, &packet));
        CHECK_BYTES(packet.data, packet.size, bytes + 100 * i, 100);
        en_packet_release(&packet);
    }
    CHECK_CODE(en_packet_iter_next(iter, &packet), EN_ETIMEDOUT);
    en_packet_iter_free(iter);
    for (size_t i = 0; i < 3; i++) { /* those that were kept are as they were */
        CHECK_BYTES(packets[i].data, packets[i].size, bytes + 100 * (i + 1), 100);
        en_packet_release(&packets[i]);
    }
    udp_close(&udp);
}

static void check_sending(const size_t *sizes, size_t count)
{
    static en_slice_t packets[MANY];
    en_stats_t stats = {.struct_size = sizeof(stats)};
    size_t sent = 0;
    udp_t udp;

    udp_open(&udp, "127.0.0.1", 0);
    for (size_t i = 0; i < count; i++)
        packets[i] = (en_slice_t){sizes[i] ? bytes + i : NULL, sizes[i]};
    /* As few at a time as the peer's buffer surely takes. */
    for (size_t at = 0; at < count; at += 50) {
        size_t step = count - at < 50 ? count - at : 50;

        CHECK_OK(en_udp_client_send_packets(udp.client, packets + at, step, 20000, &sent));
        CHECK_INT(sent, step);
        for (size_t i = at; i < at + step; i++)
            expect_datagram(udp.fd, packets[i].data, packets[i].size);
        expect_no_datagram(udp.fd);
    }
    CHECK_OK(en_udp_client_get_stats(udp.client, &stats));
    CHECK_INT(stats.packets_sent, count);
    udp_close(&udp);
}

static void sending_equal_sizes(void)
{
    size_t sizes[MANY];

    for (size_t i = 0; i < MANY; i++)
        sizes[i] = 100;
    check_sending(sizes, MANY);
    for (size_t i = 0; i < MANY; i++)
        sizes[i] = 1400;
    check_sending(sizes, MANY);
    sizes[49] = 3; /* a shorter last one */
    check_sending(sizes, 50);
    check_sending(sizes, 1);
}

static void sending_large_ones_of_equal_size(void)
{
    size_t sizes[6];

    for (size_t i = 0; i < 6; i++)
        sizes[i] = 30000;
    check_sending(sizes, 6);
    sizes[0] = sizes[1] = sizes[2] = 65000;
    check_sending(sizes, 3);
}

static void sending_unequal_sizes(void)
{
    size_t sizes[MANY];

    for (size_t i = 0; i < MANY; i++)
        sizes[i] = i * 37 % 11 * 100;
    check_sending(sizes, MANY);
    for (size_t i = 0; i < MANY; i++)
        sizes[i] = i / 7 % 2 ? 10 : 20; /* runs of equal ones */
    check_sending(sizes, MANY);
}

static void sending_empty_ones(void)
{
    static const size_t mixed[] = {0, 5, 5, 0, 0, 5, 5, 5, 0, 3};
    size_t sizes[MANY] = {0};

    check_sending(sizes, 50);
    check_sending(mixed, 10);
}

static void sending_none(void)
{
    size_t sent = 7;
    udp_t udp;

    udp_open(&udp, "127.0.0.1", 0);
    CHECK_OK(en_udp_client_send_packets(udp.client, NULL, 0, 20000, &sent));
    CHECK_INT(sent, 0);
    expect_no_datagram(udp.fd);
    udp_close(&udp);
}

/* A batch that cannot go on ends with the exact number that went out. */
static void a_batch_with_one_too_large(void)
{
    en_slice_t packets[5];
    size_t sent = 7;
    udp_t udp;

    udp_open(&udp, "127.0.0.1", 0);
    for (size_t i = 0; i < 5; i++)
        packets[i] = (en_slice_t){bytes + i, 10};
    packets[3].size = 65508;
    CHECK_CODE(en_udp_client_send_packets(udp.client, packets, 5, 20000, &sent), EN_EMSGSIZE);
    CHECK_INT(sent, 3);
    for (size_t i = 0; i < sent; i++)
        expect_datagram(udp.fd, bytes + i, 10);
    expect_no_datagram(udp.fd);
    udp_close(&udp);
}

static void a_batch_to_nobody(void)
{
    en_slice_t packets[20];
    size_t sent = 99;
    udp_t udp;

    udp_open(&udp, "127.0.0.1", 0);
    for (size_t i = 0; i < 20; i++)
        packets[i] = (en_slice_t){bytes, i + 1};
    close(udp.fd);
    CHECK_OK(put_text(udp.view, "nobody"));
    wait_readable(en_udp_client_fileno(udp.client));
    CHECK_CODE(en_udp_client_send_packets(udp.client, packets, 20, 20000, &sent), EN_ECONNREFUSED);
    CHECK_INT(sent, 0);
    udp.fd = dup(0);
    udp_close(&udp);
}

static void a_batch_takes_what_is_there(void)
{
    en_packet_t packets[8];
    size_t count = 0;
    udp_t udp;

    udp_open(&udp, "127.0.0.1", 0);
    peer_send_text(udp.fd, "one");
    CHECK(send(udp.fd, NULL, 0, 0) == 0);
    peer_send_text(udp.fd, "three");
    wait_readable(en_udp_client_fileno(udp.client));
    CHECK_OK(en_udp_client_recv_packets(udp.client, packets, 8, EN_TIMEOUT_NONE, &count));
    REQUIRE(count == 3);
    CHECK_BYTES(packets[0].data, packets[0].size, "one", 3);
    CHECK_BYTES(packets[1].data, packets[1].size, "", 0);
    CHECK_BYTES(packets[2].data, packets[2].size, "three", 5);
    en_udp_client_free(udp.client); /* packets outlive their client */
    udp.client = NULL;
    CHECK_BYTES(packets[2].data, packets[2].size, "three", 5);
    for (size_t i = 0; i < count; i++)
        en_packet_release(&packets[i]);
    udp_close(&udp);
}

static void an_iterator(void)
{
    en_packet_iter_t *iter = NULL;
    en_packet_t packet = {0};
    int64_t start;
    udp_t udp;

    udp_open(&udp, "127.0.0.1", 0);
    REQUIRE_OK(en_udp_client_iter_received_packets(&iter, udp.client, 150));
    peer_send_text(udp.fd, "one");
    CHECK_OK(en_packet_iter_next(iter, &packet));
    CHECK_BYTES(packet.data, packet.size, "one", 3);
    en_packet_release(&packet);
    start = now_ms();
    CHECK_CODE(en_packet_iter_next(iter, &packet), EN_ETIMEDOUT);
    CHECK(now_ms() - start < 150 + SLACK_MS);
    CHECK_OK(en_udp_client_close(udp.client));
    CHECK_CODE(en_packet_iter_next(iter, &packet), EN_ECLOSED);
    en_packet_iter_free(iter);
    udp_close(&udp);
}

static const test_case_t cases[] = {
    CASE_BLOCKING(a_segmenting_sender),
    CASE_BLOCKING(a_segmenting_sender_with_offload),
    CASE(a_segmenting_sender_in_batches),
    CASE(a_segmenting_sender_in_batches_with_offload),
    CASE_BLOCKING(one_coalesced_datagram_through_all_calls),
    CASE(sending_equal_sizes),
    CASE(sending_large_ones_of_equal_size),
    CASE(sending_unequal_sizes),
    CASE(sending_empty_ones),
    CASE(sending_none),
    CASE(a_batch_with_one_too_large),
    CASE(a_batch_to_nobody),
    CASE(a_batch_takes_what_is_there),
    CASE(an_iterator),
};

int main(int argc, char **argv)
{
    udp_fill_bytes();
    return harness_run("udp_batch", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
