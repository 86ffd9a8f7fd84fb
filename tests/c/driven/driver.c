#include "driver.h"

#include "../harness.h"

#include <dlfcn.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- What went wrong ---- */

/* The loop's thread learns it; the thread that waits is to read it. */
static _Thread_local struct {
    char message[2048];
    char before[2048]; /* what this thread had been told by the library itself */
} last;

static const char *own_message(void)
{
    static const char *(*function)(void);

    if (!function) {
        void *found = dlsym(RTLD_NEXT, "en_last_error_message");

        memcpy(&function, &found, sizeof(found));
    }
    return function();
}

void driver_keep_message(const char *message)
{
    snprintf(last.message, sizeof(last.message), "%s", message);
    snprintf(last.before, sizeof(last.before), "%s", own_message());
}

/* In place of the library's. */
const char *en_last_error_message(void)
{
    const char *own = own_message();

    return last.message[0] && strcmp(own, last.before) == 0 ? last.message : own;
}

/* ---- The thread of a loop ---- */

__attribute__((constructor)) static void choose(void)
{
    const char *way = getenv("EASYNET_TEST_LOOP");

    harness_driver = way && strcmp(way, "embedded") == 0 ? "embedded" : "asynchronous";
}

static bool is_embedded(void)
{
    return strcmp(harness_driver, "embedded") == 0;
}

/* As another loop does it: it watches the descriptor, and knows of nothing else. */
static void wait_as_others_do(driver_t *driver)
{
    struct pollfd ready = {.fd = driver->fd, .events = POLLIN};

    pthread_mutex_unlock(&driver->lock);
    poll(&ready, 1, -1);
    pthread_mutex_lock(&driver->lock);
}

static void *run(void *arg)
{
    driver_t *driver = arg;

    pthread_mutex_lock(&driver->lock);
    while (!driver->is_ended) {
        if (is_embedded())
            wait_as_others_do(driver);
        CHECK_OK(en_loop_run_once(driver->loop, is_embedded() ? 0 : -1));
        while (atomic_load(&driver->wanted) > 0)
            pthread_cond_wait(&driver->quiet, &driver->lock);
    }
    pthread_mutex_unlock(&driver->lock);
    return NULL;
}

static bool is_inside(const driver_t *driver)
{
    return pthread_equal(pthread_self(), driver->thread);
}

static void woken(int status, void *user_data)
{
    (void)status;
    (void)user_data;
}

int driver_new(driver_t **out)
{
    driver_t *driver = calloc(1, sizeof(*driver));
    pthread_mutexattr_t recursive;

    REQUIRE(driver);
    REQUIRE_OK(en_loop_new(&driver->loop));
    driver->fd = is_embedded() ? en_loop_fd(driver->loop) : -1;
    driver->holds = 1;
    pthread_mutexattr_init(&recursive);
    pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&driver->lock, &recursive);
    pthread_mutexattr_destroy(&recursive);
    pthread_cond_init(&driver->news, NULL);
    pthread_cond_init(&driver->quiet, NULL);
    pthread_mutex_lock(&driver->lock);
    REQUIRE(pthread_create(&driver->thread, NULL, run, driver) == 0);
    pthread_mutex_unlock(&driver->lock);
    *out = driver;
    return EN_OK;
}

/* One less wants to. */
static void come_in(driver_t *driver)
{
    if (atomic_fetch_sub(&driver->wanted, 1) == 1)
        pthread_cond_signal(&driver->quiet);
}

void driver_enter(driver_t *driver)
{
    if (!driver)
        return;
    atomic_fetch_add(&driver->wanted, 1);
    if (!is_inside(driver) && !driver->is_ended && !is_embedded())
        en_loop_post(driver->loop, woken, NULL);
    pthread_mutex_lock(&driver->lock);
    come_in(driver);
}

static void wait_for_news(driver_t *driver)
{
    unsigned told = driver->told;

    driver->waiters++;
    while (driver->told == told)
        pthread_cond_wait(&driver->news, &driver->lock);
    come_in(driver);
}

static void tell(driver_t *driver)
{
    driver->told++;
    atomic_fetch_add(&driver->wanted, driver->waiters);
    driver->waiters = 0;
    pthread_cond_broadcast(&driver->news);
}

int driver_leave(driver_t *driver, int code)
{
    if (driver)
        pthread_mutex_unlock(&driver->lock);
    return code;
}

