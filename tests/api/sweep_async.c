/* The part of the fixture that is on a loop. */
#include "sweep.h"

#include <arpa/inet.h>
#include <string.h>

void sweep_async_done(int status, void *user_data)
{
    (void)status, (void)user_data;
}

void sweep_async_sent(int status, size_t count, void *user_data)
{
    (void)status, (void)count, (void)user_data;
}

void sweep_async_received(int status, en_packet_t *packet, void *user_data)
{
    (void)status, (void)user_data;
    en_packet_release(packet);
}

void sweep_async_received_packets(int status, en_packet_t *packets, size_t count, void *user_data)
{
    (void)status, (void)user_data;
    for (size_t i = 0; i < count; i++)
        en_packet_release(&packets[i]);
}

int sweep_async_receive(int status, en_packet_t *packet, void *user_data)
{
    sweep_async_received(status, packet, user_data);
    return EN_RECEIVE_MORE;
}

static int connected(int type, int *peer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, type, 0);
    int fd = socket(AF_INET, type, 0);

    NEED(bind(listener, (struct sockaddr *)&address, size) == 0);
    NEED(type == SOCK_DGRAM || listen(listener, 1) == 0);
    NEED(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    NEED(connect(fd, (struct sockaddr *)&address, size) == 0);
    *peer = listener;
    return fd;
}

static int half(int type, int *peer)
{
    int ends[2];

    NEED(socketpair(AF_UNIX, type, 0, ends) == 0);
    *peer = ends[1];
    return ends[0];
}

void sweep_set_up_async(fixture_t *fx)
{
    if (fx->loop != NULL)
        return; /* a case that runs within a callback has it already */
    NEED(en_loop_new(&fx->loop) == EN_OK);
    NEED(en_async_tcp_client_from_fd(&fx->async_tcp, fx->loop,
                                     connected(SOCK_STREAM, &fx->async_peers[0]), fx->protocol,
                                     NULL) == EN_OK);
    NEED(en_async_udp_client_from_fd(&fx->async_udp, fx->loop,
                                     connected(SOCK_DGRAM, &fx->async_peers[1]), fx->datagrams,
                                     NULL) == EN_OK);
    NEED(en_async_unix_stream_client_from_fd(&fx->async_unix_stream, fx->loop,
                                             half(SOCK_STREAM, &fx->async_peers[2]), fx->protocol,
                                             NULL) == EN_OK);
    NEED(en_async_unix_datagram_client_from_fd(&fx->async_unix_datagram, fx->loop,
                                               half(SOCK_DGRAM, &fx->async_peers[3]), fx->datagrams,
                                               NULL) == EN_OK);
    memset(fx->buffer, 'x', sizeof(fx->buffer));
}

/* Lets the clients take over what they were given. */
void sweep_connect_async(fixture_t *fx)
{
    if (en_async_tcp_client_fileno(fx->async_tcp) >= 0)
        return;
    NEED(en_loop_run_once(fx->loop, 0) == EN_OK);
    NEED(en_async_tcp_client_is_connected(fx->async_tcp) == 1);
}

void sweep_set_up_async_tls(fixture_t *fx)
{
    en_tcp_options_t *options = NULL;
    en_tls_config_t *config = NULL;
    pthread_t thread;

    sweep_set_up_async(fx);
    en_async_tcp_client_free(fx->async_tcp);
    sweep_begin_answering(fx, &thread, &config);
    NEED(en_tcp_options_new(&options) == EN_OK);
    NEED(en_tcp_options_set_tls(options, config, "localhost") == EN_OK);
    NEED(en_async_tcp_client_new(&fx->async_tcp, fx->loop, "127.0.0.1", fx->tls_port, fx->protocol,
                                 options) == EN_OK);
    while (!en_async_tcp_client_is_connected(fx->async_tcp)) {
        NEED(en_async_tcp_client_wait_connected(fx->async_tcp, 10000, NULL, NULL, NULL) == EN_OK);
        NEED(en_loop_run_once(fx->loop, 10000) == EN_OK);
    }
    pthread_join(thread, NULL);
    en_tcp_options_free(options);
    en_tls_config_free(config);
}

void sweep_set_up_async_endpoints(fixture_t *fx)
{
    if (fx->async_stream_endpoint != NULL)
        return; /* a case that runs within a callback has it already */
    NEED(en_async_stream_endpoint_new(&fx->async_stream_endpoint, fx->loop, fx->stream_other,
                                      fx->protocol, NULL) == EN_OK);
    NEED(en_async_datagram_endpoint_new(&fx->async_datagram_endpoint, fx->loop, fx->datagram_other,
                                        fx->datagrams, NULL) == EN_OK);
}

void sweep_secure_async_endpoint(fixture_t *fx)
{
    NEED(en_async_stream_endpoint_new(&fx->async_stream_endpoint, fx->loop, fx->tls_transport,
                                      fx->protocol, NULL) == EN_OK);
}

void sweep_tear_down_async(fixture_t *fx)
{
    en_async_stream_endpoint_free(fx->async_stream_endpoint);
    en_async_datagram_endpoint_free(fx->async_datagram_endpoint);
    en_async_tcp_client_free(fx->async_tcp);
    en_async_udp_client_free(fx->async_udp);
    en_async_unix_stream_client_free(fx->async_unix_stream);
    en_async_unix_datagram_client_free(fx->async_unix_datagram);
    en_loop_free(fx->loop);
    for (int i = 0; i < 4; i++) {
        if (fx->async_peers[i] > 0)
            close(fx->async_peers[i]);
    }
}
