/* Prints the version of the library that is loaded, and how it answers a bad argument. */
#include <easynet.h>
#include <stdio.h>

#if !EN_VERSION_AT_LEAST(0, 1, 0)
#error "the header is older than the library"
#endif

int main(void)
{
    en_tcp_client_t *client;
    int code = en_tcp_client_connect(&client, NULL, 1, NULL, NULL);

    printf("easynet %s: %s\n", en_version_string(), en_error_name(code));
    return code == EN_EINVAL && client == NULL ? 0 : 1;
}
