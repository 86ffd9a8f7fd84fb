/* What several hold: TLS that more than one sends through, halves that go on without their staple,
 * forked children, and calls that begin while the application waits for others. */
#include "async.h"
#include "child.h"
#include "low_tls.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LARGE = 4 << 20 };

static char large[LARGE];

static en_stream_endpoint_t *endpoint_over(en_stream_transport_t *transport,
                                           en_endpoint_options_t *options)
{
    en_stream_endpoint_t *endpoint = NULL;
    en_stream_protocol_t *protocol = NULL;

    REQUIRE_OK(en_stream_protocol_new_line(&protocol, EN_NEWLINE_LF, LARGE + 1));
    REQUIRE_OK(en_stream_endpoint_new(&endpoint, transport, protocol, options));
    en_stream_protocol_free(protocol);
    return endpoint;
}

static size_t receive_all(en_stream_transport_t *transport, char *into, size_t size)
{
    size_t total = 0, count = 0;

    while (total < size &&
           en_stream_transport_recv_into(transport, into + total, size - total, 300, &count) ==
               EN_OK &&
           count > 0)
        total += count;
    return total;
}

static void nothing_follows_half_a_record(void)
{
    static char got[LARGE];
    en_stream_endpoint_t *first, *second;
    size_t sent = 77, total;
    pair_t pair;
    int rc;

    secure_open(&pair, false);
    memset(large, 'a', LARGE - 1);
    first = endpoint_over(pair.client.secure, NULL);
    do /* until there is no room any more */
        rc = en_stream_endpoint_send_packet(first, large, LARGE - 1, 100);
    while (rc == EN_OK);
    CHECK_CODE(rc, EN_ETIMEDOUT);
    en_stream_endpoint_free(first);
    total = receive_all(pair.server.secure, got, LARGE); /* makes room */
    CHECK(total > 0);
    second = endpoint_over(pair.client.secure, NULL);
    CHECK_CODE(en_stream_endpoint_send_packet(second, "HELLO", 5, 1000), EN_EPIPE);
    CHECK_MESSAGE("half-way");
    CHECK_CODE(en_stream_transport_send(pair.client.secure, "x", 1, 1000, &sent), EN_EPIPE);
    CHECK_INT(sent, 77);
    en_stream_endpoint_free(second);
    pair_close(&pair);
}

static void halves_go_on_without_their_staple(void)
{
    en_stream_transport_t *both = NULL;
    pair_t in, out;

    secure_open(&in, false);
    secure_open(&out, false);
    CHECK_OK(en_stream_transport_new_stapled(&both, in.client.secure, out.client.secure, NULL));
    CHECK_OK(put_bytes(in.server.secure, "precious"));
    en_stream_transport_free(both);
    CHECK_GOT(in.client.secure, "precious");
    CHECK_OK(put_bytes(out.client.secure, "goes on"));
    CHECK_GOT(out.server.secure, "goes on");
    pair_close(&in);
    pair_close(&out);
}

static void a_child_says_nothing_to_the_peer(void)
{
    en_loop_t *loop = loop_new();
    en_stream_protocol_t *protocol = lines();
    en_async_stream_endpoint_t *endpoint = NULL;
    int fd;
    op_t sent = {0};
    pid_t child;
    pair_t pair;

    secure_open(&pair, false);
    fd = en_stream_transport_fileno(pair.client.secure);
    REQUIRE_OK(en_async_stream_endpoint_new(&endpoint, loop, pair.client.secure, protocol, NULL));
    en_stream_protocol_free(protocol);
    en_stream_transport_free(pair.client.secure);
    en_stream_transport_free(pair.client.inner);
    pair.client.secure = pair.client.inner = NULL;
    child = child_fork();
    if (child == 0) {
        en_async_stream_endpoint_free(endpoint); /* the last that has it here */
        en_loop_free(loop);
        _exit(fcntl(fd, F_GETFD) < 0 ? 0 : 1);
    }
    CHECK(child_succeeds(child));
    CHECK_OK(
        en_async_stream_endpoint_send_packet(endpoint, "alive", 5, 5000, op_done, &sent, NULL));
    op_wait(loop, &sent);
    CHECK_OP(&sent, EN_OK);
    CHECK_GOT(pair.server.secure, "alive\n");
    en_async_stream_endpoint_free(endpoint);
    en_loop_free(loop);
    pair_close(&pair);
}

