/* The log callback. */
#include "child.h"
#include "wire.h"

typedef struct {
    atomic_int messages;
    atomic_int wrong;
    int most;
    atomic_int rc_inside;
    bool register_inside;
} sink_t;

static void on_message(int level, const char *message, void *user_data)
{
    sink_t *sink = user_data;

    atomic_fetch_add(&sink->messages, 1);
    if (level < EN_LOG_ERROR || level > sink->most || !message || !*message ||
        strchr(message, '\n'))
        atomic_fetch_add(&sink->wrong, 1);
    if (sink->register_inside)
        atomic_store(&sink->rc_inside, en_set_log_callback(EN_LOG_OFF, NULL, NULL));
}

static void connect_and_close(void)
{
    wire_t wire;

    wire_open(&wire, protocol_line(), NULL);
    CHECK_OK(send_text(wire.client, "x"));
    wire_close(&wire);
}

static void connections_are_talked_about(void)
{
    sink_t sink = {.most = EN_LOG_TRACE};

    CHECK_OK(en_set_log_callback(EN_LOG_TRACE, on_message, &sink));
    connect_and_close();
    CHECK_OK(en_set_log_callback(EN_LOG_OFF, on_message, &sink));
    CHECK(atomic_load(&sink.messages) > 0);
    CHECK_INT(atomic_load(&sink.wrong), 0);
}

static void only_what_was_asked_for(void)
{
    sink_t sink = {.most = EN_LOG_ERROR};

    CHECK_OK(en_set_log_callback(EN_LOG_ERROR, on_message, &sink));
    connect_and_close();
    CHECK_OK(en_set_log_callback(EN_LOG_TRACE, NULL, NULL));
    CHECK_INT(atomic_load(&sink.wrong), 0);
}

static void off_is_off(void)
{
    sink_t sink = {.most = EN_LOG_TRACE};
    int before;

    CHECK_OK(en_set_log_callback(EN_LOG_TRACE, on_message, &sink));
    connect_and_close();
    CHECK_OK(en_set_log_callback(EN_LOG_TRACE, NULL, NULL));
    before = atomic_load(&sink.messages);
    connect_and_close();
    CHECK_INT(atomic_load(&sink.messages), before);
}

static void not_from_inside(void)
{
    sink_t sink = {.most = EN_LOG_TRACE, .register_inside = true};

    CHECK_OK(en_set_log_callback(EN_LOG_TRACE, on_message, &sink));
    connect_and_close();
    CHECK_OK(en_set_log_callback(EN_LOG_OFF, NULL, NULL));
    CHECK_CODE(atomic_load(&sink.rc_inside), EN_EDEADLK);
}

static void levels_that_are_none(void)
{
    CHECK_CODE(en_set_log_callback(-1, on_message, NULL), EN_EINVAL);
    CHECK_CODE(en_set_log_callback(EN_LOG_TRACE + 1, on_message, NULL), EN_EINVAL);
}

static gate_t inside;
static gate_t forked;

static void stay_inside(int level, const char *message, void *user_data)
{
    (void)level;
    (void)message;
    (void)user_data;
    gate_open(&inside);
    gate_wait(&forked);
}

static void talk(void *arg)
{
    (void)arg;
    connect_and_close();
}

/* In a child: whether it can have a callback of its own. */
static int log_otherwise(void)
{
    sink_t sink = {.most = EN_LOG_TRACE};

    EXPECT(en_set_log_callback(EN_LOG_TRACE, on_message, &sink) == EN_OK);
    connect_and_close();
    EXPECT(atomic_load(&sink.messages) > 0);
    EXPECT(en_set_log_callback(EN_LOG_OFF, NULL, NULL) == EN_OK);
    return 0;
}

static void a_child_forked_while_another_thread_talks_has_a_callback_of_its_own(void)
{
    thread_t thread;

    CHECK_OK(en_set_log_callback(EN_LOG_TRACE, stay_inside, NULL));
    thread_start(&thread, talk, NULL);
    gate_wait(&inside);
    CHECK_IN_CHILD(log_otherwise());
    gate_open(&forked);
    thread_join(&thread);
    CHECK_OK(en_set_log_callback(EN_LOG_OFF, NULL, NULL));
}

static const test_case_t cases[] = {
    CASE(connections_are_talked_about),
    CASE(only_what_was_asked_for),
    CASE(off_is_off),
    CASE(not_from_inside),
    CASE(levels_that_are_none),
    CASE(a_child_forked_while_another_thread_talks_has_a_callback_of_its_own),
};

TEST_MAIN("log")
