/* Says whether this easynet can speak TLS. All functions are there, whatever it says. */
#include <easynet.h>
#include <stdio.h>

static en_tls_config_t *config;
static en_tls_options_t *options;

static int give_up(const char *what, int code)
{
    printf("%s: %s: %s\n", what, en_error_name(code), en_last_error_message());
    return 1;
}

/* What is true with TLS; a pin, because not every machine has trusted certificates. */
static int with_tls(void)
{
    static const unsigned char digest[32];
    int code = en_tls_options_new(&options);

    if (code == EN_OK)
        code = en_tls_options_add_pinned_public_key_sha256(options, digest, sizeof(digest));
    if (code == EN_OK)
        code = en_tls_config_new_client(&config, options);
    if (code < 0)
        return give_up("with TLS", code);
    puts("TLS is there");
    return 0;
}

/* What is true without. */
static int without_tls(void)
{
    int code = en_tls_options_new(&options);

    if (code != EN_EOPNOTSUPP || options != NULL)
        return give_up("options", code);
    code = en_tls_config_new_server(&config, NULL);
    if (code != EN_EOPNOTSUPP || config != NULL)
        return give_up("a server's configuration", code);
    code = en_tls_config_new_client(&config, NULL);
    if (code != EN_EOPNOTSUPP || config != NULL)
        return give_up("a client's configuration", code);
    puts(en_last_error_message());
    return 0;
}

int main(void)
{
    const int status = (en_features() & EN_FEATURE_TLS) != 0 ? with_tls() : without_tls();

    en_tls_config_free(config);
    en_tls_options_free(options);
    return status;
}
