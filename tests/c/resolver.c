#include "resolver.h"

#include "harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ADDRESSES = 8 };

static struct {
    pthread_mutex_t lock;
    char name[64];
    char addresses[MOST_ADDRESSES][64];
    size_t count;
    int eai;
    gate_t *gate;
} answer = {.lock = PTHREAD_MUTEX_INITIALIZER};
static atomic_int begun;
static atomic_int ended;
static atomic_int blocked;

void resolver_set(const char *name, const char *const *addresses, int eai, gate_t *gate)
{
    pthread_mutex_lock(&answer.lock);
    strncpy(answer.name, name, sizeof(answer.name) - 1);
    answer.count = 0;
    for (; addresses && addresses[answer.count]; answer.count++)
        strncpy(answer.addresses[answer.count], addresses[answer.count], 63);
    answer.eai = eai;
    answer.gate = gate;
    pthread_mutex_unlock(&answer.lock);
}

int resolver_begun(void)
{
    return atomic_load(&begun);
}

int resolver_ended(void)
{
    return atomic_load(&ended);
}

int resolver_signals_were_blocked(void)
{
    return atomic_load(&blocked);
}

/* One entry and its address in one piece of memory. */
static struct addrinfo *make_entry(const char *host, uint16_t port)
{
    struct {
        struct addrinfo info;
        struct sockaddr_storage name;
    } *entry = calloc(1, sizeof(*entry));
    struct sockaddr_in *v4 = (struct sockaddr_in *)&entry->name;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&entry->name;

    if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        entry->info.ai_addrlen = sizeof(*v4);
    } else {
        REQUIRE(inet_pton(AF_INET6, host, &v6->sin6_addr) == 1);
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons(port);
        entry->info.ai_addrlen = sizeof(*v6);
    }
    entry->info.ai_family = entry->name.ss_family;
    entry->info.ai_socktype = SOCK_STREAM;
    entry->info.ai_protocol = IPPROTO_TCP;
    entry->info.ai_addr = (struct sockaddr *)&entry->name;
    return &entry->info;
}

static void note_signals(void)
{
    sigset_t mask;

    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    atomic_store(&blocked, sigismember(&mask, SIGINT) && sigismember(&mask, SIGTERM) &&
                               sigismember(&mask, SIGUSR1) && sigismember(&mask, SIGALRM));
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                struct addrinfo **result)
{
    uint16_t port = (uint16_t)(service ? atoi(service) : 0);
    struct addrinfo **last = result;
    int family = hints ? hints->ai_family : AF_UNSPEC;
    gate_t *gate;
    int rc = 0;

    atomic_fetch_add(&begun, 1);
    note_signals();
    *result = NULL;
    pthread_mutex_lock(&answer.lock);
    if (!node || strcmp(node, answer.name) != 0)
        rc = EAI_NONAME;
    else if (answer.count == 0)
        rc = answer.eai;
    for (size_t i = 0; rc == 0 && i < answer.count; i++) {
        struct addrinfo *entry = make_entry(answer.addresses[i], port);

        if (family != AF_UNSPEC && family != entry->ai_family) {
            free(entry);
            continue;
        }
        *last = entry;
        last = &entry->ai_next;
    }
    gate = answer.gate;
    pthread_mutex_unlock(&answer.lock);
    if (gate && family == AF_UNSPEC)
        gate_wait(gate);
    if (rc == 0 && !*result)
        rc = EAI_NONAME;
    if (rc == EAI_SYSTEM)
        errno = EIO;
    atomic_fetch_add(&ended, 1);
    return rc;
}

void freeaddrinfo(struct addrinfo *list)
{
    while (list) {
        struct addrinfo *next = list->ai_next;

        free(list);
        list = next;
    }
}
