/* TLS when the peer stalls, lies, leaves, or says goodbye. */
#include "child.h"
#include "tls.h"

#include <unistd.h>

static int connect_plainly(en_tcp_client_t **client, uint16_t port, int64_t connect_timeout,
                           int64_t handshake_timeout, en_cancel_t *cancel)
{
    en_tls_config_t *config = tls_client_config(tls_trusting());
    en_stream_protocol_t *protocol = protocol_line();
    en_tcp_options_t *options = options_new();
    int rc;

    CHECK_OK(en_tcp_options_set_tls(options, config, NULL));
    CHECK_OK(en_tcp_options_set_connect_timeout(options, connect_timeout));
    CHECK_OK(en_tcp_options_set_handshake_timeout(options, handshake_timeout));
    CHECK_OK(en_tcp_options_set_cancel(options, cancel));
    rc = en_tcp_client_connect(client, "127.0.0.1", port, protocol, options);
    en_tls_config_free(config);
    en_stream_protocol_free(protocol);
    en_tcp_options_free(options);
    return rc;
}

static void a_peer_that_stalls_in_the_handshake(void)
{
    int listener = peer_listen("127.0.0.1", 4); /* the system accepts, nobody answers */
    en_tcp_client_t *client = NULL;
    int64_t start;

    /* The first handshake of a process brings random numbers together, and that takes its time. */
    CHECK_CODE(connect_plainly(&client, peer_port(listener), -1, 0, NULL), EN_ETIMEDOUT);
    start = now_ms();
    CHECK_CODE(connect_plainly(&client, peer_port(listener), -1, 120, NULL), EN_ETIMEDOUT);
    CHECK_TOOK(start, 120);
    CHECK_MESSAGE("handshake");
    start = now_ms();
    CHECK_CODE(connect_plainly(&client, peer_port(listener), 120, 60000, NULL), EN_ETIMEDOUT);
    CHECK_TOOK(start, 120);
    CHECK_MESSAGE("handshake");
    CHECK(client == NULL);
    close(listener);
}

typedef struct {
    uint16_t port;
    en_cancel_t *cancel;
    int rc;
    char message[256];
} connecting_t;

static void connect_for_ever(void *arg)
{
    connecting_t *connecting = arg;
    en_tcp_client_t *client = NULL;

    connecting->rc = connect_plainly(&client, connecting->port, -1, -1, connecting->cancel);
    snprintf(connecting->message, sizeof(connecting->message), "%s", en_last_error_message());
}

static void cancelled_in_the_handshake(void)
{
    int listener = peer_listen("127.0.0.1", 4);
    connecting_t connecting = {.port = peer_port(listener)};
    thread_t thread;
    int64_t start;

    REQUIRE_OK(en_cancel_new(&connecting.cancel));
    thread_start(&thread, connect_for_ever, &connecting);
    thread_wait_blocked(&thread);
    start = now_ms();
    CHECK_OK(en_cancel_trigger(connecting.cancel));
    thread_join(&thread);
    CHECK_TOOK(start, 0);
    CHECK_CODE(connecting.rc, EN_ECANCELED);
    en_cancel_free(connecting.cancel);
    close(listener);
}

static void check_peer_script(const step_t *steps, size_t count, int code, const char *message)
{
    const bool reset = steps[count - 1].what == STEP_RESET;
    int listener = peer_listen("127.0.0.1", 4);
    connecting_t connecting = {.port = peer_port(listener)};
    script_t script;
    thread_t thread;
    int fd;

    thread_start(&thread, connect_for_ever, &connecting);
    fd = peer_accept(listener);
    script_start(&script, fd, steps, count);
    thread_join(&thread);
    script_join(&script);
    CHECK_CODE(connecting.rc, code);
    CHECK_HAS(connecting.message, message);
    if (!reset)
        close(fd);
    close(listener);
}

