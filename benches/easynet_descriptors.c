/* Descriptors beside the packets of a Unix stream, through easynet. */
#include "easynet_check.h"

#include <fcntl.h>
#include <unistd.h>

static en_unix_stream_client_t *client;
static en_ancillary_t *ancillary;
static int gift;

uint64_t socket_calls(void)
{
    en_stats_t stats = {.struct_size = sizeof stats};
    check(en_unix_stream_client_get_stats(client, &stats), "stats");
    return stats.recv_calls + stats.send_calls;
}

static void open_client(const char *address)
{
    client = connect_unix(address);
    check(en_ancillary_new(&ancillary), "ancillary");
}

static void open_to_give(const char *address)
{
    open_client(address);
    gift = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (gift < 0)
        fail_errno("/dev/null");
}

static size_t receive(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++) {
        en_packet_t packet;
        int fd;
        size_t count;
        check(en_unix_stream_client_recv_packet_with_ancillary(client, 0, TIMEOUT_MS, ancillary,
                                                               &packet),
              "recv_packet_with_ancillary");
        consume(packet.data, packet.size);
        en_packet_release(&packet);
        check(en_ancillary_take_fds(ancillary, &fd, 1, &count), "take_fds");
        if (count != 1 || close(fd))
            fail_errno("close");
    }
    return work->packets;
}

static size_t send_each(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++) {
        check(en_ancillary_clear(ancillary), "clear");
        check(en_ancillary_add_fds(ancillary, &gift, 1), "add_fds");
        check(en_unix_stream_client_send_packet_with_ancillary(client, payload, work->packet_size,
                                                               ancillary, TIMEOUT_MS),
              "send_packet_with_ancillary");
    }
    return work->packets;
}

const struct work works[] = {
    {"receive", open_client, SMALL, SMALL_STEP, receive},
    {"send", open_to_give, SMALL, SMALL_STEP, send_each},
    {0},
};
