/* Addresses: to and from text and sockaddr. */
#include "harness.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static en_address_t *make(const char *host, uint16_t port)
{
    en_address_t *address = NULL;

    REQUIRE_OK(en_address_new(&address, host, port));
    return address;
}

static void check_text(const char *host, uint16_t port, const char *text, const char *host_text)
{
    en_address_t *address = make(host, port);
    char got[EN_ADDRESS_TEXT_SIZE] = "";
    size_t size = sizeof(got);

    CHECK_OK(en_address_to_text(address, got, &size));
    CHECK_TEXT(got, text);
    CHECK_INT(size, strlen(text) + 1);
    size = sizeof(got);
    CHECK_OK(en_address_host(address, got, &size));
    CHECK_TEXT(got, host_text);
    CHECK_INT(size, strlen(host_text) + 1);
    CHECK_INT(en_address_port(address), port);
    CHECK_INT(en_address_family(address), strchr(host, ':') ? EN_FAMILY_IPV6 : EN_FAMILY_IPV4);
    en_address_free(address);
}

static void texts(void)
{
    check_text("192.0.2.1", 80, "192.0.2.1:80", "192.0.2.1");
    check_text("0.0.0.0", 0, "0.0.0.0:0", "0.0.0.0");
    check_text("255.255.255.255", 65535, "255.255.255.255:65535", "255.255.255.255");
    check_text("::1", 7000, "[::1]:7000", "::1");
    check_text("[::1]", 7000, "[::1]:7000", "::1"); /* as in a URL */
    check_text("2001:DB8:0:0:0:0:0:1", 1, "[2001:db8::1]:1", "2001:db8::1");
    check_text("fe80::1%77", 80, "[fe80::1%77]:80", "fe80::1%77");
    check_text("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", 65535,
               "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535",
               "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

static void a_scope_by_name(void)
{
    en_address_t *address = NULL;
    uint32_t scope = 0;

    CHECK_OK(en_address_new(&address, "fe80::1%lo", 80));
    CHECK_OK(en_address_scope_id(address, &scope));
    CHECK_INT(scope, if_nametoindex("lo"));
    en_address_free(address);
    CHECK_CODE(en_address_new(&address, "fe80::1%nowhere0", 80), EN_ENODEV);
    CHECK_MESSAGE("nowhere0");
    CHECK(address == NULL);
}

static void hosts_that_are_not_numeric(void)
{
    static const char *hosts[] = {"",           "localhost", "1.2.3", "1.2.3.4.5", "1.2.3.256",
                                  " 1.2.3.4",   "1.2.3.4 ",  "::1::", ":::",       "[::1",
                                  "1.2.3.4:80", "g::1",      "\xff",  "1.2.3.4%lo"};
    en_address_t *address = NULL;

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        address = (en_address_t *)&address;
        if (!CHECK_CODE(en_address_new(&address, hosts[i], 80), EN_EINVAL))
            fprintf(stderr, "  the host is \"%s\"\n", hosts[i]);
        CHECK(address == NULL);
    }
    CHECK_CODE(en_address_new(&address, NULL, 80), EN_EINVAL);
    CHECK_CODE(en_address_new(NULL, "127.0.0.1", 80), EN_EINVAL);
}

static void too_little_room(void)
{
    en_address_t *address = make("192.0.2.1", 80);
    char text[32] = "untouched";
    size_t size = 12; /* one less than is needed */

    CHECK_CODE(en_address_to_text(address, text, &size), EN_EMSGSIZE);
    CHECK_INT(size, 13);
    CHECK_TEXT(text, "untouched");
    CHECK_OK(en_address_to_text(address, text, &size));
    CHECK_TEXT(text, "192.0.2.1:80");
    size = 0;
    CHECK_CODE(en_address_host(address, text, &size), EN_EMSGSIZE);
    CHECK_INT(size, 10);
    size = 15;
    CHECK_CODE(en_address_to_sockaddr(address, text, &size), EN_EMSGSIZE);
    CHECK_INT(size, 16);
    CHECK_CODE(en_address_to_text(address, NULL, &size), EN_EINVAL);
    CHECK_CODE(en_address_to_text(address, text, NULL), EN_EINVAL);
    CHECK_CODE(en_address_to_text(NULL, text, &size), EN_EINVAL);
    en_address_free(address);
}

static void ipv4_sockaddr(void)
{
    struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(4321)};
    struct sockaddr_in back;
    size_t size = sizeof(back);
    en_address_t *address = NULL;

    inet_pton(AF_INET, "198.51.100.7", &name.sin_addr);
    REQUIRE_OK(en_address_from_sockaddr(&address, &name, sizeof(name)));
    CHECK_INT(en_address_port(address), 4321);
    CHECK_INT(en_address_family(address), EN_FAMILY_IPV4);
    memset(&back, 0xff, sizeof(back));
    CHECK_OK(en_address_to_sockaddr(address, &back, &size));
    CHECK_INT(size, sizeof(back));
    CHECK_BYTES(&back, sizeof(back), &name, sizeof(name));
    en_address_free(address);
}

