/* Names and credentials of Unix sockets whose other end is another process, and what is left of
 * them when it has gone. */
#include "child.h"
#include "family.h"

#include <stdio.h>
#include <unistd.h>

enum { NOBODY = 65534 };

/* Runs in a child: ends it with 0 if all went well. */
typedef bool (*role_t)(int fd);

static pid_t child_with(role_t role, int fd)
{
    pid_t child = child_fork();

    if (child == 0)
        _exit(role(fd) ? 0 : 1);
    return child;
}

static bool become_nobody(void)
{
    return getuid() != 0 || (setgid(NOBODY) == 0 && setuid(NOBODY) == 0);
}

/* Sends without saying who it is: the system does. */
static bool sends_as_nobody(int fd)
{
    return become_nobody() && send(fd, "hello\n", 6, 0) == 6;
}

static en_stream_protocol_t *protocol_line(void)
{
    en_stream_protocol_t *protocol;

    REQUIRE_OK(en_stream_protocol_new_line(&protocol, EN_NEWLINE_LF, 0));
    return protocol;
}

static void check_who(const en_ancillary_t *ancillary, pid_t pid)
{
    en_credentials_t who = {0};

    CHECK_OK(en_ancillary_get_creds(ancillary, &who));
    CHECK_INT(who.pid, pid);
    CHECK_INT(who.uid, getuid() == 0 ? NOBODY : getuid());
    CHECK_INT(who.gid, getuid() == 0 ? NOBODY : getgid());
    CHECK_INT(en_ancillary_get_kind(ancillary, 0), EN_ANCILLARY_CREDENTIALS);
}

static void of_a_sender_on_a_stream(void)
{
    en_stream_protocol_t *protocol = protocol_line();
    en_unix_stream_client_t *client = NULL;
    en_unix_stream_options_t *options;
    en_ancillary_t *ancillary = NULL;
    en_packet_t packet = {0};
    int ends[2];
    pid_t child;

    REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_unix_stream_options_new(&options));
    CHECK_OK(en_unix_stream_options_set_receive_credentials(options, 1));
    REQUIRE_OK(en_unix_stream_client_from_fd(&client, ends[0], protocol, options));
    REQUIRE_OK(en_ancillary_new(&ancillary));
    child = child_with(sends_as_nobody, ends[1]);
    CHECK(child_succeeds(child)); /* the sender is gone before we look */
    CHECK_OK(
        en_unix_stream_client_recv_packet_with_ancillary(client, 0, 20000, ancillary, &packet));
    CHECK_BYTES(packet.data, packet.size, "hello", 5);
    en_packet_release(&packet);
    check_who(ancillary, child);
    en_ancillary_free(ancillary);
    en_unix_stream_client_free(client);
    en_unix_stream_options_free(options);
    en_stream_protocol_free(protocol);
    close(ends[1]);
}

static void of_a_sender_of_datagrams(void)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_unix_datagram_client_t *client = NULL;
    en_unix_datagram_options_t *options;
    en_ancillary_t *ancillary = NULL;
    en_packet_t packet = {0};
    int ends[2];
    pid_t child;

    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_unix_datagram_options_new(&options));
    CHECK_OK(en_unix_datagram_options_set_receive_credentials(options, 1));
    REQUIRE_OK(en_unix_datagram_client_from_fd(&client, ends[0], protocol, options));
    REQUIRE_OK(en_ancillary_new(&ancillary));
    child = child_with(sends_as_nobody, ends[1]);
    CHECK(child_succeeds(child));
    CHECK_OK(
        en_unix_datagram_client_recv_packet_with_ancillary(client, 0, 20000, ancillary, &packet));
    CHECK_BYTES(packet.data, packet.size, "hello\n", 6);
    en_packet_release(&packet);
    check_who(ancillary, child);
    en_ancillary_free(ancillary);
    en_unix_datagram_client_free(client);
    en_unix_datagram_options_free(options);
    en_datagram_protocol_free(protocol);
    close(ends[1]);
}

/* Without the option nobody is told who sent. */
static void none_unless_asked_for(void)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_unix_datagram_client_t *client = NULL;
    en_ancillary_t *ancillary = NULL;
    en_credentials_t who = {0};
    en_packet_t packet = {0};
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0);
    REQUIRE_OK(en_unix_datagram_client_from_fd(&client, ends[0], protocol, NULL));
    REQUIRE_OK(en_ancillary_new(&ancillary));
    REQUIRE(send(ends[1], "x", 1, 0) == 1);
    CHECK_OK(
        en_unix_datagram_client_recv_packet_with_ancillary(client, 0, 20000, ancillary, &packet));
    en_packet_release(&packet);
    CHECK_INT(en_ancillary_count(ancillary), 0);
    CHECK_CODE(en_ancillary_get_creds(ancillary, &who), EN_ENODATA);
    en_ancillary_free(ancillary);
    en_unix_datagram_client_free(client);
    en_datagram_protocol_free(protocol);
    close(ends[1]);
}

