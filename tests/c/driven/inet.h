/* What the families have that dial hosts; see client.h. */
#include "client.h"

int NAME(connect)(client_t **out, const char *host, uint16_t port, const FAMILY_PROTOCOL *protocol,
                  const FAMILY_OPTIONS *options)
{
    client_t *client = client_new();

    return client_connected(client,
                            ASYNC(new)(out ? &client->async : NULL, client->base.driver->loop, host,
                                       port, protocol, options),
                            out);
}

int NAME(get_local_address)(const client_t *client, en_address_t **address)
{
    return NOW(DRIVER(client), ASYNC(get_local_address)(ON_LOOP(client), address));
}

int NAME(get_remote_address)(const client_t *client, en_address_t **address)
{
    return NOW(DRIVER(client), ASYNC(get_remote_address)(ON_LOOP(client), address));
}
