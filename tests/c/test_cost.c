/* What work costs: allocations and system calls of received streams, threads. The program's own
 * malloc counts and hands on to the system's; a tool that replaces malloc would count nothing, so
 * this program runs without. */
#include "wire.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

static _Thread_local bool counting;
static _Thread_local size_t allocations;

static void *next_function(const char *name)
{
    void *found = dlsym(RTLD_NEXT, name);

    if (!found)
        abort();
    return found;
}

/* A function pointer out of an object pointer, in the way ISO C has it. */
#define NEXT(type, name)                                                                           \
    static type next;                                                                              \
    if (!next) {                                                                                   \
        void *found = next_function(name);                                                         \
        memcpy(&next, &found, sizeof(next));                                                       \
    }                                                                                              \
    allocations += counting

typedef void *(*malloc_t)(size_t);
typedef void *(*calloc_t)(size_t, size_t);
typedef void *(*realloc_t)(void *, size_t);
typedef void *(*aligned_t)(size_t, size_t);
typedef int (*posix_memalign_t)(void **, size_t, size_t);

void *malloc(size_t size)
{
    NEXT(malloc_t, "malloc");
    return next(size);
}

void *calloc(size_t count, size_t size)
{
    NEXT(calloc_t, "calloc");
    return next(count, size);
}

void *realloc(void *memory, size_t size)
{
    NEXT(realloc_t, "realloc");
    return next(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    NEXT(aligned_t, "aligned_alloc");
    return next(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    NEXT(posix_memalign_t, "posix_memalign");
    return next(memory, alignment, size);
}

static void no_thread_at_load(void)
{
    CHECK_INT(thread_count(), 1);
}

static void the_count_counts_the_library(void)
{
    en_address_t *address = NULL;

    allocations = 0;
    counting = true;
    CHECK_OK(en_address_new(&address, "127.0.0.1", 1));
    counting = false;
    CHECK(allocations > 0);
    en_address_free(address);
}

enum { RECEIVE_SIZE = 16384, PER_ROUND = 3 * RECEIVE_SIZE, ROUNDS = 50 };

static en_tcp_options_t *fixed_receive_size(void)
{
    en_tcp_options_t *options = options_new();

    CHECK_OK(en_tcp_options_set_max_recv_size(options, RECEIVE_SIZE));
    return options;
}

/* `size` bytes are at the client's end of the wire, unread. */
static void put_on_the_wire(wire_t *wire, const char *bytes, size_t size)
{
    int there = 0;

    peer_send(wire->fd, bytes, size);
    while ((size_t)there < size) {
        REQUIRE(ioctl(en_tcp_client_fileno(wire->client), FIONREAD, &there) == 0);
        pause_ms(1);
    }
}

/* A stream of packets, `size` bytes each on the wire with a length of two bytes, sent in rounds. */
static char *make_stream(size_t size, size_t *count)
{
    char *stream = calloc(1, (size_t)PER_ROUND * ROUNDS);

    *count = (size_t)PER_ROUND * ROUNDS / size;
    for (size_t i = 0; i < *count; i++) {
        stream[i * size] = (char)((size - 2) >> 8);
        stream[i * size + 1] = (char)((size - 2) & 0xff);
    }
    return stream;
}

/* Takes all packets that are there. */
static size_t take(wire_t *wire, size_t size)
{
    en_packet_t packet = {0};
    size_t taken = 0;

    counting = true;
    while (en_tcp_client_recv_packet(wire->client, 0, &packet) == EN_OK) {
        if (packet.size != size)
            break;
        taken++;
        en_packet_release(&packet);
    }
    counting = false;
    return taken;
}

static void check_stream(size_t size)
{
    en_stream_protocol_t *protocol = NULL;
    size_t count = 0;
    size_t taken = 0;
    uint64_t calls;
    char *stream = make_stream(size, &count);
    wire_t wire;

    REQUIRE_OK(
        en_stream_protocol_new_length_prefixed(&protocol, EN_LENGTH_U16, EN_BIG_ENDIAN, 0, 0));
    wire_open(&wire, protocol, fixed_receive_size());
    allocations = 0;
    for (size_t i = 0; i < ROUNDS; i++) {
        put_on_the_wire(&wire, stream + i * PER_ROUND, PER_ROUND);
        taken += take(&wire, size - 2);
    }
    CHECK_INT(taken, count);
    /* Each round is three full buffers and one call that finds nothing. */
    calls = wire_stats(&wire).recv_calls;
    CHECK(calls >= ROUNDS * 3 && calls <= ROUNDS * 4);
    /* A buffer now and then, and the error at the end of each round; nothing for each packet. */
    CHECK(allocations <= ROUNDS * 3 * 3);
    wire_close(&wire);
    free(stream);
}

static void packets_that_fill_the_buffer(void)
{
    check_stream(64);
}

static void packets_that_lie_across_buffers(void)
{
    check_stream(66);
}

static void many_packets_for_each_call(void)
{
    enum { SIZE = 64 };
    en_stream_protocol_t *protocol = NULL;
    en_packet_t packets[100];
    size_t count = 0;
    size_t taken = 0;
    char *stream = make_stream(SIZE, &count);
    wire_t wire;

    REQUIRE_OK(
        en_stream_protocol_new_length_prefixed(&protocol, EN_LENGTH_U16, EN_BIG_ENDIAN, 0, 0));
    wire_open(&wire, protocol, fixed_receive_size());
    put_on_the_wire(&wire, stream, PER_ROUND);
    allocations = 0;
    counting = true;
    while (taken < PER_ROUND / SIZE) {
        if (en_tcp_client_recv_packets(wire.client, packets, 100, 0, &count) != EN_OK)
            break;
        taken += count;
        for (size_t i = 0; i < count; i++)
            en_packet_release(&packets[i]);
    }
    counting = false;
    CHECK_INT(taken, PER_ROUND / SIZE);
    CHECK_INT(wire_stats(&wire).recv_calls, 3);
    CHECK(allocations <= 6);
    wire_close(&wire);
    free(stream);
}

static void small_packets_sent(void)
{
    enum { COUNT = 2000 };
    static const step_t steps[] = {{.what = STEP_DRAIN}};
    char packet[62] = "";
    script_t script;
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    script_start(&script, wire.fd, steps, 1);
    CHECK_OK(en_tcp_client_send_packet(wire.client, packet, sizeof(packet), 5000));
    allocations = 0;
    counting = true;
    for (int i = 0; i < COUNT; i++)
        CHECK_OK(en_tcp_client_send_packet(wire.client, packet, sizeof(packet), 5000));
    counting = false;
    CHECK(allocations < COUNT / 10);
    CHECK_INT(wire_stats(&wire).send_calls, COUNT + 1);
    CHECK_OK(en_tcp_client_close(wire.client));
    script_join(&script);
    wire_close(&wire);
}

static const test_case_t cases[] = {
    CASE(no_thread_at_load),
    CASE(the_count_counts_the_library),
    CASE(packets_that_fill_the_buffer),
    CASE(packets_that_lie_across_buffers),
    CASE(many_packets_for_each_call),
    CASE(small_packets_sent),
};

TEST_MAIN("cost")
