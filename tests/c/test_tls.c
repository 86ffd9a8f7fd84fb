/* TLS handshakes: what is agreed on, who is trusted, and how refusals read. */
#include "child.h"
#include "tls.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static void exchange(tls_pair_t *pair)
{
    CHECK_OK(send_text(pair->client, "hello"));
    CHECK_RECV(pair->server, "hello");
    CHECK_OK(send_text(pair->server, "there"));
    CHECK_RECV(pair->client, "there");
}

static en_tls_info_t *info_of(en_tcp_client_t *client)
{
    en_tls_info_t *info = NULL;

    REQUIRE_OK(en_tcp_client_get_tls_info(client, &info));
    return info;
}

static void what_is_agreed_on(void)
{
    const void *data = NULL;
    size_t size = 0;
    en_tls_info_t *info;
    tls_pair_t pair;

    tls_pair_open(&pair, (tls_plan_t){.host = "localhost"});
    exchange(&pair);
    info = info_of(pair.client);
    CHECK_INT(en_tls_info_version(info), EN_TLS_1_3);
    CHECK_HAS(en_tls_info_cipher_suite(info), "TLS_");
    CHECK_TEXT(en_tls_info_verified_name(info), "localhost");
    CHECK_INT(en_tls_info_is_resumed(info), 0);
    CHECK_CODE(en_tls_info_alpn(info, &data, &size), EN_ENODATA);
    CHECK_OK(en_tls_info_peer_certificate(info, 0, &data, &size));
    CHECK(size > 100 && ((const uint8_t *)data)[0] == 0x30); /* a SEQUENCE in DER */
    CHECK_CODE(en_tls_info_peer_certificate(info, 1, &data, &size), EN_ENODATA);
    en_tcp_client_abort(pair.client);
    CHECK_TEXT(en_tls_info_verified_name(info), "localhost"); /* a copy */
    en_tls_info_free(info);
    info = info_of(pair.server);
    CHECK(en_tls_info_verified_name(info) == NULL);
    CHECK_CODE(en_tls_info_peer_certificate(info, 0, &data, &size), EN_ENODATA);
    en_tls_info_free(info);
    CHECK_CODE(en_tcp_client_get_tls_info(pair.client, &info), EN_ECLOSED);
    tls_pair_close(&pair);
}

static void a_plain_client_has_no_facts(void)
{
    en_tls_info_t *info = NULL;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    CHECK_CODE(en_tcp_client_get_tls_info(wire.client, &info), EN_ENODATA);
    CHECK(info == NULL);
    wire_close(&wire);
}

static void versions_and_protocols(void)
{
    en_tls_options_t *old = tls_trusting();
    en_tls_options_t *server = tls_identity("good");
    const void *data = NULL;
    size_t size = 0;
    en_tls_info_t *info;
    tls_pair_t pair;

    CHECK_OK(en_tls_options_set_versions(old, EN_TLS_1_2, EN_TLS_1_2));
    CHECK_OK(en_tls_options_add_alpn(old, "first", 5));
    CHECK_OK(en_tls_options_add_alpn(old, "second", 6));
    CHECK_OK(en_tls_options_add_alpn(server, "second", 6));
    tls_pair_open(
        &pair, (tls_plan_t){.client = tls_client_config(old), .server = tls_server_config(server)});
    exchange(&pair);
    info = info_of(pair.client);
    CHECK_INT(en_tls_info_version(info), EN_TLS_1_2);
    CHECK_OK(en_tls_info_alpn(info, &data, &size));
    CHECK_BYTES(data, size, "second", 6);
    CHECK_TEXT(en_tls_info_verified_name(info), "127.0.0.1");
    en_tls_info_free(info);
    tls_pair_close(&pair);
}

