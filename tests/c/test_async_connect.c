/* How TCP clients on a loop get their connection: by themselves, by name, with TLS. */
#include "async_wire.h"
#include "family.h"
#include "peer.h"
#include "tls.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void connecting_by_itself(void)
{
    op_t sent = {0};
    op_t got = {0};
    en_address_t *address = NULL;
    async_wire_t side;

    async_wire_new(&side, NULL);
    CHECK_INT(en_async_tcp_client_is_connected(side.client), 0);
    CHECK_INT(en_async_tcp_client_fileno(side.client), -1);
    CHECK(en_async_tcp_client_loop(side.client) == side.loop);
    CHECK_CODE(en_async_tcp_client_get_remote_address(side.client, &address), EN_ENOTCONN);
    CHECK_OK(async_put(&side, "hello", &sent)); /* connects */
    CHECK_OK(async_get(&side, 5000, &got));
    op_wait(side.loop, &sent);
    CHECK_OP(&sent, EN_OK);
    CHECK_INT(en_async_tcp_client_is_connected(side.client), 1);
    side.fd = peer_accept(side.listener);
    peer_expect_text(side.fd, "hello\n");
    peer_send_text(side.fd, "there\n");
    op_wait(side.loop, &got);
    CHECK_OP(&got, EN_OK);
    CHECK_BYTES(got.data, got.size, "there", 5);
    CHECK_OK(en_async_tcp_client_get_remote_address(side.client, &address));
    CHECK_INT(en_address_port(address), peer_port(side.listener));
    en_address_free(address);
    async_wire_close(&side);
}

static void a_failed_connect_may_be_tried_again(void)
{
    uint16_t port = peer_refusing_port();
    en_stream_protocol_t *protocol = protocol_line();
    en_loop_t *loop = loop_new();
    en_async_tcp_client_t *client = NULL;
    op_t ops[3] = {{0}, {0}, {0}};

    REQUIRE_OK(en_async_tcp_client_new(&client, loop, "127.0.0.1", port, protocol, NULL));
    for (int i = 0; i < 3; i++) {
        CHECK_OK(en_async_tcp_client_send_packet(client, "x", 1, 5000, op_done, &ops[i], NULL));
        op_wait(loop, &ops[i]);
        CHECK_OP(&ops[i], EN_ECONNREFUSED);
        CHECK_HAS(ops[i].message, "connect 127.0.0.1");
    }
    en_stream_protocol_free(protocol);
    en_async_tcp_client_free(client);
    en_loop_free(loop);
}

static void check_sending(en_loop_t *loop, en_async_client_t *client, int code)
{
    op_t sent = {0};

    CHECK_OK(en_async_client_send_packet(client, "x", 1, 5000, op_done, &sent, NULL));
    op_wait(loop, &sent);
    CHECK_OP(&sent, code);
}

/* Nobody listens at a path, and then somebody does; where there is a path of our own, it is not in
 * the way. */
static void unix_sockets_may_be_tried_again(void)
{
    en_unix_stream_options_t *streams = NULL;
    en_unix_datagram_options_t *datagrams = NULL;
    en_stream_protocol_t *lines = protocol_line();
    en_datagram_protocol_t *raw = protocol_datagrams();
    en_unix_address_t *own = NULL;
    en_loop_t *loop = loop_new();
    en_async_client_t *view;

    REQUIRE_OK(en_unix_stream_options_new(&streams));
    REQUIRE_OK(en_unix_datagram_options_new(&datagrams));
    for (int is_stream = 0; is_stream < 2; is_stream++) {
        en_async_unix_stream_client_t *stream = NULL;
        en_async_unix_datagram_client_t *datagram = NULL;
        folder_t folder;
        int fd;

        folder_open(&folder);
        REQUIRE_OK(en_unix_address_new_path(&own, folder.other));
        CHECK_OK(en_unix_stream_options_set_local_address(streams, own));
        CHECK_OK(en_unix_datagram_options_set_local_address(datagrams, own));
        en_unix_address_free(own);
        if (is_stream) {
            REQUIRE_OK(
                en_async_unix_stream_client_new_path(&stream, loop, folder.socket, lines, streams));
            view = en_async_unix_stream_client_as_async_client(stream);
        } else {
            REQUIRE_OK(en_async_unix_datagram_client_new_path(&datagram, loop, folder.socket, raw,
                                                              datagrams));
            view = en_async_unix_datagram_client_as_async_client(datagram);
        }
        check_sending(loop, view, EN_ENOENT);
        fd = unix_bound(is_stream ? SOCK_STREAM : SOCK_DGRAM, folder.socket);
        REQUIRE(!is_stream || listen(fd, 1) == 0);
        check_sending(loop, view, EN_OK);
        en_async_unix_stream_client_free(stream);
        en_async_unix_datagram_client_free(datagram);
        close(fd);
        folder_close(&folder);
    }
    en_unix_stream_options_free(streams);
    en_unix_datagram_options_free(datagrams);
    en_stream_protocol_free(lines);
    en_datagram_protocol_free(raw);
    en_loop_free(loop);
}

