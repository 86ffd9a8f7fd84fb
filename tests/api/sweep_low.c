/* The part of the fixture that is the low level. */
#include "sweep.h"

#include <poll.h>

int sweep_wait(int fd, int interest, int64_t timeout_ms, void *user_data)
{
    struct pollfd polled = {.fd = fd, .events = 0};

    (void)user_data;
    if (interest & EN_INTEREST_READ)
        polled.events |= POLLIN;
    if (interest & EN_INTEREST_WRITE)
        polled.events |= POLLOUT;
    poll(&polled, 1, timeout_ms < 0 || timeout_ms > INT_MAX ? -1 : (int)timeout_ms);
    return EN_CALLBACK_DONE;
}

int sweep_attempt(int *fd, void *user_data)
{
    (void)fd, (void)user_data;
    return EN_CALLBACK_DONE;
}

static int bring(void *buffer, size_t capacity, size_t *count, void *user_data)
{
    (void)buffer, (void)capacity, (void)user_data;
    *count = 0;
    return EN_CALLBACK_DONE;
}

static int take(const en_slice_t *slices, size_t count, size_t *sent, void *user_data)
{
    (void)user_data;
    for (size_t i = 0; i < count; i++)
        *sent += slices[i].size;
    return EN_CALLBACK_DONE;
}

/* One end of a pair; the other has sent six lines or datagrams. */
static int end_of_pair(fixture_t *fx, int type)
{
    const size_t size = type == SOCK_STREAM ? 2 : 1;
    int ends[2];

    NEED(socketpair(AF_UNIX, type, 0, ends) == 0);
    for (int i = 0; i < 6; i++)
        NEED(send(ends[1], "a\n", size, 0) == (ssize_t)size);
    fx->low_peers[fx->low_peer_count++] = ends[1];
    return ends[0];
}

static void set_up_streams(fixture_t *fx)
{
    en_stream_transport_t *own = NULL;

    NEED(en_stream_transport_from_fd(&fx->stream_transport, end_of_pair(fx, SOCK_STREAM), NULL) ==
         EN_OK);
    NEED(en_stream_transport_from_fd(&fx->stream_other, end_of_pair(fx, SOCK_STREAM), NULL) ==
         EN_OK);
    NEED(en_stream_transport_new_stapled(&fx->stream_stapled, fx->stream_transport,
                                         fx->stream_other, NULL) == EN_OK);
    NEED(en_stream_transport_from_fd(&own, end_of_pair(fx, SOCK_STREAM), NULL) == EN_OK);
    NEED(en_stream_endpoint_new(&fx->stream_endpoint, own, fx->protocol, NULL) == EN_OK);
    en_stream_transport_free(own);
    fx->stream_low_fd = end_of_pair(fx, SOCK_STREAM);
}

static void set_up_datagrams(fixture_t *fx)
{
    en_datagram_transport_t *own = NULL;

    NEED(en_datagram_transport_from_fd(&fx->datagram_transport, end_of_pair(fx, SOCK_DGRAM),
                                       NULL) == EN_OK);
    NEED(en_datagram_transport_from_fd(&fx->datagram_other, end_of_pair(fx, SOCK_DGRAM), NULL) ==
         EN_OK);
    NEED(en_datagram_transport_new_stapled(&fx->datagram_stapled, fx->datagram_transport,
                                           fx->datagram_other, NULL) == EN_OK);
    NEED(en_datagram_transport_from_fd(&own, end_of_pair(fx, SOCK_DGRAM), NULL) == EN_OK);
    NEED(en_datagram_endpoint_new(&fx->datagram_endpoint, own, fx->datagrams, NULL) == EN_OK);
    en_datagram_transport_free(own);
    fx->datagram_low_fd = end_of_pair(fx, SOCK_DGRAM);
}

void sweep_set_up_low(fixture_t *fx)
{
    if (fx->stream_endpoint != NULL)
        return; /* a case that runs within a callback has it already */
    NEED(en_transport_options_new(&fx->transport_options) == EN_OK);
    NEED(en_endpoint_options_new(&fx->endpoint_options) == EN_OK);
    fx->transport_callbacks.struct_size = sizeof(fx->transport_callbacks);
    fx->transport_callbacks.recv = bring;
    fx->transport_callbacks.send = take;
    set_up_streams(fx);
    set_up_datagrams(fx);
    memset(fx->buffer, 'x', sizeof(fx->buffer));
}

/* Shakes hands, if the other end does. */
static void *answer(void *arg)
{
    fixture_t *fx = arg;
    en_stream_transport_t *plain = NULL, *secure = NULL;
    en_tls_config_t *config = NULL;

    NEED(en_tls_config_new_server(&config, fx->tls_server_options) == EN_OK);
    NEED(en_stream_transport_from_fd(&plain, fx->tls_peer, NULL) == EN_OK);
    en_stream_transport_new_tls(&secure, plain, config, NULL, NULL);
    en_stream_transport_free(secure);
    en_stream_transport_free(plain);
    en_tls_config_free(config);
    return NULL;
}

void sweep_set_up_low_tls(fixture_t *fx)
{
    en_tls_options_t *options = NULL;
    int ends[2];

    NEED(en_transport_options_new(&fx->transport_options) == EN_OK);
    NEED(en_tls_options_new(&options) == EN_OK);
    NEED(en_tls_options_add_pinned_certificate_pem(options, fx->pem, fx->pem_size) == EN_OK);
    NEED(en_tls_config_new_client(&fx->tls_low_config, options) == EN_OK);
    en_tls_options_free(options);
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    NEED(en_stream_transport_from_fd(&fx->tls_plain, ends[0], NULL) == EN_OK);
    fx->tls_peer = ends[1];
    NEED(pthread_create(&fx->tls_thread, NULL, answer, fx) == 0);
    fx->tls_answers = 1;
}

void sweep_shake_hands_low(fixture_t *fx)
{
    NEED(en_stream_transport_new_tls(&fx->tls_transport, fx->tls_plain, fx->tls_low_config,
                                     "localhost", NULL) == EN_OK);
}

void sweep_secure_endpoint(fixture_t *fx)
{
    NEED(en_stream_endpoint_new(&fx->stream_endpoint, fx->tls_transport, fx->protocol, NULL) ==
         EN_OK);
}

void sweep_tear_down_low(fixture_t *fx)
{
    en_stream_endpoint_free(fx->stream_endpoint);
    en_datagram_endpoint_free(fx->datagram_endpoint);
    en_stream_transport_free(fx->stream_stapled);
    en_stream_transport_free(fx->stream_other);
    en_stream_transport_free(fx->stream_transport);
    en_datagram_transport_free(fx->datagram_stapled);
    en_datagram_transport_free(fx->datagram_other);
    en_datagram_transport_free(fx->datagram_transport);
    en_stream_transport_free(fx->tls_transport);
    en_stream_transport_free(fx->tls_plain);
    if (fx->tls_answers)
        pthread_join(fx->tls_thread, NULL);
    en_tls_config_free(fx->tls_low_config);
    en_transport_options_free(fx->transport_options);
    en_endpoint_options_free(fx->endpoint_options);
    if (fx->stream_low_fd > 0)
        close(fx->stream_low_fd);
    if (fx->datagram_low_fd > 0)
        close(fx->datagram_low_fd);
    for (int i = 0; i < fx->low_peer_count; i++)
        close(fx->low_peers[i]);
}
