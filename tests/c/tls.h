/* A client and a server that speak TLS with each other, both ours, in one process. */
#ifndef TLS_H
#define TLS_H

#include "wire.h"

/* The path of a certificate or key that the build made; valid until the end. */
const char *certificate(const char *name);

en_tls_options_t *tls_options(void);
/* Options that show a certificate; "client" has the key "client-key". */
en_tls_options_t *tls_identity(const char *name);
/* Options that trust the authority of the good certificates. */
en_tls_options_t *tls_trusting(void);
/* Configurations; the options end with it. */
en_tls_config_t *tls_client_config(en_tls_options_t *options);
en_tls_config_t *tls_server_config(en_tls_options_t *options);

typedef struct {
    en_tcp_client_t *client;
    en_tcp_client_t *server;
    int client_rc;
    int server_rc;
    char client_message[1024];
    char server_message[1024];
    int listener;
    uint16_t port;
} tls_pair_t;

/* What a pair is made of; NULL and 0 stand for what is usual. All of it ends with the handshake,
 * but configurations that are kept. */
typedef struct {
    en_tls_config_t *client;
    en_tls_config_t *server;
    bool keeps;
    const char *host;
    const char *server_name;
    en_stream_protocol_t *(*protocol)(void);
    en_tcp_options_t *client_options;
    en_tcp_options_t *server_options;
} tls_plan_t;

/* Shakes hands; whether that went well is in the codes. */
void tls_pair_try(tls_pair_t *pair, tls_plan_t plan);
/* Shakes hands, which must go well. */
void tls_pair_open(tls_pair_t *pair, tls_plan_t plan);
void tls_pair_close(tls_pair_t *pair);

#endif
