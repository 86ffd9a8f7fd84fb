/*
 * Asks a name server over TCP: each message has its length in front, two bytes, big endian.
 *
 *     dns_tcp SERVER PORT NAME [TYPE]
 *
 * TYPE is A (if not given), AAAA, CNAME, NS, PTR, MX or TXT, or a number. RFC 1035, RFC 7766.
 */
#define _POSIX_C_SOURCE 200809L
#define PROGRAM "dns_tcp"

#include "dns.h"

#define TIMEOUT_MS 5000

static int exchange(en_tcp_client_t *client, const lookup_t *lookup, const query_t *query)
{
    en_packet_t packet;
    int status;

    if (en_tcp_client_send_packet(client, query->data, query->size, TIMEOUT_MS) < 0)
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

static int connect_to(en_tcp_client_t **client, const lookup_t *lookup)
{
    en_stream_protocol_t *protocol;
    en_tcp_options_t *options;
    int rc = en_stream_protocol_new_length_prefixed(&protocol, EN_LENGTH_U16, EN_BIG_ENDIAN, 0,
                                                    UINT16_MAX);

    if (rc < 0)
        return rc;
    rc = en_tcp_options_new(&options);
    if (rc == EN_OK)
        rc = en_tcp_options_set_connect_timeout(options, TIMEOUT_MS);
    if (rc == EN_OK)
        rc = en_tcp_client_connect(client, lookup->host, lookup->port, protocol, options);
    en_tcp_options_free(options);
    en_stream_protocol_free(protocol); /* the client keeps its own hold on it */
    return rc;
}

int main(int argc, char **argv)
{
    en_tcp_client_t *client;
    lookup_t lookup;
    query_t query;
    int status = parse_arguments(argc, argv, &lookup);

    if (status != 0)
        return status;
    if (make_query(&query, &lookup) != 0)
        return 1;
    if (connect_to(&client, &lookup) < 0)
        return fail();
    status = exchange(client, &lookup, &query);
    en_tcp_client_free(client); /* closes it too */
    return status;
}
