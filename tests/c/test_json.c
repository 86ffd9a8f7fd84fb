/* JSON texts over the wire. */
#include "wire.h"

#include <stdlib.h>

static void texts_go_out_with_a_newline(void)
{
    wire_t wire;

    wire_open(&wire, protocol_json(), NULL);
    CHECK_OK(send_text(wire.client, "{\"data\": 42}"));
    CHECK_OK(send_text(wire.client, "42"));
    CHECK_OK(send_text(wire.client, "not checked"));
    peer_expect_text(wire.fd, "{\"data\": 42}\n42\nnot checked\n");
    wire_close(&wire);
}

static void texts_of_every_kind(void)
{
    static const char *texts[] = {
        "{}",
        "[]",
        "\"\"",
        "0",
        "-1.5e+3",
        "true",
        "false",
        "null",
        "{\"a\":[1,{\"b\":\"}]\"}]}",
        "\"\\\"\\\\ \\u00e9 { [\"",
        "\"\xc3\xa9\"",
    };
    wire_t wire;

    wire_open(&wire, protocol_json(), NULL);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        char bytes[64];

        snprintf(bytes, sizeof(bytes), " \t\r\n%s \n", texts[i]);
        peer_send_text(wire.fd, bytes);
        CHECK_RECV(wire.client, texts[i]);
    }
    wire_close(&wire);
}

static void texts_without_anything_between(void)
{
    wire_t wire;

    wire_open(&wire, protocol_json(), NULL);
    peer_send_text(wire.fd, "{}[]\"a\"{\"b\":1}1 2 true[3]");
    CHECK_RECV(wire.client, "{}");
    CHECK_RECV(wire.client, "[]");
    CHECK_RECV(wire.client, "\"a\"");
    CHECK_RECV(wire.client, "{\"b\":1}");
    CHECK_RECV(wire.client, "1");
    CHECK_RECV(wire.client, "2");
    CHECK_RECV(wire.client, "true");
    CHECK_RECV(wire.client, "[3]");
    wire_close(&wire);
}

static void texts_byte_by_byte(void)
{
    static const char *texts[] = {"{\"a\": [1, \"\\\"]\"]}", "\"x\\\\\"", "[[[[]]]]"};
    wire_t wire;

    wire_open(&wire, protocol_json(), NULL);
    for (size_t i = 0; i < 3; i++) {
        wire_feed_bytewise(&wire, texts[i], strlen(texts[i]));
        CHECK_RECV(wire.client, texts[i]);
    }
    wire_feed_bytewise(&wire, "-12.5\n", 6);
    CHECK_RECV(wire.client, "-12.5");
    wire_close(&wire);
}

static void a_number_ended_by_the_stream(void)
{
    wire_t wire;

    wire_open(&wire, protocol_json(), NULL);
    peer_send_text(wire.fd, "1234");
    wire_wait_arrived(&wire);
    CHECK_RECV_FAILS(wire.client, 30, EN_ETIMEDOUT);
    peer_end(wire.fd);
    CHECK_RECV(wire.client, "1234");
    CHECK_RECV_FAILS(wire.client, 1000, EN_ECONNABORTED);
    CHECK_RECV_FAILS(wire.client, 1000, EN_ECONNABORTED);
    wire_close(&wire);
}

static void a_number_cut_off_by_a_reset(void)
{
    wire_t wire;

    wire_open(&wire, protocol_json(), NULL);
    peer_send_text(wire.fd, "[1]1234");
    wire_wait_arrived(&wire);
    wire_reset_peer(&wire);
    CHECK_RECV(wire.client, "[1]");
    CHECK_RECV_FAILS(wire.client, 1000, EN_ECONNRESET); /* who knows what was to follow */
    CHECK_RECV_FAILS(wire.client, 1000, EN_ECONNRESET);
    wire_close(&wire);
}

static void white_space_before_the_end_is_nothing(void)
{
    wire_t wire;

    wire_open(&wire, protocol_json(), NULL);
    peer_send_text(wire.fd, "{} \r\n\t ");
    peer_end(wire.fd);
    CHECK_RECV(wire.client, "{}");
    CHECK_RECV_FAILS(wire.client, 1000, EN_ECONNABORTED);
    wire_close(&wire);
}

