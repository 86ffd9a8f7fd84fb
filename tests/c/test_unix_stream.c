/* Unix stream clients: addresses, names, credentials, connecting, sending and receiving. */
#include "family.h"
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static en_stream_protocol_t *protocol_line(void)
{
    en_stream_protocol_t *protocol;

    REQUIRE_OK(en_stream_protocol_new_line(&protocol, EN_NEWLINE_LF, 0));
    return protocol;
}

static en_unix_stream_options_t *options_unix(void)
{
    en_unix_stream_options_t *options;

    REQUIRE_OK(en_unix_stream_options_new(&options));
    return options;
}

static int listen_at(const char *name, int backlog)
{
    int fd = unix_bound(SOCK_STREAM, name);

    REQUIRE(listen(fd, backlog) == 0);
    return fd;
}

/* Connects and ends the options. */
static int dial(en_unix_stream_client_t **out, const char *path, en_unix_stream_options_t *options)
{
    en_stream_protocol_t *protocol = protocol_line();
    int rc = en_unix_stream_client_connect_path(out, path, protocol, options);

    en_stream_protocol_free(protocol);
    en_unix_stream_options_free(options);
    return rc;
}

typedef struct {
    int fd;
    en_unix_stream_client_t *client;
    en_client_t *view;
} pair_t;

static void pair_open(pair_t *pair, en_unix_stream_options_t *options)
{
    en_stream_protocol_t *protocol = protocol_line();
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_unix_stream_client_from_fd(&pair->client, ends[0], protocol, options));
    CHECK_INT(en_unix_stream_client_fileno(pair->client), ends[0]);
    en_stream_protocol_free(protocol);
    en_unix_stream_options_free(options);
    pair->view = en_unix_stream_client_as_client(pair->client);
    pair->fd = ends[1];
}

static void pair_close(pair_t *pair)
{
    en_unix_stream_client_free(pair->client);
    if (pair->fd >= 0)
        close(pair->fd);
}

static void check_name(int rc, en_unix_address_t *name, int kind, const void *bytes, size_t size)
{
    const void *data = NULL;
    size_t got = 0;

    REQUIRE_OK(rc);
    CHECK_INT(en_unix_address_kind(name), kind);
    CHECK_OK(en_unix_address_name(name, &data, &got));
    CHECK_BYTES(data, got, bytes, size);
    en_unix_address_free(name);
}

static void check_both_ways(en_unix_stream_client_t *client, int fd)
{
    en_client_t *view = en_unix_stream_client_as_client(client);

    CHECK_OK(put_text(view, "hello"));
    peer_expect_text(fd, "hello\n");
    peer_send_text(fd, "there\nagain\n");
    CHECK_GET(view, "there");
    CHECK_GET(view, "again");
}

static void by_path(void)
{
    en_unix_stream_client_t *client = NULL;
    en_unix_address_t *name = NULL;
    folder_t folder;
    int listener;
    int fd;
    int rc;

    folder_open(&folder);
    listener = listen_at(folder.socket, 4);
    REQUIRE_OK(dial(&client, folder.socket, NULL));
    fd = unix_accept(listener);
    check_both_ways(client, fd);
    rc = en_unix_stream_client_get_peer_name(client, &name);
    check_name(rc, name, EN_UNIX_PATH, folder.socket, strlen(folder.socket));
    rc = en_unix_stream_client_get_local_name(client, &name);
    check_name(rc, name, EN_UNIX_UNNAMED, "", 0);
    CHECK_OK(en_unix_stream_client_close(client));
    peer_expect_end(fd);
    rc = en_unix_stream_client_get_peer_name(client, &name); /* also when closed */
    check_name(rc, name, EN_UNIX_PATH, folder.socket, strlen(folder.socket));
    en_unix_stream_client_free(client);
    close(fd);
    close(listener);
    folder_close(&folder);
}

static void by_abstract_name(void)
{
    en_stream_protocol_t *protocol = protocol_line();
    en_unix_stream_client_t *client = NULL;
    en_unix_address_t *address = NULL;
    char text[40];
    int listener;
    int fd;
    int rc;

    snprintf(text, sizeof(text), "@easynet-%d", (int)getpid());
    listener = listen_at(text, 4);
    REQUIRE_OK(en_unix_address_new_abstract(&address, text + 1, strlen(text) - 1));
    REQUIRE_OK(en_unix_stream_client_connect(&client, address, protocol, NULL));
    en_unix_address_free(address);
    en_stream_protocol_free(protocol);
    fd = unix_accept(listener);
    check_both_ways(client, fd);
    rc = en_unix_stream_client_get_peer_name(client, &address);
    check_name(rc, address, EN_UNIX_ABSTRACT, text + 1, strlen(text) - 1);
    en_unix_stream_client_free(client);
    close(fd);
    close(listener);
}

