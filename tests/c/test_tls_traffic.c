/* TLS under load: both directions at once, odd sizes, options of every client. */
#include "question.h"
#include "tls.h"

#include <stdlib.h>

/* How much goes each way: less where somebody looks at every instruction. */
static size_t total_size(void)
{
    const char *mebibytes = getenv("EASYNET_TEST_MEBIBYTES");

    return (size_t)(mebibytes ? atoi(mebibytes) : 1024) << 20;
}

enum { PIECE = 1 << 20 };

typedef struct {
    en_tcp_client_t *client;
    size_t total;
    uint32_t seed;
} flow_t;

/* Bytes that tell where they are. */
static uint32_t next_word(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state;
}

static void fill(uint32_t *words, size_t count, uint32_t *state)
{
    for (size_t i = 0; i < count; i++)
        words[i] = next_word(state);
}

static void send_flow(void *arg)
{
    flow_t *flow = arg;
    uint32_t *words = malloc(PIECE);
    uint32_t state = flow->seed;

    for (size_t sent = 0; sent < flow->total; sent += PIECE) {
        fill(words, PIECE / sizeof(*words), &state);
        REQUIRE_OK(en_tcp_client_send_packet(flow->client, words, PIECE, EN_TIMEOUT_INFINITE));
    }
    free(words);
}

static void receive_flow(void *arg)
{
    flow_t *flow = arg;
    uint32_t *words = malloc(PIECE);
    uint32_t state = flow->seed;
    size_t place = 0; /* within the piece */

    for (size_t got = 0; got < flow->total;) {
        en_packet_t packet = {0};

        REQUIRE_OK(en_tcp_client_recv_packet(flow->client, EN_TIMEOUT_INFINITE, &packet));
        got += packet.size;
        for (size_t done = 0; done < packet.size;) {
            size_t step = packet.size - done < PIECE - place ? packet.size - done : PIECE - place;

            if (place == 0)
                fill(words, PIECE / sizeof(*words), &state);
            REQUIRE(memcmp(packet.data + done, (const char *)words + place, step) == 0);
            done += step;
            place = (place + step) % PIECE;
        }
        en_packet_release(&packet);
    }
    free(words);
}

static void both_directions_at_once(void)
{
    size_t total = total_size();
    thread_t threads[4];
    flow_t flows[4];
    tls_pair_t pair;

    tls_pair_open(&pair, (tls_plan_t){.protocol = protocol_raw});
    flows[0] = (flow_t){pair.client, total, 1};
    flows[1] = (flow_t){pair.server, total, 1};
    flows[2] = (flow_t){pair.server, total, 2};
    flows[3] = (flow_t){pair.client, total, 2};
    for (int i = 0; i < 4; i++)
        thread_start(&threads[i], i % 2 ? receive_flow : send_flow, &flows[i]);
    for (int i = 0; i < 4; i++)
        thread_join(&threads[i]);
    tls_pair_close(&pair);
}

static void send_until_closed(void *arg)
{
    static char piece[1 << 16];

    while (en_tcp_client_send_packet(arg, piece, sizeof(piece), EN_TIMEOUT_INFINITE) == EN_OK)
        ;
}

/* The peer reads nothing, so sending is stuck; what it sends is received all the same. */
static void a_stuck_send_holds_nobody_up(void)
{
    thread_t thread;
    tls_pair_t pair;

    tls_pair_open(&pair, (tls_plan_t){.protocol = protocol_raw});
    thread_start(&thread, send_until_closed, pair.client);
    thread_wait_blocked(&thread);
    for (int i = 0; i < 1000; i++) {
        CHECK_OK(send_text(pair.server, "hello"));
        CHECK_RECV(pair.client, "hello");
    }
    CHECK_OK(en_tcp_client_abort(pair.client));
    thread_join(&thread);
    tls_pair_close(&pair);
}

static void packets_of_every_size(void)
{
    static const size_t sizes[] = {0, 1, 4095, 4096, 16383, 16384, 16385, 65535, 300000};
    static char data[300000];
    tls_pair_t pair;

    memset(data, 'x', sizeof(data));
    tls_pair_open(&pair, (tls_plan_t){0});
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        CHECK_OK(en_tcp_client_send_packet(pair.client, data, sizes[i], 10000));
        CHECK_RECV_BYTES(pair.server, data, sizes[i]);
    }
    tls_pair_close(&pair);
}

static void many_packets_in_one_record(void)
{
    en_slice_t packets[] = {{"one", 3}, {"two", 3}, {"three", 5}};
    size_t sent = 0;
    tls_pair_t pair;

    tls_pair_open(&pair, (tls_plan_t){0});
    CHECK_OK(en_tcp_client_send_packets(pair.server, packets, 3, 1000, &sent));
    CHECK_INT(sent, 3);
    CHECK_RECV(pair.client, "one");
    CHECK_INT(en_tcp_client_has_buffered(pair.client), 1); /* the descriptor tells nothing */
    CHECK_RECV(pair.client, "two");
    CHECK_RECV(pair.client, "three");
    CHECK_INT(en_tcp_client_has_buffered(pair.client), 0);
    tls_pair_close(&pair);
}

/* Records that are larger than what a receive of the client takes. */
static void a_small_receive_size_loses_nothing(void)
{
    static char data[50000];
    en_tcp_options_t *options = options_new();
    tls_pair_t pair;

    memset(data, 'y', sizeof(data));
    CHECK_OK(en_tcp_options_set_max_recv_size(options, 100));
    tls_pair_open(&pair, (tls_plan_t){.client_options = options});
    CHECK_OK(en_tcp_client_send_packet(pair.server, data, sizeof(data), 10000));
    CHECK_OK(send_text(pair.server, "behind"));
    CHECK_RECV_BYTES(pair.client, data, sizeof(data));
    CHECK_RECV(pair.client, "behind");
    tls_pair_close(&pair);
}

static void options_of_every_client(void)
{
    en_tcp_options_t *options = options_new();
    tls_pair_t pair;

    CHECK_OK(en_tcp_options_set_busy_poll(options, 20));
    CHECK_OK(en_tcp_options_set_write_buffer(options, 4096));
    CHECK_OK(en_tcp_options_set_retry_interval(options, 10, never_interrupted, NULL, NULL));
    tls_pair_open(&pair, (tls_plan_t){.client_options = options});
    CHECK_OK(send_text(pair.client, "buffered"));
    CHECK_RECV_FAILS(pair.server, 50, EN_ETIMEDOUT);
    CHECK_RECV_FAILS(pair.client, 50, EN_ETIMEDOUT); /* brings it out */
    CHECK_RECV(pair.server, "buffered");
    CHECK_OK(send_text(pair.client, "flushed"));
    CHECK_OK(en_tcp_client_flush(pair.client, 1000));
    CHECK_RECV(pair.server, "flushed");
    tls_pair_close(&pair);
}

static const test_case_t cases[] = {
    CASE(both_directions_at_once),
    CASE(a_stuck_send_holds_nobody_up),
    CASE(packets_of_every_size),
    CASE_BLOCKING(many_packets_in_one_record),
    CASE(a_small_receive_size_loses_nothing),
    CASE_BLOCKING(options_of_every_client),
};

TEST_MAIN("tls_traffic")
