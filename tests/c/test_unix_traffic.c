/* Unix streams whose peer is slow, full or gone: what a send that stops leaves behind, and what a
 * receive still finds. */
#include "family.h"
#include "peer.h"

#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

static char large[1 << 20];

typedef struct {
    int fd;
    en_unix_stream_client_t *client;
    en_client_t *view;
} wire_t;

static void wire_open_with(wire_t *wire, en_unix_stream_options_t *options)
{
    en_stream_protocol_t *protocol;
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_stream_protocol_new_line(&protocol, EN_NEWLINE_LF, 0));
    REQUIRE_OK(en_unix_stream_client_from_fd(&wire->client, ends[0], protocol, options));
    en_stream_protocol_free(protocol);
    en_unix_stream_options_free(options);
    wire->view = en_unix_stream_client_as_client(wire->client);
    wire->fd = ends[1];
}

static void wire_open(wire_t *wire)
{
    wire_open_with(wire, NULL);
}

static void wire_close(wire_t *wire)
{
    en_unix_stream_client_free(wire->client);
    if (wire->fd >= 0)
        close(wire->fd);
}

/* Fills the way to the peer behind the back of the client. */
static size_t fill(wire_t *wire)
{
    size_t size = 0;
    ssize_t sent;

    while ((sent = send(en_client_fileno(wire->view), large, 1000, MSG_DONTWAIT)) > 0)
        size += (size_t)sent;
    return size;
}

static size_t empty(int fd)
{
    static char sink[1 << 16];
    size_t size = 0;
    ssize_t got;

    while ((got = recv(fd, sink, sizeof(sink), MSG_DONTWAIT)) > 0)
        size += (size_t)got;
    return size;
}

static void timed_out_without_a_byte(void)
{
    size_t filled;
    int64_t start;
    wire_t wire;

    wire_open(&wire);
    filled = fill(&wire);
    CHECK_CODE(en_client_send_packet(wire.view, "x", 1, 0), EN_ETIMEDOUT);
    start = now_ms();
    CHECK_CODE(en_client_send_packet(wire.view, "x", 1, 150), EN_ETIMEDOUT);
    CHECK_TOOK(start, 150);
    CHECK_INT(empty(wire.fd), filled);
    CHECK_OK(put_text(wire.view, "as before"));
    peer_expect_text(wire.fd, "as before\n");
    wire_close(&wire);
}

static void timed_out_within_a_packet(void)
{
    wire_t wire;

    wire_open(&wire);
    CHECK_CODE(en_client_send_packet(wire.view, large, sizeof(large), 100), EN_ETIMEDOUT);
    CHECK_CODE(put_text(wire.view, "x"), EN_EPIPE);
    CHECK_MESSAGE("half a packet");
    CHECK(empty(wire.fd) < sizeof(large));
    CHECK_CODE(put_text(wire.view, "x"), EN_EPIPE);
    peer_expect_nothing(wire.fd);
    peer_send_text(wire.fd, "receiving works\n");
    CHECK_GET(wire.view, "receiving works");
    wire_close(&wire);
}

/* A batch that stops says how many whole packets went, and the peer has those and a part. */
static void a_batch_that_times_out(void)
{
    enum { COUNT = 2000, SIZE = 500 };
    static en_slice_t packets[COUNT];
    en_stats_t stats = {.struct_size = sizeof(stats)};
    size_t sent = 7;
    size_t size;
    wire_t wire;

    for (size_t i = 0; i < COUNT; i++)
        packets[i] = (en_slice_t){large, SIZE};
    wire_open(&wire);
    CHECK_CODE(en_unix_stream_client_send_packets(wire.client, packets, COUNT, 100, &sent),
               EN_ETIMEDOUT);
    CHECK(sent > 0 && sent < COUNT);
    size = empty(wire.fd);
    CHECK_INT(size / (SIZE + 1), sent);
    CHECK_OK(en_unix_stream_client_get_stats(wire.client, &stats));
    CHECK_INT(stats.packets_sent, sent);
    CHECK_INT(stats.bytes_sent, size);
    CHECK_CODE(put_text(wire.view, "x"), size % (SIZE + 1) ? EN_EPIPE : EN_OK);
    wire_close(&wire);
}

