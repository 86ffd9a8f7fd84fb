/* Connecting by name: what resolution answers, several addresses, a resolver that hangs. */
#include "async.h"
#include "family.h"
#include "resolver.h"
#include "wire.h"

#include <netdb.h>
#include <unistd.h>

static int dial(en_tcp_client_t **out, const char *name, uint16_t port, en_tcp_options_t *options)
{
    en_stream_protocol_t *protocol = protocol_line();
    int rc = en_tcp_client_connect(out, name, port, protocol, options);

    en_stream_protocol_free(protocol);
    return rc;
}

/* Lets lookups that hang go on; those that begin later find nothing. */
static void let_go(gate_t *gate)
{
    resolver_set("", NULL, EAI_NONAME, NULL);
    gate_open(gate);
    WAIT_FOR(resolver_ended() == resolver_begun());
}

static en_tcp_options_t *timeout_of(int64_t ms)
{
    en_tcp_options_t *options = options_new();

    CHECK_OK(en_tcp_options_set_connect_timeout(options, ms));
    return options;
}

/* Connects to the name, which must lead to this address. */
static void check_leads_to(const char *name, uint16_t port, en_tcp_options_t *options,
                           const char *host)
{
    en_tcp_client_t *client = NULL;
    en_address_t *address = NULL;
    char text[EN_ADDRESS_TEXT_SIZE] = "";
    size_t size = sizeof(text);

    CHECK_OK(dial(&client, name, port, options));
    if (client && CHECK_OK(en_tcp_client_get_remote_address(client, &address))) {
        CHECK_OK(en_address_host(address, text, &size));
        CHECK_TEXT(text, host);
        CHECK_INT(en_address_port(address), port);
    }
    en_address_free(address);
    en_tcp_client_free(client);
}

static void a_name_with_one_address(void)
{
    static const char *const addresses[] = {"127.0.0.1", NULL};
    int listener = peer_listen("127.0.0.1", 8);

    resolver_set("one.test", addresses, 0, NULL);
    check_leads_to("one.test", peer_port(listener), NULL, "127.0.0.1");
    CHECK_INT(resolver_signals_were_blocked(), 1); /* threads of the library take no signals */
    close(listener);
}

static void numbers_are_not_looked_up(void)
{
    int before = resolver_begun();
    int listener = peer_listen("127.0.0.1", 8);

    check_leads_to("127.0.0.1", peer_port(listener), NULL, "127.0.0.1");
    CHECK_INT(resolver_begun(), before);
    close(listener);
}

static void the_next_address_if_one_refuses(void)
{
    static const char *const addresses[] = {"::1", "127.0.0.1", NULL};
    static const char *const two[] = {"127.0.0.2", "127.0.0.3", "127.0.0.1", NULL};
    int listener = peer_listen("127.0.0.1", 8);
    int64_t start = now_ms();

    resolver_set("both.test", addresses, 0, NULL);
    check_leads_to("both.test", peer_port(listener), NULL, "127.0.0.1");
    resolver_set("three.test", two, 0, NULL);
    check_leads_to("three.test", peer_port(listener), NULL, "127.0.0.1");
    CHECK_TOOK(start, 0);
    close(listener);
}

/* The first address is silent. By turns the one of the other family comes second; both it and the
 * one after refuse, and the message lists them in the order of the attempts. */
static void families_take_turns(void)
{
    static const char *const addresses[] = {"127.0.0.1", "127.0.0.2", "::1", NULL};
    en_tcp_options_t *options = timeout_of(400);
    en_tcp_client_t *client = NULL;
    const char *second;
    const char *third;
    silent_peer_t silent;

    silent_peer_open(&silent, "127.0.0.1");
    CHECK_OK(en_tcp_options_set_happy_eyeballs_delay(options, 30));
    resolver_set("mixed.test", addresses, 0, NULL);
    CHECK(dial(&client, "mixed.test", peer_port(silent.listener), options) < 0);
    second = strstr(en_last_error_message(), "[::1]");
    third = strstr(en_last_error_message(), "127.0.0.2");
    CHECK(second && third && second < third);
    en_tcp_options_free(options);
    silent_peer_close(&silent);
}

