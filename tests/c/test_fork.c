/* Clients in forked children. */
#include "child.h"
#include "wire.h"

#include <fcntl.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

/* What a handler does in children that was there before any of the library's. */
static void (*in_child_first)(void);

static void run_in_child_first(void)
{
    if (in_child_first)
        in_child_first();
}

__attribute__((constructor)) static void be_first(void)
{
    pthread_atfork(NULL, NULL, run_in_child_first);
}

static bool receives(en_tcp_client_t *client, const char *text)
{
    en_packet_t packet = {0};
    bool same = en_tcp_client_recv_packet(client, 20000, &packet) == EN_OK &&
                packet.size == strlen(text) && memcmp(packet.data, text, packet.size) == 0;

    en_packet_release(&packet);
    return same;
}

static int use_it(wire_t *wire)
{
    EXPECT(en_tcp_client_is_closed(wire->client) == 0);
    EXPECT(send_text(wire->client, "from the child") == EN_OK);
    EXPECT(receives(wire->client, "for the child"));
    EXPECT(send_text(wire->client, "thanks") == EN_OK);
    return 0;
}

static void a_plain_client_works_in_the_child(void)
{
    step_t steps[] = {
        {.what = STEP_EXPECT, .data = "from the child\n", .size = 15},
        {.what = STEP_SEND, .data = "for the child\n", .size = 14},
        {.what = STEP_EXPECT, .data = "thanks\n", .size = 7},
    };
    script_t script;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    script_start(&script, wire.fd, steps, 3);
    CHECK_IN_CHILD(use_it(&wire));
    script_join(&script);
    CHECK_OK(send_text(wire.client, "from the parent")); /* and goes on in the parent */
    peer_expect_text(wire.fd, "from the parent\n");
    peer_send_text(wire.fd, "for the parent\n");
    CHECK_RECV(wire.client, "for the parent");
    wire_close(&wire);
}

static int free_it(wire_t *wire)
{
    en_tcp_client_free(wire->client);
    return 0;
}

static void check_parent_goes_on(wire_t *wire)
{
    CHECK_OK(send_text(wire->client, "alive"));
    peer_expect_text(wire->fd, "alive\n");
    peer_expect_nothing(wire->fd);
    peer_send_text(wire->fd, "both ways\n");
    CHECK_RECV(wire->client, "both ways");
}

static void freeing_in_the_child_leaves_the_connection(void)
{
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    CHECK_IN_CHILD(free_it(&wire));
    check_parent_goes_on(&wire);
    wire_close(&wire);
}

/* As a server does that accepts, and leaves the rest to children. */
static void freeing_in_the_parent_leaves_the_connection_to_the_child(void)
{
    step_t steps[] = {
        {.what = STEP_EXPECT, .data = "from the child\n", .size = 15},
        {.what = STEP_SEND, .data = "for the child\n", .size = 14},
        {.what = STEP_EXPECT, .data = "thanks\n", .size = 7},
    };
    script_t script;
    int freed[2];
    wire_t wire;
    pid_t child;
    char byte;

    REQUIRE(pipe(freed) == 0);
    wire_open(&wire, protocol_line(), NULL);
    child = child_fork();
    if (child == 0) {
        close(freed[1]);
        _exit(read(freed[0], &byte, 1) != 0 || use_it(&wire) != 0);
    }
    en_tcp_client_free(wire.client);
    wire.client = NULL;
    script_start(&script, wire.fd, steps, 3);
    close(freed[0]);
    close(freed[1]);
    script_join(&script);
    CHECK(child_succeeds(child));
    wire_close(&wire);
}

static int bring_it_out(wire_t *wire)
{
    EXPECT(en_tcp_client_flush(wire->client, 1000) == EN_OK);
    EXPECT(en_tcp_client_close(wire->client) == EN_OK);
    en_tcp_client_free(wire->client);
    return 0;
}

