/* What a program that a child executes inherits: nothing of the library's, no descriptor that was
 * received, whether taken or not, and no client. /bin/ls tells what it has. */
#include "families.h"
#include "wire.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

static char list[16384];

static void execute_ls(int out)
{
    char *arguments[] = {"ls", "-l", "/proc/self/fd", NULL};

    if (dup2(out, 1) == 1)
        execv("/bin/ls", arguments);
    _exit(127);
}

/* Reads what the program that the child has become says of its descriptors. */
static void list_of_child(void)
{
    size_t size = 0;
    int status = 0;
    int ends[2];
    ssize_t got;
    pid_t child;

    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    child = fork();
    REQUIRE(child >= 0);
    if (child == 0)
        execute_ls(ends[1]);
    close(ends[1]);
    while ((got = read(ends[0], list + size, sizeof(list) - 1 - size)) > 0)
        size += (size_t)got;
    list[size] = '\0';
    close(ends[0]);
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* Whether what is behind our descriptor is in the list: sockets and pipes have unique names. */
static bool is_inherited(int fd)
{
    char path[40];
    char target[256];
    ssize_t size;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    size = readlink(path, target, sizeof(target) - 2);
    REQUIRE(size > 0);
    target[size] = '\n';
    target[size + 1] = '\0';
    return strstr(list, target) != NULL;
}

/* How many of our descriptors, beside the standard ones, a program would inherit. */
static int descriptors_at_exec(void)
{
    int count = 0;

    for (int fd = 3; fd < 1024; fd++) {
        int flags = fcntl(fd, F_GETFD);

        count += flags >= 0 && !(flags & FD_CLOEXEC);
    }
    return count;
}

static void the_list_shows_what_is_inherited(void)
{
    int ends[2];

    REQUIRE(pipe(ends) == 0);
    list_of_child();
    CHECK(is_inherited(ends[0]));
    CHECK(fcntl(ends[0], F_SETFD, FD_CLOEXEC) == 0 && fcntl(ends[1], F_SETFD, FD_CLOEXEC) == 0);
    list_of_child();
    CHECK(!is_inherited(ends[0]));
    close(ends[0]);
    close(ends[1]);
}

static void check_not_inherited(int fd)
{
    REQUIRE(is_open(fd));
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
    CHECK(!is_inherited(fd));
}

static void clients_over_ip(void)
{
    member_t udp;
    wire_t tcp;

    wire_open(&tcp, protocol_line(), NULL);
    member_open(&udp, &family_udp, NULL);
    list_of_child();
    check_not_inherited(en_tcp_client_fileno(tcp.client));
    check_not_inherited(en_client_fileno(udp.view));
    CHECK_OK(send_text(tcp.client, "still there"));
    peer_expect_text(tcp.fd, "still there\n");
    member_close(&udp);
    wire_close(&tcp);
}

static void clients_over_unix_paths(void)
{
    en_datagram_protocol_t *datagrams = protocol_datagrams();
    en_stream_protocol_t *lines = protocol_line();
    en_unix_datagram_client_t *datagram = NULL;
    en_unix_stream_client_t *stream = NULL;
    folder_t folder;
    int listener;
    int bound;
    int fd;

    folder_open(&folder);
    listener = unix_bound(SOCK_STREAM, folder.socket);
    bound = unix_bound(SOCK_DGRAM, folder.other);
    REQUIRE(listen(listener, 4) == 0);
    REQUIRE_OK(en_unix_stream_client_connect_path(&stream, folder.socket, lines, NULL));
    REQUIRE_OK(en_unix_datagram_client_connect_path(&datagram, folder.other, datagrams, NULL));
    en_stream_protocol_free(lines);
    en_datagram_protocol_free(datagrams);
    fd = unix_accept(listener);
    list_of_child();
    check_not_inherited(en_unix_stream_client_fileno(stream));
    check_not_inherited(en_unix_datagram_client_fileno(datagram));
    en_unix_stream_client_free(stream);
    en_unix_datagram_client_free(datagram);
    close(fd);
    close(bound);
    close(listener);
    folder_close(&folder);
}

/* Nothing else that the library may have opened is handed on. */
static void what_belongs_to_switches_and_names(void)
{
    en_stream_protocol_t *lines = protocol_line();
    int listener = peer_listen("127.0.0.1", 4);
    int before = descriptors_at_exec();
    en_tcp_client_t *client = NULL;
    en_cancel_t *cancel = NULL;

    REQUIRE_OK(en_cancel_new(&cancel));
    REQUIRE_OK(en_tcp_client_connect(&client, "localhost", peer_port(listener), lines, NULL));
    CHECK_INT(descriptors_at_exec(), before);
    en_stream_protocol_free(lines);
    en_tcp_client_free(client);
    en_cancel_free(cancel);
    close(listener);
}

static void do_nothing(int status, void *user_data)
{
    (void)status, (void)user_data;
}

static void what_belongs_to_a_loop(void)
{
    int before = descriptors_at_exec();
    en_loop_t *loop = NULL;
    int ends[2];

    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    REQUIRE_OK(en_loop_new(&loop));
    REQUIRE(en_loop_fd(loop) >= 0);
    CHECK_OK(en_loop_start_watch(loop, ends[0], EN_INTEREST_READ, do_nothing, NULL, NULL));
    CHECK_OK(en_loop_start_timer(loop, 1000, 0, do_nothing, NULL, NULL));
    CHECK_OK(en_loop_run_once(loop, 0));
    CHECK_INT(descriptors_at_exec(), before);
    en_loop_free(loop);
    close(ends[0]);
    close(ends[1]);
}

/* The peer passes `passed`, which it lets its own children inherit, beside one packet. */
static void peer_passes(member_t *member, int passed)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct iovec part = {(void *)(uintptr_t) "x\n", 2};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control};

    message.msg_controllen = sizeof(control.bytes);
    control.align.cmsg_level = SOL_SOCKET;
    control.align.cmsg_type = SCM_RIGHTS;
    control.align.cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(&control.align), &passed, sizeof(int));
    REQUIRE(sendmsg(member->fd, &message, 0) == 2);
}

