/* The header needs nothing in front of it, and nothing from it is in the way twice. */
#include <easynet.h>

/* What is here is at least of the version that it says, and constants serve where C wants one. */
typedef char
    at_least[EN_VERSION_AT_LEAST(EN_VERSION_MAJOR, EN_VERSION_MINOR, EN_VERSION_PATCH) ? 1 : -1];
typedef char not_later[EN_VERSION_AT_LEAST(EN_VERSION_MAJOR, EN_VERSION_MINOR, EN_VERSION_PATCH + 1)
                           ? -1
                           : 1];
typedef char text[EN_ADDRESS_TEXT_SIZE];

/* What is frozen is where it was. */
#define IS_AT(type, member, place) (offsetof(type, member) == (place))
typedef char slice[IS_AT(en_slice_t, data, 0) && IS_AT(en_slice_t, size, sizeof(void *)) &&
                           sizeof(en_slice_t) == 2 * sizeof(void *)
                       ? 1
                       : -1];
typedef char packet[IS_AT(en_packet_t, data, 0) && IS_AT(en_packet_t, size, sizeof(void *)) &&
                            IS_AT(en_packet_t, owner, 2 * sizeof(void *)) &&
                            sizeof(en_packet_t) == 3 * sizeof(void *)
                        ? 1
                        : -1];
typedef char credentials[IS_AT(en_credentials_t, pid, 0) && IS_AT(en_credentials_t, uid, 4) &&
                                 IS_AT(en_credentials_t, gid, 8) && sizeof(en_credentials_t) == 12
                             ? 1
                             : -1];

#if EN_VERSION_MAJOR == 0 && EN_VERSION_MINOR == 0 && EN_VERSION_PATCH == 0
#error "the preprocessor cannot read the version"
#endif

int error_of(int code);

int error_of(int code)
{
    switch (code) {
    case EN_OK:
        return EN_DECODE_PACKET;
    case EN_EINVAL:
    case EN_EUSER_BASE:
        return EN_OPTION_NODELAY;
    default:
        return EN_NEWLINE_LF;
    }
}
