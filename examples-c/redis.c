/*
 * Talks to a Redis server. Its protocol, RESP, is in resp.h, made of callbacks.
 *
 *     redis HOST PORT                    shows a short session
 *     redis HOST PORT COMMAND [WORD...]  runs one command
 *     redis -s SOCKET [COMMAND...]       the same through the Unix socket of the server
 *     redis -c CA_FILE HOST PORT ...     the same over TLS; CA_FILE has the authorities to trust
 */
#include "resp.h"

#define TIMEOUT_MS 5000
#define MAX_WORDS 6

/* ---- The connection ---- */

/* One of two clients; `any` is what they have in common. */
typedef struct {
    en_tcp_client_t *tcp;
    en_unix_stream_client_t *local;
    en_client_t *any;
} connection_t;

typedef struct {
    const char *path;    /* of the Unix socket; NULL: host and port are given */
    const char *ca_file; /* NULL: no TLS */
    const char *host;
    uint16_t port;
    int words; /* of the command */
    char **command;
} arguments_t;

/* Whom to trust: the authorities in the file, for the name that is dialled. */
static int set_tls(en_tcp_options_t *options, const char *ca_file)
{
    en_tls_config_t *config = NULL;
    en_tls_options_t *tls;
    int rc = en_tls_options_new(&tls);

    if (rc == EN_OK)
        rc = en_tls_options_add_ca_file(tls, ca_file);
    if (rc == EN_OK)
        rc = en_tls_config_new_client(&config, tls);
    if (rc == EN_OK)
        rc = en_tcp_options_set_tls(options, config, NULL);
    en_tls_config_free(config); /* the options keep their own hold on it */
    en_tls_options_free(tls);
    return rc;
}

static int connect_tcp(connection_t *connection, const arguments_t *arguments,
                       const en_stream_protocol_t *protocol)
{
    en_tcp_options_t *options;
    int rc = en_tcp_options_new(&options);

    if (rc == EN_OK)
        rc = en_tcp_options_set_connect_timeout(options, TIMEOUT_MS);
    if (rc == EN_OK && arguments->ca_file != NULL)
        rc = set_tls(options, arguments->ca_file);
    if (rc == EN_OK)
        rc = en_tcp_client_connect(&connection->tcp, arguments->host, arguments->port, protocol,
                                   options);
    if (rc == EN_OK)
        connection->any = en_tcp_client_as_client(connection->tcp);
    en_tcp_options_free(options);
    return rc;
}

static int connect_local(connection_t *connection, const char *path,
                         const en_stream_protocol_t *protocol)
{
    en_unix_stream_options_t *options;
    int rc = en_unix_stream_options_new(&options);

    if (rc == EN_OK)
        rc = en_unix_stream_options_set_connect_timeout(options, TIMEOUT_MS);
    if (rc == EN_OK)
        rc = en_unix_stream_client_connect_path(&connection->local, path, protocol, options);
    if (rc == EN_OK)
        connection->any = en_unix_stream_client_as_client(connection->local);
    en_unix_stream_options_free(options);
    return rc;
}

static void disconnect(connection_t *connection)
{
    en_tcp_client_free(connection->tcp); /* closes it too; NULL is nothing */
    en_unix_stream_client_free(connection->local);
}

static int send_packets(connection_t *connection, const en_slice_t *packets, size_t count,
                        size_t *sent)
{
    if (connection->local != NULL)
        return en_unix_stream_client_send_packets(connection->local, packets, count, TIMEOUT_MS,
                                                  sent);
    return en_tcp_client_send_packets(connection->tcp, packets, count, TIMEOUT_MS, sent);
}

static int recv_packets(connection_t *connection, en_packet_t *packets, size_t room, size_t *got)
{
    if (connection->local != NULL)
        return en_unix_stream_client_recv_packets(connection->local, packets, room, TIMEOUT_MS,
                                                  got);
    return en_tcp_client_recv_packets(connection->tcp, packets, room, TIMEOUT_MS, got);
}

/* ---- The session ---- */

static int fail(int rc)
{
    fprintf(stderr, "redis: %s\n", en_last_error_message());
    return rc;
}

/* A command is an array of bulk strings. The caller frees `command->data`. */
static int make_command(en_slice_t *command, int count, const char *const *words)
{
    size_t size = 16, used;
    char *text;
    int i;

    for (i = 0; i < count; i++)
        size += strlen(words[i]) + 32;
    text = malloc(size);
    if (text == NULL) {
        fprintf(stderr, "redis: out of memory\n");
        return EN_ENOMEM;
    }
    used = (size_t)sprintf(text, "*%d\r\n", count);
    for (i = 0; i < count; i++)
        used += (size_t)sprintf(text + used, "$%zu\r\n%s\r\n", strlen(words[i]), words[i]);
    command->data = text;
    command->size = used;
    return EN_OK;
}

static void free_command(en_slice_t *command)
{
    free((void *)command->data);
    command->data = NULL;
}

static void print_command(int count, const char *const *words)
{
    int i;

    putchar('>');
    for (i = 0; i < count; i++) {
        if (words[i][0] == '\0' || strchr(words[i], ' ') != NULL)
            printf(" \"%s\"", words[i]);
        else
            printf(" %s", words[i]);
    }
    putchar('\n');
}

/* One command, one answer. */
static int run_command(connection_t *connection, int count, const char *const *words)
{
    en_slice_t command;
    en_packet_t answer;
    int rc = make_command(&command, count, words);

    if (rc < 0)
        return rc;
    print_command(count, words);
    rc = en_client_send_packet(connection->any, command.data, command.size, TIMEOUT_MS);
    free_command(&command);
    if (rc == EN_OK)
        rc = en_client_recv_packet(connection->any, TIMEOUT_MS, &answer);
    if (rc < 0)
        return fail(rc);
    print_answer(&answer);
    en_packet_release(&answer);
    return EN_OK;
}