static void free_client(int status, void *user_data)
{
    en_async_tcp_client_t **client = user_data;

    CHECK_CODE(status, EN_ECONNREFUSED);
    en_async_tcp_client_free(*client);
    *client = NULL;
}

/* One failure ends both operations, and the callback of the first frees the client. */
static void freeing_tells_what_was_decided(void)
{
    en_stream_protocol_t *protocol = protocol_line();
    en_loop_t *loop = loop_new();
    en_async_tcp_client_t *client = NULL;
    op_t op = {0};

    REQUIRE_OK(
        en_async_tcp_client_new(&client, loop, "127.0.0.1", peer_refusing_port(), protocol, NULL));
    CHECK_OK(en_async_tcp_client_send_packet(client, "x", 1, 5000, free_client, &client, NULL));
    CHECK_OK(en_async_tcp_client_recv_packet(client, 5000, op_received, &op, NULL));
    CHECK_OK(en_loop_run(loop));
    CHECK(client == NULL);
    CHECK_OP(&op, EN_ECONNREFUSED);
    en_stream_protocol_free(protocol);
    en_loop_free(loop);
}

/* However often, and whether it is there already. */
static void the_connection_may_be_waited_for_again(void)
{
    op_t ops[4] = {{0}, {0}, {0}, {0}};
    async_wire_t side;

    async_wire_new(&side, NULL);
    for (int i = 0; i < 4; i++) {
        CHECK_OK(en_async_tcp_client_wait_connected(side.client, 5000, op_done, &ops[i], NULL));
        if (i > 0)
            op_wait(side.loop, &ops[i]);
    }
    for (int i = 0; i < 4; i++)
        CHECK_OP(&ops[i], EN_OK);
    side.fd = peer_accept(side.listener);
    CHECK(fcntl(side.listener, F_SETFL, O_NONBLOCK) == 0);
    CHECK(accept(side.listener, NULL, NULL) < 0); /* there was one */
    async_wire_close(&side);
}

/* Closing waits until there is a connection to send on. */
static void closing_while_it_connects_sends_first(void)
{
    en_stream_protocol_t *protocol = protocol_line();
    op_t sent = {0}, closed = {0};
    en_loop_t *loop = loop_new();
    en_async_tcp_client_t *client = NULL;
    silent_peer_t silent;
    int fd;

    silent_peer_open(&silent, "127.0.0.1");
    REQUIRE_OK(en_async_tcp_client_new(&client, loop, "127.0.0.1", peer_port(silent.listener),
                                       protocol, NULL));
    CHECK_OK(
        en_async_tcp_client_send_packet(client, "last words", 10, 20000, op_done, &sent, NULL));
    CHECK_OK(en_async_tcp_client_close(client, 20000, op_done, &closed, NULL));
    op_still_waits(loop, &closed);
    silent_peer_wake(&silent);
    op_wait(loop, &closed);
    CHECK_OP(&sent, EN_OK);
    CHECK_OP(&closed, EN_OK);
    fd = peer_accept(silent.listener);
    peer_expect_text(fd, "last words\n");
    close(fd);
    en_async_tcp_client_free(client);
    en_loop_free(loop);
    en_stream_protocol_free(protocol);
    silent_peer_close(&silent);
}

/* A protocol that has a beginning would be in the midst of it on another connection. */
static void what_was_connected_once_is_not_connected_again(void)
{
    op_t ops[3] = {{0}, {0}, {0}};
    async_wire_t side;

    async_wire_new(&side, NULL);
    CHECK_OK(async_put(&side, "hello", &ops[0]));
    op_wait(side.loop, &ops[0]);
    CHECK_OP(&ops[0], EN_OK);
    peer_reset(peer_accept(side.listener));
    for (int i = 1; i < 3; i++) {
        CHECK_OK(async_get(&side, 5000, &ops[i]));
        op_wait(side.loop, &ops[i]);
        CHECK_OP(&ops[i], EN_ECONNRESET);
        CHECK_INT(en_async_tcp_client_is_connected(side.client), 1);
    }
    CHECK(fcntl(side.listener, F_SETFL, O_NONBLOCK) == 0);
    CHECK(accept(side.listener, NULL, NULL) < 0);
    async_wire_close(&side);
}

