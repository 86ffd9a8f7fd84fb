/* The blocking functions of all clients, made of the asynchronous ones: a program that is linked
 * with them tests clients on a loop, with the cases that are there for clients that block. Each
 * client has a loop and a thread that runs it: by itself, or, if EASYNET_TEST_LOOP is "embedded",
 * the way a loop of another make would. */
#ifndef DRIVER_H
#define DRIVER_H

#include <easynet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* A loop, its thread, and the client on it. One thread at a time is inside. */
typedef struct {
    en_loop_t *loop;
    en_async_client_t *view; /* NULL when the client is gone */
    int fd;                  /* the loop's, if it is embedded */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t news;  /* an operation is over, or somebody has left */
    unsigned told;        /* how often there were news */
    int waiters;          /* how many wait for some */
    pthread_cond_t quiet; /* nobody wants to come in */
    atomic_int wanted;    /* how many want to come in: the loop lets them, before it waits again */
    atomic_int inside;    /* how many calls have begun, and not left */
    bool is_ended;
    atomic_int holds;  /* the client's, and those of its iterators */
    int calls;         /* how many wait for an operation */
    int sends;         /* how many of these send */
    int receives;      /* and receive a packet */
    bool is_iterating; /* an iterator receives: other receives wait for their turn */
} driver_t;

/* What each client begins with. */
struct en_client_t {
    driver_t *driver;
};

/* An operation under way. */
typedef struct {
    driver_t *driver;
    bool is_over;
    int status;
    char message[2048];
    size_t count;
    en_packet_t packet;
} driven_t;

int driver_new(driver_t **out);
/* Closes the client and waits until nobody is inside; what then remains is to free it. */
void driver_wind_up(driver_t *driver);
/* The client is gone, and so is the loop. */
void driver_end(driver_t *driver);
void driver_release(driver_t *driver);

/* What `en_last_error_message` tells this thread. */
void driver_keep_message(const char *message);

/* Callbacks for operations; `user_data` is a driven_t. */
void driven_done(int status, void *user_data);
void driven_sent(int status, size_t count, void *user_data);
void driven_received(int status, en_packet_t *packet, void *user_data);

void driver_enter(driver_t *driver);
/* What a call has answered that waits for nothing. */
int driver_leave(driver_t *driver, int code);
/* Waits until an operation is over that `code` has begun, and answers how it ended. */
int driver_wait(driver_t *driver, driven_t *operation, int code);
int driver_wait_sent(driver_t *driver, driven_t *operation, int code);
/* Receives queue here, as iterators and others cannot be under way at once on a loop. */
void driver_enter_to_receive(driver_t *driver);
int driver_wait_received(driver_t *driver, driven_t *operation, int code, en_packet_t *packet);

int driver_receive(driver_t *driver, int64_t timeout_ms, en_packet_t *packet);
int driver_receive_several(driver_t *driver, en_packet_t *packets, size_t capacity,
                           int64_t timeout_ms, size_t *count);
int driver_iterate(en_packet_iter_t **out, driver_t *driver, int64_t timeout_ms);
int driver_close(driver_t *driver, bool is_abrupt);
/* Clients on a loop do not have it: a case that needs it is one of calls that block. */
int driver_lacks(const char *function);

/* Calls on a loop that wait for nothing, and those that begin an operation. */
#define NOW(driver, call) (driver_enter(driver), driver_leave((driver), (call)))
#define WAIT(driver, operation, call)                                                              \
    (driver_enter(driver), driver_wait((driver), (operation), (call)))
#define WAIT_RECEIVED(driver, operation, call, packet)                                             \
    (driver_enter_to_receive(driver), driver_wait_received((driver), (operation), (call), (packet)))
#define WAIT_SENT(driver, operation, call)                                                         \
    (driver_enter(driver), driver_wait_sent((driver), (operation), (call)))

#endif
