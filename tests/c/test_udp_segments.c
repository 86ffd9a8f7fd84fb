/* UDP datagrams that the system cuts from one buffer when sending (UDP_SEGMENT): that it does so,
 * and what happens where it refuses. The program puts a sendmsg, a sendmmsg and a getsockopt of its
 * own in place of the system's. */

/* With 64-bit times on 32 bits they would be called __sendmsg64 and so on, and replace nothing. */
#undef _TIME_BITS

#include "family.h"
#include "peer.h"
#include "udp_pair.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum { COUNT = 40, SIZE = 1000 };

/* What the system says to buffers that are to be cut; 0: what it says by itself. */
static int segment_errno;
/* What it says to many datagrams that are not to be cut. */
static int many_errno;
/* From which size on it refuses to cut. */
static int refused_size;
/* What the path takes in one piece; 0: what the system knows. */
static int path_mtu;
/* It is one that has never heard of cutting: Linux before 4.18. */
static int before_segments;
static atomic_int cut_calls;

static int segment_of(const struct msghdr *message)
{
    struct msghdr copy = *message;
    struct cmsghdr *header = CMSG_FIRSTHDR(&copy);
    uint16_t size;

    if (!header || header->cmsg_level != IPPROTO_UDP || header->cmsg_type != UDP_SEGMENT)
        return 0;
    memcpy(&size, CMSG_DATA(header), sizeof(size));
    return size;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    int segment = segment_of(message);
    struct msghdr passed_over = *message;

    if (segment && before_segments) {
        passed_over.msg_control = NULL;
        passed_over.msg_controllen = 0;
        return syscall(SYS_sendmsg, fd, &passed_over, flags);
    }
    if (segment) {
        atomic_fetch_add(&cut_calls, 1);
        if (segment_errno && segment >= refused_size) {
            errno = segment_errno;
            return -1;
        }
    }
    return syscall(SYS_sendmsg, fd, message, flags);
}

int sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)
{
    if (many_errno) {
        errno = many_errno;
        return -1;
    }
    return (int)syscall(SYS_sendmmsg, fd, messages, count, flags);
}

int getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
    if (before_segments && level == IPPROTO_UDP && name == UDP_SEGMENT) {
        errno = ENOPROTOOPT;
        return -1;
    }
    if (path_mtu && level == IPPROTO_IP && name == IP_MTU) {
        memcpy(value, &path_mtu, sizeof(path_mtu));
        return 0;
    }
    return (int)syscall(SYS_getsockopt, fd, level, name, value, size);
}

/* Sends `count` datagrams of `size` bytes, the last shorter by `less`; all must arrive as they are
 * at a socket that knows nothing of this. How many calls it took. */
static uint64_t send_alike(udp_t *udp, size_t count, size_t size, size_t less)
{
    en_slice_t packets[COUNT];
    uint64_t before = udp_stats(udp).send_calls;
    size_t sent = 0;

    REQUIRE(count <= COUNT);
    for (size_t i = 0; i < count; i++)
        packets[i] = (en_slice_t){bytes + i, size};
    packets[count - 1].size -= less;
    CHECK_OK(en_udp_client_send_packets(udp->client, packets, count, 20000, &sent));
    CHECK_INT(sent, count);
    for (size_t i = 0; i < count; i++)
        expect_datagram(udp->fd, packets[i].data, packets[i].size);
    expect_no_datagram(udp->fd);
    return udp_stats(udp).send_calls - before;
}

static void check_segments(const char *host)
{
    udp_t udp;

    udp_open(&udp, host, 0);
    atomic_store(&cut_calls, 0);
    CHECK_INT(send_alike(&udp, COUNT, SIZE, 0), 1);
    CHECK_INT(send_alike(&udp, COUNT, SIZE, 1), 1);
    CHECK_INT(send_alike(&udp, COUNT, SIZE, SIZE - 1), 1);
    CHECK_INT(send_alike(&udp, 2, 1, 0), 1);
    CHECK_INT(atomic_load(&cut_calls), 4);
    CHECK_INT(send_alike(&udp, 10, 20000, 5000), 4); /* three fit at a time, and one stays alone */
    CHECK_INT(atomic_load(&cut_calls), 7);
    CHECK_INT(send_alike(&udp, 1, SIZE, 0), 1); /* one alone is not cut */
    CHECK_INT(atomic_load(&cut_calls), 7);
    CHECK_INT(udp_stats(&udp).packets_sent, 3 * COUNT + 2 + 10 + 1);
    udp_close(&udp);
}

