/* How calls of transports wait: time-outs, switches, retry, intervals and waiting functions. */
#include "low.h"
#include "peer.h"
#include "question.h"

#include <poll.h>
#include <unistd.h>

typedef struct {
    en_stream_transport_t *transport;
    int fd;
} wire_t;

/* The options end with it. */
static void wire_open(wire_t *wire, en_transport_options_t *options)
{
    int ends[2];

    pair_open(SOCK_STREAM, ends);
    narrow(ends);
    REQUIRE_OK(en_stream_transport_from_fd(&wire->transport, ends[0], options));
    en_transport_options_free(options);
    wire->fd = ends[1];
}

static void wire_close(wire_t *wire)
{
    en_stream_transport_free(wire->transport);
    close(wire->fd);
}

static void time_outs_are_kept(void)
{
    char buffer[8];
    en_packet_t packet = {0};
    int64_t start;
    size_t size;
    wire_t wire;

    wire_open(&wire, NULL);
    start = now_ms();
    CHECK_CODE(en_stream_transport_recv(wire.transport, 0, 70, &packet), EN_ETIMEDOUT);
    CHECK_TOOK(start, 70);
    start = now_ms();
    CHECK_CODE(en_stream_transport_recv_into(wire.transport, buffer, 8, 250, &size), EN_ETIMEDOUT);
    CHECK_TOOK(start, 250);
    /* What came later is still there. */
    peer_send_text(wire.fd, "late");
    CHECK_GOT(wire.transport, "late");
    wire_close(&wire);
}

static void throw_it(void *arg)
{
    CHECK_OK(en_cancel_trigger(arg));
}

static int done(int *fd, void *user_data)
{
    (void)fd;
    ++*(int *)user_data;
    return EN_CALLBACK_DONE;
}

static void a_switch_ends_calls(void)
{
    en_transport_options_t *options = transport_options();
    en_cancel_t *cancel = NULL;
    mover_t mover;
    char buffer[8];
    int64_t left;
    size_t size;
    int calls = 0;
    wire_t wire;
    int fd;

    REQUIRE_OK(en_cancel_new(&cancel));
    CHECK_OK(en_transport_options_set_cancel(options, cancel));
    wire_open(&wire, options);
    mover_receives(&mover, wire.transport);
    throw_it(cancel);
    CHECK_CODE(mover_end(&mover), EN_ECANCELED);
    peer_send_text(wire.fd, "kept");
    CHECK_CODE(en_stream_transport_recv_into(wire.transport, buffer, 8, 0, &size), EN_ECANCELED);
    CHECK_CODE(put_bytes(wire.transport, "x"), EN_ECANCELED);
    CHECK_CODE(en_stream_transport_recv_into_noblock(wire.transport, buffer, 8, &size, &fd),
               EN_ECANCELED);
    CHECK_CODE(en_stream_transport_retry(wire.transport, done, &calls, 0, &left), EN_ECANCELED);
    CHECK_INT(calls, 0);
    CHECK_OK(en_cancel_reset(cancel));
    CHECK_GOT(wire.transport, "kept");
    en_cancel_free(cancel);
    wire_close(&wire);
}

/* What an attempt does. */
typedef struct {
    wire_t wire;
    char got[16];
    size_t filled;
    size_t wanted;
    int calls;
    int answer;
    int fd;
    const char *says;
    void (*within)(en_stream_transport_t *transport);
} attempt_t;

/* Fills the buffer by several receives that do not wait. */
static int fill_up(int *fd, void *user_data)
{
    attempt_t *attempt = user_data;

    CHECK_INT(*fd, -1);
    attempt->calls++;
    while (attempt->filled < attempt->wanted) {
        size_t size;
        int rc = en_stream_transport_recv_into_noblock(
            attempt->wire.transport, attempt->got + attempt->filled,
            attempt->wanted - attempt->filled, &size, fd);

        if (rc != EN_OK)
            return rc;
        attempt->filled += size;
    }
    return EN_CALLBACK_DONE;
}

