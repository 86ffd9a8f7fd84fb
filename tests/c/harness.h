/* A small test harness: checks that explain themselves, cases with a watchdog and a descriptor
 * count, and clocks. */
#ifndef HARNESS_H
#define HARNESS_H

#include <easynet.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *name;
    void (*run)(void);
    bool is_blocking; /* it is about calls that block, so it runs with these only */
} test_case_t;

#define CASE(function)                                                                             \
    {                                                                                              \
#function, function, false                                                                 \
    }
#define CASE_BLOCKING(function)                                                                    \
    {                                                                                              \
#function, function, true                                                                  \
    }

/* What drives the clients: NULL if they block, else how their loop is run (see driven/). */
extern const char *harness_driver;

/* Runs the cases whose names begin with argv[1], or all; the exit status of the program. */
int harness_run(const char *suite, const test_case_t *cases, size_t count, int argc, char **argv);

#define TEST_MAIN(suite)                                                                           \
    int main(int argc, char **argv)                                                                \
    {                                                                                              \
        return harness_run(suite, cases, sizeof(cases) / sizeof(cases[0]), argc, argv);            \
    }

/* How much later than it should something may end on a busy machine, in milliseconds. */
#define SLACK_MS 1500

/* A failed CHECK is counted and the case goes on; a failed REQUIRE ends the case. */
#define CHECK(condition) harness_check(__FILE__, __LINE__, #condition, (condition))
#define CHECK_CODE(call, code) harness_check_code(__FILE__, __LINE__, #call, (call), (code))
#define CHECK_OK(call) CHECK_CODE(call, EN_OK)
#define CHECK_INT(got, want)                                                                       \
    harness_check_int(__FILE__, __LINE__, #got, (long long)(got), (long long)(want))
#define CHECK_HAS(text, part) harness_check_has(__FILE__, __LINE__, (text), (part))
#define CHECK_MESSAGE(part) CHECK_HAS(en_last_error_message(), part)
#define CHECK_BYTES(data, size, want, want_size)                                                   \
    harness_check_bytes(__FILE__, __LINE__, (data), (size), (want), (want_size))
#define CHECK_TEXT(got, want) CHECK_BYTES(got, strlen(got), want, strlen(want))
/* The time since `start` is `ms`, give or take what a clock and a busy machine do. */
#define CHECK_TOOK(start, ms) harness_check_took(__FILE__, __LINE__, (start), (ms))
#define REQUIRE(condition) (CHECK(condition) ? (void)0 : harness_give_up())
#define REQUIRE_OK(call) (CHECK_OK(call) ? (void)0 : harness_give_up())

bool harness_check(const char *file, int line, const char *expression, bool holds);
bool harness_check_code(const char *file, int line, const char *call, int got, int want);
bool harness_check_int(const char *file, int line, const char *what, long long got, long long want);
bool harness_check_has(const char *file, int line, const char *text, const char *part);
bool harness_check_bytes(const char *file, int line, const void *got, size_t got_size,
                         const void *want, size_t want_size);
bool harness_check_took(const char *file, int line, int64_t start, int64_t ms);
void harness_give_up(void);

/* Milliseconds of a clock that only goes forward. */
int64_t now_ms(void);
/* Lets a little time pass between two looks at a condition, or as the behaviour of a peer. */
void pause_ms(int ms);

/* Waits until the condition holds; the watchdog ends the program if it never does. */
#define WAIT_FOR(condition)                                                                        \
    do {                                                                                           \
        while (!(condition))                                                                       \
            pause_ms(1);                                                                           \
    } while (0)

/* Receives one packet, which must be these bytes. */
#define CHECK_RECV(client, text) check_recv(__FILE__, __LINE__, (client), (text), strlen(text))
#define CHECK_RECV_BYTES(client, data, size)                                                       \
    check_recv(__FILE__, __LINE__, (client), (data), (size))
/* A receive that must fail so within the time, and leave its output alone. */
#define CHECK_RECV_FAILS(client, timeout_ms, code)                                                 \
    check_recv_fails(__FILE__, __LINE__, (client), (timeout_ms), (code))

bool check_recv(const char *file, int line, en_tcp_client_t *client, const void *data, size_t size);
bool check_recv_fails(const char *file, int line, en_tcp_client_t *client, int64_t timeout_ms,
                      int code);

#endif
