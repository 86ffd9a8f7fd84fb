/*
 * Traffic for glib_loop.c, libuv_loop.c and libevent_loop.c: a hundred connections to echo servers,
 * all on one loop. Each sends a line, waits for it to come back, pauses, and begins again.
 *
 * Places are written tcp:HOST:PORT, tls:HOST:PORT, udp:HOST:PORT and unix:PATH; the connections are
 * dealt out to them in turn.
 */
#ifndef TRAFFIC_H
#define TRAFFIC_H

#include <easynet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECTIONS 100
#define ROUNDS 10
#define PAUSE_MS 100
#define TIMEOUT_MS 20000

typedef struct traffic traffic_t;

typedef struct {
    traffic_t *traffic;
    const char *place;
    en_async_client_t *client; /* a view of one of these */
    en_async_tcp_client_t *tcp;
    en_async_udp_client_t *udp;
    en_async_unix_stream_client_t *local;
    char line[64];
    int rounds;
} connection_t;

struct traffic {
    en_loop_t *loop;
    en_stream_protocol_t *line;
    en_datagram_protocol_t *raw;
    en_tcp_options_t *tls;
    connection_t connections[CONNECTIONS];
    int left; /* how many connections have not finished */
    int failed;
    void (*done)(void *user_data);
    void *user_data;
};

/* Says what is wrong with a connection; the first says most. */
static void complain(connection_t *connection, const char *why)
{
    if (!connection->traffic->failed)
        fprintf(stderr, "%s: %s\n", connection->place, why);
    connection->traffic->failed = 1;
}

static void fail(connection_t *connection, const char *why)
{
    complain(connection, why);
    connection->traffic->done(connection->traffic->user_data);
}

/* ---- One connection ---- */

static void on_pause_over(int status, void *user_data);

static void on_answer(int status, en_packet_t *packet, void *user_data)
{
    connection_t *connection = user_data;
    traffic_t *traffic = connection->traffic;
    int is_ours;

    if (status == EN_ECANCELED)
        return; /* traffic_end */
    if (status != EN_OK) {
        fail(connection, en_last_error_message());
        return;
    }
    is_ours = packet->size == strlen(connection->line) &&
              memcmp(packet->data, connection->line, packet->size) == 0;
    en_packet_release(packet);
    if (!is_ours) {
        fail(connection, "what came back is not what was sent");
    } else if (++connection->rounds < ROUNDS) {
        if (en_loop_start_timer(traffic->loop, PAUSE_MS, 0, on_pause_over, connection, NULL) < 0)
            fail(connection, en_last_error_message());
    } else if (--traffic->left == 0 && !traffic->failed) {
        traffic->done(traffic->user_data);
    }
}

static void begin_round(connection_t *connection)
{
    traffic_t *traffic = connection->traffic;

    snprintf(connection->line, sizeof(connection->line), "round %d of connection %d",
             connection->rounds, (int)(connection - traffic->connections));
    /* Why a packet could not be sent is told by the receive, too. */
    if (en_async_client_send_packet(connection->client, connection->line, strlen(connection->line),
                                    TIMEOUT_MS, NULL, NULL, NULL) < 0 ||
        en_async_client_recv_packet(connection->client, TIMEOUT_MS, on_answer, connection, NULL) <
            0)
        fail(connection, en_last_error_message());
}

static void on_pause_over(int status, void *user_data)
{
    if (status == EN_OK)
        begin_round(user_data);
}

/* ---- Clients ---- */

static int open_tcp(connection_t *connection, const char *host, uint16_t port,
                    const en_tcp_options_t *options)
{
    traffic_t *traffic = connection->traffic;
    int code = en_async_tcp_client_new(&connection->tcp, traffic->loop, host, port, traffic->line,
                                       options);

    connection->client = en_async_tcp_client_as_async_client(connection->tcp);
    return code;
}