static void a_slow_reader(void)
{
    waiter_t waiter;
    size_t size = 0;
    wire_t wire;

    wire_open(&wire);
    waiter_sends(&waiter, wire.view, large, sizeof(large));
    while (size < 3 * (sizeof(large) + 1)) { /* three whole packets */
        wait_readable(wire.fd);
        size += empty(wire.fd);
    }
    CHECK_OK(en_client_close(wire.view));
    CHECK_CODE(waiter_end(&waiter), EN_ECLOSED);
    wire_close(&wire);
}

/* No SIGPIPE, and what the peer sent before it went is received. */
typedef struct {
    int fd;
    atomic_int enough;
} sipper_t;

static void sip(void *arg)
{
    static char sink[1 << 12]; /* all of it would take far longer than the time-out */
    sipper_t *sipper = arg;

    while (!sipper->enough && recv(sipper->fd, sink, sizeof(sink), 0) > 0)
        pause_ms(10);
}

/* The kernel's own time-out would begin anew with each page that the peer takes. It may be used
 * with sockets of the library's own only. */
static void a_slow_reader_does_not_stretch_the_time_out(void)
{
    en_stream_protocol_t *protocol;
    en_unix_stream_client_t *client = NULL;
    sipper_t sipper = {0};
    folder_t folder;
    thread_t thread;
    int listener;
    int64_t start;

    folder_open(&folder);
    listener = unix_bound(SOCK_STREAM, folder.socket);
    REQUIRE(listen(listener, 1) == 0);
    REQUIRE_OK(en_stream_protocol_new_line(&protocol, EN_NEWLINE_LF, 0));
    REQUIRE_OK(en_unix_stream_client_connect_path(&client, folder.socket, protocol, NULL));
    en_stream_protocol_free(protocol);
    sipper.fd = accept(listener, NULL, NULL);
    REQUIRE(sipper.fd >= 0);
    thread_start(&thread, sip, &sipper);
    start = now_ms();
    CHECK_CODE(en_unix_stream_client_send_packet(client, large, sizeof(large), 300), EN_ETIMEDOUT);
    CHECK_TOOK(start, 300);
    sipper.enough = 1;
    shutdown(sipper.fd, SHUT_RDWR);
    thread_join(&thread);
    en_unix_stream_client_free(client);
    close(sipper.fd);
    close(listener);
    folder_close(&folder);
}

static void a_peer_that_has_gone(void)
{
    struct sigaction by_default = {.sa_handler = SIG_DFL};
    wire_t wire;

    REQUIRE(sigaction(SIGPIPE, &by_default, NULL) == 0);
    wire_open(&wire);
    peer_send_text(wire.fd, "last\nwords\nhal");
    close(wire.fd);
    wire.fd = -1;
    CHECK_CODE(put_text(wire.view, "x"), EN_EPIPE);
    CHECK_GET(wire.view, "last");
    CHECK_CODE(put_text(wire.view, "x"), EN_EPIPE);
    CHECK_GET(wire.view, "words");
    CHECK_GET_FAILS(wire.view, 20000, EN_ETRUNCATED);
    CHECK_OK(en_unix_stream_client_send_eof(wire.client, 20000));
    CHECK_INT(en_client_is_closed(wire.view), 0);
    wire_close(&wire);
}

/* A peer that left bytes unread has reset the connection: what it sent comes first. */
static void a_peer_that_resets(void)
{
    wire_t wire;

    wire_open(&wire);
    CHECK_OK(put_text(wire.view, "never read"));
    peer_send_text(wire.fd, "before\n");
    close(wire.fd);
    wire.fd = -1;
    CHECK_GET(wire.view, "before");
    CHECK_GET_FAILS(wire.view, 20000, EN_ECONNRESET);
    CHECK_GET_FAILS(wire.view, 20000, EN_ECONNRESET);
    CHECK(en_error_is_connection(EN_ECONNRESET));
    wire_close(&wire);
}

