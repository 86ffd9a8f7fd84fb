/*
 * Fetches pages over TLS: HTTP/1.1 with a framing of its own, in http.h.
 *
 *     tls_client [-c CA_FILE] HOST PORT PATH...
 *
 * All PATHs are asked for on one connection, as long as the server keeps it; a new connection
 * resumes the TLS session of the last one. CA_FILE (PEM) has the authorities to trust in place of
 * the system's. The exit status is 0 if all went well, 1 if not, 2 if the arguments are wrong.
 */
#include "http.h"

#define TIMEOUT_MS 10000
#define MAX_PARTS 8

typedef struct {
    const char *ca_file; /* NULL: the system's authorities */
    const char *host;
    uint16_t port;
    int count;
    char **paths;
} arguments_t;

/* How to connect, and the connection, if there is one. */
typedef struct {
    const arguments_t *arguments;
    en_stream_protocol_t *protocol;
    en_tls_config_t *tls;
    en_tcp_options_t *options;
    en_tcp_client_t *client;
} browser_t;

static int fail(int rc)
{
    fflush(stdout);
    fprintf(stderr, "tls_client: %s: %s\n", en_error_name(rc), en_last_error_message());
    return rc;
}

/* ---- The connection ---- */

static int make_tls(en_tls_config_t **tls, const char *ca_file)
{
    en_tls_options_t *options;
    int rc = en_tls_options_new(&options);

    if (rc == EN_OK && ca_file != NULL)
        rc = en_tls_options_add_ca_file(options, ca_file);
    if (rc == EN_OK)
        rc = en_tls_options_add_alpn(options, "http/1.1", 8);
    if (rc == EN_OK)
        rc = en_tls_config_new_client(tls, options);
    en_tls_options_free(options);
    return rc;
}

static int open_browser(browser_t *browser, const arguments_t *arguments)
{
    int rc;

    memset(browser, 0, sizeof(*browser));
    browser->arguments = arguments;
    rc = http_protocol_new(&browser->protocol);
    if (rc == EN_OK)
        rc = make_tls(&browser->tls, arguments->ca_file);
    if (rc == EN_OK)
        rc = en_tcp_options_new(&browser->options);
    if (rc == EN_OK)
        rc = en_tcp_options_set_connect_timeout(browser->options, TIMEOUT_MS);
    if (rc == EN_OK)
        rc = en_tcp_options_set_tls(browser->options, browser->tls, NULL);
    return rc;
}

static void disconnect(browser_t *browser)
{
    en_tcp_client_free(browser->client); /* closes it too; NULL is nothing */
    browser->client = NULL;
}

static void close_browser(browser_t *browser)
{
    disconnect(browser);
    en_tcp_options_free(browser->options);
    en_tls_config_free(browser->tls);
    en_stream_protocol_free(browser->protocol);
}

static void print_tls(const en_tcp_client_t *client)
{
    en_tls_info_t *info;

    if (en_tcp_client_get_tls_info(client, &info) < 0)
        return;
    printf("-- TLS 1.%d, %s, %s, %s session --\n", en_tls_info_version(info) == EN_TLS_1_3 ? 3 : 2,
           en_tls_info_cipher_suite(info), en_tls_info_verified_name(info),
           en_tls_info_is_resumed(info) == 1 ? "resumed" : "new");
    en_tls_info_free(info);
}

static int connect_browser(browser_t *browser)
{
    const int rc =
        en_tcp_client_connect(&browser->client, browser->arguments->host, browser->arguments->port,
                              browser->protocol, browser->options);

    if (rc == EN_OK)
        print_tls(browser->client);
    return rc;
}

/* ---- Requests ---- */

