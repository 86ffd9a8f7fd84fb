/* What the works through nng have in common. */
#ifndef NNG_CHECK_H
#define NNG_CHECK_H

#include "bench.h"

#include <nng/nng.h>
#include <stdio.h>

static inline void check(int result, const char *what)
{
    if (result)
        fail(what, nng_strerror(result));
}

static inline const char *url_of(const char *port)
{
    static char url[64];
    snprintf(url, sizeof url, "tcp://127.0.0.1:%s", port);
    return url;
}

#endif
