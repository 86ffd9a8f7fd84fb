/* The event loop by itself: timers, posts, stopping, and life inside another loop. */
#include "child.h"
#include "threads.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

static en_loop_t *loop_new(void)
{
    en_loop_t *loop = NULL;

    REQUIRE_OK(en_loop_new(&loop));
    return loop;
}

/* What callbacks have been told, in their order. */
typedef struct {
    en_loop_t *loop;
    uint64_t operation;
    int count;
    int stop_after;
    int statuses[64];
} record_t;

static void note(int status, void *user_data)
{
    record_t *record = user_data;

    if (record->count < 64)
        record->statuses[record->count] = status;
    record->count++;
    if (record->count == record->stop_after)
        CHECK_OK(en_loop_stop(record->loop));
}

static void nothing_to_do(void)
{
    en_loop_t *loop = loop_new();
    int64_t start = now_ms();
    int64_t timeout = 0;

    CHECK_OK(en_loop_run(loop));
    CHECK_OK(en_loop_run_once(loop, 0));
    CHECK_OK(en_loop_next_timeout(loop, &timeout));
    CHECK_INT(timeout, -1);
    CHECK_TOOK(start, 0);
    CHECK_OK(en_loop_run_once(loop, 60));
    CHECK_TOOK(start, 60);
    en_loop_free(loop);
    en_loop_free(NULL);
}

static char order[8];

static void first(int status, void *user_data)
{
    CHECK_OK(status);
    strcat(order, user_data);
}

static void timers_come_in_their_order(void)
{
    en_loop_t *loop = loop_new();
    int64_t start = now_ms();
    int64_t timeout = 0;

    order[0] = '\0';
    CHECK_OK(en_loop_start_timer(loop, 60, 0, first, "c", NULL));
    CHECK_OK(en_loop_start_timer(loop, 0, 0, first, "a", NULL));
    CHECK_OK(en_loop_start_timer(loop, 30, 0, first, "b", NULL));
    CHECK_OK(en_loop_next_timeout(loop, &timeout));
    CHECK_INT(timeout, 0);
    CHECK_OK(en_loop_run(loop)); /* until no timer is left */
    CHECK_TEXT(order, "abc");
    CHECK_TOOK(start, 60);
    CHECK_CODE(en_loop_start_timer(loop, -1, 0, first, "", NULL), EN_EINVAL);
    CHECK_CODE(en_loop_start_timer(loop, 0, -1, first, "", NULL), EN_EINVAL);
    CHECK_CODE(en_loop_start_timer(loop, 0, 0, NULL, NULL, NULL), EN_EINVAL);
    en_loop_free(loop);
}

static void cancel_at_three(int status, void *user_data)
{
    record_t *record = user_data;

    note(status, user_data);
    if (record->count == 3)
        CHECK_OK(en_loop_cancel(record->loop, record->operation));
}

static void a_timer_repeats_until_cancelled(void)
{
    record_t record = {.loop = loop_new()};

    CHECK_OK(en_loop_start_timer(record.loop, 1, 5, cancel_at_three, &record, &record.operation));
    CHECK(record.operation != 0);
    CHECK_OK(en_loop_run(record.loop));
    CHECK_INT(record.count, 4);
    CHECK_OK(record.statuses[2]);
    CHECK_CODE(record.statuses[3], EN_ECANCELED);
    CHECK_OK(en_loop_cancel(record.loop, record.operation)); /* it has ended */
    CHECK_OK(en_loop_cancel(record.loop, 0));
    CHECK_OK(en_loop_cancel(record.loop, UINT64_MAX));
    CHECK_OK(en_loop_run(record.loop));
    CHECK_INT(record.count, 4);
    en_loop_free(record.loop);
}

static void dawdle(int status, void *user_data)
{
    record_t *record = user_data;

    note(status, user_data);
    if (record->count == 1)
        pause_ms(50);
}

