/* The peer of datagrams. What the client is too slow for is lost. */
#include "server.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <sched.h>
#include <sys/socket.h>

/* So many datagrams the kernel cuts from one buffer. */
#define SEGMENTS ((size_t)64)

static void echo(int fd, size_t packet_size)
{
    (void)packet_size;
    ssize_t count;
    while ((count = recv(fd, buffer, ROOM, 0)) >= 0 && send(fd, buffer, (size_t)count, 0) == count)
        ;
}

/* Who receives one by one gets them one by one, but never has to wait for them. */
static void stream(int fd, size_t packet_size)
{
    int size = (int)packet_size;
    check(setsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, sizeof size), "UDP_SEGMENT");
    for (size_t i = 0; i < SEGMENTS; i++)
        buffer[i * packet_size] = MARK;
    while (send(fd, buffer, SEGMENTS * packet_size, 0) > 0)
        ;
}

/* Takes what was cut from one buffer as one, and never sleeps: a client that had to wake it each
 * time would be measured for that and little else. */
static void discard(int fd, size_t packet_size)
{
    (void)packet_size;
    int on = 1;
    check(setsockopt(fd, SOL_UDP, UDP_GRO, &on, sizeof on), "UDP_GRO");
    for (;;)
        if (recv(fd, buffer, ROOM, MSG_DONTWAIT) < 0)
            sched_yield();
}

const struct mode datagram_modes[] = {
    {"echo", echo},
    {"source", stream},
    {"sink", discard},
    {0},
};