static void a_local_address_picks_the_family(void)
{
    static const char *const addresses[] = {"::1", "127.0.0.1", NULL};
    static const char *const only_six[] = {"::1", NULL};
    en_tcp_options_t *options = options_new();
    en_tcp_client_t *client = NULL;
    int listener = peer_listen("127.0.0.1", 8);
    int rc;

    CHECK_OK(en_tcp_options_set_local_address(options, "127.0.0.1", 0));
    resolver_set("both.test", addresses, 0, NULL);
    check_leads_to("both.test", peer_port(listener), options, "127.0.0.1");
    resolver_set("six.test", only_six, 0, NULL);
    rc = dial(&client, "six.test", peer_port(listener), options);
    CHECK_CODE(rc, EN_EAFNOSUPPORT);
    CHECK(client == NULL);
    en_tcp_options_free(options);
    close(listener);
}

static void failures_of_resolution(void)
{
    static const struct {
        int eai;
        int code;
    } table[] = {
        {EAI_NONAME, EN_EAI_NONAME},   {EAI_AGAIN, EN_EAI_AGAIN},       {EAI_FAIL, EN_EAI_FAIL},
        {EAI_NODATA, EN_EAI_NODATA},   {EAI_ADDRFAMILY, EN_EAI_FAMILY}, {EAI_FAMILY, EN_EAI_FAMILY},
        {EAI_SERVICE, EN_EAI_SERVICE}, {EAI_MEMORY, EN_EAI_MEMORY},     {EAI_SYSTEM, EN_EAI_SYSTEM},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        en_tcp_client_t *client = (en_tcp_client_t *)&table;

        resolver_set("bad.test", NULL, table[i].eai, NULL);
        CHECK_CODE(dial(&client, "bad.test", 80, NULL), table[i].code);
        CHECK(client == NULL);
        CHECK_MESSAGE("resolve");
        CHECK_MESSAGE("bad.test");
    }
}

static void a_resolver_that_hangs(void)
{
    static const char *const addresses[] = {"127.0.0.1", NULL};
    en_tcp_options_t *options = timeout_of(250);
    en_tcp_client_t *client = NULL;
    gate_t gate = {0};
    int ended = resolver_ended();
    int64_t start = now_ms();

    resolver_set("hang.test", addresses, 0, &gate);
    CHECK_CODE(dial(&client, "hang.test", 80, options), EN_ETIMEDOUT);
    CHECK_TOOK(start, 250);
    CHECK_MESSAGE("resolve");
    CHECK_MESSAGE("hang.test");
    CHECK_INT(resolver_ended(), ended); /* it hangs still */
    start = now_ms();
    CHECK_OK(en_tcp_options_set_connect_timeout(options, 0));
    CHECK_CODE(dial(&client, "hang.test", 80, options), EN_ETIMEDOUT);
    CHECK_TOOK(start, 0);
    let_go(&gate);
    en_tcp_options_free(options);
}

static void many_names_that_hang_do_not_hold_up_each_other_for_ever(void)
{
    static const char *const addresses[] = {"127.0.0.1", NULL};
    en_tcp_options_t *options = timeout_of(20);
    int listener = peer_listen("127.0.0.1", 8);
    int threads = thread_count();
    gate_t gate = {0};

    resolver_set("hang.test", addresses, 0, &gate);
    for (int i = 0; i < 100; i++) {
        en_tcp_client_t *client = NULL;

        CHECK_CODE(dial(&client, "hang.test", 80, options), EN_ETIMEDOUT);
    }
    CHECK(thread_count() - threads <= 64); /* a bounded pool */
    let_go(&gate);
    resolver_set("good.test", addresses, 0, NULL);
    check_leads_to("good.test", peer_port(listener), NULL, "127.0.0.1");
    WAIT_FOR(resolver_ended() == resolver_begun());
    en_tcp_options_free(options);
    close(listener);
}

typedef struct {
    en_tcp_options_t *options;
    int rc;
} call_t;

