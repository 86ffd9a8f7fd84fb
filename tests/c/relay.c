#include "relay.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PIECE = 100, PATIENCE_MS = 300 };

static void serve(void *arg)
{
    relay_t *relay = arg;
    int fd = peer_accept(relay->behind);
    en_stream_protocol_t *protocol = protocol_line();
    en_tcp_options_t *options = options_new();
    en_tls_config_t *config = tls_server_config(tls_identity("good"));
    en_packet_t packet = {0};

    REQUIRE_OK(en_tcp_options_set_tls(options, config, NULL));
    /* The client may leave at any time. */
    if (en_tcp_client_from_fd(&relay->server, fd, protocol, options) != EN_OK) {
        close(fd);
    } else {
        CHECK(en_tcp_client_recv_packet(relay->server, EN_TIMEOUT_INFINITE, &packet) != EN_OK);
        en_tcp_client_close(relay->server);
    }
    en_tls_config_free(config);
    en_tcp_options_free(options);
    en_stream_protocol_free(protocol);
}

void relay_open(relay_t *relay)
{
    *relay = (relay_t){.front = -1};
    relay->listener = peer_listen("127.0.0.1", 4);
    relay->behind = peer_listen("127.0.0.1", 4);
    relay->back = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    REQUIRE(relay->back >= 0);
    connect_to(relay->back, relay->behind);
    thread_start(&relay->thread, serve, relay);
}

void relay_accepts(relay_t *relay)
{
    struct pollfd ready = {.fd = relay->listener, .events = POLLIN};

    if (relay->front < 0 && poll(&ready, 1, 0) == 1)
        relay->front = peer_accept(relay->listener);
}

bool relay_carries(relay_t *relay)
{
    struct pollfd ends[] = {{.fd = relay->front, .events = POLLIN},
                            {.fd = relay->back, .events = POLLIN}};
    char piece[PIECE];
    ssize_t size;
    int from;

    if (poll(ends, 2, PATIENCE_MS) <= 0)
        return false;
    from = ends[0].revents == 0;
    size = recv(ends[from].fd, piece, sizeof(piece), 0);
    if (size > 0) {
        ssize_t gone = send(ends[!from].fd, piece, (size_t)size, MSG_NOSIGNAL);

        return gone == size;
    }
    shutdown(ends[!from].fd, SHUT_WR);
    return false;
}

void relay_close(relay_t *relay)
{
    if (relay->front >= 0)
        close(relay->front);
    close(relay->back);
    thread_join(&relay->thread);
    if (relay->server)
        en_tcp_client_abort(relay->server);
    en_tcp_client_free(relay->server);
    close(relay->listener);
    close(relay->behind);
}
