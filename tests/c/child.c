#include "child.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t child_fork(void)
{
    pid_t child = fork();

    REQUIRE(child >= 0);
    if (child == 0)
        alarm(60); /* the parent's watchdog does not watch here */
    return child;
}

void child_exit(const char *file, int line)
{
    if (line)
        fprintf(stderr, "%s:%d: in a child: %s\n", file, line, en_last_error_message());
    _exit(line ? 1 : 0);
}

bool child_succeeds(pid_t child)
{
    int status = 0;

    REQUIRE(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}
