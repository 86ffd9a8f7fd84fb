#include "threads.h"

#include "harness.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *begin(void *arg)
{
    thread_t *thread = arg;

    atomic_store(&thread->tid, (int)syscall(SYS_gettid));
    thread->run(thread->arg);
    atomic_store(&thread->done, 1);
    return NULL;
}

void thread_start(thread_t *thread, void (*run)(void *arg), void *arg)
{
    atomic_init(&thread->tid, 0);
    atomic_init(&thread->done, 0);
    thread->run = run;
    thread->arg = arg;
    REQUIRE(pthread_create(&thread->id, NULL, begin, thread) == 0);
}

void thread_join(thread_t *thread)
{
    pthread_join(thread->id, NULL);
}

/* The number of times the thread has gone to sleep, or -1 if it is not asleep now. */
static long sleeps(thread_t *thread)
{
    char path[64];
    char line[256];
    long count = -1;
    bool asleep = false;
    FILE *file;

    snprintf(path, sizeof(path), "/proc/self/task/%d/status", atomic_load(&thread->tid));
    file = fopen(path, "re");
    if (!file)
        return -1;
    while (fgets(line, sizeof(line), file)) {
        if (strncmp(line, "State:\tS", 8) == 0)
            asleep = true;
        else if (strncmp(line, "voluntary_ctxt_switches:", 24) == 0)
            count = atol(line + 24);
    }
    fclose(file);
    return asleep ? count : -1;
}

void thread_wait_blocked(thread_t *thread)
{
    long seen = -1;
    int times = 0;

    WAIT_FOR(atomic_load(&thread->tid) != 0);
    while (times < 6) {
        long count = sleeps(thread);

        REQUIRE(!atomic_load(&thread->done));
        times = count >= 0 && count == seen ? times + 1 : 0;
        seen = count;
        pause_ms(3);
    }
}

void gate_open(gate_t *gate)
{
    atomic_store(&gate->open, 1);
}

void gate_wait(gate_t *gate)
{
    WAIT_FOR(atomic_load(&gate->open));
}

int thread_count(void)
{
    char line[256];
    int count = 0;
    FILE *file = fopen("/proc/self/status", "re");

    REQUIRE(file);
    while (fgets(line, sizeof(line), file)) {
        if (strncmp(line, "Threads:", 8) == 0)
            count = atoi(line + 8);
    }
    fclose(file);
    return count;
}

static atomic_int signals_handled;

static void on_signal(int number)
{
    (void)number;
    atomic_fetch_add(&signals_handled, 1);
}

static void send_signals(void *arg)
{
    storm_t *storm = arg;

    while (!atomic_load(&storm->stop)) {
        pthread_kill(storm->target, SIGUSR1);
        pause_ms(2);
    }
}

void storm_start(storm_t *storm, pthread_t target)
{
    struct sigaction action = {.sa_handler = on_signal};

    sigaction(SIGUSR1, &action, NULL);
    atomic_store(&signals_handled, 0);
    atomic_init(&storm->stop, 0);
    storm->target = target;
    thread_start(&storm->thread, send_signals, storm);
    WAIT_FOR(atomic_load(&signals_handled) > 0); /* a busy machine starts the thread late */
}

int storm_stop(storm_t *storm)
{
    atomic_store(&storm->stop, 1);
    thread_join(&storm->thread);
    return atomic_load(&signals_handled);
}
