/* libuv on datagrams. */
#include "libuv_check.h"
#include "plain.h"

static uv_udp_t handle;
static uint8_t room[LARGE];
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

/* Without a sender it tells that there is nothing more for now. */
static void take(uv_udp_t *of, ssize_t size, const uv_buf_t *bytes, const struct sockaddr *sender,
                 unsigned flags)
{
    (void)of;
    (void)flags;
    check((int)size, "receive");
    if (!sender)
        return;
    consume((uint8_t *)bytes->base, (size_t)size);
    received++;
}

static void connect_udp(const char *address)
{
    open_udp(address);
    check(uv_udp_init(uv_default_loop(), &handle), "uv_udp_init");
    check(uv_udp_open(&handle, fd), "uv_udp_open");
    check(uv_udp_recv_start(&handle, give_room, take), "uv_udp_recv_start");
}

static size_t receive(const struct work *work)
{
    size_t before = received;
    while (received - before < work->packets)
        uv_run(uv_default_loop(), UV_RUN_ONCE);
    return received - before;
}

static size_t send_each(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++) {
        uv_buf_t bytes = uv_buf_init((char *)(uintptr_t)payload, (unsigned)work->packet_size);
        check(uv_udp_try_send(&handle, &bytes, 1, NULL), "uv_udp_try_send");
    }
    return work->packets;
}

static size_t ping_pong(const struct work *work)
{
    send_each(work);
    return receive(work);
}

const struct work works[] = {
    {"ping-pong", connect_udp, SMALL, 1, ping_pong},
    {"receive", connect_udp, SMALL, SMALL_STEP, receive},
    {"send", connect_udp, SMALL, SMALL_STEP, send_each},
    {0},
};