static void equal_sizes_go_with_one_call(void)
{
    check_segments("127.0.0.1");
}

static void equal_sizes_go_with_one_call_on_ipv6(void)
{
    REQUIRE(peer_has_ipv6());
    check_segments("::1");
}

/* Refused, they go uncut, and a size that was refused is not tried again. */
static void check_refusal(int error)
{
    udp_t udp;

    udp_open(&udp, "127.0.0.1", 0);
    segment_errno = error;
    refused_size = 500;
    atomic_store(&cut_calls, 0);
    CHECK_INT(send_alike(&udp, COUNT, SIZE, 0), 1); /* by sendmmsg */
    CHECK_INT(atomic_load(&cut_calls), 1);
    CHECK_INT(send_alike(&udp, COUNT, SIZE, 7), 1);
    CHECK_INT(send_alike(&udp, COUNT, 1400, 0), 1);
    CHECK_INT(atomic_load(&cut_calls), 1);
    CHECK_INT(send_alike(&udp, COUNT, 100, 0), 1); /* smaller ones are */
    CHECK_INT(atomic_load(&cut_calls), 2);
    CHECK_INT(send_alike(&udp, 1, SIZE, 0), 1);
    CHECK_INT(udp_stats(&udp).packets_sent, 4 * COUNT + 1);
    segment_errno = 0;
    udp_close(&udp);
}

static void a_system_that_cannot_cut(void)
{
    static const int errors[] = {EINVAL, EIO, EMSGSIZE, EOPNOTSUPP};

    path_mtu = 500; /* so EMSGSIZE is not about an earlier one */
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        check_refusal(errors[i]);
    path_mtu = 0;
}

/* What was refused on a narrow path is cut on a wide one. */
static void a_path_that_becomes_wider(void)
{
    udp_t udp;

    udp_open(&udp, "127.0.0.1", 0);
    path_mtu = refused_size = 500;
    segment_errno = EMSGSIZE;
    atomic_store(&cut_calls, 0);
    for (int i = 0; i < 2; i++) {
        CHECK_INT(send_alike(&udp, COUNT, SIZE, 0), 1);
        CHECK_INT(atomic_load(&cut_calls), 1);
    }
    path_mtu = 800; /* still too narrow, but nobody knows */
    for (int i = 0; i < 2; i++) {
        CHECK_INT(send_alike(&udp, COUNT, SIZE, 0), 1);
        CHECK_INT(atomic_load(&cut_calls), 2);
    }
    path_mtu = segment_errno = 0;
    for (int i = 0; i < 2; i++) {
        CHECK_INT(send_alike(&udp, COUNT, SIZE, 0), 1);
        CHECK_INT(atomic_load(&cut_calls), 3 + i);
    }
    udp_close(&udp);
}

static void check_sends_none(udp_t *udp, int code)
{
    en_slice_t packets[COUNT];
    size_t sent = 7;

    for (size_t i = 0; i < COUNT; i++)
        packets[i] = (en_slice_t){bytes, SIZE};
    CHECK_CODE(en_udp_client_send_packets(udp->client, packets, COUNT, 20000, &sent), code);
    CHECK_INT(sent, 0);
}

