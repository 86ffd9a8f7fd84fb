/* The switch when two threads are at it at once. Functions in place of the system's hold one of
 * them up in the midst of a call. */
#include "harness.h"
#include "peer.h"

#include <dlfcn.h>
#include <poll.h>
#include <unistd.h>

/* What this thread does in place of the system's function, with its descriptor. */
typedef void (*held_t)(int fd);
static _Thread_local held_t before_write;
static _Thread_local held_t after_read;

static void hold(held_t *held, int fd)
{
    held_t run = *held;

    *held = NULL;
    if (run)
        run(fd);
}

static void *system_function(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

ssize_t write(int fd, const void *data, size_t size)
{
    ssize_t (*real)(int, const void *, size_t);

    *(void **)&real = system_function("write");
    hold(&before_write, fd);
    return real(fd, data, size);
}

ssize_t read(int fd, void *data, size_t size)
{
    ssize_t (*real)(int, void *, size_t);
    ssize_t count;

    *(void **)&real = system_function("read");
    count = real(fd, data, size);
    hold(&after_read, fd);
    return count;
}

static en_cancel_t *its_switch;
static int its_fd;
static thread_t throws;
static thread_t resets;
static gate_t throwing;
static gate_t drained;

static void note(int fd)
{
    its_fd = fd;
}

static void switch_open(void)
{
    throwing = drained = (gate_t){0};
    REQUIRE_OK(en_cancel_new(&its_switch));
    before_write = note;
    CHECK_OK(en_cancel_trigger(its_switch));
    CHECK_OK(en_cancel_reset(its_switch));
}

static bool is_readable(void)
{
    struct pollfd entry = {.fd = its_fd, .events = POLLIN};

    return poll(&entry, 1, 0) == 1;
}

static void let_it_be_drained(int fd)
{
    (void)fd;
    gate_open(&throwing);
    gate_wait(&drained);
}

static void throw_slowly(void *arg)
{
    (void)arg;
    before_write = let_it_be_drained;
    CHECK_OK(en_cancel_trigger(its_switch));
}

static void let_it_be_thrown(int fd)
{
    (void)fd;
    gate_open(&drained);
    WAIT_FOR(atomic_load(&throws.done));
}

static void reset_meanwhile(void *arg)
{
    (void)arg;
    gate_wait(&throwing);
    after_read = let_it_be_thrown;
    CHECK_OK(en_cancel_reset(its_switch));
}

static void put_back_while_it_is_thrown_it_is_not_readable(void)
{
    switch_open();
    thread_start(&throws, throw_slowly, NULL);
    thread_start(&resets, reset_meanwhile, NULL);
    thread_join(&resets);
    thread_join(&throws);
    CHECK_INT(en_cancel_is_triggered(its_switch), is_readable());
    en_cancel_free(its_switch);
}

static const test_case_t cases[] = {
    CASE(put_back_while_it_is_thrown_it_is_not_readable),
};

TEST_MAIN("switch")
