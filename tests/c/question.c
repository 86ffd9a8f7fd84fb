#include "question.h"

#include <easynet.h>

int question_ask(void *user_data)
{
    question_t *question = user_data;

    atomic_fetch_add(&question->asked, 1);
    return atomic_load(&question->answer);
}

void question_destroy(void *user_data)
{
    question_t *question = user_data;

    atomic_fetch_add(&question->destroyed, 1);
}

int never_interrupted(void *user_data)
{
    (void)user_data;
    return EN_CALLBACK_DONE;
}