static int send_request(browser_t *browser, const char *path, int is_last)
{
    const char *host = browser->arguments->host;
    const int is_ipv6 = strchr(host, ':') != NULL;
    char port[8] = "";
    en_slice_t parts[MAX_PARTS];
    const char *texts[MAX_PARTS];
    size_t i;

    if (browser->arguments->port != 443)
        sprintf(port, ":%u", browser->arguments->port);
    texts[0] = "GET ";
    texts[1] = path;
    texts[2] = is_ipv6 ? " HTTP/1.1\r\nHost: [" : " HTTP/1.1\r\nHost: ";
    texts[3] = host;
    texts[4] = is_ipv6 ? "]" : "";
    texts[5] = port;
    texts[6] = "\r\nUser-Agent: easynet\r\nAccept: */*\r\n";
    texts[7] = is_last ? "Connection: close\r\n\r\n" : "\r\n";
    for (i = 0; i < MAX_PARTS; i++) {
        parts[i].data = texts[i];
        parts[i].size = strlen(texts[i]);
    }
    return en_tcp_client_send_packet_slices(browser->client, parts, MAX_PARTS, TIMEOUT_MS);
}

static int ask(browser_t *browser, const char *path, int is_last, en_packet_t *response)
{
    const int rc = send_request(browser, path, is_last);

    return rc < 0 ? rc : en_tcp_client_recv_packet(browser->client, TIMEOUT_MS, response);
}

/* Asks on the connection that is there. The server may have ended it since the last response: only
 * a new one that fails is a failure. */
static int ask_anew(browser_t *browser, const char *path, int is_last, en_packet_t *response)
{
    int rc;

    if (browser->client != NULL) {
        rc = ask(browser, path, is_last, response);
        if (rc == EN_OK || !en_error_is_connection(rc))
            return rc;
        disconnect(browser);
    }
    rc = connect_browser(browser);
    return rc < 0 ? rc : ask(browser, path, is_last, response);
}

/* Fetches and prints one page; answers 0 if it is there. */
static int fetch(browser_t *browser, const char *path, int is_last)
{
    en_packet_t response;
    head_t head;
    const int rc = ask_anew(browser, path, is_last, &response);

    if (rc < 0) {
        fail(rc);
        disconnect(browser); /* nobody knows where the next response begins */
        return 1;
    }
    read_response(&response, &head);
    printf("-- %s: %d %.*s --\n", path, head.status, (int)head.reason.size, head.reason.at);
    print_body(&response, &head);
    en_packet_release(&response);
    if (head.is_last)
        disconnect(browser);
    return head.status < 400 ? 0 : 1;
}

/* ---- The arguments ---- */

static int is_path(const char *text)
{
    size_t i;

    for (i = 0; text[i] > ' ' && text[i] <= '~'; i++)
        continue;
    return text[0] == '/' && text[i] == '\0';
}

static int complain(const char *what, const char *argument)
{
    fprintf(stderr, "tls_client: \"%s\" is no %s\n", argument, what);
    return 0;
}

static int parse_arguments(int argc, char **argv, arguments_t *arguments)
{
    const int has_ca_file = argc > 2 && strcmp(argv[1], "-c") == 0;
    char **words = argv + (has_ca_file ? 3 : 1);
    const int count = (int)(argv + argc - words);
    char *end;
    long port;
    int i;

    if (count < 3) {
        fprintf(stderr, "usage: %s [-c CA_FILE] HOST PORT PATH...\n", argv[0]);
        return 0;
    }
    arguments->ca_file = has_ca_file ? argv[2] : NULL;
    arguments->host = words[0];
    port = strtol(words[1], &end, 10);
    if (end == words[1] || *end != '\0' || port < 1 || port > 65535)
        return complain("port: give a number from 1 to 65535", words[1]);
    arguments->port = (uint16_t)port;
    arguments->paths = words + 2;
    arguments->count = count - 2;
    for (i = 0; i < arguments->count; i++) {
        if (!is_path(arguments->paths[i]))
            return complain("path: it begins with a slash, and odd characters are written as %XX",
                            arguments->paths[i]);
    }
    return 1;
}

int main(int argc, char **argv)
{
    arguments_t arguments;
    browser_t browser;
    int status = 0, i, rc;

    if (!parse_arguments(argc, argv, &arguments))
        return 2;
    rc = open_browser(&browser, &arguments);
    if (rc < 0) {
        fail(rc);
        status = 1;
    }
    for (i = 0; i < arguments.count && rc == EN_OK; i++)
        status |= fetch(&browser, arguments.paths[i], i == arguments.count - 1);
    close_browser(&browser);
    return status;
}