static void a_text_cut_off_by_the_end(void)
{
    wire_t wire;

    wire_open(&wire, protocol_json(), NULL);
    peer_send_text(wire.fd, "{\"a\": ");
    peer_end(wire.fd);
    CHECK_RECV_FAILS(wire.client, 1000, EN_ETRUNCATED);
    wire_close(&wire);
}

static void bad_texts_are_skipped_to_the_next_line(void)
{
    static const char *bad[] = {
        "nonsense", "{]",       "[}",       "]",      "tru3", "1.2.3",
        "--1",      "\"a\tb\"", "'single'", "[1, 2}", "nul",
    };
    wire_t wire;

    wire_open(&wire, protocol_json(), NULL);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char bytes[64];

        snprintf(bytes, sizeof(bytes), "[1]\n%s\n{\"next\": %d}\n", bad[i], (int)i);
        peer_send_text(wire.fd, bytes);
        CHECK_RECV(wire.client, "[1]");
        if (!CHECK_RECV_FAILS(wire.client, 2000, EN_EBADMSG))
            fprintf(stderr, "  the bad text is %s\n", bad[i]);
        CHECK_MESSAGE("decode");
        snprintf(bytes, sizeof(bytes), "{\"next\": %d}", (int)i);
        CHECK_RECV(wire.client, bytes);
    }
    wire_close(&wire);
}

static void a_bad_text_whose_line_ends_later(void)
{
    wire_t wire;

    wire_open(&wire, protocol_json(), NULL);
    peer_send_text(wire.fd, "oops and");
    CHECK_RECV_FAILS(wire.client, 2000, EN_EBADMSG);
    peer_send_text(wire.fd, " more {}");
    wire_wait_arrived(&wire);
    CHECK_RECV_FAILS(wire.client, 30, EN_ETIMEDOUT);
    peer_send_text(wire.fd, " of it\n[2]\n");
    CHECK_RECV(wire.client, "[2]");
    wire_close(&wire);
}

static void oversized_texts_are_skipped(void)
{
    en_stream_protocol_t *protocol = NULL;
    wire_t wire;

    REQUIRE_OK(en_stream_protocol_new_json(&protocol, 10));
    wire_open(&wire, protocol, NULL);
    peer_send_text(wire.fd, "[1,2,3,4,5,6,7]\n[1,2,3,45]\n");
    CHECK_RECV_FAILS(wire.client, 1000, EN_EMSGSIZE);
    CHECK_RECV(wire.client, "[1,2,3,45]");
    peer_send_text(wire.fd, "\"a string that is too long\" {}\n");
    CHECK_RECV_FAILS(wire.client, 1000, EN_EMSGSIZE);
    CHECK_RECV(wire.client, "{}");
    CHECK_CODE(send_text(wire.client, "[1,2,3,4,5,6,7]"), EN_EMSGSIZE);
    wire_close(&wire);
}

static char *nested(size_t depth)
{
    char *text = malloc(2 * depth + 2);

    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    strcpy(text + 2 * depth, "\n");
    return text;
}

static void nesting_has_an_end(void)
{
    char *good = nested(1024);
    char *bad = nested(1025);
    wire_t wire;

    wire_open(&wire, protocol_json(), NULL);
    peer_send_text(wire.fd, good);
    CHECK_RECV_BYTES(wire.client, good, 2048);
    peer_send_text(wire.fd, bad);
    CHECK_RECV_FAILS(wire.client, 2000, EN_EBADMSG);
    peer_send_text(wire.fd, "1\n");
    CHECK_RECV(wire.client, "1");
    wire_close(&wire);
    free(good);
    free(bad);
}

static const test_case_t cases[] = {
    CASE(texts_go_out_with_a_newline),
    CASE(texts_of_every_kind),
    CASE(texts_without_anything_between),
    CASE(texts_byte_by_byte),
    CASE(a_number_ended_by_the_stream),
    CASE(a_number_cut_off_by_a_reset),
    CASE(white_space_before_the_end_is_nothing),
    CASE(a_text_cut_off_by_the_end),
    CASE(bad_texts_are_skipped_to_the_next_line),
    CASE(a_bad_text_whose_line_ends_later),
    CASE(oversized_texts_are_skipped),
    CASE(nesting_has_an_end),
};

TEST_MAIN("json")
