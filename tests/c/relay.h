/* A TLS server behind a relay that a test turns by hand: what the client and the server say gets to
 * the other only when the test wants it. */
#ifndef RELAY_H
#define RELAY_H

#include "family.h"
#include "tls.h"

typedef struct {
    int listener; /* of the relay: where the client connects to */
    int front;    /* the client's connection, -1 before */
    int back;     /* the connection to the server */
    int behind;   /* the server's listener */
    en_tcp_client_t *server;
    thread_t thread;
} relay_t;

/* The server shakes hands, waits for the client's end, and closes. */
void relay_open(relay_t *relay);
/* Takes the client's connection if it is there. */
void relay_accepts(relay_t *relay);
/* Carries a small piece in one direction, waiting for it if need be; false if there is none. */
bool relay_carries(relay_t *relay);
void relay_close(relay_t *relay);

#endif
