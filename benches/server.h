/* What the parts of the server have in common. */
#ifndef SERVER_H
#define SERVER_H

#include <stddef.h>
#include <stdint.h>

#define HEADER ((size_t)4)
#define ROOM ((size_t)1 << 19)

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

/* Fills the buffer with packets that have their length in front, and says how many bytes it is. */
size_t fill_with_packets(size_t packet_size, size_t most);

#endif
