/* Sends a packet and receives its echo, argv[2] times, by calls that block or ("loop" as argv[1])
 * on a loop, each asked for inside the callback of the last one, for ping_pong_calls.sh to count
 * system calls. The peer is a child, which a trace of this process alone does not see. */
#include "threads.h"
#include "wire.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t start_echo(int listener)
{
    char buffer[4096];
    ssize_t got;
    pid_t child = fork();
    int fd;

    if (child != 0)
        return child;
    fd = accept(listener, NULL, NULL);
    while ((got = read(fd, buffer, sizeof(buffer))) > 0) {
        if (write(fd, buffer, (size_t)got) != got)
            _exit(1);
    }
    _exit(0);
}

static char packet[63];

static int play(int listener, en_stream_protocol_t *protocol, int trips)
{
    en_tcp_client_t *client = NULL;
    int failed = en_tcp_client_connect(&client, "127.0.0.1", peer_port(listener), protocol, NULL);

    for (int i = 0; !failed && i < trips; i++) {
        en_packet_t echo = {0};

        if (en_tcp_client_send_packet(client, packet, sizeof(packet), 5000) != EN_OK ||
            en_tcp_client_recv_packet(client, 5000, &echo) != EN_OK || echo.size != sizeof(packet))
            failed = 1;
        en_packet_release(&echo);
    }
    en_tcp_client_free(client);
    return failed;
}

static en_async_tcp_client_t *on_loop;
static int left, wrong;

static void ask(void);

static void answered(int status, en_packet_t *echo, void *user_data)
{
    (void)user_data;
    wrong = status != EN_OK || echo->size != sizeof(packet);
    en_packet_release(echo);
    if (!wrong && --left > 0)
        ask();
}

static void ask(void)
{
    if (en_async_tcp_client_send_packet(on_loop, packet, sizeof(packet), 5000, NULL, NULL, NULL) !=
            EN_OK ||
        en_async_tcp_client_recv_packet(on_loop, 5000, answered, NULL, NULL) != EN_OK)
        wrong = 1;
}

static int play_on_loop(int listener, en_stream_protocol_t *protocol, int trips)
{
    en_loop_t *loop = NULL;

    left = trips;
    wrong = en_loop_new(&loop) || en_async_tcp_client_new(&on_loop, loop, "127.0.0.1",
                                                          peer_port(listener), protocol, NULL);
    if (!wrong)
        ask();
    while (!wrong && left > 0)
        wrong = en_loop_run_once(loop, 5000) != EN_OK;
    en_async_tcp_client_free(on_loop);
    en_loop_free(loop);
    return wrong;
}

int main(int argc, char **argv)
{
    int is_on_loop = argc > 1 && strcmp(argv[1], "loop") == 0;
    int trips = argc > 2 ? atoi(argv[2]) : 1000;
    int listener = peer_listen("127.0.0.1", 1);
    en_stream_protocol_t *protocol = protocol_line();
    pid_t child = start_echo(listener);
    int failed;

    alarm(120);
    memset(packet, 'x', sizeof(packet));
    failed = (is_on_loop ? play_on_loop : play)(listener, protocol, trips);
    if (failed)
        fprintf(stderr, "%s\n", en_last_error_message());
    failed = failed || thread_count() != 1; /* another thread's calls would not be counted */
    en_stream_protocol_free(protocol);
    close(listener);
    waitpid(child, NULL, 0);
    return failed;
}
