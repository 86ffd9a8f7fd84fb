/* Several packets at a time on a loop, and what is to be read although nothing new comes. */
#include "async_wire.h"
#include "low.h"
#include "tls.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Packets as a text, each ended by a comma; `count` is how many. */
static void op_packets(int status, en_packet_t *packets, size_t count, void *user_data)
{
    op_t *op = user_data;

    op_done(status, op);
    CHECK((status == EN_OK) == (count > 0));
    op->count = count;
    op->size = 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(op->data + op->size, packets[i].data, packets[i].size);
        op->size += packets[i].size;
        op->data[op->size++] = ',';
        en_packet_release(&packets[i]);
    }
}

static int get(async_wire_t *side, size_t capacity, int64_t timeout_ms, op_t *op)
{
    memset(op, 0, sizeof(*op));
    return en_async_tcp_client_recv_packets(side->client, capacity, timeout_ms, op_packets, op,
                                            &op->operation);
}

#define CHECK_PACKETS(op, text)                                                                    \
    (CHECK_OP((op), EN_OK), CHECK_BYTES((op)->data, (op)->size, (text), strlen(text)))

static void those_that_are_there_come_together(void)
{
    async_wire_t side;
    op_t op;

    async_wire_open(&side, NULL);
    peer_send_text(side.fd, "one\ntwo\nthree\nfour\nfi");
    CHECK_OK(get(&side, 3, 5000, &op));
    op_wait(side.loop, &op);
    CHECK_PACKETS(&op, "one,two,three,");
    CHECK_OK(get(&side, 3, 5000, &op));
    op_wait(side.loop, &op);
    CHECK_PACKETS(&op, "four,");
    CHECK_OK(get(&side, 3, 20, &op));
    op_wait(side.loop, &op);
    CHECK_OP(&op, EN_ETIMEDOUT);
    CHECK_OK(get(&side, 3, 5000, &op));
    CHECK_OK(en_loop_cancel(side.loop, op.operation));
    op_wait(side.loop, &op);
    CHECK_OP(&op, EN_ECANCELED);
    peer_send_text(side.fd, "ve\n");
    CHECK_OK(get(&side, 3, 5000, &op));
    op_wait(side.loop, &op);
    CHECK_PACKETS(&op, "five,");
    CHECK_CODE(get(&side, 0, 5000, &op), EN_EINVAL);
    async_wire_close(&side);
}

static void an_end_behind_packets_is_told_after_them(void)
{
    async_wire_t side;
    op_t op;

    async_wire_open(&side, NULL);
    peer_send_text(side.fd, "last\n");
    peer_end(side.fd);
    CHECK_OK(get(&side, 8, 5000, &op));
    op_wait(side.loop, &op);
    CHECK_PACKETS(&op, "last,");
    CHECK_OK(get(&side, 8, 5000, &op));
    op_wait(side.loop, &op);
    CHECK_OP(&op, EN_ECONNABORTED);
    async_wire_close(&side);
}

static void kinds_of_receives_take_turns(void)
{
    op_t one = {0}, several, next = {0};
    async_wire_t side;

    async_wire_open(&side, NULL);
    CHECK_OK(en_async_tcp_client_recv_packet(side.client, 5000, op_received, &one, NULL));
    CHECK_OK(get(&side, 2, 5000, &several));
    CHECK_OK(en_async_tcp_client_recv_packet(side.client, 5000, op_received, &next, NULL));
    peer_send_text(side.fd, "a\nb\nc\nd\n");
    op_wait(side.loop, &next);
    CHECK_BYTES(one.data, one.size, "a", 1);
    CHECK_PACKETS(&several, "b,c,");
    CHECK_BYTES(next.data, next.size, "d", 1);
    async_wire_close(&side);
}

/* Receives that are asked for one by one, each inside the callback of the last one. */
static struct {
    async_wire_t side;
    int told, most, answers;
} one_by_one;

static void ask_for_one(void);

static void told_of_one(int status, en_packet_t *packet, void *user_data)
{
    char number[8];

    (void)user_data;
    CHECK_INT(status, EN_OK);
    CHECK_BYTES(packet->data, packet->size, number,
                (size_t)snprintf(number, sizeof(number), "%d", one_by_one.told));
    en_packet_release(packet);
    one_by_one.told++;
    if (one_by_one.answers)
        CHECK_OK(en_async_tcp_client_send_packet(one_by_one.side.client, "yes", 3, 5000, NULL, NULL,
                                                 NULL));
    if (one_by_one.told < one_by_one.most)
        ask_for_one();
}

