/* TLS over transports of the application, client and server side. */
#include "async.h"
#include "low_tls.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

static void over_sockets_and_pipes(void)
{
    for (int pipes = 0; pipes < 2; pipes++) {
        pair_t pair;

        secure_open(&pair, pipes);
        check_both_ways(&pair);
        pair_close(&pair);
    }
}

/* Byte by byte below, and with waits in between. */
static void over_pipes_that_trickle(void)
{
    pair_t pair;

    pair_of_trickles(&pair);
    pair_shake_hands(&pair);
    CHECK_TEXT(pair.client.message, "");
    CHECK_TEXT(pair.server.message, "");
    REQUIRE(pair.client.secure && pair.server.secure);
    check_both_ways(&pair);
    pair_close(&pair);
}

static void arguments_come_first(void)
{
    en_tls_config_t *client = tls_client_config(tls_trusting());
    en_tls_config_t *server = tls_server_config(tls_identity("good"));
    en_stream_transport_t *out = (void *)&client;
    pair_t pair;

    pair_of_sockets(&pair);
    CHECK_CODE(en_stream_transport_new_tls(NULL, pair.client.inner, client, "", NULL), EN_EINVAL);
    CHECK_CODE(en_stream_transport_new_tls(&out, NULL, client, "", NULL), EN_EINVAL);
    CHECK(out == NULL);
    CHECK_CODE(en_stream_transport_new_tls(&out, pair.client.inner, NULL, "", NULL), EN_EINVAL);
    CHECK_CODE(en_stream_transport_new_tls(&out, pair.client.inner, client, NULL, NULL), EN_EINVAL);
    CHECK_MESSAGE("name");
    CHECK_CODE(en_stream_transport_new_tls(&out, pair.client.inner, server, "x", NULL), EN_EINVAL);
    CHECK_CODE(en_stream_transport_new_tls(&out, pair.client.inner, client, "not a name", NULL),
               EN_EINVAL);
    CHECK_MESSAGE("not a name");
    /* Nothing has been said to the other side, and the transport is as before. */
    CHECK_OK(put_bytes(pair.client.inner, "plain"));
    CHECK_GOT(pair.server.inner, "plain");
    CHECK_OK(en_stream_transport_close(pair.client.inner));
    CHECK_CODE(en_stream_transport_new_tls(&out, pair.client.inner, client, "", NULL), EN_ECLOSED);
    CHECK_CODE(en_stream_transport_new_tls(&out, pair.client.inner, client, "not a name", NULL),
               EN_EINVAL);
    en_tls_config_free(client);
    en_tls_config_free(server);
    pair_close(&pair);
}

static void bad_certificates_are_refused(void)
{
    pair_t pair;

    pair_of_pipes(&pair);
    pair.client.name = "another.example";
    pair_shake_hands(&pair);
    CHECK_CODE(pair.client.rc, EN_ETLS_NAME_MISMATCH);
    CHECK_HAS(pair.client.message, "another.example");
    CHECK(pair.server.rc != EN_OK || pair.server.secure);
    CHECK(pair.client.secure == NULL);
    pair_close(&pair);
    pair_of_sockets(&pair);
    pair.client.config = tls_client_config(tls_options());
    pair_shake_hands(&pair);
    CHECK(pair.client.rc <= EN_ETLS_PROTOCOL);
    pair_close(&pair);
}

static void a_handshake_has_its_time(void)
{
    en_transport_options_t *options = transport_options();
    en_tls_config_t *config = tls_client_config(tls_trusting());
    en_stream_transport_t *out = NULL;
    int64_t start;
    pair_t pair;

    pair_of_sockets(&pair);
    CHECK_OK(en_transport_options_set_handshake_timeout(options, 90));
    start = now_ms();
    CHECK_CODE(en_stream_transport_new_tls(&out, pair.client.inner, config, "", options),
               EN_ETIMEDOUT);
    CHECK_TOOK(start, 90);
    CHECK(out == NULL);
    en_transport_options_free(options);
    en_tls_config_free(config);
    pair_close(&pair);
}

