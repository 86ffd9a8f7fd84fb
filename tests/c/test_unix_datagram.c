/* Unix datagram clients: names, one datagram at a time, batches, a full peer, closing. */
#include "family.h"
#include "peer.h"

#include <stdio.h>
#include <unistd.h>

static char bytes[1 << 17];

typedef struct {
    int fd;
    en_unix_datagram_client_t *client;
    en_client_t *view;
} pair_t;

static en_unix_datagram_options_t *options_unix(void)
{
    en_unix_datagram_options_t *options;

    REQUIRE_OK(en_unix_datagram_options_new(&options));
    return options;
}

static void pair_open(pair_t *pair, en_unix_datagram_options_t *options)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_unix_datagram_client_from_fd(&pair->client, ends[0], protocol, options));
    en_datagram_protocol_free(protocol);
    en_unix_datagram_options_free(options);
    pair->view = en_unix_datagram_client_as_client(pair->client);
    pair->fd = ends[1];
}

static void pair_close(pair_t *pair)
{
    en_unix_datagram_client_free(pair->client);
    close(pair->fd);
}

/* Connects and ends the options. */
static int dial(en_unix_datagram_client_t **out, const char *path,
                en_unix_datagram_options_t *options)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    int rc = en_unix_datagram_client_connect_path(out, path, protocol, options);

    en_datagram_protocol_free(protocol);
    en_unix_datagram_options_free(options);
    return rc;
}

static int name_kind(int rc, en_unix_address_t *name)
{
    int kind = rc == EN_OK ? en_unix_address_kind(name) : rc;

    en_unix_address_free(name);
    return kind;
}

static void by_path_with_automatic_bind(void)
{
    en_unix_datagram_client_t *client = NULL;
    en_unix_address_t *name = NULL;
    en_client_t *view;
    folder_t folder;
    int fd;
    int rc;

    folder_open(&folder);
    fd = unix_bound(SOCK_DGRAM, folder.socket);
    REQUIRE_OK(dial(&client, folder.socket, NULL));
    view = en_unix_datagram_client_as_client(client);
    CHECK_OK(put_text(view, "question"));
    expect_datagram(fd, "question", 8);
    rc = en_unix_datagram_client_get_local_name(client, &name);
    CHECK_INT(name_kind(rc, name), EN_UNIX_ABSTRACT);
    rc = en_unix_datagram_client_get_peer_name(client, &name);
    CHECK_INT(name_kind(rc, name), EN_UNIX_PATH);
    connect_to(fd, en_unix_datagram_client_fileno(client)); /* so the peer can answer */
    peer_send_text(fd, "answer");
    CHECK_GET(view, "answer");
    en_unix_datagram_client_free(client);
    close(fd);
    folder_close(&folder);
}

static void a_local_path_stays(void)
{
    en_unix_datagram_options_t *options = options_unix();
    en_unix_datagram_client_t *client = NULL;
    en_unix_address_t *name = NULL;
    folder_t folder;
    int fd;
    int rc;

    folder_open(&folder);
    fd = unix_bound(SOCK_DGRAM, folder.socket);
    REQUIRE_OK(en_unix_address_new_path(&name, folder.other));
    CHECK_OK(en_unix_datagram_options_set_local_address(options, name));
    en_unix_address_free(name);
    REQUIRE_OK(dial(&client, folder.socket, options));
    rc = en_unix_datagram_client_get_local_name(client, &name);
    CHECK_INT(name_kind(rc, name), EN_UNIX_PATH);
    en_unix_datagram_client_free(client);
    CHECK(access(folder.other, F_OK) == 0);
    close(fd);
    folder_close(&folder);
}

static void where_nobody_is(void)
{
    en_unix_datagram_client_t *client = NULL;
    folder_t folder;
    int fd;

    folder_open(&folder);
    CHECK_CODE(dial(&client, folder.socket, NULL), EN_ENOENT);
    close(unix_bound(SOCK_DGRAM, folder.socket));
    CHECK_CODE(dial(&client, folder.socket, NULL), EN_ECONNREFUSED);
    fd = unix_bound(SOCK_STREAM, folder.other);
    CHECK_CODE(dial(&client, folder.other, NULL), EN_EPROTOTYPE);
    CHECK(client == NULL);
    close(fd);
    folder_close(&folder);
}

