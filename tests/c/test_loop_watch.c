/* Descriptors of the application's own on a loop. */
#include "async.h"
#include "peer.h"
#include "wire.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { READ = EN_INTEREST_READ, WRITE = EN_INTEREST_WRITE };

/* A watch, and what its callback has been told. */
typedef struct {
    en_loop_t *loop;
    int fd;
    uint64_t operation;
    int ready;
    int over;
    int cancel_at;
} watch_t;

static void note(int status, void *user_data)
{
    watch_t *watch = user_data;

    if (status == EN_OK)
        watch->ready++;
    else if (CHECK_CODE(status, EN_ECANCELED))
        watch->over++;
    if (status == EN_OK && watch->ready == watch->cancel_at)
        CHECK_OK(en_loop_cancel(watch->loop, watch->operation));
}

static watch_t watch_begin(en_loop_t *loop, int fd)
{
    return (watch_t){.loop = loop, .fd = fd};
}

static void start(watch_t *watch, int interest)
{
    CHECK_OK(en_loop_start_watch(watch->loop, watch->fd, interest, note, watch, &watch->operation));
    CHECK(watch->operation != 0);
}

static void turn(en_loop_t *loop)
{
    CHECK_OK(en_loop_run_once(loop, 0));
}

static void told_as_long_as_it_is_ready(void)
{
    en_loop_t *loop = loop_new();
    int ends[2];
    watch_t watch;
    char byte;

    REQUIRE(pipe(ends) == 0);
    watch = watch_begin(loop, ends[0]);
    start(&watch, READ);
    turn(loop);
    CHECK_INT(watch.ready, 0);
    CHECK(write(ends[1], "ab", 2) == 2);
    for (int turns = 1; turns <= 3; turns++) {
        turn(loop);
        CHECK_INT(watch.ready, turns); /* once a turn */
    }
    CHECK(read(ends[0], &byte, 1) == 1);
    turn(loop);
    CHECK_INT(watch.ready, 4); /* one byte is left */
    CHECK(read(ends[0], &byte, 1) == 1);
    turn(loop);
    CHECK_INT(watch.ready, 4);
    close(ends[1]); /* that it has ended is something to read */
    turn(loop);
    CHECK_INT(watch.ready, 5);
    CHECK_OK(en_loop_cancel(loop, watch.operation));
    CHECK_INT(watch.over, 0);
    CHECK_OK(en_loop_run(loop)); /* nothing else holds it */
    CHECK_INT(watch.ready, 5);
    CHECK_INT(watch.over, 1);
    CHECK_OK(en_loop_cancel(loop, watch.operation));
    turn(loop);
    CHECK_INT(watch.over, 1);
    CHECK(fcntl(ends[0], F_GETFD) >= 0);
    close(ends[0]);
    en_loop_free(loop);
}

static void both_directions_of_one(void)
{
    en_loop_t *loop = loop_new();
    watch_t reads;
    watch_t writes;
    watch_t either;
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
    reads = watch_begin(loop, ends[0]);
    writes = watch_begin(loop, ends[0]);
    either = watch_begin(loop, ends[0]);
    start(&reads, READ);
    start(&writes, WRITE);
    start(&either, READ | WRITE);
    turn(loop);
    CHECK_INT(reads.ready, 0);
    CHECK_INT(writes.ready, 1);
    CHECK_INT(either.ready, 1);
    CHECK_OK(en_loop_cancel(loop, writes.operation));
    CHECK(write(ends[1], "x", 1) == 1);
    turn(loop);
    CHECK_INT(reads.ready, 1);
    CHECK_INT(writes.ready, 1);
    CHECK_INT(writes.over, 1);
    CHECK_INT(either.ready, 2);
    en_loop_free(loop); /* two are watched still */
    CHECK_INT(reads.over, 1);
    CHECK_INT(either.over, 1);
    close(ends[0]);
    close(ends[1]);
}

static void cancelled_by_its_own_callback(void)
{
    en_loop_t *loop = loop_new();
    watch_t watch;
    int ends[2];

    REQUIRE(pipe(ends) == 0);
    watch = watch_begin(loop, ends[1]);
    watch.cancel_at = 3;
    start(&watch, WRITE);
    CHECK_OK(en_loop_run(loop));
    CHECK_INT(watch.ready, 3);
    CHECK_INT(watch.over, 1);
    close(ends[0]);
    close(ends[1]);
    en_loop_free(loop);
}

static void read_one(int status, void *user_data)
{
    watch_t *watch = user_data;
    char byte;

    note(status, watch);
    if (status == EN_OK)
        CHECK(read(watch->fd, &byte, 1) == 1); /* which would wait if nothing had come */
}

/* Two are told of one byte: who comes first has it. */
static void what_another_has_taken_is_not_told(void)
{
    en_loop_t *loop = loop_new();
    watch_t one;
    watch_t other;
    int ends[2];

    REQUIRE(pipe(ends) == 0);
    one = watch_begin(loop, ends[0]);
    other = watch_begin(loop, ends[0]);
    CHECK_OK(en_loop_start_watch(loop, one.fd, READ, read_one, &one, NULL));
    CHECK_OK(en_loop_start_watch(loop, other.fd, READ, read_one, &other, NULL));
    for (int bytes = 1; bytes <= 5; bytes++) {
        CHECK(write(ends[1], "x", 1) == 1);
        turn(loop);
        CHECK_INT(one.ready + other.ready, bytes);
    }
    en_loop_free(loop);
    close(ends[0]);
    close(ends[1]);
}

