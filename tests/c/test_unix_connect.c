/* Connecting to Unix sockets and giving UDP sockets their peer: what ends it early, and what does
 * not. */
#include "async.h"
#include "child.h"
#include "family.h"
#include "peer.h"
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { MOST_FILLERS = 8 };

/* A listener whose queue is full, and those who fill it. */
typedef struct {
    folder_t folder;
    int listener;
    int fillers[MOST_FILLERS];
} full_t;

static void full_open(full_t *full)
{
    struct sockaddr_un name;
    socklen_t size;
    int count = 0;

    folder_open(&full->folder);
    full->listener = unix_bound(SOCK_STREAM, full->folder.socket);
    REQUIRE(listen(full->listener, 0) == 0);
    size = unix_name(&name, full->folder.socket);
    for (;;) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        REQUIRE(fd >= 0 && count < MOST_FILLERS);
        if (connect(fd, (struct sockaddr *)&name, size) != 0) {
            REQUIRE(errno == EAGAIN);
            close(fd);
            break;
        }
        full->fillers[count++] = fd;
    }
    while (count < MOST_FILLERS)
        full->fillers[count++] = -1;
}

static void full_close(full_t *full)
{
    for (int i = 0; i < MOST_FILLERS; i++) {
        if (full->fillers[i] >= 0)
            close(full->fillers[i]);
    }
    close(full->listener);
    folder_close(&full->folder);
}

typedef struct {
    const char *path;
    const char *local; /* or NULL */
    en_cancel_t *cancel;
    en_interrupt_t interrupted;
    en_wait_t wait;
    void *user_data;
    int64_t timeout_ms;
    en_unix_stream_client_t *client;
    int rc;
} dialer_t;

static void dial(void *arg)
{
    dialer_t *dialer = arg;
    en_stream_protocol_t *protocol;
    en_unix_stream_options_t *options;
    en_unix_address_t *local = NULL;

    REQUIRE_OK(en_stream_protocol_new_line(&protocol, EN_NEWLINE_LF, 0));
    REQUIRE_OK(en_unix_stream_options_new(&options));
    CHECK_OK(en_unix_stream_options_set_connect_timeout(options, dialer->timeout_ms));
    CHECK_OK(en_unix_stream_options_set_cancel(options, dialer->cancel));
    if (dialer->interrupted)
        CHECK_OK(en_unix_stream_options_set_retry_interval(options, 20, dialer->interrupted, NULL,
                                                           dialer->user_data));
    if (dialer->wait)
        CHECK_OK(en_unix_stream_options_set_wait(options, dialer->wait, NULL, NULL));
    if (dialer->local) {
        REQUIRE_OK(en_unix_address_new_path(&local, dialer->local));
        CHECK_OK(en_unix_stream_options_set_local_address(options, local));
    }
    dialer->rc =
        en_unix_stream_client_connect_path(&dialer->client, dialer->path, protocol, options);
    en_unix_address_free(local);
    en_unix_stream_options_free(options);
    en_stream_protocol_free(protocol);
}

static void a_switch_ends_it(void)
{
    dialer_t dialer = {.timeout_ms = EN_TIMEOUT_INFINITE};
    thread_t thread;
    int64_t start;
    full_t full;

    full_open(&full);
    REQUIRE_OK(en_cancel_new(&dialer.cancel));
    dialer.path = full.folder.socket;
    dialer.local = full.folder.other;
    thread_start(&thread, dial, &dialer);
    WAIT_FOR(access(full.folder.other, F_OK) == 0); /* it is bound, and tries to connect */
    start = now_ms();
    CHECK_OK(en_cancel_trigger(dialer.cancel));
    thread_join(&thread);
    CHECK_TOOK(start, 0);
    CHECK_CODE(dialer.rc, EN_ECANCELED);
    CHECK(dialer.client == NULL);
    CHECK(access(full.folder.other, F_OK) != 0); /* nothing is left behind */
    dial(&dialer);
    CHECK_CODE(dialer.rc, EN_ECANCELED);
    en_cancel_free(dialer.cancel);
    full_close(&full);
}

static int interrupted(void *user_data)
{
    return atomic_fetch_add((atomic_int *)user_data, 1) < 3 ? EN_CALLBACK_DONE : EN_EUSER_BASE - 1;
}