/* The error is the receiver's, too, when a send was the first to meet it. */
static void a_reset_that_a_send_meets(void)
{
    wire_t wire;

    wire_open(&wire);
    CHECK_OK(put_text(wire.view, "never read"));
    close(wire.fd);
    wire.fd = -1;
    CHECK(put_text(wire.view, "x") != EN_OK);
    CHECK_GET_FAILS(wire.view, 20000, EN_ECONNRESET);
    wire_close(&wire);
}

static void the_end_and_then_an_answer(void)
{
    wire_t wire;

    wire_open(&wire);
    CHECK_OK(put_text(wire.view, "question"));
    CHECK_OK(en_unix_stream_client_send_eof(wire.client, 20000));
    peer_expect_text(wire.fd, "question\n");
    peer_expect_end(wire.fd);
    peer_send_text(wire.fd, "answer\n");
    CHECK_GET(wire.view, "answer");
    CHECK_OK(en_client_close(wire.view));
    CHECK_OK(en_unix_stream_client_send_eof(wire.client, 20000)); /* nothing, on a closed one */
    wire_close(&wire);
}

static void into_a_buffer(void)
{
    char buffer[8];
    size_t size = 0;
    wire_t wire;

    wire_open(&wire);
    peer_send_text(wire.fd, "nine long\nshort\n");
    CHECK_CODE(en_unix_stream_client_recv_packet_into(wire.client, buffer, 8, 20000, &size),
               EN_EMSGSIZE);
    CHECK_INT(size, 9);
    CHECK_INT(en_unix_stream_client_has_buffered(wire.client), 1);
    CHECK_GET(wire.view, "nine long");
    CHECK_OK(en_unix_stream_client_recv_packet_into(wire.client, buffer, 8, 0, &size));
    CHECK_BYTES(buffer, size, "short", 5);
    CHECK_INT(en_unix_stream_client_has_buffered(wire.client), 0);
    wire_close(&wire);
}

static void sizes_that_are_set(void)
{
    en_unix_stream_options_t *options;
    en_stats_t stats = {.struct_size = sizeof(stats)};
    size_t size = 0;
    wire_t wire;

    REQUIRE_OK(en_unix_stream_options_new(&options));
    CHECK_CODE(en_unix_stream_options_set_max_recv_size(options, (1 << 30) + 1), EN_EINVAL);
    CHECK_OK(en_unix_stream_options_set_max_recv_size(options, 7));
    CHECK_OK(en_unix_stream_options_set_max_packet_size(options, 20));
    wire_open_with(&wire, options);
    CHECK_OK(en_unix_stream_client_max_recv_size(wire.client, &size));
    CHECK_INT(size, 7);
    peer_send_text(wire.fd, "fifteen letters\n");
    CHECK_GET(wire.view, "fifteen letters");
    CHECK_OK(en_unix_stream_client_get_stats(wire.client, &stats));
    CHECK_INT(stats.recv_calls, 3); /* 7 + 7 + 2 */
    peer_send_text(wire.fd, "this line has more than twenty\nnext\n");
    CHECK_GET_FAILS(wire.view, 20000, EN_EMSGSIZE);
    CHECK_GET(wire.view, "next");
    wire_close(&wire);
}

static const test_case_t cases[] = {
    CASE(timed_out_without_a_byte),
    CASE(timed_out_within_a_packet),
    CASE(a_batch_that_times_out),
    CASE(a_slow_reader),
    CASE(a_slow_reader_does_not_stretch_the_time_out),
    CASE(a_peer_that_has_gone),
    CASE(a_peer_that_resets),
    CASE(a_reset_that_a_send_meets),
    CASE(the_end_and_then_an_answer),
    CASE_BLOCKING(into_a_buffer),
    CASE_BLOCKING(sizes_that_are_set),
};

TEST_MAIN("unix_traffic")