/* ---- While the application waits for one call, it makes another ---- */

typedef struct {
    en_tcp_client_t *client;
    en_stream_endpoint_t *endpoint;
    void (*meanwhile)(en_stream_endpoint_t *endpoint, en_tcp_client_t *client);
    int depth;
    int waits;
    int waits_for_time; /* so many of them with nothing to poll */
} waits_t;

static int wait_and_call(int fd, int interest, int64_t timeout_ms, void *user_data)
{
    waits_t *waits = user_data;
    struct pollfd polled = {.fd = fd};

    waits->waits++;
    waits->waits_for_time += fd < 0;
    if (waits->depth++ == 0 && waits->meanwhile) {
        void (*meanwhile)(en_stream_endpoint_t *, en_tcp_client_t *) = waits->meanwhile;

        waits->meanwhile = NULL;
        meanwhile(waits->endpoint, waits->client);
    } else {
        polled.events = (short)((interest & EN_INTEREST_READ ? POLLIN : 0) |
                                (interest & EN_INTEREST_WRITE ? POLLOUT : 0));
        poll(&polled, 1, timeout_ms < 0 || timeout_ms > 50 ? 50 : (int)timeout_ms);
    }
    waits->depth--;
    return EN_CALLBACK_DONE;
}

static void send_beside(en_stream_endpoint_t *endpoint, en_tcp_client_t *client)
{
    int64_t start = now_ms();

    (void)endpoint;
    CHECK_CODE(en_tcp_client_send_packet(client, "x", 1, 100), EN_ETIMEDOUT);
    CHECK_TOOK(start, 100);
}

static void a_turn_is_waited_for_by_the_applications_function(void)
{
    waits_t waits = {0};
    en_tcp_options_t *options = options_new();
    wire_t wire;

    CHECK_OK(en_tcp_options_set_wait(options, wait_and_call, NULL, &waits));
    wire_open(&wire, protocol_raw(), options);
    waits.client = wire.client;
    wire_narrow(&wire);
    wire_fill(&wire);
    waits.waits_for_time = 0;
    waits.meanwhile = send_beside;
    CHECK_CODE(en_tcp_client_send_packet(wire.client, "y", 1, 300), EN_ETIMEDOUT);
    CHECK(waits.waits_for_time >= 2); /* for the turn, again and again */
    wire_close(&wire);
}

static void send_busy(en_stream_endpoint_t *endpoint, en_tcp_client_t *client)
{
    en_packet_t packet = {0};
    int64_t start = now_ms();

    (void)client;
    /* Tries to send what was put aside, which somebody else is at. */
    CHECK_CODE(en_stream_endpoint_recv_packet(endpoint, 0, &packet), EN_ETIMEDOUT);
    CHECK_CODE(en_stream_endpoint_send_packet(endpoint, "x", 1, 3000), EN_EBUSY);
    CHECK_TOOK(start, 0);
}

static void who_sends_is_told_of_who_is_at_it(void)
{
    waits_t waits = {.meanwhile = send_busy};
    en_endpoint_options_t *options = NULL;
    ends_t ends;

    ends_open(&ends, true);
    REQUIRE_OK(en_endpoint_options_new(&options));
    CHECK_OK(en_endpoint_options_set_wait(options, wait_and_call, NULL, &waits));
    CHECK_OK(en_endpoint_options_set_write_buffer(options, 1 << 16));
    waits.endpoint = endpoint_over(ends.transport, options);
    en_endpoint_options_free(options);
    CHECK_OK(en_stream_endpoint_send_packet(waits.endpoint, "aside", 5, 1000));
    CHECK_CODE(en_stream_endpoint_send_packet(waits.endpoint, large, LARGE - 1, 300), EN_ETIMEDOUT);
    CHECK(waits.meanwhile == NULL);
    en_stream_endpoint_abort(waits.endpoint);
    en_stream_endpoint_free(waits.endpoint);
    ends_close(&ends);
}

