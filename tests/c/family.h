/* What the tests of the UDP and Unix clients share: checks through the view that all clients have
 * in common, threads that wait in a client, plain sockets to talk to, and a folder for paths. */
#ifndef FAMILY_H
#define FAMILY_H

#include "harness.h"
#include "threads.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

/* Receives one packet, which must be these bytes. */
#define CHECK_GET(client, text) check_get(__FILE__, __LINE__, (client), (text), strlen(text))
#define CHECK_GET_BYTES(client, data, size) check_get(__FILE__, __LINE__, (client), (data), (size))
/* A receive that must fail so within the time, and leave its output alone. */
#define CHECK_GET_FAILS(client, timeout_ms, code)                                                  \
    check_get_fails(__FILE__, __LINE__, (client), (timeout_ms), (code))

bool check_get(const char *file, int line, en_client_t *client, const void *data, size_t size);
bool check_get_fails(const char *file, int line, en_client_t *client, int64_t timeout_ms, int code);
int put_text(en_client_t *client, const char *text);

/* A thread that receives once, or sends the same packet until that fails, without a time-out. */
typedef struct {
    thread_t thread;
    en_client_t *client;
    const void *data;
    size_t size;
    int rc;
} waiter_t;

void waiter_starts_receiving(waiter_t *waiter, en_client_t *client);
void waiter_starts_sending(waiter_t *waiter, en_client_t *client, const void *data, size_t size);
/* The same, and it waits in the kernel when these return. */
void waiter_receives(waiter_t *waiter, en_client_t *client);
void waiter_sends(waiter_t *waiter, en_client_t *client, const void *data, size_t size);
/* Waits for its end: the code of its last call. */
int waiter_end(waiter_t *waiter);

en_datagram_protocol_t *protocol_datagrams(void);

/* A folder for the paths of one case. */
typedef struct {
    char path[64];
    char socket[80]; /* a path in it */
    char other[80];
} folder_t;

void folder_open(folder_t *folder);
void folder_close(folder_t *folder);

/* How the C library declares the names that connect and bind take, for who puts one of his own in
 * their place: glibc has a union of pointers. */
#ifdef __GLIBC__
typedef __CONST_SOCKADDR_ARG name_arg_t;
#define NAME_OF(name) ((name).__sockaddr__)
#else
typedef const struct sockaddr *name_arg_t;
#define NAME_OF(name) (name)
#endif

/* A bound socket; a name that begins with '@' is abstract. */
int unix_bound(int type, const char *name);
socklen_t unix_name(struct sockaddr_un *address, const char *name);
int unix_accept(int listener);
/* Bound to 127.0.0.1 or ::1. */
int udp_bound(const char *host);
void connect_to(int fd, int other);

void wait_readable(int fd);
/* The next datagram at the socket is this one. */
void expect_datagram(int fd, const void *data, size_t size);
void expect_no_datagram(int fd);
bool is_open(int fd);

#endif
