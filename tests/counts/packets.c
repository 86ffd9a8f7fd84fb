/* Moves packets of 64 bytes in one way, so that somebody can count what it costs: packets WAY
 * COUNT. The peer is a child, which is not counted. */
#include <easynet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 64, BATCH = 64 };

static char packet[SIZE];

static int fail(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, en_last_error_message());
    return 1;
}

static void feed(int fd, long count)
{
    char frames[BATCH][4 + SIZE];

    memset(frames, 0, sizeof(frames));
    for (int i = 0; i < BATCH; i++)
        frames[i][3] = SIZE;
    for (long sent = 0; sent < count; sent += BATCH) {
        const char *next = frames[0];
        size_t left = sizeof(frames);

        while (left > 0) {
            ssize_t gone = write(fd, next, left);

            if (gone <= 0)
                _exit(1);
            next += gone;
            left -= (size_t)gone;
        }
    }
}

static void drain(int fd)
{
    static char buffer[1 << 16];

    while (read(fd, buffer, sizeof(buffer)) > 0)
        ;
}

static int receive_each(en_unix_stream_client_t *client, long count)
{
    en_packet_t got;

    for (long i = 0; i < count; i++) {
        if (en_unix_stream_client_recv_packet(client, 10000, &got) != EN_OK)
            return fail("recv_packet");
        en_packet_release(&got);
    }
    return 0;
}

static int receive_many(en_unix_stream_client_t *client, long count)
{
    en_packet_t got[BATCH];
    size_t size;

    for (long done = 0; done < count; done += (long)size) {
        if (en_unix_stream_client_recv_packets(client, got, BATCH, 10000, &size) != EN_OK)
            return fail("recv_packets");
        for (size_t i = 0; i < size; i++)
            en_packet_release(&got[i]);
    }
    return 0;
}

static int send_each(en_unix_stream_client_t *client, long count)
{
    for (long i = 0; i < count; i++) {
        if (en_unix_stream_client_send_packet(client, packet, SIZE, 10000) != EN_OK)
            return fail("send_packet");
    }
    return 0;
}

static int send_many(en_unix_stream_client_t *client, long count)
{
    en_slice_t packets[BATCH];
    size_t sent;

    for (int i = 0; i < BATCH; i++)
        packets[i] = (en_slice_t){packet, SIZE};
    for (long i = 0; i < count; i += BATCH) {
        if (en_unix_stream_client_send_packets(client, packets, BATCH, 10000, &sent) != EN_OK)
            return fail("send_packets");
    }
    return 0;
}

static const struct {
    const char *name;
    int (*run)(en_unix_stream_client_t *client, long count);
    int receives;
    size_t write_buffer;
} ways[] = {
    {"recv_packet", receive_each, 1, 0}, {"recv_packets", receive_many, 1, 0},
    {"send_packet", send_each, 0, 0},    {"send_packet_buffered", send_each, 0, 65536},
    {"send_packets", send_many, 0, 0},
};

static en_unix_stream_client_t *open_client(int fd, size_t write_buffer)
{
    en_unix_stream_client_t *client = NULL;
    en_unix_stream_options_t *options = NULL;
    en_stream_protocol_t *protocol = NULL;

    if (en_stream_protocol_new_length_prefixed(&protocol, EN_LENGTH_U32, EN_BIG_ENDIAN, 0, 0) < 0 ||
        en_unix_stream_options_new(&options) < 0 ||
        en_unix_stream_options_set_write_buffer(options, write_buffer) < 0 ||
        en_unix_stream_client_from_fd(&client, fd, protocol, options) < 0)
        exit(fail("open"));
    en_unix_stream_options_free(options);
    en_stream_protocol_free(protocol);
    return client;
}

int main(int argc, char **argv)
{
    long count = argc > 2 ? atol(argv[2]) : 0;
    int way = 0;
    int ends[2];
    int failed;
    en_unix_stream_client_t *client;

    while (way < 5 && (argc < 2 || strcmp(ways[way].name, argv[1]) != 0))
        way++;
    if (way == 5 || count % BATCH != 0 || socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0)
        return 2;
    if (fork() == 0) {
        close(ends[0]);
        if (ways[way].receives)
            feed(ends[1], count);
        drain(ends[1]);
        _exit(0);
    }
    close(ends[1]);
    client = open_client(ends[0], ways[way].write_buffer);
    failed = ways[way].run(client, count);
    en_unix_stream_client_free(client);
    wait(NULL);
    return failed;
}
