/*
 * A D-Bus session bus: the handshake, method calls, and descriptors on their way through the bus
 * and back.
 *
 *     test_dbus PATH [CASE]
 *
 * The bus listens at PATH, and at the abstract name of the same text.
 */
#include "../c/harness.h"
#include "bus.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "easynet.Test"
#define LARGE_SIZE 100000

static const char *path;

/* ---- Support ---- */

static void open_by_path(bus_t *bus)
{
    en_unix_address_t *address;

    REQUIRE_OK(en_unix_address_new_path(&address, path));
    bus_open(bus, address);
    en_unix_address_free(address);
}

static void open_by_abstract_name(bus_t *bus)
{
    en_unix_address_t *address;

    REQUIRE_OK(en_unix_address_new_abstract(&address, path, strlen(path)));
    bus_open(bus, address);
    en_unix_address_free(address);
}

/* Says hello; the bus gives the connection a name, which is written to `name`. */
static void say_hello(bus_t *bus, char *name, size_t size)
{
    bus_message_t reply;

    bus_authenticate(bus);
    bus_call(bus, "Hello", NULL, NULL, &reply);
    CHECK_INT(reply.head.type, DBUS_METHOD_RETURN);
    CHECK_TEXT(reply.head.signature, "s");
    snprintf(name, size, "%s", dbus_first_string(&reply.head));
    CHECK_HAS(name, ":1.");
    bus_message_free(&reply);
}

static void own_name(bus_t *bus, const char *name)
{
    bus_message_t reply;
    dbus_bytes_t body = {0};

    dbus_put_string(&body, name);
    dbus_put_u32(&body, 0);
    bus_call(bus, "RequestName", "su", &body, &reply);
    CHECK_INT(reply.head.type, DBUS_METHOD_RETURN);
    CHECK_INT(dbus_first_u32(&reply.head), 1); /* the primary owner */
    bus_message_free(&reply);
    free(body.data);
}

/* A caller and a service, both on the bus: the one by its path, the other by its abstract name. */
typedef struct {
    bus_t caller;
    bus_t service;
    char caller_name[64];
} pair_t;

static void set_up(pair_t *pair)
{
    char name[64];

    open_by_path(&pair->caller);
    say_hello(&pair->caller, pair->caller_name, sizeof(pair->caller_name));
    open_by_abstract_name(&pair->service);
    say_hello(&pair->service, name, sizeof(name));
    own_name(&pair->service, NAME);
}

static void tear_down(pair_t *pair)
{
    bus_close(&pair->caller);
    bus_close(&pair->service);
}

/* The service answers one call with what came with it: the same body, the same descriptors. */
static void echo(pair_t *pair)
{
    bus_message_t call;
    dbus_message_t reply = {.type = DBUS_METHOD_RETURN};

    bus_receive_call(&pair->service, &call);
    CHECK_TEXT(call.head.member, "Echo");
    CHECK_TEXT(call.head.sender, pair->caller_name);
    reply.reply_serial = call.head.serial;
    reply.destination = call.head.sender;
    reply.signature = call.head.signature;
    reply.body = call.head.body;
    reply.body_size = call.head.body_size;
    bus_send(&pair->service, &reply, call.fds, call.fd_count);
    bus_message_free(&call);
}

/* Calls the service, lets it answer, and checks that the body and as many descriptors come back. */
static void call_echo(pair_t *pair, const char *signature, const dbus_bytes_t *body, const int *fds,
                      size_t count, bus_message_t *reply)
{
    dbus_message_t call = {.type = DBUS_METHOD_CALL,
                           .path = "/easynet/Test",
                           .interface = NAME,
                           .member = "Echo",
                           .destination = NAME,
                           .signature = signature,
                           .body = body->data,
                           .body_size = body->size};
    const uint32_t serial = bus_send(&pair->caller, &call, fds, count);

    echo(pair);
    bus_receive_reply(&pair->caller, serial, reply);
    CHECK_INT(reply->head.type, DBUS_METHOD_RETURN);
    CHECK_BYTES(reply->head.body, reply->head.body_size, body->data, body->size);
    REQUIRE(reply->fd_count == count);
}

/* A descriptor stands in a body as its place among those that come with the message. */
static void put_fd_indexes(dbus_bytes_t *body, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        dbus_put_u32(body, i);
}

/* What is written through one of them is read through the other, where the first one stopped:
 * both are the same open file, not only the same file. */
