/* Endpoints on a loop over transports of the low level; their packets are lines. */
#ifndef ASYNC_LOW_H
#define ASYNC_LOW_H

#include "async.h"

en_async_stream_endpoint_t *endpoint_over(en_loop_t *loop, en_stream_transport_t *transport);
/* One packet each way; `op` is told what comes of it. */
int endpoint_get(en_async_stream_endpoint_t *endpoint, int64_t timeout_ms, op_t *op);
int endpoint_put(en_async_stream_endpoint_t *endpoint, const char *text, op_t *op);

#endif
