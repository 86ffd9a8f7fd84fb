/*
 * Hands an open file to a child process through a Unix socket: the parent opens a file, sends the
 * descriptor beside a line that says what it is, and the child, who could not have opened it, reads
 * it.
 *
 *     pass_fd [FILE]
 */
#define _POSIX_C_SOURCE 200809L

#include <easynet.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIMEOUT_MS 5000

static int fail(const char *who)
{
    fprintf(stderr, "pass_fd: %s: %s\n", who, en_last_error_message());
    return 1;
}

static int fail_errno(const char *what)
{
    fprintf(stderr, "pass_fd: ");
    perror(what);
    return 1;
}

/* A client over one end of a socket pair; from success on the descriptor is the client's. */
static int client_of(int fd, en_unix_stream_client_t **client)
{
    en_stream_protocol_t *lines;
    int rc = en_stream_protocol_new_line(&lines, EN_NEWLINE_LF, 0);

    if (rc < 0)
        return rc;
    rc = en_unix_stream_client_from_fd(client, fd, lines, NULL);
    en_stream_protocol_free(lines);
    return rc;
}

static int print_first_line(int fd, const en_packet_t *name)
{
    char line[256];
    FILE *file = fdopen(fd, "r");

    if (file == NULL) {
        close(fd);
        return fail_errno("fdopen");
    }
    if (fgets(line, sizeof(line), file) == NULL)
        line[0] = '\0';
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
    printf("child     was handed %.*s, which begins: %s\n", (int)name->size,
           (const char *)name->data, line);
    return 0;
}

/* Receives a line and the descriptor beside it. */
static int receive_file(en_unix_stream_client_t *client)
{
    en_ancillary_t *beside;
    en_packet_t name;
    size_t count = 0;
    int fd = -1, result = 1;

    if (en_ancillary_new(&beside) < 0)
        return fail("child");
    if (en_unix_stream_client_recv_packet_with_ancillary(client, 0, TIMEOUT_MS, beside, &name) <
        0) {
        fail("child");
    } else {
        if (en_ancillary_take_fds(beside, &fd, 1, &count) < 0)
            fail("child");
        else if (count == 0)
            fprintf(stderr, "pass_fd: child: no descriptor came with the line\n");
        else
            result = print_first_line(fd, &name);
        en_packet_release(&name);
    }
    en_ancillary_free(beside);
    return result;
}

static int child(int fd)
{
    en_unix_stream_client_t *client;
    int result;

    if (client_of(fd, &client) < 0) {
        close(fd);
        return fail("child");
    }
    result = receive_file(client);
    en_unix_stream_client_free(client);
    return result;
}

/* Sends the name of a file, and beside it the file itself. The descriptor is only lent. */
static int send_file(en_unix_stream_client_t *client, const char *name, int file)
{
    en_ancillary_t *beside;
    int rc;

    if (en_ancillary_new(&beside) < 0)
        return fail("parent");
    if ((rc = en_ancillary_add_fds(beside, &file, 1)) == EN_OK)
        rc = en_unix_stream_client_send_packet_with_ancillary(client, name, strlen(name), beside,
                                                              TIMEOUT_MS);
    en_ancillary_free(beside);
    if (rc < 0)
        return fail("parent");
    printf("parent    has sent %s\n", name);
    fflush(stdout);
    return 0;
}

static int parent(int fd, const char *name)
{
    en_unix_stream_client_t *client;
    const int file = open(name, O_RDONLY | O_CLOEXEC);
    int result;

    if (file < 0) {
        close(fd);
        return fail_errno(name);
    }
    if (client_of(fd, &client) < 0) {
        close(fd);
        close(file);
        return fail("parent");
    }
    result = send_file(client, name, file);
    close(file);
    en_unix_stream_client_free(client);
    return result;
}

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "/etc/os-release";
    int ends[2], status, result;
    pid_t pid;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0)
        return fail_errno("socketpair");
    pid = fork();
    if (pid < 0)
        return fail_errno("fork");
    if (pid == 0) {
        close(ends[0]);
        return child(ends[1]);
    }
    close(ends[1]);
    result = parent(ends[0], name);
    if (waitpid(pid, &status, 0) < 0)
        return fail_errno("waitpid");
    return result != 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}
