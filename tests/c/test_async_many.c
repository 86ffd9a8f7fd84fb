/* Ten thousand connections on one loop, in one process; their peer is another one. */
#include "async.h"
#include "peer.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* The connections are spread over some addresses, each with a queue of its own for those who knock.
 */
enum { MOST = 10000, ADDRESSES = 4, FEW = 400, SPARE_DESCRIPTORS = 200 };

/* ---- The peer, in a process of its own: it echoes until told to end ---- */

typedef struct {
    pid_t pid;
    int control; /* closed to end it */
    uint16_t ports[ADDRESSES];
} server_t;

static void watch(int epoll, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        _exit(2);
}

static void echo(int fd)
{
    char bytes[256];
    ssize_t size = read(fd, bytes, sizeof(bytes));

    if (size <= 0 || write(fd, bytes, (size_t)size) != size)
        close(fd);
}

static void serve(const int *listeners, int control)
{
    struct epoll_event events[256];
    int epoll = epoll_create1(EPOLL_CLOEXEC);

    watch(epoll, control);
    for (int i = 0; i < ADDRESSES; i++)
        watch(epoll, listeners[i]);
    for (;;) {
        int count = epoll_wait(epoll, events, 256, -1);

        for (int i = 0; i < count; i++) {
            int fd = events[i].data.fd;

            if (fd == control)
                _exit(0);
            if (fd >= listeners[0] && fd <= listeners[ADDRESSES - 1])
                watch(epoll, accept4(fd, NULL, NULL, SOCK_CLOEXEC));
            else
                echo(fd);
        }
    }
}

static void server_open(server_t *server)
{
    int listeners[ADDRESSES];
    int control[2];

    REQUIRE(pipe(control) == 0);
    for (int i = 0; i < ADDRESSES; i++) {
        char host[16];

        snprintf(host, sizeof(host), "127.0.0.%d", i + 1);
        listeners[i] = peer_listen(host, SOMAXCONN);
        server->ports[i] = peer_port(listeners[i]);
        CHECK_INT(listeners[i], listeners[0] + i);
    }
    server->pid = fork();
    REQUIRE(server->pid >= 0);
    if (server->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(control[1]);
        serve(listeners, control[0]);
    }
    for (int i = 0; i < ADDRESSES; i++)
        close(listeners[i]);
    close(control[0]);
    server->control = control[1];
}

/* All its connections end with it. */
static void server_end(server_t *server)
{
    int status = -1;

    close(server->control);
    CHECK(waitpid(server->pid, &status, 0) == server->pid);
    CHECK_INT(status, 0);
}

/* ---- The connections ---- */

typedef struct {
    en_async_tcp_client_t *client;
    char line[32];
    int calls;
    int status;
    uint64_t operation;
} connection_t;

typedef struct {
    en_loop_t *loop;
    connection_t *connections;
    int count;
} crowd_t;

static int pending; /* callbacks that are to come */

static void received(int status, en_packet_t *packet, void *user_data)
{
    connection_t *connection = user_data;

    pending--;
    connection->calls++;
    connection->status = status;
    if (!packet)
        return;
    CHECK_BYTES(packet->data, packet->size, connection->line, strlen(connection->line));
    en_packet_release(packet);
}

static void receive(connection_t *connection, int64_t timeout_ms)
{
    pending++;
    connection->calls = 0;
    REQUIRE_OK(en_async_tcp_client_recv_packet(connection->client, timeout_ms, received, connection,
                                               &connection->operation));
}

static void exchange(connection_t *connection, int number)
{
    snprintf(connection->line, sizeof(connection->line), "connection %d", number);
    CHECK_OK(en_async_tcp_client_send_packet(connection->client, connection->line,
                                             strlen(connection->line), 60000, NULL, NULL, NULL));
    receive(connection, 60000);
}

/* Runs the loop until all have been called, each once and with this code. */
static void all_end(crowd_t *crowd, int from, int to, int code)
{
    while (pending > 0)
        REQUIRE_OK(en_loop_run_once(crowd->loop, 60000));
    CHECK_OK(en_loop_run_once(crowd->loop, 0));
    CHECK_INT(pending, 0);
    for (int i = from; i < to; i++) {
        REQUIRE(CHECK_INT(crowd->connections[i].calls, 1));
        REQUIRE(CHECK_CODE(crowd->connections[i].status, code));
    }
}

