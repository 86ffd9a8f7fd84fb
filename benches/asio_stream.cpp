// Boost.Asio's calls that block, which know no time-outs, on streams.
#include "stream.h"

#include <boost/asio.hpp>
#include <string>
#include <vector>

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::local::stream_protocol;

namespace
{

asio::io_context context(1);
asio::generic::stream_protocol::socket connection(context);

void connect_tcp(const char *port)
{
    auto number = static_cast<unsigned short>(std::stoi(port));
    tcp::socket socket(context);
    socket.connect({asio::ip::address_v4::loopback(), number});
    socket.set_option(tcp::no_delay(true));
    connection = std::move(socket);
}

void connect_unix(const char *name)
{
    stream_protocol::socket socket(context);
    socket.connect(std::string(1, '\0') + name);
    connection = std::move(socket);
}

} // namespace

uint64_t socket_calls(void)
{
    return 0; // nobody counts them
}

size_t receive_bytes(uint8_t *to, size_t room)
{
    return connection.read_some(asio::buffer(to, room));
}

void send_bytes(const uint8_t *data, size_t size)
{
    asio::write(connection, asio::buffer(data, size));
}

// Not asio::write, which gives the kernel fewer parts at a time.
void send_parts(struct iovec *parts, size_t count)
{
    static std::vector<asio::const_buffer> buffers;
    while (count) {
        buffers.clear();
        for (size_t i = 0; i < count; i++)
            buffers.emplace_back(parts[i].iov_base, parts[i].iov_len);
        count = skip_sent(&parts, count, connection.write_some(buffers));
    }
}

const struct work works[] = {
    {"ping-pong", connect_tcp, SMALL, 1, ping_pong},
    {"unix-ping-pong", connect_unix, SMALL, 1, ping_pong},
    {"receive", connect_tcp, SMALL, SMALL_STEP, receive},
    {"send", connect_tcp, SMALL, SMALL_STEP, send_each},
    {"send-buffered", connect_tcp, SMALL, SMALL_STEP, send_buffered},
    {"send-batches", connect_tcp, SMALL, SMALL_STEP, send_batches},
    {"receive-large", connect_tcp, LARGE, LARGE_STEP, receive},
    {"send-large", connect_tcp, LARGE, LARGE_STEP, send_large},
    {"send-large-batches", connect_tcp, LARGE, LARGE_STEP, send_large_batches},
    {},
};
