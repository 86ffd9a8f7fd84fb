/* Unix datagrams and peers that are full: what went is counted exactly, nothing is dropped, and
 * what is too large is told with its size while everything else goes on. */
#include "family.h"
#include "peer.h"

#include <unistd.h>

enum { MANY = 3000 };

static char bytes[1 << 17];
static en_slice_t packets[MANY];

typedef struct {
    folder_t folder;
    int fd;
    en_unix_datagram_client_t *client;
    en_client_t *view;
} server_t;

/* A server with a queue for a few datagrams only, whatever their size. */
static void server_open(server_t *server, size_t max_datagram_size)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_unix_datagram_options_t *options;

    folder_open(&server->folder);
    server->fd = unix_bound(SOCK_DGRAM, server->folder.socket);
    REQUIRE_OK(en_unix_datagram_options_new(&options));
    CHECK_OK(en_unix_datagram_options_set_max_datagram_size(options, max_datagram_size));
    REQUIRE_OK(en_unix_datagram_client_connect_path(&server->client, server->folder.socket,
                                                    protocol, options));
    en_unix_datagram_options_free(options);
    en_datagram_protocol_free(protocol);
    server->view = en_unix_datagram_client_as_client(server->client);
}

static void server_close(server_t *server)
{
    en_unix_datagram_client_free(server->client);
    close(server->fd);
    folder_close(&server->folder);
}

/* Numbered packets, of sizes that differ. */
static void number(size_t count)
{
    for (size_t i = 0; i < count; i++)
        packets[i] = (en_slice_t){bytes + i, i % 5 * 40};
}

static void expect_numbered(int fd, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        expect_datagram(fd, packets[i].data, packets[i].size);
}

static uint64_t packets_sent(const en_unix_datagram_client_t *client)
{
    en_stats_t stats = {.struct_size = sizeof(stats)};

    CHECK_OK(en_unix_datagram_client_get_stats(client, &stats));
    return stats.packets_sent;
}

/* Each time the server is full the batch stops; sending on from there brings all of it over. */
static void stopped_and_sent_on(void)
{
    enum { COUNT = 100 };
    size_t at = 0;
    int stops = 0;
    server_t server;

    server_open(&server, 0);
    number(COUNT);
    while (at < COUNT) {
        size_t sent = 99999;
        int rc = en_unix_datagram_client_send_packets(server.client, packets + at, COUNT - at,
                                                      EN_TIMEOUT_NONE, &sent);

        CHECK_INT(rc == EN_OK, at + sent == COUNT);
        if (rc != EN_OK) {
            CHECK_CODE(rc, EN_ETIMEDOUT);
            stops++;
        }
        REQUIRE(sent > 0 && sent <= COUNT - at);
        expect_numbered(server.fd, at, at + sent);
        expect_no_datagram(server.fd);
        at += sent;
        CHECK_INT(packets_sent(server.client), at);
    }
    CHECK(stops > 0);
    server_close(&server);
}

/* A server that is full from the start takes none. */
static void none_went(void)
{
    size_t sent = 7;
    size_t full = 0;
    int64_t start;
    server_t server;

    server_open(&server, 0);
    number(MANY);
    CHECK_CODE(en_unix_datagram_client_send_packets(server.client, packets, MANY, 0, &full),
               EN_ETIMEDOUT);
    CHECK_CODE(en_unix_datagram_client_send_packets(server.client, packets, MANY, 0, &sent),
               EN_ETIMEDOUT);
    CHECK_INT(sent, 0);
    start = now_ms();
    sent = 7;
    CHECK_CODE(en_unix_datagram_client_send_packets(server.client, packets, 2, 120, &sent),
               EN_ETIMEDOUT);
    CHECK_TOOK(start, 120);
    CHECK_INT(sent, 0);
    CHECK_CODE(en_unix_datagram_client_send_packet(server.client, "x", 1, 0), EN_ETIMEDOUT);
    expect_numbered(server.fd, 0, full);
    expect_no_datagram(server.fd);
    server_close(&server);
}

typedef struct {
    thread_t thread;
    en_unix_datagram_client_t *client;
    size_t sent;
    int rc;
} batch_t;

static void send_all(void *arg)
{
    batch_t *batch = arg;

    batch->rc = en_unix_datagram_client_send_packets(batch->client, packets, MANY,
                                                     EN_TIMEOUT_INFINITE, &batch->sent);
}

/* A server that reads only when the sender waits gets all, in order. */
static void a_slow_server(void)
{
    batch_t batch = {0};
    server_t server;

    server_open(&server, 0);
    number(MANY);
    batch.client = server.client;
    thread_start(&batch.thread, send_all, &batch);
    thread_wait_blocked(&batch.thread);
    expect_numbered(server.fd, 0, 7);
    thread_wait_blocked(&batch.thread);
    expect_numbered(server.fd, 7, MANY);
    thread_join(&batch.thread);
    CHECK_OK(batch.rc);
    CHECK_INT(batch.sent, MANY);
    CHECK_INT(packets_sent(server.client), MANY);
    expect_no_datagram(server.fd);
    server_close(&server);
}

