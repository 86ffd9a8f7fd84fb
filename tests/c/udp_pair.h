/* A UDP client and its peer, and bytes to send. */
#ifndef UDP_PAIR_H
#define UDP_PAIR_H

#include "harness.h"

#include <easynet.h>

typedef struct {
    int fd;
    en_udp_client_t *client;
    en_client_t *view;
} udp_t;

/* No two stretches of them are alike. */
extern unsigned char bytes[65536];

void udp_fill_bytes(void);
void udp_open(udp_t *udp, const char *host, int receive_offload);
void udp_close(udp_t *udp);
en_stats_t udp_stats(const udp_t *udp);
/* Sends the first `size` bytes as datagrams of `segment` bytes, the last one shorter if need be. */
void udp_send_segments(int fd, size_t size, int segment);

#endif
