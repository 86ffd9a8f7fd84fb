/* Does one piece of work for a while, and prints what it took as a line of JSON:
 * CONTENDER WORK ADDRESS MILLISECONDS [CONNECTIONS] */
#include "bench.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MAX_SAMPLES ((size_t)1 << 21)
/* Packets for each of many connections: the first ones take what a connection takes but once. */
#define WARM 2
#define MEASURED 4

size_t connections = 1;
const uint8_t payload[LARGE] = {'e', 'a', 's', 'y'};

static uint32_t samples[MAX_SAMPLES];
static const struct work *current;

struct moment {
    uint64_t wall_ns, cpu_ns, calls, bytes;
};

void consume(const uint8_t *data, size_t size)
{
    if (size != current->packet_size || data[0] != payload[0])
        fail(current->name, "another packet has come than was sent");
}

const char *certificate(const char *name)
{
    static char path[PATH_MAX];
    const char *folder = getenv("CERTIFICATES");
    snprintf(path, sizeof path, "%s/%s.pem", folder ? folder : ".", name);
    return path;
}

void fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    exit(1);
}

void fail_errno(const char *what)
{
    fail(what, strerror(errno));
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t micros(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

static uint64_t bytes_in_use(void)
{
    struct mallinfo2 memory = mallinfo2();
    return memory.uordblks + memory.hblkhd;
}

static struct moment look(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (struct moment){
        .wall_ns = now_ns(),
        .cpu_ns = (micros(usage.ru_utime) + micros(usage.ru_stime)) * 1000,
        .calls = socket_calls(),
        .bytes = bytes_in_use(),
    };
}

static const struct work *find(const char *name)
{
    for (const struct work *work = works; work->name; work++)
        if (!strcmp(work->name, name))
            return work;
    fail(name, "there is no such work");
}

/* The number of packets that were done, at least so many, and of times that were taken. */
static uint64_t work_until(const struct work *work, uint64_t end_ns, uint64_t least,
                           size_t *sampled)
{
    uint64_t packets = 0, before = now_ns();
    *sampled = 0;
    while (before < end_ns || packets < least) {
        packets += work->step(work);
        uint64_t after = now_ns();
        if (work->packets == 1 && *sampled < MAX_SAMPLES)
            samples[(*sampled)++] = (uint32_t)(after - before);
        before = after;
    }
    return packets;
}

static int compare(const void *one, const void *other)
{
    uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;
    return (a > b) - (a < b);
}

static void print_percentiles(size_t count)
{
    qsort(samples, count, sizeof *samples, compare);
    printf(", \"p50_ns\": %" PRIu32 ", \"p99_ns\": %" PRIu32, samples[count / 2],
           samples[count * 99 / 100]);
}

int main(int argc, char **argv)
{
    if (argc != 4 && argc != 5)
        fail(argv[0], "arguments are WORK ADDRESS MILLISECONDS [CONNECTIONS]");
    if (argc == 5)
        connections = strtoul(argv[4], NULL, 10);
    const struct work *work = current = find(argv[1]);
    uint64_t duration_ns = strtoull(argv[3], NULL, 10) * 1000000;
    alarm((unsigned)(duration_ns / 1000000000 + 20));
    uint64_t bytes = bytes_in_use();
    work->open(argv[2]);

    size_t sampled;
    memset(samples, 1, sizeof samples);
    uint64_t before = work_until(work, now_ns() + duration_ns / 8, WARM * connections, &sampled);
    struct moment begin = look();
    uint64_t packets =
        work_until(work, begin.wall_ns + duration_ns, MEASURED * connections, &sampled);
    struct moment end = look();

    printf("{\"packets\": %" PRIu64 ", \"all_packets\": %" PRIu64 ", \"wall_ns\": %" PRIu64
           ", \"cpu_ns\": %" PRIu64 ", \"calls\": %" PRIu64 ", \"bytes\": %" PRId64
           ", \"open_bytes\": %" PRId64,
           packets, before + packets, end.wall_ns - begin.wall_ns, end.cpu_ns - begin.cpu_ns,
           end.calls - begin.calls, (int64_t)(end.bytes - begin.bytes),
           (int64_t)(begin.bytes - bytes));
    if (sampled)
        print_percentiles(sampled);
    printf("}\n");
    return 0;
}
