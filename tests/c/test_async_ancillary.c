/* Descriptors and credentials beside packets, on a loop. */
#include "async.h"
#include "peer.h"
#include "wire.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Two clients of one pair on one loop. */
typedef struct {
    en_loop_t *loop;
    en_async_unix_stream_client_t *here;
    en_async_unix_stream_client_t *there;
    en_ancillary_t *out;
    en_ancillary_t *in;
} pair_t;

static en_ancillary_t *ancillary_new(void)
{
    en_ancillary_t *ancillary = NULL;

    REQUIRE_OK(en_ancillary_new(&ancillary));
    return ancillary;
}

static void pair_open(pair_t *pair)
{
    en_stream_protocol_t *lines = protocol_line();
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    pair->loop = loop_new();
    REQUIRE_OK(en_async_unix_stream_client_from_fd(&pair->here, pair->loop, ends[0], lines, NULL));
    REQUIRE_OK(en_async_unix_stream_client_from_fd(&pair->there, pair->loop, ends[1], lines, NULL));
    en_stream_protocol_free(lines);
    pair->out = ancillary_new();
    pair->in = ancillary_new();
}

static void pair_close(pair_t *pair)
{
    en_async_unix_stream_client_free(pair->here);
    en_async_unix_stream_client_free(pair->there);
    en_loop_free(pair->loop);
    en_ancillary_free(pair->out);
    en_ancillary_free(pair->in);
}

static int put(pair_t *pair, const char *text, op_t *op)
{
    return en_async_unix_stream_client_send_packet_with_ancillary(
        pair->here, text, strlen(text), pair->out, 5000, op_done, op, &op->operation);
}

static int get(pair_t *pair, int64_t timeout_ms, op_t *op)
{
    return en_async_unix_stream_client_recv_packet_with_ancillary(
        pair->there, 0, timeout_ms, pair->in, op_received, op, &op->operation);
}

/* Makes a pipe, and `out` its reading end with this text in it. */
static void add_pipe(en_ancillary_t *out, const char *text)
{
    int ends[2];

    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    REQUIRE(write(ends[1], text, strlen(text)) == (ssize_t)strlen(text));
    close(ends[1]);
    REQUIRE_OK(en_ancillary_add_fds(out, &ends[0], 1));
}

static void close_sent(en_ancillary_t *out, int fd)
{
    close(fd);
    en_ancillary_clear(out);
}

/* The one descriptor that came leads to this text. */
static void check_came(en_ancillary_t *in, const char *text)
{
    char buffer[64];
    size_t count = 0;
    int fd = -1;
    ssize_t size;

    CHECK_OK(en_ancillary_take_fds(in, &fd, 1, &count));
    CHECK_INT(count, 1);
    CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    size = read(fd, buffer, sizeof(buffer));
    CHECK_BYTES(buffer, size < 0 ? 0 : (size_t)size, text, strlen(text));
    close(fd);
}

static int last_fd(void)
{
    int fd = dup(0);

    close(fd);
    return fd;
}

static void a_descriptor_goes_beside_its_packet(void)
{
    op_t sent = {0}, got = {0}, next = {0};
    pair_t pair;
    int fd;

    pair_open(&pair);
    fd = last_fd();
    add_pipe(pair.out, "through the pipe");
    CHECK_OK(get(&pair, 5000, &got));
    CHECK_INT(got.calls, 0);
    CHECK_OK(put(&pair, "take it", &sent));
    close_sent(pair.out, fd);
    op_wait(pair.loop, &got);
    CHECK_OP(&got, EN_OK);
    CHECK_OP(&sent, EN_OK);
    CHECK_BYTES(got.data, got.size, "take it", 7);
    check_came(pair.in, "through the pipe");
    /* What comes with nothing replaces what was there. */
    REQUIRE_OK(en_ancillary_add_creds(pair.in, 0, 0, 0));
    CHECK_OK(
        en_async_unix_stream_client_send_packet(pair.here, "alone", 5, 5000, NULL, NULL, NULL));
    CHECK_OK(get(&pair, 5000, &next));
    op_wait(pair.loop, &next);
    CHECK_OP(&next, EN_OK);
    CHECK_BYTES(next.data, next.size, "alone", 5);
    CHECK_INT(en_ancillary_count(pair.in), 0);
    pair_close(&pair);
}

