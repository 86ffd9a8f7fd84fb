/* A connection to a D-Bus message bus, through a client of easynet. What goes wrong ends the case
 * of the test. */
#ifndef BUS_H
#define BUS_H

#include "dbus_message.h"
#include <easynet.h>

#define BUS_TIMEOUT_MS 60000
#define BUS_MOST_FDS 253 /* the most that one system call carries */

typedef struct {
    en_unix_stream_client_t *client;
    en_ancillary_t *beside;
    bool with_lines;           /* it begins with lines, and goes on with messages */
    uint32_t serial;           /* of the last message sent */
    size_t partial;            /* receives that brought less than a whole packet */
    int fds[2 * BUS_MOST_FDS]; /* came, and belong to messages that were not received yet */
    size_t fd_count;
} bus_t;

/* A message that was received; it owns its bytes and its descriptors. */
typedef struct {
    dbus_message_t head;
    en_packet_t packet;
    int fds[BUS_MOST_FDS];
    size_t fd_count;
} bus_message_t;

/* Connects, and says nothing yet but who we are. */
void bus_open(bus_t *bus, const en_unix_address_t *address);
void bus_close(bus_t *bus);

/* Sends a line of the handshake, and answers the one that comes back, for the caller to release. */
void bus_send_line(bus_t *bus, const char *line);
en_packet_t bus_receive_line(bus_t *bus);

/* The whole handshake, up to the first message. */
void bus_authenticate(bus_t *bus);

/* Sends a message with a serial of its own, which is set and answered. */
uint32_t bus_send(bus_t *bus, dbus_message_t *message, const int *fds, size_t count);

/* Receives the next message; the reply to `serial`; the next call of a method. */
void bus_receive(bus_t *bus, bus_message_t *message);
void bus_receive_reply(bus_t *bus, uint32_t serial, bus_message_t *message);
void bus_receive_call(bus_t *bus, bus_message_t *message);
void bus_message_free(bus_message_t *message);

/* Calls a method of the bus itself. */
void bus_call(bus_t *bus, const char *member, const char *signature, const dbus_bytes_t *body,
              bus_message_t *reply);

#endif
