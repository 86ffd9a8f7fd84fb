/* A client of each family but TCP behind one set of functions, so that a case runs over all. */
#ifndef FAMILIES_H
#define FAMILIES_H

#include "family.h"

/* What a client is to have of the options that all families know; zeros: nothing. */
typedef struct {
    en_cancel_t *cancel;
    uint32_t busy_poll_us;
    int64_t retry_ms;
    en_interrupt_t interrupted;
    en_wait_t wait;
    en_destroy_t destroy; /* of either */
    void *user_data;
} wishes_t;

typedef struct family_t family_t;

typedef struct {
    const family_t *family;
    int fd; /* the peer, connected to the client */
    void *client;
    en_client_t *view;
} member_t;

struct family_t {
    bool is_stream; /* its packets are lines */
    bool fills;     /* a peer that does not read makes its sends wait */
    int (*open)(member_t *member, const wishes_t *wishes);
    int (*abort)(void *client);
    void (*free)(void *client);
    int (*get_stats)(const void *client, en_stats_t *stats);
};

extern const family_t family_udp;
extern const family_t family_unix_stream;
extern const family_t family_unix_datagram;

/* Defines a case of each family from a function that takes the family. */
#define FOR_EACH_FAMILY(check)                                                                     \
    static void udp_##check(void)                                                                  \
    {                                                                                              \
        check(&family_udp);                                                                        \
    }                                                                                              \
    FOR_UNIX_FAMILIES(check)

#define FOR_UNIX_FAMILIES(check)                                                                   \
    static void unix_stream_##check(void)                                                          \
    {                                                                                              \
        check(&family_unix_stream);                                                                \
    }                                                                                              \
    static void unix_datagram_##check(void)                                                        \
    {                                                                                              \
        check(&family_unix_datagram);                                                              \
    }

#define CASE_OF_EACH(check) CASE(udp_##check), CASE_OF_UNIX(check)
#define CASE_OF_UNIX(check) CASE(unix_stream_##check), CASE(unix_datagram_##check)
#define BLOCKING_OF_EACH(check) CASE_BLOCKING(udp_##check), BLOCKING_OF_UNIX(check)
#define BLOCKING_OF_UNIX(check)                                                                    \
    CASE_BLOCKING(unix_stream_##check), CASE_BLOCKING(unix_datagram_##check)

/* Opens one; NULL wishes for nothing. */
void member_open(member_t *member, const family_t *family, const wishes_t *wishes);
void member_close(member_t *member);
/* The peer sends one packet. */
void member_peer_sends(member_t *member, const char *text);
/* The peer gets this packet next. */
void member_peer_expects(member_t *member, const char *text);
en_stats_t member_stats(const member_t *member);

#endif
