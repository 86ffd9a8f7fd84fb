#include "low_tls.h"

void side_shake_hands(void *arg)
{
    side_t *side = arg;

    side->rc = en_stream_transport_new_tls(&side->secure, side->inner, side->config, side->name,
                                           side->options);
    if (side->rc != EN_OK)
        snprintf(side->message, sizeof(side->message), "%s", en_last_error_message());
}

/* Each side over two pipes, stapled. */
void pair_of_pipes(pair_t *pair)
{
    side_t *sides[2] = {&pair->client, &pair->server};
    int pipes[2][2];

    memset(pair, 0, sizeof(*pair));
    pipe_open(pipes[0]);
    pipe_open(pipes[1]);
    for (int i = 0; i < 2; i++) {
        side_t *side = sides[i];
        en_stream_transport_t *receiving;
        en_stream_transport_t *sending;

        side->over_pipes = true;
        side->receives = (own_t){.in = pipes[i][0], .out = -1};
        side->sends = (own_t){.in = -1, .out = pipes[!i][1]};
        receiving = own_stream(&side->receives, NULL);
        sending = own_stream(&side->sends, NULL);
        REQUIRE_OK(en_stream_transport_new_stapled(&side->inner, receiving, sending, NULL));
        en_stream_transport_free(receiving);
        en_stream_transport_free(sending);
    }
}

void pair_of_trickles(pair_t *pair)
{
    pair_of_pipes(pair);
    pair->client.receives.most = pair->server.receives.most = 1;
    pair->client.sends.most = pair->server.sends.most = 7;
}

void pair_of_sockets(pair_t *pair)
{
    int ends[2];

    memset(pair, 0, sizeof(*pair));
    tcp_pair(ends);
    pair->client.inner = stream_over(ends[0]);
    pair->server.inner = stream_over(ends[1]);
}

void side_begin(side_t *side)
{
    side->rc = en_stream_transport_new_tls_noblock(&side->secure, side->inner, side->config,
                                                   side->name, side->options);
    REQUIRE_OK(side->rc);
}

void pair_begin(pair_t *pair)
{
    if (!pair->client.config)
        pair->client.config = tls_client_config(tls_trusting());
    pair->server.config = tls_server_config(tls_identity("good"));
    if (!pair->client.name)
        pair->client.name = "127.0.0.1";
    side_begin(&pair->client);
    side_begin(&pair->server);
    en_tls_config_free(pair->client.config);
    en_tls_config_free(pair->server.config);
    en_transport_options_free(pair->client.options);
    en_transport_options_free(pair->server.options);
}

void pair_begin_over(pair_t *pair, bool pipes)
{
    if (pipes)
        pair_of_pipes(pair);
    else
        pair_of_sockets(pair);
    pair_begin(pair);
}

void side_goes_on(void *arg)
{
    side_t *side = arg;

    side->rc = en_stream_transport_handshake(side->secure, -1);
}

void pair_shake_hands(pair_t *pair)
{
    thread_t thread;

    if (!pair->client.config)
        pair->client.config = tls_client_config(tls_trusting());
    if (!pair->server.config)
        pair->server.config = tls_server_config(tls_identity("good"));
    if (!pair->client.name)
        pair->client.name = "127.0.0.1";
    thread_start(&thread, side_shake_hands, &pair->server);
    side_shake_hands(&pair->client);
    if (pair->client.rc != EN_OK)
        CHECK_OK(en_stream_transport_close(pair->client.inner));
    thread_join(&thread);
    en_tls_config_free(pair->client.config);
    en_tls_config_free(pair->server.config);
    en_transport_options_free(pair->client.options);
    en_transport_options_free(pair->server.options);
}

void secure_open(pair_t *pair, bool pipes)
{
    if (pipes)
        pair_of_pipes(pair);
    else
        pair_of_sockets(pair);
    pair_shake_hands(pair);
    CHECK_TEXT(pair->client.message, "");
    CHECK_TEXT(pair->server.message, "");
    REQUIRE(pair->client.secure && pair->server.secure);
}

static void close_inner(side_t *side)
{
    /* Without grace: nobody would answer. */
    if (side->inner)
        CHECK_OK(en_stream_transport_close(side->inner));
    en_stream_transport_free(side->inner);
    en_stream_transport_free(side->secure);
    if (side->over_pipes) {
        CHECK_OWN_ENDED(&side->receives);
        CHECK_OWN_ENDED(&side->sends);
    }
}

void pair_close(pair_t *pair)
{
    close_inner(&pair->client);
    close_inner(&pair->server);
}

void check_both_ways(pair_t *pair)
{
    CHECK_OK(put_bytes(pair->client.secure, "from the client"));
    CHECK_GOT(pair->server.secure, "from the client");
    CHECK_OK(put_bytes(pair->server.secure, "from the server"));
    CHECK_GOT(pair->client.secure, "from the server");
}