static void versions_and_protocols_that_do_not_fit(void)
{
    en_tls_options_t *old = tls_trusting();
    en_tls_options_t *new = tls_identity("good");
    en_tls_options_t *one = tls_trusting();
    en_tls_options_t *other = tls_identity("good");
    tls_pair_t pair;

    CHECK_OK(en_tls_options_set_versions(old, EN_TLS_1_2, EN_TLS_1_2));
    CHECK_OK(en_tls_options_set_versions(new, EN_TLS_1_3, EN_TLS_1_3));
    tls_pair_try(&pair,
                 (tls_plan_t){.client = tls_client_config(old), .server = tls_server_config(new)});
    CHECK_CODE(pair.client_rc, EN_ETLS_ALERT);
    CHECK_HAS(pair.client_message, "protocol_version");
    CHECK_CODE(pair.server_rc, EN_ETLS_INCOMPATIBLE);
    tls_pair_close(&pair);

    CHECK_OK(en_tls_options_add_alpn(one, "one", 3));
    CHECK_OK(en_tls_options_add_alpn(other, "other", 5));
    tls_pair_try(
        &pair, (tls_plan_t){.client = tls_client_config(one), .server = tls_server_config(other)});
    CHECK_CODE(pair.client_rc, EN_ETLS_ALERT);
    CHECK_HAS(pair.client_message, "no_application_protocol");
    CHECK_CODE(pair.server_rc, EN_ETLS_INCOMPATIBLE);
    CHECK_HAS(pair.server_message, "ALPN");
    tls_pair_close(&pair);
}

static int resumed(tls_plan_t plan)
{
    en_tls_info_t *info;
    tls_pair_t pair;
    int is_resumed;

    tls_pair_open(&pair, plan);
    exchange(&pair);
    info = info_of(pair.client);
    is_resumed = en_tls_info_is_resumed(info);
    en_tls_info_free(info);
    tls_pair_close(&pair);
    return is_resumed;
}

static void sessions_are_resumed(void)
{
    en_tls_config_t *client = tls_client_config(tls_trusting());
    en_tls_config_t *server = tls_server_config(tls_identity("good"));
    tls_plan_t plan = {.client = client, .server = server, .keeps = true};

    CHECK_INT(resumed(plan), 0);
    CHECK_INT(resumed(plan), 1);
    plan.host = "localhost"; /* another name is another peer */
    CHECK_INT(resumed(plan), 0);
    plan.server_name = "127.0.0.1";
    CHECK_INT(resumed(plan), 1);
    plan.server_name = ""; /* no name: who would it be that is resumed? */
    CHECK_INT(resumed(plan), 0);
    CHECK_INT(resumed(plan), 0);
    en_tls_config_free(client);
    en_tls_config_free(server);
}

static int resume_only_ones_own(tls_plan_t plan)
{
    EXPECT(resumed(plan) == 0);
    EXPECT(resumed(plan) == 1);
    return 0;
}

/* Configurations serve parent and child, and remember for each what is its own. */
static void sessions_are_resumed_where_they_were_made(void)
{
    en_tls_config_t *client = tls_client_config(tls_trusting());
    en_tls_config_t *server = tls_server_config(tls_identity("good"));
    tls_plan_t plan = {.client = client, .server = server, .keeps = true};

    CHECK_INT(resumed(plan), 0);
    CHECK_IN_CHILD(resume_only_ones_own(plan));
    CHECK_INT(resumed(plan), 1);
    en_tls_config_free(client);
    en_tls_config_free(server);
}

/* A server that shows this certificate, and what the client says to it. */
static void check_refused(const char *name, const char *server_name, int code, const char *part,
                          const char *cure)
{
    tls_pair_t pair;

    tls_pair_try(&pair, (tls_plan_t){.server = tls_server_config(tls_identity(name)),
                                     .server_name = server_name});
    CHECK_CODE(pair.client_rc, code);
    CHECK_HAS(pair.client_message, "handshake 127.0.0.1");
    CHECK_HAS(pair.client_message, part);
    CHECK_HAS(pair.client_message, cure);
    CHECK(pair.client == NULL);
    CHECK_CODE(pair.server_rc, EN_ETLS_ALERT);
    tls_pair_close(&pair);
}