static void ipv6_sockaddr(void)
{
    struct sockaddr_in6 name = {.sin6_family = AF_INET6,
                                .sin6_port = htons(4321),
                                .sin6_flowinfo = htonl(0x12345),
                                .sin6_scope_id = 9};
    struct sockaddr_in6 back;
    size_t size = sizeof(back);
    en_address_t *address = NULL;
    uint32_t value = 0;

    inet_pton(AF_INET6, "fe80::7", &name.sin6_addr);
    REQUIRE_OK(en_address_from_sockaddr(&address, &name, sizeof(name)));
    CHECK_INT(en_address_family(address), EN_FAMILY_IPV6);
    CHECK_OK(en_address_scope_id(address, &value));
    CHECK_INT(value, 9);
    CHECK_OK(en_address_flow_info(address, &value));
    CHECK(value != 0);
    memset(&back, 0xff, sizeof(back));
    CHECK_OK(en_address_to_sockaddr(address, &back, &size));
    CHECK_INT(size, sizeof(back));
    CHECK_BYTES(&back, sizeof(back), &name, sizeof(name));
    en_address_free(address);
}

static void sockaddrs_that_cannot_be(void)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    struct sockaddr_in name = {.sin_family = AF_INET};
    en_address_t *address = NULL;

    CHECK_CODE(en_address_from_sockaddr(&address, &path, sizeof(path)), EN_EAFNOSUPPORT);
    CHECK_CODE(en_address_from_sockaddr(&address, &name, sizeof(name) - 1), EN_EINVAL);
    CHECK_CODE(en_address_from_sockaddr(&address, &name, 1), EN_EINVAL);
    CHECK_CODE(en_address_from_sockaddr(&address, &name, 0), EN_EINVAL);
    CHECK_CODE(en_address_from_sockaddr(&address, NULL, 16), EN_EINVAL);
    name.sin_family = AF_INET6;
    CHECK_CODE(en_address_from_sockaddr(&address, &name, sizeof(name)), EN_EINVAL);
    CHECK(address == NULL);
}

static void equality(void)
{
    static const struct {
        const char *host;
        uint16_t port;
    } others[] = {{"127.0.0.1", 81}, {"127.0.0.2", 80}, {"::ffff:127.0.0.1", 80}, {"::1", 80}};
    en_address_t *one = make("127.0.0.1", 80);
    en_address_t *same = make("127.0.0.1", 80);
    en_address_t *scoped = make("fe80::1%3", 80);
    en_address_t *other_scope = make("fe80::1%4", 80);

    CHECK_INT(en_address_equal(one, one), 1);
    CHECK_INT(en_address_equal(one, same), 1);
    CHECK_INT(en_address_equal(scoped, other_scope), 0);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        en_address_t *other = make(others[i].host, others[i].port);

        CHECK_INT(en_address_equal(one, other), 0);
        en_address_free(other);
    }
    CHECK_CODE(en_address_equal(one, NULL), EN_EINVAL);
    CHECK_CODE(en_address_family(NULL), EN_EINVAL);
    CHECK_CODE(en_address_port(NULL), EN_EINVAL);
    en_address_free(one);
    en_address_free(same);
    en_address_free(scoped);
    en_address_free(other_scope);
}

static const test_case_t cases[] = {
    CASE(texts),           CASE(a_scope_by_name),
    CASE(too_little_room), CASE(hosts_that_are_not_numeric),
    CASE(ipv4_sockaddr),   CASE(ipv6_sockaddr),
    CASE(equality),        CASE(sockaddrs_that_cannot_be),
};

TEST_MAIN("address")
