/* nng's streams of bytes. */
#include "nng_check.h"
#include "stream.h"

/* nng takes no more in one send. */
#define MOST_PARTS 8

static nng_stream *connection;
static nng_aio *sending, *receiving;

uint64_t socket_calls(void)
{
    return 0; /* nobody counts them */
}

static size_t await(nng_aio *operation, const char *what)
{
    nng_aio_wait(operation);
    check(nng_aio_result(operation), what);
    return nng_aio_count(operation);
}

static nng_aio *new_operation(void)
{
    nng_aio *operation;
    check(nng_aio_alloc(&operation, NULL, NULL), "nng_aio_alloc");
    nng_aio_set_timeout(operation, TIMEOUT_MS);
    return operation;
}

static void connect_tcp(const char *port)
{
    nng_stream_dialer *dialer;
    sending = new_operation();
    receiving = new_operation();
    check(nng_stream_dialer_alloc(&dialer, url_of(port)), "nng_stream_dialer_alloc");
    nng_stream_dialer_dial(dialer, receiving);
    await(receiving, "nng_stream_dialer_dial");
    connection = nng_aio_get_output(receiving, 0);
}

size_t receive_bytes(uint8_t *to, size_t room)
{
    nng_iov part = {to, room};
    check(nng_aio_set_iov(receiving, 1, &part), "nng_aio_set_iov");
    nng_stream_recv(connection, receiving);
    return await(receiving, "nng_stream_recv");
}

void send_parts(struct iovec *parts, size_t count)
{
    while (count) {
        nng_iov some[MOST_PARTS];
        size_t given = count < MOST_PARTS ? count : MOST_PARTS;
        for (size_t i = 0; i < given; i++)
            some[i] = (nng_iov){parts[i].iov_base, parts[i].iov_len};
        check(nng_aio_set_iov(sending, (unsigned)given, some), "nng_aio_set_iov");
        nng_stream_send(connection, sending);
        count = skip_sent(&parts, count, await(sending, "nng_stream_send"));
    }
}

void send_bytes(const uint8_t *data, size_t size)
{
    struct iovec part = {(void *)(uintptr_t)data, size};
    send_parts(&part, 1);
}

const struct work works[] = {
    {"ping-pong", connect_tcp, SMALL, 1, ping_pong},
    {"receive", connect_tcp, SMALL, SMALL_STEP, receive},
    {"send", connect_tcp, SMALL, SMALL_STEP, send_each},
    {"send-buffered", connect_tcp, SMALL, SMALL_STEP, send_buffered},
    {"receive-large", connect_tcp, LARGE, LARGE_STEP, receive},
    {"send-large", connect_tcp, LARGE, LARGE_STEP, send_large},
    {"send-large-batches", connect_tcp, LARGE, LARGE_STEP, send_large_batches},
    {0},
};
