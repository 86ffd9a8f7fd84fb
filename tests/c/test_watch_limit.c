/* A loop that may watch no more. The program puts an epoll_ctl of its own in place of the system's.
 */
#include "async.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_full;

int epoll_ctl(int epoll, int operation, int fd, struct epoll_event *event)
{
    if (is_full && operation == EPOLL_CTL_ADD) {
        errno = ENOSPC;
        return -1;
    }
    return (int)syscall(SYS_epoll_ctl, epoll, operation, fd, event);
}

/* An attempt to connect that must say so. */
static void check_is_refused(en_loop_t *loop, en_async_tcp_client_t *client, uint16_t port)
{
    char want[128];
    op_t op = {0};

    REQUIRE_OK(en_async_tcp_client_wait_connected(client, 5000, op_done, &op, NULL));
    op_wait(loop, &op);
    CHECK_OP(&op, EN_ENOSPC);
    snprintf(want, sizeof(want), "connect 127.0.0.1:%u: this user may watch no more descriptors",
             port);
    CHECK_HAS(op.message, want);
}

static void connecting_may_be_tried_again(void)
{
    en_stream_protocol_t *lines = protocol_line();
    en_async_tcp_client_t *client = NULL;
    en_loop_t *loop = loop_new();
    silent_peer_t peer;
    uint16_t port;
    op_t op = {0};

    silent_peer_open(&peer, "127.0.0.1");
    port = peer_port(peer.listener);
    REQUIRE_OK(en_async_tcp_client_new(&client, loop, "127.0.0.1", port, lines, NULL));
    is_full = true;
    check_is_refused(loop, client, port);
    is_full = false;
    silent_peer_wake(&peer);
    REQUIRE_OK(en_async_tcp_client_wait_connected(client, 5000, op_done, &op, NULL));
    op_wait(loop, &op);
    CHECK_OP(&op, EN_OK);
    en_async_tcp_client_free(client);
    silent_peer_close(&peer);
    en_stream_protocol_free(lines);
    en_loop_free(loop);
}

/* There is no other: why is the answer to all who come later. */
static void a_given_connection_is_lost(void)
{
    en_stream_protocol_t *lines = protocol_line();
    en_async_tcp_client_t *client = NULL;
    en_loop_t *loop = loop_new();
    wire_t wire;
    int fd;

    wire_open(&wire, protocol_line(), NULL);
    fd = dup(en_tcp_client_fileno(wire.client));
    REQUIRE(fd >= 0);
    is_full = true;
    REQUIRE_OK(en_async_tcp_client_from_fd(&client, loop, fd, lines, NULL));
    is_full = false;
    check_is_refused(loop, client, wire.port);
    check_is_refused(loop, client, wire.port);
    en_async_tcp_client_free(client);
    CHECK(fcntl(fd, F_GETFD) < 0);
    wire_close(&wire);
    en_stream_protocol_free(lines);
    en_loop_free(loop);
}

static const test_case_t cases[] = {
    CASE(connecting_may_be_tried_again),
    CASE(a_given_connection_is_lost),
};

TEST_MAIN("watch_limit")
