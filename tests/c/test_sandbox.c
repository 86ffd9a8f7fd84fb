/* A sandbox where a socket's time-outs cannot be set: the library waits in another way, as long.
 * The program puts a setsockopt of its own in place of the system's. */
#include "threads.h"
#include "wire.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static int refused;

int setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
    if (level == SOL_SOCKET && (name == SO_RCVTIMEO || name == SO_SNDTIMEO)) {
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

static const test_case_t cases[] = {
    CASE(calls_wait_as_long),
};

TEST_MAIN("sandbox")
