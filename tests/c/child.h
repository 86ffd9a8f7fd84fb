/* What is checked in forked children. A child reports by its exit status; the line of the first
 * thing that is not as it should be is printed. */
#ifndef CHILD_H
#define CHILD_H

#include "harness.h"

#include <sys/types.h>

/* In what a child does: answers the line where something is not as it should be. */
#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition))                                                                          \
            return __LINE__;                                                                       \
    } while (0)

/* Has a child do `work`, which answers a line, or 0. */
#define CHECK_IN_CHILD(work)                                                                       \
    do {                                                                                           \
        pid_t child = child_fork();                                                                \
                                                                                                   \
        if (child == 0)                                                                            \
            child_exit(__FILE__, (work));                                                          \
        CHECK(child_succeeds(child));                                                              \
    } while (0)

/* As fork(2); the child has a watchdog of its own. */
pid_t child_fork(void);
_Noreturn void child_exit(const char *file, int line);
/* Waits for the child; whether it has exited with 0. */
bool child_succeeds(pid_t child);

#endif