#define LARGE_SIZE 60000

/* Takes so many bytes from under the client there, while the loop sends. */
static void read_by_hand(pair_t *pair, size_t size)
{
    int fd = en_async_unix_stream_client_fileno(pair->there);
    char buffer[4096];

    while (size > 0) {
        ssize_t count =
            recv(fd, buffer, size < sizeof(buffer) ? size : sizeof(buffer), MSG_DONTWAIT);

        if (count > 0)
            size -= (size_t)count;
        else
            en_loop_run_once(pair->loop, 10);
    }
}

/* Sends until one has to wait; how many that are. */
static int fill(pair_t *pair, op_t *last)
{
    static char large[LARGE_SIZE];
    int count = 0;

    memset(large, 'x', sizeof(large));
    do {
        memset(last, 0, sizeof(*last));
        REQUIRE_OK(en_async_unix_stream_client_send_packet(pair->here, large, sizeof(large), 5000,
                                                           op_done, last, NULL));
        en_loop_run_once(pair->loop, 0);
        count++;
    } while (last->calls > 0);
    return count;
}

static void what_waits_has_descriptors_of_its_own(void)
{
    op_t last, sent = {0}, got;
    pair_t pair;
    int fd, duplicate, large;

    pair_open(&pair);
    large = fill(&pair, &last);
    fd = last_fd();
    add_pipe(pair.out, "late");
    duplicate = last_fd();
    CHECK_OK(put(&pair, "at last", &sent));
    CHECK_INT(fcntl(duplicate, F_GETFD), FD_CLOEXEC);
    close_sent(pair.out, fd); /* nothing but the duplicate keeps the pipe */
    CHECK_INT(sent.calls, 0);
    read_by_hand(&pair, (size_t)large * (LARGE_SIZE + 1));
    memset(&got, 0, sizeof(got));
    CHECK_OK(get(&pair, 5000, &got));
    op_wait(pair.loop, &got);
    CHECK_OP(&got, EN_OK);
    CHECK_BYTES(got.data, got.size, "at last", 7);
    check_came(pair.in, "late");
    CHECK_OP(&sent, EN_OK);
    pair_close(&pair);
}

static void what_has_gathered_comes_first_with_nothing_beside(void)
{
    op_t first = {0}, second = {0};
    pair_t pair;

    pair_open(&pair);
    peer_send_text(en_async_unix_stream_client_fileno(pair.here), "one\ntwo\n");
    CHECK_OK(en_async_unix_stream_client_recv_packet(pair.there, 5000, op_received, &first, NULL));
    op_wait(pair.loop, &first);
    CHECK_BYTES(first.data, first.size, "one", 3);
    CHECK_OK(get(&pair, 5000, &second));
    op_wait(pair.loop, &second);
    CHECK_OP(&second, EN_OK);
    CHECK_BYTES(second.data, second.size, "two", 3);
    CHECK_INT(en_ancillary_count(pair.in), 0);
    pair_close(&pair);
}

/* Part of it went out, and no more goes with the descriptors: nothing may follow. */
static void what_does_not_fit_at_once(void)
{
    static char larger[1 << 20];

    for (int waits = 0; waits < 2; waits++) {
        op_t last, sent = {0}, after = {0}, got = {0};
        int large = 0;
        int fd = 0;
        pair_t pair;

        pair_open(&pair);
        if (waits)
            large = fill(&pair, &last);
        REQUIRE_OK(en_ancillary_add_fds(pair.out, &fd, 1));
        CHECK_OK(en_async_unix_stream_client_send_packet_with_ancillary(
            pair.here, larger, sizeof(larger), pair.out, 5000, op_done, &sent, NULL));
        read_by_hand(&pair, (size_t)large * (LARGE_SIZE + 1));
        op_wait(pair.loop, &sent);
        CHECK_OP(&sent, EN_EMSGSIZE);
        CHECK_OK(en_async_unix_stream_client_send_packet(pair.here, "x", 1, 5000, op_done, &after,
                                                         NULL));
        op_wait(pair.loop, &after);
        CHECK_OP(&after, EN_EPIPE);
        peer_send_text(en_async_unix_stream_client_fileno(pair.there), "receiving goes on\n");
        CHECK_OK(en_async_unix_stream_client_recv_packet(pair.here, 5000, op_received, &got, NULL));
        op_wait(pair.loop, &got);
        CHECK_OP(&got, EN_OK);
        CHECK_BYTES(got.data, got.size, "receiving goes on", 17);
        pair_close(&pair);
    }
}

