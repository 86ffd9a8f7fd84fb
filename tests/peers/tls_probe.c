/*
 * A TLS client that does what it is told on its input, a command a line, and answers each with one
 * line: what came of it, or the name of an error code and the message. Packets are lines.
 */
#include <dirent.h>
#include <easynet.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_MS 60000
#define MAX_WORDS 4

typedef struct {
    en_tls_options_t *options;
    en_tls_config_t *config; /* made by the first connection; it has the sessions */
    en_tcp_options_t *tcp;
    en_tcp_client_t *client;
    char *server_name;
} probe_t;

/* A command and what belongs to it; what is missing is "". */
typedef struct {
    const char *words[MAX_WORDS];
} command_t;

static void die(const char *what)
{
    fprintf(stderr, "tls_probe: %s: %s\n", what, en_last_error_message());
    exit(3);
}

static void answer(int rc)
{
    const char *at;

    if (rc >= 0) {
        puts("ok");
        return;
    }
    printf("%s: ", en_error_name(rc));
    for (at = en_last_error_message(); *at != '\0'; at++)
        putchar(*at == '\n' ? ' ' : *at);
    putchar('\n');
}

static int descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    int count = 0;

    if (folder == NULL)
        die("/proc/self/fd");
    while (readdir(folder) != NULL)
        count++;
    closedir(folder);
    return count;
}

static void disconnect(probe_t *probe)
{
    en_tcp_client_free(probe->client);
    probe->client = NULL;
}

static void forget(probe_t *probe)
{
    disconnect(probe);
    en_tls_config_free(probe->config);
    probe->config = NULL;
    en_tls_options_free(probe->options);
    en_tcp_options_free(probe->tcp);
    free(probe->server_name);
    probe->options = NULL;
    probe->tcp = NULL;
    probe->server_name = NULL;
}

static void begin(probe_t *probe)
{
    if (en_tls_options_new(&probe->options) < 0 || en_tcp_options_new(&probe->tcp) < 0)
        die("options");
}

/* ---- Commands ---- */

static int unhex(const char *text, unsigned char *out, size_t room)
{
    size_t size = 0;
    unsigned byte;

    while (size < room && sscanf(text + 2 * size, "%2x", &byte) == 1)
        out[size++] = (unsigned char)byte;
    return (int)size;
}

static int pin_key(probe_t *probe, const char *hex)
{
    unsigned char digest[32];
    const int size = unhex(hex, digest, sizeof(digest));

    return en_tls_options_add_pinned_public_key_sha256(probe->options, digest, (size_t)size);
}

static void set_server_name(probe_t *probe, const char *name)
{
    free(probe->server_name);
    probe->server_name = strdup(name);
    if (probe->server_name == NULL)
        die("out of memory");
}

static int version(const char *text)
{
    return strcmp(text, "1.2") == 0 ? EN_TLS_1_2 : EN_TLS_1_3;
}

static bool is(const char *one, const char *other)
{
    return strcmp(one, other) == 0;
}

static void run_set(probe_t *probe, const char *name, const char *value, const char *second)
{
    en_tls_options_t *options = probe->options;

    if (is(name, "ca"))
        answer(en_tls_options_add_ca_file(options, value));
    else if (is(name, "crl"))
        answer(en_tls_options_add_crl_file(options, value));
    else if (is(name, "pin"))
        answer(en_tls_options_add_pinned_certificate_file(options, value));
    else if (is(name, "pin_key"))
        answer(pin_key(probe, value));
    else if (is(name, "identity"))
        answer(en_tls_options_set_identity_files(options, value, second));
    else if (is(name, "alpn"))
        answer(en_tls_options_add_alpn(options, value, strlen(value)));
    else if (is(name, "versions"))
        answer(en_tls_options_set_versions(options, version(value), version(second)));
    else if (is(name, "sni"))
        answer(en_tls_options_set_sni(options, value));
    else if (is(name, "verified_name"))
        answer(en_tls_options_set_verified_name(options, value));
    else if (is(name, "session_cache"))
        answer(en_tls_options_set_session_cache(options, (size_t)atoi(value)));
    else if (is(name, "key_log"))
        answer(en_tls_options_set_key_log(options, atoi(value)));
    else if (is(name, "handshake_timeout"))
        answer(en_tcp_options_set_handshake_timeout(probe->tcp, atoi(value)));
    else if (is(name, "standard_compatible"))
        answer(en_tcp_options_set_standard_compatible(probe->tcp, atoi(value)));
    else if (is(name, "server_name"))
        set_server_name(probe, value), answer(EN_OK);
    else
        die(name);
}

