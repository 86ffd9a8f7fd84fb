/* libuv, with framing by hand. */
#include "libuv_check.h"
#include "loop.h"

#include <stdlib.h>

struct connection {
    uv_tcp_t handle;
    struct rest rest;
};

/* A write under way, and its bytes. */
struct write {
    uv_write_t request;
    uint8_t frame[FRAME];
};

static struct connection *all;
static size_t received;
static void (*answer)(struct connection *to, const void *data, size_t size);

uint64_t socket_calls(void)
{
    return 0; /* nobody counts them */
}

/* So little fits always: each connection has one message under way. */
static void send_now(struct connection *to, const void *data, size_t size)
{
    uint8_t frame[FRAME];
    uv_buf_t bytes = uv_buf_init((char *)frame, (unsigned)put_frame(frame, data, size));
    check(uv_try_write((uv_stream_t *)&to->handle, &bytes, 1), "uv_try_write");
}

static void sent(uv_write_t *request, int status)
{
    check(status, "uv_write");
    free(request);
}

static void send_soon(struct connection *to, const void *data, size_t size)
{
    struct write *write = malloc(sizeof *write);
    if (!write)
        fail_errno("malloc");
    uv_buf_t bytes =
        uv_buf_init((char *)write->frame, (unsigned)put_frame(write->frame, data, size));
    check(uv_write(&write->request, (uv_stream_t *)&to->handle, &bytes, 1, sent), "uv_write");
}

static void take(void *to, const uint8_t *data, size_t size)
{
    consume(data, size);
    received++;
    if (answer)
        answer(to, data, size);
}

static void give_room(uv_handle_t *handle, size_t size, uv_buf_t *room)
{
    (void)handle;
    (void)size;
    *room = uv_buf_init((char *)reading, BUFFER);
}

static void receive(uv_stream_t *stream, ssize_t count, const uv_buf_t *bytes)
{
    struct connection *connection = stream->data;
    check((int)count, "read");
    if (count > 0)
        take_packets(&connection->rest, (uint8_t *)bytes->base, (size_t)count, take, connection);
}

static void open_all(const char *address)
{
    all = calloc(connections, sizeof *all);
    if (!all)
        fail_errno("calloc");
    for (size_t i = 0; i < connections; i++) {
        uv_tcp_t *handle = &all[i].handle;
        check(uv_tcp_init(uv_default_loop(), handle), "uv_tcp_init");
        check(uv_tcp_open(handle, tcp_socket(address)), "uv_tcp_open");
        handle->data = &all[i];
        check(uv_read_start((uv_stream_t *)handle, give_room, receive), "uv_read_start");
    }
}

static void begin_echo(const char *address)
{
    open_all(address);
    for (size_t i = 0; i < connections; i++)
        answer(&all[i], payload, SMALL);
}

static void open_echo(const char *address)
{
    answer = send_now;
    begin_echo(address);
}

static void open_echo_write(const char *address)
{
    answer = send_soon;
    begin_echo(address);
}

static size_t run(const struct work *work)
{
    size_t before = received;
    while (received - before < work->packets)
        uv_run(uv_default_loop(), UV_RUN_ONCE);
    return received - before;
}

static size_t ping_pong(const struct work *work)
{
    send_now(all, payload, SMALL);
    return run(work);
}

const struct work works[] = {
    {"echo", open_echo, SMALL, SMALL_STEP, run},
    {"echo-write", open_echo_write, SMALL, SMALL_STEP, run},
    {"ping-pong", open_all, SMALL, 1, ping_pong},
    {"receive", open_all, SMALL, SMALL_STEP, run},
    {0},
};