static void a_local_path_stays(void)
{
    en_unix_stream_options_t *options = options_unix();
    en_unix_stream_client_t *client = NULL;
    en_unix_address_t *name = NULL;
    struct sockaddr_un seen;
    socklen_t size = sizeof(seen);
    folder_t folder;
    int listener;
    int fd;
    int rc;

    folder_open(&folder);
    listener = listen_at(folder.socket, 4);
    REQUIRE_OK(en_unix_address_new_path(&name, folder.other));
    CHECK_OK(en_unix_stream_options_set_local_address(options, name));
    en_unix_address_free(name);
    REQUIRE_OK(dial(&client, folder.socket, options));
    fd = unix_accept(listener);
    REQUIRE(getpeername(fd, (struct sockaddr *)&seen, &size) == 0);
    CHECK_TEXT(seen.sun_path, folder.other);
    rc = en_unix_stream_client_get_local_name(client, &name);
    check_name(rc, name, EN_UNIX_PATH, folder.other, strlen(folder.other));
    en_unix_stream_client_free(client);
    CHECK(access(folder.other, F_OK) == 0);
    options = options_unix();
    REQUIRE_OK(en_unix_address_new_path(&name, folder.other));
    CHECK_OK(en_unix_stream_options_set_local_address(options, name));
    en_unix_address_free(name);
    CHECK_CODE(dial(&client, folder.socket, options), EN_EADDRINUSE);
    close(fd);
    close(listener);
    folder_close(&folder);
}

static void a_pair(void)
{
    en_unix_address_t *name = NULL;
    en_credentials_t who = {0};
    pair_t pair;
    int rc;

    pair_open(&pair, NULL);
    check_both_ways(pair.client, pair.fd);
    rc = en_unix_stream_client_get_peer_name(pair.client, &name);
    check_name(rc, name, EN_UNIX_UNNAMED, "", 0);
    rc = en_unix_stream_client_get_local_name(pair.client, &name);
    check_name(rc, name, EN_UNIX_UNNAMED, "", 0);
    CHECK_OK(en_unix_stream_client_close(pair.client));
    CHECK_OK(en_unix_stream_client_get_peer_credentials(pair.client, &who));
    CHECK_INT(who.pid, getpid());
    CHECK_INT(who.uid, getuid());
    CHECK_INT(who.gid, getgid());
    pair_close(&pair);
}

static void where_nobody_is(void)
{
    en_unix_stream_client_t *client = (en_unix_stream_client_t *)&errno;
    char longest[109];
    folder_t folder;

    folder_open(&folder);
    CHECK_CODE(dial(&client, folder.socket, NULL), EN_ENOENT);
    CHECK(client == NULL);
    CHECK_MESSAGE(folder.socket);
    close(listen_at(folder.socket, 1));
    CHECK_CODE(dial(&client, folder.socket, NULL), EN_ECONNREFUSED);
    memset(longest, 'x', 108);
    longest[108] = '\0';
    CHECK_CODE(dial(&client, longest, NULL), EN_ENAMETOOLONG);
    longest[107] = '\0';
    CHECK_CODE(dial(&client, longest, NULL), EN_ENOENT);
    CHECK_CODE(dial(&client, "", NULL), EN_EINVAL);
    CHECK_CODE(dial(&client, NULL, NULL), EN_EINVAL);
    folder_close(&folder);
}

static void a_socket_of_another_type(void)
{
    en_unix_stream_client_t *client = NULL;
    folder_t folder;
    int fd;

    folder_open(&folder);
    fd = unix_bound(SOCK_DGRAM, folder.socket);
    CHECK_CODE(dial(&client, folder.socket, NULL), EN_EPROTOTYPE);
    close(fd);
    folder_close(&folder);
}