static void retry_attempts_until_done(void)
{
    step_t steps[] = {{.what = STEP_SEND_SLOWLY, .data = "by and by", .size = 9, .ms = 3}};
    attempt_t attempt = {.wanted = 9};
    int64_t left = 77;
    script_t script;

    wire_open(&attempt.wire, NULL);
    script_start(&script, attempt.wire.fd, steps, 1);
    CHECK_OK(en_stream_transport_retry(attempt.wire.transport, fill_up, &attempt, 20000, &left));
    script_join(&script);
    CHECK_BYTES(attempt.got, attempt.filled, "by and by", 9);
    CHECK(attempt.calls <= 10); /* it waits for the descriptor and does not spin */
    CHECK(left > 0 && left <= 20000);
    wire_close(&attempt.wire);
}

static void retry_says_what_is_left(void)
{
    attempt_t attempt = {.wanted = 9};
    int64_t left = 77;
    int64_t start;

    wire_open(&attempt.wire, NULL);
    peer_send_text(attempt.wire.fd, "half");
    start = now_ms();
    CHECK_CODE(en_stream_transport_retry(attempt.wire.transport, fill_up, &attempt, 90, &left),
               EN_ETIMEDOUT);
    CHECK_TOOK(start, 90);
    CHECK_INT(left, 0);
    CHECK_INT(attempt.filled, 4);
    CHECK_CODE(en_stream_transport_retry(attempt.wire.transport, fill_up, &attempt, 0, &left),
               EN_ETIMEDOUT);
    CHECK_INT(left, 0);
    peer_send_text(attempt.wire.fd, " more");
    CHECK_OK(en_stream_transport_retry(attempt.wire.transport, fill_up, &attempt, -1, &left));
    CHECK(left < 0);
    CHECK_BYTES(attempt.got, attempt.filled, "half more", 9);
    left = 77;
    CHECK_CODE(en_stream_transport_retry(attempt.wire.transport, NULL, NULL, 5, &left), EN_EINVAL);
    CHECK_INT(left, 5);
    CHECK_CODE(en_stream_transport_retry(attempt.wire.transport, fill_up, &attempt, 5, NULL),
               EN_EINVAL);
    wire_close(&attempt.wire);
}

static int answer(int *fd, void *user_data)
{
    attempt_t *attempt = user_data;

    attempt->calls++;
    if (attempt->fd)
        *fd = attempt->fd;
    if (attempt->within)
        attempt->within(attempt->wire.transport);
    en_set_error_message(attempt->says);
    return attempt->answer;
}

static int try_answer(attempt_t *attempt, int64_t timeout_ms)
{
    int64_t left;

    attempt->calls = 0;
    return en_stream_transport_retry(attempt->wire.transport, answer, attempt, timeout_ms, &left);
}

static void retry_hands_codes_on(void)
{
    static const int codes[] = {EN_EBADMSG,    EN_EMSGSIZE,     EN_EUSER_BASE, EN_EUSER_BASE - 5,
                                EN_ECONNRESET, EN_ECONNABORTED, EN_EPIPE,      EN_ECLOSED};
    attempt_t attempt = {.says = "for my reasons"};

    wire_open(&attempt.wire, NULL);
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        attempt.answer = codes[i];
        CHECK_CODE(try_answer(&attempt, -1), codes[i]);
        CHECK_INT(attempt.calls, 1);
        CHECK_MESSAGE("for my reasons");
    }
    attempt.answer = 5;
    CHECK_CODE(try_answer(&attempt, -1), EN_EINVAL);
    attempt.answer = EN_EUSER_BASE + 1; /* no code of ours, and none of the application's own */
    CHECK_CODE(try_answer(&attempt, -1), EN_EINVAL);
    wire_close(&attempt.wire);
}

