/* Threads that a test starts, and ways to know where they are. */
#ifndef THREADS_H
#define THREADS_H

#include <pthread.h>
#include <stdatomic.h>

typedef struct {
    pthread_t id;
    atomic_int tid;
    atomic_int done;
    void (*run)(void *arg);
    void *arg;
} thread_t;

void thread_start(thread_t *thread, void (*run)(void *arg), void *arg);
void thread_join(thread_t *thread);
/* Waits until the thread sleeps in the kernel and stays there. */
void thread_wait_blocked(thread_t *thread);

/* Something that one thread opens and others wait for. */
typedef struct {
    atomic_int open;
} gate_t;

void gate_open(gate_t *gate);
void gate_wait(gate_t *gate);

/* The number of threads of this process. */
int thread_count(void);

/* Signals without SA_RESTART, sent to a thread again and again, from the return of the start until
 * stopped. */
typedef struct {
    thread_t thread;
    pthread_t target;
    atomic_int stop;
} storm_t;

void storm_start(storm_t *storm, pthread_t target);
/* Ends the storm; how many signals its target has handled meanwhile. */
int storm_stop(storm_t *storm);

#endif
