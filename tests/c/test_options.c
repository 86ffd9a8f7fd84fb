/* Socket options, typed and raw, options of new clients, and statistics. */
#include "families.h"
#include "wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

static int64_t option_of(wire_t *wire, int option)
{
    int64_t value = -77;

    CHECK_OK(en_tcp_client_get_option(wire->client, option, &value));
    return value;
}

/* What the system itself says about the client's descriptor. */
static int system_option(wire_t *wire, int level, int name)
{
    int value = -77;
    socklen_t size = sizeof(value);

    REQUIRE(getsockopt(en_tcp_client_fileno(wire->client), level, name, &value, &size) == 0);
    return value;
}

static void typed_options(void)
{
    static const struct {
        int option;
        int64_t value;
        int level;
        int name;
    } table[] = {
        {EN_OPTION_NODELAY, 0, IPPROTO_TCP, TCP_NODELAY},
        {EN_OPTION_NODELAY, 1, IPPROTO_TCP, TCP_NODELAY},
        {EN_OPTION_KEEPALIVE, 0, SOL_SOCKET, SO_KEEPALIVE},
        {EN_OPTION_KEEPALIVE, 1, SOL_SOCKET, SO_KEEPALIVE},
        {EN_OPTION_KEEPALIVE_IDLE, 77, IPPROTO_TCP, TCP_KEEPIDLE},
        {EN_OPTION_KEEPALIVE_INTERVAL, 7, IPPROTO_TCP, TCP_KEEPINTVL},
        {EN_OPTION_KEEPALIVE_COUNT, 5, IPPROTO_TCP, TCP_KEEPCNT},
        {EN_OPTION_USER_TIMEOUT, 12345, IPPROTO_TCP, TCP_USER_TIMEOUT},
        {EN_OPTION_REUSE_ADDRESS, 1, SOL_SOCKET, SO_REUSEADDR},
        {EN_OPTION_REUSE_PORT, 1, SOL_SOCKET, SO_REUSEPORT},
    };
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        CHECK_OK(en_tcp_client_set_option(wire.client, table[i].option, table[i].value));
        CHECK_INT(option_of(&wire, table[i].option), table[i].value);
        CHECK_INT(system_option(&wire, table[i].level, table[i].name), table[i].value);
    }
    wire_close(&wire);
}

static void lingering(void)
{
    struct linger linger = {0};
    socklen_t size = sizeof(linger);
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    CHECK_INT(option_of(&wire, EN_OPTION_LINGER), -1);
    CHECK_OK(en_tcp_client_set_option(wire.client, EN_OPTION_LINGER, 3));
    CHECK_INT(option_of(&wire, EN_OPTION_LINGER), 3);
    REQUIRE(getsockopt(en_tcp_client_fileno(wire.client), SOL_SOCKET, SO_LINGER, &linger, &size) ==
            0);
    CHECK(linger.l_onoff && linger.l_linger == 3);
    CHECK_OK(en_tcp_client_set_option(wire.client, EN_OPTION_LINGER, -1));
    CHECK_INT(option_of(&wire, EN_OPTION_LINGER), -1);
    wire_close(&wire);
}

static void buffer_sizes(void)
{
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    CHECK_OK(en_tcp_client_set_option(wire.client, EN_OPTION_RECEIVE_BUFFER, 20000));
    CHECK(option_of(&wire, EN_OPTION_RECEIVE_BUFFER) >= 20000);
    CHECK_OK(en_tcp_client_set_option(wire.client, EN_OPTION_SEND_BUFFER, 30000));
    CHECK(option_of(&wire, EN_OPTION_SEND_BUFFER) >= 30000);
    wire_close(&wire);
}