static void connect_hanging(void *arg)
{
    call_t *call = arg;
    en_tcp_client_t *client = NULL;

    call->rc = dial(&client, "hang.test", 80, call->options);
}

static void a_lookup_that_is_cancelled(void)
{
    static const char *const addresses[] = {"127.0.0.1", NULL};
    call_t call = {.options = options_new()};
    en_cancel_t *cancel = NULL;
    gate_t gate = {0};
    int64_t start;
    thread_t thread;

    REQUIRE_OK(en_cancel_new(&cancel));
    CHECK_OK(en_tcp_options_set_cancel(call.options, cancel));
    resolver_set("hang.test", addresses, 0, &gate);
    thread_start(&thread, connect_hanging, &call);
    thread_wait_blocked(&thread);
    start = now_ms();
    CHECK_OK(en_cancel_trigger(cancel));
    thread_join(&thread);
    CHECK_TOOK(start, 0);
    CHECK_CODE(call.rc, EN_ECANCELED);
    let_go(&gate);
    en_tcp_options_free(call.options);
    en_cancel_free(cancel);
}

/* A name server that never says whether there are addresses of IPv6. */
static void ipv4_alone_when_all_take_long(void)
{
    static const char *const addresses[] = {"::1", "127.0.0.1", NULL};
    en_datagram_protocol_t *datagrams = protocol_datagrams();
    int listener = peer_listen("127.0.0.1", 8);
    en_udp_client_t *udp = NULL;
    gate_t gate = {0};
    int64_t start = now_ms();

    resolver_set("lame.test", addresses, 0, &gate);
    check_leads_to("lame.test", peer_port(listener), NULL, "127.0.0.1");
    CHECK_TOOK(start, 500);
    start = now_ms();
    CHECK_OK(en_udp_client_connect(&udp, "lame.test", peer_port(listener), datagrams, NULL));
    CHECK_TOOK(start, 500);
    let_go(&gate);
    en_udp_client_free(udp);
    en_datagram_protocol_free(datagrams);
    close(listener);
}

typedef struct {
    gate_t gate;
    int ended;
} late_t;

/* By IPv4 it refuses, and then the other addresses become known. */
static void open_when_ipv4_was_told(void *arg)
{
    late_t *late = arg;

    WAIT_FOR(resolver_ended() > late->ended);
    gate_open(&late->gate);
}

static void what_becomes_known_later_is_tried_too(void)
{
    static const char *const addresses[] = {"127.0.0.1", "::1", NULL};
    int listener = peer_listen("::1", 8);
    late_t late = {.ended = resolver_ended()};
    thread_t thread;

    resolver_set("late.test", addresses, 0, &late.gate);
    thread_start(&thread, open_when_ipv4_was_told, &late);
    check_leads_to("late.test", peer_port(listener), NULL, "::1");
    thread_join(&thread);
    WAIT_FOR(resolver_ended() == resolver_begun());
    close(listener);
}

/* The peer is known, of IPv6; the name to connect from tells its addresses of IPv4 first. */
static void a_local_name_whose_ipv6_comes_late(void)
{
    static const char *const addresses[] = {"127.0.0.1", "::1", NULL};
    en_stream_protocol_t *lines = protocol_line();
    en_tcp_options_t *options = options_new();
    int listener = peer_listen("::1", 8);
    en_async_tcp_client_t *client = NULL;
    int ended = resolver_ended();
    en_loop_t *loop = loop_new();
    gate_t gate = {0};
    op_t op = {0};

    CHECK_OK(en_tcp_options_set_local_address(options, "here.test", 0));
    resolver_set("here.test", addresses, 0, &gate);
    CHECK_OK(en_async_tcp_client_new(&client, loop, "::1", peer_port(listener), lines, options));
    CHECK_OK(en_async_tcp_client_wait_connected(client, 5000, op_done, &op, NULL));
    while (resolver_ended() == ended)
        en_loop_run_once(loop, 10);
    op_still_waits(loop, &op);
    gate_open(&gate);
    op_wait(loop, &op);
    CHECK_OP(&op, EN_OK);
    WAIT_FOR(resolver_ended() == resolver_begun());
    en_async_tcp_client_free(client);
    en_loop_free(loop);
    en_tcp_options_free(options);
    en_stream_protocol_free(lines);
    close(listener);
}

