/* OpenSSL, whose SSL is the session. */
#include "bench.h"
#include "tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <string.h>
#include <unistd.h>

static SSL_CTX *context;
static SSL_SESSION *remembered;
static uint64_t calls;

uint64_t tls_calls(void)
{
    return calls;
}

static void check(int is_good, const char *what)
{
    if (!is_good)
        fail(what, ERR_reason_error_string(ERR_peek_last_error()));
}

/* Keeps the newest ticket, each of which is for one use. */
static int remember(SSL *ssl, SSL_SESSION *ticket)
{
    (void)ssl;
    SSL_SESSION_free(remembered);
    remembered = ticket;
    return 1;
}

void tls_configure(const char *authority, int resumes)
{
    context = SSL_CTX_new(TLS_client_method());
    check(context && SSL_CTX_load_verify_locations(context, authority, NULL), "authority");
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_session_cache_mode(
        context, resumes ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL : SSL_SESS_CACHE_OFF);
    if (resumes)
        SSL_CTX_sess_set_new_cb(context, remember);
}

static long count_calls(BIO *bio, int what, const char *data, size_t size, int arg, long larg,
                        int result, size_t *processed)
{
    (void)bio, (void)data, (void)size, (void)arg, (void)larg, (void)processed;
    if (what == (BIO_CB_READ | BIO_CB_RETURN) || what == (BIO_CB_WRITE | BIO_CB_RETURN))
        calls++;
    return result;
}

struct session *tls_connect(int fd)
{
    SSL *ssl = SSL_new(context);
    check(ssl && SSL_set_fd(ssl, fd) && SSL_set_tlsext_host_name(ssl, "localhost") &&
              SSL_set1_host(ssl, "localhost"),
          "session");
    BIO_set_callback_ex(SSL_get_rbio(ssl), count_calls);
    if (remembered)
        SSL_set_session(ssl, remembered);
    check(SSL_connect(ssl) == 1, "handshake");
    return (struct session *)ssl;
}

int tls_is_resumed(const struct session *session)
{
    return SSL_session_reused((SSL *)session);
}

/* It sends from one piece of memory. */
void tls_send(struct session *session, const uint8_t header[], const uint8_t *data, size_t size)
{
    static uint8_t packet[HEADER + LARGE];
    memcpy(packet, header, HEADER);
    memcpy(packet + HEADER, data, size);
    check(SSL_write((SSL *)session, packet, (int)(HEADER + size)) > 0, "send");
}

size_t tls_receive(struct session *session, uint8_t *to, size_t room)
{
    int count = SSL_read((SSL *)session, to, (int)room);
    check(count > 0, "receive");
    return (size_t)count;
}

void tls_close(struct session *session)
{
    SSL *ssl = (SSL *)session;
    int fd = SSL_get_fd(ssl);
    check(SSL_shutdown(ssl) == 1 || SSL_shutdown(ssl) == 1, "end");
    SSL_free(ssl);
    close(fd);
}
