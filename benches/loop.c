#include "loop.h"

#include "plain.h"

#include <fcntl.h>

static uint8_t memory[FRAME + BUFFER];
uint8_t *const reading = memory + FRAME;

int connect_next(const char *address)
{
    open_tcp(address);
    if (fcntl(fd, F_SETFL, O_NONBLOCK))
        fail_errno("fcntl");
    return fd;
}
