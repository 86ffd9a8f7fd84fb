/* The other end of a connection: a plain socket that does what a test tells it, by hand or by a
 * script in a thread of its own. */
#ifndef PEER_H
#define PEER_H

#include "threads.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A listening TCP socket on `host` (numeric) and a port the system chooses. */
int peer_listen(const char *host, int backlog);
/* On this port; -1 if another has it. */
int peer_listen_at(const char *host, uint16_t port, int backlog);
/* A listening socket on 127.0.0.1 that answers nobody: its queue is full. The sockets that fill it
 * are in `fillers`. */
#define PEER_FILLERS 8
typedef struct {
    int listener;
    int fillers[PEER_FILLERS];
} silent_peer_t;
void silent_peer_open(silent_peer_t *peer, const char *host);
/* Takes what is in the queue, so that those who wait are answered. */
void silent_peer_wake(silent_peer_t *peer);
void silent_peer_close(silent_peer_t *peer);
/* Whether this machine has IPv6 on its loopback interface. */
bool peer_has_ipv6(void);
/* A port of 127.0.0.1 that refuses. */
uint16_t peer_refusing_port(void);

uint16_t peer_port(int socket);
int peer_accept(int listener);

void peer_send(int fd, const void *data, size_t size);
void peer_send_text(int fd, const char *text);
/* Reads so many bytes, or fewer if the stream ends: how many. */
size_t peer_read(int fd, char *into, size_t size);
void peer_expect(int fd, const void *data, size_t size);
void peer_expect_text(int fd, const char *text);
/* The end of the stream and nothing before. */
void peer_expect_end(int fd);
/* Nothing has arrived. */
void peer_expect_nothing(int fd);
/* Reads to the end (or the reset) and throws it away: how many bytes came. */
size_t peer_drain(int fd);
/* Ends the sending direction. */
void peer_end(int fd);
/* Closes with a reset instead of an end. */
void peer_reset(int fd);

/* What a script can do. */
enum {
    STEP_SEND,        /* the bytes at once */
    STEP_SEND_SLOWLY, /* byte by byte, `ms` between two */
    STEP_EXPECT,      /* exactly these bytes */
    STEP_EXPECT_END,
    STEP_ECHO,  /* whatever comes, until the end */
    STEP_DRAIN, /* read and throw away until the end */
    STEP_WAIT,  /* until the gate is open */
    STEP_END,
    STEP_RESET,
};

typedef struct {
    int what;
    const void *data;
    size_t size;
    int ms;
    gate_t *gate;
} step_t;

typedef struct {
    thread_t thread;
    int fd;
    const step_t *steps;
    size_t count;
} script_t;

/* Plays the steps on `fd`, which stays open unless a step resets it. */
void script_start(script_t *script, int fd, const step_t *steps, size_t count);
void script_join(script_t *script);

#endif
