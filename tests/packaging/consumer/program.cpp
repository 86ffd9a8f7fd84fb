// Prints the version of the library that is loaded, and how it answers a bad argument.
#include <cstdio>
#include <easynet.h>
#include <memory>
#include <string>

struct Free {
    void operator()(en_stream_protocol_t *protocol) const
    {
        en_stream_protocol_free(protocol);
    }
};

int main()
{
    en_stream_protocol_t *made = nullptr;
    if (en_stream_protocol_new_json(&made, 0) != EN_OK)
        return 1;
    const std::unique_ptr<en_stream_protocol_t, Free> json(made);

    en_tcp_client_t *client = nullptr;
    const int code = en_tcp_client_connect(&client, nullptr, 1, json.get(), nullptr);
    const std::string version = en_version_string();
    std::printf("easynet %s: %s\n", version.c_str(), en_error_name(code));
    return code == EN_EINVAL && client == nullptr ? 0 : 1;
}
