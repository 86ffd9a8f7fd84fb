/* Operations on a loop are cut short in every state at every step. Each case is a state: what has
 * been begun, and what the peer does step by step until the operation ends by itself. It is played
 * again and again: for no step, one step, two steps, ... and then the operation is ended, in each
 * of the ways there are. */
#include "resolver.h"
#include "walk.h"

#include <unistd.h>

enum { LARGE = 1 << 18, PIECE = 1 << 14 };

static char large[LARGE];

static void nothing(scene_t *scene)
{
    (void)scene;
}

static void is_usable(scene_t *scene)
{
    CHECK_INT(en_async_client_is_closing(scene->view), 0);
}

/* ---- Connecting ---- */

static gate_t gate;
static silent_peer_t silent;

static void dial(scene_t *scene, const char *host, uint16_t port, en_tcp_options_t *options)
{
    en_stream_protocol_t *protocol = protocol_line();

    REQUIRE_OK(en_async_tcp_client_new(&scene->tcp, scene->loop, host, port, protocol, options));
    scene->view = en_async_tcp_client_as_async_client(scene->tcp);
    en_stream_protocol_free(protocol);
    en_tcp_options_free(options);
}

static void wait_connected(scene_t *scene)
{
    REQUIRE_OK(en_async_tcp_client_wait_connected(scene->tcp, 20000, op_done, &scene->op,
                                                  &scene->op.operation));
}

static void begin_resolving(scene_t *scene)
{
    const char *addresses[] = {"127.0.0.1", NULL};

    atomic_store(&gate.open, 0);
    resolver_set("slow.test", addresses, 0, &gate);
    scene->listener = peer_listen("127.0.0.1", 4);
    dial(scene, "slow.test", peer_port(scene->listener), NULL);
    wait_connected(scene);
}

static bool answer_names(scene_t *scene)
{
    if (scene->step == 3) {
        gate_open(&gate);
        WAIT_FOR(resolver_ended() == resolver_begun());
    }
    return scene->step <= 3;
}

/* A lookup that nobody waits for any more goes on by itself until its gate is open. */
static void end_resolving(scene_t *scene)
{
    (void)scene;
    gate_open(&gate);
    WAIT_FOR(resolver_ended() == resolver_begun());
}

/* The second address, on the port of the silent one; that moves on if somebody has it here. */
static int listen_beside_silent(void)
{
    int fd;

    while ((fd = peer_listen_at("127.0.0.2", peer_port(silent.listener), 4)) < 0) {
        silent_peer_close(&silent);
        silent_peer_open(&silent, "127.0.0.1");
    }
    return fd;
}

/* The first address never answers, the second does. */
static void begin_racing(scene_t *scene)
{
    const char *addresses[] = {"127.0.0.1", "127.0.0.2", NULL};
    en_tcp_options_t *options = options_new();

    scene->listener = listen_beside_silent();
    resolver_set("two.test", addresses, 0, NULL);
    CHECK_OK(en_tcp_options_set_happy_eyeballs_delay(options, 30));
    dial(scene, "two.test", peer_port(scene->listener), options);
    wait_connected(scene);
}

static bool wait_for_names(scene_t *scene)
{
    if (scene->step == 0) {
        turns(scene, 1);
        WAIT_FOR(resolver_ended() == resolver_begun());
    }
    return scene->step < 4;
}

/* A queue that is full has no readiness: the loop looks again and again. */
static void begin_knocking(scene_t *scene)
{
    en_stream_protocol_t *protocol = protocol_line();

    folder_open(&scene->folder);
    scene->listener = unix_bound(SOCK_STREAM, scene->folder.socket);
    REQUIRE(listen(scene->listener, 0) == 0);
    scene->other = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    connect_to(scene->other, scene->listener);
    REQUIRE_OK(en_async_unix_stream_client_new_path(&scene->stream, scene->loop,
                                                    scene->folder.socket, protocol, NULL));
    scene->view = en_async_unix_stream_client_as_async_client(scene->stream);
    en_stream_protocol_free(protocol);
    REQUIRE_OK(en_async_unix_stream_client_wait_connected(scene->stream, 20000, op_done, &scene->op,
                                                          &scene->op.operation));
}

static bool open_the_door(scene_t *scene)
{
    if (scene->step == 3)
        scene->fd = unix_accept(scene->listener);
    return scene->step < 3;
}

static void end_knocking(scene_t *scene)
{
    folder_close(&scene->folder);
}

static void begin_handshaking(scene_t *scene)
{
    en_tcp_options_t *options = options_new();
    en_tls_config_t *config = tls_client_config(tls_trusting());

    relay_open(&scene->relay);
    REQUIRE_OK(en_tcp_options_set_tls(options, config, NULL));

    dial(scene, "127.0.0.1", peer_port(scene->relay.listener), options);
    en_tls_config_free(config);
    wait_connected(scene);
}

