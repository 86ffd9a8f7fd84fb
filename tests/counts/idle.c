/* How many bytes of user memory an idle client holds, after it has sent and received. */
#include <easynet.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS = 400, BLOCKING = 560, ASYNCHRONOUS = 600 };

static void check(int rc)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "%s\n", en_last_error_message());
    exit(1);
}

static size_t used(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}

static int peer_of(int *own)
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        exit(2);
    *own = ends[0];
    return ends[1];
}

static void answer(int peer)
{
    if (write(peer, "there\n", 6) != 6)
        exit(2);
}

static size_t blocking(const en_stream_protocol_t *protocol)
{
    static en_unix_stream_client_t *clients[CLIENTS];
    static int peers[CLIENTS];
    size_t before = 0;
    size_t each;

    for (int i = 0; i < CLIENTS; i++) {
        en_packet_t packet;
        int own;

        peers[i] = peer_of(&own);
        check(en_unix_stream_client_from_fd(&clients[i], own, protocol, NULL));
        check(en_unix_stream_client_send_packet(clients[i], "hello", 5, 1000));
        answer(peers[i]);
        check(en_unix_stream_client_recv_packet(clients[i], 1000, &packet));
        en_packet_release(&packet);
        if (i == 0) /* what all of them share is there now */
            before = used();
    }
    each = (used() - before) / (CLIENTS - 1);
    for (int i = 0; i < CLIENTS; i++) {
        en_unix_stream_client_free(clients[i]);
        close(peers[i]);
    }
    return each;
}

static void sent(int status, void *user_data)
{
    (void)user_data;
    check(status);
}

static int received(int status, en_packet_t *packet, void *count)
{
    if (status == EN_ECANCELED) /* the end of all */
        return EN_RECEIVE_STOP;
    check(status);
    en_packet_release(packet);
    ++*(int *)count;
    return EN_RECEIVE_MORE;
}

/* Each goes on receiving, and nothing comes. */
static size_t asynchronous(const en_stream_protocol_t *protocol)
{
    static en_async_unix_stream_client_t *clients[CLIENTS];
    static int peers[CLIENTS];
    en_loop_t *loop = NULL;
    size_t before = 0;
    size_t each;
    int count = 0;

    check(en_loop_new(&loop));
    for (int i = 0; i < CLIENTS; i++) {
        int own;

        peers[i] = peer_of(&own);
        check(en_async_unix_stream_client_from_fd(&clients[i], loop, own, protocol, NULL));
        check(en_async_unix_stream_client_recv_start(clients[i], received, &count, NULL));
        check(en_async_unix_stream_client_send_packet(clients[i], "hello", 5, 1000, sent, NULL,
                                                      NULL));
        answer(peers[i]);
        while (count <= i)
            check(en_loop_run_once(loop, -1));
        if (i == 0)
            before = used();
    }
    each = (used() - before) / (CLIENTS - 1);
    for (int i = 0; i < CLIENTS; i++) {
        en_async_unix_stream_client_free(clients[i]);
        close(peers[i]);
    }
    en_loop_free(loop);
    return each;
}

static int compare(const char *kind, size_t each, size_t limit)
{
    printf("%zu bytes an idle %s client, at most %zu\n", each, kind, limit);
    return each > limit;
}

int main(void)
{
    en_stream_protocol_t *protocol = NULL;
    int failed;

    check(en_stream_protocol_new_line(&protocol, EN_NEWLINE_LF, 0));
    failed = compare("blocking", blocking(protocol), BLOCKING);
    failed |= compare("asynchronous", asynchronous(protocol), ASYNCHRONOUS);
    en_stream_protocol_free(protocol);
    return failed;
}