/* Connects until the queue of the listener is full. */
static void fill(const char *path, int *fillers, size_t most)
{
    struct sockaddr_un name;
    socklen_t size = unix_name(&name, path);

    for (size_t i = 0; i < most; i++) {
        fillers[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        REQUIRE(fillers[i] >= 0);
        if (connect(fillers[i], (struct sockaddr *)&name, size) == 0)
            continue;
        REQUIRE(errno == EAGAIN);
        return;
    }
    REQUIRE(!"the queue never fills");
}

typedef struct {
    const char *path;
    en_unix_stream_client_t *client;
    int rc;
} dialer_t;

static void dial_for_ever(void *arg)
{
    dialer_t *dialer = arg;

    dialer->rc = dial(&dialer->client, dialer->path, NULL);
}

static void a_full_queue_is_waited_for(void)
{
    en_unix_stream_options_t *options = options_unix();
    int fillers[4] = {-1, -1, -1, -1};
    dialer_t dialer = {0};
    thread_t thread;
    folder_t folder;
    int64_t start;
    int listener;

    folder_open(&folder);
    listener = listen_at(folder.socket, 0);
    fill(folder.socket, fillers, 4);
    CHECK_OK(en_unix_stream_options_set_connect_timeout(options, 0));
    CHECK_CODE(dial(&dialer.client, folder.socket, options), EN_ETIMEDOUT);
    options = options_unix();
    CHECK_OK(en_unix_stream_options_set_connect_timeout(options, 150));
    start = now_ms();
    CHECK_CODE(dial(&dialer.client, folder.socket, options), EN_ETIMEDOUT);
    CHECK_TOOK(start, 150);
    dialer.path = folder.socket;
    thread_start(&thread, dial_for_ever, &dialer);
    thread_wait_blocked(&thread);
    start = now_ms();
    close(unix_accept(listener));
    thread_join(&thread);
    CHECK_TOOK(start, 0);
    CHECK_OK(dialer.rc);
    en_unix_stream_client_free(dialer.client);
    for (int i = 0; i < 4; i++) {
        if (fillers[i] >= 0)
            close(fillers[i]);
    }
    close(listener);
    folder_close(&folder);
}

static void the_end_both_ways(void)
{
    pair_t pair;

    pair_open(&pair, NULL);
    CHECK_OK(put_text(pair.view, "last"));
    CHECK_OK(en_unix_stream_client_send_eof(pair.client, 20000));
    CHECK_OK(en_unix_stream_client_send_eof(pair.client, 20000));
    CHECK_CODE(put_text(pair.view, "x"), EN_ESHUTDOWN);
    peer_expect_text(pair.fd, "last\n");
    peer_expect_end(pair.fd);
    peer_send_text(pair.fd, "still\nhal");
    CHECK_GET(pair.view, "still");
    close(pair.fd);
    pair.fd = -1;
    CHECK_GET_FAILS(pair.view, 20000, EN_ETRUNCATED);
    CHECK_GET_FAILS(pair.view, 20000, EN_ETRUNCATED);
    pair_close(&pair);
}

static void batches_and_an_iterator(void)
{
    en_slice_t slices[] = {{"a", 1}, {NULL, 0}, {"bc", 2}};
    en_packet_iter_t *iter = NULL;
    en_packet_t packets[4];
    size_t count = 0;
    pair_t pair;

    pair_open(&pair, NULL);
    CHECK_OK(en_unix_stream_client_send_packets(pair.client, slices, 3, 20000, &count));
    CHECK_INT(count, 3);
    CHECK_OK(en_unix_stream_client_send_packet_slices(pair.client, slices, 3, 20000));
    peer_expect_text(pair.fd, "a\n\nbc\nabc\n");
    peer_send_text(pair.fd, "one\ntwo\nthree\n");
    CHECK_OK(en_unix_stream_client_recv_packets(pair.client, packets, 2, 20000, &count));
    REQUIRE(count == 2);
    CHECK_BYTES(packets[1].data, packets[1].size, "two", 3);
    en_packet_release(&packets[0]);
    en_packet_release(&packets[1]);
    CHECK_INT(en_unix_stream_client_has_buffered(pair.client), 1);
    REQUIRE_OK(en_unix_stream_client_iter_received_packets(&iter, pair.client, 0));
    CHECK_OK(en_packet_iter_next(iter, &packets[0]));
    CHECK_BYTES(packets[0].data, packets[0].size, "three", 5);
    en_packet_release(&packets[0]);
    CHECK_CODE(en_packet_iter_next(iter, &packets[0]), EN_ETIMEDOUT);
    en_packet_iter_free(iter);
    pair_close(&pair);
}

static void a_write_buffer(void)
{
    en_unix_stream_options_t *options = options_unix();
    pair_t pair;

    CHECK_OK(en_unix_stream_options_set_write_buffer(options, 4096));
    pair_open(&pair, options);
    CHECK_OK(put_text(pair.view, "one"));
    peer_expect_nothing(pair.fd);
    CHECK_OK(en_unix_stream_client_flush(pair.client, 20000));
    peer_expect_text(pair.fd, "one\n");
    CHECK_OK(put_text(pair.view, "two"));
    CHECK_OK(en_unix_stream_client_close(pair.client));
    peer_expect_text(pair.fd, "two\n");
    pair_close(&pair);
}

static void closing_waits_at_most_the_shutdown_timeout(void)
{
    static char bulk[4096];
    en_unix_stream_options_t *options = options_unix();
    int64_t start;
    pair_t pair;

    CHECK_OK(en_unix_stream_options_set_write_buffer(options, 1000));
    CHECK_OK(en_unix_stream_options_set_shutdown_timeout(options, 300));
    pair_open(&pair, options);
    while (send(en_unix_stream_client_fileno(pair.client), bulk, sizeof(bulk), MSG_DONTWAIT) > 0)
        ;
    CHECK_OK(put_text(pair.view, "stuck"));
    start = now_ms();
    CHECK_CODE(en_unix_stream_client_close(pair.client), EN_ETIMEDOUT);
    CHECK_TOOK(start, 300);
    CHECK_INT(en_client_is_closed(pair.view), 1);
    pair_close(&pair);
}

static void close_wakes_both_sides(void)
{
    static char large[1 << 16];
    waiter_t waiters[2];
    int64_t start;
    pair_t pair;

    pair_open(&pair, NULL);
    waiter_receives(&waiters[0], pair.view);
    memset(large, 'x', sizeof(large));
    waiter_sends(&waiters[1], pair.view, large, sizeof(large));
    start = now_ms();
    CHECK_OK(en_unix_stream_client_close(pair.client));
    for (int i = 0; i < 2; i++)
        CHECK_CODE(waiter_end(&waiters[i]), EN_ECLOSED);
    CHECK_TOOK(start, 0);
    pair_close(&pair);
}

static void check_refused(int fd, int code)
{
    en_stream_protocol_t *protocol = protocol_line();
    en_unix_stream_client_t *client = (en_unix_stream_client_t *)&fd;

    CHECK_CODE(en_unix_stream_client_from_fd(&client, fd, protocol, NULL), code);
    CHECK(client == NULL);
    if (fd >= 0) {
        CHECK(is_open(fd));
        close(fd);
    }
    en_stream_protocol_free(protocol);
}

static void descriptors_that_are_refused(void)
{
    int ends[2];

    check_refused(-1, EN_EBADF);
    check_refused(open("/dev/null", O_RDWR | O_CLOEXEC), EN_ENOTSOCK);
    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
    check_refused(ends[0], EN_EPROTOTYPE);
    check_refused(ends[1], EN_EPROTOTYPE);
    check_refused(peer_listen("127.0.0.1", 1), EN_EAFNOSUPPORT);
    check_refused(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), EN_ENOTCONN);
}