/* Without a descriptor it looks again after a while, or after each interval. */
static void retry_without_a_descriptor(void)
{
    en_transport_options_t *options = transport_options();
    attempt_t attempt = {.answer = EN_WANT_READ};

    CHECK_OK(en_transport_options_set_retry_interval(options, 20, NULL, NULL, NULL));
    wire_open(&attempt.wire, options);
    CHECK_CODE(try_answer(&attempt, 150), EN_ETIMEDOUT);
    CHECK(attempt.calls >= 2 && attempt.calls <= 10);
    wire_close(&attempt.wire);
    wire_open(&attempt.wire, NULL);
    CHECK_CODE(try_answer(&attempt, 150), EN_ETIMEDOUT);
    CHECK(attempt.calls >= 1 && attempt.calls <= 2);
    wire_close(&attempt.wire);
}

static void close_it(en_stream_transport_t *transport)
{
    CHECK_OK(en_stream_transport_close(transport));
    CHECK_INT(en_stream_transport_is_closed(transport), 1);
}

static void call_within(en_stream_transport_t *transport)
{
    int64_t left;
    int calls = 0;

    CHECK_OK(put_bytes(transport, "within"));
    CHECK_OK(en_stream_transport_retry(transport, done, &calls, 0, &left));
    CHECK_INT(calls, 1);
}

static void an_attempt_may_call_close_and_free(void)
{
    attempt_t attempt = {.within = call_within, .answer = EN_CALLBACK_DONE};

    wire_open(&attempt.wire, NULL);
    CHECK_OK(try_answer(&attempt, -1));
    peer_expect_text(attempt.wire.fd, "within");
    attempt.within = close_it;
    attempt.answer = EN_WANT_READ;
    CHECK_CODE(try_answer(&attempt, -1), EN_ECLOSED);
    wire_close(&attempt.wire);
    wire_open(&attempt.wire, NULL);
    attempt.within = en_stream_transport_free;
    CHECK_CODE(try_answer(&attempt, -1), EN_ECLOSED);
    CHECK_INT(attempt.calls, 1);
    peer_expect_end(attempt.wire.fd);
    close(attempt.wire.fd);
}

static void retry_for_ever(void *arg)
{
    attempt_t *attempt = arg;

    CHECK_CODE(try_answer(attempt, -1), EN_ECLOSED);
}

static void closing_ends_a_retry(void)
{
    attempt_t attempt = {.answer = EN_WANT_READ};
    int64_t start;
    thread_t thread;

    wire_open(&attempt.wire, NULL);
    attempt.fd = en_stream_transport_fileno(attempt.wire.transport);
    thread_start(&thread, retry_for_ever, &attempt);
    thread_wait_blocked(&thread);
    start = now_ms();
    CHECK_OK(en_stream_transport_close(attempt.wire.transport));
    thread_join(&thread);
    CHECK_TOOK(start, 0);
    attempt.answer = EN_CALLBACK_DONE;
    CHECK_CODE(try_answer(&attempt, -1), EN_ECLOSED);
    CHECK_INT(attempt.calls, 0);
    wire_close(&attempt.wire);
}

/* A waiting function of the application, and what it has seen. */
typedef struct {
    en_stream_transport_t *transport;
    int peer;
    int calls;
    int fd;
    int interest;
    int64_t longest;
    int answer; /* 0: waits, and is done */
    en_cancel_t *cancel;
    void (*within)(en_stream_transport_t *transport);
    int destroyed;
} waits_t;

