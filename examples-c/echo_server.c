/*
 * Sends back what it gets, on a port of 127.0.0.1 that the system chooses, until SIGTERM or SIGINT.
 *
 *     echo_server [--max-seconds N]
 *
 * It also ends when nothing has happened for N seconds (600 if not said). Plain sockets and one
 * poll: this is the other side for those who try easynet, and needs no easynet itself.
 */
#define _GNU_SOURCE

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_CLIENTS 1024
#define DEFAULT_SECONDS 600

/* What a client has sent and not got back yet; nothing more is read until that has gone. */
typedef struct {
    size_t begin;
    size_t end;
    char bytes[16384];
} pending_t;

typedef struct {
    struct pollfd polled[1 + MAX_CLIENTS]; /* the first is the listener */
    pending_t pending[MAX_CLIENTS];        /* of polled[1], ... */
    nfds_t count;
} server_t;

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
    (void)signal_number;
    stopped = 1;
}

/* The signals arrive only while ppoll waits, so none is missed; `mask` is what holds there. */
static void catch_signals(sigset_t *mask)
{
    struct sigaction action;
    sigset_t ours;

    memset(&action, 0, sizeof action);
    action.sa_handler = stop;
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigemptyset(&ours);
    sigaddset(&ours, SIGTERM);
    sigaddset(&ours, SIGINT);
    sigprocmask(SIG_BLOCK, &ours, mask);
}

static int listen_somewhere(void)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    memset(&address, 0, sizeof address);
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) < 0 ||
        listen(listener, SOMAXCONN) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) < 0) {
        perror("echo_server: cannot listen on 127.0.0.1");
        exit(EXIT_FAILURE);
    }
    printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

static void accept_clients(server_t *server)
{
    while (server->count <= MAX_CLIENTS) {
        int client = accept4(server->polled[0].fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

        if (client < 0)
            return;
        server->polled[server->count].fd = client;
        server->polled[server->count].events = POLLIN;
        server->polled[server->count].revents = 0;
        server->pending[server->count - 1].begin = 0;
        server->pending[server->count - 1].end = 0;
        server->count++;
    }
}

/* The last one takes the place of the one that goes. */
static void drop_client(server_t *server, nfds_t place)
{
    close(server->polled[place].fd);
    server->count--;
    if (place < server->count) {
        server->polled[place] = server->polled[server->count];
        server->pending[place - 1] = server->pending[server->count - 1];
    }
}

/* Reads if nothing is pending, and writes what is; 0 when the client is to be dropped. */
static int serve(int fd, pending_t *pending)
{
    if (pending->begin == pending->end) {
        ssize_t got = recv(fd, pending->bytes, sizeof pending->bytes, 0);

        if (got <= 0)
            return got < 0 && (errno == EAGAIN || errno == EINTR);
        pending->begin = 0;
        pending->end = (size_t)got;
    }
    while (pending->begin < pending->end) {
        ssize_t put =
            send(fd, pending->bytes + pending->begin, pending->end - pending->begin, MSG_NOSIGNAL);

        if (put < 0)
            return errno == EAGAIN || errno == EINTR;
        pending->begin += (size_t)put;
    }
    return 1;
}

static void serve_ready(server_t *server)
{
    for (nfds_t place = server->count; place-- > 1;) {
        pending_t *pending = &server->pending[place - 1];
        struct pollfd *polled = &server->polled[place];

        if (polled->revents == 0)
            continue;
        if (!serve(polled->fd, pending))
            drop_client(server, place);
        else
            polled->events = pending->begin < pending->end ? POLLOUT : POLLIN;
    }
    if (server->polled[0].revents != 0)
        accept_clients(server);
    /* A listener that cannot be served would only keep the loop busy. */
    server->polled[0].events = server->count <= MAX_CLIENTS ? POLLIN : 0;
}

static int run(server_t *server, long max_seconds)
{
    const struct timespec idle = {.tv_sec = max_seconds, .tv_nsec = 0};
    sigset_t mask;

    catch_signals(&mask);
    server->polled[0].fd = listen_somewhere();
    server->polled[0].events = POLLIN;
    server->count = 1;
    while (!stopped) {
        int ready = ppoll(server->polled, server->count, &idle, &mask);

        if (ready == 0)
            return EXIT_SUCCESS;
        if (ready > 0) {
            serve_ready(server);
        } else if (errno != EINTR) {
            perror("echo_server: poll");
            return EXIT_FAILURE;
        }
    }
    return EXIT_SUCCESS;
}

/* Each client has a descriptor. */
static void allow_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
    static server_t server;
    long max_seconds = DEFAULT_SECONDS;

    if (argc == 3 && strcmp(argv[1], "--max-seconds") == 0) {
        char *end;

        max_seconds = strtol(argv[2], &end, 10);
        if (*end != '\0' || max_seconds < 1) {
            fprintf(stderr, "echo_server: --max-seconds takes a number from 1 on\n");
            return 2;
        }
    } else if (argc != 1) {
        fprintf(stderr, "usage: echo_server [--max-seconds N]\n");
        return 2;
    }
    allow_descriptors();
    return run(&server, max_seconds);
}
