/* A sandbox where options of a socket cannot be set: the library waits in another way, as long, and
 * does without what nobody has asked for. The program puts a setsockopt of its own in place of the
 * system's. */
#include "threads.h"
#include "wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool refuses_all;
static int refused;

int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    if (refuses_all || (level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO))) {
        refused++;
        errno = EPERM;
        return -1;
    }
    return (int)syscall(SYS_setsockopt, fd, level, name, value, size);
}

static void feed(void *arg)
{
    wire_t *wire = arg;

    pause_ms(100);
    CHECK(write(wire->fd, "late\n", 5) == 5);
}

static void calls_wait_as_long(void)
{
    wire_t wire;
    thread_t thread;
    int64_t start;
    int rc;

    wire_open(&wire, protocol_line(), NULL);
    start = now_ms();
    CHECK_RECV_FAILS(wire.client, 300, EN_ETIMEDOUT);
    CHECK_TOOK(start, 300);
    thread_start(&thread, feed, &wire);
    CHECK_RECV(wire.client, "late");
    thread_join(&thread);
    CHECK_INT(refused, 1);
    wire_narrow(&wire);
    wire_fill(&wire);
    start = now_ms();
    rc = en_tcp_client_send_packet(wire.client, "more", 4, 300);
    CHECK_CODE(rc, EN_ETIMEDOUT);
    CHECK_TOOK(start, 300);
    wire_close(&wire);
}

static int connect_with(en_tcp_client_t **client, int listener, en_tcp_options_t *options)
{
    en_stream_protocol_t *lines = protocol_line();
    int rc = en_tcp_client_connect(client, "127.0.0.1", peer_port(listener), lines, options);

    en_stream_protocol_free(lines);
    en_tcp_options_free(options);
    return rc;
}

static void only_what_was_asked_for_must_be(void)
{
    int listener = peer_listen("127.0.0.1", 4);
    en_tcp_options_t *options = options_new();
    en_tcp_client_t *client = NULL;

    refuses_all = true;
    refused = 0;
    CHECK_OK(connect_with(&client, listener, NULL));
    CHECK(refused >= 2); /* TCP_NODELAY, SO_KEEPALIVE */
    en_tcp_client_free(client);
    CHECK_OK(en_tcp_options_set_user_timeout(options, 5000));
    CHECK_CODE(connect_with(&client, listener, options), EN_EPERM);
    CHECK_MESSAGE("EN_OPTION_USER_TIMEOUT");
    options = options_new();
    CHECK_OK(en_tcp_options_set_keepalive(options, 60, 0, 0));
    CHECK_CODE(connect_with(&client, listener, options), EN_EPERM);
    CHECK_MESSAGE("EN_OPTION_KEEPALIVE_IDLE");
    refuses_all = false;
    close(listener);
}

static const test_case_t cases[] = {
    CASE(calls_wait_as_long),
    CASE(only_what_was_asked_for_must_be),
};

TEST_MAIN("sandbox")
