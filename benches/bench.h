/* What every contender has in common: a piece of work is done in steps, and measured from outside.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define BENCH_NORETURN [[noreturn]]
extern "C" {
#else
#define BENCH_NORETURN _Noreturn
#endif

#define SMALL ((size_t)64)
#define LARGE ((size_t)65536)
/* With its header it fills a record of TLS. */
#define RECORD ((size_t)16380)
#define HEADER ((size_t)4)
#define BATCH ((size_t)64)
#define LARGE_BATCH ((size_t)4)
/* Packets in the queues of libraries that have queues; of large ones fewer, or they would not fill.
 */
#define QUEUE 1000
#define LARGE_QUEUE 16
#define BUFFER ((size_t)65536)
/* Packets between two looks at the clock. */
#define SMALL_STEP 1024
#define RECORD_STEP 64
#define LARGE_STEP 16
#define TIMEOUT_MS 5000
#define BUSY_US 50

struct work {
    const char *name;
    /* The address is as the server prints it. */
    void (*open)(const char *address);
    size_t packet_size;
    /* About so many packets are one step; 1: each step is timed by itself. */
    size_t packets;
    /* Does a step, and says how many packets it was. */
    size_t (*step)(const struct work *work);
};

/* What each contender defines. Works end with one without a name. */
extern const struct work works[];
/* System calls on the socket so far. */
uint64_t socket_calls(void);

/* How many connections the work is on. */
extern size_t connections;

/* The packet to send, up to LARGE bytes; those that come begin with the same byte. */
extern const uint8_t payload[];

/* Looks at a received packet as little as an application may, and ends the program if it is not the
 * one that was to come. */
void consume(const uint8_t *data, size_t size);

/* A certificate in the folder that CERTIFICATES names. */
const char *certificate(const char *name);

/* Ends the program. */
BENCH_NORETURN void fail(const char *what, const char *why);
/* Ends the program, with what errno says. */
BENCH_NORETURN void fail_errno(const char *what);

#ifdef __cplusplus
}
#endif

#endif
