// Boost.Asio's calls that block, which know no time-outs, on datagrams.
#include "bench.h"

#include <boost/asio.hpp>
#include <string>

namespace asio = boost::asio;
using asio::ip::udp;

namespace
{

asio::io_context context(1);
udp::socket connection(context);
uint8_t received[LARGE];

void connect(const char *port)
{
    auto number = static_cast<unsigned short>(std::stoi(port));
    connection.connect({asio::ip::address_v4::loopback(), number});
    connection.send(asio::buffer(received, 0));
}

size_t receive(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++)
        consume(received, connection.receive(asio::buffer(received)));
    return work->packets;
}

size_t send_each(const struct work *work)
{
    for (size_t i = 0; i < work->packets; i++)
        connection.send(asio::buffer(payload, work->packet_size));
    return work->packets;
}

size_t ping_pong(const struct work *work)
{
    send_each(work);
    return receive(work);
}

} // namespace

uint64_t socket_calls(void)
{
    return 0; // nobody counts them
}

const struct work works[] = {
    {"ping-pong", connect, SMALL, 1, ping_pong},
    {"receive", connect, SMALL, SMALL_STEP, receive},
    {"send", connect, SMALL, SMALL_STEP, send_each},
    {},
};