/* The host has addresses of IPv4; the name to connect from has none yet. */
static void the_name_that_is_waited_for_is_told(void)
{
    static const char *const addresses[] = {"127.0.0.1", NULL};
    en_tcp_options_t *options = timeout_of(800);
    en_tcp_client_t *client = NULL;
    gate_t gate = {0};

    CHECK_OK(en_tcp_options_set_local_address(options, "nowhere.test", 0));
    resolver_set("lame.test", addresses, 0, &gate);
    CHECK_CODE(dial(&client, "lame.test", 80, options), EN_ETIMEDOUT);
    CHECK_MESSAGE("resolve lame.test:80");
    CHECK_MESSAGE("\"nowhere.test\" was being resolved");
    let_go(&gate);
    en_tcp_options_free(options);
}

/* More names than threads ask for both families. */
static void many_names_without_ipv6_at_once(void)
{
    enum { MANY = 20 };
    static const char *const addresses[] = {"127.0.0.1", NULL};
    en_stream_protocol_t *lines = protocol_line();
    int listener = peer_listen("127.0.0.1", MANY);
    en_async_tcp_client_t *clients[MANY] = {NULL};
    en_loop_t *loop = loop_new();
    op_t ops[MANY] = {0};
    gate_t gate = {0};
    int64_t start = now_ms();

    resolver_set("lame.test", addresses, 0, &gate);
    for (int i = 0; i < MANY; i++) {
        CHECK_OK(en_async_tcp_client_new(&clients[i], loop, "lame.test", peer_port(listener), lines,
                                         NULL));
        CHECK_OK(en_async_tcp_client_wait_connected(clients[i], 5000, op_done, &ops[i], NULL));
    }
    for (int i = 0; i < MANY; i++) {
        op_wait(loop, &ops[i]);
        CHECK_OP(&ops[i], EN_OK);
    }
    CHECK_TOOK(start, 500);
    let_go(&gate);
    for (int i = 0; i < MANY; i++)
        en_async_tcp_client_free(clients[i]);
    en_loop_free(loop);
    en_stream_protocol_free(lines);
    close(listener);
}

static void ipv4_alone_on_a_loop(void)
{
    static const char *const addresses[] = {"::1", "127.0.0.1", NULL};
    en_stream_protocol_t *lines = protocol_line();
    int listener = peer_listen("127.0.0.1", 8);
    en_async_tcp_client_t *client = NULL;
    en_loop_t *loop = loop_new();
    gate_t gate = {0};
    op_t op = {0};

    resolver_set("lame.test", addresses, 0, &gate);
    CHECK_OK(en_async_tcp_client_new(&client, loop, "lame.test", peer_port(listener), lines, NULL));
    CHECK_OK(en_async_tcp_client_wait_connected(client, 5000, op_done, &op, NULL));
    op_wait(loop, &op);
    CHECK_OP(&op, EN_OK);
    let_go(&gate);
    en_async_tcp_client_free(client);
    en_loop_free(loop);
    en_stream_protocol_free(lines);
    close(listener);
}

static void the_deadline_covers_lookup_and_attempts(void)
{
    static const char *const addresses[] = {"127.0.0.1", "127.0.0.2", NULL};
    en_tcp_options_t *options = timeout_of(400);
    en_tcp_client_t *client = NULL;
    silent_peer_t silent;
    char where[64];
    int64_t start;

    silent_peer_open(&silent, "127.0.0.1");
    resolver_set("slow.test", addresses, 0, NULL);
    CHECK_OK(en_tcp_options_set_happy_eyeballs_delay(options, -1));
    start = now_ms();
    CHECK_CODE(dial(&client, "slow.test", peer_port(silent.listener), options), EN_ETIMEDOUT);
    CHECK_TOOK(start, 400);
    snprintf(where, sizeof(where), "127.0.0.1:%u", peer_port(silent.listener));
    CHECK_MESSAGE("slow.test");
    CHECK_MESSAGE(where);
    en_tcp_options_free(options);
    silent_peer_close(&silent);
}

