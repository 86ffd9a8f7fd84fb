/*
 * A syslog daemon behind a Unix datagram socket, as /dev/log is one: messages go in as datagrams,
 * and the daemon writes them to a file.
 *
 *     test_syslog SOCKET FILE [CASE]
 *
 * It writes "<priority> tag[process]: text", the process being the one that the system vouches for.
 */
#include "../c/harness.h"

#include <errno.h>
#include <libgen.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <syslog.h>
#include <unistd.h>

#define TIMEOUT_MS 60000
#define LARGE_SIZE 60000

static const char *socket_path;
static const char *file_path;

/* ---- The file ---- */

/* The whole file as text, for the caller to free; an empty one if there is no file yet. */
static char *read_file(void)
{
    FILE *file = fopen(file_path, "r");
    char *text = NULL;
    size_t size = 0;

    if (file == NULL) {
        REQUIRE(errno == ENOENT);
        return calloc(1, 1);
    }
    if (getdelim(&text, &size, '\0', file) < 0) {
        free(text);
        text = calloc(1, 1);
    }
    fclose(file);
    return text;
}

static char *folder_of(const char *path)
{
    char *copy = strdup(path);
    char *folder = strdup(dirname(copy));

    free(copy);
    return folder;
}

/* A descriptor that becomes readable when something in the folder of the file changes. */
static int watch_file(void)
{
    char *folder = folder_of(file_path);
    const int watch = inotify_init1(IN_CLOEXEC);

    REQUIRE(watch >= 0);
    REQUIRE(inotify_add_watch(watch, folder, IN_CREATE | IN_MODIFY) >= 0);
    free(folder);
    return watch;
}

/* Waits until the file holds a text; answers what the file holds then, for the caller to free. */
static char *wait_for(const char *wanted)
{
    const int watch = watch_file(); /* before the first look: no change is missed */
    char *text = read_file();

    while (strstr(text, wanted) == NULL) {
        char events[4096];

        free(text);
        REQUIRE(read(watch, events, sizeof(events)) > 0);
        text = read_file();
    }
    close(watch);
    return text;
}

/* ---- Messages ---- */

/* The text that the daemon makes of a message, for the caller to free. */
static char *written(int priority, const char *format, ...)
{
    va_list values;
    char *text = NULL;
    char *line = NULL;

    va_start(values, format);
    REQUIRE(vasprintf(&text, format, values) >= 0);
    va_end(values);
    REQUIRE(asprintf(&line, "%d easynet[%ld]: %s\n", priority, (long)getpid(), text) >= 0);
    free(text);
    return line;
}

/* A packet is a text; its datagram says before it what it is: RFC 3164 without the time, which the
 * daemon knows itself. */
static int make_datagram(const en_slice_t *parts, size_t count, en_frame_t *frame, void *user_data)
{
    char head[32];
    const int size = snprintf(head, sizeof(head), "<%d>easynet: ", *(const int *)user_data);

    if (en_frame_append(frame, head, (size_t)size) < 0)
        return EN_EBADMSG;
    for (size_t i = 0; i < count; i++) {
        if (en_frame_append_borrowed(frame, parts[i].data, parts[i].size) < 0)
            return EN_EBADMSG;
    }
    return EN_CALLBACK_DONE;
}

static int build_packet(const uint8_t *data, size_t size, en_slice_t *packet, void *user_data)
{
    (void)user_data;
    packet->data = data;
    packet->size = size;
    return EN_CALLBACK_DONE;
}

/* A client whose messages have this priority. */
static en_unix_datagram_client_t *open_log(const int *priority)
{
    const en_datagram_protocol_callbacks_t callbacks = {.struct_size = sizeof(callbacks),
                                                        .make_datagram = make_datagram,
                                                        .build_packet = build_packet};
    en_datagram_protocol_t *protocol;
    en_unix_datagram_client_t *client;

    REQUIRE_OK(en_datagram_protocol_new(&protocol, &callbacks, 0, NULL, (void *)priority));
    REQUIRE_OK(en_unix_datagram_client_connect_path(&client, socket_path, protocol, NULL));
    en_datagram_protocol_free(protocol);
    return client;
}