/* One direction of a transport. */
typedef struct {
    en_stream_transport_t *transport;
    bool sends;
    unsigned char *bytes;
    size_t size;
} flow_t;

static void flow(void *arg)
{
    flow_t *way = arg;
    size_t at = 0;

    if (way->sends)
        CHECK_OK(en_stream_transport_send_all(way->transport, way->bytes, way->size, 20000, &at));
    while (at < way->size) {
        size_t size = 0;

        REQUIRE_OK(en_stream_transport_recv_into(way->transport, way->bytes + at, way->size - at,
                                                 20000, &size));
        REQUIRE(size > 0);
        at += size;
    }
}

/* The server begins when the client waits for it. */
typedef struct {
    thread_t thread;
    side_t *server;
    int waits;
} waits_t;

static int poll_for_it(int fd, int interest, int64_t timeout_ms, void *user_data)
{
    struct pollfd ready = {.fd = fd, .events = interest & EN_INTEREST_WRITE ? POLLOUT : POLLIN};
    waits_t *waits = user_data;

    if (waits->waits++ == 0)
        thread_start(&waits->thread, side_shake_hands, waits->server);
    CHECK(timeout_ms > 0 && timeout_ms <= 5000);
    poll(&ready, 1, (int)timeout_ms);
    return EN_CALLBACK_DONE;
}

/* Shaking hands waits as the options say, and can be cancelled. */
static void a_handshake_waits_as_told(void)
{
    en_tls_config_t *config = tls_client_config(tls_trusting());
    en_transport_options_t *options = transport_options();
    en_stream_transport_t *out = NULL;
    en_cancel_t *cancel = NULL;
    waits_t waits = {0};
    pair_t pair;

    pair_of_pipes(&pair);
    pair.client.options = options;
    pair.client.config = tls_client_config(tls_trusting());
    pair.client.name = "127.0.0.1";
    pair.server.config = tls_server_config(tls_identity("good"));
    waits.server = &pair.server;
    CHECK_OK(en_transport_options_set_handshake_timeout(options, 5000));
    CHECK_OK(en_transport_options_set_wait(options, poll_for_it, NULL, &waits));
    side_shake_hands(&pair.client);
    CHECK_TEXT(pair.client.message, "");
    REQUIRE(waits.waits > 0);
    thread_join(&waits.thread);
    REQUIRE(pair.client.secure && pair.server.secure);
    en_tls_config_free(pair.client.config);
    en_tls_config_free(pair.server.config);
    en_transport_options_free(options);
    pair_close(&pair);
    pair_of_sockets(&pair);
    options = transport_options();
    REQUIRE_OK(en_cancel_new(&cancel));
    CHECK_OK(en_transport_options_set_cancel(options, cancel));
    CHECK_OK(en_cancel_trigger(cancel));
    CHECK_CODE(en_stream_transport_new_tls(&out, pair.client.inner, config, "", options),
               EN_ECANCELED);
    CHECK(out == NULL);
    en_transport_options_free(options);
    en_cancel_free(cancel);
    en_tls_config_free(config);
    pair_close(&pair);
}

/* Slices fill records: hardly more goes out than was given. Large ones are not copied together. */
static void check_slices(size_t count, size_t each, size_t records)
{
    size_t total = count * each;
    en_slice_t *slices = calloc(count, sizeof(*slices));
    unsigned char *bytes = malloc(total);
    unsigned char *got = malloc(total);
    long long before;
    size_t sent = 0;
    thread_t thread;
    flow_t reader;
    pair_t pair;

    for (size_t i = 0; i < total; i++)
        bytes[i] = (unsigned char)(i * 7 + i / 251);
    for (size_t i = 0; i < count; i++)
        slices[i] = (en_slice_t){bytes + i * each, each};
    secure_open(&pair, true);
    before = atomic_load(&pair.client.sends.sent);
    reader = (flow_t){pair.server.secure, false, got, total};
    thread_start(&thread, flow, &reader);
    CHECK_OK(
        en_stream_transport_send_all_from_slices(pair.client.secure, slices, count, 20000, &sent));
    CHECK_INT(sent, total);
    thread_join(&thread);
    CHECK((size_t)(atomic_load(&pair.client.sends.sent) - before) <= total + records * 22);
    CHECK(memcmp(bytes, got, total) == 0);
    pair_close(&pair);
    free(slices);
    free(bytes);
    free(got);
}