static struct {
    ends_t ends;
    en_stream_transport_t *staple;
    en_stream_endpoint_t *others[2];
    thread_t thread;
} half;

/* All of the first packet, and then the others'. */
static void take_all(void *arg)
{
    static char got[LARGE];

    (void)arg;
    peer_read(half.ends.fd, got, LARGE);
    CHECK(memcmp(got, large, LARGE - 1) == 0);
    CHECK_INT(got[LARGE - 1], '\n');
    peer_expect_text(half.ends.fd, "first\nsecond\nraw");
}

static void send_into_half_a_packet(en_stream_endpoint_t *endpoint, en_tcp_client_t *client)
{
    size_t sent = 0;

    (void)client;
    CHECK_CODE(en_stream_endpoint_send_packet(endpoint, "x", 1, 3000), EN_EBUSY);
    for (int i = 0; i < 2; i++) {
        CHECK_CODE(en_stream_endpoint_send_packet(half.others[i], "x", 1, 3000), EN_EBUSY);
        CHECK_CODE(en_stream_endpoint_send_eof(half.others[i], 3000), EN_EBUSY);
    }
    CHECK_CODE(en_stream_transport_send(half.ends.transport, "x", 1, 3000, &sent), EN_EBUSY);
    CHECK_CODE(en_stream_transport_send_eof(half.staple, 3000), EN_EBUSY);
    thread_start(&half.thread, take_all, NULL);
}

static void nobody_sends_into_half_a_packet(void)
{
    waits_t waits = {.meanwhile = send_into_half_a_packet};
    en_endpoint_options_t *options = NULL;
    ends_t unused;

    ends_open(&half.ends, true);
    ends_open(&unused, true);
    REQUIRE_OK(
        en_stream_transport_new_stapled(&half.staple, unused.transport, half.ends.transport, NULL));
    memset(large, 'a', LARGE - 1);
    REQUIRE_OK(en_endpoint_options_new(&options));
    CHECK_OK(en_endpoint_options_set_wait(options, wait_and_call, NULL, &waits));
    waits.endpoint = endpoint_over(half.staple, options);
    en_endpoint_options_free(options);
    half.others[0] = endpoint_over(half.staple, NULL);
    half.others[1] = endpoint_over(half.ends.transport, NULL);
    CHECK_OK(en_stream_endpoint_send_packet(waits.endpoint, large, LARGE - 1, 20000));
    CHECK_OK(en_stream_endpoint_send_packet(half.others[0], "first", 5, 20000));
    CHECK_OK(en_stream_endpoint_send_packet(half.others[1], "second", 6, 20000));
    CHECK_OK(put_bytes(half.ends.transport, "raw"));
    thread_join(&half.thread);
    CHECK(waits.meanwhile == NULL);
    en_stream_endpoint_free(waits.endpoint);
    en_stream_endpoint_free(half.others[0]);
    en_stream_endpoint_free(half.others[1]);
    en_stream_transport_free(half.staple);
    ends_close(&unused);
    ends_close(&half.ends);
}

static en_async_stream_endpoint_t *on_loop(en_loop_t *loop, en_stream_transport_t *transport,
                                           size_t write_buffer)
{
    en_async_stream_endpoint_t *endpoint = NULL;
    en_stream_protocol_t *protocol = NULL;
    en_endpoint_options_t *options = NULL;

    REQUIRE_OK(en_stream_protocol_new_line(&protocol, EN_NEWLINE_LF, LARGE + 1));
    REQUIRE_OK(en_endpoint_options_new(&options));
    CHECK_OK(en_endpoint_options_set_write_buffer(options, write_buffer));
    REQUIRE_OK(en_async_stream_endpoint_new(&endpoint, loop, transport, protocol, options));
    en_endpoint_options_free(options);
    en_stream_protocol_free(protocol);
    return endpoint;
}