static void every_address_refuses(void)
{
    static const char *const addresses[] = {"127.0.0.1", "127.0.0.2", "127.0.0.3", NULL};
    uint16_t port = peer_refusing_port();
    en_tcp_client_t *client = NULL;

    resolver_set("refusing.test", addresses, 0, NULL);
    CHECK_CODE(dial(&client, "refusing.test", port, NULL), EN_ECONNREFUSED);
    for (int i = 0; addresses[i]; i++) {
        char where[64];

        snprintf(where, sizeof(where), "%s:%u", addresses[i], port);
        CHECK_MESSAGE(where);
    }
    CHECK_MESSAGE("refusing.test");
}

/* A name of UDP's that hangs, blocking and on a loop; there the next attempt goes on from the
 * start. */
static void a_name_of_udp_that_hangs(void)
{
    static const char *const addresses[] = {"127.0.0.1", NULL};
    en_datagram_protocol_t *protocol = NULL;
    en_loop_t *loop = loop_new();
    en_udp_client_t *client = NULL;
    en_async_udp_client_t *twin = NULL;
    en_udp_options_t *options;
    gate_t gate = {0};
    op_t sent = {0}, is_ready = {0};
    int64_t start = now_ms();

    REQUIRE_OK(en_datagram_protocol_new_raw(&protocol, 0));
    REQUIRE_OK(en_udp_options_new(&options));
    CHECK_OK(en_udp_options_set_connect_timeout(options, 250));
    resolver_set("hang.test", addresses, 0, &gate);
    CHECK_CODE(en_udp_client_connect(&client, "hang.test", 80, protocol, options), EN_ETIMEDOUT);
    CHECK_TOOK(start, 250);
    CHECK_MESSAGE("resolve hang.test");
    REQUIRE_OK(en_async_udp_client_new(&twin, loop, "hang.test", 80, protocol, options));
    start = now_ms();
    CHECK_OK(en_async_udp_client_send_packet(twin, "x", 1, 20, op_done, &sent, NULL));
    CHECK_OK(en_async_udp_client_wait_connected(twin, 20000, op_done, &is_ready, NULL));
    op_wait(loop, &sent);
    CHECK_TOOK(start, 20);
    CHECK_OP(&sent, EN_ETIMEDOUT);
    op_wait(loop, &is_ready);
    CHECK_TOOK(start, 250);
    CHECK_OP(&is_ready, EN_ETIMEDOUT);
    CHECK_HAS(is_ready.message, "resolve hang.test");
    let_go(&gate);
    resolver_set("hang.test", addresses, 0, NULL);
    memset(&is_ready, 0, sizeof(is_ready));
    CHECK_OK(en_async_udp_client_wait_connected(twin, 20000, op_done, &is_ready, NULL));
    op_wait(loop, &is_ready);
    CHECK_OP(&is_ready, EN_OK);
    en_async_udp_client_free(twin);
    en_udp_options_free(options);
    en_datagram_protocol_free(protocol);
    en_loop_free(loop);
}

static const test_case_t cases[] = {
    CASE(a_name_with_one_address),
    CASE(numbers_are_not_looked_up),
    CASE(the_next_address_if_one_refuses),
    CASE(families_take_turns),
    CASE(a_local_address_picks_the_family),
    CASE(failures_of_resolution),
    CASE(a_resolver_that_hangs),
    CASE(a_name_of_udp_that_hangs),
    CASE(many_names_that_hang_do_not_hold_up_each_other_for_ever),
    CASE(a_lookup_that_is_cancelled),
    CASE(ipv4_alone_when_all_take_long),
    CASE(what_becomes_known_later_is_tried_too),
    CASE(ipv4_alone_on_a_loop),
    CASE(a_local_name_whose_ipv6_comes_late),
    CASE(the_name_that_is_waited_for_is_told),
    CASE(many_names_without_ipv6_at_once),
    CASE(the_deadline_covers_lookup_and_attempts),
    CASE(every_address_refuses),
};

TEST_MAIN("resolve")
