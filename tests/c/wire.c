#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

en_stream_protocol_t *protocol_line(void)
{
    en_stream_protocol_t *protocol;

    REQUIRE_OK(en_stream_protocol_new_line(&protocol, EN_NEWLINE_LF, 0));
    return protocol;
}

en_stream_protocol_t *protocol_raw(void)
{
    en_stream_protocol_t *protocol;

    REQUIRE_OK(en_stream_protocol_new_raw(&protocol, 0));
    return protocol;
}

en_stream_protocol_t *protocol_json(void)
{
    en_stream_protocol_t *protocol;

    REQUIRE_OK(en_stream_protocol_new_json(&protocol, 0));
    return protocol;
}

en_tcp_options_t *options_new(void)
{
    en_tcp_options_t *options;

    REQUIRE_OK(en_tcp_options_new(&options));
    return options;
}

void wire_open(wire_t *wire, en_stream_protocol_t *protocol, en_tcp_options_t *options)
{
    wire->listener = peer_listen("127.0.0.1", 16);
    wire->port = peer_port(wire->listener);
    wire->client = NULL;
    REQUIRE_OK(en_tcp_client_connect(&wire->client, "127.0.0.1", wire->port, protocol, options));
    en_stream_protocol_free(protocol);
    en_tcp_options_free(options);
    wire->fd = peer_accept(wire->listener);
}

void wire_close_peer(wire_t *wire)
{
    if (wire->fd >= 0)
        close(wire->fd);
    wire->fd = -1;
}

void wire_reset_peer(wire_t *wire)
{
    peer_reset(wire->fd);
    wire->fd = -1;
}

void wire_close(wire_t *wire)
{
    en_tcp_client_free(wire->client);
    wire_close_peer(wire);
    close(wire->listener);
}

void wire_narrow(wire_t *wire)
{
    int size = 8192;

    REQUIRE(setsockopt(wire->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) == 0);
    REQUIRE_OK(en_tcp_client_set_option(wire->client, EN_OPTION_SEND_BUFFER, size));
}

size_t wire_fill(wire_t *wire)
{
    static const char zeros[4096];
    int fd = en_tcp_client_fileno(wire->client);
    size_t total = 0;
    int full = 0;

    /* What is under way may make room once more: full is what stays full. */
    while (full < 3) {
        size_t before = total;
        ssize_t sent;

        while ((sent = send(fd, zeros, sizeof(zeros), MSG_DONTWAIT | MSG_NOSIGNAL)) > 0 ||
               (sent = send(fd, zeros, 1, MSG_DONTWAIT | MSG_NOSIGNAL)) > 0)
            total += (size_t)sent;
        REQUIRE(errno == EAGAIN);
        full = total == before ? full + 1 : 0;
        pause_ms(30);
    }
    return total;
}

void wire_wait_arrived(wire_t *wire)
{
    struct pollfd ready = {.fd = en_tcp_client_fileno(wire->client), .events = POLLIN};

    REQUIRE(poll(&ready, 1, 20000) == 1);
}

void wire_feed_bytewise(wire_t *wire, const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        peer_send(wire->fd, (const char *)data + i, 1);
        wire_wait_arrived(wire);
        if (i + 1 < size)
            CHECK_RECV_FAILS(wire->client, 0, EN_ETIMEDOUT);
    }
}

en_stats_t wire_stats(wire_t *wire)
{
    en_stats_t stats = {.struct_size = sizeof(stats)};

    CHECK_OK(en_tcp_client_get_stats(wire->client, &stats));
    return stats;
}

int send_text(en_tcp_client_t *client, const char *text)
{
    return en_tcp_client_send_packet(client, text, strlen(text), 20000);
}
