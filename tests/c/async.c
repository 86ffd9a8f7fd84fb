#include "async.h"

#include <stdio.h>
#include <string.h>

en_loop_t *loop_new(void)
{
    en_loop_t *loop = NULL;

    REQUIRE_OK(en_loop_new(&loop));
    return loop;
}

void op_done(int status, void *user_data)
{
    op_t *op = user_data;

    op->calls++;
    op->status = status;
    if (status < 0)
        snprintf(op->message, sizeof(op->message), "%s", en_last_error_message());
}

void op_sent(int status, size_t count, void *user_data)
{
    op_done(status, user_data);
    ((op_t *)user_data)->count = count;
}

void op_received(int status, en_packet_t *packet, void *user_data)
{
    op_t *op = user_data;

    op_done(status, op);
    CHECK((status == EN_OK) == (packet != NULL));
    if (packet) {
        op->size = packet->size;
        memcpy(op->data, packet->data,
               packet->size < sizeof(op->data) ? packet->size : sizeof(op->data));
        en_packet_release(packet);
    }
}

void op_wait(en_loop_t *loop, op_t *op)
{
    while (op->calls == 0)
        REQUIRE_OK(en_loop_run_once(loop, 1000));
}

void op_still_waits(en_loop_t *loop, op_t *op)
{
    for (int i = 0; i < 5; i++)
        CHECK_OK(en_loop_run_once(loop, 5));
    CHECK_INT(op->calls, 0);
}