/* Whom to trust is the system's affair, or SSL_CERT_FILE's. */
static int open_tls(connection_t *connection, const char *host, uint16_t port)
{
    traffic_t *traffic = connection->traffic;
    en_tls_config_t *tls = NULL;
    int code = EN_OK;

    if (!traffic->tls && (code = en_tcp_options_new(&traffic->tls)) == EN_OK &&
        (code = en_tls_config_new_client(&tls, NULL)) == EN_OK)
        code = en_tcp_options_set_tls(traffic->tls, tls, NULL);
    en_tls_config_free(tls);
    return code < 0 ? code : open_tcp(connection, host, port, traffic->tls);
}

static int open_udp(connection_t *connection, const char *host, uint16_t port)
{
    traffic_t *traffic = connection->traffic;
    int code =
        en_async_udp_client_new(&connection->udp, traffic->loop, host, port, traffic->raw, NULL);

    connection->client = en_async_udp_client_as_async_client(connection->udp);
    return code;
}

static int open_unix(connection_t *connection, const char *path)
{
    traffic_t *traffic = connection->traffic;
    int code = en_async_unix_stream_client_new_path(&connection->local, traffic->loop, path,
                                                    traffic->line, NULL);

    connection->client = en_async_unix_stream_client_as_async_client(connection->local);
    return code;
}

static int open_place(connection_t *connection)
{
    const char *place = connection->place;
    char host[256] = "";
    unsigned port = 0;

    if (strncmp(place, "unix:", 5) == 0)
        return open_unix(connection, place + 5);
    if (sscanf(place, "%*3[a-z]:%255[^:]:%5u", host, &port) == 2 && port <= UINT16_MAX) {
        if (strncmp(place, "tcp:", 4) == 0)
            return open_tcp(connection, host, (uint16_t)port, NULL);
        if (strncmp(place, "tls:", 4) == 0)
            return open_tls(connection, host, (uint16_t)port);
        if (strncmp(place, "udp:", 4) == 0)
            return open_udp(connection, host, (uint16_t)port);
    }
    complain(connection, "a place is tcp:HOST:PORT, tls:HOST:PORT, udp:HOST:PORT or unix:PATH");
    return EN_EINVAL;
}

static void close_connection(connection_t *connection)
{
    en_async_tcp_client_free(connection->tcp);
    en_async_udp_client_free(connection->udp);
    en_async_unix_stream_client_free(connection->local);
}

/* ---- All of them ---- */

static int open_all(traffic_t *traffic, char **places)
{
    char **place = places;
    int code, i;

    if ((code = en_stream_protocol_new_line(&traffic->line, EN_NEWLINE_LF, 0)) < 0 ||
        (code = en_datagram_protocol_new_raw(&traffic->raw, 0)) < 0) {
        fprintf(stderr, "no protocol: %s\n", en_last_error_message());
        traffic->failed = 1;
        return code;
    }
    for (i = 0; i < CONNECTIONS; i++) {
        connection_t *connection = &traffic->connections[i];

        connection->traffic = traffic;
        connection->place = *place;
        place = place[1] ? place + 1 : places;
        if ((code = open_place(connection)) < 0) {
            complain(connection, en_last_error_message());
            return code;
        }
    }
    return EN_OK;
}

/* Begins; `done` is called by the loop when all is over, or something has failed. Negative if there
 * is nothing to wait for. */
static int traffic_start(traffic_t *traffic, en_loop_t *loop, char **places,
                         void (*done)(void *user_data), void *user_data)
{
    int code, i;

    memset(traffic, 0, sizeof(*traffic));
    traffic->loop = loop;
    traffic->left = CONNECTIONS;
    traffic->done = done;
    traffic->user_data = user_data;
    if ((code = open_all(traffic, places)) < 0)
        return code;
    for (i = 0; i < CONNECTIONS; i++)
        begin_round(&traffic->connections[i]);
    return EN_OK;
}

/* Closes everything, says how it went, and answers the exit status. */
static int traffic_end(traffic_t *traffic)
{
    int i;

    for (i = 0; i < CONNECTIONS; i++)
        close_connection(&traffic->connections[i]);
    en_tcp_options_free(traffic->tls);
    en_datagram_protocol_free(traffic->raw);
    en_stream_protocol_free(traffic->line);
    if (!traffic->failed)
        printf("%d connections, %d round trips each\n", CONNECTIONS, ROUNDS);
    return traffic->failed;
}

#endif
