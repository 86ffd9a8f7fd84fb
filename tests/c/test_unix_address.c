/* Names of Unix sockets. */
#include "family.h"

#include <stddef.h>

#define PATH_AT offsetof(struct sockaddr_un, sun_path)

static void check_text(const en_unix_address_t *address, const char *want)
{
    char text[600];
    size_t size = sizeof(text);

    REQUIRE_OK(en_unix_address_to_text(address, text, &size));
    CHECK_TEXT(text, want);
    CHECK_INT(size, strlen(want) + 1);
    size = strlen(want);
    text[0] = '#';
    CHECK_CODE(en_unix_address_to_text(address, text, &size), EN_EMSGSIZE);
    CHECK_INT(size, strlen(want) + 1);
    CHECK(text[0] == '#');
}

/* What it is, and that the way through a sockaddr brings it back. */
static void check_whole(en_unix_address_t *address, int kind, const void *name, size_t name_size,
                        size_t sockaddr_size)
{
    unsigned char sockaddr[sizeof(struct sockaddr_un)];
    size_t size = sizeof(sockaddr);
    en_unix_address_t *back = NULL;
    const void *data = NULL;

    CHECK_INT(en_unix_address_kind(address), kind);
    CHECK_OK(en_unix_address_name(address, &data, &size));
    CHECK_BYTES(data, size, name, name_size);
    size = sizeof(sockaddr);
    REQUIRE_OK(en_unix_address_to_sockaddr(address, sockaddr, &size));
    CHECK_INT(size, sockaddr_size);
    REQUIRE_OK(en_unix_address_from_sockaddr(&back, sockaddr, size));
    CHECK_INT(en_unix_address_equal(address, back), 1);
    CHECK_INT(en_unix_address_kind(back), kind);
    size = sockaddr_size - 1;
    CHECK_CODE(en_unix_address_to_sockaddr(address, sockaddr, &size), EN_EMSGSIZE);
    CHECK_INT(size, sockaddr_size);
    en_unix_address_free(back);
    en_unix_address_free(address);
}

static void paths(void)
{
    en_unix_address_t *address = NULL;
    char longest[109];

    REQUIRE_OK(en_unix_address_new_path(&address, "/run/x.sock"));
    check_text(address, "/run/x.sock");
    check_whole(address, EN_UNIX_PATH, "/run/x.sock", 11, PATH_AT + 12);
    memset(longest, 'x', 108);
    longest[108] = '\0';
    CHECK_CODE(en_unix_address_new_path(&address, longest), EN_ENAMETOOLONG);
    CHECK(address == NULL);
    longest[107] = '\0';
    REQUIRE_OK(en_unix_address_new_path(&address, longest));
    check_whole(address, EN_UNIX_PATH, longest, 107, PATH_AT + 108);
    CHECK_CODE(en_unix_address_new_path(&address, ""), EN_EINVAL);
    CHECK_CODE(en_unix_address_new_path(&address, NULL), EN_EINVAL);
    CHECK_CODE(en_unix_address_new_path(NULL, "x"), EN_EINVAL);
}

static void abstract_names(void)
{
    en_unix_address_t *address = NULL;
    char longest[108];

    REQUIRE_OK(en_unix_address_new_abstract(&address, "name", 4));
    check_text(address, "@name");
    check_whole(address, EN_UNIX_ABSTRACT, "name", 4, PATH_AT + 5);
    REQUIRE_OK(en_unix_address_new_abstract(&address, "a\0b\0", 4));
    check_whole(address, EN_UNIX_ABSTRACT, "a\0b\0", 4, PATH_AT + 5);
    REQUIRE_OK(en_unix_address_new_abstract(&address, NULL, 0));
    check_whole(address, EN_UNIX_ABSTRACT, "", 0, PATH_AT + 1);
    memset(longest, 0, sizeof(longest));
    CHECK_CODE(en_unix_address_new_abstract(&address, longest, 108), EN_ENAMETOOLONG);
    CHECK(address == NULL);
    REQUIRE_OK(en_unix_address_new_abstract(&address, longest, 107));
    check_whole(address, EN_UNIX_ABSTRACT, longest, 107, PATH_AT + 108);
    CHECK_CODE(en_unix_address_new_abstract(&address, NULL, 3), EN_EINVAL);
}

static void unnamed(void)
{
    en_unix_address_t *address = NULL;

    REQUIRE_OK(en_unix_address_new_unnamed(&address));
    check_text(address, "(unnamed)");
    check_whole(address, EN_UNIX_UNNAMED, "", 0, PATH_AT);
}

static void what_differs(void)
{
    en_unix_address_t *all[5] = {0};

    REQUIRE_OK(en_unix_address_new_unnamed(&all[0]));
    REQUIRE_OK(en_unix_address_new_path(&all[1], "x"));
    REQUIRE_OK(en_unix_address_new_abstract(&all[2], "x", 1));
    REQUIRE_OK(en_unix_address_new_abstract(&all[3], "x\0", 2));
    REQUIRE_OK(en_unix_address_new_abstract(&all[4], NULL, 0));
    for (int i = 0; i < 5; i++) {
        for (int j = 0; j < 5; j++)
            CHECK_INT(en_unix_address_equal(all[i], all[j]), i == j);
    }
    CHECK_CODE(en_unix_address_equal(all[0], NULL), EN_EINVAL);
    for (int i = 0; i < 5; i++)
        en_unix_address_free(all[i]);
    en_unix_address_free(NULL);
}

static void sockaddrs(void)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    en_unix_address_t *address = NULL;

    strcpy(name.sun_path, "/x");
    REQUIRE_OK(en_unix_address_from_sockaddr(&address, &name, sizeof(name)));
    check_whole(address, EN_UNIX_PATH, "/x", 2, PATH_AT + 3);
    REQUIRE_OK(en_unix_address_from_sockaddr(&address, &name, PATH_AT + 2));
    check_whole(address, EN_UNIX_PATH, "/x", 2, PATH_AT + 3); /* without its terminator */
    CHECK_CODE(en_unix_address_from_sockaddr(&address, &name, 1), EN_EINVAL);
    CHECK(address == NULL);
    CHECK_CODE(en_unix_address_from_sockaddr(&address, NULL, 10), EN_EINVAL);
    name.sun_family = AF_INET;
    CHECK_CODE(en_unix_address_from_sockaddr(&address, &name, sizeof(name)), EN_EAFNOSUPPORT);
}

static const test_case_t cases[] = {
    CASE(paths), CASE(abstract_names), CASE(unnamed), CASE(what_differs), CASE(sockaddrs),
};

TEST_MAIN("unix_address")
