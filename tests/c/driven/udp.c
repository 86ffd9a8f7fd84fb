#define FAMILY udp
#define FAMILY_PROTOCOL en_datagram_protocol_t
#define FAMILY_OPTIONS en_udp_options_t
#include "inet.h"
