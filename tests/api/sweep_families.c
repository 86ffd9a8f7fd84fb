/* The part of the fixture that UDP and Unix sockets need. */
#define _GNU_SOURCE

#include "sweep.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/un.h>
#include <unistd.h>

static int make_datagram(const en_slice_t *parts, size_t count, en_frame_t *frame, void *user_data)
{
    return sweep_encode(parts, count, frame, user_data);
}

static int build_packet(const uint8_t *data, size_t size, en_slice_t *packet, void *user_data)
{
    (void)user_data;
    packet->data = data;
    packet->size = size;
    return EN_CALLBACK_DONE;
}

static void send_six(int fd, const char *text)
{
    int i;

    for (i = 0; i < 6; i++)
        NEED(send(fd, text, strlen(text), 0) == (ssize_t)strlen(text));
}

static int udp_socket(struct sockaddr_in *address)
{
    socklen_t size = sizeof(*address);
    const int fd = socket(AF_INET, SOCK_DGRAM, 0);

    memset(address, 0, sizeof(*address));
    address->sin_family = AF_INET;
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    NEED(fd >= 0);
    NEED(bind(fd, (struct sockaddr *)address, size) == 0);
    NEED(getsockname(fd, (struct sockaddr *)address, &size) == 0);
    return fd;
}

static void set_up_udp(fixture_t *fx)
{
    struct sockaddr_in peer, own;

    fx->udp_peer = udp_socket(&peer);
    fx->udp_port = ntohs(peer.sin_port);
    fx->udp_fd = udp_socket(&own);
    NEED(connect(fx->udp_fd, (struct sockaddr *)&peer, sizeof(peer)) == 0);
    NEED(en_udp_client_connect(&fx->udp, "127.0.0.1", fx->udp_port, fx->datagrams, NULL) == EN_OK);
    {
        const int fd = en_udp_client_fileno(fx->udp);
        socklen_t size = sizeof(own);

        NEED(getsockname(fd, (struct sockaddr *)&own, &size) == 0);
        NEED(connect(fx->udp_peer, (struct sockaddr *)&own, sizeof(own)) == 0);
    }
    send_six(fx->udp_peer, "a");
    NEED(en_udp_options_new(&fx->udp_options) == EN_OK);
}

static void bind_to(int fd, const en_unix_address_t *name)
{
    struct sockaddr_un address;
    size_t size = sizeof(address);

    NEED(fd >= 0);
    NEED(en_unix_address_to_sockaddr(name, &address, &size) == EN_OK);
    NEED(bind(fd, (struct sockaddr *)&address, (socklen_t)size) == 0);
}

static void set_up_names(fixture_t *fx)
{
    strcpy(fx->folder, "/tmp/easynet-sweep-XXXXXX");
    NEED(mkdtemp(fx->folder) != NULL);
    snprintf(fx->stream_path, sizeof(fx->stream_path), "%s/stream", fx->folder);
    snprintf(fx->datagram_path, sizeof(fx->datagram_path), "%s/datagram", fx->folder);
    NEED(en_unix_address_new_path(&fx->stream_name, fx->stream_path) == EN_OK);
    NEED(en_unix_address_new_path(&fx->datagram_name, fx->datagram_path) == EN_OK);
    NEED(en_unix_address_new_abstract(&fx->name, fx->folder, strlen(fx->folder)) == EN_OK);
    fx->unix_sockaddr_size = sizeof(fx->unix_sockaddr);
    NEED(en_unix_address_to_sockaddr(fx->name, &fx->unix_sockaddr, &fx->unix_sockaddr_size) ==
         EN_OK);
    fx->stream_listener = socket(AF_UNIX, SOCK_STREAM, 0);
    bind_to(fx->stream_listener, fx->stream_name);
    NEED(listen(fx->stream_listener, 16) == 0);
    fx->datagram_sink = socket(AF_UNIX, SOCK_DGRAM, 0);
    bind_to(fx->datagram_sink, fx->datagram_name);
}

/* A message with a descriptor, to a client that also receives credentials. */
static void set_up_ancillary(fixture_t *fx)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr header;
    } control;
    struct iovec part = {"x\n", 2};
    struct msghdr message;
    struct cmsghdr *header;
    en_packet_t packet;

    memset(&message, 0, sizeof(message));
    memset(&control, 0, sizeof(control));
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = &control;
    message.msg_controllen = sizeof(control);
    header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &fx->peer, sizeof(int));
    NEED(sendmsg(fx->stream_peer, &message, 0) == 2);
    NEED(en_ancillary_new(&fx->ancillary) == EN_OK);
    NEED(en_ancillary_new(&fx->outgoing) == EN_OK);
    NEED(en_ancillary_add_fds(fx->outgoing, &fx->peer, 1) == EN_OK);
    NEED(en_unix_stream_client_recv_packet_with_ancillary(fx->stream, 0, -1, fx->ancillary,
                                                          &packet) == EN_OK);
    en_packet_release(&packet);
}

static void set_up_unix(fixture_t *fx)
{
    int pair[2];

    NEED(en_unix_stream_options_new(&fx->stream_options) == EN_OK);
    NEED(en_unix_datagram_options_new(&fx->datagram_options) == EN_OK);
    NEED(en_unix_stream_options_set_receive_credentials(fx->stream_options, 1) == EN_OK);
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    fx->stream_peer = pair[1];
    NEED(en_unix_stream_client_from_fd(&fx->stream, pair[0], fx->protocol, fx->stream_options) ==
         EN_OK);
    set_up_ancillary(fx);
    send_six(fx->stream_peer, "a\n");
    NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
    fx->datagram_peer = pair[1];
    NEED(en_unix_datagram_client_from_fd(&fx->datagram, pair[0], fx->datagrams, NULL) == EN_OK);
    send_six(fx->datagram_peer, "a");
    NEED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    fx->stream_fd = pair[0];
    fx->stream_fd_peer = pair[1];
    NEED(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0);
    fx->datagram_fd = pair[0];
    fx->datagram_fd_peer = pair[1];
}

void sweep_set_up_families(fixture_t *fx)
{
    fx->datagram_callbacks.struct_size = sizeof(fx->datagram_callbacks);
    fx->datagram_callbacks.make_datagram = make_datagram;
    fx->datagram_callbacks.build_packet = build_packet;
    NEED(en_datagram_protocol_new_raw(&fx->datagrams, 0) == EN_OK);
    set_up_udp(fx);
    set_up_names(fx);
    set_up_unix(fx);
}

static void close_all(const int *fds, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

void sweep_tear_down_families(fixture_t *fx)
{
    const int fds[] = {fx->udp_fd,        fx->udp_peer,         fx->stream_fd,
                       fx->stream_peer,   fx->stream_fd_peer,   fx->datagram_fd,
                       fx->datagram_peer, fx->datagram_fd_peer, fx->stream_listener,
                       fx->datagram_sink};

    en_udp_client_free(fx->udp);
    en_unix_stream_client_free(fx->stream);
    en_unix_datagram_client_free(fx->datagram);
    en_udp_options_free(fx->udp_options);
    en_unix_stream_options_free(fx->stream_options);
    en_unix_datagram_options_free(fx->datagram_options);
    en_datagram_protocol_free(fx->datagrams);
    en_ancillary_free(fx->ancillary);
    en_ancillary_free(fx->outgoing);
    en_unix_address_free(fx->name);
    en_unix_address_free(fx->stream_name);
    en_unix_address_free(fx->datagram_name);
    close_all(fds, sizeof(fds) / sizeof(*fds));
    unlink(fx->stream_path);
    unlink(fx->datagram_path);
    rmdir(fx->folder);
}