static void what_is_to_be_sent_is_sent_once(void)
{
    en_tcp_options_t *options = options_new();
    wire_t wire;

    CHECK_OK(en_tcp_options_set_write_buffer(options, 1000));
    wire_open(&wire, protocol_line(), options);
    CHECK_OK(send_text(wire.client, "once"));
    CHECK_IN_CHILD(free_it(&wire));
    CHECK_IN_CHILD(bring_it_out(&wire)); /* it is the parent's to send */
    peer_expect_nothing(wire.fd);
    CHECK_OK(en_tcp_client_flush(wire.client, 1000));
    peer_expect_text(wire.fd, "once\n");
    peer_expect_nothing(wire.fd);
    wire_close(&wire);
}

static int close_it(wire_t *wire)
{
    EXPECT(en_tcp_client_close(wire->client) == EN_OK);
    return 0;
}

static void closing_with_bytes_put_aside_leaves_the_connection(void)
{
    en_tcp_options_t *options = options_new();
    wire_t wire;

    CHECK_OK(en_tcp_options_set_write_buffer(options, 1000));
    wire_open(&wire, protocol_line(), options);
    CHECK_OK(send_text(wire.client, "put aside"));
    CHECK_IN_CHILD(close_it(&wire));
    CHECK_OK(en_tcp_client_flush(wire.client, 1000));
    peer_expect_text(wire.fd, "put aside\n");
    peer_send_text(wire.fd, "for the parent\n");
    CHECK_RECV(wire.client, "for the parent");
    wire_close(&wire);
}

static void receive_for_ever(void *arg)
{
    en_packet_t packet = {0};

    CHECK_CODE(en_tcp_client_recv_packet(arg, EN_TIMEOUT_INFINITE, &packet), EN_ECLOSED);
}

static int close_while_it_receives(wire_t *wire)
{
    thread_t thread;

    thread_start(&thread, receive_for_ever, wire->client);
    thread_wait_blocked(&thread);
    EXPECT(en_tcp_client_close(wire->client) == EN_OK);
    thread_join(&thread);
    return 0;
}

/* It ends without a word to the connection, which is the parent's, too. */
static void closing_in_the_child_ends_a_receive(void)
{
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    CHECK_IN_CHILD(close_while_it_receives(&wire));
    check_parent_goes_on(&wire);
    wire_close(&wire);
}

static int find_it_forked(wire_t *wire)
{
    en_packet_t packet = {0};
    int64_t value = 0;

    EXPECT(en_tcp_client_recv_packet(wire->client, 0, &packet) == EN_EFORKED);
    EXPECT(en_tcp_client_recv_packet(wire->client, -1, &packet) == EN_EFORKED);
    EXPECT(en_tcp_client_send_packet(wire->client, "x", 1, -1) == EN_EFORKED);
    EXPECT(en_tcp_client_flush(wire->client, -1) == EN_EFORKED);
    EXPECT(en_tcp_client_send_eof(wire->client, -1) == EN_EFORKED);
    EXPECT(en_tcp_client_has_buffered(wire->client) == EN_EFORKED);
    EXPECT(en_tcp_client_get_option(wire->client, EN_OPTION_NODELAY, &value) == EN_EFORKED);
    EXPECT(strstr(en_last_error_message(), "fork"));
    en_tcp_client_free(wire->client); /* does not wait for a thread that is not here */
    return 0;
}

static void a_client_with_a_call_inside_is_the_parents(void)
{
    thread_t thread;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    thread_start(&thread, receive_for_ever, wire.client);
    thread_wait_blocked(&thread);
    CHECK_IN_CHILD(find_it_forked(&wire));
    CHECK_OK(send_text(wire.client, "alive"));
    peer_expect_text(wire.fd, "alive\n");
    peer_expect_nothing(wire.fd);
    CHECK_OK(en_tcp_client_close(wire.client));
    thread_join(&thread);
    wire_close(&wire);
}

static en_tcp_client_t *ended_first;

static void close_it_first(void)
{
    alarm(60);
    (void)en_tcp_client_close(ended_first);
}

static void free_it_first(void)
{
    alarm(60);
    en_tcp_client_free(ended_first);
}

static int do_nothing(wire_t *wire)
{
    (void)wire;
    return 0;
}

