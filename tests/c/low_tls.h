/* Two sides that speak TLS with each other over transports of the application. */
#ifndef LOW_TLS_H
#define LOW_TLS_H

#include "low.h"
#include "tls.h"

/* One side: what it speaks TLS over, and what came of that. */
typedef struct {
    own_t receives;
    own_t sends;
    bool over_pipes;
    en_stream_transport_t *inner;
    en_stream_transport_t *secure;
    en_tls_config_t *config;
    en_transport_options_t *options;
    const char *name;
    int rc;
    char message[512];
} side_t;

typedef struct {
    side_t client;
    side_t server;
} pair_t;

/* Each side over two pipes, stapled; or over a socket. */
void pair_of_pipes(pair_t *pair);
void pair_of_sockets(pair_t *pair);
/* Pipes through which little goes at a time. */
void pair_of_trickles(pair_t *pair);
/* Makes what has yet to shake hands, of one side or of both, as a client and a server;
 * configurations and options of both end with it. */
void side_begin(side_t *side);
void pair_begin(pair_t *pair);
/* The same over pipes or sockets. */
void pair_begin_over(pair_t *pair, bool pipes);
/* Goes on with the handshake of one side_t until it is over. */
void side_goes_on(void *side);
/* Shakes hands for one side_t, as its configuration says. */
void side_shake_hands(void *side);
/* Shakes hands, as a client and a server in two threads; configurations and options end with it.
 * How that went is in the codes. */
void pair_shake_hands(pair_t *pair);
/* Does both, which must go well. */
void secure_open(pair_t *pair, bool pipes);
void pair_close(pair_t *pair);
void check_both_ways(pair_t *pair);

#endif
