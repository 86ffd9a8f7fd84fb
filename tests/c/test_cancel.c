/* The switch that ends calls, and the callback that is asked whether to go on. */
#include "question.h"
#include "wire.h"

#include <poll.h>
#include <signal.h>

static en_cancel_t *cancel_new(void)
{
    en_cancel_t *cancel = NULL;

    REQUIRE_OK(en_cancel_new(&cancel));
    return cancel;
}

static void open_with(wire_t *wire, en_cancel_t *cancel)
{
    en_tcp_options_t *options = options_new();

    CHECK_OK(en_tcp_options_set_cancel(options, cancel));
    wire_open(wire, protocol_line(), options);
}

static bool readable(int fd)
{
    struct pollfd polled = {.fd = fd, .events = POLLIN};

    return poll(&polled, 1, 0) == 1;
}

static void the_switch_itself(void)
{
    en_cancel_t *cancel = cancel_new();

    CHECK_INT(en_cancel_is_triggered(cancel), 0);
    CHECK_OK(en_cancel_trigger(cancel));
    CHECK_OK(en_cancel_trigger(cancel));
    CHECK_INT(en_cancel_is_triggered(cancel), 1);
    CHECK(readable(en_cancel_fd(cancel)));
    CHECK_OK(en_cancel_reset(cancel));
    CHECK_INT(en_cancel_is_triggered(cancel), 0);
    CHECK(!readable(en_cancel_fd(cancel)));
    en_cancel_free(cancel);
    CHECK_CODE(en_cancel_fd(NULL), EN_EINVAL);
    CHECK_CODE(en_cancel_trigger(NULL), EN_EINVAL);
    CHECK_CODE(en_cancel_new(NULL), EN_EINVAL);
}

static void calls_fail_while_it_is_thrown(void)
{
    en_cancel_t *cancel = cancel_new();
    wire_t wire;

    open_with(&wire, cancel);
    peer_send_text(wire.fd, "one\ntwo\n");
    CHECK_RECV(wire.client, "one");
    CHECK_OK(en_cancel_trigger(cancel));
    CHECK_RECV_FAILS(wire.client, EN_TIMEOUT_INFINITE, EN_ECANCELED); /* also what has gathered */
    CHECK_RECV_FAILS(wire.client, 1000, EN_ECANCELED);
    CHECK_CODE(send_text(wire.client, "not now"), EN_ECANCELED); /* also with room */
    CHECK_INT(en_tcp_client_is_closed(wire.client), 0);
    CHECK_OK(en_cancel_reset(cancel));
    CHECK_RECV(wire.client, "two");
    peer_send_text(wire.fd, "hello\n");
    CHECK_RECV(wire.client, "hello");
    CHECK_OK(send_text(wire.client, "there"));
    peer_expect_text(wire.fd, "there\n");
    en_cancel_free(cancel); /* the client keeps it alive */
    peer_send_text(wire.fd, "still\n");
    CHECK_RECV(wire.client, "still");
    wire_close(&wire);
}

typedef struct {
    en_tcp_client_t *client;
    uint16_t port;
    en_tcp_options_t *options;
    int rc;
} call_t;

static void receive(void *arg)
{
    call_t *call = arg;
    en_packet_t packet = {0};

    call->rc = en_tcp_client_recv_packet(call->client, EN_TIMEOUT_INFINITE, &packet);
}

static void send_much(void *arg)
{
    static char large[4 << 20];
    call_t *call = arg;

    call->rc = en_tcp_client_send_packet(call->client, large, sizeof(large), EN_TIMEOUT_INFINITE);
}

static void send_little(void *arg)
{
    call_t *call = arg;

    call->rc = en_tcp_client_send_packet(call->client, "x", 1, EN_TIMEOUT_INFINITE);
}

static void connect_somewhere(void *arg)
{
    call_t *call = arg;
    en_stream_protocol_t *protocol = protocol_line();

    call->rc =
        en_tcp_client_connect(&call->client, "127.0.0.1", call->port, protocol, call->options);
    en_stream_protocol_free(protocol);
}

/* Throws the switch while the call waits. */
static void check_cancelled(void (*run)(void *), call_t *call, en_cancel_t *cancel)
{
    int64_t start;
    thread_t thread;

    thread_start(&thread, run, call);
    thread_wait_blocked(&thread);
    start = now_ms();
    CHECK_OK(en_cancel_trigger(cancel));
    thread_join(&thread);
    CHECK_TOOK(start, 0);
    CHECK_CODE(call->rc, EN_ECANCELED);
    CHECK_OK(en_cancel_reset(cancel));
}

