/* What the parts of the server have in common. */
#ifndef SERVER_H
#define SERVER_H

#include <stddef.h>
#include <stdint.h>

#define HEADER_MAX ((size_t)9)
#define ROOM ((size_t)1 << 19)
/* What a packet begins with. */
#define MARK 'e'

struct mode {
    const char *name;
    /* Serves the one client until it is gone, or those of a listener. */
    void (*serve)(int fd, size_t packet_size);
};

/* Each ends with one without a name. */
extern const struct mode stream_modes[], listener_modes[], datagram_modes[], descriptor_modes[],
    tls_modes[], tls_listener_modes[];

/* Memory for whoever serves. */
extern uint8_t buffer[ROOM];

/* Ends the program if a system call has failed. */
void check(int result, const char *what);

/* Puts a packet's length in front of it, and says how many bytes that takes: by itself a number of
 * four bytes. */
extern size_t (*put_length)(uint8_t *to, size_t packet_size);

/* Fills the buffer with packets that have their length in front, and says how many bytes it is. */
size_t fill_with_packets(size_t packet_size, size_t most);

/* The first words of nng (of its pair sockets) and of ZeroMQ. From then on it is packets with their
 * length in front, which this is for put_length, too. */
void greet_nng(int fd);
void greet_zeromq(int fd);

#endif
