/* nng's pair sockets, which have packets of their own. */
#include "nng_check.h"

#include <nng/protocol/pair0/pair.h>

static nng_socket connection;

uint64_t socket_calls(void)
{
    return 0; /* nobody counts them */
}

/* Without a queue every packet would change threads by itself. */
static void connect_with(const char *port, int queue)
{
    check(nng_pair0_open(&connection), "nng_pair0_open");
    check(nng_socket_set_int(connection, NNG_OPT_SENDBUF, queue), "queue");
    check(nng_socket_set_int(connection, NNG_OPT_RECVBUF, queue), "queue");
    check(nng_socket_set_ms(connection, NNG_OPT_RECVTIMEO, TIMEOUT_MS), "time-out");
    check(nng_socket_set_ms(connection, NNG_OPT_SENDTIMEO, TIMEOUT_MS), "time-out");
    check(nng_dial(connection, url_of(port), NULL, 0), "nng_dial");
}

static void connect_small(const char *port)
{
    connect_with(port, QUEUE);
}

static void connect_large(const char *port)
{
    connect_with(port, LARGE_QUEUE);
}

static size_t receive(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++) {
        nng_msg *message;
        check(nng_recvmsg(connection, &message, 0), "nng_recvmsg");
        consume(nng_msg_body(message), nng_msg_len(message));
        nng_msg_free(message);
    }
    return work->packets;
}

static size_t send_each(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++)
        check(nng_send(connection, (void *)(uintptr_t)payload, work->packet_size, 0), "nng_send");
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
    {"send", connect_small, SMALL, SMALL_STEP, send_each},
    {"receive-large", connect_large, LARGE, LARGE_STEP, receive},
    {"send-large", connect_large, LARGE, LARGE_STEP, send_each},
    {0},
};
