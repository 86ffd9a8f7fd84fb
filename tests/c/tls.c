#include "tls.h"

#include <stdlib.h>
#include <unistd.h>

const char *certificate(const char *name)
{
    static char paths[8][512];
    static int next;
    char *path = paths[next++ % 8];

    snprintf(path, sizeof(paths[0]), "%s/%s.pem", EASYNET_CERTIFICATES, name);
    return path;
}

en_tls_options_t *tls_options(void)
{
    en_tls_options_t *options;

    REQUIRE_OK(en_tls_options_new(&options));
    return options;
}

en_tls_options_t *tls_identity(const char *name)
{
    en_tls_options_t *options = tls_options();
    char key[64];

    snprintf(key, sizeof(key), "%s-key", name);
    REQUIRE_OK(en_tls_options_set_identity_files(options, certificate(name), certificate(key)));
    return options;
}

en_tls_options_t *tls_trusting(void)
{
    en_tls_options_t *options = tls_options();

    REQUIRE_OK(en_tls_options_add_ca_file(options, certificate("authority")));
    return options;
}

en_tls_config_t *tls_client_config(en_tls_options_t *options)
{
    en_tls_config_t *config;

    REQUIRE_OK(en_tls_config_new_client(&config, options));
    en_tls_options_free(options);
    return config;
}

en_tls_config_t *tls_server_config(en_tls_options_t *options)
{
    en_tls_config_t *config;

    REQUIRE_OK(en_tls_config_new_server(&config, options));
    en_tls_options_free(options);
    return config;
}

typedef struct {
    tls_pair_t *pair;
    en_stream_protocol_t *protocol;
    en_tcp_options_t *options;
} accepting_t;

static void accept_one(void *arg)
{
    accepting_t *accepting = arg;
    tls_pair_t *pair = accepting->pair;
    int fd = peer_accept(pair->listener);

    pair->server_rc =
        en_tcp_client_from_fd(&pair->server, fd, accepting->protocol, accepting->options);
    if (pair->server_rc != EN_OK) {
        snprintf(pair->server_message, sizeof(pair->server_message), "%s", en_last_error_message());
        close(fd); /* it is still ours */
    }
}

void tls_pair_try(tls_pair_t *pair, tls_plan_t plan)
{
    en_stream_protocol_t *protocol = plan.protocol ? plan.protocol() : protocol_line();
    en_tcp_options_t *client_options = plan.client_options ? plan.client_options : options_new();
    en_tcp_options_t *server_options = plan.server_options ? plan.server_options : options_new();
    en_tls_config_t *client = plan.client ? plan.client : tls_client_config(tls_trusting());
    en_tls_config_t *server = plan.server ? plan.server : tls_server_config(tls_identity("good"));
    accepting_t accepting = {pair, protocol, server_options};
    thread_t thread;

    memset(pair, 0, sizeof(*pair));
    REQUIRE_OK(en_tcp_options_set_tls(client_options, client, plan.server_name));
    REQUIRE_OK(en_tcp_options_set_tls(server_options, server, NULL));
    pair->listener = peer_listen("127.0.0.1", 4);
    pair->port = peer_port(pair->listener);
    thread_start(&thread, accept_one, &accepting);
    pair->client_rc = en_tcp_client_connect(&pair->client, plan.host ? plan.host : "127.0.0.1",
                                            pair->port, protocol, client_options);
    if (pair->client_rc != EN_OK)
        snprintf(pair->client_message, sizeof(pair->client_message), "%s", en_last_error_message());
    thread_join(&thread);
    if (!plan.keeps) {
        en_tls_config_free(client);
        en_tls_config_free(server);
    }
    en_stream_protocol_free(protocol);
    en_tcp_options_free(client_options);
    en_tcp_options_free(server_options);
}

void tls_pair_open(tls_pair_t *pair, tls_plan_t plan)
{
    tls_pair_try(pair, plan);
    CHECK_TEXT(pair->client_message, "");
    CHECK_TEXT(pair->server_message, "");
    REQUIRE(pair->client_rc == EN_OK && pair->server_rc == EN_OK);
}

void tls_pair_close(tls_pair_t *pair)
{
    /* Without grace: nobody would answer. */
    if (pair->client)
        en_tcp_client_abort(pair->client);
    en_tcp_client_free(pair->client);
    en_tcp_client_free(pair->server);
    close(pair->listener);
}