static void what_a_timer_missed_is_not_made_up_for(void)
{
    record_t record = {.loop = loop_new()};

    CHECK_OK(en_loop_start_timer(record.loop, 0, 5, dawdle, &record, NULL));
    CHECK_OK(en_loop_run_once(record.loop, -1));
    CHECK_INT(record.count, 1);
    CHECK_OK(en_loop_run_once(record.loop, 0));
    CHECK_INT(record.count, 2);
    en_loop_free(record.loop);
}

/* Who would wait for less would come too early, and again and again. */
static void the_time_that_is_left_is_rounded_up(void)
{
    en_loop_t *loop = loop_new();
    record_t record = {.loop = loop};
    int64_t timeout = 0;

    for (int i = 0; i < 1000 && timeout != 60000;
         i++) { /* a busy machine may be slow, now and then */
        CHECK_OK(en_loop_start_timer(loop, 60000, 0, note, &record, &record.operation));
        CHECK_OK(en_loop_next_timeout(loop, &timeout));
        CHECK_OK(en_loop_cancel(loop, record.operation));
        CHECK_OK(en_loop_run_once(loop, 0));
    }
    CHECK_INT(timeout, 60000);
    CHECK_OK(en_loop_next_timeout(loop, &timeout));
    CHECK_INT(timeout, -1);
    CHECK_OK(en_loop_post(loop, note, &record));
    CHECK_OK(en_loop_next_timeout(loop, &timeout));
    CHECK_INT(timeout, 0);
    en_loop_free(loop);
}

static volatile sig_atomic_t alarms;

static void count_alarm(int signal)
{
    (void)signal;
    alarms++;
}

static void signals_are_no_failure(void)
{
    struct sigaction action = {.sa_handler = count_alarm};
    struct itimerval often = {{0, 5000}, {0, 5000}};
    struct itimerval never = {{0, 0}, {0, 0}};
    record_t record = {.loop = loop_new()};
    int64_t start = now_ms();

    REQUIRE(sigaction(SIGALRM, &action, NULL) == 0);
    REQUIRE(setitimer(ITIMER_REAL, &often, NULL) == 0);
    CHECK_OK(en_loop_start_timer(record.loop, 60, 0, note, &record, NULL));
    CHECK_OK(en_loop_run(record.loop));
    REQUIRE(setitimer(ITIMER_REAL, &never, NULL) == 0);
    CHECK_TOOK(start, 60);
    CHECK_INT(record.count, 1);
    CHECK(alarms > 0);
    en_loop_free(record.loop);
}

static void cancelling_before_its_time(void)
{
    record_t record = {.loop = loop_new()};
    int64_t start = now_ms();

    CHECK_OK(en_loop_start_timer(record.loop, 60000, 0, note, &record, &record.operation));
    CHECK_OK(en_loop_cancel(record.loop, record.operation));
    CHECK_INT(record.count, 0); /* never from inside the call */
    CHECK_OK(en_loop_run(record.loop));
    CHECK_TOOK(start, 0);
    CHECK_INT(record.count, 1);
    CHECK_CODE(record.statuses[0], EN_ECANCELED);
    en_loop_free(record.loop);
}

static void post_from_a_thread(void *arg)
{
    record_t *record = arg;

    for (int i = 0; i < 50; i++)
        CHECK_OK(en_loop_post(record->loop, note, record));
}

static void posts_wake_the_loop(void)
{
    record_t record = {.loop = loop_new(), .stop_after = 100};
    record_t timer = {0};
    thread_t threads[2];

    CHECK_OK(en_loop_start_timer(record.loop, 60000, 0, note, &timer, &timer.operation));
    for (int i = 0; i < 2; i++)
        thread_start(&threads[i], post_from_a_thread, &record);
    CHECK_OK(en_loop_run(record.loop)); /* until the last stops it */
    for (int i = 0; i < 2; i++)
        thread_join(&threads[i]);
    CHECK_INT(record.count, 100);
    CHECK_OK(record.statuses[0]);
    CHECK_CODE(en_loop_post(record.loop, NULL, NULL), EN_EINVAL);
    record.count = 0;
    CHECK_OK(en_loop_post(record.loop, note, &record));
    CHECK_OK(en_loop_cancel(record.loop, timer.operation));
    record.stop_after = 0;
    en_loop_free(record.loop); /* a timer and a post are pending */
    CHECK_INT(record.count, 1);
    CHECK_CODE(record.statuses[0], EN_ECANCELED);
    CHECK_INT(timer.count, 1);
    CHECK_CODE(timer.statuses[0], EN_ECANCELED);
}