static void take_large(void *arg)
{
    static char got[LARGE];

    peer_read(*(int *)arg, got, LARGE);
}

/* Runs the loop until the peer has these bytes. */
static void check_comes(en_loop_t *loop, int fd, const char *text)
{
    char got[100] = "";
    size_t size = 0;

    for (int64_t start = now_ms(); size < strlen(text) && now_ms() - start < 10000;) {
        ssize_t count = recv(fd, got + size, strlen(text) - size, MSG_DONTWAIT);

        size += count > 0 ? (size_t)count : 0;
        en_loop_run_once(loop, 10);
    }
    CHECK_TEXT(got, text);
}

/* Who has put something aside need not come again for it: whatever order the loop calls them in, it
 * goes behind the packet that somebody else is in the midst of. */
static void check_put_aside_meanwhile(bool closes)
{
    en_async_stream_endpoint_t *sender, *others[2];
    op_t sent = {0}, put[2] = {{0}}, closed = {0};
    en_loop_t *loop = loop_new();
    thread_t thread;
    ends_t ends;

    ends_open(&ends, true);
    others[0] = on_loop(loop, ends.transport, 1000);
    sender = on_loop(loop, ends.transport, 0);
    others[1] = on_loop(loop, ends.transport, 1000);
    CHECK_OK(en_async_stream_endpoint_send_packet(sender, large, LARGE - 1, 20000, op_done, &sent,
                                                  NULL));
    for (int i = closes; i < 2; i++) {
        CHECK_OK(en_async_stream_endpoint_send_packet(others[i], "put", 3, 5000, op_done, &put[i],
                                                      NULL));
        op_wait(loop, &put[i]);
        CHECK_OP(&put[i], EN_OK);
    }
    CHECK_INT(sent.calls, 0);
    if (closes)
        CHECK_OK(en_async_stream_endpoint_close(others[1], 20000, op_done, &closed, NULL));
    thread_start(&thread, take_large, &ends.fd);
    op_wait(loop, &sent);
    CHECK_OP(&sent, EN_OK);
    thread_join(&thread);
    check_comes(loop, ends.fd, closes ? "put\n" : "put\nput\n");
    if (closes) {
        op_wait(loop, &closed);
        CHECK_OP(&closed, EN_OK);
    }
    en_async_stream_endpoint_free(sender);
    en_async_stream_endpoint_free(others[0]);
    en_async_stream_endpoint_free(others[1]);
    en_loop_free(loop);
    ends_close(&ends);
}

static void what_is_put_aside_waits_for_its_turn(void)
{
    check_put_aside_meanwhile(false);
    check_put_aside_meanwhile(true);
}

static gate_t is_midway;

static void tell_midway(en_stream_endpoint_t *endpoint, en_tcp_client_t *client)
{
    (void)endpoint;
    (void)client;
    gate_open(&is_midway);
}

static void send_large(void *arg)
{
    CHECK_OK(en_stream_endpoint_send_packet(arg, large, LARGE - 1, 30000));
}

/* Two endpoints over one transport: the first is in the midst of a packet, the second has a write
 * buffer. */
typedef struct {
    ends_t ends;
    waits_t waits;
    en_stream_endpoint_t *first;
    en_stream_endpoint_t *second;
    thread_t sender;
} midway_t;

static void midway_open(midway_t *midway)
{
    en_endpoint_options_t *options = NULL;

    midway->waits = (waits_t){.meanwhile = tell_midway};
    ends_open(&midway->ends, true);
    REQUIRE_OK(en_endpoint_options_new(&options));
    CHECK_OK(en_endpoint_options_set_wait(options, wait_and_call, NULL, &midway->waits));
    midway->first = endpoint_over(midway->ends.transport, options);
    en_endpoint_options_free(options);
    REQUIRE_OK(en_endpoint_options_new(&options));
    CHECK_OK(en_endpoint_options_set_write_buffer(options, 1000));
    CHECK_OK(en_endpoint_options_set_shutdown_timeout(options, 20000));
    midway->second = endpoint_over(midway->ends.transport, options);
    en_endpoint_options_free(options);
    is_midway = (gate_t){0};
    thread_start(&midway->sender, send_large, midway->first);
    gate_wait(&is_midway);
}

