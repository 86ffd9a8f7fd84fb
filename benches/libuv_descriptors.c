/* Descriptors beside the packets of a Unix stream, through libuv, which has them as handles. What
 * comes with a descriptor comes by itself, so a receive brings one packet. */
#include "libuv_check.h"
#include "plain.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

static uv_pipe_t connection, gift;
static uint8_t room[BUFFER];
static uint8_t to_send[HEADER + SMALL];
static size_t received;

uint64_t socket_calls(void)
{
    return 0; /* nobody counts them */
}

static void give_room(uv_handle_t *of, size_t size, uv_buf_t *given)
{
    (void)of;
    (void)size;
    *given = uv_buf_init((char *)room, sizeof room);
}

static void is_closed(uv_handle_t *handle)
{
    free(handle);
}

static void take_descriptor(void)
{
    uv_pipe_t *taken = malloc(sizeof *taken);
    if (!taken)
        fail_errno("malloc");
    if (uv_pipe_pending_count(&connection) != 1)
        fail("read", "it did not bring one descriptor");
    check(uv_pipe_init(uv_default_loop(), taken, 0), "uv_pipe_init");
    check(uv_accept((uv_stream_t *)&connection, (uv_stream_t *)taken), "uv_accept");
    uv_close((uv_handle_t *)taken, is_closed);
}

static void take(uv_stream_t *of, ssize_t count, const uv_buf_t *bytes)
{
    uint32_t size;
    (void)of;
    check((int)count, "read");
    if (!count)
        return;
    memcpy(&size, bytes->base, HEADER);
    if (ntohl(size) != (size_t)count - HEADER)
        fail("read", "it did not bring one packet");
    consume((uint8_t *)bytes->base + HEADER, ntohl(size));
    take_descriptor();
    received++;
}

static void open_connection(const char *address)
{
    open_unix(address);
    check(uv_pipe_init(uv_default_loop(), &connection, 1), "uv_pipe_init");
    check(uv_pipe_open(&connection, fd), "uv_pipe_open");
}

static void open_to_take(const char *address)
{
    open_connection(address);
    check(uv_read_start((uv_stream_t *)&connection, give_room, take), "uv_read_start");
}

static void open_to_give(const char *address)
{
    open_connection(address);
    check(uv_pipe_init(uv_default_loop(), &gift, 0), "uv_pipe_init");
    check(uv_pipe_open(&gift, open("/dev/null", O_RDONLY | O_CLOEXEC)), "/dev/null");
}

static size_t receive(const struct work *work)
{
    size_t before = received;
    while (received - before < work->packets)
        uv_run(uv_default_loop(), UV_RUN_ONCE);
    return received - before;
}

static void sent(uv_write_t *request, int status)
{
    check(status, "uv_write2");
    request->data = NULL;
}

/* Where there is no room at once the loop waits for it. */
static void send_soon(uv_buf_t *bytes)
{
    uv_write_t request = {.data = &request};
    check(uv_write2(&request, (uv_stream_t *)&connection, bytes, 1, (uv_stream_t *)&gift, sent),
          "uv_write2");
    while (request.data)
        uv_run(uv_default_loop(), UV_RUN_ONCE);
}

static size_t send_each(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++) {
        uint32_t size = htonl((uint32_t)work->packet_size);
        memcpy(to_send, &size, HEADER);
        memcpy(to_send + HEADER, payload, work->packet_size);
        uv_buf_t bytes = uv_buf_init((char *)to_send, (unsigned)(HEADER + work->packet_size));
        int result = uv_try_write2((uv_stream_t *)&connection, &bytes, 1, (uv_stream_t *)&gift);
        if (result == UV_EAGAIN)
            send_soon(&bytes);
        else if (result != (int)bytes.len)
            fail("uv_try_write2", "it did not send one packet");
    }
    return work->packets;
}

const struct work works[] = {
    {"receive", open_to_take, SMALL, SMALL_STEP, receive},
    {"send", open_to_give, SMALL, SMALL_STEP, send_each},
    {0},
};
