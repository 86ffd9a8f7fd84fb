#include "plain.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

int fd;
uint64_t calls;

void set_option(int level, int name, const void *value, socklen_t size)
{
    if (setsockopt(fd, level, name, value, size))
        fail_errno("setsockopt");
}

static void connect_to(int type, const void *address, socklen_t size)
{
    struct timeval timeout = {.tv_sec = TIMEOUT_MS / 1000};
    const struct sockaddr *to = address;
    fd = socket(to->sa_family, type | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, to, size))
        fail_errno("connect");
    set_option(SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    set_option(SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
}

static void connect_to_port(int type, const char *port)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)atoi(port)),
                                  .sin_addr = {htonl(INADDR_LOOPBACK)}};
    connect_to(type, &address, sizeof address);
}

void open_tcp(const char *address)
{
    int on = 1;
    connect_to_port(SOCK_STREAM, address);
    set_option(IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void open_udp(const char *address)
{
    connect_to_port(SOCK_DGRAM, address);
    if (send(fd, NULL, 0, 0))
        fail_errno("send");
}

void open_unix(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(name);
    if (size >= sizeof address.sun_path)
        fail(name, "the name is too long");
    memcpy(address.sun_path + 1, name, size);
    size += offsetof(struct sockaddr_un, sun_path) + 1;
    connect_to(SOCK_STREAM, &address, (socklen_t)size);
}

void prepare_message(struct message *message, void *data, size_t size)
{
    message->part = (struct iovec){data, size};
    message->header = (struct msghdr){.msg_iov = &message->part,
                                      .msg_iovlen = 1,
                                      .msg_control = message->control,
                                      .msg_controllen = sizeof message->control};
}

void set_control(struct message *message, int level, int type, const void *value, size_t size)
{
    message->header.msg_controllen = CMSG_SPACE(size);
    struct cmsghdr *control = CMSG_FIRSTHDR(&message->header);
    *control = (struct cmsghdr){.cmsg_level = level, .cmsg_type = type, .cmsg_len = CMSG_LEN(size)};
    memcpy(CMSG_DATA(control), value, size);
}

int control_of(struct message *message)
{
    int value;
    struct cmsghdr *control = CMSG_FIRSTHDR(&message->header);
    if (!control)
        return -1;
    memcpy(&value, CMSG_DATA(control), sizeof value);
    return value;
}
