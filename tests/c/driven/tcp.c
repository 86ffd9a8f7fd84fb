#define FAMILY tcp
#define FAMILY_PROTOCOL en_stream_protocol_t
#define FAMILY_OPTIONS en_tcp_options_t
#define IS_STREAM
#include "inet.h"

int en_tcp_client_connect_addresses(en_tcp_client_t **out, const en_address_t *const *addresses,
                                    size_t count, const en_stream_protocol_t *protocol,
                                    const en_tcp_options_t *options)
{
    (void)out, (void)addresses, (void)count, (void)protocol, (void)options;
    return driver_lacks(__func__);
}

int en_tcp_client_get_tls_info(const en_tcp_client_t *client, en_tls_info_t **info)
{
    return NOW(DRIVER(client), en_async_tcp_client_get_tls_info(ON_LOOP(client), info));
}
