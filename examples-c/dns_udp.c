/*
 * Asks a name server over UDP: a message is a datagram. One that gets lost is sent again, and one
 * that is no answer is passed over: anybody may have sent it.
 *
 *     dns_udp SERVER PORT NAME [TYPE]
 *
 * TYPE is A (if not given), AAAA, CNAME, NS, PTR, MX or TXT, or a number. RFC 1035, RFC 5452.
 */
#define _POSIX_C_SOURCE 200809L
#define PROGRAM "dns_udp"

#include "dns.h"

#define CONNECT_TIMEOUT_MS 5000
#define SEND_TIMEOUT_MS 1000
#define FIRST_WAIT_MS 1000 /* for an answer; each further try waits twice as long as the last */
#define TRIES 3
#define IS_CUT 0x02 /* in the third byte of an answer */

/* Receives until the answer comes; one time-out covers all that comes before it. */
static int receive_answer(en_udp_client_t *client, const query_t *query, int64_t timeout_ms,
                          en_packet_t *answer)
{
    en_packet_iter_t *datagrams;
    int rc = en_udp_client_iter_received_packets(&datagrams, client, timeout_ms);

    if (rc < 0)
        return rc;
    while ((rc = en_packet_iter_next(datagrams, answer)) == EN_OK && !is_answer(answer, query))
        en_packet_release(answer);
    en_packet_iter_free(datagrams);
    return rc;
}

/* Sends the query, and again where no answer comes in time. */
static int ask(en_udp_client_t *client, const query_t *query, en_packet_t *answer)
{
    int64_t wait_ms = FIRST_WAIT_MS;
    int rc = EN_ETIMEDOUT, tries;

    for (tries = 0; tries < TRIES && rc == EN_ETIMEDOUT; tries++) {
        rc = en_udp_client_send_packet(client, query->data, query->size, SEND_TIMEOUT_MS);
        if (rc == EN_OK)
            rc = receive_answer(client, query, wait_ms, answer);
        wait_ms *= 2;
    }
    return rc;
}

static int give_up(const lookup_t *lookup)
{
    fprintf(stderr, PROGRAM ": %s, port %u, does not answer; tried %d times\n", lookup->host,
            (unsigned)lookup->port, TRIES);
    return 1;
}

static int exchange(en_udp_client_t *client, const lookup_t *lookup, const query_t *query)
{
    en_packet_t answer;
    int rc, status;

    rc = ask(client, query, &answer);
    if (rc < 0)
        return rc == EN_ETIMEDOUT ? give_up(lookup) : fail();
    if (answer.data[2] & IS_CUT)
        status = complain("the answer does not fit into a datagram: ask over TCP, with dns_tcp");
    else
        status = print_answer(&answer, lookup->name);
    en_packet_release(&answer);
    return status;
}

static int connect_to(en_udp_client_t **client, const lookup_t *lookup)
{
    en_datagram_protocol_t *protocol;
    en_udp_options_t *options;
    int rc = en_datagram_protocol_new_raw(&protocol, 0);

    if (rc < 0)
        return rc;
    rc = en_udp_options_new(&options);
    if (rc == EN_OK)
        rc = en_udp_options_set_connect_timeout(options, CONNECT_TIMEOUT_MS);
    if (rc == EN_OK)
        rc = en_udp_client_connect(client, lookup->host, lookup->port, protocol, options);
    en_udp_options_free(options);
    en_datagram_protocol_free(protocol); /* the client keeps its own hold on it */
    return rc;
}

int main(int argc, char **argv)
{
    en_udp_client_t *client;
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
    en_udp_client_free(client); /* closes it too */
    return status;
}
