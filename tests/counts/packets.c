/* Moves packets of 64 bytes in one way, so that somebody can count what it costs: packets WAY
 * COUNT. The peer is a child, which is not counted. */
#include <arpa/inet.h>
#include <easynet.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SIZE = 64, BATCH = 64 };

/* Our end and the peer's. */
static int ends[2] = {-1, -1};
static char packet[SIZE];
static en_client_t *client;
static en_unix_stream_client_t *stream;
static en_udp_client_t *datagrams;
static en_ancillary_t *ancillary;
static en_loop_t *loop;
static en_async_unix_stream_client_t *started;
static long received;

/* The peers: each goes on until nobody is there any more, or it is ended. */

static void feed(void)
{
    char frames[BATCH][4 + SIZE];

    memset(frames, 0, sizeof(frames));
    for (int i = 0; i < BATCH; i++)
        frames[i][3] = SIZE;
    while (write(ends[1], frames, sizeof(frames)) == sizeof(frames))
        ;
}

static void drain(void)
{
    static char buffer[1 << 16];

    while (recv(ends[1], buffer, sizeof(buffer), 0) >= 0)
        ;
}

/* Datagrams that the kernel cuts from one buffer, so that the receiver never waits. */
static void feed_datagrams(void)
{
    static const char together[BATCH * SIZE];
    int size = SIZE;

    if (setsockopt(ends[1], SOL_UDP, UDP_SEGMENT, &size, sizeof(size)) != 0)
        return;
    while (send(ends[1], together, sizeof(together), 0) > 0)
        ;
}

static void feed_descriptors(void)
{
    static char frame[4 + SIZE] = {0, 0, 0, SIZE};
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_level = SOL_SOCKET,
                            .cmsg_type = SCM_RIGHTS,
                            .cmsg_len = CMSG_LEN(sizeof(int))}};
    struct iovec part = {frame, sizeof(frame)};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof(control)};

    while (sendmsg(ends[1], &message, MSG_NOSIGNAL) > 0)
        ;
}

/* The ways. */

static int receive_each(long count)
{
    en_packet_t got;

    for (long i = 0; i < count; i++) {
        if (en_client_recv_packet(client, 10000, &got) != EN_OK)
            return 1;
        en_packet_release(&got);
    }
    return 0;
}

static int receive_many(long count)
{
    en_packet_t got[BATCH];
    size_t size;

    for (long done = 0; done < count; done += (long)size) {
        size_t left = (size_t)(count - done);
        size_t room = left < BATCH ? left : BATCH;
        int rc = stream ? en_unix_stream_client_recv_packets(stream, got, room, 10000, &size)
                        : en_udp_client_recv_packets(datagrams, got, room, 10000, &size);

        if (rc != EN_OK)
            return 1;
        en_packets_release(got, size);
    }
    return 0;
}

static int take(int status, en_packet_t *got, void *user_data)
{
    long *count = user_data;

    if (status < 0)
        return EN_RECEIVE_STOP;
    received++;
    en_packet_release(got);
    return received < *count ? EN_RECEIVE_MORE : EN_RECEIVE_STOP;
}

static int receive_on_loop(long count)
{
    if (en_async_unix_stream_client_recv_start(started, take, &count, NULL) != EN_OK ||
        en_loop_run(loop) != EN_OK)
        return 1;
    return received < count;
}

static void take_one(int status, en_packet_t *got, void *user_data)
{
    long *count = user_data;

    if (status != EN_OK)
        return;
    received++;
    en_packet_release(got);
    if (received < *count)
        en_async_unix_stream_client_recv_packet(started, 10000, take_one, count, NULL);
}

static int receive_each_on_loop(long count)
{
    if (en_async_unix_stream_client_recv_packet(started, 10000, take_one, &count, NULL) != EN_OK ||
        en_loop_run(loop) != EN_OK)
        return 1;
    return received < count;
}

static int receive_descriptors(long count)
{
    en_packet_t got;
    size_t fds;
    int fd;

    for (long i = 0; i < count; i++) {
        if (en_unix_stream_client_recv_packet_with_ancillary(stream, 0, 10000, ancillary, &got) !=
                EN_OK ||
            en_ancillary_take_fds(ancillary, &fd, 1, &fds) != EN_OK || fds != 1)
            return 1;
        en_packet_release(&got);
        close(fd);
    }
    return 0;
}

static int send_each(long count)
{
    for (long i = 0; i < count; i++) {
        if (en_client_send_packet(client, packet, SIZE, 10000) != EN_OK)
            return 1;
    }
    return 0;
}

static int send_many(long count)
{
    en_slice_t packets[BATCH];
    size_t sent;

    for (int i = 0; i < BATCH; i++)
        packets[i] = (en_slice_t){packet, SIZE};
    for (long i = 0; i < count; i += BATCH) {
        int rc = stream ? en_unix_stream_client_send_packets(stream, packets, BATCH, 10000, &sent)
                        : en_udp_client_send_packets(datagrams, packets, BATCH, 10000, &sent);

        if (rc != EN_OK)
            return 1;
    }
    return 0;
}