static void a_receive_that_waits(void)
{
    en_cancel_t *cancel = cancel_new();
    call_t call = {0};
    wire_t wire;

    open_with(&wire, cancel);
    call.client = wire.client;
    peer_send_text(wire.fd, "hal");
    check_cancelled(receive, &call, cancel);
    peer_send_text(wire.fd, "f\n");
    CHECK_RECV(wire.client, "half"); /* nothing was lost */
    wire_close(&wire);
    en_cancel_free(cancel);
}

/* How long a receive that waits for its turn takes to end once the switch is thrown. */
static int64_t cancel_in_turn(en_cancel_t *cancel, en_tcp_client_t *client)
{
    call_t calls[2] = {{.client = client}, {.client = client}};
    thread_t threads[2];
    int64_t start;

    for (int i = 0; i < 2; i++) {
        thread_start(&threads[i], receive, &calls[i]);
        thread_wait_blocked(&threads[i]);
    }
    start = now_ms();
    CHECK_OK(en_cancel_trigger(cancel));
    for (int i = 0; i < 2; i++) {
        thread_join(&threads[i]);
        CHECK_CODE(calls[i].rc, EN_ECANCELED);
    }
    CHECK_OK(en_cancel_reset(cancel));
    return now_ms() - start;
}

/* The best of some tries counts, so that a busy machine does not matter. */
static void check_turns(en_cancel_t *cancel, en_tcp_options_t *options)
{
    int64_t best = INT64_MAX;
    wire_t wire;

    CHECK_OK(en_tcp_options_set_cancel(options, cancel));
    wire_open(&wire, protocol_line(), options);
    for (int i = 0; i < 5 && best > 400; i++) {
        int64_t took = cancel_in_turn(cancel, wire.client);

        best = took < best ? took : best;
    }
    CHECK(best <= 400);
    wire_close(&wire);
}

static void a_receive_that_waits_for_its_turn(void)
{
    en_cancel_t *cancel = cancel_new();
    en_tcp_options_t *options = options_new();

    check_turns(cancel, options);
    options = options_new();
    CHECK_OK(en_tcp_options_set_retry_interval(options, 60000, never_interrupted, NULL, NULL));
    check_turns(cancel, options);
    en_cancel_free(cancel);
}

/* It does not sleep meanwhile. */
static void a_receive_that_looks_again_and_again(void)
{
    en_cancel_t *cancel = cancel_new();
    en_tcp_options_t *options = options_new();
    en_stats_t stats = {.struct_size = sizeof(stats)};
    call_t call = {0};
    thread_t thread;
    int64_t start;
    wire_t wire;

    CHECK_OK(en_tcp_options_set_cancel(options, cancel));
    CHECK_OK(en_tcp_options_set_busy_poll(options, 1000 * 1000));
    wire_open(&wire, protocol_line(), options);
    call.client = wire.client;
    thread_start(&thread, receive, &call);
    do {
        CHECK_OK(en_tcp_client_get_stats(wire.client, &stats));
    } while (stats.recv_calls == 0);
    start = now_ms();
    CHECK_OK(en_cancel_trigger(cancel));
    thread_join(&thread);
    CHECK_CODE(call.rc, EN_ECANCELED);
    CHECK(now_ms() - start < 900);
    wire_close(&wire);
    en_cancel_free(cancel);
}

static void a_send_that_waits(void)
{
    en_cancel_t *cancel = cancel_new();
    call_t call = {0};
    wire_t wire;

    open_with(&wire, cancel);
    wire_narrow(&wire);
    wire_fill(&wire);
    call.client = wire.client;
    check_cancelled(send_little, &call, cancel);
    CHECK_CODE(en_tcp_client_send_packet(wire.client, "x", 1, 0), EN_ETIMEDOUT); /* as before */
    wire_close(&wire);

    open_with(&wire, cancel);
    wire_narrow(&wire);
    call.client = wire.client;
    check_cancelled(send_much, &call, cancel);
    CHECK_CODE(send_text(wire.client, "x"), EN_EPIPE); /* part of a packet had gone */
    wire_close(&wire);
    en_cancel_free(cancel);
}

