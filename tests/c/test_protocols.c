/* The built-in framings over the wire: lines, delimiters, lengths, fixed sizes, raw bytes. */
#include "wire.h"

#include <stdlib.h>

typedef en_stream_protocol_t protocol_t;

/* A text with zeros in it, and its size. */
#define LITERAL(text) (text), sizeof(text) - 1

static protocol_t *line(int newline, size_t most)
{
    protocol_t *protocol = NULL;

    REQUIRE_OK(en_stream_protocol_new_line(&protocol, newline, most));
    return protocol;
}

static protocol_t *delimited(const void *delimiter, size_t size, size_t most)
{
    protocol_t *protocol = NULL;

    REQUIRE_OK(en_stream_protocol_new_delimited(&protocol, delimiter, size, most));
    return protocol;
}

static protocol_t *prefixed(int length, int order, int includes, size_t most)
{
    protocol_t *protocol = NULL;

    REQUIRE_OK(en_stream_protocol_new_length_prefixed(&protocol, length, order, includes, most));
    return protocol;
}

/* The packet goes out as these bytes, and these bytes come in as the packet: at once, twice in a
 * row, and byte by byte. */
static void check_framing(protocol_t *protocol, const void *packet, size_t packet_size,
                          const void *bytes, size_t size)
{
    char *twice = malloc(2 * size);
    wire_t wire;

    memcpy(twice, bytes, size);
    memcpy(twice + size, bytes, size);
    wire_open(&wire, protocol, NULL);
    CHECK_OK(en_tcp_client_send_packet(wire.client, packet, packet_size, 1000));
    peer_expect(wire.fd, bytes, size);
    peer_send(wire.fd, bytes, size);
    CHECK_RECV_BYTES(wire.client, packet, packet_size);
    peer_send(wire.fd, twice, 2 * size);
    CHECK_RECV_BYTES(wire.client, packet, packet_size);
    CHECK_RECV_BYTES(wire.client, packet, packet_size);
    wire_feed_bytewise(&wire, twice, size);
    CHECK_RECV_BYTES(wire.client, packet, packet_size);
    peer_send(wire.fd, bytes, size - 1);
    peer_end(wire.fd);
    CHECK_RECV_FAILS(wire.client, 1000, size > 1 ? EN_ETRUNCATED : EN_ECONNABORTED);
    wire_close(&wire);
    free(twice);
}

static void lines(void)
{
    check_framing(line(EN_NEWLINE_LF, 0), LITERAL("a line"), LITERAL("a line\n"));
    check_framing(line(EN_NEWLINE_LF, 0), LITERAL("with\r"), LITERAL("with\r\n"));
    check_framing(line(EN_NEWLINE_CRLF, 0), LITERAL("a line"), LITERAL("a line\r\n"));
    check_framing(line(EN_NEWLINE_CR, 0), LITERAL("a line"), LITERAL("a line\r"));
    check_framing(line(EN_NEWLINE_ANY, 0), LITERAL("a line"), LITERAL("a line\n"));
    check_framing(line(EN_NEWLINE_LF, 0), LITERAL(""), LITERAL("\n"));
    check_framing(line(EN_NEWLINE_CRLF, 0), LITERAL("\0zero"), LITERAL("\0zero\r\n"));
}

static void lines_that_end_either_way(void)
{
    wire_t wire;

    wire_open(&wire, line(EN_NEWLINE_ANY, 0), NULL);
    peer_send_text(wire.fd, "unix\nother\r\n\r\nlone\rcr\n");
    CHECK_RECV(wire.client, "unix");
    CHECK_RECV(wire.client, "other");
    CHECK_RECV(wire.client, "");
    CHECK_RECV(wire.client, "lone\rcr");
    wire_feed_bytewise(&wire, "x\r\n", 3);
    CHECK_RECV(wire.client, "x");
    wire_close(&wire);
}

static void lines_that_only_seem_to_end(void)
{
    wire_t wire;

    wire_open(&wire, line(EN_NEWLINE_CRLF, 0), NULL);
    peer_send_text(wire.fd, "a\nb\rc\r\r\nnext\r\n");
    CHECK_RECV(wire.client, "a\nb\rc\r");
    CHECK_RECV(wire.client, "next");
    wire_close(&wire);
}

static void lines_that_hold_their_end_are_not_sent(void)
{
    static const int newlines[] = {EN_NEWLINE_LF, EN_NEWLINE_CRLF, EN_NEWLINE_CR, EN_NEWLINE_ANY};
    static const char *bad[] = {"a\nb", "a\r\nb", "a\rb", "a\nb"};

    for (int i = 0; i < 4; i++) {
        wire_t wire;

        wire_open(&wire, line(newlines[i], 0), NULL);
        CHECK_CODE(send_text(wire.client, bad[i]), EN_EINVAL);
        CHECK_OK(en_tcp_client_close(wire.client));
        peer_expect_end(wire.fd);
        wire_close(&wire);
    }
}

