/* How calls of UDP and Unix clients wait: until a switch is thrown, asking every so often whether
 * to go on, and looking for a while before they sleep. */
#include "families.h"
#include "peer.h"
#include "question.h"

#include <errno.h>
#include <unistd.h>

/* So often a busy machine may be late. */
enum { TRIES = 5 };

static char large[1 << 16];

static en_cancel_t *cancel_new(void)
{
    en_cancel_t *cancel = NULL;

    REQUIRE_OK(en_cancel_new(&cancel));
    return cancel;
}

/* Throws the switch while the call waits. */
static void check_cancelled(waiter_t *waiter, en_cancel_t *cancel)
{
    int64_t start = now_ms();

    CHECK_OK(en_cancel_trigger(cancel));
    CHECK_CODE(waiter_end(waiter), EN_ECANCELED);
    CHECK_TOOK(start, 0);
    CHECK_OK(en_cancel_reset(cancel));
}

static void a_switch_ends_a_receive(const family_t *family)
{
    wishes_t wishes = {.cancel = cancel_new()};
    member_t member;
    waiter_t waiter;

    member_open(&member, family, &wishes);
    waiter_receives(&waiter, member.view);
    check_cancelled(&waiter, wishes.cancel);
    CHECK_OK(en_cancel_trigger(wishes.cancel));
    CHECK_GET_FAILS(member.view, EN_TIMEOUT_INFINITE, EN_ECANCELED);
    CHECK_GET_FAILS(member.view, 1000, EN_ECANCELED);
    CHECK_INT(en_client_is_closed(member.view), 0);
    CHECK_OK(en_cancel_reset(wishes.cancel));
    en_cancel_free(wishes.cancel); /* the client keeps it alive */
    member_peer_sends(&member, "after");
    CHECK_GET(member.view, "after");
    CHECK_OK(put_text(member.view, "back"));
    member_peer_expects(&member, "back");
    member_close(&member);
}

/* Takes from the peer's socket what is there. */
static void empty(int fd)
{
    static char sink[1 << 17];

    while (recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0)
        ;
}

/* After a send that was ended: half a packet may be out on a stream, never half a datagram. */
static void check_after_sending(member_t *member)
{
    empty(member->fd);
    if (member->family->is_stream) {
        CHECK_CODE(put_text(member->view, "x"), EN_EPIPE);
    } else {
        CHECK_OK(put_text(member->view, "usable"));
        member_peer_expects(member, "usable");
    }
    member_peer_sends(member, "receiving goes on");
    CHECK_GET(member->view, "receiving goes on");
}

static void a_switch_ends_a_send(const family_t *family)
{
    wishes_t wishes = {.cancel = cancel_new()};
    member_t member;
    waiter_t waiter;

    member_open(&member, family, &wishes);
    waiter_sends(&waiter, member.view, large, sizeof(large));
    check_cancelled(&waiter, wishes.cancel);
    check_after_sending(&member);
    member_close(&member);
    en_cancel_free(wishes.cancel);
}

static wishes_t asking(question_t *question)
{
    wishes_t wishes = {.retry_ms = 20,
                       .interrupted = question_ask,
                       .destroy = question_destroy,
                       .user_data = question};

    return wishes;
}

static void a_receive_asks(const family_t *family)
{
    question_t question = {.answer = EN_CALLBACK_DONE};
    wishes_t wishes = asking(&question);
    member_t member;
    int64_t start;

    member_open(&member, family, &wishes);
    start = now_ms();
    CHECK_GET_FAILS(member.view, 300, EN_ETIMEDOUT);
    CHECK_TOOK(start, 300);
    CHECK(atomic_load(&question.asked) >= 3);
    atomic_store(&question.asked, 0); /* who does not wait is not to be asked */
    CHECK_GET_FAILS(member.view, 0, EN_ETIMEDOUT);
    CHECK_INT(atomic_load(&question.asked), 0);
    atomic_store(&question.answer, EN_ECANCELED);
    CHECK_GET_FAILS(member.view, EN_TIMEOUT_INFINITE, EN_ECANCELED);
    atomic_store(&question.answer, EN_EUSER_BASE - 4);
    CHECK_GET_FAILS(member.view, EN_TIMEOUT_INFINITE, EN_EUSER_BASE - 4);
    atomic_store(&question.answer, EN_CALLBACK_DONE);
    member_peer_sends(&member, "after");
    CHECK_GET(member.view, "after");
    CHECK_INT(atomic_load(&question.destroyed), 0);
    member_close(&member);
    CHECK_INT(atomic_load(&question.destroyed), 1);
}

