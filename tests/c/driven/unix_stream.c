#define FAMILY unix_stream
#define FAMILY_PROTOCOL en_stream_protocol_t
#define FAMILY_OPTIONS en_unix_stream_options_t
#define IS_STREAM
#include "unix.h"

int en_unix_stream_client_get_peer_credentials(const en_unix_stream_client_t *client,
                                               en_credentials_t *credentials)
{
    return NOW(DRIVER(client),
               en_async_unix_stream_client_get_peer_credentials(ON_LOOP(client), credentials));
}