/* One that no buffer holds stops the batch; those before it are there, those behind it are not. */
static void one_that_is_too_large(void)
{
    int size = 4096;
    size_t sent = 99;
    server_t server;

    server_open(&server, 0);
    number(10);
    packets[6] = (en_slice_t){bytes, 100000};
    REQUIRE(setsockopt(en_unix_datagram_client_fileno(server.client), SOL_SOCKET, SO_SNDBUF, &size,
                       sizeof(size)) == 0);
    packets[5].size = 1;
    CHECK_CODE(en_unix_datagram_client_send_packets(server.client, packets, 3, 20000, &sent),
               EN_OK);
    expect_numbered(server.fd, 0, 3);
    CHECK_CODE(en_unix_datagram_client_send_packets(server.client, packets + 3, 7, 20000, &sent),
               EN_EMSGSIZE);
    CHECK_INT(sent, 3);
    expect_numbered(server.fd, 3, 6);
    expect_no_datagram(server.fd);
    CHECK_CODE(put_text(server.view, "usable"), EN_OK);
    expect_datagram(server.fd, "usable", 6);
    server_close(&server);
}

/* The server goes while the sender waits for it. */
static void a_server_that_goes_away(void)
{
    batch_t batch = {0};
    server_t server;

    server_open(&server, 0);
    number(MANY);
    batch.client = server.client;
    thread_start(&batch.thread, send_all, &batch);
    thread_wait_blocked(&batch.thread);
    close(server.fd);
    thread_join(&batch.thread);
    CHECK_CODE(batch.rc, EN_ECONNREFUSED);
    CHECK(batch.sent > 0 && batch.sent < MANY);
    CHECK_INT(packets_sent(server.client), batch.sent);
    server.fd = dup(0);
    server_close(&server);
}

static void release(en_packet_t *packet, const void *data, size_t size)
{
    CHECK_BYTES(packet->data, packet->size, data, size);
    en_packet_release(packet);
}

/* Each kind of receive tells the size of what is too large, and goes on behind it. */
static void what_is_too_large_to_receive(void)
{
    en_ancillary_t *ancillary = NULL;
    en_packet_iter_t *iter = NULL;
    en_packet_t got[4];
    char buffer[2000];
    size_t count = 7;
    server_t server;

    server_open(&server, 1000);
    REQUIRE_OK(en_ancillary_new(&ancillary));
    connect_to(server.fd, en_unix_datagram_client_fileno(server.client));
    peer_send(server.fd, bytes, 1001);
    peer_send_text(server.fd, "one");
    peer_send(server.fd, bytes, 3333);
    peer_send_text(server.fd, "two");
    CHECK_CODE(en_unix_datagram_client_recv_packets(server.client, got, 4, 20000, &count),
               EN_EMSGSIZE);
    CHECK_INT(count, 0);
    CHECK_MESSAGE("1001");
    CHECK_OK(en_unix_datagram_client_recv_packets(server.client, got, 4, 20000, &count));
    REQUIRE(count == 1);
    release(&got[0], "one", 3);
    CHECK_CODE(en_unix_datagram_client_recv_packets(server.client, got, 4, 20000, &count),
               EN_EMSGSIZE);
    CHECK_MESSAGE("3333");
    CHECK_OK(en_unix_datagram_client_recv_packets(server.client, got, 4, 20000, &count));
    REQUIRE(count == 1);
    release(&got[0], "two", 3);

    peer_send(server.fd, bytes, 1500);
    peer_send(server.fd, bytes, 1600);
    peer_send(server.fd, bytes, 1700);
    peer_send(server.fd, bytes, 1000);
    /* What was too large for the client is not kept for a buffer that would hold it. */
    CHECK_CODE(en_unix_datagram_client_recv_packet_into(server.client, buffer, 2000, 20000, &count),
               EN_EMSGSIZE);
    CHECK_MESSAGE("1500");
    CHECK_CODE(en_unix_datagram_client_recv_packet_with_ancillary(server.client, 0, 20000,
                                                                  ancillary, &got[0]),
               EN_EMSGSIZE);
    CHECK_MESSAGE("1600");
    REQUIRE_OK(en_unix_datagram_client_iter_received_packets(&iter, server.client, 20000));
    CHECK_CODE(en_packet_iter_next(iter, &got[0]), EN_EMSGSIZE);
    CHECK_MESSAGE("1700");
    CHECK_OK(en_packet_iter_next(iter, &got[0]));
    release(&got[0], bytes, 1000);
    en_packet_iter_free(iter);
    en_ancillary_free(ancillary);
    server_close(&server);
}

/* A buffer of the caller that is too small loses nothing. */
static void into_a_small_buffer(void)
{
    char buffer[10];
    size_t size = 0;
    server_t server;

    server_open(&server, 0);
    connect_to(server.fd, en_unix_datagram_client_fileno(server.client));
    peer_send_text(server.fd, "eleven long");
    CHECK_CODE(en_unix_datagram_client_recv_packet_into(server.client, buffer, 10, 20000, &size),
               EN_EMSGSIZE);
    CHECK_INT(size, 11);
    CHECK_INT(en_unix_datagram_client_has_buffered(server.client), 1);
    CHECK_GET(server.view, "eleven long");
    CHECK_INT(en_unix_datagram_client_has_buffered(server.client), 0);
    server_close(&server);
}

static const test_case_t cases[] = {
    CASE(stopped_and_sent_on),
    CASE(none_went),
    CASE(a_slow_server),
    CASE(one_that_is_too_large),
    CASE(a_server_that_goes_away),
    CASE_BLOCKING(what_is_too_large_to_receive),
    CASE_BLOCKING(into_a_small_buffer),
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 7 + i / 251);
    return harness_run("unix_batch", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