static void slices_fill_records(void)
{
    check_slices(20000, 1, 4);
    check_slices(40, 5000, 20);
}

/* Sends what a send that did not wait has begun with. */
static void check_coming_again(int (*come_again)(en_stream_transport_t *, const void *, size_t,
                                                 int64_t, size_t *))
{
    static char zeros[20000];
    char buffer[4096];
    size_t total = 0;
    size_t size = 0;
    int fd = 77;
    pair_t pair;

    secure_open(&pair, true);
    CHECK_CODE(en_stream_transport_recv_into_noblock(pair.client.secure, buffer, 8, &size, &fd),
               EN_WANT_READ);
    CHECK_INT(fd, pair.client.receives.in);
    while (en_stream_transport_send_noblock(pair.client.secure, zeros, sizeof(zeros), &size, &fd) ==
           EN_OK)
        total += size;
    CHECK(total > 0);
    CHECK_INT(fd, pair.client.sends.out);
    /* It has begun with these bytes: fewer must not come. */
    CHECK_CODE(
        en_stream_transport_send_noblock(pair.client.secure, zeros, sizeof(zeros), &size, &fd),
        EN_WANT_WRITE);
    CHECK_INT(size, 0);
    CHECK_CODE(en_stream_transport_send_noblock(pair.client.secure, zeros, 1, &size, &fd),
               EN_EINVAL);
    CHECK_MESSAGE("same bytes");
    CHECK_CODE(en_stream_transport_send(pair.client.secure, zeros, 1, 1000, &size), EN_EINVAL);
    while (total > 0) {
        REQUIRE_OK(en_stream_transport_recv_into(pair.server.secure, buffer,
                                                 total < 4096 ? total : 4096, 20000, &size));
        REQUIRE(size > 0);
        total -= size;
    }
    CHECK_OK(come_again(pair.client.secure, zeros, sizeof(zeros), 20000, &size));
    CHECK(size > 0);
    /* That is over: fewer may come. */
    CHECK_OK(en_stream_transport_send_noblock(pair.client.secure, zeros, 1, &size, &fd));
    pair_close(&pair);
}

static int send_noblock(en_stream_transport_t *transport, const void *data, size_t size,
                        int64_t timeout_ms, size_t *sent)
{
    int fd;

    (void)timeout_ms;
    return en_stream_transport_send_noblock(transport, data, size, sent, &fd);
}

/* All of this, into `got`. */
static void peer_takes(pair_t *pair, const char *wanted, size_t size, char *got)
{
    size_t there = 0, count = 0;

    while (there < size) {
        REQUIRE_OK(en_stream_transport_recv_into(pair->server.secure, got + there, size - there,
                                                 20000, &count));
        REQUIRE(count > 0);
        there += count;
    }
    CHECK_BYTES(got, size, wanted, size);
}

static void without_waiting(void)
{
    check_coming_again(send_noblock);
    check_coming_again(en_stream_transport_send);
    check_coming_again(en_stream_transport_send_all);
}

/* Bytes that are not those of `zeros`, though the same stand in front. */
static void almost(char *zeros, size_t size)
{
    memset(zeros, 1, size);
    memset(zeros, 0, 64);
    for (size_t place = 64; place < size; place += size / 64)
        zeros[place] = 0;
}

/* A send that did not wait and has begun is not taken for another one over the same TLS: until it
 * goes on, or its handle ends, it is nobody else's turn. */
