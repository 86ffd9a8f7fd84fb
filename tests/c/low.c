#include "low.h"

#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_int closes;

void pair_open(int type, int ends[2])
{
    REQUIRE(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends) == 0);
}

void tcp_pair(int ends[2])
{
    int listener = peer_listen("127.0.0.1", 1);

    ends[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    connect_to(ends[0], listener);
    ends[1] = peer_accept(listener);
    close(listener);
}

void pipe_open(int ends[2])
{
    REQUIRE(pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
}

void narrow(const int ends[2])
{
    int size = 32768;

    for (int i = 0; i < 2; i++) {
        REQUIRE(setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)) == 0);
        REQUIRE(setsockopt(ends[i], SOL_SOCKET, SO_RCVBUF, &size, sizeof(size)) == 0);
    }
}

en_transport_options_t *transport_options(void)
{
    en_transport_options_t *options;

    REQUIRE_OK(en_transport_options_new(&options));
    return options;
}

en_stream_protocol_t *lines(void)
{
    en_stream_protocol_t *protocol;

    REQUIRE_OK(en_stream_protocol_new_line(&protocol, EN_NEWLINE_LF, 0));
    return protocol;
}

en_stream_transport_t *stream_over(int fd)
{
    en_stream_transport_t *transport;

    REQUIRE_OK(en_stream_transport_from_fd(&transport, fd, NULL));
    return transport;
}

en_datagram_transport_t *datagrams_over(int fd)
{
    en_datagram_transport_t *transport;

    REQUIRE_OK(en_datagram_transport_from_fd(&transport, fd, NULL));
    return transport;
}

void ends_open(ends_t *ends, bool tcp)
{
    int fds[2];

    if (tcp)
        tcp_pair(fds);
    else
        pair_open(SOCK_STREAM, fds);
    narrow(fds);
    ends->transport = stream_over(fds[0]);
    CHECK_INT(en_stream_transport_fileno(ends->transport), fds[0]);
    ends->fd = fds[1];
}

void ends_close(ends_t *ends)
{
    en_stream_transport_free(ends->transport);
    close(ends->fd);
}

/* What every callback does first: whether it goes on. */
static int begin(own_t *own, const char *name)
{
    CHECK_INT(atomic_load(&own->closed), 0);
    CHECK_INT(atomic_load(&own->destroyed), 0);
    if (own->within && strcmp(own->where, name) == 0) {
        own->within_calls++;
        own->within(own, name);
    }
    return EN_CALLBACK_DONE;
}

/* The same for those that move bytes. */
static int begin_moving(own_t *own, const char *name)
{
    atomic_fetch_add(&own->running, 1);
    begin(own, name);
    if (own->inside && strcmp(name, "recv") == 0) {
        gate_open(own->inside);
        gate_wait(own->leave);
    }
    if (atomic_fetch_add(&own->calls, 1) + 1 != own->fails_at)
        return EN_CALLBACK_DONE;
    en_set_error_message(own->says);
    return own->code;
}

static int end_moving(own_t *own, int answer)
{
    atomic_fetch_sub(&own->running, 1);
    return answer;
}

/* What a system call has come to. */
static int outcome(own_t *own, ssize_t moved, size_t *count, int want)
{
    if (moved < 0)
        return end_moving(own, errno == EAGAIN ? want : -errno);
    *count = own->reports_none ? 0 : (size_t)moved + own->more;
    return end_moving(own, EN_CALLBACK_DONE);
}

static int own_recv(void *buffer, size_t capacity, size_t *count, void *user_data)
{
    own_t *own = user_data;
    int answer = begin_moving(own, "recv");

    CHECK_INT(*count, 0);
    CHECK(capacity > 0);
    if (answer != EN_CALLBACK_DONE)
        return end_moving(own, answer);
    if (own->never_reads)
        return end_moving(own, EN_WANT_READ);
    if (own->most && capacity > own->most)
        capacity = own->most;
    return outcome(own, read(own->in, buffer, capacity), count, EN_WANT_READ);
}

static size_t gather(const en_slice_t *slices, size_t count, char *bytes, size_t most)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++) {
        size_t part = slices[i].size < most - size ? slices[i].size : most - size;

        if (part)
            memcpy(bytes + size, slices[i].data, part);
        size += part;
    }
    return size;
}