static void crowd_open(crowd_t *crowd, const server_t *server)
{
    en_stream_protocol_t *line = NULL;

    crowd->loop = loop_new();
    crowd->connections = calloc((size_t)crowd->count, sizeof(*crowd->connections));
    REQUIRE(crowd->connections);
    REQUIRE_OK(en_stream_protocol_new_line(&line, EN_NEWLINE_LF, 0));
    for (int i = 0; i < crowd->count; i++) {
        char host[16];

        snprintf(host, sizeof(host), "127.0.0.%d", i % ADDRESSES + 1);
        REQUIRE_OK(en_async_tcp_client_new(&crowd->connections[i].client, crowd->loop, host,
                                           server->ports[i % ADDRESSES], line, NULL));
    }
    en_stream_protocol_free(line);
}

static void crowd_close(crowd_t *crowd)
{
    for (int i = 0; i < crowd->count; i++)
        en_async_tcp_client_free(crowd->connections[i].client);
    en_loop_free(crowd->loop);
    free(crowd->connections);
}

/* Valgrind is slow, and has room for fewer descriptors. */
static int crowd_size(void)
{
    return getenv("EASYNET_TEST_MEBIBYTES") ? FEW : MOST;
}

static void allow_descriptors(int count)
{
    struct rlimit limit;

    REQUIRE(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    if (limit.rlim_cur >= (rlim_t)count)
        return;
    limit.rlim_cur = (rlim_t)count;
    if (limit.rlim_max < limit.rlim_cur)
        limit.rlim_max = limit.rlim_cur; /* root may */
    REQUIRE(setrlimit(RLIMIT_NOFILE, &limit) == 0);
}

static void a_crowd(void)
{
    crowd_t crowd = {.count = crowd_size()};
    int half = crowd.count / 2;
    server_t server;

    allow_descriptors(crowd.count + SPARE_DESCRIPTORS);
    server_open(&server);
    crowd_open(&crowd, &server);

    for (int i = 0; i < crowd.count; i++)
        exchange(&crowd.connections[i], i);
    all_end(&crowd, 0, crowd.count, EN_OK);

    /* Some are busy while all others wait. */
    for (int round = 0; round < 100; round++) {
        for (int i = round; i < crowd.count; i += 1000)
            exchange(&crowd.connections[i], i + round);
        all_end(&crowd, 0, 0, EN_OK);
    }

    for (int i = 0; i < half; i++)
        receive(&crowd.connections[i], 20);
    all_end(&crowd, 0, half, EN_ETIMEDOUT);

    for (int i = 0; i < half; i++)
        receive(&crowd.connections[i], 60000);
    for (int i = 0; i < half; i++)
        CHECK_OK(en_loop_cancel(crowd.loop, crowd.connections[i].operation));
    all_end(&crowd, 0, half, EN_ECANCELED);

    /* Nothing was lost by that. */
    for (int i = 0; i < crowd.count; i++)
        exchange(&crowd.connections[i], -i);
    all_end(&crowd, 0, crowd.count, EN_OK);

    for (int i = 0; i < crowd.count; i++)
        receive(&crowd.connections[i], 60000);
    server_end(&server);
    all_end(&crowd, 0, crowd.count, EN_ECONNABORTED);
    crowd_close(&crowd);
}

/* Freeing the loop ends them all. */
static void a_crowd_is_let_go(void)
{
    crowd_t crowd = {.count = crowd_size()};
    server_t server;

    allow_descriptors(crowd.count + SPARE_DESCRIPTORS);
    server_open(&server);
    crowd_open(&crowd, &server);
    for (int i = 0; i < crowd.count; i++)
        exchange(&crowd.connections[i], i);
    for (int i = 0; i < 3; i++) /* some are connecting, some are connected, some are done */
        CHECK_OK(en_loop_run_once(crowd.loop, 1));
    en_loop_free(crowd.loop);
    crowd.loop = NULL;
    CHECK_INT(pending, 0);
    for (int i = 0; i < crowd.count; i++) {
        CHECK_INT(crowd.connections[i].calls, 1);
        if (crowd.connections[i].status != EN_OK)
            REQUIRE(CHECK_CODE(crowd.connections[i].status, EN_ECANCELED));
    }
    crowd_close(&crowd);
    server_end(&server);
}

static const test_case_t cases[] = {
    CASE(a_crowd),
    CASE(a_crowd_is_let_go),
};

TEST_MAIN("async_many")
