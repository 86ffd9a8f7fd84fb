/* Connecting while the network comes and goes: what an attempt of the system's meets with is not
 * the end, as the system attempts again. The program puts calls of its own in place of the
 * system's. */
#include "wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

static int state_of(int fd)
{
    struct tcp_info info = {0};
    socklen_t size = sizeof(info);

    syscall(SYS_getsockopt, fd, IPPROTO_TCP, TCP_INFO, &info, &size);
    return info.tcpi_state;
}

/* A sandbox need not tell of TCP. */
static bool tells_nothing;

/* Somebody else has read the error of the socket. */
static bool was_told;

/* A socket that connects is as after a first attempt without a route: SO_ERROR tells of that. */
int getsockopt(int fd, int level, int name, void *value, socklen_t *size)
{
    int error = was_told ? 0 : ENETUNREACH;

    if (tells_nothing && level == IPPROTO_TCP && name == TCP_INFO) {
        errno = EOPNOTSUPP;
        return -1;
    }
    if (level != SOL_SOCKET || name != SO_ERROR || (state_of(fd) != TCP_SYN_SENT && !was_told))
        return (int)syscall(SYS_getsockopt, fd, level, name, value, size);
    memcpy(value, &error, sizeof(error));
    *size = sizeof(error);
    return 0;
}

/* What the network has said of the first attempt is in the socket's error queue. */
static bool has_report;
static int looks;

int ppoll(struct pollfd *fds, nfds_t count, const struct timespec *timeout, const sigset_t *mask)
{
    looks++;
    if (!has_report)
        return (int)syscall(SYS_ppoll, fds, count, timeout, mask, (size_t)8);
    fds[0].revents = POLLERR;
    return 1;
}

ssize_t recv(int fd, void *buffer, size_t size, int flags)
{
    bool is_for_report = flags & MSG_ERRQUEUE;

    if (is_for_report && has_report) {
        has_report = false;
        return 0;
    }
    return syscall(SYS_recvfrom, fd, buffer, size, flags, NULL, NULL);
}

static void wake_soon(void *arg)
{
    pause_ms(200);
    silent_peer_wake(arg);
}

static void an_attempt_goes_on_when_the_network_is_back(void)
{
    en_stream_protocol_t *protocol = protocol_line();
    en_tcp_options_t *options = options_new();
    en_tcp_client_t *client = NULL;
    silent_peer_t silent;
    thread_t thread;

    silent_peer_open(&silent, "127.0.0.1");
    CHECK_OK(en_tcp_options_set_connect_timeout(options, 20000));
    thread_start(&thread, wake_soon, &silent);
    CHECK_OK(
        en_tcp_client_connect(&client, "127.0.0.1", peer_port(silent.listener), protocol, options));
    thread_join(&thread);
    en_tcp_client_free(client);
    en_tcp_options_free(options);
    en_stream_protocol_free(protocol);
    silent_peer_close(&silent);
}

static void a_report_of_an_attempt_is_not_looked_at_again_and_again(void)
{
    en_stream_protocol_t *protocol = protocol_line();
    en_tcp_options_t *options = options_new();
    en_tcp_client_t *client = NULL;
    silent_peer_t silent;

    silent_peer_open(&silent, "127.0.0.1");
    CHECK_OK(en_tcp_options_set_connect_timeout(options, 100));
    has_report = true;
    looks = 0;
    CHECK_CODE(
        en_tcp_client_connect(&client, "127.0.0.1", peer_port(silent.listener), protocol, options),
        EN_ETIMEDOUT);
    CHECK(looks <= 2);
    has_report = false;
    en_tcp_options_free(options);
    en_stream_protocol_free(protocol);
    silent_peer_close(&silent);
}

static void check_refused(int code)
{
    en_stream_protocol_t *protocol = protocol_line();
    en_tcp_options_t *options = options_new();
    en_tcp_client_t *client = NULL;
    int listener = peer_listen("127.0.0.1", 1);
    uint16_t port = peer_port(listener);

    close(listener);
    CHECK_OK(en_tcp_options_set_connect_timeout(options, 5000));
    CHECK_CODE(en_tcp_client_connect(&client, "127.0.0.1", port, protocol, options), code);
    en_tcp_options_free(options);
    en_stream_protocol_free(protocol);
}

static void without_the_state_of_tcp_the_error_counts(void)
{
    tells_nothing = true;
    check_refused(EN_ECONNREFUSED);
    tells_nothing = false;
}

static void without_the_error_the_state_of_tcp_counts(void)
{
    was_told = true;
    check_refused(EN_ECONNABORTED);
    CHECK_MESSAGE("the system has ended the connection");
    was_told = false;
}

static const test_case_t cases[] = {
    CASE(an_attempt_goes_on_when_the_network_is_back),
    CASE(a_report_of_an_attempt_is_not_looked_at_again_and_again),
    CASE(without_the_state_of_tcp_the_error_counts),
    CASE(without_the_error_the_state_of_tcp_counts),
};

TEST_MAIN("connect_soft")
