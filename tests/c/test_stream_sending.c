/* Stream transports over sockets: how much goes, and in which order. */
#include "low.h"
#include "peer.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

static void sends_of_nothing_send_nothing(ends_t *wire)
{
    size_t size = 77;
    int fd = 77;

    CHECK_OK(en_stream_transport_send(wire->transport, NULL, 0, 0, &size));
    CHECK_INT(size, 0);
    size = 77;
    CHECK_OK(en_stream_transport_send_noblock(wire->transport, NULL, 0, &size, &fd));
    CHECK_INT(size, 0);
    CHECK_INT(fd, -1);
    size = 77;
    CHECK_OK(en_stream_transport_send_all(wire->transport, NULL, 0, 0, &size));
    CHECK_INT(size, 0);
    size = 77;
    CHECK_OK(en_stream_transport_send_all_from_slices(wire->transport, NULL, 0, 0, &size));
    CHECK_INT(size, 0);
    peer_expect_nothing(wire->fd);
}
FOR_BOTH(sends_of_nothing_send_nothing)

static void a_send_takes_what_goes(ends_t *wire)
{
    size_t size = 4 << 20;
    char *bytes = malloc(size);
    char *got = malloc(size);
    size_t sent = 0;
    int64_t start;
    size_t part;

    for (size_t i = 0; i < size; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    start = now_ms();
    CHECK_OK(en_stream_transport_send(wire->transport, bytes, size, 20000, &sent));
    CHECK_TOOK(start, 0);
    CHECK(sent > 0 && sent < size);
    part = sent;
    for (size_t at = 0; at < part;)
        at += (size_t)recv(wire->fd, got + at, part - at, 0);
    CHECK(memcmp(bytes, got, part) == 0);
    CHECK_OK(en_stream_transport_send_noblock(wire->transport, "end", 3, &sent, &(int){0}));
    peer_expect_text(wire->fd, "end");
    free(bytes);
    free(got);
}
FOR_BOTH(a_send_takes_what_goes)

static void drain_it(void *arg)
{
    *(size_t *)arg = peer_drain(*(int *)((char *)arg + sizeof(size_t)));
}

/* More slices than one system call takes, among them empty ones and large ones. */
static void all_slices_go(ends_t *wire)
{
    enum { COUNT = 5000 };
    static char bytes[COUNT * 3];
    static char large[300000];
    en_slice_t *slices = calloc(COUNT, sizeof(*slices));
    struct {
        size_t count;
        int fd;
    } drain = {0, wire->fd};
    size_t total = 0;
    size_t sent = 77;
    thread_t thread;

    for (size_t i = 0; i < COUNT; i++) {
        slices[i] = (en_slice_t){bytes + total, i % 4};
        total += i % 4;
    }
    slices[COUNT / 2] = (en_slice_t){large, sizeof(large)};
    total += sizeof(large) - COUNT / 2 % 4;
    thread_start(&thread, drain_it, &drain);
    CHECK_OK(
        en_stream_transport_send_all_from_slices(wire->transport, slices, COUNT, 20000, &sent));
    CHECK_INT(sent, total);
    CHECK_OK(en_stream_transport_close(wire->transport));
    thread_join(&thread);
    CHECK_INT(drain.count, total);
    free(slices);
}
FOR_BOTH(all_slices_go)

typedef struct {
    int fd;
    size_t size;
    unsigned char *bytes;
} reader_t;

static void read_all(void *arg)
{
    reader_t *reader = arg;
    size_t at = 0;
    ssize_t got;

    while (at < reader->size &&
           (got = recv(reader->fd, reader->bytes + at, reader->size - at, 0)) > 0)
        at += (size_t)got;
    reader->size = at;
}

/* The bytes of one-byte slices come in their order, blocking and not. */
static void slices_keep_their_order(ends_t *wire)
{
    enum { COUNT = 3 * 1024 + 17 };
    unsigned char bytes[COUNT];
    unsigned char got[2 * COUNT];
    en_slice_t slices[COUNT];
    reader_t reader = {wire->fd, sizeof(got), got};
    size_t sent = 0;
    size_t total = 0;
    thread_t thread;

    for (size_t i = 0; i < COUNT; i++) {
        bytes[i] = (unsigned char)(i * 31 + i / 256);
        slices[i] = (en_slice_t){bytes + i, 1};
    }
    thread_start(&thread, read_all, &reader);
    CHECK_OK(
        en_stream_transport_send_all_from_slices(wire->transport, slices, COUNT, 20000, &sent));
    CHECK_INT(sent, COUNT);
    while (total < COUNT) {
        int fd = 77;
        int rc = en_stream_transport_send_from_slices_noblock(wire->transport, slices + total,
                                                              COUNT - total, &sent, &fd);

        total += sent;
        if (rc == EN_WANT_WRITE) {
            struct pollfd ready = {.fd = fd, .events = POLLOUT};

            CHECK_INT(sent, 0);
            CHECK_INT(fd, en_stream_transport_fileno(wire->transport));
            REQUIRE(poll(&ready, 1, 20000) == 1);
        } else {
            REQUIRE_OK(rc);
            REQUIRE(sent > 0);
        }
    }
    thread_join(&thread);
    CHECK_BYTES(got, COUNT, bytes, COUNT);
    CHECK_BYTES(got + COUNT, COUNT, bytes, COUNT);
}
FOR_BOTH(slices_keep_their_order)

/* What went before the time was over is said, and nothing of it is sent twice. */
static void a_time_out_says_how_much_went(ends_t *wire)
{
    size_t size = 8 << 20;
    char *zeros = calloc(1, size);
    size_t sent = 0;
    int64_t start = now_ms();

    CHECK_CODE(en_stream_transport_send_all(wire->transport, zeros, size, 80, &sent), EN_ETIMEDOUT);
    CHECK_TOOK(start, 80);
    CHECK(sent > 0 && sent < size);
    CHECK_OK(en_stream_transport_close(wire->transport));
    CHECK_INT(peer_drain(wire->fd), sent);
    free(zeros);
}
FOR_BOTH(a_time_out_says_how_much_went)

static const test_case_t cases[] = {
    CASE_OF_BOTH(sends_of_nothing_send_nothing),
    CASE_OF_BOTH(a_send_takes_what_goes),
    CASE_OF_BOTH(all_slices_go),
    CASE_OF_BOTH(slices_keep_their_order),
    CASE_OF_BOTH(a_time_out_says_how_much_went),
};

TEST_MAIN("stream_sending")
