/*
 * Talks JSON to a server that sends back what it gets, such as echo_server.c.
 *
 *     quickstart HOST PORT
 */
#include <easynet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_TIMEOUT_MS 5000
#define ANSWER_TIMEOUT_MS 5000
#define PATIENCE_MS 300 /* for an answer that nobody has promised */

/* The message says what was tried, with whom and why it failed, and names the code. */
static void report(void)
{
    fprintf(stderr, "quickstart: %s\n", en_last_error_message());
}

static int connect_to(const char *host, uint16_t port, en_tcp_client_t **client)
{
    en_stream_protocol_t *json = NULL;
    en_tcp_options_t *options = NULL;
    int code;

    if ((code = en_stream_protocol_new_json(&json, 0)) == EN_OK &&
        (code = en_tcp_options_new(&options)) == EN_OK &&
        (code = en_tcp_options_set_connect_timeout(options, CONNECT_TIMEOUT_MS)) == EN_OK)
        code = en_tcp_client_connect(client, host, port, json, options);

    en_tcp_options_free(options);
    en_stream_protocol_free(json); /* the client keeps its own hold on it */
    return code;
}

static int send_text(en_tcp_client_t *client, const char *text)
{
    printf("sent      %s\n", text);
    return en_tcp_client_send_packet(client, text, strlen(text), ANSWER_TIMEOUT_MS);
}

static int receive(en_tcp_client_t *client, int64_t timeout_ms)
{
    en_packet_t packet;
    int code = en_tcp_client_recv_packet(client, timeout_ms, &packet);

    if (code == EN_OK) {
        printf("received  %.*s\n", (int)packet.size, (const char *)packet.data);
        en_packet_release(&packet);
    }
    return code;
}

/* One question, one answer. */
static int exchange(en_tcp_client_t *client, const char *text)
{
    int code = send_text(client, text);

    return code < 0 ? code : receive(client, ANSWER_TIMEOUT_MS);
}

/* Several go out at once; what comes back is cut into packets again. */
static int exchange_many(en_tcp_client_t *client)
{
    static const char *const texts[] = {"[1, 2, 3]", "\"a string\"", "42"};
    enum { COUNT = sizeof texts / sizeof texts[0] };
    en_slice_t packets[COUNT];
    size_t sent;
    int code;

    for (int i = 0; i < COUNT; i++) {
        printf("sent      %s\n", texts[i]);
        packets[i].data = texts[i];
        packets[i].size = strlen(texts[i]);
    }
    code = en_tcp_client_send_packets(client, packets, COUNT, ANSWER_TIMEOUT_MS, &sent);
    for (int i = 0; i < COUNT && code == EN_OK; i++)
        code = receive(client, ANSWER_TIMEOUT_MS);
    return code;
}

/* A timeout ends the call, not the connection. */
static int wait_in_vain(en_tcp_client_t *client)
{
    int code = receive(client, PATIENCE_MS);

    if (code != EN_ETIMEDOUT)
        return code;
    printf("waited    %d ms for more: %s\n", PATIENCE_MS, en_strerror(code));
    return EN_OK;
}

/* We say that nothing follows, and so does the server. */
static int say_goodbye(en_tcp_client_t *client)
{
    int code = en_tcp_client_send_eof(client, ANSWER_TIMEOUT_MS);

    while (code == EN_OK)
        code = receive(client, ANSWER_TIMEOUT_MS);
    if (code != EN_ECONNABORTED)
        return code;
    printf("ended     by both sides\n");
    return EN_OK;
}

static int talk(en_tcp_client_t *client)
{
    int code;

    if ((code = exchange(client, "{\"data\": 42}")) < 0 || (code = exchange_many(client)) < 0 ||
        (code = wait_in_vain(client)) < 0 ||
        (code = exchange(client, "{\"still\": \"there\"}")) < 0)
        return code;
    return say_goodbye(client);
}

static int usage(void)
{
    fprintf(stderr, "usage: quickstart HOST PORT\n");
    return 2;
}

int main(int argc, char **argv)
{
    en_tcp_client_t *client;
    char *end;
    long port;
    int code;

    if (argc != 3)
        return usage();
    port = strtol(argv[2], &end, 10);
    if (*end != '\0' || port < 1 || port > 65535)
        return usage();

    if ((code = connect_to(argv[1], (uint16_t)port, &client)) < 0) {
        report();
        return EXIT_FAILURE;
    }
    printf("connected to %s, port %ld, with easynet %s\n", argv[1], port, en_version_string());
    if ((code = talk(client)) < 0)
        report();
    en_tcp_client_free(client); /* closes it, too */
    return code < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
