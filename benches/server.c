/* The peer, as fast as it can be, so that it is the client that is measured. It serves one
 * connection on the loopback and prints its port first: server echo|source|sink PACKET_SIZE SECONDS
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER ((size_t)4)
#define ROOM ((size_t)1 << 19)

static uint8_t buffer[ROOM];

static void check(int result, const char *what)
{
    if (result < 0) {
        perror(what);
        exit(1);
    }
}

static int accept_one(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int on = 1;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(listener, "socket");
    check(bind(listener, (struct sockaddr *)&address, sizeof address), "bind");
    check(listen(listener, 1), "listen");
    check(getsockname(listener, (struct sockaddr *)&address, &size), "getsockname");
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);

    int fd = accept(listener, NULL, NULL);
    check(fd, "accept");
    check(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "setsockopt");
    close(listener);
    return fd;
}

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

static void echo(int fd)
{
    ssize_t count;
    while ((count = recv(fd, buffer, ROOM, 0)) > 0 && send_all(fd, (size_t)count))
        ;
}

/* Many packets with a length in front, again and again. */
static void stream(int fd, size_t packet_size)
{
    size_t filled = 0;
    uint32_t header = htonl((uint32_t)packet_size);
    for (; filled + HEADER + packet_size <= ROOM; filled += HEADER + packet_size)
        memcpy(buffer + filled, &header, HEADER);
    while (send_all(fd, filled))
        ;
}

/* The system throws the bytes away without copying them here. */
static void discard(int fd)
{
    while (recv(fd, buffer, ROOM, MSG_TRUNC) > 0)
        ;
}

int main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "arguments are echo|source|sink PACKET_SIZE SECONDS\n");
        return 1;
    }
    size_t packet_size = strtoul(argv[2], NULL, 10);
    alarm((unsigned)atoi(argv[3]));
    int fd = accept_one();
    if (!strcmp(argv[1], "echo"))
        echo(fd);
    else if (!strcmp(argv[1], "source"))
        stream(fd, packet_size);
    else
        discard(fd);
    return 0;
}
