/* What the works through libuv have in common. */
#ifndef LIBUV_CHECK_H
#define LIBUV_CHECK_H

#include "bench.h"

#include <uv.h>

static inline void check(int result, const char *what)
{
    if (result < 0)
        fail(what, uv_strerror(result));
}

#endif