static void midway_close(midway_t *midway)
{
    thread_join(&midway->sender);
    en_stream_endpoint_free(midway->first);
    en_stream_endpoint_free(midway->second);
    ends_close(&midway->ends);
}

static void answer(void *arg)
{
    int fd = *(int *)arg;

    pause_ms(100);
    take_large(arg);
    peer_expect_text(fd, "question\n");
    peer_send_text(fd, "answer\n");
}

/* Before a receive waits, what was put aside goes out: behind the packet that somebody else is in
 * the midst of. */
static void a_receive_waits_for_the_turn_of_what_it_asks(void)
{
    en_packet_t packet = {0};
    midway_t midway;
    thread_t peer;
    int64_t start;

    midway_open(&midway);
    thread_start(&peer, answer, &midway.ends.fd);
    CHECK_OK(en_stream_endpoint_send_packet(midway.second, "question", 8, 1000));
    start = now_ms();
    CHECK_CODE(en_stream_endpoint_recv_packet(midway.second, 40, &packet), EN_ETIMEDOUT);
    CHECK_TOOK(start, 40);
    CHECK_OK(en_stream_endpoint_recv_packet(midway.second, 30000, &packet));
    CHECK(now_ms() - start < 15000);
    CHECK_BYTES(packet.data, packet.size, "answer", 6);
    en_packet_release(&packet);
    thread_join(&peer);
    midway_close(&midway);
}

/* Who flushes by and by is in the midst of a packet all the while, whether or not a flush brings it
 * further; and the end may be sent by each. */
static void half_a_write_buffer_keeps_its_turn(void)
{
    en_endpoint_options_t *options = NULL;
    en_stream_endpoint_t *first, *second;
    en_ancillary_t *ancillary = NULL;
    thread_t peer;
    ends_t ends;

    ends_open(&ends, false);
    REQUIRE_OK(en_ancillary_new(&ancillary));
    REQUIRE_OK(en_endpoint_options_new(&options));
    CHECK_OK(en_endpoint_options_set_write_buffer(options, LARGE));
    first = endpoint_over(ends.transport, options);
    en_endpoint_options_free(options);
    second = endpoint_over(ends.transport, NULL);
    CHECK_OK(en_stream_endpoint_send_packet(first, large, LARGE - 1, 1000));
    CHECK_CODE(en_stream_endpoint_flush(first, 50), EN_ETIMEDOUT);
    CHECK_CODE(en_stream_endpoint_flush(first, 0), EN_ETIMEDOUT);
    CHECK_CODE(en_stream_endpoint_send_packet(second, "x", 1, 0), EN_EBUSY);
    CHECK_CODE(en_stream_endpoint_send_packet_with_ancillary(second, "x", 1, ancillary, 0),
               EN_EBUSY);
    CHECK_CODE(en_stream_endpoint_send_eof(second, 0), EN_EBUSY);
    thread_start(&peer, take_large, &ends.fd);
    CHECK_OK(en_stream_endpoint_flush(first, 20000));
    thread_join(&peer);
    CHECK_OK(en_stream_endpoint_send_packet(second, "x", 1, 1000));
    peer_expect_text(ends.fd, "x\n");
    CHECK_OK(en_stream_endpoint_send_eof(second, 1000));
    CHECK_OK(en_stream_endpoint_send_eof(first, 1000));
    peer_expect_end(ends.fd);
    en_ancillary_free(ancillary);
    en_stream_endpoint_free(first);
    en_stream_endpoint_free(second);
    ends_close(&ends);
}

static void take_what_was_put_aside(void *arg)
{
    pause_ms(100);
    take_large(arg);
    peer_expect_text(*(int *)arg, "put\n");
    peer_expect_end(*(int *)arg);
}

/* Who closes waits for the packet that somebody else is in the midst of: what was put aside goes
 * behind it. */