static void receive_with_ancillary(void *arg)
{
    en_ancillary_t *ancillary = NULL;
    en_packet_t packet = {0};
    pair_t *pair = arg;

    REQUIRE_OK(en_ancillary_new(&ancillary));
    CHECK_OK(en_unix_stream_client_recv_packet_with_ancillary(pair->client, 0, EN_TIMEOUT_INFINITE,
                                                              ancillary, &packet));
    CHECK_BYTES(packet.data, packet.size, "answer", 6);
    en_packet_release(&packet);
    en_ancillary_free(ancillary);
}

/* While the way to the peer is full, what is put aside waits for room, not for the answer. */
static void a_receive_with_ancillary_data_brings_it_out(void)
{
    en_unix_stream_options_t *options = options_unix();
    static char bulk[4096];
    size_t filled = 0;
    size_t drained = 0;
    char text[16];
    thread_t thread;
    ssize_t count;
    pair_t pair;

    CHECK_OK(en_unix_stream_options_set_write_buffer(options, 1000));
    pair_open(&pair, options);
    while ((count = send(en_unix_stream_client_fileno(pair.client), bulk, sizeof(bulk),
                         MSG_DONTWAIT)) > 0)
        filled += (size_t)count;
    CHECK_OK(put_text(pair.view, "question"));
    thread_start(&thread, receive_with_ancillary, &pair);
    thread_wait_blocked(&thread);
    while (drained < filled) {
        count = recv(pair.fd, bulk,
                     sizeof(bulk) < filled - drained ? sizeof(bulk) : filled - drained, 0);
        REQUIRE(count > 0);
        drained += (size_t)count;
    }
    REQUIRE(recv(pair.fd, text, 9, MSG_WAITALL) == 9);
    CHECK_BYTES(text, 9, "question\n", 9);
    peer_send_text(pair.fd, "answer\n");
    thread_join(&thread);
    pair_close(&pair);
}

static const test_case_t cases[] = {
    CASE_BLOCKING(a_receive_with_ancillary_data_brings_it_out),
    CASE(by_path),
    CASE(by_abstract_name),
    CASE(a_local_path_stays),
    CASE(a_pair),
    CASE(where_nobody_is),
    CASE(a_socket_of_another_type),
    CASE(a_full_queue_is_waited_for),
    CASE(the_end_both_ways),
    CASE_BLOCKING(batches_and_an_iterator),
    CASE_BLOCKING(a_write_buffer),
    CASE_BLOCKING(closing_waits_at_most_the_shutdown_timeout),
    CASE(close_wakes_both_sides),
    CASE(descriptors_that_are_refused),
};

TEST_MAIN("unix_stream")
