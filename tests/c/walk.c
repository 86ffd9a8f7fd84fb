#include "walk.h"

#include <unistd.h>

enum { MOST_STEPS = 500 };

static void free_client(scene_t *scene)
{
    en_async_tcp_client_free(scene->tcp);
    en_async_unix_stream_client_free(scene->stream);
    en_async_unix_datagram_client_free(scene->datagram);
    scene->tcp = NULL;
    scene->stream = NULL;
    scene->datagram = NULL;
}

void turns(scene_t *scene, int count)
{
    for (int i = 0; i < count; i++)
        CHECK_OK(en_loop_run_once(scene->loop, 0));
}

/* ---- Ways to end ---- */

static void check_outcome(scene_t *scene, const state_t *state, int code)
{
    CHECK_INT(scene->op.calls, 1);
    /* It may have been decided before it was ended. */
    if (scene->op.status != state->outcome)
        CHECK_CODE(scene->op.status, code);
}

static void cancel(scene_t *scene, const state_t *state)
{
    int calls = scene->op.calls;

    CHECK_OK(en_loop_cancel(scene->loop, scene->op.operation));
    CHECK_INT(scene->op.calls, calls); /* never from inside */
    op_wait(scene->loop, &scene->op);
    check_outcome(scene, state, EN_ECANCELED);
    CHECK_OK(en_loop_cancel(scene->loop, scene->op.operation)); /* is over: nothing */
    turns(scene, 3);
    state->after(scene);
}

static void close_abruptly(scene_t *scene, const state_t *state)
{
    op_t op = {0};
    bool is_closing = scene->op.calls == 0 && en_async_client_is_closing(scene->view) == 1;

    CHECK_OK(en_async_client_close(scene->view, 0, op_done, &op, NULL));
    op_wait(scene->loop, &op);
    op_wait(scene->loop, &scene->op);
    /* Who waits for the same end learns how it came. */
    check_outcome(scene, state, is_closing ? EN_ETIMEDOUT : EN_ECLOSED);
    CHECK_INT(en_async_client_is_closing(scene->view), 1);
    CHECK_INT(en_async_client_fileno(scene->view), -1);
}

static void free_the_client(scene_t *scene, const state_t *state)
{
    free_client(scene);
    check_outcome(scene, state, EN_ECANCELED); /* at once */
}

static void free_the_loop(scene_t *scene, const state_t *state)
{
    en_loop_free(scene->loop);
    scene->loop = NULL;
    check_outcome(scene, state, EN_ECANCELED);
}

typedef void (*way_t)(scene_t *scene, const state_t *state);

/* Plays so many steps and ends the operation; whether it had ended by itself before. */
static bool play(const state_t *state, int steps, way_t way)
{
    scene_t scene = {.listener = -1, .fd = -1, .other = -1};
    bool is_over;

    scene.loop = loop_new();
    state->begin(&scene);
    CHECK_INT(scene.op.calls, 0);
    for (int i = 0; i < steps && scene.op.calls == 0; i++) {
        bool moved = state->peer(&scene);

        scene.step++;
        CHECK_OK(en_loop_run_once(scene.loop, moved ? 0 : 100));
    }
    is_over = scene.op.calls > 0;
    if (is_over)
        CHECK_OP(&scene.op, state->outcome);
    way(&scene, state);
    if (scene.loop)
        turns(&scene, 3);
    CHECK_INT(scene.op.calls, 1); /* nothing after */
    free_client(&scene);
    en_loop_free(scene.loop);
    CHECK_INT(scene.op.calls, 1);
    state->end(&scene);
    for (int *fd = (int[]){scene.listener, scene.fd, scene.other, -2}; *fd != -2; fd++) {
        if (*fd >= 0)
            close(*fd);
    }
    return is_over;
}

void walk(const state_t *state)
{
    static const way_t ways[] = {cancel, close_abruptly, free_the_client, free_the_loop};

    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        int steps = 0;

        while (!play(state, steps, ways[i]))
            REQUIRE(steps++ < MOST_STEPS);
        CHECK(steps >= 3); /* it was a walk indeed */
    }
}
