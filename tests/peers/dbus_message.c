#include "dbus_message.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIXED_SIZE 16 /* up to the header fields */
#define BODY_SIZE_AT 4
#define SERIAL_AT 8
#define FIELDS_SIZE_AT 12
#define VERSION 1
#define LARGEST ((size_t)128 << 20) /* a limit of the specification */

/* The header fields: 'u' lies in a uint32_t, the others in a const char pointer. */
static const struct {
    uint8_t code;
    char type;
    size_t offset;
} fields[] = {
    {1, 'o', offsetof(dbus_message_t, path)},
    {2, 's', offsetof(dbus_message_t, interface)},
    {3, 's', offsetof(dbus_message_t, member)},
    {4, 's', offsetof(dbus_message_t, error_name)},
    {5, 'u', offsetof(dbus_message_t, reply_serial)},
    {6, 's', offsetof(dbus_message_t, destination)},
    {7, 's', offsetof(dbus_message_t, sender)},
    {8, 'g', offsetof(dbus_message_t, signature)},
    {9, 'u', offsetof(dbus_message_t, unix_fds)},
};
#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

static size_t aligned(size_t at, size_t to)
{
    return (at + to - 1) / to * to;
}

static uint32_t u32_at(const uint8_t *data)
{
    return data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24;
}

static void set_u32(uint8_t *data, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        data[i] = (uint8_t)(value >> 8 * i);
}

/* ---- Writing ---- */

static void put(dbus_bytes_t *bytes, const void *data, size_t size)
{
    bytes->data = realloc(bytes->data, bytes->size + size + 1);
    if (bytes->data == NULL) {
        perror("dbus_message");
        abort();
    }
    if (size > 0)
        memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
}

static void put_u8(dbus_bytes_t *bytes, uint8_t value)
{
    put(bytes, &value, 1);
}

static void align(dbus_bytes_t *bytes, size_t to)
{
    while (bytes->size % to != 0)
        put_u8(bytes, 0);
}

void dbus_put_u32(dbus_bytes_t *bytes, uint32_t value)
{
    uint8_t data[4];

    set_u32(data, value);
    align(bytes, 4);
    put(bytes, data, sizeof(data));
}

void dbus_put_string(dbus_bytes_t *bytes, const char *text)
{
    dbus_put_u32(bytes, (uint32_t)strlen(text));
    put(bytes, text, strlen(text) + 1);
}

void dbus_put_array_of_bytes(dbus_bytes_t *bytes, const void *data, uint32_t size)
{
    dbus_put_u32(bytes, size);
    put(bytes, data, size);
}

static void put_signature(dbus_bytes_t *bytes, const char *signature)
{
    put_u8(bytes, (uint8_t)strlen(signature));
    put(bytes, signature, strlen(signature) + 1);
}

static void put_field(dbus_bytes_t *bytes, uint8_t code, char type)
{
    const char signature[] = {type, '\0'};

    align(bytes, 8);
    put_u8(bytes, code);
    put_signature(bytes, signature);
}

static void put_fields(dbus_bytes_t *bytes, const dbus_message_t *message)
{
    for (size_t i = 0; i < FIELD_COUNT; i++) {
        const void *place = (const char *)message + fields[i].offset;

        if (fields[i].type == 'u') {
            if (*(const uint32_t *)place == 0)
                continue;
            put_field(bytes, fields[i].code, fields[i].type);
            dbus_put_u32(bytes, *(const uint32_t *)place);
        } else if (*(const char *const *)place != NULL) {
            put_field(bytes, fields[i].code, fields[i].type);
            (fields[i].type == 'g' ? put_signature : dbus_put_string)(bytes,
                                                                      *(const char *const *)place);
        }
    }
}

void dbus_message_write(const dbus_message_t *message, dbus_bytes_t *bytes)
{
    const uint8_t start[] = {'l', message->type, 0, VERSION};
    dbus_bytes_t head = {0};

    put(&head, start, sizeof(start));
    dbus_put_u32(&head, (uint32_t)message->body_size);
    dbus_put_u32(&head, message->serial);
    dbus_put_u32(&head, 0);
    put_fields(&head, message);
    set_u32(head.data + FIELDS_SIZE_AT, (uint32_t)(head.size - FIXED_SIZE));
    align(&head, 8);
    put(bytes, head.data, head.size);
    put(bytes, message->body, message->body_size);
    free(head.data);
}

/* ---- Reading ---- */

/* Bytes, and how far they are read; behind their end there are only zeros, and `bad` is set. */
typedef struct {
    const uint8_t *data;
    size_t size;
    size_t at;
    bool bad;
} reader_t;

static const uint8_t *take(reader_t *reader, size_t size)
{
    static const uint8_t zeros[4];
    const uint8_t *start = reader->data + reader->at;

    if (reader->bad || reader->at > reader->size || reader->size - reader->at < size) {
        reader->bad = true;
        return zeros;
    }
    reader->at += size;
    return start;
}

static uint32_t take_u32(reader_t *reader)
{
    reader->at = aligned(reader->at, 4);
    return u32_at(take(reader, 4));
}

static const char *take_text(reader_t *reader, size_t size)
{
    const uint8_t *text = take(reader, size);

    reader->bad |= *take(reader, 1) != '\0';
    return reader->bad ? "" : (const char *)text;
}

static void read_field(reader_t *reader, dbus_message_t *message)
{
    const uint8_t code = *take(reader, 1);
    const char *type = take_text(reader, *take(reader, 1));

    for (size_t i = 0; i < FIELD_COUNT; i++) {
        void *place = (char *)message + fields[i].offset;

        if (fields[i].code != code)
            continue;
        if (type[0] != fields[i].type || type[1] != '\0')
            reader->bad = true;
        else if (type[0] == 'u')
            *(uint32_t *)place = take_u32(reader);
        else
            *(const char **)place =
                take_text(reader, type[0] == 'g' ? *take(reader, 1) : take_u32(reader));
        return;
    }
    reader->bad = true; /* the bus sends no others to those who ask for none */
}

size_t dbus_message_size(const uint8_t *data, size_t size)
{
    size_t whole;

    if (size < FIXED_SIZE)
        return 0;
    if (data[0] != 'l' || data[3] != VERSION)
        return DBUS_NO_MESSAGE;
    whole = aligned(FIXED_SIZE + (size_t)u32_at(data + FIELDS_SIZE_AT), 8) +
            u32_at(data + BODY_SIZE_AT);
    return whole <= LARGEST ? whole : DBUS_NO_MESSAGE;
}

bool dbus_message_read(dbus_message_t *message, const uint8_t *data, size_t size)
{
    reader_t reader = {data, size, FIXED_SIZE, false};

    memset(message, 0, sizeof(*message));
    if (dbus_message_size(data, size) != size)
        return false;
    message->type = data[1];
    message->serial = u32_at(data + SERIAL_AT);
    message->body_size = u32_at(data + BODY_SIZE_AT);
    message->body = data + size - message->body_size;
    reader.size = FIXED_SIZE + u32_at(data + FIELDS_SIZE_AT);
    while (reader.at < reader.size && !reader.bad) {
        reader.at = aligned(reader.at, 8);
        read_field(&reader, message);
    }
    return !reader.bad;
}

uint32_t dbus_first_u32(const dbus_message_t *message)
{
    reader_t reader = {message->body, message->body_size, 0, false};

    return take_u32(&reader);
}

const char *dbus_first_string(const dbus_message_t *message)
{
    reader_t reader = {message->body, message->body_size, 0, false};
    const char *text = take_text(&reader, take_u32(&reader));

    return reader.bad ? NULL : text;
}
