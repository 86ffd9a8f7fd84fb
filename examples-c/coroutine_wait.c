/*
 * Two clients that block, in one thread: each runs in a coroutine of its own, and where a call has
 * to wait, it lets the other one run. All that takes is a waiting function.
 *
 *     coroutine_wait HOST PORT
 *
 * There must be an echo server, such as the one that comes with easynet.
 */
#define _GNU_SOURCE

#include <easynet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>

#define COROUTINES 2
#define ROUNDS 3
#define STACK_SIZE (256 * 1024)
#define TIMEOUT_MS 5000

/* ---- Coroutines ---- */

typedef struct {
    ucontext_t context;
    char *stack;
    const char *name;
    int is_done, failed;
    struct pollfd wanted; /* what it waits for; -1: nothing but time */
    int64_t until_ms;     /* when it has waited long enough; negative: never */
} coroutine_t;

static coroutine_t coroutines[COROUTINES];
static coroutine_t *running;
static ucontext_t scheduler;

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Where a call of the library would sleep, the others run. */
static int wait_in_coroutine(int fd, int interest, int64_t timeout_ms, void *user_data)
{
    (void)user_data;
    running->wanted.fd = fd;
    running->wanted.events = (short)((interest & EN_INTEREST_READ ? POLLIN : 0) |
                                     (interest & EN_INTEREST_WRITE ? POLLOUT : 0));
    running->until_ms = timeout_ms < 0 ? -1 : now_ms() + timeout_ms;
    swapcontext(&running->context, &scheduler);
    return EN_CALLBACK_DONE;
}

static void resume(coroutine_t *coroutine)
{
    running = coroutine;
    swapcontext(&scheduler, &coroutine->context);
}

/* How long everybody can wait; negative: for ever. */
static int shortest_wait(void)
{
    int64_t now = now_ms(), shortest = -1;
    int i;

    for (i = 0; i < COROUTINES; ++i) {
        int64_t left = coroutines[i].until_ms - now;

        if (coroutines[i].is_done || coroutines[i].until_ms < 0)
            continue;
        if (left < 0)
            left = 0;
        if (shortest < 0 || left < shortest)
            shortest = left;
    }
    return (int)shortest;
}

/* Some are done without having waited at all. */
static int is_anybody_left(void)
{
    int i, left = 0;

    for (i = 0; i < COROUTINES; ++i)
        left += !coroutines[i].is_done;
    return left > 0;
}

/* Runs all until they are done: whoever is ready, or has waited long enough, goes on. */
static int run(void)
{
    struct pollfd polled[COROUTINES];
    int i, failed = 0;

    for (i = 0; i < COROUTINES; ++i)
        resume(&coroutines[i]);
    while (is_anybody_left()) {
        for (i = 0; i < COROUTINES; ++i) {
            polled[i] = coroutines[i].wanted;
            if (coroutines[i].is_done)
                polled[i].fd = -1;
        }
        poll(polled, COROUTINES, shortest_wait());
        for (i = 0; i < COROUTINES; ++i) {
            coroutine_t *each = &coroutines[i];
            int is_over = each->until_ms >= 0 && now_ms() >= each->until_ms;

            if (!each->is_done && (polled[i].revents != 0 || is_over))
                resume(each);
        }
    }
    for (i = 0; i < COROUTINES; ++i)
        failed |= coroutines[i].failed;
    return failed;
}

/* ---- What each does: ordinary calls that block ---- */

static const char *host;
static uint16_t port;

static int fail(void)
{
    fprintf(stderr, "%s: %s\n", running->name, en_last_error_message());
    return -1;
}

static int connect_to(en_tcp_client_t **client)
{
    en_stream_protocol_t *lines = NULL;
    en_tcp_options_t *options = NULL;
    int rc = en_stream_protocol_new_line(&lines, EN_NEWLINE_LF, 0);

    if (rc == EN_OK)
        rc = en_tcp_options_new(&options);
    if (rc == EN_OK)
        rc = en_tcp_options_set_connect_timeout(options, TIMEOUT_MS);
    if (rc == EN_OK)
        rc = en_tcp_options_set_wait(options, wait_in_coroutine, NULL, NULL);
    if (rc == EN_OK)
        rc = en_tcp_client_connect(client, host, port, lines, options);
    en_tcp_options_free(options);
    en_stream_protocol_free(lines);
    return rc;
}

static int talk(en_tcp_client_t *client)
{
    char line[64];
    en_packet_t answer;
    int round;

    for (round = 1; round <= ROUNDS; ++round) {
        int size = snprintf(line, sizeof(line), "hello %d from %s", round, running->name);

        if (en_tcp_client_send_packet(client, line, (size_t)size, TIMEOUT_MS) < 0 ||
            en_tcp_client_recv_packet(client, TIMEOUT_MS, &answer) < 0)
            return fail();
        printf("%s: %.*s\n", running->name, (int)answer.size, (const char *)answer.data);
        en_packet_release(&answer);
    }
    return 0;
}

static void body(void)
{
    en_tcp_client_t *client;

    if (connect_to(&client) < 0) {
        running->failed = fail() < 0;
    } else {
        running->failed = talk(client) < 0;
        en_tcp_client_free(client);
    }
    running->is_done = 1; /* the end of the function goes on with the scheduler */
}

static int create(coroutine_t *coroutine, const char *name)
{
    coroutine->name = name;
    coroutine->stack = malloc(STACK_SIZE);
    if (coroutine->stack == NULL || getcontext(&coroutine->context) < 0)
        return -1;
    coroutine->context.uc_stack.ss_sp = coroutine->stack;
    coroutine->context.uc_stack.ss_size = STACK_SIZE;
    coroutine->context.uc_link = &scheduler;
    makecontext(&coroutine->context, body, 0);
    return 0;
}

int main(int argc, char **argv)
{
    int i, failed;

    if (argc != 3) {
        fprintf(stderr, "usage: coroutine_wait HOST PORT\n");
        return 2;
    }
    host = argv[1];
    port = (uint16_t)atoi(argv[2]);
    if (create(&coroutines[0], "first") < 0 || create(&coroutines[1], "second") < 0) {
        perror("coroutine_wait");
        return 1;
    }
    failed = run();
    for (i = 0; i < COROUTINES; ++i)
        free(coroutines[i].stack);
    return failed;
}
