/* How many bytes of user memory an idle client holds, after it has sent and received. */
#include <easynet.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CLIENTS = 400, LIMIT = 1536 };

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

int main(void)
{
    static en_unix_stream_client_t *clients[CLIENTS];
    static int peers[CLIENTS];
    en_stream_protocol_t *protocol = NULL;
    size_t before = 0;
    size_t each;

    check(en_stream_protocol_new_line(&protocol, EN_NEWLINE_LF, 0));
    for (int i = 0; i < CLIENTS; i++) {
        en_packet_t packet;
        int ends[2];

        if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
            return 2;
        check(en_unix_stream_client_from_fd(&clients[i], ends[0], protocol, NULL));
        peers[i] = ends[1];
        check(en_unix_stream_client_send_packet(clients[i], "hello", 5, 1000));
        if (write(peers[i], "there\n", 6) != 6)
            return 2;
        check(en_unix_stream_client_recv_packet(clients[i], 1000, &packet));
        en_packet_release(&packet);
        if (i == 0) /* what all of them share is there now */
            before = used();
    }
    each = (used() - before) / (CLIENTS - 1);
    printf("%zu bytes an idle client, at most %d\n", each, LIMIT);
    for (int i = 0; i < CLIENTS; i++) {
        en_unix_stream_client_free(clients[i]);
        close(peers[i]);
    }
    en_stream_protocol_free(protocol);
    return each > LIMIT;
}