static void what_cannot_be_duplicated_is_told(void)
{
    op_t last, sent = {0}, now = {0};
    int bad = 100000;
    pair_t pair;

    pair_open(&pair);
    REQUIRE_OK(en_ancillary_add_fds(pair.out, &bad, 1));
    CHECK_OK(put(&pair, "x", &now)); /* goes at once, so the system looks */
    op_wait(pair.loop, &now);
    CHECK_OP(&now, EN_EBADF);
    fill(&pair, &last);
    CHECK_OK(put(&pair, "x", &sent)); /* has to wait, so it is looked at first */
    CHECK_INT(sent.calls, 0);
    op_wait(pair.loop, &sent);
    CHECK_OP(&sent, EN_EBADF);
    CHECK_INT(last.calls, 0);
    pair_close(&pair);
}

static void ending_a_receive_leaves_what_comes_to_the_next(void)
{
    op_t cancelled = {0}, late = {0}, sent = {0}, got = {0};
    pair_t pair;
    int fd;

    pair_open(&pair);
    REQUIRE_OK(en_ancillary_add_creds(pair.in, 0, 0, 0));
    CHECK_OK(get(&pair, 5000, &cancelled));
    CHECK_OK(en_loop_cancel(pair.loop, cancelled.operation));
    op_wait(pair.loop, &cancelled);
    CHECK_OP(&cancelled, EN_ECANCELED);
    CHECK_INT(en_ancillary_count(pair.in), 0);
    CHECK_OK(get(&pair, 20, &late));
    op_wait(pair.loop, &late);
    CHECK_OP(&late, EN_ETIMEDOUT);
    fd = last_fd();
    add_pipe(pair.out, "still");
    CHECK_OK(put(&pair, "here", &sent));
    close_sent(pair.out, fd);
    CHECK_OK(get(&pair, 5000, &got));
    op_wait(pair.loop, &got);
    CHECK_OP(&got, EN_OK);
    check_came(pair.in, "still");
    pair_close(&pair);
}

static void less_than_a_packet_is_told_with_what_came(void)
{
    en_stream_protocol_t *fixed = NULL;
    en_async_unix_stream_client_t *client = NULL;
    op_t sent = {0}, got = {0}, rest = {0};
    en_stats_t stats = {.struct_size = sizeof(stats)};
    pair_t pair;
    int ends[2], fd;

    pair_open(&pair);
    en_async_unix_stream_client_free(pair.there);
    en_async_unix_stream_client_free(pair.here);
    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_stream_protocol_new_fixed(&fixed, 4));
    REQUIRE_OK(en_async_unix_stream_client_from_fd(&pair.there, pair.loop, ends[0], fixed, NULL));
    en_stream_protocol_free(fixed);
    REQUIRE_OK(en_stream_protocol_new_raw(&fixed, 0));
    REQUIRE_OK(en_async_unix_stream_client_from_fd(&client, pair.loop, ends[1], fixed, NULL));
    en_stream_protocol_free(fixed);
    pair.here = client;
    fd = last_fd();
    add_pipe(pair.out, "half");
    CHECK_OK(put(&pair, "ab", &sent));
    close_sent(pair.out, fd);
    CHECK_OK(get(&pair, 5000, &got));
    op_wait(pair.loop, &got);
    CHECK_OP(&got, EN_ENOMSG);
    check_came(pair.in, "half");
    CHECK_OK(en_async_unix_stream_client_get_stats(pair.there, &stats));
    CHECK_INT(stats.packets_received, 0);
    CHECK_OK(put(&pair, "cd", &sent));
    CHECK_OK(get(&pair, 5000, &rest));
    op_wait(pair.loop, &rest);
    CHECK_OP(&rest, EN_OK);
    CHECK_BYTES(rest.data, rest.size, "abcd", 4);
    pair_close(&pair);
}