static int connect_probe(probe_t *probe, const char *host, const char *port)
{
    en_stream_protocol_t *line;
    int rc = EN_OK;

    disconnect(probe);
    if (probe->config == NULL)
        rc = en_tls_config_new_client(&probe->config, probe->options);
    if (rc < 0)
        return rc;
    rc = en_tcp_options_set_tls(probe->tcp, probe->config, probe->server_name);
    if (rc < 0)
        return rc;
    if (en_stream_protocol_new_line(&line, EN_NEWLINE_LF, 0) < 0)
        die("protocol");
    rc = en_tcp_client_connect(&probe->client, host, (uint16_t)atoi(port), line, probe->tcp);
    en_stream_protocol_free(line);
    return rc;
}

static void run_facts(probe_t *probe)
{
    const void *alpn = "-", *der;
    size_t size = 1, certificates = 0, der_size;
    const char *name;
    en_tls_info_t *info;
    const int rc = en_tcp_client_get_tls_info(probe->client, &info);

    if (rc < 0) {
        answer(rc);
        return;
    }
    en_tls_info_alpn(info, &alpn, &size);
    while (en_tls_info_peer_certificate(info, certificates, &der, &der_size) == EN_OK)
        certificates++;
    name = en_tls_info_verified_name(info);
    printf("TLS 1.%d suite=%s alpn=%.*s name=%s certificates=%zu %s\n",
           en_tls_info_version(info) == EN_TLS_1_3 ? 3 : 2, en_tls_info_cipher_suite(info),
           (int)size, (const char *)alpn, name != NULL ? name : "-", certificates,
           en_tls_info_is_resumed(info) == 1 ? "resumed" : "new");
    en_tls_info_free(info);
}

/* `send TEXT`, or `send TEXT TIMES`: the text so often in one line. */
static int send_text(probe_t *probe, const char *text, const char *times)
{
    const size_t size = strlen(text), count = times[0] != '\0' ? (size_t)atoi(times) : 1;
    char *line = malloc(size * count + 1);
    size_t i;
    int rc;

    if (line == NULL)
        die("out of memory");
    for (i = 0; i < count; i++)
        memcpy(line + i * size, text, size);
    rc = en_tcp_client_send_packet(probe->client, line, size * count, TIMEOUT_MS);
    free(line);
    return rc;
}

/* `recv`, or `recv size`, which tells how large the packet is, in place of it. */
static void run_recv(probe_t *probe, const char *what)
{
    en_packet_t packet;
    const int rc = en_tcp_client_recv_packet(probe->client, TIMEOUT_MS, &packet);

    if (rc < 0) {
        answer(rc);
        return;
    }
    if (is(what, "size"))
        printf("size %zu\n", packet.size);
    else
        printf("got %.*s\n", (int)packet.size, (const char *)packet.data);
    en_packet_release(&packet);
}

static void run(probe_t *probe, const command_t *command)
{
    const char *const *words = command->words;

    if (is(words[0], "set")) {
        run_set(probe, words[1], words[2], words[3]);
    } else if (is(words[0], "connect")) {
        answer(connect_probe(probe, words[1], words[2]));
    } else if (is(words[0], "reset")) {
        forget(probe);
        begin(probe);
        answer(EN_OK);
    } else if (is(words[0], "facts")) {
        run_facts(probe);
    } else if (is(words[0], "send")) {
        answer(send_text(probe, words[1], words[2]));
    } else if (is(words[0], "recv")) {
        run_recv(probe, words[1]);
    } else if (is(words[0], "send_eof")) {
        answer(en_tcp_client_send_eof(probe->client, TIMEOUT_MS));
    } else if (is(words[0], "close")) {
        answer(en_tcp_client_close(probe->client));
        disconnect(probe);
    } else {
        die(words[0]);
    }
    fflush(stdout);
}

static void split(char *line, command_t *command)
{
    char *rest = line;
    size_t i;

    line[strcspn(line, "\n")] = '\0';
    for (i = 0; i < MAX_WORDS; i++) {
        char *word = strtok_r(rest, "\t", &rest);
        command->words[i] = word != NULL ? word : "";
    }
}

int main(void)
{
    const int before = descriptors();
    probe_t probe = {0};
    command_t command;
    char line[4096];
    int i;

    begin(&probe);
    while (fgets(line, sizeof(line), stdin) != NULL) {
        split(line, &command);
        run(&probe, &command);
    }
    forget(&probe);
    /* A thread that looks a name up may still have a file open. */
    for (i = 0; descriptors() != before && i < 600; i++)
        poll(NULL, 0, 5);
    if (descriptors() != before) {
        fprintf(stderr, "tls_probe: descriptors were left open\n");
        return 1;
    }
    return 0;
}
