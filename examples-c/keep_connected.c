/*
 * Keeps one connection to a server, and prints each line that it sends. When the connection ends or
 * cannot be made, it tries again: soon at first, then after longer and longer pauses.
 *
 *     keep_connected HOST PORT [LINES]
 *
 * It ends after LINES lines (never, if not said).
 */
#define _POSIX_C_SOURCE 200809L

#include <easynet.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CONNECT_MS 10000
/* The server may say nothing for long: the system finds out if it is gone. */
#define KEEPALIVE_IDLE_S 60
#define KEEPALIVE_INTERVAL_S 10
#define KEEPALIVE_COUNT 3
#define SHORTEST_PAUSE_MS 100
#define LONGEST_PAUSE_MS 30000

typedef struct {
    en_loop_t *loop;
    en_stream_protocol_t *lines;
    en_tcp_options_t *options;
    en_async_tcp_client_t *client; /* NULL: there is a pause */
    const char *host;
    uint16_t port;
    int64_t pause_ms;
    long lines_left; /* below 0: for ever */
} keeper_t;

static int complain(const char *what)
{
    fprintf(stderr, "keep_connected: %s: %s\n", what, en_last_error_message());
    return 1;
}

/* What is still under way calls back meanwhile, and finds no client. */
static void let_go(keeper_t *keeper)
{
    en_async_tcp_client_t *client = keeper->client;

    keeper->client = NULL;
    en_async_tcp_client_free(client);
}

static void start(int status, void *user_data);

/* A client has one connection: another one takes another client. */
static void start_later(keeper_t *keeper)
{
    /* Many who lose their server in the same moment should not come back in the same moment. */
    int64_t pause_ms = keeper->pause_ms / 2 + rand() % (keeper->pause_ms / 2 + 1);

    let_go(keeper);
    keeper->pause_ms *= 2;
    if (keeper->pause_ms > LONGEST_PAUSE_MS)
        keeper->pause_ms = LONGEST_PAUSE_MS;
    if (en_loop_start_timer(keeper->loop, pause_ms, 0, start, keeper, NULL) != EN_OK) {
        complain("pause");
        en_loop_stop(keeper->loop);
    }
}

static int on_line(int status, en_packet_t *line, void *user_data)
{
    keeper_t *keeper = user_data;

    if (keeper->client == NULL)
        return EN_RECEIVE_STOP;
    if (status != EN_OK) {
        complain("connection");
        start_later(keeper);
        return EN_RECEIVE_STOP;
    }
    printf("%.*s\n", (int)line->size, (const char *)line->data);
    fflush(stdout);
    en_packet_release(line);
    keeper->pause_ms = SHORTEST_PAUSE_MS; /* it is well */
    if (keeper->lines_left < 0 || --keeper->lines_left > 0)
        return EN_RECEIVE_MORE;
    en_loop_stop(keeper->loop);
    return EN_RECEIVE_STOP;
}

/* To receive is to connect, too. */
static void start(int status, void *user_data)
{
    keeper_t *keeper = user_data;

    if (status != EN_OK)
        return;
    if (en_async_tcp_client_new(&keeper->client, keeper->loop, keeper->host, keeper->port,
                                keeper->lines, keeper->options) != EN_OK ||
        en_async_tcp_client_recv_start(keeper->client, on_line, keeper, NULL) != EN_OK) {
        complain("connect");
        start_later(keeper);
    }
}

static int make_options(en_tcp_options_t **options)
{
    int rc = en_tcp_options_new(options);

    if (rc == EN_OK)
        rc = en_tcp_options_set_connect_timeout(*options, CONNECT_MS);
    if (rc == EN_OK)
        rc = en_tcp_options_set_keepalive(*options, KEEPALIVE_IDLE_S, KEEPALIVE_INTERVAL_S,
                                          KEEPALIVE_COUNT);
    return rc;
}

static int run(keeper_t *keeper)
{
    if (en_loop_new(&keeper->loop) != EN_OK || make_options(&keeper->options) != EN_OK ||
        en_stream_protocol_new_line(&keeper->lines, EN_NEWLINE_LF, 0) != EN_OK)
        return complain("start");
    start(EN_OK, keeper);
    return en_loop_run(keeper->loop) == EN_OK ? 0 : complain("run");
}

static long number(const char *text, long least, long most)
{
    char *end;
    long value = strtol(text, &end, 10);

    if (*end != '\0' || value < least || value > most) {
        fprintf(stderr, "keep_connected: %s is not a number from %ld to %ld\n", text, least, most);
        exit(2);
    }
    return value;
}

int main(int argc, char **argv)
{
    keeper_t keeper = {.pause_ms = SHORTEST_PAUSE_MS, .lines_left = -1};
    int failed;

    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: keep_connected HOST PORT [LINES]\n");
        return 2;
    }
    srand((unsigned)getpid());
    keeper.host = argv[1];
    keeper.port = (uint16_t)number(argv[2], 1, 65535);
    if (argc > 3)
        keeper.lines_left = number(argv[3], 1, 1000000000);
    failed = run(&keeper);
    let_go(&keeper);
    en_tcp_options_free(keeper.options);
    en_stream_protocol_free(keeper.lines);
    en_loop_free(keeper.loop);
    return failed;
}
