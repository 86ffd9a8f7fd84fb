/* Clients made of descriptors: what is taken, what is refused, and whose the descriptor is. */
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* A connected pair of TCP sockets: ours to give away, and the peer's. */
static void tcp_pair(int *ours, int *peers)
{
    struct sockaddr_in name;
    socklen_t size = sizeof(name);
    int listener = peer_listen("127.0.0.1", 4);

    REQUIRE(getsockname(listener, (struct sockaddr *)&name, &size) == 0);
    *ours = socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(connect(*ours, (struct sockaddr *)&name, size) == 0);
    *peers = peer_accept(listener);
    close(listener);
}

static int make(en_tcp_client_t **out, int fd)
{
    en_stream_protocol_t *protocol = protocol_line();
    int rc = en_tcp_client_from_fd(out, fd, protocol, NULL);

    en_stream_protocol_free(protocol);
    return rc;
}

static bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}

/* The descriptor is refused so, and stays the caller's. */
static void check_refused(int fd, int code)
{
    en_tcp_client_t *client = (en_tcp_client_t *)&fd;

    CHECK_CODE(make(&client, fd), code);
    CHECK(client == NULL);
    CHECK(is_open(fd));
    close(fd);
}

static void a_connected_socket(void)
{
    en_tcp_client_t *client = NULL;
    int64_t value = 0;
    int ours;
    int peers;

    tcp_pair(&ours, &peers);
    REQUIRE_OK(make(&client, ours));
    CHECK_INT(en_tcp_client_fileno(client), ours);
    CHECK_OK(send_text(client, "hello"));
    peer_expect_text(peers, "hello\n");
    peer_send_text(peers, "there\n");
    CHECK_RECV(client, "there");
    CHECK_OK(en_tcp_client_get_option(client, EN_OPTION_NODELAY, &value));
    CHECK_INT(value, 1);
    CHECK_OK(en_tcp_client_get_option(client, EN_OPTION_KEEPALIVE, &value));
    CHECK_INT(value, 1);
    CHECK_OK(en_tcp_client_close(client));
    CHECK(!is_open(ours));
    peer_expect_end(peers);
    en_tcp_client_free(client);
    close(peers);
}

static void descriptors_that_are_none(void)
{
    en_tcp_client_t *client = NULL;
    int fd = dup(0);

    CHECK_CODE(make(&client, -1), EN_EBADF);
    close(fd);
    CHECK_CODE(make(&client, fd), EN_EBADF);
    CHECK(client == NULL);
}

static void no_sockets(void)
{
    int ends[2];

    REQUIRE(pipe(ends) == 0);
    check_refused(ends[0], EN_ENOTSOCK);
    check_refused(ends[1], EN_ENOTSOCK);
    check_refused(open("/dev/null", O_RDWR), EN_ENOTSOCK);
}

static void sockets_of_another_kind(void)
{
    int ends[2];

    check_refused(socket(AF_INET, SOCK_DGRAM, 0), EN_EPROTOTYPE);
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    check_refused(ends[0], EN_EAFNOSUPPORT);
    check_refused(ends[1], EN_EAFNOSUPPORT);
}

static void sockets_that_are_not_connected(void)
{
    check_refused(socket(AF_INET, SOCK_STREAM, 0), EN_ENOTCONN);
    check_refused(peer_listen("127.0.0.1", 1), EN_ENOTCONN);
}

static void arguments_are_looked_at_first(void)
{
    en_tcp_client_t *client = NULL;
    en_stream_protocol_t *protocol = protocol_line();
    int ours;
    int peers;

    tcp_pair(&ours, &peers);
    CHECK_CODE(en_tcp_client_from_fd(&client, ours, NULL, NULL), EN_EINVAL);
    CHECK_CODE(en_tcp_client_from_fd(&client, -1, NULL, NULL), EN_EINVAL);
    CHECK_CODE(en_tcp_client_from_fd(NULL, ours, protocol, NULL), EN_EINVAL);
    CHECK(is_open(ours));
    peer_send_text(peers, "x");
    peer_expect_text(ours, "x"); /* and it still works */
    en_stream_protocol_free(protocol);
    close(ours);
    close(peers);
}