/* In a child, for what only the privileged may do: says it is process 1, then user 0, which the
 * system refuses; then who it is, which it may. */
static bool pretends(int fd)
{
    en_datagram_protocol_t *protocol = NULL;
    en_unix_datagram_client_t *client = NULL;
    en_ancillary_t *ancillary = NULL;
    int refused;
    int sent;

    if (!become_nobody() || en_datagram_protocol_new_raw(&protocol, 0) != EN_OK ||
        en_unix_datagram_client_from_fd(&client, fd, protocol, NULL) != EN_OK ||
        en_ancillary_new(&ancillary) != EN_OK ||
        en_ancillary_add_creds(ancillary, 1, getuid(), getgid()) != EN_OK)
        return false;
    refused = en_unix_datagram_client_send_packet_with_ancillary(client, "no", 2, ancillary, 20000);
    en_ancillary_add_creds(ancillary, getpid(), 0, getgid()); /* in place of the others */
    if (refused == EN_EPERM)
        refused =
            en_unix_datagram_client_send_packet_with_ancillary(client, "no", 2, ancillary, 20000);
    en_ancillary_add_creds(ancillary, getpid(), getuid(), getgid());
    sent = en_unix_datagram_client_send_packet_with_ancillary(client, "yes", 3, ancillary, 20000);
    en_ancillary_free(ancillary);
    en_unix_datagram_client_free(client);
    en_datagram_protocol_free(protocol);
    return refused == EN_EPERM && sent == EN_OK;
}

static void of_somebody_else(void)
{
    int ends[2];

    REQUIRE(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) == 0);
    CHECK(child_succeeds(child_with(pretends, ends[1])));
    expect_datagram(ends[0], "yes", 3);
    expect_no_datagram(ends[0]);
    close(ends[0]);
    close(ends[1]);
}

/* Listens as somebody else, says so through the pipe, takes one connection and goes. */
static struct sockaddr_un server_name;
static socklen_t server_name_size;

static bool serves(int ready)
{
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int fd;
    char byte;

    if (!become_nobody() ||
        bind(listener, (struct sockaddr *)&server_name, server_name_size) != 0 ||
        listen(listener, 4) != 0 || write(ready, "!", 1) != 1)
        return false;
    fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    return read(fd, &byte, 1) == 1 && write(fd, "bye\n", 4) == 4;
}

static void check_name(int rc, en_unix_address_t *name, const char *want)
{
    const void *data = NULL;
    size_t size = 0;

    REQUIRE_OK(rc);
    CHECK_INT(en_unix_address_kind(name), want[0] ? EN_UNIX_ABSTRACT : EN_UNIX_UNNAMED);
    CHECK_OK(en_unix_address_name(name, &data, &size));
    CHECK_BYTES(data, size, want, strlen(want));
    en_unix_address_free(name);
}

static void check_facts(en_unix_stream_client_t *client, const char *server, pid_t pid)
{
    en_unix_address_t *name = NULL;
    en_credentials_t who = {0};
    int rc = en_unix_stream_client_get_peer_name(client, &name);

    check_name(rc, name, server);
    rc = en_unix_stream_client_get_local_name(client, &name);
    check_name(rc, name, "");
    CHECK_OK(en_unix_stream_client_get_peer_credentials(client, &who));
    CHECK_INT(who.pid, pid);
    CHECK_INT(who.uid, getuid() == 0 ? NOBODY : getuid());
    CHECK_INT(who.gid, getuid() == 0 ? NOBODY : getgid());
}

static void of_a_server_that_goes_away(void)
{
    en_stream_protocol_t *protocol = protocol_line();
    en_unix_stream_client_t *client = NULL;
    en_unix_address_t *address = NULL;
    char text[40];
    char byte;
    int ends[2];
    pid_t child;

    snprintf(text, sizeof(text), "@easynet-server-%d", (int)getpid());
    server_name_size = unix_name(&server_name, text);
    REQUIRE(pipe(ends) == 0);
    child = child_with(serves, ends[1]);
    REQUIRE(read(ends[0], &byte, 1) == 1);
    REQUIRE_OK(en_unix_address_new_abstract(&address, text + 1, strlen(text) - 1));
    REQUIRE_OK(en_unix_stream_client_connect(&client, address, protocol, NULL));
    check_facts(client, text + 1, child);
    CHECK_OK(put_text(en_unix_stream_client_as_client(client), "x"));
    CHECK(child_succeeds(child));
    check_facts(client, text + 1, child); /* the process is no more */
    CHECK_GET(en_unix_stream_client_as_client(client), "bye");
    CHECK_GET_FAILS(en_unix_stream_client_as_client(client), 20000, EN_ECONNRESET);
    check_facts(client, text + 1, child);
    CHECK_OK(en_unix_stream_client_close(client));
    check_facts(client, text + 1, child);
    en_unix_stream_client_free(client);
    en_unix_address_free(address);
    en_stream_protocol_free(protocol);
    close(ends[0]);
    close(ends[1]);
}

