/*
 * Talks in lines with a program through its standard input and output: two pipes, each a transport
 * of our own made of callbacks, are stapled into one, and an endpoint over that does the rest.
 *
 *     pipe_endpoint [PROGRAM [ARGUMENT...]]
 *
 * What is read from the standard input goes to PROGRAM, a line each, and what it answers, a line
 * for each, is printed. PROGRAM is `sed -u 's/^/sed: /'` if not given.
 */
#define _POSIX_C_SOURCE 200809L

#include <easynet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIMEOUT_MS 10000
#define MOST_SLICES 16

/* ---- One end of a pipe as a transport: its user data is the descriptor ---- */

static void *user_data_of(int fd)
{
    return (void *)(intptr_t)fd;
}

static int fd_of(void *user_data)
{
    return (int)(intptr_t)user_data;
}

/* What a failing system call means to the library. */
static int code_of(int error, int wanted)
{
    if (error == EAGAIN || error == EWOULDBLOCK || error == EINTR)
        return wanted;
    en_set_error_message(strerror(error));
    return error == EPIPE ? EN_EPIPE : EN_EUSER_BASE;
}

static int pipe_recv(void *buffer, size_t capacity, size_t *count, void *user_data)
{
    ssize_t size = read(fd_of(user_data), buffer, capacity);

    if (size < 0)
        return code_of(errno, EN_WANT_READ);
    *count = (size_t)size; /* 0 is the end of the stream for both */
    return EN_CALLBACK_DONE;
}

static int pipe_send(const en_slice_t *slices, size_t slice_count, size_t *count, void *user_data)
{
    struct iovec parts[MOST_SLICES];
    size_t i, part_count = slice_count < MOST_SLICES ? slice_count : MOST_SLICES;
    ssize_t size;

    for (i = 0; i < part_count; ++i) {
        parts[i].iov_base = (void *)(uintptr_t)slices[i].data;
        parts[i].iov_len = slices[i].size;
    }
    size = writev(fd_of(user_data), parts, (int)part_count);
    if (size < 0)
        return code_of(errno, EN_WANT_WRITE);
    *count = (size_t)size;
    return EN_CALLBACK_DONE;
}

static int pipe_close(void *user_data)
{
    return close(fd_of(user_data)) == 0 ? EN_CALLBACK_DONE : EN_EUSER_BASE;
}

static int pipe_fd(int interest, void *user_data)
{
    (void)interest;
    return fd_of(user_data);
}

/* A transport of one end; from success on the descriptor is the transport's. */
static int transport_of(int fd, int receives, en_stream_transport_t **transport)
{
    en_transport_callbacks_t callbacks;

    memset(&callbacks, 0, sizeof(callbacks));
    callbacks.struct_size = sizeof(callbacks);
    if (receives)
        callbacks.recv = pipe_recv;
    else
        callbacks.send = pipe_send;
    callbacks.close = pipe_close;
    callbacks.fd = pipe_fd;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return en_stream_transport_new(transport, &callbacks, NULL, NULL, user_data_of(fd));
}

/* ---- The child process ---- */

typedef struct {
    pid_t pid;
    int to;   /* its standard input */
    int from; /* its standard output */
} child_t;

static int start(child_t *child, char **command)
{
    int to[2], from[2];

    if (pipe(to) < 0 || pipe(from) < 0) {
        perror("pipe_endpoint: pipe");
        return -1;
    }
    child->pid = fork();
    if (child->pid < 0) {
        perror("pipe_endpoint: fork");
        return -1;
    }
    if (child->pid == 0) {
        signal(SIGPIPE, SIG_DFL);
        dup2(to[0], STDIN_FILENO);
        dup2(from[1], STDOUT_FILENO);
        close(to[0]);
        close(to[1]);
        close(from[0]);
        close(from[1]);
        execvp(command[0], command);
        perror(command[0]);
        _exit(127);
    }
    close(to[0]);
    close(from[1]);
    child->to = to[1];
    child->from = from[0];
    return 0;
}

/* ---- Packets ---- */

static int fail(void)
{
    fprintf(stderr, "pipe_endpoint: %s\n", en_last_error_message());
    return -1;
}

/* An endpoint for lines over both pipes: it alone holds the transports in the end. */
static int endpoint_of(const child_t *child, en_stream_endpoint_t **endpoint)
{
    en_stream_transport_t *from = NULL, *to = NULL, *both = NULL;
    en_stream_protocol_t *lines = NULL;
    int rc = transport_of(child->from, 1, &from);

    if (rc == EN_OK)
        rc = transport_of(child->to, 0, &to);
    if (rc == EN_OK)
        rc = en_stream_transport_new_stapled(&both, from, to, NULL);
    if (rc == EN_OK)
        rc = en_stream_protocol_new_line(&lines, EN_NEWLINE_LF, 0);
    if (rc == EN_OK)
        rc = en_stream_endpoint_new(endpoint, both, lines, NULL);
    en_stream_protocol_free(lines);
    en_stream_transport_free(both);
    en_stream_transport_free(to);
    en_stream_transport_free(from);
    return rc;
}

static int exchange(en_stream_endpoint_t *endpoint, const char *line, size_t size)
{
    en_packet_t answer;

    if (en_stream_endpoint_send_packet(endpoint, line, size, TIMEOUT_MS) < 0 ||
        en_stream_endpoint_recv_packet(endpoint, TIMEOUT_MS, &answer) < 0)
        return fail();
    printf("%.*s\n", (int)answer.size, (const char *)answer.data);
    en_packet_release(&answer);
    return 0;
}

/* Sends the end, which closes the pipe, and prints what still comes. */
static int finish(en_stream_endpoint_t *endpoint)
{
    en_packet_t packet;
    int rc;

    if (en_stream_endpoint_send_eof(endpoint, TIMEOUT_MS) < 0)
        return fail();
    while ((rc = en_stream_endpoint_recv_packet(endpoint, TIMEOUT_MS, &packet)) == EN_OK) {
        printf("%.*s\n", (int)packet.size, (const char *)packet.data);
        en_packet_release(&packet);
    }
    return rc == EN_ECONNABORTED ? 0 : fail(); /* the program has closed its output: well */
}

static int talk(en_stream_endpoint_t *endpoint)
{
    char line[4096];

    while (fgets(line, sizeof(line), stdin) != NULL)
        if (exchange(endpoint, line, strcspn(line, "\n")) < 0)
            return -1;
    return finish(endpoint);
}

int main(int argc, char **argv)
{
    static char *sed[] = {"sed", "-u", "s/^/sed: /", NULL};
    en_stream_endpoint_t *endpoint;
    child_t child;
    int status, failed;

    signal(SIGPIPE, SIG_IGN); /* writing to a broken pipe is an error like others */
    if (start(&child, argc > 1 ? argv + 1 : sed) < 0)
        return 1;
    if (endpoint_of(&child, &endpoint) < 0) {
        fail();
        return 1;
    }
    failed = talk(endpoint) < 0;
    en_stream_endpoint_free(endpoint);
    waitpid(child.pid, &status, 0);
    return failed || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}