static int encode(const en_slice_t *parts, size_t count, en_frame_t *frame, void *user_data)
{
    (void)parts, (void)count, (void)frame, (void)user_data;
    return EN_CALLBACK_DONE;
}

static int decode(const uint8_t *data, size_t size, int end, size_t *used, en_slice_t *packet,
                  void *state, void *user_data)
{
    (void)data, (void)size, (void)end, (void)used, (void)packet, (void)state, (void)user_data;
    return EN_DECODE_MORE;
}

static int refuse_state(void **state, void *user_data)
{
    (void)state, (void)user_data;
    en_set_error_message("no state today");
    return EN_EUSER_BASE - 1;
}

static void a_protocol_that_refuses(void)
{
    en_stream_protocol_callbacks_t callbacks = {
        .struct_size = sizeof(callbacks),
        .encode = encode,
        .decode = decode,
        .new_state = refuse_state,
    };
    en_stream_protocol_t *protocol = NULL;
    en_tcp_client_t *client = NULL;
    int ours;
    int peers;

    tcp_pair(&ours, &peers);
    REQUIRE_OK(en_stream_protocol_new(&protocol, &callbacks, 0, NULL, NULL));
    CHECK_CODE(en_tcp_client_from_fd(&client, ours, protocol, NULL), EN_EUSER_BASE - 1);
    CHECK_MESSAGE("no state today");
    CHECK(is_open(ours));
    peer_send_text(peers, "x");
    peer_expect_text(ours, "x");
    en_stream_protocol_free(protocol);
    close(ours);
    close(peers);
}

static void nonblocking_stays_as_it_is(bool nonblocking)
{
    int flag = nonblocking ? O_NONBLOCK : 0;
    en_tcp_client_t *client = NULL;
    step_t steps[] = {{.what = STEP_SEND_SLOWLY, .data = "one\ntwo\n", .size = 8, .ms = 20}};
    script_t script;
    int64_t start;
    int ours;
    int peers;

    tcp_pair(&ours, &peers);
    REQUIRE(fcntl(ours, F_SETFL, flag) == 0);
    REQUIRE_OK(make(&client, ours));
    CHECK_INT(fcntl(ours, F_GETFL) & O_NONBLOCK, flag);
    script_start(&script, peers, steps, 1);
    CHECK_RECV(client, "one"); /* it waits all the same */
    CHECK_RECV(client, "two");
    script_join(&script);
    start = now_ms();
    CHECK_RECV_FAILS(client, 150, EN_ETIMEDOUT);
    CHECK_TOOK(start, 150);
    CHECK_RECV_FAILS(client, 0, EN_ETIMEDOUT);
    CHECK_OK(send_text(client, "x"));
    CHECK_INT(fcntl(ours, F_GETFL) & O_NONBLOCK, flag);
    en_tcp_client_free(client);
    close(peers);
}

static void a_blocking_descriptor_stays_blocking(void)
{
    nonblocking_stays_as_it_is(false);
}

static void a_nonblocking_descriptor_stays_nonblocking(void)
{
    nonblocking_stays_as_it_is(true);
}

static void a_large_send_on_a_nonblocking_descriptor(void)
{
    static char large[3 << 20];
    step_t steps[] = {{.what = STEP_DRAIN}};
    en_tcp_client_t *client = NULL;
    script_t script;
    int ours;
    int peers;

    tcp_pair(&ours, &peers);
    REQUIRE(fcntl(ours, F_SETFL, O_NONBLOCK) == 0);
    REQUIRE_OK(make(&client, ours));
    script_start(&script, peers, steps, 1);
    CHECK_OK(en_tcp_client_send_packet(client, large, sizeof(large), EN_TIMEOUT_INFINITE));
    en_tcp_client_free(client);
    script_join(&script);
    close(peers);
}

static const test_case_t cases[] = {
    CASE(a_connected_socket),
    CASE_BLOCKING(descriptors_that_are_none),
    CASE(no_sockets),
    CASE(sockets_of_another_kind),
    CASE(sockets_that_are_not_connected),
    CASE(arguments_are_looked_at_first),
    CASE(a_protocol_that_refuses),
    CASE(a_blocking_descriptor_stays_blocking),
    CASE(a_nonblocking_descriptor_stays_nonblocking),
    CASE(a_large_send_on_a_nonblocking_descriptor),
};

TEST_MAIN("from_fd")
