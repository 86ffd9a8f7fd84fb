/*
 * TLS in a loop of one's own: fetches pages at the same time, each over a connection of its own, by
 * poll(2) and calls that never wait. HTTP/1.0, so a page ends where its stream does.
 *
 *     tls_poll [-c CA_FILE] HOST PORT PATH...
 *
 * HOST is looked up before the loop, which waits, and the first of its addresses is taken. CA_FILE
 * (PEM) has the authorities to trust in place of the system's. Of each page the first line and the
 * size are printed. The exit status is 0 if all came, 1 if not, 2 if the arguments are wrong.
 */
#define _POSIX_C_SOURCE 200809L

#include <easynet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_FETCHES 64
#define PATIENCE_MS 10000

enum { CONNECTS, SHAKES_HANDS, SENDS, RECEIVES, IS_DONE, HAS_FAILED };

/* One page on its way. */
typedef struct {
    const char *path;
    int state;
    int fd; /* while it connects */
    en_stream_transport_t *transport;
    char request[1024];
    size_t size, sent;
    char line[128]; /* the first of the answer */
    size_t line_size, received;
} fetch_t;

/* What all have in common. */
typedef struct {
    const char *host;
    en_tls_config_t *tls;
    struct addrinfo *address;
} server_t;

static int fail(const fetch_t *fetch, int rc)
{
    fprintf(stderr, "tls_poll: %s: %s: %s\n", fetch->path, en_error_name(rc),
            en_last_error_message());
    return HAS_FAILED;
}

static int fail_errno(const fetch_t *fetch, const char *what, int error)
{
    fprintf(stderr, "tls_poll: %s: %s: %s\n", fetch->path, what, strerror(error));
    return HAS_FAILED;
}

/* ---- The steps of one page: each goes as far as it can without waiting ---- */

static int begin(fetch_t *fetch, const server_t *server, const char *path)
{
    const struct addrinfo *address = server->address;
    int size;

    memset(fetch, 0, sizeof(*fetch));
    fetch->fd = -1;
    fetch->path = path;
    size = snprintf(fetch->request, sizeof(fetch->request), "GET %s HTTP/1.0\r\nHost: %s\r\n\r\n",
                    path, server->host);
    if (size < 0 || (size_t)size >= sizeof(fetch->request))
        return fail_errno(fetch, "path", ENAMETOOLONG);
    fetch->size = (size_t)size;
    fetch->fd = socket(address->ai_family, SOCK_STREAM, 0);
    if (fetch->fd < 0)
        return fail_errno(fetch, "socket", errno);
    if (fcntl(fetch->fd, F_SETFD, FD_CLOEXEC) != 0 || fcntl(fetch->fd, F_SETFL, O_NONBLOCK) != 0)
        return fail_errno(fetch, "fcntl", errno);
    if (connect(fetch->fd, address->ai_addr, address->ai_addrlen) != 0 && errno != EINPROGRESS)
        return fail_errno(fetch, "connect", errno);
    return CONNECTS;
}

