/* One transport of two: what comes is taken from the one, what goes is given to the other. */
#include "low.h"
#include "peer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Two transports of callbacks over pipes, and one of both. */
typedef struct {
    own_t receives;
    own_t sends;
    en_stream_transport_t *receiving;
    en_stream_transport_t *sending;
    en_stream_transport_t *both;
    int in;  /* the peer writes there */
    int out; /* and reads here; -1 when closed */
} pipes_t;

static void pipes_open(pipes_t *pipes)
{
    int in[2];
    int out[2];

    own_begin();
    pipe_open(in);
    pipe_open(out);
    pipes->receives.in = in[0];
    pipes->receives.out = -1;
    pipes->sends.in = -1;
    pipes->sends.out = out[1];
    pipes->in = in[1];
    pipes->out = out[0];
    pipes->receiving = own_stream(&pipes->receives, NULL);
    pipes->sending = own_stream(&pipes->sends, NULL);
    REQUIRE_OK(
        en_stream_transport_new_stapled(&pipes->both, pipes->receiving, pipes->sending, NULL));
}

static void pipes_close(pipes_t *pipes)
{
    en_stream_transport_free(pipes->both);
    en_stream_transport_free(pipes->receiving);
    en_stream_transport_free(pipes->sending);
    CHECK_OWN_ENDED(&pipes->receives);
    CHECK_OWN_ENDED(&pipes->sends);
    close(pipes->in);
    close(pipes->out);
}

static void peer_gets(pipes_t *pipes, const char *text)
{
    char buffer[64];
    ssize_t got = read(pipes->out, buffer, sizeof(buffer));

    REQUIRE(got >= 0);
    CHECK_BYTES(buffer, (size_t)got, text, strlen(text));
}

static void check_both_ways(pipes_t *pipes, en_stream_transport_t *transport)
{
    REQUIRE(write(pipes->in, "comes", 5) == 5);
    CHECK_GOT(transport, "comes");
    CHECK_OK(put_bytes(transport, "goes"));
    peer_gets(pipes, "goes");
}

static void each_direction_has_its_half(void)
{
    pipes_t pipes = {0};
    char buffer[8] = "";
    size_t size;
    int fd = 77;

    pipes_open(&pipes);
    check_both_ways(&pipes, pipes.both);
    CHECK_INT(en_stream_transport_fileno(pipes.both), pipes.receives.in);
    CHECK_CODE(en_stream_transport_recv_into_noblock(pipes.both, buffer, 8, &size, &fd),
               EN_WANT_READ);
    CHECK_INT(fd, pipes.receives.in);
    while (en_stream_transport_send_noblock(pipes.both, buffer, 8, &size, &fd) == EN_OK)
        ;
    CHECK_CODE(en_stream_transport_send_noblock(pipes.both, buffer, 8, &size, &fd), EN_WANT_WRITE);
    CHECK_INT(fd, pipes.sends.out);
    pipes_close(&pipes);
}

static void the_halves_must_be_two(void)
{
    en_transport_options_t *options = transport_options();
    en_stream_transport_t *out = NULL;
    en_stream_transport_t *half = NULL;
    pipes_t pipes = {0};

    pipes_open(&pipes);
    CHECK_CODE(en_stream_transport_new_stapled(&out, pipes.receiving, pipes.receiving, NULL),
               EN_EINVAL);
    CHECK(out == NULL);
    CHECK_MESSAGE("same");
    /* Another handle of the same transport is the same. */
    REQUIRE_OK(en_stream_transport_stapled_receive_half(&half, pipes.both));
    CHECK_CODE(en_stream_transport_new_stapled(&out, pipes.receiving, half, NULL), EN_EINVAL);
    en_stream_transport_free(half);
    CHECK_CODE(en_stream_transport_new_stapled(&out, NULL, pipes.sending, NULL), EN_EINVAL);
    CHECK_CODE(en_stream_transport_new_stapled(&out, pipes.receiving, NULL, NULL), EN_EINVAL);
    CHECK_CODE(en_stream_transport_new_stapled(NULL, pipes.receiving, pipes.sending, NULL),
               EN_EINVAL);
    CHECK_OK(en_transport_options_set_handshake_timeout(options, 1));
    CHECK_CODE(en_stream_transport_new_stapled(&out, pipes.receiving, pipes.sending, options),
               EN_EINVAL);
    en_transport_options_free(options);
    CHECK_OK(en_stream_transport_close(pipes.receiving));
    CHECK_CODE(en_stream_transport_new_stapled(&out, pipes.receiving, pipes.sending, NULL),
               EN_ECLOSED);
    CHECK_CODE(en_stream_transport_new_stapled(&out, pipes.sending, pipes.receiving, NULL),
               EN_ECLOSED);
    pipes_close(&pipes);
}