/* How often this thread has gone to sleep. */
static long times_asleep(void)
{
    struct rusage usage;

    CHECK(getrusage(RUSAGE_THREAD, &usage) == 0);
    return usage.ru_nvcsw;
}

static void looking_before_it_sleeps(void)
{
    en_loop_t *loop = loop_new();
    int64_t start = now_ms();
    long before = times_asleep();
    thread_t thread;
    record_t record = {.loop = loop};

    CHECK_OK(en_loop_set_busy_poll(loop, 1000000));
    CHECK_OK(en_loop_run_once(loop, 60));
    CHECK_TOOK(start, 60);
    CHECK_INT(times_asleep() - before, 0);
    start = now_ms();
    CHECK_OK(en_loop_start_timer(loop, 60, 0, note, &record, NULL));
    CHECK_OK(en_loop_run(loop));
    CHECK_TOOK(start, 60);
    CHECK_INT(record.count, 1);
    start = now_ms();
    record.count = 0;
    thread_start(&thread, post_from_a_thread, &record);
    while (record.count < 50)
        CHECK_OK(en_loop_run_once(loop, -1));
    CHECK_TOOK(start, 0);
    thread_join(&thread);
    CHECK_OK(en_loop_run_once(loop, 0)); /* the last call to wake may come behind its post */
    CHECK_OK(en_loop_set_busy_poll(loop, 20000));
    start = now_ms();
    CHECK_OK(en_loop_run_once(loop, 60));
    CHECK_TOOK(start, 60);
    en_loop_free(loop);
}

static void stop_it(void *arg)
{
    CHECK_OK(en_loop_stop(arg));
}

static void stopped_from_a_thread(void)
{
    record_t record = {.loop = loop_new()};
    thread_t thread;

    CHECK_OK(en_loop_start_timer(record.loop, 60000, 0, note, &record, NULL));
    thread_start(&thread, stop_it, record.loop);
    CHECK_OK(en_loop_run(record.loop));
    thread_join(&thread);
    CHECK_INT(record.count, 0);
    en_loop_free(record.loop);
    CHECK_INT(record.count, 1);
    CHECK_CODE(record.statuses[0], EN_ECANCELED);
}

static void run_again(int status, void *user_data)
{
    record_t *record = user_data;

    CHECK_OK(status);
    CHECK_CODE(en_loop_run(record->loop), EN_EBUSY);
    CHECK_MESSAGE("running");
    CHECK_CODE(en_loop_run_once(record->loop, 0), EN_EBUSY);
    record->count++;
}

static void not_inside_itself(void)
{
    record_t record = {.loop = loop_new()};

    CHECK_OK(en_loop_start_timer(record.loop, 0, 0, run_again, &record, NULL));
    CHECK_OK(en_loop_run(record.loop));
    CHECK_INT(record.count, 1);
    en_loop_free(record.loop);
}

typedef struct {
    record_t record;
    en_async_udp_client_t *client;
} used_t;