static void certificates_that_are_refused(void)
{
    check_refused("expired", NULL, EN_ETLS_EXPIRED, "CN=expired", "2020-02-03");
    check_refused("not-yet-valid", NULL, EN_ETLS_NOT_YET_VALID, "CN=not-yet-valid", "3000-02-03");
    check_refused("wrong-name", NULL, EN_ETLS_NAME_MISMATCH, "127.0.0.1", "example.test");
    check_refused("wildcard", "a.b.example.test", EN_ETLS_NAME_MISMATCH, "a.b.example.test",
                  "*.example.test");
    check_refused("address", "localhost", EN_ETLS_NAME_MISMATCH, "localhost", "127.0.0.1");
    check_refused("unknown-issuer", NULL, EN_ETLS_UNKNOWN_ISSUER, "other-authority", "en_tls");
    check_refused("self-signed", NULL, EN_ETLS_SELF_SIGNED, "CN=self-signed", "pin");
    check_refused("authority-as-peer", NULL, EN_ETLS_CA_AS_LEAF, "CN=authority-as-peer", "pin");
    check_refused("version-1", NULL, EN_ETLS_BAD_ENCODING, "CN=version-1", "pin");
}

static void check_accepted(const char *name, const char *server_name, en_tls_options_t *options)
{
    tls_pair_t pair;

    tls_pair_open(&pair, (tls_plan_t){.client = tls_client_config(options),
                                      .server = tls_server_config(tls_identity(name)),
                                      .server_name = server_name});
    exchange(&pair);
    tls_pair_close(&pair);
}

static void certificates_that_are_accepted(void)
{
    en_tls_options_t *options;

    check_accepted("wildcard", "a.example.test", tls_trusting());
    check_accepted("address", NULL, tls_trusting());
    check_accepted("wrong-name", "", tls_trusting()); /* no name check */
    options = tls_trusting();
    CHECK_OK(en_tls_options_set_dangerous_no_name_check(options, 1));
    check_accepted("wrong-name", NULL, options);
    options = tls_trusting();
    CHECK_OK(en_tls_options_set_verified_name(options, "example.test"));
    check_accepted("wrong-name", NULL, options);
    options = tls_options();
    CHECK_OK(en_tls_options_add_pinned_certificate_file(options, certificate("self-signed")));
    check_accepted("self-signed", NULL, options);
    options = tls_options();
    CHECK_OK(en_tls_options_set_dangerous_no_verification(options, 1));
    check_accepted("expired", NULL, options);
}

static void revoked_certificates(void)
{
    en_tls_options_t *options = tls_trusting();
    tls_pair_t pair;

    CHECK_OK(en_tls_options_add_crl_file(options, certificate("revocation-list")));
    tls_pair_try(&pair, (tls_plan_t){.client = tls_client_config(options),
                                     .server = tls_server_config(tls_identity("revoked"))});
    CHECK_CODE(pair.client_rc, EN_ETLS_REVOKED);
    CHECK_HAS(pair.client_message, "CN=revoked");
    tls_pair_close(&pair);
    check_accepted("revoked", NULL, tls_trusting()); /* without a list nobody knows */
    options = tls_trusting();
    CHECK_OK(en_tls_options_add_crl_file(options, certificate("revocation-list")));
    check_accepted("good", NULL, options);
}

typedef struct {
    char data[1 << 14];
    size_t size;
} text_t;

/* What the file of a certificate, key or list holds. */
static text_t text_of(const char *name)
{
    text_t text = {.size = 0};
    FILE *file = fopen(certificate(name), "r");

    REQUIRE(file != NULL);
    text.size = fread(text.data, 1, sizeof(text.data), file);
    REQUIRE(text.size > 0 && text.size < sizeof(text.data));
    fclose(file);
    return text;
}

static en_tls_options_t *trusting_text(void)
{
    en_tls_options_t *options = tls_options();
    text_t authority = text_of("authority");

    CHECK_OK(en_tls_options_add_ca_pem(options, authority.data, authority.size));
    return options;
}