static void what_has_begun_is_not_taken_for_what_others_send(void)
{
    static char zeros[16000], others[sizeof(zeros)], got[sizeof(zeros)];

    almost(others, sizeof(others));
    for (int ends = 0; ends < 2; ends++) {
        en_stream_protocol_t *protocol = protocol_raw();
        en_stream_endpoint_t *endpoint = NULL;
        size_t count = 0, size = 0;
        pair_t pair;

        secure_open(&pair, true);
        REQUIRE_OK(en_stream_endpoint_new(&endpoint, pair.client.secure, protocol, NULL));
        while (send_noblock(pair.client.secure, zeros, sizeof(zeros), 0, &size) == EN_OK) {
            REQUIRE(size == sizeof(zeros));
            count++;
        }
        CHECK_CODE(en_stream_endpoint_send_packet(endpoint, others, sizeof(others), 0), EN_EBUSY);
        for (size_t got_so_far = 0; got_so_far < count; got_so_far++)
            peer_takes(&pair, zeros, sizeof(zeros), got);
        CHECK_CODE(en_stream_endpoint_send_packet(endpoint, others, sizeof(others), 0), EN_EBUSY);
        if (ends) {
            en_stream_transport_free(pair.client.secure);
            pair.client.secure = NULL;
            CHECK_CODE(en_stream_endpoint_send_packet(endpoint, others, sizeof(others), 0),
                       EN_EPIPE);
        } else {
            CHECK_OK(send_noblock(pair.client.secure, zeros, sizeof(zeros), 0, &size));
            CHECK_INT(size, sizeof(zeros));
            peer_takes(&pair, zeros, sizeof(zeros), got);
            CHECK_OK(en_stream_endpoint_send_packet(endpoint, others, sizeof(others), 20000));
            peer_takes(&pair, others, sizeof(others), got);
        }
        en_stream_endpoint_free(endpoint);
        en_stream_protocol_free(protocol);
        pair_close(&pair);
    }
}

/* Also for the same bytes, if there is room again. */
static void a_send_of_a_part_that_stops_half_way_breaks(void)
{
    static char zeros[20000];
    char buffer[4096];
    size_t size = 0;
    pair_t pair;
    int rc;

    secure_open(&pair, true);
    do
        rc = en_stream_transport_send(pair.client.secure, zeros, sizeof(zeros), 30, &size);
    while (rc == EN_OK);
    CHECK_CODE(rc, EN_ETIMEDOUT);
    do
        rc = en_stream_transport_recv_into(pair.server.secure, buffer, sizeof(buffer), 30, &size);
    while (rc == EN_OK);
    CHECK_CODE(en_stream_transport_send(pair.client.secure, zeros, sizeof(zeros), 1000, &size),
               EN_EPIPE);
    CHECK_MESSAGE("half-way");
    pair_close(&pair);
}

static void a_send_that_stops_half_way_breaks(void)
{
    size_t size = 4 << 20;
    char *zeros = calloc(1, size);
    size_t sent = 0;
    pair_t pair;

    secure_open(&pair, true);
    CHECK_CODE(en_stream_transport_send_all(pair.client.secure, zeros, size, 60, &sent),
               EN_ETIMEDOUT);
    CHECK(sent < size);
    CHECK_CODE(put_bytes(pair.client.secure, "x"), EN_EPIPE);
    CHECK_MESSAGE("half-way");
    CHECK_OK(put_bytes(pair.server.secure, "the other way"));
    CHECK_GOT(pair.client.secure, "the other way");
    pair_close(&pair);
    free(zeros);
}

/* Between its records nobody else sends, nor is there TLS beside it. */
static void it_has_the_transport_below_to_itself(void)
{
    en_stream_transport_t *beside = NULL;
    en_tls_config_t *config = NULL;
    en_stream_protocol_t *protocol = lines();
    en_stream_endpoint_t *endpoint = NULL;
    size_t sent = 0;
    pair_t pair;

    secure_open(&pair, false);
    CHECK_CODE(en_stream_transport_send_all(pair.client.inner, "x", 1, 1000, &sent), EN_EBUSY);
    CHECK_MESSAGE("TLS");
    REQUIRE_OK(en_stream_endpoint_new(&endpoint, pair.client.inner, protocol, NULL));
    CHECK_CODE(en_stream_endpoint_send_packet(endpoint, "x", 1, 1000), EN_EBUSY);
    en_stream_endpoint_free(endpoint);
    config = tls_client_config(tls_trusting());
    CHECK_CODE(en_stream_transport_new_tls(&beside, pair.client.inner, config, "localhost", NULL),
               EN_EBUSY);
    CHECK(beside == NULL);
    check_both_ways(&pair);
    en_stream_transport_free(pair.client.secure);
    pair.client.secure = NULL;
    CHECK_OK(en_stream_transport_send_all(pair.client.inner, "x", 1, 1000, &sent));
    en_tls_config_free(config);
    en_stream_protocol_free(protocol);
    pair_close(&pair);
}

