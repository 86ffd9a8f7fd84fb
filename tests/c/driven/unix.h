/* What the Unix families have; see client.h. */
#include "client.h"

int NAME(connect)(client_t **out, const en_unix_address_t *address, const FAMILY_PROTOCOL *protocol,
                  const FAMILY_OPTIONS *options)
{
    client_t *client = client_new();

    return client_connected(client,
                            ASYNC(new)(out ? &client->async : NULL, client->base.driver->loop,
                                       address, protocol, options),
                            out);
}

int NAME(connect_path)(client_t **out, const char *path, const FAMILY_PROTOCOL *protocol,
                       const FAMILY_OPTIONS *options)
{
    client_t *client = client_new();

    return client_connected(client,
                            ASYNC(new_path)(out ? &client->async : NULL, client->base.driver->loop,
                                            path, protocol, options),
                            out);
}

int NAME(get_local_name)(const client_t *client, en_unix_address_t **name)
{
    return NOW(DRIVER(client), ASYNC(get_local_name)(ON_LOOP(client), name));
}

int NAME(get_peer_name)(const client_t *client, en_unix_address_t **name)
{
    return NOW(DRIVER(client), ASYNC(get_peer_name)(ON_LOOP(client), name));
}

int NAME(send_packet_with_ancillary)(client_t *client, const void *data, size_t size,
                                     const en_ancillary_t *ancillary, int64_t timeout_ms)
{
    (void)client, (void)data, (void)size, (void)ancillary, (void)timeout_ms;
    return driver_lacks(__func__);
}

int NAME(recv_packet_with_ancillary)(client_t *client, size_t control_room, int64_t timeout_ms,
                                     en_ancillary_t *ancillary, en_packet_t *packet)
{
    (void)client, (void)control_room, (void)timeout_ms, (void)ancillary, (void)packet;
    return driver_lacks(__func__);
}
