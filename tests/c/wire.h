/* A client and its peer, connected over loopback, and the protocols tests use most. */
#ifndef WIRE_H
#define WIRE_H

#include "harness.h"
#include "peer.h"

#include <stdio.h>
#include <string.h>

typedef struct {
    int listener;
    int fd; /* the peer's end, -1 when closed */
    uint16_t port;
    en_tcp_client_t *client;
} wire_t;

/* Connects a client; protocol and options are freed as soon as it has them. */
void wire_open(wire_t *wire, en_stream_protocol_t *protocol, en_tcp_options_t *options);
/* Closes what is open of it. */
void wire_close(wire_t *wire);
/* Ends the peer's side alone. */
void wire_close_peer(wire_t *wire);
void wire_reset_peer(wire_t *wire);
/* Makes both socket buffers small, so that a peer who does not read is felt soon. */
void wire_narrow(wire_t *wire);
/* Fills the way to the peer to the last byte, behind the back of the client: how many bytes. */
size_t wire_fill(wire_t *wire);
/* Waits until something (or the end, or a reset) has arrived at the client's descriptor. */
void wire_wait_arrived(wire_t *wire);
/* Sends byte by byte: after each but the last a receive finds no packet yet. */
void wire_feed_bytewise(wire_t *wire, const void *data, size_t size);
en_stats_t wire_stats(wire_t *wire);

en_stream_protocol_t *protocol_line(void);
en_stream_protocol_t *protocol_raw(void);
en_stream_protocol_t *protocol_json(void);
en_tcp_options_t *options_new(void);

int send_text(en_tcp_client_t *client, const char *text);

#endif