/* What can be known is told when the client is made. */
static void a_bad_server_name_is_told_at_once(void)
{
    en_tls_config_t *config = tls_client_config(tls_trusting());
    en_stream_protocol_t *protocol = protocol_line();
    en_tcp_options_t *options = options_new();
    en_loop_t *loop = loop_new();
    en_async_tcp_client_t *client = (void *)loop;

    CHECK_OK(en_tcp_options_set_tls(options, config, "not a name"));
    CHECK_CODE(en_async_tcp_client_new(&client, loop, "127.0.0.1", 1, protocol, options),
               EN_EINVAL);
    CHECK_MESSAGE("not a name");
    CHECK(client == NULL);
    CHECK_CODE(en_async_tcp_client_from_fd(&client, loop, -1, protocol, options), EN_EINVAL);
    CHECK_MESSAGE("not a name");
    en_tcp_options_free(options);
    en_stream_protocol_free(protocol);
    en_tls_config_free(config);
    en_loop_free(loop);
}

/* As where calls block. */
static void a_bad_host_is_told_at_once(void)
{
    static char longest[254];
    en_stream_protocol_t *protocol = protocol_line();
    en_loop_t *loop = loop_new();
    en_async_tcp_client_t *client = NULL;

    CHECK_CODE(en_async_tcp_client_new(&client, loop, "", 1, protocol, NULL), EN_EINVAL);
    memset(longest, 'a', sizeof(longest) - 1);
    CHECK_OK(en_async_tcp_client_new(&client, loop, longest, 1, protocol, NULL));
    en_async_tcp_client_free(client);
    {
        char longer[sizeof(longest) + 1];

        snprintf(longer, sizeof(longer), "%sa", longest);
        CHECK_CODE(en_async_tcp_client_new(&client, loop, longer, 1, protocol, NULL), EN_EINVAL);
        CHECK_MESSAGE("too long");
    }
    en_stream_protocol_free(protocol);
    en_loop_free(loop);
}

static void connecting_has_its_own_time(void)
{
    en_tcp_options_t *options = options_new();
    en_stream_protocol_t *protocol = protocol_line();
    en_loop_t *loop = loop_new();
    en_async_tcp_client_t *client = NULL;
    silent_peer_t silent;
    op_t shorter = {0};
    op_t longer = {0};
    op_t got = {0};
    int64_t start;

    silent_peer_open(&silent, "127.0.0.1");
    CHECK_OK(en_tcp_options_set_connect_timeout(options, 150));
    REQUIRE_OK(en_async_tcp_client_new(&client, loop, "127.0.0.1", peer_port(silent.listener),
                                       protocol, options));
    start = now_ms();
    CHECK_OK(en_async_tcp_client_send_packet(client, "x", 1, 60, op_done, &shorter, NULL));
    CHECK_OK(en_async_tcp_client_send_packet(client, "x", 1, 60000, op_done, &longer, NULL));
    CHECK_OK(en_async_tcp_client_recv_packet(client, 60, op_received, &got, NULL));
    op_wait(loop, &shorter);
    op_wait(loop, &got);
    CHECK_TOOK(start, 60);
    CHECK_OP(&got, EN_ETIMEDOUT);
    CHECK_HAS(got.message, "receive 127.0.0.1:");
    CHECK_OP(&shorter, EN_ETIMEDOUT);
    CHECK_HAS(shorter.message, "send 127.0.0.1:");
    CHECK_HAS(shorter.message, "no connection yet");
    op_wait(loop, &longer);
    CHECK_TOOK(start, 150);
    CHECK_OP(&longer, EN_ETIMEDOUT);
    CHECK_HAS(longer.message, "connect");
    en_tcp_options_free(options);
    en_stream_protocol_free(protocol);
    en_async_tcp_client_free(client);
    en_loop_free(loop);
    silent_peer_close(&silent);
}

static void the_first_address_that_answers_is_taken(void)
{
    en_stream_protocol_t *lines = protocol_line();
    en_loop_t *loop = loop_new();
    int listener = peer_listen("127.0.0.1", 16);
    en_async_tcp_client_t *client = NULL;
    en_address_t *addresses[2] = {NULL, NULL};
    op_t op = {0};

    REQUIRE_OK(en_address_new(&addresses[0], "127.0.0.1", peer_refusing_port()));
    REQUIRE_OK(en_address_new(&addresses[1], "127.0.0.1", peer_port(listener)));
    REQUIRE_OK(en_async_tcp_client_new_addresses(
        &client, loop, (const en_address_t *const *)addresses, 2, lines, NULL));
    en_address_free(addresses[0]);
    en_address_free(addresses[1]);
    en_stream_protocol_free(lines);
    CHECK_OK(en_async_tcp_client_wait_connected(client, 5000, op_done, &op, NULL));
    op_wait(loop, &op);
    CHECK_OP(&op, EN_OK);
    close(peer_accept(listener));
    close(listener);
    en_async_tcp_client_free(client);
    en_loop_free(loop);
}