static void an_error_that_stays_is_told_each_time(void)
{
    en_stream_protocol_t *prefixed = NULL;
    en_async_unix_stream_client_t *client = NULL;
    en_ancillary_t *in = ancillary_new();
    en_loop_t *loop = loop_new();
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(
        en_stream_protocol_new_length_prefixed(&prefixed, EN_LENGTH_U32, EN_BIG_ENDIAN, 1, 0));
    REQUIRE_OK(en_async_unix_stream_client_from_fd(&client, loop, ends[0], prefixed, NULL));
    en_stream_protocol_free(prefixed);
    peer_send(ends[1], "\0\0\0\1", 4); /* a length that includes itself, and is less than that */
    for (int i = 0; i < 4; i++) {
        op_t op = {0};

        CHECK_OK(en_async_unix_stream_client_recv_packet_with_ancillary(client, 0, 5000, in,
                                                                        op_received, &op, NULL));
        op_wait(loop, &op);
        CHECK_OP(&op, EN_EBADMSG);
    }
    en_async_unix_stream_client_free(client);
    en_ancillary_free(in);
    en_loop_free(loop);
    close(ends[1]);
}

/* A receive ends at descriptors that nobody has asked for, with more behind them. */
static void what_lies_behind_descriptors_comes(void)
{
    const char *texts[] = {"one", "two", "three"};
    op_t sent = {0};
    pair_t pair;
    int fd;

    pair_open(&pair);
    CHECK_OK(en_async_unix_stream_client_send_packet(pair.here, "one", 3, 5000, NULL, NULL, NULL));
    fd = last_fd();
    add_pipe(pair.out, "for nobody");
    CHECK_OK(put(&pair, "two", &sent));
    close_sent(pair.out, fd);
    CHECK_OK(
        en_async_unix_stream_client_send_packet(pair.here, "three", 5, 5000, NULL, NULL, NULL));
    for (int i = 0; i < 3; i++) {
        op_t got = {0};

        CHECK_OK(
            en_async_unix_stream_client_recv_packet(pair.there, 5000, op_received, &got, NULL));
        op_wait(pair.loop, &got);
        CHECK_OP(&got, EN_OK);
        CHECK_BYTES(got.data, got.size, texts[i], strlen(texts[i]));
    }
    pair_close(&pair);
}

/* Whatever receives before have found: behind what came with descriptors there may be more. */
static void what_lies_between_descriptors_comes(void)
{
    op_t sent = {0}, plain = {0}, got[2] = {{0}, {0}};
    pair_t pair;

    pair_open(&pair);
    CHECK_OK(en_async_unix_stream_client_recv_packet(pair.there, 5000, op_received, &plain, NULL));
    CHECK_OK(en_async_unix_stream_client_send_packet(pair.here, "none", 4, 5000, NULL, NULL, NULL));
    op_wait(pair.loop, &plain);
    CHECK_OP(&plain, EN_OK);
    for (int i = 0; i < 2; i++) {
        int fd = last_fd();

        add_pipe(pair.out, "one");
        CHECK_OK(put(&pair, "with", &sent));
        close_sent(pair.out, fd);
    }
    for (int i = 0; i < 2; i++) {
        CHECK_OK(get(&pair, 5000, &got[i]));
        op_wait(pair.loop, &got[i]);
        CHECK_OP(&got[i], EN_OK);
        check_came(pair.in, "one");
    }
    pair_close(&pair);
}

