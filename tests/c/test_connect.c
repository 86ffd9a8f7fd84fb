/* Connecting: addresses, attempts, time-outs, and what a new client is like. */
#include "wire.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static int connect_with(en_tcp_client_t **out, const char *host, uint16_t port,
                        en_tcp_options_t *options)
{
    en_stream_protocol_t *protocol = protocol_line();
    int rc = en_tcp_client_connect(out, host, port, protocol, options);

    en_stream_protocol_free(protocol);
    return rc;
}

static en_address_t *address(const char *host, uint16_t port)
{
    en_address_t *made;

    REQUIRE_OK(en_address_new(&made, host, port));
    return made;
}

/* Connects to two addresses, which it frees with the options. */
static int connect_two(en_tcp_client_t **out, en_address_t *one, en_address_t *other,
                       en_tcp_options_t *options)
{
    const en_address_t *both[] = {one, other};
    en_stream_protocol_t *protocol = protocol_line();
    int rc = en_tcp_client_connect_addresses(out, both, 2, protocol, options);

    en_stream_protocol_free(protocol);
    en_address_free(one);
    en_address_free(other);
    en_tcp_options_free(options);
    return rc;
}

static void check_address(int (*get)(const en_tcp_client_t *, en_address_t **),
                          en_tcp_client_t *client, const char *host, int port)
{
    char text[EN_ADDRESS_TEXT_SIZE] = "";
    size_t size = sizeof(text);
    en_address_t *found = NULL;

    CHECK_OK(get(client, &found));
    CHECK_OK(en_address_host(found, text, &size));
    CHECK_TEXT(text, host);
    CHECK_INT(en_address_port(found), port);
    en_address_free(found);
}

static void numeric_host(void)
{
    int threads = thread_count();
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    CHECK_INT(thread_count(), threads); /* nothing to resolve, so nobody to do it */
    CHECK_INT(en_tcp_client_is_closed(wire.client), 0);
    CHECK_OK(send_text(wire.client, "hello"));
    peer_expect_text(wire.fd, "hello\n");
    peer_send_text(wire.fd, "there\n");
    CHECK_RECV(wire.client, "there");
    wire_close(&wire);
}

static void addresses_stay_after_reset_and_close(void)
{
    wire_t wire;
    int port;

    wire_open(&wire, protocol_line(), NULL);
    port = peer_port(en_tcp_client_fileno(wire.client));
    check_address(en_tcp_client_get_local_address, wire.client, "127.0.0.1", port);
    check_address(en_tcp_client_get_remote_address, wire.client, "127.0.0.1", wire.port);
    wire_reset_peer(&wire);
    wire_wait_arrived(&wire);
    check_address(en_tcp_client_get_remote_address, wire.client, "127.0.0.1", wire.port);
    CHECK_OK(en_tcp_client_close(wire.client));
    check_address(en_tcp_client_get_local_address, wire.client, "127.0.0.1", port);
    check_address(en_tcp_client_get_remote_address, wire.client, "127.0.0.1", wire.port);
    wire_close(&wire);
}

static void a_new_socket_is_as_promised(void)
{
    int64_t value = 0;
    wire_t wire;
    int fd;

    wire_open(&wire, protocol_line(), NULL);
    fd = en_tcp_client_fileno(wire.client);
    CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    CHECK(!(fcntl(fd, F_GETFL) & O_NONBLOCK));
    CHECK_OK(en_tcp_client_get_option(wire.client, EN_OPTION_NODELAY, &value));
    CHECK_INT(value, 1);
    CHECK_OK(en_tcp_client_get_option(wire.client, EN_OPTION_KEEPALIVE, &value));
    CHECK_INT(value, 1);
    CHECK_INT(en_client_fileno(en_tcp_client_as_client(wire.client)), fd);
    CHECK_INT(en_client_is_closed(en_tcp_client_as_client(wire.client)), 0);
    CHECK(en_tcp_client_as_client(NULL) == NULL);
    CHECK_OK(en_tcp_client_close(wire.client));
    CHECK_INT(en_tcp_client_fileno(wire.client), -1);
    CHECK_INT(en_client_is_closed(en_tcp_client_as_client(wire.client)), 1);
    wire_close(&wire);
}

