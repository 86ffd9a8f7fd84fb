/* The peer of those who pass descriptors: one beside each packet. */
#include "server.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* Room for one, of a type that is aligned as the kernel wants it. */
#define CONTROL_WORDS (CMSG_SPACE(sizeof(int)) / sizeof(size_t))

static void give(int fd, size_t packet_size)
{
    int gift = open("/dev/null", O_RDONLY | O_CLOEXEC);
    check(gift, "/dev/null");
    size_t control[CONTROL_WORDS] = {0};
    struct iovec part = {buffer, fill_with_packets(packet_size, 1)};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control,
                             .msg_controllen = sizeof control};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    *header = (struct cmsghdr){
        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof gift)};
    memcpy(CMSG_DATA(header), &gift, sizeof gift);
    while (sendmsg(fd, &message, MSG_NOSIGNAL) == (ssize_t)part.iov_len)
        ;
}

static void take(int fd, size_t packet_size)
{
    (void)packet_size;
    for (;;) {
        size_t control[CONTROL_WORDS];
        struct iovec part = {buffer, ROOM};
        struct msghdr message = {.msg_iov = &part,
                                 .msg_iovlen = 1,
                                 .msg_control = control,
                                 .msg_controllen = sizeof control};
        int gift;
        if (recvmsg(fd, &message, MSG_CMSG_CLOEXEC) <= 0 || !CMSG_FIRSTHDR(&message))
            return;
        memcpy(&gift, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof gift);
        close(gift);
    }
}

const struct mode descriptor_modes[] = {
    {"give", give},
    {"take", take},
    {0},
};
