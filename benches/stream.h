/* What the works on streams of bytes have in common: packets with their length in front, over what
 * each contender has for bytes. */
#ifndef STREAM_H
#define STREAM_H

#include "bench.h"

#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What each contender defines. */

/* Receives at least one byte, and `room` at most; says how many. */
size_t receive_bytes(uint8_t *to, size_t room);
void send_bytes(const uint8_t *data, size_t size);
/* Sends at most PARTS_MAX parts, none of them copied by the program; they may be changed. */
void send_parts(struct iovec *parts, size_t count);

#define PARTS_MAX (2 * BATCH)

/* Makes the parts those without the first `sent` bytes, and says how many are left. */
size_t skip_sent(struct iovec **parts, size_t count, size_t sent);

/* Steps of works. */
size_t receive(const struct work *work);
size_t send_each(const struct work *work);
size_t send_buffered(const struct work *work);
size_t send_batches(const struct work *work);
size_t send_large(const struct work *work);
size_t send_large_batches(const struct work *work);
size_t ping_pong(const struct work *work);

#ifdef __cplusplus
}
#endif

#endif
