/* Datagram protocols: raw ones with a maximum, and ones made of callbacks. */
#include "family.h"

#include <stdlib.h>
#include <unistd.h>

/* What the callbacks answer, and what they have seen. */
typedef struct {
    int make_answer;
    int build_answer;
    int destroyed;
    size_t largest;
    en_client_t *client;
} plan_t;

static char large[300];

static int make_datagram(const en_slice_t *parts, size_t count, en_frame_t *frame, void *user_data)
{
    plan_t *plan = user_data;

    CHECK_OK(en_frame_append(frame, "<", 1));
    for (size_t i = 0; i < count; i++)
        CHECK_OK(en_frame_append_borrowed(frame, parts[i].data, parts[i].size));
    CHECK_OK(en_frame_append(frame, ">", 1));
    if (plan->make_answer != EN_CALLBACK_DONE)
        en_set_error_message("made by the plan");
    return plan->make_answer;
}

/* "<text>" is the packet "text"; "!" fails as planned; "+" is a larger packet that lies elsewhere;
 * "?" leaves the packet as it is. */
static int build_packet(const uint8_t *data, size_t size, en_slice_t *packet, void *user_data)
{
    plan_t *plan = user_data;

    if (size > 0 && data[0] == '!') {
        en_set_error_message("built by the plan");
        return plan->build_answer;
    }
    if (size > 0 && data[0] == '+')
        *packet = (en_slice_t){large, sizeof(large)};
    else if (size >= 2 && data[0] == '<')
        *packet = (en_slice_t){data + 1, size - 2};
    else if (size > 0 && data[0] == '@')
        CHECK_GET_FAILS(plan->client, 0, EN_EDEADLK);
    return EN_CALLBACK_DONE;
}

static void on_destroy(void *user_data)
{
    ((plan_t *)user_data)->destroyed++;
}

static en_datagram_protocol_t *protocol_plan(plan_t *plan, size_t max_packet_size)
{
    en_datagram_protocol_callbacks_t callbacks = {sizeof(callbacks), make_datagram, build_packet};
    en_datagram_protocol_t *protocol = NULL;

    REQUIRE_OK(en_datagram_protocol_new(&protocol, &callbacks, max_packet_size, on_destroy, plan));
    return protocol;
}

typedef struct {
    int fd;
    en_unix_datagram_client_t *client;
    en_client_t *view;
} pair_t;

static void pair_open(pair_t *pair, en_datagram_protocol_t *protocol)
{
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_unix_datagram_client_from_fd(&pair->client, ends[0], protocol, NULL));
    en_datagram_protocol_free(protocol);
    pair->view = en_unix_datagram_client_as_client(pair->client);
    pair->fd = ends[1];
}

static void pair_close(pair_t *pair)
{
    en_unix_datagram_client_free(pair->client);
    close(pair->fd);
}

static void datagram(pair_t *pair, const char *text)
{
    REQUIRE(send(pair->fd, text, strlen(text), 0) == (ssize_t)strlen(text));
}

static void both_callbacks(void)
{
    en_slice_t parts[] = {{"a", 1}, {NULL, 0}, {"bc", 2}};
    plan_t plan = {.make_answer = EN_CALLBACK_DONE};
    size_t sent = 0;
    pair_t pair;

    pair_open(&pair, protocol_plan(&plan, 0));
    CHECK_OK(put_text(pair.view, "text"));
    expect_datagram(pair.fd, "<text>", 6);
    CHECK_OK(put_text(pair.view, ""));
    expect_datagram(pair.fd, "<>", 2);
    CHECK_OK(en_unix_datagram_client_send_packet_slices(pair.client, parts, 3, 20000));
    expect_datagram(pair.fd, "<abc>", 5);
    CHECK_OK(en_unix_datagram_client_send_packets(pair.client, parts, 3, 20000, &sent));
    CHECK_INT(sent, 3);
    expect_datagram(pair.fd, "<a>", 3);
    expect_datagram(pair.fd, "<>", 2);
    expect_datagram(pair.fd, "<bc>", 4);
    datagram(&pair, "<one>");
    datagram(&pair, "");
    datagram(&pair, "?");
    datagram(&pair, "+");
    datagram(&pair, "<two>");
    CHECK_GET(pair.view, "one");
    CHECK_GET(pair.view, ""); /* an empty datagram is given to the callback, too */
    CHECK_GET(pair.view, "");
    CHECK_GET_BYTES(pair.view, large, sizeof(large));
    CHECK_GET(pair.view, "two");
    CHECK_INT(plan.destroyed, 0);
    pair_close(&pair);
    CHECK_INT(plan.destroyed, 1);
}

static void make_datagram_fails(void)
{
    static const int codes[] = {EN_EBADMSG, EN_EMSGSIZE, EN_EUSER_BASE - 3};
    plan_t plan = {.make_answer = EN_CALLBACK_DONE};
    pair_t pair;

    pair_open(&pair, protocol_plan(&plan, 0));
    for (size_t i = 0; i < 3; i++) {
        plan.make_answer = codes[i];
        CHECK_CODE(put_text(pair.view, "x"), codes[i]);
        CHECK_MESSAGE("made by the plan");
        expect_no_datagram(pair.fd);
    }
    plan.make_answer = EN_CALLBACK_DONE;
    CHECK_OK(put_text(pair.view, "goes on"));
    expect_datagram(pair.fd, "<goes on>", 9);
    pair_close(&pair);
}

