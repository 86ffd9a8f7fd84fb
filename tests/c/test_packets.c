/* Packets: counted views that outlive their client. */
#include "wire.h"

#include <stdlib.h>

enum { COUNT = 300 };

static void fill(wire_t *wire, en_packet_t *packets)
{
    for (int i = 0; i < COUNT; i++) {
        char text[64];

        snprintf(text, sizeof(text), "packet number %d\n", i);
        peer_send_text(wire->fd, text);
        CHECK_OK(en_tcp_client_recv_packet(wire->client, 5000, &packets[i]));
    }
}

static void check_packet(const en_packet_t *packet, int number)
{
    char text[64];

    snprintf(text, sizeof(text), "packet number %d", number);
    CHECK_BYTES(packet->data, packet->size, text, strlen(text));
}

static void they_outlive_the_client(void)
{
    static en_packet_t packets[COUNT];
    wire_t wire;

    memset(packets, 0, sizeof(packets));
    wire_open(&wire, protocol_line(), NULL);
    fill(&wire, packets);
    CHECK_OK(en_tcp_client_close(wire.client));
    check_packet(&packets[0], 0);
    wire_close(&wire);
    for (int i = COUNT - 1; i >= 0; i--) {
        check_packet(&packets[i], i);
        en_packet_release(&packets[i]);
        CHECK(packets[i].data == NULL && packets[i].size == 0 && packets[i].owner == NULL);
    }
}

/* Of several blocks, with some that are gone already. */
static void many_are_released_at_once(void)
{
    static en_packet_t packets[COUNT];
    static en_packet_t kept[COUNT];
    wire_t wire;

    memset(packets, 0, sizeof(packets));
    wire_open(&wire, protocol_line(), NULL);
    fill(&wire, packets);
    for (int i = 0; i < COUNT; i += 3)
        CHECK_OK(en_packet_retain(&packets[i], &kept[i]));
    for (int i = 1; i < COUNT; i += 7)
        en_packet_release(&packets[i]);
    en_packets_release(packets, 0);
    check_packet(&packets[0], 0);
    en_packets_release(packets, COUNT);
    en_packets_release(packets, COUNT); /* they are empty */
    en_packets_release(NULL, COUNT);
    wire_close(&wire);
    for (int i = 0; i < COUNT; i++)
        CHECK(packets[i].data == NULL && packets[i].size == 0 && packets[i].owner == NULL);
    for (int i = 0; i < COUNT; i += 3) {
        check_packet(&kept[i], i);
        en_packet_release(&kept[i]);
    }
}

static void one_kept_packet_does_not_change(void)
{
    en_packet_t kept = {0};
    char *large = malloc(200000);
    step_t steps[] = {{.what = STEP_SEND, .data = large, .size = 200000}};
    wire_t wire;

    memset(large, 'y', 200000);
    large[199999] = '\n';
    wire_open(&wire, protocol_line(), NULL);
    peer_send_text(wire.fd, "kept\n");
    CHECK_OK(en_tcp_client_recv_packet(wire.client, 5000, &kept));
    for (int i = 0; i < 5; i++) {
        script_t script;

        script_start(&script, wire.fd, steps, 1);
        CHECK_RECV_BYTES(wire.client, large, 199999);
        script_join(&script);
    }
    CHECK_BYTES(kept.data, kept.size, "kept", 4);
    en_packet_release(&kept);
    wire_close(&wire);
    free(large);
}

static void release_twice_is_nothing(void)
{
    en_packet_t packet = {0};
    en_packet_t copy = {0};
    wire_t wire;

    en_packet_release(&packet);
    CHECK_CODE(en_packet_retain(&packet, &copy), EN_EINVAL);
    wire_open(&wire, protocol_line(), NULL);
    peer_send_text(wire.fd, "one\n");
    CHECK_OK(en_tcp_client_recv_packet(wire.client, 5000, &packet));
    CHECK_CODE(en_packet_retain(NULL, &copy), EN_EINVAL);
    CHECK_CODE(en_packet_retain(&packet, NULL), EN_EINVAL);
    en_packet_release(&packet);
    en_packet_release(&packet);
    CHECK_CODE(en_packet_retain(&packet, &copy), EN_EINVAL);
    CHECK(copy.data == NULL);
    wire_close(&wire);
}

static void each_hold_counts(void)
{
    en_packet_t packet = {0};
    en_packet_t copies[3] = {{0}};
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    peer_send_text(wire.fd, "shared\n");
    CHECK_OK(en_tcp_client_recv_packet(wire.client, 5000, &packet));
    for (int i = 0; i < 3; i++) {
        CHECK_OK(en_packet_retain(&packet, &copies[i]));
        CHECK(copies[i].data == packet.data); /* the same bytes, not a copy */
    }
    wire_close(&wire);
    en_packet_release(&packet);
    for (int i = 0; i < 3; i++) {
        CHECK_BYTES(copies[i].data, copies[i].size, "shared", 6);
        en_packet_release(&copies[i]);
    }
}

static void an_empty_packet_has_data(void)
{
    en_packet_t packet = {0};
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    peer_send_text(wire.fd, "\n");
    CHECK_OK(en_tcp_client_recv_packet(wire.client, 5000, &packet));
    CHECK(packet.data != NULL);
    CHECK_INT(packet.size, 0);
    en_packet_release(&packet);
    wire_close(&wire);
}

static void hold_and_release(void *arg)
{
    en_packet_t *packets = arg;

    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < COUNT; i++) {
            en_packet_t copy = {0};

            CHECK_OK(en_packet_retain(&packets[i], &copy));
            check_packet(&copy, i);
            en_packet_release(&copy);
        }
    }
}

static void release_all(void *arg)
{
    en_packet_t *packets = arg;

    for (int i = 0; i < COUNT; i++)
        en_packet_release(&packets[i]);
}

static void many_threads_hold_and_release(void)
{
    enum { THREADS = 4 };
    static en_packet_t packets[COUNT];
    thread_t threads[THREADS];
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    fill(&wire, packets);
    for (int i = 0; i < THREADS; i++)
        thread_start(&threads[i], hold_and_release, packets);
    wire_close(&wire);
    for (int i = 0; i < THREADS; i++)
        thread_join(&threads[i]);
    thread_start(&threads[0], release_all, packets); /* any thread may release */
    thread_join(&threads[0]);
}

static const test_case_t cases[] = {
    CASE(they_outlive_the_client),
    CASE(many_are_released_at_once),
    CASE(one_kept_packet_does_not_change),
    CASE(release_twice_is_nothing),
    CASE(each_hold_counts),
    CASE(an_empty_packet_has_data),
    CASE(many_threads_hold_and_release),
};

TEST_MAIN("packets")