/* What all threads may do, and that they are told of the rest. */
static void use_from_a_thread(void *arg)
{
    used_t *used = arg;
    en_loop_t *loop = used->record.loop;
    uint64_t operation = 0;

    CHECK_CODE(en_loop_start_timer(loop, 0, 0, note, &used->record, &operation), EN_EBUSY);
    CHECK_MESSAGE("another thread runs the loop");
    CHECK_MESSAGE("en_loop_post");
    CHECK_CODE(en_loop_run_once(loop, 0), EN_EBUSY);
    CHECK_CODE(en_loop_cancel(loop, 1), EN_EBUSY);
    CHECK_CODE(en_async_udp_client_send_packet(used->client, "x", 1, 0, NULL, NULL, &operation),
               EN_EBUSY);
    en_async_udp_client_free(used->client);
    en_loop_free(loop);
    CHECK_OK(en_loop_post(loop, note, &used->record));
    CHECK_OK(en_loop_stop(loop));
}

static void have_it_used(int status, void *user_data)
{
    thread_t thread;

    CHECK_OK(status);
    thread_start(&thread, use_from_a_thread, user_data);
    thread_join(&thread);
}

static void used_by_one_thread_at_a_time(void)
{
    en_datagram_protocol_t *protocol = NULL;
    used_t used = {.record = {.loop = loop_new()}};
    en_loop_t *loop = used.record.loop;

    REQUIRE_OK(en_datagram_protocol_new_raw(&protocol, 0));
    REQUIRE_OK(en_async_udp_client_new(&used.client, loop, "127.0.0.1", 9, protocol, NULL));
    en_datagram_protocol_free(protocol);
    CHECK_OK(en_loop_start_timer(loop, 0, 0, have_it_used, &used, NULL));
    CHECK_OK(en_loop_run(loop));
    CHECK_OK(en_loop_run_once(loop, 0));
    CHECK_INT(used.record.count, 1);
    CHECK_INT(en_async_udp_client_is_closing(used.client), 0); /* and it is still there */
    en_async_udp_client_free(used.client);
    en_loop_free(loop);
}

static void free_it(int status, void *user_data)
{
    record_t *record = user_data;

    note(status, user_data);
    en_loop_free(record->loop);
    record->loop = NULL;
}

static void freed_inside_a_callback(void)
{
    record_t record = {.loop = loop_new()};
    record_t other = {0};
    en_loop_t *loop = record.loop;

    CHECK_OK(en_loop_start_timer(loop, 0, 0, free_it, &record, NULL));
    CHECK_OK(en_loop_start_timer(loop, 60000, 0, note, &other, NULL));
    CHECK_OK(en_loop_run(loop));
    CHECK(record.loop == NULL);
    CHECK_OK(record.statuses[0]);
    CHECK_INT(other.count, 1);
    CHECK_CODE(other.statuses[0], EN_ECANCELED);
}

/* As another loop would: it watches the descriptor and knows nothing of timers. */
static void inside_another_loop(void)
{
    record_t record = {.loop = loop_new()};
    struct pollfd entry = {.events = POLLIN};
    int64_t start = now_ms();

    CHECK_OK(en_loop_start_timer(record.loop, 20, 20, note, &record, &record.operation));
    entry.fd = en_loop_fd(record.loop);
    REQUIRE(entry.fd >= 0);
    while (record.count < 3) {
        REQUIRE(poll(&entry, 1, 20000) == 1);
        CHECK_OK(en_loop_run_once(record.loop, 0));
    }
    CHECK_TOOK(start, 60);
    /* What is put off is told, too. */
    CHECK_OK(en_loop_cancel(record.loop, record.operation));
    REQUIRE(poll(&entry, 1, 20000) == 1);
    CHECK_OK(en_loop_run_once(record.loop, 0));
    CHECK_CODE(record.statuses[3], EN_ECANCELED);
    CHECK_OK(en_loop_post(record.loop, note, &record));
    REQUIRE(poll(&entry, 1, 20000) == 1);
    CHECK_OK(en_loop_run_once(record.loop, 0));
    CHECK_INT(record.count, 5);
    /* And then it is quiet. */
    CHECK_OK(en_loop_run_once(record.loop, 0));
    CHECK_INT(poll(&entry, 1, 0), 0);
    /* A timer that is set from outside shortens the wait. */
    CHECK_OK(en_loop_start_timer(record.loop, 10, 0, note, &record, NULL));
    REQUIRE(poll(&entry, 1, 20000) == 1);
    CHECK_OK(en_loop_run_once(record.loop, 0));
    CHECK_INT(record.count, 6);
    en_loop_free(record.loop);
}