static void ask_for_one(void)
{
    CHECK_OK(
        en_async_tcp_client_recv_packet(one_by_one.side.client, 5000, told_of_one, NULL, NULL));
}

static int told_in_order(int status, en_packet_t *packet, void *user_data)
{
    (void)user_data;
    told_of_one(status, packet, NULL);
    return EN_RECEIVE_STOP;
}

/* Has some of a hundred packets told of, until others have their turn. */
static void open_one_by_one(en_tcp_options_t *options)
{
    char text[400], *end = text;

    for (int i = 0; i < 100; i++)
        end += sprintf(end, "%d\n", i);
    memset(&one_by_one, 0, sizeof(one_by_one));
    one_by_one.most = 100;
    one_by_one.answers = options != NULL;
    async_wire_open(&one_by_one.side, options);
    peer_send_text(one_by_one.side.fd, text);
    wait_readable(en_async_tcp_client_fileno(one_by_one.side.client));
    ask_for_one();
    CHECK_OK(en_loop_run_once(one_by_one.side.loop, 0));
}

/* It goes on at once for who asks again, but others have their turn in between. */
static void receives_one_by_one_share_turns(void)
{
    int turns = 1;

    open_one_by_one(NULL);
    CHECK(one_by_one.told > 1 && one_by_one.told < 100);
    for (; one_by_one.told < 100; turns++)
        CHECK_OK(en_loop_run_once(one_by_one.side.loop, 0));
    CHECK(turns < 20);
    async_wire_close(&one_by_one.side);
}

static void what_they_answer_goes_out_together(void)
{
    en_stats_t stats = {.struct_size = sizeof(stats)};
    en_tcp_options_t *options = NULL;

    CHECK_OK(en_tcp_options_new(&options));
    CHECK_OK(en_tcp_options_set_write_buffer(options, 4096));
    open_one_by_one(options);
    CHECK(one_by_one.told > 1);
    CHECK_OK(en_async_tcp_client_get_stats(one_by_one.side.client, &stats));
    CHECK_INT((int)stats.send_calls, 1);
    CHECK_INT((int)stats.packets_sent, one_by_one.told);
    /* The last one has its packet already. */
    one_by_one.answers = 0;
    one_by_one.most = one_by_one.told;
    while (one_by_one.told == one_by_one.most)
        CHECK_OK(en_loop_run_once(one_by_one.side.loop, 0));
    async_wire_close(&one_by_one.side);
}

static void who_has_its_packet_is_told_before_others_get_theirs(void)
{
    int told;

    open_one_by_one(NULL);
    /* One has its packet and is not told yet. */
    one_by_one.most = told = one_by_one.told;
    peer_send_text(one_by_one.side.fd, "100\n");
    wait_readable(en_async_tcp_client_fileno(one_by_one.side.client));
    CHECK_OK(en_async_tcp_client_recv_start(one_by_one.side.client, told_in_order, NULL, NULL));
    while (one_by_one.told < told + 2)
        CHECK_OK(en_loop_run_once(one_by_one.side.loop, 0));
    async_wire_close(&one_by_one.side);
}

/* ---- The end of the loop inside a callback ---- */

static int free_the_loop(const en_slice_t *parts, size_t count, en_frame_t *frame, void *user_data)
{
    (void)parts, (void)count, (void)frame;
    en_loop_free(user_data);
    return EN_EBADMSG;
}

static int want_more(const uint8_t *data, size_t size, int at_end, size_t *used, en_slice_t *packet,
                     void *state, void *user_data)
{
    (void)data, (void)size, (void)at_end, (void)used, (void)packet, (void)state, (void)user_data;
    return EN_DECODE_MORE;
}

