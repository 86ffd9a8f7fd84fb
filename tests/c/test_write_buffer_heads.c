/* Write buffering of packets that only get a length, or nothing, in front: once there is memory for
 * them, they are put aside before anything else is looked at. */
#include "child.h"
#include "threads.h"
#include "wire.h"

#include <unistd.h>

enum { PRIMING = 200, THREADS = 4, EACH = 500 };

static const char zeros[PRIMING];

static en_stream_protocol_t *lengths(int prefix, int order, int counts_itself, size_t max)
{
    en_stream_protocol_t *protocol = NULL;

    REQUIRE_OK(
        en_stream_protocol_new_length_prefixed(&protocol, prefix, order, counts_itself, max));
    return protocol;
}

static en_stream_protocol_t *u16(void)
{
    return lengths(EN_LENGTH_U16, EN_BIG_ENDIAN, 0, 0);
}

static en_tcp_options_t *buffered(size_t size)
{
    en_tcp_options_t *options = options_new();

    CHECK_OK(en_tcp_options_set_write_buffer(options, size));
    return options;
}

/* From here on there is memory for as much again. */
static void prime(wire_t *wire, size_t head)
{
    char seen[PRIMING + 8];

    CHECK_OK(en_tcp_client_send_packet(wire->client, zeros, PRIMING, 1000));
    CHECK_OK(en_tcp_client_flush(wire->client, 1000));
    CHECK_INT(peer_read(wire->fd, seen, head + PRIMING), head + PRIMING);
}

static void open_primed(wire_t *wire, size_t size)
{
    wire_open(wire, u16(), buffered(size));
    prime(wire, 2);
}

static void packets_gather_until_the_flush(void)
{
    wire_t wire;

    open_primed(&wire, 4096);
    CHECK_OK(send_text(wire.client, "one"));
    CHECK_OK(send_text(wire.client, ""));
    CHECK_OK(send_text(wire.client, "three"));
    CHECK_INT(wire_stats(&wire).send_calls, 1);
    CHECK_INT(wire_stats(&wire).packets_sent, 4);
    peer_expect_nothing(wire.fd);
    CHECK_OK(en_tcp_client_flush(wire.client, 1000));
    peer_expect(wire.fd, "\0\3one\0\0\0\5three", 14);
    CHECK_INT(wire_stats(&wire).send_calls, 2);
    wire_close(&wire);
}

static void expect_head(en_stream_protocol_t *protocol, const char *head, size_t size)
{
    wire_t wire;

    wire_open(&wire, protocol, buffered(4096));
    prime(&wire, size);
    CHECK_OK(send_text(wire.client, "abc"));
    CHECK_OK(send_text(wire.client, "def"));
    CHECK_INT(wire_stats(&wire).send_calls, 1);
    CHECK_OK(en_tcp_client_flush(wire.client, 1000));
    for (int i = 0; i < 2; i++) {
        peer_expect(wire.fd, head, size);
        peer_expect_text(wire.fd, i == 0 ? "abc" : "def");
    }
    wire_close(&wire);
}

static void each_head_is_as_it_should_be(void)
{
    expect_head(protocol_raw(), "", 0);
    expect_head(lengths(EN_LENGTH_U8, EN_BIG_ENDIAN, 0, 0), "\3", 1);
    expect_head(lengths(EN_LENGTH_U8, EN_LITTLE_ENDIAN, 1, 0), "\4", 1);
    expect_head(lengths(EN_LENGTH_U16, EN_BIG_ENDIAN, 1, 0), "\0\5", 2);
    expect_head(lengths(EN_LENGTH_U16, EN_LITTLE_ENDIAN, 0, 0), "\3\0", 2);
    expect_head(lengths(EN_LENGTH_U32, EN_BIG_ENDIAN, 0, 0), "\0\0\0\3", 4);
    expect_head(lengths(EN_LENGTH_U32, EN_LITTLE_ENDIAN, 1, 0), "\7\0\0\0", 4);
    expect_head(lengths(EN_LENGTH_U64, EN_BIG_ENDIAN, 1, 0), "\0\0\0\0\0\0\0\13", 8);
    expect_head(lengths(EN_LENGTH_U64, EN_LITTLE_ENDIAN, 0, 0), "\3\0\0\0\0\0\0\0", 8);
}

/* Of all sizes around that of the buffer, so that each way out is taken. */
static void every_size_keeps_its_place(void)
{
    enum { BUFFER = 256, COUNT = 600, LARGEST = 300 };
    static char expected[COUNT * (2 + LARGEST)];
    size_t length = 0;
    size_t out = 0;
    size_t taken = 0;
    wire_t wire;

    open_primed(&wire, BUFFER);
    for (int i = 0; i < COUNT; i++) {
        char packet[LARGEST];
        size_t size = (size_t)i * 37 % (i % 5 == 0 ? LARGEST : 20);

        memset(packet, 'a' + i % 26, size);
        expected[length] = (char)(size >> 8);
        expected[length + 1] = (char)size;
        memcpy(expected + length + 2, packet, size);
        length += 2 + size;
        CHECK_OK(en_tcp_client_send_packet(wire.client, packet, size, 1000));
        /* Nothing is kept back beside what the buffer holds. */
        out = wire_stats(&wire).bytes_sent - 2 - PRIMING;
        CHECK(length - out <= BUFFER);
        peer_expect(wire.fd, expected + taken, out - taken);
        taken = out;
    }
    CHECK_OK(en_tcp_client_flush(wire.client, 1000));
    peer_expect(wire.fd, expected + taken, length - taken);
    CHECK_INT(wire_stats(&wire).packets_sent, COUNT + 1);
    wire_close(&wire);
}