/* A call that already waits is ended by the answer, too. */
static void a_waiting_receive_asks(const family_t *family)
{
    question_t question = {.answer = EN_CALLBACK_DONE};
    wishes_t wishes = asking(&question);
    member_t member;
    waiter_t waiter;

    member_open(&member, family, &wishes);
    waiter_starts_receiving(&waiter, member.view);
    WAIT_FOR(atomic_load(&question.asked) >= 5);
    atomic_store(&question.answer, EN_ECANCELED);
    CHECK_CODE(waiter_end(&waiter), EN_ECANCELED);
    member_close(&member);
}

/* It does not sleep meanwhile, and asks all the same. */
static void a_receive_that_looks_asks(void)
{
    question_t question = {.answer = EN_CALLBACK_DONE};
    wishes_t wishes = asking(&question);
    int64_t took = 1000;
    member_t member;
    waiter_t waiter;

    wishes.busy_poll_us = 1000 * 1000;
    member_open(&member, &family_unix_stream, &wishes);
    for (int i = 0; i < TRIES && took > 800; i++) {
        int64_t start = now_ms();

        atomic_store(&question.asked, 0);
        atomic_store(&question.answer, EN_CALLBACK_DONE);
        waiter_starts_receiving(&waiter, member.view);
        WAIT_FOR(atomic_load(&question.asked) >= 3);
        atomic_store(&question.answer, EN_ECANCELED);
        CHECK_CODE(waiter_end(&waiter), EN_ECANCELED);
        took = now_ms() - start;
    }
    CHECK(took <= 800);
    member_close(&member);
}

static void a_send_asks(const family_t *family)
{
    question_t question = {.answer = EN_CALLBACK_DONE};
    wishes_t wishes = asking(&question);
    member_t member;
    waiter_t waiter;
    uint64_t sent;
    int asked;

    member_open(&member, family, &wishes);
    waiter_starts_sending(&waiter, member.view, large, sizeof(large));
    do { /* it asks again and again, and no packet goes out meanwhile */
        sent = member_stats(&member).packets_sent;
        asked = atomic_load(&question.asked);
        WAIT_FOR(atomic_load(&question.asked) >= asked + 5);
    } while (sent != member_stats(&member).packets_sent);
    atomic_store(&question.answer, EN_ECANCELED);
    CHECK_CODE(waiter_end(&waiter), EN_ECANCELED);
    atomic_store(&question.answer, EN_CALLBACK_DONE);
    check_after_sending(&member);
    member_close(&member);
}

static void it_looks_before_it_sleeps(const family_t *family)
{
    wishes_t wishes = {.busy_poll_us = 50000};
    member_t member;
    waiter_t waiter;
    uint64_t calls;
    int64_t start;

    member_open(&member, family, &wishes);
    start = now_ms();
    CHECK_GET_FAILS(member.view, 200, EN_ETIMEDOUT);
    CHECK_TOOK(start, 200);
    calls = member_stats(&member).recv_calls;
    CHECK(calls > 20);
    CHECK_GET_FAILS(member.view, 0, EN_ETIMEDOUT);
    CHECK(member_stats(&member).recv_calls <= calls + 2);
    member_peer_sends(&member, "there");
    CHECK_GET(member.view, "there");
    calls = member_stats(&member).recv_calls;
    waiter_starts_receiving(&waiter, member.view);
    WAIT_FOR(member_stats(&member).recv_calls > calls);
    thread_wait_blocked(&waiter.thread); /* has looked for long enough and sleeps */
    member_peer_sends(&member, "late");
    CHECK_OK(waiter_end(&waiter));
    member_close(&member);

    member_open(&member, family, NULL);
    CHECK_GET_FAILS(member.view, 200, EN_ETIMEDOUT);
    CHECK(member_stats(&member).recv_calls <= 10);
    member_close(&member);
}

/* To look is part of the time. */
static void looking_ends_in_time(void)
{
    static const int64_t time_outs[] = {50, 950};
    wishes_t wishes = {.busy_poll_us = 900 * 1000};
    member_t member;

    member_open(&member, &family_unix_stream, &wishes);
    for (int i = 0; i < 2; i++) {
        int64_t took = 2000;

        for (int k = 0; k < TRIES && took > time_outs[i] + 500; k++) {
            int64_t start = now_ms();

            CHECK_GET_FAILS(member.view, time_outs[i], EN_ETIMEDOUT);
            took = now_ms() - start;
        }
        CHECK(took <= time_outs[i] + 500);
    }
    member_close(&member);
}

static void signals_end_nothing(const family_t *family)
{
    member_t member;
    storm_t storm;
    int64_t start;

    member_open(&member, family, NULL);
    storm_start(&storm, pthread_self());
    start = now_ms();
    CHECK_GET_FAILS(member.view, 300, EN_ETIMEDOUT);
    CHECK_TOOK(start, 300);
    CHECK(storm_stop(&storm) > 3);
    member_close(&member);
}

