/* What the generated program sweep.c stands on: a fixture that is new for each case, and checks. */
#ifndef SWEEP_H
#define SWEEP_H

#include <easynet.h>
#include <limits.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_SIZE 64

/* What an output holds before the call. */
#define UNTOUCHED 0x5a

/* Valid arguments. The peer of `client` has sent more lines than any case receives. */
typedef struct fixture {
    en_stream_protocol_t *protocol;
    en_tcp_options_t *options;
    en_address_t *address;
    en_address_t *other_address;
    const en_address_t *addresses[2];
    en_cancel_t *cancel;
    en_tcp_client_t *client;
    en_packet_iter_t *iter;
    en_packet_t packet;
    en_frame_t *frame; /* inside an encode callback only */
    en_stream_protocol_callbacks_t callbacks;
    en_buffered_protocol_callbacks_t buffered_callbacks;
    uint8_t buffer[BUFFER_SIZE];
    size_t buffer_size;
    en_slice_t slices[2];
    struct sockaddr_storage sockaddr;
    size_t sockaddr_size;
    uint16_t port;
    int fd;   /* a connected socket that is nobody's yet */
    int peer; /* the other end of `client` */
    int fd_peer;

    en_datagram_protocol_t *datagrams;
    en_datagram_protocol_callbacks_t datagram_callbacks;
    en_udp_options_t *udp_options;
    en_udp_client_t *udp;
    uint16_t udp_port;
    en_unix_stream_options_t *stream_options;
    en_unix_stream_client_t *stream;
    en_unix_datagram_options_t *datagram_options;
    en_unix_datagram_client_t *datagram;
    en_ancillary_t *ancillary; /* with credentials and a descriptor that came */
    en_ancillary_t *outgoing;  /* with a descriptor to send */
    en_unix_address_t *name;   /* that nobody has */
    en_unix_address_t *stream_name;
    en_unix_address_t *datagram_name;
    struct sockaddr_storage unix_sockaddr;
    size_t unix_sockaddr_size;
    char folder[32], stream_path[48], datagram_path[48];
    /* As `fd`, `peer` and `fd_peer`, and who answers at the two paths. */
    int udp_fd, udp_peer;
    int stream_fd, stream_peer, stream_fd_peer, stream_listener;
    int datagram_fd, datagram_peer, datagram_fd_peer, datagram_sink;

    en_tls_options_t *tls_options;        /* of a client */
    en_tls_options_t *tls_server_options; /* of a server */
    en_tls_config_t *tls_config;
    /* After sweep_shake_hands. */
    en_tcp_client_t *secure, *secure_peer;
    en_tls_info_t *tls_info;
    int tls_listener;
    uint16_t tls_port;
    const char *pem; /* a certificate, its key and a revocation list */
    size_t pem_size;
    char pem_path[48];

    /* After sweep_set_up_async: connected, with the other ends. */
    en_loop_t *loop;
    en_async_tcp_client_t *async_tcp;
    en_async_udp_client_t *async_udp;
    en_async_unix_stream_client_t *async_unix_stream;
    en_async_unix_datagram_client_t *async_unix_datagram;
    en_async_stream_endpoint_t *async_stream_endpoint;
    en_async_datagram_endpoint_t *async_datagram_endpoint;
    int async_peers[4];
    uint64_t operation;
    en_stats_t stats;

    /* After sweep_set_up_low: in pairs with `low_peers`, who have sent more than any case receives.
     */
    en_transport_options_t *transport_options;
    en_endpoint_options_t *endpoint_options;
    en_transport_callbacks_t transport_callbacks;
    en_stream_transport_t *stream_transport, *stream_other, *stream_stapled;
    en_datagram_transport_t *datagram_transport, *datagram_other, *datagram_stapled;
    en_stream_endpoint_t *stream_endpoint;
    en_datagram_endpoint_t *datagram_endpoint;
    int stream_low_fd, datagram_low_fd;
    int low_peers[8], low_peer_count;
    /* After sweep_set_up_low_tls: a thread shakes hands at the other end. */
    en_stream_transport_t *tls_plain, *tls_transport;
    en_tls_config_t *tls_low_config;
    pthread_t tls_thread;
    int tls_answers, tls_peer;

    int registered; /* how often `destroy` will have to be called */
} fixture_t;

