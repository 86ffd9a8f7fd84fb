/* The peer of TLS: version 1.3 with one suite and one group, so that all contenders compute the
 * same. Certificate and key are found in the folder that CERTIFICATES names. */
#include "server.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void check_tls(int is_good, const char *what)
{
    if (!is_good) {
        fprintf(stderr, "server: %s: ", what);
        ERR_print_errors_fp(stderr);
        exit(1);
    }
}

static const char *in_certificates(const char *name)
{
    static char path[PATH_MAX];
    const char *folder = getenv("CERTIFICATES");
    snprintf(path, sizeof path, "%s/%s.pem", folder ? folder : ".", name);
    return path;
}

static SSL_CTX *new_context(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    check_tls(context && SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) &&
                  SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256") &&
                  SSL_CTX_set1_groups_list(context, "X25519"),
              "settings");
    check_tls(SSL_CTX_use_certificate_chain_file(context, in_certificates("good")) == 1,
              "certificate");
    check_tls(SSL_CTX_use_PrivateKey_file(context, in_certificates("good-key"), SSL_FILETYPE_PEM) ==
                  1,
              "key");
    SSL_CTX_set_read_ahead(context, 1);
    return context;
}

static SSL *shake_hands(SSL_CTX *context, int fd)
{
    SSL *session = SSL_new(context);
    check_tls(session && SSL_set_fd(session, fd), "session");
    check_tls(SSL_accept(session) == 1, "handshake");
    return session;
}

/* 0: the client is gone. */
static int echo_once(SSL *session)
{
    int count = SSL_read(session, buffer, ROOM);
    return count > 0 && SSL_write(session, buffer, count) > 0;
}

static void echo(int fd, size_t packet_size)
{
    (void)packet_size;
    SSL *session = shake_hands(new_context(), fd);
    while (echo_once(session))
        ;
}

static void stream(int fd, size_t packet_size)
{
    SSL *session = shake_hands(new_context(), fd);
    size_t filled = fill_with_packets(packet_size, SIZE_MAX);
    while (SSL_write(session, buffer, (int)filled) > 0)
        ;
}

static void discard(int fd, size_t packet_size)
{
    (void)packet_size;
    SSL *session = shake_hands(new_context(), fd);
    while (SSL_read(session, buffer, ROOM) > 0)
        ;
}

/* One client after the other: each is answered once, and its end with the end. */
static void answer(int listener, size_t packet_size)
{
    (void)packet_size;
    SSL_CTX *context = new_context();
    int fd;
    while ((fd = accept(listener, NULL, NULL)) >= 0) {
        SSL *session = shake_hands(context, fd);
        while (echo_once(session))
            ;
        SSL_shutdown(session);
        SSL_free(session);
        close(fd);
    }
}

/* One client after the other: each is answered once and then kept. */
static void keep(int listener, size_t packet_size)
{
    (void)packet_size;
    SSL_CTX *context = new_context();
    int fd;
    while ((fd = accept(listener, NULL, NULL)) >= 0)
        echo_once(shake_hands(context, fd));
}

const struct mode tls_modes[] = {
    {"echo", echo},
    {"source", stream},
    {"sink", discard},
    {0},
};

const struct mode tls_listener_modes[] = {
    {"answer", answer},
    {"keep", keep},
    {0},
};