int driver_wait(driver_t *driver, driven_t *operation, int code)
{
    if (code < 0 || !driver) {
        last.message[0] = '\0'; /* the library has told this thread itself */
        if (driver)
            tell(driver); /* one who has waited for its turn is not inside any more */
        return driver_leave(driver, code);
    }
    if (is_inside(driver)) {
        fprintf(stderr, "a callback waits for its own loop\n");
        abort();
    }
    operation->driver = driver;
    driver->calls++;
    while (!operation->is_over)
        wait_for_news(driver);
    driver->calls--;
    tell(driver);
    if (operation->status < 0)
        driver_keep_message(operation->message);
    pthread_mutex_unlock(&driver->lock);
    return operation->status;
}

int driver_wait_sent(driver_t *driver, driven_t *operation, int code)
{
    bool is_under_way = driver && code >= 0;
    int status;

    if (is_under_way) {
        driver->sends++;
        driver->calls++; /* until it has let go of the driver */
    }
    status = driver_wait(driver, operation, code);
    if (is_under_way) {
        driver_enter(driver);
        driver->sends--;
        driver->calls--;
        tell(driver);
        driver_leave(driver, EN_OK);
    }
    return status;
}

/* Who waits for a turn is inside. */
static void wait_for_turn(driver_t *driver)
{
    driver->calls++;
    wait_for_news(driver);
    driver->calls--;
}

void driver_enter_to_receive(driver_t *driver)
{
    driver_enter(driver);
    while (driver && driver->is_iterating)
        wait_for_turn(driver);
}

int driver_wait_received(driver_t *driver, driven_t *operation, int code, en_packet_t *packet)
{
    bool is_under_way = driver && code >= 0;

    if (is_under_way) {
        driver->receives++;
        driver->calls++;
    }
    code = driver_wait(driver, operation, code);
    if (is_under_way) {
        driver_enter(driver);
        driver->receives--;
        driver->calls--;
        tell(driver);
        driver_leave(driver, EN_OK);
    }
    if (code == EN_OK)
        *packet = operation->packet;
    return code;
}

/* ---- Callbacks ---- */

void driven_done(int status, void *user_data)
{
    driven_t *operation = user_data;

    operation->is_over = true;
    operation->status = status;
    if (status < 0)
        snprintf(operation->message, sizeof(operation->message), "%s", own_message());
    /* It may be over before the one who has begun it waits. */
    if (operation->driver)
        tell(operation->driver);
}

void driven_sent(int status, size_t count, void *user_data)
{
    ((driven_t *)user_data)->count = count;
    driven_done(status, user_data);
}

void driven_received(int status, en_packet_t *packet, void *user_data)
{
    if (packet)
        ((driven_t *)user_data)->packet = *packet;
    driven_done(status, user_data);
}

static int driven_next(int status, en_packet_t *packet, void *user_data)
{
    driven_received(status, packet, user_data);
    return EN_RECEIVE_STOP;
}

/* ---- What all clients have ---- */

int driver_receive(driver_t *driver, int64_t timeout_ms, en_packet_t *packet)
{
    driven_t operation = {.driver = driver};

    return WAIT_RECEIVED(driver, &operation,
                         en_async_client_recv_packet(driver ? driver->view : NULL, timeout_ms,
                                                     driven_received, &operation, NULL),
                         packet);
}

int driver_receive_several(driver_t *driver, en_packet_t *packets, size_t capacity,
                           int64_t timeout_ms, size_t *count)
{
    int code = driver_receive(driver, timeout_ms, &packets[0]);

    *count = code == EN_OK;
    while (code == EN_OK && *count < capacity &&
           driver_receive(driver, 0, &packets[*count]) == EN_OK)
        ++*count;
    return code;
}

/* It is closed gracefully unless somebody is stuck: who closes a client that blocks waits for
 * nobody.
 */
int driver_close(driver_t *driver, bool is_abrupt)
{
    driven_t operation = {.driver = driver};
    int64_t timeout_ms;
    int code;

    driver_enter(driver);
    timeout_ms = is_abrupt || driver->sends > 0 ? 0 : EN_TIMEOUT_INFINITE;
    code =
        driver_wait(driver, &operation,
                    en_async_client_close(driver->view, timeout_ms, driven_done, &operation, NULL));
    return code == EN_ETIMEDOUT ? EN_OK : code;
}

void driver_wind_up(driver_t *driver)
{
    driver_close(driver, false);
    driver_enter(driver);
    while (driver->calls > 0)
        wait_for_news(driver);
    driver->view = NULL;
    tell(driver);
}