static void it_keeps_its_own_hold(void)
{
    pipes_t pipes = {0};

    pipes_open(&pipes);
    en_stream_transport_free(pipes.receiving);
    en_stream_transport_free(pipes.sending);
    pipes.receiving = pipes.sending = NULL;
    CHECK_INT(atomic_load(&pipes.receives.closed), 0);
    check_both_ways(&pipes, pipes.both);
    pipes_close(&pipes);
    pipes = (pipes_t){0};
    pipes_open(&pipes);
    en_stream_transport_free(pipes.both); /* and leaves the halves to others */
    pipes.both = NULL;
    CHECK_INT(atomic_load(&pipes.receives.closed), 0);
    REQUIRE(write(pipes.in, "x", 1) == 1);
    CHECK_GOT(pipes.receiving, "x");
    CHECK_OK(put_bytes(pipes.sending, "y"));
    peer_gets(&pipes, "y");
    pipes_close(&pipes);
}

static void it_closes_the_sending_one_first(void)
{
    pipes_t pipes = {0};

    pipes_open(&pipes);
    CHECK_OK(en_stream_transport_close(pipes.both));
    CHECK_INT(pipes.sends.order, 1);
    CHECK_INT(pipes.receives.order, 2);
    CHECK_INT(en_stream_transport_is_closed(pipes.both), 1);
    CHECK_INT(en_stream_transport_is_closed(pipes.receiving), 1);
    CHECK_INT(en_stream_transport_is_closed(pipes.sending), 1);
    CHECK_CODE(put_bytes(pipes.sending, "x"), EN_ECLOSED);
    CHECK_CODE(put_bytes(pipes.both, "x"), EN_ECLOSED);
    pipes_close(&pipes);
}

static void it_closes_the_second_if_the_first_fails(void)
{
    pipes_t pipes = {.sends = {.close_code = EN_EUSER_BASE - 1, .says = "the sending one"},
                     .receives = {.close_code = EN_EUSER_BASE - 2, .says = "the receiving one"}};

    pipes_open(&pipes);
    CHECK_CODE(en_stream_transport_close(pipes.both), EN_EUSER_BASE - 1);
    CHECK_MESSAGE("the sending one");
    CHECK_INT(pipes.sends.order, 1);
    CHECK_INT(pipes.receives.order, 2);
    pipes_close(&pipes);
    pipes = (pipes_t){.receives = {.close_code = EN_EUSER_BASE - 2, .says = "the receiving one"}};
    pipes_open(&pipes);
    CHECK_CODE(en_stream_transport_close(pipes.both), EN_EUSER_BASE - 2);
    CHECK_MESSAGE("the receiving one");
    pipes_close(&pipes);
}

static void it_is_closed_when_both_are(void)
{
    for (int first = 0; first < 2; first++) {
        pipes_t pipes = {0};
        char buffer[4];
        size_t size;

        pipes_open(&pipes);
        CHECK_OK(en_stream_transport_close(first ? pipes.sending : pipes.receiving));
        CHECK_INT(en_stream_transport_is_closed(pipes.both), 0);
        if (first) { /* the other half goes on */
            CHECK_CODE(put_bytes(pipes.both, "x"), EN_ECLOSED);
            REQUIRE(write(pipes.in, "x", 1) == 1);
            CHECK_GOT(pipes.both, "x");
        } else {
            CHECK_CODE(en_stream_transport_recv_into(pipes.both, buffer, 4, -1, &size), EN_ECLOSED);
            CHECK_OK(put_bytes(pipes.both, "y"));
        }
        CHECK_OK(en_stream_transport_close(first ? pipes.receiving : pipes.sending));
        CHECK_INT(en_stream_transport_is_closed(pipes.both), 1);
        pipes_close(&pipes);
    }
}