static void signals_end_no_send(const family_t *family)
{
    member_t member;
    storm_t storm;
    int64_t start;
    int rc;

    member_open(&member, family, NULL);
    while (send(en_client_fileno(member.view), large, 1000, MSG_DONTWAIT) > 0)
        ;
    storm_start(&storm, pthread_self());
    start = now_ms();
    rc = en_client_send_packet(member.view, large, 1000, 300);
    CHECK_TOOK(start, 300);
    CHECK(storm_stop(&storm) > 3);
    CHECK_CODE(rc, EN_ETIMEDOUT);
    empty(member.fd);
    CHECK_OK(put_text(member.view, "as before"));
    member_peer_expects(&member, "as before");
    member_close(&member);
}

/* Waiting for another thread's receive is part of the time. */
static void a_turn_counts(const family_t *family)
{
    member_t member;
    waiter_t waiter;
    int64_t start;

    member_open(&member, family, NULL);
    waiter_receives(&waiter, member.view);
    start = now_ms();
    CHECK_GET_FAILS(member.view, 150, EN_ETIMEDOUT);
    CHECK_TOOK(start, 150);
    CHECK_GET_FAILS(member.view, 0, EN_ETIMEDOUT);
    CHECK_OK(put_text(member.view, "out")); /* sending has a turn of its own */
    member_peer_expects(&member, "out");
    member_peer_sends(&member, "in");
    CHECK_OK(waiter_end(&waiter));
    member_close(&member);
}

/* What a waiting function of the application is told, and does. */
typedef struct {
    member_t *member;
    int fd;
    int interest;
    int64_t timeout_ms;
    int calls;
    int answer; /* to the second and later calls */
    int destroyed;
} scheduler_t;

static int wait_by_itself(int fd, int interest, int64_t timeout_ms, void *user_data)
{
    scheduler_t *scheduler = user_data;

    scheduler->fd = fd;
    scheduler->interest = interest;
    scheduler->timeout_ms = timeout_ms;
    if (++scheduler->calls > 1)
        return scheduler->answer;
    member_peer_sends(scheduler->member, "meanwhile");
    wait_readable(fd);
    return EN_CALLBACK_DONE;
}

static void count_destroyed(void *user_data)
{
    ((scheduler_t *)user_data)->destroyed++;
}

static void the_application_waits(const family_t *family)
{
    member_t member;
    scheduler_t scheduler = {.member = &member, .answer = EN_EUSER_BASE - 7};
    wishes_t wishes = {.wait = wait_by_itself, .destroy = count_destroyed, .user_data = &scheduler};

    member_open(&member, family, &wishes);
    CHECK_GET(member.view, "meanwhile");
    CHECK_INT(scheduler.calls, 1);
    CHECK_INT(scheduler.fd, en_client_fileno(member.view));
    CHECK_INT(scheduler.interest, EN_INTEREST_READ);
    CHECK_GET_FAILS(member.view, EN_TIMEOUT_INFINITE, EN_EUSER_BASE - 7);
    CHECK_INT(scheduler.calls, 2);
    CHECK(scheduler.timeout_ms < 0);
    scheduler.answer = EN_ECANCELED;
    CHECK_GET_FAILS(member.view, EN_TIMEOUT_INFINITE, EN_ECANCELED);
    CHECK_MESSAGE("the wait callback ended the call");
    scheduler.answer = EN_ETIMEDOUT;
    CHECK_GET_FAILS(member.view, EN_TIMEOUT_INFINITE, EN_EINVAL);
    CHECK_INT(scheduler.destroyed, 0);
    member_close(&member);
    CHECK_INT(scheduler.destroyed, 1);
}

FOR_EACH_FAMILY(the_application_waits)
FOR_EACH_FAMILY(a_switch_ends_a_receive)
FOR_UNIX_FAMILIES(a_switch_ends_a_send)
FOR_EACH_FAMILY(a_receive_asks)
FOR_EACH_FAMILY(a_waiting_receive_asks)
FOR_UNIX_FAMILIES(a_send_asks)
FOR_EACH_FAMILY(it_looks_before_it_sleeps)
FOR_EACH_FAMILY(signals_end_nothing)
FOR_UNIX_FAMILIES(signals_end_no_send)
FOR_EACH_FAMILY(a_turn_counts)

static const test_case_t cases[] = {
    BLOCKING_OF_EACH(the_application_waits),  BLOCKING_OF_EACH(a_switch_ends_a_receive),
    BLOCKING_OF_UNIX(a_switch_ends_a_send),   BLOCKING_OF_EACH(a_receive_asks),
    BLOCKING_OF_EACH(a_waiting_receive_asks), BLOCKING_OF_UNIX(a_send_asks),
    CASE_BLOCKING(a_receive_that_looks_asks), BLOCKING_OF_EACH(it_looks_before_it_sleeps),
    CASE_BLOCKING(looking_ends_in_time),      CASE_OF_EACH(signals_end_nothing),
    CASE_OF_UNIX(signals_end_no_send),        CASE_OF_EACH(a_turn_counts),
};

TEST_MAIN("waiting")