static void a_connect_that_waits(void)
{
    en_cancel_t *cancel = cancel_new();
    call_t call = {0};
    silent_peer_t silent;

    silent_peer_open(&silent, "127.0.0.1");
    call.port = peer_port(silent.listener);
    call.options = options_new();
    CHECK_OK(en_tcp_options_set_cancel(call.options, cancel));
    check_cancelled(connect_somewhere, &call, cancel);
    CHECK(call.client == NULL);
    CHECK_OK(en_cancel_trigger(cancel));
    connect_somewhere(&call);
    CHECK_CODE(call.rc, EN_ECANCELED);
    CHECK_OK(en_cancel_reset(cancel));
    CHECK_OK(en_tcp_options_set_cancel(call.options, NULL)); /* taken away */
    CHECK_OK(en_cancel_trigger(cancel));
    CHECK_OK(en_tcp_options_set_connect_timeout(call.options, 50));
    connect_somewhere(&call);
    CHECK_CODE(call.rc, EN_ETIMEDOUT);
    en_tcp_options_free(call.options);
    en_cancel_free(cancel);
    silent_peer_close(&silent);
}

static en_cancel_t *for_signal;

static void on_signal(int number)
{
    (void)number;
    en_cancel_trigger(for_signal);
}

static void thrown_by_a_signal_handler(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    call_t call = {0};
    thread_t thread;
    wire_t wire;

    for_signal = cancel_new();
    REQUIRE(sigaction(SIGUSR2, &action, NULL) == 0);
    open_with(&wire, for_signal);
    call.client = wire.client;
    thread_start(&thread, receive, &call);
    thread_wait_blocked(&thread);
    REQUIRE(pthread_kill(thread.id, SIGUSR2) == 0);
    thread_join(&thread);
    CHECK_CODE(call.rc, EN_ECANCELED);
    wire_close(&wire);
    en_cancel_free(for_signal);
}

static en_tcp_options_t *asking_options(question_t *question, int64_t interval)
{
    en_tcp_options_t *options = options_new();

    CHECK_OK(en_tcp_options_set_retry_interval(options, interval, question_ask, question_destroy,
                                               question));
    return options;
}

static void a_call_that_waits_asks(void)
{
    question_t question = {.answer = EN_CALLBACK_DONE};
    en_packet_t packet = {0};
    int64_t start;
    wire_t wire;

    wire_open(&wire, protocol_line(), asking_options(&question, 20));
    start = now_ms();
    CHECK_RECV_FAILS(wire.client, 300, EN_ETIMEDOUT); /* the time-out is as exact as ever */
    CHECK_TOOK(start, 300);
    CHECK(atomic_load(&question.asked) >= 3);
    atomic_store(&question.answer, EN_ECANCELED);
    CHECK_RECV_FAILS(wire.client, EN_TIMEOUT_INFINITE, EN_ECANCELED);
    atomic_store(&question.answer, EN_EUSER_BASE - 4);
    CHECK_RECV_FAILS(wire.client, EN_TIMEOUT_INFINITE, EN_EUSER_BASE - 4);
    atomic_store(&question.answer, EN_ETIMEDOUT);
    CHECK_RECV_FAILS(wire.client, EN_TIMEOUT_INFINITE, EN_EINVAL);
    atomic_store(&question.answer, 0); /* as of a binding in which something failed */
    CHECK_RECV_FAILS(wire.client, EN_TIMEOUT_INFINITE, EN_EINVAL);
    CHECK_HAS(en_last_error_message(), "the interrupt callback answered 0");
    atomic_store(&question.answer, EN_CALLBACK_DONE);
    peer_send_text(wire.fd, "hello\n");
    CHECK_OK(en_tcp_client_recv_packet(wire.client, EN_TIMEOUT_INFINITE, &packet));
    en_packet_release(&packet);
    CHECK_INT(atomic_load(&question.destroyed), 0);
    wire_close(&wire);
    CHECK_INT(atomic_load(&question.destroyed), 1);
}

/* How often a receive of two seconds asks that shall ask every 200 ms. */
static void it_asks_as_often_as_it_was_told(void)
{
    question_t question = {.answer = EN_CALLBACK_DONE};
    wire_t wire;

    wire_open(&wire, protocol_line(), asking_options(&question, 200));
    CHECK_RECV_FAILS(wire.client, 2000, EN_ETIMEDOUT);
    CHECK(atomic_load(&question.asked) >= 8);
    wire_close(&wire);
}

static void a_send_and_a_connect_ask(void)
{
    question_t question = {.answer = EN_CALLBACK_DONE};
    call_t call = {0};
    silent_peer_t silent;
    thread_t thread;
    wire_t wire;

    wire_open(&wire, protocol_line(), asking_options(&question, 20));
    wire_narrow(&wire);
    wire_fill(&wire);
    atomic_store(&question.answer, EN_ECANCELED);
    call.client = wire.client;
    send_little(&call);
    CHECK_CODE(call.rc, EN_ECANCELED);
    wire_close(&wire);
    CHECK_INT(atomic_load(&question.destroyed), 1);

    silent_peer_open(&silent, "127.0.0.1");
    call = (call_t){.port = peer_port(silent.listener), .options = asking_options(&question, 20)};
    atomic_store(&question.asked, 0);
    atomic_store(&question.answer, EN_CALLBACK_DONE);
    thread_start(&thread, connect_somewhere, &call);
    WAIT_FOR(atomic_load(&question.asked) >= 3);
    atomic_store(&question.answer, EN_ECANCELED);
    thread_join(&thread);
    CHECK_CODE(call.rc, EN_ECANCELED);
    en_tcp_options_free(call.options);
    silent_peer_close(&silent);
}

