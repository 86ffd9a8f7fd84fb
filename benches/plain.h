/* What the works on plain sockets have in common. */
#ifndef PLAIN_H
#define PLAIN_H

#include "bench.h"

#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The socket, and the calls on it so far. */
extern int fd;
extern uint64_t calls;

void open_tcp(const char *address);
void open_unix(const char *address);
void open_udp(const char *address);

void set_option(int level, int name, const void *value, socklen_t size);

/* A message with one control message, which holds an int. */
struct message {
    struct msghdr header;
    struct iovec part;
    /* Of a type that is aligned as the kernel wants it. */
    size_t control[CMSG_SPACE(sizeof(int)) / sizeof(size_t)];
};

/* The memory must not move from here on. */
void prepare_message(struct message *message, void *data, size_t size);
/* Puts a control message there to be sent. */
void set_control(struct message *message, int level, int type, const void *value, size_t size);
/* The int of the control message that has come; -1: none. */
int control_of(struct message *message);

#ifdef __cplusplus
}
#endif

#endif
