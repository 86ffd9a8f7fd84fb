/* What the works through easynet have in common. */
#ifndef EASYNET_CHECK_H
#define EASYNET_CHECK_H

#include "bench.h"

#include <easynet.h>
#include <string.h>

static inline void check(int code, const char *what)
{
    if (code != EN_OK)
        fail(what, en_last_error_message());
}

static inline en_stream_protocol_t *new_protocol(void)
{
    en_stream_protocol_t *protocol;
    check(en_stream_protocol_new_length_prefixed(&protocol, EN_LENGTH_U32, EN_BIG_ENDIAN, 0, 0),
          "protocol");
    return protocol;
}

static inline en_unix_stream_client_t *connect_unix(const char *name)
{
    en_unix_stream_client_t *client;
    en_unix_address_t *address;
    en_stream_protocol_t *protocol = new_protocol();
    check(en_unix_address_new_abstract(&address, name, strlen(name)), "address");
    check(en_unix_stream_client_connect(&client, address, protocol, NULL), "connect");
    en_unix_address_free(address);
    en_stream_protocol_free(protocol);
    return client;
}

#endif