static int wait_as_told(int fd, int interest, int64_t timeout_ms, void *user_data)
{
    waits_t *waits = user_data;
    struct pollfd ready[2] = {{.fd = fd, .events = interest & EN_INTEREST_WRITE ? POLLOUT : POLLIN},
                              {.fd = -1, .events = POLLIN}};

    waits->calls++;
    waits->fd = fd;
    waits->interest = interest;
    if (timeout_ms > waits->longest || timeout_ms < 0)
        waits->longest = timeout_ms;
    if (waits->within)
        waits->within(waits->transport);
    if (waits->peer >= 0)
        peer_send_text(waits->peer, "awaited");
    waits->peer = -1;
    en_set_error_message(waits->answer ? "no more waiting, na\xefve" : NULL);
    if (waits->cancel)
        ready[1].fd = en_cancel_fd(waits->cancel);
    if (waits->answer == 0)
        poll(ready, 2, (int)timeout_ms);
    return waits->answer ? waits->answer : EN_CALLBACK_DONE;
}

static void waits_end(void *user_data)
{
    ((waits_t *)user_data)->destroyed++;
}

static void waits_open(waits_t *waits, wire_t *wire, int64_t interval)
{
    en_transport_options_t *options = transport_options();

    CHECK_OK(en_transport_options_set_cancel(options, waits->cancel));
    CHECK_OK(en_transport_options_set_wait(options, wait_as_told, waits_end, waits));
    if (interval)
        CHECK_OK(en_transport_options_set_retry_interval(options, interval, NULL, NULL, NULL));
    wire_open(wire, options);
    waits->transport = wire->transport;
    waits->peer = -1;
}

static void the_application_waits(void)
{
    waits_t waits = {0};
    wire_t wire;
    char buffer[16];
    size_t size;
    int64_t start;

    waits_open(&waits, &wire, 0);
    waits.peer = wire.fd;
    CHECK_GOT(wire.transport, "awaited");
    CHECK_INT(waits.calls, 1);
    CHECK_INT(waits.fd, en_stream_transport_fileno(wire.transport));
    CHECK_INT(waits.interest, EN_INTEREST_READ);
    CHECK(waits.longest > 0 && waits.longest <= 20000);
    start = now_ms();
    CHECK_CODE(en_stream_transport_recv_into(wire.transport, buffer, 16, 60, &size), EN_ETIMEDOUT);
    CHECK_TOOK(start, 60);
    waits.peer = wire.fd;
    CHECK_OK(en_stream_transport_recv_into(wire.transport, buffer, 16, -1, &size));
    CHECK_INT(waits.longest, -1);
    waits.calls = 0; /* who does not wait does not ask it */
    CHECK_CODE(en_stream_transport_recv_into(wire.transport, buffer, 16, 0, &size), EN_ETIMEDOUT);
    CHECK_INT(waits.calls, 0);
    waits.answer = EN_EUSER_BASE - 3;
    CHECK_CODE(en_stream_transport_recv_into(wire.transport, buffer, 16, -1, &size),
               EN_EUSER_BASE - 3);
    CHECK_MESSAGE("no more waiting, na\xef\xbf\xbdve"); /* what is not UTF-8 is replaced */
    waits.answer = 0;
    peer_send_text(wire.fd, "goes on");
    CHECK_GOT(wire.transport, "goes on");
    CHECK_INT(waits.destroyed, 0);
    wire_close(&wire);
    CHECK_INT(waits.destroyed, 1);
}

static void the_application_waits_for_a_switch_too(void)
{
    waits_t waits = {0};
    mover_t mover;
    int64_t start;
    wire_t wire;

    REQUIRE_OK(en_cancel_new(&waits.cancel));
    waits_open(&waits, &wire, 0);
    mover_receives(&mover, wire.transport);
    start = now_ms();
    throw_it(waits.cancel);
    CHECK_CODE(mover_end(&mover), EN_ECANCELED);
    CHECK_TOOK(start, 0);
    wire_close(&wire);
    en_cancel_free(waits.cancel);
}

