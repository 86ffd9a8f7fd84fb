#include "async_low.h"
#include "low.h"

en_async_stream_endpoint_t *endpoint_over(en_loop_t *loop, en_stream_transport_t *transport)
{
    en_async_stream_endpoint_t *endpoint = NULL;
    en_stream_protocol_t *protocol = lines();

    REQUIRE_OK(en_async_stream_endpoint_new(&endpoint, loop, transport, protocol, NULL));
    en_stream_protocol_free(protocol);
    return endpoint;
}

int endpoint_get(en_async_stream_endpoint_t *endpoint, int64_t timeout_ms, op_t *op)
{
    memset(op, 0, sizeof(*op));
    return en_async_stream_endpoint_recv_packet(endpoint, timeout_ms, op_received, op,
                                                &op->operation);
}

int endpoint_put(en_async_stream_endpoint_t *endpoint, const char *text, op_t *op)
{
    memset(op, 0, sizeof(*op));
    return en_async_stream_endpoint_send_packet(endpoint, text, strlen(text), 20000, op_done, op,
                                                NULL);
}