static void values_that_cannot_be(void)
{
    int64_t value = 77;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    CHECK_CODE(en_tcp_client_set_option(wire.client, 0, 1), EN_EINVAL);
    CHECK_CODE(en_tcp_client_set_option(wire.client, 9999, 1), EN_EINVAL);
    CHECK_CODE(en_tcp_client_get_option(wire.client, 9999, &value), EN_EINVAL);
    CHECK_INT(value, 77);
    CHECK_CODE(en_tcp_client_get_option(wire.client, EN_OPTION_NODELAY, NULL), EN_EINVAL);
    CHECK_CODE(en_tcp_client_set_option(wire.client, EN_OPTION_NODELAY, 2), EN_EINVAL);
    CHECK_CODE(en_tcp_client_set_option(wire.client, EN_OPTION_NODELAY, INT64_MAX), EN_EINVAL);
    CHECK_CODE(en_tcp_client_set_option(wire.client, EN_OPTION_KEEPALIVE_IDLE, -1), EN_EINVAL);
    CHECK_CODE(en_tcp_client_set_option(wire.client, EN_OPTION_KEEPALIVE_COUNT, 128), EN_EINVAL);
    CHECK_CODE(en_tcp_client_set_option(wire.client, EN_OPTION_LINGER, -2), EN_EINVAL);
    CHECK_CODE(en_tcp_client_set_option(wire.client, EN_OPTION_SEND_BUFFER, (int64_t)INT32_MAX + 1),
               EN_EINVAL);
    CHECK_INT(option_of(&wire, EN_OPTION_NODELAY), 1);
    wire_close(&wire);
}

static void raw_options(void)
{
    int value = 0;
    size_t size = sizeof(value);
    struct timeval time = {5, 0};
    char large[8];
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    CHECK_OK(en_tcp_client_getsockopt(wire.client, SOL_SOCKET, SO_TYPE, &value, &size));
    CHECK_INT(value, SOCK_STREAM);
    CHECK_INT(size, sizeof(int));
    value = 4321;
    CHECK_OK(en_tcp_client_setsockopt(wire.client, IPPROTO_TCP, TCP_USER_TIMEOUT, &value,
                                      sizeof(value)));
    CHECK_INT(option_of(&wire, EN_OPTION_USER_TIMEOUT), 4321);
    CHECK_CODE(en_tcp_client_setsockopt(wire.client, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time)),
               EN_EINVAL);
    CHECK_CODE(en_tcp_client_setsockopt(wire.client, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time)),
               EN_EINVAL);
    size = sizeof(value);
    CHECK_CODE(en_tcp_client_getsockopt(wire.client, SOL_SOCKET, 9999, &value, &size),
               EN_ENOPROTOOPT);
    CHECK_INT(value, 4321); /* only success writes */
    memset(large, 'x', sizeof(large));
    size = sizeof(large);
    CHECK_OK(en_tcp_client_getsockopt(wire.client, SOL_SOCKET, SO_TYPE, large, &size));
    CHECK_BYTES(large + size, 4, "xxxx", 4);
    CHECK_CODE(en_tcp_client_setsockopt(wire.client, IPPROTO_TCP, 9999, &value, sizeof(value)),
               EN_ENOPROTOOPT);
    CHECK_CODE(en_tcp_client_setsockopt(wire.client, IPPROTO_TCP, TCP_NODELAY, &value, 1),
               EN_EINVAL);
    CHECK_CODE(en_tcp_client_getsockopt(wire.client, SOL_SOCKET, SO_TYPE, NULL, &size), EN_EINVAL);
    CHECK_CODE(en_tcp_client_getsockopt(wire.client, SOL_SOCKET, SO_TYPE, &value, NULL), EN_EINVAL);
    wire_close(&wire);
}

static void options_of_new_clients(void)
{
    en_tcp_options_t *options = options_new();
    wire_t wire;

    CHECK_OK(en_tcp_options_set_keepalive(options, 55, 6, 4));
    CHECK_OK(en_tcp_options_set_user_timeout(options, 23456));
    wire_open(&wire, protocol_line(), options);
    CHECK_INT(system_option(&wire, IPPROTO_TCP, TCP_KEEPIDLE), 55);
    CHECK_INT(system_option(&wire, IPPROTO_TCP, TCP_KEEPINTVL), 6);
    CHECK_INT(system_option(&wire, IPPROTO_TCP, TCP_KEEPCNT), 4);
    CHECK_INT(system_option(&wire, IPPROTO_TCP, TCP_USER_TIMEOUT), 23456);
    CHECK_INT(system_option(&wire, SOL_SOCKET, SO_KEEPALIVE), 1);
    wire_close(&wire);
    /* 0 is as the system has it, whatever was set before. */
    options = options_new();
    CHECK_OK(en_tcp_options_set_user_timeout(options, 23456));
    CHECK_OK(en_tcp_options_set_user_timeout(options, 0));
    wire_open(&wire, protocol_line(), options);
    CHECK_INT(system_option(&wire, IPPROTO_TCP, TCP_USER_TIMEOUT), 0);
    wire_close(&wire);
}