static void log_text(en_unix_datagram_client_t *client, const char *text)
{
    REQUIRE_OK(en_unix_datagram_client_send_packet(client, text, strlen(text), TIMEOUT_MS));
}

/* ---- Cases ---- */

static void one_message(void)
{
    static const int priority = LOG_USER | LOG_WARNING;
    en_unix_datagram_client_t *client = open_log(&priority);
    char *line = written(priority, "one message");

    log_text(client, "one message");
    en_unix_datagram_client_free(client);
    free(wait_for(line));
    free(line);
}

/* What was sent before the client is closed is not lost, and the order is kept. */
static void many_messages(void)
{
    enum { COUNT = 2000, BATCH = 100 };
    static const int priority = LOG_DAEMON | LOG_INFO;
    static char texts[BATCH][32];
    en_unix_datagram_client_t *client = open_log(&priority);
    en_slice_t packets[BATCH];
    char *line = written(priority, "many %d", COUNT - 1);
    char *text;
    const char *at;

    for (int i = 0; i < COUNT; i += BATCH) {
        size_t sent = 0;

        for (int j = 0; j < BATCH; j++) {
            packets[j].data = texts[j];
            packets[j].size = (size_t)sprintf(texts[j], "many %d", i + j);
        }
        REQUIRE_OK(en_unix_datagram_client_send_packets(client, packets, BATCH, TIMEOUT_MS, &sent));
        CHECK_INT(sent, BATCH);
    }
    en_unix_datagram_client_free(client);
    at = text = wait_for(line);
    free(line);
    for (int i = 0; i < COUNT && at != NULL; i++) {
        line = written(priority, "many %d", i);
        at = strstr(at, line);
        CHECK(at != NULL);
        free(line);
    }
    free(text);
}

static void a_large_message(void)
{
    static const int priority = LOG_LOCAL0 | LOG_DEBUG;
    en_unix_datagram_client_t *client = open_log(&priority);
    char *text = malloc(LARGE_SIZE + 1);
    char *line;

    REQUIRE(text != NULL);
    for (size_t i = 0; i < LARGE_SIZE; i++)
        text[i] = (char)('a' + i % 26);
    text[LARGE_SIZE] = '\0';
    line = written(priority, "%s", text);
    log_text(client, text);
    free(wait_for(line));
    en_unix_datagram_client_free(client);
    free(line);
    free(text);
}

/* Credentials sent by hand: the system lets our own through, and the daemon sees the same. */
static void with_credentials(void)
{
    static const int priority = LOG_AUTH | LOG_NOTICE;
    en_unix_datagram_client_t *client = open_log(&priority);
    char *line = written(priority, "with credentials");
    en_ancillary_t *beside;

    REQUIRE_OK(en_ancillary_new(&beside));
    REQUIRE_OK(en_ancillary_add_creds(beside, 0, geteuid(), getegid()));
    REQUIRE_OK(en_unix_datagram_client_send_packet_with_ancillary(client, "with credentials", 16,
                                                                  beside, TIMEOUT_MS));
    free(wait_for(line));
    en_ancillary_free(beside);
    en_unix_datagram_client_free(client);
    free(line);
}

/* What no datagram of a Unix socket can be is refused, and the next message goes through. */
static void too_large_a_message(void)
{
    static const int priority = LOG_USER | LOG_ERR;
    const size_t size = (size_t)4 << 20;
    en_unix_datagram_client_t *client = open_log(&priority);
    char *line = written(priority, "after the large one");
    char *text = malloc(size);

    REQUIRE(text != NULL);
    memset(text, 'x', size);
    CHECK_CODE(en_unix_datagram_client_send_packet(client, text, size, TIMEOUT_MS), EN_EMSGSIZE);
    log_text(client, "after the large one");
    free(wait_for(line));
    en_unix_datagram_client_free(client);
    free(text);
    free(line);
}

static const test_case_t cases[] = {
    CASE(one_message),      CASE(many_messages),       CASE(a_large_message),
    CASE(with_credentials), CASE(too_large_a_message),
};

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: %s SOCKET FILE [CASE]\n", argv[0]);
        return 2;
    }
    socket_path = argv[1];
    file_path = argv[2];
    return harness_run("syslog", cases, sizeof(cases) / sizeof(cases[0]), argc - 2, argv + 2);
}
