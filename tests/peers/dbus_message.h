/* D-Bus messages, little endian: their header, and of bodies what the test sends. See the D-Bus
 * Specification, "Message Protocol". */
#ifndef DBUS_MESSAGE_H
#define DBUS_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DBUS_METHOD_CALL = 1, DBUS_METHOD_RETURN = 2, DBUS_ERROR = 3, DBUS_SIGNAL = 4 };

#define DBUS_NO_MESSAGE SIZE_MAX

/* Bytes that grow; the caller frees `data`. Begin with zeros. */
typedef struct {
    uint8_t *data;
    size_t size;
} dbus_bytes_t;

/* What is NULL or 0 is left out. Of a message that was read, the texts lie in its bytes. */
typedef struct {
    uint8_t type;
    uint32_t serial;
    uint32_t reply_serial;
    uint32_t unix_fds;
    const char *path;
    const char *interface;
    const char *member;
    const char *error_name;
    const char *destination;
    const char *sender;
    const char *signature;
    const uint8_t *body;
    size_t body_size;
} dbus_message_t;

void dbus_put_u32(dbus_bytes_t *bytes, uint32_t value);
void dbus_put_string(dbus_bytes_t *bytes, const char *text);
void dbus_put_array_of_bytes(dbus_bytes_t *bytes, const void *data, uint32_t size);

/* The u32 or the string that a body begins with; 0 and NULL if it does not. */
uint32_t dbus_first_u32(const dbus_message_t *message);
const char *dbus_first_string(const dbus_message_t *message);

/* The size of the message that begins so: 0 if that is not to be seen yet. */
size_t dbus_message_size(const uint8_t *data, size_t size);
/* Appends a whole message. */
void dbus_message_write(const dbus_message_t *message, dbus_bytes_t *bytes);
/* Whether the `size` bytes are a whole message. */
bool dbus_message_read(dbus_message_t *message, const uint8_t *data, size_t size);

#endif