static void a_callback_ends_it(void)
{
    dialer_t dialer = {.timeout_ms = EN_TIMEOUT_INFINITE, .interrupted = interrupted};
    atomic_int asked = 0;
    full_t full;

    full_open(&full);
    dialer.path = full.folder.socket;
    dialer.user_data = &asked;
    dial(&dialer);
    CHECK_CODE(dialer.rc, EN_EUSER_BASE - 1);
    CHECK_INT(atomic_load(&asked), 4);
    full_close(&full);
}

static int fails_to_wait(int fd, int interest, int64_t timeout_ms, void *user_data)
{
    (void)fd;
    (void)interest;
    (void)timeout_ms;
    (void)user_data;
    return EN_EUSER_BASE - 1;
}

/* Nothing is left behind, however often, and the message tells what was tried. */
static void a_waiting_function_ends_it(void)
{
    dialer_t dialer = {.timeout_ms = EN_TIMEOUT_INFINITE, .wait = fails_to_wait};
    full_t full;

    full_open(&full);
    dialer.path = full.folder.socket;
    dialer.local = full.folder.other;
    for (int i = 0; i < 2; i++) {
        dial(&dialer);
        CHECK_CODE(dialer.rc, EN_EUSER_BASE - 1);
        CHECK_MESSAGE("connect");
        CHECK_MESSAGE(full.folder.socket);
        CHECK(access(full.folder.other, F_OK) != 0);
    }
    full_close(&full);
}

static void signals_do_not(void)
{
    dialer_t dialer = {.timeout_ms = 300};
    storm_t storm;
    int64_t start;
    full_t full;

    full_open(&full);
    dialer.path = full.folder.socket;
    storm_start(&storm, pthread_self());
    start = now_ms();
    dial(&dialer);
    CHECK_TOOK(start, 300);
    CHECK(storm_stop(&storm) > 3);
    CHECK_CODE(dialer.rc, EN_ETIMEDOUT);
    full_close(&full);
}

/* Under signals, too, it connects as soon as there is room. */
static void room_at_last(void)
{
    dialer_t dialer = {.timeout_ms = EN_TIMEOUT_INFINITE};
    thread_t thread;
    storm_t storm;
    full_t full;
    int fd;

    full_open(&full);
    dialer.path = full.folder.socket;
    dialer.local = full.folder.other;
    thread_start(&thread, dial, &dialer);
    storm_start(&storm, thread.id);
    WAIT_FOR(access(full.folder.other, F_OK) == 0);
    for (int i = 0; i < MOST_FILLERS && full.fillers[i] >= 0; i++)
        close(unix_accept(full.listener));
    fd = unix_accept(full.listener);
    storm_stop(&storm);
    thread_join(&thread);
    REQUIRE_OK(dialer.rc);
    CHECK_OK(put_text(en_unix_stream_client_as_client(dialer.client), "here"));
    peer_expect_text(fd, "here\n");
    en_unix_stream_client_free(dialer.client);
    close(fd);
    full_close(&full);
}

/* A switch that is thrown before keeps datagram clients from being made, too. */
static void thrown_before(void)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_unix_datagram_client_t *datagram = (en_unix_datagram_client_t *)&protocol;
    en_unix_datagram_options_t *unix_options;
    en_udp_client_t *udp = (en_udp_client_t *)&protocol;
    en_udp_options_t *udp_options;
    en_cancel_t *cancel = NULL;
    folder_t folder;
    int fd;

    folder_open(&folder);
    fd = unix_bound(SOCK_DGRAM, folder.socket);
    REQUIRE_OK(en_cancel_new(&cancel));
    CHECK_OK(en_cancel_trigger(cancel));
    REQUIRE_OK(en_unix_datagram_options_new(&unix_options));
    CHECK_OK(en_unix_datagram_options_set_cancel(unix_options, cancel));
    CHECK_CODE(
        en_unix_datagram_client_connect_path(&datagram, folder.socket, protocol, unix_options),
        EN_ECANCELED);
    CHECK(datagram == NULL);
    REQUIRE_OK(en_udp_options_new(&udp_options));
    CHECK_OK(en_udp_options_set_cancel(udp_options, cancel));
    CHECK_CODE(en_udp_client_connect(&udp, "127.0.0.1", 9, protocol, udp_options), EN_ECANCELED);
    CHECK_CODE(en_udp_client_connect(&udp, "localhost", 9, protocol, udp_options), EN_ECANCELED);
    CHECK(udp == NULL);
    CHECK_OK(en_cancel_reset(cancel));
    CHECK_OK(
        en_unix_datagram_client_connect_path(&datagram, folder.socket, protocol, unix_options));
    CHECK_OK(en_udp_client_connect(&udp, "127.0.0.1", 9, protocol, udp_options));
    en_unix_datagram_client_free(datagram);
    en_udp_client_free(udp);
    en_unix_datagram_options_free(unix_options);
    en_udp_options_free(udp_options);
    en_datagram_protocol_free(protocol);
    en_cancel_free(cancel);
    close(fd);
    folder_close(&folder);
}

