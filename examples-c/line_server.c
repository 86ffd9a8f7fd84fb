/*
 * A server with one loop for all: it sends back each line that it gets, and takes no more from a
 * client that does not read what was sent to it.
 *
 *     line_server
 *
 * It listens on a port of 127.0.0.1 that the system chooses, prints it, and ends with SIGTERM or
 * SIGINT.
 */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <easynet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#define LONGEST_LINE 4096
/* From then on nothing more is read until all of it has gone. */
#define MOST_QUEUED 65536
#define CLOSE_MS 10000
#define PAUSE_MS 100

typedef struct session session_t;

typedef struct {
    en_loop_t *loop;
    en_stream_protocol_t *lines;
    int listener;
    int signals;
    uint64_t accepting;
    session_t *sessions;
} server_t;

struct session {
    en_async_tcp_client_t *client;
    session_t *next;
    session_t **here; /* what points to it */
};

static int complain(const char *what)
{
    fprintf(stderr, "line_server: %s: %s\n", what, en_last_error_message());
    return 1;
}

/* What is still under way calls back meanwhile, with EN_ECANCELED or what was decided already: it
 * finds no client. */
static void end_session(session_t *session)
{
    en_async_tcp_client_t *client = session->client;

    session->client = NULL;
    en_async_tcp_client_free(client);
    *session->here = session->next;
    if (session->next != NULL)
        session->next->here = session->here;
    free(session);
}

static void on_closed(int status, void *user_data)
{
    session_t *session = user_data;

    (void)status;
    if (session->client != NULL)
        end_session(session);
}

static void receive(session_t *session);

static void on_flushed(int status, void *user_data)
{
    session_t *session = user_data;

    if (session->client == NULL)
        return;
    if (status == EN_OK)
        receive(session);
    else
        end_session(session);
}

/* Sends it back; whether another is to come now. */
static int answer(session_t *session, const en_packet_t *line)
{
    size_t queued = 0;
    int rc = en_async_tcp_client_send_packet(session->client, line->data, line->size, -1, NULL,
                                             NULL, NULL);

    if (rc == EN_OK)
        rc = en_async_tcp_client_send_queue_size(session->client, &queued);
    if (rc == EN_OK && queued < MOST_QUEUED)
        return EN_RECEIVE_MORE;
    if (rc == EN_OK)
        rc = en_async_tcp_client_flush(session->client, -1, on_flushed, session, NULL);
    if (rc < 0) {
        complain("send");
        end_session(session);
    }
    return EN_RECEIVE_STOP;
}

static int on_line(int status, en_packet_t *line, void *user_data)
{
    session_t *session = user_data;
    int next;

    if (status == EN_OK) {
        next = answer(session, line);
        en_packet_release(line);
        return next;
    }
    if (session->client == NULL)
        return EN_RECEIVE_STOP;
    /* After the end of what it sends, the client may still read. */
    if (status != EN_ECONNABORTED ||
        en_async_tcp_client_close(session->client, CLOSE_MS, on_closed, session, NULL) != EN_OK)
        end_session(session);
    return EN_RECEIVE_STOP;
}

static void receive(session_t *session)
{
    if (en_async_tcp_client_recv_start(session->client, on_line, session, NULL) != EN_OK) {
        complain("receive");
        end_session(session);
    }
}

/* The descriptor is taken over in any case. */
static void begin_session(server_t *server, int fd)
{
    session_t *session = calloc(1, sizeof(*session));

    if (session == NULL || en_async_tcp_client_from_fd(&session->client, server->loop, fd,
                                                       server->lines, NULL) != EN_OK) {
        complain("a client");
        free(session);
        close(fd);
        return;
    }
    session->here = &server->sessions;
    session->next = server->sessions;
    if (session->next != NULL)
        session->next->here = &session->next;
    server->sessions = session;
    receive(session);
}

static void start_accepting(int status, void *user_data);

static void on_connections(int status, void *user_data)
{
    server_t *server = user_data;
    int fd;

    if (status != EN_OK)
        return;
    while ((fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC)) >= 0)
        begin_session(server, fd);
    if (errno == EMFILE || errno == ENFILE) {
        /* Nobody is taken from the queue, so the listener would call in every turn. */
        perror("line_server: accept");
        en_loop_cancel(server->loop, server->accepting);
        if (en_loop_start_timer(server->loop, PAUSE_MS, 0, start_accepting, server, NULL) != EN_OK)
            complain("accept");
    }
}

static void start_accepting(int status, void *user_data)
{
    server_t *server = user_data;

    if (status == EN_OK && en_loop_start_watch(server->loop, server->listener, EN_INTEREST_READ,
                                               on_connections, server, &server->accepting) != EN_OK)
        complain("accept");
}

static void on_signal(int status, void *user_data)
{
    server_t *server = user_data;

    if (status == EN_OK)
        en_loop_stop(server->loop);
}

static int listen_somewhere(void)
{
    struct sockaddr_in address;
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    memset(&address, 0, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) < 0 ||
        listen(listener, SOMAXCONN) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) < 0) {
        perror("line_server: cannot listen on 127.0.0.1");
        exit(1);
    }
    printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

/* They come through a descriptor from here on. */
static int take_signals(void)
{
    sigset_t signals;
    int fd;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    if (fd < 0) {
        perror("line_server: signalfd");
        exit(1);
    }
    return fd;
}

static int run(server_t *server)
{
    if (en_loop_new(&server->loop) != EN_OK ||
        en_stream_protocol_new_line(&server->lines, EN_NEWLINE_LF, LONGEST_LINE) != EN_OK ||
        en_loop_start_watch(server->loop, server->signals, EN_INTEREST_READ, on_signal, server,
                            NULL) != EN_OK)
        return complain("start");
    start_accepting(EN_OK, server);
    return en_loop_run(server->loop) == EN_OK ? 0 : complain("run");
}

int main(void)
{
    server_t server = {NULL, NULL, -1, -1, 0, NULL};
    int failed;

    server.signals = take_signals();
    server.listener = listen_somewhere();
    failed = run(&server);
    while (server.sessions != NULL)
        end_session(server.sessions);
    en_loop_free(server.loop);
    en_stream_protocol_free(server.lines);
    close(server.listener);
    close(server.signals);
    return failed;
}