static void ipv6(void)
{
    en_tcp_client_t *client = NULL;
    int listener;

    if (!peer_has_ipv6()) { /* then saying so is what can be tested */
        CHECK(connect_with(&client, "::1", 9, NULL) < 0);
        CHECK_MESSAGE("[::1]:9");
        return;
    }
    listener = peer_listen("::1", 4);
    REQUIRE_OK(connect_with(&client, "::1", peer_port(listener), NULL));
    check_address(en_tcp_client_get_remote_address, client, "::1", peer_port(listener));
    en_tcp_client_free(client);
    close(listener);
}

static void refused(void)
{
    uint16_t port = peer_refusing_port();
    en_tcp_client_t *client = (en_tcp_client_t *)&port;
    char where[64];

    CHECK_CODE(connect_with(&client, "127.0.0.1", port, NULL), EN_ECONNREFUSED);
    CHECK(client == NULL);
    snprintf(where, sizeof(where), "127.0.0.1:%u", port);
    CHECK_MESSAGE("connect");
    CHECK_MESSAGE(where);
    CHECK_MESSAGE("refused");
}

static void bad_arguments(void)
{
    en_stream_protocol_t *protocol = protocol_line();
    en_tcp_client_t *client = (en_tcp_client_t *)&protocol;

    CHECK_CODE(en_tcp_client_connect(NULL, "127.0.0.1", 1, protocol, NULL), EN_EINVAL);
    CHECK_CODE(en_tcp_client_connect(&client, NULL, 1, protocol, NULL), EN_EINVAL);
    CHECK(client == NULL);
    client = (en_tcp_client_t *)&protocol;
    CHECK_CODE(en_tcp_client_connect(&client, "127.0.0.1", 1, NULL, NULL), EN_EINVAL);
    CHECK(client == NULL);
    CHECK_CODE(en_tcp_client_connect(&client, "\xff\xfe", 1, protocol, NULL), EN_EINVAL);
    CHECK_CODE(en_tcp_client_connect_addresses(&client, NULL, 1, protocol, NULL), EN_EINVAL);
    CHECK_CODE(en_tcp_client_connect_addresses(&client, NULL, 0, protocol, NULL), EN_EINVAL);
    en_stream_protocol_free(protocol);
}

static void a_host_that_never_answers(void)
{
    en_tcp_client_t *client = NULL;
    en_tcp_options_t *options = options_new();
    silent_peer_t silent;
    int64_t start;
    char where[64];

    silent_peer_open(&silent, "127.0.0.1");
    CHECK_OK(en_tcp_options_set_connect_timeout(options, 300));
    start = now_ms();
    CHECK_CODE(connect_with(&client, "127.0.0.1", peer_port(silent.listener), options),
               EN_ETIMEDOUT);
    CHECK_TOOK(start, 300);
    CHECK(client == NULL);
    snprintf(where, sizeof(where), "127.0.0.1:%u", peer_port(silent.listener));
    CHECK_MESSAGE(where);
    CHECK_OK(en_tcp_options_set_connect_timeout(options, EN_TIMEOUT_NONE));
    start = now_ms();
    CHECK_CODE(connect_with(&client, "127.0.0.1", peer_port(silent.listener), options),
               EN_ETIMEDOUT);
    CHECK_TOOK(start, 0);
    en_tcp_options_free(options);
    silent_peer_close(&silent);
}

static void local_address(void)
{
    en_tcp_options_t *options = options_new();
    wire_t wire;

    CHECK_OK(en_tcp_options_set_local_address(options, "127.0.0.5", 0));
    wire_open(&wire, protocol_line(), options);
    check_address(en_tcp_client_get_local_address, wire.client, "127.0.0.5",
                  peer_port(en_tcp_client_fileno(wire.client)));
    wire_close(&wire);
}