/* Who connects asks for them before anything can come. */
static void of_those_one_connects_to(void)
{
    en_unix_datagram_options_t *datagram_options = NULL;
    en_unix_stream_options_t *stream_options = NULL;
    en_datagram_protocol_t *datagrams = protocol_datagrams();
    en_stream_protocol_t *lines = protocol_line();
    en_unix_datagram_client_t *datagram = NULL;
    en_unix_stream_client_t *stream = NULL;
    en_unix_address_t *address = NULL;
    size_t size = sizeof(int);
    char text[40];
    int on = 0;
    int fd;

    snprintf(text, sizeof(text), "@easynet-asked-%d", (int)getpid());
    REQUIRE_OK(en_unix_address_new_abstract(&address, text + 1, strlen(text) - 1));
    fd = unix_bound(SOCK_STREAM, text);
    REQUIRE(listen(fd, 1) == 0);
    REQUIRE_OK(en_unix_stream_options_new(&stream_options));
    CHECK_OK(en_unix_stream_options_set_receive_credentials(stream_options, 1));
    REQUIRE_OK(en_unix_stream_client_connect(&stream, address, lines, stream_options));
    CHECK_OK(en_unix_stream_client_getsockopt(stream, SOL_SOCKET, SO_PASSCRED, &on, &size));
    CHECK_INT(on, 1);
    close(fd);
    fd = unix_bound(SOCK_DGRAM, text);
    REQUIRE_OK(en_unix_datagram_options_new(&datagram_options));
    CHECK_OK(en_unix_datagram_options_set_receive_credentials(datagram_options, 1));
    REQUIRE_OK(en_unix_datagram_client_connect(&datagram, address, datagrams, datagram_options));
    on = 0;
    CHECK_OK(en_unix_datagram_client_getsockopt(datagram, SOL_SOCKET, SO_PASSCRED, &on, &size));
    CHECK_INT(on, 1);
    close(fd);
    en_unix_stream_client_free(stream);
    en_unix_datagram_client_free(datagram);
    en_unix_stream_options_free(stream_options);
    en_unix_datagram_options_free(datagram_options);
    en_stream_protocol_free(lines);
    en_datagram_protocol_free(datagrams);
    en_unix_address_free(address);
}

static void names_of_datagrams_whose_server_goes_away(void)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_unix_datagram_client_t *client = NULL;
    en_unix_address_t *before = NULL;
    en_unix_address_t *name = NULL;
    en_unix_address_t *address = NULL;
    char text[40];
    int fd;

    snprintf(text, sizeof(text), "@easynet-sink-%d", (int)getpid());
    fd = unix_bound(SOCK_DGRAM, text);
    REQUIRE_OK(en_unix_address_new_abstract(&address, text + 1, strlen(text) - 1));
    REQUIRE_OK(en_unix_datagram_client_connect(&client, address, protocol, NULL));
    REQUIRE_OK(en_unix_datagram_client_get_local_name(client, &before));
    close(fd);
    CHECK_CODE(put_text(en_unix_datagram_client_as_client(client), "x"), EN_ECONNREFUSED);
    for (int i = 0; i < 2; i++) { /* then closed, too */
        int rc = en_unix_datagram_client_get_peer_name(client, &name);

        check_name(rc, name, text + 1);
        REQUIRE_OK(en_unix_datagram_client_get_local_name(client, &name));
        CHECK_INT(en_unix_address_equal(name, before), 1);
        en_unix_address_free(name);
        CHECK_OK(en_unix_datagram_client_close(client));
    }
    en_unix_address_free(before);
    en_unix_address_free(address);
    en_unix_datagram_client_free(client);
    en_datagram_protocol_free(protocol);
}

static const test_case_t cases[] = {
    CASE(of_a_sender_on_a_stream),
    CASE(of_a_sender_of_datagrams),
    CASE(none_unless_asked_for),
    CASE(of_somebody_else),
    CASE(of_those_one_connects_to),
    CASE(of_a_server_that_goes_away),
    CASE(names_of_datagrams_whose_server_goes_away),
};

TEST_MAIN("unix_credentials")
