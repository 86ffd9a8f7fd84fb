#define _POSIX_C_SOURCE 200809L

#include "sweep.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char *current = "the fixture";
static int failures;
static fixture_t *encoding; /* the fixture of the case that runs inside an encode callback */
static const sweep_case_t *encoding_case;

static void complain(const char *what)
{
    failures++;
    printf("FAILED %s: %s\n", current, what);
}

void sweep_check(int holds, const char *expression)
{
    if (!holds)
        complain(expression);
}

void sweep_need(int holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s: %s: %s\n", current, what, en_last_error_message());
    exit(2);
}

int sweep_is_marked(const void *output, size_t size)
{
    const unsigned char *bytes = output;
    size_t i;

    for (i = 0; i < size; i++) {
        if (bytes[i] != UNTOUCHED)
            return 0;
    }
    return 1;
}

static void complain_of_code(const char *wanted, int rc)
{
    failures++;
    printf("FAILED %s: wanted %s, got %s \"%s\"\n", current, wanted, en_error_name(rc),
           rc < 0 ? en_last_error_message() : "");
}

void expect_ok(int rc)
{
    if (rc < 0)
        complain_of_code("EN_OK", rc);
}

void expect_failure(int rc)
{
    if (rc >= 0)
        complain_of_code("a failure", rc);
    expect_any(rc);
}

void expect_code(int rc, int code, const char *name)
{
    if (rc != code)
        complain_of_code(en_error_name(code), rc);
    else if (name != NULL && strstr(en_last_error_message(), name) == NULL)
        complain_of_code(name, rc);
}

void expect_any(int rc)
{
    if (rc >= 0)
        return;
    if (strcmp(en_error_name(rc), "EN_EUNKNOWN") == 0 || rc == EN_EPANIC)
        complain_of_code("a code that the header knows, and no panic", rc);
    if (en_last_error_message()[0] == '\0')
        complain_of_code("a message", rc);
}

void expect_text(const char *text)
{
    if (text == NULL || text[0] == '\0')
        complain("wanted a text, got none");
}

static const char *before; /* the message of the last failure, which stays valid until the next */

void sweep_fail(void)
{
    en_address_t *none;

    NEED(en_address_new(&none, "no failure since", 0) == EN_EINVAL);
    before = en_last_error_message();
    NEED(strstr(before, "no failure since") != NULL);
}

void check_message(int rc)
{
    const char *after = en_last_error_message();

    if (rc >= 0 ? after != before : strstr(after, "no failure since") != NULL)
        complain(rc >= 0 ? "it did not fail, but touched the message"
                         : "it failed without a message");
}

int sweep_encode(const en_slice_t *parts, size_t count, en_frame_t *frame, void *user_data)
{
    fixture_t *fx = encoding;

    (void)parts;
    (void)count;
    (void)user_data;
    if (fx != NULL) {
        encoding = NULL;
        fx->frame = frame;
        encoding_case->run(fx);
        fx->frame = NULL;
    }
    return EN_CALLBACK_DONE;
}

static int decode(const uint8_t *data, size_t size, int end_of_stream, size_t *used,
                  en_slice_t *packet, void *state, void *user_data)
{
    (void)end_of_stream;
    (void)state;
    (void)user_data;
    packet->data = data;
    packet->size = *used = size;
    return EN_DECODE_PACKET;
}

static int lend(size_t size_hint, void **buffer, size_t *size, size_t *start, void *state,
                void *user_data)
{
    static char memory[256];

    (void)size_hint;
    (void)start;
    (void)state;
    (void)user_data;
    *buffer = memory;
    *size = sizeof(memory);
    return EN_CALLBACK_DONE;
}

static int decode_buffer(size_t filled, int end_of_stream, size_t *used, en_slice_t *packet,
                         void *state, void *user_data)
{
    (void)filled;
    (void)end_of_stream;
    (void)used;
    (void)packet;
    (void)state;
    (void)user_data;
    return EN_DECODE_MORE;
}

int sweep_interrupted(void *user_data)
{
    (void)user_data;
    return EN_CALLBACK_DONE;
}

static int destroyed;

void sweep_destroy(void *user_data)
{
    (void)user_data;
    destroyed++;
}

void sweep_log(int level, const char *message, void *user_data)
{
    (void)level;
    (void)message;
    (void)user_data;
}

/* ---- The fixture ---- */

