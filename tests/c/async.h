/* A loop, and what its callbacks have been told. */
#ifndef ASYNC_H
#define ASYNC_H

#include "harness.h"

/* One operation: how often its callback came, and with what. */
typedef struct {
    int calls;
    int status;
    size_t count;
    size_t size;
    char data[256];
    char message[512];
    uint64_t operation;
} op_t;

en_loop_t *loop_new(void);
/* Callbacks that write down what they are told; `user_data` is an op_t. */
void op_done(int status, void *user_data);
void op_sent(int status, size_t count, void *user_data);
void op_received(int status, en_packet_t *packet, void *user_data);
/* Runs the loop until the operation is over. */
void op_wait(en_loop_t *loop, op_t *op);
/* It is over, once, with this code. */
#define CHECK_OP(op, code) (CHECK_INT((op)->calls, 1), CHECK_CODE((op)->status, (code)), (void)0)
/* Runs the loop for some turns, in which nothing must come of the operation. */
void op_still_waits(en_loop_t *loop, op_t *op);

#endif