static int receive(member_t *member, en_ancillary_t *ancillary, en_packet_t *packet)
{
    return member->family->is_stream
               ? en_unix_stream_client_recv_packet_with_ancillary(member->client, 0, 20000,
                                                                  ancillary, packet)
               : en_unix_datagram_client_recv_packet_with_ancillary(member->client, 0, 20000,
                                                                    ancillary, packet);
}

static int received_fd(const en_ancillary_t *ancillary)
{
    const void *data = NULL;
    size_t size = 0;
    int level;
    int type;
    int fd;

    REQUIRE_OK(en_ancillary_get_message(ancillary, 0, &level, &type, &data, &size));
    REQUIRE(size == sizeof(fd));
    memcpy(&fd, data, sizeof(fd));
    return fd;
}

static void received_descriptors(const family_t *family)
{
    en_ancillary_t *ancillary = NULL;
    en_packet_t packet = {0};
    size_t count = 0;
    int before = descriptors_at_exec();
    char text[8] = "";
    int ends[2];
    int fd = -1;
    member_t member;

    member_open(&member, family, NULL);
    REQUIRE_OK(en_ancillary_new(&ancillary));
    REQUIRE(pipe(ends) == 0);
    peer_passes(&member, ends[0]);
    close(ends[0]); /* only the one that is under way is left */
    REQUIRE_OK(receive(&member, ancillary, &packet));
    en_packet_release(&packet);
    CHECK(write(ends[1], "hello", 5) == 5);
    close(ends[1]);
    CHECK_INT(descriptors_at_exec(), before);
    list_of_child();
    check_not_inherited(received_fd(ancillary));
    check_not_inherited(en_client_fileno(member.view));
    CHECK_OK(en_ancillary_take_fds(ancillary, &fd, 1, &count));
    list_of_child();
    check_not_inherited(fd);
    CHECK_INT(read(fd, text, sizeof(text)), 5); /* it is the one that was passed */
    CHECK_BYTES(text, 5, "hello", 5);
    close(fd);
    en_ancillary_free(ancillary);
    member_close(&member);
}

FOR_UNIX_FAMILIES(received_descriptors)

static const test_case_t cases[] = {
    CASE(the_list_shows_what_is_inherited), CASE(clients_over_ip),
    CASE(clients_over_unix_paths),          CASE(what_belongs_to_switches_and_names),
    CASE(what_belongs_to_a_loop),           BLOCKING_OF_UNIX(received_descriptors),
};

TEST_MAIN("inherit")