/* Sockets of our own wait in the kernel: O_NONBLOCK is off, also where connecting had to try. */
static void a_new_socket_is_blocking(void)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_unix_datagram_client_t *datagram = NULL;
    dialer_t dialer = {.timeout_ms = 20000};
    en_udp_client_t *udp = NULL;
    folder_t folder;
    int listener;
    int bound;

    folder_open(&folder);
    listener = unix_bound(SOCK_STREAM, folder.socket);
    REQUIRE(listen(listener, 4) == 0);
    bound = unix_bound(SOCK_DGRAM, folder.other);
    dialer.path = folder.socket;
    dial(&dialer);
    REQUIRE_OK(dialer.rc);
    REQUIRE_OK(en_unix_datagram_client_connect_path(&datagram, folder.other, protocol, NULL));
    REQUIRE_OK(en_udp_client_connect(&udp, "127.0.0.1", 9, protocol, NULL));
    CHECK(!(fcntl(en_unix_stream_client_fileno(dialer.client), F_GETFL) & O_NONBLOCK));
    CHECK(!(fcntl(en_unix_datagram_client_fileno(datagram), F_GETFL) & O_NONBLOCK));
    CHECK(!(fcntl(en_udp_client_fileno(udp), F_GETFL) & O_NONBLOCK));
    en_unix_stream_client_free(dialer.client);
    en_unix_datagram_client_free(datagram);
    en_udp_client_free(udp);
    en_datagram_protocol_free(protocol);
    close(listener);
    close(bound);
    folder_close(&folder);
}

/* A client on a loop that knocks where the queue is full, from a path of its own. */
typedef struct {
    full_t full;
    en_loop_t *loop;
    en_async_unix_stream_client_t *client;
    op_t op;
} knocking_t;

static void knock(knocking_t *knocking)
{
    en_stream_protocol_t *protocol = protocol_line();
    en_unix_stream_options_t *options;
    en_unix_address_t *local;

    memset(knocking, 0, sizeof(*knocking));
    full_open(&knocking->full);
    knocking->loop = loop_new();
    REQUIRE_OK(en_unix_stream_options_new(&options));
    REQUIRE_OK(en_unix_address_new_path(&local, knocking->full.folder.other));
    CHECK_OK(en_unix_stream_options_set_local_address(options, local));
    REQUIRE_OK(en_async_unix_stream_client_new_path(
        &knocking->client, knocking->loop, knocking->full.folder.socket, protocol, options));
    CHECK_OK(en_async_unix_stream_client_send_packet(knocking->client, "x", 1, 20000, op_done,
                                                     &knocking->op, NULL));
    op_still_waits(knocking->loop, &knocking->op);
    CHECK(access(knocking->full.folder.other, F_OK) == 0);
    en_unix_address_free(local);
    en_unix_stream_options_free(options);
    en_stream_protocol_free(protocol);
}

/* Nothing is left behind. */
static void stop_knocking(knocking_t *knocking, int code)
{
    CHECK_OP(&knocking->op, code);
    CHECK(access(knocking->full.folder.other, F_OK) != 0);
    en_async_unix_stream_client_free(knocking->client);
    en_loop_free(knocking->loop);
    full_close(&knocking->full);
}

static void the_end_of_the_client_ends_it(void)
{
    knocking_t knocking;

    knock(&knocking);
    en_async_unix_stream_client_free(knocking.client);
    knocking.client = NULL;
    stop_knocking(&knocking, EN_ECANCELED);
}

static void the_end_of_the_loop_ends_it(void)
{
    knocking_t knocking;

    knock(&knocking);
    en_loop_free(knocking.loop);
    knocking.loop = NULL;
    stop_knocking(&knocking, EN_ECANCELED);
}

