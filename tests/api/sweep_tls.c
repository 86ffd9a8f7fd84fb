/* The part of the fixture that TLS needs. */
#include "sweep.h"

#include <arpa/inet.h>
#include <stdio.h>

/* A certificate, its key and a revocation list that it signed; of no use outside these tests. */
static const char pem[] = "-----BEGIN CERTIFICATE-----\n"
                          "MIIBmTCCAUCgAwIBAgIUIic0w81XCA63ku1FEdg26G9yH+EwCgYIKoZIzj0EAwIw\n"
                          "EDEOMAwGA1UEAwwFc3dlZXAwIBcNMjYxMTIxMDcyNTM4WhgPMjEyNjEwMjgwNzI1\n"
                          "MzhaMBAxDjAMBgNVBAMMBXN3ZWVwMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE\n"
                          "qKs3SMUia2urcDSYe82+62GoifexzsO0/u9Ctm45ly4qDIbuuJhhz/b/EOUz0lg6\n"
                          "cXM1yxtWRBB8plpuTOagN6N2MHQwHQYDVR0OBBYEFHak5Rhi8qF/bmaNkZ+tIIiu\n"
                          "gNKrMB8GA1UdIwQYMBaAFHak5Rhi8qF/bmaNkZ+tIIiugNKrMA8GA1UdEwEB/wQF\n"
                          "MAMBAf8wCwYDVR0PBAQDAgGGMBQGA1UdEQQNMAuCCWxvY2FsaG9zdDAKBggqhkjO\n"
                          "PQQDAgNHADBEAiBuSAKBmhjBu/Hbh9zs0QOwiPVD4rrPGd3Pj4mNFAk/qgIgW8q3\n"
                          "tW7/jJQhc+RNH8uBlmt5gIyFSHCYupH9q25UJ7k=\n"
                          "-----END CERTIFICATE-----\n"
                          "-----BEGIN PRIVATE KEY-----\n"
                          "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgrPkcohjhCC5A19dN\n"
                          "b2KSvnwPsu3mnQYb54cD7rZ3UluhRANCAASoqzdIxSJra6twNJh7zb7rYaiJ97HO\n"
                          "w7T+70K2bjmXLioMhu64mGHP9v8Q5TPSWDpxczXLG1ZEEHymWm5M5qA3\n"
                          "-----END PRIVATE KEY-----\n"
                          "-----BEGIN X509 CRL-----\n"
                          "MIGoMFECAQEwCgYIKoZIzj0EAwIwEDEOMAwGA1UEAwwFc3dlZXAXDTI2MTEyMTA3\n"
                          "MjUzOFoYDzIxMjYxMDI4MDcyNTM4WqAOMAwwCgYDVR0UBAMCAQEwCgYIKoZIzj0E\n"
                          "AwIDRwAwRAIgEwiuoqTlonEuBXPVkbHmCOU9e8DHObWO8OiApE54tYUCICQbfeOU\n"
                          "dPhx78fimA3W4JNQpSAMPnJjOQveDSDGYRxU\n"
                          "-----END X509 CRL-----\n";

static void write_file(fixture_t *fx)
{
    FILE *file;

    snprintf(fx->pem_path, sizeof(fx->pem_path), "%s/pem", fx->folder);
    file = fopen(fx->pem_path, "w");
    NEED(file != NULL);
    NEED(fwrite(pem, 1, sizeof(pem) - 1, file) == sizeof(pem) - 1);
    NEED(fclose(file) == 0);
}

void sweep_set_up_tls(fixture_t *fx)
{
    fx->pem = pem;
    fx->pem_size = sizeof(pem) - 1;
    write_file(fx);
    NEED(en_tls_options_new(&fx->tls_options) == EN_OK);
    NEED(en_tls_options_add_ca_pem(fx->tls_options, pem, fx->pem_size) == EN_OK);
    NEED(en_tls_options_new(&fx->tls_server_options) == EN_OK);
    NEED(en_tls_options_set_identity_pem(fx->tls_server_options, pem, fx->pem_size, pem,
                                         fx->pem_size) == EN_OK);
    NEED(en_tls_config_new_client(&fx->tls_config, fx->tls_options) == EN_OK);
}

static void *answer(void *arg)
{
    fixture_t *fx = arg;
    en_tls_config_t *config = NULL;
    en_tcp_options_t *options = NULL;

    NEED(en_tls_config_new_server(&config, fx->tls_server_options) == EN_OK);
    NEED(en_tcp_options_new(&options) == EN_OK);
    NEED(en_tcp_options_set_tls(options, config, NULL) == EN_OK);
    NEED(en_tcp_client_from_fd(&fx->secure_peer, accept(fx->tls_listener, NULL, NULL), fx->protocol,
                               options) == EN_OK);
    en_tcp_options_free(options);
    en_tls_config_free(config);
    return NULL;
}

static en_tls_config_t *client_config(fixture_t *fx)
{
    en_tls_options_t *options = NULL;
    en_tls_config_t *config = NULL;

    NEED(en_tls_options_new(&options) == EN_OK);
    NEED(en_tls_options_add_pinned_certificate_pem(options, fx->pem, fx->pem_size) == EN_OK);
    NEED(en_tls_options_add_alpn(options, "sweep", 5) == EN_OK);
    NEED(en_tls_config_new_client(&config, options) == EN_OK);
    en_tls_options_free(options);
    return config;
}

void sweep_begin_answering(fixture_t *fx, pthread_t *thread, en_tls_config_t **config)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);

    *config = client_config(fx);
    NEED(en_tls_options_add_alpn(fx->tls_server_options, "sweep", 5) == EN_OK);
    fx->tls_listener = socket(AF_INET, SOCK_STREAM, 0);
    NEED(bind(fx->tls_listener, (struct sockaddr *)&address, size) == 0);
    NEED(listen(fx->tls_listener, 1) == 0);
    NEED(getsockname(fx->tls_listener, (struct sockaddr *)&address, &size) == 0);
    fx->tls_port = ntohs(address.sin_port);
    NEED(pthread_create(thread, NULL, answer, fx) == 0);
}

void sweep_shake_hands(fixture_t *fx)
{
    en_tls_config_t *config = NULL;
    en_tcp_options_t *options = NULL;
    pthread_t thread;

    sweep_begin_answering(fx, &thread, &config);
    NEED(en_tcp_options_new(&options) == EN_OK);
    NEED(en_tcp_options_set_tls(options, config, "localhost") == EN_OK);
    NEED(en_tcp_client_connect(&fx->secure, "127.0.0.1", fx->tls_port, fx->protocol, options) ==
         EN_OK);
    pthread_join(thread, NULL);
    en_tcp_options_free(options);
    en_tls_config_free(config);
    NEED(en_tcp_client_get_tls_info(fx->secure, &fx->tls_info) == EN_OK);
}

void sweep_tear_down_tls(fixture_t *fx)
{
    en_tls_info_free(fx->tls_info);
    en_tcp_client_free(fx->secure);
    en_tcp_client_free(fx->secure_peer);
    if (fx->tls_listener > 0)
        close(fx->tls_listener);
    en_tls_config_free(fx->tls_config);
    en_tls_options_free(fx->tls_server_options);
    en_tls_options_free(fx->tls_options);
    unlink(fx->pem_path);
}
