/* A Unix datagram client hears its peer and nobody else, from the very start: others may send to
 * its name before it has a peer. The program puts a connect and a bind of its own in place of the
 * system's. */
#include "family.h"
#include "peer.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

static int stranger = -1;
static int attempts;

/* Three datagrams to whatever name the socket has; some may be refused. */
static void meddle(int fd)
{
    struct sockaddr_storage own;
    socklen_t size = sizeof(own);

    if (stranger < 0)
        return;
    REQUIRE(getsockname(fd, (struct sockaddr *)&own, &size) == 0);
    if (size <= sizeof(sa_family_t))
        return; /* it has none: it cannot be reached */
    for (int i = 0; i < 3; i++) {
        attempts++;
        if (sendto(stranger, "stranger", 8, MSG_DONTWAIT, (struct sockaddr *)&own, size) < 0)
            CHECK(errno == EPERM); /* others are kept out once there is a peer */
    }
}

int connect(int fd, name_arg_t name, socklen_t size)
{
    int rc;

    meddle(fd);
    rc = (int)syscall(SYS_connect, fd, NAME_OF(name), size);
    meddle(fd);
    return rc;
}

int bind(int fd, name_arg_t name, socklen_t size)
{
    int rc = (int)syscall(SYS_bind, fd, NAME_OF(name), size);

    meddle(fd);
    return rc;
}

/* Connects while the stranger meddles, to the path of the folder; `other` true: from a path, too.
 */
static void check_hears_its_peer(bool from_path, int credentials)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_unix_datagram_options_t *options;
    en_unix_datagram_client_t *client = NULL;
    en_unix_address_t *local = NULL;
    en_client_t *view;
    folder_t folder;
    int peer;

    folder_open(&folder);
    peer = unix_bound(SOCK_DGRAM, folder.socket);
    REQUIRE_OK(en_unix_datagram_options_new(&options));
    CHECK_OK(en_unix_datagram_options_set_receive_credentials(options, credentials));
    if (from_path) {
        REQUIRE_OK(en_unix_address_new_path(&local, folder.other));
        CHECK_OK(en_unix_datagram_options_set_local_address(options, local));
    }
    attempts = 0;
    stranger = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    REQUIRE(stranger >= 0);
    CHECK_OK(en_unix_datagram_client_connect_path(&client, folder.socket, protocol, options));
    REQUIRE(client);
    CHECK(attempts > 0);
    meddle(en_unix_datagram_client_fileno(client));
    close(stranger);
    stranger = -1;
    view = en_unix_datagram_client_as_client(client);
    CHECK_GET_FAILS(view, 0, EN_ETIMEDOUT);
    if (from_path) {
        en_unix_address_t *name = NULL;

        CHECK_OK(en_unix_datagram_client_get_local_name(client, &name));
        CHECK_INT(en_unix_address_equal(name, local), 1);
        en_unix_address_free(name);
    }
    connect_to(peer, en_unix_datagram_client_fileno(client));
    peer_send_text(peer, "mine");
    CHECK_GET(view, "mine");
    en_unix_address_free(local);
    en_unix_datagram_client_free(client);
    en_unix_datagram_options_free(options);
    en_datagram_protocol_free(protocol);
    close(peer);
    folder_close(&folder);
}

static void with_a_name_of_the_system(void)
{
    check_hears_its_peer(false, 0);
    check_hears_its_peer(false, 1);
}

static void with_a_path(void)
{
    check_hears_its_peer(true, 0);
    check_hears_its_peer(true, 1);
}

/* What fails leaves no path behind, and takes none away that is another's. */
static void a_path_that_is_taken(void)
{
    en_datagram_protocol_t *protocol = protocol_datagrams();
    en_unix_datagram_client_t *client = NULL;
    en_unix_datagram_options_t *options;
    en_unix_address_t *local = NULL;
    folder_t folder;
    int other;
    int peer;

    folder_open(&folder);
    REQUIRE_OK(en_unix_datagram_options_new(&options));
    REQUIRE_OK(en_unix_address_new_path(&local, folder.other));
    CHECK_OK(en_unix_datagram_options_set_local_address(options, local));
    CHECK_CODE(en_unix_datagram_client_connect_path(&client, folder.socket, protocol, options),
               EN_ENOENT);
    CHECK(access(folder.other, F_OK) != 0);
    peer = unix_bound(SOCK_DGRAM, folder.socket);
    other = unix_bound(SOCK_DGRAM, folder.other);
    CHECK_CODE(en_unix_datagram_client_connect_path(&client, folder.socket, protocol, options),
               EN_EADDRINUSE);
    CHECK(client == NULL);
    CHECK_MESSAGE(folder.other);
    CHECK(access(folder.other, F_OK) == 0);
    en_unix_address_free(local);
    en_unix_datagram_options_free(options);
    en_datagram_protocol_free(protocol);
    close(other);
    close(peer);
    folder_close(&folder);
}

static const test_case_t cases[] = {
    CASE(with_a_name_of_the_system),
    CASE(with_a_path),
    CASE(a_path_that_is_taken),
};

TEST_MAIN("unix_strangers")
