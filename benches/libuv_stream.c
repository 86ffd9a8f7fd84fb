/* libuv on streams: what blocks elsewhere runs the loop until it is done. */
#include "libuv_check.h"
#include "plain.h"
#include "stream.h"

static union {
    uv_stream_t stream;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
} handle;
static uint8_t *target;
static size_t target_size, came;
static int writing;

uint64_t socket_calls(void)
{
    return 0; /* nobody counts them */
}

/* Without room nothing is read: UV_ENOBUFS. */
static void give_room(uv_handle_t *of, size_t size, uv_buf_t *room)
{
    (void)of;
    (void)size;
    *room = uv_buf_init((char *)target, came ? 0 : (unsigned)target_size);
}

static void receive_some(uv_stream_t *of, ssize_t count, const uv_buf_t *bytes)
{
    (void)of;
    (void)bytes;
    if (count == UV_ENOBUFS)
        return;
    check((int)count, "read");
    came = (size_t)count;
}

size_t receive_bytes(uint8_t *to, size_t room)
{
    target = to;
    target_size = room;
    came = 0;
    while (!came)
        uv_run(uv_default_loop(), UV_RUN_ONCE);
    return came;
}

static void written(uv_write_t *request, int status)
{
    (void)request;
    check(status, "uv_write");
    writing = 0;
}

static void write_rest(struct iovec *parts, size_t count)
{
    static uv_write_t request;
    uv_buf_t buffers[PARTS_MAX];
    for (size_t i = 0; i < count; i++)
        buffers[i] = uv_buf_init(parts[i].iov_base, (unsigned)parts[i].iov_len);
    writing = 1;
    check(uv_write(&request, &handle.stream, buffers, (unsigned)count, written), "uv_write");
    while (writing)
        uv_run(uv_default_loop(), UV_RUN_ONCE);
}

void send_parts(struct iovec *parts, size_t count)
{
    uv_buf_t buffers[PARTS_MAX];
    for (size_t i = 0; i < count; i++)
        buffers[i] = uv_buf_init(parts[i].iov_base, (unsigned)parts[i].iov_len);
    int sent = uv_try_write(&handle.stream, buffers, (unsigned)count);
    if (sent != UV_EAGAIN)
        check(sent, "uv_try_write");
    count = skip_sent(&parts, count, sent > 0 ? (size_t)sent : 0);
    if (count)
        write_rest(parts, count);
}

void send_bytes(const uint8_t *data, size_t size)
{
    struct iovec part = {(void *)(uintptr_t)data, size};
    send_parts(&part, 1);
}

static void begin(void)
{
    came = 1;
    check(uv_read_start(&handle.stream, give_room, receive_some), "uv_read_start");
}

static void connect_tcp(const char *address)
{
    open_tcp(address);
    check(uv_tcp_init(uv_default_loop(), &handle.tcp), "uv_tcp_init");
    check(uv_tcp_open(&handle.tcp, fd), "uv_tcp_open");
    begin();
}

static void connect_unix(const char *address)
{
    open_unix(address);
    check(uv_pipe_init(uv_default_loop(), &handle.pipe, 0), "uv_pipe_init");
    check(uv_pipe_open(&handle.pipe, fd), "uv_pipe_open");
    begin();
}

const struct work works[] = {
    {"ping-pong", connect_tcp, SMALL, 1, ping_pong},
    {"unix-ping-pong", connect_unix, SMALL, 1, ping_pong},
    {"send", connect_tcp, SMALL, SMALL_STEP, send_each},
    {"send-buffered", connect_tcp, SMALL, SMALL_STEP, send_buffered},
    {"send-batches", connect_tcp, SMALL, SMALL_STEP, send_batches},
    {"receive-large", connect_tcp, LARGE, LARGE_STEP, receive},
    {"send-large", connect_tcp, LARGE, LARGE_STEP, send_large},
    {"send-large-batches", connect_tcp, LARGE, LARGE_STEP, send_large_batches},
    {0},
};