static void build_packet_fails(void)
{
    static const int codes[] = {EN_EBADMSG, EN_EMSGSIZE, EN_EUSER_BASE - 3};
    plan_t plan = {.make_answer = EN_CALLBACK_DONE};
    pair_t pair;

    pair_open(&pair, protocol_plan(&plan, 0));
    for (size_t i = 0; i < 3; i++) {
        plan.build_answer = codes[i];
        datagram(&pair, "!");
        datagram(&pair, "<behind>");
        CHECK_GET_FAILS(pair.view, 20000, codes[i]);
        CHECK_MESSAGE("built by the plan");
        CHECK_GET(pair.view, "behind");
    }
    pair_close(&pair);
}

static void an_error_within_a_batch(void)
{
    plan_t plan = {.make_answer = EN_CALLBACK_DONE, .build_answer = EN_EBADMSG};
    en_packet_t packets[4];
    en_packet_t before[4];
    size_t count = 0;
    pair_t pair;

    pair_open(&pair, protocol_plan(&plan, 0));
    datagram(&pair, "<one>");
    datagram(&pair, "!");
    datagram(&pair, "<three>");
    memset(before, 0xa5, sizeof(before));
    memcpy(packets, before, sizeof(packets));
    CHECK_OK(en_unix_datagram_client_recv_packets(pair.client, packets, 4, 20000, &count));
    CHECK_INT(count, 1);
    CHECK_BYTES(&packets[1], 3 * sizeof(packets[0]), &before[1], 3 * sizeof(before[0]));
    en_packet_release(&packets[0]);
    memcpy(packets, before, sizeof(packets));
    CHECK_CODE(en_unix_datagram_client_recv_packets(pair.client, packets, 4, 20000, &count),
               EN_EBADMSG);
    CHECK_MESSAGE("decode");
    CHECK_INT(count, 0);
    CHECK_BYTES(packets, sizeof(packets), before, sizeof(before));
    CHECK_GET(pair.view, "three");
    pair_close(&pair);
}

static void the_largest_packet(void)
{
    plan_t plan = {.make_answer = EN_CALLBACK_DONE};
    pair_t pair;

    pair_open(&pair, protocol_plan(&plan, 5));
    CHECK_OK(put_text(pair.view, "12345"));
    expect_datagram(pair.fd, "<12345>", 7);
    CHECK_CODE(put_text(pair.view, "123456"), EN_EMSGSIZE);
    expect_no_datagram(pair.fd);
    datagram(&pair, "<12345>");
    datagram(&pair, "<123456>");
    datagram(&pair, "+");
    datagram(&pair, "<next>");
    CHECK_GET(pair.view, "12345");
    CHECK_GET_FAILS(pair.view, 20000, EN_EMSGSIZE);
    CHECK_GET_FAILS(pair.view, 20000, EN_EMSGSIZE);
    CHECK_GET(pair.view, "next");
    pair_close(&pair);
}

static void the_largest_packet_of_raw_ones(void)
{
    en_datagram_protocol_t *protocol = NULL;
    pair_t pair;

    REQUIRE_OK(en_datagram_protocol_new_raw(&protocol, 5));
    pair_open(&pair, protocol);
    CHECK_OK(put_text(pair.view, "12345"));
    expect_datagram(pair.fd, "12345", 5);
    CHECK_CODE(put_text(pair.view, "123456"), EN_EMSGSIZE);
    expect_no_datagram(pair.fd);
    datagram(&pair, "123456");
    datagram(&pair, "next");
    CHECK_GET_FAILS(pair.view, 20000, EN_EMSGSIZE);
    CHECK_GET(pair.view, "next");
    pair_close(&pair);
}

static void the_client_within_a_callback(void)
{
    plan_t plan = {.make_answer = EN_CALLBACK_DONE};
    pair_t pair;

    pair_open(&pair, protocol_plan(&plan, 0));
    plan.client = pair.view;
    datagram(&pair, "@");
    CHECK_GET(pair.view, "");
    pair_close(&pair);
}

static void arguments(void)
{
    en_datagram_protocol_callbacks_t callbacks = {sizeof(callbacks), make_datagram, build_packet};
    en_datagram_protocol_t *protocol = (en_datagram_protocol_t *)large;
    plan_t plan = {.make_answer = EN_CALLBACK_DONE};

    CHECK_CODE(en_datagram_protocol_new_raw(NULL, 0), EN_EINVAL);
    CHECK_CODE(en_datagram_protocol_new(&protocol, NULL, 0, on_destroy, &plan), EN_EINVAL);
    CHECK(protocol == NULL);
    callbacks.build_packet = NULL;
    CHECK_CODE(en_datagram_protocol_new(&protocol, &callbacks, 0, on_destroy, &plan), EN_EINVAL);
    callbacks.build_packet = build_packet;
    callbacks.make_datagram = NULL;
    CHECK_CODE(en_datagram_protocol_new(&protocol, &callbacks, 0, on_destroy, &plan), EN_EINVAL);
    callbacks.make_datagram = make_datagram;
    callbacks.struct_size = 0;
    CHECK_CODE(en_datagram_protocol_new(&protocol, &callbacks, 0, on_destroy, &plan), EN_EINVAL);
    CHECK_INT(plan.destroyed, 0);
    en_datagram_protocol_free(protocol_plan(&plan, 0));
    CHECK_INT(plan.destroyed, 1);
    en_datagram_protocol_free(NULL);
}

static const test_case_t cases[] = {
    CASE(both_callbacks),
    CASE(make_datagram_fails),
    CASE(build_packet_fails),
    CASE_BLOCKING(an_error_within_a_batch),
    CASE(the_largest_packet),
    CASE(the_largest_packet_of_raw_ones),
    CASE(the_client_within_a_callback),
    CASE(arguments),
};

TEST_MAIN("datagram_protocol")