static bool shake_hands(scene_t *scene)
{
    if (scene->relay.front >= 0)
        return relay_carries(&scene->relay);
    relay_accepts(&scene->relay);
    return true;
}

static void end_relay(scene_t *scene)
{
    relay_close(&scene->relay);
}

/* ---- With a connection ---- */

static void open_stream(scene_t *scene)
{
    en_stream_protocol_t *protocol = protocol_line();
    int ends[2];
    int room = 1 << 13;

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)) == 0);
    REQUIRE_OK(
        en_async_unix_stream_client_from_fd(&scene->stream, scene->loop, ends[0], protocol, NULL));
    scene->view = en_async_unix_stream_client_as_async_client(scene->stream);
    scene->fd = ends[1];
    en_stream_protocol_free(protocol);
    turns(scene, 2);
}

static void send_large(scene_t *scene, op_t *op)
{
    memset(large, 'x', sizeof(large));
    REQUIRE_OK(en_async_client_send_packet(scene->view, large, sizeof(large), 20000, op_done, op,
                                           &op->operation));
}

/* The peer takes a piece. */
static bool take(scene_t *scene)
{
    static char piece[PIECE];
    ssize_t size = recv(scene->fd, piece, sizeof(piece), MSG_DONTWAIT);

    if (size > 0)
        scene->taken += (size_t)size;
    return size > 0;
}

/* Lets the loop and the peer go on until nothing moves any more. */
static void take_all(scene_t *scene)
{
    do
        turns(scene, 1);
    while (take(scene));
}

static void begin_sending(scene_t *scene)
{
    open_stream(scene);
    send_large(scene, &scene->op);
}

/* Part of a packet has gone, so nothing can follow. */
static void cannot_send(scene_t *scene)
{
    op_t op = {0};

    if (scene->op.status == EN_OK)
        return;
    take_all(scene);
    CHECK(scene->taken > 0 && scene->taken <= LARGE);
    if (en_async_client_send_packet(scene->view, "x", 1, 20000, op_done, &op, NULL) == EN_OK)
        op_wait(scene->loop, &op);
    CHECK_OP(&op, EN_EPIPE);
}

static void begin_queueing(scene_t *scene)
{
    open_stream(scene);
    send_large(scene, &scene->before);
    REQUIRE_OK(en_async_client_send_packet(scene->view, "second", 6, 20000, op_done, &scene->op,
                                           &scene->op.operation));
}

/* What was not begun leaves no trace. */
static void the_rest_arrives(scene_t *scene)
{
    op_t third = {0};

    CHECK_OK(en_async_client_send_packet(scene->view, "third", 5, 20000, op_done, &third, NULL));
    take_all(scene);
    CHECK_OP(&scene->before, EN_OK);
    CHECK_OP(&third, EN_OK);
    CHECK_INT(scene->taken, LARGE + 1 + (scene->op.status == EN_OK ? 7 : 0) + 6);
}

static void begin_closing(scene_t *scene)
{
    open_stream(scene);
    send_large(scene, &scene->before);
    REQUIRE_OK(
        en_async_client_close(scene->view, 20000, op_done, &scene->op, &scene->op.operation));
}

static void is_closed(scene_t *scene)
{
    CHECK_INT(scene->before.calls, 1);
    if (scene->op.status != EN_OK)
        CHECK_CODE(scene->before.status, EN_ECLOSED);
    CHECK_INT(en_async_client_is_closing(scene->view), 1);
    CHECK_INT(en_async_client_fileno(scene->view), -1);
}

static void check_sent_once(scene_t *scene)
{
    CHECK_INT(scene->before.calls, 1);
}

/* TLS takes leave of its peer, and waits for the answer. */
static void begin_leaving(scene_t *scene)
{
    begin_handshaking(scene);
    while (scene->op.calls == 0) {
        shake_hands(scene);
        turns(scene, 1);
    }
    REQUIRE(scene->op.status == EN_OK);
    scene->op = (op_t){0};
    REQUIRE_OK(
        en_async_client_close(scene->view, 20000, op_done, &scene->op, &scene->op.operation));
}

static bool take_leave(scene_t *scene)
{
    return scene->step < 3 || relay_carries(&scene->relay);
}

static void has_left(scene_t *scene)
{
    CHECK_INT(en_async_client_is_closing(scene->view), 1);
    CHECK_INT(en_async_client_fileno(scene->view), -1);
}

/* ---- Receiving ---- */

static const char answer[] = "an answer\n";

static void begin_receiving(scene_t *scene)
{
    open_stream(scene);
    REQUIRE_OK(en_async_client_recv_packet(scene->view, 20000, op_received, &scene->op,
                                           &scene->op.operation));
}