/* The socket has an answer: TLS goes over it from here on. */
static int secure(fetch_t *fetch, const server_t *server)
{
    en_stream_transport_t *plain;
    socklen_t size = sizeof(int);
    int error = 0, rc;

    if (getsockopt(fetch->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
        error = errno;
    if (error != 0)
        return fail_errno(fetch, "connect", error);
    rc = en_stream_transport_from_fd(&plain, fetch->fd, NULL);
    if (rc < 0)
        return fail(fetch, rc);
    fetch->fd = -1; /* it is the transport's now */
    rc = en_stream_transport_new_tls_noblock(&fetch->transport, plain, server->tls, server->host,
                                             NULL);
    en_stream_transport_free(plain);
    return rc < 0 ? fail(fetch, rc) : SHAKES_HANDS;
}

static int send_on(fetch_t *fetch, int *fd)
{
    size_t count;
    const int rc = en_stream_transport_send_noblock(fetch->transport, fetch->request + fetch->sent,
                                                    fetch->size - fetch->sent, &count, fd);

    fetch->sent += count;
    return rc < 0 ? rc : fetch->sent < fetch->size ? SENDS : RECEIVES;
}

static int receive_on(fetch_t *fetch, int *fd)
{
    char buffer[16384];
    size_t size, room, part;
    const int rc =
        en_stream_transport_recv_into_noblock(fetch->transport, buffer, sizeof(buffer), &size, fd);

    if (rc < 0)
        return rc;
    if (size == 0) {
        printf("-- %s: %.*s: %lu bytes in all --\n", fetch->path, (int)strcspn(fetch->line, "\r\n"),
               fetch->line, (unsigned long)fetch->received);
        return IS_DONE;
    }
    room = sizeof(fetch->line) - 1 - fetch->line_size;
    part = size < room ? size : room;
    memcpy(fetch->line + fetch->line_size, buffer, part);
    fetch->line_size += part;
    fetch->received += size;
    return RECEIVES;
}

static int is_over(const fetch_t *fetch)
{
    return fetch->state == IS_DONE || fetch->state == HAS_FAILED;
}

static void end(fetch_t *fetch, int state)
{
    fetch->state = state;
    if (!is_over(fetch))
        return;
    if (fetch->fd >= 0)
        close(fetch->fd);
    en_stream_transport_free(fetch->transport);
    fetch->transport = NULL;
    fetch->fd = -1;
}

/* Goes on until it has to wait, and says for what. */
static void go_on(fetch_t *fetch, struct pollfd *wanted)
{
    wanted->fd = -1;
    while (!is_over(fetch)) {
        const int rc = fetch->state == SHAKES_HANDS
                           ? en_stream_transport_handshake_noblock(fetch->transport, &wanted->fd)
                       : fetch->state == SENDS ? send_on(fetch, &wanted->fd)
                                               : receive_on(fetch, &wanted->fd);

        if (rc == EN_WANT_READ || rc == EN_WANT_WRITE) {
            wanted->events = rc == EN_WANT_READ ? POLLIN : POLLOUT;
            return;
        }
        end(fetch, rc < 0 ? fail(fetch, rc) : fetch->state == SHAKES_HANDS ? SENDS : rc);
    }
}

/* ---- The loop ---- */

static int fetch_all(const server_t *server, char **paths, int count)
{
    static fetch_t fetches[MAX_FETCHES];
    struct pollfd wanted[MAX_FETCHES];
    int i, left, failed = 0;

    for (i = 0; i < count; i++) {
        end(&fetches[i], begin(&fetches[i], server, paths[i]));
        wanted[i].fd = fetches[i].fd;
        wanted[i].events = POLLOUT;
    }
    for (;;) {
        for (i = 0, left = 0; i < count; i++)
            left += !is_over(&fetches[i]);
        if (left == 0)
            break;
        if (poll(wanted, (nfds_t)count, PATIENCE_MS) == 0) {
            fprintf(stderr, "tls_poll: nothing has come for %d ms\n", PATIENCE_MS);
            for (i = 0; i < count; i++) {
                if (!is_over(&fetches[i]))
                    end(&fetches[i], HAS_FAILED);
            }
            break;
        }
        for (i = 0; i < count; i++) {
            if (is_over(&fetches[i]) || wanted[i].revents == 0)
                continue;
            if (fetches[i].state == CONNECTS)
                end(&fetches[i], secure(&fetches[i], server));
            go_on(&fetches[i], &wanted[i]);
        }
    }
    for (i = 0; i < count; i++)
        failed |= fetches[i].state == HAS_FAILED;
    return failed;
}

static int make_tls(en_tls_config_t **tls, const char *ca_file)
{
    en_tls_options_t *options;
    int rc = en_tls_options_new(&options);

    if (rc == EN_OK && ca_file != NULL)
        rc = en_tls_options_add_ca_file(options, ca_file);
    if (rc == EN_OK)
        rc = en_tls_config_new_client(tls, options);
    en_tls_options_free(options);
    return rc;
}

int main(int argc, char **argv)
{
    const int has_ca_file = argc > 2 && strcmp(argv[1], "-c") == 0;
    char **words = argv + (has_ca_file ? 3 : 1);
    const int count = (int)(argv + argc - words) - 2;
    struct addrinfo hints;
    server_t server;
    int status, rc;

    if (count < 1 || count > MAX_FETCHES) {
        fprintf(stderr, "usage: %s [-c CA_FILE] HOST PORT PATH...\n", argv[0]);
        return 2;
    }
    memset(&hints, 0, sizeof(hints));
    hints.ai_socktype = SOCK_STREAM;
    server.host = words[0];
    server.tls = NULL;
    rc = getaddrinfo(words[0], words[1], &hints, &server.address);
    if (rc != 0) {
        fprintf(stderr, "tls_poll: %s: %s\n", words[0], gai_strerror(rc));
        return 1;
    }
    rc = make_tls(&server.tls, has_ca_file ? argv[2] : NULL);
    if (rc < 0)
        fprintf(stderr, "tls_poll: %s: %s\n", en_error_name(rc), en_last_error_message());
    status = rc < 0 ? 1 : fetch_all(&server, words + 2, count);
    en_tls_config_free(server.tls);
    freeaddrinfo(server.address);
    return status;
}
