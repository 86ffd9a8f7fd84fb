/* libevent's bufferevents, with framing by hand. */
#include "loop.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <stdlib.h>

static struct event_base *base;
static struct bufferevent **all;
static size_t received;
static int echoes;

uint64_t socket_calls(void)
{
    return 0; /* nobody counts them */
}

static void send_packet(struct bufferevent *to, const void *data, size_t size)
{
    uint8_t frame[FRAME];
    if (bufferevent_write(to, frame, put_frame(frame, data, size)))
        fail("bufferevent_write", "it failed");
}

static void receive(struct bufferevent *connection, void *user)
{
    struct evbuffer *input = bufferevent_get_input(connection);
    uint32_t header;
    (void)user;
    while (evbuffer_copyout(input, &header, HEADER) == (ssize_t)HEADER) {
        size_t size = ntohl(header);
        if (evbuffer_get_length(input) < HEADER + size)
            return;
        const uint8_t *frame = evbuffer_pullup(input, (ssize_t)(HEADER + size));
        consume(frame + HEADER, size);
        received++;
        if (echoes)
            send_packet(connection, frame + HEADER, size);
        evbuffer_drain(input, HEADER + size);
    }
}

static void ended(struct bufferevent *connection, short what, void *user)
{
    (void)connection;
    (void)what;
    (void)user;
    fail("bufferevent", "the connection has ended");
}

static void open_all(const char *address)
{
    base = event_base_new();
    all = calloc(connections, sizeof(struct bufferevent *));
    if (!base || !all)
        fail_errno("open");
    for (size_t i = 0; i < connections; i++) {
        all[i] = bufferevent_socket_new(base, tcp_socket(address), 0);
        if (!all[i] || bufferevent_set_max_single_read(all[i], BUFFER))
            fail("bufferevent", "it could not be made");
        bufferevent_setcb(all[i], receive, NULL, ended, NULL);
        bufferevent_enable(all[i], EV_READ | EV_WRITE);
    }
}

static void open_echo(const char *address)
{
    open_all(address);
    echoes = 1;
    for (size_t i = 0; i < connections; i++)
        send_packet(all[i], payload, SMALL);
}

static size_t run(const struct work *work)
{
    size_t before = received;
    while (received - before < work->packets)
        if (event_base_loop(base, EVLOOP_ONCE) < 0)
            fail("event_base_loop", "it failed");
    return received - before;
}

/* Gathers many packets, and lets the loop send them. */
static size_t send_buffered(const struct work *work)
{
    struct evbuffer *output = bufferevent_get_output(all[0]);
    for (size_t i = 0; i < work->packets; i++) {
        send_packet(all[0], payload, work->packet_size);
        while (evbuffer_get_length(output) > BUFFER)
            if (event_base_loop(base, EVLOOP_ONCE) < 0)
                fail("event_base_loop", "it failed");
    }
    return work->packets;
}

static size_t ping_pong(const struct work *work)
{
    send_packet(all[0], payload, SMALL);
    return run(work);
}

const struct work works[] = {
    {"echo", open_echo, SMALL, SMALL_STEP, run},
    {"ping-pong", open_all, SMALL, 1, ping_pong},
    {"receive", open_all, SMALL, SMALL_STEP, run},
    {"send-buffered", open_all, SMALL, SMALL_STEP, send_buffered},
    {0},
};