static bool answer_slowly(scene_t *scene)
{
    if (scene->taken == strlen(answer))
        return false;
    peer_send(scene->fd, answer + scene->taken++, 1);
    return true;
}

/* A receive that is cancelled loses nothing. */
static void nothing_is_lost(scene_t *scene)
{
    op_t *op = &scene->op;
    op_t again = {0};

    if (op->status != EN_OK) {
        while (answer_slowly(scene))
            ;
        op = &again;
        CHECK_OK(en_async_client_recv_packet(scene->view, 20000, op_received, op, NULL));
        op_wait(scene->loop, op);
    }
    CHECK_OP(op, EN_OK);
    CHECK_BYTES(op->data, op->size, answer, strlen(answer) - 1);
}

static int on_packet(int status, en_packet_t *packet, void *user_data)
{
    op_t *op = user_data;

    if (status != EN_OK) {
        op_done(status, op);
    } else {
        CHECK_INT(op->calls, 0);
        op->count++;
        en_packet_release(packet);
    }
    return EN_RECEIVE_MORE;
}

static void begin_listening(scene_t *scene)
{
    open_stream(scene);
    REQUIRE_OK(en_async_unix_stream_client_recv_start(scene->stream, on_packet, &scene->op,
                                                      &scene->op.operation));
}

static bool answer_and_end(scene_t *scene)
{
    if (scene->step < 4)
        peer_send_text(scene->fd, scene->step % 2 ? "half of it\n" : "one\nand ");
    else
        peer_end(scene->fd);
    return scene->step <= 4;
}

static void begin_iterating(scene_t *scene)
{
    open_stream(scene);
    REQUIRE_OK(en_async_client_iter_received_packets(scene->view, 20000, on_packet, &scene->op,
                                                     &scene->op.operation));
}

static void begin_receiving_datagrams(scene_t *scene)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_async_unix_datagram_client_from_fd(&scene->datagram, scene->loop, ends[0],
                                                     protocol, NULL));
    scene->view = en_async_unix_datagram_client_as_async_client(scene->datagram);
    scene->fd = ends[1];
    en_datagram_protocol_free(protocol);
    REQUIRE_OK(en_async_client_recv_packet(scene->view, 20000, op_received, &scene->op,
                                           &scene->op.operation));
}

static bool answer_at_once(scene_t *scene)
{
    if (scene->step == 3)
        peer_send(scene->fd, "datagram", 8);
    return scene->step <= 3;
}

static void the_datagram_waits(scene_t *scene)
{
    op_t again = {0};

    if (scene->op.status == EN_OK)
        return;
    peer_send(scene->fd, "datagram", 8);
    CHECK_OK(en_async_client_recv_packet(scene->view, 20000, op_received, &again, NULL));
    op_wait(scene->loop, &again);
    CHECK_OP(&again, EN_OK);
    CHECK_BYTES(again.data, again.size, "datagram", 8);
}

#define STATE(name, ...)                                                                           \
    static void name(void)                                                                         \
    {                                                                                              \
        static const state_t state = {__VA_ARGS__};                                                \
                                                                                                   \
        walk(&state);                                                                              \
    }

STATE(resolving, begin_resolving, answer_names, is_usable, end_resolving, EN_OK)
STATE(race, begin_racing, wait_for_names, is_usable, nothing, EN_OK)
STATE(knocking, begin_knocking, open_the_door, is_usable, end_knocking, EN_OK)
STATE(handshaking, begin_handshaking, shake_hands, is_usable, end_relay, EN_OK)
STATE(half_sent, begin_sending, take, cannot_send, nothing, EN_OK)
STATE(queued, begin_queueing, take, the_rest_arrives, nothing, EN_OK)
STATE(closing, begin_closing, take, is_closed, check_sent_once, EN_OK)
STATE(taking_leave, begin_leaving, take_leave, has_left, end_relay, EN_OK)
STATE(receiving, begin_receiving, answer_slowly, nothing_is_lost, nothing, EN_OK)
STATE(receiving_datagrams, begin_receiving_datagrams, answer_at_once, the_datagram_waits, nothing,
      EN_OK)
STATE(receiving_on, begin_listening, answer_and_end, is_usable, nothing, EN_ECONNABORTED)
STATE(iterating, begin_iterating, answer_and_end, is_usable, nothing, EN_ECONNABORTED)

static void racing(void)
{
    silent_peer_open(&silent, "127.0.0.1");
    race();
    silent_peer_close(&silent);
}

static const test_case_t cases[] = {
    CASE(resolving),    CASE(racing),
    CASE(knocking),     CASE(handshaking),
    CASE(half_sent),    CASE(queued),
    CASE(closing),      CASE(taking_leave),
    CASE(receiving),    CASE(receiving_datagrams),
    CASE(receiving_on), CASE(iterating),
};

TEST_MAIN("async_cancel")
