/* The reference for descriptors beside the packets of a Unix stream. What comes with a descriptor
 * comes by itself, so a receive brings one packet. */
#include "plain.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static uint8_t received[BUFFER];
static uint8_t to_send[HEADER + SMALL];
static int gift;

uint64_t socket_calls(void)
{
    return calls;
}

static void open_to_give(const char *address)
{
    open_unix(address);
    gift = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (gift < 0)
        fail_errno("/dev/null");
}

static size_t receive(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++) {
        struct message message;
        uint32_t size;
        prepare_message(&message, received, sizeof received);
        ssize_t count = recvmsg(fd, &message.header, MSG_CMSG_CLOEXEC);
        calls++;
        if (count < (ssize_t)HEADER)
            fail_errno("recvmsg");
        memcpy(&size, received, HEADER);
        if (ntohl(size) != (size_t)count - HEADER)
            fail("recvmsg", "it did not bring one packet");
        consume(received + HEADER, ntohl(size));
        if (close(control_of(&message)))
            fail_errno("close");
    }
    return work->packets;
}

static size_t send_each(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++) {
        struct message message;
        uint32_t size = htonl((uint32_t)work->packet_size);
        memcpy(to_send, &size, HEADER);
        memcpy(to_send + HEADER, payload, work->packet_size);
        prepare_message(&message, to_send, HEADER + work->packet_size);
        set_control(&message, SOL_SOCKET, SCM_RIGHTS, &gift, sizeof gift);
        calls++;
        if (sendmsg(fd, &message.header, MSG_NOSIGNAL) != (ssize_t)message.part.iov_len)
            fail_errno("sendmsg");
    }
    return work->packets;
}

const struct work works[] = {
    {"receive", open_unix, SMALL, SMALL_STEP, receive},
    {"send", open_to_give, SMALL, SMALL_STEP, send_each},
    {0},
};
