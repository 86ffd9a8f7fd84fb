#include "loop.h"

#include "plain.h"

#include <fcntl.h>

static uint8_t memory[FRAME + BUFFER];
uint8_t *const reading = memory + FRAME;

static int unblocked(void)
{
    if (fcntl(fd, F_SETFL, O_NONBLOCK))
        fail_errno("fcntl");
    return fd;
}

int tcp_socket(const char *address)
{
    open_tcp(address);
    return unblocked();
}

int unix_socket(const char *address)
{
    open_unix(address);
    return unblocked();
}