static void it_tells_what_was_agreed(void)
{
    en_tls_info_t *info = NULL;
    en_stream_endpoint_t *endpoint = NULL;
    en_stream_protocol_t *protocol = lines();
    char value[64];
    size_t size = sizeof(value);
    pair_t pair;

    secure_open(&pair, true);
    REQUIRE_OK(en_stream_transport_get_tls_info(pair.client.secure, &info));
    en_tls_info_free(info);
    CHECK_CODE(en_stream_transport_get_tls_info(pair.client.inner, &info), EN_ENODATA);
    CHECK_INT(attribute_int(pair.client.secure, EN_ATTRIBUTE_STANDARD_COMPATIBLE), 1);
    CHECK_INT(attribute_int(pair.client.secure, EN_ATTRIBUTE_DESCRIPTOR), pair.client.receives.in);
    CHECK_OK(en_stream_transport_get_attribute(pair.client.secure, EN_ATTRIBUTE_USER_BASE + 2,
                                               value, &size));
    CHECK_BYTES(value, size, "sends", 5);
    REQUIRE_OK(en_stream_endpoint_new(&endpoint, pair.client.secure, protocol, NULL));
    REQUIRE_OK(en_stream_endpoint_get_tls_info(endpoint, &info));
    en_tls_info_free(info);
    en_stream_endpoint_free(endpoint);
    en_stream_protocol_free(protocol);
    pair_close(&pair);
}

typedef struct {
    en_stream_endpoint_t *endpoint;
    int count;
} echo_t;

static void echo(void *arg)
{
    echo_t *work = arg;
    en_packet_t packet = {0};

    for (int i = 0; i < work->count; i++) {
        REQUIRE_OK(en_stream_endpoint_recv_packet(work->endpoint, 20000, &packet));
        REQUIRE_OK(en_stream_endpoint_send_packet(work->endpoint, packet.data, packet.size, 20000));
        en_packet_release(&packet);
    }
}

static void close_secure(void *arg)
{
    CHECK_OK(en_stream_transport_close(arg));
}

/* Packets over TLS over two pipes a side, and the ends said. */
static void endpoints_over_tls_over_pipes(void)
{
    en_stream_protocol_t *protocol = lines();
    en_stream_endpoint_t *endpoints[2] = {NULL, NULL};
    en_packet_t packet = {0};
    thread_t thread;
    pair_t pair;
    echo_t work;

    secure_open(&pair, true);
    REQUIRE_OK(en_stream_endpoint_new(&endpoints[0], pair.client.secure, protocol, NULL));
    REQUIRE_OK(en_stream_endpoint_new(&endpoints[1], pair.server.secure, protocol, NULL));
    work = (echo_t){endpoints[1], 50};
    thread_start(&thread, echo, &work);
    for (int i = 0; i < work.count; i++) {
        char text[2000];

        memset(text, 'a' + i % 26, sizeof(text));
        REQUIRE_OK(en_stream_endpoint_send_packet(endpoints[0], text, (size_t)i * 40, 20000));
        REQUIRE_OK(en_stream_endpoint_recv_packet(endpoints[0], 20000, &packet));
        CHECK_BYTES(packet.data, packet.size, text, (size_t)i * 40);
        en_packet_release(&packet);
    }
    thread_join(&thread);
    CHECK_CODE(en_stream_endpoint_send_eof(endpoints[0], 0), EN_EOPNOTSUPP);
    thread_start(&thread, close_secure, pair.client.secure);
    CHECK_CODE(en_stream_endpoint_recv_packet(endpoints[1], 20000, &packet), EN_ECONNABORTED);
    CHECK_OK(en_stream_endpoint_close(endpoints[1]));
    thread_join(&thread);
    en_stream_endpoint_free(endpoints[0]);
    en_stream_endpoint_free(endpoints[1]);
    en_stream_protocol_free(protocol);
    pair_close(&pair);
}