/* The line is too long; what follows it is received. */
static void check_oversized(protocol_t *protocol, const char *bytes, const char *next)
{
    wire_t wire;

    wire_open(&wire, protocol, NULL);
    peer_send_text(wire.fd, bytes);
    CHECK_RECV_FAILS(wire.client, 2000, EN_EMSGSIZE);
    CHECK_MESSAGE("decode");
    CHECK_RECV(wire.client, next);
    wire_close(&wire);
}

static void oversized_lines_are_skipped(void)
{
    check_oversized(line(EN_NEWLINE_LF, 5), "123456\nnext\n", "next");
    check_oversized(line(EN_NEWLINE_CRLF, 5), "1234567890\r\n12345\r\n", "12345");
    check_oversized(delimited("--", 2, 5), "1234567890----5----next--", "");
    check_oversized(delimited("<end>", 5, 4), "12345<end>next<end>", "next");
}

static void an_oversized_line_that_arrives_in_parts(void)
{
    wire_t wire;

    wire_open(&wire, line(EN_NEWLINE_LF, 5), NULL);
    peer_send_text(wire.fd, "12345678");
    CHECK_RECV_FAILS(wire.client, 2000, EN_EMSGSIZE); /* no need to see its end */
    peer_send_text(wire.fd, "more of the same");
    wire_wait_arrived(&wire);
    CHECK_RECV_FAILS(wire.client, 50, EN_ETIMEDOUT);
    peer_send_text(wire.fd, "\nnext\n");
    CHECK_RECV(wire.client, "next");
    wire_close(&wire);
}

static void a_line_of_just_the_maximum(void)
{
    check_framing(line(EN_NEWLINE_CRLF, 6), LITERAL("a line"), LITERAL("a line\r\n"));
    check_framing(delimited("||", 2, 3), LITERAL("a|b"), LITERAL("a|b||"));
    check_framing(prefixed(EN_LENGTH_U8, EN_BIG_ENDIAN, 0, 3), LITERAL("abc"), LITERAL("\003abc"));
}

static void too_large_to_send(void)
{
    wire_t wire;

    wire_open(&wire, line(EN_NEWLINE_LF, 5), NULL);
    CHECK_CODE(send_text(wire.client, "123456"), EN_EMSGSIZE);
    CHECK_OK(send_text(wire.client, "12345"));
    peer_expect_text(wire.fd, "12345\n");
    wire_close(&wire);
}

static void the_maximum_of_the_client_counts_too(void)
{
    en_tcp_options_t *options = options_new();
    wire_t wire;

    CHECK_OK(en_tcp_options_set_max_packet_size(options, 4));
    wire_open(&wire, protocol_line(), options);
    peer_send_text(wire.fd, "12345\n1234\n");
    CHECK_RECV_FAILS(wire.client, 1000, EN_EMSGSIZE);
    CHECK_RECV(wire.client, "1234");
    wire_close(&wire);
}

static void delimiters(void)
{
    protocol_t *protocol = NULL;
    static char longest[65537];

    check_framing(delimited("||", 2, 0), LITERAL("a|b"), LITERAL("a|b||"));
    check_framing(delimited("\0", 1, 0), LITERAL("text"), LITERAL("text\0"));
    check_framing(delimited("aab", 3, 0), LITERAL("aa-"), LITERAL("aa-aab"));
    check_framing(delimited("<end>", 5, 0), LITERAL("<en<en"), LITERAL("<en<en<end>"));
    CHECK_CODE(en_stream_protocol_new_delimited(&protocol, "", 0, 0), EN_EINVAL);
    CHECK_CODE(en_stream_protocol_new_delimited(&protocol, longest, 65537, 0), EN_EINVAL);
    CHECK_OK(en_stream_protocol_new_delimited(&protocol, longest, 65536, 0));
    en_stream_protocol_free(protocol);
}

static void delimiters_are_not_sent_within_packets(void)
{
    en_slice_t parts[] = {{"ab|", 3}, {"|cd", 3}};
    wire_t wire;

    wire_open(&wire, delimited("||", 2, 0), NULL);
    CHECK_CODE(send_text(wire.client, "ab||cd"), EN_EINVAL);
    CHECK_CODE(en_tcp_client_send_packet_slices(wire.client, parts, 2, 1000), EN_EINVAL);
    CHECK_OK(en_tcp_client_close(wire.client));
    peer_expect_end(wire.fd);
    wire_close(&wire);
}

