/* The application's answer to whether a call that waits shall go on. */
#ifndef QUESTION_H
#define QUESTION_H

#include <stdatomic.h>

typedef struct {
    atomic_int asked;
    atomic_int answer;
    atomic_int destroyed;
} question_t;

/* What `en_..._options_set_retry_interval` is given, with a question as user data. */
int question_ask(void *user_data);
void question_destroy(void *user_data);
/* The same for who always goes on. */
int never_interrupted(void *user_data);

#endif