static void what_cannot_be_sent_is_refused(void)
{
    char large[256] = "";
    en_cancel_t *cancel = NULL;
    en_tcp_options_t *options = buffered(4096);
    wire_t wire;

    CHECK_OK(en_cancel_new(&cancel));
    CHECK_OK(en_tcp_options_set_cancel(options, cancel));
    wire_open(&wire, lengths(EN_LENGTH_U8, EN_BIG_ENDIAN, 0, 200), options);
    prime(&wire, 1);
    CHECK_OK(en_cancel_trigger(cancel));
    CHECK_CODE(send_text(wire.client, "cancelled"), EN_ECANCELED);
    wire_close(&wire);
    en_cancel_free(cancel);

    wire_open(&wire, lengths(EN_LENGTH_U8, EN_BIG_ENDIAN, 0, 200), buffered(4096));
    prime(&wire, 1);
    CHECK_CODE(en_tcp_client_send_packet(wire.client, large, 201, 1000), EN_EMSGSIZE);
    CHECK_CODE(en_tcp_client_send_packet(wire.client, large, 256, 1000), EN_EMSGSIZE);
    CHECK_CODE(en_tcp_client_send_packet(wire.client, NULL, 1, 1000), EN_EINVAL);
    CHECK_CODE(en_tcp_client_send_packet(wire.client, large, SIZE_MAX, 1000), EN_EINVAL);
    CHECK_OK(en_tcp_client_send_packet(wire.client, NULL, 0, 1000));
    CHECK_INT(wire_stats(&wire).packets_sent, 2);
    CHECK_OK(en_tcp_client_send_eof(wire.client, 1000));
    peer_expect(wire.fd, "\0", 1);
    peer_expect_end(wire.fd);
    CHECK_CODE(send_text(wire.client, "behind the end"), EN_ESHUTDOWN);
    CHECK_OK(en_tcp_client_close(wire.client));
    CHECK_CODE(send_text(wire.client, "closed"), EN_ECLOSED);
    wire_close(&wire);
}

static void closing_brings_it_out_and_aborting_does_not(void)
{
    wire_t wire;

    open_primed(&wire, 4096);
    CHECK_OK(send_text(wire.client, "last"));
    CHECK_OK(en_tcp_client_close(wire.client));
    CHECK_CODE(send_text(wire.client, "closed"), EN_ECLOSED);
    peer_expect(wire.fd, "\0\4last", 6);
    peer_expect_end(wire.fd);
    wire_close(&wire);

    open_primed(&wire, 4096);
    CHECK_OK(send_text(wire.client, "lost"));
    CHECK_OK(en_tcp_client_abort(wire.client));
    CHECK_CODE(send_text(wire.client, "aborted"), EN_ECLOSED);
    peer_expect_end(wire.fd);
    wire_close(&wire);
}

static void a_receive_that_waits_brings_it_out(void)
{
    static const step_t steps[] = {
        {.what = STEP_EXPECT, .data = "\0\10question", .size = 10},
        {.what = STEP_SEND, .data = "\0\6answer", .size = 8},
    };
    script_t script;
    wire_t wire;

    open_primed(&wire, 4096);
    script_start(&script, wire.fd, steps, 2);
    CHECK_OK(send_text(wire.client, "question"));
    CHECK_RECV(wire.client, "answer");
    script_join(&script);
    wire_close(&wire);
}

static void in_a_child_it_is_left_to_the_parent(void)
{
    en_packet_t packet = {0};
    pid_t child;
    wire_t wire;

    open_primed(&wire, 4096);
    CHECK_OK(send_text(wire.client, "parent"));
    child = child_fork();
    if (child == 0) /* before a receive waits, it sends what it has put aside itself */
        _exit(en_tcp_client_recv_packet(wire.client, 10, &packet) != EN_ETIMEDOUT ||
              send_text(wire.client, "child") != EN_OK ||
              send_text(wire.client, "again") != EN_OK ||
              en_tcp_client_flush(wire.client, 1000) != EN_OK);
    CHECK(child_succeeds(child));
    peer_expect(wire.fd, "\0\5child\0\5again", 14);
    CHECK_OK(send_text(wire.client, "goes on"));
    CHECK_OK(en_tcp_client_flush(wire.client, 1000));
    peer_expect(wire.fd, "\0\6parent\0\7goes on", 17);
    wire_close(&wire);
}

static void send_many(void *arg)
{
    for (int i = 0; i < EACH; i++)
        CHECK_OK(send_text(arg, "from a thread"));
}

static void threads_do_not_mix_their_packets(void)
{
    thread_t threads[THREADS];
    wire_t wire;

    open_primed(&wire, 1000);
    for (int i = 0; i < THREADS; i++)
        thread_start(&threads[i], send_many, wire.client);
    for (int i = 0; i < THREADS; i++)
        thread_join(&threads[i]);
    CHECK_OK(en_tcp_client_flush(wire.client, 1000));
    for (int i = 0; i < THREADS * EACH; i++)
        peer_expect(wire.fd, "\0\15from a thread", 15);
    CHECK_INT(wire_stats(&wire).packets_sent, THREADS * EACH + 1);
    wire_close(&wire);
}

static const test_case_t cases[] = {
    CASE(packets_gather_until_the_flush),
    CASE(each_head_is_as_it_should_be),
    CASE(every_size_keeps_its_place),
    CASE(what_cannot_be_sent_is_refused),
    CASE(closing_brings_it_out_and_aborting_does_not),
    CASE(a_receive_that_waits_brings_it_out),
    CASE(in_a_child_it_is_left_to_the_parent),
    CASE(threads_do_not_mix_their_packets),
};

TEST_MAIN("write_buffer_heads")