static int word_count(const char *const *words)
{
    int count = 0;

    while (count < MAX_WORDS && words[count] != NULL)
        count++;
    return count;
}

/* Receives as many answers as are on their way. */
static int receive_answers(connection_t *connection, const char *const (*commands)[MAX_WORDS],
                           size_t count)
{
    en_packet_t answers[4];
    size_t done = 0, got, i;

    while (done < count) {
        const size_t room = count - done < 4 ? count - done : 4;
        const int rc = recv_packets(connection, answers, room, &got);
        for (i = 0; i < got; i++, done++) {
            print_command(word_count(commands[done]), commands[done]);
            print_answer(&answers[i]);
        }
        en_packets_release(answers, got);
        if (rc < 0)
            return fail(rc);
    }
    return EN_OK;
}

/* Many commands at once, and then their answers: one round trip for all of them. */
static int run_batch(connection_t *connection, const char *const (*commands)[MAX_WORDS],
                     size_t count)
{
    en_slice_t *packets = calloc(count, sizeof(*packets));
    size_t made, sent = 0, i;
    int rc = EN_OK;

    if (packets == NULL) {
        fprintf(stderr, "redis: out of memory\n");
        return EN_ENOMEM;
    }
    for (made = 0; made < count && rc == EN_OK; made++)
        rc = make_command(&packets[made], word_count(commands[made]), commands[made]);
    if (rc == EN_OK) {
        rc = send_packets(connection, packets, count, &sent);
        if (rc < 0)
            fail(rc);
        else
            printf("-- %zu commands in one go --\n", sent);
    }
    for (i = 0; i < count; i++)
        free_command(&packets[i]);
    free(packets);
    return rc < 0 ? rc : receive_answers(connection, commands, count);
}

static int run_session(connection_t *connection)
{
    static const char *const one_by_one[][MAX_WORDS] = {
        {"PING"},
        {"SET", "easynet:greeting", "hello, redis"},
        {"GET", "easynet:greeting"},
        {"GET", "easynet:nothing"},
        {"DEL", "easynet:fruit", "easynet:visits"},
        {"LPUSH", "easynet:fruit", "apple", "pear", "plum"},
        {"LRANGE", "easynet:fruit", "0", "-1"},
        {"LPUSH", "easynet:greeting", "a string is no list"},
    };
    static const char *const together[][MAX_WORDS] = {
        {"INCR", "easynet:visits"},
        {"MULTI"},
        {"INCR", "easynet:visits"},
        {"LRANGE", "easynet:fruit", "0", "-1"},
        {"LRANGE", "easynet:nothing", "0", "-1"},
        {"GET", "easynet:nothing"},
        {"EXEC"},
        {"DEL", "easynet:greeting", "easynet:fruit", "easynet:visits"},
    };
    int rc = EN_OK;
    size_t i;

    for (i = 0; i < sizeof(one_by_one) / sizeof(one_by_one[0]) && rc == EN_OK; i++)
        rc = run_command(connection, word_count(one_by_one[i]), one_by_one[i]);
    if (rc == EN_OK)
        rc = run_batch(connection, together, sizeof(together) / sizeof(together[0]));
    return rc;
}

/* ---- The arguments ---- */

static int parse_arguments(int argc, char **argv, arguments_t *arguments)
{
    const char *program = argv[0];
    long port;
    char *end;

    arguments->ca_file = argc > 2 && strcmp(argv[1], "-c") == 0 ? argv[2] : NULL;
    if (arguments->ca_file != NULL) {
        argc -= 2;
        argv += 2;
    }
    if (argc < 3) {
        fprintf(
            stderr,
            "usage: %s [-c CA_FILE] HOST PORT [COMMAND [WORD...]], or -s SOCKET for HOST PORT\n",
            program);
        return 0;
    }
    arguments->words = argc - 3;
    arguments->command = argv + 3;
    arguments->path = strcmp(argv[1], "-s") == 0 ? argv[2] : NULL;
    if (arguments->path != NULL)
        return 1;
    port = strtol(argv[2], &end, 10);
    if (end == argv[2] || *end != '\0' || port < 1 || port > 65535) {
        fprintf(stderr, "redis: \"%s\" is no port: give a number from 1 to 65535\n", argv[2]);
        return 0;
    }
    arguments->host = argv[1];
    arguments->port = (uint16_t)port;
    return 1;
}

static int connect_to(connection_t *connection, const arguments_t *arguments)
{
    en_stream_protocol_t *protocol;
    int rc = resp_protocol_new(&protocol);

    if (rc < 0)
        return rc;
    if (arguments->path != NULL)
        rc = connect_local(connection, arguments->path, protocol);
    else
        rc = connect_tcp(connection, arguments, protocol);
    en_stream_protocol_free(protocol); /* the client keeps its own hold on it */
    return rc;
}

int main(int argc, char **argv)
{
    connection_t connection = {NULL, NULL, NULL};
    arguments_t arguments;
    int rc;

    if (!parse_arguments(argc, argv, &arguments))
        return 2;
    rc = connect_to(&connection, &arguments);
    if (rc < 0) {
        fail(rc);
        return 1;
    }
    if (arguments.words == 0)
        rc = run_session(&connection);
    else
        rc = run_command(&connection, arguments.words, (const char *const *)arguments.command);
    disconnect(&connection);
    return rc < 0 ? 1 : 0;
}
