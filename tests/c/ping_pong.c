/* Sends a packet and receives its echo, argv[1] times, for ping_pong_calls.sh to count system
 * calls. The peer is a child, which a trace of this process alone does not see. */
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

static int play(en_tcp_client_t *client, int trips)
{
    char packet[63];

    memset(packet, 'x', sizeof(packet));
    for (int i = 0; i < trips; i++) {
        en_packet_t echo = {0};

        if (en_tcp_client_send_packet(client, packet, sizeof(packet), 5000) != EN_OK ||
            en_tcp_client_recv_packet(client, 5000, &echo) != EN_OK || echo.size != sizeof(packet))
            return 1;
        en_packet_release(&echo);
    }
    return 0;
}

int main(int argc, char **argv)
{
    int listener = peer_listen("127.0.0.1", 1);
    en_stream_protocol_t *protocol = protocol_line();
    en_tcp_client_t *client = NULL;
    pid_t child = start_echo(listener);
    int failed;

    alarm(120);
    failed = en_tcp_client_connect(&client, "127.0.0.1", peer_port(listener), protocol, NULL);
    en_stream_protocol_free(protocol);
    failed = failed || play(client, argc > 1 ? atoi(argv[1]) : 1000);
    if (failed)
        fprintf(stderr, "%s\n", en_last_error_message());
    failed = failed || thread_count() != 1; /* another thread's calls would not be counted */
    en_tcp_client_free(client);
    close(listener);
    waitpid(child, NULL, 0);
    return failed;
}
