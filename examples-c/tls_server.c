/*
 * A server that speaks TLS: it accepts by hand, makes a transport of each connection, speaks TLS
 * over that, and answers each JSON packet with one that holds it.
 *
 *     tls_server [-n CONNECTIONS] [-a CLIENT_AUTHORITIES] CHAIN KEY
 *
 * CHAIN and KEY are PEM files. It listens on a port of 127.0.0.1 that the system chooses, prints
 * it, and ends after CONNECTIONS connections (never, if not said). With -a, clients must show a
 * certificate that those authorities have signed.
 */
#define _POSIX_C_SOURCE 200809L

#include <arpa/inet.h>
#include <easynet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT_MS 10000

static int complain(const char *what)
{
    fprintf(stderr, "tls_server: %s: %s\n", what, en_last_error_message());
    return 1;
}

static int listen_somewhere(void)
{
    struct sockaddr_in address;
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);

    memset(&address, 0, sizeof(address));
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) < 0 ||
        listen(listener, SOMAXCONN) < 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) < 0) {
        perror("tls_server: cannot listen on 127.0.0.1");
        exit(1);
    }
    printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

typedef struct {
    en_tls_config_t *tls;
    en_stream_protocol_t *json;
} server_t;

static int make_tls(en_tls_config_t **tls, const char *chain, const char *key,
                    const char *authorities)
{
    en_tls_options_t *options;
    int rc = en_tls_options_new(&options);

    if (rc == EN_OK)
        rc = en_tls_options_set_identity_files(options, chain, key);
    if (rc == EN_OK && authorities != NULL)
        rc = en_tls_options_add_ca_file(options, authorities);
    if (rc == EN_OK && authorities != NULL)
        rc = en_tls_options_set_client_auth(options, EN_TLS_CLIENT_AUTH_REQUIRED);
    if (rc == EN_OK)
        rc = en_tls_config_new_server(tls, options);
    en_tls_options_free(options);
    return rc;
}

/* An endpoint for JSON over TLS; the descriptor is taken over in any case. */
static int endpoint_of(const server_t *server, int fd, en_stream_endpoint_t **endpoint)
{
    en_stream_transport_t *plain = NULL, *secure = NULL;
    en_transport_options_t *options = NULL;
    int rc = en_stream_transport_from_fd(&plain, fd, NULL);

    if (rc < 0) {
        close(fd);
        return rc;
    }
    rc = en_transport_options_new(&options);
    if (rc == EN_OK)
        rc = en_transport_options_set_handshake_timeout(options, TIMEOUT_MS);
    if (rc == EN_OK)
        rc = en_stream_transport_new_tls(&secure, plain, server->tls, NULL, options);
    if (rc == EN_OK)
        rc = en_stream_endpoint_new(endpoint, secure, server->json, NULL);
    en_transport_options_free(options);
    en_stream_transport_free(secure);
    en_stream_transport_free(plain); /* the endpoint keeps its own hold */
    return rc;
}

static void print_peer(en_stream_endpoint_t *endpoint)
{
    en_tls_info_t *info;

    if (en_stream_endpoint_get_tls_info(endpoint, &info) < 0) {
        complain("TLS");
        return;
    }
    printf("TLS 1.%d, %s\n", en_tls_info_version(info) == EN_TLS_1_3 ? 3 : 2,
           en_tls_info_cipher_suite(info));
    fflush(stdout);
    en_tls_info_free(info);
}

/* Answers every packet until the client ends the stream. */
static int answer(en_stream_endpoint_t *endpoint)
{
    static const char before[] = "{\"you said\": ", after[] = "}";
    en_slice_t parts[3] = {{before, sizeof(before) - 1}, {NULL, 0}, {after, sizeof(after) - 1}};
    en_packet_t packet;
    int rc;

    while ((rc = en_stream_endpoint_recv_packet(endpoint, TIMEOUT_MS, &packet)) == EN_OK ||
           rc == EN_EBADMSG) {
        if (rc == EN_EBADMSG) { /* what is no JSON was skipped */
            complain("a packet");
            continue;
        }
        parts[1].data = packet.data;
        parts[1].size = packet.size;
        rc = en_stream_endpoint_send_packet_slices(endpoint, parts, 3, TIMEOUT_MS);
        en_packet_release(&packet);
        if (rc < 0)
            return rc;
    }
    return rc == EN_ECONNABORTED ? EN_OK : rc;
}

static void serve(const server_t *server, int fd)
{
    en_stream_endpoint_t *endpoint;

    if (endpoint_of(server, fd, &endpoint) < 0) {
        complain("a client");
        return;
    }
    print_peer(endpoint);
    if (answer(endpoint) < 0)
        complain("a client");
    en_stream_endpoint_close(endpoint); /* says the end of TLS */
    en_stream_endpoint_free(endpoint);
}

static int usage(void)
{
    fprintf(stderr, "usage: tls_server [-n CONNECTIONS] [-a CLIENT_AUTHORITIES] CHAIN KEY\n");
    return 2;
}

int main(int argc, char **argv)
{
    server_t server = {NULL, NULL};
    const char *authorities = NULL;
    int connections = -1, listener, option, fd;

    while ((option = getopt(argc, argv, "n:a:")) != -1) {
        if (option == 'n')
            connections = atoi(optarg);
        else if (option == 'a')
            authorities = optarg;
        else
            return usage();
    }
    if (argc - optind != 2)
        return usage();
    if (make_tls(&server.tls, argv[optind], argv[optind + 1], authorities) < 0)
        return complain("TLS");
    if (en_stream_protocol_new_json(&server.json, 0) < 0)
        return complain("JSON");
    listener = listen_somewhere();
    for (; connections != 0; connections -= connections > 0) {
        fd = accept(listener, NULL, NULL);
        if (fd < 0) {
            perror("tls_server: accept");
            return 1;
        }
        serve(&server, fd);
    }
    close(listener);
    en_stream_protocol_free(server.json);
    en_tls_config_free(server.tls);
    return 0;
}