/* Where nothing came beside the bytes, a receive that was not filled has brought all. */
static void one_message_is_one_receive(void)
{
    en_stats_t stats = {.struct_size = sizeof(stats)};
    pair_t pair;

    pair_open(&pair);
    for (int i = 1; i <= 3; i++) {
        op_t got = {0};

        CHECK_OK(
            en_async_unix_stream_client_recv_packet(pair.there, 5000, op_received, &got, NULL));
        op_still_waits(pair.loop, &got);
        CHECK_OK(
            en_async_unix_stream_client_send_packet(pair.here, "one", 3, 5000, NULL, NULL, NULL));
        op_wait(pair.loop, &got);
        CHECK_OP(&got, EN_OK);
    }
    CHECK_OK(en_async_unix_stream_client_get_stats(pair.there, &stats));
    CHECK_INT(stats.recv_calls, 1 + 3); /* and one that found nothing, at first */
    pair_close(&pair);
}

static void datagrams_have_it_too(void)
{
    en_datagram_protocol_t *raw = NULL;
    en_async_unix_datagram_client_t *here = NULL, *there = NULL;
    en_ancillary_t *out = ancillary_new(), *in = ancillary_new();
    en_loop_t *loop = loop_new();
    op_t sent = {0}, none = {0}, got = {0};
    int ends[2], fd;

    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_datagram_protocol_new_raw(&raw, 0));
    REQUIRE_OK(en_async_unix_datagram_client_from_fd(&here, loop, ends[0], raw, NULL));
    REQUIRE_OK(en_async_unix_datagram_client_from_fd(&there, loop, ends[1], raw, NULL));
    en_datagram_protocol_free(raw);
    fd = last_fd();
    add_pipe(out, "in a datagram");
    CHECK_OK(en_async_unix_datagram_client_send_packet_with_ancillary(here, NULL, 0, out, 5000,
                                                                      op_done, &none, NULL));
    op_wait(loop, &none);
    CHECK_OP(&none, EN_EINVAL);
    CHECK_OK(en_async_unix_datagram_client_send_packet_with_ancillary(here, "x", 1, out, 5000,
                                                                      op_done, &sent, NULL));
    close_sent(out, fd);
    CHECK_OK(en_async_unix_datagram_client_recv_packet_with_ancillary(there, 0, 5000, in,
                                                                      op_received, &got, NULL));
    op_wait(loop, &got);
    CHECK_OP(&got, EN_OK);
    CHECK_OP(&sent, EN_OK);
    CHECK_BYTES(got.data, got.size, "x", 1);
    check_came(in, "in a datagram");
    en_async_unix_datagram_client_free(here);
    en_async_unix_datagram_client_free(there);
    en_loop_free(loop);
    en_ancillary_free(out);
    en_ancillary_free(in);
}

static void freeing_completes_what_waits(void)
{
    op_t last, sent = {0}, got = {0};
    pair_t pair;
    int fd;

    pair_open(&pair);
    fill(&pair, &last);
    fd = last_fd();
    add_pipe(pair.out, "never");
    CHECK_OK(put(&pair, "x", &sent));
    close_sent(pair.out, fd);
    CHECK_OK(en_async_unix_stream_client_recv_packet_with_ancillary(pair.here, 0, -1, pair.in,
                                                                    op_received, &got, NULL));
    en_async_unix_stream_client_free(pair.here);
    pair.here = NULL;
    CHECK_OP(&sent, EN_ECANCELED);
    CHECK_OP(&got, EN_ECANCELED);
    pair_close(&pair);
}

static const test_case_t cases[] = {
    CASE(a_descriptor_goes_beside_its_packet),
    CASE(what_waits_has_descriptors_of_its_own),
    CASE(what_has_gathered_comes_first_with_nothing_beside),
    CASE(what_does_not_fit_at_once),
    CASE(what_cannot_be_duplicated_is_told),
    CASE(ending_a_receive_leaves_what_comes_to_the_next),
    CASE(less_than_a_packet_is_told_with_what_came),
    CASE(an_error_that_stays_is_told_each_time),
    CASE(what_lies_behind_descriptors_comes),
    CASE(what_lies_between_descriptors_comes),
    CASE(one_message_is_one_receive),
    CASE(datagrams_have_it_too),
    CASE(freeing_completes_what_waits),
};

TEST_MAIN("async_ancillary")
