/* A TLS library as somebody uses it who knows it, on blocking sockets: what the reference (rustls)
 * and OpenSSL have in common. Whatever fails ends the program. */
#ifndef TLS_H
#define TLS_H

#include <stddef.h>
#include <stdint.h>

struct session;

/* Trusts the authority in this file; sessions are resumed or not. To be called first. */
void tls_configure(const char *authority, int resumes);

/* Shakes hands with "localhost" over a connected socket, which is the session's from then on. */
struct session *tls_connect(int fd);

int tls_is_resumed(const struct session *session);

/* Sends a packet of LARGE bytes at most. */
void tls_send(struct session *session, const uint8_t header[], const uint8_t *data, size_t size);

/* Receives at least one byte. */
size_t tls_receive(struct session *session, uint8_t *to, size_t room);

/* Says the end, hears the peer's, and frees. */
void tls_close(struct session *session);

/* System calls on sockets so far. */
uint64_t tls_calls(void);

#endif