typedef struct {
    const char *name; /* "en_address_new: host is NULL" */
    void (*run)(fixture_t *fx);
    void (*within)(fixture_t *fx); /* if not NULL, this runs it inside an encode callback */
} sweep_case_t;

extern const sweep_case_t sweep_cases[];
extern const size_t sweep_case_count;

/* Give the fixture a client or endpoint whose encode callback runs the case, and have it called. */
void sweep_within_tcp(fixture_t *fx);
void sweep_within_udp(fixture_t *fx);
void sweep_within_stream(fixture_t *fx);
void sweep_within_datagram(fixture_t *fx);
void sweep_within_stream_endpoint(fixture_t *fx);
void sweep_within_datagram_endpoint(fixture_t *fx);
void sweep_within_async_tcp(fixture_t *fx);
void sweep_within_async_udp(fixture_t *fx);
void sweep_within_async_unix_stream(fixture_t *fx);
void sweep_within_async_unix_datagram(fixture_t *fx);
void sweep_within_async_stream_endpoint(fixture_t *fx);
void sweep_within_async_datagram_endpoint(fixture_t *fx);

/* Closes all clients, endpoints and transports that there are. */
void sweep_close(fixture_t *fx);

/* Callbacks that may be registered. */
int sweep_encode(const en_slice_t *parts, size_t count, en_frame_t *frame, void *user_data);
int sweep_interrupted(void *user_data);
void sweep_destroy(void *user_data);
void sweep_log(int level, const char *message, void *user_data);

/* What the fixture has for UDP and Unix sockets. */
void sweep_set_up_families(fixture_t *fx);
void sweep_tear_down_families(fixture_t *fx);

/* What it has for TLS; needs the folder of those. */
void sweep_set_up_tls(fixture_t *fx);
void sweep_tear_down_tls(fixture_t *fx);
/* Connects a client that speaks TLS. */
void sweep_shake_hands(fixture_t *fx);
/* Has a thread answer one client that speaks TLS as the configuration says. */
void sweep_begin_answering(fixture_t *fx, pthread_t *thread, en_tls_config_t **config);

/* What is on a loop. */
void sweep_set_up_async(fixture_t *fx);
void sweep_set_up_async_tls(fixture_t *fx);
void sweep_set_up_async_endpoints(fixture_t *fx);
void sweep_secure_async_endpoint(fixture_t *fx);
void sweep_tear_down_async(fixture_t *fx);
void sweep_async_done(int status, void *user_data);
void sweep_async_sent(int status, size_t count, void *user_data);
void sweep_async_received(int status, en_packet_t *packet, void *user_data);
void sweep_async_received_packets(int status, en_packet_t *packets, size_t count, void *user_data);
void sweep_connect_async(fixture_t *fx);
int sweep_async_receive(int status, en_packet_t *packet, void *user_data);

/* The low level. */
void sweep_set_up_low(fixture_t *fx);
void sweep_set_up_low_tls(fixture_t *fx);
void sweep_shake_hands_low(fixture_t *fx);
void sweep_secure_endpoint(fixture_t *fx);
void sweep_tear_down_low(fixture_t *fx);
int sweep_wait(int fd, int interest, int64_t timeout_ms, void *user_data);
int sweep_attempt(int *fd, void *user_data);

/* Without this there is no fixture. */
#define NEED(condition) sweep_need((condition), #condition)
void sweep_need(int holds, const char *what);

#define CHECK(condition) sweep_check((condition), #condition)
void sweep_check(int holds, const char *expression);

/* The call did what it is for. */
void expect_ok(int rc);
/* The call failed, and says why. */
void expect_failure(int rc);
/* It failed with this code, and the message speaks of `name`, if given. */
void expect_code(int rc, int code, const char *name);
/* It did what it is for or failed properly. */
void expect_any(int rc);
void expect_text(const char *text);

/* Leaves a message behind for the next call: only one that fails may touch it, and must. */
void sweep_fail(void);
void check_message(int rc);

/* Fills an output, and looks whether it was written. */
#define MARK(output) memset(&(output), UNTOUCHED, sizeof(output))
#define IS_MARKED(output) sweep_is_marked(&(output), sizeof(output))
int sweep_is_marked(const void *output, size_t size);

#endif