static void the_end_closes_who_cannot_say_it(void)
{
    pipes_t pipes = {0};
    char byte;

    pipes_open(&pipes);
    CHECK_CODE(en_stream_transport_send_eof(pipes.sending, -1), EN_EOPNOTSUPP);
    CHECK_OK(put_bytes(pipes.both, "last"));
    CHECK_OK(en_stream_transport_send_eof(pipes.both, -1));
    CHECK_INT(atomic_load(&pipes.sends.closed), 1);
    CHECK_INT(atomic_load(&pipes.receives.closed), 0);
    peer_gets(&pipes, "last");
    CHECK(read(pipes.out, &byte, 1) == 0);
    CHECK_CODE(put_bytes(pipes.both, "x"), EN_ECLOSED);
    CHECK_INT(en_stream_transport_is_closed(pipes.both), 0);
    REQUIRE(write(pipes.in, "still", 5) == 5);
    CHECK_GOT(pipes.both, "still");
    pipes_close(&pipes);
    pipes = (pipes_t){.sends = {.close_code = EN_EUSER_BASE, .says = "no end"}};
    pipes_open(&pipes);
    CHECK_CODE(en_stream_transport_send_eof(pipes.both, -1), EN_EUSER_BASE);
    CHECK_MESSAGE("no end");
    pipes_close(&pipes);
}

/* Sockets can say it: the sending half stays open. */
static void the_end_is_said_where_that_goes(void)
{
    en_stream_transport_t *halves[2];
    en_stream_transport_t *both = NULL;
    int one[2];
    int two[2];

    pair_open(SOCK_STREAM, one);
    pair_open(SOCK_STREAM, two);
    halves[0] = stream_over(one[0]);
    halves[1] = stream_over(two[0]);
    REQUIRE_OK(en_stream_transport_new_stapled(&both, halves[0], halves[1], NULL));
    CHECK_OK(en_stream_transport_send_eof(both, -1));
    peer_expect_end(two[1]);
    CHECK_INT(en_stream_transport_is_closed(halves[1]), 0);
    peer_send_text(two[1], "the other way");
    CHECK_GOT(halves[1], "the other way");
    peer_send_text(one[1], "in");
    CHECK_GOT(both, "in");
    en_stream_transport_free(both);
    en_stream_transport_free(halves[0]);
    en_stream_transport_free(halves[1]);
    close(one[1]);
    close(two[1]);
}

static void attributes_come_from_both(void)
{
    pipes_t pipes = {0};
    char value[8];
    size_t size = sizeof(value);

    pipes_open(&pipes);
    /* Both have it: the receiving side wins. */
    CHECK_INT(attribute_int(pipes.both, EN_ATTRIBUTE_USER_BASE), pipes.receives.in);
    CHECK_INT(attribute_int(pipes.both, EN_ATTRIBUTE_DESCRIPTOR), pipes.receives.in);
    CHECK_INT(attribute_int(pipes.both, EN_ATTRIBUTE_USER_BASE + 1), pipes.receives.in);
    /* Only the sending side has it. */
    CHECK_OK(
        en_stream_transport_get_attribute(pipes.both, EN_ATTRIBUTE_USER_BASE + 2, value, &size));
    CHECK_BYTES(value, size, "sends", 5);
    CHECK_CODE(
        en_stream_transport_get_attribute(pipes.both, EN_ATTRIBUTE_USER_BASE + 50, value, &size),
        EN_ENODATA);
    /* A failure is no lack. */
    CHECK_CODE(
        en_stream_transport_get_attribute(pipes.both, EN_ATTRIBUTE_USER_BASE + 4, value, &size),
        EN_EUSER_BASE - 4);
    pipes_close(&pipes);
}