/* Each of the settings that take a file takes its text, too. */
static void texts_in_place_of_files(void)
{
    en_tls_options_t *options = tls_options();
    text_t identity = text_of("good"), key = text_of("good-key");
    text_t list = text_of("revocation-list"), pin = text_of("self-signed");
    tls_pair_t pair;

    CHECK_OK(
        en_tls_options_set_identity_pem(options, identity.data, identity.size, key.data, key.size));
    tls_pair_open(&pair, (tls_plan_t){.client = tls_client_config(trusting_text()),
                                      .server = tls_server_config(options)});
    exchange(&pair);
    tls_pair_close(&pair);
    options = trusting_text();
    CHECK_OK(en_tls_options_add_crl_pem(options, list.data, list.size));
    tls_pair_try(&pair, (tls_plan_t){.client = tls_client_config(options),
                                     .server = tls_server_config(tls_identity("revoked"))});
    CHECK_CODE(pair.client_rc, EN_ETLS_REVOKED);
    tls_pair_close(&pair);
    options = tls_options();
    CHECK_OK(en_tls_options_add_pinned_certificate_pem(options, pin.data, pin.size));
    check_accepted("self-signed", NULL, options);
}

/* Roots on top of those of the system, from a file and from its text. */
static void extra_roots(void)
{
    text_t authority = text_of("authority");
    en_tls_options_t *options = tls_options();

    CHECK_OK(en_tls_options_add_extra_roots_file(options, certificate("authority")));
    check_accepted("good", NULL, options);
    options = tls_options();
    CHECK_OK(en_tls_options_add_extra_roots_pem(options, authority.data, authority.size));
    check_accepted("good", NULL, options);
}

static en_tls_config_t *demanding(int what)
{
    en_tls_options_t *options = tls_identity("good");

    CHECK_OK(en_tls_options_add_ca_file(options, certificate("authority")));
    CHECK_OK(en_tls_options_set_client_auth(options, what));
    return tls_server_config(options);
}

static en_tls_config_t *showing(const char *name)
{
    en_tls_options_t *options = tls_identity(name);

    CHECK_OK(en_tls_options_add_ca_file(options, certificate("authority")));
    return tls_client_config(options);
}

/* Tools still make such certificates, which no authority can vouch for. */
static void old_certificates_may_be_pinned(void)
{
    static const int versions[] = {EN_TLS_1_2, EN_TLS_1_3};
    en_tls_options_t *options;
    tls_pair_t pair;

    for (size_t i = 0; i < 2; i++) {
        options = tls_options();
        CHECK_OK(en_tls_options_set_versions(options, versions[i], versions[i]));
        CHECK_OK(en_tls_options_add_pinned_certificate_file(options, certificate("version-1")));
        check_accepted("version-1", NULL, options);
    }
    options = tls_identity("good");
    CHECK_OK(en_tls_options_add_pinned_certificate_file(options, certificate("version-1")));
    CHECK_OK(en_tls_options_set_client_auth(options, EN_TLS_CLIENT_AUTH_REQUIRED));
    tls_pair_open(
        &pair, (tls_plan_t){.client = showing("version-1"), .server = tls_server_config(options)});
    exchange(&pair);
    tls_pair_close(&pair);
}

static void client_certificates(void)
{
    const void *data = NULL;
    size_t size = 0;
    en_tls_info_t *info;
    tls_pair_t pair;

    tls_pair_open(&pair, (tls_plan_t){.client = showing("client"),
                                      .server = demanding(EN_TLS_CLIENT_AUTH_REQUIRED)});
    exchange(&pair);
    info = info_of(pair.server);
    CHECK_OK(en_tls_info_peer_certificate(info, 0, &data, &size));
    en_tls_info_free(info);
    tls_pair_close(&pair);
    tls_pair_open(&pair, (tls_plan_t){.server = demanding(EN_TLS_CLIENT_AUTH_OPTIONAL)});
    exchange(&pair);
    tls_pair_close(&pair);
}