static void check_ended_first(wire_t *wire, void (*end)(void))
{
    ended_first = wire->client;
    in_child_first = end;
    CHECK_IN_CHILD(do_nothing(wire));
    in_child_first = NULL;
}

/* The parent's call still waits, and its connection sends; then both end. */
static void check_call_goes_on(thread_t *thread, wire_t *wire)
{
    CHECK_INT(atomic_load(&thread->done), 0);
    CHECK_OK(send_text(wire->client, "alive"));
    peer_expect_text(wire->fd, "alive\n");
    CHECK_OK(en_tcp_client_close(wire->client));
    thread_join(thread);
}

/* A child is one from the first moment on, also in handlers of pthread_atfork(3). */
static void ended_in_a_handler_it_is_the_parents(void)
{
    thread_t thread;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    check_ended_first(&wire, close_it_first);
    check_ended_first(&wire, free_it_first);
    check_parent_goes_on(&wire);
    thread_start(&thread, receive_for_ever, wire.client);
    thread_wait_blocked(&thread);
    check_ended_first(&wire, close_it_first);
    check_ended_first(&wire, free_it_first);
    check_call_goes_on(&thread, &wire);
    wire_close(&wire);
}

static int close_it_forked(wire_t *wire)
{
    (void)en_tcp_client_close(wire->client);
    en_tcp_client_free(wire->client);
    return 0;
}

static void closing_a_forked_one_leaves_the_parents_call_alone(void)
{
    thread_t thread;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    thread_start(&thread, receive_for_ever, wire.client);
    thread_wait_blocked(&thread);
    CHECK_IN_CHILD(close_it_forked(&wire));
    check_call_goes_on(&thread, &wire);
    wire_close(&wire);
}

static void close_in_vain(void *arg)
{
    CHECK_CODE(en_tcp_client_close(arg), EN_ETIMEDOUT);
}

static int closed_fd = -1;

static int free_the_closing(wire_t *wire)
{
    EXPECT(en_tcp_client_is_closed(wire->client) == 1);
    en_tcp_client_free(wire->client);
    EXPECT(fcntl(closed_fd, F_GETFD) < 0); /* it is not left over */
    return 0;
}

static void what_is_being_closed_is_let_go_in_the_child(void)
{
    en_tcp_options_t *options = options_new();
    thread_t thread;
    wire_t wire;

    CHECK_OK(en_tcp_options_set_write_buffer(options, 4096));
    CHECK_OK(en_tcp_options_set_shutdown_timeout(options, 500));
    wire_open(&wire, protocol_line(), options);
    wire_narrow(&wire);
    wire_fill(&wire);
    CHECK_OK(send_text(wire.client, "put aside"));
    closed_fd = en_tcp_client_fileno(wire.client);
    thread_start(&thread, close_in_vain, wire.client);
    WAIT_FOR(en_tcp_client_is_closed(wire.client));
    thread_wait_blocked(&thread);
    CHECK_IN_CHILD(free_the_closing(&wire));
    thread_join(&thread);
    wire_close(&wire);
}

static int make_a_new_one(wire_t *wire)
{
    en_stream_protocol_t *protocol = NULL;
    en_tcp_client_t *client = NULL;
    en_tcp_options_t *options = NULL;
    int fd;

    EXPECT(en_stream_protocol_new_line(&protocol, EN_NEWLINE_LF, 0) == EN_OK);
    EXPECT(en_tcp_options_new(&options) == EN_OK);
    EXPECT(en_tcp_options_set_connect_timeout(options, 20000) == EN_OK);
    EXPECT(en_tcp_client_connect(&client, "localhost", wire->port, protocol, options) == EN_OK);
    fd = peer_accept(wire->listener);
    EXPECT(send_text(client, "new") == EN_OK);
    EXPECT(write(fd, "answer\n", 7) == 7);
    EXPECT(receives(client, "answer"));
    en_tcp_client_free(client);
    en_tcp_options_free(options);
    en_stream_protocol_free(protocol);
    close(fd);
    return 0;
}

