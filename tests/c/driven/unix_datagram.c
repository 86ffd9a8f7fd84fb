#define FAMILY unix_datagram
#define FAMILY_PROTOCOL en_datagram_protocol_t
#define FAMILY_OPTIONS en_unix_datagram_options_t
#include "unix.h"
