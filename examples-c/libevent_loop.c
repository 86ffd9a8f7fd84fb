/*
 * easynet in libevent's loop: `easynet_event_new`, to be lifted out, and a hundred connections to
 * show it at work.
 *
 *     libevent_loop PLACE...
 *
 * What a PLACE is says traffic.h; tcp:127.0.0.1:PORT of echo_server is one.
 */
#include "traffic.h"

#include <event2/event.h>

/* ---- The loop as an event ---- */

/* libevent has found the descriptor readable. */
static void easynet_event_run(evutil_socket_t fd, short what, void *loop)
{
    (void)fd;
    (void)what;
    if (en_loop_run_once(loop, 0) < 0)
        fprintf(stderr, "easynet: %s\n", en_last_error_message());
}

/* An event, added already, that runs `loop` whenever it has something to do; NULL if that cannot
 * be. The loop stays the caller's: free it after the event. */
static struct event *easynet_event_new(struct event_base *base, en_loop_t *loop)
{
    int fd = en_loop_fd(loop);
    struct event *event =
        fd < 0 ? NULL : event_new(base, fd, EV_READ | EV_PERSIST, easynet_event_run, loop);

    if (event != NULL && event_add(event, NULL) < 0) {
        event_free(event);
        event = NULL;
    }
    return event;
}

/* ---- The program ---- */

static void count(evutil_socket_t fd, short what, void *ticks)
{
    (void)fd;
    (void)what;
    ++*(int *)ticks;
}

static void quit(void *base)
{
    event_base_loopbreak(base);
}

static int run(en_loop_t *loop, struct event_base *base, char **places)
{
    static traffic_t traffic;
    const struct timeval interval = {0, 100000};
    int ticks = 0;
    struct event *easynet = easynet_event_new(base, loop);
    struct event *timer = event_new(base, -1, EV_PERSIST, count, &ticks);

    if (easynet == NULL || timer == NULL || event_add(timer, &interval) < 0) {
        fprintf(stderr, "libevent_loop: no event\n");
        return 1;
    }
    if (traffic_start(&traffic, loop, places, quit, base) == EN_OK)
        event_base_dispatch(base);
    event_free(timer);
    event_free(easynet);
    printf("the libevent loop has ticked %d times meanwhile\n", ticks);
    return traffic_end(&traffic);
}

int main(int argc, char **argv)
{
    struct event_base *base;
    en_loop_t *loop;
    int status;

    if (argc < 2) {
        fprintf(stderr, "usage: libevent_loop PLACE...\n");
        return 2;
    }
    base = event_base_new();
    if (base == NULL || en_loop_new(&loop) < 0) {
        fprintf(stderr, "libevent_loop: no loop\n");
        return 1;
    }
    status = run(loop, base, argv + 1);
    en_loop_free(loop);
    event_base_free(base);
    return status;
}