static int listen_on(uint16_t *port)
{
    struct sockaddr_in address;
    socklen_t size = sizeof(address);
    const int listener = socket(AF_INET, SOCK_STREAM, 0);

    memset(&address, 0, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    NEED(listener >= 0);
    NEED(bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0);
    NEED(listen(listener, 16) == 0);
    NEED(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    *port = ntohs(address.sin_port);
    return listener;
}

static void set_up_socket(fixture_t *fx, int listener)
{
    fx->fd = socket(AF_INET, SOCK_STREAM, 0);
    NEED(fx->fd >= 0);
    NEED(connect(fx->fd, (struct sockaddr *)&fx->sockaddr, (socklen_t)fx->sockaddr_size) == 0);
    fx->fd_peer = accept(listener, NULL, NULL);
    NEED(fx->fd_peer >= 0);
}

static void set_up_client(fixture_t *fx, int listener)
{
    static const char lines[] = "a\nb\nc\nd\ne\nf\n";

    NEED(en_tcp_client_connect(&fx->client, "127.0.0.1", fx->port, fx->protocol, NULL) == EN_OK);
    fx->peer = accept(listener, NULL, NULL);
    NEED(fx->peer >= 0);
    NEED(send(fx->peer, lines, sizeof(lines) - 1, 0) == (ssize_t)sizeof(lines) - 1);
    NEED(en_tcp_client_recv_packet(fx->client, -1, &fx->packet) == EN_OK);
    NEED(en_tcp_client_iter_received_packets(&fx->iter, fx->client, -1) == EN_OK);
}

static void set_up_callbacks(fixture_t *fx)
{
    fx->callbacks.struct_size = sizeof(fx->callbacks);
    fx->callbacks.encode = sweep_encode;
    fx->callbacks.decode = decode;
    fx->buffered_callbacks.struct_size = sizeof(fx->buffered_callbacks);
    fx->buffered_callbacks.encode = sweep_encode;
    fx->buffered_callbacks.lend = lend;
    fx->buffered_callbacks.decode = decode_buffer;
}

static void set_up(fixture_t *fx, int listener, uint16_t port)
{
    memset(fx, 0, sizeof(*fx));
    fx->port = port;
    fx->buffer_size = sizeof(fx->buffer);
    fx->slices[0].data = "one";
    fx->slices[0].size = 3;
    fx->slices[1].data = "two";
    fx->slices[1].size = 3;
    fx->sockaddr_size = sizeof(fx->sockaddr);
    NEED(en_address_new(&fx->address, "127.0.0.1", port) == EN_OK);
    NEED(en_address_new(&fx->other_address, "::1", port) == EN_OK);
    NEED(en_address_to_sockaddr(fx->address, &fx->sockaddr, &fx->sockaddr_size) == EN_OK);
    fx->addresses[0] = fx->address;
    fx->addresses[1] = fx->other_address;
    NEED(en_stream_protocol_new_line(&fx->protocol, EN_NEWLINE_LF, 0) == EN_OK);
    NEED(en_tcp_options_new(&fx->options) == EN_OK);
    NEED(en_cancel_new(&fx->cancel) == EN_OK);
    set_up_callbacks(fx);
    set_up_socket(fx, listener);
    set_up_client(fx, listener);
    sweep_set_up_families(fx);
    sweep_set_up_tls(fx);
    destroyed = 0;
}

static void tear_down(fixture_t *fx)
{
    sweep_tear_down_async(fx);
    sweep_tear_down_low(fx);
    sweep_tear_down_tls(fx);
    sweep_tear_down_families(fx);
    en_packet_release(&fx->packet);
    en_packet_iter_free(fx->iter);
    en_tcp_client_free(fx->client);
    en_cancel_free(fx->cancel);
    en_tcp_options_free(fx->options);
    en_stream_protocol_free(fx->protocol);
    en_address_free(fx->other_address);
    en_address_free(fx->address);
    if (fx->fd >= 0)
        close(fx->fd);
    close(fx->fd_peer);
    close(fx->peer);
    CHECK(destroyed == fx->registered);
}

/* Runs a case inside an encode callback. */
static void run_within(fixture_t *fx, const sweep_case_t *which)
{
    encoding = fx;
    encoding_case = which;
    which->within(fx);
    if (encoding != NULL)
        complain("the callback was not called");
    encoding = NULL;
}

static int has_descriptor(int fd)
{
    const int copy = dup(fd);

    if (copy >= 0)
        close(copy);
    return copy >= 0;
}

/* How many descriptors are open, of those that the cases may open. */
static int count_descriptors(void)
{
    int fd, count = 0;

    for (fd = 0; fd < 64; fd++)
        count += has_descriptor(fd);
    return count;
}

static void run_case(const sweep_case_t *which, int listener, uint16_t port)
{
    fixture_t fx;
    const int before = count_descriptors();

    current = which->name;
    set_up(&fx, listener, port);
    if (which->within != NULL)
        run_within(&fx, which);
    else
        which->run(&fx);
    tear_down(&fx);
    if (count_descriptors() != before)
        complain("a descriptor was left open, or closed that is not ours");
}

/* A connection that a case made waits at the listener; it must not become the next one's. */
static void forget_connections(int *listener, uint16_t *port)
{
    close(*listener);
    *listener = listen_on(port);
}

int main(int argc, char **argv)
{
    uint16_t port;
    int listener = listen_on(&port);
    size_t i, ran = 0;

    for (i = 0; i < sweep_case_count; i++) {
        if (argc > 1 && strncmp(sweep_cases[i].name, argv[1], strlen(argv[1])) != 0)
            continue;
        run_case(&sweep_cases[i], listener, port);
        forget_connections(&listener, &port);
        ran++;
    }
    close(listener);
    printf("%zu cases, %d failures\n", ran, failures);
    return failures > 0 || ran == 0;
}
