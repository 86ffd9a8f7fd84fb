#include "async_wire.h"

#include "peer.h"

#include <string.h>
#include <unistd.h>

static void new_for(async_wire_t *side, en_stream_protocol_t *protocol, en_tcp_options_t *options)
{
    side->loop = loop_new();
    side->listener = peer_listen("127.0.0.1", 16);
    side->fd = -1;
    REQUIRE_OK(en_async_tcp_client_new(&side->client, side->loop, "127.0.0.1",
                                       peer_port(side->listener), protocol, options));
    en_stream_protocol_free(protocol);
    en_tcp_options_free(options);
}

void async_wire_new(async_wire_t *side, en_tcp_options_t *options)
{
    new_for(side, protocol_line(), options);
}

void async_wire_open(async_wire_t *side, en_tcp_options_t *options)
{
    async_wire_open_for(side, protocol_line(), options);
}

void async_wire_open_for(async_wire_t *side, en_stream_protocol_t *protocol,
                         en_tcp_options_t *options)
{
    op_t op = {0};

    new_for(side, protocol, options);
    REQUIRE_OK(en_async_tcp_client_wait_connected(side->client, 5000, op_done, &op, &op.operation));
    CHECK(op.operation != 0);
    CHECK_INT(op.calls, 0);
    op_wait(side->loop, &op);
    CHECK_OP(&op, EN_OK);
    side->fd = peer_accept(side->listener);
}

void async_wire_close(async_wire_t *side)
{
    en_async_tcp_client_free(side->client);
    en_loop_free(side->loop);
    if (side->fd >= 0)
        close(side->fd);
    close(side->listener);
}

int async_put(async_wire_t *side, const char *text, op_t *op)
{
    return en_async_tcp_client_send_packet(side->client, text, strlen(text), 20000,
                                           op ? op_done : NULL, op, op ? &op->operation : NULL);
}

int async_get(async_wire_t *side, int64_t timeout_ms, op_t *op)
{
    return en_async_tcp_client_recv_packet(side->client, timeout_ms, op_received, op,
                                           &op->operation);
}
