/*
 * Who is at the other end of a Unix socket? The system vouches for it: once for a connection, and,
 * where the receiver asks for it, for the sender of each message.
 *
 *     peer_credentials
 */
#define _POSIX_C_SOURCE 200809L

#include <easynet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT_MS 5000

static int fail(void)
{
    fprintf(stderr, "peer_credentials: %s\n", en_last_error_message());
    return 1;
}

static void print(const char *what, const en_credentials_t *who)
{
    printf("%-12s process %ld, user %lu, group %lu\n", what, (long)who->pid,
           (unsigned long)who->uid, (unsigned long)who->gid);
}

/* A client over `fd` that learns who sends. */
static int client_of(int fd, en_unix_stream_client_t **client)
{
    en_stream_protocol_t *lines = NULL;
    en_unix_stream_options_t *options = NULL;
    int rc;

    if ((rc = en_stream_protocol_new_line(&lines, EN_NEWLINE_LF, 0)) == EN_OK &&
        (rc = en_unix_stream_options_new(&options)) == EN_OK &&
        (rc = en_unix_stream_options_set_receive_credentials(options, 1)) == EN_OK)
        rc = en_unix_stream_client_from_fd(client, fd, lines, options);
    en_unix_stream_options_free(options);
    en_stream_protocol_free(lines);
    return rc;
}

static int show_sender(en_unix_stream_client_t *client)
{
    en_ancillary_t *beside;
    en_credentials_t sender;
    en_packet_t packet;
    int rc;

    if (en_ancillary_new(&beside) < 0)
        return fail();
    rc = en_unix_stream_client_recv_packet_with_ancillary(client, 0, TIMEOUT_MS, beside, &packet);
    if (rc == EN_OK) {
        if ((rc = en_ancillary_get_creds(beside, &sender)) == EN_OK)
            print("sender", &sender);
        en_packet_release(&packet);
    }
    en_ancillary_free(beside);
    return rc < 0 ? fail() : 0;
}

static int show(en_unix_stream_client_t *client)
{
    en_credentials_t peer;

    if (en_unix_stream_client_get_peer_credentials(client, &peer) < 0)
        return fail();
    print("connection", &peer);
    return show_sender(client);
}

int main(void)
{
    en_unix_stream_client_t *client;
    int ends[2], result;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) < 0) {
        perror("peer_credentials: socketpair");
        return 1;
    }
    if (client_of(ends[0], &client) < 0) {
        close(ends[0]);
        close(ends[1]);
        return fail();
    }
    result = 1;
    if (write(ends[1], "hello\n", 6) == 6)
        result = show(client);
    else
        perror("peer_credentials: write");
    close(ends[1]);
    en_unix_stream_client_free(client);
    return result;
}