static void a_packet_whose_end_would_make_a_delimiter(void)
{
    wire_t wire;
    int rc;

    /* "a|" + "||" reads as "a" and then "|": such a packet must not go out as another one. */
    wire_open(&wire, delimited("||", 2, 0), NULL);
    rc = send_text(wire.client, "a|");
    CHECK(rc == EN_EINVAL || rc == EN_OK);
    if (rc == EN_OK) {
        peer_expect_text(wire.fd, "a|||");
        peer_send_text(wire.fd, "a|||");
        CHECK_RECV(wire.client, "a|");
    }
    wire_close(&wire);
}

static void lengths(void)
{
    check_framing(prefixed(EN_LENGTH_U8, 0, 0, 0), LITERAL("abc"), LITERAL("\003abc"));
    check_framing(prefixed(EN_LENGTH_U8, 0, 1, 0), LITERAL("abc"), LITERAL("\004abc"));
    check_framing(prefixed(EN_LENGTH_U16, EN_BIG_ENDIAN, 0, 0), LITERAL("abc"),
                  LITERAL("\0\003abc"));
    check_framing(prefixed(EN_LENGTH_U16, EN_LITTLE_ENDIAN, 0, 0), LITERAL("abc"),
                  LITERAL("\003\0abc"));
    check_framing(prefixed(EN_LENGTH_U16, EN_LITTLE_ENDIAN, 1, 0), LITERAL("abc"),
                  LITERAL("\005\0abc"));
    check_framing(prefixed(EN_LENGTH_U32, EN_BIG_ENDIAN, 1, 0), LITERAL("abc"),
                  LITERAL("\0\0\0\007abc"));
    check_framing(prefixed(EN_LENGTH_U32, EN_LITTLE_ENDIAN, 0, 0), LITERAL("abc"),
                  LITERAL("\003\0\0\0abc"));
    check_framing(prefixed(EN_LENGTH_U64, EN_BIG_ENDIAN, 0, 0), LITERAL("abc"),
                  LITERAL("\0\0\0\0\0\0\0\003abc"));
    check_framing(prefixed(EN_LENGTH_U64, EN_LITTLE_ENDIAN, 1, 0), LITERAL("abc"),
                  LITERAL("\013\0\0\0\0\0\0\0abc"));
    check_framing(prefixed(EN_LENGTH_VARINT, 0, 0, 0), LITERAL("abc"), LITERAL("\003abc"));
    check_framing(prefixed(EN_LENGTH_VARINT, 0, 1, 0), LITERAL("abc"), LITERAL("\004abc"));
    check_framing(prefixed(EN_LENGTH_U16, EN_BIG_ENDIAN, 0, 0), "", 0, LITERAL("\0\0"));
}

static void long_lengths(void)
{
    char bytes[302];
    protocol_t *protocol = NULL;

    memset(bytes, 'x', sizeof(bytes));
    memcpy(bytes, "\xac\x02", 2);
    check_framing(prefixed(EN_LENGTH_VARINT, 0, 0, 0), bytes + 2, 300, bytes, 302);
    memcpy(bytes, "\x01\x2c", 2);
    check_framing(prefixed(EN_LENGTH_U16, EN_BIG_ENDIAN, 0, 0), bytes + 2, 300, bytes, 302);
    CHECK_CODE(en_stream_protocol_new_length_prefixed(&protocol, 3, 0, 0, 0), EN_EINVAL);
    CHECK_CODE(en_stream_protocol_new_length_prefixed(&protocol, EN_LENGTH_U16, 2, 0, 0),
               EN_EINVAL);
}

static void a_length_that_does_not_fit_is_not_sent(void)
{
    static char packet[256];
    wire_t wire;

    wire_open(&wire, prefixed(EN_LENGTH_U8, 0, 0, 0), NULL);
    CHECK_CODE(en_tcp_client_send_packet(wire.client, packet, 256, 1000), EN_EMSGSIZE);
    CHECK_OK(en_tcp_client_send_packet(wire.client, packet, 255, 1000));
    wire_close(&wire);
}

/* The length on the wire breaks the stream: the packet before is received, and every later receive
 * answers the code. */
static void check_broken(protocol_t *protocol, const void *good, size_t good_size, const void *bad,
                         size_t bad_size, int code)
{
    wire_t wire;

    wire_open(&wire, protocol, NULL);
    peer_send(wire.fd, good, good_size);
    peer_send(wire.fd, bad, bad_size);
    peer_send(wire.fd, good, good_size);
    CHECK_RECV(wire.client, "abc");
    for (int i = 0; i < 3; i++)
        CHECK_RECV_FAILS(wire.client, 1000, code);
    CHECK_MESSAGE("decode");
    CHECK_OK(send_text(wire.client, "x")); /* the other direction is fine */
    wire_close(&wire);
}

