#include "bus.h"
#include "../c/harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUS_NAME "org.freedesktop.DBus"
#define BEGIN "BEGIN\r\n"

/* ---- The protocol: lines, and after BEGIN messages ---- */

static int encode(const en_slice_t *parts, size_t count, en_frame_t *frame, void *user_data)
{
    bus_t *bus = user_data;

    for (size_t i = 0; i < count; i++) {
        if (en_frame_append_borrowed(frame, parts[i].data, parts[i].size) < 0)
            return EN_EBADMSG;
    }
    if (count == 1 && parts[0].size == strlen(BEGIN) &&
        memcmp(parts[0].data, BEGIN, parts[0].size) == 0)
        bus->with_lines = false;
    return EN_CALLBACK_DONE;
}

static int decode_line(const uint8_t *data, size_t size, size_t *used, en_slice_t *packet)
{
    const uint8_t *end = memchr(data, '\n', size);

    if (end == NULL)
        return EN_DECODE_MORE;
    *used = (size_t)(end - data) + 1;
    if (*used < 2 || end[-1] != '\r') {
        en_set_error_message("a line does not end with CR LF");
        return EN_EBADMSG;
    }
    packet->data = data;
    packet->size = *used - 2;
    return EN_DECODE_PACKET;
}

static int decode_message(const uint8_t *data, size_t size, size_t *used, en_slice_t *packet)
{
    const size_t whole = dbus_message_size(data, size);

    if (whole == DBUS_NO_MESSAGE) {
        *used = size;
        en_set_error_message("this is no D-Bus message");
        return EN_EBADMSG;
    }
    if (whole == 0 || size < whole)
        return EN_DECODE_MORE;
    *used = whole;
    packet->data = data;
    packet->size = whole;
    return EN_DECODE_PACKET;
}

static int decode(const uint8_t *data, size_t size, int end_of_stream, size_t *used,
                  en_slice_t *packet, void *state, void *user_data)
{
    const bus_t *bus = user_data;

    (void)end_of_stream;
    (void)state;
    return bus->with_lines ? decode_line(data, size, used, packet)
                           : decode_message(data, size, used, packet);
}

/* ---- The connection ---- */

/* A connection begins with a zero byte, beside which some systems must say who they are. */
static void send_credentials(bus_t *bus)
{
    REQUIRE_OK(en_ancillary_add_creds(bus->beside, 0, geteuid(), getegid()));
    REQUIRE_OK(en_unix_stream_client_send_packet_with_ancillary(bus->client, "", 1, bus->beside,
                                                                BUS_TIMEOUT_MS));
}

void bus_open(bus_t *bus, const en_unix_address_t *address)
{
    const en_stream_protocol_callbacks_t callbacks = {
        .struct_size = sizeof(callbacks), .encode = encode, .decode = decode};
    en_stream_protocol_t *protocol;

    memset(bus, 0, sizeof(*bus));
    bus->with_lines = true;
    REQUIRE_OK(en_ancillary_new(&bus->beside));
    REQUIRE_OK(en_stream_protocol_new(&protocol, &callbacks, 0, NULL, bus));
    REQUIRE_OK(en_unix_stream_client_connect(&bus->client, address, protocol, NULL));
    en_stream_protocol_free(protocol);
    send_credentials(bus);
}

static void close_all(const int *fds, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(fds[i]);
}

void bus_close(bus_t *bus)
{
    CHECK_INT(bus->fd_count, 0);
    close_all(bus->fds, bus->fd_count);
    en_ancillary_free(bus->beside);
    en_unix_stream_client_free(bus->client);
}

void bus_send_line(bus_t *bus, const char *line)
{
    const en_slice_t parts[] = {{line, strlen(line)}, {"\r\n", 2}};

    REQUIRE_OK(en_unix_stream_client_send_packet_slices(bus->client, parts, 2, BUS_TIMEOUT_MS));
}

en_packet_t bus_receive_line(bus_t *bus)
{
    en_packet_t line;

    REQUIRE_OK(en_unix_stream_client_recv_packet(bus->client, BUS_TIMEOUT_MS, &line));
    return line;
}

/* The user's number in decimal, its digits in hexadecimal. */
static void put_user(char *text)
{
    char number[24];

    snprintf(number, sizeof(number), "%lu", (unsigned long)geteuid());
    for (const char *digit = number; *digit != '\0'; digit++)
        text += sprintf(text, "%02x", (unsigned)*digit);
}