static void encoding_may_end_the_loop(void)
{
    en_loop_t *loop = loop_new();
    en_stream_protocol_callbacks_t callbacks = {
        .struct_size = sizeof(callbacks), .encode = free_the_loop, .decode = want_more};
    en_async_unix_stream_client_t *client = NULL;
    en_stream_protocol_t *protocol = NULL;
    op_t waits = {0};
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_stream_protocol_new(&protocol, &callbacks, 0, NULL, loop));
    REQUIRE_OK(en_async_unix_stream_client_from_fd(&client, loop, ends[0], protocol, NULL));
    en_stream_protocol_free(protocol);
    CHECK_OK(en_async_unix_stream_client_recv_packet(client, -1, op_received, &waits, NULL));
    CHECK(en_async_unix_stream_client_send_packet(client, "x", 1, -1, NULL, NULL, NULL) < 0);
    CHECK_OP(&waits, EN_ECANCELED); /* it is told as soon as the callback has returned */
    en_async_unix_stream_client_free(client);
    close(ends[1]);
}

/* ---- TLS below an endpoint ---- */

typedef struct {
    en_stream_transport_t *plain;
    en_stream_transport_t *secure;
    en_tls_config_t *config;
} shaking_t;

static void answer(void *arg)
{
    shaking_t *shaking = arg;

    CHECK_OK(
        en_stream_transport_new_tls(&shaking->secure, shaking->plain, shaking->config, NULL, NULL));
}

/* Both ends of TLS over a pair of sockets. */
static void tls_ends(en_stream_transport_t **client, en_stream_transport_t **server)
{
    shaking_t shaking = {.config = tls_server_config(tls_identity("good"))};
    en_tls_config_t *config = tls_client_config(tls_trusting());
    en_stream_transport_t *plain = NULL;
    thread_t thread;
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_stream_transport_from_fd(&plain, ends[0], NULL));
    REQUIRE_OK(en_stream_transport_from_fd(&shaking.plain, ends[1], NULL));
    thread_start(&thread, answer, &shaking);
    REQUIRE_OK(en_stream_transport_new_tls(client, plain, config, "localhost", NULL));
    thread_join(&thread);
    *server = shaking.secure;
    en_stream_transport_free(plain);
    en_stream_transport_free(shaking.plain);
    en_tls_config_free(config);
    en_tls_config_free(shaking.config);
}

static void what_came_while_something_was_left_is_read(void)
{
    static char data[8192];
    en_loop_t *loop = loop_new();
    en_stream_transport_t *client = NULL, *server = NULL;
    en_stream_protocol_t *fixed = NULL;
    en_endpoint_options_t *options = NULL;
    en_async_stream_endpoint_t *endpoint = NULL;
    size_t sent = 0;

    tls_ends(&client, &server);
    REQUIRE_OK(en_stream_protocol_new_fixed(&fixed, 2048));
    REQUIRE_OK(en_endpoint_options_new(&options));
    REQUIRE_OK(en_endpoint_options_set_max_recv_size(options, 4096));
    REQUIRE_OK(en_async_stream_endpoint_new(&endpoint, loop, client, fixed, options));
    for (int i = 0; i < 5; i++)
        en_loop_run_once(loop, 1);
    CHECK_OK(en_stream_transport_send_all(server, data, 6144, 5000, &sent));
    for (int i = 0; i < 4; i++) {
        op_t op = {0};

        CHECK_OK(en_async_stream_endpoint_recv_packet(endpoint, 5000, op_received, &op, NULL));
        op_wait(loop, &op);
        CHECK_OP(&op, EN_OK);
        if (i == 1) { /* a third packet is decrypted already; the loop is told of a fourth now */
            CHECK_OK(en_stream_transport_send_all(server, data, 2048, 5000, &sent));
            for (int turn = 0; turn < 3; turn++)
                en_loop_run_once(loop, 1);
        }
    }
    en_async_stream_endpoint_free(endpoint);
    en_endpoint_options_free(options);
    en_stream_protocol_free(fixed);
    en_stream_transport_free(client);
    en_stream_transport_free(server);
    en_loop_free(loop);
}

/* ---- A transport that somebody else closes ---- */

static int own_recv(void *buffer, size_t capacity, size_t *count, void *user_data)
{
    ssize_t size = recv(*(int *)user_data, buffer, capacity, MSG_DONTWAIT);

    if (size < 0)
        return errno == EAGAIN ? EN_WANT_READ : EN_ECONNRESET;
    *count = (size_t)size;
    return EN_CALLBACK_DONE;
}