/* Also where that function knows nothing of it, after a while. */
static void the_switch_is_looked_at(void)
{
    waits_t waits = {0};
    en_cancel_t *cancel;
    mover_t mover;
    wire_t wire;

    REQUIRE_OK(en_cancel_new(&waits.cancel));
    waits_open(&waits, &wire, 0);
    cancel = waits.cancel;
    waits.cancel = NULL;
    mover_receives(&mover, wire.transport);
    throw_it(cancel);
    CHECK_CODE(mover_end(&mover), EN_ECANCELED);
    CHECK(waits.longest > 0 && waits.longest <= 1000);
    wire_close(&wire);
    en_cancel_free(cancel);
}

static void send_beside(en_stream_transport_t *transport)
{
    char buffer[8];
    size_t size;

    CHECK_OK(put_bytes(transport, "beside"));
    CHECK_CODE(en_stream_transport_recv_into(transport, buffer, 8, 0, &size), EN_EBUSY);
}

static void the_waiting_function_may_call(void)
{
    waits_t waits = {.within = send_beside};
    wire_t wire;
    char buffer[16];
    size_t size;

    waits_open(&waits, &wire, 0);
    waits.peer = wire.fd;
    CHECK_GOT(wire.transport, "awaited");
    peer_expect_text(wire.fd, "beside");
    waits.within = close_it;
    CHECK_CODE(en_stream_transport_recv_into(wire.transport, buffer, 16, -1, &size), EN_ECLOSED);
    wire_close(&wire);
    CHECK_INT(waits.destroyed, 1);
    waits_open(&waits, &wire, 0);
    waits.answer = EN_EUSER_BASE;
    CHECK_CODE(en_stream_transport_recv_into(wire.transport, buffer, 16, -1, &size), EN_ECLOSED);
    wire_close(&wire);
    waits.answer = 0;
    waits_open(&waits, &wire, 0);
    waits.within = en_stream_transport_free;
    CHECK_CODE(en_stream_transport_recv_into(wire.transport, buffer, 16, -1, &size), EN_ECLOSED);
    peer_expect_end(wire.fd);
    close(wire.fd);
    CHECK_INT(waits.destroyed, 3);
}

static void an_interval_looks_again(void)
{
    waits_t waits = {0};
    wire_t wire;
    char buffer[16];
    size_t size;

    waits_open(&waits, &wire, 25);
    CHECK_CODE(en_stream_transport_recv_into(wire.transport, buffer, 16, 160, &size), EN_ETIMEDOUT);
    CHECK(waits.calls >= 2 && waits.calls <= 8);
    CHECK(waits.longest <= 25);
    wire_close(&wire);
}

/* A transport without a descriptor is looked at each interval. */
static void what_cannot_be_polled_is_looked_at(void)
{
    en_transport_options_t *options = transport_options();
    own_t own = {.out = -1, .hides_fd = true};
    step_t steps[] = {{.what = STEP_SEND, .data = "seen", .size = 4, .gate = NULL}};
    en_stream_transport_t *transport;
    int64_t start = now_ms();
    char buffer[8];
    script_t script;
    size_t size;
    int fd = 77;
    int ends[2];

    pair_open(SOCK_STREAM | SOCK_NONBLOCK, ends);
    own.in = ends[0];
    CHECK_OK(en_transport_options_set_retry_interval(options, 10, NULL, NULL, NULL));
    transport = own_stream(&own, options);
    CHECK_INT(en_stream_transport_fileno(transport), -1);
    CHECK_CODE(en_stream_transport_recv_into_noblock(transport, buffer, 8, &size, &fd),
               EN_WANT_READ);
    CHECK_INT(fd, -1);
    CHECK_CODE(en_stream_transport_recv_into(transport, buffer, 8, 100, &size), EN_ETIMEDOUT);
    CHECK_TOOK(start, 100);
    CHECK(atomic_load(&own.calls) >= 4);
    script_start(&script, ends[1], steps, 1);
    CHECK_GOT(transport, "seen");
    script_join(&script);
    en_stream_transport_free(transport);
    CHECK_OWN_ENDED(&own);
    close(ends[1]);
}

