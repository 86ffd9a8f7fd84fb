/* TLS over transports of the application, client and server side. */
#include "low.h"
#include "tls.h"

#include <stdlib.h>
#include <unistd.h>

/* One side: what it speaks TLS over, and what came of that. */
typedef struct {
    own_t receives;
    own_t sends;
    en_stream_transport_t *inner;
    en_stream_transport_t *secure;
    en_tls_config_t *config;
    en_transport_options_t *options;
    const char *name;
    int rc;
    char message[512];
} side_t;

static void shake_hands(void *arg)
{
    side_t *side = arg;

    side->rc = en_stream_transport_new_tls(&side->secure, side->inner, side->config, side->name,
                                           side->options);
    if (side->rc != EN_OK)
        snprintf(side->message, sizeof(side->message), "%s", en_last_error_message());
}

typedef struct {
    side_t client;
    side_t server;
} pair_t;

/* Each side over two pipes, stapled. */
static void pair_of_pipes(pair_t *pair)
{
    side_t *sides[2] = {&pair->client, &pair->server};
    int pipes[2][2];

    memset(pair, 0, sizeof(*pair));
    pipe_open(pipes[0]);
    pipe_open(pipes[1]);
    for (int i = 0; i < 2; i++) {
        side_t *side = sides[i];
        en_stream_transport_t *receiving;
        en_stream_transport_t *sending;

        side->receives = (own_t){.in = pipes[i][0], .out = -1};
        side->sends = (own_t){.in = -1, .out = pipes[!i][1]};
        receiving = own_stream(&side->receives, NULL);
        sending = own_stream(&side->sends, NULL);
        REQUIRE_OK(en_stream_transport_new_stapled(&side->inner, receiving, sending, NULL));
        en_stream_transport_free(receiving);
        en_stream_transport_free(sending);
    }
}

static void pair_of_sockets(pair_t *pair)
{
    int ends[2];

    memset(pair, 0, sizeof(*pair));
    tcp_pair(ends);
    pair->client.inner = stream_over(ends[0]);
    pair->server.inner = stream_over(ends[1]);
}

static void pair_shake_hands(pair_t *pair)
{
    thread_t thread;

    if (!pair->client.config)
        pair->client.config = tls_client_config(tls_trusting());
    if (!pair->server.config)
        pair->server.config = tls_server_config(tls_identity("good"));
    if (!pair->client.name)
        pair->client.name = "127.0.0.1";
    thread_start(&thread, shake_hands, &pair->server);
    shake_hands(&pair->client);
    if (pair->client.rc != EN_OK)
        CHECK_OK(en_stream_transport_close(pair->client.inner));
    thread_join(&thread);
    en_tls_config_free(pair->client.config);
    en_tls_config_free(pair->server.config);
    en_transport_options_free(pair->client.options);
    en_transport_options_free(pair->server.options);
}

static void secure_open(pair_t *pair, bool pipes)
{
    if (pipes)
        pair_of_pipes(pair);
    else
        pair_of_sockets(pair);
    pair_shake_hands(pair);
    CHECK_TEXT(pair->client.message, "");
    CHECK_TEXT(pair->server.message, "");
    REQUIRE(pair->client.secure && pair->server.secure);
}

static void close_inner(side_t *side)
{
    /* Without grace: nobody would answer. */
    if (side->inner)
        CHECK_OK(en_stream_transport_close(side->inner));
    en_stream_transport_free(side->inner);
    en_stream_transport_free(side->secure);
    if (side->receives.within_calls == 0 && side->sends.out != 0) {
        CHECK_OWN_ENDED(&side->receives);
        CHECK_OWN_ENDED(&side->sends);
    }
}

static void pair_close(pair_t *pair)
{
    close_inner(&pair->client);
    close_inner(&pair->server);
}

static void check_both_ways(pair_t *pair)
{
    CHECK_OK(put_bytes(pair->client.secure, "from the client"));
    CHECK_GOT(pair->server.secure, "from the client");
    CHECK_OK(put_bytes(pair->server.secure, "from the server"));
    CHECK_GOT(pair->client.secure, "from the server");
}

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

    pair_of_pipes(&pair);
    pair.client.receives.most = pair.server.receives.most = 1;
    pair.client.sends.most = pair.server.sends.most = 7;
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
    /* Nothing has been said to the other side, and the transport is as before. */
    CHECK_OK(put_bytes(pair.client.inner, "plain"));
    CHECK_GOT(pair.server.inner, "plain");
    CHECK_OK(en_stream_transport_close(pair.client.inner));
    CHECK_CODE(en_stream_transport_new_tls(&out, pair.client.inner, client, "", NULL), EN_ECLOSED);
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