static void an_unnamed_pair(void)
{
    en_unix_address_t *name = NULL;
    pair_t pair;
    int rc;

    pair_open(&pair, NULL);
    rc = en_unix_datagram_client_get_local_name(pair.client, &name);
    CHECK_INT(name_kind(rc, name), EN_UNIX_UNNAMED);
    rc = en_unix_datagram_client_get_peer_name(pair.client, &name);
    CHECK_INT(name_kind(rc, name), EN_UNIX_UNNAMED);
    CHECK_OK(put_text(pair.view, "ping"));
    expect_datagram(pair.fd, "ping", 4);
    CHECK_OK(put_text(pair.view, ""));
    expect_datagram(pair.fd, "", 0);
    CHECK(send(pair.fd, NULL, 0, 0) == 0);
    peer_send_text(pair.fd, "after");
    CHECK_GET(pair.view, "");
    CHECK_GET(pair.view, "after");
    CHECK_GET_FAILS(pair.view, 0, EN_ETIMEDOUT);
    pair_close(&pair);
}

static void a_datagram_is_never_cut(void)
{
    en_unix_datagram_options_t *options = options_unix();
    pair_t pair;

    CHECK_OK(en_unix_datagram_options_set_max_datagram_size(options, 100));
    pair_open(&pair, options);
    peer_send(pair.fd, bytes, 100);
    peer_send(pair.fd, bytes, 4321);
    peer_send_text(pair.fd, "next");
    CHECK_GET_BYTES(pair.view, bytes, 100);
    CHECK_GET_FAILS(pair.view, 20000, EN_EMSGSIZE);
    CHECK_MESSAGE("4321");
    CHECK_GET(pair.view, "next");
    pair_close(&pair);
    pair_open(&pair, NULL);
    peer_send(pair.fd, bytes, 65536);
    CHECK_GET_BYTES(pair.view, bytes, 65536);
    peer_send(pair.fd, bytes, 65537);
    CHECK_GET_FAILS(pair.view, 20000, EN_EMSGSIZE);
    CHECK_MESSAGE("65537");
    pair_close(&pair);
}

/* Nobody has asked for them: the system closes them, and none is left behind. */
static void descriptors_that_come_are_not_taken(void)
{
    en_datagram_transport_t *peer = NULL;
    en_ancillary_t *ancillary = NULL;
    en_packet_t packets[2];
    size_t count = 0;
    int fd = 0;
    pair_t pair;

    pair_open(&pair, NULL);
    REQUIRE_OK(en_datagram_transport_from_fd(&peer, dup(pair.fd), NULL));
    REQUIRE_OK(en_ancillary_new(&ancillary));
    CHECK_OK(en_ancillary_add_fds(ancillary, &fd, 1));
    for (int i = 0; i < 3; i++)
        CHECK_OK(en_datagram_transport_send_with_ancillary(peer, "x", 1, ancillary, 20000));
    CHECK_GET(pair.view, "x");
    CHECK_OK(en_unix_datagram_client_recv_packets(pair.client, packets, 2, 20000, &count));
    CHECK_INT(count, 2);
    for (size_t i = 0; i < count; i++)
        en_packet_release(&packets[i]);
    en_ancillary_free(ancillary);
    en_datagram_transport_free(peer);
    pair_close(&pair);
}

static void batches(void)
{
    en_slice_t slices[] = {{"a", 1}, {NULL, 0}, {"bc", 2}};
    en_packet_t packets[4];
    size_t count = 0;
    pair_t pair;

    pair_open(&pair, NULL);
    CHECK_OK(en_unix_datagram_client_send_packets(pair.client, slices, 3, 20000, &count));
    CHECK_INT(count, 3);
    expect_datagram(pair.fd, "a", 1);
    expect_datagram(pair.fd, "", 0);
    expect_datagram(pair.fd, "bc", 2);
    peer_send_text(pair.fd, "one");
    CHECK(send(pair.fd, NULL, 0, 0) == 0);
    peer_send_text(pair.fd, "three");
    CHECK_OK(en_unix_datagram_client_recv_packets(pair.client, packets, 4, 20000, &count));
    REQUIRE(count == 3);
    CHECK_BYTES(packets[1].data, packets[1].size, "", 0);
    CHECK_BYTES(packets[2].data, packets[2].size, "three", 5);
    for (size_t i = 0; i < count; i++)
        en_packet_release(&packets[i]);
    pair_close(&pair);
}