static int own_send(const en_slice_t *slices, size_t slice_count, size_t *count, void *user_data)
{
    char bytes[65536];
    own_t *own = user_data;
    int answer = begin_moving(own, "send");
    size_t size;

    CHECK_INT(*count, 0);
    if (answer != EN_CALLBACK_DONE)
        return end_moving(own, answer);
    size = gather(slices, slice_count, bytes, own->most ? own->most : sizeof(bytes));
    answer = outcome(own, write(own->out, bytes, size), count, EN_WANT_WRITE);
    atomic_fetch_add(&own->sent, (long long)*count);
    return answer;
}

static int recv_datagram(void *buffer, size_t capacity, size_t *count, void *user_data)
{
    own_t *own = user_data;
    int answer = begin_moving(own, "recv");
    ssize_t size;

    if (answer != EN_CALLBACK_DONE)
        return end_moving(own, answer);
    size = recv(own->in, buffer, capacity, MSG_DONTWAIT | MSG_TRUNC);
    if (size > (ssize_t)capacity)
        return end_moving(own, EN_EMSGSIZE);
    return outcome(own, size, count, EN_WANT_READ);
}

static int send_datagram(const en_slice_t *slices, size_t slice_count, size_t *count,
                         void *user_data)
{
    char bytes[65536];
    own_t *own = user_data;
    int answer = begin_moving(own, "send");
    size_t size = gather(slices, slice_count, bytes, sizeof(bytes));

    if (answer != EN_CALLBACK_DONE)
        return end_moving(own, answer);
    return outcome(own, send(own->out, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL), count,
                   EN_WANT_WRITE);
}

static int own_close(void *user_data)
{
    own_t *own = user_data;

    begin(own, "close");
    CHECK_INT(atomic_load(&own->running), 0);
    own->order = atomic_fetch_add(&closes, 1) + 1;
    if (own->in >= 0 && !own->keeps)
        close(own->in);
    if (own->out >= 0 && !own->keeps && own->out != own->in)
        close(own->out);
    atomic_fetch_add(&own->closed, 1);
    if (own->close_code)
        en_set_error_message(own->says);
    return own->close_code ? own->close_code : EN_CALLBACK_DONE;
}

static int own_fd(int interest, void *user_data)
{
    own_t *own = user_data;

    begin(own, "fd");
    if (own->hides_fd)
        return -1;
    return interest == EN_INTEREST_WRITE ? own->out : own->in;
}

static int own_attribute(int attribute, void *value, size_t *size, void *user_data)
{
    own_t *own = user_data;
    int number = own->in >= 0 ? own->in : own->out;

    begin(own, "attribute");
    switch (attribute) {
    case EN_ATTRIBUTE_USER_BASE:     /* both directions have this one */
    case EN_ATTRIBUTE_USER_BASE + 1: /* only what receives has that */
        if (attribute == EN_ATTRIBUTE_USER_BASE + 1 && own->in < 0)
            return EN_ENODATA;
        memcpy(value, &number, sizeof(number));
        *size = sizeof(number);
        return EN_CALLBACK_DONE;
    case EN_ATTRIBUTE_USER_BASE + 2: /* only what sends has that */
        if (own->out < 0)
            return EN_ENODATA;
        memcpy(value, "sends", 5);
        *size = 5;
        return EN_CALLBACK_DONE;
    case EN_ATTRIBUTE_USER_BASE + 3:
        *size += 1;
        return EN_CALLBACK_DONE;
    case EN_ATTRIBUTE_USER_BASE + 4:
        en_set_error_message("out of order");
        return own->in >= 0 ? EN_EUSER_BASE - 4 : EN_EUSER_BASE - 5;
    default:
        return EN_ENODATA;
    }
}

void own_destroy(void *user_data)
{
    own_t *own = user_data;

    CHECK_INT(atomic_load(&own->closed), 1);
    atomic_fetch_add(&own->destroyed, 1);
}

void own_begin(void)
{
    atomic_store(&closes, 0);
}

en_transport_callbacks_t own_callbacks(void)
{
    return (en_transport_callbacks_t){.struct_size = sizeof(en_transport_callbacks_t),
                                      .recv = own_recv,
                                      .send = own_send,
                                      .close = own_close,
                                      .fd = own_fd,
                                      .attribute = own_attribute};
}

en_transport_callbacks_t own_datagram_callbacks(void)
{
    en_transport_callbacks_t callbacks = own_callbacks();

    callbacks.recv = recv_datagram;
    callbacks.send = send_datagram;
    return callbacks;
}