static en_cancel_t *shared_switch;

/* How many descriptors a program would inherit. */
static int inheritable(void)
{
    int count = 0;

    for (int fd = 0; fd < 256; fd++)
        count += fcntl(fd, F_GETFD) == 0;
    return count;
}

static int throw_it(wire_t *wire)
{
    en_packet_t packet = {0};
    int before = inheritable();

    EXPECT(en_cancel_trigger(shared_switch) == EN_OK);
    EXPECT(inheritable() == before);
    EXPECT(en_tcp_client_recv_packet(wire->client, 20000, &packet) == EN_ECANCELED);
    EXPECT(en_cancel_reset(shared_switch) == EN_OK);
    EXPECT(en_tcp_client_recv_packet(wire->client, 20, &packet) == EN_ETIMEDOUT);
    EXPECT(en_cancel_trigger(shared_switch) == EN_OK);
    return 0;
}

static int64_t cpu_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int find_it_thrown(wire_t *wire)
{
    struct pollfd thrown = {.fd = en_cancel_fd(shared_switch), .events = POLLIN};
    en_packet_t packet = {0};

    EXPECT(poll(&thrown, 1, 0) == 1);
    EXPECT(en_tcp_client_recv_packet(wire->client, 20000, &packet) == EN_ECANCELED);
    EXPECT(en_cancel_reset(shared_switch) == EN_OK);
    return 0;
}

/* After the fork, parent and child have a switch each. */
static void a_switch_is_thrown_in_one_process(void)
{
    en_tcp_options_t *options = options_new();
    int64_t before;
    wire_t wire;

    REQUIRE_OK(en_cancel_new(&shared_switch));
    CHECK_OK(en_tcp_options_set_cancel(options, shared_switch));
    wire_open(&wire, protocol_line(), options);
    CHECK_IN_CHILD(throw_it(&wire));
    CHECK_INT(en_cancel_is_triggered(shared_switch), 0);
    before = cpu_ms();
    CHECK_RECV_FAILS(wire.client, 600, EN_ETIMEDOUT);
    CHECK(cpu_ms() - before < 400); /* it slept */
    CHECK_OK(en_cancel_trigger(shared_switch));
    CHECK_IN_CHILD(find_it_thrown(&wire)); /* as it was at the fork */
    CHECK_RECV_FAILS(wire.client, 20000, EN_ECANCELED);
    wire_close(&wire);
    en_cancel_free(shared_switch);
}

static void new_handles_always_work(void)
{
    en_stream_protocol_t *protocol = protocol_line();
    en_tcp_client_t *named = NULL;
    thread_t thread;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    /* A name first, so that whoever resolves names is at work before the fork. */
    CHECK_OK(en_tcp_client_connect(&named, "localhost", wire.port, protocol, NULL));
    peer_reset(peer_accept(wire.listener));
    thread_start(&thread, receive_for_ever, wire.client);
    thread_wait_blocked(&thread);
    CHECK_IN_CHILD(make_a_new_one(&wire));
    CHECK_OK(en_tcp_client_close(wire.client));
    thread_join(&thread);
    en_tcp_client_free(named);
    en_stream_protocol_free(protocol);
    wire_close(&wire);
}

static const test_case_t cases[] = {
    CASE(a_plain_client_works_in_the_child),
    CASE(freeing_in_the_child_leaves_the_connection),
    CASE(freeing_in_the_parent_leaves_the_connection_to_the_child),
    CASE(what_is_to_be_sent_is_sent_once),
    CASE(closing_with_bytes_put_aside_leaves_the_connection),
    CASE(closing_in_the_child_ends_a_receive),
    CASE(a_client_with_a_call_inside_is_the_parents),
    CASE(closing_a_forked_one_leaves_the_parents_call_alone),
    CASE(what_is_being_closed_is_let_go_in_the_child),
    CASE(ended_in_a_handler_it_is_the_parents),
    CASE(a_switch_is_thrown_in_one_process),
    CASE(new_handles_always_work),
};

TEST_MAIN("fork")
