/* ZeroMQ's pair sockets, which have packets of their own. A thread of the library sends what has
 * been put into its queue, many packets together. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <zmq.h>

static void *context, *connection;

uint64_t socket_calls(void)
{
    return 0; /* nobody counts them */
}

static void check(int result, const char *what)
{
    if (result < 0)
        fail(what, zmq_strerror(zmq_errno()));
}

static void set(int option, int value)
{
    check(zmq_setsockopt(connection, option, &value, sizeof value), "zmq_setsockopt");
}

/* Waits until what is in the queue has gone. */
static void finish(void)
{
    zmq_close(connection);
    zmq_ctx_term(context);
}

static void connect_with(const char *port, int queue)
{
    char address[64];
    context = zmq_ctx_new();
    connection = context ? zmq_socket(context, ZMQ_PAIR) : NULL;
    check(connection ? 0 : -1, "zmq_socket");
    set(ZMQ_RCVTIMEO, TIMEOUT_MS);
    set(ZMQ_SNDTIMEO, TIMEOUT_MS);
    set(ZMQ_SNDHWM, queue);
    set(ZMQ_RCVHWM, queue);
    snprintf(address, sizeof address, "tcp://127.0.0.1:%s", port);
    check(zmq_connect(connection, address), "zmq_connect");
}

static void connect_small(const char *port)
{
    connect_with(port, QUEUE);
}

static void connect_large(const char *port)
{
    connect_with(port, LARGE_QUEUE);
}

static void connect_to_send(const char *port)
{
    connect_small(port);
    atexit(finish);
}

static void connect_to_send_large(const char *port)
{
    connect_large(port);
    atexit(finish);
}

static size_t receive(const struct work *work)
{
    zmq_msg_t message;
    zmq_msg_init(&message);
    for (size_t i = 0; i < work->packets; i++) {
        check(zmq_msg_recv(&message, connection, 0), "zmq_msg_recv");
        consume(zmq_msg_data(&message), zmq_msg_size(&message));
    }
    zmq_msg_close(&message);
    return work->packets;
}

static size_t send_each(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++)
        check(zmq_send(connection, payload, work->packet_size, 0), "zmq_send");
    return work->packets;
}

/* None of them copied by the program. */
static size_t send_large(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++)
        check(zmq_send_const(connection, payload, work->packet_size, 0), "zmq_send_const");
    return work->packets;
}

static size_t ping_pong(const struct work *work)
{
    send_each(work);
    return receive(work);
}

const struct work works[] = {
    {"ping-pong", connect_small, SMALL, 1, ping_pong},
    {"receive", connect_small, SMALL, SMALL_STEP, receive},
    {"send-buffered", connect_to_send, SMALL, SMALL_STEP, send_each},
    {"receive-large", connect_large, LARGE, LARGE_STEP, receive},
    {"send-large", connect_to_send_large, LARGE, LARGE_STEP, send_large},
    {0},
};
