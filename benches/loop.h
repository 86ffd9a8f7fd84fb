/* What the works on loops have in common: packets of SMALL bytes at most, with their length in
 * front, on many connections. */
#ifndef LOOP_H
#define LOOP_H

#include "bench.h"

#include <arpa/inet.h>
#include <string.h>

#define FRAME (HEADER + SMALL)

#ifdef __cplusplus
extern "C" {
#endif

/* Each connects, and gives the socket, which does not block. */
int tcp_socket(const char *address);
int unix_socket(const char *address);

/* Writes the packet with its length in front, and says how many bytes that is. */
static inline size_t put_frame(uint8_t *frame, const void *data, size_t size)
{
    uint32_t header = htonl((uint32_t)size);
    memcpy(frame, &header, HEADER);
    memcpy(frame + HEADER, data, size);
    return HEADER + size;
}

/* The piece of a packet that has come so far. */
struct rest {
    size_t size;
    uint8_t bytes[FRAME];
};

/* Where to receive: there is room for BUFFER bytes, and for a rest before them. */
extern uint8_t *const reading;

/* Hands out the packets among the bytes that have come there. */
static inline void take_packets(struct rest *rest, uint8_t *bytes, size_t size,
                                void (*take)(void *to, const uint8_t *data, size_t size), void *to)
{
    bytes -= rest->size;
    size += rest->size;
    memcpy(bytes, rest->bytes, rest->size);
    while (size >= HEADER) {
        uint32_t header;
        memcpy(&header, bytes, HEADER);
        size_t length = ntohl(header);
        if (length > SMALL)
            fail("recv", "a packet is too long");
        if (size - HEADER < length)
            break;
        take(to, bytes + HEADER, length);
        bytes += HEADER + length;
        size -= HEADER + length;
    }
    memcpy(rest->bytes, bytes, size);
    rest->size = size;
}

#ifdef __cplusplus
}
#endif

#endif
