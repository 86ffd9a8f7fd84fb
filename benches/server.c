/* The peer, as fast as it can be, so that it is the client that is measured. It serves one client
 * (or, where that is the work, one after the other) and first prints where it is to be found, a
 * port of the loopback or an abstract Unix name: server TRANSPORT MODE PACKET_SIZE SECONDS */
#include "server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

uint8_t buffer[ROOM];

void check(int result, const char *what)
{
    if (result < 0) {
        perror(what);
        exit(1);
    }
}

static size_t put_four_bytes(uint8_t *to, size_t packet_size)
{
    uint32_t length = htonl((uint32_t)packet_size);
    memcpy(to, &length, sizeof length);
    return sizeof length;
}

size_t (*put_length)(uint8_t *to, size_t packet_size) = put_four_bytes;

size_t fill_with_packets(size_t packet_size, size_t most)
{
    size_t filled = 0;
    for (; most && filled + HEADER_MAX + packet_size <= ROOM; most--) {
        filled += put_length(buffer + filled, packet_size);
        buffer[filled] = MARK;
        filled += packet_size;
    }
    return filled;
}

static int bind_to_loopback(int type)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    check(fd, "socket");
    check(bind(fd, (struct sockaddr *)&address, sizeof address), "bind");
    check(getsockname(fd, (struct sockaddr *)&address, &size), "getsockname");
    if (type == SOCK_STREAM) {
        int on = 1; /* for those who are accepted, too */
        check(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "setsockopt");
        check(listen(fd, SOMAXCONN), "listen");
    }
    printf("%d\n", ntohs(address.sin_port));
    return fd;
}

/* The system chooses a name, which it does if none is given. */
static int bind_to_name(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    socklen_t size = sizeof address;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    check(fd, "socket");
    check(bind(fd, (struct sockaddr *)&address, sizeof address.sun_family), "bind");
    check(getsockname(fd, (struct sockaddr *)&address, &size), "getsockname");
    check(listen(fd, 1), "listen");
    size -= (socklen_t)offsetof(struct sockaddr_un, sun_path) + 1;
    printf("%.*s\n", (int)size, address.sun_path + 1);
    return fd;
}

static int accept_one(int listener)
{
    fflush(stdout);
    int fd = accept(listener, NULL, NULL);
    check(fd, "accept");
    close(listener);
    return fd;
}

static int meet_by_tcp(void)
{
    return accept_one(bind_to_loopback(SOCK_STREAM));
}

/* Whoever serves accepts. */
static int listen_by_tcp(void)
{
    int listener = bind_to_loopback(SOCK_STREAM);
    fflush(stdout);
    return listener;
}

static int meet_by_unix(void)
{
    return accept_one(bind_to_name());
}

/* Whoever sends the first datagram is the client. */
static int meet_by_udp(void)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    int fd = bind_to_loopback(SOCK_DGRAM);
    fflush(stdout);
    check((int)recvfrom(fd, buffer, ROOM, 0, (struct sockaddr *)&address, &size), "recvfrom");
    check(connect(fd, (struct sockaddr *)&address, size), "connect");
    return fd;
}

static const struct transport {
    const char *name;
    int (*meet)(void);
    const struct mode *modes[2];
    /* What is said before the packets, if anything is. */
    void (*greet)(int fd);
} transports[] = {
    {"tcp", meet_by_tcp, {stream_modes}, NULL},
    {"tcp-listener", listen_by_tcp, {listener_modes}, NULL},
    {"nng", meet_by_tcp, {stream_modes}, greet_nng},
    {"zeromq", meet_by_tcp, {stream_modes}, greet_zeromq},
    {"unix", meet_by_unix, {stream_modes, descriptor_modes}, NULL},
    {"udp", meet_by_udp, {datagram_modes}, NULL},
    {"tls", meet_by_tcp, {tls_modes}, NULL},
    {"tls-listener", listen_by_tcp, {tls_listener_modes}, NULL},
    {0},
};

static const struct transport *find_transport(const char *name)
{
    for (const struct transport *transport = transports; transport->name; transport++)
        if (!strcmp(transport->name, name))
            return transport;
    return NULL;
}

static const struct mode *find_mode(const struct transport *transport, const char *name)
{
    for (size_t i = 0; transport && i < 2; i++)
        for (const struct mode *mode = transport->modes[i]; mode && mode->name; mode++)
            if (!strcmp(mode->name, name))
                return mode;
    return NULL;
}

int main(int argc, char **argv)
{
    const struct transport *transport = argc == 5 ? find_transport(argv[1]) : NULL;
    const struct mode *mode = find_mode(transport, argv[2]);
    if (!mode) {
        fprintf(stderr, "arguments are TRANSPORT MODE PACKET_SIZE SECONDS\n");
        return 1;
    }
    alarm((unsigned)atoi(argv[4]));
    int fd = transport->meet();
    if (transport->greet)
        transport->greet(fd);
    mode->serve(fd, strtoul(argv[3], NULL, 10));
    return 0;
}