/* What has no descriptor has no callback. */
static void leave_out(en_transport_callbacks_t *callbacks, const own_t *own)
{
    if (own->in < 0)
        callbacks->recv = NULL;
    if (own->out < 0)
        callbacks->send = NULL;
}

en_stream_transport_t *own_stream(own_t *own, en_transport_options_t *options)
{
    en_transport_callbacks_t callbacks = own_callbacks();
    en_stream_transport_t *transport;

    leave_out(&callbacks, own);
    REQUIRE_OK(en_stream_transport_new(&transport, &callbacks, options, own_destroy, own));
    en_transport_options_free(options);
    return transport;
}

en_datagram_transport_t *own_datagrams(own_t *own, en_transport_options_t *options)
{
    en_transport_callbacks_t callbacks = own_datagram_callbacks();
    en_datagram_transport_t *transport;

    leave_out(&callbacks, own);
    REQUIRE_OK(en_datagram_transport_new(&transport, &callbacks, options, own_destroy, own));
    en_transport_options_free(options);
    return transport;
}

bool check_got(const char *file, int line, en_stream_transport_t *transport, const char *text,
               size_t size)
{
    char buffer[4096];
    size_t filled = 0;

    while (filled < size) {
        size_t got = 77;
        int rc =
            en_stream_transport_recv_into(transport, buffer + filled, size - filled, 20000, &got);

        if (!harness_check_code(file, line, "receiving", rc, EN_OK))
            return false;
        if (got == 0)
            break;
        filled += got;
    }
    return harness_check_bytes(file, line, buffer, filled, text, size);
}

bool check_got_datagram(const char *file, int line, en_datagram_transport_t *transport,
                        const char *text, size_t size)
{
    en_packet_t packet = {0};
    bool good = harness_check_code(file, line, "receiving",
                                   en_datagram_transport_recv(transport, 20000, &packet), EN_OK);

    good = good && harness_check_bytes(file, line, packet.data, packet.size, text, size);
    en_packet_release(&packet);
    return good;
}

int put_bytes(en_stream_transport_t *transport, const char *text)
{
    size_t sent = 0;
    int rc = en_stream_transport_send_all(transport, text, strlen(text), 20000, &sent);

    if (rc == EN_OK)
        CHECK_INT(sent, strlen(text));
    return rc;
}

static void receive(void *arg)
{
    mover_t *mover = arg;
    char buffer[64];
    size_t size;

    mover->rc = en_stream_transport_recv_into(mover->stream, buffer, sizeof(buffer),
                                              EN_TIMEOUT_INFINITE, &size);
}

static void send_on(void *arg)
{
    static const char zeros[65536];
    mover_t *mover = arg;
    size_t sent;

    do
        mover->rc = en_stream_transport_send_all(mover->stream, zeros, sizeof(zeros),
                                                 EN_TIMEOUT_INFINITE, &sent);
    while (mover->rc == EN_OK);
}

static void receive_datagram(void *arg)
{
    mover_t *mover = arg;
    en_packet_t packet = {0};

    mover->rc = en_datagram_transport_recv(mover->datagrams, EN_TIMEOUT_INFINITE, &packet);
    en_packet_release(&packet);
}

void mover_starts_receiving(mover_t *mover, en_stream_transport_t *transport)
{
    mover->stream = transport;
    thread_start(&mover->thread, receive, mover);
}

void mover_receives(mover_t *mover, en_stream_transport_t *transport)
{
    mover_starts_receiving(mover, transport);
    thread_wait_blocked(&mover->thread);
}

void mover_starts_sending(mover_t *mover, en_stream_transport_t *transport)
{
    mover->stream = transport;
    thread_start(&mover->thread, send_on, mover);
}

void mover_sends(mover_t *mover, en_stream_transport_t *transport)
{
    mover_starts_sending(mover, transport);
    thread_wait_blocked(&mover->thread);
}

void mover_receives_datagram(mover_t *mover, en_datagram_transport_t *transport)
{
    mover->datagrams = transport;
    thread_start(&mover->thread, receive_datagram, mover);
    thread_wait_blocked(&mover->thread);
}

int mover_end(mover_t *mover)
{
    thread_join(&mover->thread);
    return mover->rc;
}

int attribute_int(en_stream_transport_t *transport, int attribute)
{
    int value = -1;
    size_t size = sizeof(value);

    CHECK_OK(en_stream_transport_get_attribute(transport, attribute, &value, &size));
    CHECK_INT(size, sizeof(value));
    return value;
}