void driver_end(driver_t *driver)
{
    driver->is_ended = true;
    en_loop_post(driver->loop, woken, NULL);
    pthread_mutex_unlock(&driver->lock);
    pthread_join(driver->thread, NULL);
    en_loop_free(driver->loop);
    driver_release(driver);
}

void driver_release(driver_t *driver)
{
    bool is_last;

    driver_enter(driver);
    is_last = --driver->holds == 0;
    driver_leave(driver, EN_OK);
    if (is_last) {
        pthread_mutex_destroy(&driver->lock);
        pthread_cond_destroy(&driver->news);
        pthread_cond_destroy(&driver->quiet);
        free(driver);
    }
}

int driver_lacks(const char *function)
{
    fprintf(stderr, "%s has no twin on a loop\n", function);
    return EN_EOPNOTSUPP;
}

/* ---- The view of all clients ---- */

#define DRIVER(client) ((client) ? (client)->driver : NULL)
#define VIEW(client) ((client) ? (client)->driver->view : NULL)

int en_client_send_packet(en_client_t *client, const void *data, size_t size, int64_t timeout_ms)
{
    driven_t operation = {.driver = DRIVER(client)};

    return WAIT_SENT(DRIVER(client), &operation,
                     en_async_client_send_packet(VIEW(client), data, size, timeout_ms, driven_done,
                                                 &operation, NULL));
}

int en_client_recv_packet(en_client_t *client, int64_t timeout_ms, en_packet_t *packet)
{
    return driver_receive(DRIVER(client), timeout_ms, packet);
}

int en_client_iter_received_packets(en_packet_iter_t **out, en_client_t *client, int64_t timeout_ms)
{
    return driver_iterate(out, DRIVER(client), timeout_ms);
}

int en_client_close(en_client_t *client)
{
    return driver_close(DRIVER(client), false);
}

int en_client_is_closed(const en_client_t *client)
{
    return NOW(DRIVER(client), en_async_client_is_closing(VIEW(client)));
}

int en_client_fileno(const en_client_t *client)
{
    return NOW(DRIVER(client), en_async_client_fileno(VIEW(client)));
}

/* ---- Iterators ---- */

struct en_packet_iter_t {
    driver_t *driver;
    int64_t left_ms; /* of its budget; negative: without an end */
};

int driver_iterate(en_packet_iter_t **out, driver_t *driver, int64_t timeout_ms)
{
    en_packet_iter_t *iter;

    if (!driver || !out)
        return en_async_client_iter_received_packets(NULL, timeout_ms, driven_next, NULL, NULL);
    iter = calloc(1, sizeof(*iter));
    REQUIRE(iter);
    driver_enter(driver);
    driver->holds++;
    *iter = (en_packet_iter_t){driver, timeout_ms};
    *out = iter;
    return driver_leave(driver, EN_OK);
}

/* Nobody else receives while it does. */
static bool begin_iterating(driver_t *driver)
{
    driver_enter(driver);
    while (driver->view && (driver->is_iterating || driver->receives > 0))
        wait_for_turn(driver);
    driver->is_iterating = driver->view != NULL;
    return driver->is_iterating;
}

static void end_iterating(driver_t *driver)
{
    driver_enter(driver);
    driver->is_iterating = false;
    tell(driver);
    driver_leave(driver, EN_OK);
}

/* One packet is enough each time: the budget that is left goes to the next. */
int en_packet_iter_next(en_packet_iter_t *iter, en_packet_t *packet)
{
    driver_t *driver = iter ? iter->driver : NULL;
    driven_t operation = {.driver = driver};
    int64_t start;
    int code;

    if (!iter)
        return EN_EINVAL;
    if (!begin_iterating(driver))
        return driver_leave(driver, EN_ECLOSED);
    start = now_ms();
    code = driver_wait(driver, &operation,
                       en_async_client_iter_received_packets(driver->view, iter->left_ms,
                                                             driven_next, &operation, NULL));
    end_iterating(driver);
    if (iter->left_ms >= 0) {
        iter->left_ms -= now_ms() - start;
        if (iter->left_ms < 0)
            iter->left_ms = 0;
    }
    if (code == EN_OK)
        *packet = operation.packet;
    return code;
}

void en_packet_iter_free(en_packet_iter_t *iter)
{
    if (iter)
        driver_release(iter->driver);
    free(iter);
}
