/* What all threads may use, the switch and the loop, when two are at it at once. Functions in place
 * of the system's hold one of them up in the midst of a call. */
#include "child.h"
#include "peer.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <unistd.h>

/* What this thread does in place of the system's function, with its descriptor. */
typedef void (*held_t)(int fd);
static _Thread_local held_t before_write;
static _Thread_local held_t after_write;
static _Thread_local held_t after_read;
static _Thread_local held_t before_dup3;

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
    ssize_t count;

    *(void **)&real = system_function("write");
    hold(&before_write, fd);
    count = real(fd, data, size);
    hold(&after_write, fd);
    return count;
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

int dup3(int from, int to, int flags)
{
    int (*real)(int, int, int);

    *(void **)&real = system_function("dup3");
    hold(&before_dup3, to);
    return real(from, to, flags);
}

static atomic_int yields;

int sched_yield(void)
{
    int (*real)(void);

    *(void **)&real = system_function("sched_yield");
    atomic_fetch_add(&yields, 1);
    return real();
}

static en_cancel_t *its_switch;
static int its_fd;
static thread_t throws;
static thread_t resets;
static gate_t throwing;
static gate_t drained;
static atomic_int wrote;

static void note(int fd)
{
    its_fd = fd;
}

static void switch_open(void)
{
    throwing = drained = (gate_t){0};
    atomic_store(&wrote, 0);
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

static void wait_for_the_thrower(int fd)
{
    (void)fd;
    gate_open(&throwing);
    WAIT_FOR(atomic_load(&wrote) || atomic_load(&throws.done));
}

static void reset_first(void *arg)
{
    (void)arg;
    before_dup3 = wait_for_the_thrower;
    CHECK_OK(en_cancel_reset(its_switch));
}

static void wait_for_the_other(int fd)
{
    (void)fd;
    atomic_store(&wrote, 1);
    WAIT_FOR(atomic_load(&resets.done));
}

static void throw_meanwhile(void *arg)
{
    (void)arg;
    gate_wait(&throwing);
    after_write = wait_for_the_other;
    CHECK_OK(en_cancel_trigger(its_switch));
}

/* A child finds it so with a switch of its own, and the parent's stays as it is. */
static void check_in_a_child(bool (*holds)(void))
{
    switch_open();
    CHECK_IN_CHILD(holds() ? 0 : __LINE__);
    CHECK(!is_readable());
    en_cancel_free(its_switch);
}

/* In a child: whether the switch is as it should be. */
static bool use_it_in_two_threads(void)
{
    alarm(20); /* the parent's watchdog does not watch here */
    thread_start(&throws, throw_meanwhile, NULL);
    thread_start(&resets, reset_first, NULL);
    thread_join(&resets);
    thread_join(&throws);
    if (en_cancel_is_triggered(its_switch) != is_readable())
        return false;
    return en_cancel_trigger(its_switch) == EN_OK && is_readable() &&
           en_cancel_reset(its_switch) == EN_OK && !is_readable() &&
           en_cancel_is_triggered(its_switch) == 0;
}

static void in_a_child_two_threads_use_it_at_once(void)
{
    check_in_a_child(use_it_in_two_threads);
}

static void wait_until_it_is_thrown(void *arg)
{
    struct pollfd entry = {.fd = en_cancel_fd(its_switch), .events = POLLIN};

    *(int *)arg = poll(&entry, 1, 10000);
}

static bool is_woken_by_its_own(void)
{
    int64_t start = now_ms();
    int woken = 0;

    alarm(20);
    thread_start(&resets, wait_until_it_is_thrown, &woken);
    thread_wait_blocked(&resets);
    if (en_cancel_trigger(its_switch) != EN_OK)
        return false;
    thread_join(&resets);
    return woken == 1 && now_ms() - start < 8000;
}

static void in_a_child_its_descriptor_is_the_childs(void)
{
    check_in_a_child(is_woken_by_its_own);
}

static en_loop_t *its_loop;
static atomic_int freed;
static bool was_open;

/* Until what this thread is inside of is freed, or whoever frees it waits. */
static void let_it_be_freed(int fd)
{
    gate_open(&throwing);
    WAIT_FOR(atomic_load(&freed) || atomic_load(&yields) > 0);
    was_open = fcntl(fd, F_GETFD) >= 0;
}

/* Held up at its descriptor, which somebody else frees meanwhile because of what it has done. */
static void check_freed_meanwhile(void (*run)(void *), void (*see_and_free)(void))
{
    throwing = (gate_t){0};
    atomic_store(&freed, 0);
    atomic_store(&yields, 0);
    thread_start(&throws, run, NULL);
    gate_wait(&throwing);
    see_and_free();
    atomic_store(&freed, 1);
    thread_join(&throws);
    CHECK(was_open);
}

static void throw_it(void *arg)
{
    (void)arg;
    before_write = let_it_be_freed;
    CHECK_OK(en_cancel_trigger(its_switch));
}

static void see_it_thrown(void)
{
    CHECK_INT(en_cancel_is_triggered(its_switch), 1);
    en_cancel_free(its_switch);
}

static void freed_as_soon_as_it_is_thrown(void)
{
    switch_open();
    check_freed_meanwhile(throw_it, see_it_thrown);
}

static void free_the_loop(int status, void *user_data)
{
    (void)user_data;
    CHECK_OK(status);
    en_loop_free(its_loop);
}

static void post_its_end(void *arg)
{
    (void)arg;
    before_write = let_it_be_freed;
    CHECK_OK(en_loop_post(its_loop, free_the_loop, NULL));
}

static void do_what_is_posted(void)
{
    CHECK_OK(en_loop_run_once(its_loop, 0));
}

static void a_loop_freed_by_what_is_posted(void)
{
    REQUIRE_OK(en_loop_new(&its_loop));
    check_freed_meanwhile(post_its_end, do_what_is_posted);
}

static void stop_it(void *arg)
{
    (void)arg;
    before_write = let_it_be_freed;
    CHECK_OK(en_loop_stop(its_loop));
}

static void never(int status, void *user_data)
{
    (void)user_data;
    CHECK_CODE(status, EN_ECANCELED);
}

static void stop_and_free(void)
{
    CHECK_OK(en_loop_run(its_loop));
    en_loop_free(its_loop);
}

static void a_loop_freed_as_soon_as_it_is_stopped(void)
{
    REQUIRE_OK(en_loop_new(&its_loop));
    CHECK_OK(en_loop_start_timer(its_loop, 60000, 0, never, NULL, NULL));
    check_freed_meanwhile(stop_it, stop_and_free);
}

static const test_case_t cases[] = {
    CASE(put_back_while_it_is_thrown_it_is_not_readable),
    CASE(in_a_child_two_threads_use_it_at_once),
    CASE(in_a_child_its_descriptor_is_the_childs),
    CASE(freed_as_soon_as_it_is_thrown),
    CASE(a_loop_freed_by_what_is_posted),
    CASE(a_loop_freed_as_soon_as_it_is_stopped),
};

TEST_MAIN("switch")