/* In TLS 1.3 the client learns of it with its first receive. */
static void check_client_refused(en_tls_config_t *client, int code, const char *alert)
{
    en_packet_t packet = {0};
    tls_pair_t pair;

    tls_pair_try(&pair,
                 (tls_plan_t){.client = client, .server = demanding(EN_TLS_CLIENT_AUTH_REQUIRED)});
    CHECK_CODE(pair.server_rc, code);
    CHECK_OK(pair.client_rc);
    CHECK_CODE(en_tcp_client_recv_packet(pair.client, 20000, &packet), EN_ETLS_ALERT);
    CHECK_MESSAGE(alert);
    CHECK_CODE(en_tcp_client_recv_packet(pair.client, 20000, &packet), EN_ETLS_ALERT); /* again */
    tls_pair_close(&pair);
}

static void client_certificates_that_are_refused(void)
{
    check_client_refused(tls_client_config(tls_trusting()), EN_ETLS_NO_CERTIFICATE,
                         "certificate_required");
    check_client_refused(showing("other-client"), EN_ETLS_UNKNOWN_ISSUER, "unknown_ca");
    check_client_refused(showing("expired-client"), EN_ETLS_EXPIRED, "certificate_expired");
}

static void settings_that_do_not_go_together(void)
{
    en_tls_config_t *server = tls_server_config(tls_identity("good"));
    en_tls_config_t *client = tls_client_config(tls_trusting());
    en_stream_protocol_t *protocol = protocol_line();
    en_tcp_options_t *options = options_new();
    en_tcp_client_t *made = NULL;
    int listener = peer_listen("127.0.0.1", 4);
    int fd = peer_listen("127.0.0.1", 4); /* any descriptor */

    CHECK_OK(en_tcp_options_set_handshake_timeout(options, 100));
    CHECK_CODE(en_tcp_client_connect(&made, "127.0.0.1", 1, protocol, options), EN_EINVAL);
    CHECK_MESSAGE("handshake");
    en_tcp_options_free(options);
    options = options_new();
    CHECK_OK(en_tcp_options_set_standard_compatible(options, 1));
    CHECK_CODE(en_tcp_options_set_standard_compatible(options, 2), EN_EINVAL);
    CHECK_CODE(en_tcp_client_from_fd(&made, fd, protocol, options), EN_EINVAL);
    CHECK_MESSAGE("standard_compatible");
    en_tcp_options_free(options);
    options = options_new();
    CHECK_OK(en_tcp_options_set_tls(options, server, NULL));
    CHECK_CODE(en_tcp_client_connect(&made, "127.0.0.1", 1, protocol, options), EN_EINVAL);
    CHECK_MESSAGE("server's");
    CHECK_OK(en_tcp_options_set_tls(options, client, NULL));
    CHECK_CODE(en_tcp_client_from_fd(&made, fd, protocol, options), EN_EINVAL);
    CHECK_MESSAGE("name");
    CHECK_OK(en_tcp_options_set_tls(options, client, "no name at all"));
    CHECK_CODE(en_tcp_client_connect(&made, "127.0.0.1", peer_port(listener), protocol, options),
               EN_EINVAL);
    CHECK_OK(en_tcp_options_set_tls(options, NULL, NULL)); /* taken away */
    CHECK_OK(en_tcp_client_connect(&made, "127.0.0.1", peer_port(listener), protocol, options));
    en_tcp_client_free(made);
    en_tcp_options_free(options);
    en_stream_protocol_free(protocol);
    en_tls_config_free(client);
    en_tls_config_free(server);
    close(listener);
    close(fd);
}

/* What is no name is told before anything is looked at: the descriptor is none, and nobody listens.
 */