/* What does not go uncut either was no refusal to cut: with a route there is cutting again. */
static void a_route_that_is_gone_for_a_time(void)
{
    udp_t udp;

    udp_open(&udp, "127.0.0.1", 0);
    segment_errno = many_errno = EINVAL; /* as from a blackhole */
    refused_size = 0;
    check_sends_none(&udp, EN_EINVAL);
    CHECK_MESSAGE("blackhole");
    CHECK_MESSAGE("this one was not sent");
    segment_errno = many_errno = 0;
    expect_no_datagram(udp.fd);
    atomic_store(&cut_calls, 0);
    CHECK_INT(send_alike(&udp, COUNT, SIZE, 0), 1);
    CHECK_INT(atomic_load(&cut_calls), 1);
    udp_close(&udp);
}

static void a_system_that_passes_over_cutting(void)
{
    udp_t udp;

    udp_open(&udp, "127.0.0.1", 0);
    before_segments = 1;
    CHECK_INT(send_alike(&udp, COUNT, SIZE, 0), 1); /* by sendmmsg */
    CHECK_INT(send_alike(&udp, COUNT, 100, 50), 1);
    CHECK_INT(udp_stats(&udp).packets_sent, 2 * COUNT);
    before_segments = 0;
    udp_close(&udp);
}

/* What is no refusal is an error, and is not hidden by sending in another way. */
static void an_error_is_no_refusal(void)
{
    udp_t udp;

    udp_open(&udp, "127.0.0.1", 0);
    segment_errno = EPERM;
    refused_size = 0;
    check_sends_none(&udp, EN_EPERM);
    segment_errno = 0;
    expect_no_datagram(udp.fd);
    CHECK_INT(send_alike(&udp, COUNT, SIZE, 0), 1);
    udp_close(&udp);
}

/* Errors that ICMP brings may be those of earlier datagrams: these were not sent, and they say so.
 */
static void what_icmp_tells_is_told(void)
{
    static const int errors[] = {ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, EHOSTDOWN,
                                 EPROTO,       ENOPROTOOPT,  EACCES,      EMSGSIZE};
    en_slice_t packets[] = {{bytes, SIZE}, {bytes, SIZE}};
    size_t sent = 7;
    udp_t udp;

    udp_open(&udp, "127.0.0.1", 0);
    refused_size = 0;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        segment_errno = errors[i];
        CHECK_CODE(en_udp_client_send_packets(udp.client, packets, 2, 20000, &sent), -errors[i]);
        CHECK_INT(sent, 0);
        CHECK_MESSAGE("this one was not sent");
        CHECK_MESSAGE("earlier");
    }
    segment_errno = 0;
    expect_no_datagram(udp.fd);
    CHECK_OK(put_text(udp.view, "usable"));
    expect_datagram(udp.fd, "usable", 6);
    udp_close(&udp);
}

/* Without checksums Linux cannot cut, and says so itself. */
static void a_socket_that_cannot_cut(void)
{
    int on = 1;
    udp_t udp;

    udp_open(&udp, "127.0.0.1", 0);
    CHECK_OK(en_udp_client_setsockopt(udp.client, SOL_SOCKET, SO_NO_CHECK, &on, sizeof(on)));
    atomic_store(&cut_calls, 0);
    CHECK_INT(send_alike(&udp, COUNT, SIZE, 0), 1);
    CHECK_INT(send_alike(&udp, COUNT, SIZE, 0), 1);
    CHECK_INT(atomic_load(&cut_calls), 1);
    CHECK_INT(send_alike(&udp, COUNT, 100, 50), 1);
    CHECK_INT(udp_stats(&udp).packets_sent, 3 * COUNT);
    udp_close(&udp);
}
static const test_case_t cases[] = {
    CASE(equal_sizes_go_with_one_call),    CASE(equal_sizes_go_with_one_call_on_ipv6),
    CASE(a_system_that_cannot_cut),        CASE(a_path_that_becomes_wider),
    CASE(a_route_that_is_gone_for_a_time), CASE(a_system_that_passes_over_cutting),
    CASE(an_error_is_no_refusal),          CASE(what_icmp_tells_is_told),
    CASE(a_socket_that_cannot_cut),
};

int main(int argc, char **argv)
{
    udp_fill_bytes();
    return harness_run("udp_segments", cases, sizeof(cases) / sizeof(cases[0]), argc, argv);
}
