/* A TCP client on a loop of its own, and its peer. */
#ifndef ASYNC_WIRE_H
#define ASYNC_WIRE_H

#include "async.h"
#include "wire.h"

typedef struct {
    en_loop_t *loop;
    en_async_tcp_client_t *client;
    int listener;
    int fd; /* the peer's end, -1 before it is connected */
} async_wire_t;

/* A client for lines that is not connected yet; options end with it. */
void async_wire_new(async_wire_t *side, en_tcp_options_t *options);
/* One that is. */
void async_wire_open(async_wire_t *side, en_tcp_options_t *options);
/* The same for packets of another protocol, which ends with it. */
void async_wire_open_for(async_wire_t *side, en_stream_protocol_t *protocol,
                         en_tcp_options_t *options);
void async_wire_close(async_wire_t *side);
/* Sends a text, and receives one packet. */
int async_put(async_wire_t *side, const char *text, op_t *op);
int async_get(async_wire_t *side, int64_t timeout_ms, op_t *op);

#endif
