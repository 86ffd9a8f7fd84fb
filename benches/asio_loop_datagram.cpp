// Boost.Asio's asynchronous operations on datagrams, on one thread.
#include "plain.h"

#include <boost/asio.hpp>

namespace asio = boost::asio;
using asio::ip::udp;
using boost::system::error_code;

namespace
{

asio::io_context context(1);
udp::socket connection(context);
uint8_t room[LARGE];
size_t received, wanted;

void check(const error_code &error, const char *what)
{
    if (error)
        fail(what, error.message().c_str());
}

void receive()
{
    connection.async_receive(asio::buffer(room), [](const error_code &error, size_t size) {
        check(error, "receive");
        consume(room, size);
        if (++received >= wanted)
            context.stop();
        receive();
    });
}

void open_client(const char *address)
{
    open_udp(address);
    connection.assign(udp::v4(), fd);
    connection.non_blocking(true);
    receive();
}

size_t ping_pong(const struct work *work)
{
    wanted = received + work->packets;
    connection.async_send(asio::buffer(payload, work->packet_size),
                          [](const error_code &error, size_t) { check(error, "send"); });
    context.restart();
    context.run();
    return work->packets;
}

} // namespace

uint64_t socket_calls(void)
{
    return 0; // nobody counts them
}

const struct work works[] = {
    {"ping-pong", open_client, SMALL, 1, ping_pong},
    {},
};
