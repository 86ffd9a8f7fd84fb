/* Codes, their names and texts, and the message of the last failing call. */
#include "wire.h"

#include <errno.h>

static void codes_are_errno_numbers(void)
{
    CHECK_INT(EN_EINVAL, -EINVAL);
    CHECK_INT(EN_ETIMEDOUT, -ETIMEDOUT);
    CHECK_INT(EN_ECONNREFUSED, -ECONNREFUSED);
    CHECK_INT(EN_ECONNABORTED, -ECONNABORTED);
    CHECK_INT(EN_ECONNRESET, -ECONNRESET);
    CHECK_INT(EN_ECLOSED, -EBADFD);
    CHECK_INT(EN_WANT_READ, -EAGAIN);
    CHECK_INT(EN_EPANIC, -ENOTRECOVERABLE);
    CHECK_INT(EN_EFORKED, -EOWNERDEAD);
    CHECK_INT(EN_ECANCELED, -ECANCELED);
    CHECK_INT(EN_EBADMSG, -EBADMSG);
    CHECK_INT(EN_EMSGSIZE, -EMSGSIZE);
    CHECK_INT(EN_EDEADLK, -EDEADLK);
    CHECK_INT(EN_ESHUTDOWN, -ESHUTDOWN);
    CHECK_INT(EN_OK, 0);
}

static void names_and_texts(void)
{
    CHECK_TEXT(en_error_name(EN_OK), "EN_OK");
    CHECK_TEXT(en_error_name(EN_ECONNREFUSED), "EN_ECONNREFUSED");
    CHECK_TEXT(en_error_name(EN_EAI_NONAME), "EN_EAI_NONAME");
    CHECK_TEXT(en_error_name(EN_WANT_WRITE), "EN_WANT_WRITE");
    CHECK_TEXT(en_error_name(EN_EUSER_BASE - 12345), "EN_EUSER");
    CHECK_TEXT(en_error_name(5), "EN_EUNKNOWN");
    CHECK_TEXT(en_error_name(INT32_MAX), "EN_EUNKNOWN");
    CHECK_TEXT(en_strerror(EN_ECONNREFUSED), "connection refused");
    for (int code = -11000; code < 100; code++) {
        CHECK(en_error_name(code) && en_strerror(code));
        CHECK(strlen(en_error_name(code)) > 3 && strlen(en_strerror(code)) > 3);
    }
    CHECK(en_strerror(INT32_MIN) != NULL);
}

static void which_codes_say_that_the_connection_is_over(void)
{
    static const int over[] = {EN_ECONNABORTED,  EN_ETRUNCATED,   EN_ECONNRESET,     EN_EPIPE,
                               EN_ECONNTIMEDOUT, EN_ECONNREFUSED, EN_EHOSTUNREACH,   EN_ENETUNREACH,
                               EN_EHOSTDOWN,     EN_ENETDOWN,     EN_ETLS_TRUNCATED, EN_ENETRESET};

    for (int code = -11000; code < 100; code++) {
        int expected = 0;

        for (size_t i = 0; i < sizeof(over) / sizeof(over[0]); i++)
            expected |= code == over[i];
        CHECK_INT(en_error_is_connection(code), expected);
    }
}

static void look_at_a_new_thread(void *arg)
{
    (void)arg;
    CHECK_TEXT(en_last_error_message(), "");
    CHECK_CODE(en_cancel_new(NULL), EN_EINVAL);
    CHECK(strlen(en_last_error_message()) > 0);
}

static void the_message_belongs_to_the_thread(void)
{
    char before[512];
    thread_t thread;
    en_address_t *address = NULL;

    CHECK_CODE(en_address_new(&address, "not a number", 1), EN_EINVAL);
    snprintf(before, sizeof(before), "%s", en_last_error_message());
    CHECK_HAS(before, "not a number");
    thread_start(&thread, look_at_a_new_thread, NULL);
    thread_join(&thread);
    CHECK_TEXT(en_last_error_message(), before);
}