static void check_same_open_file(int one, int other)
{
    struct stat one_stat, other_stat;
    char text[8] = "";

    CHECK(one != other);
    REQUIRE(fstat(one, &one_stat) == 0 && fstat(other, &other_stat) == 0);
    CHECK(one_stat.st_dev == other_stat.st_dev && one_stat.st_ino == other_stat.st_ino);
    CHECK_INT(write(one, "hello", 5), 5);
    CHECK_INT(lseek(other, 0, SEEK_CUR), 5);
    CHECK_INT(lseek(other, 1, SEEK_SET), 1);
    CHECK_INT(read(one, text, 4), 4);
    CHECK_TEXT(text, "ello");
}

static int new_file(void)
{
    const int file = memfd_create("easynet", MFD_CLOEXEC);

    REQUIRE(file >= 0);
    return file;
}

/* ---- Cases ---- */

/* The handshake as lines: a user that we are not is refused, and the next try is welcome. */
static void handshake(void)
{
    static const char *const talk[][2] = {
        {"AUTH", "REJECTED EXTERNAL"},
        {"AUTH EXTERNAL 39393939393939", "REJECTED EXTERNAL"},
        {"NONSENSE", "ERROR"},
    };
    bus_t bus;
    char name[64];

    open_by_path(&bus);
    for (size_t i = 0; i < sizeof(talk) / sizeof(talk[0]); i++) {
        en_packet_t line;

        bus_send_line(&bus, talk[i][0]);
        line = bus_receive_line(&bus);
        CHECK(line.size >= strlen(talk[i][1]) &&
              memcmp(line.data, talk[i][1], strlen(talk[i][1])) == 0);
        en_packet_release(&line);
    }
    say_hello(&bus, name, sizeof(name));
    bus_close(&bus);
}

static uint32_t process_of(bus_t *bus, const char *name)
{
    bus_message_t reply;
    dbus_bytes_t body = {0};
    uint32_t process;

    dbus_put_string(&body, name);
    bus_call(bus, "GetConnectionUnixProcessID", "s", &body, &reply);
    CHECK_INT(reply.head.type, DBUS_METHOD_RETURN);
    process = dbus_first_u32(&reply.head);
    bus_message_free(&reply);
    free(body.data);
    return process;
}

/* Each side knows who the other is, and they agree. */
static void credentials(void)
{
    bus_t bus;
    char name[64];
    en_credentials_t peer;

    open_by_path(&bus);
    say_hello(&bus, name, sizeof(name));
    CHECK_INT(process_of(&bus, name), getpid());
    REQUIRE_OK(en_unix_stream_client_get_peer_credentials(bus.client, &peer));
    CHECK_INT(peer.pid, process_of(&bus, "org.freedesktop.DBus"));
    CHECK_INT(peer.uid, geteuid());
    bus_close(&bus);
}

static void names(void)
{
    bus_t bus;
    en_unix_address_t *want, *peer;

    REQUIRE_OK(en_unix_address_new_abstract(&want, path, strlen(path)));
    open_by_abstract_name(&bus);
    REQUIRE_OK(en_unix_stream_client_get_peer_name(bus.client, &peer));
    CHECK_INT(en_unix_address_equal(peer, want), 1);
    en_unix_address_free(peer);
    en_unix_address_free(want);
    bus_close(&bus);
}

static void an_error_comes_back(void)
{
    bus_t bus;
    char name[64];
    bus_message_t reply;

    open_by_path(&bus);
    say_hello(&bus, name, sizeof(name));
    bus_call(&bus, "NoSuchMethod", NULL, NULL, &reply);
    CHECK_INT(reply.head.type, DBUS_ERROR);
    CHECK_TEXT(reply.head.error_name, "org.freedesktop.DBus.Error.UnknownMethod");
    bus_message_free(&reply);
    bus_close(&bus);
}

static void a_descriptor_comes_back(void)
{
    pair_t pair;
    dbus_bytes_t body = {0};
    bus_message_t reply;
    const int file = new_file();

    set_up(&pair);
    put_fd_indexes(&body, 1);
    call_echo(&pair, "h", &body, &file, 1, &reply);
    CHECK_INT(fcntl(reply.fds[0], F_GETFD), FD_CLOEXEC);
    check_same_open_file(file, reply.fds[0]);
    bus_message_free(&reply);
    tear_down(&pair);
    free(body.data);
    close(file);
}

