#include "udp_pair.h"
#include "family.h"
#include "peer.h"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

unsigned char bytes[65536];

void udp_fill_bytes(void)
{
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * 7 + i / 251);
}

void udp_open(udp_t *udp, const char *host, int receive_offload)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_udp_options_t *options;
    int room = 4 << 20;

    REQUIRE_OK(en_udp_options_new(&options));
    CHECK_OK(en_udp_options_set_receive_offload(options, receive_offload));
    udp->fd = udp_bound(host);
    setsockopt(udp->fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    REQUIRE_OK(en_udp_client_connect(&udp->client, host, peer_port(udp->fd), protocol, options));
    en_udp_options_free(options);
    en_datagram_protocol_free(protocol);
    udp->view = en_udp_client_as_client(udp->client);
    connect_to(udp->fd, en_udp_client_fileno(udp->client));
}

void udp_close(udp_t *udp)
{
    en_udp_client_free(udp->client);
    close(udp->fd);
}

en_stats_t udp_stats(const udp_t *udp)
{
    en_stats_t stats = {.struct_size = sizeof(stats)};

    CHECK_OK(en_udp_client_get_stats(udp->client, &stats));
    return stats;
}

void udp_send_segments(int fd, size_t size, int segment)
{
    REQUIRE(setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)) == 0);
    REQUIRE(send(fd, bytes, size, 0) == (ssize_t)size);
    segment = 0;
    REQUIRE(setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof(segment)) == 0);
}