static void options_that_cannot_be(void)
{
    en_tcp_options_t *options = options_new();

    CHECK_CODE(en_tcp_options_new(NULL), EN_EINVAL);
    CHECK_CODE(en_tcp_options_set_keepalive(options, 32768, 0, 0), EN_EINVAL);
    CHECK_CODE(en_tcp_options_set_keepalive(options, 0, 32768, 0), EN_EINVAL);
    CHECK_CODE(en_tcp_options_set_keepalive(options, 0, 0, 128), EN_EINVAL);
    CHECK_OK(en_tcp_options_set_keepalive(options, 32767, 32767, 127));
    CHECK_CODE(en_tcp_options_set_user_timeout(options, 2147483648u), EN_EINVAL);
    CHECK_OK(en_tcp_options_set_user_timeout(options, 2147483647u));
    CHECK_CODE(en_tcp_options_set_connect_timeout(NULL, 1), EN_EINVAL);
    CHECK_CODE(en_tcp_options_set_local_address(NULL, "127.0.0.1", 1), EN_EINVAL);
    en_tcp_options_free(options);
}

static void a_later_user_timeout_declares_the_connection_dead(void)
{
    /* A peer whose window stays shut is such a silence, too. */
    wire_t wire;
    int rc;

    wire_open(&wire, protocol_line(), NULL);
    wire_narrow(&wire);
    wire_fill(&wire);
    CHECK_OK(en_tcp_client_set_option(wire.client, EN_OPTION_USER_TIMEOUT, 200));
    rc = en_tcp_client_send_packet(wire.client, "x", 1, 30000);
    CHECK_CODE(rc, EN_ECONNTIMEDOUT);
    CHECK_INT(en_error_is_connection(rc), 1);
    CHECK_RECV_FAILS(wire.client, 1000, EN_ECONNTIMEDOUT); /* it is not forgotten */
    wire_close(&wire);
}

static void an_error_that_was_asked_for_is_not_lost(void)
{
    int value = 0;
    size_t size = sizeof(value);
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    peer_send_text(wire.fd, "data\n");
    wire_wait_arrived(&wire);
    wire_reset_peer(&wire);
    while (value == 0) {
        REQUIRE_OK(en_tcp_client_getsockopt(wire.client, SOL_SOCKET, SO_ERROR, &value, &size));
        pause_ms(1);
    }
    CHECK_INT(value, ECONNRESET);
    CHECK_RECV(wire.client, "data");
    CHECK_RECV_FAILS(wire.client, 1000, EN_ECONNRESET);
    wire_close(&wire);
}

static void statistics(void)
{
    struct {
        size_t struct_size;
        uint64_t packets_sent;
        uint64_t beyond;
    } older = {.struct_size = sizeof(size_t) + sizeof(uint64_t), .beyond = 77};
    struct {
        en_stats_t known;
        uint64_t unknown;
    } later;
    en_stats_t stats = {.struct_size = sizeof(stats)};
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    CHECK_OK(en_tcp_client_get_stats(wire.client, &stats));
    CHECK_INT(stats.packets_sent + stats.packets_received + stats.bytes_sent + stats.send_calls +
                  stats.recv_calls + stats.bytes_received,
              0);
    CHECK_OK(send_text(wire.client, "hello"));
    peer_send_text(wire.fd, "to you\n");
    CHECK_RECV(wire.client, "to you");
    CHECK_OK(en_tcp_client_close(wire.client));
    CHECK_OK(en_tcp_client_get_stats(wire.client, &stats)); /* also after it is closed */
    CHECK_INT(stats.packets_sent, 1);
    CHECK_INT(stats.packets_received, 1);
    CHECK_INT(stats.bytes_sent, 6);
    CHECK_INT(stats.bytes_received, 7);
    CHECK_INT(stats.send_calls, 1);
    CHECK_INT(stats.recv_calls, 1);
    CHECK_OK(en_tcp_client_get_stats(wire.client, (en_stats_t *)&older));
    CHECK_INT(older.packets_sent, 1);
    CHECK_INT(older.beyond, 77);
    memset(&later, 'x', sizeof(later));
    later.known.struct_size = sizeof(later);
    CHECK_OK(en_tcp_client_get_stats(wire.client, &later.known));
    CHECK_INT(later.known.packets_sent, 1);
    CHECK_INT(later.unknown, 0);
    later.known.struct_size = 1 << 20; /* nobody has set it */
    CHECK_CODE(en_tcp_client_get_stats(wire.client, &later.known), EN_EINVAL);
    stats.struct_size = 0;
    CHECK_CODE(en_tcp_client_get_stats(wire.client, &stats), EN_EINVAL);
    CHECK_CODE(en_tcp_client_get_stats(wire.client, NULL), EN_EINVAL);
    wire_close(&wire);
}

