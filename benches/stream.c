#include "stream.h"

#include <arpa/inet.h>
#include <string.h>

/* Room for large packets; of small ones a read takes no more than BUFFER bytes. */
static uint8_t received[8 * LARGE];
static size_t start, end;
static uint8_t to_send[BUFFER];
static size_t unsent;

size_t skip_sent(struct iovec **parts, size_t count, size_t sent)
{
    for (; count && sent >= (*parts)->iov_len; count--)
        sent -= (*parts)++->iov_len;
    if (count) {
        (*parts)->iov_base = (uint8_t *)(*parts)->iov_base + sent;
        (*parts)->iov_len -= sent;
    }
    return count;
}

static size_t put_packet(uint8_t *to, const uint8_t *data, size_t size)
{
    uint32_t header = htonl((uint32_t)size);
    memcpy(to, &header, HEADER);
    memcpy(to + HEADER, data, size);
    return HEADER + size;
}

static void receive_more(size_t most)
{
    memmove(received, received + start, end - start);
    end -= start;
    start = 0;
    end += receive_bytes(received + end, most - end);
}

static const uint8_t *receive_packet(size_t most, size_t *size)
{
    for (;;) {
        uint32_t header;
        if (end - start >= HEADER) {
            memcpy(&header, received + start, HEADER);
            *size = ntohl(header);
            if (*size > most - HEADER)
                fail("receive", "a packet is too long");
            if (end - start - HEADER >= *size) {
                const uint8_t *packet = received + start + HEADER;
                start += HEADER + *size;
                return packet;
            }
        }
        receive_more(most);
    }
}

size_t receive(const struct work *work)
{
    size_t most = work->packet_size > SMALL ? sizeof received : BUFFER;
    for (size_t i = 0; i < work->packets; i++) {
        size_t size;
        const uint8_t *packet = receive_packet(most, &size);
        consume(packet, size);
    }
    return work->packets;
}

size_t send_each(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++)
        send_bytes(to_send, put_packet(to_send, payload, work->packet_size));
    return work->packets;
}

size_t send_buffered(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++) {
        if (unsent + HEADER + work->packet_size > sizeof to_send) {
            send_bytes(to_send, unsent);
            unsent = 0;
        }
        unsent += put_packet(to_send + unsent, payload, work->packet_size);
    }
    return work->packets;
}

static void send_together(const struct work *work, size_t count)
{
    uint32_t headers[BATCH];
    struct iovec parts[PARTS_MAX];
    for (size_t i = 0; i < count; i++) {
        headers[i] = htonl((uint32_t)work->packet_size);
        parts[2 * i] = (struct iovec){&headers[i], HEADER};
        parts[2 * i + 1] = (struct iovec){(void *)(uintptr_t)payload, work->packet_size};
    }
    send_parts(parts, 2 * count);
}

size_t send_batches(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i += BATCH)
        send_together(work, BATCH);
    return work->packets;
}

size_t send_large(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++)
        send_together(work, 1);
    return work->packets;
}

size_t send_large_batches(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i += LARGE_BATCH)
        send_together(work, LARGE_BATCH);
    return work->packets;
}

size_t ping_pong(const struct work *work)
{
    send_each(work);
    return receive(work);
}
