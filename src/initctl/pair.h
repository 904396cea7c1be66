/*
 * pair: connections that were accepted outside, each to be joined to a socket of the container's
 * network. Those for which there is no such socket yet are in a queue; init is asked for one at a
 * time. Then it is connected, to one address of the target after another until one answers.
 * A connection that cannot be is reset, with a line on stderr.
 */
#ifndef INITCTL_PAIR_H
#define INITCTL_PAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "inet.h"

enum { PAIRS = 16384 /* at once, at most */ };

/*
 * Sets the connection to init, which does not block and stays the caller's, and the key of the
 * first pair's events; those of all have the 2 * PAIRS numbers from there on. splicer_setup() is
 * to be called as well.
 */
void pair_setup(int init, uint64_t key);

/* How many there are. */
unsigned pair_count(void);

/* Begins one; fd, which does not block, is its own. There has to be room: see PAIRS. */
void pair_begin(const struct inet_host *target, int fd);

/* To be called for each event, with the number that it has from the key on. */
void pair_event(unsigned number, uint32_t events);

/* Asks init for the socket that is needed next, if it is not busy with another. */
void pair_ask(void);

/*
 * Receives what init replies. Returns false if the container has ended: those that wait for a
 * socket are given up. To be called after all events that were taken from the kernel have been
 * seen, since it may use pairs and descriptors again that the rest of the events were for.
 */
bool pair_take_reply(void);

/* When the first of the queue has waited for --timeout, as sys_now(), or -1; gives up those. */
long long pair_expiry(void);
void pair_expire(void);

#endif