static void check_line(bus_t *bus, const char *start)
{
    en_packet_t line = bus_receive_line(bus);

    CHECK(line.size >= strlen(start));
    if (line.size >= strlen(start))
        CHECK_BYTES(line.data, strlen(start), start, strlen(start));
    en_packet_release(&line);
}

void bus_authenticate(bus_t *bus)
{
    char line[80] = "AUTH EXTERNAL ";

    put_user(line + strlen(line));
    bus_send_line(bus, line);
    check_line(bus, "OK ");
    bus_send_line(bus, "NEGOTIATE_UNIX_FD");
    check_line(bus, "AGREE_UNIX_FD");
    REQUIRE_OK(
        en_unix_stream_client_send_packet(bus->client, BEGIN, strlen(BEGIN), BUS_TIMEOUT_MS));
}

/* ---- Messages ---- */

static void send_with_fds(bus_t *bus, const dbus_bytes_t *bytes, const int *fds, size_t count)
{
    REQUIRE_OK(en_ancillary_clear(bus->beside));
    REQUIRE_OK(en_ancillary_add_fds(bus->beside, fds, count));
    REQUIRE_OK(en_unix_stream_client_send_packet_with_ancillary(
        bus->client, bytes->data, bytes->size, bus->beside, BUS_TIMEOUT_MS));
}

uint32_t bus_send(bus_t *bus, dbus_message_t *message, const int *fds, size_t count)
{
    dbus_bytes_t bytes = {0};

    message->serial = ++bus->serial;
    message->unix_fds = (uint32_t)count;
    dbus_message_write(message, &bytes);
    if (count > 0)
        send_with_fds(bus, &bytes, fds, count);
    else
        REQUIRE_OK(
            en_unix_stream_client_send_packet(bus->client, bytes.data, bytes.size, BUS_TIMEOUT_MS));
    free(bytes.data);
    return message->serial;
}

/* One receive; the descriptors that it brings are kept, for whichever message they belong to. */
static int receive_once(bus_t *bus, en_packet_t *packet)
{
    size_t count = 0;
    const int code = en_unix_stream_client_recv_packet_with_ancillary(
        bus->client, 0, BUS_TIMEOUT_MS, bus->beside, packet);

    CHECK_INT(en_ancillary_is_truncated(bus->beside), 0);
    REQUIRE_OK(en_ancillary_take_fds(bus->beside, bus->fds + bus->fd_count,
                                     2 * BUS_MOST_FDS - bus->fd_count, &count));
    bus->fd_count += count;
    return code;
}

static void claim_fds(bus_t *bus, bus_message_t *message)
{
    const size_t count = message->head.unix_fds;

    REQUIRE(count <= bus->fd_count && count <= BUS_MOST_FDS);
    memcpy(message->fds, bus->fds, count * sizeof(int));
    message->fd_count = count;
    bus->fd_count -= count;
    memmove(bus->fds, bus->fds + count, bus->fd_count * sizeof(int));
}

void bus_receive(bus_t *bus, bus_message_t *message)
{
    int code;

    while ((code = receive_once(bus, &message->packet)) == EN_ENOMSG)
        bus->partial++;
    REQUIRE_OK(code);
    REQUIRE(dbus_message_read(&message->head, message->packet.data, message->packet.size));
    claim_fds(bus, message);
}

void bus_message_free(bus_message_t *message)
{
    close_all(message->fds, message->fd_count);
    message->fd_count = 0;
    en_packet_release(&message->packet);
}

void bus_receive_reply(bus_t *bus, uint32_t serial, bus_message_t *message)
{
    /* The bus tells of other things, too, such as names. */
    for (bus_receive(bus, message); message->head.reply_serial != serial; bus_receive(bus, message))
        bus_message_free(message);
}

void bus_receive_call(bus_t *bus, bus_message_t *message)
{
    for (bus_receive(bus, message); message->head.type != DBUS_METHOD_CALL;
         bus_receive(bus, message))
        bus_message_free(message);
}

void bus_call(bus_t *bus, const char *member, const char *signature, const dbus_bytes_t *body,
              bus_message_t *reply)
{
    dbus_message_t call = {.type = DBUS_METHOD_CALL,
                           .path = "/org/freedesktop/DBus",
                           .interface = BUS_NAME,
                           .member = member,
                           .destination = BUS_NAME,
                           .signature = signature};

    if (body != NULL) {
        call.body = body->data;
        call.body_size = body->size;
    }
    bus_receive_reply(bus, bus_send(bus, &call, NULL, 0), reply);
}