/* Nobody wakes who looks for himself: he sees it soon, however long he would wait. */
static void a_close_is_seen_however_long_the_interval(void)
{
    en_transport_options_t *options = transport_options();
    own_t own = {.hides_fd = true};
    en_stream_transport_t *transport;
    mover_t mover;
    int64_t start;
    int ends[2];

    pair_open(SOCK_STREAM | SOCK_NONBLOCK, ends);
    own.in = ends[0];
    CHECK_OK(en_transport_options_set_retry_interval(options, 20000, NULL, NULL, NULL));
    transport = own_stream(&own, options);
    mover_receives(&mover, transport);
    start = now_ms();
    CHECK_OK(en_stream_transport_close(transport));
    CHECK_CODE(mover_end(&mover), EN_ECLOSED);
    CHECK(now_ms() - start < 5000);
    en_stream_transport_free(transport);
    CHECK_OWN_ENDED(&own);
    close(ends[1]);
}

static void bad_options_are_refused(void)
{
    en_transport_options_t *options = transport_options();
    waits_t waits = {0};

    CHECK_CODE(en_transport_options_new(NULL), EN_EINVAL);
    CHECK_CODE(en_transport_options_set_wait(options, NULL, waits_end, &waits), EN_EINVAL);
    CHECK_CODE(en_transport_options_set_wait(NULL, wait_as_told, waits_end, &waits), EN_EINVAL);
    CHECK_CODE(en_transport_options_set_retry_interval(options, 0, NULL, NULL, NULL), EN_EINVAL);
    CHECK_CODE(en_transport_options_set_retry_interval(options, 5, NULL, waits_end, &waits),
               EN_EINVAL);
    CHECK_CODE(en_transport_options_set_cancel(NULL, NULL), EN_EINVAL);
    CHECK_OK(en_transport_options_set_cancel(options, NULL));
    CHECK_CODE(en_transport_options_set_standard_compatible(options, 2), EN_EINVAL);
    CHECK_CODE(en_transport_options_set_max_datagram_size(options, (1U << 30) + 1), EN_EINVAL);
    CHECK_CODE(en_transport_options_set_handshake_timeout(NULL, 5), EN_EINVAL);
    CHECK_CODE(en_transport_options_set_shutdown_timeout(NULL, 5), EN_EINVAL);
    CHECK_INT(waits.destroyed, 0);
    /* Options that are replaced, or freed unused, end. */
    CHECK_OK(en_transport_options_set_wait(options, wait_as_told, waits_end, &waits));
    CHECK_OK(en_transport_options_set_wait(options, wait_as_told, waits_end, &waits));
    CHECK_INT(waits.destroyed, 1);
    CHECK_OK(
        en_transport_options_set_retry_interval(options, 5, never_interrupted, waits_end, &waits));
    CHECK_OK(en_transport_options_set_retry_interval(options, 5, NULL, NULL, NULL));
    CHECK_INT(waits.destroyed, 2);
    en_transport_options_free(options);
    CHECK_INT(waits.destroyed, 3);
    en_transport_options_free(NULL);
}

static const test_case_t cases[] = {
    CASE(time_outs_are_kept),
    CASE(a_switch_ends_calls),
    CASE(retry_attempts_until_done),
    CASE(retry_says_what_is_left),
    CASE(retry_hands_codes_on),
    CASE(retry_without_a_descriptor),
    CASE(an_attempt_may_call_close_and_free),
    CASE(closing_ends_a_retry),
    CASE(the_application_waits),
    CASE(the_application_waits_for_a_switch_too),
    CASE(the_switch_is_looked_at),
    CASE(the_waiting_function_may_call),
    CASE(an_interval_looks_again),
    CASE(what_cannot_be_polled_is_looked_at),
    CASE(a_close_is_seen_however_long_the_interval),
    CASE(bad_options_are_refused),
};

TEST_MAIN("transport_waiting")