static question_t *signal_question;

static void on_interrupt(int number)
{
    (void)number;
    atomic_store(&signal_question->answer, EN_ECANCELED);
}

static void a_signal_makes_it_ask_at_once(void)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    question_t question = {.answer = EN_CALLBACK_DONE};
    call_t call = {0};
    int64_t start;
    thread_t thread;
    wire_t wire;

    signal_question = &question;
    REQUIRE(sigaction(SIGUSR2, &action, NULL) == 0);
    wire_open(&wire, protocol_line(), asking_options(&question, 60000));
    call.client = wire.client;
    thread_start(&thread, receive, &call);
    thread_wait_blocked(&thread);
    start = now_ms();
    REQUIRE(pthread_kill(thread.id, SIGUSR2) == 0);
    thread_join(&thread);
    CHECK_TOOK(start, 0);
    CHECK_CODE(call.rc, EN_ECANCELED);
    wire_close(&wire);
}

static void ask_again(int number)
{
    (void)number;
}

/* Another thread is at it, and both wait without an end. */
static void a_signal_makes_it_ask_in_its_turn(void)
{
    struct sigaction action = {.sa_handler = ask_again};
    question_t question = {.answer = EN_CALLBACK_DONE};
    call_t first = {0};
    call_t second = {0};
    thread_t at_it;
    thread_t waits;
    wire_t wire;
    int asked;

    REQUIRE(sigaction(SIGUSR2, &action, NULL) == 0);
    wire_open(&wire, protocol_line(), asking_options(&question, 60000));
    wire_narrow(&wire);
    wire_fill(&wire);
    first.client = second.client = wire.client;
    thread_start(&at_it, send_little, &first);
    thread_wait_blocked(&at_it);
    thread_start(&waits, send_little, &second);
    thread_wait_blocked(&waits);
    asked = atomic_load(&question.asked);
    REQUIRE(pthread_kill(waits.id, SIGUSR2) == 0);
    WAIT_FOR(atomic_load(&question.asked) > asked);
    CHECK_OK(en_tcp_client_close(wire.client));
    thread_join(&waits);
    thread_join(&at_it);
    CHECK_CODE(second.rc, EN_ECLOSED);
    wire_close(&wire);
}

static void bad_registrations(void)
{
    question_t question = {.answer = EN_CALLBACK_DONE};
    en_tcp_options_t *options = options_new();

    CHECK_CODE(
        en_tcp_options_set_retry_interval(options, 0, question_ask, question_destroy, &question),
        EN_EINVAL);
    CHECK_CODE(
        en_tcp_options_set_retry_interval(options, -5, question_ask, question_destroy, &question),
        EN_EINVAL);
    CHECK_CODE(en_tcp_options_set_retry_interval(options, 10, NULL, question_destroy, &question),
               EN_EINVAL);
    CHECK_INT(atomic_load(&question.destroyed), 0);
    CHECK_OK(
        en_tcp_options_set_retry_interval(options, 10, question_ask, question_destroy, &question));
    en_tcp_options_free(options);
    CHECK_INT(atomic_load(&question.destroyed), 1);
}

static const test_case_t cases[] = {
    CASE(the_switch_itself),
    CASE_BLOCKING(calls_fail_while_it_is_thrown),
    CASE_BLOCKING(a_receive_that_waits),
    CASE_BLOCKING(a_receive_that_waits_for_its_turn),
    CASE_BLOCKING(a_receive_that_looks_again_and_again),
    CASE_BLOCKING(a_send_that_waits),
    CASE_BLOCKING(a_connect_that_waits),
    CASE_BLOCKING(thrown_by_a_signal_handler),
    CASE_BLOCKING(a_call_that_waits_asks),
    CASE_BLOCKING(it_asks_as_often_as_it_was_told),
    CASE_BLOCKING(a_send_and_a_connect_ask),
    CASE_BLOCKING(a_signal_makes_it_ask_at_once),
    CASE_BLOCKING(a_signal_makes_it_ask_in_its_turn),
    CASE(bad_registrations),
};

TEST_MAIN("cancel")