static void peers_that_do_not_speak_tls(void)
{
    static const char text[] = "220 ready\r\n";
    step_t plain[] = {{.what = STEP_SEND, .data = text, .size = sizeof(text) - 1}};
    step_t gone[] = {{.what = STEP_END}};
    step_t resets[] = {{.what = STEP_EXPECT, .data = "\x16\x03\x01", .size = 3},
                       {.what = STEP_RESET}};

    check_peer_script(plain, 1, EN_ETLS_PROTOCOL, "is not TLS");
    check_peer_script(gone, 1, EN_ECONNABORTED, "may not speak TLS");
    check_peer_script(resets, 2, EN_ECONNRESET, "may not speak TLS");
}

static void a_failed_handshake_leaves_the_descriptor(void)
{
    static const char text[] = "GET / HTTP/1.0\r\n\r\n";
    en_tls_config_t *config = tls_server_config(tls_identity("good"));
    en_stream_protocol_t *protocol = protocol_line();
    en_tcp_options_t *options = options_new();
    en_tcp_client_t *client = NULL;
    wire_t wire;

    wire_open(&wire, protocol_raw(), NULL); /* a TCP connection with a plain peer */
    CHECK_OK(en_tcp_options_set_tls(options, config, NULL));
    CHECK_OK(en_tcp_client_send_packet(wire.client, text, sizeof(text) - 1, 1000));
    CHECK_CODE(en_tcp_client_from_fd(&client, wire.fd, protocol, options), EN_ETLS_PROTOCOL);
    CHECK_MESSAGE("handshake 127.0.0.1");
    CHECK(client == NULL);
    peer_send_text(wire.fd, "still mine\n");
    en_tcp_options_free(options);
    en_stream_protocol_free(protocol);
    en_tls_config_free(config);
    wire_close(&wire);
}

/* A server that says no goodbye. */
static tls_plan_t impolite_server(int client_is_standard)
{
    en_tcp_options_t *server = options_new();
    en_tcp_options_t *client = options_new();

    CHECK_OK(en_tcp_options_set_standard_compatible(server, 0));
    CHECK_OK(en_tcp_options_set_standard_compatible(client, client_is_standard));
    return (tls_plan_t){.client_options = client, .server_options = server};
}

static void a_cut_connection(void)
{
    for (int standard = 0; standard < 2; standard++) {
        int code = standard ? EN_ETLS_TRUNCATED : EN_ECONNABORTED;
        tls_pair_t pair;

        tls_pair_open(&pair, impolite_server(standard));
        CHECK_OK(send_text(pair.server, "one"));
        CHECK_OK(send_text(pair.server, "two"));
        CHECK_OK(en_tcp_client_close(pair.server));
        CHECK_RECV(pair.client, "one");
        CHECK_RECV(pair.client, "two");
        CHECK_RECV_FAILS(pair.client, 5000, code);
        CHECK_RECV_FAILS(pair.client, 5000, code);
        CHECK_INT(en_error_is_connection(code), 1);
        tls_pair_close(&pair);
    }
}

static void close_it(void *arg)
{
    CHECK_OK(en_tcp_client_close(arg));
}

/* After the peer's goodbye receiving is over, and sending goes on. */
static void half_closed(void)
{
    int64_t start = now_ms();
    thread_t thread;
    tls_pair_t pair;

    tls_pair_open(&pair, (tls_plan_t){0});
    CHECK_OK(send_text(pair.server, "last"));
    thread_start(&thread, close_it, pair.server);
    CHECK_RECV(pair.client, "last");
    CHECK_RECV_FAILS(pair.client, 5000, EN_ECONNABORTED);
    CHECK_RECV_FAILS(pair.client, 5000, EN_ECONNABORTED);
    CHECK_OK(send_text(pair.client, "so long"));
    CHECK_OK(en_tcp_client_close(pair.client)); /* which ends the server's closing, too */
    thread_join(&thread);
    CHECK_TOOK(start, 0);
    tls_pair_close(&pair);
}

static void a_peer_that_stalls_in_the_goodbye(void)
{
    en_tcp_options_t *options = options_new();
    int64_t start;
    tls_pair_t pair;

    CHECK_OK(en_tcp_options_set_shutdown_timeout(options, 150));
    tls_pair_open(&pair, (tls_plan_t){.client_options = options});
    start = now_ms();
    CHECK_OK(en_tcp_client_close(pair.client)); /* the server does not look */
    CHECK_TOOK(start, 150);
    CHECK_RECV_FAILS(pair.server, 5000, EN_ECONNABORTED); /* it was said */
    tls_pair_close(&pair);
}