static void local_port_alone(void)
{
    uint16_t port = peer_refusing_port();
    en_tcp_options_t *options = options_new();
    wire_t wire;

    CHECK_OK(en_tcp_options_set_local_address(options, NULL, port));
    wire_open(&wire, protocol_line(), options);
    CHECK_INT(peer_port(en_tcp_client_fileno(wire.client)), port);
    wire_close(&wire);
}

static void local_name(void)
{
    en_tcp_options_t *options = options_new();
    wire_t wire;

    CHECK_OK(en_tcp_options_set_local_address(options, "localhost", 0));
    wire_open(&wire, protocol_line(), options);
    wire_close(&wire);
}

static void local_addresses_that_fail(void)
{
    en_tcp_client_t *client = NULL;
    en_tcp_options_t *options = options_new();
    int listener = peer_listen("127.0.0.1", 4);
    int taken = peer_listen("127.0.0.1", 4);

    CHECK_OK(en_tcp_options_set_local_address(options, "::1", 0));
    CHECK_CODE(connect_with(&client, "127.0.0.1", peer_port(listener), options), EN_EAFNOSUPPORT);
    CHECK_MESSAGE("127.0.0.1");
    CHECK_OK(en_tcp_options_set_local_address(options, "192.0.2.1", 0));
    CHECK_CODE(connect_with(&client, "127.0.0.1", peer_port(listener), options), EN_EADDRNOTAVAIL);
    CHECK_OK(en_tcp_options_set_local_address(options, "127.0.0.1", peer_port(taken)));
    CHECK_CODE(connect_with(&client, "127.0.0.1", peer_port(listener), options), EN_EADDRINUSE);
    CHECK(client == NULL);
    en_tcp_options_free(options);
    close(taken);
    close(listener);
}

/* Link-local addresses are on every link: each of them needs to say on which. */
static void a_link_must_be_named(void)
{
    en_tcp_client_t *client = NULL;
    en_tcp_options_t *options = options_new();

    if (!peer_has_ipv6())
        return;
    CHECK_CODE(connect_with(&client, "fe80::1", 9, NULL), EN_EINVAL);
    CHECK_MESSAGE("[fe80::1]:9: the address is link-local");
    CHECK_MESSAGE("%eth0");
    CHECK_CODE(connect_with(&client, "fe80::1%nowhere0", 9, NULL), EN_ENODEV);
    CHECK_MESSAGE("resolve [fe80::1%nowhere0]:9: ");
    CHECK_OK(en_tcp_options_set_local_address(options, "fe80::1", 0));
    CHECK_CODE(connect_with(&client, "::1", 9, options), EN_EINVAL);
    CHECK_MESSAGE("the local address is link-local");
    en_tcp_options_free(options);
}

/* The only descriptor that is left is for waiting. */
static void a_name_without_a_descriptor_to_look_it_up(void)
{
    en_tcp_client_t *client = NULL;
    struct rlimit all;
    struct rlimit few;
    int free_fd = dup(0);

    REQUIRE(free_fd >= 0 && getrlimit(RLIMIT_NOFILE, &all) == 0);
    close(free_fd);
    few = all;
    few.rlim_cur = (rlim_t)free_fd + 1;
    REQUIRE(setrlimit(RLIMIT_NOFILE, &few) == 0);
    CHECK_CODE(connect_with(&client, "localhost", 9, NULL), EN_EMFILE);
    REQUIRE(setrlimit(RLIMIT_NOFILE, &all) == 0);
    CHECK_MESSAGE("cannot resolve \"localhost\": too many open files");
}

static void a_family_without_local_address_is_skipped(void)
{
    en_tcp_options_t *options = options_new();
    en_tcp_client_t *client = NULL;
    int listener = peer_listen("127.0.0.1", 4);

    CHECK_OK(en_tcp_options_set_local_address(options, "127.0.0.1", 0));
    CHECK_OK(connect_two(&client, address("::1", peer_port(listener)),
                         address("127.0.0.1", peer_port(listener)), options));
    en_tcp_client_free(client);
    close(listener);
}