static int own_close(void *user_data)
{
    return close(*(int *)user_data) == 0 ? EN_CALLBACK_DONE : EN_EUSER_BASE;
}

static int own_fd(int interest, void *user_data)
{
    (void)interest;
    return *(int *)user_data;
}

static void closing_a_transport_of_callbacks_ends_what_waits(void)
{
    en_loop_t *loop = loop_new();
    en_stream_protocol_t *lines = protocol_line();
    en_transport_callbacks_t callbacks = {
        .struct_size = sizeof(callbacks), .recv = own_recv, .close = own_close, .fd = own_fd};
    en_stream_transport_t *transport = NULL;
    en_async_stream_endpoint_t *endpoint = NULL;
    int64_t start = now_ms();
    op_t op = {0};
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_stream_transport_new(&transport, &callbacks, NULL, NULL, &ends[0]));
    REQUIRE_OK(en_async_stream_endpoint_new_receiver(&endpoint, loop, transport, lines, NULL));
    en_stream_protocol_free(lines);
    CHECK_OK(en_async_stream_endpoint_recv_packet(endpoint, -1, op_received, &op, NULL));
    op_still_waits(loop, &op);
    CHECK_OK(en_stream_transport_close(transport));
    op_wait(loop, &op);
    CHECK_OP(&op, EN_ECLOSED);
    CHECK(now_ms() - start < 1000 + 4 * SLACK_MS);
    en_async_stream_endpoint_free(endpoint);
    en_stream_transport_free(transport);
    en_loop_free(loop);
    close(ends[1]);
}

/* ---- A peer that never stops ---- */

static int last(int status, en_packet_t *packet, void *user_data)
{
    CHECK(packet == NULL);
    op_done(status, user_data);
    return EN_RECEIVE_STOP;
}

static void flood(void *arg)
{
    static char bytes[1 << 16];

    memset(bytes, 'x', sizeof(bytes));
    while (send(*(int *)arg, bytes, sizeof(bytes), MSG_NOSIGNAL) > 0)
        ;
}

/* Its line never ends: nothing of it is kept, and each receive goes on at once. */
static void a_peer_that_never_stops_leaves_others_their_turn(void)
{
    en_stream_protocol_t *lines = NULL;
    en_tcp_options_t *options = options_new();
    async_wire_t side;
    thread_t thread;
    int64_t start;
    op_t too_long = {0};
    op_t late = {0};
    op_t every = {0};

    REQUIRE_OK(en_stream_protocol_new_line(&lines, EN_NEWLINE_LF, 64));
    REQUIRE_OK(en_tcp_options_set_max_recv_size(options, 64));
    async_wire_open_for(&side, lines, options);
    thread_start(&thread, flood, &side.fd);
    CHECK_OK(async_get(&side, 5000, &too_long));
    op_wait(side.loop, &too_long);
    CHECK_OP(&too_long, EN_EMSGSIZE);
    start = now_ms();
    CHECK_OK(async_get(&side, 100, &late));
    op_wait(side.loop, &late);
    CHECK_OP(&late, EN_ETIMEDOUT);
    CHECK_TOOK(start, 100);
    start = now_ms();
    CHECK_OK(en_async_tcp_client_iter_received_packets(side.client, 100, last, &every, NULL));
    op_wait(side.loop, &every);
    CHECK_OP(&every, EN_ETIMEDOUT);
    CHECK_TOOK(start, 100);
    en_async_tcp_client_free(side.client);
    side.client = NULL;
    thread_join(&thread);
    async_wire_close(&side);
}

/* A receive ends at urgent data, with more behind it. */
static void what_lies_behind_urgent_data_comes(void)
{
    async_wire_t side;

    async_wire_open(&side, NULL);
    for (int i = 0; i < 3; i++) {
        op_t before = {0}, behind = {0};

        peer_send_text(side.fd, "before\n");
        REQUIRE(send(side.fd, "!", 1, MSG_OOB | MSG_NOSIGNAL) == 1);
        peer_send_text(side.fd, "behind\n");
        CHECK_OK(async_get(&side, 5000, &before));
        CHECK_OK(async_get(&side, 5000, &behind));
        op_wait(side.loop, &behind);
        CHECK_OP(&before, EN_OK);
        CHECK_OP(&behind, EN_OK);
        CHECK_BYTES(behind.data, behind.size, "behind", 6);
    }
    async_wire_close(&side);
}

