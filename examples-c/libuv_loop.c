/*
 * easynet in a libuv loop: `easynet_uv_start` and `easynet_uv_stop`, to be lifted out, and a
 * hundred connections to show them at work.
 *
 *     libuv_loop PLACE...
 *
 * What a PLACE is says traffic.h; tcp:127.0.0.1:PORT of echo_server is one.
 */
#include "traffic.h"

#include <uv.h>

/* ---- The loop as a uv_poll_t ---- */

/* libuv has found the descriptor readable. */
static void easynet_uv_run(uv_poll_t *handle, int status, int events)
{
    (void)events;
    if (status < 0) {
        fprintf(stderr, "libuv: %s\n", uv_strerror(status));
        uv_poll_stop(handle);
    } else if (en_loop_run_once(handle->data, 0) < 0) {
        fprintf(stderr, "easynet: %s\n", en_last_error_message());
        uv_poll_stop(handle);
    }
}

/* Has libuv run `loop` whenever it has something to do; a code of libuv's. */
static int easynet_uv_start(uv_loop_t *uv, uv_poll_t *handle, en_loop_t *loop)
{
    int fd = en_loop_fd(loop);
    int status = fd < 0 ? UV_EINVAL : uv_poll_init(uv, handle, fd);

    handle->data = loop;
    return status < 0 ? status : uv_poll_start(handle, UV_READABLE, easynet_uv_run);
}

/* Ends that; the loop may be freed then, the handle when libuv has closed it. */
static void easynet_uv_stop(uv_poll_t *handle, uv_close_cb closed)
{
    uv_poll_stop(handle);
    uv_close((uv_handle_t *)handle, closed);
}

/* ---- The program ---- */

static void count(uv_timer_t *timer)
{
    ++*(int *)timer->data;
}

static void quit(void *uv)
{
    uv_stop(uv);
}

static int run(en_loop_t *loop, char **places)
{
    static traffic_t traffic;
    uv_loop_t *uv = uv_default_loop();
    uv_poll_t handle;
    uv_timer_t timer;
    int ticks = 0;
    int status = easynet_uv_start(uv, &handle, loop);

    if (status < 0) {
        fprintf(stderr, "libuv_loop: %s\n", uv_strerror(status));
        return 1;
    }
    uv_timer_init(uv, &timer);
    timer.data = &ticks;
    uv_timer_start(&timer, count, 100, 100);
    if (traffic_start(&traffic, loop, places, quit, uv) == EN_OK)
        uv_run(uv, UV_RUN_DEFAULT);
    easynet_uv_stop(&handle, NULL);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(uv, UV_RUN_DEFAULT); /* until both are closed */
    uv_loop_close(uv);
    printf("the libuv loop has ticked %d times meanwhile\n", ticks);
    return traffic_end(&traffic);
}

int main(int argc, char **argv)
{
    en_loop_t *loop;
    int status;

    if (argc < 2) {
        fprintf(stderr, "usage: libuv_loop PLACE...\n");
        return 2;
    }
    if (en_loop_new(&loop) < 0) {
        fprintf(stderr, "libuv_loop: %s\n", en_last_error_message());
        return 1;
    }
    status = run(loop, argv + 1);
    en_loop_free(loop);
    return status;
}
