// Boost.Asio's asynchronous operations on one thread, with framing by hand.
#include "loop.h"

#include <boost/asio.hpp>
#include <memory>
#include <vector>

namespace asio = boost::asio;
using boost::system::error_code;

namespace
{

asio::io_context context(1);
size_t received, wanted;
bool echoes;

void check(const error_code &error, const char *what)
{
    if (error)
        fail(what, error.message().c_str());
}

class Connection
{
  public:
    explicit Connection(int family, int fd)
        : socket(context, asio::generic::stream_protocol(family, 0), fd),
          // One for all would do for the bytes, but each has a receive under way.
          room(FRAME + (connections == 1 ? BUFFER : 8 * FRAME))
    {
        receive();
    }

    void send(const void *data, size_t size)
    {
        size = put_frame(frame, data, size);
        asio::async_write(socket, asio::buffer(frame, size),
                          [](const error_code &error, size_t) { check(error, "write"); });
    }

  private:
    void receive()
    {
        socket.async_read_some(asio::buffer(room.data() + FRAME, room.size() - FRAME),
                               [this](const error_code &error, size_t size) {
                                   check(error, "read");
                                   take_packets(&rest, room.data() + FRAME, size, take, this);
                                   if (received >= wanted)
                                       context.stop();
                                   receive();
                               });
    }

    static void take(void *to, const uint8_t *data, size_t size)
    {
        consume(data, size);
        received++;
        if (echoes)
            static_cast<Connection *>(to)->send(data, size);
    }

    asio::generic::stream_protocol::socket socket;
    struct rest rest = {};
    uint8_t frame[FRAME];
    std::vector<uint8_t> room;
};

std::vector<std::unique_ptr<Connection>> all;

void open_all(const char *address)
{
    for (size_t i = 0; i < connections; i++)
        all.push_back(std::make_unique<Connection>(AF_INET, tcp_socket(address)));
}

void open_unix(const char *address)
{
    all.push_back(std::make_unique<Connection>(AF_UNIX, unix_socket(address)));
}

void open_echo(const char *address)
{
    echoes = true;
    open_all(address);
    for (auto &connection : all)
        connection->send(payload, SMALL);
}

size_t run(const struct work *work)
{
    size_t before = received;
    wanted = before + work->packets;
    context.restart();
    context.run();
    return received - before;
}

size_t ping_pong(const struct work *work)
{
    all[0]->send(payload, SMALL);
    return run(work);
}

} // namespace

uint64_t socket_calls(void)
{
    return 0; // nobody counts them
}

const struct work works[] = {
    {"echo", open_echo, SMALL, SMALL_STEP, run},
    {"ping-pong", open_all, SMALL, 1, ping_pong},
    {"unix-ping-pong", open_unix, SMALL, 1, ping_pong},
    {"receive", open_all, SMALL, SMALL_STEP, run},
    {},
};