/* As many as one system call carries: all come back, in their order. */
static void many_descriptors_come_back(void)
{
    pair_t pair;
    dbus_bytes_t body = {0};
    bus_message_t reply;
    int events[BUS_MOST_FDS];
    char signature[BUS_MOST_FDS + 1] = "";

    memset(signature, 'h', BUS_MOST_FDS);
    for (unsigned i = 0; i < BUS_MOST_FDS; i++)
        REQUIRE((events[i] = eventfd(i + 1, EFD_CLOEXEC | EFD_NONBLOCK)) >= 0);
    set_up(&pair);
    put_fd_indexes(&body, BUS_MOST_FDS);
    call_echo(&pair, signature, &body, events, BUS_MOST_FDS, &reply);
    for (unsigned i = 0; i < BUS_MOST_FDS; i++) {
        eventfd_t value = 0;

        CHECK_INT(eventfd_read(reply.fds[i], &value), 0);
        CHECK_INT(value, i + 1);
        close(events[i]);
    }
    bus_message_free(&reply);
    tear_down(&pair);
    free(body.data);
}

/* Descriptors come with the first bytes of a message that takes several receives. */
static void a_descriptor_beside_a_large_message(void)
{
    pair_t pair;
    dbus_bytes_t body = {0};
    bus_message_t reply;
    const int file = new_file();
    uint8_t *bytes = malloc(LARGE_SIZE);

    REQUIRE(bytes != NULL);
    for (size_t i = 0; i < LARGE_SIZE; i++)
        bytes[i] = (uint8_t)(i % 251);
    set_up(&pair);
    dbus_put_array_of_bytes(&body, bytes, LARGE_SIZE);
    put_fd_indexes(&body, 1);
    call_echo(&pair, "ayh", &body, &file, 1, &reply);
    CHECK(pair.caller.partial > 0 && pair.service.partial > 0);
    check_same_open_file(file, reply.fds[0]);
    bus_message_free(&reply);
    tear_down(&pair);
    free(body.data);
    free(bytes);
    close(file);
}

/* Calls in one go, each with its descriptor: each reply has the one of its call. */
static void calls_in_flight_keep_their_descriptors(void)
{
    enum { CALLS = 50 };
    pair_t pair;
    dbus_bytes_t body = {0};
    bus_message_t reply;
    uint32_t serials[CALLS];
    int events[CALLS];

    set_up(&pair);
    put_fd_indexes(&body, 1);
    for (unsigned i = 0; i < CALLS; i++) {
        const bool with_fd = i % 3 != 0;
        dbus_message_t call = {.type = DBUS_METHOD_CALL,
                               .path = "/easynet/Test",
                               .member = "Echo",
                               .destination = NAME,
                               .signature = with_fd ? "h" : "u",
                               .body = body.data,
                               .body_size = body.size};

        REQUIRE((events[i] = eventfd(i + 1, EFD_CLOEXEC | EFD_NONBLOCK)) >= 0);
        serials[i] = bus_send(&pair.caller, &call, &events[i], with_fd);
    }
    for (unsigned i = 0; i < CALLS; i++)
        echo(&pair);
    for (unsigned i = 0; i < CALLS; i++) {
        eventfd_t value = 0;

        bus_receive_reply(&pair.caller, serials[i], &reply);
        CHECK_INT(reply.fd_count, i % 3 != 0);
        if (reply.fd_count == 1) {
            CHECK_INT(eventfd_read(reply.fds[0], &value), 0);
            CHECK_INT(value, i + 1);
        }
        bus_message_free(&reply);
        close(events[i]);
    }
    tear_down(&pair);
    free(body.data);
}

/* The bus hangs up on who does not speak its language. */
static void the_bus_hangs_up(void)
{
    static const char nonsense[32] = "this is no message of D-Bus";
    bus_t bus;
    char name[64];
    en_packet_t packet;
    int code;

    open_by_path(&bus);
    say_hello(&bus, name, sizeof(name));
    REQUIRE_OK(
        en_unix_stream_client_send_packet(bus.client, nonsense, sizeof(nonsense), BUS_TIMEOUT_MS));
    while ((code = en_unix_stream_client_recv_packet(bus.client, BUS_TIMEOUT_MS, &packet)) == EN_OK)
        en_packet_release(&packet); /* what it told before */
    CHECK_INT(en_error_is_connection(code), 1);
    CHECK_MESSAGE(path);
    bus_close(&bus);
}

static const test_case_t cases[] = {
    CASE(handshake),
    CASE(credentials),
    CASE(names),
    CASE(an_error_comes_back),
    CASE(a_descriptor_comes_back),
    CASE(many_descriptors_come_back),
    CASE(a_descriptor_beside_a_large_message),
    CASE(calls_in_flight_keep_their_descriptors),
    CASE(the_bus_hangs_up),
};

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s PATH [CASE]\n", argv[0]);
        return 2;
    }
    path = argv[1];
    return harness_run("dbus", cases, sizeof(cases) / sizeof(cases[0]), argc - 1, argv + 1);
}