/* A packet each way, and what that is in bytes and calls; a receive that finds nothing is a call.
 */
static void each_family_counts(const family_t *family)
{
    const int line_end = family->is_stream ? 1 : 0;
    en_stats_t stats;
    member_t member;

    member_open(&member, family, NULL);
    CHECK_OK(put_text(member.view, "hello"));
    member_peer_expects(&member, "hello");
    member_peer_sends(&member, "to you");
    CHECK_GET(member.view, "to you");
    stats = member_stats(&member);
    CHECK_INT(stats.packets_sent, 1);
    CHECK_INT(stats.packets_received, 1);
    CHECK_INT(stats.bytes_sent, 5 + line_end);
    CHECK_INT(stats.bytes_received, 6 + line_end);
    CHECK_INT(stats.send_calls, 1);
    CHECK(stats.recv_calls >= 1);
    CHECK_GET_FAILS(member.view, 0, EN_ETIMEDOUT);
    CHECK_INT(member_stats(&member).packets_received, 1);
    CHECK_OK(en_client_close(member.view));
    CHECK_INT(member_stats(&member).bytes_received, stats.bytes_received);
    member_close(&member);
}

FOR_EACH_FAMILY(each_family_counts)

/* Others are inside, and wait for the peer. */
static void asking_waits_for_nobody(void)
{
    static char large[4 << 20];
    en_stats_t stats = {.struct_size = sizeof(stats)};
    en_address_t *address = NULL;
    waiter_t waiters[2];
    int64_t start;
    size_t size;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    wire_narrow(&wire);
    waiter_receives(&waiters[0], en_tcp_client_as_client(wire.client));
    waiter_sends(&waiters[1], en_tcp_client_as_client(wire.client), large, sizeof(large));
    start = now_ms();
    CHECK_INT(en_tcp_client_is_closed(wire.client), 0);
    CHECK(en_tcp_client_fileno(wire.client) >= 0);
    CHECK_OK(en_tcp_client_get_local_address(wire.client, &address));
    en_address_free(address);
    CHECK_OK(en_tcp_client_get_remote_address(wire.client, &address));
    en_address_free(address);
    CHECK_OK(en_tcp_client_max_recv_size(wire.client, &size));
    CHECK_OK(en_tcp_client_get_stats(wire.client, &stats));
    CHECK_OK(en_tcp_client_set_option(wire.client, EN_OPTION_KEEPALIVE, 0));
    CHECK_INT(option_of(&wire, EN_OPTION_KEEPALIVE), 0);
    CHECK_TOOK(start, 0);
    CHECK_OK(en_tcp_client_close(wire.client));
    for (int i = 0; i < 2; i++)
        CHECK_CODE(waiter_end(&waiters[i]), EN_ECLOSED);
    wire_close(&wire);
}

static const test_case_t cases[] = {
    CASE_BLOCKING(asking_waits_for_nobody),
    CASE_OF_EACH(each_family_counts),
    CASE(typed_options),
    CASE(lingering),
    CASE(buffer_sizes),
    CASE(values_that_cannot_be),
    CASE(raw_options),
    CASE(options_of_new_clients),
    CASE(options_that_cannot_be),
    CASE(a_later_user_timeout_declares_the_connection_dead),
    CASE(an_error_that_was_asked_for_is_not_lost),
    CASE(statistics),
};

TEST_MAIN("options")
