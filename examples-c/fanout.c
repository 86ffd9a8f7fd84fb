/*
 * A thousand connections on one thread: each sends a line to an echo server, waits for it to come
 * back, and begins again.
 *
 *     fanout HOST PORT [CONNECTIONS [SECONDS]]
 *
 * It prints a line of progress each second, and how long the round trips took in the end. Try it
 * with echo_server.
 */
#define _GNU_SOURCE

#include <easynet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define TIMEOUT_MS 20000

typedef struct fanout fanout_t;

typedef struct {
    fanout_t *fanout;
    en_async_tcp_client_t *client;
    int64_t sent_at; /* in nanoseconds */
} connection_t;

struct fanout {
    en_loop_t *loop;
    connection_t *connections;
    size_t count;
    size_t connected;
    long seconds_left;
    int failed;
    /* How long each round trip took, in microseconds. */
    uint32_t *trips;
    size_t trip_count, trip_room, trips_told;
};

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void fail(fanout_t *fanout, const char *what)
{
    /* One line is enough, and the first says most. */
    if (!fanout->failed)
        fprintf(stderr, "fanout: %s: %s\n", what, en_last_error_message());
    fanout->failed = 1;
    en_loop_stop(fanout->loop);
}

static void keep(fanout_t *fanout, int64_t trip_ns)
{
    if (fanout->trip_count == fanout->trip_room) {
        size_t room = fanout->trip_room ? 2 * fanout->trip_room : 65536;
        uint32_t *larger = realloc(fanout->trips, room * sizeof(*larger));

        if (!larger)
            return; /* the others are enough for percentiles */
        fanout->trips = larger;
        fanout->trip_room = room;
    }
    fanout->trips[fanout->trip_count++] = (uint32_t)(trip_ns / 1000);
}

static void send_one(connection_t *connection)
{
    connection->sent_at = now_ns();
    if (en_async_tcp_client_send_packet(connection->client, "there and back", 14, TIMEOUT_MS, NULL,
                                        NULL, NULL) != EN_OK)
        fail(connection->fanout, "send");
}

static int on_packet(int status, en_packet_t *packet, void *user_data)
{
    connection_t *connection = user_data;

    if (status != EN_OK) {
        if (connection->fanout->seconds_left > 0)
            fail(connection->fanout, "receive");
        return EN_RECEIVE_STOP;
    }
    en_packet_release(packet);
    keep(connection->fanout, now_ns() - connection->sent_at);
    send_one(connection);
    return EN_RECEIVE_MORE;
}

static void on_connected(int status, void *user_data)
{
    connection_t *connection = user_data;
    fanout_t *fanout = connection->fanout;

    if (status != EN_OK) {
        if (status != EN_ECANCELED)
            fail(fanout, "connect");
        return;
    }
    fanout->connected++;
    if (en_async_tcp_client_recv_start(connection->client, on_packet, connection, NULL) != EN_OK)
        fail(fanout, "receive");
    else
        send_one(connection);
}

static void on_second(int status, void *user_data)
{
    fanout_t *fanout = user_data;

    if (status != EN_OK)
        return;
    printf("%zu of %zu connected, %zu round trips in this second\n", fanout->connected,
           fanout->count, fanout->trip_count - fanout->trips_told);
    fflush(stdout);
    fanout->trips_told = fanout->trip_count;
    if (--fanout->seconds_left == 0)
        en_loop_stop(fanout->loop);
}

static int by_length(const void *one, const void *other)
{
    uint32_t a = *(const uint32_t *)one;
    uint32_t b = *(const uint32_t *)other;

    return (a > b) - (a < b);
}

static void summarize(fanout_t *fanout)
{
    static const double parts[] = {0.50, 0.90, 0.99, 0.999};

    qsort(fanout->trips, fanout->trip_count, sizeof(*fanout->trips), by_length);
    printf("%zu round trips;", fanout->trip_count);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]) && fanout->trip_count > 0; i++)
        printf(" %g%% within %u us%s", parts[i] * 100,
               (unsigned)fanout->trips[(size_t)(parts[i] * (double)(fanout->trip_count - 1))],
               i < 3 ? "," : "\n");
}

/* Each connection has a descriptor. */
static void allow_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

static int run(fanout_t *fanout, const char *host, uint16_t port)
{
    en_stream_protocol_t *line = NULL;

    if (en_loop_new(&fanout->loop) != EN_OK ||
        en_stream_protocol_new_line(&line, EN_NEWLINE_LF, 0) != EN_OK) {
        fail(fanout, "start");
        return 1;
    }
    for (size_t i = 0; i < fanout->count && !fanout->failed; i++) {
        connection_t *connection = &fanout->connections[i];

        connection->fanout = fanout;
        if (en_async_tcp_client_new(&connection->client, fanout->loop, host, port, line, NULL) !=
                EN_OK ||
            en_async_tcp_client_wait_connected(connection->client, TIMEOUT_MS, on_connected,
                                               connection, NULL) != EN_OK)
            fail(fanout, "connect");
    }
    en_stream_protocol_free(line);
    if (en_loop_start_timer(fanout->loop, 1000, 1000, on_second, fanout, NULL) != EN_OK)
        fail(fanout, "timer");
    if (!fanout->failed && en_loop_run(fanout->loop) != EN_OK)
        fail(fanout, "run");
    fanout->seconds_left = 0;
    for (size_t i = 0; i < fanout->count; i++)
        en_async_tcp_client_free(fanout->connections[i].client);
    en_loop_free(fanout->loop);
    if (!fanout->failed)
        summarize(fanout);
    return fanout->failed;
}

static long number(const char *text, long least, long most)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (*end != '\0' || value < least || value > most) {
        fprintf(stderr, "fanout: %s is not a number from %ld to %ld\n", text, least, most);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    fanout_t fanout = {0};
    int failed;

    if (argc < 3 || argc > 5) {
        fprintf(stderr, "usage: fanout HOST PORT [CONNECTIONS [SECONDS]]\n");
        return 2;
    }
    fanout.count = (size_t)(argc > 3 ? number(argv[3], 1, 100000) : 1000);
    fanout.seconds_left = argc > 4 ? number(argv[4], 1, 86400) : 5;
    fanout.connections = calloc(fanout.count, sizeof(*fanout.connections));
    if (!fanout.connections) {
        fprintf(stderr, "fanout: no memory for so many connections\n");
        return 1;
    }
    allow_descriptors();
    failed = run(&fanout, argv[1], (uint16_t)number(argv[2], 1, 65535));
    free(fanout.connections);
    free(fanout.trips);
    return failed;
}