static void halves_can_be_had_again(void)
{
    en_stream_transport_t *receiving = NULL;
    en_stream_transport_t *sending = NULL;
    en_stream_transport_t *none = NULL;
    pipes_t pipes = {0};

    pipes_open(&pipes);
    CHECK_CODE(en_stream_transport_stapled_receive_half(&none, pipes.receiving), EN_EINVAL);
    CHECK_CODE(en_stream_transport_stapled_send_half(&none, pipes.receiving), EN_EINVAL);
    CHECK_CODE(en_stream_transport_stapled_send_half(NULL, pipes.both), EN_EINVAL);
    CHECK_CODE(en_stream_transport_stapled_send_half(&none, NULL), EN_EINVAL);
    CHECK(none == NULL);
    REQUIRE_OK(en_stream_transport_stapled_receive_half(&receiving, pipes.both));
    REQUIRE_OK(en_stream_transport_stapled_send_half(&sending, pipes.both));
    en_stream_transport_free(pipes.both);
    en_stream_transport_free(pipes.receiving);
    en_stream_transport_free(pipes.sending);
    pipes.both = pipes.receiving = pipes.sending = NULL;
    REQUIRE(write(pipes.in, "in", 2) == 2);
    CHECK_GOT(receiving, "in");
    CHECK_OK(put_bytes(sending, "out"));
    peer_gets(&pipes, "out");
    CHECK_CODE(put_bytes(receiving, "x"), EN_EOPNOTSUPP);
    CHECK_OK(en_stream_transport_close(sending));
    CHECK_INT(atomic_load(&pipes.sends.closed), 1);
    CHECK_INT(atomic_load(&pipes.receives.closed), 0);
    en_stream_transport_free(receiving);
    en_stream_transport_free(sending);
    pipes_close(&pipes);
}

/* Two transports over one connection, stapled: as good as one of them. */
static void both_halves_over_one_connection(void)
{
    en_stream_transport_t *halves[2];
    en_stream_transport_t *both = NULL;
    mover_t mover;
    int ends[2];

    pair_open(SOCK_STREAM, ends);
    halves[0] = stream_over(ends[0]);
    halves[1] = stream_over(dup(ends[0]));
    REQUIRE_OK(en_stream_transport_new_stapled(&both, halves[0], halves[1], NULL));
    en_stream_transport_free(halves[0]);
    en_stream_transport_free(halves[1]);
    mover_receives(&mover, both);
    CHECK_OK(put_bytes(both, "out"));
    peer_expect_text(ends[1], "out");
    peer_send_text(ends[1], "in");
    CHECK_OK(mover_end(&mover));
    mover_receives(&mover, both);
    CHECK_OK(en_stream_transport_close(both));
    CHECK_CODE(mover_end(&mover), EN_ECLOSED);
    peer_expect_end(ends[1]);
    en_stream_transport_free(both);
    close(ends[1]);
}

/* The same for transports of callbacks over the very same descriptor. */
static void both_halves_over_one_descriptor(void)
{
    own_t owns[2];
    en_stream_transport_t *halves[2];
    en_stream_transport_t *both = NULL;
    int ends[2];

    pair_open(SOCK_STREAM | SOCK_NONBLOCK, ends);
    memset(owns, 0, sizeof(owns));
    owns[0].in = ends[0];
    owns[0].out = -1;
    owns[1].in = -1;
    owns[1].out = ends[0];
    owns[1].keeps = true; /* the other one closes it */
    halves[0] = own_stream(&owns[0], NULL);
    halves[1] = own_stream(&owns[1], NULL);
    REQUIRE_OK(en_stream_transport_new_stapled(&both, halves[0], halves[1], NULL));
    CHECK_OK(put_bytes(both, "out"));
    peer_expect_text(ends[1], "out");
    peer_send_text(ends[1], "in");
    CHECK_GOT(both, "in");
    CHECK_OK(en_stream_transport_close(both));
    peer_expect_end(ends[1]);
    en_stream_transport_free(both);
    for (int i = 0; i < 2; i++) {
        en_stream_transport_free(halves[i]);
        CHECK_OWN_ENDED(&owns[i]);
    }
    close(ends[1]);
}

/* One of two may be one of two, too. */
static void stapled_of_stapled(void)
{
    pipes_t one = {0};
    pipes_t two = {0};
    en_stream_transport_t *crossed = NULL;

    pipes_open(&one);
    pipes_open(&two);
    REQUIRE_OK(en_stream_transport_new_stapled(&crossed, one.both, two.both, NULL));
    REQUIRE(write(one.in, "one", 3) == 3);
    CHECK_GOT(crossed, "one");
    CHECK_OK(put_bytes(crossed, "two"));
    peer_gets(&two, "two");
    CHECK_OK(en_stream_transport_close(crossed));
    CHECK_INT(atomic_load(&one.sends.closed), 1);
    CHECK_INT(atomic_load(&two.receives.closed), 1);
    en_stream_transport_free(crossed);
    pipes_close(&one);
    pipes_close(&two);
}

