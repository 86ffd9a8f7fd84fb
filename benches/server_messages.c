/* The peer of libraries with packets of their own. What they say at the beginning is said by hand,
 * so that their own threads are not measured on this side. */
#include "server.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ZEROMQ_GREETING 64

static void say(int fd, const void *words, size_t size)
{
    check(send(fd, words, size, MSG_NOSIGNAL) == (ssize_t)size ? 0 : -1, "greeting");
}

static void hear(int fd, void *words, size_t size)
{
    if (recv(fd, words, size, MSG_WAITALL) != (ssize_t)size) {
        fprintf(stderr, "server: the greeting was cut short\n");
        exit(1);
    }
}

static size_t put_eight_bytes(uint8_t *to, size_t packet_size)
{
    uint64_t length = htobe64(packet_size);
    memcpy(to, &length, sizeof length);
    return sizeof length;
}

/* Both sides say which protocol they speak: pair, version 0. */
void greet_nng(int fd)
{
    static const uint8_t pair[8] = {0, 'S', 'P', 0, 0, 0x10, 0, 0};
    uint8_t theirs[sizeof pair];
    say(fd, pair, sizeof pair);
    hear(fd, theirs, sizeof theirs);
    check(memcmp(pair, theirs, sizeof pair) ? -1 : 0, "nng's greeting");
    put_length = put_eight_bytes;
}

/* Flags, which say how long the length is, and the length. */
static size_t put_zeromq_length(uint8_t *to, size_t packet_size)
{
    if (packet_size > UINT8_MAX) {
        to[0] = 2;
        return 1 + put_eight_bytes(to + 1, packet_size);
    }
    to[0] = 0;
    to[1] = (uint8_t)packet_size;
    return 2;
}

/* ZMTP 3.0 without security: signature, version and mechanism, then a command with properties. */
void greet_zeromq(int fd)
{
    static const uint8_t greeting[ZEROMQ_GREETING] = {
        0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0, 'N', 'U', 'L', 'L',
    };
    static const char ready[] = "\4\32\5READY\13Socket-Type\0\0\0\4PAIR";
    uint8_t theirs[UINT8_MAX];
    say(fd, greeting, sizeof greeting);
    say(fd, ready, sizeof ready - 1);
    hear(fd, theirs, ZEROMQ_GREETING);
    hear(fd, theirs, 2);
    hear(fd, theirs, theirs[1]);
    put_length = put_zeromq_length;
}
