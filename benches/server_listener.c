/* The peer of many streams at once. */
#include "server.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 1024

static void watch(int poller, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    check(epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

/* What has come goes back at once: a client that does not read ends the server. */
static void echo_once(int fd)
{
    ssize_t count = recv(fd, buffer, ROOM, MSG_DONTWAIT);
    if (count > 0)
        check(send(fd, buffer, (size_t)count, MSG_DONTWAIT | MSG_NOSIGNAL) == count ? 0 : -1,
              "send");
    else if (count == 0 || errno != EAGAIN)
        close(fd);
}

static void echo(int listener, size_t packet_size)
{
    struct epoll_event events[EVENTS];
    int poller = epoll_create1(EPOLL_CLOEXEC);
    (void)packet_size;
    check(poller, "epoll_create1");
    watch(poller, listener);
    for (;;) {
        int count = epoll_wait(poller, events, EVENTS, -1);
        check(count, "epoll_wait");
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                watch(poller, accept(listener, NULL, NULL));
            else
                echo_once(events[i].data.fd);
        }
    }
}

const struct mode listener_modes[] = {
    {"echo", echo},
    {0},
};
