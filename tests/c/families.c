#include "families.h"

#include "peer.h"

#include <stdio.h>
#include <unistd.h>

static int udp_open(member_t *member, const wishes_t *wishes)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_udp_client_t *client = NULL;
    en_udp_options_t *options;
    int rc;

    REQUIRE_OK(en_udp_options_new(&options));
    CHECK_OK(en_udp_options_set_cancel(options, wishes->cancel));
    CHECK_OK(en_udp_options_set_busy_poll(options, wishes->busy_poll_us));
    if (wishes->interrupted)
        CHECK_OK(en_udp_options_set_retry_interval(options, wishes->retry_ms, wishes->interrupted,
                                                   wishes->destroy, wishes->user_data));
    if (wishes->wait)
        CHECK_OK(
            en_udp_options_set_wait(options, wishes->wait, wishes->destroy, wishes->user_data));
    member->fd = udp_bound("127.0.0.1");
    rc = en_udp_client_connect(&client, "127.0.0.1", peer_port(member->fd), protocol, options);
    en_udp_options_free(options);
    en_datagram_protocol_free(protocol);
    member->client = client;
    member->view = en_udp_client_as_client(client);
    if (rc == EN_OK)
        connect_to(member->fd, en_client_fileno(member->view));
    return rc;
}

static int udp_abort(void *client)
{
    return en_udp_client_abort(client);
}

static void udp_free(void *client)
{
    en_udp_client_free(client);
}

static int udp_stats(const void *client, en_stats_t *stats)
{
    return en_udp_client_get_stats(client, stats);
}

const family_t family_udp = {
    .open = udp_open, .abort = udp_abort, .free = udp_free, .get_stats = udp_stats};

static int stream_open(member_t *member, const wishes_t *wishes)
{
    en_stream_protocol_t *protocol;
    en_unix_stream_client_t *client = NULL;
    en_unix_stream_options_t *options;
    int ends[2];
    int rc;

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_stream_protocol_new_line(&protocol, EN_NEWLINE_LF, 0));
    REQUIRE_OK(en_unix_stream_options_new(&options));
    CHECK_OK(en_unix_stream_options_set_cancel(options, wishes->cancel));
    CHECK_OK(en_unix_stream_options_set_busy_poll(options, wishes->busy_poll_us));
    if (wishes->interrupted)
        CHECK_OK(en_unix_stream_options_set_retry_interval(
            options, wishes->retry_ms, wishes->interrupted, wishes->destroy, wishes->user_data));
    if (wishes->wait)
        CHECK_OK(en_unix_stream_options_set_wait(options, wishes->wait, wishes->destroy,
                                                 wishes->user_data));
    rc = en_unix_stream_client_from_fd(&client, ends[0], protocol, options);
    en_unix_stream_options_free(options);
    en_stream_protocol_free(protocol);
    member->fd = ends[1];
    member->client = client;
    member->view = en_unix_stream_client_as_client(client);
    return rc;
}

static int stream_abort(void *client)
{
    return en_unix_stream_client_abort(client);
}

static void stream_free(void *client)
{
    en_unix_stream_client_free(client);
}

static int stream_stats(const void *client, en_stats_t *stats)
{
    return en_unix_stream_client_get_stats(client, stats);
}

const family_t family_unix_stream = {.is_stream = true,
                                     .fills = true,
                                     .open = stream_open,
                                     .abort = stream_abort,
                                     .free = stream_free,
                                     .get_stats = stream_stats};

static int datagram_open(member_t *member, const wishes_t *wishes)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_unix_datagram_client_t *client = NULL;
    en_unix_datagram_options_t *options;
    int ends[2];
    int rc;

    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_unix_datagram_options_new(&options));
    CHECK_OK(en_unix_datagram_options_set_cancel(options, wishes->cancel));
    CHECK_OK(en_unix_datagram_options_set_busy_poll(options, wishes->busy_poll_us));
    if (wishes->interrupted)
        CHECK_OK(en_unix_datagram_options_set_retry_interval(
            options, wishes->retry_ms, wishes->interrupted, wishes->destroy, wishes->user_data));
    if (wishes->wait)
        CHECK_OK(en_unix_datagram_options_set_wait(options, wishes->wait, wishes->destroy,
                                                   wishes->user_data));
    rc = en_unix_datagram_client_from_fd(&client, ends[0], protocol, options);
    en_unix_datagram_options_free(options);
    en_datagram_protocol_free(protocol);
    member->fd = ends[1];
    member->client = client;
    member->view = en_unix_datagram_client_as_client(client);
    return rc;
}

static int datagram_abort(void *client)
{
    return en_unix_datagram_client_abort(client);
}

static void datagram_free(void *client)
{
    en_unix_datagram_client_free(client);
}

static int datagram_stats(const void *client, en_stats_t *stats)
{
    return en_unix_datagram_client_get_stats(client, stats);
}

const family_t family_unix_datagram = {.fills = true,
                                       .open = datagram_open,
                                       .abort = datagram_abort,
                                       .free = datagram_free,
                                       .get_stats = datagram_stats};

void member_open(member_t *member, const family_t *family, const wishes_t *wishes)
{
    static const wishes_t none = {0};

    *member = (member_t){.family = family, .fd = -1};
    REQUIRE_OK(family->open(member, wishes ? wishes : &none));
}

void member_close(member_t *member)
{
    member->family->free(member->client);
    close(member->fd);
}

void member_peer_sends(member_t *member, const char *text)
{
    char packet[100];
    int size =
        snprintf(packet, sizeof(packet), "%s%s", text, member->family->is_stream ? "\n" : "");

    REQUIRE(send(member->fd, packet, (size_t)size, 0) == size);
}

void member_peer_expects(member_t *member, const char *text)
{
    if (member->family->is_stream) {
        peer_expect_text(member->fd, text);
        peer_expect_text(member->fd, "\n");
    } else {
        expect_datagram(member->fd, text, strlen(text));
    }
}

en_stats_t member_stats(const member_t *member)
{
    en_stats_t stats = {.struct_size = sizeof(stats)};

    CHECK_OK(member->family->get_stats(member->client, &stats));
    return stats;
}
