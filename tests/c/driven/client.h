/* The blocking functions of one family. Whoever includes this has said which: FAMILY is its name,
 * FAMILY_PROTOCOL and FAMILY_OPTIONS are types; it is one of streams if IS_STREAM. */
#include "driver.h"

#include "../harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define JOIN(prefix, family, name) prefix##family##_client_##name
#define NAMED(prefix, family, name) JOIN(prefix, family, name)
#define NAME(name) NAMED(en_, FAMILY, name)
#define ASYNC(name) NAMED(en_async_, FAMILY, name)

typedef NAME(t) client_t;
typedef ASYNC(t) async_t;

struct NAME(t) {
    en_client_t base;
    async_t *async;
};

#define DRIVER(client) ((client) ? (client)->base.driver : NULL)
#define ON_LOOP(client) ((client) ? (client)->async : NULL)

/* ---- The beginning and the end ---- */

static client_t *client_new(void)
{
    client_t *client = calloc(1, sizeof(*client));

    REQUIRE(client);
    REQUIRE_OK(driver_new(&client->base.driver));
    driver_enter(client->base.driver);
    return client;
}

static void client_end(client_t *client)
{
    ASYNC(free)(client->async);
    driver_end(client->base.driver);
    free(client);
}

/* Entered, with what making the client on the loop has answered: connects it, and hands it out. */
static int client_connected(client_t *client, int code, client_t **out)
{
    driven_t operation = {.driver = client->base.driver};

    if (code >= 0)
        code = ASYNC(wait_connected)(client->async, EN_TIMEOUT_INFINITE, driven_done, &operation,
                                     NULL);
    code = driver_wait(client->base.driver, &operation, code);
    driver_enter(client->base.driver);
    if (out)
        *out = NULL;
    if (code < 0) {
        snprintf(operation.message, sizeof(operation.message), "%s", en_last_error_message());
        client_end(client);
        driver_keep_message(operation.message);
        return code;
    }
    client->base.driver->view = ASYNC(as_async_client)(client->async);
    *out = client;
    return driver_leave(client->base.driver, EN_OK);
}

int NAME(from_fd)(client_t **out, int fd, const FAMILY_PROTOCOL *protocol,
                  const FAMILY_OPTIONS *options)
{
    client_t *client = client_new();
    int spare = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    int code = client_connected(client,
                                ASYNC(from_fd)(out ? &client->async : NULL,
                                               client->base.driver->loop, fd, protocol, options),
                                out);

    /* On a loop TLS begins later, when the descriptor is the client's; here it stays the caller's.
     */
    if (code < 0 && spare >= 0 && fcntl(fd, F_GETFD) < 0)
        dup3(spare, fd, O_CLOEXEC);
    if (spare >= 0)
        close(spare);
    return code;
}

void NAME(free)(client_t *client)
{
    if (client) {
        driver_wind_up(client->base.driver);
        client_end(client);
    }
}

int NAME(close)(client_t *client)
{
    return driver_close(DRIVER(client), false);
}

int NAME(abort)(client_t *client)
{
    return driver_close(DRIVER(client), true);
}

int NAME(is_closed)(const client_t *client)
{
    return NOW(DRIVER(client), ASYNC(is_closing)(ON_LOOP(client)));
}

en_client_t *NAME(as_client)(client_t *client)
{
    return client ? &client->base : NULL;
}

/* ---- Packets ---- */

int NAME(send_packet)(client_t *client, const void *data, size_t size, int64_t timeout_ms)
{
    driven_t operation = {.driver = DRIVER(client)};

    return WAIT_SENT(
        DRIVER(client), &operation,
        ASYNC(send_packet)(ON_LOOP(client), data, size, timeout_ms, driven_done, &operation, NULL));
}

int NAME(send_packet_slices)(client_t *client, const en_slice_t *parts, size_t count,
                             int64_t timeout_ms)
{
    driven_t operation = {.driver = DRIVER(client)};

    return WAIT_SENT(DRIVER(client), &operation,
                     ASYNC(send_packet_slices)(ON_LOOP(client), parts, count, timeout_ms,
                                               driven_done, &operation, NULL));
}

int NAME(send_packets)(client_t *client, const en_slice_t *packets, size_t count,
                       int64_t timeout_ms, size_t *sent)
{
    driven_t operation = {.driver = DRIVER(client)};
    int code = WAIT_SENT(DRIVER(client), &operation,
                         ASYNC(send_packets)(ON_LOOP(client), packets, count, timeout_ms,
                                             driven_sent, &operation, NULL));

    if (sent)
        *sent = operation.count;
    return code;
}

int NAME(recv_packet)(client_t *client, int64_t timeout_ms, en_packet_t *packet)
{
    driven_t operation = {.driver = DRIVER(client)};

    return WAIT_RECEIVED(
        DRIVER(client), &operation,
        ASYNC(recv_packet)(ON_LOOP(client), timeout_ms, driven_received, &operation, NULL), packet);
}

int NAME(recv_packets)(client_t *client, en_packet_t *packets, size_t capacity, int64_t timeout_ms,
                       size_t *count)
{
    return driver_receive_several(DRIVER(client), packets, capacity, timeout_ms, count);
}

int NAME(iter_received_packets)(en_packet_iter_t **out, client_t *client, int64_t timeout_ms)
{
    return driver_iterate(out, DRIVER(client), timeout_ms);
}

/* ---- Facts and options ---- */

int NAME(fileno)(const client_t *client)
{
    return NOW(DRIVER(client), ASYNC(fileno)(ON_LOOP(client)));
}

int NAME(getsockopt)(const client_t *client, int level, int name, void *value, size_t *size)
{
    return NOW(DRIVER(client), ASYNC(getsockopt)(ON_LOOP(client), level, name, value, size));
}

int NAME(setsockopt)(client_t *client, int level, int name, const void *value, size_t size)
{
    return NOW(DRIVER(client), ASYNC(setsockopt)(ON_LOOP(client), level, name, value, size));
}

int NAME(get_option)(const client_t *client, int option, int64_t *value)
{
    return NOW(DRIVER(client), ASYNC(get_option)(ON_LOOP(client), option, value));
}

int NAME(set_option)(client_t *client, int option, int64_t value)
{
    return NOW(DRIVER(client), ASYNC(set_option)(ON_LOOP(client), option, value));
}

int NAME(get_stats)(const client_t *client, en_stats_t *stats)
{
    return NOW(DRIVER(client), ASYNC(get_stats)(ON_LOOP(client), stats));
}

/* ---- What clients on a loop do not have ---- */

int NAME(recv_packet_into)(client_t *client, void *buffer, size_t capacity, int64_t timeout_ms,
                           size_t *size)
{
    (void)client, (void)buffer, (void)capacity, (void)timeout_ms, (void)size;
    return driver_lacks(__func__);
}

int NAME(has_buffered)(client_t *client)
{
    (void)client;
    return driver_lacks(__func__);
}

int NAME(max_recv_size)(const client_t *client, size_t *size)
{
    (void)client, (void)size;
    return driver_lacks(__func__);
}

#ifdef IS_STREAM
int NAME(send_eof)(client_t *client, int64_t timeout_ms)
{
    driven_t operation = {.driver = DRIVER(client)};

    return WAIT_SENT(DRIVER(client), &operation,
                     ASYNC(send_eof)(ON_LOOP(client), timeout_ms, driven_done, &operation, NULL));
}

int NAME(flush)(client_t *client, int64_t timeout_ms)
{
    (void)client, (void)timeout_ms;
    return driver_lacks(__func__);
}
#endif
