/* States that a case may find the handles of the fixture in: closed, and inside a callback. */
#include "sweep.h"

/* Ends the handle that the fixture has, and makes another with a protocol of callbacks. */
#define WITH_OWN(kind, table, field, end, make)                                                    \
    do {                                                                                           \
        en_##kind##_protocol_t *own;                                                               \
                                                                                                   \
        NEED(en_##kind##_protocol_new(&own, &fx->table, 0, NULL, NULL) == EN_OK);                  \
        end(fx->field);                                                                            \
        fx->field = NULL;                                                                          \
        NEED((make) == EN_OK);                                                                     \
        en_##kind##_protocol_free(own);                                                            \
    } while (0)

#define STREAM(field, end, make) WITH_OWN(stream, callbacks, field, end, make)
#define DATAGRAM(field, end, make) WITH_OWN(datagram, datagram_callbacks, field, end, make)

/* What the callback does may end the call: closed is as good as sent. */
static void sent(int rc)
{
    NEED(rc == EN_OK || rc == EN_ECLOSED);
}

static int taken(int *fd)
{
    const int mine = *fd;

    *fd = -1;
    return mine;
}

void sweep_within_tcp(fixture_t *fx)
{
    STREAM(client, en_tcp_client_free,
           en_tcp_client_from_fd(&fx->client, taken(&fx->fd), own, NULL));
    sent(en_tcp_client_send_packet(fx->client, "x", 1, -1));
}

void sweep_within_udp(fixture_t *fx)
{
    DATAGRAM(udp, en_udp_client_free,
             en_udp_client_from_fd(&fx->udp, taken(&fx->udp_fd), own, NULL));
    sent(en_udp_client_send_packet(fx->udp, "x", 1, -1));
}

void sweep_within_stream(fixture_t *fx)
{
    STREAM(stream, en_unix_stream_client_free,
           en_unix_stream_client_from_fd(&fx->stream, taken(&fx->stream_fd), own, NULL));
    sent(en_unix_stream_client_send_packet(fx->stream, "x", 1, -1));
}

void sweep_within_datagram(fixture_t *fx)
{
    DATAGRAM(datagram, en_unix_datagram_client_free,
             en_unix_datagram_client_from_fd(&fx->datagram, taken(&fx->datagram_fd), own, NULL));
    sent(en_unix_datagram_client_send_packet(fx->datagram, "x", 1, -1));
}

void sweep_within_stream_endpoint(fixture_t *fx)
{
    sweep_set_up_low(fx);
    STREAM(stream_endpoint, en_stream_endpoint_free,
           en_stream_endpoint_new(&fx->stream_endpoint, fx->stream_other, own, NULL));
    sent(en_stream_endpoint_send_packet(fx->stream_endpoint, "x", 1, -1));
}

void sweep_within_datagram_endpoint(fixture_t *fx)
{
    sweep_set_up_low(fx);
    DATAGRAM(datagram_endpoint, en_datagram_endpoint_free,
             en_datagram_endpoint_new(&fx->datagram_endpoint, fx->datagram_other, own, NULL));
    sent(en_datagram_endpoint_send_packet(fx->datagram_endpoint, "x", 1, -1));
}

void sweep_within_async_tcp(fixture_t *fx)
{
    sweep_set_up_async(fx);
    STREAM(async_tcp, en_async_tcp_client_free,
           en_async_tcp_client_from_fd(&fx->async_tcp, fx->loop, taken(&fx->fd), own, NULL));
    sweep_connect_async(fx);
    sent(en_async_tcp_client_send_packet(fx->async_tcp, "x", 1, -1, NULL, NULL, NULL));
}

void sweep_within_async_udp(fixture_t *fx)
{
    sweep_set_up_async(fx);
    DATAGRAM(async_udp, en_async_udp_client_free,
             en_async_udp_client_from_fd(&fx->async_udp, fx->loop, taken(&fx->udp_fd), own, NULL));
    sweep_connect_async(fx);
    sent(en_async_udp_client_send_packet(fx->async_udp, "x", 1, -1, NULL, NULL, NULL));
}

void sweep_within_async_unix_stream(fixture_t *fx)
{
    sweep_set_up_async(fx);
    STREAM(async_unix_stream, en_async_unix_stream_client_free,
           en_async_unix_stream_client_from_fd(&fx->async_unix_stream, fx->loop,
                                               taken(&fx->stream_fd), own, NULL));
    sweep_connect_async(fx);
    sent(en_async_unix_stream_client_send_packet(fx->async_unix_stream, "x", 1, -1, NULL, NULL,
                                                 NULL));
}

void sweep_within_async_unix_datagram(fixture_t *fx)
{
    sweep_set_up_async(fx);
    DATAGRAM(async_unix_datagram, en_async_unix_datagram_client_free,
             en_async_unix_datagram_client_from_fd(&fx->async_unix_datagram, fx->loop,
                                                   taken(&fx->datagram_fd), own, NULL));
    sweep_connect_async(fx);
    sent(en_async_unix_datagram_client_send_packet(fx->async_unix_datagram, "x", 1, -1, NULL, NULL,
                                                   NULL));
}

static void set_up_async_endpoints(fixture_t *fx)
{
    sweep_set_up_async(fx);
    sweep_set_up_low(fx);
    sweep_set_up_async_endpoints(fx);
}

void sweep_within_async_stream_endpoint(fixture_t *fx)
{
    set_up_async_endpoints(fx);
    STREAM(async_stream_endpoint, en_async_stream_endpoint_free,
           en_async_stream_endpoint_new(&fx->async_stream_endpoint, fx->loop, fx->stream_transport,
                                        own, NULL));
    sweep_connect_async(fx);
    sent(en_async_stream_endpoint_send_packet(fx->async_stream_endpoint, "x", 1, -1, NULL, NULL,
                                              NULL));
}

void sweep_within_async_datagram_endpoint(fixture_t *fx)
{
    set_up_async_endpoints(fx);
    DATAGRAM(async_datagram_endpoint, en_async_datagram_endpoint_free,
             en_async_datagram_endpoint_new(&fx->async_datagram_endpoint, fx->loop,
                                            fx->datagram_transport, own, NULL));
    sweep_connect_async(fx);
    sent(en_async_datagram_endpoint_send_packet(fx->async_datagram_endpoint, "x", 1, -1, NULL, NULL,
                                                NULL));
}

static void close_async(en_async_client_t *client)
{
    if (client != NULL)
        NEED(en_async_client_close(client, 0, NULL, NULL, NULL) == EN_OK);
}

void sweep_close(fixture_t *fx)
{
    en_tcp_client_abort(fx->client);
    en_tcp_client_abort(fx->secure);
    en_udp_client_abort(fx->udp);
    en_unix_stream_client_abort(fx->stream);
    en_unix_datagram_client_abort(fx->datagram);
    en_stream_endpoint_abort(fx->stream_endpoint);
    en_datagram_endpoint_abort(fx->datagram_endpoint);
    en_stream_transport_close(fx->tls_transport);
    en_stream_transport_close(fx->stream_stapled);
    en_stream_transport_close(fx->stream_transport);
    en_datagram_transport_close(fx->datagram_stapled);
    en_datagram_transport_close(fx->datagram_transport);
    close_async(en_async_tcp_client_as_async_client(fx->async_tcp));
    close_async(en_async_udp_client_as_async_client(fx->async_udp));
    close_async(en_async_unix_stream_client_as_async_client(fx->async_unix_stream));
    close_async(en_async_unix_datagram_client_as_async_client(fx->async_unix_datagram));
    close_async(en_async_stream_endpoint_as_async_client(fx->async_stream_endpoint));
    close_async(en_async_datagram_endpoint_as_async_client(fx->async_datagram_endpoint));
    if (fx->loop != NULL)
        NEED(en_loop_run_once(fx->loop, 0) == EN_OK);
}