/* ---- More packets at once than are handed on at once ---- */

enum { MANY = 300, FIRST = 100, TOGETHER = 150, KEPT_EACH = 7 };

/* Counts up: each packet is the next number. */
typedef struct {
    async_wire_t side;
    int next;
    int enough;
    int calls;
    int status;
    en_packet_t kept[MANY / KEPT_EACH + 1];
} numbers_t;

static void check_number(const en_packet_t *packet, int number)
{
    char text[16];
    int size = snprintf(text, sizeof(text), "%d", number);

    CHECK_BYTES(packet->data, packet->size, text, (size_t)size);
}

/* Some are kept, in a copy of their struct. */
static void take_number(numbers_t *numbers, en_packet_t *packet)
{
    check_number(packet, numbers->next);
    if (numbers->next % KEPT_EACH == 0)
        numbers->kept[numbers->next / KEPT_EACH] = *packet;
    else if (numbers->next % 2 == 0)
        en_packet_release(packet);
    else
        en_packets_release(packet, 1);
    numbers->next++;
}

static int take_until_enough(int status, en_packet_t *packet, void *user_data)
{
    en_stats_t stats = {.struct_size = sizeof(stats)};
    numbers_t *numbers = user_data;

    numbers->calls++;
    numbers->status = status;
    if (!packet)
        return EN_RECEIVE_STOP;
    take_number(numbers, packet);
    CHECK_OK(en_async_tcp_client_get_stats(numbers->side.client, &stats));
    CHECK_INT(stats.packets_received, numbers->next);
    if (numbers->next == numbers->enough)
        CHECK_OK(en_async_tcp_client_recv_stop(numbers->side.client));
    return EN_RECEIVE_MORE;
}

static void take_one(int status, en_packet_t *packet, void *user_data)
{
    numbers_t *numbers = user_data;

    numbers->calls++;
    REQUIRE_OK(status);
    take_number(numbers, packet);
}

static void take_several(int status, en_packet_t *packets, size_t count, void *user_data)
{
    numbers_t *numbers = user_data;

    numbers->calls++;
    numbers->status = status;
    for (size_t i = 0; i < count; i++)
        take_number(numbers, &packets[i]);
}

/* `bad` is a number behind which comes what is no packet. */
static void numbers_open(numbers_t *numbers, int bad)
{
    en_tcp_options_t *options = options_new();
    char text[8 * MANY] = "";
    size_t size = 0;

    memset(numbers, 0, sizeof(*numbers));
    CHECK_OK(en_tcp_options_set_max_packet_size(options, 3));
    async_wire_open(&numbers->side, options);
    for (int i = 0; i < MANY; i++)
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%d\n%s", i,
                                 i == bad ? "long\n" : "");
    peer_send_text(numbers->side.fd, text);
}

static void numbers_start(numbers_t *numbers, int enough)
{
    numbers->enough = enough;
    numbers->calls = 0;
    CHECK_OK(
        en_async_tcp_client_recv_start(numbers->side.client, take_until_enough, numbers, NULL));
    CHECK_OK(en_loop_run(numbers->side.loop));
}

static void numbers_close(numbers_t *numbers)
{
    en_stats_t stats = {.struct_size = sizeof(stats)};

    CHECK_INT(numbers->next, MANY);
    CHECK_OK(en_async_tcp_client_get_stats(numbers->side.client, &stats));
    CHECK_INT(stats.packets_received, MANY);
    async_wire_close(&numbers->side);
    for (int i = 0; i < MANY; i += KEPT_EACH) {
        check_number(&numbers->kept[i / KEPT_EACH], i);
        en_packet_release(&numbers->kept[i / KEPT_EACH]);
    }
}

static void a_great_many_may_go_apart(void)
{
    en_stats_t stats = {.struct_size = sizeof(stats)};
    numbers_t numbers;

    numbers_open(&numbers, -1);
    numbers_start(&numbers, FIRST);
    CHECK_INT(numbers.calls, FIRST);
    CHECK_OK(en_async_tcp_client_get_stats(numbers.side.client, &stats));
    CHECK_INT(stats.packets_received, FIRST);
    numbers.calls = 0;
    CHECK_OK(en_async_tcp_client_recv_packet(numbers.side.client, 5000, take_one, &numbers, NULL));
    CHECK_OK(en_async_tcp_client_recv_packets(numbers.side.client, TOGETHER, 5000, take_several,
                                              &numbers, NULL));
    CHECK_OK(en_loop_run(numbers.side.loop));
    CHECK_INT(numbers.calls, 2);
    CHECK_INT(numbers.next, FIRST + 1 + TOGETHER);
    numbers_start(&numbers, MANY);
    numbers_close(&numbers);
}