static void a_name_comes_before_the_socket(void)
{
    static const char *const bad[] = {"not a name", "m\xc3\xbcnchen.example", "host:443"};
    en_tls_config_t *verifying = tls_client_config(tls_trusting());
    en_stream_protocol_t *protocol = protocol_line();
    en_tls_options_t *careless = tls_options();
    en_tcp_options_t *options = options_new();
    en_tcp_client_t *made = NULL;
    en_tls_config_t *configs[] = {verifying, NULL};

    CHECK_OK(en_tls_options_set_dangerous_no_verification(careless, 1));
    configs[1] = tls_client_config(careless);
    for (size_t i = 0; i < 6; i++) {
        CHECK_OK(en_tcp_options_set_tls(options, configs[i % 2], bad[i / 2]));
        CHECK_CODE(en_tcp_client_from_fd(&made, -1, protocol, options), EN_EINVAL);
        CHECK_MESSAGE(bad[i / 2]);
        CHECK_CODE(en_tcp_client_connect(&made, "127.0.0.1", 1, protocol, options), EN_EINVAL);
        CHECK_MESSAGE(bad[i / 2]);
    }
    /* The host that is dialled is a name only where it is verified: else it is only looked up. */
    CHECK_OK(en_tcp_options_set_tls(options, verifying, NULL));
    CHECK_CODE(en_tcp_client_connect(&made, "no name", 1, protocol, options), EN_EINVAL);
    CHECK_OK(en_tcp_options_set_tls(options, verifying, "localhost"));
    CHECK_CODE(en_tcp_client_from_fd(&made, -1, protocol, options), EN_EBADF);
    CHECK_CODE(en_tcp_client_connect(&made, "127.0.0.1", 1, protocol, options), EN_ECONNREFUSED);
    en_tcp_options_free(options);
    en_stream_protocol_free(protocol);
    en_tls_config_free(configs[0]);
    en_tls_config_free(configs[1]);
}

/* Who cannot open a file does not know whom the system trusts, whatever is trusted beside that. */
static void the_system_cannot_be_asked_whom_it_trusts(void)
{
    en_tls_config_t *config = NULL;
    struct rlimit all;
    struct rlimit none;
    int free_fd = dup(0);

    REQUIRE(setenv("SSL_CERT_FILE", certificate("authority"), 1) == 0);
    REQUIRE(free_fd >= 0 && getrlimit(RLIMIT_NOFILE, &all) == 0);
    close(free_fd);
    none = all;
    none.rlim_cur = (rlim_t)free_fd;
    for (int extra = 0; extra < 2; extra++) {
        en_tls_options_t *options = tls_options();

        if (extra)
            CHECK_OK(en_tls_options_add_extra_roots_file(options, certificate("authority")));
        REQUIRE(setrlimit(RLIMIT_NOFILE, &none) == 0);
        CHECK_CODE(en_tls_config_new_client(&config, options), EN_EMFILE);
        REQUIRE(setrlimit(RLIMIT_NOFILE, &all) == 0);
        CHECK_MESSAGE("authority.pem: too many open files");
        CHECK(config == NULL);
        CHECK_OK(en_tls_config_new_client(&config, options));
        en_tls_config_free(config);
        en_tls_options_free(options);
    }
}

static const test_case_t cases[] = {
    CASE(what_is_agreed_on),
    CASE(a_plain_client_has_no_facts),
    CASE(versions_and_protocols),
    CASE(versions_and_protocols_that_do_not_fit),
    CASE(sessions_are_resumed),
    CASE_BLOCKING(sessions_are_resumed_where_they_were_made),
    CASE(certificates_that_are_refused),
    CASE(certificates_that_are_accepted),
    CASE(old_certificates_may_be_pinned),
    CASE(revoked_certificates),
    CASE(texts_in_place_of_files),
    CASE(extra_roots),
    CASE(client_certificates),
    CASE(client_certificates_that_are_refused),
    CASE(settings_that_do_not_go_together),
    CASE(a_name_comes_before_the_socket),
    CASE_BLOCKING(the_system_cannot_be_asked_whom_it_trusts),
};

TEST_MAIN("tls")
