/*
 * Asks a name server over TLS, where nobody on the way can read or change anything. RFC 7858: as
 * over TCP, each message has its length in front, two bytes, big endian.
 *
 *     dns_tls [-c CA_FILE] [-n NAME_OF_SERVER] SERVER PORT NAME [TYPE]
 *
 * SERVER is most often an address; then -n says whose certificate it must have. CA_FILE (PEM) has
 * the authorities to trust in place of the system's. Public servers have the port 853. TYPE is A
 * (if not given), AAAA, CNAME, NS, PTR, MX or TXT, or a number.
 */
#define _POSIX_C_SOURCE 200809L
#define PROGRAM "dns_tls"
#define USAGE "[-c CA_FILE] [-n NAME_OF_SERVER] SERVER PORT NAME [TYPE]"

#include "dns.h"

#define TIMEOUT_MS 5000
#define PADDED_SIZE 128 /* RFC 8467: what a query is about shall not be told from its size */
#define OPT_SIZE 15     /* an empty OPT record with the head of a padding */

enum { TYPE_OPT = 41, OPTION_PADDING = 12, UDP_SIZE = 1232 };

typedef struct {
    const char *ca_file;     /* NULL: the system's authorities */
    const char *server_name; /* NULL: the server that is dialled */
} trust_t;

/* Adds a record that pads the message to PADDED_SIZE bytes, or to the next multiple of that. */
static size_t pad(uint8_t *message, size_t size)
{
    const size_t padded = (size + OPT_SIZE + PADDED_SIZE - 1) / PADDED_SIZE * PADDED_SIZE;
    const size_t padding = padded - size - OPT_SIZE;
    uint8_t *opt = message + size;

    memset(opt, 0, padded - size);
    write_u16(opt + 1, TYPE_OPT);
    write_u16(opt + 3, UDP_SIZE);
    write_u16(opt + 9, (unsigned)padding + 4);
    write_u16(opt + 11, OPTION_PADDING);
    write_u16(opt + 13, (unsigned)padding);
    write_u16(message + 10, 1); /* additional records */
    return padded;
}

static int exchange(en_tcp_client_t *client, const lookup_t *lookup, const query_t *query)
{
    uint8_t message[MAX_QUERY_SIZE + OPT_SIZE + PADDED_SIZE];
    en_packet_t packet;
    size_t size;
    int status;

    memcpy(message, query->data, query->size);
    size = pad(message, query->size);
    if (en_tcp_client_send_packet(client, message, size, TIMEOUT_MS) < 0)
        return fail();
    if (en_tcp_client_recv_packet(client, TIMEOUT_MS, &packet) < 0)
        return fail();
    if (is_answer(&packet, query))
        status = print_answer(&packet, lookup->name);
    else
        status = complain("what the server sent is no answer to the question");
    en_packet_release(&packet);
    return status;
}

static int make_tls(en_tls_config_t **tls, const trust_t *trust)
{
    en_tls_options_t *options;
    int rc = en_tls_options_new(&options);

    if (rc == EN_OK && trust->ca_file != NULL)
        rc = en_tls_options_add_ca_file(options, trust->ca_file);
    if (rc == EN_OK)
        rc = en_tls_options_add_alpn(options, "dot", 3);
    if (rc == EN_OK)
        rc = en_tls_config_new_client(tls, options);
    en_tls_options_free(options);
    return rc;
}

static int make_options(en_tcp_options_t **options, const trust_t *trust)
{
    en_tls_config_t *tls;
    int rc = make_tls(&tls, trust);

    *options = NULL;
    if (rc < 0)
        return rc;
    rc = en_tcp_options_new(options);
    if (rc == EN_OK)
        rc = en_tcp_options_set_connect_timeout(*options, TIMEOUT_MS);
    if (rc == EN_OK)
        rc = en_tcp_options_set_tls(*options, tls, trust->server_name);
    en_tls_config_free(tls); /* the options keep their own hold on it */
    return rc;
}

static int connect_to(en_tcp_client_t **client, const lookup_t *lookup, const trust_t *trust)
{
    en_stream_protocol_t *protocol;
    en_tcp_options_t *options;
    int rc = en_stream_protocol_new_length_prefixed(&protocol, EN_LENGTH_U16, EN_BIG_ENDIAN, 0,
                                                    UINT16_MAX);

    if (rc < 0)
        return rc;
    rc = make_options(&options, trust);
    if (rc == EN_OK)
        rc = en_tcp_client_connect(client, lookup->host, lookup->port, protocol, options);
    en_tcp_options_free(options);
    en_stream_protocol_free(protocol);
    return rc;
}

/* Takes the options from the front of the arguments; answers how many words they are. */
static int parse_trust(int argc, char **argv, trust_t *trust)
{
    int i;

    memset(trust, 0, sizeof(*trust));
    for (i = 1; i + 1 < argc; i += 2) {
        if (strcmp(argv[i], "-c") == 0)
            trust->ca_file = argv[i + 1];
        else if (strcmp(argv[i], "-n") == 0)
            trust->server_name = argv[i + 1];
        else
            break;
    }
    return i - 1;
}

int main(int argc, char **argv)
{
    en_tcp_client_t *client;
    trust_t trust;
    lookup_t lookup;
    query_t query;
    const int words = parse_trust(argc, argv, &trust);
    int status = parse_arguments(argc - words, argv + words, &lookup);

    if (status != 0)
        return status;
    if (make_query(&query, &lookup) != 0)
        return 1;
    if (connect_to(&client, &lookup, &trust) < 0)
        return fail();
    status = exchange(client, &lookup, &query);
    en_tcp_client_free(client); /* closes it too */
    return status;
}
