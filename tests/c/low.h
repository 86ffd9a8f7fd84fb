/* Transports for the tests of the low level: over sockets, and made of callbacks over descriptors,
 * which can be told to misbehave. */
#ifndef LOW_H
#define LOW_H

#include "family.h"

/* A connected pair of Unix sockets of a type. */
void pair_open(int type, int ends[2]);
/* A connected pair of TCP sockets over loopback. */
void tcp_pair(int ends[2]);
/* A pipe whose ends never block: the reading one first. */
void pipe_open(int ends[2]);
/* Makes the buffers of a pair of sockets small. */
void narrow(const int ends[2]);

en_transport_options_t *transport_options(void);
en_stream_protocol_t *lines(void);

/* The descriptor is theirs from then on. */
en_stream_transport_t *stream_over(int fd);
en_datagram_transport_t *datagrams_over(int fd);

/* A transport over a socket with small buffers, and its peer. */
typedef struct {
    en_stream_transport_t *transport;
    int fd;
} ends_t;

void ends_open(ends_t *ends, bool tcp);
void ends_close(ends_t *ends);

/* Defines a case of each kind of socket from a function that takes the ends. */
#define FOR_BOTH(check)                                                                            \
    static void unix_##check(void)                                                                 \
    {                                                                                              \
        ends_t ends;                                                                               \
                                                                                                   \
        ends_open(&ends, false);                                                                   \
        check(&ends);                                                                              \
        ends_close(&ends);                                                                         \
    }                                                                                              \
    static void tcp_##check(void)                                                                  \
    {                                                                                              \
        ends_t ends;                                                                               \
                                                                                                   \
        ends_open(&ends, true);                                                                    \
        check(&ends);                                                                              \
        ends_close(&ends);                                                                         \
    }
#define CASE_OF_BOTH(check) CASE(unix_##check), CASE(tcp_##check)

/* What the callbacks of one transport do, and what they have seen. Zeros: nothing strange. */
typedef struct own_t own_t;
struct own_t {
    int in;      /* what is received comes from here */
    int out;     /* what is sent goes there; may be the same */
    size_t most; /* at most so many bytes at a time; 0: any */
    bool hides_fd;
    bool keeps;        /* does not close its descriptors */
    bool never_reads;  /* wants again whatever is there */
    size_t more;       /* is added to each count */
    bool reports_none; /* has sent, and says 0 */
    int fails_at;      /* the so many-th call of recv and send answers `code`, from 1 on; 0: none */
    int code;
    const char *says;
    int close_code;
    /* Runs inside each callback of a name that `where` has; NULL: nothing. */
    void (*within)(own_t *own, const char *name);
    const char *where;
    void *arg;
    gate_t *inside; /* recv opens this and waits for the next */
    gate_t *leave;
    int within_calls;
    atomic_int calls;
    atomic_int running;
    atomic_llong sent; /* so many bytes */
    atomic_int closed;
    atomic_int destroyed;
    int order; /* which close this one was, of all */
};

/* Resets the count of closes that `order` tells. */
void own_begin(void);
/* The table of all callbacks but those of ancillary data. */
en_transport_callbacks_t own_callbacks(void);
en_transport_callbacks_t own_datagram_callbacks(void);
void own_destroy(void *user_data);
/* Transports of callbacks over descriptors that `own` names; options end with it. */
en_stream_transport_t *own_stream(own_t *own, en_transport_options_t *options);
en_datagram_transport_t *own_datagrams(own_t *own, en_transport_options_t *options);
/* Closed once, destroyed once. */
#define CHECK_OWN_ENDED(own)                                                                       \
    do {                                                                                           \
        CHECK_INT(atomic_load(&(own)->closed), 1);                                                 \
        CHECK_INT(atomic_load(&(own)->destroyed), 1);                                              \
    } while (0)

/* A receive into a buffer, which must bring these bytes. */
#define CHECK_GOT(transport, text) check_got(__FILE__, __LINE__, (transport), (text), strlen(text))
bool check_got(const char *file, int line, en_stream_transport_t *transport, const char *text,
               size_t size);
#define CHECK_GOT_DATAGRAM(transport, text)                                                        \
    check_got_datagram(__FILE__, __LINE__, (transport), (text), strlen(text))
bool check_got_datagram(const char *file, int line, en_datagram_transport_t *transport,
                        const char *text, size_t size);
/* Sends all of it. */
int put_bytes(en_stream_transport_t *transport, const char *text);

/* Threads that receive once, or send until that fails, without a time-out. */
typedef struct {
    thread_t thread;
    en_stream_transport_t *stream;
    en_datagram_transport_t *datagrams;
    int rc;
} mover_t;

void mover_starts_receiving(mover_t *mover, en_stream_transport_t *transport);
void mover_starts_sending(mover_t *mover, en_stream_transport_t *transport);
/* The same, and it waits in the kernel when these return. */
void mover_receives(mover_t *mover, en_stream_transport_t *transport);
void mover_sends(mover_t *mover, en_stream_transport_t *transport);
void mover_receives_datagram(mover_t *mover, en_datagram_transport_t *transport);
/* Waits for its end: the code of its last call. */
int mover_end(mover_t *mover);

/* An attribute that is an int. */
int attribute_int(en_stream_transport_t *transport, int attribute);

#endif
