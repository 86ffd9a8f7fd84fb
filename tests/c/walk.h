/* Plays a scene with an operation again and again: for no step, one step, two steps, ... and then
 * the operation is ended, in each of the ways there are, until it ends by itself before. */
#ifndef WALK_H
#define WALK_H

#include "async.h"
#include "relay.h"

typedef struct {
    en_loop_t *loop;
    en_async_client_t *view;
    en_async_tcp_client_t *tcp;
    en_async_unix_stream_client_t *stream;
    en_async_unix_datagram_client_t *datagram;
    op_t op;     /* the one that is ended before its time */
    op_t before; /* one that stands before it */
    int step;    /* how far the peer is */
    int listener;
    int fd;       /* the peer's end, or -1 */
    int other;    /* one more descriptor of the peer's, or -1 */
    size_t taken; /* how many bytes the peer has got */
    folder_t folder;
    relay_t relay;
} scene_t;

/* A state that an operation can be in. */
typedef struct {
    void (*begin)(scene_t *scene);
    /* The next thing the peer does; false when it waits for the client. */
    bool (*peer)(scene_t *scene);
    /* What holds when the operation was cancelled, and the client is still there. */
    void (*after)(scene_t *scene);
    void (*end)(scene_t *scene);
    int outcome; /* what the operation ends with by itself */
} state_t;

/* Walks through the state, and checks that the callback comes once. */
void walk(const state_t *state);
/* So many turns of the loop, which wait for nothing. */
void turns(scene_t *scene, int count);

#endif
