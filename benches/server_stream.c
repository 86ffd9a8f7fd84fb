/* The peer of streams. */
#include "server.h"

#include <stdio.h>
#include <sys/socket.h>

/* 0: the client is gone. */
static int send_all(int fd, size_t size)
{
    for (size_t sent = 0; sent < size;) {
        ssize_t count = send(fd, buffer + sent, size - sent, MSG_NOSIGNAL);
        if (count <= 0)
            return 0;
        sent += (size_t)count;
    }
    return 1;
}

static void echo(int fd, size_t packet_size)
{
    (void)packet_size;
    ssize_t count;
    while ((count = recv(fd, buffer, ROOM, 0)) > 0 && send_all(fd, (size_t)count))
        ;
}

/* Many packets, again and again. */
static void stream(int fd, size_t packet_size)
{
    size_t filled = fill_with_packets(packet_size, SIZE_MAX);
    while (send_all(fd, filled))
        ;
}

/* TCP throws the bytes away without copying them here. In the end it is told how many they were. */
static void discard(int fd, size_t packet_size)
{
    (void)packet_size;
    size_t total = 0;
    ssize_t count;
    while ((count = recv(fd, buffer, ROOM, MSG_TRUNC)) > 0)
        total += (size_t)count;
    printf("%zu\n", total);
}

const struct mode stream_modes[] = {
    {"echo", echo},
    {"source", stream},
    {"sink", discard},
    {0},
};