/* Slices fill records: hardly more goes out than was given. */
static void slices_fill_records(void)
{
    enum { COUNT = 20000 };
    en_slice_t *slices = calloc(COUNT, sizeof(*slices));
    char *bytes = malloc(COUNT);
    char *got = malloc(COUNT + 1);
    size_t sent = 0;
    size_t at = 0;
    long long before;
    pair_t pair;

    for (size_t i = 0; i < COUNT; i++) {
        bytes[i] = (char)('a' + i % 23);
        slices[i] = (en_slice_t){bytes + i, 1};
    }
    secure_open(&pair, true);
    before = atomic_load(&pair.client.sends.sent);
    CHECK_OK(
        en_stream_transport_send_all_from_slices(pair.client.secure, slices, COUNT, 20000, &sent));
    CHECK_INT(sent, COUNT);
    CHECK(atomic_load(&pair.client.sends.sent) - before < COUNT + 40 * 25);
    while (at < COUNT) {
        size_t size = 0;

        REQUIRE_OK(
            en_stream_transport_recv_into(pair.server.secure, got + at, COUNT - at, 20000, &size));
        REQUIRE(size > 0);
        at += size;
    }
    CHECK(memcmp(bytes, got, COUNT) == 0);
    pair_close(&pair);
    free(slices);
    free(bytes);
    free(got);
}

static void without_waiting(void)
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
    while (total > 0) {
        REQUIRE_OK(en_stream_transport_recv_into(pair.server.secure, buffer,
                                                 total < 4096 ? total : 4096, 20000, &size));
        REQUIRE(size > 0);
        total -= size;
    }
    CHECK_OK(
        en_stream_transport_send_noblock(pair.client.secure, zeros, sizeof(zeros), &size, &fd));
    CHECK(size > 0);
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

static void one_direction_cannot_end_alone(void)
{
    pair_t pair;

    secure_open(&pair, false);
    CHECK_CODE(en_stream_transport_send_eof(pair.client.secure, -1), EN_EOPNOTSUPP);
    check_both_ways(&pair);
    pair_close(&pair);
}

static void close_secure(void *arg)
{
    CHECK_OK(en_stream_transport_close(arg));
}

/* Each side says its end, hears that of the other, and closes all that is below. */
static void both_say_their_end(void)
{
    for (int pipes = 0; pipes < 2; pipes++) {
        char buffer[8];
        size_t size = 77;
        thread_t thread;
        pair_t pair;

        secure_open(&pair, pipes);
        thread_start(&thread, close_secure, pair.client.secure);
        CHECK_OK(en_stream_transport_recv_into(pair.server.secure, buffer, 8, 20000, &size));
        CHECK_INT(size, 0);
        CHECK_OK(en_stream_transport_close(pair.server.secure));
        thread_join(&thread);
        CHECK_INT(en_stream_transport_is_closed(pair.client.inner), 1);
        CHECK_INT(en_stream_transport_is_closed(pair.server.inner), 1);
        pair_close(&pair);
    }
}

/* The last holder says the end, too, as far as that goes at once. */
static void freeing_says_the_end(void)
{
    char buffer[8];
    size_t size = 77;
    pair_t pair;

    secure_open(&pair, true);
    en_stream_transport_free(pair.client.inner);
    en_stream_transport_free(pair.client.secure);
    pair.client.inner = pair.client.secure = NULL;
    CHECK_OWN_ENDED(&pair.client.sends);
    CHECK_OK(en_stream_transport_recv_into(pair.server.secure, buffer, 8, 20000, &size));
    CHECK_INT(size, 0);
    pair_close(&pair);
}

static void a_cut_is_told(void)
{
    char buffer[8];
    size_t size;
    pair_t pair;

    secure_open(&pair, false);
    CHECK_OK(put_bytes(pair.client.secure, "last"));
    CHECK_OK(en_stream_transport_close(pair.client.inner)); /* no end of TLS */
    CHECK_GOT(pair.server.secure, "last");
    CHECK_CODE(en_stream_transport_recv_into(pair.server.secure, buffer, 8, 20000, &size),
               EN_ETLS_TRUNCATED);
    pair_close(&pair);
}

static void an_end_that_is_not_asked_for(void)
{
    char buffer[8];
    size_t size = 77;
    int64_t start;
    pair_t pair;

    pair_of_sockets(&pair);
    pair.client.options = transport_options();
    pair.server.options = transport_options();
    CHECK_OK(en_transport_options_set_standard_compatible(pair.client.options, 0));
    CHECK_OK(en_transport_options_set_standard_compatible(pair.server.options, 0));
    pair_shake_hands(&pair);
    REQUIRE(pair.client.secure && pair.server.secure);
    CHECK_INT(attribute_int(pair.client.secure, EN_ATTRIBUTE_STANDARD_COMPATIBLE), 0);
    start = now_ms();
    CHECK_OK(en_stream_transport_close(pair.client.secure));
    CHECK_TOOK(start, 0);
    CHECK_OK(en_stream_transport_recv_into(pair.server.secure, buffer, 8, 20000, &size));
    CHECK_INT(size, 0);
    pair_close(&pair);
}