static void datagrams_are_stapled_alike(void)
{
    en_datagram_transport_t *halves[2];
    en_datagram_transport_t *both = NULL;
    en_datagram_transport_t *out = NULL;
    own_t owns[2];
    int one[2];
    int two[2];

    own_begin();
    memset(owns, 0, sizeof(owns));
    pair_open(SOCK_DGRAM | SOCK_NONBLOCK, one);
    pair_open(SOCK_DGRAM | SOCK_NONBLOCK, two);
    owns[0].in = one[0];
    owns[0].out = -1;
    owns[1].in = -1;
    owns[1].out = two[0];
    for (int i = 0; i < 2; i++)
        halves[i] = own_datagrams(&owns[i], NULL);
    CHECK_CODE(en_datagram_transport_new_stapled(&both, halves[0], halves[0], NULL), EN_EINVAL);
    REQUIRE_OK(en_datagram_transport_new_stapled(&both, halves[0], halves[1], NULL));
    CHECK_CODE(en_datagram_transport_stapled_send_half(&out, halves[0]), EN_EINVAL);
    REQUIRE_OK(en_datagram_transport_stapled_send_half(&out, both));
    for (int i = 0; i < 2; i++)
        en_datagram_transport_free(halves[i]);
    REQUIRE(send(one[1], "in", 2, 0) == 2);
    CHECK_GOT_DATAGRAM(both, "in");
    CHECK_OK(en_datagram_transport_send(both, "out", 3, 20000));
    expect_datagram(two[1], "out", 3);
    CHECK_OK(en_datagram_transport_send(out, "by half", 7, 20000));
    expect_datagram(two[1], "by half", 7);
    CHECK_OK(en_datagram_transport_close(both));
    CHECK_INT(owns[1].order, 1);
    CHECK_INT(owns[0].order, 2);
    CHECK_INT(en_datagram_transport_is_closed(out), 1);
    en_datagram_transport_free(both);
    en_datagram_transport_free(out);
    for (int i = 0; i < 2; i++)
        CHECK_OWN_ENDED(&owns[i]);
    close(one[1]);
    close(two[1]);
}

/* Who has the sending half, too, cannot go on behind half a packet, nor end what is closed. */
static void what_breaks_breaks_for_the_half(void)
{
    en_stream_protocol_t *protocol = lines();
    en_stream_endpoint_t *endpoint = NULL;
    static char large[1 << 20];
    size_t sent;
    pipes_t pipes = {0};

    pipes_open(&pipes);
    memset(large, 'x', sizeof(large));
    REQUIRE_OK(en_stream_endpoint_new(&endpoint, pipes.both, protocol, NULL));
    CHECK_CODE(en_stream_endpoint_send_packet(endpoint, large, sizeof(large), 10), EN_ETIMEDOUT);
    while (read(pipes.out, large, sizeof(large)) > 0)
        ;
    CHECK_CODE(en_stream_transport_send_all(pipes.sending, "x", 1, 20000, &sent), EN_EPIPE);
    CHECK_OK(en_stream_transport_close(pipes.sending));
    CHECK_CODE(en_stream_transport_send_eof(pipes.both, 20000), EN_ECLOSED);
    en_stream_endpoint_free(endpoint);
    en_stream_protocol_free(protocol);
    pipes_close(&pipes);
}

static const test_case_t cases[] = {
    CASE(each_direction_has_its_half),
    CASE(the_halves_must_be_two),
    CASE(it_keeps_its_own_hold),
    CASE(it_closes_the_sending_one_first),
    CASE(it_closes_the_second_if_the_first_fails),
    CASE(it_is_closed_when_both_are),
    CASE(the_end_closes_who_cannot_say_it),
    CASE(the_end_is_said_where_that_goes),
    CASE(attributes_come_from_both),
    CASE(halves_can_be_had_again),
    CASE(both_halves_over_one_connection),
    CASE(both_halves_over_one_descriptor),
    CASE(stapled_of_stapled),
    CASE(datagrams_are_stapled_alike),
    CASE(what_breaks_breaks_for_the_half),
};

TEST_MAIN("stapled")