static void a_close_that_has_waited_enough_ends_it(void)
{
    op_t closed = {0};
    knocking_t knocking;

    knock(&knocking);
    CHECK_OK(en_async_unix_stream_client_close(knocking.client, 1, op_done, &closed, NULL));
    op_wait(knocking.loop, &closed);
    CHECK_OP(&closed, EN_ETIMEDOUT);
    stop_knocking(&knocking, EN_ECLOSED);
}

static int end_a_copy(knocking_t *knocking)
{
    en_async_unix_stream_client_free(knocking->client);
    en_loop_free(knocking->loop);
    EXPECT(access(knocking->full.folder.other, F_OK) == 0);
    return 0;
}

static void the_end_in_a_child_does_not(void)
{
    knocking_t knocking;

    knock(&knocking);
    CHECK_IN_CHILD(end_a_copy(&knocking));
    for (int i = 0; i < MOST_FILLERS && knocking.full.fillers[i] >= 0; i++)
        close(unix_accept(knocking.full.listener));
    op_wait(knocking.loop, &knocking.op);
    CHECK_OP(&knocking.op, EN_OK);
    en_async_unix_stream_client_free(knocking.client);
    CHECK(access(knocking.full.folder.other, F_OK) == 0); /* it was connected */
    en_loop_free(knocking.loop);
    full_close(&knocking.full);
}

static int encode_nothing(const en_slice_t *parts, size_t count, en_frame_t *frame, void *user_data)
{
    (void)parts, (void)count, (void)frame, (void)user_data;
    return EN_EBADMSG;
}

static int decode_nothing(const uint8_t *data, size_t size, int end, size_t *used,
                          en_slice_t *packet, void *state, void *user_data)
{
    (void)data, (void)size, (void)end, (void)used, (void)packet, (void)state, (void)user_data;
    return EN_EBADMSG;
}

static int no_state(void **state, void *user_data)
{
    (void)state, (void)user_data;
    return EN_EUSER_BASE - 1;
}

/* It is connected, but no client comes of it. */
static void a_failure_behind_it_leaves_nothing(void)
{
    en_stream_protocol_callbacks_t callbacks = {
        .struct_size = sizeof(callbacks),
        .encode = encode_nothing,
        .decode = decode_nothing,
        .new_state = no_state,
    };
    en_unix_stream_client_t *client = NULL;
    en_unix_stream_options_t *options;
    en_stream_protocol_t *protocol;
    en_unix_address_t *local;
    folder_t folder;
    int listener;

    folder_open(&folder);
    listener = unix_bound(SOCK_STREAM, folder.socket);
    REQUIRE(listen(listener, 4) == 0);
    REQUIRE_OK(en_stream_protocol_new(&protocol, &callbacks, 0, NULL, NULL));
    REQUIRE_OK(en_unix_stream_options_new(&options));
    REQUIRE_OK(en_unix_address_new_path(&local, folder.other));
    CHECK_OK(en_unix_stream_options_set_local_address(options, local));
    CHECK_CODE(en_unix_stream_client_connect_path(&client, folder.socket, protocol, options),
               EN_EUSER_BASE - 1);
    CHECK(access(folder.other, F_OK) != 0);
    close(unix_accept(listener)); /* so far it had come */
    en_unix_address_free(local);
    en_unix_stream_options_free(options);
    en_stream_protocol_free(protocol);
    close(listener);
    folder_close(&folder);
}

static const test_case_t cases[] = {
    CASE_BLOCKING(a_switch_ends_it),
    CASE_BLOCKING(a_callback_ends_it),
    CASE_BLOCKING(a_waiting_function_ends_it),
    CASE(signals_do_not),
    CASE(room_at_last),
    CASE_BLOCKING(thrown_before),
    CASE(a_new_socket_is_blocking),
    CASE_BLOCKING(the_end_of_the_client_ends_it),
    CASE_BLOCKING(the_end_of_the_loop_ends_it),
    CASE_BLOCKING(a_close_that_has_waited_enough_ends_it),
    CASE_BLOCKING(the_end_in_a_child_does_not),
    CASE_BLOCKING(a_failure_behind_it_leaves_nothing),
};

TEST_MAIN("unix_connect")