/* A peer that does not read takes so many, and exactly so many are there in the end. */
static void a_batch_that_times_out(void)
{
    static en_slice_t slices[5000];
    size_t sent = 0;
    int64_t start;
    pair_t pair;

    pair_open(&pair, NULL);
    for (size_t i = 0; i < 5000; i++)
        slices[i] = (en_slice_t){bytes + i, 500};
    start = now_ms();
    CHECK_CODE(en_unix_datagram_client_send_packets(pair.client, slices, 5000, 100, &sent),
               EN_ETIMEDOUT);
    CHECK_TOOK(start, 100);
    REQUIRE(sent > 0 && sent < 5000);
    for (size_t i = 0; i < sent; i++)
        expect_datagram(pair.fd, bytes + i, 500);
    expect_no_datagram(pair.fd);
    CHECK_OK(put_text(pair.view, "usable"));
    expect_datagram(pair.fd, "usable", 6);
    pair_close(&pair);
}

static void check_waking(int (*end)(en_unix_datagram_client_t *))
{
    waiter_t waiters[2];
    int64_t start;
    pair_t pair;

    pair_open(&pair, NULL);
    waiter_receives(&waiters[0], pair.view);
    waiter_sends(&waiters[1], pair.view, bytes, 1000); /* until the peer is full */
    start = now_ms();
    CHECK_OK(end(pair.client));
    for (int i = 0; i < 2; i++)
        CHECK_CODE(waiter_end(&waiters[i]), EN_ECLOSED);
    CHECK_TOOK(start, 0);
    pair_close(&pair);
}

static void close_wakes_both_sides(void)
{
    check_waking(en_unix_datagram_client_close);
}

static void abort_wakes_both_sides(void)
{
    check_waking(en_unix_datagram_client_abort);
}

/* Many clients of one server may fill its queue: a client that waits there is woken, too. */
static void a_full_server(void)
{
    en_unix_datagram_client_t *client = NULL;
    waiter_t waiter;
    folder_t folder;
    int64_t start;
    int fd;

    folder_open(&folder);
    fd = unix_bound(SOCK_DGRAM, folder.socket);
    REQUIRE_OK(dial(&client, folder.socket, NULL));
    waiter_sends(&waiter, en_unix_datagram_client_as_client(client), bytes, 100);
    start = now_ms();
    CHECK_OK(en_unix_datagram_client_close(client));
    CHECK_CODE(waiter_end(&waiter), EN_ECLOSED);
    CHECK_TOOK(start, 0);
    en_unix_datagram_client_free(client);
    close(fd);
    folder_close(&folder);
}

static void the_peer_goes_away(void)
{
    en_ancillary_t *ancillary = NULL;
    pair_t pair;

    pair_open(&pair, NULL);
    peer_send_text(pair.fd, "last");
    close(pair.fd);
    pair.fd = dup(0);
    CHECK_GET(pair.view, "last"); /* first: the system forgets it when a send fails */
    CHECK_CODE(put_text(pair.view, "x"), EN_ECONNREFUSED);
    CHECK_MESSAGE("the peer is gone");
    CHECK_MESSAGE("not sent");
    CHECK_CODE(put_text(pair.view, "x"), EN_ENOTCONN);
    CHECK_MESSAGE("the peer is gone");
    if (!harness_driver) {
        REQUIRE_OK(en_ancillary_new(&ancillary));
        CHECK_CODE(en_unix_datagram_client_send_packet_with_ancillary(pair.client, "x", 1,
                                                                      ancillary, 5000),
                   EN_ENOTCONN);
        CHECK_MESSAGE("the peer is gone");
        en_ancillary_free(ancillary);
    }
    CHECK_INT(en_unix_datagram_client_is_closed(pair.client), 0);
    pair_close(&pair);
}

static const test_case_t cases[] = {
    CASE(by_path_with_automatic_bind),
    CASE(a_local_path_stays),
    CASE(where_nobody_is),
    CASE(an_unnamed_pair),
    CASE(a_datagram_is_never_cut),
    CASE(descriptors_that_come_are_not_taken),
    CASE(batches),
    CASE(a_batch_that_times_out),
    CASE(close_wakes_both_sides),
    CASE(abort_wakes_both_sides),
    CASE(a_full_server),
    CASE(the_peer_goes_away),
};

int main(int argc, char **argv)
{
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)(i * 7 + i / 251);
    return harness_run("unix_datagram", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