static void what_is_asked_for_is_told_once_connected(void)
{
    async_wire_t side;
    size_t size = 0;
    op_t op = {0};

    async_wire_new(&side, NULL);
    CHECK_CODE(en_async_tcp_client_max_recv_size(side.client, &size), EN_ENOTCONN);
    CHECK_OK(en_async_tcp_client_wait_connected(side.client, 5000, op_done, &op, NULL));
    op_wait(side.loop, &op);
    CHECK_OK(en_async_tcp_client_max_recv_size(side.client, &size));
    CHECK(size > 0);
    async_wire_close(&side);
}

static void echo_over_tls(void *arg)
{
    en_tls_config_t *config = tls_server_config(tls_identity("good"));
    en_stream_protocol_t *protocol = protocol_line();
    en_tcp_options_t *options = options_new();
    en_tcp_client_t *server = NULL;
    en_packet_t packet;

    CHECK_OK(en_tcp_options_set_tls(options, config, NULL));
    REQUIRE_OK(en_tcp_client_from_fd(&server, peer_accept(*(int *)arg), protocol, options));
    while (en_tcp_client_recv_packet(server, 20000, &packet) == EN_OK) {
        CHECK_OK(en_tcp_client_send_packet(server, packet.data, packet.size, 20000));
        en_packet_release(&packet);
    }
    CHECK_OK(en_tcp_client_close(server));
    en_tcp_client_free(server);
    en_tcp_options_free(options);
    en_stream_protocol_free(protocol);
    en_tls_config_free(config);
}

static void tls(void)
{
    en_tls_config_t *config = tls_client_config(tls_trusting());
    en_tcp_options_t *options = options_new();
    op_t closed = {0};
    en_tls_info_t *info = NULL;
    thread_t thread;
    async_wire_t side;

    CHECK_OK(en_tcp_options_set_tls(options, config, NULL));
    async_wire_new(&side, options);
    thread_start(&thread, echo_over_tls, &side.listener);
    for (int i = 0; i < 20; i++) {
        op_t got = {0};

        CHECK_OK(async_put(&side, "secret", NULL));
        CHECK_OK(async_get(&side, 20000, &got));
        op_wait(side.loop, &got);
        CHECK_OP(&got, EN_OK);
        CHECK_BYTES(got.data, got.size, "secret", 6);
    }
    CHECK_OK(en_async_tcp_client_get_tls_info(side.client, &info));
    CHECK_INT(en_tls_info_version(info), EN_TLS_1_3);
    en_tls_info_free(info);
    CHECK_OK(en_async_tcp_client_close(side.client, 20000, op_done, &closed, NULL));
    op_wait(side.loop, &closed);
    CHECK_OP(&closed, EN_OK);
    thread_join(&thread);
    en_tls_config_free(config);
    async_wire_close(&side);
}

static void a_peer_that_stalls_in_the_handshake(void)
{
    en_tls_config_t *config = tls_client_config(tls_trusting());
    en_tcp_options_t *options = options_new();
    op_t op = {0};
    async_wire_t side;

    CHECK_OK(en_tcp_options_set_tls(options, config, NULL));
    CHECK_OK(en_tcp_options_set_handshake_timeout(options, 100));
    async_wire_new(&side, options);
    CHECK_OK(async_put(&side, "x", &op));
    op_wait(side.loop, &op); /* nobody answers */
    CHECK_OP(&op, EN_ETIMEDOUT);
    CHECK_HAS(op.message, "handshake");
    en_tls_config_free(config);
    async_wire_close(&side);
}

static const test_case_t cases[] = {
    CASE(connecting_by_itself),
    CASE(a_failed_connect_may_be_tried_again),
    CASE(unix_sockets_may_be_tried_again),
    CASE(freeing_tells_what_was_decided),
    CASE(the_connection_may_be_waited_for_again),
    CASE(closing_while_it_connects_sends_first),
    CASE(what_was_connected_once_is_not_connected_again),
    CASE(a_bad_server_name_is_told_at_once),
    CASE(a_bad_host_is_told_at_once),
    CASE(connecting_has_its_own_time),
    CASE(the_first_address_that_answers_is_taken),
    CASE(what_is_asked_for_is_told_once_connected),
    CASE(tls),
    CASE(a_peer_that_stalls_in_the_handshake),
};

TEST_MAIN("async_connect")