static int send_descriptors(long count)
{
    static const int fd = STDIN_FILENO;

    for (long i = 0; i < count; i++) {
        if (en_ancillary_clear(ancillary) != EN_OK ||
            en_ancillary_add_fds(ancillary, &fd, 1) != EN_OK ||
            en_unix_stream_client_send_packet_with_ancillary(stream, packet, SIZE, ancillary,
                                                             10000) != EN_OK)
            return 1;
    }
    return 0;
}

enum kind { STREAM, BUFFERED, LOOP, UDP, UDP_TOGETHER };

static const struct way {
    const char *name;
    int (*run)(long count);
    void (*peer)(void);
    enum kind kind;
} ways[] = {
    {"recv_packet", receive_each, feed, STREAM},
    {"recv_packets", receive_many, feed, STREAM},
    {"recv_start", receive_on_loop, feed, LOOP},
    {"recv_packet_on_loop", receive_each_on_loop, feed, LOOP},
    {"send_packet", send_each, drain, STREAM},
    {"send_packet_buffered", send_each, drain, BUFFERED},
    {"send_packets", send_many, drain, STREAM},
    {"udp_recv_packet", receive_each, feed_datagrams, UDP},
    {"udp_recv_packet_offload", receive_each, feed_datagrams, UDP_TOGETHER},
    {"udp_recv_packets_offload", receive_many, feed_datagrams, UDP_TOGETHER},
    {"udp_send_packet", send_each, drain, UDP},
    {"udp_send_packets", send_many, drain, UDP},
    {"recv_with_descriptor", receive_descriptors, feed_descriptors, STREAM},
    {"send_with_descriptor", send_descriptors, drain, STREAM},
};

/* The peer's socket, and the client's, which is connected as users' are. */
static int open_udp(int together)
{
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct sockaddr_in own = peer;
    socklen_t size = sizeof(peer);
    en_datagram_protocol_t *protocol = NULL;
    en_udp_options_t *options = NULL;
    en_address_t *local = NULL;
    int rc = en_datagram_protocol_new_raw(&protocol, 0);

    ends[1] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(ends[1], (struct sockaddr *)&peer, size) != 0 ||
        getsockname(ends[1], (struct sockaddr *)&peer, &size) != 0)
        return -1;
    rc = rc < 0 ? rc : en_udp_options_new(&options);
    rc = rc < 0 ? rc : en_udp_options_set_receive_offload(options, together);
    rc = rc < 0 ? rc
                : en_udp_client_connect(&datagrams, "127.0.0.1", ntohs(peer.sin_port), protocol,
                                        options);
    rc = rc < 0 ? rc : en_udp_client_get_local_address(datagrams, &local);
    own.sin_port = htons((uint16_t)en_address_port(local));
    en_address_free(local);
    en_udp_options_free(options);
    en_datagram_protocol_free(protocol);
    client = en_udp_client_as_client(datagrams);
    return rc < 0 ? rc : connect(ends[1], (struct sockaddr *)&own, sizeof(own));
}

static int open_stream(const struct way *way)
{
    en_unix_stream_options_t *options = NULL;
    en_stream_protocol_t *protocol = NULL;
    int rc = en_stream_protocol_new_length_prefixed(&protocol, EN_LENGTH_U32, EN_BIG_ENDIAN, 0, 0);

    rc = rc < 0 ? rc : en_unix_stream_options_new(&options);
    rc = rc < 0
             ? rc
             : en_unix_stream_options_set_write_buffer(options, way->kind == BUFFERED ? 65536 : 0);
    if (way->kind == LOOP) {
        rc = rc < 0 ? rc : en_loop_new(&loop);
        rc = rc < 0
                 ? rc
                 : en_async_unix_stream_client_from_fd(&started, loop, ends[0], protocol, options);
    } else {
        rc = rc < 0 ? rc : en_unix_stream_client_from_fd(&stream, ends[0], protocol, options);
    }
    rc = rc < 0 ? rc : en_ancillary_new(&ancillary);
    en_unix_stream_options_free(options);
    en_stream_protocol_free(protocol);
    client = en_unix_stream_client_as_client(stream);
    return rc;
}

int main(int argc, char **argv)
{
    long count = argc > 2 ? atol(argv[2]) : 0;
    const struct way *way = ways;
    const struct way *end = ways + sizeof(ways) / sizeof(*ways);
    pid_t peer;
    int failed;

    while (way < end && (argc < 2 || strcmp(way->name, argv[1]) != 0))
        way++;
    if (way == end || count % BATCH != 0)
        return 2;
    if (way->kind < UDP && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return 2;
    failed = way->kind >= UDP ? open_udp(way->kind == UDP_TOGETHER) < 0 : open_stream(way) < 0;
    peer = failed ? -1 : fork();
    if (peer == 0) {
        close(ends[0]);
        way->peer();
        _exit(0);
    }
    close(ends[1]);
    failed = failed || way->run(count);
    if (failed)
        fprintf(stderr, "%s: %s\n", way->name, en_last_error_message());
    en_unix_stream_client_free(stream);
    en_udp_client_free(datagrams);
    en_async_unix_stream_client_free(started);
    en_loop_free(loop);
    en_ancillary_free(ancillary);
    if (peer > 0) {
        kill(peer, SIGKILL);
        waitpid(peer, NULL, 0);
    }
    return failed;
}
