#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define WATCHDOG_S 120
#define MOST_DESCRIPTORS 16384

const char *harness_driver;

static atomic_int failures;
static const char *current = "";
static jmp_buf way_out;
static pthread_t main_thread;
static pid_t main_process;

int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void pause_ms(int ms)
{
    struct timespec left = {ms / 1000, (ms % 1000) * 1000000L};

    while (nanosleep(&left, &left) < 0 && errno == EINTR)
        ;
}

static void fail_at(const char *file, int line)
{
    atomic_fetch_add(&failures, 1);
    fprintf(stderr, "%s:%d: in %s: ", file, line, current);
}

bool harness_check(const char *file, int line, const char *expression, bool holds)
{
    if (holds)
        return true;
    fail_at(file, line);
    fprintf(stderr, "%s does not hold (last error: %s)\n", expression, en_last_error_message());
    return false;
}

bool harness_check_code(const char *file, int line, const char *call, int got, int want)
{
    if (got == want)
        return true;
    fail_at(file, line);
    fprintf(stderr, "%s is %s (%d), not %s (%d): %s\n", call, en_error_name(got), got,
            en_error_name(want), want, en_last_error_message());
    return false;
}

bool harness_check_int(const char *file, int line, const char *what, long long got, long long want)
{
    if (got == want)
        return true;
    fail_at(file, line);
    fprintf(stderr, "%s is %lld, not %lld (last error: %s)\n", what, got, want,
            en_last_error_message());
    return false;
}

bool harness_check_has(const char *file, int line, const char *text, const char *part)
{
    if (strstr(text, part))
        return true;
    fail_at(file, line);
    fprintf(stderr, "\"%s\" is not in \"%s\"\n", part, text);
    return false;
}

static void print_bytes(const unsigned char *data, size_t size)
{
    fprintf(stderr, "%zu bytes \"", size);
    for (size_t i = 0; i < size && i < 60; i++) {
        if (data[i] >= ' ' && data[i] < 127)
            fputc(data[i], stderr);
        else
            fprintf(stderr, "\\x%02x", data[i]);
    }
    fputs(size > 60 ? "...\"" : "\"", stderr);
}

bool harness_check_bytes(const char *file, int line, const void *got, size_t got_size,
                         const void *want, size_t want_size)
{
    if (got_size == want_size && (want_size == 0 || memcmp(got, want, want_size) == 0))
        return true;
    fail_at(file, line);
    print_bytes(got, got_size);
    fputs(" are not ", stderr);
    print_bytes(want, want_size);
    fputc('\n', stderr);
    return false;
}

bool harness_check_took(const char *file, int line, int64_t start, int64_t ms)
{
    int64_t took = now_ms() - start;

    if (took >= ms - 2 && took <= ms + SLACK_MS)
        return true;
    fail_at(file, line);
    fprintf(stderr, "it took %lld ms, not %lld\n", (long long)took, (long long)ms);
    return false;
}

void harness_give_up(void)
{
    if (getpid() != main_process)
        _exit(1); /* a forked child has no other cases to run */
    if (pthread_equal(pthread_self(), main_thread))
        longjmp(way_out, 1);
    exit(1); /* the case cannot go on without its thread */
}

bool check_recv(const char *file, int line, en_tcp_client_t *client, const void *data, size_t size)
{
    en_packet_t packet = {0};
    bool good = harness_check_code(file, line, "receiving",
                                   en_tcp_client_recv_packet(client, 20000, &packet), EN_OK);

    good = good && harness_check_bytes(file, line, packet.data, packet.size, data, size);
    en_packet_release(&packet);
    return good;
}

bool check_recv_fails(const char *file, int line, en_tcp_client_t *client, int64_t timeout_ms,
                      int code)
{
    static const uint8_t mark = 0;
    en_packet_t packet = {&mark, 77, NULL};
    int got = en_tcp_client_recv_packet(client, timeout_ms, &packet);

    if (!harness_check_code(file, line, "receiving", got, code)) {
        if (got == EN_OK)
            en_packet_release(&packet);
        return false;
    }
    return harness_check(file, line, "the output is untouched",
                         packet.data == &mark && packet.size == 77);
}

/* Marks the descriptors that are open. */
static void list_descriptors(bool *open)
{
    DIR *directory = opendir("/proc/self/fd");
    struct dirent *entry;

    memset(open, 0, MOST_DESCRIPTORS * sizeof(bool));
    if (!directory)
        return;
    while ((entry = readdir(directory))) {
        int fd = atoi(entry->d_name);

        if (entry->d_name[0] != '.' && fd != dirfd(directory) && fd < MOST_DESCRIPTORS)
            open[fd] = true;
    }
    closedir(directory);
}

static int leaked_descriptor(const bool *before)
{
    bool after[MOST_DESCRIPTORS];

    list_descriptors(after);
    for (int fd = 0; fd < MOST_DESCRIPTORS; fd++) {
        if (after[fd] && !before[fd])
            return fd;
    }
    return -1;
}

static void check_descriptors(const bool *before)
{
    int64_t start = now_ms();
    char path[64];
    char target[256] = "";
    int fd;

    while ((fd = leaked_descriptor(before)) >= 0 && now_ms() - start < 3000)
        pause_ms(5);
    if (fd < 0)
        return;
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    if (readlink(path, target, sizeof(target) - 1) < 0)
        target[0] = '\0';
    fail_at(__FILE__, __LINE__);
    fprintf(stderr, "descriptor %d (%s) was left open\n", fd, target);
}

static void on_alarm(int number)
{
    static const char text[] = ": the watchdog ends a case that hangs\n";
    ssize_t ignored;

    (void)number;
    ignored = write(2, current, strlen(current));
    ignored = write(2, text, sizeof(text) - 1);
    (void)ignored;
    _exit(3);
}

static bool run_case(const test_case_t *test)
{
    static bool before[MOST_DESCRIPTORS];
    static int failures_before;
    static int64_t start;

    failures_before = atomic_load(&failures);
    start = now_ms();
    current = test->name;
    list_descriptors(before);
    alarm(WATCHDOG_S);
    if (setjmp(way_out) == 0) {
        test->run();
        check_descriptors(before);
    }
    alarm(0);
    printf("%s %s (%lld ms)\n", failures_before == atomic_load(&failures) ? "ok  " : "FAIL",
           test->name, (long long)(now_ms() - start));
    fflush(stdout);
    return failures_before == atomic_load(&failures);
}

int harness_run(const char *suite, const test_case_t *cases, size_t count, int argc, char **argv)
{
    struct sigaction watchdog = {.sa_handler = on_alarm};
    size_t ran = 0;
    size_t failed = 0;
    size_t blocking = 0;

    main_thread = pthread_self();
    main_process = getpid();
    sigaction(SIGALRM, &watchdog, NULL);
    for (size_t i = 0; i < count; i++) {
        if (argc > 1 && strncmp(cases[i].name, argv[1], strlen(argv[1])) != 0)
            continue;
        if (harness_driver && cases[i].is_blocking) {
            printf("---- %s (of calls that block)\n", cases[i].name);
            blocking++;
            continue;
        }
        ran++;
        failed += !run_case(&cases[i]);
    }
    printf("%s: %zu of %zu cases passed, %d failed checks\n", suite, ran - failed, ran,
           atomic_load(&failures));
    if (harness_driver)
        printf("clients were driven by an %s loop; %zu cases are of calls that block\n",
               harness_driver, blocking);
    return failed > 0 || ran == 0;
}