static void the_next_address_at_once_when_one_fails(void)
{
    en_tcp_options_t *options = options_new();
    en_tcp_client_t *client = NULL;
    int listener = peer_listen("127.0.0.2", 4);
    int64_t start = now_ms();

    CHECK_OK(en_tcp_options_set_happy_eyeballs_delay(options, 20000));
    REQUIRE_OK(connect_two(&client, address("127.0.0.1", peer_refusing_port()),
                           address("127.0.0.2", peer_port(listener)), options));
    CHECK_TOOK(start, 0);
    check_address(en_tcp_client_get_remote_address, client, "127.0.0.2", peer_port(listener));
    en_tcp_client_free(client);
    close(listener);
}

/* Connects past an address that is slow, which is tried alone for so long. */
static void check_beside(en_tcp_options_t *options, int64_t delay_ms)
{
    en_tcp_client_t *client = NULL;
    int listener = peer_listen("127.0.0.2", 4);
    silent_peer_t silent;
    int64_t start;

    silent_peer_open(&silent, "127.0.0.1");
    start = now_ms();
    REQUIRE_OK(connect_two(&client, address("127.0.0.1", peer_port(silent.listener)),
                           address("127.0.0.2", peer_port(listener)), options));
    CHECK_TOOK(start, delay_ms);
    check_address(en_tcp_client_get_remote_address, client, "127.0.0.2", peer_port(listener));
    en_tcp_client_free(client);
    close(listener);
    silent_peer_close(&silent);
}

static void the_next_address_beside_one_that_is_slow(void)
{
    en_tcp_options_t *options = options_new();

    CHECK_OK(en_tcp_options_set_happy_eyeballs_delay(options, 350));
    check_beside(options, 350);
    check_beside(options_new(), 250); /* the default */
}

static void one_at_a_time_if_the_delay_is_negative(void)
{
    en_tcp_options_t *options = options_new();
    en_tcp_client_t *client = NULL;
    int listener = peer_listen("127.0.0.2", 4);
    silent_peer_t silent;
    int64_t start;

    silent_peer_open(&silent, "127.0.0.1");
    CHECK_OK(en_tcp_options_set_happy_eyeballs_delay(options, -1));
    CHECK_OK(en_tcp_options_set_connect_timeout(options, 700));
    start = now_ms();
    CHECK_CODE(connect_two(&client, address("127.0.0.1", peer_port(silent.listener)),
                           address("127.0.0.2", peer_port(listener)), options),
               EN_ETIMEDOUT);
    CHECK_TOOK(start, 700);
    en_tcp_client_free(client);
    close(listener);
    silent_peer_close(&silent);
}

typedef struct {
    silent_peer_t *one;
    silent_peer_t *other;
    en_tcp_client_t *client;
    int rc;
} race_t;

static void run_race(void *arg)
{
    race_t *race = arg;
    en_tcp_options_t *options = options_new();

    CHECK_OK(en_tcp_options_set_happy_eyeballs_delay(options, 20));
    race->rc = connect_two(&race->client, address("127.0.0.1", peer_port(race->one->listener)),
                           address("127.0.0.2", peer_port(race->other->listener)), options);
}

static void an_earlier_attempt_stays_alive(void)
{
    silent_peer_t one;
    silent_peer_t other;
    race_t race = {.one = &one, .other = &other};
    thread_t thread;

    silent_peer_open(&one, "127.0.0.1");
    silent_peer_open(&other, "127.0.0.2");
    thread_start(&thread, run_race, &race);
    thread_wait_blocked(&thread); /* no timer is left: both attempts are under way */
    pause_ms(60);
    thread_wait_blocked(&thread);
    silent_peer_wake(&one);
    thread_join(&thread);
    CHECK_OK(race.rc);
    if (race.client)
        check_address(en_tcp_client_get_remote_address, race.client, "127.0.0.1",
                      peer_port(one.listener));
    en_tcp_client_free(race.client);
    silent_peer_close(&one);
    silent_peer_close(&other);
}

