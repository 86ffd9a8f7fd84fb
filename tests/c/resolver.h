/* getaddrinfo in place of the system's: the program exports it, so the library finds it. */
#ifndef RESOLVER_H
#define RESOLVER_H

#include "threads.h"

#include <stdint.h>

/* What a name stands for, until the next call: addresses (in this order, NULL ends) or, if there
 * are none, an EAI_ code. If there is a gate, who asks for both families waits until it is open. */
void resolver_set(const char *name, const char *const *addresses, int eai, gate_t *gate);
/* How many lookups have begun, and how many have ended. */
int resolver_begun(void);
int resolver_ended(void);
/* Signals that were blocked in the thread of the last lookup: 1 if all that can be were. */
int resolver_signals_were_blocked(void);

#endif