static void success_leaves_the_message_alone(void)
{
    const char *message;
    en_address_t *address = NULL;
    en_packet_t packet = {0};
    char before[512];
    wire_t wire;

    CHECK_CODE(en_address_new(&address, "the reason", 1), EN_EINVAL);
    message = en_last_error_message();
    snprintf(before, sizeof(before), "%s", message);
    wire_open(&wire, protocol_line(), NULL);
    CHECK_OK(send_text(wire.client, "x"));
    peer_send_text(wire.fd, "y\n");
    CHECK_OK(en_tcp_client_recv_packet(wire.client, 1000, &packet));
    en_packet_release(&packet);
    CHECK_INT(en_tcp_client_is_closed(wire.client), 0);
    CHECK_OK(en_tcp_client_close(wire.client));
    CHECK_INT(en_tcp_client_fileno(wire.client), -1);
    en_set_error_message("only for callbacks");
    en_set_error_message(NULL);
    wire_close(&wire);
    CHECK(en_last_error_message() == message); /* still valid */
    CHECK_TEXT(en_last_error_message(), before);
}

static void messages_say_stage_address_and_reason(void)
{
    char where[64];
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    snprintf(where, sizeof(where), "127.0.0.1:%u", wire.port);
    CHECK_RECV_FAILS(wire.client, 0, EN_ETIMEDOUT);
    CHECK_MESSAGE("receive");
    CHECK_MESSAGE(where);
    CHECK_MESSAGE("EN_ETIMEDOUT");
    CHECK_CODE(send_text(wire.client, "a\nb"), EN_EINVAL);
    CHECK_MESSAGE("encode");
    CHECK_MESSAGE(where);
    CHECK_MESSAGE("the packet holds");
    wire_reset_peer(&wire);
    wire_wait_arrived(&wire);
    CHECK_RECV_FAILS(wire.client, 1000, EN_ECONNRESET);
    CHECK_MESSAGE("receive");
    CHECK_MESSAGE(where);
    CHECK_MESSAGE("reset");
    CHECK_MESSAGE("errno 104");
    CHECK_OK(en_tcp_client_close(wire.client));
    CHECK_CODE(send_text(wire.client, "x"), EN_ECLOSED);
    CHECK_MESSAGE("closed");
    wire_close(&wire);
}

static void arguments_are_named(void)
{
    en_packet_t packet;

    CHECK_CODE(en_tcp_client_recv_packet(NULL, 0, &packet), EN_EINVAL);
    CHECK_MESSAGE("client");
    CHECK_CODE(en_stream_protocol_new_json(NULL, 0), EN_EINVAL);
    CHECK_MESSAGE("out");
}

static void versions(void)
{
    char text[32];

    snprintf(text, sizeof(text), "%d.%d.%d", EN_VERSION_MAJOR, EN_VERSION_MINOR, EN_VERSION_PATCH);
    CHECK_TEXT(en_version_string(), text);
    CHECK_INT(en_version_number(),
              EN_VERSION_MAJOR * 1000000 + EN_VERSION_MINOR * 1000 + EN_VERSION_PATCH);
    CHECK(EN_VERSION_AT_LEAST(EN_VERSION_MAJOR, EN_VERSION_MINOR, EN_VERSION_PATCH));
    CHECK(!EN_VERSION_AT_LEAST(EN_VERSION_MAJOR + 1, 0, 0));
    CHECK(!EN_VERSION_AT_LEAST(EN_VERSION_MAJOR, EN_VERSION_MINOR, EN_VERSION_PATCH + 1));
    CHECK_INT(en_features() & ~(uint64_t)EN_FEATURE_TLS, 0);
}

static const test_case_t cases[] = {
    CASE(codes_are_errno_numbers),
    CASE(names_and_texts),
    CASE(which_codes_say_that_the_connection_is_over),
    CASE(the_message_belongs_to_the_thread),
    CASE_BLOCKING(success_leaves_the_message_alone),
    CASE(messages_say_stage_address_and_reason),
    CASE(arguments_are_named),
    CASE(versions),
};

TEST_MAIN("errors")