static void a_stop_ends_one_run(void)
{
    record_t record = {.loop = loop_new()};

    CHECK_OK(en_loop_stop(record.loop));
    CHECK_OK(en_loop_run(record.loop)); /* with nothing to do, too */
    CHECK_OK(en_loop_start_timer(record.loop, 20, 0, note, &record, NULL));
    CHECK_OK(en_loop_run(record.loop));
    CHECK_INT(record.count, 1);
    CHECK_OK(en_loop_start_timer(record.loop, 20, 0, note, &record, NULL));
    CHECK_OK(en_loop_stop(record.loop));
    CHECK_OK(en_loop_run_once(record.loop, 0)); /* which is no run */
    CHECK_OK(en_loop_run(record.loop));
    CHECK_INT(record.count, 1);
    CHECK_OK(en_loop_run(record.loop));
    CHECK_INT(record.count, 2);
    en_loop_free(record.loop);
}

/* Whoever is called behind it hears that the loop is gone. */
static void all_that_follows_is_cancelled(void)
{
    for (int posted = 0; posted < 2; posted++) {
        record_t record = {.loop = loop_new()};

        for (int i = 0; i < 3; i++) {
            if (posted)
                CHECK_OK(en_loop_post(record.loop, i ? note : free_it, &record));
            else
                CHECK_OK(en_loop_start_timer(record.loop, 0, 0, i ? note : free_it, &record, NULL));
        }
        CHECK_OK(en_loop_run(record.loop));
        CHECK_INT(record.count, 3);
        CHECK_CODE(record.statuses[0], EN_OK);
        CHECK_CODE(record.statuses[1], EN_ECANCELED);
        CHECK_CODE(record.statuses[2], EN_ECANCELED);
    }
}

static void in_a_child_it_is_the_parents(void)
{
    record_t record = {.loop = loop_new()};
    int64_t timeout = 0;
    pid_t child;

    CHECK_OK(en_loop_start_timer(record.loop, 10, 0, note, &record, &record.operation));
    child = child_fork();
    if (child == 0) {
        bool refused = en_loop_run_once(record.loop, 0) == EN_EFORKED &&
                       en_loop_run(record.loop) == EN_EFORKED &&
                       en_loop_fd(record.loop) == EN_EFORKED &&
                       en_loop_post(record.loop, note, &record) == EN_EFORKED &&
                       en_loop_next_timeout(record.loop, &timeout) == EN_EFORKED &&
                       en_loop_cancel(record.loop, record.operation) == EN_EFORKED &&
                       en_loop_stop(record.loop) == EN_EFORKED;

        en_loop_free(record.loop);
        _exit(refused && record.count == 0 ? 0 : 1);
    }
    CHECK(child_succeeds(child));
    CHECK_OK(en_loop_run(record.loop));
    CHECK_INT(record.count, 1);
    en_loop_free(record.loop);
}

static const test_case_t cases[] = {
    CASE(nothing_to_do),
    CASE(timers_come_in_their_order),
    CASE(a_timer_repeats_until_cancelled),
    CASE(what_a_timer_missed_is_not_made_up_for),
    CASE(the_time_that_is_left_is_rounded_up),
    CASE(signals_are_no_failure),
    CASE(cancelling_before_its_time),
    CASE(posts_wake_the_loop),
    CASE(looking_before_it_sleeps),
    CASE(stopped_from_a_thread),
    CASE(not_inside_itself),
    CASE(used_by_one_thread_at_a_time),
    CASE(freed_inside_a_callback),
    CASE(inside_another_loop),
    CASE(a_stop_ends_one_run),
    CASE(all_that_follows_is_cancelled),
    CASE(in_a_child_it_is_the_parents),
};

TEST_MAIN("loop")