static void nobody_waits_for_a_goodbye_that_is_not_wanted(void)
{
    int64_t start;
    tls_pair_t pair;

    tls_pair_open(&pair, impolite_server(0));
    start = now_ms();
    CHECK_OK(en_tcp_client_close(pair.client));
    CHECK_TOOK(start, 0);
    tls_pair_close(&pair);
}

static void one_direction_cannot_be_ended(void)
{
    tls_pair_t pair;

    tls_pair_open(&pair, (tls_plan_t){0});
    CHECK_CODE(en_tcp_client_send_eof(pair.client, 1000), EN_EOPNOTSUPP);
    CHECK_OK(send_text(pair.client, "still"));
    CHECK_RECV(pair.server, "still");
    tls_pair_close(&pair);
}

static void receive_closed(void *arg)
{
    en_packet_t packet = {0};

    CHECK_CODE(en_tcp_client_recv_packet(arg, EN_TIMEOUT_INFINITE, &packet), EN_ECLOSED);
}

static void send_closed(void *arg)
{
    static char large[8 << 20];

    CHECK_CODE(en_tcp_client_send_packet(arg, large, sizeof(large), EN_TIMEOUT_INFINITE),
               EN_ECLOSED);
}

static void closing_wakes_all(void)
{
    void (*const waiters[])(void *) = {receive_closed, send_closed};

    for (int i = 0; i < 2; i++) {
        int64_t start;
        thread_t thread;
        tls_pair_t pair;

        tls_pair_open(&pair, (tls_plan_t){.protocol = protocol_raw});
        thread_start(&thread, waiters[i], pair.client);
        thread_wait_blocked(&thread);
        start = now_ms();
        CHECK_OK(en_tcp_client_close(pair.client));
        thread_join(&thread);
        CHECK_TOOK(start, 0);
        tls_pair_close(&pair);
    }
}

static void a_send_that_times_out_ends_sending(void)
{
    static char large[8 << 20];
    int64_t start;
    tls_pair_t pair;

    tls_pair_open(&pair, (tls_plan_t){.protocol = protocol_raw});
    start = now_ms();
    CHECK_CODE(en_tcp_client_send_packet(pair.client, large, sizeof(large), 150), EN_ETIMEDOUT);
    CHECK_TOOK(start, 150);
    CHECK_CODE(send_text(pair.client, "x"), EN_EPIPE);
    CHECK_OK(send_text(pair.server, "received"));
    CHECK_RECV(pair.client, "received");
    tls_pair_close(&pair);
}

static void in_a_child_it_is_the_parents(void)
{
    tls_pair_t pair;
    pid_t child;

    tls_pair_open(&pair, (tls_plan_t){0});
    child = child_fork();
    if (child == 0) {
        en_packet_t packet = {0};
        bool refused = send_text(pair.client, "x") == EN_EFORKED &&
                       en_tcp_client_recv_packet(pair.client, 0, &packet) == EN_EFORKED &&
                       en_tcp_client_close(pair.client) == EN_EFORKED;

        en_tcp_client_free(pair.client);
        _exit(refused ? 0 : 1);
    }
    CHECK(child_succeeds(child));
    CHECK_OK(send_text(pair.client, "goes on"));
    CHECK_RECV(pair.server, "goes on");
    tls_pair_close(&pair);
}

static const test_case_t cases[] = {
    CASE(a_peer_that_stalls_in_the_handshake),
    CASE_BLOCKING(cancelled_in_the_handshake),
    CASE(peers_that_do_not_speak_tls),
    CASE(a_failed_handshake_leaves_the_descriptor),
    CASE(a_cut_connection),
    CASE(half_closed),
    CASE(a_peer_that_stalls_in_the_goodbye),
    CASE(nobody_waits_for_a_goodbye_that_is_not_wanted),
    CASE(one_direction_cannot_be_ended),
    CASE_BLOCKING(closing_wakes_all),
    CASE(a_send_that_times_out_ends_sending),
    CASE_BLOCKING(in_a_child_it_is_the_parents),
};

TEST_MAIN("tls_faults")