static void free_its_loop(int status, void *user_data)
{
    watch_t *watch = user_data;

    note(status, watch);
    if (status == EN_OK)
        en_loop_free(watch->loop);
}

static void its_callback_frees_the_loop(void)
{
    watch_t watch;
    int ends[2];

    REQUIRE(pipe(ends) == 0);
    watch = watch_begin(loop_new(), ends[1]);
    CHECK_OK(en_loop_start_watch(watch.loop, watch.fd, WRITE, free_its_loop, &watch, NULL));
    CHECK_OK(en_loop_run(watch.loop));
    CHECK_INT(watch.ready, 1);
    CHECK_INT(watch.over, 1);
    close(ends[0]);
    close(ends[1]);
}

/* A client's descriptor, whoever comes first. */
static void beside_a_client(void)
{
    for (int watch_first = 0; watch_first < 2; watch_first++) {
        en_stream_protocol_t *lines = protocol_line();
        en_async_unix_stream_client_t *client = NULL;
        en_loop_t *loop = loop_new();
        op_t op = {0};
        watch_t watch;
        int ends[2];

        REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0);
        watch = watch_begin(loop, ends[0]);
        if (watch_first)
            start(&watch, READ);
        CHECK_OK(en_async_unix_stream_client_from_fd(&client, loop, ends[0], lines, NULL));
        if (!watch_first)
            start(&watch, READ);
        CHECK_OK(en_async_unix_stream_client_recv_packet(client, 20000, op_received, &op,
                                                         &op.operation));
        CHECK(write(ends[1], "line\n", 5) == 5);
        op_wait(loop, &op);
        CHECK_OP(&op, EN_OK);
        CHECK_INT(watch.ready, 1);
        CHECK_OK(en_loop_cancel(loop, watch.operation));
        turn(loop);
        CHECK_INT(watch.over, 1);
        en_async_unix_stream_client_free(client);
        en_stream_protocol_free(lines);
        en_loop_free(loop);
        close(ends[1]);
    }
}

static void within_another_loop(void)
{
    en_loop_t *loop = loop_new();
    struct pollfd entry = {.fd = en_loop_fd(loop), .events = POLLIN};
    watch_t watch;
    int ends[2];
    char byte;

    REQUIRE(pipe(ends) == 0);
    watch = watch_begin(loop, ends[0]);
    start(&watch, READ);
    CHECK_INT(poll(&entry, 1, 0), 0);
    CHECK(write(ends[1], "x", 1) == 1);
    for (int turns = 1; turns <= 2; turns++) {
        CHECK_INT(poll(&entry, 1, 20000), 1);
        turn(loop);
        CHECK_INT(watch.ready, turns);
    }
    CHECK(read(ends[0], &byte, 1) == 1);
    turn(loop);
    CHECK_INT(poll(&entry, 1, 0), 0);
    CHECK_OK(en_loop_cancel(loop, watch.operation));
    turn(loop);
    CHECK_INT(watch.over, 1);
    CHECK(write(ends[1], "x", 1) == 1); /* which is nobody's concern any more */
    CHECK_INT(poll(&entry, 1, 0), 0);
    en_loop_free(loop);
    close(ends[0]);
    close(ends[1]);
}

static void what_is_refused(void)
{
    en_loop_t *loop = loop_new();
    char path[] = "/tmp/easynet-XXXXXX";
    int file = mkstemp(path);
    watch_t watch = {0};
    int ends[2];

    REQUIRE(file >= 0 && pipe(ends) == 0);
    unlink(path);
    CHECK_CODE(en_loop_start_watch(loop, file, READ, note, &watch, NULL), EN_EPERM);
    CHECK_CODE(en_loop_start_watch(loop, -1, READ, note, &watch, NULL), EN_EBADF);
    CHECK_CODE(en_loop_start_watch(loop, ends[0], 0, note, &watch, NULL), EN_EINVAL);
    CHECK_CODE(en_loop_start_watch(loop, ends[0], 4, note, &watch, NULL), EN_EINVAL);
    CHECK_CODE(en_loop_start_watch(loop, ends[0], READ, NULL, &watch, NULL), EN_EINVAL);
    CHECK_CODE(en_loop_start_watch(NULL, ends[0], READ, note, &watch, NULL), EN_EINVAL);
    close(ends[0]);
    close(ends[1]);
    CHECK_CODE(en_loop_start_watch(loop, ends[0], READ, note, &watch, NULL), EN_EBADF);
    CHECK_OK(en_loop_run(loop)); /* nothing holds it */
    en_loop_free(loop);
    close(file);
    CHECK_INT(watch.ready + watch.over, 0);
}

static const test_case_t cases[] = {
    CASE(told_as_long_as_it_is_ready),   CASE(both_directions_of_one),
    CASE(cancelled_by_its_own_callback), CASE(what_another_has_taken_is_not_told),
    CASE(its_callback_frees_the_loop),   CASE(beside_a_client),
    CASE(within_another_loop),           CASE(what_is_refused),
};

TEST_MAIN("loop_watch")