static void closing_waits_no_longer_than_it_may(void)
{
    int64_t start;
    pair_t pair;

    pair_of_sockets(&pair);
    pair.client.options = transport_options();
    CHECK_OK(en_transport_options_set_shutdown_timeout(pair.client.options, 80));
    pair_shake_hands(&pair);
    REQUIRE(pair.client.secure && pair.server.secure);
    start = now_ms();
    CHECK_OK(en_stream_transport_close(pair.client.secure));
    CHECK_TOOK(start, 80);
    pair_close(&pair);
}

static void closing_wakes(void)
{
    mover_t mover;
    int64_t start;
    pair_t pair;

    secure_open(&pair, false);
    mover_receives(&mover, pair.client.secure);
    CHECK_OK(put_bytes(pair.client.secure, "beside"));
    start = now_ms();
    CHECK_OK(en_stream_transport_close(pair.client.secure));
    CHECK_CODE(mover_end(&mover), EN_ECLOSED);
    CHECK_TOOK(start, 0);
    pair_close(&pair);
}

/* A sending half that speaks TLS cannot send the end: closed instead, it still says its own. */
static void a_stapled_end_over_tls_is_no_cut(void)
{
    en_stream_transport_t *both = NULL;
    en_stream_transport_t *other;
    char buffer[8];
    size_t size = 77;
    int ends[2];
    pair_t pair;

    secure_open(&pair, false);
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    other = stream_over(ends[0]);
    REQUIRE_OK(en_stream_transport_new_stapled(&both, other, pair.client.secure, NULL));
    CHECK_OK(put_bytes(both, "last"));
    CHECK_OK(en_stream_transport_send_eof(both, 20000));
    CHECK_INT(en_stream_transport_is_closed(pair.client.secure), 1);
    CHECK_GOT(pair.server.secure, "last");
    CHECK_OK(en_stream_transport_recv_into(pair.server.secure, buffer, 8, 20000, &size));
    CHECK_INT(size, 0);
    en_stream_transport_free(both);
    en_stream_transport_free(other);
    close(ends[1]);
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

static void close_endpoint(void *arg)
{
    CHECK_OK(en_stream_endpoint_close(arg));
}

/* Also an endpoint that only receives takes leave. */
static void a_receiver_takes_leave(void)
{
    static int (*const makes[])(en_stream_endpoint_t **, const en_stream_transport_t *,
                                const en_stream_protocol_t *, const en_endpoint_options_t *) = {
        en_stream_endpoint_new_receiver, en_stream_endpoint_new_sender, en_stream_endpoint_new};

    for (int i = 0; i < 3; i++) {
        en_stream_protocol_t *protocol = lines();
        en_stream_endpoint_t *endpoint = NULL;
        char buffer[8];
        size_t size = 77;
        thread_t thread;
        pair_t pair;

        secure_open(&pair, true);
        REQUIRE_OK(makes[i](&endpoint, pair.client.secure, protocol, NULL));
        thread_start(&thread, close_endpoint, endpoint);
        CHECK_OK(en_stream_transport_recv_into(pair.server.secure, buffer, 8, 20000, &size));
        CHECK_INT(size, 0);
        CHECK_OK(en_stream_transport_close(pair.server.secure));
        thread_join(&thread);
        en_stream_endpoint_free(endpoint);
        en_stream_protocol_free(protocol);
        pair_close(&pair);
    }
}

static const test_case_t cases[] = {
    CASE(over_sockets_and_pipes),
    CASE(over_pipes_that_trickle),
    CASE(arguments_come_first),
    CASE(bad_certificates_are_refused),
    CASE(a_handshake_has_its_time),
    CASE(slices_fill_records),
    CASE(without_waiting),
    CASE(a_send_that_stops_half_way_breaks),
    CASE(it_tells_what_was_agreed),
    CASE(one_direction_cannot_end_alone),
    CASE(both_say_their_end),
    CASE(freeing_says_the_end),
    CASE(a_cut_is_told),
    CASE(an_end_that_is_not_asked_for),
    CASE(closing_waits_no_longer_than_it_may),
    CASE(closing_wakes),
    CASE(a_stapled_end_over_tls_is_no_cut),
    CASE(endpoints_over_tls_over_pipes),
    CASE(a_receiver_takes_leave),
};

TEST_MAIN("transport_tls")