static void a_bad_packet_behind_a_great_many_is_told_after_them(void)
{
    numbers_t numbers;

    numbers_open(&numbers, FIRST);
    numbers_start(&numbers, FIRST); /* one before the last good one */
    numbers_start(&numbers, MANY);
    CHECK_INT(numbers.calls, 2);
    CHECK_CODE(numbers.status, EN_EMSGSIZE);
    numbers_start(&numbers, MANY);
    CHECK_CODE(numbers.status, EN_OK);
    numbers_close(&numbers);
}

/* Packets are put together in some number at a time: it may lie behind the last of them, too. */
static void a_bad_packet_is_told_wherever_it_lies(void)
{
    for (int bad = 60; bad < 70; bad++) {
        numbers_t numbers;
        int told = 0;

        numbers_open(&numbers, bad);
        while (numbers.next < MANY) {
            CHECK_OK(en_async_tcp_client_recv_packets(numbers.side.client, MANY, 5000, take_several,
                                                      &numbers, NULL));
            CHECK_OK(en_loop_run(numbers.side.loop));
            REQUIRE(numbers.status == EN_OK || numbers.status == EN_EMSGSIZE);
            if (numbers.status == EN_EMSGSIZE)
                CHECK_INT(numbers.next, bad + 1);
            told += numbers.status == EN_EMSGSIZE;
        }
        CHECK_INT(told, 1);
        numbers_close(&numbers);
    }
}

/* They are nothing on a stream, and have gone all the same. */
static void packets_without_bytes_are_counted(void)
{
    en_async_unix_stream_client_t *client = NULL;
    en_stream_protocol_t *raw = NULL;
    en_stats_t stats = {.struct_size = sizeof(stats)};
    en_slice_t packets[3] = {{0}};
    en_loop_t *loop = NULL;
    op_t op = {0};
    int fds[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
    REQUIRE_OK(en_loop_new(&loop));
    REQUIRE_OK(en_stream_protocol_new_raw(&raw, 0));
    REQUIRE_OK(en_async_unix_stream_client_from_fd(&client, loop, fds[0], raw, NULL));
    en_stream_protocol_free(raw);
    CHECK_OK(
        en_async_unix_stream_client_send_packets(client, packets, 3, 5000, op_sent, &op, NULL));
    op_wait(loop, &op);
    CHECK_OP(&op, EN_OK);
    CHECK_INT(op.count, 3);
    CHECK_OK(en_async_unix_stream_client_send_packet(client, NULL, 0, 5000, NULL, NULL, NULL));
    CHECK_OK(en_async_unix_stream_client_get_stats(client, &stats));
    CHECK_INT(stats.packets_sent, 4);
    CHECK_INT(stats.send_calls, 0);
    en_async_unix_stream_client_free(client);
    en_loop_free(loop);
    close(fds[1]);
}

static const test_case_t cases[] = {
    CASE(packets_without_bytes_are_counted),
    CASE(those_that_are_there_come_together),
    CASE(an_end_behind_packets_is_told_after_them),
    CASE(kinds_of_receives_take_turns),
    CASE(receives_one_by_one_share_turns),
    CASE(what_they_answer_goes_out_together),
    CASE(who_has_its_packet_is_told_before_others_get_theirs),
    CASE(encoding_may_end_the_loop),
    CASE(what_came_while_something_was_left_is_read),
    CASE(a_peer_that_never_stops_leaves_others_their_turn),
    CASE(what_lies_behind_urgent_data_comes),
    CASE(closing_a_transport_of_callbacks_ends_what_waits),
    CASE(a_great_many_may_go_apart),
    CASE(a_bad_packet_behind_a_great_many_is_told_after_them),
    CASE(a_bad_packet_is_told_wherever_it_lies),
};

TEST_MAIN("async_batch")
