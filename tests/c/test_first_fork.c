/* A child that is forked while another thread is in the midst of the first call of all. A function
 * in place of the system's holds that thread there. */
#include "child.h"
#include "threads.h"

#include <dlfcn.h>
#include <unistd.h>

static _Thread_local bool is_held;
static gate_t inside;
static gate_t leave;

/* How the library learns whether it can be told of forks begins with this. */
long sysconf(int name)
{
    long (*real)(int);

    if (is_held && name == _SC_PAGESIZE) {
        is_held = false;
        gate_open(&inside);
        gate_wait(&leave);
    }
    *(void **)&real = dlsym(RTLD_NEXT, "sysconf");
    return real(name);
}

static void call_first(void *arg)
{
    en_loop_t *loop = NULL;

    (void)arg;
    is_held = true;
    CHECK_OK(en_loop_new(&loop));
    en_loop_free(loop);
}

static int run_the_parents(en_loop_t *loop)
{
    EXPECT(en_loop_run_once(loop, 0) == EN_EFORKED);
    return 0;
}

/* New handles always work, and a child of the child is noticed. */
static int call_in_child(void)
{
    en_loop_t *loop = NULL;
    pid_t child;

    EXPECT(en_loop_new(&loop) == EN_OK);
    EXPECT(en_loop_run_once(loop, 0) == EN_OK);
    child = child_fork();
    if (child == 0)
        child_exit(__FILE__, run_the_parents(loop));
    EXPECT(child_succeeds(child));
    en_loop_free(loop);
    return 0;
}

static void the_child_does_not_wait_for_who_is_not_there(void)
{
    thread_t thread;

    thread_start(&thread, call_first, NULL);
    gate_wait(&inside);
    CHECK_IN_CHILD(call_in_child());
    gate_open(&leave);
    thread_join(&thread);
}

static const test_case_t cases[] = {
    CASE(the_child_does_not_wait_for_who_is_not_there),
};

TEST_MAIN("first_fork")
