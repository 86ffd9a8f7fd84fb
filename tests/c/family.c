#include "family.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

bool check_get(const char *file, int line, en_client_t *client, const void *data, size_t size)
{
    en_packet_t packet = {0};
    bool good = harness_check_code(file, line, "receiving",
                                   en_client_recv_packet(client, 20000, &packet), EN_OK);

    good = good && harness_check_bytes(file, line, packet.data, packet.size, data, size);
    en_packet_release(&packet);
    return good;
}

bool check_get_fails(const char *file, int line, en_client_t *client, int64_t timeout_ms, int code)
{
    static const uint8_t mark = 0;
    en_packet_t packet = {&mark, 77, NULL};
    int got = en_client_recv_packet(client, timeout_ms, &packet);

    if (!harness_check_code(file, line, "receiving", got, code)) {
        if (got == EN_OK)
            en_packet_release(&packet);
        return false;
    }
    return harness_check(file, line, "the output is untouched",
                         packet.data == &mark && packet.size == 77);
}

int put_text(en_client_t *client, const char *text)
{
    return en_client_send_packet(client, text, strlen(text), 20000);
}

static void receive(void *arg)
{
    waiter_t *waiter = arg;
    en_packet_t packet = {0};

    waiter->rc = en_client_recv_packet(waiter->client, EN_TIMEOUT_INFINITE, &packet);
    en_packet_release(&packet);
}

static void send_on(void *arg)
{
    waiter_t *waiter = arg;

    do
        waiter->rc =
            en_client_send_packet(waiter->client, waiter->data, waiter->size, EN_TIMEOUT_INFINITE);
    while (waiter->rc == EN_OK);
}

void waiter_starts_receiving(waiter_t *waiter, en_client_t *client)
{
    waiter->client = client;
    thread_start(&waiter->thread, receive, waiter);
}

void waiter_receives(waiter_t *waiter, en_client_t *client)
{
    waiter_starts_receiving(waiter, client);
    thread_wait_blocked(&waiter->thread);
}

void waiter_starts_sending(waiter_t *waiter, en_client_t *client, const void *data, size_t size)
{
    waiter->client = client;
    waiter->data = data;
    waiter->size = size;
    thread_start(&waiter->thread, send_on, waiter);
}

void waiter_sends(waiter_t *waiter, en_client_t *client, const void *data, size_t size)
{
    waiter_starts_sending(waiter, client, data, size);
    thread_wait_blocked(&waiter->thread);
}

int waiter_end(waiter_t *waiter)
{
    thread_join(&waiter->thread);
    return waiter->rc;
}

en_datagram_protocol_t *protocol_datagrams(void)
{
    en_datagram_protocol_t *protocol;

    REQUIRE_OK(en_datagram_protocol_new_raw(&protocol, 0));
    return protocol;
}

void folder_open(folder_t *folder)
{
    strcpy(folder->path, "/tmp/easynet-XXXXXX");
    REQUIRE(mkdtemp(folder->path));
    snprintf(folder->socket, sizeof(folder->socket), "%s/socket", folder->path);
    snprintf(folder->other, sizeof(folder->other), "%s/other", folder->path);
}

void folder_close(folder_t *folder)
{
    unlink(folder->socket);
    unlink(folder->other);
    CHECK(rmdir(folder->path) == 0);
}

socklen_t unix_name(struct sockaddr_un *address, const char *name)
{
    size_t size = strlen(name);

    memset(address, 0, sizeof(*address));
    address->sun_family = AF_UNIX;
    memcpy(address->sun_path, name, size);
    if (name[0] == '@')
        address->sun_path[0] = '\0';
    else
        size++;
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
}

int unix_bound(int type, const char *name)
{
    struct sockaddr_un address;
    socklen_t size = unix_name(&address, name);
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    REQUIRE(fd >= 0);
    REQUIRE(bind(fd, (struct sockaddr *)&address, size) == 0);
    return fd;
}

int unix_accept(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    REQUIRE(fd >= 0);
    return fd;
}

int udp_bound(const char *host)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    bool is_v6 = strchr(host, ':') != NULL;
    int fd = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    REQUIRE(fd >= 0);
    if (is_v6) {
        REQUIRE(inet_pton(AF_INET6, host, &v6.sin6_addr) == 1);
        REQUIRE(bind(fd, (struct sockaddr *)&v6, sizeof(v6)) == 0);
    } else {
        REQUIRE(inet_pton(AF_INET, host, &v4.sin_addr) == 1);
        REQUIRE(bind(fd, (struct sockaddr *)&v4, sizeof(v4)) == 0);
    }
    return fd;
}

void connect_to(int fd, int other)
{
    struct sockaddr_storage name;
    socklen_t size = sizeof(name);

    REQUIRE(getsockname(other, (struct sockaddr *)&name, &size) == 0);
    REQUIRE(connect(fd, (struct sockaddr *)&name, size) == 0);
}

void wait_readable(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};

    REQUIRE(poll(&ready, 1, 20000) == 1);
}

void expect_datagram(int fd, const void *data, size_t size)
{
    static unsigned char buffer[1 << 18];
    ssize_t got;

    wait_readable(fd);
    got = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT);
    REQUIRE(got >= 0);
    CHECK_BYTES(buffer, (size_t)got, data, size);
}

void expect_no_datagram(int fd)
{
    char byte;

    CHECK(recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN);
}

bool is_open(int fd)
{
    return fcntl(fd, F_GETFD) >= 0;
}