/* Four threads: each side sends and receives at once. */
static void both_ways_at_once(void)
{
    enum { SIZE = 1000000 };
    unsigned char *bytes[4];
    pair_t pair;
    flow_t flows[4];
    thread_t threads[4];

    secure_open(&pair, true);
    for (int i = 0; i < 4; i++) {
        bytes[i] = malloc(SIZE);
        memset(bytes[i], 'a' + i, SIZE);
        flows[i] = (flow_t){i < 2 ? pair.client.secure : pair.server.secure, i % 2, bytes[i], SIZE};
        thread_start(&threads[i], flow, &flows[i]);
    }
    for (int i = 0; i < 4; i++)
        thread_join(&threads[i]);
    CHECK(memcmp(bytes[0], bytes[3], SIZE) == 0);
    CHECK(memcmp(bytes[2], bytes[1], SIZE) == 0);
    for (int i = 0; i < 4; i++)
        free(bytes[i]);
    pair_close(&pair);
}

/* What comes while decrypted bytes are left is told of once, and found behind them. */
static void what_comes_behind_the_rest_of_a_record(void)
{
    enum { LINES = 20 };
    char record[LINES * 10 + 1] = "";
    en_stream_protocol_t *protocol = lines();
    en_endpoint_options_t *options = NULL;
    en_async_stream_endpoint_t *endpoint = NULL;
    en_loop_t *loop = loop_new();
    struct pollfd entry = {.events = POLLIN};
    pair_t pair;

    secure_open(&pair, false);
    REQUIRE_OK(en_endpoint_options_new(&options));
    CHECK_OK(en_endpoint_options_set_max_recv_size(options, 15));
    REQUIRE_OK(
        en_async_stream_endpoint_new(&endpoint, loop, pair.client.secure, protocol, options));
    en_endpoint_options_free(options);
    for (int i = 0; i < LINES; i++)
        strcat(record, "123456789\n");
    CHECK_OK(put_bytes(pair.server.secure, record));
    for (int i = 0; i <= LINES; i++) {
        op_t op = {0};

        if (i == 1) {
            CHECK_OK(put_bytes(pair.server.secure, "more\n"));
            entry.fd = en_async_stream_endpoint_fileno(endpoint);
            REQUIRE(poll(&entry, 1, 20000) == 1);
            CHECK_OK(en_loop_run_once(loop, 0));
        }
        CHECK_OK(en_async_stream_endpoint_recv_packet(endpoint, 5000, op_received, &op, NULL));
        op_wait(loop, &op);
        CHECK_OP(&op, EN_OK);
        CHECK_INT(op.size, i < LINES ? 9 : 4);
    }
    en_async_stream_endpoint_free(endpoint);
    en_stream_protocol_free(protocol);
    en_loop_free(loop);
    pair_close(&pair);
}

static const test_case_t cases[] = {
    CASE(over_sockets_and_pipes),
    CASE(over_pipes_that_trickle),
    CASE(arguments_come_first),
    CASE(bad_certificates_are_refused),
    CASE(a_handshake_has_its_time),
    CASE(a_handshake_waits_as_told),
    CASE(slices_fill_records),
    CASE(without_waiting),
    CASE(a_send_that_stops_half_way_breaks),
    CASE(it_has_the_transport_below_to_itself),
    CASE(what_has_begun_is_not_taken_for_what_others_send),
    CASE(a_send_of_a_part_that_stops_half_way_breaks),
    CASE(it_tells_what_was_agreed),
    CASE(endpoints_over_tls_over_pipes),
    CASE(both_ways_at_once),
    CASE(what_comes_behind_the_rest_of_a_record),
};

TEST_MAIN("transport_tls")