static void each_failed_address_is_named(void)
{
    uint16_t one = peer_refusing_port();
    en_tcp_client_t *client = NULL;
    silent_peer_t silent;
    en_tcp_options_t *options = options_new();
    en_stream_protocol_t *protocol = protocol_line();
    en_address_t *only = address("127.0.0.1", one);
    char where[64];

    CHECK_CODE(en_tcp_client_connect_addresses(&client, (const en_address_t *const *)&only, 1,
                                               protocol, NULL),
               EN_ECONNREFUSED);
    en_stream_protocol_free(protocol);
    snprintf(where, sizeof(where), "connect 127.0.0.1:%u: connection refused", one);
    CHECK_MESSAGE(where);
    en_address_free(only);
    CHECK_CODE(connect_with(&client, "localhost", one, NULL), EN_ECONNREFUSED);
    snprintf(where, sizeof(where), "localhost:%u: ", one);
    CHECK_MESSAGE(where);
    snprintf(where, sizeof(where), "127.0.0.1:%u: connection refused", one);
    CHECK_MESSAGE(where);
    CHECK_CODE(connect_two(&client, address("127.0.0.1", one), address("127.0.0.2", one), NULL),
               EN_ECONNREFUSED);
    snprintf(where, sizeof(where), "127.0.0.1:%u", one);
    CHECK_MESSAGE(where);
    snprintf(where, sizeof(where), "127.0.0.2:%u", one);
    CHECK_MESSAGE(where);
    CHECK_MESSAGE("refused");

    silent_peer_open(&silent, "127.0.0.3");
    CHECK_OK(en_tcp_options_set_connect_timeout(options, 200));
    CHECK(connect_two(&client, address("127.0.0.1", one),
                      address("127.0.0.3", peer_port(silent.listener)), options) < 0);
    snprintf(where, sizeof(where), "127.0.0.1:%u", one);
    CHECK_MESSAGE(where);
    snprintf(where, sizeof(where), "127.0.0.3:%u", peer_port(silent.listener));
    CHECK_MESSAGE(where);
    silent_peer_close(&silent);
}

static void options_serve_many_clients(void)
{
    en_tcp_options_t *options = options_new();
    en_tcp_client_t *one = NULL;
    en_tcp_client_t *other = NULL;
    int listener = peer_listen("127.0.0.1", 4);
    size_t size = 0;

    CHECK_OK(en_tcp_options_set_max_recv_size(options, 1000));
    CHECK_OK(connect_with(&one, "127.0.0.1", peer_port(listener), options));
    CHECK_OK(en_tcp_options_set_max_recv_size(options, 2000));
    CHECK_OK(connect_with(&other, "127.0.0.1", peer_port(listener), options));
    en_tcp_options_free(options);
    CHECK_OK(en_tcp_client_max_recv_size(one, &size));
    CHECK_INT(size, 1000);
    CHECK_OK(en_tcp_client_max_recv_size(other, &size));
    CHECK_INT(size, 2000);
    en_tcp_client_free(one);
    en_tcp_client_free(other);
    close(listener);
}

static const test_case_t cases[] = {
    CASE_BLOCKING(numeric_host),
    CASE(addresses_stay_after_reset_and_close),
    CASE(a_new_socket_is_as_promised),
    CASE(ipv6),
    CASE(refused),
    CASE_BLOCKING(bad_arguments),
    CASE(a_host_that_never_answers),
    CASE(local_address),
    CASE(local_port_alone),
    CASE(local_name),
    CASE(local_addresses_that_fail),
    CASE(a_link_must_be_named),
    CASE_BLOCKING(a_name_without_a_descriptor_to_look_it_up),
    CASE_BLOCKING(a_family_without_local_address_is_skipped),
    CASE_BLOCKING(the_next_address_at_once_when_one_fails),
    CASE_BLOCKING(the_next_address_beside_one_that_is_slow),
    CASE_BLOCKING(one_at_a_time_if_the_delay_is_negative),
    CASE_BLOCKING(an_earlier_attempt_stays_alive),
    CASE_BLOCKING(each_failed_address_is_named),
    CASE_BLOCKING(options_serve_many_clients),
};

TEST_MAIN("connect")