static void lengths_that_cannot_be(void)
{
    check_broken(prefixed(EN_LENGTH_U8, 0, 0, 4), LITERAL("\003abc"), LITERAL("\005"), EN_EMSGSIZE);
    check_broken(prefixed(EN_LENGTH_U64, 0, 0, 0), LITERAL("\0\0\0\0\0\0\0\003abc"),
                 LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff"), EN_EMSGSIZE);
    check_broken(prefixed(EN_LENGTH_U16, 0, 1, 0), LITERAL("\0\005abc"), LITERAL("\0\001"),
                 EN_EBADMSG);
    check_broken(prefixed(EN_LENGTH_VARINT, 0, 0, 0), LITERAL("\003abc"),
                 LITERAL("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), EN_EBADMSG);
}

static void fixed_sizes(void)
{
    protocol_t *protocol = NULL;
    wire_t wire;

    REQUIRE_OK(en_stream_protocol_new_fixed(&protocol, 4));
    check_framing(protocol, "abcd", 4, "abcd", 4);
    REQUIRE_OK(en_stream_protocol_new_fixed(&protocol, 4));
    wire_open(&wire, protocol, NULL);
    CHECK_CODE(send_text(wire.client, "abc"), EN_EINVAL);
    CHECK_CODE(send_text(wire.client, "abcde"), EN_EINVAL);
    CHECK_INT(wire_stats(&wire).send_calls, 0);
    wire_close(&wire);
    CHECK_CODE(en_stream_protocol_new_fixed(&protocol, 0), EN_EINVAL);
    CHECK(protocol == NULL);
}

static void raw_bytes(void)
{
    protocol_t *protocol = NULL;
    wire_t wire;

    wire_open(&wire, protocol_raw(), NULL);
    CHECK_OK(send_text(wire.client, "as it is"));
    peer_expect_text(wire.fd, "as it is");
    peer_send_text(wire.fd, "some");
    CHECK_RECV(wire.client, "some");
    peer_send_text(wire.fd, "bytes");
    CHECK_RECV(wire.client, "bytes");
    peer_end(wire.fd);
    CHECK_RECV_FAILS(wire.client, 1000, EN_ECONNABORTED);
    wire_close(&wire);

    REQUIRE_OK(en_stream_protocol_new_raw(&protocol, 4));
    wire_open(&wire, protocol, NULL);
    peer_send_text(wire.fd, "123456");
    CHECK_RECV(wire.client, "1234");
    CHECK_RECV(wire.client, "56");
    wire_close(&wire);
}

static void one_protocol_serves_many_clients(void)
{
    protocol_t *protocol = protocol_line();
    int listener = peer_listen("127.0.0.1", 8);
    en_tcp_client_t *clients[4] = {0};
    int peers[4];

    for (int i = 0; i < 4; i++) {
        CHECK_OK(
            en_tcp_client_connect(&clients[i], "127.0.0.1", peer_port(listener), protocol, NULL));
        peers[i] = peer_accept(listener);
        peer_send_text(peers[i], "ha");
        CHECK_RECV_FAILS(clients[i], 20, EN_ETIMEDOUT);
    }
    en_stream_protocol_free(protocol);
    for (int i = 0; i < 4; i++) {
        char text[] = {(char)('a' + i), '\n', '\0'};
        char want[] = {'h', 'a', (char)('a' + i), '\0'};

        peer_send_text(peers[i], text);
        CHECK_RECV(clients[i], want);
        en_tcp_client_free(clients[i]);
        peer_reset(peers[i]);
    }
    peer_reset(listener);
}

static const test_case_t cases[] = {
    CASE(lines),
    CASE(lines_that_end_either_way),
    CASE(lines_that_only_seem_to_end),
    CASE(lines_that_hold_their_end_are_not_sent),
    CASE(oversized_lines_are_skipped),
    CASE(an_oversized_line_that_arrives_in_parts),
    CASE(a_line_of_just_the_maximum),
    CASE(too_large_to_send),
    CASE(the_maximum_of_the_client_counts_too),
    CASE(delimiters),
    CASE(delimiters_are_not_sent_within_packets),
    CASE(a_packet_whose_end_would_make_a_delimiter),
    CASE(lengths),
    CASE(long_lengths),
    CASE(a_length_that_does_not_fit_is_not_sent),
    CASE(lengths_that_cannot_be),
    CASE(fixed_sizes),
    CASE(raw_bytes),
    CASE(one_protocol_serves_many_clients),
};

TEST_MAIN("protocols")