static void closing_waits_for_the_turn_of_what_was_put_aside(void)
{
    midway_t midway;
    thread_t peer;

    midway_open(&midway);
    CHECK_OK(en_stream_endpoint_send_packet(midway.second, "put", 3, 1000));
    thread_start(&peer, take_what_was_put_aside, &midway.ends.fd);
    CHECK_OK(en_stream_endpoint_close(midway.second));
    thread_join(&peer);
    midway_close(&midway);
}

/* Who finds the connection down at the end comes no more, and has left half a packet. */
static void who_has_ended_leaves_its_turn(void)
{
    own_t own = {.most = 2, .fails_at = 2, .code = EN_ECONNRESET};
    en_endpoint_options_t *options = NULL;
    en_stream_endpoint_t *first, *second;
    en_stream_transport_t *transport;
    int ends[2];

    pair_open(SOCK_STREAM, ends);
    own.in = own.out = ends[0];
    transport = own_stream(&own, NULL);
    REQUIRE_OK(en_endpoint_options_new(&options));
    CHECK_OK(en_endpoint_options_set_write_buffer(options, 1000));
    first = endpoint_over(transport, options);
    en_endpoint_options_free(options);
    second = endpoint_over(transport, NULL);
    CHECK_OK(en_stream_endpoint_send_packet(first, "first", 5, 1000));
    CHECK_CODE(en_stream_endpoint_send_eof(first, 1000), EN_ECONNRESET);
    CHECK_CODE(en_stream_endpoint_flush(first, 1000), EN_ECONNRESET);
    CHECK_CODE(en_stream_endpoint_send_packet(second, "second", 6, 1000), EN_EPIPE);
    CHECK_MESSAGE("half a packet");
    en_stream_endpoint_free(first);
    CHECK_CODE(en_stream_endpoint_send_packet(second, "second", 6, 1000), EN_EPIPE);
    en_stream_endpoint_free(second);
    en_stream_transport_free(transport);
    close(ends[1]);
}

/* ---- Taking leave ---- */

static void close_slowly(void *arg)
{
    en_stream_transport_close(arg);
}

static void taking_leave_holds_nobody_up(void)
{
    en_stream_endpoint_t *endpoint;
    en_packet_t packet = {0};
    thread_t thread;
    int64_t start;
    pair_t pair;
    int rc;

    pair_of_sockets(&pair);
    pair.client.options = transport_options();
    CHECK_OK(en_transport_options_set_shutdown_timeout(pair.client.options, 1500 + 2 * SLACK_MS));
    pair_shake_hands(&pair);
    REQUIRE(pair.client.rc == EN_OK && pair.server.rc == EN_OK);
    endpoint = endpoint_over(pair.client.secure, NULL);
    thread_start(&thread, close_slowly, pair.client.secure);
    thread_wait_blocked(&thread); /* the peer does not answer */
    start = now_ms();
    rc = en_stream_endpoint_recv_packet(endpoint, 50, &packet);
    CHECK(rc == EN_EBUSY || rc == EN_ECLOSED);
    CHECK_TOOK(start, 0);
    en_stream_transport_close(pair.server.secure);
    thread_join(&thread);
    en_stream_endpoint_free(endpoint);
    pair_close(&pair);
}

static const test_case_t cases[] = {
    CASE(nothing_follows_half_a_record),
    CASE(halves_go_on_without_their_staple),
    CASE(a_child_says_nothing_to_the_peer),
    CASE(a_turn_is_waited_for_by_the_applications_function),
    CASE(who_sends_is_told_of_who_is_at_it),
    CASE(nobody_sends_into_half_a_packet),
    CASE(what_is_put_aside_waits_for_its_turn),
    CASE(a_receive_waits_for_the_turn_of_what_it_asks),
    CASE(half_a_write_buffer_keeps_its_turn),
    CASE(closing_waits_for_the_turn_of_what_was_put_aside),
    CASE(who_has_ended_leaves_its_turn),
    CASE(taking_leave_holds_nobody_up),
};

TEST_MAIN("transport_shared")
